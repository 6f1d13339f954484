//! What is taken out of a room: a stretch of it as a file, some of its messages by mail.

use std::io::Read as _;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::live::Live;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};
use tests::smtp::SmtpSink;

use super::{create, people};

on_both_logs![
    a_stretch_of_a_room_becomes_a_file,
    messages_are_mailed_to_users_and_addresses,
];

const NOBODY_HEARS: Duration = Duration::from_secs(20);

async fn say(client: &Client, room: &str, text: &str) -> String {
    let message = json!({"message": {"rid": room, "msg": text}});
    let said = client.post("chat.sendMessage", message).await.ok();
    said["message"]["_id"].as_str().unwrap().to_owned()
}

/// The id of the next file that is ready.
async fn ready(live: &mut Live) -> String {
    while let Some(update) = live.next_update(NOBODY_HEARS).await {
        if update["kind"] == json!("data-export-ready") {
            return update["data"]["export"].as_str().unwrap().to_owned();
        }
    }
    panic!("no file was made");
}

/// The one file in the archive: its name and what is in it.
async fn fetched(client: &Client, export: &str) -> (String, String) {
    let headers = [
        ("X-User-Id", client.user_id.as_str()),
        ("X-Auth-Token", client.token.as_str()),
    ];
    let path = format!("/data-export/{export}");
    let archive = client.load(Method::GET, &path, &headers).await;
    assert_eq!(archive.header("content-type"), "application/zip");
    let name = archive.header("content-disposition");
    assert_eq!(name, format!("attachment; filename=\"room-{export}.zip\""));
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive.bytes)).unwrap();
    assert_eq!(archive.len(), 1);
    let mut file = archive.by_index(0).unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    (file.name().unwrap().into_owned(), text)
}

async fn a_stretch_of_a_room_becomes_a_file(options: ServerOptions) {
    let sink = SmtpSink::start();
    let server = sink.configure(options).start().await;
    let (admin, alice, bob) = people(&server).await;
    let room = create(&admin, "groups", "plans", &["alice"]).await;
    say(&admin, &room, "<b>first</b>").await;
    let gone = say(&alice, &room, "thought better").await;
    let wish = json!({"roomId": room, "msgId": gone});
    alice.post("chat.delete", wish).await.ok();
    say(&alice, &room, "last").await;
    say(&alice, "GENERAL", "elsewhere").await;

    let mut live = Live::connect(&server, &admin, None).await;
    live.send(&json!({"subscribe": {"self": true}})).await;
    live.answer("ready").await;
    let today = jiff::Timestamp::now().to_string()[..10].to_owned();
    let wish =
        json!({"rid": room, "type": "file", "format": "json", "dateFrom": today, "dateTo": today});
    let answer = admin.post("rooms.export", wish).await.ok();
    assert_eq!(answer, json!({"success": true}));
    let export = ready(&mut live).await;
    let (name, text) = fetched(&admin, &export).await;
    assert_eq!(name, "messages.json");
    let said: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said: Vec<_> = said.iter().map(|one| one["msg"].clone()).collect();
    assert_eq!(said, [json!("<b>first</b>"), json!("last")]);
    let address = admin.get("me").await.ok()["emails"][0]["address"].clone();
    let mail = sink.wait_for(address.as_str().unwrap(), "plans").await;
    assert_eq!(mail.link("/data-export/"), format!("/data-export/{export}"));

    // Nobody else gets it, members neither; it is no copy of one's own data.
    for other in [&alice, &bob, &server.client()] {
        let path = format!("/data-export/{export}");
        other.send(Method::GET, &path, None).await.refused(403);
    }
    let own = admin.get("users.requestDataDownload").await.ok();
    assert_eq!(own["requested"], json!(true));

    let wish = json!({"rid": room, "type": "file", "format": "html"});
    admin.post("rooms.export", wish).await.ok();
    ready(&mut live).await; // That of one's own data.
    let (name, page) = fetched(&admin, &ready(&mut live).await).await;
    assert_eq!(name, "messages.html");
    assert!(page.contains("&lt;b&gt;first&lt;/b&gt;") && page.contains("@alice"));
    assert!(!page.contains("thought better") && !page.contains("elsewhere"));

    // What was said on other days is not in it.
    let wish = json!({"rid": room, "type": "file", "format": "json", "dateTo": "2020-02-02"});
    admin.post("rooms.export", wish).await.ok();
    let (_, text) = fetched(&admin, &ready(&mut live).await).await;
    assert_eq!(text, "");
}

