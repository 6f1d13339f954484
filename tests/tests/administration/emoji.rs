//! Emoji that people made.

use image::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{Answer, Client, Loaded};
use tests::on_both_logs;
use tests::pictures::{measure, picture, png};
use tests::server::{Server, ServerOptions};

use super::sounds::{method, result};

on_both_logs![
    an_emoji_is_made_used_and_removed,
    emoji_are_managed_by_methods,
];

async fn create(client: &Client, file: &[u8], name: &str, aliases: &str) -> Answer {
    let fields = [("name", name), ("aliases", aliases)];
    client
        .upload("emoji-custom.create", ("emoji", "image/png", file), &fields)
        .await
}

async fn load(client: &Client, path: &str) -> Loaded {
    client.load(Method::GET, path, &[]).await
}

async fn listed(client: &Client) -> Vec<Value> {
    let lists = client.get("emoji-custom.list").await.ok();
    assert_eq!(lists["emojis"]["remove"], json!([]));
    lists["emojis"]["update"]
        .as_array()
        .expect("a list")
        .clone()
}

fn kept(server: &Server) -> usize {
    std::fs::read_dir(server.data().join("files/emoji")).map_or(0, Iterator::count)
}

async fn an_emoji_is_made_used_and_removed(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let bob = admin.new_user("bob").await;
    let created = create(
        &admin,
        &png(600, 300),
        ":Party Parrot:",
        "parrot, pp party_parrot",
    )
    .await
    .ok();
    assert_eq!(created, json!({"success": true}));
    let emoji = &listed(&bob).await[0];
    assert_eq!(emoji["name"], "party_parrot");
    assert_eq!(
        (&emoji["aliases"], &emoji["extension"]),
        (&json!(["parrot", "pp"]), &json!("png"))
    );
    assert!(
        emoji["_id"].is_string() && emoji["_updatedAt"].is_string(),
        "{emoji}"
    );
    let id = emoji["_id"].as_str().expect("an id");

    let shown = load(&bob, "/emoji-custom/party_parrot.png").await;
    assert_eq!(measure(&shown.bytes), (512, 256, ImageFormat::Png));
    assert_eq!(shown.header("content-type"), "image/png");
    let same = [("if-modified-since", shown.header("last-modified"))];
    assert_eq!(
        bob.load(Method::GET, "/emoji-custom/party_parrot.png", &same)
            .await
            .status,
        304
    );
    let same = [("if-none-match", shown.header("etag"))];
    assert_eq!(
        bob.load(Method::GET, "/emoji-custom/party_parrot.png", &same)
            .await
            .status,
        304
    );
    assert_eq!(
        bob.load(Method::HEAD, "/emoji-custom/party_parrot.png", &[])
            .await
            .status,
        200
    );

    let message = bob
        .post(
            "chat.postMessage",
            json!({"channel": "#general", "text": "hi"}),
        )
        .await
        .ok();
    let message = message["message"]["_id"].clone();
    for name in ["party_parrot", ":pp:", ":slight_smile:", ":thumbsup_tone3:"] {
        bob.post("chat.react", json!({"messageId": message, "emoji": name}))
            .await
            .ok();
    }
    let refusal = bob
        .post(
            "chat.react",
            json!({"messageId": message, "emoji": ":nothing_such:"}),
        )
        .await;
    assert_eq!(refusal.status, 400);

    let fields = [("_id", id), ("name", "partyparrot"), ("aliases", "pp")];
    admin
        .upload("emoji-custom.update", ("emoji", "image/png", b"x"), &fields)
        .await
        .ok();
    assert_eq!(
        load(&bob, "/emoji-custom/partyparrot.png").await.bytes,
        shown.bytes,
        "the picture stays"
    );
    // A form without a file changes the names alone.
    let part = |name: &str, text: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let form = [
        part("_id", id),
        part("name", "partyparrot"),
        part("aliases", "p2"),
    ]
    .concat();
    let form = Some(("multipart/form-data; boundary=b", form + "--b--\r\n"));
    let path = "/api/v1/emoji-custom.update";
    admin.send(Method::POST, path, form).await.ok();
    assert_eq!(listed(&bob).await[0]["aliases"], json!(["p2"]));
    let fields = [
        ("_id", id),
        ("name", "partyparrot"),
        ("aliases", "pp"),
        ("newFile", "true"),
    ];
    let gif = picture(20, 20, [1, 2, 3, 255], ImageFormat::Gif);
    admin
        .upload("emoji-custom.update", ("emoji", "image/gif", &gif), &fields)
        .await
        .ok();
    let emoji = &listed(&bob).await[0];
    assert_eq!(
        (&emoji["name"], &emoji["aliases"], &emoji["extension"]),
        (&json!("partyparrot"), &json!(["pp"]), &json!("gif"))
    );
    let shown = load(&bob, "/emoji-custom/partyparrot.gif").await;
    assert_eq!(
        (shown.bytes, kept(&server)),
        (gif, 1),
        "what may move stays as it is"
    );
    create(&admin, &png(4, 4), "parrot", "").await.ok();

    let before = emoji["_updatedAt"].as_str().expect("a date").to_owned();
    admin
        .post("emoji-custom.delete", json!({"emojiId": id}))
        .await
        .ok();
    let lists = bob
        .get(&format!("emoji-custom.list?updatedSince={before}"))
        .await
        .ok();
    assert_eq!(lists["emojis"]["remove"][0]["_id"], json!(id));
    assert_eq!(lists["emojis"]["update"][0]["name"], "parrot");
    assert_eq!(listed(&bob).await.len(), 1);
    let refusal = bob
        .post(
            "chat.react",
            json!({"messageId": message, "emoji": "partyparrot"}),
        )
        .await;
    assert_eq!(refusal.status, 400);
    create(&admin, &png(4, 4), "partyparrot", "pp").await.ok();
}

