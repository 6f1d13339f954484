//! The view of programs that let people log in with their account here, and of what they were granted.

use domain::oauth_app::{OAuthAppEvent, OAuthAppProperties};
use domain::oauth_grant::{ACCESS_LIFE, OAuthGrantEvent, REFRESH_LIFE};
use domain::session::SessionEvent;
use domain::user::UserEvent;
use domain::{Event, Sealed, Timestamp, TokenHash, UserId};
use rusqlite::{OptionalExtension, Row, params};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::index::Index;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::json;

/// Written straight to SQLite.
pub(crate) const VIEW: Projection = Projection {
    name: "oauth",
    version: 2,
    tables: "CREATE TABLE oauth_apps (
        id TEXT NOT NULL PRIMARY KEY,
        client_id TEXT NOT NULL,
        secret TEXT NOT NULL,
        properties BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        updated_at INTEGER,
        updated_by TEXT
    ) WITHOUT ROWID;
    CREATE TABLE oauth_tokens (
        hash TEXT NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL,
        grant_id TEXT NOT NULL,
        app TEXT NOT NULL,
        user TEXT NOT NULL,
        expires_at INTEGER NOT NULL
    ) WITHOUT ROWID;",
    indexes: &[
        Index::new("oauth_tokens_grant", "oauth_tokens (grant_id)"),
        Index::new("oauth_tokens_user", "oauth_tokens (user)"),
    ],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    match &event.event {
        Event::OAuthApp(app_event) => apply_app(tx, app_event, event.recorded_at),
        Event::OAuthGrant(OAuthGrantEvent::OAuthCodeRedeemed(e)) => {
            hand_out(tx, &e.grant, &e.app, &e.user, &e.access, &e.refresh, e.at)
        }
        Event::OAuthGrant(OAuthGrantEvent::OAuthTokensRenewed(e)) => {
            hand_out(tx, &e.grant, &e.app, &e.user, &e.access, &e.refresh, e.at)
        }
        Event::OAuthGrant(OAuthGrantEvent::OAuthGrantRevoked(e)) => forget(tx, &e.grant),
        Event::Session(SessionEvent::TokenRevoked(e)) => forget(tx, &e.hash),
        Event::Session(SessionEvent::AllTokensRevoked(e)) => {
            forget_user(tx, &e.user, e.except.as_ref())
        }
        Event::User(UserEvent::UserDeactivated(e)) if !e.idle => forget_user(tx, &e.user, None),
        Event::User(UserEvent::UserDeleted(e)) => forget_user(tx, &e.user, None),
        _ => Ok(()),
    }
}

fn apply_app(tx: &mut Tx, event: &OAuthAppEvent, recorded_at: Timestamp) -> rusqlite::Result<()> {
    let conn = &tx.conn;
    let at = recorded_at.as_millis();
    match event {
        OAuthAppEvent::OAuthAppAdded(e) => conn
            .prepare_cached(
                "INSERT OR REPLACE INTO oauth_apps (id, client_id, secret, properties, created_at, created_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                e.app,
                e.client_id,
                e.secret.as_str(),
                json::encode(&e.properties)?,
                at,
                e.by.as_str()
            ])
            .map(drop),
        OAuthAppEvent::OAuthAppChanged(e) => conn
            .prepare_cached(
                "UPDATE oauth_apps SET properties = ?2, updated_at = ?3, updated_by = ?4 WHERE id = ?1",
            )?
            .execute(params![
                e.app,
                json::encode(&e.properties)?,
                at,
                e.by.as_str()
            ])
            .map(drop),
        OAuthAppEvent::OAuthAppRemoved(e) => {
            conn.prepare_cached("DELETE FROM oauth_apps WHERE id = ?1")?
                .execute([&e.app])?;
            let sql = "DELETE FROM oauth_tokens WHERE app = ?1 RETURNING user";
            delete_tokens(tx, sql, [&e.app])
        }
    }
}

/// A grant has one pair of tokens at a time.
fn hand_out(
    tx: &mut Tx,
    grant: &TokenHash,
    app: &str,
    user: &UserId,
    access: &TokenHash,
    refresh: &TokenHash,
    at: Timestamp,
) -> rusqlite::Result<()> {
    tx.need("oauth_tokens_grant")?;
    tx.stale.users.insert(user.clone());
    tx.conn
        .prepare_cached("DELETE FROM oauth_tokens WHERE grant_id = ?1 AND kind = 'access'")?
        .execute([grant.as_str()])?;
    let mut insert = tx.conn.prepare_cached(
        "INSERT OR REPLACE INTO oauth_tokens (hash, kind, grant_id, app, user, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (hash, kind, life) in [
        (access, "access", ACCESS_LIFE),
        (refresh, "refresh", REFRESH_LIFE),
    ] {
        insert.execute(params![
            hash.as_str(),
            kind,
            grant.as_str(),
            app,
            user.as_str(),
            at.as_millis().saturating_add(life)
        ])?;
    }
    Ok(())
}

