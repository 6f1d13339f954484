//! Whether somebody is there. Connections come and go without an event. Only what people *choose* to be shown as is
//! recorded, and this module says how the two make what others see (contract, conventions 9).
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::permission::{Authority, Permission};
use crate::settings::{Settings, keys};
use crate::{Category, Decider, StreamId, Timestamp, UserId};

/// The stream of what a user chooses to be shown as.
pub fn stream(user: &UserId) -> StreamId {
    StreamId::new(Category::Presence, user.as_str())
}

/// What somebody is shown as.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    #[default]
    Online,
    /// There a while ago.
    Away,
    /// There, and not to be disturbed.
    Busy,
    Offline,
}

impl Status {
    /// Every status there is.
    pub const ALL: [Self; 4] = [Self::Online, Self::Away, Self::Busy, Self::Offline];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Busy => "busy",
            Self::Offline => "offline",
        }
    }

    /// The status of that name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// What one connection says of the person behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Activity {
    Active,
    /// They have done nothing for a while.
    Idle,
}

/// What all connections of a user say together: online if any is active, else away if there is any, else offline.
pub fn connected(connections: impl IntoIterator<Item = Activity>) -> Status {
    connections
        .into_iter()
        .fold(Status::Offline, |status, activity| {
            match (status, activity) {
                (Status::Online, _) | (_, Activity::Active) => Status::Online,
                _ => Status::Away,
            }
        })
}

/// What others see: nobody is there without a connection, and whoever is there is shown as they chose.
pub const fn shown(connected: Status, chosen: Status) -> Status {
    match (connected, chosen) {
        (Status::Offline, _) => Status::Offline,
        (_, Status::Online) => connected,
        (_, chosen) => chosen,
    }
}

events! {
    /// What can happen to a choice.
    PresenceEvent [user: UserId] {
        StatusChosen = 1,
    }
}

/// A user chose what to be shown as while they are there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusChosen {
    pub user: UserId,
    pub status: Status,
    pub at: Timestamp,
}

/// What a user chose; online until they choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice(pub Status);

/// Choose what to be shown as.
#[derive(Clone, Debug)]
pub struct ChooseStatus {
    pub user: UserId,
    pub status: Status,
    pub at: Timestamp,
}

/// What the rules need to know from elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct ChoiceContext<'a> {
    pub authority: Authority<'a>,
    pub settings: &'a Settings,
}

/// Why a choice is refused (contract, conventions 7.3 `users.setStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceRefusal {
    /// `edit-other-user-info` is missing (403).
    #[error("not allowed to choose for others")]
    EditOtherNotAllowed,
    /// `Accounts_AllowInvisibleStatusOption` is off (`error-status-not-allowed`).
    #[error("nobody may be invisible")]
    InvisibleNotAllowed,
}

impl Decider for Choice {
    type State = Self;
    type Command = ChooseStatus;
    type Context<'a> = ChoiceContext<'a>;
    type Event = PresenceEvent;
    type Refusal = ChoiceRefusal;

    fn decide(
        state: &Self,
        command: ChooseStatus,
        context: &ChoiceContext<'_>,
    ) -> Result<Vec<PresenceEvent>, ChoiceRefusal> {
        let authority = &context.authority;
        if *authority.actor != command.user && !authority.has(Permission::EDIT_OTHER_USER_INFO) {
            return Err(ChoiceRefusal::EditOtherNotAllowed);
        }
        if command.status == Status::Offline
            && !context
                .settings
                .bool(keys::ACCOUNTS_ALLOW_INVISIBLE_STATUS_OPTION)
        {
            return Err(ChoiceRefusal::InvisibleNotAllowed);
        }
        if state.0 == command.status {
            return Ok(vec![]);
        }
        Ok(vec![
            StatusChosen {
                user: command.user,
                status: command.status,
                at: command.at,
            }
            .into(),
        ])
    }

