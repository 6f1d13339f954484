//! Small services around the workspace.

use std::time::Duration;

use axum::http::Method;
use domain::permission::Permission;

use crate::errors::wording;
use crate::http::route::{Rate, Route, get, logged_in, post, public, readers};
use crate::http::schema::{Kind, PAGE};
use crate::rest::admin::{i18n, moderation, statistics};
use crate::rest::chat::autotranslate;
use crate::rest::identity::e2e;
use crate::rest::integrations::{dns, email_inbox, shield, small};
use crate::rest::people::{custom_status, presence, search};

/// Who is meant; nobody named: the caller.
const SOMEBODY: [(&str, Kind); 3] = [
    ("userId", Kind::Text),
    ("username", Kind::Text),
    ("user", Kind::Text),
];

/// What every paged list answers beside its items.
macro_rules! paged {
    ($items:literal) => {
        &[
            ($items, Kind::List),
            ("count", Kind::Number),
            ("offset", Kind::Number),
            ("total", Kind::Number),
        ]
    };
}

pub(super) fn routes() -> Vec<Route> {
    [
        presence_routes(),
        custom_status_routes(),
        search_routes(),
        figures(),
        encryption(),
        moderation_routes(),
        around(),
        import(),
        video(),
    ]
    .concat()
}

fn presence_routes() -> Vec<Route> {
    vec![
        get("users.presence", presence::list)
            .about("Lists who is there, or whose status changed lately.")
            .knows(&[("ids", Kind::Any), ("from", Kind::Text)])
            .answers(&[("users", Kind::List), ("full", Kind::Boolean)]),
        get("users.getPresence", presence::get)
            .about("Tells whether somebody is there.")
            .knows(&SOMEBODY)
            .answers(&[("presence", Kind::Text)]),
        get("users.getStatus", presence::get_status)
            .about("Tells what somebody is shown as, and what they say they are up to.")
            .knows(&SOMEBODY)
            .answers(&[
                ("_id", Kind::Text),
                ("status", Kind::Text),
                ("message", Kind::Text),
            ]),
        post("users.setStatus", presence::set_status)
            .about("Says what somebody is up to, and what they are to be shown as.")
            .knows(&[
                ("message", Kind::Text),
                ("status", Kind::Text),
                ("userId", Kind::Text),
                ("username", Kind::Text),
                ("user", Kind::Text),
            ]),
    ]
}

fn custom_status_routes() -> Vec<Route> {
    const MANAGE: &[Permission] = &[Permission::MANAGE_USER_STATUS];
    vec![
        get("custom-user-status.list", custom_status::list)
            .about("Lists the custom user statuses.")
            .knows(&PAGE)
            .answers(paged!("statuses")),
        post("custom-user-status.create", custom_status::create)
            .about("Makes a custom user status.")
            .needs_or(MANAGE, wording::not_authorized_code)
            .knows(&[("name", Kind::Text), ("statusType", Kind::Text)])
            .answers(&[("customUserStatus", Kind::Object)]),
        post("custom-user-status.update", custom_status::update)
            .about("Changes a custom user status.")
            .needs_or(MANAGE, wording::not_authorized_code)
            .knows(&[
                ("_id", Kind::Text),
                ("name", Kind::Text),
                ("statusType", Kind::Text),
            ])
            .answers(&[("customUserStatus", Kind::Object)]),
        post("custom-user-status.delete", custom_status::delete)
            .about("Does away with a custom user status.")
            .needs_or(MANAGE, wording::not_authorized_code)
            .knows(&[("customUserStatusId", Kind::Text)]),
    ]
}

fn search_routes() -> Vec<Route> {
    vec![
        get("spotlight", search::spotlight)
            .about("Proposes people and channels for a text.")
            .takes(&search::SPOTLIGHT)
            .answers(&[("users", Kind::List), ("rooms", Kind::List)]),
        get("directory", search::directory)
            .about("Lists the channels or the people of the workspace.")
            .knows(&[
                ("query", Kind::Text),
                ("text", Kind::Text),
                ("type", Kind::Text),
                ("workspace", Kind::Text),
                ("sort", Kind::Text),
                ("count", Kind::Number),
                ("offset", Kind::Number),
            ])
            .answers(paged!("result")),
        public(Method::GET, "shield.svg", shield::shield)
            .about("A badge for web pages.")
            .takes(&shield::SHIELD)
            .rate(Rate::Calls(60, Duration::from_mins(1)))
            .sends(&["image/svg+xml"]),
    ]
}

