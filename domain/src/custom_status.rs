//! One custom user status: a name that people of a workspace may be shown with, and the status it stands for
//! (contract, admin 11.3). Names are claimed ([`crate::claim`]) in the same batch.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::limits;
use crate::permission::{Authority, Permission};
use crate::presence::Status;
use crate::text;
use crate::{Category, Decider, StreamId, Timestamp};

/// The stream of a custom status.
pub fn stream(id: &str) -> StreamId {
    StreamId::new(Category::CustomStatus, id)
}

/// What a custom status is called and stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    pub name: String,
    /// The status it stands for; `None`: whatever the user's is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Status>,
}

impl Description {
    /// From the name and the word for the status it stands for; an empty word is none.
    pub fn new(name: &str, kind: Option<&str>) -> Result<Self, CustomStatusRefusal> {
        let kind = kind.filter(|kind| !kind.is_empty()).map(|kind| {
            let known = Status::find(kind);
            known.ok_or_else(|| CustomStatusRefusal::InvalidKind(kind.to_owned()))
        });
        Ok(Self {
            name: name.to_owned(),
            kind: kind.transpose()?,
        })
    }
}

events! {
    /// What can happen to a custom status.
    CustomStatusEvent {
        CustomStatusCreated = 1,
        CustomStatusChanged = 1,
        CustomStatusDeleted = 1,
    }
}

/// A custom status was created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomStatusCreated {
    pub id: String,
    pub description: Description,
    pub at: Timestamp,
}

/// A custom status has another name or stands for another status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomStatusChanged {
    pub id: String,
    pub description: Description,
    pub at: Timestamp,
}

/// A custom status is gone. Its name is free.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomStatusDeleted {
    pub id: String,
    pub at: Timestamp,
}

/// What is known of one id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CustomStatus {
    #[default]
    Absent,
    Present(Description),
}

/// What can be asked of a custom status.
#[derive(Clone, Debug)]
pub enum CustomStatusCommand {
    Create {
        id: String,
        description: Description,
        at: Timestamp,
    },
    Change {
        id: String,
        description: Description,
        at: Timestamp,
    },
    Delete {
        id: String,
        at: Timestamp,
    },
}

/// Why a wish about a custom status is refused (contract, admin 11.3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CustomStatusRefusal {
    /// `manage-user-status` is missing.
    #[error("not allowed to manage custom statuses")]
    NotAllowed,
    #[error("a custom status needs a name")]
    NameRequired,
    /// The name has one of `> < & " '` in it.
    #[error("{0} is no name for a custom status")]
    InvalidName(String),
    /// It stands for none of the known statuses.
    #[error("{0} is no status")]
    InvalidKind(String),
    #[error("no such custom status")]
    NotFound,
    #[error("there is a custom status of this id already")]
    AlreadyExists,
}

fn checked(wish: &Description) -> Result<Description, CustomStatusRefusal> {
    let name = text::filled(&wish.name)
        .ok_or(CustomStatusRefusal::NameRequired)?
        .to_owned();
    if name.contains(['>', '<', '&', '"', '\'']) || limits::is_longer(&name, limits::NAME) {
        return Err(CustomStatusRefusal::InvalidName(
            text::cut(&name, limits::NAME).to_owned(),
        ));
    }
    Ok(Description {
        name,
        kind: wish.kind,
    })
}

impl Decider for CustomStatus {
    type State = Self;
    type Command = CustomStatusCommand;
    type Context<'a> = Authority<'a>;
    type Event = CustomStatusEvent;
    type Refusal = CustomStatusRefusal;

