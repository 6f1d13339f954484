//! Names of rooms (contract, rooms 4).

use deunicode::deunicode_char;

use super::RoomRefusal;
use crate::limits::{self, is_longer};
use crate::pattern::{NamePattern, listed};
use crate::settings::{Settings, keys};
use crate::text;

/// Both names of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomName {
    /// The unique one, to be claimed. Where special characters are allowed and it is taken, `-1`, `-2`, ... is
    /// appended until one is free.
    pub slug: String,
    /// As typed, to be shown.
    pub display: String,
}

/// The names of a room to be made with the name `typed`; refused when it cannot be one.
pub fn resolve(typed: &str, settings: &Settings) -> Result<RoomName, RoomRefusal> {
    let slug = slug(typed, settings);
    if text::is_blank(typed) {
        return Err(RoomRefusal::EmptyName);
    }
    let blocked = listed(
        settings.text(keys::ACCOUNTS_SYSTEM_BLOCKED_USERNAME_LIST),
        &slug,
    );
    let long = is_longer(typed, limits::ROOM_NAME) || is_longer(&slug, limits::ROOM_NAME);
    if long || blocked || !NamePattern::of_rooms(settings).matches(&slug) {
        return Err(RoomRefusal::InvalidName {
            name: text::cut(&slug, limits::ROOM_NAME).to_owned(),
        });
    }
    Ok(RoomName {
        slug,
        display: typed.to_owned(),
    })
}

/// The same of a team: nobody else is called so, and nobody may be.
pub fn resolve_handle(typed: &str, settings: &Settings) -> Result<RoomName, RoomRefusal> {
    let name = resolve(typed, settings)?;
    if is_blocked_for_renaming(&name.slug, settings) {
        return Err(RoomRefusal::BlockedName { name: name.slug });
    }
    Ok(name)
}

/// The unique name of a room of that name as typed: itself, or if room names may have special characters its ASCII
/// likeness with dashes between words.
pub fn slug(typed: &str, settings: &Settings) -> String {
    let typed = text::trim(typed);
    if settings.bool(keys::UI_ALLOW_ROOM_NAMES_WITH_SPECIAL_CHARS) {
        transliterated(typed)
    } else {
        typed.to_owned()
    }
}

fn transliterated(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    let mut gap = false;
    for character in text.chars() {
        if character.is_whitespace() {
            gap = true;
        }
        for ascii in deunicode_char(character).unwrap_or(" ").chars() {
            if ascii.is_ascii_alphanumeric() || matches!(ascii, '_' | '.') {
                if gap && !slug.is_empty() {
                    slug.push('-');
                }
                gap = false;
                slug.push(ascii);
            } else {
                gap = true;
            }
        }
    }
    slug
}

/// Whether a room may not be renamed to this, because users or groups are called by it.
pub(super) fn is_blocked_for_renaming(slug: &str, settings: &Settings) -> bool {
    listed("all,here", slug) || listed(settings.text(keys::ACCOUNTS_BLOCKED_USERNAME_LIST), slug)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn special() -> Settings {
        let mut settings = Settings::default();
        settings.set("UI_Allow_room_names_with_special_chars", Value::Bool(true));
        settings
    }

    #[test]
    fn a_plain_name_is_its_own_slug() {
        let names = RoomName {
            slug: "my-room".to_owned(),
            display: "my-room".to_owned(),
        };
        assert_eq!(resolve("my-room", &Settings::default()), Ok(names));
    }

    #[test]
    fn a_name_with_special_characters_becomes_ascii() {
        let slug = |typed| resolve(typed, &special()).map(|names| names.slug);
        assert_eq!(slug(" Größe & Mut! ").as_deref(), Ok("Grosse-Mut"));
        assert_eq!(slug("a--b__c.d").as_deref(), Ok("a-b__c.d"));
        assert_eq!(
            resolve("Größe", &special())
                .map(|names| names.display)
                .as_deref(),
            Ok("Größe")
        );
        assert_eq!(
            slug("!!"),
            Err(RoomRefusal::InvalidName {
                name: String::new()
            })
        );
    }

    #[test]
    fn a_slug_is_its_own_slug() {
        for typed in ["Größe & Mut!", "日本 語", "a-1", "Привет, мир"] {
            let slug = slug(typed, &special());
            assert_eq!(super::slug(&slug, &special()), slug);
        }
    }

    #[test]
    fn some_names_cannot_be() {
        let settings = Settings::default();
        let invalid = |name: &str| {
            Err(RoomRefusal::InvalidName {
                name: name.to_owned(),
            })
        };
        assert_eq!(resolve("  ", &settings), Err(RoomRefusal::EmptyName));
        assert_eq!(resolve("my room", &settings), invalid("my room"));
        assert_eq!(resolve("Admin", &settings), invalid("Admin"));
    }
}
