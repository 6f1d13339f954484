//! The index on the disk: what events do to it, and how it is committed.
//!
//! A commit has the place in the log up to which the index contains everything. Both are in one file that is replaced by a
//! rename: whenever the process ends, the index goes on where it was, and every event is in it once.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use domain::message::MessageEvent;
use domain::room::{RoomEvent, RoomKind};
use domain::user::{MessageErasure, UserEvent};
use domain::{Event, MessageId, RoomId, UserId, message};
use eventstore::event::Leaf;
use eventstore::{EventStore, LogId, Place, Position, RecordedEvent, Version};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use tantivy::collector::{Count, DocSetCollector};
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::query::TermQuery;
use tantivy::schema::{Field, IndexRecordOption, Schema};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, Term};
use tokio::runtime::Handle;

use super::schema::{self, Fields, Said};
use super::tokens::Stems;
use super::{SearchError, schema::POSITION};
use crate::engine::applied::Applied;

/// Memory for what is not written yet.
const HEAP: usize = 32 * 1024 * 1024;

/// So many segments of a size become one.
const MERGED: usize = 8;

/// Segments are merged as if they had at least so many messages.
const SMALL: u32 = 5_000;

/// Larger segments stay as they are, and those that lost so much of theirs are written anew.
const LARGE: usize = 2_000_000;
const MOSTLY_DELETED: f32 = 0.3;

/// How much of the log is in the index, as a commit has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    log: LogId,
    position: u64,
    leaf: Leaf,
    /// Accounts that were deleted, and what became of their messages.
    gone: BTreeMap<UserId, MessageErasure>,
}

impl Mark {
    fn start(log: LogId) -> Self {
        Self {
            log,
            position: Position::START.get(),
            leaf: Leaf::default(),
            gone: BTreeMap::new(),
        }
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            log: self.log,
            position: Position::new(self.position),
            leaf: self.leaf,
        }
    }
}

/// What searches look at: the last commit.
#[derive(Clone)]
pub(crate) struct Served {
    reader: IndexReader,
    pub(super) fields: Fields,
    /// Those whose messages are without their author.
    pub(super) unlinked: Arc<[UserId]>,
}

impl Served {
    pub(super) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }
}

/// An index that is written.
pub(crate) struct Written {
    writer: IndexWriter,
    reader: IndexReader,
    fields: Fields,
    stems: Stems,
    mark: Mark,
    /// Messages that were put in and taken out since the last commit.
    changed: HashMap<MessageId, bool>,
    /// Whether something is not committed, beside the place.
    is_dirty: bool,
    store: Arc<dyn EventStore>,
    runtime: Handle,
}

/// How far the index in a folder is; `None`: there is none that can be read.
pub(crate) fn mark(dir: &Path) -> Option<Mark> {
    #[derive(Deserialize)]
    struct Meta {
        payload: String,
    }
    // Only read, as the folder may be somebody else's.
    let meta = std::fs::read(dir.join("meta.json")).ok()?;
    let meta: Meta = serde_json::from_slice(&meta).ok()?;
    serde_json::from_str(&meta.payload).ok()
}

fn marked(index: &Index) -> Option<Mark> {
    let payload = index.load_metas().ok()?.payload?;
    serde_json::from_str(&payload).ok()
}

/// Makes an empty index in a folder, which must not exist.
pub(crate) fn create(dir: &Path, log: LogId) -> Result<(), SearchError> {
    std::fs::create_dir_all(dir)?;
    let index = Index::create_in_dir(dir, schema::schema().0)?;
    commit(&mut writer(&index)?, &Mark::start(log))
}

fn writer(index: &Index) -> Result<IndexWriter, SearchError> {
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .num_merge_threads(1)
        .memory_budget_per_thread(HEAP)
        .build();
    let writer: IndexWriter = index.writer_with_options(options)?;
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(MERGED);
    policy.set_min_layer_size(SMALL);
    policy.set_max_docs_before_merge(LARGE);
    policy.set_del_docs_ratio_before_merge(MOSTLY_DELETED);
    writer.set_merge_policy(Box::new(policy));
    Ok(writer)
}

