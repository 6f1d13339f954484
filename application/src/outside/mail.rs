//! What sends a finished mail, and what can go wrong.

mod compose;
mod smtp;

use futures::future::BoxFuture;

pub use compose::{is_address, one_line};
pub use smtp::{Encryption, NotAMailUrl, SmtpMailer, SmtpServer, for_account, send_through};

/// A mail that only has to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Who gets it.
    pub to: Mailbox,
    /// Whom it is from.
    pub from: Mailbox,
    /// The subject, on one line.
    pub subject: String,
    /// The body for programs that show text only.
    pub text: String,
    /// The body for all others.
    pub html: Option<String>,
    /// What the receiving side recognises a repetition by, without angle brackets.
    pub message_id: String,
}

/// An address, with the name of whoever reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mailbox {
    /// The name, when there is one.
    pub name: Option<String>,
    /// The address.
    pub address: String,
}

/// Why a mail was not sent. Says nothing about whom it was for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nobody said which server sends mail.
    #[error("no mail server is configured")]
    NotConfigured,
    /// It can never be sent like this: an address is none, or has characters mail does not know.
    #[error("the mail is not valid: {0}")]
    Invalid(&'static str),
    /// The mail server will never take it.
    #[error("the mail server refuses the mail for good ({code})")]
    Refused {
        /// The code it gave.
        code: u16,
    },
    /// The mail server does not take this mail now.
    #[error("the mail server does not take the mail now ({code})")]
    Deferred {
        /// The code it gave.
        code: u16,
    },
    /// No mail can be sent now: the server cannot be reached, is not who it should be, or does not let us in.
    #[error("the mail server cannot be used: {0}")]
    Unreachable(String),
}

/// Sends mail.
pub trait Mailer: Send + Sync + 'static {
    /// Whether there is a server to send it with.
    fn is_configured(&self) -> bool;

    /// Sends one mail. When this answers `Ok`, the mail server has taken it.
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), SendError>>;
}
