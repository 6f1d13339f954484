//! Links and secrets mailed to the owner of an account: proving an address, choosing a forgotten or a first password. A
//! link is valid once, for a limited time, and only while the address it went to is the account's.

mod events;
#[cfg(test)]
mod tests;

pub use events::*;

use crate::{Category, Decider, Sealed, StreamId, Timestamp, TokenHash, UserId};

const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;

/// How long a link that proves an address is valid, in milliseconds: three days, as a reset link.
pub const VERIFICATION_LIFETIME: i64 = 3 * DAY;

/// The most links of one kind that are valid at the same time; the oldest is dropped first.
pub const MOST_LINKS: usize = 5;

/// The most links that are mailed within an hour for one account, so that nobody's mailbox is flooded.
pub const MOST_AN_HOUR: usize = 5;

impl ResetReason {
    /// How long a link is valid, in milliseconds (contract, conventions 6.4).
    pub const fn lifetime(self) -> i64 {
        match self {
            Self::Reset => 3 * DAY,
            Self::Enrolment => 30 * DAY,
        }
    }
}

/// The stream of an account's links.
pub fn stream(user: &UserId) -> StreamId {
    StreamId::new(Category::AccountMail, user.as_str())
}

/// What a token is sealed for, so that it cannot be opened for anything else.
pub fn token_purpose(user: &UserId) -> String {
    format!("mail-token/{user}")
}

/// What a mailed password is sealed for.
pub fn password_purpose(user: &UserId) -> String {
    format!("mail-password/{user}")
}

/// A fresh token, as it enters the log.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct NewToken {
    pub sealed: Sealed,
    pub hash: TokenHash,
}

/// A link that may still be followed.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Link {
    pub hash: TokenHash,
    pub address: String,
    pub until: Timestamp,
}

/// What decisions about the mailed links of an account need of its past.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountMail {
    /// Links that prove an address, oldest first.
    pub verifications: Vec<Link>,
    /// Links that choose a password, oldest first.
    pub resets: Vec<Link>,
    /// Hashes of the links that proved an address last, so that following one twice is no error.
    pub verified: Vec<TokenHash>,
    /// When the last links were requested.
    pub asked: Vec<Timestamp>,
}

/// What can be asked for.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum AccountMailCommand {
    RequestVerification {
        user: UserId,
        address: String,
        token: NewToken,
        at: Timestamp,
    },
    Verify {
        user: UserId,
        hash: TokenHash,
        at: Timestamp,
    },
    RequestReset {
        user: UserId,
        address: String,
        token: NewToken,
        reason: ResetReason,
        at: Timestamp,
    },
    Reset {
        user: UserId,
        hash: TokenHash,
        at: Timestamp,
    },
    /// Void the links to choose a password, because the password was changed.
    VoidResets { user: UserId, at: Timestamp },
    Welcome {
        user: UserId,
        /// `None`: the mail does not tell the first password.
        password: Option<Sealed>,
        at: Timestamp,
    },
    TellPassword {
        user: UserId,
        password: Sealed,
        at: Timestamp,
    },
}

/// Why a wish is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum AccountMailRefusal {
    /// There is no such link, it was used, or it was sent to an address that the account no longer has.
    #[error("the link is not valid")]
    InvalidToken,
    #[error("the link is too old")]
    Expired,
    #[error("the address is proved already")]
    AlreadyVerified,
    #[error("too many links; the next one can be sent in {seconds} seconds")]
    TooMany { seconds: u64 },
}

/// What the rules need to know from elsewhere: the addresses the account has now.
pub type Addresses<'a> = &'a [String];

impl Decider for AccountMail {
    type State = Self;
    type Command = AccountMailCommand;
    type Context<'a> = Addresses<'a>;
    type Event = AccountMailEvent;
    type Refusal = AccountMailRefusal;

