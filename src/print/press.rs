//! Who may print where: one for all jobs.
//!
//! Owns: a printer on the network has one unit of ours at a time, a queue a few; the next sheet is that of the job with
//! the highest rank; a printer that cannot print gets nothing. It only keeps account: looking at printers and sending
//! sheets is done by others, so that nobody waits here for a network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::choose::{Candidate, choose};
use super::ipp::Paper;
use super::keep::{Keep, Matter, Waits};
use super::look::{Condition, Look};
use crate::model::config::{Allocate, Config, Printer, PrinterTarget};
use crate::plan::StepId;
use crate::spool::job::JobId;

/// Units of ours that a queue holds at a time: enough to keep its printer busy, few enough for a walk-in to overtake.
const QUEUED_MAX: usize = 2;
/// A job that has not asked again for so long does not hold a printer back from others.
const WISH_FRESH: Duration = Duration::from_secs(3);

/// Which job goes first: the lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    pub priority: std::cmp::Reverse<i32>,
    pub came: (Timestamp, u64),
}

/// A unit that wants to be printed.
#[allow(missing_debug_implementations, reason = "it holds a function")]
pub struct Claim<'a> {
    pub job: &'a JobId,
    pub unit: &'a StepId,
    pub rank: Rank,
    /// Printers that may take it by what the config says.
    pub printers: &'a [&'a Printer],
    pub allocate: Allocate,
    /// What it is to be printed on there.
    pub paper: &'a dyn Fn(&Printer) -> Paper,
    /// What keeps a printer from everything, whatever its own state: paused, closed.
    pub gate: &'a dyn Fn(&Printer) -> Option<String>,
    /// A printer that would not have this unit.
    pub refusal: &'a dyn Fn(&Printer) -> Option<Refusal>,
    pub now: Timestamp,
}

/// A printer would not have a unit.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub keep: Keep,
    /// It may be asked again.
    pub is_due: bool,
    /// It had the document in hand: another printer comes first.
    pub in_vain: bool,
}

#[derive(Debug, Default)]
pub struct Press {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    printers: BTreeMap<String, Known>,
    wishes: BTreeMap<JobId, Wish>,
    /// What the sheets of each job wait for.
    waits: BTreeMap<JobId, Vec<Waits>>,
    /// Counts grants.
    served: u64,
}

#[derive(Debug, Default)]
struct Known {
    look: Option<Look>,
    since: Option<Timestamp>,
    in_flight: BTreeSet<(JobId, StepId)>,
    served: u64,
    /// Folders below that of a folder printer that sheets were put into.
    below: BTreeSet<PathBuf>,
    /// Somebody wants to know how it is.
    wanted: Option<Instant>,
}

#[derive(Debug)]
struct Wish {
    rank: Rank,
    printers: BTreeSet<String>,
    at: Instant,
}

impl Known {
    fn capacity(&self, printer: &Printer) -> usize {
        match printer.target {
            PrinterTarget::Ipp { .. } if self.look.as_ref().is_some_and(|look| look.is_spooler) => QUEUED_MAX,
            _ => 1,
        }
    }
}

