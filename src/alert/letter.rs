//! What a client is written: the mail with a link, in words of the program or of the studio.
//!
//! Owns: the link stands in it, a PIN never does. The studio's words are a [`Template`] with a few tokens more, checked
//! before they are used.

use std::path::Path;

use jiff::civil::Date;

use super::smtp::read_small;
use crate::model::template::{Template, Token};
use crate::model::words::Words;

/// A subject and a body in both forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Tokens that only this template knows.
const TOKENS: &[&str] = &["link", "until", "pictures", "greeting", "pin_note", "studio.email"];

/// What is told of a link.
#[derive(Debug, Clone, Copy)]
pub struct LinkTold<'a> {
    pub url: &'a str,
    /// The last day on which it opens.
    pub until: Date,
    pub pictures: usize,
    /// The page asks for a PIN.
    pub has_pin: bool,
    /// Of the client, such as `de` or `de-CH`.
    pub language: Option<&'a str>,
    pub first_name: Option<&'a str>,
    pub studio: Option<&'a str>,
    pub studio_email: Option<&'a str>,
}

/// What the studio wrote: a subject and a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterTemplate {
    subject: Template,
    body: Template,
}

impl LetterTemplate {
    /// `Subject: …` in the first line, then the body. The error says what is wrong with it.
    pub fn parse(source: &str) -> Result<LetterTemplate, String> {
        let source = source.strip_prefix('\u{feff}').unwrap_or(source).replace("\r\n", "\n");
        let (first, body) = source.split_once('\n').unwrap_or((&source, ""));
        let subject = first.strip_prefix("Subject:").map(str::trim).filter(|subject| !subject.is_empty());
        let Some(subject) = subject else {
            return Err("its first line must be the subject: `Subject: Your pictures`".into());
        };
        let parse = |text: &str| Template::parse_with(text, TOKENS).map_err(|e| e.to_string());
        let template = LetterTemplate { subject: parse(subject)?, body: parse(body.trim())? };
        let has_link = |template: &Template| template.tokens().any(|token| token.name == "link");
        if !has_link(&template.body) {
            return Err("it has no `{link}`: the client could not open the page".into());
        }
        if has_link(&template.subject) {
            return Err("`{link}` does not belong into the subject: mail servers write subjects into their logs".into());
        }
        Ok(template)
    }
}

/// Reads what the studio wrote; the error names the file.
pub fn read_template(file: &Path) -> Result<LetterTemplate, String> {
    let source = read_small(file)?;
    LetterTemplate::parse(&source).map_err(|why| format!("{}: {why}", file.display()))
}

/// The mail with a link. `values` gives the job's tokens; without a `template` the program's own words are used.
pub fn link_letter(
    told: &LinkTold<'_>,
    template: Option<&LetterTemplate>,
    values: &dyn Fn(&Token) -> Option<String>,
) -> Letter {
    let words = Words::of_client(told.language);
    let value = |token: &Token| match token.name.as_str() {
        "link" => Some(told.url.to_string()),
        "until" => Some(words.date(told.until)),
        "pictures" => Some(told.pictures.to_string()),
        "greeting" => Some(greeting(words, told.first_name)),
        "pin_note" => told.has_pin.then(|| words.letter.pin_note.to_string()),
        "studio.name" => told.studio.map(str::to_string),
        "studio.email" => told.studio_email.map(str::to_string),
        _ => values(token),
    };
    let (subject, text) = match template {
        Some(own) => (own.subject.text(&value, &mut Vec::new()), own.body.text(&value, &mut Vec::new())),
        None => own_words(words, told),
    };
    let text = tidied(&text);
    Letter { html: html_of(&text, Some((told.url, words.language))), subject, text }
}

fn greeting(words: &Words, name: Option<&str>) -> String {
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    name.map_or(words.letter.hello.to_string(), |name| words.letter.hello_to.replace("{}", name))
}

/// Subject and text without a template.
fn own_words(words: &Words, told: &LinkTold<'_>) -> (String, String) {
    let letter = &words.letter;
    let subject = told.studio.map_or(words.your_pictures.to_string(), |studio| letter.subject_of.replace("{}", studio));
    let until = letter.until.replace("{}", &words.date(told.until));
    let text = [
        greeting(words, told.first_name),
        letter.ready.replace("{}", &told.pictures.to_string()),
        told.url.to_string(),
        format!("{until} {}", if told.has_pin { letter.pin_note } else { "" }),
        if told.studio_email.is_some() { letter.ask.to_string() } else { String::new() },
        format!("{}\n{}", letter.regards, told.studio.unwrap_or_default()),
    ];
    (subject, text.join("\n\n"))
}

