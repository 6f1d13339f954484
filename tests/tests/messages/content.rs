//! What is found in a message, and what it may carry.

use domain::MessageId;
use domain::message::{self, MessageEvent};
use eventstore::Version;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tests::client::Client;
use tests::log;
use tests::server::{Server, ServerOptions};

use super::steps::{each, edit, group, people, say, send, set, team, text};

tests::on_both_logs![
    code_calls_nobody,
    teams_and_roles_are_called,
    bad_words_are_masked_everywhere,
    custom_fields_are_as_the_schema_has_them,
];

/// How often the room called somebody.
async fn calls(client: &Client, room: &str) -> Value {
    let path = format!("subscriptions.getOne?roomId={room}");
    client.get(&path).await.ok()["subscription"]["userMentions"].clone()
}

async fn code_calls_nobody(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob) = people(&server).await;
    let den = group(&alice, "den", &["bob"]).await;
    for msg in ["`@bob` #general `#general`", "```\n@bob @all\n```"] {
        let said = say(&alice, &den, msg).await;
        assert_eq!(said["mentions"], json!([]), "{said}");
    }
    assert_eq!(calls(&bob, &den).await, 0);
    let said = say(&alice, &den, "`@alice` @bob #general `#den`").await;
    assert_eq!(each(&said["mentions"], "username"), ["bob"], "{said}");
    assert_eq!(each(&said["channels"], "name"), ["general"], "{said}");
    assert_eq!(calls(&bob, &den).await, 1);
    let quiet = edit(&alice, &said, "`@bob`").await.ok();
    assert_eq!(quiet["message"]["mentions"], json!([]), "{quiet}");
}

async fn teams_and_roles_are_called(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    let carl = admin.new_user("carl").await;
    team(&alice, "cooks", 0, &["bob"]).await;
    team(&alice, "secret", 1, &["bob"]).await;
    // The name of a user and of a role.
    team(&alice, "moderator", 0, &["bob"]).await;
    let den = group(&alice, "den", &["bob", "carl"]).await;
    let called = async |by: &Client, msg: &str| {
        let said = say(by, &den, msg).await;
        let mentions = said["mentions"].as_array().unwrap().clone();
        let mut found = Vec::new();
        for mention in mentions {
            found.push((text(&mention["username"]), text(&mention["type"])));
        }
        found
    };
    let named = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
    assert_eq!(
        called(&alice, "@cooks @secret @bob").await,
        [
            named("cooks", "team"),
            named("secret", "team"),
            named("bob", "user")
        ]
    );
    assert_eq!(calls(&bob, &den).await, 1, "once, however often");
    assert_eq!(calls(&carl, &den).await, 0);
    // To whom a team is a secret, it is no team.
    assert_eq!(
        called(&carl, "@secret @cooks").await,
        [named("cooks", "team")]
    );
    assert_eq!(
        called(&alice, "@moderator").await,
        [named("moderator", "team")]
    );
    assert_eq!(
        called(&carl, "@owner @Owner").await,
        [named("owner", "role")]
    );
    assert_eq!(
        calls(&alice, &den).await,
        1,
        "as the owner; nobody calls themselves"
    );
    assert_eq!(called(&carl, "@user @bot @guest @nobody").await, []);
}

async fn bad_words_are_masked_everywhere(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    let den = group(&alice, "den", &["bob"]).await;
    assert_eq!(say(&alice, &den, "tofu, shit").await["msg"], "tofu, shit");
    set(&admin, "Message_AllowBadWordsFilter", true).await;
    set(&admin, "Message_BadWordsFilterList", "tofu, bob").await;
    set(&admin, "Message_BadWordsWhitelist", "damn").await;
    let said = say(&alice, &den, "Tofu, SHIT, damn @bob").await;
    assert_eq!(said["msg"], "****, ****, damn @***");
    assert_eq!(said["mentions"], json!([]), "what is masked calls nobody");
    let edited = edit(&alice, &said, "more tofu").await.ok();
    assert_eq!(edited["message"]["msg"], "more ****");
    let posted = json!({"roomId": den, "text": "tofu"});
    let posted = bob.post("chat.postMessage", posted).await.ok();
    assert_eq!(posted["message"]["msg"], "****");
    let sealed = json!({"msg": "tofu", "t": "e2e"});
    let sealed = send(&alice, &den, sealed).await.ok();
    assert_eq!(sealed["message"]["msg"], "tofu", "opaque to the server");
    set(&admin, "Message_AllowBadWordsFilter", false).await;
    assert_eq!(say(&alice, &den, "tofu").await["msg"], "tofu");
}

