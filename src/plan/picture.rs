//! One picture of the plan: which original, what is done to it, and whether that is wise.

use super::facts::{Candidate, Facts, Found, Want};
use super::frozen::Frozen;
use super::geometry::{self, Geometry, Wish};
use super::selection::{Pick, sources_of};
use super::values::{JobValues, PictureValues};
use super::{Finding, Weight};
use crate::model::checks::{Checks, Verdict};
use crate::model::manifest::{Fit, Image, Line, Manifest};
use crate::model::profile::{
    ColorProfile, Compression, CropChoice, Decode, Format, MetadataPolicy, OnDamage, Per, Profile, SizeChoice, Strip,
};
use crate::model::spec::{
    Adjust, Cell, ColorSpace, ColorSpec, Encoding, KeepMetadata, MetadataSpec, OutputSpec, PictureFormat, PixelSize,
    PngCompression, TiffCompression, Tone, Turn,
};
use crate::model::template::Template;
use crate::model::unbuilt;

/// Everything that decides one picture.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub manifest: &'a Manifest,
    pub frozen: &'a Frozen,
    pub facts: &'a Facts,
    pub job: JobValues<'a>,
    pub profile: &'a Profile,
    pub pick: Pick<'a>,
}

/// A picture that can be made. The spec's cell points to source 0 until the plan numbers its sources.
#[derive(Debug, Clone)]
pub struct Picture<'a> {
    pub candidate: &'a Candidate,
    pub spec: OutputSpec,
    pub geometry: Geometry,
    pub tone: Tone,
    /// Its size is in pixels, so that the original may be decoded scaled.
    pub may_scale: bool,
}

/// Why it cannot be made as things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    pub code: &'static str,
    pub reason: String,
}

