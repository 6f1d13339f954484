//! Pictures of users and rooms.

use std::path::PathBuf;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use domain::avatar::{self, AvatarEvent, AvatarOwner, AvatarSet};
use domain::{RoomId, StoredFile, Timestamp, UserId};
use eventstore::{Batch, Cause, CorrelationId, Expected, NewEvent, StreamAppend};
use image::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{Client, Loaded};
use tests::on_both_logs;
use tests::pictures::{jpeg, measure, picture, png};
use tests::server::{Server, ServerOptions};

use super::methods::{method, result};

on_both_logs![
    a_picture_is_shown_until_it_is_given_up,
    pictures_are_changed_by_methods,
    the_pictures_of_others_need_a_right,
    rooms_have_letters_too,
];

const NEVER_CHANGED: &str = "Thu, 01 Jan 2015 00:00:00 GMT";

async fn load(client: &Client, path: &str) -> Loaded {
    client.load(Method::GET, path, &[]).await
}

async fn set(client: &Client, file: &[u8], fields: &[(&str, &str)]) -> tests::client::Answer {
    client
        .upload("users.setAvatar", ("image", "image/png", file), fields)
        .await
}

async fn me(client: &Client) -> Value {
    client.get("me").await.ok()
}

/// The files the server keeps of pictures.
fn kept(server: &Server) -> usize {
    std::fs::read_dir(server.data().join("files/avatars")).map_or(0, Iterator::count)
}

fn is_letter(loaded: &Loaded, letter: char) -> bool {
    loaded.status == 200
        && loaded.header("content-type") == "image/svg+xml"
        && loaded.text().contains(&format!(">{letter}</text>"))
}

async fn a_picture_is_shown_until_it_is_given_up(options: ServerOptions) {
    let server = options.start().await;
    let ada = server.admin().await.new_user("ada").await;
    assert!(is_letter(&load(&ada, "/avatar/ada").await, 'A'));
    set(&ada, &png(300, 100), &[]).await.ok();
    let account = me(&ada).await;
    assert_eq!(account["avatarOrigin"], "rest");
    let etag = account["avatarETag"].as_str().expect("a tag").to_owned();
    let info = ada.get("users.info?username=ada").await.ok();
    assert_eq!(info["user"]["avatarETag"], json!(etag));

    let shown = load(&ada, &format!("/avatar/ada?etag={etag}&size=50&format=jpg")).await;
    assert_eq!(measure(&shown.bytes), (200, 200, ImageFormat::Png));
    assert_eq!(
        (shown.status, shown.header("content-type")),
        (200, "image/png")
    );
    assert_eq!(
        shown.header("content-length"),
        shown.bytes.len().to_string()
    );
    assert_eq!(shown.header("cache-control"), "public, max-age=3600");
    assert_eq!(shown.header("content-disposition"), "inline");
    assert_eq!(
        shown.header("content-security-policy"),
        "default-src 'none'"
    );
    assert_eq!(shown.header("etag"), format!("\"{etag}\""));
    let modified = shown.header("last-modified").to_owned();
    assert!(
        modified.ends_with(" GMT") && modified != NEVER_CHANGED,
        "{modified}"
    );
    for (headers, status) in [
        (vec![("if-none-match", shown.header("etag"))], 304),
        (vec![("if-none-match", "\"other\"")], 200),
        (vec![("if-modified-since", modified.as_str())], 304),
        (vec![("if-modified-since", NEVER_CHANGED)], 200),
        (
            vec![
                ("if-none-match", "\"other\""),
                ("if-modified-since", &modified),
            ],
            200,
        ),
    ] {
        let again = ada.load(Method::GET, "/avatar/ada", &headers).await;
        assert_eq!(again.status, status, "{headers:?}");
        assert_eq!(again.bytes.is_empty(), status == 304);
        assert_eq!(again.header("etag"), format!("\"{etag}\""));
    }
    let head = ada.load(Method::HEAD, "/avatar/ada", &[]).await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    assert_eq!(head.header("etag"), format!("\"{etag}\""));

    set(&ada, &jpeg(90, 300), &[]).await.ok();
    assert_ne!(me(&ada).await["avatarETag"], json!(etag));
    let shown = load(&ada, "/avatar/ada").await;
    assert_eq!(measure(&shown.bytes), (200, 200, ImageFormat::Jpeg));
    assert_eq!(kept(&server), 1, "the old file is gone");

    let user_id = ada.user_id.clone();
    ada.post("users.resetAvatar", json!({"userId": user_id}))
        .await
        .ok();
    let account = me(&ada).await;
    assert!(
        account.get("avatarETag").is_none() && account.get("avatarOrigin").is_none(),
        "{account}"
    );
    assert!(is_letter(&load(&ada, "/avatar/ada").await, 'A'));
    assert_eq!(kept(&server), 0);
    ada.post("users.resetAvatar", json!({"username": "ada"}))
        .await
        .ok();
}

