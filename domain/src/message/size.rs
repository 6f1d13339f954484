//! How large a message may be (contract, messages 3 step 3, and `docs/limits.md`).

use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

use super::{MessageRefusal, PostChecks, Presentation};
use crate::limits;
use crate::settings::{Settings, keys};

/// Whether a message of that text and these parts may be posted, as far as its size is concerned. The first thing to
/// ask of a message: everything else about it takes the longer the larger it is.
pub fn check_size(
    text: &str,
    attachments: Option<&[Value]>,
    presentation: Option<&Presentation>,
    checks: PostChecks,
    settings: &Settings,
) -> Result<(), MessageRefusal> {
    if checks == PostChecks::Full {
        let limit = settings.int(keys::MESSAGE_MAX_ALLOWED_SIZE);
        let most = usize::try_from(limit).unwrap_or(0);
        // Nothing has more characters than bytes, so counting is rarely needed.
        if text.len() > most && length_up_to(text, most) > most {
            return Err(MessageRefusal::TooLong { limit });
        }
    }
    let attachments = attachments.unwrap_or_default();
    let parts = attachments.iter().map(weight).sum::<usize>();
    let whole = text
        .len()
        .saturating_add(parts)
        .saturating_add(presentation.map_or(0, presentation_weight));
    let fits = text.len() <= limits::MESSAGE_TEXT
        && attachments.len() <= limits::ATTACHMENTS
        && whole <= limits::MESSAGE;
    fits.then_some(()).ok_or(MessageRefusal::TooLarge)
}

fn presentation_weight(presentation: &Presentation) -> usize {
    let Presentation {
        alias,
        avatar,
        emoji,
        groupable: _,
        parse_urls: _,
        bot,
        blocks,
        location,
        custom_fields,
        encrypted,
        e2e,
        encrypted_content,
        encrypted_mentions,
        otr_ack,
    } = presentation;
    let texts = [alias, avatar, emoji, encrypted, e2e];
    let values = [
        bot,
        location,
        custom_fields,
        encrypted_content,
        encrypted_mentions,
        otr_ack,
    ];
    let texts = texts.into_iter().flatten().map(String::len);
    let values = values.into_iter().flatten().chain(blocks.iter().flatten());
    texts
        .chain(values.map(weight))
        .fold(0, usize::saturating_add)
}

/// How many bytes a value takes, about.
fn weight(value: &Value) -> usize {
    const OVERHEAD: usize = 8;
    let inside = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items
            .iter()
            .fold(0, |sum: usize, item| sum.saturating_add(weight(item))),
        Value::Object(fields) => fields.iter().fold(0, |sum: usize, (name, value)| {
            sum.saturating_add(name.len()).saturating_add(weight(value))
        }),
    };
    inside.saturating_add(OVERHEAD)
}

/// The length of a text as its limit counts it: characters as people see them, and one for each `:emoji:`.
pub fn length(text: &str) -> usize {
    length_up_to(text, usize::MAX)
}

/// The same, but nothing is counted beyond what is more than `most`.
fn length_up_to(text: &str, most: usize) -> usize {
    let mut graphemes = 0_usize;
    let mut rest = text;
    while graphemes <= most {
        let colon = rest.find(':');
        let plain = &rest[..colon.unwrap_or(rest.len())];
        let left = (most - graphemes).saturating_add(1);
        graphemes += plain.graphemes(true).take(left).count();
        let Some(colon) = colon.filter(|_| graphemes <= most) else {
            break;
        };
        graphemes += 1;
        rest = &rest[colon + 1..];
        if let Some(end) = shortname_end(rest) {
            rest = &rest[end..];
        }
    }
    graphemes
}

/// Where the `smile:` of a `:smile:` ends; `None` when it is none. The longest names of emoji have some 50 characters.
fn shortname_end(text: &str) -> Option<usize> {
    const LONGEST: usize = 64;
    let bytes = text.as_bytes();
    let end = bytes
        .iter()
        .take(LONGEST)
        .position(|byte| !is_shortname_byte(*byte))?;
    let named = bytes[..end].iter().any(u8::is_ascii_alphabetic)
        || &bytes[..end] == b"+1"
        || &bytes[..end] == b"-1";
    (named && bytes[end] == b':').then_some(end + 1)
}

fn is_shortname_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-+".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn size(
        text: &str,
        attachments: &[Value],
        presentation: &Presentation,
        checks: PostChecks,
    ) -> Result<(), MessageRefusal> {
        let settings = Settings::default();
        check_size(
            text,
            Some(attachments),
            Some(presentation),
            checks,
            &settings,
        )
    }

    #[test]
    fn every_part_of_a_message_counts() {
        let plain = Presentation::default();
        let lenient = |text: &str, attachments: &[Value], presentation: &Presentation| {
            size(text, attachments, presentation, PostChecks::Lenient)
        };
        let long = "x".repeat(limits::MESSAGE_TEXT);
        assert_eq!(lenient(&long, &[], &plain), Ok(()));
        assert_eq!(
            size(&long, &[], &plain, PostChecks::Full),
            Err(MessageRefusal::TooLong { limit: 5000 })
        );
        let longer = format!("{long}x");
        assert_eq!(lenient(&longer, &[], &plain), Err(MessageRefusal::TooLarge));
        let many = vec![json!({}); limits::ATTACHMENTS + 1];
        assert_eq!(lenient("", &many, &plain), Err(MessageRefusal::TooLarge));
        let large = json!("x".repeat(limits::MESSAGE));
        assert_eq!(
            lenient("", &[json!({ "text": large })], &plain),
            Err(MessageRefusal::TooLarge)
        );
        for presentation in [
            Presentation {
                blocks: Some(vec![large.clone()]),
                ..plain.clone()
            },
            Presentation {
                custom_fields: Some(large.clone()),
                ..plain.clone()
            },
            Presentation {
                encrypted_content: Some(large),
                ..plain.clone()
            },
        ] {
            assert_eq!(
                lenient("", &[], &presentation),
                Err(MessageRefusal::TooLarge)
            );
        }
        let wordy = Presentation {
            alias: Some("x".repeat(limits::MESSAGE + 1)),
            ..plain
        };
        assert_eq!(lenient("", &[], &wordy), Err(MessageRefusal::TooLarge));
    }

    #[test]
    fn counting_ends_where_it_is_enough() {
        assert_eq!(length_up_to(&"äöü :smile:".repeat(1000), 7), 8);
        assert_eq!(length_up_to("ab :smile: c", 100), length("ab :smile: c"));
    }
}
