//! Settings of rooms, one by one and all at once, over REST and as methods.

use serde_json::{Value, json};
use tests::client::Client;
use tests::method::method;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use super::{create, info, people, told};

/// The name of a setting and what is sent, the field it is in and what is in it then, and what the room is told.
type Saved = (
    &'static str,
    Value,
    &'static str,
    Value,
    Option<(&'static str, &'static str)>,
);

/// Every setting but the picture.
fn table() -> Vec<Saved> {
    vec![
        (
            "roomName",
            json!("chamber"),
            "name",
            json!("chamber"),
            Some(("r", "chamber")),
        ),
        (
            "roomTopic",
            json!("tea"),
            "topic",
            json!("tea"),
            Some(("room_changed_topic", "tea")),
        ),
        (
            "roomAnnouncement",
            json!({"message": "soon", "style": "red"}),
            "announcementDetails",
            json!({"style": "red"}),
            Some(("room_changed_announcement", "soon")),
        ),
        (
            "roomCustomFields",
            json!({"floor": 3}),
            "customFields",
            json!({"floor": 3}),
            None,
        ),
        (
            "roomDescription",
            json!("warm"),
            "description",
            json!("warm"),
            Some(("room_changed_description", "warm")),
        ),
        (
            "roomType",
            json!("c"),
            "t",
            json!("c"),
            Some(("room_changed_privacy", "Channel")),
        ),
        (
            "roomType",
            json!("p"),
            "t",
            json!("p"),
            Some(("room_changed_privacy", "Private Group")),
        ),
        (
            "readOnly",
            json!(true),
            "ro",
            json!(true),
            Some(("room-set-read-only", "")),
        ),
        (
            "reactWhenReadOnly",
            json!(true),
            "reactWhenReadOnly",
            json!(true),
            Some(("room-allowed-reacting", "")),
        ),
        (
            "systemMessages",
            json!(["uj", "au"]),
            "sysMes",
            json!(["au", "uj"]),
            None,
        ),
        ("default", json!(true), "default", json!(true), None),
        (
            "joinCode",
            json!("sesame"),
            "joinCodeRequired",
            json!(true),
            None,
        ),
        (
            "joinCode",
            json!(" "),
            "joinCodeRequired",
            json!(false),
            None,
        ),
        (
            "streamingOptions",
            json!({"id": "x", "isAudioOnly": true}),
            "streamingOptions",
            json!({"id": "x", "isAudioOnly": true}),
            None,
        ),
        (
            "retentionEnabled",
            json!(true),
            "retention",
            json!({"enabled": true}),
            None,
        ),
        (
            "retentionMaxAge",
            json!(0),
            "retention",
            json!({"enabled": true, "maxAge": 30}),
            None,
        ),
        (
            "encrypted",
            json!(true),
            "encrypted",
            json!(true),
            Some(("room_e2e_enabled", "admin")),
        ),
        (
            "favorite",
            json!({"favorite": true, "defaultValue": true}),
            "favorite",
            json!(true),
            None,
        ),
        ("featured", json!(true), "featured", json!(true), None),
    ]
}

async fn save(client: &Client, room: &str, name: &str, value: &Value) -> tests::client::Answer {
    let wish = json!({"rid": room, name: value});
    client.post("rooms.saveRoomSettings", wish).await
}

on_both_logs![every_setting_is_saved_and_told, joining_takes_the_code,];

