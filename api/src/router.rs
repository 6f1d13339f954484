//! One table of all REST routes, and how a request goes through it.
//!
//! The table says of every route its method, its path and who may call it; the checks of conventions 1.3 run here
//! in their order, so a handler cannot forget one. The description of the API and the deny tests come from the same
//! table.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use eventstore::CorrelationId;
use futures::future::BoxFuture;
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::{ApiError, texts};
use crate::extract::{Anyone, Call, Caller, Input};
use crate::rest;
use crate::rest::answer::Outcome;
use crate::state::{AppState, within};

/// A handler of a route that anyone may call.
pub type PublicHandler = Arc<dyn Fn(Anyone) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// A handler of a route that needs a login.
pub type Handler = Arc<dyn Fn(Call) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// Who may call a route, and what answers.
#[derive(Clone)]
pub enum Access {
    /// Anyone.
    Public(PublicHandler),
    /// Users who are logged in; 401 for everybody else.
    LoggedIn(Handler),
}

/// One route.
#[derive(Clone)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: Method,
    /// The whole path.
    pub path: String,
    /// Who may call it.
    pub access: Access,
}

/// The route `method path` under `/api/v1/` for users who are logged in.
pub fn logged_in<F, T>(method: Method, path: impl AsRef<str>, handler: F) -> Route
where
    F: Fn(Call) -> T + Send + Sync + 'static,
    T: Future<Output = Outcome> + Send + 'static,
{
    let access = Access::LoggedIn(Arc::new(move |call| Box::pin(handler(call))));
    Route {
        method,
        path: format!("/api/v1/{}", path.as_ref()),
        access,
    }
}

/// The route `method path` for anyone; the path is given in full.
pub fn public<F, T>(method: Method, path: &str, handler: F) -> Route
where
    F: Fn(Anyone) -> T + Send + Sync + 'static,
    T: Future<Output = Outcome> + Send + 'static,
{
    let access = Access::Public(Arc::new(move |call| Box::pin(handler(call))));
    Route {
        method,
        path: path.to_owned(),
        access,
    }
}

/// Every REST route.
pub fn routes() -> Vec<Route> {
    rest::routes()
}

/// The REST doors as a router over everything under `/api`.
pub fn router(state: &AppState) -> Router {
    let mut paths: BTreeMap<String, Vec<Route>> = BTreeMap::new();
    for route in routes() {
        paths.entry(route.path.clone()).or_default().push(route);
    }
    let mut router = Router::new();
    for (path, routes) in paths {
        let (state, routes) = (state.clone(), Arc::<[Route]>::from(routes));
        let serve = move |request: Request<Body>| {
            let (state, routes) = (state.clone(), Arc::clone(&routes));
            async move { dispatch(&state, &routes, request).await }
        };
        router = router.route(&path, any(serve));
    }
    let unknown = || async { finish(texts::not_found().into_response()) };
    router
        .route("/api", any(unknown))
        .route("/api/{*rest}", any(unknown))
        .layer(CatchPanicLayer::custom(panicked))
}

/// Finds the route for the method, proves the caller, reads the body, runs the handler.
async fn dispatch(state: &AppState, routes: &[Route], request: Request<Body>) -> Response {
    let Some(route) = routes
        .iter()
        .find(|route| route.method == *request.method())
    else {
        if is_preflight(&request) {
            return preflight(state, request.headers());
        }
        return finish(ApiError::MethodNotAllowed(allowed(routes)).into_response());
    };
    let correlation = request
        .extensions()
        .get::<CorrelationId>()
        .copied()
        .unwrap_or_else(CorrelationId::fresh);
    let outcome = within(correlation, call(state, route, request)).await;
    finish(outcome.map_or_else(
        ApiError::into_response,
        axum::response::IntoResponse::into_response,
    ))
}

async fn call(state: &AppState, route: &Route, request: Request<Body>) -> Outcome {
    let (parts, body) = request.into_parts();
    let caller = Caller::from_headers(state, &parts.headers).await?;
    let limit = state.config().body_limit;
    match &route.access {
        Access::Public(handler) => {
            let input = Input::read(parts, body, caller.is_some(), limit).await?;
            handler(Anyone {
                state: state.clone(),
                caller,
                input,
            })
            .await
        }
        Access::LoggedIn(handler) => {
            // Before the body is read: nobody unknown makes the server hold megabytes.
            let caller = caller.ok_or(ApiError::NotLoggedIn)?;
            let input = Input::read(parts, body, true, limit).await?;
            handler(Call {
                state: state.clone(),
                caller,
                input,
            })
            .await
        }
    }
}

fn allowed(routes: &[Route]) -> String {
    routes
        .iter()
        .map(|route| route.method.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The headers of every answer (contract, conventions 1.1 and 1.7).
fn finish(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_XSS_PROTECTION, HeaderValue::from_static("1"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
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

const ALLOWED_HEADERS: &str =
    "Origin, X-Requested-With, Content-Type, Accept, X-User-Id, X-Auth-Token";
const PREFLIGHT_HEADERS: &str = "Origin, X-Requested-With, Content-Type, Accept, X-User-Id, X-Auth-Token, x-visitor-token, Authorization, x-2fa-code, x-2fa-method";
const PREFLIGHT_METHODS: &str = "GET, POST, PUT, DELETE, HEAD, PATCH";

fn is_preflight(request: &Request<Body>) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS
        && (headers.contains_key(header::ORIGIN)
            || headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD))
}

/// A browser asks whether a page of another origin may call.
fn preflight(state: &AppState, headers: &HeaderMap) -> Response {
    let settings = state.views().settings();
    if !settings.bool("API_Enable_CORS") {
        let text = "CORS not enabled. Go to \"Admin > General > REST Api\" to enable it.";
        return finish((StatusCode::METHOD_NOT_ALLOWED, text).into_response());
    }
    let allowed = settings.text("API_CORS_Origin").trim();
    let origin = headers.get(header::ORIGIN).cloned();
    let mut response = Response::new(Body::empty());
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
                    .any(|one| one.trim().eq_ignore_ascii_case(origin))
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

/// The last resort: a handler panicked. The caller gets the usual envelope, the operator the text.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the panic over"
)]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = %text, "a handler panicked");
    finish(ApiError::Internal.into_response())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_route_is_listed_twice() {
        let mut seen = HashSet::new();
        for route in routes() {
            assert!(
                seen.insert((route.method.clone(), route.path.clone())),
                "{} {} twice",
                route.method,
                route.path
            );
        }
    }

    #[test]
    fn only_these_routes_are_public() {
        let mut public: Vec<String> = routes()
            .iter()
            .filter(|route| matches!(route.access, Access::Public(_)))
            .map(|route| format!("{} {}", route.method, route.path))
            .collect();
        public.sort();
        let known = [
            "GET /api/info",
            "GET /api/v1/info",
            "GET /api/v1/settings.public",
            "POST /api/v1/login",
            "POST /api/v1/users.register",
        ];
        assert_eq!(public, known, "a new public route needs a reason");
    }
}
