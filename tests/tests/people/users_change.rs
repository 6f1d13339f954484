//! Changing accounts: those of others, and one's own.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::methods::{method, result};
use crate::set;

on_both_logs![
    administrators_change_accounts,
    a_new_name_is_everywhere,
    ones_own_address_and_password_need_the_password,
    ones_own_profile_by_method,
];

fn digest(password: &str) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(password.as_bytes()) {
        write!(hex, "{byte:02x}").expect("a text");
    }
    hex
}

async fn administrators_change_accounts(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let update = |data: Value| json!({"userId": ann.user_id, "data": data});
    let body = admin
        .post("users.update", update(json!({"name": " Anna ", "bio": "a bio", "nickname": "annie", "statusText": "s".repeat(130)})))
        .await
        .ok();
    let user = &body["user"];
    assert_eq!(
        (&user["name"], &user["bio"], &user["nickname"]),
        (&json!("Anna"), &json!("a bio"), &json!("annie"))
    );
    assert_eq!(user["statusText"].as_str().map(str::len), Some(120), "cut");
    // What is not sent stays, but for two.
    let body = admin
        .post(
            "users.update",
            update(json!({"email": "anna@example.org", "verified": true})),
        )
        .await
        .ok();
    let user = &body["user"];
    assert_eq!(
        (&user["name"], &user["bio"], &user["nickname"]),
        (&json!("Anna"), &Value::Null, &Value::Null)
    );
    assert_eq!(
        user["emails"],
        json!([{"address": "anna@example.org", "verified": true}])
    );
    // The old address is free.
    let wish = json!({"username": "bea", "name": "B", "email": "ann@example.org", "password": "x"});
    admin.post("users.create", wish).await.ok();

    ann.get("me").await.ok();
    admin
        .post("users.update", update(json!({"password": "new secret"})))
        .await
        .ok();
    ann.get("me").await.refused(401);
    let ann = server
        .client()
        .login("anna@example.org", "new secret")
        .await;
    admin
        .post(
            "users.update",
            update(json!({"requirePasswordChange": true})),
        )
        .await
        .ok();
    assert_eq!(
        ann.get("me").await.ok()["requirePasswordChange"],
        json!(true)
    );
    let set = method(&ann, "setUserPassword", json!(["yet another"])).await;
    assert_eq!(result(&set), json!(true));
    assert_eq!(
        ann.get("me").await.ok()["requirePasswordChange"],
        Value::Null
    );
    let again = method(&ann, "setUserPassword", json!(["and another"])).await;
    assert_eq!(again["error"]["error"], json!("error-not-allowed"));
    let ann = server.client().login("ann", "yet another").await;
    ann.get("me").await.ok();

    let body = admin
        .post("users.update", update(json!({"roles": ["user", "bot"]})))
        .await
        .ok();
    assert_eq!(body["user"]["roles"], json!(["user", "bot"]));
    let body = admin
        .post("users.update", update(json!({"active": false})))
        .await
        .ok();
    assert_eq!(body["user"]["active"], json!(false));
}

