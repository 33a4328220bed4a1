//! The same pictures give the same bytes, whatever the threads, the load and the surroundings.
//!
//! Most is compared run with run, on one machine. Only some digests are kept as constants: of outputs whose every step
//! counts in whole numbers and gives the same on all processors. That is so for turning, cropping by whole pixels and
//! for libjpeg-turbo, whose vector code is held to the results of its plain C code by its own tests (and here). It is
//! not proven for scaling (its weights come from the sine of the platform's library, before they are rounded to whole
//! numbers) nor for colour conversion (floating point, fused on some processors), so those have no constants.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::quality::color;
use crate::quality::picture::{Picture, colors, zone_plate};
use crate::studio::{Studio, hotfolders};

const PROFILES: &str = r##"
profiles:
  web: { size: 300px, sharpen: { for: screen }, quality: 85, subsampling: "4:2:0", metadata: all, name: "{stem}_web" }
  print: { size: 4x5in, dpi: 100, fit: fill, sharpen: { for: matte }, color: { profile: adobe_rgb }, quality: 95,
           progressive: true, small_files: true, set: { artist: "{stem}" }, name: "{stem}_print" }
  pad: { size: 200x200px, fit: pad, background: "#336699", format: png, compression: best, name: "{stem}_pad" }
  tiff: { size: 250px, format: tiff, compression: deflate, color: { profile: display_p3 }, name: "{stem}_tiff" }
"##;

type Outputs = BTreeMap<String, Vec<u8>>;

fn studio(max_jobs: u32) -> Studio {
    let studio = Studio::bare(&format!("version: 1\nserver: {{ max_jobs: {max_jobs} }}\n{PROFILES}"));
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/photos/Landscape_6.jpg");
    studio.write("in/a.jpg", &std::fs::read(photo).unwrap());
    studio.write("in/b.png", &colors(500, 333).png(Some(&color::adobe_rgb())));
    studio.write("in/c.tif", &zone_plate(420, 400).tiff(16, Some(&color::display_p3())));
    studio
}

/// The command that renders everything with a profile into a folder, behind other commands.
fn command(studio: &Studio, before: &[&str], profile: &str, out: &str) -> Command {
    let mut words: Vec<&str> = before.to_vec();
    words.push(env!("CARGO_BIN_EXE_hotfolders"));
    words.extend(["render", "--profile", profile, "--out", out, "in/a.jpg", "in/b.png", "in/c.tif"]);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(studio.path("."));
    command
}

fn outputs(max_jobs: u32, before: &[&str], env: &[(&str, &str)]) -> Outputs {
    let studio = studio(max_jobs);
    for profile in ["web", "print", "pad", "tiff"] {
        let done = command(&studio, before, profile, "out").envs(env.iter().copied()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    studio.bytes_below("out")
}

#[track_caller]
fn same(what: &str, found: &Outputs, expected: &Outputs) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{what}");
    let differ: Vec<&String> =
        found.iter().filter(|(name, bytes)| expected[*name] != **bytes).map(|(n, _)| n).collect();
    assert!(differ.is_empty(), "{what}: {differ:?} have other bytes");
}

#[test]
fn nothing_around_a_picture_changes_its_bytes() {
    let expected = outputs(1, &["taskset", "-c", "0"], &[("TZ", "UTC"), ("LC_ALL", "C")]);
    assert_eq!(expected.len(), 12);
    same("two threads", &outputs(2, &[], &[]), &expected);
    same("more threads than cores", &outputs(7, &[], &[("RAYON_NUM_THREADS", "5")]), &expected);
    let elsewhere = [("TZ", "Pacific/Kiritimati"), ("LC_ALL", "tr_TR.UTF-8"), ("LANG", "de_DE.UTF-8")];
    same("another zone and language", &outputs(2, &[], &elsewhere), &expected);
    same("another umask", &outputs(2, &["sh", "-c", "umask 077; exec \"$@\"", "sh"], &[]), &expected);
    same("plain code of the JPEG library", &outputs(2, &[], &[("JSIMD_FORCENONE", "1")]), &expected);
}

#[test]
fn load_does_not_change_a_picture() {
    let studio = studio(2);
    let runs: Vec<_> = (0..6)
        .map(|i| {
            command(&studio, &[], ["web", "print"][i % 2], &format!("out{i}"))
                .stderr(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut run in runs {
        assert!(run.wait().unwrap().success());
    }
    for i in 2..6 {
        let (found, expected) = (studio.bytes_below(&format!("out{i}")), studio.bytes_below(&format!("out{}", i % 2)));
        same("under load", &found, &expected);
    }
}

/// Changed on purpose only: by an update of an encoder, or by what is written beside the pixels.
const GOLDEN: [(&str, &str, &str); 4] = [
    ("a.png", "format: tiff, compression: none", "0e99dfa4ede48b7cf8b6f2325079d7dc78da50122292a926a53611e1824f0f19"),
    (
        "b.jpg",
        "format: tiff, compression: none, decode: full",
        "2634b14aa544db02c961cc7b402947d64e14dc6bb50122e73acc6891d52cbe3d",
    ),
    (
        "a.png",
        "format: jpeg, quality: 92, subsampling: \"4:4:4\"",
        "e91268f5beadea40d72e42af9984ad1ccb3851a510731ea9c30aa414c4b700ab",
    ),
    (
        "a.png",
        "format: jpeg, quality: 80, subsampling: \"4:2:0\", progressive: true",
        "debb3348b19af58ea8b8374e2976555bd44755a12f39865f6282dc6ce9cb748e",
    ),
];

#[test]
fn bytes_that_hold_on_every_processor() {
    let picture = Picture::drawn(96, 64, |x, y| [x / 96.0, y / 64.0, f64::from((x * y) as u32 % 64) / 64.0]);
    // Orientation 6, so that the pixels are turned; in the EXIF block of a JPEG.
    let upright = picture.jpeg(90, turbojpeg::Subsamp::Sub2x2, false);
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let segment = [&[0xff, 0xe1, 0, exif.len() as u8 + 2], &exif[..]].concat();
    let turned = [&upright[..2], &segment, &upright[2..]].concat();
    let mut found = Vec::new();
    for (name, keys, _) in GOLDEN {
        let studio = Studio::bare(&format!("version: 1\nprofiles:\n  p: {{ {keys} }}\n"));
        studio.write("a.png", &picture.png(None));
        studio.write("b.jpg", &turned);
        let mut command = hotfolders();
        command.current_dir(studio.path(".")).args(["render", "--profile", "p", "--out", "out", name]);
        assert!(command.output().unwrap().status.success());
        let file = studio.bytes_below("out").into_values().next().unwrap();
        found.push((name, keys, hotfolders::model::digest::sha256(&file)));
    }
    let expected = GOLDEN.map(|(name, keys, digest)| (name, keys, digest.to_string()));
    assert_eq!(found, expected);
}
