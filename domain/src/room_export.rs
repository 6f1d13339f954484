//! What somebody takes out of a room: a stretch of it as a file, or some of its messages by mail (contract, rooms 13
//! `rooms.export`). No event holds anything that was said.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::permission::{Authority, Permission};
use crate::{Category, Decider, MessageId, RoomId, StreamId, Timestamp, UserId};

/// How many files one person may ask for within [`PERIOD`].
pub const MOST_FILES: usize = 50;

/// The time that files are counted over, in milliseconds: a day.
pub const PERIOD: i64 = 24 * 60 * 60 * 1000;

/// The most messages in one mail.
pub const MOST_MESSAGES: usize = 100;

/// The most recipients of one mail.
pub const MOST_RECIPIENTS: usize = 50;

/// The stream of all that one user takes out of rooms.
pub fn stream(user: &UserId) -> StreamId {
    StreamId::new(Category::RoomExport, user.as_str())
}

events! {
    /// What can happen when somebody takes something out of a room.
    RoomExportEvent [room: RoomId, user: UserId] {
        RoomExportRequested = 1,
        RoomExportCompleted = 1,
        RoomExportFailed = 1,
        MessagesMailRequested = 1,
    }
}

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    Html,
    Json,
}

/// Somebody asked for a stretch of a room as a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomExportRequested {
    /// Who asked, and may fetch it.
    pub user: UserId,
    pub export: String,
    pub room: RoomId,
    pub format: ExportFormat,
    /// What was sent at this time or later; `None`: from the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// What was sent before this time; `None`: to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    pub at: Timestamp,
}

/// The file is made and can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomExportCompleted {
    pub user: UserId,
    pub export: String,
    pub room: RoomId,
    /// How many messages are in it.
    pub messages: u64,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    pub at: Timestamp,
}

/// The file could not be made; another may be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomExportFailed {
    pub user: UserId,
    pub export: String,
    pub room: RoomId,
    pub at: Timestamp,
}

/// Somebody asked for messages of a room to be mailed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagesMailRequested {
    /// Who asked.
    pub user: UserId,
    pub room: RoomId,
    pub messages: Vec<MessageId>,
    /// Users, at the address that they have when it is mailed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<UserId>,
    /// Addresses that nobody here needs to have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// As typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    pub at: Timestamp,
}

/// A file that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wished {
    export: String,
    at: Timestamp,
    /// It was made, or could not be made.
    settled: bool,
}

/// What decisions need to know: the files that were asked for lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomExports(Vec<Wished>);

/// What can be asked.
#[derive(Clone, Debug)]
pub enum RoomExportCommand {
    Request(RoomExportRequested),
    Complete(RoomExportCompleted),
    Fail(RoomExportFailed),
    Mail(MessagesMailRequested),
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum RoomExportContext<'a> {
    User {
        /// With their roles in the room.
        authority: Authority<'a>,
        /// Whether they may read what was said in the room.
        can_read: bool,
    },
    /// What was asked for is carried out.
    System,
}

/// Why nothing is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoomExportRefusal {
    #[error("not allowed to take anything out of the room")]
    NotAllowed,
    #[error("not allowed to read the room")]
    NotReadable,
    #[error("more than {MOST_FILES} files within a day")]
    TooMany,
    #[error("no messages, or more than {MOST_MESSAGES}")]
    InvalidMessages,
    #[error("no recipients, or more than {MOST_RECIPIENTS}")]
    InvalidRecipients,
}

/// Whether somebody may take something out of a room.
pub fn may_export(context: &RoomExportContext<'_>) -> Result<(), RoomExportRefusal> {
    let RoomExportContext::User {
        authority,
        can_read,
    } = context
    else {
        return Ok(());
    };
    if !authority.has_in_room(Permission::MAIL_MESSAGES) {
        return Err(RoomExportRefusal::NotAllowed);
    }
    can_read.then_some(()).ok_or(RoomExportRefusal::NotReadable)
}

impl RoomExports {
    fn is_open(&self, export: &str) -> bool {
        let open = |wished: &Wished| wished.export == export && !wished.settled;
        self.0.iter().any(open)
    }

    fn settle(&mut self, export: &str, counts: bool) {
        self.0.retain_mut(|wished| {
            let this = wished.export == export;
            wished.settled |= this;
            counts || !this
        });
    }
}

fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now.millis_since(at) < PERIOD
}

impl Decider for RoomExports {
    type State = Self;
    type Command = RoomExportCommand;
    type Context<'a> = RoomExportContext<'a>;
    type Event = RoomExportEvent;
    type Refusal = RoomExportRefusal;

    fn decide(
        state: &Self,
        command: RoomExportCommand,
        context: &RoomExportContext<'_>,
    ) -> Result<Vec<RoomExportEvent>, RoomExportRefusal> {
        may_export(context)?;
        Ok(match command {
            RoomExportCommand::Request(wish) => {
                let recent = state.0.iter().filter(|one| is_recent(one.at, wish.at));
                if recent.count() >= MOST_FILES {
                    return Err(RoomExportRefusal::TooMany);
                }
                vec![wish.into()]
            }
            RoomExportCommand::Complete(completed) if state.is_open(&completed.export) => {
                vec![completed.into()]
            }
            RoomExportCommand::Fail(failed) if state.is_open(&failed.export) => {
                vec![failed.into()]
            }
            RoomExportCommand::Complete(_) | RoomExportCommand::Fail(_) => vec![],
            RoomExportCommand::Mail(wish) => {
                if !(1..=MOST_MESSAGES).contains(&wish.messages.len()) {
                    return Err(RoomExportRefusal::InvalidMessages);
                }
                let recipients = wish.recipients.len() + wish.addresses.len();
                if !(1..=MOST_RECIPIENTS).contains(&recipients) {
                    return Err(RoomExportRefusal::InvalidRecipients);
                }
                vec![wish.into()]
            }
        })
    }

    fn evolve(mut state: Self, event: &RoomExportEvent) -> Self {
        match event {
            RoomExportEvent::RoomExportRequested(event) => {
                let open_or_recent = |one: &Wished| !one.settled || is_recent(one.at, event.at);
                state.0.retain(open_or_recent);
                state.0.push(Wished {
                    export: event.export.clone(),
                    at: event.at,
                    settled: false,
                });
            }
            RoomExportEvent::RoomExportCompleted(event) => state.settle(&event.export, true),
            RoomExportEvent::RoomExportFailed(event) => state.settle(&event.export, false),
            RoomExportEvent::MessagesMailRequested(_) => {}
        }
        state
    }
}

#[cfg(test)]
mod tests;
