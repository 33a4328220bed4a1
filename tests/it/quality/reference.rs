//! What the published order of operations asks for, written plainly and slowly, in real numbers and from their
//! definitions. Nothing of the product is called. Each step takes a picture and gives one, so a test writes down the
//! steps of its profile in their order.

use super::picture::Picture;

/// A part of a picture in its pixels, edges not snapped to whole ones.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Part {
    pub fn whole(picture: &Picture) -> Part {
        Part { x: 0.0, y: 0.0, width: picture.width as f64, height: picture.height as f64 }
    }

    /// The largest centred part of the shape of a window.
    pub fn filling(self, width: usize, height: usize) -> Part {
        let shape = width as f64 / height as f64;
        let (w, h) = if self.width / self.height > shape {
            (self.height * shape, self.height)
        } else {
            (self.width, self.width / shape)
        };
        Part { x: self.x + (self.width - w) / 2.0, y: self.y + (self.height - h) / 2.0, width: w, height: h }
    }

    /// The window of the whole part when its long edge becomes `edge`.
    pub fn fitted(self, edge: f64) -> (usize, usize) {
        let scale = edge / self.width.max(self.height);
        ((self.width * scale).round() as usize, (self.height * scale).round() as usize)
    }
}

/// As the EXIF standard draws the eight orientations: where row 0 and column 0 of what is stored lie in what is seen.
pub fn upright(stored: &Picture, orientation: u8) -> Picture {
    let (w, h) = (stored.width, stored.height);
    let (width, height) = if orientation > 4 { (h, w) } else { (w, h) };
    let mut out = Picture::new(width, height, stored.channels);
    for row in 0..h {
        for column in 0..w {
            let (x, y) = match orientation {
                2 => (w - 1 - column, row),
                3 => (w - 1 - column, h - 1 - row),
                4 => (column, h - 1 - row),
                5 => (row, column),
                6 => (h - 1 - row, column),
                7 => (h - 1 - row, w - 1 - column),
                8 => (row, w - 1 - column),
                _ => (column, row),
            };
            let at = (y * width + x) * stored.channels;
            out.values[at..at + stored.channels].copy_from_slice(stored.at(column, row));
        }
    }
    out
}

/// Quarter turns to the right.
pub fn turned(picture: &Picture, quarters: usize) -> Picture {
    upright(picture, [1, 6, 3, 8][quarters % 4])
}

/// A crop as manifests give it: x, y, width and height as fractions of the upright frame.
pub fn cropped(picture: &Picture, crop: [f64; 4]) -> Part {
    let (w, h) = (picture.width as f64, picture.height as f64);
    Part { x: crop[0] * w, y: crop[1] * h, width: crop[2] * w, height: crop[3] * h }
}

