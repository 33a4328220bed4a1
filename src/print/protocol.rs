//! What a printer's answer means for a sheet that may be on its way: the whole of the recovery table, and nothing else.
//!
//! Owns: never a guess. A sheet is sent again only where it surely was not printed, and counts as printed only where the
//! printer says so; everything between is for a person. Pure: journal and answer in, action out.

use super::ipp::{JobFacts, JobState};
use crate::model::config::Counts;
use crate::model::counted::counted;
use crate::spool::journal::{PrintIntent, PrintState, PrinterJob};

/// How long every printer remembers a job that has ended.
pub const REMEMBERED_S: i64 = 45;
/// Between the two looks after which a job counts as unknown to its printer: one may be listed late.
pub const LOOK_AGAIN_S: u64 = 5;
/// By how much a printer's clock may differ from ours since the intent.
pub const CLOCK_SLACK_S: i64 = 10;
/// A sheet that a printer drops so often is a person's to look at.
pub const ATTEMPTS_MAX: u32 = 5;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing is known after one look: ask once more, later.
    LookAgain,
    /// The printer has never heard of it: send the same attempt.
    SendAgain,
    /// The printer made a job of it.
    Adopt(PrinterJob),
    /// The job waits for its document, and is ours to fill, or to drop.
    SendDocument,
    /// It has no document and its number was never written down: drop it, and begin a new attempt.
    Clear(i32),
    /// The document has got there.
    Sent,
    /// It is there; what keeps it from coming out, where the printer says so.
    Wait(Option<String>),
    End(PrintState),
    /// Nothing came out: a new attempt may be made.
    Again(String),
    /// Nobody can know.
    Ask(String),
}

/// What the printer's record is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// It is the same device, and has not been started since.
    pub same_run: bool,
    /// It still lists what ended before, or could not have forgotten yet.
    pub reaches_back: bool,
    /// It says of each job that could be ours what it is called.
    pub tells_names: bool,
}

impl Record {
    /// `uuid` and `up_time_s` as the printer has them now, `finished` what it still lists, `elapsed_s` since the intent.
    pub fn of(
        intent: &PrintIntent,
        uuid: Option<&str>,
        up_time_s: Option<u64>,
        finished: &[JobFacts],
        tells_names: bool,
        elapsed_s: i64,
    ) -> Record {
        let same_device = uuid.is_some() && uuid == intent.printer_uuid.as_deref();
        let older = |job: &JobFacts| {
            let ended = job.ended_at_s.or(job.created_at_s).map(u64::from);
            ended.zip(intent.up_time_s).is_some_and(|(ended, intended)| ended < intended)
        };
        Record {
            same_run: same_device && up_time_s.zip(intent.up_time_s).is_some_and(|times| ran_on(times, elapsed_s)),
            reaches_back: (0..REMEMBERED_S).contains(&elapsed_s) || finished.iter().any(older),
            tells_names,
        }
    }
}

/// Whether a printer that was up for the second time, `elapsed_s` ago, and is for the first now, was on all the while.
fn ran_on((now, then): (u64, u64), elapsed_s: i64) -> bool {
    let (Ok(now), Ok(then)) = (i64::try_from(now), i64::try_from(then)) else { return false };
    now >= then && then + elapsed_s - now <= CLOCK_SLACK_S
}

/// The printer says that it is another one, or was started since the intent. One that does not say so was not.
pub fn was_restarted(intent: &PrintIntent, uuid: Option<&str>, up_time_s: Option<u64>, elapsed_s: i64) -> bool {
    let is_other = uuid.zip(intent.printer_uuid.as_deref()).is_some_and(|(now, then)| now != then);
    is_other || up_time_s.zip(intent.up_time_s).is_some_and(|times| !ran_on(times, elapsed_s))
}

