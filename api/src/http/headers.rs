//! The headers of every answer, rules for other origins, and the redirect to TLS (contract, conventions 1.1 and 1.7).

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::settings::{Settings, keys};
use domain::site::Site;
use eventstore::CorrelationId;

use crate::http::forwarded;

/// Answers of the API are data: nothing in them may be run, loaded or framed by others.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'self'";

/// How many headers most answers get, here and on the way out: room for them is made at once.
const USUAL: usize = 10;

/// Adds the headers of every answer (contract, conventions 1.1 and 1.7).
pub fn finish(settings: Option<&Settings>, mut response: Response) -> Response {
    response.headers_mut().reserve(USUAL);
    let mut response = guarded(settings, response);
    let headers = response.headers_mut();
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(ALLOWED_HEADERS),
    );
    response
}

/// What events were recorded under that an answer tells of.
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// Says in an answer what was recorded for it: the events of this correlation.
pub fn correlate(correlation: CorrelationId, response: &mut Response) {
    if let Ok(value) = HeaderValue::from_str(&correlation.0.to_string()) {
        response.headers_mut().insert(CORRELATION_ID, value);
    }
}

/// The same without those about other origins.
fn guarded(settings: Option<&Settings>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    if let Some(settings) = settings {
        protect(settings, headers);
    }
    // Pictures and the like say themselves how long they may be kept.
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    }
    headers.insert(header::X_XSS_PROTECTION, HeaderValue::from_static("1"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

const ALLOWED_HEADERS: &str =
    "Origin, X-Requested-With, Content-Type, Accept, X-User-Id, X-Auth-Token";
const PREFLIGHT_HEADERS: &str = "Origin, X-Requested-With, Content-Type, Accept, X-User-Id, X-Auth-Token, x-visitor-token, Authorization, x-2fa-code, x-2fa-method";
const PREFLIGHT_METHODS: &str = "GET, POST, PUT, DELETE, HEAD, PATCH";

/// Whether a browser asks what a page of another origin may do.
pub fn is_preflight(request: &Request<Body>) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS
        && (headers.contains_key(header::ORIGIN)
            || headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD))
}

pub fn preflight(settings: &Settings, headers: &HeaderMap) -> Response {
    if !settings.bool(keys::API_ENABLE_CORS) {
        let text = "CORS not enabled. Go to \"Admin > General > REST Api\" to enable it.";
        return finish(
            Some(settings),
            (StatusCode::METHOD_NOT_ALLOWED, text).into_response(),
        );
    }
    let allowed = settings.text(keys::API_CORS_ORIGIN).trim_ascii();
    let origin = headers.get(header::ORIGIN).cloned();
    let mut response = guarded(Some(settings), Response::new(Body::empty()));
    let answer = response.headers_mut();
    if allowed == "*" {
        answer.insert(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        );
    } else {
        let listed = |origin: &HeaderValue| {
            origin.to_str().is_ok_and(|origin| {
                allowed
                    .split(',')
                    .any(|one| one.trim_ascii().eq_ignore_ascii_case(origin))
            })
        };
        let Some(origin) = origin.filter(listed) else {
            return response;
        };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    answer.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static(PREFLIGHT_METHODS),
    );
    answer.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(PREFLIGHT_HEADERS),
    );
    response
}

/// Keeps other sites from framing an answer, and browsers from running it, if the workspace wants that.
fn protect(settings: &Settings, headers: &mut HeaderMap) {
    if settings.bool(keys::IFRAME_RESTRICT_ACCESS)
        && let Ok(value) = HeaderValue::from_str(settings.text(keys::IFRAME_X_FRAME_OPTIONS))
        && !value.is_empty()
    {
        // A page that must not be framed at all says so itself.
        headers.entry(header::X_FRAME_OPTIONS).or_insert(value);
    }
    if settings.bool(keys::ENABLE_CSP) && !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(DATA_POLICY),
        );
    }
}

/// Where to redirect a request that came without TLS, if the workspace wants TLS (`Force_SSL`). A proxy in front says
/// whether there was TLS; requests from this machine need none.
pub fn to_tls(settings: &Settings, request: &Request<Body>) -> Option<Response> {
    if !settings.bool(keys::FORCE_SSL) {
        return None;
    }
    let secure = forwarded::is_secure(request.headers());
    let local = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .is_some_and(|info| is_here(info.0.ip()))
        && !forwarded::is_forwarded(request.headers());
    if secure || local {
        return None;
    }
    // The name comes from the workspace, not from the request: a forged Host must not send people elsewhere. The prefix
    // of every path was removed when the route was found.
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let target = HeaderValue::from_str(&Site::of(settings).secure(path)?).ok()?;
    let mut response = StatusCode::FOUND.into_response();
    response.headers_mut().insert(header::LOCATION, target);
    Some(finish(Some(settings), response))
}

fn is_here(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
