//! Looking at users, one by one and in lists.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

on_both_logs![who_sees_what_of_whom, users_are_listed_by_what_they_are,];

fn names(body: &Value) -> Vec<&str> {
    let users = body["users"]
        .as_array()
        .or(body["items"].as_array())
        .expect("a list");
    users
        .iter()
        .filter_map(|user| user["username"].as_str())
        .collect()
}

fn query(path: &str, pairs: &[(&str, Value)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let mut escaped = String::new();
            for byte in text.bytes() {
                write!(escaped, "%{byte:02X}").expect("a text");
            }
            format!("{name}={escaped}")
        })
        .collect();
    format!("{path}?{}", pairs.join("&"))
}

async fn who_sees_what_of_whom(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (ada, bob) = (admin.new_user("ada").await, admin.new_user("bob").await);
    let seen = bob.get("users.info?username=ada").await.ok()["user"].clone();
    assert_eq!(
        (
            &seen["_id"],
            &seen["name"],
            &seen["active"],
            &seen["canViewAllInfo"]
        ),
        (
            &json!(ada.user_id),
            &json!("ADA"),
            &json!(true),
            &json!(false)
        )
    );
    for hidden in ["emails", "roles", "createdAt", "lastLogin", "services"] {
        assert_eq!(seen[hidden], Value::Null, "{hidden}");
    }
    let path = format!("users.info?userId={}", ada.user_id);
    for client in [&admin, &ada] {
        let seen = client.get(&path).await.ok()["user"].clone();
        assert_eq!(seen["emails"][0]["address"], json!("ada@example.org"));
        assert_eq!(seen["canViewAllInfo"], json!(true));
        assert!(
            seen["lastLogin"].is_string() && seen["createdAt"].is_string(),
            "{seen}"
        );
        assert!(!seen.to_string().contains("argon2"), "no hash gets out");
    }
    // Either parameter matches an id or a name, to the letter.
    bob.get(&format!("users.info?username={}", ada.user_id))
        .await
        .ok();
    let body = bob.get("users.info?username=ADA").await.refused(400);
    assert_eq!(
        (&body["error"], &body["errorType"]),
        (&json!("User not found"), &Value::Null)
    );
    for path in [
        "users.info",
        "users.info?userId=a&username=b",
        "users.info?username=ada&x=1",
    ] {
        assert_eq!(
            bob.get(path).await.refused(400)["errorType"],
            json!("error-invalid-params")
        );
    }
    let rooms = |client: &Client| {
        let path = query(
            "users.info",
            &[
                ("username", json!("ada")),
                ("fields", json!({"userRooms": 1})),
            ],
        );
        let client = client.clone();
        async move { client.get(&path).await.ok()["user"]["rooms"].clone() }
    };
    assert_eq!(rooms(&ada).await[0]["rid"], json!("GENERAL"));
    assert_eq!(rooms(&admin).await[0]["t"], json!("c"));
    assert_eq!(rooms(&bob).await, Value::Null);
    let with_rooms = async |client: &Client| {
        let path = "users.info?username=ada&includeUserRooms=true";
        client.get(path).await.ok()["user"]["rooms"].clone()
    };
    assert_eq!(with_rooms(&ada).await[0]["rid"], json!("GENERAL"));
    assert_eq!(with_rooms(&bob).await, Value::Null);
    // By the address, for whoever may see it.
    let by_address = "users.info?email=ada@example.org";
    for client in [&admin, &ada] {
        assert_eq!(client.get(by_address).await.ok()["user"]["username"], "ada");
    }
    for path in [by_address, "users.info?importId=7"] {
        let body = bob.get(path).await.refused(400);
        assert_eq!(body["error"], json!("User not found"), "{path}");
    }
    server
        .client()
        .get("users.info?username=ada")
        .await
        .refused(401);
}

#[tokio::test]
async fn everybody_is_listed_page_by_page() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    for (username, name) in [("bob", "zeno"), ("carl", "Yann")] {
        let wish = json!({"username": username, "name": name, "email": format!("{username}@example.org"), "password": "x"});
        admin.post("users.create", wish).await.ok();
    }
    let body = ada.get("users.list").await.ok();
    assert_eq!(names(&body), ["ada", "admin", "bob", "carl", "rocket.cat"]);
    assert_eq!(
        (&body["total"], &body["count"], &body["offset"]),
        (&json!(5), &json!(5), &json!(0))
    );
    let first = &body["users"][0];
    assert_eq!(
        (&first["nameInsensitive"], &first["emails"], &first["roles"]),
        (&json!("ada"), &Value::Null, &Value::Null)
    );
    let body = admin.get("users.list?count=2&offset=3").await.ok();
    assert_eq!(names(&body), ["carl", "rocket.cat"]);
    assert_eq!(
        body["users"][0]["emails"][0]["address"],
        json!("carl@example.org")
    );
    assert_eq!(names(&ada.get("users.list?offset=99").await.ok()).len(), 0);
    let sorted = async |sort: Value| {
        let path = query("users.list", &[("sort", sort), ("count", json!(2))]);
        let body = ada.get(&path).await.ok();
        names(&body)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        sorted(json!({"username": -1})).await,
        ["rocket.cat", "carl"]
    );
    assert_eq!(sorted(json!({"name": -1})).await, ["bob", "carl"]);
    // Fields with 1 add, with 0 take away; what is blocked is dropped silently.
    let path = query(
        "users.list",
        &[("fields", json!({"nickname": 1, "emails": 1, "services": 1}))],
    );
    assert_eq!(ada.get(&path).await.ok()["users"][0]["emails"], Value::Null);
    let path = query("users.list", &[("fields", json!({"name": 0}))]);
    assert_eq!(ada.get(&path).await.ok()["users"][0]["name"], Value::Null);
    let guest = json!({"username": "gus", "name": "G", "email": "g@example.org", "password": "x", "roles": ["anonymous"]});
    admin.post("users.create", guest).await.ok();
    server
        .client()
        .login("gus", "x")
        .await
        .get("users.list")
        .await
        .refused(403);
}

