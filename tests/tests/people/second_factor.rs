//! Second factors: authenticator, mail, password, and when they are asked for.

use std::time::{SystemTime, UNIX_EPOCH};

use domain::second_factor::{EmailCodeIssued, SecondFactorEvent, email_code_purpose};
use domain::{Event, UserId};
use eventstore::vault::Vault;
use eventstore::{Filter, Position};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};
use totp_rs::{Builder, Secret};

use super::methods::{method, result};
use tests::sha256;

on_both_logs![codes_of_an_authenticator, the_password_once_more,];

/// A server that asks for second factors, also of young accounts, and does not count calls.
pub fn strict() -> ServerOptions {
    strictly(ServerOptions::default())
}

/// The same with other options, too.
pub fn strictly(options: ServerOptions) -> ServerOptions {
    options
        .env("TEST_MODE", "false")
        .env("OVERWRITE_SETTING_API_Enable_Rate_Limiter", "false")
        .env(
            "OVERWRITE_SETTING_DDP_Rate_Limit_Connection_By_Method_Enabled",
            "false",
        )
        .env(
            "OVERWRITE_SETTING_DDP_Rate_Limit_User_By_Method_Enabled",
            "false",
        )
        .env(
            "OVERWRITE_SETTING_Accounts_TwoFactorAuthentication_RememberFor",
            "0",
        )
}

/// The code of `secret`, `steps` half minutes from now.
pub fn code(secret: &str, steps: i64) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    totp.generate(seconds.saturating_add_signed(30 * steps))
        .to_string()
}

fn form(code: &Value) -> Value {
    json!({"user": "ada", "password": "password of ada", "code": code})
}

async fn login(server: &Server, code: &Value) -> Answer {
    server.client().post("login", form(code)).await
}

/// Sets up an authenticator with its present code, so that only the next one is left for now.
pub async fn enrol(client: &Client) -> (String, Vec<String>) {
    let shown = result(&method(client, "2fa:enable", json!([])).await);
    let secret = shown["secret"].as_str().unwrap().to_owned();
    let codes = method(client, "2fa:validateTempToken", json!([code(&secret, 0)])).await;
    let codes = result(&codes)["codes"].as_array().unwrap().clone();
    let codes = codes
        .iter()
        .map(|code| code.as_str().unwrap().to_owned())
        .collect();
    (secret, codes)
}

async fn codes_of_an_authenticator(options: ServerOptions) {
    let server = strictly(options).start().await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    let other = server.client().login("ada", "password of ada").await;
    let shown = result(&method(&ada, "2fa:enable", json!([])).await);
    let url = shown["url"].as_str().unwrap();
    assert!(
        url.starts_with("otpauth://totp/") && url.contains("ada"),
        "{url}"
    );
    assert_eq!(shown["secret"].as_str().map(str::len), Some(32));
    assert_eq!(
        result(&method(&ada, "2fa:validateTempToken", json!(["000000"])).await),
        Value::Null
    );
    login(&server, &Value::Null).await.ok();
    let (secret, codes) = enrol(&ada).await;
    assert_eq!(codes.len(), 12);
    other.get("me").await.refused(401);
    let me = ada.get("me").await.ok();
    assert_eq!(me["services"]["totp"], json!({"enabled": true}));
    // Without a code, and with a wrong one.
    let challenge = login(&server, &Value::Null).await.refused(401);
    assert_eq!(
        challenge,
        json!({
            "status": "error", "error": "totp-required", "message": "TOTP Required",
            "details": {"method": "totp", "codeGenerated": false, "availableMethods": ["totp"]},
        })
    );
    let wrong = json!({
        "status": "error", "error": "totp-invalid", "message": "TOTP Invalid",
        "details": {"method": "totp", "codeGenerated": false},
    });
    assert_eq!(login(&server, &json!("000000")).await.refused(401), wrong);
    // A code is good once.
    let next = code(&secret, 1);
    login(&server, &json!(next)).await.ok();
    assert_eq!(login(&server, &json!(next)).await.refused(401), wrong);
    // In a header, and wrapped.
    let with_code = server.client().with_header("x-2fa-code", &codes[3]);
    with_code.post("login", form(&Value::Null)).await.ok();
    let inner = json!({"user": {"username": "ada"}, "password": "password of ada"});
    let wrapped = json!({"totp": {"code": codes[0], "login": inner}});
    server.client().post("login", wrapped).await.ok();
    assert_eq!(
        login(&server, &json!(codes[0])).await.refused(401),
        wrong,
        "used"
    );
    let left = result(&method(&ada, "2fa:checkCodesRemaining", json!([])).await);
    assert_eq!(left, json!({"remaining": 10}));
    let fresh = method(&ada, "2fa:regenerateCodes", json!([codes[1]])).await;
    let fresh = result(&fresh)["codes"].as_array().unwrap().clone();
    assert_eq!(fresh.len(), 12);
    assert_eq!(
        login(&server, &json!(codes[2])).await.refused(401),
        wrong,
        "replaced"
    );
    let again = method(&ada, "2fa:enable", json!([])).await["error"].clone();
    assert_eq!(again["error"], "error-2fa-already-enabled");
    // Resuming needs no code. Disabling does.
    let resume = json!({"resume": ada.token});
    server.client().post("login", resume).await.ok();
    assert_eq!(
        result(&method(&ada, "2fa:disable", json!(["000000"])).await),
        json!(false)
    );
    assert_eq!(
        result(&method(&ada, "2fa:disable", json!([fresh[0]])).await),
        json!(true)
    );
    login(&server, &Value::Null).await.ok();
    let error = method(&ada, "2fa:checkCodesRemaining", json!([])).await["error"].clone();
    assert_eq!(error["error"], "invalid-totp");
}

