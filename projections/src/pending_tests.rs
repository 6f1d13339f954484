//! Events are told of before they are committed: nobody sees the file without them, and whatever fails, each is told of
//! once and committed in the end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use compact_str::CompactString;
use domain::Event;
use domain::user::{UserCreated, UserEvent};
use eventstore::Position;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::engine::applied::Applied;
use crate::engine::checkpointer::Checkpointer;
use crate::engine::file;
use crate::engine::hub::Publication;
use crate::engine::intake::Intake;
use crate::engine::lag::Health;
use crate::engine::orders::Order;
use crate::engine::readers::Readers;
use crate::engine::shared::Shared;
use crate::engine::worker::{self, Worker};
use crate::function_tests::{all, chaos, dump, first_difference, live, reopened};

/// A worker at work.
struct Work {
    shared: Arc<Shared>,
    orders: mpsc::Sender<Order>,
    stop: CancellationToken,
    worker: JoinHandle<()>,
    /// The positions of the updates it published, in order.
    published: tokio::task::JoinHandle<Vec<Position>>,
}

impl Work {
    /// Begins with an empty file. So many commits fail as `failures` says.
    fn begin(path: &Path, failures: &Arc<AtomicUsize>) -> Self {
        let mut tx = live(path);
        let failures = Arc::clone(failures);
        let fails = move || {
            // Time for others to look at the file before the commit.
            std::thread::sleep(Duration::from_millis(10));
            let fewer = |left: usize| left.checked_sub(1);
            failures
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer)
                .is_ok()
        };
        tx.conn.commit_hook(Some(fails)).unwrap();
        let shared = Arc::new(Shared::new(tx.place(), 0, Readers::start().unwrap(), None));
        let (orders, taken) = mpsc::channel(8);
        let (publisher, mut publications) = mpsc::channel(8);
        let published = tokio::spawn(async move {
            let mut positions = Vec::new();
            while let Some(publication) = publications.recv().await {
                if let Publication::Updates { updates, .. } = publication {
                    positions.extend(updates.iter().map(|update| update.position));
                }
            }
            positions
        });
        let stop = CancellationToken::new();
        let checkpointer = Checkpointer::start(path);
        let worker = Worker::new(
            tx,
            all(),
            checkpointer,
            Arc::clone(&shared),
            taken,
            publisher,
            stop.clone(),
        );
        let worker = std::thread::spawn(move || {
            worker.run();
        });
        Self {
            shared,
            orders,
            stop,
            worker,
            published,
        }
    }

    /// Has events applied, and returns once they are told of.
    async fn tell(&self, events: &[Applied]) -> Position {
        let told = events.last().unwrap().position;
        self.order(Order::Intake(Intake::Events(events.to_vec())))
            .await;
        self.shared.reached.wait_for(told).await.unwrap();
        told
    }

    async fn order(&self, order: Order) {
        assert!(self.orders.send(order).await.is_ok());
    }

    /// Ends it; returns what it published.
    async fn end(self) -> Vec<Position> {
        drop(self.orders);
        self.worker.join().unwrap();
        self.shared.readers.join();
        self.published.await.unwrap()
    }
}

