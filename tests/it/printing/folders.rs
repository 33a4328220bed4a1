//! Folder printers and command printers.

use std::os::unix::fs::PermissionsExt as _;

use super::{printer, prints, states, studio};
use crate::studio::{Studio, files, invoice};

const DELIVER: &str = "    deliver: [ { to: print, printer: dnp } ]\n";

fn dnp(more: &str) -> Studio {
    let studio = studio(DELIVER, &format!("printers: {{ dnp: {{ folder: dnp, media: [8x10in], {more} }} }}\n"));
    std::fs::create_dir_all(studio.path("dnp")).unwrap();
    studio
}

/// The printer has 11x14in by now, whose long side goes through: 220 pixels across and 280 along, at 20 dpi.
fn lie_across(studio: &Studio) {
    let text = std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap();
    let other = text.replacen("media: [8x10in]", "media: { 8x10in: { across: 11in, on: 11x14in } }", 1);
    assert_ne!(other, text);
    studio.write("hotfolders.yaml", other.as_bytes());
}

fn pixels(file: &std::path::Path) -> (usize, usize) {
    let header = turbojpeg::read_header(&std::fs::read(file).unwrap()).unwrap();
    (header.width, header.height)
}

/// Without the job's id, which differs from run to run.
fn sheets(studio: &Studio, job: &std::path::Path) -> Vec<String> {
    let id = job.file_name().unwrap().to_string_lossy().into_owned();
    files(&studio.path("dnp")).into_iter().map(|name| name.replace(&id, "JOB")).collect()
}

#[test]
fn each_copy_is_a_file_and_the_receipt_knows_how_far_it_is() {
    let mut studio = dnp("");
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2]).replacen("\"quantity\":1", "\"quantity\":2", 1));
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(sheets(&studio, &done[0]), ["JOB_1_c01.jpg", "JOB_1_c02.jpg", "JOB_2_c01.jpg"]);
    let receipt = studio.receipt(&done[0]);
    assert_eq!(prints(&receipt)["p1"], ("dnp".to_string(), "accepted".to_string()));
    assert_eq!((receipt["prints"][0]["copies"].as_u64(), receipt["prints"].as_array().unwrap().len()), (Some(2), 2));
    let sheet = std::fs::read(studio.path("dnp").join(&files(&studio.path("dnp"))[0])).unwrap();
    let header = turbojpeg::read_header(&sheet).unwrap();
    assert_eq!((header.width, header.height), (200, 160), "8x10in at 20 dpi, as the picture lies");
    studio.audit();
}

#[test]
fn copies_in_the_name_are_one_file() {
    let mut studio = dnp("copies: name, sub_folder: \"{size}\"");
    std::fs::create_dir_all(studio.path("dnp/8x10in")).unwrap();
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1]).replacen("\"quantity\":1", "\"quantity\":12", 1));
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(sheets(&studio, &done[0]), ["8x10in/JOB_1_x12.jpg"]);
}

#[test]
fn no_more_files_lie_there_than_it_keeps_queued() {
    let mut studio = dnp("keep_queued: 2, stuck_after: 1s");
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2, 3]).replacen("\"quantity\":1", "\"quantity\":3", 1));
    studio.wait("the wait", || {
        let told = studio.run(&["status"]).expect(0).out;
        told.contains("2 files wait in its folder").then_some(())
    });
    assert_eq!(files(&studio.path("dnp")).len(), 2);
    studio.wait("the alarm", || {
        let known = printer(&studio, "dnp");
        (known["state"] == "stopped" && known["reasons"][0].as_str().unwrap().contains("nobody prints")).then_some(())
    });
    let mut taken = Vec::new();
    while taken.len() < 5 {
        let next = studio.wait("a sheet", || files(&studio.path("dnp")).into_iter().find(|n| !n.starts_with('.')));
        std::fs::remove_file(studio.path("dnp").join(&next)).unwrap();
        taken.push(next);
    }
    studio.wait_jobs("done", 1);
    studio.stop();
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), 5, "each once");
}

