//! What people are searched by, in memory: a search looks at everybody, and reads the documents of those it shows.
//!
//! Made of the table of users by the first search, and kept true by the searches after it: commits only note whose rows
//! they changed, and the next search reads those rows again. They note it after they are done and before anybody who
//! waits for them goes on: what a search takes note of is in the file it reads, and who was told of a change finds it.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use compact_str::CompactString;
use domain::user::{Email, UserKind};
use domain::{RoleId, UserId};
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock, RwLockWriteGuard};
use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::Deserialize;

use crate::engine::paging::Slice;
use crate::json;

/// With more changes than this, everybody is read again, which walks over the rows as they lie.
const MOST_CHANGES: usize = 20_000;

/// A text that is searched without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    text: CompactString,
    /// In lower case, if that differs.
    lower: Option<Box<str>>,
}

impl Folded {
    fn new(text: impl Into<CompactString>) -> Self {
        let text = text.into();
        let lower = text.to_lowercase();
        let lower = (lower.as_str() != text).then(|| lower.as_str().into());
        Self { text, lower }
    }

    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// In lower case.
    pub fn lower(&self) -> &str {
        self.lower.as_deref().unwrap_or(&self.text)
    }

    /// Whether it contains `term`, which is in lower case.
    pub fn contains(&self, term: &str) -> bool {
        self.lower().contains(term)
    }
}

/// What a search for people looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Person {
    pub id: UserId,
    pub username: Folded,
    pub name: Option<Folded>,
    pub nickname: Option<Box<Folded>>,
    pub bio: Option<Box<Folded>>,
    /// Their e-mail addresses, in the order of the document.
    pub addresses: Box<[Folded]>,
    pub kind: UserKind,
    pub active: bool,
    pub(crate) roles: Box<[RoleId]>,
    pub(crate) created_at: i64,
    pub(crate) last_login: Option<i64>,
}

/// The part of the wire document that is searched.
#[derive(Deserialize)]
struct Searched {
    #[serde(rename = "_id")]
    id: UserId,
    username: CompactString,
    #[serde(default)]
    name: Option<CompactString>,
    #[serde(default)]
    nickname: Option<CompactString>,
    #[serde(default)]
    bio: Option<CompactString>,
    #[serde(rename = "type")]
    kind: UserKind,
    active: bool,
    #[serde(default)]
    roles: Box<[RoleId]>,
    #[serde(default)]
    emails: Vec<Email>,
}

impl Person {
    /// From a row of [`COLUMNS`].
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let doc: Searched = json::decode(row.get_ref(0)?.as_bytes()?)?;
        let boxed = |text| Box::new(Folded::new(text));
        let addresses = doc.emails.into_iter().map(|email| email.address);
        Ok(Self {
            id: doc.id,
            username: Folded::new(doc.username),
            name: doc.name.map(Folded::new),
            nickname: doc.nickname.map(boxed),
            bio: doc.bio.map(boxed),
            addresses: addresses.map(Folded::new).collect(),
            kind: doc.kind,
            active: doc.active,
            roles: doc.roles,
            created_at: row.get(1)?,
            last_login: row.get(2)?,
        })
    }

    /// The name they go by, in lower case; those without one come first.
    pub(crate) fn name_key(&self) -> &str {
        self.name.as_ref().map_or("", Folded::lower)
    }
}

const COLUMNS: &str = "doc, created_at, last_login";

/// Everybody, in the order of their user names.
#[derive(Debug, Default)]
pub(crate) struct Everybody {
    /// By user name in lower case, and id.
    people: BTreeMap<(CompactString, UserId), Person>,
    usernames: HashMap<UserId, CompactString>,
}

impl Everybody {
    fn read(conn: &Connection) -> rusqlite::Result<Self> {
        let mut everybody = Self::default();
        let mut select = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM users"))?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            everybody.put(Person::read(row)?);
        }
        Ok(everybody)
    }

    fn read_again(&mut self, conn: &Connection, users: &HashSet<UserId>) -> rusqlite::Result<()> {
        let mut select =
            conn.prepare_cached(&format!("SELECT {COLUMNS} FROM users WHERE id = ?1"))?;
        for user in users {
            let person = select.query_row([user.as_str()], Person::read).optional()?;
            self.remove(user);
            if let Some(person) = person {
                self.put(person);
            }
        }
        Ok(())
    }

    fn put(&mut self, person: Person) {
        let username = CompactString::new(person.username.lower());
        self.usernames.insert(person.id.clone(), username.clone());
        self.people.insert((username, person.id.clone()), person);
    }

    fn remove(&mut self, user: &UserId) {
        if let Some(username) = self.usernames.remove(user) {
            self.people.remove(&(username, user.clone()));
        }
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Person> {
        self.people.values()
    }

    pub(crate) fn get(&self, user: &UserId) -> Option<&Person> {
        let username = self.usernames.get(user)?;
        self.people.get(&(username.clone(), user.clone()))
    }
}

