//! The paper that a sheet is to come out on.

use super::media::Medium;
use crate::model::units::Dimensions;

/// What a printer is asked for, in hundredths of a millimetre.
#[derive(Debug, Clone, PartialEq)]
pub struct Paper {
    pub width_hmm: i32,
    pub height_hmm: i32,
}

impl Paper {
    pub fn of_size(width_hmm: i32, height_hmm: i32) -> Paper {
        Paper { width_hmm, height_hmm }
    }

    /// The short side first.
    pub fn new(size: Dimensions) -> Paper {
        let size = size.short_first();
        let [width, height] = [size.width, size.height].map(|side| (side.to_inches(300.0) * 2540.0).round() as i32);
        Paper::of_size(width, height)
    }
}

impl std::fmt::Display for Paper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Medium { width_hmm: self.width_hmm, height_hmm: self.height_hmm, name: None }.fmt(f)
    }
}
