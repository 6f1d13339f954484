//! Workspace settings: which there are, their defaults and types (contract, `settings.tsv`), and their values now.

mod check;
pub mod keys;

pub use check::{SettingType, is_color};
pub use keys::Key;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use hashbrown::HashMap;
use serde_json::Value;

use crate::{Sealed, text};

const TABLE: &str = include_str!("settings.tsv");

/// The definition of one setting.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Definition {
    pub id: Cow<'static, str>,
    /// The wire's name of its type.
    pub wire_type: &'static str,
    pub value_type: SettingType,
    /// Its value until somebody changes it. Values computed at first start are empty here.
    pub default: Value,
    /// Anyone may read the value.
    pub public: bool,
    /// Group and section, as `Group/Section`.
    pub group: Cow<'static, str>,
    /// What values it takes beyond its type, as the table words it.
    pub constraint: &'static str,
    /// Never listed or settable over the API.
    pub hidden: bool,
    /// Masked where people look at it.
    pub secret: bool,
    /// The value is always the one of a community server, for there are no licences.
    pub enterprise: bool,
    /// What that value is, where it is not the default.
    pub community: Option<Value>,
    /// People should not change it by hand; only a hint.
    pub readonly: bool,
    /// Where it stands among those of its group, from 0.
    pub sorter: usize,
}

/// A value does not fit its setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("setting {setting} takes {wanted}")]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct InvalidValue {
    pub setting: String,
    pub wanted: String,
}

impl Definition {
    /// Whether the value is a secret: it is sealed before it is recorded, and shown to those who may see all settings
    /// only. What anyone may read is no secret, whatever the table says.
    pub fn is_secret(&self) -> bool {
        let id = self.id.to_ascii_lowercase();
        !self.public
            && (self.secret
                || self.wire_type == "password"
                || id.contains("secret")
                || ["_token", "apikey", "api_key"]
                    .iter()
                    .any(|ending| id.ends_with(ending)))
    }

    /// The value while nobody changed it, or always if it takes a licence to change it.
    pub fn unchanged(&self) -> &Value {
        self.community.as_ref().unwrap_or(&self.default)
    }

    /// The group it is in.
    pub fn group_name(&self) -> &str {
        self.group.split('/').next().unwrap_or_default()
    }

    /// The section of the group it is in.
    pub fn section(&self) -> Option<&str> {
        self.group.split_once('/').map(|(_, section)| section)
    }

    /// What can be chosen from, where there is a choice.
    pub fn choices(&self) -> &[String] {
        match &self.value_type {
            SettingType::Select(choices) | SettingType::MultiSelect(choices) => choices,
            _ => &[],
        }
    }
}

/// Rows of the table with this in their ids stand for the settings of each login service that an administrator adds.
const SERVICE: &str = "<Name>";

/// What the settings of a login service that an administrator added begin with; its name follows.
pub const CUSTOM_SERVICE: &str = "Accounts_OAuth_Custom-";

/// Every row of the table, with its place within its group.
fn rows() -> impl Iterator<Item = Definition> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    TABLE
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(move |line| {
            let group = line.split('\t').nth(4).unwrap_or_default();
            let count = counts
                .entry(group.split('/').next().unwrap_or_default())
                .or_default();
            let sorter = *count;
            *count += 1;
            Definition {
                sorter,
                ..parse(line)
            }
        })
}

static DEFINITIONS: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    let mut definitions: Vec<Definition> = rows()
        .filter(|definition| !definition.id.contains(SERVICE))
        .collect();
    definitions.sort_by(|a, b| a.id.cmp(&b.id));
    definitions
});

static TEMPLATES: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    rows()
        .filter(|definition| definition.id.contains(SERVICE))
        .collect()
});

/// Every setting that every workspace has, by id.
pub fn definitions() -> &'static [Definition] {
    &DEFINITIONS
}

/// The setting of that id, if every workspace has it.
pub fn find(id: &str) -> Option<&'static Definition> {
    // Called dozens of times for every request.
    static BY_ID: LazyLock<HashMap<&'static str, &'static Definition>> = LazyLock::new(|| {
        let named = |definition: &'static Definition| (definition.id.as_ref(), definition);
        definitions().iter().map(named).collect()
    });
    BY_ID.get(id).copied()
}

/// The settings of the login service of that name (see [`crate::login_service`]).
pub fn custom_service_settings(service: &str) -> impl Iterator<Item = Definition> {
    TEMPLATES.iter().map(move |template| Definition {
        id: template.id.replace(SERVICE, service).into(),
        group: template.group.replace(SERVICE, service).into(),
        ..template.clone()
    })
}

