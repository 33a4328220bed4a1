//! Renders what a plan asks for: each original is read once, its pictures are made on one thread.
//!
//! Owns: a pass takes its whole peak from the memory budget before it begins; nothing blocks inside the pixel pool; a
//! panic takes one pass. Knows nothing of jobs: `render` by hand goes through here too.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use super::budget::{Budget, Share};
use super::makers::Makers;
use super::small::{Of, Small};
use crate::model::digest;
use crate::model::limits::SOURCE_MAX_BYTES;
use crate::model::name::RelPath;
use crate::model::spec::{DecodeFactor, Header, OutputSpec};
use crate::plan::{Plan, StepId, Work};
use crate::render::{self, Assets, Rendered, Source, VerifyDepth};
use crate::spool::journal::SourceDigest;

/// Steps that share their originals.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// Indices into the plan's sources.
    pub sources: Vec<usize>,
    /// Distinct files of `outputs/`; every step of an equal spec shares one.
    pub outputs: Vec<PassOutput>,
    /// Made after these, for the pages.
    pub small: Vec<Small>,
}

impl Pass {
    /// Of all that it makes, the small ones last.
    fn specs(&self) -> impl Iterator<Item = &OutputSpec> {
        self.outputs.iter().map(|output| &output.spec).chain(self.small.iter().map(|small| &small.spec))
    }
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
            passes.push(Pass { sources, outputs: Vec::new(), small: Vec::new() });
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
    /// What came of the small ones.
    pub small: Vec<(Of, Vec<u8>)>,
}

/// What a run of passes has to know of its surroundings.
#[allow(missing_debug_implementations, reason = "it holds functions")]
pub struct Around<'a> {
    /// Where a source of the plan lies.
    pub locate: &'a dyn Fn(usize) -> PathBuf,
    /// The digest that a source had when other outputs of the job were made from it.
    pub known_digest: &'a dyn Fn(usize) -> Option<String>,
    pub assets: Arc<dyn Assets + Send + Sync>,
    /// How closely finished files are looked at before they are handed on; done where they were made.
    pub verify: VerifyDepth,
    /// No further pass is begun once it is set.
    pub stop: &'a AtomicBool,
    /// Hears that it waits for memory which other jobs have, and that it has got it.
    pub starved: &'a dyn Fn(bool),
}

/// Buffers that each thread keeps for its next picture, at most: those of one of 24 megapixels.
const KEPT_MAX_BYTES: u64 = 160 * 1024 * 1024;

/// What all passes share.
#[derive(Debug)]
pub struct Renderer {
    makers: Makers,
    budget: Arc<Budget>,
    threads: usize,
}

impl Renderer {
    /// `threads` pictures at once; `max_memory` in bytes.
    pub fn new(threads: usize, max_memory: u64) -> std::io::Result<Renderer> {
        let threads = threads.max(1);
        // The pool for pixel loops is the one of the whole process. That it stands already, in another size, does no
        // harm: its size changes no byte.
        let _ =
            rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("pixels-{i}")).build_global();
        // What idle threads keep is taken off the budget: passes and kept buffers together stay below `max_memory`.
        let kept = KEPT_MAX_BYTES.min(max_memory / (4 * threads as u64));
        let makers = Makers::start(threads, kept as usize)?;
        // One more than are made at once: its original is read in the meantime.
        let budget = Budget::new(max_memory - kept * threads as u64, threads + 1);
        Ok(Renderer { makers, budget, threads })
    }

    /// Runs passes, several at once, and hands each to `done` on the calling thread, in the order in which they end.
    /// Stops after the passes in flight when `stop` is set or `done` fails.
    pub fn run<E>(
        &self,
        plan: &Plan,
        passes: Vec<Pass>,
        around: &Around<'_>,
        done: impl FnMut(PassDone) -> Result<(), E>,
    ) -> Result<(), E> {
        let (sender, results) = mpsc::channel::<Ended>();
        let planes = plan.planes();
        let mut flight = Flight { results, passes: 0, done, failure: None };
        let stopped = |flight: &Flight<_, E>| flight.failure.is_some() || around.stop.load(Ordering::SeqCst);
        for pass in passes {
            if stopped(&flight) {
                break;
            }
            let peak = peak(plan, &pass);
            let share = loop {
                if let Some(share) = self.budget.try_take(peak) {
                    break share;
                }
                if flight.passes == 0 {
                    (around.starved)(true);
                    let share = self.budget.take(peak);
                    (around.starved)(false);
                    break share;
                }
                let ended = flight.wait();
                flight.hand_on(ended);
            };
            let bytes = match read_sources(plan, &pass, around) {
                Ok(bytes) => bytes,
                Err(problem) => {
                    flight.hand_on(Some((PassDone { pass, result: Err(problem) }, share)));
                    continue;
                }
            };
            let ended = if flight.passes < self.threads { None } else { flight.wait() };
            if stopped(&flight) {
                flight.hand_on(ended);
                break;
            }
            let sender = sender.clone();
            let known = |index: &usize| {
                let source = &plan.sources[*index];
                Known { header: source.header.clone(), factor: source.decode, planes: planes[*index] }
            };
            let known = pass.sources.iter().map(known).collect();
            let (assets, verify) = (Arc::clone(&around.assets), around.verify);
            flight.passes += 1;
            self.makers.make(move || {
                let result = render_pass(&pass, &bytes, known, &*assets, verify);
                drop(bytes);
                // The receiver is gone only when the caller's own thread panicked; nothing is left to tell then.
                let _ = sender.send((PassDone { pass, result: Ok(result) }, share));
            });
            // Only now, with all threads busy: it writes to a disk.
            flight.hand_on(ended);
        }
        while flight.passes > 0 {
            let ended = flight.wait();
            flight.hand_on(ended);
        }
        flight.failure.map_or(Ok(()), Err)
    }
}

