//! Wires hot folders and workers together; ordered shutdown.
//!
//! Owns: jobs of one record never run at the same time, in the order in which they came; a job that waits for the world
//! gives its place up. One thread scans, one schedules, each running job has its own.

pub(crate) mod erase;
mod gate;
pub(crate) mod housekeeping;
mod reload;
mod scanner;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;

pub use self::reload::Load;
use self::reload::Reload;
use self::scanner::Scanner;

use crate::clock;
use crate::control::{self, Answer, Command};
use crate::error::Error;
use crate::intake::{FolderState, Intake, Waker, Watch};
use crate::matcher::ConfigMatcher;
use crate::model::config::Config;
use crate::model::manifest::Kind;
use crate::spool::job::{self, JobFile, JobId, file};
use crate::spool::queue::{Located, Lock, Spool, State};
use crate::worker::passes::Renderer;
use crate::worker::run::{self, Outcome, Report, Signals, Workshop};

/// How often the scheduler looks for commands.
const TICK: Duration = Duration::from_millis(150);
/// How often the state folders are listed: a job that was moved by hand is found then.
const REFRESH: Duration = Duration::from_secs(2);
/// A job that waits for the world is tried again after this long, doubled each time up to the most.
const BACKOFF_FIRST: Duration = Duration::from_secs(5);
const BACKOFF_MOST: Duration = Duration::from_mins(5);

/// A server that runs until it is told to stop.
#[derive(Debug)]
pub struct Server {
    stop: Arc<AtomicBool>,
    waker: Arc<Mutex<Waker>>,
    threads: Vec<JoinHandle<()>>,
    _lock: Lock,
}

impl Server {
    /// Takes the spool's lock, finishes what was cut off, starts to watch and work. `load` reads the config again when its
    /// file was edited.
    pub fn start(config: Config, allow_network_spool: bool, load: Load) -> Result<Server, Error> {
        let failed = |e: &dyn std::fmt::Display| Error::failed(e.to_string());
        let spool = Spool::open(&config.spool, allow_network_spool).map_err(|e| failed(&e))?;
        let lock = patient_lock(&spool)?;
        spool.check_unique().map_err(|e| failed(&e))?;
        spool.wipe_tmp().map_err(|e| failed(&e))?;
        let index = housekeeping::open_index(&spool).map_err(|e| failed(&e))?;
        if !config.server.auto_start {
            tracing::info!("`server.auto_start` is off: paused until `hotfolders resume`");
            control::carry_out(&spool, &Command::Pause, &|_| false);
        }
        let config = Arc::new(config);
        let max_memory = config.server.max_memory.unwrap_or_else(default_memory);
        let renderer = Renderer::new(cores(), max_memory).map_err(|e| failed(&e))?;
        let workshop = Arc::new(Workshop {
            config: RwLock::new(Arc::clone(&config)),
            spool: spool.clone(),
            index: Mutex::new(index),
            renderer,
        });
        let matcher = Arc::new(ConfigMatcher::new(Arc::clone(&config)));
        let mut intake = Intake::new(Arc::clone(&config), spool.clone(), matcher, clock::now);
        let recovered = {
            let index = workshop.index.lock().unwrap_or_else(PoisonError::into_inner);
            intake.recover(&|job| index.is_cleared(job))
        };
        recovered.map_err(|e| failed(&e))?;
        let stop = Arc::new(AtomicBool::new(false));
        let folders = Arc::new(Mutex::new(Vec::new()));
        let (accepted, news) = mpsc::channel();
        let watch = Watch::start(&config);
        let waker = Arc::new(Mutex::new(watch.waker()));
        let (edit, edited) = mpsc::channel();
        let reload = Reload::new(load, edit, Arc::clone(&waker));
        let scanner = std::thread::Builder::new().name("intake".into()).spawn({
            let stop = Arc::clone(&stop);
            let (folders, waker) = (Arc::clone(&folders), Arc::clone(&waker));
            let scanner = Scanner { watch, intake, folders, accepted, edited, waker };
            move || scanner.run(&stop)
        });
        let housekeeping = housekeeping::start(&workshop, &stop);
        let max_jobs = max_jobs(&config);
        let scheduler = std::thread::Builder::new().name("scheduler".into()).spawn({
            let stop = Arc::clone(&stop);
            move || Scheduler::new(workshop, folders, reload, max_jobs).run(&stop, &news)
        });
        let threads =
            [scanner, scheduler, housekeeping].into_iter().collect::<Result<Vec<_>, _>>().map_err(|e| failed(&e))?;
        Ok(Server { stop, waker, threads, _lock: lock })
    }

