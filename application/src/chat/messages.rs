//! Posting messages, and all that is done with them afterwards (contract, messages 3, 5 and 6).

mod changing;
mod content;
mod posting;

pub use changing::{Reaction, Wording, change, change_as, edit, follow, pin, preview, react, star};
pub use posting::{Draft, may_be_that_large, post};

use bytes::Bytes;
use domain::MessageId;
use domain::message::{MessageContext, MessageRefusal, Parent};
use domain::settings::Settings;
use projections::MessageRecord;

use crate::caller::Caller;
use crate::chat::room_access::RoomAccess;
use crate::error::Error;
use crate::workspace::Workspace;

/// What those who reply need to know of a message.
pub fn parent(record: MessageRecord) -> Parent {
    Parent {
        message: record.id,
        room: record.room,
        thread: record.thread,
    }
}

/// The wire document of a message that exists.
pub async fn document(workspace: &Workspace, id: &MessageId) -> Result<Bytes, Error> {
    workspace
        .views()
        .message_doc(id)
        .await?
        .ok_or_else(|| MessageRefusal::NotFound.into())
}

pub(crate) fn context<'a>(
    caller: &'a Caller,
    place: &'a RoomAccess,
    settings: &'a Settings,
) -> MessageContext<'a> {
    MessageContext {
        authority: place.authority(caller),
        room: &place.room,
        beyond: place.beyond(caller),
        membership: place.membership.as_deref(),
        settings,
        system_message: None,
        has_replies: false,
        parent: None,
        emoji_known: false,
        follows: false,
    }
}
