//! E-mail inboxes: kept with sealed passwords, listed without them, and able to send.

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};
use tests::smtp::SmtpSink;

on_both_logs![inboxes_are_kept,];

const MASK: &str = "********";

fn inbox(name: &str, email: &str, smtp_port: u16) -> Value {
    let server = |port: u16, user: &str, password: &str| json!({"server": "127.0.0.1", "port": port, "username": user, "password": password, "secure": false});
    json!({
        "active": true, "name": name, "email": email, "description": "for questions", "senderInfo": "The desk",
        "department": "support", "smtp": server(smtp_port, "", "unused"), "imap": server(143, "imap user", "imap hush"),
    })
}

async fn add(admin: &Client, inbox: Value) -> String {
    let added = admin.post("email-inbox", inbox).await.ok();
    added["_id"].as_str().expect("an id").to_owned()
}

async fn delete(admin: &Client, id: &str) -> tests::client::Answer {
    let path = format!("/api/v1/email-inbox/{id}");
    admin.send(Method::DELETE, &path, None).await
}

async fn inboxes_are_kept(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let empty = admin.get("email-inbox.list").await.ok();
    assert_eq!(
        (&empty["emailInboxes"], &empty["total"], &empty["offset"]),
        (&json!([]), &json!(0), &json!(0))
    );
    let help = add(&admin, inbox("help", "Help@example.org", 25)).await;
    let sales = add(&admin, inbox("a sales desk", "sales@example.org", 25)).await;
    assert_ne!(help, sales);

    let one = admin.get(&format!("email-inbox/{help}")).await.ok();
    for (field, value) in [
        ("_id", json!(help)),
        ("active", json!(true)),
        ("name", json!("help")),
        ("email", json!("Help@example.org")),
        ("description", json!("for questions")),
        ("senderInfo", json!("The desk")),
        ("department", json!("support")),
        (
            "imap",
            json!({"server": "127.0.0.1", "port": 143, "username": "imap user", "password": MASK, "secure": false}),
        ),
        (
            "_createdBy",
            json!({"_id": admin.user_id, "username": "admin"}),
        ),
    ] {
        assert_eq!(one[field], value, "{field}");
    }
    assert!(one["_createdAt"].is_string() && one["_updatedAt"].is_string());
    assert_eq!(
        admin.get("email-inbox/nothing").await.ok(),
        json!({"success": true})
    );

    let list = admin.get("email-inbox.list?count=1").await.ok();
    assert_eq!((&list["count"], &list["total"]), (&json!(1), &json!(2)));
    assert_eq!(list["emailInboxes"][0]["name"], "a sales desk", "by name");
    let last = admin
        .get(r#"email-inbox.list?sort={"name":-1}&count=1"#)
        .await
        .ok();
    assert_eq!(last["emailInboxes"][0]["_id"], json!(help));

    let found = admin
        .get("email-inbox.search?email=help@example.org")
        .await
        .ok();
    assert_eq!(found["emailInbox"]["_id"], json!(help));
    let none = admin.get("email-inbox.search?email=x@y.z").await.ok();
    assert_eq!(none["emailInbox"], Value::Null);

    let mut changed = inbox("help desk", "help@example.org", 25);
    changed["_id"] = json!(help);
    changed["active"] = json!(false);
    let saved = admin.post("email-inbox", changed).await.ok();
    assert_eq!(saved["_id"], json!(help));
    let one = admin.get(&format!("email-inbox/{help}")).await.ok();
    assert_eq!(
        (&one["name"], &one["active"]),
        (&json!("help desk"), &json!(false))
    );

    let gone = delete(&admin, &help).await.ok();
    assert_eq!(gone["_id"], json!(help));
    let twice = delete(&admin, &help).await.refused(404);
    assert_eq!(twice["error"], "Resource not found");
    // The address is free again.
    add(&admin, inbox("again", "help@example.org", 25)).await;
}

#[tokio::test]
async fn what_an_inbox_must_be() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = add(&admin, inbox("help", "help@example.org", 25)).await;
    for field in [
        "active",
        "name",
        "email",
        "description",
        "senderInfo",
        "department",
        "smtp",
        "imap",
    ] {
        let mut incomplete = inbox("x", "x@example.org", 25);
        incomplete.as_object_mut().unwrap().remove(field);
        let refused = admin.post("email-inbox", incomplete).await.refused(400);
        let error = refused["error"].as_str().unwrap();
        assert!(
            error.starts_with("Match error") && error.contains(field),
            "{field}: {error}"
        );
    }
    let mut odd = inbox("x", "x@example.org", 25);
    odd["smtp"]["port"] = json!(70000);
    admin.post("email-inbox", odd).await.refused(400);
    for (wish, code) in [
        (inbox("x", "no address", 25), "error-invalid-email"),
        (
            inbox("x", "HELP@example.org", 25),
            "error-email-inbox-already-exists",
        ),
    ] {
        let refused = admin.post("email-inbox", wish).await.refused(400);
        assert_eq!(refused["errorType"], code);
    }
    let mut unknown = inbox("x", "x@example.org", 25);
    unknown["_id"] = json!("nothing");
    let refused = admin.post("email-inbox", unknown).await.refused(400);
    assert_eq!(refused["error"], "error-invalid-email-inbox");

    // A known password stays with its account: it is not sent to another server.
    let mut masked = inbox("help", "help@example.org", 25);
    masked["_id"] = json!(id);
    masked["imap"]["password"] = json!(MASK);
    admin.post("email-inbox", masked.clone()).await.ok();
    masked["imap"]["server"] = json!("imap.example.net");
    let refused = admin.post("email-inbox", masked).await.refused(400);
    assert_eq!(refused["errorType"], "error-password-required");

    let total = admin.get("email-inbox.list").await.ok()["total"].clone();
    assert_eq!(total, 1, "what was refused left nothing");
}

