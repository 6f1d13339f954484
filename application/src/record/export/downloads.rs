//! Which exports are downloaded now, and what is left of one that is removed meanwhile.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

/// How many are downloaded at the same time: each holds a thread for as long as somebody takes it.
const MOST: usize = 8;

/// The folders of exports that are downloaded.
#[derive(Clone, Debug, Default)]
pub(super) struct Downloads(Arc<Mutex<HashMap<PathBuf, Takers>>>);

#[derive(Debug, Default)]
struct Takers {
    /// How many download it; never none.
    count: usize,
    /// It was removed: whoever is last removes its files.
    removed: bool,
}

/// A download, which counts until this is dropped. Until then the files stay on the disk, also if the export is removed.
#[derive(Debug)]
#[must_use]
pub struct Download {
    downloads: Downloads,
    /// The folder of the export.
    own: PathBuf,
    /// The one with its files.
    pub(super) files: PathBuf,
}

impl Downloads {
    /// Begins to download one from the folder with its `files`, in the folder that is its `own`. `None`: too many are
    /// downloaded now.
    pub(super) fn begin(&self, own: PathBuf, files: PathBuf) -> Option<Download> {
        let mut takers = self.0.lock();
        if takers.values().map(|one| one.count).sum::<usize>() >= MOST {
            return None;
        }
        takers.entry(own.clone()).or_default().count += 1;
        Some(Download {
            downloads: self.clone(),
            own,
            files,
        })
    }

    /// Removes the folder of an export that nobody finds any more, or has the last who downloads it do so. Blocks.
    pub(super) fn clear(&self, own: &Path) {
        let mut takers = self.0.lock();
        if let Some(taken) = takers.get_mut(own) {
            taken.removed = true;
            return;
        }
        drop(takers);
        clear(own);
    }
}

/// What this or a crash leaves of it, the next start removes.
fn clear(own: &Path) {
    match fs::remove_dir_all(own) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let path = own.display();
            tracing::warn!(%error, %path, "the files of a removed export are still there");
        }
        _ => {}
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        let mut takers = self.downloads.0.lock();
        let Some(taken) = takers.get_mut(&self.own) else {
            return;
        };
        taken.count -= 1;
        if taken.count > 0 {
            return;
        }
        let removed = takers.remove(&self.own).is_some_and(|taken| taken.removed);
        drop(takers);
        if removed {
            clear(&self.own);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downloads_are_counted_until_they_end() {
        let downloads = Downloads::default();
        let begin = |id: &str| downloads.begin(id.into(), PathBuf::new());
        let ids = ["one", "other"].into_iter().cycle().take(MOST);
        let mut all: Vec<_> = ids.filter_map(begin).collect();
        assert_eq!(all.len(), MOST, "so many are given out");
        assert!(begin("one").is_none(), "and no more");
        assert!(begin("third").is_none(), "of whatever export");
        drop(all.pop());
        assert!(begin("one").is_some(), "once one has ended there is room");
    }

    #[test]
    fn what_is_removed_keeps_its_files_for_those_who_take_them() {
        let scratch = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|id| scratch.path().join(id));
        for own in [&one, &other] {
            fs::create_dir_all(own.join("files")).unwrap();
        }
        let downloads = Downloads::default();
        let begin = || downloads.begin(one.clone(), one.join("files"));
        let two = [begin(), begin()];
        let [first, last] = two.map(Option::unwrap);
        downloads.clear(&other);
        assert!(!other.exists(), "nobody takes the other");
        downloads.clear(&one);
        assert!(first.files.exists(), "two take it");
        drop(first);
        assert!(last.files.exists(), "one still takes it");
        drop(last);
        assert!(!one.exists(), "nobody takes it any more");
    }
}
