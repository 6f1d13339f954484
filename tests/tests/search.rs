//! Searching messages, as clients do: every term of the contract (messages 6), for those who may read what is found, while
//! messages come and go.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tests::client::Client;
use tests::method::method;
use tests::server::{Server, ServerOptions};
use tests::{commands, on_both_logs};

/// Everything about searching in rooms, and across them; and what survives a crash.
mod both {
    use super::*;

    on_both_logs!(every_term, what_goes_is_not_found, a_crash_between_commits);
}

async fn people(server: &Server) -> (Client, Client, Client) {
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    (admin, alice, bob)
}

async fn say(client: &Client, room: &str, text: &str) -> String {
    sent(client, json!({"rid": room, "msg": text})).await
}

async fn sent(client: &Client, message: Value) -> String {
    let sent = client
        .post("chat.sendMessage", json!({"message": message}))
        .await;
    sent.ok()["message"]["_id"].as_str().unwrap().to_owned()
}

fn query(room: &str, text: &str) -> String {
    let text: String = form_urlencoded(text);
    format!("chat.search?roomId={room}&searchText={text}")
}

fn form_urlencoded(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    bytes.concat()
}

/// The messages that a search finds.
async fn found(client: &Client, room: &str, text: &str) -> Vec<Value> {
    let answer = client.get(&query(room, text)).await.ok();
    answer["messages"].as_array().unwrap().clone()
}

async fn texts(client: &Client, room: &str, text: &str) -> Vec<String> {
    let found = found(client, room, text).await;
    let texts = found
        .iter()
        .map(|one| one["msg"].as_str().unwrap().to_owned());
    texts.collect()
}

/// Returns once the index has everything that was said before.
async fn settled(server: &Server, admin: &Client) {
    let head = async || position(server, "hansard_log_head_position").await;
    let wanted = head().await;
    let wait = async {
        while position(server, "hansard_search_position").await < wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), wait).await;
    assert!(waited.is_ok(), "{:?}", admin.readiness().await);
}

async fn position(server: &Server, metric: &str) -> f64 {
    let page = reqwest::get(format!("{}/metrics", server.url())).await;
    let page = page.unwrap().text().await.unwrap();
    let line = page.lines().find_map(|line| line.strip_prefix(metric));
    line.unwrap_or_else(|| panic!("{metric}"))
        .trim()
        .parse()
        .unwrap()
}

async fn create(owner: &Client, family: &str, name: &str, members: &[&str]) -> String {
    let body = json!({"name": name, "members": members});
    let made = owner.post(&format!("{family}.create"), body).await.ok();
    let key = if family == "groups" {
        "group"
    } else {
        "channel"
    };
    made[key]["_id"].as_str().unwrap().to_owned()
}

async fn set(admin: &Client, id: &str, value: Value) {
    admin
        .post(&format!("settings/{id}"), json!({"value": value}))
        .await
        .ok();
}

const GREEN: &str = "green tea for @bob, see https://example.org/tea";
const BLACK: &str = "black teas are fine too";

