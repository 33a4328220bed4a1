//! Colours by an independent library, lcms2, in floating point: profiles that it makes itself, and conversions.

use lcms2::{AllowCache, CIExyY, CIExyYTRIPLE, Flags, Intent, PixelFormat, Profile, ToneCurve, Transform};

use super::difference::Lab;
use super::picture::Picture;

const D65: (f64, f64) = (0.3127, 0.3290);
const D50: CIExyY = CIExyY { x: 0.345_70, y: 0.358_54, Y: 1.0 };

fn rgb(primaries: [(f64, f64); 3], curve: &ToneCurve) -> Vec<u8> {
    let point = |(x, y)| CIExyY { x, y, Y: 1.0 };
    let [red, green, blue] = primaries.map(point);
    let primaries = CIExyYTRIPLE { Red: red, Green: green, Blue: blue };
    Profile::new_rgb(&point(D65), &primaries, &[curve, curve, curve]).unwrap().icc().unwrap()
}

/// The published curve of sRGB.
fn srgb_curve() -> ToneCurve {
    ToneCurve::new_parametric(4, &[2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.04045]).unwrap()
}

pub fn srgb() -> Vec<u8> {
    rgb([(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)], &srgb_curve())
}

pub fn adobe_rgb() -> Vec<u8> {
    rgb([(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)], &ToneCurve::new(563.0 / 256.0))
}

pub fn display_p3() -> Vec<u8> {
    rgb([(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)], &srgb_curve())
}

/// A press whose inks are simple: each takes away most of its third of the light, paper and black are not perfect.
/// Version 2 with one table of nine steps an ink, as lcms2 offers no way to write one.
pub fn press() -> Vec<u8> {
    const STEPS: usize = 9;
    let mut table = b"mft2\0\0\0\0".to_vec();
    table.extend([4, 3, STEPS as u8, 0]);
    let one = |i: usize| if i.is_multiple_of(4) { 65_536i32 } else { 0 };
    table.extend((0..9).flat_map(|i| one(i).to_be_bytes()));
    let ends = [0u16, u16::MAX].map(u16::to_be_bytes).concat();
    table.extend([0, 2, 0, 2]);
    table.extend(ends.repeat(4));
    let srgb = Profile::new_srgb();
    let to_lab = to_lab(&srgb);
    let share = |at: usize| at as f32 / (STEPS - 1) as f32;
    for node in 0..STEPS.pow(4) {
        let inks = [3, 2, 1, 0].map(|place| share(node / STEPS.pow(place) % STEPS));
        let paper = [0.96, 0.95, 0.91];
        let light = [0, 1, 2].map(|i| 0.06 + (paper[i] - 0.06) * (1.0 - 0.9 * inks[i]) * (1.0 - 0.93 * inks[3]));
        let mut lab = [[0f64; 3]];
        to_lab.transform_pixels(&[light], &mut lab);
        // As version 2 counts: 100 is 0xff00, 0 of a* and b* is 0x8000.
        let [l, a, b] = [lab[0][0] * 652.8, (lab[0][1] + 128.0) * 256.0, (lab[0][2] + 128.0) * 256.0];
        table.extend([l, a, b].iter().flat_map(|v| (v.round() as u16).to_be_bytes()));
    }
    table.extend(ends.repeat(3));
    let text = |kind: &[u8; 4], body: &[u8]| [kind, &[0; 4], body].concat();
    let name = [&5u32.to_be_bytes()[..], b"test\0", &[0; 78]].concat();
    let white = [0.9642, 1.0, 0.8249].map(|v: f64| ((v * 65_536.0) as i32).to_be_bytes()).concat();
    let tags = [
        (b"desc", text(b"desc", &name)),
        (b"cprt", text(b"text", b"none\0")),
        (b"wtpt", text(b"XYZ ", &white)),
        (b"A2B0", table),
    ];
    let mut head = vec![0; 128];
    head[8] = 2;
    head[12..24].copy_from_slice(b"prtrCMYKLab ");
    head[36..40].copy_from_slice(b"acsp");
    head[68..80].copy_from_slice(&white);
    head.extend((tags.len() as u32).to_be_bytes());
    let mut body = Vec::new();
    for (tag, value) in &tags {
        let at = 128 + 4 + 12 * tags.len() + body.len();
        head.extend(*tag);
        head.extend((at as u32).to_be_bytes());
        head.extend((value.len() as u32).to_be_bytes());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    head.append(&mut body);
    let length = (head.len() as u32).to_be_bytes();
    head[..4].copy_from_slice(&length);
    head
}

type Way<From, To> = Transform<From, To, lcms2::GlobalContext, AllowCache>;

/// Exact: no tables in between, relative colorimetric.
fn transform<From: bytemuck::Pod, To: bytemuck::Pod>(
    from: (&Profile, PixelFormat),
    to: (&Profile, PixelFormat),
) -> Way<From, To> {
    let flags = Flags::NO_CACHE | Flags::NO_OPTIMIZE;
    Transform::new_flags(from.0, from.1, to.0, to.1, Intent::RelativeColorimetric, flags).unwrap()
}

fn to_lab(from: &Profile) -> Way<[f32; 3], Lab> {
    let lab = Profile::new_lab4_context(lcms2::GlobalContext::new(), &D50).unwrap();
    transform((from, PixelFormat::RGB_FLT), (&lab, PixelFormat::Lab_DBL))
}

fn triples(picture: &Picture) -> &[[f32; 3]] {
    assert_eq!(picture.channels, 3);
    picture.values.as_chunks::<3>().0
}

/// RGB or CMYK of one space as RGB of another; what the other cannot hold is cut off.
pub fn converted(picture: &Picture, from: &[u8], to: &[u8]) -> Picture {
    let (from, to) = (Profile::new_icc(from).unwrap(), Profile::new_icc(to).unwrap());
    let target = (&to, PixelFormat::RGB_FLT);
    let mut out = vec![[0f32; 3]; picture.width * picture.height];
    if picture.channels == 4 {
        // Inks are counted in percent.
        let inks: Vec<[f32; 4]> = picture.values.as_chunks::<4>().0.iter().map(|p| p.map(|v| v * 100.0)).collect();
        transform((&from, PixelFormat::CMYK_FLT), target).transform_pixels(&inks, &mut out);
    } else {
        transform((&from, PixelFormat::RGB_FLT), target).transform_pixels(triples(picture), &mut out);
    }
    Picture { channels: 3, values: out.into_flattened(), ..*picture }.clamped()
}

/// The same lightness without colour.
pub fn without_color(picture: &Picture, icc: &[u8]) -> Picture {
    let profile = Profile::new_icc(icc).unwrap();
    let lab = Profile::new_lab4_context(lcms2::GlobalContext::new(), &D50).unwrap();
    let neutral: Vec<Lab> = labs(picture, icc).iter().map(|lab| [lab[0], 0.0, 0.0]).collect();
    let mut out = vec![[0f32; 3]; neutral.len()];
    transform((&lab, PixelFormat::Lab_DBL), (&profile, PixelFormat::RGB_FLT)).transform_pixels(&neutral, &mut out);
    Picture { values: out.into_flattened(), ..*picture }.clamped()
}

pub fn labs(picture: &Picture, icc: &[u8]) -> Vec<Lab> {
    let mut out = vec![[0.0; 3]; picture.width * picture.height];
    to_lab(&Profile::new_icc(icc).unwrap()).transform_pixels(triples(picture), &mut out);
    out
}
