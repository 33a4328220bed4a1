//! Malformed, damaged and hostile input: each job fails alone and says why, and no name leads out of the folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hotfolders::model::digest::sha256;
use hotfolders::model::manifest::{self, ManifestError};
use hotfolders::model::name::{RelPath, is_control_or_bidi};
use regex::Regex;
use serde_json::{Value, json};

use crate::studio::{Studio, files, hotfolders, session};

fn corpus(kind: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(kind);
    let names = files(&folder)
        .into_iter()
        .filter(|name| !name.starts_with('.') && Path::new(name).extension().is_none_or(|e| e != "snap"));
    let all: BTreeMap<_, _> = names.map(|name| (name.clone(), std::fs::read(folder.join(name)).unwrap())).collect();
    assert!(all.len() >= 60, "the corpus of {kind} is not where it was");
    all
}

/// Waits until so many jobs rest and nothing is left to take; where they rest, and their folders.
fn wait_at_rest(studio: &Studio, count: usize) -> Vec<(&'static str, PathBuf)> {
    studio.wait(&format!("{count} jobs at rest"), || {
        let dropped = files(&studio.path("drop"));
        let of = |state| studio.jobs(state).into_iter().map(move |job| (state, job));
        let at_rest: Vec<_> = ["done", "held", "failed"].into_iter().flat_map(of).collect();
        (dropped.is_empty() && at_rest.len() >= count).then_some(at_rest)
    })
}

/// The server still takes and makes a good job.
fn assert_still_at_work(studio: &mut Studio) {
    assert!(!studio.server_is_gone(), "the server has ended");
    studio.drop_file("status", "good.json", &session("GOOD", &[1]));
    let good = studio.wait("the good job", || {
        let jobs = ["done", "failed", "held"].into_iter().flat_map(|state| studio.jobs(state));
        jobs.into_iter().find(|job| studio.json(&job.join("job.json"))["record"] == "GOOD")
    });
    let receipt = studio.receipt(&good);
    assert_eq!(receipt["result"], "done", "{receipt}");
    assert_eq!(receipt["outputs"].as_array().unwrap().len(), 1, "{receipt}");
    assert!(!studio.server_is_gone(), "the server has ended");
}

#[test]
fn every_wrong_manifest_becomes_a_job_that_says_why() {
    let mut studio = Studio::new();
    let corpus = corpus("manifest");
    studio.serve();
    for (name, bytes) in &corpus {
        for hot_folder in ["status", "exports"] {
            let aside = studio.path(&format!("drop/{hot_folder}/.{name}.tmp"));
            std::fs::write(&aside, bytes).unwrap();
            std::fs::rename(aside, studio.path(&format!("drop/{hot_folder}/{name}"))).unwrap();
        }
    }
    let jobs = wait_at_rest(&studio, corpus.len() * 2);

    let mut seen = BTreeSet::new();
    for (state, folder) in jobs {
        let job = studio.json(&folder.join("job.json"));
        let text = |key: &str| job[key].as_str().unwrap().to_string();
        let (name, hot_folder) = (text("manifest"), text("hot_folder"));
        let (bytes, what) = (&corpus[&name], format!("{name} in {hot_folder}, {state}"));
        assert!(seen.insert((name.clone(), hot_folder)), "{what}: taken twice");
        assert_eq!(std::fs::read(folder.join(text("manifest_file"))).unwrap(), *bytes, "{what}: it is kept verbatim");
        assert_eq!(text("manifest_sha256"), sha256(bytes), "{what}");
        match manifest::read(bytes, &name) {
            Err(ManifestError::CutOff(why) | ManifestError::Invalid(why)) => {
                assert_refused(&studio, state, &folder, &why, &what);
            }
            Ok(read) if state != "held" => {
                let receipt = studio.receipt(&folder);
                let told = receipt["warnings"].as_array().unwrap().iter().filter(|w| w["code"] == "manifest").count();
                assert_eq!(told, read.warnings.len(), "{what}: {receipt}");
            }
            Ok(_) => assert!(folder.join("questions.json").is_file(), "{what}"),
        }
    }
    assert_eq!(seen.len(), corpus.len() * 2);
    assert_still_at_work(&mut studio);
    studio.audit();
}

