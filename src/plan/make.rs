//! Puts the plan together.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::addressee;
use super::deliveries;
use super::facts::{Facts, Glyphs};
use super::form::{Form, Occasion};
use super::frozen::Frozen;
use super::geometry::decode_factor;
use super::layout::copies;
use super::output;
use super::paper::{PrintTarget, print_target};
use super::picture::{Picture, Request, Source};
use super::preview;
use super::printing::{Ask, Demand, PrintKey, Printing};
use super::selection::{Pick, Selection, select};
use super::values::{JobValues, PictureValues};
use super::{Finding, Plan, PlanSource, RenderStep, Skipped, SourcePlace, StepId, Weight, Work};
use crate::model::checks::Verdict;
use crate::model::limits::PLAN_MAX_OUTPUTS;
use crate::model::manifest::Manifest;
use crate::model::name::RelPath;
use crate::model::profile::Profile;
use crate::model::spec::{Cell, DecodeFactor, OutputSpec, PictureFormat, Region, Window};
use crate::model::template::EmptyToken;

/// A picture on its way into the plan, with what deliveries need to know of it.
#[derive(Debug)]
pub struct Made<'a> {
    pub pick: Pick<'a>,
    /// File name of the chosen original.
    pub file: Option<String>,
    pub seq: usize,
    /// The printing that it is made for; a file where there is none.
    pub key: Option<PrintKey>,
    pub print: Option<(Ask, Demand)>,
}

/// Turns a manifest, what its job keeps of the config, what printers ask for now, and what was found into the plan.
/// Total: what cannot be made is in the plan as a blocked step.
pub fn make(
    manifest: &Manifest,
    frozen: &Frozen,
    printing: &Printing,
    facts: &Facts,
    glyphs: &dyn Glyphs,
    occasion: Occasion<'_>,
) -> Plan {
    let Occasion { job, date, form } = occasion;
    let values = JobValues { job, date, studio: &frozen.studio, manifest };
    let Selection { picks, skipped, findings } = select(manifest, &frozen.profiles);
    let mut maker = Maker {
        manifest,
        frozen,
        printing,
        facts,
        glyphs,
        values,
        sources: Sources::default(),
        files: Files::default(),
        empty_tokens: HashSet::new(),
        plan: empty_plan(form, skipped, findings),
        made: Vec::new(),
    };
    if picks.len() > PLAN_MAX_OUTPUTS {
        maker.plan.findings.push(Finding {
            weight: Weight::Hold,
            code: "too_many_outputs".into(),
            profile: None,
            line: None,
            number: None,
            text: format!("the order makes {} files; at most {PLAN_MAX_OUTPUTS} are made of one manifest", picks.len()),
        });
        return maker.plan;
    }
    maker.add_pictures(picks);
    for profile in &frozen.without_delivery {
        maker.plan.skipped.push(Skipped {
            line: None,
            image: None,
            profile: Some(profile.clone()),
            reason: format!("profile `{profile}` has no delivery of its own or of its render job, so it is not run"),
        });
    }
    let (steps, mut found) = deliveries::plan(&values, frozen, printing, &maker.plan.renders, &maker.made);
    maker.plan.deliveries = steps;
    maker.plan.findings.append(&mut found);
    let nobody = addressee::judge(&maker.plan.deliveries, manifest, frozen);
    maker.plan.findings.extend(nobody);
    preview::add(&mut maker.plan, |cell| maker.sources.show(cell, true));
    maker.finish()
}

fn empty_plan(form: Form, skipped: Vec<Skipped>, findings: Vec<Finding>) -> Plan {
    Plan { plan: form, sources: Vec::new(), renders: Vec::new(), deliveries: Vec::new(), skipped, findings }
}

/// The originals of the plan, each once, with what all outputs show of it.
#[derive(Debug, Default)]
struct Sources {
    list: Vec<PlanSource>,
    by_place: HashMap<std::path::PathBuf, usize>,
    shown: Vec<Vec<(Region, Window)>>,
    /// Some output asks for a full decode.
    full: HashSet<usize>,
}

impl Sources {
    fn add(&mut self, Source { candidate, sha256 }: Source<'_>) -> usize {
        let key = candidate.place.path(std::path::Path::new(""));
        *self.by_place.entry(key).or_insert_with(|| {
            if let Ok(header) = &candidate.header {
                self.list.push(PlanSource {
                    place: candidate.place.clone(),
                    shown: candidate.shown.clone(),
                    kind: candidate.kind.clone(),
                    bytes: candidate.bytes,
                    header: header.clone(),
                    decode: DecodeFactor::FULL,
                    planes: None,
                    sha256: sha256.cloned(),
                });
                self.shown.push(Vec::new());
            }
            self.list.len().saturating_sub(1)
        })
    }

