//! Subscriptions to the record: a question whose place the log itself keeps, for programs that are told what happens and
//! acknowledge what they have handled.
//!
//! The checkpoint must outlive every node, so it is in the log. And whoever reads the record leaves a trace, so the two
//! are one event: [`SubscriptionRead`] says what was acknowledged and what was then handed out.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::audit::{RecordReader, Shown};
use crate::event::events;
use crate::limits;
use crate::{Category, Decider, RoomId, StreamId, Timestamp, UserId};

/// How many subscriptions there may be in a workspace.
pub const MOST_SUBSCRIPTIONS: usize = 100;

/// The most characters of a text that messages are searched for.
pub const LONGEST_TEXT: usize = 1_000;

/// The most characters of a name.
pub const LONGEST_NAME: usize = 64;

/// What a subscription is called: letters and digits of ASCII, `.`, `_` and `-`, of which the first is a letter or a
/// digit. A recorded name is whatever it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubscriptionName(String);

impl SubscriptionName {
    /// What somebody typed, if it is a name.
    pub fn parse(typed: &str) -> Result<Self, SubscriptionRefusal> {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let begins = typed
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        if begins && typed.len() <= LONGEST_NAME && typed.bytes().all(inner) {
            Ok(Self(typed.to_owned()))
        } else {
            Err(SubscriptionRefusal::InvalidName)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SubscriptionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The stream of a subscription. One that ended and one of the same name that began later share it.
pub fn stream(name: &SubscriptionName) -> StreamId {
    StreamId::new(Category::Subscription, name.as_str())
}

/// A position of the log up to which something is done, with it. Zero: nothing is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UpTo(u64);

impl UpTo {
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for UpTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which events a subscription is of. Names were made ids when it began, so that a room that is called otherwise is still
/// the same. Of each list any one is enough; an empty list asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<RoomId>,
    /// What they did, and what concerns them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserId>,
    /// What they did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<UserId>,
    /// Names of events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Kinds of stream.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Messages that contain this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// As programs ask for it, with ids: `room=a,b type=MessagePosted`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn joined<T: fmt::Display>(list: &[T]) -> Option<String> {
            let all: Vec<_> = list.iter().map(ToString::to_string).collect();
            (!all.is_empty()).then(|| all.join(","))
        }
        let parts = [
            ("room", joined(&self.rooms)),
            ("user", joined(&self.users)),
            ("actor", joined(&self.actors)),
            ("type", joined(&self.types)),
            ("category", joined(&self.categories)),
            ("stream", self.stream.clone()),
            ("text", self.text.as_ref().map(|text| format!("{text:?}"))),
        ];
        let told = parts.into_iter();
        let told = told.filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        let told: Vec<_> = told.collect();
        if told.is_empty() {
            return f.write_str("everything");
        }
        f.write_str(&told.join(" "))
    }
}

events! {
    /// What can happen to a subscription.
    SubscriptionEvent [subscription: SubscriptionName] {
        SubscriptionBegun = 1,
        SubscriptionRead = 1,
        SubscriptionAcknowledged = 1,
        SubscriptionEnded = 1,
    }
}

/// Somebody wants to be told of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionBegun {
    pub subscription: SubscriptionName,
    /// Who alone reads and acknowledges.
    pub owner: UserId,
    pub subject: Subject,
    /// The events behind this are meant.
    pub after: UpTo,
    /// It may name private rooms.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private_rooms: bool,
    pub at: Timestamp,
}

/// Events were handed out, and what was handed out before may have been acknowledged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionRead {
    pub subscription: SubscriptionName,
    /// The checkpoint from now on: what lies up to here is not handed out again.
    pub acknowledged: UpTo,
    /// What was looked at for this answer. Whoever has handled it acknowledges this.
    pub upto: UpTo,
    pub shown: Shown,
    /// Private rooms were shown too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private_rooms: bool,
    pub at: Timestamp,
}

/// What was handed out was handled, and no more was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionAcknowledged {
    pub subscription: SubscriptionName,
    /// The checkpoint from now on.
    pub acknowledged: UpTo,
    pub at: Timestamp,
}

/// A subscription is no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionEnded {
    pub subscription: SubscriptionName,
    pub by: RecordReader,
    pub at: Timestamp,
}

impl SubscriptionEvent {
    /// Whether it tells of private rooms.
    pub fn tells_of_private_rooms(&self) -> bool {
        match self {
            Self::SubscriptionBegun(begun) => begun.private_rooms,
            Self::SubscriptionRead(read) => read.private_rooms,
            Self::SubscriptionAcknowledged(_) | Self::SubscriptionEnded(_) => false,
        }
    }