async fn messages_are_mailed_to_users_and_addresses(options: ServerOptions) {
    let sink = SmtpSink::start();
    let server = sink.configure(options).start().await;
    let (admin, alice, _bob) = people(&server).await;
    let room = create(&admin, "groups", "plans", &["alice"]).await;
    let first = say(&admin, &room, "first\nAda: forged").await;
    let second = say(&alice, &room, "second").await;
    say(&alice, &room, "unsent").await;
    let gone = say(&alice, &room, "gone").await;
    let delete = json!({"roomId": room, "msgId": gone});
    alice.post("chat.delete", delete).await.ok();
    let sealed = json!({"message": {"rid": room, "msg": "cipher", "t": "e2e"}});
    let sealed = alice.post("chat.sendMessage", sealed).await.ok();
    let sealed = sealed["message"]["_id"].clone();
    let elsewhere = say(&alice, "GENERAL", "elsewhere").await;
    let wish = json!({
        "rid": room, "type": "email", "subject": "Our plans\r\nBcc: eve@example.org",
        "toUsers": ["ALICE", "nobody", "alice"],
        "toEmails": ["carol@example.net", " CAROL@example.net"],
        "messages": [second, first, elsewhere, "none", first, gone, sealed],
    });
    let answer = admin.post("rooms.export", wish).await.ok();
    assert_eq!(answer, json!({"missing": ["nobody"], "success": true}));
    for to in ["alice@example.org", "carol@example.net"] {
        let mail = sink.wait_for(to, "Our plans").await;
        assert_eq!(mail.subject, "Our plans Bcc: eve@example.org", "no header");
        assert!(mail.header("Bcc").is_empty());
        let place = |text: &str| mail.text.find(text);
        assert!(place("> second") < place("> first"), "{}", mail.text);
        assert!(place("> Ada: forged").is_some(), "{}", mail.text);
        assert!(place("> (encrypted)").is_some(), "{}", mail.text);
        for other in ["elsewhere", "unsent", "gone", "cipher"] {
            assert!(!mail.source.contains(other), "{other}: {}", mail.source);
        }
    }
    // Without a subject it has one; whoever has no address is named, and nothing is mailed to nobody.
    let wish =
        |users: Value| json!({"rid": room, "type": "email", "toUsers": users, "messages": [first]});
    let answer = admin.post("rooms.export", wish(json!(["nobody"]))).await;
    assert_eq!(answer.ok()["missing"], json!(["nobody"]));
    admin
        .post("rooms.export", wish(json!(["alice"])))
        .await
        .ok();
    sink.wait_for("alice@example.org", "messages of plans")
        .await;
    assert_eq!(sink.mails().len(), 3);
}

