//! When jobs may start: hours of operation, a start that waits for a person, locations.

use super::studio::{CONFIG, Studio, files, session};

fn with_server(keys: &str) -> String {
    assert!(!CONFIG.contains("\nserver:") && CONFIG.contains(ZONE));
    format!("{CONFIG}\nserver: {{ {keys} }}\n")
}

/// Of the studio in the config.
const ZONE: &str = "America/Chicago";

/// A part of the day that begins so many hours from now and lasts two.
fn hours(from_now: i8) -> String {
    let now = hotfolders::clock::now().to_zoned(hotfolders::clock::time_zone(Some(ZONE))).hour();
    let at = |shift: i8| (now + shift).rem_euclid(24);
    format!("hours: \"{:02}:00-{:02}:00\"", at(from_now), at(from_now + 2))
}

#[test]
fn outside_of_its_hours_a_server_takes_jobs_and_starts_none() {
    let mut studio = Studio::new();
    studio.write("hotfolders.yaml", with_server(&hours(3)).as_bytes());
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1]));
    studio.wait_jobs("pending", 1);
    let status = studio.run(&["status"]).expect(0).out;
    assert!(status.contains("outside of the hours of operation"), "{status}");
    studio.stop();
    studio.write("hotfolders.yaml", with_server(&hours(-1)).as_bytes());
    studio.serve();
    studio.wait_jobs("done", 1);
    studio.stop();
    studio.audit();
}

#[test]
fn a_server_that_does_not_start_by_itself_waits_for_resume() {
    let mut studio = Studio::new();
    studio.write("hotfolders.yaml", with_server("auto_start: false").as_bytes());
    studio.serve();
    studio.drop_file("status", "a.json", &session("S1", &[1]));
    studio.wait_jobs("pending", 1);
    assert!(studio.run(&["status"]).expect(0).out.contains("paused"));
    studio.run(&["resume"]).expect(0);
    studio.wait_jobs("done", 1);
    studio.stop();
    studio.audit();
}

#[test]
fn a_manifest_of_another_location_stays_where_it_lies() {
    let mut studio = Studio::new();
    studio.write("hotfolders.yaml", with_server("locations: [Main Street]").as_bytes());
    studio.serve();
    let at = |record: &str, location: &str| {
        session(record, &[1]).replacen('{', &format!("{{\"location\":\"{location}\","), 1)
    };
    studio.drop_file("status", "far.json", &at("S2", "Harbour"));
    studio.drop_file("status", "near.json", &at("S1", "main street"));
    studio.wait_jobs("done", 1);
    studio.wait("the reason", || {
        studio.run(&["status"]).expect(0).out.contains("not among `server.locations`").then_some(())
    });
    studio.stop();
    assert_eq!(studio.receipt(&studio.jobs("done")[0])["record"], "S1");
    assert!(files(&studio.path("drop")).iter().any(|file| file.ends_with("far.json")));
}
