//! PURE. What a job will make: `match` finds the rules, `make` turns manifest, frozen recipes and facts into a [`Plan`].
//!
//! Owns: planning is total and deterministic; output paths are distinct, also without case; nothing is produced that is
//! not in the plan; every line of the manifest is in it, or skipped with a reason.

pub mod addressee;
pub mod bleed;
#[cfg(test)]
mod copy_tests;
pub mod deliveries;
pub mod draft;
pub mod elements;
pub mod facts;
pub mod fingerprint;
pub mod form;
pub mod frozen;
pub mod geometry;
pub mod judge;
pub mod lab;
pub mod layout;
pub mod make;
pub mod matching;
pub mod output;
pub mod paper;
pub mod picture;
pub mod preview;
#[cfg(test)]
mod print_tests;
pub mod printing;
pub mod region;
pub mod selection;
pub mod shown;
pub mod test_sheet;
#[cfg(test)]
mod tests;
pub mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::form::Form;
use self::lab::PlannedLab;
use self::printing::{Ask, Demand};
use crate::keyword;
use crate::model::config::destination_in;
use crate::model::delivery::Delivery;
use crate::model::name::RelPath;
use crate::model::spec::{DecodeFactor, Encoding, Header, KeepMetadata, OutputSpec};

/// `r1`, `r2` … render steps, `d1` … deliveries, `p1` … prints, in the order of the plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub String);

impl std::fmt::Display for StepId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything that a job will produce, frozen when its processing starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// By which rules it was made.
    pub plan: Form,
    pub sources: Vec<PlanSource>,
    pub renders: Vec<RenderStep>,
    pub deliveries: Vec<DeliveryStep>,
    pub skipped: Vec<Skipped>,
    /// What the checks found, the worst first; a `Hold` among them asks a person.
    pub findings: Vec<Finding>,
}

/// An original that the plan reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanSource {
    pub place: SourcePlace,
    /// As the receipt shows it: below the library root or the manifest.
    pub shown: String,
    /// Which kind of library source it is: `retouched`, `hires` …; `input` for one that came with the manifest.
    pub kind: String,
    pub bytes: u64,
    pub header: Header,
    /// Fixed from all outputs of this source, so that a retry gives the same bytes.
    pub decode: DecodeFactor,
    /// All outputs do with luma and chroma of a JPEG; fixed like `decode`. Plans of 0.1.0 do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<bool>,
    /// The digest that the manifest demands.
    pub sha256: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourcePlace {
    /// An original in the library, absolute.
    Library(PathBuf),
    /// A picture that came with the manifest, below the job's `inputs/`.
    Input(RelPath),
}

impl SourcePlace {
    pub fn path(&self, job_folder: &Path) -> PathBuf {
        match self {
            SourcePlace::Library(path) => path.clone(),
            SourcePlace::Input(path) => path.below(&job_folder.join("inputs")),
        }
    }
}

impl Plan {
    /// For each source, whether all its outputs do with luma and chroma.
    pub fn planes(&self) -> Vec<bool> {
        let mut enough = vec![true; self.sources.len()];
        let drawn = self.renders.iter().filter_map(RenderStep::spec).filter(|spec| spec.encoding != Encoding::Copy);
        for cell in drawn.flat_map(|spec| &spec.cells).filter(|cell| !geometry::takes_planes(cell)) {
            if let Some(enough) = enough.get_mut(cell.source) {
                *enough = false;
            }
        }
        let fixed = self.sources.iter().map(|source| source.planes);
        fixed.zip(enough).map(|(fixed, enough)| fixed.unwrap_or(enough)).collect()
    }
}

/// One finished picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RenderStep {
    pub id: StepId,
    pub profile: String,
    pub line: Option<u32>,
    pub number: Option<String>,
    /// How messages name the picture.
    pub image: String,
    /// The name the profile gives it, with extension; deliveries may add a suffix.
    pub name: RelPath,
    /// How many prints, or sheets of a layout, the line orders; 1 where there is no line.
    #[serde(default = "one")]
    pub copies: u32,
    /// The picture that this is a small one of, for the page of a download link; nobody gets it as a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_of: Option<StepId>,
    pub work: Work,
}

