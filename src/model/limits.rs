//! Every bound that untrusted input meets, named once. Sizes in bytes unless the name says otherwise.

/// Largest manifest that is read.
pub const MANIFEST_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// Largest `hotfolders.yaml` that is read.
pub const CONFIG_MAX_BYTES: u64 = 1024 * 1024;
/// Deepest nesting of lists and maps in a manifest or config.
pub const DOCUMENT_MAX_DEPTH: usize = 64;
/// Most values a manifest or config may expand to; stops alias bombs before memory does.
pub const DOCUMENT_MAX_NODES: usize = 2_000_000;
/// Most problems that are shown with their place; the rest is counted.
pub const PROBLEMS_SHOWN: usize = 50;
/// Most images, and most lines, of one manifest.
pub const MANIFEST_MAX_ENTRIES: usize = 20_000;
/// Longest string of a manifest, in characters.
pub const STRING_MAX_CHARS: usize = 1_000;
/// Longest note of a manifest, in characters.
pub const NOTES_MAX_CHARS: usize = 10_000;
/// Longest `record`, `id` or `session`, in characters.
pub const IDENTIFIER_MAX_CHARS: usize = 64;
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
