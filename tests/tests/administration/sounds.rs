//! Sounds that people uploaded.

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
pub use tests::method::method;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

on_both_logs![
    a_sound_is_made_played_and_removed,
    a_sound_is_uploaded_over_rest,
];

/// The result of a method that must succeed.
#[track_caller]
pub fn result(message: &Value) -> Value {
    assert!(message.get("error").is_none(), "{message}");
    message["result"].clone()
}

async fn code(client: &Client, name: &str, params: Value) -> Value {
    method(client, name, params).await["error"]["error"].clone()
}

fn kept(server: &Server) -> usize {
    std::fs::read_dir(server.data().join("files/sounds")).map_or(0, Iterator::count)
}

async fn a_sound_is_uploaded_over_rest(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let mp3 = ("sound", "audio/mpeg", &b"ID3 one"[..]);
    alice
        .upload("custom-sounds.create", mp3, &[("name", "Ding")])
        .await
        .refused(403);
    let made = admin
        .upload("custom-sounds.create", mp3, &[("name", "Ding")])
        .await;
    let made = made.ok()["sound"].clone();
    assert_eq!(
        (&made["name"], &made["extension"]),
        (&json!("Ding"), &json!("mp3"))
    );
    let id = made["_id"].as_str().expect("an id");
    let taken = admin
        .upload("custom-sounds.create", mp3, &[("name", "ding")])
        .await;
    taken.refused(400);
    let odd = ("sound", "text/html", &b"<html>"[..]);
    admin
        .upload("custom-sounds.create", odd, &[("name", "Page")])
        .await
        .refused(400);
    let misplaced = ("file", "audio/mpeg", &b"ID3"[..]);
    admin
        .upload("custom-sounds.create", misplaced, &[("name", "Part")])
        .await
        .refused(400);
    assert_eq!(kept(&server), 1, "what is refused is not kept");

    let ogg = ("sound", "audio/ogg", &b"OggS two"[..]);
    let changed = admin
        .upload(
            "custom-sounds.update",
            ogg,
            &[("_id", id), ("name", "Dong")],
        )
        .await
        .ok()["sound"]
        .clone();
    assert_eq!(
        (&changed["name"], &changed["extension"]),
        (&json!("Dong"), &json!("ogg"))
    );
    let played = admin
        .load(Method::GET, &format!("/custom-sounds/{id}.ogg"), &[])
        .await;
    assert_eq!((played.status, played.text().as_str()), (200, "OggS two"));
    // The recording stays when only the name changes.
    let boundary = "--b\r\nContent-Disposition: form-data; name=";
    let body =
        format!("{boundary}\"_id\"\r\n\r\n{id}\r\n{boundary}\"name\"\r\n\r\nDang\r\n--b--\r\n");
    let form = Some(("multipart/form-data; boundary=b", body));
    let renamed = admin
        .send(Method::POST, "/api/v1/custom-sounds.update", form)
        .await;
    assert_eq!(renamed.ok()["sound"]["name"], "Dang");
    assert_eq!(kept(&server), 1);
    alice
        .post("custom-sounds.delete", json!({ "_id": id }))
        .await
        .refused(403);
    admin
        .post("custom-sounds.delete", json!({ "_id": id }))
        .await
        .ok();
    admin
        .post("custom-sounds.delete", json!({ "_id": id }))
        .await
        .refused(400);
    admin
        .post("custom-sounds.delete", json!({}))
        .await
        .refused(400);
    assert_eq!(kept(&server), 0);
}