fn figures() -> Vec<Route> {
    vec![
        get("statistics", statistics::get)
            .about("The newest figures of the workspace, or fresh ones.")
            .needs_or(statistics::FIGURES, wording::plainly_not_allowed)
            .knows(&[("refresh", Kind::Boolean)]),
        get("statistics.list", statistics::list)
            .about("Figures of the workspace over time.")
            .needs_or(statistics::FIGURES, wording::plainly_not_allowed)
            .knows(&PAGE)
            .answers(paged!("statistics")),
        post("statistics.telemetry", statistics::telemetry)
            .about("Counts what users do.")
            .knows(&[("params", Kind::List)]),
        get("instances.get", statistics::instances)
            .about("The processes that serve the workspace.")
            .needs(statistics::FIGURES)
            .answers(&[("instances", Kind::List)]),
        get("stdout.queue", statistics::log_lines)
            .about("The last lines of the log.")
            .needs(&[Permission::VIEW_LOGS])
            .answers(&[("queue", Kind::List)]),
    ]
}

fn encryption() -> Vec<Route> {
    vec![
        post("e2e.setUserPublicAndPrivateKeys", e2e::set_keys)
            .about("Keeps the key pair of the caller.")
            .takes(&e2e::KEYS),
        get("e2e.fetchMyKeys", e2e::fetch_keys).about("The key pair of the caller."),
        get("e2e.getUsersOfRoomWithoutKey", e2e::users_without_key)
            .about("Members of a room who wait for its key.")
            .takes(&e2e::ROOM)
            .answers(&[("users", Kind::List)]),
        post("e2e.setRoomKeyID", e2e::set_room_key_id)
            .about("Says what the key of a room is known by.")
            .takes(&e2e::ROOM_KEY),
        post("e2e.updateGroupKey", e2e::update_group_key)
            .about("Keeps the key of a room for the caller, or offers it to another member.")
            .takes(&e2e::GROUP_KEY),
        post("e2e.acceptSuggestedGroupKey", e2e::accept)
            .about("Takes the key that another member offers.")
            .takes(&e2e::ROOM),
        post("e2e.rejectSuggestedGroupKey", e2e::reject)
            .about("Turns the key down that another member offers.")
            .takes(&e2e::ROOM),
        get("e2e.fetchUsersWaitingForGroupKey", e2e::fetch_waiting)
            .about("Members of several rooms who wait for their keys.")
            .knows(&[("roomIds", Kind::Any)])
            .answers(&[("usersWaitingForE2EKeys", Kind::Object)]),
        post("e2e.provideUsersSuggestedGroupKeys", e2e::provide)
            .about("Offers keys of several rooms to their members.")
            .takes(&e2e::SUGGESTIONS),
        post("e2e.resetRoomKey", e2e::reset_room_key)
            .about("Gives a room another key in place of one that got lost.")
            .takes(&e2e::RESET),
    ]
}

fn moderation_routes() -> Vec<Route> {
    const LOOK: &[Permission] = &[Permission::VIEW_MODERATION_CONSOLE];
    const ACT: &[Permission] = &[Permission::MANAGE_MODERATION_ACTIONS];
    const SEARCH: [(&str, Kind); 6] = [
        ("latest", Kind::Text),
        ("oldest", Kind::Text),
        ("selector", Kind::Text),
        ("count", Kind::Number),
        ("offset", Kind::Number),
        ("sort", Kind::Text),
    ];
    const OF_USER: [(&str, Kind); 4] = [
        ("userId", Kind::Text),
        ("count", Kind::Number),
        ("offset", Kind::Number),
        ("sort", Kind::Text),
    ];
    vec![
        post("chat.reportMessage", moderation::report_message)
            .about("Reports a message to the moderators.")
            .knows(&[("messageId", Kind::Text), ("description", Kind::Text)]),
        post("moderation.reportUser", moderation::report_user)
            .about("Reports a user to the moderators.")
            .takes(&moderation::REPORT_USER),
        get("moderation.reportsByUsers", moderation::messages_by_users)
            .about("Users whose messages were reported.")
            .requires(LOOK)
            .knows(&SEARCH)
            .answers(paged!("reports")),
        get("moderation.userReports", moderation::users)
            .about("Users who were reported.")
            .requires(LOOK)
            .knows(&SEARCH)
            .answers(paged!("reports")),
        get(
            "moderation.user.reportedMessages",
            moderation::messages_of_user,
        )
        .about("The reported messages of a user.")
        .requires(LOOK)
        .knows(&OF_USER)
        .answers(paged!("messages")),
        get(
            "moderation.user.reportsByUserId",
            moderation::reports_of_user,
        )
        .about("The reports of a user.")
        .requires(LOOK)
        .knows(&OF_USER)
        .answers(paged!("reports")),
        get("moderation.reports", moderation::of_message)
            .about("The reports of a message.")
            .requires(LOOK)
            .knows(&[
                ("msgId", Kind::Text),
                ("count", Kind::Number),
                ("offset", Kind::Number),
                ("sort", Kind::Text),
            ])
            .answers(paged!("reports")),
        get("moderation.reportInfo", moderation::info)
            .about("One report.")
            .requires(LOOK)
            .knows(&[("reportId", Kind::Text)])
            .answers(&[("report", Kind::Object)]),
        post("moderation.dismissReports", moderation::dismiss_messages)
            .about("Deals with the reports of a message, or of all messages of a user.")
            .requires(ACT)
            .takes(&moderation::DISMISS),
        post("moderation.dismissUserReports", moderation::dismiss_users)
            .about("Deals with the reports of a user.")
            .requires(ACT)
            .takes(&moderation::OF_USER),
        post(
            "moderation.user.deleteReportedMessages",
            moderation::delete_reported,
        )
        .about("Deletes the reported messages of a user.")
        .requires(ACT)
        .takes(&moderation::OF_USER),
    ]
}

