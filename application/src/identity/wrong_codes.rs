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

/// What `check` finds; `None`: the code is wrong. After too many wrong ones nothing is checked.
///
/// Each counts before it is looked at, and a right one is taken back, so that many at the same moment are no more than
/// one after the other.
pub async fn counted<T>(
    workspace: &Workspace,
    user: &UserId,
    check: impl Future<Output = Result<Option<T>, Error>>,
) -> Result<Option<T>, Error> {
    let guesses = workspace.guesses();
    let wrong = Subject::of(&("second factor", "wrong", user.as_str()));
    if guesses.count_subject(wrong, WRONG_CODES, now()).is_err() {
        return Ok(None);
    }
    let found = check.await;
    if !matches!(found, Ok(None)) {
        guesses.take_back(wrong);
    }
    found
}
