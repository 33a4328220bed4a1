//! Folders that come and go: nothing fails, nothing is made in their place, the rest goes on, all resumes by itself.

use std::path::Path;
use std::process::Command;

use super::studio::{CONFIG, Studio, files, invoice, jpeg, session};

/// Web pictures go to an absolute folder, prints to a relative one.
fn studio() -> Studio {
    let studio = Studio::new();
    let nas = studio.path("nas/web");
    std::fs::create_dir_all(&nas).unwrap();
    let config = CONFIG.replace("delivery/web/{session}", &format!("{}/{{session}}", nas.display()));
    assert_ne!(config, CONFIG);
    studio.write("hotfolders.yaml", config.as_bytes());
    studio
}

fn status(studio: &Studio) -> serde_json::Value {
    studio.run(&["status", "--json"]).expect(0).json()
}

/// What is waited for, once something is.
#[track_caller]
fn waits_for(studio: &Studio, place: &Path, jobs: u64) -> serde_json::Value {
    studio.wait(&format!("{jobs} jobs to wait for {}", place.display()), || {
        let places = status(studio)["places"].as_array()?.clone();
        let found = places.into_iter().find(|p| p["place"] == place.to_str().unwrap())?;
        (found["jobs"] == jobs).then_some(found)
    })
}

#[test]
fn jobs_wait_for_a_destination_that_is_gone_together_and_the_others_go_on() {
    let mut studio = studio();
    std::fs::rename(studio.path("nas"), studio.path("away")).unwrap();
    studio.serve();
    for i in 1..=3 {
        studio.drop_file("status", &format!("s{i}.json"), &session(&format!("S{i}"), &[1]));
    }
    let place = waits_for(&studio, &studio.path("nas/web"), 3);
    assert!(place["why"].as_str().unwrap().contains("is not there") && place["since"].is_string(), "{place}");
    studio.drop_file("status", "i.json", &invoice("9", &[1]));
    studio.wait_jobs("done", 1);
    let told = studio.run(&["status"]).expect(0).out;
    assert!(told.contains("waiting: 3 jobs for "), "{told}");
    assert!(!studio.path("nas").exists(), "an absolute folder is never made");
    std::fs::rename(studio.path("away"), studio.path("nas")).unwrap();
    studio.wait_jobs("done", 4);
    assert_eq!(status(&studio)["places"], serde_json::json!([]));
    assert_eq!(files(&studio.path("nas/web/S1")), ["S1_0001.jpg", "S2_0001.jpg", "S3_0001.jpg"]);
    assert_eq!(studio.jobs("failed").len(), 0);
    studio.stop();
    studio.audit();
}

#[test]
fn a_cancelled_job_does_not_wait_for_a_destination_that_has_nothing_of_it() {
    let mut studio = studio();
    std::fs::rename(studio.path("nas"), studio.path("away")).unwrap();
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1]));
    waits_for(&studio, &studio.path("nas/web"), 1);
    studio.run(&["jobs", "cancel", "S1"]).expect(0);
    let done = studio.wait_jobs("done", 1);
    assert_eq!(studio.receipt(&done[0])["result"], "cancelled");
    // Tried again, it goes there after all.
    studio.run(&["jobs", "retry", "S1"]).expect(0);
    std::fs::rename(studio.path("away"), studio.path("nas")).unwrap();
    studio.wait("the picture", || (files(&studio.path("nas/web/S1")) == ["S1_0001.jpg"]).then_some(()));
    studio.wait_jobs("done", 1);
    studio.stop();
    studio.audit();
}

