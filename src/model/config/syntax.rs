//! What a YAML parser's message means to somebody who does not know YAML.

use crate::model::document::{Position, SyntaxError};

/// Adds what is most likely wrong at that place.
pub(super) fn explained(error: SyntaxError, text: &str) -> SyntaxError {
    // The parser may put the path that it was at in front; the position says it better.
    let told = |what: &str| error.text.contains(what);
    let plainly = if told("repetition limit exceeded") {
        Some("aliases (`*name`) stand for more than a config can hold; write out what they stand for")
    } else if told("more than one document") {
        Some("a line `---` starts another document; this file holds one")
    } else if told("without YAML tags") {
        Some("a YAML tag (`!name`) means nothing here; leave it out, or write the text in quotes")
    } else {
        None
    };
    if let Some(plainly) = plainly {
        return SyntaxError { text: plainly.to_string(), ..error };
    }
    let Some(hint) = error.position.and_then(|position| hint(position, &error.text, text)) else { return error };
    SyntaxError { text: format!("{}; {hint}", error.text), ..error }
}

fn hint(position: Position, message: &str, text: &str) -> Option<&'static str> {
    // The parser may only notice on the next line.
    let at = position.line.saturating_sub(1);
    let near = || text.lines().enumerate().filter(move |(i, _)| *i <= at && *i + 1 >= at).map(|(_, line)| line);
    let indent_of = |line: &str| line.len() - line.trim_start().len();
    if near().any(|line| line[..indent_of(line)].contains('\t')) {
        return Some("a tab stands before the key: indent with spaces");
    }
    if near().any(|line| line.contains('\\') && line.contains('"')) && message.contains("escape") {
        return Some("in double quotes a `\\` needs another; write paths with `/`");
    }
    if near().any(|line| line.contains(": #")) {
        return Some("a `#` starts a comment: a colour stands in quotes");
    }
    if near().any(|line| line.contains(": {") && !line.contains("{ ")) {
        return Some("a text that starts with `{` stands in quotes");
    }
    let hints = [
        ("mapping values are not allowed", "the indent does not fit, or a text with `: ` in it needs quotes"),
        ("anchor", "a text that starts with `*` or `&` stands in quotes"),
        ("cannot start any token", "a text that starts with `%`, `@` or a backtick stands in quotes"),
        ("unexpected end of stream", "a quote that was opened is never closed"),
        ("',' or '", "a `[` or `{` before it is not closed, or a comma is missing"),
        ("expected key", "its indent fits no key above it"),
        ("block end", "its indent fits no key above it"),
    ];
    hints.iter().find(|(part, _)| message.contains(part)).map(|(_, hint)| *hint)
}
