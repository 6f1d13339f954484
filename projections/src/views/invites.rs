//! The view of links into rooms.

use domain::invite::{InviteEvent, OpenInvite};
use domain::{Event, RoomId, Sealed, Timestamp, UserId};
use rusqlite::{Row, params};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::index::Index;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::numbers::number;

pub(crate) const VIEW: Projection = Projection {
    name: "invites",
    version: 1,
    tables: "CREATE TABLE invites (
        invite TEXT NOT NULL PRIMARY KEY,
        position INTEGER NOT NULL,
        token TEXT NOT NULL,
        room TEXT NOT NULL,
        user TEXT NOT NULL,
        days INTEGER NOT NULL,
        max_uses INTEGER NOT NULL,
        uses INTEGER NOT NULL,
        expires INTEGER,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    ) WITHOUT ROWID;",
    indexes: &[
        Index::new("invites_position", "invites (position)"),
        Index::new("invites_of", "invites (room, user, days, max_uses)"),
    ],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let Event::Invite(invite_event) = &event.event else {
        return Ok(());
    };
    match invite_event {
        InviteEvent::InviteCreated(created) => tx
            .conn
            .prepare_cached(
                "INSERT OR REPLACE INTO invites (invite, position, token, room, user, days, max_uses, uses, expires,
                    created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10)",
            )?
            .execute(params![
                created.invite,
                number(event.position),
                created.token.as_str(),
                created.room.as_str(),
                created.by.as_str(),
                created.days,
                created.max_uses,
                created.expires.map(Timestamp::as_millis),
                created.at.as_millis(),
                event.recorded_at.as_millis(),
            ]),
        InviteEvent::InviteUsed(used) => tx
            .conn
            .prepare_cached(
                "UPDATE invites SET uses = uses + 1, updated_at = ?2 WHERE invite = ?1",
            )?
            .execute(params![used.invite, event.recorded_at.as_millis()]),
        InviteEvent::InviteRemoved(removed) => tx
            .conn
            .prepare_cached("DELETE FROM invites WHERE invite = ?1")?
            .execute([&removed.invite]),
    }
    .map(drop)
}

/// A link that was not removed. It may have expired, or be used up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct InviteRecord {
    /// The fingerprint of the token.
    pub invite: String,
    pub token: Sealed,
    /// Who made it.
    pub user: UserId,
    pub days: u32,
    /// The room it leads to, how often it was used, and how long it is good.
    pub open: OpenInvite,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

const COLUMNS: &str =
    "invite, token, room, user, days, max_uses, uses, expires, created_at, updated_at";

fn record(row: &Row<'_>) -> rusqlite::Result<InviteRecord> {
    let time = |index| -> rusqlite::Result<Option<Timestamp>> {
        let millis: Option<i64> = row.get(index)?;
        Ok(millis.map(Timestamp::from_millis))
    };
    Ok(InviteRecord {
        invite: row.get(0)?,
        token: Sealed::new(row.get_ref(1)?.as_str()?),
        open: OpenInvite {
            room: RoomId::new(row.get_ref(2)?.as_str()?),
            max_uses: row.get(5)?,
            uses: row.get(6)?,
            expires: time(7)?,
        },
        user: UserId::new(row.get_ref(3)?.as_str()?),
        days: row.get(4)?,
        created_at: Timestamp::from_millis(row.get(8)?),
        updated_at: Timestamp::from_millis(row.get(9)?),
    })
}

impl Views {
    /// All links there are, the oldest first.
    pub async fn invites(&self) -> Result<Vec<InviteRecord>, QueryError> {
        self.every(
            format!("SELECT {COLUMNS} FROM invites ORDER BY position"),
            [],
            record,
        )
        .await
    }

    /// The link with that fingerprint.
    pub async fn invite(&self, invite: &str) -> Result<Option<InviteRecord>, QueryError> {
        self.one(
            format!("SELECT {COLUMNS} FROM invites WHERE invite = ?1"),
            [invite.to_owned()],
            record,
        )
        .await
    }

    /// The links of that term that a user made into a room, the newest first.
    pub async fn invites_of(
        &self,
        room: &RoomId,
        user: &UserId,
        days: u32,
        max_uses: u32,
    ) -> Result<Vec<InviteRecord>, QueryError> {
        self.every(
            format!(
                "SELECT {COLUMNS} FROM invites WHERE room = ?1 AND user = ?2 AND days = ?3 AND max_uses = ?4
                 ORDER BY position DESC"
            ),
            (room.to_string(), user.to_string(), days, max_uses),
            record,
        )
        .await
    }
}
