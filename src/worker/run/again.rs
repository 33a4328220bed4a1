//! The same again: what a job would make, compared with what its record had made before.
//!
//! Owns: a status that is sent twice makes nothing twice. What equals an earlier delivery is taken out of the plan; a
//! job of which nothing is left is a duplicate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::{Run, Stop};
use crate::control;
use crate::deliver::{self, Superseded};
use crate::error::Fate;
use crate::model::checks::Verdict;
use crate::model::counted::counted;
use crate::model::delivery::{CommandFor, Delivery};
use crate::model::manifest::Manifest;
use crate::model::profile::Repeat;
use crate::plan::fingerprint::{self, Work, Works};
use crate::plan::frozen::Frozen;
use crate::plan::{Content, DeliveryStep, Finding, Plan, Skipped, Weight};
use crate::spool::index::{IndexedFile, moved_along};
use crate::spool::job::{Question, REPEAT};
use crate::spool::queue::Located;
use crate::worker::earlier::{self, Asked, Made, Open};
use crate::worker::receipt::Notice;

/// So many differences are named in the text of the question; all of them are its details.
const NAMED_IN_TEXT: usize = 3;

/// Its answers.
const CHANGED: &str = "changed";
const ALL: &str = "all";

/// The check of what is taken away, and how many names its question shows.
const REMOVES: &str = "removes";
const LOST_SHOWN: usize = 5;

/// What of a work was there before.
enum Before<'e> {
    Nothing,
    Same(&'e Made),
    Differs(&'e Made, &'e Work),
}

