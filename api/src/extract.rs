//! From an HTTP request to what a handler works with: who calls, and with what parameters.

pub mod body;
pub mod client;
pub mod filter;
pub mod forwarded;
pub mod json;
pub mod links;
pub mod local;
pub mod page;
pub mod params;
pub mod schema;
pub mod upload;

use std::sync::Arc;

use application::ids::now;
use application::token::{is_expired, token_hash};
use axum::body::{Body, Bytes};
use axum::extract::RawPathParams;
use axum::http::{HeaderMap, Method, Uri, header};
use domain::permission::{Authority, Permission, PermissionTable};
use domain::{RoleId, TokenHash, UserId};
use projections::{Since, UserFacts};
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

use crate::budget::Share;
use crate::error::{ApiError, texts};
use crate::extract::body::Kept;
use crate::extract::client::Client;
use crate::extract::page::PageRequest;
use crate::extract::params::{NotADate, Params};
use crate::extract::schema::{Schema, Source};
use crate::route::Takes;
use crate::second_factor;
use crate::state::AppState;

/// Largest body of somebody unknown: nobody signs up or logs in with more.
const MAX_ANONYMOUS_BODY: usize = 1024 * 1024;

/// A body of more bytes is large: it is read apart from the runtime, and counts twice, for as much again is made of it.
pub(crate) const LARGE: usize = 256 * 1024;

/// Who calls, proved by a login token.
#[derive(Clone)]
pub struct Caller {
    /// The user.
    pub user: Arc<UserFacts>,
    /// The hash of the token that was presented.
    pub token: TokenHash,
    /// The grant it was handed out for, where a program presents it that was let in.
    grant: Option<TokenHash>,
    /// The roles that give rights, where those are not all the user has.
    counting: Option<Arc<[RoleId]>>,
}

/// The access token in `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

impl Caller {
    /// The user who came with that token, with the rights they have now.
    pub async fn new(
        state: &AppState,
        user: Arc<UserFacts>,
        token: TokenHash,
    ) -> Result<Self, ApiError> {
        let counting = second_factor::counting_roles(state, &user).await?;
        Ok(Self {
            user,
            token,
            grant: None,
            counting,
        })
    }

