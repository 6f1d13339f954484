//! Commands about people: writing to somebody, and what one says one is up to.

use domain::settings::keys;
use domain::text::{is_space, trim};

use super::{Typed, bare, text};
use crate::chat::direct;
use crate::error::Error;
use crate::people::status;

/// `@user text`: says the text to them in a direct message.
pub(super) async fn message(typed: &Typed<'_>) -> Result<(), Error> {
    let words = typed.text.split_once(is_space);
    let words = words.map(|(name, text)| (bare(name), trim(text)));
    let Some((name, said)) = words.filter(|(name, _)| !name.is_empty()) else {
        typed.tell("Name somebody and say something: `@somebody` and a text.");
        return Ok(());
    };
    let Some(user) = typed.user(name).await? else {
        return Ok(());
    };
    let both = vec![typed.caller.id().clone(), user.id.clone()];
    let room = direct::open(typed.workspace, typed.caller, both).await?;
    match typed.access(&room).await? {
        Some(place) => text::post(typed, &place, said.to_owned(), None).await,
        // It was deleted this very moment.
        None => Ok(()),
    }
}

/// Sets the status text.
pub(super) async fn set_status(typed: &Typed<'_>) -> Result<(), Error> {
    let settings = typed.workspace.views().settings();
    if !settings.bool(keys::ACCOUNTS_ALLOW_USER_STATUS_MESSAGE_CHANGE) {
        typed.tell("The status text is not changed in this workspace.");
        return Ok(());
    }
    let (caller, own) = (typed.caller, &typed.caller.user);
    status::say(typed.workspace, caller, own, Some(typed.text), None).await?;
    typed.tell("Your status text is changed.");
    Ok(())
}
