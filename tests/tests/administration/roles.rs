//! Roles: making them, giving them, what they allow.

use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::calls::{ids, refusal, result};

on_both_logs![
    roles_live_and_die,
    people_get_and_lose_roles,
    roles_of_ones_own_allow_what_they_are_given,
];

async fn create(admin: &Client, body: Value) -> Value {
    admin.post("roles.create", body).await.ok()["role"].clone()
}

async fn channel(owner: &Client, name: &str) -> String {
    let room = owner.post("channels.create", json!({"name": name})).await;
    room.ok()["channel"]["_id"].as_str().unwrap().to_owned()
}

async fn roles_live_and_die(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let all = alice.get("roles.list").await.ok();
    assert_eq!(all["roles"].as_array().unwrap().len(), 12);
    let owner = all["roles"]
        .as_array()
        .unwrap()
        .iter()
        .find(|role| role["_id"] == "owner");
    assert_eq!(
        owner.unwrap(),
        &json!({"_id": "owner", "name": "owner", "description": "Owner", "scope": "Subscriptions",
                "protected": true, "mandatory2fa": false})
    );

    let role = create(&admin, json!({"name": "helper", "description": "Helps"})).await;
    assert_eq!(role["scope"], "Users");
    assert_eq!(role["_id"].as_str().unwrap().len(), 24);
    for taken in ["helper", "admin", role["_id"].as_str().unwrap()] {
        let body = admin
            .post("roles.create", json!({"name": taken}))
            .await
            .refused(400);
        assert_eq!(
            body["error"],
            "Role name already exists [error-duplicate-role-names-not-allowed]"
        );
    }
    let body = admin
        .post("roles.create", json!({"name": " "}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-invalid-role-properties");
    let body = admin
        .post("roles.create", json!({"name": "x", "colour": 1}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], "invalid-params");

    let id = role["_id"].clone();
    let update = json!({"roleId": id, "name": "aide", "mandatory2fa": true});
    let changed = admin.post("roles.update", update).await.ok()["role"].clone();
    assert_eq!(
        changed,
        json!({"_id": id, "name": "aide", "description": "", "scope": "Users", "protected": false,
               "mandatory2fa": true})
    );
    create(&admin, json!({"name": "helper"})).await;
    for (body, code) in [
        (
            json!({"roleId": "nothing", "name": "x"}),
            "error-invalid-roleId",
        ),
        (
            json!({"roleId": "owner", "name": "owner"}),
            "error-role-protected",
        ),
        (
            json!({"roleId": "admin", "name": "boss"}),
            "error-role-protected",
        ),
        (
            json!({"roleId": id, "name": "helper"}),
            "error-duplicate-role-names-not-allowed",
        ),
        (
            json!({"roleId": id, "name": "x", "scope": "Everywhere"}),
            "error-invalid-scope",
        ),
    ] {
        let answer = admin.post("roles.update", body).await.refused(400);
        assert_eq!(
            answer,
            json!({"success": false, "error": code, "errorType": code})
        );
    }

    let give = json!({"username": "alice", "roleId": id});
    admin.post("roles.addUserToRole", give).await.ok();
    let in_use = admin
        .post("roles.delete", json!({"roleId": id}))
        .await
        .refused(400);
    assert_eq!(in_use["errorType"], "error-role-in-use");
    let take = json!({"username": "alice", "roleName": "aide"});
    admin.post("roles.removeUserFromRole", take).await.ok();
    let since = "2000-01-01T00:00:00.000Z";
    let sync = alice
        .get(&format!("roles.sync?updatedSince={since}"))
        .await
        .ok();
    assert_eq!(sync["roles"]["update"].as_array().unwrap().len(), 14);
    admin
        .post("roles.delete", json!({"roleId": "aide"}))
        .await
        .ok();
    for (role, code) in [
        ("aide", "error-invalid-roleId"),
        ("user", "error-role-protected"),
    ] {
        let answer = admin
            .post("roles.delete", json!({"roleId": role}))
            .await
            .refused(400);
        assert_eq!(answer["errorType"], code);
    }
    let sync = alice
        .get(&format!("roles.sync?updatedSince={since}"))
        .await
        .ok();
    assert_eq!(ids(&sync["roles"]["remove"]), [id.as_str().unwrap()]);
    assert!(sync["roles"]["remove"][0]["_deletedAt"].is_string());
    let sync = alice
        .get("roles.sync?updatedSince=2100-01-01T00:00:00.000Z")
        .await
        .ok();
    assert_eq!(sync["roles"], json!({"update": [], "remove": []}));
    let error = alice.get("roles.sync").await.refused(400);
    assert!(error["error"].as_str().unwrap().starts_with("Match error"));
}

#[tokio::test]
async fn only_some_may_touch_roles() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    for (path, body, code) in [
        (
            "roles.create",
            json!({"name": "x"}),
            "error-action-not-allowed",
        ),
        (
            "roles.update",
            json!({"roleId": "user", "name": "user"}),
            "error-action-not-allowed",
        ),
        (
            "roles.delete",
            json!({"roleId": "user"}),
            "error-action-not-allowed",
        ),
        (
            "roles.addUserToRole",
            json!({"username": "alice", "roleId": "bot"}),
            "error-action-not-allowed",
        ),
        (
            "roles.removeUserFromRole",
            json!({"username": "alice", "roleId": "user"}),
            "error-not-allowed",
        ),
    ] {
        let answer = alice.post(path, body).await.refused(400);
        assert_eq!(answer["errorType"], code, "{path}");
    }
    let answer = alice
        .get("roles.getUsersInRole?role=admin")
        .await
        .refused(400);
    assert_eq!(answer["errorType"], "error-not-allowed");
}

async fn people_get_and_lose_roles(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let add = async |body| admin.post("roles.addUserToRole", body).await;
    let role = add(json!({"username": "alice", "roleName": "bot"}))
        .await
        .ok();
    assert_eq!(role["role"]["_id"], "bot");
    let me = alice.get("me").await.ok();
    assert_eq!(me["roles"], json!(["user", "bot"]));
    let again = add(json!({"username": "alice", "roleId": "bot"}))
        .await
        .refused(400);
    assert_eq!(again["errorType"], "error-user-already-in-role");
    let neither = add(json!({"username": "alice"})).await.refused(400);
    assert_eq!(
        neither,
        json!({"success": false, "error": "error-invalid-role-properties"})
    );
    let unknown = add(json!({"username": "alice", "roleId": "nothing"}))
        .await
        .refused(400);
    assert_eq!(
        unknown,
        json!({"success": false, "error": "error-role-not-found", "errorType": "Role not found"})
    );
    let nobody = add(json!({"username": "nobody", "roleId": "bot"}))
        .await
        .refused(400);
    assert_eq!(nobody["errorType"], "error-invalid-user");
    let room = channel(&admin, "lounge").await;
    let outside = add(json!({"username": "alice", "roleId": "owner", "roomId": room}))
        .await
        .refused(400);
    assert_eq!(outside["errorType"], "error-invalid-user");

    let remove = async |body| admin.post("roles.removeUserFromRole", body).await;
    let kept = remove(json!({"username": "admin", "roleId": "owner"}))
        .await
        .ok();
    assert_eq!(
        kept["role"]["_id"], "owner",
        "without a room nothing is taken"
    );
    for (body, code) in [
        (
            json!({"username": "nobody", "roleId": "bot"}),
            "error-invalid-user",
        ),
        (
            json!({"username": "alice", "roleId": "nothing"}),
            "error-invalid-roleId",
        ),
        (
            json!({"username": "alice", "roleId": "guest"}),
            "error-user-not-in-role",
        ),
        (
            json!({"username": "admin", "roleId": "admin"}),
            "error-admin-required",
        ),
    ] {
        assert_eq!(remove(body).await.refused(400)["errorType"], code);
    }
    remove(json!({"username": "alice", "roleId": "bot"}))
        .await
        .ok();
    assert_eq!(alice.get("me").await.ok()["roles"], json!(["user"]));

    let admins = admin.get("roles.getUsersInRole?role=admin").await.ok();
    assert_eq!(
        (&admins["total"], &admins["users"][0]["username"]),
        (&json!(1), &json!("admin"))
    );
    assert!(admins["users"][0].get("roles").is_none() && admins.get("count").is_none());
    let owners = format!("roles.getUsersInRole?role=owner&roomId={room}");
    assert_eq!(admin.get(&owners).await.ok()["total"], 1);
    let missing = admin.get("roles.getUsersInRole").await.refused(400);
    assert_eq!(missing["errorType"], "error-param-not-provided");
    let unknown = admin
        .get("roles.getUsersInRole?role=nothing")
        .await
        .refused(400);
    assert_eq!(unknown["error"], "[error-invalid-roleId]");

    let shown = result(&alice, "getUserRoles", json!([])).await;
    assert_eq!(shown[0]["username"], "admin");
    assert_eq!(shown[0]["roles"], json!(["admin"]));
    let public = alice.get("roles.getUsersInPublicRoles").await.ok();
    assert_eq!(public["users"], shown);
}

async fn roles_of_ones_own_allow_what_they_are_given(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let alice = admin.new_user("alice").await;
    let in_workspace = create(&admin, json!({"name": "inspector"})).await;
    let in_rooms = create(&admin, json!({"name": "host", "scope": "Subscriptions"})).await;
    let update = json!({"permissions": [
        {"_id": "view-statistics", "roles": ["admin", in_workspace["_id"]]},
        {"_id": "edit-room", "roles": ["admin", "owner", in_rooms["_id"]]},
        {"_id": "access-permissions", "roles": ["admin", in_workspace["_id"]]},
    ]});
    admin.post("permissions.update", update).await.ok();
    let give = json!({"username": "alice", "roleId": in_workspace["_id"]});
    admin.post("roles.addUserToRole", give).await.ok();
    alice.get("roles.getUsersInRole?role=user").await.ok();
    let careful = json!({"username": "alice", "roleId": "admin"});
    let answer = alice
        .post("roles.addUserToRole", careful)
        .await
        .refused(400);
    assert_eq!(
        answer["errorType"], "error-action-not-allowed",
        "needs assign-admin-role"
    );

    let room = channel(&admin, "party").await;
    alice
        .post("channels.join", json!({"roomId": room}))
        .await
        .ok();
    let topic = json!({"roomId": room, "topic": "Snacks"});
    alice
        .post("channels.setTopic", topic.clone())
        .await
        .refused(400);
    let give = json!({"username": "alice", "roleName": "host", "roomId": room});
    admin.post("roles.addUserToRole", give.clone()).await.ok();
    alice.post("channels.setTopic", topic).await.ok();
    let again = admin.post("roles.addUserToRole", give).await.refused(400);
    assert_eq!(again["errorType"], "error-user-already-in-role");
    let hosts = format!("roles.getUsersInRole?role=host&roomId={room}");
    assert_eq!(
        admin.get(&hosts).await.ok()["users"][0]["username"],
        "alice"
    );
    let in_use = admin
        .post("roles.delete", json!({"roleId": "host"}))
        .await
        .refused(400);
    assert_eq!(in_use["errorType"], "error-role-in-use");
    let take = json!({"username": "alice", "roleName": "host", "scope": room});
    admin
        .post("roles.removeUserFromRole", take.clone())
        .await
        .ok();
    let gone = admin
        .post("roles.removeUserFromRole", take)
        .await
        .refused(400);
    assert_eq!(gone["errorType"], "error-user-not-in-role");
    let topic = json!({"roomId": room, "topic": "Drinks"});
    alice.post("channels.setTopic", topic).await.refused(400);

    let created = json!({"username": "carl", "name": "Carl", "password": "secret of carl",
                         "email": "carl@example.org", "roles": [in_workspace["_id"]]});
    let carl = admin.post("users.create", created).await.ok();
    assert_eq!(carl["user"]["roles"], json!([in_workspace["_id"]]));
    let wrong = refusal(
        &alice,
        "authorization:addPermissionToRole",
        json!(["fly", "user"]),
    )
    .await;
    assert_eq!(wrong, "error-invalid-permission");
}

#[tokio::test]
async fn roles_are_taken_by_the_letter_and_faults_have_an_order() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let bob = admin.new_user("bob").await;
    let role = create(&admin, json!({"name": "Helper"})).await;
    let give = json!({"username": "BOB", "roleName": "Helper"});
    admin.post("roles.addUserToRole", give.clone()).await.ok();
    let refused = admin
        .post("roles.removeUserFromRole", give)
        .await
        .refused(400);
    assert_eq!(refused["errorType"], "error-invalid-user");
    let found = admin.get("roles.getUsersInRole?role=Helper").await.ok();
    assert_eq!(
        (&found["total"], &found["users"][0]["_id"]),
        (&json!(1), &json!(bob.user_id))
    );
    let take = json!({"username": "bob", "roleName": "Helper"});
    admin.post("roles.removeUserFromRole", take).await.ok();
    let found = admin.get("roles.getUsersInRole?role=Helper").await.ok();
    assert_eq!(found["total"], 0);
    for (id, fault) in [
        (json!("nothing"), "error-invalid-roleId"),
        (json!("owner"), "error-role-protected"),
        (role["_id"].clone(), "error-invalid-scope"),
    ] {
        let wish = json!({"roleId": id, "name": "Helper", "scope": "Nowhere"});
        let refused = admin.post("roles.update", wish).await.refused(400);
        let bare = json!({"success": false, "error": fault, "errorType": fault});
        assert_eq!(refused, bare);
    }
}