#[tokio::test]
async fn a_picture_survives_a_crash_and_goes_with_its_account() {
    let mut server = Server::start().await;
    let ada = server.admin().await.new_user("ada").await;
    set(&ada, &png(10, 10), &[]).await.ok();
    server.restart().await;
    let admin = server.admin().await;
    let shown = load(&admin, "/avatar/ada").await;
    assert_eq!(measure(&shown.bytes), (200, 200, ImageFormat::Png));
    admin
        .post(
            "users.update",
            json!({"userId": ada.user_id, "data": {"username": "lovelace"}}),
        )
        .await
        .ok();
    assert_eq!(
        load(&admin, "/avatar/lovelace").await.header("etag"),
        shown.header("etag")
    );
    assert!(
        is_letter(&load(&admin, "/avatar/ada").await, 'A'),
        "the old name is nobody's"
    );
    admin
        .post("users.delete", json!({"userId": ada.user_id}))
        .await
        .ok();
    assert!(is_letter(&load(&admin, "/avatar/lovelace").await, 'L'));
    assert_eq!(kept(&server), 0);
}

#[tokio::test]
async fn everybody_has_a_letter_even_nobody() {
    let server = Server::start().await;
    let client = server.client();
    let letter = load(&client, "/avatar/nobody").await;
    assert!(is_letter(&letter, 'N'), "{}", letter.text());
    assert!(
        letter.text().contains("viewBox=\"0 0 200 200\"")
            && letter.text().contains("font-size=\"125\"")
    );
    // Six characters: the first colour.
    assert!(letter.text().contains("#158D65"));
    assert_eq!(letter.header("last-modified"), NEVER_CHANGED);
    assert_eq!(letter.header("cache-control"), "public, max-age=3600");
    let same = [("if-none-match", letter.header("etag"))];
    assert_eq!(
        client
            .load(Method::GET, "/avatar/nobody", &same)
            .await
            .status,
        304
    );
    let same = [("if-modified-since", NEVER_CHANGED)];
    assert_eq!(
        client
            .load(Method::GET, "/avatar/nobody", &same)
            .await
            .status,
        304
    );
    let other = client
        .load(
            Method::GET,
            "/avatar/nobody?size=10",
            &[("if-none-match", letter.header("etag"))],
        )
        .await;
    assert_eq!(other.status, 200, "another size is another picture");

    assert!(is_letter(&load(&client, "/avatar/@admin").await, 'A'));
    assert!(is_letter(
        &load(&client, "/avatar/%C3%BCber%20all").await,
        'B'
    ));
    let asked = load(&client, "/avatar/nobody?cacheTime=7&other=1").await;
    assert_eq!(asked.header("cache-control"), "public, max-age=7");
    let none = load(&client, "/avatar/%E6%BC%A2").await;
    assert!(
        none.status == 200 && !none.text().contains("<text"),
        "{}",
        none.text()
    );
    let unknown = load(&client, "/avatar/%3F").await;
    assert!(is_letter(&unknown, '?') && unknown.text().contains("#000000"));

    for (format, kind) in [
        ("png", ImageFormat::Png),
        ("jpg", ImageFormat::Jpeg),
        ("jpeg", ImageFormat::Jpeg),
    ] {
        let drawn = load(&client, &format!("/avatar/nobody?format={format}")).await;
        assert_eq!(measure(&drawn.bytes), (200, 200, kind));
        let drawn = load(&client, &format!("/avatar/nobody?format={format}&size=64")).await;
        assert_eq!(measure(&drawn.bytes), (64, 64, kind));
        assert_eq!(drawn.header("last-modified"), NEVER_CHANGED);
    }
    let drawn = load(&client, "/avatar/nobody?format=png&size=64").await;
    let pixels = image::load_from_memory(&drawn.bytes)
        .expect("a picture")
        .to_rgba8();
    assert!(
        pixels.pixels().any(|pixel| pixel.0 == [255; 4]),
        "the letter is drawn"
    );
    for odd in ["0", "-1", "x", "99999999999", "100000"] {
        let drawn = load(&client, &format!("/avatar/nobody?format=png&size={odd}")).await;
        assert!(
            drawn.status == 200 && measure(&drawn.bytes).0 <= 1024,
            "{odd}"
        );
    }
    assert_eq!(
        load(&client, "/avatar/").await.status,
        404,
        "nobody is named"
    );
    let wrong = client.load(Method::POST, "/avatar/nobody", &[]).await;
    assert_eq!(wrong.status, 405);
}

