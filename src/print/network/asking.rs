//! What a printer is asked about a sheet on its way, and what its answers are worth.

use jiff::Timestamp;

use super::{Device, Missed};
use crate::model::config::JobHistory;
use crate::print::ipp::{Endpoint, IppError, JobFacts, JobState, Listed, Which};
use crate::print::protocol::{self, Action, Known, Record};
use crate::spool::journal::{PrintIntent, PrintRun, PrinterJob};

/// Most jobs that are asked for their names, one by one.
const LOOK_UP_MAX: usize = 40;

/// What every job's name has of ours.
const TOKEN_START: &str = "hf-";

pub(super) fn search(
    Device { printer, endpoint }: Device<'_>,
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
    let mut record = Record::of(intent, facts.uuid.as_deref(), up_time_s, &finished.jobs, tells_names, elapsed_s);
    // It may have forgotten a print within these seconds.
    record.reaches_back &= printer.history == JobHistory::Kept;
    let looked_before = found.is_none() && missed.looked_before();
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

/// What follows for a job whose number is known, and the state that it is in.
pub(super) fn known(
    Device { printer, endpoint }: Device<'_>,
    run: &PrintRun,
    job: &PrinterJob,
    missed: &mut Missed,
    now: Timestamp,
) -> Result<(Action, Option<JobState>), IppError> {
    let Some((intended_at, intent)) = &run.intent else { return Ok((Action::Wait(None), None)) };
    let under_its_number = endpoint.job(job.id)?;
    let is_gone = under_its_number.is_none();
    let found = under_its_number.filter(|found| is_it(found, job, intent));
    let mut known = Known {
        sent: run.sent.is_some(),
        is_spooler: intent.is_spooler,
        bytes: intent.bytes,
        copies: intent.copies,
        tries: run.in_vain + 1,
        counts: printer.counts,
        has_counted: None,
        is_forgotten: false,
    };
    if is_gone && printer.history == JobHistory::Forgotten && run.begun && known.sent {
        let facts = endpoint.facts()?;
        let elapsed_s = now.duration_since(*intended_at).as_secs();
        known.is_forgotten =
            !protocol::was_restarted(intent, facts.uuid.as_deref(), facts.up_time_s.map(u64::from), elapsed_s);
    }
    if let Some(found) = found.as_ref().filter(|found| protocol::counts_nothing(found, known)) {
        known.has_counted = has_counted(&endpoint.jobs(Which::Finished)?.jobs, found.id);
        if protocol::may_count_late(found, known) && !missed.looked_before() {
            return Ok((Action::LookAgain, None));
        }
    }
    Ok((protocol::created(found.as_ref(), known), found.map(|found| found.state)))
}

/// Whether the printer has counted a sheet of ours, beside this one; `None` where it has completed none.
fn has_counted(finished: &[JobFacts], this: i32) -> Option<bool> {
    let is_ours = |job: &&JobFacts| job.id != this && job.name.as_ref().is_some_and(|name| name.contains(TOKEN_START));
    let mut counts = finished.iter().filter(is_ours).filter_map(|job| match (job.state, job.impressions_completed) {
        (_, Some(sides)) if sides > 0 => Some(true),
        (JobState::Completed, Some(0)) if job.errors().is_empty() => Some(false),
        _ => None,
    });
    let first = counts.next()?;
    Some(first || counts.any(|counted| counted))
}

/// Numbers start again when a printer does: the uuid tells, else the name.
pub(super) fn is_it(found: &JobFacts, job: &PrinterJob, intent: &PrintIntent) -> bool {
    match (&found.uuid, &job.uuid) {
        (Some(found), Some(known)) => found == known,
        _ => found.name.as_ref().is_none_or(|name| name.contains(&intent.token)),
    }
}