/// The Lanczos window of three lobes.
fn lanczos3(x: f64) -> f64 {
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
    if x.abs() < 3.0 { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

/// For each target pixel the first source pixel that it sees and the weights from there on. The kernel grows with the
/// scale when the picture is made smaller. Pixels beyond the picture have no weight, and the rest makes up for it;
/// those beside the part are seen like all others. `fast_image_resize` documents the same.
fn weights(source: usize, start: f64, length: f64, target: usize) -> Vec<(usize, Vec<f64>)> {
    let scale = length / target as f64;
    let kernel = scale.max(1.0);
    (0..target)
        .map(|i| {
            let middle = start + (i as f64 + 0.5) * scale;
            let first = (middle - 3.0 * kernel).floor().max(0.0) as usize;
            let end = ((middle + 3.0 * kernel).ceil() as usize).min(source);
            let raw: Vec<f64> = (first..end).map(|x| lanczos3((x as f64 + 0.5 - middle) / kernel)).collect();
            let sum: f64 = raw.iter().sum();
            (first, raw.iter().map(|w| w / sum).collect())
        })
        .collect()
}

/// A part of the picture scaled to a window, one direction after the other. Nothing is cut off.
pub fn resampled(picture: &Picture, part: Part, width: usize, height: usize) -> Picture {
    let n = picture.channels;
    let across = weights(picture.width, part.x, part.width, width);
    let down = weights(picture.height, part.y, part.height, height);
    // Rows that no target pixel sees are left out.
    let (top, bottom) = (down[0].0, down.iter().map(|(first, w)| first + w.len()).max().unwrap());
    let mut rows = Picture::new(width, bottom - top, n);
    for y in top..bottom {
        for (x, (first, weights)) in across.iter().enumerate() {
            let target = &mut rows.values[((y - top) * width + x) * n..][..n];
            for (c, value) in target.iter_mut().enumerate() {
                let seen =
                    weights.iter().enumerate().map(|(i, weight)| weight * f64::from(picture.at(first + i, y)[c]));
                *value = seen.sum::<f64>() as f32;
            }
        }
    }
    let mut out = Picture::new(width, height, n);
    for (y, (first, weights)) in down.iter().enumerate() {
        for x in 0..width * n {
            let mut sum = 0.0;
            for (i, weight) in weights.iter().enumerate() {
                sum += weight * f64::from(rows.values[(first - top + i) * width * n + x]);
            }
            out.values[y * width * n + x] = sum as f32;
        }
    }
    out
}

/// Turned to the right about the centre by a fine angle, on a canvas of the same size; each pixel by Lanczos about the
/// place that it comes from. Beyond the picture its edge is repeated.
pub fn straightened(picture: &Picture, degrees: f64) -> Picture {
    let (w, h) = (picture.width as f64, picture.height as f64);
    let (sin, cos) = degrees.to_radians().sin_cos();
    let mut out = Picture::new(picture.width, picture.height, 3);
    for y in 0..picture.height {
        for x in 0..picture.width {
            let (right, down) = (x as f64 + 0.5 - w / 2.0, y as f64 + 0.5 - h / 2.0);
            let from_x = right * cos + down * sin + w / 2.0 - 0.5;
            let from_y = down * cos - right * sin + h / 2.0 - 0.5;
            let taps = |from: f64, most: usize| {
                let first = from.floor() as isize - 2;
                let place = move |i: usize| (first + i.cast_signed()).clamp(0, most.cast_signed() - 1).cast_unsigned();
                [0, 1, 2, 3, 4, 5].map(|i: usize| (place(i), lanczos3((first + i.cast_signed()) as f64 - from)))
            };
            let (across, down) = (taps(from_x, picture.width), taps(from_y, picture.height));
            let (mut sum, mut total) = ([0.0; 3], 0.0);
            for (row, by_row) in down {
                for (column, by_column) in across {
                    let (weight, pixel) = (by_row * by_column, picture.at(column, row));
                    sum = [0, 1, 2].map(|c| sum[c] + weight * f64::from(pixel[c]));
                    total += weight;
                }
            }
            let at = (y * picture.width + x) * 3;
            out.values[at..at + 3].copy_from_slice(&sum.map(|v| (v / total) as f32));
        }
    }
    out
}

/// RGB with alpha scaled with its colours weighted by their alpha, then laid on a background.
pub fn resampled_over(picture: &Picture, part: Part, width: usize, height: usize, background: [f32; 3]) -> Picture {
    let mut weighted = picture.clone();
    for [color @ .., alpha] in weighted.values.as_chunks_mut::<4>().0 {
        *color = color.map(|c| c * *alpha);
    }
    let small = resampled(&weighted, part, width, height).clamped();
    let over = |p: &[f32; 4]| [0, 1, 2].map(|i| p[i].min(p[3]) + background[i] * (1.0 - p[3]));
    Picture { width, height, channels: 3, values: small.values.as_chunks::<4>().0.iter().flat_map(over).collect() }
}

/// The picture in the middle of a sheet; half a pixel is on its right or lower side.
pub fn padded(picture: &Picture, width: usize, height: usize, background: [f32; 3]) -> Picture {
    let mut out = Picture { width, height, channels: 3, values: background.repeat(width * height) };
    let (left, top) = ((width - picture.width) / 2, (height - picture.height) / 2);
    for y in 0..picture.height {
        let (from, to) = (y * picture.width * 3, ((y + top) * width + left) * 3);
        out.values[to..to + picture.width * 3].copy_from_slice(&picture.values[from..from + picture.width * 3]);
    }
    out
}

/// The unsharp mask of the documents: a gaussian of `radius` as standard deviation, cut off at three of them, on the
/// Rec. 709 luminance of the encoded values, edges repeated; `threshold` in levels of 255, taken off the difference.
pub fn sharpened(picture: &Picture, radius: f64, amount: f64, threshold: f64) -> Picture {
    let (width, height) = (picture.width, picture.height);
    let reach = (3.0 * radius).ceil() as isize;
    let raw: Vec<f64> = (-reach..=reach).map(|i| (-((i * i) as f64) / (2.0 * radius * radius)).exp()).collect();
    let sum: f64 = raw.iter().sum();
    let level = |p: &[f32; 3]| (0.2126 * f64::from(p[0]) + 0.7152 * f64::from(p[1]) + 0.0722 * f64::from(p[2])) * 255.0;
    let luminance: Vec<f64> = picture.values.as_chunks::<3>().0.iter().map(level).collect();
    let blur = |plane: &[f64], dx: isize, dy: isize| {
        let mut out = vec![0.0; plane.len()];
        for y in 0..height {
            for x in 0..width {
                let mut value = 0.0;
                for (i, weight) in raw.iter().enumerate() {
                    let step = i.cast_signed() - reach;
                    let from_x = x.saturating_add_signed(step * dx).min(width - 1);
                    let from_y = y.saturating_add_signed(step * dy).min(height - 1);
                    value += weight * plane[from_y * width + from_x];
                }
                out[y * width + x] = value / sum;
            }
        }
        out
    };
    let blurred = blur(&blur(&luminance, 1, 0), 0, 1);
    let mut out = picture.clone();
    for (i, pixel) in out.values.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let difference = luminance[i] - blurred[i];
        let added = difference.signum() * (difference.abs() - threshold).max(0.0) * amount / 255.0;
        *pixel = pixel.map(|v| v + added as f32);
    }
    out.clamped()
}
