//! The renderer as a whole: files in, files out. Pictures are made here, none are read from the disk.

mod adjust;
mod behind;
mod buffers;
mod color;
mod colorimetry;
mod copies;
mod damage;
mod elements;
mod files;
mod fonts;
mod geometry;
mod irregular;
mod originals;
mod profiles;
mod straighten;
mod tiffs;
mod wide;
mod words;

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use super::*;
use crate::model::spec::*;
use crate::model::units::Color;

/// Profiles by their digest.
#[derive(Default)]
struct Shelf(BTreeMap<String, Arc<[u8]>>);

impl Shelf {
    fn put(&mut self, bytes: Vec<u8>) -> ColorSpace {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(&bytes).iter().fold(String::new(), |digest, b| digest + &format!("{b:02x}"));
        self.0.insert(digest.clone(), bytes.into());
        ColorSpace::Asset(digest)
    }
}

impl Assets for Shelf {
    fn get(&self, digest: &str) -> Option<Arc<[u8]>> {
        self.0.get(digest).cloned()
    }
}

/// A smooth picture that looks different from every side.
fn picture(width: u32, height: u32) -> Vec<u8> {
    let mut out = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
            let ring = (((u - 0.3).powi(2) + (v - 0.6).powi(2)).sqrt() * 9.0).sin();
            out.extend([(40.0 + 180.0 * u) as u8, (30.0 + 190.0 * v) as u8, (120.0 + 70.0 * ring) as u8]);
        }
    }
    out
}

/// The same with the noise of a sensor.
fn noisy_picture(width: u32, height: u32) -> Vec<u8> {
    let mut seed = 1u32;
    picture(width, height)
        .iter()
        .map(|v| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            v.wrapping_add((seed >> 28) as u8)
        })
        .collect()
}

fn jpeg_of(width: u32, height: u32, rgb: &[u8]) -> Vec<u8> {
    let mut compressor = turbojpeg::Compressor::new().unwrap();
    compressor.set_quality(97).unwrap();
    compressor.set_subsamp(turbojpeg::Subsamp::None).unwrap();
    let (width, height) = (width as usize, height as usize);
    let format = turbojpeg::PixelFormat::RGB;
    compressor.compress_to_vec(turbojpeg::Image { pixels: rgb, width, pitch: width * 3, height, format }).unwrap()
}

/// A JPEG with segments put in after its first one.
fn with_segments(jpeg: &[u8], add: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let first = segment::walk(jpeg).unwrap()[1].whole.len() + 2;
    let mut out = jpeg[..first].to_vec();
    add(&mut out);
    out.extend(&jpeg[first..]);
    out
}

fn with_exif(jpeg: &[u8], exif: &exif::Exif) -> Vec<u8> {
    with_segments(jpeg, |out| segment::push(out, 0xe1, &[segment::EXIF_PREFIX, &exif.write()]))
}

fn with_orientation(jpeg: &[u8], orientation: u16) -> Vec<u8> {
    let mut exif = exif::Exif::default();
    exif.set(exif::Field::short(exif::Directory::Main, exif::tag::ORIENTATION, orientation));
    with_exif(jpeg, &exif)
}

/// A PNG of any kind.
fn png_of(size: (u32, u32), color: png::ColorType, depth: png::BitDepth, icc: Option<&[u8]>, data: &[u8]) -> Vec<u8> {
    let mut info = png::Info::with_size(size.0, size.1);
    (info.color_type, info.bit_depth) = (color, depth);
    info.icc_profile = icc.map(Into::into);
    let mut out = Vec::new();
    let mut writer = png::Encoder::with_info(&mut out, info).unwrap().write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    out
}

fn rgb_png(width: u32, height: u32, rgb: &[u8]) -> Vec<u8> {
    png_of((width, height), png::ColorType::Rgb, png::BitDepth::Eight, None, rgb)
}

const PNG: Encoding = Encoding::Png { bits: 8, compression: PngCompression::Fast };
const JPEG: Encoding = Encoding::Jpeg {
    quality: 92,
    subsampling: Subsampling::S444,
    progressive: false,
    optimize: false,
    max_bytes: None,
};
const TIFF: Encoding = Encoding::Tiff { bits: 8, compression: TiffCompression::Lzw };
const WEBP: Encoding = Encoding::Webp { quality: 90, max_bytes: None };

fn plain_metadata(keep: KeepMetadata) -> MetadataSpec {
    MetadataSpec {
        keep,
        strip_location: false,
        strip_people: false,
        strip_serials: false,
        keep_dates: keep == KeepMetadata::Copyright,
        fallback_artist: None,
        fallback_copyright: None,
        set_artist: None,
        set_copyright: None,
        set_caption: None,
        set_keywords: None,
    }
}

/// The whole of a frame scaled to a window, as PNG.
fn spec(frame: (u32, u32), window: (u32, u32)) -> OutputSpec {
    OutputSpec {
        sheet: PixelSize::new(window.0, window.1),
        background: Color::WHITE,
        fills: Vec::new(),
        elements: Vec::new(),
        cells: vec![Cell {
            source: 0,
            rotate: Turn::None,
            straighten: 0.0,
            frame: PixelSize::new(frame.0, frame.1),
            region: Region { x: 0.0, y: 0.0, width: f64::from(frame.0), height: f64::from(frame.1) },
            window: Window { x: 0, y: 0, width: window.0, height: window.1 },
            mirror: Edges::default(),
            adjust: Adjust::default(),
            tone: Tone::Color,
            sharpen: None,
        }],
        turn: Turn::None,
        color: ColorSpec {
            output: ColorSpace::Srgb,
            intent: Intent::Relative,
            black_point: true,
            untagged: ColorSpace::Srgb,
        },
        encoding: PNG,
        dpi: 300.0,
        metadata: plain_metadata(KeepMetadata::None),
        accept_damage: false,
    }
}

fn source(bytes: &[u8], factor: u8) -> Source<'_> {
    Source { bytes, header: probe(Cursor::new(bytes)).unwrap(), factor: DecodeFactor(factor), planes: false }
}

fn render_with(bytes: &[u8], factor: u8, shelf: &Shelf, outputs: &[&OutputSpec]) -> Vec<Result<Rendered, RenderError>> {
    let mut cells = outputs.iter().flat_map(|spec| &spec.cells);
    let planes = cells.all(crate::plan::geometry::takes_planes);
    let sources = BTreeMap::from([(0, Source { planes, ..source(bytes, factor) })]);
    let mut out = Vec::new();
    render(&sources, outputs, shelf, &mut |i, result| {
        assert_eq!(i, out.len());
        out.push(result);
    });
    out
}

fn render_one(bytes: &[u8], output: &OutputSpec) -> Result<Rendered, RenderError> {
    render_with(bytes, 1, &Shelf::default(), &[output]).remove(0)
}

/// The pixels of a finished file, by a decoder of its own.
fn pixels(file: &[u8]) -> Vec<u8> {
    if file.starts_with(&[0xff, 0xd8]) {
        return turbojpeg::decompress(file, turbojpeg::PixelFormat::RGB).unwrap().pixels;
    }
    image::load_from_memory(file).unwrap().into_rgb8().into_raw()
}

fn rendered_pixels(bytes: &[u8], output: &OutputSpec) -> Vec<u8> {
    pixels(&render_one(bytes, output).unwrap().bytes)
}

fn largest_difference(a: &[u8], b: &[u8]) -> u8 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

fn mean_difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b)).sum::<f64>() / a.len() as f64
}
