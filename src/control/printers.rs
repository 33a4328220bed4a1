//! Printers that an operator has paused: a file in the spool, so that it holds over a restart.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Answer;
use crate::spool::durable;
use crate::spool::queue::Spool;
use crate::spool::reserve;

fn path(spool: &Spool) -> PathBuf {
    spool.root().join("PAUSED_PRINTERS")
}

/// Their names, a line each in the file.
pub fn paused_printers(spool: &Spool) -> BTreeSet<String> {
    let text = std::fs::read_to_string(path(spool)).unwrap_or_default();
    text.lines().map(str::to_string).filter(|name| !name.is_empty()).collect()
}

pub(super) fn pause(spool: &Spool, printers: &[String], pause: bool) -> Answer {
    let mut answer = Answer::default();
    let mut paused = paused_printers(spool);
    for name in printers {
        let changed = if pause { paused.insert(name.clone()) } else { paused.remove(name) };
        answer.done.push(match (pause, changed) {
            (true, true) => format!("{name}: paused; what it has got is printed"),
            (true, false) => format!("{name}: it is paused already"),
            (false, true) => format!("{name}: it prints again"),
            (false, false) => format!("{name}: it is not paused"),
        });
    }
    let text: String = paused.iter().flat_map(|name| [name.as_str(), "\n"]).collect();
    let path = path(spool);
    let written = reserve::with_room(spool.root(), || {
        if text.is_empty() { durable::remove_file(&path) } else { durable::replace(&path, text.as_bytes()) }
    });
    if let Err(e) = written {
        return Answer { refused: vec![e.to_string()], ..Answer::default() };
    }
    answer
}
