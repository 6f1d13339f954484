//! Who was given or lost roles, rights and memberships, over REST and on the command line.

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::{Question, auditor, make_room, printed};

on_both_logs![what_was_given_and_taken_is_told_with_who_did_it];

async fn ask(client: &Client, question: Question<'_>) -> Answer {
    let path = crate::path("/audit/grants", question);
    client.send(Method::GET, &path, None).await
}

async fn found(client: &Client, question: Question<'_>) -> Vec<Value> {
    let body = ask(client, question).await.ok();
    body["events"].as_array().expect("events").clone()
}

async fn told(client: &Client, question: Question<'_>) -> Vec<String> {
    let found = found(client, question).await;
    let sentences = found.iter().filter_map(|event| event["sentence"].as_str());
    sentences.map(str::to_owned).collect()
}

/// Ann is given a role and loses it; rooms come and go.
struct Story {
    server: Server,
    admin: Client,
    lounge: String,
    cellar: String,
}

impl Story {
    async fn begin(options: ServerOptions) -> Self {
        let server = options.start().await;
        let admin = server.admin().await;
        let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
        let role = |role: &str| json!({"username": "ann", "roleId": role});
        admin
            .post("roles.addUserToRole", role("auditor"))
            .await
            .ok();
        admin
            .post("roles.removeUserFromRole", role("auditor"))
            .await
            .ok();
        for roles in [&["admin"][..], &["admin", "user"]] {
            let body = json!({"permissions": [{"_id": "create-p", "roles": roles}]});
            admin.post("permissions.update", body).await.ok();
        }
        let lounge = json!({"name": "lounge"});
        let lounge = make_room(&ann, "channels.create", lounge, "/channel/_id").await;
        let room = json!({"roomId": lounge});
        let of_bob = json!({"roomId": lounge, "userId": bob.user_id});
        bob.post("channels.join", room.clone()).await.ok();
        ann.post("channels.addModerator", of_bob.clone()).await.ok();
        ann.post("channels.removeModerator", of_bob.clone())
            .await
            .ok();
        bob.post("channels.leave", room.clone()).await.ok();
        ann.post("channels.invite", of_bob.clone()).await.ok();
        ann.post("channels.kick", of_bob).await.ok();
        let cellar = json!({"name": "cellar", "members": ["ann"]});
        let cellar = make_room(&admin, "groups.create", cellar, "/group/_id").await;
        admin.post("channels.delete", room).await.ok();
        Self {
            server,
            admin,
            lounge,
            cellar,
        }
    }
}

async fn what_was_given_and_taken_is_told_with_who_did_it(options: ServerOptions) {
    let mut story = Story::begin(options).await;
    let admin = story.admin.clone();
    let of_ann = told(&admin, &[("user", "ann"), ("role", "auditor")]).await;
    let wanted = [
        "admin gave ann the role auditor",
        "admin took the role auditor from ann",
    ];
    assert_eq!(of_ann, wanted, "the role of ann");
    let rights = told(&admin, &[("permission", "create-p")]).await;
    assert_eq!(rights.len(), 2, "{rights:?}");
    let taken = "admin took the permission create-p from the roles ";
    assert!(rights[0].starts_with(taken), "{rights:?}");
    let given = "admin gave the role user the permission create-p";
    assert_eq!(rights[1], given);

    let question = [("room", "lounge")];
    let of_lounge = found(&admin, &question).await;
    let changes = of_lounge.iter().map(|event| {
        let by = event["actor"]["name"].as_str().unwrap_or_default();
        let one = |change: &Value| {
            let text = |field: &str| change[field].as_str().unwrap_or_default().to_owned();
            [text("what"), text("direction"), text("role"), text("how")].join(" ")
        };
        let changes = event["changes"].as_array().unwrap();
        let changes: Vec<String> = changes.iter().map(one).collect();
        format!("{by}: {}", changes.join(", "))
    });
    let wanted = [
        "ann: membership given  created-room, room-role given owner ",
        "bob: membership given  joined",
        "ann: room-role given moderator ",
        "ann: room-role taken moderator ",
        "bob: membership taken  left",
        "ann: membership given  added",
        "ann: membership taken  removed",
        "admin: membership taken  room-deleted",
    ];
    assert_eq!(changes.collect::<Vec<_>>(), wanted, "of the lounge");
    let by_ann = found(&admin, &[("room", &*story.lounge), ("actor", "ann")]).await;
    assert_eq!(by_ann.len(), 5, "what ann gave and took there");
    let position = |event: &Value| event["position"].to_string();
    let question = ["--room", "lounge", "--format", "ndjson"];
    for running in [true, false] {
        if !running {
            story.server.stop().await;
        }
        let shown = grants(&story.server, &question).await;
        let shown: Vec<Value> = shown
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(shown, of_lounge, "the command shows the same: {running}");
    }
    story.server.restart().await;
    let admin = story.server.admin().await;
    let pages = async |cursor: Option<String>| {
        let mut question = vec![("room", "lounge"), ("limit", "3")];
        question.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let body = ask(&admin, &question).await.ok();
        let shown = body["events"].as_array().unwrap().iter().map(position);
        let shown: Vec<String> = shown.collect();
        (shown, body["cursor"].as_str().unwrap().to_owned())
    };
    let (mut all, mut cursor) = pages(None).await;
    for _ in 0..2 {
        let (more, next) = pages(Some(cursor)).await;
        all.extend(more);
        cursor = next;
    }
    let wanted: Vec<String> = of_lounge.iter().map(position).collect();
    assert_eq!(all, wanted, "page by page");
}

