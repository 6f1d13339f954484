//! Many write and read at the same moment: nothing is skipped, lost or counted wrongly.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::join_all;
use serde_json::{Value, json};
use tests::client::Client;
use tests::mongo::MongoServer;
use tests::on_both_logs;
use tests::server::ServerOptions;
use tokio::sync::Barrier;

use super::{id, people};

on_both_logs![
    paging_by_time_reaches_every_message,
    unread_is_what_lies_behind_the_cursor,
    polling_for_changes_loses_none,
];

/// A time, so many milliseconds from now.
fn millis(offset: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap() + offset
}

/// The same as clients write it in a query.
fn time(offset: i64) -> String {
    jiff::Timestamp::from_millisecond(millis(offset))
        .unwrap()
        .to_string()
}

fn texts<'a>(items: &'a Value, field: &str) -> Vec<&'a str> {
    items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item[field].as_str().unwrap())
        .collect()
}

async fn paging_by_time_reaches_every_message(options: ServerOptions) {
    const WRITERS: usize = 10;
    const EACH: usize = 60;
    let server = options.start().await;
    let admin = server.admin().await;
    let barrier = Arc::new(Barrier::new(WRITERS));
    let writers = (0..WRITERS).map(|writer| {
        let (admin, barrier) = (admin.clone(), Arc::clone(&barrier));
        async move {
            barrier.wait().await;
            let mut sent = Vec::new();
            for number in 0..EACH {
                let message = json!({"rid": "GENERAL", "msg": format!("{writer}/{number}")});
                let answer = admin
                    .post("chat.sendMessage", json!({"message": message}))
                    .await
                    .ok();
                let message = &answer["message"];
                let text = |field: &str| message[field].as_str().unwrap().to_owned();
                sent.push((text("ts"), text("_id")));
            }
            sent
        }
    });
    let mut sent: Vec<(String, String)> = join_all(writers).await.concat();
    sent.sort();
    let times: BTreeSet<&String> = sent.iter().map(|(at, _)| at).collect();
    assert_eq!(
        times.len(),
        WRITERS * EACH,
        "no two have the same send time"
    );

    let mut found = Vec::new();
    let mut latest = time(60_000);
    loop {
        let path = format!("channels.history?roomId=GENERAL&count=7&latest={latest}");
        let page = admin.get(&path).await.ok()["messages"].clone();
        let times = texts(&page, "ts");
        let Some(oldest) = times.last() else { break };
        assert!(times.is_sorted_by(|a, b| a > b), "newest first: {times:?}");
        (*oldest).clone_into(&mut latest);
        let ours = page
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["t"].is_null());
        found.extend(ours.map(|one| {
            let text = |field: &str| one[field].as_str().unwrap().to_owned();
            (text("ts"), text("_id"))
        }));
    }
    found.reverse();
    assert!(found == sent, "{} of {} reached", found.len(), sent.len());

    for at in sent.iter().step_by(50).map(|(at, _)| at) {
        let count = async |bound: &str| {
            let path = format!("channels.history?roomId=GENERAL&count=1000&{bound}={at}");
            admin.get(&path).await.ok()["messages"]
                .as_array()
                .unwrap()
                .len()
        };
        let before = sent.iter().filter(|(other, _)| other < at).count();
        let newer = sent.len() - 1 - before;
        assert_eq!(count("oldest").await, newer.min(100), "after {at}");
    }
}

