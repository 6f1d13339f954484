//! How commands reach the server that runs on a data folder: over a connection within this machine, to an address and
//! with a key that stand in a file of the folder, which only somebody who may look into the folder can read.
//!
//! A command is one request. The answer is a line of JSON for each [`Answer`], of which the last is not
//! [`Answer::Working`]; or, of a reading of the record, what is to be printed.

mod printout;
mod subscriptions;
mod views;

use std::convert::Infallible;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use application::admin::administrators::{self, Appointed, Appointment};
use application::error::Error;
use application::ids::fresh_secret;
use application::record::replay::{self, ReplayBegun, ReplayEnd, ReplayWish};
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bytes::Bytes;
use eventstore::{EventStore, Position};
use futures::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use reactors::{ReactorStatus, Reactors, ResetError};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub use printout::{NotPrinted, Printout, Wanted};
pub use subscriptions::{Deed, OfSubscriptions, Subscribed};
pub use views::{Ask, Differing, Letters, Told, What};

use crate::audit::export_wish::ExportEnd;
use crate::documents::views::WorkReport;
use crate::server::data_dir::DataDir;
use crate::state::AppState;

/// How often progress is told.
const LOOK: Duration = Duration::from_millis(300);

/// How long the command line waits for a server that is there but does not take requests yet.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);

/// How often it tries meanwhile.
const RETRY: Duration = Duration::from_millis(200);

/// The most bytes of a request.
const LARGEST_REQUEST: usize = 256 * 1024;

/// The header with the key, and the one of the answer with the server's proof.
const KEY: &str = "x-hansard-key";
const PROOF: &str = "x-hansard-proof";

/// How long the server may take to begin its answer.
const ANSWERED_WITHIN: Duration = Duration::from_mins(2);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Something about the views.
    Views(Ask),
    /// How far each reactor is.
    ListReactors,
    ResetReactors(Reset),
    MakeAdmin(Appointment),
    /// Reads the record.
    Print(Wanted),
    /// Records that all files of an export are complete.
    EndExport(ExportEnd),
    Subscriptions(OfSubscriptions),
    /// Records that the log will be copied, and says up to where.
    BeginReplay(ReplayWish),
    /// Records that it was copied.
    EndReplay(ReplayEnd),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// `None`: all of them.
    pub reactor: Option<String>,
    /// `None`: the head of the log.
    pub at: Option<u64>,
}

impl Reset {
    pub fn position(&self) -> Option<Position> {
        self.at.map(Position::new)
    }
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// For the person at the terminal.
    pub text: String,
    /// What was asked makes no sense, or names what is not there.
    pub usage: bool,
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self { text, usage: false }
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            text: error.to_string(),
            usage: matches!(error, Error::NotUnderstood(_) | Error::Subscription(_)),
        }
    }
}

