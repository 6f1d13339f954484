//! The parameters of a method.

use application::identity::second_factors::gate::FactorAnswer;
use domain::Timestamp;
use serde_json::{Map, Value};

use crate::errors::{ApiError, wording};
use crate::http::params::type_name;
use crate::http::second_factors;
use crate::methods::ejson;

/// A list of parameters. A missing one reads as `null`; extra ones are ignored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args(Vec<Value>);

impl From<Vec<Value>> for Args {
    fn from(values: Vec<Value>) -> Self {
        Self(values)
    }
}

impl Args {
    pub fn as_slice(&self) -> &[Value] {
        &self.0
    }

    /// `null` if there is none.
    pub fn get(&self, index: usize) -> &Value {
        self.0.get(index).unwrap_or(&Value::Null)
    }

    /// A text that must be there.
    pub fn text(&self, index: usize) -> Result<&str, ApiError> {
        self.get(index)
            .as_str()
            .ok_or_else(|| self.mismatch("string", index))
    }

    /// A text that may be missing.
    pub fn optional_text(&self, index: usize) -> Result<Option<&str>, ApiError> {
        match self.get(index) {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            _ => Err(self.mismatch("string", index)),
        }
    }

    /// A list of texts that may be missing.
    pub fn optional_texts(&self, index: usize) -> Result<Option<Vec<String>>, ApiError> {
        let texts = match self.get(index) {
            Value::Null => return Ok(None),
            Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)),
            _ => return Err(self.mismatch("array", index)),
        };
        let texts: Option<Vec<String>> = texts.collect();
        texts
            .map(Some)
            .ok_or_else(|| self.mismatch("array of strings", index))
    }

    /// True or false, which may be missing.
    pub fn boolean(&self, index: usize) -> Result<Option<bool>, ApiError> {
        match self.get(index) {
            Value::Null => Ok(None),
            Value::Bool(flag) => Ok(Some(*flag)),
            _ => Err(self.mismatch("boolean", index)),
        }
    }

    /// A number that may be missing.
    pub fn number(&self, index: usize) -> Result<Option<f64>, ApiError> {
        match self.get(index) {
            Value::Null => Ok(None),
            Value::Number(number) => Ok(number.as_f64()),
            _ => Err(self.mismatch("number", index)),
        }
    }

    /// An object that must be there.
    pub fn object(&self, index: usize) -> Result<&Map<String, Value>, ApiError> {
        self.get(index)
            .as_object()
            .ok_or_else(|| self.mismatch("object", index))
    }

    /// A list that must be there.
    pub fn list(&self, index: usize) -> Result<&[Value], ApiError> {
        self.get(index)
            .as_array()
            .map(Vec::as_slice)
            .ok_or_else(|| self.mismatch("array", index))
    }

    /// A date in the form of EJSON; anything else, texts and numbers included, is no date (contract, realtime 2).
    pub fn date(&self, index: usize) -> Option<Timestamp> {
        ejson::read_date(self.get(index))
    }

    /// The code of a second factor in the last parameter, where clients over the socket put it.
    pub fn factor(&self) -> FactorAnswer {
        let text = |name: &str| self.0.last()?.get(name)?.as_str();
        second_factors::answer(
            text("twoFactorCode").map(str::to_owned),
            text("twoFactorMethod"),
        )
    }

    fn mismatch(&self, wanted: &str, index: usize) -> ApiError {
        let found = self.0.get(index).map_or("undefined", type_name);
        wording::match_error(&format!("Expected {wanted}, got {found}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use application::identity::challenge::Factor;
    use serde_json::json;

    #[test]
    fn parameters_are_what_they_must_be_or_a_match_error() {
        let args = Args::from(vec![json!("a"), json!(5), json!({"$date": 7}), json!("7")]);
        assert_eq!(args.text(0), Ok("a"));
        let error = args.text(1).expect_err("a number is no text");
        assert_eq!(
            error.body()["error"],
            "Match error: Expected string, got number"
        );
        let error = args.text(9).expect_err("nothing is no text");
        assert_eq!(
            error.body()["error"],
            "Match error: Expected string, got undefined"
        );
        assert_eq!(args.optional_text(9), Ok(None));
        assert_eq!(args.date(2), Some(Timestamp::from_millis(7)));
        assert_eq!(args.date(3), None);
    }

    #[test]
    fn a_second_factor_may_come_last() {
        let args = Args::from(vec![
            json!(1),
            json!({"twoFactorCode": "123456", "twoFactorMethod": "totp"}),
        ]);
        let factor = FactorAnswer {
            code: Some("123456".to_owned()),
            factor: Some(Factor::Totp),
        };
        assert_eq!(args.factor(), factor);
        assert_eq!(
            Args::from(vec![json!("")]).factor(),
            FactorAnswer::default()
        );
    }
}
