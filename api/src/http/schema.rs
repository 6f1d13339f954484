//! What parameters are declared as. Where a schema is exact: those and no others, or an error in the words of the
//! validator that clients know (contract, conventions 1.3); scalars are converted if that is unambiguous.

use domain::limits;
use serde_json::{Map, Value};

use crate::errors::{ApiError, wording};
use crate::http::params::{Params, truth};

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text of at most [`limits::TEXT`] characters.
    Text,
    /// A text that holds a document, with at most [`limits::DOCUMENT`] characters: the text of a message, a picture or
    /// a key as text, a call of a method. Its handler has a limit of its own.
    Document,
    /// A text of at least so many characters.
    LongText(usize),
    /// A point in time: ISO-8601, milliseconds, or `{"$date": ms}` where the schema is open.
    Date,
    Number,
    /// A whole number that is not negative, in a JSON body: nothing else is converted to one. What clients of the contract
    /// send passes for a [`Self::Number`] too, `null` for 0 among it; where the number says how far somebody is, that would
    /// move them back although nobody meant it.
    Whole,
    /// A number above zero.
    Positive,
    Boolean,
    Object,
    /// A list of at most [`limits::ITEMS`] texts.
    Texts,
    Shape(&'static Schema),
    /// A list of anything.
    List,
    Any,
    Enum(&'static [&'static str]),
}

#[derive(Clone, Copy)]
pub enum Takes {
    Params(&'static Schema),
    /// A multipart body: the name of its file part (empty: any), and its text fields.
    Upload(&'static str, &'static [&'static str]),
}

impl Takes {
    /// The declared kind of the parameter `name`; `None`: none is declared.
    pub fn declared(&self, name: &str) -> Option<Kind> {
        match self {
            Self::Params(schema) => schema.find(name).map(|field| field.kind),
            Self::Upload(..) => None,
        }
    }

    /// Refuses what lists no longer take from 9.0 on: a filter and a choice of fields. If `query` is a search text,
    /// there is no choice of fields beside it.
    pub fn refuse_filters(&self, query: &Params) -> Result<(), ApiError> {
        let declares = |name| self.declared(name).is_some();
        let searches = declares("query") && !declares("fields");
        if query.has("fields") || (query.has("query") && !searches) {
            let message = "must NOT have additional properties".to_owned();
            return Err(wording::invalid_query_params(&[message]));
        }
        Ok(())
    }
}

/// Where parameters are: errors about them have another name for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Query,
    Body,
}

impl Source {
    /// The error for parameters from there that are not what is declared.
    pub fn fault(self, messages: &[String]) -> ApiError {
        match self {
            Self::Query => wording::invalid_query_params(messages),
            Self::Body => wording::invalid_params(messages),
        }
    }
}

/// Some clients add it to the query string of everything that lists messages; it means nothing.
const IGNORED: &str = "field";

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub presence: Presence,
    /// Where the schema is open, what is not of that kind is no error.
    pub loose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Required,
    Optional,
    /// Exactly one of the parameters marked so must be there.
    OneOf,
}

/// How an endpoint looks at its parameters (contract, conventions 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// All are checked before the handler runs, and others are refused.
    Exact,
    /// Reading refuses what has the wrong type; others are ignored.
    Open,
    /// The same, but others are refused.
    Closed,
}

#[derive(Clone, Copy, Debug)]
pub struct Schema {
    pub style: Style,
    pub fields: &'static [Field],
    /// Parts that several endpoints have in common.
    pub parts: &'static [&'static Schema],
}

impl Schema {
    /// Says nothing, refuses nothing.
    pub const OPEN: Self = Self {
        style: Style::Open,
        fields: &[],
        parts: &[],
    };

