//! A listening address and what is served there, for as long as the config names it.
//!
//! Owns: an address that is taken or not there yet, and a certificate that cannot be used, are waited for, and keep nothing
//! else waiting; another address or certificate in an edited config is moved to. What is to be served over TLS never is
//! without.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinSet, block_in_place};

use super::connection::{Table, serve_connection};
use super::tls::{Described, Identity, Terms};
use super::{STOP_WITHIN, Site, address};
use crate::model::config::Config;

/// How often an address that is not free is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How long to leave the system alone that has no descriptor left for one more connection.
const BREATH: Duration = Duration::from_millis(200);
/// How often it is looked whether a certificate was replaced.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Where and how a door is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    pub listen: SocketAddr,
    /// Names under which it is reached.
    pub hosts: Vec<String>,
    pub tls: Option<Terms>,
}

impl Opening {
    /// The address that opens it in a browser.
    pub fn url(&self) -> String {
        self.url_at(self.listen)
    }

    fn url_at(&self, bound: SocketAddr) -> String {
        address::url(bound, &self.hosts, self.tls.is_some())
    }
}

/// What is served at one address.
#[derive(Debug)]
pub struct Door {
    /// For the log.
    pub name: &'static str,
    /// How the config wants it; `None` for not at all.
    pub opening: fn(&Config) -> Option<Opening>,
    pub router: Router,
    pub connections_max: usize,
}

impl Door {
    /// Serves until the server stops.
    pub(super) async fn keep_open(self, site: Site) {
        let mut config = site.config.clone();
        let table = Table::new(self.connections_max);
        let mut connections = JoinSet::new();
        loop {
            let opening = (self.opening)(&config.borrow_and_update());
            let moved = async {
                // Without a sender nothing changes any more.
                if config.wait_for(|config| (self.opening)(config) != opening).await.is_err() {
                    pending::<()>().await;
                }
            };
            tokio::select! {
                () = site.stopped() => break,
                () = moved => tracing::info!("{}: the config wants it at another address, or otherwise", self.name),
                () = self.listen_at(opening.as_ref(), &table, &site, &mut connections) => {}
            }
        }
        let ended = async { while connections.join_next().await.is_some() {} };
        // Those that do not come to an end are cut off when the set is dropped.
        let _ = tokio::time::timeout(STOP_WITHIN, ended).await;
    }

    /// Never returns.
    async fn listen_at(
        &self,
        opening: Option<&Opening>,
        table: &Arc<Table>,
        site: &Site,
        connections: &mut JoinSet<()>,
    ) {
        let Some(opening) = opening else { return pending().await };
        let mut identity = match &opening.tls {
            Some(terms) => Some(self.identity(terms).await),
            None => None,
        };
        let listener = self.bind(opening.listen).await;
        if let Ok(bound) = listener.local_addr() {
            tracing::info!("{} at {}", self.name, opening.url_at(bound));
        }
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            while connections.try_join_next().is_some() {}
            let seat = table.seat().await;
            let (stream, from) = loop {
                tokio::select! {
                    accepted = accept(&listener) => break accepted,
                    _ = look.tick() => self.look_for_another(identity.as_mut()),
                }
            };
            let tls = identity.as_ref().map(|identity| Arc::<ServerConfig>::clone(&identity.config));
            // Small answers leave at once; without the option they are only a little slower.
            let _ = stream.set_nodelay(true);
            let (router, stop) = (self.router.clone(), site.clone());
            connections.spawn(async move { serve_connection(stream, from, seat, router, stop, tls).await });
        }
    }

    /// Waits for a certificate that can be served.
    async fn identity(&self, terms: &Terms) -> Identity {
        let mut told = None;
        loop {
            match block_in_place(|| Identity::new(terms.clone())) {
                Ok((identity, described)) => {
                    self.show(&described);
                    return identity;
                }
                Err(text) => {
                    if told.as_ref() != Some(&text) {
                        tracing::error!("{}: {text}; it is not opened without a certificate, jobs go on", self.name);
                        told = Some(text);
                    }
                }
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    fn look_for_another(&self, identity: Option<&mut Identity>) {
        match identity.and_then(|identity| block_in_place(|| identity.renew())) {
            None => {}
            Some(Ok(described)) => self.show(&described),
            Some(Err(text)) => {
                tracing::warn!("{}: another certificate cannot be used, the one before stays: {text}", self.name);
            }
        }
    }

    fn show(&self, described: &Described) {
        let Described { fingerprint, until, .. } = described;
        tracing::info!("{}: certificate until {until}, SHA-256 fingerprint {fingerprint}", self.name);
    }

    async fn bind(&self, address: SocketAddr) -> TcpListener {
        let mut told = None;
        loop {
            match TcpListener::bind(address).await {
                Ok(listener) => return listener,
                Err(e) => {
                    let text = e.to_string();
                    if told.as_ref() != Some(&text) {
                        tracing::warn!("{} at {address}: {text}; it is tried again, jobs go on", self.name);
                        told = Some(text);
                    }
                }
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(e) => {
                tracing::debug!("a connection could not be accepted: {e}");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}
