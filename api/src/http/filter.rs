//! The part of the Mongo query language that clients use in `query` (contract, conventions 1.5), as a filter over
//! documents. Everything else is refused, so nothing a client sends is ever run anywhere.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::http::params::parse_date;

const MAX_DEPTH: usize = 8;

/// Largest compiled size of a pattern, and the most memory for a search, in bytes.
const MAX_PATTERN_SIZE: usize = 64 * 1024;
const MAX_PATTERN_CACHE: usize = 256 * 1024;

/// How many values a filter may compare with, and how many patterns it may have: each is checked against every
/// document, and each pattern takes memory.
const MOST_VALUES: u32 = 2000;
const MOST_PATTERNS: u32 = 10;

/// The query uses something that is not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported;

#[derive(Clone, Debug)]
pub enum Filter {
    /// All of these hold.
    All(Vec<Filter>),
    /// One of these holds.
    Any(Vec<Filter>),
    /// A field, by its dotted path.
    Field(String, Test),
}

#[derive(Clone, Debug)]
pub enum Test {
    /// Equal, or a list that contains it. Equal to null: absent.
    Equal(Value),
    NotEqual(Value),
    In(Vec<Value>),
    NotIn(Vec<Value>),
    /// In this order to the value; the flag says whether equal counts.
    Order(Ordering, bool, Value),
    Exists(bool),
    Pattern(Pattern),
}

/// A regular expression, with a short cut for the texts that people type into a search box.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: regex::Regex,
    /// The text it looks for, whatever the case of its letters; `None` if it is more than that.
    plain: Option<Box<str>>,
}

impl Pattern {
    fn is_match(&self, text: &str) -> bool {
        match &self.plain {
            // Beyond ASCII, letters have more than two cases.
            Some(plain) if text.is_ascii() => {
                let mut places = text.as_bytes().windows(plain.len());
                places.any(|place| place.eq_ignore_ascii_case(plain.as_bytes()))
            }
            _ => self.regex.is_match(text),
        }
    }
}

/// What a filter may still use.
struct Budget {
    values: u32,
    patterns: u32,
}

impl Budget {
    fn value(&mut self) -> Result<(), Unsupported> {
        self.values = self.values.checked_sub(1).ok_or(Unsupported)?;
        Ok(())
    }

    fn pattern(&mut self) -> Result<(), Unsupported> {
        self.patterns = self.patterns.checked_sub(1).ok_or(Unsupported)?;
        Ok(())
    }
}

impl Filter {
    pub fn parse(query: &Map<String, Value>) -> Result<Self, Unsupported> {
        let mut budget = Budget {
            values: MOST_VALUES,
            patterns: MOST_PATTERNS,
        };
        Self::parse_nested(query, 0, &mut budget)
    }

    fn parse_nested(
        query: &Map<String, Value>,
        depth: usize,
        budget: &mut Budget,
    ) -> Result<Self, Unsupported> {
        if depth > MAX_DEPTH {
            return Err(Unsupported);
        }
        let mut all = Vec::new();
        for (key, value) in query {
            match key.as_str() {
                "$or" => all.push(Self::Any(Self::list(value, depth, budget)?)),
                "$and" => all.push(Self::All(Self::list(value, depth, budget)?)),
                "constructor" | "__proto__" | "prototype" => {}
                // At the top level other operators are dropped, deeper down they are an error.
                operator if operator.starts_with('$') && depth == 0 => {}
                operator if operator.starts_with('$') => return Err(Unsupported),
                field => {
                    for test in Test::parse(value, budget)? {
                        all.push(Self::Field(field.to_owned(), test));
                    }
                }
            }
        }
        Ok(Self::All(all))
    }

    fn list(value: &Value, depth: usize, budget: &mut Budget) -> Result<Vec<Self>, Unsupported> {
        value
            .as_array()
            .ok_or(Unsupported)?
            .iter()
            .map(|item| Self::parse_nested(item.as_object().ok_or(Unsupported)?, depth + 1, budget))
            .collect()
    }

    pub fn matches(&self, doc: &Value) -> bool {
        self.holds(&|path, test| {
            let mut found = Vec::new();
            collect(doc, path, &mut found);
            test.holds(&found)
        })
    }

    /// Whether it holds, if `field` tells whether the value at a path passes a test.
    pub fn holds(&self, field: &impl Fn(&str, &Test) -> bool) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.holds(field)),
            Self::Any(filters) => filters.iter().any(|filter| filter.holds(field)),
            Self::Field(path, test) => field(path, test),
        }
    }

    /// Whether it looks at such paths only.
    pub fn looks_only_at(&self, known: &impl Fn(&str) -> bool) -> bool {
        match self {
            Self::All(filters) | Self::Any(filters) => {
                filters.iter().all(|filter| filter.looks_only_at(known))
            }
            Self::Field(path, _) => known(path),
        }
    }

    /// The first parts of the paths it looks at, each once.
    pub fn fields(&self) -> Vec<&str> {
        let mut fields = Vec::new();
        self.collect_fields(&mut fields);
        fields
    }

    fn collect_fields<'a>(&'a self, fields: &mut Vec<&'a str>) {
        match self {
            Self::All(filters) | Self::Any(filters) => {
                for filter in filters {
                    filter.collect_fields(fields);
                }
            }
            Self::Field(path, _) => {
                let first = path.split('.').next().unwrap_or(path);
                if !fields.contains(&first) {
                    fields.push(first);
                }
            }
        }
    }

    /// The values `_id` is restricted to, if the filter does just that.
    pub fn ids(&self) -> Option<Vec<&str>> {
        let Self::All(filters) = self else {
            return None;
        };
        let [Self::Field(field, test)] = filters.as_slice() else {
            return None;
        };
        match test {
            Test::Equal(Value::String(id)) if field == "_id" => Some(vec![id]),
            Test::In(ids) if field == "_id" => Some(ids.iter().filter_map(Value::as_str).collect()),
            _ => None,
        }
    }
}

