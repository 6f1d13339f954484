//! Files in the store, with the facts that the log has about them.
//!
//! A file is written before the event that refers to it and removed after the event that ends its use: a crash in
//! between leaves a file that nothing refers to, never a fact without its file. No file name is used twice, so removing
//! one can never hit another that came later.

use bytes::Bytes;
use domain::StoredFile;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Fault};
use crate::ids::fresh_id;
use crate::workspace::Workspace;

/// The folders of the store, one per kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Folder {
    /// Of users and rooms.
    Avatars,
    Emoji,
    Sounds,
    /// The workspace's own pictures.
    Assets,
}

impl Folder {
    const fn name(self) -> &'static str {
        match self {
            Self::Avatars => "avatars",
            Self::Emoji => "emoji",
            Self::Sounds => "sounds",
            Self::Assets => "assets",
        }
    }

    /// The key of a file: its content, and which of several copies it is.
    fn key(self, file: &StoredFile) -> String {
        format!("{}/{}-{}", self.name(), file.sha256, file.id)
    }

    /// Stores a file and returns its facts.
    pub async fn keep(
        self,
        workspace: &Workspace,
        content_type: &str,
        bytes: Bytes,
    ) -> Result<StoredFile, Error> {
        let hashed = bytes.clone();
        let digest = tokio::task::spawn_blocking(move || Sha256::digest(&hashed))
            .await
            .map_err(|error| Fault::Impossible(format!("a digest: {error}").into()))?;
        let file = StoredFile {
            id: fresh_id(),
            sha256: hex::encode(digest),
            content_type: content_type.to_owned(),
            size: bytes.len() as u64,
        };
        workspace.files().write(&self.key(&file), bytes).await?;
        Ok(file)
    }

    /// A stored file; `None` if it was lost.
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

    /// Removes a file that is no longer used.
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
            // Perhaps recorded, only not shown in time: the file stays.
            (Ok(_), None) => {}
            (Err(error), _) if error.may_have_happened() => {}
            (Err(_), _) => self.forget(workspace, new).await,
        }
    }
}
