//! Checking new passwords against the rules, and known ones against the account.

use domain::UserId;
use domain::password::check_policy;
use domain::settings::keys;
use domain::user::{PASSWORDS_KEPT, PasswordHash};

use crate::error::{Error, Refusal};
use crate::identity::password_hasher::PasswordDigest;
use crate::people::account;
use crate::workspace::Workspace;

/// The hash of a password that meets the policy.
pub async fn hash_checked(workspace: &Workspace, clear: &str) -> Result<PasswordHash, Error> {
    check_policy(clear, &workspace.views().settings())?;
    hash(workspace, clear).await
}

/// The hash of a password that was generated, or that does not have to meet the policy.
pub async fn hash(workspace: &Workspace, clear: &str) -> Result<PasswordHash, Error> {
    Ok(workspace
        .passwords()
        .hash(PasswordDigest::of(clear))
        .await?)
}

/// Refuses the password an account has, and those it had lately if the workspace remembers them (contract, conventions
/// 6.4).
pub async fn must_be_new(
    workspace: &Workspace,
    user: &UserId,
    digest: &PasswordDigest,
) -> Result<(), Error> {
    let Some(account) = account::load(workspace, user).await? else {
        return Err(Refusal::NoSuchUser.into());
    };
    let same = async |hash: &PasswordHash| {
        let digest = digest.clone();
        workspace
            .passwords()
            .verify(digest, Some(hash.clone()))
            .await
    };
    if let Some(hash) = account.password()
        && same(hash).await?
    {
        return Err(Refusal::PasswordSameAsCurrent.into());
    }
    if !remembers(workspace) {
        return Ok(());
    }
    let settings = workspace.views().settings();
    let remembered =
        usize::try_from(settings.int(keys::ACCOUNTS_PASSWORD_HISTORY_AMOUNT)).unwrap_or(0);
    for hash in account.former_passwords(remembered.min(PASSWORDS_KEPT)) {
        if same(hash).await? {
            return Err(Refusal::PasswordInHistory.into());
        }
    }
    Ok(())
}

/// Whether the workspace remembers former passwords.
pub fn remembers(workspace: &Workspace) -> bool {
    let settings = workspace.views().settings();
    settings.bool(keys::ACCOUNTS_PASSWORD_HISTORY_ENABLED)
}

/// The result of checking a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum PasswordProof {
    Right,
    Wrong,
    NoPassword,
}

/// Whether `digest` (hex SHA-256, as clients send it) is that of the account's password.
pub async fn prove(
    workspace: &Workspace,
    user: &UserId,
    digest: &str,
) -> Result<PasswordProof, Error> {
    let credentials = workspace.views().credentials(user).await?;
    let Some(hash) = credentials.and_then(|credentials| credentials.password) else {
        return Ok(PasswordProof::NoPassword);
    };
    let Some(digest) = PasswordDigest::from_hex(digest) else {
        return Ok(PasswordProof::Wrong);
    };
    let right = workspace.passwords().verify(digest, Some(hash)).await?;
    Ok(if right {
        PasswordProof::Right
    } else {
        PasswordProof::Wrong
    })
}
