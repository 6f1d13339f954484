//! Finding people and rooms: `spotlight`, `directory`, and badges.

use reqwest::Method;
use serde_json::{Value, json};
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

on_both_logs![
    spotlight_proposes_people_and_channels,
    the_directory_lists_rooms_and_people,
];

fn names(list: &Value, field: &str) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry[field].as_str().map(str::to_owned))
        .collect()
}

async fn spotlight_proposes_people_and_channels(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    for name in ["anna", "hannah", "joanna", "bob"] {
        admin.new_user(name).await;
    }
    for name in ["ann-fans", "planning"] {
        admin
            .post("channels.create", json!({"name": name}))
            .await
            .ok();
    }
    let found = ann.get("spotlight?query=ann").await.ok();
    assert_eq!(
        names(&found["users"], "username"),
        ["ann", "anna", "hannah", "joanna"],
        "the exact one first, then by name"
    );
    let first = &found["users"][0];
    assert_eq!(first["outside"], true);
    assert_eq!(first["status"], "offline");
    assert!(first.get("emails").is_none());
    assert_eq!(
        names(&found["rooms"], "name"),
        ["ann-fans", "planning"],
        "contains, and not joined"
    );
    let people = ann.get("spotlight?query=@ann").await.ok();
    assert_eq!(people["rooms"], json!([]));
    let rooms = ann.get("spotlight?query=%23ann").await.ok();
    assert_eq!(rooms["users"], json!([]));
    assert_eq!(names(&rooms["rooms"], "name"), ["ann-fans", "planning"]);
    ann.post("channels.join", json!({"roomId": rooms["rooms"][0]["_id"]}))
        .await
        .ok();
    let rooms = ann.get("spotlight?query=%23ann").await.ok();
    assert_eq!(names(&rooms["rooms"], "name"), ["planning"]);

    let found = ann
        .get("spotlight?query=ann&usernames=anna,joanna")
        .await
        .ok();
    assert_eq!(
        names(&found["users"], "username"),
        ["ann", "hannah"],
        "left out"
    );
    for (wanted, users, rooms) in [
        ("type=%7B%22users%22:true,%22rooms%22:false%7D", 4, 0),
        ("type[users]=false&type[rooms]=true", 0, 1),
        ("rid=GENERAL", 4, 1),
    ] {
        let found = ann.get(&format!("spotlight?query=ann&{wanted}")).await.ok();
        let count = |list: &Value| list.as_array().map_or(0, Vec::len);
        let counts = (count(&found["users"]), count(&found["rooms"]));
        assert_eq!(counts, (users, rooms), "{wanted}");
    }
    let beside = ann.get("spotlight?query=ann&rid=GENERAL").await.ok();
    assert_eq!(
        beside["users"][0].get("outside"),
        None,
        "members of the room come first"
    );
    ann.get("spotlight?query=a&type=%7B").await.refused(400);

    ann.get("spotlight").await.refused(400);
    ann.get("spotlight?query=a&x=1").await.refused(400);
    server.client().get("spotlight?query=a").await.refused(401);
}

