//! Who may log in, and accounts that end.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::ServerOptions;

use crate::set;

on_both_logs![
    owners_who_may_not_log_in_are_replaced,
    people_go_by_themselves,
    what_becomes_of_a_deleted_account,
    accounts_that_nobody_uses_fall_asleep,
    rooms_count_those_who_may_log_in,
    a_group_is_not_forsaken_while_somebody_sleeps_in_it,
];

pub fn digest(password: &str) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(password.as_bytes()) {
        write!(hex, "{byte:02x}").expect("a text");
    }
    hex
}

async fn group(owner: &Client, name: &str, members: &[&str]) -> String {
    let body = owner
        .post("groups.create", json!({"name": name, "members": members}))
        .await
        .ok();
    body["group"]["_id"].as_str().expect("an id").to_owned()
}

async fn direct(client: &Client, username: &str) -> String {
    let body = client
        .post("im.create", json!({"username": username}))
        .await
        .ok();
    body["room"]["rid"].as_str().expect("an id").to_owned()
}

async fn say(client: &Client, room: &str, text: &str) -> tests::client::Answer {
    client
        .post(
            "chat.sendMessage",
            json!({"message": {"rid": room, "msg": text}}),
        )
        .await
}

async fn owners_who_may_not_log_in_are_replaced(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    // Zoe is there the longest, whatever her name.
    let (zoe, bob) = (admin.new_user("zoe").await, admin.new_user("bob").await);
    let shared = group(&ann, "shared", &["zoe"]).await;
    ann.post(
        "groups.invite",
        json!({"roomId": shared, "userId": bob.user_id}),
    )
    .await
    .ok();
    let alone = group(&ann, "alone", &[]).await;
    let room = direct(&bob, "ann").await;
    say(&bob, &room, "hello").await.ok();

    let off = |confirmed: bool| json!({"userId": ann.user_id, "activeStatus": false, "confirmRelinquish": confirmed});
    let body = admin
        .post("users.setActiveStatus", off(false))
        .await
        .refused(400);
    assert_eq!(
        (&body["error"], &body["errorType"]),
        (&json!("[user-last-owner]"), &json!("user-last-owner"))
    );
    assert_eq!(
        body["details"],
        json!({"shouldBeRemoved": ["alone"], "shouldChangeOwner": ["shared"]})
    );
    ann.get("me").await.ok();
    let body = admin.post("users.setActiveStatus", off(true)).await.ok();
    assert_eq!(body["user"], json!({"_id": ann.user_id, "active": false}));
    ann.get("me").await.refused(401);
    let roles = zoe.get(&format!("groups.roles?roomId={shared}")).await.ok();
    let owner = |body: &Value, user: &str| {
        body["roles"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["u"]["_id"] == json!(user) && one["roles"] == json!(["owner"]))
    };
    assert!(
        owner(&roles, &zoe.user_id) && !owner(&roles, &bob.user_id),
        "{roles}"
    );
    admin
        .get(&format!("groups.info?roomId={alone}"))
        .await
        .refused(400);

    // Nobody talks to the absent.
    let place = async || {
        bob.get(&format!("subscriptions.getOne?roomId={room}"))
            .await
            .ok()["subscription"]["archived"]
            .clone()
    };
    assert_eq!(place().await, json!(true));
    say(&bob, &room, "are you there?").await.refused(400);
    let on = json!({"userId": ann.user_id, "activeStatus": true});
    admin.post("users.setActiveStatus", on).await.ok();
    assert_eq!(place().await, json!(false));
    say(&bob, &room, "welcome back").await.ok();
    ann.get("me").await.refused(401);
    let unknown = json!({"userId": "nobody", "activeStatus": true});
    assert_eq!(
        admin.post("users.setActiveStatus", unknown).await.ok(),
        json!({"success": true})
    );
    let last = json!({"userId": admin.user_id, "activeStatus": false});
    let body = admin.post("users.setActiveStatus", last).await.refused(400);
    assert_eq!(body["details"]["action"], json!("Remove_last_admin"));
    bob.post("users.setActiveStatus", off(true))
        .await
        .refused(403);
}

async fn messages(client: &Client, room: &str) -> Vec<Value> {
    let body = client
        .get(&format!("channels.history?roomId={room}"))
        .await
        .ok();
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    messages
        .into_iter()
        .filter(|message| message["t"].is_null())
        .collect()
}

