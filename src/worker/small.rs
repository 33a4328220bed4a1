//! Small pictures of what a pass makes, and of what it makes it from, for the pages that show the job.
//!
//! Owns: they are drawn from the pixels that the pass has decoded anyway, after its own pictures; one that cannot be drawn,
//! or put on the disk, is left out and takes nothing else with it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::passes::Pass;
use crate::model::name::RelPath;
use crate::model::spec::{Encoding, OutputSpec, Turn};
use crate::plan::{Plan, StepId, preview};
use crate::spool::durable::{self, DurableError};
use crate::spool::thumbnails::{self, KEPT_MAX, LONGEST_PX};

/// What a small picture shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// A file of `outputs/`.
    Result(RelPath),
    /// An original, turned.
    Source(usize, Turn),
}

/// A small picture of a pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Small {
    pub of: Of,
    pub spec: OutputSpec,
}

/// Adds to each pass what is to be kept small of it. A pass that only copies files is not decoded for this.
pub fn add(plan: &Plan, passes: &mut [Pass]) {
    let kept: BTreeSet<&StepId> = plan.pictures().take(KEPT_MAX).map(|step| &step.id).collect();
    for pass in passes.iter_mut().filter(|pass| pass.outputs.iter().any(|o| o.spec.encoding != Encoding::Copy)) {
        let mut small: Vec<Small> = Vec::new();
        for output in pass.outputs.iter().filter(|output| output.steps.iter().any(|step| kept.contains(step))) {
            let accept_damage = output.spec.accept_damage;
            let of = Of::Result(output.file.clone());
            small.push(Small { of, spec: preview::small(&output.spec, LONGEST_PX) });
            let Some(cell) = output.spec.cells.first() else { continue };
            let of = Of::Source(cell.source, cell.rotate);
            if let Some(source) = plan.sources.get(cell.source)
                && small.iter().all(|known| known.of != of)
            {
                let whole = preview::of_original(&source.header, cell.source, cell.rotate, LONGEST_PX);
                small.push(Small { of, spec: OutputSpec { accept_damage, ..whole } });
            }
        }
        pass.small = small;
    }
}

/// Puts them into the job's folder.
pub fn keep(job: &Path, made: &[(Of, Vec<u8>)]) -> Result<(), DurableError> {
    if made.is_empty() {
        return Ok(());
    }
    durable::make_folder(&job.join(thumbnails::FOLDER))?;
    made.iter().try_for_each(|(of, bytes)| durable::stage_output(&path(job, of), bytes))
}

fn path(job: &Path, of: &Of) -> PathBuf {
    match of {
        Of::Result(file) => thumbnails::of_result(job, file),
        Of::Source(source, turn) => thumbnails::of_source(job, *source, *turn),
    }
}