async fn the_directory_lists_rooms_and_people(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    for name in ["alpha", "beta"] {
        admin
            .post("channels.create", json!({"name": name}))
            .await
            .ok();
    }
    ann.post("groups.create", json!({"name": "secret"}))
        .await
        .ok();

    let all = ann.get("directory").await.ok();
    assert_eq!(
        names(&all["result"], "name"),
        ["secret", "general", "beta", "alpha"],
        "by name, descending"
    );
    assert_eq!(all["total"], 4);
    let others = bob.get("directory?sort={\"name\":1}").await.ok();
    assert_eq!(
        names(&others["result"], "name"),
        ["alpha", "beta", "general"],
        "no groups of others"
    );
    let query = "directory?query={\"text\":\"ALP\",\"type\":\"channels\"}";
    let found = bob.get(query).await.ok();
    assert_eq!(names(&found["result"], "name"), ["alpha"]);
    let plain = bob.get("directory?text=alp&type=channels").await.ok();
    assert_eq!(plain["result"], found["result"]);
    let page = bob
        .get("directory?sort={\"usersCount\":-1}&count=1&offset=0")
        .await
        .ok();
    assert_eq!(names(&page["result"], "name"), ["general"]);
    assert_eq!((&page["count"], &page["total"]), (&json!(1), &json!(3)));

    let people = bob
        .get("directory?query={\"type\":\"users\"}&sort={\"username\":1}")
        .await
        .ok();
    assert_eq!(
        names(&people["result"], "username"),
        ["admin", "ann", "bob", "rocket.cat"]
    );
    assert!(people["result"][1].get("emails").is_none());
    let by_address = "directory?query={\"type\":\"users\"}&sort={\"email\":1}";
    bob.get(by_address).await.refused(400);
    admin.get(by_address).await.ok();
    let people = admin
        .get("directory?query={\"type\":\"users\",\"text\":\"ann\"}")
        .await
        .ok();
    assert_eq!(names(&people["result"], "username"), ["ann"]);
    assert_eq!(
        people["result"][0]["emails"][0]["address"],
        "ann@example.org"
    );
    let fields = json!({"value": "username"});
    admin
        .post("settings/Accounts_SearchFields", fields)
        .await
        .ok();
    for (workspace, text, found) in [
        ("local", "ann", 1),
        ("all", "ann", 1),
        ("local", "ANN", 1),
        ("all", "ann@example", 0),
        ("external", "ann@example", 0),
        ("all", "example.org", 0),
    ] {
        let query = json!({"type": "users", "text": text, "workspace": workspace});
        let people = bob.get(&format!("directory?query={query}")).await.ok();
        assert_eq!(
            people["total"], found,
            "{workspace}: {text}, never an address"
        );
    }
    let nobody = bob
        .get("directory?query={\"type\":\"users\",\"workspace\":\"external\"}")
        .await
        .ok();
    assert_eq!(nobody["total"], 0);
    assert_eq!(
        bob.get("directory?query={\"type\":\"teams\"}").await.ok()["total"],
        0
    );

    for query in [
        "directory?query={\"type\":\"planets\"}",
        "directory?sort={\"topic\":1}",
        "directory?sort={\"name\":1,\"createdAt\":1}",
        "directory?query={\"type\":\"users\"}&sort={\"lastMessage\":1}",
        "directory?query={\"workspace\":\"mars\"}",
    ] {
        let body = bob.get(query).await.refused(400);
        assert_eq!(body["error"], "Please verify the parameters", "{query}");
    }
    bob.get("directory?query={x").await.refused(400);
    server.client().get("directory").await.refused(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn badges_are_pictures() {
    let server = Server::start().await;
    let client = server.client();
    server.admin().await.new_user("ann").await;
    for (query, says) in [
        ("type=online", "0 online"),
        ("type=channel", "#general"),
        ("type=user&username=ann", "@ann"),
        ("type=invite", "join chat"),
    ] {
        let path = format!("/api/v1/shield.svg?name=Chat&channel=general&{query}");
        let answer = client.send(Method::GET, &path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert_eq!(
            answer.headers["content-type"],
            "image/svg+xml;charset=utf-8"
        );
        let svg = answer.body.as_str().unwrap_or_default();
        assert!(svg.contains(says) && svg.contains("Chat"), "{svg}");
    }
    client.get("shield.svg?name=x").await.refused(400);
    let odd = client
        .get("shield.svg?name=x&channel=y&icon=maybe")
        .await
        .refused(400);
    assert_eq!(odd["errorType"], "error-invalid-params");
    let body = client
        .get("shield.svg?name=&channel=x&icon=false")
        .await
        .refused(400);
    assert_eq!(body["error"], "Name cannot be empty when icon is hidden");
    client
        .get("shield.svg?name=x&channel=&type=channel")
        .await
        .refused(400);
    let body = client
        .get("shield.svg?name=x&channel=x&type=user&username=nobody")
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-invalid-user");

    let server = ServerOptions::default()
        .env("OVERWRITE_SETTING_API_Shield_Types", "online")
        .env("OVERWRITE_SETTING_API_Shield_user_require_auth", "true")
        .start()
        .await;
    let client = server.client();
    let body = client
        .get("shield.svg?name=x&channel=x&type=user&username=admin")
        .await
        .refused(400);
    assert_eq!(body["errorType"], "error-shield-disabled");
    client
        .get("shield.svg?name=x&channel=x&type=online")
        .await
        .ok();
}
