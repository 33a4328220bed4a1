//! How long a mail server has, and how a mail on its way is called off.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// How long is waited for a mail server, each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For each address of it.
    pub connect: Duration,
    /// For the greeting and the reply to a command.
    pub command: Duration,
    /// For the reply to `DATA`.
    pub data: Duration,
    /// For a block of the mail to be taken.
    pub block: Duration,
    /// For the reply to the final dot. Whoever gives up earlier sends the mail again, and the server, which had only been
    /// slow, delivers both.
    pub end: Duration,
    /// For the mail as a whole.
    pub whole: Duration,
}

impl Patience {
    /// The waits of RFC 5321, 4.5.3.2; it names none for the whole.
    pub const STANDARD: Patience = Patience {
        connect: Duration::from_secs(30),
        command: Duration::from_mins(5),
        data: Duration::from_mins(2),
        block: Duration::from_mins(3),
        end: Duration::from_mins(10),
        whole: Duration::from_mins(30),
    };
    /// While somebody waits at a page or a terminal.
    pub const BY_HAND: Patience = Patience { whole: Duration::from_mins(3), ..Patience::STANDARD };
    /// To see whether the server answers at all.
    pub const TO_LOOK: Patience =
        Patience { command: Duration::from_secs(40), whole: Duration::from_mins(1), ..Patience::STANDARD };
}

/// The one who sends and the one who waits for it agree by this whether the server may have the mail.
#[derive(Debug, Clone, Default)]
pub struct Recall(Arc<AtomicU8>);

/// Without its final dot no server delivers a mail.
const NOT_WHOLE: u8 = 0;
const CALLED_OFF: u8 = 1;
const WHOLE: u8 = 2;
const GIVEN_UP: u8 = 3;

impl Recall {
    /// True: the server does not get it. False: it may have it, and its answer is on the way.
    pub fn call_off(&self) -> bool {
        let order = Ordering::SeqCst;
        matches!(self.0.compare_exchange(NOT_WHOLE, CALLED_OFF, order, order), Ok(_) | Err(CALLED_OFF))
    }

    /// Nobody waits for the answer any more.
    pub fn give_up(&self) {
        self.0.store(GIVEN_UP, Ordering::SeqCst);
    }

    /// Before the final dot. False: it was called off.
    pub(super) fn complete(&self) -> bool {
        self.0.compare_exchange(NOT_WHOLE, WHOLE, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    pub(super) fn is_off(&self) -> bool {
        matches!(self.0.load(Ordering::SeqCst), CALLED_OFF | GIVEN_UP)
    }
}

/// Under which a mail is handed over.
pub struct Terms<'a> {
    pub patience: Patience,
    pub recall: Recall,
    /// Puts down that the server may have the mail from now on, before the final dot is sent: whoever is killed while the
    /// server makes up its mind knows so afterwards. On an error the dot is not sent.
    pub before_dot: &'a (dyn Fn() -> Result<(), String> + Sync),
}

impl Terms<'_> {
    /// For a mail of which nothing is put down.
    pub fn new(patience: Patience) -> Terms<'static> {
        Terms { patience, recall: Recall::default(), before_dot: &|| Ok(()) }
    }
}

impl fmt::Debug for Terms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Terms { patience, recall, .. } = self;
        f.debug_struct("Terms").field("patience", patience).field("recall", recall).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_may_have_is_not_called_off() {
        let early = Recall::default();
        assert!(early.call_off() && early.call_off() && early.is_off());
        assert!(!early.complete(), "its final dot is not sent any more");
        let late = Recall::default();
        assert!(late.complete() && !late.call_off() && !late.is_off());
        late.give_up();
        assert!(late.is_off() && !late.call_off());
    }
}
