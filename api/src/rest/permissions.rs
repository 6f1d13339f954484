//! Permissions, as clients evaluate them (contract, admin 3 and clients 5).

use std::collections::HashMap;

use domain::permission::Permission;
use domain::settings::definitions;
use domain::{RoleId, Timestamp};
use serde_json::{Value, json};

use super::answer::{Answer, Outcome};
use super::shape::iso;
use crate::error::texts;
use crate::extract::Call;

/// Where a client that reads the list by position expects these. Everything else keeps its alphabetical order.
const FIXED: [(usize, Permission); 4] = [
    (28, Permission::EDIT_MESSAGE),
    (70, Permission::VIEW_FULL_OTHER_USER_INFO),
    (140, Permission::POST_READONLY),
    (150, Permission::PIN_MESSAGE),
];

/// `GET /api/v1/permissions.listAll`: all, or those that changed after `updatedSince`.
pub async fn list_all(call: Call) -> Outcome {
    let params = call.input.query();
    let since = params
        .date("updatedSince")
        .map_err(|_| texts::invalid_date("error-roomId-param-invalid", "updatedSince"))?;
    let views = call.state.views();
    let table = views.permissions();
    let changed: HashMap<String, (Vec<RoleId>, Timestamp)> = views
        .changed_permissions()
        .await?
        .into_iter()
        .map(|(name, roles, at)| (name, (roles, at)))
        .collect();
    let mut update: Vec<Value> = Vec::new();
    for entry in entries() {
        let at = changed
            .get(&entry.name)
            .map_or(Timestamp::default(), |(_, at)| *at);
        if since.is_some_and(|since| at <= since) {
            continue;
        }
        let roles =
            Permission::find(&entry.name).map_or(&[][..], |permission| table.roles(permission));
        update.push(entry.document(roles, at));
    }
    Ok(Answer::empty()
        .field("update", &update)
        .field("remove", &json!([])))
}

/// One permission of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    /// The setting it is about, with its group and section.
    setting: Option<(&'static str, &'static str)>,
}

impl Entry {
    fn document(&self, roles: &[RoleId], at: Timestamp) -> Value {
        let mut document = json!({ "_id": self.name, "roles": roles, "_updatedAt": iso(at) });
        if let (Some((setting, path)), Some(fields)) = (self.setting, document.as_object_mut()) {
            let (group, section) = path
                .split_once('/')
                .map_or((path, None), |(group, section)| (group, Some(section)));
            fields.insert("level".to_owned(), json!("settings"));
            fields.insert("settingId".to_owned(), json!(setting));
            if !group.is_empty() {
                fields.insert("group".to_owned(), json!(group));
                fields.insert(
                    "groupPermissionId".to_owned(),
                    json!(format!("change-setting-{group}")),
                );
            }
            if let Some(section) = section {
                fields.insert("section".to_owned(), json!(section));
                fields.insert(
                    "sectionPermissionId".to_owned(),
                    json!(format!("change-setting-{section}")),
                );
            }
        }
        document
    }
}

/// Every permission in the order of the list: those of the table by name, then one for every setting that is not
/// hidden, with the fixed ones moved to their places.
fn entries() -> Vec<Entry> {
    let fixed = |permission: Permission| FIXED.iter().any(|(_, one)| *one == permission);
    let named = Permission::DEFAULTS
        .iter()
        .filter(|(permission, _)| !fixed(*permission))
        .map(|(permission, _)| Entry {
            name: permission.as_str().to_owned(),
            setting: None,
        });
    let per_setting = definitions()
        .iter()
        .filter(|definition| !definition.hidden)
        .map(|definition| Entry {
            name: format!("change-setting-{}", definition.id),
            setting: Some((definition.id, definition.group)),
        });
    let mut entries: Vec<Entry> = named.chain(per_setting).collect();
    // From the front, so that an earlier insertion does not move a later place.
    for (index, permission) in FIXED {
        let entry = Entry {
            name: permission.as_str().to_owned(),
            setting: None,
        };
        entries.insert(index.min(entries.len()), entry);
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_find_four_permissions_by_position() {
        let entries = entries();
        assert!(entries.len() >= 151);
        assert_eq!(entries[28].name, "edit-message");
        assert_eq!(entries[70].name, "view-full-other-user-info");
        assert_eq!(entries[140].name, "post-readonly");
        assert_eq!(entries[150].name, "pin-message");
    }

    #[test]
    fn every_permission_is_there_once() {
        let mut names: Vec<String> = entries().into_iter().map(|entry| entry.name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        for (permission, _) in Permission::DEFAULTS {
            assert!(
                names.iter().any(|name| name == permission.as_str()),
                "{}",
                permission.as_str()
            );
        }
    }
}
