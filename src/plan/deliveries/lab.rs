//! What a lab is told: channels by size and paper, names and texts that its machine can read.
//!
//! Owns: a picture that the lab could not print is found here, before anything is made. The order would lack it, or it
//! would come out on another paper.

use std::collections::HashSet;

use super::{Planner, free_name};
use crate::model::delivery::{Channel, Delivery, LabFormat, LabNames};
use crate::model::globs::Globs;
use crate::model::likeness::{self, Likeness};
use crate::model::limits::QUOTED_MAX_CHARS;
use crate::model::name::{RelPath, brief, quoted};
use crate::model::units::Dimensions;
use crate::plan::lab::{LabPrint, PlannedLab};
use crate::plan::paper::lab_size;
use crate::plan::{Finding, Member, Place, Weight};

/// Longest line on the back of a print.
const BACK_PRINT_MAX_CHARS: usize = 40;
/// Longest name of an order, before the job's digits and the channel.
const ORDER_MAX_CHARS: usize = 24;
/// Longest file name without its extension.
const FILE_MAX_CHARS: usize = 48;
/// How many pictures without a channel are named; the rest is counted.
const NAMED_MAX: usize = 5;

impl Planner<'_> {
    /// What the lab is told, and why it cannot be.
    pub(super) fn lab(
        &mut self,
        owner: &str,
        delivery: &Delivery,
        place: Option<&Place>,
        indices: &[usize],
        members: &[Member],
    ) -> (Option<PlannedLab>, Option<String>) {
        let Delivery::Lab { format, channels, back_print, names, .. } = delivery else { return (None, None) };
        let (mut prints, mut wrong) = (Vec::new(), Vec::new());
        let mut files = HashSet::new();
        for (position, (index, member)) in indices.iter().zip(members).enumerate() {
            let values = self.picture_values(*index);
            let (line, layout, profile) = (values.line, values.layout, self.profile(*index));
            let size = lab_size(profile, line, layout);
            let paper = line.and_then(|l| l.paper.clone());
            let step = &self.renders[*index];
            let label = step.line.map_or_else(|| step.image.clone(), |line| format!("line {line}"));
            let channel = match printable(*format, channels, size, paper.as_deref(), &member.path) {
                Ok((_, channel)) => channel,
                Err(why) => {
                    let text = format!("{label} for `{owner}`: {why}");
                    let finding = Finding {
                        weight: Weight::Hold,
                        code: "lab".into(),
                        profile: Some(step.profile.clone()),
                        line: step.line,
                        number: step.number.clone(),
                        text: format!("{text}. When it is mended, cancel the job and try it again"),
                    };
                    if !self.findings.iter().any(|f| f.text == finding.text) {
                        self.findings.push(finding);
                    }
                    if !wrong.contains(&text) {
                        wrong.push(text);
                    }
                    continue;
                }
            };
            let Some(size) = size else { continue };
            let file =
                free_name(&file_name(*format, *names, position, &member.path), |name| files.insert(name.fold_case()));
            let print = LabPrint {
                step: step.id.clone(),
                line: step.line,
                item: line.and_then(|l| l.item.clone()),
                size,
                paper,
                channel,
                quantity: step.copies,
                file,
                original: self.made[*index].file.clone(),
                back: Vec::new(),
            };
            prints.push((*index, print));
        }
        for (index, print) in &mut prints {
            let mut back: Vec<String> = Vec::new();
            for template in back_print {
                let mut empty = Vec::new();
                let filled = template.text(&|token| self.delivery_value(Some(*index), token), &mut empty);
                self.report_empty(owner, Some(*index), &empty, "back print", template);
                let (line, was_changed) = back_line(*format, &filled);
                if was_changed {
                    self.warn_of_back_print(owner, *index, &filled, &line);
                }
                back.push(line);
            }
            print.back = back;
        }
        let client = &self.values.manifest.client;
        let whole =
            [client.first.as_deref(), client.last.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let lab = PlannedLab {
            name: self.order_name(place),
            client: Some(whole).filter(|name| !name.is_empty()),
            client_last: client.last.clone(),
            prints: prints.into_iter().map(|(_, print)| print).collect(),
        };
        (Some(lab), all_that_is_wrong(wrong))
    }

    fn warn_of_back_print(&mut self, owner: &str, index: usize, wanted: &str, printed: &str) {
        let step = &self.renders[index];
        let text = format!(
            "`{owner}`: the back of {} cannot say {}: it says {}",
            step.line.map_or_else(|| step.image.clone(), |line| format!("line {line}")),
            quoted(wanted),
            quoted(printed)
        );
        self.findings.push(Finding {
            weight: Weight::Warn,
            code: "back_print".into(),
            profile: Some(step.profile.clone()),
            line: step.line,
            number: step.number.clone(),
            text,
        });
    }

    /// Record and the digits that end the job's id: no two jobs give a lab the same name, whatever it still has of them.
    fn order_name(&mut self, place: Option<&Place>) -> String {
        let mut name = legal_name(&self.values.manifest.record, ORDER_MAX_CHARS);
        let salt = self.values.job.rsplit('-').next().unwrap_or_default();
        if salt.len() == 4 && salt.bytes().all(|b| b.is_ascii_hexdigit()) {
            name += &format!("-{salt}");
        }
        let base = place.map(|place| place.folder().to_string_lossy().into_owned()).unwrap_or_default();
        let Some(wanted) = RelPath::from_part(&name) else { return name };
        let taken = &mut self.taken;
        free_name(&wanted, |name| taken.insert(format!("lab {base}/{name}").to_lowercase())).to_string()
    }
}

