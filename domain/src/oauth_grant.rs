//! What one user granted to one app: a code, redeemed once for tokens, which are then renewed. Codes and tokens are
//! recorded only as their hashes; the id of a grant is the hash of its code. It is valid as long as it is also among
//! the credentials of the user ([`crate::session`]).
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::{Category, Decider, StreamId, Timestamp, TokenHash, UserId};

/// How long a code can be redeemed, in milliseconds.
pub const CODE_LIFE: i64 = 10 * 60 * 1000;

/// How long an access token is valid, in milliseconds.
pub const ACCESS_LIFE: i64 = 60 * 60 * 1000;

/// How long a token that renews others is valid, in milliseconds.
pub const REFRESH_LIFE: i64 = 14 * 24 * 60 * 60 * 1000;

/// The stream of a grant. Base64 has characters that a stream's name is better without.
pub fn stream(grant: &TokenHash) -> StreamId {
    let id = grant.as_str().replace('/', "_").replace('+', "-");
    StreamId::new(Category::OAuthGrant, id.trim_end_matches('='))
}

events! {
    /// What can happen to a grant.
    OAuthGrantEvent {
        OAuthCodeIssued = 1,
        OAuthCodeRedeemed = 1,
        OAuthTokensRenewed = 1,
        OAuthGrantRevoked = 1,
    }
}

/// How the program proves that it asked for the code (RFC 7636).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Challenge {
    /// It shows this text.
    Plain(String),
    /// It shows a text of which this is the SHA-256, in base64url.
    Sha256(String),
}

/// A user let an app in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthCodeIssued {
    /// Hash of the code.
    pub grant: TokenHash,
    pub app: String,
    pub user: UserId,
    pub redirect_uri: String,
    /// The program named the address when it asked, and has to name the same again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redirect_named: bool,
    /// What else it takes to redeem it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    pub at: Timestamp,
}

impl OAuthCodeIssued {
    /// Whether the exchange names the address the code was sent to. It may name none if none was named before (RFC
    /// 6749, 4.1.3).
    fn was_sent_to(&self, named: Option<&str>) -> bool {
        named.map_or(!self.redirect_named, |named| named == self.redirect_uri)
    }
}

/// The code was exchanged for tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthCodeRedeemed {
    pub grant: TokenHash,
    pub app: String,
    pub user: UserId,
    pub access: TokenHash,
    pub refresh: TokenHash,
    pub at: Timestamp,
}

/// The tokens were exchanged for new ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthTokensRenewed {
    pub grant: TokenHash,
    pub app: String,
    pub user: UserId,
    pub access: TokenHash,
    pub refresh: TokenHash,
    pub at: Timestamp,
}

/// The grant has ended: its code and tokens are void.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthGrantRevoked {
    pub grant: TokenHash,
    pub at: Timestamp,
}

/// The state of a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OAuthGrant {
    #[default]
    Absent,
    Issued(Box<OAuthCodeIssued>),
    Redeemed {
        app: String,
        user: UserId,
        refresh: TokenHash,
        /// When the tokens were handed out.
        since: Timestamp,
    },
    Revoked,
}

impl OAuthGrant {
    /// Whose account it gives access to, while it does.
    pub fn user(&self) -> Option<&UserId> {
        match self {
            Self::Issued(issued) => Some(&issued.user),
            Self::Redeemed { user, .. } => Some(user),
            Self::Absent | Self::Revoked => None,
        }
    }
}

/// What the program shows in addition to the code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    pub plain: String,
    /// In base64url.
    pub sha256: String,
}

