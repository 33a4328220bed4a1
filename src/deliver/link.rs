//! What lies behind a download link: a folder with the zip, the small pictures, and what the page says of them.
//!
//! Owns: the folder appears whole, in one rename, under a name that is not the token, and other users of the
//! computer cannot open it. Who may open it, and by what address, is not decided here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::content::{self, Source, Written};
use super::error::DeliverError;
use super::ledger::Ledger;
use super::staging::{self, Names};
use super::volume::unit;
use super::{Job, place, zip};
use crate::model::name::RelPath;
use crate::model::spec::PixelSize;
use crate::plan::{Content, DeliveryStep, Member, Place, PlannedLink, PlannedPreview, StepId};
use crate::spool::durable::Found;
use crate::spool::journal::{Journal, PlacedFile};
use crate::spool::links::{CONTENTS, Contents, LinkedFile, SmallPicture, ZIP, ZipFile, screen_name, thumb_name};

/// The form of `contents.json` that this version writes.
const CONTENTS_VERSION: u32 = 1;
/// The folder in the staging folder.
const SET: &str = "set";

/// Where all of them lie.
#[derive(Debug, Clone, Copy)]
pub struct Shelf<'a> {
    pub folder: &'a Path,
    /// It is made when it is missing.
    pub made: bool,
}

/// The name of a step's folder on the shelf.
pub fn folder_name(job: &str, step: &StepId) -> String {
    format!("{job}-{step}")
}

/// Builds the folder of a link and puts it on the shelf; where it stands, or `None` as long as something is not
/// rendered. Twice is once. `to_keep`: the pictures themselves are in it, else only what a screen shows.
pub fn package(
    job: &Job<'_>,
    step: &DeliveryStep,
    planned: &PlannedLink,
    to_keep: bool,
    shelf: Shelf<'_>,
    journal: &mut Journal,
) -> Result<Option<PathBuf>, DeliverError> {
    let mut ledger = Ledger::new(journal, &step.id, job.now);
    let Some(sources) = sources(job, step, planned, &ledger) else { return Ok(None) };
    let place = Place { fixed: shelf.folder.to_path_buf(), made: shelf.made, path: None, shown: String::new() };
    let above = place::open(&place)?;
    let name = folder_name(job.id, &step.id);
    let folder = above.join(&name);
    let names = Names::new(job.id, &step.id);
    let announced = ledger.file(&unit(1)).cloned();
    if above.look(&name)? == Found::Folder {
        let stands = ledger.stands(&unit(1));
        let digest = || content::digest_tree(&above.folder(&name)?).map(|found| found.sha256);
        if stands || announced.is_some_and(|file| digest().is_ok_and(|found| found == file.sha256)) {
            if above.remove(&names.part)? {
                above.sync()?;
            }
            ledger.placed(&unit(1));
            ledger.flush()?;
            return Ok(Some(folder));
        }
    }
    let part = names.fresh(&above)?;
    let set = part.folder.make_new_private(SET)?;
    let written = build(&sources, planned, to_keep, &set)?;
    let path = RelPath::parse(&name).unwrap_or_else(|_| RelPath::unnamed());
    ledger.announce(vec![(unit(1), PlacedFile { path, sha256: written.sha256, bytes: written.bytes })])?;
    // Only this step has that name: what stands there came to nothing before.
    above.remove(&name)?;
    part.folder.publish(SET, &above, &name)?;
    part.remove()?;
    above.sync()?;
    ledger.placed(&unit(1));
    ledger.flush()?;
    Ok(Some(folder))
}

/// The link answers: all of the delivery stands.
pub fn close(job: &Job<'_>, step: &DeliveryStep, journal: &mut Journal) -> Result<(), DeliverError> {
    Ledger::new(journal, &step.id, job.now).close()
}

/// Removes what a job that came to nothing left on the shelf.
pub fn clean(job: &str, step: &StepId, shelf: &Path) -> Result<(), DeliverError> {
    match place::open_standing(shelf)? {
        Some(above) => Names::new(job, step).clean(&above),
        None => Ok(()),
    }
}

