//! Many pictures through one process of the program that may take only so much memory and time.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hotfolders::model::spec::DecodeFactor;
use hotfolders::render::{peak_bytes, probe};

use crate::studio::Studio;

/// Address space of the program itself: code, stacks, what the allocator sets aside for each thread.
const PROGRAM_BYTES: u64 = 600 << 20;

/// What became of a picture.
#[derive(Debug, Default)]
pub struct Fate {
    pub made: Option<Vec<u8>>,
    /// Lines that name it.
    pub told: Vec<String>,
}

impl Fate {
    pub fn error(&self) -> Option<&str> {
        self.told.iter().find(|line| line.starts_with("error: ")).map(String::as_str)
    }

    pub fn warned_of(&self, words: &str) -> bool {
        self.told.iter().any(|line| line.starts_with("warning: ") && line.contains(words))
    }
}

pub type Files = Vec<(String, Vec<u8>)>;

/// What the program says beforehand that a picture takes at most.
fn stated(file: &[u8]) -> u64 {
    let header = probe(std::io::Cursor::new(file));
    header.map_or(0, |header| peak_bytes(&[(header, file.len() as u64, DecodeFactor::FULL)], &[]))
}

/// Renders all of them at once to 40 pixels. `Err` says how the process ended instead of making or naming them.
fn try_bake(profile: &str, files: &[(String, Vec<u8>)], patience: Duration) -> Result<BTreeMap<String, Fate>, String> {
    let config = format!(
        "version: 1\nserver: {{ max_jobs: 2, max_memory: 64MiB }}\nprofiles:\n  p: {{ size: 40px, format: png, {profile} }}\n"
    );
    let studio = Studio::bare(&config);
    for (name, file) in files {
        studio.write(name, file);
    }
    // What is larger than the budget runs alone, so the largest one counts.
    let most = PROGRAM_BYTES + files.iter().map(|(_, file)| stated(file)).max().unwrap_or(0).max(64 << 20);
    let log = std::fs::File::create(studio.path("log")).unwrap();
    let mut run = Command::new("sh")
        .args(["-c", "ulimit -v $1; shift; exec \"$@\"", "sh", &(most / 1024).to_string()])
        .args([env!("CARGO_BIN_EXE_hotfolders"), "render", "--profile", "p", "--out", "out"])
        .args(files.iter().map(|(name, _)| name))
        .current_dir(studio.path("."))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = run.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > patience {
            run.kill().unwrap();
            run.wait().unwrap();
            return Err(format!("it still ran after {patience:?}"));
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let log = String::from_utf8(std::fs::read(studio.path("log")).unwrap()).unwrap();
    if !matches!(status.code(), Some(0 | 1)) || log.contains("stopped in the middle") || log.contains("panicked") {
        return Err(format!("{status}:\n{log}"));
    }
    let mut fates = BTreeMap::new();
    for (name, _) in files {
        let (stem, _) = name.split_once('.').unwrap();
        let made = std::fs::read(studio.path(&format!("out/{stem}.png"))).ok();
        let told: Vec<String> = log.lines().filter(|l| l.contains(&format!("{name}:"))).map(str::to_string).collect();
        let fate = Fate { made, told };
        if fate.made.is_some() == fate.error().is_some() {
            return Err(format!("{name} was made and refused, or neither:\n{log}"));
        }
        fates.insert(name.clone(), fate);
    }
    Ok(fates)
}

/// Renders files with a profile of these keys. Each must be made or named in an error, within its memory and time.
#[track_caller]
pub fn bake(profile: &str, files: &[(String, Vec<u8>)], patience: Duration) -> BTreeMap<String, Fate> {
    match try_bake(profile, files, patience) {
        Ok(fates) => fates,
        Err(all) => {
            let alone = files.iter().find_map(|file| {
                let why = try_bake(profile, std::slice::from_ref(file), patience).err()?;
                let kept = std::env::temp_dir().join(format!("hotfolders-{}", file.0));
                std::fs::write(&kept, &file.1).unwrap();
                Some(format!("{} (kept as {}): {why}", file.0, kept.display()))
            });
            panic!("{}", alone.unwrap_or(all));
        }
    }
}
