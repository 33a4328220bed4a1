//! Several servers on one hot folder: each drop becomes one job of one of them.

use super::*;
use crate::spool::durable::trial::{self, Cut};

impl Studio {
    /// Another server, with a spool of its own, on the hot folder of this one.
    fn other(&self) -> Studio {
        self.other_with(Rules::default())
    }

    fn other_with(&self, rules: Rules) -> Studio {
        let dir = tempfile::tempdir().unwrap();
        let mut config = (*self.intake.config).clone();
        config.spool = dir.path().join("spool");
        let config = Arc::new(config);
        let spool = Spool::open(&config.spool, false).unwrap();
        let rules = Arc::new(rules);
        let intake = Intake::new(config, spool, rules.clone(), crate::clock::now);
        Studio { dir, intake, rules, now: self.now }
    }

    fn accepted(&self) -> Vec<String> {
        let jobs = self.spool().jobs(State::Pending).unwrap();
        jobs.iter().map(|located| job::read::<JobFile>(&located.folder, file::JOB).unwrap().record).collect()
    }
}

fn claims(studio: &Studio) -> usize {
    let names = std::fs::read_dir(studio.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".aside")).count()
}

fn orders(studio: &Studio) {
    studio.put("a.json", session("S1", &["x.jpg"]));
    studio.put("b.json", session("S2", &["x.jpg", "y.jpg"]));
    for name in ["x.jpg", "y.jpg"] {
        studio.put(name, name);
    }
}

#[test]
fn a_drop_that_another_server_took_is_let_go_without_a_word() {
    let mut first = Studio::new(BESIDE);
    let mut second = first.other();
    orders(&first);
    for studio in [&mut first, &mut second] {
        studio.scan_after(0);
        studio.now += Duration::from_secs(2);
    }
    // Both have seen it whole; the first one takes it while the second one is at it.
    let taken = first.scan_after(0);
    assert_eq!(records(&taken), ["S1", "S2"]);
    assert!(second.run(60).is_empty());
    assert!(second.state().problems.is_empty() && second.state().waiting.is_empty(), "{:?}", second.state());
    assert_eq!(std::fs::read_dir(first.path("")).unwrap().count(), 0);
}

#[test]
fn whoever_renames_it_has_it() {
    let first = Studio::new(BESIDE);
    orders(&first);
    let mut second = first.other_with(Rules { of: Some("S2"), ..Rules::default() });
    second.scan_after(0);
    second.now += Duration::from_secs(2);
    // In the middle of the second one's acceptance: the first order is staged, and nothing is claimed.
    let (drop, away) = (first.path("a.json"), first.path(".hf-ffffffff-20260101-000000-session-S1-0000-0.aside"));
    *second.rules.meanwhile.lock().unwrap() = Some(Box::new(move || durable::set_aside(&drop, &away).unwrap()));
    let jobs = second.scan_after(0);
    assert_eq!(records(&jobs), ["S2"]);
    assert_eq!(second.accepted(), ["S2"]);
    assert_eq!(std::fs::read_dir(second.spool().tmp()).unwrap().count(), 0);
    assert_eq!(claims(&first), 1);
}

#[test]
fn what_a_server_of_another_location_takes_is_not_claimed() {
    let yaml = "server: { locations: [Main] }\nhot_folders: { in: { folder: drop, images: beside } }";
    let mut studio = Studio::new(yaml);
    studio.put("a.json", session("S1", &[]).replace("\"record\"", "\"location\":\"Mall\",\"record\""));
    trial::begin(None);
    assert!(studio.run(60).is_empty());
    assert!(!trial::passed().contains(&"rename"), "{:?}", trial::passed());
    assert!(studio.is_there("a.json"));
}

