//! What came of one request, over REST and on the command line.

use std::process::Output;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::on_both_logs;
use tests::server::{ADMIN_PASSWORD, Server, ServerOptions};

use crate::{auditor, make_room, post, printed};

on_both_logs![a_request_is_told_by_its_events_and_what_they_led_to];

async fn ask(client: &Client, id: &str) -> Answer {
    let path = format!("/audit/explain/{id}");
    client.send(Method::GET, &path, None).await
}

fn explain(server: &Server, arguments: &[&str]) -> Output {
    let mut command = server.command(&server.data());
    command.arg("explain").args(arguments).output().unwrap()
}

fn correlation(answer: &Answer) -> Option<String> {
    answer.header("x-correlation-id").map(str::to_owned)
}

#[tokio::test]
async fn answers_that_recorded_something_say_under_which_id() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let posted = post(&admin, "GENERAL", "hello").await;
    let id = correlation(&posted).expect("it was recorded");
    assert_eq!(posted.header("x-request-id"), Some(&*id), "the same id");
    let looked = admin.send(Method::GET, "/api/v1/me", None).await;
    assert_eq!(correlation(&looked), None, "a look changes nothing");
    let refused = post(&admin, "no-such-room", "hello").await;
    assert_eq!(correlation(&refused), None, "nothing was done");
    let login = json!({"user": "admin", "password": ADMIN_PASSWORD});
    let stranger = server.client().post("login", login).await;
    assert_eq!(stranger.status, 200, "{}", stranger.body);
    assert_eq!(
        correlation(&stranger),
        None,
        "a stranger is not told that something was recorded"
    );
}

#[tokio::test]
async fn a_request_with_very_much_in_it_is_told_in_part() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = "settings/Message_MaxAllowedSize";
    admin.post(path, json!({"value": 300_000})).await.ok();
    let id = "0192d3a4-5b6c-7d8e-9f00-112233445566";
    let large = "x".repeat(250_000);
    let of_one = admin.with_header("X-Request-Id", id);
    for _ in 0..40 {
        post(&of_one, "GENERAL", &large).await.ok();
    }
    let told = ask(&admin, id).await.ok()["request"].clone();
    let steps = told["steps"].as_array().unwrap();
    assert!(
        !steps.is_empty() && steps.len() < 40,
        "{} are told",
        steps.len()
    );
    let last = &steps[steps.len() - 1]["event"]["position"];
    assert_eq!(&told["cut"], last, "it says where to go on");
}

async fn a_request_is_told_by_its_events_and_what_they_led_to(options: ServerOptions) {
    let mut server = options.start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let room = json!({"name": "lounge", "members": ["ann"]});
    let created = admin.post("channels.create", room).await;
    let id = correlation(&created).expect("it was recorded");
    let told = ask(&admin, &id).await.ok()["request"].clone();
    assert_eq!(told["callers"][0]["name"], "admin", "{told}");
    let steps = told["steps"].as_array().unwrap();
    let types: Vec<&str> = steps
        .iter()
        .filter_map(|step| step["event"]["type"].as_str())
        .collect();
    for wanted in ["RoomCreated", "NameClaimed", "MemberJoined"] {
        assert!(types.contains(&wanted), "{wanted}: {types:?}");
    }
    let of_ann = steps
        .iter()
        .find(|step| step["event"]["data"]["user"] == ann.user_id);
    let of_ann = of_ann.expect("ann joined");
    let sentence = of_ann["event"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("ann"), "{sentence}");
    let views = of_ann["views"].as_array().unwrap();
    for wanted in ["record_postings", "rooms", "memberships"] {
        assert!(views.contains(&json!(wanted)), "{wanted}: {views:?}");
    }
    let updates = of_ann["updates"].as_array().unwrap();
    let kinds: Vec<&Value> = updates.iter().map(|update| &update["kind"]).collect();
    assert_eq!(kinds, ["member-joined", "joined"], "{updates:?}");
    assert_eq!(updates[0]["to"]["room"]["name"], "#lounge");
    assert_eq!(updates[0]["except"]["name"], "ann");
    assert_eq!(updates[1]["to"]["user"]["name"], "ann");
    for running in [true, false] {
        if !running {
            server.stop().await;
        }
        let output = explain(&server, &[&id, "--format", "json"]);
        let said = String::from_utf8_lossy(&output.stderr);
        let json: Value = serde_json::from_slice(&output.stdout).expect(&said);
        assert_eq!(json, told, "running: {running}");
        let output = explain(&server, &[&id]);
        let page = String::from_utf8_lossy(&output.stdout);
        for line in [
            "made by admin",
            "live update: joined to ann",
            "everybody who watched #lounge but ann",
            "not recorded: the door",
        ] {
            assert!(page.contains(line), "{line}: {page}");
        }
    }
}

