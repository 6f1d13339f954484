//! The view of key pairs for end-to-end encryption.

use domain::e2e::KeyPairEvent;
use domain::user::UserEvent;
use domain::{Event, RoomId, Sealed, UserId};
use rusqlite::params;

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;

/// How many members of one room are told to wait for its key at a time.
const WAITING: u32 = 50;

pub(crate) const VIEW: Projection = Projection {
    name: "key_pairs",
    version: 1,
    tables: "CREATE TABLE key_pairs (
        user TEXT NOT NULL PRIMARY KEY,
        public_key TEXT NOT NULL,
        private_key TEXT NOT NULL
    ) WITHOUT ROWID;",
    indexes: &[],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let gone = match &event.event {
        Event::KeyPair(KeyPairEvent::KeyPairSet(set)) => {
            tx.conn
                .prepare_cached(
                    "INSERT OR REPLACE INTO key_pairs (user, public_key, private_key) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![
                    set.user.as_str(),
                    set.public_key,
                    set.private_key.as_str()
                ])?;
            return Ok(());
        }
        Event::KeyPair(KeyPairEvent::KeyPairReset(reset)) => &reset.user,
        Event::User(UserEvent::UserDeleted(deleted)) => &deleted.user,
        _ => return Ok(()),
    };
    tx.conn
        .prepare_cached("DELETE FROM key_pairs WHERE user = ?1")?
        .execute([gone.as_str()])?;
    Ok(())
}

/// A user's key pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPairRecord {
    /// In a form that only clients read.
    pub public_key: String,
    /// Encrypted by its owner, then sealed.
    pub private_key: Sealed,
}

impl Views {
    /// A user's key pair, if there is one.
    pub async fn key_pair(&self, user: &UserId) -> Result<Option<KeyPairRecord>, QueryError> {
        self.one(
            "SELECT public_key, private_key FROM key_pairs WHERE user = ?1",
            [user.to_string()],
            |row| {
                Ok(KeyPairRecord {
                    public_key: row.get(0)?,
                    private_key: Sealed::new(row.get::<_, String>(1)?),
                })
            },
        )
        .await
    }

    /// Members of a room who could have its key and do not: the user and their public key. A bounded number of them;
    /// once these have it, the next are told.
    pub async fn waiting_for_key(
        &self,
        room: &RoomId,
    ) -> Result<Vec<(UserId, String)>, QueryError> {
        self.every(
            "SELECT key_pairs.user, key_pairs.public_key FROM memberships
                 JOIN key_pairs ON key_pairs.user = memberships.user
                 WHERE memberships.room = ?1 AND json_extract(memberships.doc, '$.E2EKey') IS NULL
                    AND json_extract(memberships.doc, '$.E2ESuggestedKey') IS NULL
                 ORDER BY key_pairs.user LIMIT ?2",
            (room.to_string(), WAITING),
            |row| Ok((UserId::new(row.get_ref(0)?.as_str()?), row.get(1)?)),
        )
        .await
    }

    /// The rooms of a user that have a key which the user does not have: the room and the id of its key.
    pub async fn rooms_without_key(
        &self,
        user: &UserId,
    ) -> Result<Vec<(RoomId, String)>, QueryError> {
        self.every(
            "SELECT rooms.id, json_extract(rooms.doc, '$.e2eKeyId') AS key FROM memberships
                 JOIN rooms ON rooms.id = memberships.room
                 WHERE memberships.user = ?1 AND key IS NOT NULL
                    AND json_extract(memberships.doc, '$.E2EKey') IS NULL ORDER BY rooms.id",
            [user.to_string()],
            |row| Ok((RoomId::new(row.get_ref(0)?.as_str()?), row.get(1)?)),
        )
        .await
    }
}