/// What `hansard grants` prints.
async fn grants(server: &Server, arguments: &[&str]) -> String {
    let mut command = server.command(&server.data());
    command.arg("grants").args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_end_of_an_account_takes_what_it_had() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let body = json!({"userId": ann.user_id});
    admin.post("users.delete", body).await.ok();
    let of_ann = found(
        &admin,
        &[("user", "ann"), ("order", "newest"), ("limit", "1")],
    )
    .await;
    let of_ann = &of_ann[0];
    assert_eq!(of_ann["type"], "UserDeleted", "{of_ann}");
    let wanted = json!([
        {"what": "role", "direction": "taken", "role": "user", "user": ann.user_id},
        {"what": "membership", "direction": "taken", "user": ann.user_id, "how": "account-deleted"},
    ]);
    assert_eq!(of_ann["changes"], wanted);
}

#[tokio::test]
async fn grants_of_private_rooms_are_hidden_and_reading_them_leaves_a_trace() {
    let story = Story::begin(ServerOptions::default()).await;
    let eve = auditor(&story.admin, "eve").await;
    ask(&eve, &[("room", "cellar")]).await.refused(400);
    let all = json!(found(&eve, &[("limit", "1000")]).await).to_string();
    assert!(!all.contains(&story.cellar), "{all}");
    assert!(!all.contains("cellar"), "{all}");
    let insisting = ["--room", "cellar", "--private-rooms"];
    let shown = grants(&story.server, &insisting).await;
    assert!(shown.contains("ann joined #cellar"), "{shown}");
    let question = ["--category", "audit", "--actor", "eve"];
    let traces = printed(&story.server, &question).await;
    let wanted = "eve read who was given or lost what (limit \"1000\") and was shown";
    assert!(traces.contains(wanted), "{traces}");
}

#[tokio::test]
async fn unknown_names_are_refused_with_what_looks_like_them() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for (question, why) in [
        (
            ("role", "admn"),
            "no role called \"admn\"; did you mean \"admin\"?",
        ),
        (("permission", "create-cc"), "did you mean \"create-c\""),
        (("user", "admn"), "did you mean \"admin\"?"),
        (("room", "genral"), "did you mean \"general\"?"),
    ] {
        let refusal = ask(&admin, &[question]).await.refused(400);
        let said = refusal["error"].as_str().unwrap();
        assert!(said.contains(why), "{question:?}: {said}");
        let mut command = server.command(&server.data());
        let flag = format!("--{}", question.0);
        command.args(["grants", &flag, question.1]);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        let output = output.await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{question:?}: {said}");
        assert!(said.contains(why), "{question:?}: {said}");
    }
}
