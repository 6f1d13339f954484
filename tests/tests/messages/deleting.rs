//! Deleting a message: who may, and what is left.

use serde_json::{Value, json};
use tests::server::{Server, ServerOptions};

use super::steps::{delete, group, people, read, say, send, set};

tests::on_both_logs![what_is_left_of_a_deleted_message];

/// Settings (`Message_KeepHistory`, `Message_ShowDeletedStatus`), whether there are replies, and whether a placeholder
/// is left (contract, messages 5.2). What was said before is in the log, whatever is kept.
const LEFT: [(bool, bool, bool, bool); 6] = [
    (false, false, false, false),
    (false, true, false, true),
    (true, false, false, false),
    (true, true, false, true),
    (false, false, true, true),
    (true, false, true, true),
];

async fn what_is_left_of_a_deleted_message(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, _) = people(&server).await;
    for (keep, show, replied, placeholder) in LEFT {
        let case = format!("{keep} {show} {replied}");
        set(&admin, "Message_KeepHistory", keep).await;
        set(&admin, "Message_ShowDeletedStatus", show).await;
        let file = json!({"msg": "@alice", "attachments": [{"text": "x"}]});
        let said = send(&alice, "GENERAL", file).await.ok()["message"].clone();
        if replied {
            let reply = json!({"msg": "yes", "tmid": said["_id"]});
            send(&alice, "GENERAL", reply).await.ok();
        }
        let deleted = delete(&alice, &said).await.ok();
        assert_eq!(deleted["_id"], said["_id"], "{case}");
        let left = read(&alice, &said).await;
        if !placeholder {
            left.refused(400);
            continue;
        }
        let left = left.ok()["message"].clone();
        let empty = json!([]);
        assert_eq!(
            (&left["t"], &left["msg"]),
            (&json!("rm"), &json!("")),
            "{case}"
        );
        for field in ["urls", "mentions", "attachments", "reactions"] {
            assert_eq!(left[field], empty, "{case}: {field}");
        }
        assert_eq!(left["editedBy"]["username"], "alice", "{case}");
    }
}

#[tokio::test]
async fn who_may_delete() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let den = group(&alice, "den", &["bob"]).await;
    let his = say(&bob, &den, "his").await;
    let hers = say(&alice, &den, "hers").await;
    let refused = delete(&bob, &hers).await.refused(400);
    assert_eq!(
        refused["errorType"], "error-action-not-allowed",
        "{refused}"
    );
    assert_eq!(refused["details"]["action"], "Delete_message", "{refused}");
    // Its owner.
    delete(&alice, &his).await.ok();
    let his = say(&bob, &den, "his").await;
    let right =
        |roles: Value| json!({"permissions": [{"_id": "delete-own-message", "roles": roles}]});
    admin
        .post("permissions.update", right(json!(["admin"])))
        .await
        .ok();
    delete(&bob, &his).await.refused(400);
    admin
        .post("permissions.update", right(json!(["admin", "user"])))
        .await
        .ok();
    set(&admin, "Message_AllowDeleting", false).await;
    delete(&bob, &his).await.refused(400);
    // With `force-delete-message`.
    delete(&alice, &his).await.ok();
    delete(&alice, &json!({"rid": den, "_id": "nothing"}))
        .await
        .refused(400);
}

#[tokio::test]
async fn in_a_read_only_room_those_delete_who_write_there() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    let den = group(&alice, "den", &["bob"]).await;
    let (one, two) = (say(&bob, &den, "1").await, say(&bob, &den, "2").await);
    let closed = json!({"roomId": den, "readOnly": true});
    alice.post("groups.setReadOnly", closed).await.ok();
    let refused = delete(&bob, &one).await.refused(400);
    let why = "You can't delete messages because the room is readonly.";
    assert_eq!(refused["error"], why, "{refused}");
    // A limit in time takes the place of that.
    set(&admin, "Message_AllowDeleting_BlockDeleteInMinutes", 5).await;
    delete(&bob, &one).await.ok();
    delete(&alice, &two).await.ok();
}
