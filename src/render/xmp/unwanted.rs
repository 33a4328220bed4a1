//! What is taken out of a packet: what a profile strips, what belongs to the old file, what no longer holds.
//!
//! Invariant: names of places, people and serial numbers count in every namespace, as elements and attributes, at every
//! depth, so that no maker's own namespace carries them through; a false alarm costs one property. Must not know: profiles.

use super::{DC, Element, Name, Node, PHOTOSHOP, Packet, RDF, TIFF};

/// How the names begin that tell where a picture was taken; case does not matter, here and below.
const PLACES: [&str; 10] = [
    "GPS",
    "Location",
    "City",
    "State",
    "Province",
    "Country",
    "coverage",
    "Sublocation",
    "WorldRegion",
    "shotLocation",
];
/// What such names contain.
const COORDINATES: [&str; 3] = ["latitude", "longitude", "altitude"];
/// How the names begin that tell who is in a picture, or whose camera it was.
const PEOPLE: [&str; 8] =
    ["PersonInImage", "Person", "People", "Region", "ImageRegion", "OwnerName", "CameraOwner", "Face"];

/// How the names begin of what belongs to the file around the packet: small copies of the picture, parts in other
/// segments, blocks of makers.
const TIED: [&str; 4] = ["Thumbnails", "HasExtendedXMP", "MakerNote", "DNGPrivateData"];
/// The same, by how the namespace begins: films and light maps behind the picture.
const TIED_SPACES: [&str; 3] =
    ["http://ns.google.com/photos/1.0/", "http://ns.apple.com/HDRGainMap/", "http://ns.adobe.com/hdr-gain-map/"];
/// Of a sphere or a strip, which holds as long as the pixels do.
const PANORAMA: &str = "http://ns.google.com/photos/1.0/panorama/";

/// Faces and other places in the picture, with names.
const REGION_SPACES: [&str; 3] = [
    "http://www.metadataworkinggroup.com/schemas/regions/",
    "http://ns.microsoft.com/photo/1.2/",
    "http://ns.apple.com/faceinfo/",
];
/// Keywords as a tree of structures, people and places among them; all stand in `dc:subject` too.
const KEYWORD_TREES: &str = "http://www.metadataworkinggroup.com/schemas/keywords/";
/// By how the namespace begins: how the original was developed, and what lies where in its pixels.
const STALE_SPACES: [&str; 4] =
    [PANORAMA, "http://ns.adobe.com/camera-raw", "http://darktable.sf.net/", "http://www.rawtherapee.com/"];
const MEDIA: &str = "http://ns.adobe.com/xap/1.0/mm/";
const EXIF: &str = "http://ns.adobe.com/exif/1.0/";
/// Of the mirror of EXIF's first directory, what does not describe how pixels are stored.
const TIFF_KEPT: [&str; 7] = ["Make", "Model", "Software", "DateTime", "ImageDescription", "Artist", "Copyright"];
/// Of the mirror of EXIF, how the names begin that describe the original's pixels or its block.
const EXIF_STALE: [&str; 14] = [
    "PixelXDimension",
    "PixelYDimension",
    "ColorSpace",
    "ComponentsConfiguration",
    "CompressedBitsPerPixel",
    "NativeDigest",
    "ExifVersion",
    "FlashpixVersion",
    "SubjectArea",
    "SubjectLocation",
    "FocalPlane",
    "CFAPattern",
    "SpatialFrequencyResponse",
    "Gamma",
];
const PHOTOSHOP_STALE: [&str; 9] = [
    "ICCProfile",
    "ColorMode",
    "LegacyIPTCDigest",
    "EmbeddedXMPDigest",
    "SidecarForExtension",
    "DocumentAncestors",
    "TextLayers",
    "History",
    "CameraProfiles",
];

/// The first part of keywords that are filed as paths (`People|Bob`, `Places/Bern`).
const PEOPLE_ROOT: &str = "People";
const PLACES_ROOT: &str = "Places";

/// What must not be in a packet that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent wishes, not states of one thing")]
pub(in crate::render) struct Unwanted {
    pub(in crate::render) location: bool,
    pub(in crate::render) people: bool,
    pub(in crate::render) serials: bool,
    /// The pixels are new, so what the packet says of the old ones is wrong.
    pub(in crate::render) stale: bool,
}

