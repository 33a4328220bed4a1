//! `hotfolders submit`: drops manifests as a studio app should, and may wait for the result.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::config;
use super::plan::{hot_folder, read_manifest};
use super::terminal::{bar, note, say};
use crate::error::{Error, Exit};
use crate::model::config::{HotFolder, Images};
use crate::model::digest;
use crate::model::name::RelPath;
use crate::spool::durable;
use crate::spool::job::{self, JobFile, JobId, Question, file};
use crate::spool::journal;
use crate::spool::queue::{Located, Spool, State};
use crate::worker::receipt;

#[derive(Debug, Args)]
pub(super) struct SubmitArgs {
    #[arg(required = true, value_name = "MANIFEST")]
    manifests: Vec<PathBuf>,
    /// Where to; default: the first of `images: library`.
    #[arg(long, value_name = "NAME")]
    hot_folder: Option<String>,
    /// Show the progress and end with the result.
    #[arg(long)]
    wait: bool,
}

/// A manifest that was dropped.
#[derive(Debug)]
pub(super) struct Dropped {
    pub(super) name: String,
    sha256: String,
}

pub(super) fn run(file: &Path, args: &SubmitArgs) -> Result<(), Error> {
    let loaded = config::load(file)?;
    let hot_folder = hot_folder(&loaded.config, args.hot_folder.as_deref())?;
    let before = known_jobs(&loaded.config.spool);
    let mut dropped = Vec::new();
    for manifest in &args.manifests {
        let one = drop_manifest(hot_folder, manifest)?;
        say(&format!("{} dropped into {} as {}", manifest.display(), hot_folder.name, one.name))?;
        dropped.push(one);
    }
    if !args.wait {
        return Ok(());
    }
    let caught = super::serve::catch_signals()?;
    let interrupted = || caught.load(std::sync::atomic::Ordering::SeqCst) != 0;
    wait_for(&loaded.config.spool, &dropped, &before, &interrupted)
}

/// Pictures first, then the manifest: written aside, synced, renamed in.
pub(super) fn drop_manifest(hot_folder: &HotFolder, path: &Path) -> Result<Dropped, Error> {
    let failed = |e: &dyn std::fmt::Display| Error::failed(e.to_string());
    if !hot_folder.folder.is_dir() {
        return Err(Error::failed(format!(
            "hot folder {} is not there: {} does not exist, or its disk is not mounted",
            hot_folder.name,
            hot_folder.folder.display()
        )));
    }
    let (manifest, warnings) = read_manifest(path)?;
    for warning in warnings {
        note(&format!("warning: {warning}"));
    }
    let bytes = std::fs::read(path).map_err(|e| Error::failed(format!("{}: cannot be read: {e}", path.display())))?;
    if hot_folder.images == Images::Beside {
        let from = path.parent().unwrap_or(Path::new("."));
        for name in manifest.images.iter().filter_map(|i| i.file.as_ref()) {
            let name = RelPath::parse(name).map_err(|e| failed(&e))?;
            let (source, target) = (name.below(from), name.below(&hot_folder.folder));
            if !source.is_file() {
                note(&format!("warning: {name} is not beside the manifest; the job waits for it"));
                continue;
            }
            if let Some(folder) = target.parent() {
                durable::make_folders(&hot_folder.folder, folder).map_err(|e| failed(&e))?;
            }
            let aside = target.with_file_name(format!(".{}.hf-new", name.file_name()));
            durable::copy(&source, &aside).map_err(|e| failed(&e))?;
            durable::publish(&aside, &target).map_err(|e| {
                Error::failed(format!("{e}; another picture of that name waits there, drop the order in a sub-folder"))
            })?;
        }
    }
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let name = RelPath::from_part(&name).ok_or_else(|| Error::usage(format!("{} has no file name", path.display())))?;
    let mut free = name.clone();
    let mut number = 2;
    loop {
        match durable::write_new(&free.below(&hot_folder.folder), &bytes) {
            Ok(()) => break,
            // Another manifest of that name waits to be taken.
            Err(e) if e.already_exists() => {
                free = name.with_suffix(&format!("_{number}"));
                number += 1;
            }
            Err(e) => return Err(failed(&e)),
        }
    }
    Ok(Dropped { name: free.to_string(), sha256: digest::sha256(&bytes) })
}

