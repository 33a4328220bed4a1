//! A power failure, and a fault, at every point of every kind of delivery.

use super::*;
use crate::spool::durable::trial::{self, Cut};

const MEMBERS: &[(&str, &str)] = &[("r1", "a.jpg"), ("r2", "sub/b.jpg"), ("extra:licence.pdf", "licence.pdf")];
const ENOSPC: i32 = 28;

/// A bench that is ready to deliver, and what it delivers.
type Scene = fn() -> (Bench, DeliveryStep);

fn ready(bench: &Bench) {
    bench.render("r1", "one");
    bench.render("r2", "two");
    bench.put("extras/licence.pdf", "pdf");
}

fn with_trigger(publish: Publish) -> (Bench, DeliveryStep) {
    let bench = Bench::new();
    bench.put("out/S1/a.jpg", "foreign");
    ready(&bench);
    let mut step = bench.to_folder(Some("S1"), MEMBERS, publish, OnConflict::Suffix);
    step.trigger = Some(rel("go"));
    (bench, step)
}

fn files() -> (Bench, DeliveryStep) {
    with_trigger(Publish::Files)
}

fn whole_into_one_that_stands() -> (Bench, DeliveryStep) {
    with_trigger(Publish::Whole)
}

fn whole_and_new() -> (Bench, DeliveryStep) {
    let (bench, step) = with_trigger(Publish::Whole);
    durable::remove_tree(&bench.path("out/S1")).unwrap();
    (bench, step)
}

/// The second run of a delivery, with corrected pictures.
fn again(step: impl Fn(&Bench) -> DeliveryStep) -> (Bench, DeliveryStep) {
    again_beside(&[], step)
}

/// The same, beside foreign files that gave the first run other names than planned.
fn again_beside(foreign: &[&str], step: impl Fn(&Bench) -> DeliveryStep) -> (Bench, DeliveryStep) {
    let bench = Bench::new();
    for path in foreign {
        bench.put(path, "foreign");
    }
    ready(&bench);
    let step = step(&bench);
    bench.complete(&step);
    bench.next_run(&step);
    bench.render("r1", "one, corrected");
    bench.render("r2", "two");
    (bench, step)
}

fn files_again() -> (Bench, DeliveryStep) {
    again(|bench| bench.to_folder(Some("S1"), MEMBERS, Publish::Files, OnConflict::Fail))
}

fn labelled_disc(bench: &Bench, bytes: u64) -> DeliveryStep {
    let mut step = bench.to_disc(Some("x/J. Lee"), MEMBERS, bytes);
    step.label = Some("{disc}/{discs}".into());
    step
}

fn disc() -> (Bench, DeliveryStep) {
    let bench = Bench::new();
    ready(&bench);
    let step = labelled_disc(&bench, 1 << 20);
    (bench, step)
}

fn disc_again() -> (Bench, DeliveryStep) {
    again(|bench| labelled_disc(bench, 1 << 20))
}

fn discs_again() -> (Bench, DeliveryStep) {
    again(|bench| labelled_disc(bench, 4 * 2048))
}

fn zips() -> (Bench, DeliveryStep) {
    let bench = Bench::new();
    ready(&bench);
    bench.put("out/x_1.zip", "foreign");
    let step = bench.to_zip(Some("x.zip"), MEMBERS, Some(250));
    (bench, step)
}

fn zips_again() -> (Bench, DeliveryStep) {
    again(|bench| bench.to_zip(Some("x.zip"), MEMBERS, Some(250)))
}

fn files_again_beside() -> (Bench, DeliveryStep) {
    again_beside(&["out/a.jpg", "out/sub/b.jpg"], |bench| {
        bench.to_folder(None, MEMBERS, Publish::Files, OnConflict::Suffix)
    })
}

fn disc_again_beside() -> (Bench, DeliveryStep) {
    again_beside(&["out/x/J. Lee.label.txt"], |bench| labelled_disc(bench, 1 << 20))
}

fn zips_again_beside() -> (Bench, DeliveryStep) {
    again_beside(&["out/x_2.zip"], |bench| bench.to_zip(Some("x.zip"), MEMBERS, Some(250)))
}

fn behind_a_link() -> (Bench, DeliveryStep) {
    let bench = Bench::new();
    ready(&bench);
    bench.render("r1t", "small");
    bench.render("r1s", "middling");
    let step = bench.to_link(MEMBERS);
    (bench, step)
}

fn lab(format: LabFormat) -> (Bench, DeliveryStep) {
    let bench = Bench::new();
    ready(&bench);
    // Another order of that name, which the lab has taken in; another picture; another list.
    for foreign in ["out/e1-7f3a_011/x", "out/1-7f3a/x", "out/b.jpg", "out/1-7f3a.csv"] {
        bench.put(foreign, "foreign");
    }
    let mut step = bench.to_lab(format, &[("r1", "a.jpg"), ("r2", "b.jpg")]);
    // Of a Noritsu machine these are two orders.
    step.lab.as_mut().unwrap().prints[1].channel = Some(7);
    (bench, step)
}

fn noritsu() -> (Bench, DeliveryStep) {
    lab(LabFormat::Noritsu)
}

fn fuji() -> (Bench, DeliveryStep) {
    lab(LabFormat::FujiC8)
}

