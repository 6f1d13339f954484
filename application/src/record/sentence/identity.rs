//! Sessions, second factors, account mail, key pairs and claims.

use domain::account_mail::{AccountMailEvent, PasswordResetRequested, ResetReason};
use domain::claim::{ClaimEvent, NameKind};
use domain::e2e::KeyPairEvent;
use domain::second_factor::SecondFactorEvent;
use domain::session::SessionEvent;
use domain::{RoomId, UserId};

use super::words::{Teller, count, name, quoted, quotes};

pub(super) fn session(teller: &Teller<'_>, event: &SessionEvent) -> String {
    match event {
        SessionEvent::TokenIssued(event) if event.granted => {
            let user = teller.whom_actor(&event.user);
            teller.did(format_args!("made a login token for {user}"))
        }
        SessionEvent::TokenIssued(event) => teller.deed(&event.user, "logged in"),
        SessionEvent::PersonalTokenIssued(event) => {
            let called = quoted(&event.name);
            let bypass = if event.bypass_second_factor {
                ", which is not asked for a second factor"
            } else {
                ""
            };
            let deed = format!("made the personal token {called}{bypass}");
            teller.deed(&event.user, deed)
        }
        SessionEvent::ProgramLetIn(event) => {
            teller.deed(&event.user, "let a program into their account")
        }
        SessionEvent::SecondFactorPassed(event) => {
            teller.deed(&event.user, "proved a second factor for their login")
        }
        SessionEvent::TokenRevoked(event) => {
            let access = teller.of(&event.user, "account");
            let deed = format!("ended one login, personal token or program of {access}");
            teller.did(deed)
        }
        SessionEvent::OtherSessionsEnded(event) => {
            let account = teller.of(&event.user, "account");
            teller.did(format_args!("ended all logins of {account} but one"))
        }
        SessionEvent::AllTokensRevoked(event) => {
            let account = teller.of(&event.user, "account");
            let but = event.except.as_ref().map_or("", |_| " but one");
            let deed = format!("ended all logins, personal tokens and programs of {account}{but}");
            teller.did(deed)
        }
    }
}

pub(super) fn second_factor(teller: &Teller<'_>, event: &SecondFactorEvent) -> String {
    match event {
        SecondFactorEvent::TotpPrepared(event) => {
            teller.deed(&event.user, "began to set up an authenticator")
        }
        SecondFactorEvent::TotpEnabled(event) => {
            let codes = count(event.backup_codes.len(), "backup code");
            let deed = format!("turned on their authenticator and got {codes}");
            teller.deed(&event.user, deed)
        }
        SecondFactorEvent::TotpDisabled(event) => {
            let authenticator = teller.of(&event.user, "authenticator");
            let deed = if event.reset {
                format!("removed {authenticator} without a code")
            } else {
                format!("turned off {authenticator}")
            };
            teller.did(deed)
        }
        SecondFactorEvent::TotpCodeUsed(event) => {
            teller.deed(&event.user, "used a code of their authenticator")
        }
        SecondFactorEvent::BackupCodesReplaced(event) => {
            let codes = count(event.backup_codes.len(), "backup code");
            teller.deed(
                &event.user,
                format_args!("got {codes} in place of the old ones"),
            )
        }
        SecondFactorEvent::BackupCodeUsed(event) => teller.deed(&event.user, "used a backup code"),
        SecondFactorEvent::EmailFactorChanged(event) => {
            let factor = teller.of(&event.user, "second factor");
            let how = if event.enabled { "on" } else { "off" };
            teller.did(format_args!("turned {how} codes by e-mail as {factor}"))
        }
        SecondFactorEvent::EmailCodeIssued(event) => {
            let to = quotes(&event.to);
            teller.deed(
                &event.user,
                format_args!("asked for a code by e-mail to {to}"),
            )
        }
        SecondFactorEvent::EmailCodeUsed(event) => {
            teller.deed(&event.user, "used a code from an e-mail")
        }
    }
}

