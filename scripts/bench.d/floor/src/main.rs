//! Helper of `scripts/bench`: makes photos, and measures decoding and encoding alone.

#![allow(clippy::disallowed_methods, reason = "the rule is for the studio's files; these are throw-away photos")]

mod measure;
mod photo;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// As many as every side of the benchmark gets.
const THREADS: usize = 2;

const USAGE: &str = "usage:
  bench-floor photos DIR COUNT ICC             make photos; every fourth is tagged with the profile ICC
  bench-floor floor FACTOR OUTPUTS JPEG…       decode at 1/FACTOR, pass over the pixels, encode each of OUTPUTS
                                               (such as fit2048:85:420, fill3000x2400:95:444, full:95:444; by commas)
  bench-floor decode JPEG…                     decode in full";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["photos", dir, count, icc] => photos(Path::new(dir), count, Path::new(icc)),
        ["floor", factor, outputs, files @ ..] if !files.is_empty() => floor(factor, outputs, files),
        ["decode", files @ ..] if !files.is_empty() => report(files, measure::decode),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn photos(dir: &Path, count: &str, icc: &Path) -> Result<(), Failure> {
    let count: usize = count.parse()?;
    let icc = std::fs::read(icc)?;
    each((0..count).collect(), |number, _: &mut ()| {
        let tagged = number % 4 == 3;
        let path: PathBuf = dir.join(format!("{:02}.jpg", number + 1));
        if path.exists() {
            return Ok(());
        }
        let bytes = photo::jpeg(number as u32, tagged.then_some(icc.as_slice()))?;
        // An interrupted run must not leave half a photo behind.
        let aside = path.with_extension("part");
        std::fs::write(&aside, bytes)?;
        std::fs::rename(aside, &path)?;
        Ok(())
    })?;
    Ok(())
}

fn floor(factor: &str, outputs: &str, files: &[&str]) -> Result<(), Failure> {
    let factor: usize = factor.parse()?;
    let outputs = outputs.split(',').map(measure::Output::parse).collect::<Result<Vec<_>, _>>()?;
    report(files, |file, bench| measure::floor(file, factor, &outputs, bench))
}

/// Measures each file and prints seconds as JSON: `wall` as two threads need, `cpu` of all.
fn report(
    files: &[&str],
    one: impl Fn(&Path, &mut measure::Bench) -> Result<(), Failure> + Sync,
) -> Result<(), Failure> {
    let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
    let benches = each(files, |file, bench| one(&file, bench))?;
    let wall: f64 = benches.iter().map(|b| b.spent.wall).sum::<f64>() / THREADS as f64;
    let cpu: f64 = benches.iter().map(|b| b.spent.cpu).sum();
    println!("{{\"wall\": {wall:.6}, \"cpu\": {cpu:.6}}}");
    Ok(())
}

/// Deals items out to the threads; each thread keeps a state of its own, so that its buffers are used again.
fn each<T: Send, S: Default + Send>(
    items: Vec<T>,
    work: impl Fn(T, &mut S) -> Result<(), Failure> + Sync,
) -> Result<Vec<S>, Failure> {
    let items: Vec<Mutex<Option<T>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let next = AtomicUsize::new(0);
    let run = || -> Result<S, Failure> {
        let mut state = S::default();
        while let Some(slot) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Some(item) = slot.lock().map_err(|_| "a thread panicked")?.take() {
                work(item, &mut state)?;
            }
        }
        Ok(state)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|t| t.join().map_err(|_| "a thread panicked")?).collect()
    })
}
