//! Side effects of events: what the outside world is told, at least once and in log order.
//!
//! A [`Reactor`] sees every event after its checkpoint, one at a time. The checkpoint moves only after the reactor
//! is done with an event, so a crash repeats at most the last one; the [`OutboxKey`] is the same again, and lets
//! the other side recognise the repeat. Rebuilding views never runs reactors.
//!
//! What this crate never does: append to the log past the rules, or write a view. New reactors are added to
//! [`registered`].

#![allow(missing_docs, reason = "no library: only the doors use it")]

mod checkpoint;
mod data_export;
mod gravatar;
pub mod mail;
mod reactor;
mod said;
mod unfurl;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use application::workspace::Workspace;
use data_export::DataExporter;
use eventstore::{EventStore, LogId, Place, Position, ReadError, tireless};
use gravatar::Gravatar;
use mail::MailReactor;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use unfurl::Unfurl;

pub use checkpoint::{Checkpoint, CheckpointError, PutOff, Standing};
pub use reactor::{OutboxKey, Reactor, Verdict};
pub use worker::{WorkerError, run};

/// All reactors. `gravatar` is the address of the service that has pictures of people, without a slash at the end.
pub fn registered(workspace: &Workspace, gravatar: String) -> Vec<Arc<dyn Reactor>> {
    vec![
        Arc::new(MailReactor::new(workspace.into())),
        Arc::new(DataExporter::new(workspace.clone())),
        Arc::new(Gravatar::new(workspace.clone(), gravatar)),
        Arc::new(Unfurl::new(workspace.clone())),
    ]
}

/// The running workers, one per reactor. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Reactors(Arc<Shared>);

struct Shared {
    log: Arc<dyn EventStore>,
    folder: PathBuf,
    running: tokio::sync::Mutex<BTreeMap<&'static str, Running>>,
    /// Why reactors that do not work stopped.
    failures: Mutex<BTreeMap<&'static str, String>>,
    stop: CancellationToken,
}

struct Running {
    reactor: Arc<dyn Reactor>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Reactors {
    /// Starts a worker per reactor, each after its checkpoint in `folder`. Those that begin at the head of the log have
    /// noted it when this returns, if the log can be read.
    pub async fn start(
        log: &Arc<dyn EventStore>,
        reactors: Vec<Arc<dyn Reactor>>,
        folder: &Path,
    ) -> Result<Self, CheckpointError> {
        let shared = Arc::new(Shared {
            log: log.clone(),
            folder: folder.to_owned(),
            running: tokio::sync::Mutex::default(),
            failures: Mutex::default(),
            stop: CancellationToken::new(),
        });
        for reactor in reactors {
            let mut checkpoint = Checkpoint::open(folder, reactor.name())?;
            if checkpoint.is_fresh()
                && reactor.begins_at_head()
                && let Ok(Some(place)) = head(&**log).await
            {
                checkpoint.advance(place)?;
            }
            let running = shared.begin(reactor);
            let mut all = shared.running.lock().await;
            all.insert(running.reactor.name(), running);
        }
        Ok(Self(shared))
    }

    /// Why reactors that do not work stopped, by name.
    pub fn failures(&self) -> BTreeMap<&'static str, String> {
        self.0.failures.lock().clone()
    }

    /// Makes a reactor, or all (`None`), begin at a place, which must be in the log. Returns their names.
    pub async fn reset(
        &self,
        name: Option<&str>,
        place: Place,
    ) -> Result<Vec<&'static str>, ResetError> {
        let mut all = self.0.running.lock().await;
        let names: Vec<&'static str> = all
            .keys()
            .copied()
            .filter(|one| name.is_none_or(|name| name == *one))
            .collect();
        if names.is_empty() {
            return Err(ResetError::NoSuch(name.unwrap_or_default().to_owned()));
        }
        for &name in &names {
            if let Some(running) = all.remove(name) {
                running.stop.cancel();
                // Not before its present event is dealt with: a side effect that is under way cannot be called back.
                let _ = running.task.await;
                let placed = Checkpoint::open(&self.0.folder, name)
                    .and_then(|mut checkpoint| checkpoint.reset(place));
                // It is started again in any case; at its old place, if the new one was not recorded.
                all.insert(name, self.0.begin(running.reactor));
                placed?;
            }
        }
        Ok(names)
    }

    /// Stops every worker after its present event.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        let running = std::mem::take(&mut *self.0.running.lock().await);
        for (_, Running { task, .. }) in running {
            let _ = task.await;
        }
    }
}

