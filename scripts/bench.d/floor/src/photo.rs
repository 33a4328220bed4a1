//! Photos from nothing: gradients, clouds, soft and hard shapes, fine texture, grain. The same bytes every time.

use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

use crate::Failure;

const WIDTH: usize = 6000;
const HEIGHT: usize = 4000;
const QUALITY: i32 = 92;
const DPI: u16 = 300;
const SHAPES: u32 = 70;
/// Least and most levels of sensor noise, both ways. It decides the file's size: 6 to 8 MB, as a camera's files of 24
/// megapixels have.
const GRAIN: (f32, f32) = (10.5, 13.5);

/// Sizes of the clouds' cells in pixels, and their strength in levels.
const CLOUDS: [(usize, f32); 4] = [(900, 46.0), (210, 22.0), (48, 10.0), (11, 5.0)];

/// Photo `number`, with a profile or without.
pub fn jpeg(number: u32, icc: Option<&[u8]>) -> Result<Vec<u8>, Failure> {
    let pixels = picture(number);
    let mut compressor = Compressor::new()?;
    compressor.set_quality(QUALITY)?;
    compressor.set_subsamp(Subsamp::Sub2x2)?;
    let image =
        Image { pixels: pixels.as_slice(), width: WIDTH, pitch: WIDTH * 3, height: HEIGHT, format: PixelFormat::RGB };
    let mut bytes = compressor.compress_to_vec(image)?;
    // The library writes SOI, then a JFIF segment of 18 bytes without a resolution. With one, no side of the benchmark
    // has to set it: that is no work worth measuring.
    if bytes.get(6..11) != Some(b"JFIF\0".as_slice()) {
        return Err("the JPEG library wrote no JFIF segment".into());
    }
    let [high, low] = DPI.to_be_bytes();
    bytes[13..18].copy_from_slice(&[1, high, low, high, low]);
    if let Some(icc) = icc {
        let length = u16::try_from(icc.len() + 16)?;
        let mut segment = vec![0xff, 0xe2];
        segment.extend(length.to_be_bytes());
        segment.extend(b"ICC_PROFILE\0\x01\x01");
        segment.extend(icc);
        bytes.splice(20..20, segment);
    }
    Ok(bytes)
}

fn picture(number: u32) -> Vec<u8> {
    let mut dice = Dice(hash(number, 77, 1));
    let mut pixels = vec![[0.0_f32; 3]; WIDTH * HEIGHT];
    background(&mut pixels, &mut dice);
    for shape in 0..SHAPES {
        paint(&mut pixels, &mut dice, shape);
    }
    let seed = dice.next();
    let strength = GRAIN.0 + dice.unit() * (GRAIN.1 - GRAIN.0);
    let mut bytes = Vec::with_capacity(pixels.len() * 3);
    for (at, pixel) in pixels.iter().enumerate() {
        let noise = hash(at as u32, seed, 3);
        // Two halves of one number make a triangle, which is near enough to what a sensor does.
        let grain = ((noise & 0xffff) as f32 + (noise >> 16) as f32) / 65536.0 - 1.0;
        bytes.extend(pixel.map(|value| (value + grain * strength).clamp(0.0, 255.0) as u8));
    }
    bytes
}

/// Two colours that run into each other, under clouds of several sizes.
fn background(pixels: &mut [[f32; 3]], dice: &mut Dice) {
    let (from, to) = (dice.color(), dice.color());
    let (across, down) = (dice.unit(), dice.unit());
    let fields: Vec<_> = CLOUDS.map(|(cell, strength)| (Field::new(cell, dice), strength)).into_iter().collect();
    for (y, row) in pixels.chunks_exact_mut(WIDTH).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let part = (across * x as f32 / WIDTH as f32 + down * y as f32 / HEIGHT as f32) / (across + down + 0.01);
            let cloud: f32 = fields.iter().map(|(field, strength)| (field.at(x, y) - 0.5) * strength).sum();
            for (channel, value) in pixel.iter_mut().enumerate() {
                *value = from[channel] + (to[channel] - from[channel]) * part + cloud;
            }
        }
    }
}

/// An ellipse, lit from one side: every third with a soft rim, every fifth with fine strands as hair has.
fn paint(pixels: &mut [[f32; 3]], dice: &mut Dice, number: u32) {
    let color = dice.color();
    let (middle_x, middle_y) = (dice.unit() * WIDTH as f32, dice.unit() * HEIGHT as f32);
    let (radius_x, radius_y) = (60.0 + dice.unit() * 600.0, 60.0 + dice.unit() * 500.0);
    let rim = if number.is_multiple_of(3) { 0.3 } else { 0.004 };
    let strands = if number.is_multiple_of(5) { 26.0 } else { 0.0 };
    let (slant, pitch) = (dice.unit() * 2.0 - 1.0, 2.5 + dice.unit() * 5.0);
    let rows = (middle_y - radius_y).max(0.0) as usize..((middle_y + radius_y) as usize).min(HEIGHT);
    for y in rows {
        let v = (y as f32 - middle_y) / radius_y;
        let columns = (middle_x - radius_x).max(0.0) as usize..((middle_x + radius_x) as usize).min(WIDTH);
        for x in columns {
            let u = (x as f32 - middle_x) / radius_x;
            let inside = ((1.0 - u * u - v * v) / rim).clamp(0.0, 1.0);
            if inside <= 0.0 {
                continue;
            }
            let wave = ((x as f32 + slant * y as f32) / pitch).fract().abs() - 0.5;
            let light = (u + v) * -24.0 + wave * strands;
            let pixel = &mut pixels[y * WIDTH + x];
            for (channel, value) in pixel.iter_mut().enumerate() {
                *value += (color[channel] + light - *value) * inside * 0.9;
            }
        }
    }
}

/// Random values on a grid, and what lies between them.
struct Field {
    cell: usize,
    columns: usize,
    values: Vec<f32>,
}

impl Field {
    fn new(cell: usize, dice: &mut Dice) -> Field {
        let (columns, rows) = (WIDTH / cell + 2, HEIGHT / cell + 2);
        Field { cell, columns, values: (0..columns * rows).map(|_| dice.unit()).collect() }
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        let at = y / self.cell * self.columns + x / self.cell;
        let (u, v) = ((x % self.cell) as f32 / self.cell as f32, (y % self.cell) as f32 / self.cell as f32);
        let above = self.values[at] + (self.values[at + 1] - self.values[at]) * u;
        let below =
            self.values[at + self.columns] + (self.values[at + self.columns + 1] - self.values[at + self.columns]) * u;
        above + (below - above) * v
    }
}

struct Dice(u32);

impl Dice {
    fn next(&mut self) -> u32 {
        self.0 = hash(self.0, 0x9e37, 2);
        self.0
    }

    fn unit(&mut self) -> f32 {
        (self.next() >> 8) as f32 / (1 << 24) as f32
    }

    fn color(&mut self) -> [f32; 3] {
        [0; 3].map(|_| 40.0 + self.unit() * 175.0)
    }
}

/// Three numbers to one that looks random.
fn hash(a: u32, b: u32, c: u32) -> u32 {
    let mut h = a.wrapping_mul(0x85eb_ca6b) ^ b.wrapping_mul(0xc2b2_ae35).rotate_left(13) ^ c.wrapping_mul(0x27d4_eb2f);
    h ^= h >> 15;
    h = h.wrapping_mul(0x2c1b_3c6d);
    h ^= h >> 12;
    h = h.wrapping_mul(0x297a_2d39);
    h ^ (h >> 15)
}