/// The service that a setting belongs to, when it is one of those made for a login service.
pub fn service_of(id: &str) -> Option<&str> {
    let rest = id.strip_prefix(CUSTOM_SERVICE)?;
    let service = rest.split('-').next().unwrap_or_default();
    (crate::login_service::service_name(service).as_deref() == Some(service)).then_some(service)
}

/// The setting of that id, if every workspace has it or a login service of the right name would bring it.
pub fn lookup(id: &str) -> Option<Cow<'static, Definition>> {
    if let Some(definition) = find(id) {
        return Some(Cow::Borrowed(definition));
    }
    let service = service_of(id)?;
    custom_service_settings(service)
        .find(|definition| definition.id == id)
        .map(Cow::Owned)
}

fn parse(line: &'static str) -> Definition {
    let mut columns = line.split('\t');
    let mut next = || columns.next().unwrap_or("");
    let (id, wire_type, default, public, group, constraint, flags) =
        (next(), next(), next(), next(), next(), next(), next());
    let value_type = match wire_type {
        "boolean" => SettingType::Boolean,
        "int" => SettingType::Int,
        "select" => SettingType::Select(allowed(constraint)),
        "multiSelect" => SettingType::MultiSelect(allowed(constraint)),
        "color" => SettingType::Color,
        "date" => SettingType::Date,
        "roomPick" => SettingType::Rooms,
        "asset" => SettingType::Asset,
        "action" => SettingType::Action,
        _ => SettingType::Text,
    };
    let empty = || match value_type {
        SettingType::Boolean => Value::Bool(false),
        SettingType::Int => Value::from(0),
        SettingType::MultiSelect(_) => Value::Array(Vec::new()),
        SettingType::Asset => Value::Object(serde_json::Map::new()),
        _ => Value::String(String::new()),
    };
    let default = if default.starts_with('@') {
        empty()
    } else {
        serde_json::from_str(default).unwrap_or_else(|_| empty())
    };
    // A few defaults of the table do not have the type of their setting (contract, admin 1).
    let default = match (&value_type, &default) {
        (SettingType::Int, Value::String(text)) => {
            text.parse::<i64>().map_or_else(|_| empty(), Value::from)
        }
        (SettingType::Int, Value::Bool(_)) => empty(),
        _ => default,
    };
    let flags: Vec<&str> = flags.split([',', ' ', ';']).collect();
    let flag = |name: &str| flags.contains(&name);
    let community = flags
        .iter()
        .find_map(|flag| flag.strip_prefix("communityValue="))
        .and_then(|value| serde_json::from_str(value).ok());
    Definition {
        id: id.into(),
        wire_type,
        value_type,
        default,
        public: public == "true",
        constraint,
        group: group.into(),
        hidden: flag("hidden"),
        secret: flag("secret"),
        enterprise: flag("enterprise"),
        community,
        readonly: flag("readonly"),
        sorter: 0,
    }
}

/// The choices of a select, separated by commas, or by spaces when there is no comma. A note in brackets instead of
/// a list means that any text goes.
fn allowed(constraint: &str) -> Vec<String> {
    if constraint.is_empty() || constraint.starts_with('(') {
        return Vec::new();
    }
    let separator = if constraint.contains(',') { ',' } else { ' ' };
    constraint
        .split(separator)
        .map(|one| text::trim(one).to_owned())
        .collect()
}

/// The values now: what somebody set, over the defaults.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    changed: HashMap<String, Value>,
    /// Secrets nobody has opened yet.
    sealed: BTreeMap<String, Sealed>,
    /// The settings of the login services that administrators added, by service.
    services: BTreeMap<String, Vec<Definition>>,
}

impl Settings {
    /// Sets a value. Whether it fits was decided before. Settings of the enterprise edition keep the value of a
    /// community server, whatever was set.
    pub fn set(&mut self, id: &str, value: Value) {
        self.sealed.remove(id);
        if !find(id).is_some_and(|definition| definition.enterprise) && !is_custom_enterprise(id) {
            self.changed.insert(id.to_owned(), value);
        }
    }

    /// Sets a value that is sealed: until [`Self::open`] it shows as the default.
    pub fn set_sealed(&mut self, id: &str, value: Sealed) {
        self.changed.remove(id);
        self.sealed.insert(id.to_owned(), value);
    }

    /// Gives a setting its default again.
    pub fn reset(&mut self, id: &str) {
        self.changed.remove(id);
        self.sealed.remove(id);
    }

