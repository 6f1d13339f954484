//! What a sandbox reaches, whatever is configured: nothing outside.

use std::process::Command;

use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tests::client::Client;
use tests::dns::Zone;
use tests::log::Full;
use tests::method::method;
use tests::raw::Raw;
use tests::server::{Server, ServerOptions};
use tests::smtp::SmtpSink;

use crate::{Place, Sandbox, command, copied, output, say};

const JSON: &str = "application/json";

/// What every answer of a sandbox has.
const HEADER: &str = "x-hansard-replay";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_gets_out() {
    let sink = SmtpSink::start();
    let names = Zone::default().txt("known.test", "hello").serve().await;
    let server = sink
        .configure(ServerOptions::default())
        .env("FETCH_ALLOW", "127.0.0.1")
        .env("DNS_SERVERS", names.address().to_string())
        .start()
        .await;
    let admin = server.admin().await;
    admin.new_user("ann").await;
    let forgot = json!({"email": "ann@example.org"});
    server
        .client()
        .post("users.forgotPassword", forgot.clone())
        .await
        .ok();
    sink.wait_for("ann@example.org", "password").await;
    let place = Place::new();
    let folder = place.folder("sandbox");
    copied(&server, &[], &folder).await;
    assert!(
        !folder.join("secret.key").exists(),
        "nobody needs the key to log in"
    );
    let sandbox = Sandbox::serve(&server, &folder).await;
    let mailed = sink.mails().len();
    sandbox.client().post("users.forgotPassword", forgot).await;
    let there = sandbox.admin().await;
    for (client, reaches) in [(&admin, true), (&there, false)] {
        reaching(client, reaches).await;
    }
    let reactors = output({
        let mut command = server.command(&folder);
        command.args(["reactors", "list"]);
        command
    })
    .await;
    let listed = String::from_utf8_lossy(&reactors.stdout);
    assert_eq!(
        listed.lines().count(),
        1,
        "no reactor has a place: {listed}"
    );
    let beside = String::from_utf8_lossy(&reactors.stderr);
    assert!(beside.contains("This is a replay of the log"), "{beside}");
    // The same request to the server is mailed: by then the sandbox's would have been, too.
    let forgot = json!({"email": "admin@example.org"});
    server
        .client()
        .post("users.forgotPassword", forgot)
        .await
        .ok();
    sink.wait_for("admin@example.org", "password").await;
    assert_eq!(
        sink.mails().len(),
        mailed + 2,
        "beside what the server mails, there is nothing"
    );
}

