//! Unique names: whoever appends to the stream of a free name first owns it. The log itself is the lock.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::event::events;
use crate::{Category, Decider, StreamId, Timestamp};

/// What kind of name is claimed. Names of different kinds never collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameKind {
    /// A user name; unique without regard to case.
    Username,
    /// An e-mail address; unique without regard to case.
    Email,
    /// The name of a channel or group; unique with regard to case.
    RoomName,
    /// The name or an alias of an emoji; kept in one form only.
    Emoji,
    /// The name of a sound; unique without regard to case.
    Sound,
    /// The office of first administrator; its name is empty.
    FirstAdministrator,
    /// The name of a custom user status; unique with regard to case.
    CustomStatus,
    /// A user, a server and a name there, so that an account is added only once.
    WebdavAccount,
    /// The token of a mailed link, owned by the account. Tells whose a token is without a list of tokens.
    MailToken,
    /// The name of a role; unique with regard to case.
    RoleName,
    /// The address of an e-mail inbox of the workspace; unique without regard to case.
    EmailInbox,
}

impl NameKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
            Self::RoomName => "room",
            Self::Emoji => "emoji",
            Self::Sound => "sound",
            Self::FirstAdministrator => "first-administrator",
            Self::CustomStatus => "custom-status",
            Self::WebdavAccount => "webdav-account",
            Self::MailToken => "mail-token",
            Self::RoleName => "role",
            Self::EmailInbox => "email-inbox",
        }
    }
}

/// The stream of a name. The name enters as a digest: the envelope of an event names nobody.
pub fn stream(kind: NameKind, name: &str) -> StreamId {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let canonical = match kind {
        NameKind::Username | NameKind::Email | NameKind::Sound | NameKind::EmailInbox => {
            name.to_lowercase()
        }
        NameKind::RoomName
        | NameKind::Emoji
        | NameKind::FirstAdministrator
        | NameKind::CustomStatus
        | NameKind::WebdavAccount
        | NameKind::MailToken
        | NameKind::RoleName => name.to_owned(),
    };
    let digest = Sha256::digest(canonical.as_bytes());
    let mut id = String::from(kind.as_str());
    id.push('-');
    for byte in &digest[..16] {
        id.push(char::from(HEX[usize::from(byte >> 4)]));
        id.push(char::from(HEX[usize::from(byte & 15)]));
    }
    StreamId::new(Category::Claim, &id)
}

events! {
    /// What can happen to a name.
    ClaimEvent [kind: NameKind, owner: String] {
        NameClaimed = 1,
        NameReleased = 1,
    }
}

/// The name now belongs to `owner`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NameClaimed {
    pub kind: NameKind,
    /// The id of what has it: a user, a room, an emoji.
    pub owner: String,
    pub at: Timestamp,
}

/// The name is free again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NameReleased {
    pub kind: NameKind,
    pub owner: String,
    pub at: Timestamp,
}

/// Who owns the name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Claim {
    #[default]
    Free,
    /// By what has this id: a user, a room, an emoji.
    Owned(String),
}

/// What can be asked of a name.
#[derive(Clone, Debug)]
pub enum ClaimCommand {
    /// Taking what one owns changes nothing.
    Take {
        kind: NameKind,
        owner: String,
        at: Timestamp,
    },
    /// Giving up what one does not own changes nothing.
    Release {
        kind: NameKind,
        owner: String,
        at: Timestamp,
    },
}

/// The name belongs to another owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name is taken by {owner}")]
pub struct NameTaken {
    pub owner: String,
}

impl Decider for Claim {
    type State = Self;
    type Command = ClaimCommand;
    type Context<'a> = ();
    type Event = ClaimEvent;
    type Refusal = NameTaken;