#[tokio::test]
async fn the_letter_may_come_from_the_real_name() {
    let server = ServerOptions::default()
        .env("OVERWRITE_SETTING_UI_Use_Name_Avatar", "true")
        .start()
        .await;
    let admin = server.admin().await;
    let body = json!({"username": "zed", "name": "Ada Lovelace", "password": "secret of zed", "email": "z@example.org"});
    admin.post("users.create", body).await.ok();
    assert!(is_letter(&load(&admin, "/avatar/zed").await, 'A'));
    assert!(is_letter(&load(&admin, "/avatar/@zed").await, 'Z'));
}

async fn the_pictures_of_others_need_a_right(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (ada, bob) = (admin.new_user("ada").await, admin.new_user("bob").await);
    let file = png(4, 4);
    for field in [("userId", ada.user_id.as_str()), ("username", "ada")] {
        let refusal = set(&bob, &file, &[field]).await.refused(403);
        assert_eq!(refusal, json!({"success": false, "error": "unauthorized"}));
        set(&admin, &file, &[field]).await.ok();
    }
    set(
        &ada,
        &file,
        &[("userId", &ada.user_id), ("username", "bob")],
    )
    .await
    .ok();
    set(&ada, &file, &[("username", "ada")]).await.ok();
    assert!(
        me(&ada).await.get("avatarETag").is_some() && me(&bob).await.get("avatarETag").is_none()
    );
    for field in [("userId", "nobody"), ("username", "nobody")] {
        let refusal = set(&admin, &file, &[field]).await.refused(400);
        assert_eq!(refusal["errorType"], "error-invalid-user");
    }
    let refusal = bob
        .post(
            "users.setAvatar",
            json!({"avatarUrl": "http://127.0.0.1/", "username": "ada"}),
        )
        .await
        .refused(403);
    assert_eq!(
        refusal["error"], "unauthorized",
        "before anything is fetched"
    );

    let refusal = bob
        .post("users.resetAvatar", json!({"username": "ada"}))
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "error-not-allowed");
    let refusal = bob.post("users.resetAvatar", json!({})).await.refused(400);
    assert_eq!(refusal["errorType"], "error-user-param-not-provided");
    let refusal = admin
        .post("users.resetAvatar", json!({"userId": "nobody"}))
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "error-invalid-user");
    admin
        .post("users.resetAvatar", json!({"user": "ada"}))
        .await
        .ok();
    assert!(me(&ada).await.get("avatarETag").is_none());
    assert_eq!(
        server
            .client()
            .post("users.setAvatar", json!({}))
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn where_pictures_are_fixed_only_administrators_change_them() {
    let server = ServerOptions::default()
        .env("OVERWRITE_SETTING_Accounts_AllowUserAvatarChange", "false")
        .start()
        .await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    let refusal = set(&ada, &png(4, 4), &[]).await.refused(400);
    assert_eq!(refusal["errorType"], "error-not-allowed");
    let refusal = ada
        .post("users.resetAvatar", json!({"username": "ada"}))
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "error-not-allowed");
    set(&admin, &png(4, 4), &[]).await.ok();
    set(&admin, &png(4, 4), &[("username", "ada")]).await.ok();
}

