//! The events that a search of the record finds, for answers that are made of all of them.

use eventstore::{Position, RecordedEvent};
use projections::RecordQuery;

use crate::error::Error;
use crate::workspace::Workspace;

/// How many events are read at once.
const CHUNK: usize = 1_000;

/// A search of a range of positions, both ends but the first included.
pub(crate) fn within(after: Position, upto: Position) -> RecordQuery {
    RecordQuery {
        after,
        upto: Some(upto),
        limit: CHUNK,
        ..RecordQuery::default()
    }
}

/// Gives everything that is found to `with`, the oldest first.
pub(crate) async fn each(
    workspace: &Workspace,
    mut query: RecordQuery,
    mut with: impl FnMut(&[RecordedEvent]),
) -> Result<(), Error> {
    loop {
        let (events, next) = part(workspace, &query).await?;
        with(&events);
        match next {
            Some(next) => query.after = next,
            None => return Ok(()),
        }
    }
}

/// The first events that are found, and where to go on if there are more.
pub(crate) async fn part(
    workspace: &Workspace,
    query: &RecordQuery,
) -> Result<(Vec<RecordedEvent>, Option<Position>), Error> {
    let found = workspace.views().search_record(query.clone()).await?;
    let asked_for = found.positions.len();
    let log = workspace.executor().store();
    let events = log.read_at(found.positions).await?;
    let more = found.more || events.len() < asked_for;
    let last = events.last().map(|event| event.position);
    Ok((events, last.filter(|_| more)))
}
