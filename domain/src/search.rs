//! The language in which people search messages (contract, messages 6 `chat.search`): what they type becomes a typed
//! wish. Names are not looked up here, and nothing is searched.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use regex::{Regex, RegexBuilder};

use crate::Timestamp;
use crate::text::{is_space, trim};

/// The most words, and the most values of one term, that are looked at. What comes after them is ignored.
pub const MOST_WORDS: usize = 32;

/// The largest compiled regular expression, in bytes.
const LARGEST_PATTERN: usize = 512 * 1024;

const DAY: i64 = 24 * 60 * 60 * 1000;
const HOUR: f64 = 60.0 * 60.0 * 1000.0;

/// What somebody wants to find.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Search {
    /// Sent by any of these.
    pub from: Vec<Named>,
    /// Mentions any of these.
    pub mentions: Vec<Named>,
    pub marks: BTreeSet<Mark>,
    /// What attachments say, each in lower case: labels of the first, descriptions and titles of any.
    pub labels: Vec<String>,
    pub descriptions: Vec<String>,
    pub titles: Vec<String>,
    /// Sent at this time or after it.
    pub since: Option<Timestamp>,
    /// Sent before this time.
    pub until: Option<Timestamp>,
    /// `None`: the best first, if there are words to find; else the newest.
    pub order: Option<Order>,
    pub text: Text,
}

/// Whom a term names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// Whoever searches.
    Me,
    /// Everybody whose user name has this part, which is in lower case.
    Part(String),
}

/// What a message has or is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Mark {
    /// Starred by whoever searches.
    Starred,
    Pinned,
    Link,
    Location,
}

/// By the time of sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Order {
    OldestFirst,
    NewestFirst,
}

/// What the text of a message has to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Text {
    #[default]
    Anything,
    Words(Vec<Word>),
    Pattern(Pattern),
}

/// A word, or a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// As it was typed.
    pub text: String,
    /// Only in this form and, if it is of several words, in this order: it was in quotation marks.
    pub exact: bool,
    /// The message must not have it.
    pub negated: bool,
}

/// A regular expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    source: String,
    /// Of `imxs`.
    flags: String,
}

/// A regular expression that is none, or that is too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a regular expression that can be searched for")]
pub struct BadPattern;

impl Pattern {
    /// A text as a regular expression without regard to case. What is none is searched for as it stands.
    fn of_text(text: &str) -> Self {
        let flags = "i".to_owned();
        let source = text.to_owned();
        let pattern = Self { source, flags };
        match pattern.compile() {
            Ok(_) => pattern,
            Err(BadPattern) => Self {
                source: regex::escape(text),
                ..pattern
            },
        }
    }

    /// `/source/flags`.
    fn of_slashes(text: &str) -> Option<Self> {
        let (source, flags) = text.strip_prefix('/')?.rsplit_once('/')?;
        let is_flag = |flag: char| matches!(flag, 'i' | 'm' | 'x' | 's');
        (!source.is_empty() && flags.chars().all(is_flag)).then(|| Self {
            source: source.to_owned(),
            flags: flags.to_owned(),
        })
    }

    /// What finds it, in time proportional to the text.
    pub fn compile(&self) -> Result<Regex, BadPattern> {
        RegexBuilder::new(&self.source)
            .case_insensitive(self.flags.contains('i'))
            .multi_line(self.flags.contains('m'))
            .ignore_whitespace(self.flags.contains('x'))
            .dot_matches_new_line(self.flags.contains('s'))
            .size_limit(LARGEST_PATTERN)
            .dfa_size_limit(LARGEST_PATTERN)
            .build()
            .map_err(|_| BadPattern)
    }
}

impl Search {
    /// Understands what was typed by somebody whose clock is so many hours ahead of UTC. `always_pattern`: what is left of
    /// terms is a regular expression also without slashes.
    pub fn parse(text: &str, utc_offset: f64, always_pattern: bool) -> Self {
        let mut search = Self::default();
        let mut days = Days::default();
        let rest = search.take_terms(text, &mut days);
        let offset = offset_millis(utc_offset);
        let begin = |day: i64| Timestamp::from_millis(day * DAY - offset);
        (search.since, search.until) = match days {
            Days { on: Some(day), .. } => (Some(begin(day)), Some(begin(day + 1))),
            Days { before, after, .. } => (after.map(|day| begin(day + 1)), before.map(begin)),
        };
        let rest = trim(&rest);
        search.text = if let Some(pattern) = Pattern::of_slashes(rest) {
            Text::Pattern(pattern)
        } else if rest.is_empty() {
            Text::Anything
        } else if always_pattern {
            Text::Pattern(Pattern::of_text(rest))
        } else {
            let words = words(rest);
            if words.is_empty() {
                Text::Anything
            } else {
                Text::Words(words)
            }
        };
        search
    }

    /// Whether nothing was asked for: that finds nothing. Words that a message must not have are no wish by themselves.
    pub fn is_empty(&self) -> bool {
        let has_text = match &self.text {
            Text::Anything => false,
            Text::Words(words) => words.iter().any(|word| !word.negated),
            Text::Pattern(_) => true,
        };
        !has_text && !self.has_terms()
    }

