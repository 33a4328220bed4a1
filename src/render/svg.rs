//! SVG artwork: tokens filled in, read within limits, drawn at any size.
//!
//! Invariant: reading an SVG opens no file and no address; what it refers to outside itself is an error, not a gap in
//! the picture. Must not know: where the drawing goes.

use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;
use std::sync::{Arc, Mutex};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::roxmltree::{self, Document, Node};
use resvg::usvg::{self, ImageHrefResolver, ImageKind, Options, Tree};

use super::decode;
use super::header::{self, Inks};
use super::raster::{Layout, Raster, Samples};
use super::text::{Font, push_escaped};
use crate::model::limits::{ARTWORK_MAX_BYTES, SVG_MAX_BYTES, SVG_MAX_DEPTH, SVG_MAX_ELEMENTS};
use crate::model::spec::{DecodeFactor, PictureFormat, PixelSize};
use crate::model::template::Template;

/// Most octaves of noise that a filter may add up; more cannot be told apart, and each costs a pass.
const OCTAVES_MAX: f64 = 10.0;
/// Largest growth of a filter, in the drawing's units; the cost grows with its square.
const GROWTH_MAX: f64 = 50.0;

/// The tokens of templates in an SVG, such as `{studio.name}`, with their braces, each once.
pub fn svg_tokens(bytes: &[u8]) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let Ok(source) = std::str::from_utf8(bytes) else { return tokens };
    for (token, _) in braced(source) {
        // A pair of braces in a style sheet is no template, or one without a token.
        let known = !tokens.iter().any(|t| t == token)
            && Template::parse(token).is_ok_and(|template| template.tokens().next().is_some());
        if known {
            tokens.push(token.to_owned());
        }
    }
    tokens
}

/// The innermost pairs of braces, and where they start.
fn braced(source: &str) -> impl Iterator<Item = (&str, usize)> {
    let starts = source.match_indices('{').map(|(at, _)| at);
    starts.filter_map(|at| {
        let inside = &source[at + 1..];
        let end = inside.find(['{', '}', '<', '\n']).filter(|end| inside[*end..].starts_with('}'))?;
        Some((&source[at..at + end + 2], at))
    })
}

/// Replaces tokens by what they stand for; a value is never looked into for tokens.
fn filled(source: &str, values: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(source.len());
    let mut done = 0;
    for (token, at) in braced(source) {
        if let Some(value) = values.get(token) {
            out += &source[done..at];
            push_escaped(&mut out, value);
            done = at + token.len();
        }
    }
    out + &source[done..]
}

/// A drawing that was read.
#[derive(Debug)]
pub(super) struct Drawing(Tree);

impl Drawing {
    pub(super) fn read(bytes: &[u8], values: &BTreeMap<String, String>) -> Result<Drawing, String> {
        check_length(bytes.len())?;
        let source = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8; export the SVG again as UTF-8")?;
        let source = filled(source.trim_start_matches('\u{feff}'), values);
        check_length(source.len())?;
        check_entities(&source)?;
        let options = roxmltree::ParsingOptions {
            allow_dtd: true,
            nodes_limit: SVG_MAX_ELEMENTS as u32 * 4,
            ..roxmltree::ParsingOptions::default()
        };
        let document = Document::parse_with_options(&source, options).map_err(|e| format!("it is no SVG: {e}"))?;
        check_elements(&document)?;
        let complaint: Arc<Mutex<Option<String>>> = Arc::default();
        let options = Options { image_href_resolver: embedded_only(&complaint), ..Font::shipped()?.options(false) };
        let tree = Tree::from_xmltree(&document, &options).map_err(|e| format!("it is no SVG that can be drawn: {e}"));
        match complaint.lock().map(|mut complaint| complaint.take()) {
            Ok(None) => tree.map(Drawing),
            Ok(Some(complaint)) => Err(complaint),
            Err(_) => Err("an embedded picture could not be read".to_owned()),
        }
    }

    /// Width and height in its own units.
    pub(super) fn size(&self) -> (f64, f64) {
        (f64::from(self.0.size().width()), f64::from(self.0.size().height()))
    }

    /// What of its texts, as they were filled in, the font cannot show.
    pub(super) fn missing(&self) -> Result<Vec<String>, String> {
        fn texts(group: &usvg::Group) -> Vec<&str> {
            let mut found = Vec::new();
            for node in group.children() {
                match node {
                    usvg::Node::Text(text) => found.extend(text.chunks().iter().map(usvg::TextChunk::text)),
                    usvg::Node::Group(group) => found.extend(texts(group)),
                    usvg::Node::Path(_) | usvg::Node::Image(_) => {}
                }
            }
            found
        }
        let font = Font::shipped()?;
        Ok(texts(self.0.root()).into_iter().flat_map(|text| font.missing(text)).collect())
    }

    /// Draws it: RGBA in sRGB.
    pub(super) fn draw(&self, size: PixelSize) -> Option<Raster> {
        let mut pixmap = Pixmap::new(size.width, size.height)?;
        let (width, height) = self.size();
        let scale = (f64::from(size.width) / width, f64::from(size.height) / height);
        let place = Transform::from_scale(scale.0 as f32, scale.1 as f32);
        resvg::render(&self.0, place, &mut pixmap.as_mut());
        Some(Raster { size, layout: Layout::Rgba, samples: Samples::U8(pixmap.take_demultiplied()) })
    }
}

fn check_length(bytes: usize) -> Result<(), String> {
    if bytes <= SVG_MAX_BYTES {
        return Ok(());
    }
    Err(format!("it has {bytes} bytes, an SVG may have {SVG_MAX_BYTES}; make the pictures in it smaller"))
}

