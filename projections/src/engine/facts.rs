//! Facts in memory: what nearly every request asks for, without SQLite and without a change of thread.
//!
//! Filled by the first reader who asks, emptied by the worker when it tells of a change. The race to avoid: a reader
//! reads the old row, the worker removes the cached fact, then the reader puts the old row in, for ever. So every shard
//! counts its removals, and a reader's row is refused if the count moved since before it looked. Whoever looks after a
//! removal reads the new row: it is pending before, see [`super::pending`].

use std::collections::HashMap;
use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use bytes::Bytes;
use compact_str::CompactString;
use domain::membership::MembershipFacts;
use domain::presence::Status;
use domain::room::RoomFacts;
use domain::user::{Email, UserKind};
use domain::{RoleId, RoomId, Timestamp, TokenHash, UserId};
use parking_lot::RwLock;

use crate::engine::people::People;
use crate::engine::tx::Stale;
use crate::engine::user_order::UserOrder;
use crate::error::QueryError;

/// Number of shards of each cache; a power of two.
const SHARDS: usize = 16;

/// The longest key that is remembered of something that does not exist, in bytes. Keys of existing things are as long
/// as the rules allow; others are whatever a client asks for.
const LONGEST_UNKNOWN: usize = 128;

pub(crate) trait Key: Clone + Eq + Hash {
    /// In bytes.
    fn length(&self) -> usize;
}

macro_rules! keys {
    ($($kind:ty),*) => {
        $(impl Key for $kind {
            fn length(&self) -> usize {
                self.as_str().len()
            }
        })*
    };
}

keys!(UserId, RoomId, TokenHash, CompactString);

impl Key for (RoomId, UserId) {
    fn length(&self) -> usize {
        self.0.length() + self.1.length()
    }
}

struct Shard<K, V> {
    /// How often something was removed.
    epoch: u64,
    /// Found lately. `None` as a value: known not to exist.
    young: HashMap<K, Option<V>>,
    /// Found before `young` was last full.
    old: HashMap<K, Option<V>>,
}

/// One kind of fact.
pub(crate) struct Facts<K, V> {
    shards: Vec<RwLock<Shard<K, V>>>,
    hasher: RandomState,
    /// How many facts a shard holds in `young` before they grow old.
    generation: usize,
}

impl<K: Key, V: Clone> Facts<K, V> {
    /// Holds at most about `capacity` facts.
    pub(crate) fn new(capacity: usize) -> Self {
        let shard = || {
            RwLock::new(Shard {
                epoch: 0,
                young: HashMap::new(),
                old: HashMap::new(),
            })
        };
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            hasher: RandomState::new(),
            generation: (capacity / SHARDS / 2).max(1),
        }
    }

    fn shard(&self, key: &K) -> &RwLock<Shard<K, V>> {
        // The high bits: the low ones choose the bucket within the shard's map.
        let index = usize::try_from(self.hasher.hash_one(key) >> 60).unwrap_or(0);
        &self.shards[index % SHARDS]
    }

    /// The fact, from memory or else from `load`. `None`: it does not exist.
    pub(crate) async fn get<F, L>(&self, key: &K, load: L) -> Result<Option<V>, QueryError>
    where
        L: FnOnce() -> F,
        F: Future<Output = Result<Option<V>, QueryError>>,
    {
        let shard = self.shard(key);
        let epoch = {
            let shard = shard.read();
            if let Some(fact) = shard.young.get(key) {
                return Ok(fact.clone());
            }
            shard.epoch
        };
        {
            let mut shard = shard.write();
            if let Some(fact) = shard.old.remove(key) {
                shard.put(key.clone(), fact.clone(), self.generation);
                return Ok(fact);
            }
        }
        // The epoch was read before the question goes out, so before the snapshot it is answered from.
        // Boxed, because it seldom runs and would be a part of everything that asks.
        let fact = Box::pin(load()).await?;
        let mut shard = shard.write();
        let worth_it = fact.is_some() || key.length() <= LONGEST_UNKNOWN;
        if shard.epoch == epoch && worth_it {
            shard.put(key.clone(), fact.clone(), self.generation);
        }
        Ok(fact)
    }

    /// Removes what changed. Called before the change is published.
    pub(crate) fn invalidate<'a>(&self, keys: impl IntoIterator<Item = &'a K>)
    where
        K: 'a,
    {
        for key in keys {
            let mut shard = self.shard(key).write();
            shard.epoch += 1;
            shard.young.remove(key);
            shard.old.remove(key);
        }
    }

    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.write();
            shard.epoch += 1;
            shard.young.clear();
            shard.old.clear();
        }
    }
}

impl<K: Eq + Hash, V> Shard<K, V> {
    fn put(&mut self, key: K, fact: Option<V>, generation: usize) {
        if self.young.len() >= generation {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, fact);
    }
}

/// What doors need to know of a user on every request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct UserFacts {
    pub id: UserId,
    /// A person, a bot or an app.
    pub kind: UserKind,
    pub username: String,
    pub name: Option<String>,
    /// Workspace-wide only, without those in rooms.
    pub roles: Vec<RoleId>,
    pub active: bool,
    pub require_password_change: bool,
    pub created_at: Timestamp,
    pub last_login: Option<Timestamp>,
    pub emails: Box<[Email]>,
    pub status_text: Option<String>,
    /// The status they chose to be shown while they are there.
    pub chosen_status: Status,
    /// The wire document (contract, conventions 5.1) without presence fields (`status`, `statusConnection`), without
    /// `services`, and with the further fields of the record in `recordFields`.
    pub doc: Bytes,
}

