//! From the manifest to a plan: read it, decide again what may be decided again, keep what is done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use super::{Outcome, Run, Stop, reject};
use crate::clock;
use crate::matcher;
use crate::model::manifest::{self, Action, Manifest};
use crate::model::pricing;
use crate::plan::fingerprint::{self, Works};
use crate::plan::form::{Form, Occasion};
use crate::plan::frozen::{Frozen, RuleVerdict, Verdict};
use crate::plan::make::make;
use crate::plan::printing::Printing;
use crate::plan::selection::wants;
use crate::plan::{Content, Plan, StepId, Work, matching};
use crate::render::Fonts;
use crate::spool::job::{self, Question, RecordError, file};
use crate::spool::journal::{Entry, PrintRun, Progress};
use crate::worker::assets::JobAssets;
use crate::worker::earlier::{self, Asked};
use crate::worker::facts::{self, Pictures};
use crate::worker::receipt::Notice;

impl Run<'_> {
    /// Reads the manifest and decides again what a retried job may decide again; or finishes what makes nothing.
    pub(super) fn read_manifest(
        &mut self,
        frozen: Frozen,
        again: bool,
    ) -> Result<Result<(Manifest, Frozen), Outcome>, Stop> {
        let path = self.folder().join(&self.job.manifest_file);
        let bytes = std::fs::read(&path).map_err(|source| RecordError::Read { path, source })?;
        let read = manifest::read_job(&bytes, &self.job.manifest, self.job.kind);
        let rejected = |text: String| reject("invalid_manifest", text);
        let mut manifest: Manifest = match (read, &frozen.verdict) {
            (Ok(read), _) => {
                self.warnings
                    .extend(read.warnings.iter().map(|p| Notice::new("manifest", format!("{}: {}", p.path, p.text))));
                read.manifest
            }
            (Err(_), Verdict::Reject { code, why }) if !again => return self.refuse(code, why.clone()).map(Err),
            (Err(manifest::ManifestError::CutOff(text) | manifest::ManifestError::Invalid(text)), _) => {
                return Err(rejected(text));
            }
        };
        if let Some(reprint) = &self.job.reprint_of {
            manifest.reprint(&reprint.lines, reprint.copies);
        }
        let mut frozen = frozen;
        let unmatched = matches!(frozen.verdict, Verdict::Unmatched { .. });
        let is_dropped = unmatched && self.job.is_dropped();
        let as_then = self.job.reprint_of.as_ref().is_some_and(|reprint| reprint.as_then);
        if (again || unmatched) && !is_dropped && self.progress().nothing_left() && !as_then {
            frozen = self.match_again(&manifest)?;
        }
        match &frozen.verdict {
            Verdict::Run => {}
            Verdict::Unmatched { why } if !is_dropped => {
                let why_not = |rule: &RuleVerdict| format!("`{}`: {}", rule.rule, rule.why_not.join(", "));
                let details = frozen.rules.iter().map(why_not).collect();
                return self.hold(&[Question { details, ..Question::unmatched(why) }]).map(Err);
            }
            Verdict::Ignored { why } | Verdict::Unmatched { why } => {
                self.warnings.push(Notice::new("ignored", why.clone()));
                self.frozen = Some(frozen);
                return self.finish("ignored", &[]).map(Err);
            }
            Verdict::Skipped { why } => {
                self.warnings.push(Notice::new("skipped", why.clone()));
                self.frozen = Some(frozen);
                return self.finish("skipped", &[]).map(Err);
            }
            Verdict::Reject { code, why } => {
                let (code, why) = (code.clone(), why.clone());
                self.frozen = Some(frozen);
                return self.refuse(&code, why).map(Err);
            }
            Verdict::Cancel => {
                self.frozen = Some(frozen);
                return self.withdraw().map(Err);
            }
        }
        pricing::apply_items(&mut manifest, &frozen.items).map_err(rejected)?;
        manifest.keep_only_what_is_reprinted();
        Ok(Ok((manifest, frozen)))
    }

    /// The config of today decides. Whoever lets a job go on, or tries it again, is asked where nothing takes it: it never
    /// ends as ignored for that.
    fn match_again(&mut self, manifest: &Manifest) -> Result<Frozen, Stop> {
        let config = self.workshop.config();
        let Some(hot_folder) = config.hot_folder(&self.job.hot_folder) else {
            return Ok(job::read(self.folder(), file::RULES)?);
        };
        let mut frozen = matcher::with_digests(matching::freeze(manifest, hot_folder, &config));
        if let Verdict::Ignored { why } = frozen.verdict {
            frozen.verdict = Verdict::Unmatched { why };
        }
        matcher::keep_assets(&frozen.assets, &self.workshop.spool.assets())?;
        job::write(self.folder(), file::RULES, &frozen)?;
        Ok(frozen)
    }

    /// The first reprint of a record is 1; a job keeps its number.
    fn reprint_number(&mut self) -> Result<u32, Stop> {
        if self.job.reprint == 0 {
            let mut index = self.workshop.index.lock().unwrap_or_else(PoisonError::into_inner);
            let earlier = index.of_record(self.job.kind, &self.job.record)?;
            drop(index);
            self.job.reprint = 1 + earlier.iter().map(|line| line.reprint).max().unwrap_or(0);
            job::write(self.folder(), file::JOB, &self.job)?;
        }
        Ok(self.job.reprint)
    }

    /// What the job makes, to be compared with what others of its record made. Of pictures that are finished by now it
    /// counts which original they were made from, whatever lies there today.
    fn works_of(&self, bare: &Plan, request: String, old: Option<&Plan>) -> Works {
        let was = self.works().sources;
        let finished = self.progress().rendered.values().flat_map(|rendered| &rendered.sources);
        let used: BTreeSet<&str> =
            finished.filter_map(|digest| Some(old?.sources.get(digest.source)?.shown.as_str())).collect();
        let mut identities = Vec::new();
        let mut sources = BTreeMap::new();
        for source in &bare.sources {
            let then = was.get(&source.shown).filter(|_| used.contains(source.shown.as_str())).cloned();
            // An original that goes away just now is found missing when it is read.
            let now = || earlier::identity(source, self.folder()).ok();
            let Some(identity) = then.or_else(now) else { continue };
            sources.insert(source.shown.clone(), identity.clone());
            identities.push(identity);
        }
        let all_there = identities.len() == bare.sources.len();
        let deliveries = all_there.then(|| fingerprint::works(bare, &identities)).flatten().unwrap_or_default();
        Works { request, sources, deliveries }
    }

    /// The frozen plan; made when there is none, and made again around the finished steps for a job that is tried again.
    pub(super) fn planned(&mut self, manifest: &Manifest, frozen: &Frozen, retried: bool) -> Result<Plan, Stop> {
        let old: Option<Plan> = match job::read(self.folder(), file::PLAN) {
            Ok(plan) => Some(plan),
            Err(e) if e.is_not_found() => None,
            Err(e) => return Err(e.into()),
        };
        let old = old.map(|mut plan: Plan| {
            plan.follow(&self.workshop.config().folder);
            plan
        });
        let nothing_made = self.progress().rendered.is_empty() && self.progress().nothing_left();
        let look_again = retried || (self.job.released && nothing_made);
        let config = self.workshop.config();
        let printing = matcher::printing(&config);
        if let Some(plan) = &old {
            let steps = outdated(plan, self.progress(), &printing);
            if steps.is_empty() && !look_again {
                return Ok(plan.clone());
            }
            // First: a plan with other sheets, whose pictures count as made, would print the old ones.
            if !steps.is_empty() {
                self.append(vec![Entry::Reopened { steps }])?;
            }
        }
        let inputs = self.folder().join(file::INPUTS);
        let pictures =
            if frozen.pictures_beside { Pictures::Beside(&inputs) } else { Pictures::Library(config.library.as_ref()) };
        let wants = wants(manifest, &frozen.profiles, frozen.pictures_beside);
        let mut facts = facts::gather(manifest, wants, pictures, &self.workshop.places).map_err(|e| {
            // One disk is all that most libraries lie on.
            let root = config.library.as_ref().and_then(|library| library.roots.first()).cloned();
            Stop::Unreachable { place: root.unwrap_or_default(), text: e.0 }
        })?;
        facts::explain(&mut facts, manifest, &self.job.left);
        let zone = clock::time_zone(frozen.studio.time_zone.as_deref());
        let date = self.job.accepted.to_zoned(zone).date();
        let assets = JobAssets::kept(self.workshop.spool.assets());
        let fonts = Fonts::new(&assets);
        matcher::keep_assets(&printing.assets, &self.workshop.spool.assets())?;
        // What was begun by an older version is finished by its rules.
        let form = old.as_ref().map_or(Form::CURRENT, |old| old.plan);
        let occasion = Occasion { job: self.job.job.as_str(), date, form };
        let mut plan = make(manifest, frozen, &printing, &facts, &fonts, occasion);
        if manifest.action == Action::Reprint {
            plan.mark_reprint(self.reprint_number()?);
        }
        if let Some(asked) = Asked::of(manifest, frozen) {
            let bare = make(manifest, frozen, &printing, &facts, &fonts, Occasion::COMPARED);
            fingerprint::name_outputs(&mut plan, &bare);
            let mut works = self.works_of(&bare, asked.request, old.as_ref());
            // Once something of it has left it is finished, whatever other jobs have made meanwhile.
            if self.progress().nothing_left() {
                self.duplicate_of = self.leave_out_what_was_made(&mut plan, &mut works, manifest, frozen)?;
            }
            job::write(self.folder(), file::WORKS, &works)?;
            if self.duplicate_of.is_some() {
                return Ok(plan);
            }
        }
        if let Some(old) = old {
            keep_finished(&mut plan, &old, self.progress());
        }
        job::write(self.folder(), file::PLAN, &plan)?;
        if retried {
            self.job.look_again = false;
            job::write(self.folder(), file::JOB, &self.job)?;
        }
        Ok(plan)
    }
}

