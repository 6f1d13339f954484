//! Who may see a room and has no right there: what each route answers them, and that nothing comes of it. (Nobody at
//! all is refused by every route in the same words, and strangers to private rooms in those of the table of strangers.)

use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::on_both_logs;
use tests::server::ServerOptions;

use super::{create, info, people, told};

on_both_logs!(who_has_no_right_is_refused);

const EDIT: &str = "400 error-action-not-allowed";
const NOT: &str = "400 error-not-allowed";
const RIGHT: &str = "403 unauthorized";

/// Requests of channels and groups with what is told. `ROOM` is the room, `ALICE` its owner, `EVE` is in no room.
const ROOMS: &[(&str, &str, &str)] = &[
    ("FAMILY.addAll", r#"{"roomId":"ROOM"}"#, "400 403"),
    (
        "FAMILY.addOwner",
        r#"{"roomId":"ROOM","userId":"BOB"}"#,
        NOT,
    ),
    (
        "FAMILY.removeOwner",
        r#"{"roomId":"ROOM","userId":"ALICE"}"#,
        NOT,
    ),
    (
        "FAMILY.addModerator",
        r#"{"roomId":"ROOM","userId":"BOB"}"#,
        NOT,
    ),
    (
        "FAMILY.removeModerator",
        r#"{"roomId":"ROOM","userId":"ALICE"}"#,
        NOT,
    ),
    (
        "FAMILY.addLeader",
        r#"{"roomId":"ROOM","userId":"BOB"}"#,
        NOT,
    ),
    (
        "FAMILY.removeLeader",
        r#"{"roomId":"ROOM","userId":"ALICE"}"#,
        NOT,
    ),
    (
        "FAMILY.archive",
        r#"{"roomId":"ROOM"}"#,
        "400 error-not-authorized",
    ),
    (
        "groups.unarchive",
        r#"{"roomId":"ROOM"}"#,
        "400 error-not-authorized",
    ),
    ("FAMILY.delete", r#"{"roomId":"ROOM"}"#, NOT),
    ("FAMILY.invite", r#"{"roomId":"ROOM","userId":"EVE"}"#, NOT),
    ("FAMILY.kick", r#"{"roomId":"ROOM","userId":"ALICE"}"#, NOT),
    ("FAMILY.rename", r#"{"roomId":"ROOM","name":"taken"}"#, EDIT),
    ("FAMILY.setTopic", r#"{"roomId":"ROOM","topic":"x"}"#, EDIT),
    (
        "FAMILY.setDescription",
        r#"{"roomId":"ROOM","description":"x"}"#,
        EDIT,
    ),
    (
        "FAMILY.setPurpose",
        r#"{"roomId":"ROOM","purpose":"x"}"#,
        EDIT,
    ),
    (
        "FAMILY.setAnnouncement",
        r#"{"roomId":"ROOM","announcement":"x"}"#,
        EDIT,
    ),
    (
        "FAMILY.setReadOnly",
        r#"{"roomId":"ROOM","readOnly":true}"#,
        EDIT,
    ),
    ("channels.setType", r#"{"roomId":"ROOM","type":"p"}"#, EDIT),
    ("groups.setType", r#"{"roomId":"ROOM","type":"c"}"#, EDIT),
    (
        "FAMILY.setCustomFields",
        r#"{"roomId":"ROOM","customFields":{"a":1}}"#,
        EDIT,
    ),
    (
        "channels.setDefault",
        r#"{"roomId":"ROOM","default":true}"#,
        EDIT,
    ),
    (
        "channels.setJoinCode",
        r#"{"roomId":"ROOM","joinCode":"x"}"#,
        EDIT,
    ),
    (
        "groups.setEncrypted",
        r#"{"roomId":"ROOM","encrypted":true}"#,
        EDIT,
    ),
    ("GET FAMILY.counters?roomId=ROOM&userId=ALICE", "", RIGHT),
    (
        "rooms.saveRoomSettings",
        r#"{"rid":"ROOM","roomName":"taken"}"#,
        EDIT,
    ),
    (
        "rooms.saveRoomSettings",
        r#"{"rid":"ROOM","roomAvatar":""}"#,
        EDIT,
    ),
    (
        "rooms.saveRoomSettings",
        r#"{"rid":"ROOM","systemMessages":["uj"]}"#,
        EDIT,
    ),
    (
        "rooms.saveRoomSettings",
        r#"{"rid":"ROOM","featured":true}"#,
        EDIT,
    ),
    (
        "rooms.saveRoomSettings",
        r#"{"rid":"ROOM","favorite":{"favorite":true}}"#,
        EDIT,
    ),
    (
        "rooms.saveRoomSettings",
        r#"{"rid":"ROOM","reactWhenReadOnly":true}"#,
        EDIT,
    ),
    (
        "rooms.saveRoomSettings",
        r#"{"rid":"ROOM","retentionEnabled":true}"#,
        EDIT,
    ),
    (
        "rooms.saveRoomSettings",
        r#"{"rid":"ROOM","streamingOptions":{}}"#,
        EDIT,
    ),
    (
        "rooms.changeArchivationState",
        r#"{"rid":"ROOM","action":"archive"}"#,
        "400 error-not-authorized",
    ),
    (
        "rooms.changeArchivationState",
        r#"{"rid":"ROOM","action":"unarchive"}"#,
        "400 error-not-authorized",
    ),
    ("rooms.delete", r#"{"roomId":"ROOM"}"#, NOT),
    (
        "rooms.export",
        r#"{"rid":"ROOM","type":"file","format":"json"}"#,
        EDIT,
    ),
    (
        "rooms.muteUser",
        r#"{"roomId":"ROOM","userId":"ALICE"}"#,
        NOT,
    ),
    (
        "rooms.unmuteUser",
        r#"{"roomId":"ROOM","userId":"ALICE"}"#,
        NOT,
    ),
    (
        "rooms.banUser",
        r#"{"roomId":"ROOM","userId":"ALICE"}"#,
        NOT,
    ),
    (
        "rooms.unbanUser",
        r#"{"roomId":"ROOM","userId":"EVE"}"#,
        NOT,
    ),
    ("GET rooms.bannedUsers?roomId=ROOM", "", RIGHT),
];

/// The same of a direct message of alice, bob and a third.
const DIRECT: &[(&str, &str, &str)] = &[
    ("im.setTopic", r#"{"roomId":"ROOM","topic":"x"}"#, EDIT),
    ("im.delete", r#"{"roomId":"ROOM"}"#, NOT),
    ("im.kick", r#"{"roomId":"ROOM","userId":"ALICE"}"#, NOT),
    ("GET im.counters?roomId=ROOM&userId=ALICE", "", RIGHT),
    ("GET im.messages.others?roomId=ROOM", "", RIGHT),
    (
        "rooms.saveRoomSettings",
        r#"{"rid":"ROOM","roomTopic":"x"}"#,
        EDIT,
    ),
    ("rooms.delete", r#"{"roomId":"ROOM"}"#, NOT),
    (
        "rooms.muteUser",
        r#"{"roomId":"ROOM","userId":"ALICE"}"#,
        NOT,
    ),
    (
        "rooms.banUser",
        r#"{"roomId":"ROOM","userId":"ALICE"}"#,
        NOT,
    ),
    (
        "rooms.changeArchivationState",
        r#"{"rid":"ROOM","action":"archive"}"#,
        "400 error-direct-message-room",
    ),
];

/// What is asked of no room.
const EVERYWHERE: &[(&str, &str, &str)] = &[
    ("GET groups.listAll", "", RIGHT),
    ("GET im.list.everyone", "", RIGHT),
];

/// The status, and the error by its type or else its text.
fn refusal(answer: &Answer) -> String {
    let body = &answer.body;
    let error = [&body["errorType"], &body["error"]];
    let error = error.into_iter().find(|error| !error.is_null());
    let error = error.map_or_else(String::new, |error| match error {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    format!("{} {error}", answer.status.as_u16())
}

/// All of a table is asked of a room by somebody, and refused.
async fn all_refused(
    who: &Client,
    (family, room): (&str, &str),
    table: &[(&str, &str, &str)],
    others: &[(&str, &str)],
) {
    let other = if family == "channels" {
        "groups"
    } else {
        "channels"
    };
    let of_other = format!("{other}.");
    for (path, body, expected) in table {
        let path = path.replace("FAMILY", family).replace("ROOM", room);
        if path.starts_with(&of_other) {
            continue;
        }
        let filled = |text: &str| {
            let start = text.replace("ROOM", room);
            others
                .iter()
                .fold(start, |text, (word, id)| text.replace(word, id))
        };
        let (path, body) = (filled(&path), filled(body));
        let answer = match path.strip_prefix("GET ") {
            Some(path) => who.get(path).await,
            None => who.post(&path, serde_json::from_str(&body).unwrap()).await,
        };
        assert_eq!(
            refusal(&answer),
            *expected,
            "{path} {body}: {}",
            answer.body
        );
    }
}

async fn who_has_no_right_is_refused(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    let eve = admin.new_user("eve").await;
    for setting in ["E2E_Enable", "API_Enable_Direct_Message_History_EndPoint"] {
        let on = json!({"value": true});
        admin.post(&format!("settings/{setting}"), on).await.ok();
    }
    let square = create(&alice, "channels", "square", &["bob"]).await;
    let den = create(&alice, "groups", "den", &["bob"]).await;
    let wish = json!({"usernames": "alice,admin"});
    let talk = bob.post("im.create", wish).await.ok();
    let talk = talk["room"]["rid"].as_str().unwrap();
    let others = [
        ("ALICE", alice.user_id.as_str()),
        ("BOB", bob.user_id.as_str()),
        ("EVE", eve.user_id.as_str()),
    ];
    let seen = async || {
        let mut seen = Vec::new();
        for (family, room) in [("channels", &*square), ("groups", &*den), ("im", talk)] {
            seen.push((info(&alice, room).await, told(&alice, family, room).await));
        }
        seen
    };
    let before = seen().await;
    for (who, room, table) in [
        (&bob, ("channels", &*square), ROOMS),
        (&eve, ("channels", &*square), ROOMS),
        (&bob, ("groups", &*den), ROOMS),
        (&bob, ("im", talk), DIRECT),
        (&bob, ("", ""), EVERYWHERE),
    ] {
        all_refused(who, room, table, &others).await;
    }
    assert_eq!(seen().await, before, "nothing came of it");
}
