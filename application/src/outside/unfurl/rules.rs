//! What the settings say about previews of links, and what is kept of what a page says about itself (contract,
//! messages 2.2 and 4.4).

use std::time::Duration;

use domain::settings::{Settings, keys};
use domain::{limits, link, text};
use serde_json::{Map, Value};

use super::html::TITLE;
use crate::outside::fetch::{HostList, Rule};

const REDIRECTS: usize = 5;

/// Longest name of a field that is kept, in bytes.
const LONGEST_NAME: usize = 64;

/// The field whose value clients show as a part of their page. Only known providers give it.
pub const HTML: &str = "oembedHtml";

/// How the names of fields begin that are kept, in small letters.
const BEGINNINGS: [&str; 5] = ["og", "fb", "twitter", "oembed", "msapplication"];

/// What the names of further fields have in them that are kept.
const PARTS: [&str; 2] = ["description", "title"];

/// What the names of fields have in them whose values are addresses, in small letters; unless they end in one of the
/// next.
const ADDRESSES: [&str; 13] = [
    "url",
    "uri",
    "link",
    "href",
    "src",
    "icon",
    "image",
    "video",
    "audio",
    "player",
    "thumbnail",
    "logo",
    "avatar",
];

/// How the names of fields about those end.
const ABOUT: [&str; 8] = [
    "alt",
    "type",
    "width",
    "height",
    "title",
    "description",
    "color",
    "duration",
];

/// What may be reached for a preview.
pub fn reach(settings: &Settings) -> Rule {
    let ports = settings.text(keys::API_EMBED_SAFE_PORTS).split([',', ' ']);
    Rule {
        ignored: HostList::lenient(settings.text(keys::API_EMBED_IGNORED_HOSTS)),
        ports: ports.filter_map(|port| port.parse().ok()).collect(),
        redirects: REDIRECTS,
    }
}

/// How long a preview is kept.
pub fn lifetime(settings: &Settings) -> Duration {
    const DAY: u64 = 24 * 60 * 60;
    let days = settings.int(keys::API_EMBED_CACHE_EXPIRATION_DAYS);
    Duration::from_secs(u64::try_from(days).unwrap_or(0).saturating_mul(DAY))
}

/// Whether somebody gets no previews (`API_EmbedDisabledFor`: user names, separated by commas).
pub fn is_off_for(settings: &Settings, username: &str) -> bool {
    let names = settings.text(keys::API_EMBED_DISABLED_FOR).split(',');
    names
        .map(text::trim)
        .any(|name| name.eq_ignore_ascii_case(username))
}

/// What is kept of fields, within bounds; of several of one name the first.
pub fn kept(mut fields: Vec<(String, Value)>) -> Map<String, Value> {
    fields.sort_by_key(|(name, _)| name != TITLE);
    let (mut kept, mut bytes) = (Map::new(), 0);
    for (name, value) in fields {
        let Some(value) = value_of(&name, value) else {
            continue;
        };
        let size = name.len() + value.as_str().map_or(0, str::len);
        let fits = kept.len() < limits::PREVIEW_FIELDS && bytes + size <= limits::PREVIEW;
        if fits && !kept.contains_key(&name) {
            bytes += size;
            kept.insert(name, value);
        }
    }
    kept
}

/// The value of a field as it is kept; `None`: it is not.
fn value_of(name: &str, value: Value) -> Option<Value> {
    let lower = name.to_lowercase();
    let is_kept = BEGINNINGS.iter().any(|start| lower.starts_with(start))
        || PARTS.iter().any(|part| lower.contains(part));
    if !is_kept || name.len() > LONGEST_NAME {
        return None;
    }
    let Value::String(value) = value else {
        return value.is_number().then_some(value);
    };
    let is_address = is_address(&lower);
    // As the page has it: what is taken out below may be what browsers skip.
    if is_address && !link::is_harmless_in("url", &value) {
        return None;
    }
    let clean = without_controls(&value);
    let value = text::filled(&clean)?;
    // A part of an address or of a page is something else.
    let whole = is_address || name == HTML;
    if whole && value.len() > limits::PREVIEW_VALUE {
        return None;
    }
    Some(text::cut_bytes(value, limits::PREVIEW_VALUE).into())
}

/// Whether the value of a field is an address; `name` is in small letters.
fn is_address(name: &str) -> bool {
    ADDRESSES.iter().any(|part| name.contains(part)) && !ABOUT.iter().any(|end| name.ends_with(end))
}

