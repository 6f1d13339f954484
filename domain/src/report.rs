//! One report: somebody reports a message or a user to the moderators. A report is dismissed, never changed.
#![allow(missing_docs, reason = "fields and variants say what they are")]

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::events;
use crate::{Category, Decider, MessageId, RoomId, StreamId, Timestamp, UserId};

/// The stream of a report.
pub fn stream(id: &str) -> StreamId {
    StreamId::new(Category::Report, id)
}

events! {
    /// What can happen to a report.
    ReportEvent {
        MessageReported = 1,
        UserReported = 1,
        ReportDismissed = 1,
    }
}

/// Somebody reported a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageReported {
    pub report: String,
    pub message: MessageId,
    pub room: RoomId,
    pub author: UserId,
    /// The message as it was then (contract, messages 2): it may be changed or deleted before anybody looks.
    pub copy: Value,
    pub description: String,
    pub by: UserId,
    pub at: Timestamp,
}

/// Somebody reported a user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserReported {
    pub report: String,
    pub user: UserId,
    pub description: String,
    pub by: UserId,
    pub at: Timestamp,
}

/// A moderator has dealt with a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportDismissed {
    pub report: String,
    pub by: UserId,
    /// In the moderator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    pub at: Timestamp,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Report {
    #[default]
    Absent,
    /// It waits for a moderator.
    Open,
    Dismissed,
}

/// What can be asked of a report. The door checks who may see the message and who may moderate.
#[derive(Clone, Debug)]
pub enum ReportCommand {
    Message(Box<MessageReported>),
    User(Box<UserReported>),
    Dismiss(Box<ReportDismissed>),
}

/// Why a report is refused (contract, messages 6 `chat.reportMessage`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportRefusal {
    /// It does not say what is wrong (`error-invalid-description`).
    #[error("a report says what is wrong")]
    DescriptionRequired,
    #[error("no such report")]
    NotFound,
    /// There is a report under this id.
    #[error("there is a report of this id already")]
    AlreadyExists,
}

impl Decider for Report {
    type State = Self;
    type Command = ReportCommand;
    type Context<'a> = ();
    type Event = ReportEvent;
    type Refusal = ReportRefusal;

    fn decide(
        state: &Self,
        command: ReportCommand,
        (): &(),
    ) -> Result<Vec<ReportEvent>, ReportRefusal> {
        match (command, state) {
            (ReportCommand::Message(mut report), Self::Absent) => {
                report.description = described(&report.description)?;
                Ok(vec![(*report).into()])
            }
            (ReportCommand::User(mut report), Self::Absent) => {
                report.description = described(&report.description)?;
                Ok(vec![(*report).into()])
            }
            (ReportCommand::Message(_) | ReportCommand::User(_), _) => {
                Err(ReportRefusal::AlreadyExists)
            }
            (ReportCommand::Dismiss(_), Self::Absent) => Err(ReportRefusal::NotFound),
            (ReportCommand::Dismiss(_), Self::Dismissed) => Ok(vec![]),
            (ReportCommand::Dismiss(dismissed), Self::Open) => Ok(vec![(*dismissed).into()]),
        }
    }

    fn evolve(_: Self, event: &ReportEvent) -> Self {
        match event {
            ReportEvent::MessageReported(_) | ReportEvent::UserReported(_) => Self::Open,
            ReportEvent::ReportDismissed(_) => Self::Dismissed,
        }
    }
}

fn described(text: &str) -> Result<String, ReportRefusal> {
    crate::text::filled(text)
        .map(str::to_owned)
        .ok_or(ReportRefusal::DescriptionRequired)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;
    use serde_json::json;

    const AT: Timestamp = Timestamp::from_millis(6);

    fn message(description: &str) -> MessageReported {
        MessageReported {
            report: "r".to_owned(),
            message: MessageId::new("m"),
            room: RoomId::new("room"),
            author: UserId::new("you"),
            copy: json!({ "msg": "rude" }),
            description: description.to_owned(),
            by: UserId::new("me"),
            at: AT,
        }
    }

    fn user(description: &str) -> UserReported {
        UserReported {
            report: "r".to_owned(),
            user: UserId::new("you"),
            description: description.to_owned(),
            by: UserId::new("me"),
            at: AT,
        }
    }

    fn dismissed() -> ReportDismissed {
        ReportDismissed {
            report: "r".to_owned(),
            by: UserId::new("admin"),
            reason: None,
            action: Some("warned".to_owned()),
            at: AT,
        }
    }

    #[test]
    fn a_report_says_what_is_wrong() {
        given::<Report>([])
            .when(ReportCommand::Message(Box::new(message(" rude "))), &())
            .then([message("rude").into()]);
        given::<Report>([])
            .when(ReportCommand::User(Box::new(user("rude"))), &())
            .then([user("rude").into()]);
        for command in [
            ReportCommand::Message(Box::new(message(" "))),
            ReportCommand::User(Box::new(user(""))),
        ] {
            given::<Report>([])
                .when(command, &())
                .then_refused(ReportRefusal::DescriptionRequired);
        }
    }

    #[test]
    fn a_report_is_dismissed_once() {
        let dismiss = ReportCommand::Dismiss(Box::new(dismissed()));
        given::<Report>([message("rude").into()])
            .when(dismiss.clone(), &())
            .then([dismissed().into()]);
        given::<Report>([message("rude").into(), dismissed().into()])
            .when(dismiss.clone(), &())
            .then_nothing();
        given::<Report>([])
            .when(dismiss, &())
            .then_refused(ReportRefusal::NotFound);
        given::<Report>([user("rude").into()])
            .when(ReportCommand::User(Box::new(user("rude"))), &())
            .then_refused(ReportRefusal::AlreadyExists);
    }
}
