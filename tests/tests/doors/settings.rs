//! Settings and permissions.

use serde_json::json;
use tests::server::Server;

use super::all;

#[tokio::test]
async fn settings_and_permissions() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let public = server.client().get("settings.public?count=0").await.ok();
    let ids = all(&public, "settings", "_id");
    assert_eq!(public["total"], json!(ids.len()));
    assert!(
        ids.contains(&"Site_Url".to_owned())
            && !ids.contains(&"Initial_Channel_Created".to_owned())
    );
    for path in [
        "settings.public?_id=uniqueID",
        "settings.public?query={\"_id\":\"uniqueID\"}",
    ] {
        let one = server.client().get(path).await.ok();
        assert_eq!(one["settings"].as_array().unwrap().len(), 1, "{one}");
        assert!(
            one["settings"][0]["value"]
                .as_str()
                .is_some_and(|value| !value.is_empty()),
            "{one}"
        );
    }
    let permissions = admin.get("permissions.listAll").await.ok();
    let list = permissions["update"].as_array().unwrap();
    for (index, name) in [
        (28, "edit-message"),
        (70, "view-full-other-user-info"),
        (140, "post-readonly"),
        (150, "pin-message"),
    ] {
        assert_eq!(
            list[index]["_id"], name,
            "clients look here (contract, clients 5)"
        );
    }
    assert!(list.iter().all(|permission| permission["roles"].is_array()));
    assert_eq!(permissions["remove"], json!([]));
}
