//! Second factors: setting them up, and checking codes. Secrets are opened here and nowhere else; that no code counts
//! twice is decided in `domain::second_factor`.

pub mod gate;

use domain::credential::Ending;
use domain::permission::Permission;
use domain::second_factor::{
    self, BACKUP_CODES, BackupCodesReplaced, EmailCodeIssued, SecondFactorCommand, SecondFactors,
    TotpPrepared, email_code_purpose, totp_purpose,
};
use domain::settings::{Settings, keys};
use domain::{Sealed, Timestamp, UserId, text};
use eventstore::ExecuteError;
use eventstore::execute::Transaction;
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use totp_rs::{Builder, Secret, Totp};

use crate::caller::Caller;
use crate::error::{Error, Fault, Refusal};
use crate::identity::credentials;
use crate::identity::wrong_codes::counted;
use crate::ids::{fresh_id, now};
use crate::workspace::{WorkError, Workspace};

/// Bytes of an authenticator's secret; 32 characters in base32.
const SECRET_BYTES: usize = 20;

/// Characters of a backup code.
const BACKUP_CODE_LENGTH: usize = 8;

/// In half minutes. A larger difference would make guessing easy.
const MOST_DELTA: i64 = 10;

/// What a user is shown to set up an authenticator app.
pub struct Enrolment {
    /// In base32.
    pub secret: String,
    /// The secret as an `otpauth` address, which is shown as a QR code.
    pub url: String,
}

/// Makes a new secret to show to the user.
pub async fn prepare_totp(workspace: &Workspace, caller: &Caller) -> Result<Enrolment, Error> {
    caller.must_be_owner()?;
    let user = caller.id();
    let secret = Secret::from(rand::random::<[u8; SECRET_BYTES]>());
    let base32 = secret.to_base32();
    let settings = workspace.views().settings();
    let issuer = settings.text(keys::SITE_NAME).replace(':', " ");
    let url = Builder::new()
        .with_secret(secret)
        .with_issuer(Some(issuer).filter(|name| !text::is_blank(name)))
        .with_account_name(caller.user.username.replace(':', " "))
        .build()
        .and_then(|totp| totp.to_url())
        .map_err(|error| {
            Fault::Impossible(format!("the address for an authenticator: {error}").into())
        })?;
    let prepare = SecondFactorCommand::PrepareTotp(TotpPrepared {
        user: user.clone(),
        secret: workspace.vault().seal(&totp_purpose(user), &base32),
        at: now(),
    });
    run(workspace, user, user, &prepare).await?;
    Ok(Enrolment {
        secret: base32,
        url,
    })
}

/// Turns codes of the shown secret on, if `code` is one, and returns backup codes; `None`: the code is wrong. The
/// user's other sessions end.
pub async fn enable_totp(
    workspace: &Workspace,
    caller: &Caller,
    code: &str,
) -> Result<Option<Vec<String>>, Error> {
    caller.must_be_owner()?;
    let user = caller.id();
    let codes = backup_codes();
    let hashes: Vec<String> = codes.iter().map(|code| code_hash(code)).collect();
    let at = now();
    let stream = second_factor::stream(user);
    let enabled = workspace.run(user, async |tx| {
        let factors = tx.state::<SecondFactors>(&stream).await?;
        let Some(step) = matching_step(workspace, user, factors.prepared.as_ref(), code, at) else {
            return Ok(None);
        };
        let enable = SecondFactorCommand::EnableTotp {
            user: user.clone(),
            step,
            backup_codes: hashes.clone(),
            at,
        };
        tx.decide::<SecondFactors>(&stream, enable, &()).await?;
        let presented = Some(caller.credential());
        credentials::end(&tx, user, Ending::FactorSetUp, presented, at).await?;
        Ok(Some(()))
    });
    let enabled = counted(workspace, user, enabled).await?;
    Ok(enabled.map(|()| codes))
}

