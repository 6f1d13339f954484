//! Which error of the wire each refusal becomes, of the domain and of use cases, and each fault.

mod admin;
mod integrations;
mod pictures;

use application::dates::iso;
use application::error::{Error, Fault, Refusal};
use application::files::store::FilesError;
use application::identity::challenge::LoginRefusal;
use application::identity::password_hasher::PasswordError;
use domain::account_mail::AccountMailRefusal;
use domain::claim::NameTaken;
use domain::custom_status::CustomStatusRefusal;
use domain::invite::InviteRefusal;
use domain::membership::{MembershipRefusal, RoomRole};
use domain::message::{MessageRefusal, OutOfSync};
use domain::password::PolicyViolation;
use domain::permissions::Grant;
use domain::presence::ChoiceRefusal;
use domain::report::ReportRefusal;
use domain::room::{RoomKind, RoomRefusal};
use domain::second_factor::SecondFactorRefusal;
use domain::session::SessionRefusal;
use domain::user::{CustomFieldsRefusal, PreferenceFault, UserRefusal};
use domain::webdav::WebdavRefusal;
use eventstore::ReadError;
use projections::{QueryError, WaitError};
use serde_json::json;

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
            Refusal::KeyTooLarge => Self::TooLarge,
            Refusal::NotInFavouredRoom => wording::favouring_not_allowed(),
            Refusal::ReadingNotAllowed => wording::marking_not_allowed(),
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

impl From<LoginRefusal> for ApiError {
    fn from(refusal: LoginRefusal) -> Self {
        match refusal {
            LoginRefusal::WrongCredentials => Self::WrongCredentials,
            LoginRefusal::NoPassword => wording::no_password_set(),
            LoginRefusal::NotActivated => wording::user_not_activated(),
            LoginRefusal::EmailUnverified => wording::email_unverified(),
            LoginRefusal::AppUser => wording::app_user_login(),
            LoginRefusal::NoRoles => wording::user_without_roles(),
            LoginRefusal::LoggedOut => wording::logged_out_by_server(),
            LoginRefusal::SessionExpired => wording::session_expired(),
            LoginRefusal::AddressBlocked => wording::login_blocked_for_ip(),
            LoginRefusal::UserBlocked => wording::login_blocked_for_user(),
            LoginRefusal::Challenged(challenge) => wording::second_factor_at_login(&challenge),
        }
    }
}

impl From<SessionRefusal> for ApiError {
    fn from(refusal: SessionRefusal) -> Self {
        match refusal {
            SessionRefusal::NameTaken => wording::token_exists(),
            SessionRefusal::NameTooLong { limit } => {
                wording::invalid_params(&[format!("must NOT have more than {limit} characters")])
            }
            SessionRefusal::NoSuchToken => wording::no_such_token(),
            SessionRefusal::Ended => Self::NotLoggedIn,
        }
    }
}

impl From<SecondFactorRefusal> for ApiError {
    fn from(refusal: SecondFactorRefusal) -> Self {
        match refusal {
            SecondFactorRefusal::AlreadyEnabled => Self::coded(
                "error-2fa-already-enabled",
                "Two factor authentication is already enabled",
            )
            .method("2fa:enable"),
            SecondFactorRefusal::NotEnabled
            | SecondFactorRefusal::NotPrepared
            | SecondFactorRefusal::CodeUsed
            | SecondFactorRefusal::NoSuchCode => wording::invalid_totp(),
        }
    }
}

impl From<NameTaken> for ApiError {
    fn from(taken: NameTaken) -> Self {
        wording::field_unavailable(&taken.owner)
    }
}

impl From<PolicyViolation> for ApiError {
    fn from(violation: PolicyViolation) -> Self {
        wording::password_policy(match violation {
            PolicyViolation::Blank => None,
            PolicyViolation::TooShort(_) => Some("minLength"),
            PolicyViolation::TooLong(_) => Some("maxLength"),
            PolicyViolation::Repeating(_) => Some("repeatingCharacters"),
            PolicyViolation::NoLowercase => Some("oneLowercase"),
            PolicyViolation::NoUppercase => Some("oneUppercase"),
            PolicyViolation::NoNumber => Some("oneNumber"),
            PolicyViolation::NoSpecial => Some("oneSpecial"),
        })
    }
}

