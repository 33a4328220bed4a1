//! By which rules a plan is made.
//!
//! Owns: an order is known again for years. Its digests are always counted by the first rules, whatever was mended
//! since; and a job keeps to the rules of its first plan, so that its pictures are made alike, also after an update in
//! the middle of it.

use serde::{Deserialize, Serialize};

/// The rules, by number.
///
/// 1: of 0.1.0. The border of an opening ends at the edge of the sheet; a border makes a picture that is sized by its
/// long edge shorter; `metadata: copyright` drops the dates, and archives are not dated.
/// 2: that border goes on in the bleed, the long edge is as long as it was asked for, dates stay.
/// 3: `format: copy` hands on an original that its orientation tag turns, and makes no original again with fewer bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Form(u32);

impl Form {
    /// What digests are counted by.
    pub const FIRST: Form = Form(1);
    /// What this version makes plans by.
    pub const CURRENT: Form = Form(3);

    pub fn is_first(self) -> bool {
        self == Form::FIRST
    }

    /// Whether `format: copy` leaves orientation and depth of an original as they are.
    pub fn copies_as_stored(self) -> bool {
        self >= Form(3)
    }
}

/// For which job a plan is made, on what day, and by which rules.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    pub job: &'a str,
    pub date: jiff::civil::Date,
    pub form: Form,
}

impl Occasion<'_> {
    /// Of a plan that is compared with others: what is ordered depends neither on the day nor on the job.
    pub const COMPARED: Occasion<'static> =
        Occasion { job: "job", date: jiff::civil::date(2000, 1, 1), form: Form::FIRST };
}
