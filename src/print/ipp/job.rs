//! What a printer says about a job.

use super::answer::Attributes;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    Pending,
    Held,
    Processing,
    /// Begun, and waiting for a person at the printer.
    Stopped,
    Canceled,
    Aborted,
    Completed,
}

impl JobState {
    pub fn has_ended(self) -> bool {
        matches!(self, JobState::Canceled | JobState::Aborted | JobState::Completed)
    }

    pub(super) fn of(job: Attributes<'_>) -> Option<JobState> {
        Some(match job.int("job-state")? {
            3 => JobState::Pending,
            4 => JobState::Held,
            5 => JobState::Processing,
            6 => JobState::Stopped,
            7 => JobState::Canceled,
            8 => JobState::Aborted,
            9 => JobState::Completed,
            _ => return None,
        })
    }
}

/// A job that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    pub id: i32,
    /// Ids start again at 1 when a printer does; this does not. `None` when the printer has none, or could not be
    /// asked for it.
    pub uuid: Option<String>,
    /// Settings that it does not take, and did not refuse as it was told to. With paper among them it would print on
    /// whatever lies there.
    pub ignored: Vec<String>,
    /// As the answer has it.
    pub state: Option<JobState>,
}

/// A job at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFacts {
    pub id: i32,
    pub uuid: Option<String>,
    pub name: Option<String>,
    pub state: JobState,
    /// Keywords as they come.
    pub reasons: Vec<String>,
    /// Sides of paper that are out; `None` when it does not count.
    pub impressions_completed: Option<u32>,
    /// KiB of the document that were printed from, copies not counted; `None` when it does not count.
    pub k_octets_processed: Option<u32>,
    /// KiB of the document that it has got; `None` when it does not count.
    pub k_octets: Option<u32>,
    /// Whether it has a document; `None` when that cannot be told.
    pub has_document: Option<bool>,
    /// When it was made and when it ended, by the printer's up-time.
    pub created_at_s: Option<u32>,
    pub ended_at_s: Option<u32>,
}

/// Jobs as a printer lists them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    pub jobs: Vec<JobFacts>,
    /// Numbers of those that it says nothing else of, as printers do that list what they like; `None` without one.
    pub unread: Vec<Option<i32>>,
}

impl Listed {
    pub(super) fn read<'a>(list: impl Iterator<Item = Attributes<'a>>) -> Listed {
        let mut listed = Listed::default();
        for job in list {
            match JobFacts::read(job) {
                Some(facts) => listed.jobs.push(facts),
                None => listed.unread.push(job.int("job-id").filter(|id| *id > 0)),
            }
        }
        listed
    }
}

/// Without `job-uuid` in it CUPS leaves `job-name` out of jobs that have ended.
pub(super) const REQUESTED: [&str; 13] = [
    "job-id",
    "job-uuid",
    "job-name",
    "job-state",
    "job-state-reasons",
    "job-impressions-completed",
    "job-media-sheets-completed",
    "job-k-octets",
    "job-k-octets-processed",
    "number-of-documents",
    "document-format-supplied",
    "time-at-creation",
    "time-at-completed",
];

/// What is the ordinary course of a job, and nothing to be told of.
const ORDINARY: [&str; 17] = [
    "none",
    "job-incoming",
    "job-data-insufficient",
    "job-outgoing",
    "job-spooling",
    "job-streaming",
    "job-queued",
    "job-queued-for-marker",
    "job-interpreting",
    "job-transforming",
    "job-printing",
    "job-restartable",
    "queued-in-device",
    // A queue of CUPS says it of every job that has ended.
    "processing-to-stop-point",
    "job-completed-successfully",
    "job-canceled-by-user",
    "aborted-by-system",
];

impl JobFacts {
    /// Reasons that say that not all is out that was to come out, in plain words: also of a job whose state is *completed*.
    /// A warning is none of them.
    pub fn errors(&self) -> Vec<String> {
        let is_error = |reason: &&String| {
            let reason = reason.as_str();
            reason.ends_with("-error")
                || reason.ends_with("-errors")
                || ["job-canceled-", "job-aborted-", "aborted-by-", "unsupported-compression", "unsupported-document-"]
                    .iter()
                    .any(|start| reason.starts_with(start))
                || matches!(reason, "errors-detected" | "submission-interrupted")
        };
        self.reasons.iter().filter(is_error).map(|reason| words(reason)).collect()
    }

    /// Reasons beyond the ordinary, in plain words.
    pub fn reason_words(&self) -> Vec<String> {
        self.reasons.iter().filter(|reason| !ORDINARY.contains(&reason.as_str())).map(|reason| words(reason)).collect()
    }

