//! The data folder, and the lock that keeps it to one process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error(
        "data folder {} is in use by another process{}; one data folder serves one process{}",
        path.display(),
        if holder.is_empty() { String::new() } else { format!(" ({holder})") },
        if *by_command { ": wait for that command to end, or end it" } else { "" }
    )]
    InUse {
        path: PathBuf,
        /// Who has it; empty if that is not known.
        holder: String,
        /// It is a command, which ends by itself.
        by_command: bool,
    },
    /// No server ever ran on it.
    #[error(
        "there is no workspace in {} yet: give the data folder of the server (`--data-dir`), and `MONGO_URL` where its \
         log is in MongoDB",
        path.display()
    )]
    NoWorkspace { path: PathBuf },
    /// It cannot be created or written.
    #[error("data folder {} cannot be used: {reason}", path.display())]
    Unusable { path: PathBuf, reason: String },
}

/// What takes a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    Server,
    Command,
}

impl Holder {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "process",
            Self::Command => "command, process",
        }
    }
}

/// How long somebody waits for a command that has the folder to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often they try.
const RETRY: Duration = Duration::from_millis(50);

/// Takes a folder as `take` does; if a command has it, waits for that to end.
pub async fn after_commands(
    take: impl Fn() -> Result<DataDir, DataDirError>,
) -> Result<DataDir, DataDirError> {
    let since = Instant::now();
    let mut is_told = false;
    loop {
        match take() {
            Err(DataDirError::InUse {
                by_command: true,
                holder,
                ..
            }) if since.elapsed() < PATIENCE => {
                if !std::mem::replace(&mut is_told, true) {
                    let holder = if holder.is_empty() {
                        "not known"
                    } else {
                        &holder
                    };
                    tracing::info!(%holder, "waiting a moment for a command that has the data folder");
                }
                tokio::time::sleep(RETRY).await;
            }
            outcome => return outcome,
        }
    }
}

/// The file that says who has a folder. It stays behind in one that is used.
pub const LOCK: &str = "lock";

