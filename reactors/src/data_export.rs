//! Makes the copies of their data that people asked for: a reactor that writes them into the file store.
//!
//! A copy is one JSON document: the profile, the rooms, every message the person wrote, and in a full copy everything
//! that was said in their rooms. It is written in pieces, so that its size does not matter.

use std::time::Duration;

use application::dates::iso;
use application::error::Error;
use application::files::store::{FileWriter, FilesError};
use application::ids::now;
use application::people::document;
use application::record::data_exports::{self, file_key, folder};
use application::workspace::Workspace;
use bytes::Bytes;
use domain::data_export::{DataExportCompleted, DataExportEvent, DataExportRequested};
use domain::settings::keys;
use domain::user::UserEvent;
use domain::{Event, RoomId, UserId};
use eventstore::RecordedEvent;
use futures::future::BoxFuture;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{OutboxKey, Reactor, Verdict};

/// How often a copy is tried before it fails and the person may ask again.
const ATTEMPTS: u32 = 5;

/// Pause before another attempt.
const PAUSE: Duration = Duration::from_secs(5);

/// Bytes gathered before they are written.
const PIECE: usize = 256 * 1024;

/// The fewest and the most messages read at once, whatever `UserData_MessageLimitPerRequest` says.
const PAGE: (i64, i64) = (1, 10_000);

pub struct DataExporter(Workspace);

impl DataExporter {
    pub fn new(workspace: Workspace) -> Self {
        Self(workspace)
    }