#[track_caller]
fn assert_refused(studio: &Studio, state: &str, folder: &Path, why: &str, what: &str) {
    assert_eq!(state, "failed", "{what}: {why}");
    let told = std::fs::read_to_string(folder.join("reason.txt")).unwrap();
    assert!(told.starts_with(why.trim_end()), "{what}:\n{told}\ndoes not say\n{why}");
    assert!(!told.contains(|c: char| c != '\n' && is_control_or_bidi(c)), "{what}: {told:?}");
    let reason = studio.json(&folder.join("reason.json"));
    assert_eq!(reason["code"], "invalid_manifest", "{what}");
    let receipt = studio.receipt(folder);
    assert_eq!((&receipt["result"], &receipt["outputs"]), (&json!("failed"), &json!([])), "{what}");
    assert_eq!(receipt["errors"][0]["code"], "invalid_manifest", "{what}");
}

#[test]
fn every_wrong_config_is_refused_with_its_place() {
    let place = Regex::new(r"(?m)^(.+?):(\d+):(\d+): error: \S").unwrap();
    let mut wrong = Vec::new();
    for (name, bytes) in corpus("config") {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(&name), &bytes).unwrap();
        let output = hotfolders().current_dir(dir.path()).args(["check", "--config", &name]).output().unwrap();
        let (told, said) = (String::from_utf8(output.stderr).unwrap(), String::from_utf8(output.stdout).unwrap());
        let mut fault = |what: &str| wrong.push(format!("{name}: {what}\n{told}"));
        if output.status.code() != Some(2) {
            fault(&format!("exit code {:?}", output.status.code()));
        }
        if !place.captures(&told).is_some_and(|found| found[1].ends_with(&name)) {
            fault("no file:line:column");
        }
        if told.contains("panicked") || !said.is_empty() {
            fault("it panicked, or said something on standard output");
        }
        if files(dir.path()) != [name.clone()] {
            fault("it made something");
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n\n{}", wrong.len(), wrong.join("\n"));
}

/// Where every name must end up: deep enough that `../../../..` still is in the studio.
const DESTINATIONS: &str = "a/b/c/d";
const NAMES_CONFIG: &str = r#"
version: 1
library:
  roots: [sessions]
  sources: { hires: ["Hi-Res/{stem}.*"] }
  image_number: { last: 3 }
hot_folders:
  status: { folder: drop/status, images: library, settle: 100ms, scan: 200ms, complete_within: 300ms, receipts: receipts }
checks: { empty_token: warn, low_ppi: [] }
profiles:
  folders:
    images: all
    size: 16px
    name: "{fields.x}-{client.first}-{record}"
    deliver: [ { to: folder, path: "a/b/c/d/out/{record}/{client.last}/{session}", trigger: "{client.last}.done" } ]
  volumes:
    images: all
    size: 16px
    name: "{fields.x}"
    deliver:
      - { to: zip, path: "a/b/c/d/zips/{client.last}" }
      - { to: disc, path: "a/b/c/d/burn/{fields.y}/{client.last}", label: "{client.last}" }
render_jobs:
  - { when: { kind: session }, run: [folders, volumes] }
"#;

/// Names that mean something to some system, shell, template or screen.
fn hostile_names(studio: &Path) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for between in ["/", "\\", "//", "/./", "\\/", "%2f", "\u{2215}", "\u{ff0f}", "\0/"] {
        names.extend((1..=5).map(|depth| format!("{}escape", format!("..{between}").repeat(depth))));
    }
    let studio = studio.display();
    names.extend([format!("{studio}/escape"), format!("/{studio}/escape"), format!("file://{studio}/escape")]);
    for device in ["con", "PRN", "aux", "Nul", "COM1", "com9", "lpt1", "LPT9", "com¹", "CONIN$", "conout$"] {
        names.extend(["", ".", ".txt", ".tar.gz", " .x", ":"].map(|end| format!("{device}{end}")));
    }
    let invisible = "\0\u{1}\u{7}\u{8}\t\n\r\u{1b}\u{7f}\u{85}\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\
                     \u{202e}\u{2066}\u{2069}\u{feff}";
    names.extend(invisible.chars().map(|c| format!("a{c}gpj.exe")));
    names.extend(["a", "ä", "日", ".", " ", "../", "a/", "a."].map(|piece| piece.repeat(300)));
    names.extend(["a".repeat(64), "b".repeat(255), "c".repeat(256), "😀".repeat(250), "e\u{301}".repeat(64)]);
    let others = [
        // Absolute, drives, shares, and what shells and URLs make of a text.
        "/escape",
        "//escape",
        "/",
        "\\",
        "/dev/null",
        "/proc/self/cwd/escape",
        "C:",
        "C:escape",
        "c:\\escape",
        "C:/escape",
        "z:..\\..\\escape",
        "\\\\server\\share\\escape",
        "\\\\?\\C:\\escape",
        "//server/share/escape",
        "~",
        "~/escape",
        "$HOME/escape",
        "%TEMP%\\escape",
        "$(touch escape)",
        "`touch escape`",
        "; touch escape",
        "| touch escape",
        "x:$DATA",
        "x::$INDEX_ALLOCATION",
        "%2e%2e%2fescape",
        "..;/escape",
        // Dots and spaces, names of our own, flags.
        ".",
        "..",
        "...",
        ". .",
        ".. ",
        " ..",
        ".hidden",
        ".hf-x",
        "a.",
        "a ",
        " a",
        "-",
        "--out",
        "-rf",
        "escape.tmp",
        "spool",
        "drop",
        "Disc 1",
        "unnamed",
        ".hf-staging.part",
        "done",
        "x.done",
        // Globs, templates, markup.
        "*",
        "?",
        "**",
        "S?",
        "S*",
        "[S]1",
        "{S1,x}",
        "*.*",
        "**/*",
        "!S1",
        "{record}",
        "{{",
        "}}",
        "{client.last}",
        "%s%n",
        "<x>",
        "\"",
        "'",
        "a|b",
        "a,b",
        "#",
        "&amp;",
        // Names that some file systems hold to be one.
        "Same",
        "SAME",
        "same",
        "\u{17f}ame",
        "é",
        "e\u{301}",
        "É",
        "ß",
        "SS",
        "\u{130}",
        "\u{131}",
        "I",
        "ﬁ",
        "fi",
    ];
    names.extend(others.map(String::from));
    assert!(names.len() >= 200 && names.iter().collect::<BTreeSet<_>>().len() == names.len());
    names
}

