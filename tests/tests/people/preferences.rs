//! What people prefer.

use serde_json::{Value, json};
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::methods::{method, result};

on_both_logs![preferences_are_kept_and_copied,];

async fn preferences_are_kept_and_copied(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (ada, bob) = (admin.new_user("ada").await, admin.new_user("bob").await);
    assert_eq!(
        ada.get("users.getPreferences").await.ok()["preferences"],
        json!({})
    );
    let wish = json!({"language": "de", "emailNotificationMode": "all", "clockMode": 2, "highlights": ["tea"],
        "desktopNotifications": "mentions", "useEmojis": false});
    let body = ada
        .post("users.setPreferences", json!({"data": wish}))
        .await
        .ok();
    let kept = json!({"language": "de", "emailNotificationMode": "mentions", "clockMode": 2, "highlights": ["tea"],
        "desktopNotifications": "mentions", "useEmojis": false});
    assert_eq!(
        body["user"],
        json!({"_id": ada.user_id, "settings": {"preferences": kept}})
    );
    assert_eq!(
        ada.get("users.getPreferences").await.ok()["preferences"],
        kept
    );
    let me = ada.get("me").await.ok();
    assert_eq!(me["language"], json!("de"));
    let all = &me["settings"]["preferences"];
    assert_eq!(
        (
            &all["useEmojis"],
            &all["pushNotifications"],
            &all["clockMode"]
        ),
        (&json!(false), &json!("all"), &json!(2))
    );

    // Places in rooms follow, those of later as well.
    let place = async |room: &str| {
        let path = format!("subscriptions.getOne?roomId={room}");
        ada.get(&path).await.ok()["subscription"].clone()
    };
    let channel = bob
        .post(
            "channels.create",
            json!({"name": "later", "members": ["ada"]}),
        )
        .await
        .ok();
    let later = channel["channel"]["_id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    for room in ["GENERAL", &later] {
        let place = place(room).await;
        assert_eq!(place["desktopNotifications"], json!("mentions"));
        assert_eq!(place["desktopPrefOrigin"], json!("user"));
        assert_eq!(place["emailNotifications"], json!("mentions"));
        assert_eq!(place["userHighlights"], json!(["tea"]));
    }
    // Lists tell the choices, but not where they come from.
    let list = ada.get("subscriptions.get").await.ok();
    let list = list["update"].as_array().expect("a list").clone();
    assert_eq!(list.len(), 2);
    for listed in list {
        assert_eq!(listed["desktopNotifications"], json!("mentions"));
        for field in [
            "desktopPrefOrigin",
            "mobilePrefOrigin",
            "emailPrefOrigin",
            "userHighlights",
            "customFields",
        ] {
            assert_eq!(listed.get(field), None, "{field}");
        }
    }
    let back = json!({"data": {"desktopNotifications": "default", "clockMode": 0}});
    let body = ada.post("users.setPreferences", back).await.ok();
    assert_eq!(
        body["user"]["settings"]["preferences"]["clockMode"],
        Value::Null
    );
    let general = place("GENERAL").await;
    assert_eq!(general["desktopNotifications"], Value::Null);
    assert_eq!(general["desktopPrefOrigin"], Value::Null);
    assert_eq!(general["emailPrefOrigin"], json!("user"));
    assert_eq!(general["rid"], "GENERAL", "nothing else is missing");

    // Administrators may do it for others, nobody else.
    let for_ada = json!({"userId": ada.user_id, "data": {"sidebarViewMode": "extended"}});
    admin
        .post("users.setPreferences", for_ada.clone())
        .await
        .ok();
    let for_nobody = json!({"userId": "nobody", "data": {}});
    for others in [for_ada, for_nobody] {
        let body = bob.post("users.setPreferences", others).await.refused(400);
        assert_eq!(body["errorType"], json!("error-action-not-allowed"));
    }
    assert_eq!(
        ada.get("users.getPreferences").await.ok()["preferences"]["sidebarViewMode"],
        json!("extended")
    );
}

#[tokio::test]
async fn preferences_have_names_and_kinds() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for wish in [
        json!({}),
        json!({"data": {"surprise": 1}}),
        json!({"data": {"useEmojis": "perhaps"}}),
        json!({"data": {"highlights": "tea"}}),
        json!({"data": {}, "more": 1}),
    ] {
        let body = admin
            .post("users.setPreferences", wish.clone())
            .await
            .refused(400);
        assert_eq!(body["errorType"], json!("invalid-params"), "{wish}");
    }
    let many: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    admin
        .post(
            "users.setPreferences",
            json!({"data": {"highlights": many}}),
        )
        .await
        .refused(400);
    let body = admin
        .post(
            "users.setPreferences",
            json!({"data": {"idleTimeLimit": 5}}),
        )
        .await
        .refused(400);
    assert_eq!(body["errorType"], "invalid-idle-time-limit-value");
    let body = admin
        .post(
            "users.setPreferences",
            json!({"userId": "nobody", "data": {}}),
        )
        .await
        .refused(400);
    assert_eq!(body["errorType"], json!("error-invalid-user"));
    let saved = method(
        &admin,
        "saveUserPreferences",
        json!([{"idleTimeLimit": 120, "themeAppearence": "dark"}]),
    )
    .await;
    assert_eq!(result(&saved), json!(true));
    let body = admin.get("users.getPreferences").await.ok();
    assert_eq!(body["preferences"]["idleTimeLimit"], json!(120));
    let unknown = method(&admin, "saveUserPreferences", json!([{"surprise": 1}])).await;
    assert!(unknown["error"].is_object());
    server
        .client()
        .get("users.getPreferences")
        .await
        .refused(401);
}
