//! Which updates an event led to, long after it happened.

use bytes::Bytes;
use domain::{UserId, markdown};
use eventstore::RecordedEvent;
use rusqlite::Connection;

use super::names::FileNames;
use super::{Added, updates_of};
use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::hub::update::Scope;
use crate::error::QueryError;

/// An update that was offered to those who watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The name on the wire, e.g. `message-posted`.
    pub kind: &'static str,
    /// Who it was for.
    pub scope: Scope,
    /// Somebody it was not for: there was one for them alone.
    pub except: Option<UserId>,
}

impl Views {
    /// Which updates each of the events led to. Whom an update is for is a matter of the event alone; what it says, which
    /// is not told here, also of the names of the moment.
    pub async fn pushed(&self, events: Vec<RecordedEvent>) -> Result<Vec<Vec<Pushed>>, QueryError> {
        self.read(move |conn| events.iter().map(|event| of(conn, event)).collect())
            .await
    }
}

fn of(conn: &Connection, event: &RecordedEvent) -> rusqlite::Result<Vec<Pushed>> {
    let Ok(applied) = Applied::decode(event) else {
        return Ok(Vec::new());
    };
    let mut updates = Vec::new();
    // The message that the event made may be gone, and is not told.
    let added = Added::Made(Bytes::from_static(b"{}"));
    updates_of(
        &applied,
        added,
        &mut FileNames::new(conn, markdown::Options::default()),
        &mut updates,
    )?;
    let pushed = updates.into_iter().map(|update| Pushed {
        kind: update.kind,
        scope: update.scope,
        except: update.except,
    });
    Ok(pushed.collect())
}
