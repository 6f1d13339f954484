//! The workspace's own pictures.

use image::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{Answer, Client, Loaded};
use tests::on_both_logs;
use tests::pictures::{jpeg, measure, png};
use tests::server::{Server, ServerOptions};

on_both_logs![an_asset_is_chosen_and_given_up,];

async fn set(client: &Client, key: &str, content_type: &str, file: &[u8]) -> Answer {
    client
        .upload(
            "assets.setAsset",
            (key, content_type, file),
            &[("refreshAllClients", "true")],
        )
        .await
}

async fn load(client: &Client, path: &str) -> Loaded {
    client.load(Method::GET, path, &[]).await
}

async fn setting(client: &Client, key: &str) -> Value {
    let settings = client
        .get(&format!("settings.public?_id=Assets_{key}"))
        .await
        .ok();
    settings["settings"][0]["value"].clone()
}

async fn an_asset_is_chosen_and_given_up(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let by_default = json!({"defaultUrl": "images/logo/logo.svg"});
    assert_eq!(setting(&admin, "logo").await, by_default);
    let file = png(30, 20);
    let answer = set(&admin, "logo", "image/png", &file).await.ok();
    assert_eq!(answer, json!({"success": true}));
    assert_eq!(
        setting(&admin, "logo").await,
        json!({"url": "assets/logo.png", "defaultUrl": "images/logo/logo.svg"})
    );
    let shown = load(&admin, "/assets/logo.png").await;
    assert_eq!((shown.status, &shown.bytes), (200, &file));
    let same = [("if-modified-since", shown.header("last-modified"))];
    assert_eq!(
        admin
            .load(Method::GET, "/assets/logo.png", &same)
            .await
            .status,
        304
    );
    let same = [("if-none-match", shown.header("etag"))];
    assert_eq!(
        admin
            .load(Method::GET, "/assets/logo.png", &same)
            .await
            .status,
        304
    );
    assert_eq!(
        load(&admin, "/assets/logo.svg").await.bytes,
        file,
        "as it is"
    );
    for path in ["/assets/logo.jpg", "/assets/logo.jpeg"] {
        let converted = load(&admin, path).await;
        assert_eq!(measure(&converted.bytes), (30, 20, ImageFormat::Jpeg));
        assert_eq!(converted.header("content-type"), "image/jpeg");
        assert_ne!(converted.header("etag"), shown.header("etag"));
    }
    set(&admin, "logo", "image/jpeg", &jpeg(8, 8)).await.ok();
    assert_eq!(setting(&admin, "logo").await["url"], "assets/logo.jpg");
    let kept = std::fs::read_dir(server.data().join("files/assets"))
        .expect("a folder")
        .count();
    assert_eq!(kept, 1);

    admin
        .post(
            "assets.unsetAsset",
            json!({"assetName": "logo", "refreshAllClients": true}),
        )
        .await
        .ok();
    admin
        .post("assets.unsetAsset", json!({"assetName": "logo"}))
        .await
        .ok();
    assert_eq!(setting(&admin, "logo").await, by_default);
    let shown = load(&admin, "/assets/logo.svg").await;
    assert_eq!(shown.header("content-type"), "image/svg+xml");
    assert!(shown.text().starts_with("<svg"));
}

#[tokio::test]
async fn assets_have_their_rules() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let bob = admin.new_user("bob").await;
    let file = png(16, 16);
    let refusal = set(&bob, "logo", "image/png", &file).await.refused(400);
    assert_eq!(
        (&refusal["errorType"], &refusal["details"]["action"]),
        (
            &json!("error-action-not-allowed"),
            &json!("Managing_assets")
        )
    );
    let refusal = bob
        .post("assets.unsetAsset", json!({"assetName": "logo"}))
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "error-action-not-allowed");
    for (key, content_type, file, expected) in [
        ("nothing", "image/png", &file[..], "error-invalid-asset"),
        (
            "SvgFavicon_Enable",
            "image/png",
            &file,
            "error-invalid-asset",
        ),
        ("favicon", "image/png", &file, "image/png"),
        ("favicon_16", "image/jpeg", &jpeg(16, 16), "image/jpeg"),
        ("logo", "text/html", b"<html></html>", "text/html"),
        (
            "favicon_16",
            "image/png",
            &png(17, 16),
            "error-invalid-file-width",
        ),
        (
            "favicon_16",
            "image/png",
            &png(16, 17),
            "error-invalid-file-height",
        ),
    ] {
        let refusal = set(&admin, key, content_type, file).await.refused(400);
        assert_eq!(refusal["errorType"], expected, "{key}");
    }
    set(&admin, "favicon_16", "image/png", &file).await.ok();
    let refusal = admin
        .post("assets.unsetAsset", json!({"assetName": "nothing"}))
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "error-invalid-asset");
    for body in [json!({}), json!({"assetName": "logo", "more": 1})] {
        let refusal = admin.post("assets.unsetAsset", body).await.refused(400);
        assert_eq!(refusal["errorType"], "invalid-params");
    }
    let refusal = admin.post("assets.setAsset", json!({})).await.refused(400);
    assert_eq!(refusal["error"], "No file uploaded");
}

#[tokio::test]
async fn there_is_a_mark_until_somebody_chooses_one() {
    let server = Server::start().await;
    let client = server.client();
    for (file, width, height, format) in [
        ("favicon_16.png", 16, 16, ImageFormat::Png),
        ("tile_310_wide.png", 310, 150, ImageFormat::Png),
        ("favicon_512.png", 512, 512, ImageFormat::Png),
        ("favicon_ico.ico", 32, 32, ImageFormat::Ico),
        ("logo.png", 192, 192, ImageFormat::Png),
        ("logo.jpg", 192, 192, ImageFormat::Jpeg),
    ] {
        let shown = load(&client, &format!("/assets/{file}")).await;
        assert_eq!(shown.status, 200, "{file}");
        assert_eq!(measure(&shown.bytes), (width, height, format), "{file}");
    }
    let shown = load(&client, "/assets/favicon.svg").await;
    assert!(shown.header("content-security-policy").contains("sandbox"));
    for (path, status) in [
        ("/assets/favicon.png", 403),
        ("/assets/favicon_16.svg", 403),
        ("/assets/background.png", 404),
        ("/assets/nothing.png", 404),
        ("/assets/../secret.key", 404),
    ] {
        assert_eq!(load(&client, path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn shapes_are_sent_as_a_picture_that_can_do_nothing() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let svg =
        b"<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20'><script>alert(1)</script>\
        <rect width='40' height='20'/></svg>";
    set(&admin, "logo", "image/svg+xml", svg).await.ok();
    let shown = load(&admin, "/assets/logo.svg").await;
    let policy = shown.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'") && policy.contains("sandbox"),
        "{policy}"
    );
    let drawn = load(&admin, "/assets/logo.png").await;
    assert_eq!(measure(&drawn.bytes), (40, 20, ImageFormat::Png));
}