/// The journal ends with *intended*: `found` carries our token. `looked_before` is true at the second look.
pub fn intended(found: Option<&JobFacts>, looked_before: bool, record: Record) -> Action {
    match found {
        Some(job) if job.has_document == Some(false) && !job.state.has_ended() => Action::Clear(job.id),
        Some(job) => Action::Adopt(PrinterJob { id: job.id, uuid: job.uuid.clone() }),
        None if !looked_before => Action::LookAgain,
        None if record.same_run && !record.tells_names => Action::Ask(
            "the connection was lost before the printer answered, and the printer does not say what its jobs are called"
                .into(),
        ),
        None if record.same_run && record.reaches_back => Action::SendAgain,
        None if !record.same_run => Action::Ask(
            "the connection was lost before the printer answered, and the printer has been started since, or does not \
             say that it was not"
                .into(),
        ),
        None => Action::Ask(
            "the connection was lost before the printer answered, and the printer does not remember so far back".into(),
        ),
    }
}

/// What was written down of a job that the printer made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact by itself")]
pub struct Known {
    /// The journal ends with *sent*, not with *created*.
    pub sent: bool,
    pub is_spooler: bool,
    pub bytes: u64,
    pub copies: u32,
    /// How often a printer has had it in hand since copies of it came out, this time included.
    pub tries: u32,
    pub counts: Counts,
    /// Whether its printer counts, by other sheets of ours that it calls completed; `None` where there are none.
    pub has_counted: Option<bool>,
    /// Its printer keeps nothing that has ended, was seen printing it, and has not been started since.
    pub is_forgotten: bool,
}

/// The journal ends with *created* or *sent*; `job` is what the printer knows by its number, and ours by its uuid.
pub fn created(job: Option<&JobFacts>, known: Known) -> Action {
    let Some(job) = job else {
        if known.is_forgotten {
            return Action::End(known.at_best());
        }
        return Action::Ask("the printer knows its job no more, and did not say how it ended".into());
    };
    match job.state {
        JobState::Aborted | JobState::Canceled => ended_early(job, known),
        _ if !known.sent && job.has_document == Some(false) => Action::SendDocument,
        _ if !known.sent && known.is_spooler && job.has_document == Some(true) => Action::Sent,
        JobState::Completed if known.sent || has_all(job, known.bytes) => completed(job, known),
        JobState::Completed => Action::Ask(
            "the printer did not confirm that it has the whole sheet; it calls it completed, but may have printed a \
             cut-off picture: check the sheet"
                .into(),
        ),
        JobState::Held => Action::Wait(Some(with_reasons("the printer holds its job back", job))),
        JobState::Stopped => Action::Wait(Some(with_reasons("the printer has stopped in the middle of its job", job))),
        JobState::Pending | JobState::Processing => Action::Wait(None),
    }
}

fn with_reasons(what: &str, job: &JobFacts) -> String {
    let reasons = job.reason_words();
    if reasons.is_empty() { what.to_string() } else { format!("{what} ({})", reasons.join(", ")) }
}

impl Known {
    /// A queue says with it that it has handed the sheet on.
    fn at_best(self) -> PrintState {
        if self.is_spooler { PrintState::Accepted } else { PrintState::Printed }
    }

    /// What its count must come to.
    fn wanted(self) -> u32 {
        match self.counts {
            Counts::Sheets => self.copies,
            Counts::Documents => 1,
        }
    }
}

/// Whether the job ended with a count of none, so that it matters whether its printer counts at all.
pub fn counts_nothing(job: &JobFacts, known: Known) -> bool {
    known.sent && !known.is_spooler && job.impressions_completed == Some(0) && job.state.has_ended()
}

/// Whether to look at a job once more before it is believed that it ended without a sheet: the count may come late.
pub fn may_count_late(job: &JobFacts, known: Known) -> bool {
    job.state == JobState::Completed && job.errors().is_empty() && known.has_counted == Some(true)
}

