//! Permissions, as clients evaluate them (contract, admin 3 and clients 5).

use std::collections::HashMap;

use application::dates::iso;
use application::workspace::SettingPolicy;
use domain::permission::Permission;
use domain::permissions::CHANGE_SETTING;
use domain::settings::{Definition, Settings};
use domain::{RoleId, Timestamp};
use projections::{Queries, QueryError, Since};
use serde_json::{Value, json};

use crate::documents::settings::{self, Book};
use crate::errors::ApiError;
use crate::state::AppState;

/// Clients that read the list by position expect these there. Everything else keeps its alphabetical order.
const FIXED: [(usize, Permission); 4] = [
    (28, Permission::EDIT_MESSAGE),
    (70, Permission::VIEW_FULL_OTHER_USER_INFO),
    (140, Permission::POST_READONLY),
    (150, Permission::PIN_MESSAGE),
];

/// The permissions removed since then, with the settings they were about; without a date none.
pub async fn removed(state: &AppState, since: Option<Since>) -> Result<Vec<Value>, ApiError> {
    let gone = settings::removed(state, since).await?;
    Ok(gone
        .into_iter()
        .map(|(id, at)| json!({ "_id": format!("{CHANGE_SETTING}{id}"), "_deletedAt": iso(at) }))
        .collect())
}

/// The documents of all permissions, or of those that changed since then.
pub async fn documents(state: &AppState, since: Option<Since>) -> Result<Vec<Value>, ApiError> {
    Ok(documents_of(state.views(), &state.config().settings, since).await?)
}

/// The same of views of any time.
pub async fn documents_of(
    views: &Queries,
    policy: &SettingPolicy,
    since: Option<Since>,
) -> Result<Vec<Value>, QueryError> {
    let (table, settings) = (views.permissions(), views.settings());
    let book = Book::of(views, policy).await?;
    let changed: HashMap<String, Timestamp> = views
        .changed_permissions()
        .await?
        .into_iter()
        .map(|(name, _, at)| (name, at))
        .collect();
    Ok(entries(&settings, |one| policy.shows(one))
        .iter()
        .filter_map(|entry| {
            // A setting that came back brings its permission back, however long ago that was changed.
            let setting = entry.setting.as_ref().map_or("", |setting| &setting.id);
            let made = book.dates(setting).0;
            let at = changed.get(&entry.name).map_or(made, |at| made.max(*at));
            since
                .is_none_or(|since| since.covers(at))
                .then(|| entry.document(table.named(&entry.name), at))
        })
        .collect())
}

/// The setting a permission is about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct About {
    id: String,
    group: String,
    section: Option<String>,
    sorter: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    setting: Option<About>,
}

impl Entry {
    fn document(&self, roles: &[RoleId], at: Timestamp) -> Value {
        let mut document = json!({ "_id": self.name, "roles": roles, "_updatedAt": iso(at) });
        let Some(about) = &self.setting else {
            return document;
        };
        let fields = json!({ "level": "settings", "settingId": about.id, "sorter": about.sorter });
        if let (Some(document), Value::Object(fields)) = (document.as_object_mut(), fields) {
            document.extend(fields);
        }
        if !about.group.is_empty() {
            document["group"] = json!(about.group);
            document["groupPermissionId"] = json!(format!("{CHANGE_SETTING}{}", about.group));
        }
        if let Some(section) = &about.section {
            document["section"] = json!(section);
            document["sectionPermissionId"] = json!(format!("{CHANGE_SETTING}{section}"));
        }
        document
    }
}

/// Every permission in the order of the list: those of the table by name, then one for every setting that is not hidden
/// and for every group of them, with the fixed ones moved to their places.
fn entries(settings: &Settings, shown: impl Fn(&Definition) -> bool) -> Vec<Entry> {
    let fixed = |permission: Permission| FIXED.iter().any(|(_, one)| *one == permission);
    let named = Permission::DEFAULTS
        .iter()
        .filter(|(permission, _)| !fixed(*permission))
        .map(|(permission, _)| Entry {
            name: permission.as_str().to_owned(),
            setting: None,
        });
    let about = |id: &str, group: &str, section: Option<&str>, sorter: usize| Entry {
        name: format!("{CHANGE_SETTING}{id}"),
        setting: Some(About {
            id: id.to_owned(),
            group: group.to_owned(),
            section: section.map(str::to_owned),
            sorter,
        }),
    };
    let per_setting = settings
        .all()
        .filter(|one| shown(one))
        .map(|one| about(one.id.as_ref(), one.group_name(), one.section(), one.sorter));
    // A group and a setting of the same name share the permission.
    let per_group = settings
        .groups()
        .filter(|group| settings.definition(group).is_none())
        .enumerate()
        .map(|(sorter, group)| about(group, "", None, sorter));
    let mut entries: Vec<Entry> = named.chain(per_setting).chain(per_group).collect();
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
        let entries = entries(&Settings::default(), |one| !one.hidden);
        assert!(entries.len() >= 151);
        assert_eq!(entries[28].name, "edit-message");
        assert_eq!(entries[70].name, "view-full-other-user-info");
        assert_eq!(entries[140].name, "post-readonly");
        assert_eq!(entries[150].name, "pin-message");
    }

    #[test]
    fn as_many_are_counted_as_there_are() {
        let (settings, policy) = (Settings::default(), SettingPolicy::default());
        let there = entries(&settings, |one| policy.shows(one)).len();
        let counted = application::record::at::permissions(&settings, &policy);
        assert_eq!(counted, there);
    }

    #[test]
    fn every_permission_is_there_once() {
        let mut names: Vec<String> = entries(&Settings::default(), |one| !one.hidden)
            .into_iter()
            .map(|entry| entry.name)
            .collect();
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
