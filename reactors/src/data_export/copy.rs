//! The file of a copy, written piece by piece.

use application::files::store::{FileWriter, FilesError};
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Bytes gathered before they are written.
const PIECE: usize = 256 * 1024;

/// A file being written, what it has so far hashed and counted.
pub(super) struct Copy {
    file: FileWriter,
    piece: Vec<u8>,
    hash: Sha256,
    size: u64,
}

impl Copy {
    pub(super) fn begin(file: FileWriter) -> Self {
        Self {
            file,
            piece: Vec::with_capacity(PIECE),
            hash: Sha256::new(),
            size: 0,
        }
    }

    pub(super) fn say(&mut self, text: &str) {
        self.piece.extend_from_slice(text.as_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.piece.extend_from_slice(bytes);
    }

    pub(super) fn json(&mut self, value: &Value) {
        self.piece.extend_from_slice(value.to_string().as_bytes());
    }

    pub(super) fn comma(&mut self, first: &mut bool) {
        if !std::mem::replace(first, false) {
            self.say(",");
        }
    }

    pub(super) async fn list(
        &mut self,
        docs: impl Iterator<Item = &Bytes>,
    ) -> Result<(), FilesError> {
        let mut first = true;
        for doc in docs {
            self.comma(&mut first);
            self.piece.extend_from_slice(doc);
            if self.piece.len() >= PIECE {
                self.flush().await?;
            }
        }
        Ok(())
    }

    pub(super) async fn flush(&mut self) -> Result<(), FilesError> {
        let piece = Bytes::from(std::mem::replace(
            &mut self.piece,
            Vec::with_capacity(PIECE),
        ));
        self.hash.update(&piece);
        self.size += piece.len() as u64;
        self.file.write(piece).await
    }

    /// Completes the file; returns its size in bytes and the hex SHA-256 of its content.
    pub(super) async fn finish(mut self) -> Result<(u64, String), FilesError> {
        self.flush().await?;
        self.file.close().await?;
        Ok((self.size, hex::encode(self.hash.finalize())))
    }
}
