//! The gate of the second factor (contract, conventions 3): whether one is asked for, which, and whether the answer is
//! right.
//!
//! Doors use it for routes that demand it. Operations that only sometimes need it, such as changing one's own password,
//! use the [`Prover`] of the call.

use domain::settings::{Settings, keys};
use domain::{TokenHash, UserId};
use projections::UserFacts;
use sha2::{Digest as _, Sha256};

use crate::caller::Caller;
use crate::error::Error;
use crate::identity::challenge::{Challenge, ChallengeReason, Factor};
use crate::identity::enrolment::{Enrolled, enrolled, is_on};
use crate::identity::password_hasher::PasswordDigest;
use crate::identity::wrong_codes::counted;
use crate::identity::{second_factors, sessions};
use crate::ids::now;
use crate::origin::Client;
use crate::rate_limit::{Limit, Subject};
use crate::workspace::Workspace;

/// Mails with codes per user and quarter of an hour.
const MAILS: Limit = Limit {
    calls: 10,
    per: 15 * 60_000,
};

/// How strict the gate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// A token that bypasses the gate, a young account or a recent proof from the same place is enough.
    Normal,
    /// Of these, only a token that bypasses the gate is enough (*no-remember*).
    Anew,
    /// Only a right answer is enough, even in tests (*always*).
    Always,
}

async fn has_password(workspace: &Workspace, user: &UserId) -> Result<bool, Error> {
    let credentials = workspace.views().credentials(user).await?;
    Ok(credentials.is_some_and(|credentials| credentials.password.is_some()))
}

/// Where a request comes from, as it is remembered of a token: a hash of token, program and address.
pub fn whereabouts(token: &TokenHash, client: &Client) -> String {
    let mut hash = Sha256::new();
    hash.update(token.as_str());
    hash.update([0]);
    hash.update(client.household().to_string());
    hash.update([0]);
    hash.update(&client.user_agent);
    hex::encode(hash.finalize())
}

/// Asks for a second factor while logging in, and returns whether one was proved. The password was right.
pub async fn at_login(
    workspace: &Workspace,
    user: &UserFacts,
    answer: &FactorAnswer,
) -> Result<bool, Error> {
    if workspace.config().test_mode || !is_on(&workspace.views().settings()) {
        return Ok(false);
    }
    let enrolled = enrolled(workspace, user).await?;
    let Some(factor) = choose(answer, &enrolled, false) else {
        return Ok(false);
    };
    let gate = Gate {
        workspace,
        user,
        enrolled: &enrolled,
    };
    gate.check(factor, answer.code.as_deref()).await?;
    Ok(true)
}

/// The factor an answer is for: the one it names, else the first the user has, else the password if that is enough.
fn choose(answer: &FactorAnswer, enrolled: &Enrolled, password: bool) -> Option<Factor> {
    match answer.factor {
        Some(named @ (Factor::Totp | Factor::Email)) => Some(named),
        Some(Factor::Password) | None => enrolled
            .factors()
            .next()
            .or_else(|| password.then_some(Factor::Password)),
    }
}

/// The code of a second factor that came with a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactorAnswer {
    /// `None`: no code came along.
    pub code: Option<String>,
    /// `None`: the request does not say.
    pub factor: Option<Factor>,
}

/// A user who may have to prove a second factor.
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Prover<'a> {
    pub workspace: &'a Workspace,
    pub caller: &'a Caller,
    pub client: &'a Client,
    pub answer: FactorAnswer,
}

impl Prover<'_> {
    /// With the SHA-256 of the password, which came as a parameter, as the answer. Users with another factor fail with
    /// it: they have to answer with that one.
    #[must_use]
    pub fn with_password(mut self, digest: Option<&str>) -> Self {
        if let Some(digest) = digest.filter(|digest| !digest.is_empty()) {
            self.answer = FactorAnswer {
                code: Some(digest.to_owned()),
                factor: Some(Factor::Password),
            };
        }
        self
    }

    /// Lets users pass who need no second factor or prove one; returns the challenge or the refusal otherwise.
    pub async fn prove(&self, strictness: Strictness) -> Result<(), Error> {
        let (workspace, caller) = (self.workspace, self.caller);
        let settings = workspace.views().settings();
        let tests = workspace.config().test_mode && strictness != Strictness::Always;
        if tests || !is_on(&settings) || self.needs_none(&settings, strictness).await? {
            return Ok(());
        }
        let enrolled = enrolled(workspace, &caller.user).await?;
        let password = settings
            .bool(keys::ACCOUNTS_TWO_FACTOR_AUTHENTICATION_ENFORCE_PASSWORD_FALLBACK)
            && has_password(workspace, caller.id()).await?;
        let Some(factor) = choose(&self.answer, &enrolled, password) else {
            return Ok(());
        };
        let gate = Gate {
            workspace,
            user: &caller.user,
            enrolled: &enrolled,
        };
        gate.check(factor, self.answer.code.as_deref()).await?;
        if strictness != Strictness::Anew {
            let client = whereabouts(&caller.token, self.client);
            sessions::remember_proof(workspace, caller.id(), &caller.token, client).await?;
        }
        Ok(())
    }

    async fn needs_none(&self, settings: &Settings, strictness: Strictness) -> Result<bool, Error> {
        if strictness == Strictness::Always {
            return Ok(false);
        }
        let session = self.workspace.views().session(&self.caller.token).await?;
        let Some(session) = session else {
            return Ok(false);
        };
        if session
            .personal
            .as_ref()
            .is_some_and(|token| token.bypass_second_factor)
        {
            return Ok(true);
        }
        if strictness == Strictness::Anew {
            return Ok(false);
        }
        let remembered = settings
            .int(keys::ACCOUNTS_TWO_FACTOR_AUTHENTICATION_REMEMBER_FOR)
            .saturating_mul(1000);
        let at = now();
        let is_recent = |then| (0..remembered).contains(&at.millis_since(then));
        if is_recent(self.caller.user.created_at) {
            return Ok(true);
        }
        Ok(session.proved.as_ref().is_some_and(|(then, client)| {
            is_recent(*then) && *client == whereabouts(&self.caller.token, self.client)
        }))
    }
}

