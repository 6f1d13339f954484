//! The next events of a subscription, waited for.

use std::sync::Arc;
use std::time::Duration;

use domain::subscription::{Open, SubscriptionCommand, SubscriptionName, UpTo};
use eventstore::{Position, ReadError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::decide::{context, decide, open};
use super::receipt::{Handled, Receipt};
use crate::caller::Caller;
use crate::error::{Error, Fault, Refusal};
use crate::ids::now;
use crate::record::access::{Auditor, Tally};
use crate::record::entries::{Entry, Sieve};
use crate::record::filter::Filter;
use crate::record::reading::{self, LOOK, MOST_ENTRIES, Page};
use crate::workspace::Workspace;

/// The longest wait for events.
pub const MOST_WAIT: Duration = Duration::from_mins(1);

/// How many positions without a match are passed over before that is recorded although there is nothing behind them, so
/// that they are not looked at again. What is recorded is a position too: fewer would have the record grow because nothing
/// happens.
const STRIDE: u64 = 1_000;

/// What a consumer asks for.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// What it has handled, if that is news.
    pub acknowledge: Option<Handled>,
    /// How many events it wants at most.
    pub limit: usize,
    /// How long it waits for the first; [`MOST_WAIT`] at most.
    pub wait: Duration,
}

/// The next events behind the checkpoint.
#[derive(Debug)]
pub struct Batch {
    /// In the order of the record. None: nothing happened for as long as was waited.
    pub entries: Vec<Entry>,
    /// What to acknowledge once they are handled.
    pub position: UpTo,
    /// What to acknowledge it with.
    pub receipt: Receipt,
    /// There may be more behind them already.
    pub more: bool,
}

/// The next events behind what is acknowledged. That they were handed out is recorded before they are returned, together
/// with the acknowledgement. If nothing is found and nothing new acknowledged, nothing is recorded.
///
/// Returns at once, without events, when `stop` is cancelled.
pub async fn next(
    workspace: &Workspace,
    caller: &Caller,
    name: &str,
    wish: Wish,
    stop: &CancellationToken,
) -> Result<Batch, Error> {
    let auditor = Auditor::caller(workspace, caller)?;
    let name = SubscriptionName::parse(name)?;
    let generation = workspace.executor().store().generation();
    let open = open(workspace, &auditor, &name).await?;
    let handled = match wish.acknowledge {
        Some(handled) => Some(handled.position(workspace, &open).await?),
        None => None,
    };
    let checkpoint = open.acknowledging(handled)?;
    let sieve = Sieve {
        filter: Filter::of_subscription(&open.subject)?,
        private_rooms: auditor.sees_private_rooms(),
    };
    let mut search = Search {
        workspace,
        caller,
        auditor,
        name,
        open,
        sieve: Arc::new(sieve),
        generation,
        checkpoint,
        limit: wish.limit.min(MOST_ENTRIES),
    };
    let patience = Instant::now() + wish.wait.min(MOST_WAIT);
    let waits = !wish.wait.is_zero();
    let seen = workspace.views().applied();
    let mut page = search.look(checkpoint).await?;
    if waits && is_all_there_is(&page) {
        // Whoever waits may wait long, and what it handled is handled.
        search.acknowledge().await?;
        page = search.wait(page, seen, patience, stop).await?;
    }
    search.hand_out(page).await
}

/// Whether nothing was found up to the end of the record. Otherwise whoever asks is answered: with what was found, or with
/// how far was looked. No request looks through more than one page of what happened before it.
fn is_all_there_is(page: &Page) -> bool {
    page.entries.is_empty() && !page.more
}

/// The looking for the next events.
struct Search<'a> {
    workspace: &'a Workspace,
    caller: &'a Caller,
    auditor: Auditor,
    name: SubscriptionName,
    open: Open,
    sieve: Arc<Sieve>,
    /// Of the log that the subscription was found in.
    generation: u64,
    /// Where the subscription is once this is recorded.
    checkpoint: UpTo,
    limit: usize,
}

