//! Statistics of the workspace, taken once a day and whenever somebody asks for fresh ones (contract, admin 7).
//!
//! A snapshot is a measurement: of the views, of this process and of this machine. It is no fact of the workspace, so
//! it is not in the log; it is in the file store, beside the log.

pub mod measure;

use std::collections::BTreeMap;
use std::sync::Arc;

use application::people::document::Doc;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot};

use crate::errors::ApiError;

/// How many callers may wait for a fresh snapshot.
const WAITING: usize = 16;

/// A request for a fresh snapshot.
type Order = oneshot::Sender<Result<Arc<Doc>, ApiError>>;

/// The snapshots. One task makes and keeps them.
pub struct Statistics {
    /// Oldest first.
    snapshots: RwLock<Vec<Arc<Doc>>>,
    orders: mpsc::Sender<Order>,
    /// Held by the task that takes the snapshots.
    waiting: tokio::sync::Mutex<mpsc::Receiver<Order>>,
    /// Counters that clients raise, since the start.
    counters: Mutex<BTreeMap<String, u64>>,
}

/// How many counters clients may create.
const COUNTERS: usize = 200;

impl Default for Statistics {
    fn default() -> Self {
        let (orders, waiting) = mpsc::channel(WAITING);
        Self {
            snapshots: RwLock::default(),
            orders,
            waiting: tokio::sync::Mutex::new(waiting),
            counters: Mutex::default(),
        }
    }
}

impl Statistics {
    pub fn newest(&self) -> Option<Arc<Doc>> {
        self.snapshots.read().last().cloned()
    }

    /// Newest first.
    pub fn all(&self) -> Vec<Arc<Doc>> {
        self.snapshots.read().iter().rev().cloned().collect()
    }

    /// Takes a fresh snapshot and keeps it.
    pub async fn fresh(&self) -> Result<Arc<Doc>, ApiError> {
        let (order, answer) = oneshot::channel();
        self.orders
            .send(order)
            .await
            .map_err(|_| ApiError::Unavailable)?;
        answer.await.map_err(|_| ApiError::Unavailable)?
    }

    /// Raises a counter of what clients do.
    pub fn count(&self, name: &str) {
        let mut counters = self.counters.lock();
        if counters.len() < COUNTERS || counters.contains_key(name) {
            *counters.entry(name.to_owned()).or_default() += 1;
        }
    }
}