fn around() -> Vec<Route> {
    const INBOXES: &[Permission] = &[Permission::MANAGE_EMAIL_INBOX];
    const LDAP: &[Permission] = &[Permission::TEST_ADMIN_OPTIONS];
    vec![
        public(Method::GET, "pw.getPolicy", small::password_policy)
            .about("The rules that passwords must meet.")
            .answers(&[("enabled", Kind::Boolean), ("policy", Kind::List)]),
        public(
            Method::GET,
            "pw.getPolicyReset",
            small::password_policy_reset,
        )
        .about("The rules that passwords must meet, for those who choose a new one.")
        .knows(&[("token", Kind::Text)])
        .answers(&[("enabled", Kind::Boolean), ("policy", Kind::List)]),
        post("fingerprint", small::fingerprint)
            .about("Says whether this is a new workspace, or the same one elsewhere.")
            .requires(&[Permission::MANAGE_CLOUD])
            .takes(&small::FINGERPRINT),
        public(Method::GET, "/robots.txt", small::robots)
            .about("What search engines are asked to leave alone.")
            .rate(Rate::Unlimited)
            .sends(&["text/plain"]),
        public(Method::GET, "/i18n/{file}", i18n::texts)
            .about("The server's own texts in a language, as `<language>.json`.")
            .rate(Rate::Unlimited)
            .answers_bare(Kind::Object),
        public(Method::GET, "/_timesync", small::timesync)
            .about("The time of the server, in milliseconds.")
            .rate(Rate::Unlimited)
            .sends(&["text/plain"]),
        public(
            Method::POST,
            "/api/ecdh_proxy/initEncryptedSession",
            small::encrypted_session,
        )
        .about("Says that there is no encrypted session beside TLS.")
        .answers_bare(Kind::Object),
        get("dns.resolve.srv", dns::srv)
            .about("The best SRV record of a name.")
            .knows(&[("url", Kind::Text)])
            .answers(&[("resolved", Kind::Object)]),
        post("dns.resolve.txt", dns::txt)
            .about("The first TXT record of a name, which the query string gives.")
            .answers(&[("resolved", Kind::Text)]),
        get("webdav.getMyAccounts", autotranslate::webdav_accounts)
            .about("The accounts of the caller on WebDAV servers.")
            .answers(&[("accounts", Kind::List)]),
        get(
            "autotranslate.getSupportedLanguages",
            autotranslate::languages,
        )
        .about("The languages that messages can be translated into.")
        .knows(&[("targetLanguage", Kind::Text)])
        .answers(&[("languages", Kind::List)]),
        post("autotranslate.saveSettings", autotranslate::save_settings)
            .about("Says what the caller wants translated in a room.")
            .knows(&[
                ("roomId", Kind::Text),
                ("field", Kind::Text),
                ("value", Kind::Any),
                ("defaultLanguage", Kind::Text),
            ]),
        post("autotranslate.translateMessage", autotranslate::translate)
            .about("Asks for the translation of a message.")
            .knows(&[("messageId", Kind::Text), ("targetLanguage", Kind::Text)]),
        get("email-inbox.list", email_inbox::list)
            .about("Lists the e-mail inboxes of the workspace.")
            .needs_or(INBOXES, wording::plainly_not_allowed)
            .knows(&PAGE)
            .answers(paged!("emailInboxes")),
        post("email-inbox", email_inbox::save)
            .about("Adds an e-mail inbox, or changes the one of an id.")
            .needs_or(INBOXES, wording::plainly_not_allowed)
            .knows(&[
                ("_id", Kind::Text),
                ("active", Kind::Boolean),
                ("name", Kind::Text),
                ("email", Kind::Text),
                ("description", Kind::Text),
                ("senderInfo", Kind::Text),
                ("department", Kind::Text),
                ("smtp", Kind::Object),
                ("imap", Kind::Object),
            ])
            .answers(&[("_id", Kind::Text)]),
        get("email-inbox/{id}", email_inbox::get)
            .about("An e-mail inbox, without its passwords.")
            .needs_or(INBOXES, wording::plainly_not_allowed),
        logged_in(Method::DELETE, "email-inbox/{id}", email_inbox::remove)
            .about("Does away with an e-mail inbox.")
            .needs_or(INBOXES, wording::plainly_not_allowed)
            .answers(&[("_id", Kind::Text)]),
        get("email-inbox.search", email_inbox::search)
            .about("The e-mail inbox of an address.")
            .needs_or(INBOXES, wording::plainly_not_allowed)
            .knows(&[("email", Kind::Text)])
            .answers(&[("emailInbox", Kind::Any)]),
        post("email-inbox.send-test/{id}", email_inbox::send_test)
            .about("Sends the caller a mail through an e-mail inbox.")
            .needs_or(INBOXES, wording::plainly_not_allowed)
            .answers(&[("_id", Kind::Text)]),
        post("ldap.testConnection", small::ldap)
            .about("Tries to reach the LDAP server.")
            .needs_or(LDAP, wording::plainly_not_authorized),
        post("ldap.testSearch", small::ldap)
            .about("Looks somebody up on the LDAP server.")
            .needs_or(LDAP, wording::plainly_not_authorized)
            .knows(&[("username", Kind::Text)]),
        post("ldap.syncNow", small::ldap)
            .about("Takes accounts over from the LDAP server.")
            .needs_or(LDAP, wording::plainly_not_authorized),
    ]
}

