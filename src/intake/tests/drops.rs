//! What is taken from a drop folder, when, and as what.

use super::*;

#[test]
fn a_manifest_is_taken_when_it_has_settled() {
    let yaml = "hot_folders: { in: { folder: drop, images: beside, location: Main, receipts: back } }";
    let mut studio = Studio::new(yaml);
    studio
        .put("a.json", session("S1", &["x.jpg"]).replace("\"session\":", "\"priority\":3,\"id\":\"I-1\",\"session\":"));
    studio.put("x.jpg", "picture");
    assert!(studio.scan_after(0).is_empty());
    assert!(studio.scan_after(1_990).is_empty());
    let next = studio.intake.scan(&Hints::default(), studio.now).next;
    assert_eq!(next, studio.now + Duration::from_millis(10), "the second look comes when `settle` is over");
    let jobs = studio.scan_after(10);
    let [Job { record: job, frozen, .. }] = jobs.as_slice() else { panic!("{}", jobs.len()) };
    assert_eq!(jobs[0].files(), ["inputs/x.jpg", "job.json", "manifest.json", "rules.json"]);
    assert!(job.job.as_str().contains("-session-S1-") && job.drop_cleared && job.sequence == 1);
    assert_eq!((job.record.as_str(), job.id.as_deref(), job.priority), ("S1", Some("I-1"), 3));
    assert_eq!((job.hot_folder.as_str(), job.manifest.as_str()), ("in", "a.json"));
    assert_eq!(job.receipts, Some(studio.dir.path().join("back")));
    assert_eq!(frozen.studio.location.as_deref(), Some("Main"));
    let bytes = std::fs::read(jobs[0].folder.join("manifest.json")).unwrap();
    assert_eq!(job.manifest_sha256, crate::model::digest::sha256(&bytes));
    assert!(!studio.is_there("a.json") && !studio.is_there("x.jpg"));
    assert!(listing::list(&studio.spool().tmp(), true).unwrap().files.is_empty());
    #[cfg(unix)]
    for name in [file::JOB, file::RULES, "manifest.json"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = jobs[0].folder.join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(studio.run(60).is_empty());
}

#[test]
fn slow_and_odd_writers_are_waited_for() {
    let text = session("S1", &[]);
    // In pieces, with pauses.
    let mut studio = Studio::new(BESIDE);
    for end in [1, 20, 40, text.len()] {
        studio.put("a.json", &text[..end]);
        assert!(studio.run(1).is_empty());
    }
    assert_eq!(records(&studio.run(3)), ["S1"]);

    // Under a passing name, then renamed.
    let mut studio = Studio::new(BESIDE);
    studio.put("a.json.tmp", &text);
    assert!(studio.run(30).is_empty());
    durable::move_new(&studio.path("a.json.tmp"), &studio.path("a.json")).unwrap();
    assert!(studio.run(1).is_empty());
    assert_eq!(records(&studio.run(3)), ["S1"]);

    // With a time of last year, or of next year.
    for days in [-400_i64, 400] {
        let mut studio = Studio::new(BESIDE);
        studio.put("a.json", &text);
        let then = std::time::UNIX_EPOCH + Duration::from_secs((1_790_000_000 + days * 86_400) as u64);
        std::fs::File::options().write(true).open(studio.path("a.json")).unwrap().set_modified(then).unwrap();
        assert!(studio.scan_after(0).is_empty(), "its own time says nothing");
        assert_eq!(records(&studio.run(3)), ["S1"]);
    }

    // Written anew with the same size, in place and by another file.
    let mut studio = Studio::new(BESIDE);
    studio.put("a.json", &text);
    studio.scan_after(0);
    studio.scan_after(1_500);
    std::thread::sleep(Duration::from_millis(15));
    studio.put("a.json", text.replace("S1", "S2"));
    assert!(studio.scan_after(1_500).is_empty());
    durable::replace(&studio.path("a.json"), text.replace("S1", "S3").as_bytes()).unwrap();
    assert!(studio.scan_after(1_500).is_empty());
    assert_eq!(records(&studio.run(3)), ["S3"]);
}

#[test]
fn what_changes_while_it_is_taken_stays() {
    for changed in ["a.json", "x.jpg"] {
        let mut studio = Studio::new(BESIDE);
        studio.put("a.json", session("S1", &["x.jpg"]));
        studio.put("x.jpg", "old");
        let (path, text) = (studio.path(changed), session("S2", &["x.jpg"]));
        *studio.rules.meanwhile.lock().unwrap() =
            Some(Box::new(move || durable::replace(&path, text.as_bytes()).unwrap()));
        studio.scan_after(0);
        assert!(studio.scan_after(2_000).is_empty());
        assert!(studio.is_there("a.json") && studio.is_there("x.jpg"));
        assert_eq!(std::fs::read_dir(studio.spool().tmp()).unwrap().count(), 0);
        assert!(studio.scan_after(1_000).is_empty(), "the new one settles first");
        assert_eq!(studio.run(3).len(), 1);
    }
}

#[test]
fn links_pipes_and_folders_are_never_taken() {
    let mut studio = Studio::new(BESIDE);
    studio.put("real.txt", session("S1", &[]));
    durable::make_folder(&studio.path("folder.json")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(studio.path("real.txt"), studio.path("link.json")).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let (at, kind) = (rustix::fs::CWD, rustix::fs::FileType::Fifo);
        rustix::fs::mknodat(at, studio.path("pipe.json"), kind, mode, 0).unwrap();
    }
    assert!(studio.run(60).is_empty());
    let state = studio.state();
    assert_eq!(state.unnamed.iter().map(|u| u.name.as_str()).collect::<Vec<_>>(), ["real.txt"]);
    #[cfg(unix)]
    assert_eq!(state.never, ["link.json (a symbolic link)", "pipe.json (not a plain file)"]);
}

#[test]
fn what_is_no_manifest_becomes_a_job_that_says_why() {
    let mut studio = Studio::new(BESIDE);
    studio.put("wrong.json", r#"{"manifest":1,"kind":"invoice","record":"1042","lines":7}"#);
    studio.put("noise.yaml", [0xff, 0x00, 0x17, 0x01]);
    let jobs = studio.run(3);
    let of = |name: &str| jobs.iter().find(|j| j.record.manifest == name).unwrap();
    let wrong = of("wrong.json");
    assert_eq!((wrong.record.record.as_str(), wrong.record.kind), ("1042", None));
    assert!(wrong.record.job.as_str().contains("-unreadable-1042-"));
    let Verdict::Reject { code, why } = &wrong.frozen.verdict else { panic!() };
    assert!(code == "invalid_manifest" && why.contains("lines: 7 is not a list"), "{why}");
    assert_eq!(of("noise.yaml").record.record, "noise");
    assert_eq!(std::fs::read(of("noise.yaml").folder.join("manifest.yaml")).unwrap(), [0xff, 0x00, 0x17, 0x01]);
    assert!(!studio.is_there("wrong.json") && !studio.is_there("noise.yaml"));
}

#[test]
fn a_text_that_ends_too_early_may_still_grow() {
    let text = session("S1", &[]);
    for cut_off in ["", &text[..30]] {
        let mut studio = Studio::new(BESIDE);
        studio.put("a.json", cut_off);
        assert!(studio.run(11).is_empty());
        assert!(studio.why().contains("ends too early"), "{}", studio.why());
        let jobs = studio.run(2);
        assert!(matches!(jobs[0].frozen.verdict, Verdict::Reject { .. }));
        let mut studio = Studio::new(BESIDE);
        studio.put("a.json", cut_off);
        assert!(studio.run(11).is_empty());
        studio.put("a.json", &text);
        assert_eq!(studio.run(3)[0].frozen.verdict, Verdict::Run);
    }
}

#[test]
fn a_huge_file_is_rejected_and_kept_verbatim() {
    let mut studio = Studio::new(BESIDE);
    let big = vec![b' '; 5 * 1024 * 1024];
    studio.put("big.json", &big);
    let jobs = studio.run(3);
    let Verdict::Reject { why, .. } = &jobs[0].frozen.verdict else { panic!() };
    assert!(why.contains("big.json") && why.contains("at most"), "{why}");
    assert_eq!(std::fs::read(jobs[0].folder.join("manifest.json")).unwrap(), big);
    assert_eq!(jobs[0].record.manifest_sha256, crate::model::digest::sha256(&big));
    assert!(!studio.is_there("big.json"));
}

#[test]
fn a_done_file_is_waited_for_and_goes_with_the_manifest() {
    let mut studio = Studio::new("hot_folders: { in: { folder: drop, images: beside, done_file: true, match: '*' } }");
    studio.put("a.json", session("S1", &[]));
    assert!(studio.run(60).is_empty());
    assert!(studio.why().contains("`a.json.done` is not there yet"));
    studio.put("a.json.done", "");
    let jobs = studio.run(3);
    assert_eq!(records(&jobs), ["S1"]);
    assert_eq!(jobs[0].record.taken.last().unwrap().file, None);
    assert!(!studio.is_there("a.json") && !studio.is_there("a.json.done"));
}

#[test]
fn a_hot_folder_that_is_not_there_is_not_made() {
    let mut studio = Studio::new(BESIDE);
    durable::remove_tree(&studio.path("")).unwrap();
    let report = studio.intake.scan(&Hints::default(), studio.now);
    assert!(report.problems[0].text.contains("cannot be reached"), "{:?}", report.problems);
    assert!(matches!(studio.state().mode, Mode::Unreachable { .. }) && !studio.is_there(""));
    studio.now += Duration::from_secs(2);
    assert!(studio.intake.scan(&Hints::default(), studio.now).problems.is_empty(), "it is told once");
    durable::make_folder(&studio.path("")).unwrap();
    studio.put("a.json", session("S1", &[]));
    assert_eq!(records(&studio.run(5)), ["S1"]);
    assert_eq!(studio.state().mode, Mode::Events);
}

#[test]
fn a_library_folder_is_looked_at_without_its_sub_folders() {
    let mut studio = Studio::new(
        "library: { roots: [lib], sources: { hires: '{stem}.*' } }\nhot_folders: { in: { folder: drop, images: library } }",
    );
    durable::make_folder(&studio.dir.path().join("lib")).unwrap();
    studio.put("sub/a.json", session("S1", &[]));
    studio.put("b.json", session("S2", &[]));
    assert_eq!(records(&studio.run(10)), ["S2"]);
    assert!(studio.is_there("sub/a.json"));
}

#[test]
fn a_large_drop_is_taken_in_order_and_in_portions() {
    let mut studio = Studio::new(BESIDE);
    for n in 0..150 {
        studio.put(&format!("{n:03}.json"), session(&format!("S{n:03}"), &[]));
    }
    studio.scan_after(0);
    let jobs = studio.scan_after(2_000);
    assert_eq!(jobs.len(), 64);
    let jobs: Vec<Job> = jobs.into_iter().chain(studio.run(1)).collect();
    let mut expected: Vec<String> = (0..150).map(|n| format!("S{n:03}")).collect();
    assert_eq!(jobs.len(), 150);
    let by_sequence: Vec<u64> = jobs.iter().map(|j| j.record.sequence).collect();
    assert!(by_sequence.is_sorted());
    let mut taken: Vec<&str> = records(&jobs);
    taken.sort_unstable();
    expected.sort();
    assert_eq!(taken, expected);
}

#[test]
fn assets_are_kept_by_their_digest() {
    let icc = tempfile::NamedTempFile::new().unwrap();
    durable::stage(icc.path(), b"profile").unwrap();
    let mut studio = Studio::with_rules(BESIDE, Rules { assets: vec![icc.path().to_path_buf()], ..Rules::default() });
    studio.put("a.json", session("S1", &[]));
    let jobs = studio.run(3);
    let sha256 = crate::model::digest::sha256(b"profile");
    assert_eq!(jobs[0].frozen.assets[0].sha256, sha256);
    assert_eq!(std::fs::read(studio.spool().assets().join(&sha256)).unwrap(), b"profile");
    durable::remove_file(icc.path()).unwrap();
    studio.put("b.json", session("S2", &[]));
    assert!(studio.run(10).is_empty());
    assert!(studio.state().problems[0].contains("`b.json` cannot be accepted now"));
    durable::stage(icc.path(), b"profile").unwrap();
    assert_eq!(records(&studio.run(10)), ["S2"]);
}

#[test]
fn a_new_config_takes_over_what_waits() {
    let mut studio = Studio::new(BESIDE);
    studio.put("a.json", session("S1", &["x.jpg"]));
    assert!(studio.run(10).is_empty());
    let other = config(studio.dir.path(), &BESIDE.replace("1m", "1s"));
    studio.intake.reconfigure(other, studio.rules.clone());
    assert_eq!(records(&studio.run(5)), ["S1"]);
}

#[test]
fn an_arrival_without_an_event_is_noticed() {
    let mut studio = Studio::new(BESIDE);
    studio.scan_after(0);
    let hint = Hints { folders: ["in".to_string()].into(), ..Hints::default() };
    studio.put("a.txt", "x");
    studio.scan_after(2_000);
    studio.intake.scan(&hint, studio.now + Duration::from_millis(500));
    studio.now += Duration::from_millis(500);
    studio.run(10);
    assert_eq!(studio.state().mode, Mode::Events, "its event came a little later");
    studio.put("b.txt", "x");
    studio.run(10);
    assert_eq!(studio.state().mode, Mode::Polling { reason: "events were missed".into() });
    // The event itself asks for the look that finds the file.
    studio.put("c.txt", "x");
    studio.intake.scan(&hint, studio.now);
    studio.run(10);
    assert_eq!(studio.state().mode, Mode::Events, "they come again");
    studio.put("d.txt", "x");
    studio.intake.scan(&hint, studio.now);
    studio.run(10);
    assert_eq!(studio.state().mode, Mode::Events, "what an event announced was not missed");
}

#[test]
fn a_sub_folder_goes_with_its_order_and_one_that_stood_before_stays() {
    let alone = "hot_folders: { in: { folder: drop, images: alone, settle: 2s } }";
    for (yaml, with_manifest) in [(BESIDE, true), (alone, false)] {
        let mut studio = Studio::new(yaml);
        let drop = |studio: &Studio, folder: &str, record: &str| {
            studio.put(&format!("{folder}/x.jpg"), record);
            if with_manifest {
                studio.put(&format!("{folder}/o.json"), session(record, &["x.jpg"]));
            }
        };
        durable::make_folder(&studio.path("app")).unwrap();
        durable::make_folder(&studio.path("app/booth 1")).unwrap();
        assert!(studio.run(5).is_empty());
        for number in 1..=3 {
            drop(&studio, "app/booth 1", &format!("S{number}"));
            drop(&studio, &format!("order {number}"), &format!("T{number}"));
            drop(&studio, &format!("order {number}/inner"), &format!("U{number}"));
            assert_eq!(studio.run(10).len(), if with_manifest { 3 } else { 2 }, "{yaml}");
            let mut left: Vec<_> =
                std::fs::read_dir(studio.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            left.sort();
            assert_eq!(left, ["app"], "{yaml}");
            assert!(studio.path("app/booth 1").is_dir(), "{yaml}");
            if number == 2 {
                studio.restart();
                assert!(studio.run(5).is_empty());
            }
        }
    }
}

#[test]
fn what_systems_put_beside_an_order_is_not_seen_and_goes_with_its_folder() {
    let litter = ["Thumbs.db", "desktop.ini", "Icon\r", "x.jpg:Zone.Identifier", ".DS_Store", "._x.jpg", "@eaDir/x/y"];
    let mut studio = Studio::new(BESIDE);
    for name in litter {
        studio.put(&format!("o/{name}"), "litter");
        studio.put(name, "litter");
    }
    studio.put("o/x.jpg", "x");
    studio.put("o/a.json", session("S1", &["x.jpg"]));
    // Somebody's own hidden file keeps a folder.
    studio.put("p/.keep", "");
    studio.put("p/b.json", session("S2", &[]));
    assert_eq!(studio.run(10).len(), 2);
    assert!(!studio.is_there("o") && studio.is_there("p/.keep") && studio.is_there("Thumbs.db"));
    assert_eq!(studio.state().unnamed, []);

    let mut studio = Studio::new("hot_folders: { in: { folder: drop, images: alone, settle: 2s } }");
    studio.put("set/x.jpg", "x");
    studio.scan_after(0);
    studio.put("set/Thumbs.db", "1");
    assert_eq!(studio.scan_after(2_000).len(), 1, "thumbnails are no change of the drop");
    assert!(!studio.is_there("set"));
}
