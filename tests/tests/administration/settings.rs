//! Workspace settings: reading, changing, what the operator says, and the login services they describe.

use std::path::Path;

use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::calls::{ids, refusal, result};

on_both_logs![
    settings_are_read_and_changed,
    login_services_follow_their_settings,
    settings_by_method,
    secrets_are_on_no_disk_and_survive_a_restart,
];

async fn value(client: &Client, id: &str) -> Value {
    client.get(&format!("settings/{id}")).await.ok()["value"].clone()
}

async fn save(client: &Client, id: &str, value: Value) -> tests::client::Answer {
    client
        .post(&format!("settings/{id}"), json!({"value": value}))
        .await
}

async fn settings_are_read_and_changed(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    assert_eq!(value(&admin, "Message_MaxAllowedSize").await, 5000);
    assert_eq!(
        save(&admin, "Message_MaxAllowedSize", json!(10)).await.ok(),
        json!({"success": true})
    );
    assert_eq!(value(&admin, "Message_MaxAllowedSize").await, 10);
    save(&admin, "Message_MaxAllowedSize", json!("11"))
        .await
        .ok();
    assert_eq!(value(&admin, "Message_MaxAllowedSize").await, 11);
    for (id, wrong) in [
        ("Message_MaxAllowedSize", json!("many")),
        ("Threads_enabled", json!("perhaps")),
        ("Site_Name", json!(1)),
        ("Hide_System_Messages", json!("uj")),
        ("Assets_logo", json!("logo.png")),
        ("Message_ErasureType", json!("Burn")),
        ("CAS_button_color", json!({})),
    ] {
        save(&admin, id, wrong).await.refused(400);
    }
    let bare = json!({"success": false});
    assert_eq!(admin.get("settings/Nothing").await.refused(400), bare);
    assert_eq!(
        admin
            .get("settings/Accounts_SystemBlockedUsernameList")
            .await
            .refused(400),
        bare
    );
    assert_eq!(save(&admin, "Nothing", json!(1)).await.refused(400), bare);
    assert_eq!(
        admin
            .post("settings/Site_Name", json!({}))
            .await
            .refused(400),
        bare
    );
    for answer in [
        alice.get("settings/Site_Name").await,
        save(&alice, "Site_Name", json!("Mine")).await,
    ] {
        assert_eq!(
            answer.refused(403),
            json!({"success": false, "error": "unauthorized"})
        );
    }

    let path = "settings/CAS_button_color";
    let picked = json!({"editor": "color", "value": "red"});
    admin.post(path, picked).await.refused(400);
    let written = json!({"editor": "expression", "value": "var(--x)"});
    admin.post(path, written).await.ok();
    assert_eq!(value(&admin, "CAS_button_color").await, "var(--x)");

    save(&admin, "Accounts_OAuth_Custom-Nobody", json!(true))
        .await
        .refused(400);
    let no_action = admin
        .post("settings/Site_Name", json!({"execute": true}))
        .await;
    assert_eq!(no_action.refused(400), bare, "nothing to run");
    let push = admin
        .post("settings/Push_test_push", json!({"execute": true}))
        .await;
    assert_eq!(
        push.refused(400)["errorType"],
        "error-no-tokens-for-this-user"
    );
}

