//! A config that is wrong when something starts: the last good one is in force, and everybody is shown that.

use super::http::{Answer, free_address, send};
use super::studio::{CONFIG, Studio, files, invoice, session};
use super::web::wait_open;

/// Looks of the alerts follow each other quickly.
const QUICK: [(&str, &str); 1] = [("HOTFOLDERS_ALERT_MS", "60")];

fn named(name: &str) -> String {
    CONFIG.replace("Larson Portraits", name)
}

/// Every second edit is still YAML, the others are cut off in the middle, as by an editor that is just saving.
fn broken(text: &str, number: usize) -> String {
    if number.is_multiple_of(2) {
        format!("{text}\nnonsense: true\n")
    } else {
        text[..text.len() / 2].to_string() + "\n  - ["
    }
}

/// The newest text that is kept, once there is one.
fn in_force(studio: &Studio) -> Option<String> {
    let kept = std::fs::read_to_string(studio.path("spool/config/index.jsonl")).ok()?;
    let last: serde_json::Value = serde_json::from_str(kept.lines().last().unwrap()).unwrap();
    let text = studio.path(&format!("spool/config/{:03}.yaml", last["number"].as_u64().unwrap()));
    std::fs::read_to_string(text).ok()
}

fn serve(studio: &mut Studio) {
    studio.serve_with(&QUICK);
    studio.wait("the server", || studio.is_served().then_some(()));
}

#[test]
fn a_wrong_edit_and_a_power_cut_do_not_cost_the_night() {
    let mut studio = Studio::new();
    for number in 0..4 {
        let text = named(&format!("Number {number}"));
        studio.write("hotfolders.yaml", text.as_bytes());
        serve(&mut studio);
        studio.wait("the config", || (in_force(&studio).as_ref() == Some(&text)).then_some(()));
        studio.kill();
        studio.write("hotfolders.yaml", broken(&text, number).as_bytes());
        for start in 0..2 {
            serve(&mut studio);
            studio.drop_file("status", "a.json", &session(&format!("N{number}-{start}"), &[1]));
            studio.wait_jobs("done", number * 2 + start + 1);
            studio.kill();
        }
        assert_eq!(in_force(&studio), Some(text));
    }
    // No file at all: somebody moved it away, or an editor is between its two steps.
    std::fs::remove_file(studio.path("hotfolders.yaml")).unwrap();
    serve(&mut studio);
    studio.drop_file("status", "a.json", &session("N9", &[1]));
    studio.wait_jobs("done", 9);
    studio.write("hotfolders.yaml", named("mended").as_bytes());
    studio.wait("the mended one", || (in_force(&studio) == Some(named("mended"))).then_some(()));
    let said = studio.run(&["status"]).expect(0).out;
    assert!(!said.contains("wrong:"), "{said}");
    studio.stop();
    studio.audit();
}

#[test]
fn commands_work_with_a_half_saved_config_and_status_says_first_what_is_wrong() {
    let mut studio = Studio::new();
    let holds = CONFIG.replace("run: [prints] }", "run: [prints], hold: true }");
    studio.write("hotfolders.yaml", holds.as_bytes());
    serve(&mut studio);
    for record in ["9", "10", "11"] {
        studio.drop_file("status", &format!("{record}.json"), &invoice(record, &[1]));
    }
    studio.wait_jobs("held", 3);
    for served in [true, false] {
        if !served {
            studio.stop();
        }
        studio.write("hotfolders.yaml", holds.replacen("size: 64px", "size: 64", 1).as_bytes());
        let out = |args: &[&str]| {
            let ran = studio.run(args).expect(0);
            assert!(args[0] == "status" || ran.err.contains("The last good config is used"), "{args:?}: {}", ran.err);
            ran.out
        };
        let said = out(&["status"]);
        assert!(said.starts_with("wrong: ") && said.lines().next().unwrap().contains("hotfolders.yaml:"), "{said}");
        assert!(said.contains("held"), "{said}");
        out(&["jobs", "list"]);
        out(&["jobs", "show", "9"]);
        out(&["pause"]);
        out(&["printers", "list"]);
        out(&["links", "list"]);
        let record = if served { "9" } else { "10" };
        out(&["jobs", "cancel", record]);
        assert!(out(&["status"]).contains("paused"));
        out(&["resume"]);
        assert!(out(&["erase", "--record", "11", "--dry-run"]).contains("would be erased"));
        // These read the file, whatever was in force.
        studio.write("m.json", invoice("12", &[1]).as_bytes());
        studio.run(&["check"]).expect(2);
        studio.run(&["plan", "m.json"]).expect(2);
        studio.run(&["submit", "m.json"]).expect(2);
        studio.run(&["render", "--profile", "web", "--out", "out", "sessions/S1/Hi-Res/S1001.jpg"]).expect(2);
    }
}

