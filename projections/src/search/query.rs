//! What is looked for in the index, and what is found.

use std::ops::Bound;

use domain::search::Word;
use domain::{MessageId, RoomId, Timestamp, UserId};
use eventstore::Position;
use tantivy::collector::TopDocs;
use tantivy::query::{
    BooleanQuery, BoostQuery, ConstScoreQuery, DisjunctionMaxQuery, Occur, PhraseQuery, Query,
    RangeQuery, RegexQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Order, Score, SegmentReader, Term};

use super::SearchError;
use super::index::Served;
use super::schema::{self, Fields, POSITION};
use super::tokens;

/// How much a word in another form counts beside one in the form that was typed.
const OTHER_FORM: Score = 0.5;

/// Who takes over the messages of accounts that were deleted without them.
const ROCKET_CAT: &str = "rocket.cat";

/// What messages are looked for. Everything that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct MessageQuery {
    /// In any of these rooms.
    pub rooms: Vec<RoomId>,
    /// By any of these authors; `None`: by anybody.
    pub authors: Option<Vec<UserId>>,
    /// Mentions any of these, by name or as one of all; `None`: whoever it mentions.
    pub mentioned: Option<Vec<UserId>>,
    /// Only these messages, such as those that are pinned; `None`: any.
    pub only: Option<Vec<MessageId>>,
    /// Has a link.
    pub links: bool,
    /// Says where it was sent from.
    pub location: bool,
    /// Each is a part of a label of the first attachment.
    pub labels: Vec<String>,
    /// Each is a part of the description of an attachment.
    pub descriptions: Vec<String>,
    /// Each is a part of the title of an attachment.
    pub titles: Vec<String>,
    /// Sent at this time or after it.
    pub since: Option<Timestamp>,
    /// Sent before this time.
    pub until: Option<Timestamp>,
    /// What its text has and has not.
    pub words: Vec<Word>,
    /// Which come first.
    pub order: Ranking,
    /// How many of the first are left out.
    pub offset: usize,
    /// How many are wanted.
    pub count: usize,
}

/// Which messages come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Ranking {
    /// Those that the words are most telling of; of equal ones the newest.
    #[default]
    Best,
    NewestFirst,
    OldestFirst,
}

/// A message that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Of the event that made it.
    pub position: Position,
    /// How well the words fit; `None` where they are not compared.
    pub score: Option<f32>,
}

impl Served {
    pub(super) fn find(&self, query: &MessageQuery) -> Result<Vec<Hit>, SearchError> {
        let Some(wanted) = self.query(query)? else {
            return Ok(Vec::new());
        };
        if query.count == 0 {
            return Ok(Vec::new());
        }
        let searcher = self.searcher();
        let first = || TopDocs::with_limit(query.count).and_offset(query.offset);
        let by_time = |order| {
            let by_position = first().order_by_fast_field::<u64>(POSITION, order);
            let found = searcher.search(&wanted, &by_position)?;
            let hits = found
                .into_iter()
                .filter_map(|(position, _)| hit(position?, None));
            Ok(hits.collect())
        };
        match query.order {
            Ranking::NewestFirst => by_time(Order::Desc),
            Ranking::OldestFirst => by_time(Order::Asc),
            Ranking::Best => {
                let best = first().tweak_score(|segment: &SegmentReader| {
                    let positions = segment.fast_fields().u64(POSITION).ok();
                    move |doc, score: Score| {
                        let position = positions.as_ref().and_then(|column| column.first(doc));
                        (score, position.unwrap_or(0))
                    }
                });
                let found = searcher.search(&wanted, &best)?;
                let hits = found.into_iter();
                Ok(hits
                    .filter_map(|((score, position), _)| hit(position, Some(score)))
                    .collect())
            }
        }
    }

