//! Teams: main rooms, the people in them, and the rooms that were put into them.

use std::sync::Arc;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::client::Client;
use tests::server::{Server, ServerOptions};
use tokio::sync::Barrier;

use super::{create, info, people, told};

tests::on_both_logs![
    a_team_is_its_main_room,
    a_room_is_in_one_team_whoever_asks_at_once,
    channels_of_a_private_team_are_for_the_team,
    a_team_goes_and_its_rooms_stay_or_go,
];

/// Makes a team; returns its id and that of its main room.
async fn team(owner: &Client, name: &str, kind: u8, members: &[&str]) -> (String, String) {
    let wish = json!({"name": name, "type": kind, "members": members});
    let made = owner.post("teams.create", wish).await.ok()["team"].clone();
    (text(&made["_id"]), text(&made["roomId"]))
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a text: {value}"))
        .to_owned()
}

/// The names in the list `key` of what a query answers, in order.
async fn names(client: &Client, path: &str, key: &str) -> Vec<String> {
    let answer = client.get(path).await.ok();
    let items = answer[key].as_array().expect("a list").iter();
    items
        .map(|item| {
            text(
                item.get("user")
                    .unwrap_or(item)
                    .get("username")
                    .unwrap_or(&item["name"]),
            )
        })
        .collect()
}

async fn members(client: &Client, team: &str) -> Vec<String> {
    let mut names = names(client, &format!("teams.members?teamId={team}"), "members").await;
    names.sort();
    names
}

/// The kinds of system messages of a room, with their texts.
async fn lines(client: &Client, family: &str, room: &str) -> Vec<String> {
    let told = told(client, family, room).await.into_iter();
    told.map(|(kind, text)| format!("{kind} {text}")).collect()
}

async fn put(owner: &Client, team: &str, rooms: &[&str]) {
    let wish = json!({"teamId": team, "rooms": rooms});
    owner.post("teams.addRooms", wish).await.ok();
}

async fn a_team_is_its_main_room(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    let (id, main) = team(&alice, "crew", 0, &["bob", "nobody", "alice"]).await;
    assert_eq!(id.len(), 24, "{id}");
    let room = info(&alice, &main).await;
    assert_eq!(
        (
            &room["teamId"],
            &room["teamMain"],
            &room["t"],
            &room["name"]
        ),
        (&json!(id), &json!(true), &json!("c"), &json!("crew"))
    );
    assert_eq!(members(&bob, &id).await, ["alice", "bob"]);
    assert!(lines(&alice, "channels", &main).await.is_empty());
    let shown = alice.get("teams.info?teamName=crew").await.ok()["teamInfo"].clone();
    assert_eq!(
        (
            &shown["_id"],
            &shown["type"],
            &shown["roomId"],
            &shown["createdBy"]["username"]
        ),
        (&json!(id), &json!(0), &json!(main), &json!("alice"))
    );

    let erin = admin.new_user("erin").await;
    let default = create(&alice, "channels", "lobby", &[]).await;
    let plain = create(&alice, "channels", "attic", &[]).await;
    put(&alice, &id, &[&default, &plain]).await;
    let set = json!({"roomId": default, "isDefault": true});
    let set = alice.post("teams.updateRoom", set).await.ok();
    assert_eq!(set["room"]["teamDefault"], true, "{set}");
    assert_eq!(lines(&alice, "channels", &default).await, ["au bob"]);

    let wish = json!({"teamId": id, "members": [{"userId": erin.user_id, "roles": ["moderator"]}]});
    alice.post("teams.addMembers", wish.clone()).await.ok();
    alice.post("teams.addMembers", wish).await.ok();
    let frank = admin.new_user("frank").await;
    frank
        .post("channels.join", json!({"roomId": main}))
        .await
        .ok();
    assert_eq!(
        members(&alice, &id).await,
        ["alice", "bob", "erin", "frank"]
    );
    frank
        .post("channels.leave", json!({"roomId": main}))
        .await
        .ok();
    let kick = json!({"roomId": main, "userId": bob.user_id});
    alice.post("channels.kick", kick).await.ok();
    let rooms = json!([default, plain]);
    let remove = json!({"teamId": id, "userId": erin.user_id, "rooms": rooms});
    alice.post("teams.removeMember", remove).await.ok();
    assert_eq!(members(&alice, &id).await, ["alice"]);
    let expected = [
        "user-added-room-to-team attic",
        "user-added-room-to-team lobby",
        "added-user-to-team erin",
        "ujt frank",
        "ult frank",
        "ru bob",
        "removed-user-from-team erin",
    ];
    let mut told = lines(&alice, "channels", &main).await;
    told[..2].sort();
    assert_eq!(told, expected);
    let followed = ["au bob", "au erin", "uj frank", "ru erin"];
    assert_eq!(lines(&alice, "channels", &default).await, followed);

    let renamed = json!({"teamId": id, "data": {"name": "squad", "type": 1}});
    alice.post("teams.update", renamed).await.ok();
    let shown = alice.get(&format!("teams.info?teamId={id}")).await.ok()["teamInfo"].clone();
    assert_eq!(
        (&shown["name"], &shown["type"]),
        (&json!("squad"), &json!(1))
    );
}