impl From<CustomFieldsRefusal> for ApiError {
    fn from(refusal: CustomFieldsRefusal) -> Self {
        wording::custom_field(match refusal {
            CustomFieldsRefusal::BrokenDefinition => return wording::invalid_custom_field_json(),
            CustomFieldsRefusal::Required(field) => format!("Field {field} is required"),
            CustomFieldsRefusal::Invalid(field) => format!("Value for field {field} is invalid"),
            CustomFieldsRefusal::TooLong { field, limit } => {
                format!("Max length of field {field} {limit}")
            }
            CustomFieldsRefusal::TooShort { field, limit } => {
                format!("Min length of field {field} {limit}")
            }
        })
    }
}

impl From<AccountMailRefusal> for ApiError {
    fn from(refusal: AccountMailRefusal) -> Self {
        match refusal {
            // Not told apart, so that a wrong token reveals nothing.
            AccountMailRefusal::InvalidToken | AccountMailRefusal::Expired => {
                wording::token_expired()
            }
            AccountMailRefusal::AlreadyVerified => wording::already_verified(),
            AccountMailRefusal::TooMany { seconds } => wording::too_many_requests(seconds),
        }
    }
}

impl From<RoomRefusal> for ApiError {
    fn from(refusal: RoomRefusal) -> Self {
        match refusal {
            RoomRefusal::NotFound => {
                Self::coded("error-invalid-room", "Invalid room").method("saveRoomSettings")
            }
            RoomRefusal::AlreadyExists => {
                Self::denied("error-not-allowed", "Not allowed").method("createRoom")
            }
            RoomRefusal::CreateNotAllowed(RoomKind::Direct) => {
                Self::denied("error-not-allowed", "Not allowed").method("createDirectMessage")
            }
            RoomRefusal::CreateNotAllowed(_) | RoomRefusal::TeamNotAllowed => wording::forbidden(),
            RoomRefusal::EmptyName => Self::coded("error-invalid-name", "Invalid name")
                .with(json!({ "function": "RocketChat.createRoom" })),
            RoomRefusal::InvalidName { name } => wording::invalid_room_name(&name),
            RoomRefusal::BlockedName { name } => Self::coded(
                "error-blocked-username",
                format!("{name} is blocked and can't be used!"),
            )
            .with(json!({ "function": "RocketChat.updateRoomName", "handle": name })),
            RoomRefusal::DirectHasNoName | RoomRefusal::EditNotAllowed => {
                Self::denied("error-action-not-allowed", "Editing room is not allowed")
                    .with(json!({ "method": "saveRoomSettings", "action": "Editing_room" }))
            }
            RoomRefusal::InvalidParticipants => {
                Self::coded("error-invalid-user", "Invalid user").method("createDirectMessage")
            }
            RoomRefusal::TooManyParticipants { .. } => {
                Self::plain("error-direct-message-max-user-exceeded")
            }
            RoomRefusal::BroadcastIsReadOnly => Self::denied(
                "error-action-not-allowed",
                "Editing readOnly of broadcast room is not allowed",
            )
            .with(json!({ "method": "saveRoomSettings", "action": "Editing_room" })),
            RoomRefusal::AdministrationNotAllowed => Self::denied(
                "error-action-not-allowed",
                "Viewing room administration is not allowed",
            )
            .with(json!({ "method": "saveRoomSettings", "action": "Viewing_room_administration" })),
            RoomRefusal::KindNotAllowed(kind) => {
                let reason = match kind {
                    RoomKind::Channel => {
                        "Changing a private group to a public channel is not allowed"
                    }
                    RoomKind::Group | RoomKind::Direct => {
                        "Changing a public channel to a private room is not allowed"
                    }
                };
                Self::denied("error-action-not-allowed", reason)
                    .with(json!({ "method": "saveRoomSettings", "action": "Change_Room_Type" }))
            }
            RoomRefusal::InvalidKind => wording::invalid_room_type(),
            RoomRefusal::DirectStaysDirect => {
                Self::coded("error-direct-room", "Can't change type of direct rooms")
                    .method("saveRoomSettings")
            }
            RoomRefusal::NotHideable => {
                Self::coded("invalid-room", "Invalid room").method("saveRoomSettings")
            }
            RoomRefusal::EncryptionNotAllowed => Self::denied(
                "error-action-not-allowed",
                "Only groups or direct channels can enable encryption",
            )
            .with(json!({ "method": "saveRoomSettings", "action": "Change_Room_Encrypted" })),
            RoomRefusal::RetentionNotAllowed => Self::denied(
                "error-action-not-allowed",
                "Editing room retention policy is not allowed",
            )
            .with(json!({ "method": "saveRoomSettings", "action": "Editing_room" })),
            RoomRefusal::ArchiveNotAllowed => {
                Self::denied("error-not-authorized", "Not authorized").method("archiveRoom")
            }
            RoomRefusal::DirectNotArchivable => Self::coded(
                "error-direct-message-room",
                "Direct Messages can not be archived",
            )
            .method("archiveRoom"),
            RoomRefusal::NoRoomForTeams => wording::invalid_team_room(),
            RoomRefusal::OnTeam => Self::plain("room-already-on-team"),
            RoomRefusal::NotOwner => Self::plain("error-no-owner-channel"),
            RoomRefusal::NotOnTeam => Self::plain("room-not-on-team"),
            RoomRefusal::NotOnThatTeam => Self::plain("room-not-on-that-team"),
            RoomRefusal::NoTeam => wording::no_such_team(),
            RoomRefusal::MainRoomOfTeam => Self::coded(
                "error-cannot-delete-team-channel",
                "Cannot delete a team channel",
            )
            .method("eraseRoom"),
            RoomRefusal::DeleteNotAllowed => {
                Self::denied("error-not-allowed", "Not allowed").method("eraseRoom")
            }
            RoomRefusal::TextTooLong { limit } => {
                wording::invalid_params(&[format!("must NOT have more than {limit} characters")])
            }
            RoomRefusal::DiscussionNotAllowed => Self::denied(
                "error-action-not-allowed",
                "You are not allowed to create a discussion",
            )
            .method("createDiscussion"),
            RoomRefusal::NestedDiscussion => Self::coded(
                "error-nested-discussion",
                "Cannot create nested discussions",
            )
            .method("DiscussionCreation"),
            RoomRefusal::HasKey => wording::room_has_key(),
            RoomRefusal::InvalidLink => MessageRefusal::InvalidLink.into(),
        }
    }
}

