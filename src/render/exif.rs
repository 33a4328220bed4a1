//! EXIF fields: read out of a block, written into a fresh one.
//!
//! Invariant: whatever is read is bounded by the size of the block (entries that share their values cannot blow
//! it up), and what is written holds no thumbnail, no maker note and no offsets of the old block. Must not know:
//! which fields a profile keeps (`metadata` decides).

use crate::model::limits::METADATA_MAX_BYTES;
use crate::model::spec::Orientation;

/// Which directory of the block a field lives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Directory {
    Main,
    Exif,
    Gps,
    Interop,
}

/// TIFF type numbers that we write ourselves.
pub(super) const ASCII: u16 = 2;
pub(super) const SHORT: u16 = 3;
pub(super) const LONG: u16 = 4;
pub(super) const RATIONAL: u16 = 5;
pub(super) const BYTE: u16 = 1;
pub(super) const UNDEFINED: u16 = 7;

pub(super) mod tag {
    pub(in crate::render) const DESCRIPTION: u16 = 0x010e;
    pub(in crate::render) const ORIENTATION: u16 = 0x0112;
    pub(in crate::render) const X_RESOLUTION: u16 = 0x011a;
    pub(in crate::render) const Y_RESOLUTION: u16 = 0x011b;
    pub(in crate::render) const RESOLUTION_UNIT: u16 = 0x0128;
    /// When the file was changed.
    pub(in crate::render) const CHANGED: u16 = 0x0132;
    pub(in crate::render) const ARTIST: u16 = 0x013b;
    pub(in crate::render) const COPYRIGHT: u16 = 0x8298;
    pub(in crate::render) const EXIF_POINTER: u16 = 0x8769;
    pub(in crate::render) const GPS_POINTER: u16 = 0x8825;
    pub(in crate::render) const XP_AUTHOR: u16 = 0x9c9d;
    pub(in crate::render) const XP_KEYWORDS: u16 = 0x9c9e;
    pub(in crate::render) const EXIF_VERSION: u16 = 0x9000;
    pub(in crate::render) const TAKEN: u16 = 0x9003;
    pub(in crate::render) const DIGITIZED: u16 = 0x9004;
    /// The zones of the three, and their fractions of a second.
    pub(in crate::render) const ZONES: std::ops::RangeInclusive<u16> = 0x9010..=0x9012;
    pub(in crate::render) const FRACTIONS: std::ops::RangeInclusive<u16> = 0x9290..=0x9292;
    pub(in crate::render) const COLOR_SPACE: u16 = 0xa001;
    pub(in crate::render) const PIXEL_WIDTH: u16 = 0xa002;
    pub(in crate::render) const PIXEL_HEIGHT: u16 = 0xa003;
    pub(in crate::render) const INTEROP_POINTER: u16 = 0xa005;
    pub(in crate::render) const INTEROP_INDEX: u16 = 0x0001;
    /// Of TIFF files: what other formats keep in blocks of their own.
    pub(in crate::render) const XMP: u16 = 0x02bc;
    pub(in crate::render) const IPTC: u16 = 0x83bb;
    pub(in crate::render) const PHOTOSHOP: u16 = 0x8649;
}

/// Words of older standards, which know ASCII or Latin-1 only. Programs write UTF-8 or the letters of their system.
pub(super) fn decoded(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
    }
}

/// One field; its value in little-endian bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) directory: Directory,
    pub(super) tag: u16,
    pub(super) kind: u16,
    pub(super) bytes: Vec<u8>,
}

impl Field {
    pub(super) fn text(directory: Directory, tag: u16, text: &str) -> Field {
        let mut bytes: Vec<u8> = text.bytes().filter(|b| *b != 0).collect();
        bytes.push(0);
        Field { directory, tag, kind: ASCII, bytes }
    }

    pub(super) fn short(directory: Directory, tag: u16, value: u16) -> Field {
        Field { directory, tag, kind: SHORT, bytes: value.to_le_bytes().to_vec() }
    }

