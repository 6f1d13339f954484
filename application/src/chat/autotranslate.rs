//! What members want translated (contract, admin 13.4).

use domain::RoomId;
use domain::membership::{MembershipCommand, MembershipRefusal};
use domain::permission::Permission;
use domain::settings::keys;

use crate::caller::Caller;
use crate::chat::members;
use crate::chat::room_access::RoomAccess;
use crate::error::{Error, Refusal};
use crate::workspace::Workspace;

/// Refuses where nothing is translated.
pub fn must_be_on(workspace: &Workspace) -> Result<(), Error> {
    let settings = workspace.views().settings();
    if settings.bool(keys::AUTO_TRANSLATE_ENABLED) {
        Ok(())
    } else {
        Err(Refusal::TranslationOff.into())
    }
}

/// Refuses a caller who may not have anything translated.
pub fn must_be_allowed(workspace: &Workspace, caller: &Caller) -> Result<(), Error> {
    if caller.may(workspace, Permission::AUTO_TRANSLATE) {
        Ok(())
    } else {
        Err(Refusal::TranslationNotAllowed.into())
    }
}

/// Keeps what the caller wants translated in a room.
pub async fn save(
    workspace: &Workspace,
    caller: &Caller,
    room: &RoomId,
    command: &MembershipCommand,
) -> Result<(), Error> {
    must_be_on(workspace)?;
    must_be_allowed(workspace, caller)?;
    let place = RoomAccess::of(workspace, caller, room).await?;
    let place = place.ok_or(Refusal::NothingToTranslate)?;
    match members::change_own(workspace, caller, &place, command).await {
        Err(Error::Membership(MembershipRefusal::NotAMember)) => {
            Err(Refusal::NothingToTranslate.into())
        }
        outcome => outcome.map(drop),
    }
}
