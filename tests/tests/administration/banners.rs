//! Banners: published by administrators, shown to whom they are for, dismissed by each for themselves.

use std::time::Duration;

use serde_json::{Value, json};
use tests::client::Client;
use tests::live::Live;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use crate::calls::ids;

on_both_logs![banners_are_shown_until_they_are_dismissed_or_withdrawn,];

/// A date so many seconds from now.
fn at(seconds: i64) -> String {
    let now = jiff::Timestamp::now().as_second();
    let then = jiff::Timestamp::from_second(now + seconds).unwrap();
    then.to_string()
}

fn wish() -> Value {
    json!({
        "platform": ["web"], "expireAt": at(3600),
        "view": {"title": "News", "variant": "info", "blocks": [
            {"type": "section", "blockId": "text", "text": {"type": "plain_text", "text": "There is news."}},
        ]},
    })
}

async fn publish(admin: &Client, wish: Value) -> String {
    let answer = admin.post("banners.publish", wish).await.ok();
    answer["banner"]["_id"].as_str().expect("an id").to_owned()
}

async fn shown(client: &Client, path: &str) -> Value {
    client.get(path).await.ok()["banners"].clone()
}

async fn banners_are_shown_until_they_are_dismissed_or_withdrawn(options: ServerOptions) {
    let server = options.start().await;
    let admin = server.admin().await;
    let (ann, bob) = (admin.new_user("ann").await, admin.new_user("bob").await);
    let mut live = Live::connect(&server, &ann, None).await;
    live.send(&json!({"subscribe": {"rooms": [], "self": true}}))
        .await;
    live.answer("subscribed").await;

    let first = publish(&admin, wish()).await;
    let told = live.next_update(Duration::from_secs(20)).await.unwrap();
    assert_eq!(
        (&told["kind"], &told["data"]),
        (&json!("banner-changed"), &json!({"bannerId": first}))
    );
    let second = publish(&admin, wish()).await;
    let all = shown(&ann, "banners?platform=web").await;
    assert_eq!(ids(&all), [second.as_str(), first.as_str()]);
    let banner = &all[1];
    assert_eq!(banner["platform"], json!(["web"]));
    assert_eq!(
        banner["createdBy"],
        json!({"_id": admin.user_id, "username": "admin"})
    );
    assert_eq!(
        (&banner["view"]["viewId"], &banner["view"]["appId"]),
        (&json!(first), &json!("banner-core"))
    );
    assert_eq!(banner["view"]["title"], "News");
    assert_eq!(banner["view"]["blocks"][0]["blockId"], "text");
    assert_eq!(banner["active"], true);
    for date in ["startAt", "expireAt", "createdAt"] {
        assert!(banner[date].is_string(), "{date}");
    }
    assert!(banner.get("roles").is_none());

    let one = format!("banners/{first}?platform=web");
    assert_eq!(ids(&shown(&ann, &one).await), [first.as_str()]);
    let new = format!("banners.getNew?platform=web&bid={second}");
    assert_eq!(ids(&shown(&ann, &new).await), [second.as_str()]);
    assert_eq!(shown(&ann, "banners/nothing?platform=web").await, json!([]));

    let dismissed = json!({"bannerId": first});
    ann.post("banners.dismiss", dismissed.clone()).await.ok();
    ann.post("banners.dismiss", dismissed).await.ok();
    for path in ["banners?platform=web", "banners.getNew?platform=web"] {
        assert_eq!(ids(&shown(&ann, path).await), [second.as_str()]);
        let others = shown(&bob, path).await;
        assert_eq!(others.as_array().map(Vec::len), Some(2), "not by Bob");
    }
    assert_eq!(shown(&ann, &one).await, json!([]));

    let withdrawn = json!({"bannerId": second});
    admin.post("banners.withdraw", withdrawn.clone()).await.ok();
    admin.post("banners.withdraw", withdrawn).await.ok();
    assert_eq!(shown(&ann, "banners?platform=web").await, json!([]));
    let list = admin.get("banners.list").await.ok();
    assert_eq!(ids(&list["banners"]), [second.as_str(), first.as_str()]);
    assert_eq!(
        (&list["banners"][0]["active"], &list["banners"][1]["active"]),
        (&json!(false), &json!(true))
    );
    assert_eq!((&list["total"], &list["count"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn banners_are_for_a_platform_a_time_and_roles() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let with = |field: &str, value: Value| {
        let mut wish = wish();
        wish[field] = value;
        wish
    };
    let mobile = publish(&admin, with("platform", json!("mobile"))).await;
    let both = publish(&admin, with("platform", json!(["web", "mobile"]))).await;
    publish(&admin, with("startAt", json!(at(1800)))).await;
    let mut ended = wish();
    ended["startAt"] = json!(at(-10));
    ended["expireAt"] = json!(at(2));
    let ended = publish(&admin, ended).await;
    let admins = publish(&admin, with("roles", json!(["admin", "bot"]))).await;

    let web = shown(&ann, "banners?platform=web").await;
    assert!(ids(&web).contains(&both.as_str()));
    assert!(!ids(&web).contains(&admins.as_str()));
    assert_eq!(
        ids(&shown(&ann, "banners?platform=mobile").await),
        [both.as_str(), mobile.as_str()]
    );
    let of_admin = shown(&admin, "banners?platform=web").await;
    assert!(ids(&of_admin).contains(&admins.as_str()));
    assert_eq!(of_admin[0]["roles"], json!(["admin", "bot"]));
    for _ in 0..100 {
        let web = shown(&ann, "banners?platform=web").await;
        if ids(&web) == [both.as_str()] {
            return;
        }
        assert!(ids(&web).contains(&ended.as_str()), "{web}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the banner did not end");
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    for path in ["banners", "banners.getNew", "banners/anything"] {
        for wrong in ["", "?platform=pigeon"] {
            let answer = ann.get(&format!("{path}{wrong}")).await.refused(400);
            assert!(
                answer["error"].as_str().unwrap().starts_with("Match error"),
                "{path}{wrong}"
            );
        }
        server
            .client()
            .get(&format!("{path}?platform=web"))
            .await
            .refused(401);
    }
    let unknown = json!({"bannerId": "anything"});
    let answer = ann
        .post("banners.dismiss", unknown.clone())
        .await
        .refused(400);
    assert_eq!(
        answer,
        json!({"success": false, "error": "Banner not found"})
    );
    let answer = ann.post("banners.dismiss", json!({})).await.refused(400);
    assert!(answer["error"].as_str().unwrap().starts_with("Match error"));
    let answer = admin.post("banners.withdraw", unknown).await.refused(400);
    assert_eq!(answer["error"], "Banner not found");

    ann.get("banners.list").await.refused(403);
    ann.post("banners.publish", wish()).await.refused(403);
    ann.post("banners.withdraw", json!({"bannerId": "x"}))
        .await
        .refused(403);
    for (field, value) in [
        ("platform", json!([])),
        ("platform", json!(["pigeon"])),
        ("platform", Value::Null),
        ("expireAt", json!(at(-5))),
        ("expireAt", json!("soon")),
        ("expireAt", Value::Null),
        ("startAt", json!(at(7200))),
        ("roles", json!(["nobody-has-this"])),
        ("roles", json!([])),
        ("view", json!("text")),
        ("view", json!({"blocks": []})),
        (
            "view",
            json!({"blocks": [{"type": "section"}], "variant": "pink"}),
        ),
    ] {
        let mut wrong = wish();
        wrong[field] = value.clone();
        admin.post("banners.publish", wrong).await.refused(400);
    }
    assert_eq!(admin.get("banners.list").await.ok()["total"], 0);
}
