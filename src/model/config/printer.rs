//! Printers: how sheets get to them, and in what colour and size.

use std::path::PathBuf;
use std::time::Duration;

use super::Context;
use super::address::printer_address;
use super::finish::RawColor;
use super::media::{self, Media, RawMedia, Stock};
use super::names::Named;
use super::overlaps::Role;
use super::server::Hours;
use crate::keyword;
use crate::model::document::Path as Place;
use crate::model::globs::Globs;
use crate::model::profile::ColorChoice;
use crate::model::section::{Span, Whole};
use crate::model::template::Template;
use crate::model::units::{Dimensions, Length};
use crate::section;

keyword! {
    /// How a folder printer is told the number of copies.
    pub enum FolderCopies {
        /// One file for each.
        Files = "files",
        /// In the file's name.
        Name = "name",
    }
}

keyword! {
    /// What a printer's count of a job goes by.
    #[derive(Default)]
    pub enum Counts {
        /// Each copy.
        #[default]
        Sheets = "sheets",
        /// The document, however many copies of it come out.
        Documents = "documents",
    }
}

keyword! {
    /// Whether a printer knows a job that has ended.
    #[derive(Default)]
    pub enum JobHistory {
        #[default]
        Kept = "kept",
        /// It is gone at once.
        Forgotten = "none",
    }
}

/// A printer of the studio.
#[derive(Debug, Clone, PartialEq)]
pub struct Printer {
    pub name: String,
    pub target: PrinterTarget,
    pub pool: Option<String>,
    /// In a pool with `allocate: priority`: the highest that can take a sheet gets it.
    pub priority: i32,
    /// Sizes are distinct, whichever side is written first.
    pub media: Vec<Media>,
    /// The sheet is made in this printer's colours.
    pub color: ColorChoice,
    /// By how much a borderless sheet is larger than the paper, on each side.
    pub overspray: Option<Length>,
    pub location: Option<String>,
    pub hours: Option<Hours>,
    /// Of a printer on the network.
    pub counts: Counts,
    /// Of a printer on the network.
    pub history: JobHistory,
}

#[derive(Debug, Clone, PartialEq)]
pub enum PrinterTarget {
    Ipp {
        /// With its port.
        uri: String,
        ca_file: Option<PathBuf>,
        insecure: bool,
        user: Option<String>,
        password_file: Option<PathBuf>,
    },
    /// Another program's hot folder; it must exist.
    Folder {
        folder: PathBuf,
        sub_folder: Option<Template>,
        copies: FolderCopies,
        /// Most files that lie there at a time.
        keep_queued: Option<u32>,
        /// A file that lies there so long means that nobody prints.
        stuck_after: Option<Duration>,
        /// Names of files by which the other program reports an error.
        error_glob: Globs,
    },
    /// Program and arguments.
    Command(Vec<String>),
}

impl Printer {
    pub fn media_for(&self, size: Dimensions) -> Option<&Media> {
        self.media.iter().find(|media| media.size.same_size(size))
    }
}