fn forget(tx: &mut Tx, grant: &TokenHash) -> rusqlite::Result<()> {
    tx.need("oauth_tokens_grant")?;
    let sql = "DELETE FROM oauth_tokens WHERE grant_id = ?1 RETURNING user";
    delete_tokens(tx, sql, [grant.as_str()])
}

/// Removes everything a user granted, except one grant if that is given.
fn forget_user(tx: &mut Tx, user: &UserId, except: Option<&TokenHash>) -> rusqlite::Result<()> {
    tx.need("oauth_tokens_user")?;
    let sql = "DELETE FROM oauth_tokens WHERE user = ?1 AND grant_id <> ?2 RETURNING user";
    delete_tokens(
        tx,
        sql,
        [user.as_str(), except.map_or("", TokenHash::as_str)],
    )
}

/// Deletes tokens by a statement that returns their users: cached facts of those users are stale.
fn delete_tokens(
    tx: &mut Tx,
    sql: &'static str,
    params: impl rusqlite::Params,
) -> rusqlite::Result<()> {
    let mut delete = tx.conn.prepare_cached(sql)?;
    let mut users = delete.query(params)?;
    while let Some(row) = users.next()? {
        let user = UserId::new(row.get_ref(0)?.as_str()?);
        tx.stale.users.insert(user);
    }
    Ok(())
}

/// A program that lets people log in with their account here.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct OAuthAppRecord {
    pub id: String,
    pub client_id: String,
    pub secret: Sealed,
    pub properties: OAuthAppProperties,
    /// When and by whom it was added.
    pub created: (Timestamp, UserId),
    /// When and by whom it was changed last.
    pub updated: Option<(Timestamp, UserId)>,
}

const COLUMNS: &str =
    "id, client_id, secret, properties, created_at, created_by, updated_at, updated_by";

fn record(row: &Row<'_>) -> rusqlite::Result<OAuthAppRecord> {
    let updated_at: Option<i64> = row.get(6)?;
    let updated_by: Option<String> = row.get(7)?;
    Ok(OAuthAppRecord {
        id: row.get(0)?,
        client_id: row.get(1)?,
        secret: Sealed::new(row.get::<_, String>(2)?),
        properties: json::decode(row.get_ref(3)?.as_bytes()?)?,
        created: (
            Timestamp::from_millis(row.get(4)?),
            UserId::new(row.get_ref(5)?.as_str()?),
        ),
        updated: updated_at
            .zip(updated_by)
            .map(|(at, by)| (Timestamp::from_millis(at), UserId::new(by))),
    })
}

/// A token that a program was given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct OAuthToken {
    /// It renews others; otherwise it gives access.
    pub renews: bool,
    /// The grant it comes from.
    pub grant: TokenHash,
    /// The id of the program.
    pub app: String,
    pub user: UserId,
    pub expires_at: Timestamp,
    /// Whether the program is switched on.
    pub app_active: bool,
}

impl Views {
    /// The programs that let people log in with their account here, oldest first.
    pub async fn oauth_apps(&self) -> Result<Vec<OAuthAppRecord>, QueryError> {
        self.every(
            format!("SELECT {COLUMNS} FROM oauth_apps ORDER BY created_at, id"),
            [],
            record,
        )
        .await
    }

    /// The program with that id.
    pub async fn oauth_app(&self, id: &str) -> Result<Option<OAuthAppRecord>, QueryError> {
        self.one(
            format!("SELECT {COLUMNS} FROM oauth_apps WHERE id = ?1"),
            [id.to_owned()],
            record,
        )
        .await
    }

    /// The program with that client id.
    pub async fn oauth_client(
        &self,
        client_id: &str,
    ) -> Result<Option<OAuthAppRecord>, QueryError> {
        self.one(
            format!("SELECT {COLUMNS} FROM oauth_apps WHERE client_id = ?1"),
            [client_id.to_owned()],
            record,
        )
        .await
    }

    /// What a token with that hash is good for; `None` if it was never issued or is void. It may be expired.
    pub async fn oauth_token(&self, hash: &TokenHash) -> Result<Option<OAuthToken>, QueryError> {
        let hash = hash.clone();
        self.read(move |conn| {
            conn.prepare_cached(
                "SELECT t.kind, t.grant_id, t.app, t.user, t.expires_at, a.properties
                 FROM oauth_tokens t JOIN oauth_apps a ON a.id = t.app WHERE t.hash = ?1",
            )?
            .query_row([hash.as_str()], |row| {
                let properties: OAuthAppProperties = json::decode(row.get_ref(5)?.as_bytes()?)?;
                Ok(OAuthToken {
                    renews: row.get_ref(0)?.as_str()? == "refresh",
                    grant: TokenHash::new(row.get_ref(1)?.as_str()?),
                    app: row.get(2)?,
                    user: UserId::new(row.get_ref(3)?.as_str()?),
                    expires_at: Timestamp::from_millis(row.get(4)?),
                    app_active: properties.active,
                })
            })
            .optional()
        })
        .await
    }
}
