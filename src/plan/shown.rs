//! The pictures that one output shows, each with what slot, line and image say of it.
//!
//! Owns: the slot's word wins over the line's, the line's over the image's.

use super::facts::Want;
use super::selection::Pick;
use crate::model::manifest::{Crop, Image, ImageIndex, Line, Manifest, Slot};
use crate::model::profile::{CropChoice, Profile};
use crate::model::spec::{Adjust, Tone};

/// One picture of an output.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    pub image: ImageIndex,
    pub line: Option<&'a Line>,
    pub slot: Option<&'a Slot>,
}

/// All of them: one for a plain picture and for a layout that repeats it, one for each slot.
pub fn shown_of<'a>(pick: &Pick<'a>) -> Vec<Shown<'a>> {
    let line = pick.line;
    match line.filter(|l| l.layout.is_some() && !l.slots.is_empty()) {
        Some(of) => of.slots.iter().map(|slot| Shown { image: slot.image, line, slot: Some(slot) }).collect(),
        None => vec![Shown { image: pick.image, line, slot: None }],
    }
}

impl<'a> Shown<'a> {
    pub fn image(self, manifest: &'a Manifest) -> &'a Image {
        &manifest.images[self.image]
    }

    pub fn tone(self, manifest: &Manifest) -> Tone {
        let slot = self.slot.and_then(|s| s.tone);
        slot.or_else(|| self.line.and_then(|l| l.tone)).unwrap_or(self.image(manifest).tone)
    }

    pub fn adjust(self, manifest: &Manifest) -> Adjust {
        let slot = self.slot.and_then(|s| s.adjust);
        slot.or_else(|| self.line.and_then(|l| l.adjust)).unwrap_or(self.image(manifest).adjust)
    }

    pub fn crop(self, manifest: &Manifest, choice: CropChoice) -> Option<Crop> {
        let own = || self.slot.and_then(|s| s.crop).or_else(|| self.line.and_then(|l| l.crop));
        match choice {
            CropChoice::Line => own().or(self.image(manifest).crop),
            CropChoice::Image => self.image(manifest).crop,
            CropChoice::None => None,
        }
    }

    /// The kinds of library source that it may come from, the preferred one first.
    pub fn want(self, manifest: &Manifest, profile: &Profile, beside: bool) -> Want {
        let exact = || {
            let slot = self.slot.and_then(|s| s.source.clone());
            let line = || self.line.and_then(|l| l.source.clone());
            slot.or_else(line).or_else(|| self.image(manifest).source.clone())
        };
        let sources = if beside {
            vec!["input".into()]
        } else {
            exact().map_or_else(|| profile.source.clone(), |source| vec![source])
        };
        Want { image: self.image, sources }
    }

    /// "line 3, image 7"
    pub fn label(self, manifest: &Manifest) -> String {
        let image = self.image(manifest).label();
        self.line.map_or_else(|| image.clone(), |l| format!("line {}, {image}", l.line))
    }
}
