//! What ties a position that was handed out to the history it was handed out in: a position alone is a number, which means
//! something else in a log that was restored from a backup, in a copy, and to a subscription that was begun anew.

use std::fmt;
use std::str::FromStr;

use domain::subscription::{Open, SubscriptionRefusal, UpTo};
use eventstore::{Mark, Position, ReadError};
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::record::reading::cursor_behind;
use crate::workspace::Workspace;

/// What was handed out last with an answer, of which subscription of which log. As a text, a mark like those of `/live`:
/// clients keep it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt(Mark);

/// What a consumer acknowledges.
#[derive(Clone, Copy, Debug)]
pub struct Handled {
    /// Everything up to here.
    pub position: UpTo,
    /// Of the answer that it was handed out with. Without, the number is taken for one of this history.
    pub receipt: Option<Receipt>,
}

impl Receipt {
    /// Of an answer that goes up to a position.
    pub(super) async fn of(workspace: &Workspace, open: &Open, upto: UpTo) -> Result<Self, Error> {
        let made = Self::made(workspace, open, Position::new(upto.get())).await?;
        // What was just read is there, unless the log is another by now.
        Ok(made.ok_or(ReadError::Replaced)?)
    }

    /// `None`: the log has nothing at that position.
    async fn made(
        workspace: &Workspace,
        open: &Open,
        position: Position,
    ) -> Result<Option<Self>, Error> {
        let place = workspace.executor().store().place(position).await?;
        Ok(place.map(|place| {
            let hash = Sha256::new()
                .chain_update(cursor_behind(workspace, &place).to_string())
                .chain_update(open.life.to_be_bytes())
                .chain_update(open.begun_at.as_millis().to_be_bytes());
            Self(Mark::new(position, &hash.finalize().into()))
        }))
    }
}

impl Handled {
    /// What it comes to for a subscription that goes on, if it was handed out in its history.
    pub(super) async fn position(self, workspace: &Workspace, open: &Open) -> Result<UpTo, Error> {
        let Self { position, receipt } = self;
        let Some(receipt) = receipt else {
            return Ok(position);
        };
        let upto = UpTo::new(receipt.0.position.get());
        let here = Receipt::made(workspace, open, receipt.0.position).await?;
        // What this history did not hand out itself was handed out in what it lost.
        if here != Some(receipt) || upto > open.handed_out {
            return Err(SubscriptionRefusal::OtherHistory.into());
        }
        if position > upto {
            let handed_out = upto;
            return Err(SubscriptionRefusal::NotHandedOut {
                position,
                handed_out,
            }
            .into());
        }
        Ok(position)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Receipt {
    type Err = <Mark as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl Serialize for Receipt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
