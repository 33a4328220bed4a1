//! What reaches the terminal: plain text, nothing of a file name can move the cursor.

use std::io::{IsTerminal as _, Write as _};

use crate::error::Error;
use crate::model::name::printable;

/// A line on standard output. A closed pipe ends the program quietly, as `head` expects.
pub(super) fn say(text: &str) -> Result<(), Error> {
    print_bytes(format!("{}\n", printable(text)).as_bytes())
}

pub(super) fn print_bytes(bytes: &[u8]) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(e) => Err(Error::failed(format!("cannot write to standard output: {e}"))),
    }
}

pub(super) fn say_json(value: &impl serde::Serialize) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Error::failed(e.to_string()))?;
    print_bytes(format!("{text}\n").as_bytes())
}

/// A remark on standard error.
pub(super) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", printable(text));
}

/// Colours are for terminals, and not for those who said `NO_COLOR`.
pub(super) fn is_colorful() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Green, yellow, red or dim, where colours are wanted.
pub(super) fn paint(text: &str, code: &str) -> String {
    if is_colorful() { format!("\u{1b}[{code}m{}\u{1b}[0m", printable(text)) } else { printable(text) }
}

pub(super) const GREEN: &str = "32";
pub(super) const YELLOW: &str = "33";
pub(super) const RED: &str = "31";
pub(super) const DIM: &str = "2";

/// A line that was painted: its colour codes stay.
pub(super) fn say_painted(text: &str) -> Result<(), Error> {
    print_bytes(format!("{text}\n").as_bytes())
}

/// A progress bar on a terminal, nothing elsewhere: whoever reads a log wants lines, not bars.
pub(super) fn bar(length: u64, what: &str) -> indicatif::ProgressBar {
    let bar = if std::io::stderr().is_terminal() {
        indicatif::ProgressBar::new(length)
    } else {
        indicatif::ProgressBar::hidden()
    };
    if let Ok(style) = indicatif::ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} {eta}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(what.to_string());
    bar
}