#[tokio::test]
async fn only_pictures_are_taken() {
    let server = ServerOptions::default()
        .env("OVERWRITE_SETTING_FileUpload_MaxFileSize", "20000")
        .start()
        .await;
    let ada = server.admin().await.new_user("ada").await;
    let send = async |part: &str, kind: &str, file: &[u8]| {
        ada.upload("users.setAvatar", (part, kind, file), &[])
            .await
            .refused(400)
    };
    let refusal = send("file", "image/png", &png(4, 4)).await;
    assert_eq!(
        refusal,
        json!({"success": false, "error": "[invalid-field]", "errorType": "invalid-field"})
    );
    let refusal = send("image", "text/html", &png(4, 4)).await;
    assert_eq!(refusal["errorType"], "error-invalid-file-type");
    let refusal = send(
        "image",
        "image/png",
        b"<html><script>alert(1)</script></html>",
    )
    .await;
    assert_eq!(refusal["errorType"], "error-invalid-file-type");
    let refusal = send("image", "image/png", &png(4, 4)[..40]).await;
    assert_eq!(refusal["errorType"], "error-invalid-file-type");
    let refusal = send("image", "image/png", &vec![0; 20001]).await;
    assert_eq!(refusal["errorType"], "error-file-too-large");
    // Ten thousand by ten thousand pixels in a few hundred bytes.
    let mut bomb = png(1, 1);
    bomb[16..24].copy_from_slice(&[0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]);
    let refusal = send("image", "image/png", &bomb).await;
    assert!(
        refusal["errorType"] == "error-file-too-large"
            || refusal["errorType"] == "error-invalid-file-type",
        "{refusal}"
    );
    let multipart = ("multipart/form-data; boundary=x", "--x--\r\n".to_owned());
    let nothing = ada
        .send(Method::POST, "/api/v1/users.setAvatar", Some(multipart))
        .await
        .refused(400);
    assert_eq!(nothing["success"], false);
    assert!(me(&ada).await.get("avatarETag").is_none());
    assert_eq!(kept(&server), 0);

    let script =
        b"<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'><script>alert(1)</script>\
        <rect width='40' height='20' fill='red'/></svg>";
    ada.upload("users.setAvatar", ("image", "image/svg+xml", script), &[])
        .await
        .ok();
    let shown = load(&ada, "/avatar/ada").await;
    assert_eq!(
        measure(&shown.bytes),
        (200, 200, ImageFormat::Png),
        "shapes become pixels"
    );
    let refusal = send(
        "image",
        "image/svg+xml",
        b"<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>&a;</svg>",
    )
    .await;
    assert_eq!(refusal["errorType"], "error-file-too-large");
}

#[tokio::test]
async fn size_is_the_workspaces_choice() {
    let server = ServerOptions::default()
        .env("OVERWRITE_SETTING_Accounts_AvatarSize", "32")
        .start()
        .await;
    let admin = server.admin().await;
    set(
        &admin,
        &picture(64, 16, [1, 2, 3, 100], ImageFormat::Png),
        &[],
    )
    .await
    .ok();
    let shown = load(&admin, "/avatar/admin").await;
    let pixels = image::load_from_memory(&shown.bytes)
        .expect("a picture")
        .to_rgba8();
    assert_eq!(pixels.dimensions(), (32, 32));
    assert_eq!(
        (pixels.get_pixel(16, 2)[3], pixels.get_pixel(16, 16)[3]),
        (0, 100),
        "it fits, with room above"
    );
    set(
        &admin,
        &picture(64, 16, [1, 2, 3, 255], ImageFormat::Gif),
        &[],
    )
    .await
    .ok();
    let shown = load(&admin, "/avatar/admin").await;
    assert_eq!(measure(&shown.bytes), (32, 32, ImageFormat::Png));

    let server = ServerOptions::default()
        .env("OVERWRITE_SETTING_Accounts_AvatarResize", "false")
        .start()
        .await;
    let admin = server.admin().await;
    let file = jpeg(50, 20);
    set(&admin, &file, &[]).await.ok();
    assert_eq!(load(&admin, "/avatar/admin").await.bytes, file);
}

