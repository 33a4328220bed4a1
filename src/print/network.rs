//! A sheet on its way to a printer or queue on the network.
//!
//! Owns: the journal is ahead of the printer. *Intended* stands before the job is made, *created* before its document
//! leaves, and what is not known for certain is asked of the printer before anything is sent again.

mod asking;
mod failure;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use self::asking::{is_it, known, search};
use self::failure::{Failure, TAKEN_BACK, again, clear, failed, not};
use super::ipp::{Created, Document, Endpoint, IppError, JobState, Paper, PrinterFacts, Scaling, Ticket};
use super::protocol::{Action, LOOK_AGAIN_S};
use super::{Care, Note, PrintError, Sheet, Went};
use crate::model::config::{JobHistory, Printer};
use crate::process::Ended;
use crate::spool::journal::{PrintEvent, PrintIntent, PrintRun, PrinterJob};

/// Longest title in the name of a printer's job, in characters: some printers keep few, and the token must fit.
const TITLE_MAX_CHARS: usize = 40;

/// How often a document is sent into one job when the connection is lost each time.
const UPLOADS_MAX: u32 = 3;

/// After so long at the printer, and so much more for each copy, it is told that a sheet is not out yet.
const SLOW_S: i64 = 600;
const SLOW_PER_COPY_S: i64 = 60;

/// What a thread brings to a printer, and how that ended.
pub type Sending = mpsc::Receiver<Sent>;

/// How it ended.
#[derive(Debug)]
pub enum Sent {
    /// With the job's state, where the printer said it.
    Document(Result<Option<JobState>, IppError>),
    /// Job and document in one.
    Job(Result<Created, IppError>),
    /// A program.
    Program(Ended),
}

/// What is remembered of a sheet between two looks, while the server runs.
#[derive(Debug, Default)]
pub struct Missed {
    /// When its printer first did not know it, or said that nothing came out.
    at: Option<Instant>,
    /// Its printer said no with the document in hand; it may have begun to print.
    refused: Option<Failure>,
    /// A job that must not get its document, and why.
    unwanted: Option<(PrinterJob, Failure)>,
    /// How often the document was lost on its way into the same job.
    lost: u32,
}

/// A printer on the network, and the way to it.
#[derive(Debug, Clone, Copy)]
pub struct Device<'a> {
    pub printer: &'a Printer,
    pub endpoint: &'a Endpoint,
}

/// Sends a sheet.
pub fn begin(
    sheet: &Sheet,
    device: Device<'_>,
    run: &PrintRun,
    missed: &mut Missed,
    note: &mut Note<'_>,
) -> Result<Went, PrintError> {
    let facts = match device.endpoint.facts_to_print() {
        Ok(facts) => facts,
        Err(e) => return Ok(Went::Not(e.to_string())),
    };
    send(sheet, device, &facts, (run, run.attempts + 1), missed, note)
}

fn send(
    sheet: &Sheet,
    Device { printer, endpoint }: Device<'_>,
    facts: &PrinterFacts,
    (run, attempt): (&PrintRun, u32),
    missed: &mut Missed,
    note: &mut Note<'_>,
) -> Result<Went, PrintError> {
    let ticket = match ticket(sheet, attempt, facts) {
        Ok(ticket) => ticket,
        Err(why) => return Ok(Went::Not(why)),
    };
    let bytes = sheet.read()?;
    note(PrintEvent::Intended(PrintIntent {
        attempt,
        printer: printer.name.clone(),
        endpoint: endpoint.uri().to_string(),
        token: sheet.token(attempt),
        copies: ticket.copies,
        left: sheet.copies - ticket.copies,
        bytes: bytes.len() as u64,
        sha256: sheet.sha256.clone(),
        printer_uuid: facts.uuid.clone(),
        up_time_s: facts.up_time_s.map(u64::from),
        is_spooler: facts.is_spooler,
        in_one_file: None,
    }))?;
    if !facts.has_create_job {
        let endpoint = endpoint.clone();
        return Ok(Went::Sending(in_a_thread(move || {
            Sent::Job(endpoint.print_job(&ticket, &Document { bytes: &bytes, format: "image/jpeg" }))
        })));
    }
    let created = match endpoint.create_job(&ticket) {
        Ok(created) => created,
        // It may have made one: it is asked at the next look.
        Err(e) if e.is_in_doubt() => return Ok(Went::On(Some(e.to_string()))),
        Err(e) => return not(note, e.to_string()),
    };
    let job = PrinterJob { id: created.id, uuid: created.uuid.clone() };
    if let Some(ignored) = unheeded(&created) {
        // The journal does not get its number: nobody gives a document to what is only known by its name.
        let why = format!("it does not take the sheet's `{ignored}`, and would print something else");
        let failure = Failure { why, in_vain: false, is_still: true };
        missed.unwanted = Some((job.clone(), failure.clone()));
        return clear(endpoint, job.id, &failure, run, missed, note);
    }
    note(PrintEvent::Created(job))?;
    Ok(Went::Sending(send_document(endpoint, created.id, bytes)))
}

