//! Lengths, sizes, durations, shares, colours and times of day as the config and manifests write them.
//!
//! Physical lengths are whole nanometres, so that `8in`, `20.32cm` and `203.2mm` are one value and
//! `round(length × dpi)` has one answer.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

const NM_PER_IN: u64 = 25_400_000;
const NM_PER_CM: u64 = 10_000_000;
const NM_PER_MM: u64 = 1_000_000;
/// The longest length that makes sense: a 40,000 px side at 72 dpi is 14 m.
const LENGTH_MAX_NM: u64 = 20_000 * NM_PER_MM;

/// What a text should have looked like; shown after the text itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnitError(pub String);

fn wrong<T>(text: &str, expected: &str) -> Result<T, UnitError> {
    Err(UnitError(format!("{} is not {expected}", super::name::quoted(text))))
}

/// The unit a length was written in; only decides how it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    In,
    Cm,
    Mm,
    Px,
}

impl Unit {
    const ALL: [(&'static str, Unit); 4] = [("in", Unit::In), ("cm", Unit::Cm), ("mm", Unit::Mm), ("px", Unit::Px)];

    fn suffix(self) -> &'static str {
        match self {
            Unit::In => "in",
            Unit::Cm => "cm",
            Unit::Mm => "mm",
            Unit::Px => "px",
        }
    }

    /// Nanometres (or pixels) of one unit.
    fn scale(self) -> u64 {
        match self {
            Unit::In => NM_PER_IN,
            Unit::Cm => NM_PER_CM,
            Unit::Mm => NM_PER_MM,
            Unit::Px => 1,
        }
    }
}

/// One length: whole pixels, or nanometres.
#[derive(Debug, Clone, Copy)]
pub struct Length {
    /// Pixels when `unit` is `Px`, else nanometres.
    amount: u64,
    unit: Unit,
}

impl Length {
    pub fn px(pixels: u32) -> Length {
        Length { amount: u64::from(pixels), unit: Unit::Px }
    }

    pub fn inches(inches: f64) -> Length {
        Length { amount: (inches * NM_PER_IN as f64).round() as u64, unit: Unit::In }
    }

    pub fn is_px(self) -> bool {
        self.unit == Unit::Px
    }

    /// Nanometres; `None` for a length in pixels.
    pub fn nm(self) -> Option<u64> {
        (!self.is_px()).then_some(self.amount)
    }

    /// Inches at a resolution.
    pub fn to_inches(self, dpi: f64) -> f64 {
        if self.is_px() { self.amount as f64 / dpi } else { self.amount as f64 / NM_PER_IN as f64 }
    }

    /// Pixels at a resolution, not rounded.
    pub fn to_px_exact(self, dpi: f64) -> f64 {
        if self.is_px() { self.amount as f64 } else { self.amount as f64 * dpi / NM_PER_IN as f64 }
    }

    /// Pixels at a resolution, rounded to the nearest whole one.
    pub fn to_px(self, dpi: f64) -> u32 {
        self.to_px_exact(dpi).round() as u32
    }

    /// What is left of it, at least nothing; both are pixels, or neither is.
    #[must_use]
    pub fn minus(self, other: Length) -> Length {
        Length { amount: self.amount.saturating_sub(other.amount), unit: self.unit }
    }

    fn parse_number(text: &str, unit: Unit) -> Option<Length> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 6 || whole.len() > 9 {
            return None;
        }
        if text.ends_with('.') || (unit == Unit::Px && !fraction.is_empty()) {
            return None;
        }
        let mut nano = whole.parse::<u64>().ok()?.checked_mul(unit.scale())?;
        if !fraction.is_empty() {
            let parts = fraction.parse::<u64>().ok()?;
            nano += parts * unit.scale() / 10_u64.pow(fraction.len() as u32);
        }
        let max = if unit == Unit::Px { u64::from(super::limits::SIDE_MAX_PX) } else { LENGTH_MAX_NM };
        (nano <= max).then_some(Length { amount: nano, unit })
    }

