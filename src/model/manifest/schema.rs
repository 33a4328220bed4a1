//! The JSON Schema of manifests, for the programmers of studio apps.

use serde_json::{Value, json};

use super::form::ManifestForm;
use crate::model::section::Read as _;

/// JSON Schema 2020-12. A key that it does not name is allowed, as the reader only warns of it.
pub fn schema() -> Value {
    let mut schema = ManifestForm::schema();
    allow_more_keys(&mut schema);
    let image = &mut schema["properties"]["images"]["items"];
    image["anyOf"] = json!([{ "required": ["number"] }, { "required": ["file"] }]);
    image["dependentRequired"] = json!({ "width": ["height"], "height": ["width"] });
    let both = |one: &str, other: &str| json!({ "not": { "required": [one, other] } });
    let line = &mut schema["properties"]["lines"]["items"];
    let pairs = [("image", "images"), ("image", "slots"), ("images", "slots"), ("images", "layout")];
    line["allOf"] = pairs.map(|(one, other)| both(one, other)).to_vec().into();
    line["properties"]["slots"]["minItems"] = 1.into();
    schema["properties"]["only"]["minItems"] = 1.into();
    let is_session = json!({ "properties": { "kind": { "const": "session" } } });
    let is_cancel = json!({ "required": ["action"], "properties": { "action": { "const": "cancel" } } });
    schema["if"] = json!({ "allOf": [is_session, { "not": is_cancel }] });
    schema["then"] = json!({ "required": ["images"], "properties": { "images": { "minItems": 1 } } });
    let reprint = json!({ "required": ["action"], "properties": { "action": { "const": "reprint" } } });
    schema["dependentSchemas"] = json!({ "only": reprint });
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "hotfolders manifest".into();
    schema["description"] =
        "One job for the render server: a session, an invoice or a production order that reached a status.".into();
    schema
}

fn allow_more_keys(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("additionalProperties") == Some(&Value::Bool(false)) {
                map.insert("additionalProperties".into(), true.into());
            }
            map.values_mut().for_each(allow_more_keys);
        }
        Value::Array(list) => list.iter_mut().for_each(allow_more_keys),
        _ => {}
    }
}
