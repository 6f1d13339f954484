//! Deleting.

use super::*;

#[test]
fn authors_delete() {
    mine()
        .when(delete(), &Stage::default().message())
        .then([deleted(Remains::Nothing)]);
}

#[test]
fn a_place_remains_where_wanted_or_needed() {
    let stage = Stage::default();
    let with_replies = MessageContext {
        has_replies: true,
        ..stage.message()
    };
    mine()
        .when(delete(), &with_replies)
        .then([deleted(Remains::Placeholder)]);
    let shown = stage.setting("Message_ShowDeletedStatus", true);
    mine()
        .when(delete(), &shown.message())
        .then([deleted(Remains::Placeholder)]);
}

#[test]
fn others_delete_with_a_right() {
    let stage = Stage::default();
    theirs()
        .when(delete(), &stage.message())
        .then_refused(MessageRefusal::DeleteNotAllowed);
    let moderator = stage.with_room_roles(&["moderator"]);
    theirs()
        .when(delete(), &moderator.message())
        .then([deleted(Remains::Nothing)]);
}

#[test]
fn deleting_can_be_switched_off_but_not_for_owners() {
    let stage = Stage::default().setting("Message_AllowDeleting", false);
    mine()
        .when(delete(), &stage.message())
        .then_refused(MessageRefusal::DeleteNotAllowed);
    let owner = stage.with_room_roles(&["owner"]);
    mine()
        .when(delete(), &owner.message())
        .then([deleted(Remains::Nothing)]);
}

#[test]
fn deleting_ends_after_some_minutes_rounded() {
    let stage = Stage::default()
        .setting("Message_AllowDeleting_BlockDeleteInMinutes", 2)
        .room(|room| room.read_only = true);
    let delete = |millis| MessageCommand::Delete {
        message: id(),
        at: at(millis),
    };
    mine()
        .when(delete(150_000), &stage.message())
        .then_refused(MessageRefusal::DeleteNotAllowed);
    let deleted = MessageDeleted {
        message: id(),
        room: RoomId::new("room"),
        by: UserId::new("me"),
        at: at(149_999),
        remains: Remains::Nothing,
    };
    mine()
        .when(delete(149_999), &stage.message())
        .then([deleted.into()]);
}

#[test]
fn a_read_only_room_keeps_its_messages() {
    let stage = Stage::default().room(|room| room.read_only = true);
    mine()
        .when(delete(), &stage.message())
        .then_refused(MessageRefusal::DeleteInReadOnlyRoom);
    let unmuted = stage.room(|room| room.unmuted.push(UserId::new("me")));
    mine()
        .when(delete(), &unmuted.message())
        .then([deleted(Remains::Nothing)]);
}

#[test]
fn only_what_is_there_can_be_deleted() {
    let stage = Stage::default();
    nothing()
        .when(delete(), &stage.message())
        .then_refused(MessageRefusal::NotFound);
    gone()
        .when(delete(), &stage.message())
        .then_refused(MessageRefusal::NotFound);
    let elsewhere = stage.room(|room| room.id = RoomId::new("elsewhere"));
    mine()
        .when(delete(), &elsewhere.message())
        .then_refused(MessageRefusal::OtherRoom);
}

#[test]
fn system_messages_are_nobodys_own() {
    let stage = Stage::default();
    nothing()
        .when(delete(), &stage.system_message())
        .then_refused(MessageRefusal::DeleteNotAllowed);
    let owner = stage.with_room_roles(&["owner"]);
    nothing()
        .when(delete(), &owner.system_message())
        .then([deleted(Remains::Nothing)]);
}

#[test]
fn deleting_takes_the_right_to_delete_ones_own() {
    let stage = Stage::default().without(Permission::DELETE_OWN_MESSAGE);
    mine()
        .when(delete(), &stage.message())
        .then_refused(MessageRefusal::DeleteNotAllowed);
}

#[test]
fn whoever_may_empty_rooms_leaves_nothing_of_any_message() {
    let admin = Stage::default().with_roles(&["admin"]);
    let with_replies = MessageContext {
        has_replies: true,
        ..admin.message()
    };
    theirs()
        .when(prune(), &with_replies)
        .then([deleted(Remains::Nothing)]);
    nothing()
        .when(prune(), &admin.system_message())
        .then([deleted(Remains::Nothing)]);
    let place = || given::<Message>([posted("hello").into(), deleted(Remains::Placeholder)]);
    place()
        .when(prune(), &admin.message())
        .then([deleted(Remains::Nothing)]);
}

#[test]
fn pruning_what_is_not_there_changes_nothing() {
    let admin = Stage::default().with_roles(&["admin"]);
    gone().when(prune(), &admin.message()).then_nothing();
    nothing().when(prune(), &admin.message()).then_nothing();
    let elsewhere = admin.room(|room| room.id = RoomId::new("elsewhere"));
    mine().when(prune(), &elsewhere.message()).then_nothing();
}

#[test]
fn pruning_takes_a_right_even_of_ones_own() {
    let owner = Stage::default().with_room_roles(&["owner"]);
    mine()
        .when(prune(), &owner.message())
        .then_refused(MessageRefusal::DeleteNotAllowed);
}
