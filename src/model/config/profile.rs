//! Render profiles: every key, its default, and the rules between keys.

use serde_json::{Value, json};

use super::Context;
use super::checks::RawChecks;
use super::delivery::RawDelivery;
use super::encoding::{self, SubsamplingForm};
use super::finish::{BleedForm, RawBorder, RawColor, RawOverlay};
use super::names::Named;
use crate::model::checks::Checks;
use crate::model::delivery::Delivery;
use crate::model::document::{Node, Path as Place};
use crate::model::globs::Globs;
use crate::model::manifest::Fit;
use crate::model::problem::{Problems, did_you_mean};
use crate::model::profile::{
    Compression, CropChoice, Decode, Enlarge, Format, ImageChoice, MetadataPolicy, OnDamage, Orient, Per, Profile,
    Purpose, Repeat, SetMetadata, Sharpen, SizeChoice, Strip,
};
use crate::model::section::{Bytes, OneOrMany, Read, Real, Whole, misplaced};
use crate::model::template::Template;
use crate::model::units::{Color, Dimensions, Length};
use crate::section;

section! {
    /// A render profile: which images, what is made of them, and where it goes.
    pub(super) struct RawProfile {
        /// What it is for: `any`, `proof` or `final`; a session never runs a `final` one. Default `any`.
        purpose: Purpose,
        /// Which images: `ordered`, `selected`, `selected_or_undecided` or `all`. Default `selected` for a session, `ordered` for an order, `all` for pictures without a manifest.
        images: ImageChoice,
        /// One output for each `line` of the order or for each `image`. Default `line` with `size: ordered`, `items`, `vendors`, `to: print` or `to: lab`, else `image`.
        per: Per,
        /// Only lines of these items: one glob or a list, `!GLOB` excludes. Default all.
        items: Globs,
        /// Only lines of these vendors: one glob or a list, `!GLOB` excludes; a line without a vendor passes exclusions. Default all.
        vendors: Globs,
        /// Only images of these groups: one glob or a list, `!GLOB` excludes. Default all.
        groups: Globs,
        /// Whose crop: the `line`'s, the `image`'s or `none`. Default as `per`.
        crop: CropChoice,
        /// Sources of the library, best first: the first that is there and has enough pixels. Default `[retouched, hires]`, those of them that the library has.
        source: OneOrMany<String>,
        /// `original`, `ordered` (the line's), a long edge such as `2048px`, or a size such as `8x10in`. Default `original`.
        size: SizeChoice,
        /// How the picture meets the size: `fill` (cut), `fit` (whole, inside) or `pad` (whole, on a sheet of the size). Default `fill` for a size of two lengths, else `fit`.
        fit: Fit,
        /// Colour of the sheet with `fit: pad`. Default `"#ffffff"`.
        background: Color,
        /// A picture with too few pixels: `never` is it enlarged, or it is with a warning (`warn`). Default `warn`.
        enlarge: Enlarge,
        /// `auto` reads large JPEGs in part where every output of them is in px; `full` always reads all. Default `auto`.
        decode: Decode,
        /// Pixels per inch: lengths in in, cm and mm become pixels by it, 1 to 4800. Default 300.
        dpi: Real<1, 4800>,
        /// Turns the finished file: `keep`, `portrait` or `landscape`. Default `keep`.
        orient: Orient,
        /// Picture outside the size, to be cut off: a length, or `{ width, fill, color }`. Default none.
        bleed: BleedForm,
        /// `none`, a preset `{ for: screen|matte|glossy, amount: low|standard|high }`, or `{ radius, amount, threshold }`. Default `none`.
        sharpen: Sharpen,
        /// Colour profile, and how colours get into it.
        color: RawColor,
        /// Logos and texts on the picture. Default none.
        overlays: Vec<RawOverlay>,
        /// A border inside the size. Default none.
        border: RawBorder,
        /// `jpeg`, `png`, `tiff`, `webp`, or `copy` (the original's bytes where nothing is to be done). Default `jpeg`.
        format: Format,
        /// JPEG and WebP: quality 1 to 100. Default 92.
        quality: Whole<1, 100>,
        /// JPEG: `"4:4:4"`, `"4:2:2"` or `"4:2:0"`. Default `"4:4:4"`.
        subsampling: SubsamplingForm,
        /// JPEG: progressive files. Default `false`.
        progressive: bool,
        /// JPEG: tables made for each picture, smaller files in twice the time. Default `false`.
        small_files: bool,
        /// PNG and TIFF: 8 or 16 bits for each channel. Default 8.
        bits: Bits,
        /// PNG: `fast`, `standard` or `best`, default `standard`. TIFF: `none`, `lzw` or `deflate`, default `lzw`.
        compression: Compression,
        /// JPEG: the quality goes down until a file is not larger, such as `2MB`; not below 40, else a warning. Default none.
        max_bytes: Bytes,
        /// What files say about the picture: `all`, `copyright` (artist, copyright and the dates) or `none`. Default `copyright`.
        metadata: MetadataPolicy,
        /// What is always taken out of the metadata: of `location`, `people` and `serials`. Default all three.
        strip: OneOrMany<Strip>,
        /// Metadata that is always written. Default none.
        set: RawSet,
        /// Name of each file, a template without extension and folders. Default `{stem}`.
        name: Template,
        /// Templates whose values put sheets, files and disc contents in order. Default: the manifest's order.
        sort: OneOrMany<Template>,
        /// Where the pictures go. Default: nowhere, unless a render job delivers them.
        deliver: Vec<RawDelivery>,
        /// When the record ran before and something changed: `ask`, make what `changed`, or make `all`. Default `ask` with print, lab, link or disc, else `changed`.
        repeat: Repeat,
        /// A truncated original: `refuse` it or `accept` what there is. Default `refuse`.
        on_damage: OnDamage,
        /// `true`: rendered, then waits for release before anything is delivered. Default `false`.
        hold: bool,
        /// What this profile judges otherwise than the `checks` of the file.
        checks: RawChecks,
    }
}

