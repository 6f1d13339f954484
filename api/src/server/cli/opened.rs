//! The data folder that a command finds: to write it, or only to read what is in it.

use std::path::Path;
use std::sync::Arc;

use eventstore::EventStore;

use super::elsewhere::{self, Copied, ReadOnly};
use super::{open_log, workspace};
use crate::server::config::Config;
use crate::server::control::Failure;
use crate::server::data_dir::{DataDir, DataDirError};

/// A data folder that is ours to read: itself, or a copy of one that cannot be written.
pub(super) struct ToRead {
    /// To read it with.
    pub config: Config,
    place: Place,
}

enum Place {
    Itself(DataDir),
    Copy {
        of: Copied,
        /// Why it cannot be written.
        why: String,
    },
}

impl ToRead {
    /// What is read.
    pub(super) fn folder(&self) -> &DataDir {
        match &self.place {
            Place::Itself(folder) => folder,
            Place::Copy { of, .. } => &of.folder,
        }
    }

    /// Where it comes from: has what is not copied.
    pub(super) fn original(&self) -> &DataDir {
        match &self.place {
            Place::Itself(folder) => folder,
            Place::Copy { of, .. } => &of.original,
        }
    }

    pub(super) fn is_copy(&self) -> bool {
        matches!(self.place, Place::Copy { .. })
    }

    /// The log; one in a copy takes nothing.
    pub(super) async fn log(&self) -> Result<Arc<dyn EventStore>, Failure> {
        let log = open_log(&self.config, self.folder()).await?;
        Ok(match &self.place {
            Place::Copy { why, .. } if self.config.mongo_url.is_none() => {
                Arc::new(ReadOnly::new(log, why.clone()))
            }
            Place::Copy { .. } | Place::Itself(_) => log,
        })
    }
}

/// The data folder, to read it. `None`: a server has it, which is to be asked.
pub(super) async fn to_read(config: &Config) -> Result<Option<ToRead>, Failure> {
    let (folder, why) = match workspace(config).await {
        Ok(folder) => {
            let why = folder.refuses_writing().map(|error| error.to_string());
            (folder, why)
        }
        Err(DataDirError::Unusable { reason, path }) => match DataDir::take_unwritten(&path) {
            Some(folder) if config.mongo_url.is_some() || folder.log().exists() => {
                (folder, Some(reason))
            }
            _ => return Err(DataDirError::Unusable { reason, path }.to_string().into()),
        },
        Err(DataDirError::InUse { .. }) => return Ok(None),
        Err(error) => return Err(error.to_string().into()),
    };
    let Some(why) = why else {
        let (config, place) = (config.clone(), Place::Itself(folder));
        return Ok(Some(ToRead { config, place }));
    };
    let reason = why.clone();
    let copied = tokio::task::spawn_blocking(move || elsewhere::copy(folder, &reason));
    let of = copied.await.map_err(|error| error.to_string())??;
    Ok(Some(ToRead {
        config: of.config(config),
        place: Place::Copy { of, why },
    }))
}

/// The data folder, to write it. `None`: a server has it, which is to be asked.
pub(super) async fn to_write(config: &Config) -> Result<Option<DataDir>, Failure> {
    match workspace(config).await {
        Ok(folder) => match folder.refuses_writing() {
            Some(error) => Err(unwritable(folder.path(), &error.to_string())),
            None => Ok(Some(folder)),
        },
        Err(DataDirError::InUse { .. }) => Ok(None),
        Err(DataDirError::Unusable { path, reason }) => Err(unwritable(&path, &reason)),
        Err(error) => Err(error.to_string().into()),
    }
}

fn unwritable(folder: &Path, reason: &str) -> Failure {
    format!(
        "this changes the data folder {}, which cannot be written: {reason}",
        folder.display()
    )
    .into()
}
