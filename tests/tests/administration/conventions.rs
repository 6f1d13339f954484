//! What holds for every route: bodies, filters, other origins, the address of the server (contract, conventions 1).

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Answer;
use tests::server::{Server, ServerOptions};

/// How a browser asks whether a page of `origin` may call.
async fn preflight(server: &Server, origin: &str) -> Answer {
    server
        .client()
        .with_header("Origin", origin)
        .with_header("Access-Control-Request-Method", "POST")
        .send(Method::OPTIONS, "/api/v1/me", None)
        .await
}

#[tokio::test]
async fn browsers_are_told_which_pages_may_call() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let set = async |id: &str, value: Value| {
        let path = format!("settings/{id}");
        admin.post(&path, json!({ "value": value })).await.ok();
    };
    let off = preflight(&server, "https://page.example").await;
    assert_eq!(off.status, 405);
    let text = off.body.as_str().expect("a text");
    assert!(text.starts_with("CORS not enabled."), "{text}");

    set("API_Enable_CORS", json!(true)).await;
    let all = preflight(&server, "https://page.example").await;
    assert_eq!(all.status, 200);
    assert_eq!(all.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        all.header("access-control-allow-methods"),
        Some("GET, POST, PUT, DELETE, HEAD, PATCH")
    );
    let headers = all.header("access-control-allow-headers").expect("headers");
    for name in ["X-User-Id", "X-Auth-Token", "Authorization", "x-2fa-code"] {
        assert!(headers.contains(name), "{headers}");
    }

    set(
        "API_CORS_Origin",
        json!("https://A.example, https://b.example"),
    )
    .await;
    let listed = preflight(&server, "https://a.example").await;
    let origin = listed.header("access-control-allow-origin");
    assert_eq!(origin, Some("https://a.example"));
    assert_eq!(listed.header("vary"), Some("Origin"));
    let other = preflight(&server, "https://c.example").await;
    assert_eq!((other.status.as_u16(), &other.body), (200, &json!("")));
    for answer in [&all, &listed, &other] {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let names = other
        .headers
        .keys()
        .map(reqwest::header::HeaderName::as_str);
    let about_origins: Vec<&str> = names
        .filter(|name| name.starts_with("access-control"))
        .collect();
    assert!(about_origins.is_empty(), "{about_origins:?}");
}

#[tokio::test]
async fn a_path_in_the_address_is_in_front_of_every_path() {
    let server = ServerOptions::default()
        .env("ROOT_URL", "https://example.org/team/chat/")
        .start()
        .await;
    let admin = server.admin().await;
    let get = async |path: &str| admin.send(Method::GET, path, None).await;
    let me = get("/team/chat/api/v1/me").await.ok();
    assert_eq!(
        me["avatarUrl"],
        "https://example.org/team/chat/avatar/admin"
    );
    // A proxy may take the prefix away.
    assert_eq!(get("/api/v1/me").await.ok(), me);
    assert_eq!(get("/team/chat/avatar/admin").await.status, 200);
    let unknown = get("/team/chat/api/v1/nothing").await.refused(404);
    assert_eq!(
        unknown,
        json!({"success": false, "error": "Resource not found"})
    );
    assert_eq!(get("/chat/api/v1/me").await.status, 404);
    // Pages find their way from where they are.
    let page = get("/team/chat/api-docs/swagger-initializer.js").await;
    let script = page.body.as_str().expect("a script");
    assert!(script.contains("\"../api/v1/openapi.json\""), "{script}");
    let document = get("/api/v1/openapi.json").await.ok();
    let servers = json!([{"url": "/team/chat"}, {"url": "https://example.org/team/chat"}]);
    assert_eq!(document["servers"], servers);
    for path in ["/api-docs", "/team/chat/api-docs"] {
        let moved = get(path).await;
        assert_eq!(
            (moved.status.as_u16(), moved.header("location")),
            (302, Some("/team/chat/api-docs/")),
            "{path}"
        );
    }
    let page = get("/team/chat/api-docs/").await;
    assert_eq!(page.status, 200, "where the page is");
    let moved = get("/api/v1/users.getAvatar?username=admin").await;
    let avatar = "https://example.org/team/chat/avatar/admin";
    assert_eq!(
        (moved.status.as_u16(), moved.header("location")),
        (307, Some(avatar))
    );
    let site = admin.get("settings/Site_Url").await.ok();
    assert_eq!(site["value"], "https://example.org/team/chat");
    let instance = admin.get("instances.get").await.ok()["instances"][0].clone();
    assert_eq!(instance["extraInformation"]["host"], "example.org");
    let force = json!({"value": true});
    admin.post("settings/Force_SSL", force).await.ok();
    let outside = server
        .client()
        .with_header("X-Forwarded-For", "198.51.100.1");
    for path in ["/team/chat/api/info?x=1", "/api/info?x=1"] {
        let sent = outside.send(Method::GET, path, None).await;
        assert_eq!(sent.status, 302);
        let target = "https://example.org/team/chat/api/info?x=1";
        assert_eq!(sent.header("location"), Some(target), "{path}");
    }
    // Several proxies add what they saw; the first one was nearest to the client.
    let secure = outside.with_header("X-Forwarded-Proto", "https, http");
    secure.get("info").await.ok();
    let insecure = outside.with_header("X-Forwarded-Proto", "http, https");
    insecure.get("info").await.refused(302);
}

