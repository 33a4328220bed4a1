//! `hotfolders submit`: drops manifests as a studio app should, and may wait for the result.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::config;
use super::plan::{folder_of, hot_folder, read_manifest, taken_by};
use super::terminal::{bar, note, say};
use crate::error::{Error, Exit};
use crate::intake::{self, Beside};
use crate::model::config::{Config, HotFolder, Images};
use crate::model::counted::counted;
use crate::model::digest;
use crate::model::name::RelPath;
use crate::plan::frozen::Verdict;
use crate::plan::matching;
use crate::plan::values::stem;
use crate::spool::durable::{self, Done};
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
        let one = drop_manifest(&loaded.config, hot_folder, manifest)?;
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

/// Pictures, manifest and done file, each whole before the next. With pictures it goes into a sub-folder of its own, which
/// appears at once: no other order's picture can be taken for one of these, whatever they are called.
pub(super) fn drop_manifest(config: &Config, hot_folder: &HotFolder, path: &Path) -> Result<Dropped, Error> {
    let failed = |e: &dyn std::fmt::Display| Error::failed(e.to_string());
    if !hot_folder.folder.is_dir() {
        return Err(Error::failed(format!(
            "hot folder {} is not there: {} does not exist, or its disk is not mounted",
            hot_folder.name,
            hot_folder.folder.display()
        )));
    }
    let name = taken_by(hot_folder, path)?;
    let name = RelPath::from_part(&name).ok_or_else(|| Error::usage(format!("{} has no file name", path.display())))?;
    let (manifest, warnings) = read_manifest(path)?;
    for warning in warnings {
        note(&format!("warning: {warning}"));
    }
    if let Some(why) = intake::why_elsewhere(&manifest, hot_folder, config) {
        note(&format!("warning: {why}"));
    }
    let bytes = std::fs::read(path).map_err(|e| Error::failed(format!("{}: cannot be read: {e}", path.display())))?;
    let sha256 = digest::sha256(&bytes);
    let is_made = matching::freeze(&manifest, hot_folder, config).verdict == Verdict::Run;
    if hot_folder.images == Images::Beside && is_made {
        let folder = folder_of(path);
        let beside = Beside::find(&manifest, folder, config)
            .map_err(|e| Error::failed(format!("{}: cannot be read: {e}", folder.display())))?;
        for missing in beside.missing() {
            note(&format!("warning: {missing}; the job waits for it"));
        }
        if beside.lying().next().is_some() {
            let own = drop_with_pictures(hot_folder, &name, &bytes, &beside).map_err(|e| failed(&e))?;
            return Ok(Dropped { name: own.join(&name).to_string(), sha256 });
        }
    }
    let name = free_name(&name, &|free| durable::write_new(&free.below(&hot_folder.folder), &bytes))
        .map_err(|e| failed(&e))?;
    if hot_folder.done_file {
        write_done_file(&hot_folder.folder, &name).map_err(|e| failed(&e))?;
    }
    Ok(Dropped { name: name.to_string(), sha256 })
}

/// The first name that nothing has yet: `name`, `name_2` … Another manifest of that name may wait to be taken.
fn free_name(name: &RelPath, give: &dyn Fn(&RelPath) -> Done) -> Done<RelPath> {
    let mut free = name.clone();
    let mut number = 2;
    loop {
        match give(&free) {
            Ok(()) => return Ok(free),
            Err(e) if e.already_exists() => {
                free = name.with_suffix(&format!("_{number}"));
                number += 1;
            }
            Err(e) => return Err(e),
        }
    }
}

fn write_done_file(folder: &Path, manifest: &RelPath) -> Done {
    durable::replace(&folder.join(intake::done_file(manifest.as_str())), b"")
}

/// Makes the sub-folder under a hidden name, which no hot folder looks into, and gives it its own name when all is in it.
fn drop_with_pictures(hot_folder: &HotFolder, name: &RelPath, bytes: &[u8], beside: &Beside) -> Done<RelPath> {
    let aside = hot_folder.folder.join(format!(".{name}.{}.hf-new", std::process::id()));
    durable::remove_tree(&aside)?;
    durable::make_new_folder(&aside)?;
    let fill = || -> Done<RelPath> {
        for picture in beside.lying() {
            let target = picture.below.split('/').fold(aside.clone(), |path, part| path.join(part));
            durable::make_folders(&aside, target.parent().unwrap_or(&aside))?;
            durable::copy(&picture.file, &target)?;
        }
        durable::write_new(&name.below(&aside), bytes)?;
        if hot_folder.done_file {
            write_done_file(&aside, name)?;
        }
        let own = RelPath::from_part(stem(name.as_str())).unwrap_or_else(RelPath::unnamed);
        free_name(&own, &|free| durable::move_new(&aside, &free.below(&hot_folder.folder)))
    };
    let filled = fill();
    if filled.is_err() {
        // What cannot be removed either is hidden, and no hot folder takes it.
        let _ = durable::remove_tree(&aside);
    }
    filled
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
            let mut text = format!("{} ({}), {}", receipt.result, job.id, counted(receipt.pictures(), "picture"));
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
