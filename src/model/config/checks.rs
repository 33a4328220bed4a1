//! The checks that are judged when a plan is made.

use serde_json::{Value, json};

use crate::model::checks::{Bound, Checks, Verdict};
use crate::model::document::{Node, Path as Place};
use crate::model::problem::Problems;
use crate::model::section::{Read, Real, Whole, misplaced};
use crate::model::units::Share;
use crate::section;

section! {
    /// What is judged before anything is rendered: `off`, `warn` or `hold`.
    pub(super) struct RawChecks {
        /// A line with pictures that no profile takes: `off`, `warn` or `hold`. Default `hold`.
        unclaimed_line: Verdict,
        /// A line that two profiles with `to: print` or `to: lab` take: `off`, `warn` or `hold`. Default `hold`.
        claimed_twice: Verdict,
        /// A picture of another shape than its ordered size that nobody cropped: `off`, `warn` or `hold`. Default `warn`.
        uncropped_line: Verdict,
        /// More than a share of the picture is cut off to fill the size: `{ over: 2%, then: warn }`, the default, or one word.
        crop_cuts: CropCuts,
        /// Fewer pixels per inch than a bound: a list. Default `[{ under: 150, then: warn }, { under: 100, then: hold }]`; `off` for none.
        low_ppi: LowPpi,
        /// Two sources of a picture differ in shape by more than 0.5 %, so that somebody cropped the file: `off`, `warn` or `hold`. Default `hold`.
        shape_differs: Verdict,
        /// More copies than this of one line: `{ over: 50, then: hold }`, the default, or one word.
        copies_over: CopiesOver,
        /// A name, path, text or address whose template comes out empty: `off`, `warn` or `hold`. Default `hold`.
        empty_token: Verdict,
        /// A mail to a client without an address: `off`, `warn` or `hold`. Default `hold`.
        no_email: Verdict,
        /// A text with a letter that its font does not have: `off`, `warn` or `hold`. Default `hold`.
        missing_glyph: Verdict,
        /// A later manifest takes away more than a share of what its record has at a destination: `{ over: 50%, then: hold }`, the default, or one word.
        removes: Removes,
    }
}

section! {
    /// A bound on what is cut off.
    pub(super) struct RawCropCuts {
        /// The share of the picture, such as `2%`. Default `2%`.
        over: Share,
        /// `off`, `warn` or `hold`. Default `warn`.
        then: Verdict,
    }
}

section! {
    /// A bound on what a later manifest takes away.
    pub(super) struct RawRemoves {
        /// The share of the pictures delivered before, 0 % to 100 %, such as `50%`; with `0%` every one is asked about. Default `50%`.
        over: Share,
        /// `off`, `warn` or `hold`. Default `hold`.
        then: Verdict,
    }
}

section! {
    /// A bound on copies.
    pub(super) struct RawCopiesOver {
        /// The number of copies, 1 to 9999. Default 50.
        over: Whole<1, 9999>,
        /// `off`, `warn` or `hold`. Default `hold`.
        then: Verdict,
    }
}

section! {
    /// A bound on pixels per inch.
    pub(super) struct RawLowPpi {
        /// Pixels per inch on paper, 1 to 4800.
        under: Real<1, 4800> [required],
        /// `off`, `warn` or `hold`.
        then: Verdict [required],
    }
}

/// A word, or a map with a bound.
macro_rules! word_or {
    ($name:ident, $raw:ty, $expected:literal) => {
        #[derive(Debug, Clone)]
        pub(super) enum $name {
            Word(Verdict),
            Bound($raw),
        }

        impl Read for $name {
            fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<$name> {
                match node {
                    Node::Map(_) => <$raw>::read(node, path, problems).map($name::Bound),
                    word @ Node::Text(_) => Verdict::read(word, path, problems).map($name::Word),
                    other => misplaced(other, path, problems, $expected),
                }
            }
            fn schema() -> Value {
                json!({ "anyOf": [Verdict::schema(), <$raw>::schema()] })
            }
        }
    };
}
word_or!(CropCuts, RawCropCuts, "`{ over: 2%, then: warn }`, or one of `off`, `warn`, `hold`");
word_or!(Removes, RawRemoves, "`{ over: 50%, then: hold }`, or one of `off`, `warn`, `hold`");
word_or!(CopiesOver, RawCopiesOver, "`{ over: 50, then: hold }`, or one of `off`, `warn`, `hold`");

#[derive(Debug, Clone)]
pub(super) struct LowPpi(Vec<RawLowPpi>);

impl Read for LowPpi {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<LowPpi> {
        match node {
            Node::Text(text) if text == "off" => Some(LowPpi(Vec::new())),
            Node::List(_) => Vec::read(node, path, problems).map(LowPpi),
            _ => {
                let text = "a list of bounds such as `[{ under: 150, then: warn }]`, or `off`, belongs here";
                problems.error(path, text);
                None
            }
        }
    }
    fn schema() -> Value {
        json!({ "anyOf": [{ "const": "off" }, { "type": "array", "items": RawLowPpi::schema() }] })
    }
}

impl RawChecks {
    /// What is not said stays as it is in `base`.
    pub(super) fn check(self, base: &Checks) -> Checks {
        Checks {
            unclaimed_line: self.unclaimed_line.unwrap_or(base.unclaimed_line),
            claimed_twice: self.claimed_twice.unwrap_or(base.claimed_twice),
            uncropped_line: self.uncropped_line.unwrap_or(base.uncropped_line),
            crop_cuts: match self.crop_cuts {
                None => base.crop_cuts,
                Some(CropCuts::Word(then)) => Bound { then, ..base.crop_cuts },
                Some(CropCuts::Bound(raw)) => Bound {
                    bound: raw.over.unwrap_or(base.crop_cuts.bound),
                    then: raw.then.unwrap_or(base.crop_cuts.then),
                },
            },
            low_ppi: self.low_ppi.map_or_else(
                || base.low_ppi.clone(),
                |LowPpi(list)| {
                    let bound = |raw: RawLowPpi| Some(Bound { bound: raw.under?.0, then: raw.then? });
                    list.into_iter().filter_map(bound).collect()
                },
            ),
            shape_differs: self.shape_differs.unwrap_or(base.shape_differs),
            copies_over: match self.copies_over {
                None => base.copies_over,
                Some(CopiesOver::Word(then)) => Bound { then, ..base.copies_over },
                Some(CopiesOver::Bound(raw)) => Bound {
                    bound: raw.over.map_or(base.copies_over.bound, |over| over.0 as u32),
                    then: raw.then.unwrap_or(base.copies_over.then),
                },
            },
            empty_token: self.empty_token.unwrap_or(base.empty_token),
            no_email: self.no_email.unwrap_or(base.no_email),
            missing_glyph: self.missing_glyph.unwrap_or(base.missing_glyph),
            removes: match self.removes {
                None => base.removes,
                Some(Removes::Word(then)) => Bound { then, ..base.removes },
                Some(Removes::Bound(raw)) => {
                    Bound { bound: raw.over.unwrap_or(base.removes.bound), then: raw.then.unwrap_or(base.removes.then) }
                }
            },
        }
    }
}
