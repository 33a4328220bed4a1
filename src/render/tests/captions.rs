//! Captions, keywords and authors, wherever a picture says them.

use super::super::exif::{Directory, Exif, Field, tag};
use super::super::xmp::{self, Packet};
use super::*;
use std::io::Write as _;

const HEAD: &str = r#"<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:d="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/""#;
const TAIL: &str = "</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>";
const SUBJECT: &str = "<d:subject><rdf:Bag><rdf:li>Wedding</rdf:li><rdf:li>Z\u{fc}rich</rdf:li></rdf:Bag></d:subject>\
    <lr:hierarchicalSubject><rdf:Bag><rdf:li>Wedding|Church</rdf:li></rdf:Bag></lr:hierarchicalSubject>\
    <d:title><rdf:Alt><rdf:li xml:lang='x-default'>Kiss &amp; rings</rdf:li></rdf:Alt></d:title>";
const RIGHTS: &str = "<d:rights><rdf:Alt><rdf:li xml:lang='de'>(c) Eva</rdf:li>\
    <rdf:li xml:lang='x-default'>(c) Eve</rdf:li></rdf:Alt></d:rights>\
    <d:creator><rdf:Seq><rdf:li>Eve</rdf:li></rdf:Seq></d:creator>";

fn packet(attributes: &str, body: &str) -> Vec<u8> {
    format!("{HEAD} {attributes}>{body}{TAIL}").into_bytes()
}

fn plain_jpeg() -> Vec<u8> {
    jpeg_of(40, 30, &picture(40, 30))
}

fn with_xmp(block: &[u8]) -> Vec<u8> {
    with_segments(&plain_jpeg(), |out| segment::push(out, 0xe1, &[segment::XMP_PREFIX, block]))
}

fn iim(number: u8, value: &[u8]) -> Vec<u8> {
    [
        &[0x1c, if number == 90 && value.starts_with(b"\x1b") { 1 } else { 2 }, number][..],
        &(value.len() as u16).to_be_bytes(),
        value,
    ]
    .concat()
}

fn resources(iim: &[u8]) -> Vec<u8> {
    let other = b"8BIM\x03\xed\x03abc\0\0\0\x01x\0";
    [b"Photoshop 3.0\0", &other[..], b"8BIM\x04\x04\0\0", &(iim.len() as u32).to_be_bytes(), iim].concat()
}

