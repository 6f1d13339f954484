//! The composition root: puts the parts together, picks the store (no other place does), and takes the parts apart
//! again.

mod parts;

use std::future::Future;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use application::admin::bootstrap;
use application::files::store::{Files, FilesError};
use application::identity::{mail_links, setup_proof};
use application::people::users::first_administrator;
use application::record::export::jobs;
use application::workspace::{Workspace, WorkspaceConfig};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use eventstore::execute::Executor;
use eventstore::mongodb::{self, MongoLog, MongoOptions};
use eventstore::sqlite::{self, SqliteLog};
use eventstore::vault::{Vault, VaultError};
use eventstore::{Chunks, EventStore, LogId, OpenError, Position};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use projections::{Registry, Search, Views, ViewsError};
use reactors::Reactors;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::live::{self as audit_live, AuditLive};
use crate::http::router;
use crate::live::{self, Live};
use crate::server::config::Config;
use crate::server::data_dir::{self, DataDir, DataDirError, Holder};
use crate::server::extension::{Extension, UnfitRoute};
use crate::server::health::{self, Readiness};
use crate::server::program;
use crate::server::sandbox::{self, SandboxError};
use crate::server::shutdown::{self, Deadlines};
use crate::server::{control, routes, serve};
use crate::state::{AppState, statistics};
use crate::telemetry::metered::MeteredLog;
use crate::telemetry::metrics;
use crate::telemetry::request::{Observer, observe};

use parts::{door_config, open_vault, public_url, with_cause, workspace_config};

/// Pause between attempts at first-start work while the log cannot be reached.
const RETRY: Duration = Duration::from_secs(2);

