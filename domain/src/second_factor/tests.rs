use proptest::prelude::*;

use super::*;
use crate::testing::given;

const AT: Timestamp = Timestamp::from_millis(1_000);

fn user() -> UserId {
    UserId::new("me")
}

fn prepared() -> SecondFactorEvent {
    TotpPrepared {
        user: user(),
        secret: Sealed::new("secret"),
        at: AT,
    }
    .into()
}

fn codes(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn enabled(names: &[&str]) -> SecondFactorEvent {
    TotpEnabled {
        user: user(),
        backup_codes: codes(names),
        at: AT,
    }
    .into()
}

fn used(step: u64) -> SecondFactorEvent {
    TotpCodeUsed {
        user: user(),
        step,
        at: AT,
    }
    .into()
}

fn disabled(reset: bool) -> SecondFactorEvent {
    TotpDisabled {
        user: user(),
        reset,
        at: AT,
    }
    .into()
}

fn backup_used(code: &str) -> SecondFactorEvent {
    BackupCodeUsed {
        user: user(),
        backup_code: code.to_owned(),
        at: AT,
    }
    .into()
}

fn email(enabled: bool) -> SecondFactorEvent {
    EmailFactorChanged {
        user: user(),
        enabled,
        at: AT,
    }
    .into()
}

fn issued(id: usize, expires: i64) -> EmailCodeIssued {
    EmailCodeIssued {
        user: user(),
        id: id.to_string(),
        code: Sealed::new("code"),
        to: vec!["me@example.org".to_owned()],
        expires: Timestamp::from_millis(expires),
        at: AT,
    }
}

fn email_used(id: usize) -> SecondFactorEvent {
    EmailCodeUsed {
        user: user(),
        id: id.to_string(),
        at: AT,
    }
    .into()
}

fn prepare() -> SecondFactorCommand {
    SecondFactorCommand::PrepareTotp(TotpPrepared {
        user: user(),
        secret: Sealed::new("secret"),
        at: AT,
    })
}

fn enable(step: u64, names: &[&str]) -> SecondFactorCommand {
    SecondFactorCommand::EnableTotp {
        user: user(),
        step,
        backup_codes: codes(names),
        at: AT,
    }
}

fn disable(reset: bool) -> SecondFactorCommand {
    SecondFactorCommand::DisableTotp {
        user: user(),
        reset,
        at: AT,
    }
}

fn use_totp(step: u64) -> SecondFactorCommand {
    SecondFactorCommand::UseTotp {
        user: user(),
        step,
        at: AT,
    }
}

fn use_backup(code: &str) -> SecondFactorCommand {
    SecondFactorCommand::UseBackupCode {
        user: user(),
        backup_code: code.to_owned(),
        at: AT,
    }
}

fn use_email(id: usize) -> SecondFactorCommand {
    SecondFactorCommand::UseEmailCode {
        user: user(),
        id: id.to_string(),
        at: AT,
    }
}

fn set_email(enabled: bool) -> SecondFactorCommand {
    SecondFactorCommand::SetEmail {
        user: user(),
        enabled,
        at: AT,
    }
}

#[test]
fn an_authenticator_counts_once_it_has_shown_a_code() {
    given::<SecondFactors>([])
        .when(prepare(), &())
        .then([prepared()]);
    given::<SecondFactors>([prepared()])
        .when(enable(7, &["a"]), &())
        .then([enabled(&["a"]), used(7)]);
    given::<SecondFactors>([])
        .when(enable(7, &["a"]), &())
        .then_refused(SecondFactorRefusal::NotPrepared);
    for command in [prepare(), enable(8, &["b"])] {
        given::<SecondFactors>([prepared(), enabled(&["a"]), used(7)])
            .when(command, &())
            .then_refused(SecondFactorRefusal::AlreadyEnabled);
    }
}

#[test]
fn a_code_is_accepted_once_and_no_older_one_after_it() {
    let on = || [prepared(), enabled(&[]), used(7)];
    given::<SecondFactors>(on())
        .when(use_totp(8), &())
        .then([used(8)]);
    for step in [6, 7] {
        given::<SecondFactors>(on())
            .when(use_totp(step), &())
            .then_refused(SecondFactorRefusal::CodeUsed);
    }
    given::<SecondFactors>([prepared()])
        .when(use_totp(8), &())
        .then_refused(SecondFactorRefusal::NotEnabled);
}

#[test]
fn a_backup_code_is_accepted_once() {
    let on = || vec![prepared(), enabled(&["a", "b"])];
    given::<SecondFactors>(on())
        .when(use_backup("a"), &())
        .then([backup_used("a")]);
    given::<SecondFactors>([on(), vec![backup_used("a")]].concat())
        .when(use_backup("a"), &())
        .then_refused(SecondFactorRefusal::NoSuchCode);
    let replaced = BackupCodesReplaced {
        user: user(),
        backup_codes: codes(&["c"]),
        at: AT,
    };
    given::<SecondFactors>([on(), vec![replaced.clone().into()]].concat())
        .when(use_backup("b"), &())
        .then_refused(SecondFactorRefusal::NoSuchCode);
    given::<SecondFactors>([])
        .when(SecondFactorCommand::ReplaceBackupCodes(replaced), &())
        .then_refused(SecondFactorRefusal::NotEnabled);
}

#[test]
fn an_authenticator_is_disabled_or_reset() {
    given::<SecondFactors>([prepared(), enabled(&[])])
        .when(disable(false), &())
        .then([disabled(false)]);
    given::<SecondFactors>([])
        .when(disable(false), &())
        .then_refused(SecondFactorRefusal::NotEnabled);
    given::<SecondFactors>([])
        .when(disable(true), &())
        .then_nothing();
    given::<SecondFactors>([prepared(), enabled(&["a"]), used(9), disabled(true)])
        .when(prepare(), &())
        .then([prepared()]);
    given::<SecondFactors>([
        prepared(),
        enabled(&["a"]),
        disabled(true),
        prepared(),
        enabled(&[]),
    ])
    .when(use_backup("a"), &())
    .then_refused(SecondFactorRefusal::NoSuchCode);
}

#[test]
fn mailed_codes_are_accepted_once_and_while_they_are_valid() {
    let valid = AT.as_millis() + 1;
    given::<SecondFactors>([issued(1, valid).into()])
        .when(use_email(1), &())
        .then([email_used(1)]);
    given::<SecondFactors>([issued(1, valid).into(), email_used(1)])
        .when(use_email(1), &())
        .then_refused(SecondFactorRefusal::NoSuchCode);
    given::<SecondFactors>([issued(1, AT.as_millis()).into()])
        .when(use_email(1), &())
        .then_refused(SecondFactorRefusal::NoSuchCode);
    given::<SecondFactors>((0..=MAX_EMAIL_CODES).map(|id| issued(id, valid).into()))
        .when(use_email(0), &())
        .then_refused(SecondFactorRefusal::NoSuchCode);
}

#[test]
fn mail_is_switched_on_and_off() {
    given::<SecondFactors>([])
        .when(set_email(true), &())
        .then([email(true)]);
    given::<SecondFactors>([email(true)])
        .when(set_email(true), &())
        .then_nothing();
    given::<SecondFactors>([email(true)])
        .when(set_email(false), &())
        .then([email(false)]);
    let code = issued(1, AT.as_millis() + 1);
    given::<SecondFactors>([email(true), code.into(), email(false)])
        .when(use_email(1), &())
        .then_refused(SecondFactorRefusal::NoSuchCode);
}

proptest! {
    #[test]
    fn no_code_is_ever_accepted_twice(
        steps in proptest::collection::vec((0..9, 0..12_usize), 0..200),
    ) {
        let (mut state, mut log) = (SecondFactors::default(), Vec::new());
        for (kind, number) in steps {
            let name = number.to_string();
            let step = u64::try_from(number).unwrap_or_default();
            let command = match kind {
                0 => prepare(),
                1 => enable(step, &["1", "2", "3"]),
                2 => use_totp(step),
                3 => use_backup(&name),
                4 => SecondFactorCommand::IssueEmailCode(issued(number, 2_000)),
                5 => use_email(number),
                6 => disable(number % 2 == 0),
                _ => set_email(number % 2 == 0),
            };
            let Ok(events) = SecondFactors::decide(&state, command.clone(), &()) else {
                continue;
            };
            state = events.iter().fold(state, SecondFactors::evolve);
            log.extend(events);
            if matches!(
                command,
                SecondFactorCommand::UseTotp { .. }
                    | SecondFactorCommand::UseBackupCode { .. }
                    | SecondFactorCommand::UseEmailCode { .. }
            ) {
                prop_assert!(SecondFactors::decide(&state, command, &()).is_err());
            }
            prop_assert!(state.email_codes.len() <= MAX_EMAIL_CODES);
        }
        prop_assert_eq!(SecondFactors::fold(&log), state);
    }
}
