//! What became of orders: seen by the names in the folder that the lab's software watches. Only looks.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::Path;

use super::super::error::DeliverError;
use super::super::place;
use super::noritsu;
use crate::model::delivery::LabFormat;
use crate::model::name::brief;
use crate::spool::durable::{Folder, Found};
use crate::spool::labs::Seen;

/// What the software writes beside, or into, an order that it cannot take.
const ERROR: &str = ".err";
/// How much of that is read, in bytes.
const ERROR_MAX_BYTES: u64 = 4 * 1024;
/// How much of it is shown, in characters.
const ERROR_MAX_CHARS: usize = 300;

/// The folder that a lab's software watches, as it stands now.
#[derive(Debug)]
pub struct LabFolder {
    folder: Folder,
    /// By their names without case.
    names: BTreeMap<String, OsString>,
}

impl LabFolder {
    /// A folder that is not there tells nothing of the orders in it.
    pub fn look(path: &Path) -> Result<LabFolder, DeliverError> {
        let folder = place::open_standing(path)?.ok_or_else(|| {
            DeliverError::Unreachable(format!("the lab's folder {} is not there: connect its disk", path.display()))
        })?;
        let names = folder.names()?.into_iter().map(|name| (name.to_string_lossy().to_lowercase(), name)).collect();
        Ok(LabFolder { folder, names })
    }

    /// What stands of an order that was handed over under this name.
    pub fn see(&self, format: LabFormat, name: &str) -> Result<Seen, DeliverError> {
        let stem = match format {
            LabFormat::Noritsu => name.get(1..).unwrap_or_default(),
            LabFormat::FujiC8 => name,
            LabFormat::Csv => name.strip_suffix(".csv").unwrap_or(name),
        };
        let states: &[&str] = if format == LabFormat::Noritsu { &["o", "e", "q", "p", ""] } else { &[""] };
        let beside = states.iter().find_map(|state| self.standing(&format!("{state}{stem}{ERROR}")));
        let beside = beside.or_else(|| self.standing(&format!("{name}{ERROR}")));
        if let Some(file) = beside {
            return Ok(Seen::Rejected(said(&self.folder, file)?));
        }
        if format != LabFormat::Noritsu {
            let Some(standing) = self.standing(name) else { return Ok(Seen::Gone) };
            return self.or_rejected(standing, Seen::Waiting);
        }
        let in_state = |state| self.standing(&noritsu::in_state(name, state));
        if let Some(rejected) = in_state(noritsu::REJECTED) {
            return self.or_rejected(rejected, Seen::Rejected(String::new()));
        }
        if let Some(accepted) = in_state(noritsu::ACCEPTED) {
            return self.or_rejected(accepted, Seen::Accepted);
        }
        match in_state(noritsu::READY) {
            Some(ready) => self.or_rejected(ready, Seen::Waiting),
            None => Ok(Seen::Gone),
        }
    }

    fn standing(&self, name: &str) -> Option<&OsString> {
        self.names.get(&name.to_lowercase())
    }

    /// What else is known of it, unless an error lies in the order's folder.
    fn or_rejected(&self, order: &OsString, otherwise: Seen) -> Result<Seen, DeliverError> {
        if self.folder.look(order)? != Found::Folder {
            return Ok(otherwise);
        }
        let inside = self.folder.folder(order)?;
        let error = inside.names()?.into_iter().find(|name| name.to_string_lossy().to_lowercase().ends_with(ERROR));
        Ok(match error {
            Some(file) => Seen::Rejected(said(&inside, &file)?),
            None => otherwise,
        })
    }
}

/// What the software wrote, on one line.
fn said(folder: &Folder, name: &OsString) -> Result<String, DeliverError> {
    let Found::File { .. } = folder.look(name)? else { return Ok(String::new()) };
    let mut text = Vec::new();
    let read = folder.read(name)?.take(ERROR_MAX_BYTES).read_to_end(&mut text);
    // What cannot be read says as much as an empty file: that it was rejected.
    let text = if read.is_ok() { String::from_utf8_lossy(&text).into_owned() } else { String::new() };
    let words: Vec<&str> = text.split_whitespace().collect();
    Ok(brief(&words.join(" "), ERROR_MAX_CHARS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::durable;

    fn seen(files: &[(&str, &str)], format: LabFormat, name: &str) -> Seen {
        let dir = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = dir.path().join(file);
            durable::make_folders(dir.path(), path.parent().unwrap()).unwrap();
            durable::stage(&path, text.as_bytes()).unwrap();
        }
        LabFolder::look(dir.path()).unwrap().see(format, name).unwrap()
    }

    #[test]
    fn the_first_letter_is_the_state_of_a_noritsu_order() {
        let of = |files: &[(&str, &str)]| seen(files, LabFormat::Noritsu, "o1-7f3a_011");
        assert_eq!(of(&[("o1-7f3a_011/MISC/AUTPRINT.MRK", "")]), Seen::Waiting);
        assert_eq!(of(&[("e1-7F3A_011/MISC/AUTPRINT.MRK", "")]), Seen::Accepted);
        assert_eq!(of(&[("q1-7f3a_011/x", "")]), Seen::Rejected(String::new()));
        assert_eq!(of(&[("q1-7f3a_011/job.ERR", "no\r\nsuch  size\n")]), Seen::Rejected("no such size".into()));
        assert_eq!(of(&[("o1-7f3a_011/x", ""), ("o1-7f3a_011.err", "full")]), Seen::Rejected("full".into()));
        assert_eq!(of(&[("1-7f3a_011.err", "\u{1b}[31m")]), Seen::Rejected("\\u{1b}[31m".into()));
        assert_eq!(of(&[("o1-7f3a_011_2/x", ""), ("e1-7f3a/x", "")]), Seen::Gone);
    }

    #[test]
    fn other_labs_take_orders_away() {
        assert_eq!(seen(&[("1-7f3a/end.txt", "")], LabFormat::FujiC8, "1-7f3a"), Seen::Waiting);
        assert_eq!(seen(&[("1-7f3a/a.err", "x")], LabFormat::FujiC8, "1-7f3a"), Seen::Rejected("x".into()));
        assert_eq!(seen(&[], LabFormat::FujiC8, "1-7f3a"), Seen::Gone);
        assert_eq!(seen(&[("1-7f3a.csv", "")], LabFormat::Csv, "1-7f3a.csv"), Seen::Waiting);
        for error in ["1-7f3a.err", "1-7f3a.csv.err"] {
            assert_eq!(seen(&[(error, "x")], LabFormat::Csv, "1-7f3a.csv"), Seen::Rejected("x".into()));
        }
        assert_eq!(seen(&[("a.jpg", "")], LabFormat::Csv, "1-7f3a.csv"), Seen::Gone);
        let dir = tempfile::tempdir().unwrap();
        assert!(LabFolder::look(&dir.path().join("gone")).unwrap_err().is_world());
    }
}
