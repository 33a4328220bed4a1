//! A TIFF that the crate can read, in place of the one that is there.
//!
//! A few values of the first directory are replaced while it is read: the crate neither inverts, nor drops channels, nor
//! refuses colours, when the file claims plain bands with the largest value for white. Must not know: pixels.

use std::io::{Read, Seek, SeekFrom};

use tiff::tags::Tag;

use super::super::error::RenderError;

/// Most strips or tiles of a file. The crate unfolds their lists to 32 bytes a value before its limits can be set; a
/// picture of the largest size in strips of one row has 40,000.
const PARTS_MAX: u64 = 1_000_000;
/// Most values of any other list: a palette of 16 bits has three for each of its colours.
const LIST_MAX: u64 = 3 * 65_536;

/// The value that says "black is zero".
const PLAIN: u16 = 1;
/// A sample format that says nothing: it is read as if the field were not there.
const UNDEFINED: u16 = 4;
/// A field that nobody looks for.
const NOBODYS: u16 = 0xfffe;

/// Where two bytes are replaced, and what is read there instead.
type Patch = (u64, [u8; 2]);

/// A file with other numbers in some places, and strips with their bits the other way round.
#[derive(Debug)]
pub(in crate::render) struct Relabelled<R> {
    inner: R,
    position: u64,
    patches: Vec<Patch>,
    /// Bytes whose bits are turned round: from, to; in order, apart.
    reversed: Vec<(u64, u64)>,
}

impl<R: Read + Seek> Relabelled<R> {
    /// The reader from its start, and what its colours are, which it hides.
    pub(super) fn new(mut inner: R) -> Result<(Relabelled<R>, u16), RenderError> {
        let (patches, photometric) = find_patches(&mut inner).map_err(|e| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => RenderError::Damaged("the TIFF ends in its header".to_owned()),
            std::io::ErrorKind::InvalidData => RenderError::Damaged(e.to_string()),
            _ => RenderError::Io(e.to_string()),
        })?;
        inner.seek(SeekFrom::Start(0)).map_err(|e| RenderError::Io(e.to_string()))?;
        Ok((Relabelled { inner, position: 0, patches, reversed: Vec::new() }, photometric))
    }

    /// Turns round the bits of all bytes of these pieces, each given by its place and length.
    pub(super) fn reverse_bits(&mut self, pieces: impl Iterator<Item = (u64, u64)>) {
        let mut pieces: Vec<(u64, u64)> = pieces.map(|(at, length)| (at, at.saturating_add(length))).collect();
        pieces.sort_unstable();
        for (from, to) in pieces {
            match self.reversed.last_mut() {
                // Strips may share bytes, which are turned round once.
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => self.reversed.push((from, to)),
            }
        }
    }
}

/// An entry of a directory that may have to be replaced.
struct Entry {
    tag: Tag,
    /// Where it stands.
    at: u64,
    value_at: u64,
    /// The first of its numbers, of two bytes.
    first: u16,
}

