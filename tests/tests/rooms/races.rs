//! Two do at the same moment what only one of them can have, or what undoes what the other does. Whoever comes first:
//! what is answered, what is shown and what the log says agree.

use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::commands::printed;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use super::{at_once, create, id, info, people};

const ROUNDS: usize = 5;

on_both_logs![
    one_of_two_gets_the_name,
    a_room_that_is_renamed_twice_has_one_name,
    a_name_is_free_once_its_room_is_gone,
    there_is_one_direct_message_of_the_same_people,
    a_direct_message_that_is_deleted_and_made_is_whole,
    nothing_is_left_of_a_room_that_is_deleted,
    nobody_is_taken_along_into_a_room_that_is_deleted,
    who_is_invited_and_removed_is_in_or_out,
    nobody_posts_once_they_are_muted,
    a_message_shows_the_archived_room_to_those_it_comes_after,
    no_mention_takes_in_who_is_banned,
    of_two_owners_one_stays_owner,
    a_discussion_goes_and_is_closed_with_its_room,
    who_comes_into_a_team_is_in_every_room_that_its_members_join,
];

/// How many were done; the others are refused by this code.
fn done(answers: &[Answer], code: &str) -> usize {
    let (done, refused): (Vec<_>, Vec<_>) = answers
        .iter()
        .partition(|answer| answer.status.is_success());
    for answer in refused {
        assert_eq!(answer.body["errorType"], code, "{}", answer.body);
    }
    done.len()
}

/// What must hold of a channel or group that `member` is in: the lists of its members, its number of members and the
/// places of these people say the same.
async fn agrees(member: &Client, family: &str, room: &str, others: &[&Client]) {
    let path = format!("{family}.members?roomId={room}&count=0");
    let members = member.get(&path).await.ok();
    let count = info(member, room).await["usersCount"].clone();
    assert_eq!(members["total"], count, "{members}");
    let listed = members["members"].as_array().expect("members");
    for other in others {
        let is_listed = listed.iter().any(|one| one["_id"] == *other.user_id);
        assert_eq!(has_place(other, room).await, is_listed, "{members}");
    }
}

async fn has_place(who: &Client, room: &str) -> bool {
    super::place::place(who, room).await != Value::Null
}

/// The views are as the log makes them: else this ends in failure, and tells of the first row that is not.
fn verify(server: &Server) {
    printed(server, &["projections", "verify"]);
}

async fn one_of_two_gets_the_name(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob) = people(&server).await;
    for round in 0..ROUNDS {
        let mine = create(&alice, "channels", &format!("mine-{round}"), &[]).await;
        let his = create(&bob, "groups", &format!("his-{round}"), &[]).await;
        let name = format!("prize-{round}");
        let (make, rename, his) = (
            json!({"name": name}),
            json!({"roomId": mine, "name": name}),
            json!({"roomId": his, "name": name}),
        );
        let answers = at_once([
            (&alice, "channels.rename", &rename),
            (&bob, "groups.rename", &his),
            (&bob, "channels.create", &make),
            (&alice, "groups.create", &make),
        ])
        .await;
        let done = done(&answers, "error-duplicate-channel-name");
        assert_eq!(done, 1, "round {round}");
        let again = alice.post("channels.create", make).await.refused(400);
        assert_eq!(again["errorType"], "error-duplicate-channel-name");
    }
    verify(&server);
}

async fn a_room_that_is_renamed_twice_has_one_name(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, _) = people(&server).await;
    let room = create(&alice, "channels", "first", &[]).await;
    for round in 0..ROUNDS {
        let names = [format!("left-{round}"), format!("right-{round}")];
        let wishes = names
            .clone()
            .map(|name| json!({"roomId": room, "name": name}));
        let answers = at_once([
            (&alice, "channels.rename", &wishes[0]),
            (&admin, "channels.rename", &wishes[1]),
        ])
        .await;
        for answer in answers {
            answer.ok();
        }
        let name = info(&alice, &room).await["name"].clone();
        let (has, free): (Vec<_>, Vec<_>) = names.iter().partition(|one| name == **one);
        assert_eq!((has.len(), free.len()), (1, 1), "round {round}: {name}");
        let by_name = alice.get(&format!("rooms.info?roomName={}", has[0])).await;
        assert_eq!(by_name.ok()["room"]["_id"], *room, "round {round}");
        create(&alice, "channels", free[0], &[]).await;
    }
    verify(&server);
}