/// A setting that decides what comes out, and that the printer took no notice of.
fn unheeded(created: &Created) -> Option<&str> {
    created.ignored.iter().map(String::as_str).find(|name| name.starts_with("media") || *name == "copies")
}

/// `None` where nothing of the sort fits; then why.
fn ticket(sheet: &Sheet, attempt: u32, facts: &PrinterFacts) -> Result<Ticket, String> {
    let paper = Paper::new(sheet.paper, sheet.borderless, &sheet.stock, sheet.paper_name.as_deref());
    if let Some(why) = facts.kept_from(&paper) {
        return Err(why);
    }
    if !facts.takes_format("image/jpeg") {
        return Err(format!("it takes no JPEG; it takes {}", facts.formats.join(", ")));
    }
    // What is more than it takes goes in attempts after this one. One that does not speak of copies makes one.
    let copies = sheet.copies.min(facts.max_copies.unwrap_or(1).max(1));
    let choice = facts.media.choose(&paper)?;
    let scaling = match (sheet.borderless, sheet.stock.media_size) {
        (true, _) => Scaling::Fill,
        // The sheet is made for paper that is a little different: nothing of it may be lost.
        (false, Some(_)) => Scaling::Fit,
        (false, None) => Scaling::None,
    };
    let mut ticket = Ticket {
        name: name(sheet, attempt),
        media: Some(choice.medium),
        media_type: choice.media_type,
        media_source: choice.media_source,
        borderless: sheet.borderless,
        quality: Some(sheet.quality),
        color_mode: sheet.color_mode.clone(),
        scaling: Some(scaling),
        copies,
    };
    for missing in choice.remarks.into_iter().chain(ticket.suit(facts)) {
        tracing::warn!(sheet = %sheet.title, "{missing}");
    }
    Ok(ticket)
}

fn name(sheet: &Sheet, attempt: u32) -> String {
    let title: Vec<char> = sheet.title.chars().collect();
    let title: String = if title.len() <= TITLE_MAX_CHARS {
        title.iter().collect()
    } else {
        // Its end tells more: line, size, reprint.
        let (head, tail) = (&title[..TITLE_MAX_CHARS / 2], &title[title.len() - TITLE_MAX_CHARS / 2 + 1..]);
        head.iter().chain(['~'].iter()).chain(tail).collect()
    };
    format!("{title} {}", sheet.token(attempt))
}

pub(super) fn in_a_thread(send: impl FnOnce() -> Sent + Send + 'static) -> Sending {
    let (sender, receiver) = mpsc::channel();
    let run = move || drop(sender.send(send()));
    // Without a thread its end of the channel is gone, which counts as a lost connection.
    let _ = std::thread::Builder::new().name("print".into()).spawn(run);
    receiver
}

fn send_document(endpoint: &Endpoint, id: i32, bytes: Vec<u8>) -> Sending {
    let endpoint = endpoint.clone();
    in_a_thread(move || Sent::Document(endpoint.send_document(id, &Document { bytes: &bytes, format: "image/jpeg" })))
}

/// The sending has come to its end. `None`: its thread has, without a word.
pub fn sent(
    sent: Option<Sent>,
    printer: &Printer,
    run: &PrintRun,
    missed: &mut Missed,
    note: &mut Note<'_>,
) -> Result<Went, PrintError> {
    match sent {
        Some(Sent::Document(Ok(state))) => {
            note(PrintEvent::Sent)?;
            note_begun(printer, false, state, note)?;
            Ok(Went::On(None))
        }
        // It has not touched the document, and its job must not keep it from others.
        Some(Sent::Document(Err(IppError::Refused(refusal)))) => {
            let failure = Failure::of(&refusal);
            match &run.job {
                Some(job) if !refusal.may_have_begun() => missed.unwanted = Some((job.clone(), failure)),
                _ => missed.refused = Some(failure),
            }
            Ok(Went::On(Some(refusal.to_string())))
        }
        Some(Sent::Job(Ok(created))) => {
            let ignored = unheeded(&created).map(str::to_string);
            note(PrintEvent::Created(PrinterJob { id: created.id, uuid: created.uuid }))?;
            note(PrintEvent::Sent)?;
            note_begun(printer, false, created.state, note)?;
            let Some(ignored) = ignored else { return Ok(Went::On(None)) };
            let text = format!("the printer took no notice of the sheet's `{ignored}`, and prints something else");
            note(PrintEvent::Doubted { text })?;
            Ok(Went::Over)
        }
        Some(Sent::Job(Err(IppError::Refused(refusal)))) if !refusal.may_have_begun() => {
            failed(&Failure::of(&refusal), run, note)
        }
        Some(Sent::Job(Err(e))) if !e.is_in_doubt_with_document() => not(note, e.to_string()),
        // It may have printed on the way there: it is asked at the next look.
        Some(Sent::Job(Err(IppError::Refused(refusal)))) => {
            missed.refused = Some(Failure::of(&refusal));
            Ok(Went::On(Some(refusal.to_string())))
        }
        // Its job stands and is looked at next.
        Some(Sent::Document(Err(e)) | Sent::Job(Err(e))) => {
            missed.lost += 1;
            Ok(Went::On(Some(e.to_string())))
        }
        Some(Sent::Program(_)) | None => Ok(Went::On(None)),
    }
}

