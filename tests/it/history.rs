//! What is known of finished jobs, for how long, and what goes.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::studio::{CONFIG, Studio, files, hotfolders, session};

/// A session of a client.
pub fn session_of(record: &str, numbers: &[u32], first: &str, email: &str) -> String {
    let mut manifest: Value = serde_json::from_str(&session(record, numbers)).unwrap();
    manifest["client"] = json!({ "first": first, "last": "Larson", "email": email });
    manifest.to_string()
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|row| row["record"].as_str().unwrap()).collect()
}

fn listed(studio: &Studio, args: &[&str]) -> Value {
    studio.run(&[&["jobs", "list", "--json"], args].concat()).expect(0).json()
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Makes the jobs that rest look like ones that ended in March: folders, receipts, history.
fn age(studio: &Studio) {
    for state in ["done", "failed"] {
        let base = studio.path(&format!("spool/{state}"));
        for day in std::fs::read_dir(&base).unwrap().flatten() {
            std::fs::rename(day.path(), base.join("2026-03-01")).unwrap();
        }
    }
    let index = studio.path("spool/index.jsonl");
    let mut text = String::new();
    for mut line in lines(&index) {
        line["finished"] = "2026-03-01T12:00:00Z".into();
        text += &format!("{line}\n");
    }
    std::fs::write(index, text).unwrap();
}

const TODAY: [(&str, &str); 1] = [("HOTFOLDERS_HOUSEKEEPING_MS", "1")];

/// With a short memory and jobs from March: one done, one failed, one held, each of a client.
fn aged(retention: &str) -> Studio {
    let config = CONFIG.replacen("settle: 100ms, scan: 200ms", "settle: 20ms, scan: 60ms, receipts: receipts", 1);
    let mut studio = Studio::bare(&(config + "server: { retention: " + retention + " }\n"));
    for number in 1..=3 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 90, 60);
    }
    studio.serve();
    studio.drop_file("status", "done.json", &session_of("D1", &[1], "Ana", "ana@example.com"));
    studio.drop_file("status", "failed.json", &session_of("F1", &[9], "Bob", "bob@example.com"));
    studio.wait_jobs("done", 1);
    studio.wait_jobs("failed", 1);
    studio.run(&["pause"]).expect(0);
    studio.drop_file("status", "held.json", &session_of("H1", &[2], "Eve", "eve@example.com"));
    studio.wait_jobs("pending", 1);
    studio.run(&["jobs", "hold", "H1"]).expect(0);
    studio.run(&["resume"]).expect(0);
    studio.stop();
    age(&studio);
    studio
}

#[test]
fn jobs_are_found_by_record_client_and_session_also_when_their_folders_are_gone() {
    let mut studio = aged("{ done: 90d }");
    let look = |studio: &Studio| {
        assert_eq!(ids(&listed(studio, &[])), ["D1", "F1", "H1"]);
        for (args, found) in [
            (["--record", "d1"], "D1"),
            (["--client", "ANA LARSON"], "D1"),
            (["--client", "bob@exam"], "F1"),
            (["--client", "eve"], "H1"),
            (["--state", "failed"], "F1"),
            (["--limit", "1"], "H1"),
        ] {
            assert_eq!(ids(&listed(studio, &args)), [found], "{args:?}");
        }
        assert_eq!(ids(&listed(studio, &["--session", "s1"])), ["D1", "F1", "H1"]);
        assert_eq!(ids(&listed(studio, &["--client", "nobody"])), [""; 0]);
        assert_eq!(ids(&listed(studio, &["--since", "2020-01-01"])).len(), 3);
        assert_eq!(ids(&listed(studio, &["--since", "2999-01-01"])), [""; 0]);
        let some = studio.run(&["jobs", "list", "--limit", "2"]).expect(0);
        assert!(some.out.lines().count() == 2 && some.err.contains("1 older"), "{some:?}");
    };
    look(&studio);
    let why = &listed(&studio, &["--record", "F1"])[0]["why"];
    assert!(why.as_str().unwrap().contains('9'), "{why}");

    std::fs::remove_dir_all(studio.path("spool/done/2026-03-01")).unwrap();
    std::fs::remove_dir_all(studio.path("spool/failed/2026-03-01")).unwrap();
    look(&studio);
    let shown = studio.run(&["jobs", "show", "D1"]).expect(0).out;
    assert!(shown.contains("its folder is gone") && shown.contains("ana@example.com"), "{shown}");
    let shown = studio.run(&["jobs", "show", "D1", "--json"]).expect(0).json();
    assert_eq!((&shown["state"], shown["history"]["placed"].as_array().unwrap().len()), (&"done".into(), 1));
    assert!(studio.run(&["jobs", "retry", "F1"]).expect(1).err.contains("its folder is gone"));

    // What is there only in the index of an older version is found too, and by a server as well.
    std::fs::remove_file(studio.path("spool/index.brief.jsonl")).unwrap();
    look(&studio);
    studio.serve();
    studio.wait("the brief file", || studio.path("spool/index.brief.jsonl").exists().then_some(()));
    look(&studio);
}

