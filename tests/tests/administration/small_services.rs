//! Small services: password policy, deployment, names, translations, WebDAV accounts, and what is not part of the
//! server.

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

on_both_logs![
    what_members_want_translated_is_kept,
    webdav_accounts_are_kept_without_their_passwords,
    a_deployment_is_declared,
];

/// Calls a method and answers what stands in its message.
async fn method(client: &Client, name: &str, params: Value) -> Value {
    let message = json!({"msg": "method", "id": "1", "method": name, "params": params});
    let body = client
        .post(
            &format!("method.call/{name}"),
            json!({"message": message.to_string()}),
        )
        .await
        .ok();
    serde_json::from_str(body["message"].as_str().expect("a message")).expect("JSON inside")
}

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

async fn webdav_accounts_are_kept_without_their_passwords(options: ServerOptions) {
    let server = options
        .env("OVERWRITE_SETTING_Webdav_Integration_Enabled", "true")
        .start()
        .await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let account = json!([{"serverURL": "https://dav.example.org", "username": "ann", "password": "hunter22"}]);
    let added = method(&ann, "addWebdavAccount", account.clone()).await;
    assert_eq!(added["result"], true, "{added}");
    let again = method(&ann, "addWebdavAccount", account).await;
    assert_eq!(again["error"]["error"], "duplicated-account");
    let bad = json!([{"serverURL": "file:///etc", "username": "ann", "password": "x"}]);
    let bad = method(&ann, "addWebdavAccount", bad).await;
    assert_eq!(bad["error"]["error"], "could-not-access-webdav");
    let token = json!([{"serverURL": "https://dav.example.net", "token": "t0ken", "name": "work"}]);
    method(&ann, "addWebdavAccountByToken", token).await;

    let mine = ann.get("webdav.getMyAccounts").await.ok();
    let accounts = mine["accounts"].as_array().expect("accounts");
    assert_eq!(accounts.len(), 2);
    assert_eq!(accounts[0]["username"], "ann");
    assert_eq!(accounts[1]["name"], "work");
    assert!(!mine.to_string().contains("hunter22") && !mine.to_string().contains("t0ken"));
    assert_eq!(
        bob.get("webdav.getMyAccounts").await.ok()["accounts"],
        json!([])
    );
    let id = &accounts[0]["_id"];
    let not_his = method(&bob, "removeWebdavAccount", json!([id])).await;
    assert_eq!(not_his["error"]["error"], "error-invalid-account");
    let files = method(&ann, "getWebdavFileList", json!([id, "/"])).await;
    assert_eq!(files["error"]["error"], "error-not-allowed");
    let removed = method(&ann, "removeWebdavAccount", json!([id])).await;
    assert_eq!(removed["result"], true);
    let left = ann.get("webdav.getMyAccounts").await.ok();
    assert_eq!(left["accounts"].as_array().map(Vec::len), Some(1));
    server
        .client()
        .get("webdav.getMyAccounts")
        .await
        .refused(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_switched_off_or_not_part_of_the_server_says_so() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let off = method(
        &ann,
        "addWebdavAccount",
        json!([{"serverURL": "https://x", "username": "a", "password": "b"}]),
    )
    .await;
    assert_eq!(off["error"]["error"], "error-not-allowed");
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

    let inboxes = admin.get("email-inbox.list").await.ok();
    assert_eq!(inboxes["emailInboxes"], json!([]));
    let body = ann.get("email-inbox.list").await.refused(400);
    assert_eq!(body["error"], "error-not-allowed");
    admin.get("email-inbox/x").await.ok();
    admin
        .send(Method::DELETE, "/api/v1/email-inbox/x", None)
        .await
        .refused(404);
    admin
        .post("email-inbox.send-test/x", json!({}))
        .await
        .refused(404);
    admin.post("email-inbox", json!({})).await.refused(400);
    admin.get("email-inbox.search?email=a@b").await.ok();

    for path in [
        "getImportFileData",
        "getImportProgress",
        "getCurrentImportOperation",
    ] {
        let body = admin.get(path).await.refused(400);
        assert_eq!(body["errorType"], "error-operation-not-found", "{path}");
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