impl Run<'_> {
    /// Takes what was made before out of the plan. Names the job that this one repeats when nothing is left.
    pub(super) fn leave_out_what_was_made(
        &mut self,
        plan: &mut Plan,
        works: &mut Works,
        manifest: &Manifest,
        frozen: &Frozen,
    ) -> Result<Option<String>, Stop> {
        let Some(asked) = Asked::of(manifest, frozen) else { return Ok(None) };
        if works.deliveries.is_empty() {
            // Some picture is missing, so what would be made is not known; whether it was asked for before is.
            let compared = earlier::Compared {
                kind: self.job.kind,
                record: &self.job.record,
                asked: &asked,
                pictures: &works.sources,
                job: Some((&self.job.job, (self.job.accepted, self.job.sequence))),
            };
            return Ok(earlier::repeated(self.workshop, &compared)?.map(|job| job.to_string()));
        }
        let earlier = earlier::made(self.workshop, self.job.kind, &self.job.record, &self.job.job)?;
        let open = self.open_before(&asked, works)?;
        let asks = Asks { released: self.job.released, answer: self.job.answers.get(REPEAT).map(String::as_str) };
        let compared = compare(plan, works, frozen, earlier, open, asks);
        self.repeats = compared.questions;
        Ok(compared.duplicate_of)
    }

    /// Unfinished jobs of the record that came before. One from which nothing has left, and whose deliveries this job
    /// all makes, differently, is replaced: nobody needs to answer its questions any more.
    fn open_before(&self, asked: &Asked, works: &Works) -> Result<Vec<Made>, Stop> {
        let came = (self.job.accepted, self.job.sequence);
        let mut open = earlier::open_jobs(&self.workshop.spool, self.job.kind, &self.job.record)?;
        open.retain(|open| open.at.id != self.job.job && open.came() <= came);
        let (earlier, replaced) = open_before(open, asked, works);
        for open in &replaced {
            self.replace(&open.at)?;
        }
        Ok(earlier)
    }

    fn replace(&self, other: &Located) -> Result<(), Stop> {
        let why = replaced_text(self.job.job.as_str());
        let end = control::end_for(&self.workshop.spool, other, &why);
        end.map_err(|text| Stop::Failure { fate: Fate::Wait, code: "spool", text })
    }

    /// Removes what earlier jobs of the record put there and what is not made any more, or stands under another name
    /// now. What somebody edited stays.
    pub(super) fn remove_what_is_not_made_any_more(&mut self, plan: &Plan, frozen: &Frozen) -> Result<(), Stop> {
        let works = self.works();
        let home = self.workshop.config().folder.clone();
        let relative: BTreeSet<(&str, String)> = fingerprint::deliveries(frozen)
            .filter(|(_, delivery)| delivery.destination().is_some_and(|destination| destination.made))
            .map(|(owner, delivery)| (owner, fingerprint::target(delivery)))
            .collect();
        let mut standing: BTreeMap<PathBuf, IndexedFile> = BTreeMap::new();
        for line in earlier::lines(self.workshop, self.job.kind, &self.job.record)? {
            if line.job != self.job.job {
                for mut file in line.placed {
                    // What lies in the studio's folder goes with it.
                    if relative.contains(&(file.owner.as_str(), file.to.clone()))
                        && let Some(moved) = moved_along(&home, &file.path)
                    {
                        file.path = moved;
                    }
                    standing.insert(file.path.clone(), file);
                }
                for path in &line.removed {
                    standing.remove(path);
                }
            }
        }
        let placed = plan.deliveries.iter().flat_map(|step| deliver::placed(step, self.progress()));
        // Without case: on many file systems a name that differs by case alone is the same file.
        let now: BTreeSet<String> = placed.map(|file| file.path.to_string_lossy().to_lowercase()).collect();
        let is_now = |file: &IndexedFile| {
            let path = file.path.to_string_lossy().to_lowercase();
            // The only disc of yesterday may be the folder of a set today.
            now.contains(&path)
                || now.range(format!("{path}/")..).next().is_some_and(|p| p.starts_with(&format!("{path}/")))
        };
        for file in standing.into_values().filter(|file| !file.to.is_empty() && !is_now(file)) {
            let is_run = |work: &&Work| work.owner == file.owner && work.to == file.to;
            let Some(work) = works.deliveries.iter().find(is_run) else { continue };
            let remade = |step: &DeliveryStep| {
                is_of(step, work) && (file.output.is_empty() || step.members.iter().any(|m| m.output == file.output))
            };
            let is_made =
                work.outputs.contains_key(&file.output) || (file.output.is_empty() && !work.outputs.is_empty());
            if is_made && !plan.deliveries.iter().any(remade) {
                continue;
            }
            let same = |(owner, delivery): &(&str, &Delivery)| {
                *owner == work.owner && fingerprint::target(delivery) == work.to
            };
            let Some((_, delivery)) = fingerprint::deliveries(frozen).find(same) else { continue };
            // The lab has it, and prints it: taking the folder away would not take that back.
            if matches!(delivery, Delivery::Lab { .. }) {
                continue;
            }
            let Some(destination) = delivery.destination() else { continue };
            self.remove_superseded(&file, destination)?;
        }
        Ok(())
    }

    fn remove_superseded(
        &mut self,
        file: &IndexedFile,
        destination: &crate::model::delivery::Destination,
    ) -> Result<(), Stop> {
        let shown = file.path.display();
        self.reach(&destination.fixed)?;
        match deliver::remove_superseded(destination, &file.path, &file.sha256) {
            Ok(Superseded::Removed) => {
                let text = format!("{shown} is not made any more and was removed");
                self.warnings.push(Notice::new("removed", text));
            }
            Ok(Superseded::Gone) => {}
            Ok(Superseded::Elsewhere) => {
                let now = destination.fixed.display();
                let text = format!(
                    "{shown} is not made any more; it does not lie in {now}, where this goes now, and was kept"
                );
                self.warnings.push(Notice::new("kept", text));
                return Ok(());
            }
            Ok(Superseded::Kept) => {
                let text = format!("{shown} is not made any more; it was changed since it was delivered, and was kept");
                self.warnings.push(Notice::new("kept", text));
                return Ok(());
            }
            Err(e) if e.is_world() => {
                return Err(Stop::Unreachable { place: destination.fixed.clone(), text: e.to_string() });
            }
            Err(e) => {
                self.warnings.push(Notice::new("kept", format!("{shown} is not made any more; it was kept: {e}")));
                return Ok(());
            }
        }
        self.removed.push(file.path.clone());
        Ok(())
    }
}

