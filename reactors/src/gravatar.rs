//! Looks new accounts up at a service that has pictures of people by their address (setting
//! `Accounts_SetDefaultAvatar`; contract, conventions 7.1): a reactor, so that making the account waits for nothing.
//!
//! One attempt is made. A picture that was chosen meanwhile stays.

use std::time::Duration;

use application::error::Error;
use application::ids::now;
use application::outside::fetch::{Limits, Outgoing};
use application::people::avatars;
use application::workspace::Workspace;
use bytes::Bytes;
use domain::avatar::AvatarOwner;
use domain::settings::keys;
use domain::user::{UserCreated, UserEvent, UserKind};
use domain::{Event, Timestamp};
use eventstore::RecordedEvent;
use futures::future::BoxFuture;
use sha2::{Digest as _, Sha256};

use crate::{OutboxKey, Reactor, Verdict};

/// What a lookup may cost.
const LIMITS: Limits = Limits {
    bytes: 2 * 1024 * 1024,
    time: Duration::from_secs(5),
};

/// In milliseconds: an older account is not new. So nothing piles up after a flood of accounts, or without a network.
const NEW_MILLIS: i64 = 10 * 60_000;

/// How often to try to record a picture that was found.
const ATTEMPTS: u32 = 3;

/// Pause before another attempt.
const PAUSE: Duration = Duration::from_secs(2);

/// The name of the service, which is the picture's `avatarOrigin`.
const ORIGIN: &str = "gravatar";

pub struct Gravatar {
    workspace: Workspace,
    /// Without a slash at the end.
    url: String,
}

impl Gravatar {
    pub fn new(workspace: Workspace, url: String) -> Self {
        Self { workspace, url }
    }

    async fn look_up(&self, event: &RecordedEvent, created: &UserCreated) -> Result<(), Error> {
        let workspace = &self.workspace;
        let Some(email) = created.emails.first() else {
            return Ok(());
        };
        workspace.views().wait_for(event.position).await?;
        let owner = AvatarOwner::User(created.user.clone());
        let gone = workspace.views().user(&created.user).await?.is_none();
        if gone || workspace.views().avatar(&owner).await?.is_some() {
            return Ok(());
        }
        match self.picture_of(&email.address).await {
            Some(bytes) => avatars::offer(workspace, &owner, ORIGIN, bytes).await,
            None => Ok(()),
        }
    }

    /// The picture the service has for that address; `None` also if the service cannot be reached.
    async fn picture_of(&self, address: &str) -> Option<Bytes> {
        let settings = self.workspace.views().settings();
        let size = settings.int(keys::ACCOUNTS_AVATAR_SIZE).clamp(1, 2048);
        let base = &self.url;
        let url = format!("{base}/{}?d=404&s={size}", address_hash(address));
        let fetched = self
            .workspace
            .fetcher()
            .fetch(Outgoing::get(url), LIMITS)
            .await;
        match fetched {
            Ok(fetched) => {
                let found = fetched.status == http::StatusCode::OK
                    && fetched.content_type().starts_with("image/");
                found.then_some(fetched.body)
            }
            Err(error) => {
                tracing::debug!(%error, "no picture was looked up for a new account");
                None
            }
        }
    }

    fn wants(&self, created: &UserCreated, at: Timestamp) -> bool {
        created.kind == UserKind::User
            && now().millis_since(at) < NEW_MILLIS
            && self
                .workspace
                .views()
                .settings()
                .bool(keys::ACCOUNTS_SET_DEFAULT_AVATAR)
    }
}

/// How the service identifies an address: by the SHA-256 of its lower-case form, in hex.
fn address_hash(address: &str) -> String {
    hex::encode(Sha256::digest(address.trim().to_lowercase().as_bytes()))
}

impl Reactor for Gravatar {
    fn name(&self) -> &'static str {
        "gravatar"
    }

    fn begins_at_head(&self) -> bool {
        true
    }

    fn concerns(&self, event_type: &str) -> bool {
        event_type == "UserCreated"
    }

    fn react<'a>(
        &'a self,
        event: &'a RecordedEvent,
        _: OutboxKey,
        attempt: u32,
    ) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            let created = match event.decode::<Event>() {
                Ok(Event::User(UserEvent::UserCreated(created))) => created,
                Ok(_) => return Verdict::Ignore,
                Err(error) => return Verdict::Skip(error.to_string()),
            };
            if !self.wants(&created, event.recorded_at) {
                return Verdict::Ignore;
            }
            match self.look_up(event, &created).await {
                Ok(()) => Verdict::Done,
                Err(error) if error.is_temporary() && attempt < ATTEMPTS => Verdict::Later(PAUSE),
                Err(error) => {
                    error.log();
                    tracing::info!(%error, "a picture that was found for a new account is not used");
                    Verdict::Done
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_however_it_is_written() {
        // The example of the service's documentation.
        let hash = "84059b07d4be67b806386c0aad8070a23f18836bbaae342275dc0a83414c32ee";
        assert_eq!(address_hash(" MyEmailAddress@example.com "), hash);
    }
}
