//! `to: zip`: pictures in one archive, or in several of a chosen size.
//!
//! Owns: the same inputs give the same bytes. Pictures do not get smaller, so they are stored; order, permissions
//! and system are fixed, times are those of the plan. Every archive is opened again and each entry compared before it is published.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek as _, SeekFrom};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipArchive, ZipWriter};

use super::conflict::{self, Standing, Taken};
use super::content::{self, Source, Written};
use super::error::DeliverError;
use super::ledger::Ledger;
use super::publish::{self, Ready, staged_name};
use super::staging::Names;
use super::volume::{self, unit, zip_path};
use super::{Job, place};
use crate::model::delivery::OnConflict;
use crate::model::name::RelPath;
use crate::plan::DeliveryStep;
use crate::spool::durable::{DurableError, Folder, Staged};

const BUFFER_BYTES: usize = 1 << 20;
/// Sizes and offsets from here on do not fit into the 32 bits of the original format.
const ZIP64_FROM_BYTES: u64 = u32::MAX as u64;
const ZIP64_FROM_ENTRIES: usize = u16::MAX as usize;

/// A file in an archive.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: RelPath,
    pub(super) source: Source,
    pub(super) taken: Option<jiff::civil::DateTime>,
}

/// How the format dates what was taken: in local time, by the camera's clock, in steps of two seconds. What has no date,
/// or one that the format does not know (before 1980, after 2107), has the first one that it knows.
fn date_of(taken: Option<jiff::civil::DateTime>) -> DateTime {
    let written = taken.and_then(|taken| {
        let part = |number: i8| u8::try_from(number).ok();
        let (year, month, day) = (u16::try_from(taken.year()).ok()?, part(taken.month())?, part(taken.day())?);
        let (hour, minute, second) = (part(taken.hour())?, part(taken.minute())?, part(taken.second())?);
        DateTime::from_date_and_time(year, month, day, hour, minute, second).ok()
    });
    written.unwrap_or(DateTime::DEFAULT)
}

/// An archive on the disk.
pub(super) struct Archive {
    pub(super) whole: Written,
    /// Of each entry, and where its bytes begin.
    pub(super) entries: Vec<(Written, u64)>,
}

/// Says whether all of it stands.
pub(super) fn deliver(
    job: &Job<'_>,
    step: &DeliveryStep,
    split_bytes: Option<u64>,
    ledger: &mut Ledger<'_>,
) -> Result<bool, DeliverError> {
    let source = |member: &crate::plan::Member| {
        let source = content::source(job.outputs, member, ledger.progress())?;
        Some(Entry { path: member.path.clone(), source, taken: member.taken })
    };
    let Some(entries) = step.members.iter().map(source).collect::<Option<Vec<_>>>() else { return Ok(false) };
    let place = place::of_volumes(step)?;
    let Some(wanted) = place.path.clone() else { return Ok(false) };
    let names = Names::new(job.id, &step.id);
    let fixed = place::open(&place)?;
    publish::recover_files(ledger, &fixed)?;
    let parts = spread(entries, split_bytes)?;
    let count = parts.len();
    let open: Vec<usize> = (1..=count).filter(|number| !ledger.stands(&unit(*number))).collect();
    if !open.is_empty() {
        // Staged beside the archive: `fixed` may be a folder of folders that others watch.
        let above = place::make(&fixed, wanted.parent().as_ref())?;
        let part = names.fresh(&above)?;
        let set = choose_set(job, &fixed, &wanted, count, ledger)?;
        let mut ready = Vec::new();
        for number in open {
            let staged = staged_name(number);
            let written = write(&parts[number - 1], &part.folder, &staged)?.whole;
            ready.push(Ready {
                unit: unit(number),
                staged,
                written,
                wanted: zip_path(&set, number, count),
                chosen: None,
            });
        }
        let siblings: Vec<RelPath> = (1..=count).map(|number| zip_path(&set, number, count)).collect();
        let taken = Taken::new(siblings.iter());
        publish::publish(job, ledger, &fixed, &part, OnConflict::Suffix, &taken, ready)?;
    }
    ledger.close()?;
    Ok(true)
}

