//! What the commands print, how they end, and what they leave alone.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use regex::Regex;
use serde_json::Value;

use crate::studio::{Ran, Studio, files, hotfolders, invoice, session};

const README: &str = include_str!("../../README.md");
const COMMANDS: [&str; 20] = [
    "serve",
    "demo",
    "check",
    "plan",
    "submit",
    "render",
    "status",
    "jobs",
    "jobs list",
    "jobs show",
    "jobs retry",
    "jobs release",
    "jobs cancel",
    "jobs hold",
    "erase",
    "pause",
    "resume",
    "hash-password",
    "schema",
    "completions",
];

fn root(below: &str) -> String {
    format!("{}/{below}", env!("CARGO_MANIFEST_DIR"))
}

/// A line of the command line, without any studio.
fn run(line: &str) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let output =
        hotfolders().current_dir(dir.path()).env("COLUMNS", "100").args(line.split_whitespace()).output().unwrap();
    assert_eq!(files(dir.path()), [""; 0], "{line} left something behind");
    Ran {
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    }
}

/// The demo's studio as it is before the first job.
fn demo() -> Studio {
    let studio = Studio::bare(include_str!("../../fixtures/demo/hotfolders.yaml"));
    let photos = ["Landscape_1", "Portrait_6", "Landscape_8", "Portrait_1", "Landscape_3", "Portrait_5"];
    for (number, name) in (1..).zip(photos) {
        let photo = std::fs::read(root(&format!("fixtures/photos/{name}.jpg"))).unwrap();
        studio.write(&format!("sessions/S10001/Hi-Res/S10001{number:03}.jpg"), &photo);
        if number == 4 {
            studio.write("sessions/S10001/Retouched/S10001004.jpg", &photo);
        }
    }
    studio
}

#[cfg(unix)]
fn signal(child: &Child, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
}

/// Waits until a server holds the spool's lock.
fn wait_for_the_server(studio: &Studio, pid: u32) {
    let name = format!("pid {pid} ");
    let lock = || std::fs::read_to_string(studio.path("spool/LOCK")).unwrap_or_default();
    studio.wait("the server", || lock().starts_with(&name).then_some(()));
}

// ---------------------------------------------------------------------------------------------- help and exit codes

#[test]
fn help_texts() {
    let mut all = run("--help").expect(0).out;
    for command in COMMANDS {
        let told = run(&format!("{command} --help")).expect(0);
        assert_eq!(told.err, "");
        let _ = write!(all, "\n---- {command}\n{}", told.out);
    }
    insta::assert_snapshot!("help", all);
}

#[test]
fn every_command_is_in_the_readme_and_the_reverse() {
    let help = run("--help").expect(0).out;
    let listed = Regex::new(r"(?m)^  ([a-z-]+)  ").unwrap();
    let of_help: Vec<&str> =
        listed.captures_iter(&help).map(|c| c.extract::<1>().1[0]).filter(|c| *c != "help").collect();
    assert!(of_help.len() >= 13, "{help}");
    let table = README.split("## Commands").nth(1).unwrap().split("\n## ").next().unwrap();
    for command in of_help {
        assert!(
            table.contains(&format!("`hotfolders {command}")) || table.contains(&format!("`{command}")),
            "{command}"
        );
    }
    for named in Regex::new(r"`hotfolders ([a-z-]+)").unwrap().captures_iter(table) {
        run(&format!("{} --help", &named[1])).expect(0);
    }
}

