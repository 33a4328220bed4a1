//! `format: copy`: which originals are handed on, and as what the others are made again.

use super::Plan;
use super::fingerprint;
use super::form::Form;
use super::tests::{header, order, planned_from, spec};
use crate::model::spec::{Encoding, Header, Orientation, PictureFormat, TiffCompression};

const CONFIG: &str = r#"
version: 1
library: { roots: [sessions], sources: { hires: ["Hi-Res/{stem}.*"] } }
hot_folders: { status: { folder: drop, images: library } }
profiles:
  as_is: { source: [hires], images: ordered, per: image, format: copy, name: "{number}", deliver: [ { to: folder, path: as_is } ] }
  lab:
    source: [hires]
    images: ordered
    per: image
    format: copy
    name: "{number}"
    deliver: [ { to: lab, format: csv, path: lab, channels: [ { size: 8x10in, channel: 1 } ] } ]
"#;

fn plan(form: Form, profile: &str, image: &str, header: &Header) -> Plan {
    let lines = r#"[{ "line": 1, "item": "X", "image": 7 }]"#;
    planned_from(form, CONFIG, &order(&format!("[{image}]"), lines), &[profile], header)
}

fn turned(format: PictureFormat, bits: u8) -> Header {
    Header { format, bits, orientation: Orientation::from_exif(6), ..header() }
}

fn warnings(plan: &Plan) -> Vec<&str> {
    plan.findings.iter().filter(|f| f.code == "made_again").map(|f| f.text.as_str()).collect()
}

#[test]
fn an_original_that_its_tag_turns_is_handed_on() {
    for format in [PictureFormat::Jpeg, PictureFormat::Png, PictureFormat::Tiff, PictureFormat::Webp] {
        for exif in 1..=8 {
            let header = Header { orientation: Orientation::from_exif(exif), ..turned(format, 8) };
            let plan = plan(Form::CURRENT, "as_is", r#"{ "number": 7 }"#, &header);
            assert_eq!(spec(&plan, 0).encoding, Encoding::Copy, "{format:?} {exif}");
            assert!(warnings(&plan).is_empty());
        }
    }
}

#[test]
fn an_original_that_is_made_again_keeps_its_depth_and_says_why() {
    let image = r#"{ "number": 7, "rotate": 180, "adjust": { "exposure": 0.3 } }"#;
    for (bits, exif) in [(16, 1), (16, 6), (8, 6)] {
        let header = Header { orientation: Orientation::from_exif(exif), ..turned(PictureFormat::Tiff, bits) };
        let plan = plan(Form::CURRENT, "as_is", image, &header);
        assert_eq!(spec(&plan, 0).encoding, Encoding::Tiff { bits, compression: TiffCompression::Lzw });
        let expected = format!(
            "image 7: rotate, adjust: the original is not handed on, but made again as a TIFF of {bits} bits in sRGB"
        );
        assert_eq!(warnings(&plan), [expected]);
    }
    let plan = plan(Form::CURRENT, "as_is", image, &turned(PictureFormat::Webp, 8));
    assert!(matches!(spec(&plan, 0).encoding, Encoding::Jpeg { .. }) && plan.renders[0].name.as_str() == "7.jpg");
}

#[test]
fn a_lab_gets_upright_pixels() {
    let image = r#"{ "number": 7 }"#;
    let plan_of = |header: &Header| plan(Form::CURRENT, "lab", image, header);
    assert_eq!(spec(&plan_of(&header()), 0).encoding, Encoding::Copy);
    let turned = plan_of(&turned(PictureFormat::Jpeg, 8));
    assert!(matches!(spec(&turned, 0).encoding, Encoding::Jpeg { .. }));
    assert!(warnings(&turned)[0].contains("machines of labs"), "{:?}", turned.findings);
}

#[test]
fn what_was_planned_by_earlier_rules_is_finished_by_them() {
    let image = r#"{ "number": 7 }"#;
    let turned = turned(PictureFormat::Tiff, 16);
    for form in [Form::FIRST, serde_json::from_str("2").unwrap()] {
        let plan = plan(form, "as_is", image, &turned);
        assert_eq!(spec(&plan, 0).encoding, Encoding::Tiff { bits: 8, compression: TiffCompression::Lzw }, "{form:?}");
    }
    // An order of 0.1.0 is known again by the digest that it had then.
    let first = plan(Form::FIRST, "as_is", image, &turned);
    let digests: Vec<String> = fingerprint::works(&first, &["an original".to_string()])
        .unwrap()
        .into_iter()
        .flat_map(|work| work.outputs.into_values())
        .collect();
    assert_eq!(&digests[0][..16], "093281bb3e24a2e1");
}
