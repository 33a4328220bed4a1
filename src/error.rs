//! What an error means, and how the program ends.

/// What an error means for the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The manifest's fault: the job fails, with a reason.
    Reject,
    /// The world's: the job waits and is tried again.
    Wait,
    /// A person must decide.
    Ask,
    /// Ours: the job stays as it is, untouched.
    Halt,
}

/// Exit codes of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Fine = 0,
    /// The work failed.
    Failed = 1,
    /// The command line or the config.
    Usage = 2,
    Interrupted = 130,
}

/// An error that ends a command: what is shown, and the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    pub exit: Exit,
    /// What happened, to which file or field, and what to do; may have several lines.
    pub text: String,
}

impl Error {
    pub fn failed(text: impl Into<String>) -> Error {
        Error { exit: Exit::Failed, text: text.into() }
    }

    pub fn usage(text: impl Into<String>) -> Error {
        Error { exit: Exit::Usage, text: text.into() }
    }
}
