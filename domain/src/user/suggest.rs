//! Names somebody could have (contract, conventions 7.1 `users.getUsernameSuggestion`).

use deunicode::deunicode_char;

use super::check_username;
use crate::settings::{Settings, keys};
use crate::text;

/// User names made of the name somebody goes by and of addresses they proved to read, best first. Names that nobody may
/// have are left out; whether one is free is not known here.
pub fn username_suggestions(
    name: Option<&str>,
    verified_addresses: &[String],
    settings: &Settings,
) -> Vec<String> {
    let mut wanted = Vec::new();
    let name = name.and_then(text::filled);
    if let Some(name) = name {
        wanted.push(name.to_owned());
        let words: Vec<&str> = text::words(name).collect();
        if let [first, .., last] = words.as_slice() {
            wanted.extend(text::first(first).map(|initial| format!("{initial}{last}")));
            wanted.extend(text::first(last).map(|initial| format!("{first}{initial}")));
        }
    }
    for address in verified_addresses {
        let Some((local, domain)) = address.split_once('@') else {
            continue;
        };
        wanted.push(local.to_owned());
        let word = domain.split('.').next().unwrap_or_default();
        if !word.is_empty() {
            wanted.push(format!("{local}.{word}"));
        }
    }
    let slugify = settings.bool(keys::UTF8_NAMES_SLUGIFY);
    let mut suggestions = Vec::new();
    for text in wanted {
        let candidate = if slugify { slug(&text) } else { text };
        if check_username(&candidate, settings).is_ok() && !suggestions.contains(&candidate) {
            suggestions.push(candidate);
        }
    }
    suggestions
}

/// The ASCII likeness in lower case, with a dot where there is anything else.
fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    let mut gap = false;
    for ascii in text
        .chars()
        .flat_map(|character| deunicode_char(character).unwrap_or(" ").chars())
    {
        if ascii.is_ascii_alphanumeric() || matches!(ascii, '-' | '_' | '.') {
            if gap && !slug.is_empty() {
                slug.push('.');
            }
            gap = false;
            slug.push(ascii.to_ascii_lowercase());
        } else {
            gap = true;
        }
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_before_addresses() {
        let addresses = ["jsmith@example.org".to_owned()];
        let suggestions =
            username_suggestions(Some("Jo Ann Smith"), &addresses, &Settings::default());
        assert_eq!(
            suggestions,
            ["jo.ann.smith", "jsmith", "jos", "jsmith.example"]
        );
    }

    #[test]
    fn letters_of_all_scripts_get_a_likeness() {
        let suggest = |name| {
            username_suggestions(Some(name), &[], &Settings::default())
                .into_iter()
                .next()
        };
        assert_eq!(suggest("Ærø Ünal").as_deref(), Some("aero.unal"));
        assert_eq!(suggest("admin"), None, "nobody may be called that");
        assert_eq!(suggest("  "), None);
    }
}
