//! Kill it at any instant, restart: the same files, one delivery, nothing lost, nothing twice.
//!
//! A debug build aborts at the point of `spool::durable` whose number it is told. Every number is tried, until a run
//! comes through. The runs have one core, so that the numbers stand still.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::io::Errno;

use super::studio::{CONFIG, Studio, files, invoice, jpeg, session};

type Outcome = BTreeMap<String, Vec<u8>>;

/// A story with a crash in it.
struct Scenario {
    /// What happened before, without a crash.
    before: fn(&Studio),
    drop: fn(&Studio),
    /// How many jobs rest in `done/` and `failed/` before, and after.
    rest: (usize, usize),
    /// Folders whose files must come out the same.
    results: &'static [&'static str],
}

fn nothing(_: &Studio) {}

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

/// One print of the two is made differently, the other not any more.
fn corrected_job(studio: &Studio) {
    let text = invoice("9", &[1]).replacen("\"line\":1", "\"tone\":\"bw\",\"line\":1", 1);
    studio.drop_file("status", "i2.json", &text);
}

fn job_to_disc(studio: &Studio) {
    studio.drop_file("status", "d.json", &invoice("9", &[1, 2]).replace("printing", "disc"));
}

/// Prints of two sizes: two orders of a Noritsu machine.
fn job_to_lab(studio: &Studio) {
    let text =
        invoice("9", &[1, 2]).replace("printing", "lab").replacen("\"line\":2", "\"size\":\"5x7in\",\"line\":2", 1);
    studio.drop_file("status", "l.json", &text);
}

/// A folder of pictures without a manifest.
fn pictures_alone(studio: &Studio) {
    studio.write("drop/quick/party/a.jpg", &jpeg(60, 40));
    studio.write("drop/quick/party/b.jpg", &jpeg(40, 60));
}

fn job_with_a_link(studio: &Studio) {
    studio.drop_file("status", "l.json", &invoice("9", &[1, 2]).replace("printing", "link"));
}

/// The link of the first run, with other pictures.
fn corrected_link(studio: &Studio) {
    studio.drop_file("status", "m.json", &invoice("9", &[2]).replace("printing", "link"));
}

fn cancelled_job(studio: &Studio) {
    let later = session("S1", &[1]).replacen('{', "{\"not_before\":\"2999-01-01T00:00:00Z\",", 1);
    studio.drop_file("status", "a.json", &later);
    let cancel = session("S1", &[1]).replacen('{', "{\"action\":\"cancel\",", 1);
    // In the order of their names when both are found at once.
    studio.drop_file("status", "b.json", &cancel);
}

/// Asked for while no server runs; the one that starts finds the request. Twice would be two jobs, and two prints.
fn reprint_by_hand(studio: &Studio) {
    let done = studio.jobs("done").remove(0);
    let request = serde_json::json!({ "command": "reprint", "job": done.file_name().unwrap().to_str().unwrap(),
        "lines": [2], "copies": 2, "manifest": null, "as_then": false });
    studio.write("spool/commands/1764140000000-00000001.json", request.to_string().as_bytes());
}

const LIBRARY_JOB: Scenario = Scenario { before: nothing, drop: library_job, rest: (0, 1), results: &["print"] };
const ZIP: Scenario = Scenario { before: nothing, drop: export_job_with_zip, rest: (0, 1), results: &["zips"] };
const REJECTED: Scenario = Scenario { before: nothing, drop: rejected_job, rest: (0, 1), results: &[] };
const DUPLICATE: Scenario = Scenario { before: library_job, drop: library_job, rest: (1, 2), results: &["print"] };
const CORRECTED: Scenario = Scenario { before: library_job, drop: corrected_job, rest: (1, 2), results: &["print"] };
const DISC: Scenario = Scenario { before: nothing, drop: job_to_disc, rest: (0, 1), results: &["burn"] };
const LAB: Scenario = Scenario { before: nothing, drop: job_to_lab, rest: (0, 1), results: &["lab"] };
const REPLACED_DISC: Scenario = Scenario {
    before: job_to_disc,
    drop: |studio| studio.drop_file("status", "e.json", &invoice("9", &[2]).replace("printing", "disc")),
    rest: (1, 2),
    results: &["burn"],
};
const REPRINT: Scenario = Scenario { before: library_job, drop: reprint_by_hand, rest: (1, 2), results: &["print"] };
const ALONE: Scenario = Scenario { before: nothing, drop: pictures_alone, rest: (0, 1), results: &["quick"] };
const LINK: Scenario = Scenario { before: nothing, drop: job_with_a_link, rest: (0, 1), results: &["downloads"] };
const RENEWED_LINK: Scenario =
    Scenario { before: job_with_a_link, drop: corrected_link, rest: (1, 2), results: &["downloads"] };
