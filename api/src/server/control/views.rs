//! What operators ask of the views of a running server.

use ::projections::{DeadLetters, Ended, Steered};
use application::admin::projections::{self, Building, Operator, Steering};
use application::error::Error;
use futures::{Stream, StreamExt as _};
use serde::{Deserialize, Serialize};

use super::{Answer, Failure, LOOK};
use crate::documents::views::{ViewsReport, WorkReport};
use crate::state::AppState;

/// What is asked, and by whose account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    pub account: String,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    Status,
    Build(Building),
    Steer(Steering),
    DeadLetters,
    /// Of one view, or of all.
    Retry(Option<String>),
}

impl What {
    /// Whether it changes views, or what is noted of them.
    pub fn changes(&self) -> bool {
        match self {
            Self::Status | Self::DeadLetters => false,
            Self::Build(building) => !building.verify,
            Self::Steer(_) | Self::Retry(_) => true,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    Status(Box<ViewsReport>),
    /// The views contain everything up to this position.
    Rebuilt(u64),
    /// They are as the log says, at this position; or differ in this row.
    Verified(u64, Option<Differing>),
    Steered(Option<WorkReport>),
    /// The first build of the views cannot be steered.
    MustFinish,
    /// The work is at its end, and no longer heeds this.
    TooLate(WorkReport),
    /// The work was told to end, and heeds nothing else.
    Ending(WorkReport),
    DeadLetters(Letters),
    Retried {
        taken: usize,
        refused: usize,
    },
}

/// A row in which views differ from what the log says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differing {
    pub view: String,
    pub table: String,
    pub key: String,
    pub serving: Option<String>,
    pub rebuilt: Option<String>,
}

/// Dead letters: how many there are, and of the first view, position and reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letters {
    pub total: u64,
    pub first: Vec<(String, u64, String)>,
}

impl From<DeadLetters> for Letters {
    fn from(letters: DeadLetters) -> Self {
        let first = letters.first.into_iter();
        Self {
            total: letters.total,
            first: first
                .map(|letter| (letter.projection, letter.position.get(), letter.reason))
                .collect(),
        }
    }
}

impl Told {
    /// What came of building.
    pub fn ended(ended: Ended) -> Result<Self, Failure> {
        Ok(match ended {
            Ended::Rebuilt(position) => Self::Rebuilt(position.get()),
            Ended::Equal(position) => Self::Verified(position.get(), None),
            Ended::Different(position, found) => {
                let differing = Differing {
                    view: found.view,
                    table: found.table,
                    key: found.key,
                    serving: found.serving,
                    rebuilt: found.rebuilt,
                };
                Self::Verified(position.get(), Some(differing))
            }
            Ended::Failed(reason) => return Err(reason.into()),
        })
    }
}

/// The answers of the running server: how far it is, if that takes long, and what came of it.
pub(super) fn answer(state: AppState, ask: Ask) -> impl Stream<Item = Answer> + Send {
    let by = Operator::CommandLine(ask.account);
    async_stream::stream! {
        let told = match ask.what {
            What::Build(building) => {
                let mut work = std::pin::pin!(build(&state, &by, building).fuse());
                while let Some(answer) = work.next().await {
                    yield answer;
                }
                return;
            }
            What::Status => Ok(Told::Status(Box::new(ViewsReport::of_server(&state).await))),
            What::Steer(steering) => projections::steer(&state, &by, steering).await.map(|steered| match steered {
                Steered::Done(progress) => Told::Steered(Some(progress.into())),
                Steered::NothingRuns => Told::Steered(None),
                Steered::MustFinish => Told::MustFinish,
                Steered::TooLate(progress) => Told::TooLate(progress.into()),
                Steered::Ending(progress) => Told::Ending(progress.into()),
            }),
            What::DeadLetters => {
                let letters = state.views().dead_letters().await;
                letters.map(|letters| Told::DeadLetters(letters.into())).map_err(Error::from)
            }
            What::Retry(view) => {
                let retried = projections::retry(&state, &by, view.as_deref()).await;
                retried.map(|retried| Told::Retried { taken: retried.taken, refused: retried.refused })
            }
        };
        yield answered(told.map_err(Failure::from));
    }
}

fn answered(told: Result<Told, Failure>) -> Answer {
    match told {
        Ok(told) => Answer::Views(told),
        Err(failure) => Answer::Failed(failure),
    }
}

/// Builds, and tells how far it is.
fn build(state: &AppState, by: &Operator, building: Building) -> impl Stream<Item = Answer> + Send {
    let views = state.views().clone();
    async_stream::stream! {
        let begun = match projections::begin(state, by, building).await {
            Ok(begun) => begun,
            Err(error) => {
                yield Answer::Failed(error.into());
                return;
            }
        };
        let mut ended = std::pin::pin!(begun.ended());
        let mut looks = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                outcome = &mut ended => {
                    let failed = |error| Failure::from(projections::failed(views.registry(), error));
                    yield answered(outcome.map_err(failed).and_then(Told::ended));
                    return;
                }
                _ = looks.tick() => if let Some(progress) = views.progress() {
                    yield Answer::Working(progress.into());
                },
            }
        }
    }
}
