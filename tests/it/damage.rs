//! Damaged, hostile and huge pictures, as the program meets them: refused in words, in bounded memory and time, or
//! made with a warning; never half a picture in silence.

mod craft;
mod oven;

use std::time::Duration;

use craft::{Originals, Rng};
use oven::{Fate, Files, bake};

const PATIENCE: Duration = Duration::from_secs(30);

fn truncated() -> Files {
    let mut files = Vec::new();
    for (name, extension, file) in Originals::new().0 {
        for percent in (5..100).step_by(5) {
            files.push((format!("{name}-{percent:02}.{extension}"), file[..file.len() * percent / 100].to_vec()));
        }
        // The very end: pixels may all be there.
        files.push((format!("{name}-end.{extension}"), file[..file.len() - 2].to_vec()));
        files.push((format!("{name}-whole.{extension}"), file));
    }
    files
}

/// In a TIFF the pixels may stand before what describes them, and of a JPEG it can be told whether they are all there, so
/// a missing end may cost nothing.
fn may_be_whole(name: &str) -> bool {
    let knows = name.starts_with("tiff") || name.ends_with(".jpg");
    name.contains("-whole.") || (knows && name.contains("-end."))
}

#[test]
fn truncated_pictures_are_refused_with_a_reason() {
    for (name, fate) in bake("on_damage: refuse", &truncated(), PATIENCE) {
        if may_be_whole(&name) {
            let must_be = name.contains("-whole.") || name.ends_with("-end.jpg");
            assert!(fate.made.is_some() || !must_be, "{name}: {:?}", fate.told);
            assert!(fate.warned_of("whole") || !name.ends_with("-end.jpg"), "{name}: {:?}", fate.told);
            continue;
        }
        let error = fate.error().unwrap_or_else(|| panic!("{name} was delivered: {:?}", fate.told));
        assert!(error.contains("the picture is damaged: "), "{error}");
        assert!(error.contains("copy it again"), "it says what to do: {error}");
    }
}

#[test]
fn truncated_pictures_that_are_accepted_come_with_a_warning() {
    let fates = bake("on_damage: accept", &truncated(), PATIENCE);
    for (name, Fate { made, told }) in &fates {
        let fate = Fate { made: made.clone(), told: told.clone() };
        if made.is_some() && !may_be_whole(name) {
            assert!(fate.warned_of("the picture is damaged"), "{name} was delivered in silence: {told:?}");
        }
        assert!(!name.contains("-whole.") || !fate.warned_of("damaged"), "{name}: {told:?}");
    }
    // What can be shown of a JPEG is shown from its first rows on.
    for kind in ["baseline", "progressive", "grey"] {
        assert!(fates[&format!("{kind}-50.jpg")].made.is_some(), "{:?}", fates[&format!("{kind}-50.jpg")].told);
    }
}

#[test]
fn giant_dimensions_are_refused_in_small_memory() {
    let originals = Originals::new();
    let mut files = Vec::new();
    for (what, width, height) in [("side", 60_000, 10), ("area", 39_000, 39_000)] {
        files.push((format!("jpeg-{what}.jpg"), craft::jpeg_of_size(originals.get("baseline"), width, height)));
        files.push((
            format!("progressive-{what}.jpg"),
            craft::jpeg_of_size(originals.get("progressive"), width, height),
        ));
        files.push((format!("png-{what}.png"), craft::png_of_size(originals.get("png"), width, height)));
        files.push((format!("tiff-{what}.tif"), craft::tiff_of_size(originals.get("tiff"), width, height)));
        files.push((format!("webp-{what}.webp"), craft::webp_of_size(originals.get("webp"), width, height)));
    }
    for (name, fate) in bake("", &files, Duration::from_secs(10)) {
        let error = fate.error().unwrap_or_default();
        assert!(error.contains("larger than allowed"), "{name}: {:?}", fate.told);
    }
}

