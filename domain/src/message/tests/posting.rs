//! Posting.

use super::*;

#[test]
fn a_member_posts() {
    nothing()
        .when(post(posted("hello")), &Stage::default().message())
        .then([posted("hello").into()]);
}

#[test]
fn author_and_room_are_those_of_the_context() {
    let forged = MessagePosted {
        room: RoomId::new("elsewhere"),
        ..posted_by("them", content("hello"))
    };
    nothing()
        .when(post(forged), &Stage::default().message())
        .then([posted("hello").into()]);
}

#[test]
fn posting_again_says_so() {
    let stage = Stage::default();
    mine()
        .when(post(posted("hello")), &stage.message())
        .then_refused(MessageRefusal::AlreadyPosted);
    let muted = stage.room(|room| room.muted.push(UserId::new("me")));
    mine()
        .when(post(posted("hello")), &muted.message())
        .then_refused(MessageRefusal::AlreadyPosted);
}

#[test]
fn an_id_is_used_once() {
    let stage = Stage::default();
    theirs()
        .when(post(posted("hello")), &stage.message())
        .then_refused(MessageRefusal::IdTaken);
    gone()
        .when(post(posted("hello")), &stage.message())
        .then_refused(MessageRefusal::IdTaken);
    nothing()
        .when(post(posted("hello")), &stage.system_message())
        .then_refused(MessageRefusal::IdTaken);
    let elsewhere = stage.room(|room| room.id = RoomId::new("elsewhere"));
    mine()
        .when(post(posted("hello")), &elsewhere.message())
        .then_refused(MessageRefusal::IdTaken);
}

#[test]
fn channels_are_open_and_other_rooms_for_members() {
    let stranger = Stage::default().outside();
    nothing()
        .when(post(posted("hello")), &stranger.message())
        .then([posted("hello").into()]);
    for kind in [RoomKind::Group, RoomKind::Direct] {
        let stage = stranger.clone().in_a(kind);
        nothing()
            .when(post(posted("hello")), &stage.message())
            .then_refused(MessageRefusal::NoAccess);
    }
}

#[test]
fn a_blocked_direct_message_takes_nothing() {
    let mut stage = Stage::default().in_a(RoomKind::Direct);
    stage.membership = Some(crate::membership::MembershipFacts {
        roles: vec![],
        blocked: true,
    });
    nothing()
        .when(post(posted("hello")), &stage.message())
        .then_refused(MessageRefusal::Blocked);
}

#[test]
fn a_read_only_room_is_for_some() {
    let stage = Stage::default().room(|room| room.read_only = true);
    nothing()
        .when(post(posted("hello")), &stage.message())
        .then_refused(MessageRefusal::ReadOnly);
    let owner = stage.clone().with_room_roles(&["owner"]);
    nothing()
        .when(post(posted("hello")), &owner.message())
        .then([posted("hello").into()]);
    let unmuted = stage.room(|room| room.unmuted.push(UserId::new("me")));
    nothing()
        .when(post(posted("hello")), &unmuted.message())
        .then([posted("hello").into()]);
}

#[test]
fn who_is_kept_out_says_nothing_there() {
    let stage = Stage::default()
        .outside()
        .room(|room| room.banned.push(UserId::new("me")));
    nothing()
        .when(post(posted("hello")), &stage.message())
        .then_refused(MessageRefusal::NoAccess);
}

#[test]
fn the_muted_cannot_post() {
    let stage = Stage::default().room(|room| room.muted.push(UserId::new("me")));
    nothing()
        .when(post(posted("hello")), &stage.message())
        .then_refused(MessageRefusal::Muted);
}

#[test]
fn an_archived_room_takes_messages() {
    let stage = Stage::default().room(|room| room.archived = true);
    nothing()
        .when(post(posted("hello")), &stage.message())
        .then([posted("hello").into()]);
}

#[test]
fn being_shown_in_the_room_takes_a_thread() {
    let stage = Stage::default();
    let shown = MessagePosted {
        shown_in_room: true,
        ..posted("hello")
    };
    nothing()
        .when(post(shown.clone()), &stage.message())
        .then_refused(MessageRefusal::NotAReply);
    nothing()
        .when(post_leniently(shown.clone()), &stage.message())
        .then([shown.clone().into()]);
    let reply = MessagePosted {
        thread: Some(MessageId::new("parent")),
        ..shown
    };
    nothing()
        .when(
            post(reply.clone()),
            &stage.replying_to(&parent("room", None)),
        )
        .then([reply.into()]);
}

fn parent(room: &str, thread: Option<&str>) -> Parent {
    Parent {
        message: MessageId::new("parent"),
        room: RoomId::new(room),
        thread: thread.map(MessageId::new),
    }
}

