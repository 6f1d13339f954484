//! A view of one's own, which refuses events.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::testing::{post, posted};
use domain::Event;
use domain::message::MessageEvent;
use projections::{
    Applied, Apply, Ended, Health, Index, OnRefusal, Projection, Registry, Retried, Tx, Unapplied,
    Unfit, Views, ViewsError, Wish,
};

use super::scene::Scene;

const TABLES: &str = "CREATE TABLE said (id TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;";
const INDEXES: &[Index] = &[];

/// Goes on without what it refuses.
const LENIENT_VIEW: Projection = Projection {
    name: "lenient",
    version: 1,
    tables: TABLES,
    indexes: INDEXES,
    apply: Apply::Partial {
        apply,
        refused: OnRefusal::SetAside,
    },
};

static LENIENT: Projection = LENIENT_VIEW;

static STRICT: Projection = Projection {
    name: "strict",
    version: 1,
    tables: TABLES,
    indexes: INDEXES,
    apply: Apply::Partial {
        apply,
        refused: OnRefusal::Stop,
    },
};

/// Refuses a locked message, after it has written it, until there is a message called `key`.
fn apply(tx: &mut Tx, event: &Applied) -> Result<(), Unapplied> {
    let Event::Message(MessageEvent::MessagePosted(posted)) = &event.event else {
        return Ok(());
    };
    let conn = tx.connection();
    let sql = "INSERT OR REPLACE INTO said (id) VALUES (?1)";
    conn.prepare_cached(sql)?
        .execute([posted.message.as_str()])?;
    let sql = "SELECT EXISTS (SELECT 1 FROM said WHERE id = 'key')";
    let is_open: bool = conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    if posted.message.as_str().starts_with("locked") && !is_open {
        return Err(Unapplied::Refused(format!(
            "{} is locked",
            posted.message.as_str()
        )));
    }
    Ok(())
}

fn said(id: &str, at: i64) -> Event {
    posted(post(id, "general", "anna", "x", at))
}

async fn letters(views: &Views) -> Vec<(String, String)> {
    let letters = views.dead_letters().await.unwrap();
    assert_eq!(letters.total, views.dead_letter_count());
    let letters = letters.first.into_iter();
    letters
        .map(|letter| (letter.projection, letter.reason))
        .collect()
}

