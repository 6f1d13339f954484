//! `/live`: our own socket. Frames in JSON or MessagePack, each with its position; `?after=` resumes with nothing
//! lost or repeated. What is said on it is documented in `docs/live.md`.

mod access;
mod connection;
mod frame;
mod guard;
mod introduction;
mod resume;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use metrics::{Counter, Gauge, counter, gauge};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::LiveLimits;
use crate::error::ApiError;
use crate::extract::Caller;
use crate::shutdown;
use crate::state::AppState;
use crate::telemetry::metrics::{LIVE_DELIVERED, LIVE_DROPPED, LIVE_SOCKETS};

use access::authenticate;
use connection::Connection;
use frame::Format;
use guard::Guard;
use resume::After;

/// Largest accepted message of a client: no command needs more.
const MAX_MESSAGE: usize = 64 * 1024;

/// Bytes a socket reads ahead. Commands are small and sockets are many.
const READ_BUFFER: usize = 4 * 1024;

/// Bytes of updates gathered into one write: in a busy room fewer, larger writes are what counts. Taken as it fills.
const WRITE_BUFFER: usize = 128 * 1024;

/// The door. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Live(Arc<Shared>);

/// What all sockets share.
struct Shared {
    state: AppState,
    limits: LiveLimits,
    guard: Arc<Guard>,
    /// One permit per open socket.
    sockets: Arc<Semaphore>,
    /// One permit per socket that reads the log.
    replays: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
    open: Gauge,
    delivered: Counter,
    dropped: Counter,
}

impl Live {
    /// Opens the door and starts to watch for access that ends. Must be called within a tokio runtime.
    pub fn new(state: AppState, limits: LiveLimits) -> Self {
        let (tasks, stop, guard) = (
            TaskTracker::new(),
            CancellationToken::new(),
            Arc::new(Guard::default()),
        );
        tasks.spawn(guard::watch(guard.clone(), state.clone(), stop.clone()));
        Self(Arc::new(Shared {
            guard,
            sockets: Arc::new(Semaphore::new(limits.sockets)),
            replays: Arc::new(Semaphore::new(limits.replays)),
            tasks,
            stop,
            open: gauge!(LIVE_SOCKETS),
            delivered: counter!(LIVE_DELIVERED),
            dropped: counter!(LIVE_DROPPED),
            state,
            limits,
        }))
    }

    /// Closes every socket, telling each where it may resume, and waits for that, at most `limit`.
    pub async fn stop(&self, limit: Duration) {
        shutdown::finish("live sockets", &self.0.tasks, &self.0.stop, limit).await;
    }
}

/// The route.
pub fn router(live: Live) -> Router {
    Router::new().route("/live", any(open)).with_state(live)
}

/// The handshake. Credentials may come in its headers; a browser, which cannot set any, sends them as first frame.
async fn open(
    State(Live(shared)): State<Live>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return refusal(rejection.status(), &rejection.body_text()),
    };
    let caller = match caller(&shared.state, &headers).await {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    let Ok(slot) = shared.sockets.clone().try_acquire_owned() else {
        return refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many sockets are open; try again later",
        );
    };
    if shared.stop.is_cancelled() {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping");
    }
    let upgrade = upgrade
        .protocols(Format::PROTOCOLS)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER);
    let format = Format::of_protocol(
        upgrade
            .selected_protocol()
            .map(header::HeaderValue::as_bytes),
    );
    let after = After::parse(query.as_deref());
    // Counted from here on, so that a stop waits for a socket that is still being upgraded.
    let task = shared.tasks.token();
    upgrade.on_upgrade(move |socket| async move {
        Connection::run(shared, socket, format, after, caller).await;
        drop((slot, task));
    })
}

/// Who the handshake's headers prove. Wrong credentials are refused here; none are fine.
async fn caller(state: &AppState, headers: &HeaderMap) -> Result<Option<Caller>, ApiError> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let caller = match (bearer, text("x-auth-token")) {
        (Some(token), _) | (None, Some(token)) => {
            authenticate(state, text("x-user-id"), token).await?
        }
        (None, None) => return Ok(None),
    };
    caller.map(Some).ok_or(ApiError::NotLoggedIn)
}

fn refusal(status: StatusCode, text: &str) -> Response {
    let body = serde_json::json!({ "success": false, "error": text });
    (status, axum::Json(body)).into_response()
}
