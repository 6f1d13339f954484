//! A question about the record, understood: names become ids, times become positions.

use domain::subscription::{Subject, SubscriptionEvent};
use domain::{Category, Event, EventPayload as _, RoomId, StreamId, UserId};
use eventstore::{
    BYTES_AT_ONCE, Chunks, CorrelationId, EventStore, Filter as LogFilter, MOST_AT_ONCE, Position,
    ReadError, Version,
};
use futures::StreamExt as _;
use projections::{NamedThing, Order, RecordQuery};

use crate::error::Error;
use crate::ids::now;

use crate::record::grants::GrantFilter;
use crate::record::moment::Moment;
use crate::record::named::{self, bounded, like};
use crate::record::privacy;
use crate::record::question::{Asked, AskedGrants, NotUnderstood};
use crate::workspace::Workspace;

/// What is asked, understood.
#[derive(Clone, Debug)]
pub struct Filter {
    pub(crate) query: RecordQuery,
    /// In lower case.
    pub(crate) text: Option<String>,
    pub(crate) correlation: Option<CorrelationId>,
    /// Only what gives or takes something, and which.
    pub(crate) grants: Option<GrantFilter>,
    /// The one stream that is asked for. Where its events are is in `query`, as of when that was found out.
    stream: Option<StreamId>,
    /// Names of events that are left out, whatever is asked.
    pub(crate) left_out: &'static [&'static str],
}

impl Filter {
    /// What a query finds, all of it.
    pub(crate) fn of(query: RecordQuery) -> Self {
        Self {
            query,
            text: None,
            correlation: None,
            grants: None,
            stream: None,
            left_out: &[],
        }
    }

    /// What a subscription is of. The ids are those of its beginning, and are not looked up again: what is hidden from whoever
    /// reads it is kept back event by event.
    pub(crate) fn of_subscription(subject: &Subject) -> Result<Self, NotUnderstood> {
        let mut query = RecordQuery {
            rooms: subject.rooms.clone(),
            users: subject.users.clone(),
            actors: subject.actors.clone(),
            event_types: subject.types.clone(),
            categories: categories(&subject.categories)?,
            ..RecordQuery::default()
        };
        Ok(Self {
            text: text(subject.text.as_deref(), &mut query)?,
            stream: subject.stream.as_ref().map(StreamId::from_recorded),
            left_out: &SubscriptionEvent::LEFT_BY_READING,
            ..Self::of(query)
        })
    }

    /// Finds out where the stream that is asked for, if one is, goes on behind a position, and has this be a question about
    /// that stretch. Says whether the stream has more behind it. For questions without an end.
    pub(crate) async fn follow(
        &mut self,
        workspace: &Workspace,
        after: Position,
    ) -> Result<bool, ReadError> {
        let Some(stream) = &self.stream else {
            return Ok(false);
        };
        // What is added to the stream from now on is not looked for, so nobody may get past it.
        let head = workspace.executor().store().head().await?;
        let part = part_of(workspace, stream, after).await?;
        let last = part.positions.last().filter(|_| part.more);
        self.query.upto = Some(last.copied().unwrap_or(head));
        self.query.among = Some(part.positions);
        Ok(part.more)
    }
}

impl Asked {
    /// Finds out what is meant. To somebody who does not see private rooms, there are none.
    pub(crate) async fn understand(
        &self,
        workspace: &Workspace,
        private_rooms: bool,
    ) -> Result<Filter, Error> {
        let mut filter = self.meant(workspace, private_rooms).await?;
        if let Some(stream) = &filter.stream {
            // What is added to the stream from now on is not looked for, so nobody may get past it.
            let head = workspace.executor().store().head().await?;
            let upto = filter.query.upto.map_or(head, |upto| upto.min(head));
            filter.query.among = Some(all_of(workspace, stream).await?);
            filter.query.upto = Some(upto);
        }
        Ok(filter)
    }

    /// The same, but for where the events of the stream are that is asked for.
    pub(crate) async fn meant(
        &self,
        workspace: &Workspace,
        private_rooms: bool,
    ) -> Result<Filter, Error> {
        let named = |thing, list, sign| named::named(workspace, thing, list, sign, private_rooms);
        let rooms = named(NamedThing::Room, &self.rooms, '#').await?;
        let users = named(NamedThing::User, &self.users, '@').await?;
        let actors = named(NamedThing::User, &self.actors, '@').await?;
        let range = self.range(workspace).await?;
        let mut query = RecordQuery {
            rooms: rooms.iter().map(RoomId::new).collect(),
            users: users.iter().map(UserId::new).collect(),
            actors: actors.iter().map(UserId::new).collect(),
            event_types: self.event_types()?,
            categories: categories(&self.categories)?,
            after: range.after,
            upto: range.upto,
            order: if self.newest_first {
                Order::NewestFirst
            } else {
                Order::OldestFirst
            },
            ..RecordQuery::default()
        };
        let stream = self.stream.as_ref().map(StreamId::from_recorded);
        if let Some(stream) = &stream {
            known_stream(workspace, stream, private_rooms).await?;
        }
        let correlation = self.correlation.as_deref().map(correlation).transpose()?;
        query.correlation = correlation;
        let text = text(self.text.as_deref(), &mut query)?;
        let grants = match &self.grants {
            None => None,
            Some(asked) => Some(grants(workspace, asked, &mut query).await?),
        };
        Ok(Filter {
            query,
            text,
            correlation,
            grants,
            stream,
            left_out: &[],
        })
    }

