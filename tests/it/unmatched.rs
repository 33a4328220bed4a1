//! An order that no render job takes: it waits for a person, and nothing but `drop` ends it.

use crate::dashboard_pages::page_of;
use crate::http::{free_address, get, send};
use crate::studio::{CONFIG, Studio, invoice};
use crate::web::wait_open;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// `status` holds what nobody takes; sixty copies are asked about.
fn config() -> String {
    CONFIG
        .replace("{ folder: drop/status, images: library,", "{ folder: drop/status, images: library, unmatched: hold,")
        .replace("checks: { low_ppi: [] }", "checks: { low_ppi: [], copies_over: { over: 50, then: hold } }")
}

fn odd(record: &str) -> String {
    invoice(record, &[1]).replace("\"printing\"", "\"Unknown Status\"")
}

/// The only held job, once it rests, by what it asks.
fn held(studio: &Studio, code: &str) -> std::path::PathBuf {
    studio.wait(&format!("a job that asks {code}"), || {
        let job = studio.jobs("held").into_iter().next()?;
        let asked = std::fs::read(job.join("questions.json")).ok()?;
        let asked: serde_json::Value = serde_json::from_slice(&asked).ok()?;
        (asked[0]["code"] == code).then_some(job)
    })
}

/// So many edits of the config have been taken.
fn in_force(studio: &Studio, edits: usize) {
    studio.wait("the edited config", || {
        let logs = studio.bytes_below("logs").into_values();
        let said = logs.map(|log| String::from_utf8_lossy(&log).matches("the edited config is in force").count());
        (said.sum::<usize>() == edits).then_some(())
    });
}

#[test]
fn no_release_ends_an_order_that_nothing_takes_and_a_mended_config_makes_it() {
    let mut studio = Studio::new();
    studio.write("hotfolders.yaml", config().as_bytes());
    studio.serve();
    studio.drop_file("status", "a.json", &odd("R1").replace("\"quantity\":1", "\"quantity\":60"));
    held(&studio, "unmatched");
    for release in [&["jobs", "release", "R1"][..], &["jobs", "answer", "R1", "--try-again"]] {
        let said = studio.run(release).expect(0).out;
        assert!(said.contains("stays held where nothing takes it") && !said.contains("goes on"), "{said}");
        held(&studio, "unmatched");
        assert_eq!(studio.jobs("done").len(), 0);
    }
    // Not even where the hot folder has come to ignore what nobody takes.
    studio.write("hotfolders.yaml", config().replace("unmatched: hold", "unmatched: ignore").as_bytes());
    in_force(&studio, 1);
    for _ in 0..2 {
        studio.run(&["jobs", "release", "R1"]).expect(0);
        held(&studio, "unmatched");
    }
    assert!(studio.run(&["jobs", "show", "R1"]).expect(0).out.contains("--try-again | --drop"));
    assert_eq!(studio.jobs("done").len(), 0);

    // Whoever tries again has seen nothing of what the checks ask.
    studio.write(
        "hotfolders.yaml",
        config().replace("status: \"print*\"", "status: [\"print*\", \"Unknown*\"]").as_bytes(),
    );
    in_force(&studio, 2);
    studio.run(&["jobs", "release", "R1"]).expect(0);
    held(&studio, "copies_over");
    studio.run(&["jobs", "release", "R1"]).expect(0);
    let job = studio.wait_jobs("done", 1).remove(0);
    assert_eq!(studio.receipt(&job)["result"], "done");
    studio.audit();
}

#[test]
fn a_button_says_what_becomes_of_the_order_and_only_drop_ends_it() {
    let address = free_address();
    let mut studio = Studio::bare(&format!("{}\nserver: {{ listen: \"{address}\" }}\n", config()));
    studio.serve();
    wait_open(&studio, address);
    studio.drop_file("status", "a.json", &odd("R1"));
    studio.drop_file("status", "b.json", &odd("R2"));
    studio.wait_jobs("held", 2);
    let post = |path: &str, form: &str| {
        send(address, "POST", path, &[FORM, ("sec-fetch-site", "same-origin")], form.as_bytes()).status
    };
    let queue = get(address, "/").text();
    assert!(!queue.contains("Go on as it is") && queue.contains("2 jobs ask the same"), "{queue}");
    assert!(queue.contains("Try the config again (all 2)") && queue.contains("Drop it: no rule wants it"), "{queue}");
    let jobs = studio.jobs("held");
    let (first, second) = (page_of(&jobs[0]), page_of(&jobs[1]));
    let page = get(address, &first).text();
    assert!(!page.contains("/release") && page.contains("Try the config again"), "{page}");

    // Programs that release as before end nothing either; nor does a question that an earlier version wrote.
    let mut asked = studio.json(&jobs[0].join("questions.json"));
    asked[0].as_object_mut().unwrap().remove("answers");
    std::fs::write(jobs[0].join("questions.json"), asked.to_string()).unwrap();
    assert_eq!(post(&format!("/api{first}/release"), ""), 200);
    studio.wait_jobs("held", 2);
    assert!(get(address, &first).text().contains("Drop it: no rule wants it"));

    // Both at once, by the button of the card.
    let also = second.trim_start_matches("/jobs/");
    let drop = format!("answer=drop&key=unmatched&also={also}");
    for _ in 0..2 {
        let headers = [FORM, ("sec-fetch-site", "same-origin")];
        let dropped = send(address, "POST", &format!("{first}/answer"), &headers, drop.as_bytes());
        for job in studio.wait_jobs("done", 2) {
            assert_eq!(studio.receipt(&job)["result"], "ignored");
        }
        // By mistake: one button leads back, and they ask again.
        let note = get(address, dropped.header("location").unwrap()).text();
        assert!(note.contains(&format!("action=\"{first}/retry\"")) && note.contains(also), "{note}");
        assert_eq!(post(&format!("{first}/retry"), &format!("also={also}")), 303);
        studio.wait_jobs("held", 2);
    }
    studio.run(&["jobs", "answer", "R1", "--drop"]).expect(0);
    studio.wait_jobs("done", 1);
    studio.audit();
}
