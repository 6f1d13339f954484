//! Figures of the workspace, taken once a day and whenever somebody asks for fresh ones (contract, admin 7).
//!
//! A snapshot is a measurement: of the views, of this process and of this machine. It is no fact of the workspace,
//! so it is not in the log; it lies in the file store, beside the log.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::error::ApiError;
use crate::rest::shape::{Doc, iso};
use crate::state::{AppState, fresh_id, now};

/// Where snapshots lie in the file store.
const KEY: &str = "statistics/snapshots.json";

/// How many snapshots are kept: more than a year of days.
const KEPT: usize = 400;

/// How often one is taken by itself.
const INTERVAL: Duration = Duration::from_hours(24);

/// How many may wait for a fresh one.
const WAITING: usize = 16;

/// Somebody wants a fresh snapshot.
type Order = oneshot::Sender<Result<Arc<Doc>, ApiError>>;

/// The snapshots. One task makes and keeps them.
pub struct Statistics {
    /// The oldest first.
    snapshots: RwLock<Vec<Arc<Doc>>>,
    orders: mpsc::Sender<Order>,
    waiting: Mutex<Option<mpsc::Receiver<Order>>>,
    /// Counters that clients raise, since the start.
    counters: Mutex<std::collections::BTreeMap<String, u64>>,
}

/// How many counters clients may make up.
const COUNTERS: usize = 200;

impl Default for Statistics {
    fn default() -> Self {
        let (orders, waiting) = mpsc::channel(WAITING);
        Self {
            snapshots: RwLock::default(),
            orders,
            waiting: Mutex::new(Some(waiting)),
            counters: Mutex::default(),
        }
    }
}

impl Statistics {
    /// The newest snapshot.
    pub fn newest(&self) -> Option<Arc<Doc>> {
        self.snapshots.read().last().cloned()
    }

    /// All snapshots, the newest first.
    pub fn all(&self) -> Vec<Arc<Doc>> {
        self.snapshots.read().iter().rev().cloned().collect()
    }

