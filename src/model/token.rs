//! The secret that a download link is made of.
//!
//! Owns: a token is shown where it was asked for and nowhere else; what is kept to find its link by is its digest.

use super::digest::sha256;

/// 256 bits: more than anybody can guess.
pub const TOKEN_BYTES: usize = 32;
/// Of the base64url form, which has no padding.
const TOKEN_CHARS: usize = 43;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// See the module.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// Of random bytes.
    pub fn of(bytes: [u8; TOKEN_BYTES]) -> Token {
        Token(base64url(&bytes))
    }

    /// What has the form of one.
    pub fn parse(text: &str) -> Option<Token> {
        let fine = text.len() == TOKEN_CHARS && text.bytes().all(|b| ALPHABET.contains(&b));
        fine.then(|| Token(text.to_string()))
    }

    /// The end of a link.
    pub fn of_url(url: &str) -> Option<Token> {
        Token::parse(url.rsplit('/').next()?)
    }

    /// Where the download pages are at `public_url`.
    pub fn url(&self, public_url: &str) -> String {
        format!("{public_url}/d/{}", self.0)
    }

    /// As it stands in the link: for whoever has the link.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// By which a link is found: 64 hexadecimal digits that lead nowhere by themselves.
    pub fn hash(&self) -> String {
        sha256(self.0.as_bytes())
    }

    /// A PIN as it is kept: without the token, ten thousand tries would not find it.
    pub fn seal(&self, pin: &str) -> String {
        sha256(format!("pin {} {pin}", self.0).as_bytes())
    }
}

/// Four digits from random bytes; too few bytes to be even would be less than one part in a million off.
pub fn pin(bytes: [u8; 8]) -> String {
    format!("{:04}", u64::from_le_bytes(bytes) % 10_000)
}

/// RFC 4648, section 5, without padding.
pub fn base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(word >> (18 - 6 * at) & 63) as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_base64url() {
        for (bytes, text) in [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg")] {
            assert_eq!(base64url(bytes.as_bytes()), text);
        }
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
        let token = Token::of([0xff; TOKEN_BYTES]);
        assert_eq!(Token::parse(&token.0), Some(token.clone()));
        assert_eq!(Token::of_url(&token.url("https://p.example/x")), Some(token.clone()));
        assert!(!format!("{token:?}").contains(&token.0));
        for bad in ["", "abc", &"a".repeat(44), &"ä".repeat(21), &format!("{}/", "a".repeat(42))] {
            assert_eq!(Token::parse(bad), None);
        }
    }
}
