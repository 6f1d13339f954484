//! Refusals about people: their names, fields and status, and reports of them.

use domain::claim::NameTaken;
use domain::custom_status::CustomStatusRefusal;
use domain::presence::ChoiceRefusal;
use domain::report::ReportRefusal;
use domain::user::{CustomFieldsRefusal, PreferenceFault, UserRefusal};
use serde_json::json;

use crate::errors::{ApiError, wording};

impl From<NameTaken> for ApiError {
    fn from(taken: NameTaken) -> Self {
        wording::field_unavailable(&taken.owner)
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
