//! The folder an export is written into: its files, what explains them, and, until all of them are complete, what is.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::journal::{Entry, Journal, is_harmless};
use super::order::{ExportFormat, FileNote, Order, Reached};
use super::outcome::{Filled, Finished, FolderError};
use super::piece::Piece;
use super::syncing::Syncing;
use super::{explain, html, private, space};

/// Holds what is needed to go on. It is removed in the end.
const UNFINISHED: &str = ".unfinished";
const ORDER: &str = "order.json";
const JOURNAL: &str = "journal.ndjson";
const MANIFEST: &str = "manifest.json";

/// A folder with an export that was interrupted.
pub struct Unfinished {
    path: PathBuf,
    order: Order,
    journal: Journal,
    reached: Option<Reached>,
}

impl Unfinished {
    /// Finds out what is complete. What is not as it was then is made again.
    pub fn find(path: &Path) -> Result<Self, FolderError> {
        let inside = path.join(UNFINISHED);
        let order = match fs::read(inside.join(ORDER)) {
            Ok(order) => order,
            Err(error) if !is_absence(&error) => return Err(FolderError::io(&inside, error)),
            Err(_) if path.join(MANIFEST).exists() => {
                return Err(FolderError::Complete(path.to_owned()));
            }
            Err(_) => return Err(FolderError::NothingToResume(path.to_owned())),
        };
        let failed = |error| FolderError::io(&inside, error);
        let order = serde_json::from_slice(&order).map_err(|error| failed(error.into()))?;
        let journal = Journal::take(&inside.join(JOURNAL)).map_err(failed)?;
        let mut journal = journal.ok_or_else(|| FolderError::Taken(path.to_owned()))?;
        let told = journal.check(path).map_err(failed)?;
        let explanations = explain::NAMES.iter().chain(&[MANIFEST]);
        // Whoever may write to the folder may have written the journal.
        if !told.broken.iter().all(|name| is_harmless(name)) {
            return Err(FolderError::Foreign(path.to_owned()));
        }
        let broken = told.broken.iter().map(String::as_str);
        for name in broken.chain(explanations.copied()) {
            let broken = path.join(name);
            absent(fs::remove_file(&broken)).map_err(|error| FolderError::io(&broken, error))?;
        }
        Ok(Self {
            path: path.to_owned(),
            order,
            journal,
            reached: told.last.map(|entry| entry.note.reached),
        })
    }

    /// What the export was begun with, and goes on with.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Where to go on behind the last complete file; `None`: no file is complete.
    pub fn reached(&self) -> Option<&Reached> {
        self.reached.as_ref()
    }

    /// Takes the folder over, to go on behind what is complete.
    ///
    /// `spare`: bytes that are to stay free on the disk.
    pub fn go_on(self, spare: u64) -> Result<Folder, FolderError> {
        let folder = Folder::new(self.path, self.order, self.journal, spare)?;
        // Whoever was interrupted may not have brought them to the disk.
        let entries = folder.journal.entries();
        for entry in entries.map_err(|error| FolderError::io(&folder.path, error))? {
            let file = entry.and_then(|entry| {
                let path = folder.path.join(entry.name);
                Ok((File::open(&path)?, path))
            });
            let (file, path) = file.map_err(|error| FolderError::io(&folder.path, error))?;
            folder.syncing.add(path, file);
        }
        Ok(folder)
    }
}

/// Whether a file is not there, or nothing is where its folder would be.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// A file that is being written.
struct Open {
    name: String,
    file: File,
    hash: Sha256,
    size: u64,
}

/// The folder of an export that goes on.
pub struct Folder {
    path: PathBuf,
    order: Order,
    journal: Journal,
    open: Option<Open>,
    syncing: Syncing,
    spare: u64,
}

