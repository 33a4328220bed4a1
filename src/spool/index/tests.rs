use super::*;
use crate::spool::durable::trial::{self, Cut};

fn line(job: &str) -> IndexLine {
    IndexLine {
        job: JobId::parse(job).unwrap(),
        result: "done".into(),
        finished: Timestamp::UNIX_EPOCH,
        accepted: Some(Timestamp::UNIX_EPOCH),
        kind: None,
        record: "1".into(),
        client: Some(IndexedClient { name: Some("Ana Núñez".into()), email: Some("Ana@Example.com".into()) }),
        sessions: vec!["S1".into(), "S2".into()],
        items: vec!["8X10".into()],
        receipt: None,
        cleared: true,
        works: Works::default(),
        removed: Vec::new(),
        reprint: 0,
        prints: 0,
        placed: vec![IndexedFile {
            owner: "web".into(),
            path: "/x".into(),
            sha256: job.into(),
            to: String::new(),
            output: String::new(),
            made_of: String::new(),
        }],
        erased: None,
    }
}

fn spool_of(dir: &Path, jobs: &[&str]) -> Spool {
    let spool = Spool::open(dir, false).unwrap();
    for job in jobs {
        Index::open(&spool).unwrap().0.append(&line(job)).unwrap();
    }
    spool
}

fn listed(spool: &Spool) -> Vec<String> {
    History::read(spool).unwrap().jobs().iter().map(|brief| brief.job.to_string()).collect()
}

fn of_record(index: &mut Index) -> Vec<String> {
    index.of_record(None, "1").unwrap().iter().map(|line| line.job.to_string()).collect()
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_damaged_index_is_set_aside_and_never_emptied() {
    let dir = tempfile::tempdir().unwrap();
    let spool = spool_of(dir.path(), &["a", "b", "c"]);
    let path = dir.path().join("index.jsonl");
    let whole = text(&path);
    durable::replace(&path, format!("{whole}{{\"job\":\"to").as_bytes()).unwrap();
    let (mut index, warning) = Index::open(&spool).unwrap();
    let earlier = index.earlier(None, "1", "web", Path::new("/x"), None).unwrap();
    assert_eq!((warning, earlier.map(|file| file.sha256)), (None, Some("c".into())));
    assert_eq!(text(&path), whole, "the torn end is cut off");
    for n in ["", "-2"] {
        durable::replace(&path, whole.replacen("\"b\"", "b", 1).as_bytes()).unwrap();
        let (mut index, warning) = Index::open(&spool).unwrap();
        assert!(warning.unwrap().contains("line 2"));
        assert_eq!(of_record(&mut index), ["a", "c"]);
        assert!(text(&dir.path().join(format!("index.jsonl.damaged{n}"))).contains("\"job\":b"));
        assert_eq!(text(&path).lines().count(), 2);
        assert_eq!(listed(&spool), ["a", "c"]);
    }
}

#[test]
fn damage_that_comes_while_the_server_runs_is_found_when_the_line_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let spool = spool_of(dir.path(), &["a", "b", "c"]);
    let path = dir.path().join("index.jsonl");
    let (mut index, _) = Index::open(&spool).unwrap();
    durable::replace(&path, text(&path).replacen("{\"job\":\"b\"", "{\"job\"!\"b\"", 1).as_bytes()).unwrap();
    assert_eq!(index.rewrite().unwrap().count(&mut |_, _| Change::Keep).unwrap(), None);
    assert_eq!(of_record(&mut index), ["a", "c"]);
    assert!(index.take_warning().unwrap().contains("line 2"));
    assert!(!index.knows(&JobId::parse("b").unwrap()));
    index.append(&line("b")).unwrap();
    assert_eq!(listed(&spool), ["a", "c", "b"]);
}

