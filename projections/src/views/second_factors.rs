//! The view of who has which second factors.

use std::sync::Arc;

use domain::second_factor::SecondFactorEvent;
use domain::user::UserEvent;
use domain::{Event, UserId};
use rusqlite::{OptionalExtension, params};

use crate::engine::applied::Applied;
use crate::engine::facts::{ProofFacts, SecondFactorFacts};
use crate::engine::handle::Views;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;

/// Written straight to SQLite: second factors change rarely.
pub(crate) const VIEW: Projection = Projection {
    name: "second_factors",
    version: 1,
    tables: "CREATE TABLE second_factors (
        user TEXT NOT NULL PRIMARY KEY,
        totp INTEGER,
        email INTEGER
    ) WITHOUT ROWID;",
    indexes: &[],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let (column, user, value) = match &event.event {
        Event::SecondFactor(SecondFactorEvent::TotpEnabled(event)) => ("totp", &event.user, true),
        Event::SecondFactor(SecondFactorEvent::TotpDisabled(event)) => ("totp", &event.user, false),
        Event::SecondFactor(SecondFactorEvent::EmailFactorChanged(event)) => {
            ("email", &event.user, event.enabled)
        }
        Event::User(UserEvent::UserDeleted(event)) => {
            tx.conn
                .prepare_cached("DELETE FROM second_factors WHERE user = ?1")?
                .execute([event.user.as_str()])?;
            return Ok(());
        }
        _ => return Ok(()),
    };
    tx.stale.users.insert(user.clone());
    tx.conn
        .prepare_cached(&format!(
            "INSERT INTO second_factors (user, {column}) VALUES (?1, ?2)
             ON CONFLICT (user) DO UPDATE SET {column} = ?2"
        ))?
        .execute(params![user.as_str(), value])?;
    Ok(())
}

impl Views {
    /// How a user can prove who they are. Cached.
    pub async fn proofs(&self, user: &UserId) -> Result<Arc<ProofFacts>, QueryError> {
        let key = user.clone();
        let load = || {
            self.read(move |conn| {
                conn.prepare_cached(
                    "SELECT users.password IS NOT NULL, totp, email,
                        (SELECT group_concat(client_id, ' ') FROM (
                            SELECT DISTINCT client_id FROM oauth_tokens JOIN oauth_apps ON oauth_apps.id = app
                            WHERE oauth_tokens.user = ?1 ORDER BY client_id))
                     FROM users LEFT JOIN second_factors ON second_factors.user = users.id
                     WHERE users.id = ?1",
                )?
                .query_row([key.as_str()], |row| {
                    Ok(Arc::new(ProofFacts {
                        password: row.get(0)?,
                        factors: SecondFactorFacts {
                            totp: row.get(1)?,
                            email: row.get(2)?,
                        },
                        // Client ids are made of letters and digits.
                        clients: row
                            .get::<_, Option<String>>(3)?
                            .unwrap_or_default()
                            .split_whitespace()
                            .map(str::to_owned)
                            .collect(),
                    }))
                })
                .optional()
            })
        };
        let found = self.facts().proofs.get(user, load).await?;
        Ok(found.unwrap_or_default())
    }

    /// The second factors of a user.
    pub async fn second_factors(&self, user: &UserId) -> Result<SecondFactorFacts, QueryError> {
        let user = user.clone();
        let found = self
            .read(move |conn| {
                conn.prepare_cached("SELECT totp, email FROM second_factors WHERE user = ?1")?
                    .query_row([user.as_str()], |row| {
                        Ok(SecondFactorFacts {
                            totp: row.get(0)?,
                            email: row.get(1)?,
                        })
                    })
                    .optional()
            })
            .await?;
        Ok(found.unwrap_or_default())
    }
}
