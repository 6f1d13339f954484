//! Reading the log: by position or along one stream, in chunks, across outages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::mongodb::Cursor;
use ::mongodb::bson::raw::{RawDocument, RawDocumentBuf};
use ::mongodb::bson::{DateTime, Document, doc};
use ::mongodb::options::{FindOptions, Hint};
use domain::{StreamId, Timestamp};

use super::connect::{BY_POSITION, BY_STREAM};
use super::document::{long, to_event, to_i64, to_u64};
use super::failure::Failure;
use super::shared::{Backoff, Shared};
use crate::event::Version;
use crate::{Chunks, Filter, Position, ReadError, RecordedEvent};

/// Most events in a chunk.
const CHUNK_EVENTS: usize = 512;
/// A chunk is full when its data reach this many bytes; the last event may exceed it.
const CHUNK_BYTES: usize = 2 * 1024 * 1024;

/// Events of one stream from `from` on.
pub(super) fn stream(shared: Arc<Shared>, stream: StreamId, from: Version) -> Chunks {
    chunks(shared, move |shared| {
        let stream = stream.clone();
        async move {
            let head = shared.heads.find_one(doc! { "_id": stream.as_str() }).await;
            let Some(head) = head.map_err(|error| shared.failure(&error))? else {
                return Ok(None);
            };
            let last = to_u64(long(&head, "version").map_err(Failure::Refused)?);
            Ok(Some(Scan {
                filter: doc! { "stream": stream.as_str() },
                order: Order::Version,
                next: from.get(),
                last,
                gapless: true,
            }))
        }
    })
}

/// Events after `after` that pass `filter`.
pub(super) fn all(shared: Arc<Shared>, after: Position, filter: Filter) -> Chunks {
    chunks(shared, move |shared| {
        let filter = filter.clone();
        async move {
            let last = shared.head().await?.get();
            // Along one stream, versions and positions have the same order.
            let order = if filter.stream.is_some() {
                Order::Version
            } else {
                Order::Position
            };
            let conditions = conditions(&filter);
            let gapless = conditions.is_empty();
            let mut scan = Scan {
                filter: conditions,
                order,
                next: 0,
                last: u64::MAX,
                gapless,
            };
            match order {
                Order::Position => {
                    scan.next = after.get().saturating_add(1);
                    scan.last = last;
                    if let Some(from) = filter.from {
                        scan.next = scan.next.max(first_since(&shared, from).await?.get());
                    }
                }
                Order::Version => {
                    scan.filter.insert(
                        "position",
                        doc! { "$gt": to_i64(after.get()), "$lte": to_i64(last) },
                    );
                }
            }
            Ok(Some(scan))
        }
    })
}

/// What a filter asks of the documents, except for the place.
fn conditions(filter: &Filter) -> Document {
    let mut conditions = Document::new();
    let mut either = Vec::new();
    for category in &filter.categories {
        // All names that begin with `category-`: the dot comes right after the dash.
        either.push(
            doc! { "stream": { "$gte": format!("{category}-"), "$lt": format!("{category}.") } },
        );
        either.push(doc! { "stream": category });
    }
    if !either.is_empty() {
        conditions.insert("$or", either);
    }
    if !filter.event_types.is_empty() {
        conditions.insert("type", doc! { "$in": &filter.event_types });
    }
    if let Some(stream) = &filter.stream {
        conditions.insert("stream", stream.as_str());
    }
    let mut time = Document::new();
    if let Some(from) = filter.from {
        time.insert("$gte", date(from));
    }
    if let Some(until) = filter.until {
        time.insert("$lt", date(until));
    }
    if !time.is_empty() {
        conditions.insert("recorded_at", time);
    }
    conditions
}

/// A time for queries. Not every tool takes years outside of 1 to 9999, and no event was recorded there.
fn date(time: Timestamp) -> DateTime {
    DateTime::from_millis(
        time.as_millis()
            .clamp(-62_135_596_800_000, 253_402_300_799_999),
    )
}

/// How many events are looked at in one step of a search. Four steps find one of a million.
const PROBES: u64 = 32;

