//! Which error of the wire each refusal becomes, and each fault. Those of use cases are here, those of the domain are in
//! files by what they are about, as the words are ([`super::wording`]).

mod admin;
mod identity;
mod integrations;
mod messages;
mod people;
mod pictures;
mod rooms;

use application::error::{Error, Fault, Refusal};
use application::files::store::FilesError;
use application::identity::password_hasher::PasswordError;
use domain::permissions::Grant;
use eventstore::ReadError;
use projections::{QueryError, WaitError};

use crate::errors::{ApiError, wording};

pub use admin::oauth_app_of_method;

// ---- faults: logged here, once --------------------------------------------------------------------------------

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        fault.log();
        if fault.is_too_large() {
            Self::TooLarge
        } else if fault.is_for_want_of_room() {
            Self::NotNow(wording::DISK_FULL.into())
        } else if fault.is_temporary() {
            Self::Unavailable
        } else {
            Self::Internal
        }
    }
}

macro_rules! faults {
    ($($source:ty),*) => {
        $(impl From<$source> for ApiError {
            fn from(error: $source) -> Self {
                Fault::from(error).into()
            }
        })*
    };
}

faults!(ReadError, QueryError, WaitError, PasswordError, FilesError);

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::AccountMail(refusal) => refusal.into(),
            Error::Asset(refusal) => refusal.into(),
            Error::Avatar(refusal) => refusal.into(),
            Error::Banner(refusal) => refusal.into(),
            Error::Claim(refusal) => refusal.into(),
            Error::CustomStatus(refusal) => refusal.into(),
            Error::CustomFields(refusal) => refusal.into(),
            Error::EmailInbox(refusal) => refusal.into(),
            Error::Emoji(refusal) => refusal.into(),
            Error::Invite(refusal) => refusal.into(),
            Error::LoginService(refusal) => refusal.into(),
            Error::Membership(refusal) => refusal.into(),
            Error::Message(refusal) => refusal.into(),
            Error::OutOfSync(refusal) => refusal.into(),
            Error::OAuthApp(refusal) => refusal.into(),
            Error::Password(refusal) => refusal.into(),
            Error::Permission(refusal) => refusal.into(),
            Error::Presence(refusal) => refusal.into(),
            Error::Push(refusal) => refusal.into(),
            Error::Report(refusal) => refusal.into(),
            Error::Role(refusal) => refusal.into(),
            Error::Room(refusal) => refusal.into(),
            Error::RoomExport(refusal) => refusal.into(),
            Error::Search(refusal) => wording::search_refused(refusal),
            Error::SecondFactor(refusal) => refusal.into(),
            Error::Session(refusal) => refusal.into(),
            Error::Setting(refusal) => refusal.into(),
            Error::Sound(refusal) => refusal.into(),
            Error::Subscription(refusal) => wording::subscription_refused(&refusal),
            Error::User(refusal) => refusal.into(),
            Error::Webdav(refusal) => refusal.into(),
            Error::NotUnderstood(error) => wording::record_question(&error),
            Error::Picture(error) => error.into(),
            Error::Login(refusal) => refusal.into(),
            Error::Challenged(challenge) => wording::second_factor(&challenge),
            Error::Refused(refusal) => refusal.into(),
            Error::Fault(fault) => fault.into(),
        }
    }
}

