//! The architecture, as far as a machine can look after it: layers, the disk, the clock, the size of files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;

/// Most lines of a file, its own tests not counted.
const LINES_MAX: usize = 450;

/// Top modules, and the others each may use. What is not listed may be used by nobody but itself.
const LAYERS: [(&str, &[&str]); 21] = [
    ("model", &[]),
    ("plan", &["model"]),
    ("spool", &["model", "plan"]),
    ("render", &["model", "plan"]),
    ("intake", &["model", "plan", "spool", "clock"]),
    ("deliver", &["model", "plan", "spool", "process"]),
    ("print", &["model", "plan", "spool", "clock", "process", "trust"]),
    ("alert", &["model", "spool", "trust"]),
    ("clock", &[]),
    ("process", &[]),
    ("trust", &["model"]),
    ("error", &[]),
    ("logging", &["model", "spool", "error"]),
    ("matcher", &["model", "plan", "spool", "intake", "render", "clock"]),
    ("control", &["model", "plan", "spool", "clock", "error"]),
    ("operator", &["model", "plan", "spool", "intake", "clock", "error", "matcher", "control"]),
    ("web", &["model", "plan", "spool", "clock", "error", "control"]),
    (
        "worker",
        &[
            "model", "plan", "spool", "intake", "render", "deliver", "print", "alert", "clock", "error", "matcher",
            "control", "logging",
        ],
    ),
    (
        "server",
        &[
            "model", "plan", "spool", "intake", "render", "deliver", "print", "alert", "clock", "error", "matcher",
            "control", "logging", "operator", "worker", "web",
        ],
    ),
    (
        "cli",
        &[
            "model", "plan", "spool", "intake", "render", "deliver", "print", "alert", "clock", "error", "matcher",
            "control", "logging", "operator", "worker", "server", "web",
        ],
    ),
    ("main", &["cli", "model"]),
];

/// Macros stand at the crate's root, wherever they are written down.
const MACROS: [(&str, &str); 2] = [("keyword", "model"), ("section", "model")];

/// A source file without comments, texts and tests; its lines are where they were.
struct Source {
    /// Below `src`, `/` between its parts.
    name: String,
    code: String,
}

impl Source {
    fn line_of(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }

    fn places(&self, pattern: &Regex) -> Vec<String> {
        let hits = pattern.find_iter(&self.code);
        hits.map(|hit| format!("src/{}:{}: {}", self.name, self.line_of(hit.start()), hit.as_str())).collect()
    }

    fn module_path(&self) -> Vec<&str> {
        let stem = self.name.trim_end_matches(".rs");
        stem.trim_end_matches("/mod").split('/').filter(|part| *part != "lib").collect()
    }
}

/// Comments, texts and characters become spaces, so that nothing in them looks like code.
fn blank_what_is_no_code(text: &str) -> String {
    let no_code = Regex::new(
        r#"(?sx)
        //[^\n]*
        | /\*.*?\*/
        | \bb?r\#".*?"\#
        | \bb?r"[^"]*"
        | "(?:[^"\\]|\\.)*"
        | '(?:[^'\\\n]|\\(?:u\{[^}]*\}|x..|.))'
        "#,
    )
    .unwrap();
    no_code.replace_all(text, |hit: &regex::Captures<'_>| blank(&hit[0])).into_owned()
}

fn blank(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect()
}

/// Blanks items that are compiled for tests only; the names of those that are files of their own.
fn blank_tests(code: &str) -> (String, Vec<String>) {
    let marked = Regex::new(r"#\[cfg\((?:all\()?test\b[^\]]*\]").unwrap();
    let module = Regex::new(r"mod\s+(\w+)\s*;$").unwrap();
    let (mut out, mut files) = (code.to_string(), Vec::new());
    for start in marked.find_iter(code).map(|hit| hit.start()) {
        let mut depth = 0_usize;
        let mut end = code.len();
        for (at, c) in code[start..].char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 && matches!(c, '}' | ';') {
                end = start + at + 1;
                break;
            }
        }
        files.extend(module.captures(&code[start..end]).map(|c| c[1].to_string()));
        out.replace_range(start..end, &blank(&code[start..end]));
    }
    (out, files)
}

