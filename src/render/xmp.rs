//! XMP packets: read into their properties, changed, and written again.
//!
//! Invariant: names count by their namespace, whatever prefix a program chose for it; what is written holds nothing
//! but the properties that are left. A packet is bounded in bytes, nodes, depth and attributes before it is walked.
//! Must not know: which properties a profile keeps (`metadata` decides).

mod unwanted;

use std::fmt::Write as _;

use resvg::usvg::roxmltree::{self, Document};

pub(super) use unwanted::Unwanted;

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const XML: &str = "http://www.w3.org/XML/1998/namespace";
const X: &str = "adobe:ns:meta/";
pub(super) const DC: &str = "http://purl.org/dc/elements/1.1/";
pub(super) const PHOTOSHOP: &str = "http://ns.adobe.com/photoshop/1.0/";
pub(super) const IPTC: &str = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/";
const TIFF: &str = "http://ns.adobe.com/tiff/1.0/";
/// The prefixes that other programs expect.
const PREFIXES: [(&str, &str); 6] =
    [(RDF, "rdf"), (X, "x"), (DC, "dc"), (PHOTOSHOP, "photoshop"), (IPTC, "Iptc4xmpCore"), (TIFF, "tiff")];

/// More elements and texts than any editor writes into a packet.
const NODES_MAX: u32 = 250_000;
/// More attributes than any editor writes. The parser compares each with all others of its element.
const ATTRIBUTES_MAX: usize = 20_000;
/// More declarations of namespaces than any editor writes. The parser compares those of an element with all around it.
const NAMESPACES_MAX: usize = 1_000;
/// Deepest nesting; structures of lists of structures take about twenty.
const DEPTH_MAX: usize = 100;

/// A name with its namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    space: String,
    local: String,
}

impl Name {
    fn is(&self, space: &str, local: &str) -> bool {
        self.space == space && self.local == local
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Element(Element),
    Text(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Element {
    name: Name,
    attributes: Vec<(Name, String)>,
    children: Vec<Node>,
}

impl Element {
    fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|node| if let Node::Element(element) = node { Some(element) } else { None })
    }

    fn text(&self) -> String {
        let texts =
            self.children.iter().filter_map(|n| if let Node::Text(text) = n { Some(text.as_str()) } else { None });
        texts.collect::<String>().trim().to_owned()
    }

    /// Its items, in which the default of a language alternative comes first; a plain value is an item too.
    fn items(&self) -> Vec<String> {
        let is_default = |item: &Element| item.attributes.iter().any(|(n, v)| n.is(XML, "lang") && v == "x-default");
        let mut items: Vec<&Element> = self.elements().flat_map(Element::elements).collect();
        items.sort_by_key(|item| !is_default(item));
        let texts = if items.is_empty() { vec![self.text()] } else { items.into_iter().map(Element::text).collect() };
        texts.into_iter().filter(|text| !text.is_empty()).collect()
    }
}

/// How the values of a property are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    /// One text in several languages.
    Alt,
    Seq,
    Bag,
}

/// A property that we write ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) space: &'static str,
    pub(super) local: &'static str,
    pub(super) shape: Shape,
}

const fn dc(local: &'static str, shape: Shape) -> Property {
    Property { space: DC, local, shape }
}

pub(super) const CREATOR: Property = dc("creator", Shape::Seq);
pub(super) const RIGHTS: Property = dc("rights", Shape::Alt);
pub(super) const DESCRIPTION: Property = dc("description", Shape::Alt);
pub(super) const TITLE: Property = dc("title", Shape::Alt);
pub(super) const SUBJECT: Property = dc("subject", Shape::Bag);

/// Where the same is said a second time: the mirror of EXIF, and keywords as paths.
const MIRRORS: [(Property, &str); 6] = [
    (CREATOR, "Artist"),
    (RIGHTS, "Copyright"),
    (DESCRIPTION, "ImageDescription"),
    (SUBJECT, "hierarchicalSubject"),
    (SUBJECT, "TagsList"),
    (SUBJECT, "LastKeywordXMP"),
];

/// The properties of a packet, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Packet {
    properties: Vec<Element>,
    /// Prefixes that the source chose, by namespace.
    prefixes: Vec<(String, String)>,
}

