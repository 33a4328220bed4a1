//! The same again: a status that is sent twice, an order that is corrected.

use super::studio::{CONFIG, Studio, files, invoice, session};

fn resent(text: &str, id: &str) -> String {
    text.replacen('{', &format!("{{\"id\":\"{id}\",\"status_date\":\"2026-11-21T10:00:00Z\","), 1)
}

/// The receipt of the one finished job with this id.
fn receipt_of(studio: &Studio, id: &str) -> serde_json::Value {
    let receipts = studio.jobs("done").iter().map(|job| studio.receipt(job)).collect::<Vec<_>>();
    receipts.iter().find(|r| r["id"] == id).cloned().unwrap_or_else(|| panic!("no receipt of {id}: {receipts:#?}"))
}

#[test]
fn a_status_that_is_sent_twice_makes_nothing_twice_also_after_a_restart() {
    let mut studio = Studio::new();
    studio.serve();
    studio.drop_file("status", "a.json", &resent(&session("S1", &[1]), "first"));
    studio.wait_jobs("done", 1);
    let before = studio.bytes_below("delivery");
    studio.drop_file("status", "b.json", &resent(&session("S1", &[1]), "second"));
    studio.wait_jobs("done", 2);
    studio.stop();
    studio.serve();
    studio.drop_file("status", "c.json", &resent(&session("S1", &[1]), "third"));
    studio.wait_jobs("done", 3);
    studio.stop();
    let first = receipt_of(&studio, "first");
    for id in ["second", "third"] {
        let receipt = receipt_of(&studio, id);
        assert_eq!((&receipt["result"], &receipt["duplicate_of"]), (&"duplicate".into(), &first["job"]));
        assert_eq!(receipt["outputs"], serde_json::json!([]));
    }
    assert_eq!(studio.bytes_below("delivery"), before);
    assert_eq!(files(&studio.path("drop")), [""; 0]);
    studio.audit();
}

#[test]
fn what_a_second_try_finished_is_known_and_what_a_failed_correction_left_is_not_taken_for_it() {
    let mut studio = Studio::new();
    studio.serve();
    // Picture 4 comes after the first try.
    studio.drop_file("status", "a.json", &resent(&session("S1", &[1, 4]), "first"));
    studio.wait_jobs("failed", 1);
    studio.picture("sessions/S1/Hi-Res/S1004.jpg", 90, 60);
    studio.run(&["jobs", "retry", "S1"]).expect(0);
    studio.wait_jobs("done", 1);
    studio.drop_file("status", "b.json", &resent(&session("S1", &[1, 4]), "again"));
    studio.wait_jobs("done", 2);
    assert_eq!(receipt_of(&studio, "again")["result"], "duplicate");

    // Half of a correction stands there: the first order, sent once more, is not what was made.
    let good = studio.bytes_below("delivery");
    let grey = session("S1", &[1, 9]).replacen("{\"number\":1,", "{\"number\":1,\"tone\":\"bw\",", 1);
    assert!(grey.contains("bw"));
    studio.drop_file("status", "c.json", &resent(&grey, "half"));
    studio.wait_jobs("failed", 1);
    assert_ne!(studio.bytes_below("delivery"), good);
    studio.drop_file("status", "d.json", &resent(&session("S1", &[1, 4]), "back"));
    studio.wait_jobs("done", 3);
    studio.stop();
    assert_eq!(receipt_of(&studio, "back")["result"], "done");
    assert_eq!(studio.bytes_below("delivery"), good);
    studio.audit();
}