    /// Finishes the steps in hand and returns when all is at rest.
    pub fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.waker.lock().unwrap_or_else(PoisonError::into_inner).wake();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the server had stopped before");
            }
        }
    }
}

/// A command that holds the lock for the blink of an eye must not end a server that starts just then.
fn patient_lock(spool: &Spool) -> Result<Lock, Error> {
    const TRIES: usize = 20;
    for _ in 1..TRIES {
        if let Ok(lock) = spool.lock(clock::now()) {
            return Ok(lock);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    spool.lock(clock::now()).map_err(|e| Error::failed(e.to_string()))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn max_jobs(config: &Config) -> usize {
    config.server.max_jobs.unwrap_or_else(cores)
}

/// A quarter of the memory, at least 512 MiB.
pub fn default_memory() -> u64 {
    const LEAST: u64 = 512 * 1024 * 1024;
    let Ok(mut system) = sysinfo::System::new() else { return LEAST };
    system.refresh_memory();
    (system.total_memory() / 4).max(LEAST)
}

/// A job that waits for its turn.
#[derive(Debug, Clone)]
struct Waiting {
    located: Located,
    priority: i32,
    not_before: Option<Timestamp>,
    accepted: (Timestamp, u64),
    record: (Option<Kind>, String),
    /// Not before this, after a failure of the world.
    retry_at: Option<Instant>,
    backoff: Duration,
    why: Option<String>,
    /// Ours to look at: it stays where it is until the next start.
    halted: bool,
}

#[derive(Debug)]
struct Running {
    signals: Arc<Signals>,
    report: Arc<Mutex<Report>>,
    waiting: Waiting,
    since: Timestamp,
}

struct Scheduler {
    workshop: Arc<Workshop>,
    folders: Arc<Mutex<Vec<FolderState>>>,
    reload: Reload,
    max_jobs: usize,
    waiting: BTreeMap<JobId, Waiting>,
    running: BTreeMap<JobId, Running>,
    /// Accepted by the scanner, which is done with their folders.
    announced: HashSet<JobId>,
    ended: mpsc::Receiver<(JobId, Outcome)>,
    end: mpsc::Sender<(JobId, Outcome)>,
}

impl Scheduler {
    fn new(
        workshop: Arc<Workshop>,
        folders: Arc<Mutex<Vec<FolderState>>>,
        reload: Reload,
        max_jobs: usize,
    ) -> Scheduler {
        let (end, ended) = mpsc::channel();
        let (waiting, running, announced) = (BTreeMap::new(), BTreeMap::new(), HashSet::new());
        Scheduler { workshop, folders, reload, max_jobs, waiting, running, announced, ended, end }
    }

    fn run(mut self, stop: &AtomicBool, news: &mpsc::Receiver<Vec<JobId>>) {
        let mut refreshed: Option<Instant> = None;
        while !stop.load(Ordering::SeqCst) {
            let mut fresh = false;
            while let Ok(ids) = news.try_recv() {
                self.announced.extend(ids);
                fresh = true;
            }
            if fresh || refreshed.is_none_or(|at| at.elapsed() >= REFRESH) {
                self.refresh();
                refreshed = Some(Instant::now());
            }
            if self.obey() {
                self.refresh();
            }
            if let Some(config) = self.reload.look(&self.workshop, Instant::now()) {
                self.max_jobs = max_jobs(&config);
            }
            self.start_what_can();
            match self.ended.recv_timeout(TICK) {
                Ok(end) => self.take_end(end),
                Err(mpsc::RecvTimeoutError::Timeout | mpsc::RecvTimeoutError::Disconnected) => {}
            }
            while let Ok(end) = self.ended.try_recv() {
                self.take_end(end);
            }
        }
        for running in self.running.values() {
            running.signals.stop.store(true, Ordering::SeqCst);
        }
        while !self.running.is_empty() {
            let Ok(end) = self.ended.recv() else { return };
            self.take_end(end);
        }
    }

    /// Lists `pending/` and `processing/`; reads the record of what is new.
    fn refresh(&mut self) {
        let spool = &self.workshop.spool;
        let mut seen = Vec::new();
        for state in [State::Processing, State::Pending] {
            match spool.jobs(state) {
                Ok(jobs) => seen.extend(jobs),
                Err(e) => {
                    tracing::warn!("{e}");
                    return;
                }
            }
        }
        self.waiting.retain(|id, _| seen.iter().any(|job| job.id == *id));
        for located in seen {
            if self.running.contains_key(&located.id) {
                continue;
            }
            if let Some(known) = self.waiting.get_mut(&located.id)
                && known.located == located
                // Cancelled by another job, it need not wait for its hour.
                && !(known.not_before.is_some() && located.folder.join(control::CANCEL_MARK).exists())
            {
                continue;
            }
            match job::read::<JobFile>(&located.folder, file::JOB) {
                // The scanner still writes in its folder.
                Ok(job) if !job.drop_cleared && !self.announced.contains(&job.job) => {}
                Ok(job) => {
                    self.announced.remove(&job.job);
                    let waiting = Waiting {
                        priority: job.priority,
                        not_before: job.not_before,
                        // What takes orders back does not queue behind them.
                        accepted: (if job.cancels { Timestamp::MIN } else { job.accepted }, job.sequence),
                        record: (job.kind, job.record),
                        retry_at: None,
                        backoff: BACKOFF_FIRST,
                        why: None,
                        halted: false,
                        located,
                    };
                    self.waiting.insert(waiting.located.id.clone(), waiting);
                }
                Err(e) => tracing::error!(job = %located.id, "{e}"),
            }
        }
    }

    /// Carries out what was asked for; says whether anything was.
    fn obey(&mut self) -> bool {
        let requests = control::waiting(&self.workshop.spool);
        for request in &requests {
            let answer = match &request.command {
                Ok(Command::Status) => Answer { status: Some(self.status()), ..Answer::default() },
                Ok(Command::Cancel { jobs }) => {
                    self.forget(jobs);
                    self.cancel(jobs)
                }
                Ok(Command::Erase { whom, dry_run }) => {
                    erase::serve(&self.workshop, whom, *dry_run, &|id| self.running.contains_key(id))
                }
                Ok(command) => {
                    // Their records change on the disk; what is remembered of them does not hold any more.
                    self.forget(command.jobs());
                    control::carry_out(&self.workshop.spool, command, &|id| self.running.contains_key(id))
                }
                Err(e) => Answer { refused: vec![format!("the request cannot be read: {e}")], ..Answer::default() },
            };
            if let Err(e) = control::reply(request, &answer) {
                tracing::warn!("{e}");
            }
        }
        !requests.is_empty()
    }

    fn forget(&mut self, jobs: &[JobId]) {
        for id in jobs {
            self.waiting.remove(id);
        }
    }

    fn cancel(&self, jobs: &[JobId]) -> Answer {
        let (running, resting): (Vec<_>, Vec<_>) = jobs.iter().cloned().partition(|id| self.running.contains_key(id));
        let command = Command::Cancel { jobs: resting };
        let mut answer = control::carry_out(&self.workshop.spool, &command, &|_| false);
        for id in running {
            if let Some(job) = self.running.get(&id) {
                job.signals.cancel.store(true, Ordering::SeqCst);
                answer.done.push(format!("{id}: it stops after the step in hand and ends as cancelled"));
            }
        }
        answer
    }

    fn start_what_can(&mut self) {
        let closed = gate::outside_hours(&self.workshop.config(), clock::now()).is_some();
        if closed || control::is_paused(&self.workshop.spool) {
            return;
        }
        while self.running.len() < self.max_jobs {
            let Some(id) = self.next() else { return };
            let Some(waiting) = self.waiting.remove(&id) else { return };
            self.start(waiting);
        }
    }

    /// The next job: due, its record free, the highest priority, then the oldest.
    fn next(&self) -> Option<JobId> {
        let (now, instant) = (clock::now(), Instant::now());
        let due = |job: &Waiting| {
            !job.halted && job.not_before.is_none_or(|at| at <= now) && job.retry_at.is_none_or(|at| at <= instant)
        };
        let busy: HashSet<_> = self.running.values().map(|r| &r.waiting.record).collect();
        // An earlier job of the record goes first, also while it waits for the world; not while it waits for its hour.
        let mut first: HashMap<_, (Timestamp, u64)> = HashMap::new();
        for job in self.waiting.values().filter(|j| !j.halted && j.not_before.is_none_or(|at| at <= now)) {
            let earliest = first.entry(&job.record).or_insert(job.accepted);
            *earliest = (*earliest).min(job.accepted);
        }
        self.waiting
            .values()
            .filter(|job| due(job) && !busy.contains(&job.record))
            .filter(|job| first.get(&job.record).is_none_or(|at| *at >= job.accepted))
            .min_by_key(|job| (std::cmp::Reverse(job.priority), job.accepted))
            .map(|job| job.located.id.clone())
    }

    fn start(&mut self, waiting: Waiting) {
        let id = waiting.located.id.clone();
        let signals = Arc::new(Signals::default());
        let report = Arc::new(Mutex::new(Report::default()));
        let started = std::thread::Builder::new().name(format!("job {id}")).spawn({
            let (workshop, signals, report) = (Arc::clone(&self.workshop), Arc::clone(&signals), Arc::clone(&report));
            let (located, id, end) = (waiting.located.clone(), id.clone(), self.end.clone());
            move || {
                let tell = |now: Report| *report.lock().unwrap_or_else(PoisonError::into_inner) = now;
                // A fault of ours in one job must not take the server with it.
                let outcome = catch_unwind(AssertUnwindSafe(|| run::run(&workshop, located, &signals, &tell)))
                    .unwrap_or_else(|_| Outcome::Halted { why: "an internal error; see the log".into() });
                let _ = end.send((id, outcome));
            }
        });
        match started {
            Ok(_) => {
                tracing::info!(job = %id, "started");
                self.running.insert(id, Running { signals, report, waiting, since: clock::now() });
            }
            Err(e) => {
                tracing::error!(job = %id, "cannot start a thread: {e}");
                let retry_at = Some(Instant::now() + BACKOFF_FIRST);
                self.waiting.insert(id, Waiting { retry_at, ..waiting });
            }
        }
    }

    fn take_end(&mut self, (id, outcome): (JobId, Outcome)) {
        let Some(running) = self.running.remove(&id) else { return };
        let mut waiting = running.waiting;
        // It has moved to `processing/` since.
        waiting.located.state = State::Processing;
        waiting.located.folder = self.workshop.spool.folder(State::Processing).join(id.as_str());
        match outcome {
            Outcome::Finished { result, .. } => tracing::info!(job = %id, %result, "finished"),
            Outcome::Held { questions } => tracing::info!(job = %id, questions, "held"),
            Outcome::Stopped => {}
            Outcome::Wait { why } => {
                if waiting.why.as_ref() != Some(&why) {
                    tracing::warn!(job = %id, "waits: {why}");
                }
                waiting.retry_at = Some(Instant::now() + waiting.backoff);
                waiting.backoff = (waiting.backoff * 2).min(BACKOFF_MOST);
                waiting.why = Some(why);
                self.waiting.insert(id, waiting);
            }
            Outcome::Halted { why } => {
                tracing::error!(job = %id, "stopped, a person must look: {why}");
                waiting.halted = true;
                waiting.why = Some(why);
                self.waiting.insert(id, waiting);
            }
        }
    }

    fn status(&self) -> serde_json::Value {
        let running: Vec<_> = self
            .running
            .iter()
            .map(|(id, job)| {
                let report = job.report.lock().unwrap_or_else(PoisonError::into_inner).clone();
                serde_json::json!({ "job": id, "since": job.since, "progress": report })
            })
            .collect();
        let waiting: Vec<_> = self
            .waiting
            .iter()
            .map(|(id, job)| {
                serde_json::json!({
                    "job": id, "priority": job.priority, "not_before": job.not_before, "why": job.why, "halted": job.halted,
                })
            })
            .collect();
        let closed = gate::outside_hours(&self.workshop.config(), clock::now());
        let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::json!({ "hot_folders": *folders, "running": running, "waiting": waiting, "closed": closed,
            "config_refused": self.reload.refused() })
    }
}
