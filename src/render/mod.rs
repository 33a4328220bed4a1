//! Pixels: one picture in, many outputs out, from one decode.
//!
//! Pure: the bytes of the sources and the frozen specs decide every byte of every output, whatever the load, the
//! number of threads or the time of day. The path of a picture through the files of this folder:
//!
//! ```text
//! header (segment, chunk, exif)   what the file says; limits
//! decode (bands, planes)          bytes → pixels as stored
//! cell: straighten                a fine angle
//!       resample (raster)         orientation, turn, crop, scale
//!       color (profile, black,    into the working space
//!              colorimetry)
//!       adjust, tone (light), sharpen
//!       color                     out of it
//! sheet (paint)                   background, areas, windows, mirrored bleed, turn
//! elements (artwork, svg, text,   artwork, texts, cut marks over them
//!           stamp)
//! metadata (exif, xmp, dpi)       which words go with it
//! encode | copy (behind)          a file
//! verify                          the file read back
//! ```
//!
//! Invariant: refuses before allocating past the limits, applies the orientation exactly once, and never ignores a
//! part of a spec: what is not built yet is an error. Must not know: jobs, disks, printers.

mod adjust;
mod artwork;
mod bands;
mod behind;
mod black;
mod cell;
mod chunk;
mod color;
mod colorimetry;
mod copy;
mod decode;
mod dpi;
mod elements;
mod encode;
mod error;
mod exif;
mod header;
#[cfg(test)]
mod icc_builder;
mod iim;
mod kind;
mod light;
mod metadata;
mod paint;
mod peak;
mod planes;
mod profile;
mod raster;
mod resample;
mod scratch;
mod segment;
mod sharpen;
mod sheet;
mod stamp;
mod straighten;
mod svg;
#[cfg(test)]
mod tests;
mod text;
mod tone;
mod verify;
mod xmp;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Cursor;

pub use artwork::check_artwork;
pub use error::{RenderError, RenderWarning};
pub use header::probe;
pub use peak::peak_bytes;
pub use profile::{Assets, check_icc};
pub use scratch::{keep_at_most, release};
pub use svg::svg_tokens;
pub use text::{Fonts, check_font};
pub use verify::{VerifyDepth, VerifyError, verify};

use crate::model::spec::{
    Cell, ColorSpec, DecodeFactor, Edges, Encoding, Header, OutputSpec, PictureFormat, PixelSize, Tone, Turn, Window,
};
use cell::{Decoded, Finished};
use color::Path;
use decode::Wish;
use encode::Sheet;
use header::Facts;
use paint::Paint;
use profile::Profile;
use raster::Raster;

/// A source picture of a pass.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// The whole file.
    pub bytes: &'a [u8],
    /// What the plan was made from.
    pub header: Header,
    /// How much of a JPEG to decode; fixed in the plan.
    pub factor: DecodeFactor,
    /// Whether luma and chroma of a JPEG will do; fixed in the plan, as they give slightly other pixels than RGB.
    pub planes: bool,
}

/// A finished file.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    pub bytes: Vec<u8>,
    /// As it is seen: a copy that its orientation tag turns counts upright.
    pub pixels: PixelSize,
    pub warnings: Vec<RenderWarning>,
}

/// Renders outputs that share their sources; each source is decoded once.
///
/// `sources` are keyed by the plan's index, which `Cell::source` counts in. `each` is called once for every output,
/// in their order, with its index in `outputs`; one that fails does not keep the others from being made.
pub fn render(
    sources: &BTreeMap<usize, Source<'_>>,
    outputs: &[&OutputSpec],
    assets: &dyn Assets,
    each: &mut dyn FnMut(usize, Result<Rendered, RenderError>),
) {
    let checks: Vec<Result<(), RenderError>> = outputs.iter().map(|spec| check_spec(spec)).collect();
    let mut pass = Pass { assets, sources: BTreeMap::new(), paths: Vec::new() };
    let drawn = |i: &usize| checks[*i].is_ok() && outputs[*i].encoding != Encoding::Copy;
    for (index, source) in sources {
        let using = |spec: &OutputSpec| spec.cells.iter().filter(|c| c.source == *index).count();
        let uses = (0..outputs.len()).filter(drawn).map(|i| using(outputs[i])).sum();
        let accept_damage = outputs.iter().any(|spec| spec.accept_damage && using(spec) > 0);
        let wish = Wish { factor: source.factor, accept_damage, planes: source.planes };
        pass.sources.insert(*index, Opened { source, facts: None, raster: None, gain_map: None, uses, wish });
    }
    for (i, (spec, check)) in outputs.iter().zip(checks).enumerate() {
        let result = check.and_then(|()| match spec.encoding {
            Encoding::Copy => pass.copy(spec),
            _ => pass.draw(spec),
        });
        each(i, result);
    }
}

