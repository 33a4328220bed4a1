//! `hotfolders printers test`: a sheet with rulers, edges and ramps, sent the way that every sheet goes.
//!
//! It goes past queue and journal: whoever asks for it stands at the printer and looks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;

use super::super::config;
use super::super::terminal::say;
use crate::clock;
use crate::error::Error;
use crate::matcher;
use crate::model::config::{Config, Printer, PrinterTarget};
use crate::model::delivery::PrintQuality;
use crate::model::digest::sha256;
use crate::model::name::RelPath;
use crate::model::problem::did_you_mean;
use crate::model::profile::ColorProfile;
use crate::model::template::Token;
use crate::model::units::Dimensions;
use crate::plan::frozen::FrozenAsset;
use crate::plan::printing::{Ask, Printing};
use crate::plan::test_sheet::{Words, test_sheet};
use crate::print::folder::{self, Slot};
use crate::print::ipp::{Endpoint, JobState};
use crate::print::look;
use crate::print::network::{self, Device, Missed, Sent};
use crate::print::program::{self, Program};
use crate::print::{Sheet, Went};
use crate::render::{Assets, Rendered, render};
use crate::spool::durable;
use crate::spool::journal::{PrintEvent, PrintRun, PrinterJob};

/// How long a printer is watched while it prints.
const WATCHED: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// A printer of the config.
    name: String,
    /// One of its sizes, such as `5x7in`; default the first.
    #[arg(long, value_name = "SIZE", value_parser = |text: &str| Dimensions::parse(text).map_err(|e| e.to_string()))]
    media: Option<Dimensions>,
}

pub(super) fn run(file: &Path, args: &TestArgs) -> Result<(), Error> {
    let config = config::load(file)?.config;
    let printer = find(&config, &args.name)?;
    let media = match args.media {
        Some(size) => printer.media_for(size).ok_or_else(|| {
            let known: Vec<String> = printer.media.iter().map(|media| media.size.to_string()).collect();
            Error::usage(format!("`{}` takes no {size}; its `media` are {}", printer.name, known.join(", ")))
        })?,
        None => printer.media.first().ok_or_else(|| Error::usage(format!("`{}` has no `media`", printer.name)))?,
    };
    let home = std::env::temp_dir().join(format!("hotfolders-test-{}", std::process::id()));
    let result = make(&config, printer, media.size, &home).and_then(|sheet| send(&config, printer, &sheet));
    let cleared = durable::remove_tree(&home).map_err(|e| Error::failed(e.to_string()));
    result.and(cleared)
}

fn find<'c>(config: &'c Config, name: &str) -> Result<&'c Printer, Error> {
    if let Some(printer) = config.printers.iter().find(|printer| printer.name == name) {
        return Ok(printer);
    }
    let members: Vec<&str> =
        config.printers.iter().filter(|p| p.pool.as_deref() == Some(name)).map(|p| p.name.as_str()).collect();
    let known = config.printers.iter().map(|printer| printer.name.as_str());
    Err(Error::usage(if members.is_empty() {
        format!("there is no printer `{name}`{}", did_you_mean(name, known))
    } else {
        format!("`{name}` is a pool; test one of its printers: {}", members.join(", "))
    }))
}

