//! Presence: what the client says of its user, and what it is told of others.

use application::people::presence::Watch;
use domain::UserId;
use domain::presence::Activity;
use serde::Deserialize;

use crate::live::connection::{Connection, End};
use crate::live::frame::{PresenceFrame, SaidPresence, SaidStatus, Shown, ShownUser};

/// Users whose status one socket may watch.
const WATCHED: usize = 5000;

/// The part of a stored document that goes with a status.
#[derive(Default, Deserialize)]
struct StatusText {
    #[serde(rename = "statusText")]
    text: Option<String>,
}

impl Connection {
    /// The client says whether its user is there.
    pub(super) async fn say(&mut self, said: &SaidPresence) -> Result<(), End> {
        self.connected.set(match said.status {
            SaidStatus::Online => Activity::Active,
            SaidStatus::Away => Activity::Idle,
        });
        let own = self.caller.id().clone();
        self.show_one(&own, said.reference.as_deref()).await
    }

    /// Watches the status of those users that exist. Returns them.
    pub(super) async fn watch_people(&mut self, wanted: &[String]) -> Result<Vec<String>, End> {
        let mut watched = Vec::new();
        for name in wanted {
            let user = UserId::new(name);
            let there = self.shared.state.views().user(&user).await;
            if there.map_err(|error| self.unanswered(&error))?.is_none() {
                continue;
            }
            let watch = self
                .watch
                .get_or_insert_with(|| self.shared.state.presence().watch());
            if watch.len() >= WATCHED {
                let text = format!("one socket may watch the status of at most {WATCHED} users");
                self.error("too-many-users", text, None).await?;
                break;
            }
            watch.add(&user);
            watched.push(name.clone());
        }
        Ok(watched)
    }

    /// Stops watching the status of these users. Returns those that were watched.
    pub(super) fn watch_no_more(&mut self, named: Vec<String>) -> Vec<String> {
        let Some(watch) = &mut self.watch else {
            return Vec::new();
        };
        named
            .into_iter()
            .filter(|name| watch.remove(&UserId::new(name)))
            .collect()
    }

    /// Tells what others see of these users now.
    pub(super) async fn show(&mut self, users: &[UserId]) -> Result<(), End> {
        for user in users {
            self.show_one(user, None).await?;
        }
        Ok(())
    }

    async fn show_one(&mut self, user: &UserId, reference: Option<&str>) -> Result<(), End> {
        let facts = self.shared.state.views().user(user).await;
        // Users who are gone are skipped.
        let Some(facts) = facts.map_err(|error| self.unanswered(&error))? else {
            return Ok(());
        };
        let seen = self
            .shared
            .state
            .presence()
            .of(&facts.id, facts.chosen_status);
        let said: StatusText = serde_json::from_slice(&facts.doc).unwrap_or_default();
        let frame = PresenceFrame::new(
            self.at(),
            Shown {
                user: ShownUser {
                    id: facts.id.as_str(),
                    username: &facts.username,
                },
                status: seen.status,
                status_text: said.text.as_deref(),
                reference,
            },
        );
        let message = frame.encode(self.format);
        self.send(message).await
    }
}

/// The users whose status changed; without a watch it never returns. Dropping the future loses nothing.
pub(super) async fn changed(watch: Option<&Watch>) -> Vec<UserId> {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}
