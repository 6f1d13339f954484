//! A stretch of a room as an archive with one file: a page for people to read, or one JSON document of a message on each
//! line.

use std::io::Write as _;
use std::sync::Arc;

use application::chat::hidden_kinds::hidden_kinds;
use application::error::Error;
use application::files::store::FilesError;
use application::ids::now;
use application::record::data_exports::archive_key;
use application::record::room_exports::{self, is_shown};
use application::workspace::Workspace;
use bytes::Bytes;
use domain::Timestamp;
use domain::room_export::{ExportFormat, RoomExportCompleted, RoomExportRequested};
use eventstore::RecordedEvent;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::NotMade;
use super::copy::Copy;
use crate::said::{Said, escaped, seconds};

const STYLE: &str = "body{font:1rem/1.4 sans-serif;margin:2rem auto;max-width:50rem;padding:0 1rem}\
article{border-top:1px solid #ccc;padding:.5rem 0}small{color:#555}\
blockquote{margin:.2rem 0;overflow-wrap:anywhere}";

/// Makes the archive, `page` messages at a time. A room that is gone by then has none.
pub(super) async fn make(
    workspace: &Workspace,
    event: &RecordedEvent,
    wish: &RoomExportRequested,
    page: u64,
) -> Result<(), NotMade> {
    let views = workspace.views();
    views.wait_for(event.position).await.map_err(Error::from)?;
    if views.user(&wish.user).await.map_err(Error::from)?.is_none() {
        return Ok(()); // Gone meanwhile, and all of theirs with them.
    }
    let room = views.room(&wish.room).await.map_err(Error::from)?;
    let doc = room.and_then(|room| serde_json::from_slice(&room.doc).ok());
    let hidden = hidden_kinds(views, &wish.room).await;
    let hidden = hidden.map_err(Error::from)?;
    let key = archive_key(&wish.user, &wish.export);
    let file = workspace.files().writer(&key).await.map_err(Error::from)?;
    let mut archive = Archive::begin(Copy::begin(file), wish, &doc.unwrap_or_default())?;
    // What was sent at the first moment counts.
    let mut after = wish.from.map(|from| {
        let before = from.as_millis().saturating_sub(1);
        (Timestamp::from_millis(before), u64::MAX)
    });
    loop {
        let found = views.messages_in(&wish.room, after, page).await;
        let found = found.map_err(Error::from)?;
        let Some((last, _)) = found.last() else { break };
        after = Some(*last);
        let is_last = wish.until.is_some_and(|until| last.0 >= until);
        let in_time = |at: Timestamp| wish.until.is_none_or(|until| at < until);
        let found = found.into_iter().filter(|((at, _), _)| in_time(*at));
        let docs = found.map(|(_, doc)| doc).collect();
        archive = archive.add(docs, hidden.clone()).await?;
        if is_last {
            break;
        }
    }
    let (copy, messages) = archive.end()?;
    let (size, sha256) = copy.finish().await.map_err(Error::from)?;
    let completed = RoomExportCompleted {
        user: wish.user.clone(),
        export: wish.export.clone(),
        room: wish.room.clone(),
        messages,
        size,
        sha256,
        at: now(),
    };
    Ok(room_exports::complete(workspace, completed).await?)
}

/// What the archive is written to before it goes on into the file.
#[derive(Clone, Default)]
struct Pieces(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Archive {
    copy: Copy,
    pieces: Pieces,
    zip: Box<ZipWriter<StreamWriter<Pieces>>>,
    format: ExportFormat,
    messages: u64,
}

impl Archive {
    fn begin(
        copy: Copy,
        wish: &RoomExportRequested,
        room: &Map<String, Value>,
    ) -> Result<Self, std::io::Error> {
        let pieces = Pieces::default();
        let mut zip = Box::new(ZipWriter::new_stream(pieces.clone()));
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(1))
            .last_modified_time(DateTime::default())
            .large_file(true);
        let name = match wish.format {
            ExportFormat::Html => "messages.html",
            ExportFormat::Json => "messages.json",
        };
        zip.start_file(name, options)?;
        if wish.format == ExportFormat::Html {
            zip.write_all(heading(wish, room).as_bytes())?;
        }
        Ok(Self {
            copy,
            pieces,
            zip,
            format: wish.format,
            messages: 0,
        })
    }

    /// Adds messages. Packing them would keep others waiting.
    async fn add(mut self, docs: Vec<Bytes>, hidden: Vec<String>) -> Result<Self, NotMade> {
        let added = tokio::task::spawn_blocking(move || {
            for doc in docs {
                self.message(&doc, &hidden)?;
            }
            Ok::<_, std::io::Error>(self)
        });
        let mut archive = added.await.map_err(std::io::Error::other)??;
        archive.hand_on().await.map_err(Error::from)?;
        Ok(archive)
    }

    fn message(&mut self, doc: &[u8], hidden: &[String]) -> Result<(), std::io::Error> {
        let Some(said) = Said::of(doc) else {
            return Ok(());
        };
        if !is_shown(said.kind(), hidden) {
            return Ok(());
        }
        self.messages += 1;
        match self.format {
            ExportFormat::Html => {
                let id = escaped(said.id());
                let html = said.html();
                writeln!(self.zip, "<article id=\"{id}\">{html}</article>")
            }
            ExportFormat::Json => {
                self.zip.write_all(doc)?;
                self.zip.write_all(b"\n")
            }
        }
    }

    async fn hand_on(&mut self) -> Result<(), FilesError> {
        let ready = std::mem::take(&mut *self.pieces.0.lock());
        self.copy.bytes(&ready);
        self.copy.flush().await
    }

    /// Completes the archive; returns its file, which lacks nothing but its end, and how many messages it has.
    fn end(mut self) -> Result<(Copy, u64), std::io::Error> {
        if self.format == ExportFormat::Html {
            self.zip.write_all(b"</body></html>\n")?;
        }
        self.zip.finish()?;
        let rest = std::mem::take(&mut *self.pieces.0.lock());
        self.copy.bytes(&rest);
        Ok((self.copy, self.messages))
    }
}

fn heading(wish: &RoomExportRequested, room: &Map<String, Value>) -> String {
    let named = |field: &str| room.get(field).and_then(Value::as_str);
    let name = named("fname").or_else(|| named("name"));
    let name = escaped(name.unwrap_or(wish.room.as_str()));
    let end = |word: &str, at: Option<Timestamp>| {
        at.map_or_else(String::new, |at| format!(" {word} {}", seconds(at)))
    };
    let (from, until) = (end("from", wish.from), end("before", wish.until));
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}</title>\
         <style>{STYLE}</style></head><body><h1><bdi>{name}</bdi></h1>\n\
         <p>Messages of the room <code>{}</code>{from}{until}. All times are UTC.</p>\n",
        escaped(wish.room.as_str()),
    )
}
