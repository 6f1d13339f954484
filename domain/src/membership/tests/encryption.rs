//! Keys of rooms, and translations.

use super::*;

fn give(key: &str) -> MembershipCommand {
    MembershipCommand::GiveKey {
        key: key.to_owned(),
        at: AT,
    }
}

fn suggested() -> MembershipEvent {
    RoomKeySuggested {
        room: room(),
        user: me(),
        key: "k".to_owned(),
        by: UserId::new("you"),
        at: AT,
    }
    .into()
}

fn with_suggestion() -> Given<Membership> {
    given::<Membership>([joined(Joining::Joined, &[]), suggested()])
}

fn translate(enabled: Option<bool>, language: Option<&str>) -> MembershipCommand {
    MembershipCommand::Translate {
        enabled,
        language: language.map(str::to_owned),
        at: AT,
    }
}

#[test]
fn ones_own_key_is_kept_and_others_are_offered_theirs() {
    let (stage, me) = (Stage::default(), me());
    let received = RoomKeyReceived {
        room: room(),
        user: me.clone(),
        key: "k".to_owned(),
        at: AT,
    };
    member()
        .when(give("k"), &stage.about(&me))
        .then([received.into()]);
    let other = Stage::default().by("you");
    member()
        .when(give("k"), &other.about(&me))
        .then([suggested()]);
}

#[test]
fn keys_are_between_members() {
    let (stage, me) = (Stage::default(), me());
    outside()
        .when(give("k"), &stage.about(&me))
        .then_refused(MembershipRefusal::NotAMember);
    let stranger = Stage::default().by("you").outside();
    member()
        .when(give("k"), &stranger.about(&me))
        .then_refused(MembershipRefusal::NotAMember);
}

#[test]
fn an_offer_is_taken_or_turned_down_by_whom_it_is_for() {
    let (stage, me) = (Stage::default(), me());
    let (accept, reject) = (
        MembershipCommand::AcceptKey { at: AT },
        MembershipCommand::RejectKey { at: AT },
    );
    let (room, user, at) = (room(), me.clone(), AT);
    let accepted = SuggestedKeyAccepted {
        room: room.clone(),
        user: user.clone(),
        at,
    };
    let rejected = SuggestedKeyRejected { room, user, at };
    with_suggestion()
        .when(accept.clone(), &stage.about(&me))
        .then([accepted.clone().into()]);
    with_suggestion()
        .when(reject.clone(), &stage.about(&me))
        .then([rejected.into()]);
    for command in [accept.clone(), reject] {
        member()
            .when(command.clone(), &stage.about(&me))
            .then_refused(MembershipRefusal::NoSuggestedKey);
        let other = Stage::default().by("you");
        with_suggestion()
            .when(command, &other.about(&me))
            .then_refused(MembershipRefusal::NotYourOwn);
    }
    given::<Membership>([joined(Joining::Joined, &[]), suggested(), accepted.into()])
        .when(accept, &stage.about(&me))
        .then_refused(MembershipRefusal::NoSuggestedKey);
}

#[test]
fn members_choose_what_is_translated() {
    let (stage, me) = (Stage::default(), me());
    let changed = |enabled, language: Option<&str>| AutoTranslateChanged {
        room: room(),
        user: self::me(),
        enabled,
        language: language.map(str::to_owned),
        at: AT,
    };
    member()
        .when(translate(Some(true), Some("de")), &stage.about(&me))
        .then([changed(Some(true), Some("de")).into()]);
    let on = [
        joined(Joining::Joined, &[]),
        changed(Some(true), Some("de")).into(),
    ];
    given::<Membership>(on.clone())
        .when(translate(None, Some("de")), &stage.about(&me))
        .then_nothing();
    given::<Membership>(on)
        .when(translate(Some(false), None), &stage.about(&me))
        .then([changed(Some(false), None).into()]);
    outside()
        .when(translate(Some(true), None), &stage.about(&me))
        .then_refused(MembershipRefusal::NotAMember);
    let other = Stage::default().by("you");
    member()
        .when(translate(Some(true), None), &other.about(&me))
        .then_refused(MembershipRefusal::NotYourOwn);
}