    fn decide(state: &Self, command: ClaimCommand, (): &()) -> Result<Vec<ClaimEvent>, NameTaken> {
        match (command, state) {
            (ClaimCommand::Take { kind, owner, at }, Self::Free) => {
                Ok(vec![NameClaimed { kind, owner, at }.into()])
            }
            (ClaimCommand::Take { owner, .. }, Self::Owned(held)) if *held == owner => Ok(vec![]),
            (ClaimCommand::Take { .. }, Self::Owned(held)) => Err(NameTaken {
                owner: held.clone(),
            }),
            (ClaimCommand::Release { kind, owner, at }, Self::Owned(held)) if *held == owner => {
                Ok(vec![NameReleased { kind, owner, at }.into()])
            }
            (ClaimCommand::Release { .. }, _) => Ok(vec![]),
        }
    }

    fn evolve(_: Self, event: &ClaimEvent) -> Self {
        match event {
            ClaimEvent::NameClaimed(event) => Self::Owned(event.owner.clone()),
            ClaimEvent::NameReleased(_) => Self::Free,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::from_millis(1);
    const KIND: NameKind = NameKind::Username;

    fn take(owner: &str) -> ClaimCommand {
        ClaimCommand::Take {
            kind: KIND,
            owner: owner.to_owned(),
            at: AT,
        }
    }

    fn release(owner: &str) -> ClaimCommand {
        ClaimCommand::Release {
            kind: KIND,
            owner: owner.to_owned(),
            at: AT,
        }
    }

    fn claimed(owner: &str) -> ClaimEvent {
        NameClaimed {
            kind: KIND,
            owner: owner.to_owned(),
            at: AT,
        }
        .into()
    }

    fn released(owner: &str) -> ClaimEvent {
        NameReleased {
            kind: KIND,
            owner: owner.to_owned(),
            at: AT,
        }
        .into()
    }

    #[test]
    fn a_free_name_is_taken_once() {
        given::<Claim>([]).when(take("a"), &()).then([claimed("a")]);
        given::<Claim>([claimed("a")])
            .when(take("a"), &())
            .then_nothing();
        given::<Claim>([claimed("a")])
            .when(take("b"), &())
            .then_refused(NameTaken {
                owner: "a".to_owned(),
            });
    }

    #[test]
    fn only_its_owner_gives_a_name_up() {
        given::<Claim>([claimed("a")])
            .when(release("a"), &())
            .then([released("a")]);
        given::<Claim>([claimed("a")])
            .when(release("b"), &())
            .then_nothing();
        given::<Claim>([]).when(release("a"), &()).then_nothing();
        given::<Claim>([claimed("a"), released("a")])
            .when(take("b"), &())
            .then([claimed("b")]);
    }

    #[test]
    fn names_of_users_ignore_case_and_names_of_rooms_do_not() {
        assert_eq!(
            stream(NameKind::Username, "Bob"),
            stream(NameKind::Username, "bOB")
        );
        assert_ne!(
            stream(NameKind::RoomName, "Bob"),
            stream(NameKind::RoomName, "bob")
        );
        assert_ne!(
            stream(NameKind::Username, "bob"),
            stream(NameKind::Email, "bob")
        );
    }

    #[test]
    fn the_stream_of_a_name_is_a_storage_format() {
        let stream = stream(NameKind::RoomName, "general");
        assert_eq!(
            stream.as_str(),
            "claim-room-0feae16d55365acf07fe9f909834361b"
        );
    }

    proptest! {
        #[test]
        fn a_name_has_one_owner_at_a_time(steps in proptest::collection::vec((any::<bool>(), "[ab]"), 0..12)) {
            let (mut state, mut log) = (Claim::default(), Vec::new());
            for (takes, owner) in steps {
                let command = if takes { take(&owner) } else { release(&owner) };
                let held = state.clone();
                let Ok(events) = Claim::decide(&state, command.clone(), &()) else {
                    prop_assert!(held != Claim::Free && held != Claim::Owned(owner));
                    continue;
                };
                state = events.iter().fold(state, Claim::evolve);
                prop_assert_eq!(Claim::decide(&state, command, &()), Ok(vec![]), "asking again changes nothing");
                log.extend(events);
            }
            prop_assert_eq!(Claim::fold(&log), state);
        }
    }
}