    fn event_types(&self) -> Result<Vec<String>, NotUnderstood> {
        bounded(&self.types, "types of event")?;
        let known = Event::types();
        let find = |named: &String| {
            let found = known.iter().find(|(name, _)| name == named);
            found
                .map(|(name, _)| (*name).to_owned())
                .ok_or_else(|| NotUnderstood::Unknown {
                    what: "type of event",
                    suggestions: like(named, known.iter().map(|(name, _)| *name)),
                    named: named.clone(),
                })
        };
        self.types.iter().map(find).collect()
    }

    /// The stretch of the record that is asked about.
    pub(crate) async fn range(&self, workspace: &Workspace) -> Result<Range, Error> {
        let log = &**workspace.executor().store();
        let mut range = Range::default();
        if let Some(from) = &self.from {
            let first = first_at(log, from).await?;
            range.after = Position::new(first.get().saturating_sub(1));
        }
        if let Some(to) = &self.to {
            range.upto = Some(match moment(to)? {
                Moment::Position(position) => within(log, to, position).await?,
                Moment::Time(_) => {
                    let first = first_at(log, to).await?;
                    Position::new(first.get().saturating_sub(1))
                }
            });
        }
        match (range.upto, &self.from, &self.to) {
            (Some(upto), Some(from), Some(to)) if range.after >= upto => {
                Err(NotUnderstood::Reversed {
                    from: from.clone(),
                    to: to.clone(),
                }
                .into())
            }
            _ => Ok(range),
        }
    }
}

fn categories(named: &[String]) -> Result<Vec<Category>, NotUnderstood> {
    bounded(named, "categories")?;
    let find = |named: &String| {
        Category::find(named).ok_or_else(|| NotUnderstood::Unknown {
            what: "category",
            suggestions: like(named, Category::ALL.iter().map(|one| one.as_str())),
            named: named.clone(),
        })
    };
    named.iter().map(find).collect()
}

/// The text to look for in lower case, and has the question be one for events that have texts.
fn text(wanted: Option<&str>, query: &mut RecordQuery) -> Result<Option<String>, NotUnderstood> {
    let Some(wanted) = wanted.map(str::to_lowercase) else {
        return Ok(None);
    };
    if domain::text::is_blank(&wanted) {
        return Err(NotUnderstood::EmptyText);
    }
    if query.event_types.is_empty() {
        query.event_types = vec!["MessagePosted".to_owned(), "MessageEdited".to_owned()];
    }
    Ok(Some(wanted))
}

/// Finds out which grants are meant, and makes the question one for the events that give or take.
async fn grants(
    workspace: &Workspace,
    asked: &AskedGrants,
    query: &mut RecordQuery,
) -> Result<GrantFilter, Error> {
    // What somebody did to others is asked for by `actors`.
    query.concerning = std::mem::take(&mut query.users);
    let filter = GrantFilter {
        users: query.concerning.clone(),
        roles: named::roles(workspace, &asked.roles).await?,
        permissions: named::permissions(workspace, &asked.permissions).await?,
    };
    let types = filter.types().iter();
    query.event_types = types.map(|name| (*name).to_owned()).collect();
    Ok(filter)
}

/// A stretch of the record.
#[derive(Default)]
pub(crate) struct Range {
    /// The position before it.
    pub(crate) after: Position,
    /// Its last position; `None`: it has no end.
    pub(crate) upto: Option<Position>,
}

fn moment(text: &str) -> Result<Moment, NotUnderstood> {
    Moment::parse(text).ok_or_else(|| NotUnderstood::NotAMoment(text.to_owned()))
}

/// The last position that a moment knows of, which must not lie outside of the record: of a time, what was recorded up to
/// and in that millisecond.
pub(crate) async fn as_of(workspace: &Workspace, text: &str) -> Result<Position, Error> {
    as_of_log(&**workspace.executor().store(), text).await
}

/// The same of a log.
pub(crate) async fn as_of_log(log: &dyn EventStore, text: &str) -> Result<Position, Error> {
    let first = first_at(log, text).await?;
    match moment(text)? {
        Moment::Position(_) => Ok(first),
        Moment::Time(time) => {
            let later = domain::Timestamp::from_millis(time.as_millis().saturating_add(1));
            let behind = log.first_since(later).await?;
            Ok(Position::new(behind.get().saturating_sub(1)))
        }
    }
}

