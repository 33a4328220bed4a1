//! Wires hot folders and workers together; ordered shutdown.
//!
//! Owns: jobs of one record never run at the same time, in the order in which they came; a job that waits for the world
//! gives its place up. One thread scans, one schedules, each running job has its own.

mod alarm;
mod commands;
pub(crate) mod erase;
mod gate;
pub(crate) mod housekeeping;
mod labs;
mod lock;
mod machine;
mod memory;
mod mending;
mod pace;
mod post;
mod printers;
mod refresh;
mod reload;
mod scanner;
mod sight;
mod thumbnails;
mod waiting;

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use self::alarm::{AlarmThreads, Alarms};
use self::lock::patient_lock;
pub use self::machine::default_memory;
use self::machine::{cores, max_jobs};
use self::memory::Memory;
use self::mending::ToIntake;
use self::pace::Pace;
use self::post::Post;
use self::printers::Doubtful;
use self::reload::Reload;
pub use self::reload::{Instead, Load, Loaded, Wrong};
use self::scanner::Scanner;
use self::sight::SharedSight;
use self::thumbnails::Thumbnailer;
use self::waiting::{Queue, Waiting};

use crate::clock;
use crate::control::{self, Command};
use crate::error::Error;
use crate::intake::{FolderState, Intake, Waker, Watch};
use crate::print::press::Press;
use crate::spool::job::JobId;
use crate::spool::links::Links;
use crate::spool::places::{Away, Places};
use crate::spool::queue::{Lock, Spool, State};
use crate::spool::reserve;
use crate::web::Web;
use crate::worker::passes::Renderer;
use crate::worker::run::{self, Outcome, Report, Signals, Workshop};

/// How often the scheduler looks for commands.
const TICK: Duration = Duration::from_millis(150);
/// How often the state folders are listed: a job that was moved by hand is found then.
const REFRESH: Duration = Duration::from_secs(2);
/// How long a server that is told to stop waits for the steps in hand.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// How often pages and alerts are told what the server does.
const TELL: Duration = Duration::from_millis(500);
/// How often it is looked at which places lie on volumes of their own.
const LEARN: Duration = Duration::from_secs(10);

/// A server that runs until it is told to stop.
#[derive(Debug)]
pub struct Server {
    stop: Arc<AtomicBool>,
    waker: Arc<Mutex<Waker>>,
    threads: Vec<JoinHandle<()>>,
    alarms: AlarmThreads,
    web: Arc<Web>,
    lock: Lock,
}

impl Server {
    /// Takes the spool's lock, finishes what was cut off, starts to watch and work. The config may be used `instead` of a
    /// file that is wrong; `load` reads the file again when it was edited.
    pub fn start(
        loaded: Loaded,
        instead: Option<&Instead>,
        allow_network_spool: bool,
        load: Load,
    ) -> Result<Server, Error> {
        let Loaded { config, text } = loaded;
        let failed = |e: &dyn std::fmt::Display| Error::failed(e.to_string());
        let spool = Spool::open(&config.spool, allow_network_spool).map_err(|e| failed(&e))?;
        let lock = patient_lock(&spool)?;
        spool.check_unique().map_err(|e| failed(&e))?;
        if let Err(e) = reserve::keep(spool.root()) {
            tracing::warn!("no room is kept for commands on a full disk: {e}");
        }
        let index = housekeeping::open_index(&spool).map_err(|e| failed(&e))?;
        if !config.server.auto_start {
            tracing::info!("`server.auto_start` is off: paused until `hotfolders resume`");
            control::carry_out(&spool, &Command::Pause, None, &|_| false);
        }
        let config = Arc::new(config);
        reload::warn_of_assets(&config);
        let max_memory = config.server.max_memory.unwrap_or_else(default_memory);
        let renderer = Renderer::new(cores(), max_memory).map_err(|e| failed(&e))?;
        let links = Arc::new(Links::of_spool(spool.root()));
        if let Some(downloads) = &config.downloads
            && let Err(e) = links.follow(&downloads.folder)
        {
            tracing::warn!("links: {e}");
        }
        let workshop = Arc::new(Workshop {
            config: RwLock::new(Arc::clone(&config)),
            spool: spool.clone(),
            index: Mutex::new(index),
            places: Places::of_spool(spool.root()),
            renderer,
            links,
            press: Press::default(),
            outlook: Mutex::default(),
        });
        let matcher = Arc::new(Memory::new(&config, &workshop));
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
        let ((edit, edited), (ask, lacking)) = (mpsc::channel(), mpsc::channel());
        let to_intake = ToIntake::new(ask, Arc::clone(&waker));
        let reload = Reload::new(load, edit, Arc::clone(&waker), &config, text, instead);
        let scanner = std::thread::Builder::new().name("intake".into()).spawn({
            let stop = Arc::clone(&stop);
            let (folders, waker) = (Arc::clone(&folders), Arc::clone(&waker));
            let workshop = Arc::clone(&workshop);
            let away = Away::of_spool(workshop.spool.root());
            let scanner = Scanner { watch, intake, workshop, folders, accepted, edited, lacking, waker, away };
            move || scanner.run(&stop)
        });
        let housekeeping = housekeeping::start(&workshop, &stop);
        let orders = labs::Orders::default();
        let at_labs = labs::start(&workshop, &orders, &stop);
        let printers = printers::start(&workshop, &stop);
        let tools = Arc::new(Thumbnailer::new().map_err(|e| failed(&e))?);
        let post = Arc::new(Post { workshop: Arc::clone(&workshop) });
        let links = Arc::clone(&workshop.links);
        let web = Arc::new(Web::start(spool, links, &config, tools, post).map_err(|e| failed(&e))?);
        let (alarms, sight) = (Alarms::new(&workshop), SharedSight::default());
        let alarm_threads = alarms.start(Arc::clone(&sight), Arc::clone(&folders)).map_err(|e| failed(&e))?;
        let scheduler = std::thread::Builder::new().name("scheduler".into()).spawn({
            let (stop, web) = (Arc::clone(&stop), Arc::clone(&web));
            move || {
                Scheduler::new(workshop, folders, reload, to_intake, orders, alarms, sight).run(&stop, &news, &web);
            }
        });
        let threads = [scanner, scheduler, housekeeping, at_labs, printers]
            .into_iter()
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| failed(&e))?;
        Ok(Server { stop, waker, threads, alarms: alarm_threads, web, lock })
    }

    /// Whether the spool is still ours alone. False when somebody has removed its `LOCK`: another server may take it, and
    /// this one has to stop.
    pub fn has_its_spool(&self) -> bool {
        self.lock.is_in_place()
    }

    /// Finishes the steps in hand and returns when all is at rest.
    pub fn stop(self) {
        // First, while somebody is there to answer what was asked for.
        self.web.stop();
        self.stop.store(true, Ordering::SeqCst);
        self.waker.lock().unwrap_or_else(PoisonError::into_inner).wake();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the server had stopped before");
            }
        }
        self.alarms.stop();
    }
}

