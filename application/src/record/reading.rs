//! Reading the record: a page, or on and on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::audit::QuestionKind;
use eventstore::{BYTES_AT_ONCE, Mark, Place, Position, ReadError, RecordedEvent};
use projections::{Order, RecordQuery};
use tokio::time::Instant;

use crate::error::Error;
use crate::record::access::{Auditor, Tally, Trace};
use crate::record::entries::{Entry, Sieve};
use crate::record::grants::Before;
use crate::record::question::{Asked, NotUnderstood};
use crate::workspace::Workspace;

/// The most entries of a page.
pub const MOST_ENTRIES: usize = 1_000;

/// How many events are looked at for one page at most, when few of them pass.
const MOST_LOOKED_AT: usize = 20_000;

/// How many events are read at once.
const CHUNK: usize = 1_000;

/// How much more is read the next time, if too few passed.
const GROWTH: usize = 4;

/// How often is looked for more by who follows, however much is recorded meanwhile. Each look has the views commit what is
/// pending, so it is not done with every event.
pub(super) const LOOK: Duration = Duration::from_millis(200);

/// Part of the record.
#[derive(Debug)]
pub(crate) struct Page {
    /// In the order asked for. May be fewer than asked for although there are more: few of those looked at passed, or they
    /// are large.
    pub(crate) entries: Vec<Entry>,
    /// Where to go on: behind the last event that was looked at.
    pub(crate) cursor: Position,
    /// There may be more behind the cursor.
    pub(crate) more: bool,
}

/// The same, with a cursor that names this record.
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
    let narrowed = narrowed(asked, cursor, Some(limit));
    let cursor = match cursor {
        Some(cursor) => Some(place(workspace, cursor).await?),
        None => None,
    };
    let limit = limit.min(MOST_ENTRIES);
    let page = read(workspace, &Arc::new(sieve), cursor, limit).await?;
    let mut tally = Tally::default();
    tally.count(&page.entries);
    auditor
        .record(workspace, kind(asked), narrowed, tally)
        .await?;
    Ok(MarkedPage {
        cursor: mark(workspace, page.cursor).await?,
        entries: page.entries,
        more: page.more,
    })
}

/// What kind of thing is asked, if nobody follows.
const fn kind(asked: &Asked) -> QuestionKind {
    match asked.grants {
        None => QuestionKind::Events,
        Some(_) => QuestionKind::Grants,
    }
}

/// The question as the event of its reading has it.
fn narrowed(asked: &Asked, cursor: Option<&str>, limit: Option<usize>) -> BTreeMap<String, String> {
    let mut narrowed = asked.narrowed();
    let cursor = cursor.map(|cursor| ("after", cursor.to_owned()));
    let limit = limit.map(|limit| ("limit", limit.to_string()));
    let further = cursor.into_iter().chain(limit);
    narrowed.extend(further.map(|(name, value)| (name.to_owned(), value)));
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
        (Some(place), Some(mark)) if cursor_behind(workspace, &place) == mark => Ok(position),
        (Some(_), None) => Ok(position),
        _ => Err(NotUnderstood::ForeignCursor(cursor.to_owned()).into()),
    }
}

async fn mark(workspace: &Workspace, at: Position) -> Result<Mark, Error> {
    let place = workspace.executor().store().place(at).await?;
    Ok(place.map_or(Mark::START, |place| cursor_behind(workspace, &place)))
}

/// The cursor behind a place of the record. A sandbox shares places with the log that it is a copy of, but no cursors.
pub fn cursor_behind(workspace: &Workspace, place: &Place) -> Mark {
    match workspace.config().sandbox {
        Some(_) => place.mark_of_log(),
        None => place.mark(),
    }
}

/// The next part of the record behind a cursor.
pub(crate) async fn read(
    workspace: &Workspace,
    sieve: &Arc<Sieve>,
    cursor: Option<Position>,
    limit: usize,
) -> Result<Page, Error> {
    let mut query = begin_at(&sieve.filter.query, cursor);
    query.limit = limit.clamp(1, CHUNK);
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
        page.entries.extend(sift(workspace, sieve, events).await?);
        query = RecordQuery {
            limit: more_than(query.limit),
            as_of: Some(found.as_of),
            ..begin_at(&query, Some(page.cursor))
        };
    }
    page.cut_to(limit);
    Ok(page)
}

/// How many positions are asked for after so many, of which too few passed.
fn more_than(asked: usize) -> usize {
    asked.saturating_mul(GROWTH).min(CHUNK)
}

/// Those of the events that pass.
async fn sift(
    workspace: &Workspace,
    sieve: &Arc<Sieve>,
    events: Vec<RecordedEvent>,
) -> Result<Vec<Entry>, Error> {
    let before = match sieve.filter.grants {
        Some(_) => Before::of(workspace, &events).await?,
        None => Before::default(),
    };
    let sieve = Arc::clone(sieve);
    let passed = workspace.views().with_record_names(move |names| {
        let pass = |event| sieve.pass(names, &before, event);
        events.into_iter().filter_map(pass).collect()
    });
    Ok(passed.await?)
}

