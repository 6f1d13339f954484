//! Who is in a room, and how they stand there: muted, kept out, added, removed, listed.

use std::time::Duration;

use serde_json::{Value, json};
use tests::client::Client;
use tests::live::Live;
use tests::method::method;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use super::{at_once, id};

on_both_logs![
    the_banned_come_back_when_they_are_unbanned,
    everybody_is_added,
    who_is_banned_stays_out_however_close_it_was,
    one_owner_stays_however_many_leave,
    who_left_the_default_rooms_joins_them_again,
];

/// An administrator, the owner of a room of that kind with `bob` in it, `bob`, a stranger, and the room.
async fn scene(server: &Server, family: &str) -> (Client, Client, Client, Client, String) {
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    let eve = admin.new_user("eve").await;
    let wish = json!({"name": "den", "members": ["bob"]});
    let made = alice.post(&format!("{family}.create"), wish).await.ok();
    let key = if family == "channels" {
        "channel"
    } else {
        "group"
    };
    let room = id(&made, key);
    (admin, alice, bob, eve, room)
}

async fn post(who: &Client, room: &str) -> tests::client::Answer {
    let message = json!({"message": {"rid": room, "msg": "hello"}});
    who.post("chat.sendMessage", message).await
}

async fn room_of(who: &Client, room: &str) -> Value {
    who.get(&format!("rooms.info?roomId={room}")).await.ok()["room"].clone()
}

/// The kinds of the system messages of a room with their texts, the newest first.
async fn told(who: &Client, family: &str, room: &str) -> Vec<(String, String)> {
    let history = who
        .get(&format!("{family}.messages?roomId={room}"))
        .await
        .ok();
    let messages = history["messages"].as_array().unwrap().iter();
    messages
        .filter_map(|message| {
            let text = |field: &str| message[field].as_str().unwrap_or_default().to_owned();
            message["t"].is_string().then(|| (text("t"), text("msg")))
        })
        .collect()
}

fn told_so(kinds: &[(&str, &str)]) -> Vec<(String, String)> {
    kinds
        .iter()
        .map(|(kind, text)| ((*kind).to_owned(), (*text).to_owned()))
        .collect()
}

#[tokio::test]
async fn the_muted_do_not_post_and_the_unmuted_may_where_it_is_read_only() {
    let server = Server::start().await;
    let (_, alice, bob, _, room) = scene(&server, "groups").await;
    let by_id = json!({"roomId": room, "userId": bob.user_id});
    alice.post("rooms.muteUser", by_id.clone()).await.ok();
    let refused = post(&bob, &room).await.refused(400);
    assert_eq!(refused["error"], "You_have_been_muted");
    let seen = room_of(&bob, &room).await;
    assert_eq!(
        (&seen["muted"], &seen["unmuted"]),
        (&json!(["bob"]), &Value::Null)
    );

    // The name in the document follows.
    let renamed = json!({"data": {"username": "robert"}});
    bob.post("users.updateOwnBasicInfo", renamed).await.ok();
    assert_eq!(room_of(&bob, &room).await["muted"], json!(["robert"]));
    post(&bob, &room).await.refused(400);

    let wish = json!({"roomId": room, "readOnly": true});
    alice.post("groups.setReadOnly", wish).await.ok();
    let unmute = json!([{"rid": room, "username": "robert"}]);
    let unmuted = method(&alice, "unmuteUserInRoom", unmute).await;
    assert_eq!(unmuted["result"], true, "{unmuted}");
    post(&bob, &room).await.ok();
    let seen = room_of(&bob, &room).await;
    assert_eq!(
        (&seen["muted"], &seen["unmuted"]),
        (&Value::Null, &json!(["robert"]))
    );
    assert_eq!(
        told(&alice, "groups", &room).await[..3],
        told_so(&[
            ("user-unmuted", "robert"),
            ("room-set-read-only", ""),
            ("user-muted", "bob")
        ])
    );
}