/// Which of the unfinished jobs that came before count, and which are replaced.
pub fn open_before(open: Vec<Open>, asked: &Asked, works: &Works) -> (Vec<Made>, Vec<Open>) {
    let (mut earlier, mut replaced) = (Vec::new(), Vec::new());
    for open in open.into_iter().filter(|open| !open.record.cancels) {
        let Some(its) = &open.works else {
            if earlier::replaces_unplanned(asked, &open) {
                replaced.push(open);
            }
            continue;
        };
        let covered = its.deliveries.iter().all(|work| works.deliveries.iter().any(|w| w.is_run_of(work)));
        let differs = works.deliveries.iter().any(|work| !its.deliveries.contains(work));
        if open.nothing_left() && covered && differs {
            replaced.push(open);
        } else {
            earlier.push(Made { job: open.at.id.clone(), works: its.clone() });
        }
    }
    (earlier, replaced)
}

/// What a person has said of a job already.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asks<'a> {
    pub released: bool,
    pub answer: Option<&'a str>,
}

/// What the jobs before mean for one.
#[derive(Debug, Default)]
pub struct Compared {
    /// The job that it repeats, when nothing of its own is left.
    pub duplicate_of: Option<String>,
    /// What a person is asked before it goes on.
    pub questions: Vec<Question>,
    /// What is different from what was made before, a sentence for each delivery.
    pub changes: Vec<String>,
}

/// Takes what `earlier` and `open` jobs of the record make, or have made, out of a plan.
pub fn compare(
    plan: &mut Plan,
    works: &mut Works,
    frozen: &Frozen,
    mut earlier: Vec<Made>,
    open: Vec<Made>,
    asks: Asks<'_>,
) -> Compared {
    let covers = |other: &Made| works.deliveries.iter().all(|work| other.works.deliveries.contains(work));
    if let Some(open) = open.iter().find(|open| covers(open)) {
        return Compared { duplicate_of: Some(open.job.to_string()), ..Compared::default() };
    }
    earlier.extend(open);
    add_what_makes_nothing(works, frozen, &earlier);
    let before: Vec<Before<'_>> = works.deliveries.iter().map(|work| before(work, &earlier)).collect();
    let last =
        before.iter().rev().find_map(|b| if let Before::Same(made) = b { Some(made.job.to_string()) } else { None });
    if before.iter().all(|b| matches!(b, Before::Same(_))) {
        return Compared { duplicate_of: last, ..Compared::default() };
    }
    let (mut questions, mut changes) = (Vec::new(), Vec::new());
    for (work, before) in works.deliveries.iter().zip(&before) {
        match before {
            Before::Nothing => {}
            Before::Same(made) => {
                plan.deliveries.retain(|step| !is_of(step, work));
                plan.skipped.push(skipped(work, &format!("job {} has made the same, to {}", made.job, work.to)));
            }
            Before::Differs(made, earlier) => {
                changes.push(changed(work, made, &work.differs_from(earlier).join("; ")));
                let repeat = repeat_of(frozen, work);
                // Else it asks anyway, and says what is not made any more.
                if repeat != Repeat::Ask {
                    plan.findings.extend(removal(frozen, work, earlier, made));
                }
                if repeat == Repeat::Ask && !asks.released {
                    questions.push(question(work, made, earlier));
                }
                let all = repeat == Repeat::All || (repeat == Repeat::Ask && asks.answer == Some(ALL));
                if !all {
                    leave_out_equal(plan, work, earlier, made);
                }
            }
        }
    }
    keep_what_is_delivered(plan);
    Compared { duplicate_of: None, questions, changes }
}

