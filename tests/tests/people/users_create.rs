//! Making accounts for others.

use serde_json::{Value, json};
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::set;

on_both_logs![
    accounts_are_made_for_others,
    administrators_are_made_with_care,
    custom_fields_are_checked_and_kept,
];

fn bob() -> Value {
    json!({"username": "bob", "name": "Bob", "email": "bob@example.org", "password": "secret word"})
}

fn with(mut base: Value, more: &Value) -> Value {
    if let (Some(base), Some(more)) = (base.as_object_mut(), more.as_object()) {
        base.extend(more.clone());
    }
    base
}

async fn accounts_are_made_for_others(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let wish = with(
        bob(),
        &json!({"bio": " a bio ", "nickname": "bobby", "statusText": "ignored", "verified": true}),
    );
    let user = admin.post("users.create", wish).await.ok()["user"].clone();
    assert_eq!(
        (
            &user["username"],
            &user["bio"],
            &user["nickname"],
            &user["active"],
            &user["type"]
        ),
        (
            &json!("bob"),
            &json!("a bio"),
            &json!("bobby"),
            &json!(true),
            &json!("user")
        )
    );
    assert_eq!(user["statusText"], Value::Null);
    assert_eq!(
        user["emails"],
        json!([{"address": "bob@example.org", "verified": true}])
    );
    assert_eq!(user["roles"], json!(["user"]));
    assert_eq!(user["services"], Value::Null);
    let bob = server.client().login("bob", "secret word").await;
    let general = bob.get("channels.list.joined").await.ok();
    assert_eq!(general["channels"][0]["_id"], json!("GENERAL"));

    let apart = json!({"username": "eve", "name": "Eve", "email": "eve@example.org", "password": "x",
        "joinDefaultChannels": false, "requirePasswordChange": true, "roles": ["user", "bot"]});
    let eve = admin.post("users.create", apart).await.ok()["user"].clone();
    assert_eq!(eve["roles"], json!(["user", "bot"]));
    assert_eq!(eve["requirePasswordChange"], json!(true));
    let eve = server.client().login("eve", "x").await;
    assert_eq!(eve.get("rooms.get").await.ok()["update"], json!([]));

    let random = json!({"username": "ann", "name": "Ann", "email": "ann@example.org", "password": "sent",
        "setRandomPassword": true});
    let ann = admin.post("users.create", random).await.ok()["user"].clone();
    assert_eq!(ann["requirePasswordChange"], json!(true));
    let login = json!({"user": "ann", "password": "sent"});
    server.client().post("login", login).await.refused(401);
}

#[tokio::test]
async fn what_an_account_cannot_be() {
    let server = Server::start().await;
    let admin = server.admin().await;
    admin.post("users.create", bob()).await.ok();
    let other = json!({"username": "other", "email": "other@example.org"});
    let base = with(bob(), &other);
    for (change, code, text) in [
        (
            json!({"username": " "}),
            "error-the-field-is-required",
            "The field Username is required",
        ),
        (
            json!({"name": ""}),
            "error-the-field-is-required",
            "The field Name is required",
        ),
        (
            json!({"password": ""}),
            "error-the-field-is-required",
            "The field Password is required",
        ),
        (
            json!({"username": "a b"}),
            "error-input-is-not-a-valid-field",
            "a b is not a valid username",
        ),
        (
            json!({"username": "admin"}),
            "error-blocked-username",
            "admin is blocked and can't be used!",
        ),
        (
            json!({"username": "All"}),
            "error-blocked-username",
            "All is blocked and can't be used!",
        ),
        (
            json!({"username": "BOB"}),
            "error-field-unavailable",
            "BOB is already in use :(",
        ),
        (
            json!({"email": "BOB@example.org"}),
            "error-field-unavailable",
            "BOB@example.org is already in use :(",
        ),
        (
            json!({"email": "nonsense"}),
            "error-invalid-email",
            "Invalid email nonsense",
        ),
        (
            json!({"email": "x@mailinator.com"}),
            "error-email-domain-blacklisted",
            "The email domain is blacklisted",
        ),
        (
            json!({"roles": ["nobody"]}),
            "error-action-not-allowed",
            "The field Roles consist invalid role id",
        ),
        (
            json!({"bio": "b".repeat(261)}),
            "error-invalid-field",
            "bio",
        ),
        (
            json!({"nickname": "n".repeat(121)}),
            "error-invalid-field",
            "nickname",
        ),
        (
            json!({"surplus": 1}),
            "invalid-params",
            "must NOT have additional properties",
        ),
    ] {
        let body = admin
            .post("users.create", with(base.clone(), &change))
            .await
            .refused(400);
        assert_eq!(body["errorType"], json!(code), "{change}");
        assert_eq!(body["error"], json!(format!("{text} [{code}]")), "{change}");
    }
    let missing = json!({"username": "x", "name": "X", "password": "x"});
    let body = admin.post("users.create", missing).await.refused(400);
    assert_eq!(
        body["error"],
        json!("must have required property 'email' [invalid-params]")
    );
    let plain = server.client().login("bob", "secret word").await;
    let body = plain.post("users.create", base.clone()).await.refused(400);
    assert_eq!(
        body["error"],
        json!("Adding user is not allowed [error-action-not-allowed]")
    );

    set(&admin, "Accounts_AllowedDomainsList", json!("example.com")).await;
    let body = admin.post("users.create", base.clone()).await.refused(400);
    assert_eq!(body["errorType"], json!("error-invalid-domain"));
    set(&admin, "Accounts_AllowedDomainsList", json!("")).await;
    set(&admin, "Accounts_BlockedDomainsList", json!("example.org")).await;
    let body = admin.post("users.create", base).await.refused(400);
    assert_eq!(body["errorType"], json!("error-email-domain-blacklisted"));
}

