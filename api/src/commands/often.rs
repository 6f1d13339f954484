//! How often somebody may do single things, whatever the door (contract, conventions 1.6). Counted per user, for one who
//! does them all the time is no reason to stop others.

use domain::permission::Permission;
use domain::user::UserCommand;

use crate::error::{ApiError, texts};
use crate::extract::Caller;
use crate::rate_limit::{Limit, Subject};
use crate::state::{AppState, now};

const MINUTE: u64 = 60_000;

/// Addresses: every new one is sent a mail.
const EMAILS: Limit = Limit {
    calls: 1,
    per: MINUTE,
};

/// What people say they are up to: everybody who sees them is told.
const STATUS_TEXTS: Limit = Limit {
    calls: 5,
    per: MINUTE,
};

/// Refuses what is done too often (429), by those who may not change others anyway.
pub(super) fn check(
    state: &AppState,
    caller: &Caller,
    commands: &[UserCommand],
) -> Result<(), ApiError> {
    if state.config().test_mode || caller.may(state, Permission::EDIT_OTHER_USER_INFO) {
        return Ok(());
    }
    for command in commands {
        let (what, limit) = match command {
            UserCommand::ChangeEmail { .. } => ("email", EMAILS),
            UserCommand::ChangeProfile { change, .. } if change.status_text.is_some() => {
                ("status text", STATUS_TEXTS)
            }
            _ => continue,
        };
        let subject = Subject::of(&("operation", what, caller.id().as_str()));
        state
            .guesses()
            .count_subject(subject, limit, now())
            .map_err(texts::too_many_operations)?;
    }
    Ok(())
}
