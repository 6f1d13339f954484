//! Refusals about roles, permissions, settings, login services, OAuth apps and devices.

use domain::login_service::LoginServiceRefusal;
use domain::oauth_app::OAuthAppRefusal;
use domain::permissions::PermissionRefusal;
use domain::push::PushRefusal;
use domain::role::RoleRefusal;
use domain::setting::SettingRefusal;

use crate::errors::{ApiError, wording};

impl From<SettingRefusal> for ApiError {
    fn from(refusal: SettingRefusal) -> Self {
        match refusal {
            SettingRefusal::NotAllowed(id) => wording::saving_settings_not_allowed(&[id]),
            SettingRefusal::Unknown(_) => Self::Bare,
            SettingRefusal::Invalid(invalid) => Self::Plain(invalid.to_string().into()),
            SettingRefusal::NotSealed(id) => {
                tracing::error!(setting = id, "a secret was to be recorded in the clear");
                Self::Internal
            }
        }
    }
}

impl From<PermissionRefusal> for ApiError {
    fn from(refusal: PermissionRefusal) -> Self {
        match refusal {
            PermissionRefusal::NotAllowed => wording::editing_permissions(),
            PermissionRefusal::UnknownPermission(_) => {
                wording::permissions_update("Invalid permission", "error-invalid-permission")
            }
            PermissionRefusal::NeededByAdministrators => wording::administrators_keep_permissions(),
            PermissionRefusal::UnknownRole(_) => {
                wording::permissions_update("Invalid role", "error-invalid-role")
            }
        }
    }
}

/// As `roles.update` words them; the other routes word some differently.
impl From<RoleRefusal> for ApiError {
    fn from(refusal: RoleRefusal) -> Self {
        match refusal {
            RoleRefusal::NotAllowed => wording::accessing_permissions(),
            RoleRefusal::InvalidProperties => wording::invalid_role_properties(),
            RoleRefusal::NotFound => wording::bare_code("error-invalid-roleId"),
            RoleRefusal::Protected => wording::bare_code("error-role-protected"),
            RoleRefusal::NameTaken => wording::role_renamed_to_taken(),
            RoleRefusal::InUse => wording::role_refusal(
                "error-role-in-use",
                "Cannot delete role because it's in use",
            ),
        }
    }
}

impl From<LoginServiceRefusal> for ApiError {
    fn from(refusal: LoginServiceRefusal) -> Self {
        match refusal {
            LoginServiceRefusal::NotAllowed => wording::adding_services(),
            LoginServiceRefusal::InvalidName => wording::service_name_missing(),
            LoginServiceRefusal::NotFound => wording::service_not_found(),
        }
    }
}

impl From<OAuthAppRefusal> for ApiError {
    fn from(refusal: OAuthAppRefusal) -> Self {
        match refusal {
            OAuthAppRefusal::NotAllowed => wording::managing_oauth_apps(),
            OAuthAppRefusal::InvalidName => Self::coded("error-invalid-name", "Invalid name"),
            OAuthAppRefusal::InvalidRedirect => {
                Self::coded("error-invalid-redirectUri", "Invalid redirectUri")
            }
            OAuthAppRefusal::NotFound => {
                Self::coded("error-application-not-found", "Application not found")
            }
        }
    }
}

/// The same of a method, which errors name.
pub fn oauth_app_of_method(refusal: OAuthAppRefusal, method: &str) -> ApiError {
    ApiError::from(refusal).method(method)
}

impl From<PushRefusal> for ApiError {
    fn from(refusal: PushRefusal) -> Self {
        match refusal {
            PushRefusal::NotYours => wording::push_param("id", "id"),
        }
    }
}
