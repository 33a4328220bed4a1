//! The server itself: when it works, how much it takes, what it logs and keeps, and its dashboard.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::overlaps::Role;
use super::tls::{RawTls, Tls};
use super::user::{RawUser, User};
use super::{Context, Network};
use crate::keyword;
use crate::model::document::{Node, Path as Place};
use crate::model::problem::Problems;
use crate::model::section::{Bytes, Entries, Read, Span, Whole, misplaced};
use crate::model::units::TimeOfDay;
use crate::section;

keyword! {
    /// The least that is logged.
    #[derive(PartialOrd, Ord)]
    pub enum Level { Error = "error", Warn = "warn", Info = "info", Debug = "debug", Trace = "trace" }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// When jobs may start; always where there is none.
    pub hours: Option<Hours>,
    /// Of the dashboard; off where there is none.
    pub listen: Option<SocketAddr>,
    pub users: Vec<User>,
    /// Names under which the dashboard is reached beside its address, in small letters.
    pub hosts: Vec<String>,
    /// Web servers in front of the dashboard beside those on this machine.
    pub trusted_proxies: Vec<Network>,
    /// How people reach the dashboard, without a `/` at its end: what mails lead to.
    pub public_url: Option<String>,
    /// Of the dashboard; plain HTTP where there is none.
    pub tls: Option<Tls>,
    /// False: a started server waits for `resume`.
    pub auto_start: bool,
    /// Jobs that compute at a time; as many as there are cores where there is none.
    pub max_jobs: Option<usize>,
    /// Bytes; a quarter of the memory, at least 512 MiB, where there is none.
    pub max_memory: Option<u64>,
    /// Only manifests of these locations; all where there is none.
    pub locations: Option<Vec<String>>,
    pub log: Log,
    pub retention: Retention,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    pub folder: PathBuf,
    /// Days, one file each.
    pub keep: usize,
    pub level: Level,
}

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub done: Duration,
    pub failed: Duration,
    pub receipts: Duration,
    pub history: Duration,
    pub access_log: Duration,
}

/// A part of the day; one that ends before it starts goes over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    pub from: TimeOfDay,
    /// Not in it any more.
    pub to: TimeOfDay,
}

impl Hours {
    pub fn contain(self, time: TimeOfDay) -> bool {
        if self.from <= self.to { self.from <= time && time < self.to } else { time >= self.from || time < self.to }
    }
}

impl Read for Hours {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<Hours> {
        let expected = "a part of the day such as `\"08:00-18:00\"`";
        let Node::Text(text) = node else { return misplaced(node, path, problems, expected) };
        let end = |text: &str| if text == "24:00" { Some(TimeOfDay::END_OF_DAY) } else { TimeOfDay::parse(text).ok() };
        let times =
            text.split_once('-').and_then(|(from, to)| Some((TimeOfDay::parse(from.trim()).ok()?, end(to.trim())?)));
        match times {
            Some((from, to)) if from == to => {
                problems.error(path, format!("`{text}` is no time at all; for always, leave it out"));
                None
            }
            Some((from, to)) => Some(Hours { from, to }),
            None => misplaced(node, path, problems, expected),
        }
    }
    fn schema() -> Value {
        json!({ "type": "string", "pattern": r"^\s*\d{1,2}:\d\d\s*-\s*\d{1,2}:\d\d\s*$", "examples": ["08:00-18:00"] })
    }
}

section! {
    /// The server itself.
    pub(super) struct RawServer {
        /// When jobs may start, such as `"08:00-18:00"`; a running one is finished. Default: always.
        hours: Hours,
        /// Address and port of the dashboard, such as `127.0.0.1:8642`. Default: no dashboard.
        listen: String,
        /// Who may log in to the dashboard, by name. Needed where `listen` is not on this machine alone.
        users: Entries<RawUser>,
        /// Names under which browsers reach the dashboard beside its address, such as `studio-pc.local`; no other name is
        /// answered.
        hosts: Vec<String>,
        /// Addresses and networks of web servers in front of the dashboard, such as `172.18.0.0/16`. What they say of where a
        /// request comes from is believed, as it is of one on this machine.
        trusted_proxies: Vec<Network>,
        /// How people reach the dashboard, such as `https://hot.larson.example`: what links in mails to the studio start with.
        /// Default: mails have no links to it.
        public_url: String,
        /// The dashboard over HTTPS, without a web server in front of it: `self-signed`, or the files of a certificate and its
        /// key. Default: HTTP.
        tls: RawTls,
        /// `false`: a started server waits for `hotfolders resume`. Default `true`.
        auto_start: bool,
        /// Jobs that compute at a time, 1 to 256. Default: as many as there are cores.
        max_jobs: Whole<1, 256>,
        /// Memory for pictures, such as `2GiB`, at least `64MiB`. Default: a quarter of the machine's, at least `512MiB`.
        max_memory: Bytes,
        /// Manifests of these locations are taken: `all`, or a list. Default `all`.
        locations: Locations,
        /// The log, a file for each day.
        log: RawLog,
        /// How long things are kept.
        retention: RawRetention,
    }
}