#[test]
fn a_folder_that_is_not_there_is_waited_for_and_never_made() {
    let mut studio = dnp("");
    std::fs::remove_dir(studio.path("dnp")).unwrap();
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1]));
    studio.wait("the reason", || {
        let status = studio.run(&["status", "--json"]).expect(0).json();
        let why = status["running"][0]["why"].as_str().unwrap_or_default().to_string();
        (why.contains("dnp: its folder")).then_some(())
    });
    assert_eq!(printer(&studio, "dnp")["state"], "unreachable");
    assert!(!studio.path("dnp").exists());
    std::fs::create_dir(studio.path("dnp")).unwrap();
    studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(files(&studio.path("dnp")).len(), 1);
}

#[test]
fn a_paused_printer_gets_nothing_also_after_a_restart_and_keeps_nobody_else() {
    let mut studio = dnp("");
    studio.run(&["printers", "pause", "dnp"]).expect(1);
    studio.serve();
    studio.wait("the server", || studio.is_served().then_some(()));
    studio.run(&["printers", "pause", "dnp"]).expect(0);
    studio.drop_file("status", "a.json", &invoice("9", &[1]));
    studio.wait("the reason", || {
        let status = studio.run(&["status"]).expect(0).out;
        status.contains("waits: dnp: paused").then_some(())
    });
    studio.stop();
    let env_jobs = [("HOTFOLDERS_NOTHING", "1")];
    studio.serve_with(&env_jobs);
    studio.drop_file("status", "b.json", &crate::studio::session("S1", &[1]));
    studio.wait_jobs("done", 1);
    assert_eq!(printer(&studio, "dnp")["state"], "paused");
    assert!(files(&studio.path("dnp")).is_empty());
    studio.run(&["printers", "resume", "dnp"]).expect(0);
    studio.wait_jobs("done", 2);
    studio.stop();
    assert_eq!(files(&studio.path("dnp")).len(), 1);
    studio.audit();
}

#[test]
fn the_same_order_again_prints_nothing_and_a_changed_one_asks() {
    let mut studio = dnp("");
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2]));
    studio.wait_jobs("done", 1);
    studio.drop_file("status", "b.json", &invoice("9", &[1, 2]).replacen('{', "{\"id\":\"again\",", 1));
    studio.wait_jobs("done", 2);
    assert_eq!(files(&studio.path("dnp")).len(), 2, "nothing is printed twice");
    studio.drop_file("status", "c.json", &invoice("9", &[1, 2]).replacen("\"quantity\":1", "\"quantity\":3", 1));
    let held = studio.wait_jobs("held", 1);
    let questions = studio.json(&held[0].join("questions.json"));
    assert!(questions[0]["text"].as_str().unwrap().contains("changed"), "{questions}");
    studio.run(&["jobs", "answer", "9", "--changed"]).expect(0);
    studio.wait_jobs("done", 3);
    studio.run(&["jobs", "reprint", "9", "--lines", "2"]).expect(0);
    studio.wait_jobs("done", 4);
    studio.stop();
    let all = files(&studio.path("dnp"));
    assert_eq!(all.len(), 2 + 3 + 1, "{all:?}");
    assert_eq!(all.iter().filter(|name| name.contains("_2-r1_c01")).count(), 1, "{all:?}");
    studio.audit();
}

#[test]
fn another_sheet_is_made_when_its_printer_asks_for_one_by_then() {
    let mut studio = dnp("");
    studio.serve();
    studio.wait("the server", || studio.is_served().then_some(()));
    studio.run(&["printers", "pause", "dnp"]).expect(0);
    studio.drop_file("status", "a.json", &invoice("9", &[1]));
    studio.wait("the reason", || studio.run(&["status"]).expect(0).out.contains("waits: dnp: paused").then_some(()));
    let config = String::from_utf8(std::fs::read(studio.path("hotfolders.yaml")).unwrap()).unwrap();
    studio.write("hotfolders.yaml", config.replace("media: [8x10in]", "media: { 8x10in: { across: 8in } }").as_bytes());
    studio.wait("the other sheet", || {
        let job = studio.jobs("processing").pop()?;
        files(&job.join("outputs")).iter().any(|name| name.ends_with("-2.jpg")).then_some(())
    });
    studio.run(&["printers", "resume", "dnp"]).expect(0);
    studio.wait_jobs("done", 1);
    studio.stop();
    let sheet = std::fs::read(studio.path("dnp").join(&files(&studio.path("dnp"))[0])).unwrap();
    let header = turbojpeg::read_header(&sheet).unwrap();
    assert_eq!((header.width, header.height), (160, 200), "turned for the feed");
}

