//! Spools of earlier versions, kept under `tests/spools/` as they were left: this version finishes what lies in them, and
//! knows what was made.
//!
//! [`freeze_a_spool`] makes one, with the version that is about to be released. What it froze is never edited: a test
//! that fails here says that an upgrade would strand a studio's queue, or make its orders twice.

use std::collections::BTreeMap;
use std::fs::{self, FileTimes, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::studio::{Studio, files, invoice, jpeg, session};

/// As much of what decides a picture as there is: all of it is told in digests that must not change.
const CONFIG: &str = r##"
version: 1
studio: { name: Larson Portraits, copyright: "© {year} Larson Portraits", time_zone: America/Chicago }
library:
  roots: [sessions]
  sources: { retouched: ["Retouched/{stem}.*"], hires: ["Hi-Res/{stem}.*"] }
  image_number: { last: 3 }
hot_folders:
  status: { folder: drop/status, images: library, settle: 50ms, scan: 100ms, complete_within: 300ms, receipts: receipts }
  exports: { folder: drop/exports, images: beside, settle: 50ms, scan: 100ms, complete_within: 300ms }
  quick: { folder: drop/quick, images: alone, settle: 50ms, scan: 100ms, run: [quick] }
items: { "8X10": { size: 8x10in }, "WALLET*": { layout: wallets, unit: piece } }
layouts:
  wallets:
    sheet: 8x10in
    grid: { columns: 2, rows: 4, opening: 3.5x2.5in, gutter: 0in, cut_marks: true }
    texts: [ { text: "{record} {studio.name}", x: 1in, y: 9.8in, width: 6in, height: 0.2in, align: center, color: "#ffffff", shrink: 70% } ]
profiles:
  web:
    images: selected
    source: [hires, retouched]
    size: 64px
    sharpen: { for: screen, amount: standard }
    overlays:
      - { image: artwork/logo.svg, at: bottom-right, width: 15%, margin: 2%, opacity: 60% }
      - { text: "{number} · {studio.name}", at: bottom, height: 10%, margin: 1%, color: "#ffffffd0", outline: "#00000080" }
    quality: 85
    subsampling: "4:2:0"
    name: "{record}_{number:04}"
    set: { caption: "{record}" }
    deliver: [ { to: folder, path: "delivery/web/{record}" } ]
  prints:
    size: ordered
    dpi: 20
    bleed: { width: 2mm, fill: mirror }
    border: { width: 3mm, color: "#202020" }
    color: { profile: adobe_rgb, intent: perceptual }
    format: tiff
    compression: deflate
    name: "{record}_{line:02}_{size}"
    sort: ["{line}"]
    checks: { low_ppi: [] }
    deliver: [ { to: folder, path: "print/{record}", trigger: "{record}.done" } ]
  full: { images: ordered, per: image, name: "{stem}", deliver: [ { to: zip, path: "zips/{record}" } ] }
  burn: { size: ordered, dpi: 20, name: "{line}", checks: { low_ppi: [] }, deliver: [ { to: disc, path: "burn/{record}", label: "{record}" } ] }
  sent: { images: selected, size: 48px, format: png, name: "{number}", deliver: [ { to: command, run: [tools/send, "{file}"] } ] }
  quick: { size: 32px, name: "{stem}", deliver: [ { to: folder, path: "quick/{record}" } ] }
render_jobs:
  - { name: proofs, when: { kind: session, status: imported }, run: [web] }
  - { name: send, when: { kind: session, status: send }, run: [sent] }
  - { name: print, when: { kind: invoice, status: "print*" }, run: [prints] }
  - { name: burn, when: { kind: invoice, status: disc }, run: [burn] }
  - { name: zip, when: { kind: production_order, status: zip }, run: [full] }
"##;

const LOGO: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="#c03"/></svg>"##;

/// Stands for the folder of the studio, wherever that is.
const ROOT: &str = "@ROOT@";

/// Originals are told by their time too.
fn long_ago() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_mins(29_450_000)
}

fn order(record: &str) -> String {
    let lines = [json!({ "line": 1, "image": "a.jpg" }), json!({ "line": 2, "image": "b.jpg" })];
    json!({ "manifest": 1, "kind": "production_order", "record": record, "status": "zip", "lines": lines }).to_string()
}

/// Prints with every edit that a manifest can ask for, and a sheet of wallets.
fn edited(record: &str) -> String {
    let image = json!({ "number": 1, "rotate": 90, "straighten": -1.5, "adjust": { "exposure": 0.3, "contrast": 5, "tint": -3 } });
    let lines = [
        json!({ "line": 1, "item": "8X10", "quantity": 2, "image": 1, "crop": [0.1, 0.1, 0.6, 0.75], "tone": "sepia" }),
        json!({ "line": 2, "item": "WALLET", "quantity": 16, "image": 2, "tone": "bw" }),
    ];
    json!({ "manifest": 1, "kind": "invoice", "record": record, "status": "printing", "session": "S1",
        "images": [image], "lines": lines })
    .to_string()
}