async fn what_becomes_of_a_deleted_account(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let bob = admin.new_user("bob").await;
    for erasure in ["Delete", "Unlink", "Keep"] {
        set(&admin, "Message_ErasureType", json!(erasure)).await;
        let ann = admin.new_user("ann").await;
        let told = say(&ann, "GENERAL", erasure).await.ok()["message"]["_id"].clone();
        let pair = direct(&bob, "ann").await;
        let three = bob
            .post("im.create", json!({"usernames": "ann,admin"}))
            .await
            .ok()["room"]["rid"]
            .clone();
        let owned = group(&ann, "owned", &["bob"]).await;
        let body = admin
            .post("users.delete", json!({"username": "ANN"}))
            .await
            .refused(400);
        assert_eq!(body["errorType"], json!("user-last-owner"));
        admin
            .post(
                "users.delete",
                json!({"username": "ann", "confirmRelinquish": true}),
            )
            .await
            .ok();
        ann.get("me").await.refused(401);
        let left: Vec<Value> = messages(&bob, "GENERAL")
            .await
            .into_iter()
            .filter(|one| one["_id"] == told)
            .collect();
        match erasure {
            "Delete" => assert!(left.is_empty(), "{left:?}"),
            "Unlink" => {
                assert_eq!(left[0]["u"]["username"], json!("rocket.cat"));
                assert_eq!(left[0]["alias"], json!("Removed User"));
            }
            _ => assert_eq!(left[0]["u"]["_id"], json!(ann.user_id)),
        }
        let rooms = bob.get("im.list").await.ok();
        let there: Vec<&Value> = rooms["ims"]
            .as_array()
            .unwrap()
            .iter()
            .map(|room| &room["_id"])
            .collect();
        assert!(
            !there.contains(&&json!(pair)) && there.contains(&&three),
            "{rooms}"
        );
        let roles = bob.get(&format!("groups.roles?roomId={owned}")).await.ok();
        assert_eq!(roles["roles"][0]["u"]["username"], json!("bob"));
        bob.post("groups.delete", json!({"roomId": owned}))
            .await
            .ok();
        bob.get("users.info?username=ann").await.refused(400);
        // Both names are free again: the next round takes them.
    }
    let body = admin
        .post("users.delete", json!({"userId": "nobody"}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], json!("error-invalid-user"));
    let body = admin.post("users.delete", json!({})).await.refused(400);
    assert_eq!(body["errorType"], json!("error-user-param-not-provided"));
    let body = admin
        .post("users.delete", json!({"userId": admin.user_id}))
        .await
        .refused(400);
    assert_eq!(
        body["error"],
        json!("Leaving the app without admins is not allowed [error-action-not-allowed]")
    );
    bob.post("users.delete", json!({"userId": admin.user_id}))
        .await
        .refused(403);
}

async fn people_go_by_themselves(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let go = |password: &str| json!({"password": password, "confirmRelinquish": true});
    let body = ann
        .post("users.deleteOwnAccount", go("x"))
        .await
        .refused(400);
    assert_eq!(body["errorType"], json!("error-not-allowed"));
    // The right to delete others is none to go oneself.
    let body = admin
        .post("users.deleteOwnAccount", go("x"))
        .await
        .refused(400);
    assert_eq!(body["errorType"], json!("error-not-allowed"));
    set(&admin, "Accounts_AllowDeleteOwnAccount", json!(true)).await;
    let body = ann
        .post("users.deleteOwnAccount", json!({}))
        .await
        .refused(400);
    assert_eq!(
        body["error"],
        json!("Body parameter \"password\" is required.")
    );
    for wrong in ["password of ann".to_owned(), digest("another")] {
        let body = ann
            .post("users.deleteOwnAccount", go(&wrong))
            .await
            .refused(400);
        assert_eq!(body["errorType"], json!("error-invalid-password"));
    }
    group(&ann, "mine", &[]).await;
    let hesitant = json!({"password": digest("password of ann")});
    let body = ann
        .post("users.deleteOwnAccount", hesitant)
        .await
        .refused(400);
    assert_eq!(body["errorType"], json!("user-last-owner"));
    ann.post("users.deleteOwnAccount", go(&digest("password of ann")))
        .await
        .ok();
    ann.get("me").await.refused(401);
    admin.get("users.info?username=ann").await.refused(400);
}

async fn accounts_that_nobody_uses_fall_asleep(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let wish = json!({"username": "bob", "name": "B", "email": "b@example.org", "password": "x"});
    admin.post("users.create", wish).await.ok();
    let body = admin
        .post("users.deactivateIdle", json!({"daysIdle": 1}))
        .await
        .ok();
    assert_eq!(body["count"], json!(0));
    // Everybody has been idle for at least no time.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let body = admin
        .post("users.deactivateIdle", json!({"daysIdle": 1e-9}))
        .await
        .ok();
    assert_eq!(
        body["count"],
        json!(2),
        "ann and bob, but not the last administrator"
    );
    ann.get("me").await.refused(401);
    let body = admin
        .post(
            "users.deactivateIdle",
            json!({"daysIdle": 1e-9, "role": "bot"}),
        )
        .await
        .ok();
    assert_eq!(body["count"], json!(1));
    let on = json!({"userId": ann.user_id, "activeStatus": true});
    admin.post("users.setActiveStatus", on).await.ok();
    ann.get("me").await.ok();
    ann.post("users.deactivateIdle", json!({"daysIdle": 1e-9}))
        .await
        .refused(403);
    for days in [json!(0), json!(-1), json!(-1e300), json!("-1"), json!(null)] {
        let refused = admin
            .post("users.deactivateIdle", json!({"daysIdle": days}))
            .await
            .refused(400);
        assert_eq!(refused["errorType"], "invalid-params", "{days}");
    }
    ann.get("me").await.ok();
    let body = admin
        .post("users.deactivateIdle", json!({}))
        .await
        .refused(400);
    assert_eq!(body["errorType"], json!("invalid-params"));
}