#[derive(Debug)]
struct Running {
    signals: Arc<Signals>,
    report: Arc<Mutex<Report>>,
    waiting: Waiting,
    since: Timestamp,
    pace: Pace,
}

struct Scheduler {
    workshop: Arc<Workshop>,
    folders: Arc<Mutex<Vec<FolderState>>>,
    reload: Reload,
    to_intake: ToIntake,
    orders: labs::Orders,
    max_jobs: usize,
    queue: Queue,
    running: BTreeMap<JobId, Running>,
    /// A print of these is in doubt: what came later for their records waits.
    doubtful: Doubtful,
    /// Accepted by the scanner, which is done with their folders.
    announced: HashSet<JobId>,
    /// Counts what happened to jobs: what came and went between two looks at the status shows in it.
    changes: u64,
    alarms: Alarms,
    sight: SharedSight,
    /// Jobs of an earlier life that were not tried again yet; none before the first look.
    recovering: Option<HashSet<JobId>>,
    /// When it last began to take up jobs: at the start, at `resume`, at the beginning of the hours of operation.
    opened: Timestamp,
    ended: mpsc::Receiver<(JobId, Outcome)>,
    end: mpsc::Sender<(JobId, Outcome)>,
}

impl Scheduler {
    fn new(
        workshop: Arc<Workshop>,
        folders: Arc<Mutex<Vec<FolderState>>>,
        reload: Reload,
        to_intake: ToIntake,
        orders: labs::Orders,
        alarms: Alarms,
        sight: SharedSight,
    ) -> Scheduler {
        let (end, ended) = mpsc::channel();
        Scheduler {
            max_jobs: max_jobs(&workshop.config()),
            workshop,
            folders,
            reload,
            to_intake,
            orders,
            queue: Queue::default(),
            running: BTreeMap::new(),
            doubtful: Doubtful::default(),
            announced: HashSet::new(),
            changes: 0,
            alarms,
            sight,
            recovering: None,
            opened: clock::now(),
            ended,
            end,
        }
    }

    fn run(mut self, stop: &AtomicBool, news: &mpsc::Receiver<Vec<JobId>>, web: &Web) {
        let (mut refreshed, mut learned, mut told, mut shown) = (None::<Instant>, None::<Instant>, None, None);
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
                self.changes += 1;
                self.refresh();
            }
            if let Some(config) = self.reload.look(&self.workshop, Instant::now()) {
                self.max_jobs = max_jobs(&config);
                web.reconfigure(config);
            }
            if shown.is_none_or(|at: Instant| at.elapsed() >= TELL) && self.workshop.config().alerts.is_some() {
                self.show();
                shown = Some(Instant::now());
            }
            if told.is_none_or(|at: Instant| at.elapsed() >= TELL) && web.is_watched() {
                web.tell(self.status());
                told = Some(Instant::now());
            }
            if learned.is_none_or(|at| at.elapsed() >= LEARN) {
                self.learn_places();
                // It was let go, or could not be made, on a full disk: there is another time.
                let _ = reserve::keep(self.workshop.spool.root());
                learned = Some(Instant::now());
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
        self.stop_all();
    }