    pub(super) fn long(directory: Directory, tag: u16, value: u32) -> Field {
        Field { directory, tag, kind: LONG, bytes: value.to_le_bytes().to_vec() }
    }

    pub(super) fn rational(directory: Directory, tag: u16, (above, below): (u32, u32)) -> Field {
        let bytes = [above.to_le_bytes(), below.to_le_bytes()].concat();
        Field { directory, tag, kind: RATIONAL, bytes }
    }

    /// Its parts, of which a copyright can have two: the photographer's, which may be blank, and the editor's.
    pub(super) fn as_text(&self) -> Option<String> {
        let parts = self.bytes.split(|b| *b == 0).map(|part| decoded(part).trim().to_owned());
        let text = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
        (self.kind == ASCII && !text.is_empty()).then_some(text)
    }

    /// `2026:06:20 14:01:02`; `None` also for zeros and blanks, which cameras without a clock write.
    pub(super) fn as_time(&self) -> Option<jiff::civil::DateTime> {
        let text = self.as_text()?;
        jiff::civil::DateTime::strptime("%Y:%m:%d %H:%M:%S", &text).ok()
    }

    /// Whether it tells when a picture was taken or changed, and nothing else, whatever stands in it.
    pub(super) fn is_date(&self) -> bool {
        let text = || self.as_text().unwrap_or_default();
        match (self.directory, self.tag) {
            (Directory::Main, tag::CHANGED) | (Directory::Exif, tag::TAKEN | tag::DIGITIZED) => {
                self.as_time().is_some()
            }
            (Directory::Exif, zone) if tag::ZONES.contains(&zone) => {
                matches!(text().as_bytes(), [b'+' | b'-', a, b, b':', c, d] if [a, b, c, d].iter().all(|c| c.is_ascii_digit()))
            }
            (Directory::Exif, fraction) if tag::FRACTIONS.contains(&fraction) => {
                !text().is_empty() && text().bytes().all(|c| c.is_ascii_digit())
            }
            _ => false,
        }
    }

    pub(super) fn as_u32(&self) -> Option<u32> {
        match (self.kind, self.bytes.as_slice()) {
            (BYTE, [a, ..]) => Some(u32::from(*a)),
            (SHORT, [a, b, ..]) => Some(u32::from(u16::from_le_bytes([*a, *b]))),
            (LONG, [a, b, c, d, ..]) => Some(u32::from_le_bytes([*a, *b, *c, *d])),
            _ => None,
        }
    }

    /// The first rational as a number.
    pub(super) fn as_ratio(&self) -> Option<f64> {
        let (above, rest) = self.bytes.split_first_chunk::<4>()?;
        let below = u32::from_le_bytes(*rest.first_chunk::<4>()?);
        (self.kind == RATIONAL && below != 0).then(|| f64::from(u32::from_le_bytes(*above)) / f64::from(below))
    }
}

/// The fields of the first picture of a block; those of its thumbnail are never read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Exif {
    pub(super) fields: Vec<Field>,
}

