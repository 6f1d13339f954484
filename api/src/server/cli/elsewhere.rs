//! Reading a data folder that cannot be written: its disk is full, or is to be read only.
//!
//! Views have to be brought up to the log before they answer, which writes. So both are copied to where there is room, and
//! the copy is read. What it is asked is not recorded: nothing that is written to a copy stays.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use domain::{StreamId, Timestamp};
use eventstore::{
    AppendError, Appended, Batch, Chunks, EventStore, Filter, Health, LogId, Place, Position,
    ReadError, RecordedEvent, Tail, Version,
};
use futures::future::BoxFuture;
use tempfile::TempDir;
use tokio::sync::{broadcast, watch};

use crate::server::data_dir::{DataDir, Holder};

/// A copy of a data folder, which is gone when this is dropped.
pub struct Copied {
    /// What was copied: nobody writes it meanwhile.
    _original: DataDir,
    /// What is read.
    pub folder: DataDir,
    _scratch: TempDir,
}

/// Ends of the names of files that mean something to the process that made them only.
const PASSING: [&str; 3] = ["-shm", ".lock", ".new"];

/// Copies what is read of a data folder to where temporary files are kept. `why`: it cannot be written. Blocks.
pub fn copy(original: DataDir, why: &str) -> Result<Copied, String> {
    let at = std::env::temp_dir();
    let copied = TempDir::with_prefix_in("hansard-", &at).and_then(|scratch| {
        copy_files(&original, scratch.path())?;
        Ok(scratch)
    });
    let scratch = copied.map_err(|error| {
        format!(
            "the data folder cannot be written ({why}), and a copy of it to read cannot be made in {}: {error}; \
             set TMPDIR to a folder on a disk with room",
            at.display()
        )
    })?;
    let folder = DataDir::take(scratch.path(), Holder::Command);
    Ok(Copied {
        _original: original,
        folder: folder.map_err(|error| error.to_string())?,
        _scratch: scratch,
    })
}

fn copy_files(original: &DataDir, to: &Path) -> io::Result<()> {
    let (log, key) = (original.log(), original.secret_key());
    let mut written_ahead = log.clone().into_os_string();
    written_ahead.push("-wal");
    for file in [&log, Path::new(&written_ahead), &key] {
        if let Some(name) = file.file_name().filter(|_| file.exists()) {
            fs::copy(file, to.join(name))?;
        }
    }
    let views = original.views();
    let Some(name) = views.file_name().filter(|_| views.exists()) else {
        return Ok(());
    };
    let to = to.join(name);
    fs::create_dir(&to)?;
    for entry in fs::read_dir(&views)? {
        let entry = entry?;
        let name = entry.file_name();
        let text = name.to_string_lossy();
        if entry.path().is_file() && !PASSING.iter().any(|end| text.ends_with(end)) {
            fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}

/// A log that is read, and takes nothing.
pub struct ReadOnly {
    inner: Arc<dyn EventStore>,
    why: String,
}

impl ReadOnly {
    /// `why`: it cannot be written.
    pub fn new(inner: Arc<dyn EventStore>, why: String) -> Self {
        Self { inner, why }
    }
}

impl EventStore for ReadOnly {
    fn append(&self, _: Batch) -> BoxFuture<'_, Result<Appended, AppendError>> {
        let refused = AppendError::Unavailable(self.why.clone());
        Box::pin(async { Err(refused) })
    }

    fn read_stream(&self, stream: &StreamId, from: Version) -> Chunks {
        self.inner.read_stream(stream, from)
    }

    fn read_all(&self, after: Position, filter: Filter) -> Chunks {
        self.inner.read_all(after, filter)
    }

    fn read_at(
        &self,
        positions: Vec<Position>,
    ) -> BoxFuture<'_, Result<Vec<RecordedEvent>, ReadError>> {
        self.inner.read_at(positions)
    }

    fn first_since(&self, time: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.first_since(time)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.head()
    }

    fn id(&self) -> LogId {
        self.inner.id()
    }

    fn place(&self, at: Position) -> BoxFuture<'_, Result<Option<Place>, ReadError>> {
        self.inner.place(at)
    }

    fn generation(&self) -> u64 {
        self.inner.generation()
    }

    fn tail(&self) -> broadcast::Receiver<Tail> {
        self.inner.tail()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.inner.health()
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}