    /// The rooms that were asked for, or shown.
    pub fn rooms(&self) -> &[RoomId] {
        match self {
            Self::SubscriptionBegun(begun) => &begun.subject.rooms,
            Self::SubscriptionRead(read) => &read.shown.rooms,
            Self::SubscriptionAcknowledged(_) | Self::SubscriptionEnded(_) => &[],
        }
    }

    /// The names of those that reading leaves. No subscription is shown them: two would tell each other of each other for
    /// ever.
    pub const LEFT_BY_READING: [&'static str; 2] = ["SubscriptionRead", "SubscriptionAcknowledged"];
}

/// A subscription that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// How many of the same name began before, and this one: what was looked for on behalf of one that ended is not handed
    /// out to the next.
    pub life: u64,
    /// When it began. With [`life`](Self::life) this tells it from one of the same name in another history of the log.
    pub begun_at: Timestamp,
    pub owner: UserId,
    pub subject: Subject,
    /// The subject may name private rooms.
    pub private_rooms: bool,
    /// Where it began.
    pub after: UpTo,
    /// The checkpoint.
    pub acknowledged: UpTo,
    /// The most that was ever handed out.
    pub handed_out: UpTo,
}

/// What decisions about a subscription need of its past. A view keeps it, because the stream of a subscription gets long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    lives: u64,
    open: Option<Open>,
}

impl Subscription {
    /// The subscription, if it goes on.
    pub fn open(&self) -> Option<&Open> {
        self.open.as_ref()
    }

    /// The subscription, for somebody who is to read it.
    pub fn of(&self, reader: &UserId) -> Result<&Open, SubscriptionRefusal> {
        let open = self.open.as_ref().ok_or(SubscriptionRefusal::NotFound)?;
        if open.owner == *reader {
            Ok(open)
        } else {
            Err(SubscriptionRefusal::NotOwner)
        }
    }
}

impl Open {
    /// The same, if it is the one that was meant, and not one of the same name that began after its end.
    pub fn living(&self, life: u64) -> Result<&Self, SubscriptionRefusal> {
        let same = self.life == life;
        same.then_some(self)
            .ok_or(SubscriptionRefusal::OtherHistory)
    }

    /// The checkpoint once a position is acknowledged. To acknowledge it twice changes nothing; `None` acknowledges
    /// nothing.
    pub fn acknowledging(&self, position: Option<UpTo>) -> Result<UpTo, SubscriptionRefusal> {
        let position = position.unwrap_or(self.acknowledged);
        if position < self.acknowledged {
            return Err(SubscriptionRefusal::Backwards {
                position,
                checkpoint: self.acknowledged,
            });
        }
        if position > self.handed_out {
            return Err(SubscriptionRefusal::NotHandedOut {
                position,
                handed_out: self.handed_out,
            });
        }
        Ok(position)
    }
}

/// Who asks, and what there is. Whether they may read the record was checked before.
#[derive(Clone, Debug)]
pub struct SubscriptionContext<'a> {
    pub actor: &'a UserId,
    /// They may end what others began.
    pub looks_after_all: bool,
    /// How many subscriptions there are, as far as is known.
    pub subscriptions: usize,
}

/// What can be asked of a subscription.
#[derive(Clone, Debug)]
pub enum SubscriptionCommand {
    /// For the actor.
    Begin {
        name: SubscriptionName,
        subject: Subject,
        after: UpTo,
        private_rooms: bool,
        at: Timestamp,
    },
    /// Hands out what was found for [`Open::life`] behind the checkpoint.
    Read {
        name: SubscriptionName,
        life: u64,
        acknowledge: Option<UpTo>,
        upto: UpTo,
        shown: Shown,
        private_rooms: bool,
        at: Timestamp,
    },
    /// Moves the checkpoint of [`Open::life`].
    Acknowledge {
        name: SubscriptionName,
        life: u64,
        position: UpTo,
        at: Timestamp,
    },
    End {
        name: SubscriptionName,
        by: RecordReader,
        at: Timestamp,
    },
}

/// Why a subscription stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionRefusal {
    #[error(
        "the name of a subscription has 1 to {LONGEST_NAME} letters, digits, `.`, `_` and `-`, and begins with a letter or a digit"
    )]
    InvalidName,
    #[error(
        "there are {MOST_SUBSCRIPTIONS} subscriptions, which is the most; end one that nobody needs"
    )]
    TooMany,
    #[error("the text that a subscription looks for has {LONGEST_TEXT} characters at most")]
    LongText,
    #[error("there is no such subscription")]
    NotFound,
    #[error("the subscription is somebody else's")]
    NotOwner,
    #[error(
        "there is a subscription of that name to {kept} behind position {after}, and this asks for {asked} behind position \
         {asked_after}: ask the same, by its ids if names have moved, end that one first, or choose another name"
    )]
    OtherQuestion {
        kept: Box<Subject>,
        after: UpTo,
        asked: Box<Subject>,
        asked_after: UpTo,
    },
    #[error(
        "position {position} cannot be acknowledged: everything up to {checkpoint} was acknowledged before, and is not handed out again"
    )]
    Backwards { position: UpTo, checkpoint: UpTo },
    #[error(
        "position {position} cannot be acknowledged: nothing behind {handed_out} was handed out yet"
    )]
    NotHandedOut { position: UpTo, handed_out: UpTo },
    #[error(
        "what is acknowledged was handed out in another history: the record was restored from a backup or is a copy, or the subscription was ended and begun anew since"
    )]
    OtherHistory,
}