fn position(path: &Path) -> Position {
    let conn = file::open_reader(path).unwrap();
    file::place(&conn, &all()).unwrap().unwrap().position
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_all_is_told_of_once_and_committed() {
    let dir = tempfile::tempdir().unwrap();
    let events = chaos(21, 2500);
    let mut whole = live(&dir.path().join("views-1.sqlite"));
    worker::transact(&mut whole, &all(), &events).unwrap();
    let (path, failures) = (dir.path().join("views-2.sqlite"), Arc::default());
    let work = Work::begin(&path, &failures);
    for (number, part) in events.chunks(30).enumerate() {
        let told = work.tell(part).await;
        if failures.load(Ordering::SeqCst) > 0 {
            work.order(Order::Commit).await;
            // While it fails, the file is shown as it is.
            while position(&path) < told {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        if number % 3 == 0 {
            let ask = work.order(Order::Commit);
            work.shared.pending.settle(ask).await.unwrap();
            assert!(position(&path) >= told, "whoever asks the file sees it");
        }
        if number % 20 == 10 {
            failures.store(1 + number / 20 % 2, Ordering::SeqCst);
        }
    }
    failures.store(0, Ordering::SeqCst);
    let published = work.end().await;
    let repeated = published.windows(2).find(|pair| pair[0] > pair[1]);
    assert_eq!(repeated, None, "updates in order, none again");
    let (expected, found) = (dump(&whole.conn), dump(&reopened(&path).conn));
    assert!(expected == found, "{}", first_difference(&expected, &found));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_committed_at_the_end_is_not_half_there() {
    let dir = tempfile::tempdir().unwrap();
    let events = chaos(22, 2500);
    let (path, failures) = (dir.path().join("views-1.sqlite"), Arc::default());
    let work = Work::begin(&path, &failures);
    let told = work.tell(&events[..100]).await;
    let ask = work.order(Order::Commit);
    work.shared.pending.settle(ask).await.unwrap();
    let before = dump(&file::open_reader(&path).unwrap());
    failures.store(usize::MAX, Ordering::SeqCst);
    work.tell(&events[100..150]).await;
    work.order(Order::Commit).await;
    let mut health = work.shared.health.subscribe();
    let fails = |health: &Health| matches!(health, Health::Failing(_));
    health.wait_for(fails).await.unwrap();
    work.stop.cancel();
    work.end().await;
    assert_eq!(position(&path), told);
    assert_eq!(dump(&reopened(&path).conn), before);
}

/// Events up to and with the last one that makes an account, and whose it is.
fn until_an_account(mut events: Vec<Applied>) -> (Vec<Applied>, UserCreated) {
    while let Some(last) = events.last() {
        if let Event::User(UserEvent::UserCreated(created)) = &last.event {
            let created = created.clone();
            return (events, created);
        }
        events.pop();
    }
    panic!("somebody signs up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_comes_before_the_commit_keeps_nobody_from_being_found() {
    let dir = tempfile::tempdir().unwrap();
    let (events, created) = until_an_account(chaos(23, 2500));
    let (last, before) = events.split_last().unwrap();
    let (path, failures) = (dir.path().join("views-1.sqlite"), Arc::default());
    let work = Work::begin(&path, &failures);
    let conn = file::open_reader(&path).unwrap();
    let people = &work.shared.facts.people;
    let found = || {
        let look = people.look(people.epoch(), &conn, |all| {
            all.get(&created.user).is_some()
        });
        look.unwrap().expect("the file that serves")
    };
    work.tell(before).await;
    let ask = work.order(Order::Commit);
    work.shared.pending.settle(ask).await.unwrap();
    assert!(!found());
    work.tell(std::slice::from_ref(last)).await;
    // It began before anything was told of, and looks now.
    assert!(!found());
    let ask = work.order(Order::Commit);
    work.shared.pending.settle(ask).await.unwrap();
    assert!(found());
    work.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_looked_up_while_commits_failed_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (events, created) = until_an_account(chaos(24, 2500));
    let (last, before) = events.split_last().unwrap();
    let (path, failures) = (dir.path().join("views-1.sqlite"), Arc::default());
    let work = Work::begin(&path, &failures);
    work.tell(before).await;
    let ask = work.order(Order::Commit);
    work.shared.pending.settle(ask).await.unwrap();
    failures.store(3, Ordering::SeqCst);
    let told = work.tell(std::slice::from_ref(last)).await;
    work.order(Order::Commit).await;
    let name = CompactString::new(created.username.to_lowercase());
    let usernames = &work.shared.facts.usernames;
    let found = || {
        let in_file = async || Ok((position(&path) >= told).then(|| created.user.clone()));
        usernames.get(&name, in_file)
    };
    while position(&path) < told {
        found().await.unwrap();
    }
    let ask = async {};
    work.shared.pending.settle(ask).await.unwrap();
    assert_eq!(found().await.unwrap(), Some(created.user.clone()));
    work.end().await;
}