async fn every_term(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    let room = create(&alice, "channels", "tea", &["bob"]).await;
    let green = say(&alice, &room, GREEN).await;
    let black = say(&bob, &room, BLACK).await;
    for (who, path, message) in [
        (&alice, "chat.pinMessage", &green),
        (&alice, "chat.starMessage", &black),
        (&bob, "chat.starMessage", &green),
    ] {
        who.post(path, json!({ "messageId": message })).await.ok();
    }
    say(&alice, &room, "Un café crème").await;
    say(&bob, &room, "東京都でお茶を飲む").await;
    sent(&bob, json!({"rid": room, "msg": "here I am", "location": {"type": "Point", "coordinates": [13.4, 52.5]}})).await;
    let attached =
        json!([{"title": "Plan.pdf", "description": "The new house", "labels": ["Cat", "Dog"]}]);
    sent(
        &alice,
        json!({"rid": room, "msg": "attached", "attachments": attached}),
    )
    .await;
    sent(
        &alice,
        json!({"rid": room, "msg": "secret tea", "t": "e2e"}),
    )
    .await;
    settled(&server, &admin).await;
    let today = today();
    let cases: Vec<(String, Vec<&str>)> = [
        ("green", vec![GREEN]),
        ("TEA green", vec![GREEN]),
        ("example.org", vec![GREEN]),
        ("\"green tea\"", vec![GREEN]),
        ("\"tea green\"", vec![]),
        ("cafe", vec!["Un café crème"]),
        ("京都", vec!["東京都でお茶を飲む"]),
        ("tea -green", vec![BLACK]),
        ("-green", vec![]),
        ("", vec![]),
        ("nothing like it", vec![]),
        ("from:alice tea", vec![GREEN]),
        ("from:LIC tea order:asc", vec![GREEN]),
        ("from:alice from:bob tea order:asc", vec![GREEN, BLACK]),
        ("from:me tea", vec![GREEN]),
        ("from:nobody", vec![]),
        ("mention:bob", vec![GREEN]),
        ("mention:me", vec![]),
        ("has:url", vec![GREEN]),
        ("has:link from:bob", vec![]),
        ("has:location", vec!["here I am"]),
        ("has:map", vec!["here I am"]),
        ("label:dog", vec!["attached"]),
        ("file-desc:new", vec!["attached"]),
        ("file-title:plan", vec!["attached"]),
        ("file-title:other", vec![]),
        ("tea sort:descending", vec![BLACK, GREEN]),
        ("tea before:1/1/2020", vec![]),
        ("tea after:1/1/2020 order:asc", vec![GREEN, BLACK]),
        ("/^black/", vec![BLACK]),
        ("/^BLACK/i", vec![BLACK]),
        ("/^BLACK/", vec![]),
        ("from:alice /tea|caf./", vec!["Un café crème", GREEN]),
        (
            "from:alice /tea|caf./ order:asc",
            vec![GREEN, "Un café crème"],
        ),
        ("has:star", vec![BLACK]),
        ("is:pinned", vec![GREEN]),
        ("has:pin from:bob", vec![]),
        ("has:star is:pinned", vec![]),
    ]
    .map(|(typed, wanted)| (typed.to_owned(), wanted))
    .into_iter()
    .chain([
        (format!("tea on:{today} order:asc"), vec![GREEN, BLACK]),
        (format!("tea after:{today}"), vec![]),
    ])
    .collect();
    for (typed, wanted) in cases.iter().filter(|(typed, _)| !typed.is_empty()) {
        assert_eq!(texts(&alice, &room, typed).await, *wanted, "{typed:?}");
    }
    details(&server, &admin, &alice, &room).await;
}

/// The day it is, as people write it.
fn today() -> String {
    let date = Command::new("date")
        .args(["-u", "+%d/%m/%Y"])
        .output()
        .unwrap();
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}

/// What is told of what was found, pages, refusals, and the setting that takes everything for a pattern.
async fn details(server: &Server, admin: &Client, alice: &Client, room: &str) {
    let best = found(alice, room, "teas green").await;
    assert_eq!(best[0]["highlights"], json!(["green", "tea"]), "{best:?}");
    assert!(best[0]["score"].is_number(), "{best:?}");
    assert_eq!(
        found(alice, room, "/bl.ck/").await[0]["highlights"],
        json!(["black"])
    );
    let page = alice
        .get(&(query(room, "tea order:asc") + "&count=1&offset=1"))
        .await
        .ok();
    assert_eq!(page["messages"][0]["msg"], "black teas are fine too");
    assert_eq!(page["messages"].as_array().unwrap().len(), 1);
    for (path, code) in [
        (
            format!("chat.search?roomId={room}"),
            "error-searchText-param-not-provided",
        ),
        (
            "chat.search?searchText=x".to_owned(),
            "error-roomId-param-not-provided",
        ),
        (query("nowhere", "tea"), "error-not-allowed"),
        (query(room, "/(/"), "error-invalid-params"),
    ] {
        assert_eq!(
            alice.get(&path).await.refused(400)["errorType"],
            code,
            "{path}"
        );
    }
    assert_eq!(texts(alice, room, "lack te").await, Vec::<String>::new());
    set(admin, "Message_AlwaysSearchRegExp", json!(true)).await;
    assert_eq!(
        texts(alice, room, "LACK te").await,
        ["black teas are fine too"]
    );
    set(admin, "Message_AlwaysSearchRegExp", json!(false)).await;
    // Whoever is called otherwise is found by the new name, at once.
    alice
        .post(
            "users.updateOwnBasicInfo",
            json!({"data": {"username": "amelia"}}),
        )
        .await
        .ok();
    settled(server, admin).await;
    assert_eq!(
        texts(alice, room, "from:amelia cafe").await,
        ["Un café crème"]
    );
    assert_eq!(
        texts(alice, room, "from:alice cafe").await,
        Vec::<String>::new()
    );
}