/// Waiting manifests have all the time there is; pictures that come late find nobody who waits for them.
#[test]
fn what_waits_for_pictures_is_not_made_after_it_was_taken_back_or_corrected() {
    let mut studio = Studio::new();
    let patient = CONFIG.replace("complete_within: 500ms", "complete_within: 10m");
    assert_ne!(patient, CONFIG);
    studio.write("hotfolders.yaml", patient.as_bytes());
    studio.serve();
    let waits = |name: &str| {
        studio.wait(&format!("{name} to wait"), || {
            let told = studio.run(&["status"]).expect(0).out;
            told.lines().any(|line| line.contains(name) && line.contains("1 picture is not there yet")).then_some(())
        });
    };
    let export = r#"{ "manifest": 1, "kind": "production_order", "record": "7", "id": "back", "status": "zip",
        "lines": [ { "line": 1, "image": "a.jpg" }, { "line": 2, "image": "b.jpg" } ] }"#;
    studio.picture("drop/exports/o/a.jpg", 60, 40);
    studio.write("drop/exports/o/o.json", export.as_bytes());
    studio.drop_file("status", "i.json", &resent(&invoice("9", &[1, 4]), "wrong"));
    waits("o/o.json");
    waits("i.json");

    let cancel = r#"{ "manifest": 1, "kind": "production_order", "record": "7", "status": "x", "action": "cancel" }"#;
    studio.drop_file("status", "cancel.json", cancel);
    studio.drop_file("status", "i2.json", &resent(&invoice("9", &[1, 2]), "right"));
    studio.wait_jobs("done", 4);
    for (id, why) in
        [("back", "cancelled by "), ("wrong", "i2.json of the same record came later and replaces this one")]
    {
        let receipt = receipt_of(&studio, id);
        assert_eq!(receipt["result"], "cancelled");
        assert!(receipt["warnings"][0]["text"].as_str().unwrap().contains(why), "{receipt:#}");
    }
    studio.picture("sessions/S1/Hi-Res/S1004.jpg", 90, 60);
    studio.picture("drop/exports/o/b.jpg", 60, 40);
    studio.drop_file("status", "other.json", &resent(&invoice("10", &[4]), "other"));
    studio.wait_jobs("done", 5);
    studio.stop();
    assert_eq!(files(&studio.path("print/9")), ["9.done", "9_01_8x10in.jpg", "9_02_8x10in.jpg"]);
    assert_eq!(files(&studio.path("drop")), ["exports/o/a.jpg", "exports/o/b.jpg"], "pictures stay where they lie");
    assert!(!studio.path("zips").exists());
    studio.audit();
}

#[test]
fn a_corrected_session_is_made_and_takes_the_place_of_its_earlier_pictures() {
    let mut studio = Studio::new();
    studio.serve();
    studio.drop_file("status", "a.json", &resent(&session("S1", &[1]), "first"));
    studio.wait_jobs("done", 1);
    let before = files(&studio.path("delivery"));
    studio.drop_file("status", "b.json", &resent(&session("S1", &[1, 2]), "second"));
    studio.wait_jobs("done", 2);
    studio.stop();
    assert_eq!(receipt_of(&studio, "second")["result"], "done");
    let after = files(&studio.path("delivery"));
    assert_eq!(after.len(), 2 * before.len(), "{after:?}");
    assert!(before.iter().all(|file| after.contains(file)));
    studio.audit();
}

#[test]
fn a_profile_that_asks_holds_a_corrected_session_and_a_newer_one_replaces_it() {
    let mut studio = Studio::new();
    let asking = CONFIG.replacen("  web:\n", "  web:\n    repeat: ask\n", 1);
    assert_ne!(asking, CONFIG);
    studio.write("hotfolders.yaml", asking.as_bytes());
    studio.serve();
    studio.drop_file("status", "a.json", &resent(&session("S1", &[1]), "first"));
    studio.wait_jobs("done", 1);
    studio.drop_file("status", "b.json", &resent(&session("S1", &[1, 2]), "second"));
    let held = studio.wait_jobs("held", 1);
    let questions = studio.json(&held[0].join("questions.json"));
    assert_eq!(questions[0]["code"], "repeat");
    let text = questions[0]["text"].as_str().unwrap();
    assert!(text.contains("S1_0002.jpg is new") && !text.contains("S1_0001"), "{text}");

    studio.drop_file("status", "c.json", &resent(&session("S1", &[2]), "third"));
    studio.wait_jobs("done", 2);
    let replaced = receipt_of(&studio, "second");
    assert_eq!(replaced["result"], "cancelled");
    assert!(replaced["warnings"][0]["text"].as_str().unwrap().contains("replaces this one"), "{replaced}");
    studio.wait_jobs("held", 1);
    studio.run(&["jobs", "release", "S1"]).expect(0);
    studio.wait_jobs("done", 3);
    studio.stop();
    assert_eq!(receipt_of(&studio, "third")["result"], "done");
    studio.audit();
}

