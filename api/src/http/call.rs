//! From an HTTP request to what a handler works with: the caller and the parameters.

use application::caller::Caller;
use application::origin::Client;
use axum::body::{Body, Bytes};
use axum::extract::RawPathParams;
use axum::http::{HeaderMap, Method, Uri, header};
use domain::permission::Permission;
use projections::{Since, Slice};
use serde::de::DeserializeOwned;

use crate::errors::{ApiError, wording};
use crate::http::body::{self, Kept};
use crate::http::json;
use crate::http::page::{Page, PageRequest, Part, Sorted};
use crate::http::parameters::{Date, Parameters};
use crate::http::params::{NotADate, Params};
use crate::http::schema::{self, Schema, Source, Style, Takes};
use crate::state::AppState;
use crate::state::memory_budget::Share;

/// Largest body of an unknown caller: signing up and logging in need no more.
const MAX_ANONYMOUS_BODY: usize = 1024 * 1024;

/// A body of more bytes is large: it is parsed off the runtime, and counts twice, because the parsed form takes as much
/// again.
pub(crate) const LARGE: usize = 256 * 1024;

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

    /// Parses a large body where it keeps nothing else waiting.
    async fn read_apart(self, body: Bytes) -> Result<Params, ApiError> {
        tokio::task::spawn_blocking(move || self.read(&body))
            .await
            .unwrap_or(Err(ApiError::Internal))
    }
}

/// Everything a request carries except its credentials.
pub struct Input {
    method: Method,
    uri: Uri,
    pub headers: HeaderMap,
    format: BodyFormat,
    kept: Kept,
    /// A logged-in caller may wrap the parameters in a `payload` text.
    unwrap_payload: bool,
    pub client: Client,
    /// The parts of the path that the route leaves open.
    path: Vec<(String, String)>,
    takes: Takes,
    /// The parameters of a large body, which were parsed off the runtime.
    read: Option<Result<Params, ApiError>>,
    /// The parameters as the schema of the route converted them.
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
            takes: Takes::Params(&Schema::OPEN),
            read,
            checked: None,
        })
    }

    pub fn set_path(&mut self, path: &RawPathParams) {
        self.path = path
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
    }

    /// The part of the path that the route calls `{name}`, decoded; empty if there is none.
    pub fn path(&self, name: &str) -> &str {
        self.path
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }

    pub fn expect(&mut self, takes: Takes) {
        self.takes = takes;
    }

    /// Checks the parameters; after that, [`Self::params`] returns them as the schema converted them.
    pub fn check(&mut self, schema: &Schema) -> Result<(), ApiError> {
        self.refuse_list()?;
        self.checked = Some(schema.check(self.params()?, self.source())?);
        Ok(())
    }

    /// Where parameters are named, and no others are taken, a list of values is a mistake.
    fn refuse_list(&self) -> Result<(), ApiError> {
        let source = self.source();
        let mut begin = json::text(self.body()).iter();
        let is_list = begin.find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        if is_list && source == Source::Body && self.format == BodyFormat::Json {
            return Err(source.fault(&["must be object".to_owned()]));
        }
        Ok(())
    }

    pub fn body(&self) -> &Bytes {
        &self.kept.bytes
    }

    pub fn query(&self) -> Params {
        Params::from_urlencoded(self.uri.query().unwrap_or_default().as_bytes())
    }

    /// Refuses parameters in the address where all of them are in the body: whoever narrows something there would get more
    /// than they asked for.
    pub fn body_only(&self) -> Result<(), ApiError> {
        let mut query = self.query();
        let _ = query.take("access_token");
        query.nothing_else()
    }

    /// Where the parameters are: in the query string for GET and HEAD and for DELETE without a body, else in the body.
    fn source(&self) -> Source {
        match self.method {
            Method::GET | Method::HEAD => Source::Query,
            Method::DELETE if self.body().is_empty() => Source::Query,
            _ => Source::Body,
        }
    }

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

    fn sent(&self) -> Result<Params, ApiError> {
        if self.source() == Source::Query {
            let mut query = self.query();
            // It says who asks, see `http/caller.rs`, not what.
            let _ = query.take("access_token");
            return Ok(query);
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

    /// The body as a `T`, without a detour over parameters. `None`: the body is not plain JSON of that shape, and
    /// [`Self::params`] says what is wrong.
    pub fn json<'a, T: serde::Deserialize<'a>>(&'a self) -> Option<T> {
        match self.format {
            // Larger bodies were parsed off the runtime, and are in the parameters.
            BodyFormat::Json if self.body().len() <= LARGE && json::check(self.body()).is_ok() => {
                serde_json::from_slice(json::text(self.body())).ok()
            }
            BodyFormat::Json | BodyFormat::Form => None,
        }
    }

    pub fn typed<T: DeserializeOwned>(params: Params) -> Result<T, ApiError> {
        serde_json::from_value(serde_json::Value::Object(params.into_map()))
            .map_err(|error| wording::match_error(&error))
    }
}

/// What a handler takes, read from a request.
pub trait FromInput: Sized + Send + 'static {
    const SCHEMA: Schema;

    fn from_input(input: &mut Input) -> Result<Self, ApiError>;
}

