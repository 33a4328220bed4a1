//! The studio's folder is moved as a whole: to a larger disk, or back from a backup.

use super::studio::{CONFIG, Studio, files, invoice, session};

/// What the spool has written down in another folder: every path in it begins there.
fn move_here(studio: &Studio) {
    let here = studio.path("").to_string_lossy().trim_end_matches('/').to_string();
    for name in files(&studio.path("spool")) {
        let path = studio.path(&format!("spool/{name}"));
        if ["index.jsonl", "plan.json", "rules.json", "job.json"].iter().any(|end| name.ends_with(end)) {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains(&here) || name.ends_with("job.json"), "{name} has no path in it");
            std::fs::write(&path, text.replace(&here, "/old disk/studio")).unwrap();
        }
    }
    let _ = std::fs::remove_file(studio.path("spool/index.brief.jsonl"));
}

#[test]
fn a_correction_replaces_in_place_what_was_delivered_before_the_move() {
    let with_receipts = CONFIG.replacen("complete_within: 500ms }", "complete_within: 500ms, receipts: receipts }", 1);
    assert_ne!(with_receipts, CONFIG);
    let mut studio = Studio::new();
    studio.write("hotfolders.yaml", with_receipts.as_bytes());
    studio.serve();
    studio.drop_file("status", "s.json", &session("S1", &[1, 2]));
    studio.wait_jobs("done", 1);
    studio.run(&["pause"]).expect(0);
    studio.drop_file("status", "waits.json", &invoice("78", &[1]));
    studio.wait_jobs("pending", 1);
    assert_eq!(studio.stop(), Some(0));
    let before = studio.bytes_below("delivery/web/S1");
    move_here(&studio);

    studio.serve();
    studio.wait("the server", || studio.is_served().then_some(()));
    studio.run(&["resume"]).expect(0);
    studio.wait_jobs("done", 2);
    assert_eq!(
        files(&studio.path("print/78")),
        ["78.done", "78_01_8x10in.jpg"],
        "it does not go to the folder of then"
    );
    assert_eq!(files(&studio.path("receipts")).len(), 2, "nor does its receipt");
    // The same again is known, whatever the folder was called.
    studio.drop_file("status", "s.json", &session("S1", &[1, 2]));
    let done = studio.wait_jobs("done", 3);
    assert!(done.iter().any(|job| studio.receipt(job)["result"] == "duplicate"));

    let mut corrected: serde_json::Value = serde_json::from_str(&session("S1", &[1, 3])).unwrap();
    corrected["images"][0]["tone"] = "bw".into();
    studio.drop_file("status", "c.json", &corrected.to_string());
    let done = studio.wait_jobs("done", 4);
    let after = studio.bytes_below("delivery/web/S1");
    assert_eq!(after.keys().collect::<Vec<_>>(), ["S1_0001.jpg", "S1_0003.jpg"]);
    assert_ne!(after["S1_0001.jpg"], before["S1_0001.jpg"]);
    let receipts: Vec<_> = done.iter().map(|job| studio.receipt(job)).collect();
    let of_session = receipts.iter().filter(|receipt| receipt["kind"] == "session");
    let warned = of_session.flat_map(|receipt| receipt["warnings"].as_array().unwrap());
    let codes: Vec<&str> = warned.map(|warning| warning["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["removed"], "{receipts:?}");
    assert_eq!(studio.stop(), Some(0));
    studio.audit();
}
