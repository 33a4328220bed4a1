//! What an original says of itself in XMP, IPTC's older blocks and text chunks, and what of it goes on.

use super::super::exif::{Directory, Exif, Field, tag};
use super::super::xmp::{self, Packet, Property, Shape};
use super::*;

const HEADLINE: Property =
    Property { space: "http://ns.adobe.com/photoshop/1.0/", local: "Headline", shape: Shape::Text };
const RATING: Property = Property { space: "http://ns.adobe.com/xap/1.0/", local: "Rating", shape: Shape::Text };
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const AUTHOR: &str = "Jörg Müller";
const OWNER: &str = "© Jörg Müller";

fn packet(attributes: &str, body: &str) -> Vec<u8> {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='{RDF}'><rdf:Description rdf:about='' \
         xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:xmp='http://ns.adobe.com/xap/1.0/' \
         xmlns:tiff='http://ns.adobe.com/tiff/1.0/' xmlns:aux='http://ns.adobe.com/exif/1.0/aux/' \
         xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' {attributes}>{body}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    .into_bytes()
}

/// Author and copyright as Dublin Core, under a prefix of its own.
fn rights() -> Vec<u8> {
    packet(
        "xmlns:d='http://purl.org/dc/elements/1.1/'",
        &format!(
            "<d:creator><rdf:Seq><rdf:li>{AUTHOR}</rdf:li></rdf:Seq></d:creator><d:rights><rdf:Alt>\
             <rdf:li xml:lang='de-DE'>de</rdf:li><rdf:li xml:lang='x-default'>{OWNER}</rdf:li></rdf:Alt></d:rights>"
        ),
    )
}

fn dataset(number: u8, value: &[u8]) -> Vec<u8> {
    [&[0x1c, 2, number][..], &(value.len() as u16).to_be_bytes(), value].concat()
}

fn iim(encoded: impl Fn(&str) -> Vec<u8>) -> Vec<u8> {
    let of = |(number, text): &(u8, &str)| dataset(*number, &encoded(text));
    let words = [
        (80, AUTHOR),
        (116, OWNER),
        (120, "Am See"),
        (25, "Hochzeit"),
        (25, "Zürich"),
        (5, "Kuss"),
        (105, "Ein Tag"),
        (90, "Bern"),
        (55, "20260620"),
        (60, "140102+0200"),
    ];
    words.iter().flat_map(of).collect()
}

fn utf8(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| c as u8).collect()
}

/// Image resources of Photoshop: one of another kind with a name, then the block.
fn resources(iim: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| (bytes.len() as u32).to_be_bytes();
    let other = [b"8BIM\x03\xed\x03abc", &length(b"odd")[..], b"odd\0"].concat();
    [&other[..], b"8BIM\x04\x04\0\0", &length(iim), iim].concat()
}

fn jpeg(add: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    with_segments(&jpeg_of(40, 30, &picture(40, 30)), add)
}

fn jpeg_with_xmp(block: &[u8]) -> Vec<u8> {
    jpeg(|out| segment::push(out, 0xe1, &[segment::XMP_PREFIX, block]))
}

fn png(chunks: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let plain = rgb_png(40, 30, &picture(40, 30));
    let mut file = plain[..33].to_vec();
    for (kind, data) in chunks {
        chunk::push_png(&mut file, *kind, &[data]);
    }
    file.extend(&plain[33..]);
    file
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A block as older programs wrote it into text chunks.
fn hexadecimal(name: &str, block: &[u8]) -> Vec<u8> {
    let digits: Vec<String> = block.iter().map(|b| format!("{b:02x}")).collect();
    let lines: Vec<String> = digits.chunks(36).map(<[String]>::concat).collect();
    format!("\n{name}\n{:8}\n{}\n", block.len(), lines.join("\n")).into_bytes()
}

fn tiff_with(tag: u16, bytes: &[u8]) -> Vec<u8> {
    use ::tiff::encoder::{TiffEncoder, colortype};
    let mut out = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut out).unwrap();
    let mut image = encoder.new_image::<colortype::RGB8>(40, 30).unwrap();
    image.encoder().write_tag(::tiff::tags::Tag::Unknown(tag), bytes).unwrap();
    image.write_data(&picture(40, 30)).unwrap();
    out.into_inner()
}

