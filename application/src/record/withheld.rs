//! What the record does not show of an event: secrets, sealed or not, and what was made of them. A hash, too, is
//! withheld: whoever has it can tell whether a guess is right, and find all that happened with the same secret.
//!
//! Names of people, addresses and what people say are no secrets here. Who reads the record may read them.

use std::borrow::Cow;

use domain::claim::{self, NameKind};
use domain::{Category, StreamId, settings};
use serde_json::Value;

/// What stands in the place of a secret.
pub const WITHHELD: &str = "(withheld)";

/// The events with secrets, and the fields that hold them: the names that lead there, with full stops between them.
/// Every one of a list is meant.
const SECRET_FIELDS: &[(&str, &[&str])] = &[
    // The last part is what its owner recognises the token by. A part of a secret is a secret.
    ("PersonalTokenIssued", &["hash", "last_part"]),
    ("TokenIssued", &["hash"]),
    ("TokenRevoked", &["hash"]),
    ("OtherSessionsEnded", &["except"]),
    ("AllTokensRevoked", &["except"]),
    ("ProgramLetIn", &["grant"]),
    // The client is the hash of a network address and a program, both of which can be guessed.
    ("SecondFactorPassed", &["hash", "client"]),
    ("TotpPrepared", &["secret"]),
    ("TotpEnabled", &["backup_codes"]),
    ("BackupCodesReplaced", &["backup_codes"]),
    ("BackupCodeUsed", &["backup_code"]),
    ("EmailCodeIssued", &["code"]),
    ("EmailVerificationRequested", &["token", "token_hash"]),
    ("EmailVerified", &["token_hash"]),
    ("PasswordResetRequested", &["token", "token_hash"]),
    ("PasswordResetCompleted", &["token_hash"]),
    ("WelcomeMailRequested", &["password"]),
    ("PasswordMailRequested", &["password"]),
    ("UserCreated", &["password"]),
    ("PasswordChanged", &["password"]),
    ("KeyPairSet", &["private_key"]),
    ("RoomKeyReceived", &["key"]),
    ("RoomKeySuggested", &["key"]),
    // What somebody thought better of, or has not said yet.
    ("DraftChanged", &["draft"]),
    // See also `is_secret_setting`.
    ("SettingChanged", &["sealed"]),
    ("JoinCodeSet", &["code"]),
    ("InviteCreated", &["invite", "token"]),
    ("InviteRemoved", &["invite"]),
    ("InviteUsed", &["invite"]),
    ("OAuthAppAdded", &["secret"]),
    // The challenge is what the program has to show, or its hash.
    ("OAuthCodeIssued", &["grant", "challenge"]),
    ("OAuthCodeRedeemed", &["grant", "access", "refresh"]),
    ("OAuthTokensRenewed", &["grant", "access", "refresh"]),
    ("OAuthGrantRevoked", &["grant"]),
    ("PushTokenRegistered", &["token", "fingerprint", "session"]),
    (
        "WebdavAccountAdded",
        &["login.password.password", "login.token"],
    ),
    (
        "EmailInboxAdded",
        &["description.smtp.password", "description.imap.password"],
    ),
    (
        "EmailInboxChanged",
        &["description.smtp.password", "description.imap.password"],
    ),
];

