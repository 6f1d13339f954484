//! What an endpoint takes, as one typed struct: the schema and the reading come from its declaration, by
//! `#[derive(Parameters)]`.
//!
//! There are two families of endpoints (contract, conventions 1.3). Of an *exact* one, the schema checks everything
//! before the handler runs; of an *open* one (`#[params(open)]`), reading refuses what has the wrong type, in other words,
//! and ignores what is not declared.

use std::ops::Deref;

pub use api_derive::Parameters;
use domain::text;
use domain::{MessageId, RoleId, RoomId, Timestamp, UserId};
use serde_json::{Map, Value};

use crate::errors::{ApiError, wording};
use crate::http::params::{NotADate, Params, mismatch, parse_date, truth};
use crate::http::schema::{Field, Kind, Presence, Schema};

/// The parameters of an endpoint, or a part of them that several endpoints have in common.
pub trait Parameters: Sized + Send + 'static {
    const SCHEMA: Schema;

    /// Takes the declared parameters out of `params`.
    fn read(params: &mut Params) -> Result<Self, ApiError>;
}

/// No parameters: whatever is sent is refused.
#[derive(Parameters)]
pub struct Nothing {}

/// What one parameter can be.
pub trait Param: Sized {
    const KIND: Kind;
    const REQUIRED: bool = true;
    /// What is not of that kind counts as absent, where the schema is open.
    const LOOSE: bool = false;

    /// `None`: it was not sent.
    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError>;

    /// Whether an optional one counts as absent though it was sent.
    fn is_absent(value: &Value) -> bool {
        value.is_null()
    }
}

/// The entry of a parameter in a schema. One of several alternatives must not be required by itself.
pub const fn field<T: Param>(name: &'static str, one_of: bool) -> Field {
    assert!(
        !(one_of && T::REQUIRED),
        "an alternative is optional by itself"
    );
    Field {
        name,
        kind: T::KIND,
        presence: match (one_of, T::REQUIRED) {
            (true, _) => Presence::OneOf,
            (false, true) => Presence::Required,
            (false, false) => Presence::Optional,
        },
        loose: T::LOOSE,
    }
}

/// Takes one parameter out of `params`.
pub fn take<T: Param>(params: &mut Params, name: &'static str) -> Result<T, ApiError> {
    T::read(params.take(name), name)
}

/// A parameter that must be there; an empty value is none.
fn there(value: Option<Value>, name: &str) -> Result<Value, ApiError> {
    value
        .filter(|value| !value.is_null())
        .ok_or_else(|| wording::match_missing(name))
}

impl<T: Param> Param for Option<T> {
    const KIND: Kind = T::KIND;
    const REQUIRED: bool = false;
    const LOOSE: bool = T::LOOSE;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        match value.filter(|value| !T::is_absent(value)) {
            None => Ok(None),
            value => T::read(value, name).map(Some),
        }
    }
}

impl Param for String {
    const KIND: Kind = Kind::Text;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        match there(value, name)? {
            Value::String(text) => Ok(text),
            other => Err(mismatch("string", &other, name)),
        }
    }
}

/// A text that says something; of an optional one, a blank text counts as absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled(pub String);

impl Filled {
    /// `None`: the text is blank.
    pub fn of(text: String) -> Option<Self> {
        (!text::is_blank(&text)).then_some(Self(text))
    }
}

impl Deref for Filled {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Param for Filled {
    const KIND: Kind = Kind::Text;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        Self::of(String::read(value, name)?).ok_or_else(|| wording::match_missing(name))
    }

    fn is_absent(value: &Value) -> bool {
        value.is_null() || value.as_str().is_some_and(text::is_blank)
    }
}

/// A text that holds a document ([`Kind::Document`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(pub String);

impl Param for Document {
    const KIND: Kind = Kind::Document;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        String::read(value, name).map(Self)
    }
}

/// A text of at least `LEAST` characters, in exact schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Long<const LEAST: usize>(pub String);

impl<const LEAST: usize> Param for Long<LEAST> {
    const KIND: Kind = Kind::LongText(LEAST);

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        String::read(value, name).map(Self)
    }
}

/// Ids are taken as they come; an optional one that is blank counts as absent.
macro_rules! ids {
    ($($id:ty),*) => {$(
        impl Param for $id {
            const KIND: Kind = Kind::Text;

            fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
                String::read(value, name).map(|text| Self::new(text))
            }

            fn is_absent(value: &Value) -> bool {
                Filled::is_absent(value)
            }
        }
    )*};
}
ids!(MessageId, RoleId, RoomId, UserId);

impl Param for bool {
    const KIND: Kind = Kind::Boolean;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        let value = there(value, name)?;
        value
            .as_bool()
            .or_else(|| value.as_str().and_then(truth))
            .ok_or_else(|| mismatch("boolean", &value, name))
    }
}

/// Whether something is wanted: `true`, `1`, or a text that means it. Anything else, and nothing, is no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag(pub bool);