#[tokio::test]
async fn what_cannot_be_changed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let update = |data: Value| json!({"userId": ann.user_id, "data": data});
    for (data, code) in [
        (json!({"username": "BOB"}), "error-could-not-save-identity"),
        (
            json!({"username": "b o b"}),
            "error-could-not-save-identity",
        ),
        (json!({"username": "here"}), "error-blocked-username"),
        (json!({"name": ""}), "error-could-not-save-identity"),
        (
            json!({"email": "bob@example.org"}),
            "error-field-unavailable",
        ),
        (json!({"email": "nonsense"}), "error-invalid-email"),
        (json!({"bio": "b".repeat(261)}), "error-invalid-field"),
        (json!({"roles": ["nonsense"]}), "error-action-not-allowed"),
        (json!({"surplus": 1}), "invalid-params"),
    ] {
        let body = admin
            .post("users.update", update(data.clone()))
            .await
            .refused(400);
        assert_eq!(body["errorType"], json!(code), "{data}");
    }
    let body = admin
        .post("users.update", json!({"userId": "nobody", "data": {}}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], json!("error-invalid-user"));
    let body = bob
        .post("users.update", update(json!({"name": "x"})))
        .await
        .refused(400);
    assert_eq!(
        body["error"],
        json!("Editing user is not allowed [error-action-not-allowed]")
    );
    // Oneself, as far as the workspace allows.
    for (setting, data, text) in [
        (
            "Accounts_AllowUsernameChange",
            json!({"username": "anna"}),
            "Edit username is not allowed",
        ),
        (
            "Accounts_AllowRealNameChange",
            json!({"name": "Anna"}),
            "Edit user real name is not allowed",
        ),
        (
            "Accounts_AllowUserStatusMessageChange",
            json!({"statusText": "x"}),
            "Edit user status is not allowed",
        ),
        (
            "Accounts_AllowEmailChange",
            json!({"email": "x@example.org"}),
            "Edit user email is not allowed",
        ),
        (
            "Accounts_AllowUserProfileChange",
            json!({"bio": "x"}),
            "Edit user profile is not allowed",
        ),
    ] {
        set(&admin, setting, json!(false)).await;
        let body = ann.post("users.update", update(data)).await.refused(400);
        assert_eq!(
            body["error"],
            json!(format!("{text} [error-action-not-allowed]"))
        );
        assert_eq!(body["details"]["action"], json!("Update_user"));
        set(&admin, setting, json!(true)).await;
    }
    // Passwords and roles are not for everybody, the former silently.
    ann.post("users.update", update(json!({"password": "sneaky"})))
        .await
        .ok();
    let same = server.client().login("ann", "password of ann").await;
    same.get("me").await.ok();
    let body = ann
        .post("users.update", update(json!({"roles": ["admin"]})))
        .await
        .refused(400);
    assert_eq!(body["errorType"], json!("error-action-not-allowed"));
    ann.post("users.update", update(json!({"active": false})))
        .await
        .refused(403);
}

async fn a_new_name_is_everywhere(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let room = bob.post("im.create", json!({"username": "ann"})).await.ok()["room"]["rid"].clone();
    let post = json!({"message": {"rid": "GENERAL", "msg": "ask @ann or @annie"}});
    let told = bob.post("chat.sendMessage", post).await.ok()["message"]["_id"].clone();
    let own = json!({"message": {"rid": "GENERAL", "msg": "mine"}});
    let mine = ann.post("chat.sendMessage", own).await.ok()["message"]["_id"].clone();
    let created = ann
        .post("channels.create", json!({"name": "anns"}))
        .await
        .ok()["channel"]["_id"]
        .clone();
    let body = json!({"data": {"username": "anna", "name": "Anna Lee"}});
    let user = ann.post("users.updateOwnBasicInfo", body).await.ok()["user"].clone();
    assert_eq!(
        (&user["username"], &user["services"]),
        (&json!("anna"), &Value::Null)
    );
    let message = async |id: &Value| {
        let path = format!("chat.getMessage?msgId={}", id.as_str().unwrap_or_default());
        bob.get(&path).await.ok()["message"].clone()
    };
    let told = message(&told).await;
    assert_eq!(told["msg"], json!("ask @anna or @annie"));
    assert_eq!(told["mentions"][0]["username"], json!("anna"));
    assert_eq!(message(&mine).await["u"]["username"], json!("anna"));
    let place = bob
        .get(&format!(
            "subscriptions.getOne?roomId={}",
            room.as_str().unwrap()
        ))
        .await
        .ok();
    assert_eq!(
        (
            &place["subscription"]["name"],
            &place["subscription"]["fname"]
        ),
        (&json!("anna"), &json!("Anna Lee"))
    );
    let info = bob
        .get(&format!(
            "channels.info?roomId={}",
            created.as_str().unwrap()
        ))
        .await
        .ok();
    assert_eq!(info["channel"]["u"]["username"], json!("anna"));
    let ims = bob.get("im.list").await.ok();
    assert_eq!(ims["ims"][0]["usernames"], json!(["anna", "bob"]));
    // Only the case of one's own name may be another; others may have the old one.
    ann.post(
        "users.updateOwnBasicInfo",
        json!({"data": {"username": "Anna"}}),
    )
    .await
    .ok();
    let taken = bob
        .post(
            "users.updateOwnBasicInfo",
            json!({"data": {"username": "ANNA"}}),
        )
        .await
        .refused(400);
    assert_eq!(taken["errorType"], json!("error-could-not-save-identity"));
    bob.post(
        "users.updateOwnBasicInfo",
        json!({"data": {"username": "ann"}}),
    )
    .await
    .ok();
}

