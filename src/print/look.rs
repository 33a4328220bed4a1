//! Whether a printer can print now, found by looking at it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ipp::{Endpoint, IppError, Paper, Patience, PrinterFacts, PrinterState};
use super::keep::Matter;
use crate::keyword;
use crate::model::config::{Printer, PrinterTarget};
use crate::model::globs::Globs;
use crate::model::units::show_duration;

keyword! {
    /// What a printer is doing, as `status` says it.
    pub enum Condition {
        Idle = "idle", Printing = "printing",
        /// It could print, and does not print what is for it.
        Waiting = "waiting",
        Stopped = "stopped", Paused = "paused", Closed = "closed",
        Unreachable = "unreachable", Unknown = "unknown",
    }
}

/// What a look found.
#[derive(Debug, Clone)]
pub struct Look {
    pub condition: Condition,
    /// In plain words; also what does not keep it from printing.
    pub reasons: Vec<String>,
    /// Nothing can be printed, because of these.
    pub blocked: Vec<String>,
    /// Jobs, or files, that wait at the printer.
    pub queued: u32,
    /// It only passes sheets on.
    pub is_spooler: bool,
    pub facts: Option<Arc<PrinterFacts>>,
}

impl Look {
    fn fine(condition: Condition) -> Look {
        let (reasons, blocked) = (Vec::new(), Vec::new());
        Look { condition, reasons, blocked, queued: 0, is_spooler: false, facts: None }
    }

    fn bad(condition: Condition, why: String) -> Look {
        Look { reasons: vec![why.clone()], blocked: vec![why], ..Look::fine(condition) }
    }

    /// Why a sheet on this paper cannot be printed there now.
    pub(super) fn keeps(&self, paper: &Paper) -> Option<(Matter, String)> {
        if !self.blocked.is_empty() {
            return Some((Matter::Printer, self.blocked.join(", ")));
        }
        let why = self.facts.as_ref().and_then(|facts| facts.kept_from(paper));
        why.map(|why| (Matter::Sheet, why))
    }
}

/// Looks at one printer, again and again.
#[derive(Debug, Default)]
pub struct Looker {
    /// Files in the folder, and since when by our clock: the share's may be wrong.
    seen: BTreeMap<PathBuf, Instant>,
}

/// Opens the way to a printer on the network; `None` for one of another kind.
pub fn endpoint(printer: &Printer) -> Option<Result<Endpoint, IppError>> {
    Endpoint::new(&printer.target, Patience::default())
}

impl Looker {
    /// `unmounted` says why a place is not to be looked at; `below` are the folders that sheets were put into.
    pub fn look(
        &mut self,
        printer: &Printer,
        below: &BTreeSet<PathBuf>,
        unmounted: &dyn Fn(&Path) -> Option<String>,
    ) -> Look {
        match &printer.target {
            PrinterTarget::Ipp { .. } => ipp(printer),
            PrinterTarget::Folder { folder, stuck_after, error_glob, .. } => {
                if let Some(why) = unmounted(folder) {
                    return Look::bad(Condition::Unreachable, why);
                }
                self.folder(folder, below, *stuck_after, error_glob)
            }
            PrinterTarget::Command(words) => match words.first().map(Path::new) {
                Some(program) if program.is_absolute() && !program.exists() => {
                    Look::bad(Condition::Unreachable, format!("{} is not there", program.display()))
                }
                _ => Look::fine(Condition::Idle),
            },
        }
    }

