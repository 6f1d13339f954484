//! Logging in: every form, every failure, and what too many failures lead to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::session::{self, PersonalTokenIssued, SessionEvent, TokenIssued};
use domain::{Timestamp, TokenHash, UserId};
use eventstore::{Batch, Cause, CorrelationId, Expected, NewEvent, StreamAppend};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Digest as _;
use tests::on_both_logs;
use tests::server::{ADMIN, ADMIN_PASSWORD, Server, ServerOptions};
use tests::sha256;

use super::methods::{method, result};

on_both_logs![
    every_form_of_login_logs_in,
    every_failure_is_401_with_its_own_code,
    a_login_over_methods_tells_when_it_ends,
];

fn failure(code: &Value, message: &str) -> Value {
    json!({"status": "error", "error": code, "message": message})
}

async fn every_form_of_login_logs_in(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    let (anyone, password) = (server.client(), "password of ada");
    let digest = json!({"digest": sha256(password), "algorithm": "sha-256"});
    for form in [
        json!({"user": "ada", "password": password}),
        json!({"user": "ADA", "password": password}),
        json!({"user": "ada@example.org", "password": password}),
        json!({"username": "ada", "password": password, "email": "ignored"}),
        json!({"email": "ada@example.org", "password": password}),
        json!({"user": "ada", "password": digest}),
        json!({"user": {"username": "ada"}, "password": digest}),
        json!({"user": {"email": "ada@example.org"}, "password": password}),
        json!({"user": {"id": ada.user_id}, "password": password}),
        json!({"ldap": true, "username": "ada", "ldapPass": password, "ldapOptions": {}}),
        json!({"totp": {"code": "", "login": {"user": {"username": "ada"}, "password": password}}}),
        json!({"resume": ada.token}),
    ] {
        let text = form.to_string();
        let body = anyone.post("login", form).await.ok();
        assert_eq!(body["status"], "success", "{text}");
        assert_eq!(body["data"]["userId"], ada.user_id.as_str(), "{text}");
        assert_eq!(body["data"]["me"]["username"], "ada");
        let resumed = body["data"]["authToken"] == ada.token.as_str();
        assert_eq!(
            resumed,
            text.contains("resume"),
            "only resuming keeps the token"
        );
    }
    // As the Go client logs in.
    let form = (
        "application/x-www-form-urlencoded",
        "user=ada&password=password+of+ada".to_owned(),
    );
    let body = anyone
        .send(Method::POST, "/api/v1/login", Some(form))
        .await
        .ok();
    let again = anyone.with_token(&ada.user_id, body["data"]["authToken"].as_str().unwrap());
    let me = again.get("me").await.ok();
    assert_eq!(me["services"]["password"], json!({"exists": true}));
    assert_eq!(me["services"]["email2fa"], json!({"enabled": true}));
    let info = admin.get("users.info?username=ada").await.ok();
    assert!(info["user"]["lastLogin"].is_string(), "{info}");
}

