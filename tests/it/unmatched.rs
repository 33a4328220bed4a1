//! An order that no render job takes: it waits for a person, and nothing but `drop` ends it.

use crate::studio::{CONFIG, Studio, invoice};

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