/// The power fails at each step of one server; the other one goes on; the first one comes back.
#[test]
fn a_server_that_dies_at_any_point_leaves_each_order_to_be_made_once() {
    let mut points = 0;
    for point in 0.. {
        let mut first = Studio::new(BESIDE);
        orders(&first);
        let mut second = first.other();
        first.scan_after(0);
        trial::begin(Some(Cut::From(point)));
        first.scan_after(2_000);
        let is_through = trial::passed().len() <= point;
        trial::begin(None);
        second.now = first.now;
        second.run(60);
        first.restart();
        first.run(60);
        second.now = first.now;
        second.run(60);
        let mut accepted: Vec<String> = first.accepted().into_iter().chain(second.accepted()).collect();
        accepted.sort();
        assert_eq!(accepted, ["S1", "S2"], "the power failed at {point}");
        for located in [&first, &second].iter().flat_map(|studio| studio.spool().jobs(State::Pending).unwrap()) {
            let job: JobFile = job::read(&located.folder, file::JOB).unwrap();
            let brought = job.taken.iter().filter(|taken| taken.file.is_some()).count();
            assert_eq!(brought, if job.record == "S1" { 2 } else { 3 }, "the power failed at {point}: {job:?}");
        }
        // Of a picture that both name, each may leave the removal to the other.
        let mut left: Vec<_> = std::fs::read_dir(first.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.retain(|name| name != "x.jpg");
        assert!(left.is_empty(), "the power failed at {point}: {left:?}");
        assert_eq!(std::fs::read_dir(first.spool().tmp()).unwrap().count(), 0, "the power failed at {point}");
        if is_through {
            break;
        }
        points = point;
    }
    assert!(points > 30, "{points}");
}

#[test]
fn pictures_without_a_manifest_are_claimed_as_a_whole() {
    let yaml = "hot_folders: { in: { folder: drop, images: alone, settle: 2s, scan: 50ms } }";
    let mut points = 0;
    for point in 0.. {
        let mut first = Studio::new(yaml);
        for name in ["a.jpg", "b.jpg", "c.jpg"] {
            first.put(&format!("set/{name}"), name);
        }
        let mut second = first.other();
        first.scan_after(0);
        trial::begin(Some(Cut::From(point)));
        first.scan_after(2_000);
        let is_through = trial::passed().len() <= point;
        trial::begin(None);
        second.now = first.now;
        let by_second = second.run(60).len();
        first.restart();
        let jobs: usize = first.run(60).len();
        let all = first.accepted().len() + second.accepted().len();
        assert_eq!(all, 1, "the power failed at {point}: {by_second} by the second, {jobs} later by the first");
        let owner = if second.accepted().is_empty() { &first } else { &second };
        let located = owner.spool().jobs(State::Pending).unwrap().remove(0);
        let job: JobFile = job::read(&located.folder, file::JOB).unwrap();
        assert_eq!(job.taken.len(), 3, "the power failed at {point}");
        if is_through {
            break;
        }
        points = point;
    }
    assert!(points > 20, "{points}");
}

fn later() -> Timestamp {
    crate::clock::now() + jiff::SignedDuration::from_mins(11)
}

/// A studio whose server died between the claim and the accept point.
fn cut_off() -> Studio {
    let mut studio = Studio::new(BESIDE);
    studio.put("a.json", session("S1", &[]));
    studio.scan_after(0);
    trial::begin(None);
    let mut counted = Studio::new(BESIDE);
    counted.put("a.json", session("S1", &[]));
    counted.scan_after(0);
    trial::begin(None);
    counted.scan_after(2_000);
    let at = trial::passed().iter().position(|action| *action == "move").unwrap();
    trial::begin(Some(Cut::From(at)));
    assert!(studio.scan_after(2_000).is_empty());
    trial::begin(None);
    assert_eq!((claims(&studio), studio.is_there("a.json")), (1, false));
    studio
}

#[test]
fn a_claim_that_became_no_job_goes_back_under_its_name() {
    // In the same life, and in the next one.
    let mut studio = cut_off();
    assert_eq!(records(&studio.run(20)), ["S1"]);
    let mut studio = cut_off();
    studio.restart();
    assert_eq!((claims(&studio), studio.is_there("a.json")), (0, true));
    assert_eq!(records(&studio.run(20)), ["S1"]);

    // While the hot folder is away, what is known of it is kept.
    let mut studio = cut_off();
    let (drop, away) = (studio.path(""), studio.dir.path().join("away"));
    durable::move_new(&drop, &away).unwrap();
    for _ in 0..2 {
        studio.restart();
        assert!(studio.run(10).is_empty());
        assert_eq!(std::fs::read_dir(studio.spool().tmp()).unwrap().count(), 1);
    }
    durable::move_new(&away, &drop).unwrap();
    assert_eq!(records(&studio.run(20)), ["S1"]);
    assert_eq!(std::fs::read_dir(studio.spool().tmp()).unwrap().count(), 0);

    // Another file of that name has come: nothing is lost.
    let mut studio = cut_off();
    studio.put("a.json", session("S2", &[]));
    studio.restart();
    let jobs = studio.run(20);
    let mut records = records(&jobs);
    records.sort_unstable();
    assert_eq!(records, ["S1", "S2"]);
}

#[test]
fn a_claim_of_ours_of_which_nothing_is_known_goes_back_after_a_while() {
    let mut studio = cut_off();
    for entry in std::fs::read_dir(studio.spool().tmp()).unwrap() {
        durable::remove_tree(&entry.unwrap().path()).unwrap();
    }
    studio.restart();
    assert!(studio.run(60).is_empty());
    studio.intake.clock = later;
    assert_eq!(records(&studio.run(20)), ["S1"]);
    assert_eq!(claims(&studio), 0);
}

#[test]
fn a_claim_that_another_server_left_is_shown_with_what_gives_it_back() {
    let first = cut_off();
    let mut second = first.other();
    assert!(second.run(60).is_empty());
    assert!(second.state().problems.is_empty(), "{:?}", second.state());
    second.intake.clock = later;
    assert!(second.run(10).is_empty());
    let problem = second.state().problems.remove(0);
    let command = problem.split('`').find(|part| part.starts_with("mv -n ")).unwrap().to_string();
    assert!(problem.contains(first.spool().id()) && command.ends_with(".json'"), "{problem}");
    assert!(std::process::Command::new("sh").args(["-c", &command]).status().unwrap().success());
    assert_eq!(records(&second.run(10)), ["S1"]);
    assert!(second.state().problems.is_empty());
}

#[test]
fn a_picture_of_an_order_that_could_not_be_claimed_is_not_removed_by_the_others() {
    let drop = || {
        let mut studio = Studio::new(BESIDE);
        orders(&studio);
        studio.scan_after(0);
        studio
    };
    trial::begin(None);
    drop().scan_after(2_000);
    let first = trial::passed().iter().position(|action| *action == "rename").unwrap();
    for (at, failed) in [(first, "S1"), (first + 1, "S2")] {
        let mut studio = drop();
        trial::begin(Some(Cut::At(at, 5)));
        studio.scan_after(2_000);
        trial::begin(None);
        let mut jobs = studio.run(30);
        jobs.extend(studio.spool().jobs(State::Pending).unwrap().iter().map(|located| studio.job(&located.id)));
        for job in &jobs {
            let inputs = job.files().iter().filter(|name| name.starts_with("inputs/")).count();
            assert_eq!(inputs, if job.record.record == "S1" { 1 } else { 2 }, "{failed} failed");
        }
        assert_eq!(studio.accepted().len(), 2, "{failed} failed");
        assert_eq!(std::fs::read_dir(studio.path("")).unwrap().count(), 0, "{failed} failed");
    }
}
