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
        revision: saying("bye"),
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
        hidden: None,
        custom_fields: None,
    };
    mine()
        .when(edit(119_999), &stage.message())
        .then([edited.into()]);
}

#[test]
fn a_right_goes_beyond_the_minutes() {
    let stage = Stage::default()
        .setting("Message_AllowEditing_BlockEditInMinutes", 2)
        .with_roles(&["bot"]);
    let edit = MessageCommand::Edit {
        message: id(),
        revision: saying("bye"),
        at: at(1_000_000),
    };
    let edited = MessageEdited {
        message: id(),
        room: RoomId::new("room"),
        editor: UserId::new("me"),
        at: at(1_000_000),
        content: content("bye"),
        hidden: None,
        custom_fields: None,
    };
    mine().when(edit, &stage.message()).then([edited.into()]);
}

#[test]
fn who_may_not_write_may_not_edit() {
    let stage = Stage::default().room(|room| room.muted.push(UserId::new("me")));
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
fn what_the_text_leads_to_is_quoted_anew() {
    const OLD: &str = "https://here/x?msg=1";
    const NEW: &str = "https://here/x?msg=2";
    let quote = |link: &str| json!({"text": "said", "message_link": link});
    let own = json!({"title": "own"});
    let saying = |text: &str, quoted: &[&str], attachments: Option<Vec<Value>>| Content {
        quoted: quoted.iter().map(|url| (*url).to_owned()).collect(),
        attachments,
        ..content(text)
    };
    let before = saying("old", &[OLD], Some(vec![quote(OLD), own.clone()]));
    for (wanted, attachments) in [
        (
            saying("new", &[NEW], Some(vec![quote(NEW)])),
            Some(vec![own.clone(), quote(NEW)]),
        ),
        (
            saying("again", &[OLD], Some(vec![quote(OLD)])),
            Some(vec![own.clone(), quote(OLD)]),
        ),
        (content("none"), Some(vec![own.clone()])),
    ] {
        let edit = revise(Revision {
            content: wanted.clone(),
            ..Revision::default()
        });
        let after = Content {
            attachments,
            ..wanted
        };
        given::<Message>([posted_by("me", before.clone()).into()])
            .when(edit, &Stage::default().message())
            .then([edited(after)]);
    }
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

/// A message that hides something, and that.
fn hiding() -> (MessageEvent, Hidden) {
    let old = Hidden {
        content: json!({ "ciphertext": "old" }),
        mentions: Some(json!({ "e2eUserMentions": ["@you"] })),
    };
    let posted = MessagePosted {
        presentation: Some(Box::new(Presentation {
            encrypted: Some("e2e".to_owned()),
            encrypted_content: Some(old.content.clone()),
            encrypted_mentions: old.mentions.clone(),
            ..Presentation::default()
        })),
        ..posted("")
    };
    (posted.into(), old)
}

fn revise(revision: Revision) -> MessageCommand {
    MessageCommand::Edit {
        message: id(),
        revision,
        at: at(1),
    }
}

/// The event of an edit.
fn revised(content: Content, hidden: Option<Hidden>, fields: Option<Value>) -> MessageEvent {
    MessageEdited {
        message: id(),
        room: RoomId::new("room"),
        editor: UserId::new("me"),
        at: at(1),
        content,
        hidden: hidden.map(Box::new),
        custom_fields: fields,
    }
    .into()
}

#[test]
fn only_what_was_posted_as_encrypted_hides_what_it_says() {
    let stage = Stage::default();
    let hide = || {
        revise(Revision {
            hidden: Some(Box::new(hidden())),
            ..saying("dropped")
        })
    };
    mine()
        .when(hide(), &stage.message())
        .then_refused(MessageRefusal::NotEncrypted);
    // As a whole: those it called before, it does not call any more.
    given::<Message>([hiding().0])
        .when(hide(), &stage.message())
        .then([revised(Content::default(), Some(hidden()), None)]);
    given::<Message>([hiding().0])
        .when(edit("in the open"), &stage.message())
        .then([revised(content("in the open"), None, None)]);
}

#[test]
fn hiding_the_same_is_no_edit() {
    let stage = Stage::default();
    let hide = |what: Hidden| {
        revise(Revision {
            hidden: Some(Box::new(what)),
            ..Revision::default()
        })
    };
    let (message, old) = hiding();
    given::<Message>([message.clone()])
        .when(hide(old.clone()), &stage.message())
        .then_nothing();
    let hid = revised(Content::default(), Some(hidden()), None);
    given::<Message>([message.clone(), hid])
        .when(hide(hidden()), &stage.message())
        .then_nothing();
    // What was said in the open is removed.
    let spoke = revised(content("in the open"), None, None);
    given::<Message>([message, spoke])
        .when(hide(old.clone()), &stage.message())
        .then([revised(Content::default(), Some(old), None)]);
}

#[test]
fn an_encrypted_text_is_not_looked_into() {
    let found = Content {
        mentions: vec![Mention::All],
        urls: Some(vec!["https://example.org".to_owned()]),
        ..content("@all https://example.org")
    };
    let edit = revise(Revision {
        content: found.clone(),
        ..Revision::default()
    });
    given::<Message>([hiding().0])
        .when(edit, &Stage::default().message())
        .then([revised(content(&found.text), None, None)]);
}

#[test]
fn fields_alone_leave_what_is_said_and_hidden() {
    let stage = Stage::default();
    let fields = json!({ "mood": "good" });
    let describe = |text: &str| {
        revise(Revision {
            custom_fields: Some(fields.clone()),
            ..saying(text)
        })
    };
    let (message, old) = hiding();
    given::<Message>([message])
        .when(describe(""), &stage.message())
        .then([revised(Content::default(), Some(old), Some(fields.clone()))]);
    let with_file = Content {
        attachments: Some(vec![json!({ "text": "a file" })]),
        ..content("hi")
    };
    given::<Message>([posted_by("me", with_file).into()])
        .when(describe("hi"), &stage.message())
        .then([revised(content("hi"), None, Some(fields.clone()))]);
    for (fields, refusal) in [
        (
            json!({ "link": "javascript:alert(1)" }),
            MessageRefusal::InvalidLink,
        ),
        (
            json!(["no object"]),
            MessageRefusal::InvalidShape {
                key: "customFields",
            },
        ),
    ] {
        let revision = Revision {
            custom_fields: Some(fields),
            ..saying("hi")
        };
        mine()
            .when(revise(revision), &stage.message())
            .then_refused(refusal);
    }
}

#[test]
fn what_stays_counts_when_a_message_is_weighed() {
    let large = |name: &str| json!({ name: "x".repeat(crate::limits::MESSAGE * 2 / 3) });
    let posted = MessagePosted {
        presentation: Some(Box::new(Presentation {
            bot: Some(large("bot")),
            ..Presentation::default()
        })),
        ..posted("hi")
    };
    let edit = revise(Revision {
        custom_fields: Some(large("fields")),
        ..saying("hi")
    });
    given::<Message>([posted.into()])
        .when(edit, &Stage::default().message())
        .then_refused(MessageRefusal::TooLarge);
}
