//! What users can choose for themselves (contract, conventions 7.3 `users.setPreferences`).

use serde_json::{Map, Value};

/// Fewest seconds of silence after which a client may call its user away.
const SHORTEST_IDLE: i64 = 60;

/// The most texts a preference may have.
const MOST_TEXTS: usize = 500;
/// The most characters that one of them may have.
const LONGEST_TEXT: usize = 500;

/// The most words somebody can have highlighted, and characters one of them may have: every message to a room is
/// searched for the words of everybody in it.
const MOST_HIGHLIGHTS: usize = 100;
const LONGEST_HIGHLIGHT: usize = 100;

/// What a preference may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum PreferenceKind {
    Text,
    Number,
    Boolean,
    Texts,
}

/// Every preference, by the wire's name.
pub const PREFERENCES: [(&str, PreferenceKind); 41] = {
    use PreferenceKind::{Boolean, Number, Text, Texts};
    [
        ("newRoomNotification", Text),
        ("newMessageNotification", Text),
        ("emailNotificationMode", Text),
        ("desktopNotifications", Text),
        ("pushNotifications", Text),
        ("sendOnEnter", Text),
        ("language", Text),
        ("sidebarSortby", Text),
        ("sidebarViewMode", Text),
        ("clockMode", Number),
        ("notificationsSoundVolume", Number),
        ("messageViewMode", Number),
        ("useEmojis", Boolean),
        ("convertAsciiEmoji", Boolean),
        ("saveMobileBandwidth", Boolean),
        ("collapseMediaByDefault", Boolean),
        ("autoImageLoad", Boolean),
        ("unreadAlert", Boolean),
        ("enableAutoAway", Boolean),
        ("desktopNotificationRequireInteraction", Boolean),
        ("hideUsernames", Boolean),
        ("hideRoles", Boolean),
        ("displayAvatars", Boolean),
        ("hideFlexTab", Boolean),
        ("sidebarShowFavorites", Boolean),
        ("sidebarShowUnread", Boolean),
        ("sidebarDisplayAvatar", Boolean),
        ("sidebarGroupByType", Boolean),
        ("muteFocusedConversations", Boolean),
        ("highlights", Texts),
        ("idleTimeLimit", Number),
        ("alsoSendThreadToChannel", Text),
        ("useLegacyMessageTemplate", Boolean),
        ("themeAppearence", Text),
        ("fontSize", Text),
        ("receiveLoginDetectionEmail", Boolean),
        ("notifyCalendarEvents", Boolean),
        ("enableMobileRinging", Boolean),
        ("showThreadsInMainChannel", Boolean),
        ("mentionsWithSymbol", Boolean),
        ("sidebarSectionsOrder", Texts),
    ]
};

/// Why a preference is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum PreferenceFault {
    #[error("there is no preference {0}")]
    Unknown(String),
    #[error("the preference {0} has a value of another kind")]
    Mistyped(String),
    #[error("the value of the preference {0} is too large")]
    TooLarge(String),
    #[error("nobody is away after less than {SHORTEST_IDLE} seconds")]
    TooImpatient,
}

/// The preferences as they are kept: checked, and with old names of values replaced.
pub(super) fn checked(wanted: Map<String, Value>) -> Result<Map<String, Value>, PreferenceFault> {
    wanted
        .into_iter()
        .map(|(name, value)| {
            check(&name, &value)?;
            let value = put_right(&name, value);
            Ok((name, value))
        })
        .collect()
}

fn check(name: &str, value: &Value) -> Result<(), PreferenceFault> {
    let (_, kind) = PREFERENCES
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| PreferenceFault::Unknown(name.to_owned()))?;
    let (most, longest) = if name == "highlights" {
        (MOST_HIGHLIGHTS, LONGEST_HIGHLIGHT)
    } else {
        (MOST_TEXTS, LONGEST_TEXT)
    };
    let short = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| text.chars().count() <= longest)
    };
    let (fits, small) = match (kind, value) {
        (PreferenceKind::Text, Value::String(_)) => (true, short(value)),
        (PreferenceKind::Texts, Value::Array(items)) => (
            items.iter().all(Value::is_string),
            items.len() <= most && items.iter().all(short),
        ),
        (PreferenceKind::Number, value) => (value.is_number(), true),
        (PreferenceKind::Boolean, value) => (value.is_boolean(), true),
        _ => (false, true),
    };
    if !fits {
        return Err(PreferenceFault::Mistyped(name.to_owned()));
    }
    if !small {
        return Err(PreferenceFault::TooLarge(name.to_owned()));
    }
    let seconds = value.as_f64().unwrap_or(0.0);
    #[expect(
        clippy::cast_precision_loss,
        reason = "a small number of seconds is exact"
    )]
    if name == "idleTimeLimit" && seconds < SHORTEST_IDLE as f64 {
        return Err(PreferenceFault::TooImpatient);
    }
    Ok(())
}

/// Replaces values by the names they have now.
fn put_right(name: &str, value: Value) -> Value {
    match (name, value.as_str()) {
        ("emailNotificationMode", Some("all")) => Value::from("mentions"),
        ("emailNotificationMode", Some("disabled")) => Value::from("nothing"),
        _ => value,
    }
}

/// Whether choosing this value means to leave it to the workspace.
pub(super) fn means_none(name: &str, value: &Value) -> bool {
    name == "clockMode" && value.as_f64() == Some(0.0)
}
