//! Catch-up, then live, without gap or repetition at the seam.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use crate::{Chunks, EventStore, Filter, Position, ReadError, Tail};

/// How long a subscriber waits for a wake-up before it looks at the log anyway.
const POLL: Duration = Duration::from_secs(5);

/// All events after `after`: first those already recorded, then each new one as it is committed. Ends only with
/// the log; an error is yielded and ends the stream, so that the caller decides how to go on. Nothing is yielded of
/// another generation of the log than that of the call.
pub fn subscribe(store: Arc<dyn EventStore>, after: Position) -> Chunks {
    let generation = store.generation();
    Box::pin(async_stream::stream! {
        // Signed up before the first look, so that nothing slips between the two.
        let mut tail = store.tail();
        let mut last = after;
        loop {
            let mut behind = store.read_all(last, Filter::default());
            while let Some(chunk) = futures::StreamExt::next(&mut behind).await {
                match chunk {
                    _ if store.generation() != generation => {
                        yield Err(ReadError::Replaced);
                        return;
                    }
                    Ok(events) => {
                        last = events.last().map_or(last, |event| event.position);
                        yield Ok(events);
                    }
                    Err(error) => {
                        yield Err(error);
                        return;
                    }
                }
            }
            if store.generation() != generation {
                yield Err(ReadError::Replaced);
                return;
            }
            // Live: what this process commits arrives directly, as long as it is what comes next.
            loop {
                match tokio::time::timeout(POLL, tail.recv()).await {
                    _ if store.generation() != generation => {
                        yield Err(ReadError::Replaced);
                        return;
                    }
                    Ok(Ok(Tail::Committed(events))) => match (events.first(), events.last()) {
                        (Some(first), Some(end)) if first.position == last.next() => {
                            last = end.position;
                            yield Ok(events);
                        }
                        (_, Some(end)) if end.position <= last => {}
                        _ => break,
                    },
                    Ok(Ok(Tail::Wake) | Err(RecvError::Lagged(_))) | Err(_) => break,
                    Ok(Err(RecvError::Closed)) => return,
                }
            }
        }
    })
}
