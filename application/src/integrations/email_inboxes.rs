//! E-mail inboxes of the workspace. Their addresses are claimed in the batch that uses them, their passwords are sealed
//! before the rules see them.

use domain::Sealed;
use domain::claim::NameKind;
use domain::email_inbox::{self, Description, EmailInbox, EmailInboxCommand, MailServer, Password};

use crate::caller::Caller;
use crate::claims::Claimant;
use crate::error::{Error, Fault, Refusal};
use crate::ids::{fresh_id, now};
use crate::workspace::Workspace;

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
    let stream = email_inbox::stream(id);
    let addresses = Claimant::new(NameKind::EmailInbox, id, now());
    addresses
        .decide::<EmailInbox>(
            workspace,
            caller,
            &stream,
            std::slice::from_ref(command),
            address,
            Refusal::InboxAddressTaken,
        )
        .await
}

fn address(inbox: &EmailInbox) -> Vec<String> {
    let description = inbox.description.iter();
    description
        .map(|description| description.email.to_lowercase())
        .collect()
}
