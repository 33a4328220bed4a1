//! JPEGs that break a rule but are whole, and their neighbours that lack pixels.

use super::segment::marker;
use super::*;

fn jpeg(progressive: bool) -> Vec<u8> {
    let (width, height) = (96, 64);
    let mut compressor = turbojpeg::Compressor::new().unwrap();
    compressor.set_quality(90).unwrap();
    compressor.set_subsamp(turbojpeg::Subsamp::Sub2x2).unwrap();
    compressor.set_progressive(progressive).unwrap();
    let pixels = noisy_picture(width, height);
    let (width, height) = (width as usize, height as usize);
    let format = turbojpeg::PixelFormat::RGB;
    let image = turbojpeg::Image { pixels: &pixels[..], width, pitch: width * 3, height, format };
    compressor.compress_to_vec(image).unwrap()
}

fn made(file: &[u8], accept_damage: bool) -> Result<Rendered, RenderError> {
    render_one(file, &OutputSpec { accept_damage, ..spec((96, 64), (96, 64)) })
}

fn copied(file: &[u8]) -> Result<Vec<u8>, RenderError> {
    let mut copy = OutputSpec { encoding: Encoding::Copy, ..spec((96, 64), (96, 64)) };
    copy.metadata.set_artist = Some("Studio".to_owned());
    let out = render_one(file, &copy)?.bytes;
    verify(&out, &copy, VerifyDepth::Headers).unwrap();
    Ok(out)
}

fn put(file: &[u8], at: usize, what: &[u8]) -> Vec<u8> {
    [&file[..at], what, &file[at..]].concat()
}

fn find(file: &[u8], what: &[u8]) -> usize {
    file.windows(what.len()).position(|w| w == what).unwrap()
}

/// The same picture, with one fault of form each.
fn whole() -> Vec<(&'static str, Vec<u8>)> {
    let (plain, progressive) = (jpeg(false), jpeg(true));
    let end = plain.len() - 2;
    let scan = find(&plain, &[0xff, 0xda]);
    let parameters = scan + 5 + 2 * usize::from(plain[scan + 4]);
    let mut odd_scan = plain.clone();
    odd_scan[parameters..parameters + 3].copy_from_slice(&[0, 0, 0]);
    let mut odd_jfif = plain.clone();
    odd_jfif[11] = 9;
    let adobe = [0xff, 0xee, 0, 14, b'A', b'd', b'o', b'b', b'e', 0, 100, 0, 0, 0, 0, 2];
    let trailer = b"\0\0\x01\x0a\x0e\0\0\0Image_UTC_Data1500000000000SEFHk\0\0\0\0\0\0\0SEFT";
    vec![
        ("scan parameters", odd_scan),
        ("version of JFIF", odd_jfif),
        ("colour transform", [&plain[..2], &adobe, &plain[20..]].concat()),
        ("zeros before the end", put(&plain, end, &[0; 5_000])),
        ("bytes between segments", put(&plain, find(&plain, &[0xff, 0xdb]), b"\0\0stray")),
        ("no end", plain[..end].to_vec()),
        ("half an end", plain[..=end].to_vec()),
        ("zeros for an end", put(&plain[..end], end, &[0; 5_000])),
        ("a trailer for an end", put(&plain[..end], end, trailer)),
        ("progressive without an end", progressive[..progressive.len() - 2].to_vec()),
    ]
}

#[test]
fn a_whole_picture_is_made_and_copied_with_a_warning() {
    let good = [false, true].map(|progressive| made(&jpeg(progressive), false).unwrap());
    assert!(good.iter().all(|good| good.warnings.is_empty()));
    for (name, file) in whole() {
        let good = &good[usize::from(name.starts_with("progressive"))];
        for accept_damage in [false, true] {
            let out = made(&file, accept_damage).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(out.bytes, good.bytes, "{name}");
            assert!(matches!(out.warnings[..], [RenderWarning::Irregular(_)]), "{name}: {:?}", out.warnings);
        }
        let copy = copied(&file).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(pixels(&made(&copy, false).unwrap().bytes), pixels(&good.bytes), "{name}");
    }
}

