//! One emoji somebody made. Its name and its aliases are claimed ([`crate::claim`]), so no two emoji share one.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use deunicode::deunicode_char;
use serde::{Deserialize, Serialize};

use crate::event::events;
use crate::permission::{Authority, Permission};
use crate::text;
use crate::{Category, Decider, StoredFile, StreamId, Timestamp};

/// Longest name or alias, in characters.
pub const LONGEST_NAME: usize = 100;
const MOST_ALIASES: usize = 50;

/// The stream of an emoji.
pub fn stream(id: &str) -> StreamId {
    StreamId::new(Category::Emoji, id)
}

events! {
    /// What can happen to an emoji.
    EmojiEvent {
        EmojiCreated = 1,
        EmojiChanged = 1,
        EmojiDrawn = 1,
        EmojiDeleted = 1,
    }
}

/// There is a new emoji, still without a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmojiCreated {
    pub emoji: String,
    /// Without colons.
    pub name: String,
    pub aliases: Vec<String>,
    /// The ending of its picture's file name, without a dot.
    pub extension: String,
    pub at: Timestamp,
}

/// An emoji has other names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmojiChanged {
    pub emoji: String,
    pub name: String,
    pub aliases: Vec<String>,
    pub at: Timestamp,
}

/// An emoji has a picture, perhaps another one than before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmojiDrawn {
    pub emoji: String,
    /// The ending of the file name that goes with the picture.
    pub extension: String,
    pub file: StoredFile,
    pub at: Timestamp,
}

/// An emoji is gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmojiDeleted {
    pub emoji: String,
    pub at: Timestamp,
}

/// What decisions about an emoji need of its past.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Emoji {
    #[default]
    Absent,
    Present {
        name: String,
        aliases: Vec<String>,
        /// The id of its picture.
        file: Option<String>,
    },
    Deleted,
}

impl Emoji {
    /// All its names, aliases included.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Present { name, aliases, .. } => std::iter::once(name)
                .chain(aliases)
                .map(String::as_str)
                .collect(),
            Self::Absent | Self::Deleted => Vec::new(),
        }
    }
}

/// What can be asked of an emoji. Names are as typed.
#[derive(Clone, Debug)]
pub enum EmojiCommand {
    Create {
        emoji: String,
        name: String,
        /// Its other names, separated by commas or spaces.
        aliases: String,
        extension: String,
        at: Timestamp,
    },
    Change {
        emoji: String,
        name: String,
        /// Its other names, separated by commas or spaces.
        aliases: String,
        at: Timestamp,
    },
    /// Give it a picture.
    Draw {
        emoji: String,
        extension: String,
        file: Box<StoredFile>,
        at: Timestamp,
    },
    Delete {
        emoji: String,
        at: Timestamp,
    },
}

/// Why an emoji stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmojiRefusal {
    /// The actor lacks `manage-emoji`.
    #[error("not allowed to manage emoji")]
    NotAllowed,
    #[error("an emoji has a name")]
    NameRequired,
    /// A name or an alias has characters it must not have.
    #[error("{input} is no name of an emoji")]
    InvalidName {
        input: String,
        /// It was typed as an alias.
        alias: bool,
    },
    #[error("no such emoji")]
    NotFound,
}

/// Characters that names must not have, because they have a meaning in messages, in paths or in pages.
fn forbidden(character: char) -> bool {
    matches!(
        character,
        ':' | '>' | '<' | '&' | '|' | '"' | '\'' | '/' | '\\' | '(' | ')'
    ) || character.is_control()
}

/// The name as it is kept: lower-case ASCII, with `_` between words.
fn slug(typed: &str) -> String {
    let mut slug = String::with_capacity(typed.len());
    let mut gap = false;
    for ascii in typed
        .chars()
        .flat_map(|character| deunicode_char(character).unwrap_or(" ").chars())
    {
        if ascii.is_ascii_alphanumeric() || matches!(ascii, '_' | '-' | '+') {
            if gap && !slug.is_empty() {
                slug.push('_');
            }
            gap = false;
            slug.push(ascii.to_ascii_lowercase());
        } else {
            gap = true;
        }
    }
    slug
}

