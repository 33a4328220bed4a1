//! One sheet and the printer that it goes to, whatever kind of printer that is.

use std::path::Path;
use std::time::Instant;

use super::Unit;
use crate::clock;
use crate::model::config::{Config, Printer, PrinterTarget};
use crate::plan::PlannedPrint;
use crate::print::network::{self, Device, Sending};
use crate::print::program::{self, Program};
use crate::print::{Care, PrintError, Sheet, Went, folder, look};
use crate::spool::journal::{Entry, PrintEvent, PrintIntent, PrintRun};
use crate::worker::run::{Run, Stop};

impl Run<'_> {
    pub(super) fn begin(
        &mut self,
        unit: &mut Unit<'_>,
        run: &PrintRun,
        printer: &Printer,
        config: &Config,
    ) -> Result<Went, Stop> {
        let copies = unit.print.copies.saturating_sub(run.printed);
        let sheet = Sheet { copies, ..sheet_for(&unit.sheet, unit.print, printer) };
        let id = unit.print.id.clone();
        let folder = self.folder().join("prints").join(id.to_string());
        let record = self.job.record.clone();
        let journal = &mut self.journal;
        let mut note = |event| journal.append(clock::now(), vec![Entry::Print { step: id.clone(), event }]);
        let went = match &printer.target {
            PrinterTarget::Ipp { .. } => match look::endpoint(printer) {
                Some(Ok(endpoint)) => {
                    let device = Device { printer, endpoint: &endpoint };
                    network::begin(&sheet, device, run, &mut unit.missed, &mut note)
                }
                Some(Err(e)) => Ok(Went::Not(e.to_string())),
                None => Ok(Went::Not("it is not on the network".into())),
            },
            PrinterTarget::Folder { .. } => {
                if let Some(why) = self.workshop.places.unmounted(folder_of(printer)) {
                    return Ok(Went::Not(why));
                }
                let Some(slot) = slot(unit.print, printer) else { return Ok(Went::On(None)) };
                self.workshop.press.put_into(&printer.name, slot.target());
                folder::place(&sheet, &slot, run, &mut note)
            }
            PrinterTarget::Command(words) => {
                let home = config.file.parent().unwrap_or(Path::new("."));
                let program = Program { printer: &printer.name, words, home, folder: &folder, record: &record };
                program::begin(&sheet, &program, run, &mut note)
            }
        };
        self.stop_of(went, unit.print)
    }

    /// Asks after a sheet that is on its way, when it is time; else nothing is new.
    pub(super) fn go_on(
        &mut self,
        unit: &mut Unit<'_>,
        run: &PrintRun,
        care: Care,
        config: &Config,
    ) -> Result<Option<Went>, Stop> {
        let Some((_, intent)) = &run.intent else { return Ok(Some(Went::Over)) };
        let sent = match unit.sending.as_ref().map(Sending::try_recv) {
            Some(Err(std::sync::mpsc::TryRecvError::Empty)) => {
                let is_program =
                    config.printer(&intent.printer).is_some_and(|p| matches!(p.target, PrinterTarget::Command(_)));
                return Ok(program::slow(unit.began).filter(|_| is_program).map(|why| Went::On(Some(why))));
            }
            Some(sent) => Some(sent.ok()),
            None => None,
        };
        if sent.is_some() {
            unit.sending = None;
        } else if unit.next > Instant::now() {
            return Ok(None);
        }
        let Some(printer) = config.printer(&intent.printer) else {
            let why = "it is not in the config any more, and nobody else knows of the sheet";
            return Ok(Some(Went::On(Some(why.into()))));
        };
        let copies = intent.copies.saturating_add(intent.left);
        let sheet = Sheet { copies, ..sheet_for(&unit.sheet, unit.print, printer) };
        let id = unit.print.id.clone();
        let folder = self.folder().join("prints").join(id.to_string());
        let record = self.job.record.clone();
        let journal = &mut self.journal;
        let mut note = |event| journal.append(clock::now(), vec![Entry::Print { step: id.clone(), event }]);
        if sent.is_none() && is_elsewhere(unit.print, printer, intent) {
            let text =
                format!("{} was {} when the sheet was sent, and is another one now", printer.name, intent.endpoint);
            note(PrintEvent::Doubted { text })?;
            return Ok(Some(Went::Over));
        }
        let went = match (&printer.target, sent) {
            (PrinterTarget::Command(words), sent) => {
                let home = config.file.parent().unwrap_or(Path::new("."));
                let program = Program { printer: &printer.name, words, home, folder: &folder, record: &record };
                let ended = match sent.flatten() {
                    Some(network::Sent::Program(ended)) => Some(ended),
                    _ => None,
                };
                program::ended(&sheet, ended, &program, run, &mut note)
            }
            (_, Some(sent)) => network::sent(sent, printer, run, &mut unit.missed, &mut note),
            (PrinterTarget::Ipp { .. }, None) => match look::endpoint(printer) {
                Some(Ok(endpoint)) => {
                    let device = Device { printer, endpoint: &endpoint };
                    network::look(&sheet, device, run, care, &mut unit.missed, clock::now(), &mut note)
                }
                Some(Err(e)) => Ok(Went::On(Some(e.to_string()))),
                None => Ok(Went::On(None)),
            },
            (PrinterTarget::Folder { .. }, None) => match slot(unit.print, printer) {
                Some(slot) => match self.workshop.places.unmounted(slot.folder) {
                    Some(why) => Ok(Went::On(Some(why))),
                    None if care == Care::Send => folder::place(&sheet, &slot, run, &mut note),
                    None => folder::rest(&sheet, &slot, run, care == Care::Cancel, &mut note),
                },
                None => Ok(Went::On(None)),
            },
        };
        self.stop_of(went, unit.print).map(Some)
    }

    /// The spool's disk stops the job; a printer's folder keeps the sheet; a sheet that is damaged is made anew.
    fn stop_of(&mut self, went: Result<Went, PrintError>, print: &PlannedPrint) -> Result<Went, Stop> {
        match went {
            Ok(went) => Ok(went),
            Err(PrintError::Disk(e)) if e.path.starts_with(self.workshop.spool.root()) => Err(e.into()),
            Err(PrintError::Disk(e)) => {
                let is_open = self.progress().prints.get(&print.id).is_some_and(PrintRun::is_open);
                Ok(if is_open { Went::On(Some(e.to_string())) } else { Went::Not(e.to_string()) })
            }
            Err(PrintError::Damaged(text)) => {
                tracing::warn!(job = %self.job.job, "{text}: it is made again");
                self.append(vec![Entry::Reopened { steps: vec![print.sheet.clone()] }])?;
                Err(Stop::Again)
            }
        }
    }
}