#[tokio::test]
async fn new_users_follow_a_team_whose_main_room_is_a_default_one() {
    let server = Server::start().await;
    let (admin, alice, _) = people(&server).await;
    let (id, main) = team(&alice, "crew", 0, &[]).await;
    let followed = create(&alice, "groups", "lobby", &[]).await;
    let other = create(&alice, "channels", "attic", &[]).await;
    put(&alice, &id, &[&followed, &other]).await;
    let set = json!({"roomId": followed, "isDefault": true});
    alice.post("teams.updateRoom", set).await.ok();
    // One that is a default room for itself is joined once.
    for room in [&main, &followed] {
        let set = json!({"rid": room, "default": true});
        admin.post("rooms.saveRoomSettings", set).await.ok();
    }
    let erin = admin.new_user("erin").await;
    assert_eq!(members(&alice, &id).await, ["alice", "erin"]);
    let path = format!("teams.listRoomsOfUser?teamId={id}&userId={}", erin.user_id);
    assert_eq!(names(&erin, &path, "rooms").await, ["lobby"]);
    assert_eq!(lines(&alice, "groups", &followed).await, ["uj erin"]);
}

async fn channels_of_a_private_team_are_for_the_team(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob) = people(&server).await;
    let (id, main) = team(&alice, "cabal", 1, &[]).await;
    let room = create(&alice, "channels", "backroom", &[]).await;
    let begin = json!({"prid": room, "t_name": "Whispers"});
    let begun = alice.post("rooms.createDiscussion", begin).await.ok();
    let discussion = text(&begun["discussion"]["_id"]);
    bob.get("channels.info?roomName=backroom").await.ok();
    put(&alice, &id, &[&room]).await;

    let unseen = async |who: &Client| {
        for room in [&room, &discussion] {
            for path in ["channels.info", "channels.messages", "rooms.info"] {
                who.get(&format!("{path}?roomId={room}")).await.refused(400);
            }
            who.post("channels.join", json!({"roomId": room}))
                .await
                .refused(400);
        }
        for (path, key) in [
            ("channels.list", "channels"),
            ("directory?text=backroom&type=channels", "result"),
            ("spotlight?query=%23backroom", "rooms"),
        ] {
            let listed = names(who, path, key).await;
            assert!(
                !listed.contains(&"backroom".to_owned()),
                "{path}: {listed:?}"
            );
        }
    };
    unseen(&bob).await;
    let asked = bob
        .get(&format!("teams.listRooms?teamId={id}"))
        .await
        .refused(400);
    assert_eq!(asked["error"], "user-not-on-private-team");
    assert!(members(&bob, &id).await.is_empty());
    // Nobody is taken in by a mention.
    let mention = json!({"message": {"rid": room, "msg": "@bob"}});
    alice.post("chat.sendMessage", mention).await.ok();
    unseen(&bob).await;

    let add = json!({"teamId": id, "members": [{"userId": bob.user_id}]});
    alice.post("teams.addMembers", add).await.ok();
    bob.get(&format!("channels.messages?roomId={room}"))
        .await
        .ok();
    bob.get(&format!("rooms.info?roomId={discussion}"))
        .await
        .ok();
    let seen = names(&bob, &format!("teams.listRooms?teamId={id}"), "rooms").await;
    assert_eq!(seen, ["backroom"]);
    bob.post("channels.join", json!({"roomId": room}))
        .await
        .ok();
    bob.post("teams.leave", json!({"teamId": id})).await.ok();
    bob.get(&format!("channels.messages?roomId={room}"))
        .await
        .ok();
    bob.post("channels.leave", json!({"roomId": room}))
        .await
        .ok();
    unseen(&bob).await;

    let open = json!({"teamId": id, "data": {"type": 0}});
    alice.post("teams.update", open).await.ok();
    bob.get(&format!("channels.messages?roomId={room}"))
        .await
        .ok();
    let mut listed = names(&bob, "channels.list", "channels").await;
    listed.retain(|name| name == "backroom");
    assert!(
        listed.is_empty(),
        "team channels are not listed: {listed:?}"
    );
    assert_eq!(info(&bob, &main).await["name"], "cabal");
}

