//! What operators ask for, carried out between two looks at the queue.

use super::{Scheduler, erase};
use crate::control::{self, Answer, Command};
use crate::operator;
use crate::spool::job::JobId;
use crate::spool::reserve;
use crate::worker::link;
use crate::worker::run::Signals;

impl Scheduler {
    /// Carries out what was asked for; says whether anything was.
    pub(super) fn obey(&mut self) -> bool {
        let requests = control::waiting(&self.workshop.spool);
        for request in &requests {
            // On a full disk a person comes first.
            reserve::make_room(self.workshop.spool.root());
            let answer = match &request.command {
                Ok(Command::Status) => Answer { status: Some(self.status()), ..Answer::default() },
                Ok(Command::Cancel { jobs }) => {
                    self.forget(jobs);
                    let told = "it stops after the step in hand and ends as cancelled";
                    let mark = |id: &JobId| control::mark_cancelled(&self.workshop.spool, id);
                    self.signal(jobs, &|jobs| Command::Cancel { jobs }, &mark, Signals::cancel, told)
                }
                Ok(Command::Hold { jobs }) => {
                    self.forget(jobs);
                    let told = "it stops after the step in hand and is held";
                    let mark = |id: &JobId| control::mark_held(&self.workshop.spool, id);
                    self.signal(jobs, &|jobs| Command::Hold { jobs }, &mark, Signals::hold, told)
                }
                Ok(Command::Erase { whom, dry_run }) => {
                    erase::serve(&self.workshop, whom, *dry_run, &|id| self.running.contains_key(id))
                }
                Ok(Command::Links { links, act }) => {
                    let config = self.workshop.config();
                    let running = |id: &JobId| self.running.contains_key(id);
                    link::carry_out(&self.workshop.spool, &config, links, *act, &running)
                }
                Ok(command) => {
                    // Their records change on the disk; what is remembered of them does not hold any more.
                    self.forget(command.jobs());
                    let config = self.workshop.config();
                    let running = |id: &JobId| self.running.contains_key(id);
                    operator::carry_out(&self.workshop.spool, &config, command, request.name(), &running)
                }
                Err(e) => Answer { refused: vec![format!("the request cannot be read: {e}")], ..Answer::default() },
            };
            if let Err(e) = control::reply(&self.workshop.spool, request, &answer) {
                tracing::warn!("{e}");
            }
        }
        if !requests.is_empty() {
            reserve::take_back(self.workshop.spool.root());
        }
        !requests.is_empty()
    }

    fn forget(&mut self, jobs: &[JobId]) {
        for id in jobs {
            self.queue.forget(id);
        }
    }

    /// Running jobs are told; for the others it is done here.
    fn signal(
        &self,
        jobs: &[JobId],
        command: &dyn Fn(Vec<JobId>) -> Command,
        mark: &dyn Fn(&JobId) -> Result<(), String>,
        signal: fn(&Signals),
        told: &str,
    ) -> Answer {
        let (running, resting): (Vec<_>, Vec<_>) = jobs.iter().cloned().partition(|id| self.running.contains_key(id));
        let config = self.workshop.config();
        let mut answer = operator::carry_out(&self.workshop.spool, &config, &command(resting), None, &|_| false);
        for id in running {
            let Some(job) = self.running.get(&id) else { continue };
            match mark(&id) {
                Ok(()) => {
                    signal(&job.signals);
                    answer.done.push(format!("{id}: {told}"));
                }
                Err(why) => answer.refused.push(format!("{id}: {why}")),
            }
        }
        answer
    }
}