async fn every_setting_is_saved_and_told(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let on = json!({"value": true});
    admin.post("settings/E2E_Enable", on).await.ok();
    let room = create(&admin, "groups", "room", &[]).await;
    let mut wanted = Vec::new();
    for (name, value, field, becomes, message) in table() {
        let answer = save(&admin, &room, name, &value).await.ok();
        assert_eq!(answer["rid"], json!(room), "{name}");
        let now = info(&admin, &room).await;
        assert_eq!(now[field], becomes, "{name}: {now}");
        save(&admin, &room, name, &value).await.ok();
        wanted.extend(message.map(|(kind, text)| (kind.to_owned(), text.to_owned())));
    }
    let family = "groups";
    assert_eq!(
        told(&admin, family, &room).await,
        wanted,
        "saying it twice tells it once"
    );
    let listed = admin.get("rooms.get").await.ok();
    let rooms = listed["update"].as_array().unwrap();
    let listed = rooms.iter().find(|one| one["_id"] == json!(room)).unwrap();
    for hidden in ["featured", "favorite", "joinCode", "avatarOrigin"] {
        assert!(listed.get(hidden).is_none(), "{hidden} in {listed}");
    }
    let path = format!("subscriptions.getOne?roomId={room}");
    let place = admin.get(&path).await.ok();
    let place = &place["subscription"];
    assert_eq!(
        (&place["name"], &place["customFields"], &place["t"]),
        (&json!("chamber"), &json!({"floor": 3}), &json!("p")),
        "{place}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_saved_is_refused_and_nothing_else_is_saved_with_it() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let room = create(&alice, "channels", "room", &["bob"]).await;
    let refusals = [
        (&alice, "roomColour", json!("red"), "error-invalid-settings"),
        (
            &alice,
            "roomCustomFields",
            json!("x"),
            "invalid-roomCustomFields-type",
        ),
        (&alice, "roomType", json!("d"), "error-invalid-room-type"),
        (
            &alice,
            "systemMessages",
            json!(["discussion-created"]),
            "invalid-room",
        ),
        (&alice, "encrypted", json!(true), "error-action-not-allowed"),
        (&alice, "default", json!(true), "error-action-not-allowed"),
        (&alice, "featured", json!(true), "error-action-not-allowed"),
        (&alice, "favorite", json!({}), "error-action-not-allowed"),
        (
            &alice,
            "retentionEnabled",
            json!(true),
            "error-action-not-allowed",
        ),
        (
            &alice,
            "roomName",
            json!("general"),
            "error-duplicate-channel-name",
        ),
        (&alice, "roomName", json!("bob"), "error-duplicate-handle"),
        (&alice, "roomName", json!("a b"), "error-invalid-room-name"),
        (&alice, "roomAvatar", json!("x"), "error-invalid-file-type"),
        (
            &bob,
            "roomDescription",
            json!("x"),
            "error-action-not-allowed",
        ),
    ];
    for (who, name, value, code) in refusals {
        let wish = json!({"rid": room, "roomTopic": "other", name: value});
        let refusal = who.post("rooms.saveRoomSettings", wish).await.refused(400);
        assert_eq!(refusal["errorType"], code, "{name}: {refusal}");
    }
    for (name, value) in [
        ("readOnly", json!("true")),
        ("roomTopic", json!(1)),
        ("systemMessages", json!("uj")),
        ("streamingOptions", json!({"colour": "red"})),
        ("retentionMaxAge", json!(-1)),
    ] {
        let refusal = save(&alice, &room, name, &value).await.refused(400);
        let error = refusal["error"].as_str().unwrap();
        assert!(error.starts_with("Match error"), "{name}: {refusal}");
    }
    let unknown = save(&admin, "nowhere", "roomTopic", &json!("x")).await;
    assert_eq!(unknown.refused(400)["errorType"], "error-invalid-room");
    assert_eq!(
        info(&alice, &room).await.get("topic"),
        None,
        "nothing was saved"
    );
    assert_eq!(
        told(&alice, "channels", &room).await,
        [],
        "nothing was told"
    );
}

/// The routes with one setting each: what they take, what the answer has, and the refusal of what is so already.
#[tokio::test(flavor = "multi_thread")]
async fn single_settings_have_routes_of_their_own() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let channel = create(&admin, "channels", "square", &[]).await;
    let group = create(&admin, "groups", "den", &[]).await;
    let on = json!({"value": true});
    admin.post("settings/E2E_Enable", on).await.ok();
    let fields = json!({"a": 1});
    let wishes = [
        (
            "channels.setCustomFields",
            &channel,
            "customFields",
            &fields,
            "channel",
        ),
        (
            "groups.setCustomFields",
            &group,
            "customFields",
            &fields,
            "group",
        ),
        (
            "channels.setDefault",
            &channel,
            "default",
            &json!("true"),
            "channel",
        ),
        (
            "channels.setJoinCode",
            &channel,
            "joinCode",
            &json!("x"),
            "channel",
        ),
        (
            "groups.setEncrypted",
            &group,
            "encrypted",
            &json!(true),
            "group",
        ),
    ];
    for (route, room, name, value, key) in wishes {
        let wish = json!({"roomId": room, name: value});
        let answer = admin.post(route, wish).await.ok();
        assert_eq!(answer[key]["_id"], json!(room), "{route}: {answer}");
        let without = json!({"roomId": room});
        let refusal = admin.post(route, without).await.refused(400);
        let error = refusal["error"].as_str().unwrap();
        let wanted = format!("The bodyParam \"{name}\" is required");
        assert!(error.starts_with(&wanted), "{route}: {refusal}");
    }
    let same = json!({"roomId": channel, "default": true});
    let same = admin.post("channels.setDefault", same).await.refused(400);
    assert_eq!(
        (&same["error"], &same["errorType"]),
        (
            &json!("The channel default setting is the same as what it would be changed to."),
            &json!("error-channels-setdefault-missing-default-param")
        )
    );
    let same = json!({"roomId": channel, "type": "c"});
    let same = admin.post("channels.setType", same).await.refused(400);
    assert_eq!(
        same["error"],
        "The channel type is the same as what it would be changed to."
    );
    let closed = json!({"roomId": channel, "type": "p"});
    let closed = admin.post("channels.setType", closed).await.ok();
    assert_eq!(closed["channel"]["t"], "p", "under the key of its old kind");
    assert_eq!(
        closed["channel"].get("default"),
        None,
        "nobody joins it by themselves"
    );
}

