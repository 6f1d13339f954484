//! Addresses that people write and clients show as links and pictures. What may be followed is on a list. Addresses
//! that run code in the page that shows them, or that are pages themselves, are not on it.

use serde_json::Value;

/// What links may lead to.
const SCHEMES: [&str; 4] = ["http", "https", "mailto", "tel"];

/// What may be shown directly from an address. Shapes (`svg`) can run code.
const SHOWN: [&str; 9] = [
    "image/png",
    "image/jpeg",
    "image/jpg",
    "image/gif",
    "image/webp",
    "image/bmp",
    "image/x-icon",
    "audio/",
    "video/",
];

/// How the names of fields end that hold addresses.
const NAMES: [&str; 7] = ["url", "uri", "link", "href", "src", "icon", "avatar"];

/// The scheme of an address as browsers read it, in lower case: they skip blanks and control characters in front, and
/// tabs and line breaks anywhere. `None`: a path, or no address at all.
fn scheme(text: &str) -> Option<String> {
    let mut scheme = String::new();
    let letters = text
        .trim_start_matches(|c: char| c <= ' ')
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'));
    for letter in letters {
        match letter {
            ':' if !scheme.is_empty() => return Some(scheme),
            'a'..='z' | 'A'..='Z' => scheme.push(letter.to_ascii_lowercase()),
            '0'..='9' | '+' | '-' | '.' if !scheme.is_empty() => scheme.push(letter),
            _ => return None,
        }
    }
    None
}

/// Whether an address is content to be shown, which cannot run anything.
fn is_shown(text: &str) -> bool {
    let Some((data, kind)) = text.split_once(':') else {
        return false;
    };
    data.eq_ignore_ascii_case("data")
        && kind.split([',', ';']).next().is_some_and(|kind| {
            let kind = kind.to_ascii_lowercase();
            SHOWN.iter().any(|shown| kind.starts_with(shown))
        })
}

/// Whether it is the address of a page or a file, here or elsewhere (contract, messages 2.1).
pub fn is_link(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let begins = ["http://", "https://", "/file-upload/"];
    begins.iter().any(|start| lower.starts_with(start))
        && !lower.contains("javascript:")
        && !text.contains(char::is_control)
}

/// Whether it is the address of something that is shown or played: a link, or the content itself.
pub fn is_media(text: &str) -> bool {
    is_link(text) || is_shown(text)
}

/// Whether it may be the picture of a message: media as above, or a path on this server.
pub fn is_picture(text: &str) -> bool {
    let relative = text.contains('/')
        && !text.starts_with("//")
        && !text.contains(|c: char| c.is_control() || matches!(c, ':' | '\\'));
    text.is_empty() || relative || is_media(text)
}

/// Whether clients may show it as a link, whatever it is.
fn is_harmless(text: &str) -> bool {
    match scheme(text) {
        Some(scheme) if scheme == "data" => is_shown(text),
        Some(scheme) => SCHEMES.contains(&scheme.as_str()),
        None => true,
    }
}

/// Whether a field's name says that it holds an address.
fn is_address_field(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|end| name.ends_with(end))
}

/// Whether a text is harmless in a field of that name: the field holds no address, or one that may be followed.
pub fn is_harmless_in(field: &str, text: &str) -> bool {
    !is_address_field(field) || is_harmless(text)
}

/// Whether every address in a free-form value, at any depth, may be followed.
pub fn are_harmless(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(are_harmless),
        Value::Object(fields) => fields.iter().all(|(name, value)| match value {
            Value::String(text) => is_harmless_in(name, text),
            Value::Array(items) => items.iter().all(|item| match item {
                Value::String(text) => is_harmless_in(name, text),
                other => are_harmless(other),
            }),
            other => are_harmless(other),
        }),
        _ => true,
    }
}

/// Whether a scheme, in lower case, is one that runs code or is a page itself.
pub fn runs(scheme: &str) -> bool {
    matches!(scheme, "javascript" | "vbscript" | "data")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn links_are_on_a_list() {
        for good in [
            "http://x",
            "HTTPS://example.org/a?b=c",
            "/file-upload/1/a.png",
        ] {
            assert!(is_link(good), "{good}");
        }
        for bad in [
            "",
            "x",
            "javascript:alert(1)",
            "https://x/javascript:y",
            "vbscript:x",
            "data:image/png;base64,AA==",
            "ftp://x",
            " https://x",
            "https://x\ny",
        ] {
            assert!(!is_link(bad), "{bad}");
        }
    }

    #[test]
    fn content_that_cannot_run_is_shown() {
        for good in [
            "data:image/png;base64,AA==",
            "DATA:IMAGE/GIF,x",
            "data:audio/ogg,x",
            "https://x",
        ] {
            assert!(is_media(good), "{good}");
        }
        for bad in [
            "data:text/html,x",
            "data:,x",
            "data:image/svg+xml,<svg/>",
            " data:image/png,x",
        ] {
            assert!(!is_media(bad), "{bad}");
        }
        for good in ["", "/avatar/bob", "a/b.png", "https://x"] {
            assert!(is_picture(good), "{good}");
        }
        for bad in ["//x/y", "/\\x", "a", "x:/y", "/a\tb"] {
            assert!(!is_picture(bad), "{bad}");
        }
    }

    #[test]
    fn free_form_values_name_addresses_by_their_fields() {
        for good in [
            json!({"url": "https://x", "text": "javascript: the good parts"}),
            json!([{"elements": [{"imageUrl": "data:image/png;base64,AA=="}]}]),
            json!({"icon": "phone-off", "link": "mailto:a@b", "title_link_download": true}),
            json!({"href": "/channel/general", "hrefs": ["javascript:x"]}),
        ] {
            assert!(are_harmless(&good), "{good}");
        }
        for bad in [
            json!({"url": "javascript:x"}),
            json!([{"a": [{"b": {"imageUrl": "JavaScript:x"}}]}]),
            json!({"Link": "\u{1} java\nscript:x"}),
            json!({"src": ["vbscript:x"]}),
            json!({"href": "data:text/html,x"}),
            json!({"icon": {"src": "blob:x"}}),
        ] {
            assert!(!are_harmless(&bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_disguise_lets_a_script_through(
            front in "[\\x00-\\x20]{0,3}",
            scheme in "(javascript|JaVaScRiPt|vbscript|data|blob|file)",
            inside in "[\\t\\n\\r]{0,2}",
            at in 1..4_usize,
        ) {
            let address = format!("{front}{}{inside}{}:text/html,x", &scheme[..at], &scheme[at..]);
            let shown = json!({ "url": &address });
            prop_assert!(!are_harmless(&shown));
            prop_assert!(!is_link(&address) && !is_picture(&address) && !is_media(&address));
        }
    }
}
