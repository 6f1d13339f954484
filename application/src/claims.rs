//! Names that only one thing at a time may have, taken and released in the batch that uses them.

use domain::claim::{self, Claim, ClaimCommand, NameKind, NameTaken};
use domain::permission::Authority;
use domain::{Decider, Event, StreamId, Timestamp};
use eventstore::ExecuteError;
use eventstore::execute::Transaction;

use crate::caller::Caller;
use crate::error::Error;
use crate::workspace::{WorkError, Workspace};

/// What a name is for, and what owns it.
#[derive(Clone, Copy, Debug)]
pub struct Claimant<'a> {
    /// The same name may be taken once per kind.
    kind: NameKind,
    /// The id of the user, room, emoji and so on.
    owner: &'a str,
    /// When the name is taken or released.
    at: Timestamp,
}

impl<'o> Claimant<'o> {
    /// What owns names of that kind, as `owner`.
    pub fn new(kind: NameKind, owner: &'o str, at: Timestamp) -> Self {
        Self { kind, owner, at }
    }

    /// Takes a name; `taken` is the error if something else has it.
    pub async fn take(
        self,
        tx: &Transaction,
        name: &str,
        taken: impl Into<Error>,
    ) -> Result<(), WorkError> {
        if self.try_take(tx, name).await? {
            Ok(())
        } else {
            Err(WorkError::refused(taken))
        }
    }

    /// Takes a name; `false`: something else has it.
    pub async fn try_take(self, tx: &Transaction, name: &str) -> Result<bool, WorkError> {
        let take = ClaimCommand::Take {
            kind: self.kind,
            owner: self.owner.to_owned(),
            at: self.at,
        };
        let stream = claim::stream(self.kind, name);
        match tx.decide::<Claim>(&stream, take, &()).await {
            Ok(_) => Ok(true),
            Err(ExecuteError::Refused(NameTaken { .. })) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Releases a name, so that it can be taken again.
    pub async fn release(self, tx: &Transaction, name: &str) -> Result<(), WorkError> {
        let release = ClaimCommand::Release {
            kind: self.kind,
            owner: self.owner.to_owned(),
            at: self.at,
        };
        tx.decide::<Claim>(&claim::stream(self.kind, name), release, &())
            .await?;
        Ok(())
    }

    /// Takes those of the names `new` that are not among `old`, and releases those of `old` that are no longer used.
    /// What counts as the same name is decided by the claim: user names may differ only in case.
    pub async fn swap<R: Into<Error>>(
        self,
        tx: &Transaction,
        old: impl IntoIterator<Item = &str>,
        new: impl IntoIterator<Item = &str>,
        taken: impl Fn(&str) -> R,
    ) -> Result<(), WorkError> {
        let (old, new): (Vec<&str>, Vec<&str>) =
            (old.into_iter().collect(), new.into_iter().collect());
        let among = |names: &[&str], name: &str| {
            let stream = claim::stream(self.kind, name);
            names
                .iter()
                .any(|other| claim::stream(self.kind, other) == stream)
        };
        for name in new.iter().filter(|name| !among(&old, name)) {
            self.take(tx, name, taken(name)).await?;
        }
        for name in old.iter().filter(|name| !among(&new, name)) {
            self.release(tx, name).await?;
        }
        Ok(())
    }

    /// Lets the rules decide `commands` of the caller about the owner, whose stream is `stream`. The names it has before
    /// and after are released and taken with them.
    pub async fn decide<D>(
        self,
        workspace: &Workspace,
        caller: &Caller,
        stream: &StreamId,
        commands: &[D::Command],
        names: impl Fn(&D::State) -> Vec<String>,
        taken: impl Into<Error> + Clone,
    ) -> Result<(), Error>
    where
        D: for<'a> Decider<
                Command: Clone,
                Context<'a> = Authority<'a>,
                Event: Into<Event>,
                Refusal: Into<Error>,
            >,
    {
        let permissions = workspace.views().permissions();
        let authority = caller.authority(&[], &permissions);
        workspace
            .run(caller.id(), async |tx| {
                let before = names(&*tx.state::<D>(stream).await?);
                for command in commands {
                    tx.decide::<D>(stream, command.clone(), &authority).await?;
                }
                let after = names(&*tx.state::<D>(stream).await?);
                let (before, after) = (
                    before.iter().map(String::as_str),
                    after.iter().map(String::as_str),
                );
                self.swap(&tx, before, after, |_| taken.clone()).await
            })
            .await
    }
}
