//! The sheet that a printer is tried with: what it cuts off, whether its measures are true, what it does to colours.
//!
//! Drawn in millimetres of the paper, so that a ruler on the print tells the truth. Knows one printer's demand; must
//! not know whether the printer is there.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::printing::Demand;
use crate::model::profile::Anchor;
use crate::model::spec::{
    Artwork, Element, Encoding, MetadataSpec, OutputSpec, PixelSize, Spot, Subsampling, Turn, Window,
};
use crate::model::units::{Color, Dimensions, Length};

/// Fine enough for every ruler mark to be sharp.
const DPI: f64 = 300.0;
/// How far in the scales at the edges reach, in millimetres.
const SCALE_MM: u32 = 10;
/// From the paper's edge to what is written and shown.
const MARGIN_MM: f64 = 14.0;
/// What the middle of the sheet is drawn in, in its own millimetres; it shrinks as a whole on small paper.
const MIDDLE: (f64, f64) = (112.0, 92.0);
/// Half of an edge scale's height along the edge.
const STEP_MM: f64 = 2.5;

/// What stands on the sheet.
#[derive(Debug)]
pub struct Words<'a> {
    pub printer: &'a str,
    /// How the printer is reached.
    pub target: &'a str,
    /// The size that was asked for.
    pub size: Dimensions,
    pub date: &'a str,
    pub color: &'a str,
}

/// The spec of the sheet, and the drawing that it shows: an asset, by its digest.
pub fn test_sheet(demand: &Demand, words: &Words<'_>) -> (OutputSpec, String, Vec<u8>) {
    let paper = lying_in_the_feed(demand);
    let spray = demand.overspray.unwrap_or(Length::px(0));
    let pixels = |length: Length| length.to_px(DPI);
    let sheet = PixelSize::new(pixels(paper.width) + 2 * pixels(spray), pixels(paper.height) + 2 * pixels(spray));
    let drawing = Drawing {
        paper: (mm(paper.width), mm(paper.height)),
        spray: if demand.overspray.is_some() { mm(spray) } else { 0.0 },
        sheet: (f64::from(sheet.width) / DPI * 25.4, f64::from(sheet.height) / DPI * 25.4),
    };
    let svg = drawing.draw(demand, words).into_bytes();
    let asset = crate::model::digest::sha256(&svg);
    let artwork = Artwork {
        asset: asset.clone(),
        shown: "the test sheet".into(),
        values: BTreeMap::new(),
        width: Some(f64::from(sheet.width)),
        height: Some(f64::from(sheet.height)),
        spot: Spot { area: Window::of(sheet), anchor: Anchor::Center, margin: 0.0 },
        opacity: 1.0,
    };
    let spec = OutputSpec {
        sheet,
        background: Color::WHITE,
        fills: Vec::new(),
        cells: Vec::new(),
        elements: vec![Element::Artwork(artwork)],
        turn: Turn::None,
        color: demand.color.clone(),
        encoding: Encoding::Jpeg {
            quality: 95,
            subsampling: Subsampling::S444,
            progressive: false,
            optimize: false,
            max_bytes: None,
        },
        dpi: DPI,
        metadata: MetadataSpec::none(),
        accept_damage: false,
    };
    (spec, asset, svg)
}

/// The side across the feed is the sheet's width; upright where nothing is said.
fn lying_in_the_feed(demand: &Demand) -> Dimensions {
    let paper = demand.paper.short_first();
    if demand.across == Some(paper.height) { paper.swapped() } else { paper }
}

fn mm(length: Length) -> f64 {
    length.to_inches(DPI) * 25.4
}

/// Sizes in millimetres; places from the paper's top left corner.
struct Drawing {
    paper: (f64, f64),
    spray: f64,
    /// With the overspray on all sides.
    sheet: (f64, f64),
}

