//! How often somebody may be wrong about the codes of an account, whatever the codes are asked for.

use domain::UserId;

use crate::error::Error;
use crate::ids::now;
use crate::rate_limit::{Limit, Subject};
use crate::workspace::Workspace;

/// Wrong codes per user and quarter of an hour, after which right ones are not accepted either: otherwise six digits
/// are quickly guessed.
const WRONG_CODES: Limit = Limit {
    calls: 20,
    per: 15 * 60_000,
};

/// What `check` finds; `None`, which counts: the code is wrong. After too many of those nothing is checked.
pub async fn counted<T>(
    workspace: &Workspace,
    user: &UserId,
    check: impl Future<Output = Result<Option<T>, Error>>,
) -> Result<Option<T>, Error> {
    let guesses = workspace.guesses();
    let wrong = Subject::of(&("second factor", "wrong", user.as_str()));
    if guesses.used(wrong, now()) < WRONG_CODES.calls
        && let Some(found) = check.await?
    {
        return Ok(Some(found));
    }
    // The result does not matter: what is counted here shows as a wrong code.
    let _ = guesses.count_subject(wrong, WRONG_CODES, now());
    Ok(None)
}
