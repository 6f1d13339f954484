//! Events in files: read in large chunks, which are written in parallel and put into files in order.

use std::sync::Arc;

use bytes::Bytes;
use eventstore::{MOST_AT_ONCE, Position, ReadError, RecordedEvent};
use futures::{Stream, TryStreamExt as _, stream};
use parking_lot::Mutex;
use projections::{Found, KnownNames, RecordNames, RecordQuery};

use super::order::{FileNote, Order, Reached};
use super::out::{Interrupted, Out};
use super::piece::Piece;
use super::{csv, ndjson};
use crate::error::{Error, Fault};
use crate::record::access::Tally;
use crate::record::entries::Sieve;
use crate::record::filter::Filter;
use crate::record::grants::Before;
use crate::workspace::Workspace;

/// The most events of a chunk. Each is looked for, and given names, at once.
const CHUNK_EVENTS: usize = 8_192;

/// A chunk ends with the read that brings its data to this size, in bytes.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;

/// How large the pieces of a file are, in bytes, and how much of that is left for the last event, if it is not larger.
const PIECE: usize = 256 * 1024;
const ROOM: usize = 4 * 1024;

/// How many chunks are read and written ahead, beside the one that goes into a file.
const AT_ONCE: usize = 3;

/// A file ends with the chunk that brings it to this size, in bytes: so much at most is made again after an interruption.
const FILE_BYTES: usize = 64 * 1024 * 1024;

/// What is known by name is forgotten beyond so many things.
const MOST_KNOWN: usize = 200_000;

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Ndjson,
    Csv,
}

/// Consecutive events that were found.
struct Chunk {
    events: Vec<RecordedEvent>,
    /// Everything up to here was looked at.
    reached: Position,
}

/// A chunk as it stands in a file.
struct Written {
    /// In pieces, whose memory can be used again and again.
    pieces: Vec<Bytes>,
    /// Of all pieces, in bytes.
    size: usize,
    tally: Tally,
    reached: Position,
}

impl Written {
    fn add(&mut self, piece: Vec<u8>) {
        if !piece.is_empty() {
            self.size += piece.len();
            self.pieces.push(piece.into());
        }
    }
}

/// Makes all files behind what is complete.
pub(super) async fn make(
    workspace: &Workspace,
    order: &Order,
    form: Form,
    reached: Option<Reached>,
    out: &Out,
) -> Result<Tally, Interrupted> {
    let log = workspace.executor().store();
    let generation = log.generation();
    let mut all = Tally::default();
    let mut at = reached.map_or(order.after, |reached| reached.position);
    let known: Arc<Mutex<Vec<KnownNames>>> = Arc::default();
    let sieve = Arc::new(sieve(order, at));
    let write = |chunk| write(workspace.clone(), sieve.clone(), form, chunk, known.clone());
    // Over all files: what is read and written ahead when one ends is the beginning of the next.
    let chunks = chunks(workspace, sieve.filter.query.clone());
    let mut chunks = std::pin::pin!(chunks.map_ok(write).try_buffered(AT_ONCE));
    while at < order.upto {
        let (tally, note) = file(order, form, at, &mut chunks, out).await?;
        if log.generation() != generation {
            return Err(ReadError::Replaced.into());
        }
        all.add(tally);
        at = note.reached.position;
        if note.results > 0 {
            out.put(Piece::Complete(note)).await?;
        }
    }
    Ok(all)
}

/// Makes the file that begins behind a position, with the next of `chunks`, but does not complete it. Where nothing is found,
/// there is no file.
async fn file(
    order: &Order,
    form: Form,
    after: Position,
    chunks: &mut (impl Stream<Item = Result<Written, Interrupted>> + Unpin),
    out: &Out,
) -> Result<(Tally, FileNote), Interrupted> {
    let (mut size, mut tally, mut reached) = (0, Tally::default(), order.upto);
    while size < FILE_BYTES {
        let Some(chunk) = chunks.try_next().await? else {
            reached = order.upto;
            break;
        };
        if size == 0 && chunk.size > 0 {
            out.put(Piece::File(name(form, after))).await?;
            let begin = begin(form).as_bytes();
            out.put(Piece::Data(begin.into())).await?;
        }
        size += chunk.size;
        for piece in chunk.pieces {
            out.put(Piece::Data(piece)).await?;
        }
        tally.add(chunk.tally);
        reached = chunk.reached;
        let done = reached.get() - order.after.get();
        let all = order.upto.get() - order.after.get();
        out.put(Piece::Progress(done, all)).await?;
    }
    let note = FileNote {
        reached: Reached {
            room: None,
            position: reached,
        },
        results: tally.results(),
        first: after.next(),
        conversation: None,
    };
    Ok((tally, note))
}