impl Exif {
    /// Reads a block that begins with the TIFF header. The second value says what was wrong with it.
    pub(super) fn read(block: &[u8]) -> (Exif, Option<String>) {
        if block.len() > METADATA_MAX_BYTES {
            return (Exif::default(), Some(format!("it is larger than {METADATA_MAX_BYTES} bytes")));
        }
        let mut problem = None;
        let parsed = exif::Reader::new()
            .continue_on_error(true)
            .read_raw(block.to_vec())
            .or_else(|e| e.distill_partial_result(|errors| problem = errors.first().map(ToString::to_string)));
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(e) => return (Exif::default(), Some(e.to_string())),
        };
        let mut fields = Vec::new();
        // Found by name first, so that it counts even if the rest of the block is abandoned below.
        if let Some(field) = parsed.get_field(exif::Tag::Orientation, exif::In::PRIMARY) {
            fields.extend(from_parsed(field));
        }
        let mut total = 0;
        for field in parsed.fields() {
            if field.ifd_num != exif::In::PRIMARY || field.tag == exif::Tag::Orientation {
                continue;
            }
            let Some(field) = from_parsed(field) else { continue };
            total += field.bytes.len();
            // Honest values do not overlap. A block of many entries that all name the same bytes would unfold to
            // thousands of times its size.
            if total > block.len() {
                problem = Some("its values overlap".to_owned());
                break;
            }
            fields.push(field);
        }
        (Exif { fields }, problem)
    }

    pub(super) fn get(&self, directory: Directory, tag: u16) -> Option<&Field> {
        self.fields.iter().find(|f| f.directory == directory && f.tag == tag)
    }

    pub(super) fn orientation(&self) -> Orientation {
        let value = self.get(Directory::Main, tag::ORIENTATION).and_then(Field::as_u32);
        Orientation::from_exif(value.unwrap_or(1))
    }

    /// When the picture was taken; else when it was scanned; else when the file was last changed.
    pub(super) fn taken(&self) -> Option<jiff::civil::DateTime> {
        let times = [(Directory::Exif, tag::TAKEN), (Directory::Exif, tag::DIGITIZED), (Directory::Main, tag::CHANGED)];
        times.into_iter().find_map(|(directory, tag)| self.get(directory, tag)?.as_time())
    }

    /// DCF cameras say "uncalibrated" and index R03; some write 2, which never was standard.
    pub(super) fn names_adobe_rgb(&self) -> bool {
        let space = self.get(Directory::Exif, tag::COLOR_SPACE).and_then(Field::as_u32);
        let index = self.get(Directory::Interop, tag::INTEROP_INDEX).and_then(Field::as_text);
        space == Some(2) || (space != Some(1) && index.is_some_and(|i| i.starts_with("R03")))
    }

    /// Replaces every field of that tag.
    pub(super) fn set(&mut self, field: Field) {
        self.fields.retain(|f| f.directory != field.directory || f.tag != field.tag);
        self.fields.push(field);
    }

    /// The block, beginning with the TIFF header, little-endian, tags in order.
    pub(super) fn write(&self) -> Vec<u8> {
        let of = |directory: Directory| {
            let mut fields: Vec<Field> =
                self.fields.iter().filter(|f| f.directory == directory && !is_pointer(f)).cloned().collect();
            fields.sort_by_key(|f| f.tag);
            fields.dedup_by_key(|f| f.tag);
            fields
        };
        let (mut main, mut exif, gps, interop) =
            (of(Directory::Main), of(Directory::Exif), of(Directory::Gps), of(Directory::Interop));
        // Every directory's place follows from the sizes of those before it; pointers are added before measuring.
        let pointer = |directory, tag| Field::long(directory, tag, 0);
        if !interop.is_empty() {
            exif.push(pointer(Directory::Exif, tag::INTEROP_POINTER));
        }
        if !exif.is_empty() {
            main.push(pointer(Directory::Main, tag::EXIF_POINTER));
        }
        if !gps.is_empty() {
            main.push(pointer(Directory::Main, tag::GPS_POINTER));
        }
        let at_exif = 8 + measure(&main);
        let at_gps = at_exif + measure(&exif);
        let at_interop = at_gps + measure(&gps);
        for field in main.iter_mut().chain(exif.iter_mut()) {
            match field.tag {
                tag::EXIF_POINTER => field.bytes = (at_exif as u32).to_le_bytes().to_vec(),
                tag::GPS_POINTER => field.bytes = (at_gps as u32).to_le_bytes().to_vec(),
                tag::INTEROP_POINTER => field.bytes = (at_interop as u32).to_le_bytes().to_vec(),
                _ => {}
            }
        }
        let mut out = b"II*\0\x08\0\0\0".to_vec();
        for mut directory in [main, exif, gps, interop] {
            directory.sort_by_key(|f| f.tag);
            write_directory(&mut out, &directory);
        }
        out
    }
}

