//! Codes that whoever joins a room by themselves has to know. Kept sealed: those who may see a code read it again.

use domain::permission::Permission;
use domain::room::{RoomChange, RoomFacts};
use domain::{RoomId, Sealed, text};
use subtle::ConstantTimeEq as _;

use crate::caller::Caller;
use crate::chat::room_access::RoomAccess;
use crate::error::{Error, Refusal};
use crate::workspace::Workspace;

/// What a code is sealed for.
fn purpose(room: &RoomId) -> String {
    format!("join code of {room}")
}

/// The wish for a code as somebody typed it; a blank one takes the code away.
pub fn wish(workspace: &Workspace, room: &RoomId, typed: &str) -> RoomChange {
    let typed = text::trim(typed);
    let sealed = || workspace.vault().seal(&purpose(room), typed);
    RoomChange::JoinCode((!typed.is_empty()).then(sealed))
}

/// Whether somebody who says `typed` may come in. A code that cannot be read any more lets nobody in.
pub(crate) fn fits(workspace: &Workspace, room: &RoomFacts, typed: Option<&str>) -> bool {
    let Some(sealed) = &room.join_code else {
        return true;
    };
    let typed = text::trim(typed.unwrap_or_default());
    open(workspace, &room.id, sealed)
        .is_some_and(|code| code.as_bytes().ct_eq(typed.as_bytes()).into())
}

/// The code of a room, for those who may see codes; `None`: it needs none.
pub fn read(
    workspace: &Workspace,
    caller: &Caller,
    place: &RoomAccess,
) -> Result<Option<String>, Error> {
    if !place.authority(caller).has(Permission::VIEW_JOIN_CODE) {
        return Err(Refusal::JoinCodeNotShown.into());
    }
    let sealed = place.room.join_code.as_ref();
    Ok(sealed.and_then(|sealed| open(workspace, &place.room.id, sealed)))
}

fn open(workspace: &Workspace, room: &RoomId, sealed: &Sealed) -> Option<String> {
    let opened = workspace.vault().open(&purpose(room), sealed);
    opened
        .inspect_err(
            |error| tracing::error!(%room, %error, "the join code of a room cannot be read"),
        )
        .ok()
}
