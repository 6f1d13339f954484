//! What the worker, the readers and the doors share.

use std::sync::Arc;

use domain::permission::PermissionTable;
use domain::role::RoleTable;
use domain::settings::Settings;
use eventstore::Position;
use eventstore::vault::Vault;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use crate::facts::AllFacts;
use crate::lag::{Head, Health};
use crate::readers::Readers;
use crate::rebuild::RebuildProgress;
use crate::recent::Recent;
use crate::since::Delays;
use crate::tx::Tx;
use crate::views::Views;
use crate::wait::Reached;

/// See the module.
pub(crate) struct Shared {
    pub(crate) reached: Reached,
    pub(crate) head: Head,
    /// When the views were behind.
    pub(crate) delays: Delays,
    pub(crate) health: watch::Sender<Health>,
    pub(crate) facts: AllFacts,
    pub(crate) recent: Recent,
    pub(crate) settings: RwLock<Arc<Settings>>,
    pub(crate) permissions: RwLock<Arc<PermissionTable>>,
    pub(crate) roles: RwLock<Arc<RoleTable>>,
    /// Opens secrets; without it they show as their defaults.
    pub(crate) vault: Option<Vault>,
    pub(crate) readers: Arc<Readers>,
    /// How far a rebuild is, while one runs.
    pub(crate) rebuilding: Mutex<Option<RebuildProgress>>,
}

/// What the value of a secret setting is sealed for.
pub(crate) fn setting_purpose(id: &str) -> String {
    format!("setting/{id}")
}

impl Shared {
    /// Of views at a position, which nobody was shown anything of yet.
    pub(crate) fn new(position: Position, readers: Arc<Readers>, vault: Option<Vault>) -> Self {
        Self {
            reached: Reached::new(position),
            head: Head::default(),
            delays: Delays::default(),
            health: watch::Sender::new(Health::Building),
            facts: AllFacts::new(),
            recent: Recent::default(),
            settings: RwLock::default(),
            permissions: RwLock::default(),
            roles: RwLock::default(),
            vault,
            readers,
            rebuilding: Mutex::default(),
        }
    }

    /// Shows the doors what is kept in memory as a whole.
    pub(crate) fn show(&self, tx: &Tx) {
        self.show_settings(&tx.settings);
        *self.permissions.write() = Arc::new(tx.permissions.clone());
        *self.roles.write() = Arc::new(tx.roles.clone());
    }

    /// Shows the doors other settings, with their secrets opened.
    pub(crate) fn show_settings(&self, settings: &Settings) {
        let mut shown = settings.clone();
        if let Some(vault) = &self.vault {
            shown.open(|id, sealed| {
                let value = Views::open_setting(vault, id, sealed);
                if value.is_none() {
                    tracing::error!(
                        setting = id,
                        "the value is sealed with another key; it shows as the default"
                    );
                }
                value
            });
        }
        *self.settings.write() = Arc::new(shown);
    }

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
