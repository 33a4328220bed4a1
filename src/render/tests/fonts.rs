//! Texts in fonts that have a letter, lack it, or bring it in colour.

use super::super::text::{Fonts, check_font};
use super::*;
use crate::model::profile::Anchor;
use crate::plan::facts::Glyphs;

const SHIPPED: &[u8] = include_bytes!("../font/NotoSans-Regular.ttf");
const HEART: char = '\u{2764}';

/// The shipped font with these tables in place of its own, and without those of which nothing is given.
fn font_with(changed: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let number = |at: usize| u32::from_be_bytes(*SHIPPED[at..].first_chunk().unwrap()) as usize;
    let mut tables: BTreeMap<[u8; 4], Vec<u8>> = (0..number(4) >> 16)
        .map(|i| 12 + 16 * i)
        .map(|at| (*SHIPPED[at..].first_chunk().unwrap(), SHIPPED[number(at + 8)..][..number(at + 12)].to_vec()))
        .collect();
    tables.extend(changed.iter().cloned());
    tables.retain(|_, table| !table.is_empty());
    let mut head = [&SHIPPED[..4], &(tables.len() as u16).to_be_bytes(), &[0; 6]].concat();
    let mut body = Vec::new();
    let start = 12 + 16 * tables.len();
    for (name, table) in &tables {
        head.extend(name);
        for value in [0, start + body.len(), table.len()] {
            head.extend((value as u32).to_be_bytes());
        }
        body.extend(table);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    [head, body].concat()
}

fn big_endian(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_be_bytes()).collect()
}

/// Letters by their code points: all of ASCII in a row, and the heart if there is one to be.
fn letters(heart: Option<u16>) -> [([u8; 4], Vec<u8>); 4] {
    let ascii = [[0x20, 0x7e, 3]];
    let groups: Vec<[u32; 3]> =
        ascii.into_iter().chain(heart.map(|g| [HEART.into(), HEART.into(), g.into()])).collect();
    let mut table = big_endian(&[0, 1, 3, 10, 0, 12, 12, 0]);
    for value in [16 + 12 * groups.len() as u32, 0, groups.len() as u32].into_iter().chain(groups.concat()) {
        table.extend(value.to_be_bytes());
    }
    [(*b"cmap", table), (*b"GSUB", Vec::new()), (*b"GPOS", Vec::new()), (*b"GDEF", Vec::new())]
}

/// The heart is this glyph, a letter with an outline.
const GLYPH: u16 = 43;

fn plain(heart: bool) -> Vec<u8> {
    font_with(&letters(heart.then_some(GLYPH)))
}

/// The heart is a letter painted in pure blue.
fn in_color() -> Vec<u8> {
    // One glyph of one layer, in the first colour of the palette.
    let layers = big_endian(&[0, 1, 0, 14, 0, 20, 1, GLYPH, 0, 1, GLYPH, 0]);
    let mut palette = big_endian(&[0, 1, 1, 1, 0, 14, 0]);
    palette.extend([255, 0, 0, 255]);
    font_with(&[&letters(Some(GLYPH))[..], &[(*b"COLR", layers), (*b"CPAL", palette)]].concat())
}

/// A text in a font on white.
fn drawn(font: &[u8], text: &str, color: &str, opacity: f64) -> Vec<u8> {
    let mut shelf = Shelf::default();
    let ColorSpace::Asset(font) = shelf.put(font.to_vec()) else { panic!() };
    let text = Text {
        text: text.to_owned(),
        font: Some(font),
        height: 60.0,
        max_width: None,
        spot: Spot { area: Window { x: 0, y: 0, width: 200, height: 80 }, anchor: Anchor::Left, margin: 3.0 },
        color: Color::parse(color).unwrap(),
        outline: None,
        opacity,
    };
    let sheet = OutputSpec { cells: Vec::new(), elements: vec![Element::Text(text)], ..spec((1, 1), (200, 80)) };
    let mut out = None;
    render(&BTreeMap::new(), &[&sheet], &shelf, &mut |_, result| out = Some(result));
    pixels(&out.unwrap().unwrap().bytes)
}

fn missing(font: Option<&[u8]>, text: &str) -> Vec<String> {
    let mut shelf = Shelf::default();
    let font = font.map(|font| match shelf.put(font.to_vec()) {
        ColorSpace::Asset(digest) => digest,
        other => panic!("{other:?}"),
    });
    Fonts::new(&shelf).missing(font.as_deref(), text)
}