/// One manifest for each place that a name may come from.
fn hostile_manifests(n: usize, name: &str) -> [(String, Value); 4] {
    let base = |record: &str| {
        json!({
            "manifest": 1, "kind": "session", "record": record, "session": "S1",
            "client": { "first": "Ada", "last": "Larson" }, "fields": { "x": "x", "y": "y" },
            "images": [ { "number": 1 }, { "number": 2 } ], "count": { "images": 2 },
        })
    };
    let with = |letter: char, changes: &[(&str, Value)]| {
        let mut manifest = base(&format!("{letter}{n}"));
        for (pointer, value) in changes {
            match manifest.pointer_mut(pointer) {
                Some(place) => *place = value.clone(),
                None => manifest["images"][0]["file"] = value.clone(),
            }
        }
        (format!("{letter}{n}.json"), manifest)
    };
    let upper = name.to_uppercase();
    [
        with(
            'T',
            &[
                ("/client", json!({ "first": name, "last": name })),
                ("/fields", json!({ "x": name, "y": name })),
                ("/images/0", json!({ "number": 1, "fields": { "x": name } })),
                ("/images/1", json!({ "number": 2, "fields": { "x": upper } })),
            ],
        ),
        with('R', &[("/record", json!(name))]),
        with('S', &[("/session", json!(name))]),
        with('F', &[("/images/0", json!({ "number": null })), ("/images/0/file", json!(name))]),
    ]
}

/// Files and folders that no job may touch, with the bytes of the files.
fn outside(studio: &Studio) -> BTreeMap<String, Option<Vec<u8>>> {
    let of_the_server = ["spool", ".hotfolders-spool", "logs", "drop", "receipts", DESTINATIONS];
    let base = studio.path("");
    let walk = walkdir::WalkDir::new(&base).into_iter().map(Result::unwrap);
    let name = |path: &Path| path.strip_prefix(&base).unwrap().to_str().unwrap().to_string();
    let all = walk.map(|entry| (name(entry.path()), entry));
    let kept = all.filter(|(name, _)| !of_the_server.iter().any(|s| Path::new(name).starts_with(s)));
    kept.map(|(name, e)| (name, e.file_type().is_file().then(|| std::fs::read(e.path()).unwrap()))).collect()
}

