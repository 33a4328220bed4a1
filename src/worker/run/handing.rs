//! Orders that were handed to a lab are remembered, so that what becomes of them is seen when the job is long done.

use super::{Run, Stop};
use crate::clock;
use crate::deliver;
use crate::model::delivery::Delivery;
use crate::plan::DeliveryStep;
use crate::plan::lab;
use crate::spool::labs::{self, HandedOver, LabState};

impl Run<'_> {
    /// Twice is once: a job that goes through its deliveries again finds its orders known.
    pub(super) fn remember_orders(&self, step: &DeliveryStep) -> Result<(), Stop> {
        let Delivery::Lab { format, accepted_within, .. } = &step.delivery else { return Ok(()) };
        let Some(place) = &step.place else { return Ok(()) };
        let standing = deliver::placed(step, self.progress());
        let sent = clock::now();
        for (number, order) in (1..).zip(lab::orders(step)) {
            let unit = deliver::order_unit(number);
            let Some(order_stands) = standing.iter().find(|standing| standing.unit == unit) else { continue };
            let name = order_stands.path.file_name().map(|name| name.to_string_lossy().into_owned());
            let handed_over = HandedOver {
                job: self.job.job.clone(),
                step: step.id.clone(),
                number,
                record: self.job.record.clone(),
                owner: step.owner.clone(),
                format: *format,
                place: place.fixed.clone(),
                folder: place.folder(),
                name: name.unwrap_or_default(),
                copies: order.copies(),
                sent,
                accepted_within_ms: accepted_within.map(|within| u64::try_from(within.as_millis()).unwrap_or(u64::MAX)),
                state: LabState::Sent,
                since: sent,
                late: false,
                told: None,
            };
            labs::remember(&self.workshop.spool, &handed_over)?;
        }
        Ok(())
    }
}
