//! Waiting for pictures, beside the manifest and in the library.

use super::*;

#[test]
fn missing_pictures_are_waited_for_from_arrival_to_arrival() {
    let mut studio = Studio::new(BESIDE);
    studio.put("o/a.json", session("S1", &["x.jpg", "sub/y.jpg", "z.jpg"]));
    assert!(studio.run(30).is_empty());
    assert!(studio.why().contains("3 pictures are not there yet") && studio.why().contains("sub/y.jpg"));
    studio.put("o/x.jpg", "x");
    assert!(studio.run(45).is_empty(), "each arrival begins the wait anew");
    studio.put("o/sub/Y.JPG", "y");
    assert!(studio.run(55).is_empty());
    assert!(studio.why().ends_with(" z.jpg"), "{}", studio.why());
    let jobs = studio.run(15);
    assert_eq!(jobs[0].files(), ["inputs/sub/y.jpg", "inputs/x.jpg", "job.json", "manifest.json", "rules.json"]);
    assert!(!studio.is_there("o") && studio.is_there(""), "the order's folder goes with its content");

    studio.put("b.json", session("S2", &["x.jpg"]));
    assert!(studio.run(10).is_empty());
    studio.put("x.jpg", "x");
    assert_eq!(records(&studio.run(6)), ["S2"], "the last arrival ends the wait");
}

#[test]
fn a_picture_that_grows_is_waited_for() {
    let mut studio = Studio::new(BESIDE);
    studio.put("a.json", session("S1", &["x.jpg"]));
    for n in 1..100 {
        studio.put("x.jpg", vec![b'x'; n]);
        assert!(studio.run(1).is_empty());
    }
    assert!(studio.why().contains("x.jpg (still changing)"));
    assert_eq!(studio.run(3).len(), 1);
}