#[tokio::test]
async fn inboxes_are_for_those_who_manage_them() {
    let server = Server::start().await;
    let ann = server.admin().await.new_user("ann").await;
    for path in [
        "email-inbox.list",
        "email-inbox/x",
        "email-inbox.search?email=x",
    ] {
        let refused = ann.get(path).await.refused(400);
        assert_eq!(
            refused,
            json!({"success": false, "error": "error-not-allowed"}),
            "{path}"
        );
        server.client().get(path).await.refused(401);
    }
    for path in ["email-inbox", "email-inbox.send-test/x"] {
        let refused = ann.post(path, json!({})).await.refused(400);
        assert_eq!(refused["error"], "error-not-allowed", "{path}");
    }
    assert_eq!(
        delete(&ann, "x").await.refused(400)["error"],
        "error-not-allowed"
    );
}

#[tokio::test]
async fn an_inbox_sends_through_its_own_server() {
    let plain = SmtpSink::start();
    let secured = SmtpSink::with_tls("desk", "smtp hush");
    let server = ServerOptions::default()
        .env("FETCH_ALLOW", "127.0.0.1")
        .env("SSL_CERT_FILE", secured.authority().display().to_string())
        .start()
        .await;
    let admin = server.admin().await;
    let send = async |id: &str| {
        admin
            .post(&format!("email-inbox.send-test/{id}"), json!({}))
            .await
    };
    let help = add(&admin, inbox("help", "help@example.org", plain.port())).await;
    let sent = send(&help).await.ok();
    assert_eq!(sent["_id"], json!(help));
    let mail = plain
        .wait_for("admin@example.org", "inbox help sends")
        .await;
    assert!(
        mail.header("From").contains("The desk <help@example.org>")
            || mail
                .header("From")
                .contains("\"The desk\" <help@example.org>"),
        "{}",
        mail.source
    );

    let mut safe = inbox("safe", "safe@example.org", secured.port());
    safe["smtp"]["username"] = json!("desk");
    safe["smtp"]["password"] = json!("smtp hush");
    let safe = add(&admin, safe).await;
    send(&safe).await.ok();
    secured
        .wait_for("admin@example.org", "inbox safe sends")
        .await;

    let mut wrong = inbox("wrong", "wrong@example.org", secured.port());
    wrong["smtp"]["username"] = json!("desk");
    wrong["smtp"]["password"] = json!("a guess");
    let wrong = add(&admin, wrong).await;
    let refused = send(&wrong).await.refused(400);
    assert_eq!(refused["errorType"], "error-email-send-failed");
    assert!(!refused.to_string().contains("a guess"), "{refused}");
    let unknown = send("nothing").await.refused(404);
    assert_eq!(unknown["error"], "Resource not found");
}

#[tokio::test]
async fn an_inbox_does_not_reach_behind_the_firewall() {
    let sink = SmtpSink::start();
    let server = Server::start().await;
    let admin = server.admin().await;
    for host in ["127.0.0.1", "localhost", "10.0.0.1"] {
        let mut wish = inbox(host, &format!("x@{host}.example.org"), sink.port());
        wish["smtp"]["server"] = json!(host);
        let id = add(&admin, wish).await;
        let path = format!("email-inbox.send-test/{id}");
        let refused = admin.post(&path, json!({})).await.refused(400);
        assert_eq!(refused["errorType"], "error-email-send-failed");
        assert!(
            refused["error"]
                .as_str()
                .unwrap()
                .contains("must not be reached"),
            "{refused}"
        );
    }
    assert!(sink.mails().is_empty());
}

#[tokio::test]
async fn passwords_of_inboxes_are_nowhere_in_the_clear() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    add(&admin, inbox("help", "help@example.org", 25)).await;
    server.stop().await;
    let mut searched = 0;
    for entry in walk(&server.data()) {
        let bytes = std::fs::read(&entry).unwrap();
        searched += bytes.len();
        let found = bytes.windows(9).any(|window| window == b"imap hush");
        assert!(!found, "{}", entry.display());
    }
    assert!(searched > 10_000, "there is a log to search: {searched}");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}