impl Request<'_> {
    fn image(&self) -> &Image {
        &self.manifest.images[self.pick.image]
    }

    fn line(&self) -> Option<&Line> {
        self.pick.line
    }

    pub fn finding(&self, verdict: Verdict, code: &str, text: String) -> Option<Finding> {
        let weight = match verdict {
            Verdict::Off => return None,
            Verdict::Warn => Weight::Warn,
            Verdict::Hold => Weight::Hold,
        };
        Some(Finding {
            weight,
            code: code.into(),
            profile: Some(self.profile.name.clone()),
            line: self.line().map(|l| l.line),
            number: self.image().number.clone(),
            text,
        })
    }

    /// "line 3, image 7"
    pub fn label(&self) -> String {
        let image = self.image().label();
        self.line().map_or_else(|| image.clone(), |l| format!("line {}, {image}", l.line))
    }

    fn tone(&self) -> Tone {
        self.line().and_then(|l| l.tone).unwrap_or(self.image().tone)
    }

    fn adjust(&self) -> Adjust {
        self.line().and_then(|l| l.adjust).unwrap_or(self.image().adjust)
    }

    fn crop(&self) -> Option<crate::model::manifest::Crop> {
        match self.profile.crop {
            CropChoice::Line => self.line().and_then(|l| l.crop).or(self.image().crop),
            CropChoice::Image => self.image().crop,
            CropChoice::None => None,
        }
    }

    fn wish(&self, frame: PixelSize) -> Wish {
        let (size, fit) = match (self.profile.size, self.line()) {
            (SizeChoice::Ordered, Some(line)) => {
                (line.size.map_or(SizeChoice::Original, SizeChoice::Box), line.fit.unwrap_or(self.profile.fit))
            }
            (size, _) => (size, self.profile.fit),
        };
        Wish {
            frame,
            crop: self.crop(),
            size,
            fit,
            enlarge: self.profile.enlarge,
            orient: self.profile.orient,
            dpi: self.profile.dpi,
        }
    }

    /// What this version parses but does not do yet.
    fn not_built(&self) -> Option<String> {
        if let Some(first) = unbuilt::unbuilt_profile(self.profile).into_iter().next() {
            return Some(format!("profile `{}`: {first}", self.profile.name));
        }
        if self.line().is_some_and(|l| l.layout.is_some()) {
            return Some("layouts are not built yet".into());
        }
        if self.line().is_some_and(|l| l.border.is_some()) {
            return Some("`border` is not built yet".into());
        }
        if self.image().straighten != 0.0 {
            return Some("`straighten` is not built yet".into());
        }
        (!self.adjust().is_none()).then(|| "`adjust` is not built yet".into())
    }

    /// Chooses the original and decides everything about the output.
    pub fn decide(&self, findings: &mut Vec<Finding>) -> Result<Picture<'_>, Blocked> {
        if let Some(reason) = self.not_built() {
            return Err(Blocked { code: "not_built_yet", reason });
        }
        let (candidate, header, geometry) = self.choose(findings)?;
        let frame = header.upright().turned(self.image().rotate);
        let fit = self.wish(frame).fit;
        self.judge(frame, fit, &geometry, findings);
        let encoding = self.encoding(candidate, &geometry, frame);
        let cell = Cell {
            source: 0,
            rotate: self.image().rotate,
            straighten: self.image().straighten,
            frame,
            region: geometry.region,
            window: geometry.window,
            adjust: self.adjust(),
            tone: self.tone(),
            sharpen: geometry::unsharp(self.profile.sharpen, self.profile.dpi),
        };
        let spec = OutputSpec {
            sheet: geometry.sheet,
            background: self.profile.background,
            cells: vec![cell],
            turn: geometry.turn,
            color: self.color(),
            encoding,
            dpi: self.profile.dpi,
            metadata: self.metadata(candidate),
            accept_damage: self.profile.on_damage == OnDamage::Accept,
        };
        let in_pixels = match self.profile.size {
            SizeChoice::LongEdge(length) => length.is_px(),
            SizeChoice::Box(size) => size.is_px(),
            SizeChoice::Ordered => {
                self.line().and_then(|l| l.size).is_some_and(super::super::model::units::Dimensions::is_px)
            }
            SizeChoice::Original => false,
        };
        let may_scale = in_pixels && self.profile.decode == Decode::Auto;
        Ok(Picture { candidate, spec, geometry, tone: self.tone(), may_scale })
    }

    /// The first source that exists and has enough pixels, else the largest.
    fn choose(
        &self,
        findings: &mut Vec<Finding>,
    ) -> Result<(&Candidate, crate::model::spec::Header, Geometry), Blocked> {
        let sources = sources_of(&self.pick, self.manifest, self.profile, self.frozen.pictures_beside);
        let want = Want { image: self.pick.image, sources };
        let (list, looked) = match self.facts.get(&want) {
            Some(Found::Candidates { list, looked }) => (list, looked.as_str()),
            Some(Found::Tie(text)) => {
                findings.extend(self.finding(Verdict::Hold, "tie", text.clone()));
                return Err(Blocked { code: "tie", reason: text.clone() });
            }
            None => {
                return Err(Blocked {
                    code: "missing",
                    reason: format!("{} was not looked for", self.image().label()),
                });
            }
        };
        if list.is_empty() {
            let reason = format!("{} is missing ({looked})", self.image().label());
            return Err(Blocked { code: "missing", reason });
        }
        let mut headers = Vec::with_capacity(list.len());
        for candidate in list {
            match &candidate.header {
                Ok(header) => headers.push((candidate, header)),
                // Passing over a damaged retouched file would print the unretouched one.
                Err((code, text)) => {
                    let code = if code == "not_built_yet" { "not_built_yet" } else { "damaged" };
                    return Err(Blocked { code, reason: format!("{}: {text}", candidate.shown) });
                }
            }
        }
        self.compare_shapes(&headers, findings);
        let mut best: Option<(&Candidate, crate::model::spec::Header, Geometry)> = None;
        for (candidate, header) in headers {
            self.check_known_shape(candidate, header)?;
            let frame = header.upright().turned(self.image().rotate);
            let mut wish = self.wish(frame);
            // Enough pixels is judged by what would be shown, also where enlarging is not allowed.
            wish.enlarge = crate::model::profile::Enlarge::Warn;
            let too_large = |e: geometry::TooLarge| Blocked { code: "too_large", reason: e.to_string() };
            let wanted = geometry::decide(&wish).map_err(too_large)?;
            let geometry = geometry::decide(&self.wish(frame)).map_err(too_large)?;
            let enough = wanted.scale <= 1.0 + 1e-9;
            let larger = best.as_ref().is_none_or(|(_, h, _)| header.stored.pixels() > h.stored.pixels());
            if enough || larger {
                best = Some((candidate, header.clone(), geometry));
            }
            if enough {
                break;
            }
        }
        best.ok_or_else(|| Blocked {
            code: "missing",
            reason: format!("{} is missing ({looked})", self.image().label()),
        })
    }

    /// The studio app cropped against another shape than the file now has: every crop would be wrong.
    fn check_known_shape(&self, candidate: &Candidate, header: &crate::model::spec::Header) -> Result<(), Blocked> {
        let Some(known) = self.image().frame else { return Ok(()) };
        let upright = header.upright();
        let differs = geometry::shape_differs(known, upright)
            // It may count the frame before or after its own quarter turn.
            && (self.image().rotate == Turn::None || geometry::shape_differs(known, upright.turned(self.image().rotate)));
        if !differs {
            return Ok(());
        }
        let reason = format!(
            "{} has {upright} pixels, but the manifest says {known}: its shape has changed, so its crop would be wrong; \
             send the order again from the studio app, or put the uncropped file back",
            candidate.shown
        );
        Err(Blocked { code: "shape_changed", reason })
    }

    fn compare_shapes(&self, headers: &[(&Candidate, &crate::model::spec::Header)], findings: &mut Vec<Finding>) {
        let Some(((first, a), rest)) = headers.split_first() else { return };
        for (other, b) in rest {
            if geometry::shape_differs(a.upright(), b.upright()) {
                let text = format!(
                    "{} has {} pixels and {} {}: somebody cropped one of them, and a crop of the order fits only one",
                    first.shown,
                    a.upright(),
                    other.shown,
                    b.upright()
                );
                findings.extend(self.finding(self.checks().shape_differs, "shape_differs", text));
            }
        }
    }

    fn checks(&self) -> &Checks {
        &self.profile.checks
    }

    fn judge(&self, frame: PixelSize, fit: Fit, geometry: &Geometry, findings: &mut Vec<Finding>) {
        let ordered = self.line().and_then(|l| l.size).filter(|_| self.profile.size == SizeChoice::Ordered);
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let label = self.label();
        if let Some(size) = ordered
            && fit == Fit::Fill
            && self.crop().is_none()
            && geometry.cut > 0.005
        {
            let text = format!(
                "{label}: nobody cropped it for {size}; the middle is taken and {} cut away",
                percent(geometry.cut)
            );
            findings.extend(self.finding(self.checks().uncropped_line, "uncropped_line", text));
        }
        if geometry.cut > self.checks().crop_cuts.bound.0 {
            let of = if self.crop().is_some() { "its crop" } else { "the picture" };
            let text = format!("{label}: {} of {of} is cut away to fill {}", percent(geometry.cut), geometry.sheet);
            findings.extend(self.finding(self.checks().crop_cuts.then, "crop_cuts", text));
        }
        let physical = match self.profile.size {
            SizeChoice::Ordered => ordered.is_some_and(|s| !s.is_px()),
            SizeChoice::Box(size) => !size.is_px(),
            SizeChoice::LongEdge(length) => !length.is_px(),
            SizeChoice::Original => false,
        };
        if physical {
            let worst = self.checks().low_ppi.iter().filter(|b| geometry.ppi < b.bound).max_by_key(|b| b.then);
            if let Some(bound) = worst {
                let text = format!("{label}: {:.0} ppi, under {}", geometry.ppi, bound.bound);
                findings.extend(self.finding(bound.then, "low_ppi", text));
            }
        }
        if geometry.scale > 1.0 + 1e-9 {
            let text = format!(
                "{label}: enlarged {:.0} % (the part shown has {:.0} x {:.0} of the frame's {frame} pixels)",
                (geometry.scale - 1.0) * 100.0,
                geometry.region.width,
                geometry.region.height
            );
            findings.extend(self.finding(Verdict::Warn, "enlarged", text));
        }
    }

    /// `copy` hands the original on only when nothing is to be done to it; else its format is kept.
    fn encoding(&self, candidate: &Candidate, geometry: &Geometry, frame: PixelSize) -> Encoding {
        let p = self.profile;
        let own = candidate.header.as_ref().map_or(PictureFormat::Jpeg, |h| h.format);
        let untouched = candidate.header.as_ref().is_ok_and(|h| h.orientation.exif() == 1)
            && self.image().rotate == Turn::None
            && geometry.turn == Turn::None
            && geometry.sheet == frame
            && geometry.region == geometry::cropped(frame, None)
            && self.tone() == Tone::Color
            && p.sharpen == crate::model::profile::Sharpen::None;
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
            Format::Webp => Encoding::Webp { quality: p.quality },
        }
    }

    fn color(&self) -> ColorSpec {
        let space = |profile: &ColorProfile| match profile {
            ColorProfile::Srgb => ColorSpace::Srgb,
            ColorProfile::AdobeRgb => ColorSpace::AdobeRgb,
            ColorProfile::DisplayP3 => ColorSpace::DisplayP3,
            ColorProfile::File(path) => {
                let known = self.frozen.assets.iter().find(|a| a.path == *path);
                ColorSpace::Asset(known.map(|a| a.sha256.clone()).unwrap_or_default())
            }
        };
        let choice = &self.profile.color;
        ColorSpec {
            output: space(&choice.profile),
            intent: choice.intent,
            black_point: choice.black_point,
            untagged: space(&choice.untagged),
        }
    }

    fn metadata(&self, candidate: &Candidate) -> MetadataSpec {
        let p = self.profile;
        let values = PictureValues {
            profile: Some(p),
            image: Some(self.image()),
            line: self.line(),
            file: Some(&candidate.shown),
            tone: Some(self.tone()),
            seq: None,
        };
        let text = |template: &Option<Template>| {
            let filled = template.as_ref()?.text(&|token| self.job.value(&values, token), &mut Vec::new());
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
            fallback_artist: self.frozen.studio.name.clone(),
            fallback_copyright: text(&self.frozen.studio.copyright),
            set_artist: text(&p.set.artist),
            set_copyright: text(&p.set.copyright),
            set_caption: text(&p.set.caption),
            set_keywords: text(&p.set.keywords),
        }
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

/// Whether a profile makes an output for each line.
pub fn is_per_line(profile: &Profile) -> bool {
    profile.per == Per::Line
}
