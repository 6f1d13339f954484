//! Every documented field of every route, and every parameter of every method, gets a value far larger than anybody
//! has reason to send. The server refuses or does it; it never fails, stalls or swells, and others see what they saw.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use futures::StreamExt as _;
use reqwest::Method;
use serde_json::{Map, Value, json};
use tests::client::Client;
use tests::server::Server;
use tests::watch::Watch;

/// What would end the logins that fuzz, take the server down, or ask the world outside.
const LEFT_OUT: [&str; 16] = [
    "logout",
    "users.logout",
    "users.logoutOtherClients",
    "users.removeOtherTokens",
    "users.deleteOwnAccount",
    "users.resetTOTP",
    "users.resetE2EKey",
    "users.setAvatar",
    "dns.resolve.txt",
    "dns.resolve.srv",
    "logoutCleanUp",
    "getNewToken",
    "removeOtherTokens",
    "restart_server",
    "setAvatarFromService",
    "login",
];

/// Requests under way at a time.
const AT_A_TIME: usize = 4;

const MEMORY: u64 = 1 << 30;

/// What fits into the address of a request.
const IN_ADDRESS: usize = 40_000;

/// Where a large value goes in a body. It is put there when the body is sent: all bodies together are larger than the
/// machine.
const TEXT: &str = "@@TEXT@@";
const LIST: &str = "@@LIST@@";
const DEEP: &str = "@@DEEP@@";

/// A body with its large values.
fn with_large(body: &str) -> String {
    static LARGE: LazyLock<[(&str, String); 3]> = LazyLock::new(|| {
        let list: Value = (0..199_000).map(|number| number % 10).collect();
        [
            (LIST, list.to_string()),
            (DEEP, "[".repeat(120) + &"]".repeat(120)),
            (TEXT, "x".repeat(1 << 20)),
        ]
    });
    LARGE.iter().fold(body.to_owned(), |body, (place, value)| {
        if *place == TEXT {
            return body.replace(place, value);
        }
        // A body inside a body has its quotes escaped.
        let inside = body.replace(&format!("\\\"{place}\\\""), value);
        inside.replace(&format!("\"{place}\""), value)
    })
}

/// One request.
struct Try {
    what: String,
    method: Method,
    path: String,
    body: Option<(&'static str, String)>,
}

/// What small fields are filled with, so that a request comes as far as it can.
struct Usual {
    room: String,
    user: String,
    message: String,
}

impl Usual {
    fn value(&self, name: &str, shape: &Value) -> Value {
        match (name, shape["type"].as_str()) {
            ("roomId" | "rid", _) => json!(self.room),
            ("userId" | "uid", _) => json!(self.user),
            ("username" | "user", _) => json!("victim"),
            ("msgId" | "messageId", _) => json!(self.message),
            (_, Some("number")) => json!(1),
            (_, Some("boolean")) => json!(true),
            (_, Some("array")) => json!([]),
            (_, Some("object")) => json!({}),
            _ => shape["enum"].get(0).cloned().unwrap_or_else(|| json!("x")),
        }
    }
}

/// Every field of a body with every large value that is not refused for its type alone.
fn in_body(usual: &Usual, shape: &Value) -> Vec<(String, Value)> {
    let none = Map::new();
    let fields = shape["properties"].as_object().unwrap_or(&none);
    let mut bodies = Vec::new();
    for (name, field) in fields {
        let large: &[&str] = match field["type"].as_str() {
            Some("number" | "boolean") => &[],
            Some("string") => &[TEXT],
            Some("array") => &[LIST, DEEP],
            Some("object") => &[DEEP],
            _ => &[TEXT, LIST, DEEP],
        };
        let filled = |value: Value| {
            let mut body: Map<String, Value> = fields
                .iter()
                .map(|(other, shape)| (other.clone(), usual.value(other, shape)))
                .collect();
            body.insert(name.clone(), value);
            Value::Object(body)
        };
        for value in large {
            let value = match field["type"].as_str() {
                Some("object") => json!({ "large": value, "text": TEXT }),
                _ => json!(value),
            };
            bodies.push((name.clone(), filled(value)));
        }
        for (inner, body) in in_body(usual, field) {
            bodies.push((format!("{name}.{inner}"), filled(body)));
        }
    }
    bodies
}

/// Every operation of the document.
fn tries(document: &Value, usual: &Usual) -> Vec<Try> {
    let mut tries = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let name = path.trim_start_matches("/api/v1/");
        if LEFT_OUT.contains(&name)
            || path.starts_with("/oauth/")
            || name.starts_with("method.call")
        {
            continue;
        }
        for (method, operation) in operations.as_object().expect("operations") {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else {
                continue;
            };
            of_operation(&mut tries, path, &method, operation, usual);
        }
    }
    tries
}

