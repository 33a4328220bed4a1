//! Pictures that a failed job lacks, brought after it: from the hot folder that it came from, or from a folder that an
//! operator names.
//!
//! Owns: a picture in a job's `inputs/` is the old one or the new one, and whole. What is taken from a hot folder is taken
//! as a drop is: settled, whole, durable in the job before it is removed there, and never while a manifest waits for it.

use std::path::{Path, PathBuf};

use super::accept::{NotNow, bring, copy_in};
use super::listing;
use super::pictures::{self, Content, Contents, Named, Presence, Tree};
use super::waiting::Picture;
use crate::model::config::Config;
use crate::model::manifest::{self, Manifest};
use crate::model::name::{RelPath, fold};
use crate::spool::durable::{self, Unsynced, Written};
use crate::spool::job::{self, JobFile, JobId, Stamp, Taken, file};

/// Where a picture arrives in the job's folder before it gets its name.
const INCOMING: &str = "incoming.part";

/// A job that is to be tried again, and looks into its hot folder first.
#[derive(Debug)]
pub(super) struct Mending {
    pub(super) job: JobId,
    pub(super) hot_folder: String,
    pub(super) folder: PathBuf,
    /// Where its manifest lay, below the hot folder.
    pub(super) below: String,
    pub(super) named: Vec<Named>,
}

impl Mending {
    pub(super) fn of(job: &JobFile, folder: PathBuf) -> Mending {
        let below = job.manifest.rsplit_once('/').map_or("", |(folder, _)| folder).to_string();
        let named = manifest_of(job, &folder).map(|manifest| lacked(&manifest, &job.lacks)).unwrap_or_default();
        Mending { job: job.job.clone(), hot_folder: job.hot_folder.clone(), folder, below, named }
    }
}

fn manifest_of(job: &JobFile, folder: &Path) -> Option<Manifest> {
    let bytes = std::fs::read(folder.join(&job.manifest_file)).ok()?;
    Some(manifest::read_job(&bytes, &job.manifest, job.kind).ok()?.manifest)
}

fn lacked(manifest: &Manifest, lacks: &[String]) -> Vec<Named> {
    pictures::named(manifest).into_iter().filter(|named| lacks.contains(&named.place())).collect()
}

/// The pictures that a job does not have, or has spoilt ones of, by their places in `inputs/`: a name, or `#` and a number.
pub fn lacking(manifest: &Manifest, inputs: &Path, is_spoilt: &dyn Fn(&RelPath) -> bool) -> Vec<String> {
    let is_lacked = |named: &Named| named.input_in(inputs).is_none_or(|name| is_spoilt(&name));
    pictures::named(manifest).iter().filter(|named| is_lacked(named)).map(Named::place).collect()
}

/// Brings what a job lacks from a folder that an operator names; what lies there stays there. Says what it was.
pub fn bring_from(
    folder: &Path,
    config: &Config,
    (job, job_folder): (&JobFile, &Path),
    lacks: &[String],
) -> Result<Vec<String>, String> {
    let manifest = manifest_of(job, job_folder).ok_or("its manifest cannot be read")?;
    let listing = listing::list(folder, true).map_err(|e| format!("{} cannot be read: {e}", folder.display()))?;
    let (tree, mut contents) = (Tree::new(&listing, config), Contents::default());
    let lacked = lacked(&manifest, lacks);
    let mut found = Vec::new();
    for named in &lacked {
        let is_alone = lacked.iter().filter(|other| fold(other.file_name()) == fold(named.file_name())).count() == 1;
        let presence = match tree.find("", named) {
            // A browser sends the name alone.
            Presence::Missing if is_alone => tree.find_anywhere(named),
            presence => presence,
        };
        let (file, input) = match presence {
            Presence::There(file, input) => (file, input),
            Presence::Missing => continue,
            Presence::Unclear(why) => return Err(why),
        };
        contents.begin();
        match contents.look(file, named) {
            Content::Whole => {}
            Content::Spoilt(why) => return Err(format!("{}: {why}", file.path.display())),
            Content::Later => return Err(format!("{} is changing: try again when it is whole", file.path.display())),
            Content::Unreadable(why) => return Err(format!("{} cannot be read: {why}", file.path.display())),
        }
        found.push((named, Picture { from: file.path.clone(), stamp: file.stamp, input, stays: true }));
    }
    let mut brought = Vec::new();
    for (named, picture) in &found {
        put(job_folder, picture, false).map_err(|e| e.to_string())?;
        brought.push(named.place());
    }
    Ok(brought)
}

/// Puts what was found into the job, which then may start as soon as its drop is clear again. `None` where the job has
/// been moved meanwhile.
pub(super) fn take(mending: &Mending, found: &[Picture]) -> Result<Option<JobFile>, NotNow> {
    // Whoever cancels or holds it comes before, or after.
    let _changes = job::exclusively();
    let Ok(mut record) = job::read::<JobFile>(&mending.folder, file::JOB) else { return Ok(None) };
    for picture in found {
        put(&mending.folder, picture, true)?;
    }
    if record.drop_cleared {
        record.taken.iter_mut().for_each(|taken| taken.shared = true);
    }
    let inputs = RelPath::parse(file::INPUTS).ok();
    for picture in found {
        let place = inputs.as_ref().map(|inputs| inputs.join(&picture.input));
        record.taken.retain(|taken| taken.file.is_none() || taken.file != place);
        record.taken.push(Taken { from: picture.from.clone(), stamp: picture.stamp, file: place, shared: false });
    }
    record.lacks.clear();
    record.drop_cleared = false;
    job::write(&mending.folder, file::JOB, &record)?;
    Ok(Some(record))
}

/// In place of what has its name.
fn put(job_folder: &Path, picture: &Picture, by_link: bool) -> Result<(), NotNow> {
    let target = picture.input.below(&job_folder.join(file::INPUTS));
    // Cut off before it was noted, it is there already.
    if Stamp::of(&target).ok() != Some(picture.stamp) {
        let incoming = job_folder.join(INCOMING);
        durable::remove_file(&incoming)?;
        let (mut unsynced, mut written) = (Unsynced::on_volume_of(job_folder)?, Written::default());
        if by_link {
            bring(&picture.from, &picture.stamp, &incoming, &mut written)?;
        } else {
            copy_in(&picture.from, &picture.stamp, &incoming)?;
        }
        unsynced.add(written);
        unsynced.sync()?;
        if let Some(above) = target.parent() {
            durable::make_folders(job_folder, above)?;
        }
        durable::publish_replace(&incoming, &target)?;
    }
    // The folder of a number holds one picture, which may have had another name.
    if picture.input.as_str().starts_with('#')
        && let Some(above) = target.parent()
    {
        let others = std::fs::read_dir(above).into_iter().flatten().flatten().map(|entry| entry.path());
        for other in others.filter(|path| *path != target) {
            durable::remove_file(&other)?;
        }
    }
    Ok(())
}