pub(super) fn account_mail(teller: &Teller<'_>, event: &AccountMailEvent) -> String {
    match event {
        AccountMailEvent::EmailVerificationRequested(event) => {
            let address = format!("address {}", quoted(&event.address));
            let address = teller.of(&event.user, address);
            teller.did(format_args!("asked for an e-mail that proves {address}"))
        }
        AccountMailEvent::EmailVerified(event) => {
            let address = quoted(&event.address);
            let deed = format!("proved their address {address} with the link in an e-mail");
            teller.deed(&event.user, deed)
        }
        AccountMailEvent::PasswordResetRequested(event) => reset_requested(teller, event),
        AccountMailEvent::PasswordResetCompleted(event) => {
            let deed = "used the link in an e-mail to choose a password";
            teller.deed(&event.user, deed)
        }
        AccountMailEvent::PasswordResetsVoided(event) => {
            let password = teller.of(&event.user, "password");
            teller.did(format_args!("ended all mailed links to choose {password}"))
        }
        AccountMailEvent::WelcomeMailRequested(event) => {
            let user = teller.whom_actor(&event.user);
            let telling = event.password.as_ref();
            let telling = telling.map_or("", |_| ", which tells the first password");
            teller.did(format_args!(
                "asked for an e-mail that welcomes {user}{telling}"
            ))
        }
        AccountMailEvent::PasswordMailRequested(event) => {
            let user = teller.whom_actor(&event.user);
            let deed = format!("asked for an e-mail that tells {user} the new password");
            teller.did(deed)
        }
    }
}

fn reset_requested(teller: &Teller<'_>, event: &PasswordResetRequested) -> String {
    let password = match event.reason {
        ResetReason::Reset => teller.of(&event.user, "new password"),
        ResetReason::Enrolment => teller.of(&event.user, "first password"),
    };
    let to = quoted(&event.address);
    let deed = format!("asked for an e-mail to {to} with a link to choose {password}");
    teller.did(deed)
}

pub(super) fn key_pair(teller: &Teller<'_>, event: &KeyPairEvent) -> String {
    const PAIR: &str = "key pair for end-to-end encryption";
    match event {
        KeyPairEvent::KeyPairSet(event) => {
            let pair = teller.of(&event.user, PAIR);
            teller.did(format_args!("set {pair}"))
        }
        KeyPairEvent::KeyPairReset(event) => {
            let pair = teller.of(&event.user, PAIR);
            teller.did(format_args!("removed {pair}"))
        }
    }
}

pub(super) fn claim(teller: &Teller<'_>, event: &ClaimEvent) -> String {
    match event {
        ClaimEvent::NameClaimed(event) => {
            let user = || teller.whom_actor(&UserId::new(&event.owner));
            let room = || teller.room(&RoomId::new(&event.owner));
            let what = claimed(event.kind, &event.owner, user, room);
            teller.did(format_args!("reserved {what}"))
        }
        ClaimEvent::NameReleased(event) => {
            // Whoever had the name, not who has another one since.
            let user = || teller.whom_formerly(&UserId::new(&event.owner));
            let room = || teller.former_room(&RoomId::new(&event.owner));
            let what = claimed(event.kind, &event.owner, user, room);
            teller.did(format_args!("freed {what}"))
        }
    }
}

/// What is claimed, and for whom. The name itself is in another event of the same batch.
fn claimed(
    kind: NameKind,
    owner: &str,
    user: impl Fn() -> String,
    room: impl Fn() -> String,
) -> String {
    let id = || name(owner);
    match kind {
        NameKind::Username => format!("a user name for {}", user()),
        NameKind::Email => format!("an e-mail address for {}", user()),
        NameKind::RoomName => format!("the name of a room for {}", room()),
        NameKind::Emoji => format!("a name for the emoji with the id {}", id()),
        NameKind::Sound => format!("a name for the sound with the id {}", id()),
        NameKind::FirstAdministrator => {
            format!("the office of the first administrator for {}", user())
        }
        NameKind::CustomStatus => format!("a name for the custom status with the id {}", id()),
        NameKind::WebdavAccount => {
            format!("a place for the WebDAV account with the id {}", id())
        }
        NameKind::MailToken => format!("a link in an e-mail for {}", user()),
        NameKind::RoleName => format!("a name for the role {}", id()),
        NameKind::EmailInbox => format!("an address for the e-mail inbox with the id {}", id()),
    }
}