async fn a_sound_is_made_played_and_removed(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let data = json!({"name": "Ding", "extension": "mp3", "newFile": true});
    let id = result(&method(&admin, "insertOrUpdateSound", json!([data])).await);
    let id = id.as_str().expect("an id");
    let path = format!("/custom-sounds/{id}.mp3");
    assert_eq!(
        admin.load(Method::GET, &path, &[]).await.status,
        404,
        "not recorded yet"
    );
    let binary = "ID3\u{0}\u{ff}\u{80}";
    let data = json!({"_id": id, "name": "Ding", "extension": "mp3"});
    result(
        &method(
            &admin,
            "uploadCustomSound",
            json!([binary, "audio/mpeg", data]),
        )
        .await,
    );
    let played = admin.load(Method::GET, &path, &[]).await;
    assert_eq!(
        (played.status, &played.bytes[..]),
        (200, &b"ID3\0\xff\x80"[..])
    );
    assert_eq!(played.header("content-type"), "audio/mpeg");
    assert_eq!(played.header("x-content-type-options"), "nosniff");
    let same = [("if-none-match", played.header("etag"))];
    assert_eq!(admin.load(Method::GET, &path, &same).await.status, 304);

    let data = json!({"_id": id, "name": "Dong", "extension": "mp3", "previousName": "Ding"});
    assert_eq!(
        result(&method(&admin, "insertOrUpdateSound", json!([data])).await),
        json!(id)
    );
    result(
        &method(
            &admin,
            "insertOrUpdateSound",
            json!([{"name": "Ding", "extension": "ogg"}]),
        )
        .await,
    );
    let bob = admin.new_user("bob").await;
    let page = bob.get("custom-sounds.list?count=1").await.ok();
    assert_eq!(
        (&page["sounds"][0]["name"], &page["count"], &page["total"]),
        (&json!("Ding"), &json!(1), &json!(2))
    );
    let list = result(&method(&bob, "listCustomSounds", json!([])).await);
    assert_eq!(
        (&list[1]["name"], &list[1]["_id"], &list[1]["extension"]),
        (&json!("Dong"), &json!(id), &json!("mp3"))
    );
    let data = json!({"_id": id, "name": "Dong", "extension": "wav"});
    result(
        &method(
            &admin,
            "uploadCustomSound",
            json!(["RIFF", "audio/wav", data]),
        )
        .await,
    );
    assert_eq!(
        admin
            .load(Method::GET, &path, &[])
            .await
            .header("content-type"),
        "audio/wav"
    );
    assert_eq!(kept(&server), 1);

    assert_eq!(
        result(&method(&admin, "deleteCustomSound", json!([id])).await),
        json!(true)
    );
    assert_eq!(admin.load(Method::GET, &path, &[]).await.status, 404);
    assert_eq!(
        code(&admin, "deleteCustomSound", json!([id])).await,
        "Custom_Sound_Error_Invalid_Sound"
    );
    assert_eq!(kept(&server), 0);
}

#[tokio::test]
async fn sounds_have_their_rules() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let bob = admin.new_user("bob").await;
    let sound = |name: &str, extension: &str| json!([{"name": name, "extension": extension}]);
    let id = result(&method(&admin, "insertOrUpdateSound", sound("One", "mp3")).await);
    for (name, params) in [
        ("insertOrUpdateSound", sound("Two", "mp3")),
        (
            "uploadCustomSound",
            json!(["x", "audio/mpeg", {"_id": id, "extension": "mp3"}]),
        ),
        ("deleteCustomSound", json!([id])),
    ] {
        assert_eq!(code(&bob, name, params).await, "not_authorized", "{name}");
    }
    for (params, expected) in [
        (
            sound("one", "mp3"),
            "Custom_Sound_Error_Name_Already_In_Use",
        ),
        (sound(" ", "mp3"), "error-the-field-is-required"),
        (sound("a<b", "mp3"), "error-input-is-not-a-valid-field"),
        (sound("Two", "html"), "error-input-is-not-a-valid-field"),
        (
            json!([{"_id": "nothing", "name": "x"}]),
            "Custom_Sound_Error_Invalid_Sound",
        ),
    ] {
        assert_eq!(
            code(&admin, "insertOrUpdateSound", params.clone()).await,
            expected,
            "{params}"
        );
    }
    for binary in ["", "€"] {
        let params = json!([binary, "audio/mpeg", {"_id": id, "extension": "mp3"}]);
        assert_eq!(
            code(&admin, "uploadCustomSound", params).await,
            "Custom_Sound_Error_Invalid_Sound"
        );
    }
    let params = json!(["x", "audio/mpeg", {"_id": "nothing", "extension": "mp3"}]);
    assert_eq!(
        code(&admin, "uploadCustomSound", params).await,
        "Custom_Sound_Error_Invalid_Sound"
    );
    assert_eq!(kept(&server), 0);
    let client = server.client();
    assert_eq!(client.get("custom-sounds.list").await.status, 401);
    assert_eq!(
        client
            .load(Method::GET, "/custom-sounds/nothing.mp3", &[])
            .await
            .status,
        404
    );
}