    fn decide(
        state: &Self,
        command: AccountMailCommand,
        addresses: &Addresses<'_>,
    ) -> Result<Vec<AccountMailEvent>, AccountMailRefusal> {
        let event = match command {
            AccountMailCommand::RequestVerification {
                user,
                address,
                token,
                at,
            } => {
                state.may_ask(at)?;
                EmailVerificationRequested {
                    user,
                    address,
                    token: token.sealed,
                    token_hash: token.hash,
                    at,
                }
                .into()
            }
            AccountMailCommand::Verify { user, hash, at } => {
                if state.verified.contains(&hash) {
                    return Err(AccountMailRefusal::AlreadyVerified);
                }
                let address = usable(&state.verifications, &hash, addresses, at)?;
                EmailVerified {
                    user,
                    address,
                    token_hash: hash,
                    at,
                }
                .into()
            }
            AccountMailCommand::RequestReset {
                user,
                address,
                token,
                reason,
                at,
            } => {
                state.may_ask(at)?;
                PasswordResetRequested {
                    user,
                    address,
                    token: token.sealed,
                    token_hash: token.hash,
                    reason,
                    at,
                }
                .into()
            }
            AccountMailCommand::Reset { user, hash, at } => {
                usable(&state.resets, &hash, addresses, at)?;
                PasswordResetCompleted {
                    user,
                    token_hash: hash,
                    at,
                }
                .into()
            }
            AccountMailCommand::VoidResets { .. } if state.resets.is_empty() => return Ok(vec![]),
            AccountMailCommand::VoidResets { user, at } => PasswordResetsVoided { user, at }.into(),
            AccountMailCommand::Welcome { user, password, at } => {
                WelcomeMailRequested { user, password, at }.into()
            }
            AccountMailCommand::TellPassword { user, password, at } => {
                PasswordMailRequested { user, password, at }.into()
            }
        };
        Ok(vec![event])
    }

    fn evolve(mut state: Self, event: &AccountMailEvent) -> Self {
        match event {
            AccountMailEvent::EmailVerificationRequested(event) => {
                state.asked(event.at);
                let link = Link {
                    hash: event.token_hash.clone(),
                    address: event.address.clone(),
                    until: later(event.at, VERIFICATION_LIFETIME),
                };
                keep_last(&mut state.verifications, link, MOST_LINKS);
            }
            AccountMailEvent::EmailVerified(event) => {
                state
                    .verifications
                    .retain(|link| link.hash != event.token_hash);
                keep_last(&mut state.verified, event.token_hash.clone(), MOST_LINKS);
            }
            AccountMailEvent::PasswordResetRequested(event) => {
                state.asked(event.at);
                let link = Link {
                    hash: event.token_hash.clone(),
                    address: event.address.clone(),
                    until: later(event.at, event.reason.lifetime()),
                };
                keep_last(&mut state.resets, link, MOST_LINKS);
            }
            AccountMailEvent::PasswordResetCompleted(_)
            | AccountMailEvent::PasswordResetsVoided(_) => state.resets.clear(),
            AccountMailEvent::WelcomeMailRequested(_)
            | AccountMailEvent::PasswordMailRequested(_) => {}
        }
        state
    }
}

impl AccountMail {
    fn may_ask(&self, at: Timestamp) -> Result<(), AccountMailRefusal> {
        let recent = |asked: &&Timestamp| at.millis_since(**asked) < HOUR;
        let mut lately = self.asked.iter().filter(recent);
        let Some(first) = lately.next() else {
            return Ok(());
        };
        if 1 + lately.count() < MOST_AN_HOUR {
            return Ok(());
        }
        let wait = HOUR - at.millis_since(*first);
        Err(AccountMailRefusal::TooMany {
            seconds: wait.max(1).unsigned_abs().div_ceil(1000),
        })
    }

    fn asked(&mut self, at: Timestamp) {
        keep_last(&mut self.asked, at, MOST_AN_HOUR);
    }
}

fn later(at: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_add(millis))
}

fn keep_last<T>(list: &mut Vec<T>, item: T, most: usize) {
    list.push(item);
    let surplus = list.len().saturating_sub(most);
    list.drain(..surplus);
}

/// The address of a link that may be followed now.
fn usable(
    links: &[Link],
    hash: &TokenHash,
    addresses: &[String],
    at: Timestamp,
) -> Result<String, AccountMailRefusal> {
    let link = links
        .iter()
        .find(|link| link.hash == *hash)
        .filter(|link| addresses.contains(&link.address))
        .ok_or(AccountMailRefusal::InvalidToken)?;
    if at > link.until {
        return Err(AccountMailRefusal::Expired);
    }
    Ok(link.address.clone())
}
