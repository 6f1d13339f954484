//! How often users may change their address and their status text, through any door (contract, conventions 1.6: inner
//! limits). The counts are this process's.

use domain::permission::Permission;
use domain::user::UserCommand;
use domain::{UserId, text};
use projections::UserFacts;

use crate::caller::Caller;
use crate::error::{Error, Refusal};
use crate::ids::now;
use crate::rate_limit::{Limit, Subject};
use crate::workspace::Workspace;

const MINUTE: u64 = 60_000;

/// Every change of address leads to a mail, possibly to a stranger.
const ADDRESS: Limit = Limit {
    calls: 1,
    per: MINUTE,
};

/// Every status text is sent to everyone.
const STATUS_TEXT: Limit = Limit {
    calls: 5,
    per: MINUTE,
};

/// Counts those of the commands that are limited and would change something, and refuses one too many. Users who may
/// change others are not counted, and neither is anyone in tests.
pub async fn count(
    workspace: &Workspace,
    caller: &Caller,
    target: &UserId,
    commands: &[UserCommand],
) -> Result<(), Error> {
    if workspace.config().test_mode || caller.may(workspace, Permission::EDIT_OTHER_USER_INFO) {
        return Ok(());
    }
    let limited: Vec<_> = commands.iter().filter_map(Wish::of).collect();
    if limited.is_empty() {
        return Ok(());
    }
    let user = workspace.views().user(target).await?;
    for wish in limited.iter().filter(|wish| wish.changes(user.as_deref())) {
        let (what, limit) = match wish {
            Wish::Address(_) => ("address", ADDRESS),
            Wish::StatusText(_) => ("status text", STATUS_TEXT),
        };
        let subject = Subject::of(&("own change", what, target.as_str()));
        workspace
            .guesses()
            .count_subject(subject, limit, now())
            .map_err(|seconds| Refusal::TooManyChanges { seconds })?;
    }
    Ok(())
}

/// A command that is limited.
enum Wish<'a> {
    Address(&'a str),
    StatusText(&'a str),
}

impl<'a> Wish<'a> {
    fn of(command: &'a UserCommand) -> Option<Self> {
        match command {
            UserCommand::ChangeEmail { address, .. } => Some(Self::Address(text::trim(address))),
            UserCommand::ChangeProfile { change, .. } => {
                let status = change.status_text.as_deref()?;
                Some(Self::StatusText(text::trim(status)))
            }
            _ => None,
        }
    }

    fn changes(&self, user: Option<&UserFacts>) -> bool {
        let (now, wanted) = match self {
            Self::Address(address) => (user.and_then(UserFacts::first_address), address),
            Self::StatusText(text) => (user.and_then(|user| user.status_text.as_deref()), text),
        };
        now.unwrap_or_default() != *wanted
    }
}
