//! One printer or queue, and what can be asked of it.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipp::model::{DelimiterTag, Operation};
use ipp::value::{IppMimeMediaType, IppValue};

use super::answer::{Answer, Attributes};
use super::error::IppError;
use super::facts::{self, PrinterFacts};
use super::job::{self, Created, JobFacts, JobState, Listed};
use super::media::COMBINATIONS;
use super::request::{self, Request};
use super::ticket::{Document, Ticket};
use super::wire::{self, Address};
use crate::model::config::PrinterTarget;
use crate::trust::{self, Trust};

/// Who prints, the same for submitting and searching: a printer may hide the jobs of others, or their names.
pub const USER_NAME: &str = "hotfolders";
/// Most jobs that have ended that are listed; the newest come first.
const FINISHED_MAX: i32 = 500;

/// How long a printer has, each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    pub connect: Duration,
    /// A request without a document, from its first byte to the end of the answer.
    pub query: Duration,
    /// The same with a document, whatever its size …
    pub document: Duration,
    /// … and so much more for each MiB: many printers take a sheet only as fast as they print it.
    pub document_per_mib: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            connect: Duration::from_secs(5),
            query: Duration::from_secs(15),
            document: Duration::from_mins(2),
            document_per_mib: Duration::from_secs(15),
        }
    }
}

impl Patience {
    fn for_document(&self, bytes: usize) -> Duration {
        let mib = u32::try_from(bytes.div_ceil(1024 * 1024)).unwrap_or(u32::MAX);
        self.document.saturating_add(self.document_per_mib.saturating_mul(mib))
    }
}

/// Which jobs to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Not ended.
    Open,
    /// Completed, aborted, cancelled: the newest first, as far as the printer remembers.
    Finished,
}

/// A printer or queue that is reached by IPP.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// As the config has it, with its port.
    uri: String,
    address: Address,
    patience: Patience,
}

impl Endpoint {
    /// Reads the certificate and password files that the target names. Nothing is sent. `None` for a printer that is
    /// not reached by IPP.
    pub fn new(target: &PrinterTarget, patience: Patience) -> Option<Result<Endpoint, IppError>> {
        let PrinterTarget::Ipp { uri, ca_file, insecure, user, password_file } = target else { return None };
        let open = || {
            let (scheme, rest) = uri.split_once("://").unwrap_or(("ipp", uri));
            let is_encrypted = scheme == "ipps";
            let whom = match ca_file {
                _ if *insecure => Trust::Any,
                Some(file) => Trust::File(file),
                None => Trust::System,
            };
            let tls = is_encrypted.then(|| trust::client_config(whom)).transpose().map_err(IppError::Setup)?;
            let authorization = match (user, password_file) {
                (Some(user), Some(file)) => Some(basic(user, &password(file)?)),
                _ => None,
            };
            let url = format!("{}://{rest}", if is_encrypted { "https" } else { "http" });
            let address = Address { url, tls, authorization, connect_within: patience.connect };
            Ok(Endpoint { uri: uri.clone(), address, patience })
        };
        Some(open())
    }

    /// As the config has it, with its port.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// What the printer says about itself now.
    pub fn facts(&self) -> Result<PrinterFacts, IppError> {
        self.facts_of(&facts::REQUESTED)
    }

    /// The same with what goes together of its paper: for who is about to print. A printer whose list is too long for
    /// an answer, or for its time, is asked without it.
    pub fn facts_to_print(&self) -> Result<PrinterFacts, IppError> {
        match self.facts_of(&[&facts::REQUESTED[..], &[COMBINATIONS]].concat()) {
            Err(IppError::Malformed(_) | IppError::Lost(_) | IppError::Refused(_)) => self.facts(),
            other => other,
        }
    }

    fn facts_of(&self, requested: &[&str]) -> Result<PrinterFacts, IppError> {
        let answer = self.query(&self.request(Operation::GetPrinterAttributes).asking_for(requested))?;
        let printer = answer.group(DelimiterTag::PrinterAttributes).and_then(PrinterFacts::read);
        printer.ok_or_else(|| IppError::Malformed("its answer has no printer's state in it".into()))
    }

    /// Makes a job without a document.
    pub fn create_job(&self, ticket: &Ticket) -> Result<Created, IppError> {
        let request = self.submission(Operation::CreateJob, ticket).with_settings(ticket.attributes());
        self.created(&self.query(&request)?)
    }

