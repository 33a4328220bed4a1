//! The same again: what a job would make, compared with what its record had made before.
//!
//! Owns: a status that is sent twice makes nothing twice. What equals an earlier delivery is taken out of the plan; a
//! job of which nothing is left is a duplicate.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::PoisonError;

use super::{Run, Stop};
use crate::control;
use crate::model::profile::Repeat;
use crate::plan::fingerprint::Work;
use crate::plan::frozen::Frozen;
use crate::plan::{Content, Plan, PlanSource, Skipped, SourcePlace};
use crate::spool::job::{self, JobFile, Question, Stamp, file};
use crate::spool::journal::Journal;
use crate::spool::queue::State;

/// What an earlier job of the record made, or will make when somebody lets it.
struct Earlier {
    job: String,
    works: Vec<Work>,
}

/// What tells an original from another one, or from what it was before: the demanded digest; in the library also size
/// and time; beside the manifest the digest of its bytes.
pub(super) fn identity(source: &PlanSource, job_folder: &Path) -> std::io::Result<String> {
    let path = source.place.path(job_folder);
    let demanded = source.sha256.as_deref();
    match &source.place {
        SourcePlace::Library(_) => {
            let time_ns = Stamp::of(&path)?.modified_ns;
            Ok(format!("{} {} {time_ns} {}", source.shown, source.bytes, demanded.unwrap_or_default()))
        }
        SourcePlace::Input(_) => match demanded {
            Some(digest) => Ok(digest.to_string()),
            None => Ok(crate::model::digest::sha256(&std::fs::read(&path)?)),
        },
    }
}

impl Run<'_> {
    /// Takes what was made before out of the plan. Names the job that this one repeats when nothing is left.
    pub(super) fn leave_out_what_was_made(
        &mut self,
        plan: &mut Plan,
        works: &[Work],
        frozen: &Frozen,
    ) -> Result<Option<String>, Stop> {
        let mut earlier = self.done_before()?;
        let held = self.held_before(works)?;
        let open = held.iter().find(|held| !works.is_empty() && works.iter().all(|work| held.works.contains(work)));
        if let Some(open) = open {
            return Ok(Some(open.job.clone()));
        }
        earlier.extend(held);
        let mut questions = Vec::new();
        let mut same: BTreeSet<usize> = BTreeSet::new();
        let mut repeated = None;
        for (index, work) in works.iter().enumerate() {
            let last = earlier.iter().rev().find_map(|e| Some((e, e.works.iter().find(|w| w.is_run_of(work))?)));
            let Some((earlier, before)) = last else { continue };
            if before == work {
                same.insert(index);
                repeated = Some(earlier.job.clone());
                plan.skipped.push(Skipped {
                    line: None,
                    image: None,
                    profile: Some(work.owner.clone()),
                    reason: format!("job {} has made the same, to {}", earlier.job, work.to),
                });
            } else if asks(frozen, plan, index, &work.owner) {
                let changes = work.differs_from(before).join("; ");
                let text = format!(
                    "`{}` ran for this record before (job {}), to {}, and something is different now: {changes}. Release \
                     it to make all of this delivery again, or cancel it",
                    work.owner, earlier.job, work.to
                );
                questions.push(Question { code: "repeat".into(), line: None, number: None, text });
            }
        }
        if !works.is_empty() && same.len() == works.len() {
            return Ok(repeated);
        }
        let mut index = 0;
        plan.deliveries.retain(|_| {
            index += 1;
            !same.contains(&(index - 1))
        });
        if !same.is_empty() {
            let members = plan.deliveries.iter().flat_map(|d| &d.members);
            let needed: BTreeSet<_> = members
                .filter_map(|member| match &member.content {
                    Content::Step(id) => Some(id.clone()),
                    Content::File(_) => None,
                })
                .collect();
            plan.renders.retain(|step| needed.contains(&step.id));
        }
        self.repeats = questions;
        Ok(None)
    }

    /// What finished jobs of the record left, the newest last. A job that failed or was cancelled after something of it
    /// had been seen leaves its deliveries in doubt: they are made again.
    fn done_before(&self) -> Result<Vec<Earlier>, Stop> {
        let mut index = self.workshop.index.lock().unwrap_or_else(PoisonError::into_inner);
        let mut earlier: Vec<Earlier> = Vec::new();
        for line in index.of_record(self.job.kind, &self.job.record)? {
            if line.job == self.job.job {
                continue;
            }
            if line.result == "done" {
                earlier.push(Earlier { job: line.job.to_string(), works: line.works });
            } else if !line.placed.is_empty() {
                for earlier in &mut earlier {
                    earlier.works.retain(|work| !line.works.iter().any(|w| w.is_run_of(work)));
                }
            }
        }
        Ok(earlier)
    }

    /// Held jobs of the record. One from which nothing has left, and which this job does whole, differently, is replaced:
    /// nobody needs to answer its questions any more.
    fn held_before(&self, works: &[Work]) -> Result<Vec<Earlier>, Stop> {
        let mut earlier = Vec::new();
        for held in self.workshop.spool.jobs(State::Held)? {
            let Ok(record) = job::read::<JobFile>(&held.folder, file::JOB) else { continue };
            let of_record = record.kind == self.job.kind && record.record == self.job.record;
            let came_before = (record.accepted, record.sequence) < (self.job.accepted, self.job.sequence);
            if !of_record || !came_before {
                continue;
            }
            let Ok(its) = job::read::<Vec<Work>>(&held.folder, file::WORKS) else { continue };
            let nothing_left = Journal::open(&held.folder.join(file::JOURNAL))?.progress().nothing_left();
            let covered = its.iter().all(|work| works.iter().any(|w| w.is_run_of(work)));
            let differs = works.iter().any(|work| !its.contains(work));
            if nothing_left && covered && differs {
                let why = format!(
                    "job {} of the same record came later and replaces this one; nothing of it had been delivered",
                    self.job.job
                );
                control::end_for(&self.workshop.spool, &held, &why).map_err(|text| Stop::Failure {
                    fate: crate::error::Fate::Wait,
                    code: "spool",
                    text,
                })?;
            } else {
                earlier.push(Earlier { job: held.id.to_string(), works: its });
            }
        }
        Ok(earlier)
    }
}

/// A profile says so itself; a delivery of a render job asks when it cannot be taken back, or when one of its profiles
/// does.
fn asks(frozen: &Frozen, plan: &Plan, delivery: usize, owner: &str) -> bool {
    let profile_asks = |name: &str| frozen.profiles.iter().any(|p| p.name == name && p.repeat == Repeat::Ask);
    if frozen.profiles.iter().any(|p| p.name == owner) {
        return profile_asks(owner);
    }
    let of_rule = frozen.deliveries.iter().filter(|d| d.rule == owner).flat_map(|d| &d.run);
    let irrevocable = plan.deliveries.get(delivery).is_some_and(|d| d.delivery.cannot_be_taken_back());
    irrevocable || of_rule.into_iter().any(|name| profile_asks(name))
}
