//! Mails that somebody asks for on a page of the dashboard.

use std::sync::Arc;

use crate::web;
use crate::worker::link;
use crate::worker::run::Workshop;

/// Sends them with the config in force, on the thread of whoever asks.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) workshop: Arc<Workshop>,
}

impl web::Post for Post {
    fn mail_link(&self, hash: &str, to: &[String]) -> Result<Vec<String>, String> {
        let workshop = &self.workshop;
        link::mail(&workshop.spool, &workshop.config(), &workshop.links, hash, to)
    }
}
