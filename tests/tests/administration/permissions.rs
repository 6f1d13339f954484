//! Permissions: who holds them, and who says so.

use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::calls::{ids, refusal, result};

on_both_logs![
    permissions_go_with_the_settings_they_are_about,
    permissions_are_listed_and_replaced,
    all_permissions_are_replaced_or_none,
    permissions_by_method,
    one_role_is_given_one_permission,
];

fn find<'a>(list: &'a Value, id: &str) -> &'a Value {
    list.as_array()
        .expect("a list")
        .iter()
        .find(|item| item["_id"] == id)
        .unwrap_or_else(|| panic!("no {id}"))
}

async fn permissions_are_listed_and_replaced(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let all = alice.get("permissions.listAll").await.ok();
    assert_eq!(
        find(&all["update"], "delete-user")["roles"],
        json!(["admin"])
    );
    let of_setting = find(&all["update"], "change-setting-SMTP_Host");
    assert_eq!(of_setting["roles"], json!([]));
    assert_eq!(of_setting["level"], "settings");
    assert_eq!(of_setting["settingId"], "SMTP_Host");
    assert_eq!(of_setting["groupPermissionId"], "change-setting-Email");
    assert_eq!(of_setting["sectionPermissionId"], "change-setting-SMTP");
    find(&all["update"], "change-setting-Email");
    assert_eq!(all["remove"], json!([]));

    let before = all["update"].as_array().unwrap().len();
    let wish = json!({"permissions": [
        {"_id": "delete-user", "roles": ["admin", "bot"]},
        {"_id": "change-setting-SMTP_Host", "roles": ["bot"]},
    ]});
    let updated = admin.post("permissions.update", wish).await.ok();
    assert_eq!(updated["permissions"].as_array().unwrap().len(), before);
    let deleting = find(&updated["permissions"], "delete-user");
    assert_eq!(deleting["roles"], json!(["admin", "bot"]));
    let at = deleting["_updatedAt"].as_str().unwrap();
    let earlier = &find(&all["update"], "delete-user")["_updatedAt"];
    assert!(at > earlier.as_str().unwrap());
    // Answers go back further than asked: somebody may not have been told yet.
    for since in [earlier.as_str().unwrap(), at] {
        let path = format!("permissions.listAll?updatedSince={since}");
        let changed = alice.get(&path).await.ok();
        for changed_now in ["delete-user", "change-setting-SMTP_Host"] {
            assert_eq!(find(&changed["update"], changed_now)["_updatedAt"], at);
        }
    }
    let later = alice
        .get("permissions.listAll?updatedSince=2100-01-01T00:00:00.000Z")
        .await
        .ok();
    assert_eq!(later["update"], json!([]));
    let error = alice
        .get("permissions.listAll?updatedSince=soon")
        .await
        .refused(400);
    assert_eq!(error["errorType"], "error-roomId-param-invalid");
}

async fn all_permissions_are_replaced_or_none(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let good = json!({"_id": "create-c", "roles": []});
    for (body, text, code) in [
        (
            json!({}),
            "Invalid body params",
            "error-invalid-body-params",
        ),
        (
            json!({"permissions": "x"}),
            "Invalid body params",
            "error-invalid-body-params",
        ),
        (
            json!({"permissions": [{"_id": "create-c"}]}),
            "Invalid body params",
            "error-invalid-body-params",
        ),
        (
            json!({"permissions": [{"_id": "create-c", "roles": ["user", "user"]}]}),
            "Invalid body params",
            "error-invalid-body-params",
        ),
        (
            json!({"permissions": [good, {"_id": "fly", "roles": []}]}),
            "Invalid permission",
            "error-invalid-permission",
        ),
        (
            json!({"permissions": [good, {"_id": "create-p", "roles": ["x"]}]}),
            "Invalid role",
            "error-invalid-role",
        ),
    ] {
        let answer = admin.post("permissions.update", body).await.refused(400);
        assert_eq!(
            answer,
            json!({"success": false, "error": text, "errorType": code})
        );
    }
    let body = json!({"permissions": [good]});
    let answer = alice.post("permissions.update", body).await.refused(400);
    assert_eq!(
        answer,
        json!({"success": false, "error": "Editing permissions is not allowed",
               "errorType": "error-edit-permissions-not-allowed"})
    );
    let all = alice.get("permissions.listAll").await.ok();
    assert_eq!(
        find(&all["update"], "create-c")["roles"],
        json!(["admin", "user", "bot", "app"])
    );
}

#[tokio::test]
async fn administrators_keep_the_right_to_change_rights() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for roles in [json!([]), json!(["user"])] {
        let wish = json!({"permissions": [{"_id": "access-permissions", "roles": roles}]});
        let refused = admin.post("permissions.update", wish).await.refused(400);
        assert_eq!(refused["errorType"], "error-admin-required");
    }
    let taken = json!(["access-permissions", "admin"]);
    let error = refusal(&admin, "authorization:removeRoleFromPermission", taken).await;
    assert_eq!(error, "error-admin-required");
    let all = admin.get("permissions.listAll").await.ok();
    assert_eq!(
        find(&all["update"], "access-permissions")["roles"],
        json!(["admin"])
    );
    let more = json!({"permissions": [{"_id": "access-permissions", "roles": ["admin", "user"]}]});
    admin.post("permissions.update", more).await.ok();
}