/// Line ends and tabs are blanks.
pub fn without_controls(text: &str) -> String {
    text.chars()
        .map(|letter| {
            if letter.is_ascii_whitespace() {
                ' '
            } else {
                letter
            }
        })
        .filter(|letter| !letter.is_control())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kept_of(fields: &[(&str, &str)]) -> Value {
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)));
        Value::Object(kept(fields.collect()))
    }

    #[test]
    fn what_is_no_preview_is_not_kept() {
        for (name, value, is_kept) in [
            ("ogTitle", "x", true),
            ("fbAppId", "1", true),
            ("twitterCard", "summary", true),
            ("msapplicationTileColor", "#fff", true),
            ("description", "x", true),
            ("dcDescription", "x", true),
            ("title", "x", true),
            ("pageTitle", "x", true),
            ("viewport", "x", false),
            ("csrfToken", "x", false),
            ("ogTitle", " \u{200b}\n", false),
            ("ogImage", "https://x/y", true),
            ("ogImage", "/y.png", true),
            ("ogImage", "//x/y.png", true),
            ("ogImage", "javascript:alert(1)", false),
            ("ogImage", " java\nscript:alert(1)", false),
            ("twitterPlayer", "data:text/html,x", false),
            ("ogVideoSecureUrl", "vbscript:x", false),
            ("msapplicationTileImage", "JAVASCRIPT:x", false),
            ("ogTitle", "JavaScript: the good parts", true),
            ("ogImageAlt", "a: b", true),
        ] {
            let kept = kept_of(&[(name, value)]);
            assert_eq!(
                kept.get(name).is_some(),
                is_kept,
                "{name}: {value} -> {kept}"
            );
        }
    }

    #[test]
    fn values_are_clean_and_the_first_of_their_name() {
        let kept = kept_of(&[
            ("description", " a\r\n\tb\u{1b}[31m\0 "),
            ("ogTitle", "first"),
            ("ogTitle", "second"),
        ]);
        assert_eq!(
            kept,
            json!({"description": "a   b[31m", "ogTitle": "first"})
        );
    }

    #[test]
    fn everything_is_bounded() {
        let many: Vec<_> = (0..50)
            .map(|at| (format!("ogField{at}"), json!("x")))
            .collect();
        let mut with_title = many;
        with_title.push((TITLE.to_owned(), json!("T")));
        let kept = super::kept(with_title);
        assert_eq!(
            (kept.len(), &kept[TITLE]),
            (limits::PREVIEW_FIELDS, &json!("T"))
        );

        let long = "é".repeat(limits::PREVIEW_VALUE);
        let large: Vec<_> = (0..20)
            .map(|at| (format!("ogField{at}"), json!(long)))
            .collect();
        let kept = super::kept(large);
        assert!(kept.values().all(|value| {
            value
                .as_str()
                .is_some_and(|text| text.len() == limits::PREVIEW_VALUE)
        }));
        assert!(
            serde_json::to_string(&kept).is_ok_and(|text| text.len() <= limits::PREVIEW + 1024)
        );

        let address = format!("https://x/{long}");
        for (name, value) in [("ogImage", &*address), (HTML, &*long)] {
            assert_eq!(kept_of(&[(name, value)]), json!({}), "{name}");
        }
        assert_eq!(kept_of(&[(&format!("og{long}"), "x")]), json!({}));
    }

    #[test]
    fn settings_say_what_is_reached_and_for_whom() {
        let mut settings = Settings::default();
        let rule = reach(&settings);
        assert_eq!((rule.ports, rule.redirects), (vec![80, 443], 5));
        assert!(rule.ignored.has_name("localhost"));
        assert!(rule.ignored.has_address([192, 168, 1, 1].into()));
        assert_eq!(lifetime(&settings), Duration::from_hours(30 * 24));
        settings.set("API_EmbedCacheExpirationDays", json!(-1));
        assert_eq!(lifetime(&settings), Duration::ZERO);
        settings.set("API_EmbedSafePorts", json!("80, x 99999 8080"));
        assert_eq!(reach(&settings).ports, [80, 8080]);
        settings.set("API_EmbedDisabledFor", json!("ann, Bob"));
        assert!(is_off_for(&settings, "bob") && !is_off_for(&settings, "cat"));
        assert!(!is_off_for(&Settings::default(), "cat"));
    }
}
