//! The picture of one user or one room.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::permission::{Authority, Permission};
use crate::settings::{Settings, keys};
use crate::{Category, Decider, RoomId, StoredFile, StreamId, Timestamp, UserId};

/// Longest name of the place a picture came from, in characters.
pub const LONGEST_ORIGIN: usize = 64;

/// Whose picture it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AvatarOwner {
    User(UserId),
    Room(RoomId),
}

impl AvatarOwner {
    /// `user-<id>` or `room-<id>`.
    pub fn key(&self) -> String {
        match self {
            Self::User(user) => format!("user-{user}"),
            Self::Room(room) => format!("room-{room}"),
        }
    }
}

/// The stream of a picture.
pub fn stream(owner: &AvatarOwner) -> StreamId {
    StreamId::new(Category::Avatar, &owner.key())
}

events! {
    /// What can happen to a picture.
    AvatarEvent [owner: AvatarOwner] {
        AvatarSet = 1,
        AvatarReset = 1,
    }
}

/// The owner has this picture from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AvatarSet {
    pub owner: AvatarOwner,
    /// Where it came from: `url`, `rest`, `upload` or the name of a service (contract, conventions 5.1).
    pub origin: String,
    pub file: StoredFile,
    pub at: Timestamp,
}

/// The owner has no picture of their own any more, only the letter of their name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AvatarReset {
    pub owner: AvatarOwner,
    /// `true`: the letter was chosen as the picture; `false`: the picture was given up.
    #[serde(default)]
    pub letters: bool,
    pub at: Timestamp,
}

/// What the owner is shown with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Avatar {
    /// Nothing was ever chosen.
    #[default]
    Unset,
    /// The letter of the name, by choice.
    Letters,
    Picture(StoredFile),
}

/// What can be asked of a picture.
#[derive(Clone, Debug)]
pub enum AvatarCommand {
    Set(Box<AvatarSet>),
    /// Set the picture unless the owner has chosen something already.
    Offer(Box<AvatarSet>),
    Reset {
        owner: AvatarOwner,
        letters: bool,
        at: Timestamp,
    },
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum AvatarContext<'a> {
    /// The server itself: a directory it follows, or the end of an account.
    System,
    /// A user; for a room's picture with the roles held in that room.
    User {
        authority: Authority<'a>,
        settings: &'a Settings,
    },
}

/// Why a picture stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AvatarRefusal {
    #[error("pictures cannot be changed")]
    NotAllowed,
    #[error("not allowed to change the picture of another")]
    NotYours,
    #[error("not allowed to change the picture of the room")]
    NotInThisRoom,
    #[error("there is a picture already")]
    AlreadyChosen,
    /// The origin is not the name of a service.
    #[error("no such service")]
    UnknownOrigin,
}

/// Whether the actor may change the picture of `owner` (contract, conventions 7.3).
pub fn check(owner: &AvatarOwner, context: &AvatarContext<'_>) -> Result<(), AvatarRefusal> {
    let AvatarContext::User {
        authority,
        settings,
    } = context
    else {
        return Ok(());
    };
    match owner {
        AvatarOwner::User(user) => {
            let others = authority.has(Permission::EDIT_OTHER_USER_AVATAR);
            if others {
                Ok(())
            } else if !settings.bool(keys::ACCOUNTS_ALLOW_USER_AVATAR_CHANGE) {
                Err(AvatarRefusal::NotAllowed)
            } else if user == authority.actor {
                Ok(())
            } else {
                Err(AvatarRefusal::NotYours)
            }
        }
        AvatarOwner::Room(_) if authority.has_in_room(Permission::EDIT_ROOM_AVATAR) => Ok(()),
        AvatarOwner::Room(_) => Err(AvatarRefusal::NotInThisRoom),
    }
}

impl Decider for Avatar {
    type State = Self;
    type Command = AvatarCommand;
    type Context<'a> = AvatarContext<'a>;
    type Event = AvatarEvent;
    type Refusal = AvatarRefusal;

    fn decide(
        state: &Self,
        command: AvatarCommand,
        context: &AvatarContext<'_>,
    ) -> Result<Vec<AvatarEvent>, AvatarRefusal> {
        match command {
            AvatarCommand::Offer(_) if *state != Self::Unset => Err(AvatarRefusal::AlreadyChosen),
            AvatarCommand::Set(set) | AvatarCommand::Offer(set) => {
                check(&set.owner, context)?;
                let length = set.origin.chars().count();
                if length == 0 || length > LONGEST_ORIGIN {
                    return Err(AvatarRefusal::UnknownOrigin);
                }
                Ok(vec![(*set).into()])
            }
            AvatarCommand::Reset { owner, letters, at } => {
                check(&owner, context)?;
                let already = match state {
                    Self::Unset => !letters,
                    Self::Letters => letters,
                    Self::Picture(_) => false,
                };
                Ok(if already {
                    vec![]
                } else {
                    vec![AvatarReset { owner, letters, at }.into()]
                })
            }
        }
    }

