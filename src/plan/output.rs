//! How a finished file is written: encoding, colour space, what it says about the picture.

use super::draft::Draft;
use super::frozen::FrozenAsset;
use super::picture::Request;
use super::values::PictureValues;
use crate::model::profile::{ColorChoice, ColorProfile, Compression, Format, MetadataPolicy, Profile, Strip};
use crate::model::spec::{
    ColorSpace, ColorSpec, Encoding, KeepMetadata, MetadataSpec, PictureFormat, PngCompression, TiffCompression,
};
use crate::model::template::Template;

impl Request<'_> {
    /// `copy` hands the original on only when nothing is to be done to it; else its format is kept.
    pub(super) fn encoding(&self, draft: &Draft<'_>) -> Encoding {
        let p = self.profile;
        let header = draft.sources.first().and_then(|c| c.header.as_ref().ok());
        let own = header.map_or(PictureFormat::Jpeg, |h| h.format);
        let untouched =
            header.is_some_and(|h| h.orientation.exif() == 1) && draft.is_untouched() && p.overlays.is_empty();
        let jpeg = Encoding::Jpeg {
            quality: p.quality,
            subsampling: p.subsampling,
            progressive: p.progressive,
            optimize: p.small_files,
            max_bytes: p.max_bytes,
        };
        let png = |compression| Encoding::Png { bits: p.bits, compression };
        let tiff = |compression| Encoding::Tiff { bits: p.bits, compression };
        match p.format {
            Format::Copy if untouched => Encoding::Copy,
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
        }
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