    fn has_terms(&self) -> bool {
        let parts = [&self.labels, &self.descriptions, &self.titles];
        !self.from.is_empty()
            || !self.mentions.is_empty()
            || !self.marks.is_empty()
            || parts.iter().any(|parts| !parts.is_empty())
            || self.since.is_some()
            || self.until.is_some()
    }

    /// Takes the terms out of a text; answers what is left. Nothing in quotation marks is a term.
    fn take_terms(&mut self, text: &str, days: &mut Days) -> String {
        let mut rest = String::with_capacity(text.len());
        let mut is_quoted = false;
        for piece in text.split_inclusive(is_space) {
            let quotes = piece.matches('"').count();
            let is_plain = !is_quoted && quotes == 0;
            is_quoted ^= quotes % 2 == 1;
            if !is_plain || self.take_term(trim(piece), days).is_none() {
                rest.push_str(piece);
            }
        }
        rest
    }

    /// `None`: it is no term.
    fn take_term(&mut self, piece: &str, days: &mut Days) -> Option<()> {
        let (key, value) = piece.split_once(':')?;
        if value.is_empty() {
            return None;
        }
        let (key, value) = (key.to_lowercase(), value.to_lowercase());
        let part = |parts: &mut Vec<String>| add(parts, value.clone());
        match &*key {
            "from" => add(&mut self.from, named(&value)?),
            "mention" => add(&mut self.mentions, named(&value)?),
            "has" | "is" => drop(self.marks.insert(mark(&key, &value)?)),
            "label" => part(&mut self.labels),
            "file-desc" => part(&mut self.descriptions),
            "file-title" => part(&mut self.titles),
            "before" => days.before = Some(day(&value)?),
            "after" => days.after = Some(day(&value)?),
            "on" => days.on = Some(day(&value)?),
            "order" | "sort" => self.order = Some(order(&value)?),
            _ => return None,
        }
        Some(())
    }
}

/// Days, counted from 1970.
#[derive(Default)]
struct Days {
    before: Option<i64>,
    after: Option<i64>,
    on: Option<i64>,
}

fn add<T>(all: &mut Vec<T>, one: T) {
    if all.len() < MOST_WORDS {
        all.push(one);
    }
}

fn named(value: &str) -> Option<Named> {
    match value.trim_start_matches('@') {
        "" => None,
        "me" => Some(Named::Me),
        name => Some(Named::Part(name.to_owned())),
    }
}

fn mark(key: &str, value: &str) -> Option<Mark> {
    Some(match (key, value) {
        ("has", "star") => Mark::Starred,
        ("has", "pin") | ("is", "pinned") => Mark::Pinned,
        ("has", "url" | "link") => Mark::Link,
        ("has", "location" | "map") => Mark::Location,
        _ => return None,
    })
}

fn order(value: &str) -> Option<Order> {
    if value.starts_with("asc") {
        Some(Order::OldestFirst)
    } else {
        value.starts_with("desc").then_some(Order::NewestFirst)
    }
}

/// `D/M/YYYY`, also with dots or dashes, as a number of days since 1970.
fn day(value: &str) -> Option<i64> {
    let mut parts = value.split(['/', '.', '-']);
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let is_number = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let are_numbers = is_number(day, 1..=2) && is_number(month, 1..=2) && is_number(year, 4..=4);
    if parts.next().is_some() || !are_numbers {
        return None;
    }
    let (day, month): (i64, i64) = (day.parse().ok()?, month.parse().ok()?);
    let year: i64 = year.parse().ok()?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    // Years begin in March here, so that the day that comes and goes is their last.
    let year = if month > 2 { year } else { year - 1 };
    let (era, month) = (year.div_euclid(400), (month + 9) % 12);
    let year = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "hours of the day in milliseconds"
)]
fn offset_millis(hours: f64) -> i64 {
    if hours.is_finite() {
        (hours.clamp(-24.0, 24.0) * HOUR) as i64
    } else {
        0
    }
}

/// Words, phrases in quotation marks, and those with a minus before them.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() && words.len() < MOST_WORDS {
        let negated = rest.len() > 1 && rest.starts_with('-') && !rest[1..].starts_with(is_space);
        if negated {
            rest = &rest[1..];
        }
        let (word, exact, after) = if let Some(quoted) = rest.strip_prefix('"') {
            // A quotation mark that is not closed counts to the end.
            let (phrase, after) = quoted.split_once('"').unwrap_or((quoted, ""));
            (phrase, true, after)
        } else {
            let end = rest.find(|c| is_space(c) || c == '"').unwrap_or(rest.len());
            (&rest[..end], false, &rest[end..])
        };
        let text = trim(word).to_owned();
        if !text.is_empty() {
            words.push(Word {
                text,
                exact,
                negated,
            });
        }
        rest = after.trim_start_matches(is_space);
    }
    words
}
