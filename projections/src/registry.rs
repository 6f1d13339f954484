//! All views together: which there are, which belong together, and how an event goes through them.

use eventstore::{LogId, Place, Position};
use rusqlite::Connection;

use crate::chat::{memberships, messages, receipts, rooms, tombstones, users};
use crate::engine::applied::Applied;
use crate::engine::dead_letters::{self, ApplyError};
use crate::engine::past::{self, Born, Changes, Kept};
use crate::engine::projection::Projection;
use crate::engine::registry::{Registry, Relations, Together};
use crate::engine::tx::{Policy, Tx};
use crate::live::updates::{Added, updates_of};
use crate::views::{
    assets, avatars, banners, custom_statuses, data_exports, email_inboxes, emoji, invites,
    key_pairs, oauth, permissions, push, record, reports, roles, second_factors, sessions,
    settings, sounds, subscriptions, webdav,
};

/// Every view of this crate, in the order an event goes through them: messages before rooms and memberships, which look at
/// the message; rooms before memberships, which copy names of the room; memberships before receipts, which are of cursors that moved; what the record is searched by before all, because
/// messages are removed.
const BUILT_IN: &[&Projection] = &[
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
    &receipts::VIEW,
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
    &subscriptions::VIEW,
    &invites::VIEW,
];

/// The views whose tables can be had as they were: what was there, who was in it and what was said.
const PAST: &[&Projection] = &[
    &settings::VIEW,
    &permissions::VIEW,
    &roles::VIEW,
    &users::VIEW,
    &messages::VIEW,
    &rooms::VIEW,
    &memberships::VIEW,
];

/// Their tables.
const KEPT: &[Kept] = &[
    kept("settings", &["id"]),
    kept("login_services", &["name"]),
    kept("permissions", &["id"]),
    kept("roles", &["id"]),
    Kept {
        indexes: &["username_key"],
        ..kept("users", &["id"])
    },
    kept("user_emails", &["user", "address_key"]),
    kept("user_roles", &["user", "role"]),
    Kept {
        indexes: &["name"],
        ..kept("rooms", &["id"])
    },
    kept("teams", &["id"]),
    Kept {
        indexes: &["user"],
        ..kept("standings", &["room", "user"])
    },
    Kept {
        born: Born::At("seq"),
        indexes: &["id", "room, at", "author", "thread"],
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
    kept("message_pins", &["message", "told_by"]),
    Kept {
        born: Born::At("position"),
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

/// `record_postings` asks who wrote a message and which room a report is about, `push` which sessions an account still
/// has, and messages are counted as the settings say.
static RELATIONS: Relations = Relations {
    bulk: Together {
        name: "chat",
        views: &[
            "users",
            "messages",
            "rooms",
            "memberships",
            "receipts",
            "tombstones",
        ],
    },
    needs: &[
        ("chat", &["settings"]),
        ("push", &["sessions"]),
        ("record_postings", &["chat", "reports"]),
    ],
    past: PAST,
    kept: KEPT,
};

impl Default for Registry {
    fn default() -> Self {
        Self::new(BUILT_IN, &RELATIONS)
    }
}

impl Tx {
    /// Opens a views file that contains everything up to `place`.
    pub(crate) fn open(
        conn: Connection,
        place: Place,
        registry: &Registry,
    ) -> rusqlite::Result<Self> {
        let mut tx = Self::new(conn, place, registry.spacing(), None);
        tx.reload()?;
        Ok(tx)
    }

    /// The tables as they were at the last snapshot not after `position`. `conn` reads a views file of `log`, and keeps
    /// reading the same state of it.
    pub(crate) fn open_past(
        conn: Connection,
        log: LogId,
        position: Position,
        registry: &Registry,
    ) -> rusqlite::Result<Self> {
        let snapshot = past::snapshot(&conn, log, position)?;
        past::show(&conn, snapshot, registry.kept())?;
        let mut tx = Self::new(conn, snapshot, registry.spacing(), None);
        tx.past = true;
        tx.reload()?;
        Ok(tx)
    }

    /// Opens an empty views file that is to be filled from the start of the log; its indexes do not exist yet.
    pub(crate) fn fresh(
        conn: Connection,
        start: Place,
        registry: &Registry,
    ) -> rusqlite::Result<Self> {
        let missing = registry.indexes().map(|index| (index.name, index));
        let mut tx = Self::new(conn, start, registry.spacing(), Some(missing.collect()));
        tx.reload()?;
        Ok(tx)
    }

    /// Applies one event to these views.
    pub(crate) fn apply(
        &mut self,
        views: &[&Projection],
        event: &Applied,
    ) -> Result<(), ApplyError> {
        self.posted = None;
        self.moved = None;
        self.risen = None;
        self.renamed = None;
        self.was_active = None;
        for view in views {
            self.apply_to(view, event)?;
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
        Ok(self.keep_past()?)
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
        self.dead_letters = dead_letters::count(&self.conn)?;
        if !self.past {
            self.snapshot = past::last(&self.conn)?;
        }
        Ok(())
    }
}
