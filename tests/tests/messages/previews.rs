//! What is behind links, asked by who writes in a room.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tests::client::Client;
use tests::live::Live;
use tests::method::method;
use tests::on_both_logs;
use tests::server::ServerOptions;
use tokio::net::TcpListener;

use super::{id, say, shown};

on_both_logs![
    a_page_tells_who_writes_in_a_room_what_it_is,
    messages_show_what_is_behind_their_links
];

/// A site on every address of this machine, of which the server may reach only `127.0.0.2`.
struct Site {
    port: u16,
    /// How often anything was asked for.
    asked: Arc<AtomicUsize>,
    /// How often what nobody may reach was.
    stolen: Arc<AtomicUsize>,
}

const HTML: (header::HeaderName, &str) = (header::CONTENT_TYPE, "text/html");

const PAGE: &str = "<!doctype html><html><head><title>Engines &amp; more</title>\
    <script>document.write('<title>no</title>')</script>\
    <meta property='og:image' content='/a.png'><meta name='description' content='D\u{1}'>\
    <meta property='og:url' content='javascript:alert(1)'>\
    <meta name='oembed:html' content='<script>alert(1)</script>'>\
    <meta name=viewport content=x></head><body><title>no</title>";

fn page(path: &str, port: u16) -> Response {
    let to = |to: &str| (StatusCode::FOUND, [(header::LOCATION, to.to_owned())]).into_response();
    match path {
        "page" => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], PAGE).into_response(),
        "script" => ([HTML], "<title><script>alert(1)</script></title>").into_response(),
        "latin" => (
            [(header::CONTENT_TYPE, "text/html; charset=iso-8859-1")],
            &b"<title>caf\xe9</title>"[..],
        )
            .into_response(),
        "liar" => (
            [(header::CONTENT_TYPE, "text/html; charset=klingon")],
            "<meta charset=utf-8><title>café</title>",
        )
            .into_response(),
        "large" => {
            let blank = " ".repeat(300_000);
            (
                [HTML],
                format!("<title>first</title>{blank}<meta name=title content=late>"),
            )
                .into_response()
        }
        "endless" => {
            let more = futures::stream::repeat(Ok::<_, std::convert::Infallible>("<!-- more -->"));
            let first = futures::stream::iter([Ok("<title>endless</title>")]);
            let body = Body::from_stream(futures::StreamExt::chain(first, more));
            ([HTML], body).into_response()
        }
        "packed" => (
            [HTML, (header::CONTENT_ENCODING, "gzip")],
            vec![0x1f_u8; 250_000],
        )
            .into_response(),
        "picture" => ([(header::CONTENT_TYPE, "image/png")], "<title>no</title>").into_response(),
        "gone" => (StatusCode::NOT_FOUND, [HTML], "<title>gone</title>").into_response(),
        "created" => (StatusCode::CREATED, [HTML], "<title>created</title>").into_response(),
        "long-type" => {
            let kind = format!("text/html; x={}", "x".repeat(300));
            ([(header::CONTENT_TYPE, kind)], "<title>long</title>").into_response()
        }
        "huge-header" => {
            let huge = "x".repeat(2 * 1024 * 1024);
            ([(header::SERVER, huge)], "<title>huge</title>").into_response()
        }
        "loop" => to("/loop"),
        "port" => to(&format!("http://127.0.0.2:{}/page", port ^ 1)),
        "inside" => to(&format!("http://127.0.0.1:{port}/secret")),
        "named" => to(&format!("http://localhost:{port}/secret")),
        "5" => to("/page"),
        hops => match hops.parse::<u32>() {
            Ok(hops) => to(&format!("/{}", hops + 1)),
            Err(_) => StatusCode::NOT_FOUND.into_response(),
        },
    }
}

impl Site {
    async fn start() -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (asked, stolen) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, secret) = (asked.clone(), stolen.clone());
        let pages = move |Path(path): Path<String>| {
            count.fetch_add(1, Ordering::Relaxed);
            if path == "secret" {
                secret.fetch_add(1, Ordering::Relaxed);
            }
            async move {
                if path == "hung" {
                    std::future::pending::<()>().await;
                }
                page(&path, port)
            }
        };
        let site = Router::new().route("/{path}", get(pages));
        tokio::spawn(async move { axum::serve(listener, site).await });
        Self {
            port,
            asked,
            stolen,
        }
    }

    fn link(&self, path: &str) -> String {
        format!("http://127.0.0.2:{}/{path}", self.port)
    }

    fn server(&self, options: ServerOptions) -> ServerOptions {
        options
            .env("FETCH_ALLOW", "127.0.0.2")
            .env("OVERWRITE_SETTING_API_EmbedIgnoredHosts", "localhost")
            .env(
                "OVERWRITE_SETTING_API_EmbedSafePorts",
                self.port.to_string(),
            )
    }
}