/// A web server of somebody else's.
async fn elsewhere() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let file = || async {
        (
            [(header::CONTENT_TYPE, "image/jpeg; charset=binary")],
            jpeg(40, 40),
        )
    };
    let text = || async { ([(header::CONTENT_TYPE, "text/html")], "hello") };
    let liar = || async { ([(header::CONTENT_TYPE, "image/png")], "hello") };
    let trouble = || async { StatusCode::BAD_GATEWAY.into_response() };
    let large = || async { ([(header::CONTENT_TYPE, "image/png")], vec![0_u8; 300_000]) };
    let site = axum::Router::new()
        .route("/ada.jpg", get(file))
        .route("/text", get(text))
        .route("/liar", get(liar))
        .route("/trouble", get(trouble))
        .route("/large", get(large))
        .route("/moved", get(|| async { Redirect::to("/ada.jpg") }))
        .route(
            "/inside",
            get(|| async { Redirect::to("http://127.0.0.2:80/ada.jpg") }),
        )
        .route("/round", get(|| async { Redirect::to("/round") }));
    tokio::spawn(async move { axum::serve(listener, site).await });
    format!("http://{address}")
}

#[tokio::test]
async fn a_picture_may_be_fetched_from_elsewhere() {
    let site = elsewhere().await;
    let server = ServerOptions::default()
        .env("FETCH_ALLOW", "127.0.0.1")
        .env("OVERWRITE_SETTING_FileUpload_MaxFileSize", "200000")
        .start()
        .await;
    let ada = server.admin().await.new_user("ada").await;
    let set = async |url: String| ada.post("users.setAvatar", json!({"avatarUrl": url})).await;
    for path in ["ada.jpg", "moved"] {
        set(format!("{site}/{path}")).await.ok();
        assert_eq!(me(&ada).await["avatarOrigin"], "url");
        let shown = load(&ada, "/avatar/ada").await;
        assert_eq!(
            measure(&shown.bytes),
            (200, 200, ImageFormat::Jpeg),
            "{path}"
        );
    }
    for path in ["nothing", "text", "liar", "inside", "round"] {
        let refusal = set(format!("{site}/{path}")).await.refused(400);
        assert_eq!(refusal["errorType"], "error-avatar-invalid-url", "{path}");
    }
    for url in [
        "",
        "x",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://127.0.0.1:1/",
    ] {
        let refusal = set(url.to_owned()).await.refused(400);
        assert_eq!(refusal["errorType"], "error-avatar-invalid-url", "{url}");
    }
    let refusal = set(format!("{site}/trouble")).await.refused(400);
    assert_eq!(refusal["errorType"], "error-avatar-url-handling");
    let refusal = set(format!("{site}/large")).await.refused(400);
    assert_eq!(refusal["errorType"], "error-file-too-large");
    let refusal = ada.post("users.setAvatar", json!({})).await.refused(400);
    assert_eq!(
        refusal["error"],
        "must have required property 'avatarUrl' [invalid-params]"
    );
    let refusal = ada
        .post("users.setAvatar", json!({"avatarUrl": "x", "more": 1}))
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "invalid-params");
}

#[tokio::test]
async fn what_is_behind_the_firewall_is_not_fetched() {
    let site = elsewhere().await;
    let port = site.rsplit(':').next().expect("a port");
    let server = Server::start().await;
    let admin = server.admin().await;
    for host in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
    ] {
        let url = format!("http://{host}:{port}/ada.jpg");
        let refusal = admin
            .post("users.setAvatar", json!({"avatarUrl": url}))
            .await
            .refused(400);
        assert_eq!(refusal["errorType"], "error-avatar-invalid-url", "{host}");
    }
    assert!(me(&admin).await.get("avatarETag").is_none());
}