impl From<InviteRefusal> for ApiError {
    fn from(refusal: InviteRefusal) -> Self {
        match refusal {
            // With an underscore, and without a reason.
            InviteRefusal::NotAllowed => Self::code("not_authorized"),
            InviteRefusal::NotAMember => {
                Self::coded("error-invalid-room", "The rid param is invalid.")
            }
            InviteRefusal::DirectMessage => Self::denied(
                "error-room-type-not-allowed",
                "Cannot create invite links to this room type",
            ),
            InviteRefusal::InvalidDays => Self::coded(
                "invalid-number-of-days",
                "Invite should expire in 1, 7, 15 or 30 days, or send 0 to never expire.",
            ),
            InviteRefusal::InvalidUses => Self::coded(
                "invalid-number-of-uses",
                "Invite should be valid for 1, 5, 10, 25, 50, 100 or infinite (0) uses.",
            ),
            InviteRefusal::AlreadyExists | InviteRefusal::NotFound => {
                Self::coded("error-invalid-token", "The invite token is invalid.")
            }
            InviteRefusal::RoomGone => {
                Self::coded("error-invalid-room", "The invite token is invalid.")
            }
            InviteRefusal::Expired => {
                Self::coded("error-invite-expired", "The invite token has expired.")
            }
        }
    }
}