/// What is replaced in the first directory, and what the colours are.
fn find_patches<R: Read + Seek>(reader: &mut R) -> std::io::Result<(Vec<Patch>, u16)> {
    let damaged = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
    let mut head = [0; 16];
    reader.seek(SeekFrom::Start(0))?;
    reader.read_exact(&mut head[..8])?;
    let little = head[0] == b'I';
    let number = |bytes: &[u8]| {
        let value = |sum, byte: &u8| sum << 8 | u64::from(*byte);
        if little { bytes.iter().rev().fold(0, value) } else { bytes.iter().fold(0, value) }
    };
    let big = number(&head[2..4]) == 43;
    let directory = if big {
        reader.read_exact(&mut head[8..])?;
        number(&head[8..])
    } else {
        number(&head[4..8])
    };
    let (count_bytes, entry_bytes) = if big { (8, 20) } else { (2, 12) };
    let value_from = entry_bytes - if big { 8 } else { 4 };
    reader.seek(SeekFrom::Start(directory))?;
    let mut bytes = [0; 20];
    reader.read_exact(&mut bytes[..count_bytes])?;
    let count = number(&bytes[..count_bytes]);
    if count > 65_535 {
        return Err(damaged("the TIFF's directory has no end"));
    }
    let mut found: Vec<Entry> = Vec::new();
    for i in 0..count {
        let bytes = &mut bytes[..entry_bytes];
        reader.read_exact(bytes)?;
        let (tag, values) = (number(&bytes[..2]) as u16, number(&bytes[4..value_from]));
        let parts = [Tag::StripOffsets, Tag::StripByteCounts, Tag::TileOffsets, Tag::TileByteCounts];
        let lists = [Tag::BitsPerSample, Tag::ColorMap, Tag::ExtraSamples, Tag::SampleFormat, Tag::JPEGTables];
        if values > LIST_MAX && lists.iter().any(|list| list.to_u16() == tag) {
            return Err(damaged("the TIFF claims a longer list of values than a picture has"));
        }
        if values > PARTS_MAX && parts.iter().any(|part| part.to_u16() == tag) {
            return Err(damaged("the TIFF claims more strips or tiles than a picture has"));
        }
        let wanted = [Tag::PhotometricInterpretation, Tag::SampleFormat, Tag::TileWidth];
        if let Some(tag) = wanted.into_iter().chain(parts).find(|wanted| wanted.to_u16() == tag)
            && found.iter().all(|known| known.tag != tag)
        {
            let at = directory.saturating_add((count_bytes + i as usize * entry_bytes) as u64);
            let mut value_at = at.saturating_add(value_from as u64);
            let mut first = number(&bytes[value_from..value_from + 2]) as u16;
            if tag == Tag::SampleFormat && values > ((entry_bytes - value_from) / 2) as u64 {
                let next = reader.stream_position()?;
                value_at = number(&bytes[value_from..]);
                let mut value = [0; 2];
                reader.seek(SeekFrom::Start(value_at))?;
                reader.read_exact(&mut value)?;
                first = number(&value) as u16;
                reader.seek(SeekFrom::Start(next))?;
            }
            found.push(Entry { tag, at, value_at, first });
        }
    }
    let of = |tag| found.iter().find(|entry| entry.tag == tag);
    let two = |value: u16| if little { value.to_le_bytes() } else { value.to_be_bytes() };
    let colors = of(Tag::PhotometricInterpretation);
    let colors = colors.ok_or_else(|| damaged("the TIFF does not say what its colours are"))?;
    let mut patches = vec![(colors.value_at, two(PLAIN))];
    // The three numbers of Lab colours may each have a format of their own, and mean the same without.
    let says_nothing = |entry: &&Entry| entry.first == UNDEFINED || matches!(colors.first, 8 | 9) && entry.first < 3;
    patches.extend(of(Tag::SampleFormat).filter(says_nothing).map(|entry| (entry.at, two(NOBODYS))));
    // Tiles whose places some programs keep in the fields for strips.
    let as_tiles = [(Tag::StripOffsets, Tag::TileOffsets), (Tag::StripByteCounts, Tag::TileByteCounts)];
    for (strips, tiles) in as_tiles {
        if of(Tag::TileWidth).is_some() && of(tiles).is_none() {
            patches.extend(of(strips).map(|entry| (entry.at, two(tiles.to_u16()))));
        }
    }
    Ok((patches, colors.first))
}

impl<R: Read> Read for Relabelled<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(out)?;
        let (out, start) = (&mut out[..read], self.position);
        let end = start + read as u64;
        for (at, value) in &self.patches {
            for (place, byte) in (*at..).zip(*value) {
                if let Some(found) = place.checked_sub(start).and_then(|i| out.get_mut(i as usize)) {
                    *found = byte;
                }
            }
        }
        let first = self.reversed.partition_point(|(_, to)| *to <= start);
        for (from, to) in self.reversed[first..].iter().take_while(|(from, _)| *from < end) {
            let (from, to) = ((*from).max(start), (*to).min(end));
            for byte in &mut out[(from - start) as usize..(to - start) as usize] {
                *byte = byte.reverse_bits();
            }
        }
        self.position = end;
        Ok(read)
    }
}

impl<R: Seek> Seek for Relabelled<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.position = self.inner.seek(to)?;
        Ok(self.position)
    }
}