    async fn make(&self, event: &RecordedEvent, wish: &DataExportRequested) -> Result<(), Error> {
        let workspace = &self.0;
        workspace.views().wait_for(event.position).await?;
        let Some(user) = workspace.views().user(&wish.user).await? else {
            return Ok(()); // Gone meanwhile, and all of theirs with them.
        };
        let key = file_key(&wish.user, &wish.export);
        let mut copy = Copy::begin(workspace.files().writer(&key).await?);
        copy.say(r#"{"exportedAt":"#);
        copy.json(&Value::from(iso(now())));
        copy.say(r#","user":"#);
        copy.json(&Value::Object(document::visible(
            workspace, &user.doc, true,
        )));
        self.rooms(&mut copy, &wish.user).await?;
        self.messages(&mut copy, &wish.user).await?;
        if wish.full {
            self.conversations(&mut copy, &wish.user).await?;
        }
        copy.say("}");
        let (size, sha256) = copy.finish().await?;
        let completed = DataExportCompleted {
            user: wish.user.clone(),
            export: wish.export.clone(),
            size,
            sha256,
            at: now(),
        };
        data_exports::complete(workspace, completed).await
    }

    async fn rooms(&self, copy: &mut Copy, user: &UserId) -> Result<(), Error> {
        copy.say(r#","rooms":["#);
        let places = self.0.views().memberships_sync(user, None).await?.update;
        copy.list(places.iter()).await?;
        copy.say("]");
        Ok(())
    }

    fn page(&self) -> u64 {
        let wanted = self
            .0
            .views()
            .settings()
            .int(keys::USER_DATA_MESSAGE_LIMIT_PER_REQUEST);
        u64::try_from(wanted.clamp(PAGE.0, PAGE.1)).unwrap_or(1)
    }

    async fn messages(&self, copy: &mut Copy, user: &UserId) -> Result<(), Error> {
        copy.say(r#","messages":["#);
        let (mut after, mut first) = (0, true);
        loop {
            let page = self.0.views().messages_by(user, after, self.page()).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            copy.comma(&mut first);
            copy.list(page.iter().map(|(_, doc)| doc)).await?;
        }
        copy.say("]");
        Ok(())
    }

    async fn conversations(&self, copy: &mut Copy, user: &UserId) -> Result<(), Error> {
        copy.say(r#","conversations":["#);
        let mut first = true;
        for room in self.0.views().room_ids_of(user).await? {
            copy.comma(&mut first);
            self.conversation(copy, &room).await?;
        }
        copy.say("]");
        Ok(())
    }

    async fn conversation(&self, copy: &mut Copy, room: &RoomId) -> Result<(), Error> {
        copy.say(r#"{"rid":"#);
        copy.json(&Value::from(room.as_str()));
        copy.say(r#","messages":["#);
        let (mut after, mut first) = (None, true);
        loop {
            let page = self.0.views().messages_in(room, after, self.page()).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            copy.comma(&mut first);
            copy.list(page.iter().map(|(_, doc)| doc)).await?;
        }
        copy.say("]}");
        Ok(())
    }

    async fn requested(
        &self,
        event: &RecordedEvent,
        wish: &DataExportRequested,
        attempt: u32,
    ) -> Verdict {
        match self.make(event, wish).await {
            Ok(()) => Verdict::Done,
            Err(error) if attempt < ATTEMPTS => {
                tracing::warn!(%error, export = wish.export, "a copy of data is not made yet");
                Verdict::Retry(PAUSE)
            }
            Err(error) => {
                tracing::error!(%error, export = wish.export, "a copy of data cannot be made");
                match data_exports::fail(&self.0, &wish.user, &wish.export).await {
                    Ok(()) => Verdict::Done,
                    Err(error) => {
                        error.log();
                        Verdict::Retry(PAUSE)
                    }
                }
            }
        }
    }

    async fn forget(&self, user: &UserId, attempt: u32) -> Verdict {
        match self.0.files().delete_folder(&folder(user)).await {
            Ok(()) => Verdict::Done,
            Err(error) if attempt < ATTEMPTS => {
                tracing::warn!(%error, "copies of data are not deleted yet");
                Verdict::Retry(PAUSE)
            }
            Err(error) => Verdict::Skip(error.to_string()),
        }
    }
}

impl Reactor for DataExporter {
    fn name(&self) -> &'static str {
        "data-export"
    }

    fn concerns(&self, event_type: &str) -> bool {
        matches!(event_type, "DataExportRequested" | "UserDeleted")
    }

    fn react<'a>(
        &'a self,
        event: &'a RecordedEvent,
        _: OutboxKey,
        attempt: u32,
    ) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            match event.decode::<Event>() {
                Ok(Event::DataExport(DataExportEvent::DataExportRequested(wish))) => {
                    if self.is_settled(&wish).await {
                        return Verdict::Ignore;
                    }
                    self.requested(event, &wish, attempt).await
                }
                Ok(Event::User(UserEvent::UserDeleted(deleted))) => {
                    self.forget(&deleted.user, attempt).await
                }
                Ok(_) => Verdict::Ignore,
                Err(error) => Verdict::Skip(error.to_string()),
            }
        })
    }
}

impl DataExporter {
    /// Whether the copy was made before, on this node or another.
    async fn is_settled(&self, wish: &DataExportRequested) -> bool {
        let known = self.0.views().data_export(&wish.export).await;
        matches!(known, Ok(Some(export)) if export.settled_at.is_some())
    }
}

struct Copy {
    file: FileWriter,
    piece: Vec<u8>,
    hash: Sha256,
    size: u64,
}

impl Copy {
    fn begin(file: FileWriter) -> Self {
        Self {
            file,
            piece: Vec::with_capacity(PIECE),
            hash: Sha256::new(),
            size: 0,
        }
    }

    fn say(&mut self, text: &str) {
        self.piece.extend_from_slice(text.as_bytes());
    }

    fn json(&mut self, value: &Value) {
        self.piece.extend_from_slice(value.to_string().as_bytes());
    }

    fn comma(&mut self, first: &mut bool) {
        if !std::mem::replace(first, false) {
            self.say(",");
        }
    }

    async fn list(&mut self, docs: impl Iterator<Item = &Bytes>) -> Result<(), FilesError> {
        let mut first = true;
        for doc in docs {
            self.comma(&mut first);
            self.piece.extend_from_slice(doc);
            if self.piece.len() >= PIECE {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), FilesError> {
        let piece = Bytes::from(std::mem::replace(
            &mut self.piece,
            Vec::with_capacity(PIECE),
        ));
        self.hash.update(&piece);
        self.size += piece.len() as u64;
        self.file.write(piece).await
    }

    /// Completes the file; returns its size in bytes and the hex SHA-256 of its content.
    async fn finish(mut self) -> Result<(u64, String), FilesError> {
        self.flush().await?;
        self.file.close().await?;
        Ok((self.size, hex::encode(self.hash.finalize())))
    }
}