#[tokio::test]
async fn leaving_does_not_unmute() {
    let server = Server::start().await;
    let (_, alice, bob, _, room) = scene(&server, "channels").await;
    let mute = json!([{"rid": room, "username": "bob"}]);
    method(&alice, "muteUserInRoom", mute.clone()).await;
    let it = json!({"roomId": room});
    bob.post("channels.leave", it.clone()).await.ok();
    post(&bob, &room).await.refused(400);
    let gone = method(&alice, "muteUserInRoom", mute).await;
    assert_eq!(gone["error"]["error"], "error-user-not-in-room", "{gone}");
    bob.post("channels.join", it).await.ok();
    let refused = post(&bob, &room).await.refused(400);
    assert_eq!(refused["error"], "You_have_been_muted");
}

#[tokio::test]
async fn what_is_refused() {
    let server = Server::start().await;
    let (_, alice, bob, eve, room) = scene(&server, "channels").await;
    let direct = alice
        .post("im.create", json!({"username": "bob"}))
        .await
        .ok();
    let direct = direct["room"]["rid"].as_str().unwrap().to_owned();
    let (bobs, nobodys) = (
        json!({"roomId": room, "userId": bob.user_id}),
        json!({"roomId": room, "username": "nobody"}),
    );
    let alices = json!({"roomId": room, "username": "alice"});
    let eves = json!({"roomId": room, "username": "eve"});
    let both = json!({"roomId": room, "userId": bob.user_id, "username": "bob"});
    let talk = json!({"roomId": direct, "username": "bob"});
    let nowhere = json!({"roomId": "nowhere", "username": "bob"});
    for (who, path, wish, code) in [
        (&eve, "rooms.muteUser", &bobs, "error-not-allowed"),
        (&bob, "rooms.muteUser", &alices, "error-not-allowed"),
        (&alice, "rooms.muteUser", &eves, "error-user-not-in-room"),
        (&alice, "rooms.muteUser", &nobodys, "error-invalid-user"),
        (&alice, "rooms.muteUser", &nowhere, "error-room-not-found"),
        (&alice, "rooms.muteUser", &both, "invalid-params"),
        (&alice, "rooms.muteUser", &talk, "error-not-allowed"),
        (&eve, "rooms.unmuteUser", &bobs, "error-not-allowed"),
        (&eve, "rooms.banUser", &bobs, "error-not-allowed"),
        (&alice, "rooms.banUser", &alices, "error-you-are-last-owner"),
        (&alice, "rooms.banUser", &nobodys, "error-invalid-user"),
        (&alice, "rooms.banUser", &talk, "error-not-allowed"),
        (&eve, "rooms.unbanUser", &bobs, "error-not-allowed"),
    ] {
        let refused = who.post(path, wish.clone()).await.refused(400);
        assert_eq!(refused["errorType"], code, "{path} {wish}: {refused}");
    }
    eve.get(&format!("rooms.bannedUsers?roomId={room}"))
        .await
        .refused(403);
    let owner = json!([room, bob.user_id]);
    for (name, params, code) in [
        (
            "muteUserInRoom",
            json!([{"rid": room, "username": "bob"}]),
            "error-not-allowed",
        ),
        (
            "removeUserFromRoom",
            json!([{"rid": room, "username": "bob"}]),
            "error-not-allowed",
        ),
        ("addRoomOwner", owner.clone(), "error-not-allowed"),
        ("removeRoomLeader", owner, "error-not-allowed"),
        ("leaveRoom", json!([room]), "error-user-not-in-room"),
        ("joinRoom", json!(["nowhere"]), "error-invalid-room"),
        (
            "addUserToRoom",
            json!([{"rid": room, "username": "eve"}]),
            "error-not-allowed",
        ),
        ("getUsersOfRoom", json!(["nowhere", true]), "not-authorized"),
    ] {
        let refused = method(&eve, name, params).await;
        assert_eq!(refused["error"]["error"], code, "{name}: {refused}");
        if code == "error-not-allowed" && name != "addUserToRoom" {
            assert_eq!(refused["error"]["details"]["method"], name, "{refused}");
        }
    }
    let forbidden = method(&eve, "addAllUserToRoom", json!([room])).await;
    assert_eq!(forbidden["error"]["error"], 403, "{forbidden}");
    assert_eq!(
        room_of(&alice, &room).await["usersCount"],
        2,
        "nothing happened"
    );
}

