//! What every use case works with: the log, the views, the tools that reach outside, and what the operator chose.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use domain::badwords::BadWords;
use domain::mention::Scanner;
use domain::session::MAX_SESSIONS;
use domain::settings::{Definition, Settings, keys};
use domain::{Decider, Event, StreamId, Timestamp, UserId};
use eventstore::execute::{Executor, Transaction};
use eventstore::vault::Vault;
use eventstore::{Appended, ExecuteError};
use futures::TryFutureExt as _;
use parking_lot::Mutex;
use projections::{Search, Views};

use crate::cause::{cause, note_recorded};
use crate::chat::notices::Notices;
use crate::error::Error;
use crate::files::store::Files;
use crate::identity::login_attempts::Attempts;
use crate::identity::mail_wishes::MailWishes;
use crate::identity::password_hasher::PasswordHasher;
use crate::identity::setup_code::SetupCode;
use crate::ids::now;
use crate::outside::dns::{NameServers, Names};
use crate::outside::fetch::{AllowList, Fetcher};
use crate::outside::mail::{Mailer, SmtpMailer, SmtpServer};
use crate::outside::unfurl::Unfurler;
use crate::people::presence::Presence;
use crate::rate_limit::RateLimiter;
use crate::record::export::ExportQueue;
use crate::record::subscriptions::Waiters;
use crate::sandbox::Sandbox;

/// What can end a transaction before it is committed. Errors of every boundary become one by `?`.
#[derive(Debug)]
pub struct WorkError(ExecuteError<Error>);

impl<R: Into<Error>> From<ExecuteError<R>> for WorkError {
    fn from(error: ExecuteError<R>) -> Self {
        Self(error.map_refusal(Into::into))
    }
}

impl WorkError {
    /// Refuses the whole transaction.
    pub fn refused(refusal: impl Into<Error>) -> Self {
        Self(ExecuteError::Refused(refusal.into()))
    }

    /// Whether a rule said no, and nothing failed.
    pub fn is_refusal(&self) -> bool {
        matches!(self.0, ExecuteError::Refused(_))
    }
}

/// The administrator the operator named (`ADMIN_USERNAME`, `ADMIN_PASS`, `ADMIN_EMAIL`).
#[derive(Clone)]
pub struct AdminAccount {
    /// `admin` when the operator gave only a password.
    pub username: String,
    /// In the clear, as it came from the environment. Never logged or recorded.
    pub password: String,
    /// Counts as verified.
    pub email: Option<String>,
}

/// What the operator decides about workspace settings, beside their values.
#[derive(Clone, Debug, Default)]
pub struct SettingPolicy {
    /// Values for the first start, as text, by id.
    pub first: Vec<(String, String)>,
    /// Ids of settings that cannot be changed through a door.
    pub blocked: Vec<String>,
    /// Ids of settings that cannot be seen or changed through a door.
    pub hidden: Vec<String>,
    /// `OVERWRITE_SETTING_<id>`: id and value as text, applied again at every start.
    pub overrides: Vec<(String, String)>,
}

impl SettingPolicy {
    /// Whether the setting cannot be changed through a door.
    pub fn blocks(&self, id: &str) -> bool {
        self.blocked.iter().any(|one| one == id)
    }

    /// Whether the setting cannot be seen through a door.
    pub fn hides(&self, id: &str) -> bool {
        self.hidden.iter().any(|one| one == id)
    }

    /// Whether doors show the setting at all.
    pub fn shows(&self, definition: &Definition) -> bool {
        !definition.hidden && !self.hides(definition.id.as_ref())
    }
}

/// What the operator chose that use cases depend on.
#[derive(Clone)]
pub struct WorkspaceConfig {
    /// Where the server is reached from outside, without a slash at the end.
    pub site_url: String,
    /// Hosts that requests caused by users may go to although they are not public.
    pub fetch_allow: AllowList,
    /// The version that others are told.
    pub announced_version: String,
    /// The name servers to ask for records other than addresses.
    pub name_servers: NameServers,
    /// The most logins an account has at a time (`MAX_RESUME_LOGIN_TOKENS`).
    pub max_sessions: usize,
    /// Passwords that may wait to be checked or hashed.
    pub password_queue: usize,
    /// `TEST_MODE=true`: no rate limits and no second factor.
    pub test_mode: bool,
    /// Made at first start.
    pub admin: Option<AdminAccount>,
    /// `None`: the settings name it.
    pub mail_server: Option<SmtpServer>,
    /// Values and limits that the operator gives settings.
    pub settings: SettingPolicy,
    /// Where exports are kept that are made in the background; `None`: none are made.
    pub exports: Option<PathBuf>,
    /// What it is a copy of, if it is one. Nothing outside is reached then.
    pub sandbox: Option<Sandbox>,
}