/// A member with its bytes, and its small pictures.
struct Packed<'s> {
    member: &'s Member,
    source: Source,
    small: Option<[(Source, PixelSize); 2]>,
    /// The picture of which this is another size.
    same_as: Option<&'s StepId>,
}

fn sources<'s>(
    job: &Job<'_>,
    step: &'s DeliveryStep,
    planned: &'s PlannedLink,
    ledger: &Ledger<'_>,
) -> Option<Vec<Packed<'s>>> {
    let small = |id: &StepId| {
        let output = ledger.progress().rendered.get(id)?;
        Some((content::rendered(job.outputs, output), output.pixels))
    };
    let packed = |member: &'s Member| {
        let of = |preview: &&PlannedPreview| member.content == Content::Step(preview.of.clone());
        let preview = planned.previews.iter().find(of);
        let small = match preview {
            Some(preview) => Some([small(&preview.thumb)?, small(&preview.screen)?]),
            None => None,
        };
        let source = content::source(job.outputs, member, ledger.progress())?;
        Some(Packed { member, source, small, same_as: preview.and_then(|preview| preview.same_as.as_ref()) })
    };
    step.members.iter().map(packed).collect()
}

/// Fills the folder; its digest.
fn build(
    sources: &[Packed<'_>],
    planned: &PlannedLink,
    to_keep: bool,
    set: &crate::spool::durable::Folder,
) -> Result<Written, DeliverError> {
    let (mut lines, mut bytes) = (Vec::new(), 0);
    let mut note = |name: &str, written: &Written| {
        lines.push(content::listed(&written.sha256, name));
        bytes += written.bytes;
    };
    // The zip is sorted, the page is in the order of the plan.
    let mut sorted: Vec<usize> = (0..sources.len()).collect();
    sorted.sort_by(|a, b| sources[*a].member.path.cmp(&sources[*b].member.path));
    let mut stretches = vec![None; sources.len()];
    let zip = if to_keep {
        let entry = |index: &usize| {
            let Packed { member, source, .. } = &sources[*index];
            zip::Entry { path: member.path.clone(), source: source.clone(), taken: member.taken }
        };
        let entries: Vec<zip::Entry> = sorted.iter().map(entry).collect();
        let archive = zip::write(&entries, set, ZIP)?;
        note(ZIP, &archive.whole);
        for (index, entry) in sorted.into_iter().zip(archive.entries) {
            stretches[index] = Some(entry);
        }
        Some(ZipFile { name: planned.zip.clone(), bytes: archive.whole.bytes, sha256: archive.whole.sha256 })
    } else {
        None
    };
    let mut files = Vec::new();
    let mut index_of: BTreeMap<&StepId, usize> = BTreeMap::new();
    for (packed, stretch) in sources.iter().zip(stretches) {
        let index = files.len();
        // What cannot be looked at is nothing to look at.
        if !to_keep && packed.small.is_none() {
            continue;
        }
        let mut small = [None, None];
        for (slot, (name, (source, pixels))) in
            small.iter_mut().zip([thumb_name(index), screen_name(index)].into_iter().zip(packed.small.iter().flatten()))
        {
            let written = staging::copy(source, set, &name)?;
            note(&name, &written);
            *slot = Some(SmallPicture { pixels: *pixels, bytes: written.bytes });
        }
        let [thumb, screen] = small;
        let (written, offset) = stretch.unwrap_or_else(|| (Written { sha256: String::new(), bytes: 0 }, 0));
        let Written { sha256, bytes } = written;
        let same_as = packed.same_as.and_then(|first| index_of.get(first)).copied();
        if let Content::Step(id) = &packed.member.content {
            index_of.insert(id, index);
        }
        files.push(LinkedFile { path: packed.member.path.clone(), bytes, sha256, offset, thumb, screen, same_as });
    }
    let contents = Contents {
        contents: CONTENTS_VERSION,
        client: planned.client.clone(),
        language: planned.language.clone(),
        zip,
        files,
    };
    let text = serde_json::to_vec(&contents).unwrap_or_default();
    note(CONTENTS, &staging::write(&text, set, CONTENTS)?);
    set.sync()?;
    Ok(Written { sha256: content::digest_listing(lines), bytes })
}