section! {
    /// Metadata that is always written, as templates.
    pub(super) struct RawSet {
        /// Who made the picture. Default: what the original says.
        artist: Template,
        /// Copyright note. Default: what the original says, else the studio's.
        copyright: Template,
        /// Caption. Default none.
        caption: Template,
        /// Keywords, with commas between them. Default none.
        keywords: Template,
    }
}

impl Read for SizeChoice {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<SizeChoice> {
        let Node::Text(text) = node else {
            return misplaced(
                node,
                path,
                problems,
                "`original`, `ordered`, or a size with its unit such as `2048px` or `8x10in`",
            );
        };
        let text = text.trim();
        let zero = |length: &Length| *length == Length::px(0) || *length == Length::inches(0.0);
        match text {
            "original" => Some(SizeChoice::Original),
            "ordered" => Some(SizeChoice::Ordered),
            _ => Dimensions::parse(text)
                .map(SizeChoice::Box)
                .ok()
                .or_else(|| Length::parse(text).ok().filter(|l| !zero(l)).map(SizeChoice::LongEdge))
                .or_else(|| {
                    let hint = did_you_mean(text, ["original", "ordered"]);
                    let text = format!(
                        "`{text}` is not `original`, `ordered`, a long edge such as `2048px`, or a size such as `8x10in`{hint}"
                    );
                    problems.error(path, text);
                    None
                }),
        }
    }
    fn schema() -> Value {
        json!({ "anyOf": [{ "enum": ["original", "ordered"] }, Length::schema(), Dimensions::schema()] })
    }
}

/// Of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bits(pub(super) u8);

impl Read for Bits {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<Bits> {
        match node {
            Node::Number(n) if n.as_u64() == Some(8) => Some(Bits(8)),
            Node::Number(n) if n.as_u64() == Some(16) => Some(Bits(16)),
            other => misplaced(other, path, problems, "8 or 16"),
        }
    }
    fn schema() -> Value {
        json!({ "enum": [8, 16] })
    }
}

