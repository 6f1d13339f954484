//! Reading a log beside the nodes that write it.

use std::sync::Arc;

use super::MongoOptions;
use super::connect::{self, Access};
use super::read;
use super::shared::Shared;
use crate::{Chunks, Filter, LogId, OpenError, Position};

/// Which log is in the database that `url` names, and its events from the first to the last there is when the answer is
/// read. Nothing is written.
pub async fn read_beside(url: &str, options: MongoOptions) -> Result<(LogId, Chunks), OpenError> {
    let connected = connect::connect(url, &options, Access::ReadOnly).await?;
    let id = connected.id;
    // None of the tasks of a log is started.
    let shared = Arc::new(Shared::new(connected, options));
    let chunks = read::all(shared, Position::START, Filter::default());
    Ok((id, chunks))
}