    /// Opens the sealed values that can be opened. The others show as the default.
    pub fn open(&mut self, opener: impl Fn(&str, &Sealed) -> Option<Value>) {
        for (id, sealed) in std::mem::take(&mut self.sealed) {
            if let Some(value) = opener(&id, &sealed) {
                self.set(&id, value);
            }
        }
    }

    /// Adds the settings of a login service that an administrator added.
    pub fn add_service(&mut self, service: &str) {
        self.services.insert(
            service.to_owned(),
            custom_service_settings(service).collect(),
        );
    }

    /// Removes a login service and its settings.
    pub fn remove_service(&mut self, service: &str) {
        for definition in self.services.remove(service).unwrap_or_default() {
            self.reset(&definition.id);
        }
    }

    /// The login services that administrators added, by name.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.services.keys().map(String::as_str)
    }

    /// The settings of all login services that administrators added.
    pub fn service_definitions(&self) -> impl Iterator<Item = &Definition> {
        self.services.values().flatten()
    }

    /// Every setting this workspace has, those of login services last.
    pub fn all(&self) -> impl Iterator<Item = &Definition> {
        definitions().iter().chain(self.service_definitions())
    }

    /// The groups of settings that are not hidden, by name.
    pub fn groups(&self) -> impl Iterator<Item = &'static str> {
        static GROUPS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
            let mut groups: Vec<&'static str> = definitions()
                .iter()
                .filter(|definition| !definition.hidden)
                .map(Definition::group_name)
                .filter(|group| !group.is_empty())
                .collect();
            groups.sort_unstable();
            groups.dedup();
            groups
        });
        GROUPS.iter().copied()
    }

    /// The setting of that id, if this workspace has it.
    pub fn definition(&self, id: &str) -> Option<&Definition> {
        find(id).or_else(|| {
            self.services
                .get(service_of(id)?)?
                .iter()
                .find(|definition| definition.id == id)
        })
    }

    /// The value of a setting; `Value::Null` if there is no such setting.
    pub fn get(&self, id: &str) -> &Value {
        self.changed
            .get(id)
            .or_else(|| self.definition(id).map(Definition::unchanged))
            .unwrap_or(&Value::Null)
    }

    /// The value of a boolean setting.
    pub fn bool(&self, key: Key<bool>) -> bool {
        self.get(key.id()).as_bool().unwrap_or(false)
    }

    /// The value of a number setting; 0 where the table has none.
    pub fn int(&self, key: Key<i64>) -> i64 {
        self.get(key.id()).as_i64().unwrap_or(0)
    }

    /// The texts chosen in a setting that takes several.
    pub fn list(&self, key: Key<[String]>) -> impl Iterator<Item = &str> {
        let chosen = self.get(key.id()).as_array();
        chosen.into_iter().flatten().filter_map(Value::as_str)
    }

    /// The value of a setting that is a text, or a choice of texts; empty for one that is neither.
    pub fn text(&self, key: Key<str>) -> &str {
        self.get(key.id()).as_str().unwrap_or("")
    }
}

