//! Artwork and texts on sheets.

use std::time::{Duration, Instant};

use super::*;
use crate::model::limits::SVG_MAX_BYTES;
use crate::model::profile::Anchor;
use crate::plan::facts::Glyphs;

const ANCHORS: [Anchor; 9] = [
    Anchor::TopLeft,
    Anchor::Top,
    Anchor::TopRight,
    Anchor::Left,
    Anchor::Center,
    Anchor::Right,
    Anchor::BottomLeft,
    Anchor::Bottom,
    Anchor::BottomRight,
];

const AREA: Window = Window { x: 10, y: 20, width: 100, height: 60 };

fn artwork(shelf: &mut Shelf, bytes: &[u8], anchor: Anchor, margin: f64, width: f64) -> Artwork {
    let ColorSpace::Asset(asset) = shelf.put(bytes.to_vec()) else { panic!() };
    let spot = Spot { area: AREA, anchor, margin };
    let (shown, width) = ("artwork/logo".to_owned(), Some(width));
    Artwork { asset, shown, values: BTreeMap::new(), width, height: None, spot, opacity: 1.0 }
}

fn text(text: &str, anchor: Anchor, height: f64) -> Text {
    Text {
        text: text.to_owned(),
        font: None,
        height,
        max_width: None,
        spot: Spot { area: AREA, anchor, margin: 3.0 },
        color: Color::parse("#000000").unwrap(),
        outline: None,
        opacity: 1.0,
    }
}

/// A sheet of 120 × 100 with these elements and no picture.
fn sheet(elements: Vec<Element>) -> OutputSpec {
    OutputSpec { cells: Vec::new(), elements, ..spec((1, 1), (120, 100)) }
}

fn draw(shelf: &Shelf, output: &OutputSpec) -> Result<Vec<u8>, RenderError> {
    let mut out = None;
    render(&BTreeMap::new(), &[output], shelf, &mut |_, result| out = Some(result));
    out.unwrap().map(|file| pixels(&file.bytes))
}

fn drawn(shelf: &Shelf, elements: Vec<Element>) -> Vec<u8> {
    draw(shelf, &sheet(elements)).unwrap()
}

fn text_alone(element: Text) -> Vec<u8> {
    drawn(&Shelf::default(), vec![Element::Text(element)])
}

/// Left, top, right, bottom of what is not white.
fn painted(pixels: &[u8]) -> Option<(usize, usize, usize, usize)> {
    let at = |i: usize| (i % 120, i / 120);
    let dark = pixels.chunks(3).enumerate().filter(|(_, p)| *p != [255; 3]).map(|(i, _)| at(i));
    dark.fold(None, |found, (x, y)| {
        let (l, t, r, b) = found.unwrap_or((x, y, x, y));
        Some((l.min(x), t.min(y), r.max(x), b.max(y)))
    })
}

fn reason(shelf: &Shelf, element: Artwork) -> String {
    draw(shelf, &sheet(vec![Element::Artwork(element)])).unwrap_err().to_string()
}

fn square(side: u32, color: [u8; 3]) -> Vec<u8> {
    rgb_png(side, side, &color.repeat((side * side) as usize))
}

