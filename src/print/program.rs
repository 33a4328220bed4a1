//! A command printer: a program of the studio's own prints the sheet.
//!
//! Owns: no program is started whose start is not in the journal; one that was running when the journal ended is a
//! person's to look at. It gets a copy under the sheet's name, never our own file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::network::{Sent, in_a_thread};
use super::protocol::ATTEMPTS_MAX;
use super::{Note, PrintError, Sheet, Went};
use crate::model::counted::counted;
use crate::process::{self, Ended};
use crate::spool::durable;
use crate::spool::journal::{PrintEvent, PrintIntent, PrintRun, PrintState};

/// How long a program may print one sheet.
const WITHIN: Duration = Duration::from_mins(30);

/// A program that has run for so long is told of.
const SLOW: Duration = Duration::from_secs(20);

/// What is said of a program that began then and has not ended.
pub fn slow(began: Instant) -> Option<String> {
    let minutes = WITHIN.as_secs() / 60;
    (began.elapsed() > SLOW).then(|| format!("its program has not ended yet; it is stopped after {minutes} minutes"))
}

/// How a sheet is printed.
#[derive(Debug)]
pub struct Program<'a> {
    pub printer: &'a str,
    pub words: &'a [String],
    /// Where it is run: the config's folder.
    pub home: &'a Path,
    /// For the copy that it gets; removed by [`ended`].
    pub folder: &'a Path,
    pub record: &'a str,
}

fn copy_of(sheet: &Sheet, folder: &Path) -> PathBuf {
    folder.join(format!("{}.{}", sheet.title, sheet.extension()))
}

/// Starts the program in a thread of its own.
pub fn begin(sheet: &Sheet, program: &Program<'_>, run: &PrintRun, note: &mut Note<'_>) -> Result<Went, PrintError> {
    let Some(name) = program.words.first() else { return Ok(Went::Not("its `command` is empty".into())) };
    let bytes = sheet.read()?;
    durable::remove_tree(program.folder)?;
    if let Some(job) = program.folder.parent().and_then(Path::parent) {
        durable::make_folders(job, program.folder)?;
    }
    let file = copy_of(sheet, program.folder);
    durable::replace(&file, &bytes)?;
    let attempt = run.attempts + 1;
    note(PrintEvent::Intended(PrintIntent {
        attempt,
        printer: program.printer.to_string(),
        endpoint: name.clone(),
        token: sheet.token(attempt),
        copies: sheet.copies,
        left: 0,
        bytes: sheet.bytes,
        sha256: sheet.sha256.clone(),
        printer_uuid: None,
        up_time_s: None,
        is_spooler: false,
        in_one_file: None,
    }))?;
    let mut command = Command::new(name);
    command.args(program.words.iter().skip(1).map(|word| filled(word, sheet, &file)));
    command.current_dir(program.home);
    command.env("HOTFOLDERS_JOB", &sheet.job).env("HOTFOLDERS_RECORD", program.record);
    Ok(Went::Sending(in_a_thread(move || Sent::Program(process::run(command, WITHIN, "command")))))
}

/// What stands for a token is not looked at for tokens again.
fn filled(word: &str, sheet: &Sheet, file: &Path) -> String {
    let mut text = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('{') {
        text += &rest[..at];
        rest = &rest[at..];
        let values = [
            ("{file}", file.to_string_lossy().into_owned()),
            ("{media}", sheet.paper.label()),
            ("{copies}", sheet.copies.to_string()),
        ];
        let (skip, value) = values
            .into_iter()
            .find_map(|(token, value)| rest.starts_with(token).then_some((token.len(), value)))
            .unwrap_or((1, "{".into()));
        text += &value;
        rest = &rest[skip..];
    }
    text + rest
}

/// The program has come to its end. `None`: nobody knows how.
pub fn ended(
    sheet: &Sheet,
    ended: Option<Ended>,
    program: &Program<'_>,
    run: &PrintRun,
    note: &mut Note<'_>,
) -> Result<Went, PrintError> {
    if let Some(said) = ended.as_ref().and_then(|ended| ended.said.as_ref()) {
        // One line, which goes with the job when that is erased.
        tracing::warn!(job = %sheet.job, print = %sheet.step, said = ?said, "all that its program said");
    }
    let went = match ended {
        Some(ended) if ended.fine => {
            note(PrintEvent::Ended { state: PrintState::Accepted })?;
            Went::Over
        }
        Some(ended) if ended.unstarted || run.attempts < ATTEMPTS_MAX => {
            note(PrintEvent::Aborted { text: ended.text.clone(), in_vain: true })?;
            Went::Not(ended.text)
        }
        Some(ended) => {
            note(PrintEvent::Doubted {
                text: format!("its program failed {}: {}", counted(run.attempts, "time"), ended.text),
            })?;
            Went::Over
        }
        None => {
            let text = "its program was running when hotfolders ended: nobody knows whether it came to its end";
            note(PrintEvent::Doubted { text: text.into() })?;
            Went::Over
        }
    };
    durable::remove_tree(program.folder)?;
    if let Some(above) = program.folder.parent() {
        durable::remove_empty_folder(above);
    }
    Ok(went)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delivery::PrintQuality;
    use crate::model::units::Dimensions;

    #[test]
    fn tokens_are_filled_once() {
        let sheet = Sheet {
            job: "j".into(),
            step: "p1".into(),
            title: "t".into(),
            file: "r1.jpg".into(),
            bytes: 1,
            sha256: String::new(),
            copies: 3,
            paper: Dimensions::parse("19x13in").unwrap(),
            stock: crate::model::config::Stock::default(),
            paper_name: None,
            borderless: true,
            quality: PrintQuality::Normal,
            color_mode: None,
        };
        let word = |word: &str| filled(word, &sheet, Path::new("/x/{copies}.jpg"));
        assert_eq!(word("{file}"), "/x/{copies}.jpg");
        assert_eq!(word("--m={media},{copies}{"), "--m=13x19in,3{");
    }
}