/// For the receipt of a job that a later one makes needless.
pub(super) fn replaced_text(by: &str) -> String {
    format!("job {by} of the same record came later and replaces this one; nothing of it had been delivered")
}

fn before<'e>(work: &Work, earlier: &'e [Made]) -> Before<'e> {
    let last = earlier.iter().rev().find_map(|e| Some((e, e.works.deliveries.iter().find(|w| w.is_run_of(work))?)));
    match last {
        None => Before::Nothing,
        Some((made, before)) if before.outputs == work.outputs => Before::Same(made),
        Some((made, before)) => Before::Differs(made, before),
    }
}

/// A delivery that had pictures before and has none now is in no plan; that its files go is a difference too.
fn add_what_makes_nothing(works: &mut Works, frozen: &Frozen, earlier: &[Made]) {
    for (owner, delivery) in fingerprint::deliveries(frozen) {
        let empty = Work { owner: owner.to_string(), to: fingerprint::target(delivery), outputs: BTreeMap::new() };
        let had = matches!(before(&empty, earlier), Before::Differs(..));
        if had && !works.deliveries.iter().any(|work| work.is_run_of(&empty)) {
            works.deliveries.push(empty);
        }
    }
}

fn is_of(step: &DeliveryStep, work: &Work) -> bool {
    step.owner == work.owner && fingerprint::target(&step.delivery) == work.to
}

fn changed(work: &Work, made: &Made, changes: &str) -> String {
    format!(
        "`{}` ran for this record before (job {}), to: {}, and something is different now: {changes}",
        work.owner, made.job, work.to
    )
}

fn question(work: &Work, made: &Made, earlier: &Work) -> Question {
    let details = work.differs_from(earlier);
    let mut changes = details.iter().take(NAMED_IN_TEXT).cloned().collect::<Vec<_>>().join("; ");
    if details.len() > NAMED_IN_TEXT {
        changes += &format!("; and {} more", details.len() - NAMED_IN_TEXT);
    }
    let text = format!("{}. Make just that, make all of it again, or cancel it", changed(work, made, &changes));
    let details = if details.len() > NAMED_IN_TEXT { details } else { Vec::new() };
    Question { answers: vec![CHANGED.into(), ALL.into()], details, ..Question::new(REPEAT, text) }
}

/// A manifest may be right that leaves a picture out; one that leaves most of them out may know only the new ones.
fn removal(frozen: &Frozen, work: &Work, earlier: &Work, made: &Made) -> Option<Finding> {
    let profile = frozen.profiles.iter().find(|profile| profile.name == work.owner);
    let check = profile.map_or(&frozen.checks, |profile| &profile.checks).removes;
    let weight = match check.then {
        Verdict::Off => return None,
        Verdict::Warn => Weight::Warn,
        Verdict::Hold => Weight::Hold,
    };
    let is_it =
        |(owner, delivery): &(&str, &Delivery)| *owner == work.owner && fingerprint::target(delivery) == work.to;
    // What lies on paper, or at a lab, stays there.
    let goes = match fingerprint::deliveries(frozen).find(is_it)?.1 {
        Delivery::Folder { .. } | Delivery::Zip { .. } | Delivery::Disc { .. } => true,
        Delivery::Link { key, .. } => key.is_some(),
        _ => false,
    };
    // The same under another name is not lost.
    let now: BTreeSet<&String> = work.outputs.values().collect();
    let lost: Vec<&str> = work
        .lacks(earlier)
        .filter(|name| earlier.outputs.get(*name).is_none_or(|digest| !now.contains(digest)))
        .map(String::as_str)
        .collect();
    let before = earlier.outputs.len();
    if !goes || lost.len() as f64 <= check.bound.0 * before as f64 {
        return None;
    }
    let shown = lost.iter().take(LOST_SHOWN).copied().collect::<Vec<_>>().join(", ");
    let more = if lost.len() > LOST_SHOWN { " …" } else { "" };
    let text = format!(
        "`{}`, to: {}: of {} that job {} delivered, this one takes {} away: {shown}{more}. A release goes on and takes them \
         away; to keep them, cancel it and send a manifest that names them too",
        work.owner,
        work.to,
        counted(before, "picture"),
        made.job,
        lost.len()
    );
    let profile = profile.map(|profile| profile.name.clone());
    Some(Finding { weight, code: REMOVES.into(), profile, line: None, number: None, text })
}