/// Why the server cannot start. Each is one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Folder(#[from] DataDirError),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A sandbox was made in it since the configuration was read.
    #[error("the data folder is another one than it was a moment ago: start again")]
    Changed,
    #[error("cannot listen on {address}: {reason}")]
    Listen { address: String, reason: String },
    #[error("log: {0}")]
    Log(#[from] OpenError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Files(#[from] FilesError),
    #[error(transparent)]
    Views(#[from] ViewsError),
    #[error(transparent)]
    Routes(#[from] UnfitRoute),
    #[error(transparent)]
    Reactors(#[from] reactors::CheckpointError),
    /// The system does not tell the address it listens on.
    #[error("cannot tell the address: {0}")]
    Address(std::io::Error),
    /// First-start work failed for good.
    #[error("cannot prepare the workspace: {0}")]
    Bootstrap(String),
    /// It started, but could not go on.
    #[error("connections can no longer be accepted")]
    Accept,
}

/// Opens the log the configuration names.
pub async fn open_log(config: &Config, folder: &DataDir) -> Result<Arc<dyn EventStore>, OpenError> {
    open_log_with(config, folder, MongoOptions::default()).await
}

/// The log of a workspace that there is: for whoever does not serve it.
pub async fn find_log(config: &Config, folder: &DataDir) -> Result<Arc<dyn EventStore>, OpenError> {
    let options = MongoOptions {
        make: false,
        ..MongoOptions::default()
    };
    open_log_with(config, folder, options).await
}

async fn open_log_with(
    config: &Config,
    folder: &DataDir,
    options: MongoOptions,
) -> Result<Arc<dyn EventStore>, OpenError> {
    if let Some(url) = &config.mongo_url {
        return Ok(Arc::new(MongoLog::connect(url.reveal(), options).await?));
    }
    // Recovery after a crash may take a while.
    let path = folder.log();
    let opened = tokio::task::spawn_blocking(move || SqliteLog::open(&path)).await;
    let opened = opened.map_err(|error| OpenError::Unavailable(error.to_string()))?;
    Ok(Arc::new(opened.map_err(|error| with_cause(error, folder))?))
}

/// Which log the configuration names, and its events up to `upto`, if not further: read beside whoever writes it.
pub async fn read_log(config: &Config, upto: Position) -> Result<(LogId, Chunks), OpenError> {
    match &config.mongo_url {
        Some(url) => mongodb::read_beside(url.reveal(), MongoOptions::default()).await,
        None => sqlite::read_beside(&DataDir::log_of(&config.data_dir), upto),
    }
}

/// What commands run on while no server does: the views and files of a data folder, over an open log. Views of another
/// program or version stay as they are.
pub fn workspace(
    config: &Config,
    folder: &DataDir,
    log: Arc<dyn EventStore>,
    address: SocketAddr,
) -> Result<Workspace, StartError> {
    workspace_with(config, folder, log, address, Views::open_to_ask)
}

fn workspace_with(
    config: &Config,
    folder: &DataDir,
    log: Arc<dyn EventStore>,
    address: SocketAddr,
    open: impl FnOnce(&Path, Arc<dyn EventStore>, Vault, Registry) -> Result<Views, ViewsError>,
) -> Result<Workspace, StartError> {
    let vault = open_vault(config, folder)?;
    let files = Files::in_folder(&folder.files())?;
    let views = open(
        &folder.views(),
        log.clone(),
        vault.clone(),
        config.registry.clone(),
    )?;
    Ok(Workspace::new(
        Executor::new(log),
        views,
        vault,
        files,
        WorkspaceConfig {
            exports: Some(folder.exports()),
            ..workspace_config(config, address)
        },
    ))
}

/// Why a server no longer serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Stopped,
    Restart,
}

/// A server with all its parts, listening but not yet serving.
pub struct App {
    config: Config,
    listener: TcpListener,
    address: SocketAddr,
    // The fields below are taken apart in the order of `stop`.
    live: Live,
    audit: AuditLive,
    reactors: Reactors,
    state: AppState,
    views: Views,
    log: Arc<dyn EventStore>,
    readiness: Arc<Readiness>,
    router: Router,
    folder: DataDir,
}

impl App {
    /// Takes the data folder and the port, opens the log and the views, wires the doors, of which `extension` has some.
    pub async fn start(config: Config, extension: &Extension) -> Result<Self, StartError> {
        let table = routes::all(extension)?;
        serve::raise_file_limit();
        for doubt in config.doubts() {
            tracing::warn!("{doubt}");
        }
        let take = || DataDir::take(&config.data_dir, Holder::Server);
        let folder = data_dir::after_commands(take).await?;
        // What the configuration says of it was read before it was ours.
        if sandbox::found(folder.path())? != config.sandbox {
            return Err(StartError::Changed);
        }
        // Before the log: a taken port is the most common mistake, and no log has to be opened to find it.
        let listener = listen(&config).await?;
        let address = listener.local_addr().map_err(StartError::Address)?;
        let metrics = metrics::install();
        let log: Arc<dyn EventStore> = Arc::new(MeteredLog::new(open_log(&config, &folder).await?));
        let workspace = workspace_with(&config, &folder, log.clone(), address, Views::open_with)?;
        let views = workspace.views().clone();
        // A copy is looked at and thrown away.
        if config.sandbox.is_none() {
            workspace.search_in(Search::open(&views)?);
        }
        let reactors = match config.sandbox {
            Some(_) => Vec::new(),
            None => reactors::registered(&workspace, config.gravatar_url.clone()),
        };
        let state = AppState::new(workspace, door_config(&config));
        let reactors = match Reactors::start(&log, reactors, &folder.reactors()).await {
            Ok(reactors) => reactors,
            Err(error) => {
                views.close().await;
                return Err(error.into());
            }
        };
        let live = Live::new(state.clone(), config.live.clone());
        let readiness = Readiness::new(
            log.clone(),
            Workspace::clone(&state),
            reactors.clone(),
            live.clone(),
            config.ready_max_lag,
            config.sandbox.clone(),
        );
        let observer = Observer::new(config.request_timeout);
        let audit = AuditLive::new(state.clone());
        let doors = router::router(&state, table)
            .merge(live::router(live.clone()))
            .merge(audit_live::router(audit.clone()));
        let health = health::router(readiness.clone(), metrics);
        // One layer around each, because every request clones them and makes futures of their own.
        let router = doors
            .layer(from_fn_with_state(
                (observer.clone(), readiness.clone()),
                when_started,
            ))
            .merge(health.layer(from_fn_with_state(observer, observe)));
        // Proxies in front may remove the prefix, so both forms arrive.
        let router = match config.path_prefix() {
            Some(prefix) => Router::new().nest(prefix, router.clone()).merge(router),
            None => router,
        };
        Ok(Self {
            config,
            listener,
            address,
            live,
            audit,
            reactors,
            state,
            views,
            log,
            readiness,
            router,
            folder,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, until a restart is requested, or until it cannot go on; then stops cleanly. The process
    /// must end after it: what does not stop in time is left as it is.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<Ending, StartError> {
        // Each part has its own tasks and its own end, so that they can stop one after the other.
        let (connections, accepting) = (TaskTracker::new(), CancellationToken::new());
        let (background, working) = (TaskTracker::new(), CancellationToken::new());
        let keep = |name, begin: fn(&Work) -> BoxFuture<'static, ()>| {
            let work = Work {
                state: self.state.clone(),
                reactors: self.reactors.clone(),
                folder: self.folder.path().to_owned(),
                stop: working.clone(),
            };
            let (readiness, stop) = (self.readiness.clone(), working.clone());
            background.spawn(async move { readiness.keep(name, stop, || begin(&work)).await });
        };
        keep("the upkeep of metrics", |work| {
            metrics::upkeep(metrics::install(), work.stop.clone()).boxed()
        });
        keep("the mailing of links", |work| {
            mail_links::grant_wishes(Workspace::clone(&work.state), work.stop.clone()).boxed()
        });
        keep("the making of exports", |work| {
            jobs::run(Workspace::clone(&work.state), work.stop.clone()).boxed()
        });
        keep("the ear for the command line", |work| {
            let (state, reactors) = (work.state.clone(), work.reactors.clone());
            control::serve(work.folder.clone(), state, reactors, work.stop.clone()).boxed()
        });
        let acceptance = serve::Acceptance {
            max_connections: self.config.max_connections,
            proxies: self.config.forwarded_count,
            header: self.config.sandbox.as_ref().and_then(sandbox::header),
        };
        let server = serve::run(
            self.listener,
            self.router,
            acceptance,
            connections.clone(),
            accepting.clone(),
        );
        let mut server = connections.spawn(server);

        let running = async {
            let mut first = true;
            loop {
                let generation = self.views.generation();
                let leaders = match prepare(&self.state).await {
                    Ok(leaders) => leaders,
                    Err(error) => break Err(error),
                };
                self.readiness.started(generation);
                if std::mem::take(&mut first) {
                    // Before there is a workspace there is nothing to count.
                    keep("the taking of statistics", |work| {
                        statistics::measure::run(work.state.clone(), work.stop.clone()).boxed()
                    });
                    announce(&self.config, self.address, &self.log.describe(), &leaders);
                }
                // A log that replaces this one may have no workspace yet.
                self.views.serving(Some(generation)).await;
            }
        };
        let outcome = tokio::select! {
            () = stop => Ok(Ending::Stopped),
            () = self.state.restart_asked_for() => Ok(Ending::Restart),
            outcome = running => outcome,
            _ = &mut server => Err(StartError::Accept),
        };

        self.readiness.stopping();
        self.state.closing().cancel();
        let by = Deadlines::new(self.config.shutdown_timeout);
        // Sockets are told to go elsewhere while requests under way finish.
        tokio::join!(
            shutdown::finish("connections", &connections, &accepting, by.after(0)),
            shutdown::bounded("live sockets", by.after(0), self.live.stop()),
            shutdown::bounded("sockets of auditors", by.after(0), self.audit.stop())
        );
        shutdown::bounded("reactors", by.after(2), self.reactors.stop()).await;
        shutdown::finish("background", &background, &working, by.after(3)).await;
        if let Some(search) = self.state.search() {
            shutdown::bounded("search", by.after(4), search.close()).await;
        }
        shutdown::bounded("views", by.after(5), self.views.close()).await;
        shutdown::bounded("log", by.after(7), self.log.close()).await;
        tracing::info!("stopped");
        // Dropping a part waits for its threads, one of which may hang; the process ends now in any case.
        std::mem::forget((self.views, self.log, self.state));
        outcome
    }
}

/// What background work is started with, also again after a failure.
struct Work {
    state: AppState,
    reactors: Reactors,
    folder: PathBuf,
    stop: CancellationToken,
}

/// Binds the configured address. An error says what of it cannot be had.
pub async fn listen(config: &Config) -> Result<TcpListener, StartError> {
    let bind = config.bind.trim_start_matches('[').trim_end_matches(']');
    let failed = |error: std::io::Error| {
        let reason = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "the port is in use; choose another with --port or PORT".to_owned()
            }
            _ => error.to_string(),
        };
        StartError::Listen {
            address: format!("{}:{}", config.bind, config.port),
            reason,
        }
    };
    TcpListener::bind((bind, config.port)).await.map_err(failed)
}

/// Whether there is an administrator, as far as the person at the terminal needs to know.
enum Leaders {
    There,
    /// There never was one; this is the code to become the first with.
    Awaited(String),
    /// None is left who may log in.
    Gone,
}

/// First-start work: waits for the views, then makes what a workspace needs.
async fn prepare(state: &AppState) -> Result<Leaders, StartError> {
    loop {
        match bootstrap::run(state).await {
            Ok(()) => break,
            Err(error) if error.is_temporary() => {
                tracing::warn!(%error, "the workspace is not prepared yet; trying again");
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => return Err(StartError::Bootstrap(error.to_string())),
        }
    }
    // Only the text at the terminal depends on it.
    let vacant = first_administrator::is_awaited(state).await;
    if vacant.is_ok_and(|vacant| vacant) {
        let code = state.setup_code().as_str().to_owned();
        return Ok(Leaders::Awaited(code));
    }
    let admins = state.views().active_admins().await;
    Ok(if admins.is_ok_and(|admins| admins.is_empty()) {
        Leaders::Gone
    } else {
        Leaders::There
    })
}

/// Prints for the person at the terminal, on standard output. If nobody reads it, the server runs all the same.
fn announce(config: &Config, address: SocketAddr, log: &str, leaders: &Leaders) {
    let url = public_url(config, address);
    let or_from_here = if setup_proof::is_of_this_machine(&url) {
        " or, without it, from this machine"
    } else {
        ""
    };
    let ready = format!(
        "Hansard {} is ready.\n  address  {url}  (listening on {address})\n  log      {log}\n  data     {}\n{}",
        env!("CARGO_PKG_VERSION"),
        config.data_dir.display(),
        config
            .sandbox
            .as_ref()
            .map_or_else(String::new, sandbox::told),
    );
    let hint = match leaders {
        Leaders::There => String::new(),
        Leaders::Awaited(code) => format!(
            "There is no administrator yet. The first account to register becomes one, with this \
             code{or_from_here}:\n  \
             curl -H 'Content-Type: application/json' {url}/api/v1/users.register \\\n    \
             -d '{{\"username\":\"ann\",\"name\":\"Ann\",\"email\":\"ann@example.com\",\"pass\":\"choose-one\",\
             \"setupCode\":\"{code}\"}}'\n\
             or start again with ADMIN_USERNAME, ADMIN_PASS and ADMIN_EMAIL set.\n"
        ),
        Leaders::Gone => format!(
            "There is no administrator who may log in. To have one again, start with ADMIN_USERNAME and ADMIN_PASS set, \
             or say:\n  {} users make-admin NAME --password-stdin\n",
            program::name()
        ),
    };
    let mut out = std::io::stdout().lock();
    let _ = out
        .write_all((ready + &hint).as_bytes())
        .and_then(|()| out.flush());
}

/// The middleware of the doors: observes, and keeps clients out until the workspace exists.
async fn when_started(
    State((observer, readiness)): State<(Arc<Observer>, Arc<Readiness>)>,
    request: Request,
    next: Next,
) -> Response {
    let answer = async move |request| {
        if readiness.has_started() {
            next.run(request).await
        } else {
            not_yet(readiness.was_started())
        }
    };
    observer.observe(request, answer).await
}

fn not_yet(was_started: bool) -> Response {
    let body = if was_started {
        r#"{"success":false,"error":"The log was replaced; the server is computing its views anew"}"#
    } else {
        r#"{"success":false,"error":"The server is starting"}"#
    };
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [(header::CONTENT_TYPE, "application/json")],
        body,
    )
        .into_response()
}
