//! What clients read, in the languages that the program speaks: a file for each language.
//!
//! Owns: each language says all of it, and what letters and pages say alike stands once. `{}` is where a value goes. Must
//! not know who tells what: a letter or a page is put together where it is sent from.

mod english;
mod french;
mod german;
mod spanish;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Zoned;
use jiff::civil::Date;

use self::english::ENGLISH;
use self::french::FRENCH;
use self::german::GERMAN;
use self::spanish::SPANISH;
use super::units::show_bytes;

/// The first is for those who speak none of the others.
pub const ALL: [&Words; 4] = [&ENGLISH, &GERMAN, &SPANISH, &FRENCH];

/// One language.
#[derive(Debug)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct Words {
    /// As `lang` and `Accept-Language` write it.
    pub language: &'static str,
    pub your_pictures: &'static str,
    pub letter: LetterWords,
    pub page: PageWords,
    /// One, and several.
    pictures: [&'static str; 2],
    months: [&'static str; 12],
    /// From Monday on.
    weekdays: [&'static str; 7],
    decimal_point: &'static str,
    /// The sign of a byte.
    byte: &'static str,
    #[cfg_attr(test, serde(skip))]
    date: fn(day: i8, month: &str, year: i16) -> String,
    /// A weekday and a date with the time of day, behind *until*.
    #[cfg_attr(test, serde(skip))]
    moment: fn(weekday: &str, date: &str, hour: i8, minute: i8) -> String,
}

/// The mail with a link.
#[derive(Debug)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct LetterWords {
    pub subject_of: &'static str,
    pub hello: &'static str,
    pub hello_to: &'static str,
    pub ready: &'static str,
    pub until: &'static str,
    pub pin_note: &'static str,
    pub ask: &'static str,
    pub regards: &'static str,
}

/// The pages that links open.
#[derive(Debug)]
#[cfg_attr(test, derive(serde::Serialize))]
pub struct PageWords {
    /// Where the studio has no name.
    pub studio: &'static str,
    pub pictures_for: &'static str,
    pub until: &'static str,
    pub download_all: &'static str,
    pub one_zip: &'static str,
    pub all_used_up: &'static str,
    pub to_look_at: &'static str,
    pub pictures: &'static str,
    pub extras: &'static str,
    pub download: &'static str,
    /// Heard before the size of the file.
    pub download_named: &'static str,
    pub yours_alone: &'static str,
    pub yours_alone_to_keep: &'static str,
    /// As the two before, where there is a PIN.
    pub yours_by_pin: &'static str,
    pub yours_by_pin_to_keep: &'static str,

    pub all_pictures: &'static str,
    /// Heard before [`place`](PageWords::place).
    pub picture: &'static str,
    /// Which, and of how many.
    pub place: &'static str,
    pub other_pictures: &'static str,
    pub previous: &'static str,
    pub next: &'static str,
    /// On a phone: leads to the picture by itself.
    pub to_photos: &'static str,

    pub pin_title: &'static str,
    pub pin_why: &'static str,
    pub pin: &'static str,
    pub pin_button: &'static str,
    pub pin_wrong: &'static str,
    /// One minute, and several.
    pin_wait: [&'static str; 2],

    pub closed_title: &'static str,
    pub closed_text: &'static str,
    pub closed_button: &'static str,
    pub asked_title: &'static str,
    pub asked_text: &'static str,
    pub write_to: &'static str,
    pub nothing_title: &'static str,
    pub nothing_text: &'static str,

    pub missing_title: &'static str,
    pub missing_text: &'static str,
    pub no_such_picture: &'static str,
    pub no_such_file: &'static str,
    pub used_up_title: &'static str,
    pub used_up_text: &'static str,
    pub slow_down_title: &'static str,
    pub slow_down_text: &'static str,
    pub misread_title: &'static str,
    pub misread_text: &'static str,
    pub broken_title: &'static str,
    pub broken_text: &'static str,
}

impl Words {
    /// Of a tag such as `de` or `de-CH`.
    pub fn of(tag: &str) -> Option<&'static Words> {
        let head = tag.trim().split(['-', '_']).next().unwrap_or_default();
        ALL.into_iter().find(|words| words.language.eq_ignore_ascii_case(head))
    }

    /// As [`of`](Words::of); English where the language is not among them.
    pub fn of_client(tag: Option<&str>) -> &'static Words {
        tag.and_then(Words::of).unwrap_or(ALL[0])
    }

    /// Of what a browser says in `Accept-Language`: the one that its user likes best.
    pub fn accepted(header: &str) -> &'static Words {
        /// Nobody reads more languages; the rest is not looked at.
        const LOOKED_AT_MAX: usize = 20;
        let mut best: Option<(f32, &'static Words)> = None;
        for entry in header.split(',').take(LOOKED_AT_MAX) {
            let (tag, parameter) = entry.split_once(';').unwrap_or((entry, ""));
            let liking = match parameter.trim().split_once('=') {
                Some((name, value)) if name.trim() == "q" => value.trim().parse().unwrap_or(0.0),
                _ => 1.0,
            };
            let is_better = liking > best.map_or(0.0, |(best, _)| best);
            best = Words::of(tag).filter(|_| is_better).map(|words| (liking, words)).or(best);
        }
        best.map_or(ALL[0], |(_, words)| words)
    }

    pub fn date(&self, date: Date) -> String {
        let month = self.months[usize::from(date.month().unsigned_abs().clamp(1, 12)) - 1];
        (self.date)(date.day(), month, date.year())
    }

    /// To the minute.
    pub fn moment(&self, at: &Zoned) -> String {
        let weekday = self.weekdays[usize::from(at.weekday().to_monday_zero_offset().unsigned_abs()) % 7];
        // A day is not parted from its month by the end of a line.
        let date = self.date(at.date()).replacen(' ', "\u{a0}", 1);
        (self.moment)(weekday, &date, at.hour(), at.minute())
    }

    /// `1 picture`, `40 pictures`
    pub fn pictures(&self, count: usize) -> String {
        numbered(self.pictures, count as u64)
    }

    /// `2.5 MB`; its two parts stay in one line.
    pub fn bytes(&self, bytes: u64) -> String {
        let shown = show_bytes(bytes);
        let (number, unit) = shown.split_once(' ').unwrap_or((&shown, ""));
        format!("{}\u{a0}{}", number.replace('.', self.decimal_point), unit.replace('B', self.byte))
    }
}

impl PageWords {
    /// How long no PIN is looked at.
    pub fn pin_wait(&self, wait: Duration) -> String {
        numbered(self.pin_wait, wait.as_secs().div_ceil(60).max(1))
    }

    pub fn place(&self, number: usize, count: usize) -> String {
        self.place.replacen("{}", &number.to_string(), 1).replacen("{}", &count.to_string(), 1)
    }
}

/// All of these languages have one form for one thing and one for several.
fn numbered([one, several]: [&str; 2], count: u64) -> String {
    if count == 1 { one.to_string() } else { several.replace("{}", &count.to_string()) }
}