/// The ids of all jobs, to tell new ones from old.
pub(super) fn known_jobs(spool: &Path) -> HashSet<JobId> {
    let Some(spool) = Spool::look(spool) else { return HashSet::new() };
    State::ALL.into_iter().flat_map(|s| spool.jobs(s).unwrap_or_default()).map(|job| job.id).collect()
}

/// Follows dropped manifests to their ends. Fails when one failed or is held.
pub(super) fn wait_for(
    spool: &Path,
    dropped: &[Dropped],
    before: &HashSet<JobId>,
    interrupted: &dyn Fn() -> bool,
) -> Result<(), Error> {
    let mut open: Vec<&Dropped> = dropped.iter().collect();
    let mut seen: HashSet<JobId> = before.clone();
    let mut bad = Vec::new();
    let mut warned = false;
    let progress = bar(0, "waiting");
    while !open.is_empty() {
        if interrupted() {
            return Err(Error { exit: Exit::Interrupted, text: "interrupted; the jobs go on".into() });
        }
        if let Some(spool) = Spool::look(spool) {
            if spool.locked_by().is_none() && !warned {
                note("no server is running on this spool; waiting for one (`hotfolders serve`)");
                warned = true;
            }
            for job in new_jobs(&spool, &seen) {
                let Ok(record) = job::read::<JobFile>(&job.folder, file::JOB) else { continue };
                let Some(at) =
                    open.iter().position(|d| d.name == record.manifest && d.sha256 == record.manifest_sha256)
                else {
                    seen.insert(job.id);
                    continue;
                };
                show_progress(&progress, &job);
                if let Some(end) = end_of(&job) {
                    progress.suspend(|| say(&format!("{}: {}", open[at].name, end.text)))?;
                    if !end.fine {
                        bad.push(open[at].name.clone());
                    }
                    open.remove(at);
                    seen.insert(job.id);
                }
            }
        } else if !warned {
            note("there is no spool yet; waiting for a server (`hotfolders serve`)");
            warned = true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    progress.finish_and_clear();
    if bad.is_empty() { Ok(()) } else { Err(Error::failed(format!("not done: {}", bad.join(", ")))) }
}

fn new_jobs(spool: &Spool, seen: &HashSet<JobId>) -> Vec<Located> {
    let jobs = State::ALL.into_iter().flat_map(|state| spool.jobs(state).unwrap_or_default());
    jobs.filter(|job| !seen.contains(&job.id)).collect()
}

fn show_progress(progress: &indicatif::ProgressBar, job: &Located) {
    if job.state != State::Processing {
        return;
    }
    if let Ok(plan) = job::read::<crate::plan::Plan>(&job.folder, file::PLAN) {
        let done = journal::read(&job.folder.join(file::JOURNAL)).unwrap_or_default();
        progress.set_length((plan.renders.len() + plan.deliveries.len()) as u64);
        progress.set_position((done.rendered.len() + done.delivered.len()) as u64);
        progress.set_message(job.id.to_string());
    }
}

struct End {
    text: String,
    fine: bool,
}

/// How a job ended; `None` while it has not.
fn end_of(job: &Located) -> Option<End> {
    match job.state {
        State::Pending | State::Processing => None,
        State::Held => {
            let questions: Vec<Question> = job::read(&job.folder, file::QUESTIONS).ok()?;
            let list = questions.iter().map(|q| format!("\n  {}: {}", q.code, q.text)).collect::<Vec<_>>().concat();
            Some(End { text: format!("held ({}):{list}", job.id), fine: false })
        }
        State::Done | State::Failed => {
            let receipt = receipt::read(&job.folder)?;
            let mut text = format!("{} ({}), {} pictures", receipt.result, job.id, receipt.pictures());
            if let Some(repeated) = &receipt.duplicate_of {
                text = format!("{} ({}): job {repeated} makes, or has made, just this", receipt.result, job.id);
            }
            for warning in &receipt.warnings {
                text += &format!("\n  warning: {}: {}", warning.code, warning.text);
            }
            for error in &receipt.errors {
                text += &format!("\n  error: {}: {}", error.code, error.text.trim_end());
            }
            let fine = job.state == State::Done && receipt.result != "cancelled";
            Some(End { text, fine })
        }
    }
}
