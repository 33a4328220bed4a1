//! The same again: a status that is sent twice, an order that is corrected.

use super::studio::{CONFIG, Studio, files, session};

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
    assert!(text.contains(" is new") && !text.contains("changed"), "{text}");

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
