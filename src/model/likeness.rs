//! Texts for machines that know few characters: the nearest that they can say.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// A text in fewer characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likeness {
    pub text: String,
    /// Something has no likeness and became `_`.
    pub lost: bool,
}

/// In printable ASCII on one line: letters without their accents, plain quotes and dashes.
pub fn ascii(text: &str) -> Likeness {
    like(text, |c| c.is_ascii())
}

/// In the printable characters of Latin-1 on one line.
pub fn latin1(text: &str) -> Likeness {
    like(text, |c| u32::from(c) <= 0xff)
}

fn like(text: &str, is_known: impl Fn(char) -> bool) -> Likeness {
    let mut out = Likeness { text: String::new(), lost: false };
    for c in text.nfc() {
        if c.is_control() || c.is_whitespace() {
            // Not the end of a line, whatever it was.
            out.text.push(' ');
        } else if super::name::is_control_or_bidi(c) || matches!(c, '\u{200c}' | '\u{200d}') {
            // It shows nothing.
        } else if is_known(c) {
            out.text.push(c);
        } else if let Some(likeness) = of_one(c) {
            out.text += &likeness;
        } else {
            out.text.push('_');
            out.lost = true;
        }
    }
    out.text = out.text.trim().to_string();
    out
}

/// In ASCII; `None` where there is none.
fn of_one(c: char) -> Option<String> {
    let known = match c {
        'ß' => "ss",
        'ẞ' => "SS",
        'æ' => "ae",
        'Æ' => "AE",
        'œ' => "oe",
        'Œ' => "OE",
        'ø' => "o",
        'Ø' => "O",
        'ł' => "l",
        'Ł' => "L",
        'đ' | 'ð' => "d",
        'Đ' | 'Ð' => "D",
        'þ' => "th",
        'Þ' => "Th",
        'ı' => "i",
        '‘' | '’' | '‚' | '′' | '`' | '´' => "'",
        '“' | '”' | '„' | '«' | '»' | '″' => "\"",
        '‐' | '‑' | '‒' | '–' | '—' | '−' | '·' | '•' => "-",
        '×' => "x",
        '€' => "EUR",
        '©' => "(c)",
        '®' => "(R)",
        _ => "",
    };
    if !known.is_empty() {
        return Some(known.to_string());
    }
    let plain: String = c.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    (!plain.is_empty() && plain.bytes().all(|b| b.is_ascii_graphic())).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn letters_lose_what_a_machine_does_not_know() {
        let lossless = |text: &str| {
            let Likeness { text, lost } = ascii(text);
            assert!(!lost, "{text}");
            text
        };
        assert_eq!(lossless("Ǻsa Müller-Groß"), "Asa Muller-Gross");
        assert_eq!(lossless("Łukasz Ørsted, “Æbler” – ﬁn"), "Lukasz Orsted, \"AEbler\" - fin");
        assert_eq!(lossless(" a\r\nb\u{202e}\tc "), "a  b c");
        assert_eq!(ascii("日本 1"), Likeness { text: "__ 1".into(), lost: true });
        assert_eq!(latin1("Müller “Łó”"), Likeness { text: "Müller \"Ló\"".into(), lost: false });
    }

    proptest! {
        #[test]
        fn nothing_else_comes_out(text in ".{0,80}") {
            prop_assert!(ascii(&text).text.bytes().all(|b| (0x20..0x7f).contains(&b)));
            let text = latin1(&text).text;
            prop_assert!(text.chars().all(|c| u32::from(c) <= 0xff && !c.is_control()), "{text:?}");
        }
    }
}
