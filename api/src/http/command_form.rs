//! Running what people type after a slash, as REST and methods both have it (contract, messages 7).

use application::caller::Caller;
use application::chat::commands::{SlashCommand, Typed};
use application::chat::room_access::RoomAccess;
use application::error::{Error, Refusal};
use domain::{MessageId, RoomId, limits};

use crate::errors::{ApiError, wording};
use crate::http::send_form;
use crate::state::AppState;

/// A command as a client sends it.
pub struct Sent {
    /// What stands behind the command.
    pub text: String,
    /// The message that the client made of it.
    pub id: Option<MessageId>,
    pub thread: Option<MessageId>,
}

/// The room it was typed in, if the caller may see it.
pub async fn place(
    state: &AppState,
    caller: &Caller,
    room: &RoomId,
) -> Result<Option<RoomAccess>, ApiError> {
    let place = RoomAccess::of(state, caller, room).await?;
    Ok(place.filter(|place| place.can_access(caller)))
}

/// Runs the command. What is refused is told in the room and no error, but for what the contract says.
pub async fn run(
    state: &AppState,
    caller: &Caller,
    place: &RoomAccess,
    command: SlashCommand,
    sent: Sent,
) -> Result<(), ApiError> {
    if sent
        .id
        .as_ref()
        .is_some_and(|id| id.as_str().len() > limits::ID)
    {
        return Err(wording::message_id_too_long(limits::ID));
    }
    let typed = Typed::new(state, caller, place, &sent.text).as_message(sent.id, sent.thread);
    let Err(error) = typed.run(command).await else {
        return Ok(());
    };
    let room = &place.room.id;
    match error {
        Error::Refused(Refusal::AlreadyInChannel) => Err(error.into()),
        Error::Message(_) => send_form::told_only(state, caller, room, error),
        error => {
            let error = send_form::told(state, caller, room, error);
            let is_fault = error.status().is_server_error();
            if is_fault { Err(error) } else { Ok(()) }
        }
    }
}
