//! The example, the schema, the reference and the reader are one: what one of them has, all have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::{Config, as_json, parse, schema};

const EXAMPLE: &str = include_str!("../../../../hotfolders.example.yaml");
const REFERENCE: &str = include_str!("../../../../docs/config.md");

/// Keys of each section of the schema that stand in a document. A section is known by its keys, so that one which is
/// used in two places has to be shown in one.
type Seen = BTreeMap<String, BTreeSet<String>>;

fn keys_of(schema: &Value) -> Option<(String, BTreeSet<String>)> {
    let keys: BTreeSet<String> = schema["properties"].as_object()?.keys().cloned().collect();
    let word = &schema["properties"]["to"]["const"];
    Some((format!("{word}{keys:?}"), keys))
}

fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    ["anyOf", "oneOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten()
}

fn all_sections(schema: &Value, sections: &mut Seen) {
    if let Some((id, keys)) = keys_of(schema) {
        sections.insert(id, keys);
        for inner in schema["properties"].as_object().into_iter().flat_map(|map| map.values()) {
            all_sections(inner, sections);
        }
    }
    for inner in [&schema["items"], &schema["additionalProperties"]].into_iter().filter(|inner| inner.is_object()) {
        all_sections(inner, sections);
    }
    for inner in alternatives(schema) {
        all_sections(inner, sections);
    }
}

fn mark(schema: &Value, value: &Value, seen: &mut Seen) {
    for inner in alternatives(schema).filter(|inner| jsonschema::is_valid(inner, value)) {
        mark(inner, value, seen);
    }
    for item in value.as_array().into_iter().flatten() {
        mark(&schema["items"], item, seen);
    }
    let Some(entries) = value.as_object() else { return };
    let section = keys_of(schema).map(|(id, _)| id);
    for (key, inner) in entries {
        match (&section, schema["properties"].get(key)) {
            (Some(id), Some(property)) => {
                seen.entry(id.clone()).or_default().insert(key.clone());
                mark(property, inner, seen);
            }
            _ => mark(&schema["additionalProperties"], inner, seen),
        }
    }
}

#[test]
fn the_example_is_right() {
    let config = parse(EXAMPLE).unwrap_or_else(|e| panic!("{e}"));
    let shown = config.show_warnings(EXAMPLE);
    assert_eq!(shown, "");
    assert_eq!(config.profile("prints").unwrap().repeat, crate::model::profile::Repeat::Ask);
}

