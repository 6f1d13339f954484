//! What was given and taken, where the event itself tells only what is held from then on.

use domain::permissions::PermissionEvent;
use domain::user::UserEvent;
use domain::{Event, RoleId};

use super::words::{Teller, name, the_roles};
use crate::record::grants::{Change, Direction};

/// The sentence of an event with what it changed; `None`: its own sentence tells that.
pub(super) fn grants(teller: &Teller<'_>, event: &Event, changes: &[Change]) -> Option<String> {
    let held = |wanted: Direction| {
        let of = |change: &Change| match change {
            Change::Role {
                direction, role, ..
            }
            | Change::Permission {
                direction, role, ..
            } if *direction == wanted => Some(role.clone()),
            _ => None,
        };
        the_roles(&changes.iter().filter_map(of).collect::<Vec<RoleId>>())
    };
    let (given, taken) = (held(Direction::Given), held(Direction::Taken));
    match event {
        Event::User(UserEvent::RolesChanged(changed)) => {
            let user = teller.whom_actor(&changed.user);
            let given = given.map(|roles| format!("gave {user} {roles}"));
            let taken = taken.map(|roles| format!("took {roles} from {user}"));
            both(given, taken).map(|deed| teller.did(deed))
        }
        Event::Permission(PermissionEvent::PermissionRolesChanged(changed)) => {
            let right = format!("the permission {}", name(&changed.permission));
            let given = given.map(|roles| format!("gave {roles} {right}"));
            let taken = taken.map(|roles| format!("took {right} from {roles}"));
            both(given, taken).map(|deed| teller.did(deed))
        }
        _ => None,
    }
}

fn both(given: Option<String>, taken: Option<String>) -> Option<String> {
    match (given, taken) {
        (Some(given), Some(taken)) => Some(format!("{given} and {taken}")),
        (given, taken) => given.or(taken),
    }
}