    /// `3mm`, `0.5in`, `2048px`; zero is allowed, also a space before the unit, and the unit in any case.
    pub fn parse(text: &str) -> Result<Length, UnitError> {
        let (number, unit) = split_unit(text)?;
        Length::parse_number(number, unit).map_or_else(
            || wrong(text, "a length: a number with `in`, `cm`, `mm` or `px`, such as `8in` or `2048px`"),
            Ok,
        )
    }

    fn number(self) -> String {
        let scale = self.unit.scale();
        let whole = self.amount / scale;
        let rest = self.amount % scale;
        if rest == 0 {
            return whole.to_string();
        }
        // Six decimals are what `parse` takes; more would only show rounding.
        let fraction = (u128::from(rest) * 1_000_000 + u128::from(scale) / 2) / u128::from(scale);
        if fraction >= 1_000_000 {
            return (whole + 1).to_string();
        }
        let text = format!("{whole}.{fraction:06}");
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    }
}

/// Equal lengths are equal in whatever unit they were written.
impl PartialEq for Length {
    fn eq(&self, other: &Length) -> bool {
        self.is_px() == other.is_px() && self.amount == other.amount
    }
}
impl Eq for Length {}
impl std::hash::Hash for Length {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.is_px(), self.amount).hash(state);
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.number(), self.unit.suffix())
    }
}

fn split_unit(text: &str) -> Result<(&str, Unit), UnitError> {
    let units = Unit::ALL.iter().find_map(|(suffix, unit)| {
        let (number, written) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
        written.eq_ignore_ascii_case(suffix).then(|| (number.trim_end(), *unit))
    });
    if let Some(found) = units {
        return Ok(found);
    }
    wrong(text, "a length: the unit is missing (`in`, `cm`, `mm` or `px`)")
}

/// Two lengths, width first as written. `8x10in` and `10x8in` are one [`size`](Dimensions::same_size).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dimensions {
    pub width: Length,
    pub height: Length,
}

impl Dimensions {
    pub fn new(width: Length, height: Length) -> Dimensions {
        Dimensions { width, height }
    }

    /// `8x10in`, `8 x 10 IN`, `2048x1365px`, `A3` … `A5`; never zero.
    pub fn parse(text: &str) -> Result<Dimensions, UnitError> {
        let mm = |w: u64, h: u64| Dimensions {
            width: Length { amount: w * NM_PER_MM, unit: Unit::Mm },
            height: Length { amount: h * NM_PER_MM, unit: Unit::Mm },
        };
        match text {
            "A3" | "a3" => return Ok(mm(297, 420)),
            "A4" | "a4" => return Ok(mm(210, 297)),
            "A5" | "a5" => return Ok(mm(148, 210)),
            _ => {}
        }
        let expected = "a size: two lengths, such as `8x10in` or `2048x1365px`, or `A3` … `A5`";
        let Ok((numbers, unit)) = split_unit(text) else { return wrong(text, expected) };
        let Some((w, h)) = numbers.split_once(['x', 'X', '×']) else { return wrong(text, expected) };
        match (Length::parse_number(w.trim_end(), unit), Length::parse_number(h.trim_start(), unit)) {
            (Some(width), Some(height)) if width.amount > 0 && height.amount > 0 => Ok(Dimensions { width, height }),
            _ => wrong(text, expected),
        }
    }

    /// The short side first.
    #[must_use]
    pub fn short_first(self) -> Dimensions {
        if self.width.to_inches(300.0) <= self.height.to_inches(300.0) { self } else { self.swapped() }
    }

    #[must_use]
    pub fn swapped(self) -> Dimensions {
        Dimensions { width: self.height, height: self.width }
    }

    /// One size for ordering, media and channels, whichever side is written first.
    pub fn same_size(self, other: Dimensions) -> bool {
        self.short_first() == other.short_first()
    }

    pub fn is_square(self) -> bool {
        self.width == self.height
    }

    pub fn is_px(self) -> bool {
        self.width.is_px()
    }

    /// As `{size}` shows it: short side first.
    pub fn label(self) -> String {
        self.short_first().to_string()
    }
}

