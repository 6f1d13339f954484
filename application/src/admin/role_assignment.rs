//! Giving roles to people, and taking them away.

use domain::membership::MembershipCommand;
use domain::user::UserCommand;
use domain::{RoleId, UserId};

use crate::caller::Caller;
use crate::chat::members;
use crate::chat::ownership::Orphans;
use crate::chat::room_access::RoomAccess;
use crate::error::Error;
use crate::ids::now;
use crate::people::users;
use crate::workspace::Workspace;

/// Gives or takes a role: workspace-wide, or in `place`.
pub async fn assign(
    workspace: &Workspace,
    caller: &Caller,
    user: &UserId,
    role: &RoleId,
    place: Option<&RoomAccess>,
    give: bool,
) -> Result<(), Error> {
    let (role, at) = (role.clone(), now());
    if let Some(place) = place {
        let command = if give {
            MembershipCommand::AssignRole { role, at }
        } else {
            MembershipCommand::UnassignRole { role, at }
        };
        return members::change(workspace, caller, place, user, &command)
            .await
            .map(drop);
    }
    let user_id = user.clone();
    let command = if give {
        UserCommand::GrantRole {
            user: user_id,
            role,
            at,
        }
    } else {
        UserCommand::RevokeRole {
            user: user_id,
            role,
            at,
        }
    };
    users::change(workspace, caller, user, &[command], None, Orphans::None).await
}
