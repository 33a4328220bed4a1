//! Whether a TIFF holds everything that its first directory points to.
//!
//! Owns: only what a decoder of the first picture needs is asked for; black pixels at the end of an uncompressed picture
//! are pixels.

use std::io;

use super::{PARTS_MAX, Reader};

/// Most entries of a directory that is understood.
const ENTRIES_MAX: u64 = 4_096;

const COMPRESSION: u16 = 259;
const STRIP_OFFSETS: u16 = 273;
const STRIP_BYTES: u16 = 279;
const TILE_OFFSETS: u16 = 324;
const TILE_BYTES: u16 = 325;
const ICC_PROFILE: u16 = 34_675;

/// In which order the file's bytes stand, and whether its offsets have eight of them.
#[derive(Clone, Copy)]
struct Form {
    little: bool,
    big: bool,
}

/// An entry of a directory.
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// Where its values stand.
    at: u64,
}

impl Form {
    fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    }

    /// A number of 2, 4 or 8 bytes.
    fn number(self, file: &mut Reader, bytes: u64) -> io::Result<Option<u64>> {
        let number = match bytes {
            2 => file.array()?.map(|b| u64::from(self.u16(b))),
            4 => file
                .array()?
                .map(|b| u64::from(if self.little { u32::from_le_bytes(b) } else { u32::from_be_bytes(b) })),
            _ => file.array()?.map(|b| if self.little { u64::from_le_bytes(b) } else { u64::from_be_bytes(b) }),
        };
        Ok(number)
    }

    /// Of an offset, and of a value that stands in its entry.
    fn word(self) -> u64 {
        if self.big { 8 } else { 4 }
    }

    fn entry(self, file: &mut Reader, at: u64) -> io::Result<Option<Entry>> {
        file.go_to(at)?;
        let (Some(tag), Some(kind)) = (self.number(file, 2)?, self.number(file, 2)?) else { return Ok(None) };
        let Some(count) = self.number(file, self.word())? else { return Ok(None) };
        let own = at + 4 + self.word();
        let in_place = width(kind as u16).saturating_mul(count) <= self.word();
        let Some(far) = self.number(file, self.word())? else { return Ok(None) };
        Ok(Some(Entry { tag: tag as u16, kind: kind as u16, count, at: if in_place { own } else { far } }))
    }

    /// `None` where they are not there; empty where they are not understood.
    fn values(self, file: &mut Reader, entry: &Entry) -> io::Result<Option<Vec<u64>>> {
        let width = width(entry.kind);
        if !matches!(entry.kind, 3 | 4 | 16) || entry.count > PARTS_MAX as u64 {
            return Ok(Some(Vec::new()));
        }
        if entry.at.saturating_add(entry.count * width) > file.bytes {
            return Ok(None);
        }
        file.go_to(entry.at)?;
        (0..entry.count).map(|_| self.number(file, width)).collect()
    }
}

/// Bytes of one value of a type.
fn width(kind: u16) -> u64 {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => 1,
    }
}

pub(super) fn is_unfinished(file: &mut Reader) -> io::Result<bool> {
    file.go_to(0)?;
    let Some([order, _, a, b]) = file.array()? else { return Ok(true) };
    let little = order == b'I';
    let form = Form { little, big: Form { little, big: false }.u16([a, b]) == 43 };
    file.go_to(form.word())?;
    // Many writers put it in last.
    let Some(directory) = form.number(file, form.word())?.filter(|at| *at != 0) else { return Ok(true) };
    if directory >= file.bytes {
        return Ok(true);
    }
    file.go_to(directory)?;
    let counted = if form.big { 8 } else { 2 };
    let Some(entries) = form.number(file, counted)?.filter(|count| *count != 0) else { return Ok(true) };
    if entries > ENTRIES_MAX {
        return Ok(false);
    }
    let (mut offsets, mut sizes, mut is_compressed) = (Vec::new(), Vec::new(), false);
    for index in 0..entries {
        let Some(entry) = form.entry(file, directory + counted + index * (4 + 2 * form.word()))? else {
            return Ok(true);
        };
        if entry.tag == ICC_PROFILE && entry.at.saturating_add(entry.count) > file.bytes {
            return Ok(true);
        }
        if !matches!(entry.tag, COMPRESSION | STRIP_OFFSETS | STRIP_BYTES | TILE_OFFSETS | TILE_BYTES) {
            continue;
        }
        let Some(values) = form.values(file, &entry)? else { return Ok(true) };
        match entry.tag {
            COMPRESSION => is_compressed = values.first().is_some_and(|value| *value != 1),
            STRIP_OFFSETS | TILE_OFFSETS => offsets = values,
            _ => sizes = values,
        }
    }
    if offsets.len() != sizes.len() {
        return Ok(false);
    }
    let last = offsets.into_iter().zip(sizes).max_by_key(|(at, bytes)| at.saturating_add(*bytes));
    match last {
        Some((at, bytes)) if at.saturating_add(bytes) > file.bytes => Ok(true),
        Some((at, bytes)) if is_compressed => file.ends_in_zeros(at, bytes),
        _ => Ok(false),
    }
}
