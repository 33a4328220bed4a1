//! The keys of a profile that belong to one file format.

use serde_json::{Value, json};

use super::Context;
use super::profile::{Bits, RawProfile};
use crate::model::document::{Node, Path as Place};
use crate::model::problem::Problems;
use crate::model::profile::{Compression, Format, Sharpen};
use crate::model::section::{Read, word};
use crate::model::spec::Subsampling;

/// How much colour detail a JPEG keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SubsamplingForm(pub(super) Subsampling);

impl Default for SubsamplingForm {
    fn default() -> Self {
        SubsamplingForm(Subsampling::S444)
    }
}

const SUBSAMPLINGS: &[&str] = &["4:4:4", "4:2:2", "4:2:0"];

impl Read for SubsamplingForm {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<SubsamplingForm> {
        let form = match word(node, path, problems, SUBSAMPLINGS)? {
            "4:2:2" => Subsampling::S422,
            "4:2:0" => Subsampling::S420,
            _ => Subsampling::S444,
        };
        Some(SubsamplingForm(form))
    }
    fn schema() -> Value {
        json!({ "enum": SUBSAMPLINGS })
    }
}

/// The words of `compression` that a format has; none where it has no choice.
fn compressions(format: Format) -> &'static [Compression] {
    match format {
        Format::Png => &[Compression::Standard, Compression::Fast, Compression::Best],
        Format::Tiff => &[Compression::Lzw, Compression::None, Compression::Deflate],
        Format::Jpeg | Format::Webp | Format::Copy => &[],
    }
}

pub(super) fn default_compression(format: Format) -> Compression {
    compressions(format).first().copied().unwrap_or(Compression::Standard)
}

/// A key that a format cannot follow would be ignored in silence: it is refused instead.
pub(super) fn check(profile: &RawProfile, cx: &mut Context<'_>) {
    let at = |key: &str| profile.here.key(key);
    if cx.failed(&at("format")) {
        return;
    }
    let format = profile.format.unwrap_or(Format::Jpeg);
    // `copy` makes a JPEG where something is to be done to the picture.
    let as_jpeg = matches!(format, Format::Jpeg | Format::Copy);
    let bitmap = matches!(format, Format::Png | Format::Tiff);
    let rules = [
        ("quality", profile.quality.is_some(), as_jpeg || format == Format::Webp, "jpeg` or `webp"),
        ("subsampling", profile.subsampling.is_some(), as_jpeg, "jpeg"),
        ("progressive", profile.progressive.is_some(), as_jpeg, "jpeg"),
        ("small_files", profile.small_files.is_some(), as_jpeg, "jpeg"),
        ("max_bytes", profile.max_bytes.is_some(), matches!(format, Format::Jpeg | Format::Webp), "jpeg` or `webp"),
        ("bits", profile.bits.is_some_and(|bits| bits != Bits(8)), bitmap, "png` or `tiff"),
        ("compression", profile.compression.is_some(), bitmap, "png` or `tiff"),
    ];
    for (key, _, _, formats) in rules.iter().filter(|(_, is_there, allowed, _)| *is_there && !*allowed) {
        cx.error(&at(key), format!("`{key}` goes with `format: {formats}`; this profile has `{format}`"));
    }
    let words = compressions(format);
    if let Some(word) = profile.compression
        && !words.is_empty()
        && !words.contains(&word)
    {
        let list = words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
        cx.error(&at("compression"), format!("`{word}` is no compression of `{format}`; it has {list}"));
    }
    if format == Format::Copy {
        let always_changes = [
            ("sharpen", profile.sharpen.is_some_and(|sharpen| sharpen != Sharpen::None)),
            ("overlays", profile.overlays.as_ref().is_some_and(|overlays| !overlays.is_empty())),
            ("border", profile.border.is_some()),
            ("bleed", profile.bleed.is_some()),
        ];
        for (key, _) in always_changes.iter().filter(|(_, is_there)| *is_there) {
            cx.error(&at(key), format!("`{key}` changes every picture; with `format: copy` none would ever be copied"));
        }
    }
}
