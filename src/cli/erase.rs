//! `hotfolders erase`: what is kept of somebody goes.

use std::path::Path;

use clap::Args;

use super::config;
use super::jobs;
use super::terminal::{self, say};
use crate::clock;
use crate::control::{self, Answer, Command, Whom};
use crate::error::Error;
use crate::model::counted::counted;
use crate::server::erase::{self, Erased, Ground};
use crate::spool::queue::{Spool, SpoolError};

#[derive(Debug, Args)]
pub(super) struct EraseArgs {
    #[command(flatten)]
    whom: WhomArgs,
    /// Only list what would go.
    #[arg(long)]
    dry_run: bool,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct WhomArgs {
    /// Jobs of this record.
    #[arg(long)]
    record: Option<String>,
    /// Jobs with pictures of this session.
    #[arg(long)]
    session: Option<String>,
    /// Jobs of the client with this mail address.
    #[arg(long, value_name = "MAIL")]
    client: Option<String>,
}

pub(super) fn run(file: &Path, args: &EraseArgs) -> Result<(), Error> {
    let whom = match &args.whom {
        WhomArgs { record: Some(record), .. } => Whom::Record(record.clone()),
        WhomArgs { session: Some(session), .. } => Whom::Session(session.clone()),
        WhomArgs { client: Some(mail), .. } => Whom::Client(mail.clone()),
        // The parser refuses this before.
        WhomArgs { .. } => return Err(Error::usage("name a `--record`, a `--session` or a `--client`")),
    };
    let loaded = config::load_for_spool(file)?;
    let spool = jobs::open_of(&loaded.config.spool)?;
    let ground = Ground { spool: &spool, config: &loaded.config };
    let answer = send(&spool, ground, whom, args.dry_run)?;
    let erased = answer.report.as_ref().and_then(|report| serde_json::from_value::<Erased>(report.clone()).ok());
    match (&erased, args.json) {
        (_, true) => terminal::say_json(&serde_json::json!({ "erased": erased, "refused": answer.refused }))?,
        // What nothing is kept of reaches nowhere else either, as far as we know.
        (Some(erased), false) if !erased.out_of_reach.is_empty() => show(erased)?,
        _ => {}
    }
    if answer.refused.is_empty() { Ok(()) } else { Err(Error::failed(answer.refused.join("\n"))) }
}

fn send(spool: &Spool, ground: Ground<'_>, whom: Whom, dry_run: bool) -> Result<Answer, Error> {
    match spool.lock(clock::now()) {
        Ok(_lock) => Ok(erase::offline(ground, &whom, dry_run)),
        Err(SpoolError::Locked(by)) => {
            control::ask(spool, &Command::Erase { whom, dry_run }, &by).map_err(|e| Error::failed(e.to_string()))
        }
        Err(e) => Err(Error::failed(e.to_string())),
    }
}

fn show(erased: &Erased) -> Result<(), Error> {
    say(if erased.dry_run { "would be erased:" } else { "erased:" })?;
    for job in &erased.jobs {
        say(&format!("  job {} ({})", job.job, job.state))?;
    }
    for path in erased.receipts.iter().chain(&erased.others) {
        say(&format!("  {}", path.display()))?;
    }
    say(&format!(
        "  {} of the history (a hash of each is left), {} of the log",
        counted(erased.history, "line"),
        counted(erased.log_lines, "line")
    ))?;
    if !erased.delivered.is_empty() {
        say("\ndelivered, and still there:")?;
    }
    for path in &erased.delivered {
        say(&format!("  {}", path.display()))?;
    }
    say("\nout of reach of this program:")?;
    for what in &erased.out_of_reach {
        say(&format!("  {what}"))?;
    }
    Ok(())
}
