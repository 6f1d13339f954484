//! Login tokens: how they are stored, and how long they are valid.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::settings::{Settings, keys};
use domain::{Timestamp, TokenHash};
use projections::SessionFacts;
use sha2::{Digest as _, Sha256};

use crate::ids::now;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// The stored form of a token: base64(SHA-256(token)).
pub fn token_hash(token: &str) -> TokenHash {
    let mut text = [0_u8; 44];
    let digest = Sha256::digest(token.as_bytes());
    match STANDARD.encode_slice(digest, &mut text) {
        Ok(length) => TokenHash::new(str::from_utf8(&text[..length]).unwrap_or_default()),
        // 32 bytes always fit into 44 characters.
        Err(_) => TokenHash::new(STANDARD.encode(digest)),
    }
}

/// Whether a token has expired by now.
pub fn is_expired(settings: &Settings, session: &SessionFacts) -> bool {
    expires_at(settings, session).is_some_and(|expires| now() > expires)
}

/// When a token expires; `None`: never, as for personal ones.
pub fn expires_at(settings: &Settings, session: &SessionFacts) -> Option<Timestamp> {
    let days = settings.int(keys::ACCOUNTS_LOGIN_EXPIRATION);
    (days > 0 && session.personal.is_none()).then(|| {
        Timestamp::from_millis(
            session
                .issued_at
                .as_millis()
                .saturating_add(days.saturating_mul(DAY_MILLIS)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash() {
        assert_eq!(
            token_hash("secret").as_str(),
            "K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols="
        );
    }
}