impl Packet {
    /// Reads a packet; the error says why it cannot be read.
    pub(super) fn read(block: &[u8]) -> Result<Packet, &'static str> {
        let text = std::str::from_utf8(block).map_err(|_| "it is not UTF-8")?;
        // Padding with zeros, byte order marks and broken ends of other programs lie outside the elements.
        let (start, end) = (text.find('<').unwrap_or(0), text.rfind('>').map_or(0, |at| at + 1));
        let text = text.get(start..end).unwrap_or_default();
        if text.matches('=').count() > ATTRIBUTES_MAX || text.matches("xmlns").count() > NAMESPACES_MAX {
            return Err("it has more attributes than any program writes");
        }
        let options = roxmltree::ParsingOptions { nodes_limit: NODES_MAX, ..roxmltree::ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(|e| match e {
            roxmltree::Error::DtdDetected => "it defines words of its own",
            roxmltree::Error::NodesLimitReached => "it has more elements than any program writes",
            _ => "it is no well-formed XML",
        })?;
        let root = document.root_element();
        let is_rdf = |node: &roxmltree::Node<'_, '_>| {
            node.tag_name().name() == "RDF" && node.tag_name().namespace() == Some(RDF)
        };
        let rdf = root.descendants().find(is_rdf).ok_or("it has no properties that can be found")?;
        let mut packet = Packet::default();
        for description in rdf.children().filter(roxmltree::Node::is_element) {
            let element = element(description, 0, &mut packet.prefixes)?;
            // A simple property can be written as an attribute; both ways mean the same.
            for (name, value) in element.attributes {
                if !name.space.is_empty() && name.space != RDF && name.space != XML {
                    packet.properties.push(Element { name, attributes: Vec::new(), children: vec![Node::Text(value)] });
                }
            }
            packet.properties.extend(
                element.children.into_iter().filter_map(|n| if let Node::Element(e) = n { Some(e) } else { None }),
            );
        }
        Ok(packet)
    }

    /// All values of a property, or of what says the same.
    pub(super) fn values(&self, property: Property) -> Vec<String> {
        let of = |space: &str, local: &str| {
            let found = self.properties.iter().filter(|p| p.name.is(space, local));
            found.flat_map(Element::items).collect::<Vec<_>>()
        };
        let values = of(property.space, property.local);
        if !values.is_empty() {
            return values;
        }
        let mirrors = MIRRORS.iter().filter(|(of, _)| *of == property);
        mirrors.map(|(_, local)| of(TIFF, local)).find(|values| !values.is_empty()).unwrap_or_default()
    }

    /// A property as one text: all of a list, of a text in several languages the default.
    pub(super) fn text(&self, property: Property) -> Option<String> {
        let values = self.values(property);
        let is_list = matches!(property.shape, Shape::Seq | Shape::Bag);
        let text = if is_list { values.join("; ") } else { values.into_iter().next()? };
        (!text.is_empty()).then_some(text)
    }

    /// Takes over what another part of the same packet says, where this one says nothing.
    pub(super) fn join(&mut self, other: Packet) {
        let is_new = |p: &Element| !self.properties.iter().any(|own| own.name == p.name);
        let new: Vec<Element> = other.properties.into_iter().filter(is_new).collect();
        self.properties.extend(new);
        self.prefixes.extend(other.prefixes);
    }

    /// Writes a property in place of what the packet says of it, in all ways.
    pub(super) fn set(&mut self, property: Property, values: &[String]) {
        self.properties.retain(|p| {
            let mirrored = MIRRORS.iter().any(|(of, local)| *of == property && p.name.local == *local);
            !p.name.is(property.space, property.local) && !mirrored
        });
        self.fill(property, values);
    }

    /// Writes a property where the packet has none.
    pub(super) fn fill(&mut self, property: Property, values: &[String]) {
        if values.is_empty() || !self.values(property).is_empty() {
            return;
        }
        self.properties.retain(|p| !p.name.is(property.space, property.local));
        let name = |space: &str, local: &str| Name { space: space.to_owned(), local: local.to_owned() };
        let element = |name, attributes, children| Element { name, attributes, children };
        let list = |kind: &str, language: bool| {
            let lang = || if language { vec![(name(XML, "lang"), "x-default".to_owned())] } else { Vec::new() };
            let item =
                |value: &String| Node::Element(element(name(RDF, "li"), lang(), vec![Node::Text(value.clone())]));
            let most = if language { 1 } else { values.len() };
            let items = values.iter().take(most).map(item).collect();
            vec![Node::Element(element(name(RDF, kind), Vec::new(), items))]
        };
        let children = match property.shape {
            Shape::Text => vec![Node::Text(values.join("; "))],
            Shape::Alt => list("Alt", true),
            Shape::Seq => list("Seq", false),
            Shape::Bag => list("Bag", false),
        };
        self.properties.push(element(name(property.space, property.local), Vec::new(), children));
    }

