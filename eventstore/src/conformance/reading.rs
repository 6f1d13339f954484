//! Reading streams and the whole log.

use std::time::Duration;

use domain::StreamId;
use domain::stream::Category;
use futures::StreamExt;

use super::Fixture;
use super::tools::{
    all, append, append_one, assert_gapless, batch, collect, room, sample, samples,
};
use crate::{Expected, Filter, Position, Version};

pub async fn a_stream_is_read_from_the_middle(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    // More than one chunk, between events of other streams.
    for _ in 0..6 {
        let appends = vec![
            append(&room("a"), Expected::Any, samples(400)),
            append(&room("ab"), Expected::Any, samples(100)),
        ];
        store.append(batch(appends)).await.unwrap();
    }
    for from in [0, 1, 399, 400, 1_000, 2_399, 2_400, 5_000] {
        let read = collect(store.read_stream(&room("a"), Version::new(from))).await;
        let versions: Vec<_> = read.iter().map(|event| event.version.get()).collect();
        assert_eq!(versions, (from..2_400).collect::<Vec<_>>(), "from {from}");
        assert!(read.iter().all(|event| event.stream == room("a")));
    }
    assert_eq!(
        collect(store.read_stream(&room("none"), Version::FIRST)).await,
        []
    );
    store.close().await;
}

pub async fn a_long_log_is_read_in_chunks(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    for _ in 0..7 {
        store
            .append(batch(vec![append(&room("a"), Expected::Any, samples(500))]))
            .await
            .unwrap();
    }
    let mut chunks = store.read_all(Position::START, Filter::default());
    let mut count = 0;
    let mut events = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.unwrap();
        assert!(
            (1..=10_000).contains(&chunk.len()),
            "chunks are bounded and never empty"
        );
        count += 1;
        events.extend(chunk.iter().cloned());
    }
    assert!(count > 1);
    assert_eq!(events.len(), 3_500);
    assert_gapless(&events);
    for after in [1, 999, 1_000, 1_001, 3_499, 3_500, 9_000] {
        let read = collect(store.read_all(Position::new(after), Filter::default())).await;
        assert_eq!(
            read,
            events
                .get(usize::try_from(after).unwrap()..)
                .unwrap_or_default(),
            "after {after}"
        );
    }
    // A reader that stops half-way is no burden.
    let mut abandoned = store.read_all(Position::START, Filter::default());
    abandoned.next().await.unwrap().unwrap();
    drop(abandoned);
    append_one(&store, "a", Expected::Any, sample("Happened", 0))
        .await
        .unwrap();
    store.close().await;
}

pub async fn the_log_is_read_through_every_filter(fixture: &dyn Fixture) {
    let store = fixture.open().await;
    let categories = [Category::Room, Category::Message, Category::User];
    for round in 0..12_usize {
        let appends = categories.iter().enumerate().map(|(index, category)| {
            let stream = StreamId::new(*category, &format!("s{}-x", round % 4));
            let types = ["Happened", "Ended", "Begun"];
            let events = (0..=index)
                .map(|number| sample(types[(round + number) % 3], number))
                .collect();
            append(&stream, Expected::Any, events)
        });
        store.append(batch(appends.collect())).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // A stream of a category whose name begins like another's.
    let odd = StreamId::from_recorded("roommate-1");
    store
        .append(batch(vec![append(&odd, Expected::Any, samples(1))]))
        .await
        .unwrap();

    let events = all(&store).await;
    assert_gapless(&events);
    let middle = events[events.len() / 2].recorded_at;
    let late = events[events.len() * 3 / 4].recorded_at;
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    let any = Filter::default();
    let filters = [
        any.clone(),
        Filter {
            categories: names(&["room"]),
            ..any.clone()
        },
        Filter {
            categories: names(&["room", "user"]),
            ..any.clone()
        },
        Filter {
            categories: names(&["nothing"]),
            ..any.clone()
        },
        Filter {
            event_types: names(&["Ended"]),
            ..any.clone()
        },
        Filter {
            event_types: names(&["Ended", "Begun"]),
            ..any.clone()
        },
        Filter {
            stream: Some(StreamId::new(Category::Message, "s1-x")),
            ..any.clone()
        },
        Filter {
            stream: Some(StreamId::new(Category::Message, "none")),
            ..any.clone()
        },
        Filter {
            from: Some(middle),
            ..any.clone()
        },
        Filter {
            until: Some(middle),
            ..any.clone()
        },
        Filter {
            from: Some(middle),
            until: Some(late),
            ..any.clone()
        },
        Filter {
            from: Some(late),
            until: Some(middle),
            ..any.clone()
        },
        Filter {
            from: Some(domain::Timestamp::from_millis(i64::MAX)),
            ..any.clone()
        },
        Filter {
            categories: names(&["user"]),
            event_types: names(&["Begun"]),
            stream: Some(StreamId::new(Category::User, "s2-x")),
            from: Some(events[3].recorded_at),
            until: Some(late),
        },
    ];
    for filter in filters {
        for after in [0, 1, 17, events.len() as u64] {
            let after = Position::new(after);
            let read = collect(store.read_all(after, filter.clone())).await;
            let wanted: Vec<_> = events
                .iter()
                .filter(|event| event.position > after && filter.matches(event))
                .cloned()
                .collect();
            assert_eq!(read, wanted, "after {after} through {filter:?}");
        }
    }
    store.close().await;
}
