//! Metadata: what is kept, stripped and set; copies.

use super::super::exif::{Directory, Exif, Field, tag};
use super::*;

const XMP: &[u8] = br#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator><rdf:Seq><rdf:li>Eve</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>"#;
const MAKE: u16 = 0x010f;
const BODY_SERIAL: u16 = 0xa431;
const OWNER: u16 = 0xa430;
const TAKEN: u16 = 0x9003;
const MAKER_NOTE: u16 = 0x927c;

fn full_exif() -> Exif {
    let mut exif = Exif::default();
    exif.set(Field::text(Directory::Main, MAKE, "Camera"));
    exif.set(Field::text(Directory::Main, tag::ARTIST, "Ada"));
    exif.set(Field::text(Directory::Main, tag::COPYRIGHT, "(c) Ada"));
    exif.set(Field::short(Directory::Main, tag::ORIENTATION, 6));
    exif.set(Field::rational(Directory::Main, tag::X_RESOLUTION, (72, 1)));
    exif.set(Field::text(Directory::Exif, TAKEN, "2025:01:02 03:04:05"));
    exif.set(Field::text(Directory::Main, 0x0132, "2025:01:03 00:00:00"));
    exif.set(Field::text(Directory::Exif, 0x9004, "2025:01:02 03:04:06"));
    exif.set(Field::text(Directory::Exif, 0x9010, "Ada's zone"));
    exif.set(Field::text(Directory::Exif, 0x9011, "+02:00"));
    exif.set(Field::text(Directory::Exif, 0x9291, "250"));
    exif.set(Field::text(Directory::Exif, BODY_SERIAL, "12345"));
    exif.set(Field::text(Directory::Exif, OWNER, "Ada herself"));
    exif.set(Field { directory: Directory::Exif, tag: MAKER_NOTE, kind: 7, bytes: vec![1; 300] });
    exif.set(Field::text(Directory::Gps, 1, "N"));
    exif
}

fn original() -> Vec<u8> {
    let jpeg = with_exif(&jpeg_of(40, 30, &picture(40, 30)), &full_exif());
    with_segments(&jpeg, |out| {
        segment::push(out, 0xe1, &[segment::XMP_PREFIX, XMP]);
        segment::push(out, 0xed, &[b"Photoshop 3.0\0 somewhere"]);
        segment::push(out, 0xfe, &[b"a comment"]);
    })
}

fn facts(file: &[u8]) -> Facts {
    header::read(Cursor::new(file)).unwrap()
}

fn rendered(metadata: &MetadataSpec, encoding: Encoding) -> Facts {
    let mut spec = spec((30, 40), (30, 40));
    (spec.metadata, spec.encoding) = (metadata.clone(), encoding);
    let out = render_one(&original(), &spec).unwrap();
    verify(&out.bytes, &spec, VerifyDepth::Full).unwrap();
    facts(&out.bytes)
}

fn has(facts: &Facts, directory: Directory, tag: u16) -> bool {
    facts.exif.get(directory, tag).is_some()
}