impl Press {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A printer for a unit, which is taken then; or what keeps it from each of them.
    pub fn claim(&self, claim: &Claim<'_>) -> Result<String, Vec<Keep>> {
        let mut state = self.state();
        let (mut free, mut keeps) = (Vec::new(), Vec::new());
        let mut usable = BTreeSet::new();
        let mut has_another = false;
        let keep = |printer: &Printer, matter, why: String| Keep {
            printer: printer.name.clone(),
            why,
            matter,
            since: claim.now,
        };
        for printer in claim.printers {
            let known = state.printers.entry(printer.name.clone()).or_default();
            known.wanted = Some(Instant::now());
            let kept = (claim.gate)(printer).map(|why| (Matter::Wanted, why)).or_else(|| match &known.look {
                None => Some((Matter::Turn, "has not been looked at yet".into())),
                Some(look) => look.keeps(&(claim.paper)(printer)),
            });
            if let Some((matter, why)) = kept {
                keeps.push(keep(printer, matter, why));
                continue;
            }
            let refusal = (claim.refusal)(printer);
            if let Some(refusal) = refusal.as_ref().filter(|refusal| !refusal.is_due) {
                keeps.push(refusal.keep.clone());
                continue;
            }
            has_another |= refusal.as_ref().is_none_or(|refusal| !refusal.in_vain);
            usable.insert(printer.name.clone());
            if known.in_flight.len() >= known.capacity(printer) {
                // What it refused once it is not believed to take in its turn.
                let turn = || keep(printer, Matter::Turn, "another sheet is being printed".into());
                keeps.push(refusal.map_or_else(turn, |refusal| refusal.keep));
            } else {
                free.push(*printer);
            }
        }
        // One that had it in vain is asked again when no other one is left.
        let in_vain = |printer: &&Printer| (claim.refusal)(printer).filter(|refusal| has_another && refusal.in_vain);
        keeps.extend(free.iter().filter_map(in_vain).map(|refusal| refusal.keep));
        free.retain(|printer| in_vain(printer).is_none());
        // Who goes first, goes first.
        let before = |name: &String| {
            let fresh = |wish: &Wish| wish.at.elapsed() < WISH_FRESH;
            let others = state.wishes.iter().filter(|(job, wish)| *job != claim.job && fresh(wish));
            others.into_iter().any(|(_, wish)| wish.rank < claim.rank && wish.printers.contains(name))
        };
        let (free, kept): (Vec<&Printer>, Vec<&Printer>) = free.into_iter().partition(|p| !before(&p.name));
        keeps.extend(kept.iter().map(|printer| {
            let turn = || keep(printer, Matter::Turn, "another job goes first".into());
            (claim.refusal)(printer).map_or_else(turn, |refusal| refusal.keep)
        }));
        let candidates: Vec<Candidate> = free.iter().map(|p| state.candidate(p)).collect();
        let Some(index) = choose(claim.allocate, &candidates) else {
            state.wishes.insert(claim.job.clone(), Wish { rank: claim.rank, printers: usable, at: Instant::now() });
            return Err(keeps);
        };
        let name = free[index].name.clone();
        state.wishes.remove(claim.job);
        state.served += 1;
        let served = state.served;
        let known = state.printers.entry(name.clone()).or_default();
        known.served = served;
        known.in_flight.insert((claim.job.clone(), claim.unit.clone()));
        Ok(name)
    }

    /// A unit that is on its way since before the server's start.
    pub fn occupy(&self, printer: &str, job: &JobId, unit: &StepId) {
        let mut state = self.state();
        let known = state.printers.entry(printer.to_string()).or_default();
        known.in_flight.insert((job.clone(), unit.clone()));
        known.wanted = Some(Instant::now());
    }

    /// A unit has come to its end, or to a question.
    pub fn vacate(&self, job: &JobId, unit: &StepId) {
        let key = (job.clone(), unit.clone());
        for known in self.state().printers.values_mut() {
            known.in_flight.remove(&key);
        }
        self.news.notify_all();
    }

    /// What the sheets of a job wait for; none for nothing.
    pub fn waits(&self, job: &JobId, waits: Vec<Waits>) {
        let mut state = self.state();
        if waits.is_empty() {
            state.waits.remove(job);
        } else {
            state.waits.insert(job.clone(), waits);
        }
    }

    /// What jobs wait for that a person must see to, and that no printer's own state says: the job, and what keeps it.
    pub fn kept(&self) -> Vec<(JobId, Keep)> {
        let state = self.state();
        let of_job = |(job, list): (&JobId, &Vec<Waits>)| {
            let stands = list.iter().filter(|waits| !waits.is_turn()).flat_map(Waits::keeps);
            let keeps = stands.filter(|keep| keep.matter == Matter::Sheet);
            keeps.map(|keep| (job.clone(), keep.clone())).collect::<Vec<_>>()
        };
        state.waits.iter().flat_map(of_job).collect()
    }

    /// A job rests: nothing of it is wanted or on its way here.
    pub fn forget(&self, job: &JobId) {
        let mut state = self.state();
        state.wishes.remove(job);
        state.waits.remove(job);
        for known in state.printers.values_mut() {
            known.in_flight.retain(|(of, _)| of != job);
        }
        drop(state);
        self.news.notify_all();
    }

