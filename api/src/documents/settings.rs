//! Settings as documents of the wire (contract, admin 4.1).

use std::collections::HashMap;
use std::sync::Arc;

use application::dates::iso;
use application::workspace::SettingPolicy;
use domain::Timestamp;
use domain::settings::{Definition, SettingType, Settings, keys};
use projections::SettingRecord;
use serde_json::{Map, Value, json};

use crate::errors::ApiError;
use crate::state::AppState;

/// The settings with everything known about them.
pub struct Book {
    pub settings: Arc<Settings>,
    changed: HashMap<String, SettingRecord>,
    services: HashMap<String, Timestamp>,
    policy: SettingPolicy,
    begun: Timestamp,
}

/// When the workspace got its id.
pub async fn begun(state: &AppState) -> Result<Timestamp, ApiError> {
    let changed = state.views().changed_settings().await?;
    Ok(first_change(&changed))
}

fn first_change(changed: &[SettingRecord]) -> Timestamp {
    changed
        .iter()
        .find(|record| record.id == keys::UNIQUE_ID.id())
        .map_or(Timestamp::default(), |record| record.created_at)
}

impl Book {
    pub async fn open(state: &AppState) -> Result<Self, ApiError> {
        let changed = state.views().changed_settings().await?;
        let services = state.views().login_services().await?;
        Ok(Self {
            settings: state.views().settings(),
            begun: first_change(&changed),
            changed: changed
                .into_iter()
                .map(|record| (record.id.clone(), record))
                .collect(),
            services: services.into_iter().collect(),
            policy: state.config().settings.clone(),
        })
    }

    /// When the setting was created and when it was last changed.
    pub fn dates(&self, id: &str) -> (Timestamp, Timestamp) {
        let made = domain::settings::service_of(id)
            .and_then(|service| self.services.get(service))
            .copied()
            .unwrap_or(self.begun);
        let changed = self.changed.get(id).map(|record| record.updated_at);
        (made, changed.unwrap_or(made).max(made))
    }

    pub fn document(&self, definition: &Definition) -> Map<String, Value> {
        let id = definition.id.as_ref();
        let record = self.changed.get(id);
        let value = self.settings.get(id);
        let mut doc = basic(definition, &self.settings);
        let (made, changed) = self.dates(id);
        let from_environment = record.is_some_and(|record| record.from_environment);
        let fields = json!({
            "type": definition.wire_type,
            "packageValue": definition.default,
            "public": definition.public,
            "group": definition.group_name(),
            "i18nLabel": id,
            "i18nDescription": format!("{id}_Description"),
            "sorter": definition.sorter,
            "hidden": definition.hidden || self.policy.hides(id),
            "blocked": self.policy.blocks(id),
            "readonly": definition.readonly,
            "secret": definition.secret || definition.is_secret(),
            "requiredOnWizard": false,
            "autocomplete": true,
            "valueSource": if from_environment { "processEnvValue" } else { "packageValue" },
            "ts": iso(made),
            "createdAt": iso(made),
            "_updatedAt": iso(changed),
        });
        if let Value::Object(fields) = fields {
            doc.extend(fields);
        }
        let mut add = |name: &str, value: Value| drop(doc.insert(name.to_owned(), value));
        if let Some(section) = definition.section() {
            add("section", json!(section));
        }
        if from_environment {
            add("processEnvValue", value.clone());
        }
        if !definition.choices().is_empty() {
            let choice = |key: &String| json!({ "key": key, "i18nLabel": key });
            let values: Vec<Value> = definition.choices().iter().map(choice).collect();
            add("values", json!(values));
        }
        if definition.value_type == SettingType::Color {
            add("editor", json!(self.editor(id)));
        }
        if definition.group_name().is_empty() {
            doc.remove("group");
        }
        doc
    }

    /// The editor a colour was chosen with.
    pub fn editor(&self, id: &str) -> &'static str {
        self.changed
            .get(id)
            .and_then(|record| record.editor)
            .map_or("color", domain::setting::Editor::as_str)
    }

    pub fn groups(&self) -> impl Iterator<Item = Map<String, Value>> + '_ {
        self.settings.groups().enumerate().map(|(index, group)| {
            let doc = json!({
                "_id": group,
                "type": "group",
                "i18nLabel": group,
                "i18nDescription": format!("{group}_Description"),
                "sorter": index,
                "hidden": false,
                "blocked": false,
                "public": false,
                "enterprise": false,
                "ts": iso(self.begun),
                "createdAt": iso(self.begun),
                "_updatedAt": iso(self.begun),
            });
            match doc {
                Value::Object(doc) => doc,
                _ => Map::new(),
            }
        })
    }
}

/// What every list of settings shows of one.
pub fn basic(definition: &Definition, settings: &Settings) -> Map<String, Value> {
    let mut row = Map::new();
    row.insert("_id".to_owned(), json!(definition.id));
    row.insert(
        "value".to_owned(),
        settings.get(definition.id.as_ref()).clone(),
    );
    row.insert("enterprise".to_owned(), json!(definition.enterprise));
    if definition.enterprise {
        row.insert("invalidValue".to_owned(), definition.unchanged().clone());
        row.insert("modules".to_owned(), json!([]));
    }
    row
}

/// Whether the API shows the setting at all.
pub fn is_shown(state: &AppState, definition: &Definition) -> bool {
    !definition.hidden && !state.config().settings.hides(definition.id.as_ref())
}