    /// Takes note of a cell, whose source is in the list.
    fn show(&mut self, cell: &Cell, may_scale: bool) {
        if may_scale {
            self.shown[cell.source].push((cell.region, cell.window));
        } else {
            self.full.insert(cell.source);
        }
    }

    fn finish(mut self) -> Vec<PlanSource> {
        for (index, source) in self.list.iter_mut().enumerate() {
            if source.header.format == PictureFormat::Jpeg && !self.full.contains(&index) {
                source.decode = decode_factor(&self.shown[index]);
            }
        }
        self.list
    }
}

/// Names in `outputs/`. Equal specs of equal sources are rendered once: the later step shares the earlier one's file.
#[derive(Debug, Default)]
struct Files(BTreeMap<String, RelPath>);

impl Files {
    fn work(&mut self, known: &mut Sources, mut picture: Picture<'_>, own: &RelPath) -> Work {
        let sources: Vec<usize> = picture.sources.iter().map(|s| known.add(*s)).collect();
        for cell in &mut picture.spec.cells {
            cell.source = sources[cell.source];
            known.show(cell, picture.may_scale);
        }
        let file = self.0.entry(fingerprint(&picture.spec)).or_insert_with(|| own.clone()).clone();
        Work::Render { file, ppi: picture.ppi, cut: picture.cut, spec: picture.spec }
    }
}

struct Maker<'a> {
    manifest: &'a Manifest,
    frozen: &'a Frozen,
    printing: &'a Printing,
    facts: &'a Facts,
    glyphs: &'a dyn Glyphs,
    values: JobValues<'a>,
    sources: Sources,
    files: Files,
    /// Which empty tokens of which profile have been told.
    empty_tokens: HashSet<(usize, String)>,
    plan: Plan,
    made: Vec<Made<'a>>,
}

impl<'a> Maker<'a> {
    fn add_pictures(&mut self, picks: Vec<Pick<'a>>) {
        let sequence = self.sequence(&picks);
        for (pick, seq) in picks.into_iter().zip(sequence) {
            for key in self.targets(&self.frozen.profiles[pick.profile].name) {
                self.add_picture(pick, seq, key);
            }
        }
    }

    /// What a profile's pictures are made for: files, and each printing that asks for sheets of its own.
    fn targets(&self, profile: &str) -> Vec<Option<PrintKey>> {
        let own = self.frozen.profiles.iter().filter(|p| p.name == profile).flat_map(|p| &p.deliver);
        let of_rules = self.frozen.deliveries.iter().filter(|d| d.run.iter().any(|name| name == profile));
        let mut targets = Vec::new();
        for key in own.chain(of_rules.map(|d| &d.delivery)).map(PrintKey::of) {
            if !targets.contains(&key) {
                targets.push(key);
            }
        }
        // By hand there is no delivery at all.
        if targets.is_empty() { vec![None] } else { targets }
    }

