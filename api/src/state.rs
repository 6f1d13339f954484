//! What every door needs at hand: the log, the views, the live hub, and what the operator chose.

use std::sync::Arc;

use application::files::store::Files;
use application::identity::login_attempts::Attempts;
use application::identity::password_hasher::PasswordHasher;
use application::ids::now;
use application::outside::dns::{NameServers, Names};
use application::outside::fetch::{AllowList, Fetcher};
use application::outside::mail::{Mailer, SmtpMailer, SmtpServer};
use application::people::presence::Presence;
use application::rate_limit::RateLimiter;
use domain::Timestamp;
use domain::mention::Scanner;
use domain::settings::Settings;
use eventstore::execute::Executor;
use eventstore::vault::Vault;
use parking_lot::Mutex;
use projections::Views;
use tokio_util::sync::CancellationToken;

use crate::commands::account_mail::MailWishes;
use crate::dialect::Dialect;
use crate::extract::body::BodyBudget;
use crate::setup::SetupCode;
use crate::statistics::Statistics;

/// The administrator the operator named (`ADMIN_USERNAME`, `ADMIN_PASS`, `ADMIN_EMAIL`).
#[derive(Clone)]
pub struct AdminAccount {
    /// User name; `admin` when the operator gave only a password.
    pub username: String,
    /// Password in the clear, as it came from the environment. Never logged or recorded.
    pub password: String,
    /// Address, when there is one.
    pub email: Option<String>,
}

/// What the operator says about workspace settings, beside their values.
#[derive(Clone, Debug, Default)]
pub struct SettingPolicy {
    /// Values for the first start, as text, by id.
    pub first: Vec<(String, String)>,
    /// Nobody changes these over the API.
    pub blocked: Vec<String>,
    /// Nobody sees or changes these over the API.
    pub hidden: Vec<String>,
}

impl SettingPolicy {
    /// Whether nobody may change it over the API.
    pub fn blocks(&self, id: &str) -> bool {
        self.blocked.iter().any(|one| one == id)
    }

    /// Whether nobody may see it over the API.
    pub fn hides(&self, id: &str) -> bool {
        self.hidden.iter().any(|one| one == id)
    }
}

/// What the operator chose that the doors need to know.
#[derive(Clone)]
pub struct DoorConfig {
    /// The Rocket.Chat version told to clients, e.g. `7.0.0`. Clients pick their dialect by it.
    pub announced_version: String,
    /// Where the server is reached from outside, without a slash at the end.
    pub site_url: String,
    /// Largest request body, in bytes.
    pub body_limit: usize,
    /// Hosts that requests caused by users may go to although they are not public.
    pub fetch_allow: AllowList,
    /// The name servers to ask for records other than addresses.
    pub name_servers: NameServers,
    /// `users.createToken` works (`CREATE_TOKENS_FOR_USERS`).
    pub create_tokens_for_users: bool,
    /// Logins an account has at a time at most (`MAX_RESUME_LOGIN_TOKENS`).
    pub max_sessions: usize,
    /// Passwords that may wait to be checked or hashed.
    pub password_queue: usize,
    /// Where new accounts are looked up for a picture, without a slash at the end.
    pub gravatar_url: String,
    /// `TEST_MODE=true`: no rate limits and no second factor.
    pub test_mode: bool,
    /// The administrator to make at first start.
    pub admin: Option<AdminAccount>,
    /// The mail server, unless the settings name it.
    pub mail_server: Option<SmtpServer>,
    /// What the operator says about workspace settings.
    pub settings: SettingPolicy,
    /// `OVERWRITE_SETTING_<id>` pairs: id and value as text.
    pub setting_overrides: Vec<(String, String)>,
}

struct Shared {
    executor: Executor,
    views: Views,
    vault: Vault,
    files: Files,
    fetcher: Fetcher,
    config: DoorConfig,
    dialect: Dialect,
    bodies: BodyBudget,
    rate_limiter: RateLimiter,
    guesses: RateLimiter,
    attempts: Attempts,
    passwords: PasswordHasher,
    presence: Presence,
    mailer: Arc<SmtpMailer>,
    mail_wishes: MailWishes,
    names: Names,
    restart: CancellationToken,
    closing: CancellationToken,
    statistics: Statistics,
    setup_code: SetupCode,
    started_at: Timestamp,
    /// Finds mentions, for the name pattern it was made with.
    scanner: Mutex<(String, Arc<Scanner>)>,
}

