//! What lies behind the picture of a JPEG: handed on, cleaned, and never lost in silence.

use super::*;

const GAIN_MAP_XMP: &[u8] = br#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" hdrgm:GainMapMax="2.5"/></rdf:RDF></x:xmpmeta>"#;
const PRIMARY_XMP: &[u8] = br#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><a xmlns:Container="http://ns.google.com/photos/1.0/container/" GCamera:MotionPhotoPresentationTimestampUs="1500000" Item:Length="7"/>"#;
const GAIN_MAP: u32 = 0;
const THUMBNAIL: u32 = 0x0001_0002;

fn exif_with_place() -> exif::Exif {
    let mut exif = exif::Exif::default();
    exif.set(exif::Field::text(exif::Directory::Gps, 0x1d, "at the secret place"));
    exif.set(exif::Field::text(exif::Directory::Exif, 0xa430, "somebody secret"));
    exif
}

/// A picture as it lies behind another one, with these words.
fn further(xmp: Option<&[u8]>, iso: bool) -> Vec<u8> {
    with_segments(&jpeg_of(20, 16, &picture(20, 16)), |out| {
        segment::push(out, 0xe1, &[segment::EXIF_PREFIX, &exif_with_place().write()]);
        if let Some(xmp) = xmp {
            segment::push(out, 0xe1, &[segment::XMP_PREFIX, xmp]);
        }
        if iso {
            segment::push(out, 0xe2, &[b"urn:iso:std:iso:ts:21496:-1\0", &[0, 0, 0, 0, 0]]);
        }
        segment::push(out, 0xfe, &[b"a comment from the secret place"]);
    })
}

/// A JPEG with further pictures behind it and an index of them, as a camera would write it; then whatever follows.
fn original(behind: &[(u32, Vec<u8>)], then: &[u8]) -> Vec<u8> {
    let mut index = b"II*\0\x08\0\0\0\x03\0".to_vec();
    let field = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let count = behind.len() as u32 + 1;
    index.extend(field(0xb000, 7, 4, u32::from_le_bytes(*b"0100")));
    index.extend(field(0xb001, 4, 1, count));
    index.extend(field(0xb002, 7, 16 * count, 50));
    index.extend([0; 4]);
    let list = index.len();
    index.resize(list + 16 * count as usize, 0);
    let mut file = with_segments(&jpeg_of(40, 30, &picture(40, 30)), |out| {
        segment::push(out, 0xe1, &[segment::EXIF_PREFIX, &exif_with_place().write()]);
        segment::push(out, 0xe1, &[segment::XMP_PREFIX, PRIMARY_XMP]);
        segment::push(out, 0xe2, &[b"MPF\0", &index]);
    });
    let start = file.windows(8).position(|w| w == b"MPF\0II*\0").unwrap() + 4;
    let (first, mut at) = (file.len(), file.len());
    let mut entries = vec![(0x2003_0000, first, 0)];
    for (attribute, bytes) in behind {
        entries.push((*attribute, bytes.len(), at - start));
        at += bytes.len();
    }
    for (i, (attribute, length, offset)) in entries.into_iter().enumerate() {
        let entry = [attribute, length as u32, offset as u32].map(u32::to_le_bytes).concat();
        file[start + list + 16 * i..][..12].copy_from_slice(&entry);
    }
    file.extend(behind.iter().flat_map(|(_, bytes)| bytes));
    file.extend(then);
    file
}

/// The pictures of a finished file by its index, read without the code that wrote it.
fn indexed(file: &[u8]) -> Vec<&[u8]> {
    let Some(start) = file.windows(8).position(|w| w == b"MPF\0MM\0*").map(|at| at + 4) else { return Vec::new() };
    let long = |at: usize| u32::from_be_bytes(file[start + at..][..4].try_into().unwrap()) as usize;
    // Behind the header a count and three fields of twelve bytes: version, number of pictures, list.
    let (pictures, list) = (long(10 + 12 + 8), long(10 + 24 + 8));
    let entries = (0..pictures).map(|i| (long(list + 16 * i + 4), long(list + 16 * i + 8)));
    let at = |offset| if offset == 0 { 0 } else { start + offset };
    entries.map(|(length, offset)| &file[at(offset)..][..length]).collect()
}