/// The values at a dotted path; a list on the way stands for each of its items.
fn collect<'a>(value: &'a Value, path: &str, found: &mut Vec<&'a Value>) {
    if let Value::Array(items) = value {
        for item in items {
            collect(item, path, found);
        }
        return;
    }
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(first, rest)| (first, Some(rest)));
    match (value.get(first), rest) {
        (Some(inner), Some(rest)) => collect(inner, rest, found),
        (Some(inner), None) => found.push(inner),
        (None, _) => {}
    }
}

impl Test {
    fn parse(value: &Value, budget: &mut Budget) -> Result<Vec<Self>, Unsupported> {
        budget.value()?;
        let Some(operators) = value
            .as_object()
            .filter(|object| object.keys().any(|key| key.starts_with('$')))
        else {
            return Ok(vec![Self::Equal(value.clone())]);
        };
        if operators.contains_key("$date") {
            return Ok(vec![Self::Equal(value.clone())]);
        }
        let list = |value: &Value, budget: &mut Budget| {
            let values = value.as_array().ok_or(Unsupported)?;
            values.iter().try_for_each(|_| budget.value())?;
            Ok::<_, Unsupported>(values.clone())
        };
        let mut tests = Vec::new();
        for (operator, operand) in operators {
            tests.push(match operator.as_str() {
                "$eq" => Self::Equal(operand.clone()),
                "$ne" => Self::NotEqual(operand.clone()),
                "$in" => Self::In(list(operand, budget)?),
                "$nin" => Self::NotIn(list(operand, budget)?),
                "$gt" => Self::Order(Ordering::Greater, false, operand.clone()),
                "$gte" => Self::Order(Ordering::Greater, true, operand.clone()),
                "$lt" => Self::Order(Ordering::Less, false, operand.clone()),
                "$lte" => Self::Order(Ordering::Less, true, operand.clone()),
                "$exists" => Self::Exists(
                    operand
                        .as_bool()
                        .or_else(|| operand.as_i64().map(|n| n != 0))
                        .ok_or(Unsupported)?,
                ),
                "$regex" => {
                    budget.pattern()?;
                    Self::Pattern(pattern(operand, operators.get("$options"))?)
                }
                "$options" if operators.contains_key("$regex") => continue,
                _ => return Err(Unsupported),
            });
        }
        Ok(tests)
    }

    /// Like [`Self::holds`], for a field whose values are texts.
    pub fn holds_of<'a>(&self, mut texts: impl Iterator<Item = &'a str>) -> bool {
        if let Self::Pattern(pattern) = self {
            return texts.any(|text| pattern.is_match(text));
        }
        let values: Vec<Value> = texts.map(Value::from).collect();
        self.holds(&values.iter().collect::<Vec<_>>())
    }

    /// Whether a field that has these values, none or several, passes.
    pub fn holds(&self, found: &[&Value]) -> bool {
        match self {
            Self::Equal(wanted) => equals(found, wanted),
            Self::NotEqual(unwanted) => !equals(found, unwanted),
            Self::In(wanted) => wanted.iter().any(|one| equals(found, one)),
            Self::NotIn(unwanted) => !unwanted.iter().any(|one| equals(found, one)),
            Self::Exists(wanted) => found.is_empty() != *wanted,
            Self::Order(order, or_equal, bound) => {
                each(found).any(|value| match compare(value, bound) {
                    Some(Ordering::Equal) => *or_equal,
                    Some(other) => other == *order,
                    None => false,
                })
            }
            Self::Pattern(pattern) => {
                each(found).any(|value| value.as_str().is_some_and(|text| pattern.is_match(text)))
            }
        }
    }
}