#[tokio::test]
async fn who_has_not_logged_in_reads_no_channel_of_a_private_team() {
    let server = Server::start().await;
    let (admin, alice, _) = people(&server).await;
    let on = json!({"value": true});
    admin
        .post("settings/Accounts_AllowAnonymousRead", on)
        .await
        .ok();
    let room = create(&alice, "channels", "backroom", &[]).await;
    let anyone = server.client();
    let path = format!("channels.anonymousread?roomId={room}");
    anyone.get(&path).await.ok();
    let (id, _) = team(&alice, "cabal", 1, &[]).await;
    put(&alice, &id, &[&room]).await;
    let unknown = anyone.get(&path).await.refused(400);
    assert_eq!(unknown["errorType"], "error-room-not-found");
}

#[tokio::test]
async fn administrators_ask_for_main_rooms_of_teams() {
    let server = Server::start().await;
    let (admin, alice, _) = people(&server).await;
    let (id, _) = team(&alice, "crew", 1, &[]).await;
    let room = create(&alice, "channels", "deck", &[]).await;
    let free = create(&alice, "channels", "dock", &[]).await;
    put(&alice, &id, &[&room]).await;
    for (types, expected) in [
        ("", &["general", "deck", "dock"][..]),
        ("types[]=c", &["general", "deck", "dock"]),
        ("types[]=teams", &["crew"]),
        (
            "types[]=teams&types[]=c",
            &["general", "crew", "deck", "dock"],
        ),
        ("types[]=p", &[]),
    ] {
        let listed = names(&admin, &format!("rooms.adminRooms?{types}"), "rooms").await;
        assert_eq!(listed, expected, "{types}");
    }
    let available = alice.get("rooms.autocomplete.availableForTeams").await.ok();
    let ids: Vec<&Value> = available["items"].as_array().unwrap().iter().collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(ids[0]["_id"], json!(free));
}

