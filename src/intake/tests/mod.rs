//! A studio with hot folders, a spool and a clock that only these tests turn.

mod alone;
mod claims;
mod crashes;
mod drops;
mod measures;
mod mend;
mod pictures;
mod trouble;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::model::checks::Checks;
use crate::plan::frozen::{FrozenStudio, Verdict};
use crate::spool::durable;
use crate::spool::job::{self, JobFile, file};

/// Runs everything but what says `Ignored`; wants every image.
#[derive(Default)]
struct Rules {
    assets: Vec<PathBuf>,
    /// Happens while a job is being built.
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// Of this record; of any, where none is named.
    of: Option<&'static str>,
}

impl Matcher for Rules {
    fn freeze(&self, manifest: &Manifest, hot_folder: &HotFolder) -> Frozen {
        let verdict = match manifest.status.as_str() {
            "Ignored" => Verdict::Ignored { why: "no rule".into() },
            _ => Verdict::Run,
        };
        Frozen {
            verdict,
            rules: Vec::new(),
            profiles: Vec::new(),
            deliveries: Vec::new(),
            named_by_manifest: false,
            without_delivery: Vec::new(),
            items: Vec::new(),
            studio: FrozenStudio { location: hot_folder.location.clone(), ..FrozenStudio::default() },
            checks: Checks::default(),
            layouts: Vec::new(),
            assets: Vec::new(),
            pictures_beside: true,
        }
    }

    fn wants(&self, manifest: &Manifest, _: &Frozen) -> Vec<Want> {
        let sources = vec!["retouched".to_string(), "hires".to_string()];
        (0..manifest.images.len()).map(|image| Want { image, sources: sources.clone() }).collect()
    }

    fn start(&self, manifest: &Manifest, _: &Frozen, _: &HotFolder, _: Timestamp) -> Start {
        if self.of.is_none_or(|record| record == manifest.record)
            && let Some(meanwhile) = self.meanwhile.lock().unwrap().take()
        {
            meanwhile();
        }
        Start { priority: manifest.priority, ..Start::default() }
    }

    fn was_made(&self, _: &Manifest, _: &HotFolder, _: &[(&RelPath, &Path)]) -> bool {
        false
    }

    fn replaces(&self, newer: (&Manifest, &HotFolder), older: (&Manifest, &HotFolder)) -> bool {
        newer.0.status == older.0.status && newer.0.images != older.0.images
    }

    fn is_known(&self, _: &JobId) -> bool {
        false
    }

    fn assets(&self, _: &Frozen) -> Vec<PathBuf> {
        self.assets.clone()
    }
}

struct Studio {
    dir: tempfile::TempDir,
    intake: Intake,
    rules: Arc<Rules>,
    now: Instant,
}

const BESIDE: &str = "hot_folders: { in: { folder: drop, images: beside, complete_within: 1m } }";

impl Studio {
    fn new(yaml: &str) -> Studio {
        Studio::with_rules(yaml, Rules::default())
    }

    fn with_rules(yaml: &str, rules: Rules) -> Studio {
        let dir = tempfile::tempdir().unwrap();
        durable::make_folder(&dir.path().join("drop")).unwrap();
        let config = config(dir.path(), yaml);
        let spool = Spool::open(&config.spool, false).unwrap();
        let rules = Arc::new(rules);
        let intake = Intake::new(config, spool, rules.clone(), crate::clock::now);
        Studio { dir, intake, rules, now: Instant::now() }
    }

    /// The program dies and starts again.
    fn restart(&mut self) {
        let config = Arc::clone(&self.intake.config);
        let spool = self.spool();
        self.intake = Intake::new(config, spool, self.rules.clone(), crate::clock::now);
        self.intake.recover(&|_| false).unwrap();
    }

    fn spool(&self) -> Spool {
        Spool::open(&self.intake.config.spool, false).unwrap()
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join("drop").join(below)
    }

    fn put(&self, below: &str, bytes: impl AsRef<[u8]>) {
        put(&self.dir.path().join("drop"), below, bytes);
    }

    fn is_there(&self, below: &str) -> bool {
        self.path(below).exists()
    }

    /// Time passes, then a scan.
    fn scan_after(&mut self, ms: u64) -> Vec<Job> {
        self.now += Duration::from_millis(ms);
        let report = self.intake.scan(&Hints::default(), self.now);
        report.accepted.iter().map(|id| self.job(id)).collect()
    }

    /// Scans whenever one is due, for so long.
    fn run(&mut self, seconds: u64) -> Vec<Job> {
        let end = self.now + Duration::from_secs(seconds);
        let mut jobs = Vec::new();
        for _ in 0..10_000 {
            let report = self.intake.scan(&Hints::default(), self.now);
            jobs.extend(report.accepted.iter().map(|id| self.job(id)));
            if report.next > end {
                self.now = end;
                return jobs;
            }
            self.now = report.next.max(self.now + Duration::from_micros(1));
        }
        panic!("it never stops scanning");
    }

    fn job(&self, id: &JobId) -> Job {
        let folder = self.spool().find(id).unwrap().unwrap().folder;
        let record = job::read(&folder, file::JOB).unwrap();
        Job { frozen: job::read(&folder, file::RULES).unwrap(), record, folder }
    }

    fn state(&self) -> FolderState {
        self.intake.state().remove(0)
    }

    /// What the one waiting manifest waits for.
    fn why(&self) -> String {
        let state = self.state();
        assert_eq!(state.waiting.len(), 1, "{state:?}");
        format!("{} {}", state.waiting[0].why, state.waiting[0].missing.join(", "))
    }
}

struct Job {
    record: JobFile,
    frozen: Frozen,
    folder: PathBuf,
}

impl Job {
    /// Files below the job's folder.
    fn files(&self) -> Vec<String> {
        let listing = listing::list(&self.folder, true).unwrap();
        listing.files.into_iter().map(|f| f.below).collect()
    }
}

fn config(dir: &Path, yaml: &str) -> Arc<Config> {
    let text = format!("version: 1\n{yaml}\n");
    Arc::new(Config::parse(&text, &dir.join("hotfolders.yaml")).unwrap_or_else(|e| panic!("{e}")))
}

fn put(root: &Path, below: &str, bytes: impl AsRef<[u8]>) {
    let path = root.join(below);
    durable::make_folder(root).unwrap();
    durable::make_folders(root, path.parent().unwrap()).unwrap();
    durable::stage(&path, bytes.as_ref()).unwrap();
}

fn records(jobs: &[Job]) -> Vec<&str> {
    jobs.iter().map(|j| j.record.record.as_str()).collect()
}

/// A session with these pictures; an order without pictures where there are none.
fn session(record: &str, files: &[&str]) -> String {
    if files.is_empty() {
        return format!(
            r#"{{"manifest":1,"kind":"invoice","record":"{record}","status":"Ordered","lines":[{{"line":1,"item":"FRAME"}}]}}"#
        );
    }
    let images: Vec<String> = files.iter().map(|f| format!("{{\"file\":\"{f}\"}}")).collect();
    manifest(record, &images.join(","))
}

fn manifest(record: &str, images: &str) -> String {
    format!(
        r#"{{"manifest":1,"kind":"session","record":"{record}","status":"Ordered","session":"{record}","images":[{images}]}}"#
    )
}
