//! What became of the folder of an export.

use std::io;
use std::path::{Path, PathBuf};

use domain::audit::Shown;
use serde::{Deserialize, Serialize};

/// Why a folder cannot be written into.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum FolderError {
    #[error(
        "{0} is not empty; choose a folder that is, or one that is not there yet (or, for an export that was \
             interrupted, say --resume)"
    )]
    NotEmpty(PathBuf),
    #[error("{0} has no export that was interrupted")]
    NothingToResume(PathBuf),
    #[error("the export in {0} is complete")]
    Complete(PathBuf),
    #[error("another process is writing into {0}")]
    Taken(PathBuf),
    #[error("{path}: {needed} bytes of the disk must be free to begin or go on, and {free} are")]
    NoRoom {
        path: PathBuf,
        needed: u64,
        free: u64,
    },
    #[error("{0}: the disk is full")]
    Full(PathBuf),
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error("files could not be brought to the disk")]
    NotSynced,
    #[error("the export did not come in the order it must have")]
    OutOfOrder,
    #[error(
        "{0}: what is noted of the export names files outside of it; begin another in another folder"
    )]
    Foreign(PathBuf),
}

impl FolderError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(path),
            _ => Self::Io { path, error },
        }
    }

    /// Whether it would do if there were more room on the disk.
    pub fn is_for_want_of_room(&self) -> bool {
        matches!(self, Self::NoRoom { .. } | Self::Full(_))
    }

    /// Whether another folder is to be named.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NotEmpty(_) | Self::NothingToResume(_) | Self::Complete(_) | Self::Foreign(_)
        )
    }
}

/// What an export came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Finished {
    pub files: u64,
    pub bytes: u64,
    /// Events, or lines of conversations.
    pub results: u64,
}

/// An export of which all files are on the disk, and what is to be recorded of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Filled {
    pub finished: Finished,
    /// Private rooms and direct messages are in it too.
    pub private_rooms: bool,
    /// What this part of it is recorded as, if it is.
    pub reading: Option<String>,
    /// What was shown since it began, or went on.
    pub shown: Shown,
}
