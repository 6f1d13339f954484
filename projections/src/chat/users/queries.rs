//! What doors ask about accounts.

use std::sync::Arc;

use compact_str::CompactString;
use domain::UserId;
use domain::user::PasswordHash;
use rusqlite::OptionalExtension;

use crate::engine::facts::UserFacts;
use crate::engine::queries::Queries;
use crate::engine::rows::user::UserDoc;
use crate::error::QueryError;
use crate::json;

/// The facts in a row `SELECT doc`.
fn facts(row: &rusqlite::Row<'_>) -> rusqlite::Result<Arc<UserFacts>> {
    let bytes = json::column(row, 0)?;
    let doc: UserDoc = json::decode(&bytes)?;
    Ok(Arc::new(UserFacts {
        id: doc.id,
        kind: doc.kind,
        username: doc.username.into_string(),
        name: doc.name.map(CompactString::into_string),
        roles: doc.roles,
        active: doc.active,
        require_password_change: doc.require_password_change,
        created_at: doc.created_at.0,
        last_login: doc.last_login.map(|at| at.0),
        emails: doc.emails.into(),
        status_text: doc.status_text,
        chosen_status: doc.status_default,
        doc: bytes,
    }))
}

/// What checking a password needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Credentials {
    pub user: UserId,
    /// `None`: the account has no password, and no login with one.
    pub password: Option<PasswordHash>,
    pub active: bool,
    pub require_password_change: bool,
}

impl Queries {
    /// The user with that id. Cached.
    pub async fn user(&self, id: &UserId) -> Result<Option<Arc<UserFacts>>, QueryError> {
        let find = || {
            self.one(
                "SELECT doc FROM users WHERE id = ?1",
                [id.to_string()],
                facts,
            )
        };
        self.facts().users.get(id, find).await
    }

    /// The user with that user name, without regard to case. Cached.
    pub async fn user_by_username(
        &self,
        username: &str,
    ) -> Result<Option<Arc<UserFacts>>, QueryError> {
        let key = CompactString::new(username.to_lowercase());
        let name = key.clone();
        let id = self
            .facts()
            .usernames
            .get(&key, || {
                self.read(move |conn| {
                    conn.prepare_cached("SELECT id FROM users WHERE username_key = ?1")?
                        .query_row([name.as_str()], |row| {
                            Ok(UserId::new(row.get_ref(0)?.as_str()?))
                        })
                        .optional()
                })
            })
            .await?;
        match id {
            Some(id) => self.user(&id).await,
            None => Ok(None),
        }
    }

    /// The user with that e-mail address, without regard to case.
    pub async fn user_by_email(&self, address: &str) -> Result<Option<Arc<UserFacts>>, QueryError> {
        self.one(
            "SELECT doc FROM user_emails JOIN users ON users.id = user_emails.user
             WHERE address_key = ?1 ORDER BY users.id LIMIT 1",
            [address.to_lowercase()],
            facts,
        )
        .await
    }

    /// What checking a user's password needs; `None`: there is no such user.
    pub async fn credentials(&self, id: &UserId) -> Result<Option<Credentials>, QueryError> {
        let id = id.clone();
        self.read(move |conn| {
            conn.prepare_cached("SELECT password, doc FROM users WHERE id = ?1")?
                .query_row([id.as_str()], |row| {
                    let doc: UserDoc = json::decode(row.get_ref(1)?.as_bytes()?)?;
                    Ok(Credentials {
                        user: doc.id,
                        password: row.get::<_, Option<String>>(0)?.map(PasswordHash),
                        active: doc.active,
                        require_password_change: doc.require_password_change,
                    })
                })
                .optional()
        })
        .await
    }

    /// The oldest account that has an e-mail address.
    pub async fn oldest_with_address(&self) -> Result<Option<Arc<UserFacts>>, QueryError> {
        self.one(
            "SELECT doc FROM users WHERE EXISTS (SELECT 1 FROM user_emails WHERE user = users.id)
                 ORDER BY created_at, id LIMIT 1",
            [],
            facts,
        )
        .await
    }

    /// The first accounts there are, in id order, or those of them that may log in; `most` of them at most.
    pub async fn user_ids(
        &self,
        active_only: bool,
        most: usize,
    ) -> Result<Vec<UserId>, QueryError> {
        self.every(
            "SELECT id FROM users WHERE active >= ?1 ORDER BY id LIMIT ?2",
            (active_only, i64::try_from(most).unwrap_or(i64::MAX)),
            |row| Ok(UserId::new(row.get_ref(0)?.as_str()?)),
        )
        .await
    }

    /// The users who hold the role `admin` and may log in.
    pub async fn active_admins(&self) -> Result<Vec<UserId>, QueryError> {
        self.every(
            "SELECT id FROM users WHERE admin = 1 AND active = 1 ORDER BY id",
            [],
            |row| Ok(UserId::new(row.get_ref(0)?.as_str()?)),
        )
        .await
    }
}