#[test]
fn policies_keep_what_they_say() {
    for encoding in [JPEG, PNG, TIFF, WEBP] {
        let all = rendered(&plain_metadata(KeepMetadata::All), encoding.clone());
        for (directory, tag) in [
            (Directory::Main, MAKE),
            (Directory::Main, tag::ARTIST),
            (Directory::Exif, TAKEN),
            (Directory::Exif, BODY_SERIAL),
            (Directory::Gps, 1),
        ] {
            assert!(has(&all, directory, tag), "{encoding:?} {tag:x}");
        }
        assert_eq!(all.xmp.as_deref(), Some(XMP));
        assert!(!has(&all, Directory::Exif, MAKER_NOTE) && !has(&all, Directory::Main, tag::ORIENTATION));

        let copyright = rendered(&plain_metadata(KeepMetadata::Copyright), encoding.clone());
        assert!(has(&copyright, Directory::Main, tag::ARTIST) && has(&copyright, Directory::Main, tag::COPYRIGHT));
        assert!(!has(&copyright, Directory::Main, MAKE) && !has(&copyright, Directory::Gps, 1));
        assert_eq!(copyright.xmp, None);
        let dates = [
            (Directory::Main, 0x0132),
            (Directory::Exif, TAKEN),
            (Directory::Exif, 0x9004),
            (Directory::Exif, 0x9011),
            (Directory::Exif, 0x9291),
        ];
        for (directory, tag) in dates {
            assert_eq!(copyright.exif.get(directory, tag), full_exif().get(directory, tag), "{encoding:?} {tag:x}");
        }
        assert!(!has(&copyright, Directory::Exif, 0x9010), "what is no zone is not taken for one");
        assert!(!has(&copyright, Directory::Exif, BODY_SERIAL) && !has(&copyright, Directory::Exif, OWNER));
        // Plans of 0.1.0 do not ask for them.
        let before =
            rendered(&MetadataSpec { keep_dates: false, ..plain_metadata(KeepMetadata::Copyright) }, encoding.clone());
        assert!(dates.iter().all(|(directory, tag)| !has(&before, *directory, *tag)), "{encoding:?}");

        let none = rendered(&plain_metadata(KeepMetadata::None), encoding.clone());
        assert!(!has(&none, Directory::Exif, TAKEN));
        for tag in [tag::ARTIST, tag::COPYRIGHT, MAKE, tag::DESCRIPTION, 0x0132] {
            assert!(!has(&none, Directory::Main, tag), "{encoding:?} {tag:x}");
        }
        assert_eq!(none.xmp, None);
    }
}

#[test]
fn what_is_stripped_is_gone_from_the_bytes() {
    let mut metadata = plain_metadata(KeepMetadata::All);
    (metadata.strip_location, metadata.strip_people, metadata.strip_serials) = (true, true, true);
    let stripped = rendered(&metadata, JPEG);
    assert!(has(&stripped, Directory::Main, MAKE) && has(&stripped, Directory::Exif, TAKEN));
    assert!(!stripped.exif.fields.iter().any(|f| f.directory == Directory::Gps));
    assert!(!has(&stripped, Directory::Exif, BODY_SERIAL) && !has(&stripped, Directory::Exif, OWNER));
    // XMP that tells of none of it is kept.
    assert_eq!(stripped.xmp.as_deref(), Some(XMP));
}

#[test]
fn texts_are_set_and_fall_back() {
    let mut metadata = plain_metadata(KeepMetadata::Copyright);
    metadata.fallback_artist = Some("The Studio".to_owned());
    let text = |facts: &Facts, tag| facts.exif.get(Directory::Main, tag).and_then(Field::as_text);
    assert_eq!(text(&rendered(&metadata, JPEG), tag::ARTIST).as_deref(), Some("Ada"));
    metadata.set_artist = Some("Somebody Else".to_owned());
    metadata.set_caption = Some("Class 3b".to_owned());
    metadata.set_keywords = Some("school, spring".to_owned());
    for keep in [KeepMetadata::All, KeepMetadata::Copyright, KeepMetadata::None] {
        metadata.keep = keep;
        for encoding in [JPEG, PNG, TIFF, WEBP] {
            let found = rendered(&metadata, encoding);
            assert_eq!(text(&found, tag::ARTIST).as_deref(), Some("Somebody Else"));
            assert_eq!(text(&found, tag::DESCRIPTION).as_deref(), Some("Class 3b"));
            let block = found.xmp.unwrap();
            let packet = xmp::Packet::read(&block).unwrap();
            assert_eq!(packet.text(xmp::CREATOR).as_deref(), Some("Somebody Else"));
            assert_eq!(packet.values(xmp::SUBJECT), ["school", "spring"]);
        }
    }
    // A picture whose only author stands in its XMP has an author; one without any gets the studio's.
    let jpeg = jpeg_of(40, 30, &picture(40, 30));
    let by_eve = with_segments(&jpeg, |out| segment::push(out, 0xe1, &[segment::XMP_PREFIX, XMP]));
    let mut spec = spec((40, 30), (40, 30));
    spec.metadata = plain_metadata(KeepMetadata::Copyright);
    spec.metadata.fallback_artist = Some("The Studio".to_owned());
    for (file, expected) in [(by_eve, Some("Eve")), (jpeg.clone(), Some("The Studio"))] {
        let out = facts(&render_one(&file, &spec).unwrap().bytes);
        assert_eq!(text(&out, tag::ARTIST).as_deref(), expected);
    }
    spec.metadata.keep = KeepMetadata::None;
    assert_eq!(text(&facts(&render_one(&jpeg, &spec).unwrap().bytes), tag::ARTIST), None);
}

