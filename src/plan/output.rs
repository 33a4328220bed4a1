//! How a finished file is written: encoding, colour space, what it says about the picture.

use super::Finding;
use super::draft::Draft;
use super::frozen::FrozenAsset;
use super::picture::Request;
use super::values::PictureValues;
use crate::model::checks::Verdict;
use crate::model::delivery::Delivery;
use crate::model::profile::{ColorChoice, ColorProfile, Compression, Format, MetadataPolicy, Profile, Strip};
use crate::model::spec::{
    ColorSpace, ColorSpec, Encoding, Header, KeepMetadata, MetadataSpec, Orientation, PictureFormat, PngCompression,
    TiffCompression,
};
use crate::model::template::Template;

impl Request<'_> {
    /// `copy` hands the original on only when nothing is to be done to it; else its format and depth are kept, and a
    /// finding says why it is made again.
    pub(super) fn encoding(&self, draft: &Draft<'_>, findings: &mut Vec<Finding>) -> Encoding {
        let p = self.profile;
        let header = draft.sources.first().and_then(|c| c.header.as_ref().ok());
        let own = header.map_or(PictureFormat::Jpeg, |h| h.format);
        let edits = if p.format == Format::Copy { self.edits(draft, header) } else { Vec::new() };
        let bits = match header {
            Some(header) if p.format == Format::Copy && self.form.copies_as_stored() => header.bits.clamp(p.bits, 16),
            _ => p.bits,
        };
        let jpeg = Encoding::Jpeg {
            quality: p.quality,
            subsampling: p.subsampling,
            progressive: p.progressive,
            optimize: p.small_files,
            max_bytes: p.max_bytes,
        };
        let png = |compression| Encoding::Png { bits, compression };
        let tiff = |compression| Encoding::Tiff { bits, compression };
        let encoding = match p.format {
            Format::Copy if edits.is_empty() => Encoding::Copy,
            Format::Jpeg => jpeg,
            Format::Copy => match own {
                PictureFormat::Jpeg | PictureFormat::Webp => jpeg,
                PictureFormat::Png => png(PngCompression::Standard),
                PictureFormat::Tiff => tiff(TiffCompression::Lzw),
            },
            Format::Png => png(match p.compression {
                Compression::Fast => PngCompression::Fast,
                Compression::Best => PngCompression::Best,
                _ => PngCompression::Standard,
            }),
            Format::Tiff => tiff(match p.compression {
                Compression::None => TiffCompression::None,
                Compression::Deflate => TiffCompression::Deflate,
                _ => TiffCompression::Lzw,
            }),
            Format::Webp => Encoding::Webp { quality: p.quality, max_bytes: p.max_bytes },
        };
        if !edits.is_empty() {
            let (edits, how) = (edits.join(", "), made_as(&encoding, &p.color.profile));
            let text = format!("{}: {edits}: the original is not handed on, but made again as {how}", self.label());
            findings.extend(self.finding(Verdict::Warn, "made_again", text));
        }
        encoding
    }

    /// Why `format: copy` cannot hand on the original.
    fn edits(&self, draft: &Draft<'_>, header: Option<&Header>) -> Vec<&'static str> {
        let mut edits = draft.edits();
        if !self.profile.overlays.is_empty() {
            edits.push("overlays");
        }
        if header.is_none_or(|h| h.orientation != Orientation::UPRIGHT) {
            if !self.form.copies_as_stored() {
                edits.push("orientation");
            } else if self.goes_to_lab() {
                edits.push("orientation (the machines of labs do not look at it)");
            }
        }
        edits
    }

    fn goes_to_lab(&self) -> bool {
        let of_rules = self.frozen.deliveries.iter().filter(|d| d.run.contains(&self.profile.name));
        let mut deliveries = self.profile.deliver.iter().chain(of_rules.map(|d| &d.delivery));
        deliveries.any(|delivery| matches!(delivery, Delivery::Lab { .. }))
    }

    /// A printer's own colour, else the profile's.
    pub(super) fn color(&self) -> ColorSpec {
        let of_printer = self.demand.map(|demand| demand.color.clone());
        of_printer.unwrap_or_else(|| color_spec(&self.profile.color, &self.frozen.assets))
    }

    pub(super) fn metadata(&self, values: &PictureValues<'_>) -> MetadataSpec {
        let p = self.profile;
        let text = |template: &Option<Template>| {
            let filled = template.as_ref()?.text(&|token| self.job.value(values, token), &mut Vec::new());
            (!filled.trim().is_empty()).then_some(filled)
        };
        MetadataSpec {
            keep: match p.metadata {
                MetadataPolicy::All => KeepMetadata::All,
                MetadataPolicy::Copyright => KeepMetadata::Copyright,
                MetadataPolicy::None => KeepMetadata::None,
            },
            strip_location: p.strip.contains(&Strip::Location),
            strip_people: p.strip.contains(&Strip::People),
            strip_serials: p.strip.contains(&Strip::Serials),
            keep_dates: p.metadata == MetadataPolicy::Copyright && !self.form.is_first(),
            fallback_artist: self.frozen.studio.name.clone(),
            fallback_copyright: text(&self.frozen.studio.copyright),
            set_artist: text(&p.set.artist),
            set_copyright: text(&p.set.copyright),
            set_caption: text(&p.set.caption),
            set_keywords: text(&p.set.keywords),
        }
    }
}

