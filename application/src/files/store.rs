//! File bytes: pictures and other uploads. They are kept beside the log, which only has the facts about them.

use std::path::Path;

use bytes::Bytes;
use futures::Stream;
use opendal::{ErrorKind, Operator, services};

/// Bytes that are read at a time of a file that may be large.
const PIECE: usize = 256 * 1024;

/// Why a file cannot be stored or fetched.
#[derive(Debug, thiserror::Error)]
#[error("the file store failed: {0}")]
pub struct FilesError(#[from] opendal::Error);

/// The store of file bytes.
#[derive(Clone, Debug)]
pub struct Files(Operator);

impl Files {
    /// The store in a folder, which is made with the first file.
    pub fn in_folder(root: &Path) -> Result<Self, FilesError> {
        let root = root.to_string_lossy();
        // Beside the files, so that a file is moved to its name when it is complete.
        let fs = services::Fs::default()
            .root(&root)
            .atomic_write_dir(&format!("{root}/.partial"));
        Ok(Self(Operator::new(fs)?))
    }

    /// Stores `bytes` under `key`, a relative path. Durable when this returns.
    pub async fn write(&self, key: &str, bytes: Bytes) -> Result<(), FilesError> {
        self.0.write(key, bytes).await?;
        Ok(())
    }

    /// Stores what is written piece by piece under `key`, once it is closed.
    pub async fn writer(&self, key: &str) -> Result<FileWriter, FilesError> {
        Ok(FileWriter(self.0.writer(key).await?))
    }

    /// Removes everything whose key begins with `folder` and a slash.
    pub async fn delete_folder(&self, folder: &str) -> Result<(), FilesError> {
        let folder = format!("{}/", folder.trim_end_matches('/'));
        Ok(self.0.delete_with(&folder).recursive(true).await?)
    }

    /// The bytes under `key`, if there are any.
    pub async fn read(&self, key: &str) -> Result<Option<Bytes>, FilesError> {
        match self.0.read(key).await {
            Ok(buffer) => Ok(Some(buffer.to_bytes())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// How large what is under `key` is, and its bytes piece by piece, if there is anything. For what may be large.
    pub async fn stream(
        &self,
        key: &str,
    ) -> Result<
        Option<(
            u64,
            impl Stream<Item = std::io::Result<Bytes>> + Send + use<>,
        )>,
        FilesError,
    > {
        let size = match self.0.stat(key).await {
            Ok(found) => found.content_length(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let reader = self.0.reader_with(key).chunk(PIECE).await?;
        Ok(Some((size, reader.into_bytes_stream(..).await?)))
    }

    /// Removes what is under `key`.
    pub async fn delete(&self, key: &str) -> Result<(), FilesError> {
        self.0.delete(key).await?;
        Ok(())
    }
}

/// A file being written. It exists once it is closed.
pub struct FileWriter(opendal::Writer);

impl FileWriter {
    /// Appends a piece. Not durable before the file is closed.
    pub async fn write(&mut self, piece: Bytes) -> Result<(), FilesError> {
        Ok(self.0.write(piece).await?)
    }

    /// Completes the file. Durable when this returns.
    pub async fn close(&mut self) -> Result<(), FilesError> {
        self.0.close().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_kept_is_there_until_it_is_deleted() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let files = Files::in_folder(folder.path()).expect("a store");
        assert_eq!(files.read("a/b").await.expect("read"), None);
        files
            .write("a/b", Bytes::from_static(b"picture"))
            .await
            .expect("write");
        let read = files.read("a/b").await.expect("read");
        assert_eq!(read.as_deref(), Some(&b"picture"[..]));
        files.delete("a/b").await.expect("delete");
        assert_eq!(files.read("a/b").await.expect("read"), None);
    }

    #[tokio::test]
    async fn a_file_can_be_written_in_pieces_and_a_folder_deleted() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let files = Files::in_folder(folder.path()).expect("a store");
        let mut writer = files.writer("a/long").await.expect("writer");
        for piece in ["one ", "two"] {
            writer.write(Bytes::from(piece)).await.expect("piece");
        }
        writer.close().await.expect("close");
        let read = files.read("a/long").await.expect("read");
        assert_eq!(read.as_deref(), Some(&b"one two"[..]));
        let (size, pieces) = files
            .stream("a/long")
            .await
            .expect("stream")
            .expect("a file");
        let pieces: Vec<Bytes> = pieces.try_collect().await.expect("pieces");
        assert_eq!((size, &*pieces.concat()), (7, &b"one two"[..]));
        assert!(files.stream("a/never").await.expect("stream").is_none());
        files.delete_folder("a").await.expect("delete");
        assert_eq!(files.read("a/long").await.expect("read"), None);
        files.delete_folder("never").await.expect("nothing to do");
    }
}
