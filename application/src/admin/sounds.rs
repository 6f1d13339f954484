//! Making, changing and removing sounds. Their names are claimed in the batch that uses them.

use bytes::Bytes;
use domain::claim::NameKind;
use domain::sound::{self, Sound, SoundCommand};

use crate::caller::Caller;
use crate::claims::Claimant;
use crate::error::{Error, Refusal};
use crate::files::stored_files::Folder;
use crate::ids::{fresh_id, now};
use crate::workspace::Workspace;

/// Makes a sound without a recording. Returns its id.
pub async fn create(
    workspace: &Workspace,
    caller: &Caller,
    name: &str,
    extension: &str,
) -> Result<String, Error> {
    let id = fresh_id();
    let create = SoundCommand::Create {
        sound: id.clone(),
        name: name.to_owned(),
        extension: extension.to_owned(),
        at: now(),
    };
    decide(workspace, caller, &id, vec![create]).await?;
    Ok(id)
}

/// A recording for a sound.
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Recording {
    /// The extension of its file name.
    pub extension: String,
    pub bytes: Bytes,
}

/// Makes a sound with its recording. Returns its id.
pub async fn upload(
    workspace: &Workspace,
    caller: &Caller,
    name: &str,
    recording: Recording,
) -> Result<String, Error> {
    let id = fresh_id();
    let create = SoundCommand::Create {
        sound: id.clone(),
        name: name.to_owned(),
        extension: recording.extension.clone(),
        at: now(),
    };
    with_recording(workspace, caller, &id, vec![create], recording).await?;
    Ok(id)
}

/// Gives a sound another name, another recording, or both at once.
pub async fn update(
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
    name: Option<&str>,
    recording: Option<Recording>,
) -> Result<(), Error> {
    let rename = name.map(|name| SoundCommand::Rename {
        sound: id.to_owned(),
        name: name.to_owned(),
        at: now(),
    });
    let commands = rename.into_iter().collect();
    match recording {
        Some(recording) => with_recording(workspace, caller, id, commands, recording).await,
        None => decide(workspace, caller, id, commands).await,
    }
}

/// Gives a sound a recording, after `commands`, in one transaction. Its name on the wire follows from the extension of
/// its file name.
async fn with_recording(
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
    mut commands: Vec<SoundCommand>,
    recording: Recording,
) -> Result<(), Error> {
    let permissions = workspace.views().permissions();
    sound::check(&caller.authority(&[], &permissions))?;
    let old = workspace.views().sound_file(id).await?;
    let file = Folder::Sounds
        .keep(
            workspace,
            content_type(&recording.extension),
            recording.bytes,
        )
        .await?;
    commands.push(SoundCommand::Record {
        sound: id.to_owned(),
        extension: recording.extension,
        file: Box::new(file.clone()),
        at: now(),
    });
    let outcome = decide(workspace, caller, id, commands).await;
    let old = old.as_ref().map(|record| &record.file);
    Folder::Sounds.settle(workspace, &outcome, old, &file).await;
    outcome
}

/// Removes a sound and its recording; its name is free again.
pub async fn delete(workspace: &Workspace, caller: &Caller, id: &str) -> Result<(), Error> {
    let old = workspace.views().sound_file(id).await?;
    let delete = SoundCommand::Delete {
        sound: id.to_owned(),
        at: now(),
    };
    decide(workspace, caller, id, vec![delete]).await?;
    if let Some(old) = old {
        Folder::Sounds.forget(workspace, &old.file).await;
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
    workspace: &Workspace,
    caller: &Caller,
    id: &str,
    commands: Vec<SoundCommand>,
) -> Result<(), Error> {
    let stream = sound::stream(id);
    let names = Claimant::new(NameKind::Sound, id, now());
    names
        .decide::<Sound>(
            workspace,
            caller,
            &stream,
            &commands,
            |sound| sound.name().into_iter().map(str::to_owned).collect(),
            Refusal::SoundNameTaken,
        )
        .await
}
