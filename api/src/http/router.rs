//! The way of a request through the table of all REST routes.
//!
//! The table says of every route its method, its path and who may call it; the checks of conventions 1.3 run here in
//! their order, so a handler cannot forget one. The description of the API and the deny tests come from the same table.

use std::any::Any;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use application::caller::Caller;
use application::cause::within;
use application::rate_limit::Standing;
use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts as _, RawPathParams};
use axum::http::{Method, Request};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, any_service};
use domain::settings::keys;
use eventstore::CorrelationId;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tower::Service;

use crate::errors::dialect::Dialect;
use crate::errors::{ApiError, wording};
use crate::http::answer::Outcome;
use crate::http::call::{Anyone, Call, Input};
use crate::http::route::{Access, Route};
use crate::http::schema::{Style, Takes};
use crate::http::{body, caller, client, headers, local, rate_limit, second_factors};
use crate::state::AppState;

/// How long a stopping server waits for requests that have not arrived completely.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What answers for whatever is under `/api` and has no route.
pub const UNKNOWN: [&str; 2] = ["/api", "/api/{*rest}"];

/// A route and its number in the table.
type Numbered = (usize, Route);

/// The REST doors as a router: everything under `/api`, and the few routes beside it.
pub fn router(state: &AppState, table: Vec<Route>) -> Router {
    let mut paths: BTreeMap<String, Vec<Numbered>> = BTreeMap::new();
    for (index, route) in table.into_iter().enumerate() {
        let path = route.path.clone();
        paths.entry(path).or_default().push((index, route));
    }
    let mut router = Router::new();
    for (path, routes) in paths {
        let door = Door {
            state: state.clone(),
            routes: routes.into(),
        };
        router = router.route(&path, any_service(door));
    }
    let shared = state.clone();
    let unknown = move || {
        let settings = shared.views().settings();
        async move { headers::finish(Some(&settings), wording::not_found().into_response()) }
    };
    let every = |router: Router, path| router.route(path, any(unknown.clone()));
    UNKNOWN.into_iter().fold(router, every)
}

/// Serves the routes of one path. Not a handler of the HTTP library, which would be wrapped in a service of its own for
/// every request, and not inside a layer, each of which is cloned for every request.
#[derive(Clone)]
struct Door {
    state: AppState,
    routes: Arc<[Numbered]>,
}

impl Service<Request<Body>> for Door {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self { state, routes } = self.clone();
        let answer = async move { dispatch(&state, &routes, request).await };
        let answer = AssertUnwindSafe(answer).catch_unwind();
        Box::pin(answer.map(|outcome| Ok(outcome.unwrap_or_else(panicked))))
    }
}

/// Finds the route for the method, authenticates the caller, reads the body, runs the handler.
async fn dispatch(state: &AppState, routes: &[Numbered], request: Request<Body>) -> Response {
    let (mut parts, content) = request.into_parts();
    let path = match RawPathParams::from_request_parts(&mut parts, &()).await {
        Ok(path) => path,
        Err(malformed) => return malformed.into_response(),
    };
    let request = Request::from_parts(parts, content);
    let settings = state.views().settings();
    if let Some(elsewhere) = headers::to_tls(&settings, &request) {
        return elsewhere;
    }
    // Files outside the API have a head like all files; the server leaves out the body.
    let is_head = request.method() == Method::HEAD && !request.uri().path().starts_with("/api/");
    let method = if is_head {
        &Method::GET
    } else {
        request.method()
    };
    let Some(route) = routes.iter().find(|(_, route)| route.method == *method) else {
        if headers::is_preflight(&request) {
            return headers::preflight(&settings, request.headers());
        }
        let refusal = ApiError::MethodNotAllowed(allowed(routes));
        return headers::finish(Some(&settings), refusal.into_response());
    };
    let correlation = request
        .extensions()
        .get::<CorrelationId>()
        .copied()
        .unwrap_or_else(CorrelationId::fresh);
    let mut seen = Seen::default();
    // Boxed, because it is large, and is moved on its way into the task.
    let answered = Box::pin(answer(state, route, &path, request, &mut seen));
    let (outcome, recorded) = within(correlation, answered).await;
    let response = outcome.map_or_else(
        |error| state.dialect().word(error, seen.session).into_response(),
        axum::response::IntoResponse::into_response,
    );
    let mut response = headers::finish(Some(&settings), response);
    // Whether something was recorded would tell strangers what they must not know, such as whether there is an account.
    if recorded && seen.session {
        headers::correlate(correlation, &mut response);
    }
    if let Some(standing) = seen.standing {
        rate_limit::tell(standing, &mut response);
    }
    response
}

