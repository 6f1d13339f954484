//! The last position a reactor is done with, in a small file of its own, and the events before it that it put off.
//!
//! The first line is the position; every further one is `later <position> <attempt> <due>`, due in milliseconds.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use domain::Timestamp;
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

/// An event that is to be tried again while later ones go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutOff {
    /// Which.
    pub position: Position,
    /// How often it was tried.
    pub attempt: u32,
    /// When it is to be tried next.
    pub due: Timestamp,
}

/// A reactor's place in the log. Moves are durable when they return.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    position: Position,
    put_off: Vec<PutOff>,
    fresh: bool,
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
        let (position, put_off, fresh) = match fs::read_to_string(&path) {
            Ok(text) => {
                let (position, put_off) =
                    parse(&text).ok_or_else(|| failed("is not a position".to_owned()))?;
                (position, put_off, false)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                (Position::START, Vec::new(), true)
            }
            Err(error) => return Err(failed(error.to_string())),
        };
        Ok(Self {
            path,
            position,
            put_off,
            fresh,
        })
    }

    /// Whether the reactor has never been anywhere.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// The event that was put off and is due first.
    pub fn next_due(&self) -> Option<PutOff> {
        self.put_off.iter().min_by_key(|event| event.due).copied()
    }

    /// How many events are put off.
    pub fn put_off(&self) -> usize {
        self.put_off.len()
    }

    /// The last position dealt with.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Moves on. A crash leaves either the old place or the new one, never half of it.
    pub fn advance(&mut self, position: Position) -> Result<(), CheckpointError> {
        self.keep(position, self.put_off.clone())
    }

    /// Moves on past an event that is to be tried again, or puts one off once more that was put off before.
    pub fn advance_later(
        &mut self,
        position: Position,
        event: PutOff,
    ) -> Result<(), CheckpointError> {
        let mut put_off = self.without(event.position);
        put_off.push(event);
        self.keep(position, put_off)
    }

    /// An event that was put off is done with.
    pub fn settle(&mut self, position: Position) -> Result<(), CheckpointError> {
        self.keep(self.position, self.without(position))
    }

    fn without(&self, position: Position) -> Vec<PutOff> {
        let others = self
            .put_off
            .iter()
            .filter(|event| event.position != position);
        others.copied().collect()
    }

    fn keep(&mut self, position: Position, put_off: Vec<PutOff>) -> Result<(), CheckpointError> {
        self.write(position, &put_off)
            .map_err(|error| CheckpointError {
                path: self.path.clone(),
                reason: error.to_string(),
            })?;
        self.position = position;
        self.put_off = put_off;
        self.fresh = false;
        Ok(())
    }

    fn write(&self, position: Position, put_off: &[PutOff]) -> std::io::Result<()> {
        let fresh = self.path.with_extension("new");
        let mut text = format!("{position}\n");
        for event in put_off {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "later {} {} {}",
                event.position,
                event.attempt,
                event.due.as_millis()
            );
        }
        let mut file = File::create(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        // The rename itself is durable only with its folder.
        match self.path.parent() {
            Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    }
}

fn parse(text: &str) -> Option<(Position, Vec<PutOff>)> {
    let mut lines = text.trim().lines();
    let position = lines.next()?.trim().parse().map(Position::new).ok()?;
    let put_off = lines.map(|line| {
        let mut words = line.split_whitespace();
        if words.next()? != "later" {
            return None;
        }
        Some(PutOff {
            position: words.next()?.parse().map(Position::new).ok()?,
            attempt: words.next()?.parse().ok()?,
            due: words.next()?.parse().map(Timestamp::from_millis).ok()?,
        })
    });
    Some((position, put_off.collect::<Option<_>>()?))
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
    fn what_was_put_off_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Checkpoint::open(folder.path(), "mail").unwrap();
        let put_off = |position, attempt, due| PutOff {
            position: Position::new(position),
            attempt,
            due: Timestamp::from_millis(due),
        };
        let mut checkpoint = open();
        assert!(checkpoint.is_fresh());
        checkpoint
            .advance_later(Position::new(3), put_off(3, 1, 50))
            .unwrap();
        checkpoint
            .advance_later(Position::new(5), put_off(5, 1, 40))
            .unwrap();
        assert_eq!(open().next_due(), Some(put_off(5, 1, 40)));
        checkpoint
            .advance_later(Position::new(5), put_off(5, 2, 90))
            .unwrap();
        assert_eq!(open().next_due(), Some(put_off(3, 1, 50)));
        checkpoint.settle(Position::new(3)).unwrap();
        let again = open();
        assert_eq!(
            (again.position(), again.put_off(), again.next_due()),
            (Position::new(5), 1, Some(put_off(5, 2, 90)))
        );
        assert!(!again.is_fresh());
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