impl Drawing {
    fn draw(&self, demand: &Demand, words: &Words<'_>) -> String {
        let ((width, height), (w, h)) = (self.sheet, self.paper);
        let offset = ((width - w) / 2.0, (height - h) / 2.0);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{} {} {width} {height}\" width=\"{width}\" \
             height=\"{height}\" font-size=\"2.6\">\n",
            -offset.0, -offset.1
        );
        self.lines(&mut svg, demand, words);
        self.edge_scales(&mut svg);
        self.rulers(&mut svg);
        self.middle(&mut svg, demand, words);
        svg.push_str("</svg>\n");
        svg
    }

    /// The paper's edge, three and five millimetres inside, and the print's own edge on larger paper.
    fn lines(&self, svg: &mut String, demand: &Demand, words: &Words<'_>) {
        let (w, h) = self.paper;
        let mut frame = |inset: (f64, f64), look: &str| {
            let (x, y) = inset;
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" fill=\"none\" {look}/>",
                w - 2.0 * x,
                h - 2.0 * y
            );
        };
        frame((0.0, 0.0), "stroke=\"#c00000\" stroke-width=\"0.2\"");
        frame((3.0, 3.0), "stroke=\"#0050c0\" stroke-width=\"0.15\" stroke-dasharray=\"2 1\"");
        frame((5.0, 5.0), "stroke=\"#909090\" stroke-width=\"0.15\" stroke-dasharray=\"0.5 1\"");
        if !words.size.same_size(demand.paper) {
            let size = words.size.short_first();
            let (a, b) = (mm(size.width), mm(size.height));
            let (a, b) = if w <= h { (a, b) } else { (b, a) };
            frame(((w - a) / 2.0, (h - b) / 2.0), "stroke=\"#000000\" stroke-width=\"0.2\"");
        }
    }

    /// What the lines are, under the picture's middle.
    fn legend(&self, svg: &mut String) {
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{}\" font-size=\"1.9\">red: the paper's edge · blue: 3 mm inside · dotted: 5 mm inside · scales: mm \
             from the edge{}</text>",
            MIDDLE.1 + 1.5,
            if self.spray > 0.0 { ", beyond it the overspray" } else { "" }
        );
    }

    /// Steps that go in from each edge, one millimetre each: the first whole one tells how much was cut off.
    fn edge_scales(&self, svg: &mut String) {
        let (w, h) = self.paper;
        // A quarter along each side, so that they meet neither corners nor rulers.
        let sides = [
            (format!("translate(0 {})", h / 4.0), self.spray),
            (format!("translate({w} {}) scale(-1 1)", h * 3.0 / 4.0), self.spray),
            (format!("translate({} 0) rotate(90) scale(1 -1)", w / 4.0), self.spray),
            (format!("translate({} {h}) rotate(-90) scale(1 -1)", w * 3.0 / 4.0), self.spray),
        ];
        for (place, spray) in sides {
            let _ = writeln!(svg, "<g transform=\"{place}\">");
            let _ = writeln!(svg, "<rect x=\"{}\" y=\"-0.1\" width=\"{spray}\" height=\"0.2\"/>", -spray);
            for step in 0..=SCALE_MM {
                let x = f64::from(step);
                let length = if step.is_multiple_of(5) { STEP_MM * 2.0 } else { STEP_MM };
                let _ = writeln!(
                    svg,
                    "<rect x=\"{}\" y=\"{}\" width=\"0.12\" height=\"{length}\"/>",
                    x - 0.06,
                    -length / 2.0
                );
            }
            svg.push_str("</g>\n");
        }
        // Mirrored places would mirror the figures: they stand in the sheet's own directions.
        let mut figure = |x: f64, y: f64, text: u32| {
            let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\" font-size=\"2\" text-anchor=\"middle\">{text}</text>");
        };
        for step in [5_u32, 10] {
            let at = f64::from(step);
            figure(at, h / 4.0 - 3.2, step);
            figure(w - at, h * 3.0 / 4.0 - 3.2, step);
            figure(w / 4.0 + 4.0, at + 0.7, step);
            figure(w * 3.0 / 4.0 + 4.0, h - at + 0.7, step);
        }
    }

    /// Along the left and the bottom: what they measure on paper, measured again with a ruler, is the scale.
    fn rulers(&self, svg: &mut String) {
        let (w, h) = self.paper;
        let ruler = |svg: &mut String, place: &str, room: f64| {
            let length = ((room / 10.0).floor() * 10.0).clamp(0.0, 200.0) as u32;
            if length == 0 {
                return;
            }
            let _ = writeln!(svg, "<g transform=\"{place}\"><rect width=\"{length}\" height=\"0.15\" y=\"-0.15\"/>");
            for at in 0..=length {
                let tick = match at {
                    at if at.is_multiple_of(10) => 3.0,
                    at if at.is_multiple_of(5) => 2.2,
                    _ => 1.4,
                };
                let _ = writeln!(
                    svg,
                    "<rect x=\"{}\" y=\"-{tick}\" width=\"0.1\" height=\"{tick}\"/>",
                    f64::from(at) - 0.05
                );
            }
            let _ = writeln!(svg, "<text x=\"{length}\" y=\"-3.6\" text-anchor=\"end\">{length} mm</text></g>");
        };
        let inset = MARGIN_MM - 2.0;
        ruler(svg, &format!("translate({MARGIN_MM} {})", h - inset), w / 2.0 - MARGIN_MM);
        let room = h / 2.0 - MARGIN_MM - 4.0;
        ruler(svg, &format!("translate({inset} {}) rotate(-90)", h - MARGIN_MM - 6.0), room);
    }

    /// Names, a circle that shows another scale in one direction, ramps.
    fn middle(&self, svg: &mut String, demand: &Demand, words: &Words<'_>) {
        let (w, h) = self.paper;
        let left = MARGIN_MM + 4.0;
        let scale = ((w - left - MARGIN_MM) / MIDDLE.0).min((h - 2.0 * MARGIN_MM - 6.0) / MIDDLE.1).clamp(0.1, 1.6);
        let place = (left + (w - left - MARGIN_MM - MIDDLE.0 * scale) / 2.0, (h - MIDDLE.1 * scale) / 2.0 - 3.0);
        let _ =
            writeln!(svg, "<g transform=\"translate({} {}) scale({scale})\">", place.0, place.1.max(MARGIN_MM - 4.0));
        let across = demand.across.map_or_else(String::new, |side| format!(", {side} across the feed"));
        let spray = demand.overspray.map_or_else(String::new, |length| format!(", overspray {length}"));
        let paper = if words.size.same_size(demand.paper) {
            format!("{}{across}{spray}", words.size)
        } else {
            format!("{} on {}{across}{spray}", words.size, demand.paper)
        };
        let _ = writeln!(svg, "<text x=\"0\" y=\"5.5\" font-size=\"6\">{}</text>", escaped(words.printer));
        for (line, text) in [words.target, &paper, words.color, words.date].into_iter().enumerate() {
            let y = 10.5 + 3.8 * line as f64;
            let _ = writeln!(svg, "<text x=\"0\" y=\"{y}\" font-size=\"2.9\">{}</text>", escaped(text));
        }
        svg.push_str(
            "<circle cx=\"98\" cy=\"12\" r=\"11\" fill=\"none\" stroke=\"#000000\" stroke-width=\"0.2\"/>\
             <path d=\"M84 12h28M98 -2v28\" stroke=\"#000000\" stroke-width=\"0.1\"/>\n",
        );
        ramps(svg, 29.0);
        self.legend(svg);
        svg.push_str("</g>\n");
    }
}

