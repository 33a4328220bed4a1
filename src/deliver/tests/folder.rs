use super::*;
use Publish::{Files, Whole};

const TWO: &[(&str, &str)] = &[("r1", "a.jpg"), ("r2", "Full size/ü.jpg")];

#[test]
fn pictures_appear_as_they_are_rendered() {
    let bench = Bench::new();
    let mut step = bench.to_folder(Some("S1/web"), TWO, Files, OnConflict::Suffix);
    step.trigger = Some(rel("S1.done"));
    assert!(!bench.run(&step).unwrap().complete);
    assert!(bench.tree().is_empty(), "a folder is made with its first picture");
    bench.render("r2", "two");
    assert!(!bench.run(&step).unwrap().complete);
    assert_eq!(bench.files(), ["S1/web/Full size/ü.jpg"]);
    bench.render("r1", "one");
    assert_eq!(bench.complete(&step), [""; 0]);
    assert_eq!(bench.files(), ["S1/web/Full size/ü.jpg", "S1/web/S1.done", "S1/web/a.jpg"]);
    let before = std::fs::read(bench.path("journal.jsonl")).unwrap();
    bench.complete(&step);
    assert_eq!(std::fs::read(bench.path("journal.jsonl")).unwrap(), before);
    let standing = bench.standing(&step);
    let shown: Vec<_> = standing.iter().map(|s| (s.unit.as_str(), s.shown.as_str(), s.bytes)).collect();
    let expected =
        [("0", "out/S1/web/a.jpg", 3), ("1", "out/S1/web/Full size/ü.jpg", 3), ("trigger", "out/S1/web/S1.done", 0)];
    assert_eq!(shown, expected);
    assert_eq!(standing[0].path, bench.path("out/S1/web/a.jpg"));
    assert_eq!(standing[0].content, Some(Content::Step(StepId("r1".into()))));
    assert_eq!((standing[0].sha256.as_str(), &standing[2].content), (sha256(b"one").as_str(), &None));
}

#[test]
fn one_picture_costs_four_syncs() {
    let bench = Bench::new();
    bench.render("r1", "one");
    let step = bench.to_folder(None, &[("r1", "a.jpg")], Files, OnConflict::Suffix);
    let mut journal = bench.journal();
    durable::trial::begin(None);
    assert!(bench.run_with(&step, &mut journal).unwrap().complete);
    let passed = durable::trial::passed();
    assert_eq!(passed.iter().filter(|action| **action == "sync").count(), 4, "{passed:?}");
}

#[test]
fn many_pictures_share_their_syncs() {
    let bench = Bench::new();
    let names: Vec<_> = (0..70).map(|i| (format!("r{i}"), format!("{i}.jpg"))).collect();
    for (step, name) in &names {
        bench.render(step, name);
    }
    let members: Vec<_> = names.iter().map(|(step, name)| (step.as_str(), name.as_str())).collect();
    let step = bench.to_folder(None, &members, Files, OnConflict::Suffix);
    let mut journal = bench.journal();
    durable::trial::begin(None);
    assert!(bench.run_with(&step, &mut journal).unwrap().complete);
    let syncs = durable::trial::passed().iter().filter(|action| **action == "sync").count();
    assert_eq!(syncs, 70 + 2 * 2 + 1, "one a picture, two a batch, one to close");
    assert_eq!(bench.files().len(), 70);
}

#[test]
fn whole_is_not_there_before_it_is_whole() {
    for stands in [false, true] {
        let bench = Bench::new();
        if stands {
            bench.put("out/S1/foreign.txt", "x");
        }
        let mut step = bench.to_folder(Some("S1"), TWO, Whole, OnConflict::Suffix);
        step.trigger = Some(rel("ready"));
        bench.render("r1", "one");
        let before = bench.tree();
        assert!(!bench.run(&step).unwrap().complete);
        assert_eq!(bench.tree(), before);
        bench.render("r2", "two");
        bench.complete(&step);
        let mut files = bench.files();
        files.retain(|name| name != "S1/foreign.txt");
        assert_eq!(files, ["S1/Full size/ü.jpg", "S1/a.jpg", "S1/ready"]);
        assert_eq!(bench.standing(&step).len(), 3);
    }
}