/// Drops that a job of this version has made already.
fn made() -> Vec<(&'static str, String)> {
    vec![
        ("D1", session("D1", &[1, 2])),
        ("D2", edited("D2")),
        ("D3", order("D3")),
        ("D4", invoice("D4", &[1]).replace("printing", "disc")),
    ]
}

fn drop_made(studio: &Studio, record: &str, text: &str) {
    if record == "D3" {
        studio.write("drop/exports/D3/a.jpg", &jpeg(60, 40));
        studio.write("drop/exports/D3/b.jpg", &jpeg(40, 60));
        studio.write("drop/exports/D3/o.json", text.as_bytes());
    } else {
        studio.drop_file("status", &format!("{record}.json"), text);
    }
}

fn bare() -> Studio {
    let studio = Studio::bare(CONFIG);
    studio.write("artwork/logo.svg", LOGO.as_bytes());
    studio.write("tools/send", b"#!/bin/sh\nbasename \"$1\" >> sent\n");
    make_runnable(&studio);
    fs::create_dir_all(studio.path("drop/quick")).unwrap();
    for number in 1..=3 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 90, 60);
    }
    set_times(&studio);
    studio
}

fn make_runnable(studio: &Studio) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(studio.path("tools/send"), fs::Permissions::from_mode(0o755)).unwrap();
}

fn set_times(studio: &Studio) {
    for name in files(&studio.path("sessions")) {
        let file = OpenOptions::new().write(true).open(studio.path("sessions").join(name)).unwrap();
        file.set_times(FileTimes::new().set_modified(long_ago())).unwrap();
    }
}

fn spools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spools")
}

