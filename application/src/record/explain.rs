//! What came of one request: its events, what they changed, who was told, and what they led to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use domain::RoomId;
use domain::audit::QuestionKind;
use eventstore::{BYTES_AT_ONCE, CorrelationId, EventId, Position, RecordedEvent};
use projections::RecordNames;
use projections::live::{Pushed, Scope};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::record::access::{Auditor, Tally, Unrecorded};
use crate::record::deed::{Called as _, Person};
use crate::record::entries::{Entry, Sieve, Then};
use crate::record::question::{Asked, NotUnderstood};
use crate::record::reading;
use crate::record::sentence::Names as _;
use crate::workspace::Workspace;

/// The most events that are told of at once.
const MOST_EVENTS: usize = 1_000;

/// What somebody asks of a request, in their words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedRequest {
    /// Its id.
    pub request: String,
}

/// What came of a request.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Explanation {
    pub request: CorrelationId,
    /// Whose events these are that no other event led to; nobody, if all that may be shown are consequences.
    pub callers: Vec<Person>,
    /// In the order of the record.
    pub steps: Vec<Step>,
    /// There was more than is told at once: it is behind this position.
    pub cut: Option<Position>,
}

/// One event of a request, and what it did.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Step {
    pub entry: Entry,
    /// The event of the same request that led to it; `None`: the request itself did.
    pub because_of: Option<Position>,
    /// The views that it is written to, or can be; of a program's own views, those that write something to empty tables.
    pub views: Vec<&'static str>,
    pub updates: Vec<Update>,
}

/// A live update that an event led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Its name, e.g. `message-posted`.
    pub kind: &'static str,
    /// Who it was offered to.
    pub to: Audience,
    /// Who among them got another one.
    pub except: Option<Person>,
}

/// Who a live update was offered to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Audience {
    /// Everybody who watched the room, by its id and what it was called.
    Room(RoomId, String),
    User(Person),
    /// Everybody who was logged in.
    Workspace,
}

/// What came of a request.
pub async fn explain(
    workspace: &Workspace,
    auditor: &Auditor,
    asked: &AskedRequest,
) -> Result<Unrecorded<Explanation>, Error> {
    let question = Asked {
        correlation: Some(asked.request.clone()),
        ..Asked::default()
    };
    let private_rooms = auditor.sees_private_rooms();
    let filter = question.understand(workspace, private_rooms).await?;
    let unknown = || NotUnderstood::NoSuchRequest(asked.request.clone());
    let request = filter.correlation.ok_or_else(unknown)?;
    let sieve = Arc::new(Sieve {
        filter,
        private_rooms,
    });
    let head = workspace.executor().store().head().await?;
    workspace.views().wait_for(head).await?;
    let (entries, cut) = all(workspace, &sieve).await?;
    if entries.is_empty() {
        return Err(unknown().into());
    }
    let mut tally = Tally::default();
    tally.count(&entries);
    let events: Vec<RecordedEvent> = entries.iter().map(|entry| entry.event.clone()).collect();
    let written = workspace.views().written_by(events.clone()).await;
    let pushed = workspace.views().pushed(events).await?;
    let done = entries.into_iter().zip(written.into_iter().zip(pushed));
    let done = done.map(|(entry, (views, pushed))| Done {
        entry,
        views,
        pushed,
    });
    let done = done.collect();
    let told = workspace
        .views()
        .with_record_names(move |names| told(names, request, done, cut))
        .await?;
    let narrowed = BTreeMap::from([("request".to_owned(), asked.request.clone())]);
    Ok(Unrecorded::new(
        told,
        QuestionKind::Explain,
        narrowed,
        tally,
    ))
}

/// The events that may be shown, and the last of them if there are too many.
async fn all(
    workspace: &Workspace,
    sieve: &Arc<Sieve>,
) -> Result<(Vec<Entry>, Option<Position>), Error> {
    let (mut entries, mut cursor): (Vec<Entry>, _) = (Vec::new(), None);
    let mut bytes = 0;
    loop {
        let left = MOST_EVENTS.saturating_sub(entries.len());
        let page = reading::read(workspace, sieve, cursor, left).await?;
        let data = page.entries.iter().map(|entry| entry.event.data.len());
        bytes += data.sum::<usize>();
        entries.extend(page.entries);
        if !page.more {
            return Ok((entries, None));
        }
        if entries.len() >= MOST_EVENTS || bytes >= BYTES_AT_ONCE {
            return Ok((entries, Some(page.cursor)));
        }
        cursor = Some(page.cursor);
    }
}

/// An event of a request, and what it did.
struct Done {
    entry: Entry,
    views: Vec<&'static str>,
    pushed: Vec<Pushed>,
}

fn told(
    names: &mut RecordNames<'_>,
    request: CorrelationId,
    done: Vec<Done>,
    cut: Option<Position>,
) -> Explanation {
    let places: HashMap<EventId, Position> = done
        .iter()
        .map(|done| (done.entry.event.id, done.entry.event.position))
        .collect();
    let mut callers: Vec<Person> = Vec::new();
    let mut steps = Vec::new();
    for Done {
        entry,
        views,
        pushed,
    } in done
    {
        let event = &entry.event;
        let caller = names.person(&event.actor, event.position);
        if event.causation_id.is_none() && !callers.iter().any(|known| known.id == caller.id) {
            callers.push(caller);
        }
        let at = event.position;
        let because = event.causation_id;
        let updates = pushed.into_iter().map(|update| Update {
            kind: update.kind,
            to: audience(names, &update.scope, at),
            except: update.except.map(|user| names.person(&user, at)),
        });
        steps.push(Step {
            updates: updates.collect(),
            because_of: because.and_then(|because| places.get(&because).copied()),
            views,
            entry,
        });
    }
    Explanation {
        request,
        callers,
        steps,
        cut,
    }
}

fn audience(names: &mut RecordNames<'_>, scope: &Scope, at: Position) -> Audience {
    match scope {
        Scope::Room(room) => Audience::Room(room.clone(), Then::new(names, at).room(room)),
        Scope::User(user) => Audience::User(names.person(user, at)),
        Scope::Workspace => Audience::Workspace,
    }
}
