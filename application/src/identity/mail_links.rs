//! Links that users ask to have mailed, and follow.

use domain::account_mail::{
    self, AccountMail, AccountMailCommand, AccountMailRefusal, ResetReason,
};
use domain::claim::{self, Claim, NameKind};
use domain::credential::Ending;
use domain::password::{PolicyViolation, check_policy};
use domain::settings::keys;
use domain::user::{self, Account, Email, PasswordHash, User, UserCommand, UserContext};
use domain::{Decider as _, Timestamp, UserId};
use eventstore::execute::Transaction;
use projections::UserFacts;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Refusal};
use crate::identity::account_mail::{Link, decide, request_verification};
use crate::identity::mail_wishes::Wish;
use crate::identity::password_hasher::PasswordDigest;
use crate::identity::{credentials, passwords};
use crate::ids::now;
use crate::token::token_hash;
use crate::workspace::{WorkError, Workspace};

/// Mails a link that proves `address`, which must be one of the account's; does nothing if it is proved already.
pub async fn send_verification(
    workspace: &Workspace,
    actor: &UserId,
    user: &UserFacts,
    address: &str,
) -> Result<(), Error> {
    let Some(Email { address, verified }) = email_of(user, address) else {
        return Err(Refusal::NotToVerify.into());
    };
    if *verified {
        return Ok(());
    }
    let (link, at) = (Link::fresh(workspace, &user.id), now());
    workspace
        .run(actor, async |tx| {
            request_verification(&tx, &link, &user.id, address, at).await
        })
        .await
}

/// That address of the account, as it is recorded.
fn email_of<'a>(user: &'a UserFacts, address: &str) -> Option<&'a Email> {
    let same = |email: &&Email| email.address.to_lowercase() == address.to_lowercase();
    user.emails.iter().find(same)
}

/// Mails a link to choose a password to `address`, which must be one of the account's.
pub async fn send_reset(
    workspace: &Workspace,
    actor: &UserId,
    user: &UserFacts,
    address: &str,
    reason: ResetReason,
) -> Result<(), Error> {
    let Some(email) = email_of(user, address) else {
        return Err(Refusal::NotToReset.into());
    };
    let (link, at) = (Link::fresh(workspace, &user.id), now());
    workspace
        .run(actor, async |tx| {
            let command = AccountMailCommand::RequestReset {
                user: user.id.clone(),
                address: email.address.clone(),
                token: link.recorded.clone(),
                reason,
                at,
            };
            decide(&tx, command, &[]).await?;
            link.claim(&tx, &user.id, at).await
        })
        .await
}

/// Whether an account may choose a password by mail: one without a password only if the workspace allows it.
pub async fn may_reset(workspace: &Workspace, user: &UserFacts) -> Result<bool, Error> {
    let settings = workspace.views().settings();
    if !settings.bool(keys::ACCOUNTS_PASSWORD_RESET) {
        return Ok(false);
    }
    let credentials = workspace.views().credentials(&user.id).await?;
    Ok(
        credentials.is_some_and(|credentials| credentials.password.is_some())
            || settings.bool(keys::ACCOUNTS_ALLOW_PASSWORD_CHANGE_FOR_OAUTH_USERS),
    )
}

/// Carries out wishes until `stop`, and then those still waiting. Ends at once if this runs already.
pub async fn grant_wishes(workspace: Workspace, stop: CancellationToken) {
    let Some(mut waiting) = workspace.mail_wishes().waiting() else {
        return;
    };
    loop {
        let wish = tokio::select! {
            biased;
            wish = waiting.recv() => wish,
            () = stop.cancelled() => return,
        };
        let Some(wish) = wish else { return };
        if let Err(error) = grant(&workspace, &wish).await {
            tracing::warn!(%error, "a link was not mailed");
        }
    }
}

async fn grant(workspace: &Workspace, wish: &Wish) -> Result<(), Error> {
    let (Wish::Reset(address) | Wish::Verification(address)) = wish;
    let Some(user) = workspace.views().user_by_email(address).await? else {
        return Ok(());
    };
    match wish {
        Wish::Reset(_) if !may_reset(workspace, &user).await? => Ok(()),
        Wish::Reset(_) => send_reset(workspace, &user.id, &user, address, ResetReason::Reset).await,
        Wish::Verification(_) => send_verification(workspace, &user.id, &user, address).await,
    }
}

/// The user of a token.
async fn owner(workspace: &Workspace, token: &str) -> Result<UserId, Error> {
    let stream = claim::stream(NameKind::MailToken, token);
    let owner = workspace
        .run(&UserId::system(), async |tx| {
            let claim = tx.state::<Claim>(&stream).await?;
            Ok(match &*claim {
                Claim::Owned(owner) => Some(UserId::new(owner)),
                Claim::Free => None,
            })
        })
        .await?;
    owner.ok_or_else(|| AccountMailRefusal::InvalidToken.into())
}