    /// `None` when it has no id or no state: then nothing can be said about it.
    pub(super) fn read(job: Attributes<'_>) -> Option<JobFacts> {
        let state = JobState::of(job)?;
        let reasons = job.texts("job-state-reasons");
        let k_octets = job.count("job-k-octets");
        let has_document = has_document(job, state, &reasons);
        Some(JobFacts {
            id: job.int("job-id").filter(|id| *id > 0)?,
            uuid: job.text("job-uuid"),
            name: job.text("job-name"),
            state,
            // Some count only one of the two, and leave the other at nothing.
            impressions_completed: job.count("job-impressions-completed").max(job.count("job-media-sheets-completed")),
            k_octets_processed: job.count("job-k-octets-processed"),
            k_octets,
            has_document,
            reasons,
            created_at_s: job.count("time-at-creation"),
            ended_at_s: job.count("time-at-completed"),
        })
    }
}

fn words(reason: &str) -> String {
    reason.replace('-', " ")
}

/// CUPS counts no documents any more when a job has ended and its file is gone, so that a count of none means nothing
/// by itself. Both it and printers hold a job back, with one of two reasons, until its document is there.
fn has_document(job: Attributes<'_>, state: JobState, reasons: &[String]) -> Option<bool> {
    let waits = |r: &String| matches!(r.as_str(), "job-incoming" | "job-data-insufficient");
    let is_there = job.count("number-of-documents").is_some_and(|n| n > 0)
        || job.count("job-k-octets").is_some_and(|n| n > 0)
        || job.count("job-k-octets-processed").is_some_and(|n| n > 0)
        || job.count("job-impressions-completed").is_some_and(|n| n > 0)
        || job.has("document-format-supplied");
    match state {
        _ if is_there => Some(true),
        JobState::Pending | JobState::Held if reasons.iter().any(waits) => Some(false),
        JobState::Pending | JobState::Processing | JobState::Stopped | JobState::Completed => Some(true),
        JobState::Held if job.count("number-of-documents") == Some(0) => Some(false),
        JobState::Held | JobState::Canceled | JobState::Aborted => None,
    }
}

#[cfg(test)]
mod tests {
    use ipp::model::DelimiterTag;
    use ipp::value::IppValue;

    use super::super::answer::tests::{answer, keyword};
    use super::*;

    fn read(state: i32, more: &[(&str, IppValue)]) -> Option<JobFacts> {
        let tag = DelimiterTag::JobAttributes;
        let mut attributes = vec![("job-id", IppValue::Integer(7)), ("job-state", IppValue::Enum(state))];
        attributes.extend(more.iter().cloned());
        answer(tag, &attributes).group(tag).and_then(JobFacts::read)
    }

    #[test]
    fn a_job_without_id_or_state_says_nothing() {
        assert!(read(5, &[]).is_some());
        assert_eq!(read(12, &[]), None);
        let tag = DelimiterTag::JobAttributes;
        let nameless = answer(tag, &[("job-state", IppValue::Enum(5)), ("job-id", IppValue::Integer(-1))]);
        assert_eq!(nameless.group(tag).and_then(JobFacts::read), None);
    }

    #[test]
    fn a_job_that_waits_for_its_document_has_none() {
        let waiting = [("job-state-reasons", keyword("job-data-insufficient"))];
        assert_eq!(read(4, &waiting).unwrap().has_document, Some(false));
        let incoming = [("job-state-reasons", keyword("job-incoming")), ("number-of-documents", IppValue::Integer(0))];
        assert_eq!(read(4, &incoming).unwrap().has_document, Some(false));
        // By hand at the printer, or by its rule.
        assert_eq!(read(4, &[("job-state-reasons", keyword("job-hold-until-specified"))]).unwrap().has_document, None);
    }

    #[test]
    fn a_finished_job_of_cups_has_had_its_document() {
        let done = [("number-of-documents", IppValue::Integer(0)), ("job-k-octets", IppValue::Integer(340))];
        assert_eq!(read(9, &done).unwrap().has_document, Some(true));
        assert_eq!(read(8, &done).unwrap().has_document, Some(true));
        // Given up while it waited for one, as far as can be told.
        assert_eq!(read(8, &[("job-k-octets", IppValue::Integer(0))]).unwrap().has_document, None);
    }

    #[test]
    fn counts_of_another_kind_are_left_out() {
        let odd = read(9, &[("job-impressions-completed", IppValue::Integer(-2)), ("job-uuid", IppValue::Integer(1))]);
        let odd = odd.unwrap();
        assert_eq!((odd.impressions_completed, odd.uuid), (None, None));
        let sheets = read(9, &[("job-media-sheets-completed", IppValue::Integer(2))]).unwrap();
        assert_eq!(sheets.impressions_completed, Some(2));
        let nothing = ("job-impressions-completed", IppValue::Integer(0));
        let sheets = read(8, &[nothing, ("job-media-sheets-completed", IppValue::Integer(1))]).unwrap();
        assert_eq!(sheets.impressions_completed, Some(1), "a sheet is out");
        assert!(JobState::Aborted.has_ended() && !JobState::Stopped.has_ended());
    }
}
