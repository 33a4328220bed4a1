//! What is done with hostile bytes, one function for each kind: the fuzzer calls them, and the test suite calls them
//! with every input of the saved corpus. They panic where a promise is broken.

use std::collections::BTreeSet;
use std::path::Path;

use hotfolders::model::config::Config;
use hotfolders::model::manifest::{self, Manifest};
use hotfolders::model::name::{self, RelPath};
use hotfolders::model::spec::{
    Adjust, Cell, ColorSpace, ColorSpec, DecodeFactor, Edges, Encoding, Header, Intent, KeepMetadata, MetadataSpec,
    Orientation, OutputSpec, PictureFormat, PixelSize, Region, Subsampling, Tone, Turn, Window,
};
use hotfolders::model::template::Template;
use hotfolders::model::units::Color;
use hotfolders::model::{pricing, units};
use hotfolders::plan::facts::{Candidate, Facts, Found, Glyphs};
use hotfolders::plan::form::{Form, Occasion};
use hotfolders::plan::frozen::Verdict;
use hotfolders::plan::printing::Printing;
use hotfolders::plan::{Plan, SourcePlace, Work, fingerprint, make, matching, selection};
use hotfolders::render::{self, Assets, Source, VerifyDepth};
use hotfolders::spool::job::JobId;
use hotfolders::spool::journal;
use hotfolders::web::cookies;
use hotfolders::web::downloads::range::{Ranged, ranged};

/// A function, and its name, which is also its folder in `corpus/`.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const ALL: [Target; 7] = [
    ("manifest", manifest),
    ("config", config),
    ("names", names),
    ("headers", headers),
    ("journal", journal),
    ("plan", plan),
    ("decode", decode),
];

/// As JSON, or as whatever the text is: read, or refused with a reason.
pub fn manifest(data: &[u8]) {
    for file in ["m.json", "m.yaml"] {
        match manifest::read(data, file) {
            Ok(read) => assert!(!read.manifest.record.is_empty()),
            Err(error) => assert!(error.to_string().contains(": error: "), "{error}"),
        }
    }
}

pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(error) = Config::parse(text, Path::new("/studio/hotfolders.yaml")) {
        assert!(error.to_string().starts_with("/studio/hotfolders.yaml"), "{error}");
    }
}

/// A name that comes out is one part or a path of parts that leads nowhere else; a template yields only such names.
pub fn names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (first, second) = text.split_once('\n').unwrap_or((text, text));
    for path in [RelPath::parse(first).ok(), RelPath::from_part(first)].into_iter().flatten() {
        safe(&path);
        safe(&path.with_suffix("_2"));
        safe(&path.with_extension("jpg"));
        assert_eq!(RelPath::parse(path.as_str()).as_ref(), Ok(&path));
    }
    let part = name::safe_part(first);
    assert_eq!(name::safe_part(&part), part);
    if let Ok(template) = Template::parse(first) {
        let value = |_: &hotfolders::model::template::Token| Some(second.to_string());
        template.file_name(&value, &mut Vec::new()).iter().for_each(safe);
        if let Ok(Some(path)) = template.path(&value, &mut Vec::new()) {
            safe(&path);
        }
    }
    if let Some(id) = JobId::parse(first) {
        assert!(!id.as_str().contains(['/', '\\']) && !id.as_str().starts_with('.'));
    }
    let _ = (units::Length::parse(first), units::Dimensions::parse(first), units::parse_duration(first));
    let _ = (units::parse_bytes(first), units::Color::parse(first), units::TimeOfDay::parse(first));
}

fn safe(path: &RelPath) {
    for part in path.as_str().split('/') {
        assert!(!part.is_empty() && part != "." && part != "..", "{path}");
        assert!(!part.contains(['\\', ':', '\0']) && !part.ends_with(['.', ' ']), "{path}");
        assert!(!part.chars().any(name::is_control_or_bidi), "{path}");
    }
    assert!(Path::new(path.as_str()).is_relative());
}