fn copied(file: &[u8], keep: KeepMetadata) -> Rendered {
    let mut spec = OutputSpec { encoding: Encoding::Copy, metadata: plain_metadata(keep), ..spec((40, 30), (40, 30)) };
    (spec.metadata.strip_location, spec.metadata.strip_people) = (true, true);
    spec.metadata.fallback_artist = Some("The Studio".to_owned());
    let out = render_one(file, &spec).unwrap();
    verify(&out.bytes, &spec, VerifyDepth::Full).unwrap();
    out
}

fn left_out(out: &Rendered) -> Vec<&'static str> {
    let what = |warning: &RenderWarning| match warning {
        RenderWarning::LeftOut { what, .. } => Some(*what),
        _ => None,
    };
    out.warnings.iter().filter_map(what).collect()
}

fn holds(file: &[u8], words: &str) -> bool {
    file.windows(words.len()).any(|w| w == words.as_bytes())
}

#[test]
fn a_gain_map_is_handed_on_without_its_words() {
    for (xmp, iso) in [(Some(GAIN_MAP_XMP), true), (Some(GAIN_MAP_XMP), false), (None, true)] {
        let gain_map = further(xmp, iso);
        // A small copy before it is no more kept than a thumbnail.
        let file = original(&[(THUMBNAIL, further(None, false)), (GAIN_MAP, gain_map.clone())], b"a trailer");
        for keep in [KeepMetadata::All, KeepMetadata::Copyright, KeepMetadata::None] {
            let out = copied(&file, keep);
            assert_eq!(left_out(&out), [""; 0]);
            let [first, second] = indexed(&out.bytes)[..] else { panic!("{keep:?}: two pictures expected") };
            assert_eq!(first.len() + second.len(), out.bytes.len(), "nothing else lies behind");
            assert!(pixels(first) == pixels(&file) && pixels(second) == pixels(&gain_map));
            assert!(
                first.ends_with(&[0xff, 0xd9]) && second.starts_with(&[0xff, 0xd8]) && second.ends_with(&[0xff, 0xd9])
            );
            assert_eq!(holds(second, "hdrgm:GainMapMax=\"2.5\""), xmp.is_some());
            assert_eq!(holds(second, "urn:iso:std:iso:ts:21496:-1"), iso);
            assert!(!holds(&out.bytes, "secret"), "{keep:?}");
            // Readers that look at the list in the XMP expect numbers in that of the gain map.
            let listed = format!("Item:Semantic=\"GainMap\" Item:Mime=\"image/jpeg\" Item:Length=\"{}\"", second.len());
            assert_eq!(holds(first, &listed) && holds(first, "hdrgm:Version=\"1.0\""), xmp.is_some());
            assert!(!holds(first, "Item:Length=\"7\""));
            assert_eq!(holds(first, "The Studio"), keep != KeepMetadata::None);
        }
        let whole = OutputSpec {
            encoding: Encoding::Copy,
            metadata: plain_metadata(KeepMetadata::All),
            ..spec((40, 30), (40, 30))
        };
        assert!(render_one(&file, &whole).unwrap().bytes == file, "where nothing is to be taken out");
    }
}

#[test]
fn a_gain_map_whose_words_cannot_be_told_apart_is_left_out() {
    let telling = String::from_utf8_lossy(GAIN_MAP_XMP)
        .replace("hdrgm:Version=\"1.0\"", "hdrgm:Version='1' photoshop:City='the secret place'");
    let out = copied(&original(&[(GAIN_MAP, further(Some(telling.as_bytes()), false))], b""), KeepMetadata::All);
    assert_eq!(left_out(&out), ["the HDR gain map"]);
    assert!(indexed(&out.bytes).is_empty() && !holds(&out.bytes, "secret") && !holds(&out.bytes, "hdrgm"));
    let plain =
        String::from_utf8_lossy(GAIN_MAP_XMP).replace("<rdf:Desc", "<City xmlns='x'>the secret place</City><rdf:Desc");
    let out = copied(&original(&[(GAIN_MAP, further(Some(plain.as_bytes()), false))], b""), KeepMetadata::All);
    assert!(left_out(&out) == ["the HDR gain map"] && !holds(&out.bytes, "secret"));
    // With the numbers of the standard it is used without the block.
    let out = copied(&original(&[(GAIN_MAP, further(Some(telling.as_bytes()), true))], b""), KeepMetadata::All);
    assert!(indexed(&out.bytes).len() == 2 && !holds(&out.bytes, "secret"));
    let mut cut = further(Some(GAIN_MAP_XMP), true);
    let half = cut.len() / 2;
    cut[half..half + 40].fill(0xff);
    let out = copied(&original(&[(GAIN_MAP, cut)], b""), KeepMetadata::All);
    assert!(left_out(&out).len() <= 1 && indexed(&out.bytes).len() != 1);
}

