//! A note in the folder of the views: which rebuild was asked for and is not finished. After a crash or a stop the server
//! takes it up again.

use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::ViewsError;

/// A rebuild that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Which views, by the name they have together; `None`: all.
    pub unit: Option<String>,
    /// Events per second at most.
    pub max_rate: Option<NonZeroU32>,
    /// Whether it waits to be resumed.
    pub paused: bool,
    /// Who asked for it.
    pub by: String,
}

fn file(dir: &Path) -> PathBuf {
    dir.join("rebuild.json")
}

fn failed(path: &Path, error: &dyn ToString) -> ViewsError {
    ViewsError::Folder {
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}

impl Note {
    /// The note in the folder of the views, if there is one.
    pub fn read(dir: &Path) -> Result<Option<Self>, ViewsError> {
        let path = file(dir);
        match fs::read(&path) {
            Ok(content) => {
                let note = serde_json::from_slice(&content);
                note.map(Some).map_err(|error| failed(&path, &error))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&path, &error)),
        }
    }

    /// Written beside and renamed, so that nobody reads half of it.
    pub fn write(&self, dir: &Path) -> Result<(), ViewsError> {
        let path = file(dir);
        let fresh = path.with_extension("json.new");
        let content = serde_json::to_vec(self).map_err(|error| failed(&path, &error))?;
        fs::write(&fresh, content)
            .and_then(|()| fs::rename(&fresh, &path))
            .map_err(|error| failed(&path, &error))
    }

    /// Removes the note; nothing is wrong if there is none.
    pub fn remove(dir: &Path) -> Result<(), ViewsError> {
        let path = file(dir);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&path, &error)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(Note::read(dir.path()).expect("readable"), None);
        let note = Note {
            unit: Some("chat".to_owned()),
            max_rate: NonZeroU32::new(500),
            paused: true,
            by: "ann".to_owned(),
        };
        note.write(dir.path()).expect("written");
        assert_eq!(Note::read(dir.path()).expect("readable"), Some(note));
        for _ in 0..2 {
            Note::remove(dir.path()).expect("removed");
        }
        assert_eq!(Note::read(dir.path()).expect("readable"), None);
        fs::write(file(dir.path()), "half a no").expect("written");
        assert!(
            Note::read(dir.path()).is_err(),
            "what cannot be read is told"
        );
    }
}
