//! Whatever people do: what was seen after it is seen again when that moment is asked for, and the views are those that
//! a rebuild makes of the log.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use tests::both_logs;
use tests::client::{Answer, Client};
use tests::commands::printed;
use tests::server::ServerOptions;

use super::crowd::{Crowd, Room};
use super::{head, look};

/// What comes of connections is not recorded.
const PRESENCE: [&str; 2] = ["status", "statusConnection"];

/// Of members, what lists of all kinds of rooms show.
const MEMBER: [&str; 4] = ["_id", "username", "name", "roles"];

/// A list without what is not recorded, by id.
fn by_id(list: &Value) -> Vec<Value> {
    let list = list.as_array().expect("a list").iter();
    let mut list: Vec<Value> = list
        .map(|one| {
            let mut one = one.clone();
            let fields = one.as_object_mut().expect("a document");
            fields.retain(|field, _| !PRESENCE.contains(&field.as_str()));
            one
        })
        .collect();
    list.sort_by_key(|one| one["_id"].to_string());
    list
}

/// A list with some fields only, by id.
fn only(kept: &[&str], list: &Value) -> Vec<Value> {
    let mut list = by_id(list);
    for one in &mut list {
        let fields: &mut Map<String, Value> = one.as_object_mut().unwrap();
        fields.retain(|field, _| kept.contains(&field.as_str()));
    }
    list
}

/// Of documents of settings what a list shows.
fn values(settings: &Value) -> Vec<Value> {
    let mut settings = only(&["_id", "value"], settings);
    // Groups have no value, and are no settings.
    settings.retain(|setting| setting.get("value").is_some());
    settings
}

/// What the doors show of a workspace, by name.
type Moment = Vec<(String, Value)>;

/// What somebody is shown who may see it, if there is anybody.
async fn seen_by_any(crowd: &Crowd, path: &str) -> Option<Answer> {
    for client in crowd.clients() {
        let answer = client.get(path).await;
        if answer.status.is_success() {
            return Some(answer);
        }
    }
    None
}

/// Who is in a room, with their roles there.
async fn members(crowd: &Crowd, Room { id, family, .. }: &Room) -> Option<Value> {
    let path = format!("{family}.members?roomId={id}&count=0");
    let answer = seen_by_any(crowd, &path).await?;
    let path = format!("rooms.roles?rid={id}");
    let roles = seen_by_any(crowd, &path).await?;
    let mut members = only(&MEMBER, &answer.body["members"]);
    for member in &mut members {
        let mut holders = roles.body["roles"].as_array().expect("roles").iter();
        let holder = holders.find(|holder| holder["u"]["_id"] == member["_id"]);
        if let Some(holder) = holder {
            member["roles"] = holder["roles"].clone();
        }
    }
    Some(json!(members))
}

/// What the doors show now. What nobody sees at the moment is left out.
async fn now(crowd: &mut Crowd) -> Moment {
    crowd.look_around().await;
    let (admin, mut moment) = (&crowd.admin, Moment::new());
    let there = crowd.rooms.iter().filter(|room| !room.is_deleted);
    let there = there.map(|room| json!({"_id": room.id}));
    moment.push(("rooms".to_owned(), json!(by_id(&there.collect()))));
    for room in &crowd.rooms {
        let id = &room.id;
        if room.is_deleted {
            for part in ["", "/members", "/messages"] {
                moment.push((format!("rooms/{id}{part}"), Value::Null));
            }
            continue;
        }
        // Channels of a team are listed to those alone who are in them.
        let path = format!("rooms.info?roomId={id}");
        if let Some(found) = seen_by_any(crowd, &path).await {
            moment.push((format!("rooms/{id}"), found.body["room"].clone()));
        }
        let found = members(crowd, room).await;
        moment.extend(found.map(|found| (format!("rooms/{id}/members"), found)));
        let path = format!("{}.messages?roomId={id}&count=0", room.family);
        if let Some(found) = seen_by_any(crowd, &path).await {
            let found = json!(by_id(&found.body["messages"]));
            moment.push((format!("rooms/{id}/messages"), found));
        }
    }
    for user in &crowd.users {
        let found = admin.get(&format!("users.info?userId={user}")).await;
        let found = if found.status.is_success() {
            json!(by_id(&json!([found.body["user"]])))
        } else {
            Value::Null
        };
        moment.push((format!("users/{user}"), found));
    }
    let settings = admin.get("settings?count=0").await.ok();
    moment.push(("settings".to_owned(), json!(values(&settings["settings"]))));
    let permissions = admin.get("permissions.listAll").await.ok();
    let permissions = by_id(&permissions["update"]);
    moment.push(("permissions".to_owned(), json!(permissions)));
    moment
}