impl From<UserRefusal> for ApiError {
    fn from(refusal: UserRefusal) -> Self {
        let action = wording::user_action;
        match refusal {
            UserRefusal::NotFound => {
                Self::coded("error-invalid-user", "Invalid user").method("insertOrUpdateUser")
            }
            UserRefusal::AlreadyExists => wording::could_not_save_identity(),
            UserRefusal::LoginRequired => Self::NotLoggedIn,
            UserRefusal::RegistrationDisabled => Self::coded(
                "error-user-registration-disabled",
                "User registration is disabled",
            )
            .method("registerUser"),
            UserRefusal::SetupNotProved => wording::setup_not_proved(),
            UserRefusal::WrongSecret => Self::coded(
                "error-user-registration-secret",
                "User registration is only allowed via Secret URL",
            )
            .method("registerUser"),
            UserRefusal::CreateNotAllowed => action("Adding user is not allowed", "Adding_user"),
            UserRefusal::UsernameRequired => wording::field_required("Username"),
            UserRefusal::UsernameTooShort { least } => {
                wording::invalid_params(&[format!("must NOT have fewer than {least} characters")])
            }
            UserRefusal::InvalidUsername { username } => wording::invalid_username(&username),
            UserRefusal::BlockedUsername { username } => wording::blocked_username(&username),
            UserRefusal::NameRequired => wording::field_required("Name"),
            UserRefusal::InvalidEmail { address } => wording::invalid_email(&address),
            UserRefusal::DomainNotAllowed { domain } => {
                Self::coded("error-invalid-domain", format!("Invalid domain {domain}"))
                    .with(json!({ "domain": domain }))
            }
            UserRefusal::DomainBlocked { domain } => Self::coded(
                "error-email-domain-blacklisted",
                "The email domain is blacklisted",
            )
            .with(json!({ "domain": domain })),
            UserRefusal::UnknownRole(_) => {
                action("The field Roles consist invalid role id", "Assign_role")
            }
            UserRefusal::AssignRolesNotAllowed => {
                action("Assign roles is not allowed", "Assign_role")
            }
            UserRefusal::AssignAdminNotAllowed => {
                action("Assigning admin is not allowed", "Assign_admin")
            }
            UserRefusal::AccessPermissionsMissing => wording::accessing_permissions(),
            UserRefusal::HasRole => {
                wording::role_refusal("error-user-already-in-role", "User already in role")
            }
            UserRefusal::LacksRole => {
                wording::role_refusal("error-user-not-in-role", "User is not in this role")
            }
            UserRefusal::AdministratorRequired => wording::role_refusal(
                "error-admin-required",
                "You need to have at least one admin",
            ),
            UserRefusal::EditOtherNotAllowed => {
                action("Editing user is not allowed", "Editing_user")
            }
            UserRefusal::ProfileChangeNotAllowed => {
                action("Edit user profile is not allowed", "Update_user")
            }
            UserRefusal::UsernameChangeNotAllowed => {
                action("Edit username is not allowed", "Update_user")
            }
            UserRefusal::RealNameChangeNotAllowed => {
                action("Edit user real name is not allowed", "Update_user")
            }
            UserRefusal::StatusTextChangeNotAllowed => {
                action("Edit user status is not allowed", "Update_user")
            }
            UserRefusal::EmailChangeNotAllowed => {
                action("Edit user email is not allowed", "Update_user")
            }
            UserRefusal::PasswordChangeNotAllowed | UserRefusal::EditOtherPasswordNotAllowed => {
                action("Edit user password is not allowed", "Update_user")
            }
            UserRefusal::NameTooLong { .. } => {
                Self::coded("error-invalid-field", "name").method("saveUserProfile")
            }
            UserRefusal::TooManyRoles { limit } => {
                wording::invalid_params(&[format!("must NOT have more than {limit} roles")])
            }
            UserRefusal::BioTooLong { .. } => {
                Self::coded("error-invalid-field", "bio").method("saveUserProfile")
            }
            UserRefusal::NicknameTooLong { .. } => {
                Self::coded("error-invalid-field", "nickname").method("saveUserProfile")
            }
            UserRefusal::ActiveStatusNotAllowed | UserRefusal::DeleteNotAllowed => {
                wording::forbidden()
            }
            UserRefusal::LastAdministrator => action(
                "Leaving the app without admins is not allowed",
                "Remove_last_admin",
            ),
            UserRefusal::DeleteOwnNotAllowed => {
                Self::denied("error-not-allowed", "Not allowed").method("deleteUserOwnAccount")
            }
            UserRefusal::Preference(PreferenceFault::Unknown(_)) => {
                wording::invalid_params(&["must NOT have additional properties".to_owned()])
            }
            UserRefusal::Preference(PreferenceFault::TooImpatient) => {
                wording::invalid_idle_time_limit()
            }
            UserRefusal::Preference(fault) => wording::match_error(&fault),
            UserRefusal::AppUser => Self::coded(
                "error-cannot-delete-app-user",
                "Deleting app user is not allowed",
            )
            .method("deleteUser"),
        }
    }
}

