//! Small services: password policy, deployment, names, translations, WebDAV accounts, and what is not part of the
//! server.

use reqwest::Method;
use serde_json::json;
use tests::dns::Zone;
use tests::method::method;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

on_both_logs![
    what_members_want_translated_is_kept,
    a_deployment_is_declared,
];

#[tokio::test(flavor = "multi_thread")]
async fn anybody_is_told_the_password_policy() {
    let server = Server::start().await;
    let client = server.client();
    let off = client.get("pw.getPolicy").await.ok();
    assert_eq!(
        (&off["enabled"], &off["policy"]),
        (&json!(false), &json!([]))
    );
    client.get("pw.getPolicyReset").await.refused(400);
    client.get("pw.getPolicyReset?token=x").await.ok();
    let strict = ServerOptions::default()
        .env("OVERWRITE_SETTING_Accounts_Password_Policy_Enabled", "true")
        .start()
        .await;
    let on = strict.client().get("pw.getPolicy").await.ok();
    assert_eq!(on["enabled"], true);
    let rules = on["policy"].as_array().expect("rules");
    assert!(
        rules.contains(&json!(["get-password-policy-minLength", {"minLength": 7}])),
        "{rules:?}"
    );
    assert!(rules.contains(&json!([
        "get-password-policy-mustContainAtLeastOneSpecialCharacter"
    ])));
    let same = method(&strict.admin().await, "getPasswordPolicy", json!([{}])).await;
    assert_eq!(same["result"]["policy"], on["policy"]);
}

