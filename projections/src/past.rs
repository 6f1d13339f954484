//! Views as they were at an earlier position.
//!
//! The tables of the last snapshot before it are laid over a connection of their own ([`crate::engine::past`]), and the
//! projections apply the events in between. What comes out answers the questions that the views of now answer.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use eventstore::Position;

use crate::engine::file;
use crate::engine::handle::Views;
use crate::engine::lag::Health;
use crate::engine::queries::Queries;
use crate::engine::readers::Readers;
use crate::engine::shared::Shared;
use crate::engine::tx::Tx;
use crate::error::{QueryError, ViewsError};
use crate::rebuild::{fed, next_events};

/// How long applying events may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often the file is opened again that has just been replaced by another.
const ATTEMPTS: usize = 5;

/// The views of an earlier moment: people, rooms, members, messages, roles, permissions and settings answer as they did
/// then, settings with the default values of this program. What was unread is not known. They never change.
pub struct Past(Queries);

impl Deref for Past {
    type Target = Queries;

    fn deref(&self) -> &Queries {
        &self.0
    }
}

impl Drop for Past {
    /// Ends their thread, once it has answered.
    fn drop(&mut self) {
        self.0.shared().readers.close();
    }
}

impl Views {
    /// The views as they were at `position`.
    ///
    /// Costs the events since the last snapshot ([`crate::Spacing`]). The caller sees to it that there are not too many of
    /// them at once.
    pub async fn at(&self, position: Position) -> Result<Past, QueryError> {
        self.wait_for(position).await?;
        self.settle().await?;
        let tx = self.snapshot(position).await?;
        let (store, after, views) = (self.store(), tx.position, self.registry().past());
        let applied = fed(&store, after, position, move |mut intake| {
            let mut tx = tx;
            while let Some(events) = next_events(&mut intake)? {
                for event in &events {
                    tx.apply(views, event)?;
                }
                tx.relieve()?;
            }
            tx.flush()?;
            Ok(tx)
        });
        // While the log cannot be read, the file would be held on to.
        let applied = tokio::time::timeout(PATIENCE, applied).await;
        let tx = applied.map_err(|_| QueryError::Busy)??;
        if tx.position != position {
            return Err(QueryError::Closed);
        }
        self.past(tx)
    }

    /// The tables as they were at the last snapshot not after `position`.
    async fn snapshot(&self, position: Position) -> Result<Tx, QueryError> {
        let mut path = self.file().await?;
        for _ in 1..ATTEMPTS {
            let opened = self.open_past(path.clone(), position).await;
            let now = self.file().await?;
            if opened.is_ok() || now == path {
                return Ok(opened?);
            }
            // A rebuild has put another file in its place meanwhile, and removed it.
            path = now;
        }
        Ok(self.open_past(path, position).await?)
    }

    async fn open_past(&self, path: PathBuf, position: Position) -> Result<Tx, ViewsError> {
        let (log, views) = (self.store().id(), self.registry().clone());
        let opened = tokio::task::spawn_blocking(move || {
            let conn = file::open_past(&path)?;
            // From the first question on the file stays as it is, for this connection.
            conn.execute_batch("BEGIN")?;
            if file::position(&conn)? < position {
                // Half of the file is gone already.
                return Err(ViewsError::NoViews);
            }
            Ok(Tx::open_past(conn, log, position, &views)?)
        });
        opened.await.map_err(|_| ViewsError::Closed)?
    }

    /// Views whose tables are those of `tx`.
    fn past(&self, tx: Tx) -> Result<Past, QueryError> {
        let (place, shown) = (tx.place(), tx.shown());
        let failed = |error: std::io::Error| ViewsError::Database(error.to_string());
        let readers = Readers::of(tx.into_connection()).map_err(failed)?;
        let vault = self.shared().vault.clone();
        let shared = Shared::new(place, self.generation(), readers, vault);
        shared.show(shown);
        shared.health.send_replace(Health::Ready);
        Ok(Past(Queries::new(Arc::new(shared), self.store())))
    }
}
