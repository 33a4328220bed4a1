//! XMP blocks: looked into, and a small one of our own written.
//!
//! Invariant: a foreign block is kept whole or left out whole; nothing is cut out of it, because a block can say the
//! same thing in many ways and half a block is worse than none. Must not know: which fields a profile keeps.

use std::fmt::Write as _;

/// Words of a property's name that show what a block tells of. Namespaces are not resolved: a false alarm only drops
/// a block, and says so.
const LOCATION: [&str; 10] = [
    "GPS",
    "Iptc4xmpExt:Location",
    "Iptc4xmpCore:Location",
    "photoshop:City",
    "photoshop:State",
    "photoshop:Country",
    "CountryCode",
    "LocationCreated",
    "LocationShown",
    "dc:coverage",
];
const PEOPLE: [&str; 6] = ["PersonInImage", "mwg-rs:", "MPReg", "MPRI", "Regions", "People"];
const SERIALS: [&str; 3] = ["SerialNumber", "LensID", "OwnerName"];
/// What no longer holds of a picture that was rendered: small copies of it, parts in other segments.
const STALE: [&str; 2] = ["xmp:Thumbnails", "xmpNote:HasExtendedXMP"];

/// Whether it says that the pixels are still to be turned, or still to be developed.
fn is_unfinished(text: &str) -> bool {
    let turned = text.match_indices("tiff:Orientation").any(|(at, name)| {
        let value = text[at + name.len()..].trim_start_matches(['=', '"', '\'', '>', ' ']);
        !value.starts_with('1') && !text[..at].ends_with('/')
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
    if unwanted.location && holds(&LOCATION) {
        Some("it tells the location")
    } else if unwanted.people && holds(&PEOPLE) {
        Some("it names people")
    } else if unwanted.serials && holds(&SERIALS) {
        Some("it tells serial numbers")
    } else if unwanted.stale && (holds(&STALE) || is_unfinished(text)) {
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

fn unescape(text: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
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
        assert!(objection(b"<a tiff:Orientation=\"6\"/>", stale).is_some());
        assert!(objection(b"<tiff:Orientation>8</tiff:Orientation>", stale).is_some());
        assert_eq!(objection(b"<tiff:Orientation>1</tiff:Orientation><b tiff:Orientation='1'/>", stale), None);
    }
}
