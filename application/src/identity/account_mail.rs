//! Links and secrets mailed to the owners of accounts: asking for them. Following them is in
//! [`crate::identity::mail_links`].
//!
//! What is mailed is an event in the batch of its cause; the mail itself is sent afterwards (`reactors::mail`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::account_mail::{self, AccountMail, AccountMailCommand, NewToken};
use domain::claim::{self, Claim, ClaimCommand, NameKind};
use domain::settings::keys;
use domain::user::UserCreated;
use domain::{Timestamp, UserId};
use eventstore::execute::Transaction;

use crate::token::token_hash;
use crate::workspace::{WorkError, Workspace};

/// A fresh token for a link. Made before the transaction, which may run more than once.
pub struct Link {
    token: String,
    pub(super) recorded: NewToken,
}

impl Link {
    /// A link for this account.
    pub fn fresh(workspace: &Workspace, user: &UserId) -> Self {
        let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let sealed = workspace
            .vault()
            .seal(&account_mail::token_purpose(user), &token);
        let recorded = NewToken {
            sealed,
            hash: token_hash(&token),
        };
        Self { token, recorded }
    }

    /// Records whose the token is.
    pub(super) async fn claim(
        &self,
        tx: &Transaction,
        user: &UserId,
        at: Timestamp,
    ) -> Result<(), WorkError> {
        let take = ClaimCommand::Take {
            kind: NameKind::MailToken,
            owner: user.as_str().to_owned(),
            at,
        };
        tx.decide_new::<Claim>(&claim::stream(NameKind::MailToken, &self.token), take, &())
            .await?;
        Ok(())
    }
}

/// A secret to be mailed, sealed before the transaction.
pub enum Told {
    /// The first password of an account that somebody else made, for the welcome mail.
    FirstPassword(domain::Sealed),
    /// A password that somebody else gave the account.
    NewPassword(domain::Sealed),
}

impl Told {
    /// Seals the first password of a new account.
    pub fn first_password(workspace: &Workspace, user: &UserId, password: &str) -> Self {
        Self::FirstPassword(seal_password(workspace, user, password))
    }

    /// Seals the new password of an account.
    pub fn new_password(workspace: &Workspace, user: &UserId, password: &str) -> Self {
        Self::NewPassword(seal_password(workspace, user, password))
    }

    /// Has it mailed once the transaction is committed.
    pub async fn tell(
        &self,
        tx: &Transaction,
        user: &UserId,
        at: Timestamp,
    ) -> Result<(), WorkError> {
        let user = user.clone();
        let command = match self {
            Self::FirstPassword(password) => AccountMailCommand::Welcome {
                user,
                password: Some(password.clone()),
                at,
            },
            Self::NewPassword(password) => AccountMailCommand::TellPassword {
                user,
                password: password.clone(),
                at,
            },
        };
        decide(tx, command, &[]).await
    }
}

fn seal_password(workspace: &Workspace, user: &UserId, password: &str) -> domain::Sealed {
    workspace
        .vault()
        .seal(&account_mail::password_purpose(user), password)
}

fn whose(command: &AccountMailCommand) -> &UserId {
    match command {
        AccountMailCommand::RequestVerification { user, .. }
        | AccountMailCommand::Verify { user, .. }
        | AccountMailCommand::RequestReset { user, .. }
        | AccountMailCommand::Reset { user, .. }
        | AccountMailCommand::VoidResets { user, .. }
        | AccountMailCommand::Welcome { user, .. }
        | AccountMailCommand::TellPassword { user, .. } => user,
    }
}

pub(super) async fn decide(
    tx: &Transaction,
    command: AccountMailCommand,
    addresses: &[String],
) -> Result<(), WorkError> {
    let stream = account_mail::stream(whose(&command));
    tx.decide::<AccountMail>(&stream, command, &addresses)
        .await?;
    Ok(())
}

/// Has a link mailed that proves an address. If too many were mailed lately, none is; its cause happens all the same.
pub async fn ask_to_verify(
    tx: &Transaction,
    link: &Link,
    user: &UserId,
    address: &str,
    at: Timestamp,
) -> Result<(), WorkError> {
    match request_verification(tx, link, user, address, at).await {
        Err(error) if error.is_refusal() => Ok(()),
        outcome => outcome,
    }
}

pub(super) async fn request_verification(
    tx: &Transaction,
    link: &Link,
    user: &UserId,
    address: &str,
    at: Timestamp,
) -> Result<(), WorkError> {
    let command = AccountMailCommand::RequestVerification {
        user: user.clone(),
        address: address.to_owned(),
        token: link.recorded.clone(),
        at,
    };
    decide(tx, command, &[]).await?;
    link.claim(tx, user, at).await
}

/// What is mailed because an account was made.
pub async fn after_creation(
    workspace: &Workspace,
    tx: &Transaction,
    link: &Link,
    created: &UserCreated,
    signed_up: bool,
    told: Option<&Told>,
) -> Result<(), WorkError> {
    let verify = signed_up
        && workspace
            .views()
            .settings()
            .bool(keys::ACCOUNTS_EMAIL_VERIFICATION);
    if let Some(email) = created
        .emails
        .first()
        .filter(|email| verify && !email.verified)
    {
        ask_to_verify(tx, link, &created.user, &email.address, created.at).await?;
    }
    if let Some(told) = told {
        told.tell(tx, &created.user, created.at).await?;
    }
    Ok(())
}

/// Voids links to choose a password: there is a new one.
pub async fn void_resets(tx: &Transaction, user: &UserId, at: Timestamp) -> Result<(), WorkError> {
    let user = user.clone();
    decide(tx, AccountMailCommand::VoidResets { user, at }, &[]).await
}