async fn preview(member: &Client, room: &str, link: &str) -> Value {
    let query = written(&[("roomId", room), ("url", link)]);
    let answer = member
        .get(&format!("chat.getURLPreview?{query}"))
        .await
        .ok();
    answer["urlPreview"].clone()
}

fn written(fields: &[(&str, &str)]) -> String {
    let url = reqwest::Url::parse_with_params("http://x/", fields).expect("an address");
    url.query().unwrap_or_default().to_owned()
}

async fn set(admin: &Client, id: &str, value: Value) {
    let path = format!("settings/{id}");
    admin.post(&path, json!({ "value": value })).await.ok();
}

async fn a_page_tells_who_writes_in_a_room_what_it_is(options: ServerOptions) {
    let site = Site::start().await;
    let server = site.server(options).start().await;
    let admin = server.admin().await;
    let link = site.link("page");
    let host = format!("127.0.0.2:{}", site.port);
    let expected = json!({
        "url": format!("{link}?a=b#c"),
        "meta": {"pageTitle": "Engines & more", "ogImage": "/a.png", "description": "D"},
        "headers": {"contentType": "text/html; charset=utf-8", "contentLength": PAGE.len().to_string()},
        "ignoreParse": false,
        "parsedUrl": {
            "host": host,
            "hash": "#c",
            "pathname": "/page",
            "protocol": "http:",
            "port": site.port.to_string(),
            "query": "a=b",
            "search": "?a=b",
            "hostname": "127.0.0.2",
        },
    });
    let link = format!("{link}?a=b#c");
    assert_eq!(preview(&admin, "GENERAL", &link).await, expected);
    // It is known from then on, until everything is forgotten.
    assert_eq!(preview(&admin, "GENERAL", &link).await, expected);
    assert_eq!(site.asked.load(Ordering::Relaxed), 1);
    method(&admin, "OEmbedCacheCleanup", json!([])).await;
    assert_eq!(preview(&admin, "GENERAL", &link).await, expected);
    assert_eq!(site.asked.load(Ordering::Relaxed), 2);
    // Nothing of it is in the log: the room is as it was.
    let history = admin.get("channels.history?roomId=GENERAL").await.ok();
    assert!(!history.to_string().contains("Engines"), "{history}");
}

