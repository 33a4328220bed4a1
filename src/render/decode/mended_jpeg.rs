//! A JPEG written anew to the letter of the standard, for pictures that the library only complains of.
//!
//! What is changed cannot hold a pixel: bytes between the segments, numbers that mean nothing in this kind of JPEG,
//! zeros behind coded data, a missing end. So when the result decodes without a warning, every block was in the file;
//! zeros in place of coded data are taken away with the rest, and their blocks are missed. Must not know: the library.

use std::collections::BTreeMap;

use super::super::segment::{is_frame, marker, stands_alone};

/// The picture with its faults of form mended; `None` where there are none, or it is certain that something is missing.
pub(in crate::render) fn mend(file: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(file.len() + 2);
    out.extend(file.get(..2)?);
    let mut scans = Scans::default();
    let mut adobe_at = None;
    let mut at = 2;
    loop {
        let (found, after) = next_marker(file, at)?;
        at = after;
        if found == marker::EOI {
            out.extend([0xff, marker::EOI]);
            out.extend(&file[at..]);
            break;
        }
        let start = out.len();
        out.extend([0xff, found]);
        if stands_alone(found) {
            continue;
        }
        let length = usize::from(u16::from_be_bytes(*file.get(at..)?.first_chunk()?));
        out.extend(file.get(at..at + length.max(2))?);
        at += length.max(2);
        let payload = out.get_mut(start + 4..)?;
        match found {
            // Any major version of JFIF is read alike.
            marker::APP0 if payload.starts_with(b"JFIF\0") && !matches!(payload.get(5), Some(1 | 2)) => {
                *payload.get_mut(5)? = 1;
            }
            marker::APP14 if payload.starts_with(b"Adobe") && payload.len() > ADOBE_TRANSFORM => {
                adobe_at = Some(start + 4 + ADOBE_TRANSFORM);
            }
            marker::SOS => {
                scans.add(payload)?;
                if let (Some(at), Some(transform)) = (adobe_at, scans.transform())
                    && out[at] != 0
                {
                    out[at] = transform;
                }
                let Some(next) = push_coded(file, at, &mut out) else {
                    if !scans.are_complete() {
                        return None;
                    }
                    out.extend([0xff, marker::EOI]);
                    break;
                };
                at = next;
            }
            m if is_frame(m) => scans.begin(m, payload)?,
            _ => {}
        }
    }
    (out != file).then_some(out)
}

/// Where Adobe's segment says how colours are coded.
const ADOBE_TRANSFORM: usize = 11;

/// The next marker and where it ends, past any stray bytes.
fn next_marker(file: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += memchr::memchr(0xff, file.get(at..)?)? + 1;
        match *file.get(at)? {
            0xff => {}
            0 => at += 1,
            found => return Some((found, at + 1)),
        }
    }
}

/// Appends the coded data of a scan, each interval without zeros behind it. Gives where the next segment begins; `None`
/// where the file ends instead.
fn push_coded(file: &[u8], mut at: usize, out: &mut Vec<u8>) -> Option<usize> {
    let mut start = at;
    loop {
        let Some(found) = memchr::memchr(0xff, &file[at..]).map(|found| at + found) else {
            push_interval(before_trailer(&file[start..]), out);
            return None;
        };
        match file.get(found + 1) {
            None => {
                push_interval(before_trailer(&file[start..found]), out);
                return None;
            }
            Some(0) => at = found + 2,
            Some(restart @ 0xd0..=0xd7) => {
                push_interval(&file[start..found], out);
                out.extend([0xff, *restart]);
                at = found + 2;
                start = at;
            }
            Some(_) => {
                push_interval(&file[start..found], out);
                return Some(found);
            }
        }
    }
}

fn push_interval(coded: &[u8], out: &mut Vec<u8>) {
    let last = coded.iter().rposition(|byte| *byte != 0);
    let Some(last) = last else { return };
    // The zero behind 0xff belongs to it.
    let end = if coded[last] == 0xff { last + 2 } else { last + 1 };
    out.extend(&coded[..end.min(coded.len())]);
}

/// Samsung's cameras write blocks in place of the end of some pictures: two zeros, a kind, the length of a name, the name;
/// and a list of them called SEFH.
fn before_trailer(coded: &[u8]) -> &[u8] {
    const NAME_MAX: usize = 64;
    let Some(list) = memchr::memmem::rfind(coded, b"SEFH") else { return coded };
    let is_block = |block: &[u8]| {
        let Some((&[0, 0, _, _, length, 0, 0, 0], rest)) = block.split_first_chunk() else { return false };
        let length = usize::from(length);
        (1..=NAME_MAX).contains(&length) && rest.get(..length).is_some_and(|name| name.iter().all(u8::is_ascii_graphic))
    };
    let start = memchr::memmem::find_iter(&coded[..list], &[0, 0]).find(|at| is_block(&coded[*at..]));
    &coded[..start.unwrap_or(coded.len())]
}

/// How precisely the scans so far give each coefficient.
#[derive(Default)]
struct Scans {
    progressive: bool,
    /// By component: how many low bits of each coefficient are still to come.
    missing: BTreeMap<u8, [u8; 64]>,
}

impl Scans {
    const NOTHING_YET: u8 = u8::MAX;

    fn begin(&mut self, frame: u8, payload: &[u8]) -> Option<()> {
        self.progressive = !matches!(frame, 0xc0 | 0xc1 | 0xc9);
        let components = payload.get(6..)?.as_chunks::<3>().0;
        self.missing = components.iter().map(|[id, ..]| (*id, [Self::NOTHING_YET; 64])).collect();
        Some(())
    }

    /// Notes a scan. Of one that gives all coefficients at once the parameters mean nothing: they become what the
    /// standard asks for.
    fn add(&mut self, header: &mut [u8]) -> Option<()> {
        let count = usize::from(*header.first()?);
        let (components, parameters) = header.get_mut(1..)?.split_at_mut_checked(2 * count)?;
        let parameters = parameters.first_chunk_mut::<3>()?;
        if !self.progressive {
            *parameters = [0, 63, 0];
        }
        let [first, last, precision] = *parameters;
        for [id, _] in components.as_chunks::<2>().0 {
            let coefficients = self.missing.get_mut(id)?.get_mut(usize::from(first)..=usize::from(last))?;
            coefficients.fill(precision & 0x0f);
        }
        Some(())
    }

    /// Whether no scan is missing, for files that do not say where they end.
    fn are_complete(&self) -> bool {
        !self.missing.is_empty() && self.missing.values().flatten().all(|bits| *bits == 0)
    }

    /// How Adobe's segment names the usual colours of this many components.
    fn transform(&self) -> Option<u8> {
        match self.missing.len() {
            3 => Some(1),
            4 => Some(2),
            _ => None,
        }
    }
}
