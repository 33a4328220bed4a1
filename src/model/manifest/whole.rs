//! What the values of a manifest mean together.
//!
//! Every rule that looks at more than one field is here or in [`line`](super::line), [`image`](super::image) and
//! [`album`](super::album); what one field takes is in [`form`](super::form).

use std::collections::{BTreeMap, HashMap};

use super::album::Album;
use super::form::{ClientForm, ManifestForm};
use super::identity::Identifier;
use super::image::{fields, image, plain, texts};
use super::line::line;
use super::{Action, Client, Image, Kind, Line, Manifest};
use crate::model::digest::sha256;
use crate::model::document::{Node, Path, Syntax};
use crate::model::name::{fold, is_control_or_bidi, quoted};
use crate::model::problem::Problems;
use crate::model::section::Read as _;

/// `None` only with an error in `problems`; a manifest that comes with errors there must not be used either.
pub(super) fn manifest(node: &Node, text: &str, syntax: Syntax, problems: &mut Problems) -> Option<Manifest> {
    let root = Path::default();
    let form = ManifestForm::read(node, &root, problems)?;
    check_count(node, syntax, problems);
    if has_open_end(node, text, syntax) {
        let hint = "end it with a line break, or put `count` last";
        problems.error(&root, format!("the last line has no end, so it may be cut off; {hint}"));
    }
    let action = form.action.unwrap_or(Action::New);
    let session = form.session.map(|s| s.0);
    let (listed, images_failed) = match form.images {
        Some(images) => (images.0, false),
        None => (Vec::new(), length(node, "images") > 0),
    };
    if form.kind.map(Kind::from) == Some(Kind::Session) && action != Action::Cancel && length(node, "images") == 0 {
        problems.error(&root.key("images"), "a session needs its `images`; there are none");
    }
    let images: Vec<Image> =
        listed.into_iter().enumerate().map(|(i, form)| image(form, entry(node, "images", i), problems)).collect();
    check_ids(&images, problems);

    let of_record =
        form.record.as_ref().filter(|_| form.kind.map(Kind::from) == Some(Kind::Session)).map(|r| r.0.clone());
    let mut album = Album::new(images, images_failed, session.clone().or(of_record));
    let forms = form.lines.map(|l| l.0).unwrap_or_default();
    let with_number: Vec<bool> = forms.iter().map(|form| form.line.is_some()).collect();
    let lines: Vec<Line> = forms
        .into_iter()
        .enumerate()
        .map(|(i, form)| line(form, i + 1, entry(node, "lines", i), &mut album, problems))
        .collect();
    check_line_numbers(&lines, &with_number, problems);
    let only: Option<Vec<u32>> = form.only.map(|list| list.0.into_iter().map(|n| n.0 as u32).collect());
    if let Some(only) = &only {
        check_only(only, action, &lines, problems);
    }

    Some(Manifest {
        kind: form.kind?.into(),
        record: form.record?.0,
        id: form.id.map(|i| i.0),
        action,
        only: only.unwrap_or_default(),
        status: plain(form.status).unwrap_or_default(),
        status_date: form.status_date.map(|d| d.written),
        r#type: plain(form.r#type),
        location: plain(form.location),
        session,
        client: form.client.map_or_else(Client::default, |form| client(form, problems)),
        images: album.into_images(),
        lines,
        profiles: texts(form.profiles),
        not_before: form.not_before.map(|d| d.at),
        priority: form.priority.map_or(0, |p| p.0 as i32),
        fields: fields(form.fields, Some(node), ManifestForm::KEYS),
        content: content(node),
    })
}

/// What says nothing about the pictures that are made.
const OF_THE_SUBMISSION: &[&str] = &["manifest", "id", "status", "status_date", "not_before", "priority", "count"];

fn content(node: &Node) -> String {
    let Node::Map(entries) = node else { return String::new() };
    let said: BTreeMap<&str, serde_json::Value> = entries
        .iter()
        .filter(|(key, _)| !OF_THE_SUBMISSION.contains(&key.as_str()))
        .map(|(key, value)| (key.as_str(), value.into()))
        .collect();
    serde_json::to_vec(&said).map(|bytes| sha256(&bytes)).unwrap_or_default()
}

/// Whether a YAML text may be the beginning of a longer one: it parses wherever it ends, only the count can tell.
pub(super) fn may_be_cut_off(node: &Node, text: &str, syntax: Syntax) -> bool {
    let counted = |key| node.get("count").and_then(|c| c.get(key)).and_then(Node::as_shown)?.parse::<usize>().ok();
    // Also one that says too little: its own last digit may be what is missing.
    let differs = |key| counted(key) != Some(length(node, key));
    syntax == Syntax::Yaml && (differs("images") || differs("lines") || has_open_end(node, text, syntax))
}

/// YAML whose last value may be short of its end, and nothing behind it that counts.
fn has_open_end(node: &Node, text: &str, syntax: Syntax) -> bool {
    let ends_in_count = matches!(node, Node::Map(map) if map.last().is_some_and(|(key, _)| key == "count"));
    syntax == Syntax::Yaml && !ends_in_count && !text.ends_with('\n')
}

