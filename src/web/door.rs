//! A listening address and what is served there, for as long as the config names it.
//!
//! Owns: an address that is taken or not there yet is waited for, and keeps nothing else waiting; another address in an
//! edited config is moved to.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::connection::{Table, serve_connection};
use super::{STOP_WITHIN, Site};
use crate::model::config::Config;

/// How often an address that is not free is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How long to leave the system alone that has no descriptor left for one more connection.
const BREATH: Duration = Duration::from_millis(200);

/// What is served at one address.
#[derive(Debug)]
pub struct Door {
    /// For the log.
    pub name: &'static str,
    /// Where the config wants it; `None` for nowhere.
    pub listen: fn(&Config) -> Option<SocketAddr>,
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
            let address = (self.listen)(&config.borrow_and_update());
            let moved = async {
                // Without a sender nothing changes any more.
                if config.wait_for(|config| (self.listen)(config) != address).await.is_err() {
                    pending::<()>().await;
                }
            };
            tokio::select! {
                () = site.stopped() => break,
                () = moved => tracing::info!("{}: the config names another address", self.name),
                () = self.listen_at(address, &table, &site, &mut connections) => {}
            }
        }
        let ended = async { while connections.join_next().await.is_some() {} };
        // Those that do not come to an end are cut off when the set is dropped.
        let _ = tokio::time::timeout(STOP_WITHIN, ended).await;
    }

    /// Never returns.
    async fn listen_at(
        &self,
        address: Option<SocketAddr>,
        table: &Arc<Table>,
        site: &Site,
        connections: &mut JoinSet<()>,
    ) {
        let Some(address) = address else { return pending().await };
        let listener = self.bind(address).await;
        if let Ok(bound) = listener.local_addr() {
            tracing::info!("{} at http://{bound}/", self.name);
        }
        loop {
            while connections.try_join_next().is_some() {}
            let seat = table.seat().await;
            let (stream, from) = accept(&listener).await;
            // Small answers leave at once; without the option they are only a little slower.
            let _ = stream.set_nodelay(true);
            let (router, stop) = (self.router.clone(), site.clone());
            connections.spawn(async move { serve_connection(stream, from, seat, router, stop).await });
        }
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
