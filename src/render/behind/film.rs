//! The film of a motion photo: an MP4 behind the picture.
//!
//! Invariant: what is not needed to play it may tell places or names, and is overwritten where it stands, so that no
//! place inside the film moves; a film with a track of unknown content is not handed on. Must not know: policies.

/// Boxes in which others are looked for.
const NESTED: [&[u8]; 4] = [b"moov", b"trak", b"mdia", b"minf"];
/// Boxes that a film is played by. The others hold tags of phones, coordinates, names, whatever a program puts there.
const PLAYED: [&[u8]; 19] = [
    b"ftyp", b"mdat", b"wide", b"moov", b"mvhd", b"iods", b"trak", b"tkhd", b"edts", b"tref", b"mdia", b"mdhd",
    b"hdlr", b"minf", b"vmhd", b"smhd", b"nmhd", b"dinf", b"stbl",
];
/// A film in pieces, each with words of its own.
const FRAGMENT: &[u8] = b"moof";
/// Tracks that Google's cameras add: how the camera was held, and which moment is the best.
const OF_CAMERA: [&[u8]; 2] = [b"application/microvideo", b"application/motionphoto-image-meta"];
/// How deep boxes are looked into.
const DEPTH_MAX: usize = 8;

/// Kind of the first box, the length of its head, and its whole length.
fn first_box(bytes: &[u8]) -> Option<(&[u8], usize, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let kind = rest.get(..4)?;
    let (head, length) = match u32::from_be_bytes(*length) {
        0 => (8, bytes.len()),
        1 => (16, usize::try_from(u64::from_be_bytes(*rest.get(4..)?.first_chunk()?)).ok()?),
        length => (8, length as usize),
    };
    (length >= head && length <= bytes.len()).then_some((kind, head, length))
}

/// The film in what lies behind the pictures.
pub(in crate::render) fn find(behind: &[u8]) -> Option<&[u8]> {
    let from = memchr::memmem::find(behind, b"ftyp")?.checked_sub(4)?;
    let film = &behind[from..];
    let (mut end, mut is_whole) = (0, false);
    while let Some((kind, _, length)) = first_box(&film[end..]) {
        // Trailers of phones may look like boxes of letters in another order.
        if !kind.iter().all(u8::is_ascii_alphanumeric) {
            break;
        }
        is_whole |= kind == b"moov";
        end += length;
    }
    is_whole.then(|| &film[..end])
}

/// The film without its words; `None` where they cannot be told from the rest.
pub(in crate::render) fn blanked(film: &[u8]) -> Option<Vec<u8>> {
    let mut out = film.to_vec();
    blank(&mut out, DEPTH_MAX)?;
    Some(out)
}

fn blank(mut bytes: &mut [u8], depth: usize) -> Option<()> {
    while !bytes.is_empty() {
        let (kind, head, length) = first_box(bytes)?;
        let (is_nested, is_played) = (NESTED.contains(&kind), PLAYED.contains(&kind));
        let is_unknown = kind == FRAGMENT || (kind == b"trak" && !is_known(&bytes[..length]));
        let (this, rest) = bytes.split_at_mut(length);
        if is_unknown {
            return None;
        } else if !is_played {
            this[4..8].copy_from_slice(b"free");
            this[head..].fill(0);
        } else if is_nested {
            blank(&mut this[head..], depth.checked_sub(1)?)?;
        }
        bytes = rest;
    }
    Some(())
}

/// Whether a track holds pictures, sound, or what the camera itself needs.
fn is_known(track: &[u8]) -> bool {
    let handler = memchr::memmem::find(track, b"hdlr").and_then(|at| track.get(at + 12..at + 16));
    let of_camera = || OF_CAMERA.iter().any(|word| memchr::memmem::find(track, word).is_some());
    matches!(handler, Some(b"vide" | b"soun")) || of_camera()
}
