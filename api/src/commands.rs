//! What users can make happen, independent of the door they come through: gather what the rules need to know, let
//! them decide on one transaction, wait until the views show it.
//!
//! What the rules are told from the views (the rights of the actor, whether a room is archived, the settings) is as it was
//! when the request came: decided a moment later, it might have come a moment earlier. A rule that must hold whatever
//! happens at the same moment does not rest on that. It is an expectation on a stream, in one of three forms: a name is
//! claimed ([`claims`]), somebody who is left is a [`witness`], or what may end is part of the same batch, as the role
//! that is given ([`roles`]) and the credential something rests on ([`credentials`]).

pub mod account_mail;
pub mod administrators;
pub mod assets;
pub mod avatars;
pub mod banners;
pub mod claiming;
pub mod claims;
pub mod credentials;
pub mod custom_status;
pub mod data_exports;
pub mod departures;
pub mod direct;
pub mod e2e;
pub mod email_inboxes;
pub mod emoji;
pub mod login_services;
pub mod memberships;
pub mod messages;
pub mod moderation;
pub mod notices;
pub mod oauth;
pub mod own_limits;
pub mod ownership;
pub mod passwords;
pub mod permissions;
pub mod place;
pub mod presence;
pub mod profile;
pub mod push;
pub mod registration;
pub mod roles;
pub mod rooms;
pub mod second_factors;
pub mod sessions;
pub mod settings;
pub mod shelves;
pub mod sounds;
pub mod users;
pub mod webdav;
mod witness;

use application::cause::cause;
use domain::UserId;
use eventstore::execute::Transaction;
use eventstore::{Appended, ExecuteError};

use crate::error::ApiError;
use crate::state::AppState;

/// What a transaction can end with before it is committed.
pub type WorkError = ExecuteError<ApiError>;

impl AppState {
    /// Runs `work` on behalf of `actor` and answers once the views show what it did: callers read their own writes.
    ///
    /// `work` may run more than once (see [`eventstore::execute::Executor::execute`]).
    pub async fn run<T, F, W>(&self, actor: &UserId, work: F) -> Result<T, ApiError>
    where
        F: FnMut(Transaction) -> W,
        W: Future<Output = Result<T, WorkError>>,
    {
        self.run_at(actor, work).await.map(|(value, _)| value)
    }

    /// The same, and says where the events are; `None` when there was nothing to do.
    pub async fn run_at<T, F, W>(
        &self,
        actor: &UserId,
        work: F,
    ) -> Result<(T, Option<Appended>), ApiError>
    where
        F: FnMut(Transaction) -> W,
        W: Future<Output = Result<T, WorkError>>,
    {
        let (value, appended) = self.executor().execute(cause(actor), work).await?;
        if let Some(appended) = appended {
            self.views().wait_for(appended.last).await?;
        }
        Ok((value, appended))
    }
}
