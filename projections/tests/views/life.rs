//! Stopped and started, rebuilt, and in trouble.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::testing::{Chaos, MemoryLog, poison, post, posted, user};
use domain::{MessageId, RoomId, UserId};
use eventstore::{EventStore, Position};
use projections::live::Delivery;
use projections::{Health, Registry, Views, ViewsError, WaitError, Wish};

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn views_go_on_where_they_stopped() {
    let scene = Scene::new().await;
    scene
        .say(100, [posted(post("m1", "general", "anna", "one", 100))])
        .await;
    let applied = scene.views.applied();
    let second = Views::open(
        scene.dir.path(),
        Arc::clone(&scene.log) as Arc<dyn EventStore>,
    );
    assert!(
        matches!(second, Err(ViewsError::Folder { .. })),
        "one folder, one process"
    );
    scene.views.close().await;
    assert!(matches!(scene.views.health(), Health::Stopped(_)));
    scene
        .log
        .say(200, [posted(post("m2", "general", "anna", "two", 200))]);
    drop(scene.views);
    let views = Views::open(
        scene.dir.path(),
        Arc::clone(&scene.log) as Arc<dyn EventStore>,
    )
    .unwrap();
    assert_eq!(views.applied(), applied);
    views.wait_for(applied.next()).await.unwrap();
    assert!(
        views
            .message(&MessageId::new("m2"))
            .await
            .unwrap()
            .is_some()
    );
    views.close().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn views_that_were_open_when_the_machine_went_down_are_built_anew() {
    let scene = Scene::new().await;
    scene
        .say(100, [posted(post("m1", "general", "anna", "one", 100))])
        .await;
    let dir = scene.dir.path();
    let mark = dir.join("views.unsynced");
    let this_run = std::fs::read_to_string(&mark).expect("marked while they are open");
    scene.views.close().await;
    drop(scene.views);
    assert!(!mark.exists(), "after a clean stop everything is synced");

    // Under the mark of this run the server was killed; what it wrote is there, be it wrong.
    for (run, shown) in [(&*this_run, "two"), ("another run", "one"), ("", "one")] {
        falsify(dir);
        std::fs::write(&mark, run).unwrap();
        let log = Arc::clone(&scene.log) as Arc<dyn EventStore>;
        let views = Views::open(dir, log).unwrap();
        let head = scene.log.head().await.unwrap();
        views.wait_for(head).await.unwrap();
        let doc = views.message_doc(&MessageId::new("m1")).await.unwrap();
        let doc: serde_json::Value = serde_json::from_slice(&doc.expect("a message")).unwrap();
        assert_eq!(doc["msg"], shown, "under the mark {run:?}");
        assert_eq!(std::fs::read_to_string(&mark).unwrap(), this_run);
        views.close().await;
    }
}

/// Damages closed views where nothing tells: a message says something else.
#[cfg(target_os = "linux")]
fn falsify(dir: &std::path::Path) {
    let name = std::fs::read_to_string(dir.join("views.current")).unwrap();
    let mut file = std::fs::read(dir.join(&name)).unwrap();
    let said = br#""msg":"one""#;
    for at in 0..=file.len() - said.len() {
        if file[at..].starts_with(said) {
            file[at..at + said.len()].copy_from_slice(br#""msg":"two""#);
        }
    }
    std::fs::write(dir.join(&name), file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_swaps_while_everybody_goes_on() {
    let scene = Scene::new().await;
    let (mut chaos, first) = Chaos::begin(8, 20, 10);
    scene.log.say(10, first);
    for _ in 0..3000 {
        scene.log.say(chaos.now, [chaos.next(true)]);
    }
    scene.settle().await;
    let before = scene.room("general").await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (views, log, stopped) = (
        scene.views.clone(),
        Arc::clone(&scene.log),
        Arc::clone(&stop),
    );
    let traffic = tokio::spawn(async move {
        let mut asked = 0;
        while !stopped.load(Ordering::Relaxed) {
            let position = log.say(chaos.now, [chaos.next(true)]);
            views.wait_for(position).await.unwrap();
            assert!(views.room(&RoomId::new("dm")).await.unwrap().is_some());
            asked += 1;
            // Without a moment of rest the rebuild would step back all the time.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        asked
    });
    let watcher = scene.views.clone();
    let mut feed = scene.views.feed(&UserId::new("anna"), None).await.unwrap();
    for _ in 0..3 {
        let rebuild = scene.views.begin(Wish::rebuild("a test")).await.unwrap();
        rebuild.ended().await.unwrap();
        assert_eq!(watcher.progress(), None);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(traffic.await.unwrap() > 0);
    scene.settle().await;
    assert_eq!(scene.room("general").await, before);
    let files: Vec<_> = std::fs::read_dir(scene.dir.path())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.ends_with(".sqlite"))
        .collect();
    assert_eq!(files, ["views-0000000004.sqlite"], "old files are gone");
    // Subscribers do not notice.
    scene
        .say(
            9_000_000,
            [posted(post("after", "general", "bert", "x", 9_000_000))],
        )
        .await;
    let update = tokio::time::timeout(Duration::from_secs(5), feed.next())
        .await
        .unwrap();
    assert!(matches!(update, Delivery::Updates(_)));
    scene.views.close().await;
    let overview = projections::list(
        scene.dir.path(),
        Arc::clone(&scene.log) as Arc<dyn EventStore>,
        &Registry::default(),
    )
    .await
    .unwrap();
    assert!(
        overview.projections.iter().all(|status| status.lag == 0),
        "{overview:?}"
    );
    assert!(overview.projections.len() > 8, "{overview:?}");
    assert!(overview.matches, "{overview:?}");
    assert_eq!(overview.place.unwrap().log, overview.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_nobody_understands_stops_the_views_and_says_so() {
    let scene = Scene::new().await;
    let head = scene.log.head().await.unwrap();
    scene.log.record(vec![poison(head.get() + 1)]);
    let waited = scene.views.wait_for(head.next()).await;
    assert_eq!(waited, Err(WaitError::Stopped { applied: head }));
    let Health::Stopped(reason) = scene.views.health() else {
        panic!("{:?}", scene.views.health())
    };
    assert!(reason.contains("NeverHeardOf"), "{reason}");
    assert_eq!(
        scene.room("general").await["usersCount"],
        2,
        "questions are still answered"
    );
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_read_for_a_while_is_waited_for() {
    let log = MemoryLog::new(100);
    log.say(1, [user("anna")]);
    log.broken.store(true, Ordering::Relaxed);
    let dir = tempfile::tempdir().unwrap();
    let views = Views::open(dir.path(), Arc::clone(&log) as Arc<dyn EventStore>).unwrap();
    assert_eq!(views.health(), Health::Building);
    tokio::time::sleep(Duration::from_millis(200)).await;
    log.broken.store(false, Ordering::Relaxed);
    views.wait_for(Position::new(1)).await.unwrap();
    assert!(views.user(&UserId::new("anna")).await.unwrap().is_some());
    views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_version_is_built_anew() {
    let scene = Scene::new().await;
    scene.views.close().await;
    drop(scene.views);
    let path = scene.dir.path().join("views-0000000001.sqlite");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute(
        "UPDATE projections SET version = 0 WHERE name = 'rooms'",
        [],
    )
    .unwrap();
    conn.execute("DELETE FROM rooms", []).unwrap();
    drop(conn);
    let views = Views::open(
        scene.dir.path(),
        Arc::clone(&scene.log) as Arc<dyn EventStore>,
    )
    .unwrap();
    views
        .wait_for(scene.log.head().await.unwrap())
        .await
        .unwrap();
    assert!(views.room(&RoomId::new("general")).await.unwrap().is_some());
    views.close().await;
}

/// Waits until the views are of the log as it is, and says what is wrong if they never are.
async fn caught_up(views: &Views, log: &MemoryLog) {
    let patience = Duration::from_secs(20);
    let built = tokio::time::timeout(patience, async {
        let head = log.head().await.unwrap();
        while !views.serves() || views.applied() != head {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(
        built.await.is_ok(),
        "{:?} {:?}",
        views.health(),
        views.lag()
    );
}

/// Whether the views know this message.
async fn knows(views: &Views, id: &str) -> bool {
    views.message(&MessageId::new(id)).await.unwrap().is_some()
}

/// What views kept in another folder, or a log restored from an older backup, come to when they are opened.
#[tokio::test(flavor = "multi_thread")]
async fn views_of_another_log_are_never_served() {
    for (what, goes_on) in [("the log is shorter", false), ("the log went on", true)] {
        let scene = Scene::new().await;
        let backup = scene.log.head().await.unwrap();
        let lost = [posted(post("lost", "general", "anna", "x", 100))];
        scene.say(100, lost).await;
        scene.views.close().await;
        drop(scene.views);
        scene.log.lose(backup);
        if goes_on {
            for (at, id) in [(200, "other"), (300, "another")] {
                scene
                    .log
                    .say(at, [posted(post(id, "general", "anna", "x", at))]);
            }
        }
        let log = Arc::clone(&scene.log) as Arc<dyn EventStore>;
        let before =
            projections::list(scene.dir.path(), Arc::clone(&log), &Registry::default()).await;
        assert!(!before.unwrap().matches, "{what}: it can be seen before");
        let views = Views::open(scene.dir.path(), Arc::clone(&log)).unwrap();
        assert_eq!(views.health(), Health::Building, "{what}");
        caught_up(&views, &scene.log).await;
        assert!(!knows(&views, "lost").await, "{what}");
        assert_eq!(knows(&views, "other").await, goes_on, "{what}");
        let lag = views.lag();
        assert_eq!((lag.events, lag.head), (0, views.applied()), "{what}");
        let after = projections::list(scene.dir.path(), log, &Registry::default())
            .await
            .unwrap();
        assert!(after.matches, "{what}: {after:?}");
        views.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn views_of_another_workspace_are_never_served() {
    let (one, other) = (Scene::new().await, Scene::new().await);
    one.views.close().await;
    drop(one.views);
    other
        .say(100, [posted(post("ours", "general", "anna", "x", 100))])
        .await;
    let log = Arc::clone(&other.log) as Arc<dyn EventStore>;
    let views = Views::open(one.dir.path(), log).unwrap();
    caught_up(&views, &other.log).await;
    assert!(knows(&views, "ours").await);
    assert_eq!(views.place().log, other.log.id());
    views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_replaced_under_its_views_is_noticed_and_the_views_are_built_anew() {
    let scene = Scene::new().await;
    let backup = scene.log.head().await.unwrap();
    scene
        .say(100, [posted(post("lost", "general", "anna", "x", 100))])
        .await;
    assert!(knows(&scene.views, "lost").await);
    let mut feed = scene.views.feed(&UserId::new("anna"), None).await.unwrap();
    let generation = scene.views.generation();

    scene.log.rewind(backup);
    // From the first moment on, nothing is said about the log that is gone.
    let waited = scene.views.wait_for(backup).await;
    if let Err(error) = waited {
        assert_eq!(error, WaitError::Replaced);
    }
    tokio::time::timeout(
        Duration::from_secs(20),
        scene.views.serving(Some(generation)),
    )
    .await
    .expect("they serve again");
    caught_up(&scene.views, &scene.log).await;
    assert!(!knows(&scene.views, "lost").await);
    assert_eq!(scene.views.applied(), backup);
    assert_eq!(scene.views.lag().events, 0);
    let told = tokio::time::timeout(Duration::from_secs(5), feed.next()).await;
    assert!(matches!(told, Ok(Delivery::Replaced)), "{told:?}");

    scene
        .say(200, [posted(post("new", "general", "anna", "x", 200))])
        .await;
    assert!(knows(&scene.views, "new").await, "and they follow");
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_dies_is_told_of_and_begun_again() {
    let scene = Scene::new().await;
    let applied = scene.views.applied();
    scene.log.clumsy.store(true, Ordering::Release);
    scene.log.wake();
    let told = async {
        while !matches!(scene.views.health(), Health::Failing(_)) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        scene.views.health()
    };
    let told = tokio::time::timeout(Duration::from_secs(20), told).await;
    assert!(matches!(told, Ok(Health::Failing(_))), "{told:?}");
    assert_eq!(scene.room("general").await["usersCount"], 2);
    assert_eq!(scene.views.applied(), applied);
    scene
        .say(100, [posted(post("m", "general", "anna", "x", 100))])
        .await;
    assert!(knows(&scene.views, "m").await);
    assert_eq!(scene.views.health(), Health::Ready);
    scene.views.close().await;
}
