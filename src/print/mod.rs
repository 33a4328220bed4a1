//! Printers: how sheets get to paper, once.
//!
//! Owns: no document leaves before the intent to print it and the printer's own job id are durable; nothing is sent a
//! second time that may have been printed: then a person is asked. Must not know how a picture is made, nor which job
//! goes before which: it is given ranks.
//!
//! `press` says who may print where, `keep` what keeps a sheet from it; `ipp` speaks with printers, `network`, `folder` and `program` bring a sheet to one
//! of each kind, and `protocol` decides what a printer's answer means.

mod choose;
pub mod folder;
pub mod ipp;
pub mod keep;
pub mod look;
pub mod network;
pub mod press;
pub mod program;
pub mod protocol;

use std::path::PathBuf;

use crate::model::config::Stock;
use crate::model::delivery::PrintQuality;
use crate::model::digest::sha256;
use crate::model::units::Dimensions;
use crate::spool::durable::{Done, DurableError};
use crate::spool::journal::PrintEvent;

/// One sheet that is to be printed, so often, in one piece.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Unique in the spool: the job and the print.
    pub job: String,
    pub step: String,
    /// What people see: the sheet's own name, without its extension.
    pub title: String,
    /// The finished picture, in the job's `outputs/`.
    pub file: PathBuf,
    pub bytes: u64,
    pub sha256: String,
    pub copies: u32,
    pub paper: Dimensions,
    /// What its printer calls that paper.
    pub stock: Stock,
    /// What the order calls it.
    pub paper_name: Option<String>,
    pub borderless: bool,
    pub quality: PrintQuality,
    pub color_mode: Option<String>,
}

/// Writes an event of a print down; durable when it returns.
pub type Note<'n> = dyn FnMut(PrintEvent) -> Done + 'n;

/// What may be done for a sheet that is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// All of it: what has not left is sent.
    Send,
    /// The server stops: nothing more leaves, and everything is left as it is.
    Leave,
    /// The job is held: what has not left is taken back, and is sent anew when the job goes on.
    Hold,
    /// The job is cancelled: what has not left never does.
    Cancel,
}

/// Why a sheet cannot go on, in the end.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    #[error(transparent)]
    Disk(#[from] DurableError),
    /// It is not what was rendered any more, and must be made anew.
    #[error("{0}")]
    Damaged(String),
}

/// How far a sheet came in one go.
#[derive(Debug)]
pub enum Went {
    /// It is on its way: look again later. What keeps it, where something does.
    On(Option<String>),
    /// A thread of its own brings it there.
    Sending(network::Sending),
    /// Nothing of this attempt came out, and why: it may be tried again, also elsewhere.
    Not(String),
    /// It has no room for more now, and why: the sheet, or what is left of it, goes when there is.
    Full(String),
    /// The journal has its end, or a question for a person.
    Over,
}

impl Sheet {
    /// What is in the name of the printer's job and in no other one's.
    pub fn token(&self, attempt: u32) -> String {
        let digest = sha256(format!("{} {} {attempt}", self.job, self.step).as_bytes());
        format!("hf-{}", &digest[..12])
    }

    /// The document, which is what was rendered.
    pub fn read(&self) -> Result<Vec<u8>, PrintError> {
        let shown = self.file.display();
        let bytes = match std::fs::read(&self.file) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(PrintError::Damaged(format!("{shown} is gone")));
            }
            Err(e) => return Err(DurableError::new("read", &self.file, e).into()),
        };
        if sha256(&bytes) != self.sha256 {
            return Err(PrintError::Damaged(format!("{shown} is not what was rendered any more")));
        }
        Ok(bytes)
    }

    /// `.jpg` and the like.
    pub fn extension(&self) -> String {
        self.file.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default()
    }
}
