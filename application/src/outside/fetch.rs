//! Requests to the outside that a user caused: the picture behind an address, a webhook, a preview of a link.
//!
//! Nobody outside may use the server to reach what is behind its firewall. So names are resolved here and the
//! connection goes to exactly the addresses that were checked, every redirection is checked again, and size and time
//! have limits. Proxies from the environment are not used: they would connect for us, unchecked.

pub mod address;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::SHUT;
use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{self, HeaderMap};
use reqwest::{Method, StatusCode, Url};
use tokio::sync::Semaphore;

pub use address::AllowList;

/// Requests in progress at a time; further ones wait, within their own time.
const AT_A_TIME: usize = 32;

const MOST_REDIRECTS: usize = 3;

/// How long a lookup of a host may take.
const RESOLVE: Duration = Duration::from_secs(10);

/// Longest address, in bytes.
const LONGEST_URL: usize = 8 * 1024;

/// What a request may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest body that is read, in bytes.
    pub bytes: usize,
    /// The longest time from start to end, redirections included.
    pub time: Duration,
}

/// A request to the outside.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Outgoing {
    pub method: Method,
    pub url: String,
    /// Credentials among them are sent only to the first host, not after a redirection to another.
    pub headers: HeaderMap,
    /// Sent again only if a redirection keeps the method.
    pub body: Bytes,
}

impl Outgoing {
    /// A `GET` request without headers and body.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            url: url.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Any status, not only success.
    pub status: StatusCode,
    /// Of the last answer, after redirections.
    pub headers: HeaderMap,
    /// Complete, within the limits of the request.
    pub body: Bytes,
    /// The address that answered, after redirections.
    pub url: String,
}

impl Fetched {
    /// The media type that the other side states, without parameters and in lower case; empty if it states none.
    pub fn content_type(&self) -> String {
        self.headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.split(';').next())
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    }
}

/// Why a request got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum FetchError {
    #[error("not an http or https address")]
    InvalidUrl,
    /// The host, or one it redirects to, is one that users may not reach.
    #[error("{0} must not be reached")]
    Forbidden(String),
    #[error("too many redirections")]
    TooManyRedirects,
    #[error("the answer is too large")]
    TooLarge,
    #[error("the answer took too long")]
    TimedOut,
    /// There is no such host, or it does not answer.
    #[error("not reached: {0}")]
    Unreachable(String),
    /// Nothing at all is reached.
    #[error("not reached: {SHUT}")]
    Shut,
}

/// Makes requests. Cheap to clone.
#[derive(Clone)]
pub struct Fetcher {
    /// Or why there is none, for example because this machine has no trusted certificates.
    http: Result<reqwest::Client, String>,
    allowed: Arc<AllowList>,
    slots: Arc<Semaphore>,
    /// Refuses every request.
    shut: bool,
}