#[test]
fn what_no_printer_takes_fails_with_a_reason_before_anything_is_printed() {
    let mut studio = dnp("");
    let text = invoice("9", &[1, 2]).replacen("\"item\":\"8X10\"", "\"size\":\"5x7in\"", 1);
    studio.write("order.json", text.as_bytes());
    let plan = studio.run(&["plan", "order.json"]).expect(0).out;
    assert!(plan.contains("`dnp` takes no 5x7in"), "{plan}");
    assert!(plan.contains("p2 r2 to dnp: 8x10in, 1 copy"), "{plan}");
    studio.serve();
    studio.drop_file("status", "a.json", &text);
    let failed = studio.wait_jobs("failed", 1);
    studio.stop();
    let reason = String::from_utf8(std::fs::read(failed[0].join("reason.txt")).unwrap()).unwrap();
    assert!(reason.contains("`dnp` takes no 5x7in"), "{reason}");
    assert!(files(&studio.path("dnp")).is_empty(), "no paper moves before the whole order is there");
    assert_eq!(states(&studio, &failed[0]), ["rendered"]);
}

fn program(script: &str) -> Studio {
    let studio = studio(
        DELIVER,
        "printers: { dnp: { command: [tools/lp, \"{file}\", \"{media}\", \"{copies}\"], media: [8x10in] } }\n",
    );
    studio.write("tools/lp", format!("#!/bin/sh\n{script}\n").as_bytes());
    std::fs::set_permissions(studio.path("tools/lp"), std::fs::Permissions::from_mode(0o755)).unwrap();
    studio
}

fn log(studio: &Studio) -> Vec<String> {
    std::fs::read_to_string(studio.path("log")).unwrap_or_default().lines().map(str::to_string).collect()
}

#[test]
fn a_program_prints_each_sheet_once_and_a_failure_is_tried_again() {
    let mut studio = program(
        r#"echo "$(basename "$1") $2 $3 $HOTFOLDERS_RECORD" >> log; [ -e mended ] || { echo "no ribbon" >&2; exit 4; }"#,
    );
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2]).replacen("\"quantity\":1", "\"quantity\":2", 1));
    studio.wait("the reason", || studio.run(&["status"]).expect(0).out.contains("no ribbon").then_some(()));
    studio.write("mended", b"");
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    let mut log = log(&studio);
    log.dedup();
    assert_eq!(log, ["9_01_8x10in.jpg 8x10in 2 9", "9_02_8x10in.jpg 8x10in 1 9"]);
    assert_eq!(states(&studio, &done[0]), ["accepted", "accepted"]);
    assert!(!done[0].join("prints").exists());
    studio.audit();
}

#[test]
fn what_a_printer_refused_goes_out_as_it_is_asked_for_by_then() {
    let mut studio = program(r#"cp "$1" came.jpg; [ -e mended ] || { echo "no such paper" >&2; exit 4; }"#);
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1]));
    studio.wait("the reason", || studio.run(&["status"]).expect(0).out.contains("no such paper").then_some(()));
    studio.stop();
    lie_across(&studio);
    studio.write("mended", b"");
    studio.serve();
    studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(pixels(&studio.path("came.jpg")), (220, 280));
    studio.audit();
}

#[test]
fn a_program_that_ran_when_the_server_died_is_asked_about_and_the_others_go_on() {
    let mut studio = program(r#"echo "$(basename "$1")" >> log; [ -e mended ] || sleep 60"#);
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2]));
    studio.wait("the start", || (!log(&studio).is_empty()).then_some(()));
    studio.kill();
    studio.write("mended", b"");
    studio.serve();
    let held = studio.wait_jobs("held", 1);
    assert_eq!(log(&studio), ["9_01_8x10in.jpg", "9_02_8x10in.jpg"], "the second goes on");
    let questions = studio.json(&held[0].join("questions.json"));
    assert_eq!((questions[0]["unit"].as_str(), questions[0]["printer"].as_str()), (Some("p1"), Some("dnp")));
    assert!(studio.run(&["jobs", "release", "9"]).expect(1).err.contains("says too little"));
    // What came later for the record waits for the answer.
    studio.drop_file("status", "b.json", &invoice("9", &[3]).replacen('{', "{\"action\":\"reprint\",", 1));
    studio.wait_jobs("pending", 1);
    studio.run(&["jobs", "answer", "9", "--print-again", "--unit", "p1"]).expect(0);
    studio.wait_jobs("done", 2);
    studio.stop();
    assert_eq!(log(&studio), ["9_01_8x10in.jpg", "9_02_8x10in.jpg", "9_01_8x10in.jpg", "9_01_8x10in-r1.jpg"]);
    studio.audit();
}