impl Page {
    fn cut_to(&mut self, limit: usize) {
        if self.entries.len() <= limit {
            return;
        }
        self.entries.truncate(limit);
        self.more = true;
        if let Some(last) = self.entries.last() {
            self.cursor = last.event.position;
        }
    }
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

/// Which part of the record a reading goes through.
#[derive(Clone, Copy, Debug, Default)]
pub struct Range<'a> {
    /// Where to go on: behind this.
    pub cursor: Option<&'a str>,
    /// How many entries whoever reads wants at most; they stop by themselves.
    pub limit: Option<usize>,
    /// On and on, as more is recorded. Without a place to begin at, from now on.
    pub follow: bool,
}

/// A reading that goes on: part after part, and if somebody follows, as more is recorded.
pub struct Reading {
    workspace: Workspace,
    auditor: Auditor,
    sieve: Arc<Sieve>,
    trace: Trace,
    cursor: Option<Position>,
    follow: bool,
    done: bool,
    caught_up: Option<CaughtUp>,
    tally: Tally,
    /// Of the log when it began. Positions of another log are others.
    generation: u64,
}

/// The last look of who follows left nothing behind.
struct CaughtUp {
    /// What the views had before it.
    applied: Position,
    at: Instant,
}

impl Reading {
    /// Begins, which is recorded.
    pub async fn begin(
        workspace: &Workspace,
        auditor: Auditor,
        asked: &Asked,
        range: Range<'_>,
    ) -> Result<Self, Error> {
        let Range {
            cursor,
            limit,
            follow,
        } = range;
        if follow && asked.to.is_some() {
            return Err(NotUnderstood::FollowedToAnEnd.into());
        }
        let generation = workspace.executor().store().generation();
        let sieve = Arc::new(sieve(workspace, &auditor, asked).await?);
        let place = match cursor {
            Some(cursor) => Some(place(workspace, cursor).await?),
            None if follow && asked.from.is_none() => {
                Some(workspace.executor().store().head().await?)
            }
            None => None,
        };
        let kind = if follow {
            QuestionKind::Follow
        } else {
            kind(asked)
        };
        let narrowed = narrowed(asked, cursor, limit);
        let trace = auditor.record_begin(workspace, kind, narrowed).await?;
        Ok(Self {
            workspace: workspace.clone(),
            auditor,
            sieve,
            trace,
            cursor: place,
            follow,
            done: false,
            caught_up: None,
            tally: Tally::default(),
            generation,
        })
    }

    /// Why it is not recorded, if so.
    pub fn unrecorded(&self) -> Option<&str> {
        match &self.trace {
            Trace::Left(_) => None,
            Trace::Missing(reason) => Some(reason),
        }
    }

    /// The next entries, at most as many as `limit`; `None` at the end. Who follows waits here for more.
    pub async fn next(&mut self, limit: usize) -> Result<Option<Vec<Entry>>, Error> {
        loop {
            if self.done {
                return Ok(None);
            }
            self.news().await;
            let applied = self.workspace.views().applied();
            let more_of_stream = if self.follow {
                let filter = &mut Arc::make_mut(&mut self.sieve).filter;
                let after = self.cursor.unwrap_or(filter.query.after);
                filter.follow(&self.workspace, after).await?
            } else {
                false
            };
            let mut page = read(&self.workspace, &self.sieve, self.cursor, limit).await?;
            page.more |= more_of_stream;
            if self.workspace.executor().store().generation() != self.generation {
                return Err(ReadError::Replaced.into());
            }
            self.cursor = Some(page.cursor);
            self.done = !page.more && !self.follow;
            let at = Instant::now();
            self.caught_up = (!page.more).then_some(CaughtUp { applied, at });
            if !page.entries.is_empty() {
                return Ok(Some(page.entries));
            }
        }
    }

    /// Counts what was shown.
    pub fn showed(&mut self, entries: &[Entry]) {
        self.tally.count(entries);
    }

    /// Returns when it is time to look for more.
    async fn news(&self) {
        let Some(CaughtUp { applied, at }) = self.caught_up else {
            return;
        };
        tokio::time::sleep_until(at + LOOK).await;
        while self.workspace.views().applied() <= applied {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Ends, which is recorded with what was shown, if the beginning was.
    pub async fn end(self) -> Result<(), Error> {
        match self.trace {
            Trace::Left(reading) => {
                let ended = self
                    .auditor
                    .record_end(&self.workspace, reading, self.tally.shown());
                ended.await
            }
            Trace::Missing(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_page_asks_seldom_however_few_events_pass() {
        let asks = std::iter::successors(Some(1), |asked| Some(more_than(*asked)));
        let looked_at = asks.scan(0, |sum, ask| {
            *sum += ask;
            Some(*sum)
        });
        let asks = looked_at.take_while(|sum| *sum < MOST_LOOKED_AT).count();
        assert!(asks < 30, "{asks} questions for one page");
    }
}
