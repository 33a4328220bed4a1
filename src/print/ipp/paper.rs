//! The paper that a sheet is to come out on, and what a printer calls it: size, type, tray, and whether to its edges.

use super::answer::Attributes;
use super::media::{MARGINS, Medium, MediumRange, PrinterMedia};
use crate::model::config::{Media, Stock};
use crate::model::globs::Globs;
use crate::model::units::Dimensions;

/// A printer's words for a type or tray that may be any.
const ANY: [&str; 3] = ["auto", "auto-select", "any"];
/// What the standard puts before the surface of photo paper, as in `photographic-glossy`.
const PHOTOGRAPHIC: &str = "photographic-";

/// What a printer is asked for; sizes in hundredths of a millimetre.
#[derive(Debug, Clone, PartialEq)]
pub struct Paper {
    pub width_hmm: i32,
    pub height_hmm: i32,
    pub borderless: bool,
    pub media_type: Globs,
    pub media_source: Globs,
    /// What the order calls it, where the config has its printer's paper chosen by that.
    pub name: Option<String>,
}

/// How a printer is asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub medium: Medium,
    pub media_type: Option<String>,
    pub media_source: Option<String>,
    /// What the printer has no setting for, or does not want to be left open, in plain words.
    pub remarks: Vec<String>,
}

/// What goes together in a printer, as far as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combination {
    pub size: MediumRange,
    /// Four margins of nothing.
    pub borderless: Option<bool>,
    pub media_type: Option<String>,
    pub media_source: Option<String>,
}

impl Paper {
    pub fn of_size(width_hmm: i32, height_hmm: i32) -> Paper {
        let (media_type, media_source) = (Globs::default(), Globs::default());
        Paper { width_hmm, height_hmm, borderless: false, media_type, media_source, name: None }
    }

    /// `size` is that of the sheet without its overspray; its short side comes first.
    pub fn new(size: Dimensions, borderless: bool, stock: &Stock, name: Option<&str>) -> Paper {
        let size = stock.media_size.unwrap_or(size).short_first();
        let [width, height] = [size.width, size.height].map(|side| (side.to_inches(300.0) * 2540.0).round() as i32);
        Paper {
            borderless,
            media_type: stock.media_type.clone(),
            media_source: stock.media_source.clone(),
            name: name.filter(|_| stock.by_name).map(str::to_string),
            ..Paper::of_size(width, height)
        }
    }

    pub fn of(media: &Media, borderless: bool) -> Paper {
        Paper::new(media.on.unwrap_or(media.size), borderless, &media.stock, None)
    }
}

impl std::fmt::Display for Paper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Medium { width_hmm: self.width_hmm, height_hmm: self.height_hmm, name: None }.fmt(f)
    }
}

impl Combination {
    /// `None` for one that says no size.
    pub(super) fn read(media_col: Attributes<'_>) -> Option<Combination> {
        let size = media_col.collections("media-size").next()?;
        let size = MediumRange { width_hmm: size.range("x-dimension")?, height_hmm: size.range("y-dimension")? };
        let says_margins = MARGINS.iter().all(|side| media_col.has(side));
        let borderless = says_margins.then(|| MARGINS.iter().all(|side| media_col.int(side) == Some(0)));
        let word = |name| media_col.text(name).filter(|word| !ANY.contains(&word.as_str()));
        Some(Combination { size, borderless, media_type: word("media-type"), media_source: word("media-source") })
    }

    pub(super) fn of_size(medium: &Medium) -> Combination {
        let [width_hmm, height_hmm] = [medium.width_hmm, medium.height_hmm].map(|side| (side, side));
        let size = MediumRange { width_hmm, height_hmm };
        Combination { size, borderless: None, media_type: None, media_source: None }
    }

    fn is_size(&self, medium: &Medium) -> bool {
        let (width, height) = (medium.width_hmm, medium.height_hmm);
        self.size.takes(width, height) || self.size.takes(height, width)
    }