#[test]
fn a_thread_is_in_the_room_of_its_replies() {
    let stage = Stage::default();
    let reply = |thread: &str| MessagePosted {
        thread: Some(MessageId::new(thread)),
        ..posted("hello")
    };
    for command in [post, post_leniently] {
        let elsewhere = parent("elsewhere", None);
        for context in [stage.message(), stage.replying_to(&elsewhere)] {
            nothing()
                .when(command(reply("parent")), &context)
                .then_refused(MessageRefusal::NoSuchThread);
        }
        let here = parent("room", None);
        nothing()
            .when(command(reply("parent")), &stage.replying_to(&here))
            .then([reply("parent").into()]);
        nothing()
            .when(command(reply("other")), &stage.replying_to(&here))
            .then_refused(MessageRefusal::NoSuchThread);
        let within = parent("room", Some("root"));
        nothing()
            .when(command(reply("parent")), &stage.replying_to(&within))
            .then([reply("root").into()]);
    }
}

#[test]
fn threads_can_be_switched_off() {
    let stage = Stage::default().setting("Threads_enabled", false);
    let reply = MessagePosted {
        thread: Some(MessageId::new("parent")),
        ..posted("hello")
    };
    nothing()
        .when(post(reply), &stage.message())
        .then_refused(MessageRefusal::ThreadsDisabled);
}

#[test]
fn length_is_limited_for_people_only() {
    let stage = Stage::default().setting("Message_MaxAllowedSize", 5);
    let long = MessageRefusal::TooLong { limit: 5 };
    nothing()
        .when(post(posted("123456")), &stage.message())
        .then_refused(long);
    nothing()
        .when(post_leniently(posted("123456")), &stage.message())
        .then([posted("123456").into()]);
    let five = "e\u{301}:smile:👩‍👩‍👧‍👦ab";
    nothing()
        .when(post(posted(five)), &stage.message())
        .then([posted(five).into()]);
}

#[test]
fn length_counts_characters_as_people_see_them() {
    for (text, expected) in [
        ("", 0),
        ("abc", 3),
        ("e\u{301}", 1),
        (":smile:", 1),
        (":+1::smile:", 2),
        ("a:b", 3),
        ("12:30:45", 8),
        ("::", 2),
        (":not an emoji:", 14),
    ] {
        assert_eq!(length(text), expected, "{text}");
    }
}

#[test]
fn speaking_as_somebody_else_takes_a_right() {
    let stage = Stage::default();
    let presented = |presentation| MessagePosted {
        presentation: Some(Box::new(presentation)),
        ..posted("hello")
    };
    let alias = presented(Presentation {
        alias: Some("boss".to_owned()),
        ..Presentation::default()
    });
    let avatar = presented(Presentation {
        avatar: Some("/a.png".to_owned()),
        ..Presentation::default()
    });
    for message in [alias.clone(), avatar] {
        nothing()
            .when(post(message), &stage.message())
            .then_refused(MessageRefusal::ImpersonationNotAllowed);
    }
    let bot = stage.clone().with_roles(&["user", "bot"]);
    nothing()
        .when(post(alias.clone()), &bot.message())
        .then([alias.into()]);
    let emoji = presented(Presentation {
        emoji: Some(":ghost:".to_owned()),
        alias: Some(String::new()),
        ..Presentation::default()
    });
    nothing()
        .when(post(emoji.clone()), &stage.message())
        .then([emoji.into()]);
    let script = presented(Presentation {
        avatar: Some("javascript:x".to_owned()),
        ..Presentation::default()
    });
    nothing()
        .when(post(script), &bot.message())
        .then_refused(MessageRefusal::InvalidLink);
}

#[test]
fn attachments_must_have_their_shape() {
    let stage = Stage::default();
    let with = |attachment: serde_json::Value| {
        posted_by(
            "me",
            Content {
                attachments: Some(vec![attachment]),
                ..content("hello")
            },
        )
    };
    let good = with(json!({
        "title": "t", "ts": 1, "collapsed": false, "image_size": 3, "text": null, "more": [1],
        "image_url": "https://example.org/a.png", "title_link": "/file-upload/1/a", "author_icon": "/avatar/bob",
        "image_dimensions": {"width": 1, "height": 2}, "actions": [{"type": "button", "url": "http://x"}],
    }));
    nothing()
        .when(post(good.clone()), &stage.message())
        .then([good.into()]);
    nothing()
        .when(
            post(with(
                json!({"fields": [{"short": true, "title": "a", "value": 1}]}),
            )),
            &stage.message(),
        )
        .then([with(json!({"fields": [{"short": true, "title": "a", "value": "1"}]})).into()]);
    for (bad, key) in [
        (json!("text"), "attachments"),
        (json!({"title": 1}), "title"),
        (json!({"ts": true}), "ts"),
        (json!({"collapsed": "yes"}), "collapsed"),
        (json!({"audio_size": "3"}), "audio_size"),
        (
            json!({"image_dimensions": {"width": 1}}),
            "image_dimensions",
        ),
        (json!({"image_url": 1}), "image_url"),
        (json!({"fields": {}}), "fields"),
        (json!({"fields": [1]}), "fields"),
        (json!({"fields": [{"short": "no"}]}), "short"),
        (json!({"actions": [{"text": 1}]}), "text"),
    ] {
        nothing()
            .when(post(with(bad)), &stage.message())
            .then_refused(MessageRefusal::InvalidShape { key });
    }
    for link in [
        "javascript:alert(1)",
        "ftp://x",
        "",
        "data:text/html,javascript:x",
    ] {
        nothing()
            .when(post(with(json!({"title_link": link}))), &stage.message())
            .then_refused(MessageRefusal::InvalidLink);
    }
    for bad in [
        json!({"image_url": "data:text/html,x"}),
        json!({"attachments": [{"title_link": "JavaScript:x"}]}),
        json!({"homeUrl": "vbscript:x"}),
    ] {
        nothing()
            .when(post(with(bad)), &stage.message())
            .then_refused(MessageRefusal::InvalidLink);
    }
}

