//! A folder printer: sheets as files in another program's hot folder.
//!
//! Owns: a sheet appears there whole, under a name of its own, once; the folder is never made. Written aside first, so
//! that after a crash the temporary name tells: while it stands, the sheet was not submitted; gone, it was.

use std::path::{Path, PathBuf};

use super::look::visible_files;
use super::{Note, PrintError, Sheet, Went};
use crate::model::config::FolderCopies;
use crate::model::counted::counted;
use crate::model::name::RelPath;
use crate::spool::durable::{self, DurableError};
use crate::spool::journal::{PrintEvent, PrintIntent, PrintRun, PrintState};

/// Where a sheet goes.
#[derive(Debug)]
pub struct Slot<'a> {
    pub printer: &'a str,
    /// The printer's own folder.
    pub folder: &'a Path,
    pub below: Option<&'a RelPath>,
    pub copies: FolderCopies,
    pub keep_queued: Option<u32>,
    /// In front of the number of the copy.
    pub stem: &'a RelPath,
}

impl Slot<'_> {
    pub fn target(&self) -> PathBuf {
        self.below.map_or_else(|| self.folder.to_path_buf(), |below| below.below(self.folder))
    }

    fn name(&self, attempt: u32, part: Part, extension: &str) -> String {
        // A second attempt puts no file under a name of the first.
        let again = if attempt > 1 { format!("_{attempt}") } else { String::new() };
        let count = match part {
            Part::Copy(copy) => format!("c{copy:02}"),
            Part::All(copies) => format!("x{copies:02}"),
        };
        format!("{}{again}_{count}.{extension}", self.stem)
    }
}

#[derive(Clone, Copy)]
enum Part {
    Copy(u32),
    /// One file for so many copies.
    All(u32),
}

/// Temporary names of a job at a folder printer begin so.
fn aside_of(job: &str) -> String {
    format!(".hf-{job}-p")
}

fn aside(sheet: &Sheet, number: u32) -> String {
    format!(".hf-{}-{}-{number}.part", sheet.job, sheet.step)
}

/// Puts what has room there; run again it goes on where it was.
pub fn place(sheet: &Sheet, slot: &Slot<'_>, run: &PrintRun, note: &mut Note<'_>) -> Result<Went, PrintError> {
    let target = slot.target();
    if let Err(e) = std::fs::read_dir(&target) {
        let why = format!("its folder {} cannot be read: {e}", target.display());
        return Ok(if run.is_open() { Went::On(Some(why)) } else { Went::Not(why) });
    }
    let attempt = if run.is_open() { run.attempts } else { run.attempts + 1 };
    let mut placed = run.placed.clone();
    if !run.is_open() {
        if let Some(why) = has_no_room(slot, &target)? {
            return Ok(Went::Full(why));
        }
        let intent = intent(sheet, slot, attempt);
        note(PrintEvent::Intended(intent))?;
        placed.clear();
    }
    let copies = run.intent.as_ref().filter(|_| run.is_open()).map_or(sheet.copies, |(_, intent)| intent.copies);
    let extension = sheet.extension();
    for (number, part) in parts(slot, run, copies) {
        let to = target.join(slot.name(attempt, part, &extension));
        let from = target.join(aside(sheet, number));
        match placed.get(&number) {
            Some(true) => continue,
            Some(false) => {
                // Cut off around the rename. Without the temporary name it went through, and the file may have been
                // taken since.
                if from.exists() && !stands(slot, &target, &to) {
                    durable::publish(&from, &to)?;
                    durable::sync_folder(&target)?;
                }
            }
            None => {
                if let Some(why) = has_no_room(slot, &target)? {
                    return Ok(Went::Full(why));
                }
                durable::stage(&from, &sheet.read()?)?;
                durable::sync_folder(&target)?;
                note(PrintEvent::Placing { copy: number })?;
                durable::publish(&from, &to)?;
                durable::sync_folder(&target)?;
            }
        }
        note(PrintEvent::Placed { copy: number })?;
    }
    note(PrintEvent::Ended { state: PrintState::Accepted })?;
    Ok(Went::Over)
}

/// The files that make up the copies of an attempt. One that has begun goes on in the way in which it began.
fn parts(slot: &Slot<'_>, run: &PrintRun, copies: u32) -> Vec<(u32, Part)> {
    let begun = run.intent.as_ref().filter(|_| run.is_open()).and_then(|(_, intent)| intent.in_one_file);
    if begun.unwrap_or(slot.copies == FolderCopies::Name) {
        vec![(1, Part::All(copies))]
    } else {
        (1..=copies).map(|copy| (copy, Part::Copy(copy))).collect()
    }
}

/// Puts no other copy of a sheet there that it has begun. One whose renaming was cut off, and which does not lie aside any
/// more, has left. For `cut` the others never leave: then the journal has how many do.
pub fn rest(
    sheet: &Sheet,
    slot: &Slot<'_>,
    run: &PrintRun,
    cut: bool,
    note: &mut Note<'_>,
) -> Result<Went, PrintError> {
    let target = slot.target();
    if let Err(e) = std::fs::read_dir(&target) {
        return Ok(Went::On(Some(format!("its folder {} cannot be read: {e}", target.display()))));
    }
    let mut placed = 0;
    for (&copy, &is_known) in &run.placed {
        if !is_known {
            if target.join(aside(sheet, copy)).exists() {
                continue;
            }
            note(PrintEvent::Placed { copy })?;
        }
        placed += 1;
    }
    let copies = run.intent.as_ref().map_or(sheet.copies, |(_, intent)| intent.copies);
    if placed as usize >= parts(slot, run, copies).len() {
        note(PrintEvent::Ended { state: PrintState::Accepted })?;
    } else if cut {
        note(PrintEvent::Cut { printed: placed })?;
    } else {
        return Ok(Went::On(None));
    }
    Ok(Went::Over)
}

fn intent(sheet: &Sheet, slot: &Slot<'_>, attempt: u32) -> PrintIntent {
    PrintIntent {
        attempt,
        printer: slot.printer.to_string(),
        endpoint: slot.target().display().to_string(),
        token: sheet.token(attempt),
        copies: sheet.copies,
        left: 0,
        bytes: sheet.bytes,
        sha256: sheet.sha256.clone(),
        printer_uuid: None,
        up_time_s: None,
        is_spooler: false,
        in_one_file: Some(slot.copies == FolderCopies::Name),
    }
}

/// In the folder, or in one of the other program's own below it.
fn stands(slot: &Slot<'_>, target: &Path, file: &Path) -> bool {
    let Some(name) = file.file_name() else { return false };
    let below = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).any(|e| e.path().join(name).exists())
    };
    file.exists() || below(target) || below(slot.folder)
}

fn has_no_room(slot: &Slot<'_>, target: &Path) -> Result<Option<String>, PrintError> {
    let Some(most) = slot.keep_queued else { return Ok(None) };
    let lie = visible_files(target).map_err(|e| DurableError::new("list", target, e))?.len();
    let full = lie >= most as usize;
    let waits = if lie == 1 { "waits" } else { "wait" };
    Ok(full.then(|| format!("{} {waits} in its folder, and `keep_queued` is {most}", counted(lie, "file"))))
}

/// Removes temporary names that a job left.
pub fn clean(folder: &Path, job: &str) -> Result<(), DurableError> {
    let Ok(list) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in list.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(&aside_of(job)) {
            durable::remove_file(&entry.path())?;
        }
    }
    Ok(())
}
