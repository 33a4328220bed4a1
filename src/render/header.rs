//! What a picture's header says: for the plan in short, for rendering in full.
//!
//! Invariant: sizes past the limits are refused here, before anything is allocated for pixels; the same bytes give
//! the same facts whether they are read from a file or from memory. Must not know: outputs, profiles' insides.

use std::io::{BufRead, Read, Seek, SeekFrom};

use tiff::decoder::Decoder;
use tiff::tags::Tag;

use super::bands::{self, Bands};
use super::chunk;
use super::colorimetry::Colorimetry;
use super::error::{RenderError, RenderWarning};
use super::exif::{self, Directory, Exif, Field};
use super::iim;
use super::kind;
use super::segment;
use crate::model::limits::{METADATA_MAX_BYTES, PICTURE_MAX_PX, SIDE_MAX_PX, SOURCE_MAX_BYTES};
use crate::model::spec::{Header, PictureFormat, PixelSize};

/// The colours a picture is stored in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inks {
    Gray,
    Rgb,
    Cmyk,
}

/// Everything that rendering needs to know beside the pixels.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a file, not states of one thing")]
pub(super) struct Facts {
    pub(super) header: Header,
    pub(super) inks: Inks,
    /// Empty when it is broken. A PNG's is unpacked with its pixels.
    pub(super) icc: Option<Vec<u8>>,
    /// JPEG: the parts of the profile are not numbered as they should be.
    pub(super) profile_misnumbered: bool,
    /// What the container says of its colours beside that.
    pub(super) colors: Colorimetry,
    pub(super) exif: Exif,
    pub(super) xmp: Option<Vec<u8>>,
    /// The rest of a packet that was too large for one segment.
    pub(super) xmp_extension: Option<Vec<u8>>,
    /// What IIM blocks and text chunks say, which counts where EXIF and XMP say nothing.
    pub(super) words: Vec<iim::Word>,
    /// CMYK is stored with 0 for full ink.
    pub(super) inverted: bool,
    /// TIFF: colours are stored multiplied with alpha.
    pub(super) premultiplied: bool,
    /// TIFF: how the pixels are stored.
    pub(super) bands: Option<Bands>,
    /// The container goes on to its end, as far as the header can tell.
    pub(super) complete: bool,
    pub(super) warnings: Vec<RenderWarning>,
}