#[tokio::test]
async fn settings_are_listed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let all = admin.get("settings?count=0").await.ok();
    let few = alice.get("settings?count=0").await.ok();
    let public = server.client().get("settings.public?count=0").await.ok();
    assert_eq!(few["settings"], public["settings"]);
    assert!(all["total"].as_u64() > few["total"].as_u64());
    let has = |list: &Value, id: &str| ids(&list["settings"]).contains(&id);
    assert!(has(&all, "SMTP_Host") && has(&all, "Email") && !has(&few, "SMTP_Host"));
    assert!(!has(&all, "Accounts_SystemBlockedUsernameList"), "hidden");
    let first = &all["settings"][0];
    assert_eq!(first.as_object().unwrap().len(), 3, "{first}");
    let page = admin.get("settings?count=2&offset=1").await.ok();
    assert_eq!((&page["count"], &page["offset"]), (&json!(2), &json!(1)));
    assert_eq!(page["settings"][0], all["settings"][1]);

    let one = public_page(
        &server,
        r#"query={"_id":{"$in":["Site_Name","uniqueID","SMTP_Host"]}}&sort={"_id":-1}"#,
    )
    .await;
    assert_eq!(ids(&one["settings"]), ["uniqueID", "Site_Name"]);
    assert!(!one["settings"][0]["value"].as_str().unwrap().is_empty());
    let two = public_page(
        &server,
        r#"_id=Site_Name,uniqueID&fields={"type":1,"group":1}"#,
    )
    .await;
    assert_eq!(ids(&two["settings"]), ["Site_Name", "uniqueID"]);
    assert_eq!(two["settings"][0]["type"], "string");
    assert!(two["settings"][0]["value"].is_string(), "fields only add");
    let three = public_page(
        &server,
        r#"query={"type":"asset","_id":{"$regex":"^Assets_fav"}}"#,
    )
    .await;
    assert!(three["total"].as_u64().unwrap() >= 5);
    let none = public_page(&server, r#"query={"public":false}"#).await;
    assert_eq!(none["total"], 0);
    server
        .client()
        .get("settings.public?query={bad")
        .await
        .refused(400);
}

async fn public_page(server: &Server, query: &str) -> Value {
    server
        .client()
        .get(&format!("settings.public?{query}"))
        .await
        .ok()
}

/// Whether a file in the folder, or below it, holds the text.
fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    })
}

async fn secrets_are_on_no_disk_and_survive_a_restart(options: ServerOptions) {
    let mut server = options.start().await;
    let admin = server.admin().await;
    let secret = "a-very-secret-word-indeed";
    save(&admin, "SMTP_Password", json!(secret)).await.ok();
    save(&admin, "SMTP_Host", json!("mail.somewhere.example"))
        .await
        .ok();
    assert_eq!(value(&admin, "SMTP_Password").await, secret);
    server.stop().await;
    assert!(holds(&server.data(), "mail.somewhere.example"));
    assert!(
        !holds(&server.data(), secret),
        "{secret} is written somewhere"
    );
    assert!(!server.output().contains(secret));
    server.restart().await;
    let admin = server.admin().await;
    assert_eq!(value(&admin, "SMTP_Password").await, secret);
}

#[tokio::test]
async fn the_operator_has_the_last_word() {
    let options = ServerOptions::default()
        .env("Site_Name", "From The Start")
        .env("SMTP_Port", "2525")
        .env("OVERWRITE_SETTING_SMTP_Password", "forced secret")
        .env("OVERWRITE_SETTING_Threads_enabled", "false")
        .env("SETTINGS_BLOCKED", "Language, Organization_Name")
        .env("SETTINGS_HIDDEN", "SMTP_Host");
    let mut server = options.start().await;
    let admin = server.admin().await;
    assert_eq!(value(&admin, "Site_Name").await, "From The Start");
    assert_eq!(value(&admin, "SMTP_Password").await, "forced secret");
    assert_eq!(value(&admin, "Threads_enabled").await, false);
    let query = r#"settings?query={"_id":"Site_Name"}&fields={"valueSource":1,"processEnvValue":1,"packageValue":1,"i18nLabel":1}"#;
    let named = admin.get(query).await.ok()["settings"][0].clone();
    assert_eq!(named["valueSource"], "processEnvValue");
    assert_eq!(named["processEnvValue"], "From The Start");
    assert_eq!(named["i18nLabel"], "Site_Name");

    let before = value(&admin, "Organization_Name").await;
    save(&admin, "Organization_Name", json!("Us")).await.ok();
    assert_eq!(value(&admin, "Organization_Name").await, before, "blocked");
    admin.get("settings/SMTP_Host").await.refused(400);
    save(&admin, "SMTP_Host", json!("x")).await.refused(400);
    let all = admin.get("settings?count=0").await.ok();
    assert!(!ids(&all["settings"]).contains(&"SMTP_Host"));
    let permissions = admin.get("permissions.listAll").await.ok();
    let permissions = ids(&permissions["update"]);
    assert!(permissions.contains(&"change-setting-SMTP_Port"));
    assert!(!permissions.contains(&"change-setting-SMTP_Host"), "hidden");

    save(&admin, "Site_Name", json!("Ours")).await.ok();
    save(&admin, "Threads_enabled", json!(true)).await.ok();
    server.restart().await;
    let admin = server.admin().await;
    assert_eq!(
        value(&admin, "Site_Name").await,
        "Ours",
        "only the first start counts"
    );
    assert_eq!(
        value(&admin, "Threads_enabled").await,
        false,
        "forced again"
    );
}