fn named(typed: &str, alias: bool) -> Result<String, EmojiRefusal> {
    // People write `:party:` and mean `party`.
    let bare = text::trim(typed).trim_matches(':');
    let invalid = || EmojiRefusal::InvalidName {
        input: typed.to_owned(),
        alias,
    };
    if bare
        .chars()
        .any(|character| forbidden(character) || (!alias && character == ','))
    {
        return Err(invalid());
    }
    if text::is_blank(bare) {
        return Ok(String::new());
    }
    let slug = slug(bare);
    if slug.chars().count() > LONGEST_NAME {
        return Err(invalid());
    }
    Ok(slug)
}

/// The names of an emoji as they are kept, from how they were typed.
fn names(name: &str, aliases: &str) -> Result<(String, Vec<String>), EmojiRefusal> {
    let name = named(name, false)?;
    if name.is_empty() {
        return Err(EmojiRefusal::NameRequired);
    }
    let mut kept: Vec<String> = Vec::new();
    for alias in aliases.split([',', ' ']) {
        let alias = named(alias, true)?;
        if !alias.is_empty() && alias != name && !kept.contains(&alias) {
            kept.push(alias);
        }
    }
    if kept.len() > MOST_ALIASES {
        return Err(EmojiRefusal::InvalidName {
            input: aliases.to_owned(),
            alias: true,
        });
    }
    Ok((name, kept))
}

/// Whether somebody may manage emoji at all. Asked before a file is worked on as well.
pub fn check(authority: &Authority<'_>) -> Result<(), EmojiRefusal> {
    if authority.has(Permission::MANAGE_EMOJI) {
        Ok(())
    } else {
        Err(EmojiRefusal::NotAllowed)
    }
}

impl Decider for Emoji {
    type State = Self;
    type Command = EmojiCommand;
    type Context<'a> = Authority<'a>;
    type Event = EmojiEvent;
    type Refusal = EmojiRefusal;

    fn decide(
        state: &Self,
        command: EmojiCommand,
        authority: &Authority<'_>,
    ) -> Result<Vec<EmojiEvent>, EmojiRefusal> {
        check(authority)?;
        match (command, state) {
            (
                EmojiCommand::Create {
                    emoji,
                    name,
                    aliases,
                    extension,
                    at,
                },
                Self::Absent,
            ) => {
                let (name, aliases) = names(&name, &aliases)?;
                Ok(vec![
                    EmojiCreated {
                        emoji,
                        name,
                        aliases,
                        extension,
                        at,
                    }
                    .into(),
                ])
            }
            (
                EmojiCommand::Change {
                    emoji,
                    name,
                    aliases,
                    at,
                },
                Self::Present {
                    name: old,
                    aliases: old_aliases,
                    ..
                },
            ) => {
                let (name, aliases) = names(&name, &aliases)?;
                Ok(if (&name, &aliases) == (old, old_aliases) {
                    vec![]
                } else {
                    vec![
                        EmojiChanged {
                            emoji,
                            name,
                            aliases,
                            at,
                        }
                        .into(),
                    ]
                })
            }
            (
                EmojiCommand::Draw {
                    emoji,
                    extension,
                    file,
                    at,
                },
                Self::Present { .. },
            ) => Ok(vec![
                EmojiDrawn {
                    emoji,
                    extension,
                    file: *file,
                    at,
                }
                .into(),
            ]),
            (EmojiCommand::Delete { emoji, at }, Self::Present { .. }) => {
                Ok(vec![EmojiDeleted { emoji, at }.into()])
            }
            _ => Err(EmojiRefusal::NotFound),
        }
    }