impl Search<'_> {
    async fn look(&mut self, after: UpTo) -> Result<Page, Error> {
        let after = Position::new(after.get());
        let filter = &mut Arc::make_mut(&mut self.sieve).filter;
        let more_of_stream = filter.follow(self.workspace, after).await?;
        let mut page = reading::read(self.workspace, &self.sieve, Some(after), self.limit).await?;
        page.more |= more_of_stream;
        self.same_log()?;
        Ok(page)
    }

    /// What was looked for in one log is neither recorded in another nor told of it.
    fn same_log(&self) -> Result<(), Error> {
        if self.workspace.executor().store().generation() == self.generation {
            Ok(())
        } else {
            Err(ReadError::Replaced.into())
        }
    }

    /// Looks on as more is recorded, for as long as there is patience. `seen`: how far the views were before `page` was
    /// looked for.
    async fn wait(
        &mut self,
        mut page: Page,
        mut seen: Position,
        patience: Instant,
        stop: &CancellationToken,
    ) -> Result<Page, Error> {
        let _place = self.workspace.subscribers().place()?;
        while is_all_there_is(&page) {
            let news = async {
                while self.workspace.views().applied() <= seen {
                    tokio::time::sleep(LOOK).await;
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = tokio::time::sleep_until(patience) => break,
                () = news => self.still_allowed().await?,
            }
            self.still_there().await?;
            seen = self.workspace.views().applied();
            page = self.look(UpTo::new(page.cursor.get())).await?;
        }
        Ok(page)
    }

    /// Ends the waiting for a subscription that ended. One of the same name that began since is of another question.
    async fn still_there(&self) -> Result<(), Error> {
        let open = open(self.workspace, &self.auditor, &self.name).await?;
        open.living(self.open.life)?;
        Ok(())
    }

    /// Ends the waiting of somebody who may no longer read, or no longer sees the same.
    async fn still_allowed(&self) -> Result<(), Error> {
        let renewed = self.caller.renewed(self.workspace).await?;
        let Some(caller) = renewed else {
            return Err(Refusal::RecordNotShown.into());
        };
        if Auditor::caller(self.workspace, &caller)? == self.auditor {
            return Ok(());
        }
        Err(Fault::Overtaken.into())
    }

    async fn acknowledge(&self) -> Result<(), Error> {
        if self.checkpoint == self.open.acknowledged {
            return Ok(());
        }
        let command = SubscriptionCommand::Acknowledge {
            name: self.name.clone(),
            life: self.open.life,
            position: self.checkpoint,
            at: now(),
        };
        self.decide(command).await
    }

    /// Records what was found, and gives it.
    async fn hand_out(&self, page: Page) -> Result<Batch, Error> {
        let upto = UpTo::new(page.cursor.get());
        let passed = upto.get().saturating_sub(self.checkpoint.get());
        // Where there is more, whoever asks again must get further.
        let told = !page.entries.is_empty() || page.more || passed >= STRIDE;
        if !told {
            self.acknowledge().await?;
            return self.batch(Vec::new(), self.checkpoint, page.more).await;
        }
        self.still_allowed().await?;
        let mut tally = Tally::default();
        tally.count(&page.entries);
        let moved = self.checkpoint != self.open.acknowledged;
        let command = SubscriptionCommand::Read {
            name: self.name.clone(),
            life: self.open.life,
            acknowledge: moved.then_some(self.checkpoint),
            upto,
            shown: tally.shown(),
            private_rooms: self.auditor.sees_private_rooms(),
            at: now(),
        };
        self.same_log()?;
        self.decide(command).await?;
        self.batch(page.entries, upto, page.more).await
    }

    async fn batch(&self, entries: Vec<Entry>, position: UpTo, more: bool) -> Result<Batch, Error> {
        let receipt = Receipt::of(self.workspace, &self.open, position).await?;
        self.same_log()?;
        Ok(Batch {
            entries,
            position,
            receipt,
            more,
        })
    }

    async fn decide(&self, command: SubscriptionCommand) -> Result<(), Error> {
        let context = context(self.auditor.actor());
        decide(self.workspace, &self.name, command, &context).await
    }
}
