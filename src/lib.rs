//! The render and print server for a photo studio.

pub mod model;
pub mod render;
