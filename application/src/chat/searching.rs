//! Finding messages: what was typed becomes a question to the index, and whoever asks is told what they may read of what it
//! finds.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::search::{BadPattern, Mark, Named, Order, Search as Wanted, Text, Word};
use domain::settings::keys;
use domain::{MessageId, RoomId, UserId};
use projections::{FoundMessage, Highlighter, Hit, MessageQuery, Ranking, Search, SearchError};
use regex::Regex;
use serde::Deserialize;

use crate::caller::Caller;
use crate::chat::room_access::RoomAccess;
use crate::chat::search_refusal::SearchRefusal;
use crate::error::{Error, Fault};
use crate::workspace::Workspace;

/// The most people that one part of a name can mean.
const MOST_PEOPLE: usize = 1_000;

/// The most that is looked at of what words find; what comes after it is not found.
const MOST_HITS: usize = 2_000;

/// The same for regular expressions, which no index answers: the newest messages, and about so many bytes of them.
const MOST_READ: usize = 20_000;

/// Messages with a mark that are searched.
const MOST_MARKED: u32 = 5_000;

const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Messages read from the views at a time.
const AT_ONCE: usize = 200;

/// What the index may find in vain: messages that are gone, or not for whoever asks.
const SPARE: usize = 20;

/// The most words of a message that are shown to have been found.
const MOST_HIGHLIGHTS: usize = 50;

/// Which messages are wanted.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// As it was typed.
    pub text: &'a str,
    /// Where to look; `None`: in all rooms that the caller is in.
    pub room: Option<&'a RoomId>,
    /// How many are left out.
    pub offset: usize,
    /// How many are wanted.
    pub count: usize,
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// As it is now.
    pub message: FoundMessage,
    /// How well the words fit; `None` where they are not compared.
    pub score: Option<f32>,
    /// What of its text was looked for, as it stands there.
    pub highlights: Vec<String>,
}

/// What is looked for in texts.
#[derive(Clone)]
enum Looked {
    For(Highlighter),
    By(Arc<Regex>),
}

/// The part of a wire document that is looked at.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    msg: String,
}

/// The messages that fit, of those that the caller may read. Only some thousands are looked at.
pub async fn search(
    workspace: &Workspace,
    caller: &Caller,
    wish: Wish<'_>,
) -> Result<Vec<Found>, Error> {
    let index = workspace.search().ok_or(SearchRefusal::NoIndex)?;
    let always_pattern = workspace
        .views()
        .settings()
        .bool(keys::MESSAGE_ALWAYS_SEARCH_REG_EXP);
    let wanted = Wanted::parse(wish.text, utc_offset(caller), always_pattern);
    if wanted.is_empty() || wish.count == 0 {
        return Ok(Vec::new());
    }
    let looked = match &wanted.text {
        Text::Pattern(pattern) => {
            let regex = pattern
                .compile()
                .map_err(|BadPattern| SearchRefusal::NotAPattern)?;
            Looked::By(Arc::new(regex))
        }
        Text::Words(words) => Looked::For(Highlighter::of(words)),
        Text::Anything => Looked::For(Highlighter::default()),
    };
    let query = query(workspace, caller, &wanted, wish.room).await?;
    let mut reading = Reading {
        workspace,
        caller,
        index,
        looked,
        readable: HashMap::new(),
    };
    let end = wish.offset.saturating_add(wish.count);
    let mut found = match &reading.looked {
        Looked::For(_) => reading.of_words(query, end).await?,
        Looked::By(_) => reading.of_pattern(query, wanted.order, end).await?,
    };
    found.truncate(end);
    Ok(found.into_iter().skip(wish.offset).collect())
}

/// The hours that the clock of the caller is ahead of UTC.
fn utc_offset(caller: &Caller) -> f64 {
    #[derive(Deserialize)]
    struct Clock {
        #[serde(default, rename = "utcOffset")]
        offset: f64,
    }
    serde_json::from_slice::<Clock>(&caller.user.doc).map_or(0.0, |clock| clock.offset)
}