impl<P: Parameters> FromInput for P {
    const SCHEMA: Schema = P::SCHEMA;

    fn from_input(input: &mut Input) -> Result<Self, ApiError> {
        let mut params = match input.checked.take() {
            Some(checked) => checked,
            None if P::SCHEMA.style == Style::Exact => {
                P::SCHEMA.check(input.params()?, input.source())?
            }
            None => {
                if P::SCHEMA.style == Style::Closed {
                    input.refuse_list()?;
                }
                input.params()?
            }
        };
        P::read(&mut params)
    }
}

/// A call that anyone may make.
pub struct Anyone {
    pub state: AppState,
    /// The caller, if there are valid credentials.
    pub caller: Option<Caller>,
    pub input: Input,
}

/// A call of a logged-in user.
pub struct Call {
    pub state: AppState,
    pub caller: Caller,
    pub input: Input,
}

/// What handlers are handed.
pub trait FromRequest: Send + 'static {
    fn input(&mut self) -> &mut Input;
}

impl FromRequest for Anyone {
    fn input(&mut self) -> &mut Input {
        &mut self.input
    }
}

impl FromRequest for Call {
    fn input(&mut self) -> &mut Input {
        &mut self.input
    }
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
            Err(wording::forbidden())
        }
    }

    /// The changes since `asked` that the caller wants. Every such route takes it from here: it goes back further than
    /// asked, so that nothing is lost between two calls.
    pub fn changes_since(&self, asked: Option<Date>) -> Result<Option<Since>, NotADate> {
        let asked = asked.map(|date| date.0).transpose()?;
        Ok(asked.map(|asked| self.state.views().since(asked)))
    }

    pub fn part(&self, part: &Part) -> Slice {
        part.slice(&self.state.views().settings())
    }

    pub fn sorted(&self, page: &Sorted) -> Result<PageRequest, ApiError> {
        PageRequest::of_sorted(page, &self.state.views().settings())
    }

    pub fn page(&self, page: &Page) -> Result<PageRequest, ApiError> {
        PageRequest::of(page, &self.state.views().settings())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::client;
    use crate::http::parameters::{Document, field};
    use crate::state::memory_budget::BodyBudget;

    fn share() -> Share {
        BodyBudget::new(1).share(true, std::net::IpAddr::from([192, 0, 2, 1]))
    }

    async fn input(method: Method, content_type: &str, body: &str, logged_in: bool) -> Input {
        let request = axum::http::Request::builder()
            .method(method)
            .uri("/api/v1/x?a=1")
            .header("content-type", content_type)
            .body(Body::from(body.to_owned()))
            .expect("request");
        let (parts, body) = request.into_parts();
        let client = client::of(&parts);
        Input::read(parts, body, client, logged_in, usize::MAX, share())
            .await
            .expect("small body")
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
        let client = client::of(&parts);
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
        static TEXT: Schema = Schema {
            fields: &[field::<Document>("text", false)],
            ..Schema::OPEN
        };
        let text = "x".repeat(LARGE);
        let body = serde_json::json!({ "a": "2", "text": text }).to_string();
        let mut post = input(Method::POST, "application/json", &body, true).await;
        assert!(post.params().is_err(), "nothing is said of so long a text");
        post.expect(Takes::Params(&TEXT));
        assert_eq!(post.params().expect("json").text("a"), Ok(Some("2")));
    }
}