impl fmt::Display for Dimensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.width.unit == self.height.unit {
            write!(f, "{}x{}", self.width.number(), self.height)
        } else {
            write!(f, "{}x{}", self.width, self.height)
        }
    }
}

/// A share of something, kept as a fraction: `35%` is 0.35.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Share(pub f64);

impl Share {
    pub fn parse(text: &str) -> Result<Share, UnitError> {
        let number = text.strip_suffix('%').and_then(|n| n.parse::<f64>().ok());
        match number {
            Some(n) if (0.0..=100.0).contains(&n) => Ok(Share(n / 100.0)),
            _ => wrong(text, "a share from `0%` to `100%`"),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", (self.0 * 1e6).round() / 1e4)
    }
}

/// `200ms` `2s` `90m` `12h` `30d` `3y`; a year is 365 days.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let expected = "a duration: a number with `ms`, `s`, `m`, `h`, `d` or `y`, such as `2s` or `30d`";
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let unit_ms: f64 = match unit {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        "y" => 365.0 * 86_400_000.0,
        _ => return wrong(text, expected),
    };
    match number.parse::<f64>() {
        Ok(n) if n * unit_ms <= 100.0 * 365.0 * 86_400_000.0 => Ok(Duration::from_millis((n * unit_ms).round() as u64)),
        _ => wrong(text, expected),
    }
}

/// A moment for people, by the clock on their wall: `2026-11-20T15:04:05-06:00`, which programs read too.
pub fn show_moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// The largest unit that shows a duration whole: `90s`, `30m`, `12h`, `7d`.
pub fn show_duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    for (unit, name) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")] {
        if ms >= unit && ms.is_multiple_of(unit) {
            return format!("{}{name}", ms / unit);
        }
    }
    format!("{ms}ms")
}

/// `4.7GB` (powers of 1000), `2GiB` (powers of 1024), `700MB`, `512KiB`, `10B`; in bytes.
pub fn parse_bytes(text: &str) -> Result<u64, UnitError> {
    let expected =
        "a size in bytes: a number with `B`, `KB`, `MB`, `GB`, `TB`, `KiB`, `MiB`, `GiB` or `TiB`, such as `4.7GB`";
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let unit_bytes: f64 = match unit {
        "B" => 1.0,
        "KB" | "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        "TiB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return wrong(text, expected),
    };
    match number.parse::<f64>() {
        Ok(n) if n * unit_bytes < 1e16 => Ok((n * unit_bytes).round() as u64),
        _ => wrong(text, expected),
    }
}

/// Bytes for people: `2.5 MB`.
pub fn show_bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// `#rrggbb` or `#rrggbbaa`, sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color {
    pub red: u8,
    pub green: u8,
    pub blue: u8,
    pub alpha: u8,
}

impl Color {
    pub const WHITE: Color = Color { red: 255, green: 255, blue: 255, alpha: 255 };

    pub fn parse(text: &str) -> Result<Color, UnitError> {
        let expected = "a colour: `#rrggbb` or `#rrggbbaa` in hexadecimal, in quotes";
        let Some(hex) = text.strip_prefix('#') else { return wrong(text, expected) };
        if !matches!(hex.len(), 6 | 8) || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return wrong(text, expected);
        }
        let pair = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).unwrap_or_default();
        Ok(Color { red: pair(0), green: pair(2), blue: pair(4), alpha: if hex.len() == 8 { pair(6) } else { 255 } })
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)?;
        if self.alpha == 255 { Ok(()) } else { write!(f, "{:02x}", self.alpha) }
    }
}

/// Minutes since midnight, written `"22:00"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeOfDay(pub u16);

impl TimeOfDay {
    /// Midnight at the end of a day; only [`Hours`](super::config::Hours) can end there.
    pub const END_OF_DAY: TimeOfDay = TimeOfDay(24 * 60);

