//! What recorded events belong to: the request that caused them.

use domain::UserId;
use eventstore::{Cause, CorrelationId};

tokio::task_local! {
    static REQUEST: CorrelationId;
}

/// Runs the work for a request: whatever is recorded meanwhile belongs to it.
pub async fn within<T>(request: CorrelationId, answer: impl Future<Output = T>) -> T {
    REQUEST.scope(request, answer).await
}

/// The cause of what `actor` asks for now: the present request, or else a correlation of its own.
pub fn cause(actor: &UserId) -> Cause {
    let correlation_id = REQUEST
        .try_with(|request| *request)
        .unwrap_or_else(|_| CorrelationId::fresh());
    Cause {
        actor: actor.clone(),
        correlation_id,
        causation_id: None,
    }
}