async fn permissions_by_method(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let all = result(&alice, "permissions/get", json!([])).await;
    assert_eq!(find(&all, "create-team")["roles"], json!(["admin", "user"]));
    let (add, remove) = (
        "authorization:addPermissionToRole",
        "authorization:removeRoleFromPermission",
    );
    result(&admin, add, json!(["create-team", "guest"])).await;
    result(&admin, remove, json!(["create-team", "user"])).await;
    let since = json!([{"$date": 0}]);
    let all = result(&alice, "permissions/get", since).await;
    assert_eq!(
        find(&all["update"], "create-team")["roles"],
        json!(["admin", "guest"])
    );
    result(&admin, add, json!(["change-setting-SMTP_Host", "user"])).await;
    let all = result(&alice, "permissions/get", json!([null])).await;
    assert_eq!(
        find(&all, "change-setting-SMTP_Host")["roles"],
        json!(["user"])
    );
    assert_eq!(
        find(&all, "change-setting-Email")["roles"],
        json!(["user"]),
        "its group too"
    );
    for name in [add, remove] {
        let code = refusal(&alice, name, json!(["create-team", "user"])).await;
        assert_eq!(code, "error-action-not-allowed");
        let code = refusal(&admin, name, json!(["fly", "user"])).await;
        assert_eq!(code, "error-invalid-permission");
    }
}

async fn one_role_is_given_one_permission(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let change = async |client: &Client, path: &str, permission: &str, role: &str| {
        let body = json!({"permissionId": permission, "role": role});
        client.post(&format!("permissions.{path}"), body).await
    };
    let holders = async |permission: &str| {
        let all = alice.get("permissions.listAll").await.ok();
        find(&all["update"], permission)["roles"].clone()
    };
    change(&admin, "addRole", "create-team", "guest").await.ok();
    change(&admin, "removeRole", "create-team", "user")
        .await
        .ok();
    assert_eq!(holders("create-team").await, json!(["admin", "guest"]));
    change(&admin, "addRole", "change-setting-SMTP_Host", "user")
        .await
        .ok();
    assert_eq!(
        holders("change-setting-Email").await,
        json!(["user"]),
        "its group too"
    );
    for path in ["addRole", "removeRole"] {
        change(&alice, path, "create-team", "user")
            .await
            .refused(403);
        let unknown = change(&admin, path, "fly", "user").await.refused(400);
        assert_eq!(unknown["errorType"], "error-invalid-permission");
        let odd = json!({"permissionId": "create-team", "role": "user", "x": 1});
        let odd = admin
            .post(&format!("permissions.{path}"), odd)
            .await
            .refused(400);
        assert_eq!(odd["errorType"], "invalid-params");
    }
    assert_eq!(holders("create-team").await, json!(["admin", "guest"]));
}

async fn permissions_go_with_the_settings_they_are_about(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let id = "Accounts_OAuth_Custom-Keycloak";
    let permission = format!("change-setting-{id}");
    let add = json!({"name": "keycloak"});
    admin
        .post("settings.addCustomOAuth", add.clone())
        .await
        .ok();
    let all = admin.get("permissions.listAll").await.ok();
    let before = find(&all["update"], &permission)["_updatedAt"].clone();
    let since = async |date: &Value| {
        let path = format!(
            "permissions.listAll?updatedSince={}",
            date.as_str().unwrap()
        );
        admin.get(&path).await.ok()
    };
    assert_eq!(since(&before).await["remove"], json!([]));

    result(&admin, "removeOAuthService", json!(["keycloak"])).await;
    let gone = since(&before).await;
    let removed = find(&gone["remove"], &permission);
    let at = removed["_deletedAt"].clone();
    assert!(at.as_str() >= before.as_str(), "{removed}");
    assert_eq!(gone["remove"].as_array().map(Vec::len), Some(29));
    assert!(!ids(&gone["update"]).contains(&permission.as_str()));
    let later = json!("2100-01-01T00:00:00.000Z");
    assert_eq!(since(&later).await["remove"], json!([]));
    let all = admin.get("permissions.listAll").await.ok();
    assert_eq!(all["remove"], json!([]), "not without a date");
    assert!(!ids(&all["update"]).contains(&permission.as_str()));

    let millis = before.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let date = json!([{"$date": millis.as_millisecond()}]);
    let by_method = result(&admin, "permissions/get", date.clone()).await;
    assert_eq!(by_method["remove"].as_array().map(Vec::len), Some(29));
    let settings = result(&admin, "private-settings/get", date.clone()).await;
    assert!(ids(&settings["remove"]).contains(&id));
    let public = result(&admin, "public-settings/get", date).await;
    assert!(ids(&public["remove"]).len() < 29, "public ones only");

    admin.post("settings.addCustomOAuth", add).await.ok();
    let back = since(&at).await;
    find(&back["update"], &permission);
    assert_eq!(back["remove"], json!([]));
}
