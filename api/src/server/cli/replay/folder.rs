//! The folder of a sandbox while it is made.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use application::sandbox::Sandbox;
use parking_lot::Mutex;
use tokio_util::sync::DropGuard;

use super::usage;
use crate::server::control::Failure;
use crate::server::data_dir::{self, DataDir, Holder, LOCK};
use crate::server::program;
use crate::server::sandbox::{self, SandboxError, State};

/// Whether a sandbox can be made there.
pub(super) fn check(into: &Path, source: &Path) -> Result<(), Failure> {
    if data_dir::is_inside(into, source).map_err(|error| unusable(into, &error))? {
        return Err(usage(format!(
            "{} is in the data folder that is to be copied: choose a folder outside of it",
            into.display()
        )));
    }
    if is_free(into).is_ok() {
        return Ok(());
    }
    // Another copy has no mark for its first moments.
    if DataDir::is_taken(into) && matches!(sandbox::found(into), Ok(None)) {
        return Err(format!("{} is in use by another process", into.display()).into());
    }
    // It may have got its mark since.
    is_free(into)
}

/// Whether nothing is in the folder, if there is one. Whoever has none yet finds out again once it is theirs.
fn is_free(into: &Path) -> Result<(), Failure> {
    let unusable = |error| unusable(into, &error);
    let entries = match fs::read_dir(into) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(usage(format!("{} is no folder", into.display())));
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

fn unusable(folder: &Path, error: &std::io::Error) -> Failure {
    format!("{}: {error}", folder.display()).into()
}

/// Why nothing can be made in a folder that is not empty, and what to do.
fn occupied(into: &Path) -> String {
    let shown = into.display();
    match sandbox::found(into) {
        Ok(Some(_)) => format!(
            "{shown} is a replay already: serve it with `{}`, or choose another folder",
            serving(into)
        ),
        Err(error @ (SandboxError::Unfinished(_) | SandboxError::BeingMade(_))) => {
            error.to_string()
        }
        Ok(None) | Err(SandboxError::Unreadable { .. }) => {
            format!("{shown} is not empty: choose a folder that is empty or not there")
        }
    }
}

/// What serves the sandbox in a folder.
pub(super) fn serving(folder: &Path) -> String {
    let folder = folder.display().to_string();
    format!(
        "{} --data-dir {}",
        program::name(),
        program::quoted(&folder)
    )
}

/// What became of a copy that was told to stop, for whoever told it.
pub(super) fn left(into: &Path) -> String {
    let shown = into.display();
    match sandbox::found(into) {
        Ok(Some(_)) => "told to stop; the copy is complete".to_owned(),
        Ok(None) => "told to stop; nothing of the copy is left".to_owned(),
        Err(_) => format!("told to stop; {shown} has half a copy: remove the folder"),
    }
}

/// What the names of files end with that are put beside a log while it is open, and what that of the log itself does.
const BESIDE: [&str; 5] = ["-wal", "-shm", "-journal", ".lock", ""];

/// A folder in which a sandbox is made. What was made is removed when this is dropped, unless it is kept; what others put
/// there stays.
pub(super) struct Claimed {
    folder: DataDir,
    /// What was made in it, in this order.
    made: Mutex<Vec<PathBuf>>,
    /// The folder, and the file that says who has it, were not there before.
    made_folder: bool,
    made_lock: bool,
    kept: AtomicBool,
    /// Whoever waits for the end of all work there is told last.
    _let_go: DropGuard,
}

impl Claimed {
    /// Takes the folder, in which nothing may be.
    pub(super) fn take(into: &Path, let_go: DropGuard) -> Result<Self, Failure> {
        let (made_folder, made_lock) = (!into.exists(), !into.join(LOCK).exists());
        let folder = DataDir::take(into, Holder::Command).map_err(|error| error.to_string())?;
        let claimed = Self {
            folder,
            made: Mutex::default(),
            made_folder,
            made_lock,
            kept: AtomicBool::new(false),
            _let_go: let_go,
        };
        // Whoever had it may have made something there since it was looked at.
        is_free(into)?;
        Ok(claimed)
    }

    /// Marks it as not whole.
    pub(super) fn begin(&self, sandbox: &Sandbox) -> Result<(), Failure> {
        for path in sandbox::files(self.folder.path()) {
            self.to_make(path)?;
        }
        self.mark(sandbox, State::Unfinished)
    }

    fn mark(&self, sandbox: &Sandbox, state: State) -> Result<(), Failure> {
        let path = self.folder.path();
        sandbox::mark(path, sandbox, state)
            .map_err(|error| format!("{} cannot be written: {error}", path.display()).into())
    }

    /// What is made there is ours to remove: nobody else may have made it before.
    fn to_make(&self, path: PathBuf) -> Result<PathBuf, Failure> {
        if path.symlink_metadata().is_ok() {
            return Err(usage(format!(
                "somebody else made {} meanwhile: choose another folder",
                path.display()
            )));
        }
        self.made.lock().push(path.clone());
        Ok(path)
    }

    /// Where the log is to be made.
    pub(super) fn new_log(&self) -> Result<PathBuf, Failure> {
        self.to_make(self.folder.log())
    }

    /// Where the views are to be made.
    pub(super) fn new_views(&self) -> Result<PathBuf, Failure> {
        self.to_make(self.folder.views())
    }

    /// Where the key is to be put.
    pub(super) fn new_secret_key(&self) -> Result<PathBuf, Failure> {
        self.to_make(self.folder.secret_key())
    }

    /// The log that was made.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.log()
    }

    /// The views that were made.
    pub(super) fn views(&self) -> PathBuf {
        self.folder.views()
    }

    /// Marks it as whole.
    pub(super) fn keep(&self, sandbox: &Sandbox) -> Result<(), Failure> {
        let path = self.folder.path();
        close(path).map_err(|error| format!("{} cannot be closed: {error}", path.display()))?;
        self.mark(sandbox, State::Whole)?;
        self.kept.store(true, Ordering::Release);
        Ok(())
    }

    /// Removes what was made; the mark last, so that half of it is never without.
    fn clear(&self) -> std::io::Result<()> {
        for path in self.made.lock().iter().rev() {
            remove(path)?;
        }
        let folder = self.folder.path();
        if is_free(folder).is_err() {
            return Ok(());
        }
        if self.made_lock {
            fs::remove_file(folder.join(LOCK))?;
        }
        if self.made_folder {
            fs::remove_dir(folder)?;
        }
        Ok(())
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        if self.kept.load(Ordering::Acquire) {
            return;
        }
        if let Err(error) = self.clear() {
            tracing::warn!(folder = %self.folder.path().display(), %error, "what was copied cannot be removed");
        }
    }
}

