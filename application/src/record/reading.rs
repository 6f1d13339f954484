//! Reading the record: a page, or on and on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::audit::QuestionKind;
use eventstore::{BYTES_AT_ONCE, Mark, Position, ReadError};
use projections::{Order, RecordQuery};

use crate::error::Error;
use crate::record::access::{Auditor, Tally};
use crate::record::entries::{Entry, Sieve};
use crate::record::question::{Asked, NotUnderstood};
use crate::workspace::Workspace;

/// The most entries of a page.
pub const MOST_ENTRIES: usize = 1_000;

/// How many events are looked at for one page at most, when few of them pass.
const MOST_LOOKED_AT: usize = 20_000;

/// How many events are read at once.
const CHUNK: usize = 1_000;

/// How often is looked for more by who follows. Each look has the views commit what is pending, so it is not done with
/// every event.
const LOOK: Duration = Duration::from_millis(200);

/// Part of the record.
#[derive(Debug)]
pub struct Page {
    /// In the order asked for. May be fewer than asked for although there are more: few of those looked at passed, or they
    /// are large.
    pub entries: Vec<Entry>,
    /// Where to go on: behind the last event that was looked at.
    pub cursor: Position,
    /// There may be more behind the cursor.
    pub more: bool,
}

/// A part of the record that somebody asked for, with a cursor that names this record.
#[derive(Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct MarkedPage {
    pub entries: Vec<Entry>,
    pub cursor: Mark,
    pub more: bool,
}

/// One page. That it was read is recorded before it is returned.
pub async fn page(
    workspace: &Workspace,
    auditor: &Auditor,
    asked: &Asked,
    cursor: Option<&str>,
    limit: usize,
) -> Result<MarkedPage, Error> {
    let sieve = sieve(workspace, auditor, asked).await?;
    let mut narrowed = narrowed(asked, cursor);
    narrowed.insert("limit".to_owned(), limit.to_string());
    let cursor = match cursor {
        Some(cursor) => Some(place(workspace, cursor).await?),
        None => None,
    };
    let limit = limit.min(MOST_ENTRIES);
    let page = read(workspace, &Arc::new(sieve), cursor, limit).await?;
    let mut tally = Tally::default();
    tally.count(&page.entries);
    auditor
        .record(workspace, QuestionKind::Events, narrowed, tally)
        .await?;
    Ok(MarkedPage {
        cursor: mark(workspace, page.cursor).await?,
        entries: page.entries,
        more: page.more,
    })
}

/// The question as the event of its reading has it.
fn narrowed(asked: &Asked, cursor: Option<&str>) -> BTreeMap<String, String> {
    let mut narrowed = asked.narrowed();
    narrowed.extend(cursor.map(|cursor| ("after".to_owned(), cursor.to_owned())));
    narrowed
}

async fn sieve(workspace: &Workspace, auditor: &Auditor, asked: &Asked) -> Result<Sieve, Error> {
    Ok(Sieve {
        filter: asked
            .understand(workspace, auditor.sees_private_rooms())
            .await?,
        private_rooms: auditor.sees_private_rooms(),
    })
}

/// The position that a cursor names, which must be a place in this record.
async fn place(workspace: &Workspace, cursor: &str) -> Result<Position, Error> {
    let malformed = || NotUnderstood::NotACursor(cursor.to_owned());
    let (position, mark) = match cursor.parse::<Mark>() {
        Ok(mark) => (mark.position, Some(mark)),
        Err(_) if !cursor.is_empty() && cursor.bytes().all(|byte| byte.is_ascii_digit()) => {
            let number = cursor.parse().map_err(|_| malformed())?;
            (Position::new(number), None)
        }
        Err(_) => return Err(malformed().into()),
    };
    let place = workspace.executor().store().place(position).await?;
    match (place, mark) {
        (Some(place), Some(mark)) if place.mark() == mark => Ok(position),
        (Some(_), None) => Ok(position),
        _ => Err(NotUnderstood::ForeignCursor(cursor.to_owned()).into()),
    }
}

async fn mark(workspace: &Workspace, at: Position) -> Result<Mark, Error> {
    let place = workspace.executor().store().place(at).await?;
    Ok(place.map_or(Mark::START, |place| place.mark()))
}

/// The next part of the record behind a cursor.
async fn read(
    workspace: &Workspace,
    sieve: &Arc<Sieve>,
    cursor: Option<Position>,
    limit: usize,
) -> Result<Page, Error> {
    let mut query = begin_at(&sieve.filter.query, cursor);
    let mut page = Page {
        entries: Vec::new(),
        cursor: cursor.unwrap_or(query.after),
        more: true,
    };
    let (mut looked_at, mut bytes) = (0, 0);
    while page.more
        && page.entries.len() < limit
        && looked_at < MOST_LOOKED_AT
        && bytes < BYTES_AT_ONCE
    {
        query.limit = CHUNK.min(limit.max(1));
        let found = workspace.views().search_record(query.clone()).await?;
        let asked_for = found.positions.len();
        let events = workspace
            .executor()
            .store()
            .read_at(found.positions)
            .await?;
        let cut = events.len() < asked_for;
        looked_at += events.len();
        bytes += events.iter().map(|event| event.data.len()).sum::<usize>();
        page.more = found.more || cut;
        if let Some(last) = events.last() {
            page.cursor = last.position;
        }
        if !page.more && query.order == Order::OldestFirst {
            page.cursor = page.cursor.max(found.end);
        }
        let sieve = Arc::clone(sieve);
        let passed = workspace.views().with_record_names(move |names| {
            let pass = |event| sieve.pass(names, event);
            events.into_iter().filter_map(pass).collect::<Vec<_>>()
        });
        page.entries.extend(passed.await?);
        query = begin_at(&query, Some(page.cursor));
    }
    if page.entries.len() > limit {
        page.entries.truncate(limit);
        page.more = true;
        if let Some(last) = page.entries.last() {
            page.cursor = last.event.position;
        }
    }
    Ok(page)
}

