//! The second factors of one account: an authenticator app with backup codes, and codes by mail (contract, conventions
//! 3). Whether a code is right is checked outside, with the opened secrets. That none is accepted twice is decided
//! here.

mod events;
#[cfg(test)]
mod tests;

pub use events::*;

use crate::{Category, Decider, Sealed, StreamId, Timestamp, UserId};

/// How many backup codes are handed out at a time.
pub const BACKUP_CODES: usize = 12;

/// At most this many mailed codes are valid at a time; the oldest goes first.
pub const MAX_EMAIL_CODES: usize = 5;

/// The stream of an account's second factors.
pub fn stream(user: &UserId) -> StreamId {
    StreamId::new(Category::SecondFactor, user.as_str())
}

/// What the secret of an authenticator is sealed for.
pub fn totp_purpose(user: &UserId) -> String {
    format!("totp/{}", user.as_str())
}

/// What a mailed code is sealed for.
pub fn email_code_purpose(user: &UserId) -> String {
    format!("email-code/{}", user.as_str())
}

/// A mailed code that was not used yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct EmailCode {
    pub id: String,
    pub code: Sealed,
    pub expires: Timestamp,
}

/// What is known of an account's second factors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecondFactors {
    /// The secret of an authenticator that has not shown a code yet.
    pub prepared: Option<Sealed>,
    /// The secret of the authenticator whose codes are asked for.
    pub totp: Option<Sealed>,
    /// The half minute of the newest code that was accepted, counted from 1970.
    pub last_step: Option<u64>,
    /// The backup codes left, as SHA-256 in hex.
    pub backup_codes: Vec<String>,
    /// Whether codes are mailed; `None`: never decided.
    pub email: Option<bool>,
    /// Mailed codes that were not used yet, oldest first.
    pub email_codes: Vec<EmailCode>,
}

impl SecondFactors {
    /// The mailed codes that are valid.
    pub fn email_codes_at(&self, now: Timestamp) -> impl Iterator<Item = &EmailCode> {
        self.email_codes
            .iter()
            .filter(move |code| code.expires > now)
    }
}

/// What can be asked of second factors.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum SecondFactorCommand {
    PrepareTotp(TotpPrepared),
    /// Begin to ask for codes of the prepared secret. The code of `step` was checked.
    EnableTotp {
        user: UserId,
        /// The half minute the code shown is of.
        step: u64,
        /// SHA-256 of each, in hex.
        backup_codes: Vec<String>,
        at: Timestamp,
    },
    DisableTotp {
        user: UserId,
        /// Remove it without a code.
        reset: bool,
        at: Timestamp,
    },
    /// The code was checked.
    UseTotp {
        user: UserId,
        step: u64,
        at: Timestamp,
    },
    ReplaceBackupCodes(BackupCodesReplaced),
    UseBackupCode {
        user: UserId,
        /// SHA-256 of the code, in hex.
        backup_code: String,
        at: Timestamp,
    },
    SetEmail {
        user: UserId,
        enabled: bool,
        at: Timestamp,
    },
    IssueEmailCode(EmailCodeIssued),
    /// The code was checked.
    UseEmailCode {
        user: UserId,
        id: String,
        at: Timestamp,
    },
}

/// Why a wish about second factors is refused (contract, conventions 3 and 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum SecondFactorRefusal {
    #[error("codes are asked for already")]
    AlreadyEnabled,
    #[error("no codes are asked for")]
    NotEnabled,
    #[error("no secret was shown")]
    NotPrepared,
    /// The code, or a newer one, was accepted before.
    #[error("the code was used")]
    CodeUsed,
    #[error("there is no such code")]
    NoSuchCode,
}

impl Decider for SecondFactors {
    type State = Self;
    type Command = SecondFactorCommand;
    type Context<'a> = ();
    type Event = SecondFactorEvent;
    type Refusal = SecondFactorRefusal;

