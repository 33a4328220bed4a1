//! The prints of a job as its journal has them now: where each goes, and how far it is.

use super::Read;
use crate::plan::{Plan, PlannedPrint};
use crate::spool::journal::{PrintRun, PrintState};
use crate::spool::queue::State as Place;
use crate::web::dashboard::words::{Badge, badge};

/// Prints on the page.
const SHOWN: usize = 100;

#[derive(Debug, Default)]
pub(crate) struct Prints {
    pub(crate) list: Vec<Print>,
    pub(crate) all: usize,
    /// Of which nothing more will be known.
    pub(crate) over: usize,
}

impl Prints {
    pub(crate) fn more(&self) -> usize {
        self.all - self.list.len()
    }
}

#[derive(Debug)]
pub(crate) struct Print {
    pub(crate) sheet: String,
    pub(crate) about: String,
    pub(crate) badge: Badge,
    /// What is not known of it, or why the last try came to nothing.
    pub(crate) why: Option<String>,
}

/// Those that are in doubt come first.
pub(super) fn prints(read: &Read) -> Prints {
    let Some(plan) = &read.plan else { return Prints::default() };
    // What an earlier job has printed has no sheet here.
    let planned = plan.deliveries.iter().flat_map(|step| &step.prints);
    let mut planned: Vec<&PlannedPrint> = planned.filter(|print| plan.render(&print.sheet).is_some()).collect();
    let run = |print: &PlannedPrint| read.progress.prints.get(&print.id);
    planned.sort_by_key(|print| run(print).is_none_or(|run| run.doubt.is_none()));
    Prints {
        all: planned.len(),
        over: planned.iter().filter(|print| run(print).is_some_and(PrintRun::is_over)).count(),
        list: planned.iter().take(SHOWN).map(|print| shown(read, plan, print, run(print))).collect(),
    }
}

fn shown(read: &Read, plan: &Plan, print: &PlannedPrint, run: Option<&PrintRun>) -> Print {
    let sheet = plan.render(&print.sheet);
    let intent = run.and_then(|run| run.intent.as_ref()).map(|(_, intent)| intent);
    let printer = intent.map_or(&print.ask.printer, |intent| &intent.printer);
    let mut about = vec![printer.clone()];
    about.extend(sheet.and_then(|sheet| sheet.line).map(|line| format!("line {line}")));
    about.push(if print.copies == 1 { "1 copy".to_string() } else { format!("{} copies", print.copies) });
    about.extend(run.and_then(|run| run.job.as_ref()).map(|job| format!("printer's job {}", job.id)));
    if let Some(run) = run.filter(|run| run.printed > 0 && run.ended.is_none()) {
        about.push(format!("{} of them printed before", run.printed));
    }
    let is_rendered = read.progress.rendered.contains_key(&print.sheet);
    Print {
        sheet: sheet.map_or_else(|| print.sheet.to_string(), |sheet| sheet.name.to_string()),
        about: about.join(" · "),
        badge: state(run, is_rendered, read.located.state == Place::Processing),
        why: run.and_then(|run| run.doubt.clone().or_else(|| run.aborted.clone().filter(|_| run.ended.is_none()))),
    }
}

fn state(run: Option<&PrintRun>, is_rendered: bool, is_running: bool) -> Badge {
    let Some(run) = run else { return if is_rendered { badge("Rendered", "quiet") } else { badge("To do", "quiet") } };
    match run.state() {
        _ if run.dropped && run.is_over() && run.ended.is_none() => badge("Not sent", "quiet"),
        PrintState::Rendered if is_rendered => badge("Rendered", "quiet"),
        PrintState::Rendered => badge("To do", "quiet"),
        PrintState::Sent => badge("Sent", "busy"),
        PrintState::Accepted => badge("Accepted", "good"),
        PrintState::Printed => badge("Printed", "good"),
        // It is being sent this very moment; nobody has found anything wrong.
        PrintState::Uncertain if is_running && run.is_open() && run.doubt.is_none() => badge("On its way", "busy"),
        PrintState::Uncertain => badge("Uncertain", "warn"),
    }
}
