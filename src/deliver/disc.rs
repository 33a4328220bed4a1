//! `to: disc`: folders to be burned, one for each disc.
//!
//! Owns: a disc's folder appears complete, all discs of a set in one rename. Its digest is that of its listing, so a
//! disc that stands can be compared with what the journal says.
//!
//! Extra files go on disc 1. A set is handed over together, so a licence or a slide show is needed once; and on every
//! disc a large one would make the set longer.

use super::conflict::{self, Chosen};
use super::content::{self, Source, Written};
use super::error::DeliverError;
use super::ledger::Ledger;
use super::publish;
use super::staging::{self, Names, Part, Tree};
use super::volume::{self, disc_bytes, disc_name, disc_path, label_path, label_unit, unit};
use super::{Job, place};
use crate::model::delivery::DiscSize;
use crate::model::name::RelPath;
use crate::model::units::show_bytes;
use crate::plan::{Content, DeliveryStep};
use crate::spool::durable::{Folder, Found};
use crate::spool::journal::PlacedFile;

/// The disc, or the set of discs, in the staging folder.
const SET: &str = "set";
/// The label of the only disc, which stands beside its folder.
const LABEL: &str = "label";

/// Says whether all of it stands.
pub(super) fn deliver(
    job: &Job<'_>,
    step: &DeliveryStep,
    medium: DiscSize,
    ledger: &mut Ledger<'_>,
) -> Result<bool, DeliverError> {
    let Some(sources) = sources(job, step, ledger) else { return Ok(false) };
    let place = place::of_volumes(step)?;
    let Some(path) = &place.path else { return Ok(false) };
    let names = Names::new(job.id, &step.id);
    let fixed = place::open(&place)?;
    let above = place::make(&fixed, path.parent().as_ref())?;
    names.put_back(&above)?;
    let set_stands = recover(&fixed, ledger)?;
    let part = names.fresh(&above)?;
    let label = set_stands.then(|| missing_label(step, ledger)).flatten();
    if !set_stands {
        let volumes = spread(step, &sources, medium)?;
        let built = build(step, &sources, &volumes, &part.folder)?;
        let chosen = publish_set(job, path, &fixed, &part, &built, ledger)?;
        if built.count() == 1 && step.label.is_some() {
            publish_label(&fixed, &part.folder, &label_path(&chosen.path))?;
        }
        for number in 1..=built.count() {
            ledger.placed(&unit(number));
            if step.label.is_some() {
                ledger.placed(&label_unit(number));
            }
        }
    } else if let Some((text, path)) = label {
        staging::write(text.as_bytes(), &part.folder, LABEL)?;
        publish_label(&fixed, &part.folder, &path)?;
        ledger.placed(&label_unit(1));
    }
    part.remove()?;
    above.remove(&names.old)?;
    above.sync()?;
    ledger.close()?;
    Ok(true)
}

/// Where every member's bytes are, extra files first; `None` as long as something is not rendered.
fn sources(job: &Job<'_>, step: &DeliveryStep, ledger: &Ledger<'_>) -> Option<Vec<(RelPath, Source)>> {
    let (extras, pictures): (Vec<_>, Vec<_>) =
        step.members.iter().partition(|member| matches!(member.content, Content::File(_)));
    let source = |member: &&crate::plan::Member| {
        Some((member.path.clone(), content::source(job.outputs, member, ledger.progress())?))
    };
    extras.iter().chain(&pictures).map(source).collect()
}

fn spread(
    step: &DeliveryStep,
    sources: &[(RelPath, Source)],
    medium: DiscSize,
) -> Result<Vec<Vec<usize>>, DeliverError> {
    let usable_bytes = medium.usable_bytes();
    let mut sizes = Vec::new();
    for (path, source) in sources {
        let bytes = source.bytes()?;
        if disc_bytes(bytes) > usable_bytes {
            return Err(DeliverError::Conflict(format!(
                "{path} has {}, a disc of delivery {} ({}) takes {}: choose a larger `medium`",
                show_bytes(bytes),
                step.id,
                step.owner,
                show_bytes(usable_bytes)
            )));
        }
        sizes.push(disc_bytes(bytes));
    }
    Ok(volume::split(&sizes, usable_bytes))
}

/// What lies in the staging folder.
struct Built {
    discs: Vec<Written>,
    /// Empty when the discs have none.
    labels: Vec<Written>,
}

impl Built {
    fn count(&self) -> usize {
        self.discs.len()
    }
}

fn label_text(label: &str, number: usize, count: usize) -> String {
    label.replace("{discs}", &count.to_string()).replace("{disc}", &number.to_string()) + "\n"
}