/// Draws the sheet into a file, as a job would have it among its outputs.
fn make(config: &Config, printer: &Printer, size: Dimensions, home: &Path) -> Result<Sheet, Error> {
    let printing = matcher::printing(config);
    let ask = Ask { printer: printer.name.clone(), size, borderless: true, paper: None, location: None };
    let demand = printing.demand(&ask).map_err(|refusal| Error::failed(refusal.why))?;
    let target = match &printer.target {
        PrinterTarget::Ipp { uri, .. } => uri.clone(),
        PrinterTarget::Folder { folder, .. } => format!("folder {}", folder.display()),
        PrinterTarget::Command(words) => words.join(" "),
    };
    let now = clock::now().to_zoned(clock::time_zone(config.studio.time_zone.as_deref()));
    let date = now.strftime("%Y-%m-%d %H:%M").to_string();
    let color = format!("made in {}", color_words(&printer.color.profile));
    let words = Words { printer: &printer.name, target: &target, size, date: &date, color: &color };
    let (spec, asset, svg) = test_sheet(&demand, &words);
    let assets = SheetAssets { drawing: (asset, svg.into()), files: of_printers(&printing) };
    let mut made: Option<Rendered> = None;
    let mut trouble = None;
    render(&BTreeMap::new(), &[&spec], &assets, &mut |_, result| match result {
        Ok(rendered) => made = Some(rendered),
        Err(e) => trouble = Some(e.to_string()),
    });
    let made = made.ok_or_else(|| Error::failed(format!("cannot draw the sheet: {}", trouble.unwrap_or_default())))?;
    let outputs = home.join("outputs");
    let disk = |e: durable::DurableError| Error::failed(e.to_string());
    durable::make_folders(&std::env::temp_dir(), &outputs).map_err(disk)?;
    let file = outputs.join("test-sheet.jpg");
    durable::replace(&file, &made.bytes).map_err(disk)?;
    Ok(Sheet {
        job: format!("test-{}", now.timestamp().as_millisecond()),
        step: "p1".into(),
        // A folder may still hold the sheet of an hour ago.
        title: format!("test-{}-{}", printer.name, now.strftime("%H%M%S")),
        file,
        bytes: made.bytes.len() as u64,
        sha256: sha256(&made.bytes),
        copies: 1,
        paper: demand.paper,
        stock: printer.media_for(size).map(|media| media.stock.clone()).unwrap_or_default(),
        paper_name: None,
        borderless: true,
        quality: PrintQuality::Normal,
        color_mode: None,
    })
}

fn color_words(profile: &ColorProfile) -> String {
    match profile {
        ColorProfile::Srgb => "sRGB".into(),
        ColorProfile::AdobeRgb => "Adobe RGB".into(),
        ColorProfile::DisplayP3 => "Display P3".into(),
        ColorProfile::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    }
}

fn of_printers(printing: &Printing) -> BTreeMap<String, PathBuf> {
    let entry = |asset: &FrozenAsset| (asset.sha256.clone(), asset.path.clone());
    printing.assets.iter().map(entry).collect()
}

/// The drawing, and the ICC files of the printers.
struct SheetAssets {
    drawing: (String, Arc<[u8]>),
    files: BTreeMap<String, PathBuf>,
}

impl Assets for SheetAssets {
    fn get(&self, digest: &str) -> Option<Arc<[u8]>> {
        if digest == self.drawing.0 {
            return Some(Arc::clone(&self.drawing.1));
        }
        std::fs::read(self.files.get(digest)?).ok().map(Into::into)
    }
}