/// Copies a studio's files; every mention of its folder becomes `with`, but not in journals: their checksums are over the
/// text as it was.
fn copy(from: &Path, of: &str, to: &Path, with: &str) {
    for name in files(from) {
        let bytes = fs::read(from.join(&name)).unwrap();
        let bytes = match std::str::from_utf8(&bytes) {
            Ok(text) if !name.ends_with("journal.jsonl") => text.replace(of, with).into_bytes(),
            _ => bytes,
        };
        let path = to.join(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// A job of this record that was cut off where its journal says so: the folders of the studio it was in.
fn cut_off(record: &str, text: &str, is_it: &dyn Fn(&str) -> bool) -> Studio {
    for k in 10.. {
        let mut studio = bare();
        studio.drop_file("status", "cut.json", &text.replace("RECORD", record));
        studio.serve_on_one_core(&[("HOTFOLDERS_CRASH_AT", &k.to_string())]);
        studio.wait("an end", || (studio.server_is_gone() || !studio.jobs("done").is_empty()).then_some(()));
        assert!(studio.jobs("done").is_empty(), "no point of {record} is like this");
        let journal = studio.jobs("processing").first().map(|job| fs::read_to_string(job.join("journal.jsonl")));
        if journal.is_some_and(|text| text.is_ok_and(|text| is_it(&text))) {
            studio.kill();
            return studio;
        }
    }
    unreachable!()
}

/// A record, its manifest, and what its journal says where it is cut off.
type Cut<'c> = (&'c str, &'c String, &'c dyn Fn(&str) -> bool);

/// `HOTFOLDERS_FREEZE` names the folder below `tests/spools/`, such as `0.2.0`. Made from what this version does, so run it
/// on the commit that is released.
#[test]
#[ignore = "once for each release"]
fn freeze_a_spool() {
    let to = spools().join(std::env::var("HOTFOLDERS_FREEZE").expect("HOTFOLDERS_FREEZE names the folder"));
    assert!(!to.exists(), "what is frozen stays as it is");
    let mut studio = bare();
    studio.serve();
    for (record, text) in made() {
        drop_made(&studio, record, &text);
    }
    studio.write("drop/quick/party/one.jpg", &jpeg(60, 40));
    studio.drop_file("status", "F1.json", &session("F1", &[1, 9]));
    studio.wait_jobs("done", 5);
    studio.wait_jobs("failed", 1);
    studio.drop_file("status", "D4b.json", &invoice("D4", &[2]).replace("printing", "disc"));
    studio.wait_jobs("held", 1);
    studio.run(&["pause"]).expect(0);
    for record in ["H1", "P1", "P3"] {
        studio.drop_file("status", &format!("{record}.json"), &session(record, &[1, 2]));
    }
    let later = session("P2", &[1]).replacen('{', "{\"not_before\":\"2999-01-01T00:00:00Z\",", 1);
    studio.drop_file("status", "P2.json", &later);
    studio.wait_jobs("pending", 4);
    studio.run(&["jobs", "hold", "H1"]).expect(0);
    studio.wait("an empty drop folder", || files(&studio.path("drop")).is_empty().then_some(()));
    studio.stop();
    studio.run(&["jobs", "cancel", "P3"]).expect(0);
    studio.run(&["resume"]).expect(0);
    let root = |studio: &Studio| studio.path("").to_str().unwrap().trim_end_matches('/').to_string();
    for top in ["spool", "delivery", "print", "zips", "burn", "quick", "receipts", "sessions", "artwork", "tools"] {
        copy(&studio.path(top), &root(&studio), &to.join(top), ROOT);
    }
    for name in ["LOCK", "index.brief.jsonl"] {
        fs::remove_file(to.join("spool").join(name)).unwrap();
    }
    fs::write(to.join("hotfolders.yaml"), CONFIG).unwrap();

    let has = |text: &str, entry: &str| text.matches(&format!("\"entry\":\"{entry}\"")).count();
    let two = session("RECORD", &[1, 2]);
    let sent = two.replace("imported", "send");
    let cuts: [Cut<'_>; 4] = [
        ("C1", &two, &|text| has(text, "rendered") == 1 && has(text, "placed") == 1),
        ("C2", &two, &|text| has(text, "delivering") > has(text, "placed")),
        ("C3", &two, &|text| has(text, "delivered") == 1),
        ("C4", &sent, &|text| has(text, "command_started") > has(text, "command_ended")),
    ];
    for (record, text, is_it) in cuts {
        let cut = cut_off(record, text, is_it);
        for top in ["spool/processing", "delivery"] {
            copy(&cut.path(top), &root(&cut), &to.join(top), ROOT);
        }
    }
}

/// By record and result, how many.
fn results(studio: &Studio) -> BTreeMap<(String, String), usize> {
    let mut results = BTreeMap::new();
    for job in ["done", "failed"].into_iter().flat_map(|state| studio.jobs(state)) {
        let receipt = studio.receipt(&job);
        let text = |key: &str| receipt[key].as_str().unwrap().to_string();
        *results.entry((text("record"), text("result"))).or_default() += 1;
    }
    results
}

#[test]
fn a_spool_of_every_earlier_version_is_finished_and_what_was_made_is_known() {
    let mut versions = 0;
    for frozen in fs::read_dir(spools()).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        versions += 1;
        let version = frozen.file_name().to_string_lossy().into_owned();
        let mut studio = Studio::bare("");
        let root = studio.path("");
        copy(&frozen.path(), ROOT, &root, root.to_str().unwrap().trim_end_matches('/'));
        for empty in ["drop/quick", "spool/tmp", "spool/commands"] {
            fs::create_dir_all(studio.path(empty)).unwrap();
        }
        make_runnable(&studio);
        set_times(&studio);
        let ids = |studio: &Studio| {
            let states = ["pending", "processing", "held", "failed", "done"];
            let mut ids: Vec<_> =
                states.iter().flat_map(|s| studio.jobs(s)).map(|job| job.file_name().unwrap().to_owned()).collect();
            ids.sort();
            ids
        };
        let before = ids(&studio);
        studio.serve();
        let has = |count: usize, record: &str, result: &str| {
            studio.wait(&format!("{version}: {record} {result}"), || {
                (results(&studio).get(&(record.into(), result.into())) == Some(&count)).then_some(())
            });
        };
        let run = |args: &[&str]| studio.run(args).expect(0);
        for (record, result) in [("P1", "done"), ("P3", "cancelled"), ("C1", "done"), ("C2", "done"), ("C3", "done")] {
            has(1, record, result);
        }
        assert_eq!(ids(&studio), before, "{version}: no job is lost or new");
        studio.wait("the doubtful command", || (studio.jobs("held").len() == 3).then_some(()));
        run(&["jobs", "answer", "C4", "--again"]);
        run(&["jobs", "answer", "D4", "--changed"]);
        run(&["jobs", "release", "H1"]);
        run(&["jobs", "release", "P2"]);
        studio.picture("sessions/S1/Hi-Res/S1009.jpg", 90, 60);
        run(&["jobs", "retry", "F1"]);
        for (count, record) in [(1, "C4"), (2, "D4"), (1, "H1"), (1, "P2"), (1, "F1")] {
            has(count, record, "done");
        }
        for (record, text) in made().into_iter().filter(|(record, _)| *record != "D4") {
            drop_made(&studio, record, &text);
            has(1, record, "duplicate");
        }
        for (record, numbers) in [("P1", [1, 2]), ("C1", [1, 2]), ("F1", [1, 9])] {
            studio.drop_file("status", "again.json", &session(record, &numbers));
            has(1, record, "duplicate");
        }
        run(&["jobs", "reprint", "D2", "--as-then"]);
        has(2, "D2", "done");
        let sent = fs::read_to_string(studio.path("sent")).unwrap();
        let mut sent: Vec<&str> = sent.lines().collect();
        sent.sort_unstable();
        assert_eq!(sent, ["1.png", "2.png"], "{version}");
        assert_eq!(studio.stop(), Some(0));
        studio.audit();
    }
    assert!(versions > 0);
}