impl RawProfile {
    pub(super) fn check(self, name: String, checks: &Checks, cx: &mut Context<'_>) -> Profile {
        let here = self.here.clone();
        let at = |key: &str| here.key(key);
        cx.given_name(&name, &here);
        encoding::check(&self, cx);
        self.check_sizes(cx);

        let size = self.size.unwrap_or(SizeChoice::Original);
        let deliver: Vec<Delivery> = self
            .deliver
            .unwrap_or_default()
            .into_iter()
            .filter_map(|delivery| delivery.check(std::slice::from_ref(&name), true, cx))
            .collect();
        let is_made_by_line = size == SizeChoice::Ordered
            || self.items.is_some()
            || self.vendors.is_some()
            || deliver.iter().any(|d| matches!(d, Delivery::Print { .. } | Delivery::Lab { .. }));
        let per = self.per.unwrap_or(if is_made_by_line { Per::Line } else { Per::Image });
        let asks = deliver.iter().any(Delivery::asks_before_repeating);
        let format = self.format.unwrap_or(Format::Jpeg);

        let name_template = self.name.unwrap_or_else(Template::stem);
        cx.name_template(&name_template, &at("name"));
        let sort = self.sort.unwrap_or_default().0;
        cx.templates(&sort, &at("sort"));
        let set = self.set.map_or_else(SetMetadata::default, |set| set.check(cx));
        let overlays = self.overlays.unwrap_or_default().into_iter().filter_map(|overlay| overlay.check(cx)).collect();

        Profile {
            purpose: self.purpose.unwrap_or(Purpose::Any),
            images: self.images,
            per,
            items: self.items.unwrap_or_default(),
            vendors: self.vendors.unwrap_or_default(),
            groups: self.groups.unwrap_or_default(),
            crop: self.crop.unwrap_or(if per == Per::Line { CropChoice::Line } else { CropChoice::Image }),
            source: sources(self.source, &at("source"), cx),
            size,
            fit: self.fit.unwrap_or(match size {
                SizeChoice::Ordered | SizeChoice::Box(_) => Fit::Fill,
                SizeChoice::Original | SizeChoice::LongEdge(_) => Fit::Fit,
            }),
            background: self.background.unwrap_or(Color::WHITE),
            enlarge: self.enlarge.unwrap_or(Enlarge::Warn),
            decode: self.decode.unwrap_or(Decode::Auto),
            dpi: self.dpi.map_or(300.0, |dpi| dpi.0),
            orient: self.orient.unwrap_or(Orient::Keep),
            bleed: self.bleed.and_then(|bleed| bleed.check(cx)),
            sharpen: self.sharpen.unwrap_or(Sharpen::None),
            color: self.color.unwrap_or_default().check(cx),
            overlays,
            border: self.border.and_then(RawBorder::check),
            format,
            quality: self.quality.map_or(92, |quality| quality.0 as u8),
            subsampling: self.subsampling.unwrap_or_default().0,
            progressive: self.progressive.unwrap_or(false),
            small_files: self.small_files.unwrap_or(false),
            bits: self.bits.map_or(8, |bits| bits.0),
            compression: self.compression.unwrap_or(encoding::default_compression(format)),
            max_bytes: self.max_bytes.map(|bytes| bytes.0),
            metadata: self.metadata.unwrap_or(MetadataPolicy::Copyright),
            strip: self.strip.map_or_else(|| vec![Strip::Location, Strip::People, Strip::Serials], |strip| strip.0),
            set,
            name_template,
            sort,
            deliver,
            repeat: self.repeat.unwrap_or(if asks { Repeat::Ask } else { Repeat::Changed }),
            on_damage: self.on_damage.unwrap_or(OnDamage::Refuse),
            hold: self.hold.unwrap_or(false),
            checks: self.checks.map_or_else(|| checks.clone(), |raw| raw.check(checks)),
            name,
        }
    }

    /// Keys that say something only together with a certain size.
    fn check_sizes(&self, cx: &mut Context<'_>) {
        let at = |key: &str| self.here.key(key);
        if cx.failed(&at("size")) || cx.failed(&at("fit")) {
            return;
        }
        let size = self.size.unwrap_or(SizeChoice::Original);
        let is_box = matches!(size, SizeChoice::Ordered | SizeChoice::Box(_));
        match self.fit {
            Some(fit) if size == SizeChoice::Original => {
                cx.error(&at("fit"), format!("`fit: {fit}` needs a `size` to fit into; `original` has none"));
            }
            Some(fit @ (Fit::Fill | Fit::Pad)) if !is_box => {
                let text = format!("`fit: {fit}` needs a `size` of two lengths such as `8x10in`, or `ordered`");
                cx.error(&at("fit"), text);
            }
            // A line may ask for `pad` where the size is the line's.
            Some(Fit::Pad) => {}
            _ if self.background.is_some() && size != SizeChoice::Ordered => {
                cx.error(&at("background"), "`background` goes with `fit: pad`");
            }
            _ => {}
        }
    }
}

fn sources(written: Option<OneOrMany<String>>, at: &Place, cx: &mut Context<'_>) -> Vec<String> {
    const DEFAULT: [&str; 2] = ["retouched", "hires"];
    let Some(OneOrMany(written)) = written else {
        let default = DEFAULT.iter().map(ToString::to_string);
        if !cx.names.has_library() {
            return default.collect();
        }
        let known: Vec<String> = default.filter(|name| cx.names.all(Named::Source).contains(name)).collect();
        if known.is_empty() && !cx.failed(at) && !cx.names.all(Named::Source).is_empty() {
            let text = "`source` is missing: its default is `[retouched, hires]`, and the library has neither";
            cx.error(at, format!("{text}{}", cx.meant(Named::Source, "")));
        }
        return known;
    };
    if written.is_empty() {
        cx.error(at, "name at least one source of the library");
    }
    if cx.names.has_library() {
        cx.all_known(Named::Source, &written, at);
    } else {
        cx.error(at, "there is no `library` to take sources from; leave `source` out, or say where the originals lie");
    }
    written
}

impl RawSet {
    fn check(self, cx: &mut Context<'_>) -> SetMetadata {
        let templates = [
            ("artist", &self.artist),
            ("copyright", &self.copyright),
            ("caption", &self.caption),
            ("keywords", &self.keywords),
        ];
        for (key, template) in templates {
            if let Some(template) = template {
                cx.template(template, &self.here.key(key));
            }
        }
        SetMetadata { artist: self.artist, copyright: self.copyright, caption: self.caption, keywords: self.keywords }
    }
}
