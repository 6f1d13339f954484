//! What members choose for themselves.

use super::*;
use crate::{Timestamp, limits};

fn you() -> UserId {
    UserId::new("you")
}

fn notify(choices: &[NotificationChoice]) -> MembershipCommand {
    MembershipCommand::Notify {
        choices: choices.to_vec(),
        at: AT,
    }
}

fn notified(choices: &[NotificationChoice]) -> MembershipEvent {
    NotificationsChanged {
        room: room(),
        user: me(),
        choices: choices.to_vec(),
        at: AT,
    }
    .into()
}

fn after(event: MembershipEvent) -> Given<Membership> {
    given::<Membership>([joined(Joining::Joined, &[]), event])
}

fn write(thread: Option<&str>, draft: &str) -> MembershipCommand {
    MembershipCommand::Draft {
        thread: thread.map(MessageId::new),
        draft: draft.to_owned(),
        at: AT,
    }
}

fn written(thread: Option<&str>, draft: &str) -> MembershipEvent {
    DraftChanged {
        room: room(),
        user: me(),
        thread: thread.map(MessageId::new),
        draft: draft.to_owned(),
        at: AT,
    }
    .into()
}

#[test]
fn only_what_is_new_among_the_choices_is_recorded() {
    let (stage, me) = (Stage::default(), me());
    let context = stage.about(&me);
    let all = NotificationChoice::Desktop(ToldOf::All);
    let none = NotificationChoice::Desktop(ToldOf::Nothing);
    let silent = NotificationChoice::Disabled(true);
    member()
        .when(notify(&[all.clone(), silent.clone()]), &context)
        .then([notified(&[all.clone(), silent.clone()])]);
    let chosen = || after(notified(std::slice::from_ref(&all)));
    chosen()
        .when(notify(std::slice::from_ref(&all)), &context)
        .then_nothing();
    chosen()
        .when(notify(&[all.clone(), silent.clone()]), &context)
        .then([notified(&[silent])]);
    chosen()
        .when(notify(std::slice::from_ref(&none)), &context)
        .then([notified(std::slice::from_ref(&none))]);
    let long = NotificationChoice::Sound(Some("x".repeat(limits::ID + 1)));
    member()
        .when(notify(&[long]), &context)
        .then_refused(MembershipRefusal::TooLong { limit: limits::ID });
}

#[test]
fn people_are_ignored_once() {
    let (stage, me) = (Stage::default(), me());
    let context = stage.about(&me);
    let ignore = |ignore| MembershipCommand::Ignore {
        ignored: you(),
        ignore,
        at: AT,
    };
    let ignored = |who: &str| UserIgnored {
        room: room(),
        user: me.clone(),
        ignored: UserId::new(who),
        at: AT,
    };
    let unignored = UserUnignored {
        room: room(),
        user: me.clone(),
        ignored: you(),
        at: AT,
    };
    member()
        .when(ignore(true), &context)
        .then([ignored("you").into()]);
    member().when(ignore(false), &context).then_nothing();
    after(ignored("you").into())
        .when(ignore(true), &context)
        .then_nothing();
    after(ignored("you").into())
        .when(ignore(false), &context)
        .then([unignored.into()]);
    let crowd = (0..limits::IGNORED).map(|one| ignored(&one.to_string()).into());
    let all = std::iter::once(joined(Joining::Joined, &[])).chain(crowd);
    given::<Membership>(all)
        .when(ignore(true), &context)
        .then_refused(MembershipRefusal::TooMany {
            limit: limits::IGNORED,
        });
}

#[test]
fn drafts_are_kept_one_for_the_room_and_one_for_each_thread() {
    let (stage, me) = (Stage::default(), me());
    let context = stage.about(&me);
    member()
        .when(write(None, "so"), &context)
        .then([written(None, "so")]);
    member().when(write(None, ""), &context).then_nothing();
    let begun = || after(written(None, "so"));
    begun().when(write(None, "so"), &context).then_nothing();
    begun()
        .when(write(Some("m"), "so"), &context)
        .then([written(Some("m"), "so")]);
    begun()
        .when(write(None, ""), &context)
        .then([written(None, "")]);
    member()
        .when(write(None, &"x".repeat(limits::DRAFT + 1)), &context)
        .then_refused(MembershipRefusal::TooLong {
            limit: limits::DRAFT,
        });
    let many = (0..limits::DRAFTS).map(|one| written(Some(&one.to_string()), "so"));
    let all = || std::iter::once(joined(Joining::Joined, &[])).chain(many.clone());
    given::<Membership>(all())
        .when(write(None, "so"), &context)
        .then_refused(MembershipRefusal::TooMany {
            limit: limits::DRAFTS,
        });
    given::<Membership>(all())
        .when(write(Some("0"), "on"), &context)
        .then([written(Some("0"), "on")]);
}

