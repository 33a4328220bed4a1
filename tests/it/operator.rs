//! What an operator does with the queue: hold, answer, make again.

use super::studio::{CONFIG, Studio, files, invoice, session};

/// The receipt of the newest finished job.
fn last_receipt(studio: &Studio) -> serde_json::Value {
    let receipts = studio.jobs("done").iter().map(|job| studio.receipt(job)).collect::<Vec<_>>();
    receipts.into_iter().max_by_key(|r| r["accepted"].as_str().unwrap().to_string()).unwrap()
}

#[test]
fn a_hold_by_hand_settles_no_other_question() {
    let mut studio = Studio::new();
    let asking = CONFIG.replace("checks: { low_ppi: [] }", "checks: { low_ppi: [], uncropped_line: hold }");
    assert_ne!(asking, CONFIG);
    studio.write("hotfolders.yaml", asking.as_bytes());
    studio.serve();
    studio.wait("the server", || studio.is_served().then_some(()));
    studio.run(&["pause"]).expect(0);
    studio.drop_file("status", "a.json", &invoice("9", &[1]));
    studio.wait_jobs("pending", 1);
    studio.run(&["jobs", "hold", "9"]).expect(0);
    studio.run(&["jobs", "release", "9"]).expect(0);
    studio.run(&["resume"]).expect(0);
    let held = studio.wait_jobs("held", 1);
    assert_eq!(studio.json(&held[0].join("questions.json"))[0]["code"], "uncropped_line");
    studio.run(&["jobs", "answer", "9", "--all"]).expect(1);
    studio.run(&["jobs", "release", "9"]).expect(0);
    studio.wait_jobs("done", 1);
    studio.stop();
    studio.audit();
}

/// Who lets a job be made has not seen its pictures.
#[test]
fn a_rule_holds_before_anything_is_made_and_a_profile_before_anything_is_delivered() {
    let mut studio = Studio::new();
    let holding = CONFIG
        .replace("run: [web] }", "run: [web], hold: true }")
        .replace("    images: selected\n", "    images: selected\n    hold: true\n");
    studio.write("hotfolders.yaml", holding.as_bytes());
    let held_for = |studio: &Studio, code: &str| {
        studio.wait(&format!("the job to ask `{code}`"), || {
            let job = studio.jobs("held").pop()?;
            let asked: serde_json::Value =
                serde_json::from_slice(&std::fs::read(job.join("questions.json")).ok()?).ok()?;
            (asked.as_array()?.len() == 1 && asked[0]["code"] == code).then_some(job)
        })
    };
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1, 2]));
    let job = held_for(&studio, "hold");
    assert!(!job.join("outputs").exists());
    // The next server asks the same.
    studio.kill();
    studio.serve();
    studio.wait("the server", || studio.is_served().then_some(()));
    studio.run(&["jobs", "release", "S1"]).expect(0);
    let job = held_for(&studio, "look");
    assert_eq!((files(&job.join("outputs")).len(), files(&studio.path("delivery"))), (2, Vec::new()));
    studio.run(&["jobs", "release", "S1"]).expect(0);
    studio.wait_jobs("done", 1);
    assert_eq!(files(&studio.path("delivery")).len(), 2);
    assert_eq!(studio.stop(), Some(0));
    studio.audit();
}

#[test]
fn a_running_job_is_held_after_the_step_in_hand_and_keeps_what_it_has_made() {
    let mut studio = Studio::new();
    let numbers: Vec<u32> = (1..=40).collect();
    for number in &numbers {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 1500, 1000);
    }
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &numbers));
    studio.wait("some pictures", || (!files(&studio.path("delivery")).is_empty()).then_some(()));
    let said = studio.run(&["jobs", "hold", "S1"]).expect(0).out;
    assert!(said.contains("after the step in hand"), "{said}");
    let held = studio.wait_jobs("held", 1);
    assert_eq!(studio.json(&held[0].join("questions.json"))[0]["code"], "by_hand");
    let made = files(&studio.path("delivery")).len();
    assert!((1..40).contains(&made), "{made}");
    studio.stop();
    studio.run(&["jobs", "release", "S1"]).expect(0);
    studio.serve();
    studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(files(&studio.path("delivery")).len(), 40);
    studio.audit();
}

