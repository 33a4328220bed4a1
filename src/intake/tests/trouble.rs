//! What goes wrong with one drop concerns no other one.

use super::*;
use crate::spool::durable::trial::{self, Cut};

/// The number of the first point at which this is done, from the next scan on.
fn first(studio: &mut Studio, action: &str) -> usize {
    trial::begin(None);
    studio.scan_after(2_000);
    trial::passed().iter().position(|passed| *passed == action).unwrap()
}

fn two_orders() -> Studio {
    let mut studio = Studio::new(BESIDE);
    for name in ["a", "b"] {
        studio.put(&format!("{name}/x.jpg"), name);
        studio.put(&format!("{name}/o.json"), session(name, &["x.jpg"]));
    }
    studio.scan_after(0);
    studio
}

#[test]
fn a_picture_that_cannot_be_brought_holds_up_no_other_drop() {
    for (action, errno) in [("link", 5), ("make the folder", 28), ("write", 28), ("restrict", 13)] {
        let at = first(&mut two_orders(), action);
        let mut studio = two_orders();
        trial::begin(Some(Cut::At(at, errno)));
        let jobs = studio.scan_after(2_000);
        trial::begin(None);
        assert_eq!(records(&jobs), ["b"], "{action}");
        for _ in 0..2 {
            let state = studio.state();
            assert_eq!(state.troubles.len(), 1, "{action}: {state:?}");
            assert!(state.problems[0].starts_with("`a/o.json` cannot be accepted now: "), "{:?}", state.problems);
            assert!(studio.scan_after(2_000).is_empty());
        }
        assert_eq!(std::fs::read_dir(studio.spool().tmp()).unwrap().count(), 0);
        assert_eq!(records(&studio.run(5)), ["a"], "{action}");
        assert!(studio.state().problems.is_empty() && !studio.is_there("a/x.jpg"));
    }
}

#[test]
fn what_could_not_be_put_on_the_disk_together_is_taken_one_by_one() {
    trial::begin(None);
    two_orders().scan_after(2_000);
    let syncs: Vec<usize> =
        trial::passed().iter().enumerate().filter(|(_, action)| **action == "sync").map(|(at, _)| at).collect();
    assert!(syncs.len() > 5, "{syncs:?}");
    for at in syncs {
        let mut studio = two_orders();
        trial::begin(Some(Cut::At(at, 5)));
        let mut jobs = studio.scan_after(2_000);
        trial::begin(None);
        jobs.extend(studio.run(30));
        let mut records = records(&jobs);
        records.sort_unstable();
        assert_eq!(records, ["a", "b"], "a failed sync at {at}");
    }
}

#[test]
fn a_later_manifest_of_the_record_waits_behind_one_that_cannot_be_accepted() {
    let drop = || {
        let mut studio = Studio::new(BESIDE);
        studio.put("1.json", session("S1", &[]));
        studio.put("2.json", session("S1", &[]).replace("\"record\"", "\"action\":\"cancel\",\"record\""));
        studio.put("3.json", session("S2", &[]));
        studio.scan_after(0);
        studio
    };
    let at = first(&mut drop(), "write");
    let mut studio = drop();
    trial::begin(Some(Cut::At(at, 28)));
    let jobs = studio.scan_after(2_000);
    trial::begin(None);
    assert_eq!(records(&jobs), ["S2"]);
    assert!(studio.scan_after(2_000).is_empty());
    let behind = studio.state().waiting.into_iter().find(|waiting| waiting.name == "2.json").unwrap();
    assert!(behind.why.contains("`1.json`, an earlier one of its record"), "{}", behind.why);
    let jobs = studio.run(6);
    let cancels: Vec<bool> = jobs.iter().map(|job| job.record.cancels).collect();
    assert_eq!(cancels, [false, true]);
}

#[test]
fn a_disk_that_takes_nothing_is_not_tried_with_every_drop() {
    let mut studio = Studio::new(BESIDE);
    for n in 0..20 {
        studio.put(&format!("{n:02}.json"), session(&format!("S{n}"), &[]));
    }
    studio.scan_after(0);
    trial::begin(Some(Cut::From(0)));
    assert!(studio.scan_after(2_000).is_empty());
    trial::begin(None);
    assert!(studio.state().problems.len() <= 3, "{:?}", studio.state().problems);
    assert_eq!(studio.run(10).len(), 20);
}

/// Looks until something is ready, but for the picture that cannot be brought, as one on a bad sector.
fn ready_but_for(studio: &mut Studio, bad: &str, seconds: u64) -> Vec<Ready> {
    for _ in 0..seconds {
        studio.now += Duration::from_secs(1);
        let around = Around {
            config: &studio.intake.config,
            matcher: &*studio.rules,
            leftovers: &studio.intake.leftovers,
            places: &studio.intake.places,
            spool: "",
            now: studio.now,
            wall: crate::clock::now(),
        };
        let folder = &mut studio.intake.folders[0];
        let ready = folder.look(&around);
        let picture = ready.iter().find_map(|one| Some((one, one.pictures.iter().find(|p| p.from.ends_with(bad))?)));
        match picture {
            None if ready.is_empty() => {}
            None => return ready,
            Some((one, picture)) => {
                let why = "cannot be taken: input/output error".to_string();
                let failed = super::super::batch::Failed { at: 0, picture: Some(picture.clone()), why };
                folder.failed(one, &failed, studio.now, crate::clock::now());
            }
        }
    }
    Vec::new()
}

#[test]
fn what_is_whole_but_for_a_bad_picture_becomes_a_job_without_it_when_it_was_waited_for() {
    for (yaml, manifest, waits) in [
        (BESIDE, Some("set/o.json"), 50),
        ("hot_folders: { in: { folder: drop, images: alone, settle: 2s } }", None, 1_700),
    ] {
        let mut studio = Studio::new(yaml);
        studio.put("set/a.jpg", "a");
        studio.put("set/b.jpg", "b");
        if let Some(manifest) = manifest {
            studio.put(manifest, session("S1", &["a.jpg", "b.jpg"]));
        }
        assert!(ready_but_for(&mut studio, "set/b.jpg", waits).is_empty(), "{yaml}");
        assert!(studio.state().problems[0].contains("b.jpg` cannot be taken: input/output error"), "{yaml}");
        let ready = ready_but_for(&mut studio, "set/b.jpg", 200);
        let [one] = ready.as_slice() else { panic!("{yaml}: {ready:?}") };
        let left: Vec<&str> = one.left.iter().map(|left| left.input.as_str()).collect();
        assert_eq!((one.pictures.len(), left), (1, vec!["b.jpg"]), "{yaml}");
        let (certain, _) = studio.intake.accept(0, &ready, studio.now);
        let pending = studio.spool().jobs(State::Pending).unwrap().remove(0);
        let job: JobFile = job::read(&pending.folder, file::JOB).unwrap();
        assert_eq!(
            (certain.len(), job.left.len(), job.left[0].from.clone()),
            (1, 1, studio.path("set/b.jpg")),
            "{yaml}"
        );
        // What is left makes no job again and again.
        studio.run(0);
        assert!(ready_but_for(&mut studio, "set/b.jpg", 4_000).is_empty(), "{yaml}");
        assert!(studio.is_there("set/b.jpg"), "{yaml}");
    }
}
