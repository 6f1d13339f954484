//! The views of a folder that no server runs on.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use eventstore::{EventStore, Place, Position};

use crate::engine::dead_letters;
use crate::engine::file::{self, Folder, Found};
use crate::engine::pace::Limit;
use crate::engine::projection::{Overview, Projection, ProjectionStatus, Standing};
use crate::engine::registry::{Plan, Registry};
use crate::engine::tables;
use crate::engine::work::{Ended, Task};
use crate::error::ViewsError;
use crate::rebuild::fill::{Scrap, Until, build};
use crate::rebuild::note::Note;
use crate::rebuild::verify;
use crate::rebuild::{DeadLetters, MOST_LETTERS};

/// What is told of work on a folder: the last position the new views contain, and the one they are to contain.
type Told = dyn Fn(Position, Position) + Send + Sync;

/// What is to be built in a folder, and how.
struct Offline<'a> {
    store: &'a Arc<dyn EventStore>,
    registry: &'a Registry,
    plan: Plan,
    max_rate: Option<NonZeroU32>,
    told: Arc<Told>,
}

impl<'a> Offline<'a> {
    fn new(
        store: &'a Arc<dyn EventStore>,
        registry: &'a Registry,
        (task, view): (Task, Option<&str>),
        max_rate: Option<NonZeroU32>,
        told: impl Fn(Position, Position) + Send + Sync + 'static,
    ) -> Result<Self, ViewsError> {
        let plan = registry.plan(view, task);
        let unknown = || ViewsError::UnknownView(view.unwrap_or_default().to_owned());
        Ok(Self {
            store,
            registry,
            plan: plan.ok_or_else(unknown)?,
            max_rate,
            told: Arc::new(told),
        })
    }

    async fn build(&self, path: &Path, until: Until) -> Result<Place, ViewsError> {
        let (mut limit, told) = (Limit::new(self.max_rate), Arc::clone(&self.told));
        let step = move |position, events, head| {
            told(position, head);
            std::thread::sleep(limit.rest(events));
            Ok(())
        };
        build(self.store, path, self.registry, &self.plan, until, step).await
    }

    /// The place of the views in a file, if all that are looked at are there and they are of this log.
    async fn place(&self, path: &Path) -> Result<Place, ViewsError> {
        let found = file::found(&file::open_reader(path)?)?.ok_or(ViewsError::NoViews)?;
        if let Some(view) = self.plan.applied.iter().find(|view| !found.has(view)) {
            return Err(ViewsError::OtherViews(view.name));
        }
        if self.store.place(found.place.position).await? == Some(found.place) {
            Ok(found.place)
        } else {
            Err(ViewsError::NoViews)
        }
    }

    /// Builds all views up to the head, and has them serve.
    async fn rebuild_file(&self, folder: &Folder) -> Result<Position, ViewsError> {
        let path = folder.next();
        let mut scrap = Scrap::new(path.clone());
        let place = self.build(&path, Until::Head).await?;
        let old = folder.current();
        // What is pointed to is not removed.
        scrap.keep();
        folder.switch(&path)?;
        if let Some(old) = old {
            file::remove(&old);
        }
        Ok(place.position)
    }

    /// Builds views up to where those in the folder are, and does something with both files. Nothing is left of the new one.
    async fn beside<T>(
        &self,
        folder: &Folder,
        work: impl FnOnce(&Path, &Path, Position) -> Result<T, ViewsError>,
    ) -> Result<T, ViewsError> {
        let serving = folder.current().ok_or(ViewsError::NoViews)?;
        let position = self.place(&serving).await?.position;
        let path = folder.next();
        let _scrap = Scrap::new(path.clone());
        self.build(&path, Until::Position(position)).await?;
        work(&serving, &path, position)
    }

    /// Builds some views, and puts their tables beside the others.
    async fn rebuild_tables(&self, folder: &Folder) -> Result<Position, ViewsError> {
        let adopt = |serving: &Path, built: &Path, position| {
            tables::adopt(&file::open_writer(serving)?, built, &self.plan.wanted)?;
            Ok(position)
        };
        self.beside(folder, adopt).await
    }

