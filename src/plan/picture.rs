//! One output of the plan: which originals, what is done to them, and whether that is wise.

use super::Finding;
use super::Weight;
use super::elements::Drawing;
use super::facts::{Candidate, Facts, Found, Glyphs};
use super::form::Form;
use super::frozen::Frozen;
use super::geometry::Impossible;
use super::printing::Demand;
use super::selection::Pick;
use super::shown::{Shown, shown_of};
use super::values::{JobValues, PictureValues};
use crate::model::checks::Verdict;
use crate::model::config::Layout;
use crate::model::manifest::{Image, Line, Manifest};
use crate::model::profile::{Decode, OnDamage, Orient, Profile};
use crate::model::spec::{Header, OutputSpec, PixelSize, Tone, Window};

/// Everything that decides one output.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "it holds a font engine")]
pub struct Request<'a> {
    pub manifest: &'a Manifest,
    pub frozen: &'a Frozen,
    pub facts: &'a Facts,
    pub glyphs: &'a dyn Glyphs,
    pub job: JobValues<'a>,
    pub profile: &'a Profile,
    pub pick: Pick<'a>,
    /// Of the printer that it is made for.
    pub demand: Option<&'a Demand>,
    /// As the profile wants the finished file to lie, where its printer does not say it.
    pub orient: Orient,
    pub form: Form,
}

/// An output that can be made.
#[derive(Debug, Clone)]
pub struct Picture<'a> {
    /// What the cells of the spec show: they count in this list until the plan numbers its sources.
    pub sources: Vec<Source<'a>>,
    pub spec: OutputSpec,
    /// Of the first picture.
    pub tone: Tone,
    /// The lowest of all cells: source pixels per inch of the finished size; of its pixels at the profile's dpi when it
    /// has no inches.
    pub ppi: f64,
    /// The largest share that `fit: fill` cuts away.
    pub cut: f64,
    /// Its size is in pixels, so that the originals may be decoded scaled.
    pub may_scale: bool,
}

/// An original, and the digest that the manifest demands of it.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub candidate: &'a Candidate,
    pub sha256: Option<&'a String>,
}

/// Why it cannot be made as things are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    pub code: &'static str,
    pub reason: String,
}