fn commit(writer: &mut IndexWriter, mark: &Mark) -> Result<(), SearchError> {
    let payload =
        serde_json::to_string(mark).map_err(|error| SearchError::Index(error.to_string()))?;
    let mut prepared = writer.prepare_commit()?;
    prepared.set_payload(&payload);
    prepared.commit()?;
    Ok(())
}

impl Written {
    /// Opens the index in a folder. `None`: there is none, or not one of this version that is whole.
    pub(crate) fn open(
        dir: &Path,
        store: Arc<dyn EventStore>,
        runtime: Handle,
    ) -> Result<Option<Self>, SearchError> {
        if !dir.try_exists()? {
            return Ok(None);
        }
        let (schema, fields) = schema::schema();
        let found = match whole(dir, &schema) {
            Ok(found) => found,
            Err(reason) => {
                let path = dir.display();
                tracing::warn!(%path, %reason, "the index of messages is damaged and is made anew");
                return Ok(None);
            }
        };
        let (index, mark) = found;
        let reader: IndexReader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        Ok(Some(Self {
            writer: writer(&index)?,
            reader,
            fields,
            stems: Stems::default(),
            mark,
            changed: HashMap::new(),
            is_dirty: false,
            store,
            runtime,
        }))
    }

    pub(crate) fn place(&self) -> Place {
        self.mark.place()
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    pub(crate) fn served(&self) -> Served {
        let gone = self.mark.gone.iter();
        let unlinked = gone.filter(|(_, messages)| **messages == MessageErasure::Unlink);
        Served {
            reader: self.reader.clone(),
            fields: self.fields,
            unlinked: unlinked.map(|(user, _)| user.clone()).collect(),
        }
    }

    /// Makes everything that was applied visible, and keeps it.
    pub(crate) fn commit(&mut self) -> Result<(), SearchError> {
        commit(&mut self.writer, &self.mark)?;
        self.reader.reload()?;
        self.changed.clear();
        self.is_dirty = false;
        Ok(())
    }

    /// Ends the writing; nothing is lost that was committed. Waits for what is being merged.
    pub(crate) fn close(self) -> Result<(), SearchError> {
        Ok(self.writer.wait_merging_threads()?)
    }

    /// Adds what an event changes.
    pub(crate) fn apply(&mut self, event: &Applied) -> Result<(), SearchError> {
        match &event.event {
            Event::Message(MessageEvent::MessagePosted(posted)) => {
                if let Some(said) = Said::of(event.position, posted) {
                    self.put(&said)?;
                }
            }
            Event::Message(MessageEvent::MessageEdited(edited)) => {
                self.put_again(&edited.message, event.position)?;
            }
            Event::Message(MessageEvent::MessageDeleted(deleted)) => self.take(&deleted.message),
            Event::Room(RoomEvent::RoomCreated(created)) if created.kind == RoomKind::Direct => {
                let between = &created.participants;
                let doc = schema::direct(&self.fields, event.position, between);
                self.writer.add_document(doc)?;
                self.is_dirty = true;
            }
            Event::Room(RoomEvent::RoomDeleted(deleted)) => {
                self.empty(&deleted.room);
                self.commit()?;
            }
            Event::User(UserEvent::UserDeleted(deleted)) => {
                self.erase(&deleted.user, deleted.messages)?;
            }
            _ => {}
        }
        self.mark.position = event.position.get();
        self.mark.leaf = event.leaf;
        Ok(())
    }

    fn put(&mut self, said: &Said) -> Result<(), SearchError> {
        let doc = said.document(&self.fields, &mut self.stems);
        self.writer.add_document(doc)?;
        self.changed.insert(said.message.clone(), true);
        self.is_dirty = true;
        Ok(())
    }

    fn take(&mut self, message: &MessageId) {
        let term = Term::from_field_text(self.fields.message, message.as_str());
        self.writer.delete_term(term);
        self.changed.insert(message.clone(), false);
        self.is_dirty = true;
    }

    /// A message that is there says something else from that position on.
    fn put_again(&mut self, message: &MessageId, until: Position) -> Result<(), SearchError> {
        if !self.has(message)? {
            return Ok(());
        }
        let said = self.runtime.block_on(said(&*self.store, message, until))?;
        self.take(message);
        said.map_or(Ok(()), |said| self.put(&said))
    }

    fn has(&self, message: &MessageId) -> Result<bool, SearchError> {
        if let Some(is_there) = self.changed.get(message) {
            return Ok(*is_there);
        }
        let query = term_query(self.fields.message, message.as_str());
        Ok(self.reader.searcher().search(&query, &Count)? > 0)
    }

    fn empty(&mut self, room: &RoomId) {
        let term = Term::from_field_text(self.fields.room, room.as_str());
        self.writer.delete_term(term);
        self.is_dirty = true;
    }

    /// An account is deleted (contract, conventions 7.4). Direct messages between two go with either of them.
    fn erase(&mut self, user: &UserId, messages: MessageErasure) -> Result<(), SearchError> {
        if messages == MessageErasure::Delete {
            let term = Term::from_field_text(self.fields.author, user.as_str());
            self.writer.delete_term(term);
        }
        // What was put in since then is looked for as well.
        self.commit()?;
        for room in self.left_to_one(user)? {
            self.empty(&room);
        }
        self.mark.gone.insert(user.clone(), messages);
        self.commit()
    }

    /// The direct message rooms of a user with one more participant at most.
    fn left_to_one(&self, user: &UserId) -> Result<Vec<RoomId>, SearchError> {
        let searcher = self.reader.searcher();
        let query = term_query(self.fields.between, user.as_str());
        let mut positions = Vec::new();
        for address in searcher.search(&query, &DocSetCollector)? {
            let segment = searcher.segment_reader(address.segment_ord);
            let column = segment.fast_fields().u64(POSITION)?;
            positions.extend(column.first(address.doc_id).map(Position::new));
        }
        positions.sort_unstable();
        let mut rooms = Vec::new();
        while !positions.is_empty() {
            let created = self.store.read_at(positions.clone());
            let created = self.runtime.block_on(created)?;
            let Some(last) = created.last() else { break };
            positions.retain(|position| *position > last.position);
            for event in &created {
                if let Event::Room(RoomEvent::RoomCreated(created)) = event.decode()? {
                    let is_there = |one: &&UserId| !self.mark.gone.contains_key(*one);
                    if created.participants.iter().filter(is_there).count() <= 2 {
                        rooms.push(created.room);
                    }
                }
            }
        }
        Ok(rooms)
    }
}

fn term_query(field: Field, text: &str) -> TermQuery {
    TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic)
}