async fn custom_fields_are_as_the_schema_has_them(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, _) = people(&server).await;
    let den = group(&alice, "den", &[]).await;
    let fields = |fields: Value| json!({"msg": "x", "customFields": fields});
    let any = send(&alice, &den, fields(json!({"any": [1]}))).await.ok();
    assert_eq!(any["message"]["customFields"], json!({"any": [1]}));
    let refused = send(&alice, &den, fields(json!("text"))).await.refused(400);
    assert!(
        text(&refused["error"]).starts_with("Match error"),
        "{refused}"
    );

    let schema = json!({"properties": {"rank": {"type": "integer", "maximum": 3}},
                        "required": ["rank"], "additionalProperties": false});
    set(&admin, "Message_CustomFields_Enabled", true).await;
    set(&admin, "Message_CustomFields", schema.to_string()).await;
    let good = send(&alice, &den, fields(json!({"rank": 3}))).await.ok();
    let message = &good["message"];
    assert_eq!(message["customFields"], json!({"rank": 3}));
    for bad in [json!({}), json!({"rank": 4}), json!({"rank": 1, "more": 1})] {
        let post = json!({"roomId": den, "text": "x", "customFields": bad});
        let update =
            json!({"roomId": den, "msgId": message["_id"], "text": "x", "customFields": bad});
        for refused in [
            send(&alice, &den, fields(bad.clone())).await,
            alice.post("chat.postMessage", post).await,
            alice.post("chat.update", update).await,
        ] {
            let refused = refused.refused(400);
            assert_eq!(
                refused["errorType"], "error-invalid-custom-field",
                "{refused}"
            );
        }
    }
    let update =
        json!({"roomId": den, "msgId": message["_id"], "text": "x", "customFields": {"rank": 1}});
    let updated = alice.post("chat.update", update).await.ok();
    assert_eq!(updated["message"]["customFields"], json!({"rank": 1}));
    say(&alice, &den, "without any").await;
    set(&admin, "Message_CustomFields", "{").await;
    let refused = send(&alice, &den, fields(json!({"rank": 1})))
        .await
        .refused(400);
    assert_eq!(
        refused["errorType"], "error-invalid-customfield-json",
        "{refused}"
    );
}

#[tokio::test]
async fn what_a_message_carries_has_its_shape() {
    let server = Server::start().await;
    let (_, alice, _) = people(&server).await;
    let point = json!({"type": "Point", "coordinates": [13.4, 52.5]});
    let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": "*hi*"}});
    for (field, good, bad) in [
        (
            "location",
            point,
            json!({"type": "Point", "coordinates": [200, 0]}),
        ),
        ("blocks", json!([section]), json!([{"type": "iframe"}])),
    ] {
        let sent = send(&alice, "GENERAL", json!({"msg": "x", field: good}))
            .await
            .ok();
        assert_eq!(sent["message"][field], good, "{sent}");
        let refused = send(&alice, "GENERAL", json!({"msg": "x", field: bad})).await;
        let refused = refused.refused(400);
        assert!(
            text(&refused["error"]).starts_with("Match error"),
            "{refused}"
        );
    }
    let script = json!({"type": "image", "imageUrl": "javascript:x", "altText": "x"});
    let refused = send(&alice, "GENERAL", json!({"msg": "x", "blocks": [script]})).await;
    assert_eq!(refused.refused(400)["error"], "Invalid href value provided");
}

