//! The text chunks of a PNG: plain, packed, international, and blocks of other formats written as digits.
//!
//! Invariant: no more is unpacked than what is left of the metadata limit. Must not know: what words mean.

use std::io::Read;

use super::super::exif::decoded;
use super::super::iim::property_of_png;

const XMP: &str = "XML:com.adobe.xmp";
const RAW_PROFILE: &str = "Raw profile type ";

/// What a text chunk holds.
#[derive(Debug)]
pub(super) enum Text {
    Words {
        keyword: String,
        text: String,
    },
    Xmp(Vec<u8>),
    /// A block of another format under its name: `exif`, `iptc`, `xmp` …
    Raw {
        name: String,
        block: Vec<u8>,
    },
}

/// Reads a chunk of which something is used; takes what was unpacked off `budget`, in bytes.
pub(super) fn read(kind: [u8; 4], data: &[u8], budget: &mut usize) -> Option<Text> {
    let (keyword, rest) = split(data)?;
    let keyword = decoded(keyword);
    if keyword != XMP && !keyword.starts_with(RAW_PROFILE) && property_of_png(&keyword).is_none() {
        return None;
    }
    let (packed, body) = match &kind {
        b"tEXt" => (false, rest),
        b"zTXt" => (true, rest.strip_prefix(&[0])?),
        _ => {
            let ([packed, _], rest) = rest.split_first_chunk()?;
            (*packed == 1, split(split(rest)?.1)?.1)
        }
    };
    let body = if packed { unpack(body, budget)? } else { body.to_vec() };
    if keyword == XMP {
        return Some(Text::Xmp(body));
    }
    if let Some(name) = keyword.strip_prefix(RAW_PROFILE) {
        return Some(Text::Raw { name: name.to_ascii_lowercase(), block: digits(&body)? });
    }
    // Only the international chunk is UTF-8 by its standard; programs write it into the others too.
    Some(Text::Words { keyword, text: decoded(&body).trim().to_owned() })
}

/// What lies before and behind the first zero.
fn split(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = data.iter().position(|b| *b == 0)?;
    Some((&data[..at], &data[at + 1..]))
}

fn unpack(packed: &[u8], budget: &mut usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let read = flate2::read::ZlibDecoder::new(packed).take(*budget as u64 + 1).read_to_end(&mut out);
    let fits = out.len() <= *budget;
    *budget = budget.saturating_sub(out.len());
    (read.is_ok() && fits).then_some(out)
}

/// A block as it was written by `ImageMagick`: a line with its name, one with its length, lines of hexadecimal digits.
fn digits(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?.trim_start();
    let (_name, rest) = text.split_once('\n')?;
    let (length, rest) = rest.trim_start().split_once('\n')?;
    let digits: Vec<u8> =
        rest.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let block: Vec<u8> = digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect();
    (length.trim().parse() == Ok(block.len())).then_some(block)
}
