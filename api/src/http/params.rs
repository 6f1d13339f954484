//! The parameters of a request, whether they came in the query string, as a form or as JSON.

use domain::{Timestamp, text};
use serde_json::{Map, Value};

use crate::errors::{ApiError, wording};
use crate::http::json::{self, JsonError};

/// How deep `a[b][c]` may nest, and how many pairs a query string or form may have: parsing is bounded.
const MAX_DEPTH: usize = 5;
const MAX_PAIRS: usize = 10_000;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params(Map<String, Value>);

impl From<Map<String, Value>> for Params {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

impl Params {
    /// Reads a query string or a URL-encoded form. Never fails: what makes no sense becomes a text.
    ///
    /// Repeated keys and `a[]=` give lists, `a[b]=` objects (contract, conventions 1.1).
    pub fn from_urlencoded(text: &[u8]) -> Self {
        let mut map = Map::new();
        for (key, value) in form_urlencoded::parse(text).take(MAX_PAIRS) {
            let (name, path) = split_key(&key);
            insert(&mut map, name, &path, value.into_owned());
        }
        Self(map)
    }

    /// Reads a JSON body; an empty one is `{}`. A list counts as having no named parameters.
    pub fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        let body = json::text(body);
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        match json::parse(body) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(Value::Array(_)) => Ok(Self::default()),
            Ok(_) => Err(wording::malformed_body(
                "the top level must be an object or a list",
            )),
            Err(JsonError::TooMany) => Err(ApiError::TooLarge),
            Err(error @ (JsonError::TooDeep | JsonError::Invalid(_))) => {
                Err(wording::malformed_body(&error.to_string()))
            }
        }
    }

    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// The value of `name`; `None` when absent or null.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Takes the value of `name` out, null as well.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Refuses what is left.
    pub fn nothing_else(&self) -> Result<(), ApiError> {
        match self.0.keys().next() {
            Some(unknown) => Err(wording::match_unknown(unknown)),
            None => Ok(()),
        }
    }

    /// Whether `name` was given at all, even as null.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text that may be absent; anything but a text is an error.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(mismatch("string", other, name)),
        }
    }

    /// A text that may be absent; a blank one counts as absent.
    pub fn filled(&self, name: &str) -> Result<Option<&str>, ApiError> {
        Ok(self.text(name)?.filter(|text| !text::is_blank(text)))
    }

    /// A text that must be there.
    pub fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.text(name)?.ok_or_else(|| wording::match_missing(name))
    }

    /// Whether `name` is true: `true`, `"true"`, `1` or `"1"`. Python writes `True`.
    pub fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "1" || truth(text) == Some(true),
            Some(Value::Number(number)) => number.as_i64() == Some(1),
            _ => false,
        }
    }
}

/// The boolean that a text means, as JavaScript or Python writes it.
pub fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "True" => Some(true),
        "false" | "False" => Some(false),
        _ => None,
    }
}

/// A parameter must be a date and is not; what the error is called depends on the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotADate;

pub fn parse_date(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => parse_date_text(text::trim(text)),
        Value::Number(number) => number.as_i64().map(Timestamp::from_millis),
        Value::Object(date) => date.get("$date").and_then(parse_date),
        _ => None,
    }
}

fn parse_date_text(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp::from_millis(instant.as_millisecond()));
    }
    // Without an offset, UTC is meant; a day alone means its midnight.
    let civil = text.parse::<jiff::civil::DateTime>().or_else(|_| {
        text.parse::<jiff::civil::Date>()
            .map(|day| day.at(0, 0, 0, 0))
    });
    if let Ok(civil) = civil {
        let instant = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        return Some(Timestamp::from_millis(instant.timestamp().as_millisecond()));
    }
    text.parse::<i64>()
        .ok()
        .filter(|millis| *millis > 9_999)
        .map(Timestamp::from_millis)
}

pub fn mismatch(wanted: &str, found: &Value, name: &str) -> ApiError {
    wording::type_mismatch(wanted, type_name(found), name)
}

