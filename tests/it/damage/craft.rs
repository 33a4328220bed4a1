//! Files that nobody means well with.

use crate::quality::picture::Picture;
use crate::quality::shot::render;

use super::oven::Files;

/// Numbers that look like chance and are the same every time.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    /// Splitmix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }
}

/// One sound file of each kind: name, extension, bytes.
pub struct Originals(pub Vec<(&'static str, &'static str, Vec<u8>)>);

impl Originals {
    /// Noisy, so that the pixels are the largest part of each file.
    pub fn new() -> Originals {
        let mut rng = Rng::new(7);
        let mut picture = Picture::new(120, 80, 3);
        for (i, value) in picture.values.iter_mut().enumerate() {
            *value = (i / 3 % 120) as f32 / 200.0 + rng.below(90) as f32 / 255.0;
        }
        let grey = Picture { channels: 1, values: picture.values.iter().copied().step_by(3).collect(), ..picture };
        let png = picture.png(None);
        let mut webp = std::io::Cursor::new(Vec::new());
        let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut webp);
        encoder.encode(&picture.bytes(), 120, 80, image::ExtendedColorType::Rgb8).unwrap();
        let inks = Picture { channels: 4, values: [grey.values.clone(), picture.values.clone()].concat(), ..picture };
        Originals(vec![
            ("baseline", "jpg", render("format: jpeg, subsampling: \"4:2:0\", metadata: all", "a.png", &png).file),
            ("progressive", "jpg", picture.jpeg(90, turbojpeg::Subsamp::Sub2x1, true)),
            ("grey", "jpg", grey.jpeg(90, turbojpeg::Subsamp::Gray, false)),
            ("png", "png", render("format: png", "a.png", &png).file),
            ("tiff", "tif", picture.tiff(8, None)),
            ("tiff-lzw", "tif", render("format: tiff", "a.png", &png).file),
            ("tiff-deflate", "tif", render("format: tiff, compression: deflate", "a.png", &png).file),
            ("tiff-16", "tif", picture.tiff(16, None)),
            ("tiff-inks", "tif", inks.tiff(8, None)),
            ("webp", "webp", webp.into_inner()),
        ])
    }

    pub fn get(&self, kind: &str) -> &[u8] {
        &self.0.iter().find(|(name, ..)| *name == kind).unwrap().2
    }
}

/// A few bytes changed, or a piece taken out, doubled, or filled with one value; headers more often than pixels.
pub fn mutated(file: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut out = file.to_vec();
    for _ in 0..=rng.below(5) {
        let reach = if rng.below(2) == 0 { out.len().min(700) } else { out.len() };
        let at = rng.below(reach);
        let length = (1 + rng.below(40)).min(out.len() - at);
        match rng.below(8) {
            0 => drop(out.drain(at..at + length)),
            1 => {
                let piece = out[at..at + length].to_vec();
                out.splice(at..at, piece);
            }
            2 => out[at..at + length].fill([0x00, 0xff, 0x7f][rng.below(3)]),
            3 => out[at] ^= 1 << rng.below(8),
            _ => out[at] = rng.below(256) as u8,
        }
        if out.is_empty() {
            break;
        }
    }
    out
}

fn checksum(data: &[u8]) -> u32 {
    let bit = |sum: u32| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
    !data.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| bit(sum)))
}

fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [&kind, data].concat();
    [&(data.len() as u32).to_be_bytes()[..], &body, &checksum(&body).to_be_bytes()].concat()
}

pub fn png_of_size(png: &[u8], width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &png[24..29]].concat();
    [&png[..8], &chunk(*b"IHDR", &header), &png[33..]].concat()
}

pub fn jpeg_of_size(jpeg: &[u8], width: u32, height: u32) -> Vec<u8> {
    let frame = jpeg.windows(3).position(|w| matches!(w, [0xff, 0xc0 | 0xc2, 0])).unwrap();
    let mut out = jpeg.to_vec();
    out[frame + 5..frame + 7].copy_from_slice(&(height as u16).to_be_bytes());
    out[frame + 7..frame + 9].copy_from_slice(&(width as u16).to_be_bytes());
    out
}

/// Changes entries of the first directory of a little-endian TIFF.
fn with_entries(tiff: &[u8], change: impl Fn(u16, &mut [u8])) -> Vec<u8> {
    let mut out = tiff.to_vec();
    let at = u32::from_le_bytes(out[4..8].try_into().unwrap()) as usize;
    let count = usize::from(u16::from_le_bytes([out[at], out[at + 1]]));
    for entry in out[at + 2..at + 2 + count * 12].chunks_exact_mut(12) {
        change(u16::from_le_bytes([entry[0], entry[1]]), entry);
    }
    out
}

pub fn tiff_of_size(tiff: &[u8], width: u32, height: u32) -> Vec<u8> {
    with_entries(tiff, |tag, entry| {
        let value = match tag {
            256 => width,
            // All in one strip.
            257 | 278 => height,
            _ => return,
        };
        entry[2..4].copy_from_slice(&4u16.to_le_bytes());
        entry[8..].copy_from_slice(&value.to_le_bytes());
    })
}

