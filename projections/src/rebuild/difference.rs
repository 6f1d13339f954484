//! What is said of two rows that differ.

use std::fmt::Write as _;

use rusqlite::types::Value;

use crate::engine::work::Difference;
use crate::rebuild::rows::{Pair, Table};

/// Characters of a value that are shown.
const SHOWN: usize = 200;

/// Characters before a difference that are shown.
const BEFORE: usize = 40;

impl Table {
    /// What to say of the two rows of a key, which differ.
    pub(super) fn difference(&self, pair: &Pair) -> Difference {
        let differs = |index: usize| match (&pair.serving, &pair.rebuilt) {
            (Some(left), Some(right)) => left.get(index) != right.get(index),
            _ => true,
        };
        let differing: Vec<usize> = (0..self.columns.len())
            .filter(|index| differs(*index))
            .collect();
        // Where long values begin to differ is what is to be seen of them.
        let from = |index: usize| match (&pair.serving, &pair.rebuilt) {
            (Some(left), Some(right)) => {
                common(left.get(index), right.get(index)).saturating_sub(BEFORE)
            }
            _ => 0,
        };
        let say = |row: &Vec<Value>| {
            let values = differing
                .iter()
                .map(|index| (self.columns.get(*index), row.get(*index), from(*index)));
            said(values)
        };
        let row = pair.serving.as_ref().or(pair.rebuilt.as_ref());
        let key = row.map(|row| self.key_of(row)).unwrap_or_default();
        let key = self.key.iter().zip(key);
        Difference {
            view: self.view.to_owned(),
            table: self.name.clone(),
            key: said(key.map(|(name, value)| (Some(name), Some(value), 0))),
            columns: differing
                .iter()
                .filter_map(|index| self.columns.get(*index).cloned())
                .collect(),
            serving: pair.serving.as_ref().map(say),
            rebuilt: pair.rebuilt.as_ref().map(say),
        }
    }
}

/// `column=value, ...`, each value from a character on.
fn said<'a>(
    values: impl Iterator<Item = (Option<&'a String>, Option<&'a Value>, usize)>,
) -> String {
    let mut text = String::new();
    for (column, value, from) in values {
        if let (Some(column), Some(value)) = (column, value) {
            let comma = if text.is_empty() { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(text, "{comma}{column}={}", shown(value, from));
        }
    }
    text
}

/// The text of a value, if it is one.
fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        Value::Blob(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// How many characters two texts begin with that are the same.
fn common(left: Option<&Value>, right: Option<&Value>) -> usize {
    match (left.and_then(text), right.and_then(text)) {
        (Some(left), Some(right)) => left
            .chars()
            .zip(right.chars())
            .take_while(|(a, b)| a == b)
            .count(),
        _ => 0,
    }
}

/// Text in quotes, with what could do something to a terminal escaped; bytes that are none in hexadecimal.
fn shown(value: &Value, from: usize) -> String {
    if let Some(text) = text(value) {
        let begin = if from > 0 { "…" } else { "" };
        let rest = text.chars().skip(from);
        let end = if rest.clone().count() > SHOWN {
            "…"
        } else {
            ""
        };
        let part: String = rest.take(SHOWN).collect();
        return format!("{begin}{part:?}{end}");
    }
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Blob(bytes) => {
            bytes
                .iter()
                .take(SHOWN / 2)
                .fold("x".to_owned(), |mut text, byte| {
                    let _ = write!(text, "{byte:02x}");
                    text
                })
        }
        Value::Null | Value::Text(_) => "null".to_owned(),
    }
}