#[test]
fn many_differences_are_counted_in_the_question_and_listed_beside_it() {
    let mut studio = Studio::new();
    studio.write("hotfolders.yaml", with_repeat("ask").as_bytes());
    for number in 4..=6 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 90, 60);
    }
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1]));
    studio.wait_jobs("done", 1);
    studio.drop_file("status", "b.json", &session("S1", &[1, 2, 3, 4, 5, 6]));
    let held = studio.wait_jobs("held", 1);
    let question = studio.json(&held[0].join("questions.json"))[0].clone();
    let text = question["text"].as_str().unwrap();
    assert!(text.contains("S1_0004.jpg is new; and 2 more") && !text.contains("S1_0005"), "{text}");
    assert_eq!(question["details"].as_array().unwrap().len(), 5);
    assert!(studio.run(&["jobs", "show", "S1"]).expect(0).out.contains("S1_0006.jpg is new"));
    studio.stop();
}

#[test]
fn a_reprint_is_made_again_on_purpose_under_names_of_its_own() {
    let mut studio = Studio::new();
    studio.serve();
    studio.drop_file("status", "a.json", &resent(&session("S1", &[1]), "first"));
    studio.wait_jobs("done", 1);
    let first = files(&studio.path("delivery"));
    for (number, id) in [(1, "again"), (2, "once more")] {
        let text = resent(&session("S1", &[1]), id).replacen('{', "{\"action\":\"reprint\",", 1);
        studio.drop_file("status", &format!("r{number}.json"), &text);
        studio.wait_jobs("done", 1 + number);
    }
    // What was reprinted is not what the record is compared with.
    studio.drop_file("status", "b.json", &resent(&session("S1", &[1]), "second"));
    studio.wait_jobs("done", 4);
    studio.stop();
    let all = files(&studio.path("delivery"));
    for name in &first {
        let (stem, extension) = name.rsplit_once('.').unwrap();
        for mark in ["-r1", "-r2"] {
            assert!(all.contains(&format!("{stem}{mark}.{extension}")), "{all:?}");
        }
    }
    assert_eq!(all.len(), 3 * first.len());
    assert_eq!(receipt_of(&studio, "second")["result"], "duplicate");
    studio.audit();
}

#[test]
fn an_order_that_is_taken_back_ends_what_has_not_started_and_reports_what_has() {
    let mut studio = Studio::new();
    studio.serve();
    studio.drop_file("status", "a.json", &resent(&session("S1", &[1]), "made"));
    studio.wait_jobs("done", 1);
    let later = resent(&session("S1", &[1, 2]), "later").replacen('{', "{\"not_before\":\"2999-01-01T00:00:00Z\",", 1);
    studio.drop_file("status", "b.json", &later);
    studio.wait_jobs("pending", 1);
    let cancel = resent(&session("S1", &[1]), "cancel").replacen('{', "{\"action\":\"cancel\",", 1);
    studio.drop_file("status", "c.json", &cancel);
    studio.wait_jobs("done", 3);
    studio.stop();
    let (later, cancel) = (receipt_of(&studio, "later"), receipt_of(&studio, "cancel"));
    assert_eq!((&later["result"], &cancel["result"]), (&"cancelled".into(), &"done".into()));
    let told = cancel["warnings"].to_string();
    assert!(
        told.contains("had not started and is cancelled") && told.contains("had been made before: 1 file"),
        "{told}"
    );
    assert!(later["warnings"].to_string().contains("action: cancel"), "{later}");
    studio.audit();
}