async fn a_name_is_free_once_its_room_is_gone(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob) = people(&server).await;
    for round in 0..ROUNDS {
        let name = format!("again-{round}");
        let room = create(&alice, "channels", &name, &[]).await;
        let (gone, make) = (json!({"roomId": room}), json!({"name": name}));
        let [deleted, made] = at_once([
            (&alice, "rooms.delete", &gone),
            (&bob, "channels.create", &make),
        ])
        .await;
        deleted.ok();
        let new = if done(std::slice::from_ref(&made), "error-duplicate-channel-name") == 1 {
            id(&made.body, "channel")
        } else {
            create(&bob, "channels", &name, &[]).await
        };
        let found = bob.get(&format!("rooms.info?roomName={name}")).await.ok();
        assert_eq!(found["room"]["_id"], new, "round {round}");
    }
    verify(&server);
}

async fn there_is_one_direct_message_of_the_same_people(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    for round in 0..ROUNDS {
        let name = format!("carl-{round}");
        let carl = admin.new_user(&name).await;
        for (path, others) in [
            (
                "two",
                [name.clone(), "alice".to_owned(), "alice".to_owned()],
            ),
            (
                "three",
                [
                    format!("bob,{name}"),
                    "alice,bob".to_owned(),
                    format!("alice,{name}"),
                ],
            ),
        ] {
            let wishes = others.map(|others| json!({"usernames": others}));
            let last = if path == "two" { &carl } else { &bob };
            let answers = at_once([
                (&alice, "im.create", &wishes[0]),
                (&carl, "im.create", &wishes[1]),
                (last, "im.create", &wishes[2]),
            ])
            .await;
            let rooms = answers.map(|answer| answer.ok()["room"]["rid"].clone());
            assert!(
                rooms.iter().all(|room| *room == rooms[0]),
                "round {round}, {path}: {rooms:?}"
            );
            let room = rooms[0].as_str().unwrap();
            for who in [&alice, &carl] {
                assert!(has_place(who, room).await, "round {round}, {path}");
            }
        }
    }
    let all = admin.get("im.list.everyone").await.ok();
    assert_eq!(all["total"], 2 * ROUNDS, "{all}");
    verify(&server);
}

async fn a_direct_message_that_is_deleted_and_made_is_whole(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    let (to_bob, to_alice) = (json!({"username": "bob"}), json!({"username": "alice"}));
    let room = alice.post("im.create", to_bob.clone()).await.ok();
    let room = room["room"]["rid"].as_str().unwrap().to_owned();
    for round in 0..ROUNDS {
        let gone = json!({"roomId": room});
        let said = json!({"message": {"rid": room, "msg": "hello"}});
        at_once([
            (&admin, "im.delete", &gone),
            (&bob, "im.create", &to_alice),
            (&alice, "chat.sendMessage", &said),
        ])
        .await;
        alice.post("im.create", to_bob.clone()).await.ok();
        for who in [&alice, &bob] {
            assert!(has_place(who, &room).await, "round {round}");
            who.post("chat.sendMessage", said.clone()).await.ok();
        }
        let path = format!("im.messages?roomId={room}");
        let messages = bob.get(&path).await.ok();
        let count = info(&bob, &room).await["msgs"].clone();
        assert_eq!(messages["total"], count, "round {round}");
    }
    verify(&server);
}

async fn nothing_is_left_of_a_room_that_is_deleted(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    let (carl, dora) = (admin.new_user("carl").await, admin.new_user("dora").await);
    for round in 0..ROUNDS {
        let name = format!("doomed-{round}");
        let room = create(&alice, "channels", &name, &["bob"]).await;
        let it = json!({"roomId": room});
        let message = format!("doomed-message-{round:03}");
        let said = json!({"message": {"_id": message, "rid": room, "msg": "hello"}});
        let invite = json!({"roomId": room, "userId": dora.user_id});
        let rename = json!({"roomId": room, "name": format!("saved-{round}")});
        let [deleted, ..] = at_once([
            (&admin, "rooms.delete", &it),
            (&bob, "chat.sendMessage", &said),
            (&carl, "channels.join", &it),
            (&alice, "channels.invite", &invite),
            (&alice, "channels.rename", &rename),
        ])
        .await;
        deleted.ok();
        for who in [&alice, &bob, &carl, &dora] {
            assert!(!has_place(who, &room).await, "round {round}");
            let path = format!("chat.getMessage?msgId={message}");
            let found = who.get(&path).await;
            assert!(!found.status.is_success(), "round {round}: {}", found.body);
        }
        let path = format!("rooms.info?roomId={room}");
        let unknown = admin.get(&path).await.refused(400);
        assert_eq!(unknown["errorType"], "error-room-not-found");
        for name in [name, format!("saved-{round}")] {
            create(&bob, "channels", &name, &[]).await;
        }
    }
    verify(&server);
}

