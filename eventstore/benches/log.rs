//! What the embedded log does per second, beside what the disk it lies on can do: `cargo bench -p eventstore`.
//!
//! Every figure is of the same run on the same disk (a folder below `target/`). The yardstick is the rate at which
//! one thread can append 300 bytes to a file and sync them, before and after, since disks change their mind.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and has nobody to answer errors to"
)]
#![expect(clippy::cast_precision_loss, reason = "rates are for people")]

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use compact_str::CompactString;
use domain::stream::Category;
use domain::{StreamId, UserId};
use eventstore::sqlite::SqliteLog;
use eventstore::{
    Batch, Cause, CorrelationId, EventId, EventStore, Expected, Filter, NewEvent, Position,
    StreamAppend,
};
use futures::StreamExt;

const DATA: usize = 300;
const APPENDERS: usize = 256;
const TIME: Duration = Duration::from_secs(5);
const READ: usize = 1_000_000;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let before = raw(folder.path());
    println!("raw append + fdatasync            {before:>10.0} /s");

    let single = in_fresh_log(&runtime, async |store| single_appender(&store).await);
    let after = raw(folder.path());
    println!("raw append + fdatasync, again     {after:>10.0} /s");
    let percent = single / f64::midpoint(before, after) * 100.0;
    println!("1 appender                        {single:>10.0} events/s   {percent:.0} % of raw");

    let same = in_fresh_log(&runtime, async |store| appenders(&store, false).await);
    println!("{APPENDERS} appenders, a stream each      {same:>10.0} events/s");
    let new = in_fresh_log(&runtime, async |store| appenders(&store, true).await);
    println!("{APPENDERS} appenders, a stream per event {new:>10.0} events/s");

    in_fresh_log(&runtime, async |store| {
        println!(
            "append in batches of 1000         {:>10.0} events/s",
            fill(&store).await
        );
        println!(
            "read_all                          {:>10.0} events/s",
            read(&store, Filter::default()).await
        );
        let filter = Filter {
            event_types: vec!["Rare".to_owned()],
            ..Filter::default()
        };
        println!(
            "read_all, nothing passes          {:>10.0} events/s",
            read(&store, filter).await
        );
    });
}

/// Appends and syncs per second of one thread on one file.
fn raw(folder: &Path) -> f64 {
    let mut file = File::create(folder.join("raw")).unwrap();
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < TIME / 2 {
        file.write_all(&[7; DATA]).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

fn in_fresh_log<T>(
    runtime: &tokio::runtime::Runtime,
    work: impl AsyncFnOnce(Arc<dyn EventStore>) -> T,
) -> T {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    runtime.block_on(async {
        let store: Arc<dyn EventStore> =
            Arc::new(SqliteLog::open(&folder.path().join("log.sqlite")).unwrap());
        let answer = work(Arc::clone(&store)).await;
        store.close().await;
        answer
    })
}

async fn single_appender(store: &Arc<dyn EventStore>) -> f64 {
    let store = Arc::clone(store);
    let stream = StreamId::new(Category::Room, "GENERAL");
    // As in the server, the task runs on a thread of the runtime.
    tokio::spawn(async move {
        let (start, mut count) = (Instant::now(), 0);
        while start.elapsed() < TIME {
            store.append(batch(&stream, 1)).await.unwrap();
            count += 1;
        }
        f64::from(count) / start.elapsed().as_secs_f64()
    })
    .await
    .unwrap()
}

async fn appenders(store: &Arc<dyn EventStore>, new_streams: bool) -> f64 {
    let start = Instant::now();
    let tasks: Vec<_> = (0..APPENDERS)
        .map(|number| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut count = 0_u32;
                while start.elapsed() < TIME {
                    let id = if new_streams {
                        random_id()
                    } else {
                        format!("aaaaaaaaaaaaaa{number:03}")
                    };
                    store
                        .append(batch(&StreamId::new(Category::Message, &id), 1))
                        .await
                        .unwrap();
                    count += 1;
                }
                count
            })
        })
        .collect();
    let mut count = 0;
    for task in tasks {
        count += task.await.unwrap();
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

async fn fill(store: &Arc<dyn EventStore>) -> f64 {
    let start = Instant::now();
    for _ in 0..READ / 1_000 {
        store
            .append(batch(
                &StreamId::new(Category::Message, &random_id()),
                1_000,
            ))
            .await
            .unwrap();
    }
    READ as f64 / start.elapsed().as_secs_f64()
}

/// Events of the log looked at per second.
async fn read(store: &Arc<dyn EventStore>, filter: Filter) -> f64 {
    let unfiltered = filter.event_types.is_empty();
    let start = Instant::now();
    let mut chunks = store.read_all(Position::START, filter);
    let mut count = 0;
    while let Some(chunk) = chunks.next().await {
        count += chunk.unwrap().len();
    }
    assert_eq!(count, if unfiltered { READ } else { 0 });
    READ as f64 / start.elapsed().as_secs_f64()
}

fn batch(stream: &StreamId, events: usize) -> Batch {
    let event = || NewEvent {
        id: EventId::fresh(),
        event_type: CompactString::const_new("MessagePosted"),
        schema: 1,
        data: Bytes::from(vec![7; DATA]),
    };
    let cause = Cause {
        actor: UserId::new("aaaaaaaaaaaaaaaaa"),
        correlation_id: CorrelationId::fresh(),
        causation_id: None,
    };
    let events = (0..events).map(|_| event()).collect();
    Batch {
        cause,
        appends: vec![StreamAppend {
            stream: stream.clone(),
            expected: Expected::Any,
            events,
        }],
    }
}

fn random_id() -> String {
    domain::id::id_from_bytes(&rand::random()).into()
}