#[test]
fn an_order_that_is_taken_back_after_a_part_of_it_was_delivered_says_so() {
    let mut studio = Studio::new();
    let two = "deliver: [ { to: folder, path: \"delivery/web/{session}\" }, { to: command, run: [./asks] } ]";
    let config =
        super::studio::CONFIG.replacen("deliver: [ { to: folder, path: \"delivery/web/{session}\" } ]", two, 1);
    studio.write("hotfolders.yaml", config.as_bytes());
    studio.write("asks", b"#!/bin/sh\ntest -e asked && exit 0\ntouch asked\nsleep 600\n");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(studio.path("asks"), executable).unwrap();
    studio.serve();
    studio.drop_file("status", "a.json", &resent(&session("S1", &[1, 2]), "half"));
    studio.wait("the command", || studio.path("asked").exists().then_some(()));
    studio.kill();
    studio.serve();
    studio.wait_jobs("held", 1);
    let cancel = resent(&session("S1", &[1]), "cancel").replacen('{', "{\"action\":\"cancel\",", 1);
    studio.drop_file("status", "c.json", &cancel);
    studio.wait_jobs("done", 2);
    studio.stop();
    let told = receipt_of(&studio, "cancel")["warnings"].to_string();
    assert!(told.contains("has 2 files delivered, commands run; what was left is cancelled"), "{told}");
    assert!(!told.contains("had not started"), "{told}");
    studio.audit();
}

/// A session whose pictures all have a tone.
fn toned(record: &str, numbers: &[u32], tone: &str) -> String {
    session(record, numbers).replace("\"rating\"", &format!("\"tone\":\"{tone}\",\"rating\""))
}

fn with_repeat(repeat: &str) -> String {
    let config = CONFIG.replacen("  web:\n", &format!("  web:\n    repeat: {repeat}\n"), 1);
    assert_ne!(config, CONFIG);
    config
}

/// What a receipt says was made, by file name.
fn made(receipt: &serde_json::Value) -> Vec<String> {
    let outputs = receipt["outputs"].as_array().unwrap();
    outputs.iter().map(|o| o["path"].as_str().unwrap().rsplit('/').next().unwrap().to_string()).collect()
}

#[test]
fn changed_makes_what_changed_and_removes_what_is_not_made_any_more_but_not_what_was_edited() {
    let mut studio = Studio::new();
    studio.serve();
    studio.drop_file("status", "a.json", &resent(&session("S1", &[1, 2, 3]), "first"));
    studio.wait_jobs("done", 1);
    let before = studio.bytes_below("delivery/web/S1");
    let images = session("S1", &[1, 2]).replace("\"number\":2", "\"tone\":\"bw\",\"number\":2");
    studio.drop_file("status", "b.json", &resent(&images, "second"));
    studio.wait_jobs("done", 2);
    let second = receipt_of(&studio, "second");
    assert_eq!(made(&second), ["S1_0002.jpg"], "{second:#}");
    let after = studio.bytes_below("delivery/web/S1");
    assert_eq!(after.keys().collect::<Vec<_>>(), ["S1_0001.jpg", "S1_0002.jpg"]);
    assert_eq!(after["S1_0001.jpg"], before["S1_0001.jpg"]);
    assert_ne!(after["S1_0002.jpg"], before["S1_0002.jpg"]);
    assert!(second["warnings"].to_string().contains("S1_0003.jpg is not made any more and was removed"), "{second:#}");

    studio.write("delivery/web/S1/S1_0002.jpg", b"somebody painted in it");
    studio.drop_file("status", "c.json", &resent(&session("S1", &[1]), "third"));
    studio.wait_jobs("done", 3);
    studio.stop();
    let third = receipt_of(&studio, "third");
    assert_eq!((third["result"].clone(), made(&third).len()), ("done".into(), 0), "{third:#}");
    assert!(third["warnings"].to_string().contains("was kept"), "{third:#}");
    assert_eq!(studio.bytes_below("delivery/web/S1")["S1_0002.jpg"], b"somebody painted in it");
}