/// Named by where it begins, so that the name does not depend on how many come before it.
fn name(form: Form, after: Position) -> String {
    let ending = match form {
        Form::Csv => "csv",
        Form::Ndjson => "ndjson",
    };
    format!("events-{:012}.{ending}", after.next().get())
}

const fn begin(form: Form) -> &'static str {
    match form {
        Form::Csv => csv::NAMES,
        Form::Ndjson => "",
    }
}

fn sieve(order: &Order, after: Position) -> Sieve {
    Sieve {
        filter: Filter::of(RecordQuery {
            rooms: order.rooms.clone(),
            users: order.users.clone(),
            after,
            upto: Some(order.upto),
            limit: CHUNK_EVENTS,
            ..RecordQuery::default()
        }),
        private_rooms: order.private_rooms,
    }
}

/// Everything that a query finds. Where a chunk ends depends only on where it begins.
fn chunks(
    workspace: &Workspace,
    query: RecordQuery,
) -> impl Stream<Item = Result<Chunk, Interrupted>> {
    let workspace = workspace.clone();
    stream::try_unfold(Some(query), move |query| {
        let workspace = workspace.clone();
        async move {
            let Some(mut query) = query else {
                return Ok(None);
            };
            let found = workspace.views().search_record(query.clone()).await?;
            // What is recorded meanwhile is not asked for: the end of the record need not be read again.
            query.as_of = Some(found.as_of.clone());
            let Some((chunk, more)) = chunk(&workspace, found).await? else {
                return Ok(None);
            };
            query.after = chunk.reached;
            Ok(Some((chunk, more.then_some(query))))
        }
    })
}

/// The first events of those that were found, and whether there may be more.
async fn chunk(workspace: &Workspace, found: Found) -> Result<Option<(Chunk, bool)>, Error> {
    let log = workspace.executor().store();
    let (mut events, mut bytes) = (Vec::new(), 0);
    while events.len() < found.positions.len() && bytes < CHUNK_BYTES {
        let wanted = found.positions.iter().skip(events.len());
        let part = log.read_at(wanted.take(MOST_AT_ONCE).copied().collect());
        let part = part.await?;
        if part.is_empty() {
            return Err(Fault::Impossible("the log lacks what the views have".into()).into());
        }
        bytes += part.iter().map(|event| event.data.len()).sum::<usize>();
        events.extend(part);
    }
    let more = found.more || events.len() < found.positions.len();
    let last = events.last().map(|event| event.position);
    Ok(last.map(|reached| (Chunk { events, reached }, more)))
}

async fn write(
    workspace: Workspace,
    sieve: Arc<Sieve>,
    form: Form,
    chunk: Chunk,
    known: Arc<Mutex<Vec<KnownNames>>>,
) -> Result<Written, Interrupted> {
    let mut names = known.lock().pop().unwrap_or_default();
    if names.len() > MOST_KNOWN {
        names = KnownNames::default();
    }
    let write = move |names: &mut RecordNames<'_>| written(&sieve, form, chunk, names);
    let (written, names) = workspace.views().with_known_names(names, write).await?;
    known.lock().push(names);
    Ok(written?)
}

fn written(
    sieve: &Sieve,
    form: Form,
    chunk: Chunk,
    names: &mut RecordNames<'_>,
) -> Result<Written, Error> {
    let mut written = Written {
        pieces: Vec::new(),
        size: 0,
        tally: Tally::default(),
        reached: chunk.reached,
    };
    let (mut piece, before) = (Vec::with_capacity(PIECE), Before::default());
    for event in chunk.events {
        let position = event.position;
        let Some(entry) = sieve.pass(names, &before, event) else {
            continue;
        };
        match form {
            Form::Csv => csv::write(&mut piece, &entry),
            Form::Ndjson => ndjson::write(&mut piece, &entry).map_err(|error| {
                Fault::Impossible(format!("event {position} cannot be written: {error}").into())
            })?,
        }
        let room = entry.room.as_ref().map(|(room, _)| room);
        written.tally.count_one(room);
        if piece.len() >= PIECE - ROOM {
            written.add(std::mem::replace(&mut piece, Vec::with_capacity(PIECE)));
        }
    }
    written.add(piece);
    Ok(written)
}
