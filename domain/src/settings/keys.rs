//! The settings that code reads, by constants that know the types of their values: a misspelled name does not compile.

use std::fmt;
use std::marker::PhantomData;

/// The id of a setting that every workspace has, with the type of its values.
pub struct Key<T: ?Sized> {
    id: &'static str,
    values: PhantomData<fn() -> Box<T>>,
}

impl<T: ?Sized> Key<T> {
    const fn new(id: &'static str) -> Self {
        Self {
            id,
            values: PhantomData,
        }
    }

    /// The id as the wire and the log have it.
    pub const fn id(self) -> &'static str {
        self.id
    }
}

impl<T: ?Sized> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Key<T> {}

impl<T: ?Sized> PartialEq for Key<T> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<T: ?Sized> Eq for Key<T> {}

impl<T: ?Sized> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

macro_rules! keys {
    ($($name:ident: $type:ty = $id:literal;)*) => {
        $(#[allow(missing_docs, reason = "the id says it; what it means stands in the table of settings")]
        pub const $name: Key<$type> = Key::new($id);)*

        #[cfg(test)]
        mod tests {
            use crate::settings::{SettingType, find};

            #[test]
            fn every_key_is_a_setting_of_its_type() {
                $({
                    let definition = find($id).unwrap_or_else(|| panic!("no setting {}", $id));
                    let wanted = match definition.value_type {
                        SettingType::Boolean => "bool",
                        SettingType::Int => "i64",
                        SettingType::MultiSelect(_) => "[String]",
                        _ => "str",
                    };
                    assert_eq!(stringify!($type), wanted, "{}", $id);
                })*
            }
        }
    };
}

