//! What can go wrong with a request, told apart by what the printer can have got of it.

/// Why a request has no usable answer. The text says what happened and what to do, without the printer's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IppError {
    /// The config's own part: a certificate or password file that cannot be read. Nothing was sent.
    #[error("{0}")]
    Setup(String),
    /// No connection, or none that could be trusted: nothing of the request has left.
    #[error("{0}")]
    NotSent(String),
    /// Some of the request has left, and there is no answer: the printer may have acted on it.
    #[error("{0}")]
    Lost(String),
    /// The printer answered, and did not do it.
    #[error("{0}")]
    Refused(Refusal),
    /// The printer answered with something that is no answer: it may have acted on the request.
    #[error("{0}")]
    Malformed(String),
}

impl IppError {
    /// The printer may have done what was asked: look before asking again.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self, IppError::Lost(_) | IppError::Malformed(_))
    }

    /// The same of a request that came with its document. A printer that prints while it reads says no after paper, when
    /// somebody cancels the job or its hardware fails.
    pub fn is_in_doubt_with_document(&self) -> bool {
        self.is_in_doubt() || matches!(self, IppError::Refused(refusal) if refusal.may_have_begun())
    }

    /// There is no such job, or no more.
    pub(super) fn is_unknown_job(&self) -> bool {
        matches!(self, IppError::Refused(refusal) if matches!(refusal.status, NOT_FOUND | GONE))
    }
}

const NOT_AUTHENTICATED: u16 = 0x0402;
const NOT_POSSIBLE: u16 = 0x0404;
const NOT_FOUND: u16 = 0x0406;
const GONE: u16 = 0x0407;
const TIMEOUT: u16 = 0x0405;
const COMPRESSION_ERROR: u16 = 0x0410;
const DOCUMENT_FORMAT_ERROR: u16 = 0x0411;
const OPERATION_NOT_SUPPORTED: u16 = 0x0501;
const SERVICE_UNAVAILABLE: u16 = 0x0502;
const VERSION_NOT_SUPPORTED: u16 = 0x0503;
const TEMPORARY_ERROR: u16 = 0x0505;
const NOT_ACCEPTING_JOBS: u16 = 0x0506;
const BUSY: u16 = 0x0507;
const ONE_DOCUMENT_A_JOB: u16 = 0x0509;
/// From here on: deactivated, too many jobs, too many documents.
const DEACTIVATED: u16 = 0x050a;
const TOO_MANY_DOCUMENTS: u16 = 0x050c;

/// A printer's no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// IPP status code; for a refusal by HTTP the one that comes next to it.
    pub status: u16,
    /// What to tell the operator.
    pub text: String,
}

impl Refusal {
    /// It passes: the printer has too much to do, or takes nothing for now.
    pub fn is_busy(&self) -> bool {
        matches!(self.status, SERVICE_UNAVAILABLE | TEMPORARY_ERROR | NOT_ACCEPTING_JOBS | BUSY)
    }

    /// It is about who we are, not about what was sent.
    pub fn is_about_user(&self) -> bool {
        matches!(self.status, 0x0401..=0x0403)
    }

    /// It is about something that can go wrong in the middle of a document, not about taking it.
    pub fn may_have_begun(&self) -> bool {
        match self.status {
            OPERATION_NOT_SUPPORTED
            | SERVICE_UNAVAILABLE
            | VERSION_NOT_SUPPORTED
            | NOT_ACCEPTING_JOBS
            | BUSY
            | ONE_DOCUMENT_A_JOB
            | DEACTIVATED..=TOO_MANY_DOCUMENTS => false,
            TIMEOUT | COMPRESSION_ERROR | DOCUMENT_FORMAT_ERROR => true,
            status => status >= 0x0500,
        }
    }

    /// The job is past the state in which that can be done, such as a cancel of a job that has ended.
    pub fn is_too_late(&self) -> bool {
        self.status == NOT_POSSIBLE
    }

    /// From an IPP status that is no success and what the printer says to it.
    pub(super) fn ipp(status: u16, message: Option<&str>, unsupported: &[String]) -> Refusal {
        let mut text = format!("the printer refused: {}", words(status));
        if let Some(message) = message.filter(|message| !message.is_empty()) {
            text.push_str(&format!(" ({message})"));
        }
        if !unsupported.is_empty() {
            text.push_str(&format!("; it does not take {}", unsupported.join(", ")));
        }
        Refusal { status, text }
    }

    /// A password that may not go over the line as it is.
    pub(super) fn digest() -> Refusal {
        let text = "it takes passwords by HTTP Digest alone, which this program does not speak: let it take Basic (over \
                    `ipps://`), let this machine print without a password, or print through a queue of CUPS";
        Refusal { status: NOT_AUTHENTICATED, text: text.to_string() }
    }

