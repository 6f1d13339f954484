//! What clients attach to messages beside what the contract knows, as far as administrators say what may be in it: by a
//! JSON schema (settings `Message_CustomFields_Enabled` and `Message_CustomFields`).
//!
//! Of JSON schema there is what is checked in a time that is bounded by the sizes of schema and value. A schema that
//! asks for more is broken, rather than that something is let through that it would not allow.

use regex::RegexBuilder;
use serde_json::{Map, Value};

use super::{MessageRefusal, attachments};
use crate::settings::{Settings, keys};
use crate::text;

/// Why custom fields of a message are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum CustomFieldRefusal {
    /// The schema is none, or asks for something that is not checked.
    #[error("what custom fields may be is not understood: {0}")]
    BrokenSchema(&'static str),
    /// What is at that place is not as the schema has it. An empty place: the fields as a whole.
    #[error("{rule} of {place:?}")]
    Invalid { place: String, rule: String },
}

type Checked = Result<(), CustomFieldRefusal>;

/// Refuses custom fields that are not as the settings have them, or that hold an address that must not be followed.
/// They are an object.
pub(super) fn check(fields: &Value, settings: &Settings) -> Result<(), MessageRefusal> {
    if !fields.is_object() {
        return Err(MessageRefusal::InvalidShape {
            key: "customFields",
        });
    }
    attachments::harmless(std::slice::from_ref(fields))?;
    let schema = text::trim(settings.text(keys::MESSAGE_CUSTOM_FIELDS));
    if !settings.bool(keys::MESSAGE_CUSTOM_FIELDS_ENABLED) || schema.is_empty() {
        return Ok(());
    }
    let broken = |_| CustomFieldRefusal::BrokenSchema("it is not JSON");
    serde_json::from_str(schema)
        .map_err(broken)
        .and_then(|schema: Value| fits(&schema, fields, ""))
        .map_err(MessageRefusal::CustomFields)
}

/// Checks a value by a schema; `place` is where the value stands, for the refusal.
fn fits(schema: &Value, value: &Value, place: &str) -> Checked {
    let rules = match schema {
        Value::Bool(true) => return Ok(()),
        Value::Bool(false) => return invalid(place, "additionalProperties"),
        Value::Object(rules) => rules,
        _ => return broken("a schema is an object"),
    };
    for (rule, wanted) in rules {
        let holds = match rule.as_str() {
            // These say nothing about the value itself.
            "$schema"
            | "$id"
            | "$comment"
            | "title"
            | "description"
            | "default"
            | "examples"
            | "readOnly"
            | "writeOnly"
            | "deprecated"
            | "properties"
            | "additionalProperties"
            | "items" => true,
            "type" => is_of_kind(value, wanted)?,
            "enum" => list(wanted)?.iter().any(|one| is_same(one, value)),
            "const" => is_same(wanted, value),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
                is_within(rule, wanted, value)?
            }
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties"
            | "maxProperties" => has_size(rule, wanted, value)?,
            "pattern" => matches(wanted, value)?,
            "required" => list(wanted)?.iter().try_fold(true, |holds, name| {
                let name = name.as_str().map_or_else(|| broken("required"), Ok)?;
                Ok(holds
                    && value
                        .as_object()
                        .is_none_or(|fields| fields.contains_key(name)))
            })?,
            _ => return broken("it has a rule that is not known here"),
        };
        if !holds {
            return invalid(place, rule);
        }
    }
    match value {
        Value::Object(fields) => each_field(rules, fields, place),
        Value::Array(items) => each_item(rules, items, place),
        _ => Ok(()),
    }
}

fn each_field(rules: &Map<String, Value>, fields: &Map<String, Value>, place: &str) -> Checked {
    let defined = match rules.get("properties") {
        None => None,
        Some(Value::Object(defined)) => Some(defined),
        Some(_) => return broken("properties"),
    };
    for (name, value) in fields {
        let schema = defined
            .and_then(|defined| defined.get(name))
            .or_else(|| rules.get("additionalProperties"));
        if let Some(schema) = schema {
            fits(schema, value, &within(place, name))?;
        }
    }
    Ok(())
}

