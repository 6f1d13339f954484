//! Custom user statuses. Their names are claimed in the batch that uses them.

use application::ids::now;
use domain::claim::NameKind;
use domain::custom_status::{
    self, CustomStatus, CustomStatusCommand, CustomStatusRefusal, Description,
};
use domain::permission::Authority;
use eventstore::ExecuteError;
use eventstore::execute::Transaction;

use super::WorkError;
use super::claims::Claimant;
use crate::error::{ApiError, texts};
use crate::extract::Caller;
use crate::state::AppState;

/// Makes a custom status of that id, or changes the one that is there.
pub async fn save(
    state: &AppState,
    caller: &Caller,
    id: &str,
    description: &Description,
    new: bool,
) -> Result<(), ApiError> {
    let (id, description, at) = (id.to_owned(), description.clone(), now());
    let command = if new {
        CustomStatusCommand::Create {
            id: id.clone(),
            description,
            at,
        }
    } else {
        CustomStatusCommand::Change {
            id: id.clone(),
            description,
            at,
        }
    };
    run(state, caller, &id, &command).await
}

/// Does away with one.
pub async fn delete(state: &AppState, caller: &Caller, id: &str) -> Result<(), ApiError> {
    let command = CustomStatusCommand::Delete {
        id: id.to_owned(),
        at: now(),
    };
    run(state, caller, id, &command).await
}

async fn run(
    state: &AppState,
    caller: &Caller,
    id: &str,
    command: &CustomStatusCommand,
) -> Result<(), ApiError> {
    let permissions = state.views().permissions();
    let authority: Authority<'_> = caller.authority(&[], &permissions);
    let stream = custom_status::stream(id);
    let names = Claimant {
        kind: NameKind::CustomStatus,
        owner: id,
        at: now(),
    };
    state
        .run(caller.id(), async |tx| {
            let before = named(&tx, &stream).await?;
            tx.decide::<CustomStatus>(&stream, command.clone(), &authority)
                .await
                .map_err(ExecuteError::widen)?;
            let after = named(&tx, &stream).await?;
            names
                .swap(&tx, before.as_deref(), after.as_deref(), |_| {
                    texts::custom_status_name_taken()
                })
                .await
        })
        .await
}

/// What the status is called.
async fn named(tx: &Transaction, stream: &domain::StreamId) -> Result<Option<String>, WorkError> {
    let state = tx
        .state::<CustomStatus>(stream)
        .await
        .map_err(ExecuteError::<CustomStatusRefusal>::widen)?;
    Ok(match &*state {
        CustomStatus::Present(description) => Some(description.name.clone()),
        CustomStatus::Absent => None,
    })
}
