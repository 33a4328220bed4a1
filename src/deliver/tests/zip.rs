use std::io::Read as _;

use ::zip::ZipArchive;

use super::*;

const THREE: &[(&str, &str)] = &[("r1", "z.jpg"), ("r2", "Bilder/Grüße 日本.jpg"), ("r3", "a.jpg")];

fn rendered() -> Bench {
    let bench = Bench::new();
    for (step, length) in [("r1", 1000), ("r2", 2000), ("r3", 3000)] {
        bench.render(step, step.repeat(length / 2));
    }
    bench
}

/// The dates of a zip's entries, as people read them.
fn dates(path: &Path) -> Vec<String> {
    let mut archive = ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    (0..archive.len()).map(|i| archive.by_index(i).unwrap().last_modified().unwrap().to_string()).collect()
}

#[test]
fn pictures_are_dated_by_the_camera_and_the_rest_is_of_1980() {
    let bench = rendered();
    bench.put("extras/terms.txt", "terms");
    let members = [("r1", "a.jpg"), ("r2", "b.jpg"), ("r3", "c.jpg"), ("extra:terms.txt", "d.txt")];
    let mut step = bench.to_zip(Some("x.zip"), &members, None);
    for (member, taken) in
        step.members.iter_mut().zip(["2026-06-20T14:01:03", "1979-12-31T23:59:59", "2107-12-31T23:59:59"])
    {
        member.taken = Some(taken.parse().unwrap());
    }
    bench.complete(&step);
    // Seconds in pairs; 1979 is before the format's time.
    let dated = ["2026-06-20 14:01:02", "1980-01-01 00:00:00", "2107-12-31 23:59:58", "1980-01-01 00:00:00"];
    assert_eq!(dates(&bench.path("out/x.zip")), dated);
}

fn entries(path: &Path) -> Vec<(String, usize)> {
    let mut archive = ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    (0..archive.len())
        .map(|i| {
            let mut entry = archive.by_index(i).unwrap();
            assert_eq!(entry.compression(), ::zip::CompressionMethod::Stored);
            assert_eq!(entry.unix_mode().map(|m| m & 0o777), Some(0o644));
            assert_eq!(entry.last_modified(), Some(::zip::DateTime::DEFAULT));
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.name().unwrap().into_owned(), bytes.len())
        })
        .collect()
}

#[test]
fn a_zip_has_every_picture_in_a_fixed_order() {
    let bench = rendered();
    let step = bench.to_zip(Some("S1/web"), THREE, None);
    assert_eq!(bench.complete(&step), [""; 0]);
    assert_eq!(bench.files(), ["S1/web.zip"]);
    let path = bench.path("out/S1/web.zip");
    let expected = [("Bilder/Grüße 日本.jpg".to_string(), 2000), ("a.jpg".into(), 3000), ("z.jpg".into(), 1000)];
    assert_eq!(entries(&path), expected);
    let standing = bench.standing(&step);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!((standing[0].unit.as_str(), standing[0].shown.as_str()), ("v1", "out/S1/web.zip"));
    assert_eq!((standing[0].sha256.clone(), standing[0].bytes), (sha256(&bytes), bytes.len() as u64));
    // No entry of this size needs the long form, and the same inputs give the same bytes, in whatever order.
    assert!(!bytes.windows(4).any(|w| w == b"PK\x06\x06"));
    let other = rendered();
    let turned: Vec<_> = THREE.iter().rev().copied().collect();
    other.complete(&other.to_zip(Some("S1/web.ZIP"), &turned, None));
    assert_eq!(std::fs::read(other.path("out/S1/web.ZIP")).unwrap(), bytes);
}

#[test]
fn nothing_shows_before_all_is_rendered() {
    let bench = Bench::new();
    bench.render("r1", "one");
    assert!(!bench.run(&bench.to_zip(Some("x.zip"), THREE, None)).unwrap().complete);
    assert!(bench.tree().is_empty());
}

#[test]
fn parts_stay_below_their_size_unless_one_picture_is_larger() {
    let bench = rendered();
    let step = bench.to_zip(Some("x.zip"), THREE, Some(3500));
    assert_eq!(bench.complete(&step), [""; 0]);
    assert_eq!(bench.files(), ["x_1.zip", "x_2.zip"]);
    assert_eq!(entries(&bench.path("out/x_1.zip")).len(), 2);
    assert!(bench.standing(&step).iter().all(|s| s.bytes <= 3500));

    let bench = rendered();
    let step = bench.to_zip(Some("x.zip"), THREE, Some(1500));
    let warnings = bench.complete(&step);
    assert_eq!(bench.files(), ["x_1.zip", "x_2.zip", "x_3.zip"]);
    assert!(warnings.len() == 2 && warnings[0].contains("a single picture in it is larger"), "{warnings:?}");

    // Exactly full is not too full.
    let bench = rendered();
    bench.complete(&bench.to_zip(Some("x.zip"), THREE, None));
    let exact = std::fs::metadata(bench.path("out/x.zip")).unwrap().len();
    for (limit, files) in [(exact, vec!["x.zip"]), (exact - 1, vec!["x_1.zip", "x_2.zip"])] {
        let bench = rendered();
        bench.complete(&bench.to_zip(Some("x.zip"), THREE, Some(limit)));
        assert_eq!(bench.files(), files);
    }
}

#[test]
fn a_conflict_renames_the_whole_set_and_own_zips_are_replaced() {
    let bench = rendered();
    bench.put("out/x_2.zip", "foreign");
    let step = bench.to_zip(Some("x.zip"), THREE, Some(3500));
    assert_eq!(bench.complete(&step).len(), 2);
    assert_eq!(bench.files(), ["x_2.zip", "x_2_1.zip", "x_2_2.zip"]);
    bench.next_run(&step);
    bench.render("r1", "corrected");
    bench.render("r2", "two");
    bench.render("r3", "three");
    let step = bench.to_zip(Some("x_2.zip"), THREE, Some(300));
    bench.complete(&step);
    assert_eq!(bench.files(), ["x_2.zip", "x_2_1.zip", "x_2_2.zip"]);
    assert_eq!(entries(&bench.path("out/x_2_1.zip")), [("Bilder/Grüße 日本.jpg".into(), 3), ("z.jpg".into(), 9)]);
    assert_eq!(bench.tree()["x_2.zip"], "foreign");
}

#[test]
fn a_path_without_tokens_is_the_zip() {
    let bench = rendered();
    let mut step = bench.to_zip(None, THREE, None);
    let place = step.place.as_mut().unwrap();
    (place.fixed, place.shown) = (bench.path("out/all.zip"), "out/all.zip".into());
    bench.complete(&step);
    assert_eq!((bench.files(), bench.standing(&step)[0].shown.as_str()), (vec!["all.zip".into()], "out/all.zip"));
}

#[test]
fn damage_is_seen_before_anything_shows() {
    let bench = rendered();
    bench.put("outputs/r2.jpg", "r2".repeat(999) + "x2");
    let step = bench.to_zip(Some("x.zip"), THREE, None);
    assert!(matches!(bench.run(&step), Err(DeliverError::Damaged(_))));
    bench.clean(&step).unwrap();
    assert!(bench.tree().is_empty());
}