/// What can be told without a picture.
fn check_spec(spec: &OutputSpec) -> Result<(), RenderError> {
    let bad = |what: &str| Err(RenderError::BadSpec(what.to_owned()));
    match &spec.encoding {
        Encoding::Copy => {
            let [cell] = spec.cells.as_slice() else { return bad("a copy is of one picture") };
            let edited = cell.rotate != Turn::None
                || cell.straighten != 0.0
                || !cell.adjust.is_none()
                || cell.tone != Tone::Color
                || cell.sharpen.is_some();
            return if edited || spec.turn != Turn::None { bad("a copy with edits") } else { Ok(()) };
        }
        encoding => encode::check(encoding, spec.pixels())?,
    }
    if !(spec.dpi.is_finite() && spec.dpi > 0.0) {
        return bad("dpi must be above zero");
    }
    header::check_size(spec.sheet.width, spec.sheet.height).map(|_| ())
}

/// A source with what is known of it so far.
struct Opened<'a> {
    source: &'a Source<'a>,
    facts: Option<Result<Facts, RenderError>>,
    raster: Option<Result<Raster, RenderError>>,
    gain_map: Option<bool>,
    /// Cells that still need the pixels; the last one takes them.
    uses: usize,
    /// Damage is accepted where some output takes damaged pixels; the others refuse them by the warning.
    wish: Wish,
}

