//! Whole plans: a config, a manifest, what was found, and what is to be made of them.

use std::path::Path;

use super::facts::{Candidate, Facts, Found, Glyphs};
use super::form::Occasion;
use super::frozen::{Frozen, FrozenAsset, Verdict};
use super::make::make;
use super::matching::{asset_files, freeze};
use super::printing::Printing;
use super::selection::wants;
use super::*;
use crate::model::config::Config;
use crate::model::manifest::{self, Manifest};
use crate::model::pricing;
use crate::model::profile::Anchor;
use crate::model::spec::{Edges, Element, Fill, Orientation, PictureFormat, PixelSize, Tone, Turn, Window};
use crate::model::template::Template;
use crate::model::units::Color;

const CONFIG: &str = r##"
version: 1
studio: { name: Larson Portraits }
library: { roots: [sessions], sources: { hires: ["Hi-Res/{stem}.*"] } }
hot_folders: { status: { folder: drop, images: library } }
items:
  "WALLET*": { layout: wallets, unit: piece }
profiles:
  prints: { source: [hires], size: ordered, name: "{record}_{line:02}_{size}", deliver: [ { to: folder, path: out } ] }
  small: { source: [hires], size: 500px, per: line, name: "{line}", items: ["PANEL"], deliver: [ { to: folder, path: small } ] }
  proof:
    source: [hires]
    size: 1000px
    per: image
    images: ordered
    name: "{number}"
    overlays:
      - { image: art/logo.svg, at: bottom-right, width: 15%, margin: 2%, opacity: 60% }
      - { text: "{number} · {fields.name}", at: bottom, height: 2.5%, margin: 1%, font: art/own.ttf }
      - { image: art/proof.png, at: tile, width: 30% }
    deliver: [ { to: folder, path: proofs } ]
  framed:
    source: [hires]
    size: ordered
    border: { width: 0.25in, color: "#102030" }
    bleed: { width: 0.12in, fill: color, color: "#ff0000" }
    name: framed
    deliver: [ { to: folder, path: framed } ]
layouts:
  wallets:
    sheet: 8x10in
    grid: { columns: 2, rows: 4, opening: 3.5x2.5in, cut_marks: true }
  panel:
    sheet: 10x20in
    background: "#000000"
    slots:
      - { x: 0.5in, y: 0.5in, width: 9in, height: 6in }
      - { x: 0.5in, y: 7in, width: 9in, height: 6in, fit: fit }
    texts: [ { text: "{fields.name}", x: 0.5in, y: 19in, width: 2in, height: 0.5in, align: center, color: "#ffffff" } ]
    artwork: [ { image: art/logo.svg, x: 8in, y: 18in, width: 1in } ]
"##;

/// What the camera's clock said.
const TAKEN: jiff::civil::DateTime = jiff::civil::datetime(2026, 6, 20, 14, 1, 2, 0);

/// Knows all letters but the snowman as phones write it; each is half as wide as high.
struct Font;

impl Glyphs for Font {
    fn missing(&self, _: Option<&str>, text: &str) -> Vec<String> {
        text.matches("☃\u{fe0f}").map(str::to_owned).collect()
    }

    fn width(&self, _: Option<&str>, text: &str) -> f64 {
        text.chars().count() as f64 / 2.0
    }
}

pub(super) fn printing(config: &str) -> Printing {
    Printing::of(&Config::parse(config, Path::new("/studio/hotfolders.yaml")).unwrap_or_else(|e| panic!("{e}")))
}

pub(super) fn order(images: &str, lines: &str) -> String {
    format!(
        r#"{{ "manifest": 1, "kind": "invoice", "record": "1042", "session": "S1", "images": {images}, "lines": {lines} }}"#
    )
}