/// What was found out about a call on the way to its answer.
#[derive(Default)]
struct Seen {
    /// The credentials are valid.
    session: bool,
    /// How many more calls of the kind are allowed.
    standing: Option<Standing>,
}

/// The checks of conventions 1.3 in their order, then the handler.
async fn answer(
    state: &AppState,
    numbered: &Numbered,
    path: &RawPathParams,
    request: Request<Body>,
    seen: &mut Seen,
) -> Outcome {
    let (_, route) = numbered;
    let (parts, content) = request.into_parts();
    let limit = state.doors().body_limit;
    let mut client = client::of(&parts);
    let caller = caller::of_request(state, &parts.headers, &parts.uri).await?;
    client.local = caller.is_none() && local::is_local(&parts);
    seen.session = caller.is_some();
    let must_log_in = match &route.access {
        Access::Public(_) => false,
        Access::Readers(_) => !state
            .views()
            .settings()
            .bool(keys::ACCOUNTS_ALLOW_ANONYMOUS_READ),
        Access::LoggedIn(_) => true,
    };
    // A stopping server does not wait long for the rest of a request.
    let closing = || async {
        state.closing().cancelled().await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    if must_log_in && caller.is_none() {
        // No unknown caller makes the server hold megabytes.
        let passed = body::discard(&parts.headers, content, limit);
        let _ = Box::pin(until(closing(), passed)).await;
        return Err(ApiError::NotLoggedIn);
    }
    let (standing, allowed) = rate_limit::check(
        state,
        (numbered.0, route),
        client.household(),
        caller.as_ref(),
    );
    seen.standing = standing;
    if let Err(refusal) = allowed {
        let passed = body::discard(&parts.headers, content, limit);
        let _ = Box::pin(until(closing(), passed)).await;
        return Err(refusal);
    }
    let share = state.bodies().share(caller.is_some(), client.address);
    let read = Input::read(parts, content, client, caller.is_some(), limit, share);
    let mut input = until(closing(), read)
        .await
        .ok_or(ApiError::Unavailable)??;
    input.set_path(path);
    input.expect(route.takes);
    if state.dialect() == Dialect::Nine && route.method == Method::GET {
        route.takes.refuse_filters(&input.query())?;
    }
    if let Takes::Params(schema) = route.takes
        && schema.style == Style::Exact
    {
        input.check(schema)?;
    }
    run(state, route, caller, input).await
}

/// The result of `work`; `None`: `end` came first.
async fn until<T>(end: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        outcome = work => Some(outcome),
        () = end => None,
    }
}

/// Rights, second factor, handler.
async fn run(state: &AppState, route: &Route, caller: Option<Caller>, input: Input) -> Outcome {
    match (&route.access, caller) {
        (Access::Public(handler) | Access::Readers(handler), caller) => {
            handler(Anyone {
                state: state.clone(),
                caller,
                input,
            })
            .await
        }
        (Access::LoggedIn(_), None) => Err(ApiError::NotLoggedIn),
        (Access::LoggedIn(handler), Some(caller)) => {
            let call = Call {
                state: state.clone(),
                caller,
                input,
            };
            if let Some(need) = route.need
                && !need.any_of.iter().any(|permission| call.may(*permission))
            {
                return Err((need.refusal)());
            }
            second_factors::guard(&call, route.second_factor).await?;
            handler(call).await
        }
    }
}

fn allowed(routes: &[Numbered]) -> String {
    routes
        .iter()
        .map(|(_, route)| route.method.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The last resort: a handler panicked. The caller gets the usual envelope, the operator the text.
#[expect(
    clippy::needless_pass_by_value,
    reason = "whoever catches the panic hands it over"
)]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = %text, "a handler panicked");
    headers::finish(None, ApiError::Internal.into_response())
}