#[test]
fn an_index_that_lies_brings_nothing_in() {
    let gain_map = further(Some(GAIN_MAP_XMP), true);
    let file = original(&[(GAIN_MAP, gain_map.clone())], b"");
    let start = file.windows(8).position(|w| w == b"MPF\0II*\0").unwrap() + 4;
    for (at, value) in [(50 + 16 + 8, 0u32), (50 + 16 + 8, 1 << 31), (50 + 16 + 4, u32::MAX), (4, 9_999), (42, 65_000)]
    {
        let mut file = file.clone();
        file[start + at..][..4].copy_from_slice(&value.to_le_bytes());
        let out = copied(&file, KeepMetadata::Copyright);
        assert!(indexed(&out.bytes).is_empty() && pixels(&out.bytes) == pixels(&file), "{at} {value}");
    }
    // Many that are one and the same would be as many copies of it.
    let twice = original(&[(GAIN_MAP, gain_map.clone()), (GAIN_MAP, Vec::new())], b"");
    assert!(copied(&twice, KeepMetadata::Copyright).bytes.len() < file.len() + 2000);
}

#[test]
fn a_rendering_says_that_it_loses_the_gain_map() {
    let file = original(&[(GAIN_MAP, further(Some(GAIN_MAP_XMP), false))], b"");
    for encoding in [JPEG, PNG, TIFF, WEBP] {
        let spec = OutputSpec { encoding, ..spec((40, 30), (40, 30)) };
        assert_eq!(render_one(&file, &spec).unwrap().warnings, [RenderWarning::GainMapLost]);
        let plain = original(&[(THUMBNAIL, further(None, false))], b"");
        assert_eq!(render_one(&plain, &spec).unwrap().warnings, []);
    }
}

fn boxed(kind: [u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    [&(content.len() as u32 + 8).to_be_bytes()[..], &kind, &content].concat()
}

fn film(handler: [u8; 4]) -> Vec<u8> {
    let track = boxed(*b"hdlr", &[&[0; 8], &handler, &[0; 12]]);
    let words = boxed(*b"udta", &[&boxed(*b"\xa9xyz", &[b"+47.37+008.54 the secret place"])]);
    let track = boxed(*b"trak", &[&boxed(*b"mdia", &[&track]), &words]);
    let movie = boxed(*b"moov", &[&boxed(*b"mvhd", &[&[0; 100]]), &track, &words]);
    [boxed(*b"ftyp", &[b"mp42\0\0\0\0"]), boxed(*b"mdat", &[b"pictures that move"]), movie].concat()
}

#[test]
fn the_film_of_a_motion_photo_is_handed_on_without_its_words() {
    let film_bytes = film(*b"vide");
    for behind in [vec![], vec![(GAIN_MAP, further(Some(GAIN_MAP_XMP), true))]] {
        // Phones put words of their own between and behind.
        let file = original(&behind, &[b"\0\0\x0a0secret", &film_bytes[..], b"SEFHsecret"].concat());
        let out = copied(&file, KeepMetadata::Copyright);
        assert_eq!(left_out(&out), [""; 0]);
        let found = &out.bytes[out.bytes.len() - film_bytes.len()..];
        assert!(found.starts_with(&film_bytes[..16]) && holds(found, "pictures that move") && holds(found, "free"));
        assert!(!holds(&out.bytes, "secret"));
        let listed =
            format!("Item:Semantic=\"MotionPhoto\" Item:Mime=\"video/mp4\" Item:Length=\"{}\"", film_bytes.len());
        assert!(holds(&out.bytes, &listed) && holds(&out.bytes, "PresentationTimestampUs=\"1500000\""));
        assert_eq!(holds(&out.bytes, "GainMap"), !behind.is_empty());
        let out = copied(&file, KeepMetadata::None);
        assert!(left_out(&out) == ["the film of the motion photo"] && !holds(&out.bytes, "ftyp"));
    }
    let out = copied(&original(&[], &film(*b"camm")), KeepMetadata::Copyright);
    assert!(left_out(&out) == ["the film of the motion photo"] && !holds(&out.bytes, "ftyp"));
}
