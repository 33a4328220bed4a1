//! Tests of the config as a whole.

mod corpus;
mod documented;
mod rules;

use std::path::Path;

use serde_json::Value;

use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/studio/hotfolders.yaml"))
}

/// As an editor sees a text.
fn as_json(text: &str) -> Value {
    Value::from(&document::parse(text, false).unwrap().0)
}