    fn evolve(_: Self, event: &AvatarEvent) -> Self {
        match event {
            AvatarEvent::AvatarSet(event) => Self::Picture(event.file.clone()),
            AvatarEvent::AvatarReset(event) if event.letters => Self::Letters,
            AvatarEvent::AvatarReset(_) => Self::Unset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Stage, given};
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::from_millis(1);

    fn mine() -> AvatarOwner {
        AvatarOwner::User(UserId::new("me"))
    }

    fn yours() -> AvatarOwner {
        AvatarOwner::User(UserId::new("you"))
    }

    fn picture(owner: AvatarOwner, id: &str) -> AvatarSet {
        AvatarSet {
            owner,
            origin: "rest".to_owned(),
            file: StoredFile {
                id: id.to_owned(),
                sha256: "00".to_owned(),
                content_type: "image/png".to_owned(),
                size: 3,
            },
            at: AT,
        }
    }

    fn set(owner: AvatarOwner, id: &str) -> AvatarCommand {
        AvatarCommand::Set(Box::new(picture(owner, id)))
    }

    fn reset(owner: AvatarOwner, letters: bool) -> AvatarCommand {
        AvatarCommand::Reset {
            owner,
            letters,
            at: AT,
        }
    }

    fn context(stage: &Stage) -> AvatarContext<'_> {
        AvatarContext::User {
            authority: stage.authority(),
            settings: &stage.settings,
        }
    }

    #[test]
    fn people_change_their_own_picture() {
        let stage = Stage::default();
        given::<Avatar>([])
            .when(set(mine(), "a"), &context(&stage))
            .then([picture(mine(), "a").into()]);
        given::<Avatar>([picture(mine(), "a").into()])
            .when(reset(mine(), false), &context(&stage))
            .then([AvatarReset {
                owner: mine(),
                letters: false,
                at: AT,
            }
            .into()]);
        given::<Avatar>([])
            .when(reset(mine(), false), &context(&stage))
            .then_nothing();
        given::<Avatar>([])
            .when(reset(mine(), true), &context(&stage))
            .then([AvatarReset {
                owner: mine(),
                letters: true,
                at: AT,
            }
            .into()]);
    }

    #[test]
    fn where_pictures_are_fixed_only_administrators_change_them() {
        let stage = Stage::default().setting("Accounts_AllowUserAvatarChange", false);
        given::<Avatar>([])
            .when(set(mine(), "a"), &context(&stage))
            .then_refused(AvatarRefusal::NotAllowed);
        let admin = stage.with_roles(&["admin"]);
        given::<Avatar>([])
            .when(set(yours(), "a"), &context(&admin))
            .then([picture(yours(), "a").into()]);
    }

    #[test]
    fn the_pictures_of_others_need_a_right() {
        let stage = Stage::default();
        given::<Avatar>([])
            .when(set(yours(), "a"), &context(&stage))
            .then_refused(AvatarRefusal::NotYours);
        given::<Avatar>([])
            .when(set(yours(), "a"), &AvatarContext::System)
            .then([picture(yours(), "a").into()]);
    }

    #[test]
    fn the_picture_of_a_room_needs_a_role_in_it() {
        let room = AvatarOwner::Room(RoomId::new("room"));
        let member = Stage::default();
        given::<Avatar>([])
            .when(set(room.clone(), "a"), &context(&member))
            .then_refused(AvatarRefusal::NotInThisRoom);
        let owner = member.with_room_roles(&["owner"]);
        given::<Avatar>([])
            .when(set(room.clone(), "a"), &context(&owner))
            .then([picture(room, "a").into()]);
    }

    #[test]
    fn an_offer_takes_nobodys_place() {
        let offer = || AvatarCommand::Offer(Box::new(picture(mine(), "new")));
        let system = AvatarContext::System;
        given::<Avatar>([])
            .when(offer(), &system)
            .then([picture(mine(), "new").into()]);
        let letters = AvatarReset {
            owner: mine(),
            letters: true,
            at: AT,
        };
        for before in [letters.into(), AvatarEvent::from(picture(mine(), "old"))] {
            given::<Avatar>([before])
                .when(offer(), &system)
                .then_refused(AvatarRefusal::AlreadyChosen);
        }
    }

    #[test]
    fn a_picture_comes_from_somewhere() {
        let mut long = picture(mine(), "a");
        long.origin = "x".repeat(LONGEST_ORIGIN + 1);
        given::<Avatar>([])
            .when(AvatarCommand::Set(Box::new(long)), &AvatarContext::System)
            .then_refused(AvatarRefusal::UnknownOrigin);
    }

    proptest! {
        #[test]
        fn resetting_twice_changes_nothing(steps in proptest::collection::vec((any::<bool>(), any::<bool>()), 0..10)) {
            let mut state = Avatar::default();
            for (sets, letters) in steps {
                let command = if sets { set(mine(), "a") } else { reset(mine(), letters) };
                let events = Avatar::decide(&state, command, &AvatarContext::System)?;
                state = events.iter().fold(state, Avatar::evolve);
                if !sets {
                    let again = Avatar::decide(&state, reset(mine(), letters), &AvatarContext::System);
                    prop_assert_eq!(again, Ok(vec![]));
                }
            }
        }
    }
}