    /// A fresh snapshot, which is also kept.
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

/// Takes and keeps snapshots until `stop`.
pub async fn run(state: AppState, stop: CancellationToken) {
    let Some(mut orders) = state.statistics().waiting.lock().take() else {
        return;
    };
    *state.statistics().snapshots.write() = kept(&state).await;
    let mut daily = tokio::time::interval(INTERVAL);
    // The first tick is at once; one was just taken if the server was restarted within a day.
    if state
        .statistics()
        .newest()
        .is_some_and(|doc| is_recent(&doc))
    {
        daily.reset();
    }
    loop {
        let order = tokio::select! {
            () = stop.cancelled() => return,
            _ = daily.tick() => None,
            order = orders.recv() => match order {
                Some(order) => Some(order),
                None => return,
            },
        };
        let taken = take(&state).await;
        if let Err(error) = &taken {
            tracing::warn!(%error, "no statistics could be taken");
        }
        if let Some(order) = order {
            // Whoever asked may be gone.
            let _ = order.send(taken);
        }
    }
}

fn is_recent(doc: &Doc) -> bool {
    let taken = doc
        .get("createdAt")
        .and_then(crate::extract::params::parse_date);
    taken.is_some_and(|at| {
        u128::try_from(now().millis_since(at)).is_ok_and(|age| age < INTERVAL.as_millis())
    })
}

async fn kept(state: &AppState) -> Vec<Arc<Doc>> {
    match state.files().read(KEY).await {
        Ok(Some(bytes)) => serde_json::from_slice::<Vec<Doc>>(&bytes)
            .unwrap_or_default()
            .into_iter()
            .map(Arc::new)
            .collect(),
        Ok(None) => Vec::new(),
        Err(error) => {
            tracing::warn!(%error, "earlier statistics cannot be read");
            Vec::new()
        }
    }
}

async fn take(state: &AppState) -> Result<Arc<Doc>, ApiError> {
    let doc = Arc::new(measure(state).await?);
    let bytes = {
        let mut snapshots = state.statistics().snapshots.write();
        snapshots.push(Arc::clone(&doc));
        let surplus = snapshots.len().saturating_sub(KEPT);
        snapshots.drain(..surplus);
        let all: Vec<&Doc> = snapshots.iter().map(AsRef::as_ref).collect();
        serde_json::to_vec(&all).unwrap_or_default()
    };
    if let Err(error) = state.files().write(KEY, Bytes::from(bytes)).await {
        tracing::warn!(%error, "statistics cannot be kept");
    }
    Ok(doc)
}

/// Everything that can be told at the moment.
async fn measure(state: &AppState) -> Result<Doc, ApiError> {
    let views = state.views();
    let figures = views.figures().await?;
    let settings = views.settings();
    let (online, away, busy) = state.presence().counts();
    let there = online + away + busy;
    let machine = tokio::task::spawn_blocking(machine)
        .await
        .unwrap_or(Value::Null);
    let (rooms, messages) = [figures.channels, figures.groups, figures.directs]
        .iter()
        .fold((0, 0), |sum, kind| (sum.0 + kind.0, sum.1 + kind.1));
    let counters = state.statistics().counters.lock().clone();
    let counted = json!({
        "_id": fresh_id(),
        "createdAt": iso(now()),
        "wizard": {
            "organizationType": settings.get("Organization_Type"),
            "organizationName": settings.get("Organization_Name"),
            "industry": settings.get("Industry"),
            "size": settings.get("Size"),
            "country": settings.get("Country"),
            "language": settings.get("Language"),
        },
        "uniqueId": settings.get("uniqueID"),
        "installedAt": views.oldest_account().await?.map(iso),
        "version": state.config().announced_version,
        "totalUsers": figures.users,
        "activeUsers": figures.active_users,
        "activeGuests": figures.active_guests,
        "nonActiveUsers": figures.users - figures.active_users,
        "appUsers": figures.app_users,
        "onlineUsers": online,
        "awayUsers": away,
        "busyUsers": busy,
        "totalConnectedUsers": online + away,
        "offlineUsers": figures.users.saturating_sub(there),
        "userLanguages": figures.languages,
        "totalRooms": rooms,
        "totalChannels": figures.channels.0,
        "totalPrivateGroups": figures.groups.0,
        "totalDirect": figures.directs.0,
        "totalLivechat": 0,
        "totalDiscussions": 0,
        "totalBroadcastRooms": figures.broadcast_rooms,
        "totalE2ERooms": figures.encrypted_rooms,
        "totalChannelMessages": figures.channels.1,
        "totalPrivateGroupMessages": figures.groups.1,
        "totalDirectMessages": figures.directs.1,
        "totalLivechatMessages": 0,
        "totalMessages": messages,
        "totalCustomUserStatus": figures.custom_statuses,
        "totalOpenReports": figures.open_reports,
    });
    let told = json!({
        "federatedServers": 0,
        "federatedUsers": 0,
        "lastLogin": figures.last_login.map(iso),
        "lastMessageSentAt": figures.last_message.map(iso),
        "uploadsTotal": 0,
        "uploadsTotalSize": 0,
        "instanceCount": 1,
        "oplogEnabled": false,
        "migration": { "version": 0, "locked": false },
        "deploy": { "method": "binary", "platform": std::env::consts::OS },
        "enterpriseReady": false,
        "enterprise": { "modules": [], "tags": [], "seatRequests": 0 },
        "teams": { "totalTeams": 0 },
        "videoConf": {},
        "apps": { "engineVersion": "", "enabled": false, "totalInstalled": 0, "totalActive": 0, "totalFailed": 0 },
        "counters": counters,
        "os": machine,
        "process": {
            "nodeVersion": "",
            "pid": std::process::id(),
            "uptime": uptime().as_secs(),
        },
    });
    match (without_nulls(counted), without_nulls(told)) {
        (Value::Object(mut doc), Value::Object(told)) => {
            doc.extend(told);
            Ok(doc)
        }
        _ => Err(ApiError::Internal),
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
        ),
        other => other,
    }
}

/// How long this process has run, as far as anybody asked.
fn uptime() -> Duration {
    static BEGAN: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    BEGAN.elapsed()
}

/// What the machine says of itself; what it does not say is zero.
fn machine() -> Value {
    let first_number = |path: &str| {
        std::fs::read_to_string(path)
            .ok()
            .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let bytes = |name: &str| {
        memory
            .lines()
            .find_map(|line| {
                line.strip_prefix(name)?
                    .split_whitespace()
                    .next()?
                    .parse::<u64>()
                    .ok()
            })
            .unwrap_or(0)
            * 1024
    };
    let load: Vec<f64> = std::fs::read_to_string("/proc/loadavg")
        .unwrap_or_default()
        .split_whitespace()
        .take(3)
        .filter_map(|part| part.parse().ok())
        .collect();
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let cpus: Vec<Value> = (0..cpus)
        .map(|_| json!({ "model": std::env::consts::ARCH }))
        .collect();
    json!({
        "type": std::env::consts::OS,
        "platform": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
        "release": std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        "uptime": first_number("/proc/uptime"),
        "loadavg": load,
        "totalmem": bytes("MemTotal:"),
        "freemem": bytes("MemAvailable:"),
        "cpus": cpus,
    })
}