#[tokio::test]
async fn malformed_names_are_no_identity_of_ones_own_either() {
    let server = Server::start().await;
    let ann = server.admin().await.new_user("ann").await;
    for data in [json!({"username": "a n n"}), json!({"name": " "})] {
        let wish = json!({"data": data});
        let refused = ann
            .post("users.updateOwnBasicInfo", wish)
            .await
            .refused(400);
        assert_eq!(
            refused["error"], "Could not save user identity [error-could-not-save-identity]",
            "{data}"
        );
        assert_eq!(refused["details"]["method"], "saveUserIdentity");
    }
}

#[tokio::test]
async fn user_names_are_set_by_method_in_words_of_its_own() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (ann, _bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let set_name = async |name: &str| method(&ann, "setUsername", json!([name])).await;
    let invalid = set_name("a n n").await["error"].clone();
    assert_eq!(invalid["error"], "username-invalid");
    let taken = set_name("BOB").await["error"].clone();
    assert_eq!(
        (&taken["error"], &taken["reason"]),
        (
            &json!("error-field-unavailable"),
            &json!("BOB is already in use :(")
        )
    );
    set(&admin, "Accounts_AllowUsernameChange", json!(false)).await;
    assert_eq!(
        set_name("anna").await["error"]["error"],
        "error-not-allowed"
    );
    set(&admin, "Accounts_AllowUsernameChange", json!(true)).await;
    assert_eq!(
        result(&set_name(" Ann ").await),
        "Ann",
        "another case is fine"
    );
}

#[tokio::test]
async fn a_profile_is_saved_with_a_status() {
    let server = Server::start().await;
    let ann = server.admin().await.new_user("ann").await;
    let save = async |profile: Value| method(&ann, "saveUserProfile", json!([profile, {}])).await;
    let saved = save(json!({"statusText": "at lunch", "statusType": "busy"})).await;
    assert_eq!(result(&saved), json!(true));
    let me = ann.get("me").await.ok();
    assert_eq!(
        (&me["statusText"], &me["statusDefault"]),
        (&json!("at lunch"), &json!("busy"))
    );
    let refused = save(json!({"statusText": "gone", "statusType": "nowhere"})).await;
    assert_eq!(refused["error"]["error"], "error-invalid-status");
    assert_eq!(ann.get("me").await.ok()["statusText"], "at lunch");
}

#[tokio::test]
async fn the_fields_wanted_stand_in_the_query_string() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let wish = json!({"username": "ann", "name": "Ann", "email": "ann@example.org", "password": "x",
                      "fields": "{\"type\":1}"});
    let made = admin
        .post("users.create?fields={\"username\":1}", wish)
        .await
        .ok();
    let keys = |user: &Value| -> Vec<String> {
        let fields = user.as_object().expect("a user");
        fields.keys().cloned().collect()
    };
    assert_eq!(keys(&made["user"]), ["_id", "username"]);
    let update = json!({"userId": made["user"]["_id"], "data": {"name": "Anna"}});
    let path = "users.update?fields={\"name\":1}";
    let updated = admin.post(path, update.clone()).await.ok();
    assert_eq!(keys(&updated["user"]), ["_id", "name"]);
    let wish = json!({"username": "bob", "name": "Bob", "email": "bob@example.org", "pass": "x"});
    let path = "users.register?fields={\"username\":1,\"emails\":1}";
    let signed_up = server.client().post(path, wish).await.ok();
    let told = keys(&signed_up["user"]);
    assert_eq!(told, ["_id", "username"], "and no more than they may see");
    let refused = admin
        .post("users.update?fields={", update)
        .await
        .refused(400);
    assert_eq!(refused["errorType"], "error-invalid-fields");
}

