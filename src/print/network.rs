//! A sheet on its way to a printer or queue on the network.
//!
//! Owns: the journal is ahead of the printer. *Intended* stands before the job is made, *created* before its document
//! leaves, and what is not known for certain is asked of the printer before anything is sent again.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::ipp::{
    Created, Document, Endpoint, IppError, JobFacts, Listed, Paper, PrinterFacts, Scaling, Ticket, Which,
};
use super::protocol::{self, Action, Known, LOOK_AGAIN_S, Record};
use super::{Care, Note, PrintError, Sheet, Went};
use crate::process::Ended;
use crate::spool::journal::{PrintEvent, PrintIntent, PrintRun, PrinterJob};

/// Longest title in the name of a printer's job, in characters: some printers keep few, and the token must fit.
const TITLE_MAX_CHARS: usize = 40;

/// Why an attempt came to nothing.
const TAKEN_BACK: &str = "its job was held or cancelled before the document left";

/// Most jobs that are asked for their names, one by one.
const LOOK_UP_MAX: usize = 40;

/// What a thread brings to a printer, and how that ended.
pub type Sending = mpsc::Receiver<Sent>;

/// How it ended.
#[derive(Debug)]
pub enum Sent {
    Document(Result<(), IppError>),
    /// Job and document in one.
    Job(Result<Created, IppError>),
    /// A program.
    Program(Ended),
}

/// What is remembered of a sheet between two looks, while the server runs.
#[derive(Debug, Default)]
pub struct Missed {
    /// When its printer first did not know it.
    at: Option<Instant>,
    /// Its printer said no with the document in hand, and why.
    refused: Option<String>,
    /// A job that must not get its document, and why.
    unwanted: Option<(PrinterJob, String)>,
}

/// Sends a sheet.
pub fn begin(
    sheet: &Sheet,
    printer: &str,
    endpoint: &Endpoint,
    run: &PrintRun,
    missed: &mut Missed,
    note: &mut Note<'_>,
) -> Result<Went, PrintError> {
    let facts = match endpoint.facts_to_print() {
        Ok(facts) => facts,
        Err(e) => return Ok(Went::Not(e.to_string())),
    };
    send(sheet, printer, endpoint, &facts, run.attempts + 1, missed, note)
}

