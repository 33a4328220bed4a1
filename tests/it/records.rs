//! What a record's number stands for on the command line.

use super::studio::{Studio, invoice, session};

#[test]
fn a_number_of_two_records_is_refused_until_its_kind_is_named() {
    let mut studio = Studio::new();
    studio.serve();
    studio.wait("the server", || studio.is_served().then_some(()));
    studio.run(&["pause"]).expect(0);
    studio.drop_file("status", "i.json", &invoice("1042", &[1]));
    studio.drop_file("status", "s.json", &session("1042", &[1]));
    studio.wait_jobs("pending", 2);
    for command in ["cancel", "hold", "release", "retry", "show"] {
        let said = studio.run(&["jobs", command, "1042"]).expect(1).err;
        assert!(said.contains("`session-1042`, `invoice-1042`"), "{command}: {said}");
    }
    assert!(studio.run(&["erase", "--record", "1042"]).expect(1).err.contains("nothing was erased"));
    assert_eq!(studio.jobs("pending").len(), 2);
    studio.run(&["jobs", "cancel", "session-1042"]).expect(0);
    studio.run(&["resume"]).expect(0);
    let result = |kind: &str| {
        let receipts: Vec<_> = studio.jobs("done").iter().map(|job| studio.receipt(job)).collect();
        receipts.iter().find(|receipt| receipt["kind"] == kind).unwrap()["result"].clone()
    };
    studio.wait_jobs("done", 2);
    assert_eq!((result("session"), result("invoice")), ("cancelled".into(), "done".into()));
    let listed = studio.run(&["jobs", "list", "--record", "invoice-1042", "--json"]).expect(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    // What is kept of one of them goes, and the other stays.
    studio.run(&["erase", "--record", "session-1042"]).expect(0);
    let left = studio.run(&["jobs", "show", "1042", "--json"]).expect(0).json();
    assert_eq!(left["receipt"]["kind"], "invoice");
    let again = studio.run(&["erase", "--record", "session-1042"]).expect(1).err;
    assert!(again.contains("it was erased at"), "{again}");
    assert_eq!(studio.stop(), Some(0));
}

#[test]
fn a_record_that_was_sent_twice_shows_the_job_that_made_it() {
    let mut studio = Studio::new();
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("A1", &[1]));
    let first = studio.wait_jobs("done", 1);
    studio.drop_file("status", "a.json", &invoice("A1", &[1]));
    studio.wait_jobs("done", 2);
    let made = first[0].file_name().unwrap().to_str().unwrap();
    let shown = studio.run(&["jobs", "show", "a1", "--json"]).expect(0).json();
    assert_eq!(shown["job"], *made);
    assert_eq!(shown["others"][0]["result"], "duplicate");
    let shown = studio.run(&["jobs", "show", "a1"]).expect(0).out;
    assert!(shown.contains("see also") && shown.contains("(duplicate)"), "{shown}");
    let repeat = shown.lines().find(|line| line.contains("see also")).unwrap().split_whitespace().nth(2).unwrap();
    let of_repeat = studio.run(&["jobs", "show", repeat]).expect(0).out;
    assert!(of_repeat.contains(&format!("repeats   {made}")), "{of_repeat}");
    assert_eq!(studio.stop(), Some(0));
    studio.audit();
}
