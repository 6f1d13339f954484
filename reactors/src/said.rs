//! A message as pages and mails show it: who said what, and when.

use application::dates::{from_iso, iso};
use domain::Timestamp;
use serde_json::{Map, Value};

/// What is shown of system messages, and whether their text goes with it.
const SYSTEM: &[(&str, &str, bool)] = &[
    ("e2e", "(encrypted)", false),
    ("uj", "joined", false),
    ("ut", "joined the discussion", false),
    ("ujt", "joined the team", false),
    ("au", "added", true),
    ("added-user-to-team", "added to the team", true),
    ("ul", "left", false),
    ("ult", "left the team", false),
    ("ru", "removed", true),
    ("removed-user-from-team", "removed from the team", true),
    ("r", "renamed the room", true),
    ("room_changed_topic", "changed the topic", true),
    ("room_changed_description", "changed the description", true),
    (
        "room_changed_announcement",
        "changed the announcement",
        true,
    ),
    ("room_changed_privacy", "changed who may see the room", true),
    (
        "room_changed_avatar",
        "changed the picture of the room",
        false,
    ),
    ("room-archived", "archived the room", false),
    ("room-unarchived", "took the room out of the archive", false),
    ("room-set-read-only", "made the room read-only", false),
    ("room-removed-read-only", "made the room writable", false),
    ("room-allowed-reacting", "allowed reactions", false),
    ("room-disallowed-reacting", "forbade reactions", false),
    ("room_e2e_enabled", "switched encryption on", false),
    ("room_e2e_disabled", "switched encryption off", false),
    ("user-muted", "muted", true),
    ("user-unmuted", "unmuted", true),
    ("subscription-role-added", "gave a role to", true),
    ("subscription-role-removed", "took a role from", true),
    ("discussion-created", "began the discussion", true),
];

/// A message, from its wire document.
pub(crate) struct Said(Map<String, Value>);

impl Said {
    /// `None`: the document is none.
    pub(crate) fn of(doc: &[u8]) -> Option<Self> {
        serde_json::from_slice(doc).ok().map(Self)
    }

    fn text(&self, field: &str) -> &str {
        self.0
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn id(&self) -> &str {
        self.text("_id")
    }

    /// `None`: an ordinary message.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.0.get("t").and_then(Value::as_str)
    }

    /// Who it is by, and when they sent it.
    fn heading(&self) -> String {
        let author = |field: &str| self.0.get("u").and_then(|u| u.get(field)?.as_str());
        let username = author("username").unwrap_or_default();
        let shown = match author("name").filter(|name| !name.is_empty()) {
            Some(name) => format!("<b>{}</b> @{}", escaped(name), escaped(username)),
            None => format!("<b>@{}</b>", escaped(username)),
        };
        let time = from_iso(self.text("ts")).map(seconds).unwrap_or_default();
        let edited = if self.0.contains_key("editedAt") {
            ", edited"
        } else {
            ""
        };
        format!("{shown} <small>{time} UTC{edited}</small>")
    }

    /// What was said. An encrypted text stays one.
    fn words(&self) -> String {
        let text = self.text("msg");
        let Some(kind) = self.kind() else {
            return text.to_owned();
        };
        let known = SYSTEM.iter().find(|(known, ..)| *known == kind);
        match known {
            Some((_, words, true)) => format!("{words}: {text}"),
            Some((_, words, false)) => (*words).to_owned(),
            None => format!("({kind}) {text}"),
        }
    }

    /// What the message carries with it, each as one text.
    fn attached(&self) -> Vec<String> {
        let attachments = self.0.get("attachments").and_then(Value::as_array);
        let told = |attachment: &Value| {
            let fields = ["author_name", "title", "text", "description"].into_iter();
            let texts = fields.filter_map(|field| attachment.get(field)?.as_str());
            texts.collect::<Vec<_>>().join("\n")
        };
        let attached = attachments.into_iter().flatten().map(told);
        attached.filter(|text| !text.is_empty()).collect()
    }

    /// As HTML without any script or link. What was said is in blocks of its own, so that it cannot pass for more.
    pub(crate) fn html(&self) -> String {
        let mut html = format!("<p>{}</p>", self.heading());
        for text in std::iter::once(self.words()).chain(self.attached()) {
            html.push_str("<blockquote>");
            html.push_str(&escaped(&text).replace('\n', "<br>"));
            html.push_str("</blockquote>");
        }
        html
    }
}

/// A text as HTML, without controls but line ends.
pub(crate) fn escaped(text: &str) -> String {
    let shown = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
    let shown: String = text.chars().filter(shown).collect();
    html_escape::encode_quoted_attribute(&shown).into_owned()
}

/// A time for people, to the second.
pub(crate) fn seconds(at: Timestamp) -> String {
    let mut text = iso(at).replacen('T', " ", 1);
    text.truncate(19);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn html(doc: &Value) -> String {
        Said::of(doc.to_string().as_bytes())
            .expect("a document")
            .html()
    }

    #[test]
    fn what_was_said_stays_in_its_block() {
        let html = html(&json!({
            "_id": "m", "msg": "<b>bold</b>\n</blockquote>\u{1b}[2J", "ts": "2026-11-28T03:00:00.000Z",
            "u": {"username": "ada", "name": "Ada <L>"}, "editedAt": "2026-11-28T03:01:00.000Z",
            "attachments": [{"title": "plan", "text": "a & b"}, {}, 7]
        }));
        assert_eq!(
            html,
            "<p><b>Ada &lt;L&gt;</b> @ada <small>2026-11-28 03:00:00 UTC, edited</small></p>\
             <blockquote>&lt;b&gt;bold&lt;/b&gt;<br>&lt;/blockquote&gt;[2J</blockquote>\
             <blockquote>plan<br>a &amp; b</blockquote>"
        );
    }

    #[test]
    fn system_messages_are_told_and_encrypted_ones_are_not_shown() {
        for (kind, wanted) in [
            ("uj", "joined"),
            ("au", "added: x"),
            ("e2e", "(encrypted)"),
            ("else", "(else) x"),
        ] {
            let html = html(&json!({"msg": "x", "t": kind}));
            let block = format!("<blockquote>{wanted}</blockquote>");
            assert!(html.ends_with(&block), "{html}");
        }
    }
}
