//! Tests that `docs/manifest.md`, the schema and the reader say the same.

use serde_json::Value;

use super::{read, schema};
use crate::model::document;

fn docs() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/manifest.md")).unwrap().replace("\r\n", "\n")
}

/// Fenced blocks of a language.
fn blocks(docs: &str, language: &str) -> Vec<String> {
    let fence = format!("\n```{language}\n");
    docs.split(fence.as_str()).skip(1).map(|rest| rest.split("\n```").next().unwrap().to_string() + "\n").collect()
}

fn validator() -> jsonschema::Validator {
    let schema = schema();
    assert!(jsonschema::meta::is_valid(&schema), "the schema is no JSON Schema");
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn every_example_is_read_without_a_warning_and_fits_the_schema() {
    let docs = docs();
    let validator = validator();
    let mut manifests = 0;
    for (language, name) in [("json", "example.json"), ("yaml", "example.yaml")] {
        for text in blocks(&docs, language) {
            let (node, _) = document::parse(&text, language == "json").unwrap();
            if node.get("receipt").is_some() {
                continue;
            }
            manifests += 1;
            let read = read(text.as_bytes(), name).unwrap_or_else(|error| panic!("{error}{text}"));
            assert_eq!(read.warnings, [], "{text}");
            let errors: Vec<String> = validator.iter_errors(&Value::from(&node)).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?}\n{text}");
        }
    }
    assert!(manifests >= 5, "{manifests}");
}

#[test]
fn every_key_of_the_schema_is_documented() {
    let docs = docs();
    let mut missing = Vec::new();
    keys(&schema(), &mut |key, description| {
        assert!(!description.is_empty(), "{key} has no description");
        if !docs.contains(&format!("`{key}`")) && !docs.contains(&format!("`{{ {key}")) {
            missing.push(key.to_string());
        }
    });
    assert!(missing.is_empty(), "not in docs/manifest.md: {missing:?}");
}

fn keys(schema: &Value, visit: &mut impl FnMut(&str, &str)) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                // `if` and `then` repeat keys, without describing them.
                if key == "properties" && map.get("type") == Some(&"object".into()) {
                    for (name, field) in value.as_object().into_iter().flatten() {
                        visit(name, field["description"].as_str().unwrap_or_default());
                    }
                }
                keys(value, visit);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| keys(value, visit)),
        _ => {}
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let validator = validator();
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/manifest");
    let mut passed = Vec::new();
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let is_json = match path.extension().and_then(|e| e.to_str()) {
            Some("json") => true,
            Some("yaml") => false,
            _ => continue,
        };
        let Ok((node, _)) = document::parse(&text, is_json) else { continue };
        let valid = validator.is_valid(&Value::from(&node));
        if name.starts_with("warns-") {
            assert!(valid, "{name}");
        } else if valid {
            passed.push(name);
        }
    }
    passed.sort();
    // What a schema cannot say: numbers in texts, sums, references, counts, and how a file name is made of parts.
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/manifest"),
        prepend_module_to_snapshot => false, omit_expression => true,
    }, { insta::assert_snapshot!("beyond-the-schema", passed.join("\n")); });
}
