//! Workspace settings: which there are, their defaults and types (contract, `settings.tsv`), and their values now.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

const TABLE: &str = include_str!("settings.tsv");

/// The type of a setting's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingType {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Int,
    /// A text; the wire has several names for kinds of text.
    Text,
    /// One of the texts listed; an empty list means any.
    Select(Vec<String>),
    /// Several texts.
    MultiSelect,
    /// An uploaded file, as an object.
    Asset,
    /// The name of something to run.
    Action,
}

/// One setting there is.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Its id.
    pub id: &'static str,
    /// The wire's name of its type.
    pub wire_type: &'static str,
    /// Its type.
    pub value_type: SettingType,
    /// Its value until somebody changes it. Values computed at first start are empty here.
    pub default: Value,
    /// Anyone may read it.
    pub public: bool,
    /// Group and section, as `Group/Section`.
    pub group: &'static str,
    /// What values it takes beyond its type, as the table words it.
    pub constraint: &'static str,
    /// Never listed or settable over the API.
    pub hidden: bool,
    /// Masked where people look at it.
    pub secret: bool,
    /// Without a licence the value is always the default of a community server.
    pub enterprise: bool,
}

/// A value does not fit its setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("setting {setting} takes {wanted}")]
pub struct InvalidValue {
    /// Which.
    pub setting: String,
    /// What it takes.
    pub wanted: String,
}

impl Definition {
    /// The value if it fits; `"true"`, `"false"` and numbers in text form are converted where unambiguous.
    pub fn check(&self, value: Value) -> Result<Value, InvalidValue> {
        let invalid = |wanted: &str| InvalidValue {
            setting: self.id.to_owned(),
            wanted: wanted.to_owned(),
        };
        match (&self.value_type, value) {
            (SettingType::Boolean, Value::String(text)) if text == "true" || text == "false" => {
                Ok(Value::Bool(text == "true"))
            }
            (SettingType::Boolean, value @ Value::Bool(_)) => Ok(value),
            (SettingType::Boolean, _) => Err(invalid("true or false")),
            (SettingType::Int, Value::String(text)) => text
                .trim()
                .parse::<i64>()
                .map(Value::from)
                .map_err(|_| invalid("a whole number")),
            (SettingType::Int, value) if value.is_i64() => Ok(value),
            (SettingType::Int, _) => Err(invalid("a whole number")),
            // Some choices are numbers, and some defaults are not among the choices (nothing chosen yet).
            (SettingType::Select(allowed), value) => {
                let fits = match &value {
                    Value::String(text) => {
                        allowed.is_empty() || allowed.iter().any(|one| one == text)
                    }
                    Value::Number(number) => allowed.contains(&number.to_string()),
                    _ => false,
                };
                if fits || value == self.default {
                    Ok(value)
                } else {
                    Err(invalid(&format!("one of {}", allowed.join(", "))))
                }
            }
            (SettingType::MultiSelect, value) if value.is_array() => Ok(value),
            (SettingType::MultiSelect, _) => Err(invalid("a list")),
            (SettingType::Asset, value) if value.is_object() => Ok(value),
            (SettingType::Asset, _) => Err(invalid("an object")),
            (SettingType::Text | SettingType::Action, value) if value.is_string() => Ok(value),
            // Lists of rooms are picked into what is otherwise a text.
            (SettingType::Text, value) if value.is_array() && self.wire_type == "roomPick" => {
                Ok(value)
            }
            (SettingType::Text | SettingType::Action, _) => Err(invalid("a text")),
        }
    }
}

static DEFINITIONS: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    let mut definitions: Vec<Definition> = TABLE
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(parse)
        .collect();
    definitions.sort_by_key(|definition| definition.id);
    definitions
});

/// Every setting there is, by id.
pub fn definitions() -> &'static [Definition] {
    &DEFINITIONS
}

/// The setting of that id.
pub fn find(id: &str) -> Option<&'static Definition> {
    DEFINITIONS
        .binary_search_by(|definition| definition.id.cmp(id))
        .ok()
        .map(|index| &DEFINITIONS[index])
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
        "multiSelect" => SettingType::MultiSelect,
        "asset" => SettingType::Asset,
        "action" => SettingType::Action,
        _ => SettingType::Text,
    };
    let empty = || match value_type {
        SettingType::Boolean => Value::Bool(false),
        SettingType::Int => Value::from(0),
        SettingType::MultiSelect => Value::Array(Vec::new()),
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
    let flag = |name: &str| flags.split([',', ' ', ';']).any(|one| one == name);
    Definition {
        id,
        wire_type,
        value_type,
        default,
        public: public == "true",
        group,
        constraint,
        hidden: flag("hidden"),
        secret: flag("secret"),
        enterprise: flag("enterprise"),
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
        .map(|one| one.trim().to_owned())
        .collect()
}

/// The values now: what somebody set, over the defaults.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    changed: HashMap<String, Value>,
}

impl Settings {
    /// Sets a value. Whether it fits was decided before.
    pub fn set(&mut self, id: &str, value: Value) {
        self.changed.insert(id.to_owned(), value);
    }

    /// The value of a setting; `Value::Null` for one there is not.
    pub fn get(&self, id: &str) -> &Value {
        self.changed
            .get(id)
            .or_else(|| find(id).map(|definition| &definition.default))
            .unwrap_or(&Value::Null)
    }

    /// The value of a boolean setting; `false` for anything else.
    pub fn bool(&self, id: &str) -> bool {
        self.get(id).as_bool().unwrap_or(false)
    }

    /// The value of a number setting; 0 for anything else.
    pub fn int(&self, id: &str) -> i64 {
        self.get(id).as_i64().unwrap_or(0)
    }

    /// The value of a text setting; empty for anything else.
    pub fn text(&self, id: &str) -> &str {
        self.get(id).as_str().unwrap_or("")
    }
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
        assert_eq!(settings.int("Message_MaxAllowedSize"), 5000);
        settings.set("Message_MaxAllowedSize", Value::from(10));
        assert_eq!(settings.int("Message_MaxAllowedSize"), 10);
        assert_eq!(settings.get("No_Such_Setting"), &Value::Null);
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