/// The kind of file by its first bytes; names and extensions are not believed.
pub(super) fn sniff(start: &[u8]) -> Result<PictureFormat, RenderError> {
    match start {
        [0xff, 0xd8, 0xff, ..] => Ok(PictureFormat::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok(PictureFormat::Png),
        // Canon's CR2 is a TIFF whose pictures no reader of TIFFs knows: its mark lies where others have pixels, so where
        // the first directory begins counts too.
        [b'I', b'I', 42, 0, 16, 0, 0, 0, b'C', b'R', 2, _, ..] => Err(RenderError::NotAPicture(kind::RAW.to_owned())),
        // 43 is BigTIFF.
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Ok(PictureFormat::Tiff),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(PictureFormat::Webp),
        _ => Err(RenderError::NotAPicture(kind::of_no_picture(start).to_owned())),
    }
}

/// Refuses sizes past the limits of the program.
pub(super) fn check_size(width: u32, height: u32) -> Result<PixelSize, RenderError> {
    let size = PixelSize::new(width, height);
    if size.pixels() == 0 {
        return Err(RenderError::Damaged("its header says that it has no pixels".to_owned()));
    }
    if size.long_edge() > SIDE_MAX_PX {
        let (found, most) = (u64::from(size.long_edge()), u64::from(SIDE_MAX_PX));
        return Err(RenderError::TooLarge { what: "pixels on a side", found, most });
    }
    if size.pixels() > PICTURE_MAX_PX {
        return Err(RenderError::TooLarge { what: "pixels", found: size.pixels(), most: PICTURE_MAX_PX });
    }
    Ok(size)
}

/// Reads the header of a picture, for the plan. Cheap: no pixels are decoded, of a large file a few blocks are read.
pub fn probe<R: BufRead + Seek>(reader: R) -> Result<Header, RenderError> {
    read(reader).map(|facts| facts.header)
}

/// Reads all facts.
pub(super) fn read<R: Read + Seek>(mut reader: R) -> Result<Facts, RenderError> {
    let failed = |e: std::io::Error| RenderError::Io(e.to_string());
    let file_bytes = reader.seek(SeekFrom::End(0)).map_err(failed)?;
    if file_bytes > SOURCE_MAX_BYTES {
        return Err(RenderError::TooLarge { what: "bytes", found: file_bytes, most: SOURCE_MAX_BYTES });
    }
    reader.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut start = Vec::with_capacity(kind::START_BYTES);
    reader.by_ref().take(kind::START_BYTES as u64).read_to_end(&mut start).map_err(failed)?;
    let format = sniff(&start)?;
    reader.seek(SeekFrom::Start(0)).map_err(failed)?;
    let facts = match format {
        PictureFormat::Jpeg => segment::read(&mut reader).and_then(|found| jpeg_facts(found, file_bytes)),
        PictureFormat::Png => chunk::read_png(&mut reader, file_bytes).and_then(|found| chunk_facts(format, found)),
        PictureFormat::Webp => chunk::read_webp(&mut reader, file_bytes).and_then(|found| chunk_facts(format, found)),
        PictureFormat::Tiff => tiff_facts(reader),
    };
    // Without its header nothing of a picture can be shown.
    facts.map_err(RenderError::lost)
}

/// EXIF out of a container, with a warning when it is broken.
fn read_exif(block: Option<&[u8]>, warnings: &mut Vec<RenderWarning>) -> Exif {
    let Some(block) = block else { return Exif::default() };
    let (exif, problem) = Exif::read(block);
    warnings.extend(problem.map(RenderWarning::BrokenExif));
    exif
}

fn jpeg_facts(found: segment::Segments, file_bytes: u64) -> Result<Facts, RenderError> {
    let stored = check_size(found.width, found.height)?;
    if found.bits != 8 {
        return Err(RenderError::Unsupported(format!("a JPEG with {} bits", found.bits)));
    }
    let inks = match found.components {
        1 => Inks::Gray,
        3 => Inks::Rgb,
        4 => Inks::Cmyk,
        n => return Err(RenderError::Unsupported(format!("a JPEG with {n} channels"))),
    };
    let mut warnings = Vec::new();
    let exif = read_exif(found.exif.as_deref(), &mut warnings);
    Ok(Facts {
        header: Header {
            format: PictureFormat::Jpeg,
            stored,
            orientation: exif.orientation(),
            bits: 8,
            has_alpha: false,
            tagged: found.icc.is_some() || exif.names_adobe_rgb(),
            progressive: found.progressive,
            taken: exif.taken(),
        },
        inks,
        icc: found.icc,
        profile_misnumbered: found.profile_misnumbered,
        colors: Colorimetry::default(),
        exif,
        xmp: found.xmp,
        xmp_extension: found.xmp_extension,
        words: iim::read(&found.resources),
        inverted: found.adobe,
        premultiplied: false,
        bands: None,
        // A small file that claims a giant picture is known for what it is before memory is made for its pixels.
        complete: !found.huffman || file_bytes >= stored.pixels() / (64 * 8),
        warnings,
    })
}

fn chunk_facts(format: PictureFormat, found: chunk::Chunks) -> Result<Facts, RenderError> {
    let stored = check_size(found.width, found.height)?;
    if found.animated && format == PictureFormat::Webp {
        return Err(RenderError::Unsupported("an animated WebP".to_owned()));
    }
    let mut warnings = Vec::new();
    warnings.extend(found.spoilt.into_iter().map(RenderWarning::ChunkLeftOut));
    let exif = read_exif(found.exif.as_deref(), &mut warnings);
    let mut words = found.iptc.as_deref().map(iim::read).unwrap_or_default();
    words.extend(found.words);
    Ok(Facts {
        header: Header {
            format,
            stored,
            orientation: exif.orientation(),
            bits: found.bits,
            has_alpha: found.alpha,
            tagged: found.has_icc || found.colors.is_stated() || exif.names_adobe_rgb(),
            progressive: false,
            taken: exif.taken(),
        },
        inks: if found.gray { Inks::Gray } else { Inks::Rgb },
        icc: found.icc,
        profile_misnumbered: false,
        colors: found.colors,
        exif,
        xmp: found.xmp,
        xmp_extension: None,
        words,
        inverted: false,
        premultiplied: false,
        bands: None,
        complete: found.complete,
        warnings,
    })
}

/// What a failed TIFF call means for the operator.
pub(super) fn tiff_error(error: &tiff::TiffError) -> RenderError {
    match error {
        tiff::TiffError::UnsupportedError(e) => RenderError::Unsupported(format!("this kind of TIFF ({e})")),
        tiff::TiffError::LimitsExceeded => {
            RenderError::TooLarge { what: "bytes of metadata", found: 0, most: METADATA_MAX_BYTES as u64 }
        }
        other => RenderError::Damaged(other.to_string()),
    }
}

/// What the values of one field may take when they are unfolded one by one, in bytes. Each takes 32, however small it
/// is in the file, so this is two million: more than a picture at the limits has strips or tiles.
const TIFF_VALUES_MAX_BYTES: usize = 64 * 1024 * 1024;

const TAG_DNG_VERSION: u16 = 0xc612;

fn tiff_facts<R: Read + Seek>(reader: R) -> Result<Facts, RenderError> {
    let mut limits = tiff::decoder::Limits::default();
    limits.ifd_value_size = METADATA_MAX_BYTES;
    limits.decoding_buffer_size = TIFF_VALUES_MAX_BYTES;
    let (decoder, photometric) = bands::open(reader)?;
    let mut decoder = decoder.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(|e| tiff_error(&e))?;
    let stored = check_size(width, height)?;
    // Camera raw files are TIFFs whose first picture is a small preview.
    let preview = decoder.find_tag_unsigned::<u32>(Tag::NewSubfileType).ok().flatten().unwrap_or(0) & 1 == 1;
    let (is_dng, has_pages) = {
        let page = decoder.image_ifd();
        let directory = page.directory();
        (directory.contains(Tag::Unknown(TAG_DNG_VERSION)), directory.contains(Tag::SubIfd))
    };
    if is_dng || (preview && has_pages) {
        return Err(RenderError::Unsupported("a camera raw file (it must be developed first)".to_owned()));
    }
    if preview {
        let what = "a TIFF whose first page is only a preview, as in some camera raw files,";
        return Err(RenderError::Unsupported(what.to_owned()));
    }
    let bands = Bands::read(&mut decoder, photometric)?;
    let icc = bands.profile().or_else(|| tiff_bytes(&mut decoder, Tag::IccProfile));
    let xmp = tiff_bytes(&mut decoder, Tag::Unknown(exif::tag::XMP)).filter(|block| !block.is_empty());
    let bare = tiff_bytes(&mut decoder, Tag::Unknown(exif::tag::IPTC)).map(|block| iim::read(&block));
    let words = bare
        .filter(|words| !words.is_empty())
        .or_else(|| tiff_bytes(&mut decoder, Tag::Unknown(exif::tag::PHOTOSHOP)).map(|block| iim::read(&block)));
    let exif = tiff_fields(&mut decoder);
    Ok(Facts {
        header: Header {
            format: PictureFormat::Tiff,
            stored,
            orientation: exif.orientation(),
            bits: bands.bits(),
            has_alpha: bands.has_alpha(),
            tagged: icc.is_some() || exif.names_adobe_rgb(),
            progressive: false,
            taken: exif.taken(),
        },
        inks: bands.inks(),
        icc,
        profile_misnumbered: false,
        colors: Colorimetry::default(),
        exif,
        xmp,
        xmp_extension: None,
        words: words.unwrap_or_default(),
        inverted: false,
        premultiplied: bands.is_premultiplied(),
        bands: Some(bands),
        complete: true,
        warnings: Vec::new(),
    })
}

/// A field that holds bytes; empty when they cannot be had or are too many. The other ways to read a field unfold it
/// into values, at many times its size.
fn tiff_bytes<R: Read + Seek>(decoder: &mut Decoder<R>, tag: Tag) -> Option<Vec<u8>> {
    let entry = decoder.image_ifd().directory().get(tag).cloned()?;
    let kind = entry.field_type();
    // Photoshop declared its IPTC block as numbers of four bytes; the bytes are the block all the same.
    let are_bytes = matches!(kind.to_u16(), exif::BYTE | exif::ASCII | exif::UNDEFINED)
        || (tag.to_u16() == exif::tag::IPTC && kind.to_u16() == exif::LONG);
    let bytes = entry.count().saturating_mul(exif::kind_size(kind.to_u16()) as u64);
    if !are_bytes || bytes > METADATA_MAX_BYTES as u64 {
        return Some(Vec::new());
    }
    let mut value = tiff::tags::ValueBuffer::empty(kind);
    let found = decoder.image_ifd().find_tag_buf(tag, &mut value);
    Some(if found.is_ok() { value.as_bytes().to_vec() } else { Vec::new() })
}

/// Largest value of one field that is taken out of a TIFF, in bytes; a JPEG's EXIF is not larger as a whole.
const TIFF_FIELD_MAX_BYTES: u64 = 64 * 1024;

/// The fields of a TIFF's own directories. Read one by one: a TIFF's EXIF cannot be had without its pixels as a
/// block, and a copy of the file in memory is what must not happen.
fn tiff_fields<R: Read + Seek>(decoder: &mut Decoder<R>) -> Exif {
    let mut directories = Vec::new();
    let main = decoder.ifd_pointer().and_then(|at| decoder.read_directory(at).ok());
    for (directory, pointer) in [(Directory::Exif, Tag::ExifDirectory), (Directory::Gps, Tag::GpsDirectory)] {
        let found = main.as_ref().and_then(|d| sub_directory(decoder, d, pointer));
        if let (Directory::Exif, Some(exif)) = (directory, &found) {
            let pointer = Tag::from_u16_exhaustive(exif::tag::INTEROP_POINTER);
            directories.extend(sub_directory(decoder, exif, pointer).map(|d| (Directory::Interop, d)));
        }
        directories.extend(found.map(|d| (directory, d)));
    }
    directories.extend(main.map(|d| (Directory::Main, d)));
    let mut out = Exif::default();
    let mut total = 0;
    for (directory, entries) in &directories {
        for (tag, entry) in entries.iter() {
            let kind = entry.field_type();
            // The larger types of BigTIFF mean nothing in an EXIF block.
            let size = entry.count().saturating_mul(exif::kind_size(kind.to_u16()) as u64);
            if size == 0 || size > TIFF_FIELD_MAX_BYTES || kind.to_u16() > 13 {
                continue;
            }
            total += size;
            if total > METADATA_MAX_BYTES as u64 {
                break;
            }
            let mut value = tiff::tags::ValueBuffer::empty(kind);
            if decoder.read_directory_tags(entries).find_tag_buf(tag, &mut value).is_ok() {
                value.set_byte_order(tiff::tags::ByteOrder::LittleEndian);
                let (tag, kind) = (tag.to_u16(), kind.to_u16());
                out.fields.push(Field { directory: *directory, tag, kind, bytes: value.as_bytes().to_vec() });
            }
        }
    }
    out
}

/// The directory that a field of another one points at.
fn sub_directory<R: Read + Seek>(
    decoder: &mut Decoder<R>,
    parent: &tiff::Directory,
    pointer: Tag,
) -> Option<tiff::Directory> {
    let value = decoder.read_directory_tags(parent).find_tag(pointer).ok().flatten()?;
    let at = match value {
        tiff::decoder::ifd::Value::Unsigned(at) => tiff::tags::IfdPointer(u64::from(at)),
        other => other.into_ifd_pointer().ok()?,
    };
    decoder.read_directory(at).ok()
}