fn one() -> u32 {
    1
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "nearly all steps are of the large kind")]
pub enum Work {
    Render {
        spec: OutputSpec,
        /// In the job's `outputs/`; steps of equal spec share one.
        file: RelPath,
        /// Source pixels per inch of the finished size; of its pixels at the profile's dpi when it has no inches. Of
        /// several pictures the lowest.
        ppi: f64,
        /// Share of the crop (or frame) that `fit: fill` cuts away, 0 … 1. Of several pictures the largest.
        cut: f64,
    },
    /// It cannot be made as things are: the picture is missing or damaged, or the step needs what is not built yet.
    Blocked { code: String, reason: String },
}

impl RenderStep {
    pub fn spec(&self) -> Option<&OutputSpec> {
        match &self.work {
            Work::Render { spec, .. } => Some(spec),
            Work::Blocked { .. } => None,
        }
    }

    /// Indices of the sources it reads.
    pub fn sources(&self) -> impl Iterator<Item = usize> {
        self.spec().into_iter().flat_map(|s| s.cells.iter().map(|c| c.source))
    }
}

/// A picture, or an extra file, in a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub content: Content,
    /// Below the destination (or in the zip); distinct in the job without case.
    pub path: RelPath,
    /// What it is called in the [`Work`](fingerprint::Work) of its delivery, whatever the day and the job; empty in a
    /// job that is not compared with others.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
    /// When the picture was taken, by the camera's clock: how an archive dates it. `None` where that is not known, or is
    /// not to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<jiff::civil::DateTime>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    Step(StepId),
    /// An extra file of the delivery, absolute.
    File(PathBuf),
}

/// A finished set of outputs at a destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeliveryStep {
    pub id: StepId,
    /// The profile, or the render job, that asks for it.
    pub owner: String,
    /// As the operator wrote it.
    pub delivery: Delivery,
    /// Where it goes; `None` for what has no folder of its own.
    pub place: Option<Place>,
    /// In the order of the profile's `sort`.
    pub members: Vec<Member>,
    /// The disc's label with `{disc}` and `{discs}` still in it.
    pub label: Option<String>,
    /// An empty file that is written last, in the destination.
    pub trigger: Option<RelPath>,
    /// Of a command: how it is run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<PlannedRun>,
    /// Of a `to: print`: its sheets, in the order in which they leave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prints: Vec<PlannedPrint>,
    /// Of a download link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<PlannedLink>,
    /// Of a lab: what it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lab: Option<PlannedLab>,
    /// Rendered, then waits for a release before anything is delivered.
    pub hold: bool,
    /// It cannot be done by this version; why.
    pub blocked: Option<String>,
}

/// What a download link shows beside its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedLink {
    /// A later run of the record that has the same one renews what lies behind the link, and makes no other.
    pub key: Option<String>,
    /// Whose pictures they are.
    pub client: Option<String>,
    /// Of the page, where the manifest says one.
    #[serde(default)]
    pub language: Option<String>,
    /// What the zip is called where it is saved.
    pub zip: RelPath,
    /// Of each member that is a picture.
    #[serde(default)]
    pub previews: Vec<PlannedPreview>,
}

impl DeliveryStep {
    /// How many pictures a client gets, whatever sizes each of them comes in.
    pub fn pictures(&self) -> usize {
        let pictures = self.members.iter().filter(|member| matches!(member.content, Content::Step(_))).count();
        let sizes =
            self.link.iter().flat_map(|link| &link.previews).filter(|preview| preview.same_as.is_some()).count();
        pictures.saturating_sub(sizes)
    }
}

/// The small pictures of one picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedPreview {
    pub of: StepId,
    pub thumb: StepId,
    /// Fills a screen.
    pub screen: StepId,
    /// The first picture of the link that shows the same: this is another size of it, and no other picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<StepId>,
}

/// One run of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRun {
    /// For which member; `None` for all of them together.
    pub file: Option<RelPath>,
    /// Each in parts: where it stands goes between them.
    pub arguments: Vec<Vec<String>>,
}

/// One sheet for a printer or a pool: a unit, which is sent in one piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedPrint {
    pub id: StepId,
    /// The render step that makes it.
    pub sheet: StepId,
    pub copies: u32,
    pub ask: Ask,
    /// As it was when the sheet was made.
    pub demand: Demand,
    /// What a folder printer's files are called, in front of the number of the copy; distinct in the job.
    pub file: RelPath,
    /// By folder printer, the folder below its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub folders: BTreeMap<String, RelPath>,
}

