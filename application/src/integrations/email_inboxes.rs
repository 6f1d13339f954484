//! E-mail inboxes of the workspace. Their addresses are claimed in the batch that uses them, their passwords are sealed
//! before the rules see them.

use domain::claim::{self, Claim, ClaimCommand, NameKind};
use domain::email_inbox::{
    self, Description, EmailInbox, EmailInboxCommand, EmailInboxRefusal, MailServer, Password,
};
use domain::{Sealed, StreamId};
use eventstore::ExecuteError;
use eventstore::execute::Transaction;

use crate::caller::Caller;
use crate::error::{Error, Fault, Refusal};
use crate::ids::{fresh_id, now};
use crate::workspace::{WorkError, Workspace};

/// The purpose that a password of an inbox is sealed for.
fn purpose(inbox: &str, direction: &str) -> String {
    format!("email-inbox/{inbox}/{direction}")
}

/// The password for the server an inbox sends through, in the clear.
pub fn smtp_password(workspace: &Workspace, inbox: &str, sealed: &Sealed) -> Result<String, Error> {
    workspace
        .vault()
        .open(&purpose(inbox, "smtp"), sealed)
        .map_err(|_| {
            Fault::Sealed {
                what: format!("the password of the inbox {inbox}"),
            }
            .into()
        })
}

/// Adds an inbox, or changes the one with this id. Passwords come in the clear; `None` keeps the present one. Returns
/// the id.
pub async fn save(
    workspace: &Workspace,
    caller: &Caller,
    id: Option<&str>,
    wish: Description<Option<String>>,
) -> Result<String, Error> {
    let (inbox, at) = (id.map_or_else(fresh_id, str::to_owned), now());
    let seal = |direction: &str, server: MailServer<Option<String>>| MailServer {
        password: server.password.map_or(Password::Kept, |password| {
            Password::New(
                workspace
                    .vault()
                    .seal(&purpose(&inbox, direction), &password),
            )
        }),
        server: server.server,
        port: server.port,
        username: server.username,
        secure: server.secure,
    };
    let description = Box::new(Description {
        smtp: seal("smtp", wish.smtp),
        imap: seal("imap", wish.imap),
        active: wish.active,
        name: wish.name,
        email: wish.email,
        description: wish.description,
        sender_info: wish.sender_info,
        department: wish.department,
        imap_retries: wish.imap_retries,
    });
    let command = if id.is_none() {
        EmailInboxCommand::Add {
            inbox: inbox.clone(),
            description,
            at,
        }
    } else {
        EmailInboxCommand::Change {
            inbox: inbox.clone(),
            description,
            at,
        }
    };
    run(workspace, caller, &inbox, &command).await?;
    Ok(inbox)
}

/// Removes an inbox; its address is free again.
pub async fn remove(workspace: &Workspace, caller: &Caller, id: &str) -> Result<(), Error> {
    let command = EmailInboxCommand::Remove {
        inbox: id.to_owned(),
        at: now(),
    };
    run(workspace, caller, id, &command).await
}

async fn run(
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
    command: &EmailInboxCommand,
) -> Result<(), Error> {
    let permissions = workspace.views().permissions();
    let authority = caller.authority(&[], &permissions);
    let stream = email_inbox::stream(id);
    workspace
        .run(caller.id(), async |tx| {
            let before = address(&tx, &stream).await?;
            tx.decide::<EmailInbox>(&stream, command.clone(), &authority)
                .await
                .map_err(ExecuteError::widen)?;
            let after = address(&tx, &stream).await?;
            move_claim(&tx, id, before, after).await
        })
        .await
}

async fn address(tx: &Transaction, stream: &StreamId) -> Result<Option<String>, WorkError> {
    let state = tx
        .state::<EmailInbox>(stream)
        .await
        .map_err(ExecuteError::<EmailInboxRefusal>::widen)?;
    let description = state.description.as_ref();
    Ok(description.map(|description| description.email.to_lowercase()))
}

async fn move_claim(
    tx: &Transaction,
    id: &str,
    before: Option<String>,
    after: Option<String>,
) -> Result<(), WorkError> {
    if before == after {
        return Ok(());
    }
    let (kind, owner, at) = (NameKind::EmailInbox, id.to_owned(), now());
    if let Some(before) = before {
        let release = ClaimCommand::Release {
            kind,
            owner: owner.clone(),
            at,
        };
        tx.decide::<Claim>(&claim::stream(kind, &before), release, &())
            .await
            .map_err(ExecuteError::widen)?;
    }
    if let Some(after) = after {
        let take = ClaimCommand::Take { kind, owner, at };
        tx.decide::<Claim>(&claim::stream(kind, &after), take, &())
            .await
            .map_err(|error| error.map_refusal(|_| Refusal::InboxAddressTaken.into()))?;
    }
    Ok(())
}
