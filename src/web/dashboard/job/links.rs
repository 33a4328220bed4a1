//! The download links of a job: where each leads, and whether it still opens.

use super::Read;
use crate::clock;
use crate::spool::links::LinkState;
use crate::web::Site;
use crate::web::dashboard::words::{Badge, Clock, badge};

/// A link, with what its client needs to open it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) step: String,
    pub(crate) url: String,
    pub(crate) pin: Option<String>,
    pub(crate) badge: Badge,
    pub(crate) until: String,
    pub(crate) is_open: bool,
}

pub(super) fn links(read: &Read, site: &Site, told: &Clock) -> Vec<Link> {
    let now = clock::now();
    let link = |(step, made): (&crate::plan::StepId, &crate::spool::journal::MadeLink)| {
        let record = site.links.read(&made.hash).ok().flatten();
        let state = record.as_ref().map(|record| record.state(now));
        let badge = match state {
            Some(LinkState::Open) => badge("Open", "good"),
            Some(LinkState::Expired) => badge("Expired", "quiet"),
            Some(LinkState::Revoked) => badge("Revoked", "quiet"),
            Some(LinkState::UsedUp) => badge("Used up", "quiet"),
            None => badge("Gone", "quiet"),
        };
        Link {
            step: step.to_string(),
            url: made.url.clone(),
            pin: made.pin.clone(),
            badge,
            until: told.moment(record.map_or(made.expires, |record| record.expires)).shown,
            is_open: state == Some(LinkState::Open),
        }
    };
    read.progress.links.iter().map(link).collect()
}