#[tokio::test]
async fn those_who_have_a_role_are_listed_by_name() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let role = create(&admin, json!({"name": "Helper", "description": "Helps"})).await;
    let mut ids = Vec::new();
    for name in ["carol", "Ada", "bob"] {
        ids.push(admin.new_user(name).await.user_id);
        let give = json!({"username": name, "roleId": role["_id"]});
        admin.post("roles.addUserToRole", give).await.ok();
    }
    let names = async |path: &str| {
        let body = admin.get(path).await.ok();
        let users = body["users"].as_array().expect("a list").clone();
        let names: Vec<String> = users
            .iter()
            .map(|user| user["username"].as_str().expect("a name").to_owned())
            .collect();
        (names.join(" "), body["total"].clone())
    };
    let helpers = format!(r#"users.list?query={{"roles":{}}}"#, role["_id"]);
    assert_eq!(
        names(&helpers).await,
        ("Ada bob carol".to_owned(), json!(3))
    );
    let part = format!("{helpers}&count=1&offset=1&sort={{\"username\":-1}}");
    assert_eq!(names(&part).await, ("bob".to_owned(), json!(3)));
    let page = "roles.getUsersInRole?role=Helper&count=2&offset=1";
    assert_eq!(names(page).await, ("bob carol".to_owned(), json!(3)));
    // Somebody else's name, somebody who may not log in, somebody who is gone.
    let rename = json!({"userId": ids[1], "data": {"username": "zoe"}});
    admin.post("users.update", rename).await.ok();
    let sleep = json!({"userId": ids[2], "activeStatus": false});
    admin.post("users.setActiveStatus", sleep).await.ok();
    assert_eq!(
        names(&helpers).await,
        ("bob carol zoe".to_owned(), json!(3))
    );
    let active = format!(
        r#"users.list?query={{"roles":{},"active":true}}"#,
        role["_id"]
    );
    assert_eq!(names(&active).await, ("carol zoe".to_owned(), json!(2)));
    let shown = admin.get("roles.getUsersInPublicRoles").await.ok()["users"].clone();
    let shown: Vec<&Value> = shown
        .as_array()
        .expect("a list")
        .iter()
        .map(|user| &user["username"])
        .collect();
    assert_eq!(shown, ["admin", "carol", "zoe"]);
    let delete = json!({"userId": ids[0], "confirmRelinquish": true});
    admin.post("users.delete", delete).await.ok();
    let in_use = admin
        .post("roles.delete", json!({"roleId": role["_id"]}))
        .await;
    assert_eq!(in_use.refused(400)["errorType"], "error-role-in-use");
    assert_eq!(names(&helpers).await, ("bob zoe".to_owned(), json!(2)));
    // A role given by an update of the account counts as well.
    for id in &ids[1..] {
        let roles = json!({"userId": id, "data": {"roles": ["user"]}});
        admin.post("users.update", roles).await.ok();
    }
    let gone = admin
        .post("roles.delete", json!({"roleId": role["_id"]}))
        .await;
    gone.ok();
}

