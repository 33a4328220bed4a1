//! Jobs that wait for a person: held ones by what they ask, failed ones by why.
//!
//! Owns: jobs that say the same are one card, so that a mistake in the config fills no screen.

use std::sync::Arc;

use crate::spool::job::{JobId, Question, Reason};
use crate::web::dashboard::asked::{self, Asked, AtPrinter};
use crate::web::dashboard::jobs::Face;
use crate::web::dashboard::words::{self, Folded};

/// Cards that are open; the others are folded away.
const OPEN: usize = 3;

/// A section of cards.
pub(crate) struct Cards<C> {
    pub(crate) open: Vec<C>,
    pub(crate) folded: Vec<C>,
    /// Jobs in all, also those that are not shown.
    pub(crate) jobs: usize,
    pub(crate) not_shown: usize,
}

/// Jobs that ask the same.
pub(crate) struct Held {
    pub(crate) jobs: Vec<Arc<Face>>,
    pub(crate) questions: Vec<Asked>,
    pub(crate) printers: Vec<AtPrinter>,
    /// What the button says that answers all of it.
    pub(crate) release: Option<&'static str>,
}

/// Jobs that failed for the same reason.
pub(crate) struct Failed {
    pub(crate) jobs: Vec<Arc<Face>>,
    pub(crate) reasons: Vec<Folded>,
    pub(crate) attempts: u32,
}

impl Held {
    pub(crate) fn id(&self) -> &JobId {
        &self.jobs[0].id
    }

    pub(crate) fn also(&self) -> String {
        also(&self.jobs)
    }
}

impl Failed {
    pub(crate) fn id(&self) -> &JobId {
        &self.jobs[0].id
    }

    pub(crate) fn also(&self) -> String {
        also(&self.jobs)
    }
}

/// The jobs that a button is for besides the first.
fn also(jobs: &[Arc<Face>]) -> String {
    jobs.iter().skip(1).map(|face| face.id.as_str()).collect::<Vec<_>>().join(",")
}

impl<C> Cards<C> {
    fn new(mut open: Vec<C>, jobs: usize, not_shown: usize) -> Cards<C> {
        let folded = open.split_off(open.len().min(OPEN));
        Cards { open, folded, jobs: jobs + not_shown, not_shown }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

/// Equal ones together, in the order in which the first of each came. No group is empty.
fn grouped<T>(all: Vec<(Arc<Face>, T)>, is_same: impl Fn(&T, &T) -> bool) -> Vec<(Vec<Arc<Face>>, T)> {
    let mut groups: Vec<(Vec<Arc<Face>>, T)> = Vec::new();
    for (face, what) in all {
        match groups.iter_mut().find(|(_, known)| is_same(known, &what)) {
            Some((faces, _)) => faces.push(face),
            None => groups.push((vec![face], what)),
        }
    }
    groups
}

pub(crate) fn held(jobs: Vec<(Arc<Face>, Vec<Question>)>, not_shown: usize) -> Cards<Held> {
    let count = jobs.len();
    let is_same = |a: &Vec<Question>, b: &Vec<Question>| a == b && asked::is_common(a);
    let card = |(jobs, questions): (Vec<Arc<Face>>, Vec<Question>)| Held {
        jobs,
        release: asked::release(&questions),
        questions: asked::asked(&questions),
        printers: asked::at_printers(&questions),
    };
    Cards::new(grouped(jobs, is_same).into_iter().map(card).collect(), count, not_shown)
}

pub(crate) fn failed(jobs: Vec<(Arc<Face>, Option<Reason>)>, not_shown: usize) -> Cards<Failed> {
    let count = jobs.len();
    let said = |reason: Option<Reason>| {
        let attempts = reason.as_ref().map_or(1, |reason| reason.attempts);
        let unread = || vec!["It has no reason that can be read.".to_string()];
        (reason.map_or_else(unread, |reason| words::reasons(&reason)), attempts)
    };
    let jobs = jobs.into_iter().map(|(face, reason)| (face, said(reason))).collect();
    let card = |(jobs, (reasons, attempts)): (Vec<Arc<Face>>, (Vec<String>, u32))| Failed {
        jobs,
        reasons: reasons.iter().map(|text| words::folded(text)).collect(),
        attempts,
    };
    Cards::new(grouped(jobs, |a, b| a == b).into_iter().map(card).collect(), count, not_shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::job::DROP;

    fn face(number: usize) -> Arc<Face> {
        Arc::new(Face {
            id: JobId::parse(&format!("20261120-150405-invoice-{number}-0000")).unwrap(),
            kind: None,
            record: number.to_string(),
            client: None,
            hot_folder: "status".into(),
            accepted: jiff::Timestamp::UNIX_EPOCH,
            lines: 1,
        })
    }

    #[test]
    fn equal_questions_are_one_card_and_others_are_folded_away() {
        let mut jobs: Vec<_> = (0..7).map(|n| (face(n), vec![Question::unmatched("no render job takes it")])).collect();
        jobs.extend((7..12).map(|n| (face(n), vec![Question::new("low_ppi", format!("picture {n} is small"))])));
        let cards = held(jobs, 4);
        assert_eq!((cards.open.len(), cards.folded.len(), cards.jobs), (3, 3, 16));
        let first = &cards.open[0];
        assert_eq!((first.jobs.len(), first.also().split(',').count()), (7, 6));
        assert!(first.release.is_none() && first.questions[0].answers.iter().any(|button| button.word == DROP));
    }

    #[test]
    fn what_is_asked_about_sheets_is_answered_for_one_job_alone() {
        let asks = || vec![Question { unit: Some("p1".into()), needs_answer: true, ..Question::new("print", "p1?") }];
        let cards = held(vec![(face(1), asks()), (face(2), asks())], 0);
        assert_eq!(cards.open.iter().map(|card| card.jobs.len()).collect::<Vec<_>>(), [1, 1]);
    }
}
