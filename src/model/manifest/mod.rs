//! The manifest: the studio app's description of one job. Untrusted input.
//!
//! Owns: a [`Manifest`] value is whole and within every limit; every reference in it is resolved; a field that nobody
//! knows is kept in `fields` and warned of.

mod album;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod documented;
mod edit;
pub mod form;
mod guess;
pub mod identity;
mod image;
mod line;
mod names;
mod pictures;
mod read;
pub mod scalar;
mod schema;
mod syntax;
#[cfg(test)]
mod tests;
mod whole;

pub use guess::guess_record;
pub use names::{check_names, is_record, one_record, record_with_kind};
pub use pictures::{of_pictures, read_pictures, write_pictures};
pub use read::{ManifestError, ReadManifest, read, read_job};
pub use schema::schema;

use serde::{Deserialize, Serialize};

use super::document::Node;
use super::spec::{Adjust, PixelSize, Tone, Turn};
use super::units::{Dimensions, Length};
use crate::keyword;

keyword! {
    /// What a manifest describes. `pictures` is a drop without a manifest; nothing else may say it.
    #[derive(PartialOrd, Ord)]
    pub enum Kind { Session = "session", Invoice = "invoice", ProductionOrder = "production_order", Pictures = "pictures" }
}

keyword! {
    pub enum Action { New = "new", Reprint = "reprint", Cancel = "cancel" }
}

keyword! {
    pub enum Rating { Selected = "selected", Undecided = "undecided", NotSelected = "not_selected" }
}

keyword! {
    /// What a layout line counts: finished pieces, or sheets.
    pub enum QuantityUnit { Piece = "piece", Sheet = "sheet" }
}

keyword! {
    pub enum Fit { Fill = "fill", Fit = "fit", Pad = "pad" }
}

/// Free fields, in the order of the text.
pub type Fields = Vec<(String, Node)>;

#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    pub kind: Kind,
    pub record: String,
    pub id: Option<String>,
    pub action: Action,
    /// With `reprint`: just these lines.
    pub only: Vec<u32>,
    pub status: String,
    pub status_date: Option<String>,
    pub r#type: Option<String>,
    pub location: Option<String>,
    pub session: Option<String>,
    pub client: Client,
    pub images: Vec<Image>,
    pub lines: Vec<Line>,
    /// Run these instead of what the render jobs say.
    pub profiles: Vec<String>,
    pub not_before: Option<jiff::Timestamp>,
    pub priority: i32,
    pub fields: Fields,
    /// Digest of all that it says, but for what tells one submission from another: id, status, dates, place in the queue.
    pub content: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Client {
    pub first: Option<String>,
    pub last: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub language: Option<String>,
}

/// Fractions 0 … 1 of the whole upright frame, after orientation, `rotate` and `straighten`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Crop {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// Without anything said of it: a picture as it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Image {
    /// Digits as written, without leading zeros.
    pub number: Option<String>,
    pub file: Option<String>,
    pub id: Option<String>,
    pub rating: Option<Rating>,
    pub groups: Vec<String>,
    /// Exactly this library source.
    pub source: Option<String>,
    pub session: Option<String>,
    pub rotate: Turn,
    /// Degrees clockwise, −45 … 45.
    pub straighten: f64,
    pub crop: Option<Crop>,
    pub adjust: Adjust,
    pub tone: Tone,
    /// The upright frame as the studio app knows it.
    pub frame: Option<PixelSize>,
    pub sha256: Option<String>,
    pub fields: Fields,
}

impl Image {
    /// How messages name it.
    pub fn label(&self) -> String {
        match (&self.number, &self.file) {
            (Some(number), None) => format!("image {number}"),
            (_, Some(file)) => file.clone(),
            (None, None) => "an image without a name".to_string(),
        }
    }
}

/// An index into [`Manifest::images`]; a picture that a line names without listing it was added there, without edits.
pub type ImageIndex = usize;

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub line: u32,
    pub item: Option<String>,
    pub description: Option<String>,
    pub quantity: u32,
    pub unit: Option<QuantityUnit>,
    /// Pictures of the line: one of `image`, every one of `images`. Empty for a layout with `slots`.
    pub images: Vec<ImageIndex>,
    /// `images: all`: every entry of the manifest; [`apply_items`](super::pricing::apply_items) puts them into `images`.
    pub all_images: bool,
    pub layout: Option<String>,
    pub slots: Vec<Slot>,
    pub size: Option<Dimensions>,
    pub paper: Option<String>,
    pub fit: Option<Fit>,
    pub border: Option<LineBorder>,
    pub crop: Option<Crop>,
    pub adjust: Option<Adjust>,
    pub tone: Option<Tone>,
    pub source: Option<String>,
    pub profile: Option<String>,
    pub vendor: Option<String>,
    pub notes: Option<String>,
    pub due_date: Option<String>,
    pub package: Option<String>,
    /// From the price list: the profiles that may take this line. `None`: any.
    pub run: Option<Vec<String>>,
    /// From the price list: false where lines of this item make nothing.
    pub render: bool,
    pub fields: Fields,
}

impl Default for Line {
    fn default() -> Line {
        Line {
            line: 1,
            item: None,
            description: None,
            quantity: 1,
            unit: None,
            images: Vec::new(),
            all_images: false,
            layout: None,
            slots: Vec::new(),
            size: None,
            paper: None,
            fit: None,
            border: None,
            crop: None,
            adjust: None,
            tone: None,
            source: None,
            profile: None,
            vendor: None,
            notes: None,
            due_date: None,
            package: None,
            run: None,
            render: true,
            fields: Fields::new(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct LineBorder {
    pub width: Length,
    pub color: super::units::Color,
}

/// One opening of a layout.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    pub image: ImageIndex,
    pub crop: Option<Crop>,
    pub adjust: Option<Adjust>,
    pub tone: Option<Tone>,
    pub source: Option<String>,
}

impl Manifest {
    /// The session of a picture: its own, else the manifest's. A session that names none is the one of its record.
    pub fn session_of<'m>(&'m self, image: Option<&'m Image>) -> Option<&'m str> {
        let of_record = (self.kind == Kind::Session).then_some(&self.record);
        image.and_then(|image| image.session.as_ref()).or(self.session.as_ref()).or(of_record).map(String::as_str)
    }

    /// As with `action: reprint`, `only` these lines, each so many times.
    pub fn reprint(&mut self, only: &[u32], copies: Option<u32>) {
        self.action = Action::Reprint;
        self.only = only.to_vec();
        if let Some(copies) = copies {
            for line in &mut self.lines {
                line.quantity = copies;
                // Copies of a layout are sheets, whatever was counted when it was ordered.
                line.unit = Some(QuantityUnit::Sheet);
            }
        }
    }

    /// `action: reprint` with `only`: just these lines.
    pub fn keep_only_what_is_reprinted(&mut self) {
        if self.action == Action::Reprint && !self.only.is_empty() {
            self.lines.retain(|line| self.only.contains(&line.line));
        }
    }

    /// Estimates, credit memos and session fees are never rendered, nor are generic orders.
    pub fn is_never_rendered(&self) -> bool {
        let r#type = self.r#type.as_deref().unwrap_or_default().trim().to_lowercase();
        match self.kind {
            Kind::Invoice => matches!(r#type.as_str(), "estimate" | "credit memo" | "session fee"),
            Kind::ProductionOrder => r#type == "generic",
            Kind::Session | Kind::Pictures => false,
        }
    }
}
