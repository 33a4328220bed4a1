//! Deliveries: the seven kinds that `to:` names, each with keys of its own.

use std::time::Duration;

use serde_json::{Value, json};

use super::Context;
use super::lab::RawLab;
use super::link::RawLink;
use super::names::Named;
use crate::model::delivery::{
    CommandFor, Delivery, DiscSize, OnConflict, PrintCopies, PrintMedia, PrintQuality, Publish,
};
use crate::model::document::{Node, Path as Place};
use crate::model::problem::{Problems, did_you_mean};
use crate::model::section::{Bytes, Read, Span, Whole, entries, misplaced, word};
use crate::model::template::Template;
use crate::model::units::{Dimensions, parse_bytes};
use crate::section;

/// The words of `to:`.
const KINDS: &[&str] = &["folder", "disc", "zip", "link", "print", "lab", "command"];

/// One delivery as it is written.
#[derive(Debug, Clone)]
pub(super) enum RawDelivery {
    Folder(RawFolder),
    Disc(RawDisc),
    Zip(RawZip),
    Link(RawLink),
    Print(RawPrint),
    Lab(RawLab),
    Command(RawCommand),
}

section! {
    /// Files into a folder.
    pub(super) struct RawFolder {
        /// The folder: a template; a relative one is made, of an absolute one the part before its first token must exist.
        path: Template [required],
        /// `files`: picture by picture as they are ready; `whole`: all or nothing. Default `files`.
        publish: Publish,
        /// Name of an empty file that is put there last, such as `{record}.done`. Default none.
        trigger: Template,
        /// A file of that name that this record and profile did not make: `suffix` ours, `fail`, or `replace` it. Default `suffix`.
        on_conflict: OnConflict,
    }
}

section! {
    /// Folders that fit onto discs.
    pub(super) struct RawDisc {
        /// The folder of the disc: a template; more than one are `Disc 1`, `Disc 2` … in it.
        path: Template [required],
        /// `cd`, `dvd`, `dvd-dl`, `bluray`, or the bytes that fit, such as `4.3GB`. Default `dvd`.
        medium: DiscSize,
        /// Label of the disc, a template that knows `{disc}` and `{discs}`. Default none.
        label: Template,
        /// Files that are put onto the first disc, with the pictures.
        extras: Vec<String>,
    }
}

section! {
    /// A zip file.
    pub(super) struct RawZip {
        /// The zip file without `.zip`, or with it: a template.
        path: Template [required],
        /// Bytes that one zip file may have, such as `2GB`; more become `NAME_1.zip`, `NAME_2.zip` …. Default: one file.
        split: Bytes,
    }
}

section! {
    /// Sheets to a printer.
    pub(super) struct RawPrint {
        /// A printer or a pool.
        printer: String [required],
        /// The paper: `ordered` (the line's size), or a size such as `8x10in`. Default `ordered`.
        media: PrintMedia,
        /// How many: `ordered` (the line's quantity), or a number from 1 to 9999. Default `ordered`.
        copies: PrintCopies,
        /// Without margins. Default `true`.
        borderless: bool,
        /// `draft`, `normal` or `high`. Default `normal`.
        quality: PrintQuality,
        /// The printer's own colour mode, such as `color` or `monochrome`. Default: the printer's.
        color_mode: String,
    }
}

section! {
    /// A program of the studio's own.
    pub(super) struct RawCommand {
        /// The program and its arguments, templates; no shell reads them. `{file}` is the file, or the folder with `for: delivery`.
        run: Vec<Template> [required],
        /// How long it may take, such as `10m`. Default `10m`.
        timeout: Span,
        /// Once for each `file`, or once for the whole `delivery`. Default `file`.
        r#for: CommandFor,
    }
}

