use std::sync::Arc;

use domain::message::MessagePosted;
use domain::{RoomId, StreamId, Timestamp, UserId};
use eventstore::{CorrelationId, EventId, NewEvent, Position, Version};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::*;

/// Finds out what is behind links once it is let, and remembers what is recorded.
#[derive(Clone)]
struct Double {
    go_on: Arc<Semaphore>,
    begun: Arc<Mutex<Vec<String>>>,
    recorded: Arc<Mutex<Vec<(MessageId, String)>>>,
    wanted: bool,
}

impl Default for Double {
    fn default() -> Self {
        Self {
            go_on: Arc::new(Semaphore::new(0)),
            begun: Arc::default(),
            recorded: Arc::default(),
            wanted: true,
        }
    }
}

impl Previews for Double {
    fn are_wanted(&self) -> bool {
        self.wanted
    }

    fn look_up<'a>(&'a self, links: &'a [String]) -> BoxFuture<'a, Vec<Preview>> {
        Box::pin(async move {
            self.begun.lock().extend_from_slice(links);
            match &*links[0] {
                "http://hangs" => std::future::pending().await,
                "http://breaks" => panic!("as it was told"),
                "http://nothing" => return Vec::new(),
                _ => self.go_on.acquire().await.unwrap().forget(),
            }
            let found = |link: &String| Preview {
                url: link.clone(),
                meta: Map::from_iter([("pageTitle".to_owned(), json!("x"))]),
                headers: None,
                parsed: None,
            };
            links.iter().map(found).collect()
        })
    }

    fn record<'a>(
        &'a self,
        linked: &'a Linked,
        previews: Vec<Preview>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let links = previews
                .into_iter()
                .map(|preview| (linked.message.clone(), preview.url));
            self.recorded.lock().extend(links);
            Ok(())
        })
    }
}

/// A message as the log has it, with this link, sent so long ago.
fn posted(position: u64, link: &str, age: i64, attachments: Option<Vec<Value>>) -> RecordedEvent {
    let (message, at) = (MessageId::new(format!("m{position}")), now());
    let at = Timestamp::from_millis(at.as_millis() - age);
    let content = Content {
        urls: (!link.is_empty()).then(|| vec![link.to_owned()]),
        attachments,
        ..Content::default()
    };
    let event: Event = MessageEvent::MessagePosted(MessagePosted {
        message,
        room: RoomId::new("GENERAL"),
        author: UserId::new("ann"),
        at,
        content,
        presentation: None,
        thread: None,
        shown_in_room: false,
        seen: None,
    })
    .into();
    let event = NewEvent::encode(&event).unwrap();
    RecordedEvent {
        position: Position::new(position),
        stream: StreamId::from_recorded(format!("message-m{position}")),
        version: Version::new(0),
        id: event.id,
        event_type: event.event_type,
        schema: event.schema,
        recorded_at: at,
        actor: UserId::new("ann"),
        correlation_id: CorrelationId::fresh(),
        causation_id: Some(EventId::fresh()),
        data: event.data,
        salt: [0; 16],
        leaf: [0; 32],
    }
}

async fn react(reactor: &Unfurl<Double>, event: &RecordedEvent) -> Verdict {
    let key = OutboxKey {
        reactor: reactor.name(),
        position: event.position,
    };
    reactor.react(event, key, 1).await
}

/// The verdict once the message is no longer under way.
async fn settled(reactor: &Unfurl<Double>, event: &RecordedEvent) -> Verdict {
    loop {
        match react(reactor, event).await {
            Verdict::Later(pause) => tokio::time::sleep(pause).await,
            verdict => return verdict,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_found_is_recorded_once() {
    let double = Double::default();
    let reactor = Unfurl::new(double.clone());
    let event = posted(1, "http://a", 0, None);
    assert_eq!(react(&reactor, &event).await, Verdict::Later(PAUSE));
    assert_eq!(
        react(&reactor, &event).await,
        Verdict::Later(PAUSE),
        "under way"
    );
    assert!(double.recorded.lock().is_empty());
    double.go_on.add_permits(1);
    assert_eq!(settled(&reactor, &event).await, Verdict::Done);
    let recorded = vec![(MessageId::new("m1"), "http://a".to_owned())];
    assert_eq!(*double.recorded.lock(), recorded);
    assert_eq!(double.begun.lock().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_hangs_holds_up_nobody_else_and_ends() {
    let double = Double::default();
    let reactor = Unfurl::new(double.clone());
    let hanging = posted(1, "http://hangs", 0, None);
    assert_eq!(react(&reactor, &hanging).await, Verdict::Later(PAUSE));
    double.go_on.add_permits(1);
    let other = posted(2, "http://a", 0, None);
    assert_eq!(settled(&reactor, &other).await, Verdict::Done);
    assert_eq!(react(&reactor, &hanging).await, Verdict::Later(PAUSE));
    assert_eq!(settled(&reactor, &hanging).await, Verdict::Done);
    assert_eq!(double.recorded.lock().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn so_many_are_under_way_at_a_time() {
    let double = Double::default();
    let reactor = Unfurl::new(double.clone());
    let events: Vec<_> = (1..=20).map(|at| posted(at, "http://a", 0, None)).collect();
    for event in &events {
        assert_eq!(react(&reactor, event).await, Verdict::Later(PAUSE));
    }
    while double.begun.lock().len() < AT_A_TIME {
        tokio::task::yield_now().await;
    }
    for event in &events {
        assert_eq!(react(&reactor, event).await, Verdict::Later(PAUSE));
    }
    assert_eq!(double.begun.lock().len(), AT_A_TIME);
    double.go_on.add_permits(20);
    // Those that have ended, and that nobody asks about, keep nobody from beginning.
    assert_eq!(settled(&reactor, &events[19]).await, Verdict::Done);
    for event in &events[..19] {
        assert_eq!(settled(&reactor, event).await, Verdict::Done);
    }
    assert_eq!(double.recorded.lock().len(), 20);
    assert!(reactor.tasks.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_new_messages_with_links_and_nothing_attached_matter() {
    for (event, wanted, matters) in [
        (posted(1, "http://nothing", 0, None), true, true),
        (
            posted(2, "http://nothing", NEW_MILLIS - 60_000, None),
            true,
            true,
        ),
        (posted(3, "http://nothing", NEW_MILLIS, None), true, false),
        (posted(4, "", 0, None), true, false),
        (posted(5, "http://nothing", 0, None), false, false),
        (
            posted(6, "http://nothing", 0, Some(vec![json!({})])),
            true,
            false,
        ),
        (posted(7, "http://nothing", 0, Some(Vec::new())), true, true),
    ] {
        let double = Double {
            wanted,
            ..Double::default()
        };
        let reactor = Unfurl::new(double.clone());
        let expected = if matters {
            Verdict::Done
        } else {
            Verdict::Ignore
        };
        assert_eq!(
            settled(&reactor, &event).await,
            expected,
            "{}",
            event.position
        );
        assert!(double.recorded.lock().is_empty(), "nothing was found");
    }
}

#[tokio::test(start_paused = true)]
async fn what_breaks_is_given_up() {
    let reactor = Unfurl::new(Double::default());
    let event = posted(1, "http://breaks", 0, None);
    assert!(matches!(settled(&reactor, &event).await, Verdict::Skip(_)));
}