/// The next directory, and what would be the EXIF one, are the first again.
pub fn tiff_that_loops(tiff: &[u8]) -> Vec<u8> {
    let mut out = with_entries(tiff, |_, _| {});
    let at = u32::from_le_bytes(out[4..8].try_into().unwrap());
    let count = usize::from(u16::from_le_bytes([out[at as usize], out[at as usize + 1]]));
    let link = at as usize + 2 + count * 12;
    let entries = out[at as usize + 2..link].to_vec();
    // A copy at the end with one entry more, which points at that copy.
    let copy = out.len() as u32;
    out.extend((count as u16 + 1).to_le_bytes());
    out.extend(entries);
    out.extend(0x8769u16.to_le_bytes());
    out.extend([4, 0, 1, 0, 0, 0]);
    out.extend(copy.to_le_bytes());
    out.extend(copy.to_le_bytes());
    out[4..8].copy_from_slice(&copy.to_le_bytes());
    out
}

/// An extended WebP whose canvas has that size; the picture inside stays small.
pub fn webp_of_size(webp: &[u8], width: u32, height: u32) -> Vec<u8> {
    let size = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    let canvas = [&[0, 0, 0, 0][..], &size(width), &size(height)].concat();
    riff(&[(b"VP8X", &canvas)], webp)
}

fn riff(chunks: &[(&[u8; 4], &[u8])], webp: &[u8]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (kind, data) in chunks {
        body.extend(*kind);
        body.extend((data.len() as u32).to_le_bytes());
        body.extend(*data);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    body.extend(&webp[12..]);
    [&b"RIFF"[..], &(body.len() as u32).to_le_bytes(), &body].concat()
}

fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    [&[0xff, marker][..], &(payload.len() as u16 + 2).to_be_bytes(), payload].concat()
}

pub fn jpeg_with_exif(jpeg: &[u8], block: &[u8]) -> Vec<u8> {
    [&jpeg[..2], &segment(0xe1, &[b"Exif\0\0", block].concat()), &jpeg[2..]].concat()
}

/// A directory of (tag, type, count, value).
fn directory(entries: &[(u16, u16, u32, u32)], next: u32) -> Vec<u8> {
    let mut out = (entries.len() as u16).to_le_bytes().to_vec();
    for (tag, kind, count, value) in entries {
        out.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        out.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    out.extend(next.to_le_bytes());
    out
}

/// Blocks whose directories go in circles, or on for ever. Those that begin with `turned` say orientation 6.
pub fn hostile_exif() -> Vec<(&'static str, Vec<u8>)> {
    let head = b"II*\0\x08\0\0\0".to_vec();
    let block = |parts: &[Vec<u8>]| [head.clone(), parts.concat()].concat();
    let turned = (0x0112, 3, 1, 6);
    // Each directory only leads to the next one.
    let chain = (0..9_000u32).map(|i| directory(&[], 8 + (i + 1) * 6)).collect::<Vec<_>>();
    // EXIF, GPS and interoperability all lead back to the first.
    let knot = directory(&[turned, (0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (0xa005, 4, 1, 8)], 8);
    let far = directory(&[turned, (0x8769, 4, 1, 0xffff_fff0), (0x010f, 2, 0xffff_ffff, 0xffff_ff00)], 0xffff_ffff);
    // As many entries as there can be, each with as many values as there can be.
    let flood: Vec<_> = (0..5_000u16).map(|i| (0x9000 + i, 7, 0xffff_ffff, 8)).collect();
    let many: Vec<_> = (0..5_000u16).map(|i| (0x9000 + i, 5, 7_000, 8)).collect();
    vec![
        ("chain", block(&chain)),
        ("turned-knot", block(&[knot])),
        ("turned-far", block(&[far])),
        ("flood", block(&[directory(&flood, 8)])),
        ("many", block(&[directory(&many, 8)])),
        ("count", block(&[vec![0xff; 60_000]])),
    ]
}

/// Profiles larger than any that is looked into, or packed to a thousandth.
pub fn huge_profiles(originals: &Originals) -> Files {
    let huge = vec![0x55; 20 << 20];
    let parts: Vec<u8> =
        (1..=255u8).flat_map(|i| segment(0xe2, &[b"ICC_PROFILE\0", &[i, 255][..], &huge[..65_000]].concat())).collect();
    let jpeg = originals.get("baseline");
    let missing = segment(0xe2, &[b"ICC_PROFILE\0", &[2, 3][..], &huge[..100]].concat());
    let grey = originals.get("grey");
    let packed = |profile: &[u8]| {
        let mut info = png::Info::with_size(120, 80);
        (info.color_type, info.bit_depth) = (png::ColorType::Rgb, png::BitDepth::Eight);
        info.icc_profile = Some(profile.into());
        let mut out = Vec::new();
        let mut writer = png::Encoder::with_info(&mut out, info).unwrap().write_header().unwrap();
        writer.write_image_data(&vec![99; 120 * 80 * 3]).unwrap();
        writer.finish().unwrap();
        out
    };
    let tiff = Picture { values: vec![0.5; 120 * 80 * 3], ..Picture::new(120, 80, 3) };
    vec![
        ("parts.jpg".to_string(), [&jpeg[..2], &parts, &jpeg[2..]].concat()),
        ("missing.jpg".to_string(), [&grey[..2], &missing, &grey[2..]].concat()),
        ("huge.tif".to_string(), tiff.tiff(8, Some(&huge))),
        ("broken.tif".to_string(), tiff.tiff(8, Some(&huge[..500]))),
        (
            "huge.webp".to_string(),
            riff(&[(b"VP8X", &[0x20, 0, 0, 0, 119, 0, 0, 79, 0, 0]), (b"ICCP", &huge)], originals.get("webp")),
        ),
        ("packed.png".to_string(), packed(&vec![0; 400 << 20])),
        ("broken.png".to_string(), packed(&huge[..500])),
    ]
}
