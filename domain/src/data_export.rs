//! Copies of what a workspace keeps of one person, made when they ask for it (contract, conventions 7.2
//! `users.requestDataDownload`).
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};

use crate::decider::Never;
use crate::event::events;
use crate::{Category, Decider, StreamId, Timestamp, UserId};

/// How long nobody gets another copy after asking for one, in milliseconds: a day.
pub const SHORTEST_PAUSE_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// The stream of the copies made for one user.
pub fn stream(user: &UserId) -> StreamId {
    StreamId::new(Category::DataExport, user.as_str())
}

events! {
    /// What can happen to somebody's wish for a copy.
    DataExportEvent [user: UserId] {
        DataExportRequested = 1,
        DataExportCompleted = 1,
        DataExportFailed = 1,
    }
}

/// Somebody asked for a copy of their data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataExportRequested {
    /// Whose data it is, and who asked.
    pub user: UserId,
    pub export: String,
    /// `true`: everything said in the rooms they are in; `false`: only what they said.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub full: bool,
    pub at: Timestamp,
}

/// The copy is made and can be fetched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataExportCompleted {
    pub user: UserId,
    pub export: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    pub at: Timestamp,
}

/// The copy could not be made; another may be asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataExportFailed {
    pub user: UserId,
    pub export: String,
    pub at: Timestamp,
}

/// The last copy somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastExport {
    pub export: String,
    pub requested_at: Timestamp,
    /// It was made, or could not be made.
    pub settled: bool,
    pub failed: bool,
}

/// What decisions need to know: the last copy, if there was one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataExports {
    pub last: Option<LastExport>,
}

/// What can be asked. Whether exports are switched on, and whether it is the user's own data, was checked before.
#[derive(Clone, Debug)]
pub enum DataExportCommand {
    /// Make a copy, unless there is one that is less than a day old.
    Request {
        user: UserId,
        export: String,
        full: bool,
        at: Timestamp,
    },
    Complete(DataExportCompleted),
    Fail(DataExportFailed),
}

impl Decider for DataExports {
    type State = Self;
    type Command = DataExportCommand;
    type Context<'a> = ();
    type Event = DataExportEvent;
    type Refusal = Never;

    fn decide(
        state: &Self,
        command: DataExportCommand,
        (): &(),
    ) -> Result<Vec<DataExportEvent>, Never> {
        let open = |export: &str| {
            let last = state.last.as_ref();
            last.is_some_and(|last| last.export == export && !last.settled)
        };
        Ok(match command {
            DataExportCommand::Request {
                user,
                export,
                full,
                at,
            } => {
                let recent = state.last.as_ref().is_some_and(|last| {
                    !last.failed && at.millis_since(last.requested_at) < SHORTEST_PAUSE_MILLIS
                });
                if recent {
                    return Ok(vec![]);
                }
                vec![
                    DataExportRequested {
                        user,
                        export,
                        full,
                        at,
                    }
                    .into(),
                ]
            }
            DataExportCommand::Complete(completed) if open(&completed.export) => {
                vec![completed.into()]
            }
            DataExportCommand::Fail(failed) if open(&failed.export) => vec![failed.into()],
            DataExportCommand::Complete(_) | DataExportCommand::Fail(_) => vec![],
        })
    }

    fn evolve(mut state: Self, event: &DataExportEvent) -> Self {
        match event {
            DataExportEvent::DataExportRequested(event) => {
                state.last = Some(LastExport {
                    export: event.export.clone(),
                    requested_at: event.at,
                    settled: false,
                    failed: false,
                });
            }
            DataExportEvent::DataExportCompleted(event) => {
                state.settle(&event.export, false);
            }
            DataExportEvent::DataExportFailed(event) => state.settle(&event.export, true),
        }
        state
    }
}

impl DataExports {
    fn settle(&mut self, export: &str, failed: bool) {
        if let Some(last) = &mut self.last
            && last.export == export
        {
            last.settled = true;
            last.failed = failed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    const DAY: Timestamp = Timestamp::from_millis(SHORTEST_PAUSE_MILLIS);
    const NOON: Timestamp = Timestamp::from_millis(SHORTEST_PAUSE_MILLIS / 2);
    const START: Timestamp = Timestamp::from_millis(0);

    fn me() -> UserId {
        UserId::new("me")
    }

    fn request(export: &str, at: Timestamp) -> DataExportCommand {
        DataExportCommand::Request {
            user: me(),
            export: export.to_owned(),
            full: false,
            at,
        }
    }

    fn requested(export: &str, at: Timestamp) -> DataExportEvent {
        DataExportRequested {
            user: me(),
            export: export.to_owned(),
            full: false,
            at,
        }
        .into()
    }

    fn completed(export: &str) -> DataExportCompleted {
        DataExportCompleted {
            user: me(),
            export: export.to_owned(),
            size: 1,
            sha256: "00".to_owned(),
            at: NOON,
        }
    }

    fn failed(export: &str) -> DataExportFailed {
        DataExportFailed {
            user: me(),
            export: export.to_owned(),
            at: NOON,
        }
    }

    #[test]
    fn there_is_one_a_day() {
        given::<DataExports>([])
            .when(request("a", START), &())
            .then([requested("a", START)]);
        given::<DataExports>([requested("a", START)])
            .when(request("b", NOON), &())
            .then_nothing();
        given::<DataExports>([requested("a", START), completed("a").into()])
            .when(request("b", NOON), &())
            .then_nothing();
        given::<DataExports>([requested("a", START)])
            .when(request("b", DAY), &())
            .then([requested("b", DAY)]);
    }

    #[test]
    fn one_that_failed_does_not_count() {
        given::<DataExports>([requested("a", START), failed("a").into()])
            .when(request("b", NOON), &())
            .then([requested("b", NOON)]);
    }

    #[test]
    fn it_is_settled_once() {
        given::<DataExports>([requested("a", START)])
            .when(DataExportCommand::Complete(completed("a")), &())
            .then([completed("a").into()]);
        given::<DataExports>([requested("a", START), completed("a").into()])
            .when(DataExportCommand::Fail(failed("a")), &())
            .then_nothing();
        given::<DataExports>([requested("a", START), requested("b", DAY)])
            .when(DataExportCommand::Complete(completed("a")), &())
            .then_nothing();
    }
}
