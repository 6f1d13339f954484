//! What gives access to an account, and what ends it: the one table of both. Whatever ends access looks here what ends
//! with it, so that a new kind of credential, or a new reason to end some, is named in one place.
//!
//! With a credential ends all that rests on it: the live sockets opened with it, the second factor remembered of it,
//! the device that is notified as long as it lasts. Access also ends with its object, which needs no table: a personal
//! token that is removed or regenerated, a program that is removed or switched off ([`crate::oauth_app`]). Links that
//! prove an address and mailed codes give no access by themselves.

use crate::session::SessionCommand;
use crate::{Timestamp, TokenHash, UserId};

/// What gives access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The token of a login, in headers or in the cookies of a browser.
    Login,
    /// A token the user made for a program of theirs.
    PersonalToken,
    /// The grant to a program of somebody else: its code, the tokens it got for it, and those it renews.
    Program,
    /// A mailed link to choose a password, forgotten or first.
    ResetLink,
}

impl Credential {
    /// Every kind of credential.
    pub const ALL: [Self; 4] = [
        Self::Login,
        Self::PersonalToken,
        Self::Program,
        Self::ResetLink,
    ];
}

/// What ends access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Ending {
    Logout,
    /// Somebody ends their other sessions.
    OtherSessionsEnded,
    /// An authenticator was set up: the other sessions proved less.
    FactorSetUp,
    /// Somebody ends everything but the credential they came with.
    OthersRevoked,
    /// Everything of an account is ended, by its owner or by an administrator.
    LoggedOut,
    /// The password was changed by the owner, who came with a credential, or by an administrator, who did not.
    PasswordChanged,
    /// The password was changed by a mailed link.
    PasswordReset,
    /// The authenticator was removed.
    FactorReset,
    KeysReset,
    /// The account may not log in any more.
    Deactivated,
    /// The account may not log in any more, because of a long time without a login. It is as before when it comes back.
    FellAsleep,
    Deleted,
}

impl Ending {
    /// Every reason that access ends.
    pub const ALL: [Self; 12] = [
        Self::Logout,
        Self::OtherSessionsEnded,
        Self::FactorSetUp,
        Self::OthersRevoked,
        Self::LoggedOut,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::FactorReset,
        Self::KeysReset,
        Self::Deactivated,
        Self::FellAsleep,
        Self::Deleted,
    ];
}

/// Which credentials of a kind end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Reach {
    Nothing,
    /// Only the one somebody came with.
    Presented,
    /// All but the one somebody came with.
    Others,
    All,
}

impl Ending {
    /// Which credentials of that kind it ends.
    pub const fn reach(self, credential: Credential) -> Reach {
        match (self, credential) {
            // Whoever reads the mailbox can have another link at any time.
            (
                Self::Logout
                | Self::OthersRevoked
                | Self::LoggedOut
                | Self::FactorReset
                | Self::KeysReset,
                Credential::ResetLink,
            ) => Reach::Nothing,
            (Self::Logout, _) => Reach::Presented,
            (Self::OtherSessionsEnded | Self::FactorSetUp, Credential::Login)
            | (Self::OthersRevoked, _) => Reach::Others,
            (Self::OtherSessionsEnded | Self::FactorSetUp | Self::FellAsleep, _) => Reach::Nothing,
            (
                Self::LoggedOut
                | Self::PasswordReset
                | Self::FactorReset
                | Self::KeysReset
                | Self::Deactivated
                | Self::Deleted,
                _,
            )
            | (Self::PasswordChanged, Credential::ResetLink) => Reach::All,
            (Self::PasswordChanged, _) => Reach::Others,
        }
    }

    /// The command that ends the tokens and programs of an account. `presented` is the credential of that account which
    /// whoever causes it came with.
    pub fn of_tokens(
        self,
        user: &UserId,
        presented: Option<&TokenHash>,
        at: Timestamp,
    ) -> Option<SessionCommand> {
        let (user, presented) = (user.clone(), presented.cloned());
        let personal = self.reach(Credential::PersonalToken);
        match (self.reach(Credential::Login), personal) {
            (Reach::Nothing, _) => None,
            (Reach::Presented, _) => Some(SessionCommand::Revoke {
                user,
                hash: presented?,
                at,
            }),
            (Reach::Others, Reach::Nothing) => Some(SessionCommand::EndOthers {
                user,
                except: presented?,
                at,
            }),
            (Reach::Others, _) => Some(SessionCommand::RevokeAll {
                user,
                except: presented,
                at,
            }),
            (Reach::All, _) => Some(SessionCommand::RevokeAll {
                user,
                except: None,
                at,
            }),
        }
    }

    /// Whether links to choose a password are void.
    pub fn of_reset_links(self) -> bool {
        self.reach(Credential::ResetLink) != Reach::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1);

    #[test]
    fn programs_go_the_way_of_personal_tokens() {
        // The events about tokens speak of both at once.
        for ending in Ending::ALL {
            assert_eq!(
                ending.reach(Credential::Program),
                ending.reach(Credential::PersonalToken),
                "{ending:?}"
            );
        }
    }

    #[test]
    fn what_reaches_further_takes_what_reaches_less_far() {
        for ending in Ending::ALL {
            let (login, program) = (
                ending.reach(Credential::Login),
                ending.reach(Credential::Program),
            );
            assert!(program == login || program == Reach::Nothing, "{ending:?}");
        }
    }

    #[test]
    fn the_command_spares_what_the_table_spares() {
        let (user, mine) = (UserId::new("me"), TokenHash::new("mine"));
        let command = |ending: Ending| ending.of_tokens(&user, Some(&mine), AT);
        for ending in Ending::ALL {
            let spared = match command(ending) {
                None => Reach::Nothing,
                Some(SessionCommand::Revoke { hash, .. }) if hash == mine => Reach::Presented,
                Some(
                    SessionCommand::EndOthers { except, .. }
                    | SessionCommand::RevokeAll {
                        except: Some(except),
                        ..
                    },
                ) if except == mine => Reach::Others,
                Some(SessionCommand::RevokeAll { except: None, .. }) => Reach::All,
                Some(other) => panic!("{ending:?}: {other:?}"),
            };
            assert_eq!(spared, ending.reach(Credential::Login), "{ending:?}");
        }
        assert!(Ending::Logout.of_tokens(&user, None, AT).is_none());
    }
}
