//! Pictures without a manifest.

use std::time::Duration;

use super::studio::{CONFIG, Studio, files, jpeg};

fn config() -> String {
    let config = CONFIG.replacen(
        "hot_folders:\n",
        "hot_folders:\n  quick: { folder: drop/quick, images: alone, settle: 400ms, scan: 100ms, run: [quick], receipts: receipts }\n",
        1,
    );
    config.replacen(
        "profiles:\n",
        "profiles:\n  quick:\n    size: 32px\n    name: \"{stem}\"\n    deliver: [ { to: folder, path: \"quick/{record}\" } ]\n",
        1,
    )
}

fn studio() -> Studio {
    let studio = Studio::bare(&config());
    std::fs::create_dir_all(studio.path("drop/quick")).unwrap();
    studio
}

fn records(studio: &Studio, state: &str) -> Vec<String> {
    let record = |job: &std::path::PathBuf| studio.receipt(job)["record"].as_str().unwrap().to_string();
    let mut records: Vec<String> = studio.jobs(state).iter().map(record).collect();
    records.sort();
    records
}

#[test]
fn a_picture_and_a_folder_of_pictures_are_a_job_each() {
    let mut studio = studio();
    studio.write("drop/quick/one.jpg", &jpeg(60, 40));
    for name in ["b10.jpg", "b2.jpg", "deep/c.JPG", "notes.txt"] {
        studio.write(&format!("drop/quick/Party 7/{name}"), &jpeg(60, 40));
    }
    studio.write("drop/quick/empty folder/readme.txt", b"x");
    studio.serve();
    studio.wait_jobs("done", 2);
    assert_eq!(records(&studio, "done"), ["Party 7", "one"]);
    let made = files(&studio.path("quick"));
    assert_eq!(made, ["Party 7/b10.jpg", "Party 7/b2.jpg", "Party 7/c.jpg", "one/one.jpg"]);
    let done = studio.jobs("done");
    let party = done.iter().map(|job| studio.receipt(job)).find(|r| r["record"] == "Party 7").unwrap();
    assert_eq!((&party["kind"], &party["manifest"]), (&"pictures".into(), &"Party 7".into()));
    let order: Vec<_> = party["outputs"].as_array().unwrap().iter().map(|o| o["source"].as_str().unwrap()).collect();
    assert_eq!(order, ["b2.jpg", "b10.jpg", "deep/c.JPG"]);
    assert_eq!(files(&studio.path("drop/quick")), ["Party 7/notes.txt", "empty folder/readme.txt"]);
    assert!(!studio.path("drop/quick/Party 7/deep").exists(), "an emptied folder goes");
    assert_eq!(files(&studio.path("receipts")).len(), 2);
    studio.wait("what lies there for nothing", || {
        let status = studio.run(&["status", "--json"]).json();
        let folder = status["hot_folders"].as_array()?.iter().find(|f| f["name"] == "quick")?.clone();
        let unnamed = folder["unnamed"].as_array()?.clone();
        (unnamed.len() == 2 && unnamed.iter().all(|u| u["since"].is_string())).then_some(())
    });
    let told = studio.run(&["status"]).expect(0).out;
    assert!(told.contains("Party 7/notes.txt: nothing is made of it, and it has lain there for"), "{told}");
    studio.stop();
    studio.audit();
}

#[test]
fn what_is_dropped_once_more_is_made_once_more() {
    let mut studio = studio();
    studio.serve();
    for time in 1..=2 {
        studio.write("drop/quick/one.jpg", &jpeg(60, 40));
        studio.wait_jobs("done", time);
    }
    assert_eq!(files(&studio.path("quick")), ["one/one.jpg"]);
    let results: Vec<_> = studio.jobs("done").iter().map(|job| studio.receipt(job)["result"].clone()).collect();
    assert_eq!(results, ["done", "done"]);
    studio.stop();
    studio.audit();
}

