//! Where finished pictures go: the deliveries of profiles and render jobs.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::template::Template;
use super::units::Dimensions;
use crate::keyword;

keyword! {
    pub enum Publish { Files = "files", Whole = "whole" }
}
keyword! {
    pub enum OnConflict { Suffix = "suffix", Fail = "fail", Replace = "replace" }
}
keyword! {
    pub enum PinChoice { Auto = "auto", None = "none" }
}
keyword! {
    pub enum Show { Download = "download", View = "view" }
}
keyword! {
    pub enum LabFormat { Noritsu = "noritsu", FujiC8 = "fuji_c8", Csv = "csv" }
}
keyword! {
    pub enum LabNames { Long = "long", Short = "short" }
}
keyword! {
    pub enum PrintQuality { Draft = "draft", Normal = "normal", High = "high" }
}
keyword! {
    /// Whether a command runs once for each file or once for all.
    pub enum CommandFor { File = "file", Delivery = "delivery" }
}

/// A folder that is written to: the part in front of its first token is fixed, the rest comes from the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// As the operator wrote it.
    pub written: String,
    /// Absolute.
    pub fixed: PathBuf,
    /// Written relative to the config file: made when it is missing. An absolute one must exist.
    pub made: bool,
    /// Below `fixed`; empty for `fixed` itself.
    pub rest: Template,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscSize {
    Cd,
    Dvd,
    DvdDl,
    Bluray,
    /// Bytes of files, as the operator said.
    Bytes(u64),
}

impl DiscSize {
    /// Bytes that files may take. Real capacities in 2048-byte sectors, less 2 % for the file system.
    pub fn usable_bytes(self) -> u64 {
        let sectors: u64 = match self {
            DiscSize::Cd => 359_847,
            DiscSize::Dvd => 2_295_104,
            DiscSize::DvdDl => 4_173_824,
            DiscSize::Bluray => 12_219_392,
            DiscSize::Bytes(bytes) => return bytes,
        };
        sectors * 2048 / 100 * 98
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageEntry {
    Profile {
        profile: String,
        folder: Option<Template>,
    },
    /// An extra file, absolute.
    File(PathBuf),
}

impl PackageEntry {
    /// The extra file that it is.
    pub fn file(&self) -> Option<&PathBuf> {
        match self {
            PackageEntry::File(path) => Some(path),
            PackageEntry::Profile { .. } => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailTo {
    Client,
    None,
    Addresses(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    pub size: Dimensions,
    pub paper: Option<String>,
    pub channel: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrintMedia {
    Ordered,
    Size(Dimensions),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrintCopies {
    Ordered,
    Count(u32),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Delivery {
    Folder {
        path: Destination,
        publish: Publish,
        trigger: Option<Template>,
        on_conflict: OnConflict,
    },
    Disc {
        path: Destination,
        medium: DiscSize,
        label: Option<Template>,
        /// Absolute.
        extras: Vec<PathBuf>,
    },
    Zip {
        path: Destination,
        split: Option<u64>,
    },
    Link {
        contents: Vec<PackageEntry>,
        expires: Duration,
        max_downloads: Option<u32>,
        pin: PinChoice,
        mail: MailTo,
        single_files: bool,
        show: Show,
        key: Option<Template>,
    },
    Print {
        printer: String,
        media: PrintMedia,
        copies: PrintCopies,
        borderless: bool,
        quality: PrintQuality,
        color_mode: Option<String>,
    },
    Lab {
        format: LabFormat,
        path: Destination,
        channels: Vec<Channel>,
        back_print: Vec<Template>,
        image_folder: Option<String>,
        customer_id: Option<String>,
        device: Option<String>,
        names: LabNames,
        accepted_within: Option<Duration>,
    },
    Command {
        run: Vec<String>,
        timeout: Duration,
        r#for: CommandFor,
    },
}

impl Delivery {
    /// The folder of a destination, or of a zip its file.
    pub fn destination(&self) -> Option<&Destination> {
        match self {
            Delivery::Folder { path, .. }
            | Delivery::Disc { path, .. }
            | Delivery::Zip { path, .. }
            | Delivery::Lab { path, .. } => Some(path),
            Delivery::Link { .. } | Delivery::Print { .. } | Delivery::Command { .. } => None,
        }
    }

    pub fn destination_mut(&mut self) -> Option<&mut Destination> {
        match self {
            Delivery::Folder { path, .. }
            | Delivery::Disc { path, .. }
            | Delivery::Zip { path, .. }
            | Delivery::Lab { path, .. } => Some(path),
            Delivery::Link { .. } | Delivery::Print { .. } | Delivery::Command { .. } => None,
        }
    }

    /// The word behind `to:`.
    pub fn word(&self) -> &'static str {
        match self {
            Delivery::Folder { .. } => "folder",
            Delivery::Disc { .. } => "disc",
            Delivery::Zip { .. } => "zip",
            Delivery::Link { .. } => "link",
            Delivery::Print { .. } => "print",
            Delivery::Lab { .. } => "lab",
            Delivery::Command { .. } => "command",
        }
    }

    /// A second run may cost paper or reach a client: as a rule a person decides.
    pub fn asks_before_repeating(&self) -> bool {
        matches!(self, Delivery::Print { .. } | Delivery::Lab { .. } | Delivery::Link { .. } | Delivery::Disc { .. })
    }

    /// Paper, lab, disc, link: it leaves only when every picture of the job has rendered, and whole.
    pub fn cannot_be_taken_back(&self) -> bool {
        !matches!(self, Delivery::Folder { publish: Publish::Files, .. })
    }
}