async fn the_banned_come_back_when_they_are_unbanned(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob, eve, room) = scene(&server, "channels").await;
    let it = json!({"roomId": room});
    let bobs = json!({"roomId": room, "userId": bob.user_id});
    alice.post("rooms.banUser", bobs.clone()).await.ok();
    alice.post("rooms.banUser", bobs.clone()).await.ok();
    alice
        .post("rooms.banUser", json!({"roomId": room, "username": "eve"}))
        .await
        .ok();
    assert_eq!(room_of(&alice, &room).await["usersCount"], 1);
    assert_eq!(
        told(&alice, "channels", &room).await,
        told_so(&[("ru", "bob")])
    );
    let banned = alice
        .get(&format!("rooms.bannedUsers?roomId={room}&count=1"))
        .await
        .ok();
    assert_eq!(
        (
            &banned["bannedUsers"][0]["username"],
            &banned["count"],
            &banned["total"]
        ),
        (&json!("bob"), &json!(1), &json!(2))
    );
    let term = json!({"rid": room, "days": 0, "maxUses": 0});
    let link = alice.post("findOrCreateInvite", term).await.ok();
    let token = json!({"token": link["_id"]});
    let wish = json!({"prid": room, "t_name": "About bob"});
    let begun = alice.post("rooms.createDiscussion", wish).await.ok();
    let discussion = json!({"roomId": begun["discussion"]["_id"]});
    for (who, path, wish) in [
        (&bob, "channels.join", &it),
        (&eve, "rooms.join", &it),
        (&alice, "channels.invite", &bobs),
        (&bob, "useInviteToken", &token),
        (&bob, "rooms.join", &discussion),
    ] {
        let refused = who.post(path, wish.clone()).await.refused(400);
        assert_eq!(refused["errorType"], "error-user-is-banned", "{path}");
    }
    let joined = method(&bob, "joinRoom", json!([room])).await;
    assert_eq!(joined["error"]["error"], "error-user-is-banned", "{joined}");
    post(&bob, &room).await.refused(400);
    // A mention takes nobody in who is kept out.
    let mention = json!({"message": {"rid": room, "msg": "@bob"}});
    alice.post("chat.sendMessage", mention).await.ok();
    assert_eq!(room_of(&alice, &room).await["usersCount"], 1);

    alice.post("rooms.unbanUser", bobs).await.ok();
    let joined = bob.post("rooms.join", it).await.ok();
    assert_eq!(joined["room"]["usersCount"], 2, "{joined}");
    post(&bob, &room).await.ok();
}

async fn who_is_banned_stays_out_however_close_it_was(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, _, eve, _) = scene(&server, "channels").await;
    for round in 0..10 {
        let wish = json!({"name": format!("round-{round}")});
        let room = id(&alice.post("channels.create", wish).await.ok(), "channel");
        let (it, eves) = (
            json!({"roomId": room}),
            json!({"roomId": room, "userId": eve.user_id}),
        );
        at_once([
            (&alice, "rooms.banUser", &eves),
            (&eve, "channels.join", &it),
            (&admin, "channels.invite", &eves),
        ])
        .await;
        let path = format!("rooms.isMember?roomId={room}&userId={}", eve.user_id);
        let answer = alice.get(&path).await.ok();
        assert_eq!(answer["isMember"], false, "in round {round}");
        let banned = alice
            .get(&format!("rooms.bannedUsers?roomId={room}"))
            .await
            .ok();
        assert_eq!(banned["total"], 1, "in round {round}");
    }
}