section! {
    /// A printer: one of `uri`, `folder` or `command`.
    pub(super) struct RawPrinter {
        /// Address of an IPP printer or queue, such as `ipp://10.0.0.21:631/ipp/print`; without a port it is 631.
        uri: String,
        /// Another program's hot folder, which must exist: the sheet is put there as a file.
        folder: String,
        /// A program and its arguments; no shell reads them. `{file}`, `{copies}` and `{media}`, its paper, are
        /// the sheet's.
        command: Vec<String>,
        /// The pool that it belongs to. Default none.
        pool: String,
        /// In a pool with `allocate: priority`: higher is taken first, −1000 to 1000. Default 0.
        priority: Whole<-1000, 1000>,
        /// Sizes that it takes: a list, or a map from a size to what that asks of the sheet.
        media: RawMedia [required],
        /// IPP: the type of paper in it, for the sizes in `media` that name none. Default: as the printer is set.
        media_type: Globs,
        /// IPP: the tray, for the sizes in `media` that name none. Default: as the printer is set.
        media_source: Globs,
        /// The colour that sheets are made in for this printer.
        color: RawColor,
        /// By how much a borderless sheet is larger than the paper on each side, such as `1mm`. Default none.
        overspray: Length,
        /// Where it stands, such as `Main Street`. Default none.
        location: String,
        /// When it may print, such as `"08:00-18:00"`. Default: always.
        hours: Hours,
        /// `ipps`: a file with the certificate that the printer shows. Default: what the system trusts.
        ca_file: String,
        /// `ipps`: `true` takes any certificate. Default `false`.
        insecure: bool,
        /// User that the printer asks for. Default none.
        user: String,
        /// A file with that user's password, and nothing else.
        password_file: String,
        /// `uri`: what its count of a job goes by: `sheets`, each copy, or `documents`. Default `sheets`.
        counts: Counts,
        /// `uri`: whether it knows jobs that have ended: `kept`, or `none`: gone after it was seen printing is printed.
        /// Default `kept`.
        history: JobHistory,
        /// Folder printers: the folder below for a sheet, a template such as `{size}`, the paper's. Default none.
        sub_folder: Template,
        /// Folder printers: `files`, one for each copy, or the number in the `name`. Default `files`.
        copies: FolderCopies,
        /// Folder printers: most files that lie there at a time, 1 to 10000. Default: no limit.
        keep_queued: Whole<1, 10_000>,
        /// Folder printers: a file that lies there so long means that nobody prints, such as `20m`. Default: never.
        stuck_after: Span,
        /// Folder printers: names of files that tell of an error, one glob or a list. Default none.
        error_glob: Globs,
    }
}

impl RawPrinter {
    pub(super) fn check(self, name: String, cx: &mut Context<'_>) -> Option<Printer> {
        let here = self.here.clone();
        cx.given_name(&name, &here);
        self.check_keys(cx);
        if let Some(pool) = &self.pool {
            cx.known(Named::Pool, pool, &here.key("pool"));
        }
        let own = [("media_type", self.media_type.is_some()), ("media_source", self.media_source.is_some())];
        let media_type = self.media_type.unwrap_or_default();
        let stock = Stock { media_type, media_source: self.media_source.unwrap_or_default(), ..Stock::default() };
        let media = media::check(self.media, &stock, &here.key("media"), cx);
        if self.uri.is_none() {
            let is_plain = |media: &&Media| Stock { by_name: false, ..media.stock.clone() } != Stock::default();
            let of_size = || media.iter().find(is_plain).map(|media| here.key("media").key(&media.size.to_string()));
            let own = own.into_iter().find(|(_, is_given)| *is_given).map(|(key, _)| here.key(key));
            if let Some(at) = own.or_else(of_size) {
                let text = "`media_size`, `media_type` and `media_source` go with `uri`: other printers are not asked for paper";
                cx.error(&at, text);
            }
        }
        let target = match (self.uri, self.folder, self.command) {
            (Some(uri), None, None) => PrinterTarget::Ipp {
                uri: ipp_uri(&uri, &here, self.insecure.is_some() || self.ca_file.is_some(), cx),
                ca_file: self.ca_file.map(|file| cx.path(&file, &here.key("ca_file"))),
                insecure: self.insecure.unwrap_or(false),
                user: self.user,
                password_file: self.password_file.map(|file| cx.path(&file, &here.key("password_file"))),
            },
            (None, Some(folder), None) => {
                if let Some(template) = &self.sub_folder {
                    cx.folder_template(template, &here.key("sub_folder"));
                }
                PrinterTarget::Folder {
                    folder: cx.claim(&folder, &here.key("folder"), Role::PrinterFolder(name.clone())),
                    sub_folder: self.sub_folder,
                    copies: self.copies.unwrap_or(FolderCopies::Files),
                    keep_queued: self.keep_queued.map(|n| n.0 as u32),
                    stuck_after: self.stuck_after.map(|span| span.0),
                    error_glob: self.error_glob.unwrap_or_default(),
                }
            }
            (None, None, Some(command)) => PrinterTarget::Command(command_line(command, &here.key("command"), cx)),
            (None, None, None) => {
                if !["uri", "folder", "command"].iter().any(|key| cx.failed(&here.key(key))) {
                    cx.error(&here, "a printer needs one of `uri`, `folder` and `command`: how sheets get to it");
                }
                return None;
            }
            _ => {
                cx.error(&here, "a printer has one of `uri`, `folder` and `command`; make two printers of it");
                return None;
            }
        };
        Some(Printer {
            name,
            target,
            pool: self.pool,
            priority: self.priority.map_or(0, |priority| priority.0 as i32),
            media,
            color: self.color.unwrap_or_default().check(cx),
            overspray: self.overspray,
            location: self.location,
            hours: self.hours,
            counts: self.counts.unwrap_or_default(),
            history: self.history.unwrap_or_default(),
        })
    }

