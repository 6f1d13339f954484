//! One e-mail inbox of the workspace: an address, with the servers its mail is sent and fetched through (contract,
//! admin 13.2). Addresses are claimed ([`crate::claim`]) in the same batch.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::permission::{Authority, Permission};
use crate::text;
use crate::{Category, Decider, Sealed, StreamId, Timestamp, UserId};

/// The most characters of any text of an inbox.
pub const LONGEST_TEXT: usize = 1000;

/// The stream of an inbox.
pub fn stream(inbox: &str) -> StreamId {
    StreamId::new(Category::EmailInbox, inbox)
}

/// A server that mail goes through, and the account there. The password is sealed in events ([`Sealed`]), and may be
/// left as it is in commands ([`Password`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailServer<P = Sealed> {
    /// Host name or address.
    pub server: String,
    pub port: u16,
    /// The account there; empty: none is needed.
    pub username: String,
    pub password: P,
    /// TLS from the first byte.
    pub secure: bool,
}

/// The properties of an inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description<P = Sealed> {
    pub active: bool,
    pub name: String,
    /// Unique in the workspace.
    pub email: String,
    /// A note for administrators.
    pub description: String,
    /// The name its mail is sent under.
    pub sender_info: String,
    /// The department its mail is for; empty: none.
    pub department: String,
    pub smtp: MailServer<P>,
    pub imap: MailServer<P>,
    /// How often fetching is tried again; newer clients set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imap_retries: Option<u32>,
}

/// A password in a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    New(Sealed),
    /// The password stays as it is.
    Kept,
}

events! {
    /// What can happen to an inbox.
    EmailInboxEvent {
        EmailInboxAdded = 1,
        EmailInboxChanged = 1,
        EmailInboxRemoved = 1,
    }
}

/// An inbox was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailInboxAdded {
    pub inbox: String,
    pub description: Description,
    pub by: UserId,
    pub at: Timestamp,
}

/// An inbox was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailInboxChanged {
    pub inbox: String,
    /// All properties, not only those that changed.
    pub description: Description,
    pub by: UserId,
    pub at: Timestamp,
}

/// An inbox was removed, and its passwords with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailInboxRemoved {
    pub inbox: String,
    pub by: UserId,
    pub at: Timestamp,
}

/// What is known of one id; `None`: there is no inbox, or no longer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmailInbox {
    pub description: Option<Description>,
}

/// What can be asked of an inbox.
#[derive(Clone, Debug)]
pub enum EmailInboxCommand {
    Add {
        inbox: String,
        description: Box<Description<Password>>,
        at: Timestamp,
    },
    Change {
        inbox: String,
        /// All properties, not only those that change.
        description: Box<Description<Password>>,
        at: Timestamp,
    },
    Remove {
        inbox: String,
        at: Timestamp,
    },
}

/// Why an inbox stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailInboxRefusal {
    /// `manage-email-inbox` is missing.
    #[error("not allowed to manage inboxes")]
    NotAllowed,
    /// It has no name, address or servers, or a text is too long.
    #[error("an inbox needs {0}")]
    Incomplete(&'static str),
    /// A password cannot be kept: there is none, or it was for another account or another server. Otherwise whoever may
    /// change an inbox could have its password sent to a server of their own.
    #[error("the password has to be given anew")]
    PasswordRequired,
    #[error("no such inbox")]
    NotFound,
    #[error("there is an inbox of this id already")]
    AlreadyExists,
}

impl MailServer<Password> {
    /// The server with its password, which may be the one of `before`.
    fn resolved(self, before: Option<&MailServer>) -> Result<MailServer, EmailInboxRefusal> {
        let password = match (self.password, before) {
            (Password::New(password), _) => password,
            (Password::Kept, Some(before))
                if (&self.server, self.port, &self.username, self.secure)
                    == (&before.server, before.port, &before.username, before.secure) =>
            {
                before.password.clone()
            }
            (Password::Kept, _) => return Err(EmailInboxRefusal::PasswordRequired),
        };
        Ok(MailServer {
            server: self.server,
            port: self.port,
            username: self.username,
            password,
            secure: self.secure,
        })
    }
}

