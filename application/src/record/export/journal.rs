//! What is complete in the folder of an export that goes on.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::order::FileNote;
use super::private;

/// What the journal and the manifest say of a complete file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Relative, with slashes.
    pub(super) name: String,
    /// Bytes of the file.
    pub(super) size: u64,
    /// In hexadecimal digits.
    pub(super) sha256: String,
    #[serde(flatten)]
    pub(super) note: FileNote,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    /// A file of that name is being written.
    Begins(String),
    Complete(Box<Entry>),
}

/// The journal of one export. While one process has it, no other gets it.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

/// What a journal told.
#[derive(Default)]
pub(super) struct Told {
    /// The last complete file.
    pub(super) last: Option<Entry>,
    /// Files that were begun, or are not as they were when they were complete.
    pub(super) broken: Vec<String>,
}

impl Journal {
    /// Takes the journal, which is made if there is none. `None`: another process has it.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        let mut options = private::options();
        let file = options.read(true).append(true).create(true).open(path)?;
        if file.try_lock().is_err() {
            return Ok(None);
        }
        Ok(Some(Self {
            path: path.to_owned(),
            file,
        }))
    }

    fn add(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.file.write_all(&text)
    }

    pub(super) fn begins(&mut self, name: &str) -> io::Result<()> {
        self.add(&Line::Begins(name.to_owned()))
    }

    pub(super) fn complete(&mut self, entry: Entry) -> io::Result<()> {
        self.add(&Line::Complete(Box::new(entry)))
    }

    /// Finds out what is complete, and forgets everything behind the first file that is not as it was.
    pub(super) fn check(&mut self, folder: &Path) -> io::Result<Told> {
        let mut told = Told::default();
        let (mut good, mut at, mut whole) = (0, 0, true);
        let mut lines = BufReader::new(File::open(&self.path)?);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            at += line.len() as u64;
            match serde_json::from_slice::<Line>(&line) {
                Ok(Line::Complete(entry))
                    if whole && line.ends_with(b"\n") && is_there(folder, &entry)? =>
                {
                    told.broken.retain(|name| *name != entry.name);
                    told.last = Some(*entry);
                    good = at;
                }
                Ok(Line::Complete(entry)) => {
                    whole = false;
                    told.broken.push(entry.name);
                }
                Ok(Line::Begins(name)) => told.broken.push(name),
                // The last line, which a crash cut.
                Err(_) => whole = false,
            }
            line.clear();
        }
        self.file.set_len(good)?;
        Ok(told)
    }

    /// Every complete file.
    pub(super) fn entries(&self) -> io::Result<impl Iterator<Item = io::Result<Entry>> + use<>> {
        let lines = BufReader::new(File::open(&self.path)?).lines();
        Ok(lines.filter_map(|line| {
            let line = line.and_then(|line| Ok(serde_json::from_str(&line)?));
            match line {
                Ok(Line::Begins(_)) => None,
                Ok(Line::Complete(entry)) => Some(Ok(*entry)),
                Err(error) => Some(Err(error)),
            }
        }))
    }
}

/// Whether a name leads to a file within the folder, on every file system.
pub(super) fn is_harmless(name: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    name.split('/').all(|part| {
        !part.is_empty() && part.len() <= 128 && !part.starts_with('.') && part.bytes().all(plain)
    })
}

/// Whether a file is as it was when it was complete.
fn is_there(folder: &Path, entry: &Entry) -> io::Result<bool> {
    if !is_harmless(&entry.name) {
        return Ok(false);
    }
    let mut file = match File::open(folder.join(&entry.name)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() != entry.size {
        return Ok(false);
    }
    let (mut hash, mut part) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut part)? {
            0 => return Ok(hex::encode(hash.finalize()) == entry.sha256),
            read => hash.update(part.get(..read).unwrap_or_default()),
        }
    }
}
