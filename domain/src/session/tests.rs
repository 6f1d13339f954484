use super::*;
use crate::testing::given;
use proptest::prelude::*;

/// The credential that others rest on.
const BY: usize = 1;

const AT: Timestamp = Timestamp::from_millis(1);

fn user() -> UserId {
    UserId::new("me")
}

fn hash(number: usize) -> TokenHash {
    TokenHash::new(format!("token{number}"))
}

fn issue(number: usize) -> SessionCommand {
    issue_of(number, MAX_SESSIONS)
}

fn issue_of(number: usize, most: usize) -> SessionCommand {
    SessionCommand::Issue {
        user: user(),
        hash: hash(number),
        granted: false,
        by: None,
        most,
        at: AT,
    }
}

fn issued(number: usize) -> SessionEvent {
    TokenIssued {
        user: user(),
        hash: hash(number),
        granted: false,
        at: AT,
    }
    .into()
}

fn revoke(number: usize) -> SessionCommand {
    SessionCommand::Revoke {
        user: user(),
        hash: hash(number),
        at: AT,
    }
}

fn revoked(number: usize) -> SessionEvent {
    TokenRevoked {
        user: user(),
        hash: hash(number),
        at: AT,
    }
    .into()
}

fn revoke_all(except: Option<usize>) -> SessionCommand {
    SessionCommand::RevokeAll {
        user: user(),
        except: except.map(hash),
        at: AT,
    }
}

fn all_revoked(except: Option<usize>) -> SessionEvent {
    AllTokensRevoked {
        user: user(),
        except: except.map(hash),
        at: AT,
    }
    .into()
}

#[test]
fn the_oldest_token_makes_room_for_the_newest() {
    given::<Sessions>([issued(1)])
        .when(issue(2), &())
        .then([issued(2)]);
    given::<Sessions>((0..MAX_SESSIONS).map(issued))
        .when(issue(99), &())
        .then([revoked(0), issued(99)]);
}

#[test]
fn the_operator_says_how_many_tokens_there_may_be() {
    given::<Sessions>((0..4).map(issued))
        .when(issue_of(99, 2), &())
        .then([revoked(0), revoked(1), revoked(2), issued(99)]);
    given::<Sessions>([issued(1)])
        .when(issue_of(2, 0), &())
        .then([revoked(1), issued(2)]);
}

#[test]
fn a_token_is_revoked_once() {
    given::<Sessions>([issued(1)])
        .when(revoke(1), &())
        .then([revoked(1)]);
    given::<Sessions>([issued(1), revoked(1)])
        .when(revoke(1), &())
        .then_nothing();
}

#[test]
fn all_tokens_but_one_are_revoked() {
    given::<Sessions>([issued(1), issued(2)])
        .when(revoke_all(Some(1)), &())
        .then([all_revoked(Some(1))]);
    given::<Sessions>([issued(1)])
        .when(revoke_all(Some(1)), &())
        .then_nothing();
    given::<Sessions>([])
        .when(revoke_all(None), &())
        .then_nothing();
    given::<Sessions>([issued(1), issued(2), all_revoked(Some(1))])
        .when(revoke(2), &())
        .then_nothing();
}

fn personal(number: usize, name: &str, bypass_second_factor: bool) -> PersonalTokenIssued {
    PersonalTokenIssued {
        user: user(),
        hash: hash(number),
        name: name.to_owned(),
        last_part: format!("{number:06}"),
        bypass_second_factor,
        at: AT,
    }
}

fn issue_personal(number: usize, name: &str) -> SessionCommand {
    SessionCommand::IssuePersonal {
        token: personal(number, name, true),
        by: hash(BY),
    }
}

fn regenerate(number: usize, name: &str) -> SessionCommand {
    SessionCommand::Regenerate {
        user: user(),
        name: name.to_owned(),
        hash: hash(number),
        last_part: format!("{number:06}"),
        by: hash(BY),
        at: AT,
    }
}

fn revoke_personal(name: &str) -> SessionCommand {
    SessionCommand::RevokePersonal {
        user: user(),
        name: name.to_owned(),
        at: AT,
    }
}

fn end_others(except: usize) -> SessionCommand {
    SessionCommand::EndOthers {
        user: user(),
        except: hash(except),
        at: AT,
    }
}

#[test]
fn a_personal_token_has_a_name_of_its_own() {
    given::<Sessions>([issued(1)])
        .when(issue_personal(2, "bot"), &())
        .then([personal(2, "bot", true).into()]);
    given::<Sessions>([issued(1), personal(2, "bot", true).into()])
        .when(issue_personal(3, "bot"), &())
        .then_refused(SessionRefusal::NameTaken);
    given::<Sessions>([issued(1), personal(2, "bot", true).into(), revoked(2)])
        .when(issue_personal(3, "bot"), &())
        .then([personal(3, "bot", true).into()]);
    given::<Sessions>([issued(1)])
        .when(issue_personal(2, &"x".repeat(limits::NAME + 1)), &())
        .then_refused(SessionRefusal::NameTooLong {
            limit: limits::NAME,
        });
}

#[test]
fn a_regenerated_token_keeps_its_name_and_whether_it_bypasses() {
    given::<Sessions>([issued(1), personal(2, "bot", false).into()])
        .when(regenerate(3, "bot"), &())
        .then([revoked(2), personal(3, "bot", false).into()]);
    given::<Sessions>([issued(1), personal(2, "bot", false).into()])
        .when(regenerate(3, "other"), &())
        .then_refused(SessionRefusal::NoSuchToken);
}

