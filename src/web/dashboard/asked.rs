//! What a job asks, and the forms that answer it.
//!
//! Owns: a button says what becomes of the job, answers the question that it stands under and no other, or all those of a
//! printer where it says so; the same question of several jobs is one card, whose buttons say for how many jobs they are.

use std::collections::BTreeMap;

use super::words::{self, Folded};
use crate::control::{PRINT, PRINTED_UP_TO};
use crate::spool::job::{self, BY_HAND, DROP, LOOK, MAIL, Question, REPEAT, TRY_AGAIN, UNMATCHED};
use crate::spool::queue::{Located, State};

/// A question with its buttons.
pub(super) struct Asked {
    pub(super) text: Folded,
    pub(super) key: String,
    pub(super) answers: Vec<Button>,
    /// Of a print of several copies: it may have stopped after some of them.
    pub(super) copies: Option<u32>,
}

/// An answer as it stands on a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Button {
    pub(super) word: String,
    pub(super) label: String,
    /// That of its look.
    pub(super) class: &'static str,
}

/// Doubtful prints of one printer, which one answer may be for: whoever stands before it sees how many lie there.
pub(super) struct AtPrinter {
    pub(super) printer: String,
    pub(super) prints: usize,
    pub(super) sheets: u32,
    pub(super) answers: Vec<Button>,
}

fn buttons(question: &Question) -> Vec<Button> {
    // It needs a number, so it has a field of its own.
    let words = question.answers.iter().filter(|word| *word != PRINTED_UP_TO);
    let button = |word: &String| {
        let (label, class) = match (question.code.as_str(), word.as_str()) {
            (UNMATCHED, TRY_AGAIN) => ("Try the config again".into(), "primary"),
            (UNMATCHED, DROP) => ("Drop it: no rule wants it".into(), "danger"),
            (REPEAT, "changed") => ("Make what changed".into(), "primary"),
            (REPEAT, "all") => ("Make all of it again".into(), ""),
            ("command", "done") => ("It has done its work".into(), ""),
            ("command", "again") => ("Run it again".into(), ""),
            (MAIL, "done") => ("It has arrived".into(), ""),
            (MAIL, "again") => ("Send it again".into(), ""),
            _ => (words::label(word), ""),
        };
        Button { word: word.clone(), label, class }
    };
    words.map(button).collect()
}

/// What the button says that answers all of it at once. `None` where a question has answers of its own: what a release
/// would mean by them, nobody could read from a button.
pub(super) fn release(questions: &[Question]) -> Option<&'static str> {
    if questions.iter().any(|question| question.needs_answer || !question.answers.is_empty()) {
        return None;
    }
    let all = |code: &str| !questions.is_empty() && questions.iter().all(|question| question.code == code);
    Some(if all(BY_HAND) {
        "Let it go on"
    } else if all(LOOK) {
        "Deliver it"
    } else {
        "Go on as it is"
    })
}

/// Whether jobs that ask this can be answered together: nothing in it is about one job's own sheets or commands.
pub(super) fn is_common(questions: &[Question]) -> bool {
    questions.iter().all(|question| !question.needs_answer && question.unit.is_none())
}

fn takes_a_number(question: &Question) -> bool {
    question.answers.iter().any(|word| word == PRINTED_UP_TO)
}

/// What a job asks where it is: all when it is held; while it runs, about prints.
pub(super) fn questions(at: &Located) -> Vec<Question> {
    let mut questions: Vec<Question> = match at.state {
        State::Held | State::Processing => job::questions(&at.folder),
        _ => Vec::new(),
    };
    questions.retain(|question| at.state == State::Held || question.code == PRINT);
    questions
}

/// The text, with what it only sums up folded away behind it.
fn shown(question: &Question) -> Folded {
    let Folded { short, rest } = words::folded(&question.text);
    let lines: Vec<String> = rest.into_iter().chain(question.details.iter().cloned()).collect();
    Folded { short, rest: (!lines.is_empty()).then(|| lines.join("\n")) }
}

/// The questions of a job, in their order.
pub(super) fn asked(questions: &[Question]) -> Vec<Asked> {
    let one = |question: &Question| Asked {
        text: shown(question),
        key: question.key().to_string(),
        answers: buttons(question),
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
            answers: buttons(questions[0]),
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
    fn no_button_that_says_go_on_ends_an_order_or_chooses_an_answer() {
        let ask = |code: &str| vec![Question::new(code, "?")];
        assert_eq!(release(&ask("low_ppi")), Some("Go on as it is"));
        assert_eq!(release(&ask(LOOK)), Some("Deliver it"));
        assert_eq!(release(&[Question::by_hand()]), Some("Let it go on"));
        let unmatched = [Question::unmatched("no render job takes it")];
        assert_eq!(release(&unmatched), None);
        let shown = &asked(&unmatched)[0];
        let labels: Vec<_> = shown.answers.iter().map(|button| (button.word.as_str(), button.label.as_str())).collect();
        assert_eq!(labels, [("try-again", "Try the config again"), ("drop", "Drop it: no rule wants it")]);
        let repeat = Question { answers: vec!["changed".into(), "all".into()], ..Question::new(REPEAT, "?") };
        assert_eq!(release(&[repeat]), None);
        assert_eq!(release(&[print("p1", "lustre", 3)]), None);
    }

    #[test]
    fn a_printer_with_several_prints_is_answered_for_at_once() {
        let printers = at_printers(&[print("p1", "lustre", 3), print("p2", "lustre", 1), print("p3", "dnp", 1)]);
        let seen: Vec<_> = printers.iter().map(|p| (p.printer.as_str(), p.prints, p.sheets)).collect();
        assert_eq!(seen, [("lustre", 2, 4)]);
    }

    #[test]
    fn what_a_question_sums_up_is_folded_away_behind_it() {
        let details = vec!["`print`: its status is `paid`".to_string(), "`web`: its kind is `session`".into()];
        let question = Question { details: details.clone(), ..Question::unmatched("no render job takes it") };
        let text = asked(&[question]).remove(0).text;
        assert!(text.short.starts_with("no render job takes it"), "{}", text.short);
        assert_eq!(text.rest, Some(details.join("\n")));
        assert!(asked(&[Question::new("hold", "look at it")])[0].text.rest.is_none());
    }
}