impl Folder {
    /// Whether an export can begin there: it is empty, or not there.
    pub fn is_vacant(path: &Path) -> Result<(), FolderError> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(FolderError::io(path, error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| FolderError::io(path, error))?;
            // A beginning that did not get as far as to say what is exported.
            let nothing = entry.file_name() == UNFINISHED && !entry.path().join(ORDER).exists();
            if !nothing {
                return Err(FolderError::NotEmpty(path.to_owned()));
            }
        }
        Ok(())
    }

    /// Begins an export. `spare`: bytes that are to stay free on the disk.
    pub fn begin(path: &Path, order: Order, spare: u64) -> Result<Self, FolderError> {
        Self::is_vacant(path)?;
        space::check_for(path, &order, spare)?;
        let inside = path.join(UNFINISHED);
        let failed = |error| FolderError::io(&inside, error);
        private::folder(&inside).map_err(failed)?;
        let journal = Journal::take(&inside.join(JOURNAL)).map_err(failed)?;
        let journal = journal.ok_or_else(|| FolderError::Taken(path.to_owned()))?;
        let text = serde_json::to_vec_pretty(&order).map_err(|error| failed(error.into()))?;
        put(&inside.join(ORDER), &text)?;
        Self::new(path.to_owned(), order, journal, spare)
    }

    fn new(path: PathBuf, order: Order, journal: Journal, spare: u64) -> Result<Self, FolderError> {
        let syncing = Syncing::start().map_err(|error| FolderError::io(&path, error))?;
        Ok(Self {
            path,
            order,
            journal,
            open: None,
            syncing,
            spare,
        })
    }

    /// Takes part of a file. Other pieces are passed over.
    pub fn take(&mut self, piece: Piece) -> Result<(), FolderError> {
        match piece {
            Piece::File(name) => self.begin_file(name),
            Piece::Data(data) => {
                let open = self.open.as_mut().ok_or(FolderError::OutOfOrder)?;
                let written = open.file.write_all(&data);
                written.map_err(|error| FolderError::io(&self.path.join(&open.name), error))?;
                open.hash.update(&data);
                open.size += data.len() as u64;
                Ok(())
            }
            Piece::Complete(note) => self.complete(note),
            Piece::Begun(_) | Piece::Progress(..) | Piece::End(_) => Ok(()),
        }
    }

    fn begin_file(&mut self, name: String) -> Result<(), FolderError> {
        if self.open.is_some() || !is_harmless(&name) {
            return Err(FolderError::OutOfOrder);
        }
        if self.spare > 0 {
            space::check(&self.path, self.spare)?;
        }
        let path = self.path.join(&name);
        let begun = self.journal.begins(&name).and_then(|()| {
            private::folder(path.parent().unwrap_or(&self.path))?;
            // What a crash left that the journal does not know of.
            absent(fs::remove_file(&path))?;
            private::options().write(true).create_new(true).open(&path)
        });
        self.open = Some(Open {
            name,
            file: begun.map_err(|error| FolderError::io(&path, error))?,
            hash: Sha256::new(),
            size: 0,
        });
        Ok(())
    }

    fn complete(&mut self, note: FileNote) -> Result<(), FolderError> {
        let open = self.open.take().ok_or(FolderError::OutOfOrder)?;
        let path = self.path.join(&open.name);
        let entry = Entry {
            name: open.name,
            size: open.size,
            sha256: hex::encode(open.hash.finalize()),
            note,
        };
        let noted = self.journal.complete(entry);
        noted.map_err(|error| FolderError::io(&path, error))?;
        self.syncing.add(path, open.file);
        Ok(())
    }

    /// Explains what is there. When this returns, everything is on the disk.
    pub fn finish(self) -> Result<Finished, FolderError> {
        let path = self.path.clone();
        let (finished, _journal) = self.explain()?;
        settle(&path)?;
        Ok(finished)
    }

    /// Brings everything to the disk, with what explains it. What is needed to go on is still there.
    fn explain(self) -> Result<(Finished, Journal), FolderError> {
        let Self {
            path,
            order,
            journal,
            open,
            syncing,
            spare: _,
        } = self;
        if open.is_some() {
            return Err(FolderError::OutOfOrder);
        }
        syncing.finish()?;
        let inside = path.join(UNFINISHED);
        let failed = |error| FolderError::io(&inside, error);
        let mut finished = Finished::default();
        let mut synced = PathBuf::new();
        for entry in journal.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // The files of a folder follow one another.
            let own = path.join(&entry.name);
            if let Some(own) = own.parent().filter(|own| *own != synced) {
                private::sync_folder(own).map_err(|error| FolderError::io(own, error))?;
                own.clone_into(&mut synced);
            }
            finished.files += 1;
            finished.bytes += entry.size;
            finished.results += entry.note.results;
        }
        let readme = explain::readme_at(&path, &order, &finished);
        let mut explained = vec![readme.map_err(|error| FolderError::io(&path, error))?];
        if order.format == ExportFormat::Html {
            let index = path.join(html::INDEX);
            let written = explain::written(&index, html::INDEX, |out| {
                html::index(out, journal.entries()?)
            });
            explained.push(written.map_err(|error| FolderError::io(&index, error))?);
        }
        let manifest = inside.join(MANIFEST);
        let written = private::create(&manifest)
            .map(BufWriter::new)
            .and_then(|mut out| {
                explain::manifest(&mut out, &order, &finished, &explained, journal.entries()?)?;
                out.into_inner()?.sync_all()
            });
        written.map_err(|error| FolderError::io(&manifest, error))?;
        let placed = fs::rename(&manifest, path.join(MANIFEST))
            .and_then(|()| private::sync_folder(&path))
            // It may have been made for this export.
            .and_then(|()| private::sync_parent(&path));
        placed.map_err(failed)?;
        Ok((finished, journal))
    }
}