#[test]
fn no_name_leads_out_of_the_folders() {
    let mut studio = Studio::bare(NAMES_CONFIG);
    for number in 1..=2 {
        studio.picture(&format!("sessions/S1/Hi-Res/S1{number:03}.jpg"), 24, 16);
        // What a traversal would find.
        for place in ["escape/Hi-Res/escape", "Hi-Res/escape", "sessions/escape", "sessions/S1/escape", "escape"] {
            studio.picture(&format!("{place}{number:03}.jpg"), 24, 16);
        }
    }
    std::fs::create_dir_all(studio.path(DESTINATIONS)).unwrap();
    let names = hostile_names(&studio.path(""));
    let before = outside(&studio);
    studio.serve();
    let mut count = 0;
    for (n, name) in names.iter().enumerate() {
        for (file, manifest) in hostile_manifests(n, name) {
            studio.drop_file("status", &file, &manifest.to_string());
            count += 1;
        }
    }
    let jobs = wait_at_rest(&studio, count);
    assert_eq!(jobs.len(), count, "each is one job");
    assert_eq!(before, outside(&studio), "something outside the destinations changed");

    let (mut made, mut wrong) = (BTreeMap::new(), Vec::new());
    for (state, folder) in &jobs {
        let manifest = studio.json(&folder.join("job.json"))["manifest"].as_str().unwrap().to_string();
        let name = &names[manifest[1..].trim_end_matches(".json").parse::<usize>().unwrap()];
        let what = format!("{manifest} with {name:?}");
        if *state == "held" {
            continue;
        }
        let receipt = studio.receipt(folder);
        let paths = receipt["outputs"].as_array().unwrap().iter().filter_map(|o| o["path"].as_str());
        let paths: Vec<String> = paths.map(String::from).collect();
        for path in &paths {
            let below = path.strip_prefix(DESTINATIONS).and_then(|p| p.strip_prefix('/'));
            if below.is_none_or(|p| RelPath::parse(p).is_err()) {
                wrong.push(format!("{what}: its receipt says {path:?}"));
            }
        }
        let folded: BTreeSet<String> = paths.iter().map(|path| path.to_lowercase()).collect();
        assert_eq!(folded.len(), paths.len(), "{what}: two names that some systems hold to be one: {paths:?}");
        let of_a_place = &manifest[..1];
        if matches!(of_a_place, "S" | "F") {
            assert!(paths.iter().all(|_| of_a_place == "F" && *state == "failed"), "{what}: made from {paths:?}");
        }
        *made.entry(of_a_place.to_string()).or_insert(0) += usize::from(!paths.is_empty());
    }
    // A zip or a disc lies in the folder of its destination, not beside it.
    let beside = files(&studio.path(DESTINATIONS));
    let beside = beside.iter().filter(|f| !["out/", "zips/", "burn/"].iter().any(|folder| f.starts_with(folder)));
    wrong.extend(beside.map(|file| format!("{DESTINATIONS}/{file} stands beside its destination")));
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
    // Most names are harmless once they are made safe, so the test has something to look at.
    assert!(made["T"] >= 150 && made["R"] >= 50, "{made:?}");
    assert_safe_names(&studio);
    studio.audit();
}

/// What stands at the destinations, and in the zips there.
fn assert_safe_names(studio: &Studio) {
    let standing = files(&studio.path(DESTINATIONS));
    assert!(standing.len() > 500);
    for file in &standing {
        assert!(RelPath::parse(file).is_ok(), "{file:?}");
        if file.starts_with("zips/") {
            let zip = std::fs::File::open(studio.path(DESTINATIONS).join(file)).unwrap();
            let zip = zip::ZipArchive::new(zip).unwrap();
            assert!(!zip.is_empty() && zip.file_names().all(|name| RelPath::parse(&name.unwrap()).is_ok()), "{file}");
        }
    }
}

#[cfg(unix)]
#[test]
fn manifests_with_hostile_names_are_taken_and_answered_inside() {
    let mut studio = Studio::new();
    let long = format!("{}.json", "x".repeat(250));
    let names = [
        "con.json",
        "nul.yaml.json",
        "-rf.json",
        "--config=x.json",
        "a\u{202e}nosj.json",
        "a\nb.json",
        "a\u{1b}[2Jb.json",
        "a\\..\\..\\escape.json",
        "C:\\escape.json",
        "$(touch escape).json",
        "{record}.json",
        "*.json",
        "a b .json",
        "日本.JSON",
        "e\u{301}.json",
        "a..json",
        "…….json",
        "%2e%2e%2fescape.json",
        "receipt.json",
        "job.json",
        &long,
    ];
    let before = outside(&studio);
    studio.serve();
    for (n, name) in names.iter().enumerate() {
        // Written under a short name first: the longest name leaves no room for another ending.
        let aside = studio.path(&format!("drop/exports/.{n}.tmp"));
        std::fs::write(&aside, format!("{{\"record\": \"{n}\"")).unwrap();
        std::fs::rename(aside, studio.path("drop/exports").join(name)).unwrap();
    }
    let jobs = wait_at_rest(&studio, names.len());
    assert!(jobs.iter().all(|(state, _)| *state == "failed"));
    assert_eq!(before, outside(&studio));
    let receipts = files(&studio.path("receipts"));
    assert_eq!(receipts.len(), names.len(), "{receipts:?}");
    assert!(receipts.iter().all(|name| RelPath::parse(name).is_ok() && !name.contains('/')), "{receipts:?}");
    assert_still_at_work(&mut studio);
    studio.audit();
}
