use super::*;
use crate::testing::given;
use proptest::prelude::*;

const AT: Timestamp = Timestamp::from_millis(1_000);
const ADDRESS: &str = "ada@example.org";

fn user() -> UserId {
    UserId::new("ada")
}

fn hash(number: usize) -> TokenHash {
    TokenHash::new(format!("hash{number}"))
}

fn token(number: usize) -> NewToken {
    NewToken {
        sealed: Sealed::new(format!("sealed{number}")),
        hash: hash(number),
    }
}

fn addresses() -> Vec<String> {
    vec![ADDRESS.to_owned()]
}

fn after(millis: i64) -> Timestamp {
    Timestamp::from_millis(AT.as_millis() + millis)
}

fn request_verification(number: usize, at: Timestamp) -> AccountMailCommand {
    AccountMailCommand::RequestVerification {
        user: user(),
        address: ADDRESS.to_owned(),
        token: token(number),
        at,
    }
}

fn verification(number: usize, at: Timestamp) -> AccountMailEvent {
    EmailVerificationRequested {
        user: user(),
        address: ADDRESS.to_owned(),
        token: token(number).sealed,
        token_hash: hash(number),
        at,
    }
    .into()
}

fn verify(number: usize, at: Timestamp) -> AccountMailCommand {
    AccountMailCommand::Verify {
        user: user(),
        hash: hash(number),
        at,
    }
}

fn verified(number: usize, at: Timestamp) -> AccountMailEvent {
    EmailVerified {
        user: user(),
        address: ADDRESS.to_owned(),
        token_hash: hash(number),
        at,
    }
    .into()
}

fn reset_requested(number: usize, reason: ResetReason, at: Timestamp) -> AccountMailEvent {
    PasswordResetRequested {
        user: user(),
        address: ADDRESS.to_owned(),
        token: token(number).sealed,
        token_hash: hash(number),
        reason,
        at,
    }
    .into()
}

fn reset(number: usize, at: Timestamp) -> AccountMailCommand {
    AccountMailCommand::Reset {
        user: user(),
        hash: hash(number),
        at,
    }
}

fn was_reset(number: usize, at: Timestamp) -> AccountMailEvent {
    PasswordResetCompleted {
        user: user(),
        token_hash: hash(number),
        at,
    }
    .into()
}

#[test]
fn an_address_is_proved_by_its_link_once() {
    let addresses = addresses();
    given::<AccountMail>([])
        .when(request_verification(1, AT), &&addresses[..])
        .then([verification(1, AT)]);
    given::<AccountMail>([verification(1, AT)])
        .when(verify(1, AT), &&addresses[..])
        .then([verified(1, AT)]);
    given::<AccountMail>([verification(1, AT), verified(1, AT)])
        .when(verify(1, AT), &&addresses[..])
        .then_refused(AccountMailRefusal::AlreadyVerified);
    given::<AccountMail>([])
        .when(verify(1, AT), &&addresses[..])
        .then_refused(AccountMailRefusal::InvalidToken);
}

#[test]
fn a_link_ends_with_its_time_and_with_the_address() {
    let addresses = addresses();
    let late = after(VERIFICATION_LIFETIME + 1);
    given::<AccountMail>([verification(1, AT)])
        .when(verify(1, after(VERIFICATION_LIFETIME)), &&addresses[..])
        .then([verified(1, after(VERIFICATION_LIFETIME))]);
    given::<AccountMail>([verification(1, AT)])
        .when(verify(1, late), &&addresses[..])
        .then_refused(AccountMailRefusal::Expired);
    given::<AccountMail>([verification(1, AT)])
        .when(verify(1, AT), &&["other@example.org".to_owned()][..])
        .then_refused(AccountMailRefusal::InvalidToken);
    given::<AccountMail>([reset_requested(1, ResetReason::Reset, AT)])
        .when(reset(1, AT), &&[][..])
        .then_refused(AccountMailRefusal::InvalidToken);
}

#[test]
fn a_reset_link_works_once_and_voids_the_others() {
    let addresses = addresses();
    let asked = [
        reset_requested(1, ResetReason::Reset, AT),
        reset_requested(2, ResetReason::Enrolment, AT),
    ];
    given::<AccountMail>(asked.clone())
        .when(reset(2, AT), &&addresses[..])
        .then([was_reset(2, AT)]);
    let [first, second] = asked;
    for number in [1, 2] {
        given::<AccountMail>([first.clone(), second.clone(), was_reset(2, AT)])
            .when(reset(number, AT), &&addresses[..])
            .then_refused(AccountMailRefusal::InvalidToken);
    }
}

