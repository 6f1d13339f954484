//! Further fields of the record of a user, which administrators have custom fields write (contract, conventions 6.5,
//! `modifyRecordField`).
//!
//! What the server keeps of an account by rules of its own stays out of their reach: a custom field that wrote `roles`
//! would make everybody an administrator who may edit their profile.

use serde_json::{Map, Value};

use super::{RecordField, RecordFieldsWritten, UserEvent};
use crate::{Timestamp, UserId};

/// Fields of a record (contract, conventions 5.1) that follow from other events, or that the server or its clients
/// trust. What begins with `_` is kept as well.
const KEPT: [&str; 44] = [
    "active",
    "appId",
    "avatarETag",
    "avatarOrigin",
    "avatarUrl",
    "banners",
    "bio",
    "canViewAllInfo",
    "createdAt",
    "customFields",
    "defaultRoom",
    "e2e",
    "email",
    "emails",
    "enableAutoAway",
    "federated",
    "federation",
    "idleTimeLimit",
    "importIds",
    "inactiveReason",
    "inviteToken",
    "joinCode",
    "language",
    "lastLogin",
    "members",
    "name",
    "nickname",
    "oauth",
    "reason",
    "recordFields",
    "requirePasswordChange",
    "requirePasswordChangeReason",
    "roles",
    "rooms",
    "services",
    "settings",
    "status",
    "statusConnection",
    "statusDefault",
    "statusLivechat",
    "statusText",
    "type",
    "username",
    "utcOffset",
];

/// Longest name of such a field, in bytes.
const LONGEST_NAME: usize = 64;

/// Most values of a list; the oldest goes first.
const MOST_VALUES: usize = 100;

/// Whether custom fields may write that field of a record.
pub fn is_writable(field: &str) -> bool {
    let mut bytes = field.bytes();
    let is_name = bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name && field.len() <= LONGEST_NAME && !KEPT.contains(&field)
}

impl RecordField {
    /// Writes the value into the further fields of a record. Writing what is there changes nothing.
    pub fn write(&self, record: &mut Map<String, Value>) {
        let value = Value::from(self.value.as_str());
        if !self.append {
            record.insert(self.field.clone(), value);
            return;
        }
        let list = record.entry(self.field.clone()).or_insert(Value::Null);
        if !list.is_array() {
            *list = Value::Array(Vec::new());
        }
        if let Value::Array(values) = list
            && !values.contains(&value)
        {
            if values.len() >= MOST_VALUES {
                values.remove(0);
            }
            values.push(value);
        }
    }

    /// Whether the record has the value already.
    pub(super) fn is_in(&self, record: &Map<String, Value>) -> bool {
        match record.get(&self.field) {
            Some(Value::Array(values)) if self.append => {
                values.iter().any(|value| *value == self.value)
            }
            Some(value) => !self.append && *value == self.value,
            None => false,
        }
    }
}

/// The event that says which fields were written, if any were.
pub(super) fn written(user: &UserId, fields: Vec<RecordField>, at: Timestamp) -> Option<UserEvent> {
    let user = user.clone();
    (!fields.is_empty()).then(|| RecordFieldsWritten { user, fields, at }.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn write(record: &mut Map<String, Value>, value: &str, append: bool) {
        let field = RecordField {
            field: "team".to_owned(),
            value: value.to_owned(),
            append,
        };
        field.write(record);
        assert!(field.is_in(record));
    }

    #[test]
    fn what_the_server_keeps_is_out_of_reach() {
        for field in KEPT {
            assert!(!is_writable(field), "{field}");
        }
        for field in ["", "_id", "__rooms", "$set", "a.b", "services.x", "1a", "ä"] {
            assert!(!is_writable(field), "{field}");
        }
        for field in ["phone", "extension", "department", "cost_centre"] {
            assert!(is_writable(field), "{field}");
        }
    }

    #[test]
    fn a_value_replaces_and_a_list_grows() {
        let mut record = Map::new();
        write(&mut record, "red", false);
        write(&mut record, "blue", false);
        assert_eq!(record["team"], json!("blue"));
        write(&mut record, "red", true);
        write(&mut record, "blue", true);
        write(&mut record, "red", true);
        assert_eq!(record["team"], json!(["red", "blue"]));
        for number in 0..MOST_VALUES {
            write(&mut record, &number.to_string(), true);
        }
        assert_eq!(record["team"].as_array().map(Vec::len), Some(MOST_VALUES));
        assert_eq!(record["team"][0], json!("0"), "the oldest went");
    }
}