section! {
    /// The log, a file for each day.
    pub(super) struct RawLog {
        /// Its folder. Default `logs`.
        folder: String,
        /// Files that are kept, 1 to 3650. Default 14.
        keep: Whole<1, 3650>,
        /// The least that is logged: `error`, `warn`, `info`, `debug` or `trace`. Default `info`.
        level: Level,
    }
}

section! {
    /// How long things are kept.
    pub(super) struct RawRetention {
        /// Folders of finished jobs. Default `90d`.
        done: Span,
        /// Folders of failed jobs. Default `90d`.
        failed: Span,
        /// Receipts. Default `90d`.
        receipts: Span,
        /// What is known of old jobs, so that the same work is not done again. Default `3y`.
        history: Span,
        /// Who downloaded what. Default `30d`.
        access_log: Span,
    }
}

/// `all`, or a list.
#[derive(Debug, Clone)]
pub(super) struct Locations(Option<Vec<String>>);

impl Read for Locations {
    fn read(node: &Node, path: &Place, problems: &mut Problems) -> Option<Locations> {
        match node {
            Node::Text(text) if text == "all" => Some(Locations(None)),
            Node::List(items) if items.is_empty() => {
                problems.error(path, "nothing would be taken; name a location, or write `all`");
                None
            }
            Node::List(_) => Vec::read(node, path, problems).map(|list| Locations(Some(list))),
            other => misplaced(other, path, problems, "`all` or a list such as `[Main Street]`"),
        }
    }
    fn schema() -> Value {
        json!({ "anyOf": [{ "const": "all" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }] })
    }
}

/// One large picture needs about this much.
const MEMORY_MIN_BYTES: u64 = 64 * 1024 * 1024;

impl RawServer {
    pub(super) fn check(self, cx: &mut Context<'_>) -> Server {
        let at = |key: &str| self.here.key(key);
        let listen = self.listen.as_ref().and_then(|listen| cx.listen(listen, &at("listen")));
        let users: Vec<User> =
            self.users.unwrap_or_default().0.into_iter().filter_map(|(name, user)| user.check(name, cx)).collect();
        if let Some(address) = listen
            && !address.ip().is_loopback()
            && users.is_empty()
            && !cx.failed(&at("users"))
        {
            let text = format!(
                "everybody who reaches {address} could run the studio: name `users`, or listen on this machine alone \
                 (`127.0.0.1:{}`)",
                address.port()
            );
            cx.error(&at("listen"), text);
        }
        for (key, is_there) in [
            ("hosts", self.hosts.as_ref().is_some_and(|hosts| !hosts.is_empty())),
            ("trusted_proxies", self.trusted_proxies.as_ref().is_some_and(|proxies| !proxies.is_empty())),
        ] {
            if is_there && users.is_empty() && !cx.failed(&at("users")) {
                let text = "without `users` the dashboard is for this computer alone: whoever came under another name, or \
                            through a web server, could run the studio. Name `users` (`hotfolders hash-password` makes \
                            a password), or leave this out";
                cx.error(&at(key), text);
            }
        }
        let trusted_proxies = self.trusted_proxies.unwrap_or_default();
        let tls = self.tls.and_then(|tls| tls.check(cx));
        if let Some(address) = listen
            && !address.ip().is_loopback()
            && tls.is_none()
            && trusted_proxies.is_empty()
            && !cx.failed(&at("tls"))
            && !cx.failed(&at("listen"))
        {
            let text = format!(
                "nobody can log in from another computer: browsers keep a login from there over HTTPS alone. Write `tls: \
                 self-signed`, or listen at `127.0.0.1:{}` behind a web server with a certificate; one on another machine \
                 is named in `trusted_proxies`",
                address.port()
            );
            cx.problems.warn(&at("listen"), text);
        }
        let max_memory = self.max_memory.map(|bytes| bytes.0);
        if max_memory.is_some_and(|bytes| bytes < MEMORY_MIN_BYTES) {
            cx.error(&at("max_memory"), "no picture fits into that; give it at least `64MiB`");
        }
        let hosts = self.hosts.unwrap_or_default();
        for (index, host) in hosts.iter().enumerate() {
            if host.is_empty() || !host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) {
                let text = format!("`{host}` is no name of a computer, such as `studio-pc.local`; leave the port out");
                cx.error(&at("hosts").index(index), text);
            }
        }
        let public_url = self.public_url.filter(|url| {
            let place = at("public_url");
            let known = cx.url(url, &place, &["https", "http"], "https://hot.larson.example");
            let is_plain = known.as_ref().is_some_and(|known| !known.path.contains(['?', '#']));
            if known.is_some() && !is_plain {
                let text = format!("`{url}`: links are made by adding to it; leave out what stands behind `?` or `#`");
                cx.error(&place, text);
            }
            is_plain
        });
        Server {
            hours: self.hours,
            listen,
            users,
            hosts: hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect(),
            trusted_proxies,
            public_url: public_url.map(|url| url.trim_end_matches('/').to_string()),
            tls,
            auto_start: self.auto_start.unwrap_or(true),
            max_jobs: self.max_jobs.map(|n| n.0 as usize),
            max_memory,
            locations: self.locations.and_then(|locations| locations.0),
            log: self.log.unwrap_or_default().check(&at("log"), cx),
            retention: self.retention.unwrap_or_default().check(),
        }
    }
}

