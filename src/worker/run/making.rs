//! From a plan to pictures and deliveries.
//!
//! Owns: nothing that cannot be taken back leaves before every picture of the job has rendered.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use super::printing::is_print;
use super::{Outcome, Report, Run, Stop};
use crate::clock;
use crate::deliver;
use crate::model::delivery::Delivery;
use crate::model::manifest::Kind;
use crate::plan::addressee::mail_step;
use crate::plan::{DeliveryStep, Plan, Work};
use crate::render::{Assets, VerifyDepth};
use crate::spool::durable;
use crate::spool::index::IndexedFile;
use crate::spool::job::{LOOK, Question, RecordError, file};
use crate::spool::journal::{Entry, Progress, RenderedFile};
use crate::worker::assets::JobAssets;
use crate::worker::facts;
use crate::worker::history;
use crate::worker::passes::{self, Around, PassDone, SourceProblem};
use crate::worker::receipt::Notice;
use crate::worker::small;

impl Run<'_> {
    fn tell(&self, plan: &Plan) {
        (self.report)(self.counts(plan));
    }

    pub(super) fn counts(&self, plan: &Plan) -> Report {
        Report {
            rendered: plan.pictures().filter(|step| self.progress().rendered.contains_key(&step.id)).count(),
            to_render: plan.pictures().count(),
            delivered: self.progress().delivered.len(),
            to_deliver: plan.deliveries.len(),
            printed: self.progress().prints.values().filter(|run| run.ended.is_some()).count(),
            to_print: plan.deliveries.iter().map(|step| step.prints.len()).sum(),
            ..Report::default()
        }
    }

    /// Makes every open picture; a folder that publishes file by file gets each as soon as it is made.
    pub(super) fn render(&mut self, plan: &Plan) -> Result<(), Stop> {
        self.tell(plan);
        let blocked: Vec<Entry> = plan
            .renders
            .iter()
            .filter(|step| {
                !self.progress().failed.contains_key(&step.id) && !self.progress().rendered.contains_key(&step.id)
            })
            .filter_map(|step| match &step.work {
                Work::Blocked { code, reason } => {
                    Some(Entry::Failed { step: step.id.clone(), code: code.clone(), text: reason.clone() })
                }
                Work::Render { .. } => None,
            })
            .collect();
        if !blocked.is_empty() {
            self.append(blocked)?;
        }
        let open =
            |progress: &Progress, id: &_| !progress.rendered.contains_key(id) && !progress.failed.contains_key(id);
        let mut todo = passes::passes(plan, |id| open(self.progress(), id));
        if todo.is_empty() {
            return Ok(());
        }
        small::add(plan, &mut todo);
        self.check_signals()?;
        durable::make_folder(&self.folder().join(file::OUTPUTS))?;
        let folder = self.folder().to_path_buf();
        let known: Vec<Option<String>> = (0..plan.sources.len()).map(|i| self.known_digest(i)).collect();
        let assets: Arc<dyn Assets + Send + Sync> = Arc::new(JobAssets::kept(self.workshop.spool.assets()));
        let workshop = self.workshop;
        let signals = self.signals;
        let (report, told) = (self.report, RefCell::new(self.counts(plan)));
        let starved = |waits: bool| {
            let waits = waits.then(|| "waits for memory: other jobs take all that there is".to_string());
            report(Report { waits, ..told.borrow().clone() });
        };
        let around = Around {
            locate: &|index| facts::source_path(&plan.sources[index].place, &folder),
            known_digest: &|index| known[index].clone(),
            assets,
            verify: VerifyDepth::Full,
            stop: &signals.stop,
            starved: &starved,
        };
        workshop.renderer.run(plan, todo, &around, |done| {
            let taken = self.take_pass(plan, done);
            told.replace(self.counts(plan));
            taken
        })?;
        self.check_signals()
    }

    fn known_digest(&self, source: usize) -> Option<String> {
        let digests = self.progress().rendered.values().flat_map(|r| &r.sources);
        digests.filter(|d| d.source == source).map(|d| d.sha256.clone()).next()
    }

    /// A picture is not missing where the library has gone with it: then the world has failed, not the job.
    fn reach_library(&self, plan: &Plan, pass: &passes::Pass) -> Result<(), Stop> {
        let config = self.workshop.config();
        let roots = config.library.iter().flat_map(|library| &library.roots);
        for place in pass.sources.iter().map(|index| plan.sources[*index].place.path(self.folder())) {
            for root in roots.clone().filter(|root| place.starts_with(root)) {
                self.reach(root)?;
                if let Err(e) = std::fs::read_dir(root) {
                    let text = format!("the library cannot be read: {}: {e}", root.display());
                    return Err(Stop::Unreachable { place: root.clone(), text });
                }
            }
        }
        Ok(())
    }

    fn take_pass(&mut self, plan: &Plan, done: PassDone) -> Result<(), Stop> {
        let failed = |output: &passes::PassOutput, code: &str, text: &str| -> Vec<Entry> {
            let entry =
                |step: &crate::plan::StepId| Entry::Failed { step: step.clone(), code: code.into(), text: text.into() };
            output.steps.iter().map(entry).collect()
        };
        let result = match done.result {
            Ok(result) => result,
            Err(SourceProblem::World(text)) => {
                let first = done.pass.sources.first().map(|index| &plan.sources[*index].place);
                let place = first.map(|place| place.path(self.folder())).unwrap_or_default();
                return Err(Stop::Unreachable { place, text });
            }
            Err(SourceProblem::Picture { code, text }) => {
                self.reach_library(plan, &done.pass)?;
                let entries = done.pass.outputs.iter().flat_map(|o| failed(o, code, &text)).collect();
                return self.append(entries);
            }
        };
        let outputs = self.folder().join(file::OUTPUTS);
        let mut entries = Vec::new();
        for (output, made) in done.pass.outputs.iter().zip(result.outputs) {
            let made = match made {
                Ok(made) => made,
                Err((code, text)) => {
                    let shown = done.pass.sources.first().map_or("", |i| plan.sources[*i].shown.as_str());
                    entries.extend(failed(output, &code, &format!("{shown}: {text}")));
                    continue;
                }
            };
            let path = output.file.below(&outputs);
            durable::stage_output(&path, &made.bytes)?;
            // What counts is what stands on the disk, not what was meant to be written. These bytes were decoded in the
            // pool; that the disk holds the same is all that is left to see.
            let written = std::fs::read(&path).map_err(|source| RecordError::Read { path: path.clone(), source })?;
            if written != made.bytes {
                let text = "the disk gives the finished file back with other bytes than were written";
                entries.extend(failed(output, "unreadable", text));
                continue;
            }
            let rendered = RenderedFile {
                file: output.file.clone(),
                bytes: written.len() as u64,
                sha256: crate::model::digest::sha256(&written),
                pixels: made.pixels,
                dpi: output.spec.dpi,
                sources: result.digests.clone(),
                warnings: made.warnings.iter().map(ToString::to_string).collect(),
            };
            entries.extend(
                output.steps.iter().map(|step| Entry::Rendered { step: step.clone(), output: rendered.clone() }),
            );
        }
        durable::sync_folder(&outputs)?;
        if let Err(e) = small::keep(self.folder(), &result.small) {
            tracing::debug!(job = %self.at.id, "no small pictures are kept: {e}");
        }
        self.append(entries)?;
        if !plan.deliveries.iter().any(|d| d.hold) || self.job.looked_at {
            for step in plan.deliveries.iter().filter(|d| !d.delivery.cannot_be_taken_back()) {
                self.deliver_one(step)?;
            }
        }
        self.tell(plan);
        Ok(())
    }

    /// Brings one delivery as far as it can be now. A failure of its own is journaled; the world's stops the run.
    fn deliver_one(&mut self, step: &DeliveryStep) -> Result<(), Stop> {
        if self.progress().delivered.contains(&step.id) || self.progress().failed.contains_key(&step.id) {
            return Ok(());
        }
        let failed = |code: &str, text: String| Entry::Failed { step: step.id.clone(), code: code.into(), text };
        if let Some(why) = &step.blocked {
            let text = format!("`{}` to: {}: {why}", step.owner, step.delivery.word());
            let code = match &step.delivery {
                Delivery::Command { .. } => "unsafe_argument",
                Delivery::Lab { .. } => "lab",
                _ => "empty_token",
            };
            return self.append(vec![failed(code, text)]);
        }
        if let (Some(planned), false) = (&step.link, step.members.is_empty()) {
            return match self.link(step, planned)? {
                Ok(()) => Ok(()),
                Err(e) => self.append(vec![failed("delivery", e.to_string())]),
            };
        }
        self.settle_doubts(step)?;
        let config = self.workshop.config();
        let index = &self.workshop.index;
        let (kind, record) = (self.job.kind, self.job.record.clone());
        let outputs = self.folder().join(file::OUTPUTS);
        // The next card has the same names: only what was made from the same pictures is theirs to replace.
        let is_reprint = self.job.reprint > 0;
        let brought = (kind == Some(Kind::Pictures)).then(|| history::brought(step, self.progress()));
        let zone = clock::time_zone(config.studio.time_zone.as_deref());
        let is_relative = step.delivery.destination().is_some_and(|destination| destination.made);
        let job = deliver::Job {
            id: self.job.job.as_str(),
            record: &self.job.record,
            accepted: self.accepted(),
            zone: &zone,
            home: config.file.parent().unwrap_or(Path::new(".")),
            outputs: &outputs,
            now: &clock::now,
            earlier: &|path| {
                if is_reprint {
                    return None;
                }
                let mut index = index.lock().unwrap_or_else(PoisonError::into_inner);
                // Where the index cannot be read the file is not known as ours: it stays, ours gets another name.
                let home = is_relative.then_some(config.folder.as_path());
                let earlier = index.earlier(kind, &record, &step.owner, path, home).unwrap_or_default();
                let is_ours = |file: &IndexedFile| brought.as_ref().is_none_or(|of| of.contains(&file.made_of));
                earlier.filter(is_ours).map(|file| file.sha256)
            },
            foreign: match &brought {
                _ if is_reprint => deliver::BEFORE_A_REPRINT,
                Some(_) => deliver::OF_OTHER_PICTURES,
                None => deliver::FOREIGN,
            },
        };
        if let Some(place) = &step.place {
            self.reach(&place.fixed)?;
            if !self.progress().reached.contains(&step.id) && (place.made || place.fixed.is_dir()) {
                let reached = vec![Entry::Reached { step: step.id.clone() }];
                self.journal.append_unsynced(clock::now(), reached)?;
            }
        }
        match deliver::deliver(&job, step, &mut self.journal) {
            Ok(delivered) => {
                self.doubts.extend(delivered.doubts.iter().map(|doubt| question(step, doubt)));
                for warning in delivered.warnings {
                    self.warnings.push(Notice { step: Some(step.id.to_string()), ..Notice::new("delivery", warning) });
                }
                Ok(())
            }
            Err(e) if e.is_world() => Err(unreachable(step, &e)),
            Err(e) => self.append(vec![failed("delivery", e.to_string())]),
        }
    }

    /// What a person has answered about commands whose end nobody knew.
    fn settle_doubts(&mut self, step: &DeliveryStep) -> Result<(), Stop> {
        let Some(units) = self.progress().commands.get(&step.id).cloned() else { return Ok(()) };
        for (unit, run) in units.into_iter().filter(|(_, run)| run.running.is_some()) {
            if let Some(answer) = self.job.answers.get(&key(step, &unit, run.starts)) {
                let settled = deliver::settle(&mut self.journal, clock::now(), &step.id, &unit, answer == DONE);
                settled.map_err(|e| unreachable(step, &e))?;
            }
        }
        Ok(())
    }

    pub(super) fn deliver(&mut self, plan: &Plan) -> Result<Outcome, Stop> {
        let held = plan
            .deliveries
            .iter()
            .filter(|d| d.hold)
            .map(|d| d.owner.as_str())
            .collect::<std::collections::BTreeSet<_>>();
        if !held.is_empty() && !self.job.looked_at && self.progress().failed.is_empty() {
            let list = held.into_iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(", ");
            let text = format!("profile {list} says `hold`: the pictures are rendered and wait for a look");
            return self.hold(&[Question::new(LOOK, text)]);
        }
        self.doubts.clear();
        let whole = plan.renders.iter().all(|step| self.progress().rendered.contains_key(&step.id));
        let mut waits = None;
        for step in &plan.deliveries {
            self.check_signals()?;
            // Sheets go their own way, below; what cannot be planned is told here.
            let is_due = whole || (!step.delivery.cannot_be_taken_back() && !step.hold);
            if is_due && (!is_print(step) || step.blocked.is_some()) {
                match self.deliver_one(step) {
                    // A place that is gone keeps no sheet from its printer.
                    Err(stop @ Stop::Unreachable { .. }) if plan.deliveries.iter().any(is_print) => {
                        waits = waits.or(Some(stop));
                    }
                    result => result?,
                }
            }
            self.remember_orders(step)?;
            self.tell(plan);
        }
        // A mail server that is down, or slow, keeps nothing else from being done.
        let begun = self.begin_mails(plan);
        let printed = if whole { self.print(plan) } else { Ok(Vec::new()) };
        let mailed = self.finish_mails(plan, printed.is_ok());
        self.doubts.append(&mut printed?);
        if let Some(stop) = waits {
            return Err(stop);
        }
        if !self.doubts.is_empty() {
            let doubts = std::mem::take(&mut self.doubts);
            return match self.hold_unless_answered(&doubts)? {
                Some(outcome) => Ok(outcome),
                None => self.deliver(plan),
            };
        }
        begun.and(mailed)?;
        let errors = self.errors(plan);
        if errors.is_empty()
            && let Some(frozen) = self.frozen.take()
        {
            let removed = self.remove_what_is_not_made_any_more(plan, &frozen);
            self.frozen = Some(frozen);
            removed?;
        }
        self.finish(if errors.is_empty() { "done" } else { "failed" }, &errors)
    }

    fn errors(&self, plan: &Plan) -> Vec<Notice> {
        let mut errors: Vec<Notice> = Vec::new();
        for step in &plan.renders {
            // Small pictures fail with their picture; that is told once.
            let is_told = step.preview_of.as_ref().is_some_and(|of| self.progress().failed.contains_key(of));
            if let Some((code, text)) = self.progress().failed.get(&step.id).filter(|_| !is_told) {
                let of = step.line.map(|l| format!("line {l}, ")).unwrap_or_default();
                let text = format!("{of}{} for `{}`: {text}", step.image, step.profile);
                errors.push(Notice {
                    code: code.clone(),
                    line: step.line,
                    number: step.number.clone(),
                    step: Some(step.id.to_string()),
                    text,
                });
            }
        }
        for id in plan.deliveries.iter().flat_map(|step| [step.id.clone(), mail_step(&step.id)]) {
            if let Some((code, text)) = self.progress().failed.get(&id) {
                errors.push(Notice { step: Some(id.to_string()), ..Notice::new(code, text.clone()) });
            }
        }
        errors
    }
}

/// The answer that a command has done its work, or that a mail has arrived; any other lets it happen again.
pub(super) const DONE: &str = "done";

/// Under which the answer about one start of a command is kept.
fn key(step: &DeliveryStep, unit: &str, start: u32) -> String {
    format!("command {} {unit} {start}", step.id)
}

fn question(step: &DeliveryStep, doubt: &deliver::Doubt) -> Question {
    Question {
        key: Some(key(step, &doubt.unit, doubt.start)),
        answers: vec![DONE.into(), "again".into()],
        needs_answer: true,
        ..Question::new("command", &doubt.text)
    }
}

/// A destination that cannot be written to now, or a program that does not do what it should.
pub(super) fn unreachable(step: &DeliveryStep, error: &deliver::DeliverError) -> Stop {
    let place = match &step.delivery {
        Delivery::Command { run, .. } => run.first().map(PathBuf::from),
        _ => step.place.as_ref().map(|place| place.fixed.clone()),
    };
    let place = place.unwrap_or_default();
    Stop::Unreachable { place, text: error.to_string() }
}
