//! What somebody could read: in which rooms, when, and why.
//!
//! The rule that lets people read decides here too ([`access::may_read`]), event after event: with the roles somebody had
//! then, the permissions these roles held then, and the rooms there were.

mod gather;
mod state;

pub use state::{Because, Edge, Stretch};

use std::collections::BTreeMap;

use domain::audit::QuestionKind;
use eventstore::Position;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::record::access::{Auditor, Tally, Unrecorded};
use crate::record::deed::{Person, Place};
use crate::workspace::Workspace;

/// What somebody asks, in their words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedReach {
    /// The name or id of a user.
    pub user: String,
    /// From this moment on: a position, or a time. `None`: from the beginning.
    pub from: Option<String>,
    /// Up to this position, or before this time. `None`: up to now.
    pub to: Option<String>,
}

impl AskedReach {
    /// The question as the event of its reading has it.
    fn narrowed(&self) -> BTreeMap<String, String> {
        let user = ("user", Some(self.user.clone()));
        let range = [("from", self.from.clone()), ("to", self.to.clone())];
        let all = std::iter::once(user).chain(range);
        all.filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }
}

/// What somebody could read in a stretch of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Reach {
    pub user: Person,
    /// The first position that is answered of.
    pub from: Position,
    /// The last.
    pub to: Position,
    /// When the account was there and could be used.
    pub account: Vec<Stretch>,
    /// Sorted by name.
    pub rooms: Vec<RoomReach>,
    /// How many further rooms there are, which are not told.
    pub more: usize,
}

/// When and why somebody could read a room.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoomReach {
    /// As it was called at the end of what is answered of.
    pub room: Place,
    pub stretches: Vec<Stretch>,
}

/// The rooms that somebody could read in a stretch of the record.
pub async fn reach(
    workspace: &Workspace,
    auditor: &Auditor,
    asked: &AskedReach,
) -> Result<Unrecorded<Reach>, Error> {
    let told = gather::reach(workspace, auditor, asked).await?;
    let tally = Tally::of_rooms(told.rooms.iter().map(|one| &one.room.id));
    let kind = QuestionKind::Access;
    Ok(Unrecorded::new(told, kind, asked.narrowed(), tally))
}