#[test]
fn all_makes_everything_again_when_something_changed_and_nothing_when_nothing_did() {
    let mut studio = Studio::new();
    studio.write("hotfolders.yaml", with_repeat("all").as_bytes());
    studio.serve();
    studio.drop_file("status", "a.json", &resent(&session("S1", &[1, 2]), "first"));
    studio.wait_jobs("done", 1);
    studio.drop_file("status", "b.json", &resent(&session("S1", &[1, 2, 3]), "second"));
    studio.wait_jobs("done", 2);
    studio.drop_file("status", "c.json", &resent(&session("S1", &[1, 2, 3]), "third"));
    studio.wait_jobs("done", 3);
    studio.stop();
    assert_eq!(made(&receipt_of(&studio, "second")).len(), 3);
    assert_eq!(receipt_of(&studio, "third")["result"], "duplicate");
    studio.audit();
}

#[test]
fn a_release_makes_what_changed_and_the_answer_all_makes_all() {
    let mut studio = Studio::new();
    studio.write("hotfolders.yaml", with_repeat("ask").as_bytes());
    studio.serve();
    studio.drop_file("status", "a.json", &resent(&session("S1", &[1, 2]), "first"));
    studio.wait_jobs("done", 1);
    studio.drop_file("status", "b.json", &resent(&session("S1", &[1, 2, 3]), "second"));
    studio.wait_jobs("held", 1);
    studio.run(&["jobs", "release", "S1"]).expect(0);
    studio.wait_jobs("done", 2);
    assert_eq!(made(&receipt_of(&studio, "second")), ["S1_0003.jpg"]);
    studio.drop_file("status", "c.json", &resent(&toned("S1", &[1, 2, 3], "bw"), "third"));
    let held = studio.wait_jobs("held", 1);
    let shown = studio.run(&["jobs", "show", "S1"]).expect(0).out;
    assert!(shown.contains("jobs answer") && shown.contains("--changed | --all"), "{shown}");
    let wrong = studio.run(&["jobs", "answer", "S1"]).expect(2).err;
    assert!(wrong.contains("--changed"), "{wrong}");
    studio.run(&["jobs", "answer", held[0].file_name().unwrap().to_str().unwrap(), "--all"]).expect(0);
    studio.wait_jobs("done", 3);
    studio.stop();
    assert_eq!(made(&receipt_of(&studio, "third")).len(), 3);
}

#[test]
fn a_job_that_waits_for_its_hour_is_replaced_by_a_corrected_one() {
    let mut studio = Studio::new();
    studio.serve();
    let later = resent(&session("S1", &[1, 2]), "first").replacen('{', "{\"not_before\":\"2999-01-01T00:00:00Z\",", 1);
    studio.drop_file("status", "a.json", &later);
    studio.wait_jobs("pending", 1);
    studio.drop_file("status", "b.json", &resent(&session("S1", &[1, 3]), "second"));
    studio.wait_jobs("done", 2);
    studio.stop();
    assert_eq!(receipt_of(&studio, "first")["result"], "cancelled");
    assert!(receipt_of(&studio, "first")["warnings"].to_string().contains("replaces this one"));
    assert_eq!(files(&studio.path("delivery/web/S1")), ["S1_0001.jpg", "S1_0003.jpg"]);
    studio.audit();
}

#[test]
fn of_two_that_wait_in_the_queue_only_the_corrected_one_is_made_and_an_equal_one_is_a_duplicate() {
    let mut studio = Studio::new();
    studio.serve();
    studio.wait("the server", || studio.is_served().then_some(()));
    studio.run(&["pause"]).expect(0);
    for (id, numbers) in [("first", &[1][..]), ("second", &[1, 2]), ("third", &[1, 2])] {
        studio.drop_file("status", &format!("{id}.json"), &resent(&session("S1", numbers), id));
        studio.wait("its acceptance", || (!studio.path(&format!("drop/status/{id}.json")).exists()).then_some(()));
    }
    studio.wait_jobs("pending", 3);
    studio.run(&["resume"]).expect(0);
    studio.wait_jobs("done", 3);
    studio.stop();
    let result = |id: &str| receipt_of(&studio, id)["result"].clone();
    assert_eq!(
        (result("first"), result("second"), result("third")),
        ("cancelled".into(), "done".into(), "duplicate".into())
    );
    assert_eq!(files(&studio.path("delivery/web/S1")), ["S1_0001.jpg", "S1_0002.jpg"]);
    studio.audit();
}

