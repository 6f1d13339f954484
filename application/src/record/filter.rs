//! A question about the record, understood: names become ids, times become positions.

use domain::{Category, Event, EventPayload as _, RoomId, StreamId, UserId};
use eventstore::{
    CorrelationId, EventStore, Filter as LogFilter, Position, ReadError, RecordedEvent,
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

    /// Finds out where the stream that is asked for has gone on, if one is. For questions without an end.
    pub(crate) async fn follow(&mut self, workspace: &Workspace) -> Result<(), ReadError> {
        let (Some(stream), Some(among)) = (&self.stream, &mut self.query.among) else {
            return Ok(());
        };
        self.query.upto = Some(workspace.executor().store().head().await?);
        let known = among.last().copied().unwrap_or(Position::START);
        let (_, news) = events_of(workspace, stream, known).await?;
        among.extend(news);
        Ok(())
    }
}

impl Asked {
    /// Finds out what is meant. To somebody who does not see private rooms, there are none.
    pub(crate) async fn understand(
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
            categories: self.categories()?,
            after: range.after,
            upto: range.upto,
            order: if self.newest_first {
                Order::NewestFirst
            } else {
                Order::OldestFirst
            },
            ..RecordQuery::default()
        };
        if let Some(stream) = &self.stream {
            // What is added to the stream from now on is not looked for, so nobody may get past it.
            let head = workspace.executor().store().head().await?;
            query.upto = Some(query.upto.map_or(head, |upto| upto.min(head)));
            query.among = Some(positions_of(workspace, stream, private_rooms).await?);
        }
        let correlation = self.correlation.as_deref().map(correlation).transpose()?;
        query.correlation = correlation;
        let text = self.text.as_deref().map(str::to_lowercase);
        if text.as_deref().is_some_and(domain::text::is_blank) {
            return Err(NotUnderstood::EmptyText.into());
        }
        if text.is_some() && query.event_types.is_empty() {
            query.event_types = vec!["MessagePosted".to_owned(), "MessageEdited".to_owned()];
        }
        let grants = match &self.grants {
            None => None,
            Some(asked) => Some(grants(workspace, asked, &mut query).await?),
        };
        Ok(Filter {
            query,
            text,
            correlation,
            grants,
            stream: self.stream.as_ref().map(StreamId::from_recorded),
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

    fn categories(&self) -> Result<Vec<Category>, NotUnderstood> {
        bounded(&self.categories, "categories")?;
        let find = |named: &String| {
            Category::find(named).ok_or_else(|| NotUnderstood::Unknown {
                what: "category",
                suggestions: like(named, Category::ALL.iter().map(|one| one.as_str())),
                named: named.clone(),
            })
        };
        self.categories.iter().map(find).collect()
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

/// Where the events of a stream are.
async fn positions_of(
    workspace: &Workspace,
    stream: &str,
    private_rooms: bool,
) -> Result<Vec<Position>, Error> {
    let unknown = || NotUnderstood::Unknown {
        what: "stream",
        named: stream.to_owned(),
        suggestions: Vec::new(),
    };
    let stream = StreamId::from_recorded(stream);
    let (first, positions) = events_of(workspace, &stream, Position::START).await?;
    let first = first.ok_or_else(unknown)?;
    let hidden = workspace
        .views()
        .with_record_names(move |names| privacy::tells_of_private_room(&first, names));
    if !private_rooms && hidden.await? {
        return Err(unknown().into());
    }
    Ok(positions)
}

/// The first event of a stream behind a position, and where all of those are.
async fn events_of(
    workspace: &Workspace,
    stream: &StreamId,
    after: Position,
) -> Result<(Option<RecordedEvent>, Vec<Position>), ReadError> {
    let filter = LogFilter {
        stream: Some(stream.clone()),
        ..LogFilter::default()
    };
    let log = workspace.executor().store();
    let mut chunks = log.read_all(after, filter);
    let (mut positions, mut first) = (Vec::new(), None);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        first = first.or_else(|| chunk.first().cloned());
        positions.extend(chunk.iter().map(|event| event.position));
    }
    Ok((first, positions))
}
