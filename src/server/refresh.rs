//! What the scheduler knows of the unfinished jobs, held against the spool.

use std::collections::HashSet;

use super::Scheduler;
use super::waiting::Waiting;
use crate::spool::job::{self, JobFile, JobId, file};
use crate::spool::queue::State;

impl Scheduler {
    /// Lists `pending/` and `processing/`; reads the record of what is new.
    pub(super) fn refresh(&mut self) {
        let spool = &self.workshop.spool;
        self.doubtful.refresh(spool);
        let mut seen = Vec::new();
        for state in [State::Processing, State::Pending] {
            match spool.jobs(state) {
                Ok(jobs) => seen.extend(jobs),
                Err(e) => {
                    tracing::warn!("{e}");
                    return;
                }
            }
        }
        let ids: HashSet<&JobId> = seen.iter().map(|job| &job.id).collect();
        self.queue.jobs.retain(|id, _| ids.contains(id));
        self.to_intake.keep(&ids);
        for located in seen {
            if self.running.contains_key(&located.id) {
                continue;
            }
            if let Some(known) = self.queue.jobs.get_mut(&located.id)
                && known.located == located
                // Cancelled by another job, it need not wait for its hour.
                && !(known.not_before.is_some() && located.folder.join(file::CANCEL).exists())
            {
                continue;
            }
            match job::read::<JobFile>(&located.folder, file::JOB) {
                Ok(job) if !job.lacks.is_empty() => self.to_intake.look_for(job, located.folder),
                // The scanner still writes in its folder.
                Ok(job) if !job.drop_cleared && !self.announced.contains(&job.job) => {}
                Ok(job) => {
                    // Whose drop could not be noted as cleared stays announced: it is read again after a hold.
                    if job.drop_cleared {
                        self.announced.remove(&job.job);
                    }
                    self.to_intake.forget(&job.job);
                    self.queue.jobs.insert(located.id.clone(), Waiting::new(job, located));
                }
                Err(e) => tracing::error!(job = %located.id, "{e}"),
            }
        }
    }
}
