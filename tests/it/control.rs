//! Every command of an operator, with a server that is killed right after its answer and without one: what was asked for
//! holds after the next start.

use super::studio::{CONFIG, Studio, session};

fn result_of(studio: &Studio, record: &str) -> Vec<String> {
    let receipts = ["done", "failed"].into_iter().flat_map(|state| studio.jobs(state)).map(|job| studio.receipt(&job));
    let mut results: Vec<(String, String)> = receipts
        .filter(|receipt| receipt["record"] == record)
        .map(|r| (r["accepted"].as_str().unwrap().to_string(), r["result"].as_str().unwrap().to_string()))
        .collect();
    results.sort();
    results.into_iter().map(|(_, result)| result).collect()
}

fn every_command_outlives_the_server(served: bool) {
    let mut studio = Studio::new();
    let asking = CONFIG.replacen("  web:\n", "  web:\n    repeat: ask\n", 1).replace("{session}", "{record}");
    studio.write("hotfolders.yaml", asking.as_bytes());
    studio.serve();
    studio.drop_file("status", "a.json", &session("A", &[1]));
    studio.drop_file("status", "f.json", &session("F", &[1, 9]));
    studio.wait_jobs("done", 1);
    studio.wait_jobs("failed", 1);
    studio.drop_file("status", "a2.json", &session("A", &[1, 2]));
    studio.wait_jobs("held", 1);
    studio.stop();
    // Each command finds a server, or none, and what it did is looked at when there is none any more.
    let command = |studio: &mut Studio, args: &[&str]| {
        if served {
            studio.serve();
            studio.wait("the server", || studio.is_served().then_some(()));
        }
        studio.run(args).expect(0);
        studio.kill();
    };
    command(&mut studio, &["pause"]);
    studio.serve();
    for record in ["P", "C"] {
        studio.drop_file("status", &format!("{record}.json"), &session(record, &[1]));
    }
    studio.wait_jobs("pending", 2);
    studio.wait("an empty drop folder", || super::studio::files(&studio.path("drop")).is_empty().then_some(()));
    studio.kill();
    let counts = |studio: &Studio| (studio.jobs("pending").len(), studio.jobs("held").len());

    command(&mut studio, &["jobs", "hold", "P"]);
    assert_eq!(counts(&studio), (1, 2), "held");
    command(&mut studio, &["jobs", "release", "P"]);
    assert_eq!(counts(&studio), (2, 1), "released");
    command(&mut studio, &["jobs", "cancel", "C"]);
    command(&mut studio, &["jobs", "reprint", "A"]);
    assert_eq!(counts(&studio), (3, 1), "a reprint is a job of its own");
    command(&mut studio, &["jobs", "answer", "A", "--all"]);
    assert_eq!(counts(&studio), (4, 0), "answered");
    studio.picture("sessions/S1/Hi-Res/S1009.jpg", 90, 60);
    command(&mut studio, &["jobs", "retry", "F"]);
    assert_eq!(counts(&studio), (5, 0), "tried again");
    assert_eq!(studio.run(&["status", "--json"]).expect(0).json()["paused"], true);
    command(&mut studio, &["resume"]);

    studio.serve();
    studio.wait_jobs("done", 6);
    studio.stop();
    assert_eq!(result_of(&studio, "A"), ["done"; 3]);
    assert_eq!(result_of(&studio, "P"), ["done"]);
    assert_eq!(result_of(&studio, "C"), ["cancelled"]);
    assert_eq!(result_of(&studio, "F"), ["done"]);
    studio.audit();
}

#[test]
fn every_command_to_a_server_outlives_it() {
    every_command_outlives_the_server(true);
}

#[test]
fn every_command_without_a_server_holds_for_the_next_one() {
    every_command_outlives_the_server(false);
}

#[test]
fn a_time_that_passed_while_no_server_ran_is_made_up_for_at_the_start() {
    let mut studio = Studio::new();
    studio.serve();
    studio.wait("the server", || studio.is_served().then_some(()));
    // However slow this machine is: nothing starts before the server is gone.
    studio.run(&["pause"]).expect(0);
    let at = hotfolders::clock::now() + jiff::SignedDuration::from_secs(1);
    let later = session("S1", &[1]).replacen('{', &format!("{{\"not_before\":\"{at}\","), 1);
    studio.drop_file("status", "a.json", &later);
    studio.wait_jobs("pending", 1);
    studio.wait("an empty drop folder", || super::studio::files(&studio.path("drop")).is_empty().then_some(()));
    studio.stop();
    studio.run(&["resume"]).expect(0);
    studio.wait("the time to pass", || (hotfolders::clock::now() > at).then_some(()));
    studio.serve();
    studio.wait_jobs("done", 1);
    studio.stop();
    studio.audit();
}
