//! Messages that show other messages, by a link to them.

use serde_json::{Value, json};
use tests::client::Client;
use tests::server::{Server, ServerOptions};

use super::steps::{delete, each, edit, group, people, say, send, set, text};

tests::on_both_logs![who_may_read_a_message_quotes_it, edits_quote_anew,];

/// A link to a message, as clients write it.
async fn link(admin: &Client, message: &Value) -> String {
    let site = admin.get("settings/Site_Url").await.ok();
    let site = text(&site["value"]);
    let id = text(&message["_id"]);
    format!("{}/channel/any?msg={id}", site.trim_end_matches('/'))
}

async fn who_may_read_a_message_quotes_it(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, bob) = people(&server).await;
    let den = group(&alice, "den", &[]).await;
    let secret = say(&alice, &den, "the secret").await;
    let link = link(&admin, &secret).await;
    let msg = format!("[ ]({link}) look");
    let quoted = say(&alice, "GENERAL", &msg).await;
    let quote = &quoted["attachments"][0];
    assert_eq!(
        (&quote["text"], &quote["author_name"], &quote["author_icon"]),
        (
            &json!("the secret"),
            &json!("alice"),
            &json!("/avatar/alice")
        ),
        "{quoted}"
    );
    assert_eq!(
        (&quote["message_link"], &quote["ts"], &quote["attachments"]),
        (&json!(link), &secret["ts"], &json!([])),
        "{quoted}"
    );
    assert_eq!(quoted["urls"][0]["ignoreParse"], true, "{quoted}");
    // To others there is no such message.
    let stranger = say(&bob, "GENERAL", &msg).await;
    assert!(stranger.get("attachments").is_none(), "{stranger}");
    assert!(
        stranger["urls"][0].get("ignoreParse").is_none(),
        "{stranger}"
    );
    let posted = json!({"roomId": "GENERAL", "text": msg});
    let posted = bob.post("chat.postMessage", posted).await.ok();
    assert_eq!(posted["message"]["attachments"], json!([]), "{posted}");
}

async fn edits_quote_anew(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, _) = people(&server).await;
    let (first, second) = (
        say(&alice, "GENERAL", "first").await,
        say(&alice, "GENERAL", "second").await,
    );
    let (to_first, to_second) = (link(&admin, &first).await, link(&admin, &second).await);
    let own = json!([{"title": "own"}, {"text": "forged", "message_link": to_first}]);
    let message = json!({"msg": format!("see {to_first}"), "attachments": own});
    let message = send(&alice, "GENERAL", message).await.ok()["message"].clone();
    let said = |message: &Value| each(&message["attachments"], "text");
    assert_eq!(said(&message), [Value::Null, json!("first")], "{message}");
    let edited = edit(&alice, &message, &format!("see {to_second}"))
        .await
        .ok();
    assert_eq!(
        said(&edited["message"]),
        [Value::Null, json!("second")],
        "{edited}"
    );
    let edited = edit(&alice, &message, "nothing more to see").await.ok();
    assert_eq!(
        each(&edited["message"]["attachments"], "title"),
        ["own"],
        "{edited}"
    );
}

#[tokio::test]
async fn quotes_within_quotes_end_at_the_limit() {
    let server = Server::start().await;
    let (admin, alice, _) = people(&server).await;
    let depth = |message: &Value| {
        let (mut depth, mut at) = (0, message);
        while let Some(inside) = at["attachments"].get(0) {
            (depth, at) = (depth + 1, inside);
        }
        depth
    };
    for (limit, shown) in [(2, 2), (1, 1), (0, 1), (3, 3)] {
        set(&admin, "Message_QuoteChainLimit", limit).await;
        let mut message = say(&alice, "GENERAL", "the first").await;
        for _ in 0..4 {
            let link = link(&admin, &message).await;
            message = say(&alice, "GENERAL", &format!("[ ]({link}) more")).await;
        }
        assert_eq!(depth(&message), shown, "{message}");
    }
}

#[tokio::test]
async fn what_shows_nothing_is_not_quoted() {
    let server = Server::start().await;
    let (admin, alice, _) = people(&server).await;
    set(&admin, "Message_ShowDeletedStatus", true).await;
    let deleted = say(&alice, "GENERAL", "gone").await;
    let sealed = json!({"msg": "cipher", "t": "e2e"});
    let sealed = send(&alice, "GENERAL", sealed).await.ok()["message"].clone();
    let plain = say(&alice, "GENERAL", "plain").await;
    delete(&alice, &deleted).await.ok();
    let to_plain = link(&admin, &plain).await;
    for link in [
        link(&admin, &deleted).await,
        link(&admin, &sealed).await,
        link(&admin, &json!({"_id": "nothing"})).await,
        to_plain.replacen("http://", "http://else.", 1),
        format!("`{to_plain}`"),
        to_plain.replace("?msg=", "?tmid="),
    ] {
        let said = say(&alice, "GENERAL", &link).await;
        assert!(said.get("attachments").is_none(), "{said}");
    }
    let unparsed = json!({"msg": to_plain, "parseUrls": false});
    let unparsed = send(&alice, "GENERAL", unparsed).await.ok();
    assert!(
        unparsed["message"].get("attachments").is_none(),
        "{unparsed}"
    );
}

#[tokio::test]
async fn so_many_are_quoted_and_the_rest_are_links() {
    let server = Server::start().await;
    let (admin, alice, _) = people(&server).await;
    let mut msg = String::new();
    for number in 0..12 {
        let said = say(&alice, "GENERAL", &format!("number {number}")).await;
        msg = format!("{msg} {}", link(&admin, &said).await);
    }
    let said = say(&alice, "GENERAL", &msg).await;
    assert_eq!(each(&said["attachments"], "text").len(), 10, "{said}");
    assert_eq!(each(&said["urls"], "url").len(), 12, "{said}");
    let right = json!({"permissions": [{"_id": "message-impersonate", "roles": ["admin"]}]});
    admin.post("permissions.update", right).await.ok();
    let alias = json!({"roomId": "GENERAL", "text": "as", "alias": "The Boss"});
    let alias = admin.post("chat.postMessage", alias).await.ok();
    let link = link(&admin, &alias["message"]).await;
    let said = say(&alice, "GENERAL", &link).await;
    assert_eq!(each(&said["attachments"], "author_name"), ["The Boss"]);
}
