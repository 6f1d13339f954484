//! `/audit/live`: the record as it grows, over a socket. The same filters as `/audit/events`, and `after` to resume behind
//! an event.

use std::sync::Arc;
use std::time::Duration;

use application::caller::Caller;
use application::error::{Error, Refusal};
use application::record::access::Auditor;
use application::record::document::Document;
use application::record::entries::Entry;
use application::record::question::Asked;
use application::record::reading::{self, Range, Reading};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use bytes::Bytes;
use eventstore::{Mark, Place};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::events::Narrowed;
use crate::errors::ApiError;
use crate::http::parameters::Parameters as _;
use crate::http::params::Params;
use crate::live::access::{authenticate, of_headers, renew};
use crate::live::frame::{ClientFrame, Format, encode};
use crate::live::refusal;
use crate::live::socket::{Handshake, Socket};
use crate::state::AppState;

/// Most sockets of auditors at a time: they are few.
const MOST_SOCKETS: usize = 64;

/// Most sockets at a time that nobody has said who they are of. They take no place from auditors.
const MOST_STRANGERS: usize = 16;

/// How many events are read at once.
const PART: usize = 200;

/// How many events are shown before it is asked again whether they may be.
const SHOWN_AT_ONCE: usize = 20;

/// Time between pings. A client that answers none in between is gone.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// How long the client may take to say who it is.
const INTRODUCTION: Duration = Duration::from_secs(5);

/// How long the client may take to take what is sent.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the client may take to hear why the socket is closed.
const FAREWELL: Duration = Duration::from_secs(2);

/// Cheap to clone; all clones are the same door.
#[derive(Clone)]
pub struct AuditLive(Arc<Shared>);

struct Shared {
    state: AppState,
    sockets: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl AuditLive {
    pub fn new(state: AppState) -> Self {
        Self(Arc::new(Shared {
            state,
            sockets: Arc::new(Semaphore::new(MOST_SOCKETS)),
            strangers: Arc::new(Semaphore::new(MOST_STRANGERS)),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }))
    }

    /// Closes every socket, and waits until what they showed is recorded.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

/// Where the socket is.
pub const PATH: &str = "/audit/live";

pub fn router(live: AuditLive) -> Router {
    Router::new().route(PATH, any(open)).with_state(live)
}

async fn open(State(AuditLive(shared)): State<AuditLive>, mut request: Request) -> Response {
    let handshake = match Handshake::read(&mut request, &Format::PROTOCOLS) {
        Ok(handshake) => handshake,
        Err((status, text)) => return refusal(status, text),
    };
    let wish = Wish::read(request.uri().query().unwrap_or_default());
    let caller = match of_headers(&shared.state, request.headers()).await {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    // Whoever is known by the handshake is answered by it. Browsers, which can send no credentials with it, could not tell
    // one refusal of it from another: they hear by how the socket is closed.
    if let Some(caller) = &caller {
        let may = Auditor::caller(&shared.state, caller);
        let refused = may.map_err(|refusal| ApiError::from(Error::from(refusal)));
        if let Err(error) = refused.and_then(|_| wish.as_ref().map(drop).map_err(Clone::clone)) {
            return shared.state.dialect().word(error, true).into_response();
        }
    }
    let comer = match caller {
        Some(caller) => shared.place().map(|place| Comer::Known(caller, place)),
        None => shared
            .strangers
            .clone()
            .try_acquire_owned()
            .ok()
            .map(Comer::Stranger),
    };
    let Some(comer) = comer else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, TOO_MANY);
    };
    let format = Format::of_protocol(handshake.protocol());
    let (response, socket) = handshake.agree();
    shared.clone().tasks.spawn(async move {
        if let Some(socket) = socket.await {
            Connection::run(&shared, socket, format, wish, comer).await;
        }
    });
    response
}

/// What whoever finds no place is told.
const TOO_MANY: &str = "too many sockets are open; try again later";

impl Shared {
    /// A place among the sockets of auditors, if there is one.
    fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.sockets.clone().try_acquire_owned().ok()
    }
}

/// Who opens a socket, with the place that they have until it is closed.
enum Comer {
    /// Who it is was said with the handshake.
    Known(Caller, OwnedSemaphorePermit),
    /// They have still to say so.
    Stranger(OwnedSemaphorePermit),
}

/// What the query string asks for.
struct Wish {
    asked: Asked,
    after: Option<String>,
}

impl Wish {
    fn read(query: &str) -> Result<Self, ApiError> {
        let mut params = Params::from_urlencoded(query.as_bytes());
        let after = params.text("after")?.map(str::to_owned);
        let _ = params.take("after");
        let narrowed = Narrowed::read(&mut params)?;
        params.nothing_else()?;
        Ok(Self {
            asked: narrowed.asked(),
            after,
        })
    }
}

/// Why a socket ends: a code and a text that the client gets, or nobody is there to get them.
struct End(Option<(u16, String)>);

impl End {
    const GONE: Self = Self(None);

    fn because(code: u16, text: impl Into<String>) -> Self {
        Self(Some((code, text.into())))
    }

    fn unauthenticated(text: &str) -> Self {
        Self::because(4001, text)
    }
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        if matches!(error, Error::Refused(Refusal::RecordNotShown)) {
            return Self::because(4003, "you may not read the record");
        }
        if error.is_refusal() {
            return Self::because(4004, error.to_string());
        }
        error.log();
        Self::because(1013, "not now; try again later")
    }
}

