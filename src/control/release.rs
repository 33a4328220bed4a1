//! Letting a job go on that was held, or that waits for a time.
//!
//! Owns: a request lets a job go on once. One that a crash has cut off is carried out to its end when it comes again; one
//! that had come to its end, but not to its answer, lets nothing go on that has been asked, or put off, since.

use super::{change, day};
use crate::clock;
use crate::spool::durable;
use crate::spool::job::{self, BY_HAND, JobFile, LOOK, Question, UNMATCHED, file, questions};
use crate::spool::queue::{Located, Spool, State};

pub(super) fn release(spool: &Spool, job: &Located, asked: Option<&str>) -> Result<String, String> {
    if has_let_go(job, asked)? {
        return Ok(told(job));
    }
    match job.state {
        State::Held => {
            let questions = questions(&job.folder);
            if let Some(open) = questions.iter().find(|question| question.needs_answer) {
                return Err(format!("a release says too little: {}", open.text));
            }
            go_on(spool, job, &questions, asked)
        }
        State::Pending => {
            change(job, |record| {
                record.hold = None;
                record.not_before = None;
                record.let_go_by = asked.map(str::to_string);
            })?;
            Ok(format!("{}: it may start now", job.id))
        }
        state => Err(format!("it is {state}, not held")),
    }
}

/// A job that was held by hand, or because nothing takes it, and for nothing else, has still to be asked about: its checks
/// have not been made. So has one whose questions are not known, and after a crash in here its record says what was decided.
pub(super) fn go_on(
    spool: &Spool,
    job: &Located,
    questions: &[Question],
    asked: Option<&str>,
) -> Result<String, String> {
    let is_asked = |is: fn(&str) -> bool| questions.iter().any(|question| is(&question.code));
    change(job, |record| {
        if is_asked(|code| code == LOOK) {
            record.looked_at = true;
        }
        if is_asked(|code| ![BY_HAND, LOOK, UNMATCHED].contains(&code)) {
            record.hold = None;
            record.released = true;
        }
    })?;
    for name in [file::HOLD, file::QUESTIONS] {
        durable::remove_file(&job.folder.join(name)).map_err(|e| e.to_string())?;
    }
    let record = requeue(spool, job, |record| record.let_go_by = asked.map(str::to_string))?;
    if !is_asked(|code| code == UNMATCHED) {
        return Ok(told(job));
    }
    let told = if record.is_dropped() {
        "it ends as ignored"
    } else {
        "it is matched again, and stays held where nothing takes it"
    };
    Ok(format!("{}: {told}", job.id))
}

fn told(job: &Located) -> String {
    format!("{}: it goes on", job.id)
}

/// Whether this request has let the job go on before. One that was cut off right before the job moved has not: the job
/// is held still, and asks nothing any more. One that asks again was held anew.
pub(super) fn has_let_go(job: &Located, asked: Option<&str>) -> Result<bool, String> {
    let Some(asked) = asked else { return Ok(false) };
    let record: JobFile = job::read(&job.folder, file::JOB).map_err(|e| e.to_string())?;
    let has_moved = job.state != State::Held || job.folder.join(file::QUESTIONS).exists();
    Ok(record.let_go_by.as_deref() == Some(asked) && has_moved)
}