async fn settings_by_method(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let public = result(&alice, "public-settings/get", json!([])).await;
    let name = public
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["_id"] == "Site_Name")
        .unwrap();
    assert_eq!(name["type"], "string");
    assert_eq!(
        result(&alice, "private-settings/get", json!([])).await,
        json!([])
    );
    let all = result(&admin, "private-settings/get", json!([])).await;
    let host = all
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["_id"] == "SMTP_Host")
        .unwrap();
    assert_eq!(
        (&host["group"], &host["section"]),
        (&json!("Email"), &json!("SMTP"))
    );
    assert!(ids(&all).contains(&"Email"), "groups too");

    let both = json!([[{"_id": "SMTP_Host", "value": "a"}, {"_id": "Site_Name", "value": "b"}]]);
    result(&admin, "saveSettings", both.clone()).await;
    assert_eq!(value(&admin, "SMTP_Host").await, "a");
    let several = |host: &str, other: &str| json!({"settings": [{"_id": "SMTP_Host", "value": host}, {"_id": other, "value": "b"}]});
    admin.post("settings", several("r", "Site_Name")).await.ok();
    assert_eq!(value(&admin, "SMTP_Host").await, "r");
    for (client, wish, status) in [
        (&admin, several("x", "Nothing"), 400),
        (&admin, json!({"settings": [{"value": 1}]}), 400),
        (&admin, json!({}), 400),
        (&alice, several("x", "Site_Name"), 403),
    ] {
        client.post("settings", wish).await.refused(status);
    }
    assert_eq!(
        value(&admin, "SMTP_Host").await,
        "r",
        "all of them, or none"
    );
    assert_eq!(
        refusal(&alice, "saveSettings", both.clone()).await,
        "error-action-not-allowed"
    );
    for role in ["manage-selected-settings", "change-setting-SMTP_Host"] {
        let grant = json!([role, "user"]);
        result(&admin, "authorization:addPermissionToRole", grant).await;
    }
    let error = crate::calls::method(&alice, "saveSettings", both).await["error"].clone();
    assert_eq!(error["details"]["settingIds"], json!(["Site_Name"]));
    result(&alice, "saveSetting", json!(["SMTP_Host", "c", null])).await;
    assert_eq!(value(&admin, "SMTP_Host").await, "c");
    let some = result(&alice, "private-settings/get", json!([])).await;
    assert!(ids(&some).contains(&"SMTP_Host") && !ids(&some).contains(&"SMTP_Port"));
    let wrong = crate::calls::method(&admin, "saveSetting", json!(["SMTP_Host", 5])).await;
    assert!(wrong.get("error").is_some());
    let wizard = result(&admin, "getSetupWizardParameters", json!([])).await;
    assert!(ids(&wizard["settings"]).contains(&"Organization_Name"));
    assert_eq!(wizard["serverAlreadyRegistered"], false);
}