/// Chooses the cryptography of TLS connections, once for the process; an earlier choice stays.
pub fn choose_cryptography() {
    // An error means that one was chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl Fetcher {
    /// A fetcher that also reaches what the operator allows.
    pub fn new(allowed: AllowList) -> Self {
        choose_cryptography();
        let allowed = Arc::new(allowed);
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .dns_resolver(Arc::new(Resolver(Arc::clone(&allowed))))
            .connect_timeout(Duration::from_secs(10))
            .pool_idle_timeout(Duration::from_secs(10))
            .user_agent(concat!("Hansard/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                tracing::warn!(%error, "requests to the outside are not possible");
                error.to_string()
            });
        Self {
            http,
            allowed,
            slots: Arc::new(Semaphore::new(AT_A_TIME)),
            shut: false,
        }
    }

    /// The same, which refuses every request: [`FetchError::Shut`].
    #[must_use]
    pub fn shut(self) -> Self {
        Self { shut: true, ..self }
    }

    fn must_be_open(&self) -> Result<(), FetchError> {
        if self.shut {
            return Err(FetchError::Shut);
        }
        Ok(())
    }

    /// Sends a request and reads the whole answer, within the limits.
    pub async fn fetch(&self, request: Outgoing, limits: Limits) -> Result<Fetched, FetchError> {
        tokio::time::timeout(limits.time, self.follow(request, limits.bytes))
            .await
            .unwrap_or(Err(FetchError::TimedOut))
    }

    async fn follow(&self, mut request: Outgoing, bytes: usize) -> Result<Fetched, FetchError> {
        self.must_be_open()?;
        let _slot = self
            .slots
            .acquire()
            .await
            .map_err(|_| FetchError::Unreachable("shutting down".to_owned()))?;
        let mut url = self.check(&request.url)?;
        let http = self.http.as_ref();
        let http = http.map_err(|error| FetchError::Unreachable(error.clone()))?;
        for _ in 0..=MOST_REDIRECTS {
            let answer = http
                .request(request.method.clone(), url.clone())
                .headers(request.headers.clone())
                .body(request.body.clone())
                .send()
                .await
                .map_err(unreachable)?;
            let Some(next) = redirection(&answer, &url) else {
                return read(answer, &url, bytes).await;
            };
            let next = self.check(&next?)?;
            if next.origin() != url.origin() {
                for name in [header::AUTHORIZATION, header::COOKIE] {
                    request.headers.remove(name);
                }
                request.headers.remove("x-auth-token");
            }
            if becomes_get(answer.status(), &request.method) {
                request.method = Method::GET;
                request.body = Bytes::new();
                request.headers.remove(header::CONTENT_TYPE);
                request.headers.remove(header::CONTENT_LENGTH);
            }
            url = next;
        }
        Err(FetchError::TooManyRedirects)
    }

    /// The addresses of a host, for connections other than web requests; only those that users may reach.
    pub async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, FetchError> {
        self.must_be_open()?;
        let host = host.trim_matches(['[', ']']);
        if host.is_empty() || host.len() > LONGEST_URL {
            return Err(FetchError::InvalidUrl);
        }
        let found = tokio::time::timeout(RESOLVE, reachable(&self.allowed, host))
            .await
            .map_err(|_| FetchError::TimedOut)?
            .map_err(|error| FetchError::Unreachable(error.to_string()))?;
        if found.is_empty() {
            return Err(FetchError::Forbidden(host.to_owned()));
        }
        Ok(found.iter().map(SocketAddr::ip).collect())
    }

    /// Whether an address may be asked. Names are checked again when they are resolved; numbers are never resolved.
    fn check(&self, url: &str) -> Result<Url, FetchError> {
        if url.len() > LONGEST_URL {
            return Err(FetchError::InvalidUrl);
        }
        // Unusual spellings of IP addresses (octal, one number) are normal addresses after this.
        let url = Url::parse(url).map_err(|_| FetchError::InvalidUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::InvalidUrl);
        }
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() {
            return Err(FetchError::InvalidUrl);
        }
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>()
            && !self.allowed.allows(address)
        {
            return Err(FetchError::Forbidden(host.to_owned()));
        }
        Ok(url)
    }
}

/// Whether a redirected request continues as a `GET` (RFC 9110, 15.4): after a 303, or if a `POST` got a 301 or 302.
fn becomes_get(status: StatusCode, method: &Method) -> bool {
    match status {
        StatusCode::SEE_OTHER => *method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => *method == Method::POST,
        _ => false,
    }
}

/// Where an answer redirects to, if it does.
fn redirection(answer: &reqwest::Response, from: &Url) -> Option<Result<String, FetchError>> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = answer.headers().get(header::LOCATION)?;
    let next = location
        .to_str()
        .ok()
        .and_then(|location| from.join(location).ok());
    Some(next.map(String::from).ok_or(FetchError::InvalidUrl))
}

async fn read(
    mut answer: reqwest::Response,
    url: &Url,
    bytes: usize,
) -> Result<Fetched, FetchError> {
    let declared = answer.content_length().unwrap_or(0);
    if usize::try_from(declared).unwrap_or(usize::MAX) > bytes {
        return Err(FetchError::TooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > bytes {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Fetched {
        status: answer.status(),
        headers: answer.headers().clone(),
        body: body.freeze(),
        url: url.to_string(),
    })
}

fn unreachable(error: reqwest::Error) -> FetchError {
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<FetchError>() {
            return refused.clone();
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        return FetchError::TimedOut;
    }
    // The address may hold credentials, and this text goes into the log of the server.
    FetchError::Unreachable(error.without_url().to_string())
}

/// Names looked up at a time. Each takes a thread, for as long as the name server takes.
const LOOKUPS: usize = 16;

static LOOKUP_SLOTS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(LOOKUPS)));

