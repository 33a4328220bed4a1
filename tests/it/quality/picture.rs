//! Pictures in real numbers: made, written as files, read from files.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder};

/// Encoded values, 0 to 1, row by row.
#[derive(Clone, Debug)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    /// 1 grey, 3 RGB, 4 CMYK (1 is full ink) or RGB with alpha.
    pub channels: usize,
    pub values: Vec<f32>,
}

impl Picture {
    pub fn new(width: usize, height: usize, channels: usize) -> Picture {
        Picture { width, height, channels, values: vec![0.0; width * height * channels] }
    }

    /// RGB out of a function of the place of a pixel's middle.
    pub fn drawn(width: usize, height: usize, color: impl Fn(f64, f64) -> [f64; 3]) -> Picture {
        let mut picture = Picture::new(width, height, 3);
        for y in 0..height {
            for x in 0..width {
                let rgb = color(x as f64 + 0.5, y as f64 + 0.5).map(|v| v.clamp(0.0, 1.0) as f32);
                picture.values[(y * width + x) * 3..][..3].copy_from_slice(&rgb);
            }
        }
        picture
    }

    pub fn at(&self, x: usize, y: usize) -> &[f32] {
        &self.values[(y * self.width + x) * self.channels..][..self.channels]
    }

    pub fn clamped(mut self) -> Picture {
        for value in &mut self.values {
            *value = value.clamp(0.0, 1.0);
        }
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.values.iter().map(|v| (v * 255.0).round() as u8).collect()
    }

    pub fn words(&self) -> Vec<u16> {
        self.values.iter().map(|v| (v * 65_535.0).round() as u16).collect()
    }

    /// What a file of 8 bits holds of it.
    pub fn in_8_bits(&self) -> Picture {
        Picture { values: self.bytes().iter().map(|v| f32::from(*v) / 255.0).collect(), ..self.clone() }
    }

    pub fn in_16_bits(&self) -> Picture {
        Picture { values: self.words().iter().map(|v| f32::from(*v) / 65_535.0).collect(), ..self.clone() }
    }

    pub fn png(&self, icc: Option<&[u8]>) -> Vec<u8> {
        let mut info = png::Info::with_size(self.width as u32, self.height as u32);
        info.color_type = match self.channels {
            1 => png::ColorType::Grayscale,
            3 => png::ColorType::Rgb,
            _ => png::ColorType::Rgba,
        };
        info.bit_depth = png::BitDepth::Eight;
        info.icc_profile = icc.map(Into::into);
        let mut out = Vec::new();
        let mut encoder = png::Encoder::with_info(&mut out, info).unwrap();
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&self.bytes()).unwrap();
        writer.finish().unwrap();
        out
    }

    /// RGB or CMYK; 8 or 16 bits.
    pub fn tiff(&self, bits: u8, icc: Option<&[u8]>) -> Vec<u8> {
        use tiff::encoder::{TiffEncoder, colortype};
        let mut out = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut out).unwrap();
        let (width, height) = (self.width as u32, self.height as u32);
        macro_rules! write {
            ($kind:ty, $data:expr) => {{
                let mut image = encoder.new_image::<$kind>(width, height).unwrap();
                if let Some(icc) = icc {
                    image.encoder().write_tag(tiff::tags::Tag::IccProfile, icc).unwrap();
                }
                image.write_data(&$data).unwrap();
            }};
        }
        match (self.channels, bits) {
            (4, 8) => write!(colortype::CMYK8, self.bytes()),
            (3, 8) => write!(colortype::RGB8, self.bytes()),
            _ => write!(colortype::RGB16, self.words()),
        }
        out.into_inner()
    }

    pub fn jpeg(&self, quality: i32, subsampling: turbojpeg::Subsamp, progressive: bool) -> Vec<u8> {
        let mut compressor = turbojpeg::Compressor::new().unwrap();
        compressor.set_quality(quality).unwrap();
        compressor.set_subsamp(subsampling).unwrap();
        compressor.set_progressive(progressive).unwrap();
        let bytes = self.bytes();
        let image = turbojpeg::Image {
            pixels: bytes.as_slice(),
            width: self.width,
            pitch: self.width * self.channels,
            height: self.height,
            format: if self.channels == 1 { turbojpeg::PixelFormat::GRAY } else { turbojpeg::PixelFormat::RGB },
        };
        compressor.compress_to_vec(image).unwrap()
    }

    /// The same JPEG without the segments that hold a colour profile.
    pub fn without_profile(jpeg: &[u8]) -> Vec<u8> {
        let (mut out, mut at) = (jpeg[..2].to_vec(), 2);
        while jpeg[at + 1] != 0xda {
            let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
            if jpeg[at + 1] != 0xe2 {
                out.extend(&jpeg[at..end]);
            }
            at = end;
        }
        out.extend(&jpeg[at..]);
        out
    }

    /// Any file, in its own bits, without looking at its profile or orientation.
    pub fn read(file: &[u8]) -> Picture {
        let bytes = |v: &[u8]| v.iter().map(|v| f32::from(*v) / 255.0).collect();
        let words = |v: &[u16]| v.iter().map(|v| f32::from(*v) / 65_535.0).collect();
        if file.starts_with(&[0xff, 0xd8]) {
            let image = turbojpeg::decompress(file, turbojpeg::PixelFormat::RGB).unwrap();
            return Picture { width: image.width, height: image.height, channels: 3, values: bytes(&image.pixels) };
        }
        let image = image::load_from_memory(file).unwrap();
        let (width, height) = (image.width() as usize, image.height() as usize);
        let (channels, values) = match &image {
            DynamicImage::ImageLuma8(p) => (1, bytes(p)),
            DynamicImage::ImageRgb8(p) => (3, bytes(p)),
            DynamicImage::ImageRgba8(p) => (4, bytes(p)),
            DynamicImage::ImageRgb16(p) => (3, words(p)),
            other => panic!("pixels as {:?}", other.color()),
        };
        Picture { width, height, channels, values }
    }
}