impl Opened<'_> {
    fn facts(&mut self) -> Result<&mut Facts, RenderError> {
        let bytes = self.source.bytes;
        let facts = self.facts.get_or_insert_with(|| header::read(Cursor::new(bytes)));
        facts.as_mut().map_err(|e| e.clone())
    }

    /// Whether the file has a gain map behind its picture; looked for once.
    fn has_gain_map(&mut self) -> bool {
        let (bytes, is_jpeg) = (self.source.bytes, self.source.header.format == PictureFormat::Jpeg);
        *self.gain_map.get_or_insert_with(|| is_jpeg && behind::has_gain_map(bytes))
    }

    /// Decodes, if that has not happened yet.
    fn decode(&mut self) -> Result<(), RenderError> {
        if self.raster.is_none() {
            let (bytes, wish) = (self.source.bytes, self.wish);
            let facts = self.facts()?;
            self.raster = Some(decode::decode_as(bytes, facts, wish));
        }
        match &self.raster {
            Some(Err(error)) => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

/// A way of colours that was worked out.
struct KnownPath {
    /// Source, colour spec, whether the picture's colours are edited.
    key: (usize, ColorSpec, bool),
    path: Path,
    warnings: Vec<RenderWarning>,
}

/// One call of `render`.
struct Pass<'a> {
    assets: &'a dyn Assets,
    sources: BTreeMap<usize, Opened<'a>>,
    paths: Vec<KnownPath>,
}

fn missing(index: usize) -> RenderError {
    RenderError::BadSpec(format!("source {index} was not given"))
}

impl Pass<'_> {
    /// Opens the sources of an output: their frames are the planned ones, and no damage that it does not accept.
    fn open(&mut self, spec: &OutputSpec, warnings: &mut Vec<RenderWarning>) -> Result<(), RenderError> {
        let mut seen = Vec::new();
        for cell in &spec.cells {
            let opened = self.sources.get_mut(&cell.source).ok_or_else(|| missing(cell.source))?;
            let found = opened.facts()?.header.upright().turned(cell.rotate);
            if found != cell.frame {
                return Err(RenderError::FrameChanged { planned: cell.frame, found });
            }
            if seen.contains(&cell.source) {
                continue;
            }
            seen.push(cell.source);
            if spec.encoding != Encoding::Copy {
                opened.decode()?;
            }
            let facts = opened.facts()?;
            let damage = facts.warnings.iter().find_map(|w| match w {
                RenderWarning::DamageAccepted(what) => Some(what),
                _ => None,
            });
            if let Some(what) = damage.filter(|_| !spec.accept_damage) {
                return Err(RenderError::Damaged(what.clone()));
            }
            warnings.extend(facts.warnings.iter().cloned());
            if opened.has_gain_map()
                && spec.encoding != Encoding::Copy
                && !warnings.contains(&RenderWarning::GainMapLost)
            {
                warnings.push(RenderWarning::GainMapLost);
            }
        }
        Ok(())
    }

    fn copy(&mut self, spec: &OutputSpec) -> Result<Rendered, RenderError> {
        self.open(spec, &mut Vec::new())?;
        let index = spec.cells[0].source;
        let opened = self.sources.get_mut(&index).ok_or_else(|| missing(index))?;
        let bytes = opened.source.bytes;
        let mut warnings = Vec::new();
        // Facts of its own: a damaged original must not leave its mark on outputs that are drawn.
        let mut facts = header::read(Cursor::new(bytes))?;
        let copied = copy::copy(bytes, &mut facts, &spec.metadata, spec.accept_damage, &mut warnings)?;
        warnings.splice(0..0, facts.warnings);
        Ok(Rendered { bytes: copied, pixels: facts.header.upright(), warnings })
    }

    fn draw(&mut self, spec: &OutputSpec) -> Result<Rendered, RenderError> {
        let mut warnings = Vec::new();
        self.open(spec, &mut warnings)?;
        let output = Profile::of_space(&spec.color.output, self.assets)?;
        let paint = Paint::new(&output, spec.color.black_point)?;
        let wide = spec.encoding.is_wide();
        let [red, green, blue, _] = paint.color(spec.background)?;
        let mut canvas = sheet::Canvas::new(spec.sheet, [red, green, blue], wide);
        for fill in &spec.fills {
            canvas.fill_area(fill.window, paint.color(fill.color)?)?;
        }
        // Of the same picture many times on a sheet only the first is made.
        let mut last: Option<(&Cell, Finished)> = None;
        for cell in &spec.cells {
            if let Some((_, finished)) = last.as_ref().filter(|(before, _)| is_alike(before, cell)) {
                canvas.lay(cell.window, finished)?;
                canvas.mirror(cell.window, cell.mirror)?;
                self.used(cell.source);
                continue;
            }
            let edited = cell.tone != Tone::Color || !cell.adjust.is_none();
            let path = self.path(cell.source, &spec.color, &output, edited, &mut warnings)?;
            let opened = self.sources.get_mut(&cell.source).ok_or_else(|| missing(cell.source))?;
            let (stored, orientation) = opened.facts().map(|f| (f.header.stored, f.header.orientation))?;
            let jpeg = opened.facts()?.header.format == PictureFormat::Jpeg;
            let factor = if jpeg { opened.source.factor } else { DecodeFactor::FULL };
            opened.uses = opened.uses.saturating_sub(1);
            let raster = if opened.uses == 0 {
                opened.raster.take().transpose()?.map(Cow::Owned)
            } else {
                opened.raster.as_ref().and_then(|r| r.as_ref().ok()).map(Cow::Borrowed)
            };
            let raster = raster.ok_or_else(|| missing(cell.source))?;
            let source = Decoded { raster, stored, orientation, factor };
            let finished = cell::finish(cell, source, &self.paths[path].path, wide)?;
            if let Some(finished) = canvas.adopt(cell.window, finished) {
                canvas.lay(cell.window, &finished)?;
                last = Some((cell, finished));
            }
            canvas.mirror(cell.window, cell.mirror)?;
        }
        drop(last);
        elements::draw(&spec.elements, &mut canvas, &paint, self.assets)?;
        let samples = canvas.into_samples(spec.turn);
        let pixels = spec.pixels();
        let whole = matches!(spec.encoding, Encoding::Jpeg { .. });
        let first = spec.cells.first().and_then(|c| self.sources.get(&c.source));
        let facts = first.and_then(|s| s.facts.as_ref()).and_then(|f| f.as_ref().ok());
        let dots = dpi::fraction(spec.dpi, whole);
        let metadata = metadata::for_encoded(facts, &spec.metadata, pixels, dots, &spec.color.output, &mut warnings);
        let sheet = Sheet { pixels, samples: &samples, icc: &output.icc, dpi: spec.dpi, metadata: &metadata };
        let bytes = encode::encode(&sheet, &spec.encoding, &mut warnings)?;
        samples.recycle();
        Ok(Rendered { bytes, pixels, warnings })
    }

    /// A cell of this source needs its pixels no more.
    fn used(&mut self, source: usize) {
        let Some(opened) = self.sources.get_mut(&source) else { return };
        opened.uses = opened.uses.saturating_sub(1);
        if opened.uses == 0
            && let Some(Ok(raster)) = opened.raster.take()
        {
            raster.samples.recycle();
        }
    }

    /// The index of the way of colours from a source to an output, worked out once.
    fn path(
        &mut self,
        source: usize,
        color: &ColorSpec,
        output: &Profile,
        edited: bool,
        warnings: &mut Vec<RenderWarning>,
    ) -> Result<usize, RenderError> {
        let key = (source, color.clone(), edited);
        let known = self.paths.iter().position(|known| known.key == key);
        let at = if let Some(at) = known {
            at
        } else {
            let mut found = Vec::new();
            let assets = self.assets;
            let facts = self.sources.get_mut(&source).ok_or_else(|| missing(source))?.facts()?;
            let input = profile::input(facts, &color.untagged, assets, &mut found)?;
            let path = Path::new(input, output, color, edited)?;
            self.paths.push(KnownPath { key, path, warnings: found });
            self.paths.len() - 1
        };
        for warning in &self.paths[at].warnings {
            if !warnings.contains(warning) {
                warnings.push(warning.clone());
            }
        }
        Ok(at)
    }
}

/// Whether two cells show the same pixels, each in its place.
fn is_alike(a: &Cell, b: &Cell) -> bool {
    let in_place =
        |cell: &Cell| Cell { window: Window::of(cell.window.size()), mirror: Edges::default(), ..cell.clone() };
    a.source == b.source && in_place(a) == in_place(b)
}
