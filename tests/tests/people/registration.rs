//! Signing up.

use domain::claim::{self, NameClaimed, NameKind};
use domain::user::{self, Email, UserCreated, UserEvent, UserImported, UserKind};
use domain::{RoleId, Timestamp, UserId};
use eventstore::{Batch, Cause, CorrelationId, Expected, NewEvent, StreamAppend};
use serde_json::{Value, json};
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::methods::{method, result};
use crate::set;

on_both_logs![
    the_first_who_signs_up_becomes_administrator,
    signing_up_can_be_closed_secret_or_approved,
    signing_up_by_method,
];

fn ann() -> Value {
    json!({"username": "ann", "name": "Ann Lee", "email": "ann@example.org", "pass": "secret word"})
}

fn but(field: &str, value: Value) -> Value {
    let mut wish = ann();
    wish[field] = value;
    wish
}

async fn the_first_who_signs_up_becomes_administrator(options: ServerOptions) {
    let server = options.without_admin().start().await;
    let anyone = server.client();
    let user = anyone.post("users.register", ann()).await.ok()["user"].clone();
    assert_eq!(
        (&user["username"], &user["active"]),
        (&json!("ann"), &json!(true))
    );
    for hidden in ["emails", "roles", "createdAt", "services", "settings"] {
        assert_eq!(user[hidden], Value::Null, "{hidden}");
    }
    let ann = anyone.login("ann", "secret word").await;
    let me = ann.get("me").await.ok();
    assert_eq!(me["roles"], json!(["user", "admin"]));
    assert_eq!(
        me["emails"],
        json!([{"address": "ann@example.org", "verified": false}])
    );
    assert_eq!(me["email"], Value::Null, "no verified address");
    assert_eq!(
        me["settings"]["preferences"]["desktopNotifications"],
        json!("all")
    );
    assert!(
        me["avatarUrl"]
            .as_str()
            .unwrap_or_default()
            .ends_with("/avatar/ann")
    );
    let wizard = ann.get("settings/Show_Setup_Wizard").await.ok();
    assert_eq!(wizard["value"], json!("in_progress"));
    let history = ann.get("channels.history?roomId=GENERAL").await.ok();
    assert_eq!(history["messages"][0]["t"], json!("uj"));

    let second = json!({"username": "bea", "name": "Bea", "email": "bea@example.org", "pass": "x"});
    anyone.post("users.register", second).await.ok();
    let bea = anyone.login("bea", "x").await;
    assert_eq!(bea.get("me").await.ok()["roles"], json!(["user"]));
    let cat = bea.get("users.info?username=rocket.cat").await.ok();
    assert_eq!(cat["user"]["type"], json!("bot"));
}

#[tokio::test]
async fn signing_up_has_rules() {
    let server = Server::start().await;
    let anyone = server.client();
    anyone.post("users.register", ann()).await.ok();
    let refused = async |wish: Value| anyone.post("users.register", wish).await.refused(400);
    let body = refused(but("username", json!("ANN"))).await;
    assert_eq!(body["error"], json!("Username is already in use"));
    assert_eq!(body["errorType"], Value::Null);
    let body = refused(but("username", json!("bea"))).await;
    assert_eq!(
        (&body["error"], &body["errorType"]),
        (&json!("Email already exists. [403]"), &json!(403))
    );
    let other = json!({"username": "bea", "name": "Bea", "email": "bea@example.org", "pass": "x"});
    let with = |field: &str, value: Value| {
        let mut wish = other.clone();
        wish[field] = value;
        wish
    };
    for (wish, code) in [
        (with("username", json!("system")), "error-blocked-username"),
        (
            with("username", json!("b e a")),
            "error-input-is-not-a-valid-field",
        ),
        (with("email", json!("bea")), "error-invalid-email"),
        (with("pass", json!("  ")), "error-password-policy-not-met"),
        (with("username", json!("be")), "invalid-params"),
        (with("more", json!(1)), "invalid-params"),
    ] {
        assert_eq!(
            refused(wish.clone()).await["errorType"],
            json!(code),
            "{wish}"
        );
    }
    let mut nameless = other.clone();
    nameless.as_object_mut().unwrap().remove("name");
    let body = refused(nameless).await;
    assert!(
        body["error"]
            .as_str()
            .unwrap_or_default()
            .starts_with("Match error"),
        "{body}"
    );

    let admin = server.admin().await;
    set(&admin, "Accounts_Password_Policy_Enabled", json!(true)).await;
    for (password, rule) in [
        ("aB1!", "minLength"),
        ("aaaaB1!xy", "repeatingCharacters"),
        ("ABCDEF1!", "oneLowercase"),
        ("abcdef1!", "oneUppercase"),
        ("abcdefG!", "oneNumber"),
        ("abcdefG1", "oneSpecial"),
    ] {
        let body = refused(with("pass", json!(password))).await;
        assert_eq!(
            body["errorType"],
            json!(format!("error-password-policy-not-met-{rule}"))
        );
    }
    anyone
        .post("users.register", with("pass", json!("abcdG1!x")))
        .await
        .ok();
}

