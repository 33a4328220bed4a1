//! A finished job once more, on purpose: `jobs reprint`.
//!
//! Owns: a reprint is a job of its own, which stands in `pending/` whole or not at all, and once for each request. The
//! manifest stays as it came; what is wanted of it is in the job's record.

use std::path::{Path, PathBuf};

use crate::clock;
use crate::control::Reprint as Request;
use crate::matcher;
use crate::model::config::{Config, HotFolder, Images};
use crate::model::digest;
use crate::model::manifest::{self, Manifest};
use crate::model::name::RelPath;
use crate::plan::frozen::{Frozen, Verdict};
use crate::plan::matching;
use crate::spool::durable;
use crate::spool::job::{self, JobFile, JobId, Reprint, file};
use crate::spool::queue::{Spool, State};

/// How often another id is tried.
const IDS_MAX: u16 = 1_000;

/// What the new job is made of.
struct Parts {
    then: JobFile,
    inputs: PathBuf,
    name: String,
    text: Vec<u8>,
    manifest: Manifest,
    frozen: Frozen,
}

/// Makes a job of its own; names it. `asked` is the name of the request, where it may come a second time.
pub(super) fn reprint(spool: &Spool, config: &Config, request: &Request, asked: Option<&str>) -> Result<JobId, String> {
    let parts = gather(spool, config, request)?;
    if let Some(id) = made_for(spool, &parts.then, asked)? {
        return Ok(id);
    }
    let accepted = clock::now();
    let local = accepted.to_zoned(clock::time_zone(config.studio.time_zone.as_deref())).datetime();
    let (id, folder) = free_id(spool, &local, &parts.manifest)?;
    let filled = fill(&folder, &id, accepted, &parts, request, asked);
    let moved = filled.and_then(|()| {
        let to = spool.folder(State::Pending).join(id.as_str());
        durable::move_new(&folder, &to).map_err(|e| e.to_string())
    });
    if let Err(why) = moved {
        // What cannot be removed either is wiped at the next start.
        let _ = durable::remove_tree(&folder);
        return Err(why);
    }
    Ok(id)
}

/// The job that a request made before a crash, or a full disk, kept it from being answered.
fn made_for(spool: &Spool, then: &JobFile, asked: Option<&str>) -> Result<Option<JobId>, String> {
    let (Some(asked), Some(kind)) = (asked, then.kind) else { return Ok(None) };
    let is_it = |job: &JobFile| job.reprint_of.as_ref().is_some_and(|r| r.asked.as_deref() == Some(asked));
    for state in State::ALL {
        let jobs = spool.jobs(state).map_err(|e| e.to_string())?.into_iter();
        let mut of_record = jobs.filter(|at| at.id.may_be_of(kind.word(), &then.record));
        if let Some(made) = of_record.find(|at| job::read(&at.folder, file::JOB).is_ok_and(|job| is_it(&job))) {
            return Ok(Some(made.id));
        }
    }
    Ok(None)
}

