//! Group commit: one writer per process gathers what is waiting and commits it as one transaction.
//!
//! [`plan`] is the pure part both adapters share: given the waiting batches and the heads of the streams they
//! name, it decides which batches conflict and numbers the events of the others. One batch's conflict fails that
//! batch alone; a batch sees the appends of the batches before it in the group.

use std::collections::{HashMap, HashSet};

use domain::{StreamId, Timestamp};

use crate::error::{AppendError, MAX_BATCH_BYTES, MAX_EVENT_BYTES};
use crate::event::{Leaf, Position, RecordedEvent, Salt, Version};
use crate::expected::{Appended, Batch, Conflict};
use crate::leaf;

/// A batch waiting for its turn, with what can be computed before it comes.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) batch: Batch,
    /// Salt and salted digest per event, in batch order.
    digests: Vec<(Salt, [u8; 32])>,
}

impl Prepared {
    /// Checks what needs no log, and hashes the data. Done by the appending task, not by the writer.
    pub(crate) fn new(batch: Batch) -> Result<Self, AppendError> {
        let mut total = 0;
        let mut digests = Vec::with_capacity(batch.event_count());
        // Most batches have one event of one stream, which cannot occur twice.
        let several = batch.appends.len() > 1 || batch.event_count() > 1;
        let (mut streams, mut ids) = (HashSet::new(), HashSet::new());
        for append in &batch.appends {
            if several && !streams.insert(&append.stream) {
                return Err(AppendError::Invalid(format!(
                    "stream {} occurs twice",
                    append.stream
                )));
            }
            for event in &append.events {
                if several && !ids.insert(event.id) {
                    return Err(AppendError::Invalid(format!(
                        "event id {} occurs twice",
                        event.id.0
                    )));
                }
                let bytes = event.data.len();
                if bytes > MAX_EVENT_BYTES {
                    return Err(AppendError::EventTooLarge {
                        event_type: event.event_type.to_string(),
                        bytes,
                    });
                }
                total += bytes;
                let salt: Salt = rand::random();
                digests.push((salt, leaf::data_digest(&salt, &event.data)));
            }
        }
        if total > MAX_BATCH_BYTES {
            return Err(AppendError::BatchTooLarge { bytes: total });
        }
        drop((streams, ids));
        Ok(Self { batch, digests })
    }

    /// Size of all data, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.batch
            .appends
            .iter()
            .flat_map(|append| &append.events)
            .map(|event| event.data.len())
            .sum()
    }
}

/// Where the log stands before a group is committed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogHead {
    pub(crate) position: Position,
    /// When the last event was recorded; times never run backwards along positions.
    pub(crate) recorded_at: Timestamp,
}

/// What a group will record.
#[derive(Debug)]
pub(crate) struct Plan {
    /// All events of the batches that were not refused, in position order.
    pub(crate) events: Vec<RecordedEvent>,
    /// The streams those events moved, and their new last versions.
    pub(crate) moved: HashMap<StreamId, Version>,
    /// One answer per batch, in the order given. `Ok` holds only once the events are committed.
    pub(crate) outcomes: Vec<Result<Appended, Conflict>>,
}

/// Decides and numbers a group. `heads` tells the last version of every stream the batches name (absent: none).
pub(crate) fn plan(
    group: &[Prepared],
    heads: &HashMap<StreamId, Version>,
    log: LogHead,
    now: Timestamp,
) -> Plan {
    let recorded_at = now.max(log.recorded_at);
    let mut position = log.position;
    let mut plan = Plan {
        events: Vec::new(),
        moved: HashMap::new(),
        outcomes: Vec::with_capacity(group.len()),
    };
    for prepared in group {
        let outcome = prepared.batch.appends.iter().find_map(|append| {
            let actual = plan
                .moved
                .get(&append.stream)
                .or_else(|| heads.get(&append.stream))
                .copied();
            (!append.expected.holds(actual)).then(|| Conflict {
                stream: append.stream.clone(),
                expected: append.expected,
                actual,
            })
        });
        if let Some(conflict) = outcome {
            plan.outcomes.push(Err(conflict));
            continue;
        }
        let before = position;
        let mut digests = prepared.digests.iter();
        let cause = &prepared.batch.cause;
        for append in &prepared.batch.appends {
            let mut last = plan
                .moved
                .get(&append.stream)
                .or_else(|| heads.get(&append.stream))
                .copied();
            for (event, (salt, digest)) in append.events.iter().zip(&mut digests) {
                position = position.next();
                let version = last.map_or(Version::FIRST, Version::next);
                last = Some(version);
                let mut recorded = RecordedEvent {
                    position,
                    stream: append.stream.clone(),
                    version,
                    id: event.id,
                    event_type: event.event_type.clone(),
                    schema: event.schema,
                    recorded_at,
                    actor: cause.actor.clone(),
                    correlation_id: cause.correlation_id,
                    causation_id: cause.causation_id,
                    data: event.data.clone(),
                    salt: *salt,
                    leaf: Leaf::default(),
                };
                recorded.leaf = leaf::leaf(&recorded, digest);
                plan.events.push(recorded);
            }
            if let Some(last) = last.filter(|_| !append.events.is_empty()) {
                plan.moved.insert(append.stream.clone(), last);
            }
        }
        let first = if position == before {
            before
        } else {
            before.next()
        };
        plan.outcomes.push(Ok(Appended {
            first,
            last: position,
        }));
    }
    plan
}

