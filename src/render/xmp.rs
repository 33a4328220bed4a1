//! XMP blocks: looked into, and a small one of our own written.
//!
//! Invariant: a foreign block is kept whole or left out whole; nothing is cut out of it, because a block can say the
//! same thing in many ways and half a block is worse than none. Must not know: which fields a profile keeps.

use std::fmt::Write as _;

/// Names of properties, without their prefix, which every program may choose. A name that begins with one of these
/// counts: a false alarm only drops a block, and says so.
const LOCATION: [&str; 8] = ["GPS", "Location", "City", "State", "Country", "coverage", "Sublocation", "WorldRegion"];
const PEOPLE: [&str; 8] =
    ["PersonInImage", "Person", "People", "Region", "ImageRegion", "OwnerName", "CameraOwner", "Face"];
const SERIALS: [&str; 6] = ["SerialNumber", "BodySerial", "LensSerial", "CameraSerial", "LensID", "ImageUniqueID"];
/// What belongs to the file around the block: small copies of the picture, parts in other segments, places of films
/// and light maps behind the picture, offsets.
const TIED: [&str; 4] = ["Thumbnails", "HasExtendedXMP", "MakerNote", "DNGPrivateData"];
/// The same, by the namespace: cameras of phones.
const TIED_SPACES: [&str; 2] = ["ns.google.com/photos/1.0", "ns.apple.com/HDRGainMap"];
/// What no longer holds of a picture that was rendered.
const STALE: [&str; 2] = ["XResolution", "YResolution"];

/// Words that give people or places away in lists of keywords, where programs keep them as paths.
const PATHS_OF_PEOPLE: [&str; 3] = ["People|", "People/", "mwg-rs"];
const PATHS_OF_PLACES: [&str; 2] = ["Places|", "Places/"];

/// Whether an element or attribute has a name that begins so. Text between elements does not count.
fn names(text: &str, words: &[&str]) -> bool {
    // Elements without a prefix are properties of the default namespace; attributes without one never are.
    text.match_indices(['<', ':']).any(|(at, _)| words.iter().any(|word| text[at + 1..].starts_with(word)))
}

/// Whether it says that the pixels are still to be turned, or still to be developed.
fn is_unfinished(text: &str) -> bool {
    let turned = text.match_indices("Orientation").any(|(at, name)| {
        let open = text[..at].rfind(['<', ' ', '\n', '\t', '\r', '/']).map(|i| &text[i..at]);
        let closing = open.is_some_and(|prefix| prefix.starts_with('/'));
        let value = text[at + name.len()..].trim_start_matches(|c: char| c.is_whitespace() || "='\">".contains(c));
        let property = text[..at].ends_with([':', '<']);
        property && !closing && !value.starts_with('1')
    });
    turned || (text.contains("crs:HasSettings") && !text.contains("crs:AlreadyApplied=\"True\""))
}

/// What must not be in a block that is kept.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent wishes, not states of one thing")]
pub(super) struct Unwanted {
    pub(super) location: bool,
    pub(super) people: bool,
    pub(super) serials: bool,
    /// The pixels are new, so what the block says of the old ones is wrong.
    pub(super) stale: bool,
}

/// Why a block cannot be kept; `None` when it can.
pub(super) fn objection(block: &[u8], unwanted: Unwanted) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(block) else { return Some("it is not UTF-8") };
    let holds = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // Names cannot be written in another way than as they are, unless the document defines words of its own.
    if text.contains("<!") && text.contains("ENTITY") {
        Some("it defines words of its own")
    } else if names(text, &TIED) || holds(&TIED_SPACES) {
        Some("it belongs to other parts of the original file")
    } else if unwanted.location && (names(text, &LOCATION) || holds(&PATHS_OF_PLACES)) {
        Some("it tells the location")
    } else if unwanted.people && (names(text, &PEOPLE) || holds(&PATHS_OF_PEOPLE)) {
        Some("it names people")
    } else if unwanted.serials && names(text, &SERIALS) {
        Some("it tells serial numbers")
    } else if unwanted.stale && (names(text, &STALE) || is_unfinished(text)) {
        Some("it describes the original's pixels")
    } else {
        None
    }
}