fn folder_of(printer: &Printer) -> &Path {
    match &printer.target {
        PrinterTarget::Folder { folder, .. } => folder,
        _ => Path::new(""),
    }
}

/// A sheet's place at a folder printer.
pub(super) fn slot<'s>(print: &'s PlannedPrint, printer: &'s Printer) -> Option<folder::Slot<'s>> {
    let PrinterTarget::Folder { folder, copies, keep_queued, .. } = &printer.target else { return None };
    Some(folder::Slot {
        printer: &printer.name,
        folder,
        below: print.folders.get(&printer.name),
        copies: *copies,
        keep_queued: *keep_queued,
        stem: &print.file,
    })
}

/// Whether the config means another printer by this name than when the sheet was sent to it: what came of the sheet there
/// cannot be seen here. Of network printers the protocol finds out more.
fn is_elsewhere(print: &PlannedPrint, printer: &Printer, intent: &PrintIntent) -> bool {
    match &printer.target {
        PrinterTarget::Ipp { .. } => !intent.endpoint.contains("://"),
        PrinterTarget::Command(words) => words.first() != Some(&intent.endpoint),
        PrinterTarget::Folder { .. } => {
            slot(print, printer).is_none_or(|slot| slot.target().display().to_string() != intent.endpoint)
        }
    }
}

/// The sheet with what this printer calls its paper now: it need not be made anew for that.
pub(super) fn sheet_for(sheet: &Sheet, print: &PlannedPrint, printer: &Printer) -> Sheet {
    let stock = printer.media_for(print.ask.size).map(|media| media.stock.clone()).unwrap_or_default();
    Sheet { stock, ..sheet.clone() }
}
