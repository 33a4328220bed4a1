//! Writes colour profiles byte by byte: the shipped ones, and lookup tables to test with.
//!
//! The files under `icc/` are ours, made from the published primaries and curves of the three spaces; a test proves
//! that they are what this code writes. Version 2, because old lab software reads nothing newer. Only for tests.

use super::profile::Profile;

/// The date that the shipped profiles carry: 2025-01-01, for ever.
const CREATED: [u16; 6] = [2025, 1, 1, 0, 0, 0];
const D50: [f64; 3] = [0.964_202_880_859_375, 1.0, 0.824_905_395_507_812_5];

fn fixed(value: f64) -> [u8; 4] {
    ((value * 65_536.0).round() as i32).to_be_bytes()
}

/// A profile file out of its tags; equal values are stored once.
fn file(class: [u8; 4], space: [u8; 4], pcs: [u8; 4], tags: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut head = vec![0; 128];
    head[8..12].copy_from_slice(&[2, 0x10, 0, 0]);
    head[12..16].copy_from_slice(&class);
    head[16..20].copy_from_slice(&space);
    head[20..24].copy_from_slice(&pcs);
    for (i, part) in CREATED.iter().enumerate() {
        head[24 + 2 * i..26 + 2 * i].copy_from_slice(&part.to_be_bytes());
    }
    head[36..40].copy_from_slice(b"acsp");
    for (i, value) in D50.iter().enumerate() {
        head[68 + 4 * i..72 + 4 * i].copy_from_slice(&fixed(*value));
    }
    let mut table = (tags.len() as u32).to_be_bytes().to_vec();
    let mut body: Vec<u8> = Vec::new();
    let base = 128 + 4 + 12 * tags.len();
    let mut placed: Vec<(&Vec<u8>, usize)> = Vec::new();
    for (name, value) in tags {
        let at = placed.iter().find(|(v, _)| *v == value).map_or(base + body.len(), |(_, at)| *at);
        if at == base + body.len() {
            body.extend(value);
            body.resize(body.len().next_multiple_of(4), 0);
            placed.push((value, at));
        }
        table.extend(name);
        table.extend((at as u32).to_be_bytes());
        table.extend((value.len() as u32).to_be_bytes());
    }
    let mut out = [head, table, body].concat();
    let length = (out.len() as u32).to_be_bytes();
    out[..4].copy_from_slice(&length);
    out
}

fn text(kind: [u8; 4], text: &str) -> Vec<u8> {
    let mut out = [&kind[..], &[0; 4]].concat();
    if &kind == b"desc" {
        out.extend((text.len() as u32 + 1).to_be_bytes());
        out.extend(text.bytes());
        out.extend([0; 1 + 4 + 4 + 2 + 1 + 67]);
    } else {
        out.extend(text.bytes());
        out.push(0);
    }
    out
}

fn xyz(value: [f64; 3]) -> Vec<u8> {
    [b"XYZ \0\0\0\0".to_vec(), value.iter().flat_map(|v| fixed(*v)).collect()].concat()
}

fn curve(values: &[u16]) -> Vec<u8> {
    let mut out = b"curv\0\0\0\0".to_vec();
    out.extend((values.len() as u32).to_be_bytes());
    out.extend(values.iter().flat_map(|v| v.to_be_bytes()));
    out
}

fn srgb_curve() -> Vec<u8> {
    let linear = |v: f64| if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) };
    let values: Vec<u16> = (0..1024).map(|i| (linear(f64::from(i) / 1023.0) * 65_535.0).round() as u16).collect();
    curve(&values)
}

type Matrix = [[f64; 3]; 3];

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|r| std::array::from_fn(|c| (0..3).map(|k| a[r][k] * b[k][c]).sum()))
}

fn inverse(m: &Matrix) -> Matrix {
    let minor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant: f64 = (0..3).map(|c| m[0][c] * minor(0, c)).sum();
    std::array::from_fn(|r| std::array::from_fn(|c| minor(c, r) / determinant))
}

fn applied(m: &Matrix, v: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|r| (0..3).map(|k| m[r][k] * v[k]).sum())
}

/// The columns of red, green and blue, seen under D50 (Bradford), from chromaticities under D65.
fn colorants(primaries: [(f64, f64); 3]) -> [[f64; 3]; 3] {
    let from_xy = |(x, y): (f64, f64)| [x / y, 1.0, (1.0 - x - y) / y];
    let white = from_xy((0.3127, 0.3290));
    let columns = primaries.map(from_xy);
    let m: Matrix = std::array::from_fn(|r| std::array::from_fn(|c| columns[c][r]));
    let amounts = applied(&inverse(&m), white);
    let bradford: Matrix = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]];
    let (from, to) = (applied(&bradford, white), applied(&bradford, D50));
    let scale: Matrix = std::array::from_fn(|r| std::array::from_fn(|c| if r == c { to[r] / from[r] } else { 0.0 }));
    let adapt = product(&inverse(&bradford), &product(&scale, &bradford));
    std::array::from_fn(|i| applied(&adapt, columns[i].map(|v| v * amounts[i])))
}

