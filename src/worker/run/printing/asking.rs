//! Doubtful sheets: what is asked, what was answered, and what becomes of sheets whose job ends before they do.

use std::collections::BTreeMap;
use std::time::Instant;

use super::{DRAIN_WITHIN, Unit, sheet};
use crate::clock;
use crate::control::{PRINT, PRINT_AGAIN, PRINTED, PRINTED_UP_TO};
use crate::plan::{Plan, PlannedPrint, StepId};
use crate::print::{Care, folder};
use crate::spool::job::{self, Question, file};
use crate::spool::journal::{Entry, PrintEvent, PrintRun};
use crate::worker::receipt::Notice;
use crate::worker::run::{Run, Stop};

impl Run<'_> {
    /// Sees to its end what a job that is to be held, or cancelled, has sent; nothing else leaves. A job that is held waits
    /// for as long as that takes: nobody would look after the sheet while it rests. What is in doubt then.
    pub(in crate::worker::run) fn wait_for_prints(&mut self, plan: &Plan, care: Care) -> Result<Vec<Question>, Stop> {
        let mut units = self.units(plan);
        units.retain(|unit| self.run_of(unit).is_open());
        let within = clock::wait(DRAIN_WITHIN, "HOTFOLDERS_DRAIN_MS");
        let until = (care == Care::Cancel).then(|| Instant::now() + within);
        let result = self.print_all(plan, &mut units, care, until);
        self.workshop.press.forget(&self.job.job);
        result?;
        Ok(self.questions(&units))
    }

    /// The job is cancelled: what has been sent is seen to its end, the rest is dropped.
    pub(in crate::worker::run) fn drain_prints(&mut self, plan: &Plan) -> Result<(), Stop> {
        self.wait_for_prints(plan, Care::Cancel)?;
        self.ask_no_more(plan)?;
        let open = |print: &&PlannedPrint| !self.progress().prints.get(&print.id).is_some_and(PrintRun::is_open);
        let prints = plan.deliveries.iter().flat_map(|step| &step.prints);
        let unsent = prints.filter(open).filter(|print| !self.run_is_over(&print.id));
        let dropped: Vec<Entry> =
            unsent.map(|print| Entry::Print { step: print.id.clone(), event: PrintEvent::Dropped }).collect();
        if !dropped.is_empty() && self.progress().prints.values().any(|run| run.attempts > 0) {
            self.append(dropped)?;
        }
        self.clean_folders(plan)
    }

    /// Copies that were written aside and did not get their names.
    fn clean_folders(&self, plan: &Plan) -> Result<(), Stop> {
        let config = self.workshop.config();
        for print in plan.deliveries.iter().flat_map(|step| &step.prints) {
            if self.progress().prints.get(&print.id).is_none_or(|run| run.attempts == 0) {
                continue;
            }
            for target in config.printers.iter().filter_map(|printer| Some(sheet::slot(print, printer)?.target())) {
                folder::clean(&target, self.job.job.as_str())
                    .map_err(|e| Stop::Unreachable { place: target.clone(), text: e.to_string() })?;
            }
        }
        Ok(())
    }

    /// What a person has said of the job's questions, before this run of it or since.
    fn answers(&self) -> Result<BTreeMap<String, String>, Stop> {
        let mut answers = self.job.answers.clone();
        answers.extend(job::answers(self.folder())?);
        Ok(answers)
    }

    /// Whether a person has answered one of these by now.
    pub(in crate::worker::run) fn is_answered(&self, questions: &[Question]) -> Result<bool, Stop> {
        let answers = self.answers()?;
        Ok(questions.iter().any(|question| question.code == PRINT && answers.contains_key(question.key())))
    }

    /// Says what it asks where a person can answer while the other sheets go on. `asked` is what it has said so far.
    pub(super) fn ask(&self, units: &[Unit<'_>], asked: &mut Option<Vec<Question>>) -> Result<(), Stop> {
        let mut questions = self.questions(units);
        if asked.as_ref() == Some(&questions) {
            return Ok(());
        }
        *asked = Some(questions.clone());
        // What is answered just now is not asked once more.
        let _changes = job::moving();
        let answers = self.answers()?;
        questions.retain(|question| !answers.contains_key(question.key()));
        if questions.is_empty() {
            return self.remove_marks(&[file::QUESTIONS]);
        }
        Ok(job::write(self.folder(), file::QUESTIONS, &questions)?)
    }

    /// Nothing can be answered any more; what has been is taken up.
    fn ask_no_more(&mut self, plan: &Plan) -> Result<(), Stop> {
        let changes = job::moving();
        self.remove_marks(&[file::QUESTIONS])?;
        drop(changes);
        self.settle_prints(plan)
    }

    /// Takes up what a person has said of doubtful sheets.
    pub(super) fn settle_prints(&mut self, plan: &Plan) -> Result<(), Stop> {
        if self.progress().prints.values().all(|run| run.doubt.is_none()) {
            return Ok(());
        }
        let answers = self.answers()?;
        for print in plan.deliveries.iter().flat_map(|step| &step.prints) {
            let Some(run) = self.progress().prints.get(&print.id) else { continue };
            let (Some((_, intent)), true) = (&run.intent, run.doubt.is_some()) else { continue };
            let Some(answer) = answers.get(&key(&print.id, intent.attempt)) else { continue };
            let printed = match answer.split_once(' ') {
                Some((_, number)) => number.parse().unwrap_or(0),
                None if answer == PRINTED => intent.copies,
                None => 0,
            };
            self.append(vec![Entry::Print { step: print.id.clone(), event: PrintEvent::Answered { printed } }])?;
        }
        Ok(())
    }

    pub(super) fn questions(&self, units: &[Unit<'_>]) -> Vec<Question> {
        let asks = units.iter().filter_map(|unit| {
            let run = self.progress().prints.get(&unit.print.id)?;
            let ((_, intent), doubt) = (run.intent.as_ref()?, run.doubt.as_ref()?);
            let copies = if intent.copies == 1 { "1 copy".to_string() } else { format!("{} copies", intent.copies) };
            let text = format!(
                "print {} ({copies} of {}) at {}: {doubt}. Look what came out, then say `--printed`, `--print-again` or \
                 `--printed-up-to N`",
                unit.print.id, unit.sheet.title, intent.printer
            );
            Some(Question {
                key: Some(key(&unit.print.id, intent.attempt)),
                answers: vec![PRINTED.into(), PRINT_AGAIN.into(), PRINTED_UP_TO.into()],
                needs_answer: true,
                unit: Some(unit.print.id.to_string()),
                printer: Some(intent.printer.clone()),
                copies: Some(intent.copies),
                ..Question::new(PRINT, text)
            })
        });
        asks.collect()
    }

    /// What became of the sheets of a job that ended before its end.
    pub(in crate::worker::run) fn tell_prints(&mut self, plan: &Plan) {
        let mut told = Vec::new();
        for print in plan.deliveries.iter().flat_map(|step| &step.prints) {
            let Some(run) = self.progress().prints.get(&print.id) else { continue };
            let Some((_, intent)) = &run.intent else {
                if let Some(printer) = run.printer.as_ref().filter(|_| run.printed > 0) {
                    let text = format!(
                        "print {} is with {printer} in {} of {} copies; the others were not sent",
                        print.id, run.printed, print.copies
                    );
                    told.push(Notice { step: Some(print.id.to_string()), ..Notice::new("print", text) });
                }
                continue;
            };
            let number = run.job.as_ref().map(|job| format!(" (its job {})", job.id)).unwrap_or_default();
            let state = run.state();
            let text = format!("print {} is with {}{number}: {state}", print.id, intent.printer);
            told.push(Notice { step: Some(print.id.to_string()), ..Notice::new("print", text) });
        }
        self.warnings.extend(told);
    }
}

fn key(print: &StepId, attempt: u32) -> String {
    format!("{PRINT} {print} {attempt}")
}
