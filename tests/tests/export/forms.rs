//! Each form, read by other programs; and names and texts that would do harm if they could.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{ADMIN_PASSWORD, Server, ServerOptions};

use crate::{Exports, delete, edit, exported, head, say};

on_both_logs![events_are_those_of_the_record];

/// Texts that are something else to whoever does not take care.
const HOSTILE: [&str; 9] = [
    "=cmd|' /C calc'!A0",
    "@SUM(A1:A9)",
    "commas, \"quotes\" and 'apostrophes'",
    "two\nlines\r\nor three",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</pre></article><h1>forged</h1>",
    "Subject: forged\r\nBcc: eve@example.org\r\n\r\nforged",
    "\u{1b}[2J\u{202e}gpj.exe\u{0}",
    "ünï漢字👩\u{200d}👧",
];

async fn attach(client: &Client, room: &str, name: &str) {
    let attachment =
        json!({"title": name, "title_link": "https://files.example.org/\"><script>", "text": name});
    let body = json!({"roomId": room, "text": "see", "attachments": [attachment]});
    client.post("chat.postMessage", body).await.ok();
}

/// A room with texts, names and files that would do harm, edits, a deletion, a reaction, and people who come and go.
async fn workspace(server: &Server) -> (Client, String) {
    let admin = server.admin().await;
    let bob = admin.new_user("bob").await;
    let wish = json!({"name": "harm", "members": ["bob"]});
    let body = admin.post("channels.create", wish).await.ok();
    let room = body["channel"]["_id"].as_str().unwrap().to_owned();
    for text in HOSTILE {
        say(&bob, &room, text).await;
    }
    for name in [
        "../../etc/passwd",
        "C:\\nul",
        "a\r\nContent-Type: text/html",
    ] {
        attach(&bob, &room, name).await;
    }
    let topic = json!({"roomId": room, "topic": HOSTILE[4]});
    admin.post("channels.setTopic", topic).await.ok();
    let message = say(&bob, &room, "we meet at ten").await;
    edit(&bob, &room, &message, "we meet at nine").await;
    let reaction = json!({"messageId": message, "emoji": ":smile:"});
    admin.post("chat.react", reaction).await.ok();
    let gone = say(&bob, &room, "a slip").await;
    delete(&admin, &room, &gone).await;
    let leave = json!({"roomId": room});
    bob.post("channels.leave", leave).await.ok();
    (admin, room)
}

async fn events_are_those_of_the_record(options: ServerOptions) {
    let mut server = options.start().await;
    let (admin, _) = workspace(&server).await;
    let to = head(&admin).await;
    let path = format!("/audit/events?limit=1000&to={to}");
    let shown = admin.send(reqwest::Method::GET, &path, None).await.ok();
    let shown = shown["events"].as_array().unwrap().clone();
    assert!(shown.len() > 40, "there is something to export");
    let exports = Exports::new();
    let arguments = ["--all", "--to", &to, "--format", "ndjson"];
    let with_server = exports.folder("with");
    let found = exported(&server, &arguments, &with_server).await;
    assert_eq!(found["events"], json!(shown), "the same as over REST");
    let manifest = &found["manifest"];
    assert_eq!(manifest["results"], json!(shown.len()));
    assert_eq!(manifest["last_position"].to_string(), to);
    assert_eq!(manifest["question"], json!({"to": to}));
    server.stop().await;
    let without_server = exports.folder("without");
    let again = exported(&server, &arguments, &without_server).await;
    assert_eq!(again["events"], found["events"], "without a server");

    let arguments = ["--all", "--to", &to, "--format", "csv"];
    let found = exported(&server, &arguments, &exports.folder("csv")).await;
    let rows = found["events"].as_array().unwrap();
    assert_eq!(rows.len(), shown.len(), "a row for each event");
    for (row, event) in rows.iter().zip(&shown) {
        let data: Value = serde_json::from_str(row["data"].as_str().unwrap()).unwrap();
        assert_eq!(data, event["data"], "{row}");
        assert_eq!(
            row["position"].as_str(),
            Some(&*event["position"].to_string())
        );
        assert_eq!(row["time"], event["time"]);
    }
}

