//! Paper sizes as printers say them: hundredths of a millimetre, and PWG names such as `na_govt-letter_8x10in`.

use super::answer::Attributes;
use super::paper::Combination;
use crate::model::config::is_nearly;
use crate::model::units::{Dimensions, Length};

/// By how much a printer's paper may differ from the size asked for and still be it: half a millimetre, as the PWG's
/// own rule for matching sizes has it.
pub const TOLERANCE_HMM: i32 = 50;
/// A list of what goes together: long, and sent by printers only when it is asked for by name.
pub(super) const COMBINATIONS: &str = "media-col-database";
/// Half an inch and the like are shown in inches, in this many parts of one.
const HMM_PER_INCH: i32 = 2540;
pub(super) const MARGINS: [&str; 4] =
    ["media-bottom-margin", "media-left-margin", "media-right-margin", "media-top-margin"];

/// A size of paper that a printer takes, in hundredths of a millimetre, as it lies in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Medium {
    pub width_hmm: i32,
    pub height_hmm: i32,
    /// For a printer that knows paper by name alone, the name that it has for this one.
    pub name: Option<String>,
}

/// Paper from a roll: any size from one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediumRange {
    pub width_hmm: (i32, i32),
    pub height_hmm: (i32, i32),
}

/// What paper a printer takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PrinterMedia {
    pub sizes: Vec<Medium>,
    pub ranges: Vec<MediumRange>,
    /// Four margins of nothing are among its margins; `None` when it does not speak of margins.
    pub borderless: Option<bool>,
    /// What lies in it now; empty when it does not say.
    pub ready: Vec<Combination>,
    /// What goes together, where it was asked for that; empty when it does not say.
    pub combinations: Vec<Combination>,
    /// Its words for types of paper and for trays; empty when it does not say.
    pub types: Vec<String>,
    pub sources: Vec<String>,
    /// It knows paper by name alone: `media` is sent, and no `media-col`.
    pub by_name: bool,
}

impl PrinterMedia {
    pub(super) fn read(printer: Attributes<'_>) -> PrinterMedia {
        let mut media = PrinterMedia::default();
        for size in printer.collections("media-size-supported") {
            let (Some(x), Some(y)) = (size.range("x-dimension"), size.range("y-dimension")) else { continue };
            if x.0 == x.1 && y.0 == y.1 {
                media.sizes.push(Medium { width_hmm: x.0, height_hmm: y.0, name: None });
            } else {
                media.ranges.push(MediumRange { width_hmm: x, height_hmm: y });
            }
        }
        media.add_names(&printer.texts("media-supported"));
        media.by_name = !printer.has("media-col-supported") && media.sizes.iter().any(|size| size.name.is_some());
        let has_zero = |side: &&str| printer.ints(&format!("{side}-supported")).contains(&0);
        if MARGINS.iter().any(|side| printer.has(&format!("{side}-supported"))) {
            media.borderless = Some(MARGINS.iter().all(has_zero));
        }
        media.ready = printer.collections("media-col-ready").filter_map(Combination::read).collect();
        if media.ready.is_empty() {
            let names = printer.texts("media-ready");
            media.ready = names.iter().filter_map(|name| named(name)).map(|m| Combination::of_size(&m)).collect();
        }
        media.combinations = printer.collections(COMBINATIONS).filter_map(Combination::read).collect();
        media.types = printer.texts("media-type-supported");
        media.sources = printer.texts("media-source-supported");
        media
    }

    /// Names carry the size; the smallest and largest of a roll come as a pair of them.
    fn add_names(&mut self, names: &[String]) {
        let bound = |which: &str| names.iter().find(|name| name.contains(which)).and_then(|name| named(name));
        if let (Some(min), Some(max)) = (bound("_min_"), bound("_max_")) {
            let range =
                MediumRange { width_hmm: (min.width_hmm, max.width_hmm), height_hmm: (min.height_hmm, max.height_hmm) };
            if !self.ranges.contains(&range) {
                self.ranges.push(range);
            }
        }
        for name in names.iter().filter(|name| !name.contains("_min_") && !name.contains("_max_")) {
            let Some(medium) = named(name) else { continue };
            match self.sizes.iter_mut().find(|size| size.is(medium.width_hmm, medium.height_hmm)) {
                Some(size) if size.name.is_none() => size.name = medium.name,
                Some(_) => {}
                None => self.sizes.push(medium),
            }
        }
    }

    /// It says nothing about its paper, as raw queues do.
    pub fn is_silent(&self) -> bool {
        self.sizes.is_empty() && self.ranges.is_empty()
    }