/// Removes what is needed to go on with an export: it is complete. Does nothing where that is done already.
pub(super) fn settle(path: &Path) -> Result<(), FolderError> {
    let inside = path.join(UNFINISHED);
    // First, so that a crash leaves nothing that looks unfinished.
    let settled = absent(fs::remove_file(inside.join(ORDER)))
        .and_then(|()| absent(fs::remove_dir_all(&inside)));
    settled.map_err(|error| FolderError::io(&inside, error))
}

/// What was to be removed may have been removed before.
fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Writes a file that is whole or not there.
pub(super) fn put(path: &Path, text: &[u8]) -> Result<(), FolderError> {
    let beside = path.with_extension("new");
    let written = private::create(&beside).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        private::sync_parent(path)
    });
    written.map_err(|error| FolderError::io(path, error))
}

/// Where an export goes.
pub enum Target {
    /// A folder that is empty or not there.
    Fresh(PathBuf),
    /// One with an export that was interrupted.
    Unfinished(Box<Unfinished>),
}

/// Takes pieces until all are there. `None`: they ended before. `spare`: bytes that are to stay free on the disk. Blocks.
pub fn fill(
    target: Target,
    pieces: mpsc::Receiver<Piece>,
    spare: u64,
) -> Result<Option<Filled>, FolderError> {
    fill_and_note(target, pieces, spare, |_| Ok(()))
}

