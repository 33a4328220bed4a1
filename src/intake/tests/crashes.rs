//! A crash at each step between the drop and the cleared job: nothing is lost, nothing is taken twice.

use super::*;

impl Studio {
    /// Everything up to the accept point, and no further.
    fn accept_only(&mut self) -> JobFile {
        self.scan_after(0);
        self.now += Duration::from_secs(2);
        let around = Around {
            config: &self.intake.config,
            matcher: &*self.rules,
            leftovers: &self.intake.leftovers,
            places: &self.intake.places,
            spool: self.intake.acceptance.spool.id(),
            now: self.now,
            wall: crate::clock::now(),
        };
        let ready = self.intake.folders[0].look(&around);
        let (ids, _) = self.intake.accept(0, &ready, self.now);
        assert_eq!(ids.len(), 1);
        let job = self.job(&ids[0]).record;
        assert!(!job.drop_cleared);
        job
    }

    /// The job is there once, its drop is clear, and nothing more comes.
    fn is_settled(&mut self, job: &JobFile) {
        assert!(self.job(&job.job).record.drop_cleared);
        assert!(self.run(60).is_empty());
        assert_eq!(self.spool().jobs(State::Pending).unwrap().len(), 1);
        assert_eq!(std::fs::read_dir(self.path("")).unwrap().count(), 0, "the drop folder is empty");
    }
}

/// Where the nth taken file of a job stands while it is removed.
fn aside(studio: &Studio, job: &JobFile, n: usize) -> PathBuf {
    job.taken[n].from.with_file_name(names::aside(studio.spool().id(), &job.job, n))
}

fn dropped() -> Studio {
    let studio = Studio::new(BESIDE);
    studio.put("a.json", session("S1", &["x.jpg"]));
    studio.put("x.jpg", "x");
    studio
}

#[test]
fn before_the_accept_point_the_drop_is_taken_again() {
    let mut studio = dropped();
    put(&studio.spool().tmp(), "20260101-000000-session-S1-0000/manifest.json", "half");
    studio.restart();
    let jobs = studio.run(5);
    assert_eq!(records(&jobs), ["S1"]);
    studio.is_settled(&jobs[0].record);
}

#[test]
fn after_the_accept_point_the_drop_is_cleared() {
    let mut studio = dropped();
    let job = studio.accept_only();
    studio.restart();
    studio.is_settled(&job);
}

#[test]
fn a_half_cleared_drop_is_cleared() {
    for n in [0, 1] {
        let mut studio = dropped();
        let job = studio.accept_only();
        assert!(!studio.is_there("a.json") && aside(&studio, &job, 0).exists(), "its claim");
        durable::remove_file(&if n == 0 { aside(&studio, &job, 0) } else { job.taken[n].from.clone() }).unwrap();
        studio.restart();
        studio.is_settled(&job);
    }
}

#[test]
fn an_aside_name_is_removed_or_given_back() {
    let mut studio = dropped();
    let job = studio.accept_only();
    durable::move_new(&job.taken[1].from, &aside(&studio, &job, 1)).unwrap();
    studio.restart();
    studio.is_settled(&job);

    // As version 0.1 called it, which did not claim a drop before.
    let mut studio = dropped();
    let job = studio.accept_only();
    for n in [0, 1] {
        let from = if n == 0 { aside(&studio, &job, 0) } else { job.taken[1].from.clone() };
        durable::move_new(&from, &job.taken[n].from.with_file_name(names::aside_of_old(&job.job, n))).unwrap();
    }
    studio.restart();
    studio.is_settled(&job);

    // Another file came in between, and was renamed instead.
    let mut studio = dropped();
    let job = studio.accept_only();
    durable::remove_file(&aside(&studio, &job, 0)).unwrap();
    durable::stage(&aside(&studio, &job, 0), session("S2", &[]).as_bytes()).unwrap();
    studio.restart();
    assert!(studio.is_there("a.json") && !aside(&studio, &job, 0).exists());
    assert_eq!(records(&studio.run(5)), ["S2"]);

    // And a third one has the name by now: nothing is lost.
    let mut studio = dropped();
    let job = studio.accept_only();
    durable::remove_file(&aside(&studio, &job, 0)).unwrap();
    durable::stage(&job.taken[0].from, session("S2", &[]).as_bytes()).unwrap();
    durable::stage(&aside(&studio, &job, 0), session("S3", &[]).as_bytes()).unwrap();
    studio.restart();
    let jobs = studio.run(5);
    let mut records = records(&jobs);
    records.sort_unstable();
    assert_eq!(records, ["S2", "S3"]);
}

#[test]
fn a_file_that_replaced_an_accepted_one_is_not_removed() {
    let mut studio = dropped();
    let job = studio.accept_only();
    durable::stage(&job.taken[0].from, session("S2", &[]).as_bytes()).unwrap();
    studio.restart();
    assert_eq!(records(&studio.run(5)), ["S2"]);
}

