//! Rules that must hold whatever happens at the same moment.

use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Value, json};
use tests::client::{Answer, Client};
use tests::on_both_logs;
use tests::server::{ADMIN, ADMIN_PASSWORD, ServerOptions};
use tokio::sync::Barrier;

use crate::methods::method;
use crate::set;
use crate::users_leave::digest;

on_both_logs![
    somebody_always_administrates,
    a_role_is_not_given_while_it_is_deleted,
    nobody_undoes_who_holds_a_permission,
    a_room_always_has_an_owner,
    one_of_those_who_sign_up_first_administrates,
    a_new_password_ends_what_the_old_one_begins,
];

/// How often each race is run.
const ROUNDS: usize = 24;

type Act = Pin<Box<dyn Future<Output = bool> + Send>>;

/// Lets them act at the same moment; says who succeeded.
async fn at_once(acts: Vec<Act>) -> Vec<bool> {
    let barrier = Arc::new(Barrier::new(acts.len()));
    let tasks: Vec<_> = acts
        .into_iter()
        .map(|act| {
            let barrier = barrier.clone();
            tokio::spawn(async move {
                barrier.wait().await;
                act.await
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.expect("an outcome"));
    }
    outcomes
}

fn post(client: &Client, path: &str, body: Value) -> Act {
    let (client, path) = (client.clone(), path.to_owned());
    Box::pin(async move { succeeded(&client.post(&path, body).await) })
}

fn call(client: &Client, name: &'static str, params: Value) -> Act {
    let client = client.clone();
    Box::pin(async move { method(&client, name, params).await.get("error").is_none() })
}

/// A refusal is one; a server that cannot answer is a failure of the test.
fn succeeded(answer: &Answer) -> bool {
    assert!(
        answer.status.is_success() || answer.status.is_client_error(),
        "{} {}",
        answer.status,
        answer.body
    );
    answer.status.is_success()
}

/// An administrator, and how to log in again.
struct Admin {
    name: String,
    password: String,
    client: Client,
}

/// How `by` takes the administration away from `from`.
type Removal = (&'static str, fn(by: &Admin, from: &Admin) -> Act);

const REMOVALS: &[Removal] = &[
    ("users.update roles", |by, from| {
        let wish = json!({"userId": from.client.user_id, "data": {"roles": ["user"]}});
        post(&by.client, "users.update", wish)
    }),
    ("users.update active", |by, from| {
        let wish = json!({"userId": from.client.user_id, "data": {"active": false}, "confirmRelinquish": true});
        post(&by.client, "users.update", wish)
    }),
    ("roles.removeUserFromRole", |by, from| {
        let wish = json!({"roleId": "admin", "username": from.name});
        post(&by.client, "roles.removeUserFromRole", wish)
    }),
    ("users.setActiveStatus", |by, from| {
        let wish = json!({"userId": from.client.user_id, "activeStatus": false, "confirmRelinquish": true});
        post(&by.client, "users.setActiveStatus", wish)
    }),
    ("users.deactivateIdle", |by, _| {
        post(
            &by.client,
            "users.deactivateIdle",
            json!({"daysIdle": 1e-9, "role": "admin"}),
        )
    }),
    ("users.delete", |by, from| {
        let wish = json!({"userId": from.client.user_id, "confirmRelinquish": true});
        post(&by.client, "users.delete", wish)
    }),
    ("users.deleteOwnAccount", |by, _| {
        let wish = json!({"password": digest(&by.password), "confirmRelinquish": true});
        post(&by.client, "users.deleteOwnAccount", wish)
    }),
    ("setUserActiveStatus", |by, from| {
        call(
            &by.client,
            "setUserActiveStatus",
            json!([from.client.user_id, false, true]),
        )
    }),
    ("deleteUser", |by, from| {
        call(&by.client, "deleteUser", json!([from.client.user_id, true]))
    }),
];

async fn administrates(admin: &Admin) -> bool {
    let me = admin.client.get("me").await;
    let roles = me.body["roles"].as_array().cloned().unwrap_or_default();
    me.status.is_success() && roles.contains(&json!("admin"))
}

async fn new_admin(by: &Client, name: &str) -> Admin {
    let wish = json!({"username": name, "name": name, "password": name, "email": format!("{name}@example.org"),
        "roles": ["admin", "user"]});
    by.post("users.create", wish).await.ok();
    Admin {
        name: name.to_owned(),
        password: name.to_owned(),
        client: by.login(name, name).await,
    }
}

async fn somebody_always_administrates(options: ServerOptions) {
    let server = options.start().await;
    let mut one = Admin {
        name: ADMIN.to_owned(),
        password: ADMIN_PASSWORD.to_owned(),
        client: server.admin().await,
    };
    set(&one.client, "Accounts_AllowDeleteOwnAccount", json!(true)).await;
    for round in 0..ROUNDS.next_multiple_of(REMOVALS.len()) {
        let (route, removal) = REMOVALS[round % REMOVALS.len()];
        // Once with each other by the same route, once by any two.
        let (other_route, other_removal) = if round < REMOVALS.len() {
            (route, removal)
        } else {
            REMOVALS[(round * 5 + 2) % REMOVALS.len()]
        };
        let two = new_admin(&one.client, &format!("admin{round}")).await;
        at_once(vec![removal(&one, &two), other_removal(&two, &one)]).await;
        let left = (administrates(&one).await, administrates(&two).await);
        assert!(left.0 || left.1, "{route} and {other_route} left nobody");
        if left == (true, true) {
            // Both were refused; the next one would be the third.
            let wish = json!({"userId": two.client.user_id, "data": {"roles": ["user"]}});
            one.client.post("users.update", wish).await.ok();
        } else if left.1 {
            one = two;
        }
    }
}

async fn role_exists(admin: &Client, id: &Value) -> bool {
    let roles = admin.get("roles.list").await.ok();
    roles["roles"]
        .as_array()
        .unwrap()
        .iter()
        .any(|role| role["_id"] == *id)
}

async fn a_role_is_not_given_while_it_is_deleted(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    let room = ada
        .post("channels.create", json!({"name": "engines"}))
        .await
        .ok();
    let room = room["channel"]["_id"].clone();
    for round in 0..ROUNDS {
        let way = round % 4;
        let scope = if way == 0 { "Subscriptions" } else { "Users" };
        let wish = json!({"name": format!("role{round}"), "scope": scope});
        let role = admin.post("roles.create", wish).await.ok()["role"]["_id"].clone();
        let new = format!("new{round}");
        let give = match way {
            0 => {
                let wish = json!({"roleId": role, "username": "ada", "roomId": room});
                post(&admin, "roles.addUserToRole", wish)
            }
            1 => {
                let wish = json!({"roleId": role, "username": "ada"});
                post(&admin, "roles.addUserToRole", wish)
            }
            2 => {
                let wish = json!({"userId": ada.user_id, "data": {"roles": ["user", role]}});
                post(&admin, "users.update", wish)
            }
            _ => {
                let wish = json!({"username": new, "name": new, "password": "x",
                    "email": format!("{new}@example.org"), "roles": ["user", role]});
                post(&admin, "users.create", wish)
            }
        };
        let delete = post(&admin, "roles.delete", json!({"roleId": role}));
        let outcomes = at_once(vec![give, delete]).await;
        assert_ne!(outcomes, [true, true], "way {way}");
        assert_eq!(role_exists(&admin, &role).await, !outcomes[1], "way {way}");
        if outcomes[0] {
            // Taken away, it can be deleted.
            match way {
                0 => {
                    let wish = json!({"roleId": role, "username": "ada", "scope": room});
                    admin.post("roles.removeUserFromRole", wish).await.ok();
                }
                1 | 2 => {
                    let wish = json!({"userId": ada.user_id, "data": {"roles": ["user"]}});
                    admin.post("users.update", wish).await.ok();
                }
                _ => {
                    admin
                        .post("users.delete", json!({"username": new}))
                        .await
                        .ok();
                }
            }
            admin
                .post("roles.delete", json!({"roleId": role}))
                .await
                .ok();
        }
    }
}

/// The owners of a group who may log in.
async fn owners(admin: &Client, room: &Value) -> usize {
    let id = room.as_str().unwrap();
    let roles = admin.get(&format!("groups.roles?roomId={id}")).await;
    let mut count = 0;
    for held in roles.body["roles"].as_array().into_iter().flatten() {
        let id = held["u"]["_id"].as_str().unwrap_or_default();
        let user = admin.get(&format!("users.info?userId={id}")).await;
        count += usize::from(
            held["roles"].as_array().unwrap().contains(&json!("owner"))
                && user.body["user"]["active"] == json!(true),
        );
    }
    count
}

async fn a_room_always_has_an_owner(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    for round in 0..ROUNDS {
        let (ann, bob) = (
            admin.new_user(&format!("ann{round}")).await,
            admin.new_user(&format!("bob{round}")).await,
        );
        let wish =
            json!({"name": format!("room{round}"), "members": [format!("bob{round}"), "admin"]});
        let room = ann.post("groups.create", wish).await.ok()["group"]["_id"].clone();
        let of = |user: &Client| json!({"roomId": room, "userId": user.user_id});
        ann.post("groups.addOwner", of(&bob)).await.ok();
        let off = json!({"userId": bob.user_id, "activeStatus": false, "confirmRelinquish": true});
        let gone = json!({"userId": bob.user_id, "confirmRelinquish": true});
        let ann_off =
            json!({"userId": ann.user_id, "activeStatus": false, "confirmRelinquish": true});
        let leave = |user: &Client| post(user, "groups.leave", json!({"roomId": room}));
        let acts = match round % 6 {
            0 => vec![leave(&ann), leave(&bob)],
            1 => vec![
                post(&ann, "groups.removeOwner", of(&bob)),
                post(&bob, "groups.removeOwner", of(&ann)),
            ],
            2 => vec![
                post(&ann, "groups.kick", of(&bob)),
                post(&bob, "groups.kick", of(&ann)),
            ],
            3 => vec![leave(&ann), post(&admin, "users.setActiveStatus", off)],
            4 => vec![leave(&ann), post(&admin, "users.delete", gone)],
            _ => vec![
                post(&admin, "users.setActiveStatus", ann_off),
                post(&admin, "users.setActiveStatus", off),
            ],
        };
        at_once(acts).await;
        assert_ne!(owners(&admin, &room).await, 0, "race {}", round % 6);
    }
}

async fn one_of_those_who_sign_up_first_administrates(options: ServerOptions) {
    let server = options.without_admin().start().await;
    let anyone = server.client();
    let names: Vec<String> = (0..ROUNDS).map(|number| format!("first{number}")).collect();
    let acts = names.iter().map(|name| {
        let wish = json!({"username": name, "name": name, "pass": name, "email": format!("{name}@example.org")});
        post(&anyone, "users.register", wish)
    });
    let outcomes = at_once(acts.collect()).await;
    assert_eq!(outcomes, vec![true; ROUNDS]);
    let mut admins = 0;
    for name in &names {
        let me = anyone.login(name, name).await.get("me").await.ok();
        admins += usize::from(me["roles"] == json!(["user", "admin"]));
    }
    assert_eq!(admins, 1);
}

/// Whoever logs in, or makes a token on their session, in the moment the password changes is out afterwards.
async fn a_new_password_ends_what_the_old_one_begins(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let ada = admin.new_user("ada").await;
    let mut password = "password of ada".to_owned();
    for round in 0..ROUNDS {
        let session = ada.login("ada", &password).await;
        let next = format!("password {round}");
        let change = post(
            &admin,
            "users.update",
            json!({"userId": ada.user_id, "data": {"password": next}}),
        );
        let barrier = Arc::new(Barrier::new(3));
        let begin = |client: Client, path: &'static str, body: Value| {
            let barrier = barrier.clone();
            tokio::spawn(async move {
                barrier.wait().await;
                client.post(path, body).await
            })
        };
        let login = begin(
            server.client(),
            "login",
            json!({"user": "ada", "password": password}),
        );
        let token = begin(
            session,
            "users.generatePersonalAccessToken",
            json!({"tokenName": format!("bot{round}")}),
        );
        barrier.wait().await;
        assert!(change.await, "the password changes");
        let (login, token) = (login.await.unwrap(), token.await.unwrap());
        for token in [&login.body["data"]["authToken"], &token.body["token"]] {
            if let Some(token) = token.as_str() {
                ada.with_token(&ada.user_id, token)
                    .get("me")
                    .await
                    .refused(401);
            }
        }
        password = next;
    }
}

/// Roles are given and taken one permission by several at the same moment: all of it holds.
async fn nobody_undoes_who_holds_a_permission(options: ServerOptions) {
    const PERMISSION: &str = "view-statistics";
    let server = options.start().await;
    let admin = server.admin().await;
    let roles = ["bot", "guest", "anonymous", "moderator"];
    for round in 0..ROUNDS {
        let acts = roles.iter().enumerate().map(|(number, role)| {
            let path = if (round + number) % 2 == 0 {
                "permissions.addRole"
            } else {
                "permissions.removeRole"
            };
            let wish = json!({"permissionId": PERMISSION, "role": role});
            post(&admin, path, wish)
        });
        let done = at_once(acts.collect()).await;
        assert_eq!(done, [true; 4], "round {round}");
        let all = admin.get("permissions.listAll").await.ok();
        let held = all["update"].as_array().expect("permissions").iter();
        let held = held.filter(|one| one["_id"] == PERMISSION);
        let held: Vec<&Value> = held
            .filter_map(|one| one["roles"].as_array())
            .flatten()
            .collect();
        for (number, role) in roles.iter().enumerate() {
            assert_eq!(
                held.contains(&&json!(role)),
                (round + number) % 2 == 0,
                "round {round}, {role}: {held:?}"
            );
        }
    }
}
