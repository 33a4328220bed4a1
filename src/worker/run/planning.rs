//! From the manifest to a plan: read it, decide again what may be decided again, keep what is done.

use std::sync::PoisonError;

use super::{Outcome, Run, Stop, again, reject};
use crate::clock;
use crate::error::Fate;
use crate::matcher;
use crate::model::manifest::{self, Action, Manifest};
use crate::model::pricing;
use crate::plan::frozen::{Frozen, Verdict};
use crate::plan::make::make;
use crate::plan::selection::wants;
use crate::plan::{Plan, Work, fingerprint, matching};
use crate::render::Fonts;
use crate::spool::job::{self, Question, RecordError, file};
use crate::spool::journal::Progress;
use crate::worker::assets::JobAssets;
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
        let read = manifest::read(&bytes, &self.job.manifest);
        let rejected = |text: String| reject("invalid_manifest", text);
        let mut manifest = match (read, &frozen.verdict) {
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
        let mut frozen = frozen;
        let unmatched = matches!(frozen.verdict, Verdict::Unmatched { .. });
        if (again || (unmatched && self.job.released)) && self.progress().nothing_left() {
            frozen = self.match_again(&manifest)?;
        }
        match &frozen.verdict {
            Verdict::Run => {}
            Verdict::Unmatched { why } if !self.job.released => {
                let text = format!("{why}; mend the config and retry, or cancel");
                return self.hold(&[Question { code: "unmatched".into(), line: None, number: None, text }]).map(Err);
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

    /// The config of today decides.
    fn match_again(&mut self, manifest: &Manifest) -> Result<Frozen, Stop> {
        let config = self.workshop.config();
        let Some(hot_folder) = config.hot_folder(&self.job.hot_folder) else {
            return Ok(job::read(self.folder(), file::RULES)?);
        };
        let frozen = matcher::with_digests(matching::freeze(manifest, hot_folder, &config));
        matcher::keep_assets(&frozen, &self.workshop.spool.assets())?;
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

    /// The frozen plan; made when there is none, and made again around the finished steps for a job that is tried again.
    pub(super) fn planned(&mut self, manifest: &Manifest, frozen: &Frozen, retried: bool) -> Result<Plan, Stop> {
        let old: Option<Plan> = match job::read(self.folder(), file::PLAN) {
            Ok(plan) => Some(plan),
            Err(e) if e.is_not_found() => None,
            Err(e) => return Err(e.into()),
        };
        let nothing_made = self.progress().rendered.is_empty() && self.progress().nothing_left();
        let look_again = retried || (self.job.released && nothing_made);
        if let (Some(plan), false) = (&old, look_again) {
            return Ok(plan.clone());
        }
        let inputs = self.folder().join(file::INPUTS);
        let config = self.workshop.config();
        let pictures =
            if frozen.pictures_beside { Pictures::Beside(&inputs) } else { Pictures::Library(config.library.as_ref()) };
        let wants = wants(manifest, &frozen.profiles, frozen.pictures_beside);
        let facts = facts::gather(manifest, wants, pictures).map_err(|e| Stop::Failure {
            fate: Fate::Wait,
            code: "library",
            text: e.0,
        })?;
        let zone = clock::time_zone(frozen.studio.time_zone.as_deref());
        let date = self.job.accepted.to_zoned(zone).date();
        let assets = JobAssets::kept(self.workshop.spool.assets());
        let fonts = Fonts::new(&assets);
        let mut plan = make(manifest, frozen, &facts, &fonts, self.job.job.as_str(), date);
        if manifest.action == Action::Reprint {
            plan.mark_reprint(self.reprint_number()?);
        }
        if let Some(old) = old {
            keep_finished(&mut plan, &old, self.progress());
        }
        if self.progress().nothing_left() && manifest.action == Action::New {
            // Without the day and the job: these make no difference to what is ordered.
            let bare = make(manifest, frozen, &facts, &fonts, fingerprint::ANY_JOB, fingerprint::ANY_DAY);
            let identities = bare.sources.iter().map(|source| again::identity(source, self.folder()));
            // An original that goes away just now is found missing when it is read.
            let works = identities.collect::<Result<Vec<_>, _>>().ok().and_then(|ids| fingerprint::works(&bare, &ids));
            let works = works.unwrap_or_default();
            job::write(self.folder(), file::WORKS, &works)?;
            self.duplicate_of = self.leave_out_what_was_made(&mut plan, &works, frozen)?;
            if self.duplicate_of.is_some() {
                return Ok(plan);
            }
        }
        job::write(self.folder(), file::PLAN, &plan)?;
        if retried {
            self.job.look_again = false;
            job::write(self.folder(), file::JOB, &self.job)?;
        }
        Ok(plan)
    }
}

/// Steps that are done stay what they were, whatever the second look at the world found.
fn keep_finished(plan: &mut Plan, old: &Plan, progress: &Progress) {
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
            // Its file may be one that a finished step made from the same spec; then it is made again, equal.
            let _ = file;
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
}