#[test]
fn a_sheet_that_was_on_its_way_to_a_printer_of_before_is_asked_about() {
    let mut studio = program(r#"echo "$(basename "$1")" >> log; sleep 60"#);
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1]));
    studio.wait("the start", || (!log(&studio).is_empty()).then_some(()));
    studio.kill();
    std::fs::create_dir_all(studio.path("dnp")).unwrap();
    let folder = self::studio(DELIVER, "printers: { dnp: { folder: dnp, media: [8x10in] } }\n");
    studio.write("hotfolders.yaml", &std::fs::read(folder.path("hotfolders.yaml")).unwrap());
    studio.serve();
    let held = studio.wait_jobs("held", 1);
    let questions = studio.json(&held[0].join("questions.json"));
    assert!(questions[0]["text"].as_str().unwrap().contains("is another one now"), "{questions}");
    assert!(files(&studio.path("dnp")).is_empty());
    studio.run(&["jobs", "answer", "9", "--printed"]).expect(0);
    studio.wait_jobs("done", 1);
    studio.stop();
    assert!(files(&studio.path("dnp")).is_empty());
    studio.audit();
}

#[test]
fn a_cancelled_job_sends_nothing_more_and_tells_what_was_sent() {
    let mut studio = dnp("keep_queued: 1");
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1, 2, 3]));
    studio.wait("the first", || (files(&studio.path("dnp")).len() == 1).then_some(()));
    studio.wait("the wait", || studio.run(&["status"]).expect(0).out.contains("keep_queued").then_some(()));
    studio.run(&["jobs", "cancel", "9"]).expect(0);
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(&studio, &done[0]), ["accepted", "rendered", "rendered"]);
    assert_eq!(files(&studio.path("dnp")).len(), 1);
    let told = studio.receipt(&done[0])["warnings"].to_string();
    assert!(told.contains("print p1 is with dnp: accepted"), "{told}");

    // Tried again, it sends what it had left out, and nothing twice.
    studio.run(&["jobs", "retry", "9"]).expect(0);
    studio.serve();
    let mut sheets = std::collections::BTreeSet::new();
    while sheets.len() < 3 {
        let name = studio.wait("a sheet", || files(&studio.path("dnp")).into_iter().next());
        assert!(sheets.insert(name.clone()), "{name} twice");
        std::fs::remove_file(studio.path("dnp").join(name)).unwrap();
    }
    let done = studio.wait_jobs("done", 1);
    studio.stop();
    assert_eq!(states(&studio, &done[0]), ["accepted"; 3]);
    assert!(files(&studio.path("dnp")).is_empty());
}

/// An order of three copies of one sheet, with room for one file; the first lies there, and the others wait.
fn three_copies(more: &str) -> Studio {
    let mut studio = dnp(&format!("keep_queued: 1{more}"));
    studio.serve();
    studio.drop_file("status", "a.json", &invoice("9", &[1]).replacen("\"quantity\":1", "\"quantity\":3", 1));
    studio.wait("the first", || (files(&studio.path("dnp")).len() == 1).then_some(()));
    studio.wait("the wait", || studio.run(&["status"]).expect(0).out.contains("keep_queued").then_some(()));
    studio
}

