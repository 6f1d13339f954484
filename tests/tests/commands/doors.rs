//! Which commands there are, and what is refused before any runs.

use serde_json::{Value, json};
use tests::method::method;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use super::people;

on_both_logs![commands_are_listed];

const NAMES: [&str; 23] = [
    "archive",
    "create",
    "gimme",
    "help",
    "hide",
    "invite",
    "invite-all-from",
    "invite-all-to",
    "join",
    "kick",
    "leave",
    "lennyface",
    "me",
    "msg",
    "mute",
    "part",
    "shrug",
    "status",
    "tableflip",
    "topic",
    "unarchive",
    "unflip",
    "unmute",
];

fn names(list: &Value) -> Vec<&str> {
    let commands = list["commands"].as_array().unwrap().iter();
    commands
        .map(|one| one["command"].as_str().unwrap())
        .collect()
}

async fn commands_are_listed(options: ServerOptions) {
    let server = options.start().await;
    let alice = server.admin().await.new_user("alice").await;
    let list = alice.get("commands.list").await.ok();
    assert_eq!(names(&list), NAMES);
    let page = (&list["count"], &list["offset"], &list["total"]);
    assert_eq!(page, (&json!(23), &json!(0), &json!(23)));
    for command in list["commands"].as_array().unwrap() {
        let shown = (&command["clientOnly"], &command["providesPreview"]);
        assert_eq!(shown, (&json!(false), &json!(false)), "{command}");
    }
    let page = alice.get("commands.list?offset=21&count=1").await.ok();
    assert_eq!((names(&page), &page["total"]), (vec!["unflip"], &json!(23)));
    let found = alice
        .get(r#"commands.list?query={"command":"kick"}"#)
        .await
        .ok();
    let kick = json!({"command": "kick", "params": "@username", "permission": "remove-user",
        "description": "Remove_someone_from_room", "clientOnly": false, "providesPreview": false});
    assert_eq!(found["commands"], json!([kick]));
    let found = alice.get("commands.get?command=KICK").await.ok();
    assert_eq!(found["command"], kick);
    let found = alice.get("commands.get?command=part").await.ok();
    assert_eq!(
        found["command"]["permission"],
        json!(["leave-c", "leave-p"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_command_is_refused_in_these_words() {
    let server = Server::start().await;
    let (_, alice, bob) = people(&server).await;
    let den = alice.make("groups", "den", &[]).await;
    let elsewhere = json!({"roomId": "GENERAL", "text": "elsewhere"});
    let elsewhere = alice.client.post("chat.postMessage", elsewhere).await.ok();
    let elsewhere = elsewhere["message"]["_id"].clone();

    let get = async |query: &str| {
        let answer = bob.client.get(&format!("commands.get{query}")).await;
        answer.refused(400)["error"].clone()
    };
    assert_eq!(
        get("").await,
        "The query param \"command\" must be provided."
    );
    for name in ["open", "nothing"] {
        let none = format!("There is no command in the system by the name of: {name}");
        assert_eq!(get(&format!("?command={name}")).await, json!(none));
    }

    let item = json!({"id": "1", "type": "text", "value": "x"});
    for (change, status, error) in [
        (
            json!({"command": null}),
            400,
            "You must provide a command to run.",
        ),
        (
            json!({"command": 5}),
            400,
            "You must provide a command to run.",
        ),
        (
            json!({"params": ["x"]}),
            400,
            "The parameters for the command must be a single string.",
        ),
        (
            json!({"roomId": null}),
            400,
            "The room's id where to execute this command must be provided and be a string.",
        ),
        (
            json!({"tmid": 5}),
            400,
            "The tmid parameter when provided must be a string.",
        ),
        (
            json!({"command": "open"}),
            400,
            "The command provided does not exist (or is disabled).",
        ),
        (json!({"roomId": den}), 403, "unauthorized"),
        (json!({"roomId": "no-such-room"}), 403, "unauthorized"),
        (json!({"tmid": "no-such-message"}), 400, "Invalid thread."),
        (
            json!({"tmid": elsewhere, "roomId": "DEN"}),
            400,
            "Invalid thread.",
        ),
    ] {
        let mut wish = json!({"command": "shrug", "params": "x", "roomId": "GENERAL",
                              "previewItem": item});
        let fields = change.as_object().unwrap().clone();
        wish.as_object_mut().unwrap().extend(fields);
        let mut who = &bob;
        if wish["roomId"] == "DEN" {
            (who, wish["roomId"]) = (&alice, json!(den));
        }
        for route in ["commands.run", "commands.preview"] {
            let refusal = who.client.post(route, wish.clone()).await.refused(status);
            let expected = json!({"success": false, "error": error});
            assert_eq!(refusal, expected, "{route} {wish}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_has_previews() {
    let server = Server::start().await;
    let bob = server.admin().await.new_user("bob").await;
    let none = json!({"success": false, "errorType": "error-invalid-command",
        "error": "Command Does Not Provide Previews [error-invalid-command]",
        "details": {"method": "executeSlashCommandPreview"}});
    let path = "commands.preview?command=shrug&params=x&roomId=GENERAL";
    assert_eq!(bob.get(path).await.refused(400), none);
    let wish = |item: Value| {
        let mut wish = json!({"command": "shrug", "params": "x", "roomId": "GENERAL"});
        if !item.is_null() {
            wish["previewItem"] = item;
        }
        wish
    };
    let whole = wish(json!({"id": "1", "type": "text", "value": "x"}));
    assert_eq!(bob.post("commands.preview", whole).await.refused(400), none);
    let missing = bob
        .post("commands.preview", wish(Value::Null))
        .await
        .refused(400);
    assert_eq!(
        missing["error"],
        "The preview item being executed must be provided."
    );
    for item in [
        json!({"id": "1", "type": "text"}),
        json!({}),
        json!(5),
        json!({"value": "x"}),
    ] {
        let refusal = bob
            .post("commands.preview", wish(item.clone()))
            .await
            .refused(400);
        let malformed = "The preview item being executed is in the wrong format.";
        assert_eq!(refusal["error"], malformed, "{item}");
    }
    for name in ["getSlashCommandPreviews", "executeSlashCommandPreview"] {
        let asked = json!([{"cmd": "shrug", "params": "x", "msg": {"rid": "GENERAL"}}]);
        let error = method(&bob, name, asked).await["error"].clone();
        assert_eq!(error["message"], none["error"], "{name}");
        let asked = json!([{"cmd": "nothing", "params": "x", "msg": {"rid": "GENERAL"}}]);
        let error = method(&bob, name, asked).await["error"].clone();
        let unknown = "Invalid Command Provided [error-invalid-command]";
        assert_eq!(error["message"], unknown, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_method_refuses_what_is_no_command() {
    let server = Server::start().await;
    let (_, alice, bob) = people(&server).await;
    let den = alice.make("groups", "den", &[]).await;
    let message = json!({"rid": "GENERAL"});
    let unknown = "Invalid Command Provided [error-invalid-command]";
    let denied = "Not allowed [error-not-allowed]";
    for (wish, error) in [
        (json!([]), unknown),
        (json!(["shrug"]), unknown),
        (json!([{"params": "x", "msg": message}]), unknown),
        (
            json!([{"cmd": "open", "params": "x", "msg": message}]),
            unknown,
        ),
        (json!([{"cmd": "shrug"}]), "Match error: Missing key 'msg'"),
        (json!([{"cmd": "shrug", "msg": {}}]), denied),
        (json!([{"cmd": "shrug", "msg": {"rid": den}}]), denied),
        (json!([{"cmd": "help", "msg": {"rid": "nowhere"}}]), denied),
        (
            json!([{"cmd": "shrug", "msg": {"rid": "GENERAL", "_id": "x".repeat(257)}}]),
            "The id of a message can have at most 256 bytes [error-invalid-params]",
        ),
    ] {
        let answer = method(&bob.client, "slashCommand", wish.clone()).await;
        assert_eq!(answer["error"]["message"], error, "{wish}");
    }
    let nobody = server.client();
    let answer = method(
        &nobody,
        "slashCommand",
        json!([{"cmd": "help", "msg": message}]),
    )
    .await;
    assert_eq!(answer["error"]["error"], "error-invalid-user");
    assert!(
        bob.history("channels", "GENERAL")
            .await
            .iter()
            .all(|(kind, _)| !kind.is_empty())
    );
}
