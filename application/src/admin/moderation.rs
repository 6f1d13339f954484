//! Reports to the moderators, and how they are dealt with.

use domain::message::{MessageCommand, MessageRefusal};
use domain::permission::{Authority, PermissionTable};
use domain::report::{
    self, MessageReported, Report, ReportCommand, ReportDismissed, ReportRefusal, UserReported,
};
use domain::room::RoomFacts;
use domain::{MessageId, RoleId, UserId, text};
use projections::{MessageRecord, ReportRecord};

use crate::caller::Caller;
use crate::chat::messages;
use crate::chat::room_access::RoomAccess;
use crate::error::{Error, Refusal};
use crate::ids::{fresh_id, now};
use crate::workspace::Workspace;

/// Reports a message that the caller may read to the moderators.
pub async fn report_message(
    workspace: &Workspace,
    caller: &Caller,
    message: &MessageId,
    description: &str,
) -> Result<(), Error> {
    if text::is_blank(description) {
        return Err(ReportRefusal::DescriptionRequired.into());
    }
    let record = workspace.views().message(message).await?;
    let record = record.ok_or(Refusal::NothingToReport)?;
    let place = RoomAccess::of(workspace, caller, &record.room).await?;
    if !place.is_some_and(|place| place.can_read(caller)) {
        return Err(Refusal::NothingToReport.into());
    }
    let report = MessageReported {
        report: fresh_id(),
        message: record.id.clone(),
        room: record.room.clone(),
        author: record.author.clone(),
        copy: serde_json::from_slice(&record.doc).unwrap_or_default(),
        description: description.to_owned(),
        by: caller.id().clone(),
        at: now(),
    };
    let id = report.report.clone();
    let command = ReportCommand::Message(Box::new(report));
    make(workspace, caller, &id, &command).await
}

/// Reports a user to the moderators.
pub async fn report_user(
    workspace: &Workspace,
    caller: &Caller,
    user: &UserId,
    description: &str,
) -> Result<(), Error> {
    let report = UserReported {
        report: fresh_id(),
        user: user.clone(),
        description: description.to_owned(),
        by: caller.id().clone(),
        at: now(),
    };
    let id = report.report.clone();
    let command = ReportCommand::User(Box::new(report));
    make(workspace, caller, &id, &command).await
}

async fn make(
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
    command: &ReportCommand,
) -> Result<(), Error> {
    let stream = report::stream(id);
    workspace
        .run(caller.id(), async |tx| {
            tx.decide_new::<Report>(&stream, command.clone(), &())
                .await?;
            Ok(())
        })
        .await
}

/// Closes reports that a moderator has dealt with.
pub async fn dismiss(
    workspace: &Workspace,
    caller: &Caller,
    reports: &[ReportRecord],
    reason: Option<&str>,
    action: Option<&str>,
) -> Result<(), Error> {
    let at = now();
    workspace
        .run(caller.id(), async |tx| {
            for report in reports {
                let dismissed = ReportDismissed {
                    report: report.id.clone(),
                    by: caller.id().clone(),
                    reason: reason.map(str::to_owned),
                    action: action.map(str::to_owned),
                    at,
                };
                let dismiss = ReportCommand::Dismiss(Box::new(dismissed));
                tx.decide::<Report>(&report::stream(&report.id), dismiss, &())
                    .await?;
            }
            Ok(())
        })
        .await
}

/// Deletes a message that was reported, with the rights of an owner of its room. A message that is already deleted is
/// fine.
pub async fn delete_message(
    workspace: &Workspace,
    caller: &Caller,
    room: &RoomFacts,
    record: &MessageRecord,
) -> Result<(), Error> {
    let (roles, permissions) = ([RoleId::new("owner")], PermissionTable::default());
    let authority = Authority {
        actor: caller.id(),
        roles: &[],
        room_roles: &roles,
        permissions: &permissions,
    };
    let delete = MessageCommand::Delete {
        message: record.id.clone(),
        at: now(),
    };
    match messages::change_as(workspace, authority, room, record, &delete).await {
        Err(Error::Message(MessageRefusal::NotFound)) => Ok(()),
        outcome => outcome,
    }
}
