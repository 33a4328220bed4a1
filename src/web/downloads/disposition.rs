//! The name under which a browser saves a file.
//!
//! Owns: whatever a file is called, it is one header with one name in it.

use axum::http::HeaderValue;

/// To be saved.
pub(super) fn attachment(name: &str) -> HeaderValue {
    named("attachment", name)
}

/// To be looked at.
pub(super) fn inline(name: &str) -> HeaderValue {
    named("inline", name)
}

/// `Content-Disposition`: the name in ASCII for old browsers, and as RFC 6266 has it.
fn named(how: &'static str, name: &str) -> HeaderValue {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '_' })
        .map(|c| if matches!(c, '"' | '\\' | '%' | '/' | ';') { '_' } else { c })
        .collect();
    let text = format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{}", percent(name));
    // Nothing but graphic ASCII is left in it.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(how))
}

/// The `attr-char` of RFC 8187, which no URL minds either; the rest is written in hexadecimal.
pub(super) fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_names() {
        let plain = attachment("S1_0007 Larson.jpg");
        assert_eq!(plain, "attachment; filename=\"S1_0007 Larson.jpg\"; filename*=UTF-8''S1_0007%20Larson.jpg");
        for name in [
            "a\r\nSet-Cookie: x=1.jpg",
            "a\"; filename=\"b.exe",
            "a\\\".jpg",
            "Grüße 日本.zip",
            "../../etc/passwd",
            "a\0b",
            "%2e%2e%2fx",
            "a;b.jpg",
            "\u{202e}gpj.exe",
            "",
            "a\u{7f}b",
        ] {
            let header = attachment(name);
            let text = header.to_str().unwrap();
            assert!(text.bytes().all(|b| (0x20..0x7f).contains(&b)), "{text}");
            assert_eq!(text.matches('"').count(), 2, "{text}");
            assert_eq!(text.matches(';').count(), 2, "{text}");
            let (_, encoded) = text.split_once("filename*=UTF-8''").unwrap();
            assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)), "{text}");
        }
    }
}