#[test]
fn what_lacks_pixels_is_damaged_whatever_else_is_odd() {
    for (name, file) in whole() {
        let scan = find(&file, &[0xff, 0xda]) + 14;
        for percent in [10, 50, 90] {
            let at = scan + (jpeg(name.starts_with("progressive")).len() - scan) * percent / 100;
            let mut lost = vec![("cut", file[..at].to_vec())];
            let mut zeroed = file.clone();
            zeroed[at..].fill(0);
            lost.push(("zeroed", zeroed.clone()));
            if let Some(end) = zeroed.len().checked_sub(2) {
                zeroed[end..].copy_from_slice(&[0xff, 0xd9]);
                lost.push(("zeroed up to the end", zeroed));
            }
            for (what, file) in lost {
                // A progressive picture that has an end may have fewer scans.
                if what != "zeroed up to the end" || !name.starts_with("progressive") {
                    let error = made(&file, false).expect_err(name);
                    assert_eq!(error.code(), "damaged", "{name}, {what} at {percent} %: {error}");
                    assert!(copied(&file).is_err(), "{name}, {what} at {percent} %");
                }
            }
        }
    }
    // Bytes that no zeros explain may be coded data of blocks that were read wrong.
    let plain = jpeg(false);
    let left_over = put(&plain, plain.len() - 2, &[0x5a; 40]);
    assert_eq!(made(&left_over, false).unwrap_err().code(), "damaged");
}

/// Makes another interval of one, by its number.
type Join = fn(usize, Vec<u8>) -> Vec<u8>;