#[tokio::test]
async fn an_authenticator_is_set_up_over_rest() {
    let server = strict().start().await;
    let ada = server.admin().await.new_user("ada").await;
    let other = server.client().login("ada", "password of ada").await;
    let post = async |path: &str, code: &str| code_for(&ada, path, code).await;
    for path in ["validateTotp", "regenerateTotpCodes"] {
        let refused = post(path, "000000").await.refused(400);
        assert_eq!(refused["errorType"], "invalid-totp", "{path}");
    }
    let none = ada.get("users.2fa.totpCodesRemaining").await.refused(400);
    assert_eq!(none["errorType"], "invalid-totp");
    let shown = ada.post("users.2fa.enableTotp", json!({})).await.ok();
    assert!(
        shown["url"]
            .as_str()
            .is_some_and(|url| url.starts_with("otpauth://totp/"))
    );
    let secret = shown["secret"].as_str().expect("a secret");
    let codes = post("validateTotp", &code(secret, 0)).await.ok()["codes"].clone();
    let codes: Vec<String> = serde_json::from_value(codes).expect("texts");
    assert_eq!(codes.len(), 12);
    other.get("me").await.refused(401);
    let again = ada
        .post("users.2fa.enableTotp", json!({}))
        .await
        .refused(400);
    assert_eq!(again["errorType"], "error-2fa-already-enabled");
    login(&server, &json!(codes[0])).await.ok();
    let left = ada.get("users.2fa.totpCodesRemaining").await.ok();
    assert_eq!(left["remaining"], json!(11));
    let fresh = post("regenerateTotpCodes", &codes[1]).await.ok()["codes"].clone();
    assert_eq!(fresh.as_array().map(Vec::len), Some(12));
    assert_eq!(
        post("disableTotp", &codes[2]).await.ok()["disabled"],
        json!(false),
        "replaced"
    );
    let fresh = fresh[0].as_str().expect("a code");
    assert_eq!(
        post("disableTotp", fresh).await.ok()["disabled"],
        json!(true)
    );
    login(&server, &Value::Null).await.ok();
    let nothing = ada
        .post("users.2fa.disableTotp", json!({}))
        .await
        .refused(400);
    assert_eq!(nothing["errorType"], "invalid-params");
}

/// The codes mailed, opened with the key of the stopped server.
async fn mailed(server: &Server, user: &str) -> Vec<(EmailCodeIssued, String)> {
    let vault = Vault::from_file(&server.data().join("secret.key")).unwrap();
    let log = tests::log::open(server).await;
    let mut codes = Vec::new();
    let mut events = log.read_all(Position::START, Filter::default());
    while let Some(chunk) = events.next().await {
        for event in chunk.unwrap().iter() {
            if let Ok(Event::SecondFactor(SecondFactorEvent::EmailCodeIssued(issued))) =
                event.decode()
            {
                let purpose = email_code_purpose(&UserId::new(user));
                let code = vault.open(&purpose, &issued.code).unwrap();
                codes.push((issued, code));
            }
        }
    }
    drop(events);
    log.close().await;
    codes
}