    /// The steps in hand are finished, if that does not take too long: a job that is cut off goes on after the next start.
    fn stop_all(&mut self) {
        self.running.values().for_each(|running| running.signals.stop());
        let deadline = Instant::now() + STOP_WITHIN;
        while !self.running.is_empty() {
            match self.ended.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(end) => self.take_end(end),
                Err(_) => break,
            }
        }
        for id in self.running.keys() {
            tracing::warn!(job = %id, "did not come to the end of a step within {} s; it goes on after the next start", STOP_WITHIN.as_secs());
        }
    }

    /// A place that is seen mounted is remembered as one.
    fn learn_places(&self) {
        if let Err(e) = self.workshop.places.learn(&self.workshop.config().places()) {
            tracing::warn!("{e}");
        }
    }

    fn start_what_can(&mut self) {
        let closed = gate::outside_hours(&self.workshop.config(), clock::now()).is_some();
        if closed || control::is_paused(&self.workshop.spool) {
            return;
        }
        while self.has_room() {
            let running = self.running.values().map(|r| &r.waiting.record);
            let busy: HashSet<_> = running.chain(self.doubtful.records()).collect();
            let Some(job) = self.queue.take_next(&busy, clock::now(), Instant::now()) else { return };
            self.start(job);
        }
    }

    /// Jobs of its record that came after it.
    fn later(&self, job: &Waiting) -> Vec<JobId> {
        let is_later = |other: &&Waiting| other.record == job.record && other.accepted > job.accepted;
        self.queue.jobs.values().filter(is_later).map(|other| other.located.id.clone()).collect()
    }

    fn start(&mut self, waiting: Waiting) {
        let id = waiting.located.id.clone();
        let signals = Arc::new(Signals::default());
        let report = Arc::new(Mutex::new(Report::default()));
        let started = std::thread::Builder::new().name(format!("job {id}")).spawn({
            let (workshop, signals, report) = (Arc::clone(&self.workshop), Arc::clone(&signals), Arc::clone(&report));
            let (located, id, end) = (waiting.located.clone(), id.clone(), self.end.clone());
            let later = self.later(&waiting);
            move || {
                let tell = |now: Report| *report.lock().unwrap_or_else(PoisonError::into_inner) = now;
                // A fault of ours in one job must not take the server with it.
                let outcome = catch_unwind(AssertUnwindSafe(|| run::run(&workshop, located, &signals, &later, &tell)))
                    .unwrap_or_else(|_| Outcome::Halted { why: "an internal error; see the log".into() });
                let _ = end.send((id, outcome));
            }
        });
        match started {
            Ok(_) => {
                tracing::info!(job = %id, "started");
                self.running
                    .insert(id, Running { signals, report, waiting, since: clock::now(), pace: Pace::default() });
            }
            Err(e) => {
                tracing::error!(job = %id, "cannot start a thread: {e}");
                let place = self.workshop.spool.root().to_path_buf();
                self.queue.wait_for(
                    waiting,
                    place,
                    format!("cannot start a thread: {e}"),
                    clock::now(),
                    Instant::now(),
                );
            }
        }
    }

    fn take_end(&mut self, (id, outcome): (JobId, Outcome)) {
        let Some(running) = self.running.remove(&id) else { return };
        self.changes += 1;
        let mut waiting = running.waiting;
        // It has moved to `processing/` since.
        waiting.located.state = State::Processing;
        waiting.located.folder = self.workshop.spool.folder(State::Processing).join(id.as_str());
        let place = match &outcome {
            Outcome::Wait { place, .. } => Some(place.as_path()),
            _ => None,
        };
        if matches!(outcome, Outcome::Stopped | Outcome::Halted { .. }) {
            self.queue.told_nothing(&id);
        } else if let Some(back) = self.queue.came_through(&waiting, place) {
            tracing::info!("{} is as it should be again: what waited for it goes on", back.display());
        }
        match outcome {
            Outcome::Finished { result, .. } => tracing::info!(job = %id, %result, "finished"),
            Outcome::Held { questions } => tracing::info!(job = %id, questions, "held"),
            Outcome::Stopped => {}
            Outcome::Wait { why, place } => {
                if self.queue.wait_for(waiting, place, why.clone(), clock::now(), Instant::now()) {
                    tracing::warn!(job = %id, "waits: {why}");
                }
            }
            Outcome::Halted { why } => {
                tracing::error!(job = %id, "stopped, a person must look: {why}");
                waiting.halted = true;
                waiting.why = Some(why);
                self.queue.jobs.insert(id, waiting);
            }
        }
    }
}
