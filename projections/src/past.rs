//! Views as they were at an earlier position.
//!
//! The tables of the last snapshot before it are laid over a connection of their own ([`crate::engine::past`]), and the
//! projections apply the events in between. What comes out answers the questions that the views of now answer.

use std::sync::Arc;
use std::time::Duration;

use eventstore::Position;
use tokio_util::sync::CancellationToken;

use crate::engine::file;
use crate::engine::handle::{Running, Views};
use crate::engine::hub::Hub;
use crate::engine::lag::Health;
use crate::engine::readers::Readers;
use crate::engine::shared::Shared;
use crate::engine::tx::Tx;
use crate::error::{QueryError, ViewsError};
use crate::rebuild::{fed, next_events};

/// How long applying events may take.
const PATIENCE: Duration = Duration::from_mins(1);

impl Views {
    /// The views as they were at `position`: people, rooms, members, messages, roles, permissions and settings answer as
    /// they did then, settings with the default values of this program. All else is empty, and what was unread is not
    /// known. They never change; dropping them ends their thread.
    ///
    /// Costs the events since the last snapshot ([`crate::Spacing`]). The caller sees to it that there are not too many of
    /// them at once.
    pub async fn at(&self, position: Position) -> Result<Self, QueryError> {
        self.wait_for(position).await?;
        self.settle().await?;
        let path = self.file().await?;
        let (store, log, views) = (self.store(), self.store().id(), self.registry().clone());
        let snapshot = tokio::task::spawn_blocking(move || {
            let conn = file::open_past(&path)?;
            // From the first question on the file stays as it is, for this connection.
            conn.execute_batch("BEGIN")?;
            Tx::open_past(conn, log, position, &views).map_err(ViewsError::from)
        });
        let tx = snapshot.await.map_err(|_| ViewsError::Closed)??;
        let after = tx.position;
        let views = self.registry().past();
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

    /// Views whose tables are those of `tx`.
    fn past(&self, tx: Tx) -> Result<Self, QueryError> {
        let place = tx.place();
        let shown = tx.shown();
        let failed = |error: std::io::Error| ViewsError::Database(error.to_string());
        let readers = Readers::of(tx.into_connection()).map_err(failed)?;
        let (store, closing) = (self.store(), Arc::clone(&readers));
        let vault = self.shared().vault.clone();
        let shared = Shared::new(place, self.generation(), readers, vault);
        shared.show(shown);
        shared.health.send_replace(Health::Ready);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let closed = tokio::spawn(async move {
            stopped.cancelled().await;
            closing.close();
        });
        let running = Running {
            worker: None,
            tasks: vec![closed],
        };
        let (folder, hub) = (Arc::clone(self.folder()), Hub::new(place.mark()));
        Ok(Self::new(
            Arc::new(shared),
            store,
            folder,
            self.registry().clone(),
            hub,
            stop,
            running,
        ))
    }
}
