//! Roles that demand a second factor give their rights only to those who have one.

use serde_json::{Value, json};
use tests::client::Client;
use tests::live::Live;
use tests::on_both_logs;
use tests::server::ServerOptions;

use super::second_factor::{code, enrol, strictly};
use crate::methods::{method, result};

on_both_logs![a_role_may_demand_a_second_factor,];

/// Makes a role demand a second factor, or not; the client must have the right to.
async fn demand(admin: &Client, role: &str, mandatory: bool) {
    let wish = json!({"roleId": role, "name": role, "scope": "Users", "mandatory2fa": mandatory});
    admin.post("roles.update", wish).await.ok();
}

async fn a_role_may_demand_a_second_factor(options: ServerOptions) {
    let server = leniently(options).start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let update = json!({"userId": ann.user_id, "data": {"roles": ["user", "admin"]}});
    admin.post("users.update", update).await.ok();
    ann.get("permissions.listAll").await.ok();
    let list = async |who: &Client| who.get("users.list?fields={\"emails\":1}").await.ok();
    assert!(list(&ann).await["users"][0]["emails"].is_array());
    let (secret, _) = enrol(&admin).await;
    demand(&admin, "admin", true).await;
    // Whoever has a factor goes on, everybody else as if they had not the role.
    assert!(list(&admin).await["users"][0]["emails"].is_array());
    assert!(list(&ann).await["users"][0]["emails"].is_null());
    let deactivate = json!({"userId": admin.user_id, "activeStatus": false});
    ann.post("users.setActiveStatus", deactivate)
        .await
        .refused(403);
    let change = json!({"value": "mine"});
    ann.post("settings/Site_Name", change).await.refused(403);
    // Logging in works, and shows clients what is wanted.
    let again = server.client().login("ann", "password of ann").await;
    let me = again.get("me").await.ok();
    assert_eq!(me["roles"], json!(["user", "admin"]));
    assert_eq!(me["services"]["totp"], Value::Null);
    let roles = again.get("roles.list").await.ok();
    let roles = roles["roles"].as_array().expect("roles").clone();
    let shown = roles.iter().find(|role| role["_id"] == "admin");
    assert_eq!(shown.map(|role| &role["mandatory2fa"]), Some(&json!(true)));
    // What is left is what the other role gives.
    let post = json!({"message": {"rid": "GENERAL", "msg": "hello"}});
    again.post("chat.sendMessage", post).await.ok();
    // Setting a factor up brings the rights back, at once and everywhere.
    enrol(&again).await;
    assert!(list(&again).await["users"][0]["emails"].is_array());
    // Without its demand, the role gives its rights to all who have it.
    let bob = admin.new_user("bob").await;
    let update = json!({"userId": bob.user_id, "data": {"roles": ["user", "admin"]}});
    let admin = admin
        .with_header("x-2fa-code", &code(&secret, 1))
        .with_header("x-2fa-method", "totp");
    admin.post("users.update", update).await.ok();
    assert!(list(&bob).await["users"][0]["emails"].is_null());
    demand(&admin, "admin", false).await;
    assert!(list(&bob).await["users"][0]["emails"].is_array());
}

/// Second factors count, but nobody is asked for the password again.
fn lenient() -> ServerOptions {
    leniently(ServerOptions::default())
}

/// The same with other options, too.
fn leniently(options: ServerOptions) -> ServerOptions {
    strictly(options).env(
        "OVERWRITE_SETTING_Accounts_TwoFactorAuthentication_Enforce_Password_Fallback",
        "false",
    )
}

#[tokio::test]
async fn nobody_reads_along_whose_only_role_demands_a_factor() {
    let server = lenient().start().await;
    let admin = server.admin().await;
    enrol(&admin).await;
    let ann = admin.new_user("ann").await;
    let token = json!({"tokenName": "bot"});
    let token = ann
        .post("users.generatePersonalAccessToken", token)
        .await
        .ok();
    let bot = ann.with_token(&ann.user_id, token["token"].as_str().unwrap());
    let history = "channels.history?roomId=GENERAL";
    let mut live = Live::connect(&server, &ann, None).await;
    live.subscribe(&["GENERAL"]).await;
    demand(&admin, "user", true).await;
    for who in [&ann, &bot] {
        assert_ne!(who.get(history).await.status, 200);
    }
    // The socket that was open learns of it.
    let frame = live.answer("unsubscribed").await;
    assert_eq!(
        (&frame["room"], &frame["data"]["code"]),
        (&json!("GENERAL"), &json!("access-ended"))
    );
    let mut fresh = Live::connect(&server, &ann, None).await;
    fresh
        .send(&json!({"subscribe": {"rooms": ["GENERAL"]}}))
        .await;
    let frame = fresh.next_frame(std::time::Duration::from_secs(20)).await;
    let frame = frame.expect("an answer");
    assert_eq!(
        (&frame["kind"], &frame["data"]["code"]),
        (&json!("error"), &json!("not-allowed"))
    );
    enrol(&ann).await;
    ann.get(history).await.ok();
    bot.get(history).await.ok();
}

#[tokio::test]
async fn nothing_is_demanded_where_nobody_can_set_a_factor_up() {
    let server = lenient().start().await;
    let admin = server.admin().await;
    let off = json!({"value": false});
    let path = "settings/Accounts_TwoFactorAuthentication_By_TOTP_Enabled";
    admin.post(path, off).await.ok();
    demand(&admin, "admin", true).await;
    // Mail would do, but there is no mail server.
    let fields = admin.get("users.list?fields={\"emails\":1}").await.ok();
    assert!(fields["users"][0]["emails"].is_array());
    result(&method(&admin, "getSetupWizardParameters", json!([])).await);
}
