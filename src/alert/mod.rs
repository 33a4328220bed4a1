//! Telling people: mails to clients, alerts to the studio.
//!
//! ```text
//! what is seen ─book: one alert for each cause, one when it is over─▶ notices ─digest─▶ mail
//!                                                                             └───────▶ webhook
//! ```
//!
//! Owns: no text of ours, whatever a client is called, becomes a header or a recipient; a password is read when it is
//! needed and told to nobody but the mail server. Must not know what is wrong with the studio, nor where links come from:
//! both come in as parameters.

mod book;
mod digest;
mod letter;
mod message;
mod notice;
mod smtp;
mod webhook;

pub use self::book::{Batch, Book, Channels, FILE, Open, Seen};
pub use self::digest::digest;
pub use self::letter::{Letter, LetterTemplate, LinkTold, link_letter, read_template};
pub use self::message::{Message, MessageId};
pub use self::notice::{Condition, Event, Kind, Notice};
pub use self::smtp::{MailError, Patience, Recall, Refusal, Terms, probe as probe_mail, send_to_all, send_to_any};
pub use self::webhook::{PostError, post, probe as probe_webhook};