    fn has(&self, choice: &Choice) -> bool {
        let may_be = |own: &Option<String>, asked: &Option<String>| own.is_none() || asked.is_none() || own == asked;
        may_be(&self.media_type, &choice.media_type) && may_be(&self.media_source, &choice.media_source)
    }

    /// Where it does not speak of margins, its printer's own decide.
    fn reaches_the_edges(&self) -> bool {
        self.borderless != Some(false)
    }
}

impl std::fmt::Display for Combination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = self.media_type.as_deref().unwrap_or("any type");
        match &self.media_source {
            Some(source) => write!(f, "{kind} from {source}"),
            None => f.write_str(kind),
        }
    }
}

impl PrinterMedia {
    /// How to ask for a paper; or why the printer does not have it. A queue may accept anything and print it on
    /// whatever lies there, so that this is asked before every print.
    pub fn choose(&self, paper: &Paper) -> Result<Choice, String> {
        let medium = self.medium(paper.width_hmm, paper.height_hmm, paper.borderless)?;
        let mut choice = Choice { medium, media_type: None, media_source: None, remarks: Vec::new() };
        choice.media_type = pick("media_type", &self.types, &paper.media_type, &mut choice.remarks)?;
        choice.media_source = pick("media_source", &self.sources, &paper.media_source, &mut choice.remarks)?;
        if choice.media_type.is_none() && paper.media_type.is_empty() {
            choice.media_type = paper.name.as_deref().and_then(|name| of_name(name, &self.types));
        }
        if self.by_name && (choice.media_type.take().is_some() | choice.media_source.take().is_some()) {
            choice.remarks.push("it knows paper by name alone; its type and tray are not sent".into());
        }
        self.go_together(paper, choice)
    }

    /// A printer may reach the edges on some paper only, or have a type in one tray only: it lists what goes together.
    fn go_together(&self, paper: &Paper, mut choice: Choice) -> Result<Choice, String> {
        let loaded = self.ready.iter().filter(|c| c.borderless.is_some() && !self.combinations.is_empty());
        let of_size: Vec<&Combination> =
            self.combinations.iter().chain(loaded).filter(|c| c.is_size(&choice.medium)).collect();
        let fit: Vec<&Combination> =
            of_size.iter().filter(|c| !paper.borderless || c.reaches_the_edges()).copied().collect();
        let mut offered: Vec<String> = fit.iter().map(ToString::to_string).collect();
        offered.sort();
        offered.dedup();
        let offered = offered.join(", ");
        // A list without this size says nothing of it.
        if of_size.is_empty() || fit.iter().any(|c| c.has(&choice)) {
            let is_left_out =
                |c: &&Combination| fit.iter().all(|fit| fit.media_type.is_some() && fit.media_type != c.media_type);
            if choice.media_type.is_none() && of_size.iter().any(is_left_out) {
                choice.remarks.push(format!(
                    "it prints {} to the paper's edges on {offered} only; name the one that is in it as `media_type`",
                    choice.medium
                ));
            }
            return Ok(choice);
        }
        let edges = if paper.borderless { " to the paper's edges" } else { "" };
        let kind = choice.media_type.map(|kind| format!(" on {kind}")).unwrap_or_default();
        let source = choice.media_source.map(|source| format!(" from {source}")).unwrap_or_default();
        let hint = if offered.is_empty() {
            "say `borderless: false` in the delivery".to_string()
        } else {
            format!("it does on {offered}")
        };
        Err(format!("it does not print {}{edges}{kind}{source}; {hint}", choice.medium))
    }

    /// Whether this paper lies in it, by what it says. What it does not have at all is not for its trays to say.
    pub fn has_loaded(&self, paper: &Paper) -> bool {
        let Ok(choice) = self.choose(paper) else { return true };
        self.ready.iter().any(|loaded| loaded.is_size(&choice.medium) && loaded.has(&choice))
    }
}

