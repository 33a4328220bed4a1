//! Every bound that untrusted input meets, named once. Sizes in bytes unless the name says otherwise.

/// Largest manifest that is read.
pub const MANIFEST_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Largest `hotfolders.yaml` that is read.
pub const CONFIG_MAX_BYTES: u64 = 1024 * 1024;
/// Deepest nesting of lists and maps in a manifest or config.
pub const DOCUMENT_MAX_DEPTH: usize = 64;
/// Most values a manifest or config may expand to; stops alias bombs before memory does.
pub const DOCUMENT_MAX_NODES: usize = 2_000_000;
/// Most errors, and most warnings, of one text that are kept and shown; the rest is counted.
pub const PROBLEMS_SHOWN: usize = 50;
/// Longest value that a message repeats, in characters.
pub const QUOTED_MAX_CHARS: usize = 60;
/// Longest message about one problem, in characters.
pub const MESSAGE_MAX_CHARS: usize = 600;
/// Longest word that is compared with the known ones for a "did you mean", in characters.
pub const GUESSED_MAX_CHARS: usize = 60;
/// How much text is read again to find the places of problems, in bytes; the other problems are shown without.
pub const LOCATE_MAX_BYTES: usize = 8 * 1024 * 1024;
/// Most images, and most lines, of one manifest.
pub const MANIFEST_MAX_ENTRIES: usize = 20_000;
/// Longest string of a manifest, in characters.
pub const STRING_MAX_CHARS: usize = 1_000;
/// Longest note of a manifest, in characters.
pub const NOTES_MAX_CHARS: usize = 10_000;
/// Longest `record`, `id` or `session`, in characters.
pub const IDENTIFIER_MAX_CHARS: usize = 64;
/// Most digits of an image's number.
pub const NUMBER_MAX_DIGITS: usize = 18;
/// Smallest side of a crop, as a share of the frame's.
pub const CROP_MIN_SIDE: f64 = 0.001;
/// How far a crop may reach over the frame's edge before it is refused: what programs get wrong by rounding.
pub const CROP_TOLERANCE: f64 = 0.0001;
/// Largest quantity of one line.
pub const QUANTITY_MAX: u32 = 9_999;
/// Largest original that is read.
pub const SOURCE_MAX_BYTES: u64 = 1024 * 1024 * 1024;
/// Longest side of a picture, in pixels, read or made.
pub const SIDE_MAX_PX: u32 = 40_000;
/// Most pixels of a picture, read or made.
pub const PICTURE_MAX_PX: u64 = 300_000_000;
/// Largest EXIF block or ICC profile that is looked into.
pub const METADATA_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Most outputs of one plan.
pub const PLAN_MAX_OUTPUTS: usize = 100_000;
/// Longest part of an output path, in bytes of UTF-8; longer ones are cut and get a digest.
pub const NAME_PART_MAX_BYTES: usize = 200;
/// Largest SVG that is read, what it embeds included.
pub const SVG_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Deepest nesting of the elements of an SVG, what `use` puts in included.
pub const SVG_MAX_DEPTH: usize = 100;
/// Most elements of an SVG, what `use` repeats included.
pub const SVG_MAX_ELEMENTS: usize = 300_000;
/// Most bytes that artwork in pixels may take when it is unpacked: 33 megapixels with 8 bits and alpha.
pub const ARTWORK_MAX_BYTES: u64 = 128 * 1024 * 1024;
/// Largest font, artwork or ICC file that the config may name. What uses them may take less, as an SVG or an ICC file.
pub const ASSET_MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Largest certificate, password file or mail template that is read.
pub const SMALL_FILE_MAX_BYTES: u64 = 256 * 1024;
/// Longest subject of a mail, in characters.
pub const SUBJECT_MAX_CHARS: usize = 200;
/// Longest answer of a mail server or webhook that is shown, in characters.
pub const REPLY_SHOWN_CHARS: usize = 300;
/// Largest answer of a printer that is read, in bytes; a long list of jobs is a few hundred KB.
pub const PRINTER_ANSWER_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Most values in one answer of a printer, those in collections included.
pub const PRINTER_ANSWER_MAX_VALUES: usize = 100_000;
/// Deepest nesting of collections in a printer's answer; real ones have two or three.
pub const PRINTER_ANSWER_MAX_DEPTH: usize = 16;
/// Longest text of a printer that is kept, in characters.
pub const PRINTER_TEXT_MAX_CHARS: usize = 255;
/// Longest side of a thumbnail on the page of a download link, in pixels.
pub const THUMBNAIL_PX: u32 = 512;
/// Longest side of a picture that fills a screen there.
pub const SCREEN_PX: u32 = 1600;
