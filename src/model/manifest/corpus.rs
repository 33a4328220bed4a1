//! Tests over `tests/corpus/manifest`: one wrong text each, and what an operator reads of it. And over texts that a
//! machine made wrong.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{ManifestError, guess_record, read};

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/manifest")
}

#[test]
fn every_message_of_the_corpus() {
    let mut names: Vec<String> = std::fs::read_dir(corpus())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|e| e == "json" || e == "yaml"))
        .collect();
    names.sort();
    let mut all = String::new();
    for name in &names {
        let bytes = std::fs::read(corpus().join(name)).unwrap();
        let started = std::time::Instant::now();
        let told = match read(&bytes, name) {
            Ok(read) => {
                assert!(name.starts_with("warns-"), "{name} was read");
                let warnings: Vec<String> =
                    read.warnings.iter().map(|w| format!("warning: {}: {}\n", w.path, w.told())).collect();
                warnings.concat()
            }
            Err(ManifestError::CutOff(text)) => format!("(may still be growing)\n{text}"),
            Err(ManifestError::Invalid(text)) => text,
        };
        assert!(!told.is_empty() && told.ends_with('\n'), "{name}: {told:?}");
        assert!(!told.contains(|c: char| c != '\n' && crate::model::name::is_control_or_bidi(c)), "{name}: {told:?}");
        assert!(started.elapsed().as_secs() < 5, "{name} took {:?}", started.elapsed());
        let _ = writeln!(all, "{told}");
    }
    assert!(names.len() >= 60);
    insta::with_settings!({ snapshot_path => corpus(), prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("messages", all);
    });
}

/// A right manifest with everything in it, in both syntaxes.
const SEEDS: [&str; 2] = [
    r##"{"manifest": 1, "id": "A-3", "kind": "invoice", "record": "1042", "action": "reprint", "only": [1, 2],
 "status": "Paid", "status_date": "2026-11-20T15:04:05-06:00", "session": "S1", "client": {"first": "Ada"},
 "images": [{"number": 7, "file": "a/S1007.jpg", "id": "x", "rating": "selected", "groups": ["g"], "rotate": 90,
  "straighten": -1.5, "crop": [0.1, 0, 0.5, 1], "adjust": {"tint": 4}, "tone": "#704214", "width": 60, "height": 40}],
 "lines": [{"line": 1, "item": "8X10", "quantity": 2, "image": 7, "size": "8x10in", "border": {"width": "3mm"}},
  {"line": 2, "images": "all", "notes": "é"}, {"line": 3, "layout": "p", "slots": [{"image": "b.jpg"}]}],
 "profiles": ["p"], "not_before": "2026-11-20T22:00:00Z", "priority": 1, "count": {"images": 1, "lines": 3},
 "fields": {"a": [1, {"b": null}]}}"##,
    "manifest: 1\nkind: session\nrecord: &r S1\nsession: *r\nclient: { first: \"Ada\" }\nimages:\n- number: 007\n  \
     crop: [0, 0, 1, 0.5]\n  tone: 'bw'\n- file: b.jpg\n  fields:\n    note: |\n      two\n      lines\n\
     count: { images: 2, lines: 0 }\n",
];

/// Pieces that have broken parsers before.
const PIECES: [&str; 24] = [
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    ":",
    ",",
    "\n",
    "  ",
    "\t",
    "- ",
    "\\u0000",
    "\\ud800",
    "\0",
    "&a ",
    "*a",
    "<<: ",
    "!!x ",
    "1e999",
    "-1",
    "99999999999999999999",
    "\u{202e}",
    "null",
];

fn mutated() -> impl Strategy<Value = (Vec<u8>, bool)> {
    let edit = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u8..6, 0..PIECES.len(), any::<u8>());
    (0..SEEDS.len(), prop::collection::vec(edit, 1..6), any::<bool>()).prop_map(|(seed, edits, json)| {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        for (at, other, what, piece, byte) in edits {
            let (a, b) = (at.index(bytes.len() + 1), other.index(bytes.len() + 1));
            let (from, to) = (a.min(b), a.max(b));
            match what {
                0 => bytes.truncate(a),
                1 => drop(bytes.drain(from..to.min(from + 12))),
                2 => drop(bytes.splice(a..a, PIECES[piece].bytes())),
                3 => bytes.insert(a, byte),
                4 => {
                    let part = bytes[from..to.min(from + 80)].to_vec();
                    drop(bytes.splice(a..a, part));
                }
                _ => {
                    // A value of its own for another: the form stays, the meaning goes.
                    let digit = bytes[from..].iter().position(u8::is_ascii_digit).map(|n| from + n);
                    if let Some(at) = digit {
                        drop(bytes.splice(at..=at, PIECES[piece].bytes()));
                    }
                }
            }
        }
        (bytes, json)
    })
}

#[test]
fn the_seeds_are_right() {
    for seed in SEEDS {
        read(seed.as_bytes(), "a.yaml").unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_makes_the_reader_panic((bytes, json) in mutated()) {
        let told = read(&bytes, if json { "a.json" } else { "a.yaml" });
        match &told {
            Ok(read) => {
                let mut manifest = read.manifest.clone();
                let images = manifest.images.len();
                prop_assert!(manifest.lines.iter().all(|line| line.images.iter().all(|i| *i < images)));
                let _ = crate::model::pricing::apply_items(&mut manifest, &[]);
                prop_assert!(manifest.lines.iter().all(|line| line.images.iter().all(|i| *i < images)));
            }
            Err(ManifestError::CutOff(text) | ManifestError::Invalid(text)) => {
                prop_assert!(text.ends_with('\n') && text.lines().all(|line| !line.is_empty()));
                prop_assert!(!text.contains(|c: char| c != '\n' && crate::model::name::is_control_or_bidi(c)));
            }
        }
        if let Some((_, record)) = guess_record(&bytes) {
            prop_assert!(super::identity::Identifier::check(&record).is_ok());
        }
    }
}
