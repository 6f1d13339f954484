//! The view of login tokens.

use std::sync::Arc;

use domain::session::SessionEvent;
use domain::user::UserEvent;
use domain::{Event, Timestamp, TokenHash, UserId};
use rusqlite::{OptionalExtension, params};

use crate::error::QueryError;
use crate::projection::{Applied, Index, Projection};
use crate::tx::Tx;
use crate::views::Views;

/// See the module. Written straight to SQLite: logging in is rare beside talking.
pub(crate) struct SessionsView;

impl Projection for SessionsView {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static str {
        "CREATE TABLE sessions (
            user TEXT NOT NULL,
            hash TEXT NOT NULL,
            issued_at INTEGER NOT NULL,
            position INTEGER NOT NULL,
            PRIMARY KEY (user, hash)
        ) WITHOUT ROWID;"
    }

    fn indexes(&self) -> &'static [Index] {
        &[Index {
            name: "sessions_hash",
            on: "sessions (hash)",
        }]
    }

    fn apply(&self, tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
        match &event.event {
            Event::Session(SessionEvent::TokenIssued(issued)) => {
                let position = crate::tx::number(event.position);
                tx.conn
                    .prepare_cached(
                        "INSERT OR REPLACE INTO sessions (user, hash, issued_at, position) VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute(params![issued.user.as_str(), issued.hash.as_str(), issued.at.as_millis(), position])?;
                tx.stale.sessions.insert(issued.hash.clone());
            }
            Event::Session(SessionEvent::TokenRevoked(revoked)) => {
                tx.conn
                    .prepare_cached("DELETE FROM sessions WHERE user = ?1 AND hash = ?2")?
                    .execute([revoked.user.as_str(), revoked.hash.as_str()])?;
                tx.stale.sessions.insert(revoked.hash.clone());
            }
            Event::Session(SessionEvent::AllTokensRevoked(revoked)) => {
                revoke(tx, &revoked.user, revoked.except.as_ref())?;
            }
            Event::User(UserEvent::UserDeactivated(event)) if !event.idle => {
                revoke(tx, &event.user, None)?;
            }
            Event::User(UserEvent::UserDeleted(event)) => revoke(tx, &event.user, None)?,
            _ => {}
        }
        Ok(())
    }
}

/// Voids all tokens of a user but one.
fn revoke(tx: &mut Tx, user: &UserId, except: Option<&TokenHash>) -> rusqlite::Result<()> {
    let except = except.map_or("", TokenHash::as_str);
    let mut delete = tx
        .conn
        .prepare_cached("DELETE FROM sessions WHERE user = ?1 AND hash <> ?2 RETURNING hash")?;
    let gone = delete.query_map([user.as_str(), except], |row| {
        Ok(TokenHash::new(row.get_ref(0)?.as_str()?))
    })?;
    for hash in gone {
        tx.stale.sessions.insert(hash?);
    }
    Ok(())
}

/// A valid login token. Whether it is expired depends on `Accounts_LoginExpiration` and on the time now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFacts {
    /// Whose.
    pub user: UserId,
    /// When it was handed out.
    pub issued_at: Timestamp,
}

impl Views {
    /// Whose login token that is; `None` when it is void. Cached.
    pub async fn session(&self, hash: &TokenHash) -> Result<Option<Arc<SessionFacts>>, QueryError> {
        let key = hash.clone();
        self.facts()
            .sessions
            .get(hash, || {
                self.read(move |conn| {
                    conn.prepare_cached("SELECT user, issued_at FROM sessions WHERE hash = ?1")?
                        .query_row([key.as_str()], |row| {
                            Ok(Arc::new(SessionFacts {
                                user: UserId::new(row.get_ref(0)?.as_str()?),
                                issued_at: Timestamp::from_millis(row.get(1)?),
                            }))
                        })
                        .optional()
                })
            })
            .await
    }

    /// The valid tokens of a user, oldest first.
    pub async fn sessions_of(
        &self,
        user: &UserId,
    ) -> Result<Vec<(TokenHash, Timestamp)>, QueryError> {
        let user = user.clone();
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT hash, issued_at FROM sessions WHERE user = ?1 ORDER BY position",
            )?
            .query_map([user.as_str()], |row| {
                Ok((
                    TokenHash::new(row.get_ref(0)?.as_str()?),
                    Timestamp::from_millis(row.get(1)?),
                ))
            })?
            .collect()
        })
        .await
    }
}