/// Removes a folder with what is in it, or a file with those beside it. That it is not there is no error.
fn remove(path: &Path) -> std::io::Result<()> {
    let gone = |outcome: std::io::Result<()>| match outcome {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    };
    if path.is_dir() {
        return gone(fs::remove_dir_all(path));
    }
    for beside in BESIDE {
        let mut name = path.as_os_str().to_owned();
        name.push(beside);
        gone(fs::remove_file(name))?;
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
    use tokio_util::sync::CancellationToken;

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

    fn sandbox() -> Sandbox {
        Sandbox {
            of: eventstore::LogId::from_bytes([7; 16]),
            position: eventstore::Position::new(4711),
            time: domain::Timestamp::from_millis(1_790_000_000_000),
        }
    }

    fn take(into: &Path) -> Result<Claimed, Failure> {
        Claimed::take(into, CancellationToken::new().drop_guard())
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn of_two_the_second_is_refused_and_removes_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        let into = scratch.path().join("new");
        let first = take(&into).unwrap();
        let [_, fresh] = sandbox::files(&into);
        fs::write(&fresh, "").unwrap();
        let refused = check(&into, scratch.path().join("data").as_path()).err();
        let told = refused.map(|refused| refused.text).unwrap_or_default();
        assert!(told.contains("in use by another"), "{told}");
        fs::remove_file(fresh).unwrap();
        first.begin(&sandbox()).unwrap();
        fs::write(first.new_log().unwrap(), "events").unwrap();
        let refused = check(&into, scratch.path().join("data").as_path()).err();
        let told = refused.map(|refused| refused.text).unwrap_or_default();
        assert!(told.contains("is being made now"), "{told}");
        let refused = take(&into).err().map(|refused| refused.text);
        let told = refused.unwrap_or_default();
        assert!(told.contains("in use by another process"), "{told}");
        first.keep(&sandbox()).unwrap();
        drop(first);
        // It was looked at before the first had it.
        let refused = take(&into).err().map(|refused| refused.text);
        let told = refused.unwrap_or_default();
        assert!(told.contains("is a replay already"), "{told}");
        assert_eq!(names(&into), ["lock", "log.db", "replay.json"]);
    }

    #[test]
    fn what_others_put_there_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let (into, log) = (scratch.path().join("new"), "log.db-wal");
        let ours = take(&into).unwrap();
        ours.begin(&sandbox()).unwrap();
        for file in [ours.new_log().unwrap(), into.join(log)] {
            fs::write(file, "events").unwrap();
        }
        fs::create_dir(ours.new_views().unwrap()).unwrap();
        fs::write(into.join("secret.key"), "of somebody else").unwrap();
        assert!(ours.new_secret_key().is_err(), "it is not ours");
        drop(ours);
        assert_eq!(names(&into), ["lock", "secret.key"]);

        let empty = scratch.path().join("empty");
        fs::create_dir(&empty).unwrap();
        for (folder, stays) in [(scratch.path().join("other"), false), (empty, true)] {
            let ours = take(&folder).unwrap();
            ours.begin(&sandbox()).unwrap();
            drop(ours);
            assert_eq!(folder.exists(), stays, "{}", folder.display());
            assert!(!stays || names(&folder).is_empty(), "it is as it was");
        }
    }
}
