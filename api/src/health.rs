//! `/livez`, `/readyz` and `/metrics`: what machines that look after the server ask it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use eventstore::EventStore;
use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;
use parking_lot::Mutex;
use projections::Views;
use serde::Serialize;

use crate::telemetry::metrics::{CHECKPOINT, HEAD, LAG};

/// How long a scrape waits for the log to tell its head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(1);

/// Knows whether the server can do its work.
pub struct Readiness {
    log: Arc<dyn EventStore>,
    views: Views,
    max_lag: u64,
    started: AtomicBool,
    stopping: AtomicBool,
    /// Why a background worker is gone, if one is.
    broken: Mutex<Option<String>>,
}

impl Readiness {
    /// Not ready until [`Self::started`].
    pub fn new(log: Arc<dyn EventStore>, views: Views, max_lag: u64) -> Arc<Self> {
        Arc::new(Self {
            log,
            views,
            max_lag,
            started: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            broken: Mutex::new(None),
        })
    }

    /// First-start work is done.
    pub fn started(&self) {
        self.started.store(true, Ordering::Release);
    }

    /// Whether [`Self::started`] was called.
    pub fn has_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    /// Traffic should go elsewhere from now on.
    pub fn stopping(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// A background worker is gone for good.
    pub fn broken(&self, reason: String) {
        *self.broken.lock() = Some(reason);
    }

    fn report(&self) -> Report {
        let mut reasons = Vec::new();
        if self.stopping.load(Ordering::Acquire) {
            reasons.push("the server is stopping".to_owned());
        } else if !self.has_started() {
            reasons.push("the server is starting".to_owned());
        }
        if let eventstore::Health::Unavailable(reason) = &*self.log.health().borrow() {
            reasons.push(format!("log: {reason}"));
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
        reasons.extend(self.broken.lock().clone());
        let views = ViewsReport {
            checkpoint: lag.checkpoint.get(),
            head: lag.head.get(),
            lag: lag.events,
        };
        Report {
            ready: reasons.is_empty(),
            reasons,
            views,
        }
    }
}

/// Answer of `/readyz`.
#[derive(Serialize)]
struct Report {
    ready: bool,
    reasons: Vec<String>,
    views: ViewsReport,
}

/// How far the views are.
#[derive(Serialize)]
struct ViewsReport {
    checkpoint: u64,
    head: u64,
    lag: u64,
}

/// The three routes.
pub fn router(readiness: Arc<Readiness>, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route(
            "/livez",
            get(async || Json(serde_json::json!({ "alive": true }))),
        )
        .route("/readyz", get(readyz))
        .route("/metrics", get(page))
        .with_state((readiness, metrics))
}

async fn readyz(State((readiness, _)): State<(Arc<Readiness>, PrometheusHandle)>) -> Response {
    let report = readiness.report();
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report)).into_response()
}

async fn page(State((readiness, metrics)): State<(Arc<Readiness>, PrometheusHandle)>) -> Response {
    // What is a state and not an occurrence is looked up when somebody asks.
    let lag = readiness.views.lag();
    let head = match tokio::time::timeout(HEAD_TIMEOUT, readiness.log.head()).await {
        Ok(Ok(head)) => head,
        Ok(Err(_)) | Err(_) => lag.head,
    };
    gauge!(HEAD).set(number(head.get()));
    gauge!(CHECKPOINT).set(number(lag.checkpoint.get()));
    gauge!(LAG).set(number(head.get().saturating_sub(lag.checkpoint.get())));
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