fn each_item(rules: &Map<String, Value>, items: &[Value], place: &str) -> Checked {
    let Some(schema) = rules.get("items") else {
        return Ok(());
    };
    let place = within(place, "*");
    items.iter().try_for_each(|item| fits(schema, item, &place))
}

fn within(place: &str, name: &str) -> String {
    let name = text::told_back(name);
    if place.is_empty() {
        name.into_owned()
    } else {
        text::told_back(&format!("{place}.{name}")).into_owned()
    }
}

fn is_of_kind(value: &Value, wanted: &Value) -> Result<bool, CustomFieldRefusal> {
    let kinds = match wanted {
        Value::Array(kinds) => kinds.as_slice(),
        kind => std::slice::from_ref(kind),
    };
    let mut holds = false;
    for kind in kinds {
        holds |= match kind.as_str() {
            Some("null") => value.is_null(),
            Some("boolean") => value.is_boolean(),
            Some("string") => value.is_string(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            Some("number") => value.is_number(),
            Some("integer") => {
                value.is_i64()
                    || value.is_u64()
                    || value.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            _ => return broken("type"),
        };
    }
    Ok(holds)
}

/// Whether two values are the same to JSON: 1 and 1.0 are.
fn is_same(one: &Value, other: &Value) -> bool {
    one == other || one.is_number() && one.as_f64() == other.as_f64()
}

fn is_within(rule: &str, wanted: &Value, value: &Value) -> Result<bool, CustomFieldRefusal> {
    let wanted = wanted.as_f64().map_or_else(|| broken("a bound"), Ok)?;
    let Some(number) = value.as_f64() else {
        return Ok(true);
    };
    Ok(match rule {
        "minimum" => number >= wanted,
        "maximum" => number <= wanted,
        "exclusiveMinimum" => number > wanted,
        _ => number < wanted,
    })
}

fn has_size(rule: &str, wanted: &Value, value: &Value) -> Result<bool, CustomFieldRefusal> {
    let wanted = wanted.as_u64().map_or_else(|| broken("a size"), Ok)?;
    let size = match value {
        Value::String(text) if rule.ends_with("Length") => text.chars().count(),
        Value::Array(items) if rule.ends_with("Items") => items.len(),
        Value::Object(fields) if rule.ends_with("Properties") => fields.len(),
        _ => return Ok(true),
    } as u64;
    Ok(if rule.starts_with("min") {
        size >= wanted
    } else {
        size <= wanted
    })
}

fn matches(wanted: &Value, value: &Value) -> Result<bool, CustomFieldRefusal> {
    /// What an expression may take, in bytes, so that it is quick to prepare.
    const SIZE: usize = 64 * 1024;
    let expression = wanted
        .as_str()
        .and_then(|pattern| RegexBuilder::new(pattern).size_limit(SIZE).build().ok())
        .map_or_else(|| broken("pattern"), Ok)?;
    Ok(value.as_str().is_none_or(|text| expression.is_match(text)))
}

fn list(wanted: &Value) -> Result<&Vec<Value>, CustomFieldRefusal> {
    wanted.as_array().map_or_else(|| broken("a list"), Ok)
}

fn broken<T>(why: &'static str) -> Result<T, CustomFieldRefusal> {
    Err(CustomFieldRefusal::BrokenSchema(why))
}

fn invalid(place: &str, rule: &str) -> Checked {
    let (place, rule) = (place.to_owned(), rule.to_owned());
    Err(CustomFieldRefusal::Invalid { place, rule })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(schema: &str, fields: &Value) -> Result<(), MessageRefusal> {
        let mut settings = Settings::default();
        settings.set(keys::MESSAGE_CUSTOM_FIELDS_ENABLED.id(), true.into());
        settings.set(keys::MESSAGE_CUSTOM_FIELDS.id(), schema.into());
        check(fields, &settings)
    }

    #[test]
    fn without_a_schema_they_are_an_object_of_harmless_values() {
        let off = Settings::default();
        for (fields, result) in [
            (json!({"any": [1, {"a": null}]}), Ok(())),
            (
                json!("text"),
                Err(MessageRefusal::InvalidShape {
                    key: "customFields",
                }),
            ),
            (
                json!({"url": "javascript:x"}),
                Err(MessageRefusal::InvalidLink),
            ),
        ] {
            assert_eq!(check(&fields, &off), result, "{fields}");
            assert_eq!(checked(" ", &fields), result, "{fields}");
        }
    }

    #[test]
    fn they_are_as_the_schema_has_them() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "required": ["ticket"],
            "additionalProperties": false,
            "properties": {
                "ticket": {"type": "string", "pattern": "^[A-Z]+-\\d+$", "maxLength": 8},
                "rank": {"type": "integer", "minimum": 1, "exclusiveMaximum": 4},
                "state": {"enum": ["open", "done", 1]},
                "tags": {"type": "array", "maxItems": 2, "items": {"type": "string", "minLength": 2}},
                "more": {"type": ["object", "null"], "maxProperties": 1,
                         "additionalProperties": {"type": "boolean"}},
            },
        });
        for (fields, refused) in [
            (json!({"ticket": "AB-1"}), None),
            (
                json!({"ticket": "AB-1", "rank": 3.0, "state": 1.0, "tags": ["ab"], "more": null}),
                None,
            ),
            (json!({"ticket": "AB-1", "more": {"x": true}}), None),
            (json!({}), Some(("", "required"))),
            (json!({"ticket": 1}), Some(("ticket", "type"))),
            (json!({"ticket": "ab"}), Some(("ticket", "pattern"))),
            (
                json!({"ticket": "AB-123456"}),
                Some(("ticket", "maxLength")),
            ),
            (
                json!({"ticket": "A-1", "rank": 1.5}),
                Some(("rank", "type")),
            ),
            (
                json!({"ticket": "A-1", "rank": 0}),
                Some(("rank", "minimum")),
            ),
            (
                json!({"ticket": "A-1", "rank": 4}),
                Some(("rank", "exclusiveMaximum")),
            ),
            (
                json!({"ticket": "A-1", "state": "new"}),
                Some(("state", "enum")),
            ),
            (
                json!({"ticket": "A-1", "tags": ["ab", "c"]}),
                Some(("tags.*", "minLength")),
            ),
            (
                json!({"ticket": "A-1", "tags": ["ab", "cd", "ef"]}),
                Some(("tags", "maxItems")),
            ),
            (
                json!({"ticket": "A-1", "more": {"x": 1}}),
                Some(("more.x", "type")),
            ),
            (
                json!({"ticket": "A-1", "more": {"x": true, "y": true}}),
                Some(("more", "maxProperties")),
            ),
            (
                json!({"ticket": "A-1", "else": 1}),
                Some(("else", "additionalProperties")),
            ),
        ] {
            let expected = match refused {
                None => Ok(()),
                Some((place, rule)) => {
                    Err(MessageRefusal::CustomFields(CustomFieldRefusal::Invalid {
                        place: place.to_owned(),
                        rule: rule.to_owned(),
                    }))
                }
            };
            assert_eq!(checked(&schema.to_string(), &fields), expected, "{fields}");
        }
    }

    #[test]
    fn a_schema_that_is_not_understood_lets_nothing_through() {
        for schema in [
            "{",
            "[]",
            r#"{"anyOf": []}"#,
            r#"{"type": "text"}"#,
            r#"{"required": "a"}"#,
            r#"{"properties": []}"#,
            r#"{"properties": {"a": {"pattern": "("}}}"#,
            r#"{"properties": {"a": {"pattern": "(a{1000}){1000}"}}}"#,
            r#"{"properties": {"a": {"maxLength": -1}}}"#,
            r#"{"properties": {"a": {"minimum": "1"}}}"#,
            r#"{"properties": {"a": 1}}"#,
        ] {
            let refused = checked(schema, &json!({"a": "x"}));
            let is_broken = matches!(
                refused,
                Err(MessageRefusal::CustomFields(
                    CustomFieldRefusal::BrokenSchema(_)
                ))
            );
            assert!(is_broken, "{schema}: {refused:?}");
        }
    }
}
