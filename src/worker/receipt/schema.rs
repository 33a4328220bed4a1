//! The JSON Schema of a receipt, for whoever programs the studio app.
//!
//! Owns: it is made from the same lines as the types, so it says what they write.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Receipt;
use crate::spool::journal::PrintState;

/// A type whose JSON has a known form.
pub(super) trait Shape {
    fn schema() -> Value;

    /// Whether it may be left out by whoever writes the JSON, because null says as much.
    const MAY_LACK: bool = false;
}

/// Types of a receipt, and their schemas. `[optional]` is for a field that is left out where it is empty, or that earlier
/// versions did not write; behind `=>` stands a schema that says more than the type does.
macro_rules! receipt_types {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$fmeta:meta])* pub $field:ident : $ty:ty $([$optional:ident])? $(=> $schema:expr)? ),* $(,)?
        }
    )*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name { $( $(#[$fmeta])* pub $field: $ty, )* }

        impl $crate::worker::receipt::schema::Shape for $name {
            fn schema() -> serde_json::Value {
                use $crate::worker::receipt::schema::{field, object};
                object([$(
                    field::<$ty, _, _>(stringify!($field), [$($schema)?], [$(stringify!($optional))?])
                ),*])
            }
        }
    )*};
}
pub(super) use receipt_types;

/// A field of type `T`: its name, its schema, and whether it is always there.
pub(super) fn field<T: Shape, const GIVEN: usize, const MARKS: usize>(
    name: &'static str,
    given: [Value; GIVEN],
    marks: [&str; MARKS],
) -> (&'static str, Value, bool) {
    let schema = given.into_iter().next().unwrap_or_else(T::schema);
    (name, schema, !T::MAY_LACK && !marks.contains(&"optional"))
}

/// The schema of a map with these fields.
pub(super) fn object<const N: usize>(fields: [(&str, Value, bool); N]) -> Value {
    let required: Vec<String> =
        fields.iter().filter(|(.., always)| *always).map(|(name, ..)| (*name).to_string()).collect();
    let properties: serde_json::Map<String, Value> =
        fields.into_iter().map(|(name, schema, _)| (name.to_string(), schema)).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// One of some words, or null.
pub(super) fn words_or_null(words: &[&str]) -> Value {
    let words: Vec<Value> = words.iter().map(|word| Value::from(*word)).chain([Value::Null]).collect();
    json!({ "enum": words })
}

macro_rules! shapes {
    ($($ty:ty: $schema:tt;)*) => {$(
        impl Shape for $ty {
            fn schema() -> Value {
                json!($schema)
            }
        }
    )*};
}
shapes! {
    String: { "type": "string" };
    bool: { "type": "boolean" };
    u32: { "type": "integer", "minimum": 0 };
    u64: { "type": "integer", "minimum": 0 };
    i32: { "type": "integer" };
    f64: { "type": "number" };
    Timestamp: { "type": "string", "format": "date-time" };
    PrintState: { "enum": (PrintState::WORDS) };
    Value: {};
}

impl<T: Shape> Shape for Option<T> {
    fn schema() -> Value {
        let mut schema = T::schema();
        match schema.get_mut("type") {
            Some(kind) => *kind = json!([kind.clone(), "null"]),
            None => schema = json!({ "anyOf": [schema, { "type": "null" }] }),
        }
        schema
    }

    const MAY_LACK: bool = true;
}

impl<T: Shape> Shape for Vec<T> {
    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema() })
    }
}

impl<T: Shape> Shape for BTreeMap<String, T> {
    fn schema() -> Value {
        json!({ "type": "object", "additionalProperties": T::schema() })
    }
}

/// The JSON Schema of a receipt.
pub fn schema() -> Value {
    let mut schema = Receipt::schema();
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "hotfolders receipt".into();
    schema
}