#[tokio::test]
async fn what_is_asked_for_is_exported_and_nothing_else() {
    let server = Server::start().await;
    let (admin, room) = workspace(&server).await;
    say(&admin, "GENERAL", "elsewhere").await;
    let exports = Exports::new();
    let of_room = ["--room", "harm", "--format", "ndjson"];
    let found = exported(&server, &of_room, &exports.folder("room")).await;
    let events = found["events"].as_array().unwrap();
    assert!(events.len() > 20, "what happened there");
    for event in events {
        assert_eq!(event["room"]["id"], json!(room), "{event}");
    }
    let of_user = ["--user", "bob", "--from", "1", "--format", "ndjson"];
    let found = exported(&server, &of_user, &exports.folder("user")).await;
    let texts = found["events"].to_string();
    assert!(texts.contains("a slip"), "what bob wrote");
    assert!(!texts.contains("elsewhere"), "not what others wrote");
}

/// The lines of all pages of conversations, in the order of the pages.
fn articles(found: &Value) -> Vec<(String, String)> {
    let pages = found["pages"].as_object().unwrap();
    let articles = pages
        .values()
        .flat_map(|page| page["articles"].as_array().unwrap());
    let text = |article: &Value, field: &str| article[field].as_str().unwrap().to_owned();
    articles
        .map(|one| (text(one, "kind"), text(one, "text")))
        .collect()
}

#[tokio::test]
async fn pages_show_everything_and_run_nothing() {
    let server = Server::start().await;
    workspace(&server).await;
    let exports = Exports::new();
    let arguments = ["--room", "harm", "--format", "html"];
    let found = exported(&server, &arguments, &exports.folder("html")).await;
    let articles = articles(&found);
    for text in HOSTILE {
        let shown = text
            .replace("\r\n", "\n")
            .replace('\u{1b}', "\\u{1b}")
            .replace('\0', "\\u{0}");
        let there = articles.iter().any(|(_, told)| told.contains(&shown));
        assert!(there, "{text:?} is shown as it was written: {articles:#?}");
    }
    let one = |wanted: &str| {
        let mut all = articles.iter().filter(|(_, told)| told.contains(wanted));
        let (kind, told) = all
            .next()
            .unwrap_or_else(|| panic!("{wanted} is told: {articles:#?}"));
        (kind.clone(), told.clone())
    };
    let (kind, edited) = one("we meet at ten");
    assert_eq!(kind, "message");
    for part in [
        "edited by bob",
        "we meet at nine",
        "admin",
        "reacted with :smile:",
    ] {
        assert!(
            edited.contains(part),
            "{part} stands with the message: {edited}"
        );
    }
    assert!(one("a slip").1.contains("deleted it; nothing remains"));
    assert_eq!(one("bob left").0, "happening");
    assert!(one("../../etc/passwd").1.contains("attached"));
    let struck = found["pages"].as_object().unwrap().values();
    let struck: Vec<_> = struck
        .flat_map(|page| page["struck"].as_array().unwrap())
        .collect();
    assert_eq!(
        struck,
        ["we meet at ten", "a slip"],
        "what no longer stands"
    );
}

#[tokio::test]
async fn private_rooms_are_exported_only_if_they_are_shown() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let body = admin
        .post("groups.create", json!({"name": "board"}))
        .await
        .ok();
    let room = body["group"]["_id"].as_str().unwrap().to_owned();
    say(&admin, &room, "a takeover").await;
    let exports = Exports::new();
    for format in ["ndjson", "csv", "html", "eml", "rsmf"] {
        let arguments = ["--all", "--format", format];
        let without = exported(
            &server,
            &arguments,
            &exports.folder(&format!("{format}-without")),
        )
        .await;
        assert!(
            !without.to_string().contains("takeover"),
            "{format}: hidden"
        );
        let left_out = without["manifest"]["left_out"].to_string();
        assert!(left_out.contains("private rooms"), "{format}: said so");
        let arguments = ["--all", "--format", format, "--private-rooms"];
        let with = exported(
            &server,
            &arguments,
            &exports.folder(&format!("{format}-with")),
        )
        .await;
        assert!(with.to_string().contains("takeover"), "{format}: shown");
    }
}

