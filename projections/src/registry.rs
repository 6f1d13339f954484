//! All views together: which there are, and how an event goes through them.

use eventstore::{LogId, Place, Position};
use rusqlite::Connection;

use crate::chat::{memberships, messages, rooms, tombstones, users};
use crate::engine::applied::Applied;
use crate::engine::index::Index;
use crate::engine::past::{self, Born, Changes, Kept, Spacing};
use crate::engine::projection::Projection;
use crate::engine::tx::{Policy, Tx};
use crate::live::updates::{Added, updates_of};
use crate::views::{
    assets, avatars, banners, custom_statuses, data_exports, email_inboxes, emoji, key_pairs,
    oauth, permissions, push, record, reports, roles, second_factors, sessions, settings, sounds,
    webdav,
};

/// Every view, in the order an event goes through them: messages before rooms and memberships, which look at the
/// message; rooms before memberships, which copy names of the room; what the
/// record is searched by before all, because messages are removed.
pub(crate) const ALL: &[&Projection] = &[
    &record::POSTINGS,
    &record::NAMES,
    &settings::VIEW,
    &permissions::VIEW,
    &roles::VIEW,
    &sessions::VIEW,
    &second_factors::VIEW,
    &oauth::VIEW,
    &push::VIEW,
    &users::VIEW,
    &messages::VIEW,
    &rooms::VIEW,
    &memberships::VIEW,
    &tombstones::VIEW,
    &data_exports::VIEW,
    &custom_statuses::VIEW,
    &key_pairs::VIEW,
    &reports::VIEW,
    &webdav::VIEW,
    &avatars::VIEW,
    &emoji::VIEW,
    &sounds::VIEW,
    &assets::VIEW,
    &email_inboxes::VIEW,
    &banners::VIEW,
];

/// The views whose tables can be had as they were: what was there, who was in it and what was said.
pub(crate) const PAST: &[&Projection] = &[
    &settings::VIEW,
    &permissions::VIEW,
    &roles::VIEW,
    &users::VIEW,
    &messages::VIEW,
    &rooms::VIEW,
    &memberships::VIEW,
];

/// Their tables.
pub(crate) const KEPT: &[Kept] = &[
    kept("settings", &["id"]),
    kept("login_services", &["name"]),
    kept("permissions", &["id"]),
    kept("roles", &["id"]),
    kept("users", &["id"]),
    kept("user_emails", &["user", "address_key"]),
    kept("user_roles", &["user", "role"]),
    kept("rooms", &["id"]),
    Kept {
        born: Born::At("seq"),
        indexes: &["id", "room, at"],
        ..kept("messages", &["seq"])
    },
    Kept {
        born: Born::At("seq"),
        changes: Changes::Never,
        ..kept("message_times", &["seq"])
    },
    Kept {
        born: Born::At("since"),
        changes: Changes::Never,
        ..kept("message_references", &["user", "message"])
    },
    Kept {
        changes: Changes::Told,
        indexes: &["user"],
        ..kept("memberships", &["room", "user"])
    },
];

const fn kept(table: &'static str, key: &'static [&'static str]) -> Kept {
    Kept {
        table,
        key,
        born: Born::Kept,
        changes: Changes::Watched,
        indexes: &[],
    }
}

pub(crate) fn all_indexes() -> impl Iterator<Item = &'static Index> {
    ALL.iter().flat_map(|projection| projection.indexes)
}

impl Tx {
    /// Opens a views file that contains everything up to `place`. `bulk`: its indexes do not exist yet.
    pub(crate) fn open(
        conn: Connection,
        place: Place,
        spacing: Spacing,
        bulk: bool,
    ) -> rusqlite::Result<Self> {
        let missing = bulk.then(|| all_indexes().map(|index| (index.name, index)).collect());
        let mut tx = Self::new(conn, place, spacing, missing);
        tx.reload()?;
        Ok(tx)
    }

    /// The tables as they were at the last snapshot not after `position`. `conn` reads a views file of `log`, and keeps
    /// reading the same state of it.
    pub(crate) fn open_past(
        conn: Connection,
        log: LogId,
        position: Position,
    ) -> rusqlite::Result<Self> {
        let snapshot = past::snapshot(&conn, log, position)?;
        past::show(&conn, snapshot, KEPT)?;
        let mut tx = Self::new(conn, snapshot, Spacing::default(), None);
        tx.past = true;
        tx.reload()?;
        Ok(tx)
    }

    /// Applies one event to the tables of the past.
    pub(crate) fn apply_past(&mut self, event: &Applied) -> rusqlite::Result<()> {
        self.forget_event();
        for projection in PAST {
            (projection.apply)(self, event)?;
        }
        (self.position, self.leaf) = (event.position, event.leaf);
        Ok(())
    }

    /// Applies one event to every view.
    pub(crate) fn apply(&mut self, event: &Applied) -> rusqlite::Result<()> {
        self.forget_event();
        for projection in ALL {
            (projection.apply)(self, event)?;
        }
        if let Some(mut updates) = self.updates.take() {
            let added = match &self.posted {
                Some(posted) => Added::Made(posted.doc.clone()),
                None => Added::ToMake,
            };
            let result = updates_of(event, added, self, &mut updates);
            self.updates = Some(updates);
            result?;
        }
        (self.position, self.leaf) = (event.position, event.leaf);
        self.keep_past()
    }

    /// Forgets what views found out about the event before.
    fn forget_event(&mut self) {
        self.posted = None;
        self.renamed = None;
        self.was_active = None;
    }

    /// Forgets what was not committed, after a rollback: everything is read from the file again.
    pub(crate) fn reset(&mut self, place: Place) -> rusqlite::Result<()> {
        self.forget(place);
        self.reload()
    }

    /// Reads what is kept in memory as a whole.
    fn reload(&mut self) -> rusqlite::Result<()> {
        self.settings = settings::load(&self.conn)?;
        self.permissions = permissions::load(&self.conn)?;
        self.roles = roles::load(&self.conn)?;
        self.policy = Policy::of(&self.settings);
        self.postings = record::load(&self.conn)?;
        if !self.past {
            self.snapshot = past::last(&self.conn)?;
        }
        Ok(())
    }
}