fn matrix_profile(name: &str, primaries: [(f64, f64); 3], curve: &[u8]) -> Vec<u8> {
    let [red, green, mut blue] = colorants(primaries);
    // White must be D50 to the last bit after rounding, or greys are tinted.
    for i in 0..3 {
        let rounded = |v: f64| (v * 65_536.0).round() / 65_536.0;
        blue[i] = D50[i] - rounded(red[i]) - rounded(green[i]);
    }
    file(
        *b"mntr",
        *b"RGB ",
        *b"XYZ ",
        &[
            (*b"desc", text(*b"desc", name)),
            (*b"cprt", text(*b"text", "No copyright, use freely")),
            (*b"wtpt", xyz(D50)),
            (*b"rXYZ", xyz(red)),
            (*b"gXYZ", xyz(green)),
            (*b"bXYZ", xyz(blue)),
            (*b"rTRC", curve.to_vec()),
            (*b"gTRC", curve.to_vec()),
            (*b"bTRC", curve.to_vec()),
        ],
    )
}

/// The three shipped files with their names.
pub(super) fn shipped() -> [(&'static str, Vec<u8>); 3] {
    let srgb = [(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)];
    let adobe = [(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)];
    let p3 = [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)];
    // 563/256, the gamma of the Adobe RGB (1998) specification.
    let gamma = curve(&[563]);
    [
        ("srgb.icc", matrix_profile("sRGB", srgb, &srgb_curve())),
        ("adobe-rgb-compatible.icc", matrix_profile("Compatible with Adobe RGB (1998)", adobe, &gamma)),
        ("display-p3.icc", matrix_profile("Display P3", p3, &srgb_curve())),
    ]
}

/// A grey profile of a gamma in 1/256.
pub(super) fn gray(gamma: u16) -> Vec<u8> {
    file(
        *b"mntr",
        *b"GRAY",
        *b"XYZ ",
        &[
            (*b"desc", text(*b"desc", "gray")),
            (*b"cprt", text(*b"text", "none")),
            (*b"wtpt", xyz(D50)),
            (*b"kTRC", curve(&[gamma])),
        ],
    )
}

/// A grey profile of a scanner: the numbers are lightness, L*.
pub(super) fn gray_of_lightness() -> Vec<u8> {
    file(
        *b"mntr",
        *b"GRAY",
        *b"Lab ",
        &[
            (*b"desc", text(*b"desc", "gray")),
            (*b"cprt", text(*b"text", "none")),
            (*b"wtpt", xyz(D50)),
            (*b"kTRC", curve(&[0, u16::MAX])),
        ],
    )
}

/// A `lut16` table of `inputs` channels onto Lab (or Lab onto them, when `inputs` is 3 and `outputs` 3).
fn lut16(inputs: usize, outputs: usize, grid: usize, value: &dyn Fn(&[f64]) -> Vec<f64>) -> Vec<u8> {
    let mut out = b"mft2\0\0\0\0".to_vec();
    out.extend([inputs as u8, outputs as u8, grid as u8, 0]);
    for i in 0..9 {
        out.extend(fixed(if i % 4 == 0 { 1.0 } else { 0.0 }));
    }
    out.extend([0, 2, 0, 2]);
    let straight = [0u16.to_be_bytes(), u16::MAX.to_be_bytes()].concat();
    (0..inputs).for_each(|_| out.extend(&straight));
    for index in 0..grid.pow(inputs as u32) {
        let at: Vec<f64> = (0..inputs)
            .map(|i| (index / grid.pow((inputs - 1 - i) as u32) % grid) as f64 / (grid - 1) as f64)
            .collect();
        for v in value(&at) {
            out.extend(((v.clamp(0.0, 1.0) * 65_535.0).round() as u16).to_be_bytes());
        }
    }
    (0..outputs).for_each(|_| out.extend(&straight));
    out
}

/// Lab in the 16-bit encoding of version 2: 65,280 is L* 100.
fn lab_code([l, a, b]: [f64; 3]) -> Vec<f64> {
    vec![l / 100.0 * 65_280.0 / 65_535.0, (a + 128.0) * 256.0 / 65_535.0, (b + 128.0) * 256.0 / 65_535.0]
}

fn to_lab(xyz: [f64; 3]) -> [f64; 3] {
    let f = |t: f64| if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 };
    let [x, y, z]: [f64; 3] = std::array::from_fn(|i| f(xyz[i] / D50[i]));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// A press: CMYK onto Lab, darkest at about 3 % of the light.