struct Gate<'a> {
    workspace: &'a Workspace,
    user: &'a UserFacts,
    enrolled: &'a Enrolled,
}

impl Gate<'_> {
    async fn check(&self, factor: Factor, code: Option<&str>) -> Result<(), Error> {
        let Some(code) = code.filter(|code| !domain::text::is_blank(code)) else {
            let available = self.enrolled.factors().collect();
            return Err(self
                .challenge(factor, ChallengeReason::Missing { available })
                .await?
                .into());
        };
        let right = async { Ok(self.is_right(factor, code).await?.then_some(())) };
        if counted(self.workspace, &self.user.id, right)
            .await?
            .is_none()
        {
            return Err(self.challenge(factor, ChallengeReason::Wrong).await?.into());
        }
        Ok(())
    }

    async fn is_right(&self, factor: Factor, code: &str) -> Result<bool, Error> {
        let (workspace, user) = (self.workspace, &self.user.id);
        match factor {
            Factor::Totp if self.enrolled.totp => {
                second_factors::use_totp(workspace, user, code).await
            }
            Factor::Email if !self.enrolled.addresses.is_empty() => {
                second_factors::use_email_code(workspace, user, code).await
            }
            Factor::Password => {
                let Some(digest) = PasswordDigest::from_hex(code) else {
                    return Ok(false);
                };
                let credentials = workspace.views().credentials(user).await?;
                let stored = credentials.and_then(|credentials| credentials.password);
                Ok(workspace.passwords().verify(digest, stored).await?)
            }
            Factor::Totp | Factor::Email => Ok(false),
        }
    }

    /// Asking for a mailed code mails one unless one is still valid.
    async fn challenge(
        &self,
        factor: Factor,
        reason: ChallengeReason,
    ) -> Result<Box<Challenge>, Error> {
        let mut challenge = Box::new(Challenge {
            factor,
            reason,
            code_mailed: false,
            codes_expire: Vec::new(),
            username: None,
        });
        if factor == Factor::Email {
            let (workspace, user) = (self.workspace, &self.user.id);
            challenge.codes_expire = second_factors::email_codes_expire(workspace, user).await?;
            if challenge.codes_expire.is_empty() {
                challenge.code_mailed = mail_code(workspace, user, self.enrolled).await?;
            }
            challenge.username = Some(self.user.username.clone());
        }
        Ok(challenge)
    }
}

/// Has a code mailed to the user, unless too many were lately. Returns whether it was.
pub async fn mail_code(
    workspace: &Workspace,
    user: &UserId,
    enrolled: &Enrolled,
) -> Result<bool, Error> {
    if enrolled.addresses.is_empty() {
        return Ok(false);
    }
    let mails = Subject::of(&("second factor", "mail", user.as_str()));
    let allowed = workspace.guesses().count_subject(mails, MAILS, now());
    if allowed.is_err() {
        return Ok(false);
    }
    second_factors::issue_email_code(workspace, user, enrolled.addresses.clone()).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(factor: Option<Factor>) -> FactorAnswer {
        FactorAnswer { code: None, factor }
    }

    #[test]
    fn the_factor_is_the_one_named_or_the_first_there_is() {
        let both = Enrolled {
            totp: true,
            addresses: vec!["me@example.org".to_owned()],
        };
        let email = Enrolled {
            totp: false,
            ..both.clone()
        };
        let none = Enrolled::default();
        let chosen = |factor, enrolled, password| choose(&answer(factor), enrolled, password);
        assert_eq!(chosen(None, &both, true), Some(Factor::Totp));
        assert_eq!(
            chosen(Some(Factor::Email), &both, true),
            Some(Factor::Email)
        );
        assert_eq!(
            chosen(Some(Factor::Password), &both, true),
            Some(Factor::Totp)
        );
        assert_eq!(chosen(None, &email, true), Some(Factor::Email));
        assert_eq!(chosen(None, &none, true), Some(Factor::Password));
        assert_eq!(chosen(None, &none, false), None);
        assert_eq!(
            chosen(Some(Factor::Totp), &none, false),
            Some(Factor::Totp),
            "and then fails"
        );
    }

    #[test]
    fn a_proof_is_of_one_token_program_and_address() {
        let client = |address: &str, agent: &str| Client {
            address: address.parse().expect("an address"),
            user_agent: agent.to_owned(),
            local: false,
        };
        let (one, other) = (TokenHash::new("one"), TokenHash::new("other"));
        let here = whereabouts(&one, &client("192.0.2.1", "agent"));
        assert_eq!(here, whereabouts(&one, &client("192.0.2.1", "agent")));
        assert_ne!(here, whereabouts(&other, &client("192.0.2.1", "agent")));
        assert_ne!(here, whereabouts(&one, &client("192.0.2.2", "agent")));
        assert_ne!(here, whereabouts(&one, &client("192.0.2.1", "agent2")));
        // Machines change their address within their network often.
        let there = |address| whereabouts(&one, &client(address, "agent"));
        assert_eq!(there("2001:db8::1"), there("2001:db8::2"));
        assert_ne!(there("2001:db8::1"), there("2001:db8:0:1::1"));
    }
}