/// A picture with a restart after each row of blocks: rows that were coded alone are its intervals.
fn with_restarts(join: impl Fn(usize, Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let (width, height, row) = (96_usize, 64_usize, 16_usize);
    let rgb = noisy_picture(width as u32, height as u32);
    let rows: Vec<Vec<u8>> = rgb.chunks(width * row * 3).map(|rgb| jpeg_of_rows(rgb, width, row)).collect();
    let scan = find(&rows[0], &[0xff, 0xda]);
    let coded = scan + 2 + usize::from(u16::from_be_bytes([rows[0][scan + 2], rows[0][scan + 3]]));
    let mut out = rows[0][..scan].to_vec();
    let frame = find(&out, &[0xff, 0xc0]);
    out[frame + 5..frame + 7].copy_from_slice(&(height as u16).to_be_bytes());
    segment::push(&mut out, 0xdd, &[&(width.div_ceil(16) as u16).to_be_bytes()]);
    out.extend(&rows[0][scan..coded]);
    for (i, row) in rows.iter().enumerate() {
        out.extend(join(i, row[coded..row.len() - 2].to_vec()));
        out.extend([0xff, if i + 1 < rows.len() { 0xd0 + i as u8 } else { marker::EOI }]);
    }
    out
}

fn jpeg_of_rows(rgb: &[u8], width: usize, height: usize) -> Vec<u8> {
    let format = turbojpeg::PixelFormat::RGB;
    let image = turbojpeg::Image { pixels: rgb, width, pitch: width * 3, height, format };
    turbojpeg::compress(image, 90, turbojpeg::Subsamp::Sub2x2).unwrap().to_vec()
}

#[test]
fn zeros_before_a_restart_are_padding_and_a_missing_interval_is_damage() {
    let good = made(&with_restarts(|_, row| row), false).unwrap();
    assert!(good.warnings.is_empty(), "{:?}", good.warnings);
    let padded = with_restarts(|_, row| [row, vec![0; 12]].concat());
    let out = made(&padded, false).unwrap();
    assert_eq!(out.bytes, good.bytes);
    assert!(matches!(out.warnings[..], [RenderWarning::Irregular(_)]), "{:?}", out.warnings);
    copied(&padded).unwrap();

    let lost: [(&str, Join); 4] = [
        ("an interval is empty", |i, row| if i == 1 { Vec::new() } else { row }),
        ("an interval is cut", |i, row| if i == 1 { row[..row.len() / 2].to_vec() } else { row }),
        ("an interval holds zeros", |i, row| if i == 1 { vec![0; row.len()] } else { row }),
        ("an interval is longer", |i, row| if i == 1 { [row, vec![0x5a; 12]].concat() } else { row }),
    ];
    for (what, join) in lost {
        assert_eq!(made(&with_restarts(join), false).unwrap_err().code(), "damaged", "{what}");
        // Nor do zeros elsewhere excuse it.
        let padded = with_restarts(|i, row| [join(i, row), vec![0; 12]].concat());
        assert_eq!(made(&padded, false).unwrap_err().code(), "damaged", "{what}, with zeros");
    }
    let file = with_restarts(|_, row| row);
    let (first, second) = (find(&file, &[0xff, 0xd0]), find(&file, &[0xff, 0xd1]));
    let gone = [&file[..first], &file[second..]].concat();
    assert_eq!(made(&gone, false).unwrap_err().code(), "damaged", "an interval is missing with its marker");
}

/// Wherever a file was cut, or a bit of it turned, an odd form must not make it pass.
#[test]
fn an_odd_form_hides_no_damage() {
    let code = |file: &[u8]| made(file, false).map_or_else(|e| e.code(), |_| "made");
    let plain = jpeg(false);
    let start = find(&plain, &[0xff, 0xda]) + 14;
    let end = plain.len() - 2;
    for at in (start..end).step_by(11) {
        for zeros in [0, 40] {
            let mut cut = [&plain[..at], &vec![0; zeros]].concat();
            assert_eq!(code(&cut), "damaged", "cut at {at}, then {zeros} zeros");
            cut.extend([0xff, marker::EOI]);
            assert_eq!(code(&cut), "damaged", "cut at {at}, then {zeros} zeros and an end");
        }
    }
    let mut refused = 0;
    for at in (start..end).step_by(5) {
        let mut turned = plain.clone();
        turned[at] ^= 1 << (at % 8);
        // Many a turned bit gives another picture that no reader can know to be wrong.
        if made(&turned, false).is_ok() {
            continue;
        }
        refused += 1;
        for (what, file) in [
            ("no end", turned[..end].to_vec()),
            ("zeros before the end", put(&turned, end, &[0; 100])),
            ("stray bytes", put(&turned, find(&turned, &[0xff, 0xdb]), b"\0\0stray")),
        ] {
            assert_eq!(code(&file), "damaged", "bit {} of {at}, {what}", at % 8);
        }
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn a_profile_whose_parts_are_miscounted_is_used_if_it_is_whole() {
    let icc = Profile::of_space(&ColorSpace::AdobeRgb, &Shelf::default()).unwrap().icc;
    let half = icc.len() / 2;
    let parts = |parts: &[(u8, u8, &[u8])]| {
        with_segments(&jpeg(false), |out| {
            for (number, count, part) in parts {
                segment::push(out, marker::APP2, &[segment::ICC_PREFIX, &[*number, *count], part]);
            }
        })
    };
    let tagged = made(&parts(&[(1, 1, &icc)]), false).unwrap();
    let untagged = made(&jpeg(false), false).unwrap();
    assert_ne!(pixels(&tagged.bytes), pixels(&untagged.bytes));
    for whole in [
        parts(&[(1, 2, &icc)]),
        parts(&[(1, 0, &icc)]),
        parts(&[(1, 3, &icc[..half]), (2, 2, &icc[half..])]),
        parts(&[(2, 9, &icc[half..]), (1, 9, &icc[..half])]),
        parts(&[(0, 2, &icc[..half]), (1, 2, &icc[half..])]),
        parts(&[(1, 1, &icc), (1, 1, &icc)]),
        parts(&[(1, 2, &icc[..half]), (1, 2, &icc[..half]), (2, 2, &icc[half..])]),
    ] {
        let out = made(&whole, false).unwrap();
        assert_eq!((out.warnings.len(), pixels(&out.bytes)), (0, pixels(&tagged.bytes)));
        copied(&whole).unwrap();
    }
    for broken in
        [parts(&[(1, 3, &icc[..half])]), parts(&[(2, 2, &icc[half..])]), parts(&[(1, 1, &icc), (1, 1, &icc[..half])])]
    {
        for accept_damage in [false, true] {
            let out = made(&broken, accept_damage).unwrap();
            assert!(matches!(out.warnings[..], [RenderWarning::BrokenProfile(_)]), "{:?}", out.warnings);
            assert_eq!(pixels(&out.bytes), pixels(&untagged.bytes));
        }
        copied(&broken).unwrap();
    }
}
