//! The path a user walks: a manifest dropped into a hot folder becomes finished pictures.

use super::studio::{CONFIG, Studio, files, invoice, jpeg, session};

#[test]
fn a_session_becomes_proofs_in_its_delivery_folder() {
    let mut studio = Studio::new();
    studio.serve();
    studio.drop_file("status", "s1.json", &session("S1", &[1, 2, 3]));
    let done = studio.wait_jobs("done", 1);
    assert_eq!(files(&studio.path("delivery/web/S1")), ["S1_0001.jpg", "S1_0002.jpg", "S1_0003.jpg"]);
    let receipt = studio.receipt(&done[0]);
    assert_eq!(receipt["result"], "done");
    assert_eq!(receipt["outputs"][0]["path"], "delivery/web/S1/S1_0001.jpg");
    assert_eq!((&receipt["outputs"][0]["width"], &receipt["outputs"][0]["height"]), (&64.into(), &43.into()));
    assert_eq!(files(&studio.path("drop")), [""; 0], "the drop folder is empty");
    assert_eq!(studio.stop(), Some(0));
    studio.audit();
}

#[test]
fn an_order_that_came_with_its_pictures_becomes_a_zip_and_a_receipt_beside_it() {
    let mut studio = Studio::new();
    studio.serve();
    studio.write("drop/exports/order-7/Ünï 1.jpg", &jpeg(60, 40));
    studio.write("drop/exports/order-7/b.jpg", &jpeg(40, 60));
    let manifest = r#"{ "manifest": 1, "kind": "production_order", "record": 7, "status": "zip",
        "images": [ { "file": "Ünï 1.jpg" }, { "file": "b.jpg" } ],
        "lines": [ { "line": 1, "image": "Ünï 1.jpg" }, { "line": 2, "image": "b.jpg" } ] }"#;
    studio.write("drop/exports/order-7/order.json", manifest.as_bytes());
    let done = studio.wait_jobs("done", 1);
    let zip = std::fs::File::open(studio.path("zips/7.zip")).unwrap();
    let mut zip = zip::ZipArchive::new(zip).unwrap();
    let names: Vec<String> = (0..zip.len()).map(|i| zip.by_index(i).unwrap().name().unwrap().into_owned()).collect();
    assert_eq!(names, ["b.jpg", "Ünï 1.jpg"]);
    let copies = files(&studio.path("receipts"));
    assert_eq!(copies.len(), 1, "{copies:?}");
    assert!(copies[0].starts_with("order.") && copies[0].ends_with(".json"), "{copies:?}");
    assert_eq!(studio.json(&studio.path("receipts").join(&copies[0])), studio.receipt(&done[0]));
    assert_eq!(files(&studio.path("drop")), [""; 0]);
    studio.stop();
    studio.audit();
}

#[test]
fn a_missing_picture_fails_its_steps_keeps_the_rest_and_a_retry_makes_only_those() {
    let mut studio = Studio::new();
    studio.serve();
    studio.drop_file("status", "i.json", &invoice("9", &[1, 8]));
    let failed = studio.wait_jobs("failed", 1);
    let receipt = studio.receipt(&failed[0]);
    assert_eq!(receipt["result"], "failed");
    assert_eq!(receipt["errors"][0]["code"], "missing");
    assert_eq!(receipt["errors"][0]["line"], 2);
    let reason = std::fs::read_to_string(failed[0].join("reason.txt")).unwrap();
    assert!(reason.contains("line 2") && reason.contains("image 8"), "{reason}");
    assert_eq!(files(&studio.path("print")), ["9/9_01_8x10in.jpg"], "what could be made is there, without the trigger");
    let before = studio.bytes_below("print");

    studio.picture("sessions/S1/Hi-Res/S1008.jpg", 90, 60);
    studio.run(&["jobs", "retry", "9"]).expect(0);
    let done = studio.wait_jobs("done", 1);
    assert_eq!(files(&studio.path("print/9")), ["9.done", "9_01_8x10in.jpg", "9_02_8x10in.jpg"]);
    assert_eq!(studio.bytes_below("print")["9/9_01_8x10in.jpg"], before["9/9_01_8x10in.jpg"]);
    assert_eq!(studio.receipt(&done[0])["outputs"].as_array().unwrap().len(), 2);
    studio.stop();
    studio.audit();
}

