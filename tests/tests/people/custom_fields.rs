//! Fields that administrators define, and what they write besides.

use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::methods::{method, result};
use crate::set;

on_both_logs![custom_fields_write_the_record,];

const SETTING: &str = "Accounts_CustomFields";

fn definition() -> Value {
    let fields = json!({
        "desk": {"type": "text", "public": true, "modifyRecordField": {"field": "extension"}},
        "team": {"type": "text", "modifyRecordField": {"field": "teamsOfOld", "array": true}},
        "salary": {"type": "text"},
    });
    json!(fields.to_string())
}

async fn record(admin: &Client, user: &Client) -> Value {
    let fields = r#"{"extension":1,"teamsOfOld":1,"roles":1,"customFields":1}"#;
    let query = format!(r#"{{"_id":"{}"}}"#, user.user_id);
    let list = admin
        .get(&format!("users.list?fields={fields}&query={query}"))
        .await
        .ok();
    list["users"][0].clone()
}

async fn custom_fields_write_the_record(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    set(&admin, SETTING, definition()).await;
    let ann = admin.new_user("ann").await;
    let save = async |fields: Value| {
        let wish = json!({"data": {}, "customFields": fields});
        ann.post("users.updateOwnBasicInfo", wish).await.ok()["user"].clone()
    };
    let saved = save(json!({"desk": "12", "team": "red"})).await;
    assert_eq!(
        (&saved["extension"], &saved["teamsOfOld"]),
        (&json!("12"), &json!(["red"]))
    );
    save(json!({"desk": "13", "team": "blue"})).await;
    save(json!({"desk": "13", "team": "red"})).await;
    let ann_now = record(&admin, &ann).await;
    assert_eq!(ann_now["extension"], "13", "a value replaces");
    assert_eq!(
        ann_now["teamsOfOld"],
        json!(["red", "blue"]),
        "a list grows"
    );
    assert_eq!(
        ann_now["customFields"],
        json!({"desk": "13", "team": "red"}),
        "the fields themselves"
    );
    assert_eq!(ann.get("me").await.ok()["extension"], "13");
    let seen = admin.get("users.info?username=ann").await.ok();
    assert_eq!(seen["user"]["extension"], "13");
    // The same when somebody is made, by somebody else, and by method.
    let wish = json!({"username": "bob", "name": "Bob", "email": "bob@example.org", "password": "x",
                      "customFields": {"desk": "7"}});
    let bob = admin.post("users.create", wish).await.ok()["user"].clone();
    assert_eq!(bob["extension"], "7");
    let update = json!({"userId": ann.user_id, "data": {"customFields": {"desk": "20"}}});
    let changed = admin.post("users.update", update).await.ok();
    assert_eq!(changed["user"]["extension"], "20");
    let saved = method(&ann, "saveUserProfile", json!([{}, {"desk": "21"}])).await;
    assert_eq!(result(&saved), json!(true));
    assert_eq!(record(&admin, &ann).await["extension"], "21");
}

#[tokio::test]
async fn what_the_server_keeps_is_not_theirs_to_write() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for field in [
        "roles",
        "services.password.bcrypt",
        "emails",
        "_id",
        "username",
        "type",
        "active",
    ] {
        let fields = json!({"a": {"modifyRecordField": {"field": field, "array": true}}});
        let body = json!({"value": fields.to_string()});
        let refused = admin
            .post(&format!("settings/{SETTING}"), body)
            .await
            .refused(400);
        let text = refused["error"].as_str().unwrap_or_default();
        assert!(text.contains(&format!("`{field}`")), "{refused}");
    }
    let setting = admin.get(&format!("settings/{SETTING}")).await.ok();
    assert_eq!(setting["value"], "", "nothing was saved");
}

#[tokio::test]
async fn the_environment_cannot_make_them_write_it_either() {
    let fields = json!({"rank": {"modifyRecordField": {"field": "roles", "array": true}}});
    let server = ServerOptions::default()
        .env(&format!("OVERWRITE_SETTING_{SETTING}"), fields.to_string())
        .start()
        .await;
    let ann = server.admin().await.new_user("ann").await;
    let wish = json!({"data": {}, "customFields": {"rank": "admin"}});
    ann.post("users.updateOwnBasicInfo", wish).await.ok();
    assert_eq!(ann.get("me").await.ok()["roles"], json!(["user"]));
    let wish = json!({"username": "eve", "name": "E", "email": "e@example.org", "password": "x"});
    ann.post("users.create", wish).await.refused(400);
}

#[tokio::test]
async fn only_public_fields_are_listed_for_everybody() {
    let server = Server::start().await;
    let admin = server.admin().await;
    set(&admin, SETTING, definition()).await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let wish = json!({"data": {}, "customFields": {"desk": "12", "salary": "90000"}});
    ann.post("users.updateOwnBasicInfo", wish).await.ok();
    let list = async |who: &Client, query: &str| {
        who.get(&format!(
            "users.list?fields={{\"customFields\":1}}&query={query}"
        ))
        .await
    };
    let anns = format!(r#"{{"_id":"{}"}}"#, ann.user_id);
    let seen = list(&bob, &anns).await.ok();
    assert_eq!(seen["users"][0]["customFields"], json!({"desk": "12"}));
    let seen = list(&admin, &anns).await.ok();
    assert_eq!(
        seen["users"][0]["customFields"],
        json!({"desk": "12", "salary": "90000"})
    );
    let refused = list(&bob, r#"{"customFields.salary":"90000"}"#)
        .await
        .refused(400);
    assert_eq!(
        refused["error"],
        "Invalid attribute: customFields.salary [error-invalid-query]"
    );
    let found = list(&bob, r#"{"customFields.desk":"12"}"#).await.ok();
    assert_eq!(found["total"], 1);
}
