//! Files in the store, with the facts that the log has of them.
//!
//! A file is written before the event that speaks of it and removed after the event that ends its use: a crash in
//! between leaves a file that nobody knows, never a fact without its file. No file's name is used twice, so removing
//! one can never hit another that came later.

use bytes::Bytes;
use domain::StoredFile;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Fault};
use crate::ids::fresh_id;
use crate::workspace::Workspace;

/// Where files of one kind lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// Pictures of users and rooms.
    Avatars,
    /// Pictures of emoji.
    Emoji,
    /// Sounds.
    Sounds,
    /// The workspace's own pictures.
    Assets,
}

impl Shelf {
    const fn folder(self) -> &'static str {
        match self {
            Self::Avatars => "avatars",
            Self::Emoji => "emoji",
            Self::Sounds => "sounds",
            Self::Assets => "assets",
        }
    }

    /// The key of a file: what is in it, and which of several copies it is.
    fn key(self, file: &StoredFile) -> String {
        format!("{}/{}-{}", self.folder(), file.sha256, file.id)
    }

    /// Keeps a file.
    pub async fn keep(
        self,
        workspace: &Workspace,
        content_type: &str,
        bytes: Bytes,
    ) -> Result<StoredFile, Error> {
        let hashed = bytes.clone();
        let digest = tokio::task::spawn_blocking(move || Sha256::digest(&hashed))
            .await
            .map_err(|_| Fault::Impossible("a digest was not computed"))?;
        let file = StoredFile {
            id: fresh_id(),
            sha256: hex::encode(digest),
            content_type: content_type.to_owned(),
            size: bytes.len() as u64,
        };
        workspace.files().write(&self.key(&file), bytes).await?;
        Ok(file)
    }

    /// A kept file; `None` when it was lost.
    pub async fn fetch(
        self,
        workspace: &Workspace,
        file: &StoredFile,
    ) -> Result<Option<Bytes>, Error> {
        let bytes = workspace.files().read(&self.key(file)).await?;
        if bytes.is_none() {
            tracing::warn!(key = self.key(file), "a file is missing in the store");
        }
        Ok(bytes)
    }

    /// Removes a file that is not used any more.
    pub async fn forget(self, workspace: &Workspace, file: &StoredFile) {
        if let Err(error) = workspace.files().delete(&self.key(file)).await {
            tracing::warn!(%error, key = self.key(file), "a file could not be removed");
        }
    }

    /// After an attempt to replace `old` with `new`: removes the one that is not used.
    pub async fn settle<T>(
        self,
        workspace: &Workspace,
        attempt: &Result<T, Error>,
        old: Option<&StoredFile>,
        new: &StoredFile,
    ) {
        match (attempt, old) {
            (Ok(_), Some(old)) => self.forget(workspace, old).await,
            // Recorded perhaps, only not shown in time: the file stays.
            (Ok(_), None) => {}
            (Err(error), _) if error.may_have_happened() => {}
            (Err(_), _) => self.forget(workspace, new).await,
        }
    }
}
