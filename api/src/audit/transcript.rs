//! A long reading, written part after part for whoever asked: the command line.

use application::error::Error;
use application::record::access::Auditor;
use application::record::question::Asked;
use application::record::reading::{Range, Reading};
use application::workspace::Workspace;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::audit::format::Format;

/// How many entries are written at once.
const PART: usize = 500;

/// How many parts may wait for whoever reads them.
pub const PARTS: usize = 4;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    pub asked: Asked,
    pub format: Format,
    /// `None`: all of them.
    pub limit: Option<u64>,
    /// Where to go on.
    pub cursor: Option<String>,
    /// On and on, as more is recorded.
    pub follow: bool,
    /// Private rooms too, whatever the setting says.
    pub private_rooms: bool,
    /// What the operating system calls whoever asks.
    pub account: String,
}

/// Why a transcript ended before there was no more.
#[derive(Debug, thiserror::Error)]
pub enum BrokenOff {
    #[error(transparent)]
    Unreadable(#[from] Error),
    #[error("the server is stopping")]
    Stopping,
}

/// A reading that began, which was recorded.
pub struct Transcript {
    reading: Reading,
    format: Format,
    left: Option<u64>,
    follow: bool,
}

impl Transcript {
    pub async fn begin(workspace: &Workspace, wish: Wish) -> Result<Self, Error> {
        let auditor = Auditor::command_line(workspace, wish.account, wish.private_rooms);
        let range = Range {
            cursor: wish.cursor.as_deref(),
            limit: wish
                .limit
                .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
            follow: wish.follow,
        };
        let reading = Reading::begin(workspace, auditor, &wish.asked, range);
        Ok(Self {
            reading: reading.await?,
            format: wish.format,
            left: wish.limit,
            follow: wish.follow,
        })
    }

    /// Why the reading is not recorded, if the log could not be written.
    pub fn unrecorded(&self) -> Option<&str> {
        self.reading.unrecorded()
    }

    /// Writes until there is no more, nobody takes it, or `stop`; then records what was shown, unless the log is out of reach:
    /// whoever waits is told that at once.
    pub async fn run(
        mut self,
        parts: mpsc::Sender<Bytes>,
        stop: CancellationToken,
    ) -> Result<(), BrokenOff> {
        let outcome = self.write(&parts, &stop).await;
        if matches!(&outcome, Err(BrokenOff::Unreadable(error)) if error.is_of_log_out_of_reach()) {
            return outcome;
        }
        self.reading.end().await?;
        outcome
    }

    async fn write(
        &mut self,
        parts: &mpsc::Sender<Bytes>,
        stop: &CancellationToken,
    ) -> Result<(), BrokenOff> {
        let mut part = self.format.begin().as_bytes().to_vec();
        let mut first = true;
        loop {
            if !part.is_empty() {
                let sent = tokio::select! {
                    sent = parts.send(std::mem::take(&mut part).into()) => sent,
                    () = stop.cancelled() => return self.stopped(),
                };
                if sent.is_err() {
                    return Ok(());
                }
            }
            let limit = self
                .left
                .map_or(PART, |left| usize::try_from(left).unwrap_or(PART).min(PART));
            if limit == 0 {
                break;
            }
            let entries = tokio::select! {
                entries = self.reading.next(limit) => entries?,
                () = parts.closed() => return Ok(()),
                () = stop.cancelled() => return self.stopped(),
            };
            let Some(entries) = entries else { break };
            for entry in &entries {
                self.format.write(&mut part, entry, first);
                first = false;
            }
            self.reading.showed(&entries);
            let written = u64::try_from(entries.len()).unwrap_or(u64::MAX);
            self.left = self.left.map(|left| left.saturating_sub(written));
        }
        // Nobody may be there any more.
        let _ = parts
            .send(Bytes::from_static(self.format.end().as_bytes()))
            .await;
        Ok(())
    }

    /// What never ends by itself ends well; of a list, the rest is missing.
    fn stopped(&self) -> Result<(), BrokenOff> {
        self.follow.then_some(()).ok_or(BrokenOff::Stopping)
    }
}