    fn evolve(_: Self, event: &PresenceEvent) -> Self {
        let PresenceEvent::StatusChosen(event) = event;
        Self(event.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Stage, given};
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::from_millis(9);

    fn choose(status: Status) -> ChooseStatus {
        ChooseStatus {
            user: UserId::new("me"),
            status,
            at: AT,
        }
    }

    fn chosen(status: Status) -> PresenceEvent {
        StatusChosen {
            user: UserId::new("me"),
            status,
            at: AT,
        }
        .into()
    }

    fn context(stage: &Stage) -> ChoiceContext<'_> {
        ChoiceContext {
            authority: stage.authority(),
            settings: &stage.settings,
        }
    }

    #[test]
    fn people_choose_for_themselves() {
        let stage = Stage::default();
        given::<Choice>([])
            .when(choose(Status::Busy), &context(&stage))
            .then([chosen(Status::Busy)]);
        given::<Choice>([chosen(Status::Busy)])
            .when(choose(Status::Busy), &context(&stage))
            .then_nothing();
        given::<Choice>([])
            .when(choose(Status::Online), &context(&stage))
            .then_nothing();
    }

    #[test]
    fn choosing_for_others_needs_a_permission() {
        let stranger = Stage::default().by("you");
        given::<Choice>([])
            .when(choose(Status::Away), &context(&stranger))
            .then_refused(ChoiceRefusal::EditOtherNotAllowed);
        let admin = stranger.with_roles(&["admin"]);
        given::<Choice>([])
            .when(choose(Status::Away), &context(&admin))
            .then([chosen(Status::Away)]);
    }

    #[test]
    fn being_invisible_can_be_forbidden() {
        let stage = Stage::default();
        given::<Choice>([])
            .when(choose(Status::Offline), &context(&stage))
            .then([chosen(Status::Offline)]);
        let stage = stage.setting("Accounts_AllowInvisibleStatusOption", false);
        given::<Choice>([])
            .when(choose(Status::Offline), &context(&stage))
            .then_refused(ChoiceRefusal::InvisibleNotAllowed);
    }

    #[test]
    fn one_active_connection_is_enough() {
        assert_eq!(connected([]), Status::Offline);
        assert_eq!(connected([Activity::Idle]), Status::Away);
        assert_eq!(
            connected([Activity::Idle, Activity::Active, Activity::Idle]),
            Status::Online
        );
    }

    #[test]
    fn a_choice_shows_only_on_who_is_there() {
        assert_eq!(shown(Status::Offline, Status::Busy), Status::Offline);
        assert_eq!(shown(Status::Away, Status::Online), Status::Away);
        assert_eq!(shown(Status::Away, Status::Busy), Status::Busy);
        assert_eq!(shown(Status::Online, Status::Offline), Status::Offline);
    }

    fn some_status() -> impl Strategy<Value = Status> {
        proptest::sample::select(Status::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn the_order_of_connections_does_not_matter(
            connections in proptest::collection::vec(
                prop_oneof![Just(Activity::Active), Just(Activity::Idle)], 0..6),
            chosen in some_status(),
        ) {
            let forward = connected(connections.iter().copied());
            prop_assert_eq!(forward, connected(connections.iter().rev().copied()));
            prop_assert_eq!(forward == Status::Offline, connections.is_empty());
            if connections.is_empty() {
                prop_assert_eq!(shown(forward, chosen), Status::Offline);
            }
        }

        #[test]
        fn replaying_gives_the_state_that_decided(wishes in proptest::collection::vec(some_status(), 0..9)) {
            let stage = Stage::default();
            let (mut state, mut log) = (Choice::default(), Vec::new());
            for wish in wishes {
                let events = Choice::decide(&state, choose(wish), &context(&stage)).unwrap_or_default();
                state = events.iter().fold(state, Choice::evolve);
                log.extend(events);
                prop_assert_eq!(state, Choice(wish));
            }
            prop_assert_eq!(Choice::fold(&log), state);
        }
    }
}
