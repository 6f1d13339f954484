//! `/live`: our own socket. Frames in JSON or MessagePack, each with its position; `?after=` resumes with nothing lost
//! or repeated. `docs/live.md` documents what is said on it.

pub(crate) mod access;
mod connection;
mod end;
pub(crate) mod frame;
mod guard;
mod introduction;
mod resume;
pub(crate) mod socket;

use std::sync::Arc;
use std::time::Duration;

use access::of_headers;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use connection::Connection;
use eventstore::tireless;
use frame::Format;
use guard::Guard;
use metrics::{Counter, Gauge, counter, gauge};
use parking_lot::Mutex;
use resume::After;
use socket::Handshake;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::state::AppState;
use crate::telemetry::metrics::{LIVE_DELIVERED, LIVE_DROPPED, LIVE_SOCKETS};

#[derive(Clone, Debug)]
pub struct Limits {
    /// Most sockets at a time.
    pub sockets: usize,
    /// Most rooms of one socket.
    pub rooms: usize,
    /// Time between pings.
    pub heartbeat: Duration,
    pub auth_timeout: Duration,
    /// Most sockets that read the log at the same time.
    pub replays: usize,
}

/// Cheap to clone; all clones are the same door.
#[derive(Clone)]
pub struct Live(Arc<Shared>);

/// What all sockets share.
struct Shared {
    state: AppState,
    limits: Limits,
    guard: Arc<Guard>,
    /// Why the guard does not watch.
    guard_failure: Arc<Mutex<Option<String>>>,
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
    pub fn new(state: AppState, limits: Limits) -> Self {
        let (tasks, stop, guard) = (
            TaskTracker::new(),
            CancellationToken::new(),
            Arc::new(Guard::default()),
        );
        let guard_failure = Arc::default();
        tasks.spawn(keep_watch(
            guard.clone(),
            state.clone(),
            stop.clone(),
            Arc::clone(&guard_failure),
        ));
        Self(Arc::new(Shared {
            guard,
            guard_failure,
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

    /// Why sockets do not hear of access that ends, if so.
    pub fn failure(&self) -> Option<String> {
        self.0.guard_failure.lock().clone()
    }

    /// Closes every socket, telling each where to resume, and waits for that.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

/// Runs the guard until `stop`, and records the reason if it fails.
async fn keep_watch(
    guard: Arc<Guard>,
    state: AppState,
    stop: CancellationToken,
    failure: Arc<Mutex<Option<String>>>,
) {
    let watch = || guard::watch(guard.clone(), state.clone(), stop.clone());
    let tell = |died: Option<String>| {
        *failure.lock() = died.map(|reason| format!("the guard of sockets panicked: {reason}"));
    };
    tireless(watch, tell).await;
}

/// Where the socket is.
pub const PATH: &str = "/live";

pub fn router(live: Live) -> Router {
    Router::new().route(PATH, any(open)).with_state(live)
}

/// The handshake. Credentials may come in its headers; a browser cannot set any, and sends them as first frame.
async fn open(State(Live(shared)): State<Live>, mut request: Request) -> Response {
    let handshake = match Handshake::read(&mut request, &Format::PROTOCOLS) {
        Ok(handshake) => handshake,
        Err((status, text)) => return refusal(status, text),
    };
    let caller = match of_headers(&shared.state, request.headers()).await {
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
    let format = Format::of_protocol(handshake.protocol());
    let after = After::parse(request.uri().query());
    let (response, socket) = handshake.agree();
    // Tracked, so that a stop waits for a socket that is still being upgraded.
    shared.clone().tasks.spawn(async move {
        if let Some(socket) = socket.await {
            Connection::run(shared, socket, format, after, caller).await;
        }
        drop(slot);
    });
    response
}

pub(crate) fn refusal(status: StatusCode, text: &str) -> Response {
    let body = serde_json::json!({ "success": false, "error": text });
    (status, axum::Json(body)).into_response()
}