    /// Who the request proves, if anyone: by an access token that a program was given, or else by the headers
    /// (contract, conventions 2).
    pub async fn from_request(
        state: &AppState,
        headers: &HeaderMap,
        uri: &Uri,
    ) -> Result<Option<Self>, ApiError> {
        if let Some(caller) = Self::from_bearer(state, headers).await? {
            return Ok(Some(caller));
        }
        let query = uri.query().unwrap_or_default();
        if query.contains("access_token=") {
            let token = form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name == "access_token")
                .map(|(_, token)| token.into_owned());
            if let Some(token) = token
                && let Some(caller) = Self::from_access_token(state, token_hash(&token)).await?
            {
                return Ok(Some(caller));
            }
        }
        Self::from_headers(state, headers).await
    }

    /// Who the access token in `Authorization: Bearer` proves, if anyone.
    pub async fn from_bearer(
        state: &AppState,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, ApiError> {
        match bearer(headers) {
            Some(token) => Self::from_access_token(state, token_hash(token)).await,
            None => Ok(None),
        }
    }

    /// Whose account a program may use with this token, if it is good.
    async fn from_access_token(
        state: &AppState,
        hash: TokenHash,
    ) -> Result<Option<Self>, ApiError> {
        let Some(granted) = state.views().oauth_token(&hash).await? else {
            return Ok(None);
        };
        if granted.renews || !granted.app_active || granted.expires_at < now() {
            return Ok(None);
        }
        let caller = Self::active(state, &granted.user, hash).await?;
        Ok(caller.map(|caller| Self {
            grant: Some(granted.grant),
            ..caller
        }))
    }

    /// Whose token that is, by its hash: of a login, for a program of the user's own, or for one they gave access to.
    pub async fn from_hash(state: &AppState, token: TokenHash) -> Result<Option<Self>, ApiError> {
        match state.views().session(&token).await? {
            Some(session) if is_expired(&state.views().settings(), &session) => Ok(None),
            Some(session) => Self::active(state, &session.user, token).await,
            None => Self::from_access_token(state, token).await,
        }
    }

    /// The user, if they may log in.
    async fn active(
        state: &AppState,
        user: &UserId,
        token: TokenHash,
    ) -> Result<Option<Self>, ApiError> {
        match state.views().user(user).await? {
            Some(user) if user.active => Self::new(state, user, token).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Who the headers prove, if anyone.
    pub async fn from_headers(
        state: &AppState,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, ApiError> {
        let header = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .filter(|text| !text.is_empty())
        };
        let (Some(id), Some(token)) = (header("x-user-id"), header("x-auth-token")) else {
            return Ok(None);
        };
        Self::from_token(state, id, token).await
    }

    /// Who `token` belongs to, if that is the user `id`.
    pub async fn from_token(
        state: &AppState,
        id: &str,
        token: &str,
    ) -> Result<Option<Self>, ApiError> {
        let token = token_hash(token);
        // The lookup is by the hash of a secret: how long it takes says nothing about the secret.
        let Some(session) = state.views().session(&token).await? else {
            return Ok(None);
        };
        let same_user = bool::from(session.user.as_str().as_bytes().ct_eq(id.as_bytes()));
        if !same_user || is_expired(&state.views().settings(), &session) {
            return Ok(None);
        }
        Self::active(state, &session.user, token).await
    }

    /// What the log knows the credential by that the caller came with.
    pub fn credential(&self) -> &TokenHash {
        self.grant.as_ref().unwrap_or(&self.token)
    }

    /// The caller's id.
    pub fn id(&self) -> &UserId {
        &self.user.id
    }

    /// The caller's workspace-wide roles that give rights.
    pub fn roles(&self) -> &[RoleId] {
        self.counting.as_deref().unwrap_or(&self.user.roles)
    }

    /// Whether the caller holds `permission` through a workspace-wide role.
    pub fn may(&self, state: &AppState, permission: Permission) -> bool {
        self.authority(&[], &state.views().permissions())
            .has(permission)
    }

    /// The caller's rights, with the roles held in the room in question.
    pub fn authority<'a>(
        &'a self,
        room_roles: &'a [RoleId],
        permissions: &'a PermissionTable,
    ) -> Authority<'a> {
        Authority {
            actor: &self.user.id,
            roles: self.roles(),
            room_roles,
            permissions,
        }
    }
}

/// How the body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyFormat {
    Json,
    Form,
}

impl BodyFormat {
    fn read(self, body: &[u8]) -> Result<Params, ApiError> {
        match self {
            Self::Form => Ok(Params::from_urlencoded(body)),
            Self::Json => Params::from_json(body),
        }
    }

    /// Reads a large body where it keeps nothing else waiting.
    async fn read_apart(self, body: Bytes) -> Result<Params, ApiError> {
        tokio::task::spawn_blocking(move || self.read(&body))
            .await
            .unwrap_or(Err(ApiError::Internal))
    }
}

/// Everything a request carries but its credentials.
pub struct Input {
    method: Method,
    uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    format: BodyFormat,
    kept: Kept,
    /// A logged-in caller may wrap the parameters in a `payload` text.
    unwrap_payload: bool,
    /// The program at the other end.
    pub client: Client,
    /// The parts of the path that the route leaves open.
    path: Vec<(String, String)>,
    /// What the route takes.
    takes: Takes,
    /// The parameters of a large body, which were read apart from the runtime.
    read: Option<Result<Params, ApiError>>,
    /// The parameters as the schema of the route has checked them.
    checked: Option<Params>,
}

impl Input {
    /// Reads the body that `client` sends for a caller who is logged in (up to `limit` bytes) or not (less).
    pub async fn read(
        parts: axum::http::request::Parts,
        body: Body,
        client: Client,
        logged_in: bool,
        limit: usize,
        share: Share,
    ) -> Result<Self, ApiError> {
        let limit = if logged_in {
            limit
        } else {
            limit.min(MAX_ANONYMOUS_BODY)
        };
        let mut kept = body::read(&parts.headers, body, limit, share).await?;
        let content_type = parts
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let format = match content_type {
            Some(text)
                if text
                    .trim_ascii_start()
                    .to_ascii_lowercase()
                    .starts_with("application/x-www-form-urlencoded") =>
            {
                BodyFormat::Form
            }
            _ => BodyFormat::Json,
        };
        let multipart =
            content_type.is_some_and(|text| text.trim_ascii_start().starts_with("multipart/"));
        let mut read = None;
        if kept.bytes.len() > LARGE {
            kept.count_twice()?;
            if !multipart && parts.method != Method::GET {
                read = Some(format.read_apart(kept.bytes.clone()).await);
            }
        }
        Ok(Self {
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            format,
            kept,
            unwrap_payload: logged_in,
            client,
            path: Vec::new(),
            takes: Takes::Known(&[]),
            read,
            checked: None,
        })
    }

