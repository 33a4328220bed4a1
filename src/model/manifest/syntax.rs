//! From text to a tree; and the parsers' words made into what a studio's programmer can act on.

use crate::model::document::{self, Node, Syntax, SyntaxError};

/// The tree of a text. Where it is neither JSON nor YAML, the error is that of the one that was meant.
pub(super) fn tree(text: &str, is_json_file: bool) -> Result<(Node, Syntax), SyntaxError> {
    let error = match document::parse(text, is_json_file) {
        Ok(parsed) => return Ok(parsed),
        Err(error) => error,
    };
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let looks_like_json = start.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with('"'));
    if is_json_file || looks_like_json {
        return document::parse(text, true)
            .map_err(|error| SyntaxError { text: json_words(&error.text, start), ..error });
    }
    // What is open at the end of a YAML text is found at its end.
    let at_end = error.position.is_some_and(|p| p.line >= text.trim_end().lines().count());
    let is_open = ["did not find expected", "could not find expected", "end of stream"];
    let cut_off = at_end && is_open.iter().any(|words| error.text.contains(words));
    Err(SyntaxError { cut_off, text: yaml_words(&error.text, cut_off), ..error })
}

fn json_words(text: &str, start: &str) -> String {
    if let Some(inside) = text.strip_prefix("EOF while parsing ") {
        return format!("the text ends too early, inside {inside}");
    }
    if !start.starts_with(['{', '[']) && text == "expected value" {
        return "this is no JSON: a manifest begins with `{`; one in YAML is called `.yaml`".to_string();
    }
    let hints = [
        ("control character", "a line break or control character in a text; it is written `\\n`, `\\u001f`"),
        ("hex escape", "half a character: beyond U+FFFF it is written as itself or as a pair such as `\\ud83d\\ude00`"),
        ("surrogate", "half a character: beyond U+FFFF it is written as itself or as a pair such as `\\ud83d\\ude00`"),
        ("invalid escape", "a single `\\` in a text; it is written `\\\\`"),
        ("trailing comma", "no comma may stand behind the last entry"),
        ("trailing characters", "something stands behind the end of the manifest; a file holds one"),
        ("key must be a string", "a key in double quotes belongs here (JSON has no comments and no single quotes)"),
        (
            "expected value",
            "a value belongs here: a text in double quotes, a number, true, false, null, a list or a map",
        ),
        (
            "invalid number",
            "no JSON number is written so: it has no zero in front and no sign `+`; what has to keep them, such as `0012`, \
             is written in quotes",
        ),
        ("number out of range", "the number is larger than any program can keep"),
    ];
    hints
        .iter()
        .find(|(words, _)| text.contains(words))
        .map_or_else(|| text.to_string(), |(_, said)| (*said).to_string())
}

fn yaml_words(text: &str, cut_off: bool) -> String {
    if cut_off {
        return format!("the text ends too early ({text})");
    }
    let hints = [
        ("deep in one another", ""),
        ("repetition limit", "aliases repeat each other too often"),
        ("more than one document", "a second document begins (`---`); a file holds one manifest"),
        ("without YAML tags", "tags (`!…`) are not taken; a text that begins with `!` needs quotes"),
        ("expected a key", "a list or map cannot be a key"),
        ("mapping values are not allowed", "a second `: ` on one line; a text that holds it needs quotes"),
        (
            "cannot start any token",
            "no value begins so: tabs do not indent, and a text with `@`, `%` or a backquote in front \
                                    needs quotes",
        ),
        ("unknown anchor", "the alias names no anchor; a text that begins with `*` needs quotes"),
    ];
    match hints.iter().find(|(words, _)| text.contains(words)) {
        // The parser puts the path in front, which is as deep as the nesting.
        Some((_, "")) => text.rsplit_once(": ").map_or(text, |(_, told)| told).to_string(),
        Some((_, said)) => (*said).to_string(),
        None => text.to_string(),
    }
}
