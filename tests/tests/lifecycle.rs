//! Starting and stopping, as an operator sees it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::time::Duration;

use serde_json::json;
use tests::raw::Raw;
use tests::server::{Server, ServerOptions, binary};

#[tokio::test]
async fn a_second_start_resumes_where_the_first_stopped() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    admin
        .post(
            "chat.postMessage",
            json!({"roomId": "GENERAL", "text": "before"}),
        )
        .await
        .ok();

    let status = server.stop().await;
    assert!(
        status.success(),
        "SIGTERM ends it well, not with {status}\n{}",
        server.output()
    );
    server.restart().await;

    let admin = server.admin().await;
    let messages = admin.get("channels.messages?roomId=GENERAL").await.ok();
    assert_eq!(messages["messages"][0]["msg"], "before", "{messages}");
}

#[tokio::test]
async fn a_token_survives_a_restart() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    server.stop().await;
    server.restart().await;
    let again = server.client().with_token(&admin.user_id, &admin.token);
    assert_eq!(again.get("me").await.ok()["username"], "admin");
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused() {
    let server = Server::start().await;
    let output = server
        .command(&server.data())
        .env("PORT", tests::ports::free_port().to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "it must not serve: {said}");
    assert!(
        said.contains("in use by another process"),
        "it says why: {said}"
    );
    assert!(
        !said.contains("panicked"),
        "in words, not by a panic: {said}"
    );
    assert!(server.client().is_ready().await, "the first goes on");
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_server_stops() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    // Posts until the server is gone: every answer that began must be whole.
    let posting = tokio::spawn(async move {
        let mut answered = 0;
        for number in 0.. {
            let body = json!({"roomId": "GENERAL", "text": format!("{number}")}).to_string();
            let request = admin.try_send(
                reqwest::Method::POST,
                "/api/v1/chat.postMessage",
                Some(("application/json", body)),
            );
            match request.await {
                Ok(answer) if answer.status.is_success() => answered += 1,
                Ok(answer) => panic!("answered {} {}", answer.status, answer.body),
                Err(error) => {
                    assert!(
                        error.is_connect() || error.is_request(),
                        "an answer was cut off: {error}"
                    );
                    return answered;
                }
            }
        }
        answered
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(server.stop().await.success());
    let answered = posting.await.unwrap();
    assert!(answered > 0, "some were posted");

    server.restart().await;
    let room = server
        .admin()
        .await
        .get("channels.info?roomId=GENERAL")
        .await
        .ok();
    assert!(
        room["channel"]["msgs"].as_u64().unwrap() >= answered,
        "{room}, answered {answered}"
    );
}

#[tokio::test]
async fn the_first_account_is_offered_to_this_machine_where_that_works() {
    for (root_url, from_here) in [(None, true), (Some("https://chat.example.org"), false)] {
        let mut options = ServerOptions::default().without_admin();
        if let Some(url) = root_url {
            options = options.env("ROOT_URL", url);
        }
        let said = options.start().await.output();
        assert!(said.contains("setupCode"), "{said}");
        assert_eq!(said.contains("from this machine"), from_here, "{said}");
    }
}

#[tokio::test]
async fn a_folder_that_another_command_uses_is_not_taken_for_a_servers() {
    let mut server = Server::start().await;
    server.stop().await;
    // As a command says who it is.
    std::fs::write(server.data().join("lock"), "command, process 77\n").unwrap();
    let lock = std::fs::File::open(server.data().join("lock")).unwrap();
    lock.try_lock().unwrap();
    let mut rebuild = server.command(&server.data());
    rebuild.args(["projections", "rebuild"]);
    let output = tokio::task::spawn_blocking(move || rebuild.output().unwrap());
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("in use by another process"),
        "{said}"
    );
    assert!(
        said.contains("command, process 77"),
        "it says who has it: {said}"
    );
    assert!(
        !said.contains("os error"),
        "in words, not in those of the system: {said}"
    );
}

#[tokio::test]
async fn what_the_operator_hardly_means_is_told() {
    let server = ServerOptions::default()
        .without_admin()
        .env("ADMIN_USERNAME", "ann")
        .env("SETTINGS_BLOCKED", "Nope,Site_Name")
        .env("SETTINGS_HIDDEN", "Nor_This")
        .start()
        .await;
    let said = server.output();
    for warning in [
        "ADMIN_PASS",
        "TEST_MODE is on",
        "SETTINGS_BLOCKED names no setting",
        "Nope",
        "SETTINGS_HIDDEN names no setting",
        "Nor_This",
    ] {
        assert!(said.contains(warning), "{warning}: {said}");
    }
    assert!(!said.contains("Site_Name"), "{said}");
}

#[tokio::test]
async fn the_first_account_becomes_administrator_and_only_the_first() {
    let server = ServerOptions::default().without_admin().start().await;
    assert!(
        server.output().contains("users.register"),
        "it says how to begin: {}",
        server.output()
    );
    let client = server.client();
    for name in ["first", "second"] {
        let account = json!({"username": name, "name": name, "email": format!("{name}@example.org"), "pass": "a password"});
        client.post("users.register", account).await.ok();
    }
    let first = client
        .login("first", "a password")
        .await
        .get("me")
        .await
        .ok();
    assert_eq!(first["roles"], json!(["user", "admin"]), "{first}");
    let second = client
        .login("second", "a password")
        .await
        .get("me")
        .await
        .ok();
    assert_eq!(second["roles"], json!(["user"]), "{second}");
}

#[tokio::test]
async fn the_port_of_somebody_else_is_not_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(binary())
        .env("PORT", port.to_string())
        .env("BIND", "127.0.0.1")
        .env("DATA_DIR", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        said.contains(&port.to_string()) && !said.contains("panicked"),
        "{said}"
    );
}

