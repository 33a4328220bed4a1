//! The sizes of paper that a printer takes, and what each asks of the sheet.

use serde_json::{Value, json};

use super::Context;
use crate::model::document::{Node, Path as Place};
use crate::model::globs::Globs;
use crate::model::problem::Problems;
use crate::model::section::{Entries, Read, misplaced};
use crate::model::units::{Dimensions, Length};
use crate::section;

/// One size that a printer takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Media {
    pub size: Dimensions,
    /// The side of the paper that lies across the feed.
    pub across: Option<Length>,
    /// Larger paper that the size is placed on.
    pub on: Option<Dimensions>,
    pub cut_marks: bool,
    /// The `paper` of lines that it takes; empty: any.
    pub paper: Globs,
}

section! {
    /// What one size asks of the sheet.
    pub(super) struct RawMediaKeys {
        /// The side of the paper that lies across the feed, such as `8in`. Default: as the printer says.
        across: Length,
        /// Larger paper that the size is placed on, such as `5x7in`. Default: paper of its own size.
        on: Dimensions,
        /// With `on`: marks to cut along. Default `false`.
        cut_marks: bool,
        /// The `paper` of lines that it takes, one glob or a list. Default any.
        r#type: Globs,
    }
}

#[derive(Debug, Clone)]
pub(super) enum RawMedia {
    List(Vec<Dimensions>),
    Map(Entries<RawMediaKeys>),
}

impl Read for RawMedia {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<RawMedia> {
        match node {
            Node::List(_) => Vec::read(node, path, problems).map(RawMedia::List),
            // A size without more to say has nothing behind its colon.
            Node::Map(entries) => {
                let full: Vec<(String, Node)> = entries
                    .iter()
                    .map(|(key, value)| {
                        (key.clone(), if *value == Node::Null { Node::Map(Vec::new()) } else { value.clone() })
                    })
                    .collect();
                Entries::read(&Node::Map(full), path, problems).map(RawMedia::Map)
            }
            other => misplaced(other, path, problems, "a list of sizes such as `[8x10in, 5x7in]`, or a map of them"),
        }
    }
    fn schema() -> Value {
        json!({ "anyOf": [
            { "type": "array", "items": Dimensions::schema() },
            { "type": "object", "additionalProperties": RawMediaKeys::schema() },
        ] })
    }
}

/// Sizes are distinct, whichever side is written first.
pub(super) fn check(raw: Option<RawMedia>, at: &Place, cx: &mut Context<'_>) -> Vec<Media> {
    let mut list: Vec<Media> = Vec::new();
    let entries: Vec<(Place, Option<Dimensions>, RawMediaKeys)> = match raw {
        None => return list,
        Some(RawMedia::List(sizes)) => {
            let entry = |(i, size)| (at.index(i), Some(size), RawMediaKeys::default());
            sizes.into_iter().enumerate().map(entry).collect()
        }
        Some(RawMedia::Map(map)) => map
            .0
            .into_iter()
            .map(|(key, keys)| {
                let size = Dimensions::parse(&key).map_err(|why| cx.error(&at.key(&key), why.to_string())).ok();
                (at.key(&key), size, keys)
            })
            .collect(),
    };
    if entries.is_empty() {
        cx.error(at, "name at least one size, such as `[8x10in]`");
    }
    for (at, size, keys) in entries {
        let Some(size) = size else { continue };
        if size.is_px() || keys.on.is_some_and(Dimensions::is_px) {
            cx.error(&at, "paper is measured in `in`, `cm` or `mm`");
            continue;
        }
        if list.iter().any(|media| media.size.same_size(size)) {
            cx.error(&at, format!("`{size}` stands here twice: `8x10in` and `10x8in` are one size"));
        }
        if let Some(on) = keys.on
            && !fits_on(size, on)
        {
            cx.error(&at.key("on"), format!("a print of {size} does not fit on {on}"));
        }
        let paper = keys.on.unwrap_or(size);
        if let Some(across) = keys.across
            && across != paper.width
            && across != paper.height
        {
            cx.error(&at.key("across"), format!("{across} is no side of {paper}"));
        }
        let cut_marks = keys.cut_marks.unwrap_or(false);
        if cut_marks && keys.on.is_none() {
            cx.error(&at.key("cut_marks"), "there is nothing to cut: `cut_marks` goes with `on`");
        }
        let paper = keys.r#type.unwrap_or_default();
        list.push(Media { size, across: keys.across, on: keys.on, cut_marks, paper });
    }
    list
}

fn fits_on(size: Dimensions, paper: Dimensions) -> bool {
    let (size, paper) = (size.short_first(), paper.short_first());
    let inches = |length: Length| length.nm().unwrap_or(0);
    size.is_px() == paper.is_px()
        && inches(size.width) <= inches(paper.width)
        && inches(size.height) <= inches(paper.height)
}