/// The values, and the items of those that are lists.
fn each<'a>(found: &'a [&'a Value]) -> impl Iterator<Item = &'a Value> {
    found.iter().flat_map(|value| match value {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(*single),
    })
}

fn equals(found: &[&Value], wanted: &Value) -> bool {
    if wanted.is_null() {
        return found.iter().all(|value| value.is_null());
    }
    found.contains(&wanted)
        || each(found)
            .any(|value| value == wanted || compare(value, wanted) == Some(Ordering::Equal))
}

/// Numbers by size, dates by time, texts by their characters; anything else has no order.
fn compare(value: &Value, bound: &Value) -> Option<Ordering> {
    match (value, bound) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(_), Value::Object(_)) => Some(parse_date(value)?.cmp(&parse_date(bound)?)),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn pattern(operand: &Value, options: Option<&Value>) -> Result<Pattern, Unsupported> {
    let text = operand.as_str().ok_or(Unsupported)?;
    let options = options.and_then(Value::as_str).unwrap_or("");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'@');
    let plain = options.contains('i') && !text.is_empty() && text.bytes().all(is_plain);
    let regex = regex::RegexBuilder::new(text)
        .case_insensitive(options.contains('i'))
        .multi_line(options.contains('m'))
        .dot_matches_new_line(options.contains('s'))
        .ignore_whitespace(options.contains('x'))
        .size_limit(MAX_PATTERN_SIZE)
        .dfa_size_limit(MAX_PATTERN_CACHE)
        .build()
        .map_err(|_| Unsupported)?;
    let plain = plain.then(|| text.into());
    Ok(Pattern { regex, plain })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn matches(query: &Value, doc: &Value) -> Result<bool, Unsupported> {
        Ok(Filter::parse(query.as_object().ok_or(Unsupported)?)?.matches(doc))
    }

    #[test]
    fn the_queries_of_known_clients() {
        let doc = json!({"_id": "m", "mentions": [{"_id": "u1"}, {"_id": "u2"}], "pinned": true, "ts": "2022-07-01T12:00:00.000Z"});
        assert_eq!(
            matches(&json!({"mentions._id": {"$in": ["u2"]}}), &doc),
            Ok(true)
        );
        assert_eq!(
            matches(&json!({"mentions._id": {"$in": ["u3"]}}), &doc),
            Ok(false)
        );
        assert_eq!(matches(&json!({"starred._id": "u1"}), &doc), Ok(false));
        assert_eq!(matches(&json!({"pinned": true}), &doc), Ok(true));
        assert_eq!(
            matches(&json!({"tmid": {"$exists": false}}), &doc),
            Ok(true)
        );
        assert_eq!(
            matches(&json!({"ts": {"$gt": {"$date": 0}}}), &doc),
            Ok(true)
        );
        assert_eq!(
            matches(
                &json!({"$or": [{"x": 1}, {"_id": {"$regex": "^M$", "$options": "i"}}]}),
                &doc
            ),
            Ok(true)
        );
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        let doc = json!({});
        assert_eq!(
            matches(&json!({"a": {"$where": "x"}}), &doc),
            Err(Unsupported)
        );
        assert_eq!(
            matches(&json!({"$or": [{"$where": "x"}]}), &doc),
            Err(Unsupported)
        );
        assert_eq!(
            matches(&json!({"$where": "x"}), &doc),
            Ok(true),
            "dropped at the top level"
        );
        assert_eq!(
            matches(&json!({"a": {"$regex": "("}}), &doc),
            Err(Unsupported)
        );
    }

    #[test]
    fn a_filter_has_limits() {
        let parse = |query: &Value| Filter::parse(query.as_object().expect("object")).is_ok();
        let patterns = |count| json!({"$or": vec![json!({"a": {"$regex": "x"}}); count]});
        assert!(parse(&patterns(10)) && !parse(&patterns(11)));
        let values = |count| json!({"a": {"$in": vec![json!("x"); count]}});
        assert!(parse(&values(1999)) && !parse(&values(2000)));
        assert!(!parse(&json!({"$and": vec![json!({"a": 1}); 2001]})));
        assert!(!parse(&json!({"a": {"$regex": "\\w{1000}"}})));
    }

    #[test]
    fn ids_are_recognised() {
        let ids = |query: &Value| {
            let filter = Filter::parse(query.as_object().expect("object")).expect("filter");
            filter
                .ids()
                .map(|ids| ids.into_iter().map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(
            ids(&json!({"_id": {"$in": ["a", "b"]}})),
            Some(vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(ids(&json!({"_id": "a"})), Some(vec!["a".to_owned()]));
        assert_eq!(ids(&json!({"public": true})), None);
    }

    #[test]
    fn plain_patterns_match_what_their_regular_expressions_do() {
        let texts = [
            "",
            "ann",
            "Ann",
            "ANNA",
            "jo-ann_1@x",
            "an",
            "anñ",
            "\u{17f}on",
            "SON",
            "\u{212a}im",
            "kim",
        ];
        for plain in ["ann", "SON", "kim", "-ann_1@", "a", "nobody-is-called-this"] {
            let made = pattern(&json!(plain), Some(&json!("i"))).expect("a pattern");
            assert_eq!(made.plain.as_deref(), Some(plain));
            for text in texts {
                let expected = made.regex.is_match(text);
                assert_eq!(made.is_match(text), expected, "{plain} in {text}");
            }
        }
        for (more, options) in [
            ("a.b", "i"),
            ("^a", "i"),
            ("", "i"),
            ("ä", "i"),
            ("a b", "ix"),
            ("ann", ""),
        ] {
            let made = pattern(&json!(more), Some(&json!(options))).expect("a pattern");
            assert!(made.plain.is_none(), "{more} with {options}");
        }
    }
}
