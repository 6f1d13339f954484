//! Copies of what the workspace has stored about a person.

use domain::UserId;
use domain::data_export::{
    self, DataExportCommand, DataExportCompleted, DataExportFailed, DataExports,
};

use crate::error::Error;
use crate::ids::{fresh_id, now};
use crate::workspace::Workspace;

/// The folder of the file store that has the copies of one user. Ids may be any text; a path may not.
pub fn folder(user: &UserId) -> String {
    format!("data-exports/{}", hex::encode(user.as_str()))
}

/// The key of a copy of their data in the file store.
pub fn file_key(user: &UserId, export: &str) -> String {
    format!("{}/{export}.json", folder(user))
}

/// The key of a copy of what was said in a room.
pub fn archive_key(user: &UserId, export: &str) -> String {
    format!("{}/{export}.zip", folder(user))
}

/// Asks for a copy. Returns whether that made a new request: there is at most one a day.
pub async fn request(workspace: &Workspace, user: &UserId, full: bool) -> Result<bool, Error> {
    let command = DataExportCommand::Request {
        user: user.clone(),
        export: fresh_id(),
        full,
        at: now(),
    };
    decide(workspace, user, user, &command).await
}

/// Records that a copy is made.
pub async fn complete(workspace: &Workspace, completed: DataExportCompleted) -> Result<(), Error> {
    let user = completed.user.clone();
    let command = DataExportCommand::Complete(completed);
    decide(workspace, &UserId::system(), &user, &command)
        .await
        .map(drop)
}

/// Records that a copy cannot be made.
pub async fn fail(workspace: &Workspace, user: &UserId, export: &str) -> Result<(), Error> {
    let command = DataExportCommand::Fail(DataExportFailed {
        user: user.clone(),
        export: export.to_owned(),
        at: now(),
    });
    decide(workspace, &UserId::system(), user, &command)
        .await
        .map(drop)
}

async fn decide(
    workspace: &Workspace,
    actor: &UserId,
    user: &UserId,
    command: &DataExportCommand,
) -> Result<bool, Error> {
    let stream = data_export::stream(user);
    let events = workspace.decide::<DataExports>(actor, &stream, command.clone(), &());
    Ok(!events.await?.is_empty())
}