fn is_custom_enterprise(id: &str) -> bool {
    id.starts_with(CUSTOM_SERVICE) && lookup(id).is_some_and(|definition| definition.enterprise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_default_fits_its_own_setting() {
        for definition in definitions() {
            assert!(
                definition.check(definition.default.clone()).is_ok(),
                "{} of type {} has default {}",
                definition.id,
                definition.wire_type,
                definition.default
            );
        }
    }

    #[test]
    fn defaults_show_until_changed() {
        let mut settings = Settings::default();
        assert_eq!(settings.int(keys::MESSAGE_MAX_ALLOWED_SIZE), 5000);
        settings.set("Message_MaxAllowedSize", Value::from(10));
        assert_eq!(settings.int(keys::MESSAGE_MAX_ALLOWED_SIZE), 10);
        assert_eq!(settings.get("No_Such_Setting"), &Value::Null);
    }

    #[test]
    fn what_takes_a_licence_keeps_the_value_of_a_community_server() {
        let mut settings = Settings::default();
        let id = "Push_request_content_from_server";
        let definition = find(id).expect("a setting of the table");
        assert!(definition.enterprise && definition.default == json!(true));
        assert_eq!(settings.get(id), &json!(false));
        settings.set(id, json!(true));
        assert_eq!(settings.get(id), &json!(false));
        for one in definitions().iter().filter(|one| one.enterprise) {
            assert!(
                one.community.is_some(),
                "{} has a value without a licence",
                one.id
            );
        }
    }

    #[test]
    fn login_services_bring_settings_of_their_own() {
        let mut settings = Settings::default();
        let id = "Accounts_OAuth_Custom-Keycloak-token_path";
        assert_eq!(settings.get(id), &Value::Null);
        settings.add_service("Keycloak");
        assert_eq!(settings.service_definitions().count(), 29);
        assert_eq!(settings.get(id), "/oauth/token");
        settings.set(id, json!("/t"));
        assert_eq!(settings.get(id), "/t");
        assert_eq!(
            settings.definition(id).map(Definition::group_name),
            Some("OAuth")
        );
        settings.set("Accounts_OAuth_Custom-Keycloak-merge_roles", json!(true));
        assert_eq!(
            settings.get("Accounts_OAuth_Custom-Keycloak-merge_roles"),
            &json!(false)
        );
        settings.remove_service("Keycloak");
        assert_eq!(settings.get(id), &Value::Null);
        assert!(lookup(id).is_some());
        assert!(lookup("Accounts_OAuth_Custom-Key-Cloak").is_none());
        assert!(lookup("Accounts_OAuth_Custom-<Name>").is_none());
    }

    #[test]
    fn secrets_show_once_they_are_opened() {
        let mut settings = Settings::default();
        settings.set_sealed("SMTP_Password", Sealed::new("x"));
        assert_eq!(settings.text(keys::SMTP_PASSWORD), "");
        settings.open(|id, sealed| (id == "SMTP_Password").then(|| json!(sealed.as_str())));
        assert_eq!(settings.text(keys::SMTP_PASSWORD), "x");
        let secret = |id| find(id).is_some_and(Definition::is_secret);
        assert!(secret("SMTP_Password") && secret("Accounts_OAuth_Nextcloud_secret"));
        assert!(!secret("GoogleTagManager_id") && !secret("Site_Name"));
    }

    #[test]
    fn every_type_has_its_values() {
        let color = definitions().iter().find(|one| one.wire_type == "color");
        assert!(color.is_some_and(|one| one.check(json!(1)).is_err()));
        assert!(is_color("#1d74f5") && !is_color("red") && !is_color("#12"));
        let date = "Cloud_Workspace_Access_Token_Expires_At";
        assert!(check(date, json!("2024-02-30T10:00:00.000Z")).is_ok());
        assert!(check(date, json!("tomorrow")).is_err());
        assert!(check("Hide_System_Messages", json!(["uj"])).is_ok());
        assert!(check("Hide_System_Messages", json!([1])).is_err());
        assert!(check("Assets_logo", json!({"url": 1})).is_err());
        assert!(check("Site_Name", json!("x".repeat(2 * 1024 * 1024))).is_err());
    }

    fn check(id: &str, value: Value) -> Result<Value, InvalidValue> {
        match find(id) {
            Some(definition) => definition.check(value),
            None => panic!("no setting {id}"),
        }
    }

    #[test]
    fn values_must_fit() {
        assert_eq!(check("Threads_enabled", json!("false")), Ok(json!(false)));
        assert!(check("Threads_enabled", json!(0)).is_err());
        assert_eq!(
            check("Message_MaxAllowedSize", json!(" 12 ")),
            Ok(json!(12))
        );
        assert!(check("Message_MaxAllowedSize", json!(1.5)).is_err());
        assert_eq!(
            check("Message_ErasureType", json!("Keep")),
            Ok(json!("Keep"))
        );
        assert!(check("Message_ErasureType", json!("keep")).is_err());
        assert!(check("Message_ErasureType", json!("")).is_err());
        assert!(check("Site_Name", json!(1)).is_err());
    }

    #[test]
    fn choices_may_be_numbers_or_nothing() {
        let mode = "Accounts_Default_User_Preferences_messageViewMode";
        assert_eq!(check(mode, json!(2)), Ok(json!(2)));
        assert_eq!(check(mode, json!("1")), Ok(json!("1")));
        assert!(check(mode, json!(3)).is_err());
        assert_eq!(
            check("Industry", json!("")),
            Ok(json!("")),
            "nothing chosen yet"
        );
        assert_eq!(
            check("LDAP_Server_Type", json!("")),
            Ok(json!("")),
            "a choice of its own"
        );
        assert_eq!(
            check("Country", json!("iceland")),
            Ok(json!("iceland")),
            "the list is not written out"
        );
        assert_eq!(check("Direct_Reply_Separator", json!("-")), Ok(json!("-")));
    }
}