/// The first of a printer's words that fits; one that is written in full goes before one that a pattern finds.
fn pick(key: &str, offered: &[String], wanted: &Globs, remarks: &mut Vec<String>) -> Result<Option<String>, String> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let written = wanted.written();
    let in_full = |word: &&String| written.iter().any(|wanted| wanted.trim().eq_ignore_ascii_case(word));
    let found = offered.iter().find(in_full).or_else(|| offered.iter().find(|word| wanted.matches(word)));
    match found {
        Some(word) => Ok(Some(word.clone())),
        None if !offered.is_empty() => {
            Err(format!("it has no `{key}` {}; it has {}", written.join(", "), offered.join(", ")))
        }
        None => {
            remarks.push(format!("it does not say which `{key}` it has; {} is not sent", written.join(", ")));
            Ok(None)
        }
    }
}

/// `Glossy` is `glossy` or `photographic-glossy`.
fn of_name(name: &str, offered: &[String]) -> Option<String> {
    let name = name.trim().to_lowercase().replace(' ', "-");
    let is_it = |word: &&String| {
        let word = word.to_lowercase();
        word == name || word.strip_prefix(PHOTOGRAPHIC) == Some(&name)
    };
    offered.iter().find(is_it).cloned()
}

#[cfg(test)]
mod tests {
    use ipp::model::DelimiterTag;
    use ipp::value::IppValue;

    use super::super::answer::tests::{answer, keyword};
    use super::super::media::tests::{collection, size};
    use super::*;

    const GLOSSY: &str = "photographic-glossy";
    const SIZE: (i32, i32) = (10160, 15240);

    fn media_col((x, y): (i32, i32), margin: i32, kind: &str, source: &str) -> IppValue {
        let mut members = vec![("media-size", size(x, y))];
        members.extend(MARGINS.map(|side| (side, IppValue::Integer(margin))));
        members.extend([("media-type", keyword(kind)), ("media-source", keyword(source))]);
        collection(&members)
    }

    fn inkjet(database: &[IppValue], loaded: &[IppValue]) -> PrinterMedia {
        let keywords = |words: &[&str]| IppValue::Array(words.iter().map(|word| keyword(word)).collect());
        let mut attributes = vec![
            ("media-size-supported", IppValue::Array(vec![size(10160, 15240), size(20320, 25400)])),
            ("media-col-supported", keywords(&["media-size", "media-type"])),
            ("media-type-supported", keywords(&["stationery", "photographic", GLOSSY, "photographic-matte"])),
            ("media-source-supported", keywords(&["main", "rear"])),
        ];
        attributes.extend(MARGINS.map(|side| {
            let name = ["media-bottom-margin-supported", "media-left-margin-supported", "media-right-margin-supported"];
            let known = name.into_iter().find(|name| name.strip_suffix("-supported") == Some(side));
            (known.unwrap_or("media-top-margin-supported"), IppValue::Array([0, 300].map(IppValue::Integer).to_vec()))
        }));
        let lists = [("media-col-database", database), ("media-col-ready", loaded)];
        attributes
            .extend(lists.iter().filter(|(_, l)| !l.is_empty()).map(|(name, l)| (*name, IppValue::Array(l.to_vec()))));
        let tag = DelimiterTag::PrinterAttributes;
        PrinterMedia::read(answer(tag, &attributes).group(tag).unwrap())
    }

    fn paper(media_type: &str, media_source: &str) -> Paper {
        let globs = |text: &str| Globs::new(text.split_whitespace().map(str::to_string).collect()).unwrap();
        Paper {
            borderless: true,
            media_type: globs(media_type),
            media_source: globs(media_source),
            ..Paper::of_size(SIZE.0, SIZE.1)
        }
    }

    #[test]
    fn a_pattern_chooses_from_what_the_printer_has() {
        let printer = inkjet(&[], &[]);
        let chosen = |kind: &str, source: &str| {
            let choice = printer.choose(&paper(kind, source)).unwrap();
            (choice.media_type, choice.media_source)
        };
        assert_eq!(chosen("", ""), (None, None));
        assert_eq!(chosen("*glossy", "rear"), (Some(GLOSSY.into()), Some("rear".into())));
        assert_eq!(chosen("photographic-* !*glossy", ""), (Some("photographic-matte".into()), None));
        // In full it is the one that is meant, whatever comes first.
        assert_eq!(chosen("stationery Photographic-Matte", "").0.as_deref(), Some("stationery"));
        let error = printer.choose(&paper("canvas", "")).unwrap_err();
        assert!(error.contains("no `media_type` canvas; it has stationery, photographic"), "{error}");
        assert!(printer.choose(&paper("", "tray-7")).unwrap_err().contains("`media_source` tray-7"));
    }

