//! Lists of rooms: of administrators, and of proposals while a name is typed.

use serde_json::{Value, json};
use tests::client::Client;
use tests::on_both_logs;
use tests::server::{Server, ServerOptions};

use super::{create, people};

/// One field of every item in a list, in order.
fn each<'a>(answer: &'a Value, list: &str, field: &str) -> Vec<&'a str> {
    let items = answer[list].as_array().expect("a list");
    let of = |item: &'a Value| item[field].as_str().unwrap_or("");
    items.iter().map(of).collect()
}

async fn rooms(client: &Client, query: &str) -> Value {
    client.get(&format!("rooms.adminRooms?{query}")).await.ok()
}

on_both_logs!(administrators_see_every_room);

async fn administrators_see_every_room(options: ServerOptions) {
    let server = options.start().await;
    let (admin, alice, _bob) = people(&server).await;
    create(&alice, "channels", "square", &[]).await;
    let den = create(&alice, "groups", "den", &[]).await;
    let talk = alice.post("im.create", json!({"username": "bob"})).await;
    let talk = talk.ok()["room"]["_id"].as_str().unwrap().to_owned();
    for (query, wanted) in [
        ("types[]=c&types[]=p", &["general", "den", "square"][..]),
        ("types[]=p", &["den"]),
        ("types[]=c&types[]=teams", &["general", "square"]),
        ("types[]=teams", &[]),
        ("types[]=discussions", &[]),
        ("types[]=l", &[]),
        ("filter=QUA", &["square"]),
        ("types[]=c&sort={\"name\":-1}", &["square", "general"]),
        ("types[]=c&types[]=p&count=1&offset=1", &["den"]),
    ] {
        let found = rooms(&admin, query).await;
        assert_eq!(each(&found, "rooms", "name"), wanted, "{query}");
        assert_eq!(found["count"], json!(wanted.len()), "{query}");
    }
    let direct = rooms(&admin, "types[]=d&filter=bob").await;
    assert_eq!(each(&direct, "rooms", "_id"), [&talk]);
    let nobody = rooms(&admin, "types[]=d&filter=square").await;
    assert_eq!(nobody["total"], json!(0), "a direct message has no name");

    let saved = json!({"rid": den, "featured": true, "retentionEnabled": true});
    admin.post("rooms.saveRoomSettings", saved).await.ok();
    let path = format!("rooms.adminRooms.getRoom?rid={den}");
    let one = admin.get(&path).await.ok();
    assert_eq!(
        (&one["_id"], &one["name"], &one["featured"]),
        (&json!(den), &json!("den"), &json!(true)),
        "{one}"
    );
    let listed = rooms(&admin, "types[]=p").await;
    for field in ["retention", "_updatedAt", "customFields"] {
        assert!(one.get(field).is_none(), "{field} in {one}");
        assert!(listed["rooms"][0].get(field).is_none(), "{field}");
    }
    let unknown = admin.get("rooms.adminRooms.getRoom?rid=nowhere").await;
    let unknown = unknown.refused(400);
    assert_eq!(
        (&unknown["error"], &unknown["errorType"]),
        (&json!("not-allowed"), &json!("Not Allowed"))
    );
    for path in [
        "rooms.adminRooms",
        &path,
        r#"rooms.autocomplete.adminRooms?selector={"name":"d"}"#,
    ] {
        let refusal = alice.get(path).await.refused(400);
        assert_eq!(refusal["error"], "error-not-authorized", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_proposed_while_their_name_is_typed() {
    let server = Server::start().await;
    let (admin, alice, bob) = people(&server).await;
    create(&alice, "channels", "tea-room", &["bob"]).await;
    create(&alice, "groups", "tea-cellar", &[]).await;
    create(&admin, "groups", "tea-vault", &[]).await;
    create(&admin, "channels", "green-tea", &[]).await;
    let own = "rooms.autocomplete.channelAndPrivate";
    let paged = "rooms.autocomplete.channelAndPrivate.withPagination";
    let teams = "rooms.autocomplete.availableForTeams";
    let all = "rooms.autocomplete.adminRooms";
    let tea = r#"selector={"name":"TEA"}"#;
    let (one, none) = (
        format!("{tea}&count=1&offset=1"),
        r#"selector={"name":"x"}"#,
    );
    for (client, path, query, wanted) in [
        (&alice, own, tea, &["tea-cellar", "tea-room"][..]),
        (&bob, own, tea, &["tea-room"]),
        (&alice, own, none, &[]),
        (&alice, paged, &one, &["tea-room"]),
        (&alice, teams, "name=tea", &["tea-cellar", "tea-room"]),
        (&alice, teams, "", &["tea-cellar", "tea-room"]),
        (&bob, teams, "", &[]),
        (&admin, all, tea, &["tea-cellar", "tea-room", "tea-vault"]),
    ] {
        let found = client.get(&format!("{path}?{query}")).await.ok();
        assert_eq!(each(&found, "items", "name"), wanted, "{path}?{query}");
    }
    let found = alice.get(&format!("{paged}?{one}")).await.ok();
    assert_eq!(found["total"], json!(2));
    let fields: Vec<_> = found["items"][0].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["_id", "fname", "name", "t"]);
    for path in [own, paged, all] {
        let refusal = admin.get(path).await.refused(400);
        assert_eq!(refusal["error"], "The 'selector' param is required");
        for broken in ["selector={", "selector=[1]", r#"selector={"name":1}"#] {
            let refusal = admin.get(&format!("{path}?{broken}")).await.refused(400);
            assert_eq!(refusal["errorType"], "error-invalid-selector", "{broken}");
        }
    }
}
