//! The JSON Schema of a receipt, for whoever programs the studio app.
//!
//! Owns: it says what [`Receipt`](super::Receipt) writes; the tests hold every receipt against it.

use super::RECEIPT_VERSION;

/// The JSON Schema of a receipt.
pub fn schema() -> serde_json::Value {
    use serde_json::json;
    let text = json!({ "type": "string" });
    let maybe = json!({ "type": ["string", "null"] });
    let time = json!({ "type": "string", "format": "date-time" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let notice = json!({
        "type": "object",
        "properties": {
            "code": text, "line": { "type": ["integer", "null"] }, "number": maybe, "step": maybe, "text": text,
        },
        "required": ["code", "text"],
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hotfolders receipt",
        "type": "object",
        "properties": {
            "receipt": { "const": RECEIPT_VERSION },
            "job": text,
            "id": maybe,
            "kind": { "enum": ["session", "invoice", "production_order", "pictures", null] },
            "record": text,
            "result": { "enum": ["done", "failed", "duplicate", "ignored", "skipped", "cancelled"] },
            "accepted": time,
            "started": { "type": ["string", "null"], "format": "date-time" },
            "finished": time,
            "manifest": text,
            "manifest_sha256": text,
            "profile_hash": { "type": "object", "additionalProperties": text },
            "outputs": { "type": "array", "items": {
                "type": "object",
                "properties": {
                    "step": text, "profile": text, "line": { "type": ["integer", "null"] },
                    "number": { "type": ["integer", "string", "null"] }, "source": maybe, "source_sha256": maybe,
                    "sources": { "type": "array", "items": {
                        "type": "object",
                        "properties": { "source": text, "source_sha256": maybe },
                        "required": ["source"],
                    } },
                    "path": maybe, "bytes": count, "width": count, "height": count, "dpi": { "type": "number" }, "sha256": text,
                },
                "required": ["step", "profile", "bytes", "width", "height", "dpi", "sha256"],
            } },
            "deliveries": { "type": "array", "items": {
                "type": "object",
                "properties": {
                    "step": text, "to": text, "owner": text, "paths": { "type": "array", "items": text },
                    "complete": { "type": "boolean" },
                    "orders": { "type": "array", "items": {
                        "type": "object",
                        "properties": {
                            "path": text, "channel": { "type": ["integer", "null"] }, "copies": count, "state": text,
                        },
                        "required": ["path", "copies", "state"],
                    } },
                },
                "required": ["step", "to", "owner", "paths", "complete"],
            } },
            "prints": { "type": "array" },
            "links": { "type": "array", "items": {
                "type": "object",
                "properties": {
                    "step": text, "url": { "type": "string", "format": "uri" }, "pin": maybe, "expires": time,
                    "max_downloads": { "type": ["integer", "null"] }, "refreshed": { "type": "boolean" },
                    "mail": {
                        "type": "object",
                        "properties": {
                            "to": { "type": "array", "items": text }, "message_id": text,
                            "sent": { "type": ["string", "null"], "format": "date-time" },
                        },
                        "required": ["to", "message_id", "sent"],
                    },
                },
                "required": ["url", "pin", "expires"],
            } },
            "prints": { "type": "array", "items": {
                "type": "object",
                "properties": {
                    "step": text, "line": { "type": ["integer", "null"] }, "sheet": text, "printer": text,
                    "printer_job": { "type": ["integer", "null"] }, "printer_job_uuid": maybe,
                    "copies": count, "state": { "enum": ["rendered", "sent", "accepted", "printed", "uncertain"] },
                },
                "required": ["step", "printer", "copies", "state"],
            } },
            "links": { "type": "array" },
            "duplicate_of": maybe,
            "warnings": { "type": "array", "items": notice },
            "errors": { "type": "array", "items": notice },
        },
        "required": [
            "receipt", "job", "record", "result", "accepted", "finished", "manifest", "manifest_sha256", "outputs",
            "prints", "links", "warnings", "errors",
        ],
    })
}