/// How many members a room (of `channels` or `im`) says it has, in every place that says so.
async fn counts(by: &Client, family: &str, room: &str) -> Vec<i64> {
    let info = by.get(&format!("rooms.info?roomId={room}")).await.ok();
    let counters = by
        .get(&format!("{family}.counters?roomId={room}"))
        .await
        .ok();
    let members = by
        .get(&format!("{family}.members?roomId={room}"))
        .await
        .ok();
    let rooms = by.get("rooms.get").await.ok();
    let listed = rooms["update"].as_array().unwrap().iter();
    let listed = listed.filter(|one| one["_id"] == json!(room));
    [
        &info["room"]["usersCount"],
        &counters["members"],
        &members["total"],
    ]
    .into_iter()
    .chain(listed.map(|one| &one["usersCount"]))
    .map(|count| count.as_i64().expect("a number"))
    .collect()
}

async fn rooms_count_those_who_may_log_in(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let (bob, cid) = (admin.new_user("bob").await, admin.new_user("cid").await);
    let body = json!({"name": "hall", "members": ["ann", "bob", "cid"]});
    let body = admin.post("channels.create", body).await.ok();
    let room = body["channel"]["_id"].as_str().expect("an id").to_owned();
    let wish = json!({"usernames": "ann,bob"});
    let talk = admin.post("im.create", wish).await.ok();
    let talk = talk["room"]["rid"].as_str().expect("an id").to_owned();
    let active = async |who: &Client, active: bool| {
        let body =
            json!({"userId": who.user_id, "activeStatus": active, "confirmRelinquish": true});
        admin.post("users.setActiveStatus", body).await.ok();
    };
    assert_eq!(counts(&admin, "im", &talk).await, [3; 4]);
    assert_eq!(counts(&admin, "channels", &room).await, [4; 4]);
    active(&ann, false).await;
    active(&ann, false).await;
    assert_eq!(
        counts(&admin, "channels", &room).await,
        [3; 4],
        "ann may not log in"
    );
    assert_eq!(counts(&admin, "im", &talk).await, [2; 4], "nor talk");
    active(&ann, true).await;
    assert_eq!(counts(&admin, "channels", &room).await, [4; 4]);
    for who in [&ann, &bob, &cid] {
        active(who, false).await;
    }
    assert_eq!(counts(&admin, "channels", &room).await, [1; 4]);
    let gone = json!({"userId": ann.user_id, "confirmRelinquish": true});
    admin.post("users.delete", gone).await.ok();
    assert_eq!(
        counts(&admin, "channels", &room).await,
        [1; 4],
        "ann was not counted"
    );
    assert_eq!(counts(&admin, "im", &talk).await, [1; 4], "admin alone");
    let kicked = json!({"roomId": room, "userId": bob.user_id});
    admin.post("channels.kick", kicked).await.ok();
    assert_eq!(
        counts(&admin, "channels", &room).await,
        [1; 4],
        "bob was not counted"
    );
    active(&bob, true).await;
    active(&cid, true).await;
    assert_eq!(
        counts(&admin, "channels", &room).await,
        [2; 4],
        "cid is still a member"
    );
}

async fn a_group_is_not_forsaken_while_somebody_sleeps_in_it(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let shared = group(&ann, "shared", &["bob"]).await;
    let active =
        |who: &Client, active: bool| json!({"userId": who.user_id, "activeStatus": active});
    // Both have been idle for at least no time. It changes nothing of what is theirs.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let asleep = json!({"daysIdle": 1e-9});
    let body = admin.post("users.deactivateIdle", asleep).await.ok();
    assert_eq!(body["count"], 2, "{body}");
    // It is ann's to look after, and she may come back: bob is not the last, though the only one counted.
    for body in [active(&bob, true), active(&bob, false), active(&ann, true)] {
        admin.post("users.setActiveStatus", body).await.ok();
    }
    let ann = admin.login("ann", "password of ann").await;
    ann.get(&format!("groups.info?roomId={shared}")).await.ok();
}