fn of_operation(
    tries: &mut Vec<Try>,
    path: &str,
    method: &Method,
    operation: &Value,
    usual: &Usual,
) {
    let none = Vec::new();
    let parameters = operation["parameters"].as_array().unwrap_or(&none);
    let text = "x".repeat(IN_ADDRESS);
    let plain = |name: &str, shape: &Value| {
        let value = usual.value(name, shape);
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let filled = |large: Option<&str>| {
        let (mut filled, mut query) = (path.to_owned(), Vec::new());
        for parameter in parameters {
            let name = parameter["name"].as_str().expect("a name");
            let value = if large == Some(name) {
                text.clone()
            } else {
                plain(name, &parameter["schema"])
            };
            if parameter["in"] == "path" {
                filled = filled.replace(&format!("{{{name}}}"), &value);
                filled = filled.replace(&format!("{{*{name}}}"), &value);
            } else if large == Some(name) || parameter["required"] == true {
                query.push(format!("{name}={value}"));
            }
        }
        format!("{filled}?{}", query.join("&"))
    };
    for parameter in parameters {
        let name = parameter["name"].as_str().expect("a name");
        tries.push(Try {
            what: format!("{method} {path} {name}"),
            method: method.clone(),
            path: filled(Some(name)),
            body: None,
        });
    }
    let content = &operation["requestBody"]["content"];
    for (name, body) in in_body(usual, &content["application/json"]["schema"]) {
        tries.push(Try {
            what: format!("{method} {path} {name}"),
            method: method.clone(),
            path: filled(None),
            body: Some(("application/json", body.to_string())),
        });
    }
    for name in content["multipart/form-data"]["schema"]["properties"]
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
    {
        let part = format!(
            "--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{TEXT}\r\n--XX--\r\n"
        );
        tries.push(Try {
            what: format!("{method} {path} {name}"),
            method: method.clone(),
            path: filled(None),
            body: Some(("multipart/form-data; boundary=XX", part)),
        });
    }
}

/// The names of all methods, as their table says them.
fn method_names() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../api/src/methods");
    let mut folders = vec![PathBuf::from(folder)];
    let mut names = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).expect("the methods") {
            let path = file.expect("a file").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(path).expect("source");
            for call in source.split("method(\"").skip(1) {
                let name = call.split('"').next().unwrap_or_default();
                names.insert(name.to_owned());
            }
        }
    }
    names
}

/// Every method with large values in the places where methods have parameters.
fn method_tries() -> Vec<Try> {
    let names = method_names();
    assert!(names.len() > 50, "the table was read: {names:?}");
    let mut tries = Vec::new();
    for name in names
        .iter()
        .filter(|name| !LEFT_OUT.contains(&name.as_str()))
    {
        for params in [
            json!([TEXT, TEXT, TEXT]),
            json!(["x", { "a": TEXT, "name": TEXT, "_id": TEXT }]),
            json!([LIST, LIST]),
            json!([{ "deep": DEEP }, [DEEP]]),
        ] {
            let message = json!({ "msg": "method", "id": "1", "method": name, "params": params });
            tries.push(Try {
                what: format!("method {name}"),
                method: Method::POST,
                path: "/api/v1/method.call/x".to_owned(),
                body: Some((
                    "application/json",
                    json!({ "message": message.to_string() }).to_string(),
                )),
            });
        }
    }
    tries
}

