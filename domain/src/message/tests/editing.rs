//! Editing.

use super::*;

#[test]
fn authors_edit() {
    mine()
        .when(edit("bye"), &Stage::default().message())
        .then([edited(content("bye"))]);
}

#[test]
fn saying_the_same_is_no_edit() {
    mine()
        .when(edit("hello"), &Stage::default().message())
        .then_nothing();
}

#[test]
fn others_edit_with_a_right() {
    let stage = Stage::default();
    theirs()
        .when(edit("bye"), &stage.message())
        .then_refused(MessageRefusal::EditNotAllowed);
    let moderator = stage.with_room_roles(&["moderator"]);
    theirs()
        .when(edit("bye"), &moderator.message())
        .then([edited(content("bye"))]);
}

#[test]
fn editing_can_be_switched_off() {
    let stage = Stage::default().setting("Message_AllowEditing", false);
    mine()
        .when(edit("bye"), &stage.message())
        .then_refused(MessageRefusal::EditNotAllowed);
}

#[test]
fn editing_ends_after_some_minutes_for_everybody() {
    let stage = Stage::default()
        .setting("Message_AllowEditing_BlockEditInMinutes", 2)
        .with_room_roles(&["owner"]);
    let edit = |millis| MessageCommand::Edit {
        message: id(),
        content: content("bye"),
        presentation: None,
        at: at(millis),
    };
    mine()
        .when(edit(120_000), &stage.message())
        .then_refused(MessageRefusal::EditBlocked);
    let edited = MessageEdited {
        message: id(),
        room: RoomId::new("room"),
        editor: UserId::new("me"),
        at: at(119_999),
        content: content("bye"),
        presentation: None,
    };
    mine()
        .when(edit(119_999), &stage.message())
        .then([edited.into()]);
}

#[test]
fn who_may_not_write_may_not_edit() {
    let stage = Stage::default().room(|room| room.muted.push("me".to_owned()));
    mine()
        .when(edit("bye"), &stage.message())
        .then_refused(MessageRefusal::Muted);
}

#[test]
fn the_text_of_a_file_is_its_description() {
    let file = |text: &str| Content {
        attachments: Some(vec![json!({"title": "a.png", "description": text})]),
        ..content("")
    };
    let stage = Stage::default();
    let with_file = || given::<Message>([posted_by("me", file("old")).into()]);
    with_file()
        .when(edit("new"), &stage.message())
        .then([edited(file("new"))]);
    with_file()
        .when(edit("old"), &stage.message())
        .then_nothing();
}

#[test]
fn an_edit_keeps_attachments_unless_it_brings_its_own() {
    let quoted = Content {
        attachments: Some(vec![json!({"text": "q"})]),
        ..content("hello")
    };
    let state = Message::fold(&[
        posted_by("me", quoted.clone()).into(),
        edited(content("bye")),
    ]);
    let Message::Posted(posted) = state else {
        panic!("it is there")
    };
    assert_eq!(
        posted.content,
        Content {
            text: "bye".to_owned(),
            ..quoted
        }
    );
}

#[test]
fn only_what_is_there_can_be_edited() {
    let stage = Stage::default();
    nothing()
        .when(edit("bye"), &stage.message())
        .then_refused(MessageRefusal::NotFound);
    gone()
        .when(edit("bye"), &stage.message())
        .then_refused(MessageRefusal::NotFound);
    nothing()
        .when(edit("bye"), &stage.system_message())
        .then_refused(MessageRefusal::EditNotAllowed);
    let elsewhere = stage.room(|room| room.id = RoomId::new("elsewhere"));
    mine()
        .when(edit("bye"), &elsewhere.message())
        .then_refused(MessageRefusal::OtherRoom);
}
