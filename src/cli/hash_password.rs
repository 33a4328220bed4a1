//! `hotfolders hash-password`: what stands in the config in place of a password.

use std::io::{BufRead as _, IsTerminal as _, Read as _};

use super::terminal::{note, say};
use crate::error::Error;
use crate::web::dashboard;

/// Longest line that is read, in bytes.
const LINE_MAX_BYTES: u64 = 1024;
/// Shorter ones are guessed.
const SHORT_CHARS: usize = 10;

pub(super) fn run() -> Result<(), Error> {
    let password = if std::io::stdin().is_terminal() { ask()? } else { read_line()? };
    if password.is_empty() {
        return Err(Error::usage("the password is empty: type one, or give it on standard input"));
    }
    if password.chars().count() < SHORT_CHARS {
        note(&format!("warning: fewer than {SHORT_CHARS} characters are soon guessed"));
    }
    let hash = dashboard::hash(password.as_bytes()).map_err(|e| Error::failed(format!("cannot make a hash: {e}")))?;
    say(&hash)
}

/// Twice, and nothing of it is shown.
fn ask() -> Result<String, Error> {
    let read = |what: &str| {
        rpassword::prompt_password(what).map_err(|e| Error::failed(format!("cannot read from the terminal: {e}")))
    };
    let first = read("Password: ")?;
    if read("Once more: ")? == first { Ok(first) } else { Err(Error::failed("the two are not the same; try again")) }
}

fn read_line() -> Result<String, Error> {
    let failed = |e: std::io::Error| Error::failed(format!("cannot read standard input: {e}"));
    let mut line = String::new();
    std::io::stdin().lock().take(LINE_MAX_BYTES + 1).read_line(&mut line).map_err(failed)?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.len() as u64 > LINE_MAX_BYTES {
        return Err(Error::usage(format!("the password is longer than {LINE_MAX_BYTES} bytes")));
    }
    Ok(password.to_string())
}