async fn every_failure_is_401_with_its_own_code(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    let anyone = server.client();
    let unauthorized = failure(&json!("Unauthorized"), "Unauthorized");
    let unrecognized = failure(&json!(400), "Unrecognized options for login request");
    let external = failure(&json!(145_546_287), "No matching login attempt found");
    let text = "You've been logged out by the server. Please log in again.";
    let void = failure(&json!(403), text);
    let missing = |name: &str| {
        failure(
            &json!(403),
            &format!("The login service {name} is not configured"),
        )
    };
    for (form, expected) in [
        (json!({"user": "ada", "password": "wrong"}), &unauthorized),
        (
            json!({"user": "nobody", "password": "wrong"}),
            &unauthorized,
        ),
        (
            json!({"user": "rocket.cat", "password": "x"}),
            &failure(&json!(403), "User has no password set"),
        ),
        (json!({"resume": "nonsense"}), &void),
        (json!({}), &unrecognized),
        (json!({"user": "ada", "password": ""}), &unrecognized),
        (json!({"loginToken": "once"}), &unrecognized),
        (json!({"iframe": true, "token": "x"}), &unrecognized),
        (
            json!({"oauth": {"credentialToken": "x", "credentialSecret": "y"}}),
            &external,
        ),
        (json!({"saml": true, "credentialToken": "x"}), &external),
        (json!({"cas": {"credentialToken": "x"}}), &external),
        (
            json!({"serviceName": "google", "accessToken": "x", "expiresIn": 1}),
            &missing("google"),
        ),
        (
            json!({"crowd": true, "username": "a", "crowdPassword": "x"}),
            &missing("crowd"),
        ),
    ] {
        let text = form.to_string();
        assert_eq!(
            anyone.post("login", form).await.refused(401),
            *expected,
            "{text}"
        );
    }
    let malformed = anyone
        .post("login", json!({"user": "ada", "password": 5}))
        .await
        .refused(401);
    assert_eq!(
        malformed,
        json!({"status": "error", "message": "Match error: Expected string, got number"})
    );
    admin
        .post(
            "users.setActiveStatus",
            json!({"userId": ada.user_id, "activeStatus": false}),
        )
        .await
        .ok();
    let inactive = failure(
        &json!("error-user-is-not-activated"),
        "User is not activated",
    );
    let form = json!({"user": "ada", "password": "password of ada"});
    assert_eq!(anyone.post("login", form).await.refused(401), inactive);
    ada.get("me").await.refused(401);
    let form = json!({"resume": ada.token});
    assert_eq!(anyone.post("login", form).await.refused(401), void);
}

#[tokio::test]
async fn unverified_addresses_are_kept_out_where_the_workspace_says_so() {
    let mut server = Server::start().await;
    let ada = server.admin().await.new_user("ada").await;
    server.stop().await;
    server.set_env("OVERWRITE_SETTING_Accounts_EmailVerification", "true");
    server.restart().await;
    let form = json!({"user": "ada", "password": "password of ada"});
    assert_eq!(
        server.client().post("login", form).await.refused(401),
        failure(&json!("error-invalid-email"), "Invalid email __email__")
    );
    // Administrators may, and so may those who are in already.
    server.admin().await.get("me").await.ok();
    let ada = server.client().with_token(&ada.user_id, &ada.token);
    ada.get("me").await.ok();
}

#[tokio::test]
async fn old_sessions_expire_and_personal_tokens_do_not() {
    let mut server = Server::start().await;
    let ada = server.admin().await.new_user("ada").await;
    server.stop().await;
    let user = UserId::new(&ada.user_id);
    let hash = |token: &str| TokenHash::new(STANDARD.encode(sha2::Sha256::digest(token)));
    let long_ago = Timestamp::from_millis(0);
    let events: [SessionEvent; 2] = [
        TokenIssued {
            user: user.clone(),
            hash: hash("session"),
            granted: false,
            at: long_ago,
        }
        .into(),
        PersonalTokenIssued {
            user: user.clone(),
            hash: hash("personal"),
            name: "bot".to_owned(),
            last_part: "rsonal".to_owned(),
            bypass_second_factor: false,
            at: long_ago,
        }
        .into(),
    ];
    let log = tests::log::open(&server).await;
    let append = StreamAppend {
        stream: session::stream(&user),
        expected: Expected::Any,
        events: events
            .map(|event| NewEvent::encode(&event).unwrap())
            .to_vec(),
    };
    let cause = Cause {
        actor: user,
        correlation_id: CorrelationId::fresh(),
        causation_id: None,
    };
    let appends = vec![append];
    log.append(Batch { cause, appends }).await.unwrap();
    log.close().await;
    drop(log);
    server.restart().await;
    let anyone = server.client();
    let old = anyone.with_token(&ada.user_id, "session");
    old.get("me").await.refused(401);
    assert_eq!(
        anyone
            .post("login", json!({"resume": "session"}))
            .await
            .refused(401),
        failure(
            &json!(403),
            "Your session has expired. Please log in again."
        )
    );
    let bot = anyone.with_token(&ada.user_id, "personal");
    bot.get("me").await.ok();
    anyone
        .post("login", json!({"resume": "personal"}))
        .await
        .ok();
    // Neither does what the user does every day.
    anyone
        .with_token(&ada.user_id, &ada.token)
        .get("me")
        .await
        .ok();
}

