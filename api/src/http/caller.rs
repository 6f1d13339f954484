//! Proves who a request comes from (contract, conventions 2).

use application::caller::Caller;
use application::token::token_hash;
use axum::http::{HeaderMap, Uri, header};

use crate::errors::ApiError;
use crate::state::AppState;

/// The caller that the request proves, if any: by an access token granted to a program, or else by a login token.
pub async fn of_request(
    state: &AppState,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Option<Caller>, ApiError> {
    if let Some(caller) = of_bearer(state, headers).await? {
        return Ok(Some(caller));
    }
    if let Some(token) = access_token(uri)
        && let Some(caller) = Caller::from_access_token(state, token_hash(&token)).await?
    {
        return Ok(Some(caller));
    }
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .filter(|text| !text.is_empty())
    };
    let (Some(id), Some(token)) = (header("x-user-id"), header("x-auth-token")) else {
        return Ok(None);
    };
    Ok(Caller::from_token(state, id, token).await?)
}

/// The caller that the access token in `Authorization: Bearer` proves, if any.
pub async fn of_bearer(state: &AppState, headers: &HeaderMap) -> Result<Option<Caller>, ApiError> {
    match bearer(headers) {
        Some(token) => Ok(Caller::from_access_token(state, token_hash(token)).await?),
        None => Ok(None),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The access token in the query string.
fn access_token(uri: &Uri) -> Option<String> {
    let query = uri
        .query()
        .filter(|query| query.contains("access_token="))?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "access_token")
        .map(|(_, token)| token.into_owned())
}