/// Whether a server mails, makes requests and looks names up when its administrator has it do so.
async fn reaching(admin: &Client, reaches: bool) {
    let mailed = method(admin, "sendSMTPTestEmail", json!([])).await;
    assert_eq!(mailed["error"].is_null(), reaches, "{mailed}");

    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    outside.set_nonblocking(true).unwrap();
    let url = format!("http://{}/picture", outside.local_addr().unwrap());
    let picture = json!({"userId": admin.user_id, "avatarUrl": url});
    let asking = admin.post("users.setAvatar", picture);
    let (answer, called) = tokio::join!(asking, async {
        // Until it is answered, or the request is over.
        for _ in 0..100 {
            if let Ok((mut caller, _)) = outside.accept() {
                let _ = caller.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    });
    assert_eq!(called, reaches, "a picture is asked for: {}", answer.body);

    let found = admin
        .post("dns.resolve.txt?url=known.test", json!({}))
        .await;
    assert_eq!(
        found.status.is_success(),
        reaches,
        "names are looked up: {}",
        found.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_is_one_whatever_is_configured_and_can_be_copied_again() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    say(&admin, "GENERAL", "before").await;
    server.stop().await;
    let place = Place::new();
    let folder = place.folder("sandbox");
    let mut serving = command(&server, &["--serve"], &folder);
    serving.env("ROOT_URL", "https://chat.example.org/prefix");
    let sandbox = Sandbox::begin(serving).await;
    assert!(
        sandbox.said.contains("(listening on 127.0.0.1:"),
        "{}",
        sandbox.said
    );
    let there = sandbox.admin().await;
    say(&there, "GENERAL", "in the sandbox").await;
    let copy = place.folder("copy");
    let mut again = server.command(&folder);
    again.args(["replay", "--into"]).arg(&copy);
    let again = output(again).await;
    let told = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(
        again.status.success() && told.contains("This is a replay"),
        "{told}"
    );
    drop(sandbox);

    // There is no MongoDB: if the sandbox took its log for the one that is configured, it would not start.
    let mut configured = server.command(&copy);
    configured
        .env("MONGO_URL", "mongodb://127.0.0.1:1/chat")
        .env("SECRET_KEY", "no key at all")
        .env("MAIL_URL", "smtp://127.0.0.1:1")
        .env("PORT", tests::ports::free_port().to_string());
    let sandbox = Sandbox::begin(configured).await;
    let there = sandbox.admin().await;
    let found = there.get("channels.messages?roomId=GENERAL").await.ok();
    let texts: Vec<_> = found["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["msg"])
        .collect();
    assert!(texts.contains(&&json!("in the sandbox")), "{texts:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("log.db")), 0o600);
        assert_eq!(mode(&folder.join("replay.json")), 0o600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_to_be_run_serves_for_this_machine_alone() {
    // The server goes on meanwhile, for everybody.
    let server = ServerOptions::default()
        .env("BIND", "0.0.0.0")
        .start()
        .await;
    let place = Place::new();
    let said = copied(&server, &[], &place.folder("it's a sandbox")).await;
    let told = said.split_once("Serve it with `").unwrap().1;
    let told = told.split('`').next().unwrap();
    let shell = Command::new("sh")
        .args(["-c", &format!("printf '%s\\n' {told}")])
        .output();
    let words = String::from_utf8(shell.unwrap().stdout).unwrap();
    let told: Vec<_> = words.lines().collect();
    assert_eq!(told.first(), Some(&"hansard"));
    for (flags, address) in [
        (&[][..], "(listening on 127.0.0.1:"),
        (&["--bind", "0.0.0.0"], "(listening on 0.0.0.0:"),
    ] {
        let mut serving = server.command(&server.data());
        serving.args(&told[1..]).args(flags);
        let sandbox = Sandbox::begin(serving).await;
        assert!(
            sandbox.said.contains(address),
            "{flags:?}: {}",
            sandbox.said
        );
        sandbox.admin().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_copied_for_authenticator_apps() {
    let server = Server::start().await;
    let ann = server.admin().await.new_user("ann").await;
    let shown = method(&ann, "2fa:enable", json!([])).await;
    let secret = shown["result"]["secret"].as_str().unwrap();
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let code = totp.generate(now.as_secs()).to_string();
    let enabled = method(&ann, "2fa:validateTempToken", json!([code])).await;
    assert!(enabled["result"]["codes"].is_array(), "{enabled}");
    let place = Place::new();
    let folder = place.folder("sandbox");
    copied(&server, &[], &folder).await;
    let key = |folder: &Path| std::fs::read_to_string(folder.join("secret.key")).unwrap();
    assert_eq!(key(&folder), key(&server.data()));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_answered_says_that_it_is_a_copy() {
    let server = Server::start().await;
    let place = Place::new();
    let folder = place.folder("sandbox");
    copied(&server, &[], &folder).await;
    let sandbox = Sandbox::serve(&server, &folder).await;
    let admin = sandbox.admin().await;
    let client = sandbox.client();
    for (path, body, status) in [
        ("/api/v1/me", None, 200),
        ("/api/info", None, 200),
        ("/api/v1/nowhere", None, 404),
        ("/nowhere", None, 404),
        ("/api/v1/channels.info?roomId=nowhere", None, 400),
        ("/api/v1/chat.postMessage", Some("{"), 400),
        ("/livez", None, 200),
        ("/readyz", None, 200),
        ("/metrics", None, 200),
        ("/live", None, 400),
        ("/audit/live", None, 400),
    ] {
        let (method, body) = match body {
            Some(body) => (Method::POST, Some((JSON, body.to_owned()))),
            None => (Method::GET, None),
        };
        let answer = admin.send(method, path, body).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.body);
        assert!(answer.header(HEADER).is_some(), "{path} says so");
    }
    let stranger = client.get("me").await;
    assert!(stranger.header(HEADER).is_some(), "who is not logged in");
    stranger.refused(401);
    let large = Some((JSON, " ".repeat(2 << 20)));
    let refused = client.send(Method::POST, "/api/v1/login", large).await;
    assert!(refused.header(HEADER).is_some(), "what is too large");
    refused.refused(413);

    let full = Full::of(&folder);
    let body = json!({"message": {"rid": "GENERAL", "msg": "not to be kept"}});
    let body = Some((JSON, body.to_string()));
    let path = "/api/v1/chat.sendMessage";
    let failed = admin.send(Method::POST, path, body).await;
    assert!(failed.status.is_server_error(), "{}", failed.body);
    assert!(failed.header(HEADER).is_some(), "what fails");
    drop(full);

    // What is no HTTP is refused before anything of the server sees it.
    let port = sandbox.url.rsplit_once(':').unwrap().1.parse().unwrap();
    let mut raw = Raw::connect(port).await;
    raw.send(b"GET / HTTP/9.9\r\n\r\n").await;
    let refused = raw.answer().await.expect("an answer");
    assert_eq!(refused.status, 400, "{}", refused.head);
    let head = refused.head.to_ascii_lowercase();
    assert!(head.contains(HEADER), "{head}");

    let admin = server.admin().await;
    let answer = admin.get("me").await;
    assert_eq!(answer.header(HEADER), None, "the server itself is no copy");
}

#[tokio::test]
async fn messages_are_not_searched_in_it() {
    let (server, place) = (Server::start().await, Place::new());
    let folder = place.folder("copy");
    copied(&server, &[], &folder).await;
    let sandbox = Sandbox::serve(&server, &folder).await;
    let admin = sandbox.admin().await;
    let search = "chat.search?roomId=GENERAL&searchText=x";
    let refusal = admin.get(search).await.refused(400);
    assert_eq!(refusal["errorType"], "error-search-not-available");
    assert_eq!(sandbox.interrupted(), Some(0));
}