/// The colour profile inside a PNG or TIFF.
pub fn embedded_profile(file: &[u8]) -> Vec<u8> {
    let found = if file.starts_with(b"\x89PNG") {
        image::codecs::png::PngDecoder::new(Cursor::new(file)).unwrap().icc_profile()
    } else {
        image::codecs::tiff::TiffDecoder::new(Cursor::new(file)).unwrap().icc_profile()
    };
    found.unwrap().expect("a profile is embedded")
}

/// Rings that become finer outwards, up to the finest that pixels can hold: every scaling mistake shows.
pub fn zone_plate(width: usize, height: usize) -> Picture {
    let (w, h) = (width as f64, height as f64);
    let finest = std::f64::consts::PI / w.max(h);
    Picture::drawn(width, height, |x, y| {
        let (dx, dy) = (x - w / 2.0, y - h / 2.0);
        let value = 0.5 + 0.4 * (finest * (dx * dx + dy * dy)).cos();
        [value, value * 0.9 + 0.05, 0.9 - value * 0.6]
    })
}

/// Slow changes of all three channels, and patches of strong colour with hard edges.
pub fn colors(width: usize, height: usize) -> Picture {
    let (w, h) = (width as f64, height as f64);
    Picture::drawn(width, height, |x, y| {
        let (u, v) = (x / w, y / h);
        if v > 0.8 {
            let patch = (u * 8.0) as u32;
            return [0, 1, 2].map(|bit| if patch >> bit & 1 == 1 { 0.92 } else { 0.08 });
        }
        [0.05 + 0.9 * u, 0.05 + 0.9 * v, 0.5 + 0.4 * ((u + 2.0 * v) * 9.0).sin()]
    })
}

/// Greys from black to white, in steps of one level of 8 bits, with text-like strokes in the lower half.
pub fn greys(width: usize, height: usize) -> Picture {
    let (w, h) = (width as f64, height as f64);
    Picture::drawn(width, height, |x, y| {
        let grey = (x / w * 256.0).floor() / 255.0;
        let stroke =
            y > h / 2.0 && ((x / 7.0) as u32 * 5 + (y / 9.0) as u32 * 3).is_multiple_of(4) && (x as u32 % 7) < 3;
        [if stroke { 1.0 - grey } else { grey }; 3]
    })
}

/// A grey field inside a hard frame, straight and oblique edges, lines of one and two pixels.
pub fn edges(width: usize, height: usize) -> Picture {
    let (w, h) = (width as f64, height as f64);
    Picture::drawn(width, height, |x, y| {
        if x < 12.0 || y < 12.0 || x > w - 12.0 || y > h - 12.0 {
            return [0.1, 0.1, 0.15];
        }
        let line = (x as u32).is_multiple_of(41) || (y as u32 % 53) < 2;
        let oblique = (x * 0.83 + y * 0.31) % 97.0 < 40.0;
        match (line, oblique) {
            (true, _) => [0.9, 0.85, 0.2],
            (_, true) => [0.75, 0.3, 0.25],
            _ => [0.2, 0.45, 0.6],
        }
    })
}