pub(super) fn frozen(config: &str, text: &str, profiles: &[&str]) -> (Manifest, Frozen) {
    let config = Config::parse(config, Path::new("/studio/hotfolders.yaml")).unwrap_or_else(|e| panic!("{e}"));
    let mut manifest = manifest::read(text.as_bytes(), "a.json").unwrap().manifest;
    manifest.profiles = profiles.iter().map(|&name| name.into()).collect();
    let mut frozen = freeze(&manifest, &config.hot_folders[0], &config);
    for path in asset_files(&frozen.profiles, &frozen.layouts) {
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        let tokens = if name == "logo.svg" { vec![Template::parse("{studio.name}").unwrap()] } else { Vec::new() };
        frozen.assets.push(FrozenAsset { path, sha256: format!("digest of {name}"), tokens });
    }
    if frozen.verdict == Verdict::Run {
        pricing::apply_items(&mut manifest, &frozen.items).unwrap();
    }
    (manifest, frozen)
}

/// All pictures are there, with 6000 × 4000 pixels.
fn planned(text: &str, profiles: &[&str]) -> Plan {
    planned_with(CONFIG, text, profiles)
}

pub(super) fn planned_with(config: &str, text: &str, profiles: &[&str]) -> Plan {
    planned_of(config, text, profiles, false)
}

fn planned_of(config: &str, text: &str, profiles: &[&str], has_alpha: bool) -> Plan {
    planned_by(Form::CURRENT, config, text, profiles, has_alpha)
}

fn planned_by(form: Form, config: &str, text: &str, profiles: &[&str], has_alpha: bool) -> Plan {
    planned_from(form, config, text, profiles, &Header { has_alpha, ..header() })
}

pub(super) fn header() -> Header {
    Header {
        format: PictureFormat::Jpeg,
        stored: PixelSize::new(6000, 4000),
        orientation: Orientation::UPRIGHT,
        bits: 8,
        has_alpha: false,
        tagged: true,
        progressive: false,
        taken: Some(TAKEN),
    }
}

pub(super) fn planned_from(form: Form, config: &str, text: &str, profiles: &[&str], header: &Header) -> Plan {
    let (manifest, frozen) = frozen(config, text, profiles);
    assert_eq!(frozen.verdict, Verdict::Run);
    let mut facts = Facts::new();
    for want in wants(&manifest, &frozen.profiles, false) {
        let shown = format!("S1/Hi-Res/{}.jpg", manifest.images[want.image].number.as_deref().unwrap());
        let place = SourcePlace::Library(format!("/studio/sessions/{shown}").into());
        let found = Candidate { kind: "hires".into(), place, shown, bytes: 1, header: Ok(header.clone()) };
        facts.insert(want, Found::Candidates { list: vec![found], looked: String::new() });
    }
    let printing = printing(config);
    let occasion = Occasion { job: "job", date: jiff::civil::date(2026, 11, 20), form };
    make(&manifest, &frozen, &printing, &facts, &Font, occasion)
}

pub(super) fn spec(plan: &Plan, index: usize) -> &OutputSpec {
    plan.renders[index].spec().unwrap_or_else(|| panic!("{:?}", plan.renders[index].work))
}

fn codes(plan: &Plan) -> Vec<(&str, Weight)> {
    plan.findings.iter().map(|f| (f.code.as_str(), f.weight)).collect()
}