    #[test]
    fn the_name_in_the_order_is_the_type_where_the_printer_has_it() {
        let printer = inkjet(&[], &[]);
        let named = |name: &str| Paper { name: Some(name.into()), ..paper("", "") };
        let kind = |paper: &Paper| printer.choose(paper).unwrap().media_type;
        assert_eq!(kind(&named("Glossy")).as_deref(), Some(GLOSSY));
        assert_eq!(kind(&named("stationery")).as_deref(), Some("stationery"));
        assert_eq!(kind(&named("lustre")), None);
        let both = Paper { name: Some("glossy".into()), ..paper("photographic-matte", "") };
        assert_eq!(kind(&both).as_deref(), Some("photographic-matte"));
    }

    #[test]
    fn a_printer_that_says_nothing_of_types_gets_none_and_that_is_remarked() {
        let tag = DelimiterTag::PrinterAttributes;
        let silent = answer(tag, &[("printer-state", IppValue::Enum(3))]);
        let choice = PrinterMedia::read(silent.group(tag).unwrap()).choose(&paper(GLOSSY, "")).unwrap();
        assert_eq!((choice.media_type, choice.remarks.len()), (None, 1));
        let by_name = answer(
            tag,
            &[("media-supported", keyword("na_index-4x6_4x6in")), ("media-type-supported", keyword(GLOSSY))],
        );
        let choice = PrinterMedia::read(by_name.group(tag).unwrap()).choose(&paper(GLOSSY, "")).unwrap();
        assert_eq!((choice.media_type, choice.remarks.len()), (None, 1));
    }

    #[test]
    fn the_edges_may_be_reached_on_some_paper_only() {
        let database = [
            media_col(SIZE, 300, "stationery", "main"),
            media_col(SIZE, 300, GLOSSY, "rear"),
            media_col(SIZE, 0, GLOSSY, "rear"),
            media_col((20320, 25400), 300, GLOSSY, "rear"),
        ];
        let printer = inkjet(&database, &[]);
        let chosen = |kind: &str, source: &str| printer.choose(&paper(kind, source));
        assert_eq!(chosen(GLOSSY, "").unwrap().remarks, [""; 0]);
        assert!(chosen("", "").unwrap().remarks[0].contains("on photographic-glossy from rear only"));
        let why = chosen("stationery", "").unwrap_err();
        assert_eq!(
            why,
            "it does not print 4x6in to the paper's edges on stationery; it does on photographic-glossy from rear"
        );
        assert!(chosen(GLOSSY, "main").unwrap_err().contains("on photographic-glossy from main"));
        let bordered = Paper { borderless: false, ..paper("stationery", "") };
        assert_eq!(printer.choose(&bordered).unwrap().remarks, [""; 0]);
        let large = Paper { width_hmm: 20320, height_hmm: 25400, ..paper("", "") };
        assert!(printer.choose(&large).unwrap_err().contains("`borderless: false`"));
    }

    #[test]
    fn what_is_loaded_is_known_by_size_type_and_tray() {
        let loaded = [media_col(SIZE, 0, "stationery", "main"), media_col((20320, 25400), 0, "auto", "rear")];
        let printer = inkjet(&[], &loaded);
        assert!(printer.has_loaded(&paper("", "")) && printer.has_loaded(&paper("stationery", "main")));
        assert!(!printer.has_loaded(&paper(GLOSSY, "")) && !printer.has_loaded(&paper("", "rear")));
        let large = Paper { width_hmm: 25400, height_hmm: 20320, ..paper(GLOSSY, "") };
        assert!(printer.has_loaded(&large));
    }
}