/// The download pages are public, the dashboard is not: they never share a door.
pub(super) fn check_listeners(dashboard: Option<SocketAddr>, downloads: Option<SocketAddr>, cx: &mut Context<'_>) {
    let (Some(a), Some(b)) = (dashboard, downloads) else { return };
    let same_host = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
    if same_host && a.port() == b.port() && a.port() != 0 {
        let text = format!("the dashboard listens at port {} too; the download pages need one of their own", a.port());
        cx.error(&Place::default().key("downloads").key("listen"), text);
    }
}

impl RawLog {
    fn check(self, here: &Place, cx: &mut Context<'_>) -> Log {
        let folder = self.folder.unwrap_or_else(|| "logs".into());
        Log {
            folder: cx.claim(&folder, &here.key("folder"), Role::Logs),
            keep: self.keep.map_or(14, |keep| keep.0 as usize),
            level: self.level.unwrap_or(Level::Info),
        }
    }
}

impl RawRetention {
    fn check(self) -> Retention {
        let days = |span: Option<Span>, default: u64| span.map_or(Duration::from_hours(default * 24), |span| span.0);
        Retention {
            done: days(self.done, 90),
            failed: days(self.failed, 90),
            receipts: days(self.receipts, 90),
            history: days(self.history, 3 * 365),
            access_log: days(self.access_log, 30),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_may_last_all_day_and_until_midnight() {
        let read = |text: &str| Hours::read(&Node::Text(text.into()), &Place::default(), &mut Problems::new());
        let (all, evening) = (read("00:00-24:00").unwrap(), read("16:00 - 24:00").unwrap());
        for (time, in_the_evening) in [("00:00", false), ("15:59", false), ("16:00", true), ("23:59", true)] {
            let time = TimeOfDay::parse(time).unwrap();
            assert_eq!((all.contain(time), evening.contain(time)), (true, in_the_evening), "{time}");
        }
        assert_eq!(evening.to.to_string(), "24:00");
        for wrong in ["24:00-08:00", "08:00-24:01", "08:00-08:00", "08:00"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn hours_may_go_over_midnight() {
        let time = |text: &str| TimeOfDay::parse(text).unwrap();
        let day = Hours { from: time("08:00"), to: time("18:00") };
        let night = Hours { from: time("22:00"), to: time("06:00") };
        for (text, by_day, by_night) in
            [("08:00", true, false), ("18:00", false, false), ("22:00", false, true), ("05:59", false, true)]
        {
            assert_eq!((day.contain(time(text)), night.contain(time(text))), (by_day, by_night), "{text}");
        }
    }
}
