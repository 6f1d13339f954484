//! Reading a log beside the process that writes it.

use std::path::Path;
use std::sync::Arc;

use super::reader::Scan;
use super::schema;
use crate::error::{OpenError, ReadError};
use crate::{Chunks, Filter, LogId, Position};

/// Which log is in the file at `path`, and its events up to `upto`, which it has. Nothing is written, and whoever writes
/// the log goes on meanwhile.
pub fn read_beside(path: &Path, upto: Position) -> Result<(LogId, Chunks), OpenError> {
    let connection = schema::open_beside(path)?;
    let id = schema::identity(&connection).map_err(|error| {
        OpenError::Foreign(format!(
            "{} does not say which log it is: {error}",
            path.display()
        ))
    })?;
    let scan = Scan::log(Position::START, upto, Filter::default());
    let chunks = Box::pin(async_stream::stream! {
        let mut next = Some((connection, scan));
        while let Some((connection, scan)) = next.take() {
            let work = move || {
                let page = scan.page(&connection);
                (connection, page)
            };
            let (connection, page) = match tokio::task::spawn_blocking(work).await {
                Ok((connection, Ok(page))) => (connection, page),
                Ok((_, Err(error))) => {
                    yield Err(error);
                    return;
                }
                Err(_) => {
                    yield Err(ReadError::Closed);
                    return;
                }
            };
            next = page.rest.map(|rest| (connection, rest));
            if !page.events.is_empty() {
                yield Ok(Arc::from(page.events));
            }
        }
    });
    Ok((id, chunks))
}