async fn one_owner_stays_however_many_leave(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob, eve, _) = scene(&server, "channels").await;
    for round in 0..5 {
        let wish = json!({"name": format!("round-{round}"), "members": ["bob", "eve"]});
        let room = id(&alice.post("channels.create", wish).await.ok(), "channel");
        for other in [&bob, &eve] {
            let named = json!({"roomId": room, "userId": other.user_id});
            alice.post("channels.addOwner", named).await.ok();
        }
        let it = json!({"roomId": room});
        let bobs = json!({"roomId": room, "userId": bob.user_id});
        at_once([
            (&alice, "channels.leave", &it),
            (&eve, "rooms.leave", &it),
            (&alice, "rooms.banUser", &bobs),
        ])
        .await;
        let roles = alice.get(&format!("rooms.roles?rid={room}")).await.ok();
        let owners = roles["roles"].as_array().unwrap().len();
        assert!(owners >= 1, "no owner is left in round {round}: {roles}");
    }
}

/// The user names in a list, in its order.
fn names(answer: &Value, list: &str) -> Vec<String> {
    let items = answer[list].as_array();
    let items = items.unwrap_or_else(|| panic!("{list} in {answer}"));
    let name = |item: &Value| item["username"].as_str().unwrap_or_default().to_owned();
    items.iter().map(name).collect()
}

#[tokio::test]
async fn lists_of_members() {
    let server = Server::start().await;
    let (admin, alice, bob, eve, room) = scene(&server, "channels").await;
    let add = json!([{"rid": room, "users": ["eve", "carol", "dave"]}]);
    for name in ["carol", "dave"] {
        admin.new_user(name).await;
    }
    let added = method(&alice, "addUsersToRoom", add).await;
    assert_eq!(added["result"], true, "{added}");
    let moderator = method(&alice, "addRoomModerator", json!([room, eve.user_id])).await;
    assert_eq!(moderator["result"], true, "{moderator}");
    // Shown as there, without a connection.
    let away = json!({"status": "away", "message": ""});
    bob.post("users.setStatus", away).await.ok();
    let mut live = tests::live::Live::connect(&server, &eve, None).await;
    live.send(&json!({"subscribe": {"rooms": [], "self": true}}))
        .await;
    live.answer("ready").await;

    let lists: &[(&str, &str, &[&str])] = &[
        (
            "channels.members?",
            "members",
            &["eve", "alice", "bob", "carol", "dave"],
        ),
        (
            "channels.members?sort={\"username\":-1}&",
            "members",
            &["eve", "dave", "carol", "bob", "alice"],
        ),
        (
            "channels.members?offset=1&count=2&",
            "members",
            &["alice", "bob"],
        ),
        ("channels.members?status[]=online&", "members", &["eve"]),
        (
            "channels.members?status[]=away&status[]=online&",
            "members",
            &["eve", "bob"],
        ),
        (
            "channels.members?status[]=offline&filter=A&",
            "members",
            &["alice", "carol", "dave"],
        ),
        ("channels.members?status[]=nonsense&", "members", &[]),
        (
            "rooms.membersOrderedByRole?",
            "members",
            &["alice", "eve", "bob", "carol", "dave"],
        ),
        (
            "rooms.membersOrderedByRole?sort={\"rolePriority\":-1}&count=3&",
            "members",
            &["bob", "carol", "dave"],
        ),
    ];
    for (path, list, expected) in lists {
        let answer = alice.get(&format!("{path}roomId={room}")).await.ok();
        assert_eq!(names(&answer, list), *expected, "{path}");
    }
    let refused = alice
        .get(&format!("channels.members?roomId={room}&status=online"))
        .await
        .refused(400);
    let error = refused["error"].as_str().unwrap_or_default();
    assert!(error.starts_with("Match error"), "{refused}");
    let first = alice
        .get(&format!("rooms.membersOrderedByRole?roomId={room}&count=1"))
        .await
        .ok()["members"][0]
        .clone();
    assert_eq!(first["roles"], json!(["owner"]), "{first}");
    assert!(first["subscription"]["_id"].is_string(), "{first}");

    let online = alice
        .get("channels.online?query={\"name\":\"den\"}")
        .await
        .ok();
    assert_eq!(names(&online, "online"), ["bob", "eve"]);
    let path = format!("channels.online?_id={room}");
    let online = alice.get(&path).await.ok();
    assert_eq!(names(&online, "online"), ["bob", "eve"]);
    for (query, error) in [
        ("", "Invalid query"),
        ("?_id=nowhere", "Channel does not exists"),
        ("?query={\"name\":\"nowhere\"}", "Channel does not exists"),
    ] {
        let refused = alice
            .get(&format!("channels.online{query}"))
            .await
            .refused(400);
        assert_eq!(refused["error"], error);
    }
    let there = method(
        &alice,
        "getUsersOfRoom",
        json!([room, false, {"limit": 1}, ""]),
    )
    .await;
    assert_eq!(there["result"]["total"], 2, "{there}");
    assert_eq!(names(&there["result"], "records"), ["eve"]);
    let roles = method(&bob, "getRoomRoles", json!([room])).await;
    let by_rest = bob.get(&format!("rooms.roles?rid={room}")).await.ok();
    assert_eq!(roles["result"], by_rest["roles"]);
    assert_eq!(by_rest["roles"].as_array().unwrap().len(), 2, "{by_rest}");
}

