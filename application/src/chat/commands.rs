//! What people type after a slash (contract, messages 7). Each command does what other doors do as well, by the same use
//! cases and rules; what there is to say about it, only whoever typed it is told, where they typed it.

mod members;
mod people;
mod rooms;
mod text;

use std::sync::Arc;

use domain::text as typed_text;
use domain::{MessageId, RoomId};
use projections::UserFacts;

use crate::caller::Caller;
use crate::chat::room_access::RoomAccess;
use crate::error::Error;
use crate::workspace::Workspace;

/// What a command does, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum SlashCommand {
    Archive,
    Unarchive,
    Create,
    Invite,
    /// Adds the members of this room to another.
    InviteAllTo,
    /// Adds the members of another room to this one.
    InviteAllFrom,
    Join,
    Leave,
    Kick,
    Mute,
    Unmute,
    /// Says something in a direct message.
    Message,
    Topic,
    Status,
    Hide,
    Help,
    Say(Phrase),
}

/// What is said with, or around, what somebody typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Phrase {
    Me,
    Gimme,
    LennyFace,
    Shrug,
    TableFlip,
    Unflip,
}

/// A command as somebody typed it.
pub struct Typed<'a> {
    workspace: &'a Workspace,
    caller: &'a Caller,
    /// Where it was typed: a room that the caller may see.
    place: &'a RoomAccess,
    /// What stands behind the command, without the space around it.
    text: &'a str,
    /// The message that the client made of it. Its id is that of what is said.
    id: Option<MessageId>,
    /// The message it was typed in a reply to.
    thread: Option<MessageId>,
}

impl<'a> Typed<'a> {
    /// Typed into the room, with `text` behind the command.
    pub fn new(
        workspace: &'a Workspace,
        caller: &'a Caller,
        place: &'a RoomAccess,
        text: &'a str,
    ) -> Self {
        Self {
            workspace,
            caller,
            place,
            text: typed_text::trim(text),
            id: None,
            thread: None,
        }
    }

    /// The same as a message with that id, in that thread.
    #[must_use]
    pub fn as_message(self, id: Option<MessageId>, thread: Option<MessageId>) -> Self {
        Self { id, thread, ..self }
    }

    /// Does it. What is refused, the caller has not been told.
    pub async fn run(&self, command: SlashCommand) -> Result<(), Error> {
        match command {
            SlashCommand::Archive => rooms::put_away(self, true).await,
            SlashCommand::Unarchive => rooms::put_away(self, false).await,
            SlashCommand::Create => rooms::create(self).await,
            SlashCommand::Join => rooms::join(self).await,
            SlashCommand::Leave => rooms::leave(self).await,
            SlashCommand::Topic => rooms::set_topic(self).await,
            SlashCommand::Hide => rooms::hide(self).await,
            SlashCommand::Invite => members::invite(self).await,
            SlashCommand::InviteAllTo => members::invite_all_to(self).await,
            SlashCommand::InviteAllFrom => members::invite_all_from(self).await,
            SlashCommand::Kick => members::kick(self).await,
            SlashCommand::Mute => members::mute(self).await,
            SlashCommand::Unmute => members::unmute(self).await,
            SlashCommand::Message => people::message(self).await,
            SlashCommand::Status => people::set_status(self).await,
            SlashCommand::Help => {
                text::help(self);
                Ok(())
            }
            SlashCommand::Say(phrase) => text::say(self, phrase).await,
        }
    }

    fn tell(&self, text: impl Into<String>) {
        let (user, room) = (self.caller.id(), &self.place.room.id);
        self.workspace.notices().tell(user, room, text);
    }

    /// The name that was typed first, without `#` and `@`. If there is none, the caller is told what is wanted.
    fn name(&self, wanted: &str) -> Option<&'a str> {
        let word = typed_text::words(self.text).next();
        let name = word.map(bare).filter(|name| !name.is_empty());
        if name.is_none() {
            self.tell(wanted);
        }
        name
    }

    /// The channel or group of that name, whether the caller may know of it or not.
    async fn room(&self, name: &str) -> Result<Option<RoomAccess>, Error> {
        let Some(room) = self.workspace.views().room_by_name(name).await? else {
            return Ok(None);
        };
        self.access(&room.id).await
    }

    /// The same, if they may see that it exists. If not, they are told that it does not.
    async fn visible_room(&self, name: &str) -> Result<Option<RoomAccess>, Error> {
        let place = self.room(name).await?;
        let place = place.filter(|place| place.is_visible(self.caller));
        if place.is_none() {
            self.tell(no_room(name));
        }
        Ok(place)
    }

    async fn access(&self, room: &RoomId) -> Result<Option<RoomAccess>, Error> {
        RoomAccess::of(self.workspace, self.caller, room).await
    }

    /// The user of that name. If there is none, the caller is told.
    async fn user(&self, name: &str) -> Result<Option<Arc<UserFacts>>, Error> {
        let user = self.workspace.views().user_by_username(name).await?;
        if user.is_none() {
            self.tell(format!("There is nobody called {}.", person(name)));
        }
        Ok(user)
    }
}

/// A name without the sign in front of it.
fn bare(word: &str) -> &str {
    word.strip_prefix(['#', '@']).unwrap_or(word)
}

/// A room by its name, as notices have it.
fn channel(name: &str) -> String {
    format!("`#{}`", typed_text::told_back(name))
}

/// A user by their name, as notices have it.
fn person(name: &str) -> String {
    format!("`@{}`", typed_text::told_back(name))
}

fn no_room(name: &str) -> String {
    format!("There is no channel called {}.", channel(name))
}