fn svg(inside: &str) -> Vec<u8> {
    format!(r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 10">{inside}</svg>"#)
        .into_bytes()
}

#[test]
fn artwork_lands_exactly_at_every_anchor() {
    for (kind, bytes) in
        [("png", square(30, [1, 2, 3])), ("svg", svg(r##"<path fill="#010203" d="M0 0h10v10h-10z"/>"##))]
    {
        for (i, anchor) in ANCHORS.into_iter().enumerate() {
            let mut shelf = Shelf::default();
            let logo = artwork(&mut shelf, &bytes, anchor, 4.0, 16.0);
            let (left, top) = ([14, 52, 90][i % 3], [24, 42, 60][i / 3]);
            for (at, pixel) in drawn(&shelf, vec![Element::Artwork(logo)]).chunks(3).enumerate() {
                let (x, y) = (at % 120, at / 120);
                let inside = (left..left + 16).contains(&x) && (top..top + 16).contains(&y);
                assert_eq!(pixel, if inside { [1, 2, 3] } else { [255; 3] }, "{kind} {anchor:?} {x} {y}");
            }
        }
    }
}

#[test]
fn artwork_keeps_its_shape_and_fits_what_is_asked_and_what_is_there() {
    let wide = rgb_png(40, 20, &[9; 2400]);
    for (width, height, margin, wanted) in [
        (Some(60.0), None, 0.0, (60, 30)),
        (None, Some(10.0), 0.0, (20, 10)),
        (Some(60.0), Some(10.0), 0.0, (20, 10)),
        (Some(1000.0), None, 0.0, (100, 50)),
        (Some(1000.0), None, 15.0, (60, 30)),
        (None, Some(1000.0), 0.0, (100, 50)),
        (Some(0.1), None, 0.0, (1, 1)),
        (Some(10.0), None, 500.0, (2, 1)),
    ] {
        let mut shelf = Shelf::default();
        let logo = artwork(&mut shelf, &wide, Anchor::Center, margin, 1.0);
        let pixels = drawn(&shelf, vec![Element::Artwork(Artwork { width, height, ..logo })]);
        let (l, t, r, b) = painted(&pixels).unwrap();
        assert_eq!((r - l + 1, b - t + 1), wanted, "{width:?} {height:?} {margin}");
    }
}

#[test]
fn opacity_is_of_the_whole_and_multiplies_the_alpha() {
    let mut shelf = Shelf::default();
    let half = png_of((1, 1), png::ColorType::Rgba, png::BitDepth::Eight, None, &[0, 0, 0, 128]);
    let logo = artwork(&mut shelf, &half, Anchor::TopLeft, 0.0, 10.0);
    let pixels = drawn(&shelf, vec![Element::Artwork(Artwork { opacity: 0.5, ..logo })]);
    assert_eq!(pixels[(25 * 120 + 15) * 3], 191);
    // Neighbours that overlap: the outline of one lies over the other's once only.
    let crowd =
        Text { opacity: 0.5, outline: Some(Color::parse("#000000").unwrap()), ..text("WAVA", Anchor::Center, 50.0) };
    assert_eq!(text_alone(crowd).iter().min(), Some(&127));
}

#[test]
fn pngs_of_every_kind_have_their_colours() {
    use png::BitDepth::{Eight, Sixteen};
    use png::ColorType::{Grayscale, GrayscaleAlpha, Rgb, Rgba};
    let wide = [0x1234_u16, 0x8000, 0xffff].map(u16::to_be_bytes).concat();
    let files = [
        (png_of((1, 1), Rgb, Sixteen, None, &wide), [0x12, 0x80, 0xff]),
        (png_of((1, 1), Rgba, Sixteen, None, &[&wide[..], &[0xff; 2]].concat()), [0x12, 0x80, 0xff]),
        (png_of((1, 1), Grayscale, Eight, None, &[77]), [77; 3]),
        (png_of((1, 1), GrayscaleAlpha, Eight, None, &[77, 255]), [77; 3]),
        (png_of((1, 1), Grayscale, png::BitDepth::One, None, &[0]), [0; 3]),
        (png_of((1, 1), Rgb, Eight, Some(&Profile::srgb().icc), &[10, 200, 30]), [10, 200, 30]),
    ];
    for (i, (bytes, wanted)) in files.iter().enumerate() {
        let mut shelf = Shelf::default();
        let logo = artwork(&mut shelf, bytes, Anchor::TopLeft, 0.0, 8.0);
        assert_eq!(drawn(&shelf, vec![Element::Artwork(logo)])[(22 * 120 + 12) * 3..][..3], *wanted, "{i}");
    }
}

#[test]
fn artwork_is_converted_to_the_colours_of_the_output_and_out_of_its_own() {
    let adobe = Profile::of_space(&ColorSpace::AdobeRgb, &Shelf::default()).unwrap();
    let at = (30 * 120 + 20) * 3;
    let red = |png: &[u8], output: ColorSpace| {
        let mut shelf = Shelf::default();
        let logo = artwork(&mut shelf, png, Anchor::TopLeft, 0.0, 20.0);
        let mut spec = sheet(vec![Element::Artwork(logo)]);
        spec.color.output = output;
        draw(&shelf, &spec).unwrap()[at..at + 3].to_vec()
    };
    let plain = square(4, [255, 0, 0]);
    let tagged = png_of((1, 1), png::ColorType::Rgb, png::BitDepth::Eight, Some(&adobe.icc), &[219, 0, 0]);
    assert_eq!(red(&plain, ColorSpace::Srgb), [255, 0, 0]);
    let near = |found: &[u8]| largest_difference(found, &[219, 0, 0]) <= 2;
    assert!(near(&red(&plain, ColorSpace::AdobeRgb)));
    assert_eq!(red(&tagged, ColorSpace::AdobeRgb), [219, 0, 0]);
    assert!(largest_difference(&red(&tagged, ColorSpace::Srgb), &[255, 0, 0]) <= 2);
    let drawing = svg(r##"<path fill="#f00" d="M0 0h10v10h-10z"/>"##);
    assert_eq!(red(&drawing, ColorSpace::AdobeRgb), red(&plain, ColorSpace::AdobeRgb));
    let mut spec = sheet(vec![Element::Text(Text {
        color: Color::parse("#ff0000").unwrap(),
        ..text("■", Anchor::Center, 60.0)
    })]);
    spec.color.output = ColorSpace::AdobeRgb;
    assert!(draw(&Shelf::default(), &spec).unwrap().chunks(3).any(near));
}

#[test]
fn sixteen_bits_stay_sixteen() {
    let wide = [0x1234_u16, 0x8001, 0xfffe].map(u16::to_be_bytes).concat();
    let mut shelf = Shelf::default();
    let png = png_of((1, 1), png::ColorType::Rgb, png::BitDepth::Sixteen, None, &wide);
    let logo = artwork(&mut shelf, &png, Anchor::TopLeft, 0.0, 8.0);
    let mut canvas = sheet::Canvas::new(PixelSize::new(120, 100), [0; 3], true);
    let paint = Paint::new(&Profile::srgb(), true).unwrap();
    let label = Text { color: Color::WHITE, ..text("I", Anchor::BottomRight, 40.0) };
    crate::render::elements::draw(&[Element::Artwork(logo), Element::Text(label)], &mut canvas, &paint, &shelf)
        .unwrap();
    let raster::Samples::U16(samples) = canvas.into_samples(Turn::None) else { panic!("16 bits expected") };
    assert_eq!(samples[(22 * 120 + 12) * 3..][..3], [0x1234, 0x8001, 0xfffe]);
    assert!(samples.contains(&u16::MAX));
}

#[test]
fn tiles_cover_the_area_and_nothing_else() {
    for margin in [0.0, 5.0] {
        let mut shelf = Shelf::default();
        let logo = artwork(&mut shelf, &square(3, [0; 3]), Anchor::Tile, margin, 12.0);
        let pixels = drawn(&shelf, vec![Element::Artwork(logo)]);
        let dark: Vec<(usize, usize)> =
            (0..12_000).filter(|i| pixels[i * 3] == 0).map(|i| (i % 120, i / 120)).collect();
        assert_eq!(painted(&pixels), Some((10, 20, 109, 79)));
        let step = 12.0 + if margin == 0.0 { 12.0 } else { margin };
        let share = dark.len() as f64 / 6000.0;
        assert!((share - 144.0 / (step * step)).abs() < 0.05, "{share}");
        // One copy lies in the middle of the area.
        assert!(dark.contains(&(54, 44)) && dark.contains(&(65, 55)) && !dark.contains(&(53, 44)));
    }
    let words = text_alone(Text { max_width: Some(30.0), ..text("proof", Anchor::Tile, 10.0) });
    let (l, t, r, b) = painted(&words).unwrap();
    assert!(l >= 10 && t >= 20 && r < 110 && b < 80 && r - l > 90 && b - t > 50);
}

#[test]
fn a_text_is_inside_its_area_at_every_anchor() {
    let outline = Some(Color::parse("#ff0000").unwrap());
    for anchor in ANCHORS {
        for (words, height) in
            [("jÅg", 20.0), ("jÅg", 500.0), ("fffffffffffff a long line ending in f", 30.0), ("Ắ̊̊̊", 50.0)]
        {
            for outline in [None, outline] {
                let found = painted(&text_alone(Text { outline, ..text(words, anchor, height) }));
                let (l, t, r, b) = found.unwrap();
                assert!(l >= 13 && t >= 23 && r < 107 && b < 77, "{words} {anchor:?}: {found:?}");
            }
        }
    }
    let (l, _, r, _) = painted(&text_alone(text("HH", Anchor::Left, 20.0))).unwrap();
    let (l2, _, r2, _) = painted(&text_alone(text("HH", Anchor::Right, 20.0))).unwrap();
    assert!(l < 20 && r < 60 && r2 > 100 && l2 - l == r2 - r);
}

#[test]
fn a_text_shrinks_to_its_width() {
    let narrow = Text { max_width: Some(30.0), ..text("Hamburgefonts", Anchor::Center, 40.0) };
    let (l, t, r, b) = painted(&text_alone(narrow)).unwrap();
    assert!((26..=30).contains(&(r - l + 1)) && b - t < 10);
    let (_, t, _, b) = painted(&text_alone(text("H", Anchor::Center, 40.0))).unwrap();
    // A capital is 0.714 em, and a line 1.362.
    assert!((20..=22).contains(&(b - t + 1)), "{t} {b}");
}

#[test]
fn an_outline_lies_around_the_letters_only() {
    let outline = Some(Color::parse("#ff0000").unwrap());
    let plain = text_alone(Text { color: Color::WHITE, ..text("HO", Anchor::Center, 50.0) });
    assert_eq!(painted(&plain), None);
    let outlined = text_alone(Text { color: Color::WHITE, outline, ..text("HO", Anchor::Center, 50.0) });
    assert!(outlined.chunks(3).filter(|p| *p == [255, 0, 0]).count() > 100);
    let clear = Color::parse("#00000000").unwrap();
    let hollow = text_alone(Text { color: clear, outline, ..text("HO", Anchor::Center, 50.0) });
    assert!(largest_difference(&hollow, &outlined) <= 1);
}

#[test]
fn blank_texts_draw_nothing_and_odd_ones_are_one_line() {
    for blank in ["", "  ", "\n\t", "\u{200b}", "\u{7}"] {
        assert_eq!(painted(&text_alone(text(blank, Anchor::Center, 20.0))), None, "{blank:?}");
    }
    let same =
        |a: &str, b: &str| text_alone(text(a, Anchor::Center, 12.0)) == text_alone(text(b, Anchor::Center, 12.0));
    assert!(same("a\r\nb", " a b "));
    assert!(same("a\u{1}b\u{ffff}", "ab"));
    assert!(!same("<b>&amp;</b>", "&"));
    assert!(same("e\u{301}", "é"));
    // A full stop ends a line that runs to the left at its left.
    let hebrew = painted(&text_alone(text("שלום", Anchor::Right, 12.0)));
    let ended = painted(&text_alone(text("שלום.", Anchor::Right, 12.0)));
    assert!(hebrew.is_some() && hebrew != ended);
}

#[test]
fn missing_glyphs_are_noticed() {
    let shelf = Shelf::default();
    let fonts = Fonts::new(&shelf);
    let missing = |text: &str| fonts.missing(None, text).concat();
    assert_eq!(missing("Zoë Müller & Søn, Γειά, Привет – “©” № 7 €\t\n"), "");
    assert_eq!(missing("e\u{301}a\u{200d}b\u{fe0f}\u{7}"), "");
    assert_eq!(missing("Ann 😀 李 😀"), "😀李");
    assert_eq!(missing(""), "");
    let width = |text: &str| fonts.width(None, text);
    assert!((width("H") - 0.741 / 1.362).abs() < 0.002, "{}", width("H"));
    assert!((width("HH") / width("H") - 2.0).abs() < 1e-3);
    assert!(width("AV") < width("A") + width("V"));
    assert!((width("") - 0.0).abs() < 1e-9);
}

#[test]
fn a_studios_own_font_is_used_and_a_broken_one_is_an_error() {
    let own = include_bytes!("../font/NotoSans-Regular.ttf");
    assert_eq!(check_font(own), Ok(()));
    for (bytes, part) in [
        (&b"wOF2...."[..], "web font"),
        (b"hello", "no TTF"),
        (&own[..1000], "cannot be read"),
        (b"OTTO\0\0\0\0", "no outlines"),
        (b"", "no TTF"),
    ] {
        assert!(check_font(bytes).unwrap_err().contains(part), "{part}");
    }
    let mut shelf = Shelf::default();
    let ColorSpace::Asset(good) = shelf.put(own.to_vec()) else { panic!() };
    let ColorSpace::Asset(broken) = shelf.put(own[..5000].to_vec()) else { panic!() };
    let with = |font: Option<String>| {
        draw(&shelf, &sheet(vec![Element::Text(Text { font, ..text("Ay", Anchor::Top, 20.0) })]))
    };
    assert_eq!(with(Some(good.clone())), with(None));
    assert_eq!(with(Some(broken)).unwrap_err().code(), "bad_asset");
    assert_eq!(with(Some("gone".to_owned())).unwrap_err().code(), "bad_asset");
    assert_eq!(Fonts::new(&shelf).missing(Some(&good), "A李"), ["李"]);
    // Neither font has it: a box is drawn.
    assert!(
        draw(&shelf, &sheet(vec![Element::Text(Text { font: Some(good), ..text("A李", Anchor::Top, 20.0) })])).is_ok()
    );
}

#[test]
fn tokens_of_an_svg_are_found_and_filled() {
    let source = svg(
        r"<style>.a{fill:red} .b{line-height:2}</style><text>{studio.name} {number:04} {{record}} {studio.name} {nonsense} {fields.x}</text>",
    );
    assert_eq!(svg_tokens(&source), ["{studio.name}", "{number:04}", "{record}", "{fields.x}"]);
    assert_eq!(svg_tokens(b"\xff{record}"), [""; 0]);
    let label = |inside: &str, values: &[(&str, &str)]| {
        let mut shelf = Shelf::default();
        let logo = artwork(
            &mut shelf,
            &svg(&format!(r#"<text y="9" font-size="4">{inside}</text>"#)),
            Anchor::Center,
            0.0,
            60.0,
        );
        let values = values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        drawn(&shelf, vec![Element::Artwork(Artwork { values, ..logo })])
    };
    let wanted = label("A&amp;&lt;g&gt;{line}", &[]);
    assert!(painted(&wanted).is_some());
    assert_eq!(label("{item}", &[("{item}", "A&<g>{line}"), ("{line}", "no")]), wanted);
    assert_eq!(label("{item}", &[("{item}", "\u{1}")]), label("", &[]));
}

#[test]
fn what_an_svg_refers_to_outside_itself_is_refused_and_not_read() {
    // A picture that is there.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/photos/Landscape_1.jpg");
    assert!(std::path::Path::new(path).exists());
    for inside in [
        format!(r#"<image width="9" height="9" href="{path}"/>"#),
        format!(r#"<image width="9" height="9" xlink:href="file://{path}"/>"#),
        r#"<image width="9" height="9" href="http://example.org/a.png"/>"#.to_owned(),
        format!(r#"<filter id="f"><feImage href="{path}"/></filter><path d="M0 0h9v9z" filter="url(#f)"/>"#),
    ] {
        let mut shelf = Shelf::default();
        let logo = artwork(&mut shelf, &svg(&inside), Anchor::Center, 0.0, 40.0);
        let reason = reason(&shelf, logo);
        assert!(reason.contains("outside itself"), "{inside}: {reason}");
    }
    let entity = format!(
        r#"<!DOCTYPE svg [<!ENTITY x SYSTEM "{path}">]><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text>&x;</text></svg>"#
    );
    assert!(check_artwork("a.svg", entity.as_bytes()).is_err());
}

fn embedded(mime: &str, bytes: &[u8]) -> Vec<u8> {
    let hex = bytes.iter().fold(String::new(), |hex, b| hex + &format!("%{b:02x}"));
    svg(&format!(r#"<image width="10" height="10" href="data:{mime},{hex}"/>"#))
}

#[test]
fn pictures_inside_an_svg_are_drawn_or_refused() {
    let mut shelf = Shelf::default();
    let files = [("image/png", square(4, [40, 80, 120])), ("image/jpeg", jpeg_of(16, 16, &[40, 80, 120].repeat(256)))];
    for (mime, bytes) in files {
        let logo = artwork(&mut shelf, &embedded(mime, &bytes), Anchor::Center, 0.0, 40.0);
        let pixels = drawn(&shelf, vec![Element::Artwork(logo)]);
        assert!(largest_difference(&pixels[(50 * 120 + 60) * 3..][..3], &[40, 80, 120]) <= 2, "{mime}");
    }
    let mut huge = square(1, [0; 3]);
    // The header says 30,000 × 30,000.
    huge[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    let broken = &square(4, [0; 3])[..50];
    for (mime, bytes, part) in [
        ("image/png", &huge[..], "embeds"),
        ("image/png", broken, "embeds"),
        ("image/gif", b"GIF89a..........", "GIF"),
        ("image/svg+xml", &svg(""), "another SVG"),
    ] {
        let told = check_artwork("a.svg", &embedded(mime, bytes)).unwrap_err();
        assert!(told.contains(part), "{mime}: {told}");
    }
}

/// None of these may take long, much memory, or all of the stack.
#[test]
fn bombs_are_refused_quickly() {
    let head =
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">"#;
    let laugh = |i: usize| format!(r#"<!ENTITY a{i} "{}">"#, format!("&a{};", i - 1).repeat(10));
    let laughs = (1..10).map(laugh).collect::<String>();
    let doubled = |close: &str| -> String {
        let level =
            |i: usize| format!(r##"<g id="u{i}"><use xlink:href="#u{0}"/><use xlink:href="#u{0}"/></g>"##, i + 1);
        (0..40).map(level).collect::<String>() + close
    };
    let pattern = |i: usize| {
        let rects = format!(r#"<rect width="1" height="1" fill="url(#p{})"/>"#, i + 1).repeat(9);
        format!(r#"<pattern id="p{i}" width="1" height="1">{rects}</pattern>"#)
    };
    let bombs = [
        format!(r#"<!DOCTYPE svg [<!ENTITY a0 "ha">{laughs}]>{head}<text>&a9;</text></svg>"#),
        format!(
            r#"<!DOCTYPE svg [<!ENTITY a "{}">]>{head}<text>{}</text></svg>"#,
            "x".repeat(100_000),
            "&a;".repeat(100_000)
        ),
        format!("{head}{}{}</svg>", "<g>".repeat(200_000), "</g>".repeat(200_000)),
        format!("{head}{}</svg>", "<g>".repeat(200_000)),
        format!("{head}{}</svg>", doubled("")),
        format!(r##"{head}<g id="a"><use xlink:href="#a"/></g></svg>"##),
        format!("{head}{}<path d='M0 0h9v9z' fill='url(#p0)'/></svg>", (0..20).map(pattern).collect::<String>()),
        format!("{head}{}</svg>", "<path d='M0 0h9v9z'/>".repeat(400_000)),
        format!(
            r#"{head}<filter id="f"><feTurbulence baseFrequency="1" numOctaves="1e9"/></filter><path d="M0 0h9v9z" filter="url(#f)"/></svg>"#
        ),
        format!(
            r#"{head}<filter id="f"><feMorphology radius="1e4"/></filter><path d="M0 0h9v9z" filter="url(#f)"/></svg>"#
        ),
        format!("{head}{}</svg>", " ".repeat(SVG_MAX_BYTES)),
    ];
    for (i, bomb) in bombs.iter().enumerate() {
        let start = Instant::now();
        let told = check_artwork("a.svg", bomb.as_bytes());
        assert!(told.is_err(), "bomb {i} was taken");
        assert!(start.elapsed() < Duration::from_secs(5), "bomb {i} took {:?}", start.elapsed());
    }
}

#[test]
fn what_is_allowed_fits_on_the_stack() {
    let nested = format!(r#"{}<path d="M0 0h10v10h-10z"/>{}"#, r#"<g opacity="0.999">"#.repeat(95), "</g>".repeat(95));
    let mut shelf = Shelf::default();
    let logo = artwork(&mut shelf, &svg(&nested), Anchor::Center, 0.0, 40.0);
    assert!(painted(&drawn(&shelf, vec![Element::Artwork(logo)])).is_some());
}

#[test]
fn elements_off_the_sheet_are_refused() {
    let mut shelf = Shelf::default();
    let mut logo = artwork(&mut shelf, &square(2, [0; 3]), Anchor::Center, 0.0, 40.0);
    for area in [Window { x: 100, ..AREA }, Window { width: 0, ..AREA }, Window { y: 50, ..AREA }] {
        logo.spot.area = area;
        let word = Text { spot: logo.spot.clone(), ..text("a", Anchor::Center, 9.0) };
        for element in [Element::Artwork(logo.clone()), Element::Text(word)] {
            assert_eq!(draw(&shelf, &sheet(vec![element])).unwrap_err().code(), "bad_spec");
        }
    }
    let nothing = draw(&shelf, &sheet(vec![Element::Text(text("a", Anchor::Center, 0.0))]));
    assert_eq!(nothing.unwrap_err().code(), "bad_spec");
}

#[test]
fn files_that_are_no_artwork_are_named() {
    for (name, bytes, part) in [
        ("logo.pdf", &b"%PDF-1.7"[..], "a PDF"),
        ("logo.ai", b"%PDF-1.7", "export it as SVG"),
        ("logo.eps", b"%!PS-Adobe-3.0 EPSF", "PostScript"),
        ("logo.png", b"\xff\xd8\xff\xe0", "a JPEG, though its name ends in .png"),
        ("logo.svg", b"\x1f\x8b\x08", "SVGZ"),
        ("logo.tif", b"II*\0", "a TIFF"),
        ("logo.psd", b"8BPS", "Photoshop"),
        ("logo.svg", b"", "empty"),
        ("logo.svg", b"hello", "no known kind"),
        ("logo.svg", b"<html></html>", "no SVG"),
        ("logo.svg", b"<svg", "no SVG"),
        ("logo.png", &square(9, [1; 3])[..60], "damaged"),
    ] {
        let told = check_artwork(name, bytes).unwrap_err();
        assert!(told.contains(part), "{name}: {told}");
    }
    assert_eq!(check_artwork("logo.svg", &svg("")), Ok(()));
    assert_eq!(check_artwork("logo.png", &square(2, [1; 3])), Ok(()));
    let mut shelf = Shelf::default();
    let logo = artwork(&mut shelf, b"%PDF-1.7", Anchor::Center, 0.0, 9.0);
    assert!(reason(&shelf, logo.clone()).contains("artwork/logo"));
    assert!(reason(&shelf, Artwork { asset: "gone".to_owned(), ..logo }).contains("not among the files"));
}

#[test]
fn artwork_and_texts_are_the_same_bytes_with_any_number_of_threads() {
    let mut shelf = Shelf::default();
    let logo = artwork(
        &mut shelf,
        &svg(r#"<circle cx="5" cy="5" r="4" opacity=".5"/><text y="9" font-size="3">Ag</text>"#),
        Anchor::Tile,
        0.0,
        23.0,
    );
    let spec = sheet(vec![Element::Artwork(logo), Element::Text(text("Ágnes", Anchor::Center, 30.0))]);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| draw(&shelf, &spec).unwrap())
    };
    assert_eq!(with(1), with(3));
}