#[tokio::test]
async fn what_is_told_in_another_room_is_told_with_the_request() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let updates = async |answer: &Answer, event: &str| {
        let id = correlation(answer).expect("it was recorded");
        let told = ask(&admin, &id).await.ok()["request"].clone();
        let mut steps = told["steps"].as_array().unwrap().iter();
        let step = steps.find(|step| step["event"]["type"] == event);
        let updates = step.expect(event)["updates"].clone();
        let updates = updates.as_array().unwrap().clone();
        let name = |update: Value| {
            let room = update["to"]["room"]["name"].as_str().unwrap().to_owned();
            (update["kind"].as_str().unwrap().to_owned(), room)
        };
        updates.into_iter().map(name).collect::<Vec<_>>()
    };
    let told = |kind: &str, room: &str| (kind.to_owned(), room.to_owned());
    let wish = json!({"prid": "GENERAL", "t_name": "talk"});
    let begun = admin.post("rooms.createDiscussion", wish).await;
    let room = begun.body["discussion"]["_id"].clone();
    assert_eq!(
        updates(&begun, "RoomCreated").await[0],
        told("message-posted", "#general")
    );
    let said = post(&admin, room.as_str().unwrap(), "here").await;
    assert_eq!(
        updates(&said, "MessagePosted").await[0],
        told("discussion-changed", "#general")
    );
    let gone = admin.post("rooms.delete", json!({"roomId": room})).await;
    let gone = updates(&gone, "RoomDeleted").await;
    assert_eq!(gone.len(), 1, "{gone:?}");
    assert_eq!(gone[0].0, "room-deleted");
}

#[tokio::test]
async fn what_a_reactor_recorded_is_told_with_what_led_to_it() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let path = "/api/v1/users.requestDataDownload?fullExport=false";
    let asked = admin.send(Method::GET, path, None).await;
    let id = correlation(&asked).expect("the wish was recorded");
    let deadline = Instant::now() + Duration::from_secs(20);
    let steps = loop {
        let told = ask(&admin, &id).await.ok();
        let steps = told["request"]["steps"].as_array().unwrap().clone();
        if steps.len() > 1 || Instant::now() > deadline {
            break steps;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let types: Vec<&Value> = steps.iter().map(|step| &step["event"]["type"]).collect();
    assert_eq!(types, ["DataExportRequested", "DataExportCompleted"]);
    assert_eq!(steps[0]["becauseOf"], Value::Null);
    assert_eq!(steps[1]["becauseOf"], steps[0]["event"]["position"]);
    assert_eq!(steps[1]["event"]["causation"], steps[0]["event"]["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn private_rooms_are_hidden_and_who_asked_is_recorded() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (ann, eve) = (admin.new_user("ann").await, auditor(&admin, "eve").await);
    let wish = json!({"name": "cellar"});
    let cellar = make_room(&ann, "groups.create", wish, "/group/_id").await;
    let hidden = correlation(&post(&ann, &cellar, "treasure").await).unwrap();
    let shown = correlation(&post(&ann, "GENERAL", "hello").await).unwrap();
    ask(&ann, &shown).await.refused(403);
    let refusal = ask(&eve, &hidden).await.refused(400);
    let said = |refusal: &Value, id: &str| refusal["error"].as_str().unwrap().replace(id, "it");
    let never = "0192d3a4-5b6c-7d8e-9f00-aaaaaaaaaaaa";
    let unknown = ask(&eve, never).await.refused(400);
    assert_eq!(
        said(&refusal, &hidden),
        said(&unknown, never),
        "what is hidden is refused as what never was"
    );
    let output = explain(&server, &[&hidden, "--private-rooms"]);
    let page = String::from_utf8_lossy(&output.stdout);
    assert!(page.contains("treasure"), "{page}");
    ask(&eve, &shown).await.ok();
    let traces = printed(&server, &["--category", "audit", "--actor", "eve"]).await;
    let wanted = format!(
        "eve read what came of a request (request \"{shown}\") and was shown 1 event of 1 room"
    );
    assert!(traces.contains(&wanted), "{traces}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_none_is_refused_with_what_one_looks_like() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let unknown = "0192d3a4-5b6c-7d8e-9f00-aaaaaaaaaaaa";
    for running in [true, false] {
        if !running {
            server.stop().await;
        }
        for (id, why) in [
            ("nonsense", "is no correlation id"),
            (unknown, "nothing that may be shown"),
        ] {
            if running {
                let refusal = ask(&admin, id).await.refused(400);
                let said = refusal["error"].as_str().unwrap();
                assert!(said.contains(why), "{id}: {said}");
                assert!(
                    said.contains("0192d3a4-5b6c-7d8e-9f00-112233445566"),
                    "{said}"
                );
            }
            let output = explain(&server, &[id]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{id}: {said}");
            assert!(said.contains(why), "{id}: {said}");
        }
    }
}