fn exif_of(fields: &[Field]) -> Vec<u8> {
    let mut exif = Exif::default();
    for field in fields {
        exif.set(field.clone());
    }
    exif.write()
}

fn rendered(file: &[u8], metadata: &MetadataSpec, encoding: Encoding) -> (Rendered, Facts) {
    let spec = OutputSpec { encoding, metadata: metadata.clone(), ..spec((40, 30), (40, 30)) };
    let out = render_one(file, &spec).unwrap();
    verify(&out.bytes, &spec, VerifyDepth::Full).unwrap();
    let facts = header::read(Cursor::new(&out.bytes[..])).unwrap();
    (out, facts)
}

fn with_studio(keep: KeepMetadata) -> MetadataSpec {
    let mut metadata = plain_metadata(keep);
    (metadata.strip_location, metadata.strip_people, metadata.strip_serials) = (true, true, true);
    metadata.fallback_artist = Some("The Studio".to_owned());
    metadata.fallback_copyright = Some("(c) The Studio".to_owned());
    metadata
}

fn read(facts: &Facts) -> Packet {
    Packet::read(facts.xmp.as_deref().unwrap()).unwrap()
}

#[test]
fn a_photographer_keeps_what_is_his_wherever_it_stands() {
    let text = |keyword: &str, text: &str| (*b"iTXt", [keyword.as_bytes(), b"\0\0\0\0\0", text.as_bytes()].concat());
    let xmp_chunk = [b"XML:com.adobe.xmp\0\x01\0\0\0", &packed(&rights())[..]].concat();
    let raw = |name: &str, block: &[u8]| {
        let head = [b"Raw profile type ", name.as_bytes(), b"\0\0"].concat();
        (*b"zTXt", [head, packed(&hexadecimal(name, block))].concat())
    };
    let exif = exif_of(&[
        Field::text(Directory::Main, tag::ARTIST, AUTHOR),
        Field::text(Directory::Main, tag::COPYRIGHT, OWNER),
    ]);
    let (block, old) = (resources(&iim(utf8)), resources(&iim(latin1)));
    let (half, rest) = block.split_at(block.len() / 2);
    let originals = [
        ("XMP", jpeg_with_xmp(&rights())),
        ("IIM, UTF-8", jpeg(|out| segment::push(out, 0xed, &[b"Photoshop 3.0\0", &block]))),
        (
            "IIM in two segments",
            jpeg(|out| {
                segment::push(out, 0xed, &[b"Photoshop 3.0\0", half]);
                segment::push(out, 0xed, &[b"Photoshop 3.0\0", rest]);
            }),
        ),
        ("IIM, Latin-1", jpeg(|out| segment::push(out, 0xed, &[b"Photoshop 3.0\0", &old]))),
        ("IIM in TIFF", tiff_with(33723, &iim(utf8))),
        ("resources in TIFF", tiff_with(34377, &block)),
        ("XMP in TIFF", tiff_with(700, &rights())),
        ("text", png(&[(*b"tEXt", [b"Author\0", &latin1(AUTHOR)[..]].concat()), text("Copyright", OWNER)])),
        (
            "packed text",
            png(&[
                (*b"zTXt", [b"Author\0\0", &packed(&latin1(AUTHOR))[..]].concat()),
                (*b"iTXt", [b"Copyright\0\x01\0en\0c\0", &packed(OWNER.as_bytes())[..]].concat()),
            ]),
        ),
        ("packed XMP", png(&[(*b"iTXt", xmp_chunk)])),
        ("old EXIF", png(&[raw("APP1", &[segment::EXIF_PREFIX, &exif].concat())])),
        ("old XMP", png(&[raw("xmp", &rights())])),
        ("old IPTC", png(&[raw("iptc", &block)])),
    ];
    for (name, file) in originals {
        for keep in [KeepMetadata::All, KeepMetadata::Copyright] {
            for encoding in [JPEG, TIFF, Encoding::Copy] {
                let (out, found) = rendered(&file, &with_studio(keep), encoding);
                let text = |tag| found.exif.get(Directory::Main, tag).and_then(Field::as_text);
                assert_eq!(text(tag::ARTIST).as_deref(), Some(AUTHOR), "{name} {keep:?}");
                assert_eq!(text(tag::COPYRIGHT).as_deref(), Some(OWNER), "{name} {keep:?}");
                assert!(!out.bytes.windows(10).any(|w| w == b"The Studio"), "{name} {keep:?}");
                assert_eq!(out.warnings, [], "{name}");
            }
        }
        let (_, none) = rendered(&file, &with_studio(KeepMetadata::None), JPEG);
        assert_eq!((none.exif.get(Directory::Main, tag::ARTIST), &none.xmp), (None, &None), "{name}");
    }
}

