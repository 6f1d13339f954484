//! Following threads.

use super::*;

#[test]
fn what_is_so_already_is_said_once() {
    let stage = Stage::default();
    // What was said before, what the views show, what is wanted, what happens.
    for (before, follows, wanted, then) in [
        (None, false, true, Some(followed())),
        (None, true, true, None),
        (None, true, false, Some(unfollowed())),
        (None, false, false, None),
        // The views may be behind what was said last.
        (Some(unfollowed()), true, true, Some(followed())),
        (Some(followed()), false, false, Some(unfollowed())),
        // Whoever replies follows again without saying so.
        (Some(unfollowed()), true, false, Some(unfollowed())),
    ] {
        let context = MessageContext {
            follows,
            ..stage.message()
        };
        let before = std::iter::once(posted("hello").into()).chain(before);
        given::<Message>(before)
            .when(follow(wanted), &context)
            .then(then);
    }
}

#[test]
fn following_is_refused() {
    let private = Stage::default().in_a(RoomKind::Group).outside();
    let off = Stage::default().setting("Threads_enabled", false);
    for (state, stage, refusal) in [
        (theirs(), off, MessageRefusal::ThreadsDisabled),
        (theirs(), private, MessageRefusal::NoAccess),
        (nothing(), Stage::default(), MessageRefusal::NotFound),
        (gone(), Stage::default(), MessageRefusal::NotFound),
    ] {
        state
            .when(follow(true), &stage.message())
            .then_refused(refusal);
    }
}