#[test]
fn a_first_password_may_be_chosen_for_longer_than_a_forgotten_one() {
    let addresses = addresses();
    let week = after(7 * DAY);
    given::<AccountMail>([reset_requested(1, ResetReason::Reset, AT)])
        .when(reset(1, week), &&addresses[..])
        .then_refused(AccountMailRefusal::Expired);
    given::<AccountMail>([reset_requested(1, ResetReason::Enrolment, AT)])
        .when(reset(1, week), &&addresses[..])
        .then([was_reset(1, week)]);
    given::<AccountMail>([reset_requested(1, ResetReason::Enrolment, AT)])
        .when(reset(1, after(31 * DAY)), &&addresses[..])
        .then_refused(AccountMailRefusal::Expired);
}

#[test]
fn a_link_of_one_kind_is_none_of_the_other() {
    let addresses = addresses();
    given::<AccountMail>([verification(1, AT)])
        .when(reset(1, AT), &&addresses[..])
        .then_refused(AccountMailRefusal::InvalidToken);
    given::<AccountMail>([reset_requested(1, ResetReason::Reset, AT)])
        .when(verify(1, AT), &&addresses[..])
        .then_refused(AccountMailRefusal::InvalidToken);
}

#[test]
fn a_new_password_voids_reset_links() {
    let addresses = addresses();
    let void = AccountMailCommand::VoidResets {
        user: user(),
        at: AT,
    };
    let voided: AccountMailEvent = PasswordResetsVoided {
        user: user(),
        at: AT,
    }
    .into();
    given::<AccountMail>([reset_requested(1, ResetReason::Reset, AT)])
        .when(void.clone(), &&addresses[..])
        .then([voided.clone()]);
    given::<AccountMail>([verification(1, AT)])
        .when(void, &&addresses[..])
        .then_nothing();
    given::<AccountMail>([reset_requested(1, ResetReason::Reset, AT), voided])
        .when(reset(1, AT), &&addresses[..])
        .then_refused(AccountMailRefusal::InvalidToken);
}

#[test]
fn nobodys_mailbox_is_flooded() {
    let addresses = addresses();
    let many = || (0..MOST_AN_HOUR).map(|number| verification(number, after(60_000)));
    given::<AccountMail>(many())
        .when(request_verification(9, after(120_000)), &&addresses[..])
        .then_refused(AccountMailRefusal::TooMany { seconds: 3540 });
    given::<AccountMail>(many())
        .when(
            request_verification(9, after(HOUR + 60_000)),
            &&addresses[..],
        )
        .then([verification(9, after(HOUR + 60_000))]);
}

#[test]
fn secrets_to_be_mailed_are_recorded_sealed() {
    let addresses = addresses();
    let password = Sealed::new("sealed");
    given::<AccountMail>([])
        .when(
            AccountMailCommand::Welcome {
                user: user(),
                password: Some(password.clone()),
                at: AT,
            },
            &&addresses[..],
        )
        .then([WelcomeMailRequested {
            user: user(),
            password: Some(password.clone()),
            at: AT,
        }
        .into()]);
    given::<AccountMail>([])
        .when(
            AccountMailCommand::TellPassword {
                user: user(),
                password: password.clone(),
                at: AT,
            },
            &&addresses[..],
        )
        .then([PasswordMailRequested {
            user: user(),
            password,
            at: AT,
        }
        .into()]);
}

proptest! {
    #[test]
    fn no_link_works_twice_and_replaying_gives_the_same(
        steps in proptest::collection::vec((0..5, 0..8_usize, 0..5 * DAY), 0..60),
    ) {
        let addresses = addresses();
        let (mut state, mut log, mut now) = (AccountMail::default(), Vec::new(), AT);
        let mut used = std::collections::BTreeSet::new();
        for (serial, (kind, number, passed)) in steps.into_iter().enumerate() {
            now = later(now, passed);
            let command = match kind {
                0 => request_verification(serial, now),
                1 => AccountMailCommand::RequestReset {
                    user: user(),
                    address: ADDRESS.to_owned(),
                    token: token(serial),
                    reason: ResetReason::Reset,
                    at: now,
                },
                2 => verify(number, now),
                3 => reset(number, now),
                _ => AccountMailCommand::VoidResets { user: user(), at: now },
            };
            let Ok(events) = AccountMail::decide(&state, command, &&addresses[..]) else {
                continue;
            };
            for event in &events {
                let hash = match event {
                    AccountMailEvent::EmailVerified(event) => &event.token_hash,
                    AccountMailEvent::PasswordResetCompleted(event) => &event.token_hash,
                    _ => continue,
                };
                prop_assert!(used.insert(hash.clone()), "a link worked twice");
            }
            state = events.iter().fold(state, AccountMail::evolve);
            log.extend(events);
            prop_assert!(state.verifications.len() <= MOST_LINKS && state.resets.len() <= MOST_LINKS);
            prop_assert!(state.asked.len() <= MOST_AN_HOUR && state.verified.len() <= MOST_LINKS);
        }
        prop_assert_eq!(AccountMail::fold(&log), state);
    }
}