#[test]
fn words_stay_where_something_is_stripped_or_filled_in() {
    let alt = |name: &str, text: &str| {
        format!("<dc:{name}><rdf:Alt><rdf:li xml:lang='x-default'>{text}</rdf:li></rdf:Alt></dc:{name}>")
    };
    let body = [
        alt("description", "Am See"),
        alt("title", "Kuss"),
        "<dc:subject><rdf:Bag><rdf:li>Hochzeit</rdf:li><rdf:li>Zürich</rdf:li></rdf:Bag></dc:subject>".to_owned(),
    ]
    .concat();
    for going in [
        "aux:SerialNumber='secret'",
        "photoshop:City='secret'",
        "tiff:XResolution='72/1' tiff:Orientation='8'",
        "xmlns:crs='http://ns.adobe.com/camera-raw-settings/1.0/' crs:HasSettings='True'",
        "",
    ] {
        let block = packet(&format!("xmp:Rating='4' photoshop:Headline='Ein Tag' {going}"), &body);
        let texts = [b"XML:com.adobe.xmp\0\0\0\0\0", &block[..]].concat();
        for file in [jpeg_with_xmp(&block), png(&[(*b"iTXt", texts)]), tiff_with(700, &block)] {
            for encoding in [JPEG, PNG, TIFF, WEBP] {
                let (out, facts) = rendered(&file, &with_studio(KeepMetadata::All), encoding);
                let found = read(&facts);
                assert_eq!(found.text(xmp::DESCRIPTION).as_deref(), Some("Am See"), "{going}");
                assert_eq!(found.text(xmp::TITLE).as_deref(), Some("Kuss"));
                assert_eq!(found.values(xmp::SUBJECT), ["Hochzeit", "Zürich"]);
                assert_eq!(found.text(RATING).as_deref(), Some("4"));
                assert_eq!(found.text(HEADLINE).as_deref(), Some("Ein Tag"));
                assert_eq!(found.text(xmp::RIGHTS).as_deref(), Some("(c) The Studio"), "where there is none");
                let block = String::from_utf8(facts.xmp.unwrap()).unwrap();
                assert!(!block.contains("secret") && !block.contains("Resolution") && !block.contains("HasSettings"));
                assert_eq!(out.warnings, []);
            }
        }
    }
}

#[test]
fn the_words_of_older_blocks_go_on_as_xmp() {
    let date = Property { local: "DateCreated", ..HEADLINE };
    let city = Property { local: "City", ..HEADLINE };
    let file = jpeg(|out| {
        segment::push(out, 0xe1, &[segment::XMP_PREFIX, &packet("photoshop:Headline='Newer'", "")]);
        segment::push(out, 0xed, &[b"Photoshop 3.0\0", &resources(&iim(utf8))]);
    });
    for encoding in [JPEG, Encoding::Copy] {
        let found = read(&rendered(&file, &with_studio(KeepMetadata::All), encoding.clone()).1);
        assert_eq!(found.text(xmp::TITLE).as_deref(), Some("Kuss"));
        assert_eq!(found.text(xmp::DESCRIPTION).as_deref(), Some("Am See"));
        assert_eq!(found.values(xmp::SUBJECT), ["Hochzeit", "Zürich"]);
        assert_eq!(found.text(HEADLINE).as_deref(), Some("Newer"), "XMP counts first");
        assert_eq!(found.text(date).as_deref(), Some("2026-06-20T14:01:02+02:00"));
        assert_eq!(found.text(city), None, "a place");
        let mut metadata = plain_metadata(KeepMetadata::All);
        metadata.set_keywords = Some("school".to_owned());
        let found = read(&rendered(&file, &metadata, encoding).1);
        assert_eq!(found.text(city).as_deref(), Some("Bern"));
        assert_eq!(found.values(xmp::SUBJECT), ["school"]);
    }
    // Broken blocks give what stands before the break.
    let whole = resources(&iim(utf8));
    for cut in 0..whole.len() {
        super::super::iim::read(&whole[..cut]);
    }
}

