//! Whoever signs up first becomes administrator, if they prove that the server is theirs: by the code the server printed
//! when it started, or by coming from its own machine. Otherwise a stranger could win a fresh public server.
//!
//! Coming from the machine proves nothing where a proxy on it may have been asked by anybody: a request with a trace of
//! one does not count, nor does any where the server is known to the world by another name than this machine's own
//! (`ROOT_URL`), because not every proxy leaves a trace.

use axum::http::Uri;
use domain::site::Site;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::extract::client::Client;
use crate::extract::local;
use crate::state::AppState;

/// The code a fresh server prints. Each process draws its own and keeps it in memory only; it is worth nothing once
/// there was an administrator.
pub struct SetupCode(String);

impl SetupCode {
    /// Draws one: 80 bits.
    pub fn fresh() -> Self {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let drawn: [u8; 16] = rand::random();
        let mut code = String::with_capacity(19);
        for (place, byte) in drawn.into_iter().enumerate() {
            if place > 0 && place % 4 == 0 {
                code.push('-');
            }
            code.push(char::from(LETTERS[usize::from(byte % 32)]));
        }
        Self(code)
    }

    /// For the person at the terminal.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether that is it. Compared by digests: how long it takes says nothing about the code.
    fn is(&self, shown: &str) -> bool {
        let digest = |text: &str| Sha256::digest(text.as_bytes());
        bool::from(digest(&self.0).ct_eq(&digest(shown.trim_ascii())))
    }
}

/// Whether whoever signs up proved that the server is theirs. `shown` is the code they came with.
pub fn is_proved(state: &AppState, client: &Client, shown: Option<&str>) -> bool {
    let by_code = shown.is_some_and(|shown| state.setup_code().is(shown));
    by_code || {
        let settings = state.views().settings();
        client.local && is_of_this_machine(Site::of(&settings).as_str())
    }
}

/// Whether that address leads nowhere but to the machine it is used on.
fn is_of_this_machine(url: &str) -> bool {
    url.parse::<Uri>().is_ok_and(|url| {
        url.authority()
            .is_some_and(|host| local::names_this_machine(host.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_long_and_compared_in_full() {
        let code = SetupCode::fresh();
        assert_eq!(code.as_str().len(), 19);
        assert!(code.is(code.as_str()));
        assert!(code.is(&format!(" {}\n", code.as_str())));
        for wrong in ["", &code.as_str()[..18], SetupCode::fresh().as_str()] {
            assert!(!code.is(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_public_address_is_not_of_this_machine() {
        for own in [
            "http://localhost:3000",
            "http://127.0.0.1",
            "http://[::1]:8080/chat",
        ] {
            assert!(is_of_this_machine(own), "{own}");
        }
        for other in [
            "https://chat.example.org",
            "http://10.0.0.1:3000",
            "http://localhost.example.org",
            "nonsense",
            "",
        ] {
            assert!(!is_of_this_machine(other), "{other}");
        }
    }
}