/// Takes what lies in the printer's folder, as its program does, until the job is done; what was taken, by name.
fn take_all(studio: &Studio) -> Vec<String> {
    let taken = std::cell::RefCell::new(Vec::new());
    studio.wait("the end of the job", || {
        for name in files(&studio.path("dnp")).into_iter().filter(|name| !name.starts_with('.')) {
            std::fs::remove_file(studio.path("dnp").join(&name)).unwrap();
            taken.borrow_mut().push(name);
        }
        (!studio.jobs("done").is_empty()).then_some(())
    });
    let mut taken = taken.into_inner();
    taken.extend(files(&studio.path("dnp")));
    taken.sort();
    taken.iter().map(|name| name[name.find('_').unwrap()..].to_string()).collect()
}

#[test]
fn a_cancel_leaves_out_the_copies_that_have_no_place_yet_and_a_retry_sends_them() {
    let mut studio = three_copies("");
    studio.run(&["jobs", "cancel", "9"]).expect(0);
    let done = studio.wait_jobs("done", 1);
    assert_eq!(states(&studio, &done[0]), ["sent"]);
    let told = studio.receipt(&done[0])["warnings"].to_string();
    assert!(told.contains("print p1 is with dnp in 1 of 3 copies; the others were not sent"), "{told}");
    assert_eq!(sheets(&studio, &done[0]), ["JOB_1_c01.jpg"], "and nothing aside");
    studio.run(&["jobs", "retry", "9"]).expect(0);
    studio.wait("the retry", || studio.jobs("done").is_empty().then_some(()));
    assert_eq!(take_all(&studio), ["_1_2_c01.jpg", "_1_2_c02.jpg", "_1_c01.jpg"]);
    let done = studio.wait_jobs("done", 1);
    assert_eq!(states(&studio, &done[0]), ["accepted"]);
    studio.stop();
}

#[test]
fn a_hold_leaves_the_copies_that_have_no_place_yet_for_the_release() {
    let mut studio = three_copies("");
    studio.run(&["jobs", "hold", "9"]).expect(0);
    studio.wait_jobs("held", 1);
    std::fs::remove_file(studio.path("dnp").join(&files(&studio.path("dnp"))[0])).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(files(&studio.path("dnp")).is_empty(), "nothing leaves while it is held");
    studio.run(&["jobs", "release", "9"]).expect(0);
    assert_eq!(take_all(&studio), ["_1_c02.jpg", "_1_c03.jpg"]);
    studio.stop();
}

#[test]
fn a_sheet_goes_on_in_the_way_in_which_it_began_when_its_printer_is_edited_in_between() {
    let mut studio = three_copies("");
    let text = std::fs::read_to_string(studio.path("hotfolders.yaml")).unwrap();
    let edited = text.replacen("keep_queued: 1", "keep_queued: 1, copies: name", 1);
    assert_ne!(edited, text);
    studio.write("hotfolders.yaml", edited.as_bytes());
    studio.wait("the edit", || {
        let logs = studio.bytes_below("logs").into_values().map(|log| String::from_utf8(log).unwrap());
        logs.collect::<String>().contains("the edited config is in force").then_some(())
    });
    assert_eq!(take_all(&studio), ["_1_c01.jpg", "_1_c02.jpg", "_1_c03.jpg"]);
    let done = studio.wait_jobs("done", 1);
    assert_eq!(states(&studio, &done[0]), ["accepted"]);
    studio.stop();
}

#[test]
fn a_job_that_is_tried_again_prints_the_sheet_that_its_printer_asks_for_by_then() {
    let mut studio = dnp("");
    studio.serve();
    studio.wait("the server", || studio.is_served().then_some(()));
    studio.run(&["printers", "pause", "dnp"]).expect(0);
    studio.drop_file("status", "a.json", &invoice("9", &[1]));
    studio.wait("the sheet", || studio.run(&["status"]).expect(0).out.contains("paused").then_some(()));
    studio.run(&["jobs", "cancel", "9"]).expect(0);
    studio.wait_jobs("done", 1);
    studio.stop();
    lie_across(&studio);
    studio.run(&["printers", "resume", "dnp"]).expect(0);
    studio.run(&["jobs", "retry", "9"]).expect(0);
    studio.serve();
    studio.wait_jobs("done", 1);
    studio.stop();
    let sheets = files(&studio.path("dnp"));
    assert_eq!((pixels(&studio.path("dnp").join(&sheets[0])), sheets.len()), ((220, 280), 1));
}
