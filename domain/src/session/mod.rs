//! The credentials of one account: login tokens, tokens for programs, grants to programs of others. A token is recorded
//! only as its hash. What is handed out here rests on a credential that is valid at that moment, so that access that
//! has just ended gives no new access.

mod events;
#[cfg(test)]
mod tests;

pub use events::*;

use crate::{Category, Decider, StreamId, Timestamp, TokenHash, UserId, limits};

/// The most session tokens an account has, unless the operator sets another limit; the oldest goes first (contract,
/// conventions 2).
pub const MAX_SESSIONS: usize = 50;

/// The most programs of others an account lets in; the one let in first goes first.
pub const MAX_PROGRAMS: usize = 100;

/// The stream of an account's tokens.
pub fn stream(user: &UserId) -> StreamId {
    StreamId::new(Category::Session, user.as_str())
}

/// A token the user made for a program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct PersonalToken {
    pub name: String,
    pub hash: TokenHash,
    /// Whoever presents it is not asked for a second factor.
    pub bypass_second_factor: bool,
}

/// The valid credentials, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    /// Handed out by logins.
    pub tokens: Vec<TokenHash>,
    /// Made by the user for programs.
    pub personal: Vec<PersonalToken>,
    /// Grants to programs of others, by the hashes of their codes.
    pub programs: Vec<TokenHash>,
}

impl Sessions {
    /// Whether that is a valid token, or the grant of a program that is let in.
    pub fn is_valid(&self, hash: &TokenHash) -> bool {
        self.all().any(|valid| valid == hash)
    }

    fn all(&self) -> impl Iterator<Item = &TokenHash> {
        let personal = self.personal.iter().map(|token| &token.hash);
        self.tokens.iter().chain(personal).chain(&self.programs)
    }

    /// What is handed out by somebody who comes with a credential rests on it.
    fn rests_on(&self, by: Option<&TokenHash>) -> Result<(), SessionRefusal> {
        match by {
            Some(by) if !self.is_valid(by) => Err(SessionRefusal::Ended),
            _ => Ok(()),
        }
    }

    fn personal(&self, name: &str) -> Option<&PersonalToken> {
        self.personal.iter().find(|token| token.name == name)
    }
}

/// What can be asked of an account's tokens. Whether the credentials are right was checked before.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum SessionCommand {
    Issue {
        user: UserId,
        hash: TokenHash,
        /// `true`: not a login; somebody makes the token for the user.
        granted: bool,
        /// The credential of the same account it rests on; `None`: the password was proved, or somebody else may do it.
        by: Option<TokenHash>,
        /// How many tokens the user may have then; the oldest go first.
        most: usize,
        at: Timestamp,
    },
    /// Hand out a token for a program under a new name.
    IssuePersonal {
        token: PersonalTokenIssued,
        /// The credential it rests on.
        by: TokenHash,
    },
    LetIn {
        program: ProgramLetIn,
        /// The credential it rests on.
        by: TokenHash,
    },
    /// Replace the personal token of that name.
    Regenerate {
        user: UserId,
        name: String,
        hash: TokenHash,
        last_part: String,
        /// The credential it rests on.
        by: TokenHash,
        at: Timestamp,
    },
    RevokePersonal {
        user: UserId,
        name: String,
        at: Timestamp,
    },
    /// Nothing is remembered of a void token.
    Remember(SecondFactorPassed),
    /// Void a token, or the grant of a program. Changes nothing if it is void already.
    Revoke {
        user: UserId,
        /// Of the token or of the grant.
        hash: TokenHash,
        at: Timestamp,
    },
    /// Void all tokens handed out by logins but one.
    EndOthers {
        user: UserId,
        except: TokenHash,
        at: Timestamp,
    },
    /// Void all tokens, personal ones as well, and all grants to programs. One may be excepted.
    RevokeAll {
        user: UserId,
        except: Option<TokenHash>,
        at: Timestamp,
    },
}

/// Why a wish about tokens is refused (contract, conventions 7.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum SessionRefusal {
    #[error("there is a token of that name")]
    NameTaken,
    #[error("longer than {limit} characters")]
    NameTooLong { limit: usize },
    #[error("there is no token of that name")]
    NoSuchToken,
    /// The credential it would rest on has ended.
    #[error("not logged in any more")]
    Ended,
}

impl Decider for Sessions {
    type State = Self;
    type Command = SessionCommand;
    type Context<'a> = ();
    type Event = SessionEvent;
    type Refusal = SessionRefusal;

