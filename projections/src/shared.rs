//! What the worker, the readers and the doors share.

use std::sync::Arc;

use domain::permission::PermissionTable;
use domain::settings::Settings;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use crate::facts::AllFacts;
use crate::lag::{Head, Health};
use crate::readers::Readers;
use crate::rebuild::RebuildProgress;
use crate::recent::Recent;
use crate::wait::Reached;

/// See the module.
pub(crate) struct Shared {
    pub(crate) reached: Reached,
    pub(crate) head: Head,
    pub(crate) health: watch::Sender<Health>,
    pub(crate) facts: AllFacts,
    pub(crate) recent: Recent,
    pub(crate) settings: RwLock<Arc<Settings>>,
    pub(crate) permissions: RwLock<Arc<PermissionTable>>,
    pub(crate) readers: Arc<Readers>,
    /// How far a rebuild is, while one runs.
    pub(crate) rebuilding: Mutex<Option<RebuildProgress>>,
}

impl Shared {
    /// The worker stopped: nobody waits for it any more.
    pub(crate) fn stopped(&self) {
        self.health.send_if_modified(|health| {
            let changed = !matches!(health, Health::Stopped(_));
            if changed {
                *health = Health::Stopped("closed".to_owned());
            }
            changed
        });
        self.reached.stop();
    }
}