async fn a_team_goes_and_its_rooms_stay_or_go(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob) = people(&server).await;
    let main = create(&alice, "channels", "guild", &["bob"]).await;
    let convert = json!({"channelName": "guild"});
    let made = alice.post("channels.convertToTeam", convert).await.ok()["team"].clone();
    let id = text(&made["_id"]);
    assert_eq!((&made["type"], &made["roomId"]), (&json!(0), &json!(main)));
    assert_eq!(members(&bob, &id).await, ["alice", "bob"]);
    let (kept, gone) = (
        create(&alice, "channels", "kept", &[]).await,
        create(&alice, "channels", "gone", &[]).await,
    );
    let wish = json!({"name": "born", "extraData": {"teamId": id}});
    alice.post("channels.create", wish).await.ok();
    put(&alice, &id, &[&kept, &gone]).await;
    let path = format!("teams.listRooms?teamId={id}");
    assert_eq!(
        names(&alice, &path, "rooms").await,
        ["born", "gone", "kept"]
    );
    let entry = alice.get("teams.list").await.ok()["teams"][0].clone();
    assert_eq!(
        (&entry["rooms"], &entry["numberOfUsers"]),
        (&json!(3), &json!(2))
    );
    let taken = json!({"teamId": id, "roomId": kept});
    let taken = alice.post("teams.removeRoom", taken).await.ok();
    assert!(taken["room"]["teamId"].is_null(), "{taken}");
    put(&alice, &id, &[&kept]).await;

    for path in ["rooms.delete", "channels.delete"] {
        let refused = alice.post(path, json!({"roomId": main})).await.refused(400);
        assert_eq!(
            refused["errorType"], "error-cannot-delete-team-channel",
            "{path}"
        );
    }
    let dissolve = json!({"teamId": id, "roomsToRemove": [gone]});
    alice.post("teams.convertToChannel", dissolve).await.ok();
    for room in [&main, &kept] {
        let room = info(&alice, room).await;
        assert!(
            room["teamId"].is_null() && room["teamMain"].is_null(),
            "{room}"
        );
    }
    alice
        .get(&format!("rooms.info?roomId={gone}"))
        .await
        .refused(400);
    let refused = alice.get(&path).await.refused(400);
    assert_eq!(refused["error"], "team-does-not-exist");
    let lines = lines(&alice, "channels", &main).await;
    for line in [
        "user-converted-to-team guild",
        "user-added-room-to-team born",
        "user-removed-room-from-team kept",
        "user-deleted-room-from-team gone",
        "user-converted-to-channel guild",
    ] {
        assert!(lines.contains(&line.to_owned()), "{line} in {lines:?}");
    }

    let (again, main) = team(&alice, "again", 1, &["bob"]).await;
    // The team that it was in is gone.
    put(&alice, &again, &[&kept]).await;
    let delete = json!({"teamName": "again"});
    bob.post("teams.delete", delete.clone()).await.refused(403);
    alice.post("teams.delete", delete).await.ok();
    alice
        .get(&format!("rooms.info?roomId={main}"))
        .await
        .refused(400);
    assert!(info(&alice, &kept).await["teamId"].is_null());
}

/// Asks for both at the same moment. Returns which were refused, and why.
async fn at_once(who: &Client, path: &str, wishes: [Value; 2]) -> Vec<Value> {
    let barrier = Arc::new(Barrier::new(wishes.len()));
    let asked = wishes.map(|wish| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            who.post(path, wish).await
        }
    });
    let answers = join_all(asked).await.into_iter();
    answers
        .filter(|answer| answer.body["success"] != true)
        .map(|answer| answer.body["error"].clone())
        .collect()
}

async fn a_room_is_in_one_team_whoever_asks_at_once(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, _) = people(&server).await;
    let (one, _) = team(&alice, "one", 0, &[]).await;
    let (other, _) = team(&alice, "other", 0, &[]).await;
    for round in 0..4 {
        let room = create(&alice, "channels", &format!("room{round}"), &[]).await;
        let wish = |team: &str| json!({"teamId": team, "rooms": [room]});
        let refused = at_once(&alice, "teams.addRooms", [wish(&one), wish(&other)]).await;
        assert_eq!(refused, ["room-already-on-team"]);
        let room = create(&alice, "channels", &format!("guild{round}"), &[]).await;
        let wish = json!({"channelId": room});
        let refused = at_once(&alice, "channels.convertToTeam", [wish.clone(), wish]).await;
        assert_eq!(refused.len(), 1, "{refused:?}");
    }
    let list = alice.get("teams.list").await.ok();
    assert_eq!(list["total"], 6, "{list}");
}