fn list() -> (Bench, DeliveryStep) {
    lab(LabFormat::Csv)
}

const SCENES: &[(&str, Scene)] = &[
    ("behind a link", behind_a_link),
    ("files", files),
    ("whole into one that stands", whole_into_one_that_stands),
    ("whole and new", whole_and_new),
    ("files again", files_again),
    ("disc", disc),
    ("disc again", disc_again),
    ("discs again", discs_again),
    ("zips", zips),
    ("zips again", zips_again),
    ("files again beside foreign ones", files_again_beside),
    ("disc again beside a foreign label", disc_again_beside),
    ("zips again beside a foreign one", zips_again_beside),
    ("a Noritsu order", noritsu),
    ("a Fuji order", fuji),
    ("a list for a lab", list),
];

type Golden = (BTreeMap<String, String>, Vec<(String, String, String)>, Vec<String>);

fn outcome(bench: &Bench, step: &DeliveryStep, warnings: &[String]) -> Golden {
    let standing = bench.standing(step).into_iter().map(|s| (s.unit, s.shown, s.sha256)).collect();
    let warnings = warnings.iter().map(|w| w.replace(bench.path("").to_str().unwrap(), "")).collect();
    (bench.tree(), standing, warnings)
}

/// Neither one of our temporary names nor an order that is being built.
fn is_shown(path: &str) -> bool {
    !path.contains(".hf-") && !path.starts_with("p1-7f3a") && !path.ends_with('/')
}

/// Runs up to the cut; how many points were passed.
fn cut_off(bench: &Bench, step: &DeliveryStep, cut: Option<Cut>) -> (usize, bool) {
    let mut journal = bench.journal();
    trial::begin(cut);
    let complete = bench.run_with(step, &mut journal).is_ok_and(|delivered| delivered.complete);
    let passed = trial::passed().len();
    trial::begin(None);
    (passed, complete)
}

fn finished(bench: &Bench, step: &DeliveryStep) -> Golden {
    bench.run(step).unwrap();
    let warnings = bench.complete(step);
    outcome(bench, step, &warnings)
}

#[test]
fn a_crash_at_any_point_changes_nothing_but_time() {
    for (name, scene) in SCENES {
        let (bench, step) = scene();
        let before = bench.tree();
        let (points, complete) = cut_off(&bench, &step, None);
        assert!(complete);
        let golden = finished(&bench, &step);
        assert!(points > 8 && !golden.0.keys().any(|path| path.contains(".hf-")), "{name}: {golden:?}");
        for at in 0..points {
            let (bench, step) = scene();
            let (_, complete) = cut_off(&bench, &step, Some(Cut::From(at)));
            assert!(!complete, "{name}, point {at}");
            for (path, text) in bench.tree().iter().filter(|(path, _)| is_shown(path)) {
                let is_whole = golden.0.get(path) == Some(text) || before.get(path) == Some(text);
                assert!(is_whole, "{name}, point {at}: {path} is {text:?}");
            }
            assert_eq!(finished(&bench, &step), golden, "{name}, point {at}");
        }
    }
}

#[test]
fn a_crash_during_recovery_changes_nothing_either() {
    for (name, scene) in [SCENES[1], SCENES[6], SCENES[0]] {
        let (bench, step) = scene();
        let (points, _) = cut_off(&bench, &step, None);
        let golden = finished(&bench, &step);
        for first in (1..points).step_by(5) {
            for second in (0..).step_by(2) {
                let (bench, step) = scene();
                cut_off(&bench, &step, Some(Cut::From(first)));
                let (_, complete) = cut_off(&bench, &step, Some(Cut::From(second)));
                assert_eq!(finished(&bench, &step), golden, "{name}, points {first} and {second}");
                if complete {
                    break;
                }
            }
        }
    }
}

#[test]
fn a_full_disk_at_any_point_is_waited_out() {
    for (name, scene) in SCENES {
        let (bench, step) = scene();
        let (points, _) = cut_off(&bench, &step, None);
        let golden = finished(&bench, &step);
        for at in 0..points {
            let (bench, step) = scene();
            let mut journal = bench.journal();
            trial::begin(Some(Cut::At(at, ENOSPC)));
            let error = bench.run_with(&step, &mut journal).unwrap_err();
            trial::begin(None);
            assert!(error.is_world(), "{name}, point {at}: {error}");
            assert_eq!(finished(&bench, &step), golden, "{name}, point {at}");
        }
    }
}

/// Cancelled at any point: what shows stays, what is ours alone goes, an earlier disc is never lost.
#[test]
fn cleaning_leaves_no_name_of_ours_and_loses_nothing() {
    for (name, scene) in SCENES {
        let (bench, step) = scene();
        let (points, _) = cut_off(&bench, &step, None);
        for at in 0..points {
            let (bench, step) = scene();
            let before = bench.files();
            cut_off(&bench, &step, Some(Cut::From(at)));
            bench.clean(&step).unwrap();
            let after = bench.tree();
            let ours = |path: &String| path.contains(".hf-") || path.starts_with("p1-7f3a");
            assert!(!after.keys().any(ours), "{name}, point {at}: {after:?}");
            assert!(before.iter().all(|path| after.contains_key(path)), "{name}, point {at}: {after:?}");
        }
    }
}