#[test]
fn an_order_waits_for_a_library_that_is_gone_and_nothing_counts_as_missing() {
    let mut studio = studio();
    std::fs::rename(studio.path("sessions"), studio.path("away")).unwrap();
    studio.serve();
    studio.drop_file("status", "s.json", &session("S1", &[1]));
    studio.wait("the wait", || {
        studio.run(&["status"]).expect(0).out.contains("the library cannot be reached").then_some(())
    });
    std::fs::rename(studio.path("away"), studio.path("sessions")).unwrap();
    studio.wait_jobs("done", 1);

    // Gone when the job is at work already.
    studio.run(&["pause"]).expect(0);
    studio.drop_file("status", "i.json", &invoice("9", &[1, 2]));
    studio.wait_jobs("pending", 1);
    std::fs::rename(studio.path("sessions"), studio.path("away")).unwrap();
    studio.run(&["resume"]).expect(0);
    waits_for(&studio, &studio.path("sessions"), 1);
    std::fs::rename(studio.path("away"), studio.path("sessions")).unwrap();
    studio.wait_jobs("done", 2);
    assert_eq!(studio.jobs("failed").len(), 0);
    studio.stop();
    studio.audit();
}

/// Planned, and some of it made: nobody looks for the originals anew.
#[test]
fn a_library_that_goes_away_in_the_middle_of_a_job_is_waited_for() {
    let mut studio = Studio::new();
    let numbers: Vec<u32> = (1..=40).collect();
    for number in &numbers {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 1500, 1000);
    }
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &numbers));
    studio.wait("some pictures", || (!files(&studio.path("delivery")).is_empty()).then_some(()));
    studio.run(&["jobs", "hold", "S1"]).expect(0);
    studio.wait_jobs("held", 1);
    assert!(files(&studio.path("delivery")).len() < 40);
    std::fs::rename(studio.path("sessions"), studio.path("away")).unwrap();
    studio.run(&["jobs", "release", "S1"]).expect(0);
    waits_for(&studio, &studio.path("sessions"), 1);
    std::fs::rename(studio.path("away"), studio.path("sessions")).unwrap();
    studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(files(&studio.path("delivery")).len(), 40);
    studio.audit();
}

#[test]
fn a_receipts_folder_that_is_gone_is_waited_for_and_not_made() {
    let mut studio = studio();
    std::fs::remove_dir(studio.path("receipts")).unwrap();
    studio.write("drop/exports/o/a.jpg", &jpeg(60, 40));
    let manifest = r#"{ "manifest": 1, "kind": "production_order", "record": "7", "status": "zip",
        "lines": [ { "line": 1, "image": "a.jpg" } ] }"#;
    studio.write("drop/exports/o/o.json", manifest.as_bytes());
    studio.serve();
    waits_for(&studio, &studio.path("receipts"), 1);
    assert!(!studio.path("receipts").exists());
    std::fs::create_dir(studio.path("receipts")).unwrap();
    studio.wait_jobs("done", 1);
    assert_eq!(files(&studio.path("receipts")).len(), 1);
    studio.stop();
    studio.audit();
}

#[test]
fn a_spool_that_is_gone_loses_no_job_and_is_not_made_again() {
    let mut studio = studio();
    std::fs::rename(studio.path("nas"), studio.path("away")).unwrap();
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1]));
    waits_for(&studio, &studio.path("nas/web"), 1);
    std::fs::rename(studio.path("spool"), studio.path("spool.away")).unwrap();
    std::fs::rename(studio.path("away"), studio.path("nas")).unwrap();
    studio.drop_file("status", "b.json", &session("S2", &[2]));
    studio.wait("a word about the spool", || {
        let logs = studio.bytes_below("logs").into_values();
        logs.map(|text| String::from_utf8(text).unwrap())
            .any(|text| text.contains("cannot be accepted now"))
            .then_some(())
    });
    assert!(!studio.path("spool").exists(), "nothing is made in its place");
    std::fs::rename(studio.path("spool.away"), studio.path("spool")).unwrap();
    studio.wait_jobs("done", 2);
    assert_eq!(files(&studio.path("nas/web/S1")), ["S1_0001.jpg", "S2_0002.jpg"]);
    studio.stop();
    studio.audit();
}