async fn a_login_over_methods_tells_when_it_ends(options: ServerOptions) {
    let server = options.start().await;
    let form = json!({"user": {"username": ADMIN}, "password": ADMIN_PASSWORD});
    let message = json!({"msg": "method", "id": "1", "method": "login", "params": [form]});
    let answer = server
        .client()
        .post(
            "method.callAnon/login",
            json!({"message": message.to_string()}),
        )
        .await;
    let login = result(&super::methods::inside(answer));
    assert_eq!(login["type"], "password");
    let client = server.client().with_token(
        login["id"].as_str().unwrap(),
        login["token"].as_str().unwrap(),
    );
    let new = result(&method(&client, "getNewToken", json!([])).await);
    assert_eq!(
        new["tokenExpires"], login["tokenExpires"],
        "it expires with the first one"
    );
    assert_ne!(new["token"], login["token"]);
    let wrong = json!({"user": {"username": ADMIN}, "password": "wrong"});
    let error = method(&client, "login", json!([wrong])).await["error"].clone();
    assert_eq!(
        (&error["error"], &error["reason"]),
        (&json!(403), &json!("Incorrect password"))
    );
}

#[tokio::test]
async fn who_guesses_passwords_is_blocked() {
    let on = |options: ServerOptions, id: &str, value: &str| {
        options.env(
            &format!("OVERWRITE_SETTING_Block_Multiple_Failed_Logins_{id}"),
            value,
        )
    };
    let options = on(ServerOptions::default(), "Enabled", "true");
    let options = on(options, "Attempts_Until_Block_by_User", "3");
    let options = on(options, "Attempts_Until_Block_By_Ip", "5");
    let options = on(options, "Notify_Failed", "true");
    let options = on(options, "Notify_Failed_Channel", "general");
    let server = options.start().await;
    let admin = server.admin().await;
    admin.new_user("ada").await;
    admin.new_user("bob").await;
    let login = |user: &str, password: &str| {
        let (client, form) = (server.client(), json!({"user": user, "password": password}));
        async move { client.post("login", form).await }
    };
    // A success in between forgives.
    for _ in 0..2 {
        login("ada", "wrong").await.refused(401);
    }
    login("ada", "password of ada").await.ok();
    for _ in 0..3 {
        let body = login("ada", "wrong").await.refused(401);
        assert_eq!(body["error"], "Unauthorized");
    }
    let body = login("ada", "password of ada").await.refused(401);
    assert_eq!(body["error"], "error-login-blocked-for-user");
    login("bob", "password of bob").await.ok();
    let said = admin.get("channels.history?roomId=GENERAL").await.ok();
    let said = said["messages"].as_array().cloned().unwrap_or_default();
    assert!(
        said.iter().any(|message| {
            let text = message["msg"].as_str().unwrap_or_default();
            message["u"]["username"] == "rocket.cat" && text.contains("`ada`")
        }),
        "{said:?}"
    );
    // Whatever the account, the address is blocked in the end.
    for _ in 0..5 {
        login("nobody", "wrong").await.refused(401);
    }
    let body = login("bob", "password of bob").await.refused(401);
    assert_eq!(body["error"], "error-login-blocked-for-ip");
}

#[tokio::test]
async fn a_flood_of_logins_leaves_room_for_others() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let flood: Vec<_> = (0..300)
        .map(|number| {
            let client = server.client();
            tokio::spawn(async move {
                let form = json!({"user": format!("nobody{number}"), "password": "x"});
                client.post("login", form).await.status.as_u16()
            })
        })
        .collect();
    let begun = std::time::Instant::now();
    for _ in 0..10 {
        admin.get("me").await.ok();
    }
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(5),
        "others waited {:?}",
        begun.elapsed()
    );
    for one in flood {
        let status = one.await.unwrap();
        assert!(matches!(status, 401 | 503), "{status}");
    }
}