/// A workspace on this machine for which the operator chose nothing.
impl Default for WorkspaceConfig {
    fn default() -> Self {
        Self {
            site_url: "http://localhost".to_owned(),
            fetch_allow: AllowList::default(),
            announced_version: env!("CARGO_PKG_VERSION").to_owned(),
            name_servers: NameServers::default(),
            max_sessions: MAX_SESSIONS,
            password_queue: 512,
            test_mode: false,
            admin: None,
            mail_server: None,
            settings: SettingPolicy::default(),
            exports: None,
            sandbox: None,
        }
    }
}

struct Parts {
    executor: Executor,
    views: Views,
    search: OnceLock<Search>,
    vault: Vault,
    files: Files,
    fetcher: Fetcher,
    unfurler: Unfurler,
    config: WorkspaceConfig,
    guesses: RateLimiter,
    attempts: Attempts,
    passwords: PasswordHasher,
    presence: Presence,
    notices: Notices,
    mailer: Arc<SmtpMailer>,
    mail_wishes: MailWishes,
    names: Names,
    setup_code: SetupCode,
    exports: ExportQueue,
    subscribers: Waiters,
    started_at: Timestamp,
    /// Finds mentions, for the name pattern it was made with.
    scanner: Mutex<(String, Arc<Scanner>)>,
    /// Finds bad words, for the settings it was made with.
    bad_words: Mutex<Option<Arc<BadWords>>>,
}

/// Shared by all doors and reactors; cloning it costs one reference count.
#[derive(Clone)]
pub struct Workspace(Arc<Parts>);

impl Workspace {
    /// Puts the parts together. The live hub is reached through the views.
    pub fn new(
        executor: Executor,
        views: Views,
        vault: Vault,
        files: Files,
        config: WorkspaceConfig,
    ) -> Self {
        let mailer = SmtpMailer::new(views.clone(), config.mail_server.clone());
        let fetcher = Fetcher::new(config.fetch_allow.clone());
        let names = Names::new(config.name_servers.clone());
        let (mailer, fetcher, names) = match config.sandbox {
            Some(_) => (mailer.shut(), fetcher.shut(), names.shut()),
            None => (mailer, fetcher, names),
        };
        Self(Arc::new(Parts {
            unfurler: Unfurler::new(fetcher.clone(), config.announced_version.clone()),
            presence: Presence::new(views.clone()),
            notices: Notices::default(),
            mailer: Arc::new(mailer),
            mail_wishes: MailWishes::default(),
            setup_code: SetupCode::fresh(),
            exports: ExportQueue::in_folder(config.exports.clone()),
            subscribers: Waiters::default(),
            started_at: now(),
            executor,
            views,
            search: OnceLock::new(),
            vault,
            files,
            fetcher,
            passwords: PasswordHasher::with_queue(config.password_queue),
            names,
            config,
            guesses: RateLimiter::default(),
            attempts: Attempts::default(),
            scanner: Mutex::default(),
            bad_words: Mutex::default(),
        }))
    }

    /// Runs commands. Use cases go through [`Self::run`].
    pub fn executor(&self) -> &Executor {
        &self.0.executor
    }

    /// Answers queries and rule contexts.
    pub fn views(&self) -> &Views {
        &self.0.views
    }

    /// Has messages searched in this index from now on. The first that is given stays.
    pub fn search_in(&self, search: Search) {
        let _ = self.0.search.set(search);
    }

    /// The index of messages; `None`: this process has none, because it serves nobody or a copy.
    pub fn search(&self) -> Option<&Search> {
        self.0.search.get()
    }

    /// Seals and opens secrets that the log keeps.
    pub fn vault(&self) -> &Vault {
        &self.0.vault
    }

    /// Stores file bytes, which are not in the log.
    pub fn files(&self) -> &Files {
        &self.0.files
    }

    /// Makes requests to the outside that users cause.
    pub fn fetcher(&self) -> &Fetcher {
        &self.0.fetcher
    }

    /// Finds out what is behind links.
    pub fn unfurler(&self) -> &Unfurler {
        &self.0.unfurler
    }