fn is_pointer(field: &Field) -> bool {
    matches!(
        (field.directory, field.tag),
        (Directory::Main, tag::EXIF_POINTER | tag::GPS_POINTER) | (Directory::Exif, tag::INTEROP_POINTER)
    )
}

/// Bytes of one value of a TIFF type.
pub(super) fn kind_size(kind: u16) -> usize {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 => 8,
        _ => 1,
    }
}

/// Bytes of one number of a TIFF type, whose order is the file's; a fraction is two numbers.
pub(super) fn word_size(kind: u16) -> usize {
    match kind {
        5 | 10 => 4,
        kind => kind_size(kind),
    }
}

/// Bytes of a directory with its values; none for an empty one.
fn measure(fields: &[Field]) -> usize {
    if fields.is_empty() {
        return 0;
    }
    let values: usize = fields.iter().map(|f| f.bytes.len()).filter(|n| *n > 4).map(|n| n + n % 2).sum();
    2 + fields.len() * 12 + 4 + values
}

fn write_directory(out: &mut Vec<u8>, fields: &[Field]) {
    if fields.is_empty() {
        return;
    }
    let mut values_at = out.len() + 2 + fields.len() * 12 + 4;
    let mut values = Vec::new();
    out.extend((fields.len() as u16).to_le_bytes());
    for field in fields {
        out.extend(field.tag.to_le_bytes());
        out.extend(field.kind.to_le_bytes());
        out.extend(((field.bytes.len() / kind_size(field.kind)) as u32).to_le_bytes());
        if field.bytes.len() <= 4 {
            let mut inline = [0; 4];
            inline[..field.bytes.len()].copy_from_slice(&field.bytes);
            out.extend(inline);
        } else {
            out.extend((values_at as u32).to_le_bytes());
            values.extend(&field.bytes);
            if field.bytes.len() % 2 == 1 {
                values.push(0);
            }
            values_at += field.bytes.len() + field.bytes.len() % 2;
        }
    }
    out.extend([0; 4]);
    out.append(&mut values);
}