fn length(node: &Node, key: &str) -> usize {
    match node.get(key) {
        Some(Node::List(list)) => list.len(),
        _ => 0,
    }
}

fn entry<'n>(node: &'n Node, key: &str, index: usize) -> Option<&'n Node> {
    match node.get(key) {
        Some(Node::List(list)) => list.get(index),
        _ => None,
    }
}

/// A text that was cut off must never pass for a shorter order. JSON cannot be cut off unseen, YAML can.
fn check_count(node: &Node, syntax: Syntax, problems: &mut Problems) {
    let root = Path::default();
    let count = node.get("count").filter(|n| **n != Node::Null);
    for key in ["images", "lines"] {
        let found = length(node, key);
        match count.and_then(|c| c.get(key)).filter(|n| **n != Node::Null) {
            Some(said) => {
                // A count that is no number was reported where it was read.
                let Some(said) = said.as_shown().and_then(|t| t.trim().parse::<usize>().ok()) else { continue };
                if said != found {
                    let why =
                        if found < said { "the text is cut off, or the count is wrong" } else { "the count is wrong" };
                    let text = format!("the count says {said} {key}, the manifest has {found}: {why}");
                    problems.error(&root.key("count").key(key), text);
                }
            }
            None if syntax == Syntax::Yaml && count.is_some() => {
                let text = format!("`{key}` is missing: in YAML both lists are counted ({key}: {found})");
                problems.error(&root.key("count").key(key), text);
            }
            None => {}
        }
    }
    if syntax == Syntax::Yaml && count.is_none() && matches!(node, Node::Map(_)) {
        let (images, lines) = (length(node, "images"), length(node, "lines"));
        let text =
            "`count` is missing: YAML that was cut off still looks whole, so it must say how much there is. Here:";
        problems.error(&root.key("count"), format!("{text} `count: {{ images: {images}, lines: {lines} }}`"));
    }
}

fn check_ids(images: &[Image], problems: &mut Problems) {
    let mut first = HashMap::new();
    for (i, id) in images.iter().enumerate().filter_map(|(i, image)| Some((i, image.id.as_ref()?))) {
        if let Some(other) = first.insert(fold(id), i) {
            let path = Path::default().key("images").index(i).key("id");
            problems.error(&path, format!("{} is the id of images[{other}] too; an id names one image", quoted(id)));
        }
    }
}

fn check_line_numbers(lines: &[Line], with_number: &[bool], problems: &mut Problems) {
    let mut first: HashMap<u32, usize> = HashMap::new();
    for (i, line) in lines.iter().enumerate() {
        let Some(other) = first.insert(line.line, i) else { continue };
        let here = Path::default().key("lines").index(i);
        if with_number.get(i) == Some(&true) && with_number.get(other) == Some(&true) {
            let text = format!("line {} is lines[{other}] already; each line needs a number of its own", line.line);
            problems.error(&here.key("line"), text);
        } else {
            let text = format!(
                "without `line` it is its position that counts, and lines[{other}] and this one are both \
                                line {}; number every line",
                line.line
            );
            problems.error(&here, text);
        }
    }
}

fn check_only(only: &[u32], action: Action, lines: &[Line], problems: &mut Problems) {
    let path = Path::default().key("only");
    if action != Action::Reprint {
        problems.error(&path, "`only` goes with `action: reprint`; leave it out, or say that this is a reprint");
        return;
    }
    if only.is_empty() {
        problems.error(&path, "the list names no line; leave `only` out to make all lines again");
    }
    let numbers: Vec<u32> = lines.iter().map(|l| l.line).collect();
    let known: std::collections::HashSet<u32> = numbers.iter().copied().collect();
    for (i, wanted) in only.iter().enumerate().filter(|(_, n)| !known.contains(n)) {
        let there = match &numbers[..] {
            [] => "the manifest has no lines".to_string(),
            numbers => {
                let list: Vec<String> = numbers.iter().take(10).map(u32::to_string).collect();
                format!("the line numbers are {}{}", list.join(", "), if numbers.len() > 10 { " …" } else { "" })
            }
        };
        problems.error(&path.index(i), format!("there is no line {wanted}; {there}"));
    }
}

fn client(form: ClientForm, problems: &mut Problems) -> Client {
    let email = plain(form.email).map(|e| e.trim().to_string());
    // A line break in an address would end a header of the mail that goes there.
    if let Some(email) = email.as_deref().filter(|e| e.chars().any(is_control_or_bidi)) {
        let text = format!("{} holds a control character; a mail address belongs here", quoted(email));
        problems.error(&form.here.key("email"), text);
    }
    let (first, last, phone, language) = (plain(form.first), plain(form.last), plain(form.phone), plain(form.language));
    Client { first, last, email, phone, language }
}

/// A text of a manifest as an identifier, where it could be one.
pub(super) fn identifier(node: &Node) -> Option<String> {
    Identifier::read(node, &Path::default(), &mut Problems::new()).map(|i| i.0)
}
