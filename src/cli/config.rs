//! Loads the config for a command.

use std::path::{Path, PathBuf};

use super::terminal::note;
use crate::error::Error;
use crate::model::config::Config;
use crate::model::limits::CONFIG_MAX_BYTES;
pub(super) use crate::server::Loaded;
use crate::server::{Instead, Wrong};
use crate::spool::configs;

/// Reads and checks the file; every problem is in the error.
pub(super) fn load(path: &Path) -> Result<Loaded, Error> {
    read(path).map_err(|wrong| Error::usage(wrong.problems))
}

/// The file, where it is right; else the last good config of that path, and what is wrong with the file. Where neither can
/// be used, both reasons are in the error.
pub(super) fn load_or_last_good(path: &Path) -> Result<(Loaded, Option<Instead>), Error> {
    let wrong = match read(path) {
        Ok(loaded) => return Ok((loaded, None)),
        Err(wrong) => wrong,
    };
    match absolute(path).map(|file| configs::last_good(&file)) {
        Ok(Ok((config, text, kept))) => Ok((Loaded { config, text }, Some(Instead { wrong, since: kept.at }))),
        Ok(Err(why)) => Err(Error::usage(format!("{}\nthe last good config cannot be used: {why}", wrong.problems))),
        Err(_) => Err(Error::usage(wrong.problems)),
    }
}

/// For a command that acts on a spool: it must not fail because somebody is just editing the config. `status` says by
/// itself what is wrong, the others on standard error.
pub(super) fn load_for_spool(path: &Path) -> Result<Loaded, Error> {
    let (loaded, instead) = load_or_last_good(path)?;
    if let Some(instead) = instead {
        note(&instead.in_short(&loaded.config));
    }
    Ok(loaded)
}

/// Reads and checks the file. What could be read of a wrong one is in the error, too.
pub(super) fn read(path: &Path) -> Result<Loaded, Wrong> {
    let of_problems = |e: Error| Wrong { problems: e.text, text: String::new() };
    let file = absolute(path).map_err(of_problems)?;
    let text = text(&file).map_err(of_problems)?;
    match Config::parse(&text, &file) {
        Ok(config) => Ok(Loaded { config, text }),
        Err(e) => Err(Wrong { problems: e.to_string(), text }),
    }
}

/// Absolute, without looking through links: messages should name what was typed.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|e| Error::usage(format!("{}: {e}", path.display())))
}

fn text(file: &Path) -> Result<String, Error> {
    let shown = file.display();
    let wrong = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => Error::usage(format!(
            "{shown}: error: there is no config file here; name it with --config, or start from hotfolders.example.yaml"
        )),
        _ => Error::usage(format!("{shown}: error: cannot be read: {e}")),
    };
    let length = std::fs::metadata(file).map_err(wrong)?.len();
    if length > CONFIG_MAX_BYTES {
        return Err(Error::usage(format!("{shown}: error: the file is larger than {CONFIG_MAX_BYTES} bytes")));
    }
    let bytes = std::fs::read(file).map_err(wrong)?;
    String::from_utf8(bytes).map_err(|e| {
        let valid = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = valid.split(|b| *b == b'\n').count();
        let last = valid.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        let column = String::from_utf8_lossy(last).chars().count() + 1;
        Error::usage(format!(
            "{shown}:{line}:{column}: error: the file is not UTF-8 here; save it as UTF-8 and try again"
        ))
    })
}
