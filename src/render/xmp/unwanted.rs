//! What is taken out of a packet.
//!
//! Invariant: names of places, people and serial numbers count in every namespace and at every depth, so that no
//! maker's own namespace carries them through; a false alarm costs one property. Must not know: profiles.

use std::collections::BTreeSet;

use super::{DC, Element, Name, Node, PHOTOSHOP, Packet, RDF, TIFF};

const PLACES: [&str; 7] = ["Location", "City", "State", "Country", "coverage", "Sublocation", "WorldRegion"];
const PEOPLE: [&str; 9] =
    ["PersonInImage", "Person", "People", "Region", "ImageRegion", "OwnerName", "CameraOwner", "Face", "RegionInfo"];
/// Words that give people or places away in lists of keywords, where programs keep them as paths.
const PATHS_OF_PEOPLE: [&str; 2] = ["People|", "People/"];
const PATHS_OF_PLACES: [&str; 2] = ["Places|", "Places/"];

/// What belongs to the file around the block: small copies of the picture, parts in other segments, places of films
/// and light maps behind the picture, offsets.
const TIED: [&str; 4] = ["Thumbnails", "HasExtendedXMP", "MakerNote", "DNGPrivateData"];
/// The same, by the namespace: cameras of phones.
const TIED_SPACES: [&str; 3] =
    ["http://ns.google.com/photos/1.0", "http://ns.apple.com/HDRGainMap", "http://ns.adobe.com/hdr-gain-map/"];

/// Namespaces of what was done to the original, and of where things are in its pixels.
const STALE_SPACES: [&str; 4] = [
    "http://ns.adobe.com/camera-raw",
    "http://darktable.sf.net/",
    "http://www.metadataworkinggroup.com/schemas/regions/",
    "http://ns.microsoft.com/photo/1.2/",
];
const MEDIA: &str = "http://ns.adobe.com/xap/1.0/mm/";
const EXIF: &str = "http://ns.adobe.com/exif/1.0/";
/// Of the mirror of EXIF, what does not describe how pixels are stored.
const TIFF_KEPT: [&str; 7] = ["Make", "Model", "Software", "DateTime", "ImageDescription", "Artist", "Copyright"];
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

/// What must not be in a packet that is kept.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "independent wishes, not states of one thing")]
pub(in crate::render) struct Unwanted {
    pub(in crate::render) location: bool,
    pub(in crate::render) people: bool,
    pub(in crate::render) serials: bool,
    /// The pixels are new, so what the packet says of the old ones is wrong.
    pub(in crate::render) stale: bool,
}

impl Unwanted {
    fn names(self, space: &str, local: &str) -> bool {
        let begins = |words: &[&str]| words.iter().any(|word| local.starts_with(word));
        let spaces = |spaces: &[&str]| spaces.iter().any(|s| space.starts_with(s));
        let small = local.to_ascii_lowercase();
        let place = || {
            begins(&PLACES)
                || small.starts_with("gps")
                || ["latitude", "longitude", "altitude"].iter().any(|word| small.contains(word))
        };
        let serial =
            || small.contains("serialnumber") || local.starts_with("ImageUniqueID") || small.ends_with("serial");
        begins(&TIED)
            || spaces(&TIED_SPACES)
            || (self.location && place())
            || (self.people && begins(&PEOPLE))
            || (self.serials && serial())
            || (self.stale && (spaces(&STALE_SPACES) || is_stale(space, local)))
    }

    /// The part of a keyword's path that is not to be told.
    fn path(self, text: &str) -> Option<&str> {
        let of = |paths: &[&str]| paths.iter().find_map(|path| text.trim().strip_prefix(path));
        let person = self.people.then(|| of(&PATHS_OF_PEOPLE)).flatten();
        person.or_else(|| self.location.then(|| of(&PATHS_OF_PLACES)).flatten())
    }
}

fn is_stale(space: &str, local: &str) -> bool {
    let begins = |words: &[&str]| words.iter().any(|word| local.starts_with(word));
    match space {
        TIFF => !TIFF_KEPT.contains(&local),
        EXIF => begins(&EXIF_STALE),
        PHOTOSHOP => PHOTOSHOP_STALE.contains(&local),
        // The file is a new document; which one it was made of stays true.
        MEDIA => !matches!(local, "OriginalDocumentID" | "PreservedFileName"),
        DC => local == "format",
        _ => false,
    }
}

impl Packet {
    /// Takes out what is unwanted.
    pub(in crate::render) fn strip(&mut self, unwanted: Unwanted) {
        // The plain list of keywords holds the same words as the paths.
        let mut words = BTreeSet::new();
        self.properties.iter().for_each(|property| collect_words(property, unwanted, &mut words));
        self.properties.retain(|p| !unwanted.names(&p.name.space, &p.name.local));
        self.properties.retain_mut(|property| {
            let had_items = !property.items().is_empty();
            strip_inside(property, unwanted, &words);
            let has_structures = |list: &Element| list.elements().any(|item| item.elements().next().is_some());
            // A list whose last item went says nothing any more.
            !had_items || !property.items().is_empty() || property.elements().any(has_structures)
        });
    }
}

/// The words of the paths that go.
fn collect_words(element: &Element, unwanted: Unwanted, words: &mut BTreeSet<String>) {
    if let Some(path) = unwanted.path(&element.text()) {
        words.extend(path.split(['|', '/']).map(|word| word.trim().to_owned()));
    }
    element.elements().for_each(|child| collect_words(child, unwanted, words));
}

fn strip_inside(element: &mut Element, unwanted: Unwanted, words: &BTreeSet<String>) {
    let is_told = |name: &Name| unwanted.names(&name.space, &name.local);
    element.attributes.retain(|(name, value)| !is_told(name) && unwanted.path(value).is_none());
    let is_bag = element.name.is(RDF, "Bag");
    element.children.retain(|child| match child {
        Node::Element(child) => {
            let text = child.text();
            !is_told(&child.name) && unwanted.path(&text).is_none() && !(is_bag && words.contains(&text))
        }
        Node::Text(text) => unwanted.path(text).is_none(),
    });
    for child in &mut element.children {
        if let Node::Element(child) = child {
            strip_inside(child, unwanted, words);
        }
    }
}