async fn signing_up_can_be_closed_secret_or_approved(options: ServerOptions) {
    let server = options.start().await;
    let (admin, anyone) = (server.admin().await, server.client());
    set(&admin, "Accounts_RegistrationForm", json!("Disabled")).await;
    let body = anyone.post("users.register", ann()).await.refused(400);
    assert_eq!(body["errorType"], json!("error-user-registration-disabled"));
    set(&admin, "Accounts_RegistrationForm", json!("Secret URL")).await;
    set(
        &admin,
        "Accounts_RegistrationForm_SecretURL",
        json!("open sesame"),
    )
    .await;
    for wish in [ann(), but("secret", json!("open barley"))] {
        let body = anyone.post("users.register", wish).await.refused(400);
        assert_eq!(body["errorType"], json!("error-user-registration-secret"));
    }
    for (secret, right) in [("open sesame", true), ("x", false)] {
        let message = json!({"msg": "method", "id": "1", "method": "checkRegistrationSecretURL", "params": [secret]});
        let body = json!({"message": message.to_string()});
        let answer = anyone
            .post("method.callAnon/checkRegistrationSecretURL", body)
            .await;
        assert_eq!(result(&crate::methods::inside(answer)), json!(right));
    }
    anyone
        .post("users.register", but("secret", json!("open sesame")))
        .await
        .ok();

    set(&admin, "Accounts_RegistrationForm", json!("Public")).await;
    set(&admin, "Accounts_ManuallyApproveNewUsers", json!(true)).await;
    let wish = json!({"username": "bea", "name": "Bea", "email": "bea@example.org", "pass": "x",
        "reason": "friends are here"});
    let user = anyone.post("users.register", wish).await.ok()["user"].clone();
    assert_eq!(
        (&user["active"], &user["reason"]),
        (&json!(false), &json!("friends are here"))
    );
    let body = anyone
        .post("login", json!({"user": "bea", "password": "x"}))
        .await
        .refused(401);
    assert_eq!(body["error"], json!("error-user-is-not-activated"));
    let approve = json!({"userId": user["_id"], "activeStatus": true});
    admin.post("users.setActiveStatus", approve).await.ok();
    let bea = anyone.login("bea", "x").await;
    assert_eq!(
        bea.get("users.info?username=bea").await.ok()["user"]["reason"],
        Value::Null
    );
}

#[tokio::test]
async fn domains_without_mail_are_refused_where_that_is_wanted() {
    let server = Server::start().await;
    let admin = server.admin().await;
    set(&admin, "Accounts_UseDNSDomainCheck", json!(true)).await;
    // `invalid` exists nowhere (RFC 2606), and without name servers no domain counts as one that takes mail.
    let wish = but("email", json!("ann@nothing.invalid"));
    let body = server
        .client()
        .post("users.register", wish)
        .await
        .refused(400);
    assert_eq!(
        body["error"],
        json!("Invalid domain nothing.invalid [error-invalid-domain]")
    );
}

#[tokio::test]
async fn one_a_minute_signs_up_from_one_address() {
    let server = ServerOptions::default()
        .env("TEST_MODE", "false")
        .start()
        .await;
    let anyone = server.client();
    anyone.post("users.register", ann()).await.ok();
    let body = anyone
        .post("users.register", but("username", json!("bea")))
        .await
        .refused(429);
    assert!(
        body["error"]
            .as_str()
            .unwrap_or_default()
            .contains("error-too-many-requests"),
        "{body}"
    );
}

#[tokio::test]
async fn names_are_suggested_and_checked() {
    let server = Server::start().await;
    let admin = server.admin().await;
    admin.new_user("jo.ann.smith").await;
    let wish = json!({"username": "taken", "name": "Jo Ann Smith", "email": "js@example.org", "password": "x",
        "verified": true});
    admin.post("users.create", wish).await.ok();
    let user = server.client().login("taken", "x").await;
    assert_eq!(
        user.get("users.getUsernameSuggestion").await.ok()["result"],
        json!("jsmith")
    );
    let check = async |name: &str| {
        let path = format!("users.checkUsernameAvailability?username={name}");
        user.get(&path).await.ok()["result"].clone()
    };
    assert_eq!(check("fresh").await, json!(true));
    assert_eq!(check("TAKEN").await, json!(true), "one's own");
    assert_eq!(check("Jo.Ann.Smith").await, json!(false));
    assert_eq!(check("all").await, json!(false));
    user.get("users.checkUsernameAvailability")
        .await
        .refused(400);
    let checked = method(&user, "checkUsernameAvailability", json!(["fresh"])).await;
    assert_eq!(result(&checked), json!(true));
    for name in ["users.getUsernameSuggestion", "users.getAvatarSuggestion"] {
        server.client().get(name).await.refused(401);
    }
    assert_eq!(
        user.get("users.getAvatarSuggestion").await.ok()["suggestions"],
        json!({})
    );
}