fn with_chunks(chunks: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let png = rgb_png(40, 30, &picture(40, 30));
    let mut file = png[..33].to_vec();
    for (kind, data) in chunks {
        chunk::push_png(&mut file, *kind, &[data]);
    }
    file.extend(&png[33..]);
    file
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn raw_profile(name: &str, block: &[u8]) -> Vec<u8> {
    let digits: Vec<String> = block.chunks(36).map(|l| l.iter().map(|b| format!("{b:02x}")).collect()).collect();
    format!("\n{name}\n{:8}\n{}\n", block.len(), digits.join("\n")).into_bytes()
}

/// As a studio with a name has it.
fn of_studio(keep: KeepMetadata, strip: bool) -> MetadataSpec {
    MetadataSpec {
        strip_location: strip,
        strip_people: strip,
        strip_serials: strip,
        fallback_artist: Some("The Studio".to_owned()),
        fallback_copyright: Some("(c) The Studio".to_owned()),
        ..plain_metadata(keep)
    }
}

fn made(file: &[u8], metadata: MetadataSpec, encoding: Encoding) -> (Facts, Rendered) {
    let out = render_one(file, &OutputSpec { metadata, encoding, ..spec((40, 30), (40, 30)) }).unwrap();
    (header::read(Cursor::new(&out.bytes)).unwrap(), out)
}

fn holds(file: &[u8], word: &str) -> bool {
    file.windows(word.len()).any(|w| w == word.as_bytes())
}

#[test]
fn words_stay_when_something_beside_them_goes() {
    let attributes = [
        "aux:SerialNumber='S-12345' aux:LensID='230'",
        "photoshop:City='S-12345' photoshop:Credit='JM'",
        "exif:GPSLatitude='S-12345' tiff:XResolution='240/1'",
        "aux:OwnerName='S-12345'",
    ];
    for telling in attributes {
        let file = with_xmp(&packet(&format!("xmp:Rating='4' {telling}"), &[SUBJECT, RIGHTS].concat()));
        for encoding in [JPEG, PNG, TIFF, WEBP, Encoding::Copy] {
            let (facts, out) = made(&file, of_studio(KeepMetadata::All, true), encoding);
            assert_eq!(out.warnings, [], "{telling}");
            assert!(!holds(&out.bytes, "S-12345") && !holds(&out.bytes, "Studio"), "{telling}");
            let block = facts.xmp.unwrap();
            let read = Packet::read(&block).unwrap();
            assert_eq!(read.values(xmp::SUBJECT), ["Wedding", "Z\u{fc}rich"]);
            assert_eq!(read.text(xmp::TITLE).as_deref(), Some("Kiss & rings"));
            assert!(holds(&block, "Wedding|Church") && holds(&block, "Rating"));
            assert_eq!(holds(&block, "230"), telling.contains("230"), "the model of a lens is no serial number");
        }
    }
}

#[test]
fn the_studio_is_written_into_the_block_that_is_there() {
    let file = with_xmp(&packet("xmp:Rating='4'", SUBJECT));
    let (facts, out) = made(&file, of_studio(KeepMetadata::All, true), JPEG);
    assert_eq!(out.warnings, []);
    let read = Packet::read(&facts.xmp.unwrap()).unwrap();
    assert_eq!(read.text(xmp::CREATOR).as_deref(), Some("The Studio"));
    assert_eq!(read.text(xmp::RIGHTS).as_deref(), Some("(c) The Studio"));
    assert_eq!(read.values(xmp::SUBJECT).len(), 2);
}

#[test]
fn nothing_is_said_of_the_pixels_before() {
    let attributes = "xmp:Rating='4' tiff:Make='Camera' tiff:Orientation='6' exif:PixelXDimension='9999' \
        crs:HasSettings='True' photoshop:ICCProfile='ProPhoto RGB'";
    let file = with_xmp(&packet(attributes, SUBJECT));
    let (facts, _) = made(&file, plain_metadata(KeepMetadata::All), JPEG);
    let block = facts.xmp.unwrap();
    for gone in ["Orientation", "PixelXDimension", "HasSettings", "ICCProfile"] {
        assert!(!holds(&block, gone), "{gone}");
    }
    assert!(holds(&block, "Camera") && holds(&block, "Rating") && holds(&block, "Wedding"));
}

#[test]
fn a_block_that_cannot_be_read_is_left_out_with_a_warning() {
    let deep = "<d:a>".repeat(200) + &"</d:a>".repeat(200);
    let many = "<d:a d:b=''/>".repeat(20_000);
    let entity = b"<!DOCTYPE x [<!ENTITY c 'Bern'>]><a>&c;</a>".to_vec();
    for block in [b"<x:xmpmeta><open>".to_vec(), b"\xff\xfe<a/>".to_vec(), entity, packet("", &deep)] {
        let (facts, out) = made(&with_xmp(&block), plain_metadata(KeepMetadata::All), JPEG);
        assert_eq!(facts.xmp, None);
        assert!(matches!(out.warnings[..], [RenderWarning::XmpDropped(_)]), "{:?}", out.warnings);
    }
    assert!(Packet::read(&packet("", &many)).is_err());
}

#[test]
fn an_author_counts_wherever_he_is_named() {
    let utf8 = [iim(90, b"\x1b%G"), iim(80, "J\u{f6}rg".as_bytes()), iim(116, "\u{a9} J\u{f6}rg".as_bytes())].concat();
    let latin = [iim(80, b"J\xf6rg"), iim(116, b"\xa9 J\xf6rg")].concat();
    let words = packet("", &RIGHTS.replace("Eve", "J\u{f6}rg").replace("(c)", "\u{a9}"));
    let app13 = |block: &[u8]| with_segments(&plain_jpeg(), |out| segment::push(out, 0xed, &[&resources(block)]));
    let chunk = |kind: &[u8; 4], parts: &[&[u8]]| (*kind, parts.concat());
    let files = [
        app13(&utf8),
        app13(&latin),
        with_xmp(&words),
        with_chunks(&[
            chunk(b"tEXt", &[b"Author\0J\xf6rg"]),
            chunk(b"iTXt", &[b"Copyright\0\x01\0\0\0", &packed("\u{a9} J\u{f6}rg".as_bytes())]),
        ]),
        with_chunks(&[
            chunk(b"zTXt", &[b"Author\0\0", &packed(b"J\xf6rg")]),
            chunk(b"iTXt", &[b"Copyright\0\0\0\0\0", "\u{a9} J\u{f6}rg".as_bytes()]),
        ]),
        with_chunks(&[chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\x01\0\0\0", &packed(&words)])]),
        with_chunks(&[chunk(
            b"zTXt",
            &[b"Raw profile type iptc\0\0", &packed(&raw_profile("iptc", &resources(&latin)[14..]))],
        )]),
        with_chunks(&[chunk(b"tEXt", &[b"Raw profile type xmp\0", &raw_profile("xmp", &words)])]),
    ];
    for (i, file) in files.iter().enumerate() {
        for keep in [KeepMetadata::Copyright, KeepMetadata::All] {
            for encoding in [JPEG, PNG, TIFF, WEBP, Encoding::Copy] {
                let (facts, out) = made(file, of_studio(keep, true), encoding.clone());
                let text = |tag| facts.exif.get(Directory::Main, tag).and_then(Field::as_text);
                let found = (text(tag::ARTIST), text(tag::COPYRIGHT));
                let expected = (Some("J\u{f6}rg".to_owned()), Some("\u{a9} J\u{f6}rg".to_owned()));
                assert_eq!(found, expected, "file {i} {keep:?} {encoding:?}");
                assert!(!holds(&out.bytes, "Studio"), "file {i} {keep:?} {encoding:?}");
            }
        }
    }
}

#[test]
fn words_of_the_iptc_go_on_as_xmp() {
    let block = [iim(25, b"Wedding"), iim(25, b"Bells"), iim(120, b"At the lake"), iim(90, b"S-12345")].concat();
    let file = with_segments(&plain_jpeg(), |out| segment::push(out, 0xed, &[&resources(&block)]));
    let (facts, out) = made(&file, of_studio(KeepMetadata::All, true), JPEG);
    let read = Packet::read(&facts.xmp.unwrap()).unwrap();
    assert_eq!(read.values(xmp::SUBJECT), ["Wedding", "Bells"]);
    assert_eq!(read.text(xmp::DESCRIPTION).as_deref(), Some("At the lake"));
    assert!(!holds(&out.bytes, "S-12345"));
    let (facts, _) = made(&file, plain_metadata(KeepMetadata::All), PNG);
    assert!(holds(&facts.xmp.unwrap(), "photoshop:City>S-12345"));
}

#[test]
fn exif_in_a_png_counts_in_its_older_forms() {
    let mut exif = Exif::default();
    exif.set(Field::short(Directory::Main, tag::ORIENTATION, 6));
    let block = [segment::EXIF_PREFIX, &exif.write()].concat();
    let digits = raw_profile("exif", &block);
    for (kind, data) in [
        (*b"eXIf", block.clone()),
        (*b"tEXt", [b"Raw profile type exif\0", &digits[..]].concat()),
        (*b"tEXt", [b"Raw profile type APP1\0", &digits[..]].concat()),
        (*b"zTXt", [b"Raw profile type exif\0\0", &packed(&digits)[..]].concat()),
        (*b"iTXt", [b"Raw profile type exif\0\x01\0\0\0", &packed(&digits)[..]].concat()),
    ] {
        let facts = header::read(Cursor::new(with_chunks(&[(kind, data)]))).unwrap();
        assert_eq!((facts.header.orientation.exif(), facts.warnings), (6, Vec::new()), "{kind:?}");
    }
    let bomb = packed(&vec![b' '; 20 * 1024 * 1024]);
    let facts = header::read(Cursor::new(with_chunks(&[(*b"zTXt", [b"Author\0\0", &bomb[..]].concat())]))).unwrap();
    assert_eq!(facts.words, []);
}

#[test]
fn people_and_places_go_out_of_the_keywords_and_nothing_else() {
    let body = "<d:subject><rdf:Bag><rdf:li>Wedding</rdf:li><rdf:li>Bob</rdf:li><rdf:li>Bern</rdf:li></rdf:Bag></d:subject>\
        <lr:hierarchicalSubject><rdf:Bag><rdf:li>People|Family|Bob</rdf:li><rdf:li>Places|Bern</rdf:li></rdf:Bag>\
        </lr:hierarchicalSubject><d:creator><rdf:Seq><rdf:li>Bob</rdf:li></rdf:Seq></d:creator>";
    let (facts, _) = made(&with_xmp(&packet("", body)), of_studio(KeepMetadata::All, true), JPEG);
    let block = facts.xmp.unwrap();
    let read = Packet::read(&block).unwrap();
    assert_eq!(read.values(xmp::SUBJECT), ["Wedding"]);
    assert_eq!(read.values(xmp::CREATOR), ["Bob"], "who took the picture is no keyword");
    assert!(!holds(&block, "hierarchicalSubject"));
}