#[test]
fn a_failed_job_that_is_tried_again_is_listed_once() {
    let mut studio = Studio::new();
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1, 9]));
    studio.wait_jobs("failed", 1);
    studio.run(&["pause"]).expect(0);
    studio.run(&["jobs", "retry", "S1"]).expect(0);
    studio.wait_jobs("pending", 1);
    let list = listed(&studio, &[]);
    assert_eq!((list.as_array().unwrap().len(), &list[0]["state"]), (1, &"pending".into()));
    studio.picture("sessions/S1/Hi-Res/S1009.jpg", 90, 60);
    studio.run(&["resume"]).expect(0);
    studio.wait_jobs("done", 1);
    let list = listed(&studio, &[]);
    assert_eq!((list.as_array().unwrap().len(), &list[0]["result"]), (1, &"done".into()));
    assert_eq!(lines(&studio.path("spool/index.jsonl")).len(), 2);
    studio.stop();
    studio.audit();
}

#[test]
fn what_is_too_old_goes_and_the_same_again_still_works() {
    let mut studio = aged("{ done: 90d, failed: 90d, receipts: 90d, history: 3y }");
    let goes = studio.run(&["status", "--json"]).expect(0).json()["removed_within_a_day"].clone();
    assert_eq!(goes, json!({ "done": 1, "failed": 1, "receipts": 2, "history": 0 }));
    assert!(studio.run(&["status"]).expect(0).out.contains("within a day: 1 done, 1 failed, 2 receipts"));
    std::fs::create_dir(studio.path("spool/done/mine")).unwrap();
    studio.write("receipts/mine.json", b"{}");
    let (delivered, originals) = (studio.bytes_below("delivery"), studio.bytes_below("sessions"));
    studio.serve_with(&TODAY);
    studio.wait("the jobs to go", || (studio.jobs("done").len() + studio.jobs("failed").len() == 0).then_some(()));
    studio.wait("the receipts to go", || (files(&studio.path("receipts")) == ["mine.json"]).then_some(()));
    assert_eq!(files(&studio.path("spool/tmp")), [""; 0]);
    assert!(studio.path("spool/done/mine").is_dir(), "a folder that is no day is somebody's own");
    assert_eq!((studio.bytes_below("delivery"), studio.bytes_below("sessions")), (delivered.clone(), originals));
    assert_eq!(studio.jobs("held").len(), 1);
    assert_eq!(ids(&listed(&studio, &[])), ["D1", "F1", "H1"]);

    studio.drop_file("status", "again.json", &session_of("D1", &[1], "Ana", "ana@example.com"));
    let again = studio.wait_jobs("done", 1);
    assert_eq!(studio.receipt(&again[0])["result"], "duplicate");
    assert_eq!(studio.bytes_below("delivery"), delivered);
    studio.wait("the server to have counted again", || {
        let goes = studio.run(&["status", "--json"]).expect(0).json()["removed_within_a_day"].clone();
        (goes == json!({ "done": 0, "failed": 0, "receipts": 0, "history": 0 })).then_some(())
    });
    studio.stop();
    studio.audit();
}

#[test]
fn old_lines_of_the_history_go_and_the_server_knows() {
    let mut studio = aged("{ done: 10d, failed: 10d, receipts: 10d, history: 20d }");
    let index = studio.path("spool/index.jsonl");
    studio.serve_with(&TODAY);
    studio.wait("the history to go", || lines(&index).is_empty().then_some(()));
    studio.wait("the jobs to go", || (studio.jobs("done").len() + studio.jobs("failed").len() == 0).then_some(()));
    // Nothing is known of it any more: it is made again. What stands there is nobody's, so it stays.
    studio.drop_file("status", "again.json", &session_of("D1", &[1], "Ana", "ana@example.com"));
    let again = studio.wait_jobs("done", 1);
    assert_eq!(studio.receipt(&again[0])["result"], "done");
    assert_eq!(lines(&index).len(), 1);
    studio.stop();
    let left = listed(&studio, &[]);
    let mut left = ids(&left);
    left.sort_unstable();
    assert_eq!(left, ["D1", "H1"]);
    studio.audit();
}

