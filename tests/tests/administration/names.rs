//! Names in which there is nothing to see, what is around a text, and where it is cut.

use serde_json::{Value, json};
use tests::server::Server;

/// Texts that take room and show nothing.
const INVISIBLE: [&str; 9] = [
    "\u{3164}",
    "\u{115F}\u{FFA0}",
    "\u{2800}",
    "\u{200B}\u{200D}",
    "\u{202E}\u{2066}",
    "\u{FE0F}\u{E0100}",
    "\u{E0041}\u{E007F}",
    "\0",
    "\u{301}",
];

#[tokio::test]
async fn a_name_in_which_there_is_nothing_to_see_is_no_name() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let ann = admin.new_user("ann").await;
    let room = admin
        .post("channels.create", json!({"name": "named"}))
        .await;
    let room = room.ok()["channel"]["_id"].clone();
    // Every pattern of names lets these through.
    for id in [
        "UTF8_User_Names_Validation",
        "UTF8_Channel_Names_Validation",
    ] {
        let any = json!({"value": "(?s).*"});
        admin.post(&format!("settings/{id}"), any).await.ok();
    }
    let account = |username: &str, name: &str| json!({"username": username, "name": name, "password": "long enough", "email": "x@example.org"});
    for name in INVISIBLE {
        let sign_up = json!({"username": "newcomer", "name": name, "pass": "long enough", "email": "x@example.org"});
        let wishes = [
            ("users.create", account("newcomer", name)),
            ("users.create", account(name, "Newcomer")),
            ("users.register", sign_up),
            (
                "users.update",
                json!({"userId": ann.user_id, "data": {"name": name}}),
            ),
            (
                "users.update",
                json!({"userId": ann.user_id, "data": {"username": name}}),
            ),
            ("users.updateOwnBasicInfo", json!({"data": {"name": name}})),
            ("channels.create", json!({"name": name})),
            ("groups.create", json!({"name": name})),
            ("channels.rename", json!({"roomId": room, "name": name})),
            ("roles.create", json!({"name": name})),
            ("custom-user-status.create", json!({"name": name})),
            (
                "oauth-apps.create",
                json!({"name": name, "redirectUri": "https://x.example/", "active": true}),
            ),
            (
                "users.generatePersonalAccessToken",
                json!({"tokenName": name}),
            ),
            (
                "moderation.reportUser",
                json!({"userId": ann.user_id, "description": name}),
            ),
        ];
        for (path, wish) in wishes {
            let refused = admin.post(path, wish).await.refused(400);
            assert_eq!(refused["success"], json!(false), "{path} {name:?}");
        }
        let sound = ("sound", "audio/mpeg", &b"ID3"[..]);
        let fields = [("name", name)];
        admin
            .upload("custom-sounds.create", sound, &fields)
            .await
            .refused(400);
    }
    // With something to see they are names like any other.
    let seen = json!({"name": "\u{200B}named by ann"});
    ann.post("users.updateOwnBasicInfo", json!({ "data": seen }))
        .await
        .ok();
}

#[tokio::test]
async fn texts_are_trimmed_as_clients_trim_and_cut_between_what_is_seen_as_one() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let family = "\u{1F469}\u{200D}\u{1F469}\u{200D}\u{1F467}";
    let table = [
        (
            "\u{FEFF}\u{3000} hello \u{2028}\u{A0}".to_owned(),
            "hello".to_owned(),
        ),
        (
            "\u{85}hello\u{85}".to_owned(),
            "\u{85}hello\u{85}".to_owned(),
        ),
        ("a".repeat(121), "a".repeat(120)),
        ("a".repeat(118) + family, "a".repeat(118)),
        ("a".repeat(115) + family, "a".repeat(115) + family),
        ("a".repeat(119) + "e\u{301}", "a".repeat(119)),
        ("\u{2800}".to_owned(), String::new()),
    ];
    for (typed, kept) in table {
        admin
            .post("users.setStatus", json!({ "message": typed }))
            .await
            .ok();
        let status = admin.get("users.getStatus").await.ok();
        assert_eq!(status["message"], Value::String(kept), "{typed:?}");
    }
}
