//! Teams beyond the routes of teams: what else may be called so, who else tells of them, and who owns them.

use serde_json::{Value, json};
use tests::client::Client;
use tests::server::Server;

use super::people;

/// Makes a team; returns its id and that of its main room.
async fn team(owner: &Client, name: &str, kind: u8, members: &[&str]) -> (String, String) {
    let wish = json!({"name": name, "type": kind, "members": members});
    let made = owner.post("teams.create", wish).await.ok()["team"].clone();
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    (text("_id"), text("roomId"))
}

fn called(list: &Value) -> Vec<&str> {
    let items = list.as_array().unwrap().iter();
    items.filter_map(|item| item["name"].as_str()).collect()
}

#[tokio::test]
async fn nobody_is_called_like_a_team() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    team(&alice, "Crew", 0, &[]).await;
    let account = |username: &str, password: &str| {
        let mut wish = json!({"username": username, "name": "Carl", "email": "carl@example.org"});
        wish[password] = "a long password".into();
        wish
    };
    for (who, path, wish) in [
        (&admin, "users.create", account("crew", "password")),
        (&server.client(), "users.register", account("CREW", "pass")),
        (
            &admin,
            "users.update",
            json!({"userId": bob.user_id, "data": {"username": "crew"}}),
        ),
        (
            &bob,
            "users.updateOwnBasicInfo",
            json!({"data": {"username": "crew"}}),
        ),
    ] {
        let refused = who.post(path, wish).await.refused(400);
        let told = refused["error"].as_str().unwrap();
        let taken = ["already in use", "Could not save"].map(|part| told.contains(part));
        assert!(taken.contains(&true), "{path}: {refused}");
    }
    let made = json!({"name": "sailors"});
    let room = bob.post("channels.create", made).await.ok()["channel"]["_id"].clone();
    let rename = json!({"roomId": room, "name": "crew"});
    let refused = bob.post("channels.rename", rename).await.refused(400);
    assert_eq!(refused["errorType"], "error-duplicate-handle", "{refused}");
    let free = bob.get("users.checkUsernameAvailability?username=crew");
    assert_eq!(free.await.ok()["result"], false);
    let carl = account("carl", "password");
    admin.post("users.create", carl).await.ok();
}

#[tokio::test]
async fn the_teams_of_a_user_are_told_to_those_who_may_know_of_them() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let carl = admin.new_user("carl").await;
    team(&alice, "open", 0, &["bob"]).await;
    team(&alice, "closed", 1, &["bob"]).await;
    for (who, expected) in [
        (&alice, vec!["closed", "open"]),
        (&bob, vec!["closed", "open"]),
        (&admin, vec!["closed", "open"]),
        (&carl, vec!["open"]),
    ] {
        for (whose, owns) in [(&alice, true), (&bob, false)] {
            let path = format!("users.listTeams?userId={}", whose.user_id);
            let found = who.get(&path).await.ok();
            assert_eq!(called(&found["teams"]), expected, "{found}");
            assert_eq!(found["teams"][0]["isOwner"], owns, "{found}");
        }
    }
}

#[tokio::test]
async fn the_directory_has_teams_for_themselves() {
    let server = Server::start().await;
    let (_, alice, bob) = people(&server).await;
    let (open, _) = team(&alice, "open", 0, &[]).await;
    team(&alice, "closed", 1, &[]).await;
    let inside = json!({"name": "inside", "extraData": {"teamId": open}});
    alice.post("channels.create", inside).await.ok();
    let begin = json!({"prid": "GENERAL", "t_name": "A discussion"});
    alice.post("rooms.createDiscussion", begin).await.ok();
    for (who, kind, expected) in [
        (&alice, "teams", vec!["closed", "open"]),
        (&bob, "teams", vec!["open"]),
        (&alice, "channels", vec!["general", "inside"]),
        (&bob, "channels", vec!["general", "inside"]),
    ] {
        let path = format!(r#"directory?query={{"type":"{kind}"}}&sort={{"name":1}}"#);
        let found = who.get(&path).await.ok();
        assert_eq!(called(&found["result"]), expected, "{kind}: {found}");
    }
    let path = r#"directory?query={"type":"teams"}&sort={"name":1}"#;
    let found = bob.get(path).await.ok()["result"][0].clone();
    assert_eq!(
        (&found["teamMain"], &found["roomsCount"]),
        (&json!(true), &json!(1)),
        "{found}"
    );
    let path = "directory?type=channels&text=inside";
    let found = bob.get(path).await.ok()["result"][0].clone();
    assert_eq!(found["belongsTo"], "open", "{found}");
}

#[tokio::test]
async fn who_edits_members_does_not_make_owners() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let carl = admin.new_user("carl").await;
    let (id, main) = team(&alice, "crew", 1, &["bob"]).await;
    let rank = |user: &Client, roles: &[&str]| json!({"teamId": id, "member": {"userId": user.user_id, "roles": roles}});
    let moderator = rank(&bob, &["moderator"]);
    alice.post("teams.updateMember", moderator).await.ok();
    for wish in [rank(&bob, &["owner"]), rank(&alice, &[])] {
        let refused = bob.post("teams.updateMember", wish).await.refused(403);
        assert_eq!(refused["error"], "unauthorized");
    }
    let owner = json!({"teamId": id, "members": [{"userId": carl.user_id, "roles": ["owner"]}]});
    bob.post("teams.addMembers", owner).await.refused(403);
    let leader = json!({"teamId": id, "members": [{"userId": carl.user_id, "roles": ["leader"]}]});
    bob.post("teams.addMembers", leader).await.ok();
    let roles = bob.get(&format!("rooms.roles?rid={main}")).await.ok();
    let owners: Vec<&Value> = roles["roles"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|place| place["roles"].to_string().contains("owner"))
        .map(|place| &place["u"]["username"])
        .collect();
    assert_eq!(owners, ["alice"], "{roles}");
}