#[test]
fn foreign_files_are_kept_failed_on_or_replaced() {
    let run = |mode, bench: &Bench| {
        bench.put("out/a.jpg", "foreign");
        bench.put("out/b_2.jpg", "foreign");
        bench.put("out/b.jpg", "foreign");
        for step in ["r1", "r2", "r3"] {
            bench.render(step, step);
        }
        // The suffix of the first must not take the name of the second.
        let members = [("r1", "a.jpg"), ("r2", "A_2.jpg"), ("r3", "b.jpg")];
        let step = bench.to_folder(None, &members, Files, mode);
        (bench.run(&step), step)
    };
    let bench = Bench::new();
    let (delivered, step) = run(OnConflict::Suffix, &bench);
    let warnings = delivered.unwrap().warnings;
    assert_eq!(bench.files(), ["A_2.jpg", "a.jpg", "a_3.jpg", "b.jpg", "b_2.jpg", "b_3.jpg"]);
    assert_eq!(bench.tree()["a_3.jpg"], "r1");
    assert!(warnings[0].ends_with("was there already, and is not of this record and profile: delivered as `a_3.jpg`"));
    assert_eq!((warnings.len(), bench.complete(&step)), (2, warnings));
    assert_eq!(bench.standing(&step)[0].shown, "out/a_3.jpg");

    let bench = Bench::new();
    let error = run(OnConflict::Fail, &bench).0.unwrap_err();
    assert!(matches!(error, DeliverError::Conflict(_)) && error.to_string().contains("`on_conflict` is `fail`"));
    assert_eq!(bench.tree()["a.jpg"], "foreign");

    let bench = Bench::new();
    let replaced = run(OnConflict::Replace, &bench).0.unwrap();
    assert!(replaced.complete);
    assert!(replaced.warnings[0].ends_with(
        "was there already, and is not of this record and profile; it was replaced, as `on_conflict: replace` asks for"
    ));
    assert_eq!(bench.files(), ["A_2.jpg", "a.jpg", "b.jpg", "b_2.jpg"]);
    assert_eq!((bench.tree()["a.jpg"].as_str(), bench.tree()["b.jpg"].as_str()), ("r1", "r3"));

    let bench = Bench::new();
    bench.put("out/a.jpg/inner", "a folder");
    bench.render("r1", "one");
    let step = bench.to_folder(None, &[("r1", "a.jpg")], Files, OnConflict::Replace);
    assert!(bench.run(&step).unwrap_err().to_string().contains("is a folder where a file belongs"));
}

#[test]
fn own_earlier_files_are_replaced_unless_somebody_edited_them() {
    for (mode, edited) in [(OnConflict::Suffix, false), (OnConflict::Fail, false), (OnConflict::Suffix, true)] {
        let bench = Bench::new();
        let step = bench.to_folder(Some("S1"), TWO, Files, mode);
        bench.render("r1", "one");
        bench.render("r2", "two");
        bench.complete(&step);
        bench.next_run(&step);
        if edited {
            bench.put("out/S1/a.jpg", "edited");
        }
        bench.render("r1", "one, corrected");
        bench.render("r2", "two");
        let warnings = bench.complete(&step);
        let tree = bench.tree();
        if edited {
            assert_eq!((tree["S1/a.jpg"].as_str(), tree["S1/a_2.jpg"].as_str()), ("edited", "one, corrected"));
            assert!(warnings[0].contains("was changed since it was delivered, and was kept: delivered as `a_2.jpg`"));
        } else {
            assert_eq!((tree["S1/a.jpg"].as_str(), warnings.len()), ("one, corrected", 0));
        }
        assert_eq!(bench.files().len(), 2 + usize::from(edited));
    }
    let bench = Bench::new();
    let step = bench.to_folder(None, &[("r1", "a.jpg")], Files, OnConflict::Replace);
    bench.render("r1", "one");
    bench.complete(&step);
    bench.next_run(&step);
    bench.put("out/a.jpg", "edited");
    bench.render("r1", "again");
    assert!(bench.complete(&step)[0].contains("it was replaced, as `on_conflict: replace` asks for"));
    assert_eq!(bench.tree()["a.jpg"], "again");
}

