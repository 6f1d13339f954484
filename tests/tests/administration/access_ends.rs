//! What ends whose access: every kind of credential against everything that ends some, on REST and on sockets.

use std::fmt::Write as _;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tests::client::Client;
use tests::live::Live;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use super::oauth_apps::Flow;
use crate::calls::result;

on_both_logs![access_ends_everywhere_at_once];

/// How long a socket may stay open that is to be closed.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// Everything that gives access to the account of Alice.
struct Credentials {
    /// Of the login she acts with.
    presented: Client,
    /// Of another login.
    other: Client,
    /// Of a program of hers.
    personal: Client,
    /// Of a program of somebody else.
    program: Client,
    /// What renews that.
    refresh: String,
    /// A consent that is not made use of yet.
    code: String,
    /// A socket each.
    sockets: Vec<(Kind, Live)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Presented,
    Other,
    Personal,
    Program,
}

impl Credentials {
    async fn fresh(server: &Server, flow: &mut Flow, password: &str, round: usize) -> Self {
        let presented = server.client().login("alice", password).await;
        flow.alice = presented.clone();
        let other = server.client().login("alice", password).await;
        let name = json!({"tokenName": format!("bot{round}")});
        let made = presented
            .post("users.generatePersonalAccessToken", name)
            .await
            .ok();
        let personal = presented.with_token(&presented.user_id, made["token"].as_str().unwrap());
        let (status, tokens) = flow.redeem(&flow.code(&[]).await).await;
        assert_eq!(status, 200, "{tokens}");
        let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
        let program = presented.with_token(&presented.user_id, &token("access_token"));
        let mut sockets = Vec::new();
        for (kind, client) in [
            (Kind::Presented, &presented),
            (Kind::Other, &other),
            (Kind::Personal, &personal),
            (Kind::Program, &program),
        ] {
            let mut socket = Live::connect(server, client, None).await;
            socket.subscribe(&["GENERAL"]).await;
            sockets.push((kind, socket));
        }
        Self {
            code: flow.code(&[]).await,
            refresh: token("refresh_token"),
            presented,
            other,
            personal,
            program,
            sockets,
        }
    }

    /// What is still good, over REST.
    async fn good(&self, flow: &Flow) -> Vec<Kind> {
        let mut good = Vec::new();
        for (kind, client) in [
            (Kind::Presented, &self.presented),
            (Kind::Other, &self.other),
            (Kind::Personal, &self.personal),
        ] {
            if client.get("me").await.status == 200 {
                good.push(kind);
            }
        }
        if flow.with_bearer("/api/v1/me", &self.program.token).await.0 == 200 {
            good.push(Kind::Program);
        }
        good
    }
}

/// What is done, and what stays good.
struct Case {
    name: &'static str,
    stays: &'static [Kind],
}

const NOTHING: &[Kind] = &[];
const ALL: &[Kind] = &[Kind::Presented, Kind::Other, Kind::Personal, Kind::Program];

const CASES: &[Case] = &[
    Case {
        name: "logout",
        stays: &[Kind::Other, Kind::Personal, Kind::Program],
    },
    Case {
        name: "logout by method",
        stays: &[Kind::Other, Kind::Personal, Kind::Program],
    },
    Case {
        name: "logout of a program",
        stays: &[Kind::Presented, Kind::Other, Kind::Personal],
    },
    Case {
        name: "users.logoutOtherClients",
        stays: &[Kind::Presented, Kind::Personal, Kind::Program],
    },
    Case {
        name: "users.removeOtherTokens",
        stays: &[Kind::Presented],
    },
    Case {
        name: "removeOtherTokens",
        stays: &[Kind::Presented],
    },
    Case {
        name: "users.logout by the owner",
        stays: NOTHING,
    },
    Case {
        name: "users.logout by an administrator",
        stays: NOTHING,
    },
    Case {
        name: "password by the owner",
        stays: &[Kind::Presented],
    },
    Case {
        name: "password by an administrator",
        stays: NOTHING,
    },
    Case {
        name: "users.resetTOTP",
        stays: NOTHING,
    },
    Case {
        name: "users.resetE2EKey",
        stays: NOTHING,
    },
    Case {
        name: "another name",
        stays: ALL,
    },
    Case {
        name: "token removed",
        stays: &[Kind::Presented, Kind::Other, Kind::Program],
    },
    Case {
        name: "token made anew",
        stays: &[Kind::Presented, Kind::Other, Kind::Program],
    },
    Case {
        name: "app switched off",
        stays: &[Kind::Presented, Kind::Other, Kind::Personal],
    },
    Case {
        name: "deactivated",
        stays: NOTHING,
    },
    Case {
        name: "deleted",
        stays: NOTHING,
    },
];