#[tokio::test]
async fn each_wrong_wish_is_refused_in_its_own_words() {
    let sink = SmtpSink::start();
    let server = sink.server().start().await;
    let (admin, alice, bob) = people(&server).await;
    let mine = create(&admin, "groups", "mine", &[]).await;
    let theirs = create(&alice, "groups", "theirs", &[]).await;
    let public = create(&alice, "channels", "public", &[]).await;
    let first = say(&admin, &mine, "first").await;
    let elsewhere = say(&admin, "GENERAL", "elsewhere").await;
    let rows = [
        (json!({}), "error-invalid-params"),
        (json!({"type": "file"}), "error-invalid-params"),
        (json!({"rid": mine}), "error-invalid-params"),
        (
            json!({"rid": mine, "type": "letter"}),
            "error-invalid-params",
        ),
        (json!({"rid": "none", "type": "file"}), "error-invalid-room"),
        (json!({"rid": theirs, "type": "file"}), "error-not-allowed"),
        (json!({"rid": mine, "type": "file"}), "error-invalid-format"),
        (
            json!({"rid": mine, "type": "file", "format": "pdf"}),
            "error-invalid-format",
        ),
        (
            json!({"rid": mine, "type": "file", "format": "html", "dateFrom": "soon"}),
            "error-invalid-params",
        ),
        (
            json!({"rid": mine, "type": "file", "format": "html", "dateFrom": "2026-02-02", "dateTo": "2026-02-01"}),
            "error-invalid-params",
        ),
        (
            json!({"rid": mine, "type": "email", "messages": [first]}),
            "error-invalid-recipient",
        ),
        (
            json!({"rid": mine, "type": "email", "toUsers": vec!["bob"; 51], "messages": [first]}),
            "error-invalid-recipient",
        ),
        (
            json!({"rid": mine, "type": "email", "toUsers": ["bob"]}),
            "error-invalid-messages",
        ),
        (
            json!({"rid": mine, "type": "email", "toUsers": ["bob"], "messages": [elsewhere]}),
            "error-invalid-messages",
        ),
        (
            json!({"rid": mine, "type": "email", "toUsers": ["bob"], "messages": vec![first.as_str(); 101]}),
            "error-invalid-messages",
        ),
    ];
    for (wish, code) in rows {
        let answer = admin.post("rooms.export", wish.clone()).await.refused(400);
        assert_eq!(answer["errorType"], json!(code), "{wish}");
    }
    for address in [
        "carol",
        "carol@example.net\r\nBcc: eve@example.org",
        "<carol@example.net>",
    ] {
        let wish =
            json!({"rid": mine, "type": "email", "toEmails": [address], "messages": [first]});
        let answer = admin.post("rooms.export", wish).await.refused(400);
        assert_eq!(
            answer,
            json!({"error": "error-invalid-email", "success": false})
        );
    }
    // Without the right: the same whether the room is one's own, somebody else's, or not there.
    for (who, room) in [
        (&alice, &theirs),
        (&alice, &public),
        (&bob, &theirs),
        (&bob, &"none".to_owned()),
    ] {
        for kind in ["file", "email"] {
            let wish = json!({"rid": room, "type": kind});
            let answer = who.post("rooms.export", wish).await.refused(400);
            assert_eq!(
                answer["error"],
                json!("Mailing is not allowed [error-action-not-allowed]")
            );
        }
    }
    assert!(sink.mails().is_empty());
    // Held in the room, it is a right there.
    let grant = json!({"permissions": [{"_id": "mail-messages", "roles": ["admin", "owner"]}]});
    admin.post("permissions.update", grant).await.ok();
    let wish = json!({"rid": theirs, "type": "file", "format": "html"});
    alice.post("rooms.export", wish.clone()).await.ok();
    bob.post("rooms.export", wish).await.refused(400);
    server
        .client()
        .post("rooms.export", json!({}))
        .await
        .refused(401);
}

#[tokio::test]
async fn nothing_is_asked_for_that_cannot_be_had() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let first = say(&admin, "GENERAL", "first").await;
    let wish = json!({"rid": "GENERAL", "type": "email", "toEmails": ["carol@example.net"], "messages": [first]});
    let answer = admin.post("rooms.export", wish).await.refused(400);
    assert_eq!(
        answer["error"],
        json!("SMTP is not configured [error-email-send-failed]")
    );
    let off = json!({"value": false});
    admin
        .post("settings/UserData_EnableDownload", off)
        .await
        .ok();
    let wish = json!({"rid": "GENERAL", "type": "file", "format": "html"});
    let answer = admin.post("rooms.export", wish).await.refused(400);
    assert_eq!(answer["errorType"], json!("error-not-allowed"));
}
