//! The login tokens of one account. A token is recorded only as its hash.

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::{Category, Decider, StreamId, Timestamp, TokenHash, UserId};

/// At most this many session tokens per account; the oldest goes first (contract, conventions 2).
pub const MAX_SESSIONS: usize = 50;

/// The stream of an account's tokens.
pub fn stream(user: &UserId) -> StreamId {
    StreamId::new(Category::Session, user.as_str())
}

events! {
    /// What can happen to login tokens.
    SessionEvent {
        TokenIssued = 1,
        TokenRevoked = 1,
        AllTokensRevoked = 1,
    }
}

/// A login succeeded and a token was handed out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenIssued {
    /// Whose.
    pub user: UserId,
    /// Hash of the token.
    pub hash: TokenHash,
    /// When; it expires `Accounts_LoginExpiration` days later.
    pub at: Timestamp,
}

/// One token is void: logged out, or displaced by newer ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenRevoked {
    /// Whose.
    pub user: UserId,
    /// Hash of the token.
    pub hash: TokenHash,
    /// When.
    pub at: Timestamp,
}

/// All tokens are void, but possibly one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllTokensRevoked {
    /// Whose.
    pub user: UserId,
    /// The one that stays valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<TokenHash>,
    /// When.
    pub at: Timestamp,
}

/// The valid tokens, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    /// See above.
    pub tokens: Vec<TokenHash>,
}

/// What can be asked of an account's tokens. Whether the credentials are right was checked before.
#[derive(Clone, Debug)]
pub enum SessionCommand {
    /// Hand out a token.
    Issue {
        /// Whose.
        user: UserId,
        /// Hash of the new token.
        hash: TokenHash,
        /// When.
        at: Timestamp,
    },
    /// Void one token. Voiding a void one changes nothing.
    Revoke {
        /// Whose.
        user: UserId,
        /// Hash of the token.
        hash: TokenHash,
        /// When.
        at: Timestamp,
    },
    /// Void all, but possibly one.
    RevokeAll {
        /// Whose.
        user: UserId,
        /// The one that stays.
        except: Option<TokenHash>,
        /// When.
        at: Timestamp,
    },
}

/// Nothing here is ever refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Never {}

impl Decider for Sessions {
    type State = Self;
    type Command = SessionCommand;
    type Context<'a> = ();
    type Event = SessionEvent;
    type Refusal = Never;

    fn decide(state: &Self, command: SessionCommand, (): &()) -> Result<Vec<SessionEvent>, Never> {
        Ok(match command {
            SessionCommand::Issue { user, hash, at } => {
                let surplus = (state.tokens.len() + 1).saturating_sub(MAX_SESSIONS);
                let mut events: Vec<SessionEvent> = state.tokens[..surplus]
                    .iter()
                    .map(|old| {
                        TokenRevoked {
                            user: user.clone(),
                            hash: old.clone(),
                            at,
                        }
                        .into()
                    })
                    .collect();
                events.push(TokenIssued { user, hash, at }.into());
                events
            }
            SessionCommand::Revoke { user, hash, at } if state.tokens.contains(&hash) => {
                vec![TokenRevoked { user, hash, at }.into()]
            }
            SessionCommand::RevokeAll { user, except, at }
                if state
                    .tokens
                    .iter()
                    .any(|token| Some(token) != except.as_ref()) =>
            {
                vec![AllTokensRevoked { user, except, at }.into()]
            }
            SessionCommand::Revoke { .. } | SessionCommand::RevokeAll { .. } => vec![],
        })
    }

    fn evolve(mut state: Self, event: &SessionEvent) -> Self {
        match event {
            SessionEvent::TokenIssued(event) => state.tokens.push(event.hash.clone()),
            SessionEvent::TokenRevoked(event) => state.tokens.retain(|token| *token != event.hash),
            SessionEvent::AllTokensRevoked(event) => {
                state
                    .tokens
                    .retain(|token| Some(token) == event.except.as_ref());
            }
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::from_millis(1);

    fn user() -> UserId {
        UserId::new("me")
    }

    fn hash(number: usize) -> TokenHash {
        TokenHash::new(format!("token{number}"))
    }

    fn issue(number: usize) -> SessionCommand {
        SessionCommand::Issue {
            user: user(),
            hash: hash(number),
            at: AT,
        }
    }

    fn issued(number: usize) -> SessionEvent {
        TokenIssued {
            user: user(),
            hash: hash(number),
            at: AT,
        }
        .into()
    }

    fn revoke(number: usize) -> SessionCommand {
        SessionCommand::Revoke {
            user: user(),
            hash: hash(number),
            at: AT,
        }
    }

    fn revoked(number: usize) -> SessionEvent {
        TokenRevoked {
            user: user(),
            hash: hash(number),
            at: AT,
        }
        .into()
    }

    fn revoke_all(except: Option<usize>) -> SessionCommand {
        SessionCommand::RevokeAll {
            user: user(),
            except: except.map(hash),
            at: AT,
        }
    }

    fn all_revoked(except: Option<usize>) -> SessionEvent {
        AllTokensRevoked {
            user: user(),
            except: except.map(hash),
            at: AT,
        }
        .into()
    }

    #[test]
    fn the_oldest_token_makes_room_for_the_newest() {
        given::<Sessions>([issued(1)])
            .when(issue(2), &())
            .then([issued(2)]);
        given::<Sessions>((0..MAX_SESSIONS).map(issued))
            .when(issue(99), &())
            .then([revoked(0), issued(99)]);
    }

    #[test]
    fn a_token_is_revoked_once() {
        given::<Sessions>([issued(1)])
            .when(revoke(1), &())
            .then([revoked(1)]);
        given::<Sessions>([issued(1), revoked(1)])
            .when(revoke(1), &())
            .then_nothing();
    }

    #[test]
    fn all_tokens_but_one_are_revoked() {
        given::<Sessions>([issued(1), issued(2)])
            .when(revoke_all(Some(1)), &())
            .then([all_revoked(Some(1))]);
        given::<Sessions>([issued(1)])
            .when(revoke_all(Some(1)), &())
            .then_nothing();
        given::<Sessions>([])
            .when(revoke_all(None), &())
            .then_nothing();
        given::<Sessions>([issued(1), issued(2), all_revoked(Some(1))])
            .when(revoke(2), &())
            .then_nothing();
    }

    proptest! {
        #[test]
        fn there_are_never_too_many_and_replaying_gives_the_same(
            steps in proptest::collection::vec((0..3, 0..80_usize), 0..150),
        ) {
            let (mut state, mut log) = (Sessions::default(), Vec::new());
            for (kind, number) in steps {
                let command = match kind {
                    0 => issue(number),
                    1 => revoke(number),
                    _ if number < 3 => revoke_all(Some(number)),
                    _ => issue(number),
                };
                let Ok(events) = Sessions::decide(&state, command, &());
                state = events.iter().fold(state, Sessions::evolve);
                log.extend(events);
                prop_assert!(state.tokens.len() <= MAX_SESSIONS);
            }
            prop_assert_eq!(Sessions::fold(&log), state);
        }
    }
}