/// Where a mail goes to, or comes from.
fn addresses(mail: &Value, header: &str) -> Vec<String> {
    let people = mail["people"][header].as_array().unwrap().iter();
    people
        .map(|one| one[1].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_day_of_a_conversation_is_one_mail() {
    let server = Server::start().await;
    workspace(&server).await;
    let exports = Exports::new();
    let arguments = ["--room", "harm", "--format", "eml"];
    let found = exported(&server, &arguments, &exports.folder("eml")).await;
    let mails: Vec<_> = found["mails"].as_object().unwrap().values().collect();
    let [mail] = mails[..] else {
        panic!("one mail, unless midnight came: {mails:#?}");
    };
    let subject = mail["subject"].as_str().unwrap();
    assert!(
        subject.starts_with("#harm, 20") && subject.ends_with(" (UTC)"),
        "{subject}"
    );
    let both = [addresses(mail, "from"), addresses(mail, "to")].concat();
    assert!(
        both.contains(&"admin@example.org".to_owned()),
        "the address of an account: {both:?}"
    );
    assert!(
        both.iter().any(|address| address.starts_with("bob@")),
        "{both:?}"
    );
    let text = mail["text"].as_str().unwrap().replace("\r\n", "\n");
    for wanted in [
        "  | we meet at ten\n",
        "  | we meet at nine\n",
        "admin reacted with :smile:",
        "  | a slip\n",
        "deleted it; nothing remains",
        "bob left",
        "  | Bcc: eve@example.org\n",
    ] {
        assert!(text.contains(wanted), "{wanted:?} is in {text}");
    }
    let again = exported(&server, &arguments, &exports.folder("again")).await;
    let ids = |found: &Value| -> Vec<Value> {
        found["mails"]
            .as_object()
            .unwrap()
            .values()
            .map(|mail| mail["message_id"].clone())
            .collect()
    };
    assert_eq!(ids(&found), ids(&again), "the same mail has the same id");
}

#[tokio::test]
async fn short_messages_are_what_the_format_says() {
    let server = Server::start().await;
    let (admin, room) = workspace(&server).await;
    let parent = say(&admin, &room, "a question").await;
    let reply = json!({"message": {"rid": room, "msg": "an answer", "tmid": parent}});
    admin.post("chat.sendMessage", reply).await.ok();
    let exports = Exports::new();
    let arguments = ["--room", "harm", "--format", "rsmf"];
    let found = exported(&server, &arguments, &exports.folder("rsmf")).await;
    let files: Vec<_> = found["files"].as_object().unwrap().values().collect();
    let [file] = files[..] else {
        panic!("one file, unless midnight came: {files:#?}");
    };
    let rsmf = &file["rsmf"];
    assert_eq!(rsmf["conversations"][0]["display"], "#harm");
    assert_eq!(rsmf["conversations"][0]["type"], "channel");
    let events = rsmf["events"].as_array().unwrap();
    let said = |body: &str| {
        let mut all = events.iter().filter(|event| event["body"] == body);
        all.next()
            .unwrap_or_else(|| panic!("{body:?} is among {events:#?}"))
    };
    for text in HOSTILE {
        said(text);
    }
    let edited = said("we meet at nine");
    assert_eq!(edited["edits"][0]["previous"], "we meet at ten");
    assert_eq!(edited["reactions"][0]["value"], "smile");
    assert_eq!(edited["reactions"][0]["count"], 1);
    assert_eq!(said("a slip")["deleted"], true);
    assert_eq!(said("an answer")["parent"], json!(parent));
    let leaving = events.iter().filter(|event| event["type"] == "leave");
    assert_eq!(leaving.count(), 1, "bob left");
}

#[tokio::test]
async fn secrets_are_in_no_form() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let digest = STANDARD.encode(Sha256::digest(&admin.token));
    let secrets = [&*admin.token, &digest, ADMIN_PASSWORD];
    say(&admin, "GENERAL", "no secret").await;
    let exports = Exports::new();
    for format in ["ndjson", "csv", "html", "eml", "rsmf"] {
        let folder = exports.folder(format);
        let arguments = ["--all", "--private-rooms", "--format", format];
        let found = exported(&server, &arguments, &folder).await;
        let told = found.to_string();
        assert!(told.contains("no secret"), "{format}: something is there");
        for secret in secrets {
            assert!(!told.contains(secret), "{format}: {secret}");
        }
        let events = found["events"].to_string();
        let of_events = matches!(format, "ndjson" | "csv");
        assert_eq!(
            events.contains("(withheld)"),
            of_events,
            "{format}: what stands in their place"
        );
    }
}
