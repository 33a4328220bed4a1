//! A failed order that came with its pictures: what is missing or damaged is put right, and it is tried again.

use std::path::{Path, PathBuf};

use super::studio::{CONFIG, Studio, files, jpeg};

const ORDER: &str = r#"{ "manifest": 1, "kind": "production_order", "record": "7", "status": "zip",
    "lines": [ { "line": 1, "image": "a.jpg" }, { "line": 2, "image": "b.jpg" } ] }"#;

fn id_of(job: &Path) -> String {
    job.file_name().unwrap().to_string_lossy().into_owned()
}

/// An order whose second picture is this, or does not come; it has failed.
fn failed(complete_within: &str, second: Option<&[u8]>) -> (Studio, PathBuf) {
    let mut studio = Studio::new();
    let config = CONFIG.replace("complete_within: 500ms", &format!("complete_within: {complete_within}"));
    studio.write("hotfolders.yaml", config.as_bytes());
    studio.serve();
    studio.write("drop/exports/o/a.jpg", &jpeg(60, 40));
    if let Some(bytes) = second {
        studio.write("drop/exports/o/b.jpg", bytes);
    }
    studio.write("drop/exports/o/o.json", ORDER.as_bytes());
    let job = studio.wait_jobs("failed", 1).remove(0);
    assert_eq!(files(&studio.path("drop")), [""; 0]);
    (studio, job)
}

fn is_made(mut studio: Studio) {
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    let receipt = studio.receipt(&done[0]);
    let sources: Vec<&str> =
        receipt["outputs"].as_array().unwrap().iter().map(|o| o["source"].as_str().unwrap()).collect();
    assert_eq!((receipt["result"].as_str().unwrap(), sources), ("done", vec!["a.jpg", "b.jpg"]), "{receipt:#}");
    assert_eq!(files(&done[0].join("inputs")), ["a.jpg", "b.jpg"]);
    studio.audit();
}

#[test]
fn a_picture_that_did_not_come_is_put_where_the_order_lay_and_the_message_says_where() {
    let (studio, job) = failed("500ms", None);
    let id = id_of(&job);
    let reason = std::fs::read_to_string(job.join("reason.txt")).unwrap();
    let place = studio.path("drop/exports/o").display().to_string();
    assert!(reason.contains(&format!("Put `b.jpg` into {place}")), "{reason}");
    assert!(reason.contains(&format!("hotfolders jobs retry {id} --pictures FOLDER")), "{reason}");
    assert_eq!(studio.json(&job.join("reason.json"))["lacks"], serde_json::json!(["b.jpg"]));
    let shown = studio.run(&["jobs", "show", "7"]).expect(0).out;
    assert!(shown.contains(&place), "{shown}");

    studio.write("drop/exports/o/b.jpg", &jpeg(40, 60));
    studio.run(&["jobs", "retry", "7"]).expect(0);
    studio.wait_jobs("done", 1);
    assert_eq!(files(&studio.path("drop")), [""; 0], "what was taken is gone from the hot folder");
    assert!(!studio.path("drop/exports/o").exists());
    is_made(studio);
}

#[test]
fn a_damaged_picture_is_replaced_also_where_the_orders_folder_is_gone_and_nothing_of_others_is_taken() {
    let (studio, job) = failed("30m", Some(b"this is no picture"));
    assert_eq!(
        studio.json(&job.join("reason.json"))["lacks"],
        serde_json::json!(["b.jpg"]),
        "a.jpg is as it should be"
    );
    // Another order waits for a picture of that name.
    let other = ORDER.replace("\"7\"", "\"8\"").replace("a.jpg", "never.jpg");
    studio.write("drop/exports/other.json", other.as_bytes());
    studio.write("drop/exports/b.jpg", &jpeg(50, 50));
    studio
        .wait("the other order to wait", || studio.run(&["status"]).expect(0).out.contains("other.json").then_some(()));
    studio.run(&["jobs", "retry", "7"]).expect(0);
    studio.wait("it to fail again", || {
        let reason = studio.jobs("failed").first()?.join("reason.json");
        (reason.exists() && studio.json(&reason)["attempts"] == 2).then_some(())
    });
    assert!(studio.path("drop/exports/b.jpg").exists(), "it is the other order's");
    std::fs::remove_file(studio.path("drop/exports/other.json")).unwrap();
    studio.wait("the other order to be forgotten", || {
        (!studio.run(&["status"]).expect(0).out.contains("other.json")).then_some(())
    });
    studio.run(&["jobs", "retry", "7"]).expect(0);
    studio.wait_jobs("done", 1);
    assert_eq!(files(&studio.path("drop")), [""; 0]);
    is_made(studio);
}

#[test]
fn pictures_come_from_a_folder_that_is_named_and_stay_there() {
    let (mut studio, job) = failed("500ms", Some(b"this is no picture"));
    let id = id_of(&job);
    std::fs::create_dir(studio.path("found")).unwrap();
    let found = studio.path("found").display().to_string();
    let retry = ["jobs", "retry", id.as_str(), "--pictures", found.as_str()];
    let told = studio.run(&retry).expect(1).err;
    assert!(told.contains("holds none of the pictures that it lacks: b.jpg"), "{told}");
    let whole = jpeg(300, 200);
    studio.write("found/b.jpg", &whole[..whole.len() / 2]);
    let told = studio.run(&retry).expect(1).err;
    assert!(told.contains("b.jpg: its end is missing"), "{told}");
    assert_eq!(studio.jobs("failed").len(), 1);
    assert_eq!(std::fs::read(job.join("inputs/b.jpg")).unwrap(), b"this is no picture", "nothing was half done");

    studio.write("found/B.JPG", &whole);
    std::fs::remove_file(studio.path("found/b.jpg")).unwrap();
    // With a server and without one.
    studio.stop();
    let told = studio.run(&retry).expect(0).out;
    assert!(told.contains("b.jpg came from"), "{told}");
    studio.serve();
    studio.wait_jobs("done", 1);
    assert_eq!(files(&studio.path("found")), ["B.JPG"]);
    is_made(studio);
}

#[test]
fn an_order_that_is_sent_once_more_closes_the_one_that_failed() {
    let (mut studio, job) = failed("500ms", None);
    let id = id_of(&job);
    studio.write("drop/exports/o/a.jpg", &jpeg(60, 40));
    studio.write("drop/exports/o/b.jpg", &jpeg(40, 60));
    studio.write("drop/exports/o/o.json", ORDER.as_bytes());
    let done = id_of(&studio.wait_jobs("done", 1)[0]);
    studio.stop();
    let list = studio.run(&["jobs", "list", "--json"]).expect(0).json();
    let row = list.as_array().unwrap().iter().find(|row| row["job"] == id.as_str()).unwrap().clone();
    assert_eq!((&row["state"], &row["superseded_by"]), (&"failed".into(), &done.as_str().into()));
    let told = studio.run(&["jobs", "list"]).expect(0).out;
    assert!(told.contains(&format!("superseded  by {done}")), "{told}");
    // Whoever tries it again all the same gets nothing twice.
    studio.run(&["jobs", "retry", &id]).expect(0);
    studio.serve();
    studio.wait_jobs("done", 2);
    studio.stop();
    assert_eq!(files(&studio.path("zips")), ["7.zip"]);
    studio.audit();
}