#[tokio::test]
async fn the_page_of_the_api_is_found_without_its_slash() {
    let server = Server::start().await;
    let client = server.client();
    let get = async |path: &str| client.send(Method::GET, path, None).await;
    let moved = get("/api-docs").await;
    assert_eq!(
        (moved.status.as_u16(), moved.header("location")),
        (302, Some("/api-docs/"))
    );
    assert_eq!(get("/api-docs/").await.status, 200);
    let servers = get("/api/v1/openapi.json").await.ok()["servers"].clone();
    let outside = format!("http://localhost:{}", server.port());
    assert_eq!(servers, json!([{"url": "/"}, {"url": outside}]));
}

#[tokio::test]
async fn from_nine_on_errors_are_worded_otherwise() {
    let start = async |version: &str| {
        let options = ServerOptions::default().env("HANSARD_ANNOUNCED_VERSION", version);
        let server = options.start().await;
        let admin = server.admin().await;
        let ann = admin.new_user("ann").await;
        (server, ann)
    };
    let table = [
        (
            "users.list?query=%7B%7D",
            200,
            json!(null),
            400,
            json!("error-invalid-params"),
        ),
        (
            "users.list?fields=%7B%7D",
            200,
            json!(null),
            400,
            json!("error-invalid-params"),
        ),
        // Here it is what somebody looks for.
        ("spotlight?query=a", 200, json!(null), 200, json!(null)),
        ("directory?query=%7B%7D", 200, json!(null), 200, json!(null)),
        (
            "users.requestDataDownload",
            400,
            json!("error-not-allowed"),
            403,
            json!("error-forbidden"),
        ),
        (
            "users.info?username=nobody",
            400,
            json!(null),
            400,
            json!(null),
        ),
    ];
    for version in ["8.5.0", "9.0.0"] {
        let (server, ann) = start(version).await;
        let admin = server.admin().await;
        let off = json!({"value": false});
        admin
            .post("settings/UserData_EnableDownload", off)
            .await
            .ok();
        server.client().get("me").await.refused(401);
        for (path, status, code, later_status, later_code) in &table {
            let answer = ann.get(path).await;
            let (status, code) = match version {
                "8.5.0" => (status, code),
                _ => (later_status, later_code),
            };
            assert_eq!(
                (i32::from(answer.status.as_u16()), &answer.body["errorType"]),
                (*status, code),
                "{version} {path}"
            );
        }
    }
}

#[tokio::test]
async fn filters_have_limits_and_do_not_go_around_blocked_fields() {
    let server = Server::start().await;
    let client = server.client();
    let ask = async |query: &Value| {
        let query = form(&[("query", &query.to_string()), ("count", "1")]);
        client.get(&format!("settings.public?{query}")).await
    };
    let patterns = |count: usize| json!({"$or": vec![json!({"_id": {"$regex": "^Site"}}); count]});
    assert!(ask(&patterns(10)).await.ok()["total"].as_u64() > Some(0));
    for refused in [
        patterns(11),
        json!({"$or": [{"joinCode": {"$regex": "^a"}}]}),
        json!({"_id": {"$where": "true"}}),
        json!({"$or": [{"$where": "true"}]}),
        json!({"_id": {"$regex": "("}}),
    ] {
        let error = ask(&refused).await.refused(400);
        assert_eq!(error["errorType"], "error-invalid-query", "{refused}");
        assert_eq!(error["details"], json!({"helperMethod": "parseJsonQuery"}));
        let text = format!("Invalid query parameter provided: \"{refused}\" [error-invalid-query]");
        assert_eq!(error["error"], json!(text));
    }
    // At the top level what may not be asked is dropped.
    for dropped in [
        json!({"$where": "true"}),
        json!({"joinCode": "x"}),
        json!({"__proto__": 1}),
    ] {
        let all = ask(&json!({})).await.ok()["total"].clone();
        assert_eq!(ask(&dropped).await.ok()["total"], all, "{dropped}");
    }
}