#[test]
fn a_job_that_went_on_is_cleared_too() {
    let mut studio = dropped();
    let job = studio.accept_only();
    let spool = studio.spool();
    let located = spool.find(&job.job).unwrap().unwrap();
    spool.move_to(&located, State::Done, jiff::civil::date(2026, 1, 1)).unwrap();
    studio.restart();
    assert!(studio.run(60).is_empty());
    assert!(!studio.is_there("a.json") && !studio.is_there("x.jpg"));
    let done = spool.find(&job.job).unwrap().unwrap();
    assert!(job::read::<JobFile>(&done.folder, file::JOB).unwrap().drop_cleared);
}

#[test]
fn a_drop_that_cannot_be_cleared_is_not_taken_again() {
    for crash in [false, true] {
        let mut studio = dropped();
        let job = studio.accept_only();
        // The share is gone before its files could be removed.
        let (drop, away) = (studio.path(""), studio.dir.path().join("away"));
        durable::move_new(&drop, &away).unwrap();
        if crash {
            studio.restart();
        }
        let announced = studio.run(60);
        assert_eq!(announced.len(), usize::from(crash), "it may run all the same");
        assert!(!studio.job(&job.job).record.drop_cleared);
        durable::move_new(&away, &drop).unwrap();
        assert!(studio.run(10).is_empty());
        studio.is_settled(&job);
    }
}

