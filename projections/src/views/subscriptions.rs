//! The view of subscriptions to the record: of each the state that its rules decide on, and when it was read.

use domain::subscription::{Open, Subscription, SubscriptionEvent, SubscriptionName};
use domain::{Decider as _, Event, Timestamp};
use eventstore::Version;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::json;
use crate::numbers::unsigned;

/// The version is raised with whatever changes the state.
pub(crate) const VIEW: Projection = Projection {
    name: "record_subscriptions",
    version: 2,
    tables: "CREATE TABLE record_subscriptions (
        name TEXT NOT NULL PRIMARY KEY,
        -- How many events its stream has.
        events INTEGER NOT NULL,
        -- Whether it goes on.
        open INTEGER NOT NULL,
        state BLOB NOT NULL,
        begun_at INTEGER,
        read_at INTEGER
    ) WITHOUT ROWID;",
    indexes: &[],
    apply: Apply::Total(apply),
};

/// One subscription, whether or not it goes on.
#[derive(Default)]
struct Kept {
    events: u64,
    state: Subscription,
    begun_at: Option<Timestamp>,
    read_at: Option<Timestamp>,
}

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let Event::Subscription(event) = &event.event else {
        return Ok(());
    };
    let name = event.subscription();
    let mut kept = load(&tx.conn, name)?.unwrap_or_default();
    kept.events = kept.events.saturating_add(1);
    kept.state = Subscription::evolve(kept.state, event);
    match event {
        SubscriptionEvent::SubscriptionBegun(begun) => {
            (kept.begun_at, kept.read_at) = (Some(begun.at), None);
        }
        SubscriptionEvent::SubscriptionRead(read) => kept.read_at = Some(read.at),
        SubscriptionEvent::SubscriptionAcknowledged(_)
        | SubscriptionEvent::SubscriptionEnded(_) => {}
    }
    tx.conn
        .prepare_cached(
            "INSERT OR REPLACE INTO record_subscriptions (name, events, open, state, begun_at, read_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            name.as_str(),
            i64::try_from(kept.events).unwrap_or(i64::MAX),
            kept.state.open().is_some(),
            json::encode(&kept.state)?,
            kept.begun_at.map(Timestamp::as_millis),
            kept.read_at.map(Timestamp::as_millis),
        ])?;
    Ok(())
}

fn load(conn: &Connection, name: &SubscriptionName) -> rusqlite::Result<Option<Kept>> {
    conn.prepare_cached(
        "SELECT events, state, begun_at, read_at FROM record_subscriptions WHERE name = ?1",
    )?
    .query_row([name.as_str()], kept)
    .optional()
}

/// The first columns of `row`: events, state, and when it began and was read.
fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    Ok(Kept {
        events: unsigned(row, 0)?,
        state: json::decode(row.get_ref(1)?.as_bytes()?)?,
        begun_at: time(row, 2)?,
        read_at: time(row, 3)?,
    })
}

fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Timestamp>> {
    let millis: Option<i64> = row.get(index)?;
    Ok(millis.map(Timestamp::from_millis))
}

/// A subscription that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct SubscriptionRecord {
    pub name: String,
    pub open: Open,
    pub begun_at: Option<Timestamp>,
    /// When events were handed out last.
    pub read_at: Option<Timestamp>,
}

impl Views {
    /// The subscriptions to the record that go on, by name.
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionRecord>, QueryError> {
        let all = self.every(
            "SELECT events, state, begun_at, read_at, name FROM record_subscriptions
             WHERE open = 1 ORDER BY name",
            [],
            |row| Ok((row.get(4)?, kept(row)?)),
        );
        let all: Vec<(String, Kept)> = all.await?;
        let going_on = all.into_iter().filter_map(|(name, kept)| {
            Some(SubscriptionRecord {
                name,
                open: kept.state.open()?.clone(),
                begun_at: kept.begun_at,
                read_at: kept.read_at,
            })
        });
        Ok(going_on.collect())
    }

    /// What the rules of a subscription decide on, and the version of its stream that it is of; `None`: there never was
    /// such a subscription.
    pub async fn subscription(
        &self,
        name: &SubscriptionName,
    ) -> Result<Option<(Version, Subscription)>, QueryError> {
        let name = name.clone();
        let kept = self.read(move |conn| load(conn, &name)).await?;
        Ok(kept.map(|kept| {
            let version = Version::new(kept.events.saturating_sub(1));
            (version, kept.state)
        }))
    }
}
