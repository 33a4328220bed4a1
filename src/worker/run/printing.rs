//! The sheets of a job on their way to paper, until each has come to its end or to a question.
//!
//! Owns: sheets leave in the plan's order; a doubtful one is parked and the others go on; a job that only waits for its
//! printers keeps no place from one that computes. What is decided about a sheet is in the journal before it happens.

mod asking;
mod refused;
mod sheet;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::refused::{Refused, keep_of};
use self::sheet::sheet_for;
use super::planning::outdated;
use super::{Report, Run, Stop};
use crate::clock;
use crate::matcher;
use crate::model::config::{Allocate, Config, Printer, PrinterTarget, Stock};
use crate::model::delivery::Delivery;
use crate::plan::printing::Printing;
use crate::plan::{Content, DeliveryStep, Plan, PlannedPrint, StepId};
use crate::print::ipp::Paper;
use crate::print::keep::{self, Keep, Matter, Waits};
use crate::print::network::{Missed, Sending};
use crate::print::press::{Claim, Rank, Refusal};
use crate::print::{Care, Sheet, Went};
use crate::spool::job::{Question, file};
use crate::spool::journal::{Entry, PrintRun};
use crate::worker::printers::Gates;

/// How often a sheet that is on its way is asked for; more seldom when it has been for a while.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOK_SLOWLY: Duration = Duration::from_secs(3);
const FOR_A_WHILE: Duration = Duration::from_secs(30);
/// The longest rest between two looks at everything.
const REST: Duration = Duration::from_millis(400);
/// How long a job that is cancelled waits for the sheets that have been sent.
const DRAIN_WITHIN: Duration = Duration::from_secs(30);

/// One sheet, and what is remembered of it while the job runs.
struct Unit<'p> {
    print: &'p PlannedPrint,
    sheet: Sheet,
    sending: Option<Sending>,
    missed: Missed,
    began: Instant,
    next: Instant,
    waits: Waits,
    /// How often a printer had it in hand in vain.
    in_vain: u32,
    /// Printers that would not have it, until they have it.
    refused: BTreeMap<String, Refused>,
}

/// What came of a round.
#[derive(Default)]
struct Round {
    in_flight: usize,
    waits: Vec<Waits>,
    asks: usize,
}

