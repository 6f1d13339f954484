//! What was said last in a room is shown to those who may read the room, whichever list or document has it.

use serde_json::{Value, json};
use tests::client::Client;
use tests::server::Server;

use super::{create, people};

const WORD: &str = "zebrafish";

/// Says the word; returns the id of the message.
async fn say(client: &Client, room: &str) -> Value {
    let message = json!({"message": {"rid": room, "msg": WORD}});
    let said = client.post("chat.sendMessage", message).await.ok();
    said["message"]["_id"].clone()
}

/// Somebody who sees channels and may not look into them before joining.
async fn robot(admin: &Client) -> Client {
    let robot = admin.new_user("robot").await;
    let change = json!({"userId": robot.user_id, "data": {"roles": ["bot"]}});
    admin.post("users.update", change).await.ok();
    robot
}

#[tokio::test]
async fn what_was_said_last_is_for_those_who_may_read_it() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let robot = robot(&admin).await;
    let team = json!({"name": "crew", "type": 0});
    let team = alice.post("teams.create", team).await.ok()["team"]["_id"].clone();
    let extra = json!({"name": "aviary", "extraData": {"teamId": team}});
    let aviary = alice.post("channels.create", extra).await.ok()["channel"]["_id"].clone();
    let aviary = aviary.as_str().unwrap();
    let room = create(&alice, "channels", "aquarium", &[]).await;
    say(&alice, aviary).await;
    let about = say(&alice, &room).await;
    let begin = json!({"prid": room, "t_name": "More", "pmid": about, "reply": WORD});
    let begun = alice.post("rooms.createDiscussion", begin).await.ok();
    let discussion = begun["discussion"]["_id"].as_str().unwrap();
    say(&alice, &room).await;
    let team = team.as_str().unwrap();
    for path in [
        format!("channels.info?roomId={room}"),
        format!("rooms.info?roomId={room}"),
        "channels.list".to_owned(),
        "directory".to_owned(),
        format!("rooms.getDiscussions?roomId={room}"),
        format!("channels.info?roomId={discussion}"),
        format!("teams.listRooms?teamId={team}"),
        format!("teams.listChildren?teamId={team}"),
    ] {
        let seen = bob.get(&path).await.ok().to_string();
        assert!(seen.contains(WORD), "who may look in: {path}: {seen}");
        let seen = robot.get(&path).await.ok().to_string();
        assert!(!seen.contains(WORD), "{path}: {seen}");
    }
    let call = json!({"message":
        json!({"msg": "method", "id": "1", "method": "getRoomById", "params": [room]}).to_string()});
    let seen = robot.post("method.call/getRoomById", call).await.ok();
    assert!(!seen.to_string().contains(WORD), "{seen}");

    robot
        .post("channels.join", json!({"roomId": room}))
        .await
        .ok();
    let seen = robot.get(&format!("channels.info?roomId={room}")).await;
    assert!(seen.ok().to_string().contains(WORD), "once they are in it");
}

#[tokio::test]
async fn nobody_finds_a_room_by_what_they_may_not_read() {
    let server = Server::start().await;
    let (admin, alice, _) = people(&server).await;
    let robot = robot(&admin).await;
    let room = create(&alice, "channels", "aquarium", &[]).await;
    let den = create(&alice, "groups", "den", &[]).await;
    say(&alice, &room).await;
    say(&alice, &den).await;
    let query = json!({"lastMessage.msg": {"$regex": "^zebra"}});
    for (who, path) in [(&robot, "channels.list"), (&admin, "groups.listAll")] {
        let found = who.get(&format!("{path}?query={query}")).await.ok();
        assert_eq!(found["total"], 0, "{path}: {found}");
        let all = who.get(path).await.ok().to_string();
        assert!(!all.contains(WORD), "{path}: {all}");
    }
    robot
        .get(&format!("channels.online?query={query}"))
        .await
        .refused(400);
}