#[tokio::test]
async fn making_emoji_fails_without_saying_why() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let bob = admin.new_user("bob").await;
    create(&admin, &png(4, 4), "one", "uno").await.ok();
    let bare = json!({"success": false});
    assert_eq!(create(&bob, &png(4, 4), "two", "").await.refused(400), bare);
    for (name, aliases) in [
        ("one", ""),
        ("UNO", ""),
        ("two", "one"),
        ("", ""),
        ("a<b", ""),
        ("two", "a/b"),
    ] {
        let refusal = create(&admin, &png(4, 4), name, aliases).await.refused(400);
        assert_eq!(refusal, bare, "{name} {aliases}");
    }
    let refusal = create(&admin, b"no picture", "two", "").await.refused(400);
    assert_eq!(refusal["errorType"], "emoji-is-not-image");
    let fields = [("name", "two")];
    let refusal = admin
        .upload(
            "emoji-custom.create",
            ("emoji", "text/plain", &png(4, 4)),
            &fields,
        )
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "emoji-is-not-image");
    let refusal = admin
        .upload(
            "emoji-custom.create",
            ("file", "image/png", &png(4, 4)),
            &fields,
        )
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "invalid-field");
    assert_eq!(
        (listed(&admin).await.len(), kept(&server)),
        (1, 1),
        "nothing is left behind"
    );
}

#[tokio::test]
async fn changing_emoji_says_why_it_fails() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let bob = admin.new_user("bob").await;
    create(&admin, &png(4, 4), "one", "uno").await.ok();
    create(&admin, &png(4, 4), "two", "").await.ok();
    let id = listed(&admin).await[1]["_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let file = png(4, 4);
    let update = async |client: &Client, fields: &[(&str, &str)]| {
        client
            .upload("emoji-custom.update", ("emoji", "image/png", &file), fields)
            .await
            .refused(400)
    };
    let denied =
        json!({"success": false, "error": "[not_authorized]", "errorType": "not_authorized"});
    assert_eq!(
        update(&bob, &[("_id", &id), ("name", "three")]).await,
        denied
    );
    assert_eq!(
        bob.post("emoji-custom.delete", json!({"emojiId": id}))
            .await
            .refused(400),
        denied
    );
    assert_eq!(
        update(&admin, &[("name", "x")]).await["error"],
        "[The required \"_id\" query param is missing.]"
    );
    assert_eq!(
        update(&admin, &[("_id", "nothing"), ("name", "x")]).await["error"],
        "[Emoji not found.]"
    );
    assert_eq!(
        update(&admin, &[("_id", &id)]).await["errorType"],
        "error-the-field-is-required"
    );
    assert_eq!(
        update(&admin, &[("_id", &id), ("name", "a&b")]).await["errorType"],
        "error-input-is-not-a-valid-field"
    );
    for (name, aliases) in [("one", ""), ("two", "uno")] {
        let refusal = update(
            &admin,
            &[("_id", &id), ("name", name), ("aliases", aliases)],
        )
        .await;
        assert_eq!(
            refusal["errorType"],
            "Custom_Emoji_Error_Name_Or_Alias_Already_In_Use"
        );
    }
    let refusal = admin
        .post("emoji-custom.delete", json!({}))
        .await
        .refused(400);
    assert_eq!(refusal["error"], "The \"emojiId\" params is required!");
    let refusal = admin
        .post("emoji-custom.delete", json!({"emojiId": "nothing"}))
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "Custom_Emoji_Error_Invalid_Emoji");
    assert_eq!(kept(&server), 2);
}

