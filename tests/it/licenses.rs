//! What the dependencies may be, by `deny.toml`: their licences, and where they come from. `cargo deny check` looks at more, where
//! it is installed; this is looked at everywhere.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use spdx::{Expression, Licensee, ParseMode};
use toml_edit::{DocumentMut, Item, TableLike};

/// How the metadata names the default registry.
const REGISTRIES: [&str; 2] =
    ["registry+https://github.com/rust-lang/crates.io-index", "sparse+https://index.crates.io/"];

/// What of `deny.toml` is understood here; another key in these sections would be passed over.
const KEYS: [(&str, &[&str]); 2] = [
    ("licenses", &["allow", "unused-allowed-license"]),
    ("sources", &["unknown-registry", "unknown-git", "allow-git"]),
];

/// The licences that `deny.toml` allows.
fn allowed(text: &str) -> Vec<Licensee> {
    let document: DocumentMut = text.parse().unwrap();
    let section = |name: &str| document[name].as_table_like().unwrap();
    for (name, known) in KEYS {
        for (key, _) in section(name).iter() {
            assert!(known.contains(&key), "deny.toml: `{name}.{key}` is not looked at by this test");
        }
    }
    let list = |section: &dyn TableLike, key: &str| -> Vec<String> {
        let items = section.get(key).and_then(Item::as_array).into_iter().flatten();
        items.map(|item| item.as_str().unwrap().to_string()).collect()
    };
    let sources = section("sources");
    for key in ["unknown-registry", "unknown-git"] {
        assert_eq!(sources.get(key).and_then(Item::as_str), Some("deny"), "deny.toml: sources.{key}");
    }
    assert_eq!(list(sources, "allow-git"), [""; 0], "deny.toml: nothing but the default registry is looked for here");
    list(section("licenses"), "allow").iter().map(|word| Licensee::parse(word).unwrap()).collect()
}

/// A line for each dependency that may not be.
fn objections(metadata: &Value, allowed: &[Licensee]) -> Vec<String> {
    let own = metadata["workspace_members"].as_array().unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter().filter(|package| !own.contains(&package["id"]));
    let mut found = Vec::new();
    for package in packages {
        let name = format!("{} {}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        let source = package["source"].as_str().unwrap_or("a folder");
        if !REGISTRIES.contains(&source) {
            found.push(format!("{name} comes from {source}"));
        }
        let Some(written) = package["license"].as_str() else {
            found.push(format!("{name} names no licence"));
            continue;
        };
        // With the `/` of older crates for OR.
        match Expression::parse_mode(written, ParseMode::LAX) {
            Ok(license) if license.evaluate(|wanted| allowed.iter().any(|known| known.satisfies(wanted))) => {}
            Ok(_) => found.push(format!("{name} has the licence {written}")),
            Err(e) => found.push(format!("{name} has a licence that cannot be read: {written} ({})", e.reason)),
        }
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_dependency_is_allowed_and_comes_from_the_default_registry() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root()).args(["metadata", "--format-version", "1", "--locked"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let allowed = allowed(&std::fs::read_to_string(root().join("deny.toml")).unwrap());
    assert!(metadata["packages"].as_array().unwrap().len() > 100 && !allowed.is_empty());
    assert_eq!(objections(&metadata, &allowed), [""; 0], "add a licence to deny.toml only after reading it");
}

#[test]
fn another_licence_or_source_is_refused() {
    let allowed = allowed(
        "[licenses]\nallow = [\"MIT\", \"Unicode-3.0\", \"Apache-2.0 WITH LLVM-exception\"]\n\
         [sources]\nunknown-registry = \"deny\"\nunknown-git = \"deny\"\n",
    );
    let of = |license: Value, source: Value| {
        let dependency = json!({ "name": "x", "version": "1.0.0", "id": "x", "license": license, "source": source });
        let own = json!({ "name": "own", "version": "0.1.0", "id": "own", "license": "MIT", "source": null });
        objections(&json!({ "workspace_members": ["own"], "packages": [own, dependency] }), &allowed)
    };
    for license in [
        "MIT",
        "MIT/Apache-2.0",
        "Apache-2.0 / MIT",
        "GPL-3.0-only OR MIT",
        "MIT AND Unicode-3.0",
        "(Apache-2.0 OR MIT) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert_eq!(of(license.into(), REGISTRIES[0].into()), [""; 0], "{license}");
    }
    for license in [
        "GPL-3.0-only",
        "Apache-2.0",
        "MIT AND Apache-2.0",
        "(Apache-2.0 AND MIT) OR GPL-2.0-only",
        "Apache-2.0 WITH Classpath-exception-2.0",
    ] {
        assert_eq!(of(license.into(), REGISTRIES[0].into()), [format!("x 1.0.0 has the licence {license}")]);
    }
    assert_eq!(of(Value::Null, REGISTRIES[1].into()), ["x 1.0.0 names no licence"]);
    assert!(of("mine".into(), REGISTRIES[0].into())[0].starts_with("x 1.0.0 has a licence that cannot be read: mine"));
    for source in ["git+https://example.org/x#1234", "registry+https://example.org/index"] {
        assert_eq!(of("MIT".into(), source.into()), [format!("x 1.0.0 comes from {source}")]);
    }
    assert_eq!(of("MIT".into(), Value::Null), ["x 1.0.0 comes from a folder"]);
}

#[test]
#[should_panic(expected = "`licenses.exceptions` is not looked at")]
fn a_key_that_is_not_understood_is_not_passed_over() {
    allowed("[licenses]\nallow = []\nexceptions = []\n[sources]\n");
}