    /// Says what the open parts of the path are.
    pub fn set_path(&mut self, path: &RawPathParams) {
        self.path = path
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
    }

    /// The part of the path that the route calls `{name}`, decoded; empty when it has no such part.
    pub fn path(&self, name: &str) -> &str {
        self.path
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }

    /// Says what the route takes.
    pub fn expect(&mut self, takes: Takes) {
        self.takes = takes;
    }

    /// Checks the parameters; from now on [`Self::params`] gives them as the schema has converted them.
    pub fn check(&mut self, schema: &Schema) -> Result<(), ApiError> {
        self.checked = Some(self.strict(schema)?);
        Ok(())
    }

    /// The body as it came.
    pub fn body(&self) -> &Bytes {
        &self.kept.bytes
    }

    /// The parameters of the query string.
    pub fn query(&self) -> Params {
        Params::from_urlencoded(self.uri.query().unwrap_or_default().as_bytes())
    }

    /// Where the parameters stand: in the query string for GET and for DELETE without a body, else in the body.
    fn source(&self) -> Source {
        let bodyless = self.method == Method::DELETE && self.body().is_empty();
        if self.method == Method::GET || bodyless {
            Source::Query
        } else {
            Source::Body
        }
    }

    /// The parameters.
    pub fn params(&self) -> Result<Params, ApiError> {
        if let Some(checked) = &self.checked {
            return Ok(checked.clone());
        }
        let params = self.sent()?;
        match schema::oversize(params.as_map(), |name| self.takes.declared(name)) {
            None => Ok(params),
            Some(fault) => Err(self.source().fault(&[fault])),
        }
    }

    /// The parameters as they were sent.
    fn sent(&self) -> Result<Params, ApiError> {
        if self.source() == Source::Query {
            return Ok(self.query());
        }
        let params = match &self.read {
            Some(read) => read.clone()?,
            None => self.format.read(self.body())?,
        };
        match params.get("payload") {
            Some(serde_json::Value::String(payload))
                if self.unwrap_payload && !payload.is_empty() =>
            {
                Params::from_json(payload.as_bytes())
            }
            _ => Ok(params),
        }
    }

    /// The parameters, exactly as declared.
    pub fn strict(&self, schema: &Schema) -> Result<Params, ApiError> {
        schema.check(self.params()?, self.source())
    }

    /// The body as a type of its own, without a detour over parameters. `None`: the body is not plain JSON of that
    /// shape, and [`Self::params`] says what is wrong.
    pub fn json<'a, T: serde::Deserialize<'a>>(&'a self) -> Option<T> {
        match self.format {
            // What is larger was read apart from the runtime, and is in the parameters.
            BodyFormat::Json if self.body().len() <= LARGE && json::check(self.body()).is_ok() => {
                serde_json::from_slice(json::text(self.body())).ok()
            }
            BodyFormat::Json | BodyFormat::Form => None,
        }
    }

    /// The parameters as a type of its own.
    pub fn typed<T: DeserializeOwned>(params: Params) -> Result<T, ApiError> {
        serde_json::from_value(serde_json::Value::Object(params.into_map()))
            .map_err(|error| texts::match_error(&error))
    }
}

/// A call that anyone may make.
pub struct Anyone {
    /// Shared state.
    pub state: AppState,
    /// The caller, when there are credentials and they are valid.
    pub caller: Option<Caller>,
    /// What the request carries.
    pub input: Input,
}

/// A call of a logged-in user.
pub struct Call {
    /// Shared state.
    pub state: AppState,
    /// The caller.
    pub caller: Caller,
    /// What the request carries.
    pub input: Input,
}

impl Call {
    /// Whether the caller holds `permission` through a workspace-wide role.
    pub fn may(&self, permission: Permission) -> bool {
        self.caller.may(&self.state, permission)
    }

