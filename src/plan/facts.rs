//! What a plan needs to know of the outside world: which pictures there are, and what their headers say.

use std::collections::BTreeMap;

use crate::model::manifest::ImageIndex;
use crate::model::spec::Header;

use super::SourcePlace;

/// A picture in one of some kinds of library source, the preferred one first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Want {
    pub image: ImageIndex,
    pub sources: Vec<String>,
}

/// A file that is the wanted picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// `retouched`, `hires` …; `input` for one that came with the manifest.
    pub kind: String,
    pub place: SourcePlace,
    /// As receipts show it.
    pub shown: String,
    pub bytes: u64,
    /// Or why it is no usable picture: a code and a sentence.
    pub header: Result<Header, (String, String)>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// In the order of the wanted sources; empty when there is none. `looked` says where, for the operator.
    Candidates { list: Vec<Candidate>, looked: String },
    /// Several files fit equally well: a person decides.
    Tie(String),
}

pub type Facts = BTreeMap<Want, Found>;

/// What fonts can show; the plan asks before anything is rendered. A font is named by its digest among the assets of
/// the job; `None` is the one that ships with the program.
pub trait Glyphs {
    /// What of `text` the font cannot show, each once: letters as people see them, with their accents, joiners and
    /// variation selectors.
    fn missing(&self, font: Option<&str>, text: &str) -> Vec<String>;
    /// Width of a line of `text` as a multiple of its height from ascender to descender.
    fn width(&self, font: Option<&str>, text: &str) -> f64;
}
