//! Custom user statuses. Their names are claimed in the batch that uses them.

use domain::claim::NameKind;
use domain::custom_status::{self, CustomStatus, CustomStatusCommand, Description};

use crate::caller::Caller;
use crate::claims::Claimant;
use crate::error::{Error, Refusal};
use crate::ids::now;
use crate::workspace::Workspace;

/// Makes a custom status with that id, or changes the existing one.
pub async fn save(
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
    description: &Description,
    new: bool,
) -> Result<(), Error> {
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
    run(workspace, caller, &id, &command).await
}

/// Deletes a custom status; its name is free again.
pub async fn delete(workspace: &Workspace, caller: &Caller, id: &str) -> Result<(), Error> {
    let command = CustomStatusCommand::Delete {
        id: id.to_owned(),
        at: now(),
    };
    run(workspace, caller, id, &command).await
}

async fn run(
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
    command: &CustomStatusCommand,
) -> Result<(), Error> {
    let stream = custom_status::stream(id);
    let names = Claimant::new(NameKind::CustomStatus, id, now());
    names
        .decide::<CustomStatus>(
            workspace,
            caller,
            &stream,
            std::slice::from_ref(command),
            named,
            Refusal::StatusNameTaken,
        )
        .await
}

fn named(status: &CustomStatus) -> Vec<String> {
    match status {
        CustomStatus::Present(description) => vec![description.name.clone()],
        CustomStatus::Absent => Vec::new(),
    }
}