impl Description<Password> {
    fn resolved(self, before: Option<&Description>) -> Result<Description, EmailInboxRefusal> {
        for (text, what) in [
            (&self.name, "a name"),
            (&self.email, "an address"),
            (&self.smtp.server, "a server to send through"),
            (&self.imap.server, "a server to fetch from"),
        ] {
            if crate::text::is_blank(text) {
                return Err(EmailInboxRefusal::Incomplete(what));
            }
        }
        let texts = [
            &self.name,
            &self.email,
            &self.description,
            &self.sender_info,
            &self.department,
            &self.smtp.server,
            &self.smtp.username,
            &self.imap.server,
            &self.imap.username,
        ];
        if texts
            .iter()
            .any(|text| text.chars().nth(LONGEST_TEXT).is_some())
        {
            return Err(EmailInboxRefusal::Incomplete("shorter texts"));
        }
        let email = text::trim(&self.email);
        let lines = [
            email,
            &self.name,
            &self.sender_info,
            &self.department,
            &self.smtp.server,
            &self.smtp.username,
            &self.imap.server,
            &self.imap.username,
        ];
        if lines.iter().any(|line| line.contains(char::is_control)) {
            return Err(EmailInboxRefusal::Incomplete("texts on one line"));
        }
        Ok(Description {
            smtp: self.smtp.resolved(before.map(|before| &before.smtp))?,
            imap: self.imap.resolved(before.map(|before| &before.imap))?,
            active: self.active,
            name: self.name,
            email: email.to_owned(),
            description: self.description,
            sender_info: self.sender_info,
            department: self.department,
            imap_retries: self.imap_retries,
        })
    }
}

impl Decider for EmailInbox {
    type State = Self;
    type Command = EmailInboxCommand;
    type Context<'a> = Authority<'a>;
    type Event = EmailInboxEvent;
    type Refusal = EmailInboxRefusal;

    fn decide(
        state: &Self,
        command: EmailInboxCommand,
        authority: &Authority<'_>,
    ) -> Result<Vec<EmailInboxEvent>, EmailInboxRefusal> {
        if !authority.has(Permission::MANAGE_EMAIL_INBOX) {
            return Err(EmailInboxRefusal::NotAllowed);
        }
        let by = authority.actor.clone();
        match (command, &state.description) {
            (EmailInboxCommand::Add { .. }, Some(_)) => Err(EmailInboxRefusal::AlreadyExists),
            (
                EmailInboxCommand::Add {
                    inbox,
                    description,
                    at,
                },
                None,
            ) => Ok(vec![
                EmailInboxAdded {
                    inbox,
                    description: description.resolved(None)?,
                    by,
                    at,
                }
                .into(),
            ]),
            (_, None) => Err(EmailInboxRefusal::NotFound),
            (
                EmailInboxCommand::Change {
                    inbox,
                    description,
                    at,
                },
                Some(before),
            ) => {
                let description = description.resolved(Some(before))?;
                if description == *before {
                    return Ok(vec![]);
                }
                Ok(vec![
                    EmailInboxChanged {
                        inbox,
                        description,
                        by,
                        at,
                    }
                    .into(),
                ])
            }
            (EmailInboxCommand::Remove { inbox, at }, Some(_)) => {
                Ok(vec![EmailInboxRemoved { inbox, by, at }.into()])
            }
        }
    }