#[test]
fn a_thread_is_read_if_there_is_something_to_read() {
    let (stage, me) = (Stage::default(), me());
    let read = || MembershipCommand::ReadThread {
        thread: MessageId::new("m"),
        at: AT,
    };
    let with = |threads: &[&str]| MembershipView {
        open: true,
        unread: false,
        cursor: None,
        unread_threads: threads.iter().map(MessageId::new).collect(),
    };
    let (unread, other) = (with(&["m", "n"]), with(&["n"]));
    let context = MembershipContext {
        view: Some(&unread),
        newest: Some(Timestamp::from_millis(3)),
        ..stage.about(&me)
    };
    member().when(read(), &context).then([ThreadRead {
        room: room(),
        user: me.clone(),
        thread: MessageId::new("m"),
        cursor: Some(Timestamp::from_millis(3)),
        at: AT,
    }
    .into()]);
    let nothing = MembershipContext {
        view: Some(&other),
        ..stage.about(&me)
    };
    member().when(read(), &nothing).then_nothing();
}

#[test]
fn only_a_direct_message_between_two_is_blocked() {
    let between = |who: &[&str]| {
        Stage::default()
            .in_a(RoomKind::Direct)
            .room(|room| room.participants = who.iter().copied().map(UserId::new).collect())
    };
    let me = me();
    let block = |block| MembershipCommand::Block { block, at: AT };
    let blocked = || DirectMessageBlocked {
        room: room(),
        user: UserId::new("me"),
        other: you(),
        at: AT,
    };
    let unblocked = DirectMessageUnblocked {
        room: room(),
        user: UserId::new("me"),
        other: you(),
        at: AT,
    };
    let two = between(&["me", "you"]);
    let context = two.about(&me);
    member()
        .when(block(true), &context)
        .then([blocked().into()]);
    member().when(block(false), &context).then_nothing();
    after(blocked().into())
        .when(block(true), &context)
        .then_nothing();
    after(blocked().into())
        .when(block(false), &context)
        .then([unblocked.into()]);
    for stage in [
        Stage::default(),
        between(&["me"]),
        between(&["me", "you", "they"]),
    ] {
        member()
            .when(block(true), &stage.about(&me))
            .then_refused(MembershipRefusal::NotBetweenTwo);
    }
}

#[test]
fn places_are_ones_own() {
    let me = me();
    let commands = [
        notify(&[NotificationChoice::Disabled(true)]),
        write(None, "so"),
        MembershipCommand::Ignore {
            ignored: you(),
            ignore: true,
            at: AT,
        },
        MembershipCommand::ReadThread {
            thread: MessageId::new("m"),
            at: AT,
        },
        MembershipCommand::Block {
            block: true,
            at: AT,
        },
    ];
    for command in commands {
        outside()
            .when(command.clone(), &Stage::default().about(&me))
            .then_refused(MembershipRefusal::NotAMember);
        member()
            .when(command, &Stage::default().by("you").about(&me))
            .then_refused(MembershipRefusal::NotYourOwn);
    }
}

#[test]
fn a_direct_message_made_again_is_joined_again() {
    let (stage, me) = (Stage::default().in_a(RoomKind::Direct), me());
    let found = |joining| MembershipCommand::Found {
        joining,
        roles: vec![],
        at: AT,
    };
    for joining in [
        Joining::DirectCreator,
        Joining::DirectOther,
        Joining::DirectIntroduced,
    ] {
        member()
            .when(found(joining.clone()), &stage.about(&me))
            .then([joined(joining, &[])]);
    }
}
