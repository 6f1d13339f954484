//! Who is at the other end, and what they may see. Asked at every start and whenever the guard says so.

use application::caller::Caller;
use application::token::token_hash;
use axum::http::{HeaderMap, header};
use domain::RoomId;
use domain::access::{Beyond, can_read_history};
use projections::QueryError;
use subtle::ConstantTimeEq as _;

use crate::errors::ApiError;
use crate::state::AppState;

/// The owner of `token`; nobody if that is not `user`. Tokens granted to programs work as well as login tokens.
pub(crate) async fn authenticate(
    state: &AppState,
    user: Option<&str>,
    token: &str,
) -> Result<Option<Caller>, ApiError> {
    let caller = Caller::from_hash(state, token_hash(token)).await?;
    let is_named = |caller: &Caller| {
        user.is_none_or(|user| bool::from(caller.id().as_str().as_bytes().ct_eq(user.as_bytes())))
    };
    Ok(caller.filter(is_named))
}

/// The caller that the handshake's headers prove. Wrong credentials are refused here; none are fine.
pub(crate) async fn of_headers(
    state: &AppState,
    headers: &HeaderMap,
) -> Result<Option<Caller>, ApiError> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let caller = match (bearer, text("x-auth-token")) {
        (Some(token), _) | (None, Some(token)) => {
            authenticate(state, text("x-user-id"), token).await?
        }
        (None, None) => return Ok(None),
    };
    caller.map(Some).ok_or(ApiError::NotLoggedIn)
}

/// The caller as the views have them now; `None`: the token is void, or the account may no longer log in.
pub(crate) async fn renew(state: &AppState, caller: &Caller) -> Result<Option<Caller>, ApiError> {
    Ok(caller.renewed(state).await?)
}

/// Whether the views let the caller follow the room.
pub(crate) async fn may_watch(
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
    Ok(can_read_history(
        &authority,
        &facts,
        Some(&membership),
        Beyond::Nothing,
        false,
    ))
}