/// Divides the members in their order, then sorts each archive by path.
fn spread(entries: Vec<Entry>, split_bytes: Option<u64>) -> Result<Vec<Vec<Entry>>, DeliverError> {
    let mut parts = match split_bytes {
        None => vec![entries],
        Some(limit) => {
            let large = limit >= ZIP64_FROM_BYTES || entries.len() >= ZIP64_FROM_ENTRIES;
            let mut sizes = Vec::new();
            for Entry { path, source, .. } in &entries {
                sizes.push(entry_bytes(path, source.bytes()?, large));
            }
            let capacity = limit.saturating_sub(end_bytes(large));
            let indices = volume::split(&sizes, capacity);
            let mut entries = entries.into_iter();
            indices.iter().map(|part| entries.by_ref().take(part.len()).collect()).collect()
        }
    };
    for part in &mut parts {
        part.sort_by(|a: &Entry, b| a.path.cmp(&b.path));
    }
    Ok(parts)
}

/// What an entry takes at most: a header before it, one in the directory, its name in both.
fn entry_bytes(path: &RelPath, bytes: u64, large: bool) -> u64 {
    let zip64 = if large || bytes >= ZIP64_FROM_BYTES { 20 + 28 } else { 0 };
    30 + 46 + 2 * path.as_str().len() as u64 + zip64 + bytes
}

/// The end of the directory.
fn end_bytes(large: bool) -> u64 {
    if large { 22 + 56 + 20 } else { 22 }
}

/// All parts of a set share the name in front of their number, so a conflict of one renames the set.
fn choose_set(
    job: &Job<'_>,
    fixed: &Folder,
    wanted: &RelPath,
    count: usize,
    ledger: &Ledger<'_>,
) -> Result<RelPath, DeliverError> {
    let fits = |set: &RelPath| -> Result<bool, DeliverError> {
        for number in 1..=count {
            let path = zip_path(set, number, count);
            let own = ledger.stands(&unit(number)) && conflict::announced(ledger, &unit(number)) == Some(&path);
            if !own && !matches!(conflict::file_at(job, fixed, &path)?, Standing::Free | Standing::Ours) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    conflict::choose_set(fixed, wanted, fits)
}

/// Writes an archive onto the disk and reads it back.
pub(super) fn write(entries: &[Entry], folder: &Folder, name: &str) -> Result<Archive, DeliverError> {
    let path = folder.join(name);
    let failed = |e: zip::result::ZipError| DeliverError::from(DurableError::new("write", &path, e.into()));
    let mut archive = ZipWriter::new(BufWriter::with_capacity(BUFFER_BYTES, folder.create(name)?));
    let mut digests = Vec::new();
    for Entry { path: entry, source, taken } in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(date_of(*taken))
            .unix_permissions(0o644)
            .system(System::Unix)
            .large_file(source.bytes()? >= ZIP64_FROM_BYTES);
        archive.start_file(entry.as_str(), options).map_err(failed)?;
        digests.push(source.copy(&mut archive, &path)?);
    }
    let staged: Staged = archive
        .finish()
        .map_err(failed)?
        .into_inner()
        .map_err(|e| DurableError::new("write", &path, e.into_error()))?;
    let mut file = staged.finish()?;
    file.seek(SeekFrom::Start(0)).map_err(|e| DurableError::new("read", &path, e))?;
    let whole = content::digest(&mut file, &path)?;
    let starts = check(file, entries, &digests).map_err(|e| DurableError::new("read back", &path, e))?;
    Ok(Archive { whole, entries: digests.into_iter().zip(starts).collect() })
}

/// Reads every entry; the reader checks its CRC, we its digest. Where the bytes of each begin.
fn check(file: File, entries: &[Entry], digests: &[Written]) -> std::io::Result<Vec<u64>> {
    let different = |what: &str| std::io::Error::other(format!("{what} reads back differently than it was written"));
    let mut archive = ZipArchive::new(BufReader::with_capacity(BUFFER_BYTES, file))?;
    if archive.len() != entries.len() {
        return Err(different("the list of its entries"));
    }
    let mut starts = Vec::new();
    for (index, (Entry { path, .. }, written)) in entries.iter().zip(digests).enumerate() {
        let mut entry = archive.by_index(index)?;
        if entry.name()? != path.as_str() {
            return Err(different("the list of its entries"));
        }
        let read = content::digest(&mut entry, std::path::Path::new(path.as_str())).map_err(|e| e.source)?;
        if read != *written {
            return Err(different(path.as_str()));
        }
        starts.push(entry.data_start().ok_or_else(|| different(path.as_str()))?);
    }
    Ok(starts)
}