#[test]
fn moving_a_failed_job_back_by_hand_is_a_retry() {
    let mut studio = Studio::new();
    studio.serve();
    studio.drop_file("status", "i.json", &session("S1", &[9]));
    let failed = studio.wait_jobs("failed", 1);
    studio.picture("sessions/S1/Hi-Res/S1009.jpg", 90, 60);
    std::fs::rename(&failed[0], studio.path("spool/pending").join(failed[0].file_name().unwrap())).unwrap();
    let done = studio.wait_jobs("done", 1);
    assert!(!done[0].join("reason.txt").exists());
    assert_eq!(files(&studio.path("delivery/web/S1")), ["S1_0009.jpg"]);
    studio.stop();
    studio.audit();
}

#[test]
fn a_question_holds_the_job_until_it_is_released() {
    let mut studio = Studio::new();
    studio.serve();
    let manifest = invoice("5", &[1]).replace("\"quantity\":1", "\"quantity\":500");
    studio.drop_file("status", "i.json", &manifest);
    let held = studio.wait_jobs("held", 1);
    let questions = studio.json(&held[0].join("questions.json"));
    assert_eq!(questions[0]["code"], "copies_over");
    assert_eq!(files(&studio.path("print")), [""; 0]);
    studio.run(&["jobs", "release", "5"]).expect(0);
    studio.wait_jobs("done", 1);
    assert_eq!(files(&studio.path("print/5")), ["5.done", "5_01_8x10in.jpg"]);
    studio.stop();
    studio.audit();
}

#[test]
fn two_files_that_fit_equally_well_are_a_question_not_a_guess() {
    let mut studio = Studio::new();
    studio.picture("sessions/S1/Hi-Res/again-001.jpg", 90, 60);
    studio.serve();
    studio.drop_file("status", "s.json", &session("S1", &[1, 2]));
    let held = studio.wait_jobs("held", 1);
    let questions = studio.json(&held[0].join("questions.json"));
    let text = questions[0]["text"].as_str().unwrap();
    assert!(text.contains("S1001.jpg") && text.contains("again-001.jpg"), "{text}");
    std::fs::remove_file(studio.path("sessions/S1/Hi-Res/again-001.jpg")).unwrap();
    studio.run(&["jobs", "release", "S1"]).expect(0);
    studio.wait_jobs("done", 1);
    assert_eq!(files(&studio.path("delivery/web/S1")), ["S1_0001.jpg", "S1_0002.jpg"]);
    studio.stop();
    studio.audit();
}

#[test]
fn an_earlier_run_of_the_record_is_replaced_and_a_strangers_file_is_not() {
    let mut studio = Studio::new();
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1]));
    studio.wait_jobs("done", 1);
    let first = studio.bytes_below("delivery/web/S1")["S1_0001.jpg"].clone();
    studio.picture("sessions/S1/Hi-Res/S1001.jpg", 80, 60);
    studio.drop_file("status", "b.json", &session("S1", &[1]));
    studio.wait_jobs("done", 2);
    let second = studio.bytes_below("delivery/web/S1");
    assert_eq!(second.len(), 1);
    assert_ne!(second["S1_0001.jpg"], first);

    studio.write("delivery/web/S1/S1_0001.jpg", b"edited by hand");
    studio.picture("sessions/S1/Hi-Res/S1001.jpg", 90, 60);
    studio.drop_file("status", "c.json", &session("S1", &[1]));
    studio.wait_jobs("done", 3);
    let third = studio.bytes_below("delivery/web/S1");
    assert_eq!(third["S1_0001.jpg"], b"edited by hand");
    assert!(third.contains_key("S1_0001_2.jpg"), "{:?}", third.keys());
}

