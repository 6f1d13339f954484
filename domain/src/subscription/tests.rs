use super::*;
use crate::testing::given;

const AT: Timestamp = Timestamp::from_millis(1);

fn name() -> SubscriptionName {
    SubscriptionName::parse("counts").unwrap()
}

fn subject(room: &str) -> Subject {
    Subject {
        rooms: vec![RoomId::new(room)],
        ..Subject::default()
    }
}

fn ann() -> UserId {
    UserId::new("ann")
}

fn begun() -> SubscriptionEvent {
    SubscriptionBegun {
        subscription: name(),
        owner: ann(),
        subject: subject("r"),
        after: UpTo::new(10),
        private_rooms: false,
        at: AT,
    }
    .into()
}

fn shown() -> Shown {
    Shown {
        results: 1,
        ..Shown::default()
    }
}

fn read(acknowledged: u64, upto: u64) -> SubscriptionEvent {
    SubscriptionRead {
        subscription: name(),
        acknowledged: UpTo::new(acknowledged),
        upto: UpTo::new(upto),
        shown: shown(),
        private_rooms: false,
        at: AT,
    }
    .into()
}

fn acknowledged(position: u64) -> SubscriptionEvent {
    SubscriptionAcknowledged {
        subscription: name(),
        acknowledged: UpTo::new(position),
        at: AT,
    }
    .into()
}

fn ended() -> SubscriptionEvent {
    SubscriptionEnded {
        subscription: name(),
        by: RecordReader::User(ann()),
        at: AT,
    }
    .into()
}

fn begin(room: &str, after: u64) -> SubscriptionCommand {
    SubscriptionCommand::Begin {
        name: name(),
        subject: subject(room),
        after: UpTo::new(after),
        private_rooms: false,
        at: AT,
    }
}

fn reading(life: u64, acknowledge: Option<u64>, upto: u64) -> SubscriptionCommand {
    SubscriptionCommand::Read {
        name: name(),
        life,
        acknowledge: acknowledge.map(UpTo::new),
        upto: UpTo::new(upto),
        shown: shown(),
        private_rooms: false,
        at: AT,
    }
}

fn acknowledge(position: u64) -> SubscriptionCommand {
    acknowledge_of(1, position)
}

fn acknowledge_of(life: u64, position: u64) -> SubscriptionCommand {
    SubscriptionCommand::Acknowledge {
        name: name(),
        life,
        position: UpTo::new(position),
        at: AT,
    }
}

fn end() -> SubscriptionCommand {
    SubscriptionCommand::End {
        name: name(),
        by: RecordReader::User(ann()),
        at: AT,
    }
}

/// Somebody, who may end what others began or not.
fn by(actor: &UserId, looks_after_all: bool) -> SubscriptionContext<'_> {
    SubscriptionContext {
        actor,
        looks_after_all,
        subscriptions: 1,
    }
}

#[test]
fn names_fit_into_addresses() {
    for good in [
        "a",
        "7",
        "mail-archive",
        "a.b_c-D",
        &"x".repeat(LONGEST_NAME),
    ] {
        assert!(SubscriptionName::parse(good).is_ok(), "{good:?} is a name");
    }
    for bad in [
        "",
        ".",
        "..",
        "-a",
        "a b",
        "a/b",
        "é",
        "a\n",
        &"x".repeat(LONGEST_NAME + 1),
    ] {
        let refused = SubscriptionName::parse(bad);
        assert_eq!(refused, Err(SubscriptionRefusal::InvalidName), "{bad:?}");
    }
}

#[test]
fn it_begins_once_and_again_after_its_end() {
    let ann = ann();
    let me = by(&ann, false);
    given::<Subscription>([])
        .when(begin("r", 10), &me)
        .then([begun()]);
    given::<Subscription>([begun()])
        .when(begin("r", 10), &me)
        .then_nothing();
    given::<Subscription>([begun(), read(10, 20)])
        .when(begin("r", 10), &me)
        .then_nothing();
    given::<Subscription>([begun(), ended()])
        .when(begin("r", 10), &me)
        .then([begun()]);
}

#[test]
fn another_question_under_the_same_name_is_refused() {
    let (ann, bob) = (ann(), UserId::new("bob"));
    let other = |room: &str, after: u64| SubscriptionRefusal::OtherQuestion {
        kept: Box::new(subject("r")),
        after: UpTo::new(10),
        asked: Box::new(subject(room)),
        asked_after: UpTo::new(after),
    };
    for (command, actor, refusal) in [
        (begin("s", 10), &ann, other("s", 10)),
        (begin("r", 11), &ann, other("r", 11)),
        (begin("r", 10), &bob, SubscriptionRefusal::NotOwner),
    ] {
        given::<Subscription>([begun()])
            .when(command, &by(actor, false))
            .then_refused(refusal);
    }
}

#[test]
fn a_subject_is_told_as_it_is_asked() {
    let full = Subject {
        rooms: vec![RoomId::new("r"), RoomId::new("s")],
        users: vec![ann()],
        text: Some("two words".to_owned()),
        ..Subject::default()
    };
    assert_eq!(full.to_string(), "room=r,s user=ann text=\"two words\"");
    assert_eq!(Subject::default().to_string(), "everything");
}