#[test]
fn usage_and_config_errors_end_with_2() {
    for line in [
        "",
        "nonsense",
        "serve --nonsense",
        "plan",
        "submit",
        "render --profile web --out out",
        "render --profile web a.jpg",
        "jobs",
        "jobs show",
        "jobs retry",
        "jobs release",
        "jobs cancel",
        "jobs cancel --all-failed 1042",
        "schema nonsense",
        "completions nonsense",
        // No config is here.
        "serve",
        "check",
        "plan a.json",
        "submit a.json",
        "render --profile web --out out a.jpg",
        "status",
        "jobs list",
        "jobs show 1",
        "jobs retry --all-failed",
        "jobs release 1",
        "jobs cancel 1",
        "jobs hold 1",
        "erase",
        "erase --record 1 --session 2",
        "erase --record 1",
        "pause",
        "resume",
        "check --config elsewhere.yaml",
    ] {
        let told = run(line).expect(2);
        assert!(told.out.is_empty() && !told.err.is_empty() && !told.err.contains("panicked"), "{line}: {told:?}");
    }
    let studio = Studio::new();
    studio.write("good.json", session("S1", &[1]).as_bytes());
    for (args, hint) in [
        (["plan", "good.json", "--hot-folder", "nonsense"].as_slice(), "status, exports"),
        (&["submit", "good.json", "--hot-folder", "nonsense"], "status, exports"),
        (&["render", "--profile", "wed", "--out", "out", "a.jpg"], "web"),
        (&["demo", "."], "not empty"),
    ] {
        let told = studio.run(args).expect(2);
        assert!(told.err.contains(hint), "{args:?}: {told:?}");
    }
    assert!(!studio.path("out").exists() && !studio.path("spool").exists());
}

#[test]
fn work_that_cannot_be_done_ends_with_1() {
    let studio = Studio::new();
    studio.write("bad.json", b"{ \"manifest\": 1, \"kind\": \"invoice\" }");
    for (args, says) in [
        (["plan", "none.json"].as_slice(), "none.json"),
        (&["plan", "bad.json"], "record"),
        (&["submit", "none.json"], "none.json"),
        (&["submit", "bad.json"], "record"),
        (&["render", "--profile", "web", "--out", "out", "none.jpg"], "none.jpg"),
        // Nothing was ever served here.
        (&["jobs", "list"], "spool"),
        (&["jobs", "show", "1042"], "spool"),
        (&["jobs", "retry", "--all-failed"], "spool"),
        (&["jobs", "release", "1042"], "spool"),
        (&["jobs", "cancel", "1042"], "spool"),
        (&["jobs", "hold", "1042"], "spool"),
        (&["erase", "--record", "1042"], "spool"),
        (&["pause"], "spool"),
        (&["resume"], "spool"),
    ] {
        let told = studio.run(args).expect(1);
        assert!(told.err.contains(says) && !told.err.contains("panicked"), "{args:?}: {told:?}");
    }
    assert_eq!(files(&studio.path("drop")), [""; 0], "what is wrong is not dropped");
}

