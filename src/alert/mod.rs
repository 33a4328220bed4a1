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

mod message;
mod smtp;

pub use self::message::{Message, MessageId};
pub use self::smtp::{MailError, Refusal, probe, send_to_all, send_to_any};