/// As in a folder that we may read and not write to: what was accepted stays.
#[test]
fn a_new_order_may_name_a_picture_that_an_earlier_one_had_to_leave() {
    let mut studio = dropped();
    let job = studio.accept_only();
    let (manifest, claim) = (job.taken[0].from.clone(), aside(&studio, &job, 0));
    durable::move_new(&claim, &manifest).unwrap();
    let leave = |studio: &mut Studio| {
        studio.intake.leftovers = Leftovers::default();
        let (job, folder) = (job.clone(), studio.spool().find(&job.job).unwrap().unwrap().folder);
        // Its hot folder counts as one that is not there, so that nothing is removed.
        studio.intake.leftovers.push(Leftover { job, folder, root: studio.dir.path().join("gone"), accepted: true });
        studio.intake.clear_again = Some(studio.now + Duration::from_hours(10));
    };
    leave(&mut studio);
    assert!(studio.run(60).is_empty(), "it is not taken again");
    studio.put("b.json", session("S2", &["x.jpg"]));
    assert!(studio.run(50).is_empty());
    assert!(
        studio.why().contains("x.jpg (only that of an earlier order, which cannot be removed)"),
        "{}",
        studio.why()
    );
    let jobs = studio.run(20);
    assert_eq!(records(&jobs), ["S2"]);
    assert!(jobs[0].files().contains(&"inputs/x.jpg".to_string()), "{:?}", jobs[0].files());

    // Said to be the one, it is not waited for.
    leave(&mut studio);
    let input = studio.spool().find(&job.job).unwrap().unwrap().folder.join("inputs/x.jpg");
    assert!(durable::link(&input, &studio.path("x.jpg")).unwrap());
    let sha256 = crate::model::digest::sha256(b"x");
    studio.put("c.json", super::manifest("S3", &format!(r#"{{"file":"x.jpg","sha256":"{sha256}"}}"#)));
    assert_eq!(records(&studio.run(5)), ["S3"]);
}

#[test]
fn a_held_job_whose_drop_cannot_be_cleared_is_known_after_a_restart() {
    let mut studio = dropped();
    let job = studio.accept_only();
    let at = studio.intake.acceptance.spool.find(&job.job).unwrap().unwrap();
    studio.intake.acceptance.spool.move_to(&at, State::Held, jiff::civil::date(2026, 11, 20)).unwrap();
    durable::move_new(&studio.path(""), &studio.dir.path().join("away")).unwrap();
    studio.restart();
    assert_eq!(studio.run(60).len(), 1, "once it is released, it may run");
}

#[test]
fn a_shared_picture_is_not_cleared() {
    let mut studio = dropped();
    studio.put("b.json", session("S2", &["x.jpg", "y.jpg"]));
    studio.accept_only();
    studio.restart();
    assert!(!studio.is_there("a.json") && studio.is_there("x.jpg"));
    studio.put("y.jpg", "y");
    assert_eq!(records(&studio.run(5)), ["S2"]);
    assert!(!studio.is_there("x.jpg"));
}

/// Where the child of a crash test works.
const STUDIO: &str = "HOTFOLDERS_TEST_STUDIO";
const CRASHES: &str = "hot_folders: { in: { folder: drop, images: beside, done_file: true } }";

/// One life of the program, in a process of its own: the parent lets it die, or fail, at a chosen durable step.
#[test]
#[ignore = "the child of the tests below"]
fn one_life() {
    let dir = PathBuf::from(std::env::var_os(STUDIO).unwrap());
    let config = config(&dir, CRASHES);
    // What fails at start ends the program with a message; the next start goes on.
    let Ok(spool) = Spool::open(&config.spool, false) else { return };
    let assets = vec![dir.join("x.icc"), dir.join("kept.icc")];
    let rules = Arc::new(Rules { assets, ..Rules::default() });
    let mut intake = Intake::new(config, spool, rules, crate::clock::now);
    if intake.recover(&|_| false).is_err() {
        return;
    }
    let begun = Instant::now();
    for second in 0..30 {
        intake.scan(&Hints::default(), begun + Duration::from_secs(second));
    }
}

/// Runs lives with `variable` set to 1, 2, 3 … until one passes all points, each followed by a life without trouble.
#[cfg(debug_assertions)]
fn every_point(variable: &str, suffix: &str) -> u32 {
    let exe = std::env::current_exe().unwrap();
    for point in 1.. {
        let dir = tempfile::tempdir().unwrap();
        let drop = dir.path().join("drop");
        put(&drop, "a.json", session("S1", &["x.jpg", "y.jpg"]));
        put(&drop, "sub/b.json", session("S2", &["z/z.jpg"]));
        put(&drop, "c.json", session("S3", &["x.jpg"]));
        put(&drop, "d.json", "no manifest");
        put(&drop, "e.json", session("S1", &["x.jpg"]).replace("\"record\"", "\"action\":\"cancel\",\"record\""));
        put(dir.path(), "x.icc", "profile");
        // In use for long: it is told that it still is.
        put(dir.path(), "kept.icc", "kept");
        let kept = dir.path().join("spool/assets").join(crate::model::digest::sha256(b"kept"));
        put(dir.path(), kept.strip_prefix(dir.path()).unwrap().to_str().unwrap(), "kept");
        durable::touch(&kept, Timestamp::UNIX_EPOCH).unwrap();
        let told = dir.path().join("told");
        for (name, bytes) in [("x.jpg", "x"), ("y.jpg", "y"), ("sub/z/z.jpg", "z")] {
            put(&drop, name, bytes);
        }
        for name in ["a.json.done", "sub/b.json.done", "c.json.done", "d.json.done", "e.json.done"] {
            put(&drop, name, "");
        }
        let life = |trouble: Option<String>| {
            let mut child = std::process::Command::new(&exe);
            child.args(["--exact", "intake::tests::crashes::one_life", "--ignored"]).env(STUDIO, dir.path());
            child.env("HOTFOLDERS_FAULT_TOLD", &told).envs(trouble.map(|value| (variable, value)));
            child.output().unwrap().status.success()
        };
        let passed_all = life(Some(format!("{point}{suffix}")));
        if !passed_all || !suffix.is_empty() {
            assert!(life(None));
        }
        let spool = Spool::open(&dir.path().join("spool"), false).unwrap();
        let mut jobs: Vec<JobFile> = spool
            .jobs(State::Pending)
            .unwrap()
            .iter()
            .map(|located| {
                let job: JobFile = job::read(&located.folder, file::JOB).unwrap();
                let manifest = std::fs::read(located.folder.join(&job.manifest_file)).unwrap();
                assert_eq!(crate::model::digest::sha256(&manifest), job.manifest_sha256);
                let frozen: Frozen = job::read(&located.folder, file::RULES).unwrap();
                assert!(frozen.assets.iter().all(|a| spool.assets().join(&a.sha256).is_file()));
                for taken in job.taken.iter().filter_map(|t| t.file.as_ref()) {
                    assert!(taken.below(&located.folder).is_file(), "{variable}={point}: {taken}");
                }
                job
            })
            .collect();
        // Those of one record in the order in which they were dropped: one that fails is not overtaken by what may take it
        // back.
        jobs.sort_by_key(|job| (job.record.clone(), job.accepted, job.sequence));
        let dropped = |job: &JobFile| (job.record.clone(), job.taken[0].stamp.modified_ns, job.manifest.clone());
        assert!(jobs.iter().map(dropped).is_sorted(), "{variable}={point}: {jobs:?}");
        let records: Vec<&str> = jobs.iter().map(|j| j.record.as_str()).collect();
        assert_eq!(records, ["S1", "S1", "S2", "S3", "d"], "{variable}={point}");
        assert!(jobs.iter().all(|j| j.drop_cleared), "{variable}={point}");
        let left: Vec<_> = std::fs::read_dir(&drop).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.is_empty(), "{variable}={point}: {left:?}");
        let rest: Vec<_> = std::fs::read_dir(spool.tmp()).unwrap().collect();
        assert!(rest.is_empty(), "{variable}={point}");
        // A fault does not end the life, but says that it came.
        if passed_all && (suffix.is_empty() || !told.exists()) {
            return point;
        }
    }
    unreachable!()
}

#[cfg(debug_assertions)]
#[test]
fn a_crash_at_any_point_loses_nothing_and_takes_nothing_twice() {
    let points = every_point("HOTFOLDERS_CRASH_AT", "");
    assert!(points > 60, "{points}");
}

#[cfg(all(unix, debug_assertions))]
#[test]
fn an_error_at_any_point_loses_nothing_and_takes_nothing_twice() {
    // No space; no permission.
    for errno in [28, 13] {
        let points = every_point("HOTFOLDERS_FAULT_AT", &format!(":{errno}"));
        assert!(points > 60, "{points}");
    }
}
