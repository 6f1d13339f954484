//! Where a socket begins: at a position its client names, or now.

use application::caller::Caller;
use eventstore::{Mark, Position};
use projections::live::{Feed, Resume};
use projections::{QueryError, WaitError};

use crate::live::Shared;

/// What the handshake's `after` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing: begin now.
    Now,
    /// Resume after this position, of whatever log.
    Position(Position),
    /// Resume where a frame said.
    Resume(Resume),
    Malformed,
}

impl After {
    /// Finds `after` in a query string. Naming it twice is malformed too.
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
            (Some(value), None) => value.parse().map_or(Self::Malformed, Self::Resume),
            _ => Self::Malformed,
        }
    }
}

/// Why a socket cannot begin where its client asks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such place in this log; the text is for the client.
    BadPosition(String),
    /// It cannot be found out now.
    Later,
}

/// The place in this log where the client asks to begin; `None`: now. What is no place in it is refused. A position
/// alone does not say which log it is from: any log with that many events has it.
pub(super) async fn place(shared: &Shared, after: After) -> Result<Option<Resume>, Refusal> {
    let (wanted, position) = match after {
        After::Now => return Ok(None),
        After::Malformed => {
            let text = "`after` is neither a position, a whole number from 0, nor what a frame had as `resume`";
            return Err(Refusal::BadPosition(text.to_owned()));
        }
        After::Position(position) => (None, position),
        After::Resume(resume) => (Some(resume), resume.event().position),
    };
    let mark = mark_at(shared, position).await?;
    // Before it tells anybody anything, a sandbox records that it is one: what was copied it never had a client at.
    let copied = shared.state.config().sandbox.as_ref();
    let copied = copied.is_some_and(|sandbox| position <= sandbox.position && mark != Mark::START);
    if wanted.is_some_and(|wanted| wanted.event() != mark || copied) {
        let text = "`after` is of another log; fetch the state anew and connect without it";
        return Err(Refusal::BadPosition(text.to_owned()));
    }
    Ok(Some(wanted.unwrap_or(mark.into())))
}

/// The place at a position of this log.
async fn mark_at(shared: &Shared, position: Position) -> Result<Mark, Refusal> {
    let published = shared.state.views().hub().published();
    if published.position == position {
        return Ok(published);
    }
    // Another node may have told the client more than this node has seen. The log knows.
    let log = shared.state.executor().store();
    let later = |error: eventstore::ReadError| {
        tracing::warn!(%error, "it cannot be told whether a socket may resume");
        Refusal::Later
    };
    if let Some(place) = log.place(position).await.map_err(later)? {
        return Ok(place.mark());
    }
    let head = log.head().await.map_err(later)?;
    Err(Refusal::BadPosition(format!(
        "`after` is {position}, but the log ends at {head}"
    )))
}

/// The updates of `caller` from a place on, or from now on. Waits for the views of this node if they are behind.
pub(super) async fn begin(
    shared: &Shared,
    caller: &Caller,
    after: Option<Resume>,
) -> Result<Feed, BeginError> {
    let views = shared.state.views();
    if let Some(after) = after {
        views.wait_for(after.event().position).await?;
    }
    Ok(views.feed(caller.id(), after).await?)
}

#[derive(Debug, thiserror::Error)]
pub(super) enum BeginError {
    /// The views do not get there in time.
    #[error(transparent)]
    Behind(#[from] WaitError),
    #[error(transparent)]
    Views(#[from] QueryError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_is_a_whole_number_or_a_mark_given_once() {
        let at = |position| After::Position(Position::new(position));
        assert_eq!(After::parse(None), After::Now);
        assert_eq!(After::parse(Some("x=1&afterwards=2")), After::Now);
        assert_eq!(After::parse(Some("x=1&after=2")), at(2));
        assert_eq!(After::parse(Some("after=0")), at(0));
        assert_eq!(
            After::parse(Some("after=18446744073709551615")),
            at(u64::MAX)
        );
        let mark: Resume = "2-00000000000000ff-half".parse().unwrap();
        assert_eq!(
            After::parse(Some(&format!("after={mark}"))),
            After::Resume(mark)
        );
        for wrong in [
            "after=2-",
            "after=2-ff",
            "after=-00000000000000ff",
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
