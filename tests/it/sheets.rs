//! Sheets with several pictures, texts and artwork, and overlays over single ones: from the manifest to the pixels.

use image::{Rgb, RgbImage};

use crate::studio::{Studio, files};

const CONFIG: &str = r##"
version: 1
studio: { name: Larson Portraits }
library: { roots: [sessions], sources: { hires: ["Hi-Res/{stem}.*"] }, image_number: { last: 3 } }
hot_folders: { status: { folder: drop/status, images: library, settle: 100ms, scan: 200ms } }
items: { "WALLET": { layout: wallets, unit: piece } }
profiles:
  prints:
    source: [hires]
    size: ordered
    dpi: 50
    format: png
    name: "{record}_{line:02}"
    checks: { low_ppi: off, crop_cuts: off, uncropped_line: off }
    deliver: [ { to: folder, path: out } ]
  proofs:
    source: [hires]
    images: all
    per: image
    size: 300x200px
    format: png
    name: "proof_{number}"
    overlays:
      - { image: art/red.svg, at: top-left, width: 10%, margin: 5% }
      - { text: "{number} {studio.name}", at: bottom, height: 10%, margin: 2% }
    deliver: [ { to: folder, path: proofs } ]
render_jobs:
  - { name: print, when: { kind: invoice }, run: [prints] }
  - { name: proof, when: { kind: session }, run: [proofs] }
layouts:
  wallets: { sheet: 8x10in, grid: { columns: 2, rows: 3, opening: 3x2in, gutter: 0.2in, cut_marks: true } }
  pair:
    sheet: 10x8in
    background: "#000080"
    slots:
      - { x: 1in, y: 1in, width: 4in, height: 4in }
      - { x: 5in, y: 1in, width: 4in, height: 4in }
    texts: [ { text: "{fields.name}", x: 1in, y: 6in, width: 8in, height: 1in, align: center, color: "#ffffff" } ]
    artwork: [ { image: art/red.svg, x: 9in, y: 7in, width: 0.5in } ]
"##;

const SVG: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10" fill="#ff0000"/></svg>"##;

/// A studio whose first picture is green on the left and grey on the right, the second all yellow.
fn studio() -> Studio {
    let studio = Studio::bare(CONFIG);
    studio.write("art/red.svg", SVG.as_bytes());
    let picture = |name: &str, color: &dyn Fn(u32) -> [u8; 3]| {
        let image = RgbImage::from_fn(600, 400, |x, _| Rgb(color(x)));
        let mut png = std::io::Cursor::new(Vec::new());
        image.write_to(&mut png, image::ImageFormat::Png).unwrap();
        studio.write(&format!("sessions/S1/Hi-Res/{name}.png"), png.get_ref());
    };
    picture("S1001", &|x| if x < 300 { [0, 160, 0] } else { [128, 128, 128] });
    picture("S1002", &|_| [200, 200, 0]);
    studio
}

fn open(studio: &Studio, path: &str) -> RgbImage {
    image::open(studio.path(path)).unwrap().to_rgb8()
}

fn order(lines: &str) -> String {
    format!(
        r#"{{ "manifest": 1, "kind": "invoice", "record": "7", "status": "x", "session": "S1",
            "images": [ {{ "number": 1 }}, {{ "number": 2 }} ], "lines": {lines} }}"#
    )
}

#[test]
fn one_picture_fills_a_grid_and_is_turned_into_its_openings() {
    let mut studio = studio();
    studio.serve();
    let lines = r#"[{ "line": 1, "item": "WALLET", "quantity": 13, "image": 1, "crop": [0.25, 0, 0.5, 1] }]"#;
    studio.drop_file("status", "a.json", &order(lines));
    let done = studio.wait_jobs("done", 1);
    let sheet = open(&studio, "out/7_01.png");
    assert_eq!(sheet.dimensions(), (400, 500));
    // Six openings of 150 x 100, 10 apart: the columns begin at 45 and 205, the rows at 90, 200 and 310.
    for (x, y) in [(45, 90), (205, 90), (45, 200), (205, 200), (45, 310), (205, 310)] {
        // The portrait crop was turned clockwise: what was left is up.
        assert_eq!(sheet.get_pixel(x, y).0, [0, 160, 0], "{x} {y}");
        assert_eq!(sheet.get_pixel(x + 149, y + 40).0, [0, 160, 0], "{x} {y}");
        assert_eq!(sheet.get_pixel(x + 149, y + 99).0, [128, 128, 128], "{x} {y}");
    }
    for (x, y) in [(44, 95), (199, 140), (100, 195), (370, 450)] {
        assert_eq!(sheet.get_pixel(x, y).0, [255; 3], "{x} {y} is paper");
    }
    assert_eq!(sheet.get_pixel(45, 85).0, [0; 3], "a mark above the first column");
    assert_eq!(studio.receipt(&done[0])["outputs"][0]["source"], "S1/Hi-Res/S1001.png");
    studio.stop();
    studio.audit();
}