    /// Every field, those of the parts last.
    pub fn all(&self) -> Vec<&'static Field> {
        let parts = self.parts.iter().flat_map(|part| part.all());
        self.fields.iter().chain(parts).collect()
    }

    pub fn find(&self, name: &str) -> Option<&'static Field> {
        let own = self.fields.iter().find(|field| field.name == name);
        own.or_else(|| self.parts.iter().find_map(|part| part.find(name)))
    }

    /// The parameters of which exactly one must be there.
    pub fn one_of(&self) -> Vec<&'static str> {
        let fields = self.all().into_iter();
        let alternatives = fields.filter(|field| field.presence == Presence::OneOf);
        alternatives.map(|field| field.name).collect()
    }

    /// The parameters with scalars converted, if they are what is declared.
    pub fn check(&self, params: Params, source: Source) -> Result<Params, ApiError> {
        let mut map = params.into_map();
        if source == Source::Query && self.find(IGNORED).is_none() {
            map.remove(IGNORED);
        }
        map.retain(|name, value| !value.is_null() || self.is_required(name));
        let one_of = self.one_of();
        if one_of.is_empty() {
            return match self.first_fault(&mut map, None) {
                None => Ok(map.into()),
                Some(message) => Err(source.fault(&[message])),
            };
        }
        let mut messages = Vec::new();
        let mut passed = None;
        for alternative in one_of {
            let mut candidate = map.clone();
            match self.first_fault(&mut candidate, Some(alternative)) {
                None if passed.is_some() => {
                    return Err(source.fault(&[NOT_ONE.to_owned()]));
                }
                None => passed = Some(candidate),
                Some(message) => messages.push(message),
            }
        }
        passed.map(Params::from).ok_or_else(|| {
            messages.push(NOT_ONE.to_owned());
            source.fault(&messages)
        })
    }

    fn is_required(&self, name: &str) -> bool {
        self.find(name)
            .is_some_and(|field| field.presence == Presence::Required)
    }

    /// The first error, in the order of the validator: missing, unknown, mistyped. Of the parameters of which one must
    /// be there, `chosen` is it.
    fn first_fault(&self, map: &mut Map<String, Value>, chosen: Option<&str>) -> Option<String> {
        let all = self.all();
        let missing = all.iter().find(|field| {
            (field.presence == Presence::Required || chosen == Some(field.name))
                && !map.contains_key(field.name)
        });
        if let Some(field) = missing {
            return Some(format!("must have required property '{}'", field.name));
        }
        map.iter_mut().find_map(|(name, value)| {
            let declared = all.iter().find(|field| field.name == name);
            let field = declared
                .filter(|field| field.presence != Presence::OneOf || chosen == Some(field.name));
            match field {
                None => Some("must NOT have additional properties".to_owned()),
                Some(field) => field.kind.fault(value),
            }
        })
    }
}

const NOT_ONE: &str = "must match exactly one schema in oneOf";

impl Kind {
    /// What is wrong with `value`; converts it if that is unambiguous.
    fn fault(self, value: &mut Value) -> Option<String> {
        let fits = match self {
            Self::Text | Self::Document | Self::Date => as_text(value),
            Self::LongText(least) => {
                if !as_text(value) {
                    return Some("must be string".to_owned());
                }
                let long_enough = value
                    .as_str()
                    .is_some_and(|text| text.chars().count() >= least);
                return (!long_enough)
                    .then(|| format!("must NOT have fewer than {least} characters"));
            }
            Self::Number => as_number(value),
            Self::Whole => {
                return (!value.is_u64()).then(|| "must be a whole number".to_owned());
            }
            Self::Positive => {
                if !as_number(value) {
                    return Some("must be number".to_owned());
                }
                let positive = value.as_f64().is_some_and(|number| number > 0.0);
                return (!positive).then(|| "must be > 0".to_owned());
            }
            Self::Boolean => as_boolean(value),
            Self::Object => value.is_object(),
            Self::Shape(schema) => match value {
                Value::Object(map) => return schema.first_fault(map, None),
                _ => false,
            },
            Self::List => value.is_array(),
            Self::Any => true,
            Self::Texts => match value {
                Value::Array(items) => {
                    return (!items.iter_mut().all(as_text)).then(|| "must be string".to_owned());
                }
                _ => false,
            },
            Self::Enum(allowed) => {
                let known = value.as_str().is_some_and(|text| allowed.contains(&text));
                return (!known).then(|| "must be equal to one of the allowed values".to_owned());
            }
        };
        (!fits).then(|| format!("must be {}", self.name()))
    }

