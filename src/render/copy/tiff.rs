//! A TIFF with other words around the same strips.
//!
//! Of the first picture of the file a new file is made: its strips or tiles as they are, the fields that say how they
//! are coded, and the words that the policy leaves. Other pages, previews, layers of editors, private fields and
//! whatever lies unreferenced in the file are not taken over, because nobody can say what they tell. A `BigTIFF` becomes
//! a plain one, which holds all that a source may have. Invariant: the byte order stays, because the pixels are in it.
//! Must not know: policies.

use super::super::error::RenderError;
use super::super::exif::{Directory, Exif, Field, kind_size, tag, word_size};
use super::super::metadata::Metadata;

/// How the pixels are coded: sizes, depth, compression and its settings, meaning of the channels, palette, colour
/// profile.
const CODING: [u16; 27] = [
    256, 257, 258, 259, 262, 266, 277, 278, 284, 292, 293, 317, 320, 322, 323, 332, 334, 336, 338, 339, 340, 341, 347,
    530, 531, 532, 34675,
];
/// Where the strips or tiles lie, and how long they are.
const PLACES: [(u16, u16); 2] = [(273, 279), (324, 325)];
const LONG: u16 = 4;
/// Of `BigTIFF`: an unsigned number of 64 bits.
const LONG8: u16 = 16;

/// The byte order of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn number(self, bytes: &[u8]) -> u64 {
        let value = |sum, byte: &u8| sum << 8 | u64::from(*byte);
        match self {
            Order::Little => bytes.iter().rev().fold(0, value),
            Order::Big => bytes.iter().fold(0, value),
        }
    }

    fn short(self, value: u16) -> [u8; 2] {
        if self == Order::Little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    fn long(self, value: u32) -> [u8; 4] {
        if self == Order::Little { value.to_le_bytes() } else { value.to_be_bytes() }
    }
}

/// A field with its value in the file's byte order.
#[derive(Debug, Clone)]
struct Entry {
    tag: u16,
    kind: u16,
    value: Vec<u8>,
}

impl Entry {
    fn longs(tag: u16, values: &[u32], order: Order) -> Entry {
        Entry { tag, kind: LONG, value: values.iter().flat_map(|v| order.long(*v)).collect() }
    }

    fn of_field(field: &Field, order: Order) -> Entry {
        let mut value = field.bytes.clone();
        if order == Order::Big {
            value.chunks_mut(word_size(field.kind)).for_each(<[u8]>::reverse);
        }
        Entry { tag: field.tag, kind: field.kind, value }
    }

    fn numbers(&self, order: Order) -> Vec<u64> {
        self.value.chunks(kind_size(self.kind)).map(|bytes| order.number(bytes)).collect()
    }
}

fn early() -> RenderError {
    RenderError::Damaged("the TIFF ends early".to_owned())
}

/// The file with `metadata` as its only words.
pub(super) fn copy(file: &[u8], metadata: &Metadata) -> Result<Vec<u8>, RenderError> {
    let order = if file.starts_with(b"II") { Order::Little } else { Order::Big };
    let head = file.get(..8).ok_or_else(early)?;
    let form = if order.number(&head[2..4]) == 43 { &BIG } else { &PLAIN };
    let first = file.get(form.first_at..).and_then(|rest| rest.get(..form.word)).ok_or_else(early)?;
    let found = read_directory(file, order.number(first) as usize, order, form)?;
    let of = |tag: u16| found.iter().find(|e| e.tag == tag);
    let mut out = [&head[..2], &order.short(42), &[0; 4]].concat();
    let mut main: Vec<Entry> = CODING.iter().filter_map(|tag| of(*tag).cloned()).collect();
    for (places, lengths) in PLACES {
        let (Some(places), Some(lengths)) = (of(places), of(lengths)) else { continue };
        let mut moved = Vec::new();
        for (at, length) in places.numbers(order).into_iter().zip(lengths.numbers(order)) {
            let strip = file.get(at as usize..).and_then(|rest| rest.get(..length as usize)).ok_or_else(early)?;
            moved.push(out.len() as u32);
            out.extend(strip);
            out.resize(out.len().next_multiple_of(2), 0);
            // Strips that share their bytes could name the file a thousand times over.
            if out.len() > file.len() + moved.len() + 8 {
                return Err(RenderError::Damaged("its strips overlap".to_owned()));
            }
        }
        main.push(Entry::longs(places.tag, &moved, order));
        main.push(lengths.clone());
    }
    let exif = &metadata.exif;
    main.extend(fields(exif, Directory::Main, order));
    let mut of_exif = fields(exif, Directory::Exif, order);
    let interop = fields(exif, Directory::Interop, order);
    if !interop.is_empty() {
        let at = write_directory(&mut out, interop, order);
        of_exif.push(Entry::longs(tag::INTEROP_POINTER, &[at], order));
    }
    for (entries, pointer) in [(of_exif, tag::EXIF_POINTER), (fields(exif, Directory::Gps, order), tag::GPS_POINTER)] {
        if !entries.is_empty() {
            let at = write_directory(&mut out, entries, order);
            main.push(Entry::longs(pointer, &[at], order));
        }
    }
    main.extend(metadata.xmp.as_ref().map(|block| Entry { tag: tag::XMP, kind: 1, value: block.clone() }));
    let at = write_directory(&mut out, main, order);
    out[4..8].copy_from_slice(&order.long(at));
    Ok(out)
}

