//! What recorded events belong to: the request that caused them, and the event before them that did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::UserId;
use eventstore::{Cause, CorrelationId, EventId, RecordedEvent};

/// Work that events are recorded for.
#[derive(Clone)]
struct Work {
    request: CorrelationId,
    /// The event it is a consequence of.
    because: Option<EventId>,
    /// Whether anything was recorded for it.
    recorded: Arc<AtomicBool>,
}

tokio::task_local! {
    static WORK: Work;
}

/// Runs the work for a request: whatever is recorded meanwhile belongs to it. Also tells whether anything was.
pub async fn within<T>(request: CorrelationId, answer: impl Future<Output = T>) -> (T, bool) {
    let recorded = Arc::new(AtomicBool::new(false));
    let work = Work {
        request,
        because: None,
        recorded: Arc::clone(&recorded),
    };
    let answer = WORK.scope(work, answer).await;
    (answer, recorded.load(Ordering::Relaxed))
}

/// Runs work that an event leads to: whatever is recorded meanwhile belongs to the request of that event.
pub async fn because_of<T>(event: &RecordedEvent, work: impl Future<Output = T>) -> T {
    let because = Work {
        request: event.correlation_id,
        because: Some(event.id),
        recorded: Arc::default(),
    };
    WORK.scope(because, work).await
}

/// The cause of what `actor` asks for now: the present work, or else a correlation of its own.
pub fn cause(actor: &UserId) -> Cause {
    let work = WORK.try_with(Clone::clone).ok();
    Cause {
        actor: actor.clone(),
        correlation_id: work
            .as_ref()
            .map_or_else(CorrelationId::fresh, |work| work.request),
        causation_id: work.and_then(|work| work.because),
    }
}

/// Notes that something was recorded for the present work.
pub(crate) fn note_recorded() {
    // Work of the server itself is of no request.
    let _ = WORK.try_with(|work| work.recorded.store(true, Ordering::Relaxed));
}