fn gather(spool: &Spool, config: &Config, request: &Request) -> Result<Parts, String> {
    let located = spool.find(&request.job).map_err(|e| e.to_string())?;
    let Some(located) = located else {
        return Err("there is no such job any more; submit a manifest with `action: reprint` instead".into());
    };
    if !matches!(located.state, State::Done | State::Failed) {
        return Err(format!("it is {}; only a finished job is made again", located.state));
    }
    let then: JobFile = job::read(&located.folder, file::JOB).map_err(|e| e.to_string())?;
    let (name, text) = if let Some(given) = &request.manifest {
        (given.name.clone(), given.text.clone().into_bytes())
    } else {
        let path = located.folder.join(&then.manifest_file);
        let text = std::fs::read(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
        (then.manifest.clone(), text)
    };
    let mut manifest = manifest::read_job(&text, &name, then.kind).map_err(|e| e.to_string())?.manifest;
    if (Some(manifest.kind), &manifest.record) != (then.kind, &then.record) {
        let kind = then.kind.map_or("manifest", |kind| kind.word());
        return Err(format!("{name} is of {} {}, the job of {kind} {}", manifest.kind, manifest.record, then.record));
    }
    check_lines(&manifest, request)?;
    manifest.reprint(&request.lines, request.copies);
    let frozen = freeze(spool, config, request.as_then, &located.folder, &then, &manifest)?;
    Ok(Parts { inputs: located.folder.join(file::INPUTS), then, name, text, manifest, frozen })
}

fn check_lines(manifest: &Manifest, request: &Request) -> Result<(), String> {
    let known: Vec<String> = manifest.lines.iter().map(|line| line.line.to_string()).collect();
    if let Some(unknown) = request.lines.iter().find(|n| !manifest.lines.iter().any(|line| line.line == **n)) {
        return Err(if known.is_empty() {
            "it has no lines: leave `--lines` out".to_string()
        } else {
            format!("it has no line {unknown}; there are {}", known.join(", "))
        });
    }
    if request.copies.is_some() && known.is_empty() {
        return Err("it has no lines whose copies could be counted: leave `--copies` out".into());
    }
    Ok(())
}

fn freeze(
    spool: &Spool,
    config: &Config,
    as_then: bool,
    folder: &Path,
    then: &JobFile,
    manifest: &Manifest,
) -> Result<Frozen, String> {
    let of_then: Frozen = job::read(folder, file::RULES).map_err(|e| e.to_string())?;
    let frozen = if as_then {
        let assets = spool.assets();
        if let Some(lost) = of_then.assets.iter().find(|asset| !assets.join(&asset.sha256).is_file()) {
            return Err(format!("{} of then is not kept any more: leave `--as-then` out", lost.path.display()));
        }
        of_then
    } else {
        let Some(hot_folder) = config.hot_folders.iter().find(|h| h.name == then.hot_folder) else {
            return Err(format!(
                "its hot folder `{}` is not in the config any more: use `--as-then`, or submit a manifest",
                then.hot_folder
            ));
        };
        // Its pictures lie where they lay then.
        let images = if of_then.pictures_beside { Images::Beside } else { Images::Library };
        let hot_folder = HotFolder { images, ..hot_folder.clone() };
        let frozen = matcher::with_digests(matching::freeze(manifest, &hot_folder, config));
        matcher::keep_assets(&frozen.assets, &spool.assets()).map_err(|e| e.to_string())?;
        frozen
    };
    match &frozen.verdict {
        Verdict::Run => Ok(frozen),
        Verdict::Unmatched { why }
        | Verdict::Ignored { why }
        | Verdict::Skipped { why }
        | Verdict::Reject { why, .. } => Err(why.clone()),
        Verdict::Cancel => Err("it took an order back; there is nothing to make".into()),
    }
}

fn free_id(spool: &Spool, local: &jiff::civil::DateTime, manifest: &Manifest) -> Result<(JobId, PathBuf), String> {
    for attempt in 0..IDS_MAX {
        let mut salt = [0; 2];
        // Without randomness the ids still differ: they are looked up.
        let salt = getrandom::fill(&mut salt).map_or(attempt, |()| u16::from_le_bytes(salt));
        let id = JobId::new(local, manifest.kind.word(), &manifest.record, salt);
        let folder = spool.tmp().join(id.as_str());
        if !folder.exists() && spool.find(&id).map_err(|e| e.to_string())?.is_none() {
            durable::make_new_folder(&folder).map_err(|e| e.to_string())?;
            return Ok((id, folder));
        }
    }
    Err("no free job id was found".into())
}

fn fill(
    folder: &Path,
    id: &JobId,
    accepted: jiff::Timestamp,
    parts: &Parts,
    request: &Request,
    asked: Option<&str>,
) -> Result<(), String> {
    let failed = |e: &dyn std::fmt::Display| e.to_string();
    let manifest_file = if request.manifest.is_some() {
        if parts.name.to_lowercase().ends_with(".json") { "manifest.json" } else { "manifest.yaml" }.to_string()
    } else {
        parts.then.manifest_file.clone()
    };
    durable::replace_private(&folder.join(&manifest_file), &parts.text).map_err(|e| failed(&e))?;
    if parts.frozen.pictures_beside {
        bring_pictures(folder, parts, request)?;
    }
    job::write(folder, file::RULES, &parts.frozen).map_err(|e| failed(&e))?;
    let job = JobFile {
        job: id.clone(),
        accepted,
        sequence: 0,
        hot_folder: parts.then.hot_folder.clone(),
        manifest: parts.name.clone(),
        manifest_file,
        manifest_sha256: digest::sha256(&parts.text),
        kind: Some(parts.manifest.kind),
        record: parts.manifest.record.clone(),
        id: parts.manifest.id.clone(),
        taken: Vec::new(),
        drop_cleared: true,
        priority: parts.then.priority,
        not_before: None,
        hold: None,
        released: false,
        looked_at: false,
        queued_again: None,
        let_go_by: None,
        retries: 0,
        look_again: false,
        lacks: Vec::new(),
        cancels: false,
        reprint: 0,
        reprint_of: Some(Reprint {
            job: request.job.clone(),
            lines: request.lines.clone(),
            copies: request.copies,
            as_then: request.as_then,
            asked: asked.map(String::from),
        }),
        answers: std::collections::BTreeMap::new(),
        receipts: parts.then.receipts.clone(),
        kept_folders: Vec::new(),
        left: Vec::new(),
    };
    job::write(folder, file::JOB, &job).map_err(|e| failed(&e))
}

/// The pictures of then; where there are none, those beside the manifest that was given.
fn bring_pictures(folder: &Path, parts: &Parts, request: &Request) -> Result<(), String> {
    let to = folder.join(file::INPUTS);
    let given = request.manifest.as_ref().map(|given| given.folder.as_path());
    let from = if parts.inputs.is_dir() { &parts.inputs } else { given.unwrap_or(&parts.inputs) };
    let mut names = names_below(from, &parts.manifest);
    names.sort();
    names.dedup();
    for name in names {
        let (source, target) = (name.below(from), name.below(&to));
        if let Some(above) = target.parent() {
            durable::make_folders(folder, above).map_err(|e| e.to_string())?;
        }
        durable::link_or_copy(&source, &target).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn names_below(folder: &Path, manifest: &Manifest) -> Vec<RelPath> {
    manifest.images.iter().filter_map(|image| crate::intake::input_name(image, folder)).collect()
}
