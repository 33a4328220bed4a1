//! Lines of the log that name somebody.
//!
//! Owns: lines are written over where they stand, and the file keeps its size. So it does not matter who is appending to
//! it just now, in this process or another one: nothing moves, and no line is lost.

use std::collections::BTreeSet;
use std::path::Path;

use crate::control::Whom;
use crate::spool::durable;

/// Shorter ones stand in every second line for something else.
const RECORD_LEAST: usize = 3;

/// Names in small letters, each found only where it stands alone.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(BTreeSet<Vec<u8>>);

impl Names {
    pub(super) fn of(whom: &Whom) -> Names {
        let mut names = Names::default();
        match whom {
            Whom::Record(name) | Whom::Session(name) => names.add_record(name),
            Whom::Client(mail) => names.add(mail),
        }
        names
    }

    pub(super) fn add(&mut self, name: &str) {
        if !name.trim().is_empty() {
            self.0.insert(name.trim().to_lowercase().into_bytes());
        }
    }

    pub(super) fn add_record(&mut self, record: &str) {
        if record.chars().count() >= RECORD_LEAST {
            self.add(record);
        }
    }

    pub(super) fn are_in(&self, line: &[u8]) -> bool {
        let small = String::from_utf8_lossy(line).to_lowercase().into_bytes();
        let is_word = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || !b.is_ascii());
        self.0.iter().any(|name| {
            memchr::memmem::find_iter(&small, name).any(|at| {
                let before = at.checked_sub(1).and_then(|at| small.get(at));
                !is_word(before) && !is_word(small.get(at + name.len()))
            })
        })
    }
}

/// Erases such lines in all files of the log; how many there are.
pub(super) fn erase(folder: &Path, names: &Names, dry_run: bool) -> Result<usize, String> {
    let mut lines = 0;
    let files = super::files(folder).into_iter().filter(|path| {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with("hotfolders.") && path.extension().is_some_and(|e| e == "log")
    });
    for path in files {
        let text = std::fs::read(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        let stretches = stretches(&text, names);
        lines += stretches.len();
        if !dry_run && !stretches.is_empty() {
            durable::replace_stretches(&path, &stretches).map_err(|e| e.to_string())?;
        }
    }
    Ok(lines)
}

/// Where whole lines that name somebody stand, and what is written over them. A message may have several lines; only
/// its first begins with the time.
fn stretches(text: &[u8], names: &Names) -> Vec<(u64, Vec<u8>)> {
    let (mut found, mut start, mut goes_on) = (Vec::new(), 0, false);
    for line in text.split_inclusive(|b| *b == b'\n') {
        let Some(content) = line.strip_suffix(b"\n") else { break };
        let begins = content.len() > 10 && content[..4].iter().all(u8::is_ascii_digit) && content[4] == b'-';
        goes_on = (goes_on && !begins) || names.are_in(content);
        if goes_on && !content.is_empty() {
            found.push((start, filler(content.len())));
        }
        start += line.len() as u64;
    }
    found
}

fn filler(bytes: usize) -> Vec<u8> {
    let mut text = b"(erased)".to_vec();
    text.resize(bytes, b' ');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn names(all: &[&str]) -> Names {
        let mut names = Names::default();
        for name in all {
            names.add(name);
        }
        names
    }

    #[test]
    fn a_name_counts_where_it_stands_alone() {
        let names = names(&["1042", "ana@example.com", "Núñez"]);
        for line in ["record 1042: x", "invoice_1042.json", "to Ana@Example.com.", "for NÚÑEZ", "1042"] {
            assert!(names.are_in(line.as_bytes()), "{line}");
        }
        for line in ["10420 bytes", "a1042", "susana@example.com", "Núñezo", ""] {
            assert!(!names.are_in(line.as_bytes()), "{line}");
        }
        let mut short = Names::of(&Whom::Record("9".into()));
        assert!(!short.are_in(b"9 jobs"));
        short.add(" ");
        assert!(!short.are_in(b"a b"));
    }

    #[test]
    fn lines_are_written_over_and_appended_ones_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hotfolders.2026-11-20.log");
        let time = "2026-11-20T10:00:00Z  INFO";
        let text = format!("{time} a\n{time} of S1: two\nlines\n\n{time} b\n{time} S1 is torn");
        durable::write_new(&path, text.as_bytes()).unwrap();
        durable::write_new(&dir.path().join("other.log"), b"S1\n").unwrap();
        let mut server = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        assert_eq!(erase(dir.path(), &names(&["S1"]), true).unwrap(), 2);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "a dry run changes nothing");
        assert_eq!(erase(dir.path(), &names(&["S1"]), false).unwrap(), 2);
        server.write_all(format!(" off\n{time} c\n").as_bytes()).unwrap();
        let now = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = now.lines().map(|line| line.trim_end().trim_start_matches(time)).collect();
        assert_eq!(lines, [" a", "(erased)", "(eras", "", " b", " S1 is torn off", " c"]);
    }
}
