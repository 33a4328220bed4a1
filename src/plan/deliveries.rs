//! Which finished pictures go where, under which names.

mod lab;

use std::collections::{BTreeMap, HashMap, HashSet};

use super::frozen::Frozen;
use super::make::Made;
use super::printing::{PrintKey, Printing};
use super::values::{JobValues, PictureValues};
use super::{
    Content, DeliveryStep, Finding, Member, Place, PlannedLink, PlannedPrint, PlannedRun, RenderStep, StepId, Weight,
};
use crate::model::checks::Verdict;
use crate::model::config::PrinterTarget;
use crate::model::delivery::{CommandFor, Delivery, Destination, PackageEntry, PrintCopies};
use crate::model::name::RelPath;
use crate::model::profile::Profile;
use crate::model::template::{EmptyToken, Template, Token};
use crate::model::units::Dimensions;

/// All deliveries of profiles and render jobs, with distinct output paths.
pub fn plan(
    values: &JobValues<'_>,
    frozen: &Frozen,
    printing: &Printing,
    renders: &[RenderStep],
    made: &[Made<'_>],
) -> (Vec<DeliveryStep>, Vec<Finding>) {
    let mut planner = Planner {
        values,
        frozen,
        printing,
        renders,
        made,
        steps: Vec::new(),
        prints: 0,
        findings: Vec::new(),
        taken: HashSet::new(),
    };
    for (index, profile) in frozen.profiles.iter().enumerate() {
        for delivery in &profile.deliver {
            planner.add(&profile.name, &[index], delivery);
        }
    }
    for of_rule in &frozen.deliveries {
        let position = |name: &String| frozen.profiles.iter().position(|p| p.name == *name);
        let profiles: Vec<usize> = of_rule.run.iter().filter_map(position).collect();
        planner.add(&of_rule.rule, &profiles, &of_rule.delivery);
    }
    (planner.steps, planner.findings)
}

/// Where a delivery goes, nowhere in particular, or why it cannot go anywhere.
type Destined = Result<Option<Place>, String>;

struct Planner<'a> {
    values: &'a JobValues<'a>,
    frozen: &'a Frozen,
    printing: &'a Printing,
    renders: &'a [RenderStep],
    made: &'a [Made<'a>],
    steps: Vec<DeliveryStep>,
    /// How many sheets were planned for printers; also those that cannot be made, so that numbers stay what they are.
    prints: usize,
    findings: Vec<Finding>,
    /// Every output path of the job, without case.
    taken: HashSet<String>,
}