async fn nobody_is_taken_along_into_a_room_that_is_deleted(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    for round in 0..ROUNDS {
        let room = create(&admin, "channels", &format!("trap-{round}"), &[]).await;
        let default = json!({"roomId": room, "default": true});
        admin.post("channels.setDefault", default).await.ok();
        let it = json!({"roomId": room});
        let call = json!({"message": {"rid": room, "msg": "@alice"}});
        let aside = json!({"roomId": room, "text": "I come in"});
        let name = format!("carl-{round}");
        let account = json!({"username": name, "name": name, "password": "a long password",
                             "email": format!("{name}@example.org")});
        let [deleted, _, made, ..] = at_once([
            (&admin, "rooms.delete", &it),
            (&admin, "channels.addAll", &it),
            (&admin, "users.create", &account),
            (&admin, "chat.sendMessage", &call),
            (&bob, "chat.postMessage", &aside),
        ])
        .await;
        deleted.ok();
        made.ok();
        let carl = server.client().login(&name, "a long password").await;
        for who in [&alice, &bob, &carl] {
            assert!(!has_place(who, &room).await, "round {round}");
            let rooms = who.get("rooms.get").await.ok().to_string();
            assert!(!rooms.contains(&room), "round {round}: {rooms}");
        }
    }
    verify(&server);
}

async fn who_is_invited_and_removed_is_in_or_out(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    let carl = admin.new_user("carl").await;
    for round in 0..ROUNDS {
        let name = format!("gate-{round}");
        let room = create(&alice, "channels", &name, &["bob"]).await;
        let it = json!({"roomId": room});
        let bobs = json!({"roomId": room, "userId": bob.user_id});
        let carls = json!({"roomId": room, "userId": carl.user_id});
        at_once([
            (&alice, "channels.kick", &bobs),
            (&admin, "channels.invite", &bobs),
            (&bob, "channels.leave", &it),
            (&alice, "channels.invite", &carls),
            (&carl, "channels.join", &it),
        ])
        .await;
        agrees(&alice, "channels", &room, &[&alice, &bob, &carl, &admin]).await;
        assert!(
            has_place(&carl, &room).await,
            "round {round}: nobody removed carl"
        );
        let told = super::told(&alice, "channels", &room).await;
        let came = told.iter().filter(|(_, name)| name == "carl").count();
        assert_eq!(came, 1, "round {round}: carl came once: {told:?}");
    }
    verify(&server);
}

async fn nobody_posts_once_they_are_muted(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob) = people(&server).await;
    for round in 0..ROUNDS {
        let room = create(&alice, "groups", &format!("quiet-{round}"), &["bob"]).await;
        let bobs = json!({"roomId": room, "userId": bob.user_id});
        let said = json!({"message": {"rid": room, "msg": "hello"}});
        let [muted, _] = at_once([
            (&alice, "rooms.muteUser", &bobs),
            (&bob, "chat.sendMessage", &said),
        ])
        .await;
        muted.ok();
        let refused = bob.post("chat.sendMessage", said).await.refused(400);
        assert_eq!(refused["error"], "You_have_been_muted", "round {round}");
    }
    verify(&server);
}

async fn a_message_shows_the_archived_room_to_those_it_comes_after(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob) = people(&server).await;
    for round in 0..ROUNDS {
        let room = create(&alice, "channels", &format!("dusty-{round}"), &["bob"]).await;
        let it = json!({"roomId": room});
        let said = json!({"message": {"rid": room, "msg": "hello"}});
        let answers = at_once([
            (&alice, "channels.archive", &it),
            (&bob, "chat.sendMessage", &said),
        ])
        .await;
        for answer in answers {
            answer.ok();
        }
        let told = super::told(&alice, "channels", &room).await;
        let place = super::place::place(&alice, &room).await;
        let is_last = told.last().is_some_and(|(_, text)| text == "hello");
        assert_eq!(
            (&place["archived"], &place["open"]),
            (&json!(true), &json!(is_last)),
            "round {round}: {told:?}"
        );
    }
    verify(&server);
}