/// What is shown of then.
async fn then(client: &Client, position: u64, path: &str) -> Value {
    let last = path.rsplit('/').next().unwrap_or_default();
    let list = matches!(
        last,
        "rooms" | "members" | "messages" | "settings" | "permissions"
    );
    let limit = if list { "?limit=1000" } else { "" };
    let answer = look(client, &format!("{position}/{path}{limit}")).await;
    let body = &answer.body;
    match last {
        _ if !answer.status.is_success() => Value::Null,
        "rooms" => {
            let mut rooms = only(&["_id"], &body["rooms"]);
            rooms.retain(|room| room["_id"] != "GENERAL");
            json!(rooms)
        }
        "members" => json!(only(&MEMBER, &body["members"])),
        "messages" => json!(by_id(&body["messages"])),
        "settings" => json!(values(&body["settings"])),
        "permissions" => json!(by_id(&body["permissions"])),
        _ if path.starts_with("users") => {
            let mut user = body["user"].clone();
            user["canViewAllInfo"] = json!(true);
            json!(by_id(&json!([user])))
        }
        _ => body["room"].clone(),
    }
}

/// What is not the same. Secrets are withheld from those who look back.
fn difference(expected: &Value, found: &Value) -> Option<String> {
    let (Value::Array(expected), Value::Array(found)) = (expected, found) else {
        return (expected != found).then(|| format!("{expected} became {found}"));
    };
    if expected.len() != found.len() {
        return Some(format!("{expected:?} became {found:?}"));
    }
    let withheld = |one: &Value| one["value"] == "(withheld)";
    let mut pairs = expected.iter().zip(found);
    let differs = pairs.find(|(expected, found)| expected != found && !withheld(found));
    differs.map(|(expected, found)| format!("{expected} became {found}"))
}

/// Everything that clients keep of rooms and of their own places: all of it, as each of them is told.
async fn kept_by_clients(crowd: &Crowd) -> Moment {
    let mut kept = Moment::new();
    for client in crowd.clients() {
        for path in ["rooms.get", "subscriptions.get"] {
            // Who may not log in at the moment is told nothing.
            let told = client.get(path).await.body;
            kept.push((format!("{path} of {}", client.user_id), told));
        }
    }
    kept
}

/// What happened in a run, by route.
struct Happened {
    asked: BTreeSet<String>,
    done: BTreeSet<String>,
}

async fn every_moment_is_shown_again(options: ServerOptions, seed: u64) -> Happened {
    // Shown if the test fails.
    eprintln!("seed {seed}");
    let mut server = options.env("SNAPSHOT_EVERY", "25").start().await;
    let mut crowd = Crowd::gather(&server, seed).await;
    let mut moments = Vec::new();
    for _ in 0..4 {
        for _ in 0..crowd.any(250) {
            crowd.act().await;
        }
        let moment = now(&mut crowd).await;
        moments.push((head(&crowd.admin).await, moment));
    }
    for (position, moment) in &moments {
        for (path, expected) in moment {
            let found = then(&crowd.admin, *position, path).await;
            if let Some(difference) = difference(expected, &found) {
                panic!("seed {seed}, position {position}, {path}: {difference}");
            }
        }
    }
    // Ends in failure, and tells of the first row, where a view is not as the log makes it.
    printed(&server, &["projections", "verify"]);
    let before = kept_by_clients(&crowd).await;
    server.stop().await;
    printed(&server, &["projections", "rebuild"]);
    server.restart().await;
    crowd.moved(&server);
    let after = kept_by_clients(&crowd).await;
    for ((whose, before), (_, after)) in before.iter().zip(&after) {
        assert_eq!(after, before, "seed {seed}: {whose} after a rebuild");
    }
    let Crowd { asked, done, .. } = crowd;
    Happened { asked, done }
}

#[tokio::test]
async fn every_moment_of_a_random_run_is_shown_again() {
    let (mut asked, mut done) = (BTreeSet::new(), BTreeSet::new());
    for seed in [1, 22, 333] {
        let happened = every_moment_is_shown_again(ServerOptions::default(), seed).await;
        asked.extend(happened.asked);
        done.extend(happened.done);
    }
    let never: Vec<_> = asked.difference(&done).collect();
    assert!(never.is_empty(), "always refused: {never:?}");
}

/// The one that `SEED` names, so that a run that failed can be had again; else one that nobody knows.
fn another_seed() -> u64 {
    let named = std::env::var("SEED").ok();
    named.map_or_else(rand::random, |seed| seed.parse().expect("a number"))
}

#[tokio::test]
async fn every_moment_of_a_run_never_seen_before_is_shown_again() {
    every_moment_is_shown_again(ServerOptions::default(), another_seed()).await;
}

#[tokio::test]
async fn every_moment_of_a_random_run_is_shown_again_with_the_log_in_mongodb() {
    every_moment_is_shown_again(both_logs::mongodb().await, 4444).await;
}