#[tokio::test]
async fn a_request_that_never_ends_to_begin_does_not_hold_up_the_end() {
    // Longer than the end is waited for here.
    let options = ServerOptions::default().env("SHUTDOWN_TIMEOUT", "300s");
    let mut server = options.start().await;
    let mut silent = Raw::connect(server.port()).await;
    let mut half = Raw::connect(server.port()).await;
    assert!(half.send(b"GET /livez HTTP/1.1\r\nHost: x\r\nX").await);
    let mut again = Raw::connect(server.port()).await;
    let asked = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    assert!(again.send(asked).await);
    assert_eq!(again.answer().await.unwrap().status, 200);
    assert!(again.send(b"GET /livez HTT").await);
    let mut bodies = Vec::new();
    for path in ["login", "chat.postMessage"] {
        let mut body = Raw::connect(server.port()).await;
        let head = format!(
            "POST /api/v1/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        );
        let begun = format!("{head}Content-Length: 100\r\n\r\n{{\"us");
        assert!(body.send(begun.as_bytes()).await);
        bodies.push(body);
    }
    // What is stopped is what is under way.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(server.stop().await.success());
    for body in &mut bodies {
        let answer = body.answer().await.expect("an answer");
        assert!(matches!(answer.status, 401 | 503), "{}", answer.status);
    }
    for connection in [&mut silent, &mut half, &mut again] {
        assert!(connection.answer().await.is_none());
    }
}

#[test]
fn every_command_explains_itself() {
    let help = |arguments: &[&str]| {
        let output = std::process::Command::new(binary())
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let all = help(&["--help"]);
    for command in ["serve", "config", "projections", "reactors"] {
        assert!(all.contains(command), "{command} is listed in\n{all}");
        assert!(
            help(&[command, "--help"]).contains("Usage"),
            "{command} --help"
        );
    }
    for (group, command) in [
        ("projections", "list"),
        ("projections", "rebuild"),
        ("projections", "status"),
        ("projections", "verify"),
        ("projections", "pause"),
        ("projections", "resume"),
        ("projections", "abort"),
        ("projections", "dead-letters"),
        ("reactors", "list"),
        ("reactors", "reset"),
    ] {
        assert!(
            help(&[group, command, "--help"]).contains("Usage"),
            "{group} {command} --help"
        );
    }
}

#[test]
fn the_configuration_is_shown_with_its_sources_and_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("hansard.toml"),
        "port = 4000\nbind = \"127.0.0.2\"\n",
    )
    .unwrap();
    let output = std::process::Command::new(binary())
        .arg("config")
        .current_dir(folder.path())
        .env("PORT", "5000")
        .env("ADMIN_PASS", "do not show this")
        .env("MONGO_URL", "mongodb://user:nor-this@127.0.0.1/")
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}");
    let line = |key: &str| {
        shown
            .lines()
            .find(|line| line.contains(key))
            .unwrap_or_else(|| panic!("{key} in\n{shown}"))
    };
    assert!(
        line("port").contains("5000") && line("port").contains("PORT"),
        "environment over file: {shown}"
    );
    assert!(
        line("bind").contains("127.0.0.2") && line("bind").contains("hansard.toml"),
        "file over default: {shown}"
    );
    assert!(
        !shown.contains("do not show this") && !shown.contains("nor-this"),
        "secrets are hidden: {shown}"
    );
}