keys! {
    ACCOUNTS_ALLOWED_DOMAINS_LIST: str = "Accounts_AllowedDomainsList";
    ACCOUNTS_ALLOW_ANONYMOUS_READ: bool = "Accounts_AllowAnonymousRead";
    ACCOUNTS_ALLOW_ANONYMOUS_WRITE: bool = "Accounts_AllowAnonymousWrite";
    ACCOUNTS_ALLOW_DELETE_OWN_ACCOUNT: bool = "Accounts_AllowDeleteOwnAccount";
    ACCOUNTS_ALLOW_EMAIL_CHANGE: bool = "Accounts_AllowEmailChange";
    ACCOUNTS_ALLOW_INVISIBLE_STATUS_OPTION: bool = "Accounts_AllowInvisibleStatusOption";
    ACCOUNTS_ALLOW_PASSWORD_CHANGE: bool = "Accounts_AllowPasswordChange";
    ACCOUNTS_ALLOW_PASSWORD_CHANGE_FOR_OAUTH_USERS: bool = "Accounts_AllowPasswordChangeForOAuthUsers";
    ACCOUNTS_ALLOW_REAL_NAME_CHANGE: bool = "Accounts_AllowRealNameChange";
    ACCOUNTS_ALLOW_USERNAME_CHANGE: bool = "Accounts_AllowUsernameChange";
    ACCOUNTS_ALLOW_USER_AVATAR_CHANGE: bool = "Accounts_AllowUserAvatarChange";
    ACCOUNTS_ALLOW_USER_PROFILE_CHANGE: bool = "Accounts_AllowUserProfileChange";
    ACCOUNTS_ALLOW_USER_STATUS_MESSAGE_CHANGE: bool = "Accounts_AllowUserStatusMessageChange";
    ACCOUNTS_AVATAR_BLOCK_UNAUTHENTICATED_ACCESS: bool = "Accounts_AvatarBlockUnauthenticatedAccess";
    ACCOUNTS_AVATAR_CACHE_TIME: i64 = "Accounts_AvatarCacheTime";
    ACCOUNTS_AVATAR_RESIZE: bool = "Accounts_AvatarResize";
    ACCOUNTS_AVATAR_SIZE: i64 = "Accounts_AvatarSize";
    ACCOUNTS_BLOCKED_DOMAINS_LIST: str = "Accounts_BlockedDomainsList";
    ACCOUNTS_BLOCKED_USERNAME_LIST: str = "Accounts_BlockedUsernameList";
    ACCOUNTS_CUSTOM_FIELDS: str = "Accounts_CustomFields";
    ACCOUNTS_DEFAULT_USERNAME_PREFIX_SUGGESTION: str = "Accounts_DefaultUsernamePrefixSuggestion";
    ACCOUNTS_EMAIL_VERIFICATION: bool = "Accounts_EmailVerification";
    ACCOUNTS_ENROLLMENT_EMAIL: str = "Accounts_Enrollment_Email";
    ACCOUNTS_ENROLLMENT_EMAIL_SUBJECT: str = "Accounts_Enrollment_Email_Subject";
    ACCOUNTS_IFRAME_ENABLED: bool = "Accounts_iframe_enabled";
    ACCOUNTS_LOGIN_EXPIRATION: i64 = "Accounts_LoginExpiration";
    ACCOUNTS_MANUALLY_APPROVE_NEW_USERS: bool = "Accounts_ManuallyApproveNewUsers";
    ACCOUNTS_OAUTH_APPLE: bool = "Accounts_OAuth_Apple";
    ACCOUNTS_OAUTH_FACEBOOK: bool = "Accounts_OAuth_Facebook";
    ACCOUNTS_OAUTH_GITHUB: bool = "Accounts_OAuth_Github";
    ACCOUNTS_OAUTH_GITLAB: bool = "Accounts_OAuth_Gitlab";
    ACCOUNTS_OAUTH_GIT_HUB_ENTERPRISE: bool = "Accounts_OAuth_GitHub_Enterprise";
    ACCOUNTS_OAUTH_GOOGLE: bool = "Accounts_OAuth_Google";
    ACCOUNTS_OAUTH_LINKEDIN: bool = "Accounts_OAuth_Linkedin";
    ACCOUNTS_OAUTH_METEOR: bool = "Accounts_OAuth_Meteor";
    ACCOUNTS_OAUTH_NEXTCLOUD: bool = "Accounts_OAuth_Nextcloud";
    ACCOUNTS_OAUTH_NEXTCLOUD_URL: str = "Accounts_OAuth_Nextcloud_URL";
    ACCOUNTS_OAUTH_TWITTER: bool = "Accounts_OAuth_Twitter";
    ACCOUNTS_OAUTH_WORDPRESS: bool = "Accounts_OAuth_Wordpress";
    ACCOUNTS_OAUTH_WORDPRESS_AUTHORIZE_PATH: str = "Accounts_OAuth_Wordpress_authorize_path";
    ACCOUNTS_OAUTH_WORDPRESS_ID: str = "Accounts_OAuth_Wordpress_id";
    ACCOUNTS_OAUTH_WORDPRESS_IDENTITY_PATH: str = "Accounts_OAuth_Wordpress_identity_path";
    ACCOUNTS_OAUTH_WORDPRESS_IDENTITY_TOKEN_SENT_VIA: str = "Accounts_OAuth_Wordpress_identity_token_sent_via";
    ACCOUNTS_OAUTH_WORDPRESS_SCOPE: str = "Accounts_OAuth_Wordpress_scope";
    ACCOUNTS_OAUTH_WORDPRESS_SERVER_TYPE: str = "Accounts_OAuth_Wordpress_server_type";
    ACCOUNTS_OAUTH_WORDPRESS_TOKEN_PATH: str = "Accounts_OAuth_Wordpress_token_path";
    ACCOUNTS_PASSWORD_HISTORY_AMOUNT: i64 = "Accounts_Password_History_Amount";
    ACCOUNTS_PASSWORD_HISTORY_ENABLED: bool = "Accounts_Password_History_Enabled";
    ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_LOWERCASE: bool = "Accounts_Password_Policy_AtLeastOneLowercase";
    ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_NUMBER: bool = "Accounts_Password_Policy_AtLeastOneNumber";
    ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_SPECIAL_CHARACTER: bool = "Accounts_Password_Policy_AtLeastOneSpecialCharacter";
    ACCOUNTS_PASSWORD_POLICY_AT_LEAST_ONE_UPPERCASE: bool = "Accounts_Password_Policy_AtLeastOneUppercase";
    ACCOUNTS_PASSWORD_POLICY_ENABLED: bool = "Accounts_Password_Policy_Enabled";
    ACCOUNTS_PASSWORD_POLICY_FORBID_REPEATING_CHARACTERS: bool = "Accounts_Password_Policy_ForbidRepeatingCharacters";
    ACCOUNTS_PASSWORD_POLICY_FORBID_REPEATING_CHARACTERS_COUNT: i64 = "Accounts_Password_Policy_ForbidRepeatingCharactersCount";
    ACCOUNTS_PASSWORD_POLICY_MAX_LENGTH: i64 = "Accounts_Password_Policy_MaxLength";
    ACCOUNTS_PASSWORD_POLICY_MIN_LENGTH: i64 = "Accounts_Password_Policy_MinLength";
    ACCOUNTS_PASSWORD_RESET: bool = "Accounts_PasswordReset";
    ACCOUNTS_REGISTRATION_FORM: str = "Accounts_RegistrationForm";
    ACCOUNTS_REGISTRATION_FORM_SECRET_URL: str = "Accounts_RegistrationForm_SecretURL";
    ACCOUNTS_REGISTRATION_INVITE_URL_TYPE: str = "Accounts_Registration_InviteUrlType";
    ACCOUNTS_REGISTRATION_USERS_DEFAULT_ROLES: str = "Accounts_Registration_Users_Default_Roles";
    ACCOUNTS_REQUIRE_NAME_FOR_SIGN_UP: bool = "Accounts_RequireNameForSignUp";
    ACCOUNTS_SEARCH_FIELDS: str = "Accounts_SearchFields";
    ACCOUNTS_SEND_EMAIL_WHEN_ACTIVATING: bool = "Accounts_Send_Email_When_Activating";
    ACCOUNTS_SEND_EMAIL_WHEN_DEACTIVATING: bool = "Accounts_Send_Email_When_Deactivating";
    ACCOUNTS_SET_DEFAULT_AVATAR: bool = "Accounts_SetDefaultAvatar";
    ACCOUNTS_SYSTEM_BLOCKED_USERNAME_LIST: str = "Accounts_SystemBlockedUsernameList";
    ACCOUNTS_TWO_FACTOR_AUTHENTICATION_BY_EMAIL_AUTO_OPT_IN: bool = "Accounts_TwoFactorAuthentication_By_Email_Auto_Opt_In";
    ACCOUNTS_TWO_FACTOR_AUTHENTICATION_BY_EMAIL_CODE_EXPIRATION: i64 = "Accounts_TwoFactorAuthentication_By_Email_Code_Expiration";
    ACCOUNTS_TWO_FACTOR_AUTHENTICATION_BY_EMAIL_ENABLED: bool = "Accounts_TwoFactorAuthentication_By_Email_Enabled";
    ACCOUNTS_TWO_FACTOR_AUTHENTICATION_BY_TOTP_ENABLED: bool = "Accounts_TwoFactorAuthentication_By_TOTP_Enabled";
    ACCOUNTS_TWO_FACTOR_AUTHENTICATION_ENABLED: bool = "Accounts_TwoFactorAuthentication_Enabled";
    ACCOUNTS_TWO_FACTOR_AUTHENTICATION_ENFORCE_PASSWORD_FALLBACK: bool = "Accounts_TwoFactorAuthentication_Enforce_Password_Fallback";
    ACCOUNTS_TWO_FACTOR_AUTHENTICATION_MAX_DELTA: i64 = "Accounts_TwoFactorAuthentication_MaxDelta";
    ACCOUNTS_TWO_FACTOR_AUTHENTICATION_REMEMBER_FOR: i64 = "Accounts_TwoFactorAuthentication_RememberFor";
    ACCOUNTS_USER_ADDED_EMAIL_EMAIL: str = "Accounts_UserAddedEmail_Email";
    ACCOUNTS_USER_ADDED_EMAIL_SUBJECT: str = "Accounts_UserAddedEmail_Subject";
    ACCOUNTS_USE_DEFAULT_BLOCKED_DOMAINS_LIST: bool = "Accounts_UseDefaultBlockedDomainsList";
    ACCOUNTS_USE_DNS_DOMAIN_CHECK: bool = "Accounts_UseDNSDomainCheck";
    API_ALLOW_INFINITE_COUNT: bool = "API_Allow_Infinite_Count";
    API_CORS_ORIGIN: str = "API_CORS_Origin";
    API_DEFAULT_COUNT: i64 = "API_Default_Count";
    API_EMBED: bool = "API_Embed";
    API_EMBED_CACHE_EXPIRATION_DAYS: i64 = "API_EmbedCacheExpirationDays";
    API_EMBED_DISABLED_FOR: str = "API_EmbedDisabledFor";
    API_EMBED_IGNORED_HOSTS: str = "API_EmbedIgnoredHosts";
    API_EMBED_SAFE_PORTS: str = "API_EmbedSafePorts";
    API_EMBED_USER_AGENT: str = "API_Embed_UserAgent";
    API_ENABLE_CORS: bool = "API_Enable_CORS";
    API_ENABLE_DIRECT_MESSAGE_HISTORY_ENDPOINT: bool = "API_Enable_Direct_Message_History_EndPoint";
    API_ENABLE_RATE_LIMITER: bool = "API_Enable_Rate_Limiter";
    API_ENABLE_RATE_LIMITER_LIMIT_CALLS_DEFAULT: i64 = "API_Enable_Rate_Limiter_Limit_Calls_Default";
    API_ENABLE_RATE_LIMITER_LIMIT_TIME_DEFAULT: i64 = "API_Enable_Rate_Limiter_Limit_Time_Default";
    API_ENABLE_SHIELDS: bool = "API_Enable_Shields";
    API_GITLAB_URL: str = "API_Gitlab_URL";
    API_GIT_HUB_ENTERPRISE_URL: str = "API_GitHub_Enterprise_URL";
    API_SHIELD_TYPES: str = "API_Shield_Types";
    API_SHIELD_USER_REQUIRE_AUTH: bool = "API_Shield_user_require_auth";
    API_UPPER_COUNT_LIMIT: i64 = "API_Upper_Count_Limit";
    API_USER_LIMIT: i64 = "API_User_Limit";
    API_WORDPRESS_URL: str = "API_Wordpress_URL";
    AUDIT_EXPORT_HOURS: i64 = "Audit_Export_Hours";
    AUDIT_PRIVATE_ROOMS: bool = "Audit_Private_Rooms";
    AUTO_TRANSLATE_ENABLED: bool = "AutoTranslate_Enabled";
    BLOCK_MULTIPLE_FAILED_LOGINS_ATTEMPTS_UNTIL_BLOCK_BY_IP: i64 = "Block_Multiple_Failed_Logins_Attempts_Until_Block_By_Ip";
    BLOCK_MULTIPLE_FAILED_LOGINS_ATTEMPTS_UNTIL_BLOCK_BY_USER: i64 = "Block_Multiple_Failed_Logins_Attempts_Until_Block_by_User";
    BLOCK_MULTIPLE_FAILED_LOGINS_BY_IP: bool = "Block_Multiple_Failed_Logins_By_Ip";
    BLOCK_MULTIPLE_FAILED_LOGINS_BY_USER: bool = "Block_Multiple_Failed_Logins_By_User";
    BLOCK_MULTIPLE_FAILED_LOGINS_ENABLED: bool = "Block_Multiple_Failed_Logins_Enabled";
    BLOCK_MULTIPLE_FAILED_LOGINS_IP_WHITELIST: str = "Block_Multiple_Failed_Logins_Ip_Whitelist";
    BLOCK_MULTIPLE_FAILED_LOGINS_NOTIFY_FAILED: bool = "Block_Multiple_Failed_Logins_Notify_Failed";
    BLOCK_MULTIPLE_FAILED_LOGINS_NOTIFY_FAILED_CHANNEL: str = "Block_Multiple_Failed_Logins_Notify_Failed_Channel";
    BLOCK_MULTIPLE_FAILED_LOGINS_TIME_TO_UNBLOCK_BY_IP_IN_MINUTES: i64 = "Block_Multiple_Failed_Logins_Time_To_Unblock_By_Ip_In_Minutes";
    BLOCK_MULTIPLE_FAILED_LOGINS_TIME_TO_UNBLOCK_BY_USER_IN_MINUTES: i64 = "Block_Multiple_Failed_Logins_Time_To_Unblock_By_User_In_Minutes";
    CAS_AUTOCLOSE: bool = "CAS_autoclose";
    CAS_BASE_URL: str = "CAS_base_url";
    CAS_BUTTON_COLOR: str = "CAS_button_color";
    CAS_BUTTON_LABEL_COLOR: str = "CAS_button_label_color";
    CAS_BUTTON_LABEL_TEXT: str = "CAS_button_label_text";
    CAS_ENABLED: bool = "CAS_enabled";
    CAS_LOGIN_URL: str = "CAS_login_url";
    CAS_POPUP_HEIGHT: i64 = "CAS_popup_height";
    CAS_POPUP_WIDTH: i64 = "CAS_popup_width";
    CLOUD_WORKSPACE_CLIENT_ID: str = "Cloud_Workspace_Client_Id";
    CLOUD_WORKSPACE_CLIENT_SECRET: str = "Cloud_Workspace_Client_Secret";
    CLOUD_WORKSPACE_CLIENT_SECRET_EXPIRES_AT: i64 = "Cloud_Workspace_Client_Secret_Expires_At";
    CLOUD_WORKSPACE_ID: str = "Cloud_Workspace_Id";
    CLOUD_WORKSPACE_NAME: str = "Cloud_Workspace_Name";
    CLOUD_WORKSPACE_PUBLIC_KEY: str = "Cloud_Workspace_PublicKey";
    CLOUD_WORKSPACE_REGISTRATION_CLIENT_URI: str = "Cloud_Workspace_Registration_Client_Uri";
    COUNTRY: str = "Country";
    DDP_RATE_LIMIT_CONNECTION_BY_METHOD_ENABLED: bool = "DDP_Rate_Limit_Connection_By_Method_Enabled";
    DDP_RATE_LIMIT_CONNECTION_BY_METHOD_INTERVAL_TIME: i64 = "DDP_Rate_Limit_Connection_By_Method_Interval_Time";
    DDP_RATE_LIMIT_CONNECTION_BY_METHOD_REQUESTS_ALLOWED: i64 = "DDP_Rate_Limit_Connection_By_Method_Requests_Allowed";
    DDP_RATE_LIMIT_CONNECTION_ENABLED: bool = "DDP_Rate_Limit_Connection_Enabled";
    DDP_RATE_LIMIT_CONNECTION_INTERVAL_TIME: i64 = "DDP_Rate_Limit_Connection_Interval_Time";
    DDP_RATE_LIMIT_CONNECTION_REQUESTS_ALLOWED: i64 = "DDP_Rate_Limit_Connection_Requests_Allowed";
    DDP_RATE_LIMIT_IP_ENABLED: bool = "DDP_Rate_Limit_IP_Enabled";
    DDP_RATE_LIMIT_IP_INTERVAL_TIME: i64 = "DDP_Rate_Limit_IP_Interval_Time";
    DDP_RATE_LIMIT_IP_REQUESTS_ALLOWED: i64 = "DDP_Rate_Limit_IP_Requests_Allowed";
    DDP_RATE_LIMIT_USER_BY_METHOD_ENABLED: bool = "DDP_Rate_Limit_User_By_Method_Enabled";
    DDP_RATE_LIMIT_USER_BY_METHOD_INTERVAL_TIME: i64 = "DDP_Rate_Limit_User_By_Method_Interval_Time";
    DDP_RATE_LIMIT_USER_BY_METHOD_REQUESTS_ALLOWED: i64 = "DDP_Rate_Limit_User_By_Method_Requests_Allowed";
    DDP_RATE_LIMIT_USER_ENABLED: bool = "DDP_Rate_Limit_User_Enabled";
    DDP_RATE_LIMIT_USER_INTERVAL_TIME: i64 = "DDP_Rate_Limit_User_Interval_Time";
    DDP_RATE_LIMIT_USER_REQUESTS_ALLOWED: i64 = "DDP_Rate_Limit_User_Requests_Allowed";
    DEEP_LINK_URL: str = "DeepLink_Url";
    DIRECT_MESSSAGE_MAX_USERS: i64 = "DirectMesssage_maxUsers";
    DISCUSSION_ENABLED: bool = "Discussion_enabled";
    E2E_ENABLE: bool = "E2E_Enable";
    E2E_ENABLED_DEFAULT_DIRECT_ROOMS: bool = "E2E_Enabled_Default_DirectRooms";
    E2E_ENABLED_DEFAULT_PRIVATE_ROOMS: bool = "E2E_Enabled_Default_PrivateRooms";
    EMAIL_CHANGED_EMAIL: str = "Email_Changed_Email";
    EMAIL_CHANGED_EMAIL_SUBJECT: str = "Email_Changed_Email_Subject";
    EMAIL_FOOTER: str = "Email_Footer";
    EMAIL_HEADER: str = "Email_Header";
    EMAIL_PLAIN_TEXT_ONLY: bool = "email_plain_text_only";
    EMAIL_STYLE: str = "email_style";
    ENABLE_CSP: bool = "Enable_CSP";
    FILE_UPLOAD_MAX_FILE_SIZE: i64 = "FileUpload_MaxFileSize";
    FORCE_SSL: bool = "Force_SSL";
    FORGOT_PASSWORD_EMAIL: str = "Forgot_Password_Email";
    FORGOT_PASSWORD_EMAIL_SUBJECT: str = "Forgot_Password_Email_Subject";
    FROM_EMAIL: str = "From_Email";
    HEX_COLOR_PREVIEW_ENABLED: bool = "HexColorPreview_Enabled";
    HIDE_SYSTEM_MESSAGES: [String] = "Hide_System_Messages";
    IFRAME_RESTRICT_ACCESS: bool = "Iframe_Restrict_Access";
    IFRAME_X_FRAME_OPTIONS: str = "Iframe_X_Frame_Options";
    INDUSTRY: str = "Industry";
    INVITATION_EMAIL: str = "Invitation_Email";
    INVITATION_SUBJECT: str = "Invitation_Subject";
    KATEX_DOLLAR_SYNTAX: bool = "Katex_Dollar_Syntax";
    KATEX_ENABLED: bool = "Katex_Enabled";
    KATEX_PARENTHESIS_SYNTAX: bool = "Katex_Parenthesis_Syntax";
    LANGUAGE: str = "Language";
    LDAP_ENABLE: bool = "LDAP_Enable";
    LOG_VIEW_LIMIT: i64 = "Log_View_Limit";
    MESSAGE_ALLOW_BAD_WORDS_FILTER: bool = "Message_AllowBadWordsFilter";
    MESSAGE_ALLOW_DELETING: bool = "Message_AllowDeleting";
    MESSAGE_ALLOW_DELETING_BLOCK_DELETE_IN_MINUTES: i64 = "Message_AllowDeleting_BlockDeleteInMinutes";
    MESSAGE_ALLOW_DIRECT_MESSAGES_TO_YOURSELF: bool = "Message_AllowDirectMessagesToYourself";
    MESSAGE_ALLOW_EDITING: bool = "Message_AllowEditing";
    MESSAGE_ALLOW_EDITING_BLOCK_EDIT_IN_MINUTES: i64 = "Message_AllowEditing_BlockEditInMinutes";
    MESSAGE_ALLOW_PINNING: bool = "Message_AllowPinning";
    MESSAGE_ALLOW_STARRING: bool = "Message_AllowStarring";
    MESSAGE_ALWAYS_SEARCH_REG_EXP: bool = "Message_AlwaysSearchRegExp";
    MESSAGE_BAD_WORDS_FILTER_LIST: str = "Message_BadWordsFilterList";
    MESSAGE_BAD_WORDS_WHITELIST: str = "Message_BadWordsWhitelist";
    MESSAGE_CUSTOM_FIELDS: str = "Message_CustomFields";
    MESSAGE_CUSTOM_FIELDS_ENABLED: bool = "Message_CustomFields_Enabled";
    MESSAGE_ERASURE_TYPE: str = "Message_ErasureType";
    MESSAGE_MAX_ALL: i64 = "Message_MaxAll";
    MESSAGE_MAX_ALLOWED_SIZE: i64 = "Message_MaxAllowedSize";
    MESSAGE_QUOTE_CHAIN_LIMIT: i64 = "Message_QuoteChainLimit";
    MESSAGE_READ_RECEIPT_ENABLED: bool = "Message_Read_Receipt_Enabled";
    MESSAGE_READ_RECEIPT_STORE_USERS: bool = "Message_Read_Receipt_Store_Users";
    MESSAGE_SHOW_DELETED_STATUS: bool = "Message_ShowDeletedStatus";
    MESSAGE_SHOW_EDITED_STATUS: bool = "Message_ShowEditedStatus";
    NUMBER_OF_USERS_AUTOCOMPLETE_SUGGESTIONS: i64 = "Number_of_users_autocomplete_suggestions";
    ORGANIZATION_EMAIL: str = "Organization_Email";
    ORGANIZATION_NAME: str = "Organization_Name";
    ORGANIZATION_TYPE: str = "Organization_Type";
    PASSWORD_CHANGED_EMAIL: str = "Password_Changed_Email";
    PASSWORD_CHANGED_EMAIL_SUBJECT: str = "Password_Changed_Email_Subject";
    PUSH_ENABLE: bool = "Push_enable";
    PUSH_ENABLE_GATEWAY: bool = "Push_enable_gateway";
    PUSH_GATEWAY: str = "Push_gateway";
    PUSH_SHOW_MESSAGE: bool = "Push_show_message";
    PUSH_SHOW_USERNAME_ROOM: bool = "Push_show_username_room";
    RATE_LIMITER_LIMIT_REGISTER_USER: i64 = "Rate_Limiter_Limit_RegisterUser";
    REGISTER_SERVER: bool = "Register_Server";
    ROBOT_INSTRUCTIONS_FILE_CONTENT: str = "Robot_Instructions_File_Content";
    SAML_CUSTOM_DEFAULT: bool = "SAML_Custom_Default";
    SAML_CUSTOM_DEFAULT_BUTTON_COLOR: str = "SAML_Custom_Default_button_color";
    SAML_CUSTOM_DEFAULT_BUTTON_LABEL_COLOR: str = "SAML_Custom_Default_button_label_color";
    SAML_CUSTOM_DEFAULT_BUTTON_LABEL_TEXT: str = "SAML_Custom_Default_button_label_text";
    SAML_CUSTOM_DEFAULT_PROVIDER: str = "SAML_Custom_Default_provider";
    SEARCH_DEFAULT_PROVIDER_GLOBAL_SEARCH_ENABLED: bool = "Search.defaultProvider.GlobalSearchEnabled";
    SEARCH_DEFAULT_PROVIDER_PAGE_SIZE: i64 = "Search.defaultProvider.PageSize";
    SHOW_SETUP_WIZARD: str = "Show_Setup_Wizard";
    SITE_NAME: str = "Site_Name";
    SITE_URL: str = "Site_Url";
    SIZE: str = "Size";
    SMTP_HOST: str = "SMTP_Host";
    SMTP_IGNORE_TLS: bool = "SMTP_IgnoreTLS";
    SMTP_PASSWORD: str = "SMTP_Password";
    SMTP_POOL: bool = "SMTP_Pool";
    SMTP_PORT: str = "SMTP_Port";
    SMTP_PROTOCOL: str = "SMTP_Protocol";
    SMTP_USERNAME: str = "SMTP_Username";
    STORE_LAST_MESSAGE: bool = "Store_Last_Message";
    THREADS_ENABLED: bool = "Threads_enabled";
    TROUBLESHOOT_DISABLE_PRESENCE_BROADCAST: bool = "Troubleshoot_Disable_Presence_Broadcast";
    UI_ALLOW_ROOM_NAMES_WITH_SPECIAL_CHARS: bool = "UI_Allow_room_names_with_special_chars";
    UI_USE_NAME_AVATAR: bool = "UI_Use_Name_Avatar";
    UI_USE_REAL_NAME: bool = "UI_Use_Real_Name";
    UNIQUE_ID: str = "uniqueID";
    UNREAD_COUNT: str = "Unread_Count";
    UNREAD_COUNT_DM: str = "Unread_Count_DM";
    USER_DATA_ENABLE_DOWNLOAD: bool = "UserData_EnableDownload";
    USER_DATA_MESSAGE_LIMIT_PER_REQUEST: i64 = "UserData_MessageLimitPerRequest";
    UTF8_CHANNEL_NAMES_VALIDATION: str = "UTF8_Channel_Names_Validation";
    UTF8_NAMES_SLUGIFY: bool = "UTF8_Names_Slugify";
    UTF8_USER_NAMES_VALIDATION: str = "UTF8_User_Names_Validation";
    VERIFICATION_EMAIL: str = "Verification_Email";
    VERIFICATION_EMAIL_SUBJECT: str = "Verification_Email_Subject";
    WEBDAV_INTEGRATION_ENABLED: bool = "Webdav_Integration_Enabled";
}
