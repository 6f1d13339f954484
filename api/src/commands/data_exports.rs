//! Copies of what the workspace keeps of a person.

use application::ids::{fresh_id, now};
use domain::UserId;
use domain::data_export::{
    self, DataExportCommand, DataExportCompleted, DataExportFailed, DataExports,
};
use eventstore::ExecuteError;

use crate::error::ApiError;
use crate::state::AppState;

/// Asks for a copy. Answers whether that made a new one: there is at most one a day.
pub async fn request(state: &AppState, user: &UserId, full: bool) -> Result<bool, ApiError> {
    let command = DataExportCommand::Request {
        user: user.clone(),
        export: fresh_id(),
        full,
        at: now(),
    };
    decide(state, user, user, &command).await
}

/// Notes that a copy is made.
pub async fn complete(state: &AppState, completed: DataExportCompleted) -> Result<(), ApiError> {
    let user = completed.user.clone();
    let command = DataExportCommand::Complete(completed);
    decide(state, &UserId::system(), &user, &command)
        .await
        .map(drop)
}

/// Notes that a copy cannot be made.
pub async fn fail(state: &AppState, user: &UserId, export: &str) -> Result<(), ApiError> {
    let command = DataExportCommand::Fail(DataExportFailed {
        user: user.clone(),
        export: export.to_owned(),
        at: now(),
    });
    decide(state, &UserId::system(), user, &command)
        .await
        .map(drop)
}

async fn decide(
    state: &AppState,
    actor: &UserId,
    user: &UserId,
    command: &DataExportCommand,
) -> Result<bool, ApiError> {
    let stream = data_export::stream(user);
    state
        .run(actor, async |tx| {
            let events = tx
                .decide::<DataExports>(&stream, command.clone(), &())
                .await
                .map_err(ExecuteError::widen)?;
            Ok(!events.is_empty())
        })
        .await
}