async fn no_mention_takes_in_who_is_banned(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    for round in 0..ROUNDS {
        let room = create(&alice, "channels", &format!("door-{round}"), &[]).await;
        let bobs = json!({"roomId": room, "userId": bob.user_id});
        let call = json!({"message": {"rid": room, "msg": "@bob"}});
        let aside = json!({"roomId": room, "text": "I come in"});
        let [banned, ..] = at_once([
            (&admin, "rooms.banUser", &bobs),
            (&alice, "chat.sendMessage", &call),
            (&bob, "chat.postMessage", &aside),
        ])
        .await;
        banned.ok();
        assert!(!has_place(&bob, &room).await, "round {round}");
        agrees(&alice, "channels", &room, &[&alice, &bob]).await;
    }
    verify(&server);
}

async fn a_discussion_goes_and_is_closed_with_its_room(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    let carl = admin.new_user("carl").await;
    for round in 0..ROUNDS {
        let doomed = create(&alice, "channels", &format!("doomed-{round}"), &["bob"]).await;
        let closed = create(&alice, "channels", &format!("closed-{round}"), &["bob"]).await;
        let begin = |room: &str| json!({"prid": room, "t_name": "More"});
        let (about_doomed, about_closed) = (begin(&doomed), begin(&closed));
        let (delete, close) = (
            json!({"roomId": doomed}),
            json!({"roomId": closed, "type": "p"}),
        );
        let [deleted, closing, begun @ ..] = at_once([
            (&alice, "rooms.delete", &delete),
            (&alice, "channels.setType", &close),
            (&bob, "rooms.createDiscussion", &about_doomed),
            (&bob, "rooms.createDiscussion", &about_closed),
        ])
        .await;
        deleted.ok();
        closing.ok();
        for answer in begun {
            let Some(room) = answer.body["discussion"]["_id"].as_str() else {
                continue;
            };
            let path = format!("rooms.info?roomId={room}");
            let unknown = carl.get(&path).await.refused(400);
            assert_eq!(unknown["errorType"], "error-room-not-found", "{unknown}");
        }
        let mine = bob.get("rooms.get").await.ok().to_string();
        assert!(!mine.contains(&doomed), "round {round}: {mine}");
    }
    verify(&server);
}

async fn who_comes_into_a_team_is_in_every_room_that_its_members_join(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob) = people(&server).await;
    for round in 0..4 * ROUNDS {
        let team = json!({"name": format!("team-{round}"), "type": 1});
        let team = alice.post("teams.create", team).await.ok()["team"]["_id"].clone();
        let room = json!({"name": format!("room-{round}"), "extraData": {"teamId": team}});
        let room = id(&alice.post("channels.create", room).await.ok(), "channel");
        let add = json!({"teamId": team, "members": [{"userId": bob.user_id}]});
        let join = json!({"roomId": room, "isDefault": true});
        let answers = at_once([
            (&alice, "teams.addMembers", &add),
            (&alice, "teams.updateRoom", &join),
        ])
        .await;
        for answer in answers {
            answer.ok();
        }
        assert!(has_place(&bob, &room).await, "round {round}");
    }
    verify(&server);
}

async fn of_two_owners_one_stays_owner(options: ServerOptions) {
    let server = options.start().await;
    let (_, alice, bob) = people(&server).await;
    for (round, deeds) in [
        ["removeOwner", "removeOwner"],
        ["kick", "kick"],
        ["removeOwner", "leave"],
        ["kick", "leave"],
    ]
    .into_iter()
    .cycle()
    .take(ROUNDS)
    .enumerate()
    {
        let room = create(&alice, "channels", &format!("crown-{round}"), &["bob"]).await;
        let (alices, bobs) = (
            json!({"roomId": room, "userId": alice.user_id}),
            json!({"roomId": room, "userId": bob.user_id}),
        );
        alice.post("channels.addOwner", bobs.clone()).await.ok();
        let paths = deeds.map(|deed| format!("channels.{deed}"));
        let last = if deeds[1] == "leave" {
            json!({"roomId": room})
        } else {
            alices
        };
        at_once([(&alice, &paths[0], &bobs), (&bob, &paths[1], &last)]).await;
        let roles = alice.get(&format!("rooms.roles?rid={room}")).await.ok();
        let owners = roles["roles"].as_array().unwrap().iter();
        let owners = owners
            .filter(|one| one["roles"] == json!(["owner"]))
            .count();
        assert_eq!(owners, 1, "round {round}, {deeds:?}: {roles}");
    }
    verify(&server);
}