impl From<MembershipRefusal> for ApiError {
    fn from(refusal: MembershipRefusal) -> Self {
        let not_allowed =
            |method: &str| Self::denied("error-not-allowed", "Not allowed").method(method);
        match refusal {
            MembershipRefusal::NotYourOwn | MembershipRefusal::JoinNotAllowed => {
                not_allowed("joinRoom")
            }
            MembershipRefusal::WrongJoinCode => {
                Self::coded("error-code-invalid", "Invalid Room Password").method("joinRoom")
            }
            MembershipRefusal::CannotAddToDirect => Self::coded(
                "error-cant-invite-for-direct-room",
                "Can't invite user to direct rooms",
            )
            .method("addUsersToRoom"),
            MembershipRefusal::AddNotAllowed => not_allowed("addUsersToRoom"),
            MembershipRefusal::AddAllNotAllowed => wording::adding_all_not_allowed(),
            MembershipRefusal::LeaveNotAllowed => not_allowed("leaveRoom"),
            MembershipRefusal::RemoveNotAllowed => not_allowed("removeUserFromRoom"),
            MembershipRefusal::NotAMember => wording::user_not_in_room(),
            MembershipRefusal::LastOwner => Self::coded(
                "error-you-are-last-owner",
                "You are the last owner. Please set new owner before leaving the room.",
            )
            .method("leaveRoom"),
            MembershipRefusal::RoleNotAllowed(_) => {
                Self::denied("error-not-allowed", "Not allowed")
            }
            MembershipRefusal::HasRole(role) => Self::coded(
                format!("error-user-already-{}", role.as_str()),
                format!("User is already {} {}", article(role), role.as_str()),
            ),
            MembershipRefusal::LacksRole(role) => Self::coded(
                format!("error-user-not-{}", role.as_str()),
                format!("User is not {} {}", article(role), role.as_str()),
            ),
            MembershipRefusal::AssignNotAllowed => wording::accessing_permissions(),
            MembershipRefusal::AlreadyInRole => {
                wording::role_refusal("error-user-already-in-role", "User already in role")
            }
            MembershipRefusal::NotInRole => {
                wording::role_refusal("error-user-not-in-role", "User is not in this role")
            }
            MembershipRefusal::LastOwnerKeepsRole => Self::coded(
                "error-remove-last-owner",
                "This is the last owner. Please set a new owner before removing this one.",
            )
            .method("removeRoomOwner"),
            MembershipRefusal::NoSuggestedKey => wording::no_suggested_key(),
            MembershipRefusal::MuteNotAllowed => not_allowed("muteUserInRoom"),
            MembershipRefusal::CannotMuteInDirect => {
                Self::coded("error-invalid-room-type", "Invalid room type").method("muteUserInRoom")
            }
            MembershipRefusal::BanNotAllowed => not_allowed("banUserFromRoom"),
            MembershipRefusal::Banned => wording::banned_from_room(),
            MembershipRefusal::NotBetweenTwo => wording::invalid_room().method("blockUser"),
            MembershipRefusal::TooLong { limit } => {
                wording::invalid_params(&[format!("must NOT have more than {limit} characters")])
            }
            MembershipRefusal::TooMany { limit } => {
                wording::invalid_params(&[format!("must NOT have more than {limit} items")])
            }
        }
    }
}

const fn article(role: RoomRole) -> &'static str {
    match role {
        RoomRole::Owner => "an",
        RoomRole::Moderator | RoomRole::Leader => "a",
    }
}

impl From<ChoiceRefusal> for ApiError {
    fn from(refusal: ChoiceRefusal) -> Self {
        match refusal {
            ChoiceRefusal::EditOtherNotAllowed => wording::forbidden(),
            ChoiceRefusal::InvisibleNotAllowed => wording::status_not_allowed(),
        }
    }
}

impl From<CustomStatusRefusal> for ApiError {
    fn from(refusal: CustomStatusRefusal) -> Self {
        match refusal {
            CustomStatusRefusal::NotAllowed => wording::not_authorized_code(),
            CustomStatusRefusal::NameRequired => wording::custom_status_name_required(),
            CustomStatusRefusal::InvalidName(name) => wording::custom_status_invalid_name(&name),
            CustomStatusRefusal::InvalidKind(kind) => wording::custom_status_invalid_type(&kind),
            CustomStatusRefusal::NotFound | CustomStatusRefusal::AlreadyExists => {
                wording::custom_status_unknown()
            }
        }
    }
}

