//! One server for each spool, also when somebody removes its lock by hand.

use std::process::Stdio;

use super::studio::{Studio, session};

#[test]
fn a_server_whose_lock_was_removed_stops_before_the_next_one_begins() {
    let mut studio = Studio::new();
    let mut first = studio.command(&["serve"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    studio.wait("the server", || studio.is_served().then_some(()));
    studio.drop_file("status", "a.json", &session("A", &[1]));
    studio.wait_jobs("done", 1);

    std::fs::remove_file(studio.path("spool/LOCK")).unwrap();
    studio.serve();
    for number in 0..10 {
        studio.drop_file("status", &format!("{number}.json"), &session(&format!("L{number}"), &[1]));
    }
    let done = studio.wait_jobs("done", 11);
    assert_eq!(done.len(), 11, "each is made once");
    assert!(!studio.server_is_gone(), "the second goes on");
    assert_eq!(first.wait().unwrap().code(), Some(1));
    let mut told = String::new();
    std::io::Read::read_to_string(&mut first.stderr.take().unwrap(), &mut told).unwrap();
    assert!(told.contains("the LOCK of the spool was removed or replaced by hand"), "{told}");
    assert_eq!(studio.stop(), Some(0));
    assert_eq!(studio.wait_jobs("done", 11).len(), 11);
    studio.audit();
}