async fn signing_up_by_method(options: ServerOptions) {
    let server = options.start().await;
    let anyone = server.client();
    let call = async |params: Value| {
        let message =
            json!({"msg": "method", "id": "1", "method": "registerUser", "params": [params]});
        let body = json!({"message": message.to_string()});
        crate::methods::inside(anyone.post("method.callAnon/registerUser", body).await)
    };
    let wish = json!({"name": "Ann Lee", "email": "al@example.org", "pass": "secret word"});
    let id = result(&call(wish.clone()).await);
    let again = call(wish).await;
    assert_eq!(again["error"]["error"], json!(403), "{again}");
    let ann = anyone.login("al@example.org", "secret word").await;
    assert_eq!(json!(ann.user_id), id);
    assert_eq!(ann.get("me").await.ok()["username"], json!("ann.lee"));
    let renamed = method(&ann, "setUsername", json!(["ann"])).await;
    assert_eq!(result(&renamed), json!("ann"));
    let taken = method(&ann, "setUsername", json!(["admin"])).await;
    assert_eq!(taken["error"]["error"], json!("error-blocked-username"));
    // Anonymous people get an account where they may write.
    let admin = server.admin().await;
    set(&admin, "Accounts_AllowAnonymousRead", json!(true)).await;
    set(&admin, "Accounts_AllowAnonymousWrite", json!(true)).await;
    let made = result(&call(json!({})).await);
    let login = anyone
        .post("login", json!({"resume": made["token"]}))
        .await
        .ok();
    assert_eq!(login["data"]["me"]["roles"], json!(["anonymous"]));
    assert!(made["when"]["$date"].is_i64());
}

/// An account as an import leaves it: with names, without a password.
fn imported(name: &str) -> Vec<StreamAppend> {
    let (id, at) = (UserId::new(name), Timestamp::from_millis(1));
    let address = format!("{name}@example.org");
    let made = UserCreated {
        user: id.clone(),
        kind: UserKind::User,
        username: name.to_owned(),
        name: Some("Imported".to_owned()),
        emails: vec![Email {
            address: address.clone(),
            verified: true,
        }],
        password: None,
        roles: vec![RoleId::new("user")],
        active: true,
        require_password_change: false,
        reason: None,
        custom_fields: None,
        bio: Some("from afar".to_owned()),
        nickname: None,
        at,
    };
    let ids = vec!["17".to_owned()];
    let user = id.clone();
    let events: [UserEvent; 2] = [made.into(), UserImported { user, ids, at }.into()];
    let account = StreamAppend {
        stream: user::stream(&id),
        expected: Expected::NoStream,
        events: events
            .map(|event| NewEvent::encode(&event).unwrap())
            .to_vec(),
    };
    let names = [(NameKind::Username, name), (NameKind::Email, &address)];
    let names = names.map(|(kind, name)| {
        let owner = id.as_str().to_owned();
        let taken = claim::ClaimEvent::from(NameClaimed { kind, owner, at });
        StreamAppend {
            stream: claim::stream(kind, name),
            expected: Expected::NoStream,
            events: vec![NewEvent::encode(&taken).unwrap()],
        }
    });
    [account].into_iter().chain(names).collect()
}

/// A server in whose log these accounts were imported.
async fn with_imported(names: &[&str]) -> Server {
    let mut server = Server::start().await;
    server.stop().await;
    let log = tests::log::open(&server).await;
    for name in names {
        let cause = Cause {
            actor: UserId::system(),
            correlation_id: CorrelationId::fresh(),
            causation_id: None,
        };
        let appends = imported(name);
        log.append(Batch { cause, appends }).await.unwrap();
    }
    log.close().await;
    drop(log);
    server.restart().await;
    server
}