    /// Refuses (403) a caller without `permission`.
    pub fn need(&self, permission: Permission) -> Result<(), ApiError> {
        if self.may(permission) {
            Ok(())
        } else {
            Err(texts::forbidden())
        }
    }

    /// The date since which the caller wants to know what changed. Every such answer takes it from here: it goes back
    /// further than asked, so that nothing is lost between two questions.
    pub fn since(&self, params: &Params, name: &str) -> Result<Option<Since>, NotADate> {
        let asked = params.date(name)?;
        Ok(asked.map(|asked| self.state.views().since(asked)))
    }

    /// Which part of a list is wanted, in what order.
    pub fn page(&self, params: &Params) -> Result<PageRequest, ApiError> {
        PageRequest::parse(params, &self.state.views().settings())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share() -> Share {
        body::BodyBudget::new(1).share(true, std::net::IpAddr::from([192, 0, 2, 1]))
    }

    async fn input(method: Method, content_type: &str, body: &str, logged_in: bool) -> Input {
        let request = axum::http::Request::builder()
            .method(method)
            .uri("/api/v1/x?a=1")
            .header("content-type", content_type)
            .body(Body::from(body.to_owned()))
            .expect("request");
        let (parts, body) = request.into_parts();
        let client = Client::of(&parts);
        Input::read(parts, body, client, logged_in, usize::MAX, share())
            .await
            .expect("small body")
    }

    #[test]
    fn a_token_is_known_by_its_hash() {
        assert_eq!(
            token_hash("secret").as_str(),
            "K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols="
        );
    }

    #[tokio::test]
    async fn parameters_come_from_where_the_method_says() {
        let get = input(Method::GET, "application/json", r#"{"a":2}"#, true).await;
        assert_eq!(get.params().expect("query").text("a"), Ok(Some("1")));
        let post = input(
            Method::POST,
            "application/json; charset=utf-8",
            r#"{"a":"2"}"#,
            true,
        )
        .await;
        assert_eq!(post.params().expect("json").text("a"), Ok(Some("2")));
        let form = input(
            Method::POST,
            "application/x-www-form-urlencoded",
            "a=3",
            true,
        )
        .await;
        assert_eq!(form.params().expect("form").text("a"), Ok(Some("3")));
    }

    #[tokio::test]
    async fn a_payload_is_unwrapped_for_those_who_are_logged_in() {
        let body = r#"payload={"a":"4"}"#;
        let wrapped = input(
            Method::POST,
            "application/x-www-form-urlencoded",
            body,
            true,
        )
        .await;
        assert_eq!(wrapped.params().expect("payload").text("a"), Ok(Some("4")));
        let anonymous = input(
            Method::POST,
            "application/x-www-form-urlencoded",
            body,
            false,
        )
        .await;
        assert_eq!(anonymous.params().expect("form").text("a"), Ok(None));
    }

    #[tokio::test]
    async fn a_body_has_a_limit() {
        let request = axum::http::Request::post("/")
            .body(Body::from(vec![b' '; MAX_ANONYMOUS_BODY + 1]))
            .expect("request");
        let (parts, body) = request.into_parts();
        let client = Client::of(&parts);
        assert_eq!(
            Input::read(parts, body, client, false, usize::MAX, share())
                .await
                .err(),
            Some(ApiError::TooLarge)
        );
    }

    #[tokio::test]
    async fn a_body_may_begin_with_a_byte_order_mark() {
        let body = "\u{feff}{\"a\":\"2\"}";
        let post = input(Method::POST, "application/json", body, true).await;
        assert_eq!(post.params().expect("json").text("a"), Ok(Some("2")));
        let typed: Option<std::collections::HashMap<String, String>> = post.json();
        assert_eq!(typed.expect("json")["a"], "2");
    }

    #[tokio::test]
    async fn a_large_body_is_read_as_any_other() {
        let text = "x".repeat(LARGE);
        let body = serde_json::json!({ "a": "2", "text": text }).to_string();
        let mut post = input(Method::POST, "application/json", &body, true).await;
        assert!(post.params().is_err(), "nothing is said of so long a text");
        post.expect(Takes::Known(&[("text", schema::Kind::Document)]));
        assert_eq!(post.params().expect("json").text("a"), Ok(Some("2")));
    }
}
