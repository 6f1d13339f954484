//! Permissions: their names and the roles that hold each by default (contract, `permissions.tsv`).

use std::collections::HashMap;

use serde::Serialize;

use crate::{RoleId, UserId};

/// Defines every permission as a constant, with its default roles.
macro_rules! permissions {
    ($($constant:ident = $name:literal [$($role:literal)*];)+) => {
        impl Permission {
            $(#[doc = concat!("`", $name, "`")] pub const $constant: Self = Self($name);)+

            /// Every permission with the roles that hold it until an administrator says otherwise, by name.
            pub const DEFAULTS: &'static [(Self, &'static [&'static str])] = &[
                $((Self::$constant, &[$($role),*])),+
            ];
        }
    };
}

/// The right to do one kind of thing, e.g. `create-c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Permission(&'static str);

impl Permission {
    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The permission of that name.
    pub fn find(name: &str) -> Option<Self> {
        Self::DEFAULTS
            .binary_search_by(|(permission, _)| permission.0.cmp(name))
            .ok()
            .map(|index| Self::DEFAULTS[index].0)
    }
}

permissions! {
    ACCESS_MAILER = "access-mailer" ["admin"];
    ACCESS_PERMISSIONS = "access-permissions" ["admin"];
    ACCESS_SETTING_PERMISSIONS = "access-setting-permissions" ["admin"];
    ADD_ALL_TO_ROOM = "add-all-to-room" ["admin"];
    ADD_OAUTH_SERVICE = "add-oauth-service" ["admin"];
    ADD_TEAM_CHANNEL = "add-team-channel" ["admin" "owner" "moderator"];
    ADD_TEAM_MEMBER = "add-team-member" ["admin" "owner" "moderator"];
    ADD_USER_TO_ANY_C_ROOM = "add-user-to-any-c-room" ["admin"];
    ADD_USER_TO_ANY_P_ROOM = "add-user-to-any-p-room" [];
    ADD_USER_TO_JOINED_ROOM = "add-user-to-joined-room" ["admin" "owner" "moderator"];
    API_BYPASS_RATE_LIMIT = "api-bypass-rate-limit" ["admin" "bot" "app"];
    ARCHIVE_ROOM = "archive-room" ["admin" "owner"];
    ASSIGN_ADMIN_ROLE = "assign-admin-role" ["admin"];
    ASSIGN_ROLES = "assign-roles" ["admin"];
    AUTO_TRANSLATE = "auto-translate" ["admin"];
    BAN_USER = "ban-user" ["admin" "owner" "moderator"];
    BULK_REGISTER_USER = "bulk-register-user" ["admin"];
    BYPASS_TIME_LIMIT_EDIT_AND_DELETE = "bypass-time-limit-edit-and-delete" ["bot" "app"];
    CALL_MANAGEMENT = "call-management" ["admin" "owner" "moderator"];
    CLEAN_CHANNEL_HISTORY = "clean-channel-history" ["admin"];
    CLEAR_OEMBED_CACHE = "clear-oembed-cache" ["admin"];
    CONVERT_TEAM = "convert-team" ["admin" "owner"];
    CREATE_C = "create-c" ["admin" "user" "bot" "app"];
    CREATE_D = "create-d" ["admin" "user" "bot" "app"];
    CREATE_INVITE_LINKS = "create-invite-links" ["admin" "owner" "moderator"];
    CREATE_P = "create-p" ["admin" "user" "bot" "app"];
    CREATE_PERSONAL_ACCESS_TOKENS = "create-personal-access-tokens" ["admin" "user"];
    CREATE_TEAM = "create-team" ["admin" "user"];
    CREATE_USER = "create-user" ["admin"];
    DELETE_C = "delete-c" ["admin" "owner"];
    DELETE_D = "delete-d" ["admin"];
    DELETE_MESSAGE = "delete-message" ["admin" "owner" "moderator"];
    DELETE_OWN_MESSAGE = "delete-own-message" ["admin" "user"];
    DELETE_P = "delete-p" ["admin" "owner"];
    DELETE_TEAM = "delete-team" ["admin" "owner"];
    DELETE_USER = "delete-user" ["admin"];
    EDIT_MESSAGE = "edit-message" ["admin" "owner" "moderator"];
    EDIT_OTHER_USER_ACTIVE_STATUS = "edit-other-user-active-status" ["admin"];
    EDIT_OTHER_USER_AVATAR = "edit-other-user-avatar" ["admin"];
    EDIT_OTHER_USER_E2EE = "edit-other-user-e2ee" ["admin"];
    EDIT_OTHER_USER_INFO = "edit-other-user-info" ["admin"];
    EDIT_OTHER_USER_PASSWORD = "edit-other-user-password" ["admin"];
    EDIT_OTHER_USER_TOTP = "edit-other-user-totp" ["admin"];
    EDIT_PRIVILEGED_SETTING = "edit-privileged-setting" ["admin"];
    EDIT_ROOM = "edit-room" ["admin" "owner" "moderator"];
    EDIT_ROOM_AVATAR = "edit-room-avatar" ["admin" "owner" "moderator"];
    EDIT_ROOM_RETENTION_POLICY = "edit-room-retention-policy" ["admin"];
    EDIT_TEAM = "edit-team" ["admin" "owner"];
    EDIT_TEAM_CHANNEL = "edit-team-channel" ["admin" "owner" "moderator"];
    EDIT_TEAM_MEMBER = "edit-team-member" ["admin" "owner" "moderator"];
    EXPORT_AUDIT_LOG = "export-audit-log" ["admin" "auditor"];
    FORCE_DELETE_MESSAGE = "force-delete-message" ["admin" "owner"];
    GET_SERVER_INFO = "get-server-info" ["admin"];
    JOIN_WITHOUT_JOIN_CODE = "join-without-join-code" ["admin" "bot" "app"];
    LEAVE_C = "leave-c" ["admin" "user" "bot" "anonymous" "app"];
    LEAVE_P = "leave-p" ["admin" "user" "bot" "anonymous" "app"];
    LOGOUT_OTHER_USER = "logout-other-user" ["admin"];
    MAIL_MESSAGES = "mail-messages" ["admin"];
    MANAGE_APPS = "manage-apps" ["admin"];
    MANAGE_ASSETS = "manage-assets" ["admin"];
    MANAGE_CHATPAL = "manage-chatpal" ["admin"];
    MANAGE_CLOUD = "manage-cloud" ["admin"];
    MANAGE_EMAIL_INBOX = "manage-email-inbox" ["admin"];
    MANAGE_EMOJI = "manage-emoji" ["admin"];
    MANAGE_INCOMING_INTEGRATIONS = "manage-incoming-integrations" ["admin"];
    MANAGE_MODERATION_ACTIONS = "manage-moderation-actions" ["admin"];
    MANAGE_OAUTH_APPS = "manage-oauth-apps" ["admin"];
    MANAGE_OUTGOING_INTEGRATIONS = "manage-outgoing-integrations" ["admin"];
    MANAGE_OWN_INCOMING_INTEGRATIONS = "manage-own-incoming-integrations" ["admin"];
    MANAGE_OWN_OUTGOING_INTEGRATIONS = "manage-own-outgoing-integrations" ["admin"];
    MANAGE_PROJECTIONS = "manage-projections" ["admin"];
    MANAGE_SELECTED_SETTINGS = "manage-selected-settings" ["admin"];
    MANAGE_SOUNDS = "manage-sounds" ["admin"];
    MANAGE_USER_STATUS = "manage-user-status" ["admin"];
    MENTION_ALL = "mention-all" ["admin" "owner" "moderator" "user"];
    MENTION_HERE = "mention-here" ["admin" "owner" "moderator" "user"];
    MESSAGE_IMPERSONATE = "message-impersonate" ["bot" "app"];
    MOBILE_UPLOAD_FILE = "mobile-upload-file" ["user" "admin"];
    MUTE_USER = "mute-user" ["admin" "owner" "moderator"];
    PIN_MESSAGE = "pin-message" ["owner" "moderator" "admin"];
    POST_READONLY = "post-readonly" ["admin" "owner" "moderator"];
    PREVIEW_C_ROOM = "preview-c-room" ["admin" "user" "anonymous"];
    REGISTER_ON_CLOUD = "register-on-cloud" ["admin"];
    REMOVE_SLACKBRIDGE_LINKS = "remove-slackbridge-links" ["admin"];
    REMOVE_TEAM_CHANNEL = "remove-team-channel" ["admin" "owner" "moderator"];
    REMOVE_USER = "remove-user" ["admin" "owner" "moderator"];
    RESTART_SERVER = "restart-server" ["admin"];
    RUN_IMPORT = "run-import" ["admin"];
    RUN_MIGRATION = "run-migration" ["admin"];
    SEND_MAIL = "send-mail" ["admin"];
    SEND_MANY_MESSAGES = "send-many-messages" ["admin" "bot" "app"];
    SET_LEADER = "set-leader" ["admin" "owner"];
    SET_MODERATOR = "set-moderator" ["admin" "owner"];
    SET_OWNER = "set-owner" ["admin" "owner"];
    SET_REACT_WHEN_READONLY = "set-react-when-readonly" ["admin" "owner"];
    SET_READONLY = "set-readonly" ["admin" "owner"];
    SNIPPET_MESSAGE = "snippet-message" ["owner" "moderator" "admin"];
    START_DISCUSSION = "start-discussion" ["admin" "user" "guest" "app"];
    START_DISCUSSION_OTHER_USER = "start-discussion-other-user" ["admin" "user" "owner" "app"];
    SYNC_AUTH_SERVICES_USERS = "sync-auth-services-users" ["admin"];
    TEST_ADMIN_OPTIONS = "test-admin-options" ["admin"];
    TOGGLE_ROOM_E2E_ENCRYPTION = "toggle-room-e2e-encryption" ["owner" "admin"];
    UNARCHIVE_ROOM = "unarchive-room" ["admin"];
    USER_GENERATE_ACCESS_TOKEN = "user-generate-access-token" ["admin"];
    VIEW_ALL_TEAM_CHANNELS = "view-all-team-channels" ["admin" "owner"];
    VIEW_ALL_TEAMS = "view-all-teams" ["admin"];
    VIEW_AUDIT_LOG = "view-audit-log" ["admin" "auditor"];
    VIEW_BROADCAST_MEMBER_LIST = "view-broadcast-member-list" ["admin" "owner" "moderator"];
    VIEW_C_ROOM = "view-c-room" ["admin" "user" "bot" "app" "anonymous"];
    VIEW_D_ROOM = "view-d-room" ["admin" "user" "bot" "app" "guest"];
    VIEW_FEDERATION_DATA = "view-federation-data" ["admin"];
    VIEW_FULL_OTHER_USER_INFO = "view-full-other-user-info" ["admin"];
    VIEW_HISTORY = "view-history" ["admin" "user" "anonymous"];
    VIEW_IMPORT_OPERATIONS = "view-import-operations" ["admin"];
    VIEW_JOIN_CODE = "view-join-code" ["admin"];
    VIEW_JOINED_ROOM = "view-joined-room" ["guest" "bot" "app" "anonymous"];
    VIEW_LOGS = "view-logs" ["admin"];
    VIEW_MODERATION_CONSOLE = "view-moderation-console" ["admin"];
    VIEW_OTHER_USER_CHANNELS = "view-other-user-channels" ["admin"];
    VIEW_OUTSIDE_ROOM = "view-outside-room" ["admin" "owner" "moderator" "user"];
    VIEW_P_ROOM = "view-p-room" ["admin" "user" "anonymous" "guest"];
    VIEW_PRIVILEGED_SETTING = "view-privileged-setting" ["admin"];
    VIEW_ROOM_ADMINISTRATION = "view-room-administration" ["admin"];
    VIEW_STATISTICS = "view-statistics" ["admin"];
    VIEW_USER_ADMINISTRATION = "view-user-administration" ["admin"];
}

/// What the permissions to change one setting, or one group of settings, are called; its id follows.
pub const CHANGE_SETTING: &str = "change-setting-";

/// Who holds which permission now: the defaults, overlaid with what administrators changed.
#[derive(Clone, Debug)]
pub struct PermissionTable {
    roles: HashMap<&'static str, Vec<RoleId>>,
    /// Those about single settings, by name. Nobody holds them until somebody says so.
    settings: HashMap<String, Vec<RoleId>>,
}

impl Default for PermissionTable {
    fn default() -> Self {
        let roles = Permission::DEFAULTS
            .iter()
            .map(|(permission, roles)| {
                (permission.as_str(), roles.iter().map(RoleId::new).collect())
            })
            .collect();
        Self {
            roles,
            settings: HashMap::new(),
        }
    }
}

impl PermissionTable {
    /// Replaces the roles that hold `permission`.
    pub fn set(&mut self, permission: Permission, roles: Vec<RoleId>) {
        self.roles.insert(permission.as_str(), roles);
    }

    /// Replaces the roles that hold the permission of that name, which may be one about a single setting.
    pub fn set_named(&mut self, name: &str, roles: Vec<RoleId>) {
        match Permission::find(name) {
            Some(permission) => self.set(permission, roles),
            None => drop(self.settings.insert(name.to_owned(), roles)),
        }
    }

    /// The roles that hold the permission of that name, which may be one about a single setting.
    pub fn named(&self, name: &str) -> &[RoleId] {
        match Permission::find(name) {
            Some(permission) => self.roles(permission),
            None => self.settings.get(name).map_or(&[], Vec::as_slice),
        }
    }

    /// The roles that hold `permission`.
    pub fn roles(&self, permission: Permission) -> &[RoleId] {
        self.roles
            .get(permission.as_str())
            .map_or(&[], Vec::as_slice)
    }

    /// Whether one of `held` is among the roles that hold `permission`.
    pub fn grants(&self, permission: Permission, held: &[RoleId]) -> bool {
        self.roles(permission)
            .iter()
            .any(|role| held.contains(role))
    }
}

/// What an actor may do, here and now: the pure function of actor, permission and scope that every rule asks.
///
/// There is no hierarchy: `admin` holds what the table says, nothing more (contract, admin 2).
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Authority<'a> {
    pub actor: &'a UserId,
    /// The actor's workspace-wide roles.
    pub roles: &'a [RoleId],
    /// The actor's roles in the room in question; empty without a room.
    pub room_roles: &'a [RoleId],
    pub permissions: &'a PermissionTable,
}