impl Run<'_> {
    /// Prints what is open. The questions of what is parked, once nothing else can go on.
    pub(super) fn print(&mut self, plan: &Plan) -> Result<Vec<Question>, Stop> {
        let mut units = self.units(plan);
        let result = self.print_all(plan, &mut units, Care::Send, None);
        let job = self.job.job.clone();
        self.workshop.press.forget(&job);
        let questions = result?;
        if questions.is_empty() {
            let prints = plan.deliveries.iter().filter(|step| is_print(step) && step.blocked.is_none());
            let over = prints.filter(|step| !self.progress().delivered.contains(&step.id));
            let over: Vec<Entry> = over.map(|step| Entry::Delivered { step: step.id.clone() }).collect();
            if !over.is_empty() {
                self.append(over)?;
            }
        }
        Ok(questions)
    }

    fn run_is_over(&self, id: &StepId) -> bool {
        self.progress().prints.get(id).is_some_and(PrintRun::is_over)
    }

    fn units<'p>(&self, plan: &'p Plan) -> Vec<Unit<'p>> {
        let mut units = Vec::new();
        for delivery in plan.deliveries.iter().filter(|step| is_print(step) && step.blocked.is_none()) {
            let Delivery::Print { borderless, quality, color_mode, .. } = &delivery.delivery else { continue };
            for print in &delivery.prints {
                let content = Content::Step(print.sheet.clone());
                let member = delivery.members.iter().find(|member| member.content == content);
                let (Some(member), Some(made)) = (member, self.progress().rendered.get(&print.sheet)) else { continue };
                if self.run_is_over(&print.id) {
                    continue;
                }
                let now = Instant::now();
                let sheet = Sheet {
                    job: self.job.job.to_string(),
                    step: print.id.to_string(),
                    title: crate::plan::values::stem(member.path.file_name()).to_string(),
                    file: made.file.below(&self.folder().join(file::OUTPUTS)),
                    bytes: made.bytes,
                    sha256: made.sha256.clone(),
                    copies: print.copies,
                    paper: print.demand.paper,
                    stock: Stock::default(),
                    paper_name: print.ask.paper.clone(),
                    borderless: *borderless,
                    quality: *quality,
                    color_mode: color_mode.clone(),
                };
                units.push(Unit {
                    print,
                    sheet,
                    sending: None,
                    missed: Missed::default(),
                    began: now,
                    next: now,
                    waits: Waits::default(),
                    in_vain: 0,
                    refused: BTreeMap::new(),
                });
            }
        }
        units
    }

    fn run_of(&self, unit: &Unit<'_>) -> PrintRun {
        self.progress().prints.get(&unit.print.id).cloned().unwrap_or_default()
    }

    /// With other care than to send, only for what is on its way, and not longer than `until`, where that is given.
    fn print_all(
        &mut self,
        plan: &Plan,
        units: &mut [Unit<'_>],
        care: Care,
        until: Option<Instant>,
    ) -> Result<Vec<Question>, Stop> {
        self.settle_prints(plan)?;
        for unit in units.iter() {
            let run = self.run_of(unit);
            // A doubtful one keeps its printer from nobody: it may lie there for long.
            if let (Some((_, intent)), None) = (run.intent, run.doubt) {
                self.workshop.press.occupy(&intent.printer, &self.job.job, &unit.print.id);
            }
        }
        let mut asked = None;
        let mut config = self.workshop.config();
        let mut printing = matcher::printing(&config);
        loop {
            let now = self.workshop.config();
            if !Arc::ptr_eq(&now, &config) {
                config = now;
                printing = matcher::printing(&config);
            }
            let may_send = care == Care::Send;
            if may_send && !outdated(plan, self.progress(), &printing).is_empty() && !is_sending(units) {
                return Err(Stop::Again);
            }
            self.settle_prints(plan)?;
            self.take_mails()?;
            let round = self.round(plan, units, &config, &printing, care)?;
            self.ask(units, &mut asked)?;
            self.tell_printing(plan, &round);
            let is_over = units.iter().all(|unit| self.run_is_over(&unit.print.id));
            if is_over || (round.in_flight == 0 && (round.waits.is_empty() || !may_send)) {
                return Ok(self.questions(units));
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(Vec::new());
            }
            if care == Care::Hold {
                self.check_signals_of_hold()?;
            }
            // What is being sent is brought to its end; the journal knows the rest.
            if may_send && !is_sending(units) {
                self.check_signals()?;
            }
            self.workshop.press.rest(REST);
        }
    }

    fn is_told_to_stop(&self) -> bool {
        self.check_signals().is_err()
    }

    /// Goes on with each sheet as far as it can go now.
    fn round(
        &mut self,
        plan: &Plan,
        units: &mut [Unit<'_>],
        config: &Config,
        printing: &Printing,
        care: Care,
    ) -> Result<Round, Stop> {
        let gates = Gates::now(&self.workshop.spool, config);
        let care = if care == Care::Send && self.is_told_to_stop() { Care::Leave } else { care };
        let may_send = care == Care::Send;
        let mut round = Round::default();
        // Of these a sheet waits, and those behind it in the plan with it.
        let mut closed: BTreeSet<String> = BTreeSet::new();
        for index in 0..units.len() {
            let run = self.run_of(&units[index]);
            if run.is_over() {
                continue;
            }
            if run.doubt.is_some() {
                round.asks += 1;
                continue;
            }
            if run.is_open() {
                if let Some(went) = self.go_on(&mut units[index], &run, care, config)? {
                    let printer = run.intent.as_ref().map_or("", |(_, intent)| intent.printer.as_str());
                    self.took(&mut units[index], printer, went);
                }
            } else if may_send && !closed.contains(&units[index].print.ask.printer) {
                self.try_to_send(plan, units, index, config, printing, &gates)?;
            }
            let run = self.run_of(&units[index]);
            if run.doubt.is_some() {
                round.asks += 1;
            } else if run.is_open() {
                // In a folder nothing goes on by itself.
                round.in_flight += usize::from(may_send || !is_at_folder(&run, config));
                // Until its document is whole at the printer, one behind it could come out first.
                if run.sent.is_none() {
                    closed.insert(units[index].print.ask.printer.clone());
                }
                let printer = run.intent.as_ref().map_or("", |(_, intent)| intent.printer.as_str());
                self.look_at_printer(&mut units[index].waits, printer);
                if !units[index].waits.keeps().is_empty() {
                    round.waits.push(units[index].waits.clone());
                }
            } else if !run.is_over() && closed.insert(units[index].print.ask.printer.clone()) {
                if units[index].waits.keeps().is_empty() {
                    let target = units[index].print.ask.printer.clone();
                    units[index].waits.found(vec![keep_of(&target, Matter::Turn, "waits for its turn".into())]);
                }
                round.waits.push(units[index].waits.clone());
            }
            let target = &units[index].print.ask.printer;
            if printing.pool(target).is_some_and(|pool| pool.split) {
                closed.remove(target);
            }
        }
        Ok(round)
    }

    /// For a sheet that is at its printer, what the printer's own state says goes first.
    fn look_at_printer(&self, waits: &mut Waits, printer: &str) {
        let trouble = self.workshop.press.trouble(printer);
        let is_of_sheet = |keep: &&Keep| matches!(keep.matter, Matter::Sheet | Matter::Turn);
        let keeps = match trouble {
            Some(why) => vec![keep_of(printer, Matter::Printer, why)],
            None => waits.keeps().iter().filter(is_of_sheet).cloned().collect(),
        };
        waits.found(keeps);
    }

    /// Takes note of what came of a step.
    fn took(&self, unit: &mut Unit<'_>, printer: &str, went: Went) {
        let rest = if unit.began.elapsed() < FOR_A_WHILE { LOOK_EVERY } else { LOOK_SLOWLY };
        match went {
            Went::On(why) => {
                if unit.next <= Instant::now() {
                    unit.next = Instant::now() + rest;
                }
                if self.run_of(unit).sent.is_some() {
                    unit.refused.remove(printer);
                }
                let keep = why.map(|why| keep_of(printer, Matter::Sheet, why));
                unit.keep_at(printer, keep);
            }
            Went::Sending(sending) => {
                unit.sending = Some(sending);
                unit.keep_at(printer, None);
            }
            Went::Full(why) => {
                unit.refuse(printer, why, Matter::Turn, false);
                if !self.run_of(unit).is_open() {
                    self.workshop.press.vacate(&self.job.job, &unit.print.id);
                }
            }
            Went::Not(why) => {
                let in_vain = self.run_of(unit).in_vain;
                let is_more = std::mem::replace(&mut unit.in_vain, in_vain) < in_vain;
                unit.refuse(printer, why, Matter::Sheet, is_more);
                unit.missed = Missed::default();
                self.workshop.press.vacate(&self.job.job, &unit.print.id);
            }
            Went::Over => self.workshop.press.vacate(&self.job.job, &unit.print.id),
        }
    }

    /// Finds a printer for a sheet and sends it; or takes down what it waits for.
    fn try_to_send(
        &mut self,
        plan: &Plan,
        units: &mut [Unit<'_>],
        index: usize,
        config: &Config,
        printing: &Printing,
        gates: &Gates,
    ) -> Result<(), Stop> {
        let unit = &units[index];
        let ask = &unit.print.ask;
        let takers = match printing.takers(ask) {
            Ok(takers) => takers,
            // It could when it was planned: the config waits for its mend.
            Err(refusal) => {
                let keep = keep_of(&ask.printer, Matter::Sheet, refusal.why);
                units[index].waits.found(vec![keep]);
                return Ok(());
            }
        };
        let pool = printing.pool(&ask.printer);
        if pool.is_some_and(|pool| pool.inactive) {
            let keep = keep_of(&ask.printer, Matter::Wanted, "the pool is inactive".into());
            units[index].waits.found(vec![keep]);
            return Ok(());
        }
        let paper = |printer: &Printer| {
            let sheet = sheet_for(&unit.sheet, unit.print, printer);
            Paper::new(sheet.paper, sheet.borderless, &sheet.stock, sheet.paper_name.as_deref())
        };
        let mut printers: Vec<&Printer> = takers.into_iter().map(|(printer, _)| printer).collect();
        if !pool.is_some_and(|pool| pool.split)
            && let Some(last) = self.last_printer(plan, &ask.printer)
            && let Some(printer) = printers.iter().find(|printer| printer.name == last)
            && gates.keep(printer).is_none()
            && !self.workshop.press.is_blocked(&last, &paper(printer))
            && !unit.refused.contains_key(&last)
        {
            printers.retain(|printer| printer.name == last);
        }
        let refusal = |printer: &Printer| {
            let refused = unit.refused.get(&printer.name)?;
            let is_due = refused.until <= Instant::now();
            Some(Refusal { keep: refused.keep.clone(), is_due, in_vain: refused.in_vain })
        };
        let claim = Claim {
            job: &self.job.job,
            unit: &unit.print.id,
            rank: Rank { priority: std::cmp::Reverse(self.job.priority), came: (self.job.accepted, self.job.sequence) },
            printers: &printers,
            allocate: pool.map_or(Allocate::LeastBusy, |pool| pool.allocate),
            paper: &paper,
            gate: &|printer| gates.keep(printer).map(|(_, why)| why),
            refusal: &refusal,
            now: clock::now(),
        };
        let printer = match self.workshop.press.claim(&claim) {
            Ok(name) => name,
            Err(keeps) => {
                let unit = &mut units[index];
                // What it said while it was like that was about itself.
                for keep in keeps.iter().filter(|keep| keep.matter == Matter::Printer) {
                    unit.refused.remove(&keep.printer);
                }
                unit.waits.found(keeps);
                return Ok(());
            }
        };
        let Some(printer) = config.printer(&printer) else { return Ok(()) };
        let unit = &mut units[index];
        let run = self.run_of(unit);
        unit.in_vain = run.in_vain;
        unit.missed = Missed::default();
        unit.began = Instant::now();
        unit.next = unit.began + LOOK_EVERY;
        let went = self.begin(unit, &run, printer, config)?;
        self.took(unit, &printer.name, went);
        Ok(())
    }

    /// The printer that the job's sheets for this target went to last, those that have come to their end among them.
    fn last_printer(&self, plan: &Plan, target: &str) -> Option<String> {
        let prints = plan.deliveries.iter().flat_map(|step| &step.prints);
        let of_target = prints.filter(|print| print.ask.printer == target);
        let mut printers = of_target.filter_map(|print| self.progress().prints.get(&print.id)?.printer.clone());
        printers.next_back()
    }

    fn tell_printing(&self, plan: &Plan, round: &Round) {
        self.workshop.press.waits(&self.job.job, round.waits.clone());
        (self.report)(Report {
            printing: true,
            waits: keep::why(&round.waits),
            waits_since: keep::since(&round.waits),
            asks: round.asks,
            ..self.counts(plan)
        });
    }
}

fn is_at_folder(run: &PrintRun, config: &Config) -> bool {
    let printer = run.intent.as_ref().and_then(|(_, intent)| config.printer(&intent.printer));
    printer.is_some_and(|printer| matches!(printer.target, PrinterTarget::Folder { .. }))
}

fn is_sending(units: &[Unit<'_>]) -> bool {
    units.iter().any(|unit| unit.sending.is_some())
}

pub(super) fn is_print(step: &DeliveryStep) -> bool {
    matches!(step.delivery, Delivery::Print { .. })
}