async fn unread_is_what_lies_behind_the_cursor(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob) = people(&server).await;
    let room = id(
        &alice
            .post("im.create", json!({"username": "bob"}))
            .await
            .ok(),
        "room",
    );
    let barrier = Barrier::new(6);
    let post = async |who: &Client| {
        barrier.wait().await;
        for number in 0..20 {
            let message = json!({"rid": room, "msg": format!("{number}")});
            who.post("chat.sendMessage", json!({"message": message}))
                .await
                .ok();
        }
    };
    let read = async |who: &Client| {
        barrier.wait().await;
        for _ in 0..40 {
            who.post("subscriptions.read", json!({"rid": room}))
                .await
                .ok();
        }
    };
    tokio::join!(
        post(&alice),
        post(&bob),
        post(&alice),
        post(&bob),
        read(&alice),
        read(&bob)
    );
    let path = format!("im.messages?roomId={room}&count=100");
    let page = alice.get(&path).await.ok()["messages"].clone();
    for who in [&alice, &bob] {
        let path = format!("subscriptions.getOne?roomId={room}");
        let place = who.get(&path).await.ok()["subscription"].clone();
        let (seen, own) = (place["ls"].as_str().unwrap(), &place["u"]["_id"]);
        let behind = page.as_array().unwrap().iter();
        let behind =
            behind.filter(|one| one["u"]["_id"] != *own && one["ts"].as_str().unwrap() > seen);
        assert_eq!(place["unread"], json!(behind.count()), "{place}");
        let counters = who.get(&format!("im.counters?roomId={room}")).await.ok();
        assert_eq!(counters["unreads"], place["unread"], "{counters}");

        who.post("subscriptions.read", json!({"rid": room}))
            .await
            .ok();
        let place = who.get(&path).await.ok()["subscription"].clone();
        let newest = &page[0]["ts"];
        assert_eq!(
            (&place["unread"], &place["ls"]),
            (&json!(0), newest),
            "{place}"
        );
    }
}

/// What a client keeps: the places and rooms it was told of, by id.
#[derive(Default)]
struct Kept {
    asked: Option<String>,
    places: BTreeMap<String, Value>,
    rooms: BTreeMap<String, Value>,
}

impl Kept {
    /// Asks what changed since the time of the last question, by a clock that is `skew` milliseconds ahead.
    async fn poll(&mut self, client: &Client, skew: i64) {
        let now = time(skew);
        let since = self.asked.replace(now);
        let since = since.map_or(String::new(), |since| format!("?updatedSince={since}"));
        for (route, kept) in [
            ("subscriptions.get", &mut self.places),
            ("rooms.get", &mut self.rooms),
        ] {
            let told = client.get(&format!("{route}{since}")).await.ok();
            for one in told["update"].as_array().unwrap() {
                kept.insert(one["_id"].as_str().unwrap().to_owned(), one.clone());
            }
            for gone in told["remove"].as_array().unwrap() {
                kept.remove(gone["_id"].as_str().unwrap());
            }
        }
    }

    /// Compares with everything there is.
    async fn compare(&self, client: &Client) {
        for (route, kept) in [
            ("subscriptions.get", &self.places),
            ("rooms.get", &self.rooms),
        ] {
            let all = client.get(route).await.ok();
            let all = all["update"].as_array().unwrap();
            let stale: Vec<&Value> = all
                .iter()
                .filter(|one| kept.get(one["_id"].as_str().unwrap()) != Some(*one))
                .collect();
            assert!(
                stale.is_empty(),
                "{} of {} by {route} are not as they were told: {stale:?}",
                stale.len(),
                all.len()
            );
            assert_eq!(kept.len(), all.len(), "by {route}");
        }
    }
}

const WRITERS: usize = 6;
const CHANGES: usize = 34;

