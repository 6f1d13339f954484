//! One log line, one metrics sample and one id per request.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use eventstore::CorrelationId;
use metrics::{Counter, Histogram, counter, histogram};
use parking_lot::RwLock;
use uuid::Uuid;

use crate::telemetry::metrics::{REQUEST_SECONDS, REQUESTS};

/// Carries the request's id, from the client if it sends one (a UUID), and always back to it.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub struct Observer {
    timeout: Duration,
    /// Series by route, then by method and status class. Routes are patterns, so their number is bounded.
    series: RwLock<HashMap<Box<str>, ByOutcome>>,
}

/// Series of one route.
type ByOutcome = HashMap<(Method, u16), Series>;

/// The metrics of one route, method and status class. Looking them up once per series keeps requests cheap.
#[derive(Clone)]
struct Series {
    count: Counter,
    seconds: Histogram,
}

impl Observer {
    /// Requests time out after `timeout`.
    pub fn new(timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            timeout,
            series: RwLock::default(),
        })
    }

    /// Gives the request its id as [`CorrelationId`] extension, limits the time of its answer, and reports how it ended.
    pub async fn observe<A>(
        &self,
        mut request: Request,
        answer: impl FnOnce(Request) -> A,
    ) -> Response
    where
        A: Future<Output = Response>,
    {
        let started = Instant::now();
        let id = request
            .headers()
            .get(REQUEST_ID)
            .and_then(|id| Uuid::try_parse_ascii(id.as_bytes()).ok())
            .unwrap_or_else(Uuid::now_v7);
        request.extensions_mut().insert(CorrelationId(id));
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let route = request.extensions().get::<MatchedPath>().cloned();

        let mut response = match tokio::time::timeout(self.timeout, answer(request)).await {
            Ok(response) => response,
            Err(_) => timed_out(),
        };

        let (status, took) = (response.status(), started.elapsed());
        if let Ok(value) =
            HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
        {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        self.record(
            route.as_ref().map_or("unmatched", MatchedPath::as_str),
            &method,
            status,
            took,
        );
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        // The query is left out: some clients put their login token there.
        if status.is_server_error() {
            tracing::warn!(%method, path = shown(uri.path()), status = status.as_u16(), micros, request_id = %id, "request failed");
        } else {
            tracing::debug!(%method, path = shown(uri.path()), status = status.as_u16(), micros, request_id = %id, "request");
        }
        response
    }

    fn record(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        // Clients may invent methods; their names must not make new series.
        let known = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::OPTIONS,
            Method::HEAD,
            Method::PATCH,
        ]
        .contains(method);
        let key = (
            if known { method.clone() } else { Method::TRACE },
            status.as_u16() / 100,
        );
        let existing = self
            .series
            .read()
            .get(route)
            .and_then(|by_method| by_method.get(&key))
            .cloned();
        let series = existing.unwrap_or_else(|| {
            let method = if known {
                key.0.to_string()
            } else {
                "other".to_owned()
            };
            let labels = [
                ("method", method),
                ("route", route.to_owned()),
                ("status", format!("{}xx", key.1)),
            ];
            let series = Series {
                count: counter!(REQUESTS, &labels),
                seconds: histogram!(REQUEST_SECONDS, &labels),
            };
            self.series
                .write()
                .entry(route.into())
                .or_default()
                .insert(key, series.clone());
            series
        });
        series.count.increment(1);
        series.seconds.record(took);
    }
}

/// The middleware: see [`Observer::observe`].
pub async fn observe(
    State(observer): State<Arc<Observer>>,
    request: Request,
    next: Next,
) -> Response {
    observer.observe(request, |request| next.run(request)).await
}

/// The answer to a request that took too long.
fn timed_out() -> Response {
    let body = r#"{"success":false,"error":"The request took too long and was given up"}"#;
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [(header::CONTENT_TYPE, "application/json")],
        body,
    )
        .into_response()
}

/// A path as it may appear in the server's logs: mailed links end in a secret.
fn shown(path: &str) -> String {
    for page in ["/verify-email/", "/reset-password/"] {
        if let Some(place) = path.find(page) {
            return format!("{}...", &path[..place + page.len()]);
        }
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tower::Service as _;

    /// A handler that returns the correlation id it was given, and one that never returns.
    fn router() -> Router {
        let echo = async |request: Request| {
            request
                .extensions()
                .get::<CorrelationId>()
                .map(|id| id.0.to_string())
                .unwrap_or_default()
        };
        Router::new()
            .route("/echo", get(echo))
            .route("/stuck", get(std::future::pending::<()>))
            .layer(from_fn_with_state(
                Observer::new(Duration::from_millis(20)),
                observe,
            ))
    }

    /// Status, request id and body.
    async fn call(path: &str, id: Option<&str>) -> (StatusCode, String, String) {
        let mut request = Request::builder().uri(path);
        if let Some(id) = id {
            request = request.header(REQUEST_ID, id);
        }
        let response = router()
            .call(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1024).await.unwrap();
        let id = parts.headers[REQUEST_ID].to_str().unwrap().to_owned();
        (parts.status, id, String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn secrets_in_paths_are_not_shown() {
        assert_eq!(shown("/reset-password/secret"), "/reset-password/...");
        assert_eq!(shown("/chat/verify-email/secret"), "/chat/verify-email/...");
        assert_eq!(shown("/api/v1/me"), "/api/v1/me");
    }

    #[tokio::test]
    async fn a_clients_request_id_is_kept_when_it_is_a_uuid() {
        let id = "0192d3a4-5b6c-7d8e-9f00-112233445566";
        assert_eq!(
            call("/echo", Some(id)).await,
            (StatusCode::OK, id.to_owned(), id.to_owned())
        );
    }

    #[tokio::test]
    async fn any_other_request_gets_an_id_of_its_own() {
        for id in [None, Some("1; drop table"), Some("")] {
            let (_, returned, seen) = call("/echo", id).await;
            assert_eq!(returned, seen);
            assert_eq!(
                Uuid::parse_str(&returned).unwrap().get_version_num(),
                7,
                "{id:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_request_that_takes_too_long_is_given_up() {
        let (status, _, body) = call("/stuck", None).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains("too long"), "{body}");
    }
}
