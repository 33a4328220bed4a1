//! Numbers of things in our texts, and the articles before them.

use std::fmt::Display;

/// `1 print`, `2 prints`, `2 copies`: for things whose plural ends in an s.
pub fn counted(number: impl Display, one: &str) -> String {
    let number = number.to_string();
    match one.strip_suffix('y') {
        _ if number == "1" => format!("{number} {one}"),
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{number} {stem}ies"),
        _ => format!("{number} {one}s"),
    }
}

/// `an invoice`, `a session`: for words that begin with a vowel that is spoken as one.
pub fn with_article(word: &str) -> String {
    let article = if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_not_several() {
        assert_eq!([counted(1, "copy"), counted(2, "copy"), counted(0, "day")], ["1 copy", "2 copies", "0 days"]);
        assert_eq!([with_article("invoice"), with_article("session")], ["an invoice", "a session"]);
    }
}