/// Turns codes of the authenticator off; `false`: the code is wrong.
pub async fn disable_totp(
    workspace: &Workspace,
    caller: &Caller,
    code: &str,
) -> Result<bool, Error> {
    let disable = SecondFactorCommand::DisableTotp {
        user: caller.id().clone(),
        reset: false,
        at: now(),
    };
    with_totp(workspace, caller, code, &disable).await
}

/// Makes new backup codes; `None`: the code is wrong.
pub async fn replace_backup_codes(
    workspace: &Workspace,
    caller: &Caller,
    code: &str,
) -> Result<Option<Vec<String>>, Error> {
    let codes = backup_codes();
    let replace = SecondFactorCommand::ReplaceBackupCodes(BackupCodesReplaced {
        user: caller.id().clone(),
        backup_codes: codes.iter().map(|code| code_hash(code)).collect(),
        at: now(),
    });
    let replaced = with_totp(workspace, caller, code, &replace).await?;
    Ok(replaced.then_some(codes))
}

/// How many backup codes are left; `None`: the user has no authenticator.
pub async fn totp_codes_left(workspace: &Workspace, user: &UserId) -> Result<Option<usize>, Error> {
    let factors = factors(workspace, user).await?;
    Ok(factors.totp.map(|_| factors.backup_codes.len()))
}

/// Refuses a caller who may not reset second factors of others.
pub fn may_reset_others(workspace: &Workspace, caller: &Caller) -> Result<(), Refusal> {
    may_reset(workspace, caller, Permission::EDIT_OTHER_USER_TOTP)
        .then_some(())
        .ok_or(Refusal::TotpResetNotAllowed)
}

pub(super) fn may_reset(workspace: &Workspace, caller: &Caller, right: Permission) -> bool {
    let settings = workspace.views().settings();
    settings.bool(keys::ACCOUNTS_TWO_FACTOR_AUTHENTICATION_ENFORCE_PASSWORD_FALLBACK)
        && caller.may(workspace, right)
}

/// Removes the authenticator of `user` and ends all their sessions.
pub async fn reset_totp(
    workspace: &Workspace,
    caller: &Caller,
    user: &UserId,
) -> Result<(), Error> {
    if user == caller.id() {
        caller.must_be_owner()?;
    } else {
        may_reset_others(workspace, caller)?;
    }
    let at = now();
    let reset = SecondFactorCommand::DisableTotp {
        user: user.clone(),
        reset: true,
        at,
    };
    workspace
        .run(caller.id(), async |tx| {
            tx.decide::<SecondFactors>(&second_factor::stream(user), reset.clone(), &())
                .await?;
            credentials::end(&tx, user, Ending::FactorReset, None, at).await
        })
        .await
}

/// Turns mailed codes of the user on or off.
pub async fn set_email(workspace: &Workspace, caller: &Caller, enabled: bool) -> Result<(), Error> {
    caller.must_be_owner()?;
    let user = caller.id();
    let set = SecondFactorCommand::SetEmail {
        user: user.clone(),
        enabled,
        at: now(),
    };
    run(workspace, user, user, &set).await
}

/// Turns mailed codes of a new account on, if the workspace wants that. Part of the transaction that makes the account.
pub async fn opt_in(
    tx: &Transaction,
    settings: &Settings,
    user: &UserId,
    at: Timestamp,
) -> Result<(), WorkError> {
    if !settings.bool(keys::ACCOUNTS_TWO_FACTOR_AUTHENTICATION_BY_EMAIL_AUTO_OPT_IN) {
        return Ok(());
    }
    let set = SecondFactorCommand::SetEmail {
        user: user.clone(),
        enabled: true,
        at,
    };
    tx.decide_new::<SecondFactors>(&second_factor::stream(user), set, &())
        .await?;
    Ok(())
}