    /// Waits for news of a printer, or the time.
    pub fn rest(&self, at_most: Duration) {
        let state = self.state();
        drop(self.news.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner));
    }

    /// What a look at a printer found; says whether its condition or its reasons are others than before.
    pub fn saw(&self, printer: &str, look: Look, now: Timestamp) -> bool {
        let mut state = self.state();
        let known = state.printers.entry(printer.to_string()).or_default();
        let is_news = known.look.as_ref().is_none_or(|before| {
            (before.condition, &before.reasons, &before.blocked) != (look.condition, &look.reasons, &look.blocked)
        });
        if known.look.as_ref().is_none_or(|before| before.condition != look.condition) {
            known.since = Some(now);
        }
        known.look = Some(look);
        drop(state);
        self.news.notify_all();
        is_news
    }

    /// What keeps a printer now from printing what it has; `None` for nothing.
    pub fn trouble(&self, printer: &str) -> Option<String> {
        let state = self.state();
        let look = state.printers.get(printer)?.look.as_ref()?;
        (!look.blocked.is_empty()).then(|| look.blocked.join(", "))
    }

    /// Whether somebody waits for it, or something of ours is there.
    pub fn is_wanted(&self, printer: &str) -> bool {
        let state = self.state();
        let Some(known) = state.printers.get(printer) else { return false };
        !known.in_flight.is_empty() || known.wanted.is_some_and(|at| at.elapsed() < WISH_FRESH)
    }

    /// Whether it is known to be unable to print on this paper.
    pub fn is_blocked(&self, printer: &str, paper: &Paper) -> bool {
        let state = self.state();
        let look = state.printers.get(printer).and_then(|known| known.look.as_ref());
        look.is_some_and(|look| look.keeps(paper).is_some())
    }

    pub fn put_into(&self, printer: &str, folder: PathBuf) {
        self.state().printers.entry(printer.to_string()).or_default().below.insert(folder);
    }

    pub fn below(&self, printer: &str) -> BTreeSet<PathBuf> {
        self.state().printers.get(printer).map(|known| known.below.clone()).unwrap_or_default()
    }

    /// For `status`.
    pub fn printers(&self, config: &Config, kept_from: &dyn Fn(&Printer) -> Option<(Condition, String)>) -> Vec<Shown> {
        let state = self.state();
        let shown = |printer: &Printer| {
            let known = state.printers.get(&printer.name);
            let look = known.and_then(|known| known.look.as_ref());
            let mut reasons = look.map(|look| look.reasons.clone()).unwrap_or_default();
            let mut condition = look.map_or(Condition::Unknown, |look| look.condition);
            let mut since = known.and_then(|known| known.since);
            // What it would not have, or does not print, is as good as a state of its own.
            let keeps = state.waits.values().flatten().flat_map(Waits::keeps);
            for keep in keeps.filter(|keep| keep.matter == Matter::Sheet && keep.printer == printer.name) {
                if condition == Condition::Idle {
                    (condition, since) = (Condition::Waiting, Some(keep.since));
                }
                if !reasons.contains(&keep.why) {
                    reasons.push(keep.why.clone());
                }
            }
            if let Some((kept, why)) = kept_from(printer) {
                condition = kept;
                reasons.insert(0, why);
            }
            let ours = known.map_or(0, |known| known.in_flight.len());
            Shown {
                name: printer.name.clone(),
                kind: match printer.target {
                    PrinterTarget::Ipp { .. } => "ipp",
                    PrinterTarget::Folder { .. } => "folder",
                    PrinterTarget::Command(_) => "command",
                },
                pool: printer.pool.clone(),
                location: printer.location.clone(),
                state: condition,
                reasons,
                since,
                media: printer.media.iter().map(|media| media.size.to_string()).collect(),
                queued: look.map_or(0, |look| look.queued as usize).max(ours),
            }
        };
        config.printers.iter().map(shown).collect()
    }

    /// For `status`.
    pub fn pools(&self, config: &Config) -> Vec<ShownPool> {
        let state = self.state();
        let shown = |pool: &crate::model::config::Pool| {
            let members: Vec<&Printer> =
                config.printers.iter().filter(|p| p.pool.as_deref() == Some(&pool.name)).collect();
            let units = |printer: &&Printer| state.printers.get(&printer.name).map_or(0, |known| known.in_flight.len());
            ShownPool {
                name: pool.name.clone(),
                allocate: pool.allocate,
                inactive: pool.inactive,
                open_units: members.iter().map(units).sum(),
                members: members.into_iter().map(|printer| printer.name.clone()).collect(),
            }
        };
        config.pools.iter().map(shown).collect()
    }
}

impl State {
    fn candidate(&self, printer: &Printer) -> Candidate {
        let known = self.printers.get(&printer.name);
        Candidate {
            open: known
                .map_or(0, |known| known.in_flight.len() + known.look.as_ref().map_or(0, |look| look.queued as usize)),
            priority: printer.priority,
            served: known.map_or(0, |known| known.served),
        }
    }
}

/// A printer, as `status` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    pub name: String,
    pub kind: &'static str,
    pub pool: Option<String>,
    pub location: Option<String>,
    pub state: Condition,
    pub reasons: Vec<String>,
    pub since: Option<Timestamp>,
    pub media: Vec<String>,
    pub queued: usize,
}

