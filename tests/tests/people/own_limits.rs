//! How often people may change their address, their status and their clock.

use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::on_both_logs;
use tests::server::ServerOptions;

use crate::methods::{method, result};
use tests::sha256;

on_both_logs![the_clock_of_a_user_is_kept,];

/// Counts what people change, but not the calls they do it with.
fn counting() -> ServerOptions {
    ServerOptions::default()
        .env("TEST_MODE", "false")
        .env("OVERWRITE_SETTING_API_Enable_Rate_Limiter", "false")
}

async fn update(client: &Client, data: Value) -> Answer {
    client
        .post("users.updateOwnBasicInfo", json!({"data": data}))
        .await
}

/// The seconds to wait, out of the refusal.
#[track_caller]
fn wait(refused: &Value) -> u64 {
    let text = refused["error"].as_str().unwrap_or_default();
    let start = "Error, too many requests. Please slow down. You must wait ";
    let end = " seconds before trying again. [error-too-many-requests]";
    let seconds = text
        .strip_prefix(start)
        .and_then(|rest| rest.strip_suffix(end));
    assert_eq!(refused["errorType"], Value::Null, "{refused}");
    seconds
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or_else(|| panic!("{refused}"))
}

#[tokio::test]
async fn an_address_is_changed_once_a_minute() {
    let server = counting().start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let to =
        |address: &str| json!({"email": address, "currentPassword": sha256("password of ann")});
    update(&ann, to("one@example.org")).await.ok();
    let refused = update(&ann, to("two@example.org")).await.refused(429);
    assert!((1..=60).contains(&wait(&refused)));
    // Saying the one she has is no change.
    update(&ann, to("one@example.org")).await.ok();
    let me = ann.get("me").await.ok();
    assert_eq!(me["emails"][0]["address"], "one@example.org");
    // Administrators change addresses all day.
    for address in ["three@example.org", "four@example.org"] {
        let wish = json!({"userId": ann.user_id, "data": {"email": address}});
        admin.post("users.update", wish).await.ok();
    }
}

#[tokio::test]
async fn a_status_text_is_changed_five_times_a_minute() {
    let server = counting().start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let say = async |who: &Client, text: &str| {
        who.post("users.setStatus", json!({"message": text})).await
    };
    say(&ann, "1").await.ok();
    // Whatever the door, and what is the same does not count.
    update(&ann, json!({"statusText": "2"})).await.ok();
    update(&ann, json!({"statusText": "2"})).await.ok();
    for text in ["3", "4", "5"] {
        say(&ann, text).await.ok();
    }
    let refused = say(&ann, "6").await.refused(429);
    assert!((1..=60).contains(&wait(&refused)));
    let refused = method(&ann, "setUserStatus", json!(["online", "7"])).await;
    assert_eq!(refused["error"]["error"], "error-too-many-requests");
    assert_eq!(ann.get("me").await.ok()["statusText"], "5");
    say(&bob, "another's count").await.ok();
    for text in ["1", "2", "3", "4", "5", "6"] {
        say(&admin, text).await.ok();
    }
}

#[tokio::test]
async fn a_status_is_set_once_a_second_by_method() {
    let server = counting().start().await;
    let ann = server.admin().await.new_user("ann").await;
    // Two calls may just miss each other's second; of many in a row one is too soon.
    let mut refused = Value::Null;
    for _ in 0..50 {
        let answer = method(&ann, "setUserStatus", json!(["away"])).await;
        if answer["error"].is_object() {
            refused = answer["error"]["error"].clone();
            break;
        }
    }
    assert_eq!(refused, "too-many-requests");
}

async fn the_clock_of_a_user_is_kept(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    assert_eq!(ann.get("me").await.ok()["utcOffset"], json!(0), "unknown");
    for (given, shown) in [
        (json!(5.5), json!(5.5)),
        (json!(-3), json!(-3)),
        (json!(0), json!(0)),
        (json!(14), json!(14)),
    ] {
        let set = method(&ann, "userSetUtcOffset", json!([given])).await;
        assert_eq!(result(&set), json!(1), "{given}");
        assert_eq!(ann.get("me").await.ok()["utcOffset"], shown, "{given}");
    }
    let info = admin.get("users.info?username=ann").await.ok();
    assert_eq!(info["user"]["utcOffset"], json!(14));
    for wrong in [
        json!(["5"]),
        json!([]),
        json!([null]),
        json!([15]),
        json!([-12.5]),
        json!([{}]),
    ] {
        let refused = method(&ann, "userSetUtcOffset", wrong.clone()).await;
        assert_eq!(refused["error"]["errorType"], "Match.Error", "{wrong}");
    }
    assert_eq!(ann.get("me").await.ok()["utcOffset"], json!(14));
    let message = json!({"msg": "method", "id": "1", "method": "userSetUtcOffset", "params": [1]});
    let body = json!({"message": message.to_string()});
    let refused = server.client().post("method.callAnon/x", body).await;
    let refused = crate::methods::inside(refused);
    assert_eq!(refused["error"]["error"], "error-invalid-user");
}

#[tokio::test]
async fn a_clock_is_set_once_a_minute() {
    let server = counting().start().await;
    let ann = server.admin().await.new_user("ann").await;
    result(&method(&ann, "userSetUtcOffset", json!([1])).await);
    let refused = method(&ann, "userSetUtcOffset", json!([2])).await;
    assert_eq!(refused["error"]["error"], "too-many-requests");
    assert_eq!(ann.get("me").await.ok()["utcOffset"], json!(1));
}