#[cfg(unix)]
#[test]
fn interrupted_commands_end_with_130() {
    use rustix::process::Signal;
    let studio = Studio::new();
    let quiet = |args: &[&str]| -> Child {
        let mut command: Command = studio.command(args);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut server = quiet(&["serve"]);
    wait_for_the_server(&studio, server.id());
    studio.write("waits.json", session("W1", &[1]).as_bytes());
    studio.run(&["pause"]).expect(0);
    let mut submit = quiet(&["submit", "--wait", "waits.json"]);
    studio.wait_jobs("pending", 1);
    signal(&submit, Signal::INT);
    assert_eq!(submit.wait().unwrap().code(), Some(130), "submit --wait");
    signal(&server, Signal::INT);
    assert_eq!(server.wait().unwrap().code(), Some(130), "serve");
    assert_eq!(studio.jobs("pending").len(), 1, "the job goes on another day");

    let mut server = quiet(&["serve"]);
    wait_for_the_server(&studio, server.id());
    signal(&server, Signal::TERM);
    assert_eq!(server.wait().unwrap().code(), Some(0), "SIGTERM is the proper way to stop");
}

#[cfg(unix)]
#[test]
fn the_demo_shows_its_jobs_and_serves_until_it_is_interrupted() {
    let studio = Studio::bare("version: 1\n");
    let told = studio.run(&["demo", "once", "--once"]).expect(0);
    for made in ["print/1042/1042_01_0001_8x10in.jpg", "zips/Larson-1042.zip/0001_Larson.jpg", "77_0005_bw.jpg"] {
        assert!(told.out.contains(made), "{}", told.out);
    }
    assert_eq!(files(&studio.path("once/receipts")).len(), 3);

    let mut command = studio.command(&["demo", "on"]);
    let said = std::fs::File::create(studio.path("said")).unwrap();
    let mut demo = command.stdout(said).stderr(Stdio::null()).spawn().unwrap();
    let said = || std::fs::read_to_string(studio.path("said")).unwrap();
    studio.wait("the demo to tell all", || said().contains("Still serving").then_some(()));
    // The dashboard and the client's download are there.
    let at = |what: &str| said().lines().find(|line| line.starts_with(what)).unwrap().to_string();
    for (line, says) in [(at("Dashboard"), "Log in"), (at("Download"), "PIN")] {
        let (address, path) = line.split("http://").nth(1).unwrap().split_once('/').unwrap();
        let path = format!("/{}", path.split(' ').next().unwrap().trim());
        let path = if says == "Log in" { "/login" } else { &path };
        let page = crate::http::get(address.parse().unwrap(), path);
        assert!(page.status == 200 && page.text().contains(says), "{line}: {page:?}");
    }
    let (_, login) = said().split_once("password ").map(|(a, b)| (a.to_string(), b.to_string())).unwrap();
    let password = login.split(')').next().unwrap().to_string();
    let body = format!("user=demo&password={password}");
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let address = at("Dashboard").split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
    assert_eq!(crate::http::send(address, "POST", "/login", &form, body.as_bytes()).status, 303);
    signal(&demo, rustix::process::Signal::INT);
    assert_eq!(demo.wait().unwrap().code(), Some(130));
}

#[test]
fn no_colours_where_nobody_wants_them() {
    let studio = Studio::new();
    let piped = studio.command(&["check"]).env_remove("NO_COLOR").output().unwrap();
    assert!(piped.status.success() && !piped.stdout.contains(&0x1b) && !piped.stderr.contains(&0x1b));
    // On a terminal, where there is a program that makes one.
    let on_a_terminal = |no_color: Option<&str>| {
        let mut command = Command::new("script");
        command.args(["-qec", &format!("'{}' check", env!("CARGO_BIN_EXE_hotfolders")), "/dev/null"]);
        command.current_dir(studio.path("")).env_remove("NO_COLOR").env("TERM", "xterm").stdin(Stdio::null());
        command.envs(no_color.map(|value| ("NO_COLOR", value)));
        command.output().ok().filter(|output| output.status.success()).map(|output| output.stdout)
    };
    if let Some(colourful) = on_a_terminal(None) {
        assert!(colourful.contains(&0x1b), "{}", String::from_utf8_lossy(&colourful));
        assert!(on_a_terminal(Some("")).unwrap().contains(&0x1b), "an empty NO_COLOR says nothing");
        assert!(!on_a_terminal(Some("1")).unwrap().contains(&0x1b));
    }
}

// --------------------------------------------------------------------------------------------------------- commands

#[test]
fn check_tries_every_folder_and_makes_none() {
    let studio = Studio::new();
    let before = studio.tree();
    let told = studio.run(&["check"]).expect(0);
    for what in ["hot folder status", "hot folder exports", "receipts", "library root", "print/{record}", "no errors"] {
        assert!(told.out.contains(what), "{what}: {}", told.out);
    }
    assert!(!told.out.contains("FAIL"));

    std::fs::remove_dir(studio.path("drop/exports")).unwrap();
    std::fs::rename(studio.path("sessions"), studio.path("elsewhere")).unwrap();
    std::fs::rename(studio.path("receipts"), studio.path("elsewhere/receipts")).unwrap();
    studio.write("receipts", b"a file");
    let told = studio.run(&["check"]).expect(1);
    let fails: Vec<&str> = told.out.lines().filter(|line| line.starts_with("FAIL")).collect();
    assert_eq!(fails.len(), 3, "{}", told.out);
    for what in ["hot folder exports", "receipts", "library root"] {
        assert!(fails.iter().any(|line| line.contains(what)), "{what}: {fails:?}");
    }
    assert!(told.err.contains("3 of "), "{}", told.err);
    for made in ["drop/exports", "sessions", "spool", "logs", "print", "zips", "delivery"] {
        assert!(!studio.path(made).exists(), "{made}");
    }
    assert_eq!(studio.tree().len(), before.len() + 1);
}

#[test]
fn the_text_of_a_plan() {
    let studio = demo();
    let manifest = root("fixtures/demo/invoice-1042.json");
    let told = studio.run(&["plan", &manifest]).expect(0);
    let free = Regex::new(r", [0-9.]+ \w+ free").unwrap();
    let text = free.replace_all(&told.out, ", [space] free").replace(studio.path("").to_str().unwrap(), "[studio]/");
    insta::assert_snapshot!("plan_of_the_demo_invoice", text);
    assert_eq!(told.err, "");
    assert!(!studio.path("spool").exists());
}

#[test]
fn schemas_hold_what_the_demo_has() {
    let schema = |of: &str| run(&format!("schema {of}")).expect(0).json();
    for of in ["config", "manifest", "receipt"] {
        assert!(jsonschema::meta::is_valid(&schema(of)), "{of}");
    }
    let config = jsonschema::validator_for(&schema("config")).unwrap();
    let readme = fenced("yaml").remove(0);
    let example = std::fs::read_to_string(root("hotfolders.example.yaml")).unwrap();
    for text in [include_str!("../../fixtures/demo/hotfolders.yaml"), &readme, &example] {
        let value: Value = serde_yaml::from_str(text).unwrap();
        let wrong: Vec<String> = config.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert_eq!(wrong, [""; 0]);
    }
    let manifest = jsonschema::validator_for(&schema("manifest")).unwrap();
    for name in ["session-S10001", "invoice-1042", "order-77"] {
        let text = std::fs::read_to_string(root(&format!("fixtures/demo/{name}.json"))).unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        let wrong: Vec<String> = manifest.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert_eq!(wrong, [""; 0], "{name}");
        value.as_object_mut().unwrap().remove("kind");
        assert!(!manifest.is_valid(&value), "the schema takes anything");
    }
    assert!(!config.is_valid(&serde_json::json!({ "version": 1, "profiles": { "web": { "quality": "good" } } })));
}

#[test]
fn completions_and_the_manual() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let text = run(&format!("completions {shell}")).expect(0).out;
        assert!(["serve", "render", "profile", "config"].iter().all(|word| text.contains(word)), "{shell}: {text}");
    }
    let man = run("man").expect(0).out;
    assert!(man.contains(".TH hotfolders") && man.contains(".SH SYNOPSIS") && man.contains("serve"), "{man}");
}

