//! Folders and ports that somebody else has.

use std::process::Stdio;

use reqwest::Method;
use serde_json::Value;
use tests::server::Server;

use crate::{Place, Sandbox, command, refused, say};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_into_one_folder_one_makes_it_and_the_other_is_refused() {
    let server = Server::start().await;
    say(&server.admin().await, "GENERAL", "to be copied").await;
    let place = Place::new();
    for round in 0..4 {
        let into = place.folder(&format!("sandbox-{round}"));
        let begin = |_| {
            let mut command = command(&server, &[], &into);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        };
        let both = [0, 1].map(begin);
        let ended = both.map(|child| child.wait_with_output().unwrap());
        let made = ended.iter().filter(|output| output.status.success());
        assert_eq!(made.count(), 1, "one makes it: {ended:?}");
        let refused = ended.iter().find(|output| !output.status.success());
        let told = String::from_utf8_lossy(&refused.unwrap().stderr);
        let clear = [
            "in use by another",
            "is being made now",
            "is a replay already",
        ];
        assert!(clear.iter().any(|why| told.contains(why)), "{told}");
        let sandbox = Sandbox::serve(&server, &into).await;
        sandbox.admin().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_come_to_anything_is_not_begun() {
    let server = Server::start().await;
    let place = Place::new();
    let into = place.folder("sandbox");
    let port = server.port().to_string();
    let taken = command(&server, &["--serve", "--port", &port], &into);
    refused(taken, 1, "the port is in use").await;
    let unserved = command(&server, &["--port", "0"], &into);
    refused(unserved, 2, "give --serve, too").await;
    let mut locked = command(&server, &[], &into);
    locked.env("SECRET_KEY", "no key at all");
    refused(locked, 1, "key").await;
    assert!(!into.exists(), "nothing is begun");
    let readings = "/audit/events?category=audit&type=RecordRead&limit=100";
    let admin = server.admin().await;
    let body = admin.send(Method::GET, readings, None).await.ok();
    let events = body["events"].as_array().unwrap().iter();
    let of_copies = |event: &&Value| event["data"]["question"]["narrowed"]["format"] == "replay";
    assert_eq!(events.filter(of_copies).count(), 0, "nothing is read");
}
