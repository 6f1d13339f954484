use super::*;
use crate::testing::{Stage, given};

const START: Timestamp = Timestamp::from_millis(0);
const LATER: Timestamp = Timestamp::from_millis(PERIOD);

fn me() -> UserId {
    UserId::new("me")
}

fn room() -> RoomId {
    RoomId::new("room")
}

fn wish(export: &str, at: Timestamp) -> RoomExportRequested {
    RoomExportRequested {
        user: me(),
        export: export.to_owned(),
        room: room(),
        format: ExportFormat::Html,
        from: None,
        until: None,
        at,
    }
}

fn completed(export: &str) -> RoomExportCompleted {
    RoomExportCompleted {
        user: me(),
        export: export.to_owned(),
        room: room(),
        messages: 1,
        size: 1,
        sha256: "00".to_owned(),
        at: START,
    }
}

fn failed(export: &str) -> RoomExportFailed {
    RoomExportFailed {
        user: me(),
        export: export.to_owned(),
        room: room(),
        at: START,
    }
}

fn mail(messages: usize, recipients: usize, addresses: usize) -> MessagesMailRequested {
    MessagesMailRequested {
        user: me(),
        room: room(),
        messages: vec![MessageId::new("message"); messages],
        recipients: vec![UserId::new("you"); recipients],
        addresses: vec!["you@example.org".to_owned(); addresses],
        subject: None,
        at: START,
    }
}

fn as_admin(stage: &Stage, can_read: bool) -> RoomExportContext<'_> {
    RoomExportContext::User {
        authority: stage.authority(),
        can_read,
    }
}

fn admin() -> Stage {
    Stage::default().with_roles(&["admin"])
}

#[test]
fn who_may_mail_messages_and_read_the_room_takes_something_out() {
    let (admin, owner) = (admin(), Stage::default().with_room_roles(&["owner"]));
    let request = || RoomExportCommand::Request(wish("a", START));
    let mailed = || RoomExportCommand::Mail(mail(1, 1, 0));
    given::<RoomExports>([])
        .when(request(), &as_admin(&admin, true))
        .then([wish("a", START).into()]);
    given::<RoomExports>([])
        .when(mailed(), &as_admin(&admin, true))
        .then([mail(1, 1, 0).into()]);
    for command in [request(), mailed()] {
        given::<RoomExports>([])
            .when(command.clone(), &as_admin(&owner, true))
            .then_refused(RoomExportRefusal::NotAllowed);
        given::<RoomExports>([])
            .when(command, &as_admin(&admin, false))
            .then_refused(RoomExportRefusal::NotReadable);
    }
}

#[test]
fn files_are_counted_over_a_day() {
    let stage = admin();
    let many = || (0..MOST_FILES).map(|one| RoomExportEvent::from(wish(&one.to_string(), START)));
    let request = |at| RoomExportCommand::Request(wish("next", at));
    given::<RoomExports>(many())
        .when(request(START), &as_admin(&stage, true))
        .then_refused(RoomExportRefusal::TooMany);
    given::<RoomExports>(many())
        .when(request(LATER), &as_admin(&stage, true))
        .then([wish("next", LATER).into()]);
    // Those that failed do not count.
    given::<RoomExports>(many().chain([failed("0").into()]))
        .when(request(START), &as_admin(&stage, true))
        .then([wish("next", START).into()]);
}

#[test]
fn a_file_is_settled_once() {
    let system = RoomExportContext::System;
    let asked = || RoomExportEvent::from(wish("a", START));
    given::<RoomExports>([asked(), wish("b", LATER).into()])
        .when(RoomExportCommand::Complete(completed("a")), &system)
        .then([completed("a").into()]);
    given::<RoomExports>([asked(), completed("a").into()])
        .when(RoomExportCommand::Fail(failed("a")), &system)
        .then_nothing();
    given::<RoomExports>([asked(), failed("a").into()])
        .when(RoomExportCommand::Complete(completed("a")), &system)
        .then_nothing();
}

#[test]
fn a_mail_has_some_messages_and_some_recipients_and_not_too_many() {
    let stage = admin();
    let invalid_messages = RoomExportRefusal::InvalidMessages;
    let invalid_recipients = RoomExportRefusal::InvalidRecipients;
    for (messages, recipients, addresses, refusal) in [
        (0, 1, 0, invalid_messages),
        (MOST_MESSAGES + 1, 1, 0, invalid_messages),
        (1, 0, 0, invalid_recipients),
        (1, MOST_RECIPIENTS, 1, invalid_recipients),
    ] {
        let command = RoomExportCommand::Mail(mail(messages, recipients, addresses));
        given::<RoomExports>([])
            .when(command, &as_admin(&stage, true))
            .then_refused(refusal);
    }
}