#[tokio::test]
async fn pictures_may_be_for_users_only() {
    let server = ServerOptions::default()
        .env(
            "OVERWRITE_SETTING_Accounts_AvatarBlockUnauthenticatedAccess",
            "true",
        )
        .start()
        .await;
    let admin = server.admin().await;
    for path in [
        "/avatar/admin",
        "/avatar/nobody",
        "/avatar/@x",
        "/avatar/room/GENERAL",
    ] {
        let refused = load(&admin, path).await;
        assert_eq!(
            (refused.status, refused.text()),
            (403, "Forbidden".to_owned()),
            "{path}"
        );
        let query = format!("{path}?rc_uid={}&rc_token={}", admin.user_id, admin.token);
        let shown = load(&admin, &query).await;
        assert_eq!(shown.status, 200);
        for (answer, keeping) in [(&shown, "private, max-age="), (&refused, "no-store")] {
            let told = answer.header("cache-control");
            assert!(told.starts_with(keeping), "{path}: {told}");
        }
        let cookie = format!("a=b; rc_uid={}; rc_token={}", admin.user_id, admin.token);
        assert_eq!(
            admin
                .load(Method::GET, path, &[("cookie", &cookie)])
                .await
                .status,
            200
        );
        let cookie = format!("rc_uid={}; rc_token=wrong", admin.user_id);
        assert_eq!(
            admin
                .load(Method::GET, path, &[("cookie", &cookie)])
                .await
                .status,
            403
        );
    }
}

#[tokio::test]
async fn a_picture_has_an_address() {
    let server = ServerOptions::default()
        .env("ROOT_URL", "https://chat.example.org")
        .start()
        .await;
    let admin = server.admin().await;
    let direct = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    for query in [
        format!("userId={}", admin.user_id),
        "username=ADMIN".to_owned(),
        "user=admin".to_owned(),
    ] {
        let url = format!("{}/api/v1/users.getAvatar?{query}", server.url());
        let answer = direct.get(url).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 307);
        let there = "https://chat.example.org/avatar/admin";
        assert_eq!(answer.headers()["location"], there);
        assert_eq!(answer.text().await.expect("a body"), format!("\"{there}\""));
    }
    let client = server.client();
    let refusal = client.get("users.getAvatar").await.refused(400);
    assert_eq!(refusal["errorType"], "error-user-param-not-provided");
    let refusal = client
        .get("users.getAvatar?username=nobody")
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "error-invalid-user");
    let suggestion = admin.get("users.getAvatarSuggestion").await.ok();
    assert_eq!(suggestion, json!({"suggestions": {}, "success": true}));
    assert_eq!(client.get("users.getAvatarSuggestion").await.status, 401);
}

async fn pictures_are_changed_by_methods(options: ServerOptions) {
    use base64::Engine as _;

    let server = options.start().await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    let data = format!(
        "data:image/png;base64,{}",
        base64::engine::general_purpose::STANDARD.encode(png(20, 20))
    );
    result(
        &method(
            &ada,
            "setAvatarFromService",
            json!([data, "image/png", "upload"]),
        )
        .await,
    );
    assert_eq!(me(&ada).await["avatarOrigin"], "upload");
    assert_eq!(
        measure(&load(&ada, "/avatar/ada").await.bytes).2,
        ImageFormat::Png
    );
    result(
        &method(
            &ada,
            "setAvatarFromService",
            json!([null, null, "initials"]),
        )
        .await,
    );
    let account = me(&ada).await;
    assert_eq!(account["avatarOrigin"], "initials");
    assert!(account.get("avatarETag").is_none());
    assert!(is_letter(&load(&ada, "/avatar/ada").await, 'A'));
    result(&method(&ada, "resetAvatar", json!([])).await);
    assert!(me(&ada).await.get("avatarOrigin").is_none());
    assert_eq!(
        result(&method(&ada, "getAvatarSuggestion", json!([])).await),
        json!({})
    );

    let refused = method(
        &ada,
        "setAvatarFromService",
        json!(["data:image/png;base64,AAAA", "image/png", "upload"]),
    )
    .await;
    assert_eq!(refused["error"]["error"], "error-invalid-file-type");
    let refused = method(
        &ada,
        "setAvatarFromService",
        json!([data, "image/png", "upload", admin.user_id]),
    )
    .await;
    assert!(refused.get("error").is_some(), "{refused}");
    let refused = method(&ada, "resetAvatar", json!([admin.user_id])).await;
    assert_eq!(refused["error"]["error"], "error-not-allowed");
    let refused = method(
        &ada,
        "setAvatarFromService",
        json!(["http://127.0.0.1:1/", "", "url"]),
    )
    .await;
    assert_eq!(refused["error"]["error"], "error-avatar-invalid-url");
    assert_eq!(kept(&server), 0);
}

