//! Real photos in every EXIF orientation: each comes out upright, once and for all.

use std::path::{Path, PathBuf};

use crate::studio::Studio;

const CONFIG: &str = r#"
version: 1
profiles:
  small: { size: 300px, dpi: 254, quality: 95, name: "{stem}" }
  all: { size: 300px, dpi: 254, metadata: all, name: "{stem}" }
  untouched: { format: copy, metadata: all, name: "{stem}" }
"#;
const DPI: u32 = 254;

/// Photos of the same view differ in the noise of their own JPEG only; a view that is turned differs by far more.
const SAME_VIEW: f64 = 6.0;
const OTHER_VIEW: f64 = 20.0;

fn photos(family: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/photos");
    (0..=8).map(|orientation| folder.join(format!("{family}_{orientation}.jpg"))).collect()
}

/// Renders all 18 photos with a profile; the folder of the results.
fn render(profile: &str) -> (Studio, PathBuf) {
    let studio = Studio::bare(CONFIG);
    let mut command = studio.command(&["render", "--profile", profile, "--out", "out"]);
    let output = command.args(photos("Landscape")).args(photos("Portrait")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let out = studio.path("out");
    assert_eq!(studio.bytes_below("out").len(), 18);
    (studio, out)
}

struct Picture {
    name: String,
    width: usize,
    height: usize,
    pixels: Vec<u8>,
    bytes: Vec<u8>,
}

fn family(out: &Path, family: &str) -> Vec<Picture> {
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        let bytes = std::fs::read(out.join(&name)).unwrap();
        let image = turbojpeg::decompress(&bytes, turbojpeg::PixelFormat::RGB).unwrap();
        assert_eq!(image.pitch, image.width * 3);
        Picture { name, width: image.width, height: image.height, pixels: image.pixels, bytes }
    };
    photos(family).into_iter().map(read).collect()
}

fn mean_difference(a: impl ExactSizeIterator<Item = u8>, b: impl ExactSizeIterator<Item = u8>) -> f64 {
    assert_eq!(a.len(), b.len());
    let count = a.len() as f64;
    a.zip(b).map(|(a, b)| f64::from(a.abs_diff(b))).sum::<f64>() / count
}

fn difference(a: &Picture, b: &Picture) -> f64 {
    mean_difference(a.pixels.iter().copied(), b.pixels.iter().copied())
}

/// How far a picture is from itself turned by 180 degrees: whether the comparison could see a turn at all.
fn difference_when_turned(a: &Picture) -> f64 {
    let turned: Vec<u8> = a.pixels.chunks(3).rev().flatten().copied().collect();
    mean_difference(a.pixels.iter().copied(), turned.into_iter())
}

/// The orientation tag, if there is one, and the dpi of the EXIF block, if there is one.
fn exif(bytes: &[u8]) -> (Option<u32>, Option<(f64, f64)>) {
    let Ok(exif) = exif::Reader::new().read_from_container(&mut std::io::Cursor::new(bytes)) else {
        return (None, None);
    };
    let field = |tag| exif.get_field(tag, exif::In::PRIMARY);
    let resolution = |tag| match &field(tag)?.value {
        exif::Value::Rational(list) => list.first().map(exif::Rational::to_f64),
        _ => None,
    };
    let unit = field(exif::Tag::ResolutionUnit).and_then(|f| f.value.get_uint(0));
    let dpi = resolution(exif::Tag::XResolution).zip(resolution(exif::Tag::YResolution));
    assert!(dpi.is_none() || unit == Some(2), "the resolution is in inches");
    (field(exif::Tag::Orientation).and_then(|f| f.value.get_uint(0)), dpi)
}

/// Unit and densities of the JFIF block, which stands first.
fn jfif(bytes: &[u8]) -> (u8, u16, u16) {
    assert_eq!(&bytes[..4], [0xff, 0xd8, 0xff, 0xe0]);
    assert_eq!(&bytes[6..11], b"JFIF\0");
    (bytes[13], u16::from_be_bytes([bytes[14], bytes[15]]), u16::from_be_bytes([bytes[16], bytes[17]]))
}

#[test]
fn photos_of_every_orientation_come_out_upright() {
    let (_studio, out) = render("small");
    for (name, width, height) in [("Landscape", 300, 200), ("Portrait", 200, 300)] {
        let pictures = family(&out, name);
        // Orientation 1 is stored as it is seen.
        let upright = &pictures[1];
        assert!(difference_when_turned(upright) > OTHER_VIEW, "{name} shows no turn");
        for picture in &pictures {
            assert_eq!((picture.width, picture.height), (width, height), "{}", picture.name);
            let far = difference(upright, picture);
            assert!(far < SAME_VIEW, "{} differs from {} by {far}", picture.name, upright.name);
        }
    }
}

#[test]
fn nothing_turns_them_again_and_the_dpi_agree() {
    for profile in ["small", "all"] {
        let (_studio, out) = render(profile);
        for picture in family(&out, "Landscape").iter().chain(&family(&out, "Portrait")) {
            let (orientation, dpi) = exif(&picture.bytes);
            assert!(matches!(orientation, None | Some(1)), "{} of {profile}: {orientation:?}", picture.name);
            assert_eq!(dpi, Some((f64::from(DPI), f64::from(DPI))), "{} of {profile}", picture.name);
            assert_eq!(jfif(&picture.bytes), (1, DPI as u16, DPI as u16), "{} of {profile}", picture.name);
        }
    }
}

/// `copy` keeps the camera's own pixels and tag; whoever shows them by the tag sees the same upright view.
#[test]
fn a_copy_is_seen_upright_too() {
    let (_studio, out) = render("untouched");
    let originals = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/photos");
    for name in ["Landscape", "Portrait"] {
        for (picture, original) in family(&out, name).into_iter().zip(family(&originals, name)) {
            assert!(picture.pixels == original.pixels, "{} is made again", picture.name);
            assert_eq!(exif(&picture.bytes).0, exif(&original.bytes).0.filter(|tag| *tag > 1), "{}", picture.name);
            let turned = matches!(exif(&picture.bytes).0, Some(5..=8));
            let (width, height) =
                if turned { (picture.height, picture.width) } else { (picture.width, picture.height) };
            assert_eq!(width > height, name == "Landscape", "{} is seen as {width} x {height}", picture.name);
        }
    }
}
