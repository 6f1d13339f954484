//! Secrets that the log must keep but not show: second-factor secrets, passwords of mail servers, keys of other
//! services. They are sealed before they reach an event, with a key that is not in the log.
//!
//! Seals are XChaCha20-Poly1305 with a random nonce; what a secret is for is authenticated along with it, so that a
//! sealed text copied into another place does not open there.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domain::Sealed;
use sha2::{Digest as _, Sha256};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// Why there is no vault.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum VaultError {
    #[error("the key file {} cannot be used: {reason}", path.display())]
    File { path: PathBuf, reason: String },
    #[error("a secret key is 32 bytes in base64, as `openssl rand -base64 32` makes one")]
    NotAKey,
}

/// Why a secret does not open. Says nothing about the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed secret does not open with this key")]
pub struct Locked;

/// Seals and opens secrets with one key.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
    /// Made of the key; fingerprints are made with it.
    stamp: [u8; KEY_BYTES],
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(..)")
    }
}

impl Vault {
    /// A vault with this key.
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(&(*key).into()),
            stamp: digest(&[key, b"fingerprints"]),
        }
    }

    /// A vault with the key an operator wrote down in base64.
    pub fn from_text(key: &str) -> Result<Self, VaultError> {
        let bytes = STANDARD
            .decode(key.trim())
            .map_err(|_| VaultError::NotAKey)?;
        let key: [u8; KEY_BYTES] = bytes.try_into().map_err(|_| VaultError::NotAKey)?;
        Ok(Self::new(&key))
    }

    /// A vault with the key in the file at `path`, which is made (readable by its owner only) if it is not there.
    pub fn from_file(path: &Path) -> Result<Self, VaultError> {
        let failed = |error: std::io::Error| VaultError::File {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let mut text = String::new();
        match OpenOptions::new().read(true).open(path) {
            Ok(mut file) => {
                file.read_to_string(&mut text).map_err(failed)?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                text = STANDARD.encode(rand::random::<[u8; KEY_BYTES]>());
                write_new(path, &text).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        Self::from_text(&text)
    }

    /// `secret`, sealed for `purpose`.
    pub fn seal(&self, purpose: &str, secret: &str) -> Sealed {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload {
            msg: secret.as_bytes(),
            aad: purpose.as_bytes(),
        };
        // Fails only for texts of 256 GB and more; an empty seal opens for nobody.
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .unwrap_or_default();
        let mut bytes = nonce.to_vec();
        bytes.extend(sealed);
        Sealed::new(STANDARD.encode(bytes))
    }

    /// Always the same text, of 43 letters, digits, `-` and `_`, for a secret and a purpose: by it something is found that has the
    /// secret. Without the key nobody can tell whether a guess at the secret is right.
    pub fn fingerprint(&self, purpose: &str, secret: &str) -> String {
        let inner = digest(&[&self.stamp, purpose.as_bytes(), &[0], secret.as_bytes()]);
        URL_SAFE_NO_PAD.encode(digest(&[&self.stamp, &inner]))
    }

    /// The secret that was sealed for `purpose`.
    pub fn open(&self, purpose: &str, sealed: &Sealed) -> Result<String, Locked> {
        let bytes = STANDARD.decode(sealed.as_str()).map_err(|_| Locked)?;
        let (nonce, text) = bytes.split_at_checked(NONCE_BYTES).ok_or(Locked)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| Locked)?;
        let payload = Payload {
            msg: text,
            aad: purpose.as_bytes(),
        };
        let secret = self
            .cipher
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Locked)?;
        String::from_utf8(secret).map_err(|_| Locked)
    }
}

fn digest(parts: &[&[u8]]) -> [u8; KEY_BYTES] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Under its name the file is whole or not there: it is written beside, then moved.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    match path.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_purpose_alone() {
        let vault = Vault::new(&[7; KEY_BYTES]);
        let sealed = vault.seal("totp/u1", "JBSWY3DP");
        assert_eq!(vault.open("totp/u1", &sealed).as_deref(), Ok("JBSWY3DP"));
        assert_eq!(vault.open("totp/u2", &sealed), Err(Locked));
        assert_eq!(
            Vault::new(&[8; KEY_BYTES]).open("totp/u1", &sealed),
            Err(Locked)
        );
        assert_ne!(vault.seal("totp/u1", "JBSWY3DP"), sealed);
        for broken in ["", "AAAA", "not base64!"] {
            assert_eq!(vault.open("x", &Sealed::new(broken)), Err(Locked));
        }
    }

    #[test]
    fn a_fingerprint_depends_on_key_purpose_and_secret() {
        let vault = Vault::new(&[1; KEY_BYTES]);
        let print = vault.fingerprint("invite", "secret");
        assert_eq!(print, vault.fingerprint("invite", "secret"));
        assert_eq!(print.len(), 43);
        let others = [
            vault.fingerprint("invite", "secrets"),
            vault.fingerprint("other", "secret"),
            vault.fingerprint("invit", "esecret"),
            Vault::new(&[2; KEY_BYTES]).fingerprint("invite", "secret"),
        ];
        assert!(!others.contains(&print), "{print} in {others:?}");
    }

    #[test]
    fn the_key_is_made_once() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let path = folder.path().join("secret.key");
        let sealed = Vault::from_file(&path).expect("a fresh key").seal("p", "s");
        let again = Vault::from_file(&path).expect("the same key");
        assert_eq!(again.open("p", &sealed).as_deref(), Ok("s"));
        std::fs::write(&path, "short").expect("write");
        assert!(matches!(Vault::from_file(&path), Err(VaultError::NotAKey)));
    }
}
