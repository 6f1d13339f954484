//! The view of login tokens.

use std::sync::Arc;

use domain::session::{PersonalTokenIssued, SessionEvent};
use domain::user::UserEvent;
use domain::{Event, Timestamp, TokenHash, UserId};
use rusqlite::{OptionalExtension, params};

use crate::engine::applied::Applied;
use crate::engine::facts::{PersonalTokenFacts, SessionFacts};
use crate::engine::handle::Views;
use crate::engine::index::Index;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::numbers::number;

/// Written straight to SQLite: logins are rare compared with messages.
pub(crate) const VIEW: Projection = Projection {
    name: "sessions",
    version: 2,
    tables: "CREATE TABLE sessions (
        user TEXT NOT NULL,
        hash TEXT NOT NULL,
        issued_at INTEGER NOT NULL,
        position INTEGER NOT NULL,
        name TEXT,
        last_part TEXT,
        bypass INTEGER NOT NULL DEFAULT 0,
        proved_at INTEGER,
        proved_from TEXT,
        PRIMARY KEY (user, hash)
    ) WITHOUT ROWID;",
    indexes: &[Index::new("sessions_hash", "sessions (hash)")],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    match &event.event {
        Event::Session(SessionEvent::TokenIssued(issued)) => {
            let position = number(event.position);
            tx.conn
                .prepare_cached(
                    "INSERT OR REPLACE INTO sessions (user, hash, issued_at, position) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![issued.user.as_str(), issued.hash.as_str(), issued.at.as_millis(), position])?;
            tx.stale.sessions.insert(issued.hash.clone());
        }
        Event::Session(SessionEvent::PersonalTokenIssued(issued)) => {
            insert_personal(tx, issued, event)?;
        }
        Event::Session(SessionEvent::SecondFactorPassed(passed)) => {
            tx.conn
                .prepare_cached(
                    "UPDATE sessions SET proved_at = ?3, proved_from = ?4 WHERE user = ?1 AND hash = ?2",
                )?
                .execute(params![
                    passed.user.as_str(),
                    passed.hash.as_str(),
                    passed.at.as_millis(),
                    passed.client
                ])?;
            tx.stale.sessions.insert(passed.hash.clone());
        }
        Event::Session(SessionEvent::TokenRevoked(revoked)) => {
            tx.conn
                .prepare_cached("DELETE FROM sessions WHERE user = ?1 AND hash = ?2")?
                .execute([revoked.user.as_str(), revoked.hash.as_str()])?;
            tx.stale.sessions.insert(revoked.hash.clone());
        }
        Event::Session(SessionEvent::OtherSessionsEnded(ended)) => {
            revoke(tx, &ended.user, Some(&ended.except), false)?;
        }
        Event::Session(SessionEvent::AllTokensRevoked(revoked)) => {
            revoke(tx, &revoked.user, revoked.except.as_ref(), true)?;
        }
        Event::User(UserEvent::UserDeactivated(event)) if !event.idle => {
            revoke(tx, &event.user, None, true)?;
        }
        Event::User(UserEvent::UserDeleted(event)) => revoke(tx, &event.user, None, true)?,
        _ => {}
    }
    Ok(())
}

fn insert_personal(
    tx: &mut Tx,
    issued: &PersonalTokenIssued,
    event: &Applied,
) -> rusqlite::Result<()> {
    tx.conn
        .prepare_cached(
            "INSERT OR REPLACE INTO sessions (user, hash, issued_at, position, name, last_part, bypass)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            issued.user.as_str(),
            issued.hash.as_str(),
            issued.at.as_millis(),
            number(event.position),
            issued.name,
            issued.last_part,
            issued.bypass_second_factor,
        ])?;
    tx.stale.sessions.insert(issued.hash.clone());
    Ok(())
}

/// Voids all tokens of a user but one; personal ones only on demand.
fn revoke(
    tx: &mut Tx,
    user: &UserId,
    except: Option<&TokenHash>,
    personal: bool,
) -> rusqlite::Result<()> {
    let except = except.map_or("", TokenHash::as_str);
    let mut delete = tx.conn.prepare_cached(
        "DELETE FROM sessions WHERE user = ?1 AND hash <> ?2 AND (?3 OR name IS NULL) RETURNING hash",
    )?;
    let gone = delete.query_map(params![user.as_str(), except, personal], |row| {
        Ok(TokenHash::new(row.get_ref(0)?.as_str()?))
    })?;
    for hash in gone {
        tx.stale.sessions.insert(hash?);
    }
    Ok(())
}

const COLUMNS: &str = "user, issued_at, name, last_part, bypass, proved_at, proved_from";

fn facts(row: &rusqlite::Row<'_>) -> rusqlite::Result<SessionFacts> {
    let personal = match row.get::<_, Option<String>>(2)? {
        None => None,
        Some(name) => Some(PersonalTokenFacts {
            name,
            last_part: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
            bypass_second_factor: row.get(4)?,
        }),
    };
    let proved = match row.get::<_, Option<i64>>(5)? {
        None => None,
        Some(at) => Some((
            Timestamp::from_millis(at),
            row.get::<_, Option<String>>(6)?.unwrap_or_default(),
        )),
    };
    Ok(SessionFacts {
        user: UserId::new(row.get_ref(0)?.as_str()?),
        issued_at: Timestamp::from_millis(row.get(1)?),
        personal,
        proved,
    })
}

impl Views {
    /// The login token with that hash; `None` if it is void. Cached.
    pub async fn session(&self, hash: &TokenHash) -> Result<Option<Arc<SessionFacts>>, QueryError> {
        self.facts()
            .sessions
            .get(hash, || {
                let key = hash.clone();
                self.read(move |conn| {
                    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM sessions WHERE hash = ?1"))?
                        .query_row([key.as_str()], |row| facts(row).map(Arc::new))
                        .optional()
                })
            })
            .await
    }

    /// The tokens a user made for programs, oldest first.
    pub async fn personal_tokens(&self, user: &UserId) -> Result<Vec<SessionFacts>, QueryError> {
        let user = user.clone();
        self.read(move |conn| {
            conn.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM sessions WHERE user = ?1 AND name IS NOT NULL ORDER BY position"
            ))?
            .query_map([user.as_str()], facts)?
            .collect()
        })
        .await
    }
}