    async fn verify(&self, folder: &Folder) -> Result<Ended, ViewsError> {
        let compare = |serving: &Path, built: &Path, position| {
            let (serving, built) = (file::open_reader(serving)?, file::open_reader(built)?);
            let difference = verify::compare(&mut (&serving, &built), &self.plan.wanted)?;
            Ok(verify::ended(position, difference))
        };
        self.beside(folder, compare).await
    }
}

/// Rebuilds a view, or all, in `dir` while no server runs on it. `told` is called now and then. Returns the position the
/// views then contain.
pub async fn rebuild_offline(
    dir: &Path,
    store: Arc<dyn EventStore>,
    registry: &Registry,
    view: Option<&str>,
    max_rate: Option<NonZeroU32>,
    told: impl Fn(Position, Position) + Send + Sync + 'static,
) -> Result<Position, ViewsError> {
    let work = Offline::new(&store, registry, (Task::Rebuild, view), max_rate, told)?;
    let folder = Folder::open(dir)?;
    let rebuilt = if work.plan.is_file {
        work.rebuild_file(&folder).await
    } else {
        work.rebuild_tables(&folder).await
    };
    folder.settle();
    let rebuilt = rebuilt?;
    // What the server was to do is done.
    let unit = work.plan.unit;
    if Note::read(dir)?.is_some_and(|note| unit.is_none() || note.unit.as_deref() == unit) {
        Note::remove(dir)?;
    }
    Ok(rebuilt)
}

/// Compares a view, or all, in `dir` with what the log says, while no server runs on it.
pub async fn verify_offline(
    dir: &Path,
    store: Arc<dyn EventStore>,
    registry: &Registry,
    view: Option<&str>,
    max_rate: Option<NonZeroU32>,
    told: impl Fn(Position, Position) + Send + Sync + 'static,
) -> Result<Ended, ViewsError> {
    let work = Offline::new(&store, registry, (Task::Verify, view), max_rate, told)?;
    let folder = Folder::open(dir)?;
    let compared = work.verify(&folder).await;
    folder.settle();
    compared
}

/// The dead letters in `dir`, of views of whatever program. May run beside a server.
pub fn dead_letters_offline(dir: &Path) -> Result<DeadLetters, ViewsError> {
    let path = file::current_trusted(dir)?.ok_or(ViewsError::NoViews)?;
    let conn = file::open_reader(&path)?;
    file::found(&conn)?.ok_or(ViewsError::NoViews)?;
    Ok(DeadLetters {
        total: dead_letters::count(&conn)?,
        first: dead_letters::list(&conn, MOST_LETTERS)?,
    })
}

/// The views in `dir` and those of this program that are not there, with how far each is, beside the log. May run beside a
/// server.
pub async fn list(
    dir: &Path,
    store: Arc<dyn EventStore>,
    registry: &Registry,
) -> Result<Overview, ViewsError> {
    let head = store.head().await?;
    let mut overview = Overview {
        log: store.id(),
        head,
        place: None,
        matches: false,
        projections: Vec::new(),
    };
    let Some(path) = file::current_trusted(dir)? else {
        return Ok(overview);
    };
    let look = move || file::found(&file::open_reader(&path)?);
    let found = tokio::task::spawn_blocking(look)
        .await
        .map_err(|_| ViewsError::Closed)??;
    if let Some(found) = found {
        let place = found.place;
        overview.place = Some(place);
        overview.matches = store.place(place.position).await? == Some(place);
        overview.projections = statuses(found, registry, head);
    }
    Ok(overview)
}

fn statuses(found: Found, registry: &Registry, head: Position) -> Vec<ProjectionStatus> {
    let status = |name, version, checkpoint: Position, standing| ProjectionStatus {
        name,
        version,
        checkpoint,
        head,
        lag: head.get().saturating_sub(checkpoint.get()),
        standing,
    };
    let is_there = |view: &Projection| found.views.iter().any(|(name, _)| name == view.name);
    let missing = registry.all().iter().filter(|view| !is_there(view));
    let mut all: Vec<_> = missing
        .map(|view| {
            let name = view.name.to_owned();
            status(name, view.version, Position::START, Standing::Missing)
        })
        .collect();
    all.extend(found.views.into_iter().map(|(name, version)| {
        let standing = match registry.view(&name).map(|view| view.version) {
            None => Standing::OtherProgram,
            Some(own) if own == version => Standing::Own,
            Some(own) => Standing::OtherVersion(own),
        };
        status(name, version, found.place.position, standing)
    }));
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}