#[tokio::test]
async fn what_is_refused() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let eve = admin.new_user("eve").await;
    let (id, main) = team(&alice, "crew", 0, &["bob"]).await;
    let (other, _) = team(&alice, "others", 0, &[]).await;
    let room = create(&alice, "channels", "room", &[]).await;
    let inside = create(&alice, "channels", "inside", &[]).await;
    let bobs = create(&bob, "channels", "bobs", &[]).await;
    let den = create(&bob, "groups", "den", &[]).await;
    put(&alice, &id, &[&inside]).await;
    let it = |more: Value| {
        let mut wish = json!({"teamId": id});
        for (name, value) in more.as_object().unwrap() {
            wish[name] = value.clone();
        }
        wish
    };
    let cases = [
        (
            &alice,
            "teams.create",
            json!({"name": "Crew", "type": 0}),
            400,
            "team-name-already-exists",
        ),
        (
            &alice,
            "teams.create",
            json!({"name": "bob", "type": 0}),
            400,
            "team-name-already-exists",
        ),
        (
            &alice,
            "teams.create",
            json!({"name": "room", "type": 0}),
            400,
            "room-name-already-exists",
        ),
        (
            &alice,
            "teams.create",
            json!({"name": "no good", "type": 0}),
            400,
            "error-team-creation",
        ),
        (
            &alice,
            "teams.create",
            json!({"name": "x", "type": 0, "owner": "nobody"}),
            400,
            "invalid-user",
        ),
        (
            &eve,
            "teams.create",
            json!({"name": "x", "type": 0, "room": {"id": room}}),
            403,
            "unauthorized",
        ),
        (
            &bob,
            "teams.addMembers",
            it(json!({"members": [{"userId": eve.user_id}]})),
            403,
            "unauthorized",
        ),
        (
            &alice,
            "teams.addMembers",
            it(json!({"members": [{"userId": "nobody"}]})),
            400,
            "invalid-user",
        ),
        (
            &bob,
            "teams.updateMember",
            it(json!({"member": {"userId": bob.user_id}})),
            403,
            "unauthorized",
        ),
        (
            &bob,
            "teams.removeMember",
            it(json!({"userId": alice.user_id})),
            403,
            "unauthorized",
        ),
        (
            &alice,
            "teams.removeMember",
            it(json!({"userId": "nobody"})),
            400,
            "invalid-user",
        ),
        (
            &alice,
            "teams.removeMember",
            it(json!({"userId": eve.user_id})),
            400,
            "member-does-not-exist",
        ),
        (
            &alice,
            "teams.removeMember",
            it(json!({"userId": alice.user_id})),
            400,
            "last-owner-can-not-be-removed",
        ),
        (
            &alice,
            "teams.leave",
            it(json!({})),
            400,
            "last-owner-can-not-be-removed",
        ),
        (
            &eve,
            "teams.leave",
            it(json!({})),
            400,
            "member-does-not-exist",
        ),
        (
            &bob,
            "teams.addRooms",
            it(json!({"rooms": [bobs]})),
            403,
            "error-no-permission-team-channel",
        ),
        (
            &alice,
            "teams.addRooms",
            it(json!({"rooms": [den]})),
            400,
            "invalid-room",
        ),
        (
            &alice,
            "teams.addRooms",
            it(json!({"rooms": [inside]})),
            400,
            "room-already-on-team",
        ),
        (
            &alice,
            "teams.addRooms",
            it(json!({"rooms": [bobs]})),
            400,
            "error-no-owner-channel",
        ),
        (
            &bob,
            "teams.removeRoom",
            it(json!({"roomId": inside})),
            403,
            "unauthorized",
        ),
        (
            &alice,
            "teams.removeRoom",
            it(json!({"roomId": room})),
            400,
            "room-not-on-that-team",
        ),
        (
            &alice,
            "teams.removeRoom",
            json!({"teamId": other, "roomId": inside}),
            400,
            "room-not-on-that-team",
        ),
        (
            &alice,
            "teams.updateRoom",
            json!({"roomId": room, "isDefault": true}),
            400,
            "room-not-on-team",
        ),
        (
            &alice,
            "teams.updateRoom",
            json!({"roomId": den, "isDefault": true}),
            400,
            "invalid-room",
        ),
        (
            &bob,
            "teams.updateRoom",
            json!({"roomId": inside, "isDefault": true}),
            403,
            "unauthorized",
        ),
        (
            &bob,
            "teams.update",
            it(json!({"data": {"name": "x"}})),
            403,
            "unauthorized",
        ),
        (
            &bob,
            "teams.convertToChannel",
            it(json!({})),
            403,
            "unauthorized",
        ),
        (&bob, "teams.delete", it(json!({})), 403, "unauthorized"),
        (
            &alice,
            "teams.delete",
            json!({"teamName": "none"}),
            400,
            "team-does-not-exist",
        ),
        (
            &eve,
            "channels.convertToTeam",
            json!({"channelId": room}),
            403,
            "unauthorized",
        ),
        (
            &alice,
            "channels.convertToTeam",
            json!({"channelId": main}),
            400,
            "team-name-already-exists",
        ),
    ];
    for (who, path, wish, status, error) in cases {
        let refused = who.post(path, wish.clone()).await.refused(status);
        assert_eq!(refused["error"], error, "{path} {wish}");
    }
    for (path, status, error) in [
        ("teams.info?teamName=none".to_owned(), 400, "Team not found"),
        (
            "teams.members?teamName=none".to_owned(),
            400,
            "team-does-not-exist",
        ),
        ("teams.listAll".to_owned(), 403, "unauthorized"),
        (
            format!("teams.listRoomsOfUser?teamId={id}&userId={}", alice.user_id),
            403,
            "unauthorized",
        ),
    ] {
        let answer = eve.get(&path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.body);
        if status == 400 {
            assert_eq!(answer.body["error"], error, "{path}");
        }
    }
}

