//! Pictures, emoji, sounds and assets as the views have them.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../testing/mod.rs"]
mod testing;

use std::sync::Arc;

use domain::asset::{AssetEvent, AssetSet, AssetUnset};
use domain::avatar::{AvatarEvent, AvatarOwner, AvatarReset, AvatarSet};
use domain::emoji::{EmojiChanged, EmojiCreated, EmojiDeleted, EmojiDrawn, EmojiEvent};
use domain::room::RoomKind;
use domain::sound::{SoundCreated, SoundDeleted, SoundEvent, SoundRecorded, SoundRenamed};
use domain::{Event, RoomId, StoredFile, UserId};
use eventstore::EventStore;
use projections::Views;
use serde_json::{Value, json};
use testing::{MemoryLog, room, t, user};

struct Scene {
    log: Arc<MemoryLog>,
    views: Views,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let log = MemoryLog::new(100);
        log.say(1, [user("anna"), room("general", RoomKind::Channel, &[])]);
        let dir = tempfile::tempdir().unwrap();
        let views = Views::open(dir.path(), Arc::clone(&log) as Arc<dyn EventStore>).unwrap();
        Self {
            log,
            views,
            _dir: dir,
        }
    }

    async fn say(&self, at: i64, event: impl Into<Event>) {
        let position = self.log.say(at, [event.into()]);
        self.views.wait_for(position).await.unwrap();
    }
}

fn file(id: &str) -> StoredFile {
    StoredFile {
        id: id.to_owned(),
        sha256: "00".to_owned(),
        content_type: "image/png".to_owned(),
        size: 3,
    }
}

fn parsed(doc: &[u8]) -> Value {
    serde_json::from_slice(doc).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_rooms_show_their_pictures() {
    let scene = Scene::new();
    let anna = UserId::new("anna");
    let general = RoomId::new("general");
    let owners = [
        AvatarOwner::User(anna.clone()),
        AvatarOwner::Room(general.clone()),
    ];
    let docs = async || {
        let user = scene.views.user(&anna).await.unwrap().unwrap();
        let room = scene.views.room(&general).await.unwrap().unwrap();
        [parsed(&user.doc), parsed(&room.doc)]
    };
    for owner in &owners {
        assert_eq!(scene.views.avatar(owner).await.unwrap(), None);
        let set = AvatarSet {
            owner: owner.clone(),
            origin: "rest".to_owned(),
            file: file("f"),
            at: t(5),
        };
        scene.say(5, AvatarEvent::from(set)).await;
        let record = scene.views.avatar(owner).await.unwrap().unwrap();
        assert_eq!((record.file, record.at), (file("f"), t(5)));
    }
    for doc in docs().await {
        assert_eq!(
            (&doc["avatarETag"], &doc["avatarOrigin"]),
            (&json!("f"), &json!("rest"))
        );
    }
    for owner in &owners {
        let reset = AvatarReset {
            owner: owner.clone(),
            letters: true,
            at: t(6),
        };
        scene.say(6, AvatarEvent::from(reset)).await;
        assert_eq!(scene.views.avatar(owner).await.unwrap(), None);
    }
    let [user, room] = docs().await;
    assert_eq!(
        (user.get("avatarETag"), &user["avatarOrigin"]),
        (None, &json!("initials"))
    );
    assert_eq!(
        (room.get("avatarETag"), room.get("avatarOrigin")),
        (None, None)
    );
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn emoji_are_found_by_every_name_they_have() {
    let scene = Scene::new();
    let created = EmojiCreated {
        emoji: "e".to_owned(),
        name: "one".to_owned(),
        aliases: vec!["uno".to_owned()],
        extension: "png".to_owned(),
        at: t(5),
    };
    scene.say(1_000, EmojiEvent::from(created)).await;
    let drawn = EmojiDrawn {
        emoji: "e".to_owned(),
        extension: "gif".to_owned(),
        file: file("f"),
        at: t(6),
    };
    scene.say(2_000, EmojiEvent::from(drawn)).await;
    let changed = EmojiChanged {
        emoji: "e".to_owned(),
        name: "two".to_owned(),
        aliases: vec!["one".to_owned()],
        at: t(7),
    };
    scene.say(3_000, EmojiEvent::from(changed)).await;
    let named = async |name: &str| scene.views.emoji_named(name).await.unwrap().is_some();
    assert!(named("one").await && named("two").await && !named("uno").await);
    let record = scene.views.emoji_file("two").await.unwrap().unwrap();
    assert_eq!((record.file, record.at), (file("f"), t(6)));
    assert_eq!(
        scene.views.emoji_file("one").await.unwrap(),
        None,
        "an alias has no file name"
    );
    let all = scene.views.emoji_sync(None).await.unwrap();
    let doc = parsed(&all.update[0]);
    assert_eq!(
        (
            &doc["name"],
            &doc["aliases"],
            &doc["extension"],
            &doc["etag"]
        ),
        (&json!("two"), &json!(["one"]), &json!("gif"), &json!("f"))
    );
    let deleted = EmojiDeleted {
        emoji: "e".to_owned(),
        at: t(8),
    };
    scene.say(4_000, EmojiEvent::from(deleted)).await;
    assert!(!named("one").await && !named("two").await);
    let asked = domain::Timestamp::from_millis(3_500);
    let since = scene
        .views
        .emoji_sync(Some(scene.views.since(asked)))
        .await
        .unwrap();
    assert_eq!((since.update.len(), since.remove.len()), (0, 1));
    assert!(parsed(&since.remove[0])["_deletedAt"].is_string());
    assert_eq!(scene.views.emoji_sync(None).await.unwrap().remove.len(), 0);
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sounds_and_assets_follow_what_happens() {
    let scene = Scene::new();
    let created = SoundCreated {
        sound: "s".to_owned(),
        name: "Ding".to_owned(),
        extension: "mp3".to_owned(),
        at: t(5),
    };
    scene.say(5, SoundEvent::from(created)).await;
    assert_eq!(scene.views.sound_file("s").await.unwrap(), None);
    let recorded = SoundRecorded {
        sound: "s".to_owned(),
        extension: "ogg".to_owned(),
        file: file("f"),
        at: t(6),
    };
    scene.say(6, SoundEvent::from(recorded)).await;
    let renamed = SoundRenamed {
        sound: "s".to_owned(),
        name: "Dong".to_owned(),
        at: t(7),
    };
    scene.say(7, SoundEvent::from(renamed)).await;
    let doc = parsed(&scene.views.sounds().await.unwrap()[0]);
    assert_eq!(
        (&doc["name"], &doc["extension"]),
        (&json!("Dong"), &json!("ogg"))
    );
    assert_eq!(
        scene.views.sound_file("s").await.unwrap().unwrap().file,
        file("f")
    );
    let deleted = SoundDeleted {
        sound: "s".to_owned(),
        at: t(8),
    };
    scene.say(8, SoundEvent::from(deleted)).await;
    assert!(scene.views.sounds().await.unwrap().is_empty());

    let set = AssetSet {
        asset: "logo".to_owned(),
        extension: "png".to_owned(),
        file: file("g"),
        at: t(9),
    };
    scene.say(9, AssetEvent::from(set)).await;
    let record = scene.views.asset("logo").await.unwrap().unwrap();
    assert_eq!((record.file, record.at), (file("g"), t(9)));
    let unset = AssetUnset {
        asset: "logo".to_owned(),
        at: t(10),
    };
    scene.say(10, AssetEvent::from(unset)).await;
    assert_eq!(scene.views.asset("logo").await.unwrap(), None);
    scene.views.close().await;
}