/// Refuses entities that would blow up. Illustrator writes a dozen short ones; the parser bounds their nesting, but
/// not how often a long one is repeated.
fn check_entities(source: &str) -> Result<(), String> {
    let Some((start, end)) = source.find("<!DOCTYPE").zip(source.find("]>")).filter(|(start, end)| start < end) else {
        return Ok(());
    };
    let declared = &source[start..end];
    let references = source[end..].bytes().filter(|b| *b == b'&').count();
    if declared.contains('&') || declared.len().saturating_mul(references) > SVG_MAX_BYTES {
        return Err("its entities are too many or nested; export it without them".to_owned());
    }
    Ok(())
}

/// Refuses drawings whose parts, repeated by `use`, patterns, masks and markers, come to too much.
fn check_elements(document: &Document<'_>) -> Result<(), String> {
    let elements = document.descendants().filter(Node::is_element);
    let ids: HashMap<&str, Node<'_, '_>> = elements.filter_map(|e| e.attribute("id").map(|id| (id, e))).collect();
    let mut left = SVG_MAX_ELEMENTS;
    weigh(document.root_element(), &ids, SVG_MAX_DEPTH, &mut left)
}

fn weigh(
    element: Node<'_, '_>,
    ids: &HashMap<&str, Node<'_, '_>>,
    deep: usize,
    left: &mut usize,
) -> Result<(), String> {
    let deep = deep.checked_sub(1).ok_or("it is nested too deeply, or a part of it contains itself; simplify it")?;
    *left = left.checked_sub(1).ok_or("it has too many parts; export it as a PNG")?;
    let kind = element.tag_name().name();
    for attribute in element.attributes() {
        let (name, value) = (attribute.name(), attribute.value());
        let most = match (kind, name) {
            ("feTurbulence", "numOctaves") => OCTAVES_MAX,
            ("feMorphology", "radius") => GROWTH_MAX,
            _ => f64::MAX,
        };
        if value.split([' ', ',']).any(|number| number.parse::<f64>().is_ok_and(|n| n > most)) {
            return Err(format!("`{name}` of its filter `{kind}` is above {most}; export it as a PNG"));
        }
        let own = value.strip_prefix('#').filter(|_| name == "href" && kind != "a");
        let others = value.split("url(").skip(1).filter_map(|rest| rest.split(')').next());
        let others = others.filter_map(|url| url.trim_matches(['"', '\'', ' ']).strip_prefix('#'));
        for target in own.into_iter().chain(others).filter_map(|id| ids.get(id)) {
            // Gradients are shared, not repeated.
            if !target.tag_name().name().ends_with("Gradient") {
                weigh(*target, ids, deep, left)?;
            }
        }
    }
    element.children().filter(Node::is_element).try_for_each(|child| weigh(child, ids, deep, left))
}

/// Takes pictures that lie in the SVG itself, as PNG; the first thing that cannot be taken is left in `complaint`.
fn embedded_only(complaint: &Arc<Mutex<Option<String>>>) -> ImageHrefResolver<'static> {
    let complain = |to: &Mutex<Option<String>>, what: String| {
        if let Ok(mut complaint) = to.lock() {
            complaint.get_or_insert(what);
        }
    };
    let (of_data, of_links) = (complaint.clone(), complaint.clone());
    ImageHrefResolver {
        resolve_data: Box::new(move |mime, data, _| {
            let png = if mime.contains("svg") { Err("another SVG".to_owned()) } else { as_png(&data) };
            let problem = |what| complain(&of_data, format!("it embeds {what}; embed a PNG or JPEG in RGB, or none"));
            png.map_err(problem).ok().map(|png| ImageKind::PNG(png.map_or(data, Arc::new)))
        }),
        resolve_string: Box::new(move |link, _| {
            let shown: String = link.chars().filter(|c| !c.is_control()).take(60).collect();
            complain(
                &of_links,
                format!("it refers to the picture `{shown}` outside itself; embed the picture into the SVG"),
            );
            None
        }),
    }
}

/// An embedded picture as PNG: None when it is one already. Read in full, because a broken one would be left out of
/// the drawing without a word.
fn as_png(data: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut facts = header::read(Cursor::new(data)).map_err(|e| format!("a picture that cannot be used ({e})"))?;
    if facts.inks == Inks::Cmyk {
        return Err("a picture in CMYK".to_owned());
    }
    if facts.header.stored.pixels() * 4 > ARTWORK_MAX_BYTES {
        return Err(format!("a picture of {} pixels", facts.header.stored));
    }
    let raster = decode::decode(data, &mut facts, DecodeFactor::FULL, false)
        .map_err(|e| format!("a picture that cannot be used ({e})"))?;
    if facts.header.format == PictureFormat::Png {
        return Ok(None);
    }
    let color = match raster.layout {
        Layout::Gray => png::ColorType::Grayscale,
        Layout::Rgb => png::ColorType::Rgb,
        Layout::Rgba | Layout::Cmyk => png::ColorType::Rgba,
        Layout::Planes(_) => return Err("a picture in planes".to_owned()),
    };
    let Samples::U8(samples) = raster.samples.in_depth(false) else { return Err("a picture of this depth".to_owned()) };
    let mut out = Vec::new();
    let failed = |e: png::EncodingError| format!("a picture that cannot be used ({e})");
    let mut encoder = png::Encoder::new(&mut out, raster.size.width, raster.size.height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fastest);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&samples).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(Some(out))
}