/// A destination with the job's values filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Absolute.
    pub fixed: PathBuf,
    /// `fixed` is made when it is missing; else it must stand.
    pub made: bool,
    pub path: Option<RelPath>,
    /// How receipts show it: as the operator wrote it, with the values filled in.
    pub shown: String,
}

impl Plan {
    /// As [`Frozen::follow`](frozen::Frozen::follow), for what was planned before the studio's folder was moved.
    pub fn follow(&mut self, config_folder: &Path) {
        for step in &mut self.deliveries {
            let Some(destination) = step.delivery.destination_mut() else { continue };
            let Some(moved) = destination_in(config_folder, destination) else { continue };
            if let Some(place) = &mut step.place {
                // Of a disc or zip without tokens it is the folder above.
                let folder = if place.fixed == destination.fixed { Some(moved.as_path()) } else { moved.parent() };
                place.fixed = folder.unwrap_or(&moved).to_path_buf();
            }
            destination.fixed = moved;
        }
    }
}

impl Place {
    pub fn folder(&self) -> PathBuf {
        self.path.as_ref().map_or_else(|| self.fixed.clone(), |p| p.below(&self.fixed))
    }
}

/// A line, image or profile of which nothing is made, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    pub line: Option<u32>,
    pub image: Option<String>,
    pub profile: Option<String>,
    pub reason: String,
}

keyword! {
    #[derive(PartialOrd, Ord)]
    pub enum Weight { Warn = "warn", Hold = "hold" }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub weight: Weight,
    /// The key of `checks:`, or a code of its own: `tie`, `no_ratings`, `name_collision` …
    pub code: String,
    pub profile: Option<String>,
    pub line: Option<u32>,
    pub number: Option<String>,
    pub text: String,
}

impl Plan {
    pub fn holds(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.weight == Weight::Hold)
    }

    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.weight == Weight::Warn)
    }

    /// `-r1` in front of the extension of every picture's name, and at the end of a lab order's: a print that is made
    /// again, on purpose, takes no name of the first.
    pub fn mark_reprint(&mut self, number: u32) {
        let mark = |path: &RelPath| {
            let text = path.as_str();
            let name = text.len() - path.file_name().len();
            let dot = text[name..].rfind('.').map_or(text.len(), |at| name + at);
            RelPath::parse(&format!("{}-r{number}{}", &text[..dot], &text[dot..])).unwrap_or_else(|_| path.clone())
        };
        for step in &mut self.renders {
            step.name = mark(&step.name);
        }
        for delivery in &mut self.deliveries {
            for member in delivery.members.iter_mut().filter(|member| matches!(member.content, Content::Step(_))) {
                member.path = mark(&member.path);
            }
            for file in delivery.runs.iter_mut().filter_map(|run| run.file.as_mut()) {
                *file = mark(file);
            }
            for print in &mut delivery.prints {
                print.file =
                    RelPath::parse(&format!("{}-r{number}", print.file)).unwrap_or_else(|_| print.file.clone());
            }
            if let Some(lab) = &mut delivery.lab {
                lab.name += &format!("-r{number}");
                for print in &mut lab.prints {
                    print.file = mark(&print.file);
                }
            }
        }
    }

    /// Dates the members of deliveries: a picture by its first original, if its metadata may tell the day.
    pub fn date_members(&mut self) {
        if self.plan.is_first() {
            return;
        }
        for delivery in &mut self.deliveries {
            for member in &mut delivery.members {
                let Content::Step(id) = &member.content else { continue };
                let spec = self.renders.iter().find(|step| step.id == *id).and_then(RenderStep::spec);
                let told = spec.filter(|spec| spec.metadata.keep != KeepMetadata::None);
                let first = told.and_then(|spec| spec.cells.first());
                let original = first.and_then(|cell| self.sources.get(cell.source));
                member.taken = original.and_then(|original| original.header.taken);
            }
        }
    }

    /// The pictures that somebody gets.
    pub fn pictures(&self) -> impl Iterator<Item = &RenderStep> {
        self.renders.iter().filter(|step| step.preview_of.is_none())
    }

    pub fn render(&self, id: &StepId) -> Option<&RenderStep> {
        self.renders.iter().find(|r| r.id == *id)
    }
}