#[tokio::test]
async fn emoji_are_listed_in_parts() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for name in ["c", "a", "b"] {
        create(&admin, &png(4, 4), name, "").await.ok();
    }
    let names = |page: &Value| -> Vec<String> {
        let list = page["emojis"].as_array().expect("a list");
        list.iter()
            .map(|emoji| emoji["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let page = admin.get("emoji-custom.all?count=2").await.ok();
    assert_eq!(
        (
            names(&page),
            &page["count"],
            &page["offset"],
            &page["total"]
        ),
        (
            vec!["a".into(), "b".into()],
            &json!(2),
            &json!(0),
            &json!(3)
        )
    );
    let page = admin.get("emoji-custom.all?offset=2").await.ok();
    assert_eq!(names(&page), ["c"]);
    let page = admin
        .get("emoji-custom.all?sort=%7B%22name%22%3A-1%7D")
        .await
        .ok();
    assert_eq!(names(&page), ["c", "b", "a"]);
    let page = admin
        .get("emoji-custom.list?query=%7B%22name%22%3A%22b%22%7D")
        .await
        .ok();
    assert_eq!(page["emojis"]["update"].as_array().map(Vec::len), Some(1));
    let page = admin.get("emoji-custom.list?updatedSince=").await.ok();
    assert_eq!(
        page["emojis"]["update"].as_array().map(Vec::len),
        Some(3),
        "empty at first"
    );
    let refusal = admin
        .get("emoji-custom.list?updatedSince=yesterday")
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "error-roomId-param-invalid");
    for route in ["emoji-custom.list", "emoji-custom.all"] {
        assert_eq!(server.client().get(route).await.status, 401);
    }
}

#[tokio::test]
async fn of_an_emoji_there_is_not_a_question_mark_is_shown() {
    let server = Server::start().await;
    let client = server.client();
    let shown = load(&client, "/emoji-custom/nothing.png").await;
    assert_eq!(
        (shown.status, shown.header("content-type")),
        (200, "image/svg+xml")
    );
    assert!(shown.text().contains(">?</text>"));
    for path in ["/emoji-custom/", "/emoji-custom/.png"] {
        assert_eq!(load(&client, path).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn shapes_become_pixels() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20' onload='alert(1)'><rect width='9' height='9'/></svg>";
    let fields = [("name", "shape")];
    admin
        .upload(
            "emoji-custom.create",
            ("emoji", "image/svg+xml", svg),
            &fields,
        )
        .await
        .ok();
    assert_eq!(listed(&admin).await[0]["extension"], "png");
    assert_eq!(
        measure(&load(&admin, "/emoji-custom/shape.png").await.bytes),
        (40, 20, ImageFormat::Png)
    );
}

async fn emoji_are_managed_by_methods(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let bob = admin.new_user("bob").await;
    let data = json!({"name": "wave", "aliases": "hi,ho", "extension": "png", "newFile": true});
    let id = result(&method(&admin, "insertOrUpdateEmoji", json!([data])).await);
    assert!(
        load(&bob, "/emoji-custom/wave.png")
            .await
            .text()
            .contains(">?</text>"),
        "not drawn yet"
    );
    let binary: String = png(6, 6).iter().map(|byte| char::from(*byte)).collect();
    let data = json!({"_id": id, "name": "wave", "extension": "png"});
    result(
        &method(
            &admin,
            "uploadEmojiCustom",
            json!([binary, "image/png", data]),
        )
        .await,
    );
    assert_eq!(
        measure(&load(&bob, "/emoji-custom/wave.png").await.bytes),
        (6, 6, ImageFormat::Png)
    );
    let data = json!({"_id": id, "name": "waving", "aliases": "hi"});
    assert_eq!(
        result(&method(&admin, "insertOrUpdateEmoji", json!([data])).await),
        json!(true)
    );
    let list = result(&method(&bob, "listEmojiCustom", json!([{}])).await);
    assert_eq!(
        (&list[0]["name"], list.as_array().map(Vec::len)),
        (&json!("waving"), Some(1))
    );
    for (name, params) in [
        (
            "insertOrUpdateEmoji",
            json!([{"name": "x", "aliases": "", "extension": "png"}]),
        ),
        ("uploadEmojiCustom", json!(["x", "image/png", {"_id": id}])),
        ("deleteEmojiCustom", json!([id])),
    ] {
        assert_eq!(
            method(&bob, name, params).await["error"]["error"],
            "not_authorized",
            "{name}"
        );
    }
    assert_eq!(
        result(&method(&admin, "deleteEmojiCustom", json!([id])).await),
        json!(true)
    );
    let refused = method(&admin, "deleteEmojiCustom", json!([id])).await;
    assert_eq!(
        refused["error"]["error"],
        "Custom_Emoji_Error_Invalid_Emoji"
    );
    assert_eq!(kept(&server), 0);
}