/// What the view of one's own has.
fn rows(scene: &Scene) -> Vec<String> {
    let name = std::fs::read_to_string(scene.dir.path().join("views.current")).unwrap();
    let conn = rusqlite::Connection::open(scene.dir.path().join(name)).unwrap();
    let mut select = conn.prepare("SELECT id FROM said ORDER BY id").unwrap();
    let rows = select.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_set_aside_and_leaves_nothing() {
    let registry = Registry::default().with(&LENIENT).unwrap();
    let mut scene = Scene::with(registry.clone()).await;
    assert_eq!(
        registry.with(&LENIENT).err(),
        Some(Unfit::SameName("lenient"))
    );
    let events = ["one", "locked", "two"].map(|id| said(id, 10));
    scene.say(100, events).await;
    let dead = [("lenient".to_owned(), "locked is locked".to_owned())];
    assert_eq!(letters(&scene.views).await, dead);
    assert_eq!(
        rows(&scene),
        ["one", "two"],
        "what was half written is taken back"
    );
    assert_eq!(scene.views.health(), Health::Ready);

    for view in [Some("lenient"), None] {
        let begun = scene
            .views
            .begin(Wish {
                view: view.map(str::to_owned),
                ..Wish::rebuild("a test")
            })
            .await;
        let ended = begun.unwrap().ended().await.unwrap();
        assert_eq!(ended, Ended::Rebuilt(scene.views.applied()));
        assert_eq!(
            letters(&scene.views).await,
            dead,
            "a rebuild of {view:?} sets it aside too"
        );
        assert_eq!(rows(&scene), ["one", "two"], "after a rebuild of {view:?}");
    }
    scene = scene.reopened(registry).await;
    assert_eq!(
        scene.views.dead_letter_count(),
        1,
        "they are counted at the start"
    );

    let retried = scene.views.retry_dead_letters(None).await.unwrap();
    assert_eq!(
        retried,
        Retried {
            taken: 0,
            refused: 1
        }
    );
    assert_eq!(letters(&scene.views).await, dead);
    scene.say(200, [said("key", 200)]).await;
    let unknown = scene.views.retry_dead_letters(Some("nobody")).await;
    assert!(matches!(unknown, Err(ViewsError::UnknownView(_))));
    let of_rooms = scene.views.retry_dead_letters(Some("rooms")).await;
    assert_eq!(of_rooms.unwrap(), Retried::default());
    // Two who ask at the same moment find the same letter, which one of them deals with.
    let (one, other) = tokio::join!(
        scene.views.retry_dead_letters(Some("lenient")),
        scene.views.retry_dead_letters(None)
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.taken + other.taken, 1, "{one:?} {other:?}");
    assert_eq!(one.refused + other.refused, 0, "{one:?} {other:?}");
    assert_eq!(letters(&scene.views).await, []);
    assert_eq!(rows(&scene), ["key", "locked", "one", "two"]);
    scene.views.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_stops_stops_all_before_the_event() {
    let registry = Registry::default().with(&STRICT).unwrap();
    let mut scene = Scene::with(registry.clone()).await;
    let before = scene.views.applied();
    let events = ["one", "locked", "two"].map(|id| said(id, 10));
    scene.log.say(1_700_000_000_100, events);
    for again in [false, true] {
        if again {
            scene = scene.reopened(registry.clone()).await;
        }
        let stopped = async {
            loop {
                match scene.views.health() {
                    Health::Stopped(reason) => return reason,
                    _ => tokio::time::sleep(std::time::Duration::from_millis(2)).await,
                }
            }
        };
        let reason = tokio::time::timeout(std::time::Duration::from_secs(20), stopped).await;
        let reason = reason.expect("they stop");
        assert!(
            reason.contains("strict") && reason.contains("locked is locked"),
            "{reason}"
        );
        assert_eq!(
            scene.views.applied(),
            before.next(),
            "what came before it counts"
        );
        assert_eq!(rows(&scene), ["one"]);
    }
    scene.views.close().await;
    // Views that have to be built first come to the same event.
    std::fs::remove_file(scene.dir.path().join("views.current")).unwrap();
    scene = scene.reopened(registry).await;
    let waited = scene.views.wait_for(before.next()).await;
    assert!(waited.is_err(), "{waited:?}");
    assert!(matches!(scene.views.health(), Health::Stopped(reason) if reason.contains("strict")));
    scene.views.close().await;
}

#[test]
fn tables_that_a_file_cannot_have_are_refused() {
    const fn with(tables: &'static str) -> Projection {
        Projection {
            tables,
            ..LENIENT_VIEW
        }
    }
    static TAKEN: Projection = with("CREATE TABLE messages (id TEXT NOT NULL PRIMARY KEY);");
    static RESERVED: Projection = with("CREATE TABLE past_said (id TEXT NOT NULL PRIMARY KEY);");
    static NO_KEY: Projection = with("CREATE TABLE heard (id TEXT NOT NULL);");
    static NONSENSE: Projection = with("CREATE TABEL heard (id TEXT NOT NULL PRIMARY KEY);");
    let refusal = |view| Registry::default().with(view).err();
    let taken = |table: &str| Unfit::SameTable {
        view: "lenient",
        table: table.to_owned(),
    };
    let no_key = Unfit::NoKey {
        view: "lenient",
        table: "heard".to_owned(),
    };
    assert_eq!(refusal(&TAKEN), Some(taken("messages")));
    assert_eq!(refusal(&RESERVED), Some(taken("past_said")));
    assert_eq!(refusal(&NO_KEY), Some(no_key));
    let nonsense = refusal(&NONSENSE);
    assert!(
        matches!(nonsense, Some(Unfit::NoTables { .. })),
        "{nonsense:?}"
    );
}

#[test]
fn names_are_taken_however_they_are_written_and_indexes_have_names_too() {
    const fn with(tables: &'static str, indexes: &'static [Index]) -> Projection {
        Projection {
            tables,
            indexes,
            ..LENIENT_VIEW
        }
    }
    const fn index(name: &'static str, on: &'static str) -> Index {
        Index { name, on }
    }
    const SAID: &[Index] = &[index("said_by_id", "said (id)")];
    static CASE: Projection = with("CREATE TABLE Messages (id TEXT NOT NULL PRIMARY KEY);", &[]);
    static RESERVED: Projection = with(
        "CREATE TABLE Past_said (id TEXT NOT NULL PRIMARY KEY);",
        &[],
    );
    static OF_A_TABLE: Projection = with(TABLES, &[index("ROOMS", "said (id)")]);
    static OF_ITS_OWN: Projection = with(TABLES, &[index("Said", "said (id)")]);
    static TWICE: Projection = with(
        TABLES,
        &[index("by_id", "said (id)"), index("By_Id", "said (id)")],
    );
    static NOWHERE: Projection = with(TABLES, &[index("by_author", "messages (author)")]);
    static OF_ANOTHER: Projection = Projection {
        name: "other",
        ..with(
            "CREATE TABLE heard (id TEXT NOT NULL PRIMARY KEY);",
            &[index("Said_By_Id", "heard (id)")],
        )
    };
    static AS_A_TABLE: Projection = Projection {
        name: "other",
        ..with(
            "CREATE TABLE Said_by_id (id TEXT NOT NULL PRIMARY KEY);",
            &[],
        )
    };
    static FIRST: Projection = with(TABLES, SAID);
    static NULLS: Projection = with("CREATE TABLE heard (id TEXT PRIMARY KEY);", &[]);
    static CASELESS: Projection = with(
        "CREATE TABLE heard (id TEXT NOT NULL COLLATE NOCASE PRIMARY KEY) WITHOUT ROWID;",
        &[],
    );
    static NUMBERED: Projection = with("CREATE TABLE heard (id INTEGER PRIMARY KEY);", &[]);
    let first = Registry::default().with(&FIRST).unwrap();
    for (registry, view, told) in [
        (Registry::default(), &CASE, "a table called Messages"),
        (Registry::default(), &RESERVED, "a table called Past_said"),
        (Registry::default(), &OF_A_TABLE, "an index called ROOMS"),
        (Registry::default(), &OF_ITS_OWN, "an index called Said"),
        (Registry::default(), &TWICE, "an index called By_Id"),
        (Registry::default(), &NOWHERE, "the index by_author"),
        (first.clone(), &OF_ANOTHER, "an index called Said_By_Id"),
        (first, &AS_A_TABLE, "a table called Said_by_id"),
        (
            Registry::default(),
            &NULLS,
            "the table heard of the view lenient has no",
        ),
        (
            Registry::default(),
            &CASELESS,
            "the table heard of the view lenient has no",
        ),
    ] {
        let refused = registry.with(view).err().map(|refused| refused.to_string());
        let refused = refused.unwrap_or_else(|| panic!("{told}: it is refused"));
        assert!(refused.contains(told), "{told}: {refused}");
    }
    assert!(Registry::default().with(&NUMBERED).is_ok());
}

/// How many events are set aside, and retried, at once below.
const MANY: usize = 1100;

/// How often it has refused an event, and how often it has taken one while others were being retried.
static REFUSED: AtomicUsize = AtomicUsize::new(0);
static BETWEEN: AtomicUsize = AtomicUsize::new(0);

/// Counts what it refuses, and what it takes between.
static COUNTING: Projection = Projection {
    apply: Apply::Partial {
        apply: counting,
        refused: OnRefusal::SetAside,
    },
    ..LENIENT_VIEW
};

fn counting(tx: &mut Tx, event: &Applied) -> Result<(), Unapplied> {
    if let Err(refused) = apply(tx, event) {
        REFUSED.fetch_add(1, Ordering::Relaxed);
        return Err(refused);
    }
    let is_between = !REFUSED.load(Ordering::Relaxed).is_multiple_of(MANY);
    BETWEEN.fetch_add(usize::from(is_between), Ordering::Relaxed);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_letters_are_retried_and_new_events_do_not_wait_for_them() {
    let registry = Registry::default().with(&COUNTING).unwrap();
    let scene = Scene::with(registry).await;
    let locked = (0..MANY).map(|number| said(&format!("locked-{number}"), 10));
    scene.say(100, locked).await;
    assert_eq!(scene.views.dead_letter_count(), MANY as u64);
    // They stay locked: it is seen how many are refused again, and that others come in between. If all were retried in one
    // step, none could, however often it is done.
    let mut said_so_far = 0;
    for _ in 0..10 {
        let views = scene.views.clone();
        let retrying = tokio::spawn(async move { views.retry_dead_letters(None).await });
        while !retrying.is_finished() {
            let id = format!("fine-{said_so_far}");
            scene.say(200, [said(&id, 200)]).await;
            said_so_far += 1;
        }
        let retried = retrying.await.unwrap().unwrap();
        assert_eq!((retried.taken, retried.refused), (0, MANY));
        if BETWEEN.load(Ordering::Relaxed) > 0 {
            break;
        }
    }
    let between = BETWEEN.load(Ordering::Relaxed);
    assert!(between > 0, "of {said_so_far} events none came in between");
    scene.say(300, [said("key", 300)]).await;
    let retried = scene.views.retry_dead_letters(Some("lenient")).await;
    let retried = retried.unwrap();
    assert_eq!((retried.taken, retried.refused), (MANY, 0));
    assert_eq!(scene.views.dead_letter_count(), 0);
    scene.views.close().await;
}

/// Its statements fail, by what the message is called.
static CLUMSY: Projection = Projection {
    name: "clumsy",
    version: 1,
    tables: "CREATE TABLE heard (number INTEGER NOT NULL PRIMARY KEY);",
    indexes: INDEXES,
    apply: Apply::Partial {
        apply: stumble,
        refused: OnRefusal::SetAside,
    },
};

fn stumble(tx: &mut Tx, event: &Applied) -> Result<(), Unapplied> {
    let Event::Message(MessageEvent::MessagePosted(posted)) = &event.event else {
        return Ok(());
    };
    let sql = match posted.message.as_str() {
        "twice" => "INSERT INTO heard (number) VALUES (1), (1)",
        "text" => "INSERT INTO heard (number) VALUES ('one')",
        "nonsense" => "INSERT INTO heard (number) SELECT json('{')",
        "misspelt" => "INSRT INTO heard (number) VALUES (2)",
        _ => "INSERT INTO heard (number) VALUES (3)",
    };
    Ok(tx.connection().execute_batch(sql)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_statement_of_the_view_refuses_is_not_tried_for_ever() {
    let registry = Registry::default().with(&CLUMSY).unwrap();
    let scene = Scene::with(registry).await;
    let clumsy = ["twice", "text", "nonsense", "misspelt"];
    scene.say(100, clumsy.map(|id| said(id, 10))).await;
    scene.say(200, [said("fine", 20)]).await;
    let letters = letters(&scene.views).await;
    assert_eq!(letters.len(), clumsy.len(), "{letters:?}");
    assert!(
        letters.iter().all(|(_, reason)| !reason.is_empty()),
        "{letters:?}"
    );
    let heard = scene.views.ask(|conn| {
        conn.query_row("SELECT group_concat(number) FROM heard", [], |row| {
            row.get::<_, String>(0)
        })
    });
    assert_eq!(heard.await.unwrap(), "3");
    assert_eq!(scene.views.health(), Health::Ready);
    scene.views.close().await;
}
