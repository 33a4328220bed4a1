//! Kill it at any instant, restart: the same files, one delivery, nothing lost, nothing twice.
//!
//! A debug build aborts at the point of `spool::durable` whose number it is told. Every number is tried, until a run
//! comes through. The runs have one core, so that the numbers stand still.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::studio::{CONFIG, Studio, files, invoice, jpeg};

type Outcome = BTreeMap<String, Vec<u8>>;

struct Scenario {
    drop: fn(&Studio),
    /// Folders whose files must come out the same.
    results: &'static [&'static str],
}

fn library_job(studio: &Studio) {
    studio.drop_file("status", "i.json", &invoice("9", &[1, 2]));
}

fn export_job_with_zip(studio: &Studio) {
    studio.write("drop/exports/o/a.jpg", &jpeg(60, 40));
    studio.write("drop/exports/o/b.jpg", &jpeg(40, 60));
    let manifest = r#"{ "manifest": 1, "kind": "production_order", "record": "7", "status": "zip",
        "lines": [ { "line": 1, "image": "a.jpg" }, { "line": 2, "image": "b.jpg" } ] }"#;
    studio.write("drop/exports/o/o.json", manifest.as_bytes());
}

fn rejected_job(studio: &Studio) {
    studio.drop_file("status", "bad.json", "{ \"manifest\": 1, \"kind\": \"sessoin\" }");
}

fn studio() -> Studio {
    let config = CONFIG.replace("100ms", "20ms").replace("200ms", "60ms") + "server: { max_jobs: 1 }\n";
    let studio = Studio::bare(&config);
    for number in 1..=2 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 90, 60);
    }
    studio
}

fn at_rest(studio: &Studio) -> bool {
    studio.jobs("done").len() + studio.jobs("failed").len() == 1
}

fn outcome(studio: &Studio, scenario: &Scenario) -> Outcome {
    let mut outcome = Outcome::new();
    for folder in scenario.results {
        let found = studio.bytes_below(folder).into_iter();
        outcome.extend(found.map(|(name, bytes)| (format!("{folder}/{name}"), bytes)));
    }
    outcome
}

/// Runs once, cut off at point `k`, then to the end. `None` when the run came through without reaching `k`.
fn run(scenario: &Scenario, k: u64, also: Option<u64>) -> Option<Outcome> {
    let mut studio = studio();
    (scenario.drop)(&studio);
    let originals = studio.bytes_below("sessions");
    studio.serve_on_one_core(&[("HOTFOLDERS_CRASH_AT", &k.to_string())]);
    let mut crashed =
        studio.wait("an end", || studio.server_is_gone().then_some(true).or_else(|| at_rest(&studio).then_some(false)));
    if !crashed {
        // A job may rest a moment before the last point is passed.
        std::thread::sleep(std::time::Duration::from_millis(300));
        crashed = studio.server_is_gone();
    }
    if !crashed {
        studio.stop();
        studio.audit();
        return None;
    }
    if let Some(second) = also {
        studio.serve_on_one_core(&[("HOTFOLDERS_CRASH_AT", &second.to_string())]);
        studio.wait("a second end", || (studio.server_is_gone() || at_rest(&studio)).then_some(()));
        studio.kill();
    }
    studio.serve_on_one_core(&[]);
    studio.wait("the server", || studio.is_served().then_some(()));
    studio.wait(&format!("the job after a crash at {k}"), || at_rest(&studio).then_some(()));
    assert_eq!(studio.stop(), Some(0));
    studio.audit();
    assert_eq!(files(&studio.path("drop")), [""; 0], "crash at {k}: the drop folder is empty");
    assert_eq!(studio.bytes_below("sessions"), originals, "crash at {k}: originals are only read");
    let jobs: usize = ["pending", "processing", "held", "failed", "done"].iter().map(|s| studio.jobs(s).len()).sum();
    assert_eq!(jobs, 1, "crash at {k}: one job");
    Some(outcome(&studio, scenario))
}

fn every_point(scenario: &Scenario, at_least: u64, also: Option<u64>) {
    let golden = {
        let mut studio = studio();
        (scenario.drop)(&studio);
        studio.serve();
        studio.wait("the golden run", || at_rest(&studio).then_some(()));
        studio.stop();
        studio.audit();
        outcome(&studio, scenario)
    };
    let next = AtomicU64::new(1);
    let through = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !through.load(Ordering::SeqCst) {
                    let k = next.fetch_add(1, Ordering::SeqCst);
                    match run(scenario, k, also) {
                        Some(result) => {
                            let names = |o: &Outcome| o.keys().cloned().collect::<Vec<_>>();
                            assert_eq!(names(&result), names(&golden), "crash at {k}");
                            assert!(result == golden, "crash at {k}: other bytes");
                        }
                        None => through.store(true, Ordering::SeqCst),
                    }
                }
            });
        }
    });
    let points = next.load(Ordering::SeqCst);
    assert!(points > at_least, "only {points} points: is every change of the disk numbered?");
}

#[test]
fn a_library_job_survives_a_crash_at_every_point() {
    every_point(&Scenario { drop: library_job, results: &["print"] }, 40, None);
}

#[test]
fn an_export_job_with_a_zip_survives_a_crash_at_every_point() {
    every_point(&Scenario { drop: export_job_with_zip, results: &["zips"] }, 40, None);
}

#[test]
fn a_rejected_manifest_survives_a_crash_at_every_point() {
    every_point(&Scenario { drop: rejected_job, results: &[] }, 15, None);
}

#[test]
fn a_crash_during_recovery_is_survived_too() {
    every_point(&Scenario { drop: library_job, results: &["print"] }, 40, Some(9));
}
