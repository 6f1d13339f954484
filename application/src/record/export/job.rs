//! An export that is made in the background.

use domain::Timestamp;
use domain::settings::keys;
use serde::{Deserialize, Serialize};

use super::outcome::Finished;
use super::piece::Begun;
use crate::record::access::Auditor;
use crate::workspace::Workspace;

/// An export that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub struct Job {
    pub begun: Begun,
    pub ended: Option<Ended>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "fields and variants say what they are")]
pub enum Ended {
    Complete { at: Timestamp, finished: Finished },
    Failed { at: Timestamp },
}

impl Job {
    /// What it is known by.
    pub fn id(&self) -> &str {
        &self.begun.order.export
    }

    /// When it ended.
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.ended.as_ref().map(|ended| match ended {
            Ended::Complete { at, .. } | Ended::Failed { at } => *at,
        })
    }

    /// Until when it is kept, once it has ended.
    pub fn expires_at(&self, workspace: &Workspace) -> Option<Timestamp> {
        let hours = workspace.views().settings().int(keys::AUDIT_EXPORT_HOURS);
        let millis = hours.max(0).saturating_mul(3_600_000);
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
