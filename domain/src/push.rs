//! One device that wants to be notified of messages (contract, admin 10.1). Its address at the push service is sealed;
//! a fingerprint tells whether two records are of the same device.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::{Category, Decider, Sealed, StreamId, Timestamp, TokenHash, UserId};

/// The stream of a device's record.
pub fn stream(id: &str) -> StreamId {
    StreamId::new(Category::Push, id)
}

events! {
    /// What can happen to a record.
    PushEvent {
        PushTokenRegistered = 1,
        PushTokenRemoved = 1,
    }
}

/// Which push service reaches a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    Apn,
    Gcm,
}

impl Platform {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apn => "apn",
            Self::Gcm => "gcm",
        }
    }

    /// The platform of that name on the wire.
    pub fn find(name: &str) -> Option<Self> {
        [Self::Apn, Self::Gcm]
            .into_iter()
            .find(|platform| platform.as_str() == name)
    }
}

/// The device wants to be notified, as long as its login lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushTokenRegistered {
    pub id: String,
    pub user: UserId,
    pub platform: Platform,
    /// The address of the device at the push service.
    pub token: Sealed,
    /// Hash of the address.
    pub fingerprint: TokenHash,
    pub app_name: String,
    /// Hash of the login token of the device.
    pub session: TokenHash,
    pub at: Timestamp,
}

/// The device does not want to be notified any more, or is known by another record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushTokenRemoved {
    pub id: String,
    pub at: Timestamp,
}

/// The record, if there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Push {
    pub registered: Option<PushTokenRegistered>,
}

/// What can be asked of a record.
#[derive(Clone, Debug)]
pub enum PushCommand {
    /// Adds or renews the record.
    Register(Box<PushTokenRegistered>),
    /// Changes nothing if there is no record.
    Remove { id: String, at: Timestamp },
}

/// Why a record stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushRefusal {
    #[error("the record belongs to somebody else")]
    NotYours,
}

impl Decider for Push {
    type State = Self;
    type Command = PushCommand;
    type Context<'a> = ();
    type Event = PushEvent;
    type Refusal = PushRefusal;

    fn decide(state: &Self, command: PushCommand, (): &()) -> Result<Vec<PushEvent>, PushRefusal> {
        match (command, &state.registered) {
            (PushCommand::Register(wish), Some(before)) if before.user != wish.user => {
                Err(PushRefusal::NotYours)
            }
            (PushCommand::Register(wish), _) => Ok(vec![(*wish).into()]),
            (PushCommand::Remove { id, at }, Some(_)) => {
                Ok(vec![PushTokenRemoved { id, at }.into()])
            }
            (PushCommand::Remove { .. }, None) => Ok(vec![]),
        }
    }

    fn evolve(_: Self, event: &PushEvent) -> Self {
        let registered = match event {
            PushEvent::PushTokenRegistered(event) => Some(event.clone()),
            PushEvent::PushTokenRemoved(_) => None,
        };
        Self { registered }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;
    use proptest::prelude::*;

    fn registered(user: &str, at: i64) -> PushTokenRegistered {
        PushTokenRegistered {
            id: "p".to_owned(),
            user: UserId::new(user),
            platform: Platform::Gcm,
            token: Sealed::new("sealed"),
            fingerprint: TokenHash::new("f"),
            app_name: "app".to_owned(),
            session: TokenHash::new("s"),
            at: Timestamp::from_millis(at),
        }
    }

    fn register(user: &str, at: i64) -> PushCommand {
        PushCommand::Register(Box::new(registered(user, at)))
    }

    fn removal() -> (PushCommand, PushEvent) {
        let (id, at) = ("p".to_owned(), Timestamp::from_millis(9));
        (
            PushCommand::Remove { id: id.clone(), at },
            PushTokenRemoved { id, at }.into(),
        )
    }

    #[test]
    fn devices_come_again_and_go() {
        given::<Push>([])
            .when(register("ada", 1), &())
            .then([registered("ada", 1).into()]);
        let there = || given::<Push>([registered("ada", 1).into()]);
        there()
            .when(register("ada", 2), &())
            .then([registered("ada", 2).into()]);
        there()
            .when(register("bob", 2), &())
            .then_refused(PushRefusal::NotYours);
        let (remove, removed) = removal();
        there().when(remove.clone(), &()).then([removed]);
        given::<Push>([]).when(remove, &()).then_nothing();
    }

    proptest! {
        #[test]
        fn a_record_never_changes_hands(steps in proptest::collection::vec("ada|bob|-", 0..12)) {
            let mut state = Push::default();
            for step in steps {
                let owner = state.registered.as_ref().map(|record| record.user.clone());
                let command = if step == "-" { removal().0 } else { register(&step, 1) };
                let Ok(events) = Push::decide(&state, command, &()) else { continue };
                state = events.iter().fold(state, Push::evolve);
                if let (Some(owner), Some(now)) = (owner, &state.registered) {
                    prop_assert_eq!(owner, now.user.clone());
                }
            }
        }
    }
}