async fn what_goes_is_not_found(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    let room = create(&alice, "channels", "tea", &["bob"]).await;
    let edited = say(&alice, &room, "needle one").await;
    let deleted = say(&alice, &room, "needle two").await;
    say(&alice, &room, "needle three").await;
    let kept = say(&bob, &room, "needle four").await;
    settled(&server, &admin).await;
    let needles = async || texts(&alice, &room, "needle order:asc").await;
    assert_eq!(needles().await.len(), 4);
    let change = json!({"roomId": room, "msgId": edited, "text": "thread one"});
    alice.post("chat.update", change).await.ok();
    alice
        .post("chat.delete", json!({"roomId": room, "msgId": deleted}))
        .await
        .ok();
    settled(&server, &admin).await;
    assert_eq!(needles().await, ["needle three", "needle four"]);
    assert_eq!(texts(&alice, &room, "threads").await, ["thread one"]);
    // Pruned.
    let all = json!({"roomId": room, "latest": "2100-01-01T00:00:00Z", "oldest": "2000-01-01T00:00:00Z", "users": ["bob"]});
    admin.post("rooms.cleanHistory", all).await.ok();
    settled(&server, &admin).await;
    assert_eq!(needles().await, ["needle three"], "{kept} is gone");
    // The account is deleted, with its messages.
    set(&admin, "Message_ErasureType", json!("Delete")).await;
    say(&bob, &room, "needle five").await;
    settled(&server, &admin).await;
    assert_eq!(needles().await.len(), 2);
    admin
        .post("users.delete", json!({"userId": bob.user_id}))
        .await
        .ok();
    settled(&server, &admin).await;
    assert_eq!(needles().await, ["needle three"]);
    // The room is.
    alice
        .post("channels.delete", json!({"roomId": room}))
        .await
        .ok();
    assert_eq!(alice.get(&query(&room, "needle")).await.status, 400);
}

/// The server is killed as soon as messages are acknowledged: each is found once.
async fn a_crash_between_commits(options: ServerOptions) {
    let mut server = options.start().await;
    for round in 0..3 {
        let admin = server.admin().await;
        for number in 0..20 {
            say(&admin, "GENERAL", &format!("needle {round} {number}")).await;
        }
        server.kill9();
        server.restart().await;
        let admin = server.admin().await;
        settled(&server, &admin).await;
        let path = query("GENERAL", "needle order:asc") + "&count=100";
        let answer = admin.get(&path).await.ok();
        let found = answer["messages"].as_array().unwrap();
        assert_eq!(found.len(), (round + 1) * 20, "each once");
    }
}