#[test]
fn what_no_rule_takes_is_asked_in_one_sentence_and_told_in_full_beside_it() {
    let mut studio = Studio::new();
    let holding = CONFIG.replace("status: { folder: drop/status,", "status: { folder: drop/status, unmatched: hold,");
    studio.write("hotfolders.yaml", holding.as_bytes());
    studio.serve();
    studio.drop_file("status", "i.json", &invoice("7", &[1]).replace("printing", "primting"));
    let held = studio.wait_jobs("held", 1);
    let question = studio.json(&held[0].join("questions.json"))[0].clone();
    let text = question["text"].as_str().unwrap();
    let nearest = "no render job takes this invoice with status `primting`; the nearest is `print`: status is `primting`, not `print*`";
    assert!(text.starts_with(nearest) && !text.contains("`zip`"), "{text}");
    let zip = "`zip`: kind is `invoice`, not `production_order`, status is `primting`, not `zip`";
    assert_eq!(question["details"].as_array().unwrap().len(), 3);
    assert_eq!(question["details"][2], zip);
    assert!(!studio.run(&["jobs", "list"]).expect(0).out.contains(zip));
    assert!(studio.run(&["jobs", "show", "7"]).expect(0).out.contains(zip));
    studio.run(&["jobs", "cancel", "7"]).expect(0);
    studio.wait_jobs("done", 1);
    // Where nobody is asked the list stands with the job too.
    let ended = invoice("8", &[1]).replace("printing", "primting");
    studio.write("drop/exports/8.json", ended.as_bytes());
    studio.wait_jobs("failed", 1);
    assert!(studio.run(&["jobs", "show", "8"]).expect(0).out.contains(&zip.replace("`zip`: ", "zip: ")));
    studio.stop();
}

#[test]
fn what_no_rule_takes_is_ignored_in_the_status_drop_and_fails_in_the_export_drop() {
    let mut studio = Studio::new();
    studio.serve();
    let manifest = session("S1", &[1]).replace("imported", "something else");
    studio.drop_file("status", "a.json", &manifest);
    let done = studio.wait_jobs("done", 1);
    let receipt = studio.receipt(&done[0]);
    assert_eq!(receipt["result"], "ignored");
    assert!(receipt["warnings"][0]["text"].as_str().unwrap().contains("status is `something else`"), "{receipt}");
    studio.drop_file("exports", "b.json", &manifest);
    let failed = studio.wait_jobs("failed", 1);
    assert_eq!(studio.json(&failed[0].join("reason.json"))["code"], "unmatched");
    let estimate = invoice("3", &[1]).replace("\"kind\"", "\"type\":\"Estimate\",\"kind\"");
    studio.drop_file("status", "c.json", &estimate);
    let done = studio.wait_jobs("done", 2);
    let results: Vec<_> = done.iter().map(|job| studio.receipt(job)["result"].clone()).collect();
    assert!(results.contains(&"skipped".into()), "{results:?}");
    studio.stop();
    studio.audit();
}

#[test]
fn a_destination_that_is_not_there_is_waited_for() {
    let mut studio = Studio::new();
    let nas = studio.path("nas");
    let config = super::studio::CONFIG.replace("delivery/web/{session}", &format!("{}/{{session}}", nas.display()));
    studio.write("hotfolders.yaml", config.as_bytes());
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1]));
    let waits = studio.wait("the job waits", || {
        let status = studio.run(&["status", "--json"]).json();
        status["waiting"].as_array().and_then(|w| w.first().cloned()).filter(|w| w["why"].is_string())
    });
    assert!(waits["why"].as_str().unwrap().contains("nas"), "{waits}");
    assert!(!nas.exists(), "an absolute destination is never made");
    std::fs::create_dir(&nas).unwrap();
    studio.wait_jobs("done", 1);
    assert_eq!(files(&nas), ["S1/S1_0001.jpg"]);
    assert_eq!(studio.jobs("failed").len(), 0);
}