    /// What the validator calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text | Self::Document | Self::LongText(_) | Self::Enum(_) | Self::Date => {
                "string"
            }
            Self::Number | Self::Whole | Self::Positive => "number",
            Self::Boolean => "boolean",
            Self::Object | Self::Shape(_) => "object",
            Self::Texts | Self::List => "array",
            Self::Any => "anything",
        }
    }
}

/// What is larger than anything a client has reason to send, if there is anything: everything a route takes has bounds,
/// declared or not. `declared` says what the parameters are meant to be.
pub fn oversize(
    params: &Map<String, Value>,
    declared: impl Fn(&str) -> Option<Kind>,
) -> Option<String> {
    if params.len() > limits::ITEMS {
        return Some(format!(
            "must NOT have more than {} properties",
            limits::ITEMS
        ));
    }
    params.iter().find_map(|(name, value)| {
        let texts = match declared(name) {
            Some(Kind::Text | Kind::Date | Kind::LongText(_) | Kind::Enum(_) | Kind::Texts)
            | None => limits::TEXT,
            Some(_) => limits::DOCUMENT,
        };
        excess(value, texts)
    })
}

/// What is too large about a value whose texts may have at most `texts` characters. Nesting is bounded where the value
/// is parsed ([`super::json`]).
pub fn excess(value: &Value, texts: usize) -> Option<String> {
    let many = |count: usize, what| {
        (count > limits::ITEMS).then(|| format!("must NOT have more than {} {what}", limits::ITEMS))
    };
    match value {
        Value::String(text) => limits::is_longer(text, texts)
            .then(|| format!("must NOT have more than {texts} characters")),
        Value::Array(items) => {
            many(items.len(), "items").or_else(|| items.iter().find_map(|item| excess(item, texts)))
        }
        Value::Object(fields) => many(fields.len(), "properties").or_else(|| {
            let long = fields
                .keys()
                .any(|name| limits::is_longer(name, limits::FIELD_NAME));
            if long {
                return Some(format!(
                    "must NOT have names of more than {} characters",
                    limits::FIELD_NAME
                ));
            }
            fields.values().find_map(|value| excess(value, texts))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn as_text(value: &mut Value) -> bool {
    match value {
        Value::String(_) => return true,
        Value::Number(number) => *value = Value::String(number.to_string()),
        Value::Bool(flag) => *value = Value::String(flag.to_string()),
        Value::Null => *value = Value::String(String::new()),
        Value::Array(_) | Value::Object(_) => return false,
    }
    true
}

fn as_number(value: &mut Value) -> bool {
    let number = match value {
        Value::Number(_) => return true,
        Value::Bool(flag) => Some(Value::from(i64::from(*flag))),
        Value::Null => Some(Value::from(0)),
        Value::String(text) => {
            let text = domain::text::trim(text);
            text.parse::<i64>()
                .ok()
                .map(Value::from)
                .or_else(|| text.parse::<f64>().ok().map(Value::from))
        }
        Value::Array(_) | Value::Object(_) => None,
    };
    number.filter(Value::is_number).is_some_and(|number| {
        *value = number;
        true
    })
}

fn as_boolean(value: &mut Value) -> bool {
    let flag = match value {
        Value::Bool(_) => return true,
        Value::String(text) => match truth(text) {
            Some(flag) => flag,
            None => return false,
        },
        Value::Number(number) if number.as_i64() == Some(1) => true,
        Value::Number(number) if number.as_i64() == Some(0) => false,
        Value::Null => false,
        _ => return false,
    };
    *value = Value::Bool(flag);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const fn field(name: &'static str, kind: Kind, presence: Presence) -> Field {
        Field {
            name,
            kind,
            presence,
            loose: false,
        }
    }

    const ROOM: Schema = Schema {
        style: Style::Exact,
        fields: &[field("joinCode", Kind::Text, Presence::Optional)],
        parts: &[&Schema {
            style: Style::Open,
            fields: &[
                field("roomId", Kind::Text, Presence::OneOf),
                field("roomName", Kind::Text, Presence::OneOf),
            ],
            parts: &[],
        }],
    };
    const PLAIN: Schema = Schema {
        style: Style::Exact,
        fields: &[
            field("name", Kind::LongText(3), Presence::Required),
            field("age", Kind::Number, Presence::Optional),
            field("on", Kind::Boolean, Presence::Optional),
        ],
        parts: &[],
    };

    fn checked(schema: &Schema, value: Value) -> Result<Value, String> {
        let Value::Object(map) = value else {
            return Err("not an object".to_owned());
        };
        match schema.check(map.into(), Source::Body) {
            Ok(params) => Ok(Value::Object(params.into_map())),
            Err(error) => Err(error.body()["error"]
                .as_str()
                .unwrap_or_default()
                .to_owned()),
        }
    }

    #[test]
    fn faults_in_the_query_string_have_another_name() {
        let code = |text: &str, source| {
            let params = Params::from_urlencoded(text.as_bytes());
            let checked = PLAIN.check(params, source);
            checked.map_err(|error| error.body()["errorType"].clone())
        };
        assert_eq!(
            code("name=ab", Source::Query),
            Err(json!("error-invalid-params"))
        );
        assert_eq!(code("name=ab", Source::Body), Err(json!("invalid-params")));
        assert!(
            code("name=abc&field=x", Source::Query).is_ok(),
            "says nothing"
        );
        assert_eq!(
            code("name=abc&field=x", Source::Body),
            Err(json!("invalid-params"))
        );
    }

    #[test]
    fn exactly_one_selector() {
        assert_eq!(
            checked(&ROOM, json!({"roomId": "a"})),
            Ok(json!({"roomId": "a"}))
        );
        assert_eq!(
            checked(&ROOM, json!({})),
            Err("must have required property 'roomId'\n must have required property 'roomName'\n must match exactly one schema in oneOf [invalid-params]".to_owned())
        );
        assert!(checked(&ROOM, json!({"roomId": "a", "roomName": "b"})).is_err());
        assert!(checked(&ROOM, json!({"roomId": "a", "x": 1})).is_err());
    }

    #[test]
    fn scalars_are_converted_and_the_first_fault_is_told() {
        assert_eq!(
            checked(&PLAIN, json!({"name": 12345, "age": "7", "on": "true"})),
            Ok(json!({"name": "12345", "age": 7, "on": true}))
        );
        assert_eq!(
            checked(&PLAIN, json!({})),
            Err("must have required property 'name' [invalid-params]".to_owned())
        );
        assert_eq!(
            checked(&PLAIN, json!({"name": "ab"})),
            Err("must NOT have fewer than 3 characters [invalid-params]".to_owned())
        );
        assert_eq!(
            checked(&PLAIN, json!({"name": "abc", "b": 1})),
            Err("must NOT have additional properties [invalid-params]".to_owned())
        );
        assert_eq!(
            checked(&PLAIN, json!({"name": "abc", "on": "yes"})),
            Err("must be boolean [invalid-params]".to_owned())
        );
        assert_eq!(
            checked(&PLAIN, json!({"name": {}})),
            Err("must be string [invalid-params]".to_owned())
        );
    }

    #[test]
    fn everything_has_bounds_declared_or_not() {
        let said = |value: Value| {
            let params: Params = value.as_object().cloned().unwrap_or_default().into();
            oversize(params.as_map(), |name| {
                PLAIN.find(name).map(|field| field.kind)
            })
        };
        let (long, many) = (
            "x".repeat(limits::TEXT + 1),
            vec![json!(1); limits::ITEMS + 1],
        );
        for (value, fault) in [
            (
                json!({ "name": long }),
                "must NOT have more than 65536 characters",
            ),
            (
                json!({ "unknown": long }),
                "must NOT have more than 65536 characters",
            ),
            (
                json!({ "unknown": many }),
                "must NOT have more than 1000 items",
            ),
            (
                json!({ "unknown": { "inside": many } }),
                "must NOT have more than 1000 items",
            ),
        ] {
            assert_eq!(said(value).as_deref(), Some(fault));
        }
        assert_eq!(
            said(json!({ "name": "x", "unknown": [{ "a": ["b"] }] })),
            None
        );
    }
}
