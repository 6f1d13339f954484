//! How much there is of everything. Counted from the rows of users and rooms, never from messages: rooms keep their
//! own count of those.

use std::collections::BTreeMap;

use domain::Timestamp;

use crate::engine::handle::Views;
use crate::error::QueryError;
use crate::numbers::unsigned;

/// Statistics of a workspace, all of one and the same moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Figures {
    pub users: u64,
    /// Accounts that may log in.
    pub active_users: u64,
    /// Accounts that may log in and hold the role `guest`.
    pub active_guests: u64,
    pub app_users: u64,
    /// Number of accounts by the language they chose.
    pub languages: BTreeMap<String, u64>,
    /// Number of rooms, and of messages in them.
    pub channels: (u64, u64),
    /// Number of rooms, and of messages in them.
    pub groups: (u64, u64),
    /// Number of rooms, and of messages in them.
    pub directs: (u64, u64),
    pub broadcast_rooms: u64,
    pub encrypted_rooms: u64,
    /// Send time of the newest message.
    pub last_message: Option<Timestamp>,
    /// When the newest login token was issued.
    pub last_login: Option<Timestamp>,
    pub custom_statuses: u64,
    pub open_reports: u64,
    pub discussions: u64,
    /// Messages with replies in a thread.
    pub threads: u64,
    /// When a user last read a room.
    pub last_seen: Option<Timestamp>,
    /// Files people uploaded (pictures of users and rooms, emoji, sounds, the workspace's own pictures): number and
    /// bytes.
    pub files: (u64, u64),
    pub totp_users: u64,
    pub email_factor_users: u64,
    pub emoji: u64,
    pub sounds: u64,
}

impl Views {
    /// The statistics as they are now.
    pub async fn figures(&self) -> Result<Figures, QueryError> {
        self.read(|conn| {
            // All figures of one and the same moment.
            let moment = conn.unchecked_transaction()?;
            let mut figures = Figures::default();
            moment
                .prepare_cached(
                    "SELECT count(*), coalesce(sum(active), 0),
                        coalesce(sum(active = 1 AND instr(json_extract(doc, '$.roles'), '\"guest\"') > 0), 0),
                        coalesce(sum(json_extract(doc, '$.type') = 'app'), 0) FROM users",
                )?
                .query_row([], |row| {
                    figures.users = unsigned(row, 0)?;
                    figures.active_users = unsigned(row, 1)?;
                    figures.active_guests = unsigned(row, 2)?;
                    figures.app_users = unsigned(row, 3)?;
                    Ok(())
                })?;
            figures.languages = moment
                .prepare_cached(
                    "SELECT json_extract(doc, '$.language') AS language, count(*) FROM users
                     WHERE language IS NOT NULL AND language <> '' GROUP BY language",
                )?
                .query_map([], |row| Ok((row.get(0)?, unsigned(row, 1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            let mut by_kind = moment.prepare_cached(
                "SELECT kind, count(*), coalesce(sum(msgs), 0), max(lm),
                    coalesce(sum(json_extract(doc, '$.broadcast')), 0),
                    coalesce(sum(json_extract(doc, '$.encrypted')), 0) FROM rooms GROUP BY kind",
            )?;
            let mut rows = by_kind.query([])?;
            while let Some(row) = rows.next()? {
                let both = (unsigned(row, 1)?, unsigned(row, 2)?);
                match row.get_ref(0)?.as_str()? {
                    "p" => figures.groups = both,
                    "d" => figures.directs = both,
                    _ => figures.channels = both,
                }
                let newest = row.get::<_, Option<i64>>(3)?.map(Timestamp::from_millis);
                figures.last_message = figures.last_message.max(newest);
                figures.broadcast_rooms += unsigned(row, 4)?;
                figures.encrypted_rooms += unsigned(row, 5)?;
            }
            let one = |sql: &str| -> rusqlite::Result<Option<i64>> {
                moment.prepare_cached(sql)?.query_row([], |row| row.get(0))
            };
            let count = |sql: &str| -> rusqlite::Result<u64> {
                Ok(u64::try_from(one(sql)?.unwrap_or(0)).unwrap_or(0))
            };
            figures.last_login =
                one("SELECT max(issued_at) FROM sessions")?.map(Timestamp::from_millis);
            figures.custom_statuses = count("SELECT count(*) FROM custom_statuses")?;
            figures.open_reports = count("SELECT count(*) FROM reports WHERE open = 1")?;
            figures.discussions = count("SELECT count(*) FROM rooms WHERE parent IS NOT NULL")?;
            figures.threads = count("SELECT count(*) FROM messages WHERE replies > 0")?;
            figures.last_seen =
                one("SELECT max(seen) FROM memberships")?.map(Timestamp::from_millis);
            figures.totp_users = count("SELECT count(*) FROM second_factors WHERE totp = 1")?;
            figures.email_factor_users =
                count("SELECT count(*) FROM second_factors WHERE email = 1")?;
            figures.emoji = count("SELECT count(*) FROM emoji WHERE removed = 0")?;
            figures.sounds = count("SELECT count(*) FROM sounds")?;
            for table in ["avatars", "emoji", "sounds", "assets"] {
                let (files, bytes): (i64, i64) = moment
                    .prepare_cached(&format!(
                        "SELECT count(file), coalesce(sum(json_extract(file, '$.size')), 0) FROM {table}"
                    ))?
                    .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                figures.files.0 += u64::try_from(files).unwrap_or(0);
                figures.files.1 += u64::try_from(bytes).unwrap_or(0);
            }
            Ok(figures)
        })
        .await
    }
}