/// Six writers make some two hundred changes through `writing` while a client polls `polled`, by a clock that differs.
async fn write_and_poll(writing: &Client, polled: &Client, me: &str, skew: i64) {
    let mut rooms = Vec::new();
    for writer in 0..WRITERS {
        let wish = json!({"name": format!("room{writer}"), "members": [me]});
        rooms.push(id(
            &writing.post("channels.create", wish).await.ok(),
            "channel",
        ));
    }
    let (barrier, done) = (Barrier::new(WRITERS + 1), AtomicBool::new(false));
    let (rooms, barrier, done) = (&rooms, &barrier, &done);
    let write = |writer: usize| async move {
        barrier.wait().await;
        for number in 0..CHANGES {
            let answer = match number % 3 {
                0 => {
                    let message = json!({"rid": rooms[writer], "msg": format!("@{me} {number}")});
                    writing
                        .post("chat.sendMessage", json!({"message": message}))
                        .await
                }
                1 => {
                    let wish = json!({"roomId": rooms[writer], "topic": format!("{number}")});
                    writing.post("channels.setTopic", wish).await
                }
                _ => {
                    let name = format!("short{writer}x{number}");
                    let wish = json!({"name": name, "members": [me]});
                    let room = id(&writing.post("channels.create", wish).await.ok(), "channel");
                    writing
                        .post("channels.delete", json!({"roomId": room}))
                        .await
                }
            };
            answer.ok();
        }
    };
    let mut kept = Kept::default();
    let poll = async {
        barrier.wait().await;
        while !done.load(Ordering::Relaxed) {
            kept.poll(polled, skew).await;
        }
    };
    let all = async {
        join_all((0..WRITERS).map(write)).await;
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(all, poll);
    // Once more, when everything is there; a client that lost something before does not get it by this.
    let message = json!({"rid": "GENERAL", "msg": "the end"});
    writing
        .post("chat.sendMessage", json!({"message": message}))
        .await
        .ok();
    for _ in 0..200 {
        let general = polled.get("rooms.info?roomId=GENERAL").await.ok();
        if general["room"]["lastMessage"]["msg"] == "the end" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    kept.poll(polled, skew).await;
    kept.compare(polled).await;
}

async fn polling_for_changes_loses_none(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, _) = people(&server).await;
    write_and_poll(&admin, &alice, "alice", 0).await;
}

/// A client polls one node while others write through another, whose clock differs by two seconds. The client's clock is
/// that of its node.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn polling_a_node_with_another_clock_loses_none() {
    for (writing, polled) in [(0, 2_000), (2_000, 0)] {
        let url = MongoServer::shared().await.fresh_url();
        let node = async |ahead| {
            let node = ServerOptions::default().mongo(&url).clock_ahead(ahead);
            node.start().await
        };
        let one = node(writing).await;
        let admin = one.admin().await;
        admin.new_user("alice").await;
        let other = node(polled).await;
        let alice = other.client().login("alice", "password of alice").await;
        for (client, ahead) in [(&admin, writing), (&alice, polled)] {
            let message = json!({"channel": "#general", "text": "what time is it?"});
            let before = millis(i64::from(ahead));
            let said = client.post("chat.postMessage", message).await.ok();
            let said = said["ts"].as_i64().expect("milliseconds");
            let after = millis(i64::from(ahead));
            assert!(
                (before..=after).contains(&said),
                "between {before} and {after} it was {said}"
            );
        }
        write_and_poll(&admin, &alice, "alice", i64::from(polled)).await;
    }
}

#[tokio::test]
async fn highlighted_words_call_like_a_name() {
    let server = ServerOptions::default().start().await;
    let (_, alice, bob) = people(&server).await;
    let wish = json!({"data": {"highlights": ["Coffee", "green tea"]}});
    alice.post("users.setPreferences", wish).await.ok();
    let place = async || {
        let answer = alice.get("subscriptions.getOne?roomId=GENERAL").await.ok();
        let place = &answer["subscription"];
        (place["userMentions"].clone(), place["unread"].clone())
    };
    alice
        .post("subscriptions.read", json!({"rid": "GENERAL"}))
        .await
        .ok();
    let say = async |who: &Client, message: Value| {
        let mut message = message;
        message["rid"] = json!("GENERAL");
        who.post("chat.sendMessage", json!({"message": message}))
            .await
            .ok();
    };
    for (message, counted) in [
        (json!({"msg": "nothing here"}), 0),
        (json!({"msg": "who wants COFFEE?"}), 1),
        (json!({"msg": "coffeehouse"}), 1),
        (json!({"msg": "Green Tea, or coffee, @alice"}), 2),
        (json!({"msg": "coffee", "t": "e2e"}), 2),
    ] {
        say(&bob, message.clone()).await;
        assert_eq!(place().await, (json!(counted), json!(counted)), "{message}");
    }
    say(&alice, json!({"msg": "my own coffee"})).await;
    assert_eq!(place().await, (json!(0), json!(0)), "reading by writing");
}
