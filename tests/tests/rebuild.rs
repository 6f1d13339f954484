//! `hansard projections` and `/audit/projections`: the views looked after, with a server and without.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::process::{Child, Output, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::server::Server;
use tests::tables;

/// So slow that a rebuild does not end while a test looks at it.
const SLOW: &str = "2";

/// A server with enough in its log.
async fn busy() -> Server {
    let server = Server::start().await;
    let admin = server.admin().await;
    for number in 0..150 {
        let body = json!({"roomId": "GENERAL", "text": format!("message {number}")});
        admin.post("chat.postMessage", body).await.ok();
    }
    server
}

fn command(server: &Server, arguments: &[&str]) -> std::process::Command {
    let mut command = server.command(&server.data());
    command.arg("projections").args(arguments);
    command
}

async fn output(server: &Server, arguments: &[&str]) -> Output {
    let mut command = command(server, arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    output.await.unwrap()
}

/// What a command prints that must succeed.
async fn said(server: &Server, arguments: &[&str]) -> String {
    let output = output(server, arguments).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}{complaint}");
    said
}

fn begin(server: &Server, arguments: &[&str]) -> Child {
    let mut command = command(server, arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

async fn get(client: &Client, path: &str) -> Answer {
    client.send(Method::GET, path, None).await
}

async fn post(client: &Client, path: &str, body: Value) -> Answer {
    let body = ("application/json", body.to_string());
    client.send(Method::POST, path, Some(body)).await
}

async fn status(client: &Client) -> Value {
    get(client, "/audit/projections").await.ok()["status"].clone()
}

/// Waits until the status is as wanted.
async fn until(client: &Client, what: &str, good: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..1500 {
        let status = status(client).await;
        if good(&status) {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}: {}", status(client).await);
}

fn damage(server: &Server, sql: &str) {
    let folder = server.data().join("views");
    let name = std::fs::read_to_string(folder.join("views.current")).unwrap();
    let conn = rusqlite::Connection::open(folder.join(name.trim())).unwrap();
    conn.busy_timeout(Duration::from_secs(10)).unwrap();
    assert!(conn.execute(sql, []).unwrap() > 0, "{sql}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_outlives_kill_9_and_stays_as_it_was_told() {
    let mut server = busy().await;
    let admin = server.admin().await;
    let mut asked = begin(&server, &["rebuild", "--max-rate", SLOW]);
    let going = until(&admin, "it goes on", |status| {
        status["work"]["position"].as_u64() > Some(0)
    })
    .await;
    assert_eq!(going["work"]["task"], "rebuild", "{going}");
    assert_eq!(going["work"]["maxRate"], 2, "{going}");
    assert_eq!(going["work"]["throttledBy"], "max-rate", "{going}");
    let by = going["work"]["by"].as_str().unwrap();
    assert!(by.ends_with("on the command line"), "{going}");
    let shown = said(&server, &["status"]).await;
    assert!(
        shown.contains("The rebuild of all views") && shown.contains("--max-rate"),
        "{shown}"
    );
    let second = output(&server, &["rebuild"]).await;
    let complaint = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("already"), "{complaint}");

    server.kill9();
    assert!(!asked.wait().unwrap().success(), "it did not get done");
    let shown = said(&server, &["status"]).await;
    assert!(
        shown.contains("is taken up when the server starts."),
        "{shown}"
    );
    server.restart().await;
    let admin = server.admin().await;
    let again = until(&admin, "it is taken up", |status| {
        status["work"]["task"] == "rebuild"
    })
    .await;
    assert_eq!(again["work"]["maxRate"], 2, "{again}");

    for _ in 0..2 {
        let paused = said(&server, &["pause"]).await;
        assert!(paused.contains("paused"), "{paused}");
    }
    assert!(
        server.stop().await.success(),
        "a paused rebuild does not hold up the stop"
    );
    let shown = said(&server, &["status"]).await;
    assert!(shown.contains("stays paused"), "{shown}");
    server.restart().await;
    let admin = server.admin().await;
    let paused = until(&admin, "it is taken up", |status| {
        status["work"]["task"] == "rebuild"
    })
    .await;
    assert_eq!(paused["work"]["paused"], true, "{paused}");
    said(&server, &["resume"]).await;
    assert_eq!(status(&admin).await["work"]["paused"], false);
    for _ in 0..2 {
        said(&server, &["abort"]).await;
    }
    for order in ["resume", "pause"] {
        let told = said(&server, &[order]).await;
        assert!(
            told.contains("told to end before") || told == "Nothing is being built.\n",
            "what was aborted ends, whatever it is told then: {told}"
        );
    }
    let ended = until(&admin, "it ends", |status| status["work"].is_null()).await;
    assert_eq!(
        ended["last"]["outcome"]["failed"], "it was aborted",
        "{ended}"
    );
    assert_eq!(said(&server, &["abort"]).await, "Nothing is being built.\n");
    assert!(!server.data().join("views").join("rebuild.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_was_killed_is_finished_by_the_next_start() {
    let mut server = busy().await;
    let admin = server.admin().await;
    let mut asked = begin(&server, &["rebuild", "rooms", "--max-rate", SLOW]);
    until(&admin, "it goes on", |status| {
        status["work"]["position"].as_u64() > Some(0)
    })
    .await;
    server.kill9();
    asked.wait().unwrap();
    // Nobody has the patience for that rate.
    let note = server.data().join("views").join("rebuild.json");
    let noted = std::fs::read_to_string(&note).unwrap();
    let mut hurried: Value = serde_json::from_str(&noted).unwrap();
    assert_eq!(hurried["unit"], "chat", "{noted}");
    hurried["max_rate"] = Value::Null;
    std::fs::write(&note, hurried.to_string()).unwrap();
    server.restart().await;
    let admin = server.admin().await;
    let done = until(&admin, "it ends", |status| !status["last"].is_null()).await;
    assert!(done["last"]["outcome"]["rebuiltTo"].is_u64(), "{done}");
    assert!(!note.exists());
    assert!(said(&server, &["verify"]).await.contains("as the log says"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_row_is_found_and_mended_with_a_server_and_without() {
    let mut server = busy().await;
    let admin = server.admin().await;
    let wrong = "UPDATE record_names SET name = 'wrong' WHERE kind = 'u' AND name = 'admin'";
    for runs in [true, false] {
        if !runs {
            server.stop().await;
        }
        assert!(said(&server, &["verify"]).await.contains("as the log says"));
        damage(&server, wrong);
        let found = output(&server, &["verify"]).await;
        let shown = String::from_utf8_lossy(&found.stdout).into_owned();
        assert_eq!(found.status.code(), Some(1), "{shown}");
        for part in ["record_names", "name=\"wrong\"", "name=\"admin\""] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(
            said(&server, &["verify", "sessions"])
                .await
                .contains("as the log says")
        );
        if runs {
            let last = status(&admin).await["last"].clone();
            assert_eq!(last["view"], "sessions", "{last}");
            post(
                &admin,
                "/audit/projections/verify",
                json!({"view": "record_names"}),
            )
            .await
            .ok();
            let told = until(&admin, "it ends", |status| {
                status["last"]["view"] == "record_names"
            })
            .await;
            let outcome = &told["last"]["outcome"];
            assert_eq!(
                outcome["difference"],
                json!({"view": "record_names", "table": "record_names", "columns": ["name"]})
            );
            assert!(
                !told.to_string().contains("wrong"),
                "rows are not shown over the API: {told}"
            );
        }
        said(&server, &["rebuild", "record_names"]).await;
        assert!(said(&server, &["verify"]).await.contains("as the log says"));
    }
    let alone = tables::read(&server.data().join("views"));
    said(&server, &["rebuild"]).await;
    assert!(
        alone == tables::read(&server.data().join("views")),
        "as a rebuild of all makes them"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_no_view_is_refused_with_what_it_may_mean() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let refused = post(
        &admin,
        "/audit/projections/rebuild",
        json!({"view": "sesions"}),
    )
    .await
    .refused(400);
    assert!(
        refused["error"].as_str().unwrap().contains("sessions"),
        "{refused}"
    );
    let refused = post(&admin, "/audit/projections/rebuild", json!({"maxRate": 0})).await;
    refused.refused(400);
    // Ignored, it would have all views rebuilt.
    for order in ["rebuild", "verify", "dead-letters/retry"] {
        let elsewhere = format!("/audit/projections/{order}?view=sessions");
        post(&admin, &elsewhere, json!({})).await.refused(400);
    }
    for runs in [true, false] {
        if !runs {
            server.stop().await;
        }
        for order in ["rebuild", "verify"] {
            let refused = output(&server, &[order, "sesions"]).await;
            let complaint = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert_eq!(refused.status.code(), Some(2), "{order}: {complaint}");
            assert!(complaint.contains("sessions"), "{order}: {complaint}");
        }
        for order in ["pause", "resume", "abort"] {
            assert_eq!(
                said(&server, &[order]).await,
                "Nothing is being built.\n",
                "{order}"
            );
        }
        assert_eq!(
            said(&server, &["dead-letters"]).await,
            "There are no dead letters.\n"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_look_after_the_views_changes_nothing_and_who_may_leaves_a_line() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let nobody = server.client();
    let orders = [
        "rebuild",
        "verify",
        "pause",
        "resume",
        "abort",
        "dead-letters/retry",
    ];
    for (client, code) in [(&nobody, 401), (&ann, 403)] {
        for order in orders {
            post(client, &format!("/audit/projections/{order}"), json!({}))
                .await
                .refused(code);
        }
        for path in ["/audit/projections", "/audit/projections/dead-letters"] {
            get(client, path).await.refused(code);
        }
    }
    let shown = status(&admin).await;
    assert!(
        shown["work"].is_null() && shown["last"].is_null(),
        "{shown}"
    );
    assert_eq!(shown["state"], "ready", "{shown}");
    assert!(!server.output().contains("as was asked for"));

    for order in orders {
        post(&admin, &format!("/audit/projections/{order}"), json!({}))
            .await
            .ok();
        until(&admin, order, |status| status["work"].is_null()).await;
    }
    let letters = get(&admin, "/audit/projections/dead-letters").await.ok();
    assert_eq!(
        (&letters["total"], &letters["deadLetters"]),
        (&json!(0), &json!([]))
    );
    let lines = server.output();
    let lines = lines
        .lines()
        .filter(|line| line.contains("as was asked for") && line.contains(&admin.user_id));
    assert_eq!(lines.count(), orders.len(), "{}", server.output());
}