fn import() -> Vec<Route> {
    const RUN: &[Permission] = &[Permission::RUN_IMPORT];
    let refused = wording::import_not_allowed;
    let file = &[
        ("importerKey", Kind::Text),
        ("fileUrl", Kind::Text),
        ("fileName", Kind::Text),
        ("contentType", Kind::Text),
        ("binaryContent", Kind::Document),
    ];
    vec![
        post("uploadImportFile", small::import_file)
            .about("Sends what is to be imported.")
            .needs_or(RUN, refused)
            .knows(file),
        post("downloadPublicImportFile", small::import_file)
            .about("Says where what is to be imported can be fetched.")
            .needs_or(RUN, refused)
            .knows(file),
        get("getImportFileData", |_| async {
            small::no_import("getImportFileData")
        })
        .about("What can be imported.")
        .needs_or(RUN, refused),
        post("startImport", |_| async { small::no_import("startImport") })
            .about("Imports what was chosen.")
            .needs_or(RUN, refused)
            .knows(&[("input", Kind::Object)]),
        get("getImportProgress", |_| async {
            small::no_import("getImportProgress")
        })
        .about("How far an import is.")
        .needs_or(RUN, refused),
        get("getLatestImportOperations", small::import_operations)
            .about("The last imports.")
            .needs_or(
                &[Permission::VIEW_IMPORT_OPERATIONS, Permission::RUN_IMPORT],
                refused,
            )
            .answers_bare(Kind::List),
        get("getCurrentImportOperation", |_| async {
            small::no_import("getCurrentImportOperation")
        })
        .about("The import that runs.")
        .needs(RUN),
        post("downloadPendingFiles", small::import_pending)
            .about("Fetches files that an import left out.")
            .needs(RUN)
            .answers(&[("count", Kind::Number)]),
        post("downloadPendingAvatars", small::import_pending)
            .about("Fetches pictures that an import left out.")
            .needs(RUN)
            .answers(&[("count", Kind::Number)]),
    ]
}

fn video() -> Vec<Route> {
    let few = Rate::Calls(3, Duration::from_mins(1));
    let many = Rate::Calls(3, Duration::from_secs(1));
    vec![
        post("video-conference.start", small::video_start)
            .about("Starts a video conference.")
            .takes(&small::START)
            .rate(few),
        readers(Method::POST, "video-conference.join", small::video_join)
            .about("Joins a video conference.")
            .takes(&small::JOIN)
            .rate(Rate::Calls(2, Duration::from_secs(5))),
        post("video-conference.cancel", small::video_call)
            .about("Takes a call back.")
            .takes(&small::CALL)
            .rate(few),
        get("video-conference.info", small::video_call)
            .about("A video conference.")
            .takes(&small::CALL)
            .rate(many),
        get("video-conference.list", small::video_calls)
            .about("The video conferences of a room.")
            .takes(&small::CALLS)
            .rate(many)
            .answers(paged!("data")),
        get("video-conference.providers", small::video_providers)
            .about("The programs that hold video conferences.")
            .takes(&small::NOTHING)
            .rate(many)
            .answers(&[("data", Kind::List)]),
        get("video-conference.capabilities", small::video_capabilities)
            .about("What video conferences can do here.")
            .takes(&small::NOTHING)
            .rate(many),
    ]
}
