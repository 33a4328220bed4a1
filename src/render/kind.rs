//! What a file is that is not a picture of ours, by its first bytes, and what a person can do about it.
//!
//! Names and extensions are not believed. Must not know: the formats that are read.

/// Bytes of a file's start that are looked at: enough for the brands that a file of the MPEG family lists.
pub(super) const START_BYTES: usize = 64;

pub(super) const RAW: &str = "it is a camera raw file: develop it first";
const HEIC: &str =
    "it is a HEIC picture of a phone: export it as JPEG or TIFF, or set the phone to \"Most Compatible\"";
const AVIF: &str = "it is an AVIF picture";
const JPEG_XL: &str = "it is a JPEG XL picture";
const JPEG_2000: &str = "it is a JPEG 2000 picture";
const FILM: &str = "it is a film";
const WEB_PAGE: &str = "it is a web page: download the picture itself";

/// What begins with which bytes. The first that fits counts.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"8BPS", "it is a Photoshop document"),
    (b"%PDF", "it is a PDF"),
    (b"GIF8", "it is a GIF"),
    (b"BM", "it is a BMP picture"),
    (b"FUJIFILMCCD-RAW", RAW),
    (b"IIU\0", RAW),
    (b"IIRO", RAW),
    (b"IIRS", RAW),
    (b"MMOR", RAW),
    (b"FOVb", RAW),
    (b"\0MRM", RAW),
    (b"\xff\x0a", JPEG_XL),
    (b"\0\0\0\x0cJXL \r\n\x87\n", JPEG_XL),
    (b"\0\0\0\x0cjP  \r\n\x87\n", JPEG_2000),
    (b"\xff\x4f\xff\x51", JPEG_2000),
    (b"PK\x03\x04", "it is a zip archive: unpack it"),
    (b"Rar!", "it is a RAR archive: unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7-Zip archive: unpack it"),
    (
        b"\0\x05\x16\x07",
        "it holds what a Mac keeps beside a file, no picture: its picture has the same name without `._`",
    ),
    (b"<!DOCTYPE", WEB_PAGE),
    (b"<!doctype", WEB_PAGE),
    (b"<html", WEB_PAGE),
    (b"<HTML", WEB_PAGE),
    (b"<svg", "it is an SVG drawing"),
    (b"<?xml", "it is an XML file"),
];

/// A sentence without its end, for [`super::RenderError::NotAPicture`].
pub(super) fn of_no_picture(start: &[u8]) -> &'static str {
    if start.is_empty() {
        return "it is empty";
    }
    if let Some(brands) = brands(start) {
        return by_brand(brands);
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let known = SIGNATURES.iter().find(|(bytes, _)| start.starts_with(bytes) || text.starts_with(bytes));
    match known {
        Some((_, what)) => what,
        None if start.iter().all(|byte| *byte == 0) => "it begins in zeros, as a copy that was broken off",
        None if is_text(start) => "it is a text",
        None => "its first bytes are of no known kind",
    }
}

fn is_text(start: &[u8]) -> bool {
    let is_shown = |text: &str| text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'));
    match std::str::from_utf8(start) {
        Ok(text) => is_shown(text),
        // A letter may be cut where the start ends.
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&start[..e.valid_up_to()]).is_ok_and(is_shown),
        Err(_) => false,
    }
}

/// The main brand of a file of the MPEG family, a gap, and the brands that it is compatible with.
fn brands(start: &[u8]) -> Option<&[u8]> {
    let (&[_, _, high, low, b'f', b't', b'y', b'p'], brands) = start.split_first_chunk()? else { return None };
    let length = usize::from(u16::from_be_bytes([high, low])).saturating_sub(8);
    Some(&brands[..length.clamp(4, brands.len().max(4)).min(brands.len())])
}

fn by_brand(brands: &[u8]) -> &'static str {
    let (brands, _) = brands.as_chunks::<4>();
    let first = brands.first().copied().unwrap_or_default();
    let lists = |wanted: &[&[u8; 4]]| brands.iter().any(|brand| wanted.contains(&brand));
    match &first {
        b"crx " => RAW,
        // Says only that there are pictures in it.
        b"mif1" | b"msf1" | b"miaf" if lists(&[b"avif", b"avis"]) => AVIF,
        b"avif" | b"avis" => AVIF,
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" | b"miaf" => HEIC,
        _ => FILM,
    }
}