fn send(config: &Config, printer: &Printer, sheet: &Sheet) -> Result<(), Error> {
    let failed = |why: String| Error::failed(format!("{}: {why}", printer.name));
    let run = PrintRun::default();
    let mut job: Option<PrinterJob> = None;
    let mut doubt = None;
    let mut note = |event| {
        match event {
            PrintEvent::Created(created) => job = Some(created),
            PrintEvent::Doubted { text } => doubt = Some(text),
            _ => {}
        }
        Ok(())
    };
    match &printer.target {
        PrinterTarget::Ipp { .. } => {
            let endpoint = look::endpoint(printer).ok_or_else(|| failed("it is not on the network".into()))?;
            let endpoint = endpoint.map_err(|e| failed(e.to_string()))?;
            let mut missed = Missed::default();
            let device = Device { printer, endpoint: &endpoint };
            let went = network::begin(sheet, device, &run, &mut missed, &mut note);
            let went = match went.map_err(|e| failed(e.to_string()))? {
                Went::Sending(sending) => network::sent(sending.recv().ok(), printer, &run, &mut missed, &mut note),
                other => Ok(other),
            };
            match went.map_err(|e| failed(e.to_string()))? {
                Went::Not(why) | Went::On(Some(why)) => {
                    // Without its document it would keep the printer from others; whether it goes is up to the printer.
                    let _ = job.map(|job| endpoint.cancel(job.id));
                    return Err(failed(why));
                }
                _ => {}
            }
            if let Some(why) = doubt {
                return Err(failed(why));
            }
            let job = job.ok_or_else(|| failed("it does not say which job this is".into()))?;
            watch(printer, &endpoint, job.id)
        }
        PrinterTarget::Folder { folder, copies, keep_queued, sub_folder, .. } => {
            // What belongs to orders, such as a record, is `test` here.
            let value = |token: &Token| Some(if token.name == "size" { sheet.paper.label() } else { "test".into() });
            let below = sub_folder.as_ref().map(|template| template.path(&value, &mut Vec::new())).transpose();
            let below = below.map_err(|e| failed(format!("a part of its `sub_folder` comes out empty: {}", e.what)))?;
            let below = below.flatten();
            let stem = RelPath::from_part(&sheet.title).ok_or_else(|| failed("its name is no file's name".into()))?;
            let slot = Slot {
                printer: &printer.name,
                folder,
                below: below.as_ref(),
                copies: *copies,
                keep_queued: *keep_queued,
                stem: &stem,
            };
            let placed = folder::place(sheet, &slot, &run, &mut note);
            // Nothing comes back to a test sheet that is half there.
            folder::clean(&slot.target(), &sheet.job).map_err(|e| failed(e.to_string()))?;
            match placed.map_err(|e| failed(e.to_string()))? {
                Went::Not(why) | Went::Full(why) | Went::On(Some(why)) => Err(failed(why)),
                _ => say(&format!("{}: the sheet lies in {}", printer.name, slot.target().display())),
            }
        }
        PrinterTarget::Command(words) => {
            let home = config.file.parent().unwrap_or(Path::new("."));
            let folder = sheet.file.parent().and_then(Path::parent).unwrap_or(home).join("prints/p1");
            let program = Program { printer: &printer.name, words, home, folder: &folder, record: "test" };
            let ended = match program::begin(sheet, &program, &run, &mut note).map_err(|e| failed(e.to_string()))? {
                Went::Sending(sending) => sending.recv().ok(),
                Went::Not(why) => return Err(failed(why)),
                _ => None,
            };
            match ended {
                Some(Sent::Program(ended)) if ended.fine => {
                    say(&format!("{}: its program took the sheet", printer.name))
                }
                Some(Sent::Program(ended)) => Err(failed(ended.text)),
                _ => Err(failed("nobody knows how its program ended".into())),
            }
        }
    }
}

/// Tells how it goes on until it has ended, or for as long as somebody may want to look at it.
fn watch(printer: &Printer, endpoint: &Endpoint, id: i32) -> Result<(), Error> {
    let name = &printer.name;
    let failed = |why: String| Error::failed(format!("{name}: {why}"));
    say(&format!("{name}: sent, job {id}"))?;
    let begun = Instant::now();
    let mut told = String::new();
    while begun.elapsed() < WATCHED {
        let facts = endpoint.facts().map_err(|e| failed(e.to_string()))?;
        let Some(job) = endpoint.job(id).map_err(|e| failed(e.to_string()))? else {
            return say(&format!("{name}: it keeps no record of the job any more; look at the paper"));
        };
        let said = job.reason_words().join(", ");
        let said = if said.is_empty() { said } else { format!(" ({said})") };
        match job.state {
            JobState::Completed if !job.errors().is_empty() => {
                return Err(failed(format!("it calls the job completed, with errors{said}: look at the paper")));
            }
            JobState::Completed if facts.is_spooler => {
                return say(&format!("{name}: its queue has handed the sheet on; what the printer did nobody says"));
            }
            JobState::Completed => return say(&format!("{name}: printed")),
            JobState::Aborted => return Err(failed(format!("it gave the job up{said}; its own display may say why"))),
            JobState::Canceled => return Err(failed(format!("the job was cancelled at the printer{said}"))),
            _ => {}
        }
        let waits = facts.blocked_by().join(", ");
        if !waits.is_empty() && waits != told {
            say(&format!("{name}: waits: {waits}"))?;
            told = waits;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    say(&format!("{name}: still at it after {} minutes; job {id} stays there", WATCHED.as_secs() / 60))
}