pub(super) fn cmyk() -> Vec<u8> {
    let columns = colorants([(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)]);
    let lab = |ink: &[f64]| {
        let light: [f64; 3] = std::array::from_fn(|i| {
            let own = (1.0 - 0.95 * ink[i]) * (1.0 - 0.9 * ink[3]);
            0.03 + 0.97 * own.powf(1.8)
        });
        let seen = std::array::from_fn(|r| (0..3).map(|c| columns[c][r] * light[c]).sum());
        lab_code(to_lab(seen))
    };
    let m: Matrix = std::array::from_fn(|r| std::array::from_fn(|c| columns[c][r]));
    let inverted = inverse(&m);
    // Without black ink, as the simplest press would.
    let inks = |code: &[f64]| {
        let ink = |light: f64| (1.0 - ((light - 0.03) / 0.97).clamp(0.0, 1.0).powf(1.0 / 1.8)) / 0.95;
        let mut inks: Vec<f64> = applied(&inverted, from_lab_code(code)).iter().map(|v| ink(*v)).collect();
        inks.push(0.0);
        inks
    };
    file(
        *b"prtr",
        *b"CMYK",
        *b"Lab ",
        &[
            (*b"desc", text(*b"desc", "press")),
            (*b"cprt", text(*b"text", "none")),
            (*b"wtpt", xyz(D50)),
            (*b"A2B0", lut16(4, 3, 9, &lab)),
            (*b"A2B1", lut16(4, 3, 9, &lab)),
            (*b"B2A0", lut16(3, 4, 17, &inks)),
            (*b"B2A1", lut16(3, 4, 17, &inks)),
        ],
    )
}

/// XYZ of a Lab code.
fn from_lab_code(code: &[f64]) -> [f64; 3] {
    let light = (code[0] * 65_535.0 / 65_280.0 * 100.0 + 16.0) / 116.0;
    let [a, b] = [code[1], code[2]].map(|v| v * 65_535.0 / 256.0 - 128.0);
    let f = [light + a / 500.0, light, light - b / 200.0];
    std::array::from_fn(|i| {
        let t: f64 = f[i];
        D50[i] * if t > 6.0 / 29.0 { t.powi(3) } else { (116.0 * t - 16.0) * 27.0 / 24_389.0 }
    })
}

/// A photo printer: RGB onto Lab and back, whose black reflects `black` of the light.
pub(super) fn printer(black: f64) -> Vec<u8> {
    let columns = colorants([(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)]);
    let m: Matrix = std::array::from_fn(|r| std::array::from_fn(|c| columns[c][r]));
    let inverted = inverse(&m);
    let to_pcs = |rgb: &[f64]| {
        let light = std::array::from_fn(|i| black + (1.0 - black) * rgb[i].powf(2.2));
        lab_code(to_lab(applied(&m, light)))
    };
    let from_pcs = |code: &[f64]| {
        let seen = from_lab_code(code);
        applied(&inverted, seen).iter().map(|v| ((v - black) / (1.0 - black)).clamp(0.0, 1.0).powf(1.0 / 2.2)).collect()
    };
    file(
        *b"prtr",
        *b"RGB ",
        *b"Lab ",
        &[
            (*b"desc", text(*b"desc", "printer")),
            (*b"cprt", text(*b"text", "none")),
            (*b"wtpt", xyz(D50)),
            (*b"A2B0", lut16(3, 3, 17, &to_pcs)),
            (*b"A2B1", lut16(3, 3, 17, &to_pcs)),
            (*b"B2A0", lut16(3, 3, 33, &from_pcs)),
            (*b"B2A1", lut16(3, 3, 33, &from_pcs)),
        ],
    )
}

/// `cargo test print_the_shipped -- --ignored --nocapture` gives the files anew, as hexadecimal for `xxd -r -p`.
#[test]
#[ignore = "a tool for whoever changes the code above"]
fn print_the_shipped_profiles() {
    for (name, bytes) in shipped() {
        println!("{name} {}", bytes.iter().fold(String::new(), |hex, b| hex + &format!("{b:02x}")));
    }
}

#[test]
fn the_shipped_profiles_are_what_this_code_writes() {
    use crate::model::spec::ColorSpace::{AdobeRgb, DisplayP3, Srgb};
    struct Nothing;
    impl super::profile::Assets for Nothing {
        fn get(&self, _: &str) -> Option<std::sync::Arc<[u8]>> {
            None
        }
    }
    for ((name, bytes), space) in shipped().into_iter().zip([Srgb, AdobeRgb, DisplayP3]) {
        let profile = Profile::of_space(&space, &Nothing).unwrap();
        assert_eq!(&*profile.icc, &bytes[..], "{name}");
        assert!(profile.is_matrix());
        // The published matrices, as moxcms has them from another source.
        let known = match space {
            Srgb => moxcms::ColorProfile::new_srgb(),
            AdobeRgb => moxcms::ColorProfile::new_adobe_rgb(),
            _ => moxcms::ColorProfile::new_display_p3(),
        };
        let (own, known) = (profile.parsed.colorant_matrix(), known.colorant_matrix());
        for (a, b) in own.v.iter().flatten().zip(known.v.iter().flatten()) {
            assert!((a - b).abs() < 3e-4, "{name}: {own:?} {known:?}");
        }
    }
}