/// An event on its way to a client.
#[derive(Serialize)]
struct Frame<'a> {
    position: u64,
    /// Where to resume behind it.
    resume: Mark,
    kind: &'static str,
    data: Document<'a>,
}

struct Connection<'a> {
    shared: &'a Shared,
    socket: Socket,
    format: Format,
    silent: bool,
}

impl Connection<'_> {
    async fn run(
        shared: &Shared,
        socket: Socket,
        format: Format,
        wish: Result<Wish, ApiError>,
        comer: Comer,
    ) {
        let mut connection = Connection {
            shared,
            socket,
            format,
            silent: false,
        };
        let End(reason) = match connection.serve(wish, comer).await {
            Ok(()) => End::because(1001, "the server is stopping"),
            Err(end) => end,
        };
        if let Some((code, mut reason)) = reason {
            // A close has room for 123 bytes.
            reason.truncate(reason.floor_char_boundary(120));
            let close = CloseFrame {
                code: CloseCode::from(code),
                reason: reason.into(),
            };
            let _ = timeout(
                FAREWELL,
                connection.socket.send(Message::Close(Some(close))),
            )
            .await;
        }
    }

    /// Shows events until the server stops.
    async fn serve(&mut self, wish: Result<Wish, ApiError>, comer: Comer) -> Result<(), End> {
        let state = &self.shared.state;
        let (caller, _place) = match comer {
            Comer::Known(caller, place) => (caller, place),
            Comer::Stranger(place) => {
                let caller = self.introduced().await?;
                drop(place);
                let place = self.shared.place();
                (caller, place.ok_or_else(|| End::because(1013, TOO_MANY))?)
            }
        };
        let auditor = Auditor::caller(state, &caller).map_err(Error::from)?;
        let wish = wish.map_err(|error| End::because(4004, error.to_string()))?;
        let range = Range {
            cursor: wish.after.as_deref(),
            limit: None,
            follow: true,
        };
        let reading = Reading::begin(state, auditor.clone(), &wish.asked, range);
        let mut reading = reading.await?;
        let outcome = self.follow(&mut reading, &caller, &auditor).await;
        if let Err(error) = reading.end().await {
            error.log();
        }
        outcome
    }

    async fn introduced(&mut self) -> Result<Caller, End> {
        let first = timeout(INTRODUCTION, self.socket.recv()).await;
        let Ok(Some(Ok(message))) = first else {
            return Err(End::unauthenticated("nobody said who is there"));
        };
        let Ok(ClientFrame::Authenticate(said)) = ClientFrame::decode(&message, self.format) else {
            return Err(End::unauthenticated(
                "the first frame must be `authenticate`",
            ));
        };
        let state = &self.shared.state;
        match authenticate(state, said.user.as_deref(), &said.token).await {
            Ok(Some(caller)) => Ok(caller),
            Ok(None) => Err(End::unauthenticated("the token is not valid")),
            Err(_) => Err(End::because(1013, "not now; try again later")),
        }
    }

    async fn follow(
        &mut self,
        reading: &mut Reading,
        caller: &Caller,
        auditor: &Auditor,
    ) -> Result<(), End> {
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        let stop = self.shared.stop.clone();
        loop {
            let next = self.next(reading, &mut heartbeat, caller, auditor);
            let entries = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                entries = next => entries?,
            };
            for part in entries.chunks(SHOWN_AT_ONCE) {
                Self::still_allowed(&self.shared.state, caller, auditor).await?;
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    shown = self.show(part, reading) => shown?,
                }
            }
        }
    }

    /// The next events. Whatever the client says meanwhile, they are looked for without interruption.
    async fn next(
        &mut self,
        reading: &mut Reading,
        heartbeat: &mut Interval,
        caller: &Caller,
        auditor: &Auditor,
    ) -> Result<Vec<Entry>, End> {
        let mut next = std::pin::pin!(reading.next(PART));
        loop {
            tokio::select! {
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::GONE),
                    Some(Ok(_)) => self.silent = false,
                },
                _ = heartbeat.tick() => {
                    if std::mem::replace(&mut self.silent, true) {
                        return Err(End::GONE);
                    }
                    Self::still_allowed(&self.shared.state, caller, auditor).await?;
                    self.send(Message::Ping(Bytes::new())).await?;
                }
                entries = &mut next => return Ok(entries?.unwrap_or_default()),
            }
        }
    }

    async fn show(&mut self, entries: &[Entry], reading: &mut Reading) -> Result<(), End> {
        let state = &self.shared.state;
        let start = Place::start(state.executor().store().id());
        for entry in entries {
            let frame = Frame {
                position: entry.event.position.get(),
                resume: reading::cursor_behind(state, &start.at(&entry.event)),
                kind: "event",
                data: Document(entry),
            };
            // Before it is sent: of what is broken off in between, nobody knows whether it came.
            reading.showed(std::slice::from_ref(entry));
            self.send(encode(&frame, self.format)).await?;
        }
        Ok(())
    }

    /// Ends the socket of somebody who may no longer read what they asked for.
    async fn still_allowed(
        state: &AppState,
        caller: &Caller,
        auditor: &Auditor,
    ) -> Result<(), End> {
        // Without an answer nothing is shown.
        let Ok(renewed) = renew(state, caller).await else {
            return Err(End::because(1013, "not now; try again later"));
        };
        let auditor_now = renewed.and_then(|caller| Auditor::caller(state, &caller).ok());
        if auditor_now.as_ref() == Some(auditor) {
            return Ok(());
        }
        Err(End::because(4003, "access ended"))
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(End::GONE),
        }
    }
}