/// Whether `batch` is a repetition of an append that was recorded before. `recorded` are the events in the log
/// that have an id of the batch, in any order.
///
/// `None`: none of its ids is known, the batch is new. `Some`: all of it is there already, and where.
/// [`AppendError::Invalid`]: some of its ids belong to something else.
pub(crate) fn recorded_before(
    batch: &Batch,
    recorded: &[RecordedEvent],
) -> Result<Option<Appended>, AppendError> {
    let by_id: HashMap<_, _> = recorded.iter().map(|event| (event.id, event)).collect();
    let mut span: Option<Appended> = None;
    let mut is_new = true;
    for (index, (append, event)) in batch
        .appends
        .iter()
        .flat_map(|append| append.events.iter().map(move |event| (append, event)))
        .enumerate()
    {
        let Some(there) = by_id.get(&event.id) else {
            if span.is_some() {
                return Err(AppendError::Invalid(
                    "some of its events are recorded already, some are not".to_owned(),
                ));
            }
            continue;
        };
        is_new = false;
        let follows = match span {
            None => index == 0,
            Some(span) => there.position == span.last.next(),
        };
        let same = there.stream == append.stream
            && there.event_type == event.event_type
            && there.schema == event.schema
            && there.data == event.data;
        if !follows || !same {
            return Err(AppendError::Invalid(format!(
                "event id {} is recorded already, elsewhere",
                event.id.0
            )));
        }
        span = Some(Appended {
            first: span.map_or(there.position, |span| span.first),
            last: there.position,
        });
    }
    Ok(if is_new { None } else { span })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Cause, CorrelationId, EventId, NewEvent};
    use crate::expected::{Expected, StreamAppend};
    use bytes::Bytes;
    use domain::UserId;

    const NOW: Timestamp = Timestamp::from_millis(1_000);
    const LOG: LogHead = LogHead {
        position: Position::new(10),
        recorded_at: Timestamp::from_millis(2_000),
    };

    fn stream(name: &str) -> StreamId {
        StreamId::from_recorded(format!("room-{name}"))
    }

    fn prepared(appends: &[(&str, Expected, usize)]) -> Prepared {
        let event = || NewEvent {
            id: EventId::fresh(),
            event_type: "Happened".into(),
            schema: 1,
            data: Bytes::from_static(&[0x80]),
        };
        let appends = appends
            .iter()
            .map(|&(name, expected, count)| StreamAppend {
                stream: stream(name),
                expected,
                events: (0..count).map(|_| event()).collect(),
            })
            .collect();
        let cause = Cause {
            actor: UserId::system(),
            correlation_id: CorrelationId::fresh(),
            causation_id: None,
        };
        Prepared::new(Batch { cause, appends }).unwrap()
    }

    fn at(first: u64, last: u64) -> Appended {
        Appended {
            first: Position::new(first),
            last: Position::new(last),
        }
    }

    #[test]
    fn a_batch_sees_those_before_it_and_a_conflict_fails_one_alone() {
        let group = [
            prepared(&[("a", Expected::NoStream, 2)]),
            prepared(&[("a", Expected::NoStream, 1), ("b", Expected::NoStream, 1)]),
            prepared(&[
                ("a", Expected::Exact(Version::new(1)), 1),
                ("c", Expected::Exact(Version::new(4)), 1),
            ]),
            prepared(&[("b", Expected::NoStream, 0)]),
        ];
        let heads = HashMap::from([(stream("c"), Version::new(4))]);
        let plan = plan(&group, &heads, LOG, NOW);
        let conflict = Conflict {
            stream: stream("a"),
            expected: Expected::NoStream,
            actual: Some(Version::new(1)),
        };
        assert_eq!(
            plan.outcomes,
            [
                Ok(at(11, 12)),
                Err(conflict),
                Ok(at(13, 14)),
                Ok(at(14, 14))
            ]
        );
        let places: Vec<_> = plan
            .events
            .iter()
            .map(|event| (event.stream.id(), event.version.get()))
            .collect();
        assert_eq!(places, [("a", 0), ("a", 1), ("a", 2), ("c", 5)]);
        assert_eq!(
            plan.moved,
            HashMap::from([
                (stream("a"), Version::new(2)),
                (stream("c"), Version::new(5))
            ])
        );
        assert!(
            plan.events
                .iter()
                .all(|event| event.recorded_at == LOG.recorded_at),
            "time never runs backwards"
        );
        assert!(plan.events.iter().all(leaf::verify));
    }

    #[test]
    fn a_repetition_is_told_from_a_mix_up() {
        let group = [prepared(&[
            ("a", Expected::Any, 2),
            ("b", Expected::Any, 1),
        ])];
        let batch = &group[0].batch;
        let events = plan(&group, &HashMap::new(), LOG, NOW).events;
        assert_eq!(recorded_before(batch, &[]).unwrap(), None);
        assert_eq!(recorded_before(batch, &events).unwrap(), Some(at(11, 13)));
        let invalid = |recorded: &[RecordedEvent]| {
            matches!(
                recorded_before(batch, recorded),
                Err(AppendError::Invalid(_))
            )
        };
        assert!(invalid(&events[..2]));
        assert!(invalid(&events[1..]));
        let mut changed = events.clone();
        changed[2].data = Bytes::from_static(&[0x90]);
        assert!(invalid(&changed));
        changed[2] = RecordedEvent {
            position: Position::new(20),
            ..events[2].clone()
        };
        assert!(invalid(&changed));
    }
}
