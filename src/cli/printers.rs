//! `hotfolders printers`: how they are, and the operator's hand on them.

mod test;

use std::path::Path;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::jobs::{self, answer, open, send};
use super::terminal::{self, DIM, GREEN, RED, YELLOW, paint, say, say_painted};
use crate::clock;
use crate::control::Command;
use crate::error::Error;
use crate::model::config::Config;
use crate::model::problem::did_you_mean;
use crate::print::look::Looker;
use crate::print::press::Press;
use crate::spool::places::Places;
use crate::spool::queue::Spool;
use crate::worker::printers::Gates;

#[derive(Debug, Subcommand)]
pub(super) enum PrintersCommand {
    /// Printers and pools: state, paper, what waits there.
    List(ListArgs),
    /// Print a sheet that shows edges, measures and colours, past the queue.
    Test(test::TestArgs),
    /// Give printers no more sheets, also after a restart; what they have got is printed.
    Pause(NamesArgs),
    /// Let paused printers print again.
    Resume(NamesArgs),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct NamesArgs {
    /// Printers, or pools for all of their printers.
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

pub(super) fn run(file: &Path, command: &PrintersCommand) -> Result<(), Error> {
    match command {
        PrintersCommand::List(args) => list(file, args),
        PrintersCommand::Test(args) => test::run(file, args),
        PrintersCommand::Pause(args) => act(file, &args.names, &|printers| Command::PausePrinters { printers }),
        PrintersCommand::Resume(args) => act(file, &args.names, &|printers| Command::ResumePrinters { printers }),
    }
}

fn act(file: &Path, names: &[String], command: &dyn Fn(Vec<String>) -> Command) -> Result<(), Error> {
    let (spool, config) = open(file)?;
    let mut printers = Vec::new();
    for name in names {
        let members = config.printers.iter().filter(|p| p.name == *name || p.pool.as_deref() == Some(name));
        let before = printers.len();
        printers.extend(members.map(|printer| printer.name.clone()));
        if printers.len() == before {
            let known =
                config.printers.iter().map(|p| p.name.as_str()).chain(config.pools.iter().map(|p| p.name.as_str()));
            return Err(Error::usage(format!("there is no printer or pool `{name}`{}", did_you_mean(name, known))));
        }
    }
    answer(&send(&spool, &config, &command(printers))?)
}

fn list(file: &Path, args: &ListArgs) -> Result<(), Error> {
    let config = super::config::load_for_spool(file)?.config;
    let spool = Spool::look(&config.spool);
    let live = match &spool {
        Some(spool) if spool.locked_by().is_some() => jobs::send(spool, &config, &Command::Status)?.status,
        _ => None,
    };
    let known = match live {
        Some(live) => serde_json::json!({ "printers": live["printers"], "pools": live["pools"] }),
        None => look(&config, spool.as_ref()),
    };
    if args.json {
        return terminal::say_json(&known);
    }
    if config.printers.is_empty() {
        return say("the config names no printers");
    }
    show(&known)
}

/// Without a server each of them is looked at now, all at once.
fn look(config: &Config, spool: Option<&Spool>) -> Value {
    let press = Press::default();
    let places = Places::of_spool(&config.spool);
    std::thread::scope(|scope| {
        for printer in &config.printers {
            let (press, places) = (&press, &places);
            scope.spawn(move || {
                let look =
                    Looker::default().look(printer, &press.below(&printer.name), &|place| places.unmounted(place));
                press.saw(&printer.name, look, clock::now());
            });
        }
    });
    let gates = spool.map(|spool| Gates::now(spool, config));
    let keep = |printer: &_| gates.as_ref().and_then(|gates| gates.keep(printer));
    serde_json::json!({ "printers": press.printers(config, &keep), "pools": press.pools(config) })
}

/// A line for each printer and pool.
pub(super) fn show(known: &Value) -> Result<(), Error> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let words = |value: &Value| list(value).iter().map(text).collect::<Vec<_>>().join(", ");
    for printer in list(&known["printers"]) {
        let state = text(&printer["state"]);
        let color = match state.as_str() {
            "idle" | "printing" => GREEN,
            "unknown" => DIM,
            "waiting" | "paused" | "closed" => YELLOW,
            _ => RED,
        };
        let reasons = words(&printer["reasons"]);
        let reasons = if reasons.is_empty() { String::new() } else { format!(": {reasons}") };
        let place = [("pool ", &printer["pool"]), ("at ", &printer["location"])]
            .map(|(word, value)| value.as_str().map(|name| format!(", {word}{name}")).unwrap_or_default());
        let queued = printer["queued"].as_u64().filter(|queued| *queued > 0);
        let queued = queued.map(|queued| format!(", {queued} there")).unwrap_or_default();
        let about = format!("{}{}{}; {}", text(&printer["kind"]), place.concat(), queued, words(&printer["media"]));
        say_painted(&format!(
            "printer {}: {}{} {}",
            paint(&text(&printer["name"]), "0"),
            paint(&state, color),
            paint(&reasons, "0"),
            paint(&format!("({about})"), DIM)
        ))?;
    }
    for pool in list(&known["pools"]) {
        let inactive = if pool["inactive"] == true { ", inactive" } else { "" };
        say(&format!(
            "pool {}: {}, {}{inactive}; {} on their way",
            text(&pool["name"]),
            text(&pool["allocate"]),
            words(&pool["members"]),
            pool["open_units"]
        ))?;
    }
    Ok(())
}
