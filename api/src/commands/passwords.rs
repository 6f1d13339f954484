//! Passwords on their way in: what a new one must be like, and whether a known one is right.

use application::identity::password_hasher::PasswordDigest;
use domain::UserId;
use domain::password::check_policy;
use domain::user::{PASSWORDS_KEPT, PasswordHash};

use super::users;
use crate::error::{ApiError, texts};
use crate::state::AppState;

/// The hash of a password that meets the policy.
pub async fn hash_checked(state: &AppState, clear: &str) -> Result<PasswordHash, ApiError> {
    check_policy(clear, &state.views().settings())?;
    hash(state, clear).await
}

/// The hash of a password that was made up, or that nobody asks to meet the policy.
pub async fn hash(state: &AppState, clear: &str) -> Result<PasswordHash, ApiError> {
    Ok(state.passwords().hash(PasswordDigest::of(clear)).await?)
}

/// Refuses the password an account has, and those it had lately where the workspace remembers them (contract,
/// conventions 6.4).
pub async fn must_be_new(
    state: &AppState,
    user: &UserId,
    digest: &PasswordDigest,
) -> Result<(), ApiError> {
    let Some(account) = users::account(state, user).await? else {
        return Err(texts::user_param_unknown());
    };
    let same = async |hash: &PasswordHash| {
        let digest = digest.clone();
        state.passwords().verify(digest, Some(hash.clone())).await
    };
    if let Some(hash) = account.password()
        && same(hash).await?
    {
        return Err(texts::password_same_as_current());
    }
    if !remembers(state) {
        return Ok(());
    }
    let settings = state.views().settings();
    let remembered = usize::try_from(settings.int("Accounts_Password_History_Amount")).unwrap_or(0);
    for hash in account.former_passwords(remembered.min(PASSWORDS_KEPT)) {
        if same(hash).await? {
            return Err(texts::password_in_history());
        }
    }
    Ok(())
}

/// Whether the workspace remembers former passwords.
pub fn remembers(state: &AppState) -> bool {
    let settings = state.views().settings();
    settings.bool("Accounts_Password_History_Enabled")
}

/// What somebody's password proved to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordProof {
    /// The account has this password.
    Right,
    /// It has another.
    Wrong,
    /// It has none.
    NoPassword,
}

/// Whether `digest` (hex SHA-256, as clients send it) is that of the account's password.
pub async fn prove(
    state: &AppState,
    user: &UserId,
    digest: &str,
) -> Result<PasswordProof, ApiError> {
    let credentials = state.views().credentials(user).await?;
    let Some(hash) = credentials.and_then(|credentials| credentials.password) else {
        return Ok(PasswordProof::NoPassword);
    };
    let Some(digest) = PasswordDigest::from_hex(digest) else {
        return Ok(PasswordProof::Wrong);
    };
    let right = state.passwords().verify(digest, Some(hash)).await?;
    Ok(if right {
        PasswordProof::Right
    } else {
        PasswordProof::Wrong
    })
}