impl From<ReportRefusal> for ApiError {
    fn from(refusal: ReportRefusal) -> Self {
        match refusal {
            ReportRefusal::DescriptionRequired => wording::invalid_report_description(),
            ReportRefusal::NotFound | ReportRefusal::AlreadyExists => wording::report_not_found(),
        }
    }
}

impl From<WebdavRefusal> for ApiError {
    fn from(refusal: WebdavRefusal) -> Self {
        match refusal {
            WebdavRefusal::Disabled => wording::webdav_disabled("removeWebdavAccount"),
            WebdavRefusal::InvalidAddress => wording::webdav_inaccessible("addWebdavAccount"),
            WebdavRefusal::NotFound => wording::webdav_account_unknown("removeWebdavAccount"),
        }
    }
}

impl From<OutOfSync> for ApiError {
    fn from(error: OutOfSync) -> Self {
        Self::coded(
            "error-message-ts-out-of-sync",
            "Message timestamp is out of sync",
        )
        .with(json!({
            "method": "sendMessage",
            "message_ts": iso(error.given),
            "server_ts": iso(error.now),
        }))
    }
}

impl From<MessageRefusal> for ApiError {
    fn from(refusal: MessageRefusal) -> Self {
        let action = |reason: &'static str, method: &str, action: &str| {
            Self::denied("error-action-not-allowed", reason)
                .with(json!({ "method": method, "action": action }))
        };
        match refusal {
            MessageRefusal::NoAccess => Self::plainly_denied("error-not-allowed"),
            MessageRefusal::Blocked => Self::plain("room_is_blocked"),
            MessageRefusal::ReadOnly => {
                Self::plain("You can't send messages because the room is readonly.")
            }
            MessageRefusal::Muted => Self::plain("You_have_been_muted"),
            MessageRefusal::NotAReply => {
                Self::coded("invalid-params", "tshow provided but missing tmid")
                    .method("sendMessage")
            }
            MessageRefusal::ThreadsDisabled => {
                Self::denied("error-not-allowed", "not-allowed").method("sendMessage")
            }
            MessageRefusal::TooLong { .. } => Self::coded(
                "error-message-size-exceeded",
                "Message size exceeds Message_MaxAllowedSize",
            )
            .method("sendMessage"),
            MessageRefusal::NotEncrypted => wording::message_not_encrypted(),
            MessageRefusal::TooLarge => Self::coded(
                "error-message-size-exceeded",
                "Message size exceeds what the server accepts",
            )
            .method("sendMessage"),
            MessageRefusal::ImpersonationNotAllowed => Self::plain("Not enough permission"),
            MessageRefusal::InvalidLink => Self::plain("Invalid href value provided"),
            MessageRefusal::InvalidShape { key } => {
                wording::type_mismatch("another type", "something else", key)
            }
            MessageRefusal::RoomTooLargeForGroupMention { limit } => action_text(format!(
                "Notify all is not allowed in rooms with more than {limit} members"
            )),
            MessageRefusal::MentionAllNotAllowed => Self::denied(
                "error-action-not-allowed",
                "Notify all in this room not allowed",
            )
            .method("filterATAllTag"),
            MessageRefusal::MentionHereNotAllowed => Self::denied(
                "error-action-not-allowed",
                "Notify here in this room not allowed",
            )
            .method("filterATHereTag"),
            MessageRefusal::AlreadyPosted | MessageRefusal::IdTaken => wording::message_id_taken(),
            MessageRefusal::NotFound | MessageRefusal::NoSuchThread => wording::message_not_found(),
            MessageRefusal::OtherRoom => wording::room_mismatch(),
            MessageRefusal::EditNotAllowed => action(
                "Message editing not allowed",
                "updateMessage",
                "Message_editing",
            ),
            MessageRefusal::EditBlocked => Self::coded(
                "error-message-editing-blocked",
                "Message editing is blocked",
            )
            .method("updateMessage"),
            MessageRefusal::DeleteNotAllowed => {
                action("Not allowed", "deleteMessage", "Delete_message")
            }
            MessageRefusal::DeleteInReadOnlyRoom => {
                Self::plain("You can't delete messages because the room is readonly.")
            }
            MessageRefusal::InvalidEmoji => wording::invalid_emoji(),
        }
    }
}

fn action_text(reason: String) -> ApiError {
    ApiError::denied("error-action-not-allowed", reason).method("filterATAllTag")
}