#[tokio::test]
async fn speaking_as_somebody_else_takes_a_right_in_each_message() {
    let server = Server::start().await;
    let (admin, alice, _) = people(&server).await;
    for part in ["alias", "avatar"] {
        let message = json!({"msg": "x", part: "/a/b"});
        let refused = send(&alice, "GENERAL", message.clone()).await.refused(400);
        assert_eq!(refused["error"], "Not enough permission", "{refused}");
        let roles = json!({"permissions": [{"_id": "message-impersonate", "roles": ["user"]}]});
        admin.post("permissions.update", roles).await.ok();
        let sent = send(&alice, "GENERAL", message).await.ok();
        assert_eq!(sent["message"][part], "/a/b", "{sent}");
        let roles = json!({"permissions": [{"_id": "message-impersonate", "roles": ["bot"]}]});
        admin.post("permissions.update", roles).await.ok();
    }
    let sent = send(&alice, "GENERAL", json!({"msg": "x", "emoji": ":ghost:"})).await;
    assert_eq!(sent.ok()["message"]["emoji"], ":ghost:");
}

#[tokio::test]
async fn spotify_uris_are_links_with_their_source() {
    let server = Server::start().await;
    let (_, alice, _) = people(&server).await;
    let said = say(
        &alice,
        "GENERAL",
        "https://a.example spotify:track:4uLU `spotify:a:b`",
    )
    .await;
    let urls = said["urls"].as_array().unwrap();
    assert_eq!(
        each(&said["urls"], "url"),
        ["https://a.example", "https://open.spotify.com/track/4uLU"]
    );
    assert_eq!(urls[1]["source"], "spotify:track:4uLU", "{said}");
    assert!(urls[0].get("source").is_none(), "{said}");
}

/// What the log has of the links of a message that are to be previewed, after each event.
async fn previewed(server: &mut Server, message: &str) -> Vec<Option<Vec<String>>> {
    server.stop().await;
    let log = log::open(server).await;
    let stream = message::stream(&MessageId::new(message));
    let chunks: Vec<_> = log.read_stream(&stream, Version::FIRST).collect().await;
    log.close().await;
    let events = chunks
        .iter()
        .flat_map(|chunk| chunk.as_ref().unwrap().iter());
    let contents = events.filter_map(|event| match event.decode().unwrap() {
        MessageEvent::MessagePosted(event) => Some(event.content),
        MessageEvent::MessageEdited(event) => Some(event.content),
        _ => None,
    });
    contents.map(|content| content.previewed).collect()
}

#[tokio::test]
async fn links_to_preview_are_chosen_among_those_of_the_message() {
    let mut server = Server::start().await;
    let (_, alice, _) = people(&server).await;
    let (first, second) = ("https://a.example", "https://b.example");
    let msg = format!("{first} {second}");
    let chosen = [second, "https://elsewhere.example"];
    let body = json!({"message": {"rid": "GENERAL", "msg": msg}, "previewUrls": chosen});
    let sent = alice.post("chat.sendMessage", body).await.ok();
    let message = &sent["message"];
    assert_eq!(
        each(&message["urls"], "url"),
        [first, second],
        "all are links"
    );
    let wrong = json!({"message": {"rid": "GENERAL", "msg": msg}, "previewUrls": 1});
    alice.post("chat.sendMessage", wrong).await.refused(400);
    let named = |text: &str| json!({"roomId": "GENERAL", "msgId": message["_id"], "text": text});
    let mut none = named(first);
    none["previewUrls"] = json!([]);
    alice.post("chat.update", none).await.ok();
    alice.post("chat.update", named(second)).await.ok();
    let chosen = [Some(vec![second.to_owned()]), Some(vec![]), None];
    assert_eq!(previewed(&mut server, &text(&message["_id"])).await, chosen);
}