#[test]
fn render_makes_what_it_can_and_names_what_it_cannot() {
    let studio = Studio::new();
    studio.picture("one/a.jpg", 90, 60);
    studio.picture("two/a.jpg", 60, 90);
    studio.write("two/torn.jpg", &crate::studio::jpeg(90, 60)[..400]);
    studio.write("two/text.jpg", b"not a picture");
    let told = studio
        .run(&[
            "render",
            "--profile",
            "full",
            "--out",
            "out/deep",
            "one/a.jpg",
            "two/torn.jpg",
            "two/text.jpg",
            "two/a.jpg",
        ])
        .expect(1);
    for bad in ["torn.jpg", "text.jpg", "2 of 4"] {
        assert!(told.err.contains(bad), "{bad}: {}", told.err);
    }
    assert_eq!(files(&studio.path("out")), ["deep/a.jpg", "deep/a_2.jpg"], "flat, and none lost");
    assert_eq!(told.out.lines().count(), 2, "{}", told.out);
    for made in ["spool", "logs", "zips", "delivery"] {
        assert!(!studio.path(made).exists(), "{made}: no job, no delivery");
    }
    // A second time: its own results are replaced.
    studio.run(&["render", "--profile", "full", "--out", "out/deep", "one/a.jpg", "two/a.jpg"]).expect(0);
    assert_eq!(files(&studio.path("out")), ["deep/a.jpg", "deep/a_2.jpg"]);
}

