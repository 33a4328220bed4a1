//! `erase`: everything that is kept of somebody.

use serde_json::Value;

use super::history::session_of;
use super::studio::{CONFIG, Studio, files};

const NAMES: [&str; 3] = ["w7041", "ana@example.com", "w7041.json"];

/// Jobs of two clients; the first one's records are w7041 and w7042, which no digest has in it.
fn studio() -> Studio {
    let config = CONFIG.replacen("settle: 100ms, scan: 200ms", "settle: 20ms, scan: 60ms, receipts: receipts", 1);
    let mut studio = Studio::bare(&config);
    for number in 1..=3 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 90, 60);
    }
    studio.serve();
    studio.drop_file("status", "w7041.json", &session_of("w7041", &[1], "Ana", "ana@example.com"));
    studio.drop_file("status", "w7042.json", &session_of("w7042", &[9], "Ana", "Ana@example.com"));
    studio.drop_file("status", "v8050.json", &session_of("v8050", &[2], "Bob", "bob@example.com"));
    studio.wait_jobs("done", 2);
    studio.wait_jobs("failed", 1);
    studio
}

/// Files of ours in which a name stands.
fn named_in(studio: &Studio, names: &[&str]) -> Vec<String> {
    let ours = |file: &String| ["spool/", "receipts/", "logs/"].iter().any(|top| file.starts_with(top));
    let has = |file: &String| {
        let text = String::from_utf8_lossy(&std::fs::read(studio.path(file)).unwrap()).to_lowercase();
        names.iter().any(|name| text.contains(name) || file.contains(name))
    };
    studio.tree().into_iter().filter(ours).filter(has).collect()
}