impl Authority<'_> {
    /// Whether the actor holds `permission` through a workspace-wide role.
    pub fn has(&self, permission: Permission) -> bool {
        self.permissions.grants(permission, self.roles)
    }

    /// Whether the actor holds the permission to change this setting through a workspace-wide role.
    pub fn has_setting(&self, setting: &str) -> bool {
        let name = format!("{CHANGE_SETTING}{setting}");
        self.permissions
            .named(&name)
            .iter()
            .any(|role| self.roles.contains(role))
    }

    /// Whether the actor holds `permission` through a workspace-wide role or a role in the room in question.
    pub fn has_in_room(&self, permission: Permission) -> bool {
        self.has(permission) || self.permissions.grants(permission, self.room_roles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(Permission::DEFAULTS.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(Permission::find("create-c"), Some(Permission::CREATE_C));
        assert_eq!(Permission::find("no-such-permission"), None);
    }

    #[test]
    fn room_roles_count_only_in_the_room() {
        let (actor, owner) = (UserId::new("u"), [RoleId::new("owner")]);
        let permissions = PermissionTable::default();
        let authority = Authority {
            actor: &actor,
            roles: &[],
            room_roles: &owner,
            permissions: &permissions,
        };
        assert!(
            authority.has_in_room(Permission::EDIT_ROOM),
            "an owner may edit the room"
        );
        assert!(!authority.has(Permission::EDIT_ROOM), "but not any room");
    }
}
