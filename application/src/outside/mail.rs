//! What sends a finished mail, and what can go wrong.

mod compose;
mod smtp;

use futures::future::BoxFuture;

pub use compose::{is_address, one_line};
pub use smtp::{Encryption, NotAMailUrl, SmtpMailer, SmtpServer, for_account, send_through};

/// A mail that only has to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Mail {
    pub to: Mailbox,
    pub from: Mailbox,
    /// On one line.
    pub subject: String,
    /// The body for programs that show only text.
    pub text: String,
    /// The body for all other programs.
    pub html: Option<String>,
    /// By this the receiving side recognises a repetition. Without angle brackets.
    pub message_id: String,
}

/// An address, with the name of its owner.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Mailbox {
    pub name: Option<String>,
    pub address: String,
}

/// Why a mail was not sent. Does not tell who it was for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Neither the operator nor the settings name a server.
    #[error("no mail server is configured")]
    NotConfigured,
    /// It can never be sent like this: an address is invalid, or has characters that mail does not allow.
    #[error("the mail is not valid: {0}")]
    Invalid(&'static str),
    /// Trying again does not help.
    #[error("the mail server refuses the mail for good ({code})")]
    Refused {
        /// As the mail server gave it.
        code: u16,
    },
    /// Trying again later may help.
    #[error("the mail server does not take the mail now ({code})")]
    Deferred {
        /// As the mail server gave it.
        code: u16,
    },
    /// No mail can be sent now: the server cannot be reached, is not who it should be, or does not let us in.
    #[error("the mail server cannot be used: {0}")]
    Unreachable(String),
}

/// Sends mails that are ready to be sent.
pub trait Mailer: Send + Sync + 'static {
    /// Whether a mail server is known.
    fn is_configured(&self) -> bool;

    /// Sends one mail. If this returns `Ok`, the mail server has taken it.
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), SendError>>;
}
