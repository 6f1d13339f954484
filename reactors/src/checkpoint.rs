//! The last position a reactor is done with, in a small file of its own, and the earlier events that it put off.
//!
//! The first line is the place, `<position> <log> <leaf>`; every further line is `later <position> <attempt> <due>`,
//! with `due` in milliseconds. Files of earlier versions have only the position.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use domain::Timestamp;
use eventstore::place::{leaf_from_hex, leaf_hex};
use eventstore::{Place, Position};

/// Why a checkpoint cannot be read or moved.
#[derive(Debug, thiserror::Error)]
#[error("reactor checkpoint {}: {reason}", path.display())]
pub struct CheckpointError {
    pub path: PathBuf,
    pub reason: String,
}

/// An event that is to be tried again while later ones go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutOff {
    pub position: Position,
    /// How often it was tried.
    pub attempt: u32,
    pub due: Timestamp,
}

/// Where a reactor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has never processed anything.
    Fresh,
    /// At this position, of a log that the file does not name: the file is of an earlier version.
    Unnamed(Position),
    At(Place),
}

impl Standing {
    /// The last position dealt with.
    pub fn position(self) -> Position {
        match self {
            Self::Fresh => Position::START,
            Self::Unnamed(position) => position,
            Self::At(place) => place.position,
        }
    }
}

/// A reactor's place in the log. Moves are durable when they return.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    standing: Standing,
    put_off: Vec<PutOff>,
}

impl Checkpoint {
    /// Opens the checkpoint of the reactor with that name; a new one is before the first event.
    pub fn open(folder: &Path, reactor: &str) -> Result<Self, CheckpointError> {
        let path = folder.join(format!("{reactor}.checkpoint"));
        let failed = |reason: String| CheckpointError {
            path: path.clone(),
            reason,
        };
        fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
        let (standing, put_off) = match fs::read_to_string(&path) {
            Ok(text) => parse(&text).ok_or_else(|| failed("is not a place in a log".to_owned()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                (Standing::Fresh, Vec::new())
            }
            Err(error) => return Err(failed(error.to_string())),
        };
        Ok(Self {
            path,
            standing,
            put_off,
        })
    }

    /// Whether the reactor has never processed anything.
    pub fn is_fresh(&self) -> bool {
        self.standing == Standing::Fresh
    }

    pub fn standing(&self) -> Standing {
        self.standing
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
        self.standing.position()
    }

    /// Moves on. A crash leaves either the old place or the new one, never half of it.
    pub fn advance(&mut self, place: Place) -> Result<(), CheckpointError> {
        self.keep(Standing::At(place), self.put_off.clone())
    }

    /// Starts over at another place, which may be in another log: events that were put off are forgotten.
    pub fn reset(&mut self, place: Place) -> Result<(), CheckpointError> {
        self.keep(Standing::At(place), Vec::new())
    }

    /// Moves on past an event that is to be tried again, or puts one off again.
    pub fn advance_later(&mut self, place: Place, event: PutOff) -> Result<(), CheckpointError> {
        let mut put_off = self.without(event.position);
        put_off.push(event);
        self.keep(Standing::At(place), put_off)
    }

    /// Forgets an event that was put off and is now dealt with.
    pub fn settle(&mut self, position: Position) -> Result<(), CheckpointError> {
        self.keep(self.standing, self.without(position))
    }

    fn without(&self, position: Position) -> Vec<PutOff> {
        let others = self
            .put_off
            .iter()
            .filter(|event| event.position != position);
        others.copied().collect()
    }

    fn keep(&mut self, standing: Standing, put_off: Vec<PutOff>) -> Result<(), CheckpointError> {
        self.write(standing, &put_off)
            .map_err(|error| CheckpointError {
                path: self.path.clone(),
                reason: error.to_string(),
            })?;
        self.standing = standing;
        self.put_off = put_off;
        Ok(())
    }

    fn write(&self, standing: Standing, put_off: &[PutOff]) -> std::io::Result<()> {
        let fresh = self.path.with_extension("new");
        let mut text = match standing {
            Standing::At(place) => {
                format!(
                    "{} {} {}\n",
                    place.position,
                    place.log,
                    leaf_hex(&place.leaf)
                )
            }
            other => format!("{}\n", other.position()),
        };
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

fn parse(text: &str) -> Option<(Standing, Vec<PutOff>)> {
    let mut lines = text.trim().lines();
    let mut words = lines.next()?.split_whitespace();
    let position = words.next()?.parse().map(Position::new).ok()?;
    let standing = match (words.next(), words.next(), words.next()) {
        (None, ..) => Standing::Unnamed(position),
        (Some(log), Some(leaf), None) => Standing::At(Place {
            log: log.parse().ok()?,
            position,
            leaf: leaf_from_hex(leaf).ok()?,
        }),
        _ => return None,
    };
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
    Some((standing, put_off.collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use eventstore::LogId;

    use super::*;

    fn at(position: u64) -> Place {
        Place {
            log: LogId::from_bytes([9; 16]),
            position: Position::new(position),
            leaf: [3; 32],
        }
    }

    #[test]
    fn a_file_without_the_name_of_its_log_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mail.checkpoint");
        fs::write(&file, "7\nlater 3 1 50\n").unwrap();
        let mut checkpoint = Checkpoint::open(folder.path(), "mail").unwrap();
        assert_eq!(checkpoint.standing(), Standing::Unnamed(Position::new(7)));
        checkpoint.advance(at(7)).unwrap();
        let named = Checkpoint::open(folder.path(), "mail").unwrap();
        assert_eq!(named.standing(), Standing::At(at(7)));
        assert_eq!(named.put_off(), 1, "what was put off stays");
    }

    #[test]
    fn a_checkpoint_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut checkpoint = Checkpoint::open(folder.path(), "mail").unwrap();
        assert_eq!(checkpoint.position(), Position::START);
        checkpoint.advance(at(7)).unwrap();
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
        checkpoint.advance_later(at(3), put_off(3, 1, 50)).unwrap();
        checkpoint.advance_later(at(5), put_off(5, 1, 40)).unwrap();
        assert_eq!(open().next_due(), Some(put_off(5, 1, 40)));
        checkpoint.advance_later(at(5), put_off(5, 2, 90)).unwrap();
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
        for text in ["seven", "7 a b", "7 09090909090909090909090909090909", ""] {
            fs::write(folder.path().join("mail.checkpoint"), text).unwrap();
            let error = Checkpoint::open(folder.path(), "mail")
                .unwrap_err()
                .to_string();
            assert!(error.contains("mail.checkpoint"), "{error}");
        }
    }
}
