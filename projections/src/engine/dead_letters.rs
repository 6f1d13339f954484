//! Events that a view refused and that were set aside.
//!
//! They lie in the views file, so that they are made anew with the views, and are a function of the log as those are.

use domain::Timestamp;
use eventstore::Position;
use rusqlite::{Connection, params};

use crate::engine::applied::Applied;
use crate::engine::projection::{Apply, OnRefusal, Projection, Unapplied};
use crate::engine::tx::Tx;
use crate::numbers::{number, unsigned};

pub(crate) const TABLE: &str = "CREATE TABLE dead_letters (
        projection TEXT NOT NULL,
        position INTEGER NOT NULL,
        at INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (projection, position)
    ) WITHOUT ROWID;";

/// Characters of a reason that are kept.
const LONGEST_REASON: usize = 1000;

/// An event that a view goes on without.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct DeadLetter {
    /// The view that refused it.
    pub projection: String,
    pub position: Position,
    /// When the event was recorded.
    pub at: Timestamp,
    pub reason: String,
}

/// What came of retrying dead letters. Those that were none any more are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retried {
    /// How many the views took.
    pub taken: usize,
    /// How many they refused again.
    pub refused: usize,
}

/// Why an event could not be applied to all views.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    /// A view refused it that must not go on without.
    #[error("{0}")]
    Stopped(Stop),
}

/// An event that stops the views.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event at position {position}: the view {projection} cannot apply it: {reason}")]
pub(crate) struct Stop {
    pub(crate) projection: &'static str,
    pub(crate) position: Position,
    pub(crate) reason: String,
}

impl Tx {
    /// Applies one event to one view.
    pub(crate) fn apply_to(
        &mut self,
        view: &Projection,
        event: &Applied,
    ) -> Result<(), ApplyError> {
        let refused = match view.apply {
            Apply::Total(apply) => return Ok(apply(self, event)?),
            Apply::Partial { refused, .. } => refused,
        };
        let Some(reason) = self.attempt(view, event)? else {
            return Ok(());
        };
        match refused {
            OnRefusal::Stop => Err(ApplyError::Stopped(Stop {
                projection: view.name,
                position: event.position,
                reason,
            })),
            OnRefusal::SetAside => {
                tracing::warn!(projection = view.name, position = %event.position, reason, "an event is set aside");
                self.dead_letters += 1;
                Ok(self.set_aside(view, event, &reason)?)
            }
        }
    }

    /// Applies one event to one view, wholly or not at all. Answers why the view refuses it, if it does.
    fn attempt(&mut self, view: &Projection, event: &Applied) -> rusqlite::Result<Option<String>> {
        self.conn.prepare_cached("SAVEPOINT attempt")?.execute([])?;
        let outcome = match view.apply {
            Apply::Total(apply) => apply(self, event).map_err(Unapplied::from),
            Apply::Partial { apply, .. } => apply(self, event),
        };
        let refused = match outcome {
            Ok(()) => None,
            Err(Unapplied::Database(error)) if is_of_the_database(&error) => return Err(error),
            Err(unapplied) => {
                self.conn.execute_batch("ROLLBACK TO attempt")?;
                let reason = unapplied.to_string();
                Some(reason.chars().take(LONGEST_REASON).collect())
            }
        };
        self.conn.prepare_cached("RELEASE attempt")?.execute([])?;
        Ok(refused)
    }

    fn set_aside(&self, view: &Projection, event: &Applied, reason: &str) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO dead_letters (projection, position, at, reason) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                view.name,
                number(event.position),
                event.recorded_at.as_millis(),
                reason
            ])?;
        Ok(())
    }

    /// Applies an event that a view refused before to that view as it is now. Answers whether the view took it; `None`: it
    /// is no dead letter any more.
    pub(crate) fn retry(
        &mut self,
        view: &Projection,
        event: &Applied,
    ) -> rusqlite::Result<Option<bool>> {
        let there = self
            .conn
            .prepare_cached("SELECT 1 FROM dead_letters WHERE projection = ?1 AND position = ?2")?
            .exists(params![view.name, number(event.position)])?;
        if !there {
            // Somebody else was faster, or a rebuild has taken it.
            return Ok(None);
        }
        if let Some(reason) = self.attempt(view, event)? {
            self.set_aside(view, event, &reason)?;
            return Ok(Some(false));
        }
        let gone = self
            .conn
            .prepare_cached("DELETE FROM dead_letters WHERE projection = ?1 AND position = ?2")?
            .execute(params![view.name, number(event.position)])?;
        self.dead_letters = self.dead_letters.saturating_sub(gone as u64);
        Ok(Some(true))
    }
}

/// Whether an error says something of the file, the disk or the memory, so that the same statement may succeed later. All
/// others come from the statements of the view and from what is in the event, and come again.
fn is_of_the_database(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => !matches!(
            failure.code,
            Code::ConstraintViolation
                | Code::TypeMismatch
                | Code::TooBig
                | Code::ParameterOutOfRange
                // What has no code of its own: statements that make no sense, numbers too large, text that is no JSON.
                | Code::Unknown
        ),
        _ => false,
    }
}

pub(crate) fn count(conn: &Connection) -> rusqlite::Result<u64> {
    conn.prepare_cached("SELECT count(*) FROM dead_letters")?
        .query_row([], |row| unsigned(row, 0))
}

/// The first of them, by view and position; so many at most.
pub(crate) fn list(conn: &Connection, most: u32) -> rusqlite::Result<Vec<DeadLetter>> {
    list_behind(conn, None, None, most)
}

/// The first of them behind one, of a view or of all.
pub(crate) fn list_behind(
    conn: &Connection,
    view: Option<&str>,
    behind: Option<&(String, Position)>,
    most: u32,
) -> rusqlite::Result<Vec<DeadLetter>> {
    let (after, position) = match behind {
        Some((view, position)) => (view.as_str(), number(*position)),
        None => ("", 0),
    };
    conn.prepare_cached(
        "SELECT projection, position, at, reason FROM dead_letters
         WHERE (?1 IS NULL OR projection = ?1) AND (projection, position) > (?2, ?3)
         ORDER BY projection, position LIMIT ?4",
    )?
    .query_map(params![view, after, position, most], |row| {
        Ok(DeadLetter {
            projection: row.get(0)?,
            position: Position::new(unsigned(row, 1)?),
            at: Timestamp::from_millis(row.get(2)?),
            reason: row.get(3)?,
        })
    })?
    .collect()
}