fn skipped(work: &Work, reason: &str) -> Skipped {
    Skipped { line: None, image: None, profile: Some(work.owner.clone()), reason: reason.to_string() }
}

/// Where each picture is a file, or a print, of its own, those that are as they were stay out. A disc or a zip is made
/// whole.
fn leave_out_equal(plan: &mut Plan, work: &Work, earlier: &Work, made: &Made) {
    let is_equal = |output: &String| earlier.outputs.get(output).is_some_and(|d| work.outputs.get(output) == Some(d));
    let lost = work.lacks(earlier).next().is_some();
    let mut equal = 0;
    plan.deliveries.retain_mut(|step| {
        if !is_of(step, work) {
            return true;
        }
        let members = step.members.len();
        if matches!(
            step.delivery,
            Delivery::Folder { .. }
                | Delivery::Lab { .. }
                | Delivery::Print { .. }
                | Delivery::Command { r#for: CommandFor::File, .. }
        ) {
            step.members.retain(|member| !is_equal(&member.output));
        } else if !lost && step.members.iter().all(|member| is_equal(&member.output)) {
            step.members.clear();
        }
        equal += members - step.members.len();
        let kept = |content: Content| step.members.iter().any(|member| member.content == content);
        step.prints.retain(|print| kept(Content::Step(print.sheet.clone())));
        !step.members.is_empty()
    });
    if equal > 0 {
        let of = counted(equal, "picture");
        plan.skipped.push(skipped(work, &format!("{of} to {}: as job {} has made them", work.to, made.job)));
    }
}

/// What no delivery needs any more is not rendered.
fn keep_what_is_delivered(plan: &mut Plan) {
    let members = plan.deliveries.iter().flat_map(|d| &d.members);
    let needed: BTreeSet<_> = members
        .filter_map(|member| match &member.content {
            Content::Step(id) => Some(id.clone()),
            Content::File(_) => None,
        })
        .collect();
    let links = plan.deliveries.iter().filter_map(|d| d.link.as_ref());
    let shown: BTreeSet<_> =
        links.flat_map(|link| &link.previews).flat_map(|p| [p.thumb.clone(), p.screen.clone()]).collect();
    plan.renders.retain(|step| needed.contains(&step.id) || shown.contains(&step.id));
}

/// A profile says so itself; a delivery of a render job asks when it cannot be taken back, or when one of its profiles
/// does, and makes all when one of them does.
fn repeat_of(frozen: &Frozen, work: &Work) -> Repeat {
    let profile = |name: &str| frozen.profiles.iter().find(|p| p.name == name).map(|p| p.repeat);
    if let Some(own) = profile(&work.owner) {
        return own;
    }
    let of_rule: Vec<_> = frozen
        .deliveries
        .iter()
        .filter(|d| d.rule == work.owner && fingerprint::target(&d.delivery) == work.to)
        .collect();
    let repeats: Vec<Repeat> = of_rule.iter().flat_map(|d| &d.run).filter_map(|name| profile(name)).collect();
    if of_rule.iter().any(|d| d.delivery.asks_before_repeating()) || repeats.contains(&Repeat::Ask) {
        Repeat::Ask
    } else if repeats.contains(&Repeat::All) {
        Repeat::All
    } else {
        Repeat::Changed
    }
}
