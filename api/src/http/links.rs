//! Who opens a link: pages load pictures and files, and cannot send headers. The id and the token come in the query
//! string or in cookies, as `rc_uid` and `rc_token` (contract, conventions 2).

use application::caller::Caller;
use axum::http::{HeaderMap, header};

use crate::errors::ApiError;
use crate::http::call::Input;
use crate::state::AppState;

impl Input {
    /// The caller that the link or the cookies prove, if any.
    pub async fn reader(&self, state: &AppState) -> Result<Option<Caller>, ApiError> {
        let query = self.query();
        let text = |name: &str| {
            let said = query.get(name).and_then(|value| value.as_str());
            said.map_or_else(|| cookie(&self.headers, name), |text| Some(text.to_owned()))
        };
        match (text("rc_uid"), text("rc_token")) {
            (Some(id), Some(token)) => Ok(Caller::from_token(state, &id, &token).await?),
            _ => Ok(None),
        }
    }
}

pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim_ascii().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.trim_matches('"').to_owned())
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_by_name() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            "a=1; rc_uid=\"me\"; rc_token=x=y"
                .parse()
                .expect("a header"),
        );
        headers.append(header::COOKIE, "empty=; b=2".parse().expect("a header"));
        let seen = |name: &str| cookie(&headers, name);
        assert_eq!(seen("rc_uid").as_deref(), Some("me"));
        assert_eq!(seen("rc_token").as_deref(), Some("x=y"));
        assert_eq!(seen("b").as_deref(), Some("2"));
        assert_eq!((seen("empty"), seen("uid")), (None, None));
    }
}