#[test]
fn an_empty_trigger_is_renewed_and_another_file_is_not() {
    for (standing, expected) in [("", vec!["a.jpg", "go"]), ("text", vec!["a.jpg", "go", "go_2"])] {
        let bench = Bench::new();
        bench.put("out/go", standing);
        bench.render("r1", "one");
        let mut step = bench.to_folder(None, &[("r1", "a.jpg")], Files, OnConflict::Suffix);
        step.trigger = Some(rel("go"));
        bench.complete(&step);
        assert_eq!(bench.files(), expected);
        assert_eq!(bench.tree()["go"], standing);
    }
}

#[test]
fn an_absolute_folder_is_never_made() {
    let bench = Bench::new();
    bench.render("r1", "one");
    let mut step = bench.to_folder(Some("S1"), &[("r1", "a.jpg")], Files, OnConflict::Suffix);
    step.place.as_mut().unwrap().fixed = bench.path("share/out");
    let error = bench.run(&step).unwrap_err();
    assert!(matches!(error, DeliverError::Unreachable(_)) && error.is_world(), "{error}");
    assert!(bench.clean(&step).unwrap_err().is_world());
    assert!(!bench.path("share").exists());
    step.place.as_mut().unwrap().made = true;
    bench.clean(&step).unwrap();
    assert!(!bench.path("share").exists());
    bench.complete(&step);
    assert!(bench.path("share/out/S1/a.jpg").exists());
}

#[test]
fn a_damaged_or_missing_output_goes_nowhere() {
    for (bytes, message) in
        [(Some("onX"), "its digest changed"), (Some("one more"), "its digest changed"), (None, "is gone")]
    {
        let bench = Bench::new();
        bench.render("r1", "one");
        match bytes {
            Some(bytes) => drop(bench.put("outputs/r1.jpg", bytes)),
            None => durable::remove_file(&bench.path("outputs/r1.jpg")).unwrap(),
        }
        for publish in [Files, Whole] {
            let step = bench.to_folder(Some("S1"), &[("r1", "a.jpg")], publish, OnConflict::Suffix);
            let error = bench.run(&step).unwrap_err();
            assert!(matches!(&error, DeliverError::Damaged(why) if why.contains(message)), "{error}");
            assert!(!error.is_world());
            bench.clean(&step).unwrap();
            assert_eq!(bench.files(), [""; 0]);
        }
    }
}

#[test]
fn an_extra_file_is_waited_for() {
    let bench = Bench::new();
    let step = bench.to_folder(None, &[("extra:release.pdf", "release.pdf")], Files, OnConflict::Suffix);
    let error = bench.run(&step).unwrap_err();
    assert!(error.is_world() && error.to_string().contains("extras/release.pdf is not there"), "{error}");
    bench.put("extras/release.pdf", "pdf");
    bench.complete(&step);
    assert_eq!(bench.tree()["release.pdf"], "pdf");
}

/// Between `Delivering` and `Placed`: ours is recognised, a free name is taken again, anything else is stepped around.
#[test]
fn after_a_crash_the_announced_name_decides() {
    let announced = |sha: String| {
        let file = crate::spool::journal::PlacedFile { path: rel("a_2.jpg"), sha256: sha, bytes: 3 };
        Entry::Delivering { step: StepId("d1".into()), unit: "0".into(), file }
    };
    for (standing, expected) in [(Some("one"), "a_2.jpg"), (None, "a_2.jpg"), (Some("two"), "a.jpg")] {
        let bench = Bench::new();
        bench.render("r1", "one");
        bench.journal().append(Timestamp::UNIX_EPOCH, vec![announced(sha256(b"one"))]).unwrap();
        if let Some(bytes) = standing {
            bench.put("out/a_2.jpg", bytes);
        }
        let step = bench.to_folder(None, &[("r1", "a.jpg")], Files, OnConflict::Suffix);
        bench.complete(&step);
        assert_eq!(bench.standing(&step)[0].shown, format!("out/{expected}"));
        assert_eq!(bench.tree()[expected], "one");
        assert_eq!(bench.files().len(), 1 + usize::from(standing == Some("two")));
    }
}

