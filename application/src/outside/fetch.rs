//! Requests to the outside that a user caused: the picture behind an address, a webhook, a preview of a link.
//!
//! Nobody outside may use the server to reach what is behind its firewall. So names are resolved here and the
//! connection goes to exactly the addresses that were checked, every redirection is checked again, and size and time
//! have limits. Proxies from the environment are not used: they would connect for us, unchecked.

pub mod address;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::SHUT;
use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{self, HeaderMap};
use reqwest::{Method, StatusCode, Url};
use tokio::sync::Semaphore;

pub use address::{AllowList, HostList};

/// Requests in progress at a time; further ones wait, within their own time.
const AT_A_TIME: usize = 32;

/// Redirections that are followed, unless a [`Rule`] says otherwise.
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

/// What is reached of all that may be, asked before every hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Hosts that are not reached, by whatever name they are called.
    pub ignored: HostList,
    /// The only ports that are.
    pub ports: Vec<u16>,
    /// Redirections that are followed.
    pub redirects: usize,
}

/// Where requests may go.
struct Reach {
    allowed: AllowList,
    rule: Option<Rule>,
}

impl Reach {
    /// Those addresses of a host that may be reached.
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<SocketAddr>> {
        let found = look_up(host.to_owned()).await?;
        let trusted = self.allowed.allows_name(host);
        let allows = |address: &SocketAddr| {
            (trusted || self.allowed.allows(address.ip())) && !self.ignores(address.ip())
        };
        Ok(found.into_iter().filter(allows).collect())
    }

    fn ignores(&self, address: IpAddr) -> bool {
        self.rule
            .as_ref()
            .is_some_and(|rule| rule.ignored.has_address(address))
    }

    /// Whether what the address names may be asked, as far as can be said before names are resolved.
    fn allows(&self, url: &Url, host: &str) -> bool {
        let number = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let reached = number.map_or(true, |number| {
            self.allowed.allows(number) && !self.ignores(number)
        });
        let named = self.rule.as_ref().is_none_or(|rule| {
            let port = url.port_or_known_default();
            !rule.ignored.has_name(host) && port.is_some_and(|port| rule.ports.contains(&port))
        });
        reached && named
    }
}

/// How much is read of the body of an answer.
#[derive(Clone, Copy)]
enum Reading {
    /// All of it; more than the limit is an error.
    Whole,
    /// As much as the limit allows, if this says so.
    Beginning(fn(StatusCode, &HeaderMap) -> bool),
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
    /// Complete, within the limits of the request, unless only its beginning was asked for.
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
    reach: Arc<Reach>,
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
        Self::within(Reach {
            allowed,
            rule: None,
        })
    }

    /// One that reaches less, with slots of its own: those who wait for it do not hold up other requests.
    #[must_use]
    pub fn narrowed(&self, rule: Rule) -> Self {
        let narrowed = Self::within(Reach {
            allowed: self.reach.allowed.clone(),
            rule: Some(rule),
        });
        Self {
            shut: self.shut,
            ..narrowed
        }
    }

    fn within(reach: Reach) -> Self {
        choose_cryptography();
        let reach = Arc::new(reach);
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .dns_resolver(Arc::new(Resolver(Arc::clone(&reach))))
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
            reach,
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
        self.send(request, limits, Reading::Whole).await
    }

    /// Sends a request and reads of the answer what the limits allow; nothing of a body that is not `wanted` by its
    /// status and headers.
    pub async fn fetch_beginning(
        &self,
        request: Outgoing,
        limits: Limits,
        wanted: fn(StatusCode, &HeaderMap) -> bool,
    ) -> Result<Fetched, FetchError> {
        self.send(request, limits, Reading::Beginning(wanted)).await
    }

    async fn send(
        &self,
        request: Outgoing,
        limits: Limits,
        reading: Reading,
    ) -> Result<Fetched, FetchError> {
        tokio::time::timeout(limits.time, self.follow(request, limits.bytes, reading))
            .await
            .unwrap_or(Err(FetchError::TimedOut))
    }

    async fn follow(
        &self,
        mut request: Outgoing,
        bytes: usize,
        reading: Reading,
    ) -> Result<Fetched, FetchError> {
        self.must_be_open()?;
        let _slot = self
            .slots
            .acquire()
            .await
            .map_err(|_| FetchError::Unreachable("shutting down".to_owned()))?;
        let mut url = self.check(&request.url)?;
        let http = self.http.as_ref();
        let http = http.map_err(|error| FetchError::Unreachable(error.clone()))?;
        let rule = self.reach.rule.as_ref();
        let redirects = rule.map_or(MOST_REDIRECTS, |rule| rule.redirects);
        for _ in 0..=redirects {
            let answer = http
                .request(request.method.clone(), url.clone())
                .headers(request.headers.clone())
                .body(request.body.clone())
                .send()
                .await
                .map_err(unreachable)?;
            let Some(next) = redirection(&answer, &url) else {
                return read(answer, &url, bytes, reading).await;
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
        let found = tokio::time::timeout(RESOLVE, self.reach.resolve(host))
            .await
            .map_err(|_| FetchError::TimedOut)?
            .map_err(|error| FetchError::Unreachable(error.to_string()))?;
        if found.is_empty() {
            return Err(FetchError::Forbidden(host.to_owned()));
        }
        Ok(found.iter().map(SocketAddr::ip).collect())
    }

    /// Whether an address may be asked, as far as can be said before names are resolved.
    pub fn may_ask(&self, url: &str) -> bool {
        !self.shut && self.check(url).is_ok()
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
        if !self.reach.allows(&url, host) {
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
    reading: Reading,
) -> Result<Fetched, FetchError> {
    let whole = matches!(reading, Reading::Whole);
    let declared = answer.content_length().unwrap_or(0);
    if whole && usize::try_from(declared).unwrap_or(usize::MAX) > bytes {
        return Err(FetchError::TooLarge);
    }
    let wanted = match reading {
        Reading::Whole => true,
        Reading::Beginning(wanted) => wanted(answer.status(), answer.headers()),
    };
    let mut body = BytesMut::new();
    while wanted && (whole || body.len() < bytes) {
        let Some(chunk) = answer.chunk().await.map_err(unreachable)? else {
            break;
        };
        let room = bytes - body.len();
        if whole && chunk.len() > room {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
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

/// Resolves names to those addresses that may be reached.
struct Resolver(Arc<Reach>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = Arc::clone(&self.0);
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let addresses = reach.resolve(&name).await?;
            if addresses.is_empty() {
                return Err(FetchError::Forbidden(name).into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