    /// The packet as bytes; `None` when it says nothing. Always the same bytes for the same properties.
    pub(super) fn write(&self) -> Option<Vec<u8>> {
        let mut spaces = Vec::new();
        for property in &self.properties {
            collect_spaces(property, &mut spaces);
        }
        let mut used: Vec<(String, String)> = Vec::new();
        for space in spaces {
            let known = PREFIXES.iter().find(|(uri, _)| *uri == space).map(|(_, prefix)| (*prefix).to_owned());
            let chosen = || self.prefixes.iter().find(|(uri, _)| *uri == space).map(|(_, prefix)| prefix.clone());
            let taken = |prefix: &String| {
                used.iter().any(|(_, p)| p == prefix) || PREFIXES.iter().any(|(uri, p)| p == prefix && *uri != space)
            };
            let prefix = known.or_else(chosen).filter(|prefix| !taken(prefix));
            let prefix = prefix.unwrap_or_else(|| format!("hfns{}", used.len() + 1));
            used.push((space, prefix));
        }
        let mut declared = String::new();
        for (space, prefix) in used.iter().filter(|(space, _)| space != RDF) {
            let _ = write!(declared, " xmlns:{prefix}=\"{}\"", escape(space));
        }
        used.push((RDF.to_owned(), "rdf".to_owned()));
        used.push((XML.to_owned(), "xml".to_owned()));
        let mut body = String::new();
        for property in &self.properties {
            write_element(property, &used, &mut body);
        }
        (!body.is_empty()).then(|| {
            format!(
                "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?><x:xmpmeta xmlns:x=\"{X}\">\
                 <rdf:RDF xmlns:rdf=\"{RDF}\"><rdf:Description rdf:about=\"\"{declared}>{body}</rdf:Description>\
                 </rdf:RDF></x:xmpmeta><?xpacket end=\"r\"?>"
            )
            .into_bytes()
        })
    }
}

fn element(
    node: roxmltree::Node<'_, '_>,
    depth: usize,
    prefixes: &mut Vec<(String, String)>,
) -> Result<Element, &'static str> {
    if depth > DEPTH_MAX {
        return Err("it is nested deeper than any program writes");
    }
    let mut name = |space: Option<&str>, local: &str| {
        let space = space.unwrap_or_default().to_owned();
        if !prefixes.iter().any(|(uri, _)| *uri == space) {
            let prefix = node.lookup_prefix(&space).filter(|prefix| !prefix.is_empty());
            prefixes.extend(prefix.map(|prefix| (space.clone(), prefix.to_owned())));
        }
        Name { space, local: local.to_owned() }
    };
    let own = name(node.tag_name().namespace(), node.tag_name().name());
    let attributes = node.attributes().map(|a| (name(a.namespace(), a.name()), a.value().to_owned())).collect();
    let mut children = Vec::new();
    let has_elements = node.children().any(|child| child.is_element());
    for child in node.children() {
        if child.is_element() {
            children.push(Node::Element(element(child, depth + 1, prefixes)?));
        } else if let Some(text) = child.text().filter(|_| child.is_text() && !has_elements) {
            children.push(Node::Text(text.to_owned()));
        }
    }
    Ok(Element { name: own, attributes, children })
}

/// The namespaces that an element uses, in their order.
fn collect_spaces(element: &Element, spaces: &mut Vec<String>) {
    for name in std::iter::once(&element.name).chain(element.attributes.iter().map(|(name, _)| name)) {
        if !name.space.is_empty() && name.space != RDF && name.space != XML && !spaces.contains(&name.space) {
            spaces.push(name.space.clone());
        }
    }
    element.elements().for_each(|child| collect_spaces(child, spaces));
}

fn write_element(element: &Element, prefixes: &[(String, String)], out: &mut String) {
    let full = |name: &Name| match prefixes.iter().find(|(space, _)| *space == name.space) {
        Some((_, prefix)) => format!("{prefix}:{}", name.local),
        None => name.local.clone(),
    };
    let name = full(&element.name);
    let _ = write!(out, "<{name}");
    for (attribute, value) in &element.attributes {
        let _ = write!(out, " {}=\"{}\"", full(attribute), escape(value).replace('"', "&quot;").replace('\n', "&#10;"));
    }
    out.push('>');
    for child in &element.children {
        match child {
            Node::Element(child) => write_element(child, prefixes, out),
            Node::Text(text) => out.push_str(&escape(text)),
        }
    }
    let _ = write!(out, "</{name}>");
}

/// XML text; control characters that XML cannot hold are left out.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() && !matches!(c, '\n' | '\t') => {}
            c => out.push(c),
        }
    }
    out
}

/// Keywords of one text, separated by commas or semicolons.
pub(super) fn keywords(text: &str) -> Vec<String> {
    text.split([',', ';']).map(str::trim).filter(|k| !k.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