async fn a_deployment_is_declared(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let id = async || {
        admin.get("settings.public?_id=uniqueID").await.ok()["settings"][0]["value"].clone()
    };
    let before = id().await;
    let wish = |what: &str| json!({ "setDeploymentAs": what });
    ann.post("fingerprint", wish("new-workspace"))
        .await
        .refused(403);
    admin
        .post("fingerprint", wish("updated-configuration"))
        .await
        .ok();
    assert_eq!(id().await, before);
    admin.post("fingerprint", wish("new-workspace")).await.ok();
    assert_ne!(id().await, before);
    admin
        .post("fingerprint", wish("something"))
        .await
        .refused(400);
    admin.post("fingerprint", json!({})).await.refused(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_and_probes_are_answered() {
    let server = Server::start().await;
    let client = server.client();
    let get = async |path: &str| client.send(Method::GET, path, None).await;
    let robots = get("/robots.txt").await;
    assert_eq!(robots.status, 200);
    assert!(
        robots
            .body
            .as_str()
            .is_some_and(|text| text.contains("Disallow")),
        "{}",
        robots.body
    );
    let time = get("/_timesync").await;
    assert!(
        time.body
            .as_i64()
            .is_some_and(|millis| millis > 1_700_000_000_000)
    );
    let session = client
        .send(
            Method::POST,
            "/api/ecdh_proxy/initEncryptedSession",
            Some(("application/json", "{}".to_owned())),
        )
        .await;
    assert_eq!(session.status, 200);
    assert_eq!(
        session.body,
        json!({"success": false, "error": "Not Acceptable"})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_looked_up_or_refused() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = admin.get("dns.resolve.srv").await.refused(400);
    assert_eq!(body["errorType"], "error-missing-param");
    let body = admin.post("dns.resolve.txt", json!({})).await.refused(400);
    assert_eq!(body["errorType"], "error-missing-param");
    admin
        .get("dns.resolve.srv?url=name.invalid")
        .await
        .refused(400);
    admin
        .get("dns.resolve.srv?url=a%20b%00c")
        .await
        .refused(400);
    admin
        .post("dns.resolve.txt?url=name.invalid", json!({}))
        .await
        .refused(400);
    server
        .client()
        .get("dns.resolve.srv?url=x")
        .await
        .refused(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_names_are_told() {
    let zone = Zone::default()
        .txt("chat.test", "v=chat1 the answer")
        .srv("_chat._tcp.chat.test", [20, 5, 5222], "second.chat.test")
        .srv("_chat._tcp.chat.test", [10, 7, 5223], "first.chat.test");
    let names = zone.serve().await;
    let server = ServerOptions::default()
        .env("DNS_SERVERS", names.address().to_string())
        .start()
        .await;
    let admin = server.admin().await;
    let srv = admin
        .get("dns.resolve.srv?url=_chat._tcp.chat.test")
        .await
        .ok();
    assert_eq!(
        srv["resolved"],
        json!({"target": "first.chat.test", "priority": 10, "weight": 7, "port": 5223}),
        "the first in order of priority"
    );
    for url in ["chat.test", "https://chat.test/path?x"] {
        let txt = admin
            .post(&format!("dns.resolve.txt?url={url}"), json!({}))
            .await
            .ok();
        assert_eq!(txt["resolved"], "v=chat1 the answer", "{url}");
    }
    admin
        .get("dns.resolve.srv?url=chat.test")
        .await
        .refused(400);
    admin
        .post("dns.resolve.txt?url=other.test", json!({}))
        .await
        .refused(400);
    // A question in the body is none.
    let body = admin
        .post("dns.resolve.txt", json!({"url": "chat.test"}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-missing-param");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_own_texts_are_told_in_its_language() {
    let server = Server::start().await;
    let get = async |path: &str| server.client().send(Method::GET, path, None).await;
    let english = get("/i18n/en.json").await;
    assert_eq!(english.status, 200);
    assert_eq!(english.header("content-type"), Some("application/json"));
    assert!(english.body["SMTP_Test_Subject"].is_string());
    for path in [
        "/i18n/xx.json",
        "/i18n/de.json",
        "/i18n/en",
        "/i18n/.json",
        "/i18n/en.json.json",
    ] {
        assert_eq!(get(path).await.status, 400, "{path}");
    }
}

async fn what_members_want_translated_is_kept(options: ServerOptions) {
    let server = options
        .env("OVERWRITE_SETTING_AutoTranslate_Enabled", "true")
        .start()
        .await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let save = "autotranslate.saveSettings";
    let languages = admin
        .get("autotranslate.getSupportedLanguages?targetLanguage=en")
        .await
        .ok();
    assert_eq!(languages["languages"], json!([]));
    admin
        .post(
            save,
            json!({"roomId": "GENERAL", "field": "autoTranslate", "value": true, "defaultLanguage": "de"}),
        )
        .await
        .ok();
    let kept = admin.get("subscriptions.getOne?roomId=GENERAL").await.ok()["subscription"].clone();
    assert_eq!(kept["autoTranslate"], true);
    assert_eq!(kept["autoTranslateLanguage"], "de");
    let params = json!(["GENERAL", "autoTranslateLanguage", "fr"]);
    let done = method(&admin, "autoTranslate.saveSettings", params).await;
    assert_eq!(done["result"], true);
    let kept = admin.get("subscriptions.getOne?roomId=GENERAL").await.ok()["subscription"].clone();
    assert_eq!(kept["autoTranslateLanguage"], "fr");

    for (body, error) in [
        (
            json!({"field": "autoTranslate", "value": true}),
            "The bodyParam \"roomId\" is required.",
        ),
        (
            json!({"roomId": "GENERAL", "value": true}),
            "The bodyParam \"field\" is required.",
        ),
        (
            json!({"roomId": "GENERAL", "field": "autoTranslate"}),
            "The bodyParam \"value\" is required.",
        ),
        (
            json!({"roomId": "GENERAL", "field": "autoTranslate", "value": "yes"}),
            "The bodyParam \"autoTranslate\" must be a boolean.",
        ),
        (
            json!({"roomId": "GENERAL", "field": "autoTranslateLanguage", "value": 1}),
            "The bodyParam \"autoTranslateLanguage\" must be a string.",
        ),
    ] {
        let refused = admin.post(save, body).await.refused(400);
        assert_eq!(refused["error"], error);
    }
    let good = json!({"roomId": "GENERAL", "field": "autoTranslate", "value": true});
    let body = ann.post(save, good).await.refused(400);
    assert_eq!(body["errorType"], "error-action-not-allowed");
    let body = admin
        .post(
            save,
            json!({"roomId": "nowhere", "field": "autoTranslate", "value": true}),
        )
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-invalid-subscription");
    let body = admin
        .post(
            "autotranslate.translateMessage",
            json!({"messageId": "nothing"}),
        )
        .await
        .refused(400);
    assert_eq!(body["error"], "Message not found.");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_switched_off_or_not_part_of_the_server_says_so() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let body = admin
        .get("autotranslate.getSupportedLanguages?targetLanguage=en")
        .await
        .refused(400);
    assert_eq!(body["error"], "AutoTranslate is disabled.");

    for path in ["ldap.testConnection", "ldap.testSearch", "ldap.syncNow"] {
        let body = admin
            .post(path, json!({"username": "ann"}))
            .await
            .refused(400);
        assert_eq!(body["error"], "LDAP_disabled", "{path}");
        let body = ann.post(path, json!({})).await.refused(400);
        assert_eq!(body["error"], "error-not-authorized", "{path}");
    }

    for path in [
        "getImportFileData",
        "getImportProgress",
        "getCurrentImportOperation",
    ] {
        let body = admin.get(path).await.refused(400);
        assert_eq!(body["errorType"], "error-operation-not-found", "{path}");
        assert_eq!(body["details"]["method"], path);
    }
    for path in ["uploadImportFile", "downloadPublicImportFile"] {
        let body = admin
            .post(path, json!({"importerKey": "csv"}))
            .await
            .refused(400);
        assert_eq!(body["errorType"], "error-importer-not-defined", "{path}");
        let body = ann
            .post(path, json!({"importerKey": "csv"}))
            .await
            .refused(400);
        assert_eq!(body["errorType"], "error-action-not-allowed", "{path}");
    }
    assert_eq!(admin.get("getLatestImportOperations").await.ok(), json!([]));
    for path in ["downloadPendingFiles", "downloadPendingAvatars"] {
        assert_eq!(admin.post(path, json!({})).await.ok()["count"], 0);
        ann.post(path, json!({})).await.refused(403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_call_these_methods() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    for name in ["UserPresence:online", "UserPresence:away"] {
        let done = method(&ann, name, json!([""])).await;
        assert!(done.get("error").is_none(), "{done}");
        let other = method(&ann, name, json!([admin.user_id])).await;
        assert_eq!(other["error"]["error"], "cannot-change-other-users-status");
    }
    method(&ann, "setUserStatus", json!(["away", "gone"])).await;
    let status = admin.get("users.getStatus?username=ann").await.ok();
    assert_eq!(
        (&status["status"], &status["message"]),
        (&json!("away"), &json!("gone"))
    );
    method(&ann, "UserPresence:setDefaultStatus", json!(["busy"])).await;
    assert_eq!(ann.get("me").await.ok()["statusDefault"], "busy");
    assert_eq!(
        admin.get("users.getStatus?username=ann").await.ok()["status"],
        "offline",
        "nobody is there"
    );
    let odd = method(&ann, "UserPresence:setDefaultStatus", json!(["sleepy"])).await;
    assert!(odd.get("error").is_none());

    let found = method(
        &ann,
        "spotlight",
        json!(["adm", [], {"users": true, "rooms": false}, "GENERAL"]),
    )
    .await;
    assert_eq!(found["result"]["users"][0]["username"], "admin");
    assert!(
        found["result"]["users"][0].get("outside").is_none(),
        "a member of the room"
    );
    assert_eq!(found["result"]["rooms"], json!([]));

    let made = method(
        &admin,
        "insertOrUpdateUserStatus",
        json!([{"name": "x", "statusType": "away"}]),
    )
    .await;
    let list = method(&ann, "listCustomUserStatus", json!([])).await;
    assert_eq!(list["result"][0]["_id"], made["result"]);
    let refused = method(&ann, "deleteCustomUserStatus", json!([made["result"]])).await;
    assert_eq!(refused["error"]["error"], "not_authorized");
    method(&admin, "deleteCustomUserStatus", json!([made["result"]])).await;

    method(
        &ann,
        "e2e.setUserPublicAndPrivateKeys",
        json!([{"public_key": "p", "private_key": "s"}]),
    )
    .await;
    let keys = method(&ann, "e2e.fetchMyKeys", json!([])).await;
    assert_eq!(
        keys["result"],
        json!({"public_key": "p", "private_key": "s"})
    );
    let asked = method(&ann, "e2e.requestSubscriptionKeys", json!([])).await;
    assert_eq!(asked["result"], true);
}
