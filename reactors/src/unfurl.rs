//! Finds out what is behind the links of a message, after it was sent: sending waits for no site, and a site that does
//! not answer holds up no other message.
//!
//! What is asked outside is done by tasks, so many at a time. A message is put off until its task has ended.

use std::collections::HashMap;
use std::time::Duration;

use application::cause::because_of;
use application::chat::{messages, previews};
use application::error::Error;
use application::ids::now;
use application::workspace::Workspace;
use domain::message::{Content, MessageEvent, Preview};
use domain::settings::keys;
use domain::{Event, MessageId};
use eventstore::RecordedEvent;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::{OutboxKey, Reactor, Verdict};

/// Messages that are dealt with at a time.
const AT_A_TIME: usize = 16;

/// How long all links of a message may take.
const TIME: Duration = Duration::from_secs(20);

/// When a message that was put off is asked about again.
const PAUSE: Duration = Duration::from_secs(1);

/// In milliseconds: previews of an older message are of no use. So nothing piles up after a flood, or without a network.
const NEW_MILLIS: i64 = 10 * 60_000;

/// How often to try to record what was found.
const ATTEMPTS: u32 = 3;

/// A message with links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    pub message: MessageId,
    /// As its content names them.
    pub links: Vec<String>,
}

/// What is done about links. Cheap to clone.
pub trait Previews: Clone + Send + Sync + 'static {
    /// Whether the workspace wants previews.
    fn are_wanted(&self) -> bool;

    /// Finds out what is behind links; those of which nothing is known are not in it.
    fn look_up<'a>(&'a self, links: &'a [String]) -> BoxFuture<'a, Vec<Preview>>;

    /// Records what was found. The message may have changed meanwhile.
    fn record<'a>(
        &'a self,
        linked: &'a Linked,
        previews: Vec<Preview>,
    ) -> BoxFuture<'a, Result<(), Error>>;
}

impl Previews for Workspace {
    fn are_wanted(&self) -> bool {
        self.views().settings().bool(keys::API_EMBED)
    }

    fn look_up<'a>(&'a self, links: &'a [String]) -> BoxFuture<'a, Vec<Preview>> {
        Box::pin(previews::of_links(self, links))
    }

    fn record<'a>(
        &'a self,
        linked: &'a Linked,
        previews: Vec<Preview>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(messages::preview(self, &linked.message, previews))
    }
}

type Task = JoinHandle<Result<(), Error>>;

enum Progress {
    UnderWay,
    Ended(Task),
}

/// The reactor that unfurls links.
pub struct Unfurl<P> {
    previews: P,
    tasks: Mutex<HashMap<OutboxKey, Task>>,
}

impl<P: Previews> Unfurl<P> {
    pub fn new(previews: P) -> Self {
        Self {
            previews,
            tasks: Mutex::default(),
        }
    }

    /// Begins to deal with a message, unless as many are dealt with already as may be.
    fn begin(&self, key: OutboxKey, event: &RecordedEvent, linked: Linked) {
        let mut tasks = self.tasks.lock();
        // Those that have ended wait only for somebody to ask about them.
        let busy = tasks.values().filter(|task| !task.is_finished()).count();
        if busy >= AT_A_TIME {
            return;
        }
        let (previews, event) = (self.previews.clone(), event.clone());
        let task = async move { because_of(&event, unfurl(&previews, &linked)).await };
        tasks.insert(key, tokio::spawn(task));
    }

    /// What has become of a message; `None`: nobody has begun.
    fn progress(&self, key: OutboxKey) -> Option<Progress> {
        let mut tasks = self.tasks.lock();
        if tasks.get(&key)?.is_finished() {
            return tasks.remove(&key).map(Progress::Ended);
        }
        Some(Progress::UnderWay)
    }

    /// Whether the event is worth a look, and what is to be done about it.
    fn consider(&self, key: OutboxKey, event: &RecordedEvent) -> Verdict {
        // Most messages have none, and nothing of them is looked at.
        if !event.data.windows(3).any(|part| part == b"://") {
            return Verdict::Ignore;
        }
        let event_data = match event.decode::<Event>() {
            Ok(data) => data,
            Err(error) => return Verdict::Skip(error.to_string()),
        };
        let is_new = now().millis_since(event.recorded_at) < NEW_MILLIS;
        match linked(event_data) {
            Some(linked) if is_new && self.previews.are_wanted() => {
                self.begin(key, event, linked);
                Verdict::Later(PAUSE)
            }
            _ => Verdict::Ignore,
        }
    }
}

async fn unfurl<P: Previews>(previews: &P, linked: &Linked) -> Result<(), Error> {
    let found = tokio::time::timeout(TIME, previews.look_up(&linked.links)).await;
    let Some(found) = found.ok().filter(|found| !found.is_empty()) else {
        return Ok(());
    };
    let mut attempt = 1;
    loop {
        match previews.record(linked, found.clone()).await {
            Err(error) if error.is_temporary() && attempt < ATTEMPTS => {
                tokio::time::sleep(PAUSE).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

/// The end of a task. Previews are no reason to stop: what failed is told to the server's log.
async fn verdict(task: Task) -> Verdict {
    match task.await {
        Ok(Ok(())) => Verdict::Done,
        Ok(Err(error)) => {
            error.log();
            tracing::info!(%error, "what was found behind a link is not shown");
            Verdict::Done
        }
        Err(error) => Verdict::Skip(error.to_string()),
    }
}

/// The links of a message that are to be unfurled.
fn links_of(message: MessageId, content: &Content) -> Option<Linked> {
    let links: Vec<String> = content.to_preview().map(str::to_owned).collect();
    (!links.is_empty()).then_some(Linked { message, links })
}

fn linked(event: Event) -> Option<Linked> {
    match event {
        Event::Message(MessageEvent::MessagePosted(posted)) => {
            links_of(posted.message, &posted.content)
        }
        Event::Message(MessageEvent::MessageEdited(edited)) => {
            links_of(edited.message, &edited.content)
        }
        _ => None,
    }
}

impl<P: Previews> Reactor for Unfurl<P> {
    fn name(&self) -> &'static str {
        "unfurl"
    }

    fn begins_at_head(&self) -> bool {
        true
    }

    fn concerns(&self, event_type: &str) -> bool {
        matches!(event_type, "MessagePosted" | "MessageEdited")
    }

    fn react<'a>(
        &'a self,
        event: &'a RecordedEvent,
        key: OutboxKey,
        _: u32,
    ) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            match self.progress(key) {
                Some(Progress::UnderWay) => Verdict::Later(PAUSE),
                Some(Progress::Ended(task)) => verdict(task).await,
                None => self.consider(key, event),
            }
        })
    }
}

#[cfg(test)]
mod tests;