/// What can be asked of a grant.
#[derive(Clone, Debug)]
pub enum OAuthGrantCommand {
    Issue(Box<OAuthCodeIssued>),
    Redeem {
        grant: TokenHash,
        /// Its secret was checked before.
        app: String,
        /// `None`: the app names none.
        redirect_uri: Option<String>,
        proof: Option<Proof>,
        access: TokenHash,
        refresh: TokenHash,
        at: Timestamp,
    },
    Renew {
        grant: TokenHash,
        /// Its secret was checked before.
        app: String,
        /// The renewing token that the app shows.
        shown: TokenHash,
        access: TokenHash,
        refresh: TokenHash,
        at: Timestamp,
    },
    /// Changes nothing if the grant has ended or never was.
    Revoke {
        grant: TokenHash,
        at: Timestamp,
    },
}

/// Why nothing is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OAuthGrantRefusal {
    /// There is no such grant, or it is over.
    #[error("no such grant")]
    NotFound,
    /// The code was redeemed before: somebody else has it, and the grant should end.
    #[error("the code was used before")]
    UsedBefore,
    #[error("expired")]
    Expired,
    /// It was granted to another app, or sent elsewhere.
    #[error("not for this app")]
    NotYours,
    /// The proof is missing or wrong.
    #[error("the proof is wrong")]
    WrongProof,
}

impl Decider for OAuthGrant {
    type State = Self;
    type Command = OAuthGrantCommand;
    type Context<'a> = ();
    type Event = OAuthGrantEvent;
    type Refusal = OAuthGrantRefusal;

    fn decide(
        state: &Self,
        command: OAuthGrantCommand,
        (): &(),
    ) -> Result<Vec<OAuthGrantEvent>, OAuthGrantRefusal> {
        match command {
            OAuthGrantCommand::Issue(issue) => match state {
                Self::Absent => Ok(vec![(*issue).into()]),
                _ => Err(OAuthGrantRefusal::UsedBefore),
            },
            OAuthGrantCommand::Redeem {
                grant,
                app,
                redirect_uri,
                proof,
                access,
                refresh,
                at,
            } => {
                let issued = match state {
                    Self::Issued(issued) => issued,
                    Self::Redeemed { .. } => return Err(OAuthGrantRefusal::UsedBefore),
                    Self::Absent | Self::Revoked => return Err(OAuthGrantRefusal::NotFound),
                };
                if issued.app != app || !issued.was_sent_to(redirect_uri.as_deref()) {
                    return Err(OAuthGrantRefusal::NotYours);
                }
                if at.millis_since(issued.at) > CODE_LIFE {
                    return Err(OAuthGrantRefusal::Expired);
                }
                if !proves(issued.challenge.as_ref(), proof.as_ref()) {
                    return Err(OAuthGrantRefusal::WrongProof);
                }
                Ok(vec![
                    OAuthCodeRedeemed {
                        grant,
                        app,
                        user: issued.user.clone(),
                        access,
                        refresh,
                        at,
                    }
                    .into(),
                ])
            }
            OAuthGrantCommand::Renew {
                grant,
                app,
                shown,
                access,
                refresh,
                at,
            } => {
                let Self::Redeemed {
                    app: owner,
                    user,
                    refresh: current,
                    since,
                } = state
                else {
                    return Err(OAuthGrantRefusal::NotFound);
                };
                if *owner != app {
                    return Err(OAuthGrantRefusal::NotYours);
                }
                if *current != shown {
                    return Err(OAuthGrantRefusal::UsedBefore);
                }
                if at.millis_since(*since) > REFRESH_LIFE {
                    return Err(OAuthGrantRefusal::Expired);
                }
                Ok(vec![
                    OAuthTokensRenewed {
                        grant,
                        app,
                        user: user.clone(),
                        access,
                        refresh,
                        at,
                    }
                    .into(),
                ])
            }
            OAuthGrantCommand::Revoke { grant, at } => Ok(match state {
                Self::Absent | Self::Revoked => vec![],
                Self::Issued(_) | Self::Redeemed { .. } => {
                    vec![OAuthGrantRevoked { grant, at }.into()]
                }
            }),
        }
    }