/// The same, and has it noted that all are there, before what is needed to go on is removed: so a crash leaves an export that
/// goes on, or one that is noted as made.
pub(super) fn fill_and_note(
    target: Target,
    mut pieces: mpsc::Receiver<Piece>,
    spare: u64,
    note: impl FnOnce(&Filled) -> Result<(), FolderError>,
) -> Result<Option<Filled>, FolderError> {
    let begun = match pieces.blocking_recv() {
        Some(Piece::Begun(begun)) => begun,
        Some(_) => return Err(FolderError::OutOfOrder),
        None => return Ok(None),
    };
    let private_rooms = begun.order.private_rooms;
    let mut folder = match target {
        Target::Fresh(path) => Folder::begin(&path, begun.order, spare)?,
        Target::Unfinished(unfinished) => unfinished.go_on(spare)?,
    };
    while let Some(piece) = pieces.blocking_recv() {
        if let Piece::End(shown) = piece {
            let path = folder.path.clone();
            // It is nobody else's until all is done.
            let (finished, _journal) = folder.explain()?;
            let filled = Filled {
                finished,
                private_rooms,
                reading: begun.reading,
                shown,
            };
            note(&filled)?;
            settle(&path)?;
            return Ok(Some(filled));
        }
        folder.take(piece)?;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::export::piece::Begun;
    use crate::record::export::testing::order;
    use domain::audit::Shown;
    use eventstore::Position;

    fn note(position: u64) -> FileNote {
        FileNote {
            reached: Reached {
                room: None,
                position: Position::new(position),
            },
            results: 1,
            first: Position::new(position),
            conversation: None,
        }
    }

    fn write(folder: &mut Folder, number: u64) -> Result<(), FolderError> {
        folder.take(Piece::File(format!("sub/{number}.ndjson")))?;
        folder.take(Piece::Data("some data".into()))?;
        folder.take(Piece::Complete(note(number)))
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_look_into_what_is_written() {
        use std::os::unix::fs::PermissionsExt as _;

        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("export");
        let mut folder = Folder::begin(&path, order(), 0).unwrap();
        write(&mut folder, 1).unwrap();
        let mut seen = 0;
        let mut check = |at: PathBuf| {
            let mode = fs::metadata(&at).unwrap().permissions().mode() & 0o077;
            assert_eq!(mode, 0, "{} is closed to others", at.display());
            seen += 1;
        };
        for inner in ["", "sub", "sub/1.ndjson", ".unfinished/journal.ndjson"] {
            check(path.join(inner));
        }
        check(path.join(UNFINISHED).join(ORDER));
        folder.finish().unwrap();
        for inner in ["README.txt", MANIFEST] {
            check(path.join(inner));
        }
        assert_eq!(seen, 7);
    }

    #[test]
    fn a_disk_that_is_full_ends_it_and_it_goes_on_once_there_is_room() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("export");
        let too_large = Folder::begin(&path, order(), u64::MAX).err();
        assert!(
            matches!(too_large, Some(FolderError::NoRoom { .. })),
            "{too_large:?}"
        );
        assert!(!path.exists(), "nothing is made for what does not fit");
        let mut folder = Folder::begin(&path, order(), 0).unwrap();
        write(&mut folder, 1).unwrap();
        folder.spare = u64::MAX;
        let full = write(&mut folder, 2).err();
        assert!(full.is_some_and(|error| error.is_for_want_of_room()));
        drop(folder);
        let mut folder = Unfinished::find(&path).unwrap().go_on(0).unwrap();
        write(&mut folder, 2).unwrap();
        assert_eq!(
            folder.finish().unwrap().files,
            2,
            "what was complete is kept"
        );
    }

    /// Takes an export of one file; whether it can be noted that all of it is there.
    fn filled(target: Target, noted: bool) -> Result<Option<Filled>, FolderError> {
        let (to, pieces) = mpsc::channel(8);
        let begun = Begun {
            order: order(),
            reading: None,
        };
        let mut all = vec![Piece::Begun(Box::new(begun))];
        if matches!(target, Target::Fresh(_)) {
            all.push(Piece::File("1.ndjson".to_owned()));
            all.push(Piece::Complete(note(1)));
        }
        all.push(Piece::End(Shown::default()));
        for piece in all {
            to.try_send(piece).unwrap();
        }
        fill_and_note(target, pieces, 0, |filled| {
            assert_eq!(filled.finished.files, 1);
            noted.then_some(()).ok_or(FolderError::NotSynced)
        })
    }

    #[test]
    fn it_goes_on_until_it_is_noted_that_all_is_there() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("export");
        assert!(filled(Target::Fresh(path.clone()), false).is_err());
        let unfinished = Unfinished::find(&path).expect("nobody noted that it is made");
        assert_eq!(unfinished.reached(), Some(&note(1).reached));
        let made = filled(Target::Unfinished(Box::new(unfinished)), true).unwrap();
        assert!(made.is_some(), "it is noted");
        assert!(!path.join(UNFINISHED).exists(), "nothing is left over");
        settle(&path).expect("what is settled can be settled again");
    }

    #[test]
    fn a_journal_that_somebody_else_wrote_leads_nowhere() {
        let scratch = tempfile::tempdir().unwrap();
        let victim = scratch.path().join("victim");
        fs::write(&victim, b"mine").unwrap();
        let path = scratch.path().join("export");
        drop(Folder::begin(&path, order(), 0).unwrap());
        for name in [
            "../victim",
            "/etc/passwd",
            "a/../../victim",
            ".unfinished/order.json",
        ] {
            let journal = path.join(UNFINISHED).join(JOURNAL);
            let line = serde_json::json!({"begins": name}).to_string();
            fs::write(&journal, line + "\n").unwrap();
            let found = Unfinished::find(&path).err();
            assert!(
                matches!(found, Some(FolderError::Foreign(_))),
                "{name}: {found:?}"
            );
            assert!(victim.exists(), "{name}: nothing outside is removed");
        }
    }

    #[test]
    fn what_the_system_says_of_a_full_disk_is_told_in_words() {
        for (kind, wanted) in [
            (io::ErrorKind::StorageFull, "disk is full"),
            (io::ErrorKind::QuotaExceeded, "disk is full"),
            (io::ErrorKind::PermissionDenied, "permission denied"),
        ] {
            let told = FolderError::io(Path::new("a"), kind.into()).to_string();
            assert!(told.contains(wanted), "{kind:?}: {told}");
        }
    }
}
