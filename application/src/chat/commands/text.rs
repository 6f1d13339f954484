//! Commands that say something in the room, and help.

use domain::MessageId;
use domain::message::PostChecks;
use domain::text::is_blank;

use super::{Phrase, Typed};
use crate::chat::messages::{self, Draft};
use crate::chat::room_access::RoomAccess;
use crate::error::Error;
use crate::ids::now;

/// What the keys do in the composer and around it, as clients have it.
const KEYS: [(&str, &str); 7] = [
    ("Find a room or somebody", "Ctrl (or ⌘) + K"),
    ("Edit your last message", "↑ in an empty message"),
    ("Go to the beginning of the message", "Ctrl (or ⌘) + ←"),
    ("Go to the end of the message", "Ctrl (or ⌘) + →"),
    ("Begin a new line", "Shift + Enter"),
    ("Send the message", "Enter"),
    ("Mark everything as read", "Shift (or Ctrl) + Esc"),
];

/// Tells the keyboard shortcuts.
pub(super) fn help(typed: &Typed<'_>) {
    for (what, keys) in KEYS {
        typed.tell(format!("{what}: `{keys}`"));
    }
}

impl Phrase {
    /// What is said if `text` was typed behind it; `None`: nothing.
    fn around(self, text: &str) -> Option<String> {
        let behind = |end: &str| {
            if text.is_empty() {
                end.to_owned()
            } else {
                format!("{text} {end}")
            }
        };
        Some(match self {
            Self::Me if is_blank(text) => return None,
            Self::Me => format!("_{text}_"),
            Self::Gimme if text.is_empty() => "༼ つ ◕_◕ ༽つ".to_owned(),
            Self::Gimme => format!("༼ つ ◕_◕ ༽つ {text}"),
            Self::LennyFace => behind("( ͡° ͜ʖ ͡°)"),
            Self::Shrug => behind(r"¯\_(ツ)_/¯"),
            Self::TableFlip => behind("(╯°□°）╯︵ ┻━┻"),
            Self::Unflip => behind("┬─┬ ノ( ゜-゜ノ)"),
        })
    }
}

/// Says it where it was typed.
pub(super) async fn say(typed: &Typed<'_>, phrase: Phrase) -> Result<(), Error> {
    match phrase.around(typed.text) {
        Some(text) => post(typed, typed.place, text, typed.thread.clone()).await,
        None => Ok(()),
    }
}

/// Posts a message of the caller's.
pub(super) async fn post(
    typed: &Typed<'_>,
    place: &RoomAccess,
    text: String,
    thread: Option<MessageId>,
) -> Result<(), Error> {
    let parent = match &thread {
        Some(thread) => typed.workspace.views().message(thread).await?,
        None => None,
    };
    let draft = Draft {
        id: typed.id.clone(),
        text,
        opaque: false,
        find_links: true,
        previewed: None,
        attachments: None,
        presentation: None,
        thread,
        parent: parent.map(messages::parent),
        shown_in_room: false,
        at: now(),
        join: false,
        checks: PostChecks::Full,
    };
    messages::post(typed.workspace, typed.caller, place, draft)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_stand_around_what_was_typed() {
        for (phrase, text, said) in [
            (Phrase::Me, "waves", Some("_waves_")),
            (Phrase::Me, "", None),
            (Phrase::Me, "\u{200b}", None),
            (Phrase::Gimme, "tea", Some("༼ つ ◕_◕ ༽つ tea")),
            (Phrase::Gimme, "", Some("༼ つ ◕_◕ ༽つ")),
            (Phrase::LennyFace, "so", Some("so ( ͡° ͜ʖ ͡°)")),
            (Phrase::Shrug, "who knows", Some(r"who knows ¯\_(ツ)_/¯")),
            (Phrase::Shrug, "", Some(r"¯\_(ツ)_/¯")),
            (Phrase::TableFlip, "no", Some("no (╯°□°）╯︵ ┻━┻")),
            (Phrase::Unflip, "yes", Some("yes ┬─┬ ノ( ゜-゜ノ)")),
        ] {
            assert_eq!(phrase.around(text).as_deref(), said, "{phrase:?} {text:?}");
        }
    }
}
