//! What is judged when the plan is made, before a pixel is touched.

use serde::{Deserialize, Serialize};

use super::units::Share;
use crate::keyword;

keyword! {
    /// What a finding does: nothing, a warning, or the job waits for a person.
    #[derive(PartialOrd, Ord)]
    pub enum Verdict { Off = "off", Warn = "warn", Hold = "hold" }
}

/// A verdict beyond a bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bound<T> {
    pub bound: T,
    pub then: Verdict,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checks {
    pub unclaimed_line: Verdict,
    pub claimed_twice: Verdict,
    pub uncropped_line: Verdict,
    /// Over this share of the picture (of what the crop left) is cut away.
    pub crop_cuts: Bound<Share>,
    /// Under so many pixels per inch; the worst that holds counts.
    pub low_ppi: Vec<Bound<f64>>,
    pub shape_differs: Verdict,
    pub copies_over: Bound<u32>,
    pub empty_token: Verdict,
    pub no_email: Verdict,
    pub missing_glyph: Verdict,
    /// Over this share of what an earlier job of the record delivered would be taken away.
    #[serde(default = "removes", skip_serializing_if = "is_default_removes")]
    pub removes: Bound<Share>,
}

fn removes() -> Bound<Share> {
    Bound { bound: Share(0.5), then: Verdict::Hold }
}

/// Orders of versions before this check are known again by their digests.
fn is_default_removes(bound: &Bound<Share>) -> bool {
    *bound == removes()
}

impl Default for Checks {
    fn default() -> Self {
        Checks {
            unclaimed_line: Verdict::Hold,
            claimed_twice: Verdict::Hold,
            uncropped_line: Verdict::Warn,
            crop_cuts: Bound { bound: Share(0.02), then: Verdict::Warn },
            low_ppi: vec![Bound { bound: 150.0, then: Verdict::Warn }, Bound { bound: 100.0, then: Verdict::Hold }],
            shape_differs: Verdict::Hold,
            copies_over: Bound { bound: 50, then: Verdict::Hold },
            empty_token: Verdict::Hold,
            no_email: Verdict::Hold,
            missing_glyph: Verdict::Hold,
            removes: removes(),
        }
    }
}