#[tokio::test]
async fn lists_can_be_asked_for_some_users() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (ada, bob) = (admin.new_user("ada").await, admin.new_user("bob").await);
    let found = async |client: &Client, filter: Value| {
        let body = client
            .get(&query("users.list", &[("query", filter)]))
            .await
            .ok();
        let total = body["total"].as_u64().unwrap_or(99);
        let names: Vec<String> = names(&body).into_iter().map(str::to_owned).collect();
        assert_eq!(names.len() as u64, total);
        names
    };
    assert_eq!(
        found(&ada, json!({"_id": {"$in": [ada.user_id, bob.user_id]}})).await,
        ["ada", "bob"]
    );
    assert_eq!(found(&ada, json!({"username": "bob"})).await, ["bob"]);
    assert_eq!(
        found(&ada, json!({"username": {"$regex": "^A", "$options": "i"}})).await,
        ["ada", "admin"]
    );
    assert_eq!(found(&ada, json!({"type": "bot"})).await, ["rocket.cat"]);
    assert_eq!(
        found(&ada, json!({"$or": [{"name": "BOB"}, {"name": "ADA"}]})).await,
        ["ada", "bob"]
    );
    assert_eq!(
        found(&ada, json!({"active": false})).await,
        Vec::<String>::new()
    );
    assert_eq!(
        found(&admin, json!({"emails.address": "bob@example.org"})).await,
        ["bob"]
    );
    assert_eq!(found(&admin, json!({"roles": "admin"})).await, ["admin"]);
    assert_eq!(
        found(&ada, json!({"status": "offline", "username": "ada"}))
            .await
            .len(),
        1
    );
    for (filter, text) in [
        (
            json!({"emails.address": "bob@example.org"}),
            "Invalid attribute: emails.address",
        ),
        (
            json!({"services.password": {"$exists": true}}),
            "Invalid attribute: services.password",
        ),
        (
            json!({"$or": [{"roles": "admin"}]}),
            "Invalid attribute: roles",
        ),
        (json!({"active": {"$ne": true}}), "Invalid operation: $ne"),
    ] {
        let body = ada
            .get(&query("users.list", &[("query", filter)]))
            .await
            .refused(400);
        assert_eq!(
            body["error"],
            json!(format!("{text} [error-invalid-query]"))
        );
    }
    let body = ada.get("users.list?query=%7B").await.refused(400);
    assert_eq!(
        body["error"],
        json!("Invalid query parameter provided: \"{\" [error-invalid-query]")
    );
    let body = ada.get("users.list?sort=x").await.refused(400);
    assert_eq!(body["errorType"], json!("error-invalid-sort"));
    let body = ada.get("users.list?fields=x").await.refused(400);
    assert_eq!(body["errorType"], json!("error-invalid-fields"));
}

async fn users_are_listed_by_what_they_are(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    let wish =
        json!({"username": "bob", "name": "Robert", "email": "b@example.org", "password": "x"});
    let bob = admin.post("users.create", wish).await.ok()["user"]["_id"].clone();
    let off = json!({"userId": bob, "activeStatus": false});
    admin.post("users.setActiveStatus", off).await.ok();
    let listed = async |path: &str| {
        let body = admin.get(&format!("users.listByStatus?{path}")).await.ok();
        names(&body)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed("status=deactivated").await, ["bob"]);
    assert_eq!(listed("hasLoggedIn=true").await, ["ada", "admin"]);
    assert_eq!(listed("type=bot").await, ["rocket.cat"]);
    assert_eq!(
        listed("roles[]=admin&roles[]=bot").await,
        ["admin", "rocket.cat"]
    );
    assert_eq!(listed("searchTerm=ROBERT").await, ["bob"]);
    assert_eq!(listed("searchTerm=b@ex").await, ["bob"]);
    let none = ada.get("users.listByStatus?searchTerm=b@ex").await.ok();
    assert_eq!(none["total"], json!(0), "addresses are not for everybody");
    for (reasons, who) in [
        (
            "inactiveReason[]=deactivated&inactiveReason[]=idle_too_long",
            vec!["bob"],
        ),
        ("inactiveReason=pending_approval", vec![]),
        ("inactiveReason=deactivated&searchTerm=ada", vec![]),
    ] {
        assert_eq!(
            listed(&format!("status=deactivated&{reasons}")).await,
            who,
            "{reasons}"
        );
    }
    let prying = ada
        .get("users.listByStatus?inactiveReason=deactivated")
        .await
        .ok();
    assert_eq!(prying["total"], json!(0), "why is not for everybody");
    for path in ["status=asleep", "type=alien", "x=1"] {
        let path = format!("users.listByStatus?{path}");
        assert_eq!(
            admin.get(&path).await.refused(400)["errorType"],
            json!("error-invalid-params")
        );
    }
}

