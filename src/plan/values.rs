//! What the tokens of templates stand for.

use jiff::civil::Date;

use super::frozen::FrozenStudio;
use super::layout::copies;
use crate::model::config::Layout;
use crate::model::document::Node;
use crate::model::manifest::{Fields, Image, Line, Manifest};
use crate::model::profile::{Profile, SizeChoice};
use crate::model::spec::Tone;
use crate::model::template::Token;

/// What every template of a job can say.
#[derive(Debug, Clone, Copy)]
pub struct JobValues<'a> {
    pub job: &'a str,
    /// The day of acceptance, in the studio's time zone.
    pub date: Date,
    pub studio: &'a FrozenStudio,
    pub manifest: &'a Manifest,
}

/// What a template of one picture can say on top.
#[derive(Debug, Clone, Copy, Default)]
pub struct PictureValues<'a> {
    pub profile: Option<&'a Profile>,
    pub image: Option<&'a Image>,
    pub line: Option<&'a Line>,
    /// The line's.
    pub layout: Option<&'a Layout>,
    /// File name of the chosen original.
    pub file: Option<&'a str>,
    pub tone: Option<Tone>,
    /// Its place in the profile's order, from 1.
    pub seq: Option<usize>,
}

impl JobValues<'_> {
    /// The value of a token; `None` where there is none.
    pub fn value(&self, picture: &PictureValues<'_>, token: &Token) -> Option<String> {
        let m = self.manifest;
        let (line, image) = (picture.line, picture.image);
        if let Some(field) = token.name.strip_prefix("fields.") {
            let places: [Option<&Fields>; 3] = [line.map(|l| &l.fields), image.map(|i| &i.fields), Some(&m.fields)];
            let find = |fields: &Fields| fields.iter().find(|(k, _)| k == field).map(|(_, v)| v.clone());
            return places.into_iter().flatten().find_map(find).as_ref().and_then(Node::as_shown);
        }
        match token.name.as_str() {
            "record" => Some(m.record.clone()),
            "kind" => Some(m.kind.word().to_string()),
            "status" => Some(m.status.clone()),
            "session" => m.session_of(image).map(str::to_string),
            "type" => m.r#type.clone(),
            "location" => m.location.clone().or_else(|| self.studio.location.clone()),
            "date" => Some(formatted(self.date, token.format.as_deref())),
            "year" => Some(self.date.year().to_string()),
            "due_date" => line.and_then(|l| l.due_date.clone()).map(|text| due_date(&text, token.format.as_deref())),
            "studio.name" => self.studio.name.clone(),
            "client.first" => m.client.first.clone(),
            "client.last" => m.client.last.clone(),
            "client.email" => m.client.email.clone(),
            "client.phone" => m.client.phone.clone(),
            "profile" => picture.profile.map(|p| p.name.clone()),
            "job" => Some(self.job.to_string()),
            "number" => image.and_then(|i| i.number.clone()),
            "file" => picture.file.map(str::to_string),
            "stem" => picture.file.map(stem).map(str::to_string),
            "line" => line.map(|l| l.line.to_string()),
            "item" => line.and_then(|l| l.item.clone()),
            "description" => line.and_then(|l| l.description.clone()),
            // The pieces of a layout are not what was ordered: its sheet is.
            "size" => picture
                .layout
                .map(|layout| layout.sheet)
                .or_else(|| line.and_then(|line| line.size))
                .map(crate::model::units::Dimensions::label)
                .or_else(|| own_size(picture.profile)),
            "paper" => line.and_then(|l| l.paper.clone()),
            "quantity" => line.map(|l| l.quantity.to_string()),
            "copies" => line.map(|l| copies(l, picture.layout).to_string()),
            "vendor" => line.and_then(|l| l.vendor.clone()),
            "notes" => line.and_then(|l| l.notes.clone()),
            "package" => line.and_then(|l| l.package.clone()),
            "tone" => picture.tone.map(|tone| match tone {
                Tone::Color => "color".to_string(),
                Tone::Bw => "bw".to_string(),
                Tone::Sepia => "sepia".to_string(),
                Tone::Custom(color) => color.to_string(),
            }),
            "seq" => picture.seq.map(|n| n.to_string()),
            _ => None,
        }
    }
}

/// A profile that has a size of its own makes that one.
fn own_size(profile: Option<&Profile>) -> Option<String> {
    match profile?.size {
        SizeChoice::Box(size) => Some(size.label()),
        SizeChoice::LongEdge(length) => Some(length.to_string()),
        SizeChoice::Original | SizeChoice::Ordered => None,
    }
}

/// The name without its extension.
pub fn stem(file: &str) -> &str {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

/// `%Y-%m-%d` and the like, or `YYYY-MM-DD`; the plain date without a format.
fn formatted(date: Date, format: Option<&str>) -> String {
    let Some(format) = format else { return date.to_string() };
    let format = if format.contains('%') {
        format.to_string()
    } else {
        let pairs =
            [("YYYY", "%Y"), ("yyyy", "%Y"), ("YY", "%y"), ("yy", "%y"), ("MM", "%m"), ("DD", "%d"), ("dd", "%d")];
        pairs.iter().fold(format.to_string(), |text, (from, to)| text.replace(from, to))
    };
    // A format that cannot be followed shows the plain date instead of nothing.
    jiff::fmt::strtime::format(&format, date).unwrap_or_else(|_| date.to_string())
}

/// A due date is the studio app's text; only one that starts like a date can be formatted.
fn due_date(text: &str, format: Option<&str>) -> String {
    match text.get(..10).and_then(|day| day.parse::<Date>().ok()) {
        Some(date) if format.is_some() => formatted(date, format),
        _ => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_formatted_in_both_styles() {
        let date = jiff::civil::date(2026, 11, 5);
        assert_eq!(formatted(date, None), "2026-11-05");
        assert_eq!(formatted(date, Some("%d.%m.%y")), "05.11.26");
        assert_eq!(formatted(date, Some("YYYYMMDD")), "20261105");
        assert_eq!(formatted(date, Some("yyyy/MM")), "2026/11");
        assert_eq!(due_date("2026-12-24T10:00:00Z", Some("MMDD")), "1224");
        assert_eq!(due_date("before Christmas", Some("MMDD")), "before Christmas");
    }

    #[test]
    fn stems() {
        assert_eq!((stem("a/b.c.jpg"), stem(".x"), stem("noext")), ("b.c", ".x", "noext"));
    }
}