impl Param for Flag {
    const KIND: Kind = Kind::Boolean;
    const REQUIRED: bool = false;
    const LOOSE: bool = true;

    fn read(value: Option<Value>, _: &'static str) -> Result<Self, ApiError> {
        Ok(Self(match value {
            Some(Value::Bool(flag)) => flag,
            Some(Value::String(text)) => text == "1" || truth(&text) == Some(true),
            Some(Value::Number(number)) => number.as_i64() == Some(1),
            _ => false,
        }))
    }
}

impl Param for f64 {
    const KIND: Kind = Kind::Number;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        let value = there(value, name)?;
        value
            .as_f64()
            .ok_or_else(|| mismatch("number", &value, name))
    }
}

/// A number above zero, in exact schemas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Positive(pub f64);

impl Param for Positive {
    const KIND: Kind = Kind::Positive;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        f64::read(value, name).map(Self)
    }
}

/// Whole numbers that the type has room for.
macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl Param for $number {
            const KIND: Kind = Kind::Number;

            fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
                let value = there(value, name)?;
                let number = value.as_u64().and_then(|number| number.try_into().ok());
                number.ok_or_else(|| {
                    let wanted = format!("a whole number from 0 to {}", <$number>::MAX);
                    mismatch(&wanted, &value, name)
                })
            }
        }
    )*};
}
whole_numbers!(u16, u32, u64);

/// A whole number that is sent as one, in JSON: neither null nor a text counts as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole(pub u64);

impl Param for Whole {
    const KIND: Kind = Kind::Whole;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        u64::read(value, name).map(Self)
    }
}

impl Param for Value {
    const KIND: Kind = Kind::Any;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        there(value, name)
    }
}

impl Param for Map<String, Value> {
    const KIND: Kind = Kind::Object;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        match there(value, name)? {
            Value::Object(object) => Ok(object),
            other => Err(mismatch("object", &other, name)),
        }
    }
}

impl Param for Vec<Value> {
    const KIND: Kind = Kind::List;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        match there(value, name)? {
            Value::Array(items) => Ok(items),
            other => Err(mismatch("array", &other, name)),
        }
    }
}

/// A text, or a list of texts, whatever the style of the schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OneOrMore(pub Vec<String>);

impl Param for OneOrMore {
    const KIND: Kind = Kind::Any;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        Vec::read(value, name).map(Self)
    }
}

/// Texts; a single one counts as a list of one where the schema is open.
impl Param for Vec<String> {
    const KIND: Kind = Kind::Texts;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        match there(value, name)? {
            Value::String(text) => Ok(vec![text]),
            Value::Array(items) => items
                .into_iter()
                .map(|item| String::read(Some(item), name))
                .collect(),
            other => Err(mismatch("array", &other, name)),
        }
    }
}

/// A point in time: ISO-8601, milliseconds, or `{"$date": ms}`. What is not a date is an error that the endpoint words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub Result<Timestamp, NotADate>);

impl Param for Date {
    const KIND: Kind = Kind::Date;
    const LOOSE: bool = true;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        let value = there(value, name)?;
        Ok(Self(parse_date(&value).ok_or(NotADate)))
    }
}

/// A value that an open endpoint takes as it comes, though its kind is told: what to make of anything else, the endpoint
/// decides. `None`: absent or null.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loose<T> {
    pub value: Option<Value>,
    kind: std::marker::PhantomData<T>,
}

impl<T: Param> Param for Loose<T> {
    const KIND: Kind = T::KIND;
    const REQUIRED: bool = false;
    const LOOSE: bool = true;

    fn read(value: Option<Value>, _: &'static str) -> Result<Self, ApiError> {
        Ok(Self {
            value: value.filter(|value| !value.is_null()),
            kind: std::marker::PhantomData,
        })
    }
}

impl Loose<String> {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        self.value.as_ref().and_then(Value::as_str)
    }
}

/// A parameter of which it matters whether it was not sent (`None`) or sent as null (`Some(None)`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent<T>(pub Option<Option<T>>);

impl<T: Param> Param for Sent<T> {
    const KIND: Kind = T::KIND;
    const REQUIRED: bool = false;
    const LOOSE: bool = T::LOOSE;

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        value
            .map(|value| Option::read(Some(value), name))
            .transpose()
            .map(Self)
    }
}

/// One of a few texts.
pub trait Choice: Sized {
    const NAMES: &'static [&'static str];

    fn find(name: &str) -> Option<Self>;
}

impl<T: Choice> Param for T {
    const KIND: Kind = Kind::Enum(T::NAMES);

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        let text = String::read(value, name)?;
        Self::find(&text).ok_or_else(|| wording::not_one_of(T::NAMES, name))
    }
}

/// An object inside the parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Inside<T>(pub T);

impl<T: Parameters> Param for Inside<T> {
    const KIND: Kind = Kind::Shape(&T::SCHEMA);

    fn read(value: Option<Value>, name: &'static str) -> Result<Self, ApiError> {
        let object = Map::read(value, name)?;
        T::read(&mut object.into()).map(Self)
    }
}
