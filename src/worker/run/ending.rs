//! Where a job comes to rest: held, done, failed or cancelled.
//!
//! Owns: the receipt is durable, and the index knows the job, before the job moves.

use std::sync::PoisonError;

use super::making::unreachable;
use super::{Outcome, Run, Stop};
use crate::clock;
use crate::deliver;
use crate::plan::StepId;
use crate::plan::fingerprint::Works;
use crate::print::Care;
use crate::spool::durable;
use crate::spool::job::{self, Question, RecordError, file};
use crate::spool::journal::Progress;
use crate::spool::queue::State;
use crate::worker::history::{self, End};
use crate::worker::receipt::{self, Account, Notice};

fn may_lie_there(progress: &Progress, step: &StepId) -> bool {
    progress.reached.contains(step) || progress.placed.contains_key(step)
}

impl Run<'_> {
    /// Ends the job where it is; what has been made is reported.
    pub(super) fn cancel(&mut self) -> Result<Outcome, Stop> {
        if self.frozen.is_none() {
            self.frozen = job::read(self.folder(), file::RULES).ok();
        }
        if self.plan.is_none() {
            self.plan = job::read(self.folder(), file::PLAN).ok();
        }
        let why = std::fs::read_to_string(self.folder().join(file::CANCEL)).unwrap_or_default();
        if !why.trim().is_empty() {
            self.warnings.push(Notice::new("replaced", why.trim()));
        }
        if let Some(plan) = self.plan.clone() {
            self.drain_prints(&plan)?;
            self.tell_prints(&plan);
        }
        self.finish("cancelled", &[])
    }

    /// What has been sent to a printer is seen to its end first. A print in doubt is asked about all the same: it keeps
    /// later jobs of the record waiting.
    pub(super) fn hold_by_hand(&mut self) -> Result<Outcome, Stop> {
        // After a restart nothing has looked at it yet.
        if self.plan.is_none() {
            self.plan = job::read(self.folder(), file::PLAN).ok();
        }
        loop {
            let mut questions = vec![Question::by_hand()];
            if let Some(plan) = self.plan.clone() {
                questions.extend(self.wait_for_prints(&plan, Care::Hold)?);
            }
            if let Some(outcome) = self.hold_unless_answered(&questions)? {
                return Ok(outcome);
            }
        }
    }

    pub(super) fn hold(&mut self, questions: &[Question]) -> Result<Outcome, Stop> {
        let _changes = job::moving();
        self.rest_with(questions)
    }

    /// Prints can be answered until the job rests. `None` where one has been by now: it does not rest.
    pub(super) fn hold_unless_answered(&mut self, questions: &[Question]) -> Result<Option<Outcome>, Stop> {
        let _changes = job::moving();
        if self.is_answered(questions)? { Ok(None) } else { self.rest_with(questions).map(Some) }
    }

    /// While nobody changes the job.
    fn rest_with(&mut self, questions: &[Question]) -> Result<Outcome, Stop> {
        // It came while the job was on its way here.
        if self.folder().join(file::CANCEL).exists() {
            return Err(Stop::Cancelled);
        }
        job::write(self.folder(), file::QUESTIONS, &questions)?;
        self.at = self.workshop.spool.move_to(&self.at, State::Held, Self::day(&self.job))?;
        // Not before: cut off in between, it would go on.
        self.remove_marks(&[file::HOLD])?;
        Ok(Outcome::Held { questions: questions.len() })
    }

    /// Receipt, index, then the move: whatever is cut off is done again after the next start, and changes nothing.
    pub(super) fn finish(&mut self, result: &str, errors: &[Notice]) -> Result<Outcome, Stop> {
        let state = if result == "failed" { State::Failed } else { State::Done };
        let finished = clock::now();
        // The small pictures of a link are warned of with the pictures that they show.
        let is_preview = |id: &StepId| {
            let step = self.plan.as_ref().and_then(|plan| plan.render(id));
            step.is_some_and(|step| step.preview_of.is_some())
        };
        let rendered = self.journal.progress().rendered.iter().filter(|(id, _)| !is_preview(id));
        let of_pictures = rendered.flat_map(|(_, rendered)| {
            rendered.warnings.iter().map(|w| Notice::new("picture", format!("{}: {w}", rendered.file)))
        });
        self.warnings.extend(of_pictures);
        let mut receipt = receipt::receipt(Account {
            job: &self.job,
            frozen: self.frozen.as_ref(),
            plan: self.plan.as_ref(),
            progress: self.journal.progress(),
            result,
            finished,
            warnings: std::mem::take(&mut self.warnings),
            errors: errors.to_vec(),
        });
        receipt.duplicate_of.clone_from(&self.duplicate_of);
        if state == State::Failed {
            let lacks = self.lacks(errors);
            let mend = self.mend(&lacks);
            let (text, reason) = receipt::reason(errors, self.job.retries + 1, (lacks, mend));
            durable::replace_private(&self.folder().join(file::REASON_TEXT), text.as_bytes())?;
            job::write(self.folder(), file::REASON, &reason)?;
        }
        job::write(self.folder(), file::RECEIPT, &receipt)?;
        if let (Some(folder), Some(copy)) = (&self.job.receipts, receipt::copy_path(&self.job)) {
            self.reach(folder)?;
            let path = self.folder().join(file::RECEIPT);
            let text = std::fs::read(&path).map_err(|source| RecordError::Read { path, source })?;
            durable::replace(&copy, &text)
                .map_err(|e| Stop::Unreachable { place: folder.clone(), text: e.to_string() })?;
        }
        let plan = self.plan.take();
        if let Some(plan) = &plan {
            for step in &plan.deliveries {
                match deliver::clean(self.job.job.as_str(), step, &mut self.journal, &clock::now) {
                    // Nothing of the job can lie there, so nobody waits for it.
                    Err(e) if e.is_world() && !may_lie_there(self.journal.progress(), &step.id) => {}
                    cleaned => cleaned.map_err(|e| unreachable(step, &e))?,
                }
                self.clean_link(step)?;
            }
        }
        let is_duplicate = self.duplicate_of.is_some();
        let end = End { result, finished, is_duplicate, removed: &self.removed };
        let line = history::line(&self.job, self.folder(), plan.as_ref(), self.journal.progress(), end);
        self.workshop.index.lock().unwrap_or_else(PoisonError::into_inner).append(&line)?;
        if state == State::Done && result != "cancelled" {
            // Delivered pictures stand at their destinations; here their digests are enough. A cancelled job may be tried
            // again, and needs those that it has not delivered.
            durable::remove_tree(&self.folder().join(file::OUTPUTS))?;
        }
        self.remove_marks(&[file::QUESTIONS])?;
        let zone = clock::time_zone(self.workshop.config().studio.time_zone.as_deref());
        self.move_to(state, finished.to_zoned(zone).date())?;
        // Not before: cut off in between, a cancelled job would be made after all. A hold came too late.
        self.remove_marks(&[file::CANCEL, file::HOLD])?;
        Ok(Outcome::Finished { state, result: result.to_string() })
    }

    pub(super) fn remove_marks(&self, marks: &[&str]) -> Result<(), Stop> {
        let paths = marks.iter().map(|mark| self.folder().join(mark)).filter(|path| path.exists());
        for path in paths {
            durable::remove_file(&path)?;
        }
        Ok(())
    }

    /// None where it never came to a plan.
    pub(super) fn works(&self) -> Works {
        job::read(self.folder(), file::WORKS).unwrap_or_default()
    }

    pub(super) fn refuse(&mut self, code: &str, why: String) -> Result<Outcome, Stop> {
        self.finish("failed", &[Notice::new(code, why)])
    }
}