#[test]
fn a_packet_in_two_parts_is_one() {
    let rest = packet("", "<dc:subject><rdf:Bag><rdf:li>Hochzeit</rdf:li></rdf:Bag></dc:subject>");
    let digest = [b'A'; 32];
    let file = jpeg(|out| {
        let main = packet("xmlns:n='http://ns.adobe.com/xmp/note/' n:HasExtendedXMP='A' xmp:Rating='4'", "");
        segment::push(out, 0xe1, &[segment::XMP_PREFIX, &main]);
        let length = (rest.len() as u32).to_be_bytes();
        for (from, to) in [(100, rest.len()), (0, 100)] {
            let prefix = b"http://ns.adobe.com/xmp/extension/\0";
            segment::push(out, 0xe1, &[prefix, &digest, &length, &(from as u32).to_be_bytes(), &rest[from..to]]);
        }
    });
    let (out, facts) = rendered(&file, &with_studio(KeepMetadata::All), JPEG);
    let found = read(&facts);
    assert_eq!((found.values(xmp::SUBJECT), found.text(RATING)), (vec!["Hochzeit".to_owned()], Some("4".to_owned())));
    assert!(out.warnings.is_empty() && !out.bytes.windows(14).any(|w| w == b"HasExtendedXMP"));
}

#[test]
fn a_packet_that_cannot_be_read_is_left_out_with_a_warning() {
    for block in [&b"<x:xmpmeta><not:closed>"[..], b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"\xff\xff"] {
        for encoding in [JPEG, Encoding::Copy] {
            let (out, facts) = rendered(&jpeg_with_xmp(block), &with_studio(KeepMetadata::All), encoding);
            assert!(matches!(out.warnings[..], [RenderWarning::XmpDropped(_)]), "{:?}", out.warnings);
            assert_eq!(read(&facts).text(xmp::CREATOR).as_deref(), Some("The Studio"));
        }
    }
}

#[test]
fn older_forms_of_exif_in_a_png_turn_it() {
    let exif = exif_of(&[Field::short(Directory::Main, tag::ORIENTATION, 6)]);
    let prefixed = [segment::EXIF_PREFIX, &exif].concat();
    let mut forms = vec![vec![(*b"eXIf", prefixed.clone())]];
    for (name, block) in [("exif", &prefixed), ("exif", &exif), ("APP1", &prefixed)] {
        let text = hexadecimal(&name.to_ascii_lowercase(), block);
        let head = [b"Raw profile type ", name.as_bytes(), b"\0"].concat();
        forms.push(vec![(*b"tEXt", [&head[..], &text].concat())]);
        forms.push(vec![(*b"zTXt", [&head[..], b"\0", &packed(&text)].concat())]);
        forms.push(vec![(*b"iTXt", [&head[..], b"\x01\0\0\0", &packed(&text)].concat())]);
    }
    for form in forms {
        let file = png(&form);
        let facts = header::read(Cursor::new(&file[..])).unwrap();
        assert_eq!((facts.header.orientation.exif(), &facts.warnings[..]), (6, &[][..]), "{:?}", form[0].0);
        let spec = OutputSpec { encoding: PNG, ..spec((30, 40), (30, 40)) };
        render_one(&file, &spec).unwrap();
        // The chunk of the standard counts first.
        let upright = exif_of(&[Field::short(Directory::Main, tag::ORIENTATION, 1)]);
        if &form[0].0 != b"eXIf" {
            let both = png(&[form[0].clone(), (*b"eXIf", upright)]);
            assert_eq!(header::read(Cursor::new(&both[..])).unwrap().header.orientation.exif(), 1);
        }
    }
    // What unpacks to more than the limit is not unpacked.
    let bomb = packed(&vec![b'0'; crate::model::limits::METADATA_MAX_BYTES * 2]);
    let file = png(&[(*b"zTXt", [b"Raw profile type exif\0\0", &bomb[..]].concat())]);
    assert!(header::read(Cursor::new(&file[..])).unwrap().exif.fields.is_empty());
}
