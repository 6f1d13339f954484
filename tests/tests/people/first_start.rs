//! Who administrates at first, and how a workspace that nobody administrates gets somebody again.

use std::io::Write as _;
use std::process::{Command, Stdio};

use domain::user::{self, RolesChanged, UserDeactivated, UserEvent};
use domain::{RoleId, Timestamp, UserId};
use eventstore::{Batch, Cause, CorrelationId, Expected, NewEvent, StreamAppend};
use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{ADMIN_PASSWORD, Server, ServerOptions, binary};

on_both_logs![
    the_administrator_of_the_environment_has_that_role_only,
    strangers_do_not_win_a_fresh_server,
    the_command_line_appoints_an_administrator,
];

fn wish(name: &str) -> Value {
    json!({"username": name, "name": name, "email": format!("{name}@example.org"), "pass": "secret word"})
}

fn with_code(name: &str, code: &str) -> Value {
    let mut wish = wish(name);
    wish["setupCode"] = json!(code);
    wish
}

/// Waits until the server has said that: what it prints arrives a little after it is ready.
async fn heard(server: &Server, text: &str) -> String {
    for _ in 0..500 {
        let output = server.output();
        if output.contains(text) {
            return output;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!(
        "expected {text:?} in what the server says:\n{}",
        server.output()
    );
}

/// The code that a server has printed.
async fn printed_code(server: &Server) -> String {
    let mark = "\"setupCode\":\"";
    let output = heard(server, mark).await;
    let (_, rest) = output.split_once(mark).expect("a code in the hint");
    rest.split('"').next().expect("a code").to_owned()
}

async fn roles(client: &Client) -> Value {
    client.get("me").await.ok()["roles"].clone()
}

async fn the_administrator_of_the_environment_has_that_role_only(options: ServerOptions) {
    let server = options.start().await;
    assert_eq!(roles(&server.admin().await).await, json!(["admin"]));
    assert!(!server.output().contains("setupCode"), "nobody is awaited");
    // The office is taken.
    let stranger = server
        .client()
        .with_header("X-Forwarded-For", "203.0.113.9");
    stranger.post("users.register", wish("ann")).await.ok();
    let ann = server.client().login("ann", "secret word").await;
    assert_eq!(roles(&ann).await, json!(["user"]));
}

async fn strangers_do_not_win_a_fresh_server(options: ServerOptions) {
    let server = options.without_admin().start().await;
    let code = printed_code(&server).await;
    for (name, value) in [
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Proto", "https"),
        ("Forwarded", "for=127.0.0.1"),
        ("X-Real-IP", "127.0.0.1"),
        ("Via", "1.1 proxy"),
        ("CF-Connecting-IP", "127.0.0.1"),
        ("Host", "chat.example.org"),
        ("Origin", "https://evil.example"),
    ] {
        let stranger = server.client().with_header(name, value);
        let body = stranger
            .post("users.register", wish("eve"))
            .await
            .refused(400);
        assert_eq!(
            body["errorType"],
            json!("error-setup-code-required"),
            "{name}"
        );
        let wrong = with_code("eve", "aaaa-aaaa-aaaa-aaaa");
        stranger.post("users.register", wrong).await.refused(400);
        let by_method = json!([{"name": "Eve", "email": "eve@example.org", "pass": "x y z"}]);
        let message =
            json!({"msg": "method", "id": "1", "method": "registerUser", "params": by_method});
        let body = stranger
            .post(
                "method.callAnon/registerUser",
                json!({"message": message.to_string()}),
            )
            .await
            .ok();
        let told = body["message"].as_str().unwrap_or_default().to_owned();
        assert!(told.contains("error-setup-code-required"), "{name}: {told}");
    }
    let proxied = server
        .client()
        .with_header("X-Forwarded-For", "203.0.113.9");
    proxied
        .post("users.register", with_code("ann", &code))
        .await
        .ok();
    let ann = server.client().login("ann", "secret word").await;
    assert_eq!(roles(&ann).await, json!(["user", "admin"]));
    // From now on the code is worth nothing, and nobody needs one.
    proxied
        .post("users.register", with_code("bea", &code))
        .await
        .ok();
    let bea = server.client().login("bea", "secret word").await;
    assert_eq!(roles(&bea).await, json!(["user"]));
}

#[tokio::test]
async fn the_code_is_taken_by_the_method_as_well() {
    let server = ServerOptions::default().without_admin().start().await;
    let params = json!([{"name": "Ann", "email": "ann@example.org", "pass": "secret word",
        "setupCode": printed_code(&server).await}]);
    let message = json!({"msg": "method", "id": "1", "method": "registerUser", "params": params});
    let proxied = server.client().with_header("Via", "1.1 proxy");
    let body = proxied
        .post(
            "method.callAnon/registerUser",
            json!({"message": message.to_string()}),
        )
        .await
        .ok();
    assert!(
        !body["message"].as_str().unwrap().contains("error"),
        "{body}"
    );
    let ann = server
        .client()
        .login("ann@example.org", "secret word")
        .await;
    assert_eq!(roles(&ann).await, json!(["user", "admin"]));
}

#[tokio::test]
async fn a_public_server_asks_for_the_code_even_at_home() {
    let server = ServerOptions::default()
        .without_admin()
        .env("ROOT_URL", "https://chat.example.org")
        .start()
        .await;
    let here = server.client();
    let body = here.post("users.register", wish("eve")).await.refused(400);
    assert_eq!(body["errorType"], json!("error-setup-code-required"));
    let code = printed_code(&server).await;
    here.post("users.register", with_code("ann", &code))
        .await
        .ok();
}

/// Has the log say, while no server runs, that these accounts have no role but `user` and may not log in: as a log may
/// that was written before anybody saw to it that somebody administrates.
async fn lose(server: &mut Server, ids: &[&str]) {
    server.stop().await;
    let log = tests::log::open(server).await;
    for id in ids {
        let (user, at) = (UserId::new(*id), Timestamp::from_millis(1));
        let roles = vec![RoleId::new("user")];
        let changed = RolesChanged {
            user: user.clone(),
            roles,
            at,
        };
        let deactivated = UserDeactivated {
            user: user.clone(),
            idle: false,
            at,
        };
        let events: [UserEvent; 2] = [changed.into(), deactivated.into()];
        let append = StreamAppend {
            stream: user::stream(&user),
            expected: Expected::Any,
            events: events
                .map(|event| NewEvent::encode(&event).unwrap())
                .to_vec(),
        };
        let cause = Cause {
            actor: UserId::system(),
            correlation_id: CorrelationId::fresh(),
            causation_id: None,
        };
        let appends = vec![append];
        log.append(Batch { cause, appends }).await.unwrap();
    }
    log.close().await;
}

#[tokio::test]
async fn the_environment_gives_a_lost_workspace_an_administrator() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    lose(&mut server, &[&admin.user_id]).await;
    // The account of that name is there: it has the role, the password and the right to log in.
    server.restart().await;
    // It has another address after every start.
    let same = |server: &Server, client: &Client| {
        let (id, token) = (&client.user_id, &client.token);
        server.client().with_token(id, token)
    };
    same(&server, &admin).get("me").await.refused(401);
    let again = server.admin().await;
    assert_eq!(again.user_id, admin.user_id);
    assert_eq!(roles(&again).await, json!(["user", "admin"]));
    heard(&server, "nobody administrated").await;

    // Nobody has that name: there is a new account.
    lose(&mut server, &[&admin.user_id]).await;
    server.set_env("ADMIN_USERNAME", "chief");
    server.set_env("ADMIN_EMAIL", "chief@example.org");
    server.restart().await;
    let chief = server.client().login("chief", ADMIN_PASSWORD).await;
    assert_eq!(roles(&chief).await, json!(["admin"]));

    // Once somebody administrates, the environment gives nothing.
    server.stop().await;
    server.set_env("ADMIN_USERNAME", "ann");
    server.set_env("ADMIN_PASS", "another password");
    server.restart().await;
    assert_eq!(roles(&same(&server, &ann)).await, json!(["user"]));
    let login = json!({"user": "ann", "password": "another password"});
    server.client().post("login", login).await.refused(401);

    // A bot is no administrator, and that is told.
    lose(&mut server, &[&chief.user_id]).await;
    server.set_env("ADMIN_USERNAME", "rocket.cat");
    server.restart().await;
    heard(&server, "rocket.cat is no person").await;
    heard(&server, "hansard users make-admin").await;
}

/// Runs `hansard users make-admin` on the data of the server; answers what it said.
fn make_admin(server: &Server, name: &str, password: Option<&str>) -> Result<String, String> {
    let mut command = server.command(&server.data());
    command.args(["users", "make-admin", name]);
    if password.is_some() {
        command.arg("--password-stdin");
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Who is not asked for a password may have ended before.
    let _ = writeln!(stdin, "{}", password.unwrap_or_default());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

async fn the_command_line_appoints_an_administrator(options: ServerOptions) {
    let mut server = options.start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let off = json!({"userId": bob.user_id, "activeStatus": false});
    admin.post("users.setActiveStatus", off).await.ok();
    // Through the server that runs.
    let said = make_admin(&server, "ann", None).unwrap();
    assert_eq!(said, "ann is an administrator.\n");
    assert_eq!(
        roles(&ann).await,
        json!(["user", "admin"]),
        "with the token she had"
    );
    let said = make_admin(&server, "bob", Some("a new one")).unwrap();
    assert_eq!(said, "bob is an administrator.\n");
    bob.get("me").await.refused(401);
    let bob = server.client().login("bob", "a new one").await;
    assert_eq!(roles(&bob).await, json!(["user", "admin"]));
    let said = make_admin(&server, "nobody", None).unwrap_err();
    assert!(said.contains("there is no user nobody"), "{said}");
    let said = make_admin(&server, "rocket.cat", None).unwrap_err();
    assert!(said.contains("no person"), "{said}");
    let left = std::fs::read_dir(server.data().join("control")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["door.json"], "nothing of it stays on the disk");
    // On the data of a server that is stopped.
    server.stop().await;
    let said = make_admin(&server, "cyd", Some("of cyd")).unwrap();
    assert_eq!(said, "cyd was made and is an administrator.\n");
    let said = make_admin(&server, "ann", Some("of ann")).unwrap();
    assert_eq!(said, "ann is an administrator.\n");
    server.restart().await;
    let cyd = server.client().login("cyd", "of cyd").await;
    assert_eq!(roles(&cyd).await, json!(["admin"]));
    server
        .client()
        .login("ann", "of ann")
        .await
        .get("me")
        .await
        .ok();
}

#[test]
fn the_command_line_finds_a_mistaken_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for command in [
        &["users", "make-admin", "ann"][..],
        &["projections", "list"],
        &["projections", "rebuild"],
        &["reactors", "list"],
        &["reactors", "reset", "--all", "--at", "head"],
    ] {
        let output = Command::new(binary())
            .args(command)
            .arg("--data-dir")
            .arg(&data)
            .env_clear()
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(!output.status.success(), "{command:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("no workspace in"), "{command:?}: {said}");
        assert!(!data.exists(), "{command:?} makes no folder");
    }
}