#[test]
fn folders_by_size_are_compared_folder_by_folder() {
    let mut studio = Studio::new();
    let by_size = CONFIG.replace("print/{record}\", trigger", "print/{record}/{size}\", trigger");
    assert_ne!(by_size, CONFIG);
    studio.write("hotfolders.yaml", by_size.replace("items: {", "items: { \"5X7\": { size: 5x7in }, ").as_bytes());
    studio.serve();
    let mixed = invoice("9", &[1, 2]);
    let at = mixed.rfind("8X10").unwrap();
    let mixed = format!("{}5X7{}", &mixed[..at], &mixed[at + 4..]);
    studio.drop_file("status", "a.json", &resent(&mixed, "first"));
    studio.wait_jobs("done", 1);
    studio.drop_file("status", "b.json", &resent(&mixed, "second"));
    studio.wait_jobs("done", 2);
    studio.drop_file("status", "c.json", &resent(&invoice("9", &[1, 2]), "third"));
    studio.wait_jobs("done", 3);
    studio.stop();
    assert_eq!(receipt_of(&studio, "second")["result"], "duplicate");
    let third = receipt_of(&studio, "third");
    assert_eq!(made(&third), ["9_02_8x10in.jpg"], "{third:#}");
    let left: Vec<String> = files(&studio.path("print/9")).into_iter().filter(|f| f.ends_with(".jpg")).collect();
    assert_eq!(left, ["8x10in/9_01_8x10in.jpg", "8x10in/9_02_8x10in.jpg"]);
}

/// An export with one picture, which has to come with it.
fn export(id: &str) -> String {
    format!(
        r#"{{ "manifest": 1, "id": "{id}", "kind": "production_order", "record": "7", "status": "zip",
            "lines": [ {{ "line": 1, "image": "a.jpg" }}, {{ "line": 2, "image": "b.jpg" }} ] }}"#
    )
}

#[test]
fn an_export_that_is_sent_again_without_its_pictures_is_a_duplicate_at_once() {
    let mut studio = Studio::new();
    let patient = CONFIG.replacen(
        "images: beside, settle: 100ms, scan: 200ms, complete_within: 500ms",
        "images: beside, settle: 100ms, scan: 200ms, complete_within: 30m",
        1,
    );
    assert_ne!(patient, CONFIG);
    studio.write("hotfolders.yaml", patient.as_bytes());
    studio.serve();
    studio.picture("drop/exports/o/a.jpg", 60, 40);
    studio.picture("drop/exports/o/b.jpg", 40, 60);
    studio.write("drop/exports/o/o.json", export("first").as_bytes());
    studio.wait_jobs("done", 1);

    // Without any picture, and with one of them, unchanged.
    studio.write("drop/exports/o/o.json", export("second").as_bytes());
    studio.wait_jobs("done", 2);
    studio.picture("drop/exports/o/a.jpg", 60, 40);
    studio.write("drop/exports/o/o.json", export("third").as_bytes());
    studio.wait_jobs("done", 3);
    for id in ["second", "third"] {
        assert_eq!(receipt_of(&studio, id)["result"], "duplicate");
    }
    assert_eq!(files(&studio.path("drop")), [""; 0], "what came with a duplicate goes with it");

    // With another picture than before it is another order: the missing one is waited for.
    studio.picture("drop/exports/o/a.jpg", 61, 41);
    studio.write("drop/exports/o/o.json", export("fourth").as_bytes());
    studio.wait("the wait for the other one", || {
        studio.run(&["status"]).expect(0).out.contains("1 picture is not there yet").then_some(())
    });
    assert_eq!(studio.jobs("done").len(), 3);
    studio.picture("drop/exports/o/b.jpg", 40, 60);
    studio.wait_jobs("done", 4);
    studio.stop();
    assert_eq!(receipt_of(&studio, "fourth")["result"], "done");
    studio.audit();
}