/// The first byte is the length of a file; then come `Range`, `If-Range` and `Cookie`, a line each. Nothing is sent that
/// the file does not have, and no cookie's value reaches into the next.
pub fn headers(data: &[u8]) {
    let Some((&bytes, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let mut lines = text.split('\n');
    let (range, if_range) = (lines.next(), lines.next());
    for bytes in [u64::from(bytes), u64::MAX - u64::from(bytes)] {
        match ranged(range, if_range.filter(|tag| !tag.is_empty()), "\"tag\"", bytes) {
            Ranged::Part(first, end) => assert!(first < end && end <= bytes, "{first} to {end} of {bytes}"),
            Ranged::Whole | Ranged::Nothing => {}
        }
    }
    for value in cookies::values(lines, "pin") {
        assert!(!value.contains(';'), "{value}");
    }
}

/// What replays, replays from every whole line on the same way, and steps only move forward.
pub fn journal(data: &[u8]) {
    let Ok((whole, valid)) = journal::replay(data, "j") else { return };
    let (again, all) = journal::replay(&data[..valid as usize], "j").expect("its whole lines replay");
    assert!(all == valid && again == whole);
    let mut done = (0, 0);
    for end in data[..valid as usize].iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1) {
        let (progress, _) = journal::replay(&data[..end], "j").expect("a prefix of whole lines replays");
        let now = (progress.rendered.len(), progress.delivered.len());
        assert!(now.0 >= done.0 && now.1 >= done.1);
        done = now;
    }
}

/// A studio with every way to make and bring a picture.
const STUDIO: &str = r##"
version: 1
studio: { name: Larson Portraits, time_zone: America/Chicago }
library: { roots: [sessions], sources: { retouched: ["R/{stem}.*"], hires: ["H/{stem}.*"] } }
hot_folders: { status: { folder: drop, images: library } }
items:
  "WALLET*": { layout: wallets, unit: piece }
  "8X10": { size: 8x10in }
  "CD": { images: all }
profiles:
  web: { images: selected_or_undecided, size: 2048px, name: "{record}_{number:04}", deliver: [ { to: folder, path: "web/{session}" } ] }
  prints:
    size: ordered
    sharpen: { for: glossy }
    bleed: { width: 3mm, fill: mirror }
    name: "{record}_{line:02}_{number}_{size}_{fields.x}"
    sort: ["{line}", "{quantity}"]
    deliver: [ { to: folder, path: "print/{size}", trigger: "{record}.done" }, { to: disc, path: "burn/{client.last}", label: "{disc} of {discs}" } ]
  box: { size: 8x10in, fit: pad, per: image, images: all, border: { width: 5mm, color: "#ffffff" }, name: "{file}", deliver: [ { to: zip, path: "zips/{record}", split: 100MB } ] }
render_jobs:
  - { when: {}, run: [web, prints, box] }
layouts:
  wallets: { sheet: 8x10in, grid: { columns: 2, rows: 4, opening: 3.5x2.5in, cut_marks: true } }
  panel: { sheet: 10x20in, slots: [ { x: 0.5in, y: 0.5in, width: 9in, height: 6in }, { x: 0.5in, y: 7in, width: 9in, height: 6in, fit: fit } ] }
"##;

struct EveryGlyph;

impl Glyphs for EveryGlyph {
    fn missing(&self, _: Option<&str>, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn width(&self, _: Option<&str>, text: &str) -> f64 {
        text.chars().count() as f64 / 2.0
    }
}

/// The first bytes say how large the pictures are, the rest is the manifest. Whatever is planned is within its
/// pictures and its sheet, under names of its own, and the same a second time.
pub fn plan(data: &[u8]) {
    let Some((sizes, text)) = data.split_at_checked(4) else { return };
    let Ok(read) = manifest::read(text, "m.json") else { return };
    let config = Config::parse(STUDIO, Path::new("/studio/hotfolders.yaml")).expect("the studio is right");
    let mut manifest = read.manifest;
    let frozen = matching::freeze(&manifest, &config.hot_folders[0], &config);
    if frozen.verdict != Verdict::Run || pricing::apply_items(&mut manifest, &frozen.items).is_err() {
        return;
    }
    // A manifest of 20,000 lines is no other case than one of 20, only slower.
    if manifest.images.len() + manifest.lines.len() > 200 {
        return;
    }
    let facts = facts(&manifest, &frozen.profiles, sizes);
    let printing = Printing::of(&config);
    let occasion = Occasion { job: "job", date: jiff::civil::date(2026, 11, 20), form: Form::CURRENT };
    let make = |occasion| make::make(&manifest, &frozen, &printing, &facts, &EveryGlyph, occasion);
    let plan = make(occasion);
    assert!(plan == make(occasion), "planned twice, differently");
    check(&plan);
    check(&make(Occasion::COMPARED));
    let sources = vec![String::new(); plan.sources.len()];
    let _ = fingerprint::works(&plan, &sources);
}

fn facts(manifest: &Manifest, profiles: &[hotfolders::model::profile::Profile], sizes: &[u8]) -> Facts {
    let mut facts = Facts::new();
    for (index, want) in selection::wants(manifest, profiles, false).into_iter().enumerate() {
        let turned = sizes[index % sizes.len()];
        let side = |byte: u8| 1 + u32::from(byte) * 40;
        let header = Header {
            format: PictureFormat::Jpeg,
            stored: PixelSize::new(side(sizes[0] ^ turned), side(sizes[1])),
            orientation: Orientation::UPRIGHT,
            bits: 8,
            has_alpha: false,
            tagged: turned & 1 == 0,
            progressive: turned & 2 == 0,
            taken: None,
        };
        let shown = format!("S1/H/{}.jpg", want.image);
        let found = Candidate {
            kind: "hires".into(),
            place: SourcePlace::Library(Path::new("/studio/sessions").join(&shown)),
            shown,
            bytes: 1,
            header: if turned & 4 == 0 { Ok(header) } else { Err(("damaged".into(), "it is damaged".into())) },
        };
        let list = if turned & 8 == 0 { vec![found] } else { Vec::new() };
        facts.insert(want, Found::Candidates { list, looked: "everywhere".into() });
    }
    facts
}

fn check(plan: &Plan) {
    for step in &plan.renders {
        let Work::Render { spec, cut, .. } = &step.work else { continue };
        assert!((0.0..=1.0).contains(cut), "{cut}");
        for cell in &spec.cells {
            let (region, frame) = (cell.region, cell.frame);
            let within = |start: f64, length: f64, all: u32| {
                start >= -1e-6 && length > 0.0 && start + length <= f64::from(all) + 1e-6
            };
            assert!(within(region.x, region.width, frame.width), "{region:?} of {frame:?}");
            assert!(within(region.y, region.height, frame.height), "{region:?} of {frame:?}");
            let window = cell.window;
            assert!(window.x + window.width <= spec.sheet.width && window.y + window.height <= spec.sheet.height);
        }
    }
    let mut taken = BTreeSet::new();
    for delivery in &plan.deliveries {
        for member in &delivery.members {
            safe(&member.path);
            let place = delivery.place.as_ref().map(|p| p.folder().display().to_string()).unwrap_or_default();
            let path = format!("{place}/{}", member.path).to_lowercase();
            assert!(taken.insert((delivery.id.clone(), path)), "{} stands twice", member.path);
        }
    }
}

struct NoAssets;

impl Assets for NoAssets {
    fn get(&self, _: &str) -> Option<std::sync::Arc<[u8]>> {
        None
    }
}

/// Larger pictures take their time and their memory by right.
const PIXELS_MAX: u64 = 1_000_000;

/// A picture is made as a small JPEG and as a copy, or refused; what is made reads back.
pub fn decode(data: &[u8]) {
    let Ok(header) = render::probe(std::io::Cursor::new(data)) else { return };
    if u64::from(header.stored.width) * u64::from(header.stored.height) > PIXELS_MAX {
        return;
    }
    let upright = header.upright();
    let source = Source { bytes: data, header, factor: DecodeFactor::FULL, planes: true };
    let sources = std::collections::BTreeMap::from([(0, source)]);
    let longest = upright.width.max(upright.height).max(1);
    let small = |side: u32| (u64::from(side) * 64).div_ceil(u64::from(longest)) as u32;
    let window = PixelSize::new(small(upright.width), small(upright.height));
    let quality = Encoding::Jpeg {
        quality: 80,
        subsampling: Subsampling::S420,
        progressive: false,
        optimize: false,
        max_bytes: None,
    };
    let (encoded, copied) = (spec(upright, window, quality), spec(upright, upright, Encoding::Copy));
    let specs = [&encoded, &copied];
    render::render(&sources, &specs, &NoAssets, &mut |index, made| {
        if let Ok(made) = made {
            let read = render::verify(&made.bytes, specs[index], VerifyDepth::Full);
            assert!(read.is_ok() || index == 1, "what was made does not read back: {read:?}");
        }
    });
}

fn spec(frame: PixelSize, sheet: PixelSize, encoding: Encoding) -> OutputSpec {
    let space = ColorSpace::Srgb;
    OutputSpec {
        sheet,
        background: Color::WHITE,
        fills: Vec::new(),
        cells: vec![Cell {
            source: 0,
            rotate: Turn::None,
            straighten: 0.0,
            frame,
            region: Region { x: 0.0, y: 0.0, width: f64::from(frame.width), height: f64::from(frame.height) },
            window: Window::of(sheet),
            mirror: Edges::default(),
            adjust: Adjust::default(),
            tone: Tone::Color,
            sharpen: None,
        }],
        elements: Vec::new(),
        turn: Turn::None,
        color: ColorSpec { output: space.clone(), intent: Intent::Relative, black_point: true, untagged: space },
        encoding,
        dpi: 300.0,
        metadata: MetadataSpec {
            keep: KeepMetadata::All,
            strip_location: true,
            strip_people: false,
            strip_serials: true,
            keep_dates: true,
            fallback_artist: Some("Larson".into()),
            fallback_copyright: None,
            set_artist: None,
            set_copyright: None,
            set_caption: Some("a caption".into()),
            set_keywords: None,
        },
        accept_damage: false,
    }
}
