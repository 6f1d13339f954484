//! What is stored of login tokens. Storage formats: fields are only ever added.

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::{Timestamp, TokenHash, UserId};

events! {
    /// What can happen to login tokens.
    SessionEvent {
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
    /// Whose.
    pub user: UserId,
    /// Hash of the token.
    pub hash: TokenHash,
    /// It was not a login: somebody made the token for the user.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub granted: bool,
    /// When the session began; the token expires `Accounts_LoginExpiration` days later.
    pub at: Timestamp,
}

/// The user made a token for a program of theirs. It does not expire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PersonalTokenIssued {
    /// Whose.
    pub user: UserId,
    /// Hash of the token.
    pub hash: TokenHash,
    /// What the user calls it; no two of theirs have the same name.
    pub name: String,
    /// The last characters of the token, by which people recognise it.
    pub last_part: String,
    /// Who presents it is not asked for a second factor.
    pub bypass_second_factor: bool,
    /// When.
    pub at: Timestamp,
}

/// The user let a program of somebody else in. What it may be given for that is in a stream of its own
/// ([`crate::oauth_grant`]), and good as long as the grant is among the account's credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProgramLetIn {
    /// Who.
    pub user: UserId,
    /// The grant.
    pub grant: TokenHash,
    /// When.
    pub at: Timestamp,
}

/// Who presented a token also proved a second factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecondFactorPassed {
    /// Whose.
    pub user: UserId,
    /// Hash of the token.
    pub hash: TokenHash,
    /// Hash of the program and the address it was proved from.
    pub client: String,
    /// When.
    pub at: Timestamp,
}

/// One token is void: logged out, or displaced by newer ones. A program is shut out by the hash of its grant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenRevoked {
    /// Whose.
    pub user: UserId,
    /// Hash of the token.
    pub hash: TokenHash,
    /// When.
    pub at: Timestamp,
}

/// All tokens handed out by logins are void but one; personal tokens and programs stay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OtherSessionsEnded {
    /// Whose.
    pub user: UserId,
    /// The one that stays valid.
    pub except: TokenHash,
    /// When.
    pub at: Timestamp,
}

/// All tokens are void, personal ones as well, and all programs are shut out; but possibly one.
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