/// The state alone says little: a printer that could not read the sheet calls it completed, too. A queue's count is not
/// one of paper. A printer's own goes over all copies, or over the document; one of none is that of a printer that does
/// not count, unless it has counted before.
fn completed(job: &JobFacts, known: Known) -> Action {
    let wanted = known.wanted();
    let few = match job.impressions_completed {
        _ if known.is_spooler => None,
        Some(0) if known.has_counted != Some(true) && job.errors().is_empty() => None,
        Some(sides) if sides < wanted => Some(match known.counts {
            Counts::Sheets => format!("{sides} of {wanted} {} came out", if wanted == 1 { "copy" } else { "copies" }),
            Counts::Documents => "nothing came out".to_string(),
        }),
        _ => None,
    };
    let mut says = Vec::new();
    if !job.errors().is_empty() {
        says.push(format!("with errors ({})", job.errors().join(", ")));
    }
    says.extend(few.map(|few| format!("and says that {few}")));
    if says.is_empty() {
        return Action::End(known.at_best());
    }
    let who = if known.is_spooler { "queue" } else { "printer" };
    let mut text = format!("the {who} calls it completed, {}", says.join(", "));
    if job.impressions_completed == Some(1) && wanted > 1 && job.errors().is_empty() {
        text.push_str("; one that counts documents needs `counts: documents` in the config");
    }
    Action::Ask(text)
}

/// A printer would not have the document: nothing of it came out. `tries` as in [`Known`].
pub fn refused(tries: u32, why: &str) -> Action {
    if tries >= ATTEMPTS_MAX {
        Action::Ask(format!("it was tried {} in vain; {why}", counted(tries, "time")))
    } else {
        Action::Again(why.to_string())
    }
}

fn ended_early(job: &JobFacts, known: Known) -> Action {
    let how = if job.state == JobState::Aborted { "given up" } else { "cancelled" };
    // A queue that is told to cancel may have passed the sheet on.
    let may_have_left = known.is_spooler && job.state == JobState::Canceled;
    let text = match job.impressions_completed {
        Some(0) if !may_have_left && known.has_counted == Some(false) => {
            format!("it was {how} at the printer, which counts nothing of what it prints")
        }
        Some(0) if !may_have_left && known.tries >= ATTEMPTS_MAX => {
            format!("it was {how} by the printer {}, before anything came out", counted(known.tries, "time"))
        }
        Some(0) if !may_have_left => {
            return Action::Again(with_reasons(&format!("it was {how} by the printer before anything came out"), job));
        }
        Some(0) | None => format!("it was {how} at the printer, which does not say whether it printed"),
        Some(_) if known.counts == Counts::Documents => format!("it was {how} at the printer after it had begun"),
        Some(sides) => format!("it was {how} at the printer after {sides} had come out"),
    };
    Action::Ask(with_reasons(&text, job))
}