async fn present(tx: &Transaction, user: &UserId) -> Result<Account, WorkError> {
    let state = tx.state::<User>(&user::stream(user)).await?;
    match &*state {
        User::Present(account) => Ok(account.clone()),
        User::Absent | User::Deleted => Err(WorkError::refused(AccountMailRefusal::InvalidToken)),
    }
}

fn addresses(account: &Account) -> Vec<String> {
    let addresses = account.emails.iter().map(|email| email.address.clone());
    addresses.collect()
}

/// Follows a link: its user has access to the address it went to. That address is the account's, and proved from now
/// on.
async fn follow(
    tx: &Transaction,
    user: &UserId,
    command: AccountMailCommand,
    at: Timestamp,
) -> Result<(), WorkError> {
    let account = present(tx, user).await?;
    decide(tx, command, &addresses(&account)).await?;
    mark_verified(tx, user, &account, at).await
}

async fn mark_verified(
    tx: &Transaction,
    user: &UserId,
    account: &Account,
    at: Timestamp,
) -> Result<(), WorkError> {
    let Some(email) = account.emails.first() else {
        return Ok(());
    };
    let verify = UserCommand::ChangeEmail {
        user: user.clone(),
        address: email.address.clone(),
        verified: true,
        at,
    };
    tx.decide::<User>(&user::stream(user), verify, &UserContext::System)
        .await?;
    Ok(())
}

/// Follows a link that proves an address. Returns its user.
pub async fn verify(workspace: &Workspace, token: &str) -> Result<UserId, Error> {
    let user = owner(workspace, token).await?;
    let at = now();
    workspace
        .run(&user, async |tx| {
            follow(&tx, &user, Use::Verify.command(&user, token, at), at).await
        })
        .await?;
    Ok(user)
}

/// A password as a user chose it.
pub enum Chosen<'a> {
    /// In the clear.
    Clear(&'a str),
    /// Its digest, which cannot be checked against the policy.
    Digest(PasswordDigest),
}

impl Chosen<'_> {
    /// The hash of a password that meets the policy and, if the workspace remembers passwords, that `user` did not have
    /// lately.
    async fn hash(self, workspace: &Workspace, user: &UserId) -> Result<PasswordHash, Error> {
        let settings = workspace.views().settings();
        let digest = match self {
            Self::Clear(password) => {
                check_policy(password, &settings)?;
                PasswordDigest::of(password)
            }
            Self::Digest(_) if settings.bool(keys::ACCOUNTS_PASSWORD_POLICY_ENABLED) => {
                return Err(PolicyViolation::Blank.into());
            }
            Self::Digest(digest) => digest,
        };
        if passwords::remembers(workspace) {
            passwords::must_be_new(workspace, user, &digest).await?;
        }
        Ok(workspace.passwords().hash(digest).await?)
    }
}

/// Follows a link to choose a password, which also proves the address it went to. All logins end. Returns its user.
pub async fn reset(
    workspace: &Workspace,
    token: &str,
    chosen: Chosen<'_>,
) -> Result<UserId, Error> {
    let user = owner(workspace, token).await?;
    // Checked before a password is hashed for it; decided below.
    check(workspace, &user, token, Use::Reset).await?;
    let password = chosen.hash(workspace, &user).await?;
    let at = now();
    workspace
        .run(&user, async |tx| {
            follow(&tx, &user, Use::Reset.command(&user, token, at), at).await?;
            let change = UserCommand::ChangePassword {
                user: user.clone(),
                password: password.clone(),
                require_change: false,
                at,
            };
            tx.decide::<User>(&user::stream(&user), change, &UserContext::System)
                .await?;
            credentials::end(&tx, &user, Ending::PasswordReset, None, at).await
        })
        .await?;
    Ok(user)
}

/// What a link is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// To prove an address.
    Verify,
    /// To choose a password, which also proves the address.
    Reset,
}

impl Use {
    /// The command that uses a link for it.
    fn command(self, user: &UserId, token: &str, at: Timestamp) -> AccountMailCommand {
        let (user, hash) = (user.clone(), token_hash(token));
        match self {
            Self::Verify => AccountMailCommand::Verify { user, hash, at },
            Self::Reset => AccountMailCommand::Reset { user, hash, at },
        }
    }
}

/// Whether a link can be followed; changes nothing. Returns its user.
pub async fn can_follow(workspace: &Workspace, token: &str, to: Use) -> Result<UserId, Error> {
    let user = owner(workspace, token).await?;
    check(workspace, &user, token, to).await?;
    Ok(user)
}

async fn check(workspace: &Workspace, user: &UserId, token: &str, to: Use) -> Result<(), Error> {
    let at = now();
    workspace
        .run(user, async |tx| {
            let account = present(&tx, user).await?;
            let links = tx.state::<AccountMail>(&account_mail::stream(user)).await?;
            AccountMail::decide(
                &links,
                to.command(user, token, at),
                &&addresses(&account)[..],
            )
            .map(drop)
            .map_err(WorkError::refused)
        })
        .await
}
