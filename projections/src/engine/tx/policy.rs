//! How messages are counted, and what is noted of reading.

use domain::settings::{Settings, keys};

/// How messages are counted and what is noted of reading, from the settings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Policy {
    pub(crate) store_last_message: bool,
    /// Whether it is noted how far everybody has read, and who has read what.
    pub(crate) receipts: Receipts,
    pub(crate) room: Counting,
    pub(crate) direct: Counting,
}

/// What is noted of reading.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Receipts {
    /// How far all members of a room have read.
    pub(crate) floors: bool,
    /// Who has read what, too.
    pub(crate) readers: bool,
}

/// Which messages raise `unread` (contract, rooms 2.3).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counting {
    pub(crate) all: bool,
    pub(crate) user_mentions: bool,
    pub(crate) group_mentions: bool,
}

impl Policy {
    pub(crate) fn of(settings: &Settings) -> Self {
        let room = settings.text(keys::UNREAD_COUNT);
        let both = matches!(room, "all_messages" | "user_and_group_mentions_only");
        let floors = settings.bool(keys::MESSAGE_READ_RECEIPT_ENABLED);
        Self {
            receipts: Receipts {
                floors,
                readers: floors && settings.bool(keys::MESSAGE_READ_RECEIPT_STORE_USERS),
            },
            store_last_message: settings.bool(keys::STORE_LAST_MESSAGE),
            room: Counting {
                all: room == "all_messages",
                user_mentions: both || room == "user_mentions_only",
                group_mentions: both || room == "group_mentions_only",
            },
            direct: Counting {
                all: settings.text(keys::UNREAD_COUNT_DM) == "all_messages",
                user_mentions: true,
                group_mentions: true,
            },
        }
    }
}