/// Greys in steps and without, then the six pure colours from light to dark, and skin tones.
fn ramps(svg: &mut String, top: f64) {
    const STEPS: u32 = 21;
    let width = MIDDLE.0 / f64::from(STEPS);
    for step in 0..STEPS {
        let level = (255.0 * f64::from(step) / f64::from(STEPS - 1)).round() as u8;
        let x = f64::from(step) * width;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{top}\" width=\"{}\" height=\"9\" fill=\"#{level:02x}{level:02x}{level:02x}\"/>",
            // Into the next one, which covers it: no seam shows.
            width + if step + 1 < STEPS { 0.3 } else { 0.0 }
        );
        if step % 2 == 0 {
            let label = 100 - 100 * step / (STEPS - 1);
            let middle = x + width / 2.0;
            let y = top + 11.2;
            let _ =
                writeln!(svg, "<text x=\"{middle}\" y=\"{y}\" font-size=\"1.9\" text-anchor=\"middle\">{label}</text>");
        }
    }
    // White ends somewhere too.
    let outline = |svg: &mut String, y: f64, height: f64| {
        let _ = writeln!(
            svg,
            "<rect y=\"{y}\" width=\"{}\" height=\"{height}\" fill=\"none\" stroke=\"#b0b0b0\" stroke-width=\"0.1\"/>",
            MIDDLE.0
        );
    };
    outline(svg, top, 9.0);
    let mut bar = |name: &str, y: f64, stops: &[&str]| {
        let _ = write!(svg, "<linearGradient id=\"{name}\">");
        for (at, color) in stops.iter().enumerate() {
            let offset = at as f64 / (stops.len() - 1) as f64;
            let _ = write!(svg, "<stop offset=\"{offset}\" stop-color=\"{color}\"/>");
        }
        let _ = writeln!(
            svg,
            "</linearGradient><rect y=\"{y}\" width=\"{}\" height=\"5\" fill=\"url(#{name})\"/>",
            MIDDLE.0
        );
        outline(svg, y, 5.0);
    };
    let bars: [(&str, &[&str]); 8] = [
        ("grey", &["#000000", "#ffffff"]),
        ("red", &["#000000", "#ff0000", "#ffffff"]),
        ("yellow", &["#000000", "#ffff00", "#ffffff"]),
        ("green", &["#000000", "#00ff00", "#ffffff"]),
        ("cyan", &["#000000", "#00ffff", "#ffffff"]),
        ("blue", &["#000000", "#0000ff", "#ffffff"]),
        ("magenta", &["#000000", "#ff00ff", "#ffffff"]),
        ("skin", &["#3b2219", "#8d5524", "#c68642", "#e0ac69", "#f1c27d", "#ffdbac", "#ffeee0"]),
    ];
    for (index, (name, stops)) in bars.iter().enumerate() {
        bar(name, top + 13.5 + 6.0 * index as f64, stops);
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::printing::Ask;
    use super::super::tests::printing;
    use super::*;

    fn sheet(media: &str, size: &str) -> (OutputSpec, String) {
        let config = format!(
            "version: 1\nprinters:\n  lustre: {{ uri: \"ipp://10.0.0.21/ipp/print\", overspray: 1mm, media: {media} }}\n"
        );
        let size = Dimensions::parse(size).unwrap();
        let ask = Ask { printer: "lustre".into(), size, borderless: true, paper: None, location: None };
        let demand = printing(&config).demand(&ask).unwrap();
        let words = Words { printer: "A & <B>", target: "ipp", size, date: "today", color: "sRGB" };
        let (spec, asset, svg) = test_sheet(&demand, &words);
        assert_eq!(asset, crate::model::digest::sha256(&svg));
        (spec, String::from_utf8(svg).unwrap())
    }

    #[test]
    fn it_is_the_paper_with_its_overspray_as_it_lies_in_the_feed() {
        assert_eq!(sheet("[8x10in]", "8x10in").0.sheet, PixelSize::new(2424, 3024));
        assert_eq!(sheet("{ 8x10in: { across: 10in } }", "8x10in").0.sheet, PixelSize::new(3024, 2424));
        assert_eq!(sheet("{ 5x5in: { on: 5x7in } }", "5x5in").0.sheet, PixelSize::new(1524, 2124));
    }

    #[test]
    fn a_print_smaller_than_its_paper_shows_its_own_edge() {
        let frames = |svg: &str| svg.matches("fill=\"none\" stroke=\"#").count();
        let (whole, part) = (sheet("[5x7in]", "5x7in").1, sheet("{ 5x5in: { on: 5x7in } }", "5x5in").1);
        assert_eq!(frames(&part), frames(&whole) + 1);
        assert!(part.contains("5x5in on 5x7in") && part.contains("A &amp; &lt;B&gt;"), "{part}");
    }
}
