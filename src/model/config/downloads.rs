//! The download pages.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::overlaps::Role;
use super::paths;
use super::tls::{RawTls, Tls};
use super::{Context, Network};
use crate::model::section::Span;
use crate::section;

/// Where the pages are that download links open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloads {
    pub listen: SocketAddr,
    /// Web servers in front of the pages beside those on this machine.
    pub trusted_proxies: Vec<Network>,
    /// Plain HTTP where there is none.
    pub tls: Option<Tls>,
    /// What links start with, without a slash at the end.
    pub public_url: String,
    /// The zips and pictures behind the links.
    pub folder: PathBuf,
    /// The folder as the file writes it.
    pub shown: String,
    /// Written relative to the config file: it is made.
    pub made: bool,
    /// After a link's expiry.
    pub purge_after: Duration,
}

section! {
    /// The download pages that links open.
    pub(super) struct RawDownloads {
        /// Address and port that the pages are served at, such as `127.0.0.1:8643`. Default `127.0.0.1:8643`.
        listen: String,
        /// Addresses and networks of web servers in front of the pages, such as `172.18.0.0/16`. What they say of where a
        /// request comes from is believed, as it is of one on this machine.
        trusted_proxies: Vec<Network>,
        /// The pages over HTTPS, without a web server in front of them: `self-signed`, or the files of a certificate and its
        /// key. Default: HTTP.
        tls: RawTls,
        /// What links start with: the address under which clients reach `listen`, such as `https://photos.larson.example`.
        public_url: String [required],
        /// The folder with what lies behind the links. Default `downloads`.
        folder: String,
        /// How long after its expiry what lies behind a link is kept. Default `7d`.
        purge_after: Span,
    }
}

impl RawDownloads {
    pub(super) fn check(self, cx: &mut Context<'_>) -> Option<Downloads> {
        let listen = self.listen.unwrap_or_else(|| "127.0.0.1:8643".into());
        let folder = self.folder.unwrap_or_else(|| "downloads".into());
        let (made, shown) = (paths::is_relative(&folder), folder.trim_end_matches('/').to_string());
        let folder = cx.claim(&folder, &self.here.key("folder"), Role::Downloads);
        let listen = cx.listen(&listen, &self.here.key("listen"));
        let public_url = self.public_url?;
        let at = self.here.key("public_url");
        if let Some(url) = cx.url(&public_url, &at, &["https", "http"], "https://photos.larson.example")
            && url.path.contains(['?', '#'])
        {
            cx.error(
                &at,
                format!("`{public_url}`: links are made by adding to it; leave out what stands behind `?` or `#`"),
            );
        }
        let tls = self.tls.and_then(|tls| tls.check(cx));
        let trusted_proxies = self.trusted_proxies.unwrap_or_default();
        let is_https = public_url.starts_with("https://");
        if tls.is_some() && !is_https {
            cx.error(&at, "the pages speak HTTPS (`tls`), so what links start with does so too: `https://…`");
        }
        let is_open = listen.is_some_and(|listen| !listen.ip().is_loopback());
        if is_open && tls.is_none() && trusted_proxies.is_empty() && !cx.failed(&self.here) {
            let text = if is_https {
                "the web server in front of it is not believed where a request comes from unless it runs on this machine: \
                 name it in `trusted_proxies`, or listen at `127.0.0.1` if it does"
            } else {
                "pictures and PINs are sent without encryption: put a web server with a certificate in front of it, or write \
                 `tls` and a `public_url` with `https://`"
            };
            cx.problems.warn(&self.here.key("listen"), text);
        }
        Some(Downloads {
            listen: listen?,
            trusted_proxies,
            tls,
            public_url: public_url.trim_end_matches('/').to_string(),
            folder,
            shown,
            made,
            purge_after: self.purge_after.map_or(Duration::from_hours(7 * 24), |span| span.0),
        })
    }
}
