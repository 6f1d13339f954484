//! Fields of accounts that administrators define (contract, conventions 6.5).

use serde_json::{Map, Value};

use super::{RecordField, record};
use crate::settings::{Settings, keys};
use crate::{link, text};

/// Why custom fields are refused (`error-user-registration-custom-field`, unless said).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum CustomFieldsRefusal {
    /// The definition is not JSON (`error-invalid-customfield-json`).
    #[error("the definition of the custom fields is not JSON")]
    BrokenDefinition,
    /// `Field <n> is required`.
    #[error("field {0} is required")]
    Required(String),
    /// `Value for field <n> is invalid`: not a text, or not one of the options.
    #[error("field {0} has an invalid value")]
    Invalid(String),
    /// `Max length of field <n> <k>`.
    #[error("field {field} has more than {limit} characters")]
    TooLong { field: String, limit: u64 },
    /// `Min length of field <n> <k>`.
    #[error("field {field} has fewer than {limit} characters")]
    TooShort { field: String, limit: u64 },
}

/// The fields as they are recorded: those that are defined, checked. `None` if none are defined, whatever was given.
pub fn check_custom_fields(
    given: Option<&Value>,
    settings: &Settings,
) -> Result<Option<Value>, CustomFieldsRefusal> {
    let definition = text::trim(settings.text(keys::ACCOUNTS_CUSTOM_FIELDS));
    if definition.is_empty() {
        return Ok(None);
    }
    let fields: Map<String, Value> =
        serde_json::from_str(definition).map_err(|_| CustomFieldsRefusal::BrokenDefinition)?;
    let mut kept = Map::new();
    for (name, field) in &fields {
        if let Some(value) = checked(name, field, given.and_then(|given| given.get(name)))? {
            kept.insert(name.clone(), Value::String(value.to_owned()));
        }
    }
    Ok(Some(Value::Object(kept)))
}

/// Which field of the record a custom field writes, and whether behind what is there.
fn written(definition: &Value) -> Option<(&str, bool)> {
    let modify = definition.get("modifyRecordField")?;
    let field = modify.get("field")?.as_str()?;
    let append = modify.get("array").and_then(Value::as_bool);
    Some((field, append.unwrap_or(false)))
}

/// A field of the record that this definition would have custom fields write although they must not. `None` if there is
/// no such field or the definition is not JSON.
pub fn kept_field(definition: &str) -> Option<String> {
    let fields: Map<String, Value> = serde_json::from_str(definition).ok()?;
    fields
        .values()
        .filter_map(written)
        .map(|(field, _)| field)
        .find(|field| !record::is_writable(field))
        .map(str::to_owned)
}

/// Further fields of the record that saving these custom fields writes. A field it must not write is left alone,
/// whatever the definition says.
fn record_fields(saved: &Value, settings: &Settings) -> Vec<RecordField> {
    let definition: Map<String, Value> =
        serde_json::from_str(settings.text(keys::ACCOUNTS_CUSTOM_FIELDS)).unwrap_or_default();
    definition
        .iter()
        .filter_map(|(name, definition)| {
            let (field, append) = written(definition)?;
            let value = saved.get(name)?.as_str()?;
            record::is_writable(field).then(|| RecordField {
                field: field.to_owned(),
                value: value.to_owned(),
                append,
            })
        })
        .collect()
}

/// Further fields of the record that saving custom fields writes, unless they are there already.
pub(super) fn writes(
    saved: Option<&Value>,
    settings: &Settings,
    record: &Map<String, Value>,
) -> Vec<RecordField> {
    let mut fields = saved.map_or_else(Vec::new, |saved| record_fields(saved, settings));
    fields.retain(|field| !field.is_in(record));
    fields
}