#[test]
fn names_that_collide_are_given_in_the_order_of_the_pictures() {
    let studio = Studio::bare("version: 1\nserver: { max_jobs: 2 }\nprofiles:\n  p: { name: same }\n");
    // The first is by far the last to be ready.
    let sizes = [(2400, 1600), (60, 40), (62, 40), (64, 40), (66, 40), (68, 40)];
    let files: Vec<String> = (0..sizes.len()).map(|i| format!("in/a{i}.jpg")).collect();
    for (file, (width, height)) in files.iter().zip(sizes) {
        studio.picture(file, width, height);
    }
    let mut words = vec!["render", "--profile", "p", "--out", "out"];
    words.extend(files.iter().map(String::as_str));
    let told = studio.run(&words).expect(0);
    for (i, (width, height)) in sizes.iter().enumerate() {
        let name = if i == 0 { "same.jpg".to_string() } else { format!("same_{}.jpg", i + 1) };
        let made = std::fs::read(studio.path(&format!("out/{name}"))).unwrap();
        let header = hotfolders::render::probe(std::io::Cursor::new(made)).unwrap();
        assert_eq!((header.stored.width, header.stored.height), (*width, *height), "{name}: {}", told.out);
    }
}

#[test]
fn render_never_writes_over_an_original() {
    let studio = Studio::new();
    studio.picture("one/a.jpg", 90, 60);
    studio.picture("one/b.jpg", 90, 60);
    let before = studio.bytes_below("one");
    let told = studio.run(&["render", "--profile", "full", "--out", "one", "one/a.jpg", "one/b.jpg"]).expect(1);
    assert!(told.err.contains("original"), "{}", told.err);
    assert_eq!(studio.bytes_below("one"), before);
    // Nor when the folder is reached by another way, or the other way round of two pictures.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(studio.path("one"), studio.path("link")).unwrap();
        studio.run(&["render", "--profile", "full", "--out", "link", "one/a.jpg"]).expect(1);
        std::os::unix::fs::symlink(studio.path("one/b.jpg"), studio.path("c.jpg")).unwrap();
        studio.run(&["render", "--profile", "full", "--out", "link/../one", "link/a.jpg", "c.jpg"]).expect(1);
        assert_eq!(studio.bytes_below("one").get("a.jpg"), before.get("a.jpg"));
        assert_eq!(studio.bytes_below("one").get("b.jpg"), before.get("b.jpg"));
    }
}

#[test]
fn submit_waits_for_the_end() {
    let mut studio = Studio::new();
    let many = invoice("M1", &[1]).replace("\"quantity\":1", "\"quantity\":60");
    assert!(many.contains("60"));
    studio.write("done.json", session("D1", &[1, 2]).as_bytes());
    studio.write("failed.json", session("F1", &[1, 9]).as_bytes());
    studio.write("held.json", many.as_bytes());
    studio.serve();
    let done = studio.run(&["submit", "--wait", "done.json"]).expect(0);
    assert!(done.out.contains("done.json: done") && done.out.contains("2 pictures"), "{done:?}");
    let failed = studio.run(&["submit", "--wait", "failed.json"]).expect(1);
    assert!(failed.out.contains("failed.json: failed") && failed.err.contains("not done: failed.json"), "{failed:?}");
    let held = studio.run(&["submit", "--wait", "held.json"]).expect(1);
    assert!(held.out.contains("held.json: held") && held.out.contains("copies_over"), "{held:?}");
    // Of several, each end is told; the first makes nothing again.
    let both = studio.run(&["submit", "--wait", "done.json", "failed.json"]).expect(1);
    assert!(both.out.contains("done.json: duplicate") && both.err.contains("not done: failed.json"), "{both:?}");
    // Dropped and not waited for.
    studio.run(&["submit", "done.json"]).expect(0);
    studio.wait_jobs("done", 3);
    studio.audit();
}

