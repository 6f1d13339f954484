//! The name of exports that follow one another, for as long as one of them is made: two at a time would begin at the same place.

use super::attempt::blocking;
use super::claims::Claim;
use super::kept;
use super::outcome::FolderError;
use crate::error::{Error, Refusal};
use crate::workspace::Workspace;

impl Claim {
    /// Claims the name of an export, if it has one. It is refused while another of that name is made, or waits to be. One that
    /// a killed process made is not: nothing keeps its name.
    pub async fn of(workspace: &Workspace, name: Option<&str>) -> Result<Self, Error> {
        let queue = workspace.exports();
        let taken = || Refusal::ExportNameTaken(name.unwrap_or_default().to_owned());
        let claim = queue.claims.claim(name).ok_or_else(taken)?;
        let (Some(name), Some(folder)) = (name, queue.folder.clone()) else {
            return Ok(claim);
        };
        // What is asked for of the server claims in memory before it is noted there: so nobody slips in between.
        let jobs = blocking(move || {
            let jobs = kept::read_all(&folder);
            jobs.map_err(|error| FolderError::io(&folder, error))
        });
        let log = workspace.executor().store().id();
        let waits = jobs.await?.iter().any(|job| {
            let order = &job.begun.order;
            job.ended.is_none() && order.name.as_deref() == Some(name) && order.is_of(log)
        });
        if waits {
            return Err(taken().into());
        }
        Ok(claim)
    }
}
