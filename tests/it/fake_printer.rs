//! A printer that speaks IPP on this machine, keeps count of every sheet, and does wrong what it is told to.
//!
//! It reads requests and builds answers with the crate that the program uses too, and knows nothing else of the
//! program.

mod connection;
mod jobs;
mod operations;
mod tls;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub use ipp::model::Operation;
pub use jobs::{FakeJob, FakeState, Print};
pub use tls::Certificate;

use jobs::Book;

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends before the request is read: it never happened.
    Unheard,
    /// The request is carried out, and the connection ends before the answer.
    Unanswered,
    /// The connection ends when so many bytes of the document are there. A direct printer prints those; a spooler
    /// forgets them, and a job of Print-Job with them.
    CutAt(usize),
    /// Carried out, and answered with an HTTP status.
    Http(u16),
    /// An IPP status, and nothing is done.
    Refused(u16),
    /// The same, and the connection ends, before the rest of the request is read.
    RefusedAtOnce(u16),
    /// Its job is made and cancelled when so many sheets are out; the answer is this IPP status.
    BrokenOff(u16, u32),
    /// Not carried out; the answer is these bytes.
    Garbage(Vec<u8>),
    /// Not carried out; the answer has no end.
    Endless,
    /// Carried out; the answer comes a byte each so many milliseconds.
    Dribble(u64),
}

/// How it is, for the time being.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "printers differ in many small ways, each by itself")]
pub struct Behaviour {
    pub is_spooler: bool,
    /// Without, it takes Print-Job alone.
    pub has_create_job: bool,
    /// Names the uuid of a job where that is made; few printers do.
    pub tells_uuid_at_once: bool,
    /// Refuses new jobs with *busy*.
    pub busy: bool,
    pub accepting: bool,
    /// Begun jobs stay where they are.
    pub stopped: bool,
    pub reasons: Vec<String>,
    /// From a job's turn to its last sheet.
    pub print_time: Duration,
    /// Sizes in hundredths of a millimetre.
    pub media: Vec<(i32, i32)>,
    /// Sizes that lie in its trays; none: it does not say.
    pub loaded: Vec<(i32, i32)>,
    /// Types of paper that it has, and those of them that it prints to the edges on; none: it does not say.
    pub types: Vec<String>,
    pub borderless_types: Vec<String>,
    /// Says nothing of its sizes.
    pub hides_media: bool,
    pub borderless: bool,
    /// Takes any setting, and says what it left out, also when told to refuse.
    pub ignores_fidelity: bool,
    /// Takes a cancel, and goes on being what it was for the time being.
    pub cancels_late: bool,
    /// Most copies of one job.
    pub max_copies: i32,
    /// Lists its jobs by their numbers alone.
    pub lists_numbers: bool,
    /// Says of no job what it is called.
    pub hides_names: bool,
    /// Counts what it has read of a document.
    pub counts_octets: bool,
    /// Finished jobs that it remembers.
    pub history: usize,
    /// What it calls its answers, and whether it says how long they are and ends the connection when it has not.
    pub answer_type: Option<&'static str>,
    pub has_length: bool,
    /// Puts these bytes before the attributes of the printer.
    pub odd_attributes: Vec<u8>,
    pub user_and_password: Option<(String, String)>,
    /// What the next jobs come to, instead of completed: the state, and sheets that came out before.
    pub fates: Vec<(FakeState, u32)>,
    /// Why jobs are as they ended.
    pub end_reasons: Vec<&'static str>,
    /// Says that it takes copies.
    pub speaks_of_copies: bool,
    /// Counts a document once, however many copies of it come out.
    pub counts_documents: bool,
    /// Answers each document with this IPP status.
    pub refuses_documents: Option<u16>,
    /// Cancels nothing.
    pub refuses_cancel: bool,
    /// Jobs stay in this state when they have their document, though the printer is idle.
    pub stuck: Option<FakeState>,
    /// Document formats.
    pub formats: Vec<&'static str>,
}

impl Default for Behaviour {
    fn default() -> Behaviour {
        Behaviour {
            is_spooler: false,
            has_create_job: true,
            tells_uuid_at_once: false,
            busy: false,
            accepting: true,
            stopped: false,
            reasons: Vec::new(),
            print_time: Duration::ZERO,
            media: vec![(10160, 15240), (12700, 17780), (20320, 25400)],
            loaded: Vec::new(),
            types: Vec::new(),
            borderless_types: Vec::new(),
            hides_media: false,
            borderless: true,
            ignores_fidelity: false,
            cancels_late: false,
            max_copies: 999,
            lists_numbers: false,
            hides_names: false,
            counts_octets: false,
            history: usize::MAX,
            answer_type: Some("application/ipp"),
            has_length: true,
            odd_attributes: Vec::new(),
            user_and_password: None,
            fates: Vec::new(),
            end_reasons: Vec::new(),
            speaks_of_copies: true,
            counts_documents: false,
            refuses_documents: None,
            refuses_cancel: false,
            stuck: None,
            formats: vec!["image/jpeg"],
        }
    }
}