/// A data folder that is ours until this is dropped. The system also releases it if the process dies.
pub struct DataDir {
    path: PathBuf,
    /// `None`: there is none, and none can be made.
    _lock: Option<File>,
    /// What was not there before it was taken.
    made: Made,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Made {
    Nothing,
    Lock,
    Folder,
}

/// What is written to find out whether there is room, in bytes: as much as opening log and views takes.
const PROBE: usize = 256 * 1024;

impl DataDir {
    /// Takes the folder of a workspace whose log is in it; creates nothing if there is none.
    pub fn take_with_log(path: &Path, holder: Holder) -> Result<Self, DataDirError> {
        let none = || DataDirError::NoWorkspace {
            path: path.to_owned(),
        };
        let unusable = |error: std::io::Error| DataDirError::Unusable {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        if !path.try_exists().map_err(unusable)? {
            return Err(none());
        }
        let has = |file: PathBuf| file.try_exists().map_err(unusable);
        if !has(Self::log_of(path))? && !has(path.join(LOCK))? {
            return Err(none());
        }
        // A server on this folder may have its log elsewhere.
        let folder = Self::take(path, holder)?;
        has(folder.log())?.then_some(folder).ok_or_else(none)
    }

    /// Leaves a folder that turned out to be another than it was taken for as it was before.
    pub fn leave(&self) {
        // What cannot be removed, or has something in it by now, stays.
        if self.made >= Made::Lock && fs::remove_file(self.path.join(LOCK)).is_ok() {
            let _ = (self.made == Made::Folder).then(|| fs::remove_dir(&self.path));
        }
    }

    /// Creates the folder if necessary, and takes it.
    pub fn take(path: &Path, holder: Holder) -> Result<Self, DataDirError> {
        let unusable = |error: std::io::Error| DataDirError::Unusable {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let made = match (path.exists(), path.join(LOCK).exists()) {
            (_, true) => Made::Nothing,
            (true, false) => Made::Lock,
            (false, false) => Made::Folder,
        };
        make_private(path).map_err(unusable)?;
        let mut lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path.join(LOCK))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut note = String::new();
                let _ = lock.read_to_string(&mut note);
                let note = note.trim();
                return Err(DataDirError::InUse {
                    path: path.to_owned(),
                    by_command: note.starts_with(Holder::Command.as_str()),
                    holder: note.to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        if !is_at(&lock, &path.join(LOCK)).map_err(unusable)? {
            // Whoever had it removed it: somebody else may have the one that is there now.
            return Err(DataDirError::InUse {
                path: path.to_owned(),
                by_command: true,
                holder: String::new(),
            });
        }
        // Only to be told of: the system keeps the lock itself. A full disk has no room for it.
        let _ = lock
            .set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| writeln!(lock, "{} {}", holder.as_str(), std::process::id()));
        Ok(Self {
            path: path.to_owned(),
            _lock: Some(lock),
            made,
        })
    }

    /// Takes the folder of a workspace on a disk that is read only, where nothing can be created. `None`: it is not there, or
    /// somebody has it.
    pub fn take_unwritten(path: &Path) -> Option<Self> {
        let lock = File::open(path.join(LOCK)).ok();
        if lock.as_ref().is_some_and(|lock| lock.try_lock().is_err()) || !path.is_dir() {
            return None;
        }
        Some(Self {
            path: path.to_owned(),
            _lock: lock,
            made: Made::Nothing,
        })
    }

    /// Who has a folder, as its lock says; `None`: nobody says so.
    pub fn holder(path: &Path) -> Option<String> {
        let note = fs::read_to_string(path.join(LOCK)).ok()?;
        Some(note.trim().to_owned()).filter(|note| !note.is_empty() && Self::is_taken(path))
    }

    /// Whether somebody has a folder.
    pub fn is_taken(path: &Path) -> bool {
        let lock = File::open(path.join(LOCK));
        lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// Why it cannot be written, if so.
    pub fn refuses_writing(&self) -> Option<std::io::Error> {
        let probe = self.path.join("probe");
        let written = fs::write(&probe, vec![0; PROBE]);
        let _ = fs::remove_file(&probe);
        written.err()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn log(&self) -> PathBuf {
        Self::log_of(&self.path)
    }

    /// The log in a folder, whoever has that.
    pub fn log_of(folder: &Path) -> PathBuf {
        folder.join("log.db")
    }

    pub fn views(&self) -> PathBuf {
        Self::views_of(&self.path)
    }

    /// The views in a folder, whoever has that.
    pub fn views_of(folder: &Path) -> PathBuf {
        folder.join("views")
    }

    /// The key that seals secrets, unless the operator gave one.
    pub fn secret_key(&self) -> PathBuf {
        Self::secret_key_of(&self.path)
    }

    /// The key in a folder, whoever has that.
    pub fn secret_key_of(folder: &Path) -> PathBuf {
        folder.join("secret.key")
    }

    pub fn files(&self) -> PathBuf {
        self.path.join("files")
    }

    pub fn exports(&self) -> PathBuf {
        self.path.join("exports")
    }

    pub fn reactors(&self) -> PathBuf {
        self.path.join("reactors")
    }
}

/// Whether a path leads into the folder of a workspace, or is that folder. What the server finds there it takes for its own.
pub fn is_inside(path: &Path, folder: &Path) -> std::io::Result<bool> {
    Ok(real(path)?.starts_with(real(folder)?))
}

/// Where a path leads, whether or not there is something.
fn real(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Err(error), Some(parent), Some(name)) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(real(parent)?.join(name))
        }
        (outcome, _, _) => outcome,
    }
}

/// Creates a folder that nobody else may look into, or closes the one that is there to others: it holds private
/// messages, and hashes of passwords.
fn make_private(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        #[cfg(unix)]
        close_to_others(path)?;
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut folder = fs::DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        folder.mode(0o700);
    }
    match folder.create(path) {
        // Somebody was faster.
        Err(_) if path.is_dir() => Ok(()),
        outcome => outcome,
    }
}

/// Whether an open file is the one that is there.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let open = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// What is open cannot be removed.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> std::io::Result<bool> {
    Ok(true)
}

