//! Reading the events at chosen positions.

use std::collections::HashMap;

use ::mongodb::bson::doc;

use super::document::to_i64;
use super::read::{self, Stop};
use super::shared::Shared;
use crate::picked::{self, Picked};
use crate::store::BYTES_AT_ONCE;
use crate::{Position, ReadError, RecordedEvent};

/// The events at `positions`, in that order, up to the bounds of one answer.
pub(super) async fn events(
    shared: &Shared,
    positions: Vec<Position>,
) -> Result<Vec<RecordedEvent>, Stop> {
    // The head comes first: what is missing below it is missing for good.
    let mut wanted = picked::within(positions, shared.head().await?);
    loop {
        let found = find(shared, &wanted).await?;
        let mut answer = Picked::default();
        for event in wanted.iter().map_while(|wanted| found.events.get(wanted)) {
            answer.push(event.clone());
            if answer.is_full() {
                return Ok(answer.into_events());
            }
        }
        match wanted.get(answer.len()) {
            Some(missing) if found.all => {
                return Err(Stop::Read(ReadError::Damaged {
                    position: missing.get(),
                    reason: "no event is there".to_owned(),
                }));
            }
            // Of a list out of order, too much was found before what it begins with.
            Some(_) if answer.len() == 0 => wanted.truncate(wanted.len() / 2),
            _ => return Ok(answer.into_events()),
        }
    }
}

/// Some of the events that were looked for.
struct Found {
    events: HashMap<Position, RecordedEvent>,
    /// There are no more of them than these.
    all: bool,
}

/// Looks for the events at `wanted` in the direction the list goes, until their data are as large as they may be.
async fn find(shared: &Shared, wanted: &[Position]) -> Result<Found, Stop> {
    let mut events = HashMap::new();
    if wanted.is_empty() {
        return Ok(Found { events, all: true });
    }
    let direction = if wanted.first() <= wanted.last() {
        1
    } else {
        -1
    };
    let places: Vec<i64> = wanted.iter().map(|wanted| to_i64(wanted.get())).collect();
    let mut cursor = shared
        .events
        .find(doc! { "position": { "$in": places } })
        .sort(doc! { "position": direction })
        .await
        .map_err(|error| shared.failure(&error))?;
    let mut bytes = 0;
    while bytes < BYTES_AT_ONCE {
        if !cursor
            .advance()
            .await
            .map_err(|error| shared.failure(&error))?
        {
            return Ok(Found { events, all: true });
        }
        let event = read::event(cursor.current())?;
        bytes += event.data.len();
        events.insert(event.position, event);
    }
    Ok(Found { events, all: false })
}