/// What somebody else sees, without what changes by itself.
async fn views(other: &Client, room: &str) -> Vec<Value> {
    let listed = |list: &Value, fields: &[&str]| -> Value {
        let one = |item: &Value| {
            fields
                .iter()
                .map(|field| item[*field].clone())
                .collect::<Value>()
        };
        let mut all: Vec<Value> = list.as_array().expect("a list").iter().map(one).collect();
        all.sort_by_key(ToString::to_string);
        Value::Array(all)
    };
    let mine = |list: &Value| -> Value {
        let mine = list
            .as_array()
            .expect("a list")
            .iter()
            .filter(|one| one["_id"] == room || one["rid"] == room);
        mine.cloned().collect()
    };
    let rooms = other.get("rooms.get").await.ok();
    let subscriptions = other.get("subscriptions.get").await.ok();
    let history = other
        .get(&format!("channels.history?roomId={room}&count=50"))
        .await
        .ok();
    let people = other
        .get("users.list?count=100&query=%7B%22username%22:%22other%22%7D")
        .await
        .ok();
    vec![
        listed(
            &mine(&rooms["update"]),
            &["_id", "name", "msgs", "usersCount", "topic"],
        ),
        listed(
            &mine(&subscriptions["update"]),
            &["rid", "name", "unread", "open"],
        ),
        listed(&history["messages"], &["_id", "msg"]),
        listed(&people["users"], &["_id", "username", "name"]),
    ]
}

#[tokio::test]
async fn large_values_in_every_field_are_refused_or_done_and_nothing_else_suffers() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (other, plain) = (admin.new_user("other").await, admin.new_user("plain").await);
    let victim = admin.new_user("victim").await;
    let made = async |client: &Client, name: &str| {
        let room = client
            .post("channels.create", json!({ "name": name }))
            .await
            .ok();
        room["channel"]["_id"].as_str().unwrap().to_owned()
    };
    let kept = made(&other, "kept").await;
    for number in 0..10 {
        let message = json!({ "rid": kept, "msg": format!("number {number}") });
        other
            .post("chat.sendMessage", json!({ "message": message }))
            .await
            .ok();
    }
    let room = made(&admin, "fuzzed").await;
    let message = json!({ "message": { "rid": room, "msg": "fuzzed" } });
    let message = admin.post("chat.sendMessage", message).await.ok();
    let usual = Usual {
        room,
        user: victim.user_id.clone(),
        message: message["message"]["_id"].as_str().unwrap().to_owned(),
    };
    let before = views(&other, &kept).await;
    let document = server.client().get("openapi.json").await.body;

    let watch = Watch::over(&server);
    let begin = std::time::Instant::now();
    // Most of what is refused is refused to both alike: somebody without rights tries some of it.
    for (client, every) in [(&plain, 4), (&admin, 1)] {
        let mut tries = tries(&document, &usual);
        tries.extend(method_tries());
        let tries: Vec<Try> = tries.into_iter().step_by(every).collect();
        assert!(tries.len() > 200, "{} tries", tries.len());
        let count = tries.len();
        let failures: Vec<String> = futures::stream::iter(tries)
            .map(|one| tried(client, one))
            .buffer_unordered(AT_A_TIME)
            .filter_map(std::future::ready)
            .collect()
            .await;
        assert!(
            failures.is_empty(),
            "{} of {count}:\n{}",
            failures.len(),
            failures.join("\n")
        );
        println!("{count} tries, {:?}", begin.elapsed());
    }
    watch.end(MEMORY).await;
    assert_eq!(
        views(&other, &kept).await,
        before,
        "somebody else sees what they saw"
    );
    let said = server.output();
    assert!(!said.contains("panicked"), "{said}");
}

/// What is wrong with the answer, if anything is.
async fn tried(client: &Client, one: Try) -> Option<String> {
    let body = one.body.map(|(kind, body)| (kind, with_large(&body)));
    match client.try_send(one.method, &one.path, body).await {
        Ok(answer) if !answer.status.is_server_error() => None,
        Ok(answer) => {
            let body: String = answer.body.to_string().chars().take(300).collect();
            Some(format!("{}: {} {body}", one.what, answer.status))
        }
        Err(error) => Some(format!("{}: {error}", one.what)),
    }
}