const CANCELLED: Scenario = Scenario { before: nothing, drop: cancelled_job, rest: (0, 2), results: &["delivery"] };

fn studio(scenario: &Scenario) -> Studio {
    let config = CONFIG.replace("100ms", "20ms").replace("200ms", "60ms").replace(
        "render_jobs:\n",
        "  burn:\n    size: ordered\n    dpi: 20\n    repeat: changed\n    name: \"{line}\"\n    checks: { low_ppi: [] }\n    deliver: [ { to: disc, path: \"burn/{record}\", label: \"{record}\" } ]\nrender_jobs:\n  - { name: burn, when: { kind: invoice, status: disc }, run: [burn] }\n  - { name: link, when: { kind: invoice, status: link }, run: [linked] }\n",
    );
    let config = config.replacen("profiles:\n", "downloads: { listen: \"127.0.0.1:0\", public_url: \"https://photos.example\" }\nprofiles:\n  linked: { per: line, size: 32px, name: \"{line}\", repeat: changed, deliver: [ { to: link, key: \"{record}\" } ] }\n", 1);
    let config = config.replace(
        "render_jobs:\n",
        "  lab:\n    size: ordered\n    dpi: 20\n    name: \"{line}\"\n    checks: { low_ppi: [] }\n    deliver: [ { to: lab, format: noritsu, path: lab, channels: [ { size: 8x10in, channel: 11 }, { size: 5x7in, channel: 7 } ] } ]\nrender_jobs:\n  - { name: lab, when: { kind: invoice, status: lab }, run: [lab] }\n",
    );
    let config = config
        .replacen("hot_folders:\n", "hot_folders:\n  quick: { folder: drop/quick, images: alone, settle: 20ms, scan: 60ms, run: [quick] }\n", 1)
        .replacen("profiles:\n", "profiles:\n  quick: { size: 32px, name: \"{stem}\", deliver: [ { to: folder, path: \"quick/{record}\" } ] }\n", 1);
    let mut studio = Studio::bare(&(config + "server: { max_jobs: 1 }\n"));
    std::fs::create_dir_all(studio.path("drop/quick")).unwrap();
    for number in 1..=2 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 90, 60);
    }
    if scenario.rest.0 > 0 {
        (scenario.before)(&studio);
        studio.serve();
        studio.wait("what came before", || (resting(&studio) == scenario.rest.0).then_some(()));
        studio.stop();
    }
    (scenario.drop)(&studio);
    studio
}

fn resting(studio: &Studio) -> usize {
    studio.jobs("done").len() + studio.jobs("failed").len()
}

fn at_rest(studio: &Studio, scenario: &Scenario) -> bool {
    resting(studio) == scenario.rest.1
}

fn outcome(studio: &Studio, scenario: &Scenario) -> Outcome {
    let mut outcome = Outcome::new();
    for folder in scenario.results {
        let found = studio.bytes_below(folder).into_iter();
        // What lies behind a link lies in a folder that is called after its job.
        let found = found.map(|(name, bytes)| match (*folder, name.split_once('/')) {
            ("downloads", Some((_, file))) => (file.to_string(), bytes),
            _ => (name, bytes),
        });
        outcome.extend(found.map(|(name, bytes)| (format!("{folder}/{name}"), bytes)).map(without_its_job));
    }
    outcome
}

