//! The render and print server for a photo studio.

pub mod alert;
pub mod cli;
pub mod clock;
pub mod control;
pub mod deliver;
pub mod error;
pub mod intake;
pub mod logging;
pub mod matcher;
pub mod model;
pub mod operator;
pub mod plan;
pub mod print;
pub mod process;
pub mod render;
pub mod server;
pub mod spool;
pub mod trust;
pub mod web;
pub mod worker;