/// The first position recorded at or after `time`; the one after the last event when there is none. Times never run
/// backwards along positions, so it is searched for by halves, or smaller parts: not every server looks up the last of many
/// in the order of an index.
pub(super) async fn first_since(shared: &Shared, time: Timestamp) -> Result<Position, Failure> {
    let last = shared.head().await?;
    // What is before `from` was recorded earlier; what is from `to` on was not.
    let (mut from, mut to) = (Position::START.next().get(), last.next().get());
    while from < to {
        let apart = usize::try_from((to - from).div_ceil(PROBES)).unwrap_or(usize::MAX);
        let places: Vec<i64> = (from..to).step_by(apart).map(to_i64).collect();
        let probes = times(shared, places).await?;
        let (earlier, later): (Vec<_>, Vec<_>) =
            probes.into_iter().partition(|(_, at)| *at < date(time));
        let (earlier, later) = (earlier.last(), later.first());
        if earlier.is_none() && later.is_none() {
            return Err(Failure::Refused(format!("no event is at position {from}")));
        }
        to = later.map_or(to, |(position, _)| *position);
        // Where none was earlier, the first that was looked at is where the search began.
        from = earlier.map_or(to, |(position, _)| position + 1);
    }
    Ok(Position::new(from))
}

/// When the events at some places were recorded, in the order of their positions.
async fn times(shared: &Shared, places: Vec<i64>) -> Result<Vec<(u64, DateTime)>, Failure> {
    let found = shared.events.find(doc! { "position": { "$in": places } });
    let found = found.projection(doc! { "position": 1, "recorded_at": 1 });
    let mut found = found.await.map_err(|error| shared.failure(&error))?;
    let mut times = Vec::new();
    while found
        .advance()
        .await
        .map_err(|error| shared.failure(&error))?
    {
        let event = found.current();
        let position = long(event, "position").map_err(Failure::Refused)?;
        let at = event.get_datetime("recorded_at");
        let at = at.map_err(|error| Failure::Refused(error.to_string()))?;
        times.push((to_u64(position), at));
    }
    times.sort_unstable_by_key(|(position, _)| *position);
    Ok(times)
}

/// By what a scan goes forward.
#[derive(Clone, Copy)]
enum Order {
    Position,
    Version,
}

impl Order {
    fn of(self, event: &RecordedEvent) -> u64 {
        match self {
            Self::Position => event.position.get(),
            Self::Version => event.version.get(),
        }
    }

    fn field(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::Version => "version",
        }
    }
}

/// A walk through the log that can go on where it was interrupted.
struct Scan {
    filter: Document,
    order: Order,
    /// The next place to look at.
    next: u64,
    /// The last place to look at.
    last: u64,
    /// Whether every place from `next` to `last` must have an event.
    gapless: bool,
}

impl Scan {
    async fn open(&self, shared: &Shared) -> Result<Cursor<RawDocumentBuf>, Failure> {
        let mut query = self.filter.clone();
        let (sort, index, own): (_, _, &[&str]) = match self.order {
            Order::Position => (doc! { "position": 1 }, BY_POSITION, &[]),
            Order::Version => (
                doc! { "stream": 1, "version": 1 },
                BY_STREAM,
                &["stream", "position"],
            ),
        };
        let place = doc! { "$gte": to_i64(self.next), "$lte": to_i64(self.last) };
        query.insert(self.order.field(), place);
        // Where more is asked, another index may seem better to the server, and it would have to sort in its memory, however
        // long the log is. Otherwise it takes this one anyway; and not every server looks anything up in an index that it is
        // told to take.
        let asks_more = query.keys().any(|field| {
            let field = field.as_str();
            field != self.order.field() && !own.contains(&field)
        });
        let hint = asks_more.then(|| Hint::Name(index.to_owned()));
        let options = FindOptions::builder()
            .sort(sort)
            .hint(hint)
            .batch_size(u32::try_from(CHUNK_EVENTS).unwrap_or(u32::MAX))
            .build();
        let found = shared.events.find(query).with_options(options);
        found.await.map_err(|error| shared.failure(&error))
    }

