//! A studio in a temporary folder: its config, its originals, a server, and the invariants that must hold at the end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::fake_printer::FakePrinter;

/// Longer than anything here should take on a slow machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// A config that most tests start from: both kinds of hot folder, quick to settle.
pub const CONFIG: &str = r#"
version: 1
studio: { name: Larson Portraits, time_zone: America/Chicago }
library:
  roots: [sessions]
  sources: { retouched: ["Retouched/{stem}.*"], hires: ["Hi-Res/{stem}.*"] }
  image_number: { last: 3 }
hot_folders:
  status: { folder: drop/status, images: library, settle: 100ms, scan: 200ms, complete_within: 500ms }
  exports: { folder: drop/exports, images: beside, settle: 100ms, scan: 200ms, complete_within: 500ms, receipts: receipts }
items: { "8X10": { size: 8x10in } }
profiles:
  web:
    images: selected
    size: 64px
    name: "{record}_{number:04}"
    deliver: [ { to: folder, path: "delivery/web/{session}" } ]
  prints:
    size: ordered
    dpi: 20
    name: "{record}_{line:02}_{size}"
    checks: { low_ppi: [] }
    deliver: [ { to: folder, path: "print/{record}", trigger: "{record}.done" } ]
  full:
    images: ordered
    per: image
    name: "{stem}"
    deliver: [ { to: zip, path: "zips/{record}" } ]
render_jobs:
  - { name: proofs, when: { kind: session, status: imported }, run: [web] }
  - { name: print, when: { kind: invoice, status: "print*" }, run: [prints] }
  - { name: zip, when: { kind: production_order, status: zip }, run: [full] }
"#;

#[derive(Debug)]
pub struct Studio {
    dir: tempfile::TempDir,
    server: Option<RefCell<Child>>,
    /// What came out of these is compared with the receipts.
    printers: Vec<Arc<FakePrinter>>,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub out: String,
    pub err: String,
    pub code: Option<i32>,
}

impl Ran {
    #[track_caller]
    pub fn expect(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}

/// The binary under test.
pub fn hotfolders() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotfolders"));
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

impl Studio {
    /// With [`CONFIG`], its folders, and one session of three pictures.
    pub fn new() -> Studio {
        let studio = Studio::bare(CONFIG);
        for number in 1..=3 {
            studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 90, 60);
        }
        studio
    }

