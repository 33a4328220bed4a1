//! What an operator relies on: order, control, limits, and a server that minds its own business.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::studio::{CONFIG, Studio, files, invoice, session};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn by_record() -> String {
    CONFIG.replace("delivery/web/{session}", "delivery/web/{record}")
}

/// Longer than a studio that waits has patience.
#[track_caller]
fn wait_long(studio: &Studio, count: usize) {
    let start = Instant::now();
    while studio.jobs("done").len() + studio.jobs("failed").len() < count {
        assert!(start.elapsed() < Duration::from_mins(20), "waited in vain");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// `HOTFOLDERS_BURST` says how many: `scripts/torture burst`.
#[test]
fn a_burst_of_manifests_is_one_job_and_one_receipt_each() {
    let count = number("HOTFOLDERS_BURST", 500) as usize;
    let mut studio = Studio::new();
    studio.write("hotfolders.yaml", by_record().as_bytes());
    let texts: Vec<String> = (0..count).map(|i| session(&format!("B{i}"), &[1])).collect();
    studio.serve();
    studio.wait("the server", || studio.is_served().then_some(()));
    for (i, text) in texts.iter().enumerate() {
        studio.drop_file("status", &format!("b{i}.json"), text);
    }
    wait_long(&studio, count);
    let done = studio.jobs("done");
    let records: BTreeSet<String> =
        done.iter().map(|job| studio.receipt(job)["record"].as_str().unwrap().to_string()).collect();
    assert_eq!((done.len(), records.len()), (count, count));
    assert_eq!(files(&studio.path("delivery/web")).len(), count);
    assert_eq!(files(&studio.path("drop")), [""; 0]);
    let memory = studio.memory_bytes();
    println!("burst: {count} manifests, {} MB resident", memory / 1_000_000);
    assert!(memory < 200_000_000, "{memory} bytes are resident");
    studio.stop();
    studio.audit();
}

/// Without events, and with the watched folder taken away and made anew in the middle of it.
#[test]
fn a_burst_without_events_into_a_folder_that_goes_and_comes_loses_nothing() {
    let mut studio = Studio::new();
    let polled = by_record().replace("images: library, settle", "images: library, watch: poll, settle");
    assert_ne!(polled, by_record());
    studio.write("hotfolders.yaml", polled.as_bytes());
    studio.serve();
    studio.wait("the server", || studio.is_served().then_some(()));
    for i in 0..60 {
        if i == 30 {
            std::fs::rename(studio.path("drop/status"), studio.path("away")).unwrap();
            std::fs::create_dir(studio.path("drop/status")).unwrap();
        }
        studio.drop_file("status", &format!("b{i}.json"), &session(&format!("B{i}"), &[1]));
    }
    // What was carried away with the folder comes back.
    for name in files(&studio.path("away")) {
        std::fs::rename(studio.path(&format!("away/{name}")), studio.path(&format!("drop/status/{name}"))).unwrap();
    }
    wait_long(&studio, 60);
    studio.stop();
    assert_eq!(files(&studio.path("delivery/web")).len(), 60);
    studio.audit();
}

/// `HOTFOLDERS_KILLS` says how often, `HOTFOLDERS_SEED` when: `scripts/torture kill`.
#[test]
fn jobs_survive_kills_at_random_moments() {
    const IN_FLIGHT: u64 = 20;
    let (kills, mut state) = (number("HOTFOLDERS_KILLS", 20), number("HOTFOLDERS_SEED", 1));
    // Knuth's 64-bit generator: the same moments for the same seed.
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut studio = Studio::new();
    studio.write("hotfolders.yaml", by_record().as_bytes());
    let mut dropped = 0;
    for _ in 0..kills {
        // What is done makes room for new ones, so that there is always something to be cut off.
        let resting = (studio.jobs("done").len() + studio.jobs("failed").len()) as u64;
        while dropped < resting + IN_FLIGHT {
            studio.drop_file("status", &format!("k{dropped}.json"), &session(&format!("K{dropped}"), &[1, 2]));
            dropped += 1;
        }
        studio.serve();
        std::thread::sleep(Duration::from_millis(30 + random(350)));
        studio.kill();
    }
    studio.serve();
    wait_long(&studio, dropped as usize);
    println!("kill: {kills} kills, {dropped} jobs");
    assert_eq!(files(&studio.path("delivery/web")).len() as u64, 2 * dropped);
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
    let told = second.err.split_once("another hotfolders serves this spool: pid ").unwrap().1;
    assert!(told.contains(" since 20"), "{}", second.err);
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