// ---- refusals -------------------------------------------------------------------------------------------------

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UsernameInUse => wording::username_in_use(),
            Refusal::EmailInUse => wording::email_exists(),
            Refusal::FieldUnavailable(value) => wording::field_unavailable(&value),
            Refusal::NameNotUsable => wording::could_not_save_identity(),
            Refusal::ProfileChangeNotAllowed => wording::profile_change_not_allowed(),
            Refusal::NoSuchUser => wording::user_param_unknown(),
            Refusal::PasswordMissing => wording::field_required("Password"),
            Refusal::PasswordSameAsCurrent => wording::password_same_as_current(),
            Refusal::PasswordInHistory => wording::password_in_history(),
            Refusal::TooManyChanges { seconds } => wording::too_many_changes(seconds),
            Refusal::NotToVerify => wording::invalid_user_of("sendConfirmationEmail"),
            Refusal::NotToReset => wording::invalid_user_of("sendForgotPasswordEmail"),
            Refusal::DomainTakesNoMail(domain) => wording::invalid_mail_domain(&domain),
            Refusal::LastOwner { removed, changed } => wording::last_owner(&removed, &changed),
            Refusal::RoomNameTaken { name, archived } => {
                wording::duplicate_room_name(&name, archived)
            }
            Refusal::HandleTaken(name) => wording::duplicate_handle(&name),
            Refusal::TeamNameTaken => Self::plain("team-name-already-exists"),
            Refusal::TeamRoomNameTaken => Self::plain("room-name-already-exists"),
            Refusal::NotInTeam => Self::plain("member-does-not-exist"),
            Refusal::LastOwnerOfTeam => Self::plain("last-owner-can-not-be-removed"),
            Refusal::TeamRoomNotAllowed => {
                Self::Forbidden("error-no-permission-team-channel".into())
            }
            Refusal::NotOnPrivateTeam => Self::plain("user-not-on-private-team"),
            Refusal::TooManyUsersToAdd => wording::too_many_users_to_add(),
            Refusal::DiscussedMessageUnknown => {
                Self::coded("error-invalid-message", "Invalid message").method("DiscussionCreation")
            }
            Refusal::DiscussedElsewhere => {
                Self::coded("error-invalid-arguments", "Invalid arguments")
                    .method("DiscussionCreation")
            }
            Refusal::EncryptedReply => Self::coded(
                "error-invalid-arguments",
                "Encrypted discussions must not receive an initial reply.",
            )
            .method("DiscussionCreation"),
            Refusal::NoRoomToExport => wording::no_room_to_export(),
            Refusal::NoMailServer => wording::smtp_not_configured("rooms.export"),
            Refusal::NoAddress => wording::invalid_export_address(),
            Refusal::JoinCodeNotShown => wording::join_code_not_shown(),
            Refusal::NoSubscription => wording::subscription_not_found(),
            Refusal::EmojiNameTaken => wording::emoji_name_in_use(),
            Refusal::SoundNameTaken => wording::sound_name_in_use(),
            Refusal::StatusNameTaken => wording::custom_status_name_taken(),
            Refusal::InboxAddressTaken => wording::inbox_address_taken(),
            Refusal::WebdavAccountKnown => wording::webdav_duplicate(),
            Refusal::GrantNotAllowed(grant) => wording::permission_method(grant_method(grant)),
            Refusal::NothingToGrant(grant) => wording::invalid_permission(grant_method(grant)),
            Refusal::SettingsNotAllowed(ids) => wording::saving_settings_not_allowed(&ids),
            Refusal::UnknownStatus => wording::invalid_status(),
            Refusal::UsernameMissing => wording::username_missing(),
            Refusal::NoPictureAt(url) => wording::invalid_avatar_url(&url),
            Refusal::PictureNotSent { url, username } => {
                wording::avatar_url_handling(&url, &username)
            }
            Refusal::AvatarResetNotAllowed => wording::avatar_reset_not_allowed(),
            Refusal::NothingToReport => wording::invalid_reported_message(),
            Refusal::NoMessageWithReceipts => wording::no_message_with_receipts(),
            Refusal::ReceiptsNotShown => wording::receipts_not_shown(),
            Refusal::KeyTooLarge => Self::TooLarge,
            Refusal::AlreadyInChannel => wording::already_in_channel(),
            Refusal::NotInFavouredRoom => wording::favouring_not_allowed(),
            Refusal::ReadingNotAllowed => wording::marking_not_allowed(),
            Refusal::PreviewNotAllowed => wording::reading_not_allowed(),
            Refusal::NotInReadRoom => wording::no_subscription(),
            Refusal::ThreadNotShown => wording::reading_thread_not_allowed(),
            Refusal::NothingToMarkUnread => wording::nothing_to_unread(),
            Refusal::MessageNotToMarkUnread => wording::unread_not_allowed(),
            Refusal::NoThreadToDraft => wording::no_thread_to_draft(),
            Refusal::TranslationOff => wording::autotranslate_disabled(),
            Refusal::TranslationNotAllowed => wording::autotranslate_not_allowed(),
            Refusal::NothingToTranslate => {
                wording::invalid_subscription("saveAutoTranslateSettings")
            }
            Refusal::LogoutNotAllowed | Refusal::RecordNotShown | Refusal::ViewsNotManaged => {
                wording::forbidden()
            }
            Refusal::ViewsBeingBuilt | Refusal::BuildingAborted => {
                wording::building_of_views(&refusal)
            }
            Refusal::NoSuchUserToLogOut => wording::unknown_user_to_log_out(),
            Refusal::NotForPrograms => wording::not_for_programs(),
            Refusal::TokenNotAllowed => wording::create_token_not_allowed(),
            Refusal::PersonalTokensNotAllowed => wording::personal_tokens_not_allowed(),
            Refusal::TotpResetNotAllowed => wording::reset_not_allowed("users.resetTOTP"),
            Refusal::KeysResetNotAllowed => wording::reset_not_allowed("users.resetE2EKey"),
            Refusal::PushOff => wording::push_disabled(),
            Refusal::NoDevices => wording::no_push_tokens(),
            Refusal::PushNotDelivered => wording::push_not_delivered(),
            Refusal::NoExports | Refusal::ExportsOff => {
                wording::export_refused("error-no-exports", &refusal)
            }
            Refusal::TooManyExportsWait(_) | Refusal::TooManyExportsKept(_) => {
                wording::export_refused("error-too-many-exports", &refusal)
            }
            Refusal::ExportNameTaken(_) => {
                wording::export_refused("error-export-name-taken", &refusal)
            }
            Refusal::TooManyDownloads | Refusal::TooManyWaiting => {
                Self::NotNow(refusal.to_string().into())
            }
            Refusal::NoSuchExport => wording::export_refused("error-no-such-export", &refusal),
            Refusal::ExportNotComplete => {
                wording::export_refused("error-export-not-complete", &refusal)
            }
            Refusal::ExportFailed => wording::export_refused("error-export-failed", &refusal),
        }
    }
}

/// The method that gives or takes a permission, as errors name it.
const fn grant_method(grant: Grant) -> &'static str {
    match grant {
        Grant::Given => "authorization:addPermissionToRole",
        Grant::Taken => "authorization:removeRoleFromPermission",
    }
}
