//! The Internet Printing Protocol, as far as a print needs it: facts of a printer, making a job, sending its document,
//! looking after it.
//!
//! Owns: every request ends within a stated time and every answer within stated bytes, whatever the printer does; and
//! an error says whether the printer can have got anything. Must not know what is printed, for whom, or how often it
//! was tried: deciding about a second try is the caller's.
//!
//! The crate `ipp` has the format's values and writes requests; answers are read here, as far as they can be. HTTP and TLS are `ureq` and `rustls` with a connection of our own, because only
//! there it is known whether a byte of the request has left.

mod answer;
mod endpoint;
mod error;
mod facts;
mod job;
mod media;
mod paper;
mod reader;
mod reason;
mod request;
mod ticket;
mod wire;

pub use endpoint::{Endpoint, Patience, USER_NAME, Which};
pub use error::{IppError, Refusal};
pub use facts::{PrinterFacts, PrinterState};
pub use job::{Created, JobFacts, JobState, Listed};
pub use media::{Medium, MediumRange, PrinterMedia, TOLERANCE_HMM};
pub use paper::{Choice, Combination, Paper};
pub use reason::{Keeps, Reason, Severity};
pub use ticket::{Document, Scaling, Ticket};
