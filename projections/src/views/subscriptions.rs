//! The view of subscriptions to the record.

use domain::Event;
use domain::subscription::{Subject, SubscriptionEvent, UpTo};
use domain::{Timestamp, UserId};
use rusqlite::{Row, params};

use crate::engine::applied::Applied;
use crate::engine::handle::Views;
use crate::engine::projection::{Apply, Projection};
use crate::engine::tx::Tx;
use crate::error::QueryError;
use crate::json;
use crate::numbers::unsigned;

/// For lists. Who reads a subscription is answered from its stream.
pub(crate) const VIEW: Projection = Projection {
    name: "record_subscriptions",
    version: 1,
    tables: "CREATE TABLE record_subscriptions (
        name TEXT NOT NULL PRIMARY KEY,
        owner TEXT NOT NULL,
        subject BLOB NOT NULL,
        after INTEGER NOT NULL,
        private_rooms INTEGER NOT NULL,
        acknowledged INTEGER NOT NULL,
        begun_at INTEGER NOT NULL,
        read_at INTEGER
    ) WITHOUT ROWID;",
    indexes: &[],
    apply: Apply::Total(apply),
};

fn apply(tx: &mut Tx, event: &Applied) -> rusqlite::Result<()> {
    let Event::Subscription(event) = &event.event else {
        return Ok(());
    };
    let name = event.subscription().as_str();
    match event {
        SubscriptionEvent::SubscriptionBegun(begun) => tx
            .conn
            .prepare_cached(
                "INSERT OR REPLACE INTO record_subscriptions
                 (name, owner, subject, after, private_rooms, acknowledged, begun_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?4, ?6)",
            )?
            .execute(params![
                name,
                begun.owner.as_str(),
                json::encode(&begun.subject)?,
                stored(begun.after),
                begun.private_rooms,
                begun.at.as_millis(),
            ])?,
        SubscriptionEvent::SubscriptionRead(read) => tx
            .conn
            .prepare_cached(
                "UPDATE record_subscriptions SET acknowledged = ?2, read_at = ?3 WHERE name = ?1",
            )?
            .execute(params![
                name,
                stored(read.acknowledged),
                read.at.as_millis()
            ])?,
        SubscriptionEvent::SubscriptionAcknowledged(event) => tx
            .conn
            .prepare_cached("UPDATE record_subscriptions SET acknowledged = ?2 WHERE name = ?1")?
            .execute(params![name, stored(event.acknowledged)])?,
        SubscriptionEvent::SubscriptionEnded(_) => tx
            .conn
            .prepare_cached("DELETE FROM record_subscriptions WHERE name = ?1")?
            .execute([name])?,
    };
    Ok(())
}

fn stored(upto: UpTo) -> i64 {
    i64::try_from(upto.get()).unwrap_or(i64::MAX)
}

/// A subscription that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct SubscriptionRecord {
    pub name: String,
    pub owner: UserId,
    pub subject: Subject,
    /// Where it began.
    pub after: UpTo,
    /// Its subject may name private rooms.
    pub private_rooms: bool,
    /// The checkpoint.
    pub acknowledged: UpTo,
    pub begun_at: Timestamp,
    /// When events were handed out last.
    pub read_at: Option<Timestamp>,
}

fn record(row: &Row<'_>) -> rusqlite::Result<SubscriptionRecord> {
    Ok(SubscriptionRecord {
        name: row.get(0)?,
        owner: UserId::new(row.get_ref(1)?.as_str()?),
        subject: json::decode(row.get_ref(2)?.as_bytes()?)?,
        after: UpTo::new(unsigned(row, 3)?),
        private_rooms: row.get(4)?,
        acknowledged: UpTo::new(unsigned(row, 5)?),
        begun_at: Timestamp::from_millis(row.get(6)?),
        read_at: row.get::<_, Option<i64>>(7)?.map(Timestamp::from_millis),
    })
}

impl Views {
    /// All subscriptions to the record, by name.
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionRecord>, QueryError> {
        self.every(
            "SELECT name, owner, subject, after, private_rooms, acknowledged, begun_at, read_at
             FROM record_subscriptions ORDER BY name",
            [],
            record,
        )
        .await
    }
}
