//! The table of routes, walked in one process: who is let in, and what the answers have in common.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::sync::Arc;

use api::http::route::Access;
use api::http::route::Route;
use api::http::router;
use api::http::schema::{Kind, Presence, Schema, Style, Takes};
use api::server::extension::Extension;
use api::server::routes;
use api::state::AppState;
use api::state::DoorConfig;
use application::admin::bootstrap;
use application::files::store::Files;
use application::people::avatars::{self, Changer};
use application::workspace::{Workspace, WorkspaceConfig};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use domain::avatar::AvatarOwner;
use domain::permission::Permission;
use domain::{RoleId, RoomId};
use eventstore::EventStore;
use eventstore::execute::Executor;
use eventstore::sqlite::SqliteLog;
use eventstore::vault::{KEY_BYTES, Vault};
use projections::Views;
use serde_json::{Map, Value, json};
use tower::Service as _;

/// The table of routes.
fn known() -> Vec<Route> {
    routes::all(&Extension::default()).unwrap()
}

/// The doors of a new workspace.
struct Doors {
    router: Router,
    state: AppState,
    _folder: tempfile::TempDir,
}

/// Who calls.
struct Login {
    user: String,
    token: String,
}

impl Login {
    fn headers(&self) -> [(&str, &str); 2] {
        [("x-user-id", &self.user), ("x-auth-token", &self.token)]
    }
}

