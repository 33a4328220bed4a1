//! What the studio is told of, and one telling of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keyword;

keyword! {
    /// What is wrong, in a word for programs.
    #[derive(PartialOrd, Ord)]
    pub enum Kind {
        JobFailed = "job_failed",
        JobStopped = "job_stopped",
        JobHeld = "job_held",
        Queue = "queue",
        Place = "place",
        Drop = "drop",
        Printer = "printer",
        Print = "print",
        DiskLow = "disk_low",
        Config = "config",
        Lab = "lab",
        LinkAsked = "link_asked",
        UncleanStop = "unclean_stop",
    }
}

/// Something that is wrong now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Tells one cause from every other; the same for as long as it lasts.
    pub cause: String,
    pub kind: Kind,
    /// Half a sentence; its first word is ours, and no name.
    pub title: String,
    /// What happened and what to do.
    pub text: String,
    pub since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

keyword! {
    pub enum Event {
        Began = "began",
        Over = "over",
        /// It happened; there is no end to it.
        Once = "once",
    }
}

/// One telling, until everybody has heard it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// In the order in which they came up.
    pub number: u64,
    pub event: Event,
    #[serde(flatten)]
    pub of: Condition,
    pub at: Timestamp,
    /// Still to be mailed.
    pub mail: bool,
    /// Still to be posted.
    pub webhook: bool,
}

impl Kind {
    /// What is said when it is over and nothing else is known.
    pub fn relief(self) -> &'static str {
        match self {
            Kind::JobFailed => "The job has come to its end after all.",
            Kind::JobStopped => "The job goes on.",
            Kind::JobHeld => "Somebody has answered.",
            Kind::Queue => "The queue has caught up.",
            Kind::Place => "It is as it should be again; what waited for it goes on.",
            Kind::Drop => "It was taken, or is gone.",
            Kind::Printer => "It prints again.",
            Kind::Print => "Nothing waits there for that any more.",
            Kind::DiskLow => "There is room again.",
            Kind::Config => "The config file is right again and in force.",
            Kind::Lab => "The lab has taken the order.",
            Kind::LinkAsked => "The client has been answered, or the link is not kept any more.",
            Kind::UncleanStop => "",
        }
    }
}
