//! Accounts, as their owners and as administrators see them.

use axum::http::Method;
use domain::permission::Permission;
use domain::settings::keys;

use crate::http::route::{Rate, Route, get, post, public};
use crate::http::schema::Kind;
use crate::rest::identity::registration;
use crate::rest::people::{account_end, accounts, lists, profile, users};
use crate::rest::record::data_export;

const USER: &[(&str, Kind)] = &[("user", Kind::Object)];
const RESULT: &[(&str, Kind)] = &[("result", Kind::Text)];
const LISTED: &[(&str, Kind)] = &[
    ("users", Kind::List),
    ("count", Kind::Number),
    ("offset", Kind::Number),
    ("total", Kind::Number),
];

pub(super) fn routes() -> Vec<Route> {
    [signing_up(), looking(), changing(), leaving()].concat()
}

fn signing_up() -> Vec<Route> {
    vec![
        public(Method::POST, "users.register", registration::register)
            .about("Signs somebody up.")
            .takes(&registration::REGISTER)
            .rate(Rate::Setting(keys::RATE_LIMITER_LIMIT_REGISTER_USER))
            .answers(USER),
        post("users.create", accounts::create)
            .about("Makes an account for somebody.")
            .takes(&accounts::CREATE)
            .needs_or(&[Permission::CREATE_USER], accounts::create_not_allowed)
            .answers(USER),
        get(
            "users.getUsernameSuggestion",
            registration::username_suggestion,
        )
        .about("Suggests a user name that is free.")
        .answers(RESULT),
        get(
            "users.checkUsernameAvailability",
            registration::check_availability,
        )
        .about("Tells whether the caller could have that user name.")
        .takes(&registration::USERNAME)
        .answers(&[("result", Kind::Boolean)]),
    ]
}

fn looking() -> Vec<Route> {
    vec![
        get("users.info", users::info)
            .about("Tells what the caller may know of a user.")
            .takes(&users::INFO)
            .answers(USER),
        get("users.list", lists::list)
            .about("Lists users.")
            .needs(&[Permission::VIEW_D_ROOM])
            .knows(&[
                ("count", Kind::Number),
                ("offset", Kind::Number),
                ("sort", Kind::Text),
                ("fields", Kind::Text),
                ("query", Kind::Text),
            ])
            .answers(LISTED),
        get("users.listByStatus", lists::list_by_status)
            .about("Lists users by whether they may log in, ever did, and what they are.")
            .needs(&[Permission::VIEW_D_ROOM])
            .takes(&lists::BY_STATUS)
            .answers(LISTED),
        get("users.autocomplete", lists::autocomplete)
            .about("Suggests users while somebody types a name.")
            .knows(&[("selector", Kind::Text)])
            .answers(&[("items", Kind::List)]),
        get("users.listTeams", users::list_teams)
            .about("Lists the teams of a user.")
            .takes(&users::TEAMS)
            .answers(&[("teams", Kind::List)]),
        get("users.getPreferences", profile::preferences)
            .about("Tells what the caller prefers.")
            .answers(&[("preferences", Kind::Object)]),
        get("users.requestDataDownload", data_export::request)
            .about("Asks for a copy of the caller's own data.")
            .takes(&data_export::REQUEST)
            .answers(&[
                ("requested", Kind::Boolean),
                ("exportOperation", Kind::Object),
            ]),
        // The link of a mail is followed by a browser, which cannot send the headers of the API.
        public(Method::GET, "/data-export/{id}", data_export::download)
            .about("Gives a copy of their data to its owner."),
    ]
}

fn changing() -> Vec<Route> {
    vec![
        post("users.update", accounts::update)
            .about("Changes an account.")
            .takes(&accounts::UPDATE)
            .second_factor()
            .answers(USER),
        post("users.updateOwnBasicInfo", profile::update_own)
            .about("Changes the caller's own profile.")
            .takes(&profile::OWN)
            .answers(USER),
        post("users.setPreferences", profile::set_preferences)
            .about("Changes what a user prefers.")
            .takes(&profile::SET_PREFERENCES)
            .answers(USER),
    ]
}

fn leaving() -> Vec<Route> {
    vec![
        post("users.setActiveStatus", account_end::set_active_status)
            .about("Says whether somebody may log in.")
            .takes(&account_end::SET_ACTIVE)
            .needs(&[Permission::EDIT_OTHER_USER_ACTIVE_STATUS]),
        post("users.deactivateIdle", account_end::deactivate_idle)
            .about("Takes the right to log in from those who have not done so for long.")
            .takes(&account_end::DEACTIVATE_IDLE)
            .needs(&[Permission::EDIT_OTHER_USER_ACTIVE_STATUS])
            .answers(&[("count", Kind::Number)]),
        post("users.delete", account_end::delete)
            .about("Deletes an account.")
            .needs(&[Permission::DELETE_USER])
            .knows(&[
                ("userId", Kind::Text),
                ("username", Kind::Text),
                ("user", Kind::Text),
                ("confirmRelinquish", Kind::Boolean),
            ]),
        post("users.deleteOwnAccount", account_end::delete_own)
            .about("Deletes the caller's own account.")
            .knows(&[
                ("password", Kind::Text),
                ("confirmRelinquish", Kind::Boolean),
            ]),
    ]
}
