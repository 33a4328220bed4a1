//! From the manifest to a plan: read it, decide again what may be decided again, keep what is done.

use super::{Outcome, Run, Stop, reject};
use crate::clock;
use crate::error::Fate;
use crate::matcher;
use crate::model::manifest::{self, Manifest};
use crate::model::pricing;
use crate::plan::frozen::{Frozen, Verdict};
use crate::plan::make::make;
use crate::plan::selection::wants;
use crate::plan::{Plan, Work, matching};
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
                return Err(reject("not_built_yet", "`action: cancel` is not built yet; use `hotfolders jobs cancel`"));
            }
        }
        pricing::apply_items(&mut manifest, &frozen.items).map_err(rejected)?;
        Ok(Ok((manifest, frozen)))
    }

    /// The config of today decides.
    fn match_again(&mut self, manifest: &Manifest) -> Result<Frozen, Stop> {
        let Some(hot_folder) = self.workshop.config.hot_folder(&self.job.hot_folder) else {
            return Ok(job::read(self.folder(), file::RULES)?);
        };
        let frozen = matcher::with_digests(matching::freeze(manifest, hot_folder, &self.workshop.config));
        matcher::keep_assets(&frozen, &self.workshop.spool.assets())?;
        job::write(self.folder(), file::RULES, &frozen)?;
        Ok(frozen)
    }

    /// The frozen plan; made when there is none, and made again around the finished steps for a job that is tried again.
    pub(super) fn planned(&mut self, manifest: &Manifest, frozen: &Frozen, again: bool) -> Result<Plan, Stop> {
        let old: Option<Plan> = match job::read(self.folder(), file::PLAN) {
            Ok(plan) => Some(plan),
            Err(e) if e.is_not_found() => None,
            Err(e) => return Err(e.into()),
        };
        let nothing_made = self.progress().rendered.is_empty() && self.progress().nothing_left();
        let look_again = again || (self.job.released && nothing_made);
        if let (Some(plan), false) = (&old, look_again) {
            return Ok(plan.clone());
        }
        let inputs = self.folder().join(file::INPUTS);
        let pictures = if frozen.pictures_beside {
            Pictures::Beside(&inputs)
        } else {
            Pictures::Library(self.workshop.config.library.as_ref())
        };
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
        if let Some(old) = old {
            keep_finished(&mut plan, &old, self.progress());
        }
        job::write(self.folder(), file::PLAN, &plan)?;
        if again {
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
