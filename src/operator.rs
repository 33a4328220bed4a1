//! What operators ask for, carried out by whoever holds the spool's lock: the server, or the command line itself.

mod reprint;

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
    let Command::Reprint(request) = command else { return control::carry_out(spool, command, asked, running) };
    let mut answer = Answer::default();
    match reprint::reprint(spool, config, request, asked) {
        Ok(job) => answer.done.push(format!("{}: it is made again as job {job}", request.job)),
        Err(why) => answer.refused.push(format!("{}: {why}", request.job)),
    }
    answer
}
