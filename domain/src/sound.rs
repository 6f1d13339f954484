//! One sound somebody uploaded, to be played for notifications. Its name is claimed ([`crate::claim`]).
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::permission::{Authority, Permission};
use crate::text;
use crate::{Category, Decider, StoredFile, StreamId, Timestamp};

/// Longest name, in characters.
pub const LONGEST_NAME: usize = 200;

/// The file endings that sounds may have.
pub const EXTENSIONS: [&str; 7] = ["mp3", "ogg", "wav", "m4a", "aac", "flac", "webm"];

/// The stream of a sound.
pub fn stream(id: &str) -> StreamId {
    StreamId::new(Category::Sound, id)
}

events! {
    /// What can happen to a sound.
    SoundEvent {
        SoundCreated = 1,
        SoundRenamed = 1,
        SoundRecorded = 1,
        SoundDeleted = 1,
    }
}

/// There is a new sound, still without a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SoundCreated {
    pub sound: String,
    pub name: String,
    /// The ending of its file name, without a dot.
    pub extension: String,
    pub at: Timestamp,
}

/// A sound has another name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SoundRenamed {
    pub sound: String,
    pub name: String,
    pub at: Timestamp,
}

/// A sound has a recording, perhaps another one than before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SoundRecorded {
    pub sound: String,
    /// The ending of the file name that goes with the recording.
    pub extension: String,
    pub file: StoredFile,
    pub at: Timestamp,
}

/// A sound is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SoundDeleted {
    pub sound: String,
    pub at: Timestamp,
}

/// What decisions about a sound need of its past.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sound {
    #[default]
    Absent,
    Present {
        name: String,
        /// The id of its recording.
        file: Option<String>,
    },
    Deleted,
}

impl Sound {
    /// Its name, while there is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Present { name, .. } => Some(name),
            Self::Absent | Self::Deleted => None,
        }
    }
}

/// What can be asked of a sound.
#[derive(Clone, Debug)]
pub enum SoundCommand {
    Create {
        sound: String,
        name: String,
        extension: String,
        at: Timestamp,
    },
    Rename {
        sound: String,
        name: String,
        at: Timestamp,
    },
    Record {
        sound: String,
        extension: String,
        file: Box<StoredFile>,
        at: Timestamp,
    },
    Delete {
        sound: String,
        at: Timestamp,
    },
}

/// Why a sound stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SoundRefusal {
    /// The actor lacks `manage-sounds`.
    #[error("not allowed to manage sounds")]
    NotAllowed,
    #[error("a sound has a name")]
    NameRequired,
    /// The name has characters it must not have, or is too long.
    #[error("{input} is no name of a sound")]
    InvalidName { input: String },
    #[error("{extension} is no kind of sound")]
    InvalidExtension { extension: String },
    #[error("no such sound")]
    NotFound,
}

fn check_name(typed: &str) -> Result<String, SoundRefusal> {
    let name = text::filled(typed).ok_or(SoundRefusal::NameRequired)?;
    let forbidden = |character: char| {
        matches!(
            character,
            '>' | '<' | '&' | '"' | '\'' | '/' | '\\' | '|' | ':' | '(' | ')'
        ) || character.is_control()
    };
    if name.chars().any(forbidden) || name.chars().count() > LONGEST_NAME {
        return Err(SoundRefusal::InvalidName {
            input: typed.to_owned(),
        });
    }
    Ok(name.to_owned())
}

fn check_extension(typed: &str) -> Result<String, SoundRefusal> {
    let extension = text::trim(typed)
        .trim_start_matches('.')
        .to_ascii_lowercase();
    if EXTENSIONS.contains(&extension.as_str()) {
        Ok(extension)
    } else {
        Err(SoundRefusal::InvalidExtension {
            extension: typed.to_owned(),
        })
    }
}

/// Whether somebody may manage sounds at all. Asked before a file is worked on as well.
pub fn check(authority: &Authority<'_>) -> Result<(), SoundRefusal> {
    if authority.has(Permission::MANAGE_SOUNDS) {
        Ok(())
    } else {
        Err(SoundRefusal::NotAllowed)
    }
}

impl Decider for Sound {
    type State = Self;
    type Command = SoundCommand;
    type Context<'a> = Authority<'a>;
    type Event = SoundEvent;
    type Refusal = SoundRefusal;