/// "a TIFF of 16 bits in sRGB", for the operator.
fn made_as(encoding: &Encoding, color: &ColorProfile) -> String {
    let space = match color {
        ColorProfile::Srgb => "sRGB",
        ColorProfile::AdobeRgb => "Adobe RGB",
        ColorProfile::DisplayP3 => "Display P3",
        ColorProfile::File(_) => "the profile that the config names",
    };
    match encoding {
        Encoding::Png { bits, .. } => format!("a PNG of {bits} bits in {space}"),
        Encoding::Tiff { bits, .. } => format!("a TIFF of {bits} bits in {space}"),
        _ => format!("a JPEG in {space}"),
    }
}

/// A choice of colour, its ICC files by their digests.
pub(super) fn color_spec(choice: &ColorChoice, assets: &[FrozenAsset]) -> ColorSpec {
    let space = |profile: &ColorProfile| match profile {
        ColorProfile::Srgb => ColorSpace::Srgb,
        ColorProfile::AdobeRgb => ColorSpace::AdobeRgb,
        ColorProfile::DisplayP3 => ColorSpace::DisplayP3,
        ColorProfile::File(path) => {
            let known = assets.iter().find(|a| a.path == *path);
            ColorSpace::Asset(known.map(|a| a.sha256.clone()).unwrap_or_default())
        }
    };
    ColorSpec {
        output: space(&choice.profile),
        intent: choice.intent,
        black_point: choice.black_point,
        untagged: space(&choice.untagged),
    }
}

/// The ending of a file's name.
pub fn extension(encoding: &Encoding, original: PictureFormat) -> &'static str {
    let of = |format| match format {
        PictureFormat::Jpeg => "jpg",
        PictureFormat::Png => "png",
        PictureFormat::Tiff => "tif",
        PictureFormat::Webp => "webp",
    };
    match encoding {
        Encoding::Jpeg { .. } => of(PictureFormat::Jpeg),
        Encoding::Png { .. } => of(PictureFormat::Png),
        Encoding::Tiff { .. } => of(PictureFormat::Tiff),
        Encoding::Webp { .. } => of(PictureFormat::Webp),
        Encoding::Copy => of(original),
    }
}

/// What a profile's format gives when the original is not known.
pub fn expected_extension(profile: &Profile) -> &'static str {
    match profile.format {
        Format::Jpeg | Format::Copy => "jpg",
        Format::Png => "png",
        Format::Tiff => "tif",
        Format::Webp => "webp",
    }
}