/// All of `src` but what is compiled for tests only.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut of_tests: BTreeSet<PathBuf> = BTreeSet::new();
    for name in
        crate::studio::files(&root).into_iter().filter(|name| Path::new(name).extension().is_some_and(|e| e == "rs"))
    {
        let path = PathBuf::from(&name);
        let text = std::fs::read_to_string(root.join(&path)).unwrap();
        let (code, tests) = blank_tests(&blank_what_is_no_code(&text));
        let is_root = ["mod.rs", "lib.rs", "main.rs"].iter().any(|n| path.file_name().unwrap() == *n);
        let below = if is_root { path.parent().unwrap().to_path_buf() } else { path.with_extension("") };
        of_tests.extend(tests.into_iter().map(|test| below.join(test)));
        all.insert(path, code);
    }
    let is_test = |path: &PathBuf| path.with_extension("").ancestors().any(|a| of_tests.contains(a));
    let kept = all.into_iter().filter(|(path, _)| !is_test(path));
    let sources: Vec<Source> =
        kept.map(|(path, code)| Source { name: path.to_str().unwrap().replace('\\', "/"), code }).collect();
    assert!(sources.len() > 100 && !of_tests.is_empty(), "the sources are not where they were");
    sources
}

/// The modules of the crate's root that a file names, each with its line.
fn uses(source: &Source) -> Vec<(usize, String)> {
    let path = Regex::new(r"\b(?:crate|hotfolders)\s*::\s*(\{|\w+)|\b((?:super\s*::\s*)+)(\{|\w+)").unwrap();
    let depth = source.module_path().len();
    let mut found = Vec::new();
    for hit in path.captures_iter(&source.code) {
        let ups = hit.get(2).map_or(0, |m| m.as_str().matches("super").count());
        if hit.get(2).is_some() && ups < depth {
            continue;
        }
        let Some(first) = hit.get(1).or(hit.get(3)) else { continue };
        let line = source.line_of(first.start());
        if first.as_str() == "{" {
            let group = heads(&source.code[first.end()..]);
            found.extend(group.into_iter().map(|name| (line, name)));
        } else {
            found.push((line, first.as_str().to_string()));
        }
    }
    found
}

