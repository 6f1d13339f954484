//! Second factors of administrators: changing settings asks for one, over routes and over methods.

use serde_json::{Value, json};
use tests::client::Client;
use tests::server::{ADMIN_PASSWORD, Server};

use super::methods::{method, result};
use super::second_factor::{code, enrol, strict};
use tests::sha256;

fn challenge(method: &str, available: &Value) -> Value {
    json!({
        "success": false, "error": "TOTP Required [totp-required]", "errorType": "totp-required",
        "details": {"method": method, "codeGenerated": false, "availableMethods": available},
    })
}

fn wrong(method: &str) -> Value {
    json!({
        "success": false, "error": "TOTP Invalid [totp-invalid]", "errorType": "totp-invalid",
        "details": {"method": method, "codeGenerated": false},
    })
}

/// A client that answers every challenge with the password.
fn proving(admin: &Client) -> Client {
    admin
        .with_header("x-2fa-code", &sha256(ADMIN_PASSWORD))
        .with_header("x-2fa-method", "password")
}

async fn site_name(server: &Server) -> Value {
    let path = "settings.public?_id=Site_Name";
    server.client().get(path).await.ok()["settings"][0]["value"].clone()
}

#[tokio::test]
async fn changing_a_setting_asks_for_a_second_factor() {
    let server = strict().start().await;
    let admin = server.admin().await;
    for (path, body) in [
        ("settings/Site_Name", json!({"value": "Ours"})),
        ("settings.addCustomOAuth", json!({"name": "Keycloak"})),
    ] {
        let asked = admin.post(path, body.clone()).await.refused(400);
        assert_eq!(asked, challenge("password", &json!([])), "{path}");
        let guess = admin.with_header("x-2fa-code", &sha256("guess"));
        let refused = guess.post(path, body.clone()).await.refused(400);
        assert_eq!(refused, wrong("password"), "{path}");
        // The password in the clear is no answer.
        let clear = admin.with_header("x-2fa-code", ADMIN_PASSWORD);
        let refused = clear.post(path, body.clone()).await.refused(400);
        assert_eq!(refused, wrong("password"), "{path}");
        proving(&admin).post(path, body).await.ok();
    }
    assert_eq!(site_name(&server).await, "Ours");
    // A factor that is named counts, whether the user has it or not.
    let named = admin.with_header("x-2fa-method", "totp");
    let asked = named
        .post("settings/Site_Name", json!({"value": "x"}))
        .await;
    assert_eq!(asked.refused(400), challenge("totp", &json!([])));
    let mailed = admin
        .with_header("x-2fa-method", "email")
        .with_header("x-2fa-code", "123456");
    let refused = mailed
        .post("settings/Site_Name", json!({"value": "x"}))
        .await;
    assert_eq!(refused.refused(400)["details"]["method"], "email");
    assert_eq!(site_name(&server).await, "Ours");
    // Whoever may not change settings is told that, and not asked for anything.
    let ada = proving(&admin).new_user("ada").await;
    ada.post("settings/Site_Name", json!({"value": "x"}))
        .await
        .refused(403);
}

#[tokio::test]
async fn changing_settings_by_method_asks_for_a_second_factor() {
    let server = strict().start().await;
    let admin = server.admin().await;
    let one = json!(["Site_Name", "One", "color"]);
    let several = json!([[{"_id": "Site_Name", "value": "Several"}]]);
    for (name, params, value) in [
        ("saveSetting", one, "One"),
        ("saveSettings", several, "Several"),
    ] {
        let asked = method(&admin, name, params.clone()).await["error"].clone();
        assert_eq!(asked["error"], "totp-required", "{name}");
        assert_eq!(asked["message"], "TOTP Required [totp-required]", "{name}");
        assert_eq!(asked["details"]["method"], "password", "{name}");
        assert_ne!(site_name(&server).await, value);
        let with = |digest: String| {
            let mut params = params.as_array().expect("a list").clone();
            params.push(json!({"twoFactorCode": digest, "twoFactorMethod": "password"}));
            Value::Array(params)
        };
        let refused = method(&admin, name, with(sha256("guess"))).await["error"].clone();
        assert_eq!(refused["error"], "totp-invalid", "{name}");
        assert_ne!(site_name(&server).await, value);
        let saved = method(&admin, name, with(sha256(ADMIN_PASSWORD))).await;
        assert_eq!(result(&saved), json!(true), "{name}");
        assert_eq!(site_name(&server).await, value);
        // In the headers as well.
        let saved = method(&proving(&admin), name, params.clone()).await;
        assert_eq!(result(&saved), json!(true), "{name}");
    }
    let ada = proving(&admin).new_user("ada").await;
    let refused = method(
        &ada,
        "saveSettings",
        json!([[{"_id": "Site_Name", "value": "x"}]]),
    )
    .await;
    assert_eq!(refused["error"]["error"], "error-action-not-allowed");
    assert_eq!(
        refused["error"]["details"]["settingIds"],
        json!(["Site_Name"])
    );
}

#[tokio::test]
async fn an_administrator_with_an_authenticator_answers_with_it() {
    let server = strict().start().await;
    let admin = server.admin().await;
    let (secret, backup) = enrol(&admin).await;
    let body = json!({"value": "Ours"});
    let asked = admin.post("settings/Site_Name", body.clone()).await;
    assert_eq!(asked.refused(400), challenge("totp", &json!(["totp"])));
    // The password does not stand in for another factor.
    let refused = proving(&admin)
        .post("settings/Site_Name", body.clone())
        .await;
    assert_eq!(refused.refused(400), wrong("totp"));
    let now = admin.with_header("x-2fa-code", &code(&secret, 1));
    now.post("settings/Site_Name", body.clone()).await.ok();
    let spare = admin.with_header("x-2fa-code", &backup[0]);
    let saved = method(
        &spare,
        "saveSettings",
        json!([[{"_id": "Site_Name", "value": "Theirs"}]]),
    );
    assert_eq!(result(&saved.await), json!(true));
    assert_eq!(site_name(&server).await, "Theirs");
    let used = spare.post("settings/Site_Name", body).await;
    assert_eq!(used.refused(400), wrong("totp"), "a code counts once");
}

#[tokio::test]
async fn tests_and_programs_that_bypass_it_are_not_asked() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = json!({"value": "Tested"});
    admin.post("settings/Site_Name", body).await.ok();

    let server = strict().start().await;
    let admin = proving(&server.admin().await);
    for (name, bypass) in [("bypasses", true), ("does not", false)] {
        let wish = json!({"tokenName": name, "bypassTwoFactor": bypass});
        let made = admin
            .post("users.generatePersonalAccessToken", wish)
            .await
            .ok();
        let token = made["token"].as_str().expect("a token");
        let program = server.client().with_token(&admin.user_id, token);
        let saved = program
            .post("settings/Site_Name", json!({"value": name}))
            .await;
        let by_method = method(&program, "saveSetting", json!(["Site_Name", name])).await;
        if bypass {
            saved.ok();
            result(&by_method);
        } else {
            assert_eq!(saved.refused(400)["errorType"], "totp-required");
            assert_eq!(by_method["error"]["error"], "totp-required");
        }
    }
    assert_eq!(site_name(&server).await, "bypasses");
}
