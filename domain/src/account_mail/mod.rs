//! Links and secrets mailed to the owner of an account: proving an address, choosing a forgotten or a first password.
//! A link is good once, for a limited time, and only while the address it went to is the account's.

mod events;
#[cfg(test)]
mod tests;

pub use events::*;

use crate::{Category, Decider, Sealed, StreamId, Timestamp, TokenHash, UserId};

const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;

/// How long a link that proves an address is good, in milliseconds: three days, as a reset link.
pub const VERIFICATION_LIFETIME: i64 = 3 * DAY;

/// Links of one kind that are good at the same time; the oldest goes first.
pub const MOST_LINKS: usize = 5;

/// Links that are mailed within an hour for one account: nobody's mailbox is flooded.
pub const MOST_AN_HOUR: usize = 5;

impl ResetReason {
    /// How long a link is good, in milliseconds (contract, conventions 6.4).
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

/// What a token is sealed for, so that it opens nowhere else.
pub fn token_purpose(user: &UserId) -> String {
    format!("mail-token/{user}")
}

/// What a mailed password is sealed for.
pub fn password_purpose(user: &UserId) -> String {
    format!("mail-password/{user}")
}

/// A fresh token, as it enters the log.
#[derive(Clone, Debug, PartialEq)]
pub struct NewToken {
    /// For the mail.
    pub sealed: Sealed,
    /// For the check.
    pub hash: TokenHash,
}

/// A link that may still be followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The hash of its token.
    pub hash: TokenHash,
    /// Where it was sent.
    pub address: String,
    /// Until when it is good.
    pub until: Timestamp,
}

/// The links of an account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountMail {
    /// Those that prove an address, oldest first.
    pub verifications: Vec<Link>,
    /// Those that choose a password, oldest first.
    pub resets: Vec<Link>,
    /// The last ones that proved an address, so that following one twice is no mistake.
    pub verified: Vec<TokenHash>,
    /// When the last ones were asked for.
    pub asked: Vec<Timestamp>,
}

/// What can be asked for.
#[derive(Clone, Debug)]
pub enum AccountMailCommand {
    /// Mail a link that proves an address.
    RequestVerification {
        /// Whose.
        user: UserId,
        /// Which address.
        address: String,
        /// The token of the link.
        token: NewToken,
        /// When.
        at: Timestamp,
    },
    /// Follow it.
    Verify {
        /// Whose.
        user: UserId,
        /// The hash of the token presented.
        hash: TokenHash,
        /// When.
        at: Timestamp,
    },
    /// Mail a link to choose a password.
    RequestReset {
        /// Whose.
        user: UserId,
        /// Where to.
        address: String,
        /// The token of the link.
        token: NewToken,
        /// Why.
        reason: ResetReason,
        /// When.
        at: Timestamp,
    },
    /// Use it.
    Reset {
        /// Whose.
        user: UserId,
        /// The hash of the token presented.
        hash: TokenHash,
        /// When.
        at: Timestamp,
    },
    /// Void links to choose a password, because there is a new one.
    VoidResets {
        /// Whose.
        user: UserId,
        /// When.
        at: Timestamp,
    },
    /// Tell the owner of a new account.
    Welcome {
        /// Whose.
        user: UserId,
        /// The first password, where the mail is to tell it.
        password: Option<Sealed>,
        /// When.
        at: Timestamp,
    },
    /// Tell the owner the password somebody gave the account.
    TellPassword {
        /// Whose.
        user: UserId,
        /// The password.
        password: Sealed,
        /// When.
        at: Timestamp,
    },
}

/// Why a wish is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountMailRefusal {
    /// There is no such link, it was used, or it was sent to an address the account does not have any more.
    #[error("the link is not valid")]
    InvalidToken,
    /// It is too old.
    #[error("the link is too old")]
    Expired,
    /// It proved the address before.
    #[error("the address is proved already")]
    AlreadyVerified,
    /// Many links were mailed a short while ago; says how many seconds to wait.
    #[error("too many links; the next one can be sent in {seconds} seconds")]
    TooMany {
        /// How long.
        seconds: u64,
    },
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
