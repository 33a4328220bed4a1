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
    pub stock: Stock,
}

/// What a printer on the network calls the paper of a size, in the words of IPP.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stock {
    /// Its size, where that is a little different.
    pub media_size: Option<Dimensions>,
    /// Its type, such as `photographic-glossy`; empty: as the printer has it.
    pub media_type: Globs,
    /// The tray, such as `rear`; empty: as the printer has it.
    pub media_source: Globs,
    /// The `paper` of a line is its type, where the printer has one of that name and `media_type` says none.
    pub by_name: bool,
}

/// By how much the sides of a `media_size` may differ from the size that it stands for: a picture that fills it loses
/// no more than that.
const MEDIA_SIZE_DIFFERS_MAX: f64 = 0.05;

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
        /// IPP: the size that the printer has for this paper, at most 5 % different, such as `100x148mm` for 4x6in: the
        /// sheet is scaled to it. Default: the size itself.
        media_size: Dimensions,
        /// IPP: the printer's type of paper, such as `photographic-glossy`, or a glob over its types. Default: the line's
        /// `paper`, where the printer has a type of that name and `type` is given; else as the printer is set.
        media_type: Globs,
        /// IPP: the printer's tray, such as `rear`, or a glob over its trays. Default: as the printer is set.
        media_source: Globs,
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
pub(super) fn check(raw: Option<RawMedia>, default: &Stock, at: &Place, cx: &mut Context<'_>) -> Vec<Media> {
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
        if let Some(media_size) = keys.media_size
            && !is_nearly(media_size, paper)
        {
            let text = format!(
                "{media_size} differs from {paper} by more than 5 %, and the print would not be what was ordered; larger \
                 paper is named with `on`"
            );
            cx.error(&at.key("media_size"), text);
        }
        let paper = keys.r#type.unwrap_or_default();
        let stock = Stock {
            media_size: keys.media_size,
            media_type: keys.media_type.unwrap_or_else(|| default.media_type.clone()),
            media_source: keys.media_source.unwrap_or_else(|| default.media_source.clone()),
            by_name: !paper.is_empty(),
        };
        list.push(Media { size, across: keys.across, on: keys.on, cut_marks, paper, stock });
    }
    list
}

/// Near enough to stand for the other: also asked of what a printer has, to say so.
pub fn is_nearly(size: Dimensions, other: Dimensions) -> bool {
    let (size, other) = (size.short_first(), other.short_first());
    let near = |a: Length, b: Length| {
        let (a, b) = (a.to_inches(1.0), b.to_inches(1.0));
        (a - b).abs() <= b * MEDIA_SIZE_DIFFERS_MAX
    };
    size.is_px() == other.is_px() && near(size.width, other.width) && near(size.height, other.height)
}

fn fits_on(size: Dimensions, paper: Dimensions) -> bool {
    let (size, paper) = (size.short_first(), paper.short_first());
    let inches = |length: Length| length.nm().unwrap_or(0);
    size.is_px() == paper.is_px()
        && inches(size.width) <= inches(paper.width)
        && inches(size.height) <= inches(paper.height)
}
