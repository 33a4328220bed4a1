//! `hotfolders schema`: JSON Schemas for editors and for the studio app's programmers.

use clap::{Args, ValueEnum};

use super::terminal;
use crate::error::Error;
use crate::model::{config, manifest};
use crate::worker::receipt;

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Which format.
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Config,
    Manifest,
    Receipt,
}

pub(super) fn run(args: &SchemaArgs) -> Result<(), Error> {
    terminal::say_json(&match args.format {
        Format::Config => config::schema(),
        Format::Manifest => manifest::schema(),
        Format::Receipt => receipt::schema(),
    })
}
