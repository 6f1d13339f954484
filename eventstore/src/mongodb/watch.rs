//! Noticing what other nodes commit, and whether the database is there.
//!
//! A change stream on the log's head wakes readers at once; looking at the head regularly makes up for change streams
//! that are late, cut off or not available. Neither carries events: readers look for themselves.

use std::sync::Arc;
use std::time::Duration;

use ::mongodb::bson::raw::RawDocumentBuf;
use ::mongodb::bson::{Bson, doc};
use ::mongodb::change_stream::event::ChangeStreamEvent;
use futures::StreamExt;

use super::connect::LOG_HEAD;
use super::document::to_u64;
use super::failure::Failure;
use super::shared::{Backoff, Shared};
use crate::{Position, Tail};

/// Looks at the head regularly, until the log is closed. Keeps the health true while nobody appends.
pub(super) async fn poll(shared: Arc<Shared>) {
    let every = shared.options.poll_interval;
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        let look = tokio::time::timeout(shared.options.outage_limit, look(&shared));
        let outcome = tokio::select! {
            () = shared.stop.cancelled() => return,
            outcome = look => outcome,
        };
        match outcome
            .unwrap_or_else(|_| Err(Failure::Away("the server does not answer".to_owned())))
        {
            Ok(head) => {
                shared.ready();
                shared.wake_for(head);
            }
            Err(Failure::Closed) => return,
            Err(failure) => shared.unavailable(failure.text()),
        }
    }
}

/// The head of what is still the same log, or is told to be another one; while the log is known not to work, also
/// whether it can be written again.
async fn look(shared: &Shared) -> Result<Position, Failure> {
    if !shared.is_ready() {
        shared.probe().await?;
    }
    let head = shared.head().await?;
    shared.same_log(head).await?;
    Ok(head)
}

/// Follows a change stream on the log's head until the log is closed.
pub(super) async fn follow(shared: Arc<Shared>) {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
    loop {
        tokio::select! {
            // Drops the change stream in the middle of a wait. That is fine as long as nothing is asked of it
            // afterwards: some of its methods panic then.
            () = shared.stop.cancelled() => return,
            failure = follow_once(&shared, &mut backoff) => {
                if failure == Failure::Closed {
                    return;
                }
                tracing::debug!(log = shared.describe, reason = failure.text(), "the change stream broke off");
            }
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = backoff.wait() => {}
        }
    }
}

async fn follow_once(shared: &Shared, backoff: &mut Backoff) -> Failure {
    let own_groups = format!("{}/", shared.node);
    let pipeline = [doc! { "$match": { "documentKey._id": LOG_HEAD } }];
    let mut changes = match shared.heads.watch().pipeline(pipeline).await {
        Ok(changes) => changes,
        Err(error) => return shared.failure(&error),
    };
    // What was committed before the change stream began is not in it.
    match shared.head().await {
        Ok(head) => shared.wake_for(head),
        Err(failure) => return failure,
    }
    backoff.reset();
    while let Some(change) = changes.next().await {
        match change {
            Ok(change) => wake(shared, &change, &own_groups),
            Err(error) => return shared.failure(&error),
        }
    }
    Failure::Away("the server ended the change stream".to_owned())
}

fn wake(shared: &Shared, change: &ChangeStreamEvent<RawDocumentBuf>, own_groups: &str) {
    let Some(update) = &change.update_description else {
        shared.announce(Tail::Wake, Position::START);
        return;
    };
    let own = update
        .updated_fields
        .get_str("group")
        .is_ok_and(|group| group.starts_with(own_groups));
    if own {
        return;
    }
    let position = update.updated_fields.get("position").and_then(Bson::as_i64);
    match position {
        Some(position) => shared.wake_for(Position::new(to_u64(position))),
        None => shared.announce(Tail::Wake, Position::START),
    }
}
