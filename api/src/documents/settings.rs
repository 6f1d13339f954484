//! Settings as documents of the wire (contract, admin 4.1).

use std::collections::HashMap;
use std::sync::Arc;

use application::dates::iso;
use application::workspace::SettingPolicy;
use domain::Timestamp;
use domain::settings::{Definition, SettingType, Settings, custom_service_settings, keys};
use projections::{Queries, QueryError, SettingRecord, Since};
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
        Ok(Self::of(state.views(), &state.config().settings).await?)
    }

    pub async fn of(views: &Queries, policy: &SettingPolicy) -> Result<Self, QueryError> {
        let changed = views.changed_settings().await?;
        let services = views.login_services().await?;
        Ok(Self {
            settings: views.settings(),
            begun: first_change(&changed),
            changed: changed
                .into_iter()
                .map(|record| (record.id.clone(), record))
                .collect(),
            services: services.into_iter().collect(),
            policy: policy.clone(),
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

/// The settings removed since then with their login service, and when; without a date none.
pub async fn removed(
    state: &AppState,
    since: Option<Since>,
) -> Result<Vec<(String, Timestamp)>, ApiError> {
    let Some(since) = since else {
        return Ok(Vec::new());
    };
    let services = state.views().removed_login_services(since).await?;
    Ok(services
        .into_iter()
        .flat_map(|(service, at)| {
            let settings: Vec<Definition> = custom_service_settings(&service).collect();
            settings.into_iter().map(move |one| (one, at))
        })
        .filter(|(one, _)| is_shown(state, one))
        .map(|(one, at)| (one.id.to_string(), at))
        .collect())
}

/// The public settings as `public-settings/get` returns them.
pub async fn public_rows(state: &AppState) -> Result<Vec<(Timestamp, Value)>, ApiError> {
    let book = Book::open(state).await?;
    Ok(book
        .settings
        .all()
        .filter(|one| one.public && is_shown(state, one))
        .map(|one| {
            let mut row = basic(one, &book.settings);
            row.insert("type".to_owned(), json!(one.wire_type));
            row.insert("requiredOnWizard".to_owned(), json!(false));
            if one.value_type == SettingType::Color {
                let editor = book.editor(one.id.as_ref());
                row.insert("editor".to_owned(), json!(editor));
            }
            (book.dates(one.id.as_ref()).1, Value::Object(row))
        })
        .collect())
}

/// Every setting that `wanted` accepts, as a whole document, and the groups if `groups`.
pub async fn documents(
    state: &AppState,
    groups: bool,
    wanted: impl Fn(&Definition) -> bool,
) -> Result<Vec<(Timestamp, Value)>, ApiError> {
    let book = Book::open(state).await?;
    let mut documents: Vec<(Timestamp, Value)> = book
        .settings
        .all()
        .filter(|one| is_shown(state, one) && wanted(one))
        .map(|one| {
            let doc = Value::Object(book.document(one));
            (book.dates(one.id.as_ref()).1, doc)
        })
        .collect();
    if groups {
        let made = begun(state).await?;
        documents.extend(book.groups().map(|group| (made, Value::Object(group))));
    }
    Ok(documents)
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
    state.config().settings.shows(definition)
}