    fn add_picture(&mut self, pick: Pick<'a>, seq: usize, key: Option<PrintKey>) {
        let profile: &Profile = &self.frozen.profiles[pick.profile];
        let layout = pick.line.and_then(|line| self.frozen.layout_of(line));
        let location = self.manifest.location.as_deref().or(self.frozen.studio.location.as_deref());
        let target = key.as_ref().map(|key| print_target(key, profile, pick.line, layout, location, self.printing));
        let (target, refused) = match target.transpose() {
            Ok(target) => (target, None),
            Err(blocked) => (None, Some(blocked)),
        };
        let request = Request {
            manifest: self.manifest,
            frozen: self.frozen,
            facts: self.facts,
            glyphs: self.glyphs,
            job: self.values,
            profile: target.as_ref().map_or(profile, |target| &target.profile),
            pick,
            demand: target.as_ref().map(|target| &target.demand),
            orient: profile.orient,
            form: self.plan.plan,
        };
        let id = StepId(format!("r{}", self.plan.renders.len() + 1));
        let image = &self.manifest.images[pick.image];
        let mut found = Vec::new();
        let decided = refused.map_or_else(|| request.decide(&mut found), Err);
        let (file, tone, extension) = match &decided {
            Ok(picture) => {
                let first = picture.sources.first().map(|source| source.candidate);
                let format = first.and_then(|c| c.header.as_ref().ok()).map_or(PictureFormat::Jpeg, |h| h.format);
                let extension = output::extension(&picture.spec.encoding, format);
                (first.map(|c| c.shown.clone()), Some(picture.tone), extension)
            }
            Err(_) => (image.file.clone(), None, output::expected_extension(request.profile)),
        };
        let name_of_file = file.as_deref().map(|f| f.rsplit('/').next().unwrap_or(f).to_string());
        let values = PictureValues {
            profile: Some(profile),
            image: Some(image),
            line: pick.line,
            layout,
            file: name_of_file.as_deref(),
            tone,
            seq: Some(seq),
        };
        let mut empty = Vec::new();
        let name = profile.name_template.file_name(&|token| self.values.value(&values, token), &mut empty);
        for EmptyToken { what } in empty {
            if self.empty_tokens.insert((pick.profile, what.clone())) {
                let text =
                    format!("{}: {what} is empty in the name `{}`", request.label(), profile.name_template.source());
                let verdict = if decided.is_err() { Verdict::Warn } else { profile.checks.empty_token };
                found.extend(request.finding(verdict, "empty_token", text));
            }
        }
        let own = RelPath::from_part(&id.0).unwrap_or_else(RelPath::unnamed);
        let name = name.unwrap_or_else(|| own.clone()).with_extension(extension);
        let work = match decided {
            Err(blocked) => Work::Blocked { code: blocked.code.into(), reason: blocked.reason },
            Ok(picture) => self.files.work(&mut self.sources, picture, &own.with_extension(extension)),
        };
        self.plan.renders.push(RenderStep {
            id,
            profile: profile.name.clone(),
            line: pick.line.map(|l| l.line),
            number: image.number.clone(),
            image: image.label(),
            name,
            copies: pick.line.map_or(1, |line| copies(line, layout)),
            preview_of: None,
            work,
        });
        let print = target.map(|PrintTarget { ask, demand, .. }| (ask, demand));
        self.made.push(Made { pick, file: name_of_file, seq, key, print });
        // A picture that is made for several targets is judged once.
        for finding in found {
            if !self.plan.findings.contains(&finding) {
                self.plan.findings.push(finding);
            }
        }
    }

    /// The place of each pick in its profile's `sort`, from 1.
    fn sequence(&self, picks: &[Pick<'a>]) -> Vec<usize> {
        let keys = |pick: &Pick<'a>| -> Vec<String> {
            let profile = &self.frozen.profiles[pick.profile];
            let image = &self.manifest.images[pick.image];
            let values = PictureValues {
                profile: Some(profile),
                image: Some(image),
                line: pick.line,
                layout: pick.line.and_then(|line| self.frozen.layout_of(line)),
                file: image.file.as_deref(),
                ..Default::default()
            };
            profile.sort.iter().map(|t| t.text(&|token| self.values.value(&values, token), &mut Vec::new())).collect()
        };
        let mut order: Vec<(usize, Vec<String>, usize)> =
            picks.iter().enumerate().map(|(i, pick)| (pick.profile, keys(pick), i)).collect();
        order.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| natural(&a.1, &b.1)).then(a.2.cmp(&b.2)));
        let mut sequence = vec![0; picks.len()];
        let (mut profile, mut next) = (usize::MAX, 0);
        for (of, _, index) in order {
            next = if of == profile { next + 1 } else { 1 };
            profile = of;
            sequence[index] = next;
        }
        sequence
    }

    fn finish(self) -> Plan {
        let mut plan = self.plan;
        plan.sources = self.sources.finish();
        let planes = plan.planes();
        for (source, enough) in plan.sources.iter_mut().zip(planes) {
            source.planes = Some(enough);
        }
        plan.date_members();
        plan.findings.sort_by_key(|f| std::cmp::Reverse(f.weight));
        plan
    }
}

/// Two specs of one fingerprint give the same bytes.
pub(super) fn fingerprint(spec: &OutputSpec) -> String {
    // A spec holds numbers, words and lists: it always has a JSON form.
    serde_json::to_string(spec).unwrap_or_default()
}

/// Numbers by value, texts by their letters: line 2 before line 10.
fn natural(a: &[String], b: &[String]) -> std::cmp::Ordering {
    for (a, b) in a.iter().zip(b) {
        let order = match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(a), Ok(b)) => a.total_cmp(&b),
            _ => a.to_lowercase().cmp(&b.to_lowercase()),
        };
        if order.is_ne() {
            return order;
        }
    }
    std::cmp::Ordering::Equal
}

/// Input places of the plan that lie with the job.
pub fn inputs(plan: &Plan) -> impl Iterator<Item = &RelPath> {
    plan.sources.iter().filter_map(|s| match &s.place {
        SourcePlace::Input(path) => Some(path),
        SourcePlace::Library(_) => None,
    })
}
