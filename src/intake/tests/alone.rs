//! Pictures without a manifest, and drops that must not stand in each other's way.

use super::*;

const ALONE: &str = "hot_folders: { in: { folder: drop, images: alone, settle: 2s, scan: 50ms } }";

fn inputs(job: &Job) -> Vec<String> {
    job.files().into_iter().filter_map(|f| f.strip_prefix("inputs/").map(str::to_string)).collect()
}

#[test]
fn names_that_become_the_same_are_told_apart() {
    let mut studio = Studio::new(ALONE);
    for name in ["a?.jpg", "a_.jpg", "a_.JPG", "b_.jpg", "b?.jpg/x.jpg", " /y.jpg"] {
        studio.put(&format!("set/{name}"), name);
    }
    studio.put("zebra.jpg", "z");
    let jobs = studio.run(10);
    assert_eq!(records(&jobs), ["set", "zebra"]);
    let mut contents: Vec<String> = inputs(&jobs[0])
        .iter()
        .map(|name| std::fs::read_to_string(jobs[0].folder.join("inputs").join(name)).unwrap())
        .collect();
    contents.sort();
    assert_eq!(contents, [" /y.jpg", "a?.jpg", "a_.JPG", "a_.jpg", "b?.jpg/x.jpg", "b_.jpg"]);
    assert_eq!(std::fs::read_dir(studio.path("")).unwrap().count(), 0);
}

#[test]
fn drops_are_taken_in_the_order_in_which_they_came() {
    let mut studio = Studio::new(ALONE);
    studio.put("z.jpg", "z");
    assert!(studio.scan_after(0).is_empty());
    std::thread::sleep(Duration::from_millis(2));
    studio.put("a.jpg", "a");
    assert!(studio.scan_after(50).is_empty());
    assert_eq!(records(&studio.scan_after(5_000)), ["z", "a"]);
}

#[test]
fn pictures_of_another_location_are_left_to_its_server() {
    let mut studio = Studio::new(
        "server: { locations: [Main] }\nhot_folders: { in: { folder: drop, images: alone, location: Harbor } }",
    );
    studio.put("a.jpg", "a");
    assert!(studio.run(120).is_empty());
    assert!(studio.why().contains("`Harbor`, which is not among `server.locations`"), "{}", studio.why());
}

#[test]
fn a_folder_that_cannot_be_seen_whole_is_not_taken_in_part() {
    let mut studio = Studio::new(ALONE);
    studio.put("deep/a.jpg", "a");
    studio.put("deep/1/2/3/4/5/6/7/8/9/b.jpg", "b");
    studio.put("flat/a.jpg", "a");
    assert_eq!(records(&studio.run(60)), ["flat"]);
    assert!(studio.why().contains("deeper than"), "{}", studio.why());
    assert!(studio.is_there("deep/a.jpg") && studio.is_there("deep/1/2/3/4/5/6/7/8/9/b.jpg"));
    durable::remove_tree(&studio.path("deep/1")).unwrap();
    assert_eq!(records(&studio.run(60)), ["deep"]);
}

#[test]
fn pictures_that_two_manifests_shared_are_taken_once_when_the_folder_takes_no_manifests_any_more() {
    let mut studio = Studio::new(BESIDE);
    for name in ["1", "2"] {
        studio.put(&format!("{name}.json"), session(name, &["x.jpg", "never.jpg"]));
    }
    studio.put("x.jpg", "x");
    assert!(studio.run(5).is_empty());
    let config = config(studio.dir.path(), ALONE);
    studio.intake.reconfigure(config, studio.rules.clone());
    assert_eq!(records(&studio.run(60)), ["x"]);
    assert!(!studio.is_there("x.jpg"));
}

#[test]
fn a_drop_with_two_pictures_for_one_place_stops_no_other() {
    let mut studio = Studio::new(BESIDE);
    for name in ["S1007.jpg", "#7/S1007.jpg", "X.jpg", "x.jpg/b.jpg"] {
        studio.put(&format!("bad/{name}"), name);
    }
    studio.put(
        "bad/1.json",
        manifest("1", r##"{"number":1007},{"file":"#1007/S1007.jpg"},{"file":"x.jpg"},{"file":"x.jpg/b.jpg"}"##),
    );
    studio.put("bad/2.json", manifest("2", r#"{"file":"x.jpg"},{"file":"x.jpg/b.jpg"}"#));
    assert!(studio.scan_after(0).is_empty());
    studio.put("good/g.jpg", "g");
    studio.put("good/g.json", session("G", &["g.jpg"]));
    let jobs = studio.run(120);
    assert!(records(&jobs).contains(&"G"), "{:?}", records(&jobs));
    assert_eq!(jobs.len(), 3, "{:?}", studio.state());
}

#[test]
fn an_age_is_not_that_of_the_server() {
    let mut studio = Studio::new(ALONE);
    studio.put("notes.txt", "x");
    std::thread::sleep(Duration::from_millis(300));
    studio.restart();
    let before = crate::clock::now();
    studio.run(10);
    let unnamed = studio.state().unnamed;
    assert_eq!(unnamed[0].name, "notes.txt");
    #[cfg(unix)]
    assert!(unnamed[0].since < before - jiff::SignedDuration::from_millis(200), "{unnamed:?}");
}

#[test]
fn a_picture_without_its_end_is_waited_for_alone_and_in_its_folder() {
    let whole = [b"\xFF\xD8\xFF\xDA\x00\x04ab", &[0x5A; 5_000][..], b"\xFF\xD9"].concat();
    let half = &whole[..3_000];
    let mut studio = Studio::new(&ALONE.replace("scan: 50ms", "scan: 1s"));
    studio.put("x.jpg", half);
    assert!(studio.run(120).is_empty());
    assert!(studio.why().contains("x.jpg: its end is missing; it may still be written"), "{}", studio.why());
    studio.put("x.jpg", &whole);
    assert_eq!(records(&studio.run(60)), ["x"]);
    studio.put("card/a.jpg", &whole);
    studio.put("card/sub/b.jpg", half);
    assert!(studio.run(120).is_empty());
    assert!(studio.why().contains("card/sub/b.jpg: its end is missing"), "{}", studio.why());
    assert_eq!(records(&studio.run(2_000)), ["card"], "after the time for which pictures are waited for it is taken");
}