    fn decide(
        state: &Self,
        command: SessionCommand,
        (): &(),
    ) -> Result<Vec<SessionEvent>, SessionRefusal> {
        Ok(match command {
            SessionCommand::Issue {
                user,
                hash,
                granted,
                by,
                most,
                at,
            } => {
                state.rests_on(by.as_ref())?;
                let issued = TokenIssued {
                    user,
                    hash,
                    granted,
                    at,
                };
                issue(state, &issued, most)
            }
            SessionCommand::IssuePersonal { token, by } => {
                if limits::is_longer(&token.name, limits::NAME) {
                    let limit = limits::NAME;
                    return Err(SessionRefusal::NameTooLong { limit });
                }
                state.rests_on(Some(&by))?;
                if state.personal(&token.name).is_some() {
                    return Err(SessionRefusal::NameTaken);
                }
                vec![token.into()]
            }
            SessionCommand::LetIn { program, by } => {
                state.rests_on(Some(&by))?;
                let_in(state, program)
            }
            SessionCommand::Regenerate {
                user,
                name,
                hash,
                last_part,
                by,
                at,
            } => {
                state.rests_on(Some(&by))?;
                let old = state.personal(&name).ok_or(SessionRefusal::NoSuchToken)?;
                let revoked = TokenRevoked {
                    user: user.clone(),
                    hash: old.hash.clone(),
                    at,
                };
                let issued = PersonalTokenIssued {
                    user,
                    hash,
                    name,
                    last_part,
                    bypass_second_factor: old.bypass_second_factor,
                    at,
                };
                vec![revoked.into(), issued.into()]
            }
            SessionCommand::RevokePersonal { user, name, at } => {
                let old = state.personal(&name).ok_or(SessionRefusal::NoSuchToken)?;
                let hash = old.hash.clone();
                vec![TokenRevoked { user, hash, at }.into()]
            }
            SessionCommand::Remember(passed) if state.is_valid(&passed.hash) => {
                vec![passed.into()]
            }
            SessionCommand::Revoke { user, hash, at } if state.is_valid(&hash) => {
                vec![TokenRevoked { user, hash, at }.into()]
            }
            SessionCommand::EndOthers { user, except, at }
                if state.tokens.iter().any(|token| *token != except) =>
            {
                vec![OtherSessionsEnded { user, except, at }.into()]
            }
            SessionCommand::RevokeAll { user, except, at }
                if has_others(state, except.as_ref()) =>
            {
                vec![AllTokensRevoked { user, except, at }.into()]
            }
            SessionCommand::Remember(_)
            | SessionCommand::Revoke { .. }
            | SessionCommand::EndOthers { .. }
            | SessionCommand::RevokeAll { .. } => vec![],
        })
    }

    fn evolve(mut state: Self, event: &SessionEvent) -> Self {
        match event {
            SessionEvent::TokenIssued(event) => state.tokens.push(event.hash.clone()),
            SessionEvent::PersonalTokenIssued(event) => state.personal.push(PersonalToken {
                name: event.name.clone(),
                hash: event.hash.clone(),
                bypass_second_factor: event.bypass_second_factor,
            }),
            SessionEvent::ProgramLetIn(event) => state.programs.push(event.grant.clone()),
            SessionEvent::SecondFactorPassed(_) => {}
            SessionEvent::TokenRevoked(event) => {
                state.tokens.retain(|token| *token != event.hash);
                state.personal.retain(|token| token.hash != event.hash);
                state.programs.retain(|grant| *grant != event.hash);
            }
            SessionEvent::OtherSessionsEnded(event) => {
                state.tokens.retain(|token| *token == event.except);
            }
            SessionEvent::AllTokensRevoked(event) => {
                let stays = |token: &TokenHash| Some(token) == event.except.as_ref();
                state.tokens.retain(stays);
                state.personal.retain(|token| stays(&token.hash));
                state.programs.retain(stays);
            }
        }
        state
    }
}

/// The new token, and the end of those that make room for it.
fn issue(state: &Sessions, issued: &TokenIssued, most: usize) -> Vec<SessionEvent> {
    let surplus = (state.tokens.len() + 1).saturating_sub(most.max(1));
    let revoked = state.tokens[..surplus.min(state.tokens.len())]
        .iter()
        .map(|old| {
            TokenRevoked {
                user: issued.user.clone(),
                hash: old.clone(),
                at: issued.at,
            }
            .into()
        });
    revoked
        .chain([SessionEvent::from(issued.clone())])
        .collect()
}

/// The grant, and the end of those that make room for it.
fn let_in(state: &Sessions, program: ProgramLetIn) -> Vec<SessionEvent> {
    let surplus = (state.programs.len() + 1).saturating_sub(MAX_PROGRAMS);
    let shut_out = state.programs.iter().take(surplus).map(|grant| {
        TokenRevoked {
            user: program.user.clone(),
            hash: grant.clone(),
            at: program.at,
        }
        .into()
    });
    let mut events: Vec<SessionEvent> = shut_out.collect();
    events.push(program.into());
    events
}

fn has_others(state: &Sessions, except: Option<&TokenHash>) -> bool {
    state.all().any(|token| Some(token) != except)
}
