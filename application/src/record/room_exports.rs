//! What is taken out of a room: a stretch of it as a file, some of its messages by mail.

use std::collections::HashSet;

use domain::permission::Permission;
use domain::room_export::{
    self, ExportFormat, MOST_MESSAGES, MOST_RECIPIENTS, MessagesMailRequested, RoomExportCommand,
    RoomExportCompleted, RoomExportContext, RoomExportFailed, RoomExportRefusal,
    RoomExportRequested, RoomExports, may_export,
};
use domain::{MessageId, RoomId, Timestamp, UserId, limits, text};

use crate::caller::Caller;
use crate::chat::hidden_kinds::hidden_kinds;
use crate::chat::room_access::RoomAccess;
use crate::error::{Error, Refusal};
use crate::ids::{fresh_id, now};
use crate::outside::mail::is_address;
use crate::workspace::Workspace;

/// The most that all messages of one mail may have, as documents, in bytes.
const MOST_BYTES: usize = 1024 * 1024;

/// A room that the caller may take something out of.
pub struct Source<'a> {
    workspace: &'a Workspace,
    caller: &'a Caller,
    place: RoomAccess,
}

/// Messages that are to be mailed.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct MailWish {
    /// User names.
    pub users: Vec<String>,
    pub addresses: Vec<String>,
    pub subject: Option<String>,
    pub messages: Vec<MessageId>,
}

impl<'a> Source<'a> {
    /// The room, if the caller may know of it. A room that is not there is refused to those without the right as any
    /// other is.
    pub async fn of(
        workspace: &'a Workspace,
        caller: &'a Caller,
        room: &RoomId,
    ) -> Result<Self, Error> {
        let known = Permission::VIEW_ROOM_ADMINISTRATION;
        let place = RoomAccess::knowing(workspace, caller, room, known).await?;
        let Some(place) = place else {
            let permissions = workspace.views().permissions();
            let may = caller
                .authority(&[], &permissions)
                .has(Permission::MAIL_MESSAGES);
            return Err(if may {
                Refusal::NoRoomToExport.into()
            } else {
                RoomExportRefusal::NotAllowed.into()
            });
        };
        let source = Self {
            workspace,
            caller,
            place,
        };
        may_export(&source.context())?;
        Ok(source)
    }

