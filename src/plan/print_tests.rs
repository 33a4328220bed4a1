//! Sheets for printers: what config and order make of them.

use super::printing::Ask;
use super::tests::{order, planned_with, printing, spec};
use super::*;
use crate::model::spec::{Edges, Element, PixelSize, Turn, Window};
use crate::model::units::{Color, Dimensions};

const CONFIG: &str = r#"
version: 1
library: { roots: [sessions], sources: { hires: ["Hi-Res/{stem}.*"] } }
hot_folders: { status: { folder: drop, images: library, location: Main Street } }
profiles:
  prints:
    source: [hires]
    size: ordered
    dpi: 100
    bleed: 3mm
    name: "{record}_{line:02}"
    deliver: [ { to: folder, path: out }, { to: print, printer: lustre }, { to: print, printer: dye, copies: 3 } ]
  poster: { source: [hires], size: ordered, dpi: 100, name: "{line}", deliver: [ { to: print, printer: lustre, media: 13x19in } ] }
  whole: { source: [hires], size: ordered, dpi: 100, enlarge: never, fit: fit, format: webp, name: "{line}", deliver: [ { to: print, printer: epson } ] }
printers:
  lustre-1:
    uri: "ipp://10.0.0.21/ipp/print"
    pool: lustre
    location: Main Street
    overspray: 0.05in
    color: { profile: adobe_rgb }
    media: { 8x10in: { across: 8in, type: "lus*" }, 5x7in: { across: 7in }, 5x5in: { on: 5x7in, cut_marks: true }, 13x19in: {} }
  lustre-2:
    uri: "ipp://10.0.0.22/ipp/print"
    pool: lustre
    location: North
    overspray: 0.05in
    color: { profile: adobe_rgb }
    media: { 8x10in: { across: 8in, type: "lus*" }, 11x14in: {}, 13x19in: {} }
  dye: { folder: dnp, sub_folder: "{size}", media: [8x10in, 5x7in, 5x5in] }
  epson: { command: ["/bin/print", "{file}"], media: [13x19in] }
pools: { lustre: {} }
"#;