/// What a token left empty leaves no hole.
fn tidied(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && lines.last().is_none_or(|last| last.is_empty())) {
            lines.push(line);
        }
    }
    format!("{}\n", lines.join("\n").trim_end())
}

pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}

/// The same text as a page: paragraphs, line ends, and the link to click on.
pub(super) fn html_of(text: &str, link: Option<(&str, &str)>) -> String {
    let language = link.map_or("en", |(_, language)| language);
    let paragraphs = text.trim().split("\n\n").map(|paragraph| {
        let mut html = escaped(paragraph).replace('\n', "<br>\n");
        if let Some((url, _)) = link {
            let url = escaped(url);
            html = html.replace(&url, &format!("<a href=\"{url}\">{url}</a>"));
        }
        format!("<p>{html}</p>\n")
    });
    let body: String = paragraphs.collect();
    format!(
        "<!doctype html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\"></head>\n<body style=\"font: 16px/1.5 sans-serif; \
         color: #222; max-width: 40em; margin: 1em auto; padding: 0 1em\">\n{body}</body></html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://photos.larson.example/d/Zm9vYmFy_-1";

    fn told(language: Option<&str>) -> LinkTold<'_> {
        LinkTold {
            url: URL,
            until: jiff::civil::date(2026, 12, 3),
            pictures: 40,
            has_pin: true,
            language,
            first_name: Some("Ada"),
            studio: Some("Larson & Söhne"),
            studio_email: Some("ask@larson.example"),
        }
    }

    #[test]
    fn each_language_says_it_all() {
        for (language, hello, until) in [
            (None, "Hello Ada,", "3 December 2026"),
            (Some("en-GB"), "Hello Ada,", "3 December 2026"),
            (Some("de"), "Guten Tag Ada,", "3. Dezember 2026"),
            (Some("DE_at"), "Guten Tag Ada,", "3. Dezember 2026"),
            (Some("es"), "Hola, Ada:", "3 de diciembre de 2026"),
            (Some("fr"), "Bonjour Ada,", "3 décembre 2026"),
            (Some("tlh"), "Hello Ada,", "3 December 2026"),
        ] {
            let letter = link_letter(&told(language), None, &|_| None);
            for part in [hello, until, URL, "40", "Larson & Söhne", "PIN"] {
                assert!(letter.text.contains(part), "{part} in {}", letter.text);
            }
            assert!(letter.subject.contains("Larson & Söhne") && !letter.subject.contains(URL), "{}", letter.subject);
            assert!(letter.html.contains(&format!("<a href=\"{URL}\">{URL}</a>")), "{}", letter.html);
            assert!(letter.html.contains("Larson &amp; Söhne"));
            let open = LinkTold { has_pin: false, first_name: None, studio: None, ..told(language) };
            let open = link_letter(&open, None, &|_| None);
            assert!(
                !open.text.contains("PIN") && !open.text.contains("Ada") && !open.text.contains("\n\n\n"),
                "{}",
                open.text
            );
        }
    }

    #[test]
    fn the_studio_writes_in_its_own_words() {
        let source = "Subject: Order {record} is ready\n\n{greeting}\n\n{fields.note}\n\n<b>{link}</b> until {until}\n{pin_note}\n";
        let template = LetterTemplate::parse(source).unwrap();
        let values = |token: &Token| (token.name == "record").then(|| "1042 <x>".to_string());
        let letter = link_letter(&told(Some("de")), Some(&template), &values);
        assert_eq!(letter.subject, "Order 1042 <x> is ready");
        let expected = format!("Guten Tag Ada,\n\n<b>{URL}</b> until 3. Dezember 2026\nDie Seite fragt nach einer PIN");
        assert!(letter.text.starts_with(&expected), "{}", letter.text);
        assert!(letter.html.contains("&lt;b&gt;<a href="), "what the studio writes is text: {}", letter.html);
    }

    #[test]
    fn what_a_template_cannot_do_is_said() {
        for (source, why) in [
            ("", "first line must be the subject"),
            ("Subject:\n{link}", "first line must be the subject"),
            ("Hello\n{link}", "first line must be the subject"),
            ("Subject: x\nno way in", "no `{link}`"),
            ("Subject: {link}\n{link}", "does not belong into the subject"),
            ("Subject: x\n{link} {pin}", "`{pin}` is no token"),
            ("Subject: x\n{link} {untill}", "did you mean `until`"),
        ] {
            let told = LetterTemplate::parse(source).unwrap_err();
            assert!(told.contains(why), "{source:?}: {told}");
        }
    }
}