    fn decide(
        state: &Self,
        command: CustomStatusCommand,
        authority: &Authority<'_>,
    ) -> Result<Vec<CustomStatusEvent>, CustomStatusRefusal> {
        if !authority.has(Permission::MANAGE_USER_STATUS) {
            return Err(CustomStatusRefusal::NotAllowed);
        }
        match (command, state) {
            (
                CustomStatusCommand::Create {
                    id,
                    description,
                    at,
                },
                Self::Absent,
            ) => {
                let description = checked(&description)?;
                Ok(vec![
                    CustomStatusCreated {
                        id,
                        description,
                        at,
                    }
                    .into(),
                ])
            }
            (CustomStatusCommand::Create { .. }, Self::Present(_)) => {
                Err(CustomStatusRefusal::AlreadyExists)
            }
            (_, Self::Absent) => Err(CustomStatusRefusal::NotFound),
            (
                CustomStatusCommand::Change {
                    id,
                    description,
                    at,
                },
                Self::Present(now),
            ) => {
                let description = checked(&description)?;
                if description == *now {
                    return Ok(vec![]);
                }
                Ok(vec![
                    CustomStatusChanged {
                        id,
                        description,
                        at,
                    }
                    .into(),
                ])
            }
            (CustomStatusCommand::Delete { id, at }, Self::Present(_)) => {
                Ok(vec![CustomStatusDeleted { id, at }.into()])
            }
        }
    }

    fn evolve(_: Self, event: &CustomStatusEvent) -> Self {
        match event {
            CustomStatusEvent::CustomStatusCreated(event) => {
                Self::Present(event.description.clone())
            }
            CustomStatusEvent::CustomStatusChanged(event) => {
                Self::Present(event.description.clone())
            }
            CustomStatusEvent::CustomStatusDeleted(_) => Self::Absent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Stage, given};

    const AT: Timestamp = Timestamp::from_millis(3);

    fn called(name: &str) -> Description {
        Description {
            name: name.to_owned(),
            kind: Some(Status::Busy),
        }
    }

    fn create(name: &str) -> CustomStatusCommand {
        CustomStatusCommand::Create {
            id: "s".to_owned(),
            description: called(name),
            at: AT,
        }
    }

    fn change(name: &str) -> CustomStatusCommand {
        CustomStatusCommand::Change {
            id: "s".to_owned(),
            description: called(name),
            at: AT,
        }
    }

    fn delete() -> CustomStatusCommand {
        CustomStatusCommand::Delete {
            id: "s".to_owned(),
            at: AT,
        }
    }

    fn created(name: &str) -> CustomStatusEvent {
        CustomStatusCreated {
            id: "s".to_owned(),
            description: called(name),
            at: AT,
        }
        .into()
    }

    fn deleted() -> CustomStatusEvent {
        CustomStatusDeleted {
            id: "s".to_owned(),
            at: AT,
        }
        .into()
    }

    #[test]
    fn administrators_make_change_and_delete_them() {
        let stage = Stage::default().with_roles(&["admin"]);
        let admin = stage.authority();
        given::<CustomStatus>([])
            .when(create("  in a meeting "), &admin)
            .then([created("in a meeting")]);
        given::<CustomStatus>([created("x")])
            .when(change("x"), &admin)
            .then_nothing();
        let changed = CustomStatusChanged {
            id: "s".to_owned(),
            description: called("y"),
            at: AT,
        };
        given::<CustomStatus>([created("x")])
            .when(change("y"), &admin)
            .then([changed.into()]);
        given::<CustomStatus>([created("x")])
            .when(delete(), &admin)
            .then([deleted()]);
    }

    #[test]
    fn they_have_their_rules() {
        let (stage, user) = (Stage::default().with_roles(&["admin"]), Stage::default());
        let admin = stage.authority();
        given::<CustomStatus>([])
            .when(create("x"), &user.authority())
            .then_refused(CustomStatusRefusal::NotAllowed);
        given::<CustomStatus>([])
            .when(create(" "), &admin)
            .then_refused(CustomStatusRefusal::NameRequired);
        given::<CustomStatus>([created("x")])
            .when(change("a<b"), &admin)
            .then_refused(CustomStatusRefusal::InvalidName("a<b".to_owned()));
        given::<CustomStatus>([created("x")])
            .when(create("x"), &admin)
            .then_refused(CustomStatusRefusal::AlreadyExists);
        for command in [change("x"), delete()] {
            given::<CustomStatus>([created("x"), deleted()])
                .when(command, &admin)
                .then_refused(CustomStatusRefusal::NotFound);
        }
    }
}