#[tokio::test]
async fn codes_by_mail() {
    let mut server = strict()
        .env("OVERWRITE_SETTING_SMTP_Host", "127.0.0.1")
        .env("OVERWRITE_SETTING_SMTP_Port", "9")
        // The administrator is to get in without one.
        .env(
            "OVERWRITE_SETTING_Accounts_TwoFactorAuthentication_By_Email_Enabled",
            "false",
        )
        .start()
        .await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    admin
        .with_header("x-2fa-code", &sha256(tests::server::ADMIN_PASSWORD))
        .with_header("x-2fa-method", "password")
        .post(
            "users.update",
            json!({"userId": ada.user_id, "data": {"verified": true}}),
        )
        .await
        .ok();
    server.stop().await;
    server.set_env(
        "OVERWRITE_SETTING_Accounts_TwoFactorAuthentication_By_Email_Enabled",
        "true",
    );
    server.restart().await;
    let challenge = login(&server, &Value::Null).await.refused(401);
    let required = json!({
        "status": "error", "error": "totp-required", "message": "TOTP Required",
        "details": {"method": "email", "codeGenerated": true, "availableMethods": ["email"],
                    "emailOrUsername": "ada"},
    });
    assert_eq!(challenge, required);
    let again = login(&server, &Value::Null).await.refused(401);
    assert_eq!(again["details"]["codeGenerated"], false);
    assert_eq!(again["details"]["codeCount"], 1);
    assert!(again["details"]["codeExpires"][0].is_string(), "{again}");
    let wrong = login(&server, &json!("nonsense")).await.refused(401);
    assert_eq!(wrong["error"], "totp-invalid");
    assert_eq!(wrong["details"]["method"], "email");
    for named in ["ada", "ada@example.org", "nobody"] {
        let body = server
            .client()
            .post("users.2fa.sendEmailCode", json!({"emailOrUsername": named}))
            .await
            .ok();
        assert_eq!(body, json!({"success": true}));
    }
    let body = server
        .client()
        .post("users.2fa.sendEmailCode", json!({}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-parameter-required");
    server.stop().await;
    let codes = mailed(&server, &ada.user_id).await;
    assert_eq!(codes.len(), 3, "one for the challenge, two asked for");
    assert!(
        codes
            .iter()
            .all(|(issued, _)| issued.to == ["ada@example.org"])
    );
    server.restart().await;
    let spaced = format!("{} {}", &codes[0].1[..3], &codes[0].1[3..]);
    login(&server, &json!(spaced)).await.ok();
    let used = login(&server, &json!(codes[0].1)).await.refused(401);
    assert_eq!(used["error"], "totp-invalid");
    let ada = server.client().with_token(&ada.user_id, &ada.token);
    let challenge = ada
        .post("users.2fa.disableEmail", json!({}))
        .await
        .refused(400);
    assert_eq!(challenge["errorType"], "totp-required");
    let answering = ada
        .with_header("x-2fa-code", &codes[1].1)
        .with_header("x-2fa-method", "email");
    answering
        .post("users.2fa.disableEmail", json!({}))
        .await
        .ok();
    assert_eq!(
        ada.get("me").await.ok()["services"]["email2fa"],
        json!({"enabled": false})
    );
    login(&server, &Value::Null).await.ok();
    ada.post("users.2fa.enableEmail", json!({})).await.ok();
    login(&server, &Value::Null).await.refused(401);
}

async fn the_password_once_more(options: ServerOptions) {
    let server = strictly(options).start().await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    let path = "users.generatePersonalAccessToken";
    let challenge = ada
        .post(path, json!({"tokenName": "bot"}))
        .await
        .refused(400);
    assert_eq!(
        challenge,
        json!({
            "success": false, "error": "TOTP Required [totp-required]", "errorType": "totp-required",
            "details": {"method": "password", "codeGenerated": false, "availableMethods": []},
        })
    );
    let answering = |password: &str| {
        ada.with_header("x-2fa-code", password)
            .with_header("x-2fa-method", "password")
    };
    let invalid = answering(&sha256("wrong"))
        .post(path, json!({"tokenName": "bot"}))
        .await
        .refused(400);
    assert_eq!(
        invalid,
        json!({
            "success": false, "error": "TOTP Invalid [totp-invalid]", "errorType": "totp-invalid",
            "details": {"method": "password", "codeGenerated": false},
        })
    );
    let right = answering(&sha256("password of ada"));
    let wish = json!({"tokenName": "bot", "bypassTwoFactor": true});
    let body = right.post(path, wish).await.ok();
    // A token that bypasses is not asked, one that does not is.
    let bypassing = ada.with_token(&ada.user_id, body["token"].as_str().unwrap());
    let body = bypassing
        .post(path, json!({"tokenName": "other"}))
        .await
        .ok();
    let other = ada.with_token(&ada.user_id, body["token"].as_str().unwrap());
    other
        .post(path, json!({"tokenName": "third"}))
        .await
        .refused(400);
    bypassing
        .post("users.2fa.disableEmail", json!({}))
        .await
        .ok();
    // Methods are asked as well, and may answer in their last parameter.
    let wish = json!({"tokenName": "third"});
    let name = "personalAccessTokens:generateToken";
    let error = method(&ada, name, json!([wish])).await["error"].clone();
    assert_eq!(error["error"], "totp-required");
    assert_eq!(error["details"]["method"], "password");
    let factor = json!({"twoFactorCode": sha256("password of ada"), "twoFactorMethod": "password"});
    result(&method(&ada, name, json!([wish, factor])).await);
}

#[tokio::test]
async fn a_proof_is_remembered_of_the_same_program_and_address() {
    let remember = "OVERWRITE_SETTING_Accounts_TwoFactorAuthentication_RememberFor";
    let mut server = strict().env(remember, "1800").start().await;
    let ada = server.admin().await.new_user("ada").await;
    let path = "users.generatePersonalAccessToken";
    // The account is young.
    ada.post(path, json!({"tokenName": "1"})).await.ok();
    // But not for what is always asked.
    ada.post("users.2fa.disableEmail", json!({}))
        .await
        .refused(400);
    server.stop().await;
    server.set_env(remember, "2");
    server.restart().await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let ada = server
        .client()
        .with_token(&ada.user_id, &ada.token)
        .with_header("user-agent", "one");
    ada.post(path, json!({"tokenName": "2"})).await.refused(400);
    let proving = ada.with_header("x-2fa-code", &sha256("password of ada"));
    proving.post(path, json!({"tokenName": "2"})).await.ok();
    ada.post(path, json!({"tokenName": "3"})).await.ok();
    let elsewhere = server
        .client()
        .with_token(&ada.user_id, &ada.token)
        .with_header("user-agent", "two");
    elsewhere
        .post(path, json!({"tokenName": "4"}))
        .await
        .refused(400);
    ada.post("users.2fa.disableEmail", json!({}))
        .await
        .refused(400);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    ada.post(path, json!({"tokenName": "5"})).await.refused(400);
}

#[tokio::test]
async fn the_workspace_may_do_without() {
    let prefix = "OVERWRITE_SETTING_Accounts_TwoFactorAuthentication";
    let path = "users.generatePersonalAccessToken";
    for off in ["Enabled", "Enforce_Password_Fallback"] {
        let server = strict()
            .env(&format!("{prefix}_{off}"), "false")
            .start()
            .await;
        let ada = server.admin().await.new_user("ada").await;
        ada.post(path, json!({"tokenName": "bot"})).await.ok();
    }
    let server = strict()
        .env(&format!("{prefix}_By_TOTP_Enabled"), "false")
        .start()
        .await;
    let ada = server.admin().await.new_user("ada").await;
    enrol(&ada).await;
    login(&server, &Value::Null).await.ok();
}

#[tokio::test]
async fn an_authenticator_that_was_lost_is_reset() {
    let server = strict().start().await;
    let admin = server.admin().await;
    let (ada, bob) = (admin.new_user("ada").await, admin.new_user("bob").await);
    let (secret, _) = enrol(&ada).await;
    // One's own, with a code of it.
    ada.post("users.resetTOTP", json!({})).await.refused(400);
    let proving = ada.with_header("x-2fa-code", &code(&secret, 1));
    proving.post("users.resetTOTP", json!({})).await.ok();
    ada.get("me").await.refused(401);
    let ada = server.client().login("ada", "password of ada").await;
    enrol(&ada).await;
    // Somebody else's, with a right.
    let proof =
        |client: &Client, password: &str| client.with_header("x-2fa-code", &sha256(password));
    let body = proof(&bob, "password of bob")
        .post("users.resetTOTP", json!({"userId": ada.user_id}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-not-allowed");
    let admin = proof(&admin, tests::server::ADMIN_PASSWORD);
    let body = admin
        .post("users.resetTOTP", json!({"username": "nobody"}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-invalid-user");
    admin
        .post("users.resetTOTP", json!({"username": "ada"}))
        .await
        .ok();
    ada.get("me").await.refused(401);
    let ada = server.client().login("ada", "password of ada").await;
    assert_eq!(
        ada.get("me").await.ok()["services"]["totp"],
        json!({"enabled": false})
    );
    // Keys of end-to-end encryption: the same rules.
    let body = proof(&bob, "password of bob")
        .post("users.resetE2EKey", json!({"userId": ada.user_id}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-not-allowed");
    admin
        .post("users.resetE2EKey", json!({"userId": ada.user_id}))
        .await
        .ok();
    ada.get("me").await.refused(401);
}

#[tokio::test]
async fn codes_cannot_be_guessed() {
    let server = strict().start().await;
    let ada = server.admin().await.new_user("ada").await;
    let (secret, _) = enrol(&ada).await;
    for _ in 0..20 {
        login(&server, &json!("nonsense")).await.refused(401);
    }
    let body = login(&server, &json!(code(&secret, 1))).await.refused(401);
    assert_eq!(
        body["error"], "totp-invalid",
        "right ones are not looked at any more"
    );
}

#[tokio::test]
async fn wrong_codes_count_whatever_they_are_for() {
    let server = strict().start().await;
    let admin = server.admin().await;
    for (name, over_rest) in [("ada", true), ("bea", false)] {
        let user = admin.new_user(name).await;
        let (_, codes) = enrol(&user).await;
        for wrong in 0..20 {
            match (over_rest, wrong % 2) {
                (true, 0) => drop(code_for(&user, "disableTotp", "nonsense").await.ok()),
                (true, _) => drop(
                    code_for(&user, "regenerateTotpCodes", "nonsense")
                        .await
                        .refused(400),
                ),
                (false, 0) => drop(method(&user, "2fa:disable", json!(["nonsense"])).await),
                (false, _) => drop(method(&user, "2fa:regenerateCodes", json!(["nonsense"])).await),
            }
        }
        let disabled = code_for(&user, "disableTotp", &codes[0]).await.ok();
        assert_eq!(disabled["disabled"], json!(false), "{name}");
        code_for(&user, "regenerateTotpCodes", &codes[1])
            .await
            .refused(400);
        let disabled = method(&user, "2fa:disable", json!([codes[2]])).await;
        assert_eq!(result(&disabled), json!(false), "{name}");
        let login =
            json!({"user": name, "password": format!("password of {name}"), "code": codes[3]});
        server.client().post("login", login).await.refused(401);
    }
}

async fn code_for(user: &Client, path: &str, code: &str) -> Answer {
    let path = format!("users.2fa.{path}");
    user.post(&path, json!({ "code": code })).await
}

#[tokio::test]
async fn secrets_are_not_in_the_log() {
    let mut server = strict().start().await;
    let ada = server.admin().await.new_user("ada").await;
    let (secret, codes) = enrol(&ada).await;
    let body = ada
        .with_header("x-2fa-code", &codes[1])
        .post(
            "users.generatePersonalAccessToken",
            json!({"tokenName": "bot"}),
        )
        .await
        .ok();
    let token = body["token"].as_str().unwrap().to_owned();
    server.stop().await;
    for file in ["log.db", "log.db-wal"] {
        let Ok(bytes) = std::fs::read(server.data().join(file)) else {
            continue;
        };
        for hidden in [&secret, &codes[0], &codes[1], &token, &ada.token] {
            let found = bytes
                .windows(hidden.len())
                .any(|window| window == hidden.as_bytes());
            assert!(!found, "{hidden} is in {file}");
        }
    }
    let output = server.output();
    for hidden in [&secret, &codes[0], &token] {
        assert!(!output.contains(hidden.as_str()), "{hidden} was printed");
    }
}

#[tokio::test]
async fn a_new_password_of_ones_own_is_always_proved() {
    // Even where tests are not asked otherwise.
    let server = Server::start().await;
    let ada = server.admin().await.new_user("ada").await;
    let path = "users.updateOwnBasicInfo";
    let wish = |new: &str, current: Option<&str>| match current {
        Some(current) => json!({"data": {"newPassword": new, "currentPassword": sha256(current)}}),
        None => json!({"data": {"newPassword": new}}),
    };
    let asked = ada.post(path, wish("first new", None)).await.refused(400);
    assert_eq!(asked["errorType"], "totp-required");
    assert_eq!(asked["details"]["method"], "password");
    let wrong = ada
        .post(path, wish("first new", Some("wrong")))
        .await
        .refused(400);
    assert_eq!(wrong["errorType"], "totp-invalid");
    ada.post(path, wish("first new", Some("password of ada")))
        .await
        .ok();
    // With an authenticator, the password will not do.
    let (secret, _) = enrol(&ada).await;
    let wrong = ada
        .post(path, wish("second new", Some("first new")))
        .await
        .refused(400);
    assert_eq!(wrong["errorType"], "totp-invalid");
    assert_eq!(wrong["details"]["method"], "totp");
    let proving = ada.with_header("x-2fa-code", &code(&secret, 1));
    proving.post(path, wish("second new", None)).await.ok();
    let form = json!({"user": "ada", "password": "second new"});
    server.client().post("login", form).await.ok();
}
