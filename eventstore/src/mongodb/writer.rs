//! The one writer of a process: gathers waiting batches and commits them group by group.

use std::collections::{HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::mongodb::bson::raw::RawDocumentBuf;
use futures::FutureExt as _;
use tokio::sync::{mpsc, oneshot};

use super::failure::Failure;
use super::sessions::Blockade;
use super::shared::{Backoff, Shared};
use super::transaction::{Attempt, Transactor};
use super::transcode;
use crate::group_commit::{Plan, Prepared};
use crate::{AppendError, Appended, Batch, EventId, Tail, what_was_said};

/// Batches that may wait for the writer before appenders have to.
pub(super) const QUEUE: usize = 1024;
/// MongoDB advises against transactions of many more documents.
const GROUP_EVENTS: usize = 1000;
/// Keeps a group far below what one transaction may carry, bytes. A single batch may be larger.
const GROUP_BYTES: usize = 4 * 1024 * 1024;

/// How long to take leave of a server that may not be there.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long to wait for a group as large as the last; a transaction takes some milliseconds.
const LINGER: Duration = Duration::from_micros(500);

type Answer = Result<Appended, AppendError>;

/// A batch on its way to the log. Whoever sent it waits for the answer.
pub(super) struct Waiting {
    prepared: Prepared,
    fields: Vec<RawDocumentBuf>,
    answer: oneshot::Sender<Answer>,
    since: Instant,
    /// Of the log it was decided on.
    generation: u64,
}

impl Waiting {
    /// Checks, hashes and transcodes `batch`, in the task that appends it.
    pub(super) fn new(
        batch: Batch,
        generation: u64,
    ) -> Result<(Self, oneshot::Receiver<Answer>), AppendError> {
        let prepared = Prepared::new(batch)?;
        let events = prepared
            .batch
            .appends
            .iter()
            .flat_map(|append| &append.events);
        let fields = events
            .map(|event| transcode::to_fields(&event.data))
            .collect();
        let (answer, receiver) = oneshot::channel();
        Ok((
            Self {
                prepared,
                fields,
                answer,
                since: Instant::now(),
                generation,
            },
            receiver,
        ))
    }

    fn ids(&self) -> impl Iterator<Item = EventId> {
        self.prepared
            .batch
            .appends
            .iter()
            .flat_map(|append| &append.events)
            .map(|event| event.id)
    }
}

/// Commits what comes in through `queue` until its senders are gone and it is empty. A panic costs the group it
/// happened in, whose senders hear of it.
pub(super) async fn run(shared: Arc<Shared>, mut queue: mpsc::Receiver<Waiting>) {
    while let Err(panic) = AssertUnwindSafe(work(&shared, &mut queue))
        .catch_unwind()
        .await
    {
        let reason = what_was_said(&*panic);
        shared.unavailable(&format!("the writer of the log panicked: {reason}"));
    }
}

async fn work(shared: &Arc<Shared>, queue: &mut mpsc::Receiver<Waiting>) {
    let mut writer = Writer {
        transactor: Transactor::new(Arc::clone(shared)),
        shared: Arc::clone(shared),
    };
    let mut carried = None;
    let mut usual = 0;
    loop {
        let first = match carried.take() {
            Some(waiting) => waiting,
            None => match queue.recv().await {
                Some(waiting) => waiting,
                None => break,
            },
        };
        linger(queue, usual).await;
        let group = gather(first, queue, &mut carried);
        usual = group.parts.len();
        writer.record(group).await;
    }
    let _ = tokio::time::timeout(FAREWELL, writer.transactor.retire()).await;
}

/// Lets those who were answered just now come back with their next batch, if there were several: else the first
/// of them gets a transaction of its own, and all others wait for it.
async fn linger(queue: &mpsc::Receiver<Waiting>, usual: usize) {
    let start = Instant::now();
    while queue.len() + 1 < usual && start.elapsed() < LINGER {
        tokio::task::yield_now().await;
    }
}

/// A group of what is waiting now. What does not fit is `carried` into the next one.
fn gather(
    first: Waiting,
    queue: &mut mpsc::Receiver<Waiting>,
    carried: &mut Option<Waiting>,
) -> Group {
    let mut ids: HashSet<EventId> = first.ids().collect();
    let mut bytes = first.prepared.bytes();
    let mut group = Group::default();
    group.push(first);
    while ids.len() < GROUP_EVENTS && group.parts.len() < QUEUE {
        let Ok(waiting) = queue.try_recv() else { break };
        bytes += waiting.prepared.bytes();
        let count = ids.len() + waiting.fields.len();
        // A batch and its repetition must not be in one transaction.
        let repeats = waiting.ids().any(|id| ids.contains(&id));
        if bytes > GROUP_BYTES || count > GROUP_EVENTS || repeats {
            *carried = Some(waiting);
            break;
        }
        ids.extend(waiting.ids());
        group.push(waiting);
    }
    group
}

/// Batches that are committed together; the three lists go in step.
#[derive(Default)]
struct Group {
    parts: Vec<Prepared>,
    fields: Vec<Vec<RawDocumentBuf>>,
    waiters: Vec<Waiter>,
    /// Some of its events may be in the log already: look before recording.
    look_up: bool,
    /// A commit of it was sent and its outcome is not known.
    in_doubt: bool,
}

struct Waiter {
    answer: oneshot::Sender<Answer>,
    since: Instant,
    generation: u64,
}

impl Group {
    fn push(&mut self, waiting: Waiting) {
        let Waiting {
            prepared,
            fields,
            answer,
            since,
            generation,
        } = waiting;
        self.parts.push(prepared);
        self.fields.push(fields);
        self.waiters.push(Waiter {
            answer,
            since,
            generation,
        });
    }

    /// Answers the batch at `index` and takes it out.
    fn settle(&mut self, index: usize, answer: Answer) {
        self.parts.remove(index);
        self.fields.remove(index);
        // A waiter that is gone does not want to know.
        let _ = self.waiters.remove(index).answer.send(answer);
    }

    /// Answers everyone by the outcomes of `plan`.
    fn answer_all(self, plan: Plan) {
        for (waiter, outcome) in self.waiters.into_iter().zip(plan.outcomes) {
            let _ = waiter.answer.send(outcome.map_err(AppendError::Conflict));
        }
    }

    /// A group per batch.
    fn split(self) -> impl Iterator<Item = Self> {
        let (look_up, in_doubt) = (self.look_up, self.in_doubt);
        self.parts
            .into_iter()
            .zip(self.fields)
            .zip(self.waiters)
            .map(move |((part, fields), waiter)| Self {
                parts: vec![part],
                fields: vec![fields],
                waiters: vec![waiter],
                look_up,
                in_doubt,
            })
    }

    /// Answers those whose batches were decided on a log that is not there any more. Returns whether nobody is left.
    fn give_up_void(&mut self, generation: u64) -> bool {
        for index in (0..self.parts.len()).rev() {
            if self.waiters[index].generation != generation {
                let text = "the log was replaced, or has lost events; what this rests on is being built anew";
                self.settle(index, Err(AppendError::Unavailable(text.to_owned())));
            }
        }
        self.parts.is_empty()
    }

    /// Answers those who have waited for `limit`, saying whether their events may be recorded all the same.
    fn give_up(&mut self, limit: Duration, reason: &str) {
        for index in (0..self.parts.len()).rev() {
            if self.waiters[index].since.elapsed() >= limit {
                let text = if self.in_doubt {
                    format!("{reason}; outcome unknown, retry with the same event ids is safe")
                } else {
                    format!("{reason}; nothing was recorded")
                };
                self.settle(index, Err(AppendError::Unavailable(text)));
            }
        }
    }
}

struct Writer {
    shared: Arc<Shared>,
    transactor: Transactor,
}

impl Writer {
    /// Records `group`. When it returns, everyone in it has been answered.
    async fn record(&mut self, group: Group) {
        let mut groups = VecDeque::from([group]);
        while let Some(group) = groups.pop_front() {
            // A group that the server refuses as a whole is recorded batch by batch, so that one alone fails.
            if let Some(refused) = self.record_together(group).await {
                groups.extend(refused.split());
            }
        }
    }

    /// Records `group` in one transaction, trying again as long as there is hope. Answers the group when it is
    /// refused and is more than one batch.
    async fn record_together(&mut self, mut group: Group) -> Option<Group> {
        let limit = self.shared.options.outage_limit;
        let mut contention = Backoff::new(Duration::from_millis(1), Duration::from_millis(50));
        let mut blockade = Blockade::default();
        let mut outage = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        group.give_up_void(self.shared.generation());
        while !group.parts.is_empty() {
            let attempt = self
                .transactor
                .attempt(&group.parts, &group.fields, group.look_up);
            let outcome = tokio::time::timeout(limit, attempt).await;
            let failure = match outcome {
                Ok(Ok(Attempt::Committed(plan))) => {
                    self.publish(&plan);
                    group.answer_all(plan);
                    return None;
                }
                Ok(Ok(Attempt::Settled(settled))) => {
                    self.shared.ready();
                    for (index, answer) in settled.into_iter().rev() {
                        group.settle(index, answer);
                    }
                    continue;
                }
                Ok(Err(failure)) => failure,
                Err(_) => Failure::Away("the server does not answer".to_owned()),
            };
            if self.transactor.in_doubt() {
                group.in_doubt = true;
                group.look_up = true;
            }
            match failure {
                Failure::Contended(reason) => {
                    group.give_up(limit, &format!("other writers are always faster: {reason}"));
                    blockade.contended(&self.shared).await;
                    contention.wait().await;
                }
                Failure::Duplicate(reason) if group.look_up && !self.transactor.in_doubt() => {
                    // Not one of its own ids, they were looked up: someone wrote past the head.
                    tracing::error!(
                        log = self.shared.describe,
                        reason,
                        "the log is damaged: a position is taken"
                    );
                    self.shared
                        .unavailable(&format!("the log is damaged: {reason}"));
                    group.give_up(Duration::ZERO, &format!("the log is damaged: {reason}"));
                }
                Failure::Duplicate(_) => group.look_up = true,
                Failure::Away(reason) => {
                    self.shared.unavailable(&reason);
                    group.give_up(limit, &reason);
                    outage.wait().await;
                }
                Failure::Refused(_) if group.parts.len() > 1 => return Some(group),
                Failure::Refused(reason) => group.give_up(Duration::ZERO, &reason),
                Failure::Behind => {
                    self.check_log().await;
                    if group.give_up_void(self.shared.generation()) {
                        continue;
                    }
                    // The head was only read too early.
                    group.give_up(limit, Failure::Behind.text());
                    contention.wait().await;
                }
                Failure::Closed => group.give_up(Duration::ZERO, "the connection was closed"),
            }
        }
        None
    }

    /// Looks whether the log is still the one it was. Without an answer, the next attempt or look finds out.
    async fn check_log(&self) {
        let check = async {
            let head = self.shared.head().await?;
            self.shared.same_log(head).await
        };
        let _ = tokio::time::timeout(self.shared.options.outage_limit, check).await;
    }

    /// Tells those who wait of what was committed.
    fn publish(&self, plan: &Plan) {
        self.shared.ready();
        if let Some(last) = plan.events.last() {
            let events = plan.events.as_slice();
            self.shared.learn(last.position, last.leaf);
            self.shared
                .announce(Tail::Committed(events.into()), last.position);
        }
    }
}