    fn evolve(_: Self, event: &EmailInboxEvent) -> Self {
        Self {
            description: match event {
                EmailInboxEvent::EmailInboxAdded(event) => Some(event.description.clone()),
                EmailInboxEvent::EmailInboxChanged(event) => Some(event.description.clone()),
                EmailInboxEvent::EmailInboxRemoved(_) => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Stage, given};

    const AT: Timestamp = Timestamp::from_millis(5);

    fn server<P>(password: P) -> MailServer<P> {
        MailServer {
            server: "mail.example.org".to_owned(),
            port: 465,
            username: "help".to_owned(),
            password,
            secure: true,
        }
    }

    fn inbox<P>(name: &str, smtp: P, imap: P) -> Description<P> {
        Description {
            active: true,
            name: name.to_owned(),
            email: "help@example.org".to_owned(),
            description: String::new(),
            sender_info: "Help".to_owned(),
            department: String::new(),
            smtp: server(smtp),
            imap: server(imap),
            imap_retries: None,
        }
    }

    fn new(secret: &str) -> Password {
        Password::New(Sealed::new(secret))
    }

    fn known(name: &str) -> Description {
        inbox(name, Sealed::new("s"), Sealed::new("i"))
    }

    fn added(name: &str) -> EmailInboxEvent {
        EmailInboxAdded {
            inbox: "b".to_owned(),
            description: known(name),
            by: UserId::new("me"),
            at: AT,
        }
        .into()
    }

    fn add(description: Description<Password>) -> EmailInboxCommand {
        EmailInboxCommand::Add {
            inbox: "b".to_owned(),
            description: Box::new(description),
            at: AT,
        }
    }

    fn change(description: Description<Password>) -> EmailInboxCommand {
        EmailInboxCommand::Change {
            inbox: "b".to_owned(),
            description: Box::new(description),
            at: AT,
        }
    }

    #[test]
    fn inboxes_come_change_and_go() {
        let stage = Stage::default().with_roles(&["admin"]);
        let admin = stage.authority();
        given::<EmailInbox>([])
            .when(add(inbox("help", new("s"), new("i"))), &admin)
            .then([added("help")]);
        let changed = EmailInboxChanged {
            inbox: "b".to_owned(),
            description: known("support"),
            by: UserId::new("me"),
            at: AT,
        };
        given::<EmailInbox>([added("help")])
            .when(
                change(inbox("support", Password::Kept, Password::Kept)),
                &admin,
            )
            .then([changed.into()]);
        given::<EmailInbox>([added("help")])
            .when(
                change(inbox("help", Password::Kept, Password::Kept)),
                &admin,
            )
            .then_nothing();
        let (inbox, at) = ("b".to_owned(), AT);
        let removed = EmailInboxRemoved {
            inbox: inbox.clone(),
            by: UserId::new("me"),
            at,
        };
        given::<EmailInbox>([added("help")])
            .when(EmailInboxCommand::Remove { inbox, at }, &admin)
            .then([removed.into()]);
    }

    #[test]
    fn a_password_is_kept_only_for_its_own_account() {
        let stage = Stage::default().with_roles(&["admin"]);
        let admin = stage.authority();
        given::<EmailInbox>([])
            .when(add(inbox("help", Password::Kept, new("i"))), &admin)
            .then_refused(EmailInboxRefusal::PasswordRequired);
        let elsewhere = |change: fn(&mut MailServer<Password>)| {
            let mut inbox = inbox("help", Password::Kept, Password::Kept);
            change(&mut inbox.smtp);
            inbox
        };
        for moved in [
            elsewhere(|smtp| smtp.server = "evil.example.org".to_owned()),
            elsewhere(|smtp| smtp.port = 25),
            elsewhere(|smtp| smtp.username = "root".to_owned()),
            elsewhere(|smtp| smtp.secure = false),
        ] {
            given::<EmailInbox>([added("help")])
                .when(change(moved), &admin)
                .then_refused(EmailInboxRefusal::PasswordRequired);
        }
    }

    #[test]
    fn inboxes_have_their_rules() {
        let (stage, user) = (Stage::default().with_roles(&["admin"]), Stage::default());
        let admin = stage.authority();
        let good = || inbox("help", new("s"), new("i"));
        given::<EmailInbox>([])
            .when(add(good()), &user.authority())
            .then_refused(EmailInboxRefusal::NotAllowed);
        given::<EmailInbox>([added("help")])
            .when(add(good()), &admin)
            .then_refused(EmailInboxRefusal::AlreadyExists);
        given::<EmailInbox>([])
            .when(change(good()), &admin)
            .then_refused(EmailInboxRefusal::NotFound);
        let mut nameless = good();
        nameless.name = " ".to_owned();
        given::<EmailInbox>([])
            .when(add(nameless), &admin)
            .then_refused(EmailInboxRefusal::Incomplete("a name"));
        let mut long = good();
        long.description = "x".repeat(LONGEST_TEXT + 1);
        given::<EmailInbox>([])
            .when(add(long), &admin)
            .then_refused(EmailInboxRefusal::Incomplete("shorter texts"));
    }
}
