//! Rebuilds of one view and of all: steered, interrupted, compared.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::testing::{Chaos, post, posted};
use domain::RoomId;
use eventstore::EventStore;
use projections::{
    Difference, Ended, Note, Progress, Registry, Spacing, Steered, Task, Throttle, ViewsError,
    Wish, rebuild_offline, verify_offline,
};

use super::scene::Scene;

/// So slow that it does not end while a test looks at it.
const SLOW: Option<NonZeroU32> = NonZeroU32::new(100);

/// A scene in which a lot has happened.
async fn busy() -> Scene {
    busy_with(Registry::default()).await
}

async fn busy_with(registry: Registry) -> Scene {
    let scene = Scene::with(registry).await;
    let (mut chaos, first) = Chaos::begin(8, 20, 10);
    scene.log.say(10, first);
    for _ in 0..2000 {
        scene.log.say(chaos.now, [chaos.next(true)]);
    }
    scene.settle().await;
    scene
}

fn wish(task: Task, view: Option<&str>) -> Wish {
    Wish {
        task,
        view: view.map(str::to_owned),
        ..Wish::rebuild("a test")
    }
}

/// Waits until the work has begun and is as wanted.
async fn until(scene: &Scene, good: impl Fn(&Progress) -> bool) -> Progress {
    let look = async {
        loop {
            match scene.views.progress() {
                Some(progress) if good(&progress) => return progress,
                _ => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
    };
    let looked = tokio::time::timeout(Duration::from_secs(20), look).await;
    looked.unwrap_or_else(|_| panic!("{:?}", scene.views.progress()))
}

fn file(dir: &Path) -> std::path::PathBuf {
    dir.join(std::fs::read_to_string(dir.join("views.current")).unwrap())
}

/// Says something else in the views than the log does.
fn damage(dir: &Path, sql: &str) {
    let conn = rusqlite::Connection::open(file(dir)).unwrap();
    conn.busy_timeout(Duration::from_secs(5)).unwrap();
    assert!(conn.execute(sql, []).unwrap() > 0, "{sql}");
}

async fn verified(scene: &Scene, view: Option<&str>) -> Option<Difference> {
    let begun = scene.views.begin(wish(Task::Verify, view)).await.unwrap();
    match begun.ended().await.unwrap() {
        Ended::Equal(_) => None,
        Ended::Different(_, difference) => Some(difference),
        other => panic!("{other:?}"),
    }
}

const DAMAGE: &str = "UPDATE record_names SET name = 'wrong' WHERE id = 'anna'";

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_row_is_found_and_a_rebuild_of_its_view_mends_it() {
    let scene = busy().await;
    assert_eq!(verified(&scene, None).await, None);
    damage(scene.dir.path(), DAMAGE);
    let found = verified(&scene, Some("record_names"))
        .await
        .expect("a difference");
    assert_eq!(
        (&*found.view, &*found.table),
        ("record_names", "record_names"),
        "{found:?}"
    );
    assert_eq!(found.columns, ["name"], "{found:?}");
    assert_eq!(
        found.serving.as_deref(),
        Some("name=\"wrong\""),
        "{found:?}"
    );
    assert_eq!(verified(&scene, None).await, Some(found), "also among all");
    assert_eq!(
        verified(&scene, Some("emoji")).await,
        None,
        "and not in another"
    );

    let served = file(scene.dir.path());
    let begun = scene
        .views
        .begin(wish(Task::Rebuild, Some("record_names")))
        .await
        .unwrap();
    assert_eq!(
        begun.ended().await.unwrap(),
        Ended::Rebuilt(scene.views.applied())
    );
    assert_eq!(
        file(scene.dir.path()),
        served,
        "the other views stay where they are"
    );
    assert_eq!(verified(&scene, None).await, None);
    let said = [posted(post("after", "general", "anna", "x", 9_000_000))];
    scene.say(9_000_000, said).await;
    assert_eq!(verified(&scene, None).await, None, "and they go on");
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn views_are_verified_while_they_go_on() {
    // So few events between snapshots that some are taken meanwhile.
    let registry = Registry::default().with_snapshots(Spacing::new(50).unwrap());
    let scene = busy_with(registry).await;
    let begun = scene.views.begin(wish(Task::Verify, None)).await.unwrap();
    let from = scene.views.applied();
    let mut ended = std::pin::pin!(begun.ended());
    let mut said = 0;
    let ended = loop {
        tokio::select! {
            ended = &mut ended => break ended.unwrap(),
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
        }
        let id = format!("meanwhile-{said}");
        let at = 9_000_000 + said;
        scene
            .log
            .say(at, [posted(post(&id, "general", "anna", "x", at))]);
        said += 1;
    };
    scene.settle().await;
    assert!(
        matches!(ended, Ended::Equal(at) if at >= from && at <= scene.views.applied()),
        "{ended:?} from {from} with {said} more"
    );
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_row_of_the_past_is_found_too() {
    // So few events between snapshots that there is a past.
    let spacing = Spacing::new(50).unwrap();
    let registry = Registry::default().with_snapshots(spacing);
    let scene = busy_with(registry).await;
    for (view, table, column) in [
        ("settings", "past_settings", "updated_at"),
        ("roles", "past_roles", "updated_at"),
        ("rooms", "past_rooms", "name"),
        ("memberships", "past_memberships", "doc"),
    ] {
        let named = Some(view);
        assert_eq!(verified(&scene, named).await, None, "{view}");
        let which = format!("until = (SELECT max(until) FROM {table} WHERE there = 1)");
        let change = format!("UPDATE {table} SET {column} = x'00' WHERE there = 1 AND {which}");
        damage(scene.dir.path(), &change);
        let found = verified(&scene, named).await.expect("a difference");
        assert_eq!((&*found.view, &*found.table), (view, table), "{found:?}");
        assert_eq!(found.columns, [column], "{found:?}");
        let begun = scene.views.begin(wish(Task::Rebuild, named)).await.unwrap();
        begun.ended().await.unwrap();
    }
    assert_eq!(verified(&scene, None).await, None);
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_by_doors_is_as_a_rebuilt_view_says() {
    let scene = busy().await;
    let before = scene.room("general").await;
    damage(
        scene.dir.path(),
        "UPDATE rooms SET doc = x'7b7d' WHERE id = 'general'",
    );
    let begun = scene
        .views
        .begin(wish(Task::Rebuild, Some("memberships")))
        .await
        .unwrap();
    begun.ended().await.unwrap();
    assert_eq!(
        scene.room("general").await,
        before,
        "rooms change with memberships"
    );
    let facts = scene
        .views
        .room_facts(&RoomId::new("general"))
        .await
        .unwrap();
    assert!(facts.is_some());
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_no_view_are_refused() {
    let scene = Scene::new().await;
    for task in [Task::Rebuild, Task::Verify] {
        let refused = scene.views.begin(wish(task, Some("romos"))).await;
        assert!(matches!(refused, Err(ViewsError::UnknownView(name)) if name == "romos"));
    }
    assert_eq!(scene.views.progress(), None);
    assert_eq!(Note::read(scene.dir.path()).unwrap(), None);
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_is_paused_resumed_and_aborted() {
    let scene = busy().await;
    let slow = Wish {
        max_rate: SLOW,
        ..wish(Task::Rebuild, None)
    };
    let begun = scene.views.begin(slow.clone()).await.unwrap();
    let going = until(&scene, |progress| progress.position.get() > 0).await;
    assert_eq!(
        (going.task, going.unit, going.by.as_str()),
        (Task::Rebuild, None, "a test")
    );
    assert_eq!(going.max_rate, SLOW);
    assert_eq!(going.head, scene.views.applied());
    let held = until(&scene, |progress| progress.throttled.is_some()).await;
    assert_eq!(held.throttled, Some(Throttle::MaxRate));
    let second = scene.views.begin(wish(Task::Verify, None)).await;
    assert!(
        matches!(second, Err(ViewsError::AlreadyRebuilding)),
        "one at a time"
    );
    for paused in [true, true, false] {
        let steered = scene.views.pause(paused).await.unwrap();
        assert!(matches!(steered, Steered::Done(progress) if progress.paused == paused));
        let note = Note::read(scene.dir.path()).unwrap().expect("a note");
        assert_eq!(note.paused, paused);
    }
    assert!(matches!(scene.views.abort(), Steered::Done(_)));
    assert!(matches!(begun.ended().await, Err(ViewsError::Aborted)));
    assert_eq!(
        Note::read(scene.dir.path()).unwrap(),
        None,
        "what is aborted is not taken up again"
    );
    assert_eq!(scene.views.abort(), Steered::NothingRuns);
    assert_eq!(scene.views.pause(true).await.unwrap(), Steered::NothingRuns);
    let files = std::fs::read_dir(scene.dir.path()).unwrap();
    let files = files.filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .path()
            .extension()
            .is_some_and(|end| end == "sqlite")
    });
    assert_eq!(files.count(), 1, "nothing is left of it");
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_not_held_up_and_the_next_start_takes_the_rebuild_up_as_it_was() {
    let mut scene = busy().await;
    let served = file(scene.dir.path());
    let slow = Wish {
        max_rate: SLOW,
        view: Some("rooms".to_owned()),
        ..wish(Task::Rebuild, None)
    };
    let begun = scene.views.begin(slow).await.unwrap();
    until(&scene, |progress| progress.position.get() > 0).await;
    scene.views.pause(true).await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(5), scene.views.close()).await;
    assert!(closed.is_ok(), "a paused rebuild holds up the stop");
    assert!(matches!(begun.ended().await, Err(ViewsError::Closed)));

    scene = scene.reopened(Registry::default()).await;
    let taken_up = until(&scene, |progress| progress.task == Task::Rebuild).await;
    assert!(taken_up.paused, "it stays paused");
    assert_eq!((taken_up.unit, taken_up.max_rate), (Some("chat"), SLOW));
    assert_eq!(taken_up.by, "a test");
    scene.views.close().await;
    // As if somebody had asked for no greatest rate.
    let note = Note::read(scene.dir.path()).unwrap().expect("a note");
    let fast = Note {
        max_rate: None,
        paused: false,
        ..note
    };
    fast.write(scene.dir.path()).unwrap();
    scene = scene.reopened(Registry::default()).await;
    let ended = async {
        while Note::read(scene.dir.path()).unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(20), ended)
            .await
            .is_ok()
    );
    let last = scene.views.last_built().map(|last| last.ended);
    assert!(matches!(last, Some(Ended::Rebuilt(_))), "{last:?}");
    assert_ne!(file(scene.dir.path()), served, "new views serve");
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_views_are_verified_and_rebuilt_too() {
    let scene = busy().await;
    scene.views.close().await;
    let Scene { log, views, dir } = scene;
    drop(views);
    let (store, registry) = (log as Arc<dyn EventStore>, Registry::default());
    let verify = async |view| {
        let built = verify_offline(
            dir.path(),
            Arc::clone(&store),
            &registry,
            view,
            None,
            |_, _| {},
        )
        .await;
        match built {
            Ok(Ended::Equal(_)) => None,
            Ok(Ended::Different(_, difference)) => Some(difference),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(verify(None).await, None);
    damage(dir.path(), DAMAGE);
    assert!(verify(Some("record_names")).await.is_some());
    assert_eq!(verify(Some("chat")).await, None);
    for (view, mends) in [
        (Some("emoji"), false),
        (Some("record_names"), true),
        (None, true),
    ] {
        let rebuilt = rebuild_offline(
            dir.path(),
            Arc::clone(&store),
            &registry,
            view,
            None,
            |_, _| {},
        )
        .await;
        assert_eq!(rebuilt.unwrap(), store.head().await.unwrap());
        assert_eq!(
            verify(None).await.is_none(),
            mends,
            "after a rebuild of {view:?}"
        );
    }
    let unknown = rebuild_offline(
        dir.path(),
        Arc::clone(&store),
        &registry,
        Some("x"),
        None,
        |_, _| {},
    )
    .await;
    assert!(matches!(unknown, Err(ViewsError::UnknownView(_))));
}
