//! Numbers of things in our texts.

use std::fmt::Display;

/// `1 print`, `2 prints`: for things whose plural is theirs with an s.
pub fn counted(number: impl Display, one: &str) -> String {
    let number = number.to_string();
    let s = if number == "1" { "" } else { "s" };
    format!("{number} {one}{s}")
}