    pub fn bare(config: &str) -> Studio {
        let studio = Studio { dir: tempfile::tempdir().unwrap(), server: None, printers: Vec::new() };
        studio.write("hotfolders.yaml", config.as_bytes());
        for folder in ["drop/status", "drop/exports", "receipts", "sessions"] {
            std::fs::create_dir_all(studio.path(folder)).unwrap();
        }
        studio
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    pub fn write(&self, below: &str, bytes: &[u8]) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub fn picture(&self, below: &str, width: u32, height: u32) {
        self.write(below, &jpeg(width, height));
    }

    /// As a studio app drops: written aside, renamed in.
    pub fn drop_file(&self, hot_folder: &str, name: &str, text: &str) {
        let aside = self.path(&format!("drop/{hot_folder}/.{name}.tmp"));
        std::fs::write(&aside, text).unwrap();
        std::fs::rename(aside, self.path(&format!("drop/{hot_folder}/{name}"))).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = hotfolders();
        command.current_dir(self.dir.path()).args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().unwrap();
        Ran {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
        }
    }

    pub fn serve(&mut self) {
        self.serve_with(&[]);
    }

    pub fn serve_with(&mut self, env: &[(&str, &str)]) {
        let mut command = self.command(&["serve"]);
        command.envs(env.iter().copied()).stdout(Stdio::null()).stderr(Stdio::null());
        self.server = Some(RefCell::new(command.spawn().unwrap()));
    }

    /// As a user whom rights concern: the superuser may read everything.
    pub fn serve_as_an_ordinary_user(&mut self, env: &[(&str, &str)]) {
        use std::os::unix::process::CommandExt as _;
        const SOMEBODY: u32 = 12_345;
        let mut command = self.command(&["serve"]);
        command.envs(env.iter().copied()).stdout(Stdio::null()).stderr(Stdio::null());
        if rustix::process::getuid().is_root() {
            for entry in walkdir::WalkDir::new(self.dir.path()).into_iter().flatten() {
                std::os::unix::fs::chown(entry.path(), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
            }
            command.uid(SOMEBODY).gid(SOMEBODY);
        }
        self.server = Some(RefCell::new(command.spawn().unwrap()));
    }

    /// Nobody may read it any more but the superuser; afterwards, that everybody may.
    pub fn forbid(&self, below: &str, forbidden: bool) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = if forbidden { 0o000 } else { 0o644 };
        std::fs::set_permissions(self.path(below), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// What a hot folder is made of may be renamed and removed by every user.
    pub fn open_to_all(&self, below: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(self.path(below), std::fs::Permissions::from_mode(0o777)).unwrap();
    }

    /// With one core there is one worker and one pixel thread. Each server gets the next core.
    pub fn serve_on_one_core(&mut self, env: &[(&str, &str)]) {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let core = (NEXT.fetch_add(1, Ordering::Relaxed) % cores).to_string();
        let mut command = Command::new("taskset");
        command.args(["-c", &core, env!("CARGO_BIN_EXE_hotfolders"), "serve"]).current_dir(self.dir.path());
        command.envs(env.iter().copied()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.server = Some(RefCell::new(command.spawn().unwrap()));
    }

    /// SIGTERM, and the exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let mut server = self.server.take()?.into_inner();
        let pid = rustix::process::Pid::from_child(&server);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        server.wait().unwrap().code()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            let mut server = server.into_inner();
            let _ = server.kill();
            server.wait().unwrap();
        }
    }

    /// Resident memory of the server.
    pub fn memory_bytes(&self) -> u64 {
        let pid = self.server.as_ref().unwrap().borrow().id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// Whether the server has ended by itself, with all its threads.
    pub fn server_is_gone(&self) -> bool {
        self.server.as_ref().is_none_or(|server| server.borrow_mut().try_wait().unwrap().is_some())
    }

    /// Whether somebody holds the spool's lock.
    pub fn is_served(&self) -> bool {
        hotfolders::spool::queue::Spool::look(&self.path("spool")).is_some_and(|spool| spool.locked_by().is_some())
    }

    /// Job folders in a state.
    pub fn jobs(&self, state: &str) -> Vec<PathBuf> {
        let list = |dir: &Path| -> Vec<PathBuf> {
            let mut all: Vec<PathBuf> =
                std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()).collect();
            all.sort();
            all
        };
        let base = self.path(&format!("spool/{state}"));
        if matches!(state, "done" | "failed") {
            list(&base).iter().flat_map(|day| list(day)).collect()
        } else {
            list(&base)
        }
    }

    /// Waits for so many jobs in a state, and returns them.
    #[track_caller]
    pub fn wait_jobs(&self, state: &str, count: usize) -> Vec<PathBuf> {
        self.wait(&format!("{count} jobs {state}"), || {
            let jobs = self.jobs(state);
            (jobs.len() >= count).then_some(jobs)
        })
    }

    #[track_caller]
    pub fn wait<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "waited in vain for {what}; the studio holds:\n{}",
                self.tree().join("\n")
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Every file, below the studio.
    pub fn tree(&self) -> Vec<String> {
        files(self.dir.path())
    }

    /// Files below a folder and their bytes.
    pub fn bytes_below(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let base = self.path(folder);
        files(&base).into_iter().map(|name| (name.clone(), std::fs::read(base.join(&name)).unwrap())).collect()
    }

    #[allow(clippy::unused_self, reason = "it reads like the rest")]
    pub fn json(&self, path: &Path) -> Value {
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    pub fn receipt(&self, job: &Path) -> Value {
        self.json(&job.join("receipt.json"))
    }

    /// What must hold once all is at rest, whatever happened before.
    #[track_caller]
    pub fn audit(&self) {
        let mut seen = BTreeMap::new();
        let mut receipts = Vec::new();
        for state in ["pending", "processing", "held", "failed", "done"] {
            for job in self.jobs(state) {
                let id = job.file_name().unwrap().to_string_lossy().into_owned();
                let record = self.json(&job.join("job.json"));
                assert_eq!(record["job"], *id, "the folder and its record disagree");
                if let Some(other) = seen.insert(id.clone(), state) {
                    panic!("{id} is in {other} and in {state}");
                }
                let journal = job.join("journal.jsonl");
                if journal.exists() {
                    hotfolders::spool::journal::read(&journal).unwrap();
                }
                if matches!(state, "done" | "failed") {
                    receipts.push(self.receipt(&job));
                }
            }
        }
        if !self.printers.is_empty() {
            self.audit_prints(&receipts);
        }
        self.audit_receipts(receipts);
        assert_eq!(files(&self.path("spool/tmp")), [""; 0], "spool/tmp is empty");
        let left: Vec<String> =
            self.tree().into_iter().filter(|f| f.contains("/.hf-") || f.ends_with(".hf-new")).collect();
        assert_eq!(left, [""; 0], "temporary names are left");
    }

    /// From now on the audit looks at what came out of it.
    pub fn watch_printer(&mut self, printer: &Arc<FakePrinter>) {
        self.printers.push(Arc::clone(printer));
    }

    /// The printers saw each sheet as often as the receipts say: certainly what is printed or accepted, and nothing
    /// beside what may have been.
    #[track_caller]
    fn audit_prints(&self, receipts: &[Value]) {
        let mut expected: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for receipt in receipts {
            let outputs = receipt["outputs"].as_array().unwrap();
            for print in receipt["prints"].as_array().unwrap() {
                let sheet = outputs.iter().find(|output| output["step"] == print["sheet"]);
                let Some(sheet) = sheet.and_then(|output| output["sha256"].as_str()) else { continue };
                let copies = usize::try_from(print["copies"].as_u64().unwrap()).unwrap();
                let state = print["state"].as_str().unwrap();
                let (least, most) = expected.entry(sheet.to_string()).or_default();
                *least += if matches!(state, "printed" | "accepted") { copies } else { 0 };
                *most += if state == "rendered" { 0 } else { copies };
            }
        }
        let mut came_out: BTreeMap<String, usize> = BTreeMap::new();
        for print in self.printers.iter().flat_map(|printer| printer.prints()).filter(|print| !print.was_cut) {
            *came_out.entry(print.digest).or_default() += 1;
        }
        for (sheet, (least, most)) in &expected {
            let count = came_out.remove(sheet).unwrap_or(0);
            assert!((*least..=*most).contains(&count), "{sheet} came out {count} times, not {least} to {most}");
        }
        assert!(came_out.is_empty(), "sheets of no receipt came out: {came_out:?}");
    }

    /// Receipts have their form, and what the newest of them says of a file is true.
    #[track_caller]
    fn audit_receipts(&self, mut receipts: Vec<Value>) {
        // Hundreds of studios are looked over, and the schema is the same for all.
        static VALIDATOR: OnceLock<jsonschema::Validator> = OnceLock::new();
        let validator = VALIDATOR.get_or_init(|| {
            let schema = self.run(&["schema", "receipt"]).expect(0).json();
            jsonschema::validator_for(&schema).unwrap()
        });
        receipts.sort_by_key(|r| r["finished"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap());
        let mut digests: BTreeMap<PathBuf, String> = BTreeMap::new();
        for receipt in &receipts {
            if let Err(e) = validator.validate(receipt) {
                panic!("{}: {e}", receipt["job"]);
            }
            // A disc takes the place of an earlier one as a whole.
            for delivery in receipt["deliveries"].as_array().unwrap().iter().filter(|d| d["to"] == "disc") {
                for disc in delivery["paths"].as_array().unwrap() {
                    let disc = self.path(disc.as_str().unwrap());
                    digests.retain(|path, _| !path.starts_with(&disc));
                }
            }
            for output in receipt["outputs"].as_array().unwrap() {
                let Some(path) = output["path"].as_str().filter(|p| !p.contains(".zip/")) else { continue };
                digests.insert(self.path(path), output["sha256"].as_str().unwrap().to_string());
            }
            for removed in self.removed_by(receipt["job"].as_str().unwrap()) {
                digests.remove(&removed);
            }
        }
        for (path, sha256) in digests {
            let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            assert_eq!(hotfolders::model::digest::sha256(&bytes), sha256, "{}", path.display());
        }
    }

    /// What the index says that a job removed.
    fn removed_by(&self, job: &str) -> Vec<PathBuf> {
        let index = std::fs::read_to_string(self.path("spool/index.jsonl")).unwrap_or_default();
        let lines = index.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let removed = lines.filter(|line| line["job"] == job).filter_map(|line| line["removed"].as_array().cloned());
        removed.flatten().map(|path| PathBuf::from(path.as_str().unwrap())).collect()
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Names of all files below a folder, sorted.
pub fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = walkdir::WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|e| !e.file_type().is_dir())
        .map(|e| e.path().strip_prefix(folder).unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A small picture with a gradient, so that shifts and turns show.
pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| [(x * 255 / width) as u8, (y * 255 / height) as u8, 128]))
        .collect();
    let image = turbojpeg::Image {
        pixels: pixels.as_slice(),
        width: width as usize,
        pitch: width as usize * 3,
        height: height as usize,
        format: turbojpeg::PixelFormat::RGB,
    };
    turbojpeg::compress(image, 92, turbojpeg::Subsamp::Sub2x2).unwrap().to_vec()
}

/// A session whose pictures are all selected.
pub fn session(record: &str, numbers: &[u32]) -> String {
    let images: Vec<Value> = numbers.iter().map(|n| serde_json::json!({ "number": n, "rating": "selected" })).collect();
    serde_json::json!({
        "manifest": 1, "kind": "session", "record": record, "status": "imported", "session": "S1",
        "images": images, "count": { "images": numbers.len() },
    })
    .to_string()
}

/// An invoice of one 8x10 of each picture.
pub fn invoice(record: &str, numbers: &[u32]) -> String {
    let lines: Vec<Value> = numbers
        .iter()
        .enumerate()
        .map(|(i, n)| serde_json::json!({ "line": i + 1, "item": "8X10", "quantity": 1, "image": n }))
        .collect();
    serde_json::json!({
        "manifest": 1, "kind": "invoice", "record": record, "status": "printing", "session": "S1",
        "lines": lines, "count": { "images": 0, "lines": lines.len() },
    })
    .to_string()
}