#[test]
fn a_file_where_a_folder_is_needed_is_for_a_person() {
    let bench = Bench::new();
    bench.put("out/S1", "a file");
    bench.render("r1", "one");
    let step = bench.to_folder(Some("S1"), &[("r1", "a.jpg")], Files, OnConflict::Suffix);
    let error = bench.run(&step).unwrap_err();
    assert!(matches!(&error, DeliverError::Conflict(why) if why.contains("is a file where a folder")), "{error}");
    bench.clean(&step).unwrap();
}

#[cfg(unix)]
#[test]
fn links_below_the_destination_lead_nowhere() {
    use std::os::unix::fs::symlink;
    for publish in [Files, Whole] {
        let bench = Bench::new();
        bench.put("secret/kept", "x");
        bench.render("r1", "one");
        symlink(bench.path("secret"), bench.path("out/S1")).unwrap();
        symlink(bench.path("secret"), bench.path("out/Full size")).unwrap();
        let through = bench.to_folder(Some("S1"), &[("r1", "a.jpg")], publish, OnConflict::Suffix);
        let error = bench.run(&through).unwrap_err();
        assert!(matches!(&error, DeliverError::Conflict(why) if why.contains("is a link")), "{error}");
        let member = bench.to_folder(None, &[("r1", "Full size/a.jpg")], publish, OnConflict::Suffix);
        assert!(matches!(bench.run(&member), Err(DeliverError::Conflict(_))));
        bench.clean(&through).unwrap();
        // A link that has the name of a file is not written through either.
        symlink(bench.path("secret/kept"), bench.path("out/a.jpg")).unwrap();
        let file = bench.to_folder(None, &[("r1", "a.jpg")], publish, OnConflict::Replace);
        bench.complete(&file);
        assert!(!bench.path("out/a.jpg").is_symlink());
        assert_eq!(std::fs::read_dir(bench.path("secret")).unwrap().count(), 1);
        assert_eq!(std::fs::read(bench.path("secret/kept")).unwrap(), b"x");
    }
}

/// A thread keeps swapping the destination for a link that leads out.
#[cfg(unix)]
#[test]
fn a_link_swapped_in_by_a_racing_thread_leads_nowhere() {
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, Ordering};
    let bench = Bench::new();
    durable::make_folder(&bench.path("secret")).unwrap();
    durable::make_folder(&bench.path("out/S1")).unwrap();
    let ended = AtomicBool::new(false);
    let (folder, aside, secret) = (bench.path("out/S1"), bench.path("out/aside"), bench.path("secret"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::SeqCst) {
                let _ = durable::move_new(&folder, &aside);
                let _ = symlink(&secret, &folder);
                let _ = durable::remove_file(&folder);
                let _ = durable::move_new(&aside, &folder);
            }
        });
        for number in 0..60 {
            let name = format!("r{number}");
            bench.render(&name, &name);
            let mut step = bench.to_folder(Some("S1"), &[(&name, "sub/a.jpg")], Files, OnConflict::Suffix);
            step.id = StepId(format!("d{number}"));
            let _ = bench.run(&step);
        }
        ended.store(true, Ordering::SeqCst);
    });
    assert_eq!(std::fs::read_dir(bench.path("secret")).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_folder_without_the_right_to_write_is_waited_for() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    bench.render("r1", "one");
    std::fs::File::open(bench.path("out")).unwrap().set_permissions(std::fs::Permissions::from_mode(0o555)).unwrap();
    let step = bench.to_folder(None, &[("r1", "a.jpg")], Files, OnConflict::Suffix);
    match bench.run(&step) {
        Err(error) => assert!(error.is_world(), "{error}"),
        Ok(_) => assert!(rustix::process::geteuid().is_root(), "only root writes there"),
    }
    std::fs::File::open(bench.path("out")).unwrap().set_permissions(std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_destination_owns_its_bytes() {
    use std::os::unix::fs::MetadataExt as _;
    let bench = Bench::new();
    bench.render("r1", "one");
    bench.complete(&bench.to_folder(None, &[("r1", "a.jpg")], Files, OnConflict::Suffix));
    let inode = |path: &str| std::fs::metadata(bench.path(path)).unwrap().ino();
    assert_ne!(inode("out/a.jpg"), inode("outputs/r1.jpg"));
}