/// The size of a picture and its channel, where the format has one; or what keeps a lab from printing it.
fn printable(
    format: LabFormat,
    channels: &[Channel],
    size: Option<Dimensions>,
    paper: Option<&str>,
    file: &RelPath,
) -> Result<(Dimensions, Option<u32>), String> {
    let Some(size) = size.filter(|size| !size.is_px()) else {
        return Err("it has no size in inches, cm or mm, and a lab prints by size".into());
    };
    if format == LabFormat::Noritsu && !file.as_str().to_ascii_lowercase().ends_with(".jpg") {
        return Err(format!("{file} is no JPEG, and a Noritsu order takes nothing else: set `format: jpeg`"));
    }
    if channels.is_empty() {
        return Ok((size, None));
    }
    if let Some(channel) = channel_of(channels, size, paper) {
        return Ok((size, Some(channel)));
    }
    let (on, key) = match paper {
        Some(paper) => (format!("on {} paper", quoted(paper)), format!(", paper: {}", brief(paper, QUOTED_MAX_CHARS))),
        None => ("on no particular paper".to_string(), String::new()),
    };
    let size = size.label();
    Err(format!("{size} {on} has no channel: add `{{ size: {size}{key}, channel: … }}` to `channels`"))
}

/// The channel of a size on a paper. An entry that names the paper wins over one for any; else the first.
fn channel_of(channels: &[Channel], size: Dimensions, paper: Option<&str>) -> Option<u32> {
    let of_size = || channels.iter().filter(|channel| channel.size.same_size(size));
    let names_it = |channel: &&Channel| {
        let glob = channel.paper.clone().and_then(|paper| Globs::new(vec![paper]).ok());
        glob.is_some_and(|glob| glob.matches_optional(paper))
    };
    let found = of_size().find(names_it).or_else(|| of_size().find(|channel| channel.paper.is_none()));
    found.map(|channel| channel.channel)
}

fn all_that_is_wrong(mut wrong: Vec<String>) -> Option<String> {
    let more = wrong.len().saturating_sub(NAMED_MAX);
    wrong.truncate(NAMED_MAX);
    if more > 0 {
        wrong.push(format!("and {more} more"));
    }
    (!wrong.is_empty()).then(|| wrong.join("; "))
}

/// A line in the characters that its format takes, and whether it says something else than it should.
fn back_line(format: LabFormat, filled: &str) -> (String, bool) {
    let Likeness { text, lost } = match format {
        LabFormat::Noritsu => likeness::ascii(filled),
        LabFormat::FujiC8 => likeness::latin1(filled),
        LabFormat::Csv => {
            let text: String = filled.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            Likeness { text: text.trim().to_string(), lost: false }
        }
    };
    // What the format itself reads.
    let text: String = match format {
        LabFormat::Noritsu => text
            .chars()
            .map(|c| match c {
                '"' => '\'',
                '<' | '[' | '{' => '(',
                '>' | ']' | '}' => ')',
                '\\' | '|' => '/',
                other => other,
            })
            .collect(),
        LabFormat::FujiC8 => text
            .chars()
            .map(|c| match c {
                ';' => ',',
                '[' => '(',
                ']' => ')',
                other => other,
            })
            .collect(),
        LabFormat::Csv => text,
    };
    let cut: String = text.chars().take(BACK_PRINT_MAX_CHARS).collect();
    let was_cut = cut.len() < text.len();
    (cut.trim_end().to_string(), lost || was_cut)
}

/// ASCII letters, digits, `-` and `_`; never empty.
fn legal_name(text: &str, max_chars: usize) -> String {
    let legal = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = likeness::ascii(text).text.chars().map(legal).take(max_chars).collect();
    if name.bytes().any(|b| b.is_ascii_alphanumeric()) { name } else { "order".to_string() }
}