impl UserFacts {
    /// The first of their addresses, which clients show and change.
    pub fn first_address(&self) -> Option<&str> {
        self.emails.first().map(|email| &*email.address)
    }

    /// Those of the addresses that they proved to read.
    pub fn verified_addresses(&self) -> impl Iterator<Item = &str> {
        let verified = self.emails.iter().filter(|email| email.verified);
        verified.map(|email| &*email.address)
    }
}

/// A valid login token. Whether it is expired depends on `Accounts_LoginExpiration` and on the time now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct SessionFacts {
    pub user: UserId,
    pub issued_at: Timestamp,
    /// `Some`: it was made for a program, and does not expire.
    pub personal: Option<PersonalTokenFacts>,
    /// When and from where (a hash) a second factor was last proved with it.
    pub proved: Option<(Timestamp, String)>,
}

/// What is special about a token made for a program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct PersonalTokenFacts {
    pub name: String,
    /// The last characters of the token.
    pub last_part: String,
    pub bypass_second_factor: bool,
}

/// Which second factors of an account are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecondFactorFacts {
    /// Whether codes of an authenticator are asked for; `None`: there never was one.
    pub totp: Option<bool>,
    /// Whether codes are mailed; `None`: never decided.
    pub email: Option<bool>,
}

/// How the owner of an account can prove who they are, and which programs may use it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct ProofFacts {
    pub password: bool,
    pub factors: SecondFactorFacts,
    /// The client ids of the programs that may use the account, in order.
    pub clients: Vec<String>,
}

pub(crate) struct AllFacts {
    pub(crate) users: Facts<UserId, Arc<UserFacts>>,
    pub(crate) proofs: Facts<UserId, Arc<ProofFacts>>,
    /// Lower-case user name to user.
    pub(crate) usernames: Facts<CompactString, UserId>,
    pub(crate) user_order: UserOrder,
    pub(crate) people: People,
    pub(crate) sessions: Facts<TokenHash, Arc<SessionFacts>>,
    pub(crate) rooms: Facts<RoomId, Arc<RoomFacts>>,
    pub(crate) memberships: Facts<(RoomId, UserId), Arc<MembershipFacts>>,
}

impl AllFacts {
    pub(crate) fn new() -> Self {
        Self {
            users: Facts::new(50_000),
            proofs: Facts::new(50_000),
            usernames: Facts::new(50_000),
            user_order: UserOrder::default(),
            people: People::default(),
            sessions: Facts::new(100_000),
            rooms: Facts::new(50_000),
            memberships: Facts::new(200_000),
        }
    }

    /// Removes what changed.
    pub(crate) fn invalidate(&self, stale: &Stale) {
        self.users.invalidate(&stale.users);
        self.proofs.invalidate(&stale.users);
        self.usernames.invalidate(&stale.usernames);
        if stale.user_order {
            self.user_order.clear();
        }
        self.sessions.invalidate(&stale.sessions);
        self.rooms.invalidate(&stale.rooms);
        self.memberships.invalidate(&stale.memberships);
    }

    pub(crate) fn clear(&self) {
        self.users.clear();
        self.proofs.clear();
        self.usernames.clear();
        self.user_order.clear();
        self.people.clear();
        self.sessions.clear();
        self.rooms.clear();
        self.memberships.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    impl Key for u32 {
        fn length(&self) -> usize {
            4
        }
    }

    #[test]
    fn nothing_long_is_remembered_of_what_is_not_there() {
        let facts: Facts<CompactString, u32> = Facts::new(100);
        let ask = |length, answer| {
            let key = CompactString::from("x".repeat(length));
            facts.get(&key, || async move { Ok(answer) }).now_or_never();
            facts
                .get(&key, std::future::pending)
                .now_or_never()
                .is_some()
        };
        assert!(ask(LONGEST_UNKNOWN, None) && ask(5000, Some(1)));
        assert!(!ask(LONGEST_UNKNOWN + 1, None));
    }

    #[tokio::test]
    async fn a_row_read_before_a_change_is_not_kept_after_it() {
        let facts: Facts<u32, &str> = Facts::new(100);
        // 1. a reader reads the old row  2. the worker tells of a change and invalidates  3. the reader comes back
        let answer = facts
            .get(&1, || async {
                facts.invalidate([&1]);
                Ok(Some("old"))
            })
            .await;
        assert_eq!(
            answer.unwrap(),
            Some("old"),
            "the reader began before the change"
        );
        let answer = facts.get(&1, || async { Ok(Some("new")) }).await;
        assert_eq!(answer.unwrap(), Some("new"), "the old row was not kept");
        let answer = facts.get(&1, || async { Err(QueryError::Closed) }).await;
        assert_eq!(answer.unwrap(), Some("new"), "the new one was");
    }

    #[test]
    fn a_hit_does_not_wait() {
        let facts: Facts<u32, u32> = Facts::new(100);
        assert!(
            facts
                .get(&1, || async { Ok(Some(2)) })
                .now_or_never()
                .is_some()
        );
        assert_eq!(
            facts
                .get(&1, std::future::pending)
                .now_or_never()
                .unwrap()
                .unwrap(),
            Some(2)
        );
    }

    #[test]
    fn the_number_of_facts_is_bounded() {
        let facts: Facts<u32, u32> = Facts::new(1000);
        for key in 0..100_000 {
            facts
                .get(&key, || async move { Ok(Some(key)) })
                .now_or_never();
        }
        let held: usize = facts
            .shards
            .iter()
            .map(|shard| shard.read().young.len() + shard.read().old.len())
            .sum();
        assert!(held <= 1000, "{held} facts are held");
    }
}