/// Back to where jobs wait for their turn.
pub(super) fn requeue(spool: &Spool, job: &Located, decide: impl FnOnce(&mut JobFile)) -> Result<JobFile, String> {
    let record = change(job, |record| {
        decide(record);
        record.queued_again = Some(clock::now());
    })?;
    spool.move_to(job, State::Pending, day(record.accepted)).map_err(|e| e.to_string())?;
    Ok(record)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::Timestamp;

    use super::*;
    use crate::control::{Command, Given, carry_out};
    use crate::spool::durable::trial::{self, Cut};
    use crate::spool::job::JobId;

    fn later() -> Timestamp {
        "2036-11-20T15:04:05Z".parse().unwrap()
    }

    /// A job with a time before which it does not start, which a rule wants to have held as well.
    fn held(folder: &Path, questions: &[Question]) -> (Spool, Located) {
        let spool = Spool::open(&folder.join("spool"), false).unwrap();
        let id = JobId::parse("20261120-150405-invoice-9-7f3a").unwrap();
        let at = Located { folder: spool.folder(State::Held).join(id.as_str()), state: State::Held, id };
        durable::make_folder(&at.folder).unwrap();
        let record = serde_json::json!({
            "job": at.id, "accepted": "2026-11-20T15:04:05Z", "sequence": 1, "hot_folder": "status", "manifest": "a.json",
            "manifest_file": "a.json", "manifest_sha256": "", "kind": "invoice", "record": "9", "id": null, "taken": [],
            "drop_cleared": true, "priority": 0, "not_before": later(), "hold": "the rule `sport`", "released": false,
            "retries": 0, "receipts": null,
        });
        job::write(&at.folder, file::JOB, &record).unwrap();
        job::write(&at.folder, file::QUESTIONS, &questions).unwrap();
        (spool, at)
    }

    fn find(spool: &Spool, at: &Located) -> (Located, JobFile) {
        let now = spool.find(&at.id).unwrap().unwrap();
        let record = job::read(&now.folder, file::JOB).unwrap();
        (now, record)
    }

    fn does(spool: &Spool, command: &Command, asked: &str) -> bool {
        let answer = carry_out(spool, command, Some(asked), &|_| false);
        assert_eq!(answer.done.len() + answer.refused.len(), 1);
        answer.refused.is_empty()
    }

    /// What stands in the end, wherever the power has failed, once the same request is carried out again, and again.
    fn release_cut_anywhere(questions: &[Question], expected: fn(&JobFile) -> bool) {
        for at_point in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let (spool, at) = held(folder.path(), questions);
            let command = Command::Release { jobs: vec![at.id.clone()] };
            trial::begin(Some(Cut::From(at_point)));
            let _ = carry_out(&spool, &command, Some("r1"), &|_| false);
            let points = trial::passed().len();
            trial::begin(None);
            for time in 1..=2 {
                assert!(does(&spool, &command, "r1"), "point {at_point}, time {time}");
                let (now, record) = find(&spool, &at);
                assert_eq!((now.state, record.not_before), (State::Pending, Some(later())), "point {at_point}");
                assert!(expected(&record) && record.queued_again.is_some(), "point {at_point}: {record:?}");
            }
            if points <= at_point {
                assert!(at_point > 8, "only {at_point} points");
                return;
            }
        }
    }

    #[test]
    fn a_hold_by_hand_is_released_once_wherever_the_power_fails_and_settles_nothing_else() {
        release_cut_anywhere(&[Question::by_hand()], |record| {
            record.hold.is_some() && !record.released && !record.looked_at
        });
    }

    #[test]
    fn a_check_and_a_look_are_released_once_wherever_the_power_fails() {
        let asked = |code| Question::new(code, "?");
        release_cut_anywhere(&[asked("missing")], |record| {
            record.hold.is_none() && record.released && !record.looked_at
        });
        release_cut_anywhere(&[asked(LOOK)], |record| record.looked_at && !record.released);
    }

    #[test]
    fn a_request_that_is_carried_out_again_releases_no_question_that_came_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, at) = held(folder.path(), &[Question::by_hand()]);
        let command = Command::Release { jobs: vec![at.id.clone()] };
        assert!(does(&spool, &command, "r1"));
        let (now, _) = find(&spool, &at);
        job::write(&now.folder, file::QUESTIONS, &[Question::new("missing", "?")]).unwrap();
        spool.move_to(&now, State::Held, jiff::civil::date(2026, 11, 20)).unwrap();
        assert!(does(&spool, &command, "r1"));
        assert_eq!(find(&spool, &at).0.state, State::Held);
        // Asked for anew, it goes on, and may then start at once: that is what a second request says.
        assert!(does(&spool, &command, "r2"));
        assert!(find(&spool, &at).1.released);
        assert!(does(&spool, &command, "r3"));
        assert_eq!(find(&spool, &at).1.not_before, None);
    }

    #[test]
    fn an_answer_that_is_carried_out_again_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let question = Question { answers: vec!["all".into(), "changed".into()], ..Question::new("repeat", "?") };
        let (spool, at) = held(folder.path(), &[question]);
        let given = Given { answer: "all".into(), ..Given::default() };
        let command = Command::Answer { jobs: vec![at.id.clone()], given };
        assert!(does(&spool, &command, "r1") && does(&spool, &command, "r1"));
        assert!(!does(&spool, &command, "r2"), "it asks nothing any more");
    }

    #[test]
    fn a_retry_forgets_what_was_answered_about_an_earlier_job_and_keeps_what_lies_on_paper() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, at) = held(folder.path(), &[]);
        change(&at, |record| {
            record.answers.extend(["repeat", "print p1 1"].map(|key| (key.to_string(), "all".to_string())));
        })
        .unwrap();
        job::write(&at.folder, file::RECEIPT, &serde_json::json!({ "result": "failed" })).unwrap();
        spool.move_to(&at, State::Failed, jiff::civil::date(2026, 11, 20)).unwrap();
        assert!(does(&spool, &Command::Retry { jobs: vec![at.id.clone()], pictures: None }, "r1"));
        let (now, record) = find(&spool, &at);
        assert_eq!((now.state, record.answers.len()), (State::Pending, 1));
        assert!(record.answers.contains_key("print p1 1"));
    }
}
