//! An attempt that comes to nothing: what is written down of it, and what becomes of the job that the printer made.
//!
//! Owns: an attempt is given up only when it is certain that nothing of it comes out any more.

use super::Missed;
use crate::print::ipp::{Endpoint, IppError, Refusal};
use crate::print::protocol::{self, Action};
use crate::print::{Note, PrintError, Went};
use crate::spool::journal::{PrintEvent, PrintRun, PrinterJob};

/// Why an attempt came to nothing.
pub(super) const TAKEN_BACK: &str = "its job was held or cancelled before the document left";

/// Why an attempt comes to nothing.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) why: String,
    /// The printer had the document in hand: after some of these a person is asked.
    pub(super) in_vain: bool,
    /// Nothing is on its way to the printer's job, which may stay there without a document.
    pub(super) is_still: bool,
}

impl Failure {
    pub(super) fn of(refusal: &Refusal) -> Failure {
        // It passes, or somebody has to correct the config: that is waited for.
        let passes = refusal.is_busy() || refusal.is_about_user();
        Failure { why: refusal.to_string(), in_vain: !passes, is_still: true }
    }

    pub(super) fn taken_back() -> Failure {
        Failure { why: TAKEN_BACK.into(), in_vain: false, is_still: false }
    }
}

pub(super) fn not(note: &mut Note<'_>, text: String) -> Result<Went, PrintError> {
    note(PrintEvent::Aborted { text: text.clone(), in_vain: false })?;
    Ok(Went::Not(text))
}

/// Nothing of the attempt came out, for certain.
pub(super) fn failed(failure: &Failure, run: &PrintRun, note: &mut Note<'_>) -> Result<Went, PrintError> {
    if !failure.in_vain {
        return not(note, failure.why.clone());
    }
    match protocol::refused(run.in_vain + 1, &failure.why) {
        Action::Ask(text) => {
            note(PrintEvent::Doubted { text })?;
            Ok(Went::Over)
        }
        _ => again(note, failure.why.clone()),
    }
}

pub(super) fn again(note: &mut Note<'_>, text: String) -> Result<Went, PrintError> {
    note(PrintEvent::Aborted { text: text.clone(), in_vain: true })?;
    Ok(Went::Not(text))
}

/// Drops a job that never got its document; only when that is confirmed a new one is made. One whose printer does not
/// cancel it stays there empty: nobody gives it a document any more. `failure` is why it is not wanted.
pub(super) fn clear(
    endpoint: &Endpoint,
    id: i32,
    failure: &Failure,
    run: &PrintRun,
    missed: &mut Missed,
    note: &mut Note<'_>,
) -> Result<Went, PrintError> {
    // One that has just ended cannot be cancelled; what counts is what it is now.
    let cancelled = endpoint.cancel(id);
    let stays = matches!(&cancelled, Err(IppError::Refused(refusal)) if !refusal.is_busy());
    match endpoint.job(id) {
        Ok(Some(job)) if stays && failure.is_still && job.has_document == Some(false) => failed(failure, run, note),
        Ok(Some(job)) if !job.state.has_ended() => {
            Ok(Went::On(Some(format!("{}; its empty job does not go away", failure.why))))
        }
        Ok(Some(job)) if job.impressions_completed.unwrap_or(0) > 0 || job.has_document == Some(true) => {
            missed.unwanted = None;
            note(PrintEvent::Created(PrinterJob { id, uuid: job.uuid }))?;
            Ok(Went::On(None))
        }
        Ok(_) => failed(failure, run, note),
        Err(e) => Ok(Went::On(Some(e.to_string()))),
    }
}