/// What a picture's file is called in the order.
fn file_name(format: LabFormat, names: LabNames, position: usize, path: &RelPath) -> RelPath {
    let name = path.file_name();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "jpg"));
    let stem = match (names, format) {
        (LabNames::Short, _) => format!("{:04}", position + 1),
        // It is a text in UTF-8, read by a program.
        (LabNames::Long, LabFormat::Csv) => return path.clone(),
        (LabNames::Long, _) => {
            let name = legal_name(stem, FILE_MAX_CHARS);
            if name == "order" { format!("{:04}", position + 1) } else { name }
        }
    };
    RelPath::from_part(&format!("{stem}.{extension}")).unwrap_or_else(RelPath::unnamed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rel(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    fn size(text: &str) -> Dimensions {
        Dimensions::parse(text).unwrap()
    }

    #[test]
    fn a_channel_by_size_and_paper_whichever_side_is_written_first() {
        let channel = |text: &str, paper: Option<&str>, channel| Channel {
            size: size(text),
            paper: paper.map(Into::into),
            channel,
        };
        let channels =
            [channel("8x10in", None, 1), channel("8x10in", Some("Lustre*"), 2), channel("10x15cm", Some("glossy"), 3)];
        let of = |text: &str, paper| channel_of(&channels, size(text), paper);
        assert_eq!(of("10x8in", None), Some(1));
        assert_eq!(of("8x10in", Some("metallic")), Some(1));
        assert_eq!(of("20.32x25.4cm", Some(" lustre pro ")), Some(2));
        assert_eq!(of("15x10cm", Some("GLOSSY")), Some(3));
        assert_eq!(of("15x10cm", None), None);
        assert_eq!(of("5x7in", None), None);
        let why = printable(LabFormat::Noritsu, &channels, Some(size("15x10cm")), Some("matte"), &rel("a.jpg"));
        let why = why.unwrap_err();
        assert!(why.contains("10x15cm on `matte` paper has no channel") && why.contains("paper: matte"), "{why}");
        for (format, file, wanted, text) in [
            (LabFormat::Noritsu, "a.png", Some("8x10in"), "is no JPEG"),
            (LabFormat::Csv, "a.jpg", None, "no size"),
            (LabFormat::FujiC8, "a.jpg", Some("2048x1365px"), "no size"),
        ] {
            let why = printable(format, &channels, wanted.map(size), None, &rel(file)).unwrap_err();
            assert!(why.contains(text), "{why}");
        }
    }

    #[test]
    fn what_stands_on_the_back_is_what_the_machine_reads() {
        let noritsu = |text: &str| back_line(LabFormat::Noritsu, text);
        assert_eq!(noritsu("1042 O\"Neill\r\nPRT QTY = 9"), ("1042 O'Neill  PRT QTY = 9".into(), false));
        assert_eq!(noritsu("Müller <x>"), ("Muller (x)".into(), false));
        assert_eq!(noritsu("日本"), ("__".into(), true));
        assert_eq!(noritsu(&"x".repeat(60)), ("x".repeat(40), true));
        assert_eq!(back_line(LabFormat::FujiC8, "Müller\n[a.jpg]"), ("Müller (a.jpg)".into(), false));
        assert_eq!(back_line(LabFormat::Csv, "日本, \"x\"\n"), ("日本, \"x\"".into(), false));
    }

    #[test]
    fn files_are_called_what_a_machine_reads() {
        let name = |format, names, path: &str| file_name(format, names, 6, &rel(path)).to_string();
        assert_eq!(name(LabFormat::Noritsu, LabNames::Long, "1042_Müller.v2.jpg"), "1042_Muller_v2.jpg");
        assert_eq!(name(LabFormat::FujiC8, LabNames::Long, "日本.jpg"), "0007.jpg");
        assert_eq!(name(LabFormat::Noritsu, LabNames::Short, "1042.jpg"), "0007.jpg");
        assert_eq!(name(LabFormat::Csv, LabNames::Long, "日本.jpg"), "日本.jpg");
        assert_eq!(name(LabFormat::Csv, LabNames::Short, "日本.tif"), "0007.tif");
        assert_eq!(legal_name("Ä/1.2 x", 24), "A_1_2_x");
        assert_eq!(legal_name("日本", 24), "order");
    }

    proptest! {
        #[test]
        fn no_record_and_no_file_makes_an_illegal_name(text in "\\PC{1,60}", format in 0..2_usize) {
            let legal = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
            let name = legal_name(&text, ORDER_MAX_CHARS);
            prop_assert!(!name.is_empty() && name.len() <= ORDER_MAX_CHARS && legal(&name), "{name}");
            if let Some(path) = RelPath::from_part(&text) {
                let format = [LabFormat::Noritsu, LabFormat::FujiC8][format];
                let file = file_name(format, LabNames::Long, 0, &path.with_extension("jpg"));
                let stem = file.as_str().strip_suffix(".jpg").unwrap();
                prop_assert!(legal(stem) && stem.len() <= FILE_MAX_CHARS + 1, "{stem}");
            }
            let (line, _) = back_line(LabFormat::Noritsu, &text);
            prop_assert!(line.len() <= BACK_PRINT_MAX_CHARS && line.bytes().all(|b| b.is_ascii() && b >= 0x20 && b != b'"'));
        }
    }
}
