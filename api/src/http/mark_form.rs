//! Pinning, starring and following, as REST and methods do it (contract, messages 6 and 9.1).

use application::caller::Caller;
use application::chat::messages;
use application::error::Error;
use bytes::Bytes;
use domain::MessageId;
use domain::message::MessageRefusal;

use crate::errors::{ApiError, wording};
use crate::http::message_form::found;
use crate::state::AppState;

/// Stars a message for the caller, or takes the star off.
pub async fn star(
    state: &AppState,
    caller: &Caller,
    message: &MessageId,
    wanted: bool,
) -> Result<(), ApiError> {
    let (record, place) = found(state, caller, message)
        .await?
        .ok_or_else(wording::message_not_found)?;
    let starred = messages::star(state, caller, &place, &record, wanted).await;
    starred.map_err(|error| match error {
        Error::Message(MessageRefusal::NoAccess) => wording::marking_not_authorized("starMessage"),
        error => error.into(),
    })
}

/// Pins a message. Returns the one by which its room tells of it, or the message itself where that is gone.
pub async fn pin(
    state: &AppState,
    caller: &Caller,
    message: &MessageId,
) -> Result<Bytes, ApiError> {
    mark(state, caller, message, true).await?;
    match state.views().told_of_pin(message).await? {
        Some(told) => Ok(told),
        None => Ok(messages::document(state, message).await?),
    }
}

pub async fn unpin(state: &AppState, caller: &Caller, message: &MessageId) -> Result<(), ApiError> {
    mark(state, caller, message, false).await
}

async fn mark(
    state: &AppState,
    caller: &Caller,
    message: &MessageId,
    wanted: bool,
) -> Result<(), ApiError> {
    let method = if wanted { "pinMessage" } else { "unpinMessage" };
    let (record, place) = found(state, caller, message)
        .await?
        .ok_or_else(wording::message_not_found)?;
    let pinned = messages::pin(state, caller, &place, &record, wanted).await;
    pinned.map_err(|error| match error {
        Error::Message(MessageRefusal::NotAMember | MessageRefusal::NotFound) => {
            wording::pinned_message_not_found(method)
        }
        Error::Message(MessageRefusal::PinNotAllowed) => wording::marking_not_authorized(method),
        error => error.into(),
    })
}

/// Lets the caller follow the thread of a message, or not any more. A reply stands for what it replies to.
pub async fn follow(
    state: &AppState,
    caller: &Caller,
    message: &MessageId,
    wanted: bool,
) -> Result<(), ApiError> {
    let method = if wanted {
        "followMessage"
    } else {
        "unfollowMessage"
    };
    let unknown = || wording::followed_message_not_found(method);
    let (mut record, place) = found(state, caller, message).await?.ok_or_else(unknown)?;
    if let Some(parent) = &record.thread {
        let parent = state.views().message(parent).await?;
        record = parent.ok_or_else(unknown)?;
    }
    let followed = messages::follow(state, caller, &place, &record, wanted).await;
    followed.map_err(|error| match error {
        Error::Message(MessageRefusal::NotFound) => unknown(),
        Error::Message(MessageRefusal::NoAccess | MessageRefusal::ThreadsDisabled) => {
            wording::following_not_allowed(method)
        }
        error => error.into(),
    })
}