#[test]
fn nothing_shown_leads_astray() {
    let stage = Stage::default();
    let presented = |presentation| MessagePosted {
        presentation: Some(Box::new(presentation)),
        ..posted("hello")
    };
    let bad =
        json!({"type": "actions", "elements": [{"type": "button", "url": "\tjava\nscript:x"}]});
    for presentation in [
        Presentation {
            blocks: Some(vec![bad.clone()]),
            ..Presentation::default()
        },
        Presentation {
            custom_fields: Some(bad.clone()),
            ..Presentation::default()
        },
        Presentation {
            bot: Some(bad.clone()),
            ..Presentation::default()
        },
    ] {
        nothing()
            .when(post(presented(presentation)), &stage.message())
            .then_refused(MessageRefusal::InvalidLink);
    }
}

#[test]
fn what_is_attached_has_its_shape() {
    let presented = |presentation| MessagePosted {
        presentation: Some(Box::new(presentation)),
        ..posted("hello")
    };
    let stage = Stage::default();
    for (presentation, key) in [
        (
            Presentation {
                location: Some(json!({"type": "Point"})),
                ..Presentation::default()
            },
            "location",
        ),
        (
            Presentation {
                blocks: Some(vec![json!({"type": "iframe"})]),
                ..Presentation::default()
            },
            "blocks",
        ),
        (
            Presentation {
                custom_fields: Some(json!("text")),
                ..Presentation::default()
            },
            "customFields",
        ),
    ] {
        for post in [post, post_leniently] {
            nothing()
                .when(post(presented(presentation.clone())), &stage.message())
                .then_refused(MessageRefusal::InvalidShape { key });
        }
    }
}

#[test]
fn teams_and_roles_call_so_many_and_no_more() {
    let limit = crate::limits::CALLED;
    assert_eq!(may_call_so_many(limit as u64), Ok(()));
    let refused = Err(MessageRefusal::TooManyCalled { limit });
    assert_eq!(may_call_so_many(limit as u64 + 1), refused);
}

#[test]
fn calling_everybody_takes_a_right() {
    let calling = |mention| {
        posted_by(
            "me",
            Content {
                mentions: vec![mention],
                ..content("hello")
            },
        )
    };
    let stage = Stage::default();
    nothing()
        .when(post(calling(Mention::All)), &stage.message())
        .then([calling(Mention::All).into()]);
    let guest = stage.clone().with_roles(&["guest"]);
    nothing()
        .when(post(calling(Mention::All)), &guest.message())
        .then_refused(MessageRefusal::MentionAllNotAllowed);
    nothing()
        .when(post(calling(Mention::Here)), &guest.message())
        .then_refused(MessageRefusal::MentionHereNotAllowed);
    let owner = guest.with_room_roles(&["owner"]);
    nothing()
        .when(post(calling(Mention::Here)), &owner.message())
        .then([calling(Mention::Here).into()]);
    let large = stage.setting("Message_MaxAll", 1);
    nothing()
        .when(post(calling(Mention::Here)), &large.message())
        .then_refused(MessageRefusal::RoomTooLargeForGroupMention { limit: 1 });
}

#[test]
fn clients_clocks_are_believed_within_ten_seconds() {
    let now = at(100_000);
    assert_eq!(resolve_sent_at(None, now), Ok(now));
    for (given, expected) in [
        (110_000, 110_000),
        (90_000, 90_000),
        (110_001, 100_000),
        (40_000, 100_000),
    ] {
        assert_eq!(resolve_sent_at(Some(at(given)), now), Ok(at(expected)));
    }
    for given in [39_999, 160_001, i64::MIN, i64::MAX] {
        let given = at(given);
        assert_eq!(
            resolve_sent_at(Some(given), now),
            Err(OutOfSync { given, now })
        );
    }
}