#[test]
fn another_picture_of_the_same_name_takes_nothing_away() {
    let mut studio = studio();
    let zips = config().replacen(
        "quick/{record}\" }",
        "quick/{record}\" }, { to: folder, path: replaced, on_conflict: replace }, { to: zip, path: \"zips/{record}\" }",
        1,
    );
    assert_ne!(zips, config());
    studio.write("hotfolders.yaml", zips.as_bytes());
    // A raw converter writes a JPEG and a TIFF of each shot.
    studio.write("drop/quick/IMG_1.jpg", &jpeg(60, 40));
    let tiff = image::RgbImage::from_fn(50, 50, |x, y| image::Rgb([x as u8, y as u8, 7]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    tiff.write_to(&mut bytes, image::ImageFormat::Tiff).unwrap();
    studio.write("drop/quick/IMG_1.tif", bytes.get_ref());
    studio.serve();
    studio.wait_jobs("done", 2);
    assert_eq!(files(&studio.path("quick")), ["IMG_1/IMG_1.jpg", "IMG_1/IMG_1_2.jpg"]);

    // The next card begins at the same number; the first picture once more is no other one.
    studio.write("drop/quick/IMG_1.jpg", &jpeg(40, 60));
    studio.wait_jobs("done", 3);
    studio.write("drop/quick/IMG_1.jpg", &jpeg(60, 40));
    studio.wait_jobs("done", 4);
    studio.stop();
    assert_eq!(files(&studio.path("quick")), ["IMG_1/IMG_1.jpg", "IMG_1/IMG_1_2.jpg", "IMG_1/IMG_1_3.jpg"]);
    assert_eq!(files(&studio.path("zips")), ["IMG_1.zip", "IMG_1_2.zip", "IMG_1_3.zip"]);
    let warnings: Vec<String> =
        studio.jobs("done").iter().map(|job| studio.receipt(job)["warnings"].to_string()).collect();
    let says = |text: &str| warnings.iter().filter(|told| told.contains(text)).count();
    assert_eq!(says("was not made from this picture: delivered as `IMG_1_2.jpg`"), 1, "{warnings:#?}");
    assert_eq!(says("was not made from this picture: delivered as `IMG_1_3.jpg`"), 1, "{warnings:#?}");
    assert_eq!(says("was not made from this picture; it was replaced"), 3, "{warnings:#?}");
    studio.audit();
}

#[test]
fn a_folder_is_taken_when_nothing_has_arrived_for_a_while_and_nobody_writes_in_it() {
    let mut studio = studio();
    studio.serve();
    let copying = jpeg(60, 40);
    for i in 0..6 {
        studio.write(&format!("drop/quick/wedding/p{i}.jpg"), &copying);
        std::thread::sleep(Duration::from_millis(200));
    }
    // A copy under a passing name grows, while everything else stands still.
    for part in 1..=6 {
        studio.write("drop/quick/wedding/p9.jpg.part", &copying[..copying.len() * part / 6]);
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(studio.jobs("done").len() + studio.jobs("pending").len(), 0, "taken in the middle of a copy");
    }
    std::fs::rename(studio.path("drop/quick/wedding/p9.jpg.part"), studio.path("drop/quick/wedding/p9.jpg")).unwrap();
    studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(files(&studio.path("quick/wedding")).len(), 7);
    assert_eq!(files(&studio.path("drop/quick")), [""; 0]);
    assert!(!studio.path("drop/quick/wedding").exists() && studio.path("drop/quick").exists());
    studio.audit();
}

#[test]
fn an_empty_picture_is_waited_for_and_a_damaged_one_fails_its_job_with_the_others_made() {
    let mut studio = studio();
    studio.write("drop/quick/set/a.jpg", &jpeg(60, 40));
    studio.write("drop/quick/set/b.jpg", b"");
    studio.serve();
    studio.wait("the empty one to be told", || {
        studio.run(&["status"]).expect(0).out.contains("set: set/b.jpg is empty").then_some(())
    });
    studio.write("drop/quick/set/b.jpg", b"this is no picture");
    let failed = studio.wait_jobs("failed", 1);
    let receipt = studio.receipt(&failed[0]);
    assert!(receipt["errors"][0]["text"].as_str().unwrap().contains("b.jpg"), "{receipt:#}");
    assert_eq!(files(&studio.path("quick")), ["set/a.jpg"]);
    studio.stop();
    std::fs::write(failed[0].join("inputs/b.jpg"), jpeg(60, 40)).unwrap();
    studio.run(&["jobs", "retry", "set"]).expect(0);
    studio.serve();
    studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(files(&studio.path("quick")), ["set/a.jpg", "set/b.jpg"]);
    studio.audit();
}

#[test]
fn without_a_profile_the_render_jobs_decide_and_what_none_takes_fails() {
    let ruled = config().replace(", run: [quick]", "").replacen(
        "render_jobs:\n",
        "render_jobs:\n  - { name: quick, when: { kind: pictures, hot_folder: quick }, run: [quick] }\n",
        1,
    );
    let mut studio = Studio::bare(&ruled);
    studio.write("drop/quick/one.jpg", &jpeg(60, 40));
    studio.serve();
    studio.wait_jobs("done", 1);
    studio.write("hotfolders.yaml", config().replace(", run: [quick]", "").as_bytes());
    studio.stop();
    studio.write("drop/quick/two.jpg", &jpeg(60, 40));
    studio.serve();
    let failed = studio.wait_jobs("failed", 1);
    assert_eq!(studio.receipt(&failed[0])["errors"][0]["code"], "unmatched");
    assert_eq!(files(&studio.path("drop/quick")), [""; 0], "the pictures are in the job");
    studio.write("hotfolders.yaml", config().as_bytes());
    studio.stop();
    studio.run(&["jobs", "retry", "--all-failed"]).expect(0);
    studio.serve();
    studio.wait_jobs("done", 2);
    studio.stop();
    assert_eq!(files(&studio.path("quick")), ["one/one.jpg", "two/two.jpg"]);

    // What is ignored stays: nobody else may have it.
    let ignoring = config().replace(", run: [quick]", ", unmatched: ignore");
    assert_ne!(ignoring, config());
    studio.write("hotfolders.yaml", ignoring.as_bytes());
    studio.write("drop/quick/three.jpg", &jpeg(60, 40));
    studio.serve();
    studio.wait("the reason", || {
        studio.run(&["status"]).expect(0).out.contains("three.jpg: it is left here (`unmatched: ignore`)").then_some(())
    });
    studio.stop();
    assert_eq!(files(&studio.path("drop/quick")), ["three.jpg"]);
    assert_eq!(studio.jobs("done").len(), 2);
    studio.audit();
}
