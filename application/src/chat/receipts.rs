//! Who has read a message (contract, messages 6).

use domain::{MessageId, RoomId};
use projections::Receipt;

use crate::caller::Caller;
use crate::chat::room_access::RoomAccess;
use crate::error::{Error, Refusal};
use crate::workspace::Workspace;

/// The room of a message that the caller may read, and who has read the message. Whoever may not be told who is in the
/// room is told of themselves and of the author.
pub async fn of_message(
    workspace: &Workspace,
    caller: &Caller,
    message: &MessageId,
) -> Result<(RoomId, Vec<Receipt>), Error> {
    let views = workspace.views();
    let record = views.message(message).await?;
    let record = record.ok_or(Refusal::NoMessageWithReceipts)?;
    let place = RoomAccess::of(workspace, caller, &record.room).await?;
    // To a caller who may not see the room, the message does not exist.
    let place = place
        .filter(|place| place.is_visible(caller))
        .ok_or(Refusal::NoMessageWithReceipts)?;
    if !place.can_read(caller) {
        return Err(Refusal::ReceiptsNotShown.into());
    }
    let mut receipts = views.receipts(message).await?;
    if !place.may_list_members(caller) {
        receipts.retain(|read| read.user == *caller.id() || read.user == record.author);
    }
    Ok((record.room, receipts))
}
