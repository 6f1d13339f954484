//! `/livez`, `/readyz` and `/metrics`, for machines that monitor the server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use application::sandbox::Sandbox;
use application::workspace::Workspace;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use eventstore::{EventStore, LogId, head_within, tireless};
use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;
use parking_lot::Mutex;
use projections::Views;
use reactors::Reactors;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::documents::sandbox;
use crate::live::Live;
use crate::server::program;
use crate::telemetry::metrics::{
    BUILT_POSITION, CHECKPOINT, DEAD_LETTERS, HEAD, LAG, LOG_INFO, REACTORS_STOPPED, SEARCH_LAG,
    SEARCH_POSITION, VIEWS_INFO, VIEWS_MATCH,
};

/// Why nobody is served while the views of another log are built.
pub const ANOTHER_LOG: &str =
    "the log was replaced, or has lost events; what is computed from it is being built anew";

/// How long whoever asks waits for the log to report its head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(1);

/// Knows whether the server can do its work.
pub struct Readiness {
    log: Arc<dyn EventStore>,
    workspace: Workspace,
    views: Views,
    reactors: Reactors,
    live: Live,
    max_lag: u64,
    sandbox: Option<Sandbox>,
    /// The generation of the log on which first-start work is done, plus one; 0: none yet.
    started: AtomicU64,
    stopping: AtomicBool,
    /// Why background workers are gone, by their names.
    broken: Mutex<BTreeMap<&'static str, String>>,
    /// The identities last shown, by metric.
    shown: Mutex<BTreeMap<&'static str, LogId>>,
}

impl Readiness {
    /// Not ready until [`Self::started`].
    pub fn new(
        log: Arc<dyn EventStore>,
        workspace: Workspace,
        reactors: Reactors,
        live: Live,
        max_lag: u64,
        sandbox: Option<Sandbox>,
    ) -> Arc<Self> {
        Arc::new(Self {
            log,
            views: workspace.views().clone(),
            workspace,
            reactors,
            live,
            max_lag,
            sandbox,
            started: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            broken: Mutex::default(),
            shown: Mutex::default(),
        })
    }

    /// First-start work is done on this generation of the log.
    pub fn started(&self, generation: u64) {
        self.started.store(generation + 1, Ordering::Release);
    }

    /// Whether [`Self::started`] was called, and the log is still that one.
    pub fn has_started(&self) -> bool {
        self.started.load(Ordering::Acquire) == self.views.generation() + 1 && self.views.serves()
    }

    /// Whether [`Self::started`] was ever called.
    pub fn was_started(&self) -> bool {
        self.started.load(Ordering::Acquire) != 0
    }

