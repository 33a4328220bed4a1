//! Orders that were handed to labs: first those that somebody must look after.

use crate::model::counted::counted;
use crate::spool::job::JobId;
use crate::web::dashboard::told;
use crate::web::dashboard::words::{self, Badge, Clock, Moment, badge};

/// Orders on the page.
const SHOWN: usize = 30;

#[derive(Debug)]
pub(crate) struct Labs {
    pub(crate) orders: Vec<Order>,
    pub(crate) more: usize,
}

#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) job: JobId,
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) badge: Badge,
    pub(crate) since: Moment,
    pub(crate) trouble: Option<String>,
}

/// The newest first, those in trouble before all.
pub(super) fn of(told: &[told::LabOrder], clock: &Clock) -> Labs {
    let mut orders: Vec<&told::LabOrder> = told.iter().collect();
    orders.sort_by_key(|order| (order.trouble.is_none(), std::cmp::Reverse(order.since)));
    let order = |order: &&told::LabOrder| Order {
        job: order.job.clone(),
        name: order.name.clone(),
        about: format!("record {} · {} · {}", order.record, order.owner, counted(order.copies, "print")),
        badge: state(&order.state, order.trouble.is_some()),
        since: clock.moment(order.since),
        trouble: order.trouble.as_deref().map(words::sentence),
    };
    Labs { orders: orders.iter().take(SHOWN).map(order).collect(), more: orders.len().saturating_sub(SHOWN) }
}

fn state(state: &str, is_in_trouble: bool) -> Badge {
    match state {
        "sent" if is_in_trouble => badge("Not taken in", "warn"),
        "sent" => badge("Sent", "busy"),
        "accepted" => badge("Accepted", "good"),
        "taken" => badge("Taken in", "good"),
        "rejected" => badge("Rejected", "bad"),
        "removed" => badge("Taken away", "quiet"),
        _ => badge("Unknown", "quiet"),
    }
}