/// Sizes that are allowed, of files that cannot hold them.
#[test]
fn headers_that_promise_too_much_are_seen_through() {
    let originals = Originals::new();
    let (width, height) = (12_000, 10_000);
    let files = vec![
        ("jpeg.jpg".to_string(), craft::jpeg_of_size(originals.get("baseline"), width, height)),
        ("progressive.jpg".to_string(), craft::jpeg_of_size(originals.get("progressive"), width, height)),
        ("png.png".to_string(), craft::png_of_size(originals.get("png"), width, height)),
        ("tiff.tif".to_string(), craft::tiff_of_size(originals.get("tiff"), width, height)),
        ("tiff-lzw.tif".to_string(), craft::tiff_of_size(originals.get("tiff-lzw"), width, height)),
        ("webp.webp".to_string(), craft::webp_of_size(originals.get("webp"), width, height)),
    ];
    for (name, fate) in bake("", &files, PATIENCE) {
        assert!(fate.error().is_some_and(|e| e.contains("the picture is damaged")), "{name}: {:?}", fate.told);
    }
}

#[test]
fn loops_and_floods_in_exif_end() {
    let originals = Originals::new();
    let files: Files = craft::hostile_exif()
        .into_iter()
        .map(|(name, block)| (format!("{name}.jpg"), craft::jpeg_with_exif(originals.get("grey"), &block)))
        .chain([("tiff-loop.tif".to_string(), craft::tiff_that_loops(originals.get("tiff")))])
        .collect();
    for (name, fate) in bake("metadata: all", &files, Duration::from_secs(10)) {
        if name == "tiff-loop.tif" {
            assert!(fate.error().is_some_and(|e| e.contains("cycle")), "{:?}", fate.told);
            continue;
        }
        let made = fate.made.unwrap_or_else(|| panic!("{name}: {:?}", fate.told));
        let picture = image::load_from_memory(&made).unwrap();
        assert_eq!(picture.width().max(picture.height()), 40, "{name}");
        // Where the first directory is sound, what it says of the orientation counts.
        assert_eq!(picture.height() > picture.width(), name.starts_with("turned"), "{name}");
    }
}

#[test]
fn huge_and_broken_profiles_are_a_warning() {
    let files = craft::huge_profiles(&Originals::new());
    for (name, fate) in bake("", &files, Duration::from_secs(10)) {
        assert!(fate.made.is_some(), "{name}: {:?}", fate.told);
        assert!(fate.warned_of("colour profile"), "{name}: made, but nothing was said: {:?}", fate.told);
    }
}

#[test]
fn extensions_are_not_believed() {
    let originals = Originals::new();
    let mut files: Files = [("a.png", "baseline"), ("b.tif", "png"), ("c.jpg", "tiff"), ("d.jpeg", "webp")]
        .map(|(name, kind)| (name.to_string(), originals.get(kind).to_vec()))
        .into();
    let strangers: [(&str, &[u8], &str); 6] = [
        ("e.jpg", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "it is a PDF"),
        ("f.tif", b"8BPS\0\x01\0\0\0\0\0\0\0\x03", "a Photoshop document"),
        ("g.jpg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture"),
        ("h.png", b"GIF89a\x01\0\x01\0", "a GIF"),
        ("i.jpg", b"\xff\xfe<\0?\0x\0m\0l\0", "no known kind"),
        ("j.webp", b"", "it is empty"),
    ];
    files.extend(strangers.map(|(name, file, _)| (name.to_string(), file.to_vec())));
    let fates = bake("", &files, PATIENCE);
    for name in ["a.png", "b.tif", "c.jpg", "d.jpeg"] {
        assert!(fates[name].made.is_some(), "{name}: {:?}", fates[name].told);
    }
    for (name, _, words) in strangers {
        assert!(fates[name].error().is_some_and(|e| e.contains(words)), "{name}: {:?}", fates[name].told);
    }
}

/// `HOTFOLDERS_MUTATIONS` says how many, `HOTFOLDERS_SEED` where they begin: `scripts/torture mutations`.
#[test]
fn mutated_pictures_are_made_or_refused() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |n| n.parse().unwrap());
    let (count, first) = (number("HOTFOLDERS_MUTATIONS", 300), number("HOTFOLDERS_SEED", 1));
    let originals = Originals::new();
    let seeds: Vec<u64> = (first..first + count).collect();
    for (batch, seeds) in seeds.chunks(150).enumerate() {
        let files: Files = seeds
            .iter()
            .map(|seed| {
                let mut rng = Rng::new(*seed);
                let (name, extension, file) = &originals.0[rng.below(originals.0.len())];
                (format!("{name}-{seed}.{extension}"), craft::mutated(file, &mut rng))
            })
            .collect();
        let keys = if batch % 2 == 0 { "on_damage: accept, metadata: all" } else { "on_damage: refuse" };
        bake(keys, &files, Duration::from_mins(1));
    }
}