/// Has a fresh code mailed to these addresses. The mail is sent once the event is recorded.
pub async fn issue_email_code(
    workspace: &Workspace,
    user: &UserId,
    to: Vec<String>,
) -> Result<(), Error> {
    let settings = workspace.views().settings();
    let seconds = settings.int(keys::ACCOUNTS_TWO_FACTOR_AUTHENTICATION_BY_EMAIL_CODE_EXPIRATION);
    let code = format!("{:06}", rand::rng().random_range(0..1_000_000_u32));
    let at = now();
    let issue = SecondFactorCommand::IssueEmailCode(EmailCodeIssued {
        user: user.clone(),
        id: fresh_id(),
        code: workspace.vault().seal(&email_code_purpose(user), &code),
        to,
        expires: Timestamp::from_millis(
            at.as_millis()
                .saturating_add(seconds.max(0).saturating_mul(1000)),
        ),
        at,
    });
    run(workspace, user, user, &issue).await
}

/// When the mailed codes that are still valid expire.
pub async fn email_codes_expire(
    workspace: &Workspace,
    user: &UserId,
) -> Result<Vec<Timestamp>, Error> {
    let factors = factors(workspace, user).await?;
    Ok(factors
        .email_codes_at(now())
        .map(|code| code.expires)
        .collect())
}

/// Accepts a code of the authenticator, or a backup code, if it is right and was not used.
pub async fn use_totp(workspace: &Workspace, user: &UserId, code: &str) -> Result<bool, Error> {
    let stream = second_factor::stream(user);
    let at = now();
    workspace
        .run(user, async |tx| {
            accept_totp(workspace, &tx, user, code, at, &stream).await
        })
        .await
}

/// Accepts a mailed code, if it is right and was not used.
pub async fn use_email_code(
    workspace: &Workspace,
    user: &UserId,
    code: &str,
) -> Result<bool, Error> {
    let digits: String = code.chars().filter(char::is_ascii_digit).collect();
    let stream = second_factor::stream(user);
    let at = now();
    workspace
        .run(user, async |tx| {
            let factors = tx.state::<SecondFactors>(&stream).await?;
            let Some(id) = matching_email_code(workspace, user, &factors, &digits, at) else {
                return Ok(false);
            };
            let used = SecondFactorCommand::UseEmailCode {
                user: user.clone(),
                id,
                at,
            };
            accepted(tx.decide::<SecondFactors>(&stream, used, &()).await)
        })
        .await
}

async fn accept_totp(
    workspace: &Workspace,
    tx: &Transaction,
    user: &UserId,
    code: &str,
    at: Timestamp,
    stream: &domain::StreamId,
) -> Result<bool, WorkError> {
    let factors = tx.state::<SecondFactors>(stream).await?;
    let user_id = || user.clone();
    let used = if let Some(step) = matching_step(workspace, user, factors.totp.as_ref(), code, at) {
        SecondFactorCommand::UseTotp {
            user: user_id(),
            step,
            at,
        }
    } else {
        SecondFactorCommand::UseBackupCode {
            user: user_id(),
            backup_code: code_hash(text::trim(code)),
            at,
        }
    };
    accepted(tx.decide::<SecondFactors>(stream, used, &()).await)
}