#[test]
fn a_config_that_was_never_in_force_here_and_a_damaged_copy_end_with_both_reasons() {
    let mut studio = Studio::new();
    let wrong = broken(CONFIG, 0);
    studio.write("hotfolders.yaml", wrong.as_bytes());
    let told = studio.run(&["serve"]).expect(2).err;
    assert!(
        told.contains("unknown key `nonsense`") && told.contains("no server has run with this config file yet"),
        "{told}"
    );
    studio.write("hotfolders.yaml", CONFIG.as_bytes());
    serve(&mut studio);
    studio.stop();
    // The config is moved to a folder of its own, and what lay beside it with it.
    studio.write("moved/hotfolders.yaml", wrong.as_bytes());
    std::fs::copy(studio.path(".hotfolders-spool"), studio.path("moved/.hotfolders-spool")).unwrap();
    let told = studio.run(&["--config", "moved/hotfolders.yaml", "serve"]).expect(2).err;
    assert!(
        told.contains("unknown key `nonsense`") && told.contains("no config of this path was ever in force"),
        "{told}"
    );
    assert_eq!(files(&studio.path("moved")), [".hotfolders-spool", "hotfolders.yaml"]);

    studio.write("hotfolders.yaml", wrong.as_bytes());
    studio.write("spool/config/001.yaml", b"version: 1\n");
    for args in [["serve"], ["status"], ["pause"]] {
        let told = studio.run(&args).expect(2).err;
        assert!(
            told.contains("unknown key `nonsense`") && told.contains("001.yaml is not the text that was in force"),
            "{told}"
        );
    }
}

#[test]
fn pages_and_alerts_say_that_the_last_good_config_is_in_force_and_who_may_log_in_by_it() {
    let address = free_address();
    let hash = hotfolders::web::dashboard::hash(b"an even longer secret").unwrap();
    let user = |name: &str| format!("    {name}: {{ password: \"{hash}\", role: operator }}\n");
    let config = |users: &str, more: &str| {
        format!(
            "{CONFIG}server:\n  listen: \"{address}\"\n  users:\n{users}alerts: {{ webhook: \"http://127.0.0.1:9/\" }}\n{more}"
        )
    };
    let mut studio = Studio::bare(&config(&(user("anna") + &user("ben")), ""));
    serve(&mut studio);
    wait_open(&studio, address);
    studio.kill();
    studio.write("hotfolders.yaml", config(&user("anna"), "nonsense: true\n").as_bytes());
    serve(&mut studio);
    wait_open(&studio, address);
    let body = b"user=ben&password=an+even+longer+secret";
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let cookie = send(address, "POST", "/login", &headers, body).cookie().expect("ben may log in");
    let get = |path: &str| -> Answer { send(address, "GET", path, &[("cookie", cookie.as_str())], b"") };
    studio.wait("the banner on each page", || {
        let has_it = |path: &&str| {
            get(path).text().contains("hotfolders.yaml is wrong: the server has started with the last good one")
        };
        ["/", "/history", "/places", "/profiles", "/drop"].iter().all(has_it).then_some(())
    });
    let profiles = get("/profiles").text();
    assert!(
        profiles.contains("unknown key") && profiles.contains("ben may log in to the dashboard as before"),
        "{profiles}"
    );
    let alert = studio.wait("the alert", || {
        let status = studio.run(&["status", "--json"]).expect(0).json();
        let open = status["alerts"]["open"].as_array()?.iter().find(|open| open["kind"] == "config")?;
        open["title"].as_str().map(str::to_string)
    });
    assert!(alert.contains("is wrong; hotfolders has started with the last good one"), "{alert}");
    // Who is left out of the mended file is out.
    studio.write("hotfolders.yaml", config(&user("anna"), "").as_bytes());
    studio.wait("the mended one", || (get("/").status != 200).then_some(()));
    studio.stop();
}

#[test]
#[ignore = "it mounts: scripts/torture mounts"]
fn a_full_spool_disk_keeps_nobody_from_asking_pausing_and_cancelling() {
    let holds = CONFIG.replace("run: [prints] }", "run: [prints], hold: true }");
    for size in ["size=300k", "size=4m"] {
        let mut studio = Studio::new();
        studio.write("hotfolders.yaml", holds.as_bytes());
        std::fs::create_dir_all(studio.path("spool")).unwrap();
        super::places::mount(&studio.path("spool"), size);
        serve(&mut studio);
        studio.drop_file("status", "h.json", &invoice("9", &[1]));
        studio.drop_file("status", "i.json", &invoice("10", &[1]));
        studio.wait_jobs("held", 2);
        studio.wait("the kept config", || studio.path("spool/config/index.jsonl").exists().then_some(()));
        fill(&studio);
        studio.drop_file("status", "a.json", &session("NEW", &[1]));
        // An edit comes into force all the same, and is kept when there is room.
        let edited = holds.replace("Larson Portraits", "Edited");
        studio.write("hotfolders.yaml", edited.as_bytes());
        for served in [true, false] {
            if !served {
                studio.kill();
                fill(&studio);
            }
            let said = studio.run(&["status"]).expect(0).out;
            assert!(said.starts_with("wrong: the disk of the spool"), "{said}");
            studio.run(&["status", "--json"]).expect(0).json();
            studio.run(&["jobs", "cancel", if served { "9" } else { "10" }]).expect(0);
            studio.run(&["pause"]).expect(0);
            assert!(studio.run(&["status"]).expect(0).out.contains("paused"));
            studio.run(&["resume"]).expect(0);
        }
        std::fs::remove_file(studio.path("spool/filler")).unwrap();
        serve(&mut studio);
        studio.wait_jobs("done", 3);
        studio.wait("the edited config", || (in_force(&studio).as_ref() == Some(&edited)).then_some(()));
        studio.wait("the reserve", || (studio.path("spool/reserve").metadata().ok()?.len() > 0).then_some(()));
        studio.stop();
        studio.audit();
        super::places::unmount(&studio.path("spool"));
    }
}

/// Not one byte is left on the spool's disk.
fn fill(studio: &Studio) {
    use std::io::Write;
    let mut filler = std::fs::OpenOptions::new().create(true).append(true).open(studio.path("spool/filler")).unwrap();
    while filler.write_all(&[b'y'; 512]).is_ok() {}
}
