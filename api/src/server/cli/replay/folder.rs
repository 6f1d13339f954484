//! The folder of a sandbox while it is made.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use application::sandbox::Sandbox;

use super::usage;
use crate::server::control::Failure;
use crate::server::data_dir::{self, DataDir, Holder};
use crate::server::sandbox::{self, SandboxError, State};

/// The file that says who has a folder, which stays behind.
const LOCK: &str = "lock";

/// Whether a sandbox can be made there.
pub(super) fn check(into: &Path, source: &Path) -> Result<(), Failure> {
    let shown = into.display();
    let unusable = |error: std::io::Error| Failure::from(format!("{shown}: {error}"));
    if data_dir::is_inside(into, source).map_err(unusable)? {
        return Err(usage(format!(
            "{shown} is in the data folder that is to be copied: choose a folder outside of it"
        )));
    }
    vacant(into)
}

/// Whether nothing is there yet.
fn vacant(into: &Path) -> Result<(), Failure> {
    let shown = into.display();
    let unusable = |error: std::io::Error| Failure::from(format!("{shown}: {error}"));
    let entries = match fs::read_dir(into) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(usage(format!("{shown} is no folder")));
        }
        Err(error) => return Err(unusable(error)),
    };
    for entry in entries {
        if entry.map_err(unusable)?.file_name() != LOCK {
            return Err(usage(occupied(into)));
        }
    }
    Ok(())
}

/// Why nothing can be made in a folder that is not empty, and what to do.
fn occupied(into: &Path) -> String {
    let shown = into.display();
    match sandbox::found(into) {
        Ok(Some(_)) => format!(
            "{shown} is a replay already: serve it with `hansard --data-dir {shown}`, or choose another folder"
        ),
        Err(error @ SandboxError::Unfinished(_)) => error.to_string(),
        Ok(None) | Err(SandboxError::Unreadable { .. }) => {
            format!("{shown} is not empty: choose a folder that is empty or not there")
        }
    }
}

/// A folder in which a sandbox is made. What was made is removed when this is dropped, unless it is kept.
pub(super) struct Claimed {
    folder: DataDir,
    sandbox: Sandbox,
    /// It was not there before.
    made: bool,
    kept: bool,
}

impl Claimed {
    /// Takes the folder, and marks it as not whole.
    pub(super) fn take(into: &Path, sandbox: Sandbox) -> Result<Self, Failure> {
        let made = !into.exists();
        let folder = DataDir::take(into, Holder::Command).map_err(|error| error.to_string())?;
        // Another replay may have had the folder since it was looked at.
        vacant(into)?;
        let claimed = Self {
            folder,
            sandbox,
            made,
            kept: false,
        };
        claimed.mark(State::Unfinished)?;
        Ok(claimed)
    }

    fn mark(&self, state: State) -> Result<(), Failure> {
        let path = self.folder.path();
        sandbox::mark(path, &self.sandbox, state)
            .map_err(|error| format!("{} cannot be written: {error}", path.display()).into())
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.log()
    }

    pub(super) fn views(&self) -> PathBuf {
        self.folder.views()
    }

    pub(super) fn secret_key(&self) -> PathBuf {
        self.folder.secret_key()
    }

    /// Marks it as whole.
    pub(super) fn keep(mut self) -> Result<(), Failure> {
        let path = self.folder.path().to_owned();
        close(&path).map_err(|error| format!("{} cannot be closed: {error}", path.display()))?;
        self.mark(State::Whole)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let path = self.folder.path();
        let removed = clear(path).and_then(|()| {
            if self.made {
                return fs::remove_dir_all(path);
            }
            Ok(())
        });
        if let Err(error) = removed {
            tracing::warn!(folder = %path.display(), %error, "what was copied cannot be removed");
        }
    }
}

/// Removes what is in a folder; the mark last, so that half of it is never without.
fn clear(folder: &Path) -> std::io::Result<()> {
    let entries: Result<Vec<_>, _> = fs::read_dir(folder)?.collect();
    let mut paths: Vec<_> = entries?.into_iter().map(|entry| entry.path()).collect();
    paths.sort_by_key(|path| path.extension().is_some_and(|end| end == "json"));
    for path in paths {
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Keeps others out of a folder and everything in it.
#[cfg(unix)]
fn close(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    if !path.is_dir() {
        return fs::set_permissions(path, fs::Permissions::from_mode(0o600));
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(path)? {
        close(&entry?.path())?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn close(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_of_its_own_will_do() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        let data = at("data");
        for folder in ["data", "data/inner", "empty", "full", "locked"] {
            fs::create_dir(at(folder)).unwrap();
        }
        fs::write(at("full/file"), "").unwrap();
        fs::write(at("locked/lock"), "").unwrap();
        fs::write(at("file"), "").unwrap();
        for (into, refused) in [
            ("new", None),
            ("new/deeper", None),
            ("empty", None),
            ("locked", None),
            ("database", None),
            ("data", Some("in the data folder")),
            ("data/new", Some("in the data folder")),
            ("empty/../data/inner", Some("in the data folder")),
            ("full", Some("not empty")),
            ("file", Some("no folder")),
        ] {
            let outcome = check(&at(into), &data);
            let told = outcome.as_ref().err().map(|failure| failure.text.as_str());
            match refused {
                None => assert_eq!(outcome, Ok(()), "{into}"),
                Some(why) => assert!(
                    told.is_some_and(|told| told.contains(why)),
                    "{into}: {told:?}"
                ),
            }
            assert!(
                outcome.is_err_and(|failure| failure.usage) == refused.is_some(),
                "{into}"
            );
        }
    }
}