#[test]
fn wallets_repeat_a_picture_and_pieces_become_sheets() {
    let lines = r#"[{ "line": 1, "item": "WALLET", "quantity": 20, "image": 7, "crop": [0, 0, 0.5, 1] }]"#;
    let plan = planned(&order(r#"[{ "number": 7 }]"#, lines), &["prints"]);
    let (step, spec) = (&plan.renders[0], spec(&plan, 0));
    assert_eq!((step.copies, step.name.as_str()), (3, "1042_01_8x10in.jpg"));
    assert_eq!((spec.sheet, spec.cells.len()), (PixelSize::new(2400, 3000), 8));
    // The portrait crop stands in landscape openings: it is turned, and its region with it.
    let cell = &spec.cells[0];
    assert_eq!((cell.rotate, cell.frame), (Turn::Quarter, PixelSize::new(4000, 6000)));
    assert_eq!((cell.region.x, cell.region.width), (0.0, 4000.0));
    assert!((cell.region.height - 4000.0 * 2.5 / 3.5).abs() < 1e-6);
    assert!((cell.region.y - (3000.0 - cell.region.height) / 2.0).abs() < 1e-6);
    assert!(matches!(spec.elements[0], Element::Line(_)));
    assert_eq!(codes(&plan), [("crop_cuts", Weight::Warn)], "once, not eight times");
    assert_eq!(plan.sources.len(), 1);
}

#[test]
fn a_line_of_a_layout_has_the_size_of_its_sheet_in_every_name() {
    let lines = r#"[{ "line": 1, "item": "WALLET", "size": "2.5x3.5in", "quantity": 8, "image": 7 }]"#;
    let plan = planned(&order(r#"[{ "number": 7 }]"#, lines), &["prints"]);
    assert_eq!(plan.renders[0].name.as_str(), "1042_01_8x10in.jpg");
}

#[test]
fn slots_take_pictures_of_their_own() {
    let lines = r#"[{ "line": 1, "item": "PANEL", "layout": "panel", "tone": "sepia", "fields": { "name": "Ada & Ben" },
        "slots": [ { "image": 7, "crop": [0, 0, 0.75, 0.75] }, { "image": 9, "tone": "bw" } ] }]"#;
    let plan =
        planned(&order(r#"[{ "number": 9 }, { "number": 7, "adjust": { "exposure": 1 } }]"#, lines), &["prints"]);
    let spec = spec(&plan, 0);
    assert_eq!(spec.background, Color { red: 0, green: 0, blue: 0, alpha: 255 });
    assert_eq!(
        plan.sources.iter().map(|s| s.shown.as_str()).collect::<Vec<_>>(),
        ["S1/Hi-Res/7.jpg", "S1/Hi-Res/9.jpg"]
    );
    let [first, second] = spec.cells.as_slice() else { panic!("{:?}", spec.cells) };
    assert_eq!((first.source, first.window), (0, Window { x: 150, y: 150, width: 2700, height: 1800 }));
    assert_eq!((first.tone, second.tone), (Tone::Sepia, Tone::Bw));
    assert!((first.adjust.exposure - 1.0).abs() < 1e-9 && second.adjust.is_none());
    assert_eq!((first.region.width, first.region.height), (4500.0, 3000.0));
    assert_eq!(second.rotate, Turn::None, "slots do not turn");
    let [Element::Artwork(logo), Element::Text(name)] = spec.elements.as_slice() else { panic!("{:?}", spec.elements) };
    assert_eq!((logo.asset.as_str(), logo.width), ("digest of logo.svg", Some(300.0)));
    assert_eq!(logo.values["{studio.name}"], "Larson Portraits");
    assert_eq!((name.text.as_str(), name.height, name.spot.anchor), ("Ada & Ben", 150.0, Anchor::Center));
    assert_eq!(name.spot.area, Window { x: 150, y: 5700, width: 600, height: 150 });
    // Nine letters of 75 pixels in 600: a little over.
    assert_eq!(codes(&plan), []);
}

#[test]
fn a_profile_in_pixels_shows_the_same_sheet_smaller() {
    let lines = r#"[{ "line": 1, "item": "PANEL", "layout": "panel", "fields": { "name": "A" },
        "slots": [ { "image": 7 }, { "image": 7 } ] }]"#;
    let plan = planned(&order(r#"[{ "number": 7 }]"#, lines), &["small"]);
    let spec = spec(&plan, 0);
    assert_eq!((spec.sheet, plan.sources.len()), (PixelSize::new(250, 500), 1));
    assert_eq!(spec.cells[0].window, Window { x: 13, y: 13, width: 225, height: 150 });
    assert_eq!(plan.sources[0].decode, DecodeFactor(8));
}

#[test]
fn as_many_slots_as_openings() {
    let lines = r#"[{ "line": 4, "layout": "panel", "slots": [ { "image": 7 } ] }]"#;
    let (_, frozen) = frozen(CONFIG, &order(r#"[{ "number": 7 }]"#, lines), &["prints"]);
    let Verdict::Reject { code, why } = frozen.verdict else { panic!("{:?}", frozen.verdict) };
    assert_eq!(code, "other_openings");
    assert_eq!(why, "line 4: the layout `panel` has 2 openings, the line 1 slots");
}

#[test]
fn texts_are_asked_for_glyphs_tokens_and_room() {
    let panel = |name: &str| {
        let lines = format!(
            r#"[{{ "line": 1, "layout": "panel", "fields": {{ "name": "{name}" }}, "slots": [ {{ "image": 7 }}, {{ "image": 7 }} ] }}]"#
        );
        planned(&order(r#"[{ "number": 7 }]"#, &lines), &["prints"])
    };
    let found = |plan: &Plan| {
        let of_text = |f: &&Finding| matches!(f.code.as_str(), "missing_glyph" | "empty_token" | "text_too_long");
        plan.findings.iter().filter(of_text).map(|f| (f.code.clone(), f.weight, f.text.clone())).collect::<Vec<_>>()
    };
    let plan = panel("Ada ☃\u{fe0f}");
    let [(code, Weight::Hold, text)] = &found(&plan)[..] else { panic!("{:?}", plan.findings) };
    assert_eq!(code, "missing_glyph");
    let wanted = "line 1, image 7: the font that ships with the program has no ☃\u{fe0f} (U+2603 U+FE0F), which stands in \
                  the text `Ada ☃\u{fe0f}` (`{fields.name}`); choose a font that has it, or another text";
    assert_eq!(text, wanted);
    let [(code, Weight::Hold, _)] = &found(&panel(""))[..] else { panic!() };
    assert_eq!(code, "empty_token");
    let [(code, Weight::Warn, text)] = &found(&panel("Maximiliana-Josephine"))[..] else { panic!() };
    assert_eq!(code, "text_too_long");
    assert!(text.ends_with("shrinks to 38 %"), "{text}");
}

#[test]
fn overlays_count_by_the_short_edge() {
    let text =
        order(r#"[{ "number": 7, "fields": { "name": "Ada" } }]"#, r#"[{ "line": 1, "item": "X", "image": 7 }]"#);
    let plan = planned(&text, &["proof"]);
    let spec = spec(&plan, 0);
    assert_eq!(spec.sheet, PixelSize::new(1000, 667));
    let [Element::Artwork(logo), Element::Text(text), Element::Artwork(tile)] = spec.elements.as_slice() else {
        panic!("{:?}", spec.elements)
    };
    let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
    assert!(near(logo.width.unwrap(), 100.05) && near(logo.spot.margin, 13.34) && near(logo.opacity, 0.6));
    assert_eq!((logo.spot.anchor, logo.spot.area), (Anchor::BottomRight, Window::of(spec.sheet)));
    assert_eq!((text.text.as_str(), text.font.as_deref()), ("7 · Ada", Some("digest of own.ttf")));
    assert!(near(text.height, 16.675) && text.max_width.is_none());
    assert_eq!(tile.spot.anchor, Anchor::Tile);
}

#[test]
fn border_and_bleed_lie_around_the_picture() {
    let lines = r#"[{ "line": 1, "item": "X", "size": "4x5in", "image": 7, "crop": [0, 0, 1, 1] }]"#;
    let plan = planned(&order(r#"[{ "number": 7 }]"#, lines), &["framed"]);
    let spec = spec(&plan, 0);
    assert_eq!(spec.sheet, PixelSize::new(1500 + 72, 1200 + 72));
    assert_eq!(spec.background, Color { red: 255, green: 0, blue: 0, alpha: 255 });
    let trim = Window { x: 36, y: 36, width: 1500, height: 1200 };
    let border = Color { red: 0x10, green: 0x20, blue: 0x30, alpha: 255 };
    assert_eq!(spec.fills, [Fill { window: trim, color: border }]);
    assert_eq!(spec.cells[0].window, Window { x: 111, y: 111, width: 1350, height: 1050 });
    assert_eq!(spec.cells[0].mirror, Edges::default());
}

/// Panels with a border at the edge of their sheet, and the same for whoever makes one picture of it.
const EDGES: &str = r##"
  mirrored: { source: [hires], size: ordered, dpi: 100, border: { width: 0.1in, color: "#102030" }, bleed: 0.12in, name: "{line}", deliver: [ { to: zip, path: "zips/{record}" } ] }
  colored: { source: [hires], size: ordered, dpi: 100, border: { width: 0.1in, color: "#102030" }, bleed: { width: 0.12in, fill: color, color: "#ff0000" }, name: "{line}", deliver: [ { to: folder, path: colored } ] }
  long: { source: [hires], size: 600px, border: { width: 30px }, images: ordered, name: "{number}", metadata: none, deliver: [ { to: zip, path: "long/{record}" } ] }
layouts:
  edges:
    sheet: 4x6in
    slots:
      - { x: 0in, y: 0in, width: 4in, height: 3in }
      - { x: 1in, y: 4in, width: 2in, height: 1in }
"##;

#[test]
fn the_border_of_an_opening_goes_on_in_the_bleed() {
    let config = CONFIG.replace("layouts:\n", EDGES);
    let lines = r#"[{ "line": 1, "item": "X", "layout": "edges", "unit": "sheet", "image": 7 }]"#;
    let plan_by =
        |form| planned_by(form, &config, &order(r#"[{ "number": 7 }]"#, lines), &["mirrored", "colored"], false);
    let borders = |plan: &Plan, index: usize| {
        let dark = spec(plan, index).fills.iter().filter(|fill| fill.color.red == 0x10).map(|fill| fill.window);
        dark.collect::<Vec<_>>()
    };
    let window = |x, y, width, height| Window { x, y, width, height };
    // The lower one touches no edge.
    let inner = window(112, 412, 200, 100);
    let plan = plan_by(Form::CURRENT);
    assert_eq!(borders(&plan, 0), [window(0, 0, 424, 312), inner]);
    assert_eq!(borders(&plan, 1), [window(12, 12, 400, 300), inner], "outside is the colour that was asked for");
    assert_eq!(borders(&plan_by(Form::FIRST), 0), [window(12, 12, 400, 300), inner]);
}

#[test]
fn one_length_is_the_long_edge_with_its_border() {
    let config = CONFIG.replace("layouts:\n", EDGES);
    let lines = r#"[{ "line": 1, "item": "X", "image": 7 }]"#;
    let plan_by = |form| planned_by(form, &config, &order(r#"[{ "number": 7 }]"#, lines), &["long"], false);
    assert_eq!(spec(&plan_by(Form::CURRENT), 0).sheet, PixelSize::new(600, 420));
    assert_eq!(spec(&plan_by(Form::FIRST), 0).sheet, PixelSize::new(570, 400));
}

#[test]
fn members_are_dated_by_the_first_picture_unless_nothing_may_be_told() {
    let config = CONFIG.replace("layouts:\n", EDGES);
    let lines = r#"[{ "line": 1, "item": "X", "layout": "edges", "unit": "sheet", "image": 7 }]"#;
    let dates = |form| {
        let plan = planned_by(form, &config, &order(r#"[{ "number": 7 }]"#, lines), &["mirrored", "long"], false);
        let keep = plan.renders.iter().filter_map(RenderStep::spec).map(|spec| spec.metadata.keep_dates);
        let taken = plan.deliveries.iter().flat_map(|delivery| &delivery.members).map(|member| member.taken);
        keep.zip(taken).collect::<Vec<_>>()
    };
    assert_eq!(dates(Form::CURRENT), [(true, Some(TAKEN)), (false, None)]);
    assert_eq!(dates(Form::FIRST), [(false, None), (false, None)]);
}

/// What is said of orders in digests is kept for years: no mend may change it.
#[test]
fn an_order_is_compared_by_the_first_rules() {
    let config = CONFIG.replace("layouts:\n", EDGES);
    let lines = r#"[{ "line": 1, "item": "X", "layout": "edges", "unit": "sheet", "image": 7 }]"#;
    let plan_by = |form| planned_by(form, &config, &order(r#"[{ "number": 7 }]"#, lines), &["mirrored", "long"], false);
    let works = |form| {
        let works = fingerprint::works(&plan_by(form), &["an original".to_string()]).unwrap();
        works.into_iter().flat_map(|work| work.outputs.into_values()).collect::<Vec<_>>()
    };
    assert_eq!(Occasion::COMPARED.form, Form::FIRST);
    assert_ne!(works(Form::FIRST), works(Form::CURRENT), "what was mended would be told apart");
}

#[test]
fn the_background_shows_through_a_picture_and_not_its_border() {
    let lines = r##"[{ "line": 1, "item": "X", "size": "4x5in", "image": 7, "crop": [0, 0, 1, 1] },
        { "line": 2, "item": "WALLET", "quantity": 8, "image": 7, "border": { "width": "0.1in", "color": "#00ff00" } }]"##;
    let plan = planned_of(CONFIG, &order(r#"[{ "number": 7 }]"#, lines), &["framed", "prints"], true);
    let last = |spec: &OutputSpec| spec.fills.last().cloned();
    let mut seen = 0;
    for spec in plan.renders.iter().filter_map(RenderStep::spec).filter(|spec| !spec.fills.is_empty()) {
        let window = spec.cells.last().unwrap().window;
        assert_eq!(last(spec), Some(Fill { window, color: Color::WHITE }));
        seen += 1;
    }
    assert_eq!(seen, 3, "a plain one and two sheets");
}

#[test]
fn a_border_is_an_edit_of_an_original() {
    let config = CONFIG.replace("layouts:\n", "  as_is: { source: [hires], per: line, format: copy, name: \"{line}\", deliver: [ { to: folder, path: as_is } ] }\nlayouts:\n");
    let lines = r##"[{ "line": 1, "item": "X", "image": 7, "crop": [0, 0, 1, 1] },
        { "line": 2, "item": "X", "image": 7, "crop": [0, 0, 1, 1], "border": { "width": "0.5in", "color": "#00ff00" } }]"##;
    let plan = planned_with(&config, &order(r#"[{ "number": 7 }]"#, lines), &["as_is"]);
    assert_eq!(spec(&plan, 0).encoding, Encoding::Copy);
    assert!(matches!(spec(&plan, 1).encoding, Encoding::Jpeg { .. }), "{:?}", spec(&plan, 1).encoding);
    assert!(!spec(&plan, 1).fills.is_empty() || spec(&plan, 1).background != Color::WHITE);
}

#[test]
fn how_a_source_is_decoded_hangs_on_all_its_outputs_and_stays() {
    let lines = r#"[{ "line": 1, "item": "X", "size": "4x5in", "image": 7 }, { "line": 2, "item": "X", "size": "16x20in", "image": 7 },
        { "line": 3, "item": "X", "size": "4x5in", "image": 9 }]"#;
    let mut plan = planned(&order(r#"[{ "number": 7 }, { "number": 9 }]"#, lines), &["prints"]);
    assert_eq!(plan.planes(), [false, true]);
    // What is left to do does not change it.
    plan.renders.retain(|step| step.line != Some(2));
    assert_eq!(plan.planes(), [false, true]);
    // Nor do plans that did not say it yet: they go by what is in them.
    plan.sources.iter_mut().for_each(|source| source.planes = None);
    assert_eq!(plan.planes(), [true, true]);
}

#[test]
fn a_line_may_bring_a_border_of_its_own_and_straighten_shrinks_the_crop() {
    let lines = r##"[{ "line": 1, "item": "X", "size": "4x5in", "image": 7, "crop": [0, 0, 1, 1], "border": { "width": "0.5in", "color": "#ffffff" } },
        { "line": 2, "item": "WALLET", "quantity": 8, "image": 7, "border": { "width": "0.1in", "color": "#00ff00" } }]"##;
    let plan = planned(&order(r#"[{ "number": 7, "straighten": 5 }]"#, lines), &["prints"]);
    let (single, sheet) = (spec(&plan, 0), spec(&plan, 1));
    assert_eq!(single.cells[0].window, Window { x: 150, y: 150, width: 1200, height: 900 });
    assert!((single.cells[0].straighten - 5.0).abs() < 1e-9 && single.background == Color::WHITE);
    assert!(plan.findings.iter().any(|f| f.code == "crop_shrunk" && f.line == Some(1)));
    assert!(!plan.findings.iter().any(|f| f.code == "crop_shrunk" && f.line == Some(2)), "nobody cropped it");
    assert_eq!(sheet.cells[0].window, Window { x: 180, y: 30, width: 990, height: 690 });
    assert_eq!(sheet.fills.len(), 8);
}

/// The history keeps these digests for years: when they change, an upgrade takes every order that is sent again for a
/// changed one. A new field of a spec, a profile, a delivery or a layout is not written while it has its default
/// (`skip_serializing_if`), and what is mended in how pictures are made gets a new [`Form`].
#[test]
fn fingerprints_are_those_of_earlier_versions() {
    let images = r#"[{ "number": 7, "rotate": 90, "straighten": -1.5, "adjust": { "exposure": 0.3, "tint": -4 } }, { "number": 9 }]"#;
    let lines = r#"[
        { "line": 1, "image": 7, "size": "8x10in", "crop": [0.1, 0.1, 0.6, 0.75], "tone": "sepia", "quantity": 2 },
        { "line": 2, "item": "WALLET", "image": 9, "quantity": 16 },
        { "line": 3, "item": "PANEL", "layout": "panel", "size": "10x20in", "slots": [{ "image": 7 }, { "image": 9 }], "quantity": 1 }
    ]"#;
    let (text, profiles) = (order(images, lines), ["prints", "proof", "framed"]);
    let (manifest, frozen) = frozen(CONFIG, &text, &profiles);
    let plan = planned_by(Occasion::COMPARED.form, CONFIG, &text, &profiles, false);
    let sources: Vec<String> = plan.sources.iter().map(|source| format!("what {} is told by", source.shown)).collect();
    let works = fingerprint::works(&plan, &sources).unwrap();
    let told = works.iter().flat_map(|work| {
        work.outputs.iter().map(move |(name, digest)| format!("{} {} {name} {}", work.owner, work.to, &digest[..16]))
    });
    let told: Vec<String> = told.collect();
    let earlier = [
        "prints folder out 1042_01_8x10in.jpg 5791562527fd7bb2",
        "prints folder out 1042_02_8x10in.jpg 955fb9827bc4e508",
        "prints folder out 1042_03_10x20in.jpg b1c0251e8044e55a",
        "proof folder proofs 7.jpg b7667a3a1b2e5d01",
        "proof folder proofs 9.jpg f3cd4078edba3bab",
        "framed folder framed framed.jpg c72ef34d092162ae",
        "framed folder framed framed_2.jpg 48679cec09affee2",
        "framed folder framed framed_3.jpg 7efaea3abb50f167",
    ];
    assert_eq!(told, earlier);
    assert_eq!(&fingerprint::request(&manifest, &frozen)[..16], "c4a0f883b30a549d");
}
