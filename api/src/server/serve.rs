//! Accepting connections and speaking HTTP on them, until told to stop.

mod answer_body;
mod calls;
mod courteous;
mod patient;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{HeaderName, HeaderValue, Request};
use calls::Calls;
use courteous::Courteous;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use patient::Patient;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

use crate::http::client;
use crate::state::memory_budget::Budget;

/// How long a client may take to send a request's head; also how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// How long the other side of a connection may take nothing of what is written to it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(75);

/// Largest request head, in bytes. Every connection may hold one that never ends, and no other limit counts them.
const MAX_HEAD: usize = 16 * 1024;

/// What all answers that wait for their readers may take together, in bytes.
const MOST_ANSWERS: u64 = 256 * 1024 * 1024;

/// Pause after an accept failed for lack of resources (file handles), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Lets this process open as many files as the system allows: every connection is one, and the usual default (1,024) is
/// low; programs have to raise it themselves.
pub fn raise_file_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        if limit.current != limit.maximum
            && let Err(error) = setrlimit(
                Resource::Nofile,
                Rlimit {
                    current: limit.maximum,
                    maximum: limit.maximum,
                },
            )
        {
            tracing::warn!(%error, limit = limit.current, "cannot raise the limit of open files");
        }
    }
}

/// Which connections are accepted, and what all their answers have.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// How many connections there may be at a time; further ones wait to be accepted.
    pub max_connections: usize,
    /// How many reverse proxies say where a request comes from (`HTTP_FORWARDED_COUNT`).
    pub proxies: usize,
    /// A header of every answer, whoever makes it.
    pub header: Option<Header>,
}

/// A header of answers.
pub type Header = (HeaderName, HeaderValue);

/// Serves `router` on `listener`. After `stop`, no connection is accepted, idle ones are closed and busy ones end
/// with the answer under way; wait for them on `connections`.
pub async fn run(
    listener: TcpListener,
    router: Router,
    acceptance: Acceptance,
    connections: TaskTracker,
    stop: CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(acceptance.max_connections));
    let (proxies, header) = (acceptance.proxies, acceptance.header);
    let answers = Budget::new(MOST_ANSWERS);
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = accept(&listener, &slots) => accepted,
        };
        match accepted {
            Ok((stream, address, slot)) => {
                let (router, stop) = (router.clone(), stop.clone());
                let answers = Answers {
                    budget: answers.clone(),
                    header: header.clone(),
                };
                connections.spawn(async move {
                    let peer = Peer { address, proxies };
                    connection(stream, peer, router, answers, stop).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    // The slot comes first: a connection that cannot be served stays in the kernel's queue.
    let slot = slots
        .clone()
        .acquire_owned()
        .await
        .map_err(std::io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    // Answers are written whole; waiting to fill packets only adds delay.
    let _ = stream.set_nodelay(true);
    Ok((stream, address, slot))
}

/// The other end of a connection.
#[derive(Clone, Copy)]
struct Peer {
    address: SocketAddr,
    /// How many reverse proxies say whom it speaks for.
    proxies: usize,
}

/// What holds for the answers of a connection.
#[derive(Clone)]
struct Answers {
    budget: Budget,
    header: Option<Header>,
}

async fn connection(
    stream: TcpStream,
    peer: Peer,
    router: Router,
    answers: Answers,
    stop: CancellationToken,
) {
    let calls = Calls::default();
    let patient = Patient::new(stream, WRITE_TIMEOUT);
    let stream = Courteous::new(patient, calls.clone(), answers.header.clone());
    let begun = calls.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let address = client::address(request.headers(), peer.address.ip(), peer.proxies);
        request.extensions_mut().insert(ConnectInfo(peer.address));
        request.extensions_mut().insert(client::Address(address));
        // A router is always ready.
        let (answer, call) = (router.clone().call(request), begun.begin());
        let answers = answers.clone();
        async move {
            let answer = answer.await?;
            let share = || answers.budget.share_of(address);
            let mut answer = answer_body::counted(answer, share, call);
            if let Some((name, value)) = answers.header {
                answer.headers_mut().insert(name, value);
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let mut http = http1::Builder::new();
    // Answers are flushed one by one: with `pipeline_flush`, an answer with a further request behind it waits for more.
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .max_header_size(MAX_HEAD);
    let mut connection = std::pin::pin!(
        http.serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            if calls.at_rest() {
                // Nobody waits for an answer; at most a request is still arriving.
                return;
            }
            connection.await
        }
    };
    if let Err(error) = outcome {
        // Clients that vanish or do not speak HTTP are everyday business.
        tracing::trace!(%error, address = %peer.address, "connection ended");
    }
}