/// A pool, as `status` shows it.
#[derive(Debug, Clone, Serialize)]
pub struct ShownPool {
    pub name: String,
    pub allocate: Allocate,
    pub inactive: bool,
    pub members: Vec<String>,
    pub open_units: usize,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const CONFIG: &str = r#"
version: 1
printers:
  a: { uri: "ipp://10.0.0.1/ipp/print", pool: p, media: [8x10in], priority: 1 }
  b: { uri: "ipp://10.0.0.2/ipp/print", pool: p, media: [8x10in], priority: 2 }
  queue: { uri: "ipp://10.0.0.3/ipp/print", media: [8x10in] }
pools: { p: {} }
"#;

    fn printers() -> Vec<Printer> {
        Config::parse(CONFIG, Path::new("/studio/hotfolders.yaml")).unwrap_or_else(|e| panic!("{e}")).printers
    }

    fn look(blocked: &[&str], is_spooler: bool) -> Look {
        Look {
            condition: if blocked.is_empty() { Condition::Idle } else { Condition::Stopped },
            reasons: Vec::new(),
            blocked: blocked.iter().map(ToString::to_string).collect(),
            queued: 0,
            is_spooler,
            facts: None,
        }
    }

    fn press() -> Press {
        let press = Press::default();
        for (name, is_spooler) in [("a", false), ("b", false), ("queue", true)] {
            press.saw(name, look(&[], is_spooler), Timestamp::UNIX_EPOCH);
        }
        press
    }

    fn claim(press: &Press, job: &str, unit: &str, priority: i32, names: &[&str]) -> Result<String, String> {
        let all = printers();
        let printers: Vec<&Printer> = all.iter().filter(|p| names.contains(&p.name.as_str())).collect();
        let (job, unit) = (JobId::parse(job).unwrap(), StepId(unit.into()));
        let claimed = press.claim(&Claim {
            job: &job,
            unit: &unit,
            rank: Rank { priority: std::cmp::Reverse(priority), came: (Timestamp::UNIX_EPOCH, 0) },
            printers: &printers,
            allocate: Allocate::Priority,
            paper: &|_| Paper::of_size(20320, 25400),
            gate: &|_| None,
            refusal: &|_| None,
            now: Timestamp::UNIX_EPOCH,
        });
        claimed.map_err(|keeps| {
            let mut waits = Waits::default();
            waits.found(keeps);
            crate::print::keep::why(&[waits]).unwrap_or_default()
        })
    }

    #[test]
    fn a_printer_that_had_a_sheet_in_vain_waits_for_another_to_take_it() {
        let press = press();
        let all = printers();
        let claim = |names: &[&str], in_vain: bool, is_due: bool| {
            let printers: Vec<&Printer> = all.iter().filter(|p| names.contains(&p.name.as_str())).collect();
            let refusal = |printer: &Printer| {
                let why = "it does not print files of this format".to_string();
                let keep = Keep { printer: "b".into(), why, matter: Matter::Sheet, since: Timestamp::UNIX_EPOCH };
                (printer.name == "b").then_some(Refusal { keep, is_due, in_vain })
            };
            press.claim(&Claim {
                job: &JobId::parse("j").unwrap(),
                unit: &StepId("p1".into()),
                rank: Rank { priority: std::cmp::Reverse(0), came: (Timestamp::UNIX_EPOCH, 0) },
                printers: &printers,
                allocate: Allocate::Priority,
                paper: &|_| Paper::of_size(20320, 25400),
                gate: &|_| None,
                refusal: &refusal,
                now: Timestamp::UNIX_EPOCH,
            })
        };
        press.occupy("a", &JobId::parse("other").unwrap(), &StepId("p1".into()));
        let matters = |keeps: Vec<Keep>| keeps.into_iter().map(|keep| keep.matter).collect::<Vec<_>>();
        let turn_and_sheet = vec![Matter::Turn, Matter::Sheet];
        assert_eq!(claim(&["a", "b"], true, true).map_err(matters), Err(turn_and_sheet.clone()));
        assert_eq!(claim(&["a", "b"], false, false).map_err(matters), Err(turn_and_sheet));
        assert_eq!(claim(&["a", "b"], false, true).as_deref(), Ok("b"), "it was only busy");
        vacate(&press, "j", "p1");
        assert_eq!(claim(&["b"], true, true).as_deref(), Ok("b"), "no other is left");
        vacate(&press, "j", "p1");
        press.saw("a", look(&["out of paper"], false), Timestamp::UNIX_EPOCH);
        assert_eq!(claim(&["a", "b"], true, true).as_deref(), Ok("b"), "the other one cannot");
    }