    /// Counts per account what must not be tried too often. Separate from the counts of calls, because anyone can make
    /// many of those.
    pub fn guesses(&self) -> &RateLimiter {
        &self.0.guesses
    }

    /// The counts of failed logins.
    pub fn attempts(&self) -> &Attempts {
        &self.0.attempts
    }

    /// What the operator chose.
    pub fn config(&self) -> &WorkspaceConfig {
        &self.0.config
    }

    /// Hashes and checks passwords off the runtime.
    pub fn passwords(&self) -> &PasswordHasher {
        &self.0.passwords
    }

    /// Who is online, as far as this node knows.
    pub fn presence(&self) -> &Presence {
        &self.0.presence
    }

    /// What people on this node are told and nobody else.
    pub fn notices(&self) -> &Notices {
        &self.0.notices
    }

    /// Sends mail, with the settings of the moment.
    pub fn mailer(&self) -> Arc<dyn Mailer> {
        self.0.mailer.clone()
    }

    /// Mails that people who are not logged in ask for.
    pub fn mail_wishes(&self) -> &MailWishes {
        &self.0.mail_wishes
    }

    /// Asks the domain name system.
    pub fn names(&self) -> &Names {
        &self.0.names
    }

    /// The code that proves who sets the server up.
    pub fn setup_code(&self) -> &SetupCode {
        &self.0.setup_code
    }

    /// Exports that are made in the background.
    pub fn exports(&self) -> &ExportQueue {
        &self.0.exports
    }

    /// Requests that wait for events of subscriptions to the record.
    pub fn subscribers(&self) -> &Waiters {
        &self.0.subscribers
    }

    /// When this process began to serve.
    pub fn started_at(&self) -> Timestamp {
        self.0.started_at
    }

    /// Finds mentions in this workspace; made again only if the pattern of names changes.
    pub fn scanner(&self, settings: &Settings) -> Arc<Scanner> {
        let pattern = settings.text(keys::UTF8_USER_NAMES_VALIDATION);
        let mut kept = self.0.scanner.lock();
        if kept.0 != pattern {
            *kept = (pattern.to_owned(), Arc::new(Scanner::with_pattern(pattern)));
        }
        Arc::clone(&kept.1)
    }

    /// Finds bad words in this workspace, if they are to be masked; made again only if their lists change.
    pub fn bad_words(&self, settings: &Settings) -> Option<Arc<BadWords>> {
        if !BadWords::are_masked(settings) {
            return None;
        }
        let mut kept = self.0.bad_words.lock();
        if !kept.as_ref().is_some_and(|words| words.fits(settings)) {
            *kept = Some(Arc::new(BadWords::new(settings)));
        }
        kept.clone()
    }

    /// Runs `work` on behalf of `actor` and returns once the views show what it did: callers read their own writes.
    ///
    /// `work` may run more than once (see [`Executor::execute`]).
    pub async fn run<T, F, W>(&self, actor: &UserId, work: F) -> Result<T, Error>
    where
        F: FnMut(Transaction) -> W,
        W: Future<Output = Result<T, WorkError>>,
    {
        self.run_at(actor, work).await.map(|(value, _)| value)
    }

    /// Lets the rules decide one command on behalf of `actor`, in a transaction of its own. Returns what happened;
    /// nothing: it was so already.
    pub async fn decide<D>(
        &self,
        actor: &UserId,
        stream: &StreamId,
        command: D::Command,
        context: &D::Context<'_>,
    ) -> Result<Vec<D::Event>, Error>
    where
        D: Decider<Command: Clone, Event: Into<Event>, Refusal: Into<Error>>,
    {
        self.run(actor, async |tx| {
            Ok(tx.decide::<D>(stream, command.clone(), context).await?)
        })
        .await
    }

    /// Like [`Self::run`]; also returns where the events are. `None`: there was nothing to do.
    pub async fn run_at<T, F, W>(
        &self,
        actor: &UserId,
        mut work: F,
    ) -> Result<(T, Option<Appended>), Error>
    where
        F: FnMut(Transaction) -> W,
        W: Future<Output = Result<T, WorkError>>,
    {
        let work = |tx| work(tx).map_err(|WorkError(error)| error);
        let (value, appended) = self.executor().execute(cause(actor), work).await?;
        if let Some(appended) = appended {
            note_recorded();
            self.views().wait_for(appended.last).await?;
        }
        Ok((value, appended))
    }
}