async fn administrators_are_made_with_care(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let helper = admin.new_user("helper").await;
    admin
        .post(
            "permissions.update",
            json!({"permissions": [{"_id": "create-user", "roles": ["user"]}]}),
        )
        .await
        .ok();
    let wish = with(bob(), &json!({"roles": ["admin"]}));
    let body = helper.post("users.create", wish).await.refused(400);
    assert_eq!(
        body["error"],
        json!("Assigning admin is not allowed [error-action-not-allowed]")
    );
    let wish = with(bob(), &json!({"active": true}));
    helper.post("users.create", wish).await.refused(403);
    let user = helper.post("users.create", bob()).await.ok()["user"].clone();
    assert_eq!(
        user["emails"],
        Value::Null,
        "who cannot see addresses is not told of them"
    );
    assert_eq!(user["username"], json!("bob"));
}

async fn custom_fields_are_checked_and_kept(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let fields = |fields: Value| with(bob(), &json!({"customFields": fields}));
    // Without a definition nothing is kept.
    let loose = json!({"username": "free", "name": "F", "email": "f@example.org", "password": "x",
        "customFields": {"any": "thing"}});
    let user = admin.post("users.create", loose).await.ok()["user"].clone();
    assert_eq!(user["customFields"], Value::Null);
    set(&admin, "Accounts_CustomFields", json!("{broken")).await;
    let body = admin
        .post("users.create", fields(json!({})))
        .await
        .refused(400);
    assert_eq!(body["errorType"], json!("error-invalid-customfield-json"));
    let definition = json!({
        "team": {"type": "text", "required": true, "minLength": 2, "maxLength": 4, "public": true},
        "desk": {"type": "select", "options": ["north", "south"]},
    });
    set(
        &admin,
        "Accounts_CustomFields",
        json!(definition.to_string()),
    )
    .await;
    for (sent, text) in [
        (json!({}), "Field team is required"),
        (json!({"team": "a"}), "Min length of field team 2"),
        (json!({"team": "abcde"}), "Max length of field team 4"),
        (json!({"team": 7}), "Value for field team is invalid"),
        (
            json!({"team": "abc", "desk": "west"}),
            "Value for field desk is invalid",
        ),
    ] {
        let body = admin.post("users.create", fields(sent)).await.refused(400);
        assert_eq!(
            body["error"],
            json!(format!("{text} [error-user-registration-custom-field]"))
        );
    }
    let kept = fields(json!({"team": "abc", "desk": "north", "more": "x"}));
    let user = admin.post("users.create", kept).await.ok()["user"].clone();
    assert_eq!(
        user["customFields"],
        json!({"team": "abc", "desk": "north"})
    );
    // Others see public ones only.
    let free = server.client().login("free", "x").await;
    let seen = free.get("users.info?username=bob").await.ok()["user"].clone();
    assert_eq!(seen["customFields"], json!({"team": "abc"}));
    let bob = server.client().login("bob", "secret word").await;
    assert_eq!(
        bob.get("me").await.ok()["customFields"]["desk"],
        json!("north")
    );
    let body = json!({"data": {}, "customFields": {"team": "xyz"}});
    bob.post("users.updateOwnBasicInfo", body).await.ok();
    assert_eq!(
        bob.get("me").await.ok()["customFields"],
        json!({"team": "xyz"}),
        "the whole set is replaced"
    );
}

#[tokio::test]
async fn a_name_is_needed_where_the_workspace_says_so_and_a_password_unless_one_is_made_up() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let wish = |name: &str, more: &str| {
        let mut wish = json!({"username": name, "name": name, "password": "x",
                              "email": format!("{name}@example.org")});
        wish[more] = json!("");
        wish
    };
    let mut made_up = wish("ann", "password");
    made_up["setRandomPassword"] = json!(true);
    let ann = admin.post("users.create", made_up).await.ok();
    assert_eq!(ann["user"]["requirePasswordChange"], json!(true));
    admin
        .post("users.create", wish("bob", "name"))
        .await
        .refused(400);
    crate::set(&admin, "Accounts_RequireNameForSignUp", json!(false)).await;
    let bob = admin.post("users.create", wish("bob", "name")).await.ok();
    assert_eq!(bob["user"].get("name"), None);
}