/// The events without secrets, in order. An event that is in neither list is withheld as a whole.
const WITHOUT_SECRETS: &[&str] = &[
    "AnnouncementChanged",
    "AssetSet",
    "AssetUnset",
    "AutoTranslateChanged",
    "AvatarReset",
    "AvatarSet",
    "BannerDismissed",
    "BannerPublished",
    "BannerWithdrawn",
    "CustomStatusChanged",
    "CustomStatusCreated",
    "CustomStatusDeleted",
    "DataExportCompleted",
    "DataExportFailed",
    "DataExportRequested",
    "DefaultFavouriteChanged",
    "DefaultRoomChanged",
    "DescriptionChanged",
    "DirectMessageBlocked",
    "DirectMessageUnblocked",
    "EmailChanged",
    "EmailCodeUsed",
    "EmailFactorChanged",
    "EmailInboxRemoved",
    "EmojiChanged",
    "EmojiCreated",
    "EmojiDeleted",
    "EmojiDrawn",
    "FavouriteChanged",
    "FeaturedRoomChanged",
    "HiddenSystemMessagesChanged",
    "HistoryPruned",
    "JoinCodeRemoved",
    "KeyPairReset",
    "LinksPreviewed",
    "LoginServiceAdded",
    "LoginServiceRemoved",
    "MarkedUnread",
    "MemberJoined",
    "MemberLeft",
    "MemberMuted",
    "MemberRemoved",
    "MemberUnmuted",
    "MessageDeleted",
    "MessageEdited",
    "MessagePinned",
    "MessagePosted",
    "MessageReported",
    "MessageStarred",
    "MessageUnpinned",
    "MessageUnstarred",
    "MessagesMailRequested",
    "NameClaimed",
    "NameReleased",
    "NotificationsChanged",
    "OAuthAppChanged",
    "OAuthAppRemoved",
    "PasswordChangeRequired",
    "PasswordResetsVoided",
    "PermissionRolesChanged",
    "PreferencesChanged",
    "ProfileChanged",
    "PushTokenRemoved",
    "ReactingInReadOnlyChanged",
    "ReactionAdded",
    "ReactionRemoved",
    "ReadCursorMoved",
    "ReadOnlyChanged",
    "ReadingEnded",
    "RecordFieldsWritten",
    "RecordRead",
    "ReportDismissed",
    "RetentionChanged",
    "RoleChanged",
    "RoleCreated",
    "RoleDeleted",
    "RoleGiven",
    "RolesChanged",
    "RoomAddedToTeam",
    "RoomArchived",
    "RoomCreated",
    "RoomCustomFieldsChanged",
    "RoomDeleted",
    "RoomEncryptionChanged",
    "RoomExportCompleted",
    "RoomExportFailed",
    "RoomExportRequested",
    "RoomHidden",
    "RoomKeyChanged",
    "RoomOpened",
    "RoomRemovedFromTeam",
    "RoomRenamed",
    "RoomRoleGranted",
    "RoomRoleRevoked",
    "RoomUnarchived",
    "RoomVisibilityChanged",
    "SettingReset",
    "SoundCreated",
    "SoundDeleted",
    "SoundRecorded",
    "SoundRenamed",
    "StatusChosen",
    "StreamingOptionsChanged",
    "SubscriptionAcknowledged",
    "SubscriptionBegun",
    "SubscriptionEnded",
    "SubscriptionRead",
    "SuggestedKeyAccepted",
    "SuggestedKeyRejected",
    "TeamAutoJoinChanged",
    "TeamCreated",
    "TeamDissolved",
    "ThreadFollowed",
    "ThreadRead",
    "ThreadUnfollowed",
    "TopicChanged",
    "TotpCodeUsed",
    "TotpDisabled",
    "UserActivated",
    "UserBannedFromRoom",
    "UserDeactivated",
    "UserDeleted",
    "UserIgnored",
    "UserImported",
    "UserReported",
    "UserUnbannedFromRoom",
    "UserUnignored",
    "UsernameChanged",
    "UtcOffsetChanged",
    "WebdavAccountRemoved",
];

/// Whether the data of an event of that name is shown as it is. Whatever else it says may be withheld.
pub fn is_shown_whole(event_type: &str) -> bool {
    WITHOUT_SECRETS.binary_search(&event_type).is_ok()
}

/// The data of an event of that name, with [`WITHHELD`] in the place of each secret. All else is as it was. Of an event
/// that is not known, every field is withheld.
pub fn withhold(event_type: &str, mut data: Value) -> Value {
    let of_setting = data.get("setting").and_then(Value::as_str);
    if event_type == "SettingChanged" && of_setting.is_some_and(is_secret_setting) {
        replace(&mut data, Some("value"));
    }
    let secrets = SECRET_FIELDS.iter().find(|(name, _)| *name == event_type);
    match secrets {
        Some((_, fields)) => {
            for field in *fields {
                replace(&mut data, Some(field));
            }
        }
        None if is_shown_whole(event_type) => {}
        None => match &mut data {
            Value::Object(fields) => fields.values_mut().for_each(|value| replace(value, None)),
            other => replace(other, None),
        },
    }
    data
}

/// Whether values of that setting are secrets. They are sealed, but one that became a secret later may have been
/// recorded in the clear before.
pub(super) fn is_secret_setting(setting: &str) -> bool {
    settings::lookup(setting).is_some_and(|definition| definition.is_secret())
}

/// Replaces what a path leads to; `None`: the value itself. What is not there stays away.
fn replace(value: &mut Value, path: Option<&str>) {
    match (value, path) {
        (Value::Array(values), path) => values.iter_mut().for_each(|value| replace(value, path)),
        (Value::Null, _) => {}
        (value, None) => *value = WITHHELD.into(),
        (value, Some(path)) => {
            let (first, rest) = match path.split_once('.') {
                Some((first, rest)) => (first, Some(rest)),
                None => (path, None),
            };
            if let Some(value) = value.get_mut(first) {
                replace(value, rest);
            }
        }
    }
}

/// The name of a stream, without what was made of a secret: that of a grant is the hash of its code, that of a link
/// into a room a fingerprint of its token, that of the claim of a mailed link a part of the hash of its token.
pub fn stream(stream: &StreamId) -> Cow<'_, str> {
    for category in [Category::OAuthGrant, Category::Invite] {
        if stream.category() == category.as_str() {
            return format!("{category}-{WITHHELD}").into();
        }
    }
    if stream.category() != Category::Claim.as_str() {
        return stream.as_str().into();
    }
    let link = claim::stream(NameKind::MailToken, "");
    let kind = link.as_str().rsplit_once('-').map_or("", |(kind, _)| kind);
    let rest = stream.as_str().strip_prefix(kind);
    if rest.is_some_and(|rest| rest.starts_with('-')) {
        return format!("{kind}-{WITHHELD}").into();
    }
    stream.as_str().into()
}

#[cfg(test)]
mod tests;