pub fn mount(folder: &Path, options: &str) {
    let done = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).status().unwrap();
    assert!(done.success(), "mounting needs a namespace of its own: scripts/torture mounts");
}

pub fn unmount(folder: &Path) {
    assert!(Command::new("umount").arg("-l").arg(folder).status().unwrap().success());
}

#[test]
#[ignore = "it mounts: scripts/torture mounts"]
fn a_disk_that_is_unmounted_is_not_an_empty_folder() {
    let mut studio = studio();
    let (nas, drop) = (studio.path("nas/web"), studio.path("drop/status"));
    mount(&nas, "size=16m");
    mount(&drop, "size=16m");
    studio.serve();
    studio.drop_file("status", "s1.json", &session("S1", &[1]));
    studio.wait_jobs("done", 1);
    studio.wait("the places to be known", || studio.path("spool/places.json").exists().then_some(()));

    unmount(&nas);
    studio.drop_file("status", "s2.json", &session("S2", &[2]));
    let place = waits_for(&studio, &nas, 1);
    assert!(place["why"].as_str().unwrap().contains("is not mounted at"), "{place}");
    assert_eq!(files(&nas), [""; 0], "nothing is written into the empty mount point");
    unmount(&drop);
    std::fs::write(drop.join("s3.json"), session("S3", &[3])).unwrap();
    studio.wait("the hot folder to be missed", || {
        studio.run(&["status"]).expect(0).out.contains("hot folder status: unreachable since").then_some(())
    });
    studio.stop();
    studio.serve();
    waits_for(&studio, &nas, 1);
    assert!(drop.join("s3.json").exists(), "nothing is taken from an empty mount point");

    mount(&nas, "size=16m");
    mount(&drop, "size=16m");
    studio.wait_jobs("done", 2);
    assert_eq!(files(&nas), ["S1/S2_0002.jpg"]);
    studio.stop();
    unmount(&nas);
    unmount(&drop);
}

/// 16 MiB for the destination and 16 MiB for the spool: both run full in the middle of a job, and are emptied again.
#[test]
#[ignore = "it mounts: scripts/torture mounts"]
fn a_full_disk_is_waited_out() {
    for full in ["nas/web", "spool"] {
        let mut studio = studio();
        let folder = studio.path(full);
        std::fs::create_dir_all(&folder).unwrap();
        mount(&folder, "size=16m");
        studio.serve();
        studio.wait("the server", || studio.is_served().then_some(()));
        studio.run(&["pause"]).expect(0);
        for i in 1..=20 {
            studio.drop_file("status", &format!("s{i}.json"), &session(&format!("S{i}"), &[1, 2, 3]));
        }
        studio.wait_jobs("pending", 20);
        std::fs::write(folder.join(".ballast"), vec![7; 15 * 1024 * 1024]).unwrap();
        let mut more = 0;
        while std::fs::write(folder.join(format!(".ballast{more}")), vec![7; 16 * 1024]).is_ok() {
            more += 1;
        }
        // The command itself needs a few bytes where the spool is full.
        std::fs::remove_file(folder.join(format!(".ballast{more}"))).unwrap();
        std::fs::remove_file(folder.join(format!(".ballast{}", more - 1))).unwrap();
        studio.run(&["resume"]).expect(0);
        studio.wait("somebody to wait for room", || {
            let log = files(&studio.path("logs"));
            let said = log
                .iter()
                .any(|f| std::fs::read_to_string(studio.path(&format!("logs/{f}"))).unwrap().contains("No space left"));
            said.then_some(())
        });
        assert!(studio.jobs("done").len() < 20 && studio.jobs("failed").is_empty());
        for name in files(&folder).into_iter().filter(|name| name.starts_with(".ballast")) {
            std::fs::remove_file(folder.join(name)).unwrap();
        }
        studio.wait_jobs("done", 20);
        assert_eq!(studio.jobs("failed").len(), 0);
        studio.stop();
        studio.audit();
        unmount(&folder);
    }
}