#[test]
fn slots_texts_and_artwork_lie_where_the_layout_says() {
    let mut studio = studio();
    studio.serve();
    let lines = r#"[{ "line": 3, "layout": "pair", "fields": { "name": "Ada & Ben" },
        "slots": [ { "image": 1, "crop": [0, 0, 0.4, 1] }, { "image": 2, "tone": "bw" } ] }]"#;
    studio.drop_file("status", "a.json", &order(lines));
    let done = studio.wait_jobs("done", 1);
    let sheet = open(&studio, "out/7_03.png");
    assert_eq!(sheet.dimensions(), (500, 400));
    assert_eq!(sheet.get_pixel(49, 100).0, [0, 0, 128]);
    assert_eq!(sheet.get_pixel(50, 50).0, [0, 160, 0]);
    assert_eq!(sheet.get_pixel(249, 249).0, [0, 160, 0]);
    let [r, g, b] = sheet.get_pixel(250, 249).0;
    assert!(r == g && g == b && r > 150, "the neighbour begins without a gap: {r} {g} {b}");
    assert_eq!(sheet.get_pixel(460, 360).0, [255, 0, 0], "the logo");
    let white = |x: u32, y: u32| sheet.get_pixel(x, y).0[0] > 200;
    let letters: Vec<(u32, u32)> =
        (0..500).flat_map(|x| (250..400).map(move |y| (x, y))).filter(|(x, y)| white(*x, *y) && *x < 450).collect();
    assert!(letters.len() > 200 && letters.iter().all(|(_, y)| (300..350).contains(y)), "{letters:?}");
    let middle = letters.iter().map(|(x, _)| f64::from(*x)).sum::<f64>() / letters.len() as f64;
    assert!((middle - 250.0).abs() < 12.0, "centred: {middle}");
    let output = &studio.receipt(&done[0])["outputs"][0];
    assert_eq!(output["sources"].as_array().unwrap().len(), 2);
    assert_eq!(output["sources"][1]["source"], "S1/Hi-Res/S1002.png");
    studio.stop();
    studio.audit();
}

#[test]
fn overlays_lie_over_each_picture_and_an_edited_logo_does_not_change_a_job() {
    let mut studio = studio();
    let manifest = r#"{ "manifest": 1, "kind": "session", "record": "S1", "status": "x", "session": "S1",
        "images": [ { "number": 1 }, { "number": 2 } ] }"#;
    studio.serve();
    studio.drop_file("status", "a.json", manifest);
    studio.wait_jobs("done", 1);
    assert_eq!(files(&studio.path("proofs")), ["proof_1.png", "proof_2.png"]);
    let proof = open(&studio, "proofs/proof_2.png");
    // 5 % and 10 % of the short edge of 200 pixels.
    assert_eq!(proof.get_pixel(9, 10).0, [200, 200, 0]);
    assert_eq!((proof.get_pixel(10, 10).0, proof.get_pixel(29, 29).0), ([255, 0, 0], [255, 0, 0]));
    assert_eq!(proof.get_pixel(30, 29).0, [200, 200, 0]);
    let letters =
        (0..300).flat_map(|x| (0..200).map(move |y| (x, y))).filter(|(x, y)| proof.get_pixel(*x, *y).0[2] > 128);
    let letters: Vec<(u32, u32)> = letters.collect();
    assert!(letters.len() > 100 && letters.iter().all(|(_, y)| (176..196).contains(y)), "{letters:?}");
    studio.stop();
    studio.audit();
}

#[test]
fn a_person_is_asked_about_texts_that_cannot_be_set() {
    let mut studio = studio();
    studio.serve();
    let line = |name: &str| {
        format!(
            r#"[{{ "line": 1, "layout": "pair", "fields": {{ "name": "{name}" }}, "slots": [ {{ "image": 1 }}, {{ "image": 2 }} ] }}]"#
        )
    };
    studio.drop_file("status", "a.json", &order(&line("Ada 李")));
    let held = studio.wait_jobs("held", 1);
    let questions = std::fs::read_to_string(held[0].join("questions.json")).unwrap();
    assert!(questions.contains("missing_glyph") && questions.contains("李 (U+674E)"), "{questions}");
    studio.stop();
    studio.audit();
}

#[test]
fn artwork_and_fonts_that_cannot_be_used_are_told_beforehand() {
    let studio = studio();
    studio.run(&["check"]);
    studio.write("art/red.svg", b"%PDF-1.7\n");
    let told = studio.run(&["check"]).expect(1);
    assert!(told.out.contains("red.svg") && told.out.contains("PDF"), "{}", told.out);
    let lines = r#"[{ "line": 1, "layout": "pair", "slots": [ { "image": 1 } ] }]"#;
    studio.write("a.json", order(lines).as_bytes());
    let told = studio.run(&["plan", "a.json"]).expect(1);
    assert!(told.out.contains("the layout `pair` has 2 openings, the line 1 slots"), "{}{}", told.out, told.err);
}
