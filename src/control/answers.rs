//! Answers to what a job asks: a held one goes on when that was all; one that runs takes an answer up by itself.
//!
//! Owns: an answer is durable before its question is gone, and nobody answers a question that he cannot have seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::release::{go_on, has_let_go};
use crate::model::counted::counted;
use crate::spool::job::{self, JobFile, Question, RecordError, file, questions};
use crate::spool::queue::{Located, Spool, State};

/// The code of a question about a print that nobody knows the end of, and its answers.
pub const PRINT: &str = "print";
pub const PRINTED: &str = "printed";
pub const PRINT_AGAIN: &str = "print-again";
/// With a number behind it: so many sheets lie there, in the order in which they were sent.
pub const PRINTED_UP_TO: &str = "printed-up-to";

/// An answer, and which questions it is for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Given {
    pub answer: String,
    /// Only the question whose answer is kept under this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Of doubtful prints only this one, or those of this printer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printer: Option<String>,
    /// With [`PRINTED_UP_TO`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheets: Option<u32>,
}

impl Given {
    fn is_for(&self, question: &Question) -> bool {
        let takes = question.answers.contains(&self.answer);
        let is = |wanted: &Option<String>, own: &Option<String>| wanted.is_none() || wanted == own;
        let is_this = self.key.as_deref().is_none_or(|key| key == question.key());
        takes && is_this && is(&self.unit, &question.unit) && is(&self.printer, &question.printer)
    }

    /// What is kept of it for each question, in their order.
    fn for_each<'q>(&self, questions: &'q [Question]) -> Vec<(&'q str, String)> {
        let mut left = self.sheets.unwrap_or(0);
        let mut one = |question: &'q Question| {
            let answer = if self.answer == PRINTED_UP_TO {
                let printed = left.min(question.copies.unwrap_or(1));
                left -= printed;
                format!("{PRINTED_UP_TO} {printed}")
            } else {
                self.answer.clone()
            };
            (question.key(), answer)
        };
        questions.iter().map(&mut one).collect()
    }
}

/// Answers the questions that take this answer.
pub(super) fn settle(spool: &Spool, at: &Located, given: &Given, request: Option<&str>) -> Result<String, String> {
    if has_let_go(at, request)? {
        return Ok(format!("{}: answered", at.id));
    }
    let asked = asked(at);
    match at.state {
        State::Held => {}
        State::Processing if !asked.is_empty() => {}
        state => return Err(format!("it is {state}, and asks nothing")),
    }
    // While it goes on, it may have come to ask more than whoever answers has looked at.
    if at.state == State::Processing && given.unit.is_none() && given.key.is_none() {
        let units: Vec<&str> = asked.iter().filter_map(|question| question.unit.as_deref()).collect();
        return Err(format!(
            "it still prints: say which sheet is meant with `--unit`; it asks about {}",
            units.join(", ")
        ));
    }
    let (settled, open): (Vec<Question>, Vec<Question>) = asked.iter().cloned().partition(|q| given.is_for(q));
    if settled.is_empty() {
        return Err(told_otherwise(&asked, given));
    }
    if given.answer == PRINTED_UP_TO && given.sheets.is_none() {
        return Err("say how many sheets lie there".into());
    }
    let all: u32 = settled.iter().map(|question| question.copies.unwrap_or(1)).sum();
    if let Some(sheets) = given.sheets.filter(|sheets| *sheets > all) {
        return Err(format!("it asks about {}, not {sheets}", counted(all, "sheet")));
    }
    let answers = given.for_each(&settled).into_iter().map(|(key, answer)| (key.to_string(), answer)).collect();
    keep(at, answers).map_err(|e| e.to_string())?;
    if open.is_empty() && at.state == State::Held {
        return go_on(spool, at, &asked, request);
    }
    job::write(&at.folder, file::QUESTIONS, &open).map_err(|e| e.to_string())?;
    if open.is_empty() {
        return Ok(format!("{}: answered", at.id));
    }
    let left = open.iter().map(|question| question.text.as_str()).collect::<Vec<_>>().join("; ");
    Ok(format!("{}: answered; it still asks: {left}", at.id))
}

