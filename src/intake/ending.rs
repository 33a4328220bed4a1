//! Whether the file of a picture has its end: a copy that has stopped half-way is told from a damaged picture by time.
//!
//! Owns: a whole picture is never called unfinished, whatever follows its end; what is not understood counts as whole.
//! Looks at the file's structure alone and decodes nothing. Must not change the disk.

mod tiff;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::same;
use crate::spool::job::Stamp;

/// What is known of a file's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It is there, or nobody can tell.
    There,
    Missing,
    /// The next look will tell.
    Later,
}

/// Bytes that are read in one look; the rest follows in the next. Most files tell with their last bytes.
const READ_MAX_BYTES: u64 = 512 * 1024 * 1024;
/// Zeros with which no picture begins, and no compressed picture ends: space that was reserved and not written yet.
const ZEROS: usize = 1024;
/// Most parts of one file that are walked through; more count as whole.
const PARTS_MAX: usize = 1_000_000;
/// What is read of a file at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// The ends of dropped pictures, each looked for once for its size and time.
#[derive(Debug, Default)]
pub(super) struct Ends {
    known: HashMap<PathBuf, (Stamp, End)>,
    left: u64,
}

impl Ends {
    pub(super) fn begin(&mut self) {
        self.left = READ_MAX_BYTES;
    }

    pub(super) fn look(&mut self, path: &Path, stamp: &Stamp) -> End {
        if let Some((_, end)) = self.known.get(path).filter(|(known, _)| known == stamp) {
            return *end;
        }
        if self.left == 0 {
            return End::Later;
        }
        let file = match same::open(path, stamp) {
            Ok(file) => file,
            Err(same::NotRead::Changed) => return End::Later,
            // Whoever takes it says what is wrong with it.
            Err(same::NotRead::Failed(_)) => return End::There,
        };
        let mut read = Reader { file: BufReader::with_capacity(PIECE_BYTES, file), bytes: stamp.bytes, read: 0 };
        let end = if is_unfinished(&mut read).unwrap_or(false) { End::Missing } else { End::There };
        self.left = self.left.saturating_sub(read.read);
        self.known.insert(path.to_path_buf(), (*stamp, end));
        end
    }

    /// Forgets files that nobody waits for any more.
    pub(super) fn end(&mut self, is_there: impl Fn(&Path) -> bool) {
        self.known.retain(|path, _| is_there(path));
    }
}

/// A file, and how much of it has been read.
struct Reader {
    file: BufReader<File>,
    bytes: u64,
    read: u64,
}

impl Reader {
    fn go_to(&mut self, at: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(at)).map(drop)
    }

    /// Small steps stay within what has been read.
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.file.seek_relative(i64::try_from(bytes).map_err(io::Error::other)?)
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        Ok(self.array::<1>()?.map(|[byte]| byte))
    }

    /// `None` where the file ends before.
    fn array<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        let mut array = [0; N];
        match self.file.read_exact(&mut array) {
            Ok(()) => {
                self.read += N as u64;
                Ok(Some(array))
            }
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Whether a stretch of the file holds nothing but zeros.
    fn is_zero(&mut self, at: u64, bytes: usize) -> io::Result<bool> {
        self.go_to(at)?;
        let mut stretch = Vec::with_capacity(bytes);
        let read = (&mut self.file).take(bytes as u64).read_to_end(&mut stretch)?;
        self.read += read as u64;
        Ok(stretch.iter().all(|byte| *byte == 0))
    }

    /// Whether a compressed stretch ends in zeros, as none does.
    fn ends_in_zeros(&mut self, at: u64, bytes: u64) -> io::Result<bool> {
        let zeros = ZEROS as u64;
        if bytes < zeros {
            return Ok(false);
        }
        self.is_zero(at + bytes - zeros, ZEROS)
    }
}