#[test]
fn a_demanded_digest_decides_whether_a_picture_is_there() {
    let mut studio = Studio::new(BESIDE);
    let sha256 = crate::model::digest::sha256(b"right");
    studio.put("a.json", manifest("S1", &format!(r#"{{"file":"x.jpg","sha256":"{sha256}"}}"#)));
    studio.put("x.jpg", "wrong");
    assert!(studio.run(30).is_empty());
    assert!(studio.why().contains("not with the sha256"));
    studio.put("x.jpg", "right");
    assert_eq!(studio.run(5).len(), 1);

    studio.put("b.json", manifest("S2", &format!(r#"{{"file":"x.jpg","sha256":"{sha256}"}}"#)));
    studio.put("x.jpg", "wrong");
    let jobs = studio.run(70);
    assert_eq!(jobs[0].files()[0], "inputs/x.jpg", "the job fails naming both: it needs the wrong one");
}

#[test]
fn pictures_by_number_keep_their_names() {
    let mut studio = Studio::new(
        "library: { roots: [lib], sources: { hires: '{stem}.*' }, image_number: { last: 3 } }\nhot_folders: { in: { folder: drop, images: beside } }",
    );
    studio.put("a.json", manifest("S1", r#"{"number":7},{"file":"x.jpg"}"#));
    studio.put("S1007.JPG", "seven");
    studio.put("x.jpg", "x");
    let jobs = studio.run(5);
    let inputs = jobs[0].folder.join(file::INPUTS);
    assert!(jobs[0].files().contains(&"inputs/#7/S1007.JPG".to_string()));
    let name = |file: Option<&str>, number: Option<&str>| {
        let (file, number) = (file.map(str::to_string), number.map(str::to_string));
        let image = crate::model::manifest::Image { number, file, ..Default::default() };
        input_name(&image, &inputs).map(|name| name.to_string())
    };
    assert_eq!(name(None, Some("7")).as_deref(), Some("#7/S1007.JPG"));
    assert_eq!(name(Some("x.jpg"), Some("7")).as_deref(), Some("x.jpg"));
    assert_eq!((name(None, Some("8")), name(Some("y.jpg"), None)), (None, None));
}

#[test]
fn a_shared_picture_stays_until_its_last_manifest_is_taken() {
    let mut studio = Studio::new(BESIDE);
    studio.put("a.json", session("S1", &["x.jpg"]));
    studio.put("b.json", session("S2", &["x.jpg", "y.jpg"]));
    studio.put("x.jpg", "shared");
    let jobs = studio.run(5);
    assert_eq!(records(&jobs), ["S1"]);
    assert!(jobs[0].record.taken[1].shared && studio.is_there("x.jpg"));
    studio.put("y.jpg", "y");
    let jobs = studio.run(5);
    assert_eq!(records(&jobs), ["S2"]);
    assert!(!studio.is_there("x.jpg"));

    // Both at once; and one that is still settling counts.
    studio.put("c.json", session("S3", &["x.jpg"]));
    studio.put("d.json", session("S4", &["x.jpg"]));
    studio.put("x.jpg", "again");
    studio.scan_after(5_000);
    studio.put("e.json", session("S5", &["x.jpg"]));
    let jobs = studio.scan_after(2_000);
    assert_eq!(records(&jobs), ["S3", "S4"]);
    assert!(studio.is_there("x.jpg"));
    assert_eq!(records(&studio.run(5)), ["S5"]);
    assert!(!studio.is_there("x.jpg"));
}

#[test]
fn what_makes_nothing_takes_only_itself() {
    let mut studio = Studio::new(BESIDE);
    studio.put("a.json", session("S1", &["x.jpg", "y.jpg"]).replace("Ordered", "Ignored"));
    studio.put("x.jpg", "x");
    let jobs = studio.run(5);
    assert_eq!(jobs[0].record.taken.len(), 1, "and does not wait for pictures");
    assert!(studio.is_there("x.jpg"));
}

const LIBRARY: &str = "library: { roots: [lib], sources: { retouched: 'R/{stem}.*', hires: 'H/{stem}.*' } }\n\
                       hot_folders: { in: { folder: drop, images: library, complete_within: 1m } }";

#[test]
fn originals_are_waited_for_in_the_library() {
    let mut studio = Studio::new(LIBRARY);
    let lib = studio.dir.path().join("lib");
    durable::make_folder(&lib).unwrap();
    studio.put("a.json", session("S1", &["x.jpg", "y.jpg"]));
    studio.put("x.jpg", "not looked at");
    assert!(studio.run(20).is_empty());
    assert!(studio.why().contains("no folder `S1*` in"), "{}", studio.why());
    put(&lib, "S1/H/x.jpg", "x");
    assert!(studio.run(50).is_empty());
    assert!(studio.why().contains("1 picture is not there yet"), "{}", studio.why());
    put(&lib, "S1/R/y.tif", "y");
    let jobs = studio.run(15);
    assert_eq!(jobs[0].files(), ["job.json", "manifest.json", "rules.json"], "originals stay where they are");
    assert!(lib.join("S1/H/x.jpg").is_file() && lib.join("S1/R/y.tif").is_file());

    studio.put("b.json", session("S1", &["x.jpg", "z.jpg"]));
    assert!(studio.run(60).is_empty());
    assert_eq!(studio.run(10).len(), 1, "after a minute without an arrival it goes on");
}

#[test]
fn originals_that_have_just_been_written_settle_first() {
    let mut studio = Studio::new(LIBRARY);
    let lib = studio.dir.path().join("lib");
    put(&lib, "S1/H/x.jpg", "x");
    studio.put("a.json", session("S1", &["x.jpg"]));
    studio.scan_after(0);
    assert!(studio.scan_after(2_000).is_empty());
    assert!(studio.why().contains("still changing"));
    put(&lib, "S1/H/x.jpg", "xx");
    assert!(studio.run(1).is_empty());
    assert_eq!(studio.run(4).len(), 1);

    let old = std::time::UNIX_EPOCH + Duration::from_hours(400_000);
    std::fs::File::options().write(true).open(lib.join("S1/H/x.jpg")).unwrap().set_modified(old).unwrap();
    studio.put("b.json", session("S1", &["x.jpg"]));
    studio.scan_after(5_000);
    assert_eq!(studio.scan_after(2_000).len(), 1, "an old original is not waited for");
}

#[test]
fn a_library_that_is_not_there_is_waited_for_without_end() {
    let mut studio = Studio::new(LIBRARY);
    studio.put("a.json", session("S1", &["x.jpg"]));
    assert!(studio.run(3_600).is_empty());
    assert!(studio.why().starts_with("the library cannot be reached"));
    let lib = studio.dir.path().join("lib");
    durable::make_folder(&lib).unwrap();
    assert!(studio.run(50).is_empty(), "the wait for pictures begins when it is back");
    put(&lib, "S1/H/x.jpg", "x");
    assert_eq!(studio.run(35).len(), 1);
}

#[test]
fn a_tie_is_no_reason_to_wait() {
    let mut studio = Studio::new(LIBRARY);
    let lib = studio.dir.path().join("lib");
    put(&lib, "S1 a/H/x.jpg", "x");
    put(&lib, "S1 b/H/x.jpg", "x");
    studio.put("a.json", session("S1", &["x.jpg"]));
    assert_eq!(studio.run(3).len(), 1);
}

/// A JPEG as far as its structure goes, and its half.
fn jpeg_and_half() -> (Vec<u8>, Vec<u8>) {
    let scan = b"\xFF\xD8\xFF\xDA\x00\x04ab".iter().copied().chain(std::iter::repeat_n(0x5A, 5_000));
    let half: Vec<u8> = scan.collect();
    ([&half[..], b"\xFF\xD9"].concat(), half)
}

#[test]
fn a_picture_without_its_end_is_waited_for_beside_its_manifest() {
    let (whole, half) = jpeg_and_half();
    let mut studio = Studio::new(BESIDE);
    studio.put("o/a.json", session("S1", &["x.jpg", "y.jpg"]));
    studio.put("o/x.jpg", &half);
    studio.put("o/y.jpg", vec![0; whole.len()]);
    assert!(studio.run(40).is_empty());
    let why = studio.why();
    for picture in ["x.jpg", "y.jpg"] {
        assert!(why.contains(&format!("{picture} (its end is missing; it may still be written)")), "{why}");
    }
    studio.put("o/x.jpg", [&whole[..], b"a film"].concat());
    assert!(studio.run(40).is_empty(), "each arrival begins the wait anew");
    studio.put("o/y.jpg", &whole);
    assert_eq!(records(&studio.run(5)), ["S1"]);

    studio.put("b.json", session("S2", &["x.jpg"]));
    studio.put("x.jpg", &half);
    assert!(studio.run(50).is_empty());
    let jobs = studio.run(20);
    assert_eq!(jobs[0].files()[0], "inputs/x.jpg", "in the end it goes along: the job says what is wrong with it");
}

#[test]
fn an_original_without_its_end_is_waited_for_in_the_library() {
    let (whole, half) = jpeg_and_half();
    let mut studio = Studio::new(LIBRARY);
    let lib = studio.dir.path().join("lib");
    put(&lib, "S1/H/x.jpg", &half);
    studio.put("a.json", session("S1", &["x.jpg"]));
    assert!(studio.run(50).is_empty());
    assert!(studio.why().contains("x.jpg (its end is missing; it may still be written)"), "{}", studio.why());
    put(&lib, "S1/H/x.jpg", [&half[..], &half[10..]].concat());
    assert!(studio.run(50).is_empty(), "it grows: each change begins the wait anew");
    put(&lib, "S1/H/x.jpg", &whole);
    assert_eq!(studio.run(30).len(), 1);

    put(&lib, "S1/H/x.jpg", &half);
    let old = std::time::UNIX_EPOCH + Duration::from_hours(400_000);
    std::fs::File::options().write(true).open(lib.join("S1/H/x.jpg")).unwrap().set_modified(old).unwrap();
    studio.put("b.json", session("S1", &["x.jpg"]));
    assert_eq!(studio.run(5).len(), 1, "an original that was damaged long ago is not waited for");
}