/// The first item of a Dublin Core property such as `dc:creator`.
pub(super) fn first_item(block: &[u8], property: &str) -> Option<String> {
    let text = std::str::from_utf8(block).ok()?;
    let rest = &text[text.find(&format!("<{property}>"))?..];
    let rest = &rest[..rest.find(&format!("</{property}>"))?];
    let item = &rest[rest.find("<rdf:li")?..];
    let item = &item[item.find('>')? + 1..];
    let item = unescape(item[..item.find("</rdf:li>")?].trim());
    (!item.is_empty()).then_some(item)
}

/// Entities, by name or number, become what they stand for.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, entity) = rest.split_at(at);
        out.push_str(before);
        let name = entity[1..].split_once(';').map(|(name, _)| name).filter(|name| name.len() <= 8);
        let found = name.and_then(|name| match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "amp" => Some('&'),
            _ => {
                let number = name.strip_prefix('#')?;
                let hex = number.strip_prefix('x').map(|hex| u32::from_str_radix(hex, 16));
                char::from_u32(hex.unwrap_or_else(|| number.parse()).ok()?)
            }
        });
        out.push(found.unwrap_or('&'));
        rest = &entity[if found.is_some() { name.map_or(1, |name| name.len() + 2) } else { 1 }..];
    }
    out + rest
}

/// XML text; control characters that XML cannot hold are left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() && !matches!(c, '\n' | '\t') => {}
            c => out.push(c),
        }
    }
    out
}

/// Texts that are written into a block of our own; keywords are separated by commas or semicolons.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    pub(super) artist: Option<String>,
    pub(super) copyright: Option<String>,
    pub(super) caption: Option<String>,
    pub(super) keywords: Option<String>,
}