/// The step in hand is a program that takes a while.
#[test]
fn a_hold_of_a_running_job_outlives_a_server_that_is_killed_before_the_step_ends() {
    let script = "echo started >> log; sleep 2";
    let mut studio = super::command::studio(script, r#"run: [tools/upload, "{file}"]"#);
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1]));
    studio.wait("the program to run", || studio.path("log").exists().then_some(()));
    let said = studio.run(&["jobs", "hold", "S1"]).expect(0).out;
    assert!(said.contains("after the step in hand"), "{said}");
    studio.kill();
    assert_eq!(studio.jobs("held").len(), 0);
    studio.serve();
    let held = studio.wait_jobs("held", 1);
    assert_eq!(studio.json(&held[0].join("questions.json"))[0]["code"], "by_hand");
    studio.run(&["jobs", "release", "S1"]).expect(0);
    // Only now it asks about the program.
    studio.wait("the doubt", || {
        studio.run(&["jobs", "answer", "S1", "--done"]).code.is_some_and(|code| code == 0).then_some(())
    });
    studio.wait_jobs("done", 1);
    studio.stop();
    studio.audit();
}

#[test]
fn a_reprint_makes_single_lines_again_with_other_copies_as_then_or_as_now() {
    let mut studio = Studio::new();
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2, 3]));
    studio.wait_jobs("done", 1);
    let said = studio.run(&["jobs", "reprint", "9", "--lines", "3,1", "--copies", "2"]).expect(0).out;
    assert!(said.contains("made again as job"), "{said}");
    studio.wait_jobs("done", 2);
    let first = last_receipt(&studio);
    let paths = |receipt: &serde_json::Value| -> Vec<String> {
        receipt["outputs"].as_array().unwrap().iter().map(|o| o["path"].as_str().unwrap().to_string()).collect()
    };
    assert_eq!(paths(&first), ["print/9/9_01_8x10in-r1.jpg", "print/9/9_03_8x10in-r1.jpg"]);

    studio.stop();
    studio.write("hotfolders.yaml", CONFIG.replace("    dpi: 20\n", "    dpi: 10\n").as_bytes());
    studio.run(&["jobs", "reprint", "9", "--lines", "2", "--as-then"]).expect(0);
    studio.serve();
    studio.wait_jobs("done", 3);
    assert_eq!((&last_receipt(&studio)["outputs"][0]["dpi"]), &20.0);
    studio.run(&["jobs", "reprint", "9", "--lines", "2"]).expect(0);
    studio.wait_jobs("done", 4);
    let now = last_receipt(&studio);
    assert_eq!(
        (&now["outputs"][0]["dpi"], &now["outputs"][0]["path"]),
        (&10.0.into(), &"print/9/9_02_8x10in-r3.jpg".into())
    );

    let wrong = studio.run(&["jobs", "reprint", "9", "--lines", "7"]).expect(1).err;
    assert!(wrong.contains("it has no line 7; there are 1, 2, 3"), "{wrong}");
    studio.write("other.json", invoice("10", &[1]).as_bytes());
    let other = studio.run(&["jobs", "reprint", "9", "--manifest", "other.json"]).expect(1).err;
    assert!(other.contains("is of invoice 10, the job of invoice 9"), "{other}");
    studio.write("own.json", invoice("9", &[2]).as_bytes());
    studio.run(&["jobs", "reprint", "9", "--manifest", "own.json"]).expect(0);
    studio.wait_jobs("done", 5);
    studio.stop();
    assert_eq!(paths(&last_receipt(&studio)), ["print/9/9_01_8x10in-r4.jpg"]);
    studio.audit();
}

#[test]
fn an_export_is_made_again_from_the_pictures_that_came_with_it() {
    let mut studio = Studio::new();
    studio.serve();
    studio.picture("drop/exports/o/a.jpg", 60, 40);
    let manifest = r#"{ "manifest": 1, "kind": "production_order", "record": "7", "status": "zip",
        "lines": [ { "line": 1, "image": "a.jpg" } ] }"#;
    studio.write("drop/exports/o/o.json", manifest.as_bytes());
    studio.wait_jobs("done", 1);
    studio.run(&["jobs", "reprint", "7"]).expect(0);
    studio.wait_jobs("done", 2);
    studio.stop();
    let receipt = last_receipt(&studio);
    assert_eq!((&receipt["result"], receipt["outputs"].as_array().unwrap().len()), (&"done".into(), 1), "{receipt:#}");
    studio.audit();
}