    /// From an HTTP status other than 200. `None` when it leaves open whether the request was carried out.
    pub(super) fn http(status: u16) -> Option<Refusal> {
        let (ipp, text) = match status {
            401 => (
                NOT_AUTHENTICATED,
                "it asks for a user and password: give the printer `user` and `password_file`, or correct them"
                    .to_string(),
            ),
            403 => (0x0401, "it lets this machine do nothing (HTTP 403): look at its access list".to_string()),
            404 | 405 => {
                (NOT_FOUND, format!("nobody prints at this path (HTTP {status}): look at the end of its `uri`"))
            }
            413 => (0x0408, "the document is larger than it takes (HTTP 413)".to_string()),
            426 => (0x0401, "it wants an encrypted connection: write `ipps://` in its `uri`".to_string()),
            503 => (SERVICE_UNAVAILABLE, "it has no time for now (HTTP 503)".to_string()),
            300..500 if status != 408 => (0x0400, format!("it answers with HTTP {status}: look at its `uri`")),
            _ => return None,
        };
        Some(Refusal { status: ipp, text })
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a status code means, in plain words.
fn words(status: u16) -> String {
    let words = match status {
        0x0400 => "it does not understand the request",
        0x0401 | 0x0403 => "this user may not",
        NOT_AUTHENTICATED => "it asks for a user and password",
        NOT_POSSIBLE => "it cannot be done now",
        TIMEOUT => "it waited too long for the document",
        NOT_FOUND => "it knows no such job or queue",
        GONE => "that is gone",
        0x0408 => "the document is too large",
        0x0409 => "a value is too long",
        0x040a => "it does not print files of this format",
        0x040b => "it cannot print with these settings",
        0x040c => "it does not take this kind of address",
        0x040e => "the settings contradict each other",
        DOCUMENT_FORMAT_ERROR => "it cannot read the document",
        0x0500 => "it has an internal error",
        OPERATION_NOT_SUPPORTED => "it cannot do that",
        SERVICE_UNAVAILABLE => "it is not available",
        VERSION_NOT_SUPPORTED => "it does not speak this version of IPP",
        0x0504 => "its hardware reports an error",
        TEMPORARY_ERROR => "it has a passing error",
        NOT_ACCEPTING_JOBS => "it accepts no jobs",
        BUSY => "it is busy",
        0x0508 => "the job was cancelled at the printer",
        ONE_DOCUMENT_A_JOB => "it takes one document a job",
        _ => return format!("status 0x{status:04x}"),
    };
    words.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do() {
        let refusal = Refusal::ipp(0x040b, Some("Bad media"), &["media-col".into()]);
        assert_eq!(
            refusal.to_string(),
            "the printer refused: it cannot print with these settings (Bad media); it does not take media-col"
        );
        assert!(!refusal.is_busy());
        assert!(Refusal::ipp(0x0507, None, &[]).is_busy());
        assert_eq!(Refusal::ipp(0x05ff, None, &[]).to_string(), "the printer refused: status 0x05ff");
    }

    #[test]
    fn what_http_leaves_open_is_no_refusal() {
        for open in [100, 200, 408, 500, 502, 504] {
            assert_eq!(Refusal::http(open), None, "{open}");
        }
        for refused in [301, 401, 403, 404, 413, 426, 503] {
            assert!(Refusal::http(refused).is_some(), "{refused}");
        }
        assert!(Refusal::http(503).unwrap().is_busy());
    }

    #[test]
    fn only_what_may_have_arrived_is_in_doubt() {
        assert!(IppError::Lost(String::new()).is_in_doubt());
        assert!(IppError::Malformed(String::new()).is_in_doubt());
        assert!(!IppError::NotSent(String::new()).is_in_doubt());
        assert!(!IppError::Refused(Refusal::ipp(0x0507, None, &[])).is_in_doubt());
        assert!(IppError::Refused(Refusal::ipp(0x0406, None, &[])).is_unknown_job());
    }

    #[test]
    fn a_no_after_the_document_may_come_after_paper() {
        let refused = |status| IppError::Refused(Refusal::ipp(status, None, &[]));
        // Cancelled, its hardware, an error inside, a passing one, one that nobody knows; the document itself.
        for begun in [0x0508, 0x0504, 0x0500, 0x0505, 0x05ff, 0x0405, 0x0410, 0x0411] {
            assert!(refused(begun).is_in_doubt_with_document() && !refused(begun).is_in_doubt(), "{begun:#x}");
        }
        for untouched in [0x0400, 0x0406, 0x040a, 0x040b, 0x0501, 0x0502, 0x0503, 0x0506, 0x0507, 0x0509, 0x050a] {
            assert!(!refused(untouched).is_in_doubt_with_document(), "{untouched:#x}");
        }
        assert!(IppError::Lost(String::new()).is_in_doubt_with_document());
        assert!(!IppError::NotSent(String::new()).is_in_doubt_with_document());
    }
}