    /// Gives a job its one document. `last-document` also ends the job's wait for more. The job's state, where the answer
    /// has it.
    pub fn send_document(&self, id: i32, document: &Document<'_>) -> Result<Option<JobState>, IppError> {
        let request = self
            .request(Operation::SendDocument)
            .with_job(id)
            .with("document-format", format(document))
            .with("last-document", IppValue::Boolean(true));
        let answer = self.send(&request, document)?;
        Ok(answer.group(DelimiterTag::JobAttributes).and_then(JobState::of))
    }

    /// Job and document in one, for printers without Create-Job.
    pub fn print_job(&self, ticket: &Ticket, document: &Document<'_>) -> Result<Created, IppError> {
        let request = self
            .submission(Operation::PrintJob, ticket)
            .with("document-format", format(document))
            .with_settings(ticket.attributes());
        self.created(&self.send(&request, document)?)
    }

    /// A job, `None` when the printer knows none of this id, or no more.
    pub fn job(&self, id: i32) -> Result<Option<JobFacts>, IppError> {
        let request = self.request(Operation::GetJobAttributes).with_job(id).asking_for(&job::REQUESTED);
        let answer = match self.query(&request) {
            Err(e) if e.is_unknown_job() => return Ok(None),
            other => other?,
        };
        let job = answer.group(DelimiterTag::JobAttributes).and_then(JobFacts::read);
        job.map(Some).ok_or_else(|| IppError::Malformed("its answer has no job's state in it".into()))
    }

    /// Jobs of all users, as far as the printer shows them.
    pub fn jobs(&self, which: Which) -> Result<Listed, IppError> {
        let (word, limit) = match which {
            Which::Open => ("not-completed", None),
            Which::Finished => ("completed", Some(FINISHED_MAX)),
        };
        let mut request = self.request(Operation::GetJobs);
        if let Some(limit) = limit {
            request = request.with("limit", IppValue::Integer(limit));
        }
        request = match IppValue::new_keyword(word) {
            Ok(word) => request.with("which-jobs", word),
            Err(_) => request,
        };
        let answer = self.query(&request.asking_for(&job::REQUESTED))?;
        Ok(Listed::read(answer.groups(DelimiterTag::JobAttributes)))
    }

    /// Asks the printer to drop a job. One that has ended or is gone is refused; look at it afterwards in any case: a
    /// cancelled job may have printed.
    pub fn cancel(&self, id: i32) -> Result<(), IppError> {
        self.query(&self.request(Operation::CancelJob).with_job(id)).map(|_| ())
    }

    fn request(&self, operation: Operation) -> Request {
        Request::new(operation, &self.uri, USER_NAME)
    }

    fn submission(&self, operation: Operation, ticket: &Ticket) -> Request {
        self.request(operation)
            .with("job-name", request::name(&ticket.name))
            .with("ipp-attribute-fidelity", IppValue::Boolean(true))
    }

    fn query(&self, request: &Request) -> Result<Answer, IppError> {
        Answer::read(&wire::exchange(&self.address, request.to_bytes(), &[], self.patience.query)?)
    }

    fn send(&self, request: &Request, document: &Document<'_>) -> Result<Answer, IppError> {
        let within = self.patience.for_document(document.bytes.len());
        Answer::read(&wire::exchange(&self.address, request.to_bytes(), document.bytes, within)?)
    }

    /// Neither CUPS nor most printers name the uuid in this answer; it is asked for. The job stands whether that
    /// works or not.
    fn created(&self, answer: &Answer) -> Result<Created, IppError> {
        let job = answer.group(DelimiterTag::JobAttributes);
        let id = job.and_then(|job| job.int("job-id")).filter(|id| *id > 0);
        let id = id.ok_or_else(|| IppError::Malformed("it made a job and does not say which".into()))?;
        let ignored = answer.group(DelimiterTag::UnsupportedAttributes).map(Attributes::names).unwrap_or_default();
        let uuid = job.and_then(|job| job.text("job-uuid"));
        let uuid = uuid.or_else(|| self.job(id).ok().flatten().and_then(|job| job.uuid));
        Ok(Created { id, uuid, ignored, state: job.and_then(JobState::of) })
    }
}

fn format(document: &Document<'_>) -> IppValue {
    match IppMimeMediaType::new(document.format) {
        Ok(format) => IppValue::MimeMediaType(format),
        // No type that we write is that long.
        Err(_) => IppValue::NoValue,
    }
}

fn password(file: &Path) -> Result<String, IppError> {
    let setup = |why: String| IppError::Setup(format!("`password_file` {}: {why}", file.display()));
    let text = String::from_utf8(trust::small_file(file).map_err(setup)?).map_err(|_| setup("is not UTF-8".into()))?;
    let password = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if password.is_empty() || password.contains(char::is_control) {
        return Err(setup("holds no password, or more than one line".into()));
    }
    Ok(password.to_string())
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