impl Read for RawDelivery {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<RawDelivery> {
        let all = entries(node, path, problems)?;
        let kind = node.get("to").filter(|kind| **kind != Node::Null);
        let Some(kind) = kind else {
            let list = KINDS.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
            problems.error(path, format!("`to` is missing: one of {list}"));
            return None;
        };
        let kind = word(kind, &path.key("to"), problems, KINDS)?;
        let rest = Node::Map(all.iter().filter(|(key, _)| key != "to").cloned().collect());
        match kind {
            "folder" => Read::read(&rest, path, problems).map(RawDelivery::Folder),
            "disc" => Read::read(&rest, path, problems).map(RawDelivery::Disc),
            "zip" => Read::read(&rest, path, problems).map(RawDelivery::Zip),
            "link" => Read::read(&rest, path, problems).map(RawDelivery::Link),
            "print" => Read::read(&rest, path, problems).map(RawDelivery::Print),
            "lab" => Read::read(&rest, path, problems).map(RawDelivery::Lab),
            _ => Read::read(&rest, path, problems).map(RawDelivery::Command),
        }
    }

    fn schema() -> Value {
        let of = |kind: &str, mut schema: Value| {
            if let Some(properties) = schema["properties"].as_object_mut() {
                let text = "What kind of delivery it is: `folder`, `disc`, `zip`, `link`, `print`, `lab` or `command`.";
                properties.insert("to".into(), json!({ "const": kind, "description": text }));
            }
            let mut required = vec![json!("to")];
            required.extend(schema["required"].as_array().cloned().unwrap_or_default());
            schema["required"] = required.into();
            schema
        };
        json!({ "oneOf": [
            of("folder", RawFolder::schema()),
            of("disc", RawDisc::schema()),
            of("zip", RawZip::schema()),
            of("link", RawLink::schema()),
            of("print", RawPrint::schema()),
            of("lab", RawLab::schema()),
            of("command", RawCommand::schema()),
        ] })
    }
}

impl RawDelivery {
    /// `profiles` are those whose pictures it delivers; `own` says that it is a profile's, not a render job's.
    pub(super) fn check(self, profiles: &[String], own: bool, cx: &mut Context<'_>) -> Option<Delivery> {
        match self {
            RawDelivery::Folder(raw) => raw.check(cx),
            RawDelivery::Disc(raw) => raw.check(cx),
            RawDelivery::Zip(raw) => {
                let path = cx.destination(&raw.path?, &raw.here.key("path"));
                Some(Delivery::Zip { path, split: raw.split.map(|bytes| bytes.0) })
            }
            RawDelivery::Link(raw) => Some(raw.check(profiles, own, cx)),
            RawDelivery::Print(raw) => raw.check(cx),
            RawDelivery::Lab(raw) => raw.check(cx),
            RawDelivery::Command(raw) => raw.check(cx),
        }
    }
}

impl RawFolder {
    fn check(self, cx: &mut Context<'_>) -> Option<Delivery> {
        if let Some(trigger) = &self.trigger {
            cx.name_template(trigger, &self.here.key("trigger"));
        }
        Some(Delivery::Folder {
            path: cx.destination(&self.path?, &self.here.key("path")),
            publish: self.publish.unwrap_or(Publish::Files),
            trigger: self.trigger,
            on_conflict: self.on_conflict.unwrap_or(OnConflict::Suffix),
        })
    }
}

impl RawDisc {
    fn check(self, cx: &mut Context<'_>) -> Option<Delivery> {
        if let Some(label) = &self.label {
            cx.date_formats(label, &self.here.key("label"));
        }
        let at = self.here.key("extras");
        let extras = self.extras.unwrap_or_default();
        let extras = extras.iter().enumerate().map(|(i, file)| cx.path(file, &at.index(i))).collect();
        Some(Delivery::Disc {
            path: cx.destination(&self.path?, &self.here.key("path")),
            medium: self.medium.unwrap_or(DiscSize::Dvd),
            label: self.label,
            extras,
        })
    }
}

/// Less holds no picture.
const DISC_MIN_BYTES: u64 = 10_000_000;

