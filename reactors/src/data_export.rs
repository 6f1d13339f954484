//! Makes the copies that people asked for: a reactor that writes them into the file store. They are written in pieces, so
//! that their size does not matter.
//!
//! A copy of somebody's data is one JSON document: the profile, the rooms, every message the person wrote, and in a full
//! copy everything that was said in their rooms. For a copy of what was said in a room see [`room`].

mod copy;
mod room;

use std::time::Duration;

use application::dates::iso;
use application::error::Error;
use application::ids::now;
use application::people::document;
use application::record::data_exports::{self, file_key, folder};
use application::record::room_exports;
use application::workspace::Workspace;
use copy::Copy;
use domain::data_export::{DataExportCompleted, DataExportEvent, DataExportRequested};
use domain::room_export::{RoomExportEvent, RoomExportRequested};
use domain::settings::keys;
use domain::user::UserEvent;
use domain::{Event, RoomId, UserId};
use eventstore::RecordedEvent;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::{OutboxKey, Reactor, Verdict};

/// How often a copy is tried before it fails and the person may ask again.
const ATTEMPTS: u32 = 5;

/// Pause before another attempt.
const PAUSE: Duration = Duration::from_secs(5);

/// The fewest and the most messages read at once, whatever `UserData_MessageLimitPerRequest` says.
const PAGE: (i64, i64) = (1, 10_000);

pub struct DataExporter(Workspace);

/// Why a copy is not made.
#[derive(Debug, thiserror::Error)]
enum NotMade {
    #[error(transparent)]
    Failed(#[from] Error),
    #[error("the archive cannot be written: {0}")]
    Archive(#[from] std::io::Error),
}

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

    /// What comes of an attempt; `fail` records that there will be none.
    async fn attempted(
        made: Result<(), NotMade>,
        export: &str,
        attempt: u32,
        fail: impl Future<Output = Result<(), Error>>,
    ) -> Verdict {
        match made {
            Ok(()) => Verdict::Done,
            Err(error) if attempt < ATTEMPTS => {
                tracing::warn!(%error, export, "a copy is not made yet");
                Verdict::Retry(PAUSE)
            }
            Err(error) => {
                tracing::error!(%error, export, "a copy cannot be made");
                match fail.await {
                    Ok(()) => Verdict::Done,
                    Err(error) => {
                        error.log();
                        Verdict::Retry(PAUSE)
                    }
                }
            }
        }
    }

    async fn of_own_data(
        &self,
        event: &RecordedEvent,
        wish: &DataExportRequested,
        attempt: u32,
    ) -> Verdict {
        if self.is_settled(&wish.export).await {
            return Verdict::Ignore;
        }
        let made = self.make(event, wish).await.map_err(NotMade::from);
        let fail = data_exports::fail(&self.0, &wish.user, &wish.export);
        Self::attempted(made, &wish.export, attempt, fail).await
    }

    async fn of_room(
        &self,
        event: &RecordedEvent,
        wish: &RoomExportRequested,
        attempt: u32,
    ) -> Verdict {
        if self.is_settled(&wish.export).await {
            return Verdict::Ignore;
        }
        let made = room::make(&self.0, event, wish, self.page()).await;
        let fail = room_exports::fail(&self.0, wish);
        Self::attempted(made, &wish.export, attempt, fail).await
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
        matches!(
            event_type,
            "DataExportRequested" | "RoomExportRequested" | "UserDeleted"
        )
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
                    self.of_own_data(event, &wish, attempt).await
                }
                Ok(Event::RoomExport(RoomExportEvent::RoomExportRequested(wish))) => {
                    self.of_room(event, &wish, attempt).await
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
    async fn is_settled(&self, export: &str) -> bool {
        let known = self.0.views().data_export(export).await;
        matches!(known, Ok(Some(export)) if export.settled_at.is_some())
    }
}