    /// Traffic should go elsewhere from now on.
    pub fn stopping(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Runs background work until `stop`. If it fails, the server is not ready until it is started again; nor if the
    /// work ends too early.
    pub async fn keep<F>(
        self: Arc<Self>,
        name: &'static str,
        stop: CancellationToken,
        begin: impl FnMut() -> F,
    ) where
        F: Future<Output = ()>,
    {
        let tell = |died: Option<String>| {
            let mut broken = self.broken.lock();
            match died {
                Some(reason) => drop(broken.insert(name, format!("{name} panicked: {reason}"))),
                None => drop(broken.remove(name)),
            }
        };
        tireless(begin, tell).await;
        if !stop.is_cancelled() {
            self.broken.lock().insert(name, format!("{name} has ended"));
        }
    }

    /// Shows identities as labels. A label that was shown before stays, so its value says that it no longer holds.
    fn names(&self, names: [(&'static str, LogId); 2]) {
        let mut shown = self.shown.lock();
        for (metric, id) in names {
            if let Some(old) = shown.insert(metric, id).filter(|old| *old != id) {
                gauge!(metric, "log" => old.to_string()).set(0.0);
            }
            gauge!(metric, "log" => id.to_string()).set(1.0);
        }
    }

    /// What is wrong with the index of messages: people talk all the same.
    fn doubts_of_search(&self) -> Option<String> {
        let search = self.workspace.search()?;
        match search.health() {
            projections::Health::Ready => {
                let lag = search.lag().events;
                (lag > self.max_lag).then(|| format!("search: {lag} events behind the log"))
            }
            projections::Health::Building => Some("search: being built".to_owned()),
            projections::Health::Failing(reason) | projections::Health::Stopped(reason) => {
                Some(format!("search: {reason}"))
            }
        }
    }

    async fn report(&self) -> Report {
        // Asked each time: of a log elsewhere nobody may have noticed that it is gone, as long as nothing is recorded.
        let head = head_within(&*self.log, HEAD_TIMEOUT).await;
        let mut reasons = Vec::new();
        if self.stopping.load(Ordering::Acquire) {
            reasons.push("the server is stopping".to_owned());
        } else if !self.was_started() {
            reasons.push("the server is starting".to_owned());
        } else if !self.has_started() {
            reasons.push(ANOTHER_LOG.to_owned());
        }
        if let eventstore::Health::Unavailable(reason) = &*self.log.health().borrow() {
            reasons.push(format!("log: {reason}"));
        } else if let Err(error) = head {
            reasons.push(format!("log: {error}"));
        }
        match self.views.health() {
            projections::Health::Ready => {}
            projections::Health::Building => reasons.push("views: being built".to_owned()),
            projections::Health::Failing(reason) | projections::Health::Stopped(reason) => {
                reasons.push(format!("views: {reason}"));
            }
        }
        let lag = self.views.lag();
        if lag.events > self.max_lag {
            reasons.push(format!("views: {} events behind the log", lag.events));
        }
        reasons.extend(self.broken.lock().values().cloned());
        reasons.extend(self.reactors.failures().into_values());
        reasons.extend(self.live.failure());
        let views = ViewsReport {
            log: self.views.place().log.to_string(),
            checkpoint: lag.checkpoint.get(),
            head: lag.head.get(),
            lag: lag.events,
        };
        let letters = self.views.dead_letter_count();
        let letters = (letters > 0).then(|| {
            let name = program::name();
            format!("views: {letters} dead letters; see `{name} projections dead-letters`")
        });
        let warnings = letters.into_iter().chain(self.doubts_of_search());
        Report {
            ready: reasons.is_empty(),
            reasons,
            warnings: warnings.collect(),
            views,
            replay: self.sandbox.as_ref().map(sandbox::document),
        }
    }
}

#[derive(Serialize)]
struct Report {
    ready: bool,
    reasons: Vec<String>,
    /// What somebody should look at, although the server does its work.
    warnings: Vec<String>,
    views: ViewsReport,
    /// What the workspace is a copy of.
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: Option<serde_json::Value>,
}

/// How far the views are.
#[derive(Serialize)]
struct ViewsReport {
    log: String,
    checkpoint: u64,
    head: u64,
    lag: u64,
}

const LIVEZ: &str = "/livez";
const READYZ: &str = "/readyz";
const METRICS: &str = "/metrics";

/// The paths of these pages.
pub const PATHS: [&str; 3] = [LIVEZ, READYZ, METRICS];

pub fn router(readiness: Arc<Readiness>, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route(
            LIVEZ,
            get(async || Json(serde_json::json!({ "alive": true }))),
        )
        .route(READYZ, get(readyz))
        .route(METRICS, get(page))
        .with_state((readiness, metrics))
}

async fn readyz(State((readiness, _)): State<(Arc<Readiness>, PrometheusHandle)>) -> Response {
    let report = readiness.report().await;
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report)).into_response()
}

async fn page(State((readiness, metrics)): State<(Arc<Readiness>, PrometheusHandle)>) -> Response {
    // States, unlike events, are looked up when somebody asks.
    let lag = readiness.views.lag();
    let head = head_within(&*readiness.log, HEAD_TIMEOUT).await;
    let head = head.unwrap_or(lag.head);
    let names = [
        (LOG_INFO, readiness.log.id()),
        (VIEWS_INFO, readiness.views.place().log),
    ];
    readiness.names(names);
    gauge!(VIEWS_MATCH).set(if readiness.views.serves() { 1.0 } else { 0.0 });
    gauge!(DEAD_LETTERS).set(number(readiness.views.dead_letter_count()));
    let built = readiness.views.progress();
    gauge!(BUILT_POSITION).set(number(built.map_or(0, |built| built.position.get())));
    gauge!(REACTORS_STOPPED).set(number(readiness.reactors.failures().len() as u64));
    gauge!(HEAD).set(number(head.get()));
    gauge!(CHECKPOINT).set(number(lag.checkpoint.get()));
    gauge!(LAG).set(number(head.get().saturating_sub(lag.checkpoint.get())));
    if let Some(search) = readiness.workspace.search() {
        let reached = search.reached().get();
        gauge!(SEARCH_POSITION).set(number(reached));
        gauge!(SEARCH_LAG).set(number(head.get().saturating_sub(reached)));
    }
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        metrics.render(),
    )
        .into_response()
}

/// Exact up to 2^53, which no log reaches.
#[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
fn number(value: u64) -> f64 {
    value as f64
}