#[derive(Debug)]
struct State {
    behaviour: Behaviour,
    book: Book,
    uuid: String,
    started: Instant,
    requests: Vec<Operation>,
    /// What is to go wrong, and with which request of this operation from now on: 0 is the next.
    faults: Vec<(Operation, usize, Fault)>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    tls: Option<Arc<rustls::ServerConfig>>,
    stop: AtomicBool,
    /// Requests whose connection ends without a word: a printer that is switched off.
    is_off: AtomicBool,
}

impl Shared {
    /// A connection's thread that panicked must not hide what it panicked about.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// It ends when it is dropped.
#[derive(Debug)]
pub struct FakePrinter {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    certificate: Option<Certificate>,
}

impl FakePrinter {
    /// A direct printer that prints at once.
    pub fn start() -> FakePrinter {
        FakePrinter::start_as(Behaviour::default(), None)
    }

    pub fn spooler() -> FakePrinter {
        FakePrinter::start_as(Behaviour { is_spooler: true, ..Behaviour::default() }, None)
    }

    pub fn start_as(behaviour: Behaviour, certificate: Option<Certificate>) -> FakePrinter {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State {
            behaviour,
            book: Book::default(),
            uuid: format!("urn:uuid:00000000-0000-4000-8000-{:012}", address.port()),
            started: Instant::now(),
            requests: Vec::new(),
            faults: Vec::new(),
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            tls: certificate.as_ref().map(Certificate::server),
            stop: AtomicBool::new(false),
            is_off: AtomicBool::new(false),
        });
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for stream in listener.incoming() {
                    if shared.stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let shared = Arc::clone(&shared);
                    // What a client breaks off is its own matter.
                    std::thread::spawn(move || stream.map(|stream| connection::serve(stream, &shared)));
                }
            }
        });
        FakePrinter { address, shared, thread: Some(thread), certificate }
    }

    pub fn uri(&self) -> String {
        let scheme = if self.certificate.is_some() { "ipps" } else { "ipp" };
        format!("{scheme}://127.0.0.1:{}/ipp/print", self.address.port())
    }

    /// Changes how it is from the next request on.
    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        let mut state = self.shared.state();
        change(&mut state.behaviour);
        state.advance();
    }

    /// The next request of this kind goes wrong.
    pub fn fail_next(&self, operation: Operation, fault: Fault) {
        self.fail_nth(operation, 0, fault);
    }

    /// The request of this kind goes wrong that has so many others of its kind before it, from now on.
    pub fn fail_nth(&self, operation: Operation, others_before: usize, fault: Fault) {
        self.shared.state().faults.push((operation, others_before, fault));
    }

    /// No paper: it stops, and says why.
    pub fn run_out_of_paper(&self) {
        self.behave(|printer| {
            printer.stopped = true;
            printer.reasons = vec!["media-empty-error".into(), "media-needed-error".into()];
        });
    }

    pub fn fill_paper(&self) {
        self.behave(|printer| {
            printer.stopped = false;
            printer.reasons.clear();
        });
    }

    /// Answers nobody, and goes on printing what it has.
    pub fn switch_network(&self, on: bool) {
        self.shared.is_off.store(!on, Ordering::SeqCst);
    }

    /// Power off and on: jobs, history and up-time are gone, ids start at 1 again. What came out stays on record.
    pub fn restart(&self) {
        let mut state = self.shared.state();
        state.advance();
        state.book.restart();
        state.started = Instant::now();
    }

    /// Pretends to have been on for so long, so that an up-time can be told from that after a restart.
    pub fn has_been_on_for(&self, time: Duration) {
        self.shared.state().started = Instant::now().checked_sub(time).unwrap();
    }

    /// Every job is forgotten, without a restart: finished ones, and those under way as well.
    pub fn forget_jobs(&self) {
        let mut state = self.shared.state();
        state.advance();
        state.book.forget();
    }

    /// As a person does at the printer's panel; sheets that are out stay out.
    pub fn cancel_at_the_panel(&self, id: i32, sheets_out: u32) {
        let mut state = self.shared.state();
        state.advance();
        state.book.end(id, FakeState::Canceled, sheets_out);
    }

    /// Everything that came out, in order: one for each copy.
    pub fn prints(&self) -> Vec<Print> {
        let mut state = self.shared.state();
        state.advance();
        state.book.prints.clone()
    }

    /// Jobs that it remembers.
    pub fn jobs(&self) -> Vec<FakeJob> {
        let mut state = self.shared.state();
        state.advance();
        state.book.jobs.clone()
    }

    /// How often this was asked of it, unheard requests included.
    pub fn count(&self, operation: Operation) -> usize {
        self.shared.state().requests.iter().filter(|known| **known == operation).count()
    }
}

impl State {
    fn advance(&mut self) {
        self.book.advance(&mut self.behaviour, Instant::now());
    }

    fn up_time_s(&self) -> i32 {
        i32::try_from(self.started.elapsed().as_secs()).unwrap() + 1
    }

    /// The fault that this request is to meet.
    fn fault(&mut self, operation: Operation) -> Option<Fault> {
        let mut hit = None;
        self.faults.retain_mut(|(of, before, fault)| {
            if *of != operation {
                return true;
            }
            if *before == 0 && hit.is_none() {
                hit = Some(fault.clone());
                return false;
            }
            *before = before.saturating_sub(1);
            true
        });
        hit
    }
}

impl Drop for FakePrinter {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().unwrap().join();
    }
}