    fn decide(
        state: &Self,
        command: SecondFactorCommand,
        (): &(),
    ) -> Result<Vec<SecondFactorEvent>, SecondFactorRefusal> {
        use SecondFactorRefusal as Refusal;
        let enabled = || state.totp.as_ref().ok_or(Refusal::NotEnabled);
        Ok(match command {
            SecondFactorCommand::PrepareTotp(prepared) => {
                if state.totp.is_some() {
                    return Err(Refusal::AlreadyEnabled);
                }
                vec![prepared.into()]
            }
            SecondFactorCommand::EnableTotp {
                user,
                step,
                backup_codes,
                at,
            } => {
                if state.totp.is_some() {
                    return Err(Refusal::AlreadyEnabled);
                }
                state.prepared.as_ref().ok_or(Refusal::NotPrepared)?;
                let enabled = TotpEnabled {
                    user: user.clone(),
                    backup_codes,
                    at,
                };
                // The code that was shown cannot be used to log in as well.
                vec![enabled.into(), TotpCodeUsed { user, step, at }.into()]
            }
            SecondFactorCommand::DisableTotp { user, reset, at } if reset => {
                if state.totp.is_none() && state.prepared.is_none() {
                    return Ok(vec![]);
                }
                vec![TotpDisabled { user, reset, at }.into()]
            }
            SecondFactorCommand::DisableTotp { user, reset, at } => {
                enabled()?;
                vec![TotpDisabled { user, reset, at }.into()]
            }
            SecondFactorCommand::UseTotp { user, step, at } => {
                enabled()?;
                if state.last_step.is_some_and(|last| step <= last) {
                    return Err(Refusal::CodeUsed);
                }
                vec![TotpCodeUsed { user, step, at }.into()]
            }
            SecondFactorCommand::ReplaceBackupCodes(replaced) => {
                enabled()?;
                vec![replaced.into()]
            }
            SecondFactorCommand::UseBackupCode {
                user,
                backup_code,
                at,
            } => {
                enabled()?;
                if !state.backup_codes.contains(&backup_code) {
                    return Err(Refusal::NoSuchCode);
                }
                vec![
                    BackupCodeUsed {
                        user,
                        backup_code,
                        at,
                    }
                    .into(),
                ]
            }
            SecondFactorCommand::SetEmail { enabled, .. } if state.email == Some(enabled) => vec![],
            SecondFactorCommand::SetEmail { user, enabled, at } => {
                vec![EmailFactorChanged { user, enabled, at }.into()]
            }
            SecondFactorCommand::IssueEmailCode(issued) => vec![issued.into()],
            SecondFactorCommand::UseEmailCode { user, id, at } => {
                if !state.email_codes_at(at).any(|code| code.id == id) {
                    return Err(Refusal::NoSuchCode);
                }
                vec![EmailCodeUsed { user, id, at }.into()]
            }
        })
    }

    fn evolve(mut state: Self, event: &SecondFactorEvent) -> Self {
        match event {
            SecondFactorEvent::TotpPrepared(event) => state.prepared = Some(event.secret.clone()),
            SecondFactorEvent::TotpEnabled(event) => {
                state.totp = state.prepared.take();
                state.last_step = None;
                state.backup_codes.clone_from(&event.backup_codes);
            }
            SecondFactorEvent::TotpDisabled(_) => {
                state.prepared = None;
                state.totp = None;
                state.last_step = None;
                state.backup_codes.clear();
            }
            SecondFactorEvent::TotpCodeUsed(event) => {
                state.last_step = state.last_step.max(Some(event.step));
            }
            SecondFactorEvent::BackupCodesReplaced(event) => {
                state.backup_codes.clone_from(&event.backup_codes);
            }
            SecondFactorEvent::BackupCodeUsed(event) => {
                state.backup_codes.retain(|code| *code != event.backup_code);
            }
            SecondFactorEvent::EmailFactorChanged(event) => {
                state.email = Some(event.enabled);
                if !event.enabled {
                    state.email_codes.clear();
                }
            }
            SecondFactorEvent::EmailCodeIssued(event) => {
                // Codes that had expired by then take up no room.
                state.email_codes.retain(|code| code.expires > event.at);
                state.email_codes.push(EmailCode {
                    id: event.id.clone(),
                    code: event.code.clone(),
                    expires: event.expires,
                });
                let surplus = state.email_codes.len().saturating_sub(MAX_EMAIL_CODES);
                state.email_codes.drain(..surplus);
            }
            SecondFactorEvent::EmailCodeUsed(event) => {
                state.email_codes.retain(|code| code.id != event.id);
            }
        }
        state
    }
}
