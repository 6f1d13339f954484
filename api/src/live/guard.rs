//! Tells sockets to check again what they may see, and the presence service who chose another status.
//!
//! One task follows the log. After something that can end somebody's access, it wakes the sockets concerned once the
//! views contain it, and they ask the views. The end of a membership is not among that: sockets learn of it from their
//! updates, in its place among them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{Category, UserId};
use eventstore::{Position, RecordedEvent, subscribe};
use futures::StreamExt as _;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::state::AppState;

/// Pause before the log is read again after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// The users with open sockets. All sockets of a user share one signal.
#[derive(Default)]
pub(super) struct Guard(Mutex<HashMap<UserId, watch::Sender<()>>>);

/// Whose access may have ended.
#[derive(Debug, PartialEq, Eq)]
enum Concerned {
    Nobody,
    One(UserId),
    Everybody,
}

impl Guard {
    /// Changes whenever the user's access should be checked again.
    pub(super) fn sign_up(&self, user: &UserId) -> watch::Receiver<()> {
        self.0
            .lock()
            .entry(user.clone())
            .or_insert_with(|| watch::channel(()).0)
            .subscribe()
    }

    /// The last socket of a user takes the entry with it.
    pub(super) fn sign_off(&self, user: &UserId, signal: watch::Receiver<()>) {
        let mut users = self.0.lock();
        drop(signal);
        if users
            .get(user)
            .is_some_and(|sender| sender.receiver_count() == 0)
        {
            users.remove(user);
        }
    }

    fn wake(&self, concerned: &Concerned) {
        let users = self.0.lock();
        match concerned {
            Concerned::Nobody => {}
            Concerned::One(user) => {
                if let Some(sender) = users.get(user) {
                    sender.send_replace(());
                }
            }
            Concerned::Everybody => {
                for sender in users.values() {
                    sender.send_replace(());
                }
            }
        }
    }
}

/// Follows the log until `stop`.
pub(super) async fn watch(guard: Arc<Guard>, state: AppState, stop: CancellationToken) {
    let store = state.executor().store().clone();
    let mut generation = store.generation();
    let Some(mut last) = begin(&state, &stop).await else {
        return;
    };
    while !stop.is_cancelled() {
        if store.generation() != generation {
            // Its sockets are closed by the hub.
            generation = store.generation();
            let Some(anew) = begin(&state, &stop).await else {
                return;
            };
            last = anew;
        }
        let mut events = subscribe(store.clone(), last);
        loop {
            let chunk = tokio::select! {
                () = stop.cancelled() => return,
                chunk = events.next() => chunk,
            };
            let Some(Ok(chunk)) = chunk else { break };
            for event in chunk.iter() {
                let concerned = concerned(event);
                if let Some(user) = shown_differently(event) {
                    let _ = state.views().wait_for(event.position).await;
                    match state.views().user(&user).await {
                        Ok(Some(user)) => state.presence().refresh(&user),
                        Ok(None) => state.presence().forget(&user),
                        // Watchers are told with the next change.
                        Err(_) => {}
                    }
                }
                if concerned != Concerned::Nobody {
                    // Before the views know, a check would find nothing. If they take long, sockets check again with
                    // every heartbeat.
                    let _ = state.views().wait_for(event.position).await;
                    guard.wake(&concerned);
                }
                last = event.position;
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Where to begin: what the views contain is dealt with. `None`: told to stop.
async fn begin(state: &AppState, stop: &CancellationToken) -> Option<Position> {
    loop {
        tokio::select! {
            () = stop.cancelled() => return None,
            () = state.views().serving(None) => {}
        }
        if state.views().serves() {
            return Some(state.views().applied());
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// The user whose status, or its text, may have changed: also on another node.
fn shown_differently(event: &RecordedEvent) -> Option<UserId> {
    let (category, kind) = (event.stream.category(), event.event_type.as_str());
    let differently = category == Category::Presence.as_str()
        || (category == Category::User.as_str()
            && matches!(kind, "ProfileChanged" | "UsernameChanged" | "UserDeleted"));
    // Both kinds of stream are named after their user.
    differently.then(|| UserId::new(event.stream.id()))
}

/// Rights of roles, and access granted to programs: rare, and in streams that do not say whom it concerns. That a role
/// was given is also in the stream of its holder.
fn may_concern_everybody(category: &str, kind: &str) -> bool {
    if kind == "RoleGiven" {
        return false;
    }
    [Category::Permission, Category::Role, Category::OAuthApp]
        .iter()
        .any(|one| one.as_str() == category)
        || kind == "OAuthGrantRevoked"
}

/// Cheap for the most frequent events: a few comparisons of short texts.
fn concerned(event: &RecordedEvent) -> Concerned {
    let category = event.stream.category();
    let ends_access = if category == Category::Session.as_str() {
        matches!(
            event.event_type.as_str(),
            "TokenRevoked" | "OtherSessionsEnded" | "AllTokensRevoked"
        )
    } else if category == Category::User.as_str() {
        matches!(
            event.event_type.as_str(),
            "RolesChanged" | "UserDeactivated" | "UserDeleted"
        )
    } else if category == Category::SecondFactor.as_str() {
        // A role may give its rights only to those who have one.
        matches!(
            event.event_type.as_str(),
            "TotpEnabled" | "TotpDisabled" | "EmailFactorChanged"
        )
    } else {
        return if may_concern_everybody(category, event.event_type.as_str()) {
            Concerned::Everybody
        } else {
            Concerned::Nobody
        };
    };
    // All these streams are named after their user.
    if ends_access {
        Concerned::One(UserId::new(event.stream.id()))
    } else {
        Concerned::Nobody
    }
}