#[test]
fn a_reprint_of_a_record_takes_its_newest_job_that_made_something() {
    let mut studio = Studio::new();
    let asking = CONFIG.replacen("  web:\n", "  web:\n    repeat: ask\n", 1);
    assert_ne!(asking, CONFIG);
    studio.write("hotfolders.yaml", asking.as_bytes());
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1]));
    let made = studio.wait_jobs("done", 1).remove(0);
    let id_of = |job: &std::path::Path| job.file_name().unwrap().to_string_lossy().into_owned();

    // A correction that somebody takes back, the same again, one that fails, and one that only takes the order back.
    studio.drop_file("status", "b.json", &session("S1", &[2]));
    studio.wait_jobs("held", 1);
    studio.run(&["jobs", "cancel", "S1"]).expect(0);
    studio.wait_jobs("done", 2);
    studio.drop_file("status", "c.json", &session("S1", &[1]));
    studio.wait_jobs("done", 3);
    studio.drop_file("status", "d.json", &session("S1", &[1, 9]));
    studio.wait_jobs("failed", 1);
    let cancel = session("S1", &[1]).replacen('{', "{\"action\":\"cancel\",", 1);
    studio.drop_file("status", "e.json", &cancel);
    studio.wait_jobs("done", 4);

    let told = studio.run(&["jobs", "reprint", "S1"]).expect(0).out;
    assert!(told.starts_with(&format!("{}: it is made again", id_of(&made))), "{told}");
    studio.wait_jobs("done", 5);
    assert_eq!(files(&studio.path("delivery")), ["web/S1/S1_0001-r1.jpg", "web/S1/S1_0001.jpg"]);

    studio.drop_file("status", "f.json", &invoice("12", &[9]));
    let failed = studio.wait_jobs("failed", 2);
    let failed = failed.iter().map(|job| id_of(job)).find(|id| id.contains("-12-")).unwrap();
    let told = studio.run(&["jobs", "reprint", "12"]).expect(1).err;
    assert!(told.contains("no job of record `12` is done and has made something"), "{told}");
    assert!(told.contains(&format!("{failed} (failed)")), "{told}");
    let told = studio.run(&["jobs", "reprint", &failed]).expect(0).out;
    assert!(told.contains("it is made again as job"), "by its id it is: {told}");
    studio.wait_jobs("failed", 3);
    studio.stop();
    studio.audit();
}

#[test]
fn a_reprint_by_the_app_need_not_bring_the_pictures_that_came_with_the_order() {
    let mut studio = Studio::new();
    let patient = CONFIG.replace("complete_within: 500ms", "complete_within: 30m");
    assert_ne!(patient, CONFIG);
    studio.write("hotfolders.yaml", patient.as_bytes());
    studio.serve();
    let order = |action: &str| {
        format!(
            r#"{{ "manifest": 1, "kind": "production_order", "record": "7", "status": "zip", "action": "{action}",
            "lines": [ {{ "line": 1, "image": "a.jpg" }}, {{ "line": 2, "image": "b.jpg" }} ] }}"#
        )
    };
    studio.picture("drop/exports/o/a.jpg", 60, 40);
    studio.picture("drop/exports/o/b.jpg", 40, 60);
    studio.write("drop/exports/o/o.json", order("new").as_bytes());
    let first = studio.wait_jobs("done", 1).remove(0);
    studio.write("drop/exports/o/r.json", order("reprint").as_bytes());
    studio.wait_jobs("done", 2);
    let receipt = last_receipt(&studio);
    assert_eq!((&receipt["result"], receipt["outputs"].as_array().unwrap().len()), (&"done".into(), 2), "{receipt:#}");
    assert_eq!(files(&first.join("inputs")), ["a.jpg", "b.jpg"], "they stay where they were");
    assert_eq!(files(&studio.path("zips")), ["7.zip", "7_2.zip"], "what was delivered stays");
    assert!(receipt["warnings"].to_string().contains("is not of this reprint: delivered as `7_2.zip`"), "{receipt:#}");

    // What it does bring counts.
    studio.picture("drop/exports/o/b.jpg", 50, 50);
    studio.write("drop/exports/o/r.json", order("reprint").as_bytes());
    studio.wait_jobs("done", 3);
    studio.stop();
    let again = last_receipt(&studio);
    assert_eq!(again["outputs"][0]["sha256"], receipt["outputs"][0]["sha256"]);
    assert_ne!(again["outputs"][1]["sha256"], receipt["outputs"][1]["sha256"], "{again:#}");
    assert_eq!(files(&studio.path("drop")), [""; 0]);
    studio.audit();
}

#[test]
fn whoever_waits_for_a_repeated_order_is_told_which_job_it_repeats() {
    let mut studio = Studio::new();
    studio.serve();
    studio.write("a.json", session("S1", &[1]).as_bytes());
    studio.run(&["submit", "a.json", "--wait"]).expect(0);
    let first = studio.jobs("done").remove(0).file_name().unwrap().to_string_lossy().into_owned();
    let told = studio.run(&["submit", "a.json", "--wait"]).expect(0).out;
    assert!(told.contains(&format!("job {first} makes, or has made, just this")), "{told}");
    studio.stop();
}