fn from_parsed(field: &exif::Field) -> Option<Field> {
    use exif::Value;
    let directory = match field.tag.context() {
        exif::Context::Tiff => Directory::Main,
        exif::Context::Exif => Directory::Exif,
        exif::Context::Gps => Directory::Gps,
        exif::Context::Interop => Directory::Interop,
        _ => return None,
    };
    let (kind, bytes) = match &field.value {
        Value::Byte(v) => (BYTE, v.clone()),
        Value::Ascii(parts) => {
            let mut bytes = Vec::new();
            for part in parts {
                bytes.extend(part);
                bytes.push(0);
            }
            (ASCII, bytes)
        }
        Value::Short(v) => (SHORT, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Value::Long(v) => (LONG, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Value::Rational(v) => {
            (RATIONAL, v.iter().flat_map(|x| [x.num.to_le_bytes(), x.denom.to_le_bytes()]).flatten().collect())
        }
        Value::SByte(v) => (6, v.iter().map(|x| *x as u8).collect()),
        Value::Undefined(v, _) => (UNDEFINED, v.clone()),
        Value::SShort(v) => (8, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Value::SLong(v) => (9, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Value::SRational(v) => {
            (10, v.iter().flat_map(|x| [x.num.to_le_bytes(), x.denom.to_le_bytes()]).flatten().collect())
        }
        Value::Float(v) => (11, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Value::Double(v) => (12, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Value::Unknown(..) => return None,
    };
    let bytes: Vec<u8> = bytes;
    (!bytes.is_empty()).then_some(Field { directory, tag: field.tag.number(), kind, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Exif {
        let mut exif = Exif::default();
        exif.set(Field::text(Directory::Main, tag::ARTIST, "Ada Lovelace"));
        exif.set(Field::short(Directory::Main, tag::ORIENTATION, 6));
        exif.set(Field::rational(Directory::Main, tag::X_RESOLUTION, (300, 1)));
        exif.set(Field::short(Directory::Exif, tag::COLOR_SPACE, 0xffff));
        exif.set(Field::text(Directory::Interop, tag::INTEROP_INDEX, "R03"));
        exif.set(Field { directory: Directory::Gps, tag: 0, kind: BYTE, bytes: vec![2, 3, 0, 0] });
        exif
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (read, problem) = Exif::read(&sample().write());
        assert_eq!(problem, None);
        assert_eq!(read.fields.len(), 6);
        for field in &sample().fields {
            assert_eq!(read.get(field.directory, field.tag), Some(field));
        }
        assert_eq!(read.orientation().exif(), 6);
        assert!(read.names_adobe_rgb());
    }

    #[test]
    fn orientation_zero_and_nonsense_count_as_one() {
        for value in [0, 9, 255] {
            let mut exif = Exif::default();
            exif.set(Field::short(Directory::Main, tag::ORIENTATION, value));
            assert_eq!(Exif::read(&exif.write()).0.orientation(), Orientation::UPRIGHT);
        }
    }

    #[test]
    fn the_day_is_read_where_a_clock_was_set() {
        let all = [
            (Directory::Exif, tag::TAKEN, "2026:06:20 14:01:03"),
            (Directory::Exif, tag::DIGITIZED, "2026:06:21 00:00:00"),
            (Directory::Main, tag::CHANGED, "2026:06:22 23:59:59"),
        ];
        let mut exif = Exif::default();
        for (directory, tag, text) in all {
            exif.set(Field::text(directory, tag, text));
        }
        for (directory, tag, text) in all {
            let shown = exif.taken().unwrap().strftime("%Y:%m:%d %H:%M:%S").to_string();
            assert_eq!(shown, text);
            assert!(exif.get(directory, tag).unwrap().is_date());
            for wrong in
                ["0000:00:00 00:00:00", "    :  :     :  :  ", "2026:02:30 10:00:00", "2026-06-20", "of Ada", ""]
            {
                exif.set(Field::text(directory, tag, wrong));
                assert!(!exif.get(directory, tag).unwrap().is_date(), "{wrong}");
            }
        }
        assert_eq!(exif.taken(), None);
        for (tag, right, wrong) in [(0x9010, "+02:00", "Zurich"), (0x9011, "-05:30", "+2"), (0x9292, "123", "of Ada")] {
            assert!(Field::text(Directory::Exif, tag, right).is_date(), "{right}");
            assert!(!Field::text(Directory::Exif, tag, wrong).is_date(), "{wrong}");
        }
    }

    #[test]
    fn loops_and_cuts_end() {
        let mut block = sample().write();
        // The next-directory link of the first directory points back at it.
        let link = 8 + 2 + 12 * u16::from_le_bytes([block[8], block[9]]) as usize;
        block[link..link + 4].copy_from_slice(&8u32.to_le_bytes());
        let (exif, _) = Exif::read(&block);
        assert_eq!(exif.orientation().exif(), 6);
        for cut in 0..block.len() {
            let _ = Exif::read(&block[..cut]);
        }
    }

    #[test]
    fn shared_values_do_not_unfold() {
        // 4,000 entries that each name the same 40,000 bytes.
        let mut block = b"II*\0\x08\0\0\0".to_vec();
        block.extend(4_000u16.to_le_bytes());
        for n in 0..4_000u16 {
            block.extend((0x1000 + n).to_le_bytes());
            block.extend(UNDEFINED.to_le_bytes());
            block.extend(40_000u32.to_le_bytes());
            block.extend(8u32.to_le_bytes());
        }
        block.extend([0; 4]);
        let (exif, problem) = Exif::read(&block);
        assert!(problem.is_some());
        assert!(exif.fields.iter().map(|f| f.bytes.len()).sum::<usize>() <= block.len());
    }
}
