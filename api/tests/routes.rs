//! The table of routes, walked in one process: who is let in, and what the answers have in common.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::sync::Arc;

use api::files::Files;
use api::route::Access;
use api::router;
use api::state::{AppState, DoorConfig};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use eventstore::EventStore;
use eventstore::execute::Executor;
use eventstore::sqlite::SqliteLog;
use eventstore::vault::{KEY_BYTES, Vault};
use projections::Views;
use serde_json::{Value, json};
use tower::Service as _;

/// The doors of an empty workspace.
struct Doors {
    router: Router,
    _folder: tempfile::TempDir,
}

impl Doors {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log: Arc<dyn EventStore> =
            Arc::new(SqliteLog::open(&folder.path().join("log.db")).unwrap());
        let views = Views::open(&folder.path().join("views"), log.clone()).unwrap();
        views.wait_for(log.head().await.unwrap()).await.unwrap();
        let config = DoorConfig {
            announced_version: "7.5.0".to_owned(),
            site_url: "http://localhost".to_owned(),
            forwarded_count: 0,
            create_tokens_for_users: false,
            body_limit: 1024 * 1024,
            test_mode: true,
            admin: None,
            setting_overrides: Vec::new(),
        };
        let state = AppState::new(
            Executor::new(log),
            views,
            Vault::new(&[7; KEY_BYTES]),
            Files::in_folder(&folder.path().join("files")).unwrap(),
            config,
        );
        Self {
            router: router::router(&state),
            _folder: folder,
        }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
        let response = self.router.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (
            parts.status,
            parts.headers,
            serde_json::from_slice(&body).unwrap_or_default(),
        )
    }
}

fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    headers
        .iter()
        .fold(request, |request, (name, value)| {
            request.header(*name, *value)
        })
        .body(body.into())
        .unwrap()
}

#[tokio::test]
async fn nobody_gets_in_without_valid_credentials() {
    let doors = Doors::open().await;
    let refused = json!({ "status": "error", "message": "You must be logged in to do this." });
    let wrong: [&[(&str, &str)]; 4] = [
        &[],
        &[("x-user-id", "someone")],
        &[("x-auth-token", "something")],
        &[("x-user-id", "rocket.cat"), ("x-auth-token", "something")],
    ];
    let mut walked = 0;
    for route in router::routes() {
        if matches!(route.access, Access::Public(_)) {
            continue;
        }
        for headers in wrong {
            let (status, _, body) = doors
                .send(request(route.method.as_str(), &route.path, headers, "{}"))
                .await;
            assert_eq!(
                (status, &body),
                (StatusCode::UNAUTHORIZED, &refused),
                "{} {}",
                route.method,
                route.path
            );
        }
        walked += 1;
    }
    assert!(
        walked > 90,
        "the table has {walked} routes that need a login"
    );
}

#[tokio::test]
async fn every_answer_carries_the_headers_of_the_contract() {
    let doors = Doors::open().await;
    for path in ["/api/info", "/api/v1/me", "/api/v1/no.such.route"] {
        let (_, headers, _) = doors.send(request("GET", path, &[], "")).await;
        for (name, value) in [
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
            ("pragma", "no-cache"),
            ("x-content-type-options", "nosniff"),
            ("access-control-allow-origin", "*"),
        ] {
            assert_eq!(
                headers.get(name).and_then(|value| value.to_str().ok()),
                Some(value),
                "{name} of {path}"
            );
        }
    }
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_told_apart() {
    let doors = Doors::open().await;
    let (status, _, body) = doors
        .send(request("GET", "/api/v1/no.such.route", &[], ""))
        .await;
    assert_eq!(
        (status, body),
        (
            StatusCode::NOT_FOUND,
            json!({ "success": false, "error": "Resource not found" })
        )
    );
    let (status, headers, body) = doors
        .send(request("DELETE", "/api/v1/logout", &[], ""))
        .await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(
        body,
        json!({ "status": "error", "message": "API endpoint does not exist" })
    );
    let allowed = headers["allow"].to_str().unwrap();
    assert!(
        allowed.contains("GET") && allowed.contains("POST"),
        "{allowed}"
    );
}

#[tokio::test]
async fn a_browser_may_call_from_elsewhere_only_if_the_workspace_says_so() {
    let doors = Doors::open().await;
    let headers = [
        ("origin", "https://example.org"),
        ("access-control-request-method", "POST"),
    ];
    let (status, _, _) = doors
        .send(request("OPTIONS", "/api/v1/login", &headers, ""))
        .await;
    assert_eq!(
        status,
        StatusCode::METHOD_NOT_ALLOWED,
        "cross-origin calls are off by default"
    );
}

#[tokio::test]
async fn bodies_that_make_no_sense_are_refused() {
    let doors = Doors::open().await;
    let json = [("content-type", "application/json")];
    let (status, _, body) = doors
        .send(request("POST", "/api/v1/users.register", &json, "{"))
        .await;
    assert_eq!(
        (status, &body["success"]),
        (StatusCode::BAD_REQUEST, &json!(false)),
        "{body}"
    );
    let (status, _, body) = doors
        .send(request("POST", "/api/v1/users.register", &json, ""))
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        body["error"], "must have required property 'username' [invalid-params]",
        "no body is an empty object"
    );
    let large = vec![b' '; 1024 * 1024 + 1];
    let (status, _, body) = doors
        .send(request("POST", "/api/v1/login", &json, large))
        .await;
    assert_eq!(
        (status, &body["success"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!(false)),
        "{body}"
    );
}