    /// Keys that another kind of printer has would be ignored in silence.
    fn check_keys(&self, cx: &mut Context<'_>) {
        let (ipp, folder) = (self.uri.is_some(), self.folder.is_some());
        if !ipp && !folder && self.command.is_none() {
            return;
        }
        let keys = [
            ("ca_file", self.ca_file.is_some(), ipp, "uri"),
            ("insecure", self.insecure.is_some(), ipp, "uri"),
            ("user", self.user.is_some(), ipp, "uri"),
            ("password_file", self.password_file.is_some(), ipp, "uri"),
            ("counts", self.counts.is_some(), ipp, "uri"),
            ("history", self.history.is_some(), ipp, "uri"),
            ("sub_folder", self.sub_folder.is_some(), folder, "folder"),
            ("copies", self.copies.is_some(), folder, "folder"),
            ("keep_queued", self.keep_queued.is_some(), folder, "folder"),
            ("stuck_after", self.stuck_after.is_some(), folder, "folder"),
            ("error_glob", self.error_glob.is_some(), folder, "folder"),
        ];
        for (key, _, _, with) in keys.iter().filter(|(_, is_there, allowed, _)| *is_there && !*allowed) {
            cx.error(&self.here.key(key), format!("`{key}` goes with `{with}`, which this printer does not have"));
        }
        if ipp && self.user.is_some() != self.password_file.is_some() {
            let (there, missing) =
                if self.user.is_some() { ("user", "password_file") } else { ("password_file", "user") };
            cx.error(&self.here.key(there), format!("`{there}` and `{missing}` go together"));
        }
    }
}

/// IPP's own port is written out: programs take `ipps` for HTTPS else, and its port.
fn ipp_uri(written: &str, here: &Place, has_tls_keys: bool, cx: &mut Context<'_>) -> String {
    let at = here.key("uri");
    let (plain, zone) = match printer_address(written) {
        Ok(parts) => parts,
        Err(why) => {
            cx.error(&at, why);
            return String::new();
        }
    };
    let Some(url) = cx.url(&plain, &at, &["ipp", "ipps"], "ipp://10.0.0.21:631/ipp/print") else {
        return String::new();
    };
    let is_zone = |zone: &String| zone.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
    if zone.as_ref().is_some_and(|zone| !is_zone(zone) || zone.is_empty()) {
        cx.error(&at, "behind the `%` stands no name of a network of this machine, such as `eth0`");
    }
    let host = match zone {
        Some(zone) => format!("{}%25{zone}]", url.host.trim_end_matches(']')),
        None => url.host.to_string(),
    };
    if has_tls_keys && url.scheme == "ipp" {
        cx.error(&at, "`ca_file` and `insecure` speak of certificates; write `ipps://`, or leave them out");
    }
    format!("{}://{host}:{}{}", url.scheme, url.port.unwrap_or(631), url.path)
}

fn command_line(mut words: Vec<String>, at: &Place, cx: &mut Context<'_>) -> Vec<String> {
    const TOKENS: &[&str] = &["file", "media", "copies"];
    let Some(program) = words.first().cloned() else {
        cx.error(at, "name a program");
        return words;
    };
    words[0] = cx.program(&program, &at.index(0));
    for (index, word) in words.iter().enumerate().skip(1) {
        for token in word.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default()) {
            if !TOKENS.contains(&token) {
                let hint = crate::model::problem::did_you_mean(token, TOKENS.iter().copied());
                let text = format!(
                    "`{{{token}}}` is no token of a printer's command; those are `{{file}}`, `{{media}}` and `{{copies}}`{hint}"
                );
                cx.error(&at.index(index), text);
            }
        }
    }
    if !words.iter().any(|word| word.contains("{file}")) && !words.is_empty() {
        cx.error(at, "nothing here says what to print: one argument needs `{file}`");
    }
    words
}