    /// `None`: nothing can be found.
    fn query(&self, query: &MessageQuery) -> Result<Option<BooleanQuery>, SearchError> {
        let fields = &self.fields;
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        let mut must = |query: Box<dyn Query>| clauses.push((Occur::Must, unscored(query)));
        let rooms = query.rooms.iter().map(RoomId::as_str);
        must(any_of(fields.room, rooms));
        if let Some(authors) = &query.authors {
            let is_cat = authors.iter().any(|author| author.as_str() == ROCKET_CAT);
            let unlinked = self.unlinked.iter().filter(|_| is_cat);
            let authors = authors.iter().chain(unlinked).map(UserId::as_str);
            must(any_of(fields.author, authors));
        }
        if let Some(mentioned) = &query.mentioned {
            must(any_of(
                fields.mentioned,
                mentioned.iter().map(UserId::as_str),
            ));
        }
        if let Some(only) = &query.only {
            must(any_of(fields.message, only.iter().map(MessageId::as_str)));
        }
        for (is_wanted, has) in [
            (query.links, schema::LINK),
            (query.location, schema::LOCATION),
        ] {
            if is_wanted {
                must(any_of(fields.has, [has].into_iter()));
            }
        }
        for (field, parts) in [
            (fields.labels, &query.labels),
            (fields.descriptions, &query.descriptions),
            (fields.titles, &query.titles),
        ] {
            for part in parts {
                let pattern = format!(".*{}.*", escaped(&schema::part(part)));
                must(Box::new(RegexQuery::from_pattern(&pattern, field)?));
            }
        }
        if query.since.is_some() || query.until.is_some() {
            let bound = |at: Timestamp| Term::from_field_i64(fields.at, at.as_millis());
            let since = query
                .since
                .map(bound)
                .map_or(Bound::Unbounded, Bound::Included);
            let until = query
                .until
                .map(bound)
                .map_or(Bound::Unbounded, Bound::Excluded);
            must(Box::new(RangeQuery::new(since, until)));
        }
        Ok(texts(fields, &query.words).map(|texts| {
            clauses.extend(texts);
            BooleanQuery::new(clauses)
        }))
    }
}

fn hit(position: u64, score: Option<f32>) -> Option<Hit> {
    let position = Position::new(position);
    (position != Position::START).then_some(Hit { position, score })
}

fn unscored(query: Box<dyn Query>) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(query, 0.0))
}

fn any_of<'a>(field: Field, texts: impl Iterator<Item = &'a str>) -> Box<dyn Query> {
    let mut terms: Vec<Term> = texts
        .map(|text| Term::from_field_text(field, text))
        .collect();
    match terms.pop() {
        Some(only) if terms.is_empty() => Box::new(TermQuery::new(only, IndexRecordOption::Basic)),
        last => Box::new(TermSetQuery::new(terms.into_iter().chain(last))),
    }
}

/// What the text must have and must not. `None`: something it must have is nothing that could be found.
fn texts(fields: &Fields, words: &[Word]) -> Option<Vec<(Occur, Box<dyn Query>)>> {
    let mut clauses = Vec::new();
    for word in words {
        match (text(fields, word), word.negated) {
            (Some(query), true) => clauses.push((Occur::MustNot, query)),
            (Some(query), false) => clauses.push((Occur::Must, query)),
            (None, _) => {}
        }
    }
    let wants = words.iter().any(|word| !word.negated);
    let has = clauses.iter().any(|(occur, _)| *occur == Occur::Must);
    (has || !wants).then_some(clauses)
}

/// `None`: there is no word in it.
fn text(fields: &Fields, word: &Word) -> Option<Box<dyn Query>> {
    let wanted = tokens::wanted(&word.text, word.exact);
    let term = |field, text: &str| Term::from_field_text(field, text);
    let with_freqs = |term| TermQuery::new(term, IndexRecordOption::WithFreqs);
    let [(_, only)] = &*wanted.words else {
        let terms = wanted.words.iter();
        let terms: Vec<_> = terms
            .map(|(at, text)| (*at, term(fields.words, text)))
            .collect();
        return (!terms.is_empty())
            .then(|| Box::new(PhraseQuery::new_with_offset(terms)) as Box<dyn Query>);
    };
    let same = Box::new(with_freqs(term(fields.words, only)));
    if wanted.stems.is_empty() {
        return Some(same);
    }
    let stems = wanted.stems.iter().map(|stem| {
        let query = Box::new(with_freqs(term(fields.stems, stem)));
        Box::new(BoostQuery::new(query, OTHER_FORM)) as Box<dyn Query>
    });
    let all = std::iter::once(same as Box<dyn Query>).chain(stems);
    Some(Box::new(DisjunctionMaxQuery::new(all.collect())))
}

/// A text as a pattern that it alone matches.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