/// The first position at a moment or after it, which must not lie outside of the record.
async fn first_at(log: &dyn EventStore, text: &str) -> Result<Position, Error> {
    match moment(text)? {
        Moment::Position(position) => within(log, text, position).await,
        Moment::Time(time) if time > now() => Err(after_the_record(log, text).await?.into()),
        Moment::Time(time) => {
            let first = log.first_since(time).await?;
            if first.get() > 1 {
                return Ok(first);
            }
            match recorded_in(log, Position::new(1)).await? {
                Some(begins) if time < begins => Err(NotUnderstood::BeforeTheRecord {
                    asked: text.to_owned(),
                    begins: crate::dates::iso(begins),
                }
                .into()),
                _ => Ok(first),
            }
        }
    }
}

/// The position, if there is an event.
async fn within(log: &dyn EventStore, text: &str, position: Position) -> Result<Position, Error> {
    let head = log.head().await?;
    if position > head {
        return Err(after_the_record(log, text).await?.into());
    }
    if position == Position::START {
        let begins = recorded_in(log, Position::new(1)).await?;
        return Err(NotUnderstood::BeforeTheRecord {
            asked: text.to_owned(),
            begins: begins.map(crate::dates::iso).unwrap_or_default(),
        }
        .into());
    }
    Ok(position)
}

async fn after_the_record(log: &dyn EventStore, text: &str) -> Result<NotUnderstood, Error> {
    let head = log.head().await?;
    let ends = recorded_in(log, head).await?;
    Ok(NotUnderstood::AfterTheRecord {
        asked: text.to_owned(),
        head,
        ends: ends.map(crate::dates::iso).unwrap_or_default(),
    })
}

/// When what is at a position was recorded.
pub(crate) async fn recorded_at(
    workspace: &Workspace,
    position: Position,
) -> Result<Option<domain::Timestamp>, ReadError> {
    recorded_in(&**workspace.executor().store(), position).await
}

/// The same of a log.
pub(crate) async fn recorded_in(
    log: &dyn EventStore,
    position: Position,
) -> Result<Option<domain::Timestamp>, ReadError> {
    let events = log.read_at(vec![position]).await?;
    Ok(events.first().map(|event| event.recorded_at))
}

fn correlation(text: &str) -> Result<CorrelationId, NotUnderstood> {
    let id = text.parse().map(CorrelationId);
    id.map_err(|_| NotUnderstood::NotACorrelation(text.to_owned()))
}

/// Refuses a stream that is not there, as far as is shown to whoever asks.
async fn known_stream(
    workspace: &Workspace,
    stream: &StreamId,
    private_rooms: bool,
) -> Result<(), Error> {
    let unknown = || NotUnderstood::Unknown {
        what: "stream",
        named: stream.to_string(),
        suggestions: Vec::new(),
    };
    let log = workspace.executor().store();
    let mut chunks = log.read_stream(stream, Version::FIRST);
    let first = chunks.next().await.transpose()?;
    let first = first.and_then(|chunk| chunk.first().cloned());
    let first = first.ok_or_else(unknown)?;
    let hidden = workspace
        .views()
        .with_record_names(move |names| privacy::tells_of_private_room(&first, names));
    if !private_rooms && hidden.await? {
        return Err(unknown().into());
    }
    Ok(())
}

/// Part of a stream.
struct Part {
    positions: Vec<Position>,
    /// The stream has events behind them.
    more: bool,
}

/// Where the next events of a stream are: about as many as the log gives at once.
async fn part_of(
    workspace: &Workspace,
    stream: &StreamId,
    after: Position,
) -> Result<Part, ReadError> {
    let mut part = Part {
        positions: Vec::new(),
        more: false,
    };
    let mut bytes = 0;
    let mut chunks = events_of(workspace, stream, after);
    while let Some(chunk) = chunks.next().await.transpose()? {
        if part.positions.len() >= MOST_AT_ONCE || bytes >= BYTES_AT_ONCE {
            part.more = true;
            break;
        }
        bytes += chunk.iter().map(|event| event.data.len()).sum::<usize>();
        part.positions
            .extend(chunk.iter().map(|event| event.position));
    }
    Ok(part)
}

/// Where all events of a stream are.
async fn all_of(workspace: &Workspace, stream: &StreamId) -> Result<Vec<Position>, ReadError> {
    let mut positions = Vec::new();
    let mut chunks = events_of(workspace, stream, Position::START);
    while let Some(chunk) = chunks.next().await.transpose()? {
        positions.extend(chunk.iter().map(|event| event.position));
    }
    Ok(positions)
}

fn events_of(workspace: &Workspace, stream: &StreamId, after: Position) -> Chunks {
    let filter = LogFilter {
        stream: Some(stream.clone()),
        ..LogFilter::default()
    };
    workspace.executor().store().read_all(after, filter)
}