    fn folder(
        &mut self,
        folder: &Path,
        below: &BTreeSet<PathBuf>,
        stuck_after: Option<Duration>,
        error_glob: &Globs,
    ) -> Look {
        let mut files = match visible_files(folder) {
            Ok(files) => files,
            Err(e) => {
                let why = format!("its folder {} cannot be read: {e}", folder.display());
                return Look::bad(Condition::Unreachable, why);
            }
        };
        // One that is gone again holds nothing.
        files.extend(below.iter().filter(|other| *other != folder).flat_map(|o| visible_files(o).unwrap_or_default()));
        let is_error = |path: &&PathBuf| {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            !error_glob.is_empty() && error_glob.matches(&name)
        };
        let (errors, sheets): (Vec<&PathBuf>, Vec<&PathBuf>) = files.iter().partition(|path| is_error(path));
        self.seen.retain(|path, _| files.contains(path));
        for path in &sheets {
            self.seen.entry((*path).clone()).or_insert_with(Instant::now);
        }
        let mut look = Look::fine(if sheets.is_empty() { Condition::Idle } else { Condition::Printing });
        look.queued = u32::try_from(sheets.len()).unwrap_or(u32::MAX);
        let name = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        if let Some(error) = errors.first() {
            look.blocked.push(format!("{} tells of an error", name(error)));
        }
        if let Some(after) = stuck_after
            && let Some((path, _)) = self.seen.iter().find(|(_, since)| since.elapsed() >= after)
        {
            look.blocked.push(format!("{} has lain there for {}: nobody prints", name(path), show_duration(after)));
        }
        if !look.blocked.is_empty() {
            look.condition = Condition::Stopped;
            look.reasons.clone_from(&look.blocked);
        }
        look
    }
}

/// Most entries of a folder that are looked at.
const ENTRIES_MAX: usize = 20_000;

/// Files that another program would print: no folders, nothing hidden.
pub(super) fn visible_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)?.take(ENTRIES_MAX) {
        let entry = entry?;
        let is_file = entry.file_type().is_ok_and(|kind| !kind.is_dir());
        if is_file && !entry.file_name().to_string_lossy().starts_with('.') {
            files.push(entry.path());
        }
    }
    Ok(files)
}

fn ipp(printer: &Printer) -> Look {
    let facts = match endpoint(printer) {
        Some(Ok(endpoint)) => endpoint.facts(),
        Some(Err(e)) => Err(e),
        None => return Look::fine(Condition::Unknown),
    };
    match facts {
        Ok(facts) => of_facts(facts),
        Err(e) => Look::bad(Condition::Unreachable, e.to_string()),
    }
}

fn of_facts(facts: PrinterFacts) -> Look {
    let blocked = facts.blocked_by();
    let condition = match facts.state {
        _ if !blocked.is_empty() => Condition::Stopped,
        PrinterState::Idle => Condition::Idle,
        PrinterState::Printing => Condition::Printing,
        PrinterState::Stopped => Condition::Stopped,
        PrinterState::Unknown => Condition::Unknown,
    };
    let mut reasons = blocked.clone();
    for words in facts.reasons.iter().map(super::ipp::Reason::words) {
        if !reasons.contains(&words) {
            reasons.push(words);
        }
    }
    Look {
        condition,
        reasons,
        blocked,
        queued: facts.queued_jobs,
        is_spooler: facts.is_spooler,
        facts: Some(Arc::new(facts)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(looker: &mut Looker, folder: &Path, stuck_after: Option<Duration>, errors: &str) -> Look {
        let globs = Globs::new(errors.split_whitespace().map(str::to_string).collect()).unwrap();
        looker.folder(folder, &BTreeSet::new(), stuck_after, &globs)
    }

    #[test]
    fn a_folder_that_is_not_there_is_unreachable() {
        let dir = tempfile::tempdir().unwrap();
        let look = look(&mut Looker::default(), &dir.path().join("gone"), None, "");
        assert_eq!(look.condition, Condition::Unreachable);
        assert!(look.blocked[0].contains("gone"), "{:?}", look.blocked);
    }

    #[test]
    fn files_that_stay_and_files_of_errors_stop_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut looker = Looker::default();
        for name in ["a.jpg", "b.jpg", ".hf-x.part"] {
            crate::spool::durable::replace(&dir.path().join(name), b"x").unwrap();
        }
        let now = look(&mut looker, dir.path(), Some(Duration::from_mins(1)), "*.err");
        assert_eq!((now.condition, now.queued, now.blocked.len()), (Condition::Printing, 2, 0));
        let stuck = look(&mut looker, dir.path(), Some(Duration::ZERO), "*.err");
        assert_eq!(stuck.condition, Condition::Stopped);
        assert!(stuck.blocked[0].contains("a.jpg has lain there"), "{:?}", stuck.blocked);
        crate::spool::durable::replace(&dir.path().join("a.ERR"), b"x").unwrap();
        let failed = look(&mut looker, dir.path(), None, "*.err");
        assert_eq!((failed.queued, failed.blocked.as_slice()), (2, ["a.ERR tells of an error".to_string()].as_slice()));
    }
}
