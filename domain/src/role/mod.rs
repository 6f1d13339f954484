//! One role: what it is called, where it is held, whether it can be changed. The roles every workspace has are code
//! ([`RoleTable::default`]); what administrators change about them, and the roles they add, are events. Names are
//! claimed ([`crate::claim`]) in the same batch. Who has a role is recorded in the streams of users and of memberships.
//! That a role that can be deleted is given is also recorded here, so that giving and deleting it at the same moment
//! exclude each other.

mod table;
#[cfg(test)]
mod tests;

pub use table::{RoleDefinition, RoleScope, RoleTable, builtin};

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::permission::{Authority, Permission};
use crate::text;
use crate::{Category, Decider, RoleId, RoomId, StreamId, Timestamp, UserId};

/// The most characters of a name.
pub const LONGEST_NAME: usize = 100;

/// The most characters of a description.
pub const LONGEST_DESCRIPTION: usize = 1000;

/// The stream of a role.
pub fn stream(role: &RoleId) -> StreamId {
    StreamId::new(Category::Role, role.as_str())
}

events! {
    /// What can happen to a role.
    RoleEvent {
        RoleCreated = 1,
        RoleChanged = 1,
        RoleDeleted = 1,
        RoleGiven = 1,
    }
}

/// There is a new role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoleCreated {
    pub role: RoleId,
    pub properties: RoleProperties,
    pub at: Timestamp,
}

/// A role was changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoleChanged {
    pub role: RoleId,
    pub properties: RoleProperties,
    pub at: Timestamp,
}

/// A role was deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoleDeleted {
    pub role: RoleId,
    pub at: Timestamp,
}

/// Somebody was given the role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoleGiven {
    pub role: RoleId,
    pub user: UserId,
    /// In which room; `None`: in the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    pub at: Timestamp,
}

/// What administrators say about a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoleProperties {
    pub name: String,
    /// What it is for; a role with a description is shown beside the names of those who have it.
    #[serde(default)]
    pub description: String,
    pub scope: RoleScope,
    /// Whoever has the role must use a second factor.
    #[serde(default)]
    pub mandatory_second_factor: bool,
}

/// What decisions about a role need of its past.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Role {
    /// Nothing happened to it: a role that every workspace has, or none.
    #[default]
    Untouched,
    Present(RoleProperties),
    Deleted,
}

impl Role {
    fn give(&self, given: RoleGiven) -> Result<Vec<RoleEvent>, RoleRefusal> {
        let scope = match given.room {
            Some(_) => RoleScope::Subscriptions,
            None => RoleScope::Users,
        };
        let current = self.current(&given.role).ok_or(RoleRefusal::NotFound)?;
        if current.properties.scope != scope {
            return Err(RoleRefusal::NotFound);
        }
        if current.protected {
            return Ok(vec![]);
        }
        Ok(vec![given.into()])
    }

    /// What it is now.
    fn current(&self, id: &RoleId) -> Option<RoleDefinition> {
        let protected = builtin(id).is_some();
        match self {
            Self::Untouched => builtin(id),
            Self::Present(properties) => Some(RoleDefinition {
                properties: properties.clone(),
                protected,
            }),
            Self::Deleted => None,
        }
    }
}

/// What can be asked of a role.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum RoleCommand {
    Create {
        role: RoleId,
        properties: RoleProperties,
        at: Timestamp,
    },
    Change {
        role: RoleId,
        properties: RoleProperties,
        at: Timestamp,
    },
    /// Records that the role is given. Whether the actor may give it is decided where the role is held; whether it
    /// exists, here. Not needed for a role that every workspace has.
    Give(RoleGiven),
    Delete {
        role: RoleId,
        at: Timestamp,
    },
}

/// What the rules need to know from elsewhere.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct RoleContext<'a> {
    pub authority: Authority<'a>,
    pub roles: &'a RoleTable,
    /// Somebody has the role, according to views that have seen everything in its stream.
    pub in_use: bool,
}

/// Why a wish about a role is refused (contract, admin 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum RoleRefusal {
    /// The actor lacks `access-permissions`.
    #[error("not allowed to change roles")]
    NotAllowed,
    #[error("no such role")]
    NotFound,
    /// No name, or too long a text.
    #[error("the properties of a role are not valid")]
    InvalidProperties,
    /// Name and scope of a role that every workspace has cannot be changed.
    #[error("the role is protected")]
    Protected,
    /// A role of that name or id is there.
    #[error("the name is taken")]
    NameTaken,
    #[error("the role is in use")]
    InUse,
}

impl Decider for Role {
    type State = Self;
    type Command = RoleCommand;
    type Context<'a> = RoleContext<'a>;
    type Event = RoleEvent;
    type Refusal = RoleRefusal;

    fn decide(
        state: &Self,
        command: RoleCommand,
        context: &RoleContext<'_>,
    ) -> Result<Vec<RoleEvent>, RoleRefusal> {
        let may = context.authority.has(Permission::ACCESS_PERMISSIONS);
        if !may && !matches!(command, RoleCommand::Give(_)) {
            return Err(RoleRefusal::NotAllowed);
        }
        match command {
            RoleCommand::Give(given) => state.give(given),
            RoleCommand::Create {
                role,
                properties,
                at,
            } => {
                let properties = checked(properties)?;
                let free = *state == Self::Untouched && builtin(&role).is_none();
                if !free || context.roles.taken(&properties.name, None) {
                    return Err(RoleRefusal::NameTaken);
                }
                Ok(vec![
                    RoleCreated {
                        role,
                        properties,
                        at,
                    }
                    .into(),
                ])
            }
            RoleCommand::Change {
                role,
                properties,
                at,
            } => {
                let current = state.current(&role).ok_or(RoleRefusal::NotFound)?;
                let properties = checked(properties)?;
                let before = &current.properties;
                if current.protected
                    && (before.name != properties.name || before.scope != properties.scope)
                {
                    return Err(RoleRefusal::Protected);
                }
                if context.roles.taken(&properties.name, Some(&role)) {
                    return Err(RoleRefusal::NameTaken);
                }
                if *before == properties {
                    return Ok(vec![]);
                }
                Ok(vec![
                    RoleChanged {
                        role,
                        properties,
                        at,
                    }
                    .into(),
                ])
            }
            RoleCommand::Delete { role, at } => {
                let current = state.current(&role).ok_or(RoleRefusal::NotFound)?;
                if current.protected {
                    return Err(RoleRefusal::Protected);
                }
                if context.in_use {
                    return Err(RoleRefusal::InUse);
                }
                Ok(vec![RoleDeleted { role, at }.into()])
            }
        }
    }

    fn evolve(state: Self, event: &RoleEvent) -> Self {
        match event {
            RoleEvent::RoleCreated(event) => Self::Present(event.properties.clone()),
            RoleEvent::RoleChanged(event) => Self::Present(event.properties.clone()),
            RoleEvent::RoleDeleted(_) => Self::Deleted,
            RoleEvent::RoleGiven(_) => state,
        }
    }
}

/// Trims the texts. A role must have a name, and neither text may be too long.
fn checked(mut properties: RoleProperties) -> Result<RoleProperties, RoleRefusal> {
    let name = text::trim(&properties.name).to_owned();
    properties.name = name;
    let fits = !text::is_blank(&properties.name)
        && properties.name.chars().count() <= LONGEST_NAME
        && properties.description.chars().count() <= LONGEST_DESCRIPTION;
    fits.then_some(properties)
        .ok_or(RoleRefusal::InvalidProperties)
}