/// The addresses of a host. The system's resolver cannot be interrupted: its slot is free when it has ended, even if
/// the caller is gone.
async fn look_up(host: String) -> std::io::Result<Vec<SocketAddr>> {
    let slot = Arc::clone(&LOOKUP_SLOTS).acquire_owned().await;
    let slot = slot.map_err(std::io::Error::other)?;
    let task = tokio::spawn(async move {
        let found = tokio::net::lookup_host((host, 0))
            .await
            .map(Iterator::collect);
        drop(slot);
        found
    });
    task.await.map_err(std::io::Error::other)?
}

/// Those addresses of a host that may be reached.
async fn reachable(allowed: &AllowList, host: &str) -> std::io::Result<Vec<SocketAddr>> {
    let found = look_up(host.to_owned()).await?;
    let trusted = allowed.allows_name(host);
    let allows = |address: &SocketAddr| trusted || allowed.allows(address.ip());
    Ok(found.into_iter().filter(allows).collect())
}

/// Resolves names to those addresses that may be reached.
struct Resolver(Arc<AllowList>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.0);
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let addresses = reachable(&allowed, &name).await?;
            if addresses.is_empty() {
                return Err(FetchError::Forbidden(name).into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    const LIMITS: Limits = Limits {
        bytes: 1000,
        time: Duration::from_secs(5),
    };

    /// A server that gives every connection this answer, and then waits.
    async fn server(answer: impl Fn(SocketAddr) -> String) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let answer = answer(address);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                    tokio::time::sleep(Duration::from_secs(20)).await;
                });
            }
        });
        address
    }

    fn ok(body: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: image/PNG; x=1\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn fetcher(allowed: &str) -> Fetcher {
        Fetcher::new(allowed.parse().expect("a list"))
    }

    async fn get(allowed: &str, url: &str) -> Result<Fetched, FetchError> {
        fetcher(allowed).fetch(Outgoing::get(url), LIMITS).await
    }

    #[tokio::test]
    async fn shut_nothing_is_reached_whatever_is_allowed() {
        let address = server(|_| ok("picture")).await;
        let fetcher = fetcher("127.0.0.1").shut();
        let outgoing = Outgoing::get(format!("http://{address}/a"));
        let fetched = fetcher.fetch(outgoing, LIMITS).await;
        assert_eq!(fetched.map(|answer| answer.url), Err(FetchError::Shut));
        let resolved = fetcher.resolve("127.0.0.1").await;
        assert_eq!(resolved, Err(FetchError::Shut));
    }

    fn is_forbidden(outcome: &Result<Fetched, FetchError>) -> bool {
        matches!(outcome, Err(FetchError::Forbidden(_)))
    }

    #[tokio::test]
    async fn what_the_operator_trusts_is_reached() {
        let address = server(|_| ok("picture")).await;
        let fetched = get("127.0.0.1", &format!("http://{address}/a"))
            .await
            .expect("an answer");
        assert_eq!(
            (fetched.status.as_u16(), &fetched.body[..]),
            (200, &b"picture"[..])
        );
        assert_eq!(fetched.content_type(), "image/png");
        let url = format!("http://localhost:{}/", address.port());
        assert!(get("localhost", &url).await.is_ok());
    }

    #[tokio::test]
    async fn this_machine_is_not_reached_however_it_is_spelled() {
        let port = server(|_| ok("secret")).await.port();
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "localhost",
            "LOCALHOST",
            "127.0.0.1.",
            "169.254.169.254",
        ] {
            let outcome = get("", &format!("http://{host}:{port}/")).await;
            assert!(is_forbidden(&outcome), "{host}: {outcome:?}");
        }
    }

    #[tokio::test]
    async fn other_connections_go_only_where_requests_may() {
        for host in ["127.0.0.1", "localhost", "10.0.0.1", "[::1]"] {
            let outcome = fetcher("").resolve(host).await;
            assert!(
                matches!(outcome, Err(FetchError::Forbidden(_))),
                "{host}: {outcome:?}"
            );
        }
        let trusted = fetcher("127.0.0.1").resolve("127.0.0.1").await;
        assert_eq!(trusted, Ok(vec![IpAddr::from([127, 0, 0, 1])]));
        let trusted = fetcher("localhost").resolve("localhost").await;
        assert!(trusted.is_ok_and(|found| !found.is_empty()));
        assert_eq!(fetcher("").resolve("").await, Err(FetchError::InvalidUrl));
    }

    #[test]
    fn only_some_redirected_requests_become_a_get() {
        let propfind = Method::from_bytes(b"PROPFIND").expect("a method");
        for (status, method, becomes) in [
            (301, &Method::POST, true),
            (302, &Method::POST, true),
            (301, &propfind, false),
            (302, &Method::PUT, false),
            (303, &Method::PUT, true),
            (303, &Method::HEAD, false),
            (307, &Method::POST, false),
            (308, &Method::POST, false),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(becomes_get(status, method), becomes, "{status} {method}");
        }
    }

    #[tokio::test]
    async fn only_the_web_is_reached() {
        for url in [
            "",
            "x",
            "/avatar",
            "file:///etc/passwd",
            "ftp://example.org/a",
            "gopher://127.0.0.1/",
            "data:image/png;base64,AAAA",
            "http://",
        ] {
            let outcome = get("127.0.0.1", url).await;
            assert_eq!(outcome.err(), Some(FetchError::InvalidUrl), "{url}");
        }
    }

    #[tokio::test]
    async fn every_redirection_is_checked() {
        let to = |location: &str| {
            let location = location.to_owned();
            move |_| {
                format!(
                    "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
            }
        };
        for location in ["http://127.0.0.2/", "http://10.0.0.1/", "//[::1]/"] {
            let address = server(to(location)).await;
            let outcome = get("127.0.0.1", &format!("http://{address}/")).await;
            assert!(is_forbidden(&outcome), "{location}: {outcome:?}");
        }
        let address = server(to("file:///etc/passwd")).await;
        let outcome = get("127.0.0.1", &format!("http://{address}/")).await;
        assert_eq!(outcome.err(), Some(FetchError::InvalidUrl));
        let address = server(to("/again")).await;
        let outcome = get("127.0.0.1", &format!("http://{address}/")).await;
        assert_eq!(outcome.err(), Some(FetchError::TooManyRedirects));
        let there = server(|_| ok("there")).await;
        let address = server(to(&format!("http://{there}/"))).await;
        let fetched = get("127.0.0.1", &format!("http://{address}/")).await;
        assert_eq!(fetched.expect("an answer").body, "there");
    }

    #[tokio::test]
    async fn credentials_stay_with_the_first_host() {
        let (sender, mut seen) = tokio::sync::mpsc::channel::<String>(4);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let there = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let text = String::from_utf8_lossy(&request[..length]).into_owned();
                let _ = sender.send(text).await;
                let _ = stream.write_all(ok("x").as_bytes()).await;
            }
        });
        let address = server(|_| {
            format!(
                "HTTP/1.1 307 Temporary\r\nLocation: http://{there}/\r\nContent-Length: 0\r\n\r\n"
            )
        })
        .await;
        let mut request = Outgoing::get(format!("http://{address}/"));
        let value = "Bearer secret".parse().expect("a header");
        request.headers.insert(header::AUTHORIZATION, value);
        fetcher("127.0.0.1")
            .fetch(request, LIMITS)
            .await
            .expect("an answer");
        let seen = seen.recv().await.expect("a request");
        assert!(!seen.contains("secret"), "{seen}");
    }

    #[tokio::test]
    async fn size_and_time_have_limits() {
        let long = "x".repeat(1001);
        let address = server(|_| ok(&long)).await;
        let outcome = get("127.0.0.1", &format!("http://{address}/")).await;
        assert_eq!(outcome.err(), Some(FetchError::TooLarge), "declared");
        let chunked = format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n",
            long.len()
        );
        let address = server(|_| chunked.clone()).await;
        let outcome = get("127.0.0.1", &format!("http://{address}/")).await;
        assert_eq!(outcome.err(), Some(FetchError::TooLarge), "not declared");
        let slow = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nsome";
        let address = server(|_| slow.to_owned()).await;
        let limits = Limits {
            time: Duration::from_millis(300),
            ..LIMITS
        };
        let outcome = fetcher("127.0.0.1")
            .fetch(Outgoing::get(format!("http://{address}/")), limits)
            .await;
        assert_eq!(outcome.err(), Some(FetchError::TimedOut));
    }

    #[tokio::test]
    async fn who_is_not_there_is_not_reached() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let outcome = get("127.0.0.1", &format!("http://{address}/")).await;
        assert!(
            matches!(outcome, Err(FetchError::Unreachable(_))),
            "{outcome:?}"
        );
    }
}