#[test]
fn lines_of_an_older_version_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::open(dir.path(), false).unwrap();
    let old = r#"{"job":"o","result":"done","finished":"2026-01-01T00:00:00Z","kind":"invoice","record":"7","client":null,"placed":[]}"#;
    durable::replace(&dir.path().join("index.jsonl"), format!("{old}\n").as_bytes()).unwrap();
    assert_eq!(listed(&spool), ["o"], "also before a server was there");
    let (mut index, warning) = Index::open(&spool).unwrap();
    assert_eq!(warning, None);
    let lines = index.of_record(Some(Kind::Invoice), "7").unwrap();
    assert_eq!((lines[0].client.clone(), lines[0].accepted), (None, None));
    assert!(!index.is_cleared(&lines[0].job));
}

#[test]
fn the_brief_file_only_repeats_the_index() {
    let dir = tempfile::tempdir().unwrap();
    let spool = spool_of(dir.path(), &["a", "b", "a"]);
    let brief = dir.path().join("index.brief.jsonl");
    let whole = text(&brief);
    assert_eq!(whole.lines().count(), 3);
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    // None at all, a torn one, one behind, one that tells of another index.
    for wrong in ["", &whole[..whole.len() - 4], lines[0], &whole.replace("\"b\"", "\"bb\""), &lines[1..].concat()] {
        durable::replace(&brief, wrong.as_bytes()).unwrap();
        if !wrong.contains("bb") {
            assert_eq!(listed(&spool), ["b", "a"], "{wrong}");
        }
        let (mut index, warning) = Index::open(&spool).unwrap();
        assert_eq!((warning, of_record(&mut index)), (None, vec!["b".to_string(), "a".to_string()]));
    }
    let history = History::read(&spool).unwrap();
    let jobs = history.jobs();
    assert_eq!(history.line(&jobs[1]).unwrap(), line("a"));
    assert!(jobs[1].is_of_session("s2") && !jobs[1].is_of_session("S"));
    assert!(jobs[1].client_has("núñ") && jobs[1].client_has("ana@example.com") && !jobs[1].client_has("bob"));
}

#[test]
fn lines_go_and_others_that_come_meanwhile_stay() {
    let dir = tempfile::tempdir().unwrap();
    let spool = spool_of(dir.path(), &["a", "b", "c"]);
    let (mut index, _) = Index::open(&spool).unwrap();
    let mut decide = |summary: &Summary, _: &[u8]| match summary.job.as_str() {
        "b" => Change::Drop,
        "c" => IndexLine::tombstone(summary, Timestamp::UNIX_EPOCH).map_or(Change::Keep, |l| Change::Replace(l.into())),
        _ => Change::Keep,
    };
    assert_eq!(index.rewrite().unwrap().count(&mut decide).unwrap(), Some(2));
    let copied = index.rewrite().unwrap().copy(&mut decide).unwrap();
    let late = index.rewrite().unwrap().copy(&mut decide).unwrap();
    index.append(&line("d")).unwrap();
    assert_eq!(index.publish(copied, &mut decide).unwrap(), Some(2));
    assert_eq!(index.publish(late, &mut decide).unwrap(), None, "it was written anew meanwhile");
    let same = index.rewrite().unwrap().copy(&mut |_, _| Change::Keep).unwrap();
    assert_eq!(index.publish(same, &mut |_, _| Change::Keep).unwrap(), Some(0));
    assert_eq!(std::fs::read_dir(spool.tmp()).unwrap().count(), 0);
    index.append(&line("e")).unwrap();
    assert_eq!(of_record(&mut index), ["a", "d", "e"]);
    let all = listed(&spool);
    assert_eq!((all.len(), all[0].as_str(), &all[2..]), (4, "a", ["d".to_string(), "e".to_string()].as_slice()));
    let path = dir.path().join("index.jsonl");
    assert!(!text(&path).contains("\"c\"") && !text(&dir.path().join("index.brief.jsonl")).contains("\"c\""));
    assert!(text(&path).contains(&record_hash(None, "1")));
    let (mut again, warning) = Index::open(&spool).unwrap();
    assert_eq!((warning, of_record(&mut again)), (None, of_record(&mut index)));
}