#[tokio::test]
async fn nobody_finds_what_they_may_not_read() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let shared = create(&alice, "channels", "shared", &["bob"]).await;
    let hidden = create(&alice, "groups", "hidden", &[]).await;
    let open = create(&alice, "channels", "open", &[]).await;
    for room in [&shared, &hidden, &open] {
        say(&alice, room, "a needle here").await;
    }
    settled(&server, &admin).await;
    let refusal = bob.get(&query(&hidden, "needle")).await.refused(400);
    assert_eq!(refusal["errorType"], "error-not-allowed");
    let of = async |client: &Client, params: Value| {
        method(client, "messageSearch", params).await["result"].clone()
    };
    assert_eq!(of(&bob, json!(["needle", hidden])).await, json!(false));
    assert_eq!(
        of(&bob, json!(["needle"])).await,
        json!({"message": {"docs": []}}),
        "it is off"
    );
    let in_room = of(&bob, json!(["needle", shared, 5])).await;
    assert_eq!(
        in_room["message"]["docs"][0]["msg"], "a needle here",
        "{in_room}"
    );
    let provider = async |client: &Client, rid: Value, wishes: Value| {
        let params = json!(["needle", {"uid": "x", "rid": rid}, wishes]);
        let answer = method(client, "rocketchatSearch.search", params).await;
        let docs = answer["result"]["message"]["docs"]
            .as_array()
            .unwrap()
            .clone();
        let rooms = docs
            .iter()
            .map(|doc| doc["rid"].as_str().unwrap().to_owned());
        rooms.collect::<Vec<_>>()
    };
    assert_eq!(
        provider(&bob, json!(hidden), json!({})).await,
        Vec::<String>::new()
    );
    assert_eq!(
        provider(&bob, Value::Null, json!({})).await,
        Vec::<String>::new()
    );
    set(
        &admin,
        "Search.defaultProvider.GlobalSearchEnabled",
        json!(true),
    )
    .await;
    // Across rooms: those one is in, and no others, whatever is named.
    let mine = [shared.clone()];
    for (rid, wishes) in [
        (Value::Null, json!({})),
        (json!(hidden), json!({"searchAll": true})),
        (json!(shared), json!({})),
    ] {
        assert_eq!(provider(&bob, rid.clone(), wishes).await, mine, "{rid}");
    }
    assert_eq!(provider(&alice, Value::Null, json!({})).await.len(), 3);
    assert_eq!(
        provider(&alice, Value::Null, json!({"limit": 2}))
            .await
            .len(),
        2
    );
    let everywhere = of(&bob, json!(["needle"])).await;
    assert_eq!(
        everywhere["message"]["docs"].as_array().unwrap().len(),
        1,
        "{everywhere}"
    );
    // From the moment they are out, also of what the index still has.
    alice
        .post(
            "channels.kick",
            json!({"roomId": shared, "userId": bob.user_id}),
        )
        .await
        .ok();
    assert_eq!(
        provider(&bob, Value::Null, json!({})).await,
        Vec::<String>::new()
    );
    let told = method(&bob, "rocketchatSearch.getProvider", json!([])).await;
    assert_eq!(
        told["result"]["settings"],
        json!({"GlobalSearchEnabled": true, "PageSize": 10})
    );
    let doc = method(
        &alice,
        "rocketchatSearch.search",
        json!(["needle", {"rid": hidden}, {}]),
    )
    .await;
    let doc = &doc["result"]["message"]["docs"][0];
    assert_eq!(
        (&doc["username"], &doc["valid"]),
        (&json!("alice"), &json!(true)),
        "{doc}"
    );
}

fn index(server: &Server) -> PathBuf {
    server.data().join("views").join("search-1")
}

#[tokio::test]
async fn it_is_built_anew_when_asked_and_when_it_is_damaged() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    say(&admin, "GENERAL", "a needle").await;
    settled(&server, &admin).await;
    let told = commands::printed(&server, &["projections", "rebuild", "search"]);
    assert!(told.contains("rebuilt up to position"), "{told}");
    let listed = commands::printed(&server, &["projections", "list"]);
    assert!(listed.contains("search"), "{listed}");
    let (refused, _) = commands::refused(&server, &["projections", "verify", "search"]);
    assert!(refused.contains("not compared"), "{refused}");
    assert_eq!(texts(&admin, "GENERAL", "needle").await, ["a needle"]);
    server.stop().await;
    // Without a server.
    let told = commands::printed(&server, &["projections", "rebuild", "search"]);
    assert!(told.contains("rebuilt up to position"), "{told}");
    let listed = commands::printed(&server, &["projections", "list"]);
    assert!(listed.contains("search"), "{listed}");
    fs::write(index(&server).join("meta.json"), "{}").unwrap();
    server.restart().await;
    let admin = server.admin().await;
    settled(&server, &admin).await;
    assert_eq!(texts(&admin, "GENERAL", "needle").await, ["a needle"]);
    let output = server.output();
    let lines = output.lines().filter(|line| line.contains("damaged"));
    assert_eq!(lines.count(), 1, "{output}");
}