/// Whose rows changed since they were read.
#[derive(Debug, Default)]
enum Changes {
    /// Nothing was read, or too much changed.
    #[default]
    All,
    Of(HashSet<UserId>),
}

#[derive(Debug, Default)]
struct Noted {
    changes: Changes,
    /// How often everything was forgotten: whoever asked before may have another file open.
    epoch: u64,
}

/// What is kept in memory of people.
#[derive(Debug, Default)]
pub(crate) struct People {
    noted: Mutex<Noted>,
    everybody: RwLock<Everybody>,
}

impl People {
    /// A commit changed rows. Called after it, and before it is known of.
    pub(crate) fn note(&self, users: impl IntoIterator<Item = UserId>) {
        let mut noted = self.noted.lock();
        if let Changes::Of(changed) = &mut noted.changes {
            changed.extend(users);
            if changed.len() > MOST_CHANGES {
                noted.changes = Changes::All;
            }
        }
    }

    /// Everything may have changed.
    pub(crate) fn clear(&self) {
        let mut noted = self.noted.lock();
        noted.epoch += 1;
        noted.changes = Changes::All;
    }

    /// To be asked before a connection is taken.
    pub(crate) fn epoch(&self) -> u64 {
        self.noted.lock().epoch
    }

    /// Looks at everybody as of the last commit, or a later one. `None`: `conn` may be to a file that no longer serves.
    pub(crate) fn look<T>(
        &self,
        epoch: u64,
        conn: &Connection,
        question: impl FnOnce(&Everybody) -> T,
    ) -> rusqlite::Result<Option<T>> {
        let everybody = self.everybody.read();
        {
            let noted = self.noted.lock();
            if noted.epoch != epoch {
                return Ok(None);
            }
            if matches!(&noted.changes, Changes::Of(changed) if changed.is_empty()) {
                drop(noted);
                return Ok(Some(question(&everybody)));
            }
        }
        drop(everybody);
        let mut everybody = self.everybody.write();
        // Taken while nobody else can look: whoever finds nothing noted finds it read.
        let changes = {
            let mut noted = self.noted.lock();
            if noted.epoch != epoch {
                return Ok(None);
            }
            std::mem::replace(&mut noted.changes, Changes::Of(HashSet::new()))
        };
        let read = match changes {
            Changes::All => Everybody::read(conn).map(|all| *everybody = all),
            Changes::Of(changed) => everybody.read_again(conn, &changed),
        };
        if let Err(error) = read {
            self.noted.lock().changes = Changes::All;
            return Err(error);
        }
        let everybody = RwLockWriteGuard::downgrade(everybody);
        Ok(Some(question(&everybody)))
    }
}

/// Puts those who come first into order, as far as a page shows them.
pub(crate) fn sort(
    found: &mut [&Person],
    slice: Slice,
    order: impl Fn(&Person, &Person) -> Ordering,
) {
    let order = |a: &&Person, b: &&Person| order(a, b);
    let (_, end) = range(slice, found.len());
    let shown = if end < found.len() {
        found.select_nth_unstable_by(end, order).0
    } else {
        found
    };
    shown.sort_unstable_by(order);
}

/// Those of a page, and how many there are in all.
pub(crate) fn page(found: &[&Person], slice: Slice) -> (Vec<UserId>, u64) {
    let (start, end) = range(slice, found.len());
    let ids = found[start..end].iter().map(|person| person.id.clone());
    (ids.collect(), found.len() as u64)
}

/// Where a page of so many begins and ends.
fn range(slice: Slice, total: usize) -> (usize, usize) {
    let place = |number: u64| usize::try_from(number).map_or(total, |number| number.min(total));
    let end = slice.offset.saturating_add(slice.count.unwrap_or(u64::MAX));
    (place(slice.offset), place(end))
}

/// The documents of users, in the same order; those who are gone are left out.
pub(crate) fn docs(conn: &Connection, users: &[UserId]) -> rusqlite::Result<Vec<Bytes>> {
    let mut select = conn.prepare_cached("SELECT doc FROM users WHERE id = ?1")?;
    let mut docs = Vec::with_capacity(users.len());
    for user in users {
        let doc = select.query_row([user.as_str()], |row| json::column(row, 0));
        docs.extend(doc.optional()?);
    }
    Ok(docs)
}
