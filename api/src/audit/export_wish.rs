//! What the command line asks to have exported, and how it gets there: piece after piece, which it puts into a folder.

use application::error::Error;
use application::record::access::{Auditor, Shown};
use application::record::export::{self, Begun, Claim, ExportWish, Order, Piece, Reached, jobs};
use application::workspace::Workspace;
use domain::audit::{self, RecordReader};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::audit::transcript::BrokenOff;

/// How many pieces may wait for whoever takes them.
pub const PIECES: usize = 64;

/// Whether an export begins or goes on, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    Fresh(ExportWish),
    /// The rest of what was interrupted.
    Resumed {
        order: Order,
        reached: Option<Reached>,
    },
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedExport {
    pub start: Start,
    /// Private rooms too, whatever the setting says.
    pub private_rooms: bool,
    /// What the operating system calls whoever asks.
    pub account: String,
}

/// All files are complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportEnd {
    pub reading: String,
    pub shown: audit::Shown,
    /// Private rooms are in them, whatever the setting says by now.
    pub private_rooms: bool,
    /// What the operating system calls whoever asked.
    pub account: String,
}

impl ExportEnd {
    pub async fn record(self, workspace: &Workspace) -> Result<(), Error> {
        let Self {
            reading,
            shown,
            private_rooms,
            account,
        } = self;
        let reader = RecordReader::CommandLine { account };
        export::end(workspace, &reader, private_rooms, reading, shown).await
    }
}

/// An export that began, which was recorded.
pub struct Making {
    workspace: Workspace,
    begun: Begun,
    reached: Option<Reached>,
    claim: Claim,
    /// Why it is not recorded, if the log could not be written.
    pub unrecorded: Option<String>,
}

impl WantedExport {
    pub async fn begin(self, workspace: &Workspace) -> Result<Making, Error> {
        let auditor = Auditor::command_line(workspace, self.account, self.private_rooms);
        let name = match &self.start {
            Start::Fresh(wish) => wish.name.as_deref(),
            Start::Resumed { order, .. } => order.name.as_deref(),
        };
        let claim = jobs::claim(workspace, name).await?;
        let (begun, reached) = match self.start {
            Start::Fresh(wish) => {
                let begun = export::begin(workspace, &auditor, &wish, &claim).await?;
                (begun, None)
            }
            Start::Resumed { order, reached } => {
                let begun = export::resume(workspace, &auditor, order).await?;
                (begun, reached)
            }
        };
        let Shown {
            answer: begun,
            unrecorded,
        } = begun;
        Ok(Making {
            workspace: workspace.clone(),
            begun,
            reached,
            claim,
            unrecorded,
        })
    }
}

impl Making {
    /// Makes pieces until all are made, nobody takes them, or `stop`. The name of the export is kept until whoever takes them
    /// goes away: they record that it is complete, and whoever is killed gives it back.
    pub async fn run(
        self,
        pieces: mpsc::Sender<Piece>,
        stop: CancellationToken,
    ) -> Result<(), BrokenOff> {
        let order = self.begun.order.clone();
        if pieces
            .send(Piece::Begun(Box::new(self.begun)))
            .await
            .is_err()
        {
            return Ok(());
        }
        let taker = pieces.clone();
        tokio::select! {
            made = export::make(&self.workspace, &order, self.reached, pieces) => made?,
            () = stop.cancelled() => return Err(BrokenOff::Stopping),
        }
        if order.name.is_some() {
            tokio::select! {
                () = taker.closed() => {}
                () = stop.cancelled() => {}
            }
        }
        drop(self.claim);
        Ok(())
    }
}