/// A printer that forgets its jobs is believed to have printed one that it was seen printing: that must outlive us.
fn note_begun(printer: &Printer, begun: bool, state: Option<JobState>, note: &mut Note<'_>) -> Result<(), PrintError> {
    if printer.history == JobHistory::Forgotten && !begun && state == Some(JobState::Processing) {
        note(PrintEvent::Begun)?;
    }
    Ok(())
}

/// Asks the printer what has become of a sheet, and does what follows from that, as far as `care` goes.
pub fn look(
    sheet: &Sheet,
    device: Device<'_>,
    run: &PrintRun,
    care: Care,
    missed: &mut Missed,
    now: Timestamp,
    note: &mut Note<'_>,
) -> Result<Went, PrintError> {
    let Some((intended_at, intent)) = &run.intent else { return Ok(Went::Over) };
    let endpoint = device.endpoint;
    if let Some((job, failure)) = missed.unwanted.clone() {
        return match endpoint.job(job.id) {
            Ok(found) if found.as_ref().is_some_and(|found| is_it(found, &job, intent)) => {
                clear(endpoint, job.id, &failure, run, missed, note)
            }
            Ok(_) => failed(&failure, run, note),
            Err(e) => Ok(Went::On(Some(e.to_string()))),
        };
    }
    let asked = match &run.job {
        None => search(device, intent, *intended_at, missed, now),
        Some(job) => match known(device, run, job, missed, now) {
            Ok((action, state)) => {
                if run.sent.is_some() {
                    note_begun(device.printer, run.begun, state, note)?;
                }
                Ok(action)
            }
            Err(e) => Err(e),
        },
    };
    let action = match asked {
        Ok(action) => action,
        Err(e) => return Ok(Went::On(Some(e.to_string()))),
    };
    tracing::debug!(sheet = %sheet.title, printer = %intent.printer, ?action, "asked");
    match action {
        Action::LookAgain => Ok(Went::On(None)),
        Action::Wait(why) => Ok(Went::On(why.or_else(|| slow(intent, run, now)))),
        Action::SendAgain | Action::SendDocument if care == Care::Leave => Ok(Went::On(None)),
        // Nothing of it has left, and nothing may any more.
        Action::SendAgain if care != Care::Send => not(note, TAKEN_BACK.into()),
        Action::SendDocument if care != Care::Send => {
            let id = run.job.as_ref().map_or(0, |job| job.id);
            clear(endpoint, id, &Failure::taken_back(), run, missed, note)
        }
        Action::SendAgain => {
            // What it would not print and knows nothing of, it surely did not begin: another one may do better.
            if let Some(failure) = std::mem::take(missed).refused {
                return failed(&failure, run, note);
            }
            match device.endpoint.facts_to_print() {
                Ok(facts) => send(sheet, device, &facts, (run, intent.attempt), missed, note),
                Err(e) => Ok(Went::On(Some(e.to_string()))),
            }
        }
        Action::Adopt(job) => {
            note(PrintEvent::Created(job))?;
            Ok(Went::On(None))
        }
        Action::Clear(id) => {
            let why = "the printer made a job and did not say its number before the document left".into();
            clear(endpoint, id, &Failure { why, in_vain: false, is_still: true }, run, missed, note)
        }
        Action::SendDocument => {
            let id = run.job.as_ref().map_or(0, |job| job.id);
            if let Some(failure) = missed.no_use() {
                return clear(endpoint, id, &failure, run, missed, note);
            }
            Ok(Went::Sending(send_document(endpoint, id, sheet.read()?)))
        }
        Action::Sent => {
            note(PrintEvent::Sent)?;
            Ok(Went::On(None))
        }
        Action::End(state) => {
            note(PrintEvent::Ended { state })?;
            Ok(Went::Over)
        }
        Action::Again(text) => again(note, text),
        Action::Ask(text) => {
            note(PrintEvent::Doubted { text })?;
            Ok(Went::Over)
        }
    }
}

impl Missed {
    /// Why it is no use to send the document into the same job once more.
    fn no_use(&self) -> Option<Failure> {
        let why = || format!("the connection was lost each time that the sheet was sent ({UPLOADS_MAX} times)");
        let lost = (self.lost >= UPLOADS_MAX).then(|| Failure { why: why(), in_vain: true, is_still: false });
        self.refused.clone().or(lost)
    }

    /// Whether it has been missed for so long that nothing is overlooked.
    fn looked_before(&mut self) -> bool {
        self.at.get_or_insert_with(Instant::now).elapsed() >= Duration::from_secs(LOOK_AGAIN_S)
    }
}

/// What is said of a sheet that has been at its printer for long.
fn slow(intent: &PrintIntent, run: &PrintRun, now: Timestamp) -> Option<String> {
    let patience_s = SLOW_S + SLOW_PER_COPY_S * i64::from(intent.copies);
    let is_slow = now.duration_since(run.sent?).as_secs() > patience_s;
    is_slow.then(|| "it has been at the printer for long, and is not out yet: look whether the printer prints".into())
}