fn send(
    sheet: &Sheet,
    printer: &str,
    endpoint: &Endpoint,
    facts: &PrinterFacts,
    attempt: u32,
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
        printer: printer.to_string(),
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
        let went = clear(endpoint, job.id, &why, note)?;
        missed.unwanted = matches!(went, Went::On(_)).then_some((job, why));
        return Ok(went);
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
    // What is more than it takes goes in attempts after this one.
    let copies = sheet.copies.min(facts.max_copies.unwrap_or(u32::MAX).max(1));
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

fn not(note: &mut Note<'_>, text: String) -> Result<Went, PrintError> {
    note(PrintEvent::Aborted { text: text.clone() })?;
    Ok(Went::Not(text))
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
pub fn sent(sent: Option<Sent>, missed: &mut Missed, note: &mut Note<'_>) -> Result<Went, PrintError> {
    match sent {
        Some(Sent::Document(Ok(()))) => {
            note(PrintEvent::Sent)?;
            Ok(Went::On(None))
        }
        Some(Sent::Job(Ok(created))) => {
            let ignored = unheeded(&created).map(str::to_string);
            note(PrintEvent::Created(PrinterJob { id: created.id, uuid: created.uuid }))?;
            note(PrintEvent::Sent)?;
            let Some(ignored) = ignored else { return Ok(Went::On(None)) };
            let text = format!("the printer took no notice of the sheet's `{ignored}`, and prints something else");
            note(PrintEvent::Doubted { text })?;
            Ok(Went::Over)
        }
        Some(Sent::Job(Err(e))) if !e.is_in_doubt_with_document() => not(note, e.to_string()),
        // It may have printed on the way there: it is asked at the next look.
        Some(Sent::Job(Err(IppError::Refused(refusal)))) => {
            missed.refused = Some(refusal.to_string());
            Ok(Went::On(missed.refused.clone()))
        }
        // Its job stands and is looked at next.
        Some(Sent::Document(Err(e)) | Sent::Job(Err(e))) => Ok(Went::On(Some(e.to_string()))),
        Some(Sent::Program(_)) | None => Ok(Went::On(None)),
    }
}

/// Asks the printer what has become of a sheet, and does what follows from that, as far as `care` goes.
pub fn look(
    sheet: &Sheet,
    endpoint: &Endpoint,
    run: &PrintRun,
    care: Care,
    missed: &mut Missed,
    now: Timestamp,
    note: &mut Note<'_>,
) -> Result<Went, PrintError> {
    let Some((intended_at, intent)) = &run.intent else { return Ok(Went::Over) };
    if let (Some((job, why)), None) = (&missed.unwanted, &run.job) {
        return match endpoint.job(job.id) {
            Ok(found) if found.as_ref().is_some_and(|found| is_it(found, job, intent)) => {
                clear(endpoint, job.id, why, note)
            }
            Ok(_) => not(note, why.clone()),
            Err(e) => Ok(Went::On(Some(e.to_string()))),
        };
    }
    let asked = match &run.job {
        None => search(endpoint, intent, *intended_at, missed, now),
        Some(job) => known(endpoint, intent, run, job),
    };
    let action = match asked {
        Ok(action) => action,
        Err(e) => return Ok(Went::On(Some(e.to_string()))),
    };
    tracing::debug!(sheet = %sheet.title, printer = %intent.printer, ?action, "asked");
    match action {
        Action::LookAgain | Action::Wait => Ok(Went::On(None)),
        Action::SendAgain | Action::SendDocument if care == Care::Leave => Ok(Went::On(None)),
        // Nothing of it has left, and nothing may any more.
        Action::SendAgain if care != Care::Send => not(note, TAKEN_BACK.into()),
        Action::SendDocument if care != Care::Send => {
            let id = run.job.as_ref().map_or(0, |job| job.id);
            clear(endpoint, id, TAKEN_BACK, note)
        }
        Action::SendAgain => {
            // What it would not print and knows nothing of, it surely did not begin: another one may do better.
            if let Some(why) = std::mem::take(missed).refused {
                return not(note, why);
            }
            match endpoint.facts_to_print() {
                Ok(facts) => send(sheet, &intent.printer, endpoint, &facts, intent.attempt, missed, note),
                Err(e) => Ok(Went::On(Some(e.to_string()))),
            }
        }
        Action::Adopt(job) => {
            note(PrintEvent::Created(job))?;
            Ok(Went::On(None))
        }
        Action::Clear(id) => clear(endpoint, id, "the connection was lost before the document left", note),
        Action::SendDocument => {
            let id = run.job.as_ref().map_or(0, |job| job.id);
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
        Action::Again(text) => not(note, text),
        Action::Ask(text) => {
            note(PrintEvent::Doubted { text })?;
            Ok(Went::Over)
        }
    }
}

fn search(
    endpoint: &Endpoint,
    intent: &PrintIntent,
    intended_at: Timestamp,
    missed: &mut Missed,
    now: Timestamp,
) -> Result<Action, IppError> {
    let open = endpoint.jobs(Which::Open)?;
    let finished = endpoint.jobs(Which::Finished)?;
    let (found, tells_names) = find(endpoint, intent, [&open, &finished])?;
    let facts = endpoint.facts()?;
    let elapsed_s = now.duration_since(intended_at).as_secs();
    let up_time_s = facts.up_time_s.map(u64::from);
    let record = Record::of(intent, facts.uuid.as_deref(), up_time_s, &finished.jobs, tells_names, elapsed_s);
    let looked_before = missed.at.is_some_and(|at| at.elapsed() >= Duration::from_secs(LOOK_AGAIN_S));
    if found.is_none() && missed.at.is_none() {
        missed.at = Some(Instant::now());
    }
    Ok(protocol::intended(found.as_ref(), looked_before, record))
}

/// The job with the token in its name, and whether no other one could be it. Of what a list leaves open the job itself
/// is asked, the newest first.
fn find(endpoint: &Endpoint, intent: &PrintIntent, lists: [&Listed; 2]) -> Result<(Option<JobFacts>, bool), IppError> {
    let is_ours = |job: &JobFacts| job.name.as_ref().is_some_and(|name| name.contains(&intent.token));
    let jobs = || lists.into_iter().flat_map(|list| &list.jobs);
    if let Some(job) = jobs().find(|job| is_ours(job)) {
        return Ok((Some(job.clone()), true));
    }
    // A queue hides the names of other people's jobs; what was made before ours was sent needs none.
    let is_older = |job: &JobFacts| {
        job.created_at_s
            .map(u64::from)
            .zip(intent.up_time_s)
            .is_some_and(|(made, intended)| made + protocol::CLOCK_SLACK_S.unsigned_abs() < intended)
    };
    let is_other = |job: &JobFacts| job.name.is_some() || is_older(job);
    let unread = lists.into_iter().flat_map(|list| list.unread.iter().copied());
    let mut open: Vec<Option<i32>> =
        jobs().filter(|job| !is_other(job)).map(|job| Some(job.id)).chain(unread).collect();
    open.sort_by_key(|id| std::cmp::Reverse(*id));
    open.dedup();
    let mut tells_names = open.len() <= LOOK_UP_MAX && !open.contains(&None);
    for id in open.into_iter().flatten().take(LOOK_UP_MAX) {
        match endpoint.job(id) {
            Ok(Some(job)) if is_ours(&job) => return Ok((Some(job), true)),
            Ok(Some(job)) if is_other(&job) => {}
            Ok(_) | Err(IppError::Malformed(_) | IppError::Refused(_)) => tells_names = false,
            Err(e) => return Err(e),
        }
    }
    Ok((None, tells_names))
}

fn known(endpoint: &Endpoint, intent: &PrintIntent, run: &PrintRun, job: &PrinterJob) -> Result<Action, IppError> {
    let found = endpoint.job(job.id)?.filter(|found| is_it(found, job, intent));
    let known = Known {
        sent: run.sent.is_some(),
        is_spooler: intent.is_spooler,
        bytes: intent.bytes,
        copies: intent.copies,
        fruitless: intent.attempt.saturating_sub(run.fruitful),
    };
    Ok(protocol::created(found.as_ref(), known))
}

/// Numbers start again when a printer does: the uuid tells, else the name.
fn is_it(found: &JobFacts, job: &PrinterJob, intent: &PrintIntent) -> bool {
    match (&found.uuid, &job.uuid) {
        (Some(found), Some(known)) => found == known,
        _ => found.name.as_ref().is_none_or(|name| name.contains(&intent.token)),
    }
}

/// Drops a job that never got its document; only when that is confirmed a new one is made. `why` it is not wanted.
fn clear(endpoint: &Endpoint, id: i32, why: &str, note: &mut Note<'_>) -> Result<Went, PrintError> {
    // One that has just ended cannot be cancelled; what counts is what it is now.
    let _ = endpoint.cancel(id);
    match endpoint.job(id) {
        Ok(Some(job)) if !job.state.has_ended() => Ok(Went::On(Some("its empty job does not go away".into()))),
        Ok(Some(job)) if job.impressions_completed.unwrap_or(0) > 0 || job.has_document == Some(true) => {
            note(PrintEvent::Created(PrinterJob { id, uuid: job.uuid }))?;
            Ok(Went::On(None))
        }
        Ok(_) => not(note, why.to_string()),
        Err(e) => Ok(Went::On(Some(e.to_string()))),
    }
}
