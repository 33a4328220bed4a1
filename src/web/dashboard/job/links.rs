//! The download links of a job: where each leads, whether it still opens, and what was taken.

use super::Read;
use crate::clock;
use crate::spool::links::LinkState;
use crate::web::Site;
use crate::web::dashboard::links::{Mailing, mailing};
use crate::web::dashboard::words::{Badge, Clock, Moment, badge};

/// A link, with what its client needs to open it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) step: String,
    pub(crate) url: String,
    pub(crate) pin: Option<String>,
    pub(crate) badge: Badge,
    pub(crate) until: String,
    pub(crate) is_open: bool,
    /// `38 of 40 pictures, yesterday`.
    pub(crate) taken: String,
    /// Since when somebody asks for another one, with whatever address of it.
    pub(crate) asked: Option<Moment>,
    /// How it can be mailed; none where nothing is known of it any more.
    pub(crate) mailing: Option<Mailing>,
}

/// Takes out of a receipt what opens a link: its address and its PIN are for operators.
pub(crate) fn hide(receipt: &mut serde_json::Value) {
    let links = receipt.get_mut("links").and_then(serde_json::Value::as_array_mut);
    for link in links.into_iter().flatten() {
        if let Some(link) = link.as_object_mut() {
            link.retain(|key, _| key != "url" && key != "pin");
        }
    }
}

/// The same for lines of the log.
pub(super) fn hide_in(lines: &mut [String], read: &Read) {
    for made in read.progress.links.values() {
        for line in lines.iter_mut().filter(|line| line.contains(&made.url)) {
            *line = line.replace(&made.url, "…");
        }
    }
}

pub(super) fn links(read: &Read, site: &Site, told: &Clock) -> Vec<Link> {
    let (now, zone) = (clock::now(), clock::time_zone(site.config().studio.time_zone.as_deref()));
    let of_job = |(hash, since): (String, jiff::Timestamp)| {
        let asked = site.links.read(&hash).ok().flatten().filter(|asked| asked.job == read.located.id)?;
        Some((since, asked.step))
    };
    let mut asked: Vec<_> = site.links.all_asked().into_iter().filter_map(of_job).collect();
    asked.sort_by_key(|(since, _)| *since);
    let link = |(step, made): (&crate::plan::StepId, &crate::spool::journal::MadeLink)| {
        let record = site.links.read(&made.hash).ok().flatten();
        let taken = record.as_ref().map(|record| site.links.taken(&made.hash, record, now));
        let state = taken.map(|taken| taken.state);
        let is_open = state == Some(LinkState::Open);
        let from = read.located.id.to_string();
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
            until: told.moment(record.as_ref().map_or(made.expires, |record| record.expires)).shown,
            is_open,
            mailing: record.as_ref().map(|of| mailing(site, Some(read), &made.hash, of, is_open, from)),
            asked: asked.iter().find(|(_, of)| of == step).map(|(since, _)| told.moment(*since)),
            taken: taken.map(|taken| taken.told(now, &zone)).unwrap_or_default(),
        }
    };
    read.progress.links.iter().map(link).collect()
}
