//! Making, changing and removing sounds. Their names are claimed in the batch that uses them.

use bytes::Bytes;
use domain::claim::NameKind;
use domain::permission::Permission;
use domain::sound::{self, Sound, SoundCommand};
use eventstore::ExecuteError;

use super::claims::Claimant;
use super::shelves::Shelf;
use crate::error::{ApiError, texts};
use crate::extract::Caller;
use crate::state::{AppState, fresh_id, now};

/// Makes a sound, as yet without a recording. Answers its id.
pub async fn create(
    state: &AppState,
    caller: &Caller,
    name: &str,
    extension: &str,
) -> Result<String, ApiError> {
    let id = fresh_id();
    let create = SoundCommand::Create {
        sound: id.clone(),
        name: name.to_owned(),
        extension: extension.to_owned(),
        at: now(),
    };
    decide(state, caller, &id, create).await?;
    Ok(id)
}

/// Gives a sound another name.
pub async fn rename(
    state: &AppState,
    caller: &Caller,
    id: &str,
    name: &str,
) -> Result<(), ApiError> {
    let rename = SoundCommand::Rename {
        sound: id.to_owned(),
        name: name.to_owned(),
        at: now(),
    };
    decide(state, caller, id, rename).await
}

/// Gives a sound a recording. What it is called on the wire follows from the ending of its name.
pub async fn record(
    state: &AppState,
    caller: &Caller,
    id: &str,
    extension: &str,
    bytes: Bytes,
) -> Result<(), ApiError> {
    let permissions = state.views().permissions();
    if !caller
        .authority(&[], &permissions)
        .has(Permission::MANAGE_SOUNDS)
    {
        return Err(texts::not_authorized());
    }
    let old = state.views().sound_file(id).await?;
    let file = Shelf::Sounds
        .keep(state, content_type(extension), bytes)
        .await?;
    let record = SoundCommand::Record {
        sound: id.to_owned(),
        extension: extension.to_owned(),
        file: Box::new(file.clone()),
        at: now(),
    };
    let outcome = decide(state, caller, id, record).await;
    let old = old.as_ref().map(|record| &record.file);
    Shelf::Sounds.settle(state, &outcome, old, &file).await;
    outcome
}

/// Removes a sound.
pub async fn delete(state: &AppState, caller: &Caller, id: &str) -> Result<(), ApiError> {
    let old = state.views().sound_file(id).await?;
    let delete = SoundCommand::Delete {
        sound: id.to_owned(),
        at: now(),
    };
    decide(state, caller, id, delete).await?;
    if let Some(old) = old {
        Shelf::Sounds.forget(state, &old.file).await;
    }
    Ok(())
}

/// The media type of a sound file. Never one that a browser would run or show as a page.
pub fn content_type(extension: &str) -> &'static str {
    match extension.to_ascii_lowercase().as_str() {
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        "m4a" => "audio/mp4",
        "aac" => "audio/aac",
        "flac" => "audio/flac",
        "webm" => "audio/webm",
        _ => "audio/mpeg",
    }
}

async fn decide(
    state: &AppState,
    caller: &Caller,
    id: &str,
    command: SoundCommand,
) -> Result<(), ApiError> {
    let stream = sound::stream(id);
    let permissions = state.views().permissions();
    let names = Claimant {
        kind: NameKind::Sound,
        owner: id,
        at: now(),
    };
    state
        .run(caller.id(), async |tx| {
            let authority = caller.authority(&[], &permissions);
            let before = tx
                .state::<Sound>(&stream)
                .await
                .map_err(ExecuteError::widen)?;
            tx.decide::<Sound>(&stream, command.clone(), &authority)
                .await
                .map_err(ExecuteError::widen)?;
            let after = tx
                .state::<Sound>(&stream)
                .await
                .map_err(ExecuteError::widen)?;
            names
                .swap(&tx, before.name(), after.name(), |_| {
                    texts::sound_name_in_use()
                })
                .await
        })
        .await
}