/// What JavaScript calls the type of a value.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// `a[b][]` is `a` and `["b", ""]`.
fn split_key(key: &str) -> (&str, Vec<&str>) {
    let Some((name, rest)) = key.split_once('[').filter(|(name, _)| !name.is_empty()) else {
        return (key, Vec::new());
    };
    let Some(inner) = rest.strip_suffix(']') else {
        return (key, Vec::new());
    };
    let path: Vec<&str> = inner.split("][").collect();
    if path.len() > MAX_DEPTH {
        (key, Vec::new())
    } else {
        (name, path)
    }
}

fn insert(map: &mut Map<String, Value>, name: &str, path: &[&str], text: String) {
    match path {
        [] => match map.get_mut(name) {
            None => {
                map.insert(name.to_owned(), Value::String(text));
            }
            Some(Value::Array(items)) => items.push(Value::String(text)),
            Some(Value::Object(_)) => {}
            Some(single) => *single = Value::Array(vec![single.take(), Value::String(text)]),
        },
        // Indexes only give the order, and that is the order of appearance.
        [index] if index.bytes().all(|byte| byte.is_ascii_digit()) => {
            let items = map.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            match items {
                Value::Array(items) => items.push(Value::String(text)),
                single => *single = Value::Array(vec![single.take(), Value::String(text)]),
            }
        }
        [key, rest @ ..] => {
            if let Value::Object(inner) =
                map.entry(name).or_insert_with(|| Value::Object(Map::new()))
            {
                insert(inner, key, rest, text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(text: &str) -> Value {
        Value::Object(Params::from_urlencoded(text.as_bytes()).into_map())
    }

    #[test]
    fn brackets_and_repetition_make_lists_and_objects() {
        assert_eq!(
            parsed("ids[]=a&ids[]=b&c=d+e%20f"),
            json!({"ids": ["a", "b"], "c": "d e f"})
        );
        assert_eq!(parsed("a=1&a=2"), json!({"a": ["1", "2"]}));
        assert_eq!(parsed("a[0]=x&a[1]=y"), json!({"a": ["x", "y"]}));
        assert_eq!(
            parsed("a[b]=c&a[d][]=e"),
            json!({"a": {"b": "c", "d": ["e"]}})
        );
        assert_eq!(
            parsed("password[digest]=ff&password[algorithm]=sha-256"),
            json!({"password": {"digest": "ff", "algorithm": "sha-256"}})
        );
    }

    #[test]
    fn nonsense_is_harmless() {
        assert_eq!(
            parsed("[=1&]=2&a[=3"),
            json!({"[": "1", "]": "2", "a[": "3"})
        );
        assert_eq!(parsed("a[b]=1&a=2"), json!({"a": {"b": "1"}}));
        let deep = format!("a{}=1", "[b]".repeat(100));
        assert_eq!(Params::from_urlencoded(deep.as_bytes()).as_map().len(), 1);
    }

    #[test]
    fn a_missing_body_is_an_empty_object_and_a_broken_one_an_error() {
        assert_eq!(Params::from_json(b" \n"), Ok(Params::default()));
        assert!(Params::from_json(b"{").is_err());
        assert!(
            Params::from_json(b"7").is_err(),
            "top level must be an object or a list"
        );
        assert_eq!(Params::from_json(b"[1]"), Ok(Params::default()));
    }

    #[test]
    fn dates_come_in_several_forms() {
        let at = Some(Timestamp::from_millis(1_656_676_800_000));
        for form in [
            json!("2022-07-01T12:00:00.000Z"),
            json!("2022-07-01T14:00:00+02:00"),
            json!("2022-07-01T12:00:00"),
            json!(1_656_676_800_000_i64),
            json!({"$date": 1_656_676_800_000_i64}),
        ] {
            assert_eq!(parse_date(&form), at, "{form}");
        }
        assert_eq!(parse_date(&json!("yesterday")), None);
    }

    #[test]
    fn wrong_types_are_told() {
        let params = Params::from_json(br#"{"name": 5, "list": ["a", 1]}"#).expect("object");
        assert_eq!(
            params
                .text("name")
                .map_err(|error| error.body()["error"].clone()),
            Err(json!(
                "Match error: Expected string, got number in field name"
            ))
        );
        assert_eq!(params.text("absent"), Ok(None));
    }
}