    pub fn parse(text: &str) -> Result<TimeOfDay, UnitError> {
        let parsed = text.split_once(':').and_then(|(h, m)| {
            let ok = (1..=2).contains(&h.len()) && m.len() == 2;
            let (h, m) = (h.parse::<u16>().ok()?, m.parse::<u16>().ok()?);
            (ok && h < 24 && m < 60).then(|| TimeOfDay(h * 60 + m))
        });
        parsed.map_or_else(|| wrong(text, "a time of day such as `\"22:00\"` (in quotes)"), Ok)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// Serde by the written form, for the types that have one.
macro_rules! serde_as_text {
    ($($t:ty),*) => {$(
        impl Serialize for $t {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $t {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                <$t>::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}
serde_as_text!(Length, Dimensions, Color);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_length_in_every_unit() {
        let a = Length::parse("8in").unwrap();
        assert_eq!(a, Length::parse("20.32cm").unwrap());
        assert_eq!(a, Length::parse("203.2mm").unwrap());
        assert_eq!(a.to_px(300.0), 2400);
        assert_eq!(Length::parse("3mm").unwrap().to_px(300.0), 35);
        assert_ne!(Length::parse("8px").unwrap(), Length::parse("8in").unwrap());
    }

    #[test]
    fn lengths_print_as_written() {
        for text in ["8in", "3.5in", "0.125in", "20.32cm", "3mm", "2048px", "0in", "19.55in"] {
            assert_eq!(Length::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        assert_eq!(Length::parse("8 In").unwrap(), Length::inches(8.0));
        for text in [
            "8",
            "in",
            "8 0in",
            "8i n",
            "-1in",
            "é",
            "1.in",
            ".5in",
            "1e3in",
            "8.5px",
            "99999999999in",
            "50000px",
            "8inch",
        ] {
            assert!(Length::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_one_whichever_side_is_first() {
        let a = Dimensions::parse("8x10in").unwrap();
        let b = Dimensions::parse("10x8in").unwrap();
        assert!(a.same_size(b) && a != b);
        assert_eq!(b.label(), "8x10in");
        assert_eq!(Dimensions::parse("A4").unwrap().to_string(), "210x297mm");
        assert_eq!(Dimensions::parse("3.5x2.5in").unwrap().label(), "2.5x3.5in");
        for text in ["8x10IN", "8X10in", "8×10in", "8x10 in", "8 x 10 in", "8 X 10 In"] {
            assert_eq!(Dimensions::parse(text).unwrap(), a, "{text}");
        }
        for text in ["8x10", "0x10in", "8x10x12in", "8inx10in", "x10in", "A9", "8x1 0in", "8 10in"] {
            assert!(Dimensions::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_bytes_shares_colours_times() {
        assert_eq!(parse_duration("90m").unwrap(), Duration::from_mins(90));
        assert_eq!(parse_duration("200ms").unwrap(), Duration::from_millis(200));
        assert!(parse_duration("2").is_err() && parse_duration("s").is_err() && parse_duration("-2s").is_err());
        assert_eq!(show_duration(Duration::from_mins(90)), "90m");
        assert_eq!(parse_bytes("4.7GB").unwrap(), 4_700_000_000);
        assert_eq!(parse_bytes("2GiB").unwrap(), 2_147_483_648);
        assert!(parse_bytes("5").is_err());
        assert_eq!(Share::parse("35%").unwrap(), Share(0.35));
        assert!(Share::parse("101%").is_err() && Share::parse("0.3").is_err());
        assert_eq!(Color::parse("#ffffffd0").unwrap().alpha, 0xd0);
        assert!(Color::parse("white").is_err() && Color::parse("#fff").is_err() && Color::parse("#ääaaaa").is_err());
        assert_eq!(TimeOfDay::parse("22:00").unwrap().to_string(), "22:00");
        assert!(TimeOfDay::parse("24:00").is_err() && TimeOfDay::parse("8").is_err());
    }

    #[test]
    fn moments_are_shown_in_the_studios_zone() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let zone = TimeZone::get("America/Chicago").unwrap();
        assert_eq!(show_moment(at("2026-11-30T19:51:36.213Z"), &zone), "2026-11-30T13:51:36-06:00");
        assert_eq!(show_moment(at("2026-03-08T08:30:00Z"), &zone), "2026-03-08T03:30:00-05:00");
    }
}
