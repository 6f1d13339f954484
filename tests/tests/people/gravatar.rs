//! Pictures of new accounts from a service that knows people by their address.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, Query};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use image::ImageFormat;
use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::pictures::{jpeg, measure};
use tests::server::ServerOptions;
use tokio::sync::Semaphore;

use crate::set;
use tests::sha256;

on_both_logs![a_new_account_has_the_picture_a_service_knows];

/// A service that knows the picture of `known@example.org`, and answers about `slow@example.org` once it is let.
struct Service {
    url: String,
    asked: tokio::sync::mpsc::UnboundedReceiver<String>,
    go_on: Arc<Semaphore>,
}

impl Service {
    async fn start() -> Self {
        let (sender, asked) = tokio::sync::mpsc::unbounded_channel();
        let go_on = Arc::new(Semaphore::new(0));
        let wait = Arc::clone(&go_on);
        let answer = move |Path(hash): Path<String>, Query(query): Query<Value>| {
            let (sender, wait) = (sender.clone(), wait.clone());
            async move {
                assert_eq!(query, json!({"d": "404", "s": "200"}));
                sender.send(hash.clone()).expect("the test listens");
                let picture = ([(header::CONTENT_TYPE, "image/jpeg")], jpeg(80, 80));
                if hash == sha256("slow@example.org") {
                    wait.acquire().await.expect("the test lets it").forget();
                    picture.into_response()
                } else if hash == sha256("known@example.org") {
                    picture.into_response()
                } else {
                    StatusCode::NOT_FOUND.into_response()
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!(
            "http://{}/avatar",
            listener.local_addr().expect("an address")
        );
        let site = axum::Router::new().route("/avatar/{hash}", get(answer));
        tokio::spawn(async move { axum::serve(listener, site).await });
        Self { url, asked, go_on }
    }

    fn server(&self) -> ServerOptions {
        self.configure(ServerOptions::default())
    }

    fn configure(&self, options: ServerOptions) -> ServerOptions {
        options
            .env("FETCH_ALLOW", "127.0.0.1")
            .env("GRAVATAR_URL", &self.url)
    }

    /// Waits until it is asked about that address, and about no other before.
    async fn is_asked_about(&mut self, address: &str) {
        let hash = tokio::time::timeout(Duration::from_secs(20), self.asked.recv()).await;
        let hash = hash.expect("asked in time");
        assert_eq!(hash, Some(sha256(address)), "{address}");
    }
}

async fn create(admin: &Client, name: &str, address: &str) -> Value {
    let wish = json!({"username": name, "name": name, "email": address, "password": "x"});
    admin.post("users.create", wish).await.ok()["user"].clone()
}

async fn origin(admin: &Client, name: &str) -> Value {
    let query = format!(r#"{{"username":"{name}"}}"#);
    let path = format!("users.list?fields={{\"avatarOrigin\":1}}&query={query}");
    admin.get(&path).await.ok()["users"][0]["avatarOrigin"].clone()
}

/// Waits until the picture of that user comes from there.
async fn until_origin(admin: &Client, name: &str, wanted: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while origin(admin, name).await != wanted {
        assert!(
            Instant::now() < deadline,
            "{name} has no picture from {wanted}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_new_account_has_the_picture_a_service_knows(options: ServerOptions) {
    let mut service = Service::start().await;
    let server = service.configure(options).start().await;
    let admin = server.admin().await;
    service.is_asked_about("admin@example.org").await;
    create(&admin, "ann", "Known@Example.org").await;
    service.is_asked_about("known@example.org").await;
    until_origin(&admin, "ann", "gravatar").await;
    let shown = admin.load(reqwest::Method::GET, "/avatar/ann", &[]).await;
    assert_eq!(measure(&shown.bytes), (200, 200, ImageFormat::Jpeg));
    // Whoever signs up is looked up as well; whom the service does not know has the letter.
    let wish = json!({"username": "bob", "name": "Bob", "email": "bob@example.org", "pass": "x"});
    server.client().post("users.register", wish).await.ok();
    service.is_asked_about("bob@example.org").await;
    // Nobody is asked about where the workspace does not want that.
    set(&admin, "Accounts_SetDefaultAvatar", json!(false)).await;
    create(&admin, "cat", "cat@example.org").await;
    set(&admin, "Accounts_SetDefaultAvatar", json!(true)).await;
    create(&admin, "dan", "dan@example.org").await;
    service.is_asked_about("dan@example.org").await;
    assert_eq!(origin(&admin, "bob").await, Value::Null);
}

#[tokio::test]
async fn a_slow_service_delays_nobody_and_takes_no_picture_away() {
    let mut service = Service::start().await;
    let server = service.server().start().await;
    let admin = server.admin().await;
    service.is_asked_about("admin@example.org").await;
    // The service does not answer until it is let: the account is there all the same.
    create(&admin, "eve", "slow@example.org").await;
    let eve = server.client().login("eve", "x").await;
    service.is_asked_about("slow@example.org").await;
    let picture = jpeg(20, 20);
    let upload = ("image", "image/jpeg", picture.as_slice());
    eve.upload("users.setAvatar", upload, &[]).await.ok();
    service.go_on.add_permits(1);
    // Accounts are looked up one after the other: once it is the next one's turn, eve's is settled.
    create(&admin, "fay", "fay@example.org").await;
    service.is_asked_about("fay@example.org").await;
    assert_eq!(origin(&admin, "eve").await, "rest", "what she chose");
}

#[tokio::test]
async fn a_service_that_must_not_be_reached_is_not_and_accounts_are_made() {
    let mut service = Service::start().await;
    let server = service
        .server()
        .env("FETCH_ALLOW", "192.0.2.1")
        .start()
        .await;
    let admin = server.admin().await;
    create(&admin, "gus", "known@example.org").await;
    server.client().login("gus", "x").await.get("me").await.ok();
    let asked = tokio::time::timeout(Duration::from_millis(500), service.asked.recv()).await;
    assert!(asked.is_err(), "asked about {asked:?}");
}
