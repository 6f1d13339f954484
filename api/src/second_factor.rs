//! The gate of the second factor (contract, conventions 3): whether one is asked for, which, and whether the answer
//! is right.
//!
//! The router asks it for routes that say so in the table. Operations that are only sometimes worth it, such as a new
//! password of one's own, ask themselves: `Prover::of(&call).prove(Strictness::Always).await?`.

mod demand;

use std::fmt::Write as _;

use application::identity::password_hasher::PasswordDigest;
use application::ids::now;
use application::rate_limit::{Limit, Subject};
use domain::settings::Settings;
use domain::{TokenHash, UserId};
use projections::{ProofFacts, SecondFactorFacts, UserFacts};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::commands::{second_factors, sessions};
use crate::error::{ApiError, texts};
use crate::extract::client::Client;
use crate::extract::params::parse_date;
use crate::extract::{Call, Caller};
use crate::methods::{FactorAnswer, MethodCall};
use crate::rest::shape::iso;
use crate::route::SecondFactor;
use crate::state::AppState;

pub use demand::counting_roles;

/// Wrong codes per user and quarter of an hour, after which right ones are not looked at either: six digits are
/// quickly guessed otherwise.
const WRONG_CODES: Limit = Limit {
    calls: 20,
    per: 15 * 60_000,
};

/// Mails with codes per user and quarter of an hour.
const MAILS: Limit = Limit {
    calls: 10,
    per: 15 * 60_000,
};

/// One of the second factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// Codes of an authenticator.
    Totp,
    /// Codes by mail.
    Email,
    /// The password once more.
    Password,
}

impl Factor {
    /// The wire's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Email => "email",
            Self::Password => "password",
        }
    }
}

/// How strict the gate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// A token that bypasses, a young account or a recent proof from the same place will do.
    Normal,
    /// Of these, only a token that bypasses will do (*no-remember*).
    Anew,
    /// Nothing but a right answer will do, not even in tests (*always*).
    Always,
}

/// Which factors a user has that count now, and where codes can be mailed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enrolled {
    /// An authenticator.
    pub totp: bool,
    /// The verified addresses codes are mailed to; empty: none are.
    pub addresses: Vec<String>,
}

impl Enrolled {
    fn factors(&self) -> impl Iterator<Item = Factor> {
        let email = !self.addresses.is_empty();
        [(self.totp, Factor::Totp), (email, Factor::Email)]
            .into_iter()
            .filter_map(|(there, factor)| there.then_some(factor))
    }
}

/// Which factors of `user` count now. Mail counts only where mail can be sent: a code that never comes would lock
/// people out.
pub async fn enrolled(state: &AppState, user: &UserFacts) -> Result<Enrolled, ApiError> {
    let facts = state.views().second_factors(&user.id).await?;
    let settings = state.views().settings();
    let totp = settings.bool("Accounts_TwoFactorAuthentication_By_TOTP_Enabled")
        && facts.totp == Some(true);
    let email = settings.bool("Accounts_TwoFactorAuthentication_By_Email_Enabled")
        && facts.email == Some(true)
        && state.mailer().is_configured();
    let addresses = if email {
        verified_addresses(user)
    } else {
        Vec::new()
    };
    Ok(Enrolled { totp, addresses })
}

fn verified_addresses(user: &UserFacts) -> Vec<String> {
    let doc: Value = serde_json::from_slice(&user.doc).unwrap_or_default();
    let emails = doc["emails"].as_array();
    emails
        .into_iter()
        .flatten()
        .filter(|email| email["verified"] == json!(true))
        .filter_map(|email| email["address"].as_str().map(str::to_owned))
        .collect()
}

/// What users are told of their ways to log in: `me.services` (contract, conventions 5.2).
pub fn services(proofs: &ProofFacts) -> Value {
    let SecondFactorFacts { totp, email } = proofs.factors;
    let mut services = Map::new();
    let mut add = |name: &str, enabled: Option<bool>| {
        services.extend(enabled.map(|enabled| (name.to_owned(), json!({ "enabled": enabled }))));
    };
    add("totp", totp);
    add("email2fa", email);
    services.insert("password".to_owned(), json!({ "exists": proofs.password }));
    Value::Object(services)
}