#[tokio::test]
async fn lists_of_teams_and_of_their_rooms() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let (id, main) = team(&alice, "crew", 0, &["bob"]).await;
    team(&alice, "cabal", 1, &[]).await;
    for (path, wanted) in [
        (r"teams.list", &["cabal", "crew"][..]),
        (r#"teams.list?sort={"name":-1}"#, &["crew", "cabal"]),
        (r#"teams.list?query={"type":1}"#, &["cabal"]),
        (r#"teams.list?sort={"name":-1}&offset=1"#, &["cabal"]),
    ] {
        assert_eq!(names(&alice, path, "teams").await, wanted, "{path}");
    }
    let open = create(&alice, "channels", "open", &["bob"]).await;
    let closed = create(&alice, "groups", "closed", &[]).await;
    put(&alice, &id, &[&open, &closed]).await;
    let begin = json!({"prid": main, "t_name": "Plans"});
    alice.post("rooms.createDiscussion", begin).await.ok();
    let rooms = format!("teams.listRooms?teamId={id}");
    assert_eq!(names(&alice, &rooms, "rooms").await, ["closed", "open"]);
    assert_eq!(names(&bob, &rooms, "rooms").await, ["open"]);
    assert_eq!(
        names(&alice, &format!("{rooms}&filter=CLO"), "rooms").await,
        ["closed"]
    );
    let default = format!("{rooms}&type=autoJoin");
    assert!(names(&alice, &default, "rooms").await.is_empty());
    let children = bob
        .get(&format!("teams.listChildren?teamId={id}"))
        .await
        .ok();
    assert_eq!(children["total"], 2, "{children}");
    let own = |who: &Client| format!("teams.listRoomsOfUser?teamId={id}&userId={}", who.user_id);
    let of_alice = alice.get(&own(&alice)).await.ok();
    assert_eq!(
        (&of_alice["rooms"][0]["isLastOwner"], &of_alice["total"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(names(&bob, &own(&bob), "rooms").await, ["open"]);
    let deletable = format!("{}&canUserDelete=true", own(&bob));
    assert!(names(&bob, &deletable, "rooms").await.is_empty());

    assert_eq!(names(&bob, "teams.list", "teams").await, ["crew"]);
    assert_eq!(
        names(&admin, "teams.listAll", "teams").await,
        ["cabal", "crew"]
    );
    assert_eq!(
        names(&bob, "teams.autocomplete?name=C", "teams").await,
        ["crew"]
    );
    let path = format!("teams.members?teamId={id}&username=BO&name=bob");
    assert_eq!(names(&alice, &path, "members").await, ["bob"]);
    let told = bob.get(&format!("rooms.info?roomId={open}")).await.ok();
    assert_eq!(
        (
            &told["team"]["_id"],
            &told["team"]["name"],
            &told["team"]["type"]
        ),
        (&json!(id), &json!("crew"), &json!(0))
    );
    let member = json!({"teamId": id, "member": {"userId": bob.user_id, "roles": ["owner"]}});
    alice.post("teams.updateMember", member).await.ok();
    let roles = bob.get(&format!("rooms.roles?rid={main}")).await.ok();
    assert_eq!(roles["roles"].as_array().map(Vec::len), Some(2), "{roles}");
    bob.post("teams.leave", json!({"teamId": id})).await.ok();
    let joined = json!({"name": "crowd", "members": [], "teams": ["crew"]});
    let joined = bob.post("channels.create", joined).await.ok();
    assert_eq!(joined["channel"]["usersCount"], 2, "{joined}");
}

#[tokio::test]
async fn auditors_without_private_rooms_never_hear_of_a_private_team() {
    let server = Server::start().await;
    let (admin, alice, _) = people(&server).await;
    let eve = admin.new_user("eve").await;
    let give = json!({"username": "eve", "roleId": "auditor"});
    admin.post("roles.addUserToRole", give).await.ok();
    let (id, _) = team(&alice, "cabal-of-two", 1, &[]).await;
    let room = create(&alice, "channels", "backroom-of-two", &[]).await;
    let turned = create(&alice, "channels", "turned-around", &[]).await;
    put(&alice, &id, &[&room]).await;
    let close = json!({"roomId": turned, "type": "p"});
    alice.post("channels.setType", close).await.ok();
    let open = json!({"roomId": turned, "type": "c"});
    alice.post("groups.setType", open).await.ok();
    let seen = async || {
        let mut told = eve
            .send(Method::GET, "/audit/events?limit=1000", None)
            .await
            .body
            .to_string();
        let now = "/audit/at/now/rooms?limit=1000";
        told += &eve.send(Method::GET, now, None).await.body.to_string();
        told += &eve
            .send(Method::GET, "/audit/reach?user=alice", None)
            .await
            .body
            .to_string();
        told
    };
    let without = seen().await;
    for secret in [
        "cabal-of-two",
        "backroom-of-two",
        "turned-around",
        &room,
        &turned,
        &id,
    ] {
        assert!(!without.contains(secret), "{secret} in {without}");
    }
    let shown = json!({"value": true});
    admin.post("settings/Audit_Private_Rooms", shown).await.ok();
    let with = seen().await;
    for told in [
        "cabal-of-two",
        "backroom-of-two",
        "turned-around",
        "into the team of",
    ] {
        assert!(with.contains(told), "{told} in {with}");
    }
}