/// First names of a `{a, b::c, d::{e, f}}` whose brace is behind us.
fn heads(group: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let (mut depth, mut in_head) = (1_usize, true);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => {
                names.push(String::new());
                in_head = true;
            }
            c if in_head && (c.is_alphanumeric() || c == '_') => names.last_mut().unwrap().push(c),
            c if c.is_whitespace() && names.last().unwrap().is_empty() => {}
            _ => in_head = false,
        }
        if depth == 0 {
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn violations_of_layers(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in sources {
        let Some(own) = source.module_path().first().copied().map(String::from) else { continue };
        let Some((_, may)) = LAYERS.iter().find(|(name, _)| *name == own) else {
            wrong.push(format!("src/{}: {own} has no layer; give it one here", source.name));
            continue;
        };
        for (line, name) in uses(source) {
            let name = MACROS.iter().find(|(mac, _)| *mac == name).map_or(name.as_str(), |(_, home)| home);
            if name != own && !may.contains(&name) {
                wrong.push(format!("src/{}:{line}: {own} must not use {name}", source.name));
            }
        }
    }
    wrong
}

fn violations_of_the_disk(source: &Source) -> Vec<String> {
    let calls = Regex::new(
        r"(?x)
        \bfs\s*::\s*(?:rename|write|remove_\w+|create_dir\w*|copy|hard_link|soft_link|set_permissions|symlink\w*)\b
        | \bFile\s*::\s*(?:create\w*|options)\b
        | \bfs\s*::\s*(?:renameat\w*|unlink\w*|mkdir\w*|link\w*|ftruncate|fchmod|chmod\w*|utimensat|mknodat)\s*\(
        | \.\s*(?:set_len|set_permissions|set_modified|set_times)\s*\(
        | \.\s*(?:create|create_new|truncate|append)\s*\(\s*true
        ",
    )
    .unwrap();
    let opens = Regex::new(r"\.\s*write\s*\(\s*true").unwrap();
    let mut wrong = source.places(&calls);
    wrong.extend(source.places(&opens));
    let groups = Regex::new(r"\bfs\s*::\s*\{").unwrap();
    let names = ["rename", "write", "copy", "hard_link", "set_permissions", "create_dir", "create_dir_all"];
    for hit in groups.find_iter(&source.code) {
        let taken = heads(&source.code[hit.end()..]);
        let taken = taken.iter().filter(|n| names.contains(&n.as_str()) || n.starts_with("remove_"));
        wrong.extend(taken.map(|n| format!("src/{}:{}: fs::{n}", source.name, source.line_of(hit.start()))));
    }
    wrong
}

fn violations_of_the_clock(source: &Source) -> Vec<String> {
    let clocks = Regex::new(r"\b(?:SystemTime|Timestamp|Zoned|DateTime|Utc|Local)\s*::\s*now\b").unwrap();
    source.places(&clocks)
}

fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} violations:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn dependencies_point_down() {
    none(&violations_of_layers(&sources()));
}

#[test]
fn only_durable_changes_the_disk() {
    let sources = sources();
    let (durable, others): (Vec<_>, Vec<_>) = sources.iter().partition(|s| s.name.starts_with("spool/durable"));
    assert!(durable.iter().any(|source| !violations_of_the_disk(source).is_empty()), "the search finds nothing");
    none(&others.into_iter().flat_map(violations_of_the_disk).collect::<Vec<_>>());
}

#[test]
fn only_clock_asks_for_the_time() {
    let sources = sources();
    let (clock, others): (Vec<_>, Vec<_>) = sources.iter().partition(|s| s.name == "clock.rs");
    assert!(clock.iter().any(|source| !violations_of_the_clock(source).is_empty()), "the search finds nothing");
    none(&others.into_iter().flat_map(violations_of_the_clock).collect::<Vec<_>>());
}

#[test]
fn files_stay_small() {
    let long = |source: &Source| {
        let lines = source.code.trim_end().lines().count();
        (lines > LINES_MAX).then(|| format!("src/{}:{lines}: {lines} lines, most are {LINES_MAX}", source.name))
    };
    none(&sources().iter().filter_map(long).collect::<Vec<_>>());
}

#[test]
fn the_search_sees_what_it_should_and_no_more() {
    let text = r##"
        //! crate::cli in a comment, and std::fs::write(a, b)
        use crate::model::{name, digest};
        use crate::{
            plan::{self, Plan},
            worker::run,
        };
        const A: &str = "crate::server::x \" { and SystemTime::now()";
        const B: &str = r#"fs::write"#;
        const C: char = '{';
        fn f<'a>(x: &'a str) { super::super::deliver::go(); super::cell::go(); std::fs::rename(x, x); }
        use std::fs::{self, remove_file};
        fn g() { OpenOptions::new().write(true).open("x"); jiff::Timestamp::now(); }
        #[cfg(test)]
        mod tests {
            use crate::cli::Args;
            fn h() { std::fs::write("a", "}"); }
        }
        #[cfg(test)]
        mod more;
        fn i() { crate::intake::scan(); }
    "##;
    let (code, files) = blank_tests(&blank_what_is_no_code(text));
    assert_eq!(code.matches('\n').count(), text.matches('\n').count());
    assert_eq!(files, ["more"]);
    let source = Source { name: "render/new.rs".into(), code };
    assert_eq!(
        violations_of_layers(std::slice::from_ref(&source)),
        [
            "src/render/new.rs:4: render must not use worker",
            "src/render/new.rs:11: render must not use deliver",
            "src/render/new.rs:21: render must not use intake",
        ]
    );
    assert_eq!(
        violations_of_the_disk(&source),
        [
            "src/render/new.rs:11: fs::rename",
            "src/render/new.rs:13: .write(true",
            "src/render/new.rs:12: fs::remove_file",
        ]
    );
    assert_eq!(violations_of_the_clock(&source), ["src/render/new.rs:13: Timestamp::now"]);
}