fn is_unfinished(file: &mut Reader) -> io::Result<bool> {
    if file.bytes == 0 || file.is_zero(0, ZEROS)? {
        return Ok(true);
    }
    file.go_to(0)?;
    let Some(magic) = file.array::<12>()? else { return Ok(false) };
    match &magic {
        [0xFF, 0xD8, 0xFF, ..] => jpeg(file),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => png(file),
        [b'R', b'I', b'F', b'F', a, b, c, d, b'W', b'E', b'B', b'P'] => {
            webp(file, u64::from(u32::from_le_bytes([*a, *b, *c, *d])))
        }
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => tiff::is_unfinished(file),
        _ => Ok(false),
    }
}

/// From marker to marker to the end of the first picture: previews in the head have ends of their own, and other pictures
/// or a film may follow.
fn jpeg(file: &mut Reader) -> io::Result<bool> {
    file.go_to(file.bytes - 2)?;
    if file.array()? == Some([0xFF, 0xD9]) {
        return Ok(false);
    }
    file.go_to(2)?;
    let mut in_scan = false;
    for _ in 0..PARTS_MAX {
        let Some(first) = (if in_scan { scan(file)? } else { file.byte()? }) else { return Ok(true) };
        if !in_scan && first != 0xFF {
            return Ok(first == 0);
        }
        let mut marker = if in_scan { first } else { 0xFF };
        while marker == 0xFF {
            let Some(next) = file.byte()? else { return Ok(true) };
            marker = next;
        }
        in_scan = false;
        match marker {
            0xD9 => return Ok(false),
            0x01 | 0xD0..=0xD8 => continue,
            _ => {}
        }
        let Some(length) = file.array()?.map(u16::from_be_bytes) else { return Ok(true) };
        if length < 2 {
            return Ok(length == 0);
        }
        file.skip(u64::from(length) - 2)?;
        in_scan = marker == 0xDA;
    }
    Ok(false)
}

/// The marker behind the compressed data of a scan.
fn scan(file: &mut Reader) -> io::Result<Option<u8>> {
    loop {
        let piece = file.file.fill_buf()?;
        let (used, is_marker) = match memchr::memchr(0xFF, piece) {
            _ if piece.is_empty() => return Ok(None),
            Some(at) => (at + 1, true),
            None => (piece.len(), false),
        };
        file.file.consume(used);
        file.read += used as u64;
        if is_marker {
            match file.byte()? {
                Some(0 | 0xD0..=0xD7) => {}
                other => return Ok(other),
            }
        }
    }
}

fn png(file: &mut Reader) -> io::Result<bool> {
    let mut at = 8;
    file.go_to(at)?;
    for _ in 0..PARTS_MAX {
        let (Some(length), Some(name)) = (file.array()?.map(u32::from_be_bytes), file.array::<4>()?) else {
            return Ok(true);
        };
        if &name == b"IEND" || !name.iter().all(u8::is_ascii_alphabetic) {
            return Ok(name == [0; 4]);
        }
        let with_checksum = u64::from(length) + 4;
        at += 8 + with_checksum;
        if at > file.bytes {
            return Ok(true);
        }
        file.skip(with_checksum)?;
    }
    Ok(false)
}

fn webp(file: &mut Reader, length: u64) -> io::Result<bool> {
    // Some writers count the last byte, which fills up to an even number, and leave it out.
    if length == 0 || length + 8 > file.bytes + 1 {
        return Ok(true);
    }
    let mut at = 12;
    while at + 8 <= length + 8 {
        file.go_to(at)?;
        let (Some(name), Some(bytes)) = (file.array::<4>()?, file.array()?.map(u32::from_le_bytes)) else {
            return Ok(true);
        };
        let is_picture = matches!(&name, b"VP8 " | b"VP8L");
        if name == [0; 4] || (is_picture && file.ends_in_zeros(at + 8, u64::from(bytes))?) {
            return Ok(true);
        }
        if is_picture {
            return Ok(false);
        }
        at += 8 + u64::from(bytes) + u64::from(bytes % 2);
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