#[tokio::test]
async fn hostile_pages_are_harmless() {
    let site = Site::start().await;
    let server = site.server(ServerOptions::default()).start().await;
    let admin = server.admin().await;
    for (path, title) in [
        ("script", Some("<script>alert(1)</script>")),
        ("latin", Some("café")),
        ("liar", Some("café")),
        ("large", Some("first")),
        ("endless", Some("endless")),
        ("long-type", Some("long")),
        ("packed", None),
        ("picture", None),
        ("gone", None),
        ("created", None),
        ("huge-header", None),
        ("loop", None),
        ("port", None),
        ("inside", None),
        ("named", None),
        ("1", Some("Engines & more")),
        ("0", None),
        ("secret", None),
    ] {
        let preview = preview(&admin, "GENERAL", &site.link(path)).await;
        assert_eq!(
            preview["meta"]["pageTitle"].as_str(),
            title,
            "{path}: {preview}"
        );
        assert!(preview["meta"].get("title").is_none(), "{path}: {preview}");
    }
    let kind = |preview: Value| preview["headers"]["contentType"].clone();
    let picture = preview(&admin, "GENERAL", &site.link("picture")).await;
    assert_eq!(kind(picture), "image/png");
    assert_eq!(
        kind(preview(&admin, "GENERAL", &site.link("gone")).await),
        Value::Null
    );
    assert_eq!(site.stolen.load(Ordering::Relaxed), 1, "asked for openly");
    let inside = format!("http://127.0.0.1:{}/secret", site.port);
    for link in [&*inside, "file:///etc/passwd", "javascript:alert(1)", "x"] {
        assert_eq!(
            preview(&admin, "GENERAL", link).await["meta"],
            json!({}),
            "{link}"
        );
    }
    assert_eq!(site.stolen.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn who_may_not_see_the_room_is_told_nothing_and_nothing_is_asked() {
    let site = Site::start().await;
    let server = site.server(ServerOptions::default()).start().await;
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    let made = alice
        .post("groups.create", json!({"name": "engines"}))
        .await
        .ok();
    let room = id(&made["group"]);
    let link = site.link("page");
    for room in [&*room, "no-such"] {
        let query = written(&[("roomId", room), ("url", &link)]);
        let refused = bob
            .get(&format!("chat.getURLPreview?{query}"))
            .await
            .refused(400);
        assert_eq!(refused["errorType"], "error-not-allowed", "{refused}");
    }
    for (query, said) in [
        ("url=http://x", "must have required property 'roomId'"),
        ("roomId=GENERAL", "must have required property 'url'"),
        (
            "roomId=GENERAL&url=",
            "must NOT have fewer than 1 characters",
        ),
    ] {
        let refused = alice
            .get(&format!("chat.getURLPreview?{query}"))
            .await
            .refused(400);
        assert_eq!(refused["errorType"], "error-invalid-params", "{refused}");
        assert!(
            refused["error"]
                .as_str()
                .is_some_and(|text| text.contains(said)),
            "{refused}"
        );
    }
    set(&admin, "API_EmbedDisabledFor", json!("bob, alice")).await;
    assert_eq!(preview(&alice, &room, &link).await["meta"], json!({}));
    set(&admin, "API_EmbedDisabledFor", json!("")).await;
    set(&admin, "API_Embed", json!(false)).await;
    assert_eq!(preview(&alice, &room, &link).await["meta"], json!({}));
    assert_eq!(site.asked.load(Ordering::Relaxed), 0);
    set(&admin, "API_Embed", json!(true)).await;
    let known = preview(&alice, &room, &link).await;
    assert_eq!(known["meta"]["pageTitle"], "Engines & more");
}

/// The link that a message is told to be previewed with next, and the message.
async fn previewed(live: &mut Live) -> (String, Value) {
    loop {
        let told = live.next_update(Duration::from_secs(20)).await;
        let told = told.expect("an update in time");
        if told["kind"] == "links-previewed" {
            return (id(&told["data"]), told["data"]["urls"].clone());
        }
    }
}

async fn messages_show_what_is_behind_their_links(options: ServerOptions) {
    let site = Site::start().await;
    let server = site.server(options).start().await;
    let admin = server.admin().await;
    let mut live = Live::connect(&server, &admin, None).await;
    live.subscribe(&["GENERAL"]).await;
    // Nobody waits for a site that does not answer: neither who writes, nor what is written later.
    say(&admin, "GENERAL", &site.link("hung")).await;
    let message = say(&admin, "GENERAL", &site.link("page")).await;
    let (told, urls) = previewed(&mut live).await;
    assert_eq!(told, message);
    assert_eq!(urls[0]["meta"]["pageTitle"], "Engines & more", "{urls}");
    let now = shown(&admin, &message).await;
    assert_eq!(now["urls"], urls);
    assert_eq!(
        now["urls"][0]["headers"]["contentType"],
        "text/html; charset=utf-8"
    );
    assert_eq!(now["urls"][0]["parsedUrl"]["pathname"], "/page");

    // An edit keeps what is known of links that stay, and has the others looked up.
    let both = format!("{} {}", site.link("page"), site.link("script"));
    let edit = json!({"roomId": "GENERAL", "msgId": message, "text": both});
    let edited = admin.post("chat.update", edit).await.ok();
    assert_eq!(
        edited["message"]["urls"][0]["meta"]["pageTitle"],
        "Engines & more"
    );
    assert_eq!(edited["message"]["urls"][1]["meta"], json!({}));
    let (told, urls) = previewed(&mut live).await;
    assert_eq!(told, message);
    assert_eq!(urls[0]["url"], json!(site.link("script")));
    let edit = json!({"roomId": "GENERAL", "msgId": message, "text": "no links"});
    let edited = admin.post("chat.update", edit).await.ok();
    assert_eq!(edited["message"]["urls"], json!([]));

    // Not beside something else that is shown, and not where nobody wants it.
    let link = site.link("latin");
    for (path, wish) in [
        (
            "chat.sendMessage",
            json!({"message": {"rid": "GENERAL", "msg": link, "attachments": [{"text": "x"}]}}),
        ),
        (
            "chat.sendMessage",
            json!({"message": {"rid": "GENERAL", "msg": link, "parseUrls": false}}),
        ),
        (
            "chat.sendMessage",
            json!({"message": {"rid": "GENERAL", "msg": format!("`{link}`")}}),
        ),
    ] {
        admin.post(path, wish).await.ok();
    }
    let last = say(&admin, "GENERAL", &site.link("liar")).await;
    let (told, _) = previewed(&mut live).await;
    assert_eq!(told, last, "nothing else was looked up");
}