/// What can be answered now. A job that runs asks about prints alone, until it is held.
fn asked(at: &Located) -> Vec<Question> {
    let mut asked = questions(&at.folder);
    asked.retain(|question| at.state == State::Held || question.code == PRINT);
    asked
}

/// A held job's record can be changed; one that runs writes its own.
fn keep(at: &Located, more: BTreeMap<String, String>) -> Result<(), RecordError> {
    if at.state == State::Held {
        let mut record: JobFile = job::read(&at.folder, file::JOB)?;
        record.answers.extend(more);
        return job::write(&at.folder, file::JOB, &record);
    }
    let mut answers = job::answers(&at.folder)?;
    answers.extend(more);
    job::write(&at.folder, file::ANSWERS, &answers)
}

/// Why no question is answered by this.
fn told_otherwise(asked: &[Question], given: &Given) -> String {
    let takers: Vec<&Question> = asked.iter().filter(|q| q.answers.contains(&given.answer)).collect();
    if !takers.is_empty() {
        let list = |of: fn(&Question) -> Option<&String>| {
            let mut names: Vec<&str> = takers.iter().filter_map(|q| of(q)).map(String::as_str).collect();
            names.dedup();
            names.join(", ")
        };
        let (units, printers) = (list(|q| q.unit.as_ref()), list(|q| q.printer.as_ref()));
        return format!("no question of it is about that; there are prints {units}, at {printers}");
    }
    let mut known: Vec<&String> = asked.iter().flat_map(|question| &question.answers).collect();
    known.dedup();
    match known.as_slice() {
        [] => "its questions take `jobs release` or `jobs cancel`; see `jobs show`".to_string(),
        known => {
            let list = known.iter().map(|a| format!("--{a}")).collect::<Vec<_>>().join(", ");
            format!("no question of it takes this answer; there are {list}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::durable;
    use crate::spool::durable::trial::{self, Cut};
    use crate::spool::job::JobId;

    fn question(unit: &str, printer: &str, copies: u32) -> Question {
        Question {
            key: Some(format!("print {unit} 1")),
            answers: vec![PRINTED.into(), PRINT_AGAIN.into(), PRINTED_UP_TO.into()],
            unit: Some(unit.into()),
            printer: Some(printer.into()),
            copies: Some(copies),
            ..Question::new(PRINT, "?")
        }
    }

    #[test]
    fn sheets_are_counted_in_the_order_in_which_they_were_sent() {
        let asked = [question("p1", "a", 2), question("p2", "a", 3), question("p3", "a", 1)];
        let given = Given { answer: PRINTED_UP_TO.into(), sheets: Some(4), ..Given::default() };
        let answers = given.for_each(&asked);
        let answers: Vec<&str> = answers.iter().map(|(_, answer)| answer.as_str()).collect();
        assert_eq!(answers, ["printed-up-to 2", "printed-up-to 2", "printed-up-to 0"]);
    }

    /// A job that runs and asks about two prints.
    fn running(folder: &std::path::Path) -> (Spool, Located) {
        let spool = Spool::open(&folder.join("spool"), false).unwrap();
        let id = JobId::parse("20261120-150405-invoice-9-7f3a").unwrap();
        let at = Located { folder: spool.folder(State::Processing).join(id.as_str()), state: State::Processing, id };
        durable::make_folder(&at.folder).unwrap();
        job::write(&at.folder, file::QUESTIONS, &[question("p1", "a", 2), question("p2", "a", 1)]).unwrap();
        (spool, at)
    }

    #[test]
    fn a_power_failure_loses_no_question_of_a_job_that_runs_without_keeping_its_answer() {
        let given =
            Given { answer: PRINTED_UP_TO.into(), unit: Some("p1".into()), sheets: Some(1), ..Given::default() };
        let expected = BTreeMap::from([("print p1 1".to_string(), "printed-up-to 1".to_string())]);
        for at_point in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let (spool, at) = running(folder.path());
            trial::begin(Some(Cut::From(at_point)));
            let settled = settle(&spool, &at, &given, None);
            let points = trial::passed().len();
            trial::begin(None);
            let asks = || asked(&at).iter().filter_map(|q| q.unit.clone()).collect::<Vec<_>>();
            assert!(asks().contains(&"p1".to_string()) || job::answers(&at.folder).unwrap() == expected, "{at_point}");
            if settled.is_err() && asks().len() == 2 {
                // The request still stands, and is carried out once more.
                settle(&spool, &at, &given, None).unwrap();
            }
            assert_eq!((asks(), job::answers(&at.folder).unwrap()), (vec!["p2".to_string()], expected.clone()));
            if points <= at_point {
                assert!(at_point > 5, "only {at_point} points");
                break;
            }
        }
    }

    #[test]
    fn a_job_that_runs_is_answered_about_one_sheet_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, at) = running(folder.path());
        let printed = Given { answer: PRINTED.into(), ..Given::default() };
        for all in [printed.clone(), Given { printer: Some("a".into()), ..printed.clone() }] {
            let why = settle(&spool, &at, &all, None).unwrap_err();
            assert_eq!(why, "it still prints: say which sheet is meant with `--unit`; it asks about p1, p2");
        }
        let by_key = Given { key: Some("print p2 1".into()), ..printed.clone() };
        assert!(settle(&spool, &at, &by_key, None).unwrap().contains("it still asks"));
        assert!(settle(&spool, &at, &by_key, None).is_err(), "it is answered");
        settle(&spool, &at, &Given { unit: Some("p1".into()), ..printed }, None).unwrap();
        assert_eq!(settle(&spool, &at, &by_key, None).unwrap_err(), "it is processing, and asks nothing");
        // What a crash has left of a hold is asked when the job is held.
        job::write(&at.folder, file::QUESTIONS, &[Question::new("hold", "?")]).unwrap();
        assert_eq!(settle(&spool, &at, &by_key, None).unwrap_err(), "it is processing, and asks nothing");
    }

    #[test]
    fn a_job_that_is_held_by_hand_without_a_server_still_asks_about_its_sheets() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, at) = running(folder.path());
        crate::control::carry_out(&spool, &crate::control::Command::Hold { jobs: vec![at.id.clone()] }, None, &|_| {
            false
        });
        let held = spool.find(&at.id).unwrap().unwrap();
        let codes: Vec<String> = questions(&held.folder).into_iter().map(|question| question.code).collect();
        assert_eq!((held.state, codes), (State::Held, vec![job::BY_HAND.to_string(), PRINT.into(), PRINT.into()]));
        assert!(super::super::release::release(&spool, &held, None).is_err(), "a release says too little");
    }

    #[test]
    fn one_print_or_those_of_a_printer_are_answered() {
        let asked = [question("p1", "a", 1), question("p2", "b", 1), Question::new("command", "?")];
        let count = |given: Given| asked.iter().filter(|q| given.is_for(q)).count();
        let printed = Given { answer: PRINTED.into(), ..Given::default() };
        assert_eq!(count(printed.clone()), 2);
        assert_eq!(count(Given { unit: Some("p1".into()), ..printed.clone() }), 1);
        assert_eq!(count(Given { key: Some("print p2 1".into()), ..printed.clone() }), 1);
        assert_eq!(count(Given { printer: Some("b".into()), ..printed.clone() }), 1);
        assert_eq!(count(Given { unit: Some("p1".into()), printer: Some("b".into()), ..printed }), 0);
        let told =
            told_otherwise(&asked, &Given { answer: PRINTED.into(), unit: Some("p9".into()), ..Given::default() });
        assert_eq!(told, "no question of it is about that; there are prints p1, p2, at a, b");
    }
}