impl Doors {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log: Arc<dyn EventStore> =
            Arc::new(SqliteLog::open(&folder.path().join("log.db")).unwrap());
        let views = Views::open(&folder.path().join("views"), log.clone()).unwrap();
        views.wait_for(log.head().await.unwrap()).await.unwrap();
        let workspace = Workspace::new(
            Executor::new(log),
            views,
            Vault::new(&[7; KEY_BYTES]),
            Files::in_folder(&folder.path().join("files")).unwrap(),
            WorkspaceConfig {
                test_mode: true,
                ..WorkspaceConfig::default()
            },
        );
        let doors = DoorConfig {
            announced_version: "8.5.0".to_owned(),
            body_limit: 1024 * 1024,
            create_tokens_for_users: false,
            longest_wait: std::time::Duration::from_secs(1),
        };
        bootstrap::run(&workspace).await.unwrap();
        let state = AppState::new(workspace, doors);
        Self {
            router: router::router(&state, known()),
            state,
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

    async fn post(&self, path: &str, body: Value) -> Value {
        let json = [("content-type", "application/json")];
        let (status, _, answer) = self
            .send(request("POST", path, &json, body.to_string()))
            .await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    /// Signs somebody up; the first becomes administrator.
    async fn register(&self, name: &str) -> Login {
        let account = json!({
            "username": name, "name": name, "email": format!("{name}@example.org"), "pass": "correct horse",
            "setupCode": self.state.setup_code().as_str(),
        });
        self.post("/api/v1/users.register", account).await;
        let login = json!({ "user": name, "password": "correct horse" });
        let answer = self.post("/api/v1/login", login).await;
        Login {
            user: answer["data"]["userId"].as_str().unwrap().to_owned(),
            token: answer["data"]["authToken"].as_str().unwrap().to_owned(),
        }
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

/// A value that the schema of a route accepts.
fn sample(kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::Date | Kind::Document | Kind::Any => json!("sample"),
        Kind::LongText(least) => json!("s".repeat(least)),
        Kind::Number | Kind::Whole | Kind::Positive => json!(1),
        Kind::Boolean => json!(true),
        Kind::Object => json!({}),
        Kind::Texts | Kind::List => json!([]),
        Kind::Enum(values) => json!(values[0]),
        Kind::Shape(schema) => Value::Object(sample_of(schema)),
    }
}

fn sample_of(schema: &Schema) -> Map<String, Value> {
    let all = schema.all();
    let required = all
        .iter()
        .filter(|field| field.presence == Presence::Required);
    let choice = all.iter().find(|field| field.presence == Presence::OneOf);
    required
        .chain(choice)
        .map(|field| (field.name.to_owned(), sample(field.kind)))
        .collect()
}

/// A call of `route` that gets past the checks of its parameters.
fn sample_call(route: &Route, login: &Login) -> Request<Body> {
    let params = match route.takes {
        Takes::Params(schema) if schema.style == Style::Exact => sample_of(schema),
        _ => Map::new(),
    };
    let path = route.path.replace(['{', '}', '*'], "");
    let mut headers = login.headers().to_vec();
    headers.push(("content-type", "application/json"));
    if route.method == Method::GET || route.method == Method::DELETE {
        let pairs = params.iter().map(|(name, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            format!("{name}={text}")
        });
        let query: Vec<String> = pairs.collect();
        return request(
            route.method.as_str(),
            &format!("{path}?{}", query.join("&")),
            &headers,
            "",
        );
    }
    let body = Value::Object(params).to_string();
    request(route.method.as_str(), &path, &headers, body)
}

/// Routes that the contract lets refuse with another status than 403.
fn refuses_its_own_way(route: &Route) -> bool {
    [
        "/api/v1/emoji-custom.create",
        "/api/v1/emoji-custom.update",
        "/api/v1/emoji-custom.delete",
        "/api/v1/assets.setAsset",
        "/api/v1/assets.unsetAsset",
        // Contract, admin 2, 3 and 5.
        "/api/v1/roles.create",
        "/api/v1/roles.update",
        "/api/v1/roles.delete",
        "/api/v1/roles.addUserToRole",
        "/api/v1/roles.removeUserFromRole",
        "/api/v1/roles.getUsersInRole",
        "/api/v1/permissions.update",
        "/api/v1/settings.addCustomOAuth",
        "/api/v1/oauth-apps.list",
        "/api/v1/oauth-apps.create",
        "/api/v1/oauth-apps.update",
        "/api/v1/oauth-apps.delete",
        "/api/v1/users.create",
        "/api/v1/custom-user-status.create",
        "/api/v1/custom-user-status.update",
        "/api/v1/custom-user-status.delete",
        "/api/v1/statistics",
        "/api/v1/statistics.list",
        "/api/v1/email-inbox",
        "/api/v1/email-inbox.list",
        "/api/v1/email-inbox.search",
        "/api/v1/email-inbox/{id}",
        "/api/v1/email-inbox.send-test/{id}",
        "/api/v1/ldap.testConnection",
        "/api/v1/ldap.testSearch",
        "/api/v1/ldap.syncNow",
        "/api/v1/uploadImportFile",
        "/api/v1/downloadPublicImportFile",
        "/api/v1/getImportFileData",
        "/api/v1/startImport",
        "/api/v1/getImportProgress",
        "/api/v1/getLatestImportOperations",
        // Contract, rooms 13.
        "/api/v1/rooms.adminRooms",
        "/api/v1/rooms.adminRooms.getRoom",
        "/api/v1/rooms.autocomplete.adminRooms",
    ]
    .contains(&route.path.as_str())
}

#[tokio::test]
async fn nobody_gets_past_a_right_they_do_not_have() {
    let doors = Doors::open().await;
    doors.register("ann").await;
    let plain = doors.register("bob").await;
    let user = RoleId::new("user");
    let mut walked = 0;
    for route in known() {
        let Some(need) = route.need else { continue };
        let default = |permission: &Permission| {
            Permission::DEFAULTS
                .iter()
                .any(|(known, roles)| known == permission && roles.contains(&user.as_str()))
        };
        if need.any_of.iter().any(default) {
            continue;
        }
        let refusal = (need.refusal)();
        let (status, _, body) = doors.send(sample_call(&route, &plain)).await;
        let name = format!("{} {}", route.method, route.path);
        assert_eq!((status, body), (refusal.status(), refusal.body()), "{name}");
        assert!(
            status == StatusCode::FORBIDDEN || refuses_its_own_way(&route),
            "{name} refuses with {status}"
        );
        walked += 1;
    }
    assert!(walked > 1, "the table has {walked} privileged routes");
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
    for route in known() {
        if matches!(route.access, Access::Public(_)) {
            continue;
        }
        for headers in wrong {
            let (status, _, body) = doors
                .send(request(
                    route.method.as_str(),
                    &route.path.replace(['{', '}', '*'], ""),
                    headers,
                    "{}",
                ))
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
            ("x-frame-options", "sameorigin"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'self'",
            ),
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

#[tokio::test]
async fn the_picture_of_a_room_is_shown_until_it_is_given_up() {
    application::files::pictures::set_program(env!("CARGO_BIN_EXE_hansard").into());
    let doors = Doors::open().await;
    let ann = doors.register("ann").await;
    let mut picture = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(20, 10)
        .write_to(&mut picture, image::ImageFormat::Png)
        .unwrap();
    let room = AvatarOwner::Room(RoomId::new("GENERAL"));
    let bytes = picture.into_inner().into();
    avatars::set(&doors.state, Changer::Server, &room, "rest", bytes)
        .await
        .unwrap();
    let shown = async || {
        let (status, headers, _) = doors
            .send(request("GET", "/avatar/room/GENERAL", &[], ""))
            .await;
        assert_eq!(status, StatusCode::OK);
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        (text("content-type"), text("etag"))
    };
    let described = async || {
        let path = "/api/v1/rooms.info?roomId=GENERAL";
        let (_, _, body) = doors.send(request("GET", path, &ann.headers(), "")).await;
        body["room"].clone()
    };
    let (content_type, tag) = shown().await;
    let doc = described().await;
    assert_eq!(content_type, "image/png");
    assert_eq!(json!(tag.trim_matches('"')), doc["avatarETag"], "{doc}");
    avatars::reset(&doors.state, Changer::Server, &room, false)
        .await
        .unwrap();
    assert_eq!(shown().await.0, "image/svg+xml");
    assert!(described().await.get("avatarETag").is_none());
}

#[test]
fn the_doors_of_auditors_refuse_what_they_do_not_know() {
    let routes = known();
    let audit: Vec<_> = routes
        .iter()
        .filter(|route| route.path.starts_with("/audit/"))
        .collect();
    assert!(audit.len() > 20, "there are {}", audit.len());
    for route in audit {
        let exact = matches!(route.takes, Takes::Params(schema) if schema.style == Style::Exact);
        assert!(exact, "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn where_parameters_have_names_a_list_is_none_and_a_credential_is_no_parameter() {
    let doors = Doors::open().await;
    doors.register("ann").await;
    let plain = doors.register("bob").await;
    let mut walked = 0;
    for route in known() {
        let exact = matches!(route.takes, Takes::Params(schema) if schema.style == Style::Exact);
        if !exact || !matches!(route.access, Access::LoggedIn(_)) {
            continue;
        }
        let path = route.path.replace(['{', '}', '*'], "");
        let name = format!("{} {path}", route.method);
        if route.method == Method::GET {
            let path = format!("{path}?access_token=none");
            let (_, _, body) = doors
                .send(request("GET", &path, &plain.headers(), ""))
                .await;
            assert!(!body.to_string().contains("additional"), "{name}: {body}");
        } else {
            let method = route.method.as_str();
            let (status, _, body) = doors
                .send(request(method, &path, &plain.headers(), "[]"))
                .await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{name}: {body}");
            assert!(
                body.to_string().contains("must be object"),
                "{name}: {body}"
            );
        }
        walked += 1;
    }
    assert!(walked > 50, "the table has {walked} exact routes");
}