/// An order at a lab has the digits of its job in its name, and the moment in which that came.
fn without_its_job((name, bytes): (String, Vec<u8>)) -> (String, Vec<u8>) {
    if !name.starts_with("lab/") {
        return (name, bytes);
    }
    let digits = regex::Regex::new("-[0-9a-f]{4}_").unwrap();
    let moment = regex::bytes::Regex::new("GEN DTM = [0-9:]{19}").unwrap();
    (digits.replace(&name, "-_").into_owned(), moment.replace(&bytes, &b"GEN DTM"[..]).into_owned())
}

/// What must hold once the server came to rest by itself, whatever was done to it.
fn look_over(studio: &mut Studio, scenario: &Scenario, originals: &Outcome, what: &str) -> Outcome {
    studio.wait("the server", || studio.is_served().then_some(()));
    studio.wait(&format!("the jobs after {what}"), || at_rest(studio, scenario).then_some(()));
    studio.wait(&format!("an empty drop folder after {what}"), || files(&studio.path("drop")).is_empty().then_some(()));
    assert_eq!(studio.stop(), Some(0));
    studio.audit();
    audit_links(studio, what);
    assert_eq!(studio.bytes_below("sessions"), *originals, "{what}: originals are only read");
    let jobs: usize = ["pending", "processing", "held", "failed", "done"].iter().map(|s| studio.jobs(s).len()).sum();
    assert_eq!(jobs, scenario.rest.1, "{what}: one job for each manifest");
    outcome(studio, scenario)
}

/// One link at most, which is that of every receipt that has one, and what it opens stands.
fn audit_links(studio: &Studio, what: &str) {
    let mut urls: Vec<String> = studio
        .jobs("done")
        .iter()
        .flat_map(|job| studio.receipt(job)["links"].as_array().unwrap().clone())
        .map(|link| link["url"].as_str().unwrap().to_string())
        .collect();
    urls.dedup();
    let records: Vec<String> = files(&studio.path("spool/links"));
    let records: Vec<&String> = records.iter().filter(|name| name.ends_with(".json")).collect();
    assert_eq!(records.len(), urls.len(), "{what}: {records:?}");
    for url in urls {
        let hash = hotfolders::model::token::Token::of_url(&url).unwrap().hash();
        assert_eq!(*records[0], format!("{hash}.json"), "{what}");
        let record = studio.json(&studio.path(&format!("spool/links/{hash}.json")));
        let folder = std::path::Path::new(record["folder"].as_str().unwrap());
        assert!(folder.join("contents.json").is_file(), "{what}");
        assert_eq!(std::fs::read_dir(studio.path("downloads")).unwrap().count(), 1, "{what}: one folder");
    }
}

/// Runs once, cut off at point `k`, then to the end. `None` when the run came through without reaching `k`.
fn crash(scenario: &Scenario, k: u64, also: Option<u64>) -> Option<Outcome> {
    let mut studio = studio(scenario);
    let originals = studio.bytes_below("sessions");
    studio.serve_on_one_core(&[("HOTFOLDERS_CRASH_AT", &k.to_string())]);
    let mut crashed = studio.wait("an end", || {
        studio.server_is_gone().then_some(true).or_else(|| at_rest(&studio, scenario).then_some(false))
    });
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
        studio.wait("a second end", || (studio.server_is_gone() || at_rest(&studio, scenario)).then_some(()));
        studio.kill();
    }
    studio.serve_on_one_core(&[]);
    let what = format!("a crash at {k}, then at {also:?}");
    Some(look_over(&mut studio, scenario, &originals, &what))
}

/// An operator who is told that a request could not be carried out makes it once more.
fn ask_again(studio: &Studio, scenario: &Scenario) {
    let answer = studio.path("spool/commands/1764140000000-00000001.answer.json");
    let Ok(text) = std::fs::read(&answer) else { return };
    let told: serde_json::Value = serde_json::from_slice(&text).unwrap();
    if told["refused"].as_array().is_some_and(|refused| !refused.is_empty()) {
        std::fs::remove_file(&answer).unwrap();
        (scenario.drop)(studio);
    }
}

