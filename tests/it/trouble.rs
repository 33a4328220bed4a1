//! A drop that cannot be taken: the others go on, it is shown, and it comes to an end.

use super::hook::Hook;
use super::studio::{CONFIG, Studio, jpeg};

fn order(record: &str, file: &str) -> String {
    serde_json::json!({ "manifest": 1, "kind": "production_order", "record": record, "status": "zip",
        "lines": [ { "line": 1, "image": file } ] })
    .to_string()
}

fn drop_order(studio: &Studio, folder: &str, record: &str) {
    studio.write(&format!("drop/exports/{folder}/a.jpg"), &jpeg(60, 40));
    studio.open_to_all(&format!("drop/exports/{folder}"));
    studio.write(&format!("drop/exports/{folder}/o.json"), order(record, "a.jpg").as_bytes());
}

fn problems(studio: &Studio) -> Vec<String> {
    let status = studio.run(&["status", "--json"]).json();
    let folders = status["hot_folders"].as_array().cloned().unwrap_or_default();
    let problems = folders.iter().flat_map(|folder| folder["problems"].as_array().unwrap().clone());
    problems.map(|problem| problem.as_str().unwrap().to_string()).collect()
}

#[test]
fn a_picture_that_may_not_be_read_stops_no_other_order_and_its_own_fails_with_the_reason() {
    let hook = Hook::start();
    let config = CONFIG.replace("complete_within: 500ms, receipts", "complete_within: 8s, receipts");
    assert_ne!(config, CONFIG);
    let mut studio = Studio::bare(&(config + &format!("alerts: {{ webhook: \"{}\", disk_low: 1kB }}\n", hook.url())));
    drop_order(&studio, "bad", "BAD");
    studio.forbid("drop/exports/bad/a.jpg", true);
    studio.serve_as_an_ordinary_user(&[("HOTFOLDERS_ALERT_MS", "60")]);
    studio.wait("the reason", || {
        let shown = "`bad/o.json` waits: `a.jpg` cannot be read: Permission denied";
        problems(&studio).iter().any(|problem| problem.starts_with(shown)).then_some(())
    });
    let told = studio.run(&["status"]).expect(0).out;
    assert!(told.contains("problem: `bad/o.json` waits: `a.jpg` cannot be read"), "{told}");
    for number in 1..=3 {
        drop_order(&studio, &format!("good{number}"), &format!("GOOD{number}"));
        studio.wait_jobs("done", number);
    }
    let failed = studio.wait_jobs("failed", 1);
    studio.wait("the alerts", || (hook.told().len() >= 3).then_some(()));
    let mut told = hook.told();
    assert_eq!(told.remove(0), "began drop");
    told.sort();
    assert_eq!(told, ["began job_failed", "over drop"]);
    let why = std::fs::read_to_string(failed[0].join("reason.txt")).unwrap();
    assert!(
        why.contains("a.jpg is missing (it lies at ") && why.contains("cannot be read: Permission denied"),
        "{why}"
    );
    assert!(studio.path("drop/exports/bad/a.jpg").is_file() && !studio.path("drop/exports/bad/o.json").exists());
    assert_eq!(problems(&studio), [""; 0]);
    studio.stop();
    studio.audit();
}

#[test]
fn a_manifest_that_may_not_be_read_waits_by_itself_until_it_may() {
    let mut studio = Studio::bare(CONFIG);
    drop_order(&studio, "bad", "BAD");
    studio.forbid("drop/exports/bad/o.json", true);
    studio.serve_as_an_ordinary_user(&[]);
    studio.wait("the reason", || {
        problems(&studio).iter().any(|problem| problem.contains("`bad/o.json` cannot be read: ")).then_some(())
    });
    drop_order(&studio, "good", "GOOD");
    studio.wait_jobs("done", 1);
    studio.forbid("drop/exports/bad/o.json", false);
    studio.wait_jobs("done", 2);
    studio.wait("the end of it", || problems(&studio).is_empty().then_some(()));
    studio.stop();
    studio.audit();
}

#[test]
fn pictures_without_a_manifest_that_may_not_be_read_are_made_once_they_may() {
    let config = CONFIG
        .replacen(
            "hot_folders:\n",
            "hot_folders:\n  quick: { folder: drop/quick, images: alone, settle: 200ms, scan: 100ms, run: [quick] }\n",
            1,
        )
        .replacen(
            "profiles:\n",
            "profiles:\n  quick: { size: 32px, name: \"{stem}\", deliver: [ { to: folder, path: \"quick/{record}\" } ] }\n",
            1,
        );
    let mut studio = Studio::bare(&config);
    for name in ["set/a.jpg", "set/b.jpg", "alone.jpg", "good.jpg"] {
        studio.write(&format!("drop/quick/{name}"), &jpeg(60, 40));
    }
    studio.forbid("drop/quick/set/b.jpg", true);
    studio.forbid("drop/quick/alone.jpg", true);
    studio.serve_as_an_ordinary_user(&[]);
    studio.wait_jobs("done", 1);
    studio.wait("the reasons", || {
        let problems = problems(&studio);
        let shown = ["`alone.jpg` waits: `alone.jpg` cannot be read", "`set` waits: `set/b.jpg` cannot be read"];
        (problems.len() == 2 && shown.iter().all(|shown| problems.iter().any(|p| p.starts_with(shown)))).then_some(())
    });
    studio.forbid("drop/quick/set/b.jpg", false);
    studio.forbid("drop/quick/alone.jpg", false);
    studio.wait_jobs("done", 3);
    assert!(studio.path("quick/set/b.jpg").is_file() && studio.path("quick/alone/alone.jpg").is_file());
    studio.stop();
    studio.audit();
}

#[test]
fn a_font_that_is_too_large_fails_the_jobs_that_need_it_and_no_other() {
    let config = CONFIG.replace(
        "name: \"{stem}\"\n",
        "name: \"{stem}\"\n    overlays: [ { text: \"{record}\", font: big.ttf, height: 5% } ]\n",
    );
    assert_ne!(config, CONFIG);
    let mut studio = Studio::new();
    studio.write("hotfolders.yaml", config.as_bytes());
    let font = std::fs::File::create(studio.path("big.ttf")).unwrap();
    font.set_len(64 * 1024 * 1024 + 1).unwrap();
    let checked = studio.run(&["check"]).expect(1).out;
    assert!(checked.contains("it is too large: a font, artwork or ICC file has at most 64 MiB"), "{checked}");
    studio.serve();
    drop_order(&studio, "o", "7");
    let failed = studio.wait_jobs("failed", 1);
    let receipt = studio.receipt(&failed[0]);
    assert_eq!(receipt["errors"][0]["code"], "missing_asset", "{receipt:#}");
    assert!(receipt["errors"][0]["text"].as_str().unwrap().contains("big.ttf: it is too large"), "{receipt:#}");
    // One of 20 MB, and what it is does not matter to the intake: the job says that it is no font.
    font.set_len(20_000_000).unwrap();
    drop_order(&studio, "p", "8");
    studio.wait_jobs("failed", 2);
    assert_eq!(problems(&studio), [""; 0]);
    studio.stop();
    studio.audit();
}