    /// The next events, empty at the end. The scan goes on after them.
    async fn chunk(
        &mut self,
        shared: &Shared,
        cursor: &mut Cursor<RawDocumentBuf>,
    ) -> Result<Vec<RecordedEvent>, Stop> {
        let mut events = Vec::new();
        let mut bytes = 0;
        let mut next = self.next;
        while events.len() < CHUNK_EVENTS && bytes < CHUNK_BYTES {
            if !cursor
                .advance()
                .await
                .map_err(|error| Stop::Failed(shared.failure(&error)))?
            {
                break;
            }
            let event = event(cursor.current())?;
            let place = self.order.of(&event);
            if self.gapless && place != next {
                return Err(missing(next, self.order));
            }
            next = place + 1;
            bytes += event.data.len();
            events.push(event);
        }
        if events.is_empty() && self.gapless && next <= self.last {
            return Err(missing(next, self.order));
        }
        self.next = next;
        Ok(events)
    }
}

/// Why reading cannot simply go on.
pub(super) enum Stop {
    /// The server; may pass.
    Failed(Failure),
    /// The log; does not.
    Read(ReadError),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The event of a document.
pub(super) fn event(document: &RawDocument) -> Result<RecordedEvent, Stop> {
    to_event(document)
        .map_err(|(position, reason)| Stop::Read(ReadError::Damaged { position, reason }))
}

fn missing(place: u64, order: Order) -> Stop {
    Stop::Read(ReadError::Damaged {
        position: place,
        reason: format!("no event with this {}", order.field()),
    })
}

/// Reads through the scan that `start` makes, going on after outages.
fn chunks<F, S>(shared: Arc<Shared>, start: F) -> Chunks
where
    F: Fn(Arc<Shared>) -> S + Send + Sync + 'static,
    S: Future<Output = Result<Option<Scan>, Failure>> + Send,
{
    Box::pin(async_stream::stream! {
        let scan = retrying(&shared, || start(Arc::clone(&shared))).await;
        let mut scan = match scan {
            Ok(Some(scan)) => scan,
            Ok(None) => return,
            Err(error) => {
                yield Err(error);
                return;
            }
        };
        let limit = shared.options.outage_limit;
        'open: while scan.next <= scan.last {
            let mut cursor = match retrying(&shared, || scan.open(&shared)).await {
                Ok(cursor) => cursor,
                Err(error) => {
                    yield Err(error);
                    return;
                }
            };
            let mut waited = Backoff::new(Duration::from_millis(20), Duration::from_secs(1));
            loop {
                let chunk = tokio::time::timeout(limit, scan.chunk(&shared, &mut cursor)).await;
                match chunk.unwrap_or_else(|_| Err(Stop::Failed(Failure::Away("the server does not answer".to_owned())))) {
                    Ok(events) if events.is_empty() => return,
                    Ok(events) => yield Ok(Arc::from(events)),
                    // Opening another cursor has the patience and the limit.
                    Err(Stop::Failed(Failure::Away(_) | Failure::Contended(_))) => {
                        waited.wait().await;
                        continue 'open;
                    }
                    Err(Stop::Failed(failure)) => {
                        yield Err(read_error(&failure));
                        return;
                    }
                    Err(Stop::Read(error)) => {
                        yield Err(error);
                        return;
                    }
                }
            }
        }
    })
}

/// Does `work`, again and again while the server is away, up to the limit of an outage.
pub(super) async fn retrying<T, E, W>(shared: &Shared, work: impl Fn() -> W) -> Result<T, ReadError>
where
    E: Into<Stop>,
    W: Future<Output = Result<T, E>>,
{
    let limit = shared.options.outage_limit;
    let start = Instant::now();
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
    loop {
        if shared.stop.is_cancelled() {
            return Err(ReadError::Closed);
        }
        let outcome = tokio::select! {
            () = shared.stop.cancelled() => return Err(ReadError::Closed),
            outcome = tokio::time::timeout(limit, work()) => outcome,
        };
        let stop = match outcome {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(stop)) => stop.into(),
            Err(_) => Stop::Failed(Failure::Away("the server does not answer".to_owned())),
        };
        match stop {
            Stop::Failed(Failure::Away(_) | Failure::Contended(_)) if start.elapsed() < limit => {
                backoff.wait().await;
            }
            Stop::Failed(failure) => return Err(read_error(&failure)),
            Stop::Read(error) => return Err(error),
        }
    }
}

fn read_error(failure: &Failure) -> ReadError {
    match failure {
        Failure::Closed => ReadError::Closed,
        other => ReadError::Unavailable(other.text().to_owned()),
    }
}