fn build(
    step: &DeliveryStep,
    sources: &[(RelPath, Source)],
    volumes: &[Vec<usize>],
    part: &Folder,
) -> Result<Built, DeliverError> {
    let count = volumes.len();
    let set = part.make_new(SET)?;
    let mut built = Built { discs: Vec::new(), labels: Vec::new() };
    for (number, members) in (1..).zip(volumes) {
        let disc = if count > 1 { set.make_new(&disc_name(number))? } else { set.again()? };
        let mut tree = Tree::new(&disc);
        let (mut lines, mut bytes) = (Vec::new(), 0);
        for (path, source) in members.iter().map(|i| &sources[*i]) {
            let written = tree.copy(source, path)?;
            lines.push(content::listed(&written.sha256, path.as_str()));
            bytes += written.bytes;
        }
        tree.sync()?;
        let expected = Written { sha256: content::digest_listing(lines), bytes };
        // What was burned cannot be taken back: the disc is read once more before it is shown.
        if content::digest_tree(&disc)? != expected {
            return Err(DeliverError::Unreachable(format!(
                "what was written to {} reads back differently: its disk, share or cable needs a look",
                disc.path().display()
            )));
        }
        built.discs.push(expected);
        if let Some(label) = &step.label {
            let text = label_text(label, number, count);
            let written = if count > 1 {
                staging::write(text.as_bytes(), &set, &format!("{}.label.txt", disc_name(number)))?
            } else {
                staging::write(text.as_bytes(), part, LABEL)?
            };
            built.labels.push(written);
        }
    }
    set.sync()?;
    Ok(built)
}

fn publish_set(
    job: &Job<'_>,
    wanted: &RelPath,
    fixed: &Folder,
    part: &Part,
    built: &Built,
    ledger: &mut Ledger<'_>,
) -> Result<Chosen, DeliverError> {
    let (above, names) = (&part.above, &part.names);
    let count = built.count();
    let has_label_beside = count == 1 && !built.labels.is_empty();
    let beside: Option<&dyn Fn(&RelPath) -> RelPath> = if has_label_beside { Some(&label_path) } else { None };
    loop {
        let announced = conflict::announced(ledger, &unit(1)).map(|path| set_of(path, wanted));
        let chosen = conflict::choose_folder(job, fixed, wanted, announced.as_ref(), beside)?;
        let mut files = Vec::new();
        for number in 1..=count {
            let path = disc_path(&chosen.path, number, count);
            if let Some(label) = built.labels.get(number - 1) {
                files.push((label_unit(number), placed_file(label_path(&path), label)));
            }
            files.push((unit(number), placed_file(path, &built.discs[number - 1])));
        }
        ledger.announce(files)?;
        let name = chosen.path.file_name();
        if chosen.replaces.is_some() {
            let old = above.make_new(&names.old)?;
            above.publish(name, &old, name)?;
            old.sync()?;
            above.sync()?;
        }
        match part.folder.publish(SET, above, name) {
            Ok(()) => {}
            // Somebody took the name between the look and the rename.
            Err(e) if e.already_exists() => {
                names.put_back(above)?;
                continue;
            }
            Err(e) => return Err(e.into()),
        }
        above.sync()?;
        return Ok(chosen);
    }
}

fn placed_file(path: RelPath, written: &Written) -> PlacedFile {
    PlacedFile { path, sha256: written.sha256.clone(), bytes: written.bytes }
}

/// The set's folder, from the path of its first disc: a disc of several has one part more than the plan's path.
fn set_of(disc: &RelPath, wanted: &RelPath) -> RelPath {
    let parts = |path: &RelPath| path.as_str().split('/').count();
    match disc.parent() {
        Some(parent) if parts(disc) > parts(wanted) => parent,
        _ => disc.clone(),
    }
}

/// The label follows the disc: whoever sees the label finds its disc. What has its name is an earlier label of ours.
fn publish_label(fixed: &Folder, part: &Folder, path: &RelPath) -> Result<(), DeliverError> {
    let above = place::make(fixed, path.parent().as_ref())?;
    part.publish_replace(LABEL, &above, path.file_name())?;
    Ok(above.sync()?)
}

/// After a crash: all that was announced and stands is ours. A set appears in one rename, so either every disc of it
/// stands or somebody touched it since, and then it is not taken for ours. Says whether the discs stand.
fn recover(fixed: &Folder, ledger: &mut Ledger<'_>) -> Result<bool, DeliverError> {
    let doubtful = ledger.doubtful();
    let (labels, discs): (Vec<_>, Vec<_>) = doubtful.into_iter().partition(|(unit, _)| unit.starts_with("label"));
    for (_, file) in &discs {
        if !disc_stands(fixed, file)? {
            return Ok(false);
        }
    }
    for (unit, _) in &discs {
        ledger.placed(unit);
    }
    let is_set = ledger.file(&unit(2)).is_some();
    for (unit, file) in &labels {
        // The labels of a set came with its folder.
        if is_set || publish::stands(fixed, file)? {
            ledger.placed(unit);
        }
    }
    Ok(ledger.stands(&unit(1)))
}

fn disc_stands(fixed: &Folder, file: &PlacedFile) -> Result<bool, DeliverError> {
    let Some(above) = place::find(fixed, file.path.parent().as_ref())? else { return Ok(false) };
    let name = file.path.file_name();
    if above.look(name)? != Found::Folder {
        return Ok(false);
    }
    Ok(content::digest_tree(&above.folder(name)?)?.sha256 == file.sha256)
}

/// The label of the only disc, when a crash came between the two.
fn missing_label(step: &DeliveryStep, ledger: &Ledger<'_>) -> Option<(String, RelPath)> {
    let label = step.label.as_ref()?;
    let path = conflict::announced(ledger, &label_unit(1)).filter(|_| !ledger.stands(&label_unit(1)))?;
    Some((label_text(label, 1, 1), path.clone()))
}
