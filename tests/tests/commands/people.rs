//! Commands about people: writing to somebody, and one's own status.

use serde_json::{Value, json};
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use super::{guest, people, set, told};

on_both_logs![somebody_is_written_to];

async fn somebody_is_written_to(options: ServerOptions) {
    let server = options.start().await;
    let (admin, mut alice, mut bob) = people(&server).await;
    alice.types("GENERAL", "msg @bob  hello there", &[]).await;
    let talk = bob.client.post("im.create", json!({"username": "alice"}));
    let talk = talk.await.ok()["room"]["_id"].as_str().unwrap().to_owned();
    bob.types("GENERAL", "msg alice hello\nyourself", &[]).await;
    let history = alice.history("im", &talk).await;
    assert_eq!(
        history,
        [told("", "hello there"), told("", "hello\nyourself")]
    );
    let wanted = "Name somebody and say something: `@somebody` and a text.";
    for line in ["msg", "msg @bob", "msg @bob ", "msg @ hello"] {
        alice.types("GENERAL", line, &[wanted]).await;
    }
    let nobody = "There is nobody called `@nobody`.";
    alice.types("GENERAL", "msg @nobody hello", &[nobody]).await;
    let block = json!({"roomId": talk, "block": true});
    bob.client.post("im.blockUser", block).await.ok();
    let blocked = "This conversation is blocked.";
    alice
        .types("GENERAL", "msg @bob still there?", &[blocked])
        .await;
    let mut gregor = guest(&server, &admin).await;
    let general = json!({"roomId": "GENERAL", "username": "gregor"});
    admin.client.post("channels.invite", general).await.ok();
    gregor
        .types("GENERAL", "msg @bob hello", &["Not allowed"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_says_what_one_is_up_to() {
    let server = Server::start().await;
    let (admin, mut alice, bob) = people(&server).await;
    let status = async || {
        let user = json!([alice.client.user_id]);
        tests::method::method(&bob.client, "getUserStatusText", user).await["result"].clone()
    };
    assert_eq!(status().await, "");
    let changed = "Your status text is changed.";
    let mut typist = super::Person::new(&server, alice.client.clone()).await;
    typist
        .types("GENERAL", "status at the beehive", &[changed])
        .await;
    assert_eq!(status().await, "at the beehive");
    let long = format!("status {}", "é".repeat(200));
    typist.types("GENERAL", &long, &[changed]).await;
    assert_eq!(status().await, json!("é".repeat(120)));
    set(
        &admin,
        "Accounts_AllowUserStatusMessageChange",
        Value::Bool(false),
    )
    .await;
    let off = "The status text is not changed in this workspace.";
    typist.types("GENERAL", "status asleep", &[off]).await;
    assert_eq!(status().await, json!("é".repeat(120)));
    alice
        .is_told("GENERAL", "both sockets", &[changed, changed, off])
        .await;
}
