//! The views of this node, looked after: built anew, compared with the log, and what one of them refused.
//!
//! None of this is an event. The views are a node's own and the log is shared by all nodes; a rebuild changes nothing that
//! the log says, and must be possible when the log cannot be written. The server's log lines say who asked.

use std::fmt;
use std::num::NonZeroU32;

use domain::permission::Permission;
use projections::{Begun, Registry, Retried, SEARCH, Steered, Task, ViewsError, Wish};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::chat::search_refusal::SearchRefusal;
use crate::error::{Error, Fault, Refusal};
use crate::record::named::like;
use crate::record::question::NotUnderstood;
use crate::workspace::Workspace;

/// Somebody who may look after the views.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operator {
    /// A user, by id.
    User(String),
    /// Whoever may run programs on the data folder, by their account.
    CommandLine(String),
}

impl Operator {
    /// The caller, if they may.
    pub fn caller(workspace: &Workspace, caller: &Caller) -> Result<Self, Refusal> {
        if caller.may(workspace, Permission::MANAGE_PROJECTIONS) {
            Ok(Self::User(caller.id().as_str().to_owned()))
        } else {
            Err(Refusal::ViewsNotManaged)
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "the user {id}"),
            Self::CommandLine(account) => write!(f, "{account} on the command line"),
        }
    }
}

/// What is to be built beside the views that serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Building {
    /// Only to compare the views with; nothing is put in their place.
    pub verify: bool,
    /// A view, or several by the name they have together; `None`: all.
    pub view: Option<String>,
    /// Events per second at most.
    pub max_rate: Option<NonZeroU32>,
}

/// What the work that is under way is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Steering {
    Pause,
    Resume,
    Abort,
}

/// There is no view of that name.
pub fn unknown(registry: &Registry, named: &str) -> NotUnderstood {
    NotUnderstood::Unknown {
        what: "view",
        suggestions: like(named, registry.names().into_iter()),
        named: named.to_owned(),
    }
}

/// Why it was not done.
pub fn failed(registry: &Registry, error: ViewsError) -> Error {
    match error {
        ViewsError::UnknownView(named) => unknown(registry, &named).into(),
        ViewsError::AlreadyRebuilding => Refusal::ViewsBeingBuilt.into(),
        ViewsError::Aborted => Refusal::BuildingAborted.into(),
        other => Fault::Building(other).into(),
    }
}

/// Begins to build. It goes on whether or not somebody waits for it.
pub async fn begin(
    workspace: &Workspace,
    by: &Operator,
    building: Building,
) -> Result<Begun, Error> {
    let Building {
        verify,
        view,
        max_rate,
    } = building;
    if view.as_deref() == Some(SEARCH) {
        return begin_search(workspace, by, verify, max_rate);
    }
    let wish = Wish {
        task: if verify { Task::Verify } else { Task::Rebuild },
        view: view.clone(),
        max_rate,
        by: by.to_string(),
    };
    let views = workspace.views();
    let begun = views.begin(wish).await;
    let begun = begun.map_err(|error| failed(views.registry(), error))?;
    tracing::info!(%by, view, max_rate, verify, "views are being built, as was asked for");
    Ok(begun)
}

/// The same of the index of messages, which is beside the views.
fn begin_search(
    workspace: &Workspace,
    by: &Operator,
    verify: bool,
    max_rate: Option<NonZeroU32>,
) -> Result<Begun, Error> {
    if verify {
        return Err(SearchRefusal::NotCompared.into());
    }
    let search = workspace.search().ok_or(SearchRefusal::NoIndex)?;
    let begun = search.rebuild(&by.to_string(), max_rate);
    let begun = begun.map_err(|error| failed(workspace.views().registry(), error))?;
    tracing::info!(%by, max_rate, "the index of messages is being built, as was asked for");
    Ok(begun)
}

/// Pauses, resumes or aborts what is being built.
pub async fn steer(
    workspace: &Workspace,
    by: &Operator,
    steering: Steering,
) -> Result<Steered, Error> {
    tracing::info!(%by, ?steering, "the building of views is steered, as was asked for");
    let views = workspace.views();
    let steered = match steering {
        Steering::Pause => views.pause(true).await,
        Steering::Resume => views.pause(false).await,
        Steering::Abort => Ok(views.abort()),
    };
    steered.map_err(|error| failed(views.registry(), error))
}

/// Applies the dead letters of a view, or of all, to the views as they are now.
pub async fn retry(
    workspace: &Workspace,
    by: &Operator,
    view: Option<&str>,
) -> Result<Retried, Error> {
    tracing::info!(%by, view, "dead letters are retried, as was asked for");
    let views = workspace.views();
    let retried = views.retry_dead_letters(view).await;
    retried.map_err(|error| failed(views.registry(), error))
}
