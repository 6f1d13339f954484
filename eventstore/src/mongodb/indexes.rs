//! Indexes for people who query the events in the database themselves: by room, by actor and by type, each in the
//! order of the log. (By position, stream and time the log has indexes for itself.)
//!
//! They are made while the log is in use already. On a long log that takes the server a while, and it waits for every
//! voting member of the replica set; nothing that Hansard does depends on them.

use std::sync::Arc;
use std::time::Duration;

use ::mongodb::IndexModel;
use ::mongodb::bson::{Document, doc};
use ::mongodb::options::IndexOptions;

use super::failure::Failure;
use super::shared::{Backoff, Shared};

/// Makes those indexes that are not there. Tries until it succeeds or is refused, or the log is closed.
pub(super) async fn make(shared: Arc<Shared>) {
    let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
    loop {
        let made = tokio::select! {
            () = shared.stop.cancelled() => return,
            made = shared.events.create_indexes(models()) => made,
        };
        match made.map_err(|error| shared.failure(&error)) {
            Ok(_) | Err(Failure::Closed) => return,
            Err(Failure::Away(reason) | Failure::Contended(reason)) => {
                tracing::debug!(
                    log = shared.describe,
                    reason,
                    "the indexes are not made yet"
                );
            }
            Err(failure) => {
                tracing::warn!(
                    log = shared.describe,
                    reason = failure.text(),
                    "the indexes by room, actor and type cannot be made: queries of one's own may be slow"
                );
                return;
            }
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = backoff.wait() => {}
        }
    }
}

fn models() -> [IndexModel; 3] {
    // Only events that name a room. A condition on the value, because that is one that a query for a value is known to
    // fulfil by every server.
    let with_room = doc! { "data.room": { "$gte": "" } };
    [
        model("room", "data.room", Some(with_room)),
        model("actor", "actor", None),
        model("type", "type", None),
    ]
}

fn model(name: &str, field: &str, only: Option<Document>) -> IndexModel {
    let options = IndexOptions::builder()
        .name(name.to_owned())
        .partial_filter_expression(only)
        .build();
    IndexModel::builder()
        .keys(doc! { field: 1, "position": 1 })
        .options(options)
        .build()
}