#[test]
fn an_order_whose_originals_were_moved_away_since_is_a_duplicate_too() {
    let mut studio = Studio::new();
    let patient = CONFIG.replacen("complete_within: 500ms", "complete_within: 30m", 1);
    studio.write("hotfolders.yaml", patient.as_bytes());
    studio.serve();
    studio.drop_file("status", "a.json", &resent(&session("S1", &[1, 2]), "first"));
    studio.wait_jobs("done", 1);
    std::fs::rename(studio.path("sessions/S1/Hi-Res/S1002.jpg"), studio.path("archived.jpg")).unwrap();
    studio.drop_file("status", "b.json", &resent(&session("S1", &[1, 2]), "second"));
    studio.wait_jobs("done", 2);
    studio.stop();
    let second = receipt_of(&studio, "second");
    assert_eq!((&second["result"], second["duplicate_of"].is_string()), (&"duplicate".into(), true));
    studio.audit();
}

/// A status that is reported for each import lists the new pictures alone.
#[test]
fn a_manifest_that_would_take_most_of_what_was_delivered_away_is_asked_about() {
    let names = |studio: &Studio| files(&studio.path("delivery/web/S1"));
    let with = |checks: &str| {
        let config = CONFIG.replacen("library:\n", &format!("checks: {{ {checks} }}\nlibrary:\n"), 1);
        assert_ne!(config, CONFIG);
        let mut studio = Studio::new();
        studio.write("hotfolders.yaml", config.as_bytes());
        studio.serve();
        studio.drop_file("status", "a.json", &resent(&session("S1", &[1, 2]), "first"));
        studio.wait_jobs("done", 1);
        studio
    };
    let (both, last) = (["S1_0001.jpg", "S1_0002.jpg"], ["S1_0003.jpg"]);
    let mut studio = with("removes: { over: 50%, then: hold }");
    studio.drop_file("status", "b.json", &resent(&session("S1", &[3]), "second"));
    let held = studio.wait_jobs("held", 1);
    let question = &studio.json(&held[0].join("questions.json"))[0];
    let text = question["text"].as_str().unwrap();
    assert_eq!(question["code"], "removes");
    assert!(text.contains("this one takes 2 away: S1/S1_0001.jpg, S1/S1_0002.jpg"), "{text}");
    assert_eq!(names(&studio), both);
    studio.run(&["jobs", "cancel", "S1"]).expect(0);
    studio.wait_jobs("done", 2);
    assert_eq!(names(&studio), both, "nothing has happened");

    // Half of them is not most of them, unless somebody wants to be asked about each.
    studio.drop_file("status", "c.json", &resent(&session("S1", &[2, 3]), "third"));
    studio.wait_jobs("done", 3);
    assert_eq!(names(&studio), ["S1_0002.jpg", "S1_0003.jpg"]);
    studio.drop_file("status", "d.json", &resent(&session("S1", &[1]), "fourth"));
    studio.wait_jobs("held", 1);
    studio.run(&["jobs", "release", "S1"]).expect(0);
    studio.wait_jobs("done", 4);
    studio.stop();
    assert_eq!(names(&studio), ["S1_0001.jpg"]);
    let told = receipt_of(&studio, "fourth")["warnings"].to_string();
    assert!(
        told.contains("\"removes\"") && told.contains("S1_0003.jpg is not made any more and was removed"),
        "{told}"
    );
    studio.audit();

    let mut studio = with("removes: { over: 0%, then: hold }");
    studio.drop_file("status", "b.json", &resent(&session("S1", &[1]), "second"));
    studio.wait_jobs("held", 1);
    studio.stop();
    let mut studio = with("removes: off");
    studio.drop_file("status", "b.json", &resent(&session("S1", &[3]), "second"));
    studio.wait_jobs("done", 2);
    studio.stop();
    assert_eq!(names(&studio), last);
    studio.audit();
}
