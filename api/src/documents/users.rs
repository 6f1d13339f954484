//! Wire documents as the caller may see them (contract, conventions 5).

use std::sync::LazyLock;

use application::people::document::{
    Custom, Doc, insert_custom_fields, seen_doc, user_doc, visible, visible_custom_fields,
};
use application::people::presence::Seen;
use domain::UserId;
use domain::permission::Permission;
use domain::settings::{Settings, definitions};
use domain::site::Site;
use projections::UserFacts;
use serde_json::{Value, json};

use crate::errors::ApiError;
use crate::http::call::Call;
use crate::state::AppState;
use crate::state::kept::MadeOf;

/// Prefix of the settings that are the defaults of user preferences.
const PREFERENCE: &str = "Accounts_Default_User_Preferences_";

/// What everybody may see of a user.
const PUBLIC: [&str; 13] = [
    "_id",
    "name",
    "username",
    "nickname",
    "status",
    "utcOffset",
    "type",
    "active",
    "bio",
    "reason",
    "statusText",
    "avatarETag",
    "extension",
];

/// What only the user and holders of `view-full-other-user-info` may see.
const FULL: [&str; 9] = [
    "inactiveReason",
    "emails",
    "phone",
    "statusConnection",
    "createdAt",
    "lastLogin",
    "requirePasswordChange",
    "requirePasswordChangeReason",
    "roles",
];

/// What only connections tell.
const PRESENCE: [&str; 2] = ["status", "statusConnection"];

/// What lists of members show.
const MEMBER: [&str; 8] = [
    "_id",
    "username",
    "name",
    "nickname",
    "status",
    "statusText",
    "avatarETag",
    "_updatedAt",
];

/// What `im.members` shows.
const IN_DIRECT: [&str; 7] = [
    "_id",
    "username",
    "name",
    "status",
    "statusText",
    "utcOffset",
    "federated",
];

/// What `me` shows users of themselves.
const ME: [&str; 22] = [
    "_id",
    "name",
    "username",
    "nickname",
    "emails",
    "status",
    "statusDefault",
    "statusText",
    "statusConnection",
    "bio",
    "avatarOrigin",
    "utcOffset",
    "language",
    "roles",
    "active",
    "defaultRoom",
    "customFields",
    "requirePasswordChange",
    "requirePasswordChangeReason",
    "_updatedAt",
    "avatarETag",
    "extension",
];

/// `{_id, username}` of whoever did something; without a name if the account no longer exists.
pub async fn author(state: &AppState, id: &UserId) -> Result<Value, ApiError> {
    Ok(match state.views().user(id).await? {
        Some(user) => json!({ "_id": id, "username": user.username }),
        None => json!({ "_id": id }),
    })
}

/// What `me` and login return (5.2); `services` is [`crate::http::second_factors::services`].
pub fn me(made_of: &MadeOf, services: Value) -> Doc {
    let (user, settings) = (&made_of.user, &*made_of.settings);
    let stored = seen_doc(&user.doc, |_, _| made_of.seen);
    let verified = user.verified_addresses().next();
    let preferences = preferences(settings, stored.get("settings"));
    let mut me = keep(stored, |field| ME.contains(&field));
    me.extend(verified.map(|address| ("email".to_owned(), json!(address))));
    me.insert(
        "settings".to_owned(),
        json!({ "profile": {}, "preferences": preferences }),
    );
    me.insert("services".to_owned(), services);
    let clients = &made_of.proofs.clients;
    if !clients.is_empty() {
        let clients = json!({ "authorizedClients": clients });
        me.insert("oauth".to_owned(), clients);
    }
    me.insert(
        "avatarUrl".to_owned(),
        json!(Site::of(settings).avatar(&user.username)),
    );
    me
}

/// The preferences of an account: what was chosen, and the language.
pub fn chosen_preferences(user: &UserFacts) -> Doc {
    let mut doc: Value = serde_json::from_slice(&user.doc).unwrap_or_default();
    let mut chosen = match doc["settings"]["preferences"].take() {
        Value::Object(chosen) => chosen,
        _ => Doc::new(),
    };
    if let language @ Value::String(_) = doc["language"].take() {
        chosen.insert("language".to_owned(), language);
    }
    chosen
}