#[test]
fn the_words_of_the_source_stay_in_its_own_letters_and_parts() {
    let field = |tag, bytes: &[u8]| Field { directory: Directory::Main, tag, kind: exif::ASCII, bytes: bytes.to_vec() };
    let artist = field(tag::ARTIST, b"M\xfcller\0");
    let jpeg = jpeg_of(40, 30, &picture(40, 30));
    for copyright in [&b"Photographer Ada\0Editor Ed\0"[..], b" \0Editor Ed\0"] {
        let copyright = field(tag::COPYRIGHT, copyright);
        let mut exif = Exif::default();
        exif.set(artist.clone());
        exif.set(copyright.clone());
        let file = with_exif(&jpeg, &exif);
        for keep in [KeepMetadata::Copyright, KeepMetadata::All] {
            for encoding in [JPEG, PNG, TIFF, WEBP, Encoding::Copy] {
                let mut spec = spec((40, 30), (40, 30));
                (spec.metadata, spec.encoding) = (plain_metadata(keep), encoding.clone());
                spec.metadata.fallback_artist = Some("The Studio".to_owned());
                spec.metadata.fallback_copyright = Some("(c) The Studio".to_owned());
                let found = facts(&render_one(&file, &spec).unwrap().bytes);
                for expected in [&artist, &copyright] {
                    assert_eq!(found.exif.get(Directory::Main, expected.tag), Some(expected), "{encoding:?}");
                }
            }
        }
    }
    assert_eq!(artist.as_text().as_deref(), Some("Müller"));
}

fn copied(file: &[u8], frame: (u32, u32), metadata: MetadataSpec) -> Result<Rendered, RenderError> {
    let spec = OutputSpec { encoding: Encoding::Copy, metadata, ..spec(frame, frame) };
    let out = render_one(file, &spec)?;
    verify(&out.bytes, &spec, VerifyDepth::Full).unwrap();
    Ok(out)
}

#[test]
fn a_copy_is_the_original_when_nothing_is_to_be_done() {
    let file = original();
    assert_eq!(copied(&file, (30, 40), plain_metadata(KeepMetadata::All)).unwrap().bytes, file);
}

#[test]
fn a_copy_has_the_same_pixels_and_other_words() {
    let file = [&original()[..], b"a trailer of the camera"].concat();
    let mut metadata = plain_metadata(KeepMetadata::None);
    metadata.set_copyright = Some("(c) Studio".to_owned());
    let out = copied(&file, (30, 40), metadata).unwrap().bytes;
    assert_eq!(pixels(&out), pixels(&file));
    let found = facts(&out);
    // It still stands upright, because its orientation is how its pixels are to be shown.
    assert_eq!(found.header.orientation.exif(), 6);
    assert!(has(&found, Directory::Main, tag::COPYRIGHT) && !has(&found, Directory::Main, MAKE));
    for word in [&b"Camera"[..], b"12345", b"somewhere", b"comment", b"trailer", b"Eve"] {
        assert!(!out.windows(word.len()).any(|w| w == word), "{}", String::from_utf8_lossy(word));
    }
}

