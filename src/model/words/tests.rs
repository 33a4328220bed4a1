use super::*;
use jiff::civil::date;
use serde_json::Value;

/// Where each text stands, and the text.
fn texts(words: &Words) -> Vec<(String, String)> {
    fn walk(at: &str, value: &Value, out: &mut Vec<(String, String)>) {
        match value {
            Value::String(text) => out.push((at.to_string(), text.clone())),
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(i, value)| walk(&format!("{at}[{i}]"), value, out));
            }
            Value::Object(map) => map.iter().for_each(|(key, value)| walk(&format!("{at}.{key}"), value, out)),
            _ => unreachable!("{at}"),
        }
    }
    let mut out = Vec::new();
    walk("", &serde_json::to_value(words).unwrap(), &mut out);
    out
}

#[test]
fn every_language_says_everything_in_words_of_its_own() {
    let is_name =
        |at: &str| at.starts_with(".months") || at.starts_with(".weekdays") || at == ".decimal_point" || at == ".byte";
    for (index, words) in ALL.into_iter().enumerate() {
        let texts_here = texts(words);
        for other in &ALL[..index] {
            for ((at, text), (at_other, theirs)) in texts_here.iter().zip(texts(other)) {
                assert_eq!(*at, at_other);
                assert_eq!(text.matches("{}").count(), theirs.matches("{}").count(), "{at}: {text}");
                // The one word that is the same wherever there are cash machines.
                let may_be_equal = is_name(at) || at == ".page.pin";
                assert!(
                    may_be_equal || *text != theirs,
                    "{at} is `{text}` in {} and {}",
                    words.language,
                    other.language
                );
            }
        }
        for (at, text) in &texts_here {
            let fine = text.trim() == text && !text.is_empty() && !text.contains("  ") && !text.contains(['\'', '"']);
            assert!(fine, "{} {at}: `{text}`", words.language);
            // A mark that French parts from its word must not stand alone in the next line; other languages part none.
            for mark in [':', '?', '!', ';'] {
                let before = text.split(mark).rev().skip(1).filter_map(|part| part.chars().last());
                let expected = |c: char| if words.language == "fr" { c == '\u{a0}' } else { !c.is_whitespace() };
                assert!(before.into_iter().all(expected), "{} {at}: `{text}`", words.language);
            }
        }
    }
}

#[test]
fn a_language_is_found_by_its_tag_and_by_what_a_browser_likes_best() {
    for (tag, language) in [("de", "de"), (" DE_at ", "de"), ("es-419", "es"), ("fr-CA", "fr"), ("en", "en")] {
        assert_eq!(Words::of(tag).map(|words| words.language), Some(language), "{tag}");
    }
    for unknown in ["", "tlh", "dex", "-", "german"] {
        assert!(Words::of(unknown).is_none(), "{unknown}");
        assert_eq!(Words::of_client(Some(unknown)).language, "en");
    }
    for (header, language) in [
        ("", "en"),
        ("*", "en"),
        ("de", "de"),
        ("de-CH, de;q=0.9, en;q=0.8", "de"),
        ("en;q=0.3, fr;q=0.7, es;q=0.5", "fr"),
        ("nl, es;q=0.1", "es"),
        ("de;q=0, fr;q=0.2", "fr"),
        ("de;q=much, fr ; q = 0.2", "fr"),
        ("de;q=NaN", "en"),
        ("es,fr", "es"),
        (",;,=;q,de", "de"),
    ] {
        assert_eq!(Words::accepted(header).language, language, "{header}");
    }
}

#[test]
fn dates_numbers_and_sizes_are_written_as_people_there_do() {
    let at = |hour| date(2026, 8, 1).at(hour, 5, 0, 0).in_tz("Europe/Berlin").unwrap();
    for (words, moment, one, size) in [
        (&ENGLISH, "Saturday, 1\u{a0}August 2026, 14:05", "1 picture", "2.5\u{a0}MB"),
        (&GERMAN, "Samstag, 1.\u{a0}August 2026, 14:05\u{a0}Uhr", "1 Bild", "2,5\u{a0}MB"),
        (&SPANISH, "sábado 1\u{a0}de agosto de 2026 a las 14:05", "1 foto", "2,5\u{a0}MB"),
        (&FRENCH, "samedi 1er\u{a0}août 2026 à 14\u{a0}h\u{a0}05", "1 photo", "2,5\u{a0}Mo"),
    ] {
        assert_eq!(words.moment(&at(14)), moment);
        assert_eq!(words.pictures(1), one);
        let more = words.pictures(40);
        assert!(more.starts_with("40 ") && more.ends_with('s') | more.ends_with("er"), "{more}");
        assert_eq!(words.bytes(2_500_000), size);
        let wait = |seconds| words.page.pin_wait(Duration::from_secs(seconds));
        assert!(wait(1) == wait(60) && wait(61).contains('2') && !wait(60).contains('1'), "{}", wait(61));
        assert!(words.page.place(3, 40).starts_with("3 ") && words.page.place(3, 40).ends_with(" 40"));
    }
    assert!(SPANISH.moment(&at(1)).ends_with(" a la 1:05"));
    assert_eq!((FRENCH.bytes(512).as_str(), GERMAN.bytes(512).as_str()), ("512\u{a0}o", "512\u{a0}B"));
}