#[test]
fn there_are_only_so_many() {
    let ann = ann();
    let full = SubscriptionContext {
        subscriptions: MOST_SUBSCRIPTIONS,
        ..by(&ann, true)
    };
    given::<Subscription>([])
        .when(begin("r", 10), &full)
        .then_refused(SubscriptionRefusal::TooMany);
    given::<Subscription>([begun()])
        .when(begin("r", 10), &full)
        .then_nothing();
}

#[test]
fn the_text_that_is_looked_for_is_bounded() {
    let ann = ann();
    let looking_for = |length: usize| SubscriptionCommand::Begin {
        name: name(),
        subject: Subject {
            text: Some("é".repeat(length)),
            ..Subject::default()
        },
        after: UpTo::new(0),
        private_rooms: false,
        at: AT,
    };
    let longest = Subscription::decide(
        &Subscription::default(),
        looking_for(LONGEST_TEXT),
        &by(&ann, false),
    );
    assert_eq!(longest.map(|events| events.len()), Ok(1));
    given::<Subscription>([])
        .when(looking_for(LONGEST_TEXT + 1), &by(&ann, false))
        .then_refused(SubscriptionRefusal::LongText);
}

#[test]
fn reading_acknowledges_and_hands_out_at_once() {
    let ann = ann();
    let me = by(&ann, false);
    given::<Subscription>([begun()])
        .when(reading(1, None, 20), &me)
        .then([read(10, 20)]);
    given::<Subscription>([begun(), read(10, 20)])
        .when(reading(1, Some(20), 30), &me)
        .then([read(20, 30)]);
    // Nothing was acknowledged, so the same is handed out again.
    given::<Subscription>([begun(), read(10, 20)])
        .when(reading(1, None, 20), &me)
        .then([read(10, 20)]);
    // Another consumer acknowledged meanwhile: the checkpoint is never moved back.
    given::<Subscription>([begun(), read(10, 20), acknowledged(20)])
        .when(reading(1, None, 15), &me)
        .then([read(20, 15)]);
}

#[test]
fn only_what_was_handed_out_is_acknowledged_and_only_forwards() {
    let ann = ann();
    let me = by(&ann, false);
    let before = || [begun(), read(10, 20), acknowledged(15), read(15, 18)];
    for (position, refusal) in [
        (
            14,
            SubscriptionRefusal::Backwards {
                position: UpTo::new(14),
                checkpoint: UpTo::new(15),
            },
        ),
        (
            21,
            SubscriptionRefusal::NotHandedOut {
                position: UpTo::new(21),
                handed_out: UpTo::new(20),
            },
        ),
    ] {
        given::<Subscription>(before())
            .when(acknowledge(position), &me)
            .then_refused(refusal.clone());
        given::<Subscription>(before())
            .when(reading(1, Some(position), 30), &me)
            .then_refused(refusal);
    }
    given::<Subscription>(before())
        .when(acknowledge(15), &me)
        .then_nothing();
    given::<Subscription>(before())
        .when(acknowledge(17), &me)
        .then([acknowledged(17)]);
    given::<Subscription>(before())
        .when(acknowledge(20), &me)
        .then([acknowledged(20)]);
}

#[test]
fn only_the_owner_reads_and_acknowledges() {
    let root = UserId::new("root");
    for command in [reading(1, None, 20), acknowledge(10)] {
        given::<Subscription>([begun()])
            .when(command, &by(&root, true))
            .then_refused(SubscriptionRefusal::NotOwner);
    }
}

#[test]
fn the_owner_ends_it_and_whoever_looks_after_all() {
    let (ann, bob) = (ann(), UserId::new("bob"));
    for (actor, looks_after_all) in [(&ann, false), (&bob, true)] {
        given::<Subscription>([begun()])
            .when(end(), &by(actor, looks_after_all))
            .then([ended()]);
    }
    given::<Subscription>([begun()])
        .when(end(), &by(&bob, false))
        .then_refused(SubscriptionRefusal::NotOwner);
}

#[test]
fn what_ended_is_not_there() {
    let ann = ann();
    for command in [reading(1, None, 20), acknowledge(10), end()] {
        given::<Subscription>([begun(), read(10, 20), ended()])
            .when(command, &by(&ann, true))
            .then_refused(SubscriptionRefusal::NotFound);
    }
}

#[test]
fn a_later_subscription_of_the_same_name_gets_nothing_of_the_former() {
    let ann = ann();
    let me = by(&ann, false);
    let again = || [begun(), read(10, 20), ended(), begun()];
    // The position was handed out again, by the later one.
    let caught_up = || again().into_iter().chain([read(10, 20)]);
    for command in [
        reading(1, None, 20),
        reading(1, Some(20), 30),
        acknowledge(20),
    ] {
        given::<Subscription>(caught_up())
            .when(command, &me)
            .then_refused(SubscriptionRefusal::OtherHistory);
    }
    given::<Subscription>(caught_up())
        .when(acknowledge_of(2, 20), &me)
        .then([acknowledged(20)]);
    given::<Subscription>(again())
        .when(reading(2, None, 20), &me)
        .then([read(10, 20)]);
}