/// The question to the index: names are looked up, and rooms.
async fn query(
    workspace: &Workspace,
    caller: &Caller,
    wanted: &Wanted,
    room: Option<&RoomId>,
) -> Result<MessageQuery, Error> {
    let rooms = match room {
        Some(room) => vec![room.clone()],
        None => workspace.views().room_ids_of(caller.id()).await?,
    };
    let words: &[Word] = match &wanted.text {
        Text::Words(words) => words,
        Text::Anything | Text::Pattern(_) => &[],
    };
    let order = match wanted.order {
        Some(Order::OldestFirst) => Ranking::OldestFirst,
        None if words.iter().any(|word| !word.negated) => Ranking::Best,
        Some(Order::NewestFirst) | None => Ranking::NewestFirst,
    };
    Ok(MessageQuery {
        authors: people(workspace, caller, &wanted.from).await?,
        mentioned: called(workspace, caller, &wanted.mentions).await?,
        only: marked(workspace, caller, wanted, &rooms).await?,
        links: wanted.marks.contains(&Mark::Link),
        location: wanted.marks.contains(&Mark::Location),
        labels: wanted.labels.clone(),
        descriptions: wanted.descriptions.clone(),
        titles: wanted.titles.clone(),
        since: wanted.since,
        until: wanted.until,
        words: words.to_vec(),
        order,
        rooms,
        ..MessageQuery::default()
    })
}

/// Everybody who is meant; `None`: nobody is named.
async fn people(
    workspace: &Workspace,
    caller: &Caller,
    named: &[Named],
) -> Result<Option<Vec<UserId>>, Error> {
    if named.is_empty() {
        return Ok(None);
    }
    let parts: Vec<String> = parts(named).map(str::to_owned).collect();
    let mut people = if parts.is_empty() {
        Vec::new()
    } else {
        workspace.views().users_called(parts, MOST_PEOPLE).await?
    };
    if named.contains(&Named::Me) {
        people.push(caller.id().clone());
    }
    Ok(Some(people))
}

fn parts(named: &[Named]) -> impl Iterator<Item = &str> {
    named.iter().filter_map(|one| match one {
        Named::Part(part) => Some(part.as_str()),
        Named::Me => None,
    })
}

/// The same of those who are mentioned, who may also be called together.
async fn called(
    workspace: &Workspace,
    caller: &Caller,
    named: &[Named],
) -> Result<Option<Vec<UserId>>, Error> {
    let mut called = people(workspace, caller, named).await?;
    for all in ["all", "here"] {
        if parts(named).any(|part| all.contains(part)) {
            called.get_or_insert_default().push(UserId::new(all));
        }
    }
    Ok(called)
}

/// The messages with the marks that the index does not have, because they change often, or are seen by one person alone;
/// `None`: no such mark is asked for. Of those with a mark, so many of the newest.
async fn marked(
    workspace: &Workspace,
    caller: &Caller,
    wanted: &Wanted,
    rooms: &[RoomId],
) -> Result<Option<Vec<MessageId>>, Error> {
    let views = workspace.views();
    let mut marked: Option<Vec<MessageId>> = None;
    for mark in &wanted.marks {
        let with_mark = match mark {
            Mark::Starred => views.starred_in(caller.id(), rooms, MOST_MARKED).await?,
            Mark::Pinned => views.pinned_in(rooms, MOST_MARKED).await?,
            Mark::Link | Mark::Location => continue,
        };
        marked = Some(match marked {
            None => with_mark,
            Some(mut both) => {
                let with_mark: HashSet<_> = with_mark.into_iter().collect();
                both.retain(|id| with_mark.contains(id));
                both
            }
        });
    }
    Ok(marked)
}

impl From<SearchError> for Error {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Building => SearchRefusal::BeingBuilt.into(),
            error => Fault::Search(error).into(),
        }
    }
}

struct Reading<'a> {
    workspace: &'a Workspace,
    caller: &'a Caller,
    index: &'a Search,
    looked: Looked,
    /// Which rooms the caller may read, as far as it was asked.
    readable: HashMap<RoomId, bool>,
}