/// The pictures of sheets that have not been sent, and that their printers want otherwise than they were made.
pub(super) fn outdated(plan: &Plan, progress: &Progress, printing: &Printing) -> Vec<StepId> {
    let prints = plan.deliveries.iter().flat_map(|delivery| &delivery.prints);
    let waits = prints.filter(|print| progress.prints.get(&print.id).is_none_or(PrintRun::is_unsent));
    let changed = waits.filter(|print| printing.demand(&print.ask).is_ok_and(|demand| demand != print.demand));
    changed.map(|print| print.sheet.clone()).collect()
}

/// Steps that are done stay what they were, whatever the second look at the world found. What had been left out, because
/// an earlier job had made it, stays out.
fn keep_finished(plan: &mut Plan, old: &Plan, progress: &Progress) {
    if !progress.nothing_left() {
        let was_there = |id: &crate::plan::StepId| old.render(id).is_some();
        plan.renders.retain(|step| was_there(&step.id) || step.preview_of.as_ref().is_some_and(was_there));
        plan.deliveries.retain_mut(|step| {
            let Some(before) = old.deliveries.iter().find(|o| o.id == step.id) else { return false };
            step.members.retain(|member| before.members.iter().any(|o| o.content == member.content));
            step.prints.retain(|print| before.members.iter().any(|o| o.content == Content::Step(print.sheet.clone())));
            true
        });
    }
    let finished: Vec<_> = old.renders.iter().filter(|s| progress.rendered.contains_key(&s.id)).collect();
    // The old sources keep their numbers, which finished steps and journal count in; new ones follow.
    let mut sources = old.sources.clone();
    let renumbered: Vec<usize> = plan
        .sources
        .iter()
        .map(|source| {
            let known = sources.iter().position(|s| s.place == source.place);
            known.unwrap_or_else(|| {
                sources.push(source.clone());
                sources.len() - 1
            })
        })
        .collect();
    for step in &mut plan.renders {
        if let Some(done) = finished.iter().find(|s| s.id == step.id) {
            *step = (*done).clone();
        } else if let Work::Render { spec, file, .. } = &mut step.work {
            for cell in &mut spec.cells {
                cell.source = renumbered[cell.source];
            }
            // Its file may be one that a finished step made from the same spec; then it is made again, equal. Not so
            // where its printer asks for another sheet by now: the old one may be on its way somewhere else.
            if progress.generation > 0 {
                *file = file.with_suffix(&format!("-{}", progress.generation + 1));
            }
        }
    }
    for step in &mut plan.deliveries {
        if let Some(done) = old.deliveries.iter().find(|s| s.id == step.id && progress.placed.contains_key(&s.id)) {
            // Names at the destination stay; members that could not be named before get theirs now.
            step.place.clone_from(&done.place);
            for (member, before) in step.members.iter_mut().zip(&done.members) {
                if member.content == before.content {
                    member.path.clone_from(&before.path);
                }
            }
        }
    }
    plan.sources = sources;
    plan.date_members();
}