    /// The size to name for a sheet. Either side may come first: the printer's own way counts.
    pub(super) fn medium(&self, width_hmm: i32, height_hmm: i32, borderless: bool) -> Result<Medium, String> {
        if borderless && self.borderless == Some(false) {
            return Err("it does not print to the paper's edges; say `borderless: false` in the delivery".into());
        }
        let with_name = |medium: &Medium| Medium { name: medium.name.clone().filter(|_| self.by_name), ..*medium };
        let upright = self.sizes.iter().find(|size| size.is(width_hmm, height_hmm));
        if let Some(size) = upright.or_else(|| self.sizes.iter().find(|size| size.is(height_hmm, width_hmm))) {
            return Ok(with_name(size));
        }
        let (short, long) = (width_hmm.min(height_hmm), width_hmm.max(height_hmm));
        if self.is_silent() || self.ranges.iter().any(|range| range.takes(short, long)) {
            return Ok(Medium { width_hmm: short, height_hmm: long, name: None });
        }
        let sizes: Vec<String> = self.sizes.iter().map(Medium::to_string).collect();
        let asked = Medium { width_hmm: short, height_hmm: long, name: None };
        let near = self.sizes.iter().find(|size| size.is_nearly(&asked));
        let hint = near.map(|near| format!("; if {near} is the paper for it, say so with `media_size: {near}`"));
        Err(format!("it takes no {asked}; it takes {}{}", sizes.join(", "), hint.unwrap_or_default()))
    }
}

impl MediumRange {
    pub(super) fn takes(&self, width: i32, height: i32) -> bool {
        let within = |value: i32, (min, max): (i32, i32)| value >= min - TOLERANCE_HMM && value <= max + TOLERANCE_HMM;
        within(width, self.width_hmm) && within(height, self.height_hmm)
    }
}

impl Medium {
    fn is(&self, width_hmm: i32, height_hmm: i32) -> bool {
        let near = |a: i32, b: i32| a.abs_diff(b) <= TOLERANCE_HMM as u32;
        near(self.width_hmm, width_hmm) && near(self.height_hmm, height_hmm)
    }

    fn is_nearly(&self, other: &Medium) -> bool {
        let size = |medium: &Medium| {
            let side = |hmm: i32| Length::inches(f64::from(hmm) / f64::from(HMM_PER_INCH));
            Dimensions::new(side(medium.width_hmm), side(medium.height_hmm))
        };
        is_nearly(size(self), size(other))
    }
}

/// `8x10in` where that is what it is, else in millimetres.
impl std::fmt::Display for Medium {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_inches = |side: i32| side % (HMM_PER_INCH / 4) == 0;
        let (scale, unit) = if is_inches(self.width_hmm) && is_inches(self.height_hmm) {
            (f64::from(HMM_PER_INCH), "in")
        } else {
            (100.0, "mm")
        };
        write!(f, "{}x{}{unit}", f64::from(self.width_hmm) / scale, f64::from(self.height_hmm) / scale)
    }
}

/// A PWG name ends with its size: `na_5x7_5x7in`, `iso_a4_210x297mm`.
fn named(name: &str) -> Option<Medium> {
    let (_, size) = name.rsplit_once('_')?;
    let (number, hmm) = match (size.strip_suffix("in"), size.strip_suffix("mm")) {
        (Some(number), _) => (number, f64::from(HMM_PER_INCH)),
        (_, Some(number)) => (number, 100.0),
        _ => return None,
    };
    let (width, height) = number.split_once('x')?;
    let hundredths = |text: &str| {
        let value = text.parse::<f64>().ok().filter(|v| v.is_finite() && *v > 0.0 && *v < 10_000.0)?;
        Some((value * hmm).round() as i32)
    };
    Some(Medium { width_hmm: hundredths(width)?, height_hmm: hundredths(height)?, name: Some(name.to_string()) })
}

#[cfg(test)]
pub(super) mod tests {
    use ipp::model::DelimiterTag;
    use ipp::value::IppValue;

    use super::super::answer::tests::{answer, keyword};
    use super::*;

    pub(in crate::print::ipp) fn collection(members: &[(&str, IppValue)]) -> IppValue {
        let entry = |(name, value): &(&str, IppValue)| ((*name).try_into().unwrap(), value.clone());
        IppValue::Collection(members.iter().map(entry).collect())
    }

