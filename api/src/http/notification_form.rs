//! What a member wants to be told of in a room, as `rooms.saveNotification` and `saveNotificationSettings` take it
//! (contract, rooms 13).

use domain::membership::{NotificationChoice, ToldOf};

use crate::errors::{ApiError, wording};

/// The choice that `value` of `field` is. The flags take `1`; anything else is no.
pub fn choice(field: &str, value: &str) -> Result<NotificationChoice, ApiError> {
    let told_of = || ToldOf::named(value).ok_or_else(wording::invalid_notification);
    let is = value == "1";
    Ok(match field {
        "desktopNotifications" => NotificationChoice::Desktop(told_of()?),
        "mobilePushNotifications" => NotificationChoice::Mobile(told_of()?),
        "emailNotifications" => NotificationChoice::Email(told_of()?),
        "unreadAlert" => NotificationChoice::UnreadAlert(told_of()?),
        "audioNotificationValue" => {
            let usual = value == ToldOf::Default.as_str();
            NotificationChoice::Sound((!usual).then(|| value.to_owned()))
        }
        "disableNotifications" => NotificationChoice::Disabled(is),
        "hideUnreadStatus" => NotificationChoice::HideUnreadStatus(is),
        "hideMentionStatus" => NotificationChoice::HideMentionStatus(is),
        "muteGroupMentions" => NotificationChoice::MuteGroupMentions(is),
        _ => return Err(wording::invalid_notification()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_chosen_is_a_choice() {
        for (field, value, chosen) in [
            (
                "desktopNotifications",
                "all",
                Some(NotificationChoice::Desktop(ToldOf::All)),
            ),
            (
                "emailNotifications",
                "default",
                Some(NotificationChoice::Email(ToldOf::Default)),
            ),
            (
                "audioNotificationValue",
                "default",
                Some(NotificationChoice::Sound(None)),
            ),
            (
                "audioNotificationValue",
                "beep",
                Some(NotificationChoice::Sound(Some("beep".to_owned()))),
            ),
            (
                "muteGroupMentions",
                "1",
                Some(NotificationChoice::MuteGroupMentions(true)),
            ),
            (
                "muteGroupMentions",
                "true",
                Some(NotificationChoice::MuteGroupMentions(false)),
            ),
            ("desktopNotifications", "some", None),
            ("alert", "1", None),
        ] {
            let read = choice(field, value);
            assert_eq!(read.ok(), chosen, "{field} = {value}");
        }
    }
}
