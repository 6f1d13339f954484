//! Conversations as plain text. Every line of a message stands behind a bar, so that no message can pass for a part of the
//! page.

use std::fmt::Write as _;

use super::conversation::{Line, Message, Stretch};
use super::visible::{fate, seconds, visible};
use crate::record::deed::Deed;
use crate::record::harmless::harmless;
use crate::record::message::{Attached, Said, Version};

/// The stretch from top to bottom. Every line that somebody wrote stands behind a bar.
pub(super) fn page(stretch: &Stretch) -> String {
    let conversation = &stretch.conversation;
    let mut page = format!(
        "{}, {}\nConversation {}. All times are UTC.\n",
        harmless(&conversation.name),
        stretch.time,
        harmless(conversation.id.as_str()),
    );
    let members = stretch.members.named.iter();
    let named: Vec<_> = members.map(|person| harmless(&person.name)).collect();
    if !named.is_empty() {
        let more = match stretch.members.more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = writeln!(page, "Members when it begins: {}{more}", named.join(", "));
    }
    for line in &stretch.lines {
        page.push('\n');
        match line {
            Line::Message(told) => message(&mut page, told),
            Line::Happening(told) => {
                let (time, position) = (seconds(told.at.time), told.at.position);
                let _ = writeln!(page, "{time} (position {position}): {}", told.sentence);
            }
        }
    }
    page
}

/// Who did it and when, and who asked for it if that was somebody else.
fn deed(deed: &Deed, did: &str) -> String {
    let (time, position) = (seconds(deed.at.time), deed.at.position);
    let by = harmless(&deed.by.name);
    let actor = deed.actor.as_ref();
    let actor = actor.map(|actor| format!(" (done by {})", harmless(&actor.name)));
    let actor = actor.unwrap_or_default();
    format!("{time} (position {position}): {by} {did}{actor}")
}

fn message(page: &mut String, told: &Message) {
    let history = &told.history;
    for (index, one) in history.versions.iter().enumerate() {
        let id = harmless(told.id.as_str());
        let did = match (index, &history.thread) {
            (0, None) => format!("wrote message {id}"),
            (0, Some(thread)) => {
                format!(
                    "wrote message {id}, a reply to message {}",
                    harmless(thread.as_str())
                )
            }
            _ => format!("edited message {id}"),
        };
        let _ = writeln!(page, "{}", deed(&one.deed, &did));
        version(page, one);
    }
    for reaction in &history.reactions {
        let did = if reaction.added {
            "reacted with"
        } else {
            "took back"
        };
        let did = format!("{did} {}", harmless(&reaction.emoji));
        let _ = writeln!(page, "{}", deed(&reaction.deed, &did));
    }
    for outcome in &history.outcomes {
        let _ = writeln!(page, "{}", deed(&outcome.deed, fate(outcome.fate)));
    }
    if told.cut {
        page.push_str("More happened to this message than is told here.\n");
    }
}

fn version(page: &mut String, version: &Version) {
    match &version.said {
        Said::Text(text) => {
            for line in visible(text).split('\n') {
                let _ = writeln!(page, "  | {line}");
            }
        }
        Said::Encrypted => {
            page.push_str("  (encrypted end to end: the server never could read it)\n");
        }
    }
    for attachment in version.attachments.iter().flatten() {
        let attached = Attached::of(attachment);
        let name = attached
            .name
            .as_deref()
            .map_or_else(|| "without a name".to_owned(), harmless);
        let _ = write!(page, "  attached: {name}");
        for more in attached.description.iter().chain(&attached.links) {
            let _ = write!(page, ", {}", harmless(more));
        }
        page.push('\n');
    }
}