impl Reading<'_> {
    /// The first messages that words find.
    async fn of_words(&mut self, query: MessageQuery, end: usize) -> Result<Vec<Found>, Error> {
        let mut most = end.saturating_add(SPARE).min(MOST_HITS);
        loop {
            let hits = self.find(&query, most).await?;
            let is_all = hits.len() < most || most == MOST_HITS;
            let found = self.read(&hits, end).await?;
            if found.len() >= end || is_all {
                return Ok(found);
            }
            most = MOST_HITS;
        }
    }

    /// The messages whose text a regular expression finds, of the newest.
    async fn of_pattern(
        &mut self,
        query: MessageQuery,
        order: Option<Order>,
        end: usize,
    ) -> Result<Vec<Found>, Error> {
        let query = MessageQuery {
            order: Ranking::NewestFirst,
            ..query
        };
        let hits = self.find(&query, MOST_READ).await?;
        if order != Some(Order::OldestFirst) {
            return self.read(&hits, end).await;
        }
        let mut found = self.read(&hits, usize::MAX).await?;
        found.reverse();
        Ok(found)
    }

    async fn find(&self, query: &MessageQuery, count: usize) -> Result<Vec<Hit>, Error> {
        let query = MessageQuery {
            count,
            ..query.clone()
        };
        Ok(self.index.find(query).await?)
    }

    /// What is behind hits, as far as the caller may read it, until there are so many.
    async fn read(&mut self, hits: &[Hit], most: usize) -> Result<Vec<Found>, Error> {
        let (mut all, mut bytes) = (Vec::new(), 0);
        for some in hits.chunks(AT_ONCE) {
            if all.len() >= most || bytes > MOST_BYTES {
                break;
            }
            let positions = some.iter().map(|hit| hit.position).collect();
            let mut messages = self.workspace.views().messages_at(positions).await?;
            bytes += messages.iter().map(|one| one.doc.len()).sum::<usize>();
            let mut readable = Vec::new();
            for message in messages.drain(..) {
                if self.may_read(&message.room).await? {
                    readable.push(message);
                }
            }
            let looked = self.looked.clone();
            // Reading that much would keep other requests waiting.
            let shown = self.index.run(move || shown(readable, &looked)).await?;
            let score = |found: &FoundMessage| {
                let hit = some.iter().find(|hit| hit.position == found.position);
                hit.and_then(|hit| hit.score)
            };
            all.extend(shown.into_iter().map(|(message, highlights)| Found {
                score: score(&message),
                message,
                highlights,
            }));
        }
        Ok(all)
    }

    async fn may_read(&mut self, room: &RoomId) -> Result<bool, Error> {
        if let Some(may) = self.readable.get(room) {
            return Ok(*may);
        }
        let place = RoomAccess::of(self.workspace, self.caller, room).await?;
        let may = place.is_some_and(|place| place.can_read(self.caller));
        self.readable.insert(room.clone(), may);
        Ok(may)
    }
}

/// Messages with what was looked for in them. Those that a regular expression does not find are left out.
fn shown(messages: Vec<FoundMessage>, looked: &Looked) -> Vec<(FoundMessage, Vec<String>)> {
    let look = |message: FoundMessage| {
        let said: Said = serde_json::from_slice(&message.doc).ok()?;
        let highlights = match looked {
            Looked::For(words) => words.found_in(&said.msg, MOST_HIGHLIGHTS),
            Looked::By(regex) => matches(regex, &said.msg)?,
        };
        Some((message, highlights))
    };
    messages.into_iter().filter_map(look).collect()
}

/// What a regular expression finds in a text, each once; `None`: nothing.
fn matches(regex: &Regex, text: &str) -> Option<Vec<String>> {
    if !regex.is_match(text) {
        return None;
    }
    let mut matches: Vec<String> = Vec::new();
    for found in regex.find_iter(text).take(MOST_HIGHLIGHTS) {
        let found = found.as_str();
        if !found.is_empty() && !matches.iter().any(|known| known == found) {
            matches.push(found.to_owned());
        }
    }
    Some(matches)
}
