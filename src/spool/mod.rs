//! The durable ground: folders, journals, the queue. Knows `model` and `plan`, no outside world.

pub mod configs;
pub mod durable;
pub mod gauge;
pub mod index;
pub mod job;
pub mod journal;
pub mod labs;
pub mod links;
pub mod places;
pub mod queue;
pub mod reserve;
pub mod retention;
pub mod thumbnails;
