//! Who is at the other end, and what they may see. Asked at every start and whenever the guard says so.

use domain::RoomId;
use domain::access::can_read_history;
use projections::QueryError;

use crate::error::ApiError;
use crate::extract::{Caller, is_expired, token_hash};
use crate::state::AppState;

/// Who `token` belongs to; nobody when that is not `user`.
pub(super) async fn authenticate(
    state: &AppState,
    user: Option<&str>,
    token: &str,
) -> Result<Option<Caller>, ApiError> {
    if let Some(user) = user {
        return Caller::from_token(state, user, token).await;
    }
    match state.views().session(&token_hash(token)).await? {
        Some(session) => Caller::from_token(state, session.user.as_str(), token).await,
        None => Ok(None),
    }
}

/// The caller as the views have them now; `None` when the token is void or the account may not log in any more.
pub(super) async fn renew(state: &AppState, caller: &Caller) -> Result<Option<Caller>, QueryError> {
    let views = state.views();
    let session = views.session(&caller.token).await?;
    let valid = session.is_some_and(|session| {
        session.user == *caller.id() && !is_expired(&views.settings(), &session)
    });
    if !valid {
        return Ok(None);
    }
    let user = views.user(caller.id()).await?;
    Ok(user.filter(|user| user.active).map(|user| Caller {
        user,
        token: caller.token.clone(),
    }))
}

/// Whether the views let the caller read along in the room.
pub(super) async fn may_watch(
    state: &AppState,
    caller: &Caller,
    room: &RoomId,
) -> Result<bool, QueryError> {
    let views = state.views();
    let Some(facts) = views.room_facts(room).await? else {
        return Ok(false);
    };
    let Some(membership) = views.membership_facts(room, caller.id()).await? else {
        return Ok(false);
    };
    let permissions = views.permissions();
    let authority = caller.authority(&membership.roles, &permissions);
    Ok(can_read_history(&authority, &facts, Some(&membership)))
}
