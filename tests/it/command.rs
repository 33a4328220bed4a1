//! A program of the studio's own as a delivery: run once, and never a second time by itself.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::studio::{CONFIG, Studio, files, session};

/// A studio whose pictures go to a program; `run` is behind the program's name.
pub fn studio(script: &str, delivery: &str) -> Studio {
    let config = CONFIG.replace(
        "    deliver: [ { to: folder, path: \"delivery/web/{session}\" } ]\n",
        &format!("    deliver: [ {{ to: command, {delivery} }} ]\n"),
    );
    assert_ne!(config, CONFIG);
    let studio = Studio::bare(&config);
    for number in 1..=3 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 90, 60);
    }
    studio.write("tools/upload", format!("#!/bin/sh\n{script}\n").as_bytes());
    std::fs::set_permissions(studio.path("tools/upload"), std::fs::Permissions::from_mode(0o755)).unwrap();
    studio
}

fn log(studio: &Studio) -> Vec<String> {
    std::fs::read_to_string(studio.path("log")).unwrap_or_default().lines().map(str::to_string).collect()
}

#[test]
fn it_runs_once_for_each_file_under_its_name_with_what_the_job_knows() {
    let mut studio = studio(
        r#"echo "$# $2 $3 $(basename "$1") $HOTFOLDERS_RECORD $(wc -c < "$1" | tr -d ' ')" >> log; rm "$1""#,
        r#"run: [tools/upload, "{file}", "a b", "$(touch x);{record}"]"#,
    );
    studio.run(&["check"]).expect(0);
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1, 2]));
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    let outputs = studio.receipt(&done[0])["outputs"].clone();
    let bytes = |i: usize| outputs[i]["bytes"].as_u64().unwrap();
    let expected = |i: usize| format!("3 a b $(touch x);S1 S1_000{}.jpg S1 {}", i + 1, bytes(i));
    assert_eq!(log(&studio), [expected(0), expected(1)]);
    assert!(!studio.path("x").exists(), "no shell reads what is filled in");
    assert!(!done[0].join("commands").exists());
    studio.audit();
}

#[test]
fn it_runs_once_for_a_whole_delivery_with_the_folder_of_all() {
    let mut studio = studio(r#"ls "$1" >> log"#, r#"run: [tools/upload, "{file}"], for: delivery"#);
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1, 2, 3]));
    studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(log(&studio), ["S1_0001.jpg", "S1_0002.jpg", "S1_0003.jpg"]);
    studio.audit();
}

#[test]
fn what_does_not_come_to_a_good_end_is_tried_again_and_what_is_done_stays_done() {
    let mut studio = studio(
        r#"echo "$1" | sed 's/.*_//' >> log; case "$1" in *_0002.jpg) [ -e mended ] || { echo "no route to the lab" >&2; exit 3; };; esac"#,
        r#"run: [tools/upload, "{file}"]"#,
    );
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1, 2, 3]));
    studio.wait("the wait", || {
        let told = studio.run(&["status"]).expect(0).out;
        (told.contains("exit status: 3") && told.contains("no route to the lab")).then_some(())
    });
    studio.write("mended", b"");
    studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(log(&studio), ["0001.jpg", "0002.jpg", "0002.jpg", "0003.jpg"]);
    studio.audit();
}

#[test]
fn one_that_takes_too_long_is_stopped_with_all_that_it_started() {
    let mut studio = studio(
        r#"[ -e mended ] && { echo done >> log; exit 0; }; echo "slow" ; (sleep 4; echo late >> log) & sleep 600"#,
        r#"run: [tools/upload, "{file}"], timeout: 1s"#,
    );
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1]));
    studio.wait("the time-out", || {
        let told = studio.run(&["status"]).expect(0).out;
        (told.contains("did not end within 1 s") && told.contains("it said: slow")).then_some(())
    });
    studio.write("mended", b"");
    studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(log(&studio), ["done"], "what it had started is gone with it");
    studio.audit();
}

#[test]
fn a_value_that_would_be_an_option_is_not_handed_over() {
    let mut studio = studio("echo run >> log", r#"run: [tools/upload, "{session}", "{file}"]"#);
    studio.serve();
    let text = session("S1", &[1]).replace("\"session\":\"S1\"", "\"session\":\"--delete\"");
    std::fs::rename(studio.path("sessions/S1"), studio.path("sessions/--delete")).unwrap();
    studio.drop_file("status", "a.json", &text);
    let failed = studio.wait_jobs("failed", 1);
    studio.stop();
    let error = &studio.receipt(&failed[0])["errors"][0];
    assert_eq!(error["code"], "unsafe_argument", "{error}");
    assert_eq!(log(&studio), [""; 0]);
}

/// Whether a person was asked after a crash at point `k`; `None` when the run came through without reaching it.
fn crash(k: u64) -> Option<bool> {
    let mut studio = studio(r#"basename "$1" >> log"#, r#"run: [tools/upload, "{file}"]"#);
    studio.drop_file("status", "a.json", &session("S1", &[1, 2]));
    studio.serve_on_one_core(&[("HOTFOLDERS_CRASH_AT", &k.to_string())]);
    let rests = || studio.jobs("done").len() == 1;
    studio.wait("an end", || (studio.server_is_gone() || rests()).then_some(()));
    std::thread::sleep(std::time::Duration::from_millis(if rests() { 300 } else { 0 }));
    if !studio.server_is_gone() {
        studio.stop();
        return None;
    }
    studio.serve_on_one_core(&[]);
    let held = studio.wait(&format!("rest after a crash at {k}"), || {
        (studio.jobs("done").len() + studio.jobs("held").len() == 1).then(|| studio.jobs("held"))
    });
    if let Some(held) = held.first() {
        let questions = studio.json(&held.join("questions.json"));
        let text = questions[0]["text"].as_str().unwrap();
        assert!(questions[0]["code"] == "command" && text.contains("nobody knows"), "{questions}");
        let refused = studio.run(&["jobs", "release", "S1"]).expect(1).err;
        assert!(refused.contains("a release says too little"), "{refused}");
        let doubtful = if text.contains("S1_0001.jpg") { "S1_0001.jpg" } else { "S1_0002.jpg" };
        let ran = log(&studio).iter().filter(|line| *line == doubtful).count();
        assert!(ran <= 1, "crash at {k}");
        studio.run(&["jobs", "answer", "S1", if ran == 1 { "--done" } else { "--again" }]).expect(0);
        studio.wait_jobs("done", 1);
    }
    studio.stop();
    let mut ran = log(&studio);
    ran.sort();
    assert_eq!(ran, ["S1_0001.jpg", "S1_0002.jpg"], "crash at {k}");
    assert_eq!(files(&studio.path("drop")), [""; 0]);
    studio.audit();
    Some(!held.is_empty())
}

/// Kill the server at every point: by itself the program never runs twice for a file, and a person is asked only where
/// it was running.
#[test]
fn after_a_crash_at_any_point_it_has_run_at_most_once_or_a_person_is_asked() {
    let (next, asked, through) = (AtomicU64::new(1), AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !through.load(Ordering::SeqCst) {
                    match crash(next.fetch_add(1, Ordering::SeqCst)) {
                        Some(was_asked) => asked.fetch_add(u64::from(was_asked), Ordering::SeqCst),
                        None => u64::from(through.swap(true, Ordering::SeqCst)),
                    };
                }
            });
        }
    });
    let (points, asked) = (next.into_inner(), asked.into_inner());
    assert!(points > 40 && asked >= 2, "{points} points, asked {asked} times");
}
