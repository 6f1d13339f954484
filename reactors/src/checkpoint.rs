//! The last position a reactor is done with, in a small file of its own.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use eventstore::Position;

/// Why a checkpoint cannot be read or moved.
#[derive(Debug, thiserror::Error)]
#[error("reactor checkpoint {}: {reason}", path.display())]
pub struct CheckpointError {
    /// Which file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// A reactor's place in the log. Moves are durable when they return.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    position: Position,
}

impl Checkpoint {
    /// Opens the checkpoint of the reactor of that name; a new one stands before the first event.
    pub fn open(folder: &Path, reactor: &str) -> Result<Self, CheckpointError> {
        let path = folder.join(format!("{reactor}.checkpoint"));
        let failed = |reason: String| CheckpointError {
            path: path.clone(),
            reason,
        };
        fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
        let position = match fs::read_to_string(&path) {
            Ok(text) => text
                .trim()
                .parse()
                .map(Position::new)
                .map_err(|_| failed("is not a position".to_owned()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Position::START,
            Err(error) => return Err(failed(error.to_string())),
        };
        Ok(Self { path, position })
    }

    /// The last position dealt with.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Moves on. A crash leaves either the old place or the new one, never half of it.
    pub fn advance(&mut self, position: Position) -> Result<(), CheckpointError> {
        self.write(position).map_err(|error| CheckpointError {
            path: self.path.clone(),
            reason: error.to_string(),
        })?;
        self.position = position;
        Ok(())
    }

    fn write(&self, position: Position) -> std::io::Result<()> {
        let fresh = self.path.with_extension("new");
        let mut file = File::create(&fresh)?;
        writeln!(file, "{position}")?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        // The rename itself is durable only with its folder.
        match self.path.parent() {
            Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut checkpoint = Checkpoint::open(folder.path(), "mail").unwrap();
        assert_eq!(checkpoint.position(), Position::START);
        checkpoint.advance(Position::new(7)).unwrap();
        assert_eq!(
            Checkpoint::open(folder.path(), "mail").unwrap().position(),
            Position::new(7)
        );
        assert_eq!(
            Checkpoint::open(folder.path(), "push").unwrap().position(),
            Position::START
        );
    }

    #[test]
    fn a_damaged_checkpoint_is_an_error_and_not_a_fresh_start() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mail.checkpoint"), "seven").unwrap();
        let error = Checkpoint::open(folder.path(), "mail")
            .unwrap_err()
            .to_string();
        assert!(error.contains("mail.checkpoint"), "{error}");
    }
}