#[tokio::test]
async fn names_are_completed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    admin.new_user("adam").await;
    let wish = json!({"username": "zoe", "name": "Zoe", "nickname": "Adlatus", "email": "z@example.org", "password": "x"});
    admin.post("users.create", wish).await.ok();
    let complete = async |selector: Value| {
        let path = query(
            "users.autocomplete",
            &[("selector", json!(selector.to_string()))],
        );
        let body = ada.get(&path).await.ok();
        names(&body)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        complete(json!({"term": "AD"})).await,
        ["ada", "adam", "admin", "zoe"]
    );
    assert_eq!(
        complete(json!({"term": "ad", "exceptions": ["admin", "zoe"]})).await,
        ["ada", "adam"]
    );
    assert_eq!(
        complete(json!({"term": "", "conditions": {"type": "bot"}})).await,
        ["rocket.cat"]
    );
    let prying = json!({"term": "", "conditions": {"emails.address": {"$regex": "example"}}});
    assert_eq!(complete(prying).await, Vec::<String>::new());
    for path in [
        "users.autocomplete",
        "users.autocomplete?selector=%7B",
        "users.autocomplete?selector=7",
    ] {
        ada.get(path).await.refused(400);
    }
    admin
        .post(
            "permissions.update",
            json!({"permissions": [{"_id": "view-outside-room", "roles": ["admin"]}]}),
        )
        .await
        .ok();
    assert_eq!(complete(json!({"term": "ad"})).await, Vec::<String>::new());
}

#[tokio::test]
async fn nobody_is_in_a_team() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = format!("users.listTeams?userId={}", admin.user_id);
    assert_eq!(admin.get(&path).await.ok()["teams"], json!([]));
    admin
        .get("users.listTeams?userId=nobody")
        .await
        .refused(400);
    assert_eq!(
        admin.get("users.listTeams").await.refused(400)["errorType"],
        json!("error-invalid-params")
    );
}

#[tokio::test]
async fn what_is_not_shown_cannot_be_asked_about() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let fields = json!({
        "team": {"type": "text", "required": false, "public": true},
        "salary": {"type": "text", "required": false},
    });
    let fields = json!({"value": fields.to_string()});
    admin
        .post("settings/Accounts_CustomFields", fields)
        .await
        .ok();
    let eve = json!({
        "username": "eve", "name": "Eve", "password": "password of eve", "email": "eve@example.org",
        "customFields": {"team": "red", "salary": "1000"},
    });
    admin.post("users.create", eve).await.ok();
    let bob = admin.new_user("bob").await;
    // However the filter is written.
    for brackets in [
        "query[emails.address]=eve@example.org",
        "query[emails.address][$regex]=^e",
        "query[roles]=user",
        "query[$or][][createdAt]=1",
    ] {
        let refused = bob
            .get(&format!("users.list?{brackets}"))
            .await
            .refused(400);
        assert_eq!(refused["errorType"], "error-invalid-query", "{brackets}");
    }
    let found = admin
        .get("users.list?query[emails.address]=eve@example.org")
        .await
        .ok();
    assert_eq!(names(&found), ["eve"]);
    // Custom fields that are not public.
    let ask = |wanted: Value| {
        query(
            "users.list",
            &[("fields", json!({"customFields": 1})), ("query", wanted)],
        )
    };
    let found = bob
        .get(&ask(json!({"customFields.team": "red"})))
        .await
        .ok();
    assert_eq!(names(&found), ["eve"]);
    assert_eq!(found["users"][0]["customFields"], json!({"team": "red"}));
    let refused = bob
        .get(&ask(json!({"customFields.salary": "1000"})))
        .await
        .refused(400);
    assert_eq!(refused["errorType"], "error-invalid-query");
    let found = admin
        .get(&ask(json!({"customFields.salary": "1000"})))
        .await
        .ok();
    assert_eq!(names(&found), ["eve"]);
    let all = json!({"team": "red", "salary": "1000"});
    assert_eq!(found["users"][0]["customFields"], all);
}
