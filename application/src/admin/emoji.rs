//! Making, changing and removing emoji. Their names and aliases are claimed in the batch that uses them.

use bytes::Bytes;
use domain::claim::NameKind;
use domain::emoji::{self, Emoji, EmojiCommand};
use domain::{StoredFile, Timestamp};

use crate::caller::Caller;
use crate::claims::Claimant;
use crate::error::{Error, Refusal};
use crate::files::pictures;
use crate::files::stored_files::Folder;
use crate::ids::{fresh_id, now};
use crate::workspace::Workspace;

/// Longest side of an emoji, in pixels (contract, admin 11.1).
const SIDE: u32 = 512;

/// Names of an emoji as they were typed.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Names<'a> {
    pub name: &'a str,
    /// Separated by commas or spaces.
    pub aliases: &'a str,
}

/// A picture on its way to an emoji.
struct Drawing {
    file: StoredFile,
    extension: &'static str,
}

/// Refuses callers who may not manage emoji.
pub fn check(workspace: &Workspace, caller: &Caller) -> Result<(), Error> {
    let permissions = workspace.views().permissions();
    Ok(emoji::check(&caller.authority(&[], &permissions))?)
}

async fn draw(workspace: &Workspace, bytes: Bytes) -> Result<Drawing, Error> {
    let picture = pictures::emoji(bytes, SIDE).await?;
    let file = Folder::Emoji
        .keep(workspace, picture.kind.content_type(), picture.bytes)
        .await?;
    Ok(Drawing {
        file,
        extension: picture.kind.extension(),
    })
}

/// Makes an emoji, with its picture or, if that follows in another step, without (`Err`: the extension it will have).
/// Returns its id.
pub async fn create(
    workspace: &Workspace,
    caller: &Caller,
    names: Names<'_>,
    picture: Result<Bytes, String>,
) -> Result<String, Error> {
    check(workspace, caller)?;
    let (drawing, extension) = match picture {
        Ok(bytes) => {
            let drawing = draw(workspace, bytes).await?;
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
    let outcome = decide(workspace, caller, &id, &commands).await;
    if let Some(drawing) = &drawing {
        Folder::Emoji
            .settle(workspace, &outcome, None, &drawing.file)
            .await;
    }
    outcome.map(|()| id)
}

/// Gives an emoji other names and, if one is given, another picture.
pub async fn update(
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
    names: Option<Names<'_>>,
    picture: Option<Bytes>,
) -> Result<(), Error> {
    check(workspace, caller)?;
    let old = workspace.views().emoji_file_of(id).await?;
    let drawing = match picture {
        Some(bytes) => Some(draw(workspace, bytes).await?),
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
    let outcome = decide(workspace, caller, id, &commands).await;
    if let Some(drawing) = &drawing {
        let old = old.as_ref().map(|record| &record.file);
        Folder::Emoji
            .settle(workspace, &outcome, old, &drawing.file)
            .await;
    }
    outcome
}

/// Removes an emoji and its picture; its names are free again.
pub async fn delete(workspace: &Workspace, caller: &Caller, id: &str) -> Result<(), Error> {
    let old = workspace.views().emoji_file_of(id).await?;
    let delete = EmojiCommand::Delete {
        emoji: id.to_owned(),
        at: now(),
    };
    decide(workspace, caller, id, &[delete]).await?;
    if let Some(old) = old {
        Folder::Emoji.forget(workspace, &old.file).await;
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
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
    commands: &[EmojiCommand],
) -> Result<(), Error> {
    let stream = emoji::stream(id);
    let names = Claimant::new(NameKind::Emoji, id, now());
    names
        .decide::<Emoji>(
            workspace,
            caller,
            &stream,
            commands,
            |emoji| emoji.names().into_iter().map(str::to_owned).collect(),
            Refusal::EmojiNameTaken,
        )
        .await
}