    fn vacate(press: &Press, job: &str, unit: &str) {
        press.vacate(&JobId::parse(job).unwrap(), &StepId(unit.into()));
    }

    #[test]
    fn a_printer_has_one_unit_at_a_time_and_a_queue_two() {
        let press = press();
        assert_eq!(claim(&press, "j", "p1", 0, &["a"]).as_deref(), Ok("a"));
        assert!(claim(&press, "k", "p1", 0, &["a"]).unwrap_err().contains("another sheet"));
        vacate(&press, "j", "p1");
        assert_eq!(claim(&press, "k", "p1", 0, &["a"]).as_deref(), Ok("a"));
        assert_eq!(claim(&press, "j", "p1", 0, &["queue"]).as_deref(), Ok("queue"));
        assert_eq!(claim(&press, "j", "p2", 0, &["queue"]).as_deref(), Ok("queue"));
        assert!(claim(&press, "j", "p3", 0, &["queue"]).is_err());
    }

    #[test]
    fn who_has_the_higher_rank_goes_first() {
        let press = press();
        assert!(claim(&press, "school", "p1", 0, &["a"]).is_ok());
        assert!(claim(&press, "walk-in", "p1", 5, &["a"]).is_err());
        vacate(&press, "school", "p1");
        let told = claim(&press, "school", "p2", 0, &["a"]).unwrap_err();
        assert_eq!(told, "a: another job goes first");
        assert_eq!(claim(&press, "school", "p2", 0, &["b"]).as_deref(), Ok("b"), "it wants no other printer");
        assert!(claim(&press, "walk-in", "p1", 5, &["a"]).is_ok());
        // A job that has gone to rest wants nothing any more.
        assert!(claim(&press, "walk-in", "p2", 5, &["a"]).is_err());
        press.forget(&JobId::parse("walk-in").unwrap());
        assert!(claim(&press, "school", "p3", 0, &["a"]).is_ok());
    }

    #[test]
    fn what_cannot_print_gets_nothing_and_the_reasons_are_told() {
        let press = press();
        assert_eq!(claim(&press, "j", "p1", 0, &["a", "b"]).as_deref(), Ok("b"), "the higher priority of the two");
        vacate(&press, "j", "p1");
        press.saw("b", look(&["out of paper"], false), Timestamp::UNIX_EPOCH);
        assert_eq!(claim(&press, "j", "p1", 0, &["a", "b"]).as_deref(), Ok("a"));
        press.saw("a", look(&["a cover is open"], false), Timestamp::UNIX_EPOCH);
        let told = claim(&press, "j", "p2", 0, &["a", "b"]).unwrap_err();
        assert_eq!(told, "a: a cover is open; b: out of paper");
        assert!(Press::default().claim_unseen().is_err());
    }

    #[test]
    fn a_printer_that_keeps_a_sheet_is_not_called_idle() {
        let press = press();
        let config = Config::parse(CONFIG, Path::new("/studio/hotfolders.yaml")).unwrap_or_else(|e| panic!("{e}"));
        let job = JobId::parse("j").unwrap();
        let keep = |printer: &str, matter, why: &str| Keep {
            printer: printer.into(),
            why: why.into(),
            matter,
            since: Timestamp::UNIX_EPOCH,
        };
        let shown = || press.printers(&config, &|_| None).remove(0);
        let wait = |keeps: Vec<Keep>| {
            let mut waits = Waits::default();
            waits.found(keeps);
            press.waits(&job, vec![waits]);
        };
        wait(vec![
            keep("a", Matter::Sheet, "takes no JPEG"),
            keep("b", Matter::Turn, "another sheet is being printed"),
        ]);
        assert_eq!((shown().state, shown().reasons.join(",")), (Condition::Waiting, "takes no JPEG".into()));
        assert!(press.kept().is_empty(), "the other printer takes it");
        wait(vec![keep("a", Matter::Sheet, "takes no JPEG")]);
        assert_eq!(press.kept().len(), 1);
        wait(vec![keep("a", Matter::Printer, "out of paper")]);
        assert!(press.kept().is_empty(), "its own state says it");
        press.forget(&job);
        assert_eq!(shown().state, Condition::Idle);
    }

    impl Press {
        /// Of a printer that nobody has looked at yet.
        fn claim_unseen(&self) -> Result<String, String> {
            claim(self, "j", "p1", 0, &["a"])
        }
    }
}