    fn evolve(state: Self, event: &EmojiEvent) -> Self {
        match (event, state) {
            (EmojiEvent::EmojiCreated(event), _) => Self::Present {
                name: event.name.clone(),
                aliases: event.aliases.clone(),
                file: None,
            },
            (EmojiEvent::EmojiChanged(event), Self::Present { file, .. }) => Self::Present {
                name: event.name.clone(),
                aliases: event.aliases.clone(),
                file,
            },
            (EmojiEvent::EmojiDrawn(event), Self::Present { name, aliases, .. }) => Self::Present {
                name,
                aliases,
                file: Some(event.file.id.clone()),
            },
            (EmojiEvent::EmojiDeleted(_), _) => Self::Deleted,
            (_, state) => state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Stage, given};
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::from_millis(1);

    fn create(name: &str, aliases: &str) -> EmojiCommand {
        EmojiCommand::Create {
            emoji: "e".to_owned(),
            name: name.to_owned(),
            aliases: aliases.to_owned(),
            extension: "png".to_owned(),
            at: AT,
        }
    }

    fn created(name: &str, aliases: &[&str]) -> EmojiEvent {
        EmojiCreated {
            emoji: "e".to_owned(),
            name: name.to_owned(),
            aliases: aliases.iter().map(ToString::to_string).collect(),
            extension: "png".to_owned(),
            at: AT,
        }
        .into()
    }

    fn change(name: &str, aliases: &str) -> EmojiCommand {
        EmojiCommand::Change {
            emoji: "e".to_owned(),
            name: name.to_owned(),
            aliases: aliases.to_owned(),
            at: AT,
        }
    }

    fn admin() -> Stage {
        Stage::default().with_roles(&["admin"])
    }

    #[test]
    fn names_are_kept_in_one_form() {
        let stage = admin();
        given::<Emoji>([])
            .when(
                create(":Party Parrot:", "parrot, PARTY :parrot: party_parrot"),
                &stage.authority(),
            )
            .then([created("party_parrot", &["parrot", "party"])]);
        given::<Emoji>([])
            .when(create("Übung", ""), &stage.authority())
            .then([created("ubung", &[])]);
    }

    #[test]
    fn making_emoji_has_its_rules() {
        let (stage, user) = (admin(), Stage::default());
        let invalid = |input: &str, alias| EmojiRefusal::InvalidName {
            input: input.to_owned(),
            alias,
        };
        let refused = |command, stage: &Stage, refusal| {
            given::<Emoji>([])
                .when(command, &stage.authority())
                .then_refused(refusal);
        };
        refused(create("a", ""), &user, EmojiRefusal::NotAllowed);
        refused(create(" :: ", ""), &stage, EmojiRefusal::NameRequired);
        refused(create("a<b", ""), &stage, invalid("a<b", false));
        refused(create("a,b", ""), &stage, invalid("a,b", false));
        refused(create("a", "b/c"), &stage, invalid("b/c", true));
        let long = "x".repeat(LONGEST_NAME + 1);
        refused(create(&long, ""), &stage, invalid(&long, false));
    }

    #[test]
    fn only_what_is_there_can_be_changed() {
        let stage = admin();
        let delete = || EmojiCommand::Delete {
            emoji: "e".to_owned(),
            at: AT,
        };
        let deleted = || {
            EmojiEvent::from(EmojiDeleted {
                emoji: "e".to_owned(),
                at: AT,
            })
        };
        given::<Emoji>([])
            .when(change("b", ""), &stage.authority())
            .then_refused(EmojiRefusal::NotFound);
        given::<Emoji>([created("a", &[])])
            .when(change("a", "a"), &stage.authority())
            .then_nothing();
        given::<Emoji>([created("a", &[])])
            .when(delete(), &stage.authority())
            .then([deleted()]);
        given::<Emoji>([created("a", &[]), deleted()])
            .when(delete(), &stage.authority())
            .then_refused(EmojiRefusal::NotFound);
    }

    proptest! {
        #[test]
        fn kept_names_are_safe_in_paths_and_messages(name in "\\PC{0,20}", aliases in "\\PC{0,40}") {
            let stage = admin();
            if let Ok(events) = Emoji::decide(&Emoji::Absent, create(&name, &aliases), &stage.authority()) {
                let state = Emoji::fold(&events);
                for name in state.names() {
                    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"_-+".contains(&byte);
                    prop_assert!(!name.is_empty() && name.bytes().all(safe), "{}", name);
                }
            }
        }
    }
}