#[test]
fn the_schema_takes_the_example() {
    let schema = schema();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let value = as_json(EXAMPLE);
    let errors: Vec<String> = validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn every_key_stands_in_the_example() {
    // Alternatives of one key: the example shows one, and has the others in a comment.
    const ALTERNATIVES: &[&str] = &["first", "from", "pattern", "whole"];
    let schema = schema();
    let (mut sections, mut seen) = (Seen::new(), Seen::new());
    all_sections(&schema, &mut sections);
    mark(&schema, &as_json(EXAMPLE), &mut seen);
    let missing: Vec<String> = sections
        .iter()
        .flat_map(|(id, keys)| keys.iter().map(move |key| (id, key)))
        .filter(|(id, key)| !seen.get(*id).is_some_and(|keys| keys.contains(*key)))
        .filter(|(_, key)| !ALTERNATIVES.contains(&key.as_str()))
        .map(|(id, key)| format!("{key} of {id}"))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_key_has_a_description_and_stands_in_the_reference() {
    fn walk(schema: &Value, wrong: &mut Vec<String>) {
        for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
            let description = inner["description"].as_str().unwrap_or_default();
            if !description.ends_with('.') || description.len() < 10 {
                wrong.push(format!("`{key}` is described as {description:?}"));
            }
            if !REFERENCE.contains(&format!("`{key}`")) && !REFERENCE.contains(&format!("`{key}:")) {
                wrong.push(format!("`{key}` is not in docs/config.md"));
            }
            walk(inner, wrong);
        }
        walk_others(schema, wrong);
    }
    fn walk_others(schema: &Value, wrong: &mut Vec<String>) {
        for inner in [&schema["items"], &schema["additionalProperties"]] {
            if inner.is_object() {
                walk(inner, wrong);
            }
        }
        alternatives(schema).for_each(|inner| walk(inner, wrong));
    }
    let mut wrong = Vec::new();
    walk(&schema(), &mut wrong);
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_reference_has_no_key_that_the_schema_has_not() {
    let mut sections = Seen::new();
    all_sections(&schema(), &mut sections);
    let known: BTreeSet<&str> = sections.values().flatten().map(String::as_str).collect();
    let mut in_keys = false;
    let mut wrong = Vec::new();
    for line in REFERENCE.lines() {
        if !line.starts_with("| ") {
            in_keys = in_keys && line.starts_with('|');
        } else if line.starts_with("| key") {
            in_keys = true;
        } else if in_keys {
            let cell = line[1..].split('|').next().unwrap();
            wrong.extend(cell.split('`').skip(1).step_by(2).filter(|key| !known.contains(key)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// The reference's YAML: a whole file when it has a `version`; else a part of one, put under the keys that an HTML
/// comment in front of it names (`<!-- under: profiles.web -->`), beside what it needs (`<!-- with: library -->`).
#[test]
fn every_example_of_the_reference_is_right() {
    let mut number = 0;
    let mut rest = REFERENCE;
    while let Some(at) = rest.find("```yaml\n") {
        let (before, block) = (&rest[..at], &rest[at + 8..]);
        let end = block.find("```").unwrap();
        let markers: Vec<&str> = before
            .trim_end()
            .rsplit('\n')
            .take_while(|line| line.starts_with("<!--"))
            .map(|line| line.trim_start_matches("<!--").trim_end_matches("-->").trim())
            .collect();
        let text = whole_file(&block[..end], &markers);
        number += 1;
        let config = parse(&text).unwrap_or_else(|e| panic!("example {number}:\n{text}\n{e}"));
        let shown = config.show_warnings(&text);
        assert!(shown.lines().all(|line| line.contains("not built yet")), "example {number}: {shown}");
        assert!(jsonschema::is_valid(&schema(), &as_json(&text)), "the schema refuses example {number}");
        rest = &block[end..];
    }
    assert!(number >= 15, "{number}");
}

fn whole_file(block: &str, markers: &[&str]) -> String {
    if block.starts_with("version:") {
        return block.to_string();
    }
    let under = markers.iter().find_map(|m| m.strip_prefix("under: ")).unwrap_or_default();
    let keys: Vec<&str> = under.split('.').filter(|key| !key.is_empty()).collect();
    let mut text = String::from("version: 1\n");
    for (depth, key) in keys.iter().enumerate() {
        let _ = writeln!(text, "{}{key}:", "  ".repeat(depth));
    }
    for line in block.lines() {
        let _ = writeln!(text, "{}{line}", "  ".repeat(keys.len()));
    }
    for section in markers.iter().filter_map(|m| m.strip_prefix("with: ")).flat_map(|list| list.split(", ")) {
        text += match section {
            "library" => {
                "library: { roots: [sessions], sources: { retouched: \"Retouched/{stem}.*\", hires: \"Hi-Res/{stem}.*\", previews: \"Previews/{stem}.*\" } }\n"
            }
            "profiles" => {
                "profiles:\n  web: { deliver: [{ to: folder, path: \"delivery/web\" }] }\n  full: { deliver: [{ to: folder, path: \"delivery/full\" }] }\n  prints: { size: ordered, deliver: [{ to: folder, path: \"delivery/prints\" }] }\n  panels: { size: ordered, deliver: [{ to: folder, path: \"delivery/panels\" }] }\n"
            }
            "layouts" => {
                "layouts: { wallets-8: { sheet: 8x10in, grid: { columns: 2, rows: 4, opening: 3.5x2.5in } }, panel-3: { sheet: 10x20in, slots: [{ x: 1in, y: 1in, width: 8in, height: 6in }] } }\n"
            }
            "printers" => {
                "printers: { lustre-1: { uri: \"ipp://10.0.0.21/ipp/print\", media: [8x10in, 5x7in], pool: lustre } }\npools: { lustre: {} }\n"
            }
            "downloads" => "downloads: { public_url: \"https://photos.larson.example\" }\n",
            "mail" => "mail: { smtp: \"smtps://mail.larson.example\", from: studio@larson.example }\n",
            other => panic!("no section is called {other}"),
        };
    }
    text
}

#[test]
fn the_schema_and_the_reader_agree_on_what_is_right() {
    // What the schema refuses, the reader refuses too: an editor never marks what the program takes.
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/config");
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let Ok((node, _)) = super::document::parse(&text, false) else { continue };
        if !validator.is_valid(&Value::from(&node)) {
            assert!(Config::parse(&text, std::path::Path::new("/x.yaml")).is_err());
        }
    }
}
