//! An export that is made in the background.

use domain::Timestamp;
use domain::settings::keys;
use serde::{Deserialize, Serialize};

use super::outcome::{Filled, Finished};
use super::piece::Begun;
use crate::record::access::Auditor;
use crate::workspace::Workspace;

/// An export that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Job {
    pub begun: Begun,
    /// All files are on the disk. It has ended only once that is in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Filled>,
    pub ended: Option<Ended>,
}

/// What came of an export that is made no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Ended {
    Complete {
        at: Timestamp,
        finished: Finished,
    },
    Failed {
        at: Timestamp,
        #[serde(default)]
        why: Why,
    },
}

/// Why an export failed, as far as whoever asked for it can do something about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It does not fit, or would have left too little for the log.
    DiskFull,
    /// Another version of the program had begun it.
    OtherVersion,
    /// It was begun over another log.
    OtherRecord,
    /// The server's log says what it was.
    #[default]
    Fault,
}

/// How many hours a complete one is kept.
pub(super) fn hours(workspace: &Workspace) -> i64 {
    let hours = workspace.views().settings().int(keys::AUDIT_EXPORT_HOURS);
    hours.max(0)
}

impl Job {
    /// What it is known by.
    pub fn id(&self) -> &str {
        &self.begun.order.export
    }

    /// When it was complete, or failed. From then on its hours are counted.
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.ended.as_ref().map(|ended| match ended {
            Ended::Complete { at, .. } | Ended::Failed { at, .. } => *at,
        })
    }

    /// Until when it is kept, once it has ended.
    pub fn expires_at(&self, workspace: &Workspace) -> Option<Timestamp> {
        let millis = hours(workspace).saturating_mul(3_600_000);
        let ended = self.ended_at()?;
        Some(Timestamp::from_millis(
            ended.as_millis().saturating_add(millis),
        ))
    }

    /// Whether an auditor may see it. One of private rooms is hidden from those who are not shown these any more.
    pub(super) fn is_visible_to(&self, auditor: &Auditor) -> bool {
        auditor.sees_private_rooms() || !self.begun.order.private_rooms
    }
}