impl Decider for Subscription {
    type State = Self;
    type Command = SubscriptionCommand;
    type Context<'a> = SubscriptionContext<'a>;
    type Event = SubscriptionEvent;
    type Refusal = SubscriptionRefusal;

    /// It holds what one event said when it began, and numbers, however many events there are.
    const LARGEST_STATE: usize = Category::Subscription.largest_event();

    fn decide(
        state: &Self,
        command: SubscriptionCommand,
        context: &SubscriptionContext<'_>,
    ) -> Result<Vec<SubscriptionEvent>, SubscriptionRefusal> {
        match command {
            SubscriptionCommand::Begin {
                name,
                subject,
                after,
                private_rooms,
                at,
            } => {
                let begun = SubscriptionBegun {
                    subscription: name,
                    owner: context.actor.clone(),
                    subject,
                    after,
                    private_rooms,
                    at,
                };
                begin(state, begun, context)
            }
            SubscriptionCommand::Read {
                name,
                life,
                acknowledge,
                upto,
                shown,
                private_rooms,
                at,
            } => {
                let open = state.of(context.actor)?.living(life)?;
                let acknowledged = open.acknowledging(acknowledge)?;
                let read = SubscriptionRead {
                    subscription: name,
                    acknowledged,
                    upto,
                    shown,
                    private_rooms,
                    at,
                };
                Ok(vec![read.into()])
            }
            SubscriptionCommand::Acknowledge {
                name,
                life,
                position,
                at,
            } => {
                let open = state.of(context.actor)?.living(life)?;
                let acknowledged = open.acknowledging(Some(position))?;
                let moved = acknowledged != open.acknowledged;
                let event = SubscriptionAcknowledged {
                    subscription: name,
                    acknowledged,
                    at,
                };
                Ok(moved.then(|| event.into()).into_iter().collect())
            }
            SubscriptionCommand::End { name, by, at } => {
                if !context.looks_after_all {
                    state.of(context.actor)?;
                }
                if state.open.is_none() {
                    return Err(SubscriptionRefusal::NotFound);
                }
                let event = SubscriptionEnded {
                    subscription: name,
                    by,
                    at,
                };
                Ok(vec![event.into()])
            }
        }
    }

    fn evolve(mut state: Self, event: &SubscriptionEvent) -> Self {
        match event {
            SubscriptionEvent::SubscriptionBegun(begun) => {
                state.lives = state.lives.saturating_add(1);
                state.open = Some(Open {
                    life: state.lives,
                    begun_at: begun.at,
                    owner: begun.owner.clone(),
                    subject: begun.subject.clone(),
                    private_rooms: begun.private_rooms,
                    after: begun.after,
                    acknowledged: begun.after,
                    handed_out: begun.after,
                });
            }
            SubscriptionEvent::SubscriptionRead(read) => {
                if let Some(open) = &mut state.open {
                    open.acknowledged = read.acknowledged;
                    open.handed_out = open.handed_out.max(read.upto);
                }
            }
            SubscriptionEvent::SubscriptionAcknowledged(event) => {
                if let Some(open) = &mut state.open {
                    open.acknowledged = event.acknowledged;
                }
            }
            SubscriptionEvent::SubscriptionEnded(_) => state.open = None,
        }
        state
    }
}

fn begin(
    state: &Subscription,
    begun: SubscriptionBegun,
    context: &SubscriptionContext<'_>,
) -> Result<Vec<SubscriptionEvent>, SubscriptionRefusal> {
    let text = begun.subject.text.as_deref().unwrap_or_default();
    if limits::is_longer(text, LONGEST_TEXT) {
        return Err(SubscriptionRefusal::LongText);
    }
    match &state.open {
        None if context.subscriptions >= MOST_SUBSCRIPTIONS => Err(SubscriptionRefusal::TooMany),
        None => Ok(vec![begun.into()]),
        Some(open) if open.owner != begun.owner => Err(SubscriptionRefusal::NotOwner),
        Some(open) if open.subject != begun.subject || open.after != begun.after => {
            Err(SubscriptionRefusal::OtherQuestion {
                kept: Box::new(open.subject.clone()),
                after: open.after,
                asked: Box::new(begun.subject),
                asked_after: begun.after,
            })
        }
        Some(_) => Ok(vec![]),
    }
}

#[cfg(test)]
mod tests;