    fn evolve(_: Self, event: &OAuthGrantEvent) -> Self {
        match event {
            OAuthGrantEvent::OAuthCodeIssued(event) => Self::Issued(Box::new(event.clone())),
            OAuthGrantEvent::OAuthCodeRedeemed(event) => Self::Redeemed {
                app: event.app.clone(),
                user: event.user.clone(),
                refresh: event.refresh.clone(),
                since: event.at,
            },
            OAuthGrantEvent::OAuthTokensRenewed(event) => Self::Redeemed {
                app: event.app.clone(),
                user: event.user.clone(),
                refresh: event.refresh.clone(),
                since: event.at,
            },
            OAuthGrantEvent::OAuthGrantRevoked(_) => Self::Revoked,
        }
    }
}

fn proves(challenge: Option<&Challenge>, proof: Option<&Proof>) -> bool {
    match (challenge, proof) {
        (None, None) => true,
        (Some(Challenge::Plain(wanted)), Some(proof)) => *wanted == proof.plain,
        (Some(Challenge::Sha256(wanted)), Some(proof)) => *wanted == proof.sha256,
        // A proof nobody asked for is the mark of an attack, and none where one was asked for is no proof.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn grant() -> TokenHash {
        TokenHash::new("g/+=")
    }

    fn code(challenge: Option<Challenge>) -> OAuthCodeIssued {
        OAuthCodeIssued {
            grant: grant(),
            app: "app".to_owned(),
            user: UserId::new("ada"),
            redirect_uri: "https://x".to_owned(),
            redirect_named: true,
            challenge,
            at: at(0),
        }
    }

    fn redeem(app: &str, when: i64, proof: Option<Proof>) -> OAuthGrantCommand {
        OAuthGrantCommand::Redeem {
            grant: grant(),
            app: app.to_owned(),
            redirect_uri: Some("https://x".to_owned()),
            proof,
            access: TokenHash::new("a1"),
            refresh: TokenHash::new("r1"),
            at: at(when),
        }
    }

    fn redeemed(when: i64) -> OAuthGrantEvent {
        OAuthCodeRedeemed {
            grant: grant(),
            app: "app".to_owned(),
            user: UserId::new("ada"),
            access: TokenHash::new("a1"),
            refresh: TokenHash::new("r1"),
            at: at(when),
        }
        .into()
    }

    fn renew(shown: &str, when: i64) -> OAuthGrantCommand {
        OAuthGrantCommand::Renew {
            grant: grant(),
            app: "app".to_owned(),
            shown: TokenHash::new(shown),
            access: TokenHash::new("a2"),
            refresh: TokenHash::new("r2"),
            at: at(when),
        }
    }

    fn renewed(when: i64) -> OAuthGrantEvent {
        OAuthTokensRenewed {
            grant: grant(),
            app: "app".to_owned(),
            user: UserId::new("ada"),
            access: TokenHash::new("a2"),
            refresh: TokenHash::new("r2"),
            at: at(when),
        }
        .into()
    }

    fn revoked() -> OAuthGrantEvent {
        OAuthGrantRevoked {
            grant: grant(),
            at: at(1),
        }
        .into()
    }

    #[test]
    fn a_code_is_redeemed_once_and_soon() {
        let issued = || given::<OAuthGrant>([code(None).into()]);
        given::<OAuthGrant>([])
            .when(OAuthGrantCommand::Issue(Box::new(code(None))), &())
            .then([code(None).into()]);
        issued()
            .when(redeem("app", CODE_LIFE, None), &())
            .then([redeemed(CODE_LIFE)]);
        issued()
            .when(redeem("app", CODE_LIFE + 1, None), &())
            .then_refused(OAuthGrantRefusal::Expired);
        issued()
            .when(redeem("other", 1, None), &())
            .then_refused(OAuthGrantRefusal::NotYours);
        given::<OAuthGrant>([code(None).into(), redeemed(1)])
            .when(redeem("app", 2, None), &())
            .then_refused(OAuthGrantRefusal::UsedBefore);
        given::<OAuthGrant>([])
            .when(redeem("app", 1, None), &())
            .then_refused(OAuthGrantRefusal::NotFound);
    }

    #[test]
    fn a_code_is_redeemed_for_the_address_it_was_asked_for() {
        let to = |named: Option<&str>| match redeem("app", 1, None) {
            OAuthGrantCommand::Redeem {
                grant,
                app,
                proof,
                access,
                refresh,
                at,
                ..
            } => OAuthGrantCommand::Redeem {
                grant,
                app,
                redirect_uri: named.map(str::to_owned),
                proof,
                access,
                refresh,
                at,
            },
            other => other,
        };
        for (was_named, named, fits) in [
            (true, Some("https://x"), true),
            (true, None, false),
            (true, Some("https://y"), false),
            (true, Some(""), false),
            (false, None, true),
            (false, Some("https://x"), true),
            (false, Some("https://y"), false),
        ] {
            let issued = OAuthCodeIssued {
                redirect_named: was_named,
                ..code(None)
            };
            let when = given::<OAuthGrant>([issued.into()]).when(to(named), &());
            if fits {
                when.then([redeemed(1)]);
            } else {
                when.then_refused(OAuthGrantRefusal::NotYours);
            }
        }
    }

    #[test]
    fn a_code_may_need_a_proof() {
        let proof = Proof {
            plain: "verifier".to_owned(),
            sha256: "digest".to_owned(),
        };
        for challenge in [
            Challenge::Plain("verifier".to_owned()),
            Challenge::Sha256("digest".to_owned()),
        ] {
            let issued = || given::<OAuthGrant>([code(Some(challenge.clone())).into()]);
            issued()
                .when(redeem("app", 1, Some(proof.clone())), &())
                .then([redeemed(1)]);
            for wrong in [None, Some(Proof::default())] {
                issued()
                    .when(redeem("app", 1, wrong), &())
                    .then_refused(OAuthGrantRefusal::WrongProof);
            }
        }
        given::<OAuthGrant>([code(None).into()])
            .when(redeem("app", 1, Some(proof)), &())
            .then_refused(OAuthGrantRefusal::WrongProof);
    }

    #[test]
    fn tokens_are_renewed_with_the_newest_only() {
        let there = || given::<OAuthGrant>([code(None).into(), redeemed(1)]);
        there().when(renew("r1", 5), &()).then([renewed(5)]);
        there()
            .when(renew("r0", 5), &())
            .then_refused(OAuthGrantRefusal::UsedBefore);
        there()
            .when(renew("r1", REFRESH_LIFE + 2), &())
            .then_refused(OAuthGrantRefusal::Expired);
        given::<OAuthGrant>([code(None).into(), redeemed(1), renewed(5)])
            .when(renew("r1", 6), &())
            .then_refused(OAuthGrantRefusal::UsedBefore);
    }

    #[test]
    fn what_has_ended_stays_ended() {
        let revoke = || OAuthGrantCommand::Revoke {
            grant: grant(),
            at: at(1),
        };
        given::<OAuthGrant>([code(None).into(), redeemed(1)])
            .when(revoke(), &())
            .then([revoked()]);
        let over = || given::<OAuthGrant>([code(None).into(), redeemed(1), revoked()]);
        over().when(revoke(), &()).then_nothing();
        over()
            .when(renew("r1", 5), &())
            .then_refused(OAuthGrantRefusal::NotFound);
        over()
            .when(redeem("app", 5, None), &())
            .then_refused(OAuthGrantRefusal::NotFound);
    }

    proptest! {
        #[test]
        fn a_code_gives_tokens_at_most_once(times in proptest::collection::vec(0..2 * CODE_LIFE, 1..6)) {
            let mut state = OAuthGrant::fold(&[code(None).into()]);
            let mut given = 0;
            for when in times {
                if let Ok(events) = OAuthGrant::decide(&state, redeem("app", when, None), &()) {
                    given += events.len();
                    state = events.iter().fold(state, OAuthGrant::evolve);
                }
            }
            prop_assert!(given <= 1);
        }
    }
}