/// Gives a room a picture, as it stands in the log and in the store. The server must be stopped.
async fn give_picture(server: &Server, room: &str) -> PathBuf {
    let bytes = png(20, 20);
    let file: StoredFile = serde_json::from_value(json!({
        "id": format!("picture-of-{room}"), "sha256": tests::sha256(&bytes), "content_type": "image/png", "size": bytes.len(),
    }))
    .expect("a file");
    let folder = server.data().join("files/avatars");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(format!("{}-{}", file.sha256, file.id));
    std::fs::write(&path, &bytes).expect("a file");
    let owner = AvatarOwner::Room(RoomId::new(room));
    let set = AvatarEvent::from(AvatarSet {
        owner: owner.clone(),
        origin: "upload".to_owned(),
        file,
        at: Timestamp::from_millis(1_700_000_000_000),
    });
    let append = StreamAppend {
        stream: avatar::stream(&owner),
        expected: Expected::NoStream,
        events: vec![NewEvent::encode(&set).expect("an event")],
    };
    let log = tests::log::open(server).await;
    let cause = Cause {
        actor: UserId::system(),
        correlation_id: CorrelationId::fresh(),
        causation_id: None,
    };
    let appends = vec![append];
    log.append(Batch { cause, appends })
        .await
        .expect("recorded");
    log.close().await;
    path
}

#[tokio::test]
async fn the_picture_of_a_room_goes_with_it() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let bob = admin.new_user("bob").await;
    let wish = json!({"name": "deleted"});
    let deleted = admin.post("groups.create", wish).await.ok()["group"]["_id"].clone();
    let wish = json!({"name": "left"});
    let left = bob.post("groups.create", wish).await.ok()["group"]["_id"].clone();
    let (deleted, left) = (
        deleted.as_str().expect("an id"),
        left.as_str().expect("an id"),
    );
    server.stop().await;
    let pictures = [
        give_picture(&server, deleted).await,
        give_picture(&server, left).await,
        give_picture(&server, "GENERAL").await,
    ];
    server.restart().await;
    let admin = server.admin().await;
    for room in [deleted, left, "GENERAL"] {
        let shown = load(&admin, &format!("/avatar/room/{room}")).await;
        assert_eq!(shown.header("content-type"), "image/png", "{room}");
    }
    let there = || pictures.each_ref().map(|path| path.exists());
    assert_eq!(there(), [true, true, true]);
    let wish = json!({"roomId": deleted});
    admin.post("groups.delete", wish).await.ok();
    assert_eq!(there(), [false, true, true]);
    // A group that only somebody owned who goes, and nobody else is in, goes as well.
    let wish = json!({"userId": bob.user_id, "confirmRelinquish": true});
    admin.post("users.delete", wish).await.ok();
    assert_eq!(there(), [false, false, true]);
    assert_eq!(
        load(&admin, &format!("/avatar/room/{left}")).await.status,
        404
    );
}

async fn rooms_have_letters_too(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let bob = admin.new_user("bob").await;
    assert!(is_letter(&load(&admin, "/avatar/room/GENERAL").await, 'G'));
    let drawn = load(&admin, "/avatar/room/GENERAL?format=png").await;
    assert_eq!(measure(&drawn.bytes), (200, 200, ImageFormat::Png));
    assert_eq!(load(&admin, "/avatar/room/nowhere").await.status, 404);
    let room = admin
        .post("im.create", json!({"username": "bob"}))
        .await
        .ok();
    let path = format!(
        "/avatar/room/{}",
        room["room"]["rid"].as_str().expect("a room")
    );
    let as_seen_by = async |client: &Client| {
        let cookie = format!("rc_uid={}; rc_token={}", client.user_id, client.token);
        client
            .load(Method::GET, &path, &[("cookie", &cookie)])
            .await
    };
    assert!(is_letter(&as_seen_by(&admin).await, 'B'));
    assert!(is_letter(&as_seen_by(&bob).await, 'A'));
    let told = as_seen_by(&bob).await.header("cache-control").to_owned();
    assert!(
        told.starts_with("private"),
        "everybody sees another: {told}"
    );
    let eve = admin.new_user("eve").await;
    assert_eq!(
        as_seen_by(&eve).await.status,
        404,
        "who talks is nobody else's business"
    );
    assert_eq!(load(&admin, &path).await.status, 404);
}