fn lines(studio: &Studio) -> Vec<Value> {
    let text = std::fs::read_to_string(studio.path("spool/index.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn erase_a_record(served: bool) {
    let mut studio = studio();
    let before = studio.bytes_below("delivery");
    if !served {
        studio.stop();
    }
    assert!(named_in(&studio, &NAMES).len() > 5);
    let all = studio.tree();
    let dry = studio.run(&["erase", "--record", "w7041", "--dry-run", "--json"]).expect(0).json();
    assert_eq!(studio.tree(), all, "a dry run changes nothing");
    let report = studio.run(&["erase", "--record", "w7041", "--json"]).expect(0).json();
    let erased = &report["erased"];
    assert_eq!((erased["jobs"].as_array().unwrap().len(), erased["receipts"].as_array().unwrap().len()), (1, 1));
    assert_eq!(erased["history"], 1);
    assert!(erased["log_lines"].as_u64().unwrap() >= 3, "{report}");
    assert_eq!(erased["jobs"], dry["erased"]["jobs"]);
    let delivered = erased["delivered"].as_array().unwrap();
    assert!(delivered.len() == 1 && delivered[0].as_str().unwrap().contains("w7041"), "{delivered:?}");
    assert_eq!(studio.bytes_below("delivery"), before, "what was delivered stays");
    assert_eq!(named_in(&studio, &["w7041"]), [""; 0]);

    // A hash is left, by which it is known again, and the others are as they were.
    let lines_left = lines(&studio);
    assert_eq!(lines_left.len(), 3);
    let left: Vec<&Value> = lines_left.iter().filter(|line| line["result"] == "erased").collect();
    let hash = hotfolders::spool::index::record_hash(Some(hotfolders::model::manifest::Kind::Session), "w7041");
    assert_eq!((left.len(), &left[0]["erased"], &left[0]["record"]), (1, &hash.into(), &"".into()));
    let list = studio.run(&["jobs", "list", "--json"]).expect(0).json();
    assert_eq!(list.as_array().unwrap().iter().map(|r| r["record"].as_str().unwrap()).collect::<Vec<_>>().len(), 2);
    assert!(studio.run(&["jobs", "list", "--record", "w7041"]).expect(0).err.contains("was erased"));
    let again = studio.run(&["erase", "--record", "w7041"]).expect(1);
    assert!(again.err.contains("nothing is kept of record w7041; it was erased at"), "{}", again.err);

    // The server goes on with what is left: the same again is not the same any more, another one still is.
    if !served {
        studio.serve();
    }
    let result = |record: &str, count: usize| {
        let at = studio.wait_jobs("done", count);
        let of = at.iter().map(|job| studio.receipt(job)).filter(|receipt| receipt["record"] == record);
        of.map(|receipt| receipt["result"].as_str().unwrap().to_string()).collect::<Vec<_>>()
    };
    studio.drop_file("status", "a.json", &session_of("w7041", &[1], "Ana", "ana@example.com"));
    assert_eq!(result("w7041", 2), ["done"]);
    studio.drop_file("status", "b.json", &session_of("v8050", &[2], "Bob", "bob@example.com"));
    let mut of_other = result("v8050", 3);
    of_other.sort();
    assert_eq!(of_other, ["done", "duplicate"]);
    studio.stop();
    studio.audit();
}

#[test]
fn a_record_is_erased_with_the_server_running() {
    erase_a_record(true);
}

#[test]
fn a_record_is_erased_without_a_server() {
    erase_a_record(false);
}

#[test]
fn a_client_is_erased_in_all_states_also_after_the_folders_are_gone() {
    let mut studio = studio();
    studio.run(&["pause"]).expect(0);
    studio.drop_file("status", "w7043.json", &session_of("w7043", &[3], "Ana", "ana@example.com"));
    studio.drop_file("status", "w7044.json", &session_of("w7044", &[3], "Ana", "ana@example.com"));
    studio.wait_jobs("pending", 2);
    studio.wait("a clear drop folder", || files(&studio.path("drop")).is_empty().then_some(()));
    studio.run(&["jobs", "hold", "w7044"]).expect(0);
    std::fs::remove_dir_all(studio.jobs("failed").remove(0)).unwrap();
    let told = studio.run(&["erase", "--client", "ANA@example.com"]).expect(0);
    for name in ["job ", "(pending)", "(held)", "(done)", "receipts/w7041", "receipts/w7042", "out of reach", "library"]
    {
        assert!(told.out.contains(name), "{name}: {}", told.out);
    }
    studio.run(&["resume"]).expect(0);
    assert_eq!(named_in(&studio, &["ana@example", "ana larson", "w7041", "w7042", "w7043", "w7044"]), [""; 0]);
    assert_eq!((studio.jobs("pending").len(), studio.jobs("held").len(), studio.jobs("done").len()), (0, 0, 1));
    assert_eq!(files(&studio.path("receipts")).len(), 1);
    let nobody = studio.run(&["erase", "--client", "nobody@example.com"]).expect(1);
    assert!(nobody.err.contains("nothing is kept of client nobody@example.com"), "{}", nobody.err);
    studio.stop();
    studio.audit();
}

#[test]
fn a_session_is_erased_with_all_its_records() {
    let mut studio = studio();
    studio.stop();
    let report = studio.run(&["erase", "--session", "s1", "--json"]).expect(0).json();
    assert_eq!(report["erased"]["jobs"].as_array().unwrap().len(), 3);
    assert_eq!(named_in(&studio, &["w7041", "w7042", "v8050", "example.com"]), [""; 0]);
    assert_eq!(studio.run(&["jobs", "list"]).expect(0).out, "no jobs\n");
    assert!(!studio.bytes_below("sessions").is_empty());
}

#[test]
fn a_running_job_is_refused_by_name() {
    let mut studio = Studio::new();
    // It waits for a destination, and so is at work again and again; large pictures keep it at it.
    let picture = crate::studio::jpeg(1500, 1000);
    for number in 10..=400 {
        studio.write(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), &picture);
    }
    studio.serve_on_one_core(&[]);
    studio.drop_file(
        "status",
        "a.json",
        &session_of("w7041", &(10..=400).collect::<Vec<_>>(), "Ana", "ana@example.com"),
    );
    studio.wait("a running job", || {
        let status = studio.run(&["status", "--json"]).json();
        (status["running"].as_array().is_some_and(|running| !running.is_empty())).then_some(())
    });
    let told = studio.run(&["erase", "--record", "w7041"]).expect(1);
    assert!(told.err.contains("-session-w7041-") && told.err.contains("jobs cancel"), "{}", told.err);
    assert_eq!(studio.jobs("processing").len() + studio.jobs("done").len(), 1);
    studio.run(&["jobs", "cancel", "w7041"]).expect(0);
    studio.wait_jobs("done", 1);
    studio.run(&["erase", "--record", "w7041"]).expect(0);
    assert_eq!(studio.jobs("done").len(), 0);
}

/// Cut off at any point, the same request ends it.
#[test]
fn an_erasure_may_be_cut_off_anywhere() {
    let mut studio = studio();
    studio.stop();
    let keep = tempfile::tempdir().unwrap();
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        for entry in walkdir::WalkDir::new(from).into_iter().flatten() {
            let target = to.join(entry.path().strip_prefix(from).unwrap());
            if entry.file_type().is_dir() {
                std::fs::create_dir_all(target).unwrap();
            } else {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    };
    copy(&studio.path(""), keep.path());
    for at in 1.. {
        for top in ["spool", "receipts", "logs"] {
            let _ = std::fs::remove_dir_all(studio.path(top));
            copy(&keep.path().join(top), &studio.path(top));
        }
        let status = studio
            .command(&["erase", "--record", "w7041"])
            .env("HOTFOLDERS_CRASH_AT", at.to_string())
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        let came_through = status.success();
        if !came_through {
            // Nothing is left of it when all but the answer had been done.
            let again = studio.run(&["erase", "--record", "w7041"]);
            assert!(again.code == Some(0) || again.err.contains("it was erased at"), "cut at {at}: {again:?}");
        }
        assert_eq!(named_in(&studio, &["w7041"]), [""; 0], "cut at {at}");
        assert_eq!((lines(&studio).len(), studio.jobs("done").len(), studio.jobs("failed").len()), (3, 1, 1));
        if came_through {
            assert!(at > 20, "{at} points");
            return;
        }
    }
}
