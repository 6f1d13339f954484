//! Quotes: messages shown in other messages, as attachments that lead to them (contract, messages 3 step 9, teams 2).

use domain::settings::{Settings, keys};
use domain::site::Site;
use domain::{MessageId, limits, text};
use percent_encoding::percent_decode_str;
use projections::MessageRecord;
use serde_json::{Map, Value, json};

use crate::caller::Caller;
use crate::chat::room_access::RoomAccess;
use crate::dates::iso;
use crate::error::Error;
use crate::workspace::Workspace;

/// What all quotes of one message may take together, in bytes.
const TOGETHER: usize = limits::MESSAGE / 2;

/// A link in a message, and the message that it leads to, as an attachment.
pub(super) struct Quote {
    pub(super) url: String,
    pub(super) attachment: Value,
}

/// The quotes of the messages that `urls` lead to, as far as the caller may read them. Of a message that is deleted or
/// encrypted there is nothing to show.
pub(super) async fn led_to(
    workspace: &Workspace,
    caller: &Caller,
    settings: &Settings,
    urls: &[String],
) -> Result<Vec<Quote>, Error> {
    let site = Site::of(settings);
    let named = urls
        .iter()
        .filter_map(|url| Some((url, message_in(site.within(url)?)?)));
    let (mut quotes, mut left) = (Vec::new(), TOGETHER);
    for (url, id) in named.take(limits::QUOTES) {
        let Some(record) = workspace.views().message(&id).await? else {
            continue;
        };
        if record.kind.as_deref().is_some_and(shows_nothing) {
            continue;
        }
        let place = RoomAccess::of(workspace, caller, &record.room).await?;
        if !place.is_some_and(|place| place.can_read(caller)) {
            continue;
        }
        let attachment = quote(settings, &record, Some(url));
        let size = attachment.to_string().len();
        if size <= left {
            left -= size;
            let url = url.clone();
            quotes.push(Quote { url, attachment });
        }
    }
    Ok(quotes)
}

/// Whether a message of that kind has nothing that could be quoted.
fn shows_nothing(kind: &str) -> bool {
    matches!(kind, "rm" | "e2e" | "otr" | "otr-ack")
}

/// The message that an address names (`?msg=`).
fn message_in(address: &str) -> Option<MessageId> {
    let (_, query) = address.split_once('?')?;
    let query = query.split('#').next()?;
    let id = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("msg="))?;
    let id = percent_decode_str(id).decode_utf8().ok()?;
    (!id.is_empty() && id.len() <= limits::ID).then(|| MessageId::new(id))
}

/// The message as an attachment that shows what it says and leads to it, if it has an address.
pub(super) fn quote(settings: &Settings, record: &MessageRecord, link: Option<&str>) -> Value {
    let mut doc: Map<String, Value> = serde_json::from_slice(&record.doc).unwrap_or_default();
    let author = doc.get("u").and_then(|author| author["username"].as_str());
    let author = author.unwrap_or_default();
    let alias = doc.get("alias").and_then(Value::as_str);
    let said = doc.get("msg").and_then(Value::as_str).unwrap_or_default();
    let mut quote = json!({
        "text": text::cut_bytes(said, limits::QUOTE),
        "author_name": alias.filter(|alias| !alias.is_empty()).unwrap_or(author),
        "author_icon": Site::of(settings).avatar_path(author),
        "ts": iso(record.at),
    });
    if let Some(link) = link {
        quote["message_link"] = link.into();
    }
    if let Some(translations) = doc.remove("translations") {
        quote["translations"] = translations;
    }
    let attached = match doc.remove("attachments") {
        Some(Value::Array(attached)) => cut(attached, levels(settings) - 1),
        _ => Vec::new(),
    };
    let attached = Value::Array(attached);
    let fits = attached.to_string().len() <= limits::QUOTE;
    quote["attachments"] = if fits { attached } else { json!([]) };
    quote
}

/// How many quotes are shown within each other.
fn levels(settings: &Settings) -> i64 {
    /// Each is two levels of the nesting that documents may have.
    const MOST: i64 = 10;
    settings.int(keys::MESSAGE_QUOTE_CHAIN_LIMIT).clamp(1, MOST)
}

/// Attachments with so many levels of quotes, and none below.
fn cut(mut attachments: Vec<Value>, levels: i64) -> Vec<Value> {
    let is_quote = |attachment: &Value| attachment.get("message_link").is_some();
    attachments.retain(|attachment| levels > 0 || !is_quote(attachment));
    for attachment in &mut attachments {
        let below = levels - i64::from(is_quote(attachment));
        if let Some(Value::Array(inside)) = attachment.get_mut("attachments") {
            *inside = cut(std::mem::take(inside), below);
        }
    }
    attachments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_messages() {
        for (address, id) in [
            ("channel/a?msg=1", Some("1")),
            ("channel/a?x=y&msg=a%20b&z#c?msg=2", Some("a b")),
            ("?msg=1", Some("1")),
            ("channel/a?amsg=1", None),
            ("channel/a?msg=", None),
            ("channel/a#?msg=1", Some("1")),
            ("channel/msg=1", None),
        ] {
            assert_eq!(message_in(address), id.map(MessageId::new), "{address}");
        }
    }

    #[test]
    fn quotes_within_quotes_end_somewhere() {
        let quote = |inside: Vec<Value>| json!({"message_link": "x", "attachments": inside});
        let picture = json!({"image_url": "y"});
        let deep = vec![picture.clone(), quote(vec![quote(vec![picture.clone()])])];
        for (levels, left) in [
            (0, vec![picture.clone()]),
            (1, vec![picture.clone(), quote(vec![])]),
            (2, deep.clone()),
        ] {
            assert_eq!(cut(deep.clone(), levels), left, "{levels}");
        }
    }
}
