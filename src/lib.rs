//! The render and print server for a photo studio.

pub mod clock;
pub mod model;
pub mod plan;
pub mod render;
pub mod spool;