/// As phones write them: a heart, a sun and a sign with selectors, a keycap, a family, a flag, a bride.
#[test]
fn what_phones_write_is_missed_as_a_whole() {
    for (text, lacking) in [
        ("Love ❤\u{fe0f}", "❤\u{fe0f}"),
        ("❤\u{fe0e} you", "❤\u{fe0e}"),
        ("☀\u{fe0f}", "☀\u{fe0f}"),
        ("♂\u{fe0f}", "♂\u{fe0f}"),
        ("Nr. 1\u{fe0f}\u{20e3}", "1\u{fe0f}\u{20e3}"),
        ("the 👨\u{200d}👩\u{200d}👧", "👨\u{200d}👩\u{200d}👧"),
        ("Team 🇩🇪!", "🇩🇪"),
        ("👰🏽 & Tim", "👰🏽"),
        // A blank that some put in for a name draws a box where the font does not have it.
        ("\u{3164}", "\u{3164}"),
    ] {
        assert_eq!(missing(None, text), [lacking], "{text:?}");
    }
    assert_eq!(missing(None, "❤\u{fe0f} ☀\u{fe0f} ❤\u{fe0f}"), ["❤\u{fe0f}", "☀\u{fe0f}"]);
    for whole in
        ["©\u{fe0f} 2026", "1\u{fe0f}", "Nguyễn Thị Hương", "x\u{323}\u{302}", "½ № ™ …", "a\u{ad}b\u{2003}c\u{2060}"]
    {
        assert_eq!(missing(None, whole), [""; 0], "{whole:?}");
    }
}

/// What an SVG writes itself stands in no plan.
#[test]
fn texts_of_artwork_are_looked_through() {
    let svg = |text: &str| format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><g>{text}</g></svg>"#);
    let check = |text: &str| check_artwork("logo.svg", svg(text).as_bytes());
    assert_eq!(check("<text y='5'>Studio &amp; Söhne ©\u{fe0f} {record}</text>"), Ok(()));
    let reason = check("<text y='5'>With <tspan font-weight='bold'>❤\u{fe0f}</tspan></text>").unwrap_err();
    assert!(reason.contains("has no ❤\u{fe0f}; turn"), "{reason}");
}

#[test]
fn a_selector_neither_hides_a_box_nor_draws_one() {
    let (has, lacks) = (plain(true), plain(false));
    let heart = drawn(&has, "A❤B", "#000000", 1.0);
    assert_ne!(heart, drawn(&lacks, "A❤B", "#000000", 1.0));
    for selector in ["\u{fe0e}", "\u{fe0f}"] {
        let text = format!("A❤{selector}B");
        assert_eq!(missing(Some(&has), &text), [""; 0]);
        assert_eq!(drawn(&has, &text, "#000000", 1.0), heart, "{text:?}");
        assert_eq!(missing(Some(&lacks), &text), [format!("❤{selector}")]);
    }
}

#[test]
fn a_colour_font_prints_in_its_colours() {
    let font = in_color();
    assert_eq!(check_font(&font), Ok(()));
    assert_eq!(missing(Some(&font), "A❤\u{fe0f}"), [""; 0]);
    let count = |pixels: &[u8], wanted: [u8; 3]| pixels.chunks(3).filter(|p| *p == wanted).count();
    let both = drawn(&font, "A❤\u{fe0f}", "#ff0000", 1.0);
    assert!(count(&both, [0, 0, 255]) > 200 && count(&both, [255, 0, 0]) > 200);
    // It has the shape of the letter that it is made of, and lies where that would lie.
    let letter = drawn(&plain(true), "A❤\u{fe0f}", "#000000", 1.0);
    let covered = |pixels: &[u8]| pixels.chunks(3).map(|p| *p != [255; 3]).collect::<Vec<_>>();
    assert_eq!(covered(&both), covered(&letter));
    assert_eq!(count(&both, [0, 0, 0]), 0);
    // It is seen through as the text is, by its own opacity and by that of its colour.
    let half = drawn(&font, "❤", "#ff0000", 0.5);
    assert!(count(&half, [128, 128, 255]) + count(&half, [127, 127, 255]) > 200);
    assert_eq!(drawn(&font, "❤", "#ff000080", 1.0), drawn(&font, "❤", "#00ff00", 128.0 / 255.0));
}