#[tokio::test]
async fn an_imported_account_is_claimed_by_whoever_has_its_address() {
    let server = with_imported(&["ann", "bob", "cat"]).await;
    let anyone = server.client();
    let wish = |username: &str, address: &str| json!({"username": username, "name": "Ann Lee", "email": address, "pass": "mine"});
    // Its name is its own, and whoever claims it may have another.
    let body = anyone
        .post("users.register", wish("ann", "dan@example.org"))
        .await
        .refused(400);
    assert_eq!(body["error"], "Username is already in use");
    let claimed = anyone
        .post("users.register", wish("ann.lee", "ANN@example.org"))
        .await
        .ok();
    assert_eq!(claimed["user"]["_id"], "ann", "the same account");
    let ann = anyone.login("ann.lee", "mine").await;
    let me = ann.get("me").await.ok();
    assert_eq!(
        (&me["_id"], &me["name"], &me["bio"]),
        (&json!("ann"), &json!("Ann Lee"), &json!("from afar"))
    );
    let unproved = json!([{"address": "ANN@example.org", "verified": false}]);
    assert_eq!(me["emails"], unproved);
    assert_eq!(me.get("importIds"), None);
    // Once: then the address is somebody's, logged in or not.
    let same = wish("bob", "bob@example.org");
    anyone.post("users.register", same).await.ok();
    for address in ["ann@example.org", "bob@example.org"] {
        let body = anyone
            .post("users.register", wish("eve", address))
            .await
            .refused(400);
        assert_eq!(body["error"], "Email already exists. [403]", "{address}");
    }
    // The old name of the first is free, and by method a claimed account keeps its name.
    let fay = wish("ann", "fay@example.org");
    anyone.post("users.register", fay).await.ok();
    let wish = json!({"name": "Cat", "email": "cat@example.org", "pass": "mine"});
    let message = json!({"msg": "method", "id": "1", "method": "registerUser", "params": [wish]});
    let body = json!({"message": message.to_string()});
    let id = crate::methods::inside(anyone.post("method.callAnon/registerUser", body).await);
    assert_eq!(result(&id), "cat");
    anyone.login("cat", "mine").await.get("me").await.ok();
}

#[tokio::test]
async fn who_cannot_sign_up_claims_nothing() {
    let server = with_imported(&["ann"]).await;
    let admin = server.admin().await;
    let wish =
        json!({"username": "eve", "name": "Eve", "email": "ann@example.org", "pass": "mine"});
    set(&admin, "Accounts_RegistrationForm", json!("Disabled")).await;
    let body = server.client().post("users.register", wish.clone()).await;
    let body = body.refused(400);
    assert_eq!(body["errorType"], "error-user-registration-disabled");
    set(&admin, "Accounts_RegistrationForm", json!("Public")).await;
    // Where addresses are proved, nobody gets in who does not read what is sent there.
    set(&admin, "Accounts_EmailVerification", json!(true)).await;
    server.client().post("users.register", wish).await.ok();
    let login = json!({"user": "eve", "password": "mine"});
    let body = server.client().post("login", login).await.refused(401);
    assert_eq!(body["error"], "error-invalid-email");
    // An account that an administrator gave a password is not there to be claimed.
    let server = with_imported(&["bob"]).await;
    let admin = server.admin().await;
    let update = json!({"userId": "bob", "data": {"password": "given"}});
    admin.post("users.update", update).await.ok();
    let wish =
        json!({"username": "eve", "name": "Eve", "email": "bob@example.org", "pass": "mine"});
    server
        .client()
        .post("users.register", wish)
        .await
        .refused(400);
}

#[tokio::test]
async fn what_is_wrong_with_signing_up_is_told_in_order() {
    let server = Server::start().await;
    let anyone = server.client();
    anyone.post("users.register", ann()).await.ok();
    let admin = server.admin().await;
    let refused = async |username: &str, email: &str, pass: &str| {
        let wish = json!({"username": username, "name": "B", "email": email, "pass": pass});
        let body = anyone.post("users.register", wish).await.refused(400);
        body["error"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(
        refused("ann", "bad", " ").await,
        "Username is already in use"
    );
    let text = refused("here", "bad", " ").await;
    assert!(text.ends_with("[error-blocked-username]"), "{text}");
    let text = refused("bea", "bad", " ").await;
    assert!(text.ends_with("[error-password-policy-not-met]"), "{text}");
    let text = refused("bea", "bad", "x").await;
    assert_eq!(text, "Invalid email bad [error-invalid-email]");
    set(&admin, "Accounts_BlockedDomainsList", json!("example.org")).await;
    let text = refused("bea", "ann@example.org", "x").await;
    assert!(text.ends_with("[error-email-domain-blacklisted]"), "{text}");
    set(&admin, "Accounts_RegistrationForm", json!("Disabled")).await;
    let text = refused("bea", "bad", " ").await;
    assert!(
        text.ends_with("[error-user-registration-disabled]"),
        "{text}"
    );
}
