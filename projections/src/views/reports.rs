//! The view of reports to the moderators.

use bytes::Bytes;
use domain::report::ReportEvent;
use domain::{Event, MessageId, RoomId, Timestamp, UserId};
use rusqlite::{Connection, Row, ToSql, params};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::index::Index;
use crate::engine::paging::{Page, Slice, bounds};
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::json;
use crate::numbers::{number, unsigned};

pub(crate) const VIEW: Projection = Projection {
    name: "reports",
    version: 1,
    tables: "CREATE TABLE reports (
        seq INTEGER NOT NULL PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        user TEXT NOT NULL,
        message TEXT,
        room TEXT,
        copy BLOB,
        description TEXT NOT NULL,
        reporter TEXT NOT NULL,
        at INTEGER NOT NULL,
        open INTEGER NOT NULL
    );",
    indexes: &[
        Index::new("reports_user", "reports (user) WHERE open = 1"),
        Index::new(
            "reports_message",
            "reports (message) WHERE message IS NOT NULL",
        ),
    ],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let Event::Report(report_event) = &event.event else {
        return Ok(());
    };
    let seq = number(event.position);
    match report_event {
        ReportEvent::MessageReported(report) => {
            tx.conn
                .prepare_cached(
                    "INSERT OR IGNORE INTO reports (seq, id, user, message, room, copy, description, reporter, at, open)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1)",
                )?
                .execute(params![
                    seq,
                    report.report,
                    report.author.as_str(),
                    report.message.as_str(),
                    report.room.as_str(),
                    json::encode(&report.copy)?,
                    report.description,
                    report.by.as_str(),
                    report.at.as_millis()
                ])?;
        }
        ReportEvent::UserReported(report) => {
            tx.conn
                .prepare_cached(
                    "INSERT OR IGNORE INTO reports (seq, id, user, description, reporter, at, open)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)",
                )?
                .execute(params![
                    seq,
                    report.report,
                    report.user.as_str(),
                    report.description,
                    report.by.as_str(),
                    report.at.as_millis()
                ])?;
        }
        ReportEvent::ReportDismissed(dismissed) => {
            tx.conn
                .prepare_cached("UPDATE reports SET open = 0 WHERE id = ?1")?
                .execute([&dismissed.report])?;
        }
    }
    Ok(())
}

/// What a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum ReportKind {
    Messages,
    Users,
}

/// Selects open reports, the newest first.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct ReportQuery {
    pub kind: ReportKind,
    /// Only reports of this user, or of what they wrote.
    pub user: Option<UserId>,
    /// Only reports of this message.
    pub message: Option<MessageId>,
    /// Only users whose name or user name contains this, without regard to case.
    pub filter: Option<String>,
    /// Made at this time or earlier.
    pub latest: Option<Timestamp>,
    /// Made at this time or later.
    pub oldest: Option<Timestamp>,
    /// The oldest first instead.
    pub ascending: bool,
    pub slice: Slice,
}

impl ReportQuery {
    /// All open reports of that kind.
    pub fn of(kind: ReportKind) -> Self {
        Self {
            kind,
            user: None,
            message: None,
            filter: None,
            latest: None,
            oldest: None,
            ascending: false,
            slice: Slice::ALL,
        }
    }
}

/// A report about a user or a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct ReportRecord {
    pub id: String,
    /// The reported user, or the author of the reported message.
    pub user: UserId,
    /// The message, its room, and its document at the time of the report.
    pub message: Option<(MessageId, RoomId, Bytes)>,
    pub description: String,
    pub reporter: UserId,
    pub at: Timestamp,
}

/// A user with open reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedUser {
    /// How many reports match.
    pub count: u64,
    /// The newest of these reports.
    pub latest: ReportRecord,
    /// The rooms of the reported messages.
    pub rooms: Vec<RoomId>,
}

const COLUMNS: &str = "reports.id, reports.user, reports.message, reports.room, reports.copy,
    reports.description, reports.reporter, reports.at";

fn record(row: &Row<'_>) -> rusqlite::Result<ReportRecord> {
    let message = match (
        row.get_ref(2)?.as_str_or_null()?,
        row.get_ref(3)?.as_str_or_null()?,
    ) {
        (Some(message), Some(room)) => Some((
            MessageId::new(message),
            RoomId::new(room),
            json::column(row, 4)?,
        )),
        _ => None,
    };
    Ok(ReportRecord {
        id: row.get(0)?,
        user: UserId::new(row.get_ref(1)?.as_str()?),
        message,
        description: row.get(5)?,
        reporter: UserId::new(row.get_ref(6)?.as_str()?),
        at: Timestamp::from_millis(row.get(7)?),
    })
}

