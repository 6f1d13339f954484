//! What is stored of login tokens. Storage formats: fields are only ever added.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::{Timestamp, TokenHash, UserId};

events! {
    /// What can happen to login tokens.
    SessionEvent [user: UserId] {
        TokenIssued = 1,
        PersonalTokenIssued = 1,
        ProgramLetIn = 1,
        SecondFactorPassed = 1,
        TokenRevoked = 1,
        OtherSessionsEnded = 1,
        AllTokensRevoked = 1,
    }
}

/// A login succeeded and a token was handed out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenIssued {
    pub user: UserId,
    pub hash: TokenHash,
    /// `true`: not a login; somebody made the token for the user.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub granted: bool,
    /// When the session began; the token expires `Accounts_LoginExpiration` days later.
    pub at: Timestamp,
}

/// The user made a token for a program of theirs. It does not expire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PersonalTokenIssued {
    pub user: UserId,
    pub hash: TokenHash,
    /// No two of the user's tokens have the same name.
    pub name: String,
    /// The last characters of the token, by which people recognise it.
    pub last_part: String,
    /// Whoever presents it is not asked for a second factor.
    pub bypass_second_factor: bool,
    pub at: Timestamp,
}

/// The user let a program of somebody else in. The tokens it gets are in a stream of their own
/// ([`crate::oauth_grant`]), and valid as long as the grant is among the account's credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProgramLetIn {
    pub user: UserId,
    pub grant: TokenHash,
    pub at: Timestamp,
}

/// Somebody who presented a token also proved a second factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecondFactorPassed {
    pub user: UserId,
    pub hash: TokenHash,
    /// Hash of the program and the address it was proved from.
    pub client: String,
    pub at: Timestamp,
}

/// One token is void: logged out, or displaced by newer ones. For a program, it is the hash of its grant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenRevoked {
    pub user: UserId,
    pub hash: TokenHash,
    pub at: Timestamp,
}

/// All tokens handed out by logins but one are void; personal tokens and programs stay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OtherSessionsEnded {
    pub user: UserId,
    pub except: TokenHash,
    pub at: Timestamp,
}

/// All tokens are void, personal ones as well, and no program is let in any more. One may be excepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllTokensRevoked {
    pub user: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<TokenHash>,
    pub at: Timestamp,
}
