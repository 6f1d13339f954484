//! What a view is made by, and all of them.

use domain::{Event, Timestamp, UserId};
use eventstore::event::Leaf;
use eventstore::{EventId, LogId, Place, Position, RecordedEvent};

use crate::tx::Tx;
use crate::{assets, avatars, banners, email_inboxes, emoji, sounds};
use crate::{
    custom_statuses, data_exports, key_pairs, memberships, messages, oauth, permissions, push,
    reports, roles, rooms, second_factors, sessions, settings, tombstones, users, webdav,
};

/// An event with what its envelope tells, decoded.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Place in the whole log.
    pub position: Position,
    /// Names it in this log, and in no other.
    pub leaf: Leaf,
    /// Its identity.
    pub id: EventId,
    /// When it was committed: never earlier than the event before it, so `_updatedAt` never runs backwards.
    pub recorded_at: Timestamp,
    /// Who caused it.
    pub actor: UserId,
    /// What happened.
    pub event: Event,
}

impl Applied {
    /// Decodes a recorded event.
    pub(crate) fn decode(recorded: &RecordedEvent) -> Result<Self, eventstore::DecodeError> {
        Ok(Self {
            position: recorded.position,
            leaf: recorded.leaf,
            id: recorded.id,
            recorded_at: recorded.recorded_at,
            actor: recorded.actor.clone(),
            event: recorded.decode()?,
        })
    }
}

/// An index of a view. Created after the rows when a file is built anew, or when applying an event first needs it.
#[derive(Debug)]
pub struct Index {
    /// Its name.
    pub name: &'static str,
    /// What it is on: `table(columns) WHERE ...`.
    pub on: &'static str,
}

/// Code that turns events into one view. No side effects, no clock, no randomness: the same events give the same
/// rows, in batches of any size. Its checkpoint moves in the same transaction as its rows.
pub trait Projection: Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// The number of the shape of its tables and of what is in them. Raise it with every change: the views are then
    /// built anew at the next start.
    fn version(&self) -> u32;
    /// `CREATE TABLE` statements.
    fn tables(&self) -> &'static str;
    /// Its indexes.
    fn indexes(&self) -> &'static [Index] {
        &[]
    }
    /// Adds what an event means to the view. Total: whatever the order of events, only the database can fail.
    fn apply(&self, tx: &mut Tx, event: &Applied) -> rusqlite::Result<()>;
}

/// Every view, in the order an event goes through them: messages before rooms and memberships, which look at the
/// message; rooms before memberships, which copy names of the room.
pub(crate) const ALL: &[&dyn Projection] = &[
    &settings::SettingsView,
    &permissions::PermissionsView,
    &roles::RolesView,
    &sessions::SessionsView,
    &second_factors::SecondFactorsView,
    &oauth::OAuthView,
    &push::PushView,
    &users::UsersView,
    &messages::MessagesView,
    &rooms::RoomsView,
    &memberships::MembershipsView,
    &tombstones::TombstonesView,
    &data_exports::DataExportsView,
    &custom_statuses::CustomStatusesView,
    &key_pairs::KeyPairsView,
    &reports::ReportsView,
    &webdav::WebdavView,
    &avatars::AvatarsView,
    &emoji::EmojiView,
    &sounds::SoundsView,
    &assets::AssetsView,
    &email_inboxes::EmailInboxesView,
    &banners::BannersView,
];

/// One view and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectionStatus {
    /// Its name.
    pub name: String,
    /// The number of the shape of its tables.
    pub version: u32,
    /// The last position it contains.
    pub checkpoint: Position,
    /// The last position of the log.
    pub head: Position,
    /// Head minus checkpoint.
    pub lag: u64,
}

/// The views of a folder beside the log they should be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The log.
    pub log: LogId,
    /// The last position of the log.
    pub head: Position,
    /// Where the views stand, and in which log; `None` when there are none, or none that this program can read.
    pub place: Option<Place>,
    /// Whether that is a place in the log. If not, the views are built anew when the server starts.
    pub matches: bool,
    /// Each view.
    pub projections: Vec<ProjectionStatus>,
}