/// Runs with one call of the disk that fails; what fails for good is started again. `None` as in [`crash`].
fn fault(scenario: &Scenario, k: u64, errno: i32) -> Option<Outcome> {
    let mut studio = studio(scenario);
    let originals = studio.bytes_below("sessions");
    let told = studio.path("told");
    let env = [
        ("HOTFOLDERS_FAULT_AT", format!("{k}:{errno}")),
        ("HOTFOLDERS_FAULT_TOLD", told.display().to_string()),
        ("HOTFOLDERS_RETRY_MS", "100".into()),
    ];
    studio.serve_on_one_core(&env.each_ref().map(|(name, value)| (*name, value.as_str())));
    studio.wait("an end", || {
        ask_again(&studio, scenario);
        (studio.server_is_gone() || at_rest(&studio, scenario)).then_some(())
    });
    if studio.server_is_gone() {
        // It says so and ends where it cannot even begin.
        studio.kill();
        studio.serve_on_one_core(&[]);
    }
    let result = look_over(&mut studio, scenario, &originals, &format!("error {errno} at {k}"));
    told.exists().then_some(result)
}

fn golden(scenario: &Scenario) -> Outcome {
    let mut studio = studio(scenario);
    studio.serve();
    studio.wait("the golden run", || at_rest(&studio, scenario).then_some(()));
    studio.stop();
    studio.audit();
    outcome(&studio, scenario)
}

/// Tries 1, 2, 3 … on some threads, until a run comes through. Says how many there were.
fn every_point(scenario: &Scenario, threads: usize, at_least: u64, run: impl Fn(u64) -> Option<Outcome> + Sync) -> u64 {
    let golden = golden(scenario);
    let next = AtomicU64::new(1);
    let through = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !through.load(Ordering::SeqCst) {
                    let k = next.fetch_add(1, Ordering::SeqCst);
                    match run(k) {
                        Some(result) => {
                            let names = |o: &Outcome| o.keys().cloned().collect::<Vec<_>>();
                            assert_eq!(names(&result), names(&golden), "cut off at {k}");
                            assert!(result == golden, "cut off at {k}: other bytes");
                        }
                        None => through.store(true, Ordering::SeqCst),
                    }
                }
            });
        }
    });
    let points = next.load(Ordering::SeqCst);
    assert!(points > at_least, "only {points} points: is every change of the disk numbered?");
    points
}

fn every_crash(scenario: &Scenario, at_least: u64, also: Option<u64>) -> u64 {
    every_point(scenario, 4, at_least, |k| crash(scenario, k, also))
}

#[test]
fn a_library_job_survives_a_crash_at_every_point() {
    every_crash(&LIBRARY_JOB, 40, None);
}

#[test]
fn an_export_job_with_a_zip_survives_a_crash_at_every_point() {
    every_crash(&ZIP, 40, None);
}

#[test]
fn a_rejected_manifest_survives_a_crash_at_every_point() {
    every_crash(&REJECTED, 15, None);
}

#[test]
fn a_corrected_job_survives_a_crash_at_every_point() {
    every_crash(&CORRECTED, 40, None);
}

#[test]
fn a_job_with_a_link_makes_one_link_after_a_crash_at_any_point() {
    every_crash(&LINK, 40, None);
}

#[test]
fn pictures_without_a_manifest_survive_a_crash_at_every_point() {
    every_crash(&ALONE, 40, None);
}

#[test]
fn a_cancelled_job_stays_cancelled_after_a_crash_at_any_point() {
    every_crash(&CANCELLED, 40, None);
}

#[test]
fn an_order_at_a_lab_is_handed_over_once_whatever_the_crash() {
    every_crash(&LAB, 40, None);
}

#[test]
fn a_reprint_by_hand_is_made_once_after_a_crash_at_any_point() {
    every_crash(&REPRINT, 40, None);
}

#[test]
fn a_crash_during_recovery_is_survived_too() {
    every_crash(&LIBRARY_JOB, 40, Some(9));
}

const FULL_OR_FORBIDDEN: [Errno; 2] = [Errno::NOSPC, Errno::ACCESS];

