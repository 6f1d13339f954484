//! Which messages of a room are deleted when it is pruned (contract, messages 5.3).

use std::collections::HashSet;

use domain::room::{Pruning, Spared};
use domain::{MessageId, RoomId, Timestamp, UserId};
use rusqlite::params;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::engine::queries::Queries;
use crate::error::QueryError;
use crate::json;

/// A message that is to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Doomed {
    pub id: MessageId,
    /// When a system message was sent; `None`: it is none.
    pub system: Option<Timestamp>,
    /// It tells of a discussion, or is what one is about.
    pub of_discussion: bool,
}

/// What a message may be spared for, as its document has it.
#[derive(Deserialize)]
struct Marks {
    #[serde(default)]
    pinned: bool,
    #[serde(rename = "drid")]
    discussion: Option<IgnoredAny>,
}

impl Marks {
    fn spare(&self, pruning: &Pruning) -> bool {
        let spares = |spared| pruning.spared.contains(&spared);
        spares(Spared::Pinned) && self.pinned
            || spares(Spared::Discussions) && self.discussion.is_some()
    }
}

impl Queries {
    /// The messages of a room that `pruning` means, the oldest first.
    pub async fn doomed(
        &self,
        room: &RoomId,
        pruning: &Pruning,
    ) -> Result<Vec<Doomed>, QueryError> {
        let (room, pruning) = (room.clone(), pruning.clone());
        self.read(move |conn| {
            // Whole milliseconds: "before t" is "at most t - 1".
            let margin = i64::from(!pruning.inclusive);
            let oldest = pruning.oldest.as_millis().saturating_add(margin);
            let latest = pruning.latest.as_millis().saturating_sub(margin);
            let threads = if pruning.spared.contains(&Spared::Threads) {
                " AND thread IS NULL AND replies = 0"
            } else {
                ""
            };
            let authors: Option<HashSet<&str>> = pruning
                .authors
                .as_ref()
                .map(|authors| authors.iter().map(UserId::as_str).collect());
            let limit = pruning.limit.map_or(usize::MAX, |limit| {
                usize::try_from(limit).unwrap_or(usize::MAX)
            });
            let mut select = conn.prepare_cached(&format!(
                "SELECT id, author, system, at, doc FROM messages
                 WHERE room = ?1 AND at BETWEEN ?2 AND ?3{threads} ORDER BY at, seq"
            ))?;
            let mut rows = select.query(params![room.as_str(), oldest, latest])?;
            let mut doomed = Vec::new();
            while doomed.len() < limit
                && let Some(row) = rows.next()?
            {
                let author = row.get_ref(1)?.as_str()?;
                if authors
                    .as_ref()
                    .is_some_and(|meant| !meant.contains(author))
                {
                    continue;
                }
                let marks: Marks = json::decode(row.get_ref(4)?.as_bytes()?)?;
                if marks.spare(&pruning) {
                    continue;
                }
                let at = Timestamp::from_millis(row.get(3)?);
                doomed.push(Doomed {
                    id: MessageId::new(row.get_ref(0)?.as_str()?),
                    system: row.get::<_, bool>(2)?.then_some(at),
                    of_discussion: marks.discussion.is_some(),
                });
            }
            Ok(doomed)
        })
        .await
    }
}