fn fields(exif: &Exif, directory: Directory, order: Order) -> Vec<Entry> {
    exif.fields.iter().filter(|f| f.directory == directory).map(|f| Entry::of_field(f, order)).collect()
}

/// How long the numbers of a directory are, in bytes.
struct Form {
    /// Where the place of the first directory stands.
    first_at: usize,
    /// Of the number of entries.
    count: usize,
    /// Of the number of values of an entry, and of a place in the file.
    word: usize,
}

const PLAIN: Form = Form { first_at: 4, count: 2, word: 4 };
const BIG: Form = Form { first_at: 8, count: 8, word: 8 };

fn read_directory(file: &[u8], at: usize, order: Order, form: &Form) -> Result<Vec<Entry>, RenderError> {
    let word = form.word;
    let (count, rest) = file.get(at..).and_then(|rest| rest.split_at_checked(form.count)).ok_or_else(early)?;
    let length = (order.number(count) as usize).checked_mul(4 + 2 * word);
    let entries = length.and_then(|length| rest.get(..length)).ok_or_else(early)?;
    let mut out: Vec<Entry> = Vec::new();
    for entry in entries.chunks_exact(4 + 2 * word) {
        let (tag, kind) = (order.number(&entry[..2]) as u16, order.number(&entry[2..4]) as u16);
        let wanted = CODING.contains(&tag) || PLACES.iter().any(|(a, b)| tag == *a || tag == *b);
        if !wanted || out.iter().any(|e| e.tag == tag) {
            continue;
        }
        let (values, own) = entry[4..].split_at(word);
        let size = if kind == LONG8 { 8 } else { kind_size(kind) };
        let bytes = (order.number(values) as usize).checked_mul(size).ok_or_else(early)?;
        let value = if bytes <= word {
            &own[..bytes]
        } else {
            file.get(order.number(own) as usize..).and_then(|rest| rest.get(..bytes)).ok_or_else(early)?
        };
        if kind == LONG8 {
            let narrow = value.chunks(8).map(|bytes| u32::try_from(order.number(bytes)).map_err(|_| early()));
            out.push(Entry::longs(tag, &narrow.collect::<Result<Vec<u32>, RenderError>>()?, order));
            continue;
        }
        out.push(Entry { tag, kind, value: value.to_vec() });
    }
    Ok(out)
}

/// Appends a directory and its values; where it begins.
fn write_directory(out: &mut Vec<u8>, mut entries: Vec<Entry>, order: Order) -> u32 {
    entries.sort_by_key(|e| e.tag);
    entries.dedup_by_key(|e| e.tag);
    let mut at = Vec::new();
    for entry in entries.iter().filter(|e| e.value.len() > 4) {
        out.resize(out.len().next_multiple_of(2), 0);
        at.push(out.len() as u32);
        out.extend(&entry.value);
    }
    out.resize(out.len().next_multiple_of(2), 0);
    let start = out.len() as u32;
    let mut at = at.into_iter();
    out.extend(order.short(entries.len() as u16));
    for entry in &entries {
        out.extend(order.short(entry.tag));
        out.extend(order.short(entry.kind));
        out.extend(order.long((entry.value.len() / kind_size(entry.kind)) as u32));
        let mut value = [0; 4];
        match entry.value.len() {
            length @ ..=4 => value[..length].copy_from_slice(&entry.value),
            _ => value = order.long(at.next().unwrap_or_default()),
        }
        out.extend(value);
    }
    out.extend([0; 4]);
    start
}
