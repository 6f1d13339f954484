//! What an export covers. It is fixed when the export begins, so that one that is interrupted goes on to the same end.

use std::collections::BTreeMap;

use domain::audit::RecordReader;
use domain::{RoomId, Timestamp, UserId};
use eventstore::{LogId, Position};
use serde::{Deserialize, Serialize};

use crate::record::question::Asked;

/// The form an export is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// Events, one JSON object a line.
    Ndjson,
    /// Events as rows (RFC 4180).
    Csv,
    /// Conversations as pages for people.
    Html,
    /// Conversations as mails.
    Eml,
    /// Conversations in the Relativity Short Message Format.
    Rsmf,
}

impl ExportFormat {
    /// What people call each.
    pub const NAMES: &'static [&'static str] = &["ndjson", "csv", "html", "eml", "rsmf"];

    /// The form of that name.
    pub fn find(name: &str) -> Option<Self> {
        match name {
            "ndjson" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            "html" => Some(Self::Html),
            "eml" => Some(Self::Eml),
            "rsmf" => Some(Self::Rsmf),
            _ => None,
        }
    }

    /// Whether it tells conversations, and not every event.
    pub const fn tells_conversations(self) -> bool {
        match self {
            Self::Ndjson | Self::Csv => false,
            Self::Html | Self::Eml | Self::Rsmf => true,
        }
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Html => "html",
            Self::Eml => "eml",
            Self::Rsmf => "rsmf",
        }
    }
}

/// What somebody asks to have exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportWish {
    /// Rooms, users and moments; of nothing else.
    pub asked: Asked,
    /// Which files are made of it, and what is told in them.
    pub format: ExportFormat,
    /// Begins behind the last finished export of this name, and is the next of them.
    pub name: Option<String>,
}

/// What an export covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Order {
    /// What the reading is known by that the export began as.
    pub export: String,
    pub format: ExportFormat,
    /// The identity of the log it is of: no other log goes on with it.
    pub log: String,
    /// Only events after this position.
    pub after: Position,
    /// Only events up to this position.
    pub upto: Position,
    /// What the log has at its end, as [`eventstore::Mark`] writes it.
    pub mark: String,
    /// Only of these rooms; empty: any.
    pub rooms: Vec<RoomId>,
    /// Only of these users; empty: any.
    pub users: Vec<UserId>,
    /// Private rooms and direct messages too.
    pub private_rooms: bool,
    /// The question as it was asked, parameters by name.
    pub question: BTreeMap<String, String>,
    /// Which of several exports that follow one another it is one of.
    pub name: Option<String>,
    pub asked_by: RecordReader,
    pub asked_at: Timestamp,
    /// The version of the program that makes it.
    pub program: String,
}

impl Order {
    /// Whether it is of this log, as far as its identity tells.
    pub fn is_of(&self, log: LogId) -> bool {
        self.log == log.to_string()
    }
}

/// How far an export is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// The conversation it is at, in forms that have one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// The last position, of that conversation if there is one, that is complete.
    pub position: Position,
}

/// What a complete file is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct FileNote {
    /// Where to go on behind it.
    pub reached: Reached,
    /// How many events, or lines of a conversation.
    pub results: u64,
    /// The first position that it may have something of.
    pub first: Position,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationNote>,
}

/// Which conversation a file is of, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct ConversationNote {
    pub room: RoomId,
    /// What it was called at the end of the export. Any text.
    pub name: String,
    /// The day or month (UTC), e.g. `2026-11-27` or `2026-11`.
    pub time: String,
}
