//! Roles, permissions, settings, and how others log in here or elsewhere.

use axum::http::Method;
use domain::permission::Permission;
use domain::permissions::Grant;

use crate::errors::wording;
use crate::http::route::{Route, get, logged_in, post, public, readers};
use crate::http::schema::{Kind, PAGE};
use crate::rest::admin::{banners, cloud, permissions, roles, settings};
use crate::rest::integrations::{login_services, oauth_apps, oauth_provider, push};

pub(super) fn routes() -> Vec<Route> {
    [
        role_routes(),
        setting_routes(),
        oauth_routes(),
        cloud_routes(),
        banner_routes(),
        push_routes(),
    ]
    .concat()
}

const ROLE: &[Permission] = &[Permission::ACCESS_PERMISSIONS];

const LIST: &[(&str, Kind)] = &[
    ("count", Kind::Number),
    ("offset", Kind::Number),
    ("total", Kind::Number),
];

fn role_routes() -> Vec<Route> {
    vec![
        get("roles.list", roles::list)
            .about("Every role.")
            .answers(&[("roles", Kind::List)]),
        get("roles.sync", roles::sync)
            .about("The roles that changed, and those that are gone, since a date.")
            .knows(&[("updatedSince", Kind::Text)])
            .answers(&[("roles", Kind::Object)]),
        post("roles.create", roles::create)
            .about("Makes a role.")
            .takes(&roles::CREATE)
            .needs_or(ROLE, wording::accessing_permissions)
            .answers(&[("role", Kind::Object)]),
        post("roles.update", roles::update)
            .about("Changes a role.")
            .takes(&roles::UPDATE)
            .needs_or(ROLE, wording::accessing_permissions)
            .answers(&[("role", Kind::Object)]),
        post("roles.delete", roles::delete)
            .about("Deletes a role that nobody has.")
            .takes(&roles::DELETE)
            .needs_or(ROLE, wording::accessing_permissions),
        post("roles.addUserToRole", roles::add_user)
            .about("Gives somebody a role, in the workspace or in a room.")
            .takes(&roles::GIVE)
            .needs_or(ROLE, wording::accessing_permissions)
            .answers(&[("role", Kind::Object)]),
        post("roles.removeUserFromRole", roles::remove_user)
            .about("Takes a role from somebody, in the workspace or in a room.")
            .takes(&roles::TAKE)
            .needs_or(ROLE, wording::accessing_permissions_denied)
            .answers(&[("role", Kind::Object)]),
        get("roles.getUsersInRole", roles::users_in_role)
            .about("Who has a role.")
            .knows(&[
                ("role", Kind::Text),
                ("roomId", Kind::Text),
                ("count", Kind::Number),
                ("offset", Kind::Number),
            ])
            .needs_or(ROLE, wording::accessing_permissions_denied)
            .answers(&[("users", Kind::List), ("total", Kind::Number)]),
        get("roles.getUsersInPublicRoles", roles::users_in_public_roles)
            .about("Who has roles that are shown beside names.")
            .answers(&[("users", Kind::List)]),
        get("permissions.listAll", permissions::list_all)
            .about(
                "Every permission with the roles that hold it, or those that changed since a date.",
            )
            .knows(&[("updatedSince", Kind::Text)])
            .answers(&[("update", Kind::List), ("remove", Kind::List)]),
        post("permissions.update", permissions::update)
            .about("Says which roles hold permissions.")
            .knows(&[("permissions", Kind::List)])
            .needs_or(ROLE, wording::editing_permissions)
            .answers(&[("permissions", Kind::List)]),
        post("permissions.addRole", |call| {
            permissions::change_role(call, Grant::Given)
        })
        .about("Gives a role a permission.")
        .takes(&permissions::ROLE)
        .requires(ROLE),
        post("permissions.removeRole", |call| {
            permissions::change_role(call, Grant::Taken)
        })
        .about("Takes a permission from a role.")
        .takes(&permissions::ROLE)
        .requires(ROLE),
    ]
}

const SETTINGS: &[(&str, Kind)] = &[
    ("_id", Kind::Text),
    ("count", Kind::Number),
    ("offset", Kind::Number),
    ("sort", Kind::Text),
    ("fields", Kind::Text),
    ("query", Kind::Text),
];

