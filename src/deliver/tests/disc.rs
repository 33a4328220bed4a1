use super::*;

const THREE: &[(&str, &str)] = &[("r1", "a.jpg"), ("r2", "sub/b.jpg"), ("r3", "c.jpg")];
/// Two small files: each takes a sector and one in the directory.
const TWO_FILES: u64 = 4 * 2048;

fn rendered() -> Bench {
    let bench = Bench::new();
    for step in ["r1", "r2", "r3"] {
        bench.render(step, step);
    }
    bench
}

#[test]
fn one_disc_is_the_folder_itself() {
    let bench = Bench::new();
    let mut step = bench.to_disc(Some("Larson-1042"), THREE, 1 << 20);
    step.label = Some("Larson {disc} of {discs}".into());
    bench.render("r1", "r1");
    assert!(!bench.run(&step).unwrap().complete);
    assert!(bench.tree().is_empty());
    bench.render("r2", "r2");
    bench.render("r3", "r3");
    assert_eq!(bench.complete(&step), [""; 0]);
    let files = ["Larson-1042.label.txt", "Larson-1042/a.jpg", "Larson-1042/c.jpg", "Larson-1042/sub/b.jpg"];
    assert_eq!(bench.files(), files);
    assert_eq!(bench.tree()["Larson-1042.label.txt"], "Larson 1 of 1\n");
    let standing = bench.standing(&step);
    let shown: Vec<_> = standing.iter().map(|s| (s.unit.as_str(), s.shown.as_str(), s.bytes)).collect();
    assert_eq!(shown, [("label1", "out/Larson-1042.label.txt", 14), ("v1", "out/Larson-1042", 6)]);
    assert_eq!(standing[1].path, bench.path("out/Larson-1042"));
}

#[test]
fn more_discs_are_one_folder_with_extras_on_the_first() {
    let bench = rendered();
    bench.put("extras/licence.pdf", "pdf");
    let members = [THREE, &[("extra:licence.pdf", "licence.pdf")]].concat();
    let mut step = bench.to_disc(Some("x/J. Lee"), &members, TWO_FILES);
    step.label = Some("{disc}/{discs}".into());
    bench.complete(&step);
    let expected = [
        "x/J. Lee/Disc 1.label.txt",
        "x/J. Lee/Disc 1/a.jpg",
        "x/J. Lee/Disc 1/licence.pdf",
        "x/J. Lee/Disc 2.label.txt",
        "x/J. Lee/Disc 2/c.jpg",
        "x/J. Lee/Disc 2/sub/b.jpg",
    ];
    assert_eq!(bench.files(), expected);
    assert_eq!(bench.tree()["x/J. Lee/Disc 2.label.txt"], "2/2\n");
    assert_eq!(bench.standing(&step)[1].shown, "out/x/J. Lee/Disc 1");
}

#[test]
fn a_file_that_fits_no_disc_is_for_a_person() {
    let bench = rendered();
    let error = bench.run(&bench.to_disc(Some("x"), THREE, 4095)).unwrap_err();
    assert!(matches!(&error, DeliverError::Conflict(why) if why.contains("choose a larger `medium`")), "{error}");
}

#[test]
fn a_foreign_folder_or_label_sends_the_disc_elsewhere() {
    for foreign in ["out/J. Lee/x", "out/J. Lee.label.txt"] {
        let bench = rendered();
        bench.put(foreign, "foreign");
        let mut step = bench.to_disc(Some("J. Lee"), THREE, 1 << 20);
        step.label = Some("label".into());
        let warnings = bench.complete(&step);
        assert_eq!(bench.standing(&step)[1].shown, "out/J. Lee_2");
        assert!(bench.path("out/J. Lee_2.label.txt").exists() && warnings[0].contains("delivered as `J. Lee_2`"));
        assert_eq!(std::fs::read(bench.path(foreign)).unwrap(), b"foreign");
    }
}

#[test]
fn its_own_earlier_discs_are_replaced_whole() {
    for (before, after) in [(1 << 20, 1 << 20), (TWO_FILES, TWO_FILES), (TWO_FILES, 1 << 20), (1 << 20, TWO_FILES)] {
        for edited in [false, true] {
            let bench = rendered();
            let mut step = bench.to_disc(Some("J"), THREE, before);
            step.label = Some("{disc}".into());
            bench.complete(&step);
            bench.next_run(&step);
            bench.put(if before == TWO_FILES { "out/J/Disc 1/Thumbs.db" } else { "out/J/Thumbs.db" }, "a viewer's");
            if edited {
                bench.put(if before == TWO_FILES { "out/J/Disc 1/a.jpg" } else { "out/J/a.jpg" }, "edited");
            }
            for name in ["r1", "r2", "r3"] {
                bench.render(name, format!("{name} corrected"));
            }
            let members = THREE.to_vec();
            let mut step = bench.to_disc(Some("J"), &members, after * 2);
            step.label = Some("{disc}".into());
            bench.complete(&step);
            let tree = bench.tree();
            let corrected = tree.iter().filter(|(_, text)| text.ends_with("corrected")).count();
            assert_eq!((corrected, tree.values().any(|text| text == "edited")), (3, edited), "{tree:?}");
            assert_eq!(tree.contains_key("J_2/"), edited);
            assert!(!tree.keys().any(|name| name.starts_with(".hf-")));
        }
    }
}

#[test]
fn a_path_without_tokens_holds_the_discs_of_every_job() {
    let bench = rendered();
    let step = bench.to_disc(None, &THREE[..1], 1 << 20);
    bench.complete(&step);
    assert_eq!(bench.files(), ["Disc/a.jpg"]);
    assert_eq!(bench.standing(&step)[0].shown, "out/Disc");
    let mut other = step.clone();
    other.id = StepId("d2".into());
    bench.complete(&other);
    assert_eq!(bench.standing(&other)[0].shown, "out/Disc_2");
}
