//! The name of exports that follow one another, for as long as one of them is made: two at a time would begin at the same place.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;

use super::attempt::blocking;
use super::kept;
use super::outcome::FolderError;
use crate::error::{Error, Refusal};
use crate::workspace::Workspace;

/// The names that this process makes exports of now, beside those that wait in the folder of exports.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims(Arc<Mutex<HashSet<String>>>);

/// A name that is nobody else's until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Claim {
    claims: Claims,
    /// `None`: the export follows no other.
    name: Option<String>,
}

impl Claims {
    /// `None`: somebody has the name.
    fn claim(&self, name: Option<&str>) -> Option<Claim> {
        let name = name.map(str::to_owned);
        if let Some(name) = &name
            && !self.0.lock().insert(name.clone())
        {
            return None;
        }
        let claims = self.clone();
        Some(Claim { claims, name })
    }
}

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

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            self.claims.0.lock().remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_exports_until_that_is_done() {
        let claims = Claims::default();
        let first = claims.claim(Some("nightly"));
        assert!(first.is_some(), "nobody had it");
        assert!(claims.claim(Some("nightly")).is_none(), "now somebody has");
        assert!(claims.claim(Some("weekly")).is_some(), "another is free");
        let unnamed = [claims.claim(None), claims.claim(None)];
        assert!(unnamed.iter().all(Option::is_some), "what follows nothing");
        drop(first);
        assert!(claims.claim(Some("nightly")).is_some(), "it is given back");
    }
}