fn setting_routes() -> Vec<Route> {
    const ROWS: &[(&str, Kind)] = &[("settings", Kind::List), LIST[0], LIST[1], LIST[2]];
    vec![
        public(Method::GET, "settings.public", settings::public)
            .about("The settings anyone may read.")
            .knows(SETTINGS)
            .answers(ROWS),
        get("settings", settings::list)
            .about("All settings; only public ones for those who may not see the rest.")
            .knows(SETTINGS)
            .answers(ROWS),
        get("settings/{id}", settings::get)
            .about("One setting.")
            .needs(&[Permission::VIEW_PRIVILEGED_SETTING])
            .answers(&[("_id", Kind::Text), ("value", Kind::Any)]),
        post("settings/{id}", settings::save)
            .about("Gives a setting a value, or runs what it names.")
            .knows(&[
                ("value", Kind::Any),
                ("editor", Kind::Text),
                ("execute", Kind::Boolean),
            ])
            .needs(&[Permission::EDIT_PRIVILEGED_SETTING])
            .second_factor(),
        post("settings", settings::save_several)
            .about("Gives several settings values: all of them, or none.")
            .takes(&settings::SEVERAL)
            .needs(&[
                Permission::EDIT_PRIVILEGED_SETTING,
                Permission::MANAGE_SELECTED_SETTINGS,
            ])
            .second_factor(),
        public(Method::GET, "settings.oauth", login_services::oauth)
            .about("The ways to log in with an account elsewhere, as login screens show them.")
            .answers(&[("services", Kind::List)]),
        public(
            Method::GET,
            "service.configurations",
            login_services::service_configurations,
        )
        .about("The ways to log in with an account elsewhere, in full but for their secrets.")
        .answers(&[("configurations", Kind::List)]),
        post("settings.addCustomOAuth", login_services::add_custom)
            .about("Adds a way to log in with an account elsewhere, disabled at first.")
            .knows(&[("name", Kind::Text)])
            .needs_or(&[Permission::ADD_OAUTH_SERVICE], wording::adding_services)
            .second_factor(),
    ]
}

const APPS: &[Permission] = &[Permission::MANAGE_OAUTH_APPS];

const APP: &[(&str, Kind)] = &[
    ("name", Kind::Text),
    ("redirectUri", Kind::Any),
    ("active", Kind::Boolean),
];

const CHANGED_APP: &[(&str, Kind)] = &[("appId", Kind::Text), APP[0], APP[1], APP[2]];

fn oauth_routes() -> Vec<Route> {
    vec![
        get("oauth-apps.list", oauth_apps::list)
            .about("The programs that let people log in with their account here.")
            .needs_or(APPS, wording::not_allowed_text)
            .answers(&[("oauthApps", Kind::List)]),
        get("oauth-apps.get", oauth_apps::get)
            .about("One such program; its secret only for those who may manage them.")
            .knows(&[("clientId", Kind::Text), ("appId", Kind::Text)])
            .answers(&[("oauthApp", Kind::Object)]),
        post("oauth-apps.create", oauth_apps::create)
            .about("Adds such a program.")
            .knows(APP)
            .needs_or(APPS, wording::managing_oauth_apps)
            .answers(&[("application", Kind::Object)]),
        post("oauth-apps.update", oauth_apps::update)
            .about("Changes such a program.")
            .knows(CHANGED_APP)
            .needs_or(APPS, wording::managing_oauth_apps),
        post("oauth-apps.delete", oauth_apps::delete)
            .about("Removes such a program, and everything granted to it.")
            .knows(&[("appId", Kind::Text)])
            .needs_or(APPS, wording::managing_oauth_apps),
        public(
            Method::GET,
            "/oauth/authorize",
            oauth_provider::consent_page,
        )
        .about("Asks somebody who is logged in whether a program may use their account.")
        .knows(oauth_provider::AUTHORIZE)
        .sends(&["text/html"]),
        public(Method::POST, "/oauth/authorize", oauth_provider::authorize)
            .about("Takes the answer to that question, and sends the program a code.")
            .knows(oauth_provider::AUTHORIZE)
            .redirects(),
        public(Method::POST, "/oauth/token", oauth_provider::token)
            .about("Exchanges a code, or a token that renews others, for tokens.")
            .knows(oauth_provider::TOKEN)
            .answers_bare(Kind::Object),
        public(Method::GET, "/oauth/userinfo", oauth_provider::user_info)
            .about("Whose account an access token is for.")
            .answers_bare(Kind::Object),
    ]
}

