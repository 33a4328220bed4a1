//! What a job asks, and the forms that answer it.
//!
//! Owns: a button answers the question that it stands under and no other, or all those of a printer where it says so.

use std::collections::BTreeMap;

use super::words;
use crate::control::{PRINT, PRINTED_UP_TO};
use crate::spool::job::{self, Question, file};
use crate::spool::queue::{Located, State};

/// A question with its buttons.
pub(super) struct Asked {
    pub(super) text: String,
    pub(super) key: String,
    /// The word, and how it stands on a button.
    pub(super) answers: Vec<(String, String)>,
    /// Of a print of several copies: it may have stopped after some of them.
    pub(super) copies: Option<u32>,
}

/// Doubtful prints of one printer, which one answer may be for: whoever stands before it sees how many lie there.
pub(super) struct AtPrinter {
    pub(super) printer: String,
    pub(super) prints: usize,
    pub(super) sheets: u32,
    pub(super) answers: Vec<(String, String)>,
}

fn buttons(words: &[String]) -> Vec<(String, String)> {
    // It needs a number, so it has a field of its own.
    let buttons = words.iter().filter(|word| *word != PRINTED_UP_TO);
    buttons.map(|word| (word.clone(), words::label(word))).collect()
}

fn takes_a_number(question: &Question) -> bool {
    question.answers.iter().any(|word| word == PRINTED_UP_TO)
}

/// What a job asks where it is: all when it is held; while it runs, about prints.
pub(super) fn questions(at: &Located) -> Vec<Question> {
    let mut questions: Vec<Question> = match at.state {
        State::Held | State::Processing => job::read(&at.folder, file::QUESTIONS).unwrap_or_default(),
        _ => Vec::new(),
    };
    questions.retain(|question| at.state == State::Held || question.code == PRINT);
    questions
}

/// The questions of a job, in their order.
pub(super) fn asked(questions: &[Question]) -> Vec<Asked> {
    let one = |question: &Question| Asked {
        text: question.text.clone(),
        key: question.key().to_string(),
        answers: buttons(&question.answers),
        copies: question.copies.filter(|copies| *copies > 1 && takes_a_number(question)),
    };
    questions.iter().map(one).collect()
}

/// Printers that several of the questions are about.
pub(super) fn at_printers(questions: &[Question]) -> Vec<AtPrinter> {
    let mut printers: BTreeMap<&str, Vec<&Question>> = BTreeMap::new();
    for question in questions.iter().filter(|question| takes_a_number(question)) {
        if let Some(printer) = &question.printer {
            printers.entry(printer).or_default().push(question);
        }
    }
    let several = printers.into_iter().filter(|(_, questions)| questions.len() > 1);
    several
        .map(|(printer, questions)| AtPrinter {
            printer: printer.to_string(),
            prints: questions.len(),
            sheets: questions.iter().map(|question| question.copies.unwrap_or(1)).sum(),
            answers: buttons(&questions[0].answers),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(unit: &str, printer: &str, copies: u32) -> Question {
        Question {
            key: Some(format!("print {unit} 1")),
            answers: vec!["printed".into(), "print-again".into(), PRINTED_UP_TO.into()],
            unit: Some(unit.into()),
            printer: Some(printer.into()),
            copies: Some(copies),
            ..Question::new("print", "?")
        }
    }

    #[test]
    fn each_question_has_its_own_key_and_a_number_only_where_there_is_one_to_tell() {
        let asked = asked(&[print("p1", "lustre", 3), print("p2", "lustre", 1), Question::new("low_ppi", "small")]);
        let seen: Vec<_> = asked.iter().map(|a| (a.key.as_str(), a.answers.len(), a.copies)).collect();
        assert_eq!(seen, [("print p1 1", 2, Some(3)), ("print p2 1", 2, None), ("low_ppi", 0, None)]);
    }

    #[test]
    fn a_printer_with_several_prints_is_answered_for_at_once() {
        let printers = at_printers(&[print("p1", "lustre", 3), print("p2", "lustre", 1), print("p3", "dnp", 1)]);
        let seen: Vec<_> = printers.iter().map(|p| (p.printer.as_str(), p.prints, p.sheets)).collect();
        assert_eq!(seen, [("lustre", 2, 4)]);
    }
}
