//! The code that proves who sets a server up.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The code a fresh server prints. Each process draws its own and keeps it in memory only; it is worthless once there
/// was an administrator.
pub struct SetupCode(String);

impl SetupCode {
    /// Draws a code of 80 bits.
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

    /// The code as it is printed for the operator.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `shown` is the code. Compared by digests: the time it takes tells nothing about the code.
    pub fn is(&self, shown: &str) -> bool {
        let digest = |text: &str| Sha256::digest(text.as_bytes());
        bool::from(digest(&self.0).ct_eq(&digest(shown.trim_ascii())))
    }
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
}