impl From<ResetError> for Failure {
    fn from(error: ResetError) -> Self {
        Self {
            text: error.to_string(),
            usage: matches!(error, ResetError::NoSuch(_) | ResetError::Beyond(..)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is working, this far.
    Working(WorkReport),
    Views(Told),
    Reactors(Vec<ReactorRow>),
    /// These reactors now begin at this position.
    Reset(Vec<String>, u64),
    /// Whether the account was created for it.
    Appointed(bool),
    /// It is in the log.
    Recorded,
    Subscribed(Subscribed),
    ReplayBegun(ReplayBegun),
    Failed(Failure),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactorRow {
    pub name: String,
    /// The last position it has dealt with.
    pub position: u64,
    /// Identity of the log of that position, as far as known.
    pub log: Option<String>,
    /// Whether that is a place in the log.
    pub matches: bool,
}

impl From<ReactorStatus> for ReactorRow {
    fn from(status: ReactorStatus) -> Self {
        Self {
            name: status.name,
            position: status.position.get(),
            log: status.log.map(|log| log.to_string()),
            matches: status.matches,
        }
    }
}

/// Where the server takes requests, as the file in the data folder has it.
#[derive(Serialize, Deserialize)]
struct Door {
    address: String,
    /// What the command line shows.
    key: String,
    /// What the server shows: whoever else listens at the address has not read this.
    proof: String,
}

impl Door {
    fn file(folder: &Path) -> PathBuf {
        folder.join("control").join("door.json")
    }

    /// Written beside and renamed, so that nobody reads half of it; readable by its owner alone.
    fn write(&self, folder: &Path) -> std::io::Result<()> {
        let file = Self::file(folder);
        let fresh = file.with_extension("new");
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let _ = fs::remove_file(&fresh);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let content = serde_json::to_vec(self).map_err(std::io::Error::other)?;
        options.open(&fresh)?.write_all(&content)?;
        fs::rename(fresh, file)
    }
}

/// What requests are carried out with.
#[derive(Clone)]
struct Control {
    folder: Arc<Path>,
    key: Arc<str>,
    proof: Arc<str>,
    state: AppState,
    reactors: Reactors,
    stop: CancellationToken,
}

/// The server's side: takes requests until `stop`.
pub async fn serve(folder: PathBuf, state: AppState, reactors: Reactors, stop: CancellationToken) {
    let (key, proof) = (fresh_secret(), fresh_secret());
    let listening = async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let door = Door {
            address,
            key: key.clone(),
            proof: proof.clone(),
        };
        door.write(&folder)?;
        std::io::Result::Ok(listener)
    };
    let listener = match listening.await {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, "commands cannot reach this server while it runs");
            return stop.cancelled().await;
        }
    };
    let control = Control {
        folder: folder.as_path().into(),
        key: key.into(),
        proof: proof.into(),
        state,
        reactors,
        stop: stop.clone(),
    };
    let router = Router::new()
        .route("/", post(take))
        .layer(DefaultBodyLimit::max(LARGEST_REQUEST))
        .with_state(control);
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = served.await {
        tracing::warn!(%error, "commands no longer reach this server");
    }
    let _ = fs::remove_file(Door::file(&folder));
}

async fn take(State(control): State<Control>, headers: HeaderMap, body: Bytes) -> Response {
    let mut response = answer(&control, &headers, &body).await;
    if let Ok(proof) = HeaderValue::from_str(&control.proof) {
        response.headers_mut().insert(PROOF, proof);
    }
    response
}

async fn answer(control: &Control, headers: &HeaderMap, body: &[u8]) -> Response {
    let key = headers.get(KEY).map_or(&b""[..], |key| key.as_bytes());
    if !bool::from(key.ct_eq(control.key.as_bytes())) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let answers = match serde_json::from_slice(body) {
        Ok(Request::Print(wanted)) => {
            let stop = control.stop.clone();
            return wanted.respond(&control.state, stop, headers).await;
        }
        Ok(Request::Views(ask)) => views::answer(control.state.clone(), ask).boxed(),
        Ok(other) => {
            let control = control.clone();
            stream::once(async move { carry_out(&control, other).await }).boxed()
        }
        Err(_) => {
            let text = "the running server does not understand the request";
            stream::iter([Answer::Failed(text.into())]).boxed()
        }
    };
    let lines = answers.map(|answer| {
        let mut line = serde_json::to_vec(&answer).unwrap_or_default();
        line.push(b'\n');
        Ok::<_, Infallible>(line)
    });
    Body::from_stream(lines).into_response()
}

async fn carry_out(control: &Control, request: Request) -> Answer {
    let Control {
        folder,
        state,
        reactors,
        ..
    } = control;
    let log = state.executor().store();
    match request {
        Request::ListReactors => list_reactors(folder, &**log).await,
        Request::ResetReactors(reset) => reset_reactors(&reset, &**log, reactors).await,
        Request::MakeAdmin(wish) => match administrators::appoint(state, &wish).await {
            Ok(appointed) => {
                let username = &wish.username;
                tracing::warn!(
                    username,
                    "appointed an administrator as asked for on the command line"
                );
                Answer::Appointed(appointed == Appointed::Made)
            }
            Err(error) => Answer::Failed(error.to_string().into()),
        },
        Request::EndExport(end) => match end.record(state).await {
            Ok(()) => Answer::Recorded,
            Err(error) => Answer::Failed(error.into()),
        },
        Request::Subscriptions(wish) => match wish.carry_out(state).await {
            Ok(told) => Answer::Subscribed(told),
            Err(error) => Answer::Failed(error.into()),
        },
        Request::BeginReplay(wish) => match replay::begin(state.executor(), &wish).await {
            Ok(begun) => Answer::ReplayBegun(begun),
            Err(error) => Answer::Failed(error.into()),
        },
        Request::EndReplay(end) => match replay::end(state.executor(), end).await {
            Ok(()) => Answer::Recorded,
            Err(error) => Answer::Failed(error.into()),
        },
        Request::Views(_) | Request::Print(_) => {
            Answer::Failed("this is not answered in one line".into())
        }
    }
}

async fn list_reactors(folder: &Path, log: &dyn EventStore) -> Answer {
    match reactors::list(&folder.join("reactors"), log).await {
        Ok(all) => Answer::Reactors(all.into_iter().map(ReactorRow::from).collect()),
        Err(error) => Answer::Failed(error.to_string().into()),
    }
}

async fn reset_reactors(reset: &Reset, log: &dyn EventStore, reactors: &Reactors) -> Answer {
    let work = async {
        let place = reactors::place_named(log, reset.position()).await?;
        tracing::info!(reactor = reset.reactor, %place, "reactors begin elsewhere, as asked for on the command line");
        let names = reactors.reset(reset.reactor.as_deref(), place).await?;
        let names = names.into_iter().map(str::to_owned).collect();
        Ok(Answer::Reset(names, place.position.get()))
    };
    work.await
        .unwrap_or_else(|error: ResetError| Answer::Failed(error.into()))
}

/// The command line's side: the answer of the running server.
pub async fn ask(folder: &Path, request: &Request) -> Result<hyper::Response<Incoming>, Failure> {
    let body = serde_json::to_vec(request).map_err(|error| error.to_string())?;
    let since = Instant::now();
    loop {
        match send(folder, body.clone()).await {
            Ok(response) => return Ok(response),
            Err(error) if since.elapsed() > TAKEN_WITHIN => {
                return Err(unanswered(folder, &error));
            }
            Err(_) => tokio::time::sleep(RETRY).await,
        }
    }
}

/// Who has the folder, and takes no requests.
fn unanswered(folder: &Path, error: &str) -> Failure {
    let holder = DataDir::holder(folder);
    let holder = holder.map_or_else(String::new, |holder| format!(" ({holder})"));
    format!(
        "the data folder {} is in use by another process{holder}, which takes no requests now ({error}); try again later",
        folder.display()
    )
    .into()
}

async fn send(folder: &Path, body: Vec<u8>) -> Result<hyper::Response<Incoming>, String> {
    let content = fs::read(Door::file(folder)).map_err(|error| match error.kind() {
        ErrorKind::NotFound => "no server has begun to".to_owned(),
        _ => error.to_string(),
    })?;
    let door: Door = serde_json::from_slice(&content).map_err(|error| error.to_string())?;
    let stream = TcpStream::connect(&door.address).await;
    let stream = TokioIo::new(stream.map_err(|error| error.to_string())?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
        .await
        .map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let request = hyper::Request::post("/")
        .header(hyper::header::HOST, &door.address)
        .header(hyper::header::TE, printout::TRAILERS)
        .header(KEY, &door.key)
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())?;
    let response = tokio::time::timeout(ANSWERED_WITHIN, sender.send_request(request)).await;
    let response = response.map_err(|_| "it does not answer".to_owned())?;
    let response = response.map_err(|error| error.to_string())?;
    let proof = response.headers().get(PROOF);
    if proof.is_none_or(|proof| proof.as_bytes() != door.proof.as_bytes()) {
        return Err("somebody else listens at its address".to_owned());
    }
    if response.status() == StatusCode::FORBIDDEN {
        return Err("it does not know the key".to_owned());
    }
    Ok(response)
}

/// The last answer; reports progress before it.
pub async fn last_answer(
    response: hyper::Response<Incoming>,
    mut progress: impl FnMut(&WorkReport),
) -> Result<Answer, Failure> {
    let mut body = response.into_body();
    let mut lines = Vec::new();
    let mut last = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("the running server broke off: {error}"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        lines.extend_from_slice(&data);
        while let Some(end) = lines.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = lines.drain(..=end).collect();
            match serde_json::from_slice(&line) {
                Ok(Answer::Working(work)) => progress(&work),
                answer => last = answer.ok(),
            }
        }
    }
    let missing = "the running server gave an answer that does not fit; is it of another version?";
    last.ok_or_else(|| missing.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::data_dir::Holder;

    #[tokio::test]
    async fn who_has_the_folder_is_named_and_no_error_of_the_system() {
        let scratch = tempfile::tempdir().unwrap();
        let _held = DataDir::take(scratch.path(), Holder::Command).unwrap();
        let error = send(scratch.path(), Vec::new()).await.err().unwrap();
        let told = unanswered(scratch.path(), &error).text;
        let holder = format!("command, process {}", std::process::id());
        assert!(told.contains(&holder), "{told}");
        assert!(!told.contains("os error"), "{told}");
    }
}