async fn login_services_follow_their_settings(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let nobody = server.client();
    assert_eq!(
        nobody.get("settings.oauth").await.ok()["services"],
        json!([])
    );
    save(&admin, "Accounts_OAuth_Google_id", json!("google id"))
        .await
        .ok();
    save(
        &admin,
        "Accounts_OAuth_Google_secret",
        json!("google secret"),
    )
    .await
    .ok();
    save(&admin, "Accounts_OAuth_Google", json!(true))
        .await
        .ok();
    let services = nobody.get("settings.oauth").await.ok();
    let google = &services["services"][0];
    assert_eq!(
        (&google["name"], &google["clientId"]),
        (&json!("google"), &json!("google id"))
    );
    assert_eq!(google["custom"], false);

    let add = "settings.addCustomOAuth";
    let missing = admin.post(add, json!({})).await.refused(400);
    assert_eq!(missing["errorType"], "error-name-param-not-provided");
    let refused = alice.post(add, json!({"name": "x"})).await.refused(400);
    assert_eq!(refused["errorType"], "error-action-not-allowed");
    admin.post(add, json!({"name": "key-Cloak"})).await.ok();
    let id = "Accounts_OAuth_Custom-Keycloak";
    assert_eq!(value(&admin, id).await, false);
    let settings = admin
        .get(&format!(
            r#"settings?count=0&query={{"_id":{{"$regex":"^{id}"}}}}"#
        ))
        .await
        .ok();
    assert_eq!(settings["total"], 29);
    save(&admin, &format!("{id}-url"), json!("https://idp.example"))
        .await
        .ok();
    save(&admin, &format!("{id}-secret"), json!("hidden thing"))
        .await
        .ok();
    save(&admin, &format!("{id}-merge_roles"), json!(true))
        .await
        .ok();
    save(&admin, id, json!(true)).await.ok();
    for (path, list) in [
        ("settings.oauth", "services"),
        ("service.configurations", "configurations"),
    ] {
        let answer = nobody.get(path).await.ok();
        let custom = answer[list]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["service"] == "keycloak");
        let custom = custom.unwrap_or_else(|| panic!("{path}: {answer}"));
        assert_eq!(custom["serverURL"], "https://idp.example");
        assert_eq!(custom["custom"], true);
        assert_eq!(custom["tokenPath"], "/oauth/token");
        assert_eq!(
            custom["mergeRoles"], false,
            "enterprise settings keep their community value"
        );
        assert!(
            !answer.to_string().contains("hidden thing")
                && !answer.to_string().contains("google secret")
        );
    }
    let all = alice.get("permissions.listAll").await.ok();
    assert!(ids(&all["update"]).contains(&"change-setting-Accounts_OAuth_Custom-Keycloak"));

    assert_eq!(
        refusal(&alice, "removeOAuthService", json!(["Keycloak"])).await,
        "error-action-not-allowed"
    );
    result(&admin, "refreshOAuthService", json!([])).await;
    result(&admin, "removeOAuthService", json!(["Keycloak"])).await;
    assert_eq!(
        nobody.get("settings.oauth").await.ok()["services"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    admin.get(&format!("settings/{id}")).await.refused(400);
    admin.post(add, json!({"name": "Keycloak"})).await.ok();
    assert_eq!(value(&admin, id).await, false);
    assert_eq!(value(&admin, &format!("{id}-url")).await, "", "begins anew");
}

#[tokio::test]
async fn what_takes_a_licence_stays_as_it_is_without_one() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = "Push_request_content_from_server";
    assert_eq!(value(&admin, id).await, false);
    save(&admin, id, json!(true)).await.ok();
    assert_eq!(value(&admin, id).await, false);
    let query = format!(r#"settings?_id={id}&fields={{"packageValue":1}}"#);
    let row = admin.get(&query).await.ok()["settings"][0].clone();
    let whole = json!({
        "_id": id, "value": false, "enterprise": true, "invalidValue": false, "modules": [], "packageValue": true,
    });
    assert_eq!(row, whole);
}

#[tokio::test]
async fn only_colours_have_an_editor() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let forms = json!([[
        {"_id": "Site_Name", "value": "Ours", "editor": "color"},
        {"_id": "CAS_button_color", "value": "#123456", "editor": "color"},
    ]]);
    assert_eq!(result(&admin, "saveSettings", forms).await, json!(true));
    assert_eq!(value(&admin, "Site_Name").await, "Ours");
    let no_colour = json!(["CAS_button_color", "red", "color"]);
    let refused = crate::calls::method(&admin, "saveSetting", no_colour).await;
    assert!(refused.get("error").is_some(), "{refused}");
    assert_eq!(value(&admin, "CAS_button_color").await, "#123456");
}
