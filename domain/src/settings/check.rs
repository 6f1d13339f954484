//! What values a setting takes (contract, admin 4.1).

use serde_json::Value;

use super::{Definition, InvalidValue};
use crate::text;

/// The most bytes of a value, as JSON. Long enough for a page, a style sheet or a certificate.
const LARGEST: usize = 1024 * 1024;

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
    /// Several of the texts listed; an empty list means any.
    MultiSelect(Vec<String>),
    /// A colour, or an expression of the style sheet.
    Color,
    /// A point in time, as text.
    Date,
    /// Some rooms, or an empty text.
    Rooms,
    /// An uploaded file, as an object.
    Asset,
    /// The name of something to run.
    Action,
}

impl Definition {
    /// The value if it fits; `"true"`, `"false"` and numbers in text form are converted where unambiguous.
    pub fn check(&self, value: Value) -> Result<Value, InvalidValue> {
        let invalid = |wanted: &str| InvalidValue {
            setting: self.id.clone().into_owned(),
            wanted: wanted.to_owned(),
        };
        let large = match &value {
            Value::String(text) => text.len() > LARGEST,
            Value::Array(_) | Value::Object(_) => value.to_string().len() > LARGEST,
            _ => false,
        };
        if large {
            return Err(invalid("less data"));
        }
        match (&self.value_type, value) {
            (SettingType::Boolean, Value::String(text)) if text == "true" || text == "false" => {
                Ok(Value::Bool(text == "true"))
            }
            (SettingType::Boolean, value @ Value::Bool(_)) => Ok(value),
            (SettingType::Boolean, _) => Err(invalid("true or false")),
            (SettingType::Int, Value::String(text)) => text::trim(&text)
                .parse::<i64>()
                .map(Value::from)
                .map_err(|_| invalid("a whole number")),
            (SettingType::Int, value) if value.is_i64() => Ok(value),
            (SettingType::Int, _) => Err(invalid("a whole number")),
            // Some choices are numbers, and some defaults are not among the choices (nothing chosen yet).
            (SettingType::Select(allowed), value) => {
                if value == self.default || is_choice(allowed, &value) {
                    Ok(value)
                } else {
                    Err(invalid(&format!("one of {}", allowed.join(", "))))
                }
            }
            (SettingType::MultiSelect(allowed), value) => {
                let fits = value
                    .as_array()
                    .is_some_and(|choices| choices.iter().all(|choice| is_choice(allowed, choice)));
                fits.then_some(value).ok_or_else(|| invalid("a list"))
            }
            (SettingType::Asset, value) => is_asset(&value)
                .then_some(value)
                .ok_or_else(|| invalid("an object with url and defaultUrl")),
            (SettingType::Rooms, value) => is_rooms(&value)
                .then_some(value)
                .ok_or_else(|| invalid("a list of rooms")),
            (SettingType::Date, value) => value
                .as_str()
                .is_some_and(is_date)
                .then_some(value)
                .ok_or_else(|| invalid("a date")),
            (SettingType::Text | SettingType::Action | SettingType::Color, value)
                if value.is_string() =>
            {
                Ok(value)
            }
            (SettingType::Text | SettingType::Action | SettingType::Color, _) => {
                Err(invalid("a text"))
            }
        }
    }
}

fn is_choice(allowed: &[String], value: &Value) -> bool {
    match value {
        Value::String(text) => allowed.is_empty() || allowed.iter().any(|one| one == text),
        Value::Number(number) => allowed.contains(&number.to_string()),
        _ => false,
    }
}

/// `{url?, defaultUrl?}`, both texts; more does no harm.
fn is_asset(value: &Value) -> bool {
    value.as_object().is_some_and(|asset| {
        ["url", "defaultUrl"]
            .iter()
            .all(|key| asset.get(*key).is_none_or(Value::is_string))
    })
}

/// A list of `{_id, name?}`, or nothing picked.
fn is_rooms(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(rooms) => rooms.iter().all(|room| room["_id"].is_string()),
        _ => false,
    }
}

/// Empty, or a day in the form of ISO 8601, with or without a time.
fn is_date(text: &str) -> bool {
    let mut parts = text.split(['T', ' ']);
    let day = parts.next().unwrap_or_default();
    let digits = |part: Option<&str>, count: usize| {
        part.is_some_and(|part| part.len() == count && part.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut numbers = day.split('-');
    let is_day = digits(numbers.next(), 4)
        && digits(numbers.next(), 2)
        && digits(numbers.next(), 2)
        && numbers.next().is_none();
    let is_time = parts.next().is_none_or(|time| {
        time.as_bytes().get(2) == Some(&b':')
            && time
                .bytes()
                .all(|b| b.is_ascii_digit() || b":.Z+-".contains(&b))
    });
    text.is_empty() || (is_day && is_time && parts.next().is_none())
}

/// Whether a text is a colour as the colour picker gives one: `#` and three, four, six or eight hexadecimal digits.
pub fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        matches!(digits.len(), 3 | 4 | 6 | 8) && digits.bytes().all(|b| b.is_ascii_hexdigit())
    })
}