/// A folder that is neither empty nor a workspace's may be anything, given by mistake: of that one a warning must do.
#[cfg(unix)]
fn close_to_others(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    const OTHERS: u32 = 0o077;
    if fs::metadata(path)?.permissions().mode() & OTHERS == 0 {
        return Ok(());
    }
    let has = |file: &str| path.join(file).exists();
    let ours = has("log.db") || has("secret.key") || fs::read_dir(path)?.next().is_none();
    if !ours || fs::set_permissions(path, fs::Permissions::from_mode(0o700)).is_err() {
        tracing::warn!(
            folder = %path.display(),
            "other users of this machine may look into the data folder; chmod it to 700"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_serves_one_at_a_time() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("data");
        let first = DataDir::take(&path, Holder::Server).unwrap();
        let refusal = DataDir::take(&path, Holder::Server)
            .err()
            .unwrap()
            .to_string();
        assert!(
            refusal.contains("in use") && refusal.contains(&std::process::id().to_string()),
            "{refusal}"
        );
        drop(first);
        DataDir::take(&path, Holder::Server).unwrap();
    }

    #[test]
    fn whoever_finds_a_command_there_is_told_to_wait_for_it() {
        let scratch = tempfile::tempdir().unwrap();
        let _command = DataDir::take(scratch.path(), Holder::Command).unwrap();
        let refused = DataDir::take(scratch.path(), Holder::Server).err().unwrap();
        assert!(
            refused.to_string().contains("wait for that command"),
            "{refused}"
        );
    }

    #[test]
    fn a_folder_that_is_refused_stays_as_it_was() {
        let scratch = tempfile::tempdir().unwrap();
        let names = |folder: &Path| {
            let entries = fs::read_dir(folder).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name());
            names.collect::<Vec<_>>()
        };
        let empty = scratch.path().join("empty");
        fs::create_dir(&empty).unwrap();
        let refused = DataDir::take_with_log(&empty, Holder::Command).err();
        assert!(matches!(refused, Some(DataDirError::NoWorkspace { .. })));
        assert_eq!(names(&empty).len(), 0, "{:?}", names(&empty));
        DataDir::take(&empty, Holder::Command).unwrap().leave();
        assert_eq!(names(&empty).len(), 0, "{:?}", names(&empty));
        let new = scratch.path().join("new");
        DataDir::take(&new, Holder::Command).unwrap().leave();
        assert!(!new.exists(), "it was not there before");
        let used = scratch.path().join("used");
        drop(DataDir::take(&used, Holder::Command).unwrap());
        DataDir::take(&used, Holder::Command).unwrap().leave();
        assert_eq!(names(&used), [LOCK], "it was there before");
    }

    #[test]
    fn who_has_a_folder_is_told_without_anything_around_it() {
        let refusal = |holder: &str| {
            let refusal = DataDirError::InUse {
                path: "data".into(),
                holder: holder.to_owned(),
                by_command: false,
            };
            refusal.to_string()
        };
        let begin = "data folder data is in use by another process";
        assert!(
            refusal("process 7").starts_with(&format!("{begin} (process 7);")),
            "{}",
            refusal("process 7")
        );
        assert!(refusal("").starts_with(&format!("{begin};")), "nobody");
        let scratch = tempfile::tempdir().unwrap();
        assert_eq!(DataDir::holder(scratch.path()), None);
        let held = DataDir::take(scratch.path(), Holder::Command).unwrap();
        let holder = format!("command, process {}", std::process::id());
        assert_eq!(DataDir::holder(scratch.path()), Some(holder));
        drop(held);
        assert_eq!(DataDir::holder(scratch.path()), None, "nobody has it now");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_made_beforehand_is_closed_to_others() {
        use std::os::unix::fs::PermissionsExt as _;

        let scratch = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for (name, file, after) in [
            ("empty", None, 0o700),
            ("ours", Some("log.db"), 0o700),
            ("something else", Some("passwd"), 0o755),
        ] {
            let path = scratch.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            if let Some(file) = file {
                fs::write(path.join(file), "").unwrap();
            }
            drop(DataDir::take(&path, Holder::Server).unwrap());
            assert_eq!(mode(&path), after, "{name}");
        }
    }

    #[test]
    fn a_file_in_the_way_is_explained() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("data");
        fs::write(&path, "").unwrap();
        let refusal = DataDir::take(&path, Holder::Server)
            .err()
            .unwrap()
            .to_string();
        assert!(refusal.contains("cannot be used"), "{refusal}");
    }
}