    fn context(&self) -> RoomExportContext<'_> {
        RoomExportContext::User {
            authority: self.place.authority(self.caller),
            can_read: self.place.can_read(self.caller),
        }
    }

    fn room(&self) -> &RoomId {
        &self.place.room.id
    }

    async fn decide(&self, command: RoomExportCommand) -> Result<(), Error> {
        let (user, context) = (self.caller.id(), self.context());
        let stream = room_export::stream(user);
        let events = self
            .workspace
            .decide::<RoomExports>(user, &stream, command, &context);
        events.await.map(drop)
    }

    /// Asks for what was sent from one time on and before another as a file.
    pub async fn request(
        &self,
        format: ExportFormat,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<(), Error> {
        self.decide(RoomExportCommand::Request(RoomExportRequested {
            user: self.caller.id().clone(),
            export: fresh_id(),
            room: self.room().clone(),
            format,
            from,
            until,
            at: now(),
        }))
        .await
    }

    /// Asks for messages to be mailed. Returns the user names of those who have no address; if nobody else is to get them,
    /// nothing is mailed.
    pub async fn mail(&self, wish: MailWish) -> Result<Vec<String>, Error> {
        if wish.users.is_empty() && wish.addresses.is_empty()
            || wish.users.len() + wish.addresses.len() > MOST_RECIPIENTS
        {
            return Err(RoomExportRefusal::InvalidRecipients.into());
        }
        let addresses = addresses(wish.addresses)?;
        let messages = self.there(wish.messages).await?;
        if !self.workspace.mailer().is_configured() {
            return Err(Refusal::NoMailServer.into());
        }
        let (recipients, missing) = self.recipients(wish.users).await?;
        if recipients.is_empty() && addresses.is_empty() {
            return Ok(missing);
        }
        let subject = wish.subject.filter(|subject| !text::is_blank(subject));
        let wish = MessagesMailRequested {
            user: self.caller.id().clone(),
            room: self.room().clone(),
            messages,
            recipients,
            addresses,
            subject: subject.map(|subject| text::cut(&subject, limits::ROOM_NAME).to_owned()),
            at: now(),
        };
        self.decide(RoomExportCommand::Mail(wish)).await?;
        Ok(missing)
    }

    /// Those of the messages that the room shows, each once.
    async fn there(&self, wanted: Vec<MessageId>) -> Result<Vec<MessageId>, Error> {
        if wanted.len() > MOST_MESSAGES {
            return Err(RoomExportRefusal::InvalidMessages.into());
        }
        let hidden = hidden_kinds(self.workspace.views(), self.room()).await?;
        let (mut seen, mut there, mut bytes) = (HashSet::new(), Vec::new(), 0);
        for id in wanted {
            let message = self.workspace.views().message(&id).await?;
            let message = message.filter(|message| {
                message.room == *self.room() && is_shown(message.kind.as_deref(), &hidden)
            });
            let Some(message) = message.filter(|_| seen.insert(id.clone())) else {
                continue;
            };
            bytes += message.doc.len();
            there.push(id);
        }
        if there.is_empty() || bytes > MOST_BYTES {
            return Err(RoomExportRefusal::InvalidMessages.into());
        }
        Ok(there)
    }

    /// Those who have these user names and an address, each once; and the names of the others.
    async fn recipients(
        &self,
        usernames: Vec<String>,
    ) -> Result<(Vec<UserId>, Vec<String>), Error> {
        let (mut recipients, mut missing) = (Vec::new(), Vec::new());
        for name in usernames {
            let user = self.workspace.views().user_by_username(&name).await?;
            match user.filter(|user| user.first_address().is_some()) {
                Some(user) if recipients.contains(&user.id) => {}
                Some(user) => recipients.push(user.id.clone()),
                None => missing.push(name),
            }
        }
        Ok((recipients, missing))
    }
}

/// Whether a message of that kind is taken out of a room that leaves out these kinds. Of what was deleted, nothing is.
pub fn is_shown(kind: Option<&str>, hidden: &[String]) -> bool {
    kind.is_none_or(|kind| kind != "rm" && !hidden.iter().any(|hidden| hidden == kind))
}

/// The addresses, each once.
fn addresses(wanted: Vec<String>) -> Result<Vec<String>, Error> {
    let mut addresses: Vec<String> = Vec::new();
    for address in wanted {
        let address = text::trim(&address);
        if address.len() > limits::EMAIL || !is_address(address) {
            return Err(Refusal::NoAddress.into());
        }
        let same = |known: &String| known.eq_ignore_ascii_case(address);
        if !addresses.iter().any(same) {
            addresses.push(address.to_owned());
        }
    }
    Ok(addresses)
}

/// Records that a file is made.
pub async fn complete(workspace: &Workspace, completed: RoomExportCompleted) -> Result<(), Error> {
    let user = completed.user.clone();
    settle(workspace, &user, RoomExportCommand::Complete(completed)).await
}

/// Records that a file cannot be made.
pub async fn fail(workspace: &Workspace, wish: &RoomExportRequested) -> Result<(), Error> {
    let failed = RoomExportFailed {
        user: wish.user.clone(),
        export: wish.export.clone(),
        room: wish.room.clone(),
        at: now(),
    };
    settle(workspace, &wish.user, RoomExportCommand::Fail(failed)).await
}

async fn settle(
    workspace: &Workspace,
    user: &UserId,
    command: RoomExportCommand,
) -> Result<(), Error> {
    let (actor, stream) = (UserId::system(), room_export::stream(user));
    let context = RoomExportContext::System;
    let events = workspace.decide::<RoomExports>(&actor, &stream, command, &context);
    events.await.map(drop)
}