/// Whether the printer has counted the whole document.
fn has_all(job: &JobFacts, bytes: u64) -> bool {
    let whole = bytes.div_ceil(1024);
    job.k_octets_processed.or(job.k_octets).is_some_and(|k| u64::from(k) == whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(state: JobState) -> JobFacts {
        JobFacts {
            id: 17,
            uuid: Some("urn:uuid:a".into()),
            name: Some("x hf-1".into()),
            state,
            reasons: Vec::new(),
            impressions_completed: Some(0),
            k_octets_processed: None,
            k_octets: None,
            has_document: Some(true),
            created_at_s: None,
            ended_at_s: None,
        }
    }

    fn intent() -> PrintIntent {
        PrintIntent {
            attempt: 1,
            printer: "p".into(),
            endpoint: "ipp://p".into(),
            token: "hf-1".into(),
            copies: 1,
            left: 0,
            bytes: 2048,
            sha256: String::new(),
            printer_uuid: Some("urn:uuid:p".into()),
            up_time_s: Some(1_000),
            is_spooler: false,
            in_one_file: None,
        }
    }

    const DIRECT: Known = Known {
        sent: false,
        is_spooler: false,
        bytes: 2048,
        copies: 1,
        tries: 1,
        counts: Counts::Sheets,
        has_counted: None,
        is_forgotten: false,
    };
    const SPOOLER: Known = Known { is_spooler: true, ..DIRECT };
    const SENT: Known = Known { sent: true, ..DIRECT };
    const GOOD: Record = Record { same_run: true, reaches_back: true, tells_names: true };

    fn is_ask(action: &Action) -> bool {
        matches!(action, Action::Ask(_))
    }

    #[test]
    fn intended_and_not_found_is_sent_again_only_when_the_printer_surely_never_heard_of_it() {
        assert_eq!(intended(None, false, GOOD), Action::LookAgain, "once is not enough");
        assert_eq!(intended(None, true, GOOD), Action::SendAgain);
        let worthless = [
            Record { same_run: false, ..GOOD },
            Record { reaches_back: false, ..GOOD },
            Record { tells_names: false, ..GOOD },
        ];
        for worthless in worthless {
            assert_eq!(intended(None, false, worthless), Action::LookAgain);
            assert!(is_ask(&intended(None, true, worthless)), "{worthless:?}");
        }
    }

    #[test]
    fn intended_and_found_is_taken_for_what_it_is() {
        let empty = JobFacts { has_document: Some(false), ..job(JobState::Held) };
        assert_eq!(intended(Some(&empty), false, GOOD), Action::Clear(17));
        let adopted = Action::Adopt(PrinterJob { id: 17, uuid: Some("urn:uuid:a".into()) });
        for state in [JobState::Pending, JobState::Processing, JobState::Completed, JobState::Aborted] {
            assert_eq!(intended(Some(&job(state)), false, GOOD), adopted, "{state:?}");
        }
        // One that ended without a document is not there to be dropped.
        let ended = JobFacts { has_document: Some(false), ..job(JobState::Canceled) };
        assert_eq!(intended(Some(&ended), false, GOOD), adopted);
    }

    #[test]
    fn created_without_a_document_gets_it() {
        let empty = JobFacts { has_document: Some(false), ..job(JobState::Held) };
        assert_eq!(created(Some(&empty), DIRECT), Action::SendDocument);
        assert_eq!(created(Some(&empty), SPOOLER), Action::SendDocument);
    }

    #[test]
    fn a_spooler_has_all_of_a_document_or_nothing() {
        for state in [JobState::Pending, JobState::Processing, JobState::Completed] {
            assert_eq!(created(Some(&job(state)), SPOOLER), Action::Sent, "{state:?}");
        }
        let sent = Known { sent: true, ..SPOOLER };
        assert_eq!(created(Some(&job(JobState::Processing)), sent), Action::Wait(None));
        assert_eq!(created(Some(&job(JobState::Completed)), sent), Action::End(PrintState::Accepted), "not printed");
    }

    #[test]
    fn a_direct_printer_may_have_printed_half_a_picture() {
        assert_eq!(created(Some(&job(JobState::Processing)), DIRECT), Action::Wait(None));
        let done = job(JobState::Completed);
        assert!(is_ask(&created(Some(&done), DIRECT)));
        let whole = JobFacts { k_octets_processed: Some(2), ..done.clone() };
        assert_eq!(created(Some(&whole), DIRECT), Action::End(PrintState::Printed));
        let half = JobFacts { k_octets_processed: Some(1), k_octets: Some(2), ..done.clone() };
        assert!(is_ask(&created(Some(&half), DIRECT)));
        assert_eq!(created(Some(&done), SENT), Action::End(PrintState::Printed));
    }

    #[test]
    fn a_printer_that_calls_it_completed_and_counts_fewer_sheets_than_copies_is_asked_about() {
        let three = |sent, is_spooler| Known { sent, is_spooler, copies: 3, ..DIRECT };
        let out =
            |count| JobFacts { impressions_completed: count, k_octets_processed: Some(2), ..job(JobState::Completed) };
        for sent in [false, true] {
            for few in [1, 2] {
                let action = created(Some(&out(Some(few))), three(sent, false));
                assert!(matches!(&action, Action::Ask(why) if why.contains(&format!("{few} of 3"))), "{action:?}");
            }
            // All of them, both sides of each, or nothing that it could be taken by its word for.
            for said in [Some(3), Some(6), Some(0), None] {
                let action = created(Some(&out(said)), three(sent, false));
                assert_eq!(action, Action::End(PrintState::Printed), "{said:?}");
            }
        }
        // What a queue has counted has not come out of it.
        assert_eq!(created(Some(&out(Some(1))), three(true, true)), Action::End(PrintState::Accepted));
    }

    #[test]
    fn what_is_completed_with_errors_is_a_persons_to_look_at() {
        let ended = |reasons: &[&str], impressions_completed| JobFacts {
            reasons: reasons.iter().map(ToString::to_string).collect(),
            impressions_completed,
            ..job(JobState::Completed)
        };
        let spooler = Known { sent: true, ..SPOOLER };
        let errors = [
            ["job-completed-with-errors", "document-format-error"],
            ["document-unprintable-error", "none"],
            ["aborted-by-system", "compression-error"],
            ["document-access-error", "job-printing"],
            ["job-canceled-at-device", "processing-to-stop-point"],
        ];
        for reasons in errors {
            for (known, count) in [(SENT, None), (SENT, Some(0)), (SENT, Some(1)), (spooler, None)] {
                let action = created(Some(&ended(&reasons, count)), known);
                let first = reasons[0].replace('-', " ");
                assert!(matches!(&action, Action::Ask(why) if why.contains(&first)), "{reasons:?}: {action:?}");
            }
        }
        for reasons in [
            ["job-completed-successfully", "none"],
            ["job-completed-with-warnings", "job-printing"],
            ["processing-to-stop-point", "none"],
        ] {
            assert_eq!(created(Some(&ended(&reasons, None)), SENT), Action::End(PrintState::Printed), "{reasons:?}");
            assert_eq!(created(Some(&ended(&reasons, None)), spooler), Action::End(PrintState::Accepted));
        }
    }

    #[test]
    fn a_count_of_none_is_one_where_the_printer_has_counted_before() {
        let none = JobFacts { impressions_completed: Some(0), ..job(JobState::Completed) };
        assert!(counts_nothing(&none, SENT));
        assert_eq!(created(Some(&none), SENT), Action::End(PrintState::Printed));
        assert!(is_ask(&created(Some(&none), Known { has_counted: Some(true), ..SENT })));
    }

    #[test]
    fn what_a_printer_that_counts_nothing_gave_up_is_a_persons_to_look_at() {
        for state in [JobState::Aborted, JobState::Canceled] {
            let none = JobFacts { impressions_completed: Some(0), ..job(state) };
            assert!(counts_nothing(&none, SENT) && !may_count_late(&none, SENT));
            assert!(is_ask(&created(Some(&none), Known { has_counted: Some(false), ..SENT })));
            for has_counted in [None, Some(true)] {
                let action = created(Some(&none), Known { has_counted, ..SENT });
                assert!(matches!(action, Action::Again(_)), "{has_counted:?}: {action:?}");
            }
        }
    }

    #[test]
    fn a_count_of_documents_goes_over_all_copies() {
        let out = |count| JobFacts { impressions_completed: Some(count), ..job(JobState::Completed) };
        let three = Known { copies: 3, ..SENT };
        let action = created(Some(&out(1)), three);
        assert!(matches!(&action, Action::Ask(why) if why.contains("`counts: documents`")), "{action:?}");
        let documents = Known { counts: Counts::Documents, ..three };
        for count in [1, 3] {
            assert_eq!(created(Some(&out(count)), documents), Action::End(PrintState::Printed));
        }
        let aborted = JobFacts { impressions_completed: Some(1), ..job(JobState::Aborted) };
        assert!(is_ask(&created(Some(&aborted), documents)));
    }

    #[test]
    fn what_a_printer_forgot_is_printed_only_where_it_was_seen_and_ran_on() {
        assert!(is_ask(&created(None, SENT)));
        assert_eq!(created(None, Known { is_forgotten: true, ..SENT }), Action::End(PrintState::Printed));
        let spooler = Known { sent: true, is_forgotten: true, ..SPOOLER };
        assert_eq!(created(None, spooler), Action::End(PrintState::Accepted));
        let uuid = Some("urn:uuid:p");
        assert!(!was_restarted(&intent(), uuid, Some(1_020), 20));
        assert!(!was_restarted(&intent(), None, None, 20), "it does not say so");
        assert!(was_restarted(&intent(), uuid, Some(5), 20));
        assert!(was_restarted(&intent(), Some("urn:uuid:q"), Some(1_020), 20));
    }

    #[test]
    fn a_refused_document_is_tried_again_so_often() {
        assert_eq!(refused(ATTEMPTS_MAX - 1, "no"), Action::Again("no".into()));
        assert_eq!(refused(ATTEMPTS_MAX, "no"), Action::Ask("it was tried 5 times in vain; no".into()));
    }

    #[test]
    fn what_ended_before_anything_came_out_is_tried_again_and_nothing_else() {
        for state in [JobState::Aborted, JobState::Canceled] {
            for known in [DIRECT, SENT] {
                assert!(matches!(created(Some(&job(state)), known), Action::Again(_)), "{state:?} {known:?}");
                let unknown = JobFacts { impressions_completed: None, ..job(state) };
                assert!(is_ask(&created(Some(&unknown), known)));
                let one = JobFacts { impressions_completed: Some(1), ..job(state) };
                assert!(is_ask(&created(Some(&one), known)));
                assert!(is_ask(&created(Some(&job(state)), Known { tries: ATTEMPTS_MAX, ..known })));
            }
        }
        assert!(matches!(created(Some(&job(JobState::Aborted)), SPOOLER), Action::Again(_)));
        assert!(is_ask(&created(Some(&job(JobState::Canceled)), SPOOLER)), "cancelled does not mean unprinted");
    }

    #[test]
    fn sent_is_waited_for_while_it_is_there_and_asked_about_when_it_is_not() {
        for state in [JobState::Pending, JobState::Held, JobState::Processing, JobState::Stopped] {
            let Action::Wait(why) = created(Some(&job(state)), SENT) else { panic!("{state:?}") };
            assert_eq!(why.is_some(), matches!(state, JobState::Held | JobState::Stopped), "{state:?}: {why:?}");
        }
        assert!(is_ask(&created(None, SENT)));
        assert!(is_ask(&created(None, DIRECT)));
    }

    #[test]
    fn a_printer_that_was_started_since_remembers_nothing() {
        let uuid = Some("urn:uuid:p");
        let record = |uuid, up_time_s, elapsed_s| Record::of(&intent(), uuid, up_time_s, &[], true, elapsed_s);
        assert_eq!(record(uuid, Some(1_020), 20), GOOD);
        assert!(!record(uuid, Some(5), 20).same_run);
        assert!(!record(Some("urn:uuid:q"), Some(1_020), 20).same_run);
        assert!(!record(None, Some(1_020), 20).same_run);
        assert!(!record(uuid, None, 20).same_run);
        // Started again, and up for longer than it had been then: the time in between is missing.
        assert!(!record(uuid, Some(1_500), 2_000).same_run);
        assert_eq!(record(uuid, Some(1_060), 60), Record { reaches_back: false, ..GOOD });
    }

    #[test]
    fn an_older_finished_job_shows_that_the_record_reaches_back() {
        let finished = |ended_at_s| vec![JobFacts { ended_at_s, ..job(JobState::Completed) }];
        let record =
            |finished: &[JobFacts]| Record::of(&intent(), None, Some(2_000), finished, true, 1_000).reaches_back;
        assert!(record(&finished(Some(900))));
        assert!(!record(&finished(Some(1_100))), "younger than the intent");
        assert!(!record(&finished(None)));
    }
}