#[tokio::test]
async fn who_is_in_a_room_for_announcements_is_not_told_to_its_readers() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (alice, bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    let eve = admin.new_user("eve").await;
    let wish = json!({"name": "news", "members": ["bob", "eve"], "extraData": {"broadcast": true}});
    let made = alice.post("channels.create", wish).await.ok();
    let room = super::id(&made, "channel");
    // Shown as there, without a connection.
    let away = json!({"status": "away", "message": ""});
    eve.post("users.setStatus", away).await.ok();
    let online = format!(r#"channels.online?query={{"_id":"{room}"}}"#);
    bob.get(&online).await.refused(403);
    alice.get(&online).await.ok();

    let beside = format!("spotlight?query=@eve&rid={room}");
    for (who, outside) in [(&bob, json!(true)), (&alice, Value::Null)] {
        let found = who.get(&beside).await.ok();
        assert_eq!(found["users"][0]["outside"], outside, "{found}");
    }
}

#[tokio::test]
async fn fields_that_are_searched() {
    let server = Server::start().await;
    let (admin, alice, _, _, room) = scene(&server, "channels").await;
    let found = async |filter: &str| {
        let path = format!("channels.members?roomId={room}&filter={filter}");
        names(&alice.get(&path).await.ok(), "members")
    };
    assert_eq!(found("BOB").await, ["bob"], "by user name and name");
    assert!(
        found("example.org").await.is_empty(),
        "addresses are not searched"
    );
    let fields = json!({"value": "emails"});
    admin
        .post("settings/Accounts_SearchFields", fields)
        .await
        .ok();
    assert_eq!(found("BOB@example").await, ["bob"]);
    assert_eq!(found("example.org").await, ["alice", "bob"]);
}

async fn everybody_is_added(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, _, eve, room) = scene(&server, "groups").await;
    let it = json!({"roomId": room});
    let forbidden = alice.post("groups.addAll", it.clone()).await.refused(400);
    assert_eq!(
        (&forbidden["errorType"], &forbidden["error"]),
        (&json!(403), &json!("Access to Method Forbidden [403]"))
    );
    let banned = json!({"roomId": room, "userId": eve.user_id});
    alice.post("rooms.banUser", banned).await.ok();
    let invite = json!({"roomId": room, "username": "admin"});
    alice.post("groups.invite", invite).await.ok();
    for name in ["carol", "dave"] {
        admin.new_user(name).await;
    }
    let found = admin.get("users.info?username=dave").await.ok();
    let dave = json!({"userId": found["user"]["_id"], "activeStatus": false});
    admin.post("users.setActiveStatus", dave).await.ok();

    let few = json!({"value": 3});
    admin.post("settings/API_User_Limit", few).await.ok();
    let refused = admin.post("groups.addAll", it.clone()).await.refused(400);
    assert_eq!(
        refused["errorType"], "error-user-limit-exceeded",
        "{refused}"
    );
    let many = json!({"value": 500});
    admin.post("settings/API_User_Limit", many).await.ok();
    let active = json!({"roomId": room, "activeUsersOnly": true});
    let added = admin.post("groups.addAll", active).await.ok();
    let count = added["group"]["usersCount"].clone();
    let members = alice
        .get(&format!("groups.members?roomId={room}"))
        .await
        .ok();
    let members = names(&members, "members");
    for name in ["admin", "alice", "bob", "carol"] {
        assert!(
            members.iter().any(|member| member == name),
            "{name} in {members:?}"
        );
    }
    assert!(
        !members.iter().any(|member| member == "eve"),
        "who is kept out stays out"
    );
    let told = told(&alice, "groups", &room).await;
    assert!(
        told.contains(&("uj".to_owned(), "carol".to_owned())),
        "{told:?}"
    );
    assert!(
        !told.contains(&("uj".to_owned(), "dave".to_owned())),
        "{told:?}"
    );
    let all = method(&admin, "addAllUserToRoom", json!([room])).await;
    assert_eq!(all["result"], true, "{all}");
    let again = self::told(&alice, "groups", &room).await;
    assert!(
        again.contains(&("uj".to_owned(), "dave".to_owned())),
        "{again:?}"
    );
    assert_eq!(
        room_of(&alice, &room).await["usersCount"],
        count,
        "only the active are counted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_adds_a_member_again_is_told_so_and_nobody_else() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (alice, _bob) = (admin.new_user("alice").await, admin.new_user("bob").await);
    let wish = json!({"name": "den", "members": ["bob"]});
    let room = id(&alice.post("groups.create", wish).await.ok(), "group");
    let mut sockets = Vec::new();
    for client in [&alice, &admin] {
        let mut socket = Live::connect(&server, client, None).await;
        socket.send(&json!({"subscribe": {"self": true}})).await;
        socket.answer("ready").await;
        sockets.push(socket);
    }
    let again = json!({"roomId": room, "usernames": ["bob", "admin"]});
    alice.post("groups.invite", again).await.ok();
    // The notices up to the next frame of that kind.
    let until = async |socket: &mut Live, last: &str| {
        let mut notices = Vec::new();
        loop {
            let frame = socket.next_frame(Duration::from_secs(20)).await;
            let frame = frame.expect("a frame");
            let kind = frame["kind"].clone();
            if kind == "notice" {
                notices.push(frame);
            }
            if kind == last {
                return notices;
            }
        }
    };
    let told = until(&mut sockets[0], "notice").await;
    assert_eq!(told[0]["room"], json!(room));
    assert_eq!(told[0]["data"]["msg"], "`bob` is already in here.");
    assert_eq!(told[0]["data"]["rid"], json!(room));
    let mut more = until(&mut sockets[1], "joined").await;
    for socket in &mut sockets {
        socket.send(&json!({"ping": {}})).await;
        more.extend(until(socket, "pong").await);
    }
    assert_eq!(more, Vec::<Value>::new(), "nobody else is told, and once");
    let path = format!("groups.messages?roomId={room}");
    let history = alice.get(&path).await.ok()["messages"].to_string();
    assert!(!history.contains("already in here"), "it is kept nowhere");
}

async fn who_left_the_default_rooms_joins_them_again(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, _) = super::people(&server).await;
    let it = json!({"roomId": "GENERAL"});
    for (silenced, expected) in [(json!([]), "uj"), (json!([true]), "ul")] {
        alice.post("channels.leave", it.clone()).await.ok();
        let joined = method(&alice, "joinDefaultChannels", silenced).await;
        assert!(joined["error"].is_null(), "{joined}");
        let told = told(&alice, "channels", "GENERAL").await;
        assert_eq!(
            told.first(),
            Some(&(expected.to_owned(), "alice".to_owned()))
        );
        alice.get("subscriptions.getOne?roomId=GENERAL").await.ok();
    }
}