/// The index in a folder with its mark, if every file of it is as it was written.
fn whole(dir: &Path, schema: &Schema) -> Result<(Index, Mark), String> {
    let index = Index::open_in_dir(dir).map_err(|error| error.to_string())?;
    if index.schema() != *schema {
        return Err("it has other fields".to_owned());
    }
    let damaged = index
        .validate_checksum()
        .map_err(|error| error.to_string())?;
    if let Some(path) = damaged.iter().next() {
        return Err(format!("{} is not as it was written", path.display()));
    }
    let mark = marked(&index).ok_or("it does not tell how far it is")?;
    Ok((index, mark))
}

/// What a message says at a position, by its own stream.
async fn said(
    store: &dyn EventStore,
    id: &MessageId,
    until: Position,
) -> Result<Option<Said>, SearchError> {
    let mut said = None;
    let mut chunks = store.read_stream(&message::stream(id), Version::FIRST);
    while let Some(chunk) = chunks.next().await {
        for event in chunk?.iter().filter(|event| event.position <= until) {
            fold(&mut said, event)?;
        }
    }
    Ok(said)
}

fn fold(said: &mut Option<Said>, recorded: &RecordedEvent) -> Result<(), SearchError> {
    match recorded.decode()? {
        Event::Message(MessageEvent::MessagePosted(posted)) => {
            *said = Said::of(recorded.position, &posted);
        }
        Event::Message(MessageEvent::MessageEdited(edited)) => {
            if let Some(said) = said {
                said.edit(edited.content);
            }
        }
        Event::Message(MessageEvent::MessageDeleted(_)) => *said = None,
        _ => {}
    }
    Ok(())
}
