//! Loads the config for a command.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::model::config::Config;
use crate::model::limits::CONFIG_MAX_BYTES;

/// A config and the text it was read from.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) config: Config,
    pub(super) text: String,
}

/// Reads and checks the file; every problem is in the error.
pub(super) fn load(path: &Path) -> Result<Loaded, Error> {
    let file = absolute(path)?;
    let text = read(&file)?;
    let config = Config::parse(&text, &file).map_err(|e| Error::usage(e.to_string()))?;
    Ok(Loaded { config, text })
}

/// For a running server, whose file was edited.
pub(super) fn load_again(path: &Path) -> Result<Config, Error> {
    load(path).map(|loaded| loaded.config)
}

/// Absolute, without looking through links: messages should name what was typed.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|e| Error::usage(format!("{}: {e}", path.display())))
}

fn read(file: &Path) -> Result<String, Error> {
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