async fn ones_own_address_and_password_need_the_password(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let right = digest("password of ann");
    let save = async |data: Value| {
        ann.post("users.updateOwnBasicInfo", json!({"data": data}))
            .await
    };
    for data in [
        json!({"email": "new@example.org"}),
        json!({"newPassword": "new secret"}),
    ] {
        let body = save(data.clone()).await.refused(400);
        assert_eq!(body["errorType"], json!("totp-required"));
        assert_eq!(body["details"]["method"], json!("password"));
        let mut wrong = data.clone();
        wrong["currentPassword"] = json!(digest("guess"));
        let body = save(wrong).await.refused(400);
        assert_eq!(
            (&body["errorType"], &body["details"]["method"]),
            (&json!("totp-invalid"), &json!("password"))
        );
    }
    // The address one has is no change.
    save(json!({"email": "ann@example.org", "nickname": "annie"}))
        .await
        .ok();
    let body = save(json!({"email": "new@example.org", "currentPassword": right}))
        .await
        .ok();
    assert_eq!(
        body["user"]["emails"],
        json!([{"address": "new@example.org", "verified": false}])
    );

    let body = save(json!({"newPassword": "password of ann", "currentPassword": right}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], json!("error-password-same-as-current"));
    let other = server.client().login("ann", "password of ann").await;
    save(json!({"newPassword": "second secret", "currentPassword": right}))
        .await
        .ok();
    ann.get("me").await.ok();
    other.get("me").await.refused(401);
    let right = digest("second secret");
    let back = json!({"newPassword": "password of ann", "currentPassword": right});
    set(&admin, "Accounts_Password_History_Enabled", json!(true)).await;
    let body = save(back.clone()).await.refused(400);
    assert_eq!(body["errorType"], json!("error-password-in-history"));
    set(&admin, "Accounts_Password_History_Amount", json!(0)).await;
    save(back).await.ok();
    let right = digest("password of ann");
    set(&admin, "Accounts_AllowPasswordChange", json!(false)).await;
    let body = save(json!({"newPassword": "third secret", "currentPassword": right}))
        .await
        .refused(400);
    assert_eq!(
        body["error"],
        json!("Edit user password is not allowed [error-action-not-allowed]")
    );
    set(&admin, "Accounts_AllowUserProfileChange", json!(false)).await;
    let body = save(json!({"name": "x"})).await.refused(400);
    assert_eq!(body["errorType"], json!("error-not-allowed"));
    let body = save(json!({"surplus": "x"})).await.refused(400);
    assert_eq!(body["errorType"], json!("invalid-params"));
}

async fn ones_own_profile_by_method(options: ServerOptions) {
    let server = options.start().await;
    let ann = server.admin().await.new_user("ann").await;
    let fields = json!({"realname": "Anna", "bio": "words", "nickname": "annie", "statusText": "here", "username": "ann",
        "email": "new@example.org", "typedPassword": digest("password of ann")});
    let saved = method(&ann, "saveUserProfile", json!([fields, {}])).await;
    assert_eq!(result(&saved), json!(true));
    let me = ann.get("me").await.ok();
    assert_eq!(
        (&me["name"], &me["bio"], &me["nickname"], &me["statusText"]),
        (
            &json!("Anna"),
            &json!("words"),
            &json!("annie"),
            &json!("here")
        )
    );
    assert_eq!(me["emails"][0]["address"], json!("new@example.org"));
    let refused = method(
        &ann,
        "saveUserProfile",
        json!([{"newPassword": "x y z"}, {}]),
    )
    .await;
    assert_eq!(refused["error"]["error"], json!("totp-required"));
}