fn plan(lines: &str, profile: &str) -> Plan {
    planned_with(CONFIG, &order(r#"[{ "number": 7 }]"#, lines), &[profile])
}

fn line(more: &str) -> String {
    format!(r#"[{{ "line": 1, "image": 7, {more} }}]"#)
}

#[test]
fn each_target_has_a_sheet_of_its_own() {
    let plan = plan(&line(r#""size": "8x10in", "quantity": 2, "paper": "Lustre""#), "prints");
    let targets: Vec<_> = plan.renders.iter().map(spec_size).collect();
    // The file with its bleed, the sheet with its overspray turned into the feed, the plain one.
    assert_eq!(targets, [(1024, 824), (810, 1010), (1000, 800)]);
    let (lustre, dye) = (&plan.deliveries[1], &plan.deliveries[2]);
    let print = &lustre.prints[0];
    assert_eq!((print.id.0.as_str(), print.sheet.0.as_str(), print.copies), ("p1", "r2", 2));
    assert_eq!((print.ask.printer.as_str(), print.ask.paper.as_deref()), ("lustre", Some("Lustre")));
    assert_eq!((dye.prints[0].id.0.as_str(), dye.prints[0].copies, dye.prints[0].sheet.0.as_str()), ("p2", 3, "r3"));
    assert_eq!(dye.prints[0].folders["dye"].as_str(), "8x10in");
    assert_eq!((print.file.as_str(), dye.prints[0].file.as_str()), ("job_1", "job_1_2"));
    let sheet = spec(&plan, 1);
    assert_eq!((sheet.turn, sheet.color.output.clone()), (Turn::Quarter, crate::model::spec::ColorSpace::AdobeRgb));
    // The picture runs over the edge; where it ends, its mirror does.
    let cell = &sheet.cells[0];
    assert_eq!(cell.window, Window { x: 0, y: 5, width: 1010, height: 800 });
    assert_eq!(cell.mirror, Edges { top: 5, bottom: 5, ..Edges::default() });
    assert_eq!(plan.findings.iter().filter(|f| f.code == "uncropped_line").count(), 1, "judged once");
}

#[test]
fn the_folder_of_a_size_is_that_of_the_paper() {
    let config = CONFIG
        .replace("media: [8x10in, 5x7in, 5x5in] }", "media: { 8x10in: {}, 5x7in: {}, 5x5in: { on: 5x7in } } }")
        .replace("printer: dye, copies: 3", "printer: dye, media: MEDIA")
        .replace(
            "printers:",
            "layouts: { duo: { sheet: 8x10in, grid: { columns: 1, rows: 2, opening: 7x5in } } }\nprinters:",
        );
    let folder = |media: &str, lines: &str| {
        let plan =
            planned_with(&config.replace("MEDIA", media), &order(r#"[{ "number": 7 }]"#, &line(lines)), &["prints"]);
        let delivery = &plan.deliveries[2];
        (delivery.prints[0].folders["dye"].to_string(), plan.renders[2].name.to_string())
    };
    let of = |folder: &str| (folder.to_string(), "1042_01.jpg".to_string());
    let pieces = r#""size": "5x7in", "layout": "duo", "unit": "piece", "quantity": 2"#;
    assert_eq!(folder("ordered", pieces), of("8x10in"));
    assert_eq!(folder("8x10in", r#""size": "5x7in""#), of("8x10in"));
    assert_eq!(folder("ordered", r#""size": "5x5in""#), of("5x7in"));
}

fn spec_size(step: &RenderStep) -> (u32, u32) {
    let pixels = step.spec().unwrap_or_else(|| panic!("{:?}", step.work)).pixels();
    (pixels.width, pixels.height)
}

#[test]
fn a_size_on_larger_paper_is_placed_and_never_scaled() {
    let plan = plan(&line(r#""size": "5x5in", "crop": [0, 0, 0.5, 0.75]"#), "prints");
    let sheet = spec(&plan, 1);
    assert_eq!((sheet.sheet, sheet.background), (PixelSize::new(510, 710), Color::WHITE));
    assert_eq!(sheet.cells[0].window, Window { x: 5, y: 105, width: 500, height: 500 });
    assert_eq!(sheet.cells[0].mirror, Edges::default());
    let marks: Vec<_> = sheet.elements.iter().filter(|e| matches!(e, Element::Line(_))).collect();
    assert_eq!(marks.len(), 8, "two at each corner");
    assert_eq!(plan.deliveries[1].prints[0].demand.paper, Dimensions::parse("5x7in").unwrap());
    // The dye printer has paper of that size.
    assert_eq!(spec(&plan, 2).sheet, PixelSize::new(500, 500));
}

#[test]
fn a_named_paper_takes_what_fits_on_it() {
    let poster = plan(&line(r#""size": "11x14in""#), "poster");
    assert_eq!(spec_size(&poster.renders[0]), (1910, 1310));
    let too_large = plan(&line(r#""size": "20x24in""#), "poster");
    assert!(matches!(&too_large.renders[0].work, Work::Blocked { code, .. } if code == "does_not_fit"));
    assert_eq!(too_large.deliveries[0].prints.len(), 1, "its place in the order is kept");
}

#[test]
fn the_feed_turns_the_sheet() {
    let plan = plan(&line(r#""size": "5x7in", "crop": [0.2, 0, 0.5, 1]"#), "prints");
    // 7 in lie across: a portrait is turned.
    assert_eq!((spec(&plan, 1).turn, spec_size(&plan.renders[1])), (Turn::Quarter, (710, 510)));
    assert_eq!(spec_size(&plan.renders[2]), (500, 700), "where nothing is said it lies as it is");
}

#[test]
fn paper_has_its_size_whatever_the_profile_says_of_fitting() {
    let plan = plan(&line(r#""size": "13x19in""#), "whole");
    assert_eq!(spec_size(&plan.renders[0]), (1900, 1300));
    assert_eq!(plan.renders[0].name.as_str(), "1.jpg", "WebP is for screens");
}

#[test]
fn what_no_printer_takes_is_said_with_what_they_take() {
    let blocked = |lines: &str, of: usize| match &plan(lines, "prints").renders[of].work {
        Work::Blocked { code, reason } => (code.clone(), reason.clone()),
        Work::Render { .. } => panic!("{lines} is printed"),
    };
    let (code, reason) = blocked(&line(r#""size": "16x20in""#), 1);
    assert_eq!(code, "no_media");
    assert!(reason.contains("`lustre` takes no 16x20in") && reason.contains("13x19in"), "{reason}");
    assert_eq!(blocked(&line(r#""size": "8x10in", "paper": "matte""#), 1).0, "wrong_paper");
    assert_eq!(blocked(&line(r#""size": "11x14in""#), 1).0, "no_printer_here", "it stands in another town");
    assert_eq!(blocked(&line(r#""size": "800x1000px""#), 1).0, "no_size");
}

#[test]
fn another_demand_of_a_printer_is_another_demand() {
    let ask = Ask {
        printer: "lustre".into(),
        size: Dimensions::parse("8x10in").unwrap(),
        borderless: true,
        paper: None,
        location: None,
    };
    let now = printing(CONFIG).demand(&ask).unwrap();
    assert_eq!(printing(CONFIG).demand(&ask).unwrap(), now);
    for (from, to) in [("across: 8in", "across: 10in"), ("overspray: 0.05in", "overspray: 1mm"), ("adobe_rgb", "srgb")]
    {
        assert_ne!(printing(&CONFIG.replace(from, to)).demand(&ask).unwrap(), now, "{to}");
    }
    let bordered = Ask { borderless: false, ..ask };
    assert_eq!(printing(CONFIG).demand(&bordered).unwrap().overspray, None);
}

#[test]
fn a_reprint_says_so_in_every_name() {
    let mut plan = plan(&line(r#""size": "8x10in""#), "prints");
    plan.mark_reprint(2);
    assert_eq!(plan.deliveries[1].prints[0].file.as_str(), "job_1-r2");
    assert_eq!(plan.deliveries[1].members[0].path.as_str(), "1042_01-r2.jpg");
}

#[test]
fn copies_paper_and_quality_are_part_of_the_work() {
    let works = |lines: &str, config: &str| {
        let plan = planned_with(config, &order(r#"[{ "number": 7 }]"#, lines), &["prints"]);
        let sources = vec![String::new(); plan.sources.len()];
        fingerprint::works(&plan, &sources).unwrap()
    };
    let lines = line(r#""size": "8x10in", "quantity": 2"#);
    let before = works(&lines, CONFIG);
    assert_eq!(before, works(&lines, CONFIG));
    assert_eq!(before[1].to, "print lustre");
    let differs = |now: &[fingerprint::Work]| now[1].differs_from(&before[1]).len();
    assert_eq!(differs(&works(&line(r#""size": "8x10in", "quantity": 3"#), CONFIG)), 1);
    assert_eq!(differs(&works(&lines, &CONFIG.replace("printer: lustre }", "printer: lustre, quality: high }"))), 1);
    // What a folder printer is called to do elsewhere is not this one's work.
    assert_eq!(differs(&works(&lines, &CONFIG.replace("copies: 3", "copies: 4"))), 0);
}
