//! What is asked of a print: paper, copies, quality. And the document itself.

use std::collections::BTreeMap;

use ipp::value::{IppName, IppValue};

use super::facts::PrinterFacts;
use super::media::{MARGINS, Medium};
use crate::keyword;
use crate::model::delivery::PrintQuality;

keyword! {
    /// How a picture that is not of the paper's shape lands on it.
    pub enum Scaling { Fill = "fill", Fit = "fit", None = "none" }
}

/// The settings of one job. The printer is told to refuse what it cannot do instead of printing something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The job's name, by which it is found again: at most 255 bytes.
    pub name: String,
    /// `None`: as the printer has it by default.
    pub media: Option<Medium>,
    /// Type of paper and tray, in the printer's own words.
    pub media_type: Option<String>,
    pub media_source: Option<String>,
    pub borderless: bool,
    pub quality: Option<PrintQuality>,
    pub color_mode: Option<String>,
    pub scaling: Option<Scaling>,
    pub copies: u32,
}

/// The bytes of a sheet, read once so that what was compared with its digest is what leaves.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    pub bytes: &'a [u8],
    /// MIME type, such as `image/jpeg`.
    pub format: &'a str,
}

impl Ticket {
    /// Leaves out what this printer has no such setting for, and says what it was where that may be seen on the print.
    /// A setting that it has with other values stays: then it refuses, and says so.
    pub fn suit(&mut self, facts: &PrinterFacts) -> Vec<String> {
        let mut missing = Vec::new();
        if facts.qualities.is_empty()
            && let Some(quality) = self.quality.take()
            && quality != PrintQuality::Normal
        {
            missing.push(format!("it has no setting for quality; `{quality}` was left out"));
        }
        if facts.color_modes.is_empty()
            && let Some(mode) = self.color_mode.take()
        {
            missing.push(format!("it has no setting for colour; `{mode}` was left out"));
        }
        let scaling = self.scaling.map(|s| s.to_string());
        if scaling.is_some_and(|scaling| !facts.scalings.contains(&scaling)) {
            self.scaling = None;
        }
        missing
    }

    /// The job's attributes, in order.
    pub(super) fn attributes(&self) -> Vec<(&'static str, IppValue)> {
        let mut list = Vec::new();
        if self.copies > 1 {
            list.push(("copies", IppValue::Integer(i32::try_from(self.copies).unwrap_or(i32::MAX))));
        }
        match &self.media {
            Some(Medium { name: Some(name), .. }) => list.extend(keyword(name).map(|name| ("media", name))),
            Some(medium) => list.push(("media-col", self.media_col(medium))),
            None => {}
        }
        if let Some(quality) = self.quality {
            let number = match quality {
                PrintQuality::Draft => 3,
                PrintQuality::Normal => 4,
                PrintQuality::High => 5,
            };
            list.push(("print-quality", IppValue::Enum(number)));
        }
        list.extend(self.color_mode.as_deref().and_then(keyword).map(|mode| ("print-color-mode", mode)));
        list.extend(self.scaling.and_then(|s| keyword(&s.to_string())).map(|scaling| ("print-scaling", scaling)));
        list
    }

    fn media_col(&self, medium: &Medium) -> IppValue {
        let (x, y) = (IppValue::Integer(medium.width_hmm), IppValue::Integer(medium.height_hmm));
        let paper = collection_of([("x-dimension", x), ("y-dimension", y)]);
        let mut members = collection_of([("media-size", IppValue::Collection(paper))]);
        if self.borderless {
            members.extend(collection_of(MARGINS.map(|margin| (margin, IppValue::Integer(0)))));
        }
        for (name, word) in [("media-type", &self.media_type), ("media-source", &self.media_source)] {
            members.extend(word.as_deref().and_then(word_of).map(|word| (IppName::new_truncated(name), word)));
        }
        IppValue::Collection(members)
    }
}

/// Longer than a keyword can be it would be none of the printer's.
fn keyword(text: &str) -> Option<IppValue> {
    IppValue::new_keyword(text).ok()
}

/// Some printers have names for it that people gave, with spaces.
fn word_of(text: &str) -> Option<IppValue> {
    let is_keyword = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.'));
    if is_keyword { keyword(text) } else { IppValue::new_name_without_language(text).ok() }
}

fn collection_of<const N: usize>(members: [(&str, IppValue); N]) -> BTreeMap<IppName, IppValue> {
    members.into_iter().map(|(name, value)| (IppName::new_truncated(name), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        Ticket {
            name: "hf-1".into(),
            media: Some(Medium { width_hmm: 20320, height_hmm: 25400, name: None }),
            media_type: None,
            media_source: None,
            borderless: true,
            quality: Some(PrintQuality::High),
            color_mode: None,
            scaling: Some(Scaling::Fill),
            copies: 2,
        }
    }

    #[test]
    fn borderless_is_four_margins_of_nothing() {
        let attributes = ticket().attributes();
        let names: Vec<&str> = attributes.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["copies", "media-col", "print-quality", "print-scaling"]);
        let IppValue::Collection(media) = &attributes[1].1 else { panic!("no collection") };
        assert_eq!(media.len(), 5);
        assert_eq!(media.get("media-left-margin"), Some(&IppValue::Integer(0)));
        let IppValue::Collection(size) = &media["media-size"] else { panic!("no collection") };
        assert_eq!(size.get("x-dimension"), Some(&IppValue::Integer(20320)));
        let bordered = Ticket { borderless: false, ..ticket() };
        assert!(matches!(&bordered.attributes()[1].1, IppValue::Collection(media) if media.len() == 1));
    }

    #[test]
    fn type_and_tray_go_with_the_size() {
        let kind = Some("Photo Paper Plus".to_string());
        let of = Ticket { media_type: kind, media_source: Some("rear".into()), ..ticket() };
        let IppValue::Collection(media) = &of.attributes()[1].1 else { panic!("no collection") };
        assert_eq!(media["media-type"], IppValue::new_name_without_language("Photo Paper Plus").unwrap());
        assert_eq!((&media["media-source"], media.len()), (&keyword("rear").unwrap(), 7));
    }

    #[test]
    fn paper_that_is_known_by_name_goes_by_name() {
        let named = Medium { width_hmm: 1, height_hmm: 1, name: Some("na_5x7_5x7in".into()) };
        let attributes =
            Ticket { media: Some(named), copies: 1, quality: None, scaling: None, ..ticket() }.attributes();
        assert_eq!(attributes, [("media", keyword("na_5x7_5x7in").unwrap())]);
    }
}
