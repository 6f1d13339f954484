//! Where a socket begins: at a position its client names, or now.

use eventstore::Position;
use projections::live::Feed;
use projections::{QueryError, WaitError};

use super::Shared;
use crate::extract::Caller;

/// What the handshake's `after` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing: begin now.
    Now,
    /// Resume after this position.
    Position(Position),
    /// Not a position.
    Malformed,
}

impl After {
    /// Finds `after` in a query string. Naming it twice is a mistake like any other.
    pub(super) fn parse(query: Option<&str>) -> Self {
        let mut values = query.unwrap_or_default().split('&').filter_map(|pair| {
            if pair == "after" {
                Some("")
            } else {
                pair.strip_prefix("after=")
            }
        });
        match (values.next(), values.next()) {
            (None, _) => Self::Now,
            // Digits alone: `parse` would also take a plus sign.
            (Some(value), None) if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                value.parse().map_or(Self::Malformed, |position| {
                    Self::Position(Position::new(position))
                })
            }
            _ => Self::Malformed,
        }
    }
}

/// Refuses what is not a position of this log, in words for the client.
pub(super) async fn check(shared: &Shared, after: After) -> Result<(), String> {
    match after {
        After::Now => Ok(()),
        After::Malformed => Err("`after` is not a position: a whole number from 0".to_owned()),
        After::Position(position) if position <= shared.state.views().applied() => Ok(()),
        // Another node may have told the client more than this node has seen. The log knows.
        After::Position(position) => match shared.state.executor().store().head().await {
            Ok(head) if position <= head => Ok(()),
            Ok(head) => Err(format!("`after` is {position}, but the log ends at {head}")),
            Err(error) => Err(format!("`after` cannot be checked now: {error}")),
        },
    }
}

/// The updates of `caller` from where the client asks on. Waits for the views of this node, should they be behind.
pub(super) async fn begin(
    shared: &Shared,
    caller: &Caller,
    after: After,
) -> Result<Feed, BeginError> {
    let views = shared.state.views();
    let after = match after {
        After::Now | After::Malformed => None,
        After::Position(position) => {
            views.wait_for(position).await?;
            Some(position)
        }
    };
    Ok(views.feed(caller.id(), after).await?)
}

/// Why there are no updates now.
#[derive(Debug, thiserror::Error)]
pub(super) enum BeginError {
    /// The views do not get there.
    #[error(transparent)]
    Behind(#[from] WaitError),
    /// The views cannot answer.
    #[error(transparent)]
    Views(#[from] QueryError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_is_a_whole_number_given_once() {
        let at = |position| After::Position(Position::new(position));
        assert_eq!(After::parse(None), After::Now);
        assert_eq!(After::parse(Some("x=1&afterwards=2")), After::Now);
        assert_eq!(After::parse(Some("x=1&after=2")), at(2));
        assert_eq!(After::parse(Some("after=0")), at(0));
        assert_eq!(
            After::parse(Some("after=18446744073709551615")),
            at(u64::MAX)
        );
        for wrong in [
            "after",
            "after=",
            "after=-1",
            "after=%2B1",
            "after=+1",
            "after=1.0",
            "after=1&after=1",
            "after=18446744073709551616",
        ] {
            assert_eq!(After::parse(Some(wrong)), After::Malformed, "{wrong}");
        }
    }
}
