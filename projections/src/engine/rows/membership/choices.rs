//! What a member chose or began in a room, which most never do: kept beside the document, and joined to it when shown.

use std::collections::BTreeMap;

use compact_str::CompactString;
use domain::membership::{NotificationChoice, ToldOf};
use domain::{MessageId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The rest of the wire document (contract, rooms 2.1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Choices {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) audio_notification_value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unread_alert: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disable_notifications: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hide_unread_status: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hide_mention_status: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mute_group_mentions: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ignored: Vec<UserId>,
    /// The other one blocked the direct message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) blocked: Option<bool>,
    /// The member blocked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) blocker: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) draft: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) thread_drafts: BTreeMap<MessageId, String>,
}

impl Choices {
    /// Keeps a choice that is not among those that preferences of the user say something about.
    pub(super) fn choose(&mut self, choice: &NotificationChoice) {
        match choice {
            NotificationChoice::Desktop(_)
            | NotificationChoice::Mobile(_)
            | NotificationChoice::Email(_) => {}
            NotificationChoice::UnreadAlert(told_of) => {
                self.unread_alert = Some(CompactString::const_new(told_of.as_str()));
            }
            NotificationChoice::Sound(sound) => self.audio_notification_value.clone_from(sound),
            NotificationChoice::Disabled(disabled) => self.disable_notifications = Some(*disabled),
            NotificationChoice::HideUnreadStatus(hide) => self.hide_unread_status = Some(*hide),
            NotificationChoice::HideMentionStatus(hide) => {
                self.hide_mention_status = hide.then_some(true);
            }
            NotificationChoice::MuteGroupMentions(mute) => self.mute_group_mentions = Some(*mute),
        }
    }

    pub(crate) fn keep_draft(&mut self, thread: Option<&MessageId>, draft: &str) {
        let draft = (!draft.is_empty()).then(|| draft.to_owned());
        match (thread, draft) {
            (None, draft) => self.draft = draft,
            (Some(thread), Some(draft)) => drop(self.thread_drafts.insert(thread.clone(), draft)),
            (Some(thread), None) => drop(self.thread_drafts.remove(thread)),
        }
    }
}

/// A choice as those who watch are told of it: the field of the wire document, and what is chosen.
pub(crate) fn told(choice: &NotificationChoice) -> (&'static str, Value) {
    let of = |told_of: &ToldOf| json!(told_of.as_str());
    match choice {
        NotificationChoice::Desktop(told_of) => ("desktopNotifications", of(told_of)),
        NotificationChoice::Mobile(told_of) => ("mobilePushNotifications", of(told_of)),
        NotificationChoice::Email(told_of) => ("emailNotifications", of(told_of)),
        NotificationChoice::UnreadAlert(told_of) => ("unreadAlert", of(told_of)),
        NotificationChoice::Sound(sound) => {
            let sound = sound.as_deref().unwrap_or(ToldOf::Default.as_str());
            ("audioNotificationValue", json!(sound))
        }
        NotificationChoice::Disabled(disabled) => ("disableNotifications", json!(disabled)),
        NotificationChoice::HideUnreadStatus(hide) => ("hideUnreadStatus", json!(hide)),
        NotificationChoice::HideMentionStatus(hide) => ("hideMentionStatus", json!(hide)),
        NotificationChoice::MuteGroupMentions(mute) => ("muteGroupMentions", json!(mute)),
    }
}
