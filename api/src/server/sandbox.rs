//! Data folders that are sandboxes: what marks them, and how whoever uses one is told.
//!
//! The mark is a file of the folder. It is there before anything else is, and says at last that the copy is whole: what was
//! interrupted is never served, and what is served is never taken for the workspace itself.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use application::dates::{from_iso, iso};
use application::ids::now;
use application::sandbox::Sandbox;
use axum::http::{HeaderName, HeaderValue};
use eventstore::{LogId, Position};
use serde::{Deserialize, Serialize};

use crate::server::data_dir::DataDir;
use crate::server::program;

/// The mark of a folder.
const MARK: &str = "replay.json";

/// The header that every answer of a sandbox has.
const HEADER: HeaderName = HeaderName::from_static("x-hansard-replay");

/// Why a folder can be used for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    #[error(
        "the copy in {} was interrupted before it was whole: remove the folder, and make it again with `{} replay`",
        .0.display(),
        program::name()
    )]
    Unfinished(PathBuf),
    #[error(
        "the copy in {} is being made now: wait for that command to end, or end it",
        .0.display()
    )]
    BeingMade(PathBuf),
    #[error("{} cannot be read, which says what the folder is a copy of: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Unfinished,
    Whole,
}

#[derive(Serialize, Deserialize)]
struct Mark {
    state: State,
    log: String,
    position: Position,
    time: String,
    made: String,
    /// The version of the program that made it.
    program: String,
}

/// What a folder is a copy of; `None`: it is none.
pub fn found(folder: &Path) -> Result<Option<Sandbox>, SandboxError> {
    let path = folder.join(MARK);
    let unreadable = |reason: String| SandboxError::Unreadable {
        path: path.clone(),
        reason,
    };
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        // Whoever may not enter the folder is told that when they do.
        Err(_) if fs::metadata(folder.join(".")).is_err() => return Ok(None),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    let mark: Mark =
        serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
    if mark.state == State::Unfinished && DataDir::is_taken(folder) {
        return Err(SandboxError::BeingMade(folder.to_owned()));
    }
    if mark.state == State::Unfinished {
        return Err(SandboxError::Unfinished(folder.to_owned()));
    }
    let time = from_iso(&mark.time);
    let log = mark.log.parse::<LogId>();
    Ok(Some(Sandbox {
        of: log.map_err(|error| unreadable(error.to_string()))?,
        position: mark.position,
        time: time.ok_or_else(|| unreadable("its time is none".to_owned()))?,
    }))
}

/// Marks a folder. On the disk there is the old mark or the new one, whatever happens.
pub fn mark(folder: &Path, sandbox: &Sandbox, state: State) -> std::io::Result<()> {
    let mark = Mark {
        state,
        log: sandbox.of.to_string(),
        position: sandbox.position,
        time: iso(sandbox.time),
        made: iso(now()),
        program: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let content = serde_json::to_vec_pretty(&mark).map_err(std::io::Error::other)?;
    let [path, fresh] = files(folder);
    write_private(&fresh, &content)?;
    fs::rename(fresh, path)?;
    File::open(folder)?.sync_all()
}

/// The file that marks a folder, and the one that is there while it is written.
pub fn files(folder: &Path) -> [PathBuf; 2] {
    let mark = folder.join(MARK);
    let fresh = mark.with_extension("new");
    [mark, fresh]
}

/// Writes a file that only its owner may read, and syncs it.
pub fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// What the person at the terminal is told, on lines of their own.
pub fn told(sandbox: &Sandbox) -> String {
    format!("{sandbox}.\n{}.\n", Sandbox::CAUTION)
}

/// What every answer has by which the server says what it is a copy of.
pub fn header(sandbox: &Sandbox) -> Option<(HeaderName, HeaderValue)> {
    // Digits, letters and what is in a time: there always is one.
    let value = HeaderValue::from_str(&sandbox.moment()).ok()?;
    Some((HEADER, value))
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    #[test]
    fn a_folder_is_what_its_mark_says() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path();
        assert_eq!(found(folder), Ok(None), "without a mark it is no sandbox");
        assert_eq!(found(&folder.join("not/there")), Ok(None));
        let sandbox = Sandbox {
            of: LogId::from_bytes([7; 16]),
            position: Position::new(4711),
            time: Timestamp::from_millis(1_790_000_000_123),
        };
        mark(folder, &sandbox, State::Unfinished).unwrap();
        let unfinished = SandboxError::Unfinished(folder.to_owned());
        assert_eq!(found(folder), Err(unfinished));
        mark(folder, &sandbox, State::Whole).unwrap();
        assert_eq!(found(folder), Ok(Some(sandbox)));
        for broken in ["", "{}", "{\"state\":\"whole\"}"] {
            fs::write(folder.join(MARK), broken).unwrap();
            let outcome = found(folder);
            assert!(
                matches!(outcome, Err(SandboxError::Unreadable { .. })),
                "{broken:?} is not taken for a folder without a mark: {outcome:?}"
            );
        }
    }
}