#[test]
fn a_personal_token_is_removed_by_its_name() {
    given::<Sessions>([personal(2, "bot", true).into()])
        .when(revoke_personal("bot"), &())
        .then([revoked(2)]);
    given::<Sessions>([])
        .when(revoke_personal("bot"), &())
        .then_refused(SessionRefusal::NoSuchToken);
    given::<Sessions>([personal(2, "bot", true).into()])
        .when(revoke(2), &())
        .then([revoked(2)]);
}

#[test]
fn personal_tokens_do_not_count_and_stay_when_other_sessions_end() {
    let full = (0..MAX_SESSIONS - 1).map(issued);
    given::<Sessions>(full.chain([personal(90, "bot", true).into()]))
        .when(issue(99), &())
        .then([issued(99)]);
    let ended: SessionEvent = OtherSessionsEnded {
        user: user(),
        except: hash(1),
        at: AT,
    }
    .into();
    given::<Sessions>([issued(1), issued(2), personal(3, "bot", true).into()])
        .when(end_others(1), &())
        .then([ended.clone()]);
    given::<Sessions>([issued(1), issued(2), personal(3, "bot", true).into(), ended])
        .when(revoke(3), &())
        .then([revoked(3)]);
    given::<Sessions>([issued(1), personal(3, "bot", true).into()])
        .when(end_others(1), &())
        .then_nothing();
    given::<Sessions>([issued(1), personal(3, "bot", true).into()])
        .when(revoke_all(Some(1)), &())
        .then([all_revoked(Some(1))]);
}

#[test]
fn a_second_factor_is_remembered_of_valid_tokens_only() {
    let passed = SecondFactorPassed {
        user: user(),
        hash: hash(1),
        client: "here".to_owned(),
        at: AT,
    };
    given::<Sessions>([issued(1)])
        .when(SessionCommand::Remember(passed.clone()), &())
        .then([passed.clone().into()]);
    given::<Sessions>([issued(1), revoked(1)])
        .when(SessionCommand::Remember(passed), &())
        .then_nothing();
}

fn let_in(number: usize) -> SessionCommand {
    SessionCommand::LetIn {
        program: program(number),
        by: hash(BY),
    }
}

fn program(number: usize) -> ProgramLetIn {
    ProgramLetIn {
        user: user(),
        grant: hash(number),
        at: AT,
    }
}

#[test]
fn nothing_is_handed_out_on_a_credential_that_has_ended() {
    let continued = SessionCommand::Issue {
        user: user(),
        hash: hash(9),
        granted: true,
        by: Some(hash(BY)),
        most: MAX_SESSIONS,
        at: AT,
    };
    for command in [
        continued,
        issue_personal(9, "bot"),
        regenerate(9, "bot"),
        let_in(9),
    ] {
        given::<Sessions>([issued(1), personal(2, "bot", false).into(), revoked(1)])
            .when(command, &())
            .then_refused(SessionRefusal::Ended);
    }
}

#[test]
fn programs_are_shut_out_with_all_tokens_and_stay_when_other_sessions_end() {
    let there = || [issued(1), issued(2), program(3).into()];
    given::<Sessions>([issued(1)])
        .when(let_in(3), &())
        .then([program(3).into()]);
    given::<Sessions>(there())
        .when(revoke(3), &())
        .then([revoked(3)]);
    given::<Sessions>([issued(1), program(3).into()])
        .when(revoke_all(Some(1)), &())
        .then([all_revoked(Some(1))]);
    given::<Sessions>([issued(1), program(3).into()])
        .when(end_others(1), &())
        .then_nothing();
    let after = |event| Sessions::fold(there().iter().chain([&event]));
    assert!(!after(all_revoked(Some(1))).is_valid(&hash(3)));
    assert!(after(all_revoked(Some(3))).is_valid(&hash(3)));
    let many = (10..10 + MAX_PROGRAMS).map(|number| program(number).into());
    given::<Sessions>([issued(1)].into_iter().chain(many))
        .when(let_in(3), &())
        .then([revoked(10), program(3).into()]);
}

proptest! {
    #[test]
    fn there_are_never_too_many_and_replaying_gives_the_same(
        steps in proptest::collection::vec((0..8, 0..80_usize), 0..150),
    ) {
        let (mut state, mut log) = (Sessions::default(), Vec::new());
        for (kind, number) in steps {
            let name = format!("name{}", number % 5);
            let command = match kind {
                0 => issue(number),
                1 => revoke(number),
                2 => issue_personal(number + 100, &name),
                3 => regenerate(number + 200, &name),
                4 => revoke_personal(&name),
                5 => end_others(number),
                6 => let_in(number + 300),
                _ if number < 3 => revoke_all(Some(number)),
                _ => issue(number),
            };
            let events = Sessions::decide(&state, command, &()).unwrap_or_default();
            state = events.iter().fold(state, Sessions::evolve);
            log.extend(events);
            prop_assert!(state.tokens.len() <= MAX_SESSIONS);
            let mut names: Vec<&str> = state.personal.iter().map(|token| token.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            prop_assert_eq!(names.len(), state.personal.len(), "names are unique");
        }
        prop_assert_eq!(Sessions::fold(&log), state);
    }
}
