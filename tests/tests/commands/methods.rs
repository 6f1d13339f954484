//! Other methods that clients call beside commands.

use serde_json::{Value, json};
use tests::method::method;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use super::{guest, people, set};

on_both_logs![strangers_ask_about_channels_where_that_is_allowed];

async fn strangers_ask_about_channels_where_that_is_allowed(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, _) = people(&server).await;
    let hall = alice.make("channels", "hall", &[]).await;
    let den = alice.make("groups", "den", &[]).await;
    let anyone = server.client();
    let room = async |kind: &str, name: &str| {
        method(&anyone, "getRoomByTypeAndName", json!([kind, name])).await
    };
    let roles = async |room: &str| method(&anyone, "getRoomRoles", json!([room])).await;
    for name in ["hall", "den", "nowhere"] {
        let answer = room("c", name).await;
        assert_eq!(answer["error"]["error"], "error-invalid-user", "{name}");
    }
    for id in [&hall, &den] {
        assert_eq!(
            roles(id).await["error"]["error"],
            "error-invalid-user",
            "{id}"
        );
    }
    set(&admin, "Accounts_AllowAnonymousRead", Value::Bool(true)).await;
    assert_eq!(room("c", "hall").await["result"]["_id"], json!(hall));
    assert_eq!(room("c", &hall).await["result"]["name"], "hall");
    let unknown = room("c", "nowhere").await["error"].clone();
    assert_eq!(unknown["error"], "error-invalid-room");
    for (kind, name) in [("p", "den"), ("c", "den"), ("p", &den), ("p", "hall")] {
        assert_eq!(room(kind, name).await["error"], unknown, "{kind} {name}");
    }
    let held = roles(&hall).await["result"].clone();
    assert_eq!(held[0]["u"]["username"], "alice");
    assert_eq!(held[0]["roles"], json!(["owner"]));
    let unknown = roles("nowhere").await["error"].clone();
    assert_eq!(unknown["error"], "error-invalid-room");
    assert_eq!(roles(&den).await["error"], unknown);
    // A login changes nothing about what members see.
    let own = method(&alice.client, "getRoomByTypeAndName", json!(["p", "den"])).await;
    assert_eq!(own["result"]["_id"], json!(den));
    let own = method(&alice.client, "getRoomRoles", json!([den])).await;
    assert_eq!(own["result"][0]["u"]["username"], "alice");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_is_browsed() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    alice.make("channels", "hall", &["bob"]).await;
    alice.make("groups", "den", &[]).await;
    let browse = async |wish: Value| {
        let answer = method(&bob.client, "browseChannels", json!([wish])).await;
        assert!(answer["error"].is_null(), "{answer}");
        answer["result"].clone()
    };
    let names = |found: &Value, field: &str| -> Vec<String> {
        let results = found["results"].as_array().unwrap().iter();
        let name = |one: &Value| one[field].as_str().unwrap_or("").to_owned();
        results.map(name).collect()
    };
    let rooms = browse(json!({"page": 0})).await;
    assert_eq!(
        (names(&rooms, "name"), &rooms["total"]),
        (vec!["general".to_owned(), "hall".to_owned()], &json!(2))
    );
    assert!(rooms["results"][0]["ts"]["$date"].is_i64(), "{rooms}");
    let second = browse(json!({"page": 1, "limit": 1})).await;
    assert_eq!(names(&second, "name"), ["hall"]);
    let found = browse(json!({"text": "hal", "offset": 0, "workspace": "local"})).await;
    assert_eq!(names(&found, "name"), ["hall"]);
    let busiest =
        browse(json!({"offset": 0, "sortBy": "usersCount", "sortDirection": "desc"})).await;
    assert_eq!(names(&busiest, "name"), ["general", "hall"]);
    let people = browse(json!({"type": "users", "text": "bob", "page": 0})).await;
    assert_eq!(names(&people, "username"), ["bob"]);
    assert!(people["results"][0].get("emails").is_none(), "{people}");
    for nothing in [
        json!({}),
        json!({"page": "0"}),
        json!({"page": -1}),
        json!({"page": 0, "type": "secrets"}),
        json!({"page": 0, "sortBy": "joinCode"}),
        json!({"page": 0, "sortDirection": "up"}),
        json!({"page": 0, "text": {"$ne": 1}}),
        json!({"page": 0, "type": "users", "sortBy": "email"}),
    ] {
        assert_eq!(browse(nothing.clone()).await, Value::Null, "{nothing}");
    }
    let gregor = guest(&server, &admin).await;
    for kind in ["channels", "teams", "users"] {
        let wish = json!([{"page": 0, "type": kind}]);
        let answer = method(&gregor.client, "browseChannels", wish).await;
        assert_eq!(answer, json!({"msg": "result", "id": "1"}), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_here_is_refused_in_words() {
    let server = Server::start().await;
    let alice = server.admin().await.new_user("alice").await;
    for (name, params, error) in [
        (
            "sendFileMessage",
            json!(["GENERAL", "Uploads", {}, {}]),
            "This server takes no files for messages [error-file-upload-disabled]",
        ),
        (
            "deleteFileMessage",
            json!(["x"]),
            "This server takes no files for messages [error-file-upload-disabled]",
        ),
        (
            "snippetMessage",
            json!([{"_id": "x"}, "x"]),
            "Not allowed [error-not-allowed]",
        ),
        ("loadLocale", json!(["de"]), "Unknown language"),
        (
            "banner/dismiss",
            json!([{}]),
            "Match error: Missing key 'id'",
        ),
        (
            "getUserStatusText",
            json!([]),
            "Match error: Expected string, got undefined",
        ),
    ] {
        let answer = method(&alice, name, params).await;
        assert_eq!(answer["error"]["message"], error, "{name}");
    }
    let nobody = method(&alice, "getUserStatusText", json!(["nobody"])).await;
    assert_eq!(nobody["result"], "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_banner_is_dismissed_by_method() {
    let server = Server::start().await;
    let (admin, alice, _) = people(&server).await;
    let view = json!({"title": "Tea", "blocks": [{"type": "section"}]});
    let wish = json!({"platform": ["web"], "expireAt": "2040-01-01T00:00:00Z", "view": view});
    let banner = admin.client.post("banners.publish", wish).await.ok();
    let banner = banner["banner"]["_id"].clone();
    let shown = async || {
        let found = alice.client.get("banners?platform=web").await.ok();
        found["banners"].as_array().unwrap().len()
    };
    assert_eq!(shown().await, 1);
    let answer = method(&alice.client, "banner/dismiss", json!([{"id": banner}])).await;
    assert_eq!(answer, json!({"msg": "result", "id": "1"}));
    assert_eq!(shown().await, 0);
    let answer = method(&alice.client, "banner/dismiss", json!([{"id": "nowhere"}])).await;
    assert!(answer["error"].is_object(), "{answer}");
}
