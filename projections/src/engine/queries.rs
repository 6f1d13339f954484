//! Questions that views answer, whatever moment they are of.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::MessageId;
use domain::permission::PermissionTable;
use domain::role::RoleTable;
use domain::settings::Settings;
use eventstore::{EventStore, Place};
use rusqlite::{OptionalExtension as _, Params, Row};

use crate::engine::facts::AllFacts;
use crate::engine::orders::Order;
use crate::engine::recent::Recent;
use crate::engine::shared::Shared;
use crate::error::{QueryError, WaitError};

/// How long a question waits for views that are being built.
const BUILDING: Duration = Duration::from_secs(10);

/// What the views of now and those of an earlier moment are asked alike: what is in the tables whose past is kept.
pub struct Queries {
    shared: Arc<Shared>,
    store: Arc<dyn EventStore>,
}

impl Queries {
    pub(crate) fn new(shared: Arc<Shared>, store: Arc<dyn EventStore>) -> Self {
        Self { shared, store }
    }

    /// The place of the views in their log.
    pub fn place(&self) -> Place {
        *self.shared.place.lock()
    }

    /// The workspace settings.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.shared.settings.read())
    }

    /// Who holds which permission.
    pub fn permissions(&self) -> Arc<PermissionTable> {
        Arc::clone(&self.shared.permissions.read())
    }

    /// Which roles exist.
    pub fn roles(&self) -> Arc<RoleTable> {
        Arc::clone(&self.shared.roles.read())
    }

    /// Runs `question` on a reader thread with a read-only connection. It sees everything that was told of before.
    pub(crate) async fn read<T, F>(&self, question: F) -> Result<T, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        self.settle().await?;
        self.read_committed(question).await
    }

    /// The first row that a statement finds, if there is one.
    pub(crate) async fn one<T: Send + 'static>(
        &self,
        sql: impl Into<Cow<'static, str>>,
        params: impl Params + Send + 'static,
        row: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, QueryError> {
        let sql = sql.into();
        self.read(move |conn| conn.prepare_cached(&sql)?.query_row(params, row).optional())
            .await
    }

    /// Every row that a statement finds.
    pub(crate) async fn every<T: Send + 'static>(
        &self,
        sql: impl Into<Cow<'static, str>>,
        params: impl Params + Send + 'static,
        row: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, QueryError> {
        let sql = sql.into();
        self.read(move |conn| conn.prepare_cached(&sql)?.query_map(params, row)?.collect())
            .await
    }

    /// Like [`Self::read`], for what is the same with and without what is pending.
    pub(crate) async fn read_committed<T, F>(&self, question: F) -> Result<T, QueryError>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    {
        self.serve_soon().await?;
        self.shared.readers.ask(question).await
    }

    /// Waits a bounded time for views that are being built.
    async fn serve_soon(&self) -> Result<(), QueryError> {
        self.of_this_log().map_err(|_| QueryError::NotReady)?;
        let mut serving = self.shared.readers.serving();
        if serving.borrow().is_none() {
            let ready = tokio::time::timeout(BUILDING, serving.wait_for(Option::is_some)).await;
            if !matches!(ready, Ok(Ok(_))) {
                return Err(QueryError::NotReady);
            }
        }
        Ok(())
    }

    /// The file that serves. Waits a bounded time for views that are being built.
    pub(crate) async fn file(&self) -> Result<PathBuf, QueryError> {
        self.serve_soon().await?;
        let serving = self.shared.readers.serving().borrow().clone();
        Ok(serving.ok_or(QueryError::NotReady)?.path)
    }

    /// Returns once the file has everything that anybody was told of before.
    pub(crate) async fn settle(&self) -> Result<(), QueryError> {
        self.of_this_log().map_err(|_| QueryError::NotReady)?;
        let ask = async {
            // Without a worker nobody commits, and waiting says so.
            let _ = self.shared.order(Order::Commit).await;
        };
        Ok(self.shared.pending.settle(ask).await?)
    }

    /// The same, of one message. A client that chose the id of a new message has nothing committed.
    pub(crate) async fn settle_message(&self, message: &MessageId) -> Result<(), QueryError> {
        if self.shared.pending.concerns(message) {
            self.settle().await?;
        }
        Ok(())
    }

    pub(crate) fn facts(&self) -> &AllFacts {
        &self.shared.facts
    }

    pub(crate) fn recent(&self) -> &Recent {
        &self.shared.recent
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn store(&self) -> Arc<dyn EventStore> {
        Arc::clone(&self.store)
    }

    /// The generation of the log that the views are of.
    pub fn generation(&self) -> u64 {
        *self.shared.generation.borrow()
    }

    pub(crate) fn of_this_log(&self) -> Result<(), WaitError> {
        if self.generation() == self.store.generation() {
            Ok(())
        } else {
            Err(WaitError::Replaced)
        }
    }
}