#[test]
fn a_cut_at_any_moment_of_a_rewrite_loses_no_line() {
    let run = |cut: Option<Cut>| {
        let dir = tempfile::tempdir().unwrap();
        let spool = spool_of(dir.path(), &["a", "b", "c"]);
        let (mut index, _) = Index::open(&spool).unwrap();
        let mut decide =
            |summary: &Summary, _: &[u8]| if summary.job.as_str() == "b" { Change::Drop } else { Change::Keep };
        trial::begin(cut);
        let result = index.rewrite().unwrap().copy(&mut decide).and_then(|copied| {
            index.append(&line("d"))?;
            index.publish(copied, &mut decide)
        });
        let points = trial::passed().len();
        let has_d = result.is_ok() || text(&dir.path().join("index.jsonl")).contains("\"d\"");
        trial::begin(None);
        (dir, spool, index, points, has_d)
    };
    let points = run(None).3;
    assert!(points > 8);
    for at in 0..points {
        for cut in [Cut::From(at), Cut::At(at, 5)] {
            let (_dir, spool, mut index, _, has_d) = run(Some(cut));
            // The same process goes on, or another one starts.
            let mut jobs = of_record(&mut index);
            index.append(&line("e")).unwrap();
            let (mut fresh, warning) = Index::open(&spool).unwrap();
            let after = of_record(&mut fresh);
            assert_eq!((warning, after.last().map(String::as_str)), (None, Some("e")), "{cut:?}");
            assert_eq!(after[..after.len() - 1], jobs, "{cut:?}");
            assert_eq!(listed(&spool), after, "{cut:?}");
            assert_eq!(jobs.contains(&"d".to_string()), has_d, "{cut:?}");
            jobs.retain(|job| job != "b" && job != "d");
            assert_eq!(jobs, ["a", "c"], "{cut:?}");
        }
    }
}

#[test]
fn what_lay_in_the_studios_folder_is_known_after_it_was_moved() {
    let dir = tempfile::tempdir().unwrap();
    let spool = spool_of(dir.path(), &[]);
    let (mut index, _) = Index::open(&spool).unwrap();
    let file = |path: &str, sha256: &str| IndexedFile {
        owner: "web".into(),
        path: path.into(),
        sha256: sha256.into(),
        to: "folder out".into(),
        output: "a.jpg".into(),
        made_of: String::new(),
    };
    let placed = vec![file("/old/out/1/a.jpg", "a"), file("/new/out/1/b.jpg", "b"), file("/old/out/1/b.jpg", "b0")];
    index.append(&IndexLine { placed, ..line("a") }).unwrap();
    let mut known = |path: &str, home: Option<&str>| {
        let earlier = index.earlier(None, "1", "web", Path::new(path), home.map(Path::new)).unwrap();
        earlier.map(|file| file.sha256)
    };
    assert_eq!(known("/new/out/1/a.jpg", Some("/new")).as_deref(), Some("a"));
    assert_eq!(known("/new/out/1/a.jpg", None), None, "an absolute destination does not move");
    assert_eq!(known("/new/out/1/b.jpg", Some("/new")).as_deref(), Some("b"), "what was put there itself counts");
    assert_eq!(known("/new/out/2/a.jpg", Some("/new")), None);

    let home = dir.path().join("new");
    durable::make_folders(dir.path(), &home.join("out/1")).unwrap();
    durable::stage(&home.join("out/1/a.jpg"), b"a").unwrap();
    assert_eq!(moved_along(&home, Path::new("/old/out/1/a.jpg")), Some(home.join("out/1/a.jpg")));
    assert_eq!(moved_along(&home, Path::new("/old/out/1/c.jpg")), None);
    assert_eq!(moved_along(&home, &home.join("out/1/a.jpg")), None);
}
