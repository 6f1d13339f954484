//! What every door needs: the workspace, and what only doors have.

pub mod kept;
pub mod memory_budget;
pub mod statistics;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use application::rate_limit::RateLimiter;
use application::workspace::Workspace;
use domain::settings::keys;
use tokio_util::sync::CancellationToken;

use crate::errors::dialect::Dialect;
use crate::state::kept::KeptAnswers;
use crate::state::memory_budget::BodyBudget;
use crate::state::statistics::Statistics;

/// What the operator configured and only doors need to know.
#[derive(Clone)]
pub struct DoorConfig {
    /// The Rocket.Chat version told to clients, e.g. `7.0.0`. Clients pick their dialect by it.
    pub announced_version: String,
    /// Largest request body, in bytes.
    pub body_limit: usize,
    /// Whether `users.createToken` works (`CREATE_TOKENS_FOR_USERS`).
    pub create_tokens_for_users: bool,
    /// How long a request may wait for something to happen and still be answered in time.
    pub longest_wait: Duration,
}

struct Shared {
    workspace: Workspace,
    doors: DoorConfig,
    dialect: Dialect,
    bodies: BodyBudget,
    rate_limiter: RateLimiter,
    restart: CancellationToken,
    closing: CancellationToken,
    statistics: Statistics,
    kept_answers: KeptAnswers,
}

/// Shared by all handlers; cloning it costs one reference count. It is the [`Workspace`] wherever one is wanted.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

impl Deref for AppState {
    type Target = Workspace;

    fn deref(&self) -> &Workspace {
        &self.0.workspace
    }
}

impl AppState {
    pub fn new(workspace: Workspace, doors: DoorConfig) -> Self {
        Self(Arc::new(Shared {
            statistics: Statistics::default(),
            kept_answers: KeptAnswers::default(),
            bodies: BodyBudget::new(doors.body_limit),
            dialect: Dialect::of(&doors.announced_version),
            rate_limiter: RateLimiter::default(),
            restart: CancellationToken::new(),
            closing: CancellationToken::new(),
            workspace,
            doors,
        }))
    }

    pub fn doors(&self) -> &DoorConfig {
        &self.0.doors
    }

    /// Longest accepted file, in bytes: the workspace's limit, or what a request may carry.
    pub fn longest_file(&self) -> usize {
        let limit = self.views().settings().int(keys::FILE_UPLOAD_MAX_FILE_SIZE);
        let carried = self.doors().body_limit;
        usize::try_from(limit).map_or(carried, |limit| limit.min(carried))
    }

    /// The memory budget of all bodies.
    pub fn bodies(&self) -> &BodyBudget {
        &self.0.bodies
    }

    /// Counts calls per address.
    pub fn rate_limiter(&self) -> &RateLimiter {
        &self.0.rate_limiter
    }

    pub fn dialect(&self) -> Dialect {
        self.0.dialect
    }

    /// Makes the server stop cleanly and start again.
    pub fn restart(&self) {
        self.0.restart.cancel();
    }

    /// Returns when a restart was requested.
    pub async fn restart_asked_for(&self) {
        self.0.restart.cancelled().await;
    }

    /// Cancelled when the server stops: requests that have not arrived completely are not waited for.
    pub fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    pub fn statistics(&self) -> &Statistics {
        &self.0.statistics
    }

    /// Answers to `me`.
    pub fn kept_answers(&self) -> &KeptAnswers {
        &self.0.kept_answers
    }
}
