//! What operators ask for, carried out by whoever holds the spool's lock: the server, or the command line itself.

mod mend;
mod reprint;

use std::path::Path;

use crate::control::{self, Answer, Command};
use crate::model::config::Config;
use crate::spool::job::JobId;
use crate::spool::queue::Spool;

/// Carries a command out. `running` jobs are left to the server. `asked` is the name of the request: after a crash one
/// may be carried out a second time.
pub fn carry_out(
    spool: &Spool,
    config: &Config,
    command: &Command,
    asked: Option<&str>,
    running: &dyn Fn(&JobId) -> bool,
) -> Answer {
    let request = match command {
        Command::Reprint(request) => request,
        Command::Retry { jobs, pictures } => return retry(spool, config, (jobs, pictures.as_deref()), asked, running),
        _ => return control::carry_out(spool, command, asked, running),
    };
    let mut answer = Answer::default();
    match reprint::reprint(spool, config, request, asked) {
        Ok(job) => answer.done.push(format!("{}: it is made again as job {job}", request.job)),
        Err(why) => answer.refused.push(format!("{}: {why}", request.job)),
    }
    answer
}

/// Before they are tried again they get what was put right of their pictures.
fn retry(
    spool: &Spool,
    config: &Config,
    (jobs, pictures): (&[JobId], Option<&Path>),
    asked: Option<&str>,
    running: &dyn Fn(&JobId) -> bool,
) -> Answer {
    let (mut answer, mut ready) = (Answer::default(), Vec::new());
    for id in jobs {
        let prepared = if running(id) { Ok(None) } else { mend::prepare(spool, config, id, pictures) };
        match prepared {
            Ok(told) => {
                answer.done.extend(told);
                ready.push(id.clone());
            }
            Err(why) => answer.refused.push(format!("{id}: {why}")),
        }
    }
    let retried = control::carry_out(spool, &Command::Retry { jobs: ready, pictures: None }, asked, running);
    answer.done.extend(retried.done);
    answer.refused.extend(retried.refused);
    answer
}