async fn has_password(state: &AppState, user: &UserId) -> Result<bool, ApiError> {
    let credentials = state.views().credentials(user).await?;
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
    let mut hex = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Asks for a second factor while logging in, and says whether one was proved. The password was right.
pub async fn at_login(
    state: &AppState,
    user: &UserFacts,
    answer: &FactorAnswer,
) -> Result<bool, ApiError> {
    if state.config().test_mode || !is_on(&state.views().settings()) {
        return Ok(false);
    }
    let enrolled = enrolled(state, user).await?;
    let Some(factor) = choose(answer, &enrolled, false) else {
        return Ok(false);
    };
    let gate = Gate {
        state,
        user,
        enrolled: &enrolled,
    };
    gate.check(factor, answer.code.as_deref()).await?;
    Ok(true)
}

fn is_on(settings: &Settings) -> bool {
    settings.bool("Accounts_TwoFactorAuthentication_Enabled")
}

/// The factor an answer is of: the one it names, else the first the user has, else the password if that will do.
fn choose(answer: &FactorAnswer, enrolled: &Enrolled, password: bool) -> Option<Factor> {
    match answer.method.as_deref() {
        Some("totp") => Some(Factor::Totp),
        Some("email") => Some(Factor::Email),
        _ => enrolled
            .factors()
            .next()
            .or_else(|| password.then_some(Factor::Password)),
    }
}

/// Somebody who may have to prove a second factor.
pub struct Prover<'a> {
    state: &'a AppState,
    caller: &'a Caller,
    client: &'a Client,
    answer: FactorAnswer,
}

impl<'a> Prover<'a> {
    /// The caller of a route; the answer is in the headers.
    pub fn of(call: &'a Call) -> Self {
        Self {
            state: &call.state,
            caller: &call.caller,
            client: &call.input.client,
            answer: FactorAnswer::in_headers(&call.input.headers),
        }
    }

    /// The caller of a method; the answer came along.
    pub fn of_method(call: &'a MethodCall) -> Self {
        Self {
            state: &call.state,
            caller: &call.caller,
            client: &call.client,
            answer: call.factor.clone(),
        }
    }

    /// With the SHA-256 of the password, which came as a parameter, as the answer. Users with another factor fail with
    /// it: they have to answer with that one.
    #[must_use]
    pub fn with_password(mut self, digest: Option<&str>) -> Self {
        if let Some(digest) = digest.filter(|digest| !digest.is_empty()) {
            self.answer = FactorAnswer {
                code: Some(digest.to_owned()),
                method: Some(Factor::Password.as_str().to_owned()),
            };
        }
        self
    }

    /// Lets pass who needs no second factor or proves one; the challenge or the refusal otherwise.
    pub async fn prove(&self, strictness: Strictness) -> Result<(), ApiError> {
        let (state, caller) = (self.state, self.caller);
        let settings = state.views().settings();
        let tests = state.config().test_mode && strictness != Strictness::Always;
        if tests || !is_on(&settings) || self.needs_none(&settings, strictness).await? {
            return Ok(());
        }
        let enrolled = enrolled(state, &caller.user).await?;
        let password = settings.bool("Accounts_TwoFactorAuthentication_Enforce_Password_Fallback")
            && has_password(state, caller.id()).await?;
        let Some(factor) = choose(&self.answer, &enrolled, password) else {
            return Ok(());
        };
        let gate = Gate {
            state,
            user: &caller.user,
            enrolled: &enrolled,
        };
        gate.check(factor, self.answer.code.as_deref()).await?;
        if strictness != Strictness::Anew {
            let client = whereabouts(&caller.token, self.client);
            sessions::remember_proof(state, caller.id(), &caller.token, client).await?;
        }
        Ok(())
    }

    async fn needs_none(
        &self,
        settings: &Settings,
        strictness: Strictness,
    ) -> Result<bool, ApiError> {
        if strictness == Strictness::Always {
            return Ok(false);
        }
        let session = self.state.views().session(&self.caller.token).await?;
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
            .int("Accounts_TwoFactorAuthentication_RememberFor")
            .saturating_mul(1000);
        let at = now();
        let is_recent = |then| (0..remembered).contains(&at.millis_since(then));
        let doc: Value = serde_json::from_slice(&self.caller.user.doc).unwrap_or_default();
        if parse_date(&doc["createdAt"]).is_some_and(is_recent) {
            return Ok(true);
        }
        Ok(session.proved.as_ref().is_some_and(|(then, client)| {
            is_recent(*then) && *client == whereabouts(&self.caller.token, self.client)
        }))
    }
}

/// Lets a call of a route pass that asks for a second factor.
pub async fn guard(call: &Call, asked: SecondFactor) -> Result<(), ApiError> {
    let strictness = match asked {
        SecondFactor::NotAsked => return Ok(()),
        SecondFactor::Asked => Strictness::Normal,
        SecondFactor::AskedAnew => Strictness::Anew,
    };
    Prover::of(call).prove(strictness).await
}

struct Gate<'a> {
    state: &'a AppState,
    user: &'a UserFacts,
    enrolled: &'a Enrolled,
}