/// A refusal means a wrong code; a failure stays one.
fn accepted<E>(
    decided: Result<E, ExecuteError<second_factor::SecondFactorRefusal>>,
) -> Result<bool, WorkError> {
    match decided {
        Ok(_) => Ok(true),
        Err(ExecuteError::Refused(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Does something that uses up a code of the authenticator; `false`: it is wrong.
async fn with_totp(
    workspace: &Workspace,
    caller: &Caller,
    code: &str,
    command: &SecondFactorCommand,
) -> Result<bool, Error> {
    caller.must_be_owner()?;
    let user = caller.id();
    let stream = second_factor::stream(user);
    let at = now();
    let done = workspace.run(user, async |tx| {
        if !accept_totp(workspace, &tx, user, code, at, &stream).await? {
            return Ok(None);
        }
        let decided = tx
            .decide::<SecondFactors>(&stream, command.clone(), &())
            .await;
        Ok(accepted(decided)?.then_some(()))
    });
    Ok(counted(workspace, user, done).await?.is_some())
}

/// The half minute `code` belongs to, if it is a code of that secret and not too far from now.
fn matching_step(
    workspace: &Workspace,
    user: &UserId,
    secret: Option<&Sealed>,
    code: &str,
    at: Timestamp,
) -> Option<u64> {
    let secret = match workspace.vault().open(&totp_purpose(user), secret?) {
        Ok(secret) => secret,
        Err(error) => {
            tracing::error!(%error, %user, "the secret of an authenticator is lost");
            return None;
        }
    };
    let delta = workspace
        .views()
        .settings()
        .int(keys::ACCOUNTS_TWO_FACTOR_AUTHENTICATION_MAX_DELTA)
        .clamp(0, MOST_DELTA);
    let seconds = u64::try_from(at.as_millis() / 1000).ok()?;
    totp(&secret, u16::try_from(delta).ok()?)?.check(text::trim(code), seconds)
}

fn totp(secret: &str, delta: u16) -> Option<Totp> {
    let secret = Secret::try_from_base32(secret).ok()?;
    Builder::new()
        .with_secret(secret)
        .with_skew(delta)
        .build()
        .ok()
}

/// The id of the mailed code. Every code is compared in full, however early one matches.
fn matching_email_code(
    workspace: &Workspace,
    user: &UserId,
    factors: &SecondFactors,
    digits: &str,
    at: Timestamp,
) -> Option<String> {
    let purpose = email_code_purpose(user);
    factors
        .email_codes_at(at)
        .filter(|code| {
            let opened = workspace.vault().open(&purpose, &code.code);
            opened.is_ok_and(|code| bool::from(code.as_bytes().ct_eq(digits.as_bytes())))
        })
        .last()
        .map(|code| code.id.clone())
}

/// Twelve random texts of eight characters.
fn backup_codes() -> Vec<String> {
    (0..BACKUP_CODES)
        .map(|_| {
            let mut code = crate::ids::fresh_secret();
            code.truncate(BACKUP_CODE_LENGTH);
            code
        })
        .collect()
}

/// How backup codes are stored: SHA-256 in lower-case hex.
fn code_hash(code: &str) -> String {
    hex::encode(Sha256::digest(code.as_bytes()))
}

async fn factors(workspace: &Workspace, user: &UserId) -> Result<SecondFactors, Error> {
    let stream = second_factor::stream(user);
    workspace
        .run(user, async |tx| {
            tx.state::<SecondFactors>(&stream)
                .await
                .map(|factors| (*factors).clone())
                .map_err(WorkError::from)
        })
        .await
}

async fn run(
    workspace: &Workspace,
    actor: &UserId,
    user: &UserId,
    command: &SecondFactorCommand,
) -> Result<(), Error> {
    let stream = second_factor::stream(user);
    workspace
        .decide::<SecondFactors>(actor, &stream, command.clone(), &())
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B: the last six of eight digits, SHA-1, secret "12345678901234567890".
        let totp = totp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 1).expect("a secret");
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804")] {
            assert_eq!(totp.check(code, seconds), Some(seconds / 30));
            assert_eq!(
                totp.check(code, seconds + 30),
                Some(seconds / 30),
                "one late"
            );
            assert_eq!(totp.check(code, seconds + 60), None, "two late");
        }
        for nonsense in ["", "28708", "28708x", "2870822", "２８７０８２"] {
            assert_eq!(totp.check(nonsense, 59), None, "{nonsense}");
        }
    }

    #[test]
    fn backup_codes_are_twelve_and_differ() {
        let codes = backup_codes();
        assert_eq!(codes.len(), 12);
        let mut unique = codes.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), 12);
        assert!(codes.iter().all(|code| code.len() == 8));
        assert_eq!(
            code_hash("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