#[tokio::test]
async fn everybody_is_told_of_roles_permissions_and_public_settings() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let mut live = tests::live::Live::connect(&server, &ann, None).await;
    live.send(&json!({"subscribe": {"rooms": [], "self": true}}))
        .await;
    live.answer("subscribed").await;
    let mut told = async |kind: &str| {
        let update = live.next_update(std::time::Duration::from_secs(20)).await;
        let update = update.unwrap_or_else(|| panic!("no {kind}"));
        assert_eq!(update["kind"], kind, "{update}");
        assert!(update["position"].is_u64() && update.get("room").is_none());
        update["data"].clone()
    };
    let wish = json!({"name": "guide", "description": "shows around", "scope": "Users"});
    let role = admin.post("roles.create", wish).await.ok()["role"].clone();
    let created = told("role-created").await;
    assert_eq!(
        created,
        json!({"_id": role["_id"], "name": "guide", "description": "shows around", "scope": "Users",
            "mandatory2fa": false})
    );
    let wish = json!({"roleId": role["_id"], "name": "scout", "scope": "Users"});
    admin.post("roles.update", wish).await.ok();
    assert_eq!(told("role-changed").await["name"], "scout");
    let wish = json!({"permissions": [{"_id": "view-logs", "roles": ["admin", role["_id"]]}]});
    admin.post("permissions.update", wish).await.ok();
    assert_eq!(
        told("permission-changed").await,
        json!({"_id": "view-logs", "roles": ["admin", role["_id"]]})
    );
    // What is not for everybody is not told to everybody.
    for (id, value) in [("SMTP_Host", json!("mail")), ("Site_Name", json!("Den"))] {
        let wish = json!({"value": value});
        admin.post(&format!("settings/{id}"), wish).await.ok();
    }
    assert_eq!(
        told("setting-changed").await,
        json!({"_id": "Site_Name", "value": "Den"})
    );
    let wish = json!({"permissions": [{"_id": "view-logs", "roles": ["admin"]}]});
    admin.post("permissions.update", wish).await.ok();
    assert_eq!(told("permission-changed").await["roles"], json!(["admin"]));
    admin
        .post("roles.delete", json!({"roleId": role["_id"]}))
        .await
        .ok();
    assert_eq!(told("role-deleted").await, json!({"_id": role["_id"]}));
}
