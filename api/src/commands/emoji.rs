//! Making, changing and removing emoji. Their names and aliases are claimed in the batch that uses them.

use application::files::pictures;
use application::ids::{fresh_id, now};
use bytes::Bytes;
use domain::claim::NameKind;
use domain::emoji::{self, Emoji, EmojiCommand};
use domain::permission::Permission;
use domain::{StoredFile, Timestamp};
use eventstore::ExecuteError;

use super::claims::Claimant;
use super::shelves::Shelf;
use crate::error::{ApiError, texts};
use crate::extract::Caller;
use crate::state::AppState;

/// Longest side of an emoji, in pixels (contract, admin 11.1).
const SIDE: u32 = 512;

/// The names of an emoji as they were typed.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its other names, separated by commas or spaces.
    pub aliases: &'a str,
}

/// A picture on its way to an emoji.
struct Drawing {
    file: StoredFile,
    extension: &'static str,
}

/// Refuses callers who may not manage emoji.
pub fn check(state: &AppState, caller: &Caller) -> Result<(), ApiError> {
    let permissions = state.views().permissions();
    if caller
        .authority(&[], &permissions)
        .has(Permission::MANAGE_EMOJI)
    {
        Ok(())
    } else {
        Err(texts::not_authorized())
    }
}

async fn draw(state: &AppState, bytes: Bytes) -> Result<Drawing, ApiError> {
    let picture = pictures::emoji(bytes, SIDE).await?;
    let file = Shelf::Emoji
        .keep(state, picture.kind.content_type(), picture.bytes)
        .await?;
    Ok(Drawing {
        file,
        extension: picture.kind.extension(),
    })
}

/// Makes an emoji, with its picture or, where that comes in another step, without (`Err`: the ending it will have).
/// Answers its id.
pub async fn create(
    state: &AppState,
    caller: &Caller,
    names: Names<'_>,
    picture: Result<Bytes, String>,
) -> Result<String, ApiError> {
    check(state, caller)?;
    let (drawing, extension) = match picture {
        Ok(bytes) => {
            let drawing = draw(state, bytes).await?;
            let extension = drawing.extension.to_owned();
            (Some(drawing), extension)
        }
        Err(extension) => (None, extension),
    };
    let (id, at) = (fresh_id(), now());
    let mut commands = vec![EmojiCommand::Create {
        emoji: id.clone(),
        name: names.name.to_owned(),
        aliases: names.aliases.to_owned(),
        extension,
        at,
    }];
    commands.extend(drawing.as_ref().map(|drawing| drawn(&id, drawing, at)));
    let outcome = decide(state, caller, &id, &commands).await;
    if let Some(drawing) = &drawing {
        Shelf::Emoji
            .settle(state, &outcome, None, &drawing.file)
            .await;
    }
    outcome.map(|()| id)
}

/// Gives an emoji other names and, where there is one, another picture.
pub async fn update(
    state: &AppState,
    caller: &Caller,
    id: &str,
    names: Option<Names<'_>>,
    picture: Option<Bytes>,
) -> Result<(), ApiError> {
    check(state, caller)?;
    let old = state.views().emoji_file_of(id).await?;
    let drawing = match picture {
        Some(bytes) => Some(draw(state, bytes).await?),
        None => None,
    };
    let at = now();
    let mut commands = Vec::new();
    commands.extend(names.map(|names| EmojiCommand::Change {
        emoji: id.to_owned(),
        name: names.name.to_owned(),
        aliases: names.aliases.to_owned(),
        at,
    }));
    commands.extend(drawing.as_ref().map(|drawing| drawn(id, drawing, at)));
    let outcome = decide(state, caller, id, &commands).await;
    if let Some(drawing) = &drawing {
        let old = old.as_ref().map(|record| &record.file);
        Shelf::Emoji
            .settle(state, &outcome, old, &drawing.file)
            .await;
    }
    outcome
}

/// Removes an emoji.
pub async fn delete(state: &AppState, caller: &Caller, id: &str) -> Result<(), ApiError> {
    let old = state.views().emoji_file_of(id).await?;
    let delete = EmojiCommand::Delete {
        emoji: id.to_owned(),
        at: now(),
    };
    decide(state, caller, id, &[delete]).await?;
    if let Some(old) = old {
        Shelf::Emoji.forget(state, &old.file).await;
    }
    Ok(())
}

fn drawn(id: &str, drawing: &Drawing, at: Timestamp) -> EmojiCommand {
    EmojiCommand::Draw {
        emoji: id.to_owned(),
        extension: drawing.extension.to_owned(),
        file: Box::new(drawing.file.clone()),
        at,
    }
}

async fn decide(
    state: &AppState,
    caller: &Caller,
    id: &str,
    commands: &[EmojiCommand],
) -> Result<(), ApiError> {
    let stream = emoji::stream(id);
    let permissions = state.views().permissions();
    let names = Claimant {
        kind: NameKind::Emoji,
        owner: id,
        at: now(),
    };
    state
        .run(caller.id(), async |tx| {
            let authority = caller.authority(&[], &permissions);
            let before = tx
                .state::<Emoji>(&stream)
                .await
                .map_err(ExecuteError::widen)?;
            for command in commands {
                tx.decide::<Emoji>(&stream, command.clone(), &authority)
                    .await
                    .map_err(ExecuteError::widen)?;
            }
            let after = tx
                .state::<Emoji>(&stream)
                .await
                .map_err(ExecuteError::widen)?;
            names
                .swap(&tx, before.names(), after.names(), |_| {
                    texts::emoji_name_in_use()
                })
                .await
        })
        .await
}