impl Read for DiscSize {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<DiscSize> {
        const WORDS: &[&str] = &["cd", "dvd", "dvd-dl", "bluray"];
        let expected = "`cd`, `dvd`, `dvd-dl`, `bluray`, or the bytes that fit, such as `4.3GB`";
        let Node::Text(text) = node else { return misplaced(node, path, problems, expected) };
        match text.as_str() {
            "cd" => Some(DiscSize::Cd),
            "dvd" => Some(DiscSize::Dvd),
            "dvd-dl" => Some(DiscSize::DvdDl),
            "bluray" => Some(DiscSize::Bluray),
            other => match parse_bytes(other) {
                Ok(bytes) if bytes >= DISC_MIN_BYTES => Some(DiscSize::Bytes(bytes)),
                Ok(_) => {
                    problems.error(path, format!("`{other}` is too small for a disc; the least is `10MB`"));
                    None
                }
                Err(_) => {
                    let hint = did_you_mean(other, WORDS.iter().copied());
                    problems.error(path, format!("`{other}` is not {expected}{hint}"));
                    None
                }
            },
        }
    }
    fn schema() -> Value {
        json!({ "anyOf": [{ "enum": ["cd", "dvd", "dvd-dl", "bluray"] }, Bytes::schema()] })
    }
}

impl Read for PrintMedia {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<PrintMedia> {
        match node {
            Node::Text(text) if text == "ordered" => Some(PrintMedia::Ordered),
            other => Dimensions::read(other, path, problems).map(PrintMedia::Size),
        }
    }
    fn schema() -> Value {
        json!({ "anyOf": [{ "const": "ordered" }, Dimensions::schema()] })
    }
}

impl Read for PrintCopies {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<PrintCopies> {
        match node {
            Node::Text(text) if text == "ordered" => Some(PrintCopies::Ordered),
            Node::Number(_) => Whole::<1, 9999>::read(node, path, problems).map(|n| PrintCopies::Count(n.0 as u32)),
            other => misplaced(other, path, problems, "`ordered` or a number from 1 to 9999"),
        }
    }
    fn schema() -> Value {
        json!({ "anyOf": [{ "const": "ordered" }, { "type": "integer", "minimum": 1, "maximum": 9999 }] })
    }
}

impl RawPrint {
    fn check(self, cx: &mut Context<'_>) -> Option<Delivery> {
        let printer = self.printer?;
        cx.known(Named::Printer, &printer, &self.here.key("printer"));
        if let Some(mode) = &self.color_mode
            && !mode.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            let text = format!("`{mode}` is no colour mode of a printer, such as `color`, `monochrome` or `auto`");
            cx.error(&self.here.key("color_mode"), text);
        }
        if let Some(PrintMedia::Size(size)) = &self.media {
            cx.papers.push((printer.clone(), *size, self.here.key("media")));
        }
        Some(Delivery::Print {
            printer,
            media: self.media.unwrap_or(PrintMedia::Ordered),
            copies: self.copies.unwrap_or(PrintCopies::Ordered),
            borderless: self.borderless.unwrap_or(true),
            quality: self.quality.unwrap_or(PrintQuality::Normal),
            color_mode: self.color_mode,
        })
    }
}

impl RawCommand {
    fn check(self, cx: &mut Context<'_>) -> Option<Delivery> {
        let at = self.here.key("run");
        let run = self.run?;
        cx.templates(&run, &at);
        let program = run.first().map(|program| program.source().to_string());
        let mut words: Vec<String> = run.iter().map(|argument| argument.source().to_string()).collect();
        match program {
            Some(program) => words[0] = cx.program(&program, &at.index(0)),
            None => cx.error(&at, "name a program"),
        }
        let timeout = self.timeout.map_or(Duration::from_mins(10), |span| span.0);
        if timeout.is_zero() {
            cx.error(&self.here.key("timeout"), "give it some time, such as `10m`");
        }
        Some(Delivery::Command { run: words, timeout, r#for: self.r#for.unwrap_or(CommandFor::File) })
    }
}

impl Context<'_> {
    /// A program: one with a `/` is a path, another is looked for where the system looks for programs.
    pub(super) fn program(&mut self, written: &str, at: &Place) -> String {
        if written.contains('{') || written.trim().is_empty() {
            self.error(
                at,
                "the program itself stands here, without tokens: which one is run is not for a manifest to say",
            );
        } else if written.contains(['/', '\\']) {
            return self.path(written, at).to_string_lossy().into_owned();
        } else if written.contains(' ') {
            let text =
                format!("`{written}`: no shell reads this; write the program and each argument as an entry of its own");
            self.error(at, text);
        }
        written.to_string()
    }
}
