//! A log that is made of the events of another one, as they are.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::row::{self, INSERT};
use super::schema;
use crate::event::{Position, RecordedEvent};
use crate::place::LogId;

/// Why a copy cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The file cannot be written: the disk is full, for example.
    #[error("{} cannot be written: {reason}", path.display())]
    File {
        /// The file of the copy.
        path: PathBuf,
        /// What the system or the database says.
        reason: String,
    },
    /// An event does not come directly after the one before it.
    #[error("the log has a gap: position {found} comes after position {after}")]
    Gap {
        /// The last position that was copied.
        after: Position,
        /// The position that came then.
        found: Position,
    },
}

/// A new log in a file, which takes events with everything that was recorded of them: ids, positions, versions, times,
/// leaves. It has an identity of its own.
///
/// Until [`Self::finish`] the file is no log, and nothing in it is safe.
pub struct LogCopy {
    path: PathBuf,
    id: LogId,
    connection: Connection,
    last: Position,
}

impl LogCopy {
    /// Makes the file, which must not be there, and which only its owner may read.
    pub fn create(path: &Path) -> Result<Self, CopyError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        drop(options.open(path).map_err(|error| failed(path, &error))?);
        let (connection, id) =
            schema::create_to_fill(path).map_err(|error| failed(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            id,
            connection,
            last: Position::START,
        })
    }

    /// Adds events, of which the first comes directly after the last one added. Blocks.
    pub fn add(&mut self, events: &[RecordedEvent]) -> Result<(), CopyError> {
        let failed = |error| failed(&self.path, &error);
        let mut insert = self.connection.prepare_cached(INSERT).map_err(failed)?;
        for event in events {
            if event.position != self.last.next() {
                return Err(CopyError::Gap {
                    after: self.last,
                    found: event.position,
                });
            }
            row::insert(&mut insert, event).map_err(failed)?;
            self.last = event.position;
        }
        Ok(())
    }

    /// Makes the file a log that survives a crash of the machine. Blocks; returns which log it is.
    pub fn finish(self) -> Result<LogId, CopyError> {
        let path = &self.path;
        schema::complete(&self.connection).map_err(|error| failed(path, &error))?;
        let closed = self.connection.close();
        closed.map_err(|(_, error)| failed(path, &error))?;
        let synced = File::open(path).and_then(|file| file.sync_all());
        synced.map_err(|error| failed(path, &error))?;
        Ok(self.id)
    }
}

fn failed(path: &Path, error: &dyn std::error::Error) -> CopyError {
    CopyError::File {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}