#[test]
fn a_full_disk_or_a_missing_right_at_every_point_fails_no_job() {
    for errno in FULL_OR_FORBIDDEN {
        every_point(&LIBRARY_JOB, 8, 40, |k| fault(&LIBRARY_JOB, k, errno.raw_os_error()));
    }
}

/// What is done at each numbered point.
fn steps(scenario: &Scenario) -> Vec<(u64, String)> {
    let mut studio = studio(scenario);
    let list = studio.path("points");
    studio.serve_on_one_core(&[("HOTFOLDERS_POINTS_TOLD", list.to_str().unwrap())]);
    studio.wait("a run that lists its points", || at_rest(&studio, scenario).then_some(()));
    studio.stop();
    let text = std::fs::read_to_string(list).unwrap();
    let numbered = text.lines().map(|line| line.split_once(' ').unwrap());
    numbered.map(|(number, action)| (number.parse().unwrap(), action.to_string())).collect()
}

/// The calls that `spool::durable` has for changing the disk, by what they say they do.
fn calls() -> BTreeSet<String> {
    let durable = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/spool/durable");
    let sources = files(&durable).into_iter().map(|name| durable.join(name)).chain([durable.with_extension("rs")]);
    let text: String = sources.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    text.split("point(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_string()).collect()
}

/// The test above tries every point of one story; calls that it does not make fail in another one.
#[test]
fn every_kind_of_call_is_tried_with_a_full_disk_and_without_the_right() {
    let mut tried: BTreeSet<String> = steps(&LIBRARY_JOB).into_iter().map(|(_, action)| action).collect();
    for (name, scenario) in ALL {
        for (k, action) in steps(scenario) {
            if tried.insert(action.clone()) {
                let golden = golden(scenario);
                for errno in FULL_OR_FORBIDDEN {
                    let result = fault(scenario, k, errno.raw_os_error());
                    assert!(result == Some(golden.clone()), "{name}: {errno} at {k}, {action}");
                }
            }
        }
    }
    let not_tried: Vec<String> = calls().difference(&tried).cloned().collect();
    // The reserve shrinks on a full disk alone: `src/spool/reserve.rs` tries it. That an asset is still in use is noted twice
    // a day: `src/intake/tests/crashes.rs` tries it.
    assert_eq!(not_tried, ["lengthen", "mark", "shorten"]);
}

const ALL: [(&str, &Scenario); 13] = [
    ("library job", &LIBRARY_JOB),
    ("zip", &ZIP),
    ("rejected", &REJECTED),
    ("duplicate", &DUPLICATE),
    ("corrected", &CORRECTED),
    ("disc", &DISC),
    ("lab", &LAB),
    ("replaced disc", &REPLACED_DISC),
    ("pictures alone", &ALONE),
    ("cancelled", &CANCELLED),
    ("reprint", &REPRINT),
    ("link", &LINK),
    ("renewed link", &RENEWED_LINK),
];

/// All of them, or the one that `HOTFOLDERS_SCENARIO` names.
fn scenarios() -> impl Iterator<Item = (&'static str, &'static Scenario)> {
    let only = std::env::var("HOTFOLDERS_SCENARIO").ok();
    ALL.into_iter().filter(move |(name, _)| only.as_ref().is_none_or(|only| only == name))
}

#[test]
#[ignore = "minutes: scripts/torture crash"]
fn every_scenario_survives_a_crash_at_every_point_and_one_more_during_recovery() {
    for (name, scenario) in scenarios() {
        for also in [None, Some(3), Some(9), Some(17), Some(30)] {
            let points = every_crash(scenario, 15, also);
            println!("crash: {name}, then {also:?}: {points} points");
        }
    }
}

#[test]
#[ignore = "minutes: scripts/torture faults"]
fn every_scenario_survives_every_error_at_every_point() {
    for (name, scenario) in scenarios() {
        for errno in [Errno::NOSPC, Errno::ACCESS, Errno::IO, Errno::ROFS] {
            let points = every_point(scenario, 8, 15, |k| fault(scenario, k, errno.raw_os_error()));
            println!("faults: {name}, {errno}: {points} points");
        }
    }
}
