//! Renders what a plan asks for: each original is read once, its pictures are made on the pixel pool.
//!
//! Owns: a pass takes its whole peak from the memory budget before it enters the pool; nothing blocks inside the pool;
//! a panic takes one pass. Knows nothing of jobs: `render` by hand goes through here too.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use super::budget::{Budget, Share};
use crate::model::digest;
use crate::model::limits::SOURCE_MAX_BYTES;
use crate::model::name::RelPath;
use crate::model::spec::OutputSpec;
use crate::plan::{Plan, StepId, Work};
use crate::render::{self, Assets, Rendered, Source};
use crate::spool::journal::SourceDigest;

/// Steps that share their originals.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// Indices into the plan's sources.
    pub sources: Vec<usize>,
    /// Distinct files of `outputs/`; every step of an equal spec shares one.
    pub outputs: Vec<PassOutput>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PassOutput {
    pub file: RelPath,
    pub spec: OutputSpec,
    pub steps: Vec<StepId>,
}

/// Groups the open steps of a plan, in its order.
pub fn passes(plan: &Plan, is_open: impl Fn(&StepId) -> bool) -> Vec<Pass> {
    let mut by_sources: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
    let mut passes: Vec<Pass> = Vec::new();
    for step in &plan.renders {
        let Work::Render { spec, file, .. } = &step.work else { continue };
        if !is_open(&step.id) {
            continue;
        }
        let sources: BTreeSet<usize> = step.sources().collect();
        let sources: Vec<usize> = sources.into_iter().collect();
        let at = *by_sources.entry(sources.clone()).or_insert_with(|| {
            passes.push(Pass { sources, outputs: Vec::new() });
            passes.len() - 1
        });
        let outputs = &mut passes[at].outputs;
        match outputs.iter_mut().find(|o| o.file == *file) {
            Some(output) => output.steps.push(step.id.clone()),
            None => {
                outputs.push(PassOutput { file: file.clone(), spec: spec.clone(), steps: vec![step.id.clone()] });
            }
        }
    }
    passes
}

/// Why an original could not be used; nothing of its pass was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceProblem {
    /// The picture's fault: a code and a sentence.
    Picture { code: &'static str, text: String },
    /// The world's: waited out.
    World(String),
}

/// What came of a pass.
#[derive(Debug)]
pub struct PassDone {
    pub pass: Pass,
    pub result: Result<PassResult, SourceProblem>,
}

#[derive(Debug)]
pub struct PassResult {
    pub digests: Vec<SourceDigest>,
    /// As many as the pass has outputs, in their order. An error has a code and a sentence.
    pub outputs: Vec<Result<Rendered, (String, String)>>,
}

/// What a run of passes has to know of its surroundings.
#[allow(missing_debug_implementations, reason = "it holds functions")]
pub struct Around<'a> {
    /// Where a source of the plan lies.
    pub locate: &'a dyn Fn(usize) -> PathBuf,
    /// The digest that a source had when other outputs of the job were made from it.
    pub known_digest: &'a dyn Fn(usize) -> Option<String>,
    pub assets: Arc<dyn Assets + Send + Sync>,
    /// No further pass is begun once it is set.
    pub stop: &'a AtomicBool,
}

/// What all passes share.
#[derive(Debug)]
pub struct Renderer {
    pool: rayon::ThreadPool,
    budget: Arc<Budget>,
    threads: usize,
}

impl Renderer {
    /// `max_memory` in bytes.
    pub fn new(threads: usize, max_memory: u64) -> Result<Renderer, rayon::ThreadPoolBuildError> {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("pixels-{i}")).build()?;
        Ok(Renderer { pool, budget: Budget::new(max_memory), threads })
    }

    /// Runs passes, several at once, and hands each to `done` on the calling thread, in the order in which they end.
    /// Stops after the passes in flight when `stop` is set or `done` fails.
    pub fn run<E>(
        &self,
        plan: &Plan,
        passes: Vec<Pass>,
        around: &Around<'_>,
        mut done: impl FnMut(PassDone) -> Result<(), E>,
    ) -> Result<(), E> {
        let (sender, results) = mpsc::channel::<(PassDone, Option<Share>)>();
        let mut in_flight = 0;
        let mut failure = None;
        for pass in passes {
            while in_flight > self.threads {
                in_flight -= 1;
                receive(&results, &mut done, &mut failure);
            }
            if failure.is_some() || around.stop.load(Ordering::SeqCst) {
                break;
            }
            let share = loop {
                let peak = peak(plan, &pass);
                if in_flight == 0 {
                    break self.budget.take(peak);
                }
                if let Some(share) = self.budget.try_take(peak) {
                    break share;
                }
                in_flight -= 1;
                receive(&results, &mut done, &mut failure);
            };
            let bytes = match read_sources(plan, &pass, around) {
                Ok(bytes) => bytes,
                Err(problem) => {
                    if let Err(error) = done(PassDone { pass, result: Err(problem) }) {
                        failure = Some(error);
                    }
                    continue;
                }
            };
            in_flight += 1;
            let sender = sender.clone();
            let headers =
                pass.sources.iter().map(|i| (plan.sources[*i].header.clone(), plan.sources[*i].decode)).collect();
            let assets = Arc::clone(&around.assets);
            self.pool.spawn(move || {
                let result = render_pass(&pass, &bytes, headers, &*assets);
                // The receiver is gone only when the caller's own thread panicked; nothing is left to tell then.
                let _ = sender.send((PassDone { pass, result: Ok(result) }, Some(share)));
            });
        }
        while in_flight > 0 {
            in_flight -= 1;
            receive(&results, &mut done, &mut failure);
        }
        failure.map_or(Ok(()), Err)
    }
}