    pub(in crate::print::ipp) fn size(x: i32, y: i32) -> IppValue {
        collection(&[("x-dimension", IppValue::Integer(x)), ("y-dimension", IppValue::Integer(y))])
    }

    fn read(attributes: &[(&str, IppValue)]) -> PrinterMedia {
        let tag = DelimiterTag::PrinterAttributes;
        PrinterMedia::read(answer(tag, attributes).group(tag).unwrap())
    }

    fn photo_printer() -> PrinterMedia {
        let margins = IppValue::Array(vec![IppValue::Integer(0), IppValue::Integer(317)]);
        read(&[
            ("media-size-supported", IppValue::Array(vec![size(10160, 15240), size(20320, 25400)])),
            ("media-supported", IppValue::Array(vec![keyword("na_govt-letter_8x10in"), keyword("na_5x7_5x7in")])),
            ("media-col-supported", keyword("media-size")),
            ("media-bottom-margin-supported", margins.clone()),
            ("media-left-margin-supported", margins.clone()),
            ("media-right-margin-supported", margins.clone()),
            ("media-top-margin-supported", margins),
            ("media-col-ready", collection(&[("media-size", size(20320, 25400))])),
        ])
    }

    #[test]
    fn names_carry_their_size() {
        let sizes = [
            ("na_govt-letter_8x10in", Some((20320, 25400))),
            ("iso_a4_210x297mm", Some((21000, 29700))),
            ("oe_photo-l_3.5x5in", Some((8890, 12700))),
            ("custom_current_101.6x152.4mm", Some((10160, 15240))),
            ("letter", None),
            ("roll_x_axbin", None),
            ("odd_-1x5in", None),
            ("odd_nanxinfmm", None),
        ];
        for (name, size) in sizes {
            assert_eq!(named(name).map(|m| (m.width_hmm, m.height_hmm)), size, "{name}");
        }
    }

    #[test]
    fn a_sheet_finds_its_paper_whichever_side_is_first() {
        let media = photo_printer();
        let found = media.medium(25400, 20310, true).unwrap();
        assert_eq!((found.width_hmm, found.height_hmm, found.name), (20320, 25400, None));
        assert_eq!(media.medium(12700, 17780, true).unwrap().to_string(), "5x7in");
        assert_eq!(media.ready.len(), 1);
        let no = media.medium(27940, 35560, true).unwrap_err();
        assert_eq!(no, "it takes no 11x14in; it takes 4x6in, 8x10in, 5x7in");
        let postcards = read(&[("media-size-supported", size(10000, 14800))]);
        let no = postcards.medium(10160, 15240, true).unwrap_err();
        assert!(
            no.ends_with("it takes 100x148mm; if 100x148mm is the paper for it, say so with `media_size: 100x148mm`")
        );
    }

    #[test]
    fn margins_decide_about_the_edges() {
        assert_eq!(photo_printer().borderless, Some(true));
        let office = read(&[
            ("media-supported", keyword("iso_a4_210x297mm")),
            ("media-bottom-margin-supported", IppValue::Integer(423)),
        ]);
        assert_eq!(office.borderless, Some(false));
        assert!(office.medium(21000, 29700, true).unwrap_err().contains("edges"));
        assert!(office.medium(21000, 29700, false).is_ok());
    }

    #[test]
    fn a_printer_without_media_col_gets_names() {
        let old = read(&[("media-supported", keyword("na_5x7_5x7in"))]);
        assert!(old.by_name);
        assert_eq!(old.medium(17780, 12700, true).unwrap().name.as_deref(), Some("na_5x7_5x7in"));
    }

    #[test]
    fn rolls_take_what_lies_between_their_bounds() {
        let names = ["custom_min_51x89mm", "custom_max_216x330mm"].map(keyword);
        let roll = read(&[("media-supported", IppValue::Array(names.to_vec())), ("media-col-supported", keyword("x"))]);
        assert_eq!(roll.medium(20320, 25400, true).unwrap().to_string(), "8x10in");
        assert!(roll.medium(40640, 50800, true).is_err());
        let silent = read(&[("printer-state", IppValue::Enum(3))]);
        assert!(silent.is_silent() && silent.medium(40640, 50800, true).is_ok());
    }

    #[test]
    fn sizes_of_nonsense_are_left_out() {
        let odd = read(&[
            (
                "media-size-supported",
                collection(&[("x-dimension", keyword("1")), ("y-dimension", IppValue::Integer(1))]),
            ),
            ("media-col-ready", keyword("big")),
            ("media-supported", IppValue::Integer(4)),
        ]);
        assert!(odd.is_silent());
    }
}
