//! How much there is of everything. Counted from the rows of users and rooms, never from messages: rooms keep their
//! own count of those.

use std::collections::BTreeMap;

use domain::Timestamp;

use crate::error::QueryError;
use crate::views::{Views, unsigned};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Accounts.
    pub users: u64,
    /// Those that may log in.
    pub active_users: u64,
    /// Those that may log in and hold the role `guest`.
    pub active_guests: u64,
    /// Those of apps.
    pub app_users: u64,
    /// Accounts by the language they chose.
    pub languages: BTreeMap<String, u64>,
    /// Channels: rooms and messages.
    pub channels: (u64, u64),
    /// Groups: rooms and messages.
    pub groups: (u64, u64),
    /// Direct messages: rooms and messages.
    pub directs: (u64, u64),
    /// Rooms of which few speak to many.
    pub broadcast_rooms: u64,
    /// Rooms whose messages are encrypted from end to end.
    pub encrypted_rooms: u64,
    /// The newest message.
    pub last_message: Option<Timestamp>,
    /// The newest login token.
    pub last_login: Option<Timestamp>,
    /// Custom user statuses.
    pub custom_statuses: u64,
    /// Reports that wait for a moderator.
    pub open_reports: u64,
}

impl Views {
    /// How much there is of everything.
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
            Ok(figures)
        })
        .await
    }
}
