//! EJSON, the JSON of methods: dates are `{"$date": <milliseconds>}`.

use domain::Timestamp;
use serde_json::{Map, Value, json};

use crate::http::params::parse_date;

/// The fields of wire documents that are dates. The views keep them as ISO-8601 texts, as REST has them.
const DATES: [&str; 20] = [
    "ts",
    "dlm",
    "lm",
    "ls",
    "lr",
    "tlm",
    "_updatedAt",
    "_deletedAt",
    "createdAt",
    "changedAt",
    "updatedAt",
    "lastLogin",
    "editedAt",
    "pinnedAt",
    "deletedAt",
    "uploadedAt",
    "expires",
    "expireAt",
    "tokenExpires",
    "codeExpires",
];

pub fn date(at: Timestamp) -> Value {
    json!({ "$date": at.as_millis() })
}

/// The date in `value`, if it is one.
pub fn read_date(value: &Value) -> Option<Timestamp> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object
        .get("$date")?
        .as_i64()
        .or_else(|| object["$date"].as_f64().map(rounded))
        .map(Timestamp::from_millis)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float out of range saturates, which is as good a date as any"
)]
fn rounded(millis: f64) -> i64 {
    millis as i64
}

fn as_date(value: Value) -> Value {
    match &value {
        Value::String(_) => parse_date(&value).map_or(value, date),
        _ => value,
    }
}

/// A wire document as methods return it: the fields that are dates become EJSON dates, at any depth.
pub fn with_dates(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(with_dates).collect(),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| {
                    let value = match &value {
                        Value::String(_) if DATES.contains(&name.as_str()) => as_date(value),
                        Value::Array(items) if DATES.contains(&name.as_str()) => {
                            items.iter().cloned().map(as_date).collect()
                        }
                        _ => with_dates(value),
                    };
                    (name, value)
                })
                .collect::<Map<String, Value>>(),
        ),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_both_ways() {
        let at = Timestamp::from_millis(1_656_676_800_000);
        assert_eq!(date(at), json!({"$date": 1_656_676_800_000_i64}));
        assert_eq!(read_date(&date(at)), Some(at));
        assert_eq!(
            read_date(&json!({"$date": 0})),
            Some(Timestamp::from_millis(0))
        );
        for no_date in [
            json!("2022-07-01"),
            json!(5),
            json!({"$date": "x"}),
            json!({}),
        ] {
            assert_eq!(read_date(&no_date), None, "{no_date}");
        }
    }

    #[test]
    fn the_dates_of_documents_become_dates() {
        let doc = json!({
            "msg": "2022-07-01T12:00:00.000Z",
            "ts": "2022-07-01T12:00:00.000Z",
            "list": [{"_updatedAt": "2022-07-01T12:00:00.000Z", "lm": "soon"}],
        });
        let at = json!({"$date": 1_656_676_800_000_i64});
        assert_eq!(
            with_dates(doc),
            json!({
                "msg": "2022-07-01T12:00:00.000Z",
                "ts": at,
                "list": [{"_updatedAt": at, "lm": "soon"}],
            })
        );
    }
}