    fn decide(
        state: &Self,
        command: SoundCommand,
        authority: &Authority<'_>,
    ) -> Result<Vec<SoundEvent>, SoundRefusal> {
        check(authority)?;
        match (command, state) {
            (
                SoundCommand::Create {
                    sound,
                    name,
                    extension,
                    at,
                },
                Self::Absent,
            ) => Ok(vec![
                SoundCreated {
                    sound,
                    name: check_name(&name)?,
                    extension: check_extension(&extension)?,
                    at,
                }
                .into(),
            ]),
            (SoundCommand::Rename { sound, name, at }, Self::Present { name: old, .. }) => {
                let name = check_name(&name)?;
                Ok(if name == *old {
                    vec![]
                } else {
                    vec![SoundRenamed { sound, name, at }.into()]
                })
            }
            (
                SoundCommand::Record {
                    sound,
                    extension,
                    file,
                    at,
                },
                Self::Present { .. },
            ) => Ok(vec![
                SoundRecorded {
                    sound,
                    extension: check_extension(&extension)?,
                    file: *file,
                    at,
                }
                .into(),
            ]),
            (SoundCommand::Delete { sound, at }, Self::Present { .. }) => {
                Ok(vec![SoundDeleted { sound, at }.into()])
            }
            _ => Err(SoundRefusal::NotFound),
        }
    }

    fn evolve(state: Self, event: &SoundEvent) -> Self {
        match (event, state) {
            (SoundEvent::SoundCreated(event), _) => Self::Present {
                name: event.name.clone(),
                file: None,
            },
            (SoundEvent::SoundRenamed(event), Self::Present { file, .. }) => Self::Present {
                name: event.name.clone(),
                file,
            },
            (SoundEvent::SoundRecorded(event), Self::Present { name, .. }) => Self::Present {
                name,
                file: Some(event.file.id.clone()),
            },
            (SoundEvent::SoundDeleted(_), _) => Self::Deleted,
            (_, state) => state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Stage, given};

    const AT: Timestamp = Timestamp::from_millis(1);

    fn create(name: &str, extension: &str) -> SoundCommand {
        SoundCommand::Create {
            sound: "s".to_owned(),
            name: name.to_owned(),
            extension: extension.to_owned(),
            at: AT,
        }
    }

    fn created(name: &str) -> SoundEvent {
        SoundCreated {
            sound: "s".to_owned(),
            name: name.to_owned(),
            extension: "mp3".to_owned(),
            at: AT,
        }
        .into()
    }

    fn rename(name: &str) -> SoundCommand {
        SoundCommand::Rename {
            sound: "s".to_owned(),
            name: name.to_owned(),
            at: AT,
        }
    }

    #[test]
    fn sounds_are_made_and_named_anew() {
        let stage = Stage::default().with_roles(&["admin"]);
        given::<Sound>([])
            .when(create(" Ding ", ".MP3"), &stage.authority())
            .then([created("Ding")]);
        given::<Sound>([created("Ding")])
            .when(rename("Ding"), &stage.authority())
            .then_nothing();
        given::<Sound>([created("Ding")])
            .when(rename("Dong"), &stage.authority())
            .then([SoundRenamed {
                sound: "s".to_owned(),
                name: "Dong".to_owned(),
                at: AT,
            }
            .into()]);
    }

    #[test]
    fn making_sounds_has_its_rules() {
        let (stage, user) = (Stage::default().with_roles(&["admin"]), Stage::default());
        let refused = |command, stage: &Stage, refusal| {
            given::<Sound>([])
                .when(command, &stage.authority())
                .then_refused(refusal);
        };
        refused(create("a", "mp3"), &user, SoundRefusal::NotAllowed);
        refused(create(" ", "mp3"), &stage, SoundRefusal::NameRequired);
        let invalid = SoundRefusal::InvalidName {
            input: "a<b".to_owned(),
        };
        refused(create("a<b", "mp3"), &stage, invalid);
        let invalid = SoundRefusal::InvalidExtension {
            extension: "html".to_owned(),
        };
        refused(create("a", "html"), &stage, invalid);
        refused(rename("a"), &stage, SoundRefusal::NotFound);
    }
}