impl<'a> Request<'a> {
    fn image(&self) -> &'a Image {
        &self.manifest.images[self.pick.image]
    }

    pub(super) fn line(&self) -> Option<&'a Line> {
        self.pick.line
    }

    pub fn finding(&self, verdict: Verdict, code: &str, text: String) -> Option<Finding> {
        self.finding_of(Shown { image: self.pick.image, line: self.line(), slot: None }, verdict, code, text)
    }

    pub(super) fn finding_of(&self, shown: Shown<'_>, verdict: Verdict, code: &str, text: String) -> Option<Finding> {
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
            number: shown.image(self.manifest).number.clone(),
            text,
        })
    }

    /// "line 3, image 7"
    pub fn label(&self) -> String {
        let image = self.image().label();
        self.line().map_or_else(|| image.clone(), |l| format!("line {}, {image}", l.line))
    }

    /// The layout of its line.
    pub fn layout(&self) -> Option<&'a Layout> {
        self.frozen.layout_of(self.line()?)
    }

    fn values<'v>(&self, file: Option<&'v str>, tone: Tone) -> PictureValues<'v>
    where
        'a: 'v,
    {
        PictureValues {
            profile: Some(self.profile),
            image: Some(self.image()),
            line: self.line(),
            layout: self.layout(),
            file,
            tone: Some(tone),
            seq: None,
        }
    }

    /// Chooses the originals and decides everything about the output.
    pub fn decide(&self, findings: &mut Vec<Finding>) -> Result<Picture<'a>, Blocked> {
        let shown = shown_of(&self.pick);
        let mut draft = match (self.layout(), self.line().and_then(|l| l.layout.as_ref())) {
            (Some(layout), _) => self.draft_sheet(layout, &shown, findings)?,
            (None, Some(name)) => {
                let reason = format!("the layout `{name}` is gone from the config; put it back, and try again");
                return Err(Blocked { code: "unknown_layout", reason });
            }
            (None, None) => self.draft_plain(shown[0], findings)?,
        };
        self.put_on_paper(&mut draft)?;
        let tone = shown[0].tone(self.manifest);
        let file = draft.sources.first().map(|c| c.shown.as_str());
        let values = self.values(file, tone);
        let value_of = |token: &_| self.job.value(&values, token);
        let mut drawing = Drawing {
            frozen: self.frozen,
            glyphs: self.glyphs,
            values: &value_of,
            elements: Vec::new(),
            remarks: Vec::new(),
        };
        if let Some((layout, scale)) = draft.layout {
            let moved = |window: Window| Window { x: window.x + draft.trim.x, y: window.y + draft.trim.y, ..window };
            drawing.layout(layout, scale, moved);
        }
        drawing.overlays(&self.profile.overlays, draft.trim, self.profile.dpi);
        drawing.elements.extend(draft.marks.iter().cloned().map(crate::model::spec::Element::Line));
        let Drawing { elements, remarks, .. } = drawing;
        self.judge_remarks(remarks, findings);
        let sources = draft
            .sources
            .iter()
            .zip(&shown)
            .map(|(candidate, shown)| Source { candidate, sha256: shown.image(self.manifest).sha256.as_ref() })
            .collect();
        let encoding = self.encoding(&draft, findings);
        let spec = OutputSpec {
            sheet: draft.sheet,
            background: draft.background,
            encoding,
            fills: draft.fills,
            cells: draft.cells,
            elements,
            turn: draft.turn,
            color: self.color(),
            dpi: self.profile.dpi,
            metadata: self.metadata(&values),
            accept_damage: self.profile.on_damage == OnDamage::Accept,
        };
        let may_scale = draft.in_pixels && self.profile.decode == Decode::Auto;
        Ok(Picture { sources, spec, tone, ppi: draft.ppi, cut: draft.cut, may_scale })
    }

    /// The first source that exists and has enough pixels, else the largest. `scale_of` says how much larger than its
    /// pixels a picture of a frame would be shown.
    pub(super) fn choose(
        &self,
        shown: Shown<'_>,
        findings: &mut Vec<Finding>,
        scale_of: impl Fn(PixelSize) -> Result<f64, Impossible>,
    ) -> Result<(&'a Candidate, &'a Header), Blocked> {
        let image = shown.image(self.manifest);
        let missing = |why: String| Blocked { code: "missing", reason: why };
        let want = shown.want(self.manifest, self.profile, self.frozen.pictures_beside);
        let (list, looked) = match self.facts.get(&want) {
            Some(Found::Candidates { list, looked }) => (list, looked.as_str()),
            Some(Found::Tie(text)) => {
                findings.extend(self.finding_of(shown, Verdict::Hold, "tie", text.clone()));
                return Err(Blocked { code: "tie", reason: text.clone() });
            }
            None => return Err(missing(format!("{} was not looked for", image.label()))),
        };
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
        self.compare_shapes(shown, &headers, findings);
        let mut best: Option<(&Candidate, &Header)> = None;
        for (candidate, header) in headers {
            self.check_known_shape(shown, candidate, header)?;
            let scale = scale_of(header.upright().turned(image.rotate))
                .map_err(|e| Blocked { code: e.code(), reason: format!("{}: {e}", shown.label(self.manifest)) })?;
            let enough = scale <= 1.0 + 1e-9;
            if enough || best.is_none_or(|(_, h)| header.stored.pixels() > h.stored.pixels()) {
                best = Some((candidate, header));
            }
            if enough {
                break;
            }
        }
        best.ok_or_else(|| missing(format!("{} is missing ({looked})", image.label())))
    }
}
