//! What must not be read in the record by anybody, in any format.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use eventstore::{Filter, Position};
use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::client::Client;
use tests::method::method;
use tests::server::{ADMIN_PASSWORD, Server};
use totp_rs::{Builder, Secret};

use crate::{auditor, everything, hansard_log, path};

const FORMATS: [&str; 5] = ["table", "json", "ndjson", "msgpack", "csv"];

/// The events that are to hold secrets, and the fields they are in.
const FIELDS: [(&str, &str); 8] = [
    ("UserCreated", "password"),
    ("PasswordChanged", "password"),
    ("TokenIssued", "hash"),
    ("PersonalTokenIssued", "hash"),
    ("PersonalTokenIssued", "last_part"),
    ("TotpPrepared", "secret"),
    ("TotpEnabled", "backup_codes"),
    ("SettingChanged", "sealed"),
];

async fn enrol(client: &Client) -> Vec<String> {
    let shown = method(client, "2fa:enable", json!([])).await;
    let secret = shown["result"]["secret"].as_str().unwrap().to_owned();
    let key = Secret::try_from_base32(&secret).unwrap();
    let totp = Builder::new().with_secret(key).build().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let code = totp.generate(now.as_secs()).to_string();
    let codes = method(client, "2fa:validateTempToken", json!([code])).await;
    let codes = codes["result"]["codes"].as_array().unwrap();
    let codes = codes.iter().filter_map(Value::as_str).map(str::to_owned);
    codes.chain([secret]).collect()
}

/// Makes a secret of each kind; what people know of them.
async fn make_secrets(server: &Server) -> Vec<String> {
    let admin = server.admin().await;
    let account = json!({"username": "ann", "name": "Ann", "email": "ann@example.org",
                         "password": "first of three words"});
    admin.post("users.create", account).await.ok();
    let ann = server.client().login("ann", "first of three words").await;
    let named = json!({"tokenName": "bot"});
    let personal = ann.post("users.generatePersonalAccessToken", named).await;
    let personal = personal.ok()["token"].as_str().unwrap().to_owned();
    let new = json!({"userId": ann.user_id, "data": {"password": "another long password"}});
    admin.post("users.update", new).await.ok();
    let bob = admin.new_user("bob").await;
    let mut known = enrol(&bob).await;
    let setting = json!({"value": "the password of the mail server"});
    admin.post("settings/SMTP_Password", setting).await.ok();
    known.extend([
        admin.token.clone(),
        ann.token,
        bob.token,
        personal,
        ADMIN_PASSWORD.to_owned(),
        "first of three words".to_owned(),
        "another long password".to_owned(),
        "the password of the mail server".to_owned(),
    ]);
    known
}

/// The texts in a value, wherever they stand.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => vec![],
    }
}

/// The secrets as the log itself has them: hashed or sealed.
async fn recorded(server: &Server) -> Vec<String> {
    let log = tests::log::open(server).await;
    let mut chunks = log.read_all(Position::START, Filter::default());
    let mut found = Vec::new();
    let mut met = BTreeSet::new();
    while let Some(chunk) = chunks.next().await {
        for event in chunk.unwrap().iter() {
            let data: Value = rmp_serde::from_slice(&event.data).unwrap();
            for (event_type, field) in FIELDS {
                if event.event_type.as_str() == event_type && !data[field].is_null() {
                    met.insert((event_type, field));
                    found.extend(texts(&data[field]));
                }
            }
        }
    }
    drop(chunks);
    log.close().await;
    assert_eq!(met, BTreeSet::from(FIELDS), "the secrets that are recorded");
    found
}

/// How a secret could be recognised: itself, and its digest as it is usually written.
fn traces(secret: &str) -> [String; 4] {
    let digest = Sha256::digest(secret);
    [
        secret.to_owned(),
        STANDARD.encode(digest),
        URL_SAFE_NO_PAD.encode(digest),
        tests::sha256(secret),
    ]
}

fn holds(shown: &[u8], text: &str) -> bool {
    shown
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn secrets_are_in_no_format() {
    let mut server = Server::start().await;
    let mut secrets: Vec<String> = make_secrets(&server).await;
    server.stop().await;
    secrets.extend(recorded(&server).await);
    server.restart().await;
    let admin = server.admin().await;
    crate::show_private_rooms(&admin, true).await;
    let eve = auditor(&admin, "eve").await;
    let all = everything(&eve).await;
    let to = all.last().unwrap()["position"].to_string();
    assert!(all.len() < 1000, "one page shows everything");
    for format in FORMATS {
        let question = [("to", &*to), ("limit", "1000"), ("format", format)];
        let headers = [("X-User-Id", &*eve.user_id), ("X-Auth-Token", &*eve.token)];
        let address = path("/audit/events", &question);
        let over_rest = eve.load(Method::GET, &address, &headers).await;
        assert_eq!(over_rest.status, 200, "{format}");
        let arguments = ["--to", &to, "--format", format];
        let printed = hansard_log(&server, &arguments).await.stdout;
        for (door, shown) in [("REST", &over_rest.bytes), ("the command line", &printed)] {
            // A look at something else would find no secrets either.
            let event = if format == "table" {
                "authenticator"
            } else {
                "PersonalTokenIssued"
            };
            assert!(holds(shown, event), "{door}, {format}: {event} is shown");
            assert!(!holds(shown, "$argon2"), "{door}, {format}: a hash");
            for secret in &secrets {
                for trace in traces(secret) {
                    // Short ones are found anywhere.
                    let found = trace.len() >= 6 && holds(shown, &trace);
                    assert!(!found, "{door}, {format}: {trace} is shown");
                }
            }
        }
    }
}