async fn joining_takes_the_code(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    let room = create(&alice, "channels", "room", &[]).await;
    save(&alice, &room, "joinCode", &json!("sesame")).await.ok();
    for wrong in [
        json!({"roomId": room}),
        json!({"roomId": room, "joinCode": "Sesame"}),
    ] {
        let refusal = bob.post("channels.join", wrong).await.refused(400);
        assert_eq!(
            refusal["error"],
            "Invalid Room Password [error-code-invalid]"
        );
    }
    let aside = json!({"channel": room, "text": "let me in"});
    let aside = bob.post("chat.postMessage", aside).await.refused(400);
    assert_eq!(
        aside["errorType"], "error-code-invalid",
        "no way round the code: {aside}"
    );
    let right = json!({"roomId": room, "joinCode": "sesame"});
    bob.post("channels.join", right).await.ok();
    let without = json!({"roomId": room});
    admin.post("channels.join", without).await.ok();
    let code = method(&admin, "getRoomJoinCode", json!([room])).await;
    assert_eq!(code["result"], "sesame", "{code}");
    let hidden = method(&bob, "getRoomJoinCode", json!([room])).await;
    assert_eq!(hidden["error"]["error"], "error-not-authorized", "{hidden}");
    let record = admin.get("audit/events?type=JoinCodeSet");
    let record = record.await;
    assert!(
        !record.body.to_string().contains("sesame"),
        "{}",
        record.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_change_rooms_as_rest_does() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let room = create(&alice, "channels", "room", &["bob"]).await;
    let saved = method(
        &alice,
        "saveRoomSettings",
        json!([room, "roomTopic", "tea"]),
    )
    .await;
    assert_eq!(
        saved["result"],
        json!({"result": true, "rid": room}),
        "{saved}"
    );
    let many = json!([room, {"roomDescription": "warm", "readOnly": true}]);
    method(&alice, "saveRoomSettings", many).await;
    let now = info(&alice, &room).await;
    assert_eq!(
        (&now["topic"], &now["description"], &now["ro"]),
        (&json!("tea"), &json!("warm"), &json!(true))
    );
    for (name, params, code) in [
        (
            "saveRoomSettings",
            json!([1, "roomTopic", "x"]),
            "error-invalid-room",
        ),
        (
            "saveRoomSettings",
            json!([room, "roomTopic", "x"]),
            "error-action-not-allowed",
        ),
        ("archiveRoom", json!([room]), "error-not-authorized"),
        ("unarchiveRoom", json!([room]), "error-not-authorized"),
        ("archiveRoom", json!(["nowhere"]), "error-invalid-room"),
        ("eraseRoom", json!([room]), "error-not-allowed"),
        ("eraseRoom", json!(["nowhere"]), "error-invalid-room"),
    ] {
        let refusal = method(&bob, name, params).await;
        assert_eq!(refusal["error"]["error"], code, "{name}: {refusal}");
    }
    method(&alice, "archiveRoom", json!([room])).await;
    assert_eq!(
        method(&alice, "roomNameExists", json!(["room"])).await["result"],
        true
    );
    let back = json!({"rid": room, "action": "unarchive"});
    admin.post("rooms.changeArchivationState", back).await.ok();
    assert_eq!(info(&alice, &room).await["archived"], false);
    let gone = method(&alice, "eraseRoom", json!([room])).await;
    assert_eq!(gone["result"], true, "{gone}");
    assert_eq!(
        method(&alice, "roomNameExists", json!(["room"])).await["result"],
        false
    );
    let exists = admin.get("rooms.nameExists?roomName=general").await.ok();
    assert_eq!(exists["exists"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_change_and_delete_groups_they_are_not_in() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let room = create(&alice, "groups", "den", &[]).await;
    save(&admin, &room, "roomTopic", &json!("tidy")).await.ok();
    assert_eq!(info(&alice, &room).await["topic"], "tidy");
    let stranger = save(&bob, &room, "roomTopic", &json!("x"))
        .await
        .refused(400);
    assert_eq!(
        stranger["errorType"], "error-invalid-room",
        "there is none for bob"
    );
    let stranger = json!({"roomId": room});
    let refusal = bob
        .post("rooms.delete", stranger.clone())
        .await
        .refused(400);
    assert_eq!(refusal["errorType"], "error-invalid-room");
    admin.post("rooms.delete", stranger).await.ok();
    let without = admin.post("rooms.delete", json!({})).await.refused(400);
    assert_eq!(without["error"], "The 'roomId' param is required");
}