/// A block with these texts; `None` when there are none. Always the same bytes for the same texts.
pub(super) fn write(texts: &Texts) -> Option<Vec<u8>> {
    let mut body = String::new();
    let mut add = |property: &str, list: &str, attribute: &str, items: &[&str]| {
        let items: Vec<String> = items.iter().map(|i| format!("<rdf:li{attribute}>{}</rdf:li>", escape(i))).collect();
        if !items.is_empty() {
            let _ = write!(body, "<dc:{property}><rdf:{list}>{}</rdf:{list}></dc:{property}>", items.concat());
        }
    };
    let default = " xml:lang=\"x-default\"";
    let one = |text: &Option<String>| text.clone().into_iter().collect::<Vec<_>>();
    add("creator", "Seq", "", &one(&texts.artist).iter().map(String::as_str).collect::<Vec<_>>());
    add("rights", "Alt", default, &one(&texts.copyright).iter().map(String::as_str).collect::<Vec<_>>());
    add("description", "Alt", default, &one(&texts.caption).iter().map(String::as_str).collect::<Vec<_>>());
    let keywords = texts.keywords.as_deref().unwrap_or_default();
    let keywords: Vec<&str> = keywords.split([',', ';']).map(str::trim).filter(|k| !k.is_empty()).collect();
    add("subject", "Bag", "", &keywords);
    (!body.is_empty()).then(|| {
        format!(
            "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?><x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
             <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description rdf:about=\"\" \
             xmlns:dc=\"http://purl.org/dc/elements/1.1/\">{body}</rdf:Description></rdf:RDF></x:xmpmeta>\
             <?xpacket end=\"r\"?>"
        )
        .into_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Unwanted = Unwanted { location: false, people: false, serials: false, stale: false };

    #[test]
    fn own_texts_are_read_again() {
        let texts = Texts {
            artist: Some("Müller & Söhne".to_owned()),
            copyright: Some("© <2025>".to_owned()),
            caption: None,
            keywords: Some("school, class 3b; portrait".to_owned()),
        };
        let block = write(&texts).unwrap();
        assert_eq!(first_item(&block, "dc:creator"), texts.artist);
        assert_eq!(first_item(&block, "dc:rights"), texts.copyright);
        assert_eq!(first_item(&block, "dc:subject").as_deref(), Some("school"));
        assert_eq!(first_item(&block, "dc:description"), None);
        assert_eq!(write(&Texts::default()), None);
    }

    #[test]
    fn a_block_is_kept_whole_or_not_at_all() {
        let block = b"<exif:GPSLatitude>47,22N</exif:GPSLatitude>";
        assert!(objection(block, Unwanted { location: true, ..NOTHING }).is_some());
        assert_eq!(objection(block, Unwanted { people: true, ..NOTHING }), None);
        assert!(objection(b"\xff\xfe", NOTHING).is_some());
        let stale = Unwanted { stale: true, ..NOTHING };
        for block in [
            "<a tiff:Orientation=\"6\"/>",
            "<a x:Orientation\n=\n'6'/>",
            "<tiff:Orientation>8</tiff:Orientation>",
            "<Orientation xmlns='http://ns.adobe.com/tiff/1.0/'>8</Orientation>",
            "<a tiff:XResolution='720000/10000'/>",
        ] {
            assert!(objection(block.as_bytes(), stale).is_some(), "{block}");
            assert_eq!(objection(block.as_bytes(), NOTHING), None);
        }
        let upright = "<tiff:Orientation>1</tiff:Orientation><b tiff:Orientation='1'/> an Orientation:";
        assert_eq!(objection(upright.as_bytes(), stale), None);
    }

    #[test]
    fn names_are_found_under_any_prefix() {
        let location = Unwanted { location: true, ..NOTHING };
        let people = Unwanted { people: true, ..NOTHING };
        let serials = Unwanted { serials: true, ..NOTHING };
        for (block, unwanted) in [
            ("<a photoshop:City='Bern'/>", location),
            ("<a zz:City='Bern'/>", location),
            ("<City xmlns='http://ns.adobe.com/photoshop/1.0/'>Bern</City>", location),
            ("<Iptc4xmpExt:LocationCreated/>", location),
            ("<rdf:li>Places|Switzerland|Bern</rdf:li>", location),
            ("<x:PersonInImage/>", people),
            ("<mwg-rs:Regions/>", people),
            ("<MPReg:PersonDisplayName/>", people),
            ("<rdf:li>People/Bob</rdf:li>", people),
            ("<a aux:OwnerName='Bob'/>", people),
            ("<a exifEX:BodySerialNumber='1'/>", serials),
            ("<a aux:SerialNumber='1'/>", serials),
        ] {
            assert!(objection(block.as_bytes(), unwanted).is_some(), "{block}");
            assert_eq!(objection(block.as_bytes(), NOTHING), None, "{block}");
        }
        let innocent = "<dc:description><rdf:li>People of the City, State Country</rdf:li></dc:description>";
        for unwanted in [location, people, serials] {
            assert_eq!(objection(innocent.as_bytes(), unwanted), None);
        }
    }

    #[test]
    fn what_is_tied_to_its_file_never_moves() {
        for block in [
            "<a xmpNote:HasExtendedXMP='0123'/>",
            "<xmp:Thumbnails/>",
            "<a xmlns:q='http://ns.google.com/photos/1.0/container/'/>",
            "<exif:MakerNote>AAAA</exif:MakerNote>",
            "<!DOCTYPE x [<!ENTITY c 'Bern'>]><a/>",
        ] {
            assert!(objection(block.as_bytes(), NOTHING).is_some(), "{block}");
        }
    }

    #[test]
    fn entities_are_read() {
        assert_eq!(
            unescape("&#169; &#xA9; A &amp;amp; B & C &unknown; &#x110000; &"),
            "© © A &amp; B & C &unknown; &#x110000; &"
        );
    }
}