#[test]
fn a_copy_of_a_png_has_the_same_pixels_and_other_words() {
    let rgb = picture(40, 30);
    let png = rgb_png(40, 30, &rgb);
    let mut file = png[..33].to_vec();
    chunk::push_png(&mut file, *b"tEXt", &[b"Author\0Eve"]);
    chunk::push_png(&mut file, *b"eXIf", &[&full_exif().write()]);
    file.extend(&png[33..]);
    let mut metadata = plain_metadata(KeepMetadata::Copyright);
    metadata.set_artist = Some("Studio".to_owned());
    let out = copied(&file, (30, 40), metadata.clone()).unwrap().bytes;
    assert_eq!(pixels(&out), pixels(&file));
    let found = facts(&out);
    assert!(has(&found, Directory::Main, tag::ARTIST) && !has(&found, Directory::Gps, 1));
    assert!(!out.windows(3).any(|w| w == b"Eve"));
    // And of the other formats, with and without anything to do.
    for encoding in [TIFF, WEBP] {
        let plain = OutputSpec { encoding: encoding.clone(), ..spec((40, 30), (40, 30)) };
        let file = render_one(&png, &plain).unwrap().bytes;
        assert_eq!(copied(&file, (40, 30), plain_metadata(KeepMetadata::All)).unwrap().bytes, file);
        let out = copied(&file, (40, 30), metadata.clone()).unwrap().bytes;
        assert_eq!(pixels(&out), pixels(&file));
        let (before, after) = (facts(&file), facts(&out));
        assert_eq!((after.icc, after.header), (before.icc, before.header));
        let artist = after.exif.get(Directory::Main, tag::ARTIST).and_then(Field::as_text);
        assert_eq!(artist.as_deref(), Some("Studio"), "{encoding:?}");
        assert_eq!(
            after.exif.get(Directory::Main, tag::X_RESOLUTION),
            before.exif.get(Directory::Main, tag::X_RESOLUTION)
        );
        // And what was said once is gone when nothing is kept.
        let out = copied(&out, (40, 30), plain_metadata(KeepMetadata::None)).unwrap().bytes;
        assert!(!out.windows(6).any(|w| w == b"Studio"), "{encoding:?}");
    }
}

#[test]
fn a_copy_holds_nothing_but_the_picture_and_its_words() {
    // A list of pictures, a thumbnail of JFIF, more XMP, a second picture behind the first.
    let file = with_segments(&original(), |out| {
        segment::push(out, 0xe2, &[b"MPF\0hidden 2"]);
        segment::push(out, 0xe0, &[b"JFXX\0hidden 3"]);
        segment::push(out, 0xe1, &[b"http://ns.adobe.com/xmp/extension/\0hidden 4"]);
    });
    let file = [&file[..], &jpeg_of(8, 8, &[0; 192])].concat();
    let mut metadata = plain_metadata(KeepMetadata::All);
    metadata.strip_location = true;
    let out = copied(&file, (30, 40), metadata).unwrap().bytes;
    assert!(!out.windows(6).any(|w| w == b"hidden"));
    assert_eq!(out.windows(2).filter(|w| *w == [0xff, 0xd8]).count(), 1);
    assert!(!has(&facts(&out), Directory::Gps, 1) && has(&facts(&out), Directory::Main, MAKE));
}

#[test]
fn xmp_that_a_jpeg_cannot_hold_is_missed() {
    let padded = [XMP, " ".repeat(70_000).as_bytes()].concat();
    let long = String::from_utf8_lossy(XMP).replace("Eve", &"Eve ".repeat(20_000)).into_bytes();
    let png = rgb_png(40, 30, &picture(40, 30));
    for (block, is_long) in [(padded, false), (long, true)] {
        let mut file = png[..33].to_vec();
        chunk::push_png(&mut file, *b"iTXt", &[chunk::XMP_KEYWORD, &block]);
        file.extend(&png[33..]);
        for (encoding, is_jpeg) in [(JPEG, true), (PNG, false), (TIFF, false), (WEBP, false)] {
            let mut spec = spec((40, 30), (40, 30));
            (spec.metadata, spec.encoding) = (plain_metadata(KeepMetadata::All), encoding);
            let out = render_one(&file, &spec).unwrap();
            verify(&out.bytes, &spec, VerifyDepth::Full).unwrap();
            let kept = !(is_long && is_jpeg);
            assert_eq!((facts(&out.bytes).xmp.is_some(), out.warnings.is_empty()), (kept, kept));
        }
    }
}

#[test]
fn a_block_that_is_too_large_for_a_segment_is_thinned() {
    let mut exif = full_exif();
    let bytes = vec![b'x'; 62_000];
    exif.set(Field { directory: Directory::Exif, tag: 0x9286, kind: 7, bytes });
    let file = with_exif(&jpeg_of(40, 30, &picture(40, 30)), &exif);
    let mut spec = spec((30, 40), (30, 40));
    (spec.encoding, spec.metadata) = (JPEG, plain_metadata(KeepMetadata::All));
    spec.metadata.set_caption = Some("y".repeat(4_000));
    let out = render_one(&file, &spec).unwrap();
    verify(&out.bytes, &spec, VerifyDepth::Full).unwrap();
    assert!(has(&facts(&out.bytes), Directory::Main, tag::ARTIST));
}
