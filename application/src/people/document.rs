//! Documents of users, completed with presence, and which parts of them may be seen.

use domain::UserId;
use domain::presence::Status;
use domain::settings::{Settings, keys};
use serde_json::{Map, Value, json};

use crate::people::presence::Seen;
use crate::workspace::Workspace;

/// A JSON object.
pub type Doc = Map<String, Value>;

/// Fields of a raw document that an unprivileged caller does not get.
const BLOCKED: [&str; 13] = [
    "inactiveReason",
    "avatarOrigin",
    "emails",
    "phone",
    "statusConnection",
    "createdAt",
    "lastLogin",
    "services",
    "requirePasswordChange",
    "requirePasswordChangeReason",
    "roles",
    "statusDefault",
    "_updatedAt",
];

/// The stored document of a user, completed with presence, which is not stored.
pub fn user_doc(workspace: &Workspace, bytes: &[u8]) -> Doc {
    seen_doc(bytes, |user, chosen| workspace.presence().of(user, chosen))
}

/// The same for a user of whom others see `seen` of their id and the status they chose.
pub fn seen_doc(bytes: &[u8], seen: impl FnOnce(&UserId, Status) -> Seen) -> Doc {
    let mut doc: Doc = serde_json::from_slice(bytes).unwrap_or_default();
    if let Some(Value::Object(further)) = doc.remove("recordFields") {
        for (field, value) in further {
            doc.entry(field).or_insert(value);
        }
    }
    let text = |field: &str| doc.get(field).and_then(Value::as_str);
    let chosen = text("statusDefault").and_then(Status::find);
    let user = UserId::new(text("_id").unwrap_or_default());
    let seen = seen(&user, chosen.unwrap_or_default());
    add_presence(&mut doc, seen);
    doc
}

fn add_presence(doc: &mut Doc, seen: Seen) {
    doc.insert("status".to_owned(), json!(seen.status));
    doc.insert("statusConnection".to_owned(), json!(seen.connection));
    doc.entry("statusDefault")
        .or_insert_with(|| json!(Status::default()));
    doc.entry("utcOffset").or_insert_with(|| json!(0));
}

/// The fields of a raw document that the caller may see, or ask about (1.5).
pub fn visible(workspace: &Workspace, doc: &[u8], privileged: bool) -> Doc {
    let custom = visible_custom_fields(&workspace.views().settings(), privileged);
    let mut doc = user_doc(workspace, doc);
    let fields = doc.remove("customFields");
    doc.retain(|field, _| {
        field != "services"
            && (privileged || !(BLOCKED.contains(&field.as_str()) || field == "settings"))
    });
    insert_custom_fields(&mut doc, fields, &custom);
    doc
}

/// Whether `field` must not be asked for on user routes.
pub fn is_blocked_user_field(field: &str, privileged: bool) -> bool {
    let first = field.split('.').next().unwrap_or(field);
    first == "services" || (!privileged && (BLOCKED.contains(&first) || first == "settings"))
}

/// The names of the custom fields that everybody may see.
pub fn public_custom_fields(settings: &Settings) -> Vec<String> {
    let defined: Doc =
        serde_json::from_str(settings.text(keys::ACCOUNTS_CUSTOM_FIELDS)).unwrap_or_default();
    let public = defined
        .into_iter()
        .filter(|(_, field)| field["public"] == json!(true));
    public.map(|(name, _)| name).collect()
}

/// Which custom fields may be shown.
pub enum Custom {
    /// Whatever their definition says.
    All,
    /// Only those with these names.
    Named(Vec<String>),
}

/// Which custom fields are shown; `all`: whatever their definition says.
pub fn visible_custom_fields(settings: &Settings, all: bool) -> Custom {
    if all {
        return Custom::All;
    }
    Custom::Named(public_custom_fields(settings))
}

/// Adds those of the fields to the document that may be shown.
pub fn insert_custom_fields(doc: &mut Doc, fields: Option<Value>, visible: &Custom) {
    let Some(Value::Object(mut fields)) = fields else {
        return;
    };
    if let Custom::Named(names) = visible {
        fields.retain(|name, _| names.contains(name));
        if fields.is_empty() {
            return;
        }
    }
    doc.insert("customFields".to_owned(), Value::Object(fields));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_is_filled_in() {
        let mut doc: Doc =
            serde_json::from_str(r#"{"_id":"u","username":"ada"}"#).unwrap_or_default();
        add_presence(&mut doc, Seen::OFFLINE);
        assert_eq!(doc.get("statusDefault"), Some(&json!("online")));
        assert_eq!(doc.get("status"), Some(&json!("offline")));
        assert_eq!(doc.get("username"), Some(&json!("ada")));
    }
}
