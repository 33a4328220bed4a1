//! What printers ask of a sheet: its paper, how it lies in the feed, its colour.
//!
//! Owns: a sheet is made for the printer, or the pool, that it goes to. Knows what the config says of printers; nothing
//! of whether they are there, or busy.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::frozen::FrozenAsset;
use super::output::color_spec;
use crate::model::config::{Config, Media, Pool, Printer, PrinterTarget};
use crate::model::delivery::{Delivery, PrintMedia};
use crate::model::profile::ColorProfile;
use crate::model::spec::ColorSpec;
use crate::model::units::{Dimensions, Length};

/// The printers of the studio, as the config in force has them.
#[derive(Debug, Clone, Default)]
pub struct Printing {
    pub printers: Vec<Printer>,
    pub pools: Vec<Pool>,
    /// ICC files of the printers, with their digests.
    pub assets: Vec<FrozenAsset>,
    /// ICC files that cannot be read, and why.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// What a `to: print` delivery says of its sheets. Sheets of one picture that agree in it are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintKey {
    pub printer: String,
    pub media: PrintMedia,
    pub borderless: bool,
}

impl PrintKey {
    pub fn of(delivery: &Delivery) -> Option<PrintKey> {
        let Delivery::Print { printer, media, borderless, .. } = delivery else { return None };
        Some(PrintKey { printer: printer.clone(), media: *media, borderless: *borderless })
    }
}

/// One sheet that is to be printed somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// A printer or a pool.
    pub printer: String,
    /// The size among the `media` of the printer.
    pub size: Dimensions,
    pub borderless: bool,
    /// What the line wants it to be printed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<String>,
    /// Where the job belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// What its printer asks of the sheet; frozen with the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// What lies in the printer.
    pub paper: Dimensions,
    /// The side of the paper that lies across the feed.
    pub across: Option<Length>,
    pub cut_marks: bool,
    /// By how much the sheet is larger than the paper, on each side.
    pub overspray: Option<Length>,
    pub color: ColorSpec,
    /// A printer on the network understands nothing else for certain.
    pub jpeg: bool,
}

/// Why no printer can take a sheet, as the config is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    pub why: String,
}

fn refused<T>(code: &'static str, why: String) -> Result<T, Refusal> {
    Err(Refusal { code, why })
}

impl Printing {
    /// Without the ICC files, which somebody else has to read.
    pub fn of(config: &Config) -> Printing {
        Printing { printers: config.printers.clone(), pools: config.pools.clone(), ..Printing::default() }
    }

    pub fn pool(&self, name: &str) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.name == name)
    }

    /// The printer of that name, or the printers of that pool.
    pub fn members(&self, name: &str) -> Vec<&Printer> {
        let is_pool = self.pool(name).is_some();
        let belongs =
            |printer: &&Printer| if is_pool { printer.pool.as_deref() == Some(name) } else { printer.name == name };
        self.printers.iter().filter(belongs).collect()
    }

    /// The printers that may take a sheet by their size, paper and location, whatever state they are in.
    pub fn takers(&self, ask: &Ask) -> Result<Vec<(&Printer, &Media)>, Refusal> {
        let name = &ask.printer;
        let members = self.members(name);
        if members.is_empty() {
            let why = format!("there is no printer or pool `{name}` in the config any more; put it back");
            return refused("no_printer", why);
        }
        let sized: Vec<(&Printer, &Media)> =
            members.iter().filter_map(|printer| Some((*printer, printer.media_for(ask.size)?))).collect();
        if sized.is_empty() {
            let mut known: Vec<String> =
                members.iter().flat_map(|printer| &printer.media).map(|media| media.size.to_string()).collect();
            known.dedup();
            let known = known.join(", ");
            return refused("no_media", format!("`{name}` takes no {}; its `media` are {known}", ask.size));
        }
        let mut takers = sized;
        if let Some(paper) = &ask.paper {
            let types: Vec<String> = takers.iter().flat_map(|(_, media)| media.paper.written().to_vec()).collect();
            takers.retain(|(_, media)| media.paper.matches(paper));
            if takers.is_empty() {
                let types = types.join(", ");
                let why = format!("`{name}` has no paper `{paper}` in {}; the `type` there is {types}", ask.size);
                return refused("wrong_paper", why);
            }
        }
        if let (Some(location), true) = (&ask.location, self.pool(name).is_some()) {
            let same = |text: &str| text.trim().to_lowercase() == location.trim().to_lowercase();
            takers.retain(|(printer, _)| printer.location.as_deref().is_none_or(same));
            if takers.is_empty() {
                let why = format!("no printer of the pool `{name}` that could take it stands at `{location}`");
                return refused("no_printer_here", why);
            }
        }
        Ok(takers)
    }

    /// What the sheet has to be. Members of a pool agree in all of it: the config is refused where they do not.
    pub fn demand(&self, ask: &Ask) -> Result<Demand, Refusal> {
        let takers = self.takers(ask)?;
        // There is one, or it would have been refused.
        let Some((printer, media)) = takers.first() else { return refused("no_printer", String::new()) };
        let uses = |path: &PathBuf| {
            [&printer.color.profile, &printer.color.untagged].contains(&&ColorProfile::File(path.clone()))
        };
        if let Some((path, why)) = self.unreadable.iter().find(|(path, _)| uses(path)) {
            let why = format!("{}, the colour of `{}`, cannot be read: {why}", path.display(), printer.name);
            return refused("missing_asset", why);
        }
        let on_network = |printer: &&Printer| matches!(printer.target, PrinterTarget::Ipp { .. });
        Ok(Demand {
            paper: media.on.unwrap_or(media.size).short_first(),
            across: media.across,
            cut_marks: media.cut_marks,
            overspray: printer.overspray.filter(|_| ask.borderless),
            color: color_spec(&printer.color, &self.assets),
            jpeg: self.members(&ask.printer).iter().any(on_network),
        })
    }

    /// The ICC files that sheets are made with.
    pub fn asset_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for printer in &self.printers {
            for space in [&printer.color.profile, &printer.color.untagged] {
                if let ColorProfile::File(path) = space
                    && !files.contains(path)
                {
                    files.push(path.clone());
                }
            }
        }
        files
    }
}