/// The value of one field, if it has one.
fn checked<'a>(
    name: &str,
    field: &Value,
    given: Option<&'a Value>,
) -> Result<Option<&'a str>, CustomFieldsRefusal> {
    let invalid = || CustomFieldsRefusal::Invalid(name.to_owned());
    let value = match given {
        None | Some(Value::Null) => "",
        Some(value) => value.as_str().ok_or_else(invalid)?,
    };
    let required = field.get("required").and_then(Value::as_bool) == Some(true);
    if required && text::is_blank(value) {
        return Err(CustomFieldsRefusal::Required(name.to_owned()));
    }
    if value.is_empty() {
        return Ok(given.and_then(Value::as_str));
    }
    let options = field.get("options").and_then(Value::as_array);
    let is_option = || options.is_some_and(|options| options.iter().any(|option| option == value));
    if field.get("type").and_then(Value::as_str) == Some("select") && !is_option() {
        return Err(invalid());
    }
    if !link::is_harmless_in(name, value) {
        return Err(invalid());
    }
    let length = value.chars().count() as u64;
    let limit = |key: &str| {
        field
            .get(key)
            .and_then(Value::as_u64)
            .filter(|limit| *limit > 0)
    };
    if let Some(limit) = limit("maxLength").filter(|limit| length > *limit) {
        return Err(CustomFieldsRefusal::TooLong {
            field: name.to_owned(),
            limit,
        });
    }
    if let Some(limit) = limit("minLength").filter(|limit| length < *limit) {
        return Err(CustomFieldsRefusal::TooShort {
            field: name.to_owned(),
            limit,
        });
    }
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(definition: &str, given: &Value) -> Result<Option<Value>, CustomFieldsRefusal> {
        let mut settings = Settings::default();
        settings.set("Accounts_CustomFields", Value::from(definition));
        check_custom_fields(Some(given), &settings)
    }

    const TEAM: &str = r#"{"team": {"type": "text", "required": true, "minLength": 2, "maxLength": 4},
                           "desk": {"type": "select", "options": ["north", "south"]}}"#;

    #[test]
    fn without_a_definition_nothing_is_kept() {
        assert_eq!(check(" ", &json!({"any": 1})), Ok(None));
    }

    #[test]
    fn only_defined_fields_are_kept() {
        let given = json!({"team": "abcd", "desk": "north", "more": 1});
        assert_eq!(
            check(TEAM, &given),
            Ok(Some(json!({"team": "abcd", "desk": "north"})))
        );
        assert_eq!(
            check(TEAM, &json!({"team": "ab"})),
            Ok(Some(json!({"team": "ab"})))
        );
    }

    #[test]
    fn custom_fields_write_the_record_where_they_may() {
        let definition = r#"{"desk": {"modifyRecordField": {"field": "extension"}},
                             "team": {"modifyRecordField": {"field": "teams", "array": true}},
                             "rank": {"modifyRecordField": {"field": "roles", "array": true}},
                             "plain": {}}"#;
        let mut settings = Settings::default();
        settings.set(keys::ACCOUNTS_CUSTOM_FIELDS.id(), Value::from(definition));
        let saved = json!({"desk": "12", "team": "red", "rank": "admin", "plain": "x"});
        let field = |field: &str, value: &str, append| RecordField {
            field: field.to_owned(),
            value: value.to_owned(),
            append,
        };
        assert_eq!(
            record_fields(&saved, &settings),
            [field("extension", "12", false), field("teams", "red", true)]
        );
        assert_eq!(kept_field(definition).as_deref(), Some("roles"));
        assert_eq!(
            kept_field(r#"{"a": {"modifyRecordField": {"field": "phone"}}}"#),
            None
        );
        assert_eq!(kept_field("{"), None);
    }

    #[test]
    fn the_first_broken_rule_is_named() {
        let (team, desk) = (|| "team".to_owned(), || "desk".to_owned());
        assert_eq!(
            check("{", &json!({})),
            Err(CustomFieldsRefusal::BrokenDefinition)
        );
        assert_eq!(
            check(TEAM, &json!({})),
            Err(CustomFieldsRefusal::Required(team()))
        );
        assert_eq!(
            check(TEAM, &json!({"team": ""})),
            Err(CustomFieldsRefusal::Required(team()))
        );
        assert_eq!(
            check(TEAM, &json!({"team": 1})),
            Err(CustomFieldsRefusal::Invalid(team()))
        );
        assert_eq!(
            check(TEAM, &json!({"team": "abcde"})),
            Err(CustomFieldsRefusal::TooLong {
                field: team(),
                limit: 4
            })
        );
        assert_eq!(
            check(TEAM, &json!({"team": "a"})),
            Err(CustomFieldsRefusal::TooShort {
                field: team(),
                limit: 2
            })
        );
        assert_eq!(
            check(TEAM, &json!({"team": "ab", "desk": "west"})),
            Err(CustomFieldsRefusal::Invalid(desk()))
        );
    }
}