fn cloud_routes() -> Vec<Route> {
    vec![
        get("licenses.get", cloud::licenses)
            .about("The licences of this workspace: none.")
            .needs(&[Permission::VIEW_PRIVILEGED_SETTING])
            .answers(&[("licenses", Kind::List)]),
        post("licenses.add", cloud::add_license)
            .about("Takes a licence, which changes nothing here.")
            .knows(&[("license", Kind::Document)])
            .needs(&[Permission::EDIT_PRIVILEGED_SETTING]),
        get("licenses.maxActiveUsers", cloud::max_active_users)
            .about("How many people may be active, and how many are.")
            .answers(&[("maxActiveUsers", Kind::Any), ("activeUsers", Kind::Number)]),
        readers(Method::GET, "licenses.isEnterprise", cloud::is_enterprise)
            .about("Whether this is the enterprise edition.")
            .answers(&[("isEnterprise", Kind::Boolean)]),
        get("licenses.info", cloud::license_info)
            .about("What the licence allows.")
            .knows(&[("loadValues", Kind::Boolean)])
            .answers(&[("license", Kind::Object)]),
        get("cloud.registrationStatus", cloud::registration_status)
            .about("Whether the workspace is registered with the cloud; for administrators.")
            .answers(&[("registrationStatus", Kind::Object)]),
        post("cloud.manualRegister", cloud::manual_register)
            .about("Registers the workspace with the cloud by hand.")
            .knows(&[("cloudBlob", Kind::Document)])
            .needs(&[Permission::REGISTER_ON_CLOUD]),
        post("cloud.createRegistrationIntent", cloud::registration_intent)
            .about("Begins to register the workspace with the cloud.")
            .knows(&[("resend", Kind::Boolean), ("email", Kind::Text)])
            .needs(&[Permission::MANAGE_CLOUD]),
        get("cloud.confirmationPoll", cloud::confirmation_poll)
            .about("Whether registering has been confirmed.")
            .knows(&[("deviceCode", Kind::Text)])
            .needs(&[Permission::MANAGE_CLOUD]),
    ]
}

fn banner_routes() -> Vec<Route> {
    const BANNERS: &[(&str, Kind)] = &[("banners", Kind::List)];
    const ROWS: &[(&str, Kind)] = &[("banners", Kind::List), LIST[0], LIST[1], LIST[2]];
    const PUBLISH: &[Permission] = &[Permission::MANAGE_CLOUD];
    vec![
        get("banners", banners::all)
            .about("What is announced to the caller.")
            .knows(&[("platform", Kind::Text)])
            .answers(BANNERS),
        get("banners/{id}", banners::one)
            .about("One announcement, as a list of at most one.")
            .knows(&[("platform", Kind::Text)])
            .answers(BANNERS),
        get("banners.getNew", banners::new)
            .about("What is announced to the caller and not dismissed.")
            .knows(&[("platform", Kind::Text), ("bid", Kind::Text)])
            .answers(BANNERS),
        post("banners.dismiss", banners::dismiss)
            .about("Dismisses an announcement.")
            .knows(&[("bannerId", Kind::Text)]),
        get("banners.list", banners::list)
            .about("Every announcement there ever was, for those who publish them.")
            .needs(PUBLISH)
            .knows(&PAGE)
            .answers(ROWS),
        post("banners.publish", banners::publish)
            .about("Announces something to people for a time.")
            .needs(PUBLISH)
            .knows(&[
                ("platform", Kind::Any),
                ("startAt", Kind::Text),
                ("expireAt", Kind::Text),
                ("roles", Kind::List),
                ("view", Kind::Object),
            ])
            .answers(&[("banner", Kind::Object)]),
        post("banners.withdraw", banners::withdraw)
            .about("Takes an announcement back.")
            .needs(PUBLISH)
            .knows(&[("bannerId", Kind::Text)]),
    ]
}

fn push_routes() -> Vec<Route> {
    vec![
        post("push.token", push::register)
            .about("Tells the server where a device of the caller is reached.")
            .knows(&[
                ("id", Kind::Text),
                ("type", Kind::Text),
                ("value", Kind::Text),
                ("appName", Kind::Text),
                ("voipToken", Kind::Text),
            ])
            .answers(&[("result", Kind::Object)]),
        logged_in(Method::DELETE, "push.token", push::forget)
            .about("Forgets a device of the caller.")
            .knows(&[("token", Kind::Text)]),
        get("push.get", push::get)
            .about("What a phone shows for a message it was told the id of.")
            .knows(&[("id", Kind::Text)])
            .answers(&[("data", Kind::Object)]),
        get("push.info", push::info)
            .about("Through which gateway devices are reached.")
            .answers(&[
                ("pushGatewayEnabled", Kind::Boolean),
                ("defaultPushGateway", Kind::Boolean),
            ]),
        post("push.test", push::test_own).about("Sends a notification to the caller's devices."),
    ]
}