/// The SQL condition of a query, and its values.
struct Matching {
    sql: &'static str,
    user: Option<String>,
    message: Option<String>,
    filter: Option<String>,
    oldest: i64,
    latest: i64,
}

impl Matching {
    fn of(query: &ReportQuery) -> Self {
        Self {
            sql: match query.kind {
                ReportKind::Messages => {
                    "open = 1 AND message IS NOT NULL AND (?1 IS NULL OR reports.user = ?1)
                        AND (?2 IS NULL OR message = ?2) AND at BETWEEN ?3 AND ?4
                        AND (?5 IS NULL OR instr(users.username_key, ?5) > 0 OR instr(users.name_key, ?5) > 0)"
                }
                ReportKind::Users => {
                    "open = 1 AND message IS NULL AND (?1 IS NULL OR reports.user = ?1) AND ?2 IS NULL
                        AND at BETWEEN ?3 AND ?4
                        AND (?5 IS NULL OR instr(users.username_key, ?5) > 0 OR instr(users.name_key, ?5) > 0)"
                }
            },
            user: query.user.as_ref().map(|user| user.as_str().to_owned()),
            message: query.message.as_ref().map(|id| id.as_str().to_owned()),
            filter: query.filter.as_ref().map(|filter| filter.to_lowercase()),
            oldest: query.oldest.map_or(i64::MIN, Timestamp::as_millis),
            latest: query.latest.map_or(i64::MAX, Timestamp::as_millis),
        }
    }

    fn values(&self) -> [&dyn ToSql; 5] {
        [
            &self.user,
            &self.message,
            &self.oldest,
            &self.latest,
            &self.filter,
        ]
    }

    /// How many of `what` match.
    fn count(&self, conn: &Connection, what: &str) -> rusqlite::Result<u64> {
        conn.prepare_cached(&format!(
            "SELECT count({what}) FROM {TABLES} WHERE {}",
            self.sql
        ))?
        .query_row(&self.values()[..], |row| unsigned(row, 0))
    }
}

const TABLES: &str = "reports LEFT JOIN users ON users.id = reports.user";

impl Views {
    /// Open reports that `query` selects.
    pub async fn reports(&self, query: ReportQuery) -> Result<Page<ReportRecord>, QueryError> {
        self.read(move |conn| {
            let matching = Matching::of(&query);
            let (count, offset) = bounds(query.slice);
            let direction = if query.ascending { "ASC" } else { "DESC" };
            let items = conn
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM {TABLES} WHERE {}
                     ORDER BY seq {direction} LIMIT {count} OFFSET {offset}",
                    matching.sql
                ))?
                .query_map(&matching.values()[..], record)?
                .collect::<rusqlite::Result<_>>()?;
            let total = matching.count(conn, "*")?;
            Ok(Page { items, total })
        })
        .await
    }

    /// The report with that id, open or dealt with.
    pub async fn report(&self, id: &str) -> Result<Option<ReportRecord>, QueryError> {
        self.one(
            format!("SELECT {COLUMNS} FROM reports WHERE id = ?1"),
            [id.to_owned()],
            record,
        )
        .await
    }

    /// Users with open reports, the one with the newest first.
    pub async fn reported_users(
        &self,
        query: ReportQuery,
    ) -> Result<Page<ReportedUser>, QueryError> {
        self.read(move |conn| {
            let matching = Matching::of(&query);
            let (count, offset) = bounds(query.slice);
            let direction = if query.ascending { "ASC" } else { "DESC" };
            // With a single max(), SQLite takes the bare columns from the row that has it.
            let items = conn
                .prepare_cached(&format!(
                    "SELECT {COLUMNS}, count(*), group_concat(DISTINCT reports.room), max(seq) AS newest
                     FROM {TABLES} WHERE {} GROUP BY reports.user
                     ORDER BY newest {direction} LIMIT {count} OFFSET {offset}",
                    matching.sql
                ))?
                .query_map(&matching.values()[..], |row| {
                    let rooms = row.get_ref(9)?.as_str_or_null()?.unwrap_or_default();
                    Ok(ReportedUser {
                        latest: record(row)?,
                        count: unsigned(row, 8)?,
                        rooms: rooms
                            .split(',')
                            .filter(|room| !room.is_empty())
                            .map(RoomId::new)
                            .collect(),
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            let total = matching.count(conn, "DISTINCT reports.user")?;
            Ok(Page { items, total })
        })
        .await
    }
}
