//! What an operator relies on: order, control, limits, and a server that minds its own business.

use std::collections::BTreeSet;

use super::studio::{CONFIG, Studio, files, invoice, session};

#[test]
fn a_burst_of_manifests_is_one_job_and_one_receipt_each() {
    const COUNT: usize = 300;
    let mut studio = Studio::new();
    let before: Vec<String> = (0..COUNT).map(|i| session(&format!("B{i}"), &[1])).collect();
    studio.write("hotfolders.yaml", CONFIG.replace("delivery/web/{session}", "delivery/web/{record}").as_bytes());
    studio.serve();
    for (i, text) in before.iter().enumerate() {
        studio.drop_file("status", &format!("b{i}.json"), text);
    }
    let done = studio.wait_jobs("done", COUNT);
    let records: BTreeSet<String> =
        done.iter().map(|job| studio.receipt(job)["record"].as_str().unwrap().to_string()).collect();
    assert_eq!((done.len(), records.len()), (COUNT, COUNT));
    assert_eq!(files(&studio.path("delivery/web")).len(), COUNT);
    assert_eq!(files(&studio.path("drop")), [""; 0]);
    let memory = studio.memory_bytes();
    assert!(memory < 200_000_000, "{memory} bytes are resident");
    studio.stop();
    studio.audit();
}

#[test]
fn jobs_survive_kills_at_random_moments() {
    let mut studio = Studio::new();
    studio.write("hotfolders.yaml", CONFIG.replace("delivery/web/{session}", "delivery/web/{record}").as_bytes());
    for i in 0..20 {
        studio.drop_file("status", &format!("k{i}.json"), &session(&format!("K{i}"), &[1, 2]));
    }
    for pause_ms in [40, 90, 130, 170, 210, 260, 300, 350, 120, 60, 280, 330, 150, 190, 230, 110, 70, 310, 250, 140] {
        studio.serve();
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        studio.kill();
    }
    studio.serve();
    studio.wait_jobs("done", 20);
    assert_eq!(files(&studio.path("delivery/web")).len(), 40);
    assert_eq!(files(&studio.path("drop")), [""; 0]);
    assert_eq!(studio.jobs("failed").len(), 0);
    studio.stop();
    studio.audit();
}

#[test]
fn a_second_server_on_the_same_spool_is_refused_with_the_first_ones_pid() {
    let mut studio = Studio::new();
    studio.serve();
    studio.wait("the lock", || studio.is_served().then_some(()));
    let second = studio.run(&["serve"]).expect(1);
    assert!(second.err.contains("another hotfolders serves this spool: pid "), "{}", second.err);
}

#[test]
fn a_job_waits_for_its_time_and_can_be_let_go_or_cancelled() {
    let mut studio = Studio::new();
    studio.serve();
    let later = session("S1", &[1]).replacen('{', "{\"not_before\":\"2999-01-01T00:00:00Z\",", 1);
    studio.drop_file("status", "a.json", &later);
    studio.drop_file("status", "b.json", &later.replace("\"record\":\"S1\"", "\"record\":\"S2\""));
    studio.wait_jobs("pending", 2);
    assert!(studio.run(&["jobs", "list"]).expect(0).out.contains("pending"));
    studio.run(&["jobs", "release", "S1"]).expect(0);
    studio.wait_jobs("done", 1);
    studio.run(&["jobs", "cancel", "S2"]).expect(0);
    let done = studio.wait_jobs("done", 2);
    let results: Vec<_> = done.iter().map(|job| studio.receipt(job)["result"].clone()).collect();
    assert!(results.contains(&"cancelled".into()), "{results:?}");
    studio.stop();
    studio.audit();
}

#[test]
fn commands_work_without_a_server_and_paused_jobs_wait() {
    let mut studio = Studio::new();
    studio.serve();
    studio.wait("the server", || studio.is_served().then_some(()));
    studio.run(&["pause"]).expect(0);
    studio.drop_file("status", "a.json", &invoice("9", &[1]));
    studio.wait_jobs("pending", 1);
    studio.stop();
    studio.run(&["jobs", "hold", "9"]).expect(0);
    assert_eq!(studio.jobs("held").len(), 1);
    studio.run(&["jobs", "release", "9"]).expect(0);
    studio.run(&["resume"]).expect(0);
    studio.serve();
    studio.wait_jobs("done", 1);
    studio.stop();
    studio.audit();
}

#[test]
fn a_small_memory_budget_still_makes_every_picture() {
    let mut studio = Studio::bare(&(CONFIG.to_string() + "server: { max_memory: 64MiB }\n"));
    for number in 1..=4 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 3900, 2600);
    }
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1, 2, 3, 4]));
    studio.wait_jobs("done", 1);
    assert_eq!(files(&studio.path("delivery/web/S1")).len(), 4);
}

#[test]
fn a_damaged_original_is_refused_and_the_others_are_made() {
    let mut studio = Studio::new();
    let whole = std::fs::read(studio.path("sessions/S1/Hi-Res/S1002.jpg")).unwrap();
    studio.write("sessions/S1/Hi-Res/S1002.jpg", &whole[..whole.len() * 6 / 10]);
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1, 2, 3]));
    let failed = studio.wait_jobs("failed", 1);
    assert_eq!(files(&studio.path("delivery/web/S1")), ["S1_0001.jpg", "S1_0003.jpg"]);
    let receipt = studio.receipt(&failed[0]);
    assert_eq!(receipt["errors"][0]["code"], "damaged", "{receipt}");
    studio.stop();
    studio.audit();
}

#[test]
fn a_hot_folder_that_comes_and_goes_is_never_made() {
    let mut studio = Studio::new();
    std::fs::remove_dir_all(studio.path("drop/status")).unwrap();
    studio.serve();
    studio.wait("the folder to be missed", || {
        let status = studio.run(&["status", "--json"]).json();
        let folders = status["hot_folders"].as_array()?.clone();
        folders.iter().any(|f| f["mode"]["mode"] == "unreachable").then_some(())
    });
    assert!(!studio.path("drop/status").exists());
    std::fs::create_dir(studio.path("drop/status")).unwrap();
    studio.drop_file("status", "a.json", &session("S1", &[1]));
    studio.wait_jobs("done", 1);
}