fn begin_at(query: &RecordQuery, cursor: Option<Position>) -> RecordQuery {
    let mut query = query.clone();
    match (cursor, query.order) {
        (None, _) => {}
        (Some(cursor), Order::OldestFirst) => query.after = query.after.max(cursor),
        (Some(cursor), Order::NewestFirst) => {
            let before = Position::new(cursor.get().saturating_sub(1));
            query.upto = Some(query.upto.map_or(before, |upto| upto.min(before)));
        }
    }
    query
}

/// A reading that goes on: part after part, and if somebody follows, as more is recorded.
pub struct Reading {
    workspace: Workspace,
    auditor: Auditor,
    sieve: Arc<Sieve>,
    /// What it is recorded as, or why it is not recorded.
    recorded: Result<String, String>,
    cursor: Option<Position>,
    follow: bool,
    done: bool,
    tally: Tally,
    /// Of the log when it began. Positions of another log are others.
    generation: u64,
}

impl Reading {
    /// Begins, which is recorded. Who follows and names no place to begin at begins with what is recorded from now on.
    pub async fn begin(
        workspace: &Workspace,
        auditor: Auditor,
        asked: &Asked,
        cursor: Option<&str>,
        follow: bool,
    ) -> Result<Self, Error> {
        let mut reading = Self::prepare(workspace, auditor, asked, cursor, follow).await?;
        let recorded = reading.record_begin(narrowed(asked, cursor)).await?;
        reading.recorded = Ok(recorded);
        Ok(reading)
    }

    /// The same, but begins too if that cannot be recorded. For those who have the log itself in their hands.
    pub async fn begin_anyway(
        workspace: &Workspace,
        auditor: Auditor,
        asked: &Asked,
        cursor: Option<&str>,
        follow: bool,
    ) -> Result<Self, Error> {
        let mut reading = Self::prepare(workspace, auditor, asked, cursor, follow).await?;
        let recorded = reading.record_begin(narrowed(asked, cursor)).await;
        reading.recorded = recorded.map_err(|error| error.to_string());
        Ok(reading)
    }

    async fn prepare(
        workspace: &Workspace,
        auditor: Auditor,
        asked: &Asked,
        cursor: Option<&str>,
        follow: bool,
    ) -> Result<Self, Error> {
        if follow && asked.to.is_some() {
            return Err(NotUnderstood::FollowedToAnEnd.into());
        }
        let generation = workspace.executor().store().generation();
        let sieve = Arc::new(sieve(workspace, &auditor, asked).await?);
        let cursor = match cursor {
            Some(cursor) => Some(place(workspace, cursor).await?),
            None if follow && asked.from.is_none() => {
                Some(workspace.executor().store().head().await?)
            }
            None => None,
        };
        Ok(Self {
            workspace: workspace.clone(),
            auditor,
            sieve,
            recorded: Err(String::new()),
            cursor,
            follow,
            done: false,
            tally: Tally::default(),
            generation,
        })
    }

    async fn record_begin(&self, narrowed: BTreeMap<String, String>) -> Result<String, Error> {
        let kind = if self.follow {
            QuestionKind::Follow
        } else {
            QuestionKind::Events
        };
        self.auditor
            .record_begin(&self.workspace, kind, narrowed)
            .await
    }

    /// Why it is not recorded, if so.
    pub fn unrecorded(&self) -> Option<&str> {
        self.recorded.as_ref().err().map(String::as_str)
    }

    /// The next entries, at most as many as `limit`; `None` at the end. Who follows waits here for more.
    pub async fn next(&mut self, limit: usize) -> Result<Option<Vec<Entry>>, Error> {
        loop {
            if self.done {
                return Ok(None);
            }
            let before = self.workspace.views().applied();
            let page = read(&self.workspace, &self.sieve, self.cursor, limit).await?;
            if self.workspace.executor().store().generation() != self.generation {
                return Err(ReadError::Replaced.into());
            }
            self.cursor = Some(page.cursor);
            self.done = !page.more && !self.follow;
            if !page.entries.is_empty() {
                return Ok(Some(page.entries));
            }
            if !page.more {
                self.more_than(before).await;
            }
        }
    }

    /// Counts what was shown.
    pub fn showed(&mut self, entries: &[Entry]) {
        self.tally.count(entries);
    }

    /// Returns once something was recorded after `before`, if this reading follows.
    async fn more_than(&self, before: Position) {
        while self.follow && self.workspace.views().applied() <= before {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Ends, which is recorded with what was shown, if the beginning was.
    pub async fn end(self) -> Result<(), Error> {
        match self.recorded {
            Ok(reading) => {
                let ended = self
                    .auditor
                    .record_end(&self.workspace, reading, self.tally.shown());
                ended.await
            }
            Err(_) => Ok(()),
        }
    }
}