impl Unwanted {
    fn includes(self, name: &Name) -> bool {
        let (space, local) = (name.space.as_str(), name.local.as_str());
        if space == RDF {
            return false;
        }
        let small = local.to_ascii_lowercase();
        let tied = begins(local, &TIED) || (in_spaces(space, &TIED_SPACES) && space != PANORAMA);
        let place = || begins(local, &PLACES) || COORDINATES.iter().any(|word| small.contains(word));
        let serial =
            || small.contains("serialnumber") || small.ends_with("serial") || begins(local, &["ImageUniqueID"]);
        tied || (self.location && place())
            || self.is_person(name)
            || (self.serials && serial())
            || ((self.location || self.people) && space == KEYWORD_TREES)
            || (self.stale && is_stale(space, local))
    }

    fn is_person(self, name: &Name) -> bool {
        self.people && (begins(&name.local, &PEOPLE) || in_spaces(&name.space, &REGION_SPACES))
    }

    /// Whether a keyword is filed under people or places; `words` gets the parts of its path.
    fn is_path(self, keyword: &str, words: &mut Vec<String>) -> bool {
        let Some((root, path)) = keyword.split_once(['|', '/']) else { return false };
        let root = root.trim();
        let found = (self.people && root == PEOPLE_ROOT) || (self.location && root == PLACES_ROOT);
        if found {
            words.extend(path.split(['|', '/']).map(|word| word.trim().to_owned()));
        }
        found
    }
}

fn begins(local: &str, words: &[&str]) -> bool {
    words.iter().any(|word| local.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
}

fn in_spaces(space: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| space.starts_with(start))
}

fn is_stale(space: &str, local: &str) -> bool {
    match space {
        TIFF => !TIFF_KEPT.contains(&local),
        EXIF => begins(local, &EXIF_STALE),
        PHOTOSHOP => PHOTOSHOP_STALE.contains(&local),
        // The file is a new document; which one it was made of stays true.
        MEDIA => !matches!(local, "OriginalDocumentID" | "PreservedFileName"),
        DC => local == "format",
        _ => in_spaces(space, &STALE_SPACES) || in_spaces(space, &REGION_SPACES),
    }
}

impl Packet {
    /// Takes out what is unwanted. Who was named so, or filed as a person or place, goes from the keywords too.
    pub(in crate::render) fn strip(&mut self, unwanted: Unwanted) {
        let mut words = Vec::new();
        self.properties.retain_mut(|property| keeps(property, unwanted, &mut words));
        words.retain(|word| !word.is_empty());
        let is_word = |text: &str| {
            let leaf = text.rsplit(['|', '/']).next().unwrap_or_default().trim();
            words.iter().any(|word| word == leaf)
        };
        // Dublin Core's other lists are no keywords: who took the picture stays.
        self.properties.retain_mut(|p| (p.name.space == DC && p.name.local != "subject") || drop_items(p, &is_word));
    }
}

/// Whether anything is left of an element. `words` gets what must not stand among the keywords either.
fn keeps(element: &mut Element, unwanted: Unwanted, words: &mut Vec<String>) -> bool {
    if unwanted.includes(&element.name) {
        if unwanted.is_person(&element.name) {
            collect_names(element, words);
        }
        return false;
    }
    let before = (element.attributes.len(), element.children.len());
    element.attributes.retain(|(name, _)| !unwanted.includes(name));
    let is_list = is_list(element);
    element.children.retain_mut(|node| match node {
        Node::Element(child) => keeps(child, unwanted, words) && !(is_list && unwanted.is_path(&child.text(), words)),
        Node::Text(_) => true,
    });
    let after = (element.attributes.len(), element.children.len());
    before == after || after != (0, 0)
}

/// Takes items out of lists; whether anything is left.
fn drop_items(element: &mut Element, is_out: &dyn Fn(&str) -> bool) -> bool {
    let before = element.children.len();
    let is_list = is_list(element);
    element.children.retain_mut(|node| match node {
        Node::Element(child) => !(is_list && is_out(&child.text())) && drop_items(child, is_out),
        Node::Text(_) => true,
    });
    before == element.children.len() || !element.children.is_empty()
}

/// Whether its items are separate values, as keywords are, and not one text in several languages.
fn is_list(element: &Element) -> bool {
    element.name.is(RDF, "Bag") || element.name.is(RDF, "Seq")
}

/// The names of people in an element.
fn collect_names(element: &Element, words: &mut Vec<String>) {
    let is_name =
        |name: &Name| matches!(name.local.as_str(), "Name" | "PersonName" | "PersonDisplayName" | "PersonInImage");
    if is_name(&element.name) {
        words.extend(element.items());
    }
    words.extend(element.attributes.iter().filter(|(name, _)| is_name(name)).map(|(_, value)| value.trim().to_owned()));
    element.elements().for_each(|child| collect_names(child, words));
}
