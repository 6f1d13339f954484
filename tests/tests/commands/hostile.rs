//! Whatever stands behind a command, it is an answer and nothing else: the server goes on.

use serde_json::json;
use tests::server::Server;

use super::people;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_typed_behind_a_command_breaks_anything() {
    let server = Server::start().await;
    let (_, alice, bob) = people(&server).await;
    let den = alice.make("channels", "den", &["bob"]).await;
    let long = "a".repeat(10_240);
    let texts = [
        long.clone(),
        format!("@{long}"),
        format!("#{long} {long}"),
        format!("@bob {}", "🐻".repeat(2_560)),
        "\u{0}\u{7}\u{1b}[31m".to_owned(),
        "@\u{0}".to_owned(),
        "#".to_owned(),
        "@".to_owned(),
        "@@".to_owned(),
        "## #".to_owned(),
        " \t\u{a0}\u{feff}".to_owned(),
        "\u{200b}".to_owned(),
        "#größe @größe".to_owned(),
        "#日本語 @日本語".to_owned(),
        "@\u{202e}bob".to_owned(),
        "'; DROP TABLE users; --".to_owned(),
        "`#den` *bold* ```".to_owned(),
        "../../etc/passwd".to_owned(),
        "%00 %2F @%".to_owned(),
        "@all @here #general".to_owned(),
    ];
    let list = bob.client.get("commands.list").await.ok();
    let commands = list["commands"].as_array().unwrap().iter();
    let names: Vec<&str> = commands
        .map(|one| one["command"].as_str().unwrap())
        .collect();
    for name in names {
        for text in &texts {
            let wish = json!({"command": name, "params": text, "roomId": den});
            let answer = bob.client.post("commands.run", wish).await;
            let already = answer.body["errorType"] == "error-user-already-in-room";
            let (status, typed) = (
                answer.status.as_u16(),
                text.chars().take(20).collect::<String>(),
            );
            assert!(
                status == 200 || already && name == "join",
                "{name} {typed:?} is answered {}",
                answer.body
            );
        }
    }
    for (command, room, thread) in [
        (long.as_str(), den.as_str(), ""),
        ("shrug", long.as_str(), ""),
        ("shrug", den.as_str(), long.as_str()),
        ("\u{0}", "\u{0}", "\u{0}"),
        ("日本", "日本", "日本"),
    ] {
        let wish = json!({"command": command, "roomId": room, "tmid": thread});
        let answer = bob.client.post("commands.run", wish).await;
        assert!(answer.status.is_client_error(), "{}", answer.body);
    }
    alice.client.get("me").await.ok();
}