fn form(pairs: &[(&str, &str)]) -> String {
    let url = reqwest::Url::parse_with_params("http://localhost/", pairs).expect("an address");
    url.query().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn dotted_fields_choose_parts() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for text in ["one", "two"] {
        let message = json!({"channel": "#general", "text": text});
        admin.post("chat.postMessage", message).await.ok();
    }
    let query = form(&[
        ("fields", r#"{"u.username":1,"joinCode":1}"#),
        ("count", "1"),
    ]);
    let path = format!("channels.messages?roomId=GENERAL&{query}");
    let message = admin.get(&path).await.ok()["messages"][0].clone();
    assert_eq!(
        message,
        json!({"_id": message["_id"], "u": {"username": "admin"}})
    );
    let query = form(&[("fields", r#"{"u.username":0}"#), ("count", "1")]);
    let path = format!("channels.messages?roomId=GENERAL&{query}");
    let message = admin.get(&path).await.ok()["messages"][0].clone();
    assert_eq!(message["u"].get("username"), None);
    assert_eq!(
        (&message["msg"], message["u"]["_id"].is_string()),
        (&json!("two"), true)
    );
}

#[tokio::test]
async fn a_body_has_as_many_values_as_memory_allows() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let before = server.resident_bytes();
    // 8 MB that would unfold to some hundred.
    let bomb = format!("{{\"name\":[{}0]}}", r#"{"":0},"#.repeat(1_000_000));
    let post = async |path: &str, body: String| {
        let body = Some(("application/json", body));
        admin.send(Method::POST, path, body).await
    };
    let refused = post("/api/v1/channels.create", bomb.clone())
        .await
        .refused(413);
    assert_eq!(
        refused,
        json!({"success": false, "error": "Request entity too large"})
    );
    let message = json!({"message": bomb}).to_string();
    post("/api/v1/method.call/x", message).await.refused(400);
    // Whoever has no login does not get that far.
    let anonymous = server.client();
    let body = Some(("application/json", bomb));
    let answer = anonymous
        .send(Method::POST, "/api/v1/channels.create", body)
        .await;
    answer.refused(401);
    // A long text is one value.
    let long = json!({"message": {"rid": "GENERAL", "msg": ",[{".repeat(1_000_000)}});
    let refused = post("/api/v1/chat.sendMessage", long.to_string())
        .await
        .refused(400);
    assert!(
        refused["error"]
            .as_str()
            .is_some_and(|text| text.contains("error-message-size-exceeded")),
        "{refused}"
    );
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 150 << 20, "{grown} bytes more than before");
}

#[tokio::test]
async fn forms_and_payloads_are_bodies() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let post = async |body: String| {
        let body = Some(("application/x-www-form-urlencoded", body));
        admin
            .send(Method::POST, "/api/v1/users.setStatus", body)
            .await
    };
    let said = async || admin.get("users.getStatus").await.ok()["message"].clone();
    post(form(&[("message", "in a form")])).await.ok();
    assert_eq!(said().await, "in a form");
    let payload = json!({"message": "in a payload"}).to_string();
    post(form(&[("payload", &payload), ("message", "not this")]))
        .await
        .ok();
    assert_eq!(said().await, "in a payload");
    let wrapped = json!({"payload": json!({"message": "in JSON"}).to_string()});
    admin.post("users.setStatus", wrapped).await.ok();
    assert_eq!(said().await, "in JSON");
    post(form(&[("payload", "{")])).await.refused(400);
    assert_eq!(said().await, "in JSON");
}

#[tokio::test]
async fn names_that_nobody_has_take_no_memory() {
    let server = Server::start().await;
    let client = server.client();
    let ask = async |number: usize| {
        let path = format!("/avatar/{number:0>14000}");
        assert_eq!(client.load(Method::GET, &path, &[]).await.status, 200);
    };
    for number in 0..50 {
        ask(number).await;
    }
    let before = server.resident_bytes();
    for number in 50..2050 {
        ask(number).await;
    }
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 15 << 20, "{grown} bytes more than before");
}