impl Gate<'_> {
    async fn check(&self, factor: Factor, code: Option<&str>) -> Result<(), ApiError> {
        let Some(code) = code.filter(|code| !domain::text::is_blank(code)) else {
            let mut details = self.details(factor).await?;
            let available: Vec<&str> = self.enrolled.factors().map(Factor::as_str).collect();
            details.insert("availableMethods".to_owned(), json!(available));
            return Err(texts::second_factor_required(Value::Object(details)));
        };
        if self.is_guessing() || !self.is_right(factor, code).await? {
            self.count_wrong();
            let details = self.details(factor).await?;
            return Err(texts::second_factor_wrong(Value::Object(details)));
        }
        Ok(())
    }

    async fn is_right(&self, factor: Factor, code: &str) -> Result<bool, ApiError> {
        let (state, user) = (self.state, &self.user.id);
        match factor {
            Factor::Totp if self.enrolled.totp => second_factors::use_totp(state, user, code).await,
            Factor::Email if !self.enrolled.addresses.is_empty() => {
                second_factors::use_email_code(state, user, code).await
            }
            Factor::Password => {
                let Some(digest) = PasswordDigest::from_hex(code) else {
                    return Ok(false);
                };
                let credentials = state.views().credentials(user).await?;
                let stored = credentials.and_then(|credentials| credentials.password);
                Ok(state.passwords().verify(digest, stored).await?)
            }
            Factor::Totp | Factor::Email => Ok(false),
        }
    }

    /// What a challenge tells. Asking for a mailed code mails one unless one is still valid.
    async fn details(&self, factor: Factor) -> Result<Map<String, Value>, ApiError> {
        let mut details = Map::new();
        details.insert("method".to_owned(), json!(factor.as_str()));
        let mut generated = false;
        if factor == Factor::Email {
            let valid = second_factors::email_codes_expire(self.state, &self.user.id).await?;
            if valid.is_empty() {
                generated = mail_code(self.state, &self.user.id, self.enrolled).await?;
            } else {
                let dates: Vec<String> = valid.iter().map(|at| iso(*at)).collect();
                details.insert("codeCount".to_owned(), json!(dates.len()));
                details.insert("codeExpires".to_owned(), json!(dates));
            }
            details.insert("emailOrUsername".to_owned(), json!(self.user.username));
        }
        details.insert("codeGenerated".to_owned(), json!(generated));
        Ok(details)
    }

    /// Whether there were so many wrong codes lately that none is looked at.
    fn is_guessing(&self) -> bool {
        let wrong = subject("wrong", &self.user.id);
        self.state.guesses().used(wrong, now()) >= WRONG_CODES.calls
    }

    fn count_wrong(&self) {
        let wrong = subject("wrong", &self.user.id);
        // Nobody is told: what is counted here shows as a wrong code.
        let _ = self
            .state
            .guesses()
            .count_subject(wrong, WRONG_CODES, now());
    }
}

/// Has a code mailed to the user, unless too many were lately. Says whether it was.
pub async fn mail_code(
    state: &AppState,
    user: &UserId,
    enrolled: &Enrolled,
) -> Result<bool, ApiError> {
    if enrolled.addresses.is_empty() {
        return Ok(false);
    }
    let allowed = state
        .guesses()
        .count_subject(subject("mail", user), MAILS, now());
    if allowed.is_err() {
        return Ok(false);
    }
    second_factors::issue_email_code(state, user, enrolled.addresses.clone()).await?;
    Ok(true)
}

fn subject(what: &str, user: &UserId) -> Subject {
    Subject::of(&("second factor", what, user.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(method: Option<&str>) -> FactorAnswer {
        FactorAnswer {
            code: None,
            method: method.map(str::to_owned),
        }
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
        let chosen = |method, enrolled, password| choose(&answer(method), enrolled, password);
        assert_eq!(chosen(None, &both, true), Some(Factor::Totp));
        assert_eq!(chosen(Some("email"), &both, true), Some(Factor::Email));
        assert_eq!(chosen(Some("password"), &both, true), Some(Factor::Totp));
        assert_eq!(chosen(None, &email, true), Some(Factor::Email));
        assert_eq!(chosen(None, &none, true), Some(Factor::Password));
        assert_eq!(chosen(None, &none, false), None);
        assert_eq!(
            chosen(Some("totp"), &none, false),
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
        // Machines change their address within their network all the time.
        let there = |address| whereabouts(&one, &client(address, "agent"));
        assert_eq!(there("2001:db8::1"), there("2001:db8::2"));
        assert_ne!(there("2001:db8::1"), there("2001:db8:0:1::1"));
    }
}