impl Planner<'_> {
    fn add(&mut self, owner: &str, profiles: &[usize], delivery: &Delivery) {
        let key = PrintKey::of(delivery);
        let is_for = |made: &Made<'_>| profiles.contains(&made.pick.profile) && made.key == key;
        let mut indices: Vec<usize> = (0..self.renders.len()).filter(|i| is_for(&self.made[*i])).collect();
        if indices.is_empty() {
            return;
        }
        let rank = |profile: usize| profiles.iter().position(|p| *p == profile);
        indices.sort_by_key(|i| (rank(self.made[*i].pick.profile), self.made[*i].seq));
        let extras = match delivery {
            Delivery::Disc { extras, .. } => extras.clone(),
            Delivery::Link { contents, .. } => contents.iter().filter_map(PackageEntry::file).cloned().collect(),
            _ => Vec::new(),
        };
        // A destination may name what differs from picture to picture, such as {size}: each folder is its own delivery.
        let mut places: Vec<(Destined, Vec<usize>)> = Vec::new();
        let mut by_path: HashMap<Result<Option<RelPath>, String>, usize> = HashMap::new();
        for index in indices {
            let place = delivery.destination().map(|d| self.place(d, owner, index)).transpose();
            let key = place.as_ref().map(|p| p.as_ref().and_then(|p| p.path.clone())).map_err(Clone::clone);
            let at = *by_path.entry(key).or_insert_with(|| {
                places.push((place, Vec::new()));
                places.len() - 1
            });
            places[at].1.push(index);
        }
        for (place, indices) in places {
            self.add_one(owner, delivery, place, &indices, &extras);
        }
    }

    fn add_one(
        &mut self,
        owner: &str,
        delivery: &Delivery,
        place: Destined,
        indices: &[usize],
        extras: &[std::path::PathBuf],
    ) {
        // Without its folder a delivery would land beside where it was meant to: it is not made at all.
        let (place, nowhere) = match place {
            Ok(place) => (place, None),
            Err(why) => (None, Some(why)),
        };
        // A zip or disc is one name at its destination; a folder is shared, and its pictures are the names.
        let is_container = matches!(delivery, Delivery::Zip { .. } | Delivery::Disc { .. });
        // A lab's folder is shared as well, but pictures are names of their own order there.
        let is_shared = !is_container && !matches!(delivery, Delivery::Lab { .. });
        let place = if is_container { place.map(|p| self.distinct_container(p, delivery, owner)) } else { place };
        let mut inside = HashSet::new();
        let mut members = Vec::new();
        let mut unsorted = None;
        for index in indices {
            let step = &self.renders[*index];
            let wanted = match self.folder_in_package(delivery, owner, *index) {
                Ok(Some(folder)) => folder.join(&step.name),
                Ok(None) => step.name.clone(),
                Err(why) => {
                    unsorted.get_or_insert(why);
                    continue;
                }
            };
            let step = &self.renders[*index];
            let path = match (&place, is_shared) {
                (Some(place), true) => {
                    let base = place.folder().to_string_lossy().into_owned();
                    let taken = &mut self.taken;
                    free_name(&wanted, |name| taken.insert(format!("{}/{}", base, name.as_str()).to_lowercase()))
                }
                _ => free_name(&wanted, |name| inside.insert(name.fold_case())),
            };
            if path != wanted {
                self.findings.push(Finding {
                    weight: Weight::Warn,
                    code: "name_collision".into(),
                    profile: Some(step.profile.clone()),
                    line: step.line,
                    number: step.number.clone(),
                    text: format!("{wanted} is taken by another output of this job, so this one is {path}"),
                });
            }
            members.push(Member { content: Content::Step(step.id.clone()), path, output: String::new(), taken: None });
        }
        for extra in extras {
            let name = extra.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let Some(name) = RelPath::from_part(&name) else { continue };
            let path = free_name(&name, |name| inside.insert(name.fold_case()));
            members.push(Member { content: Content::File(extra.clone()), path, output: String::new(), taken: None });
        }
        let held = indices.iter().any(|i| self.profile(*i).hold);
        let first = indices.first().copied();
        let text = |this: &mut Self, template: &Template, what: &str| {
            let mut empty = Vec::new();
            let filled = template.text(&|token| this.delivery_value(first, token), &mut empty);
            this.report_empty(owner, first, &empty, what, template);
            filled
        };
        let label = match delivery {
            Delivery::Disc { label: Some(template), .. } => Some(text(self, template, "label")),
            _ => None,
        };
        let trigger = match delivery {
            Delivery::Folder { trigger: Some(template), .. } => {
                let name = text(self, template, "trigger");
                RelPath::from_part(&name)
            }
            _ => None,
        };
        let link = match delivery {
            Delivery::Link { key, .. } => {
                Some(PlannedLink { key: key.as_ref().map(|template| text(self, template, "key")), ..self.link() })
            }
            _ => None,
        };
        let (runs, unsafe_argument) = self.runs(owner, delivery, indices, &members);
        let (prints, no_folder) = self.prints(owner, delivery, indices);
        let (lab, not_for_a_lab) = self.lab(owner, delivery, place.as_ref(), indices, &members);
        self.steps.push(DeliveryStep {
            id: StepId(format!("d{}", self.steps.len() + 1)),
            owner: owner.to_string(),
            delivery: delivery.clone(),
            place,
            members,
            label,
            trigger,
            runs,
            prints,
            link,
            lab,
            hold: held,
            blocked: nowhere.or(unsafe_argument).or(no_folder).or(unsorted).or(not_for_a_lab),
        });
    }

    /// The sheets of a `to: print`, or why they would have no place at a folder printer.
    fn prints(&mut self, owner: &str, delivery: &Delivery, indices: &[usize]) -> (Vec<PlannedPrint>, Option<String>) {
        let Delivery::Print { copies, .. } = delivery else { return (Vec::new(), None) };
        let (mut prints, mut wrong) = (Vec::new(), None);
        for index in indices {
            self.prints += 1;
            let id = StepId(format!("p{}", self.prints));
            let (made, step) = (&self.made[*index], &self.renders[*index]);
            let Some((ask, demand)) = made.print.clone() else { continue };
            let number = step.line.map_or_else(|| step.id.to_string(), |line| line.to_string());
            let file = RelPath::from_part(&format!("{}_{number}", self.values.job)).unwrap_or_else(RelPath::unnamed);
            let taken = &mut self.taken;
            let file = free_name(&file, |name| taken.insert(format!("print/{}", name.fold_case())));
            let mut folders = BTreeMap::new();
            let printing = self.printing;
            for (printer, _) in printing.takers(&ask).unwrap_or_default() {
                let PrinterTarget::Folder { sub_folder: Some(template), .. } = &printer.target else { continue };
                match self.sub_folder(template, owner, *index, demand.paper) {
                    Ok(Some(folder)) => drop(folders.insert(printer.name.clone(), folder)),
                    Ok(None) => {}
                    Err(why) => drop(wrong.get_or_insert(format!("printer `{}`: {why}", printer.name))),
                }
            }
            let copies = match copies {
                PrintCopies::Ordered => step.copies,
                PrintCopies::Count(count) => *count,
            };
            prints.push(PlannedPrint { id, sheet: step.id.clone(), copies, ask, demand, file, folders });
        }
        (prints, wrong)
    }

    /// Its `{size}` is the paper's: whoever prints from the folder takes that for the size of what lies there.
    fn sub_folder(
        &mut self,
        template: &Template,
        owner: &str,
        index: usize,
        paper: Dimensions,
    ) -> Result<Option<RelPath>, String> {
        let mut empty = Vec::new();
        let value = |token: &Token| match token.name.as_str() {
            "size" => Some(paper.label()),
            _ => self.delivery_value(Some(index), token),
        };
        let filled = template.path(&value, &mut empty);
        self.report_empty(owner, Some(index), &empty, "sub_folder", template);
        filled.map_err(|_| format!("a part of its sub_folder `{}` comes out empty", template.source()))
    }

    /// What the page of a link says of the job.
    fn link(&self) -> PlannedLink {
        let manifest = self.values.manifest;
        let client = &manifest.client;
        let name: Vec<&str> = [&client.first, &client.last].into_iter().flatten().map(String::as_str).collect();
        let studio = self.values.studio.name.as_deref().unwrap_or("Pictures");
        let zip = RelPath::from_part(&format!("{studio} {}", manifest.record)).unwrap_or_else(RelPath::unnamed);
        PlannedLink {
            key: None,
            client: Some(name.join(" ")).filter(|name| !name.is_empty()),
            language: client.language.clone(),
            zip: zip.with_extension("zip"),
            previews: Vec::new(),
        }
    }

    /// The folder that a link's `contents` put the pictures of a profile into; or why there is none.
    fn folder_in_package(&mut self, delivery: &Delivery, owner: &str, index: usize) -> Result<Option<RelPath>, String> {
        let Delivery::Link { contents, .. } = delivery else { return Ok(None) };
        let name = &self.profile(index).name;
        let template = contents.iter().find_map(|entry| match entry {
            PackageEntry::Profile { profile, folder } if profile == name => folder.clone(),
            _ => None,
        });
        let Some(template) = template else { return Ok(None) };
        let mut empty = Vec::new();
        let filled = template.path(&|token| self.delivery_value(Some(index), token), &mut empty);
        if let Err(nothing) = &filled {
            empty.push(nothing.clone());
        }
        self.report_empty(owner, Some(index), &empty, "folder", &template);
        filled.map_err(|_| format!("a part of its folder `{}` comes out empty", template.source()))
    }

    /// The runs of a command, or why there can be none.
    fn runs(
        &mut self,
        owner: &str,
        delivery: &Delivery,
        indices: &[usize],
        members: &[Member],
    ) -> (Vec<PlannedRun>, Option<String>) {
        let Delivery::Command { run, r#for, .. } = delivery else { return (Vec::new(), None) };
        let templates: Vec<Template> = run.iter().skip(1).filter_map(|text| Template::parse(text).ok()).collect();
        let whole = *r#for == CommandFor::Delivery;
        let (mut runs, mut wrong) = (Vec::new(), None);
        for (index, member) in indices.iter().zip(members).take(if whole { 1 } else { usize::MAX }) {
            let mut arguments = Vec::new();
            for template in &templates {
                let mut empty = Vec::new();
                // No value has a NUL: no program could be given it.
                let value = |token: &Token| match token.name.as_str() {
                    "file" => Some("\0".to_string()),
                    _ => self.delivery_value(Some(*index), token).map(|value| value.replace('\0', "")),
                };
                let filled = template.text(&value, &mut empty);
                if filled.starts_with('-') && !template.source().starts_with('-') {
                    wrong.get_or_insert_with(|| {
                        format!(
                            "the argument `{}` comes out as `{filled}`, which a program takes for an option",
                            template.source()
                        )
                    });
                }
                arguments.push(filled.split('\0').map(str::to_string).collect());
                self.report_empty(owner, Some(*index), &empty, "argument", template);
            }
            runs.push(PlannedRun { file: (!whole).then(|| member.path.clone()), arguments });
        }
        (runs, wrong)
    }

    fn profile(&self, index: usize) -> &Profile {
        &self.frozen.profiles[self.made[index].pick.profile]
    }

    /// Tokens of a delivery are filled from its first picture; those of the disc's number come later.
    fn delivery_value(&self, first: Option<usize>, token: &Token) -> Option<String> {
        if matches!(token.name.as_str(), "disc" | "discs") {
            return Some(token.to_string());
        }
        let values = first.map(|index| self.picture_values(index)).unwrap_or_default();
        self.values.value(&values, token)
    }

    fn picture_values(&self, index: usize) -> PictureValues<'_> {
        let made = &self.made[index];
        PictureValues {
            profile: Some(self.profile(index)),
            image: Some(&self.values.manifest.images[made.pick.image]),
            line: made.pick.line,
            layout: made.pick.line.and_then(|line| self.frozen.layout_of(line)),
            file: made.file.as_deref(),
            tone: None,
            seq: Some(made.seq),
        }
    }

    /// Or why it has none: a part of its path came out empty.
    fn place(&mut self, destination: &Destination, owner: &str, index: usize) -> Result<Place, String> {
        let mut empty = Vec::new();
        let filled = destination.rest.path(&|token| self.delivery_value(Some(index), token), &mut empty);
        if let Err(nothing) = &filled {
            empty.push(nothing.clone());
        }
        self.report_empty(owner, Some(index), &empty, "path", &destination.rest);
        let path = filled.map_err(|_| format!("a part of its path `{}` comes out empty", destination.written))?;
        let fixed = destination.written.split('{').next().unwrap_or_default();
        let fixed = fixed.rfind('/').map_or("", |at| &fixed[..=at]);
        let shown = match &path {
            Some(path) if destination.rest.source().is_empty() => path.to_string(),
            Some(path) => format!("{fixed}{path}"),
            None => destination.written.trim_end_matches('/').to_string(),
        };
        Ok(Place { fixed: destination.fixed.clone(), made: destination.made, path, shown })
    }

    fn report_empty(
        &mut self,
        owner: &str,
        index: Option<usize>,
        empty: &[EmptyToken],
        what: &str,
        template: &Template,
    ) {
        let verdict = index.map_or(self.frozen.checks.empty_token, |i| self.profile(i).checks.empty_token);
        let weight = match verdict {
            Verdict::Off => return,
            Verdict::Warn => Weight::Warn,
            Verdict::Hold => Weight::Hold,
        };
        for EmptyToken { what: token } in empty {
            let text = format!("`{owner}`: {token} is empty in the {what} `{}`", template.source());
            if !self.findings.iter().any(|f| f.text == text) {
                self.findings.push(Finding {
                    weight,
                    code: "empty_token".into(),
                    profile: None,
                    line: None,
                    number: None,
                    text,
                });
            }
        }
    }

    fn distinct_container(&mut self, place: Place, delivery: &Delivery, owner: &str) -> Place {
        // Without a token all of the destination is fixed; its last part is the container's own name.
        let (fixed, path) = if let Some(path) = &place.path {
            (place.fixed.clone(), path.clone())
        } else {
            let name = place.fixed.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let Some(name) = RelPath::from_part(&name) else { return place };
            (place.fixed.parent().map_or_else(|| place.fixed.clone(), std::path::Path::to_path_buf), name)
        };
        let shown_folder = place.shown.strip_suffix(path.as_str()).unwrap_or_default().to_string();
        let path = match delivery {
            Delivery::Zip { .. } if !path.as_str().to_lowercase().ends_with(".zip") => path.with_extension("zip"),
            _ => path,
        };
        let base = fixed.to_string_lossy().into_owned();
        let taken = &mut self.taken;
        let free = free_name(&path, |name| taken.insert(format!("{base}/{name}").to_lowercase()));
        if free != path {
            self.findings.push(Finding {
                weight: Weight::Warn,
                code: "name_collision".into(),
                profile: None,
                line: None,
                number: None,
                text: format!("`{owner}`: {path} is taken by another output of this job, so this one is {free}"),
            });
        }
        Place { shown: format!("{shown_folder}{free}"), fixed, path: Some(free), ..place }
    }
}

/// The name itself, else with `_2`, `_3` … until `take` takes one.
fn free_name(name: &RelPath, mut take: impl FnMut(&RelPath) -> bool) -> RelPath {
    let mut candidate = name.clone();
    let mut number = 2;
    while !take(&candidate) {
        candidate = name.with_suffix(&format!("_{number}"));
        number += 1;
    }
    candidate
}