/// A pass with its share of the memory, which goes back once the finished files are handed on.
type Ended = (PassDone, Share);

/// The passes of one run that are being made.
struct Flight<D, E> {
    results: mpsc::Receiver<Ended>,
    passes: usize,
    done: D,
    failure: Option<E>,
}

impl<D: FnMut(PassDone) -> Result<(), E>, E> Flight<D, E> {
    /// The next pass that ends.
    fn wait(&mut self) -> Option<Ended> {
        let ended = self.results.recv().ok();
        self.passes -= 1;
        ended
    }

    fn hand_on(&mut self, ended: Option<Ended>) {
        let Some((pass, share)) = ended else { return };
        if self.failure.is_none() {
            self.failure = (self.done)(pass).err();
        }
        drop(share);
    }
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
    let outputs: Vec<&OutputSpec> = pass.specs().collect();
    render::peak_bytes(&sources, &outputs)
}

/// What the plan fixes of an original.
struct Known {
    header: Header,
    factor: DecodeFactor,
    planes: bool,
}

fn render_pass(
    pass: &Pass,
    originals: &[Original],
    known: Vec<Known>,
    assets: &dyn Assets,
    verify: VerifyDepth,
) -> PassResult {
    let sources: BTreeMap<usize, Source<'_>> = pass
        .sources
        .iter()
        .zip(originals)
        .zip(known)
        .map(|((index, original), Known { header, factor, planes })| {
            (*index, Source { bytes: &original.bytes, header, factor, planes })
        })
        .collect();
    let specs: Vec<&OutputSpec> = pass.specs().collect();
    let count = pass.outputs.len();
    let missing = || {
        Err((
            "panic".to_string(),
            "the renderer stopped in the middle of this picture; please report it with the picture".to_string(),
        ))
    };
    let mut outputs: Vec<Result<Rendered, (String, String)>> = (0..count).map(|_| missing()).collect();
    let mut small = Vec::new();
    // A decoder that panics on a picture nobody has seen before must not take other pictures with it.
    let caught = catch_unwind(AssertUnwindSafe(|| {
        render::render(&sources, &specs, assets, &mut |index, result| match (outputs.get_mut(index), result) {
            (Some(output), result) => *output = result.map_err(|e| (e.code().to_string(), e.to_string())),
            (None, Ok(made)) => small.push((pass.small[index - count].of.clone(), made.bytes)),
            (None, Err(_)) => {}
        });
    }));
    // After all of them: the source's pixels are gone by then. A small picture that stopped it leaves the others to be read.
    let read = catch_unwind(AssertUnwindSafe(|| {
        for (output, spec) in outputs.iter_mut().zip(&specs) {
            if let Ok(made) = output
                && let Err(e) = render::verify(&made.bytes, spec, verify)
            {
                *output = Err((e.code().to_string(), e.to_string()));
            }
        }
    }));
    if caught.is_err() || read.is_err() {
        tracing::error!("a picture stopped the renderer");
    }
    let digests = pass
        .sources
        .iter()
        .zip(originals)
        .map(|(source, original)| SourceDigest { source: *source, sha256: original.sha256.clone() })
        .collect();
    PassResult { digests, outputs, small }
}
