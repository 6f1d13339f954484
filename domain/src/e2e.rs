//! The key pair with which one user takes part in end-to-end encryption. The server keeps it and never looks inside:
//! the private key comes encrypted with a password only its owner knows. Keys of rooms are part of
//! [`crate::membership`] and [`crate::room`].
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::{Category, Decider, Sealed, StreamId, Timestamp, UserId};

/// The stream of a user's key pair.
pub fn stream(user: &UserId) -> StreamId {
    StreamId::new(Category::KeyPair, user.as_str())
}

events! {
    /// What can happen to a key pair.
    KeyPairEvent [user: UserId] {
        KeyPairSet = 1,
        KeyPairReset = 1,
    }
}

/// A user has a key pair, or another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyPairSet {
    pub user: UserId,
    /// As the clients write it.
    pub public_key: String,
    /// Encrypted by its owner, and sealed besides.
    pub private_key: Sealed,
    pub at: Timestamp,
}

/// A user has no key pair any more. What was encrypted for them, they cannot read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyPairReset {
    pub user: UserId,
    pub at: Timestamp,
}

/// Whether a user has a key pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyPair {
    pub present: bool,
}

/// What can be asked of a key pair. The door checks that its owner asks, or somebody who may reset keys.
#[derive(Clone, Debug)]
pub enum KeyPairCommand {
    /// A key pair that is there is replaced only with `force`.
    Set {
        pair: Box<KeyPairSet>,
        force: bool,
    },
    Reset {
        user: UserId,
        at: Timestamp,
    },
}

impl Decider for KeyPair {
    type State = Self;
    type Command = KeyPairCommand;
    type Context<'a> = ();
    type Event = KeyPairEvent;
    type Refusal = crate::decider::Never;

    fn decide(
        state: &Self,
        command: KeyPairCommand,
        (): &(),
    ) -> Result<Vec<KeyPairEvent>, Self::Refusal> {
        Ok(match command {
            KeyPairCommand::Set { pair, force } if force || !state.present => vec![(*pair).into()],
            KeyPairCommand::Reset { user, at } if state.present => {
                vec![KeyPairReset { user, at }.into()]
            }
            KeyPairCommand::Set { .. } | KeyPairCommand::Reset { .. } => vec![],
        })
    }

    fn evolve(_: Self, event: &KeyPairEvent) -> Self {
        Self {
            present: matches!(event, KeyPairEvent::KeyPairSet(_)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    const AT: Timestamp = Timestamp::from_millis(4);

    fn pair(key: &str) -> KeyPairSet {
        KeyPairSet {
            user: UserId::new("me"),
            public_key: key.to_owned(),
            private_key: Sealed::new("sealed"),
            at: AT,
        }
    }

    fn set(key: &str, force: bool) -> KeyPairCommand {
        KeyPairCommand::Set {
            pair: Box::new(pair(key)),
            force,
        }
    }

    fn reset() -> KeyPairCommand {
        KeyPairCommand::Reset {
            user: UserId::new("me"),
            at: AT,
        }
    }

    #[test]
    fn a_pair_is_replaced_only_on_purpose() {
        given::<KeyPair>([])
            .when(set("a", false), &())
            .then([pair("a").into()]);
        given::<KeyPair>([pair("a").into()])
            .when(set("b", false), &())
            .then_nothing();
        given::<KeyPair>([pair("a").into()])
            .when(set("b", true), &())
            .then([pair("b").into()]);
    }

    #[test]
    fn a_pair_can_be_forgotten() {
        let gone = KeyPairReset {
            user: UserId::new("me"),
            at: AT,
        };
        given::<KeyPair>([pair("a").into()])
            .when(reset(), &())
            .then([gone.clone().into()]);
        given::<KeyPair>([]).when(reset(), &()).then_nothing();
        given::<KeyPair>([pair("a").into(), gone.into()])
            .when(set("b", false), &())
            .then([pair("b").into()]);
    }
}