#[test]
fn jobs_are_listed_and_shown() {
    let mut studio = Studio::new();
    studio.write("a.json", session("S1", &[1]).as_bytes());
    studio.write("b.json", session("S2", &[9]).as_bytes());
    let empty = studio.run(&["status", "--json"]).expect(0).json();
    assert_eq!((&empty["server"], &empty["queue"]), (&Value::Null, &serde_json::json!({})));
    assert!(studio.run(&["status"]).expect(0).out.contains("no server is running"));
    assert!(!studio.path("spool").exists(), "a look makes nothing");

    studio.serve();
    studio.run(&["submit", "--wait", "a.json", "b.json"]).expect(1);
    let live = studio.run(&["status", "--json"]).expect(0).json();
    assert!(live["server"].as_str().unwrap().contains("pid") && live["hot_folders"].as_array().unwrap().len() == 2);
    studio.stop();

    let told = studio.run(&["status"]).expect(0);
    assert!(told.out.contains("no server is running") && told.out.contains("1 failed, 1 done"), "{}", told.out);
    let list = studio.run(&["jobs", "list", "--json"]).expect(0).json();
    let rows = list.as_array().unwrap();
    let of = |record: &str| rows.iter().find(|row| row["record"] == record).unwrap();
    assert_eq!(rows.len(), 2, "{list}");
    assert_eq!((&of("S1")["state"], &of("S1")["result"]), (&"done".into(), &"done".into()));
    assert_eq!((&of("S2")["state"], &of("S2")["kind"]), (&"failed".into(), &"session".into()));
    assert!(of("S2")["why"].as_str().is_some_and(|why| why.contains('9')), "{list}");
    let failed = studio.run(&["jobs", "list", "--json", "--state", "failed"]).expect(0).json();
    assert_eq!(failed.as_array().unwrap().len(), 1);
    let none = studio.run(&["jobs", "list", "--record", "S3"]).expect(0);
    assert_eq!(none.out, "no jobs\n");
    let text = studio.run(&["jobs", "list"]).expect(0).out;
    assert_eq!(text.lines().count(), 2, "{text}");

    let shown = studio.run(&["jobs", "show", "s1", "--json"]).expect(0).json();
    assert_eq!((&shown["job"], &shown["state"]), (&of("S1")["job"], &"done".into()));
    let receipt = studio.receipt(Path::new(shown["folder"].as_str().unwrap()));
    assert_eq!(shown["receipt"]["outputs"], receipt["outputs"]);
    let by_id = studio.run(&["jobs", "show", of("S2")["job"].as_str().unwrap()]).expect(0);
    assert!(by_id.out.contains("is failed") && by_id.out.contains("It failed:"), "{}", by_id.out);
    studio.run(&["jobs", "list", "--state", "nonsense"]).expect(2);
    let unknown = studio.run(&["jobs", "show", "../../etc"]).expect(1);
    assert!(unknown.err.contains("there is no job"), "{}", unknown.err);
    studio.audit();
}

// ------------------------------------------------------------------------------------------------------- documents

/// The README's code blocks of a language.
fn fenced(language: &str) -> Vec<String> {
    let block = Regex::new(&format!(r"(?s)\n```{language}\n(.*?)```")).unwrap();
    let all: Vec<String> = block.captures_iter(README).map(|c| c[1].to_string()).collect();
    assert!(!all.is_empty(), "no {language} in the README");
    all
}

#[test]
fn the_first_config_of_the_readme_does_what_it_says() {
    let configs = fenced("yaml");
    assert_eq!((configs.len(), configs[0].lines().count()), (1, 10), "{}", configs[0]);
    let studio = Studio::bare(&configs[0]);
    studio.picture("sessions/S10001/Hi-Res/IMG_0007.jpg", 90, 60);
    let checked = studio.run(&["check"]).expect(0);
    assert!(checked.out.contains("no errors, 0 warnings"), "{}", checked.out);

    for text in fenced("json") {
        let read = hotfolders::model::manifest::read(text.as_bytes(), "readme.json").unwrap();
        assert!(read.warnings.is_empty(), "{:?}", read.warnings);
        studio.write("readme.json", text.as_bytes());
        let plan = studio.run(&["plan", "readme.json"]).expect(0);
        assert!(
            plan.out.contains("S10001/Hi-Res/IMG_0007.jpg") && plan.out.contains("delivery/web/S10001"),
            "{}",
            plan.out
        );
    }
}

#[test]
fn the_example_config_is_right() {
    let studio = Studio::bare(&std::fs::read_to_string(root("hotfolders.example.yaml")).unwrap());
    let told = studio.run(&["check"]);
    // Its folders are not here, so it cannot end with 0.
    assert_eq!(told.code, Some(1), "{}", told.err);
    assert!(told.err.contains("cannot be reached") && !told.err.contains("error:"), "{}", told.err);
}