/// Does it; answers Alice's password where that is another one then.
async fn cause(
    case: &Case,
    admin: &Client,
    flow: &Flow,
    it: &Credentials,
    (round, password): (usize, &str),
) -> Option<String> {
    let alice = json!({"userId": it.presented.user_id});
    let bearer = |path: &str| {
        let url = format!("{}/api/v1/{path}", flow.url);
        flow.http
            .post(url)
            .bearer_auth(&it.program.token)
            .json(&json!({}))
            .send()
    };
    let new = format!("another password {round}");
    match case.name {
        "logout" => drop(it.presented.post("logout", json!({})).await.ok()),
        "logout by method" => drop(result(&it.presented, "logout", json!([])).await),
        "logout of a program" => assert_eq!(bearer("logout").await.unwrap().status(), 200),
        "users.logoutOtherClients" | "users.removeOtherTokens" => {
            drop(it.presented.post(case.name, json!({})).await.ok());
        }
        "removeOtherTokens" => drop(result(&it.presented, case.name, json!([])).await),
        "users.logout by the owner" => {
            drop(it.presented.post("users.logout", json!({})).await.ok());
        }
        "users.logout by an administrator" => drop(admin.post("users.logout", alice).await.ok()),
        "password by the owner" => {
            let mut current = String::new();
            for byte in Sha256::digest(password.as_bytes()) {
                write!(current, "{byte:02x}").unwrap();
            }
            let wish = json!({"data": {"newPassword": new, "currentPassword": current}});
            it.presented
                .post("users.updateOwnBasicInfo", wish)
                .await
                .ok();
            return Some(new);
        }
        "password by an administrator" => {
            let wish = json!({"userId": it.presented.user_id, "data": {"password": new}});
            admin.post("users.update", wish).await.ok();
            return Some(new);
        }
        "users.resetTOTP" => drop(admin.post("users.resetTOTP", alice).await.ok()),
        "users.resetE2EKey" => drop(admin.post("users.resetE2EKey", alice).await.ok()),
        "another name" => {
            let wish =
                json!({"userId": it.presented.user_id, "data": {"name": format!("Alice {round}")}});
            admin.post("users.update", wish).await.ok();
        }
        "token removed" => {
            let name = json!({"tokenName": format!("bot{round}")});
            it.presented
                .post("users.removePersonalAccessToken", name)
                .await
                .ok();
        }
        "token made anew" => {
            let name = json!({"tokenName": format!("bot{round}")});
            it.presented
                .post("users.regeneratePersonalAccessToken", name)
                .await
                .ok();
        }
        "app switched off" => switch(admin, flow, false).await,
        "deactivated" => {
            let off = json!({"userId": it.presented.user_id, "activeStatus": false});
            admin.post("users.setActiveStatus", off).await.ok();
        }
        "deleted" => drop(admin.post("users.delete", alice).await.ok()),
        other => panic!("{other} is not known"),
    }
    None
}

async fn switch(admin: &Client, flow: &Flow, active: bool) {
    let wish = json!({"name": "Wiki", "redirectUri": super::oauth_apps::BACK, "active": active});
    result(admin, "updateOAuthApp", json!([flow.app["_id"], wish])).await;
}

async fn access_ends_everywhere_at_once(options: ServerOptions) {
    let server = options.start().await;
    let mut flow = Flow::begin(&server).await;
    let admin = server.admin().await;
    let mut password = "password of alice".to_owned();
    for (round, case) in CASES.iter().enumerate() {
        let mut it = Credentials::fresh(&server, &mut flow, &password, round).await;
        assert_eq!(it.good(&flow).await, ALL, "before {}", case.name);
        let changed = cause(case, &admin, &flow, &it, (round, &password)).await;
        password = changed.unwrap_or(password);
        assert_eq!(it.good(&flow).await, case.stays, "after {}", case.name);
        for (kind, socket) in &mut it.sockets {
            if case.stays.contains(kind) {
                socket.send(&json!({"ping": {}})).await;
                socket.answer("pong").await;
                continue;
            }
            while socket.next_update(PATIENCE).await.is_some() {}
            let closed = socket.closed.as_ref();
            let code = closed.map(|frame| u16::from(frame.code));
            assert_eq!(code, Some(4003), "{kind:?} after {}", case.name);
        }
        // A program renews nothing that has ended, and makes use of no consent given before.
        let good = case.stays.contains(&Kind::Program);
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", it.refresh.as_str()),
        ];
        assert_eq!(
            flow.token(&fields).await.0 == 200,
            good,
            "renewing after {}",
            case.name
        );
        let others_stay = good || case.name == "logout of a program";
        assert_eq!(
            flow.redeem(&it.code).await.0 == 200,
            others_stay,
            "the code after {}",
            case.name
        );
        match case.name {
            "app switched off" => switch(&admin, &flow, true).await,
            "deactivated" => {
                let on = json!({"userId": it.presented.user_id, "activeStatus": true});
                admin.post("users.setActiveStatus", on).await.ok();
                assert_eq!(it.good(&flow).await, NOTHING, "activated again");
                assert_ne!(flow.redeem(&it.code).await.0, 200, "activated again");
            }
            _ => {}
        }
    }
}