/// Shared by all handlers; cloning it costs one reference count.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

impl AppState {
    /// Puts the parts together. The live hub is reached through the views.
    pub fn new(
        executor: Executor,
        views: Views,
        vault: Vault,
        files: Files,
        config: DoorConfig,
    ) -> Self {
        let mailer = SmtpMailer::new(views.clone(), config.mail_server.clone());
        Self(Arc::new(Shared {
            presence: Presence::new(views.clone()),
            mailer: Arc::new(mailer),
            mail_wishes: MailWishes::default(),
            statistics: Statistics::default(),
            setup_code: SetupCode::fresh(),
            started_at: now(),
            executor,
            views,
            vault,
            files,
            bodies: BodyBudget::new(config.body_limit),
            fetcher: Fetcher::new(config.fetch_allow.clone()),
            passwords: PasswordHasher::with_queue(config.password_queue),
            names: Names::new(config.name_servers.clone()),
            dialect: Dialect::of(&config.announced_version),
            config,
            rate_limiter: RateLimiter::default(),
            guesses: RateLimiter::default(),
            attempts: Attempts::default(),
            restart: CancellationToken::new(),
            closing: CancellationToken::new(),
            scanner: Mutex::default(),
        }))
    }

    /// Runs commands.
    pub fn executor(&self) -> &Executor {
        &self.0.executor
    }

    /// Answers queries and rule contexts.
    pub fn views(&self) -> &Views {
        &self.0.views
    }

    /// Seals and opens secrets that the log keeps.
    pub fn vault(&self) -> &Vault {
        &self.0.vault
    }

    /// Keeps file bytes.
    pub fn files(&self) -> &Files {
        &self.0.files
    }

    /// Makes requests to the outside that users cause.
    pub fn fetcher(&self) -> &Fetcher {
        &self.0.fetcher
    }

    /// What bodies in memory may take together.
    pub fn bodies(&self) -> &BodyBudget {
        &self.0.bodies
    }

    /// Counts calls per address.
    pub fn rate_limiter(&self) -> &RateLimiter {
        &self.0.rate_limiter
    }

    /// Counts per account what must not be tried too often. Apart from the calls, of which anybody can make many.
    pub fn guesses(&self) -> &RateLimiter {
        &self.0.guesses
    }

    /// Counts failed logins.
    pub fn attempts(&self) -> &Attempts {
        &self.0.attempts
    }

    /// What the operator chose.
    pub fn config(&self) -> &DoorConfig {
        &self.0.config
    }

    /// The words errors are told in.
    pub fn dialect(&self) -> Dialect {
        self.0.dialect
    }

    /// Hashes and checks passwords off the runtime.
    pub fn passwords(&self) -> &PasswordHasher {
        &self.0.passwords
    }

    /// Who is there.
    pub fn presence(&self) -> &Presence {
        &self.0.presence
    }

    /// Sends mail.
    pub fn mailer(&self) -> Arc<dyn Mailer> {
        self.0.mailer.clone()
    }

    /// What people who are not logged in want mailed.
    pub fn mail_wishes(&self) -> &MailWishes {
        &self.0.mail_wishes
    }

    /// Asks the domain name system.
    pub fn names(&self) -> &Names {
        &self.0.names
    }

    /// Has the server stop cleanly and start again.
    pub fn restart(&self) {
        self.0.restart.cancel();
    }

    /// Returns when somebody asked for a restart.
    pub async fn restart_asked_for(&self) {
        self.0.restart.cancelled().await;
    }

    /// Cancelled once the server stops: requests that have not come whole are not waited for.
    pub fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    /// Snapshots of figures.
    pub fn statistics(&self) -> &Statistics {
        &self.0.statistics
    }

    /// What whoever sets the server up may prove it with.
    pub fn setup_code(&self) -> &SetupCode {
        &self.0.setup_code
    }

    /// When this process began to serve.
    pub fn started_at(&self) -> Timestamp {
        self.0.started_at
    }

    /// What finds mentions in this workspace; made anew only when the pattern of names changes.
    pub fn scanner(&self, settings: &Settings) -> Arc<Scanner> {
        let pattern = settings.text("UTF8_User_Names_Validation");
        let mut kept = self.0.scanner.lock();
        if kept.0 != pattern {
            *kept = (pattern.to_owned(), Arc::new(Scanner::with_pattern(pattern)));
        }
        Arc::clone(&kept.1)
    }
}
