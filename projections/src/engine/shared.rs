//! State that the worker, the readers and the doors share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::Sealed;
use domain::permission::PermissionTable;
use domain::role::RoleTable;
use domain::settings::Settings;
use eventstore::vault::Vault;
use eventstore::{EventStore, Place};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, watch};

use crate::engine::applied::Applied;
use crate::engine::facts::AllFacts;
use crate::engine::lag::{Head, Health};
use crate::engine::orders::Order;
use crate::engine::pending::Pending;
use crate::engine::readers::Readers;
use crate::engine::recent::Recent;
use crate::engine::since::Delays;
use crate::engine::tx::Shown;
use crate::engine::wait::Reached;
use crate::engine::work::Work;
use crate::error::ViewsError;

pub(crate) struct Shared {
    pub(crate) reached: Reached,
    /// What the file does not have yet.
    pub(crate) pending: Pending,
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
    /// What is built beside the views that serve.
    pub(crate) work: Arc<Work>,
    /// How many dead letters there are.
    pub(crate) dead_letters: AtomicU64,
    pub(crate) place: Mutex<Place>,
    /// The generation of the log that the views are of.
    pub(crate) generation: watch::Sender<u64>,
    /// The worker; `None` while none runs.
    pub(crate) orders: Mutex<Option<mpsc::WeakSender<Order>>>,
}

/// The purpose that the value of a secret setting is sealed for.
pub(crate) fn setting_purpose(id: &str) -> String {
    format!("setting/{id}")
}

/// The value of a secret setting; `None` with another key.
pub(crate) fn open_setting(vault: &Vault, id: &str, sealed: &Sealed) -> Option<serde_json::Value> {
    let text = vault.open(&setting_purpose(id), sealed).ok()?;
    serde_json::from_str(&text).ok()
}

impl Shared {
    /// For views at a place, of which nothing was shown yet.
    pub(crate) fn new(
        place: Place,
        generation: u64,
        readers: Arc<Readers>,
        vault: Option<Vault>,
    ) -> Self {
        Self {
            reached: Reached::new(place.position),
            pending: Pending::new(place.position),
            place: Mutex::new(place),
            generation: watch::Sender::new(generation),
            orders: Mutex::default(),
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
            work: Arc::default(),
            dead_letters: AtomicU64::new(0),
        }
    }

    /// Notes how late these events become visible, which is now.
    pub(crate) fn delayed(&self, events: &[Applied]) {
        if let Some(first) = events.first() {
            self.delays.visible(first.recorded_at);
        }
    }

    /// Gives the worker an order, which is carried out in its turn.
    pub(crate) async fn order(&self, order: Order) -> Result<(), ViewsError> {
        let orders = self.orders.lock().clone();
        let orders = orders
            .and_then(|orders| orders.upgrade())
            .ok_or(ViewsError::Closed)?;
        orders.send(order).await.map_err(|_| ViewsError::Closed)
    }

    /// Publishes settings, permissions, roles and the number of dead letters to the doors.
    pub(crate) fn show(&self, shown: Shown) {
        self.dead_letters
            .store(shown.dead_letters, Ordering::Relaxed);
        self.show_settings(&shown.settings);
        *self.permissions.write() = Arc::new(shown.permissions);
        *self.roles.write() = Arc::new(shown.roles);
    }

    /// Publishes settings to the doors, with their secrets opened.
    pub(crate) fn show_settings(&self, settings: &Settings) {
        let mut shown = settings.clone();
        if let Some(vault) = &self.vault {
            shown.open(|id, sealed| {
                let value = open_setting(vault, id, sealed);
                if value.is_none() {
                    tracing::warn!(
                        setting = id,
                        "the value is sealed with another key; it shows as the default"
                    );
                }
                value
            });
        }
        *self.settings.write() = Arc::new(shown);
    }

    /// Whether there are views to look at, and `store` is still the log that they are of.
    pub(crate) fn serves(&self, store: &dyn EventStore) -> bool {
        *self.generation.borrow() == store.generation() && self.readers.serve()
    }

    /// The views are of a log that no longer exists: nothing of them may be shown.
    pub(crate) fn void(&self) {
        self.readers.withdraw();
        self.work.void();
        self.health.send_replace(Health::Building);
        self.facts.clear();
        self.recent.clear();
        self.reached.begin_anew();
        self.pending.begin_anew();
        self.head.reset();
    }

    /// The worker stopped: all waiting calls end.
    pub(crate) fn stopped(&self) {
        self.health.send_if_modified(|health| {
            let changed = !matches!(health, Health::Stopped(_));
            if changed {
                *health = Health::Stopped("closed".to_owned());
            }
            changed
        });
        self.reached.stop();
        self.pending.stop();
    }
}