impl Shared {
    fn begin(self: &Arc<Self>, reactor: Arc<dyn Reactor>) -> Running {
        self.failures.lock().remove(reactor.name());
        let stop = self.stop.child_token();
        let task = tokio::spawn(Arc::clone(self).work(reactor.clone(), stop.clone()));
        Running {
            reactor,
            stop,
            task,
        }
    }

    /// Works until told to stop or until the reactor cannot go on. A panic only interrupts it.
    async fn work(self: Arc<Self>, reactor: Arc<dyn Reactor>, stop: CancellationToken) {
        let name = reactor.name();
        let begin = || async {
            let outcome = match Checkpoint::open(&self.folder, name) {
                Ok(checkpoint) => {
                    run(self.log.clone(), reactor.clone(), checkpoint, stop.clone()).await
                }
                Err(error) => Err(error.into()),
            };
            if let Err(error) = outcome {
                tracing::error!(reactor = name, %error, "side effects have stopped");
                self.failures.lock().insert(name, error.to_string());
            }
        };
        let tell = |died: Option<String>| {
            let mut failures = self.failures.lock();
            match died {
                Some(reason) => {
                    let text = format!("the worker of reactor {name} panicked: {reason}");
                    drop(failures.insert(name, text));
                }
                None => drop(failures.remove(name)),
            }
        };
        tireless(begin, tell).await;
    }
}

async fn head(log: &dyn EventStore) -> Result<Option<Place>, ReadError> {
    log.place(log.head().await?).await
}

/// Why a reactor cannot be told where to begin.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    #[error("there is no reactor named {}", domain::text::quoted(.0))]
    NoSuch(String),
    #[error("the log has no position {0}; it ends at {1}")]
    Beyond(u64, u64),
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// The place in the log that an operator names: a position, or the head.
pub async fn place_named(
    log: &dyn EventStore,
    position: Option<Position>,
) -> Result<Place, ResetError> {
    let end = log.head().await?;
    let wanted = position.unwrap_or(end);
    let place = log.place(wanted).await?;
    place.ok_or_else(|| ResetError::Beyond(wanted.get(), end.get()))
}

/// Like [`Reactors::reset`], while no reactor runs: for those that have a checkpoint in `folder`.
pub fn reset_offline(
    folder: &Path,
    name: Option<&str>,
    place: Place,
) -> Result<Vec<String>, ResetError> {
    let names: Vec<String> = names_in(folder)?
        .into_iter()
        .filter(|one| name.is_none_or(|name| name == one))
        .collect();
    if names.is_empty() {
        return Err(ResetError::NoSuch(name.unwrap_or_default().to_owned()));
    }
    for name in &names {
        Checkpoint::open(folder, name)?.reset(place)?;
    }
    Ok(names)
}

/// A reactor as its checkpoint has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactorStatus {
    pub name: String,
    pub position: Position,
    /// `None`: its checkpoint does not name a log: it is new, or of an earlier version.
    pub log: Option<LogId>,
    /// Whether its place is in the log.
    pub matches: bool,
}

/// The reactors that have a checkpoint in `folder`, beside the log. May run beside a server.
pub async fn list(folder: &Path, log: &dyn EventStore) -> Result<Vec<ReactorStatus>, ResetError> {
    let mut all = Vec::new();
    for name in names_in(folder)? {
        let standing = Checkpoint::open(folder, &name)?.standing();
        let found = log.place(standing.position()).await?;
        let (matches, log) = match standing {
            Standing::At(place) => (found == Some(place), Some(place.log)),
            Standing::Fresh | Standing::Unnamed(_) => (found.is_some(), None),
        };
        all.push(ReactorStatus {
            name,
            position: standing.position(),
            log,
            matches,
        });
    }
    Ok(all)
}

fn names_in(folder: &Path) -> Result<Vec<String>, CheckpointError> {
    let failed = |error: std::io::Error| CheckpointError {
        path: folder.to_owned(),
        reason: error.to_string(),
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let name = name
            .to_str()
            .and_then(|name| name.strip_suffix(".checkpoint"));
        names.extend(name.map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names)
}