/// The defaults, overlaid with what the user chose.
fn preferences(settings: &Settings, stored: Option<&Value>) -> Doc {
    /// Preferences with the settings of their defaults, looked up once.
    static DEFAULTS: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
        let ids = definitions().iter().map(|definition| &*definition.id);
        ids.filter_map(|id| Some((id.strip_prefix(PREFERENCE)?, id)))
            .collect()
    });
    let mut preferences: Doc = DEFAULTS
        .iter()
        .map(|(name, id)| ((*name).to_owned(), settings.get(id).clone()))
        .collect();
    if let Some(chosen) = stored.and_then(|settings| settings.get("preferences")?.as_object()) {
        preferences.extend(chosen.clone());
    }
    preferences
}

/// What `users.info` shows of `user` (5.3).
pub fn info(call: &Call, user: &UserFacts) -> Doc {
    let all = call.caller.id() == &user.id || call.may(Permission::VIEW_FULL_OTHER_USER_INFO);
    let custom = visible_custom_fields(&call.state.views().settings(), all);
    let mut doc = user_doc(&call.state, &user.doc);
    let fields = doc.remove("customFields");
    let mut doc = keep(doc, |field| {
        PUBLIC.contains(&field) || (all && FULL.contains(&field))
    });
    insert_custom_fields(&mut doc, fields, &custom);
    doc.insert("canViewAllInfo".to_owned(), json!(all));
    doc
}

pub fn public_user(state: &AppState, doc: &[u8]) -> Doc {
    keep(user_doc(state, doc), |field| PUBLIC.contains(&field))
}

/// What suggestions show while somebody types a name (5.4).
pub fn suggested(state: &AppState, doc: &[u8]) -> Doc {
    const SUGGESTED: [&str; 6] = [
        "_id",
        "name",
        "username",
        "nickname",
        "status",
        "avatarETag",
    ];
    keep(user_doc(state, doc), |field| SUGGESTED.contains(&field))
}

/// What lists of members show of a user (contract, rooms 11).
pub fn member(state: &AppState, doc: &[u8]) -> Doc {
    keep(user_doc(state, doc), |field| MEMBER.contains(&field))
}

/// The same of somebody in a direct message, which shows more of them.
pub fn in_direct(state: &AppState, doc: &[u8]) -> Doc {
    keep(user_doc(state, doc), |field| IN_DIRECT.contains(&field))
}

/// As [`member`], of a document of an earlier time. Who was there is not recorded.
pub fn past_member(doc: &[u8]) -> Doc {
    let doc = seen_doc(doc, |_, _| Seen::OFFLINE);
    keep(doc, |field| {
        MEMBER.contains(&field) && !PRESENCE.contains(&field)
    })
}

/// All that [`info`] shows, of an earlier time.
pub fn past_info(doc: &[u8]) -> Doc {
    let mut doc = seen_doc(doc, |_, _| Seen::OFFLINE);
    let fields = doc.remove("customFields");
    let mut doc = keep(doc, |field| {
        (PUBLIC.contains(&field) || FULL.contains(&field)) && !PRESENCE.contains(&field)
    });
    insert_custom_fields(&mut doc, fields, &Custom::All);
    doc
}

/// A raw document as `users.create`, `users.update` and `users.register` return it (1.5).
pub fn raw(state: &AppState, user: &UserFacts, privileged: bool) -> Doc {
    visible(state, &user.doc, privileged)
}

fn keep(mut doc: Doc, wanted: impl Fn(&str) -> bool) -> Doc {
    doc.retain(|field, _| wanted(field));
    doc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_thirty_default_preferences() {
        let preferences = preferences(
            &Settings::default(),
            Some(&json!({"preferences": {"language": "de"}})),
        );
        assert_eq!(preferences.get("desktopNotifications"), Some(&json!("all")));
        assert_eq!(preferences.get("language"), Some(&json!("de")));
    }
}