fn receive<E>(
    results: &mpsc::Receiver<(PassDone, Option<Share>)>,
    done: &mut impl FnMut(PassDone) -> Result<(), E>,
    failure: &mut Option<E>,
) {
    let Ok((pass, share)) = results.recv() else { return };
    if failure.is_none()
        && let Err(error) = done(pass)
    {
        *failure = Some(error);
    }
    drop(share);
}

/// A file's bytes and their digest.
#[derive(Debug)]
struct Original {
    bytes: Vec<u8>,
    sha256: String,
}

fn read_sources(plan: &Plan, pass: &Pass, around: &Around<'_>) -> Result<Vec<Original>, SourceProblem> {
    let read = |index: &usize| {
        let source = &plan.sources[*index];
        let bytes = read_original(&(around.locate)(*index), &source.shown)?;
        let sha256 = digest::sha256(&bytes);
        if let Some(demanded) = source.sha256.as_ref().filter(|d| !d.eq_ignore_ascii_case(&sha256)) {
            let text = format!("{} has the digest {sha256}, the manifest demands {demanded}", source.shown);
            return Err(SourceProblem::Picture { code: "wrong_digest", text });
        }
        if (around.known_digest)(*index).is_some_and(|known| known != sha256) {
            let text = format!(
                "{} is another picture than when the first outputs of this job were made from it; put the first one back, \
                 or cancel the job and send it again",
                source.shown
            );
            return Err(SourceProblem::Picture { code: "source_changed", text });
        }
        Ok(Original { bytes, sha256 })
    };
    pass.sources.iter().map(read).collect()
}

/// Reads an original whole, up to the limit.
fn read_original(path: &Path, shown: &str) -> Result<Vec<u8>, SourceProblem> {
    let io = |e: std::io::Error| {
        if e.kind() == std::io::ErrorKind::NotFound {
            SourceProblem::Picture { code: "missing", text: format!("{shown} is gone") }
        } else {
            SourceProblem::World(format!("{shown} cannot be read: {e}"))
        }
    };
    let file = std::fs::File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    if length > SOURCE_MAX_BYTES {
        let text = format!("{shown} has {length} bytes, at most {SOURCE_MAX_BYTES} are read");
        return Err(SourceProblem::Picture { code: "too_large", text });
    }
    let mut bytes = Vec::with_capacity(length as usize + 1);
    file.take(SOURCE_MAX_BYTES).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

fn peak(plan: &Plan, pass: &Pass) -> u64 {
    let sources: Vec<_> = pass
        .sources
        .iter()
        .map(|i| (plan.sources[*i].header.clone(), plan.sources[*i].bytes, plan.sources[*i].decode))
        .collect();
    let outputs: Vec<&OutputSpec> = pass.outputs.iter().map(|o| &o.spec).collect();
    render::peak_bytes(&sources, &outputs)
}

fn render_pass(
    pass: &Pass,
    originals: &[Original],
    headers: Vec<(crate::model::spec::Header, crate::model::spec::DecodeFactor)>,
    assets: &dyn Assets,
) -> PassResult {
    let sources: BTreeMap<usize, Source<'_>> = pass
        .sources
        .iter()
        .zip(originals)
        .zip(headers)
        .map(|((index, original), (header, factor))| (*index, Source { bytes: &original.bytes, header, factor }))
        .collect();
    let specs: Vec<&OutputSpec> = pass.outputs.iter().map(|o| &o.spec).collect();
    let missing = || {
        Err((
            "panic".to_string(),
            "the renderer stopped in the middle of this picture; please report it with the picture".to_string(),
        ))
    };
    let mut outputs: Vec<Result<Rendered, (String, String)>> = specs.iter().map(|_| missing()).collect();
    // A decoder that panics on a picture nobody has seen before must not take other pictures with it.
    let caught = catch_unwind(AssertUnwindSafe(|| {
        render::render(&sources, &specs, assets, &mut |index, result| {
            outputs[index] = result.map_err(|e| (e.code().to_string(), e.to_string()));
        });
    }));
    if caught.is_err() {
        tracing::error!("a picture stopped the renderer");
    }
    let digests = pass
        .sources
        .iter()
        .zip(originals)
        .map(|(source, original)| SourceDigest { source: *source, sha256: original.sha256.clone() })
        .collect();
    PassResult { digests, outputs }
}