#[test]
fn a_missing_or_damaged_history_is_made_again_from_the_folders() {
    let mut studio = aged("{ done: 3y, failed: 3y }");
    // As the jobs left it.
    let index = studio.path("spool/index.jsonl");
    let by_job = |lines: Vec<Value>| {
        let mut lines: Vec<Value> = lines
            .into_iter()
            .map(|mut line| {
                line["finished"] = Value::Null;
                line
            })
            .collect();
        lines.sort_by_key(|line| line["job"].to_string());
        lines
    };
    let before = by_job(lines(&index));
    assert_eq!(before.len(), 2);
    let text = std::fs::read_to_string(&index).unwrap();
    for (name, damaged) in [("missing", None), ("damaged", Some(text.replacen(':', "?", 1)))] {
        match &damaged {
            None => std::fs::remove_file(&index).unwrap(),
            Some(text) => std::fs::write(&index, text).unwrap(),
        }
        studio.serve();
        studio.wait("the server", || studio.run(&["status", "--json"]).json()["hot_folders"].is_array().then_some(()));
        studio.stop();
        assert_eq!(by_job(lines(&index)), before, "{name}");
    }
    assert!(studio.path("spool/index.jsonl.damaged").is_file());
    let dates: Vec<Value> = lines(&index).into_iter().map(|line| line["finished"].clone()).collect();
    assert!(dates.iter().any(|at| at != "2026-03-01T12:00:00Z"), "by the receipt: {dates:?}");
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().flatten() {
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(target).unwrap();
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Cut off at any point, the next run ends with the same.
#[test]
fn retention_may_be_cut_off_anywhere() {
    let studio = aged("{ done: 10d, failed: 10d, receipts: 10d, history: 20d }");
    let rest = |base: &Path| -> Vec<PathBuf> {
        let kept = |f: &String| f.starts_with("spool/held") || f.starts_with("delivery") || f.starts_with("sessions");
        files(base).into_iter().filter(kept).map(PathBuf::from).collect()
    };
    let (root, before) = (studio.path(""), rest(&studio.path("")));
    let ends = |base: &Path, crash: Option<u32>| -> bool {
        let mut command = hotfolders();
        command.current_dir(base).arg("serve").envs(TODAY);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        if let Some(at) = crash {
            command.env("HOTFOLDERS_CRASH_AT", at.to_string());
        }
        let mut server = command.spawn().unwrap();
        let done = || {
            let left = files(&base.join("spool/done")).len() + files(&base.join("spool/failed")).len();
            let lines = std::fs::read_to_string(base.join("spool/index.jsonl")).unwrap_or_default();
            left == 0
                && lines.is_empty()
                && files(&base.join("receipts")).is_empty()
                && files(&base.join("spool/tmp")).is_empty()
        };
        let start = std::time::Instant::now();
        let came_through = loop {
            if server.try_wait().unwrap().is_some() {
                break false;
            }
            if done() && crash.is_none() {
                break true;
            }
            // Whether a number is never reached shows only by nothing happening after the end.
            if done() && start.elapsed() > std::time::Duration::from_secs(2) {
                break true;
            }
            assert!(start.elapsed() < std::time::Duration::from_mins(1), "{:?}", files(base));
            std::thread::sleep(std::time::Duration::from_millis(10));
        };
        let _ = server.kill();
        server.wait().unwrap();
        came_through
    };
    let mut crashes = 0;
    for at in 1.. {
        let dir = tempfile::tempdir().unwrap();
        copy(&root, dir.path());
        let came_through = ends(dir.path(), Some(at));
        if !came_through {
            crashes += 1;
            assert!(ends(dir.path(), None), "after a cut at {at}");
        }
        assert_eq!(rest(dir.path()), before, "cut at {at}");
        if came_through {
            break;
        }
    }
    assert!(crashes > 20, "{crashes} cuts");
}
